"""`python -m authoring drift [LESSON]`: does the API answer in the shapes of the course server?

A lesson runs live, and each of its requests is put to the course server as well. Compared are
shapes: status, headers, keys and their order, blocks, events, usage, errors, rules. It must not
compare what a model says, nor how fast, and it writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from anthropic.types import StopReason
from anthropic.types.beta import BetaStopReason

from authoring import ROOT, live
from courseserver import wire
from courseserver.call import Call
from courseserver.endpoints import find
from courseserver.journal import Entry
from courseserver.recordings import MESSAGES, Recordings
from courseserver.replay import NO_RECORDING, Replay
from courseserver.schema import SERVER_BLOCKS
from courseserver.short import Block, Message, Thinking, ToolCall, expand
from courseserver.values import JSON, Reply, Request, received

HEADERS = ("cache-control", "content-type", "request-id", "x-should-retry")
OURS = "anthropic-"  # begins the other headers that are compared
SAME = ("type", "role", "model")  # keys whose values are part of a shape
FREE = ("input", "citations", "caller")  # keys whose values are the model's, or a tool's
BLOCKS = {"text", "thinking", "redacted_thinking", "tool_use", *get_args(SERVER_BLOCKS)}
STOPS = {*get_args(StopReason), *get_args(BetaStopReason), None}
FAILURES = (408, 409, 429)
NOT_LOOKED_AT = "Not compared: what a reply says, token counts, ids, dates, limits, speed."


@dataclass
class Report:
    """What was found in one or more lessons, and what was looked at."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    covered: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [f"No drift in {self.covered.total()} exchanges."]
        if self.rows:
            rows = [("lesson", "cell", "request", "what drifted"), *self.rows]
            widths = [max(len(row[n]) for row in rows) for n in range(3)]
            lines = []
            for row in rows:
                padded = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
                lines.append("  ".join([*padded, row[3]]))
        for title, counts in (("Covered", self.covered), ("Not covered", self.left_out)):
            told = [f"{what} ({count})" for what, count in counts.items()]
            lines.append(f"{title}: {', '.join(told) or 'nothing'}.")
        return "\n".join([*lines, NOT_LOOKED_AT])


def drift(names: Sequence[str], *, yes: bool, root: Path = ROOT) -> int:
    """Run lessons live and compare; 1 when the API and the course server differ in a shape."""
    paths = live.notebooks(names, root)
    purse = live.ask(paths, root, yes=yes)
    report = Report()
    for path in paths:
        text = (root / "recordings" / f"{path.stem}.json").read_text(encoding="utf-8")
        compare(purse.live(path, root), Recordings.parse(text, path.stem), report)
    return tell(report)


def tell(report: Report) -> int:
    """Print what was found; 1 when it is anything."""
    print(report)
    return int(bool(report.rows))


def compare(run: live.Run, recorded: Recordings, report: Report) -> None:
    """Put the requests of a live run to the course server, and add what differs to the report."""
    twin = Twin(recorded)
    for cell in run.failed:
        report.left_out[f"what follows in {cell}, which failed live"] += 1
    for cell, entry in run.seen:
        name = find(entry.request.path)[0].name
        own = twin.answer(entry) if entry.reply.status and not entry.staged else None
        if own is None:
            report.left_out[_why(entry, name)] += 1
            continue
        status = entry.reply.status
        report.covered[name if status < 400 else f"{name}, refused"] += 1
        for what in dict.fromkeys(differences(own, entry.reply)):
            report.rows.append((run.lesson, cell, f"{entry.request.method} {name}", what))


def _why(entry: Entry, name: str) -> str:
    """Why an exchange is not compared."""
    if entry.staged:
        return "staged by a cell"
    if entry.unsent:
        return "kept back by the spending limit"
    if entry.failure:
        return f"broken off: {entry.failure}"
    if _is_failure(entry.reply.status):
        return f"a failure of the API: {entry.reply.status}"
    return f"{name}: the course server has no reply to it"


def _is_failure(status: int) -> bool:
    return status >= 500 or status in FAILURES


