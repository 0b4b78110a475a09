"""What nobody recorded goes to an engine on this machine: what it is told, what becomes of it.

The engine is a stand-in on a port of its own (`tests/engine.py`), the client is the real SDK.
`test_local_engine.py` asks a real one, where one listens.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import pytest

from authoring.environment import clean_environment
from courseserver import inprocess
from courseserver.account import Account
from courseserver.door import Door
from courseserver.engines import find, hint, models_of, other_ways
from courseserver.local import Engine as Found
from courseserver.local import loopback_url
from courseserver.loopback import Server
from courseserver.missed import said_of_local
from courseserver.values import Reply, Step
from tests.engine import (
    NAME,
    PATH,
    WORDS,
    Engine,
    begins,
    deltas,
    ends,
    events,
    message,
    running,
    says,
)
from tests.engine import whole as json_of
from tests.support import (
    HELLO,
    PATIENCE,
    client,
    exchange,
    headers,
    recordings,
    said,
    send,
    serving,
    text_of,
)

TOKEN = "a-token-of-this-session"
OWN = said("A question of my own.")
CUT = Step(0.0, b"", "cut")
TOOL: Any = {
    "name": "look_up",
    "description": "Look a book up.",
    "input_schema": {"type": "object", "properties": {"title": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def listening() -> Iterator[Server[Engine]]:
    """One engine for all tests of this file."""
    with running() as server:
        yield server


@pytest.fixture
def engine(listening: Server[Engine]) -> Engine:
    """That engine as new."""
    listening.backend.__init__()  # type: ignore[misc]
    return listening.backend


@contextmanager
def door_to(url: str, mode: str = "local") -> Iterator[Server[Door]]:
    """A door with one recorded question and the engine at `url`."""
    server = Server(Door(key=TOKEN))
    server.backend.replay.start(recordings(exchange("hello", HELLO, "From the recording.")))
    settings = {"COURSE_LOCAL_URL": url}
    server.backend.local, _ = find(mode, server.backend.account, settings)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def door(engine: Engine, listening: Server[Engine]) -> Iterator[Server[Door]]:
    """A door to that engine."""
    with door_to(listening.url) as server:
        yield server


@pytest.fixture
def sdk(door: Server[Door]) -> Iterator[anthropic.Anthropic]:
    """A learner's client, with the retries that it has by itself."""
    with client(door.url, api_key=TOKEN) as made:
        yield made


def header(door: Server[Door]) -> str:
    """Where the newest reply says that it comes from."""
    return door.backend.journal[-1].reply.headers["x-course-reply"]


# --- who answers ----------------------------------------------------------------------------


def test_the_recording_comes_first_and_the_engine_hears_nothing_of_it(
    sdk: anthropic.Anthropic, engine: Engine
) -> None:
    assert text_of(sdk.messages.create(**HELLO)) == "From the recording."
    assert text_of(sdk.messages.create(**{**HELLO, "max_tokens": 2})) != "From the recording."
    assert engine.asked == []


def test_what_the_api_refuses_is_refused_here(sdk: anthropic.Anthropic, engine: Engine) -> None:
    with pytest.raises(anthropic.BadRequestError):
        sdk.messages.create(**{**OWN, "messages": []})
    with pytest.raises(anthropic.NotFoundError):
        sdk.messages.create(**{**OWN, "model": PATH})
    assert engine.asked == []


def test_a_question_that_nobody_recorded_gets_an_answer_that_says_whose_it_is(
    sdk: anthropic.Anthropic, door: Server[Door], engine: Engine
) -> None:
    raw = sdk.messages.with_raw_response.create(**OWN)
    reply = raw.parse()
    assert text_of(reply) == "".join(WORDS)
    assert reply.model == f"local/{NAME}"
    assert raw.headers["x-course-reply"] == f"local {NAME}"
    assert raw.headers["request-id"].startswith("req_")
    assert engine.told["model"] == PATH
    assert engine.told["messages"] == OWN["messages"]
    assert [entry.local for entry in door.backend.journal] == [f"local/{NAME}"]


