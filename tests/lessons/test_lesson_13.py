"""Lesson 13: what it says of the async client and of asyncio, and its program at work.

All talk to a course server through the real SDK, or to a kernel. That cancelling closes the
connection is tested with the counter itself, in tests/courseserver/test_traffic.py.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import anthropic
import pytest

from courseserver.loopback import Server
from courseserver.replay import Replay
from tests.support import (
    HELLO,
    KEY,
    ROOT,
    async_client,
    client,
    run_program,
    said,
    serving,
    text_of,
)

PROGRAM = ROOT / "notebooks" / "at_work" / "13_async.py"
NINE = "It opens at nine."


def staged(server: Server[Replay], *replies: Any) -> str:
    """The address of a script of these replies."""
    return server.url + server.backend.account.stage("test", replies)


def test_both_clients_take_the_same_arguments() -> None:
    for path in ("create", "stream", "count_tokens"):
        one = inspect.signature(getattr(anthropic.Anthropic(api_key=KEY).messages, path))
        other = inspect.signature(getattr(anthropic.AsyncAnthropic(api_key=KEY).messages, path))
        assert one.parameters.keys() == other.parameters.keys()


def test_without_await_there_is_a_coroutine_and_nothing_is_sent() -> None:
    with serving() as server:
        sdk = async_client(staged(server, NINE))
        work = sdk.messages.create(**HELLO)
        assert inspect.iscoroutine(work)
        with pytest.raises(AttributeError, match="'coroutine' object has no attribute 'content'"):
            work.content  # type: ignore[attr-defined]  # noqa: B018
        work.close()
        assert len(server.backend.account.journal) == 0


def test_asyncio_run_fails_inside_a_running_loop() -> None:
    async def inside() -> None:
        work = asyncio.sleep(0)
        try:
            asyncio.run(work)
        finally:
            work.close()

    with pytest.raises(RuntimeError, match="cannot be called from a running event loop"):
        asyncio.run(inside())


def test_await_outside_a_function_is_a_syntax_error_in_a_script() -> None:
    with pytest.raises(SyntaxError, match="'await' outside function"):
        compile("await main()", "script.py", "exec")


def test_gather_keeps_the_order_and_hands_on_the_first_exception() -> None:
    async def go(url: str) -> None:
        async with async_client(url, max_retries=0) as sdk:
            bad = [sdk.messages.create(**body) for body in (HELLO, said(""), HELLO)]
            with pytest.raises(anthropic.BadRequestError, match="non-empty content"):
                await asyncio.gather(*bad)
            kept = [sdk.messages.create(**body) for body in (HELLO, said(""), HELLO)]
            first, failed, last = await asyncio.gather(*kept, return_exceptions=True)
            assert isinstance(failed, anthropic.BadRequestError)
            assert (text_of(first), text_of(last)) == (NINE, NINE)

    with serving() as server:
        asyncio.run(go(staged(server, NINE)))
        assert len(server.backend.account.journal) == 6, "the others are sent all the same"


@pytest.mark.parametrize("waits", [True, False])
def test_the_ordinary_client_in_async_functions_is_one_after_another(
    waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PACE", "1")

    async def go(url: str) -> None:
        async with async_client(url) as other:
            ordinary = client(url)

            async def ask() -> Any:
                if waits:
                    return await other.messages.create(**HELLO)
                return ordinary.messages.create(**HELLO)

            await asyncio.gather(*(ask() for _ in range(4)))

    with serving() as server:
        asyncio.run(go(staged(server, {"content": NINE, "usage": {"output_tokens": 100}})))
        assert server.traffic.most == (4 if waits else 1)


def test_wait_for_ends_the_retries_too() -> None:
    overloaded = {"status": 529, "error": {"type": "overloaded_error", "message": "Busy"}}
    overloaded["headers"] = {"retry-after": "60"}

    async def go(url: str) -> None:
        async with async_client(url) as sdk:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(sdk.messages.create(**HELLO), timeout=2)

    with serving() as server:
        asyncio.run(go(staged(server, overloaded)))
        assert len(server.backend.account.journal) == 1


def test_the_program_at_work_reports_what_failed_and_prints_the_rest() -> None:
    gone = {"status": 404, "error": {"type": "not_found_error", "message": "model: ..."}}
    with serving() as server:
        lines = run_program(PROGRAM, staged(server, gone, NINE)).stdout.splitlines()
    assert len(lines) == 8
    assert sum(line.endswith("no sign, NotFoundError") for line in lines) == 1
    assert sum(line.endswith(NINE) for line in lines) == 7


def test_the_forty_animals_of_the_lesson_are_recorded_for_both_models() -> None:
    recorded = json.loads((ROOT / "recordings" / "13_async.json").read_text(encoding="utf-8"))
    names = [each["name"] for each in recorded["exchanges"] + recorded["variants"]]
    source = "".join(
        "".join(cell["source"])
        for cell in json.loads((ROOT / "notebooks" / "13_async.ipynb").read_text(encoding="utf-8"))[
            "cells"
        ]
    )
    animals = source.partition('animals = """')[2].partition('"""')[0].split()
    assert len(animals) == len(set(animals)) == 40
    for animal in animals:
        assert f"sign: {animal}" in names
        assert f"sign: {animal}, Haiku" in names
