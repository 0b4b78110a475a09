"""The course server in practice: replies that an exercise scripts, and a log of what was sent.

Each run of a learner's code gets an address of its own, so runs never mix. It must not know what
the exercise wants.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from courseserver import wire
from courseserver.loopback import Server
from courseserver.replay import Replay
from courseserver.values import Problem, Reply, Request, Step, parse_body

KEY = "practice-needs-no-key"
PATIENCE = 1_000  # refusals; a loop that swallows them all is then kept waiting, so that it idles
OWN_KEY = "practice-client-of-your-own"  # what a client that the learner's code makes would send


@dataclass(frozen=True)
class Sent:
    """One request as it arrived, and what came back. `ours`: through the client we gave."""

    path: str
    body: Any
    headers: Mapping[str, str]
    status: int
    reply: Any
    ours: bool

    @property
    def said(self) -> str:
        """The text of the last user turn; "" when there is none."""
        turns = self.body.get("messages") if isinstance(self.body, dict) else None
        users = [t for t in turns if has(t, "role", "user")] if isinstance(turns, list) else []
        return text_of(users[-1].get("content")) if users else ""

    @property
    def roles(self) -> list[Any]:
        """The roles of the turns, in order; none when `messages` is no list of objects."""
        turns = self.body.get("messages") if isinstance(self.body, dict) else None
        return (
            [t.get("role") for t in turns if isinstance(t, dict)] if isinstance(turns, list) else []
        )

    @property
    def system(self) -> str:
        """The text of the system prompt; "" when there is none."""
        return text_of(self.body.get("system")) if isinstance(self.body, dict) else ""


@dataclass
class Tape:
    """The log of one run. `overrun` is set when it sends more than `limit` requests."""

    limit: int
    overrun: threading.Event
    sent: list[Sent] = field(default_factory=list)
    refused: int = 0  # requests over the limit
    bug: Exception | None = None  # of the course server, not of the learner


@dataclass
class Practice:
    """A backend that answers from scripts only, at once, and keeps a tape for each of them."""

    replay: Replay = field(default_factory=Replay)
    tapes: dict[str, Tape] = field(default_factory=dict)

    def begin(self, replies: Sequence[Any], tape: Tape) -> str:
        """Begin a run: the path of its address."""
        path = self.replay.account.stage("practice", tuple(replies))
        self.tapes[path] = tape
        return path

    def forget(self) -> None:
        """Drop all runs; late requests of a stray thread are kept waiting."""
        self.tapes.clear()
        self.replay.account.scripts.clear()
        self.replay.account.journal.clear()

    def decide(self, request: Request) -> Reply:
        """The reply to one request, without the pace that is meant for people."""
        path = "/".join(request.path.split("/")[:3])
        tape = self.tapes.get(path)
        if tape is None or tape.refused > PATIENCE:
            return Reply(200, {}, (Step(0.0, b"", "stall"),))
        if len(tape.sent) >= tape.limit:
            tape.overrun.set()
            tape.refused += 1
            stop = Problem(400, "practice_limit", "Too many requests; the check ends here.")
            return wire.error(stop, "practice", "limit", extra={"x-should-retry": "false"})
        try:
            reply = self.replay.decide(request)
        except Exception as bug:
            tape.bug = bug
            raise
        head, where = request.headers, request.path.removeprefix(path)
        ours = OWN_KEY not in (head.get("x-api-key") or head.get("authorization", ""))
        came = None if reply.streamed else parse_body(b"".join(s.data for s in reply.steps))
        tape.sent.append(Sent(where, request.body, head, reply.status, came, ours))
        return replace(reply, steps=tuple(replace(step, delay=0.0) for step in reply.steps))


@cache
def practice() -> tuple[str, Practice]:
    """The base URL and the backend of this process's practice server, started at the first call."""
    backend = Practice()
    return Server(backend).url, backend


def text_of(content: Any) -> str:
    """The text in the content of a turn or a system prompt: a string, or a list of blocks."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "".join(str(b.get("text", "")) for b in blocks if has(b, "type", "text"))


def has(value: Any, key: str, wanted: str) -> bool:
    """Whether a JSON value is an object in which `key` is `wanted`."""
    return isinstance(value, dict) and value.get(key) == wanted
