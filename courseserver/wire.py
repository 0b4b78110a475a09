"""From the short form of a reply to the bytes that the real service would send.

Key order, nulls, ids, chunk sizes, padding and the ping follow recorded traffic of October 2026.
All of it is derived from a seed, so the same request gets the same bytes on every machine. No I/O.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from courseserver import estimate, facts
from courseserver.values import Problem, Reply, Request, Step

JSON = dict[str, Any]
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PREFIXES = {"msg": "011Ch", "req": "011C", "file": "011C"}  # ids of these kinds are time-ordered
ORGANIZATION = "00000000-0000-4000-8000-000000000000"

# The course's own pace, chosen for people. It says nothing about the speed of any model.
SECONDS_TO_FIRST = 0.4
SECONDS_PER_TOKEN = 0.012

# Made once: json.dumps() would make one for each event of a stream.
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

SIGNATURE_HEAD = b"\x08\x04\x12\x8a\x06\n\x10\x08\x12\x18\x028\x01B\x08thinking\x12\x18course"


# --- ids and signatures ---------------------------------------------------------------------


def make_id(kind: str, *seed: object) -> str:
    """An id of the real shape: `kind_01` and 22 characters of base58, the same for a seed."""
    number = int.from_bytes(_digest("id", kind, *seed), "big")
    tail = PREFIXES.get(kind, "01")
    while len(tail) < 24:
        number, index = divmod(number, 58)
        tail += BASE58[index]
    return f"{kind}_{tail}"


def signature(prefix: Mapping[str, Any], thinking: str, tokens: int, before: str = "") -> str:
    """A thinking block's signature: bound to the text and to all that was said before it.

    `before`: the signatures of the thinking blocks that stand before it in the same reply.
    """
    bound = b"".join(_part(prefix, name) for name in ("system", "tools", "messages"))
    head = SIGNATURE_HEAD + bound + _digest("thinking", thinking)[:6]
    length = estimate.SHORTEST_SIGNATURE + round(estimate.SIGNATURE_PER_TOKEN * tokens)
    filler = random.Random(head).randbytes(length * 3 // 4 - len(head))
    return base64.b64encode(head + (_chained(filler, before) if before else filler)).decode()


def signature_problem(
    block: Mapping[str, Any], prefix: Mapping[str, Any], before: str = ""
) -> Literal["altered", "edited", "system", "tools", "messages"] | None:
    """What changed since a replayed thinking block was made; None if nothing, or if it is foreign.

    "altered": the signature (of a redacted block: the data) itself; "edited": the text, or the
    thinking blocks before it in the same turn, whose signatures are `before`. A text put into a
    block that came without one is ignored, as the page on thinking says (October 2026).
    `prefix` holds `system`, `tools` and the `messages` before the block's assistant turn.
    """
    try:
        raw = base64.b64decode(signature_of(block), validate=True)
    except ValueError:
        return "altered"
    start = len(SIGNATURE_HEAD)
    if not raw.startswith(SIGNATURE_HEAD):
        same = sum(ours == came for ours, came in zip(SIGNATURE_HEAD, raw, strict=False))
        return "altered" if not raw or 2 * same > start else None
    head, filler = raw[: start + 24], raw[start + 24 :]
    made = random.Random(head).randbytes(len(filler))
    if filler[:-6] != made[:-6] or len(raw) < estimate.SHORTEST_SIGNATURE * 3 // 4:
        return "altered"
    if filler != (_chained(made, before) if before else made):
        return "edited"
    text = "" if block.get("type") == "redacted_thinking" else str(block.get("thinking", ""))
    if head[-6:] not in {_digest("thinking", text)[:6], _digest("thinking", "")[:6]}:
        return "edited"
    parts: list[Literal["system", "tools", "messages"]] = ["system", "tools", "messages"]
    for offset, name in enumerate(parts):
        if raw[start + 6 * offset : start + 6 * offset + 6] != _part(prefix, name):
            return name
    return None


def signature_of(block: Mapping[str, Any]) -> str:
    """What binds a block of thinking: its signature, or the data of a redacted one."""
    name = "data" if block.get("type") == "redacted_thinking" else "signature"
    return str(block.get(name, ""))


def _chained(filler: bytes, before: str) -> bytes:
    return filler[:-6] + _digest("before", before)[:6]


def _part(prefix: Mapping[str, Any], name: str) -> bytes:
    value = prefix.get(name) or []
    if name == "system":
        value = [{"role": "system", "content": value}]
    if name != "tools":
        value = [[turn.get("role"), _plain(turn.get("content"))] for turn in value]
    return _digest(name, json.dumps(value, sort_keys=True))[:6]


def _plain(content: Any) -> Any:
    """Content without what does not bind a thinking block: cache markers and earlier thinking."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [
        {key: value for key, value in block.items() if key != "cache_control"}
        for block in content
        if isinstance(block, dict) and block.get("type") not in {"thinking", "redacted_thinking"}
    ]


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("\x00".join(str(part) for part in parts).encode()).digest()


