"""Staged replies: each ends in the SDK as its table says, again and again, in every mode.

Every name in `STAGED` is played to the real SDK over real HTTP, plain or streamed, with `await`
and without. The table's own words (`raises`) are what the tests hold the SDK against.
"""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from courseserver.staged import FINE, HALF, STAGED, Staged
from helpers import staged
from helpers._setup import course_server
from tests.support import HELLO, OwnCourse, async_client, client, send, text_of

JSON = dict[str, Any]
MODULES = {"anthropic": anthropic, "httpx2": httpx2}
# Time-outs make the two scripts that fall silent end; the others never come near them.
QUICK = {"slow": 0.3, "stall": 0.3}


def promised_exception(raises: str) -> type[Exception] | None:
    """The exception class that the words of `raises` name, or None for "nothing: ..."."""
    if raises.startswith("nothing:"):
        return None
    module, _, name = raises.rpartition(".")
    found = getattr(MODULES[module or "anthropic"], name)
    assert issubclass(found, Exception)
    return found  # type: ignore[no-any-return]


def promised_stop(raises: str) -> str | None:
    """The stop reason that the words of `raises` name; "" when they name none."""
    found = re.search(r"stop_reason is (\w+)", raises)
    return {"None": None}.get(found[1], found[1]) if found else ""


def play(name: str, script: Staged) -> Any:
    """One plain call with the SDK as a lesson makes it; gives back the message."""
    with client(staged(name), timeout=QUICK.get(name, 30)) as sdk:
        if not script.stream:
            return sdk.messages.create(**HELLO)
        with sdk.messages.stream(**HELLO) as stream:
            return stream.get_final_message()


async def play_async(name: str, script: Staged) -> Any:
    """The same with `await`."""
    async with async_client(staged(name), timeout=QUICK.get(name, 30)) as sdk:
        if not script.stream:
            return await sdk.messages.create(**HELLO)
        async with sdk.messages.stream(**HELLO) as stream:
            return await stream.get_final_message()


def outcome(name: str, call: Callable[[str, Staged], Any]) -> tuple[str, Any]:
    """What a call ends in: the exact exception class, or the stop reason."""
    script = STAGED[name]
    expected = promised_exception(script.raises)
    if expected is None:
        return "stop_reason", call(name, script).stop_reason
    try:
        call(name, script)
    except Exception as error:
        return "raised", type(error)
    return "raised", None


def expected_outcome(name: str) -> tuple[str, Any]:
    """What the table promises, in the same form."""
    raises = STAGED[name].raises
    stop = promised_stop(raises)
    if promised_exception(raises) is None:
        return "stop_reason", "end_turn" if stop == "" else stop
    return "raised", promised_exception(raises)


# --- every name -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", STAGED)
def test_a_staged_reply_ends_in_the_sdk_as_its_table_says(name: str) -> None:
    assert outcome(name, play) == expected_outcome(name)


def test_the_same_with_await_all_at_once(covers: Callable[[str], None]) -> None:
    async def everything() -> list[tuple[str, Any]]:
        async def one(name: str) -> tuple[str, Any]:
            try:
                message = await play_async(name, STAGED[name])
            except Exception as error:
                return "raised", type(error)
            return "stop_reason", message.stop_reason

        return await asyncio.gather(*(one(name) for name in STAGED))

    found = dict(zip(STAGED, asyncio.run(everything()), strict=True))
    assert found == {name: expected_outcome(name) for name in STAGED}
    raising = sum(kind == "raised" for kind, _ in found.values())
    covers(f"staged: {len(found)} scripts with and without await, {raising} of them raise")
    assert len(found) >= 15


@pytest.mark.parametrize("name", [name for name in STAGED if name != "429"])  # it waits 2 s a time
def test_a_staged_reply_can_be_run_again_with_the_same_end(name: str) -> None:
    """Three clients, each built anew, as a learner runs the cell three times; without retries."""
    script = STAGED[name]

    def once(name: str, script: Staged) -> Any:
        with client(staged(name), timeout=QUICK.get(name, 30), max_retries=0) as sdk:
            if not script.stream:
                return sdk.messages.create(**HELLO).to_dict()
            with sdk.messages.stream(**HELLO) as stream:
                return stream.get_final_message().to_dict()

    ends: list[Any] = []
    for _ in range(3):
        try:
            ends.append(once(name, script))
        except Exception as error:
            ends.append((type(error), str(error)))
    assert ends[0] == ends[1] == ends[2]


