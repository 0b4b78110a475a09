"""Local: a question that nobody recorded goes to a model on this machine, which is not Claude.

Decides what an engine (Ollama, LM Studio, llama.cpp's server) is told and what is made of its
answer: marked, complete in the fields that lessons read, without a path of the machine. It must not
do any I/O: `engines` looks for the engine, `upstream` carries a question to it.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from courseserver import wire
from courseserver.account import Account
from courseserver.ids import make_id
from courseserver.journal import Entry
from courseserver.missed import LEFT_OUT
from courseserver.price import LOCAL
from courseserver.relay import usage_of
from courseserver.values import JSON, Forward, Outcome, Problem, Reply, Step

# What the three engines know of the Messages API (their documentation, November 2026).
FIELDS = (
    "max_tokens messages stop_sequences stream system temperature tool_choice tools top_k top_p"
)
BLOCKS = {
    "text": ("type", "text"),
    "image": ("type", "source"),
    "tool_use": ("type", "id", "name", "input"),
    "tool_result": ("type", "tool_use_id", "content", "is_error"),
}
TOOL = ("type", "name", "description", "input_schema")
# Engines ask for a key without reading it, and for a version that they have heard of.
HEADERS = {
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "x-api-key": "none-is-needed",
}
SAYS_NOTHING = ("caller",)  # who called a tool: in each reply that a learner sends back
# Engines leave it empty. The rules take any that does not look like an altered one of Claude's.
SIGNATURE = base64.b64encode(b"a model on this machine").decode()
USAGE = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
PATH = re.compile(r"(?:[A-Za-z]:)?[\\/](?:[^\\/\s'\"]+[\\/])+")
LONGEST_NAME = 60


def loopback_url(given: str) -> str:
    """The address of an engine, without what may stand behind the port ("/v1").

    Raises `ValueError` unless it is an address of this machine alone.
    """
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname or "", parts.port or 80
        if host == "localhost":  # which this machine's list of names could send elsewhere
            host = "127.0.0.1"
        address = ipaddress.ip_address(host)
        fits = parts.scheme == "http" and address.is_loopback and not parts.username
    except ValueError:
        fits = False
    if not fits:  # its value is not shown: it may hold a password
        raise ValueError(
            "COURSE_LOCAL_URL is not an address of this machine, so nothing is sent there: your "
            "questions stay here. Write it as COURSE_LOCAL_URL=http://127.0.0.1:8080"
        )
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"


@dataclass(frozen=True)
class Engine:
    """A program on this machine that answers: its address, and its model as it names it."""

    url: str
    model: str

    @property
    def name(self) -> str:
        """The model's name, short and printable: llama.cpp names a model by its file's path."""
        short = re.split(r"[\\/]", self.model)[-1].removesuffix(".gguf")
        return re.sub(r"[^!-~]", "_", short)[:LONGEST_NAME] or "unnamed"


class Local:
    """Asks one engine for one account."""

    def __init__(self, account: Account, engine: Engine) -> None:
        self.account = account
        self.engine = engine
        self._numbers = count(1)

    def ask(self, missed: Entry) -> Forward:
        """The question of an exchange that replay had no reply for, as the engine is asked it."""
        body, left_out = told_to_engine(missed.request.body)
        answer = Answer(self.engine, left_out, next(self._numbers), bool(body.get("stream")))
        raw = wire.compact({"model": self.engine.model, **body})
        return Forward(
            replace(missed.request, raw=raw),
            f"{self.engine.url}/v1/messages",
            HEADERS,
            partial(self._settle, missed, answer),
            translation=answer,
        )

    def _settle(self, missed: Entry, answer: Answer, outcome: Outcome) -> None:
        """Write down what the client got."""
        reply = answer.reply
        if reply is None:  # a stream, or a client that left before there was anything
            usage = usage_of(outcome.body, streamed=True)
            steps = (Step(0.0, outcome.body),)
            reply = Reply(outcome.status, answer.headers, steps, streamed=True, usage=usage)
        model = LOCAL + self.engine.name
        entry = replace(missed, reply=reply, local=model, unsent=answer.failed)
        self.account.journal.add(entry)


class Answer:
    """What one answer of an engine is made into, whole or while it streams.

    `failed`: the client got a sentence of ours in its place, or at its end.
    """

    def __init__(self, engine: Engine, left_out: Iterable[str], number: int, stream: bool) -> None:
        self.engine = engine
        self.stream = stream
        self.failed = False
        self.ended = False
        self.reply: Reply | None = None
        self._buffer = b""
        self._calls = count(1)
        self._seed = ("local", engine.name, number)
        label = f"local {engine.name}"
        if left_out:
            label += LEFT_OUT + ", ".join(left_out)
        self._label = re.sub(r"[^ -~]", "?", label)  # a header's value
        head = wire.headers(200, self._label, *self._seed, streamed=stream)
        self.headers: Mapping[str, str] = wire.unlimited(head)

    # --- whole --------------------------------------------------------------------------------

    def whole(self, outcome: Outcome) -> Reply:
        """The reply to a client, from a body that came whole, or from what went wrong."""
        told = _parsed(outcome.body)
        if outcome.failure:
            self.reply = self._error(502, self._gone())
        elif outcome.status != 200:
            status = outcome.status if 400 <= outcome.status < 600 else 502
            self.reply = self._error(status, self._refused(told, f" (status {outcome.status})"))
        elif self.stream or not isinstance(told.get("content"), list):
            what = f"{self._who} answered with something that is no message of this API. Is "
            self.reply = self._error(502, what + "another program at this address?")
        else:
            message = self._message(told)
            message["content"] = list(map(self._block, message["content"]))
            step = Step(0.0, wire.compact(message))
            self.reply = Reply(200, self.headers, (step,), usage=message["usage"])
        return self.reply

    def _error(self, status: int, sentence: str) -> Reply:
        self.failed = True
        problem = Problem(status, "local_engine", sentence)
        extra = {"x-should-retry": "false"}
        return wire.error(problem, self._label, *self._seed, extra=extra)

    # --- a stream -----------------------------------------------------------------------------

    def piece(self, chunk: bytes) -> bytes:
        """What goes on to the client, now that a piece of a stream has come."""
        self._buffer = (self._buffer + chunk).replace(b"\r\n", b"\n")
        *events, self._buffer = self._buffer.split(b"\n\n")
        return b"".join(map(self._event, events))

    def rest(self) -> bytes:
        """What the client must still hear when no more comes."""
        return b"" if self.ended else self._last(self._gone())

    def _event(self, lines: bytes) -> bytes:
        data = b"".join(
            line.removeprefix(b"data:") for line in lines.split(b"\n") if line.startswith(b"data:")
        )
        if self.ended or not data:  # a comment keeps the connection open
            return b"" if self.ended else lines + b"\n\n"
        event = _parsed(data)
        kind = event.get("type")
        if kind == "message_start":
            event["message"] = self._message(event.get("message") or {})
        elif kind == "content_block_start":
            event["content_block"] = self._block(event.get("content_block") or {})
        elif kind == "content_block_delta" and "signature" in event.get("delta", {}):
            event["delta"]["signature"] = event["delta"]["signature"] or SIGNATURE
        elif kind == "message_delta":
            event["delta"] = _stopped(event.get("delta") or {})
            event["usage"] = {"output_tokens": 0} | (event.get("usage") or {})
        elif kind == "message_stop":
            self.ended = True
        elif b"event: error" in lines or "error" in event:
            return self._last(self._refused(event))
        return _sse(str(kind), event)

    def _last(self, sentence: str) -> bytes:
        self.failed = self.ended = True
        error = {"type": "local_engine", "message": sentence}
        return _sse("error", {"type": "error", "error": error})

    # --- the parts of a message -----------------------------------------------------------------

    def _message(self, told: JSON) -> JSON:
        """A message with the fields that lessons read; the engine's name marks it."""
        usage = told.get("usage") or {}
        usage = {name: usage.get(name) or 0 for name in USAGE}
        plain: JSON = {"type": "message", "role": "assistant", "content": [], "stop_details": None}
        message = {"id": make_id("msg", *self._seed), **plain, **told, "usage": usage}
        return {**_stopped(message), "model": LOCAL + self.engine.name}

    def _block(self, told: JSON) -> JSON:
        """A content block with the fields that the SDK and the next request need."""
        kind = told.get("type")
        if kind == "tool_use":
            known = {"id": make_id("toolu", *self._seed, next(self._calls)), "input": {}}
            return known | {name: value for name, value in told.items() if value}
        if kind == "thinking":
            return {"thinking": "", **told, "signature": told.get("signature") or SIGNATURE}
        return {"text": ""} | told if kind == "text" else told

    # --- sentences ------------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return f"The local engine at {self.engine.url}"

    def _gone(self) -> str:
        return (
            f"{self._who} gave no answer, or stopped in the middle of one. Look at its window: it "
            "may have been stopped, or it may have run out of memory. Start it again, then run "
            "this cell again. The lesson's own cells do not need it."
        )

    def _refused(self, told: JSON, status: str = "") -> str:
        error = told.get("error", told)
        why = error.get("message") if isinstance(error, dict) else error
        why = PATH.sub("", f"{why or 'it gave no reason'}")
        return f"{self._who} could not answer{status}. It says: {why}"


