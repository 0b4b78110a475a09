"""The short form of a reply, as a person writes it: parsed once, into types.

`parse` says in words for the writer what is wrong with it; `expand` makes the whole message of the
API from it, derived from a seed. The forms and their examples stand in CONTRIBUTING.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from courseserver import estimate, facts
from courseserver.call import Call
from courseserver.ids import make_id, signature
from courseserver.thinking import transformations
from courseserver.values import JSON, Problem, Request, Step

FAULTS = ("cut", "stall", "no-end", "error")
THINKING_TOKENS = 40  # of a thinking block that does not say how many it took


@dataclass(frozen=True)
class Thinking:
    """A thinking block: its text (shown where the request asks for it) and its tokens."""

    text: str
    tokens: int
    redacted: bool = False


@dataclass(frozen=True)
class ToolCall:
    """A call of one of the request's tools; its id is made up unless it is given."""

    name: str
    input: JSON
    id: str | None = None


Block = JSON | Thinking | ToolCall  # JSON: a block as the API has it


@dataclass(frozen=True)
class Message:
    """A reply with content. What is None or empty is worked out from the request."""

    blocks: tuple[Block, ...]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: JSON | None = None
    usage: JSON = field(default_factory=dict)
    container: JSON | None = None
    diagnostics: JSON | None = None
    fault: JSON | None = None  # {"kind": one of FAULTS, "after": characters of text}
    cold: bool = False  # the prompt cache is empty when this reply comes


@dataclass(frozen=True)
class Failure:
    """An error reply."""

    problem: Problem
    headers: dict[str, str]


@dataclass(frozen=True)
class CapturedStream:
    """A streamed reply as it really came: the bytes, with the seconds between them."""

    steps: tuple[Step, ...]
    headers: dict[str, str]
    usage: JSON


@dataclass(frozen=True)
class CapturedBody:
    """A plain reply as it really came."""

    status: int
    body: JSON
    headers: dict[str, str]
    delay: float


@dataclass(frozen=True)
class BatchReplies:
    """The replies to a batch by `custom_id`; None where the rules refuse the request anyway."""

    results: dict[str, Form | None]
    written: JSON = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class NoResult:
    """The end of a request in a batch that never got a reply."""

    result: Literal["expired", "canceled"]
    written: JSON = field(repr=False, default_factory=dict)


Form = Message | Failure | CapturedStream | CapturedBody | BatchReplies | NoResult


# --- reading ----------------------------------------------------------------------------------

# The parts that a reply may have, what its short blocks may hold, and what full blocks must hold.
REPLY: JSON = {
    "content": str | list, "stop_reason": str, "stop_sequence": str, "stop_details": dict,
    "usage": dict, "container": dict, "diagnostics": dict, "fault": dict, "status": int,
    "error": dict, "headers": dict, "body": dict, "events": list, "delay": int | float,
    "cache": str, "results": dict, "result": str,
}  # fmt: skip
SHORT: JSON = {
    "thinking": {"thinking": str, "tokens": int},
    "redacted_thinking": {"redacted_thinking": int},
    "tool": {"tool": str, "input": dict, "id": str},
    "text": {"text": str, "citations": list},
}
CALL = {"id": str, "name": str, "input": dict}
FULL: JSON = {
    "text": {"text": str},
    "thinking": {"thinking": str, "signature": str},
    "redacted_thinking": {"data": str},
    "tool_use": CALL,
    "server_tool_use": CALL,
}
KINDS = {"content", "error", "body", "events", "results", "result"}


def parse(written: Any) -> Form:
    """A reply in the short form. Raises `ValueError`, in words for the writer, when it is none."""
    try:
        json.dumps(written, ensure_ascii=False).encode()  # half an emoji cannot be sent
    except (TypeError, ValueError) as problem:
        raise ValueError(f"A reply can hold only what JSON can hold: {problem}.") from None
    if not isinstance(written, dict):
        return Message(_blocks(written))
    if not KINDS & set(written):
        raise ValueError(
            "A reply needs 'content' (a text or a list of blocks) or 'error'. "
            f"This one has only: {', '.join(map(str, written)) or 'nothing'}."
        )
    _check_parts(written, REPLY, "reply")
    _check_values(written)
    return _form(written)