def test_every_script_says_what_happens_and_what_the_sdk_makes_of_it() -> None:
    for name, script in STAGED.items():
        assert script.what and script.replies, name
        assert expected_outcome(name), name
        nothing = promised_exception(script.raises) is None
        waits = "tries again" in script.raises
        assert not nothing or waits or promised_stop(script.raises) != "", name


# --- what stands behind the names -----------------------------------------------------------


def attempts(name: str, **settings: Any) -> int:
    """How many requests the SDK sends for one call."""
    log = course_server().backend.account.journal
    before = len(log)
    settings = {"timeout": QUICK.get(name, 30), **settings}
    with client(staged(name), **settings) as sdk, suppress(anthropic.APIError):
        sdk.messages.create(**HELLO)
    return len(log) - before


@pytest.mark.parametrize(
    ("name", "count"),
    [("429-twice", 3), ("500-once", 2), ("529", 3), ("401", 1), ("no-connection", 3), ("slow", 3),
     ("refusal", 1)],
)  # fmt: skip
def test_the_sdk_makes_as_many_attempts_as_the_lesson_says(name: str, count: int) -> None:
    assert attempts(name) == count


@pytest.mark.parametrize(("name", "header"), [("429", "1"), ("spend-limit", None)])
def test_a_rate_limit_says_how_long_to_wait_and_a_spend_limit_does_not(
    name: str, header: str | None
) -> None:
    with (
        client(staged(name), max_retries=0) as sdk,
        pytest.raises(anthropic.RateLimitError) as caught,
    ):
        sdk.messages.create(**HELLO)
    assert caught.value.response.headers.get("retry-after") == header


def test_without_retries_the_first_refusal_is_raised() -> None:
    assert attempts("529", max_retries=0) == 1


def test_a_cut_stream_gives_the_text_that_had_come() -> None:
    pieces = []
    with (
        client(staged("cut-stream")) as sdk,
        pytest.raises(httpx2.RemoteProtocolError),
        sdk.messages.stream(**HELLO) as stream,
    ):
        for piece in stream.text_stream:
            pieces.append(piece)
    text = "".join(pieces)
    assert len(text) >= 50
    assert HALF.startswith(text) and text != HALF


def test_a_stalled_stream_gives_the_text_that_had_come_and_then_times_out() -> None:
    pieces = []
    with (
        client(staged("stall"), timeout=0.5) as sdk,
        pytest.raises(httpx2.ReadTimeout),
        sdk.messages.stream(**HELLO) as stream,
    ):
        for piece in stream.text_stream:
            pieces.append(piece)
    assert HALF.startswith("".join(pieces)) and len("".join(pieces)) >= 50


def test_a_stream_without_an_end_raises_nothing_and_only_the_stop_reason_shows_it() -> None:
    with client(staged("no-end")) as sdk, sdk.messages.stream(**HELLO) as stream:
        message = stream.get_final_message()
    assert message.stop_reason is None
    assert HALF.startswith(text_of(message)) and text_of(message) != HALF


def test_an_error_inside_a_stream_has_status_200_and_its_own_type() -> None:
    with (
        client(staged("error-event")) as sdk,
        pytest.raises(anthropic.APIStatusError) as raised,
        sdk.messages.stream(**HELLO) as stream,
    ):
        stream.until_done()
    assert raised.value.status_code == 200
    assert raised.value.type == "overloaded_error"
    assert not isinstance(raised.value, anthropic.InternalServerError)


def test_a_refusal_has_no_blocks_and_says_why() -> None:
    with client(staged("refusal")) as sdk:
        message = sdk.messages.create(**HELLO)
    assert message.content == []
    assert message.stop_details is not None and message.stop_details.category == "cyber"
    assert message.usage.output_tokens == 0


