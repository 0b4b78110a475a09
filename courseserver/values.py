"""The values that travel through the course server: a request, a refusal, a reply, a question.

Plain data. Nothing here reads a socket, a file or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from courseserver import body as bodies

JSON = dict[str, Any]
Fault = Literal["cut", "stall"]


@dataclass(frozen=True)
class Request:
    """One HTTP request as it arrived. Header names are lower case.

    `body` is the parsed JSON; None when there is none or it cannot be read.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw: bytes
    body: Any


@dataclass(frozen=True)
class Problem:
    """A refusal by one of the API's rules: HTTP status, `error.type`, `error.message`."""

    status: int
    type: str
    message: str
    details: JSON | None = None
    rule: str = ""


@dataclass(frozen=True)
class Step:
    """One piece of a reply: wait `delay` seconds, then send `data`, then perhaps break off."""

    delay: float
    data: bytes
    fault: Fault | None = None


@dataclass(frozen=True)
class Reply:
    """What goes back: status, headers, and the body as timed steps.

    `streamed` replies are sent chunk by chunk; the others with a content-length. `steps` can be
    gone through more than once. `adapted`: the words for what a recorded reply was adapted to.
    """

    status: int
    headers: Mapping[str, str]
    steps: Iterable[Step]
    streamed: bool = False
    usage: JSON = field(default_factory=dict)
    adapted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a forwarded request ended: the reply as it came, or why none came (`failure`).

    `body` is what arrived until the end, or until the client left (`complete` is false then).
    `came` tells how it arrived: of each piece the seconds since the one before (of the first: since
    the request) and its bytes.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = True
    failure: str = ""
    came: tuple[tuple[float, int], ...] = ()


@dataclass(frozen=True)
class Forward:
    """Ask upstream: decided by a backend, carried out by an adapter.

    `url` and `headers` are what goes out, the key among them, so they are never shown. `settle` is
    called exactly once, with how it ended. `reserved` is the most that it can cost, in USD.
    `rewrite` changes a whole body before it goes on; None: every byte goes on as it comes.
    `translation` makes something else of all that comes, or of nothing at all.
    """

    request: Request
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    settle: Callable[[Outcome], None] = field(repr=False)
    reserved: float = 0.0
    rewrite: Callable[[bytes], bytes] | None = field(default=None, repr=False)
    translation: Translation | None = field(default=None, repr=False)


class Translation(Protocol):
    """What a client gets in place of what came: a reply, or a stream while it passes."""

    headers: Mapping[str, str]  # of a stream
    stream: bool  # was one asked for?
    ended: bool

    def whole(self, outcome: Outcome) -> Reply:
        """The reply, from a body that came whole or from what went wrong."""
        ...

    def piece(self, chunk: bytes) -> bytes:
        """What goes on, now that a piece of a stream has come; `ended` after its last event."""
        ...

    def rest(self) -> bytes:
        """What the client must still hear when no more comes; nothing after the last event."""
        ...


class Backend(Protocol):
    """Who decides what a request gets, without any I/O."""

    def decide(self, request: Request) -> Reply | Forward:
        """The reply, or what to ask upstream. Never raises for what a learner can send."""
        ...


def parse_body(raw: bytes) -> Any:
    """The JSON of a request body; None when there is none or it cannot be read."""
    try:
        return bodies.read(raw) if raw else None
    except ValueError:
        return None


def received(method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes) -> Request:
    """The request that an adapter got: its Content-Encoding taken off, its JSON parsed.

    A body whose encoding cannot be taken off stays as it came, and so does the header.
    """
    try:
        raw = bodies.decoded(headers, raw)
    except bodies.EncodingError:
        return Request(method, path, query, headers, raw, None)
    headers = {name: text for name, text in headers.items() if name != "content-encoding"}
    return Request(method, path, query, headers, raw, parse_body(raw))
