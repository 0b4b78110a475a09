"""Lesson 16: its loop with the gates, its log and replay, its memory, and its program at work.

The functions are the notebook's own, taken from its cells. Replies are made without a server; the
program at work talks to the course server through the real SDK.
"""

from __future__ import annotations

import ast
import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import nbformat
import pytest
from anthropic.types import Message

from courseserver import facts
from courseserver.short import whole_message
from helpers import MODEL, cost, desk_parts
from tests.support import ROOT, client, replaying, run_program, serving

LESSON = ROOT / "notebooks" / "16_agents.ipynb"
PROGRAM = ROOT / "notebooks" / "at_work" / "16_agents.py"
TAUGHT = set(
    "run_call write agent steps from_log SAY NO_ANSWER for_visitor house_rules "
    "SECTIONS find_book LIBRARY LOOK remember notes inside MOST_EACH ROOM".split()
)
ENOUGH = 1.0  # US dollars: more than any visit here costs

Taught = dict[str, Any]


class Script:
    """An `ask` that plays these replies, the last one again and again, and keeps the requests."""

    def __init__(self, *short: Any) -> None:
        self.left = list(short)
        self.played: list[Any] = []

    def __call__(self, **request: Any) -> tuple[Any, str]:
        self.played.append(request)
        now = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(now, str):
            return None, now
        body = {"model": facts.MODEL, "max_tokens": 2000, "messages": []}
        return Message.model_validate(whole_message(now, body, "test", len(self.played))), ""


