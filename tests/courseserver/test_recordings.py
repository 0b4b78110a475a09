"""Which recorded exchange answers a request, and what a learner hears when none does.

Requests go over real HTTP, mostly through the real SDK, to a running course server.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import anthropic
import pytest

from courseserver import facts
from courseserver.identity import Identity, canonical, differences
from courseserver.recordings import RecordingError, Recordings
from tests.support import (
    HELLO,
    LESSON,
    async_client,
    client,
    exchange,
    headers,
    recording,
    recordings,
    request,
    said,
    send,
    serving,
    text_of,
)

JSON = dict[str, Any]
GREETING = exchange("hello", HELLO, "Hi there.")
LONG = "The reading room is open on the first Sunday of the month. " * 40


def asked_by(body: Any, **more: Any) -> Identity:
    """What identifies a request with this body."""
    return Identity(request(body, **more))


def answers(asked: JSON, recorded: JSON = HELLO, *, query: str = "", **head: str) -> bool:
    """Whether a recording of `recorded` answers a request with the body `asked`."""
    found = recordings(exchange("one", recorded, "Yes.")).find(asked_by(asked, query=query, **head))
    return found is not None


# --- a request is matched whole -------------------------------------------------------------


def test_the_recorded_request_is_answered_through_the_sdk() -> None:
    with serving(GREETING) as server, client(server.url) as sdk:
        assert text_of(sdk.messages.create(**HELLO)) == "Hi there."


@pytest.mark.parametrize("text", ["hello", "Hello ", "Hello.", "Hell", "Hello\n", "\u0397ello", ""])
def test_one_changed_character_misses(text: str) -> None:
    assert answers(said("Hello"))
    assert not answers(said(text))


def test_a_question_that_contains_the_recorded_one_misses() -> None:
    assert not answers(said("Hello, and what time is it?"))
    assert not answers({**HELLO, "messages": [*HELLO["messages"], *HELLO["messages"]]})


def test_the_order_of_keys_does_not_matter() -> None:
    turned: JSON = dict(reversed(HELLO.items()))
    turned["messages"] = [dict(reversed(turn.items())) for turn in HELLO["messages"]]
    assert list(turned) != list(HELLO)
    assert answers(turned)


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": 301},
        {"model": "claude-haiku-5-5"},
        {"system": "Be brief."},
        {"stream": True},
        {"stream": False},
        {"metadata": None},
        {"max_tokens": 300.0},
    ],
    ids=json.dumps,
)
def test_another_field_or_value_misses(more: JSON) -> None:
    assert not answers({**HELLO, **more})


def test_the_order_of_a_list_matters() -> None:
    body = {**HELLO, "stop_sequences": ["a", "b"]}
    assert answers(body, body)
    assert not answers({**HELLO, "stop_sequences": ["b", "a"]}, body)


def test_a_streamed_and_a_plain_recording_of_one_question_are_two() -> None:
    plain = exchange("plain", HELLO, "In one piece.")
    streamed = exchange("streamed", {**HELLO, "stream": True}, "Piece by piece.")
    with serving(plain, streamed) as server, client(server.url) as sdk:
        assert text_of(sdk.messages.create(**HELLO)) == "In one piece."
        with sdk.messages.stream(**HELLO) as stream:
            assert stream.get_final_text() == "Piece by piece."
        with sdk.messages.create(**HELLO, stream=True) as events:
            assert [event.type for event in events][-1] == "message_stop"


def test_text_as_a_string_and_as_a_block_are_different_requests() -> None:
    assert not answers(said([{"type": "text", "text": "Hello"}]))


# --- what of the headers counts -------------------------------------------------------------


def test_another_api_version_misses() -> None:
    assert not answers(HELLO, anthropic_version="2023-06-01")


def test_an_exchange_may_name_an_older_api_version() -> None:
    old = recordings(exchange("old", HELLO, "Old.", api_version="2023-06-01"))
    assert old.find(asked_by(HELLO, anthropic_version="2023-06-01"))
    assert not old.find(asked_by(HELLO))


def test_a_beta_is_part_of_the_request_and_the_order_of_betas_is_not() -> None:
    with_betas = recordings(
        exchange("beta", HELLO, "Beta.", betas=["b-2026-01-01", "a-2026-01-01"])
    )
    for sent in ("a-2026-01-01,b-2026-01-01", "b-2026-01-01, a-2026-01-01"):
        assert with_betas.find(asked_by(HELLO, anthropic_beta=sent))
    assert not with_betas.find(asked_by(HELLO, anthropic_beta="a-2026-01-01"))
    assert not with_betas.find(asked_by(HELLO))
    assert not answers(HELLO, anthropic_beta="a-2026-01-01")


def test_the_beta_namespace_of_the_sdk_finds_its_recording() -> None:
    beta = exchange("beta", HELLO, "From the beta.", betas=["compact-2026-01-12"])
    with serving(beta) as server, client(server.url) as sdk:
        reply = sdk.beta.messages.create(**HELLO, betas=["compact-2026-01-12"])
    assert text_of(reply) == "From the beta."


def test_other_headers_do_not_count() -> None:
    assert answers(HELLO, user_agent="something else", x_stainless_retry_count="2")


def test_a_query_misses_unless_it_only_says_beta() -> None:
    assert answers(HELLO, query="beta=true")  # as older SDKs send it
    assert not answers(HELLO, query="limit=5")


def test_another_method_or_path_misses() -> None:
    recorded = recordings(GREETING)
    assert not recorded.find(asked_by(HELLO, path="/v1/messages/batches"))
    assert not recorded.find(asked_by(HELLO, method="PUT"))


# --- long and binary parts ------------------------------------------------------------------


def picture(data: str) -> list[JSON]:
    """The content of a turn that shows a picture."""
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return [{"type": "image", "source": source}]


def thought(signature: str) -> list[JSON]:
    """The content of a turn with a thinking block."""
    return [{"type": "thinking", "thinking": "", "signature": signature}]


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        (LONG, LONG + "!"),
        ([{"type": "text", "text": LONG}], [{"type": "text", "text": LONG + "!"}]),
        (picture("A" * 3_000), picture("A" * 2_999 + "B")),
        (picture("AAAA"), picture("AAAB")),
        (thought("CAQS" + "A" * 800), thought("CAQS" + "A" * 799 + "B")),
        ([{"type": "redacted_thinking", "data": "Q" * 300}],
         [{"type": "redacted_thinking", "data": "Q" * 299 + "B"}]),
    ],
    ids=["long text", "long block", "picture", "tiny picture", "signature", "redacted"],
)  # fmt: skip
def test_long_binary_and_signed_parts_are_kept_as_digests_and_still_matched_whole(
    content: Any, changed: Any
) -> None:
    body = said(content)
    kept = canonical(body)
    assert len(json.dumps(kept)) < 600
    assert "sha256:" in json.dumps(kept)
    assert canonical(kept) == kept
    assert answers(body, kept)
    assert answers(body, body)  # an author may also paste the whole
    assert not answers(said(changed), kept)


def test_a_digest_of_a_text_keeps_its_first_words_so_that_a_person_can_read_it() -> None:
    assert canonical(LONG).startswith("The reading room is open")
    assert str(len(LONG)) in canonical(LONG)


def test_a_short_text_is_kept_as_it_is() -> None:
    assert canonical(HELLO) == HELLO


def test_a_schema_whose_type_is_a_list_is_no_trouble() -> None:
    tool = {
        "name": "note",
        "input_schema": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
    }
    body = {**HELLO, "tools": [tool]}
    with serving(exchange("nullable", body, "Fine.")) as server:
        assert send(server.url, body).status == 200


# --- volatile parts -------------------------------------------------------------------------


def test_a_volatile_part_may_have_any_value_but_nothing_else_may() -> None:
    clock = exchange("clock", {**HELLO, "system": "It is nine."}, "Tick.", volatile=["system"])
    with serving(clock) as server:
        statuses = [
            send(server.url, body).status
            for body in (
                {**HELLO, "system": "It is ten."},
                HELLO,
                {**HELLO, "system": "It is ten.", "model": "claude-haiku-5-5"},
                {**said("Hullo"), "system": "It is nine."},
            )
        ]
    assert statuses == [200, 200, 421, 421]


def test_a_volatile_part_can_be_deep_inside() -> None:
    body = {**said("It is nine."), "metadata": {"user_id": "a"}}
    deep = recordings(
        exchange("deep", body, "Yes.", volatile=["messages.0.content", "metadata.user_id"])
    )
    assert deep.find(asked_by({**said("It is ten."), "metadata": {"user_id": "b"}}))
    assert not deep.find(asked_by(said("It is ten.")))


def test_an_exact_recording_lives_beside_one_with_a_volatile_part() -> None:
    two = recordings(
        exchange("any time", {**HELLO, "system": "x"}, "Tick.", volatile=["system"]),
        exchange("no time", {**HELLO, "max_tokens": 5}, "Exact."),
    )
    found = [
        two.find(asked_by(body)) for body in ({**HELLO, "system": "y"}, {**HELLO, "max_tokens": 5})
    ]
    assert [entry and entry.name for entry in found] == ["any time", "no time"]


# --- several replies ------------------------------------------------------------------------


def texts(sdk: anthropic.Anthropic, times: int, body: JSON = HELLO) -> list[str]:
    """The answers to the same request, asked several times."""
    return [text_of(sdk.messages.create(**body)) for _ in range(times)]


def test_replies_come_in_order_and_the_last_one_repeats() -> None:
    with serving(exchange("two", HELLO, "first", "second")) as server, client(server.url) as sdk:
        assert texts(sdk, 4) == ["first", "second", "second", "second"]


def test_replies_that_cycle_begin_again() -> None:
    two = exchange("two", HELLO, "heads", "tails", cycle=True)
    with serving(two) as server, client(server.url) as sdk:
        assert texts(sdk, 5) == ["heads", "tails", "heads", "tails", "heads"]


def test_starting_the_lesson_again_begins_with_the_first_reply() -> None:
    with serving(exchange("two", HELLO, "first", "second")) as server, client(server.url) as sdk:
        assert texts(sdk, 2) == ["first", "second"]
        server.backend.start(server.backend.lesson.recorded)
        assert not len(server.backend.account.journal)
        assert texts(sdk, 2) == ["first", "second"]


def test_exchanges_count_their_replies_apart_in_any_order() -> None:
    one = exchange("one", said("one"), "1a", "1b")
    two = exchange("two", said("two"), "2a", "2b")
    with serving(one, two) as server, client(server.url) as sdk:
        got = [texts(sdk, 1, said(word))[0] for word in ("two", "one", "two", "one", "one", "two")]
    assert got == ["2a", "1a", "2b", "1b", "1b", "2b"]


def test_a_reply_repeated_is_the_same_to_the_last_byte() -> None:
    with serving(GREETING) as server:
        assert send(server.url, HELLO) == send(server.url, HELLO)


def test_a_missed_request_uses_up_no_reply() -> None:
    with serving(exchange("two", HELLO, "first", "second")) as server, client(server.url) as sdk:
        send(server.url, said("Something else"))
        assert texts(sdk, 1) == ["first"]


# --- a request without a recording ----------------------------------------------------------


def test_a_missed_request_gets_a_421_in_one_attempt_and_a_sentence_with_the_difference() -> None:
    with serving(GREETING) as server, client(server.url) as sdk:
        with pytest.raises(anthropic.APIStatusError) as raised:
            sdk.messages.create(**said("Hallo"))
        attempts = len(server.backend.account.journal)
    error = raised.value
    assert error.status_code == 421
    assert attempts == 1
    assert 'messages[0].content: recorded "Hello", sent "Hallo"' in str(error.api_message)
    assert "'hello'" in str(error.api_message)
    assert "nothing was sent anywhere" in str(error.api_message)
    # No branch that a lesson writes for a known error catches it by accident.
    assert type(error) is anthropic.APIStatusError


async def missed_async(url: str) -> int:
    async with async_client(url) as sdk:
        with pytest.raises(anthropic.APIStatusError) as raised:
            await sdk.messages.create(**said("Hallo"))
    return raised.value.status_code


def test_the_same_holds_for_the_async_client_and_for_a_stream() -> None:
    with serving(GREETING) as server:
        assert asyncio.run(missed_async(server.url)) == 421
        with (
            client(server.url) as sdk,
            pytest.raises(anthropic.APIStatusError) as raised,
            sdk.messages.stream(**said("Hallo")),
        ):
            pass
        assert raised.value.status_code == 421
        assert len(server.backend.account.journal) == 2


def test_the_server_notes_what_it_missed() -> None:
    with serving(GREETING) as server:
        send(server.url, said("Hallo", max_tokens=5))
        missed = server.backend.account.journal[-1].missed
    assert missed is not None
    assert missed.nearest == "hello"
    assert len(missed.differences) == 2
    assert missed.estimated_tokens > 5


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("/v1/messages/batches", "POST", {"requests": []}),
        ("/v1/messages/batches?limit=0", "GET", None),
        ("/v1/messages/batches/msgbatch_01/results", "GET", None),
        ("/v1/messages/batches/msgbatch_01", "DELETE", None),
        ("/v1/files", "POST", b"\x00\x01"),
        ("/v1/nothing", "GET", None),
        ("/v1/messages", "POST", b"{"),
        ("/v1/messages", "POST", [1, 2]),
        ("/v1/messages", "POST", "text"),
        ("/v1/messages", "POST", None),
        ("/", "GET", None),
        ("/staged/nothing-1/v1/messages", "POST", HELLO),
    ],
)
def test_whatever_is_sent_gets_an_answer_that_is_an_error(
    path: str, method: str, body: Any
) -> None:
    with serving() as server:
        answer = send(server.url, body, path=path, method=method)
    assert 400 <= answer.status < 500
    assert answer.json["error"]["message"]
    assert "course server failed" not in answer.json["error"]["message"]


def test_without_any_recording_the_sentence_says_so_plainly() -> None:
    with serving() as server:
        answer = send(server.url, HELLO)
    assert answer.status == 421
    assert "no recorded reply" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ({"anthropic_version": "2023-06-01"}, "header anthropic-version"),
        ({"anthropic_beta": "context-1m-2025-08-07"}, "header anthropic-beta"),
    ],
)
def test_a_difference_in_a_header_alone_is_named_too(head: dict[str, str], named: str) -> None:
    with serving(GREETING) as server:
        answer = send(server.url, HELLO, head=headers(**head))
    assert answer.status == 421
    assert named in answer.json["error"]["message"]


def test_a_difference_in_the_query_alone_is_named_too() -> None:
    with serving(GREETING) as server:
        answer = send(server.url, HELLO, path="/v1/messages?limit=5")
    assert answer.status == 421
    assert 'query: recorded "", sent "limit=5"' in answer.json["error"]["message"]


def test_a_volatile_part_is_never_named_as_a_difference() -> None:
    clock = exchange("clock", {**HELLO, "system": "It is nine."}, "Tick.", volatile=["system"])
    with serving(clock) as server:
        send(server.url, {**said("Hallo"), "system": "It is ten."})
        missed = server.backend.account.journal[-1].missed
    assert missed is not None
    assert missed.differences == ('messages[0].content: recorded "Hello", sent "Hallo"',)


def test_the_nearest_request_is_the_one_that_differs_least() -> None:
    recorded = recordings(
        exchange("opening hours", said("When does the library open on Sundays?"), "a"),
        exchange("bread", said("How do I bake bread?"), "b"),
        exchange("opening hours, brief", said("When does the library open?", max_tokens=20), "c"),
        exchange("with a system prompt", {**HELLO, "system": LONG}, "d"),
    )
    asked = {
        "When does the library open on Mondays?": "opening hours",
        "How do I bake a bread?": "bread",
        "How do I bake rolls?": "bread",
    }
    for text, wanted in asked.items():
        near = recorded.nearest(asked_by(said(text)))
        assert near is not None and near[0].name == wanted, text
    near = recorded.nearest(asked_by(said("When does the library open?", max_tokens=30)))
    assert near is not None and near[0].name == "opening hours, brief"
    assert near[1] == ["max_tokens: recorded 20, sent 30"]
    near = recorded.nearest(asked_by({**HELLO, "system": LONG + "!"}))
    assert near is not None and near[0].name == "with a system prompt"


def test_a_changed_first_question_is_nearest_to_the_same_conversation() -> None:
    answer = {"role": "assistant", "content": "Plan four hours, with two long breaks on the way."}
    first, second = said("How long is the walk?")["messages"], said("Which shoes?")["messages"]
    recorded = recordings(
        exchange("walk", said("How long is the walk?"), "a"),
        exchange("shoes", {**HELLO, "messages": [*first, answer, *second]}, "b"),
        exchange("other shoes", {**said("Which shoes?"), "system": "How long is the walk?"}, "c"),
    )
    changed = said("How long is the way?")["messages"]
    near = recorded.nearest(asked_by({**HELLO, "messages": [*changed, answer, *second]}))
    assert near is not None and near[0].name == "shoes"
    assert near[1] == [
        'messages[0].content: recorded "How long is the walk?", sent "How long is the way?"'
    ]


def test_another_model_is_nearer_than_another_question() -> None:
    recorded = recordings(
        exchange("another question", {**said("When does the library open today?"),
                                      "model": "claude-haiku-5-5"}, "a"),
        exchange("another model", said("When does the library open now?"), "b"),
    )  # fmt: skip
    asked = {**said("When does the library open now?"), "model": "claude-haiku-5-5"}
    near = recorded.nearest(asked_by(asked))
    assert near is not None and near[0].name == "another model"


def test_finding_the_nearest_of_many_long_requests_takes_no_noticeable_time() -> None:
    turns = [
        {"role": ("user", "assistant")[n % 2], "content": f"{n} {LONG[:900]}"} for n in range(21)
    ]
    many = recordings(
        *(
            exchange(
                f"turn {n}", {**HELLO, "max_tokens": n + 1, "messages": turns[: n % 20 + 1]}, "x"
            )
            for n in range(60)
        )
    )
    begun = time.perf_counter()
    assert many.nearest(asked_by({**HELLO, "messages": turns}))
    assert time.perf_counter() - begun < 60  # it ends, however slow the machine


# --- the words of a difference --------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "sent", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a: recorded 1, sent 2"]),
        ({"a": 1}, {}, ["a: recorded 1, not sent"]),
        ({}, {"a": [1]}, ["a: not recorded, sent [1]"]),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, ['a.b: recorded "x", sent "y"']),
        ({"a": [1, 2]}, {"a": [1]}, ["a[1]: recorded 2, not sent"]),
        (
            {"a": [1]},
            {"a": [1, 2, 3]},
            ["a[1]: not recorded, sent 2", "a[2]: not recorded, sent 3"],
        ),
        ({"a": "x"}, {"a": ["x"]}, ['a: recorded "x", sent ["x"]']),
        ({"a": None}, {"a": False}, ["a: recorded null, sent false"]),
        ({"a": 1}, {"a": True}, ["a: recorded 1, sent true"]),
        ({"a": 1}, {"a": 1.0}, ["a: recorded 1, sent 1.0"]),
        ({"a": "é"}, {"a": "e"}, ['a: recorded "é", sent "e"']),
    ],
)
def test_each_difference_is_one_line(recorded: JSON, sent: JSON, lines: list[str]) -> None:
    assert list(differences(recorded, sent)) == lines


def test_a_long_value_is_cut_in_the_line() -> None:
    [line] = differences({"a": "x" * 500}, {"a": "y" * 500})
    assert len(line) < 220


SERVICE = (
    "Repairs at the counter, from Tuesday to Saturday: a puncture 12 euros, brake pads 18 euros."
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("12", "15", 'recorded "…Saturday: a puncture 12 euros, brake pads 18 euros.", sent '
                     '"…Saturday: a puncture 15 euros, brake pads 18 euros."'),
        ("Repairs", "Prices", 'recorded "Repairs at the counter, from Tuesday to Satur…", sent '
                              '"Prices at the counter, from Tuesday to Saturd…"'),
        ("18 euros.", "18 euros", 'recorded "…brake pads 18 euros.", sent '
                                  '"…brake pads 18 euros"'),
    ],
)  # fmt: skip
def test_of_two_long_texts_the_place_is_shown_where_they_differ(
    old: str, new: str, words: str
) -> None:
    assert list(differences({"a": SERVICE}, {"a": SERVICE.replace(old, new)})) == [f"a: {words}"]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (LONG + "!", f"recorded {len(LONG)} characters, sent {len(LONG) + 1}"),
        (LONG.replace("month", "week"), f"recorded {len(LONG)} characters, sent {len(LONG) - 40}"),
        (LONG[:900], f"recorded {len(LONG)} characters, sent 900"),
    ],
)
def test_of_a_text_too_long_to_be_kept_its_length_is_told(sent: str, words: str) -> None:
    [line] = differences(canonical({"a": LONG}), canonical({"a": sent}))
    assert line == (
        f"a: this text differs somewhere ({words}); it is too long to be kept in the recording"
    )


def test_of_a_long_text_that_differs_in_its_first_words_these_are_shown() -> None:
    [line] = differences(canonical({"a": LONG}), canonical({"a": "No " + LONG}))
    assert line == (
        'a: recorded "The reading room is open on the first Sunday…", sent '
        '"No The reading room is open on the first Sund…"'
    )


def test_two_requests_have_the_same_key_exactly_when_nothing_differs() -> None:
    bodies: list[JSON] = [HELLO, said("Hullo"), {**HELLO, "max_tokens": 300.0}, said([])]
    for one in bodies:
        for other in bodies:
            same = Identity(request(one)).key == Identity(request(other)).key
            assert same == (not list(differences(canonical(one), canonical(other))))


# --- a recording file that is broken --------------------------------------------------------


def without(name: str) -> Callable[[JSON], None]:
    """Take a field of the exchange away."""
    return lambda data: data["exchanges"][0].pop(name)


def put(name: str, value: Any) -> Callable[[JSON], None]:
    """Set a field of the exchange."""
    return lambda data: data["exchanges"][0].update({name: value})


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda data: data.pop("exchanges"), "exchanges"),
        (lambda data: data.pop("lesson"), "lesson"),
        (lambda data: data.pop("api_version"), "api_version"),
        (lambda data: data["exchanges"].append("text"), ""),
        (without("name"), "name"),
        (without("source"), "source"),
        (without("request"), "request"),
        (without("replies"), "replies"),
        (put("replies", []), "at least one reply"),
        (put("replies", "Hello."), "list"),
        (put("replies", [5]), "int"),
        (put("replies", [{"stop_reason": "end_turn"}]), "'content'"),
        (put("replies", [[{"tool": 5}]]), "'tool'"),
    ],
)
def test_a_broken_recording_says_what_is_wrong_and_how_to_get_it_back(
    spoil: Callable[[JSON], Any], named: str
) -> None:
    data = json.loads(recording(GREETING))
    spoil(data)
    with pytest.raises(RecordingError) as raised:
        Recordings.parse(json.dumps(data), LESSON)
    assert named in str(raised.value)
    assert f"git restore recordings/{LESSON}.json" in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\ufeff{}", '{"lesson": "a"'])
def test_a_file_that_is_no_recording_at_all_says_so_too(text: str) -> None:
    with pytest.raises(RecordingError, match=f"git restore recordings/{LESSON}.json"):
        Recordings.parse(text, LESSON)


def test_two_exchanges_for_one_request_are_refused_by_name() -> None:
    with pytest.raises(RecordingError, match=r"one and two\. Put both"):
        recordings(exchange("one", HELLO, "a"), exchange("two", dict(reversed(HELLO.items())), "b"))


def test_two_exchanges_of_one_name_are_refused() -> None:
    with pytest.raises(RecordingError, match="called 'same'"):
        recordings(exchange("same", HELLO, "a"), exchange("same", said("b"), "b"))


def test_a_recording_speaks_for_the_version_that_the_sdk_sends() -> None:
    assert json.loads(recording())["api_version"] == facts.API_VERSION
