"""From a whole message to the bytes that the real service would send, and back.

Key order, nulls, chunk sizes, padding and the ping follow recorded traffic of October 2026. All of
it is derived from a seed, so the same request gets the same bytes on every machine. No I/O.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from courseserver import facts
from courseserver.call import Call
from courseserver.ids import digest, make_id
from courseserver.values import JSON, Problem, Reply, Step

ORGANIZATION = "00000000-0000-4000-8000-000000000000"

# The course's own pace, chosen for people. It says nothing about the speed of any model.
SECONDS_TO_FIRST = 0.4
SECONDS_PER_TOKEN = 0.012

# Made once: json.dumps() would make one for each event of a stream.
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def reply(message: JSON, call: Call, label: str, *seed: object, fault: JSON | None = None) -> Reply:
    """The HTTP reply that carries `message`, plain or streamed as the request asked.

    `fault` ({"kind": "cut" | "stall" | "no-end" | "error", "after": characters of text}) breaks
    a streamed reply off.
    """
    streamed = bool(call.body.get("stream"))
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
        spent = problem.details.get("error_code") == "enforced_spend_limit_reached"
        if spent and "retry-after" not in extra:
            head.pop("retry-after", None)  # waiting does not help
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
    rng = random.Random(digest("stream", *seed))
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


# --- and back ---------------------------------------------------------------------------------

GROW = {"thinking_delta": "thinking", "signature_delta": "signature", "text_delta": "text"}


def parsed(text: bytes) -> JSON:
    """The JSON object in a text; {} when there is none."""
    if not text.lstrip().startswith(b"{"):  # a file: as text it would take its size again
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def events(body: bytes) -> Iterator[JSON]:
    """The events of a stream, as far as they arrived whole."""
    for line in io.BytesIO(body):  # one at a time: a list of them takes several times the body
        if line.startswith(b"data:"):
            yield parsed(line.removeprefix(b"data:"))


def message_of(body: bytes, *, streamed: bool) -> JSON:
    """The message that a reply's bytes hold, of a stream as far as it came; {} without one.

    It takes whatever an API may send: what it does not know it leaves out.
    """
    if not streamed:
        return parsed(body)
    message: JSON = {}
    blocks: dict[int, JSON] = {}
    inputs: dict[int, str] = {}
    for event in events(body):
        at, delta = event.get("index", 0), event.get("delta") or {}
        if event.get("type") == "message_start":
            message = dict(event.get("message") or {})
        elif event.get("type") == "content_block_start":
            blocks[at] = dict(event.get("content_block") or {})
        elif event.get("type") == "message_delta":
            message |= delta
            message["usage"] = {**message.get("usage", {}), **event.get("usage", {})}
        elif at in blocks and delta.get("type") in GROW:
            name = GROW[delta["type"]]
            blocks[at][name] = blocks[at].get(name, "") + delta.get(name, "")
        elif at in blocks and delta.get("type") == "input_json_delta":
            inputs[at] = inputs.get(at, "") + delta.get("partial_json", "")
        elif at in blocks and delta.get("type") == "citations_delta":
            cited = blocks[at].get("citations") or []
            blocks[at]["citations"] = [*cited, delta.get("citation")]
    for at, text in inputs.items():
        blocks[at]["input"] = parsed(text.encode())
    if message:
        message["content"] = list(blocks.values())
    return message


def json_reply(value: Any, label: str, call: Call) -> Reply:
    """A reply whose body is `value`, for all that is no message."""
    head = unlimited(headers(200, label, call.request.path, call.identity.key))
    return Reply(200, head, (Step(0.0, compact(value)),))


def unlimited(head: Mapping[str, str]) -> dict[str, str]:
    """Headers without the rate limits, which only messages carry."""
    return {name: text for name, text in head.items() if "ratelimit" not in name}


def our_fault(bug: Exception) -> Reply:
    """A bug of the course server must look like one, not like a broken connection."""
    what = f"The course server failed on this request ({type(bug).__name__}); it is not your code. "
    what += "Please report it, with the lesson and the cell."
    extra = {"x-should-retry": "false"}
    return error(Problem(500, "course_bug", what), "none", "bug", extra=extra)
