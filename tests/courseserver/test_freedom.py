"""What a learner may change in a recorded request, and what comes of it.

Each line changes one request of a real lesson's recording and sends it with the real SDK to the
in-process adapter: answered as recorded, adapted (with which words, stop reason and usage), refused
by the API's rules, or refused with 421 because nobody can know the reply. The second half of the
table holds the traps: what must not be answered.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import anthropic
import pytest

from courseserver import facts, inprocess
from courseserver.recordings import Recordings
from courseserver.replay import Replay
from courseserver.variants import changed
from tests.support import (
    HELLO,
    LESSON,
    ROOT,
    client,
    exchange,
    recording,
    recordings,
    said,
    text_of,
)

JSON = dict[str, Any]
Mine = inprocess.Server[Replay]
MARK = {"type": "ephemeral"}
DEFAULT = facts.model(facts.MODEL)
OTHER_EFFORT = next(name for name in DEFAULT.efforts if name != DEFAULT.default_effort)
SERVER = "authored"  # the first word of a label: where the reply comes from


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mine]:
    """A server in this process that replies at once."""
    monkeypatch.setenv("COURSE_PACE", "0")
    made = inprocess.Server(Replay())
    yield made
    made.stop()


@cache
def lesson(number: str) -> Recordings:
    """A lesson's recordings without their variants, which answer more and more by themselves."""
    [path] = (ROOT / "recordings").glob(f"{number}_*.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    return Recordings.parse(json.dumps(told | {"variants": []}), path.stem)


def recorded(number: str, name: str) -> JSON:
    """A recorded request that holds no digest, so that it can be sent."""
    [entry] = [entry for entry in lesson(number).exchanges if entry.name == name]
    assert "sha256:" not in json.dumps(entry.request)
    return copy.deepcopy(entry.request)


@dataclass(frozen=True)
class Came:
    """What came of a request: its status, where the reply is from, and the reply."""

    status: int
    label: str
    text: str = ""
    stop: str | None = None
    output: int = 0
    thinking: int = 0
    message: Any = None
    error: str = ""

    @property
    def words(self) -> str:
        """What it was adapted to."""
        return self.label.partition("adapted: ")[2]


def ask(server: Mine, body: JSON) -> Came:
    """Send a request with the SDK, streamed if it says so."""
    body = dict(body)
    with client(server.url, max_retries=0) as sdk:
        try:
            message: Any
            if body.pop("stream", False):
                with sdk.messages.stream(**body) as stream:
                    message = stream.get_final_message()
                    label = stream.response.headers["x-course-reply"]
            else:
                raw = sdk.messages.with_raw_response.create(**body)
                message, label = raw.parse(), raw.headers["x-course-reply"]
        except anthropic.APIStatusError as error:
            label = error.response.headers["x-course-reply"]
            return Came(error.status_code, label, error=str(error))
    usage = message.usage
    details = usage.output_tokens_details
    return Came(
        200, label, text_of(message), message.stop_reason, usage.output_tokens,
        details.thinking_tokens if details else 0, message,
    )  # fmt: skip


def journal(server: Mine) -> Any:
    """The last exchange as the journal has it."""
    return server.backend.account.journal[-1]


# --- the table ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One change of a recorded request, and what must come of it.

    `words` is None where nothing is adapted: the request is refused, or is as recorded.
    """

    what: str
    lesson: str
    name: str
    changes: JSON
    status: int = 200
    words: str | None = None
    stop: str | None = None
    output: int | None = None
    text: str | None = None


ROTA = "Monday: Ines\nTuesday: Hiro\nWednesday: Tomasz\nThursday: Amara"
HELLO_TEXT = "Hello! ¡Hola! こんにちは!"
BAKERY = "Suggest a name for a bakery that opens at six."
SYSTEM = [
    {"type": "text", "text": "You advise a community garden. Beans need 10 mm of water a week."}
]

ANSWERED = [
    Line("nothing at all", "01", "bakery", {}, words="", stop="end_turn"),
    # max_tokens
    Line("more room", "01", "bakery", {"max_tokens": 4000}, words="max_tokens", stop="end_turn"),
    Line("a limit that it fits", "00", "hello", {"max_tokens": 100}, words="max_tokens",
         stop="end_turn", text=HELLO_TEXT),
    Line("a limit inside the text", "01", "bakery", {"max_tokens": 45}, words="max_tokens",
         stop="max_tokens", output=45),
    Line("a limit inside the thinking", "01", "bakery", {"max_tokens": 20}, words="max_tokens",
         stop="max_tokens", output=20, text=""),
    Line("a limit where the thinking ends", "01", "bakery", {"max_tokens": 38},
         words="max_tokens", stop="max_tokens", output=38, text=""),
    Line("no room at all", "01", "bakery", {"max_tokens": 0}, words="max_tokens",
         stop="max_tokens", output=0, text=""),
    Line("less room than the cut one had", "02", "night bus, cut", {"max_tokens": 40},
         words="max_tokens", stop="max_tokens", output=40),
    Line("a limit between two recorded ones: the cut one is no answer", "10", "rota",
         {"max_tokens": 150}, words="max_tokens", stop="max_tokens", output=150, text=""),
    Line("a limit below both", "10", "rota", {"max_tokens": 60}, words="max_tokens",
         stop="max_tokens", output=60, text=""),
    Line("3000 instead of 4000", "10", "rota", {"max_tokens": 3000}, words="max_tokens",
         stop="end_turn", text=ROTA),
    Line("effort is recorded, the limit is not", "10", "rota, low", {"max_tokens": 1000},
         words="max_tokens", stop="end_turn", text=ROTA),
    Line("a tool call that is cut goes", "06", "evening, call", {"max_tokens": 50},
         words="max_tokens", stop="max_tokens", output=50, text=""),
    Line("more room for a cut reply, where another was recorded whole", "02", "night bus, cut",
         {"max_tokens": 3000}, words="max_tokens", stop="end_turn"),
    Line("a please more", "01", "bakery",
         {"messages.0.content": "Please suggest a name for a bakery that opens at six"},
         words="wording", stop="end_turn"),
    # stop_sequences
    Line("a stop sequence that occurs", "04", "lemon cake", {"stop_sequences": ["You need"]},
         words="stop_sequences", stop="stop_sequence", text="Lemon cake for 8\n\n"),
    Line("one that does not occur", "01", "bakery", {"stop_sequences": ["END"]},
         words="stop_sequences", stop="end_turn"),
    Line("the first of two", "10", "rota", {"stop_sequences": ["Amara", "Hiro"]},
         words="stop_sequences", stop="stop_sequence", text="Monday: Ines\nTuesday: "),
    Line("one right at the start", "10", "rota", {"stop_sequences": ["Monday"]},
         words="stop_sequences", stop="stop_sequence", text=""),
    Line("a sequence inside what a cut reply says", "02", "night bus, cut",
         {"stop_sequences": ["01:05"], "max_tokens": 50}, words="max_tokens, stop_sequences",
         stop="stop_sequence", text="Night bus N7\n\n"),
    Line("an empty list is none", "01", "bakery", {"stop_sequences": []}, words="form",
         stop="end_turn"),
    # stream
    Line("streamed", "01", "bakery", {"stream": True}, words="stream", stop="end_turn"),
    Line("not streamed", "04", "egg, streamed", {"stream": None}, words="stream", stop="end_turn",
         text="Seven minutes for a soft yolk, ten for a firm one."),
    Line("streamed and cut", "04", "egg, streamed", {"max_tokens": 18}, words="max_tokens",
         stop="max_tokens", output=18),
    # metadata, marks, defaults, form
    Line("metadata", "01", "bakery", {"metadata": {"user_id": "u-17"}}, words="metadata",
         stop="end_turn"),
    Line("a mark on a short prompt", "01", "bakery", {"cache_control": MARK},
         words="cache marks", stop="end_turn"),
    Line("a text as a block", "01", "bakery",
         {"messages.0.content": [{"type": "text", "text": BAKERY}]}, words="form",
         stop="end_turn"),
    Line("a system prompt as a block", "10", "the rain is asked for", {"system": SYSTEM},
         words="form", stop="tool_use"),
    Line("a marked tool", "10", "the rain is asked for", {"tools.0.cache_control": MARK},
         words="cache marks", stop="tool_use"),
    Line("adaptive thinking, which is the default", "01", "bakery",
         {"thinking": {"type": "adaptive"}}, words="form", stop="end_turn"),
    Line("the default effort of this model", "01", "bakery",
         {"output_config": {"effort": DEFAULT.default_effort}}, words="form", stop="end_turn"),
    Line("tool_choice auto", "06", "evening, call", {"tool_choice": {"type": "auto"}},
         words="form", stop="tool_use"),
    Line("service_tier auto", "01", "bakery", {"service_tier": "auto"}, words="form",
         stop="end_turn"),
    Line("thinking that was shown is left out", "10", "the rain is asked for", {"thinking": None},
         words="thinking display, form", stop="tool_use"),
    # wording
    Line("another full stop, another case", "01", "bakery",
         {"messages.0.content": "suggest a name for a bakery that opens at six"},
         words="wording", stop="end_turn"),
    Line("other spaces", "01", "bakery",
         {"messages.0.content": "Suggest a name  for a bakery\nthat opens at six. "},
         words="wording", stop="end_turn"),
    Line("wording and a limit", "01", "bakery",
         {"messages.0.content": BAKERY.upper(), "max_tokens": 45}, words="max_tokens, wording",
         stop="max_tokens", output=45),
    # tools
    Line("a tool of another name", "06", "evening, call", {"tools.0.name": "ferries"},
         words="tool names", stop="tool_use"),
    # a request of a batch, alone
    Line("one review of the batch", "09", "forty reviews", {}, words="batch", stop="end_turn",
         text="praise"),
]  # fmt: skip

REFUSED = [
    # traps: a difference that may matter to Claude
    Line("a changed digit", "02", "by seven", {"messages.0.content": None}, 421),
    Line("a changed word", "01", "bakery",
         {"messages.0.content": "Suggest a name for a bakery that opens at nine."}, 421),
    Line("a word more", "01", "bakery",
         {"messages.0.content": "Suggest a short name for a bakery that opens at six."}, 421),
    Line("another model", "01", "bakery on wheels", {"model": "claude-haiku-5-5"}, 421),
    Line("another effort", "01", "bakery", {"output_config": {"effort": OTHER_EFFORT}}, 421),
    Line("another kind of thinking", "01", "bakery", {"thinking": {"type": "between_tools"}},
         421 if "between_tools" in DEFAULT.thinking else 400),
    Line("thinking that nobody saw", "01", "bakery",
         {"thinking": {"type": "adaptive", "display": "summarized"}}, 421),
    Line("a system prompt where none was", "01", "bakery", {"system": "Be brief."}, 421),
    Line("case in the system prompt", "10", "the rain is asked for",
         {"system": "you advise a community garden. Beans need 10 mm of water a week."}, 421),
    Line("another description of the tool", "06", "evening, call",
         {"tools.0.description": "Ferries of today."}, 421),
    Line("another schema", "06", "evening, call",
         {"tools.0.input_schema.required": ["island", "after"]}, 421),
    Line("no tools", "06", "both, calls", {"tools": None}, 421),
    Line("calls one at a time", "06", "evening, call",
         {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, 421),
    Line("a tool that must be called", "06", "evening, call",
         {"tool_choice": {"type": "any"}}, 400),
    Line("a paid tier", "01", "bakery", {"service_tier": "standard_only"}, 421),
    # the API's own rules come first
    Line("a limit over the model's", "01", "bakery", {"max_tokens": 200_000, "stream": True}, 400),
    Line("an unknown model", "01", "bakery", {"model": "claude-sonnet-9"}, 404),
    Line("an e-mail address as the user", "01", "bakery",
         {"metadata": {"user_id": "a@b.example"}}, 400),
    Line("a blank stop sequence", "01", "bakery", {"stop_sequences": ["\n"]}, 400),
    Line("five marks", "10", "the rain is asked for",
         {"system": [{**SYSTEM[0], "cache_control": MARK}] * 5}, 400),
    Line("no room, and streamed", "01", "bakery", {"max_tokens": 0, "stream": True}, 400),
]  # fmt: skip


def request_of(line: Line) -> JSON:
    """The recorded request with the changes of a line."""
    body = recorded(line.lesson, line.name)
    if "requests" in body:
        body = body["requests"][0]["params"]
    changes = dict(line.changes)
    if line.what == "a changed digit":
        text = body["messages"][0]["content"]
        assert "25 minutes" in text
        changes = {"messages.0.content": text.replace("25", "24")}
    elif changes.get("stream", True) is None:
        del body["stream"], changes["stream"]
    result: JSON = changed(body, changes)
    return result


@pytest.mark.parametrize("line", ANSWERED, ids=lambda line: line.what)
def test_what_can_be_worked_out_is_answered(server: Mine, line: Line) -> None:
    server.backend.start(lesson(line.lesson))
    came = ask(server, request_of(line))
    assert (came.status, came.words) == (200, line.words), came
    assert came.stop == line.stop
    if line.output is not None:
        assert came.output == line.output
    if line.text is not None:
        assert came.text == line.text
    assert came.label.split(",")[0] == SERVER
    adapted = tuple(line.words.split(", ")) if line.words else ()
    assert journal(server).adapted == adapted


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line.what)
def test_what_nobody_can_know_is_refused(server: Mine, line: Line) -> None:
    server.backend.start(lesson(line.lesson))
    came = ask(server, request_of(line))
    assert came.status == line.status, came
    assert journal(server).adapted == ()


def test_the_table_is_long_enough(covers: Callable[[str], None]) -> None:
    lessons = {line.lesson for line in [*ANSWERED, *REFUSED]}
    covers(f"freedom: {len(ANSWERED)} changes answered, {len(REFUSED)} refused, of lessons "
           f"{', '.join(sorted(lessons))}")  # fmt: skip
    assert len(ANSWERED) + len(REFUSED) >= 40
    assert len({line.what for line in [*ANSWERED, *REFUSED]}) == len(ANSWERED) + len(REFUSED)


# --- conversations --------------------------------------------------------------------------


def turn_of(came: Came) -> JSON:
    """Claude's turn as it goes back: all of its blocks."""
    return {"role": "assistant", "content": came.message.to_dict()["content"]}


def said_next(body: JSON, came: Came, content: Any) -> JSON:
    """The request with Claude's turn and the next user turn."""
    turns = [*body["messages"], turn_of(came), {"role": "user", "content": content}]
    return {**body, "messages": turns}


SHOES = "Which shoes does she need for it?"


def shoes(server: Mine, **first: Any) -> tuple[JSON, Came]:
    """Lesson 05's second request, after a first one that may be changed; and the first reply."""
    server.backend.start(lesson("05"))
    body = changed(recorded("05", "walk"), first)
    came = ask(server, body)
    return said_next(body, came, SHOES), came


def test_the_second_question_of_the_lesson_is_answered_as_recorded(server: Mine) -> None:
    body, _ = shoes(server)
    assert ask(server, body).label == "authored"


def test_a_turn_sent_back_as_its_text_alone_finds_the_recording(server: Mine) -> None:
    body, first = shoes(server)
    body["messages"][1]["content"] = first.text
    assert ask(server, body).words == "thinking, form"
    body["messages"][1]["content"] = [{"type": "text", "text": first.text}]
    assert ask(server, body).words == "thinking"


def test_a_turn_that_says_another_word_finds_nothing(server: Mine) -> None:
    body, first = shoes(server)
    body["messages"][1]["content"] = first.text.replace("four hours", "five hours")
    assert ask(server, body).status == 421


def test_after_an_adapted_first_turn_the_second_one_is_found(server: Mine) -> None:
    body, first = shoes(server, max_tokens=1500)
    assert first.words == "max_tokens"
    assert ask(server, body).words == "max_tokens"


def test_after_a_first_question_in_other_spelling_the_second_one_is_found(server: Mine) -> None:
    body, first = shoes(
        server,
        **{
            "messages.0.content": "ON SATURDAY I walk from Port Amel to the "
            "lighthouse with Keiko, who is six: seven kilometres along the cliffs. How long "
            "do we need"
        },
    )
    assert first.words == "wording"
    assert ask(server, body).words == "wording"


def test_a_first_question_that_is_changed_afterwards_meets_the_rule(server: Mine) -> None:
    body, _ = shoes(server)
    body["messages"][0]["content"] = "On Sunday I walk to the lighthouse. How long do we need?"
    came = ask(server, body)
    assert came.status == 400
    assert "bound to a different conversation" in came.error


def test_lesson_10s_pair_is_told_apart_by_the_thinking_that_goes_back(server: Mine) -> None:
    server.backend.start(lesson("10"))
    body = recorded("10", "the rain is asked for")
    first = ask(server, body)
    calls = [block.id for block in first.message.content if block.type == "tool_use"]
    result = [{"type": "tool_result", "tool_use_id": calls[0], "content": "3 mm"}]
    with_it = said_next(body, first, result)
    without = copy.deepcopy(with_it)
    del without["messages"][1]["content"][0]
    assert [ask(server, each).label for each in (with_it, without)] == ["authored"] * 2
    assert ask(server, with_it).text != ask(server, without).text
    for each in (with_it, without):
        again = ask(server, {**each, "max_tokens": 3000})
        assert (again.words, again.text) == ("max_tokens", ask(server, each).text)


def both_results(server: Mine, body: JSON) -> tuple[JSON, Came]:
    """Lesson 06's two calls at once, and the request with both results."""
    first = ask(server, body)
    calls = [block.id for block in first.message.content if block.type == "tool_use"]
    told = ['["18:30", "21:05"]', "[]"]
    results = [
        {"type": "tool_result", "tool_use_id": call, "content": text}
        for call, text in zip(calls, told, strict=True)
    ]
    return said_next(body, first, results), first


def test_results_may_come_in_the_other_order(server: Mine) -> None:
    server.backend.start(lesson("06"))
    body, _ = both_results(server, recorded("06", "both, calls"))
    body["messages"][-1]["content"].reverse()
    assert ask(server, body).words == "form"


def test_another_result_is_another_request(server: Mine) -> None:
    server.backend.start(lesson("06"))
    body, _ = both_results(server, recorded("06", "both, calls"))
    body["messages"][-1]["content"][0]["content"] = '["18:30", "21:06"]'
    assert ask(server, body).status == 421


def test_a_failed_result_is_another_request(server: Mine) -> None:
    server.backend.start(lesson("06"))
    body, _ = both_results(server, recorded("06", "both, calls"))
    for failed, status in ((False, 200), (True, 421)):
        body["messages"][-1]["content"][0]["is_error"] = failed
        assert ask(server, body).status == status


def test_a_renamed_tool_is_called_by_its_new_name_to_the_end(server: Mine) -> None:
    server.backend.start(lesson("06"))
    body, first = both_results(
        server, changed(recorded("06", "both, calls"), {"tools.0.name": "ferries"})
    )
    names = [block.name for block in first.message.content if block.type == "tool_use"]
    assert names == ["ferries", "ferries"]
    assert ask(server, body).words == "tool names"


def test_two_tools_that_changed_names_are_no_recorded_ones(server: Mine) -> None:
    server.backend.start(lesson("06b"))
    body = recorded("06b", "which Saturday: rain")
    names = [tool["name"] for tool in body["tools"]]
    for tool, name in zip(body["tools"], reversed(names), strict=True):
        tool["name"] = name
    assert ask(server, body).status == 421


def test_a_tool_that_a_text_still_calls_by_its_old_name_is_no_recorded_one(server: Mine) -> None:
    tool = {"name": "look_up", "description": "Loans.", "input_schema": {"type": "object"}}
    body = {**said("Is it in?"), "tools": [tool], "system": "Use look_up first."}
    server.backend.start(recordings(exchange("asks", body, [{"tool": "look_up", "input": {}}])))
    assert ask(server, changed(body, {"tools.0.name": "find"})).status == 421
    assert ask(server, changed(body, {"max_tokens": 299})).words == "max_tokens"


# --- which turn is played -------------------------------------------------------------------


def test_adapted_playing_leaves_the_lessons_own_turns_alone(server: Mine) -> None:
    server.backend.start(lesson("02"))
    body = recorded("02", "the sign")
    expected = [ask(server, body).text for _ in range(4)]
    assert expected[:2] == expected[2:] and expected[0] != expected[1]
    found = []
    for _ in range(2):
        found.append(ask(server, {**body, "max_tokens": 1999}).text)
        found.append(ask(server, body).text)
    assert found == [expected[0], expected[0], expected[1], expected[1]]


def test_replies_that_start_over_do_so_in_each_cell(server: Mine) -> None:
    server.backend.start(lesson("02"))
    body = recorded("02", "the sign")
    seen = []
    for cell in ("the lesson's", "my own", "the lesson's"):
        server.backend.account.journal.begin(cell)
        seen += [ask(server, body).text for _ in range(1 if cell == "my own" else 2)]
    assert seen[:2] == seen[3:] and seen[2] == seen[0]


def test_failures_and_broken_replies_are_answered_only_exactly(server: Mine) -> None:
    overloaded = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
    broken = {"content": "Half a", "fault": {"kind": "cut", "after": 4}}
    server.backend.start(
        recordings(exchange("busy", HELLO, overloaded), exchange("cut", said("Hi"), broken))
    )
    assert ask(server, HELLO).status == 529
    assert ask(server, {**HELLO, "max_tokens": 299}).status == 421
    assert ask(server, {**said("Hi"), "max_tokens": 299}).status == 421


def test_a_captured_reply_is_given_as_it_came_or_not_at_all(server: Mine) -> None:
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": HELLO["model"],
            "content": [{"type": "text", "text": "Hi."}], "stop_reason": "end_turn",
            "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 5}}  # fmt: skip
    kept = exchange("hello", HELLO, {"body": body}, source="captured")
    server.backend.start(recordings(kept))
    with client(server.url) as sdk:
        raw = sdk.messages.with_raw_response.create(**HELLO, metadata={"user_id": "u"})
        assert raw.headers["x-course-reply"] == "captured, adapted: metadata"
        assert raw.parse().id == "msg_1"
    for more in ({"max_tokens": 299}, {"stream": True}, {"stop_sequences": ["H"]}):
        assert ask(server, {**HELLO, **more}).status == 421


def test_a_recorded_stop_sequence_is_needed_for_its_reply(server: Mine) -> None:
    asked = {**HELLO, "stop_sequences": ["END"], "max_tokens": 300}
    short = {"content": "One.", "stop_reason": "stop_sequence", "stop_sequence": "END"}
    server.backend.start(recordings(exchange("stops", asked, short)))
    assert ask(server, asked).stop == "stop_sequence"
    assert ask(server, HELLO).status == 421
    assert ask(server, {**asked, "stop_sequences": ["FIN"]}).status == 421
    more = ask(server, {**asked, "stop_sequences": ["FIN", "END"]})
    assert (more.stop, more.message.stop_sequence) == ("stop_sequence", "END")


def test_a_cut_reply_answers_no_larger_limit(server: Mine) -> None:
    short = {"content": "One two three", "stop_reason": "max_tokens"}
    server.backend.start(recordings(exchange("cut", {**HELLO, "max_tokens": 8}, short)))
    assert ask(server, {**HELLO, "max_tokens": 9}).status == 421
    assert ask(server, {**HELLO, "max_tokens": 5}).output == 5


def test_of_two_recorded_limits_the_smallest_that_is_not_below_answers(server: Mine) -> None:
    cut = {"content": "One two three", "stop_reason": "max_tokens"}
    server.backend.start(
        recordings(
            exchange("whole", {**HELLO, "max_tokens": 2000}, "First, second, third, fourth."),
            exchange("cut", {**HELLO, "max_tokens": 9}, cut),
        )
    )
    texts = [ask(server, {**HELLO, "max_tokens": limit}).text for limit in (5, 10, 3000)]
    assert texts == ["One two", "First, second, third,", "First, second, third, fourth."]


def test_calls_before_the_one_that_is_cut_stay(server: Mine) -> None:
    server.backend.start(lesson("06"))
    whole = ask(server, recorded("06", "both, calls"))
    came = ask(server, {**recorded("06", "both, calls"), "max_tokens": whole.output - 10})
    kinds = [block.type for block in came.message.content]
    assert (kinds, came.stop) == (["thinking", "tool_use"], "max_tokens")
    assert came.output == whole.output - 10
    assert came.message.content[1].id == whole.message.content[1].id


def test_cut_and_stopped_replies_are_the_beginning_of_the_whole_one(server: Mine) -> None:
    server.backend.start(lesson("01"))
    body = recorded("01", "bakery")
    whole = ask(server, body)
    texts = []
    for limit in range(1, whole.output + 1):
        came = ask(server, {**body, "max_tokens": limit})
        assert whole.text.startswith(came.text)
        assert came.output == limit
        assert came.thinking == min(limit, whole.thinking)
        assert came.stop == ("max_tokens" if limit < whole.output else "end_turn")
        texts.append(came.text)
    assert texts == sorted(texts, key=len) and texts[-1] == whole.text
    assert len(set(texts)) > 5


# --- the cache ------------------------------------------------------------------------------


def desk(text: str = "at the desk") -> JSON:
    """Lesson 08's system block, without a mark."""
    rules = (ROOT / "notebooks" / "data" / "house_rules.md").read_text(encoding="utf-8")
    place = f"You answer {text} of a town library, in one or two sentences.\n\n"
    return {"type": "text", "text": place + rules}


DRILL = "I borrowed a drill on Thursday. When is it due, and can I renew it?"


def cached(server: Mine, **mark: Any) -> tuple[int, int, str]:
    """Tokens written and read by lesson 08's request with this mark; and the words."""
    block = {**desk(), **mark}
    body = {"model": HELLO["model"], "max_tokens": 2000, "system": [block]}
    came = ask(server, {**body, "messages": [{"role": "user", "content": DRILL}]})
    assert came.status == 200, came
    usage = came.message.usage
    return usage.cache_creation_input_tokens, usage.cache_read_input_tokens, came.words


def test_what_a_cell_wrote_is_read_by_each_later_one(server: Mine) -> None:
    server.backend.start(lesson("08"))
    mark = {"cache_control": MARK}
    first = [cached(server, **mark), cached(server, **mark)]
    size, _, _ = first[0]
    assert first == [(size, 0, ""), (0, size, "")] and size > 4_000
    server.backend.account.journal.begin("my own")
    assert cached(server, **mark) == (0, size, "")


def test_other_marks_are_written_then_read_in_cells_of_ones_own(server: Mine) -> None:
    server.backend.start(lesson("08"))
    hour = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    server.backend.account.journal.begin("one")
    size, read, words = cached(server, **hour)
    assert (read, words) == (0, "cache marks") and size > 4_000
    server.backend.account.journal.begin("two")
    assert cached(server, **hour) == (0, size, "cache marks")


def test_an_adapted_reply_empties_no_cache_though_the_recorded_one_does(server: Mine) -> None:
    body = {**HELLO, "system": [{**desk(), "cache_control": MARK}]}
    server.backend.start(recordings(exchange("cold", body, {"content": "Yes.", "cache": "cold"})))
    counts = []
    for _ in range(2):
        usage = ask(server, {**body, "max_tokens": 299}).message.usage
        counts.append((usage.cache_creation_input_tokens, usage.cache_read_input_tokens))
    (size, _), again = counts
    assert size > 4_000 and again == (0, size)


# --- batches --------------------------------------------------------------------------------


def batch_of(server: Mine, requests: list[JSON]) -> dict[str, Any]:
    """The results of a batch by custom_id."""
    with client(server.url, max_retries=0) as sdk:
        made = sdk.messages.batches.create(requests=requests)  # type: ignore[arg-type]
        while sdk.messages.batches.retrieve(made.id).processing_status != "ended":
            pass
        return {line.custom_id: line.result for line in sdk.messages.batches.results(made.id)}


def test_five_of_forty_are_answered_in_any_order_under_any_id(server: Mine) -> None:
    server.backend.start(lesson("09"))
    forty = recorded("09", "forty reviews")["requests"]
    whole = batch_of(server, forty)
    assert journal(server).adapted == ()
    five = [{**each, "custom_id": f"mine-{each['custom_id']}"} for each in reversed(forty[:5])]
    part = batch_of(server, five)
    assert {name.removeprefix("mine-") for name in part} == {n["custom_id"] for n in forty[:5]}
    for name, result in part.items():
        assert text_of(result.message) == text_of(whole[name.removeprefix("mine-")].message)
        assert result.message.usage.service_tier == "batch"
    made = [e for e in server.backend.account.journal if e.request.method == "POST"][-1]
    assert made.adapted == ("batch",)
    assert made.reply.headers["x-course-reply"] == "batches, adapted: batch"


def test_all_forty_in_reverse_are_answered_the_two_failed_ones_from_their_second_try(
    server: Mine,
) -> None:
    server.backend.start(lesson("09"))
    forty = recorded("09", "forty reviews")["requests"]
    results = batch_of(server, forty[::-1])
    assert {result.type for result in results.values()} == {"succeeded"}
    assert text_of(results["review-12"].message) == "criticism"


def test_a_request_that_was_recorded_alone_is_answered_in_a_batch(server: Mine) -> None:
    server.backend.start(lesson("09"))
    alone = recorded("09", "one alone")
    short = {**alone, "max_tokens": 10}
    results = batch_of(
        server, [{"custom_id": "a", "params": alone}, {"custom_id": "b", "params": short}]
    )
    assert text_of(results["a"].message) == "criticism"
    assert results["b"].message.stop_reason == "max_tokens"


def test_a_batch_with_unknown_requests_is_refused_and_names_them(server: Mine) -> None:
    server.backend.start(lesson("09"))
    two = copy.deepcopy(recorded("09", "forty reviews")["requests"][:3])
    two[1]["params"]["messages"][0]["content"] = "Another review."
    with client(server.url, max_retries=0) as sdk, pytest.raises(anthropic.APIStatusError) as got:
        sdk.messages.batches.create(requests=two)
    assert got.value.status_code == 421
    assert journal(server).missed.unknown == ("review-02",)
    assert "'review-02'" in str(got.value)
    assert "The others have one." in str(got.value)
    with client(server.url, max_retries=0) as sdk, pytest.raises(anthropic.APIStatusError) as got:
        sdk.messages.batches.create(requests=two[1:2])
    assert "others" not in str(got.value)


# --- what a refusal says --------------------------------------------------------------------


def missed(server: Mine, body: JSON) -> Any:
    """What was noted of a request that nothing answers."""
    assert ask(server, body).status == 421
    return journal(server).missed


def test_the_variants_nearest_to_a_refused_request_are_named_five_at_most(server: Mine) -> None:
    base = exchange("hello", {**HELLO, "system": "Be kind."}, "Hi.")
    variants = [
        {"name": "haiku", "of": "hello", "changes": {"model": "claude-haiku-5-5"},
         "replies": ["a"]},
        {"name": "tea", "of": "haiku", "changes": {"messages.0.content": "Tea?"}, "replies": ["b"]},
        {"name": "bare", "of": "hello", "changes": {"system": None}, "replies": ["c"]},
        *({"name": f"e{n}", "of": "hello", "changes": {"system": f"Be {n}."}, "replies": ["d"]}
          for n in range(4)),
    ]  # fmt: skip
    data = {**json.loads(recording(base)), "variants": variants}
    server.backend.start(Recordings.parse(json.dumps(data), LESSON))
    found = missed(server, {**HELLO, "system": "Be cruel."})
    assert found.near == (
        "system 'Be 0.'",
        "system 'Be 1.'",
        "system 'Be 2.'",
        "system 'Be 3.'",
        "model claude-haiku-5-5",
    )
    assert "Recorded near it: system 'Be 0.'; system 'Be 1.'; " in found.told()[-1]


LONG_RULES = (
    "You answer for a bakery, in one sentence. Name no prices, and when somebody asks about "
    "allergies, send them to the counter, where all is written down."
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system": LONG_RULES.replace("one sentence", "two sentences")},
         "system 'two sentences.' in place of 'one sentence.'"),
        ({"system": f"{LONG_RULES} Be kind."}, "system 'Be kind.' added at the end"),
        ({"system": LONG_RULES.replace(" in one sentence.", "")},
         "system without 'in one sentence.'"),
        ({"system": LONG_RULES.replace("down.", "").strip()},
         "system without 'down.'"),
        ({"system": LONG_RULES.replace("all is", "it all is")}, "system 'it' added"),
        ({"stop_sequences.0": "THE END"}, "stop_sequences.0 'THE END'"),
        ({"system": "x" * 20_000}, None),
        ({"system": "Something else, word by word: " + "no, " * 40}, None),
    ],
)  # fmt: skip
def test_of_a_long_text_only_the_words_are_named_that_are_others(
    server: Mine, changes: JSON, said: str | None
) -> None:
    asked = {**HELLO, "system": LONG_RULES, "stop_sequences": ["END"]}
    variants = [{"name": "other", "of": "hello", "changes": changes, "replies": ["b"]}]
    data = {**json.loads(recording(exchange("hello", asked, "Hi."))), "variants": variants}
    server.backend.start(Recordings.parse(json.dumps(data), LESSON))
    found = missed(server, {**asked, "messages": [{"role": "user", "content": "Tea?"}]})
    assert found.near == ((said,) if said else ())


