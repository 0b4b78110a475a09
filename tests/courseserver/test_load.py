"""Many callers at once: each gets the answer to its own question, and nobody waits for ever.

Fifty threads and two hundred coroutines ask one server, recorded and staged, plain and streamed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import pytest

from courseserver.loopback import Server
from courseserver.replay import Replay
from courseserver.staged import STAGED
from tests.support import (
    HELLO,
    PATIENCE,
    async_client,
    client,
    exchange,
    recordings,
    said,
    send,
    serving,
    text_of,
)  # fmt: skip

JSON = dict[str, Any]
THREADS, COROUTINES, TURNS = 50, 200, 2


def question(caller: int, turn: int) -> JSON:
    """A request of one caller's own."""
    return said(f"What is number {caller} times {turn}?")


def answer(caller: int, turn: int) -> str:
    """Its answer, long enough to be streamed in many pieces."""
    return f"It is {caller * turn}, as caller {caller} asked in turn {turn}. " * 3


def script(caller: int) -> tuple[str, ...]:
    """What one caller stages for itself."""
    return tuple(f"staged for {caller}, turn {turn}" for turn in range(TURNS))


def lesson(callers: int) -> list[JSON]:
    """A recording with every question of every caller, plain and streamed."""
    return [
        exchange(f"{c} {t} {form}", {**question(c, t), **form}, answer(c, t))
        for c in range(callers)
        for t in range(TURNS)
        for form in ({}, {"stream": True})
    ]


def in_threads(work: Callable[[int], int], count: int = THREADS) -> int:
    """Let that many threads begin at one moment; gives back the sum of what they return."""
    start = threading.Barrier(count)

    def run(number: int) -> int:
        start.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        running = [pool.submit(run, number) for number in range(count)]
        return sum(each.result(PATIENCE) for each in running)


def test_fifty_threads_get_each_their_own_answers(covers: Callable[[str], None]) -> None:
    with serving(*lesson(THREADS)) as server:

        def caller(number: int) -> int:
            url = server.url + server.backend.account.stage("yours", script(number))
            with client(server.url) as sdk, client(url) as played:
                for turn in range(TURNS):
                    ask = question(number, turn)
                    assert text_of(sdk.messages.create(**ask)) == answer(number, turn)
                    with sdk.messages.stream(**ask) as stream:
                        assert stream.get_final_text() == answer(number, turn)
                    assert text_of(played.messages.create(**HELLO)) == script(number)[turn]
            return TURNS * 3

        answers = in_threads(caller)
        assert answers == len(server.backend.account.journal) == THREADS * TURNS * 3
    covers(f"load: {THREADS} threads, {answers} answers, each the right one")


def test_two_hundred_coroutines_get_each_their_own_answers(covers: Callable[[str], None]) -> None:
    async def caller(sdk: anthropic.AsyncAnthropic, server: Server[Replay], number: int) -> int:
        played = sdk.with_options(
            base_url=server.url + server.backend.account.stage("yours", script(number))
        )
        for turn in range(TURNS):
            ask = question(number, turn)
            assert text_of(await sdk.messages.create(**ask)) == answer(number, turn)
            async with sdk.messages.stream(**ask) as stream:
                assert await stream.get_final_text() == answer(number, turn)
            assert text_of(await played.messages.create(**HELLO)) == script(number)[turn]
        return TURNS * 3

    async def everyone(server: Server[Replay]) -> int:
        async with async_client(server.url) as sdk:
            calls = [caller(sdk, server, number) for number in range(COROUTINES)]
            return sum(await asyncio.wait_for(asyncio.gather(*calls), PATIENCE))

    with serving(*lesson(COROUTINES)) as server:
        answers = asyncio.run(everyone(server))
        assert answers == len(server.backend.account.journal) == COROUTINES * TURNS * 3
    covers(f"load: {COROUTINES} coroutines, {answers} answers, each the right one")


