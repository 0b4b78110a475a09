"""A lesson's recorded exchanges: which one answers a request, and which comes nearest.

A request is matched whole (method, path, query, canonical body, API version, betas), never by a
part of its text. Nothing here reads files: `Recordings.parse` takes text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from courseserver import wire
from courseserver.values import Request

JSON = dict[str, Any]
LONG = 1_000  # characters of a string that is kept whole in a recording


class RecordingError(ValueError):
    """A recording cannot be read; the message says which exchange, what and what to do."""


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its replies, in the form of the file."""

    name: str
    source: str
    request: JSON
    replies: tuple[Any, ...]
    method: str = "POST"
    path: str = "/v1/messages"
    version: str = ""
    betas: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    cycle: bool = False

    def reply(self, turn: int) -> tuple[int, Any]:
        """Number and short form of the reply that is due at the `turn`-th request (from 0)."""
        count = len(self.replies)
        index = turn % count if self.cycle else min(turn, count - 1)
        return index, self.replies[index]


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
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            what = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
            raise RecordingError(
                f"The recording of {name} cannot be read: {what.rstrip('.')}. "
                f"Give it back as it was shipped with: python3 start.py reset {name}"
            ) from problem
        names = [exchange.name for exchange in exchanges]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RecordingError(f"Two exchanges of {name} are called {twice[0]!r}. Rename one.")
        index: dict[str, Exchange] = {}
        for exchange in exchanges:
            key = _key(
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

    def find(self, request: Request) -> Exchange | None:
        """The exchange that records exactly this request."""
        for volatile in sorted({exchange.volatile for exchange in self.exchanges}):
            exchange = self.index.get(request_key(request, volatile))
            if exchange and exchange.volatile == volatile:
                return exchange
        return None

    def nearest(self, request: Request) -> tuple[Exchange, list[str]] | None:
        """The recorded request most like this one, and where the two differ, one line each."""
        sent = canonical(request.body)
        here = [entry for entry in self.exchanges if entry.path == request.path]
        if not here:
            return None
        likeness = SequenceMatcher(None, autojunk=False)
        likeness.set_seq2(_words(sent))

        def like(entry: Exchange, *, roughly: bool) -> float:
            likeness.set_seq1(_words(entry.request))
            return likeness.quick_ratio() if roughly else likeness.ratio()

        # The exact comparison is slow on long requests, so only the five likeliest get it.
        likely = sorted(here, key=lambda entry: like(entry, roughly=True), reverse=True)[:5]
        best = max(likely, key=lambda entry: like(entry, roughly=False))
        return best, list(_all_differences(best, request, sent))


def _exchange(entry: JSON, data: JSON) -> Exchange:
    if not isinstance(entry["replies"], list) or not entry["replies"]:
        raise ValueError(f"the replies of {entry['name']!r} must be a list with at least one reply")
    for short in entry["replies"]:
        wire.check_short(short)
        told = short.get("results") if isinstance(short, dict) else None
        asked = entry["request"].get("requests", []) if told is not None else []
        odd = sorted({each["custom_id"] for each in asked} ^ set(told or {}))
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
        method=entry.get("method", "POST"),
        path=entry.get("path", "/v1/messages"),
        version=str(entry.get("api_version") or data["api_version"]),
        betas=tuple(entry.get("betas", ())),
        volatile=tuple(entry.get("volatile", ())),
        cycle=entry.get("cycle", False),
    )


def request_key(request: Request, volatile: Iterable[str] = ()) -> str:
    """The hash that identifies a request; `volatile` names parts of the body to leave out."""
    return _key(
        request.method, request.path, request.query, canonical(request.body),
        request.headers.get("anthropic-version", ""), betas(request), volatile,
    )  # fmt: skip


def betas(request: Request) -> tuple[str, ...]:
    """The beta features a request asks for, sorted."""
    names = request.headers.get("anthropic-beta", "").split(",")
    return tuple(sorted(name.strip() for name in names if name.strip()))