def test_usage_has_the_fields_that_lessons_read(sdk: anthropic.Anthropic) -> None:
    usage = sdk.messages.create(**OWN).usage
    assert (usage.input_tokens, usage.output_tokens) == (12, 7)
    assert usage.cache_creation_input_tokens == usage.cache_read_input_tokens == 0


def test_no_path_of_the_machine_and_no_token_of_the_session_goes_where_it_should_not(
    door: Server[Door], engine: Engine
) -> None:
    for body in (OWN, {**OWN, "stream": True}):
        answer = send(door.url, body, head=headers(authorization=f"Bearer {TOKEN}"))
        assert b"somebody" not in answer.body and "somebody" not in str(answer.headers)
        assert TOKEN not in str(engine.asked[-1].headers)
        assert "authorization" not in engine.asked[-1].headers


def test_a_batch_and_a_count_never_reach_the_engine(
    sdk: anthropic.Anthropic, engine: Engine
) -> None:
    params = {name: OWN[name] for name in ("model", "messages")}
    assert sdk.messages.count_tokens(**params).input_tokens > 0
    with pytest.raises(anthropic.APIStatusError, match="no recorded reply"):
        sdk.messages.batches.create(requests=[{"custom_id": "one", "params": OWN}])  # type: ignore[typeddict-item]
    assert engine.asked == []


def test_what_is_staged_stays_staged(
    sdk: anthropic.Anthropic, door: Server[Door], engine: Engine
) -> None:
    path = door.backend.account.stage("test", ("Staged.",))
    with client(door.url + path) as staged:
        assert text_of(staged.messages.create(**OWN)) == "Staged."
    assert engine.asked == []


