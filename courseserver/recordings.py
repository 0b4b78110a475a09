"""A lesson's recorded exchanges: which one answers a request, and which comes nearest.

A request is matched whole (method, path, query, canonical body, API version, betas), never by a
part of its text. Nothing here reads files: `Recordings.parse` takes text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

from courseserver.endpoints import BATCHES
from courseserver.identity import Identity, betas, canonical, differences, key_of, query_of, without
from courseserver.ids import Captured, signature_of
from courseserver.prompt import THINKING
from courseserver.shape import FIELDS, Shape, shape_of
from courseserver.short import BatchReplies, CapturedBody, CapturedStream, Form, parse
from courseserver.values import JSON, Request
from courseserver.variants import changed
from courseserver.wire import message_of

MESSAGES = "/v1/messages"
WORD = re.compile(r"\w+")
COMPARED = 40  # requests that are compared part by part, of those with the most words in common
MOST_WORDS = 300  # of a part that are compared
VARIANT = {"name", "of", "changes", "replies", "source", "cycle"}  # the parts that one can have


class RecordingError(ValueError):
    """A recording cannot be read; the message says which exchange, what and what to do."""


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its replies: as the file has them, and parsed (`forms`)."""

    name: str
    source: str
    request: JSON
    replies: tuple[Any, ...]
    forms: tuple[Form, ...]
    method: str = "POST"
    path: str = MESSAGES
    version: str = ""
    betas: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    cycle: bool = False
    of: str = ""  # of a variant: the name of what it changes; no lesson asks for a variant
    changes: JSON = field(default_factory=dict)  # of a variant: what, as the file has it

    @property
    def variant(self) -> bool:
        """Whether it is there for who changes something, and not for the lesson's own cells."""
        return bool(self.of)

    def reply(self, turn: int) -> tuple[int, Form]:
        """Number and form of the reply that is due at the `turn`-th request (from 0)."""
        count = len(self.forms)
        index = turn % count if self.cycle else min(turn, count - 1)
        return index, self.forms[index]


@dataclass(frozen=True)
class Asked:
    """One recorded request to a model: that of an exchange, or one inside a recorded batch."""

    exchange: Exchange
    body: JSON
    shape: Shape
    custom_id: str = ""
    form: Form | None = None  # in a batch: its one reply


@dataclass(frozen=True)
class Recordings:
    """All exchanges of one lesson, found by the hash of what identifies a request."""

    lesson: str
    exchanges: tuple[Exchange, ...] = ()
    index: Mapping[str, Exchange] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, name: str) -> Recordings:
        """Read a recording file's text. Raises `RecordingError` in words for its author."""
        try:
            data = json.loads(text)
            lesson, entries = data["lesson"], data["exchanges"]
            exchanges = tuple(_exchange(entry, data) for entry in entries)
            exchanges += tuple(_variants(data))
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            what = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
            raise RecordingError(
                f"The recording of {name} cannot be read: {what.rstrip('.')}. "
                f"Give it back as it was with: git restore recordings/{name}.json (or download "
                "the course again)."
            ) from problem
        names = [exchange.name for exchange in exchanges]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RecordingError(f"Two exchanges of {name} are called {twice[0]!r}. Rename one.")
        index: dict[str, Exchange] = {}
        for exchange in exchanges:
            key = key_of(
                exchange.method, exchange.path, "", exchange.request, exchange.version,
                exchange.betas, exchange.volatile,
            )  # fmt: skip
            if key in index:
                raise RecordingError(
                    f"Two exchanges of {name} record the same request: {index[key].name} and "
                    f"{exchange.name}. Put both replies into one of them."
                )
            index[key] = exchange
        return cls(lesson, exchanges, index)

    def find(self, asked: Identity) -> Exchange | None:
        """The exchange that records exactly this request."""
        for volatile in sorted({exchange.volatile for exchange in self.exchanges}):
            exchange = self.index.get(asked.without(volatile))
            if exchange and exchange.volatile == volatile:
                return exchange
        return None

    @cached_property
    def asked(self) -> dict[tuple[tuple[str, ...], str], list[Asked]]:
        """All recorded requests to a model, by what changes at every run and by their core."""
        found: dict[tuple[tuple[str, ...], str], list[Asked]] = {}
        for exchange in self.exchanges:
            for each in _asked(exchange):
                found.setdefault((exchange.volatile, each.shape.core), []).append(each)
        return found

    @cached_property
    def captured(self) -> dict[str, Captured]:
        """The blocks of thinking that the real API made, by signature: what binds each."""
        found: dict[str, Captured] = {}
        for exchange in self.exchanges:
            for form in exchange.forms:
                before = ""
                for block in _captured_content(form):
                    name = signature_of(block) if block.get("type") in THINKING else ""
                    if name:
                        text = str(block.get("thinking", ""))
                        found[name] = Captured(text, before, exchange.request, exchange.volatile)
                        before += name
        return found

    def alike(self, asked: Identity) -> Iterator[tuple[Asked, tuple[str, ...]]]:
        """The recorded requests that ask the same, each with the words for what differs."""
        request = asked.request
        if request.path != MESSAGES or query_of(request.query) or request.method != "POST":
            return
        version = request.headers.get("anthropic-version", "")
        for volatile in sorted({exchange.volatile for exchange in self.exchanges}):
            shape = shape_of(_without(asked.body, volatile), version, betas(request))
            for each in self.asked.get((volatile, shape.core), []):
                yield each, shape.differs_from(each.shape)

    def nearest(self, asked: Identity) -> tuple[Exchange, list[str]] | None:
        """The recorded request most like this one, and where the two differ, one line each.

        Requests are compared part by part (each setting, the tools, the system prompt, each turn):
        what differs in one part only is nearer than what differs a little everywhere.
        """
        ranked = self.ranked(asked)
        if not ranked:
            return None
        lines = _all_differences(ranked[0], asked.request, asked.body)
        return ranked[0], _first_things_first(lines)

    def ranked(self, asked: Identity) -> list[Exchange]:
        """The recorded requests of this kind, the nearest first; the far ones only roughly."""
        here = [entry for entry in self.exchanges if entry.path == asked.request.path]
        words = _words(asked.body)
        here.sort(key=lambda entry: len(words ^ _words(entry.request)))
        parts = _parts(asked.body)
        near = here[:COMPARED]
        near.sort(key=lambda entry: _distance(_parts(entry.request), parts))
        return near + here[COMPARED:]

    def nearest_in_batch(self, body: JSON) -> tuple[Exchange, list[str]] | None:
        """The same for one request of a batch, among all recorded requests to a model."""
        body = canonical(body)
        every = [one for found in self.asked.values() for one in found]
        if not every:
            return None
        parts = _parts(body)
        best = min(every, key=lambda one: _distance(_parts(one.body), parts))
        return best.exchange, _first_things_first(differences(best.body, body))

    def variants_near(self, asked: Identity) -> list[tuple[Exchange, Exchange]]:
        """The variants of what is nearest to a request, and of its siblings, the nearest first.

        Each with the exchange of the lesson that it changes.
        """
        known = {entry.name: entry for entry in self.exchanges}

        def root(entry: Exchange) -> Exchange:
            while entry.of:
                entry = known[entry.of]
            return entry

        ranked = self.ranked(asked)
        same = [entry for entry in ranked if entry.variant and root(entry) == root(ranked[0])]
        return [(entry, root(entry)) for entry in same]


