"""The practice server: replies that an exercise scripts, and a log of what was sent.

Each run of a learner's code gets an address of its own, so runs never mix. It must not
know what the exercise wants.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from courseserver import inprocess, wire
from courseserver.replay import Replay
from courseserver.traffic import Traffic
from courseserver.values import Problem, Reply, Request, Step, parse_body

KEY = "practice-needs-no-key"
OWN_KEY = "practice-client-of-your-own"  # of a client that the learner's code makes
# Refusals; a loop that swallows them all is then kept waiting, so that it idles.
PATIENCE = 1_000
IDLE_SECONDS = 900.0  # of a stray thread, when its check is long over


@dataclass(frozen=True)
class Sent:
    """One request as it arrived, and what came back. `ours`: by the client we gave."""

    path: str
    body: Any
    headers: Mapping[str, str]
    status: int
    reply: Any
    ours: bool

    @property
    def said(self) -> str:
        """The text of the last user turn; "" when there is none."""
        for turn in reversed(self._turns()):
            if has(turn, "role", "user"):
                return text_of(turn.get("content"))
        return ""

    @property
    def roles(self) -> list[Any]:
        """The roles of the turns, in order; none when `messages` is no list of them."""
        return [turn.get("role") for turn in self._turns() if isinstance(turn, dict)]

    @property
    def system(self) -> str:
        """The text of the system prompt; "" when there is none."""
        return text_of(self.body.get("system")) if isinstance(self.body, dict) else ""

    def _turns(self) -> list[Any]:
        turns = self.body.get("messages") if isinstance(self.body, dict) else None
        return turns if isinstance(turns, list) else []


@dataclass
class Tape:
    """The log of one run. `overrun` is set when it sends more than `limit` requests."""

    limit: int
    overrun: threading.Event
    sent: list[Sent] = field(default_factory=list)
    refused: int = 0  # requests over the limit
    bug: Exception | None = None  # of the course server, not of the learner
    responses: list[Any] = field(default_factory=list)  # for a case that keeps them
    traffic: Traffic = field(default_factory=Traffic)  # for a case that counts them
    waited: list[int] = field(default_factory=list)  # seconds until one was given up


@dataclass
class PracticeServer:
    """Answers each run from its own script, at once, and keeps its tape.

    It has a course server's `Replay` for the answers and adds the tapes, by the path of
    each run's address.
    """

    replay: Replay = field(default_factory=Replay)
    tapes: dict[str, Tape] = field(default_factory=dict)

    @cached_property
    def url(self) -> str:
        """The base URL in this process, where it is served from the first look on."""
        return inprocess.Server(self).url

    def client(self, path: str, *, waits: bool) -> Any:
        """The SDK's own client for a run; the async one for a function that `waits`.

        It does not ask again by itself after an error.
        """
        import anthropic

        settings: dict[str, Any] = {"base_url": self.url + path, "api_key": KEY}
        settings["max_retries"] = 0
        # Without certificates to load, a client costs 0.1 ms in place of 40; the
        # address is plain http.
        if waits:
            settings["http_client"] = anthropic.DefaultAsyncHttpxClient(verify=False)
            return anthropic.AsyncAnthropic(**settings)
        settings["http_client"] = anthropic.DefaultHttpxClient(verify=False)
        return anthropic.Anthropic(**settings)

    def begin(self, replies: Sequence[Any], tape: Tape) -> str:
        """Begin a run: the path of its address."""
        path = self.replay.account.stage("practice", tuple(replies))
        self.tapes[path] = tape
        return path

    def forget(self) -> None:
        """Drop all runs; late requests of a stray thread are kept waiting."""
        self.replay.account.scripts.clear()
        self.replay.account.journal.clear()
        self.tapes.clear()

    def decide(self, request: Request) -> Reply:
        """The reply to one request, without the pace that is meant for people."""
        path = self._run_of(request)
        tape = self.tapes.get(path)
        if tape is None or tape.refused > PATIENCE:
            _idle()
            return Reply(200, {}, (Step(0.0, b"", "stall"),))
        if len(tape.sent) >= tape.limit:
            tape.overrun.set()
            tape.refused += 1
            what = "Too many requests; the check ends here."
            stop = Problem(400, "practice_limit", what)
            final = {"x-should-retry": "false"}
            return wire.error(stop, "practice", "limit", extra=final)
        try:
            reply = self.replay.decide(request)
        except Exception as bug:
            tape.bug = bug
            raise
        tape.sent.append(_sent(request, reply, path))
        at_once = tuple(replace(step, delay=0.0) for step in reply.steps)
        return replace(reply, steps=at_once)

    def _run_of(self, request: Request) -> str:
        """The path of the run that a request belongs to; "" when it is over."""
        for path in tuple(self.tapes):  # a copy: another thread may begin a run
            if request.path.startswith(f"{path}/"):
                return path
        return ""


@cache
def practice_server() -> PracticeServer:
    """This process's practice server: the one place where it is made."""
    return PracticeServer()


def _idle() -> None:
    """Wait in slices: between them a thread can be stopped (sleep() is watched)."""
    for _ in range(round(IDLE_SECONDS * 10)):
        threading.Event().wait(0.1)


def _sent(request: Request, reply: Reply, path: str) -> Sent:
    """What the tape keeps of one exchange."""
    head = request.headers
    key = head.get("x-api-key") or head.get("authorization", "")
    came = None
    if not reply.streamed:
        came = parse_body(b"".join(step.data for step in reply.steps))
    where = request.path.removeprefix(path)
    return Sent(where, request.body, head, reply.status, came, OWN_KEY not in key)


def text_of(content: Any) -> str:
    """The text in the content of a turn or a system prompt: a string, or blocks."""
    if isinstance(content, str):
        return content
    text = ""
    for block in content if isinstance(content, list) else []:
        if has(block, "type", "text"):
            text += str(block.get("text", ""))
    return text


def has(value: Any, key: str, wanted: str) -> bool:
    """Whether a JSON value is an object in which `key` is `wanted`."""
    return isinstance(value, dict) and value.get(key) == wanted