def test_in_plain_replay_nothing_is_sent_to_an_engine_that_listens(
    engine: Engine, listening: Server[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_LOCAL_URL", listening.url)
    monkeypatch.delenv("COURSE_MODE")
    with door_to(listening.url, "replay") as here, client(here.url, api_key=TOKEN) as sdk:
        with pytest.raises(anthropic.APIStatusError) as refused:
            sdk.messages.create(**OWN)
        assert refused.value.status_code == 421
    assert "own_questions" in "".join(other_ways())  # it was seen
    assert engine.seen == []


def test_who_asks_for_replay_by_name_sees_no_hint(
    listening: Server[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_LOCAL_URL", listening.url)
    monkeypatch.setenv("COURSE_MODE", "replay")
    assert other_ways() == []


# --- what the engine is told ----------------------------------------------------------------


def test_what_engines_do_not_know_is_left_out_and_named(
    sdk: anthropic.Anthropic, door: Server[Door], engine: Engine
) -> None:
    marked = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    body = {
        **said([marked, picture]),
        "metadata": {"user_id": "me"},
        "tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}],
        "system": "Be brief.",
    }
    sdk.messages.create(**body)
    assert set(engine.told) == {"model", "messages", "max_tokens", "system", "tools"}
    assert engine.told["messages"][0]["content"] == [{"type": "text", "text": "Hi"}]
    assert engine.told["tools"] == [TOOL]
    said_of = "metadata, cache_control, image by url, tool web_search"
    assert header(door) == f"local {NAME}, left out: {said_of}"
    assert said_of in " ".join(said_of_local(door.backend.journal).split())


def test_a_conversation_goes_on_with_the_answers_of_the_engine(
    sdk: anthropic.Anthropic, engine: Engine
) -> None:
    turns = list(OWN["messages"])
    for number in range(2):
        reply = sdk.messages.create(**{**OWN, "messages": turns})
        turns += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": f"And {number}?"},
        ]
    sdk.messages.create(**{**OWN, "messages": turns})
    roles = [turn["role"] for turn in engine.told["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]
    assert engine.told["messages"][3]["content"] == [{"type": "text", "text": "".join(WORDS)}]


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_of_an_engine_can_be_sent_back_and_does_not_reach_it(
    sdk: anthropic.Anthropic, engine: Engine, stream: bool
) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    signed = {"type": "signature_delta", "signature": ""}
    start, *text = begins()
    text[0]["index"] = 1
    engine.answer = lambda body: json_of(message(thought, {"type": "text", "text": "Yes."}))
    if stream:
        engine.answer = lambda body: events(
            start,
            {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}},
            {"type": "content_block_delta", "index": 0, "delta": signed},
            *text,
            {**deltas("Yes.")[0], "index": 1},
            *ends(),
        )
    reply: Any
    if stream:
        with sdk.messages.stream(**OWN) as opened:
            reply = opened.get_final_message()
    else:
        reply = sdk.messages.create(**OWN)
    assert [block.type for block in reply.content] == ["thinking", "text"]
    engine.answer = says
    again = [*OWN["messages"], {"role": "assistant", "content": reply.content}]
    again.append({"role": "user", "content": "Sure?"})
    sdk.messages.create(**{**OWN, "messages": again})
    assert engine.told["messages"][1]["content"] == [{"type": "text", "text": "Yes."}]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, ["look_up", "other"]),
        ({"type": "auto"}, ["look_up", "other"]),
        ({"type": "tool", "name": "other"}, ["other"]),
        ({"type": "none"}, []),
    ],
)
def test_the_choice_of_a_tool_is_told_as_the_engine_understands_it(
    sdk: anthropic.Anthropic, engine: Engine, choice: Any, names: list[str]
) -> None:
    tools = [TOOL, {**TOOL, "name": "other"}]
    more = {} if choice is None else {"tool_choice": choice}
    body = {**OWN, "model": "claude-haiku-4-5-20251001"}  # which lets a tool be forced
    sdk.messages.create(**body, tools=tools, **more)
    assert [tool["name"] for tool in engine.told.get("tools", [])] == names
    assert ("tool_choice" in engine.told) == bool(choice and names)


# --- what is made of its answer -------------------------------------------------------------


def test_a_stream_is_passed_on_while_it_comes(sdk: anthropic.Anthropic, engine: Engine) -> None:
    gate = threading.Event()
    first, *others = WORDS
    engine.answer = lambda body: events(*begins(), *deltas(first), gate, *deltas(*others), *ends())
    came = []
    with sdk.messages.stream(**OWN) as stream:
        for text in stream.text_stream:
            came.append(text)
            gate.set()  # the engine goes on only when the first piece has arrived here
    final = stream.get_final_message()
    assert came == list(WORDS)
    assert final.model == f"local/{NAME}" and final.stop_reason == "end_turn"
    assert (final.usage.input_tokens, final.usage.output_tokens) == (12, 7)
    assert final.usage.cache_creation_input_tokens == 0


def test_a_stream_stands_in_the_journal_when_its_reader_has_it(
    sdk: anthropic.Anthropic, door: Server[Door]
) -> None:
    with sdk.messages.create(**OWN, stream=True) as stream:
        for event in stream:
            if event.type == "message_stop":
                break
    [entry] = door.backend.journal
    assert entry.local == f"local/{NAME}" and not entry.unsent
    assert entry.reply.usage["output_tokens"] == 7 and entry.reply.usage["input_tokens"] == 12
    assert entry.request.body["model"] == OWN["model"]  # as the learner sent it


@pytest.mark.parametrize("stream", [False, True])
def test_a_stop_sequence_is_the_reason_if_there_was_one(
    sdk: anthropic.Anthropic, engine: Engine, stream: bool
) -> None:
    stopped = {"stop_reason": "end_turn", "stop_sequence": "END"}  # as llama.cpp says it
    engine.answer = lambda body: (
        events(*begins(), *deltas("x"), *ends(**stopped)) if stream else json_of(message(**stopped))
    )
    body = {**OWN, "stop_sequences": ["END"]}
    if stream:
        with sdk.messages.stream(**body) as opened:
            reply = opened.get_final_message()
    else:
        reply = sdk.messages.create(**body)
    assert (reply.stop_reason, reply.stop_sequence) == ("stop_sequence", "END")
    assert engine.told["stop_sequences"] == ["END"]


CALL = {"type": "tool_use", "id": "", "name": "look_up"}  # no id, no input


def test_a_call_of_a_tool_can_be_answered(sdk: anthropic.Anthropic, engine: Engine) -> None:
    engine.answer = lambda body: json_of(message(CALL, CALL, stop_reason="tool_use"))
    reply: Any = sdk.messages.create(**OWN, tools=[TOOL])
    call, other = reply.content
    assert other.id != call.id
    assert call.id.startswith("toolu_") and call.input == {}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Not found."}
    turns = [
        *OWN["messages"],
        {"role": "assistant", "content": reply.content},
        {"role": "user", "content": [result, {**result, "tool_use_id": other.id}]},
    ]
    engine.answer = lambda body: json_of(message({"type": "text", "text": "It is gone."}))
    last = sdk.messages.create(**{**OWN, "messages": turns}, tools=[TOOL])
    assert text_of(last) == "It is gone."
    assert engine.told["messages"][2]["content"][0] == result


def test_a_call_of_a_tool_arrives_in_a_stream(sdk: anthropic.Anthropic, engine: Engine) -> None:
    start = begins()[0]
    opened = {"type": "content_block_start", "index": 0, "content_block": CALL}
    part = {"type": "input_json_delta", "partial_json": '{"title": "Tides"}'}
    delta = {"type": "content_block_delta", "index": 0, "delta": part}
    engine.answer = lambda body: events(start, opened, delta, *ends(stop_reason="tool_use"))
    with sdk.messages.stream(**OWN, tools=[TOOL]) as stream:
        [call] = stream.get_final_message().content
    assert call.type == "tool_use" and call.input == {"title": "Tides"}
    assert call.id.startswith("toolu_")


def test_an_event_may_come_in_pieces_and_comments_between_them(
    sdk: anthropic.Anthropic, engine: Engine
) -> None:
    text = b"".join(step.data for step in events(*begins(), *deltas("héllo"), *ends()).steps)
    text = b":\r\n\r\n" + text.replace(b"\n", b"\r\n")
    steps = tuple(Step(0.0, text[at : at + 1]) for at in range(len(text)))
    engine.answer = lambda body: Reply(
        200, {"content-type": "text/event-stream"}, steps, streamed=True
    )
    with sdk.messages.stream(**OWN) as stream:
        assert stream.get_final_text() == "héllo"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (PATH, NAME),
        ("C:\\models\\tiny.gguf", "tiny"),
        ("llama3.2:latest", "llama3.2:latest"),
        ("qwen/qwen3-4b", "qwen3-4b"),
        ("modèle\r\nx-evil: 1", "mod_le__x-evil:_1"),
        ("", "unnamed"),
        ("x" * 500, "x" * 60),
    ],
)
def test_the_name_of_a_model_is_short_and_fits_into_a_header(model: str, name: str) -> None:
    assert Found("http://127.0.0.1:1", model).name == name


