"""A real engine, where one listens: `REAL_ENGINE_URL=http://127.0.0.1:8080 python -m pytest ...`.

What its model says is not judged, only that each form of a question comes back as the SDK and the
next request need it. Without that variable all of this is skipped; `test_local.py` always runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from courseserver.door import Door
from courseserver.engines import find
from courseserver.loopback import Server
from courseserver.price import LOCAL
from tests.support import client, recordings, said, text_of

URL = os.environ.get("REAL_ENGINE_URL", "")
TOKEN = "a-token-of-this-session"
OWN = said("Name three fruits.", max_tokens=40)
TOOL: Any = {
    "name": "get_weather",
    "description": "The weather in a town.",
    "input_schema": {
        "type": "object",
        "properties": {"town": {"type": "string"}},
        "required": ["town"],
    },
}

pytestmark = pytest.mark.skipif(not URL, reason="REAL_ENGINE_URL is not set: no engine was asked")


@pytest.fixture
def door() -> Iterator[Server[Door]]:
    """A door to the engine, and nothing recorded."""
    server = Server(Door(key=TOKEN))
    server.backend.replay.start(recordings())
    server.backend.local, said = find("local", server.backend.account, {"COURSE_LOCAL_URL": URL})
    assert server.backend.local, said
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def sdk(door: Server[Door]) -> Iterator[anthropic.Anthropic]:
    """A learner's client."""
    with client(door.url, api_key=TOKEN) as made:
        yield made


def test_a_plain_answer(sdk: anthropic.Anthropic) -> None:
    reply = sdk.messages.create(**OWN)
    assert text_of(reply) and reply.model.startswith(LOCAL) and "/" not in reply.model[6:]
    assert reply.usage.input_tokens + (reply.usage.cache_read_input_tokens or 0) > 0
    assert 0 < reply.usage.output_tokens <= 40
    assert reply.stop_reason in ("end_turn", "max_tokens")


def test_a_limit_cuts_it(sdk: anthropic.Anthropic) -> None:
    reply = sdk.messages.create(**{**OWN, "max_tokens": 5})
    assert (reply.stop_reason, reply.usage.output_tokens) == ("max_tokens", 5)


def test_a_streamed_answer(sdk: anthropic.Anthropic, door: Server[Door]) -> None:
    with sdk.messages.stream(**OWN) as stream:
        pieces = list(stream.text_stream)
    final = stream.get_final_message()
    assert len(pieces) > 1 and "".join(pieces) == text_of(final)
    assert final.model.startswith(LOCAL) and final.usage.output_tokens > 0
    assert door.backend.journal[-1].reply.usage["output_tokens"] == final.usage.output_tokens


def test_a_conversation_of_two_turns(sdk: anthropic.Anthropic) -> None:
    first = sdk.messages.create(**OWN)
    turns = [
        *OWN["messages"],
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": "And three colours?"},
    ]
    second = sdk.messages.create(**{**OWN, "messages": turns}, system="Answer in a few words.")
    seen = [reply.usage.input_tokens + (reply.usage.cache_read_input_tokens or 0)
            for reply in (first, second)]  # fmt: skip
    assert text_of(second) and seen[1] > seen[0]


def test_a_stop_sequence(sdk: anthropic.Anthropic) -> None:
    reply = sdk.messages.create(**OWN, stop_sequences=["e"])
    assert (reply.stop_reason, reply.stop_sequence) == ("stop_sequence", "e")
    assert "e" not in text_of(reply)


@pytest.mark.parametrize("stream", [False, True])
def test_a_question_with_a_tool_and_whatever_comes_back(
    sdk: anthropic.Anthropic, stream: bool
) -> None:
    body = {**said("What is the weather in Quito?", max_tokens=80), "tools": [TOOL]}
    reply: Any
    if stream:
        with sdk.messages.stream(**body) as opened:
            reply = opened.get_final_message()
    else:
        reply = sdk.messages.create(**body)
    calls = [block for block in reply.content if block.type == "tool_use"]
    assert (reply.stop_reason == "tool_use") == bool(calls)
    if not reply.content:
        return
    answers: Any = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny."} for call in calls
    ]
    turns = [
        *body["messages"],
        {"role": "assistant", "content": reply.content},
        {"role": "user", "content": answers or "And in Lima?"},
    ]
    assert sdk.messages.create(**{**body, "messages": turns}).model.startswith(LOCAL)


def test_a_reader_who_leaves_stops_the_engine_and_the_next_one_is_answered(
    sdk: anthropic.Anthropic,
) -> None:
    with sdk.messages.stream(**{**OWN, "max_tokens": 400}) as stream:
        next(iter(stream.text_stream))
    assert text_of(sdk.messages.create(**{**OWN, "max_tokens": 5}))