def told_to_engine(asked: JSON) -> tuple[JSON, list[str]]:
    """A request as far as engines know the API, and the names of what was left out."""
    left_out: list[str] = []
    body = _kept(asked, (*FIELDS.split(), "model"), left_out)
    del body["model"]
    body["messages"] = []
    for turn in asked["messages"]:
        content = _content(turn["content"], left_out)
        body["messages"].append({"role": turn["role"], "content": content})
    if "system" in asked:
        body["system"] = _content(asked["system"], left_out)
    choice = asked.get("tool_choice") or {}
    tools = []
    for tool in asked.get("tools") or []:
        if "input_schema" not in tool:  # one that the API runs, or has trained
            left_out.append(f"tool {tool.get('name')}")
        elif choice.get("name", tool["name"]) == tool["name"]:
            tools.append(_kept(tool, TOOL, left_out))
    if not tools or choice.get("type") == "none":  # llama.cpp does not know "none"
        body.pop("tool_choice", None)
        body.pop("tools", None)
    else:
        body["tools"] = tools
    return body, list(dict.fromkeys(left_out))


def _content(content: Any, left_out: list[str]) -> Any:
    """The blocks of a turn or a tool's result that an engine knows; a text as it is."""
    if not isinstance(content, list):
        return content
    blocks = []
    for block in content:
        kind = str(block.get("type"))
        of_here = block.get("source", {}).get("type", "base64") == "base64"
        if kind not in BLOCKS or not of_here:  # an address would be fetched from the network
            left_out.append(kind if of_here else f"{kind} by {block['source']['type']}")
            continue
        known = _kept(block, BLOCKS[kind], left_out)
        if "content" in known:
            known["content"] = _content(known["content"], left_out)
        blocks.append(known)
    return blocks


def _kept(given: JSON, names: Iterable[str], left_out: list[str]) -> JSON:
    """The known fields of an object; the other ones are named, unless they say nothing."""
    for name, value in given.items():
        if name not in (*names, *SAYS_NOTHING) and value is not None:
            left_out.append(name)
    return {name: given[name] for name in names if name in given}


def _stopped(told: JSON) -> JSON:
    """Why a message stopped: llama.cpp calls a stop sequence the end of the turn."""
    stopped = {"stop_reason": None, "stop_sequence": None} | told
    if stopped["stop_sequence"] is not None and stopped["stop_reason"] == "end_turn":
        stopped["stop_reason"] = "stop_sequence"
    return stopped


def _sse(name: str, event: JSON) -> bytes:
    return f"event: {name}\ndata: {wire.compact(event).decode()}\n\n".encode()


def _parsed(raw: bytes) -> JSON:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