def test_a_pause_goes_on_when_the_content_is_sent_back() -> None:
    with client(staged("pause_turn")) as sdk:
        paused = sdk.messages.create(**HELLO)
        assert paused.content[0].type == "server_tool_use"
        turns = [*HELLO["messages"], paused.to_param()]
        resumed = sdk.messages.create(**{**HELLO, "messages": turns})
    assert (resumed.stop_reason, text_of(resumed)) == ("end_turn", FINE)


def test_a_staged_tool_call_can_be_answered() -> None:
    tool: Any = {"name": "opening_hours", "input_schema": {"type": "object"}}
    with client(staged("tool_use")) as sdk:
        asked: Any = {**HELLO, "tools": [tool]}
        reply = sdk.messages.create(**asked)
        [call] = [block for block in reply.content if block.type == "tool_use"]
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "noon to five"}
        turns = [*HELLO["messages"], reply.to_param(), {"role": "user", "content": [result]}]
        assert sdk.messages.create(**{**asked, "messages": turns}).stop_reason == "tool_use"
    assert call.name == "opening_hours"


def test_a_stop_sequence_is_named_in_the_reply() -> None:
    with client(staged("stop_sequence")) as sdk:
        assert sdk.messages.create(**HELLO).stop_sequence == "END"


# --- replies of one's own -------------------------------------------------------------------


def test_own_replies_play_in_order_and_the_last_one_repeats() -> None:
    with client(
        staged(replies=["one", "two", {"content": "cut", "stop_reason": "max_tokens"}])
    ) as sdk:
        got = [sdk.messages.create(**HELLO) for _ in range(5)]
    assert [text_of(message) for message in got] == ["one", "two", "cut", "cut", "cut"]
    assert [message.stop_reason for message in got][:3] == ["end_turn", "end_turn", "max_tokens"]


def test_each_call_of_staged_starts_afresh_and_an_older_client_goes_on_undisturbed() -> None:
    with client(staged(replies=["one", "two"])) as first:
        assert text_of(first.messages.create(**HELLO)) == "one"
        with client(staged(replies=["one", "two"])) as second:
            assert text_of(second.messages.create(**HELLO)) == "one"
        assert text_of(first.messages.create(**HELLO)) == "two"


def test_own_replies_answer_plain_and_streamed_requests_alike() -> None:
    with client(staged(replies=["Hello."])) as sdk:
        assert text_of(sdk.messages.create(**HELLO)) == "Hello."
        with sdk.messages.stream(**HELLO) as stream:
            assert stream.get_final_text() == "Hello."


def test_a_learner_can_play_a_model_that_calls_two_tools() -> None:
    calls = [{"tool": "a", "input": {"n": 1}}, {"tool": "b"}]
    with client(staged(replies=[["Both at once.", *calls]])) as sdk:
        message = sdk.messages.create(**HELLO)
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert message.stop_reason == "tool_use"
    blocks = [block for block in message.content if block.type == "tool_use"]
    assert blocks[0].id != blocks[1].id
    assert [block.input for block in blocks] == [{"n": 1}, {}]


def test_a_learner_can_play_an_empty_answer_and_an_error() -> None:
    error = {"status": 400, "error": {"type": "invalid_request_error", "message": "Too late."}}
    with client(staged(replies=[[], error])) as sdk:
        assert sdk.messages.create(**HELLO).content == []
        with pytest.raises(anthropic.BadRequestError) as raised:
            sdk.messages.create(**HELLO)
    assert raised.value.api_message == "Too late."


@pytest.mark.parametrize(
    "reply",
    [
        {"text": "short"},
        {"type": "text", "text": "full"},
        {"thinking": "", "tokens": 12},
        {"tool": "a", "input": {}, "id": "toolu_mine"},
    ],
    ids=lambda block: next(iter(block)),
)
def test_every_form_of_a_block_is_accepted(reply: JSON) -> None:
    with client(staged(replies=[[reply]])) as sdk:
        assert len(sdk.messages.create(**HELLO).content) == 1


# --- a staged client is still a client of the API -------------------------------------------


