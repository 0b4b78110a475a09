"""The three values that travel through the course server: a request, a refusal and a reply.

Plain data. Nothing here reads a socket, a file or a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = dict[str, Any]
Fault = Literal["cut", "stall"]


@dataclass(frozen=True)
class Request:
    """One HTTP request as it arrived. Header names are lower case; `body` is the parsed JSON."""

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
    details: dict[str, Any] | None = None
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
    gone through more than once.
    """

    status: int
    headers: Mapping[str, str]
    steps: Iterable[Step]
    streamed: bool = False
    usage: dict[str, Any] = field(default_factory=dict)