# --- short form -> message ------------------------------------------------------------------


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
FAULTS = ("cut", "stall", "no-end", "error")


def check_short(short: Any) -> None:
    """Raise `ValueError`, in words for the writer, when `short` is no reply in the short form."""
    try:
        json.dumps(short)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"A reply can hold only what JSON can hold: {problem}.") from None
    if isinstance(short, dict):
        if not {"content", "error", "body", "events", "results", "result"} & set(short):
            raise ValueError(
                "A reply needs 'content' (a text or a list of blocks) or 'error'. "
                f"This one has only: {', '.join(map(str, short)) or 'nothing'}."
            )
        _check_parts(short, REPLY, "reply")
        error, fault = short.get("error", {}), short.get("fault") or {"kind": "cut"}
        texts = all(isinstance(error.get(name), str) for name in ("type", "message"))
        if "error" in short and not (texts and 400 <= short.get("status", 0) < 600):
            raise ValueError(
                "A reply with 'error' needs a 'status' from 400 to 599, and in 'error' a 'type' "
                f"and a 'message', both texts. Got: {short!r:.80}"
            )
        if fault.get("kind") not in FAULTS:
            raise ValueError(f"The 'kind' of a fault is one of: {', '.join(FAULTS)}.")
        for inner in (short.get("results") or {}).values():
            if inner is not None:  # null: the rules refuse this request of the batch
                check_short(inner)
        if short.get("result", "expired") not in ("expired", "canceled"):
            raise ValueError("The 'result' of a request in a batch can be 'expired' or 'canceled'.")
        if short.get("cache", "cold") != "cold":
            raise ValueError(
                "The 'cache' of a reply can only be 'cold': nothing is in it any more."
            )
        if not all(isinstance(text, str) for text in (short.get("headers") or {}).values()):
            raise ValueError("The headers of a reply are texts, such as {'retry-after': '1'}.")
        for name, count in (short.get("usage") or {}).items():
            if "tokens" in name and not isinstance(count, int):
                raise ValueError(f"{name!r} in usage is a whole number, not {count!r}.")
        short = short.get("content", [])
    if not isinstance(short, str | list):
        raise ValueError(
            f"A reply is a text, a list of blocks or a dict, not {type(short).__name__}."
        )
    for block in [] if isinstance(short, str) else short:
        kind = next((k for k in ("type", *SHORT) if isinstance(block, dict) and k in block), None)
        if kind == "type" and isinstance(block["type"], str):
            needs = FULL.get(block["type"], {})
            missing = [name for name in needs if not isinstance(block.get(name), needs[name])]
            if missing:
                raise ValueError(
                    f"A full {block['type']} block needs {', '.join(needs)}; in this one "
                    f"{missing[0]!r} is missing or wrong: {block!r:.80}"
                )
        elif kind in SHORT:
            _check_parts(block, SHORT[kind], f"block with {kind!r}")
        elif not isinstance(block, str):
            raise ValueError(
                "A block is a text, {'thinking': ''}, {'tool': name, 'input': {...}} or a full "
                f"block with its 'type'. Got: {block!r:.80}"
            )