def test_the_rules_of_the_api_hold_for_staged_clients_too() -> None:
    url = staged(replies=["Hello."])
    without = {key: value for key, value in HELLO.items() if key != "messages"}
    assert send(url, without).status == 400
    assert send(url, {**HELLO, "model": "claude-does-not-exist"}).status == 404
    assert send(url, {**HELLO, "temperature": 0.5}).status == 400
    assert send(url, HELLO).status == 200


def test_a_refused_request_uses_up_no_reply() -> None:
    url = staged(replies=["one", "two"])
    send(url, {**HELLO, "temperature": 0.5})
    assert send(url, HELLO).json["content"][0]["text"] == "one"


def test_tokens_can_be_counted_with_a_staged_client() -> None:
    with client(staged(replies=["one"])) as sdk:
        counted = sdk.messages.count_tokens(model=HELLO["model"], messages=HELLO["messages"])
        assert counted.input_tokens > 0
        assert text_of(sdk.messages.create(**HELLO)) == "one"


def test_a_staged_client_needs_no_particular_key() -> None:
    with client(staged(replies=["Hello."]), api_key="whatever") as sdk:
        assert text_of(sdk.messages.create(**HELLO)) == "Hello."


# --- what cannot be staged ------------------------------------------------------------------


def test_an_unknown_name_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ValueError, match="cut-stream") as raised:
        staged("cut_stream")
    assert "'cut_stream'" in str(raised.value)


def test_neither_or_both_is_refused() -> None:
    with pytest.raises(ValueError, match="either a name or replies"):
        staged()
    with pytest.raises(ValueError, match="either a name or replies"):
        staged("429", replies=["Hello."])


def test_no_reply_at_all_is_refused() -> None:
    nothing: list[Any] = [[], "", "Hello."]
    for empty in nothing:
        with pytest.raises(ValueError, match="at least one reply"):
            staged(replies=empty)


MALFORMED: list[Any] = [
    5, None, True, {}, {"stop_reason": "end_turn"}, {"content": 5}, {"content": None},
    {"content": "x", "stop_reasn": "end_turn"}, {"content": "x", "stop_reason": 5},
    {"content": "x", "usage": 5}, {"content": "x", "usage": {"output_tokens": "9"}},
    {"content": "x", "usage": {"output_tokens": None}}, {"content": "x", "headers": {"a": 1}},
    {"content": "x", "fault": "cut"}, {"content": "x", "fault": {"kind": "explode"}},
    {"error": "boom"}, {"error": {}}, {"error": {"type": "a", "message": "b"}},
    {"status": 200, "error": {"type": "a", "message": "b"}},
    {"status": 429, "error": {"type": "rate_limit_error"}},
    {"status": "429", "error": {"type": "a", "message": "b"}},
    [5], [None], [{}], [["x"]], [{"tool": 5}], [{"tool": "a", "inputs": {}}],
    [{"tool": "a", "input": "b"}], [{"thinking": 5}], [{"thinking": "", "tokens": "9"}],
    [{"text": 5}], [{"type": "text"}], [{"type": "thinking", "thinking": ""}],
    [{"type": "tool_use", "name": "a"}], [{"type": ["text"]}], [{"tool": "a", "input": {"b": {1}}}],
    {"events": 5}, {"body": "x"}, "half an emoji: \ud83d",
]  # fmt: skip


@pytest.mark.parametrize("reply", MALFORMED, ids=repr)
def test_a_reply_that_is_none_is_refused_in_a_sentence_when_it_is_staged(reply: Any) -> None:
    """Not later in the server, where the learner would see a broken connection."""
    with pytest.raises(ValueError) as raised:
        staged(replies=["Hello.", reply])
    sentence = str(raised.value)
    assert re.match(r"(An?|The|This|'\w+') .+", sentence), sentence
    assert len(sentence) < 400


# --- modes ----------------------------------------------------------------------------------

ASK = """
import anthropic, json
from helpers import setup, staged
setup("99_test")
sdk = anthropic.Anthropic(base_url=staged(replies=["Played here."]), max_retries=0)
reply = sdk.messages.create(model="claude-sonnet-5-5", max_tokens=9,
                            messages=[{"role": "user", "content": "Hi"}])
import helpers
live = helpers.mode()
told = [reply.content[0].text, str(sdk.base_url), live]
"""