def test_a_refusal_without_variants_names_none(server: Mine) -> None:
    server.backend.start(Recordings.parse(recording(exchange("hello", HELLO, "Hi.")), LESSON))
    found = missed(server, changed(HELLO, {"messages.0.content": "Tea?"}))
    assert (found.near, found.earlier) == ((), "")
    assert len(found.told()) == 2


@pytest.mark.parametrize(
    ("changes", "earlier"),
    [
        ({"messages.0.content": "Which ferries go to Seal Island?"}, "question"),
        ({"tools.0.description": "Ferries of today."}, "tools"),
        ({"system": "You stand at the harbour."}, "system"),
    ],
)
def test_a_rule_that_speaks_of_thinking_says_what_an_earlier_cell_changed(
    server: Mine, changes: JSON, earlier: str
) -> None:
    server.backend.start(lesson("06"))
    body, _ = both_results(server, recorded("06", "both, calls"))
    came = ask(server, changed(body, changes))
    assert came.status == 400 and "bound to a different conversation" in came.error
    assert journal(server).earlier == earlier


def test_a_question_that_was_changed_before_a_plain_answer_is_named_too(server: Mine) -> None:
    body, first = shoes(server)
    body["messages"][1]["content"] = first.text
    body["messages"][0]["content"] = "On Sunday I walk to the lighthouse. How long do we need?"
    found = missed(server, body)
    assert (found.nearest, found.earlier) == ("shoes", "question")
    assert found.told()[-1].startswith("The question of an earlier cell was changed")