def _check_parts(value: JSON, parts: JSON, what: str) -> None:
    for name, part in value.items():
        if name not in parts:
            raise ValueError(
                f"A {what} has no part called {name!r}. It can have: {', '.join(parts)}."
            )
        if not isinstance(part, parts[name]) and (part is not None or name in ("content", "error")):
            kind = getattr(parts[name], "__name__", "text or list")
            raise ValueError(f"{name!r} of a {what} is {part!r:.60}; it must be of type {kind}.")


def expand(short: Any, request: Request, *seed: object) -> JSON:
    """The whole `message` of a reply, as the wire has it, from its short form."""
    check_short(short)
    short = short if isinstance(short, dict) else {"content": short}
    body = request.body
    model = facts.ALIASES.get(body["model"], body["model"])
    blocks = short["content"]
    blocks = [blocks] if isinstance(blocks, str) else blocks
    stop = short.get("stop_reason")
    if body.get("max_tokens") == 0:  # reads the prompt, says nothing: warms the cache
        blocks, stop = [], "max_tokens"
    prefix = {name: body.get(name) for name in ("system", "tools", "messages")}
    config = body.get("thinking") or {}
    display = config.get("display") or facts.MODELS[model].default_display
    shows = display == "summarized" or config.get("type") == "between_tools"
    content: list[JSON] = []
    thought, signed = 0, ""
    for index, block in enumerate(blocks):
        if isinstance(block, str):
            block = {"type": "text", "text": block}
        elif "type" in block:
            pass
        elif "thinking" in block:
            tokens = int(block.get("tokens", 40))
            thought += tokens
            text = block["thinking"] if shows else ""
            sign = signature(prefix, text, tokens, signed)
            block, signed = {"type": "thinking", "thinking": text, "signature": sign}, signed + sign
        elif "redacted_thinking" in block:
            tokens = block["redacted_thinking"]
            thought += tokens
            sign = signature(prefix, "", tokens, signed)
            block, signed = {"type": "redacted_thinking", "data": sign}, signed + sign
        elif "tool" in block:
            block = {
                "type": "tool_use",
                "id": block.get("id") or make_id("toolu", *seed, index),
                "name": block["tool"],
                "input": block.get("input", {}),
                "caller": {"type": "direct"},
            }
        else:
            cited = {"citations": block["citations"]} if "citations" in block else {}
            block = cited | {"type": "text", "text": block["text"]}
        content.append(block)
    tool_called = any(block["type"] == "tool_use" for block in content)
    return {
        "model": model,
        "id": make_id("msg", *seed),
        "type": "message",
        "role": "assistant",
        "content": content,
        "container": short.get("container"),
        "stop_reason": stop or ("tool_use" if tool_called else "end_turn"),
        "stop_sequence": short.get("stop_sequence"),
        "stop_details": short.get("stop_details"),
        "usage": _usage(short, request, content, model, thought),
        "diagnostics": short.get("diagnostics"),
    }


def _usage(short: JSON, request: Request, content: list[JSON], model: str, thought: int) -> JSON:
    given = short.get("usage", {})
    written = given.get("cache_creation_input_tokens", 0)
    read = given.get("cache_read_input_tokens", 0)
    total = estimate.request_tokens(request.body)
    usage: JSON = {
        "input_tokens": given.get("input_tokens", max(0, total - written - read)),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": given.get(
            "cache_creation",
            {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        ),
        "output_tokens": given.get(
            "output_tokens", estimate.answer_tokens(content, model, thought)
        ),
    }
    if facts.MODELS[model].thinks_by_default or request.body.get("thinking"):
        usage["output_tokens_details"] = {"thinking_tokens": given.get("thinking_tokens", thought)}
    usage["service_tier"] = given.get("service_tier", "standard")
    usage["inference_geo"] = "not_available" if "-4-5" in model else "global"
    if "server_tool_use" in given:
        usage["server_tool_use"] = given["server_tool_use"]
    return usage