# --- what goes wrong ------------------------------------------------------------------------


def refused(sdk: anthropic.Anthropic, **more: Any) -> anthropic.APIStatusError:
    """The SDK's error for an own question."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        sdk.messages.create(**{**OWN, **more})
    return caught.value


def test_an_engine_that_is_gone_is_a_sentence_and_not_tried_again() -> None:
    lost = Server(Engine())
    with door_to(lost.url) as here, client(here.url, api_key=TOKEN) as sdk:
        lost.stop()
        for stream in (False, True):
            error = refused(sdk, stream=stream)
            assert isinstance(error, anthropic.InternalServerError)
            assert f"The local engine at {lost.url} gave no answer" in str(error.api_message)
            assert "Start it again" in str(error.api_message)
            assert here.backend.journal[-1].unsent
        assert len(here.backend.journal) == 2


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_of_the_engine_keeps_its_status_and_words_and_shows_no_path(
    sdk: anthropic.Anthropic, engine: Engine, status: int
) -> None:
    words = f"request exceeds the context size of {PATH}"
    engine.answer = lambda body: json_of({"error": {"code": status, "message": words}}, status)
    error = refused(sdk)
    assert error.status_code == status
    assert error.api_message and error.api_message.endswith(
        f"(status {status}). It says: request exceeds the context size of Tiny-135M.Q4.gguf"
    )
    assert len(engine.asked) == 1


@pytest.mark.parametrize("reply", [json_of("<html>"), json_of({"hello": 1}), json_of([])])
@pytest.mark.parametrize("stream", [False, True])
def test_another_program_at_the_address_is_found_out(
    sdk: anthropic.Anthropic, engine: Engine, reply: Reply, stream: bool
) -> None:
    engine.answer = lambda body: reply
    assert "no message of this API" in str(refused(sdk, stream=stream).api_message)


def test_a_redirect_is_not_followed(sdk: anthropic.Anthropic, engine: Engine) -> None:
    away = {"location": "http://192.0.2.1/", "content-type": "text/plain"}
    engine.answer = lambda body: Reply(307, away, (Step(0.0, b""),))
    error = refused(sdk)
    assert error.status_code == 502 and "status 307" in str(error.api_message)


def test_an_engine_that_dies_before_its_answer_is_whole_is_a_sentence(
    sdk: anthropic.Anthropic, engine: Engine
) -> None:
    half = json.dumps(message({"type": "text", "text": "Half"}))[:40].encode()
    steps = (Step(0.0, half), CUT)
    engine.answer = lambda body: Reply(200, {}, steps, streamed=True)
    assert "stopped in the middle" in str(refused(sdk).api_message)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ([CUT], "stopped in the middle"),
        ([], "stopped in the middle"),
        ([{"type": "error", "code": 500, "message": f"no room for {PATH}"}], "no room for Tiny"),
        ([{"type": "error", "error": {"message": "overloaded"}}], "overloaded"),
    ],
)
def test_an_engine_that_dies_in_mid_stream_is_a_sentence_after_what_came(
    sdk: anthropic.Anthropic, door: Server[Door], engine: Engine, end: list[Any], words: str
) -> None:
    engine.answer = lambda body: events(*begins(), *deltas("Half a"), *end)
    came = []
    with pytest.raises(anthropic.APIStatusError) as caught, sdk.messages.stream(**OWN) as stream:
        for text in stream.text_stream:
            came.append(text)
    assert came == ["Half a"]
    assert words in str(caught.value.api_message)
    entry = door.backend.journal[-1]
    assert entry.unsent and entry.reply.headers["request-id"] == caught.value.request_id
    assert len(engine.asked) == 1


def test_a_reader_who_leaves_is_noted_once(
    sdk: anthropic.Anthropic, door: Server[Door], engine: Engine
) -> None:
    gate = threading.Event()
    engine.answer = lambda body: events(*begins(), *deltas("Half"), gate, *deltas("a"), *ends())
    with sdk.messages.stream(**OWN) as stream:
        next(iter(stream.text_stream))
    patience = time.monotonic() + PATIENCE
    while not len(door.backend.journal) and time.monotonic() < patience:
        time.sleep(0.01)
    gate.set()
    [entry] = door.backend.journal
    assert entry.local and not entry.unsent
    assert b"Half" in b"".join(step.data for step in entry.reply.steps)


def test_without_sockets_there_is_no_engine(engine: Engine, listening: Server[Engine]) -> None:
    here = inprocess.Server(Door(key=TOKEN))
    here.backend.local = find("local", here.backend.account, {"COURSE_LOCAL_URL": listening.url})[0]
    try:
        with client(here.url, api_key=TOKEN, max_retries=0) as sdk:
            error = refused(sdk)
        assert error.status_code == 501 and "another program" in str(error.api_message)
        assert said_of_local(here.backend.journal) == ""
    finally:
        here.stop()
    assert engine.asked == []


# --- which engine ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:1234/v1", "http://127.0.0.1:1234"),
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://127.8.9.1", "http://127.8.9.1:80"),
    ],
)
def test_an_address_of_this_machine_is_taken(given: str, url: str) -> None:
    assert loopback_url(given) == url


ELSEWHERE = [
    "http://192.0.2.1:8080",
    "https://example.org",
    "http://127.0.0.1.example.org:8080",
    "http://localhost@example.org",
    "http://secret:word@127.0.0.1:8080",
    "http://0.0.0.0:8080",
    "http://10.0.0.1",
    "https://127.0.0.1:8080",
    "file:///etc/passwd",
    "http://127.0.0.1:port",
    "http://[::1",
    "http://",
    "http://2130706433:8080",
]


@pytest.mark.parametrize("given", ELSEWHERE)
def test_any_other_address_is_refused_with_a_sentence(given: str) -> None:
    local, sentence = find("local", Account(), {"COURSE_LOCAL_URL": given})
    assert local is None
    assert "COURSE_LOCAL_URL is not an address of this machine" in sentence
    assert "secret" not in sentence and "example" not in sentence
    assert hint({"COURSE_LOCAL_URL": given}) == ""


def test_no_engine_is_a_sentence_with_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = {f"http://127.0.0.1:{port}": "Ollama" for port in (7, 9)}
    monkeypatch.setattr("courseserver.engines.PLACES", closed)
    local, sentence = find("local", Account(), {})
    assert local is None and "Ollama on port 11434" in sentence and "run setup again" in sentence


def test_the_usual_ports_are_looked_at(
    engine: Engine, listening: Server[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"http://127.0.0.1:9": "Ollama", listening.url: "LM Studio"}
    monkeypatch.setattr("courseserver.engines.PLACES", places)
    local, sentence = find("local", Account(), {})
    assert local and local.engine.url == listening.url
    assert f"the model {NAME} on this machine" in sentence and "not Claude" in sentence
    assert hint({}).startswith("LM Studio on port ")


@pytest.mark.parametrize(
    "models", [[], ["nomic-embed-text"], ["gpt-oss:120b-cloud"]], ids=["none", "embed", "cloud"]
)
def test_an_engine_without_a_model_of_its_own_is_a_sentence(
    engine: Engine, listening: Server[Engine], models: list[str]
) -> None:
    engine.models = models
    local, sentence = find("local", Account(), {"COURSE_LOCAL_URL": listening.url})
    assert local is None and "lists no model" in sentence and "run setup again" in sentence


def test_a_program_that_is_no_engine_lists_no_model() -> None:
    with serving(key=TOKEN) as other:  # a course server, for example
        assert models_of(other.url) == []


@pytest.mark.parametrize(("wanted", "taken"), [("b", "b"), ("claude-opus", "a"), ("", "a")])
def test_the_model_can_be_chosen_among_those_that_the_engine_lists(
    engine: Engine, listening: Server[Engine], wanted: str, taken: str
) -> None:
    engine.models = ["a", "b"]
    settings = {"COURSE_LOCAL_URL": listening.url, "COURSE_MODEL": wanted}
    local, _ = find("local", Account(), settings)
    assert local and local.engine.model == taken


def test_the_proxies_of_the_environment_are_not_asked(
    engine: Engine, listening: Server[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with door_to(listening.url) as here:
        answer = send(here.url, OWN, head=headers(authorization=f"Bearer {TOKEN}"))
    assert answer.status == 200 and answer.json["model"] == f"local/{NAME}"


def test_the_address_of_a_real_engine_reaches_the_test_that_asks_it() -> None:
    url = "http://127.0.0.1:8080"
    assert clean_environment({"REAL_ENGINE_URL": url}, "scratch")["REAL_ENGINE_URL"] == url