class Purse:
    """A ledger in memory."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.spent = 0.0

    def add(self, reply: Any) -> float:
        usd = cost(reply).total
        self.spent += usd
        return usd

    def allows(self, usd: float) -> bool:
        return self.spent + usd <= self.limit


@pytest.fixture
def taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Taught:
    """What the cells of the lesson define, with a folder of the test for its files."""
    monkeypatch.chdir(LESSON.parent)
    read_text, finished = desk_parts("read_text", "finished")
    names: Taught = {
        "json": json, "logging": logging, "Path": Path, "Message": Message, "MODEL": MODEL,
        "cost": cost, "sqlite3": sqlite3, "closing": closing,
        "read_text": read_text, "finished": finished, "DAY": tmp_path,
        "ask": None, "ledger": None, "FUNCTIONS": {"find_book": len}, "DESK": "You are a desk.",
        "TOOLS": {"find_book": {"name": "find_book"}}, "MEMORY": tmp_path / "memory.txt",
    }  # fmt: skip
    for cell in nbformat.read(LESSON, as_version=4).cells:
        for node in ast.parse(cell.source).body if cell.cell_type == "code" else []:
            bound = {getattr(node, "name", "")}
            if isinstance(node, ast.Assign):
                bound |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            if bound & TAUGHT or (isinstance(node, ast.For) and "SECTIONS" in ast.unparse(node)):
                exec(ast.unparse(node), names)
    assert names.keys() >= TAUGHT
    return names


def call(words: str) -> list[Any]:
    return [{"tool": "find_book", "input": {"words": words}}]


def found(words: str) -> list[str]:
    """A tool."""
    return [words.title()]


def visit(taught: Taught, ask: Any, limit: float = ENOUGH, **more: Any) -> tuple[str, list[Any]]:
    """How a visit ended, and the steps of its log."""
    log = taught["DAY"] / "log.jsonl"
    given = {"functions": {"find_book": found}, **more}
    ended, _ = taught["agent"]("Is it in?", log, ask=ask, ledger=Purse(limit), **given)
    assert taught["steps"](log)[-1]["ended"] == ended
    return ended, taught["steps"](log)


# --- the gates ----------------------------------------------------------------------------------


def test_a_visit_ends_when_claude_is_done_and_its_log_holds_each_whole_reply(
    taught: Taught,
) -> None:
    ask = Script([{"thinking": "", "tokens": 9}, *call("fog")], ["Yes."])
    ended, log = visit(taught, ask)
    assert (ended, [step["number"] for step in log]) == ("done", [1, 2])
    assert [block["type"] for block in log[0]["reply"]["content"]] == ["thinking", "tool_use"]
    assert json.loads(log[0]["results"][0]["content"]) == ["Fog"]
    assert log[1]["reply"]["stop_reason"] == "end_turn" and log[1]["usd"] > 0
    assert [turn["role"] for turn in ask.played[1]["messages"]] == ["user", "assistant", "user"]


def test_a_budget_is_never_overdrawn_and_stops_before_the_request(taught: Taught) -> None:
    expensive = {"content": call("fog"), "usage": {"input_tokens": 5000, "output_tokens": 2000}}
    most = taught["MOST_EACH"]
    row = facts.model(facts.MODEL)
    assert most == pytest.approx((5000 * row.input + 2000 * row.output) / 1e6)
    for limit, sent in ((0.97 * most, 0), (1.03 * most, 1), (2.03 * most, 2)):
        ask = Script(expensive)
        ended, log = visit(taught, ask, limit)
        assert (ended, len(ask.played)) == ("over budget", sent)
        assert sum(step["usd"] for step in log) <= limit


def test_the_cap_is_eight_requests(taught: Taught) -> None:
    ask = Script(*[call(str(number)) for number in range(20)])
    assert visit(taught, ask)[0] == "too long"
    assert len(ask.played) == 8


@pytest.mark.parametrize(
    ("asked", "sent"), [(["fog"], 3), (["fog", "mist"], 5), (["fog", "fog", "mist"], 4)]
)
def test_a_call_that_comes_a_third_time_ends_the_visit_and_is_not_run(
    taught: Taught, asked: list[str], sent: int
) -> None:
    ask = Script(*[call(word) for word in asked * 4])
    ended, log = visit(taught, ask)
    assert (ended, len(ask.played)) == ("in circles", sent)
    assert log[-1]["results"] == []


def test_a_call_in_a_reply_that_was_cut_is_not_run_and_a_problem_ends_the_visit(
    taught: Taught,
) -> None:
    cut = {"content": [{"tool": "find_book", "input": {}}], "stop_reason": "max_tokens"}
    ended, log = visit(taught, Script(cut))
    assert (ended, log[0]["results"]) == ("cut", [])
    ended, log = visit(taught, Script("busy"))
    assert (ended, log[-1]["reply"]) == ("busy", None)


def test_a_tool_that_fails_becomes_a_result_and_its_details_go_into_the_log_alone(
    taught: Taught, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(words: str) -> str:
        raise OSError("shelf-2")

    ended, log = visit(taught, Script(call("fog"), ["Sorry."]), functions={"find_book": broken})
    assert ended == "done" and log[0]["results"][0]["is_error"]
    assert "shelf-2" not in json.dumps(log) and "shelf-2" in caplog.text


def test_only_done_is_an_answer_and_each_other_ending_gets_words(taught: Taught) -> None:
    ask = Script(["Yes."], ["Half an ans"], [])
    (whole, _), (half, _), (empty, _) = ask(), ask(), ask()
    say = taught["for_visitor"]
    assert say("done", whole) == "Yes."
    assert say("problem: We are very busy.", None) == "problem: We are very busy."
    endings = [("cut", half), ("done", empty), ("refused", empty), ("over budget", None)]
    for ended, reply in [*endings, ("too long", half), ("in circles", half)]:
        assert len(say(ended, reply)) > 20 and "Half" not in say(ended, reply)


# --- the replay ---------------------------------------------------------------------------------


def test_a_log_replays_the_same_steps_and_sends_nothing(taught: Taught) -> None:
    thought = {"thinking": "", "tokens": 9}
    _, first = visit(taught, Script([thought, *call("fog")], [thought, "Yes."]))
    again = taught["from_log"](taught["DAY"] / "log.jsonl")
    assert visit(taught, again)[1] == first
    assert again() == (None, "the log ends here")


def test_a_replay_shows_what_changed_code_gives_and_keeps_what_claude_said(taught: Taught) -> None:
    _, first = visit(taught, Script(call("fog"), ["Yes."]))
    other: Taught = {"find_book": lambda words: []}
    again = taught["from_log"](taught["DAY"] / "log.jsonl")
    _, second = visit(taught, again, functions=other)
    assert [step["reply"] for step in second] == [step["reply"] for step in first]
    assert second[0]["results"] != first[0]["results"]


# --- tools and memory ---------------------------------------------------------------------------


def test_the_house_rules_are_cut_into_their_twenty_sections(taught: Taught) -> None:
    assert [name.split()[0] for name in taught["SECTIONS"]] == [str(n) for n in range(1, 21)]
    assert "20 cents" in taught["house_rules"]("6 Returning late")
    with pytest.raises(ValueError, match="no section"):
        taught["house_rules"]("21 Goats")


def test_a_note_is_one_short_line_and_stands_once(taught: Taught) -> None:
    for _ in range(2):
        taught["remember"]("Tea\n\nat  four. " + 300 * "x")
    assert taught["notes"]().startswith("Tea at four. x")
    assert taught["notes"]().count("\n") == 1 and len(taught["notes"]()) == 201


def test_a_path_of_claudes_stays_inside_the_memory(taught: Taught) -> None:
    folder = taught["DAY"]
    assert taught["inside"](folder, "/memories/a/lift.txt") == folder.resolve() / "a" / "lift.txt"
    for path in ("/memories/../../.env", "../x", "/memories/a/../../x"):
        with pytest.raises(ValueError, match="outside"):
            taught["inside"](folder, path)


def test_the_catalogue_gives_five_copies_at_most_and_no_name_of_a_member(taught: Taught) -> None:
    with closing(sqlite3.connect(ROOT / "notebooks" / "data" / "library.db")) as db:
        members = [row[0] for row in db.execute("SELECT name FROM members")]
    everything = taught["find_book"]("")
    assert (len(everything["copies"]), everything["more"]) == (5, True)
    assert taught["find_book"]("x' UNION SELECT name FROM members --")["copies"] == []
    told = json.dumps([taught["find_book"](word) for word in ("", "%", "Low Water", *members)])
    assert not [name for name in members if json.dumps(name)[1:-1] in told]


def test_a_streamed_reply_has_no_request_id_which_the_loop_makes_up_for(taught: Taught) -> None:
    with serving() as server:
        address = server.url + server.backend.account.stage("t", (["Yes."],))
        turns = [{"role": "user", "content": "Is it in?"}]
        request: Taught = {"model": MODEL, "max_tokens": 99, "messages": turns}
        with client(address).messages.stream(**request) as stream:
            streamed = stream.get_final_message()
    assert not hasattr(streamed, "_request_id")
    ended, reply = taught["agent"](
        "?", taught["DAY"] / "log", ask=lambda **request: (streamed, ""), ledger=Purse(ENOUGH)
    )
    assert (ended, reply._request_id) == ("done", None)


def test_the_memory_tool_is_still_called_so() -> None:
    tool = anthropic.types.MemoryTool20250818Param.__annotations__
    assert "'memory'" in str(tool["name"]).replace('"', "'")
    assert "memory_20250818" in str(tool["type"])


# --- the program at work ------------------------------------------------------------------------


def test_the_program_at_work_answers_writes_its_log_and_knows_the_price(tmp_path: Path) -> None:
    usd = facts.model(facts.MODEL).prices(0)
    text = PROGRAM.read_text(encoding="utf-8")
    assert f"USD_IN, USD_OUT = {usd.input:g}e-6, {usd.output:g}e-6" in text
    with replaying(LESSON.stem) as server:
        said = run_program(PROGRAM, server.url, tmp_path).stdout
    assert "four cans of lamp oil" in said
    lines = (tmp_path / "my_work_log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["stop_reason"] for line in lines] == ["tool_use", "end_turn"]