class Twin:
    """The course server, asked what the API was asked, with its own ids for files and batches."""

    def __init__(self, recorded: Recordings) -> None:
        self.replay = Replay()
        self.replay.start(recorded)
        self.ids: dict[str, str] = {}  # at the API -> here

    def answer(self, entry: Entry) -> Reply | None:
        """What the course server answers; None when that cannot be compared.

        A message is the API's own content, sent as the course server sends it.
        """
        if entry.unsent or entry.failure or _is_failure(entry.reply.status):
            return None
        request = self._translated(entry.request)
        own = self._decided(request, entry)
        if entry.request.method == "POST" and own.status == 200:
            made = [wire.message_of(_body(reply), streamed=False) for reply in (entry.reply, own)]
            if all("id" in each for each in made):
                self.ids[str(made[0]["id"])] = str(made[1]["id"])
        refused = own.headers.get("x-course-reply", "").startswith("rule:")
        if request.path == MESSAGES and not refused:
            if entry.reply.status >= 400:
                return replace(own, status=200)
            return rendered(entry.reply, Call(request))
        return None if own.status == NO_RECORDING else own

    def _decided(self, request: Request, entry: Entry) -> Reply:
        """The reply of replay; a batch that has ended at the API has ended here as well."""
        own = self.replay.decide(request)
        ended = b'"processing_status":"ended"'
        theirs = _body(entry.reply).replace(b" ", b"")
        while ended in theirs and own.status == 200 and ended not in _body(own):
            own = self.replay.decide(request)
        return replace(own, steps=tuple(own.steps))

    def _translated(self, request: Request) -> Request:
        path, raw = request.path, request.raw
        for there, here in self.ids.items():
            path, raw = path.replace(there, here), raw.replace(there.encode(), here.encode())
        return received(request.method, path, request.query, request.headers, raw)


def rendered(theirs: Reply, call: Call) -> Reply:
    """The content of a reply, sent as the course server would send it."""
    message = wire.message_of(_body(theirs), streamed=bool(call.body.get("stream")))
    content = [each for each in message.get("content") or [] if isinstance(each, dict)]
    usage = message.get("usage") or {}
    given: JSON = {name: count for name, count in usage.items() if isinstance(count, int)}
    if any(each.get("type") == "server_tool_use" for each in content):
        given["server_tool_use"] = usage.get("server_tool_use")
    form = Message(
        tuple(map(_short, content)),
        stop_reason=message.get("stop_reason"),
        stop_sequence=message.get("stop_sequence"),
        usage=given,
    )
    return wire.reply(expand(form, call, "drift"), call, "drift", "drift")


def _short(block: JSON) -> Block:
    """A block in the short form, so that its keys are those of the course server."""
    kind = block.get("type")
    if kind == "text":
        cited = {"citations": block["citations"]} if block.get("citations") else {}
        return {**cited, "type": "text", "text": str(block.get("text", ""))}
    if kind in ("thinking", "redacted_thinking"):
        return Thinking("x" if block.get("thinking") else "", 1, kind == "redacted_thinking")
    if kind == "tool_use":
        return ToolCall(str(block.get("name")), block.get("input") or {}, block.get("id"))
    return block


# --- what differs --------------------------------------------------------------------------


def differences(own: Reply, theirs: Reply) -> Iterator[str]:
    """What differs between the course server's reply and the API's, a sentence each."""
    refused = own.status >= 400
    body = wire.parsed(_body(theirs))
    if refused != (theirs.status >= 400):
        if refused:
            rule = own.headers.get("x-course-reply", "")
            yield f"a rule is gone: the API accepts what the course server refuses ({rule})"
        else:
            yield f"a rule is new: the API refuses ({theirs.status}): {_told(body)}"
        return
    if own.status != theirs.status:
        yield f"status: {own.status} has become {theirs.status}"
    yield from _headers(own.headers, theirs.headers)
    if own.streamed and "event-stream" in own.headers["content-type"]:
        yield from _streams(events(_body(own)), events(_body(theirs)))
    elif own.streamed:
        yield from _values(_lines(own), _lines(theirs), "results")
    else:
        yield from _values(wire.parsed(_body(own)), body, "")
    yield from _unknown(wire.message_of(_body(theirs), streamed=own.streamed))


