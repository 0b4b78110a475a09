"""Lesson 10: what it teaches to do about a cut reply, its arithmetic, and its program at work.

The functions are the notebook's own, taken from its cells. All talk to a course server through the
real SDK. What the lesson says of the SDK stands in `test_claims.py`.
"""

from __future__ import annotations

import ast
from typing import Any

import nbformat
import pytest

from tests.support import HELLO, ROOT, client, replaying, run_program, serving

LESSON = ROOT / "notebooks" / "10_extended_thinking.ipynb"
PROGRAM = ROOT / "notebooks" / "at_work" / "10_extended_thinking.py"
TAUGHT = {"read_text", "rescued", "per_right"}
CUT: dict[str, Any] = {"content": [{"thinking": "", "tokens": 9}], "stop_reason": "max_tokens"}


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The lesson's functions."""
    found: dict[str, Any] = {}
    for cell in nbformat.read(LESSON, as_version=4).cells:
        for node in ast.parse(cell.source).body if cell.cell_type == "code" else []:
            if getattr(node, "name", "") in TAUGHT:
                exec(ast.unparse(node), found)
    assert found.keys() >= TAUGHT
    return found


def test_a_level_without_a_right_answer_has_no_price_for_one(names: dict[str, Any]) -> None:
    assert names["per_right"](0, 0.05) == "-"
    assert names["per_right"](0, 0) == "-"
    assert names["per_right"](2, 0.03) == "0.01500"


@pytest.mark.parametrize(
    ("told", "stops"),
    [
        (("Nine.",), ["end_turn"]),
        ((CUT, "Nine."), ["max_tokens", "end_turn"]),
        ((CUT, CUT, "Nine."), ["max_tokens", "max_tokens"]),
    ],
)
def test_a_cut_reply_is_asked_for_once_more_and_with_the_change(
    names: dict[str, Any], told: tuple[Any, ...], stops: list[str]
) -> None:
    with serving() as server, client(server.url + server.backend.account.stage("t", told)) as sdk:
        replies = names["rescued"](sdk, HELLO, max_tokens=777)
        sent = [entry.request.body["max_tokens"] for entry in server.backend.account.journal]
    assert [reply.stop_reason for reply in replies] == stops
    assert sent == [HELLO["max_tokens"], 777][: len(stops)]


def test_the_program_asks_what_the_lesson_asks() -> None:
    with replaying("10_extended_thinking") as server:
        said = run_program(PROGRAM, server.url).stdout
    assert said == (
        "Yes. With the 3 mm of rain the beans have 7 mm, and 3 mm are still missing.\n"
        "stop reason: end_turn\n"
    )


def test_the_program_gives_a_cut_reply_more_room_and_sends_thinking_back_whole() -> None:
    call = [{"thinking": "Rain?"}, {"tool": "rain", "input": {"day": "Sunday"}}]
    with serving() as server:
        url = server.url + server.backend.account.stage("t", (CUT, call, "No."))
        said = run_program(PROGRAM, url).stdout
        sent = [entry.request.body for entry in server.backend.account.journal]
    assert said.startswith("No.")
    assert [body["max_tokens"] for body in sent] == [4000, 16000, 4000]
    [_, turn, results] = sent[-1]["messages"]
    assert [block["type"] for block in turn["content"]] == ["thinking", "tool_use"]
    assert results["content"][0]["content"] == "3 mm"


def test_the_program_stops_a_loop_that_never_ends() -> None:
    call = [{"tool": "rain", "input": {}}]
    with serving() as server:
        said = run_program(PROGRAM, server.url + server.backend.account.stage("t", (call,))).stdout
        assert len(server.backend.account.journal) == 5
    assert "stop reason: tool_use" in said