@pytest.mark.parametrize(
    "change", [{"messages.2.content": "Which hat?"}, {"model": "claude-haiku-5-5"}]
)
def test_what_was_changed_in_this_cell_is_no_earlier_one(server: Mine, change: JSON) -> None:
    body, first = shoes(server)
    body["messages"][1]["content"] = first.text
    assert missed(server, changed(body, change)).earlier == ""


def test_another_conversation_altogether_is_no_earlier_cell_that_was_changed(server: Mine) -> None:
    body, _ = shoes(server)
    body["messages"] = [
        {"role": "user", "content": "How tall is the lighthouse?"},
        {"role": "assistant", "content": "About thirty metres."},
        {"role": "user", "content": "And how old?"},
    ]
    found = missed(server, body)
    assert (found.nearest is not None, found.earlier) == (True, "")


def test_a_changed_result_of_a_tool_is_no_earlier_question(server: Mine) -> None:
    server.backend.start(lesson("06"))
    body, _ = both_results(server, recorded("06", "both, calls"))
    body["messages"][-1]["content"][0]["content"] = "[]"
    found = missed(server, body)
    assert (found.nearest, found.earlier) == ("both, answer", "")
    assert 'recorded "[\\"18:30\\", \\"21:05\\"]", sent "[]"' in found.differences[0]


def test_a_batch_says_where_its_first_unknown_request_differs(server: Mine) -> None:
    server.backend.start(lesson("09"))
    five = copy.deepcopy(recorded("09", "forty reviews")["requests"][:5])
    text = five[3]["params"]["messages"][0]["content"]
    five[3]["params"]["messages"][0]["content"] = text.replace("praise", "applause")
    with client(server.url, max_retries=0) as sdk, pytest.raises(anthropic.APIStatusError):
        sdk.messages.batches.create(requests=five)
    told = journal(server).missed.told()
    assert told[0] == "These requests of the batch have none: review-04."
    assert told[1].startswith("The nearest recorded request is 'forty reviews'.")
    assert told[2].startswith("  review-04: messages[0].content: recorded ")
    assert "praise" in told[2] and "applause" in told[2] and len(told) == 3
