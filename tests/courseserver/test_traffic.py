"""What an adapter counts: replies on their way, the most at once, and those left by their client.

The waits stand in the replies themselves, so nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import anthropic
import pytest

from courseserver import inprocess, loopback
from courseserver.replay import Replay
from courseserver.traffic import Traffic
from tests.support import HELLO, async_client

Either = loopback.Server[Replay] | inprocess.Server[Replay]
LONG = "It opens at nine. " * 40


@pytest.fixture(params=[loopback.Server, inprocess.Server])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Either]:
    """A course server at a human pace, on a port and in the process."""
    monkeypatch.setenv("COURSE_PACE", "1")
    made = request.param(Replay())
    yield made
    made.stop()


async def nothing_on_its_way(seen: Traffic) -> None:
    """Wait until the server has noticed what ended: at once, not when the reply would be whole."""
    while seen.now:
        await asyncio.sleep(0.01)


def counted(server: Either, work: Callable[[Any], Awaitable[Any]], *replies: Any) -> Traffic:
    """What the server counted during some work with a client of a staged script."""

    async def go() -> Traffic:
        seen = server.watch()
        url = server.url + server.backend.account.stage("test", replies)
        async with async_client(url) as sdk:
            await work(sdk)
        await asyncio.wait_for(nothing_on_its_way(seen), 60)
        return seen

    return asyncio.run(go())


def test_requests_that_wait_together_are_counted_together(server: Either) -> None:
    async def five(sdk: anthropic.AsyncAnthropic) -> None:
        await asyncio.gather(*(sdk.messages.create(**HELLO) for _ in range(5)))

    assert counted(server, five, {"content": "Nine.", "usage": {"output_tokens": 200}}).most == 5


def test_requests_one_after_another_are_never_more_than_one(server: Either) -> None:
    async def three(sdk: anthropic.AsyncAnthropic) -> None:
        for _ in range(3):
            await sdk.messages.create(**HELLO)

    assert counted(server, three, "Nine.") == Traffic(now=0, most=1, left=0)


def test_a_cancelled_request_is_left_by_its_client(server: Either) -> None:
    async def cancel(sdk: anthropic.AsyncAnthropic) -> None:
        task = asyncio.ensure_future(sdk.messages.create(**HELLO))
        while not server.traffic.now:
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    slow = {"content": "Nine.", "usage": {"output_tokens": 40_000}}
    assert counted(server, cancel, slow) == Traffic(now=0, most=1, left=1)


def test_a_stream_that_is_stopped_early_is_left_by_its_client(server: Either) -> None:
    async def stop(sdk: anthropic.AsyncAnthropic) -> None:
        async with sdk.messages.stream(**HELLO) as stream:
            async for _ in stream.text_stream:
                break

    assert counted(server, stop, LONG) == Traffic(now=0, most=1, left=1)


def test_a_stream_that_is_read_to_its_end_is_not(server: Either) -> None:
    async def read(sdk: anthropic.AsyncAnthropic) -> None:
        async with sdk.messages.stream(**HELLO) as stream:
            await stream.until_done()

    assert counted(server, read, "Nine.") == Traffic(now=0, most=1, left=0)


def test_a_connection_that_the_server_cuts_was_not_left_by_the_client(server: Either) -> None:
    async def read(sdk: anthropic.AsyncAnthropic) -> None:
        with suppress(Exception):
            async with sdk.messages.stream(**HELLO) as stream:
                await stream.until_done()

    broken = {"content": LONG, "fault": {"kind": "cut", "after": 20}}
    assert counted(server, read, broken).left == 0


def test_a_new_count_begins_at_nothing(server: Either) -> None:
    old = counted(server, lambda sdk: sdk.messages.create(**HELLO), "Nine.")
    assert server.watch() == Traffic()
    assert old.most == 1
