"""Every reply that the course can give, held against the wire format of October 2026.

The bytes are read off the real server without the SDK and looked at by a checker of this file's
own, which shares nothing with the code that makes them; then the SDK's strict types look too. The
checker itself is shown to object: see the second half.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from anthropic import types
from anthropic.types import beta
from pydantic import BaseModel, TypeAdapter, ValidationError

from courseserver import ids
from courseserver.endpoints import BATCHES
from courseserver.recordings import Recordings
from courseserver.short import whole_message
from courseserver.staged import STAGED
from helpers import facts, staged
from tests.support import (
    HELLO,
    PATIENCE,
    ROOT,
    SONNET,
    Answer,
    client,
    exchange,
    headers,
    said,
    send,
    serving,
)  # fmt: skip

JSON = dict[str, Any]

# --- the checker ----------------------------------------------------------------------------

MESSAGE = [
    "model",
    "id",
    "type",
    "role",
    "content",
    "container",
    "stop_reason",
    "stop_sequence",
    "stop_details",
    "usage",
    "input_transformations",
    "diagnostics",
    "context_management",
]
OPTIONAL_IN_MESSAGE = {"input_transformations", "context_management"}
USAGE = [
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "iterations",
    "output_tokens",
    "output_tokens_details",
    "service_tier",
    "inference_geo",
    "server_tool_use",
]
DELTA_USAGE = [
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
]
OPTIONAL_IN_USAGE = {"iterations", "output_tokens_details", "server_tool_use"}
BLOCKS = {
    "thinking": [["type", "thinking", "signature"]],
    "redacted_thinking": [["type", "data"]],
    "text": [["type", "text"], ["citations", "type", "text"]],
    "tool_use": [["type", "id", "name", "input", "caller"]],
    "server_tool_use": [["type", "id", "name", "input"], ["type", "id", "name", "input", "caller"]],
}
B58 = "[1-9A-HJ-NP-Za-km-z]"
IDS = {"msg": f"msg_011C{B58}{{20}}", "req": f"req_011C{B58}{{20}}"}
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
STOPS = [
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]
RATE_LIMITS = [
    f"anthropic-ratelimit-{what}-{part}"
    for what in ("requests", "tokens", "input-tokens", "output-tokens")
    for part in ("limit", "remaining", "reset")
]
# The stream as a machine: state -> event -> next state. The ping has its one place.
GRAMMAR = {
    "nothing yet": {"message_start": "message open"},
    "message open": {"content_block_start": "first block", "message_delta": "ending"},
    "first block": {"ping": "in a block"},
    "in a block": {"content_block_delta": "in a block", "content_block_stop": "between blocks"},
    "between blocks": {"content_block_start": "in a block", "message_delta": "ending"},
    "ending": {"message_stop": "complete"},
    "complete": {},
    "failed": {},
}


@dataclass
class Seen:
    """What the checker has looked at, and everything it objects to."""

    faults: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    padding: Counter[int] = field(default_factory=Counter)
    where: str = ""

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note a fault unless it holds."""
        if not holds:
            self.faults.append(f"{self.where}: {otherwise}")

    def keys(
        self, value: Mapping[str, Any], order: list[str], optional: set[str], what: str
    ) -> None:
        """All keys that must be there, in the given order, and no other."""
        wanted = [key for key in order if key in value or key not in optional]
        self.expect(list(value) == wanted, f"{what} has the keys {list(value)}, not {wanted}")

    def id(self, value: object, kind: str) -> None:
        """A real-looking id: prefix, 01, and 22 characters of base58."""
        shape = IDS.get(kind, f"{kind}_01{B58}{{22}}")
        self.expect(bool(re.fullmatch(shape, str(value))), f"{value!r} is no id of kind {kind}")

    # - what JSON says

    def usage(self, usage: JSON, body: JSON, *, opening: bool = False) -> None:
        """The usage of a message, or (`opening`) of a stream's `message_start`."""
        self.keys(usage, USAGE, OPTIONAL_IN_USAGE, "usage")
        counts = [usage[key] for key in USAGE if key.endswith("_tokens") and key in usage]
        self.expect(all(type(n) is int and n >= 0 for n in counts), "a count is no whole number")
        split = usage["cache_creation"]
        self.keys(
            split,
            ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"],
            set(),
            "cache_creation",
        )
        self.expect(
            sum(split.values()) == usage["cache_creation_input_tokens"],
            "the cache writes do not add up",
        )
        details = usage.get("output_tokens_details")
        thinks = thinking_is_on(body)
        if opening:
            self.expect(details is None, "message_start has output_tokens_details")
        else:
            self.expect((details is not None) == thinks, "output_tokens_details is wrong here")
        if details is not None:
            self.keys(details, ["thinking_tokens"], set(), "output_tokens_details")
            thought = details.get("thinking_tokens", 0)
            self.expect(thought <= usage["output_tokens"], "more thinking than output")
        self.expect(usage["service_tier"] == "standard", "service_tier is not standard")
        geo = "not_available" if "-4-5" in body["model"] else "global"
        self.expect(usage["inference_geo"] == geo, f"inference_geo is not {geo}")

    def block(self, block: JSON, body: JSON) -> None:
        """One complete content block."""
        kind = block["type"]
        orders = BLOCKS.get(kind, [list(block)])
        self.expect(list(block) in orders, f"a {kind} block has the keys {list(block)}")
        if kind in {"tool_use", "server_tool_use"}:
            self.id(block["id"], "toolu" if kind == "tool_use" else "srvtoolu")
            self.expect(isinstance(block["input"], dict), "a tool's input is no object")
        if kind == "tool_use":
            self.expect(block.get("caller") == {"type": "direct"}, "no direct caller")
        if kind == "thinking":
            shown = thinking_is_shown(body)
            self.expect(shown or block["thinking"] == "", "thinking is shown unasked")
            self.signature(block["signature"])

    def signature(self, text: str) -> None:
        """A thinking block's signature."""
        try:
            base64.b64decode(text, validate=True)
        except ValueError:
            self.expect(False, "a signature is not base64")
        self.expect(text.startswith("CAQS"), f"a signature starts with {text[:4]!r}")
        # About 740 characters and 2.4 for each token of thinking: 30,000 would be 12,000 tokens.
        self.expect(320 <= len(text) <= 30_000, f"a signature has {len(text)} characters")

    def message(self, message: JSON, body: JSON) -> None:
        """A whole message."""
        self.keys(message, MESSAGE, OPTIONAL_IN_MESSAGE, "the message")
        self.id(message["id"], "msg")
        model = facts.ALIASES.get(body["model"], body["model"])
        self.expect(message["model"] == model, f"the model reads {message['model']!r}")
        fixed = (message["type"], message["role"]) == ("message", "assistant")
        self.expect(fixed, "type or role is wrong")
        stop = message["stop_reason"]
        self.expect(stop in STOPS, f"stop_reason is {stop!r}")
        at = message["stop_sequence"]
        self.expect((at is not None) == (stop == "stop_sequence"), "stop_sequence is out of place")
        called = any(block["type"] == "tool_use" for block in message["content"])
        self.expect(called or stop != "tool_use", "stop_reason tool_use, but no tool is called")
        details = message["stop_details"]
        self.expect(stop == "refusal" or details is None, "stop_details without a refusal")
        if details:
            self.keys(details, ["type", "category", "explanation"], set(), "stop_details")
        for block in message["content"]:
            self.block(block, body)
        self.usage(message["usage"], body)

    def error(self, answer: Answer) -> None:
        """An error reply; a 413 is answered in front of the API and looks different."""
        data = answer.json
        if answer.status == 413:
            self.keys(data, ["error"], set(), "the body of a 413")
            self.expect("request-id" not in answer.headers, "a 413 has a request id")
        else:
            self.keys(data, ["type", "error", "request_id"], set(), "the error's body")
            self.expect(data["request_id"] == answer.headers.get("request-id"), "two request ids")
        self.keys(data["error"], ["type", "message", "details"], {"details"}, "the error")

    def headers(self, answer: Answer, *, streamed: bool) -> None:
        """The headers that matter."""
        head = answer.headers
        kind = "text/event-stream; charset=utf-8" if streamed else "application/json"
        self.expect(head["content-type"] == kind, f"content-type is {head['content-type']!r}")
        self.expect(
            head.get("cache-control") == ("no-cache" if streamed else None),
            "cache-control is wrong",
        )
        if answer.status != 413:
            self.id(head.get("request-id"), "req")
        limits = [name for name in head if name.startswith("anthropic-ratelimit")]
        wanted = RATE_LIMITS if answer.status in {200, 429} else []
        self.expect(sorted(limits) == sorted(wanted), f"rate-limit headers: {limits}")
        for name in limits:
            shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ" if name.endswith("reset") else r"\d+"
            self.expect(bool(re.fullmatch(shape, head[name])), f"{name}: {head[name]}")
        retry = {400: "false", 401: "false", 404: "false", 421: "false", 429: "true"}
        self.expect(
            head.get("x-should-retry") == retry.get(answer.status), "x-should-retry is wrong"
        )
        # A spend limit has status 429 too, and no time to wait.
        waits = answer.status == 429 and "spend_limit" not in str(answer.json)
        self.expect(
            bool(re.fullmatch(r"\d+", head.get("retry-after", ""))) == waits,
            "retry-after is out of place",
        )
        if streamed:
            self.expect(head.get("transfer-encoding") == "chunked", "a stream is not chunked")

    # - what a stream says

    def stream(self, raw: bytes, body: JSON) -> str:
        """A stream's bytes, event by event. Returns the state in which it ended."""
        state = "nothing yet"
        opened: JSON = {}
        deltas: list[JSON] = []
        first_usage: JSON = {}
        here: Counter[int] = Counter()
        self.expect(raw.endswith(b"\n\n"), "the last event is not finished")
        for name, data, frame in frames(raw):
            self.events[name] += 1
            following = "failed" if name == "error" else GRAMMAR[state].get(name)
            if following is None:
                self.expect(False, f"{name} came while the stream was {state!r}")
                return state
            state = following
            if name == "ping":
                self.expect(frame == PING, f"the ping is {frame!r}")
                continue
            self.expect(data["type"] == name, f"{name} says it is {data['type']}")
            if name == "error":
                self.keys(data["error"], ["details", "type", "message"], set(), "the error event")
                self.id(data["request_id"], "req")
                continue
            here[self.pad(frame, data)] += 1
            if name == "message_start":
                first_usage = self.opening(data["message"], body)
            elif name == "content_block_start":
                opened, deltas = data["content_block"], []
                self.empty(opened)
            elif name == "content_block_delta":
                deltas.append(data["delta"])
            elif name == "content_block_stop":
                self.filled(opened, deltas, body)
            elif name == "message_delta":
                self.closing(data, first_usage, body)
        self.padding += here
        few = here.total() < 8 or len(here) >= 3
        self.expect(few, f"the padding does not vary: {dict(here)}")
        return state

    def pad(self, frame: bytes, data: JSON) -> int:
        """The blanks before the last brace; the rest of the line is compact JSON."""
        line = frame.decode().split("\ndata: ", 1)[1].removesuffix("\n\n")
        blanks = len(line[:-1]) - len(line[:-1].rstrip(" "))
        compact = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        self.expect(line == compact[:-1] + " " * blanks + "}", f"not compact JSON: {line[:80]}")
        self.expect(blanks <= 15, f"{blanks} blanks of padding")
        return blanks

    def opening(self, message: JSON, body: JSON) -> JSON:
        """The empty message of `message_start`."""
        self.keys(message, MESSAGE, OPTIONAL_IN_MESSAGE, "message_start.message")
        self.id(message["id"], "msg")
        self.expect(message["content"] == [], "message_start has content")
        ends = [message[key] for key in ("stop_reason", "stop_sequence", "stop_details")]
        self.expect(ends == [None, None, None], "message_start knows how it will end")
        self.usage(message["usage"], body, opening=True)
        return dict(message["usage"])

    def empty(self, block: JSON) -> None:
        """A block as it opens: with nothing in it, unless it comes whole."""
        hollow: dict[str, JSON] = {
            "text": {"text": ""},
            "thinking": {"thinking": "", "signature": ""},
        }
        hollow |= {"tool_use": {"input": {}}, "server_tool_use": {"input": {}}}
        for key, value in hollow.get(block["type"], {}).items():
            self.expect(block[key] == value, f"a {block['type']} block opens with {block[key]!r}")

    def filled(self, opened: JSON, deltas: list[JSON], body: JSON) -> None:
        """A block and the deltas that filled it: kinds, order, sizes, and what they add up to."""
        kinds = [delta["type"] for delta in deltas]
        whole = dict(opened)
        match opened["type"]:
            case "text":
                cited = kinds.count("citations_delta")
                wanted = ["citations_delta"] * cited + ["text_delta"] * (len(kinds) - cited)
                self.expect(kinds == wanted, f"deltas of a text block: {kinds}")
                sizes = [len(delta["text"]) for delta in deltas if "text" in delta]
                self.expect(all(1 <= size <= 120 for size in sizes), f"sizes of text: {sizes}")
                self.expect(len(sizes) < 2 or 2 <= sizes[0] <= 9, f"first text delta: {sizes[:1]}")
                whole["text"] = "".join(delta.get("text", "") for delta in deltas)
            case "thinking":
                wanted = ["thinking_delta"] * (len(kinds) - 1) + ["signature_delta"]
                self.expect(kinds == wanted and len(kinds) > 1, f"deltas of thinking: {kinds}")
                whole["thinking"] = "".join(delta.get("thinking", "") for delta in deltas)
                whole["signature"] = "".join(delta.get("signature", "") for delta in deltas)
            case "tool_use" | "server_tool_use":
                self.expect(set(kinds) == {"input_json_delta"}, f"deltas of a call: {kinds}")
                parts = [delta["partial_json"] for delta in deltas]
                self.expect(
                    parts[0] == "" and "" not in parts[1:], "the first JSON delta is not empty"
                )
                self.expect(all(len(part) <= 12 for part in parts), "a JSON delta is too long")
                whole["input"] = json.loads("".join(parts) or "{}")
            case _:
                self.expect(not deltas, f"a {opened['type']} block has deltas: {kinds}")
        self.block(whole, body)

    def closing(self, data: JSON, first: JSON, body: JSON) -> None:
        """The `message_delta`, whose counts are cumulative."""
        self.keys(
            data["delta"],
            ["stop_reason", "stop_sequence", "stop_details", "container"],
            set(),
            "message_delta.delta",
        )
        usage = data["usage"]
        self.keys(usage, DELTA_USAGE, OPTIONAL_IN_USAGE, "message_delta.usage")
        for key in DELTA_USAGE[:3]:
            self.expect(
                usage[key] == first[key], f"{key} changed from {first[key]} to {usage[key]}"
            )
        there = "output_tokens_details" in usage
        self.expect(
            there == thinking_is_on(body), "output_tokens_details is wrong in message_delta"
        )
        early, final = first["output_tokens"], usage["output_tokens"]
        least = min(1, final)
        self.expect(least <= early <= min(8, final), f"output_tokens went from {early} to {final}")