def _form(written: JSON) -> Form:
    headers = written.get("headers") or {}
    if "events" in written:
        steps = tuple(Step(delay, text.encode()) for delay, text in written["events"])
        return CapturedStream(steps, headers, written.get("usage") or {})
    if "body" in written:
        status = written.get("status", 200)
        return CapturedBody(status, written["body"], headers, written.get("delay", 0.0))
    if "error" in written:
        return Failure(_problem(written), headers)
    if "results" in written:
        results: dict[str, Form | None] = {}
        for name, one in written["results"].items():
            results[name] = None if one is None else parse(one)
        return BatchReplies(results, written)
    if "result" in written:
        return NoResult(written["result"], written)
    return Message(
        blocks=_blocks(written["content"]),
        stop_reason=written.get("stop_reason"),
        stop_sequence=written.get("stop_sequence"),
        stop_details=written.get("stop_details"),
        usage=written.get("usage") or {},
        container=written.get("container"),
        diagnostics=written.get("diagnostics"),
        fault=written.get("fault"),
        cold=bool(written.get("cache")),
    )


def _problem(written: JSON) -> Problem:
    error = written["error"]
    texts = all(isinstance(error.get(name), str) for name in ("type", "message"))
    if not texts or not 400 <= written.get("status", 0) < 600:
        raise ValueError(
            "A reply with 'error' needs a 'status' from 400 to 599, and in 'error' a 'type' "
            f"and a 'message', both texts. Got: {written!r:.80}"
        )
    return Problem(written["status"], error["type"], error["message"], error.get("details"))


def _check_values(written: JSON) -> None:
    """Refuse values that have the right type and still make no sense."""
    fault = written.get("fault") or {"kind": "cut"}
    if fault.get("kind") not in FAULTS:
        raise ValueError(f"The 'kind' of a fault is one of: {', '.join(FAULTS)}.")
    if written.get("result", "expired") not in ("expired", "canceled"):
        raise ValueError("The 'result' of a request in a batch can be 'expired' or 'canceled'.")
    if written.get("cache", "cold") != "cold":
        raise ValueError("The 'cache' of a reply can only be 'cold': nothing is in it any more.")
    if not all(isinstance(text, str) for text in (written.get("headers") or {}).values()):
        raise ValueError("The headers of a reply are texts, such as {'retry-after': '1'}.")
    if "events" in written:  # its usage is the API's own, and may hold more than counts
        return
    for name, count in (written.get("usage") or {}).items():
        if "tokens" in name and not isinstance(count, int):
            raise ValueError(f"{name!r} in usage is a whole number, not {count!r}.")


def _check_parts(value: JSON, parts: JSON, what: str) -> None:
    for name, part in value.items():
        if name not in parts:
            raise ValueError(
                f"A {what} has no part called {name!r}. It can have: {', '.join(parts)}."
            )
        if not isinstance(part, parts[name]) and (part is not None or name in ("content", "error")):
            kind = getattr(parts[name], "__name__", "text or list")
            raise ValueError(f"{name!r} of a {what} is {part!r:.60}; it must be of type {kind}.")


def _blocks(content: Any) -> tuple[Block, ...]:
    if isinstance(content, str):
        return (_text(content),)
    if not isinstance(content, list):
        kind = type(content).__name__
        raise ValueError(f"A reply is a text, a list of blocks or a dict, not {kind}.")
    return tuple(_block(block) for block in content)


def _text(text: str) -> JSON:
    return {"type": "text", "text": text}


def _block(block: Any) -> Block:
    if isinstance(block, str):
        return _text(block)
    if not isinstance(block, dict):
        raise _no_block(block)
    if isinstance(block.get("type"), str):
        return _full_block(block)
    kind = next((kind for kind in SHORT if kind in block), None)
    if kind is None or "type" in block:
        raise _no_block(block)
    _check_parts(block, SHORT[kind], f"block with {kind!r}")
    if kind == "thinking":
        return Thinking(block["thinking"], int(block.get("tokens", THINKING_TOKENS)))
    if kind == "redacted_thinking":
        return Thinking("", block["redacted_thinking"], redacted=True)
    if kind == "tool":
        return ToolCall(block["tool"], block.get("input", {}), block.get("id"))
    cited = {"citations": block["citations"]} if "citations" in block else {}
    return {**cited, **_text(block["text"])}