def canonical(value: Any, inside: str = "") -> Any:
    """A JSON value as recordings keep it: base64, signatures and long texts become digests."""
    if isinstance(value, dict):
        # In a tuple, not in a set: the type of a JSON schema may be a list.
        binary = value.get("type") in ("base64", "redacted_thinking")
        return {
            key: digest(item)
            if isinstance(item, str) and (key == "signature" or (binary and key == "data"))
            else canonical(item, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [canonical(item, inside) for item in value]
    return digest(value) if isinstance(value, str) and len(value) > LONG else value


def digest(text: str) -> str:
    """A short stand-in for a long string. A text keeps its first words, so diffs stay readable."""
    if text.startswith("sha256:") or "… [sha256:" in text[:100]:
        return text
    mark = f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]} {len(text)} characters"
    return f"{text[:48]}… [{mark}]" if " " in text[:200] else mark


def _all_differences(entry: Exchange, request: Request, sent: Any) -> Iterator[str]:
    """Where a request differs from a recorded one: in the body first, then around it."""
    recorded: Any = entry.request
    for where in entry.volatile:
        recorded, sent = _without(recorded, where.split(".")), _without(sent, where.split("."))
    yield from differences(recorded, sent)
    yield from differences(entry.method, request.method, "method")
    yield from differences("", _query(request.query), "query")
    version = request.headers.get("anthropic-version", "")
    yield from differences(entry.version, version, "header anthropic-version")
    asked = ",".join(sorted(set(entry.betas)))
    yield from differences(asked, ",".join(betas(request)), "header anthropic-beta")


def differences(recorded: Any, sent: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, one line for each place."""
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for key in [*recorded, *(key for key in sent if key not in recorded)]:
            where = f"{path}.{key}" if path else key
            if key not in sent:
                yield f"{where}: recorded {_brief(recorded[key])}, not sent"
            elif key not in recorded:
                yield f"{where}: not recorded, sent {_brief(sent[key])}"
            else:
                yield from differences(recorded[key], sent[key], where)
    elif isinstance(recorded, list) and isinstance(sent, list):
        for number in range(max(len(recorded), len(sent))):
            where = f"{path}[{number}]"
            if number >= len(sent):
                yield f"{where}: recorded {_brief(recorded[number])}, not sent"
            elif number >= len(recorded):
                yield f"{where}: not recorded, sent {_brief(sent[number])}"
            else:
                yield from differences(recorded[number], sent[number], where)
    elif recorded != sent or type(recorded) is not type(sent):  # 1 is not 1.0, nor true
        yield f"{path}: recorded {_brief(recorded)}, sent {_brief(sent)}"


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 90 else text[:86] + "…" + text[-1]


def _words(value: Any) -> list[str]:
    return re.findall(r"\w+", json.dumps(value, sort_keys=True, ensure_ascii=False))[:2_000]


def _query(query: str) -> str:
    return "" if query == "beta=true" else query  # the SDK's beta namespace adds it


def _key(
    method: str,
    path: str,
    query: str,
    body: Any,
    version: str,
    asked: Iterable[str],
    volatile: Iterable[str],
) -> str:
    for where in volatile:
        body = _without(body, where.split("."))
    asked = sorted(set(asked))
    whole = [method, path, _query(query), body, version, asked]
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _without(value: Any, path: list[str]) -> Any:
    if isinstance(value, dict) and path[0] in value:
        rest = {key: item for key, item in value.items() if key != path[0]}
        return rest if len(path) == 1 else rest | {path[0]: _without(value[path[0]], path[1:])}
    if isinstance(value, list) and path[0].isdigit() and int(path[0]) < len(value):
        at = int(path[0])
        inner = [] if len(path) == 1 else [_without(value[at], path[1:])]
        return value[:at] + inner + value[at + 1 :]
    return value
