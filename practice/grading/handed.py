"""What a case about streams hands to an answer: a screen, events, another client.

It must not know what is expected (streams.py), nor any exercise.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from courseserver import facts, wire
from courseserver.call import Call
from courseserver.short import whole_message
from courseserver.values import Request
from practice.grading.expect import Handed
from practice.grading.tape import KEY, Tape

if TYPE_CHECKING:
    from practice.grading.lab import Lab

SILENCE = 0.25  # seconds
TURNS = 100  # of the event loop: whatever wants to begin has begun by then
PATIENCE = 1_000  # seconds, of the check's own clock


class Screen:
    """What a case hands over as `write`: it keeps what is written, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []

    def write(self, piece: Any) -> None:
        """Keep one piece; empty ones show nothing."""
        if piece != "":
            self.pieces.append(piece)

    __call__ = write  # so that Python, too, calls it `write` when it complains

    def __repr__(self) -> str:
        """The name that it has in an exercise."""
        return "write"


class Events(list[Any]):
    """The events of one stream, as `list(stream)` gives them; shown by their types."""

    def __repr__(self) -> str:
        """Short enough to be read beside a call."""
        return f"[{len(self)} events: {', '.join(event.type for event in self)}]"


@dataclass(frozen=True)
class Streamed(Handed):
    """A reply in short form that a case hands to the answer as a list of events."""

    raw: bool = False

    def made(self, lab: Lab) -> Events:
        """The events that the SDK makes of the reply, without any socket."""
        return Events(self._events)

    @cached_property
    def _events(self) -> Events:
        turn = {"role": "user", "content": "How long do I boil an egg?"}
        asked: Any = {"model": facts.MODEL, "max_tokens": 2000, "messages": [turn]}
        body = {**asked, "stream": True}
        call = Call(Request("POST", "/v1/messages", "", {}, b"", body))
        short = self.content
        fault = short.get("fault") if isinstance(short, dict) else None
        whole = whole_message(short, body, "events", 2)
        reply = wire.reply(whole, call, "practice", "events", 2, fault=fault)
        data = b"".join(step.data for step in reply.steps)
        with _answering(data) as client:
            if self.raw:
                return Events(client.messages.create(**body))
            with client.messages.stream(**asked) as stream:
                return Events(stream)


def events(reply: Any, raw: bool = False) -> Streamed:
    """The events of a stream as an argument of a case, from a reply in the short form.

    `raw`: without those that the package adds, as `create(stream=True)` gives them.
    """
    return Streamed(reply, raw=raw)


def _answering(data: bytes) -> Any:
    """A client of the SDK that gets these bytes as the stream of any request."""
    import anthropic
    import httpx2

    head = {"content-type": "text/event-stream"}
    carrier = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers=head, content=data)
    )
    return anthropic.Anthropic(
        api_key=KEY,
        base_url="http://127.0.0.1",
        http_client=anthropic.DefaultHttpxClient(transport=carrier, verify=False),
    )


# --- other clients, for `through=` of a case ------------------------------------------


def unreachable(client: Any, tape: Tape) -> Any:
    """A client whose requests bring nothing: no reply ever begins."""
    import anthropic

    class Lost(anthropic.Middleware):
        def handle(self, request: Any, call_next: Any) -> Any:
            call_next(request)
            raise anthropic.APIConnectionError(request=request)

        async def handle_async(self, request: Any, call_next: Any) -> Any:
            await call_next(request)
            raise anthropic.APIConnectionError(request=request)

    return client.with_options(middleware=[Lost()])


def hasty(client: Any, tape: Tape) -> Any:
    """A client that gives a silent stream up soon: the only real waiting of a check.

    On a busy machine a reply may begin too late, which is not the learner's fault: so
    it asks again before a reply begins.
    """
    return client.with_options(timeout=SILENCE, max_retries=2)


def keeping(client: Any, tape: Tape) -> Any:
    """A client whose responses are kept, to see whether they were closed."""
    import anthropic

    class Keep(anthropic.Middleware):
        def handle(self, request: Any, call_next: Any) -> Any:
            tape.responses.append(call_next(request))
            return tape.responses[-1]

        async def handle_async(self, request: Any, call_next: Any) -> Any:
            tape.responses.append(await call_next(request))
            return tape.responses[-1]

    return client.with_options(middleware=[Keep()])


def counting(client: Any, tape: Tape) -> Any:
    """An async client whose requests are counted while they are on their way.

    `tape.traffic` has the most at once, and how many were cancelled; each waits until
    no other begins, and what began later ends earlier. A reply that stalls never comes,
    and the check's own clock goes on in the meantime: `tape.waited` has the seconds
    after which each was given up.
    """
    import anthropic

    async def turns(count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    async def never() -> None:
        await turns(3 * TURNS)  # first the others come to their end
        begun = len(tape.waited)
        tape.waited.append(0)
        while tape.waited[begun] < PATIENCE:
            tape.waited[begun] += 1
            await asyncio.sleep(1)
        await asyncio.Event().wait()

    async def carried(request: Any, call_next: Any) -> Any:
        await turns(TURNS)
        try:
            reply = await call_next(request)
        except anthropic.APITimeoutError:
            await never()
        await turns(5 * (tape.limit - len(tape.sent)))
        return reply

    class Count(anthropic.Middleware):
        def handle(self, request: Any, call_next: Any) -> Any:
            return call_next(request)

        async def handle_async(self, request: Any, call_next: Any) -> Any:
            tape.traffic.begin()
            left = False
            try:
                return await carried(request, call_next)
            except asyncio.CancelledError:
                left = not made.is_closed()
                raise
            finally:
                tape.traffic.end(left=left)

    made = client.with_options(middleware=[Count()])
    # Known, or the SDK looks it up in a thread, and requests begin at odd times.
    made._platform = "Unknown"
    return made