def thinking_is_shown(body: JSON) -> bool:
    """Whether a thinking block may come with a text: by its display, or as a progress update."""
    config = body.get("thinking") or {}
    model = facts.model(body["model"])
    return (
        config.get("type") == "between_tools"
        or config.get("display", model.default_display) == "summarized"
    )


def thinking_is_on(body: JSON) -> bool:
    """Whether usage tells thinking apart: the model thinks by default, or was asked to."""
    model = facts.model(body["model"])
    return model.thinks_by_default or bool(body.get("thinking"))


def frames(raw: bytes) -> Iterator[tuple[str, JSON, bytes]]:
    """Name, data and bytes of each event of a stream."""
    for part in raw.removesuffix(b"\n\n").split(b"\n\n"):
        found = re.fullmatch(rb"event: (\w+)\ndata: (\{.*\})", part)
        assert found, f"no event: {part!r}"
        yield found[1].decode(), json.loads(found[2]), part + b"\n\n"


# --- what the SDK's types say ---------------------------------------------------------------


def unknown_fields(value: Any, path: str = "") -> Iterator[str]:
    """Fields that the SDK's classes do not know; it accepts them silently, so we look."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name, None), f"{path}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from unknown_fields(item, f"{path}[{number}]")


def sdk_objects(kind: Any, raw: bytes) -> list[str]:
    """What the SDK's strict reading of some JSON objects to."""
    try:
        value = TypeAdapter(kind).validate_json(raw, strict=True)
    except ValidationError as problem:
        return [str(problem)]
    return [f"the SDK knows no field {name}" for name in unknown_fields(value)]


