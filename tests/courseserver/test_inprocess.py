"""The in-process adapter: the same server without sockets, and the real SDK as it always is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from courseserver import inprocess, loopback
from courseserver.door import Door
from courseserver.relay import Relay
from courseserver.replay import Replay
from courseserver.staged import STAGED
from courseserver.values import Request
from tests.support import HELLO, KEY, async_client, client, exchange, headers, recordings, said

RECORDED = (
    exchange("hello", HELLO, [{"thinking": "", "tokens": 20}, "Good morning."]),
    exchange("hello, streamed", {**HELLO, "stream": True}, "Good morning, piece by piece."),
)


@pytest.fixture
def server() -> Iterator[inprocess.Server[Replay]]:
    """A server in this process, with two recordings."""
    made = inprocess.Server(Replay())
    made.backend.start(recordings(*RECORDED))
    yield made
    made.stop()


Mine = inprocess.Server[Replay]


def test_a_message_comes_without_any_socket(server: Mine) -> None:
    with client(server.url) as sdk:
        message = sdk.messages.create(**HELLO)
    assert message.content[-1].text == "Good morning."  # type: ignore[union-attr]
    assert server.backend.account.journal[-1].request.headers["x-stainless-lang"] == "python"


def test_a_stream_comes_with_all_its_events(server: Mine) -> None:
    with client(server.url) as sdk, sdk.messages.stream(**HELLO) as stream:
        assert "".join(stream.text_stream) == "Good morning, piece by piece."
        assert stream.get_final_message().stop_reason == "end_turn"


def test_a_stream_that_was_left_cannot_be_read_on(server: Mine) -> None:
    with client(server.url) as sdk, sdk.messages.stream(**HELLO) as stream:
        for _ in stream.text_stream:
            break
        stream.close()
        with pytest.raises(httpx2.StreamClosed):
            stream.get_final_message()


def test_async_clients_are_answered_too(server: Mine) -> None:
    async def ask() -> list[Any]:
        async with async_client(server.url) as sdk:
            return await asyncio.gather(*(sdk.messages.create(**HELLO) for _ in range(5)))

    assert len(asyncio.run(ask())) == 5


def test_both_adapters_give_the_same_bytes(server: Mine) -> None:
    other = loopback.Server(Replay())
    other.backend.start(recordings(*RECORDED))
    try:
        for body in (HELLO, {**HELLO, "stream": True}, said("Not recorded"), {"model": "x"}):
            answers = []
            for url in (server.url, other.url):
                with httpx2.Client() as plain:
                    sent = plain.post(f"{url}/v1/messages", json=body, headers=headers())
                kept = {n: v for n, v in sent.headers.items() if n not in ("date", "connection")}
                kept.pop("transfer-encoding", None)  # a matter of the socket
                answers.append((sent.status_code, kept, sent.content))
            assert answers[0] == answers[1]
    finally:
        other.stop()


def test_an_unknown_request_has_its_status_and_its_journal_entry(server: Mine) -> None:
    with client(server.url) as sdk, pytest.raises(anthropic.APIStatusError) as raised:
        sdk.messages.create(**said("Not recorded"))
    assert raised.value.status_code == 421
    assert server.backend.account.journal[-1].missed


@pytest.mark.parametrize("name", list(STAGED))
def test_every_staged_script_ends_as_it_says(server: Mine, name: str) -> None:
    script = STAGED[name]
    url = server.url + server.backend.account.stage(name, script.replies)
    raised = "nothing"
    with client(url) as sdk:
        try:
            if script.stream:
                with sdk.messages.stream(**HELLO) as stream:
                    stream.get_final_message()
            else:
                sdk.messages.create(**HELLO)
        except Exception as error:
            raised = type(error).__name__
    assert script.raises.replace("httpx2.", "").startswith(raised)


def test_two_servers_do_not_answer_for_each_other(server: Mine) -> None:
    other = inprocess.Server(Replay())
    other.backend.start(recordings(exchange("hello", HELLO, "The other one.")))
    with client(other.url) as sdk:
        assert sdk.messages.create(**HELLO).content[0].text == "The other one."  # type: ignore[union-attr]
    assert not len(server.backend.account.journal)
    other.stop()
    with client(other.url, max_retries=0) as sdk, pytest.raises(anthropic.APIConnectionError):
        sdk.messages.create(**HELLO)


def test_other_addresses_are_asked_as_always(server: Mine) -> None:
    elsewhere = loopback.Server(Replay())
    elsewhere.backend.start(recordings(exchange("hello", HELLO, "Over a socket.")))
    try:
        with client(elsewhere.url) as sdk:
            told = sdk.messages.create(**HELLO).content[0].text  # type: ignore[union-attr]
    finally:
        elsewhere.stop()
    assert told == "Over a socket."


def test_live_is_refused_in_words_where_there_is_no_network() -> None:
    made = inprocess.Server(Door())
    made.backend.account.budget.limit = 1.0
    made.backend.relay = Relay(made.backend.account, "https://api.example", {})
    try:
        with client(made.url, max_retries=0) as sdk, pytest.raises(anthropic.APIStatusError) as no:
            sdk.messages.create(**HELLO)
    finally:
        made.stop()
    assert no.value.status_code == 501 and "no way to the network" in no.value.message
    assert made.backend.account.budget.left == 1.0


def test_a_bug_of_the_course_server_looks_like_one() -> None:
    class Broken:
        def decide(self, request: Request) -> Any:
            raise ZeroDivisionError

    made = inprocess.Server(Broken())
    try:
        with client(made.url, api_key=KEY) as sdk, pytest.raises(anthropic.APIStatusError) as bug:
            sdk.messages.create(**HELLO)
    finally:
        made.stop()
    assert bug.value.status_code == 500 and "it is not your code" in bug.value.message