def test_staged_replies_are_local_in_live_mode_too(tmp_path: Path) -> None:
    """The network is blocked here: a request to the real API would fail, not be answered."""
    key = "ANTHROPIC_API_KEY=sk-" + "ant-" + "made-up-" * 5
    course = OwnCourse.at(tmp_path, dotenv=key)
    text, base, live = course.tells(ASK)
    assert text == "Played here."
    assert base.startswith("http://127.0.0.1:")
    assert live == "live"


def test_staged_works_before_setup_and_with_a_dead_proxy(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path)
    without_setup = ASK.replace('setup("99_test")\n', "").replace(
        "anthropic.Anthropic(", 'anthropic.Anthropic(api_key="any", '
    )
    assert "setup(" not in without_setup
    dead = "http://127.0.0.1:9"
    told = course.tells(without_setup, HTTP_PROXY=dead, http_proxy=dead, ALL_PROXY=dead)
    assert told[0] == "Played here."


BARE = """
import anthropic, os
from helpers import setup, staged
sdk = anthropic.Anthropic(base_url=staged(replies=["Played here."]))
reply = sdk.messages.create(model="claude-sonnet-5-5", max_tokens=9,
                            messages=[{"role": "user", "content": "Hi"}])
told = [reply.content[0].text, os.environ.get("ANTHROPIC_API_KEY", "")]
"""


def test_staged_needs_no_key_in_a_bare_script(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path)
    text, key = course.tells(BARE)
    assert text == "Played here."
    assert key.startswith("course-session-")
    said = course.says(BARE + "setup('99_test')")
    assert said.startswith("Replay, because there is no key in .env.")  # the lent one is none


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_staged_leaves_a_credential_of_the_learners_alone(tmp_path: Path, name: str) -> None:
    course = OwnCourse.at(tmp_path)
    text, key = course.tells(BARE, **{name: "mine"})
    assert text == "Played here."
    assert key == ("mine" if name == "ANTHROPIC_API_KEY" else "")


def test_the_help_of_staged_shows_replies_that_can_be_staged_and_every_name() -> None:
    told = staged.__doc__ or ""
    assert max(len(line) for line in told.splitlines()) <= 102
    for name, script in STAGED.items():
        assert re.search(rf"^    {re.escape(name)} +{re.escape(script.what)}$", told, re.M)
    replies, blocks, faults = re.split("A block in a list|What goes wrong", told)
    shown = [re.findall(r"^    ([\"\[{].*?[\"\]}])(?: {2,}.*)?$", part, re.M)
             for part in (replies, blocks, faults)]  # fmt: skip
    assert [len(each) for each in shown] == [4, 4, 3]
    for text in shown[0] + [f"[{block}]" for block in shown[1]] + shown[2]:
        staged(replies=[ast.literal_eval(text)])
    events = re.search(r'{"events": .*}', told)
    assert events
    staged(replies=[ast.literal_eval(events[0])])


def test_in_a_batch_the_place_of_a_request_decides_as_the_help_says() -> None:
    params = {**HELLO}
    refused = {**HELLO, "max_tokens": -1}
    asked = [{"custom_id": str(at), "params": each}
             for at, each in enumerate([params, refused, params, params])]  # fmt: skip
    with client(staged(replies=["first", "second", "third"])) as sdk:
        batch = sdk.messages.batches.create(requests=asked)  # type: ignore[arg-type]
        while batch.processing_status != "ended":
            batch = sdk.messages.batches.retrieve(batch.id)
        results = {each.custom_id: each.result for each in sdk.messages.batches.results(batch.id)}
    texts = {name: text_of(r.message) for name, r in results.items() if r.type == "succeeded"}
    assert texts == {"0": "first", "2": "third", "3": "third"}


def test_setup_again_ends_older_staged_clients_with_a_sentence(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path)
    again = (
        ASK.split("live =")[0]
        + """
setup("99_test")
try:
    sdk.messages.create(model="claude-sonnet-5-5", max_tokens=9,
                        messages=[{"role": "user", "content": "Hi"}])
except anthropic.NotFoundError as error:
    told = error.api_message
"""
    )
    assert "Run the cell that calls staged(...) again" in course.tells(again)