# --- what is looked at ----------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One reply in its short form, and a request that asks for it."""

    name: str
    short: Any
    body: JSON
    betas: tuple[str, ...] = ()
    variant: bool = False

    @property
    def fault(self) -> JSON | None:
        """How the stream breaks off, if it does."""
        return self.short.get("fault") if isinstance(self.short, dict) else None

    @property
    def speaks(self) -> bool:
        """Whether any byte comes back at all."""
        return not self.fault or self.fault.get("after") != 0

    @property
    def is_error(self) -> bool:
        """Whether it is an HTTP error."""
        return isinstance(self.short, dict) and "error" in self.short

    @property
    def forms(self) -> tuple[bool, ...]:
        """The values of `stream` it can be asked for with; a captured reply has only its own."""
        if isinstance(self.short, dict) and {"events", "body"} & set(self.short):
            return ("events" in self.short,)
        return (False, True) if self.body.get("max_tokens") else (False,)  # 0 cannot be streamed

    def ask(self, *, stream: bool) -> Answer:
        """Ask the real server for it, by plain HTTP."""
        betas = {"anthropic_beta": ",".join(self.betas)} if self.betas else {}
        url = staged(replies=[self.short])
        stalls = self.fault is not None and self.fault["kind"] == "stall"
        body = {**self.body, "stream": stream}
        return read(url, body, headers(**betas), 2 if stalls else PATIENCE)