def _exchange(entry: JSON, data: JSON) -> Exchange:
    if not isinstance(entry["replies"], list) or not entry["replies"]:
        raise ValueError(f"the replies of {entry['name']!r} must be a list with at least one reply")
    forms = tuple(parse(short) for short in entry["replies"])
    for form in forms:
        if not isinstance(form, BatchReplies):
            if entry.get("path") == BATCHES:
                raise ValueError(f"the replies of {entry['name']!r} must be {{'results': ...}}")
            continue
        asked = entry["request"].get("requests", [])
        odd = sorted({each["custom_id"] for each in asked} ^ set(form.results))
        if odd:
            raise ValueError(
                f"the results of {entry['name']!r} must have each custom_id of the batch, and no "
                f"other; look at {odd[0]!r}"
            )
    return Exchange(
        name=entry["name"],
        source=entry["source"],
        request=canonical(entry["request"]),
        replies=tuple(entry["replies"]),
        forms=forms,
        method=entry.get("method", "POST"),
        path=entry.get("path", MESSAGES),
        version=str(entry.get("api_version") or data["api_version"]),
        betas=tuple(entry.get("betas", ())),
        volatile=tuple(entry.get("volatile", ())),
        cycle=entry.get("cycle", False),
    )


def _variants(data: JSON) -> Iterator[Exchange]:
    """The variants of a file as exchanges. `of` names an exchange, or a variant before it."""
    known = {entry["name"]: entry for entry in data["exchanges"]}
    for variant in data.get("variants", []):
        name = variant["name"]
        odd = sorted(set(variant) - VARIANT)
        if odd:
            parts = ", ".join(sorted(VARIANT))
            raise ValueError(f"the variant {name!r} has a part {odd[0]!r}; it can have: {parts}")
        base = known.get(variant["of"])
        if base is None:
            raise ValueError(
                f"the variant {name!r} is of {variant['of']!r}, and no exchange or earlier variant "
                "has this name"
            )
        if not variant["changes"]:
            raise ValueError(f"the variant {name!r} changes nothing")
        try:
            asked = canonical(changed(canonical(base["request"]), variant["changes"]))
        except ValueError as problem:
            raise ValueError(f"the variant {name!r}: {problem}") from None
        own = {key: variant[key] for key in ("name", "replies", "cycle") if key in variant}
        taken = {key: base[key] for key in base if key not in ("replies", "cycle")}
        entry = {**taken, "request": asked, "source": variant.get("source", "authored"), **own}
        known.setdefault(name, entry)
        yield replace(_exchange(entry, data), of=variant["of"], changes=variant["changes"])