def _full_block(block: JSON) -> JSON:
    needs = FULL.get(block["type"], {})
    missing = [name for name in needs if not isinstance(block.get(name), needs[name])]
    if missing:
        raise ValueError(
            f"A full {block['type']} block needs {', '.join(needs)}; in this one "
            f"{missing[0]!r} is missing or wrong: {block!r:.80}"
        )
    return block


def _no_block(block: Any) -> ValueError:
    return ValueError(
        "A block is a text, {'thinking': ''}, {'tool': name, 'input': {...}} or a full "
        f"block with its 'type'. Got: {block!r:.80}"
    )


# --- the whole message ------------------------------------------------------------------------


def expand(message: Message, call: Call, *seed: object) -> JSON:
    """The whole `message` of a reply, as the API has it, from its short form."""
    body = call.body
    asked = str(body["model"])
    model = facts.ALIASES.get(asked, asked)
    blocks, stop = message.blocks, message.stop_reason
    if body.get("max_tokens") == 0:  # reads the prompt, says nothing: warms the cache
        blocks, stop = (), "max_tokens"
    content = _content(blocks, call, model, *seed)
    thought = sum(block.tokens for block in blocks if isinstance(block, Thinking))
    tool_called = any(block["type"] == "tool_use" for block in content)
    dropped = transformations(call)
    told: JSON = {} if dropped is None else {"input_transformations": dropped}
    return {
        "model": model,
        "id": make_id("msg", *seed),
        "type": "message",
        "role": "assistant",
        "content": content,
        "container": message.container,
        "stop_reason": stop or ("tool_use" if tool_called else "end_turn"),
        "stop_sequence": message.stop_sequence,
        "stop_details": message.stop_details,
        "usage": _usage(message, call, content, model, thought),
        **told,
        "diagnostics": message.diagnostics,
    }


def _content(blocks: tuple[Block, ...], call: Call, model: str, *seed: object) -> list[JSON]:
    prefix = {name: call.body.get(name) for name in ("system", "tools", "messages")}
    shows = _shows_thinking(call.body, model)
    content: list[JSON] = []
    signed = ""  # the signatures so far: each later one is bound to them
    for index, block in enumerate(blocks):
        if isinstance(block, Thinking):
            text = block.text if shows else ""
            sign = signature(prefix, text, block.tokens, signed)
            signed += sign
            if block.redacted:
                content.append({"type": "redacted_thinking", "data": sign})
            else:
                content.append({"type": "thinking", "thinking": text, "signature": sign})
        elif isinstance(block, ToolCall):
            content.append({
                "type": "tool_use",
                "id": block.id or make_id("toolu", *seed, index),
                "name": block.name,
                "input": block.input,
                "caller": {"type": "direct"},
            })  # fmt: skip
        else:
            content.append(block)
    return content


def _shows_thinking(body: JSON, model: str) -> bool:
    config = body.get("thinking") or {}
    display = config.get("display") or facts.SERVED[model].default_display
    return display == "summarized" or config.get("type") == "between_tools"


def _usage(message: Message, call: Call, content: list[JSON], model: str, thought: int) -> JSON:
    given = message.usage
    written = given.get("cache_creation_input_tokens", 0)
    read = given.get("cache_read_input_tokens", 0)
    kept = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
    output = given.get("output_tokens")
    if output is None:
        output = estimate.answer_tokens(content, model, thought)
    usage: JSON = {
        "input_tokens": given.get("input_tokens", max(0, call.tokens - written - read)),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": given.get("cache_creation", kept),
        "output_tokens": output,
    }
    if facts.SERVED[model].thinks_by_default or call.body.get("thinking"):
        usage["output_tokens_details"] = {"thinking_tokens": given.get("thinking_tokens", thought)}
    usage["service_tier"] = given.get("service_tier", "standard")
    usage["inference_geo"] = "not_available" if "-4-5" in model else "global"
    if "server_tool_use" in given:
        usage["server_tool_use"] = given["server_tool_use"]
    return usage


def whole_message(written: Any, body: JSON, *seed: object) -> JSON:
    """The message that a reply in the short form becomes, for a request with this body.

    Raises `ValueError` when it is no reply with content.
    """
    form = parse(written)
    if not isinstance(form, Message):
        raise ValueError(f"{written!r:.60} has no content, so it is no message.")
    return expand(form, Call(Request("POST", "/v1/messages", "", {}, b"", body)), *seed)