# --- message -> bytes -----------------------------------------------------------------------


def reply(
    message: JSON, request: Request, label: str, *seed: object, fault: JSON | None = None
) -> Reply:
    """The HTTP reply that carries `message`, plain or streamed as the request asked.

    `fault` ({"kind": "cut" | "stall" | "no-end" | "error", "after": characters of text}) breaks
    a streamed reply off.
    """
    streamed = bool(request.body.get("stream"))
    head = headers(200, label, *seed, streamed=streamed)
    usage = dict(message["usage"])
    if not streamed:
        wait = SECONDS_TO_FIRST + SECONDS_PER_TOKEN * usage["output_tokens"]
        return Reply(200, head, (Step(wait, compact(message)),), usage=usage)
    steps = tuple(_break(list(stream_steps(message, *seed)), fault, head["request-id"]))
    return Reply(200, head, steps, streamed=True, usage=usage)


def headers(status: int, label: str, *seed: object, streamed: bool = False) -> dict[str, str]:
    """Response headers as the service sends them; `label` says where the reply comes from."""
    head = {
        "content-type": "text/event-stream; charset=utf-8" if streamed else "application/json",
        "request-id": make_id("req", *seed),
        "anthropic-organization-id": ORGANIZATION,
        "x-course-reply": label,
    }
    if streamed:
        head["cache-control"] = "no-cache"
    if status in {200, 429}:
        limits = {"requests": 1_000, "tokens": 2_400_000, "input-tokens": 2_000_000}
        limits["output-tokens"] = 400_000  # the Start tier
        for name, limit in limits.items():
            left = limit - 1 if name == "requests" else limit
            head[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            head[f"anthropic-ratelimit-{name}-remaining"] = str(0 if status == 429 else left)
            head[f"anthropic-ratelimit-{name}-reset"] = f"{facts.SERVER_DAY}T09:00:00Z"
    if status in {400, 401, 404, 421}:
        head["x-should-retry"] = "false"
    if status == 429:
        head |= {"x-should-retry": "true", "retry-after": "1"}
    return head


def error(problem: Problem, label: str, *seed: object, extra: Mapping[str, str] = {}) -> Reply:
    """An error reply. A 413 is answered in front of the API: no outer `type`, no `request_id`."""
    head = headers(problem.status, label, *seed) | dict(extra)
    inner: JSON = {"type": problem.type, "message": problem.message}
    if problem.details is not None:
        inner["details"] = problem.details
    body: JSON = {"type": "error", "error": inner, "request_id": head["request-id"]}
    if problem.status == 413:
        body = {"error": inner}
        del head["request-id"]
    return Reply(problem.status, head, (Step(0.0, compact(body)),))


def compact(value: Any) -> bytes:
    """JSON as the service writes it: no spaces, UTF-8."""
    return ENCODER.encode(value).encode()


def stream_steps(message: JSON, *seed: object) -> Iterator[Step]:
    """The server-sent events of a message, in the service's order and at a human pace."""
    rng = random.Random(_digest("stream", *seed))
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    start["stop_details"] = None
    final = message["usage"]
    first = {key: value for key, value in final.items() if key != "output_tokens_details"}
    first["output_tokens"] = min(rng.randint(1, 8), final["output_tokens"])
    first.pop("server_tool_use", None)
    yield _event("message_start", {"message": start | {"usage": first}}, rng, SECONDS_TO_FIRST)
    thinking = (final.get("output_tokens_details") or {}).get("thinking_tokens", 0)
    opening = [_open(block, rng) for block in message["content"]]
    letters = sum(len(_text_of(delta)) for _, deltas in opening for delta in deltas)
    visible = final["output_tokens"] - thinking  # the same time in all as the plain reply takes
    for index, (opened, deltas) in enumerate(opening):
        yield _event("content_block_start", {"index": index, "content_block": opened}, rng)
        if index == 0:
            yield Step(0.0, b'event: ping\ndata: {"type": "ping"}\n\n')
        for delta in deltas:
            wait = SECONDS_PER_TOKEN * visible * len(_text_of(delta)) / max(letters, 1)
            if delta["type"] == "signature_delta":
                wait, thinking = SECONDS_PER_TOKEN * thinking, 0
            yield _event("content_block_delta", {"index": index, "delta": delta}, rng, wait)
        yield _event("content_block_stop", {"index": index}, rng)
    names = ("stop_reason", "stop_sequence", "stop_details", "container")
    counts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    counts += ("output_tokens", "output_tokens_details", "server_tool_use")  # type: ignore[assignment]
    usage = {name: final[name] for name in counts if name in final}
    delta = {name: message[name] for name in names}
    yield _event("message_delta", {"delta": delta, "usage": usage}, rng)
    yield _event("message_stop", {}, rng)


def _event(name: str, data: JSON, rng: random.Random, delay: float = 0.0) -> Step:
    line = compact({"type": name} | data).decode()
    padded = line[:-1] + " " * rng.randint(0, 15) + "}"
    return Step(delay, f"event: {name}\ndata: {padded}\n\n".encode())


def _open(block: JSON, rng: random.Random) -> tuple[JSON, list[JSON]]:
    """A block as it opens in a stream, and the deltas that fill it."""
    kind = block["type"]
    if kind == "text":
        opened = {**block, "text": ""} | ({"citations": []} if "citations" in block else {})
        pieces: list[JSON] = [
            {"type": "citations_delta", "citation": citation}
            for citation in block.get("citations") or []
        ]
        return opened, pieces + [
            {"type": "text_delta", "text": piece} for piece in split(block["text"], rng, 11, 120)
        ]
    if kind == "thinking":
        parts = split(block["thinking"], rng, 18, 120) or [""]
        deltas: list[JSON] = [{"type": "thinking_delta", "thinking": part} for part in parts]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if kind in {"tool_use", "server_tool_use"}:
        text = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
        parts = ["", *split(text, rng, 6, 12)]
        return {**block, "input": {}}, [
            {"type": "input_json_delta", "partial_json": part} for part in parts
        ]
    return block, []


def split(text: str, rng: random.Random, median: int, longest: int) -> list[str]:
    """`text` in pieces as the service cuts it: log-normal lengths, a short first piece."""
    pieces, at = [], 0
    while at < len(text):
        size = rng.randint(2, 9) if not at else round(rng.lognormvariate(0, 0.9) * median)
        size = max(1, min(longest, size))
        pieces.append(text[at : at + size])
        at += size
    return pieces


def _text_of(delta: JSON) -> str:
    return str(delta.get("text") or delta.get("thinking") or delta.get("partial_json") or "")


def _break(steps: Sequence[Step], fault: JSON | None, request_id: str) -> Iterator[Step]:
    """The same steps, broken off once `after` characters of text are out, as the fault says."""
    seen = 0
    for step in steps:
        yield step
        if not fault:
            continue
        if b'"text_delta"' in step.data:
            data = json.loads(step.data.split(b"data: ", 1)[1])
            seen += len(data["delta"]["text"])
        if seen >= fault.get("after", 1):
            if fault["kind"] in {"cut", "stall"}:
                yield Step(0.0, b"", fault["kind"])
            elif fault["kind"] == "error":
                inner = {"details": None, "type": "overloaded_error", "message": "Overloaded"}
                frame = compact({"type": "error", "error": inner, "request_id": request_id})
                yield Step(0.0, b"event: error\ndata: " + frame + b"\n\n")
            return