def _asked(exchange: Exchange) -> Iterator[Asked]:
    """The requests to a model that an exchange holds: one, those of a batch, or none."""
    if exchange.path == MESSAGES:
        body = _without(exchange.request, exchange.volatile)
        yield Asked(exchange, body, shape_of(body, exchange.version, exchange.betas))
    if exchange.path != BATCHES:
        return
    told = exchange.forms[0]
    assert isinstance(told, BatchReplies)  # `_exchange` lets no other form pass
    for each in exchange.request["requests"]:
        body, name = each["params"], each["custom_id"]
        shape = shape_of(body, exchange.version, exchange.betas)
        yield Asked(exchange, body, shape, name, told.results[name])


def _captured_content(form: Form) -> list[JSON]:
    """The blocks of a captured reply; none of an authored one, which binds by its signatures."""
    if isinstance(form, CapturedStream):
        whole = message_of(b"".join(step.data for step in form.steps), streamed=True)
    elif isinstance(form, CapturedBody):
        whole = form.body
    else:
        return []
    return whole.get("content") or []


def _without(body: Any, volatile: tuple[str, ...]) -> Any:
    for where in volatile:
        body = without(body, where.split("."))
    return body


def _all_differences(entry: Exchange, request: Request, sent: Any) -> Iterator[str]:
    """Where a request differs from a recorded one: in the body first, then around it."""
    recorded: Any = entry.request
    for where in entry.volatile:
        recorded, sent = without(recorded, where.split(".")), without(sent, where.split("."))
    yield from differences(recorded, sent)
    yield from differences(entry.method, request.method, "method")
    yield from differences("", query_of(request.query), "query")
    version = request.headers.get("anthropic-version", "")
    yield from differences(entry.version, version, "header anthropic-version")
    asked = ",".join(sorted(set(entry.betas)))
    yield from differences(asked, ",".join(betas(request)), "header anthropic-beta")


def _first_things_first(lines: Iterable[str]) -> list[str]:
    """Differences in their order, but last those that alone would not have mattered."""
    return sorted(lines, key=lambda line: line.startswith(tuple(FIELDS)))


def changed_earlier(recorded: Any, sent: Any) -> str:
    """What differs in front of a turn of Claude's that both requests hold: so an earlier cell.

    "tools", "system" or "question"; "" when it is the last turn that differs, or all of it.
    """
    if not isinstance(recorded, dict) or not isinstance(sent, dict):
        return ""
    before, now = (body.get("messages") or [] for body in (recorded, sent))
    if len(before) != len(now) or not any(turn.get("role") == "assistant" for turn in now):
        return ""
    pairs = list(zip(before, now, strict=True))
    alike = [_spoken(one) == _spoken(other) for one, other in pairs]
    if not any(same for same, (_, turn) in zip(alike, pairs, strict=True) if turn != now[0]):
        return ""  # another conversation
    for part in ("tools", "system"):
        if _texts(recorded.get(part)) != _texts(sent.get(part)):
            return part
    last = max(n for n, turn in enumerate(now) if turn.get("role") == "assistant")
    asked = [not same for same, turn in zip(alike[:last], now, strict=False)
             if turn.get("role") == "user"]  # fmt: skip
    return "question" if any(asked) else ""


def _spoken(turn: JSON) -> Any:
    """A turn as it was said: without signatures, ids and marks."""
    return turn.get("role"), _texts(turn.get("content"))


def _texts(content: Any) -> Any:
    """A content without signatures, ids and marks; a string as one block."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    left_out = ("cache_control", "signature", "data", "id", "tool_use_id", "caller")
    return [
        {key: item for key, item in block.items() if key not in left_out}
        for block in content or []
        if isinstance(block, dict) and block.get("type") not in THINKING
    ]


def _parts(body: Any) -> dict[str, str]:
    """The parts of a request that are compared as wholes, each as JSON; settings one by one."""
    if not isinstance(body, dict):
        return {"": json.dumps(body)}
    parts = dict(body)
    for name in ("messages", "requests"):
        held = parts.pop(name, None)
        for number, each in enumerate(held if isinstance(held, list) else []):
            parts[f"{name}[{number}]"] = each
    return {name: json.dumps(part, sort_keys=True, ensure_ascii=False)
            for name, part in parts.items()}  # fmt: skip


def _words(body: Any) -> set[str]:
    """The words of a request, for a first look at how near it is."""
    return set(WORD.findall(json.dumps(body, ensure_ascii=False)))


def _distance(recorded: dict[str, str], sent: dict[str, str]) -> float:
    """How far two requests are from each other; a setting counts less than what is said."""
    total = 0.0
    for name in recorded.keys() | sent.keys():
        one, other = recorded.get(name, ""), sent.get(name, "")
        if one == other:
            continue
        said = name.startswith(("messages", "requests", "system", "tools"))
        before, now = WORD.findall(one)[:MOST_WORDS], WORD.findall(other)[:MOST_WORDS]
        likeness = SequenceMatcher(None, before, now, autojunk=False).ratio()
        total += (1.0 if said else 0.4) * (1.2 - likeness)
    return total