def test_scripts_that_are_staged_at_one_moment_are_never_mixed_up() -> None:
    with serving() as server:
        urls: dict[int, str] = {}

        def stage(number: int) -> int:
            for turn in range(20):
                urls[number * 20 + turn] = server.backend.account.stage(
                    "same", (f"{number} {turn}",)
                )
            return 20

        count = in_threads(stage)
        assert count == len(urls) == len(set(urls.values()))


def test_replies_in_order_are_each_given_once_to_callers_at_once() -> None:
    """A hundred numbered replies, fifty callers: no number twice, none left out."""
    numbers = [str(n) for n in range(THREADS * 2)]
    with serving(exchange("numbers", HELLO, *numbers, cycle=True)) as server:
        got: list[str] = []

        def caller(_: int) -> int:
            with client(server.url) as sdk:
                got.extend(text_of(sdk.messages.create(**HELLO)) for _ in range(2))
            return 2

        in_threads(caller)
    assert sorted(got, key=int) == numbers


def test_callers_who_wait_in_vain_keep_nobody_else_waiting() -> None:
    """Twenty stalled replies hang until the server ends; a twenty-first caller is served."""
    server = Server(Replay())
    server.backend.start(recordings(exchange("hello", HELLO, "Hi there.")))
    stalled = server.url + server.backend.account.stage("slow", STAGED["slow"].replies)
    left = threading.Event()

    def wait_in_vain(_: int) -> int:
        with (
            client(stalled, timeout=PATIENCE, max_retries=0) as sdk,
            pytest.raises(anthropic.APIConnectionError),
        ):
            sdk.messages.create(**HELLO)
        left.set()
        return 1

    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(wait_in_vain, number) for number in range(20)]
        try:
            while len(server.backend.account.journal) < 20:
                time.sleep(0.02)
            with client(server.url) as sdk:
                assert text_of(sdk.messages.create(**HELLO)) == "Hi there."
            assert not left.is_set()  # they were all still waiting then
        finally:
            server.stop()
        assert sum(each.result(PATIENCE) for each in waiting) == 20


def test_callers_who_leave_in_the_middle_do_no_harm() -> None:
    long = exchange("long", {**HELLO, "stream": True}, "word " * 5_000)
    with serving(long, exchange("hello", HELLO, "Hi there.")) as server:

        def leave(_: int) -> int:
            with client(server.url) as sdk, sdk.messages.stream(**HELLO) as stream:
                for _text in stream.text_stream:
                    break
            return 1

        assert in_threads(leave, 20) == 20
        with client(server.url) as sdk:
            assert text_of(sdk.messages.create(**HELLO)) == "Hi there."


def test_a_lesson_that_begins_again_under_load_answers_everybody() -> None:
    """`setup()` again while threads are asking: every answer is a whole one, or a 421."""
    with serving(exchange("hello", HELLO, "Hi there.")) as server:
        recorded = server.backend.lesson.recorded

        def caller(_: int) -> int:
            for _turn in range(10):
                assert send(server.url, HELLO).json["content"][0]["text"] == "Hi there."
            return 10

        done = threading.Event()

        def begin_again() -> None:
            while not done.is_set():
                server.backend.start(recorded)
                time.sleep(0.001)

        again = threading.Thread(target=begin_again)
        again.start()
        try:
            assert in_threads(caller, 10) == 100
        finally:
            done.set()
            again.join()


def test_a_server_can_be_stopped_the_moment_it_has_started() -> None:
    for _ in range(20):
        stopping = threading.Thread(target=Server(Replay()).stop, daemon=True)
        stopping.start()
        stopping.join(PATIENCE)
        assert not stopping.is_alive()


def test_a_server_that_is_stopped_ends_its_thread_and_frees_its_port() -> None:
    before = threading.active_count()
    with serving(exchange("hello", HELLO, "Hi there.")) as server:
        url = server.url
        stalled = url + server.backend.account.stage("slow", STAGED["slow"].replies)
        with (
            client(stalled, timeout=0.2, max_retries=0) as sdk,
            pytest.raises(anthropic.APITimeoutError),
        ):
            sdk.messages.create(**HELLO)
        assert send(url, HELLO).status == 200
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        send(url, HELLO)