def _unknown(message: JSON) -> Iterator[str]:
    """Values of a closed set that the course does not know."""
    content = message.get("content")
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict) and block.get("type") not in BLOCKS:
            yield f"content: a block of the new type {block.get('type')!r}"
    if message.get("stop_reason") not in STOPS:
        yield f"stop_reason: the new value {message.get('stop_reason')!r}"


def _headers(own: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    kept = []
    for head in (own, theirs):
        names = [name for name in head if name in HEADERS or name.startswith(OURS)]
        kept.append({name: head[name] for name in names})
    here, there = kept
    yield from _keys(here, there, "header ")
    for name in ("content-type", "cache-control"):
        if name in here and name in there and here[name] != there[name]:
            yield f"header {name}: {here[name]!r} has become {there[name]!r}"


def _keys(own: Mapping[str, Any], theirs: Mapping[str, Any], where: str) -> Iterator[str]:
    for name in own:
        if name not in theirs:
            yield f"{where}{name}: gone"
    for name in theirs:
        if name not in own:
            yield f"{where}{name}: new"


def _values(own: Any, theirs: Any, where: str) -> Iterator[str]:
    """Where two JSON values differ in their shape; null fits anything."""
    if own is None or theirs is None:
        return
    if type(own) is not type(theirs) and not {type(own), type(theirs)} <= {int, float}:
        yield f"{where}: {type(own).__name__} has become {type(theirs).__name__}"
    elif isinstance(own, dict):
        yield from _keys(own, theirs, f"{where}." if where else "")
        both = [name for name in own if name in theirs]
        order = [name for name in theirs if name in own]
        if both != order:
            yield f"{where or 'body'}: the keys come in another order: {', '.join(order)}"
        for name in both:
            inner = f"{where}.{name}".lstrip(".")
            if name in SAME and own[name] != theirs[name]:
                yield f"{inner}: {own[name]!r} has become {theirs[name]!r}"
            elif name not in FREE:
                yield from _values(own[name], theirs[name], inner)
    elif isinstance(own, list):
        firsts = [{_kind(item): item for item in reversed(items)} for items in (own, theirs)]
        for kind in firsts[0].keys() & firsts[1].keys():
            yield from _values(firsts[0][kind], firsts[1][kind], f"{where}[{kind}]")


def _kind(item: Any) -> str:
    """By what the items of a list are compared with each other: their type."""
    if not isinstance(item, dict):
        return ""
    return str(item.get("type") or (item.get("result") or {}).get("type") or "")


def events(body: bytes) -> dict[str, JSON]:
    """The events of a stream in the order in which each kind first came, with their data.

    A kind is the event's name with the type of its block or delta. How often a delta comes is no
    part of the shape.
    """
    found: dict[str, JSON] = {}
    opened = 0
    for piece in body.split(b"\n\n"):
        lines = piece.decode(errors="replace").split("\n")
        fields = {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}
        if not fields.get("data"):
            continue
        data = wire.parsed(fields["data"].encode())
        kind = fields.get("event", "(without a name)")
        if data.get("type") != kind:
            kind = f"{kind} of type {data.get('type')}"
        opened += kind == "content_block_start"
        inner = data.get("content_block") or (data.get("delta") if "index" in data else None)
        told = f" {inner.get('type')}" if isinstance(inner, dict) else ""
        block = f"block {opened}: " if kind.startswith("content_block") else ""
        found.setdefault(f"{block}{kind}{told}", data)
    return found


def _streams(own: Mapping[str, JSON], theirs: Mapping[str, JSON]) -> Iterator[str]:
    yield from _keys(own, theirs, "event ")
    both = [kind for kind in own if kind in theirs and kind != "ping"]
    if both != [kind for kind in theirs if kind in own and kind != "ping"]:
        yield "the events come in another order"
    for kind in both:
        yield from _values(own[kind], theirs[kind], f"event {kind}")


def _lines(reply: Reply) -> list[JSON]:
    return [wire.parsed(line) for line in _body(reply).split(b"\n") if line]


def _body(reply: Reply) -> bytes:
    return b"".join(step.data for step in reply.steps)


def _told(body: JSON) -> str:
    return json.dumps(body.get("error"), ensure_ascii=False)[:120]