def read(url: str, body: JSON, head: Mapping[str, str], patience: float) -> Answer:
    """One exchange, also one that is cut off or stalls for so many seconds: what came till then."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=patience)
    try:
        raw = json.dumps(body).encode()
        connection.request("POST", f"{parts.path}/v1/messages", raw, dict(head))
        came = connection.getresponse()
        names = {name.lower(): value for name, value in came.getheaders()}
        pieces = b""
        try:
            while piece := came.read1(65_536):
                pieces += piece
        except (TimeoutError, http.client.HTTPException, ConnectionError):
            pass
        return Answer(came.status, names, pieces)
    finally:
        connection.close()


# Replies of every kind that a short form can describe, so that a course without recordings is
# tested too: (name, short form, request).
TOOLS = [{"name": "look_up", "description": "Looks it up.", "input_schema": {"type": "object"}}]
CITATION = {
    "type": "char_location",
    "cited_text": "The library opens at nine.",
    "document_index": 0,
    "document_title": None,
    "end_char_index": 26,
    "file_id": None,
    "start_char_index": 0,
}
SAMPLES = [
    ("text", "The library opens at nine.", HELLO),
    ("one letter", "A", HELLO),
    ("not ASCII", "Grüß Gott! 図書館は九時に開きます。 🙂 " * 8, HELLO),
    ("new lines and quotes", 'He said: "nine"\n\n\tand\\or "ten"', HELLO),
    ("long", "The reading room is open. " * 200, HELLO),
    ("no blocks", [], HELLO),
    ("thinking first", [{"thinking": "", "tokens": 120}, "Nine."], HELLO),
    ("thinking shown", [{"thinking": "Opening hours are asked for. " * 9}, "Nine."],
     said("When?", thinking={"type": "adaptive", "display": "summarized"})),
    ("an update between calls", [{"thinking": "Rain. Now the rota."}, {"tool": "look_up"}],
     said("Look it up.", tools=TOOLS, model=SONNET,
          thinking={"type": "between_tools"})),
    ("thinking with a budget", [{"thinking": "Sunday?", "tokens": 90}, "No."],
     said("When?", model="claude-haiku-4-5", max_tokens=2_000,
          thinking={"type": "enabled", "budget_tokens": 1_024})),
    ("thinking alone", {"content": [{"thinking": "", "tokens": 300}], "stop_reason": "max_tokens"},
     HELLO),
    ("two tools", ["Both.", {"tool": "look_up", "input": {"day": "Sunday"}}, {"tool": "look_up"}],
     said("Look it up.", tools=TOOLS)),
    ("deep input", [{"tool": "look_up", "input": {"days": [{"n": 1, "é": None}, {"n": 2.5}]}}],
     said("Look it up.", tools=TOOLS)),
    ("citations", [{"text": "It opens at nine.", "citations": [CITATION]}, " More later."], HELLO),
    ("redacted thinking", [{"type": "redacted_thinking", "data": "Q" * 296}, "Nine."], HELLO),
    ("redacted and plain", [{"redacted_thinking": 60}, {"thinking": "", "tokens": 20}, "Nine."],
     HELLO),
    ("cache written", {"content": "Yes.", "usage": {"cache_creation_input_tokens": 5_120}}, HELLO),
    ("cache read", {"content": "Yes.", "usage": {"cache_read_input_tokens": 5_120}}, HELLO),
    ("cache written for an hour", {"content": "Yes.", "usage": {
        "cache_creation_input_tokens": 5_120,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 5_120},
     }}, HELLO),
    ("spend cap", {"status": 429, "error": {"type": "rate_limit_error", "message": "Your limit.",
     "details": {"error_code": "enforced_spend_limit_reached"}}}, HELLO),
    ("too large", {"status": 413, "error": {"type": "request_too_large", "message": "Too large."}},
     HELLO),
    *((model, [{"thinking": ""}, "Fine."] if row.thinks_by_default else "Fine.",
       {**HELLO, "model": model}) for model, row in facts.MODELS.items()),
    *((alias, "Fine.", {**HELLO, "model": alias}) for alias in facts.ALIASES),
]  # fmt: skip


def staged_cases() -> list[Case]:
    """Each reply of each staged script."""
    return [
        Case(f"staged {name} [{number}]", short, HELLO)
        for name, script in STAGED.items()
        for number, short in enumerate(script.replies)
    ]


def sample_cases() -> list[Case]:
    """The replies of this file."""
    return [Case(f"sample {name}", short, body) for name, short, body in SAMPLES]


def lesson_recordings() -> list[Recordings]:
    """The recordings of every lesson that there is."""
    files = sorted((ROOT / "recordings").glob("*.json"))
    return [Recordings.parse(file.read_text(encoding="utf-8"), file.stem) for file in files]


def question(recorded: JSON) -> JSON:
    """A request that gets the same kind of reply: model, limits and thinking are the recorded ones.

    The rest is left out, because a recording keeps digests in place of pictures and signatures.
    """
    kept = ("model", "max_tokens", "thinking", "output_config")
    return HELLO | {key: recorded[key] for key in kept if key in recorded}


def recorded_cases() -> tuple[list[Case], list[str]]:
    """Each reply of each lesson, and the exchanges that this test does not cover."""
    cases, left_out = [], []
    for lesson in lesson_recordings():
        for entry in lesson.exchanges:
            name = f"{lesson.lesson} {entry.name}"
            if entry.path == BATCHES:  # each answered request of it, as if it were sent alone
                told = entry.replies[0]["results"]
                for each in entry.request["requests"]:
                    short = told[each["custom_id"]]
                    parts = short if isinstance(short, dict) else {}
                    if short is not None and not {"result", "error"} & parts.keys():
                        where = f"{name} {each['custom_id']}"
                        cases.append(Case(where, short, question(each["params"])))
                continue
            if (entry.method, entry.path) != ("POST", "/v1/messages"):
                left_out.append(f"{name} ({entry.method} {entry.path})")
                continue
            cases += [
                Case(f"{name} [{number}]", short, question(entry.request), entry.betas,
                     variant=entry.variant)
                for number, short in enumerate(entry.replies)
            ]  # fmt: skip
    return cases, left_out


def all_cases() -> list[Case]:
    """Everything."""
    return [*sample_cases(), *staged_cases(), *recorded_cases()[0]]


def streamed_cases() -> list[Case]:
    """Everything, but of the variants each tenth: their streams are made like all others."""
    cases = all_cases()
    variants = [case for case in cases if case.variant]
    return [case for case in cases if not case.variant] + variants[::10]


def report(seen: Seen) -> str:
    """The faults, for the failing test."""
    return "\n".join(seen.faults[:20])


# --- the gate -------------------------------------------------------------------------------


def test_every_plain_reply_looks_like_the_wire(covers: Callable[[str], None]) -> None:
    seen = Seen()
    count: Counter[str] = Counter()
    for case in all_cases():
        if not case.speaks or False not in case.forms:
            continue
        seen.where = case.name
        answer = case.ask(stream=False)
        seen.headers(answer, streamed=False)
        if case.is_error:
            seen.error(answer)
            kind: Any = types.ErrorResponse
        else:
            seen.message(answer.json, case.body)
            kind = beta.BetaMessage if case.betas else types.Message
        if answer.status != 413:  # which is not one of the API's own errors
            for objection in sdk_objects(kind, answer.body):
                seen.expect(objection.endswith(".error.details"), objection)
        count["errors" if case.is_error else "messages"] += 1
    covers(f"wire, plain: {dict(count)}")
    assert count["messages"] > len(STAGED) / 2 and count["errors"] >= 4
    assert not seen.faults, report(seen)


def test_every_streamed_reply_looks_like_the_wire(covers: Callable[[str], None]) -> None:
    seen = Seen()
    ends: Counter[str] = Counter()
    event = TypeAdapter(types.RawMessageStreamEvent)
    for case in streamed_cases():
        if not case.speaks or case.is_error or True not in case.forms:
            continue
        seen.where = case.name
        answer = case.ask(stream=True)
        seen.headers(answer, streamed=True)
        state = seen.stream(answer.body, case.body)
        ends[state] += 1
        kind = case.fault["kind"] if case.fault else "none"
        wanted = {"none": "complete", "error": "failed"}.get(kind, "in a block")
        seen.expect(state == wanted, f"the stream ended {state!r}")
        for name, data, _ in frames(answer.body):
            if name not in {"ping", "error"} and not case.betas:
                value = event.validate_python(data)
                found = list(unknown_fields(value))
                seen.expect(not found, f"the SDK knows no {found}")
    covers(f"wire, streamed: {ends.total()} streams {dict(ends)}, events {dict(seen.events)}; of "
           "the variants each tenth")  # fmt: skip
    assert ends["complete"] and ends["failed"] and ends["in a block"] >= 3
    assert not seen.faults, report(seen)
    assert sorted(seen.padding) == list(range(16)), f"padding seen: {sorted(seen.padding)}"
    mean = seen.padding.total() / 16
    assert all(mean / 2 < n < mean * 2 for n in seen.padding.values()), dict(seen.padding)


def test_every_recording_is_covered_or_named(covers: Callable[[str], None]) -> None:
    lessons = lesson_recordings()
    cases, left_out = recorded_cases()
    exchanges = sum(len(lesson.exchanges) for lesson in lessons)
    names = ", ".join(left_out) or "nothing"
    covers(
        f"wire, recordings: {len(lessons)} files, {exchanges} exchanges, {len(cases)} replies; "
        f"not covered: {names}"
        + ("" if cases else " - NO REPLY IS RECORDED YET, only staged and sample ones were tested")
    )
    assert len({case.name for case in cases}) == len(cases)
    assert {f"{entry.request['model']}" for lesson in lessons for entry in lesson.exchanges
            if "model" in entry.request} <= {*facts.MODELS, *facts.ALIASES}  # fmt: skip


@pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")  # the table has old models too
def test_a_streamed_reply_adds_up_to_the_plain_one_in_the_sdk(
    covers: Callable[[str], None],
) -> None:
    """Ids aside: two requests have two ids."""
    compared = 0
    shared = client(staged(replies=["Never asked."]), timeout=60)
    for case in streamed_cases():
        if case.fault or case.is_error or len(case.forms) < 2:
            continue
        sdk = shared.with_options(base_url=staged(replies=[case.short]))
        ask: Any = {**case.body, **({"betas": list(case.betas)} if case.betas else {})}
        api: Any = sdk.beta.messages if case.betas else sdk.messages
        plain = api.create(**ask).to_dict()
        with api.stream(**ask) as stream:
            streamed = stream.get_final_message().to_dict()
        for message in (plain, streamed):
            del message["id"]
            for block in message["content"]:
                block.pop("id", None)
                if block.get("parsed_output", 0) is None:
                    del block["parsed_output"]
        assert streamed == plain, case.name
        compared += 1
    shared.close()
    covers(f"wire, streamed against plain: {compared} messages equal; of the variants each tenth")
    assert compared > 30


def test_the_list_of_models_and_a_token_count_look_like_the_wire() -> None:
    seen = Seen(where="models")
    with serving() as server:
        page = send(server.url, path="/v1/models", method="GET")
        one = send(server.url, path=f"/v1/models/{facts.MODEL}", method="GET")
        body = {key: HELLO[key] for key in ("model", "messages")}
        count = send(server.url, body, path="/v1/messages/count_tokens")
    assert list(page.json) == ["data", "has_more", "first_id", "last_id"]
    assert len(page.json["data"]) == len(facts.MODELS)
    dates = [entry["created_at"] for entry in page.json["data"]]
    assert dates == sorted(dates, reverse=True)
    for entry in (*page.json["data"], one.json):
        assert sdk_objects(types.ModelInfo, json.dumps(entry).encode()) == []
    assert list(count.json) == ["input_tokens"]
    for answer in (page, one, count):
        assert not [name for name in answer.headers if "ratelimit" in name]
        seen.id(answer.headers["request-id"], "req")
    assert not seen.faults


# --- the same again -------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_the_same_request_gets_the_same_bytes_from_a_fresh_server(stream: bool) -> None:
    short = [{"thinking": "", "tokens": 60}, "Certainly.", {"tool": "look_up", "input": {"a": 1}}]
    body = said("Look it up.", tools=TOOLS, stream=stream)
    answers = []
    for _ in range(2):
        with serving(exchange("one", body, short)) as server:
            recorded = send(server.url, body)
            asked = send(server.url + server.backend.account.stage("yours", (short,)), body)
            missed = send(server.url, said("Something else", stream=stream))
            refused = send(server.url, {**body, "max_tokens": "many"})
            answers.append((recorded, asked, missed, refused))
    assert answers[0] == answers[1]
    assert [answer.status for answer in answers[0]] == [200, 200, 421, 400]


def test_the_same_question_again_gets_the_same_error_whatever_was_asked_between() -> None:
    """A cell that shows a whole error must show it again when it is run again."""
    with serving() as server:
        first = [send(server.url, said("?")).body, send(server.url, {"model": 1}).body]
        send(server.url, said("Something between"))
        again = [send(server.url, said("?")).body, send(server.url, {"model": 1}).body]
    assert first == again


def test_different_questions_get_different_ids() -> None:
    with serving() as server:
        url = server.url + server.backend.account.stage("yours", ("Fine.",))
        ids = [send(url, said(f"Question {n}")).json["id"] for n in range(20)]
        ids += [send(server.url, said(f"Question {n}")).headers["request-id"] for n in range(20)]
    assert len(set(ids)) == 40


# --- signatures -----------------------------------------------------------------------------

QUESTION = {"role": "user", "content": "Which day is it?"}
SYSTEM = "You work in a library."


@pytest.fixture
def conversation() -> JSON:
    """The second request of a conversation, as the SDK sent back what the server had answered."""
    with serving() as server:
        url = server.url + server.backend.account.stage("yours", ([{"thinking": ""}, "Sunday."],))
        with client(url) as sdk:
            ask: Any = {**HELLO, "system": SYSTEM, "tools": TOOLS, "messages": [QUESTION]}
            reply = sdk.messages.create(**ask)
            turns = [QUESTION, reply.to_param(), {"role": "user", "content": "And tomorrow?"}]
            sdk.messages.create(**{**ask, "messages": turns})
        return dict(server.backend.account.journal[-1].request.body)


def problem_of(body: JSON) -> str | None:
    """What the wire module says about the thinking block of the second turn."""
    return ids.signature_problem(
        body["messages"][1]["content"][0], {**body, "messages": body["messages"][:1]}
    )


def test_a_thinking_block_that_comes_back_unchanged_is_accepted(conversation: JSON) -> None:
    assert conversation["messages"][1]["content"][0]["type"] == "thinking"
    assert problem_of(conversation) is None


def changed(body: JSON, **fields: Any) -> JSON:
    """The conversation with fields replaced."""
    return {**body, **fields}


def with_first_turn(body: JSON, content: Any) -> JSON:
    """The conversation with another question at its beginning."""
    return {**body, "messages": [{"role": "user", "content": content}, *body["messages"][1:]]}


def with_thinking(body: JSON, **fields: Any) -> JSON:
    """The conversation with something changed in its thinking block."""
    body = json.loads(json.dumps(body))
    body["messages"][1]["content"][0].update(fields)
    return dict(body)


def with_letter(body: JSON, at: int) -> JSON:
    """The conversation with one letter of the signature changed."""
    sign = body["messages"][1]["content"][0]["signature"]
    return with_thinking(
        body, signature=sign[:at] + ("B" if sign[at] == "A" else "A") + sign[at + 1 :]
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda body: changed(body, system="You work in a bakery."), "system"),
        (lambda body: changed(body, system=None), "system"),
        (lambda body: changed(body, tools=[]), "tools"),
        (lambda body: changed(body, tools=[*TOOLS, {**TOOLS[0], "name": "b"}]), "tools"),
        (lambda body: with_first_turn(body, "Which month is it?"), "messages"),
        (lambda body: with_first_turn(body, []), "messages"),
        (lambda body: with_thinking(body, signature="not base64!"), "altered"),
        (lambda body: with_thinking(body, signature=""), "altered"),
        *[(lambda body, at=at: with_letter(body, at), "altered") for at in (0, 20, 30, 60, 400)],
    ],
    ids=["system", "no system", "no tools", "more tools", "question", "no question", "signature",
         "no signature", "first letter", "head", "prefix", "text", "filler"],
)  # fmt: skip
def test_a_change_before_or_in_a_thinking_block_is_noticed(
    conversation: JSON, change: Callable[[JSON], JSON], found: str
) -> None:
    assert problem_of(change(conversation)) == found


@pytest.mark.parametrize(
    "change",
    [
        lambda body: changed(body, system=[{"type": "text", "text": SYSTEM}]),
        lambda body: changed(
            body, system=[{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}]
        ),
        lambda body: with_first_turn(body, [{"type": "text", "text": "Which day is it?"}]),
        lambda body: changed(body, max_tokens=1_000, stream=True),
        lambda body: with_thinking(body, thinking="Put into what came empty."),
        lambda body: with_thinking(
            body, signature=base64.b64encode(b"of another service").decode()
        ),
    ],
    ids=[
        "system as blocks",
        "a cache mark",
        "question as blocks",
        "other fields",
        "a text where none was",
        "foreign",
    ],
)
def test_what_does_not_bind_a_thinking_block_may_change(
    conversation: JSON, change: Callable[[JSON], JSON]
) -> None:
    assert problem_of(change(conversation)) is None


@pytest.mark.parametrize("kind", ["summarized", "between_tools"])
def test_a_changed_text_of_a_thinking_block_is_noticed(kind: str) -> None:
    thinking = {"type": kind} if kind == "between_tools" else {"type": "adaptive", "display": kind}
    body = said("When?", model=SONNET, thinking=thinking)
    (block,) = expanded([{"thinking": "On Sunday?"}], body)
    assert block["thinking"] == "On Sunday?"
    assert ids.signature_problem(block, body) is None
    assert ids.signature_problem(block | {"thinking": "On Monday?"}, body) == "edited"
    assert ids.signature_problem(block | {"thinking": ""}, body) == "edited"


def test_thinking_blocks_of_one_turn_belong_together() -> None:
    first, second, text = expanded([{"redacted_thinking": 60}, {"thinking": ""}, "Nine."], HELLO)
    assert (first["type"], text["type"]) == ("redacted_thinking", "text")
    assert first["data"].isascii() and len(first["data"]) > 800
    assert ids.signature_problem(first, HELLO) is None
    assert ids.signature_problem(second, HELLO, first["data"]) is None
    assert ids.signature_problem(second, HELLO) == "edited", "the redacted one was left out"
    other = first | {"data": first["data"][:-20] + "A" * 20}
    assert ids.signature_problem(other, HELLO) == "altered"
    assert ids.signature_problem(first, HELLO | {"system": "Be brief."}) == "system"


def expanded(blocks: list[Any], body: JSON) -> list[JSON]:
    """The content of a reply in its short form, as the wire has it."""
    return list(whole_message(blocks, body, "a seed")["content"])


def test_the_signature_grows_with_the_thinking() -> None:
    prefix = {"messages": [QUESTION]}
    lengths = [len(ids.signature(prefix, "", tokens)) for tokens in (0, 40, 400, 4_000)]
    assert lengths == sorted(set(lengths))
    assert lengths[0] >= 700 and lengths[1] <= 1_100


# --- the checker objects --------------------------------------------------------------------
# A checker that accepts everything would keep the gate green for ever. Here it gets good bytes with
# one thing wrong, and must say so.

GOOD = [{"thinking": "", "tokens": 60}, "It opens at nine, I believe.", {"tool": "look_up",
        "input": {"day": "Sunday", "month": "May"}}]  # fmt: skip
ASKED = said("Look it up.", tools=TOOLS)


def spoil(pattern: str, replacement: str) -> Callable[[bytes], bytes]:
    """A change of the bytes that must hit something."""

    def change(raw: bytes) -> bytes:
        spoiled, count = re.subn(pattern.encode(), replacement.encode(), raw, count=1)
        assert count, f"{pattern} is not in the bytes"
        return spoiled

    return change


WRONG_MESSAGES = {
    "the SDK's key order": spoil(r'^\{("model":"[^"]+"),("id":"[^"]+")', r"{\2,\1"),
    "no container": spoil('"container":null,', ""),
    "no diagnostics": spoil(',"diagnostics":null', ""),
    "an invented id": spoil('"id":"msg_[^"]+"', '"id":"msg_01Ex"'),
    "an id with 0 O I l": spoil('"id":"toolu_01..', '"id":"toolu_010O'),
    "no caller": spoil(',"caller":[^}]+}', ""),
    "usage in another order": spoil(r'("output_tokens":\d+),("out[^}]+})', r"\2,\1"),
    "no thinking tokens": spoil(r'"output_tokens_details":[^}]+},', ""),
    "thinking shown": spoil('"thinking":""', '"thinking":"I think"'),
    "another signature": spoil('"signature":"CAQS', '"signature":"EtUC'),
    "no base64": spoil('"signature":"CAQS', '"signature":"CAQS-'),
    "another stop reason": spoil('"stop_reason":"tool_use"', '"stop_reason":"done"'),
    "a made-up field": spoil(',"diagnostics":null', ',"diagnostics":null,"extra":1'),
    "batch tier": spoil('"service_tier":"standard"', '"service_tier":"batch"'),
}
WRONG_STREAMS = {
    "a compact ping": spoil('{"type": "ping"}', '{"type":"ping"}'),
    "no ping": spoil(r'event: ping\ndata: {"type": "ping"}\n\n', ""),
    "two pings": spoil(r'(event: ping\ndata: {"type": "ping"}\n\n)', r"\1\1"),
    "no start": spoil(r"event: message_start\n[^\n]+\n\n", ""),
    "a block not closed": spoil(r"event: content_block_stop\n[^\n]+\n\n", ""),
    "too much padding": spoil("} *}\n\n", "}" + " " * 16 + "}\n\n"),
    "padding elsewhere": spoil('"index":0', '"index": 0'),
    "a name that differs": spoil('{"type":"message_delta"', '{"type":"message_done"'),
    "no first empty JSON": spoil(
        r'event: content_block_delta\ndata: [^\n]+"partial_json":""[^\n]+\n\n', ""
    ),
    "two signatures": spoil(
        r'(event: content_block_delta\n[^\n]+"signature_delta"[^\n]+\n\n)', r"\1\1"
    ),
    "no empty thinking": spoil(
        r'event: content_block_delta\n[^\n]+"thinking_delta"[^\n]+\n\n', ""
    ),
    "output counted twice": spoil(r'("inference_geo":"global")', r'\1,"output_tokens_details":{}'),
    "input changed": spoil(
        r'(event: message_delta[^\n]*\n[^\n]*"input_tokens":)\d+', r"\g<1>99999"
    ),
    "less at the end": spoil(
        r'(event: message_delta[^\n]*\n[^\n]*"output_tokens":)\d+', r"\g<1>0"
    ),
    "text from the start": spoil('"type":"text","text":""', '"type":"text","text":"It"'),
    "no end": spoil(r"event: message_stop\n[^\n]+\n\n", ""),
    "half an event": spoil(r"\n\n\Z", ""),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_MESSAGES)
def test_the_checker_objects_to_a_plain_reply_with(wrong: str) -> None:
    body = Case("good", GOOD, ASKED).ask(stream=False).body
    good, bad = Seen(), Seen()
    good.message(json.loads(body), ASKED)
    assert not good.faults
    bad.message(json.loads(WRONG_MESSAGES[wrong](body)), ASKED)
    assert bad.faults


@pytest.mark.parametrize("wrong", WRONG_STREAMS)
def test_the_checker_objects_to_a_stream_with(wrong: str) -> None:
    body = Case("good", GOOD, ASKED).ask(stream=True).body
    good, bad = Seen(), Seen()
    assert good.stream(body, ASKED) == "complete"
    assert not good.faults
    state = bad.stream(WRONG_STREAMS[wrong](body), ASKED)
    assert bad.faults or state != "complete"


@pytest.mark.parametrize(
    "wrong",
    [{"content-type": "application/json; charset=utf-8"}, {"request-id": "req_1"},
     {"x-should-retry": "true"}, {"retry-after": "1"}, {"cache-control": "no-cache"},
     {"anthropic-ratelimit-tokens-reset": "2026-11-21T09:00:00.5Z"}],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_the_checker_objects_to_the_header(wrong: dict[str, str]) -> None:
    answer = Case("good", GOOD, ASKED).ask(stream=False)
    good, bad = Seen(), Seen()
    good.headers(answer, streamed=False)
    assert not good.faults
    bad.headers(Answer(200, {**answer.headers, **wrong}, answer.body), streamed=False)
    assert bad.faults


def test_the_sdk_objects_to_what_its_types_do_not_know() -> None:
    body = Case("good", GOOD, ASKED).ask(stream=False).body
    assert sdk_objects(types.Message, body) == []
    assert sdk_objects(types.Message, spoil(r'"input_tokens":\d+', '"input_tokens":"9"')(body))
    assert sdk_objects(types.Message, spoil('"service_tier"', '"made_up":1,"service_tier"')(body))
