"""The contract of lesson 06 for a tool's function, and the yes that lesson 06b puts on top of it.

The functions are the notebooks' own, taken from their cells. What Claude reads and what the log
holds are looked at apart, because the contract is about the difference.
"""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from anthropic.types import ToolUseBlock
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
WANTED = {
    "06_tools": {"CallError", "check", "run_call", "answer_calls"},
    "06b_more_tools": {"CallError", "run_call", "guarded", "HARMLESS"},
}
DAY = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}  # of the API: without a schema
TOOLS = [{"name": "tide", "input_schema": {**DAY, "additionalProperties": False}}, SEARCH]
SECRET = "password=hunter2"

Taught = dict[str, Any]


def defined(source: str) -> set[str]:
    """The names of functions, classes and constants that a cell makes at its top level."""
    names = set()
    for node in ast.parse(source).body:
        names.add(getattr(node, "name", ""))
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def taught(lesson: str) -> Taught:
    """What the cells of a lesson define for running calls, and what its first cell imports."""
    names: Taught = {"json": json, "logging": logging}
    names["Draft202012Validator"] = Draft202012Validator
    for cell in nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4).cells:
        if cell.cell_type != "code" or not defined(cell.source) & WANTED[lesson]:
            continue
        tree = ast.parse(cell.source)  # definitions only: a cell may also send a request
        kinds = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign)
        tree.body = [node for node in tree.body if isinstance(node, kinds)]
        tree.body = [
            node
            for node in tree.body
            if not isinstance(node, ast.Assign) or defined(ast.unparse(node)) & WANTED[lesson]
        ]
        exec(compile(tree, lesson, "exec"), names)
    assert names.keys() >= WANTED[lesson]
    return names


@pytest.fixture(params=WANTED)
def names(request: pytest.FixtureRequest) -> Taught:
    """The lessons' own functions, once from each lesson."""
    return taught(request.param)


def called(name: str = "tide", **given: Any) -> ToolUseBlock:
    return ToolUseBlock(type="tool_use", id="toolu_1", name=name, input=given)


def answered(names: Taught, tide: Callable[..., Any], **given: Any) -> Any:
    """The result of one call of `tide`."""
    result = names["run_call"](called(**given or {"day": "Monday"}), TOOLS, {"tide": tide})
    assert result["tool_use_id"] == "toolu_1"
    return result


@pytest.mark.parametrize("value", [["18:30"], {"low": 1}, 4, None, "Größe", [], True])
def test_a_function_returns_anything_that_json_can_hold(names: Taught, value: Any) -> None:
    result = answered(names, lambda day: value)
    assert json.loads(result["content"]) == value and "is_error" not in result
    assert "\\u" not in result["content"]


def look_up(day: str) -> str:
    return {"Sunday": "low"}[day]


def leak(day: str) -> str:
    raise ValueError(SECRET)


def bug(day: str) -> Any:
    return None + day  # type: ignore[operator]


def not_json(day: str) -> Any:
    return {("a", "tuple"): 1}


@pytest.mark.parametrize("function", [look_up, leak, bug, not_json])
def test_a_bug_is_logged_with_its_details_and_claude_is_told_none_of_them(
    names: Taught, function: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    result = answered(names, function)
    words = "tide does not work now. Answer without it, and say so."
    assert (result["content"], result["is_error"]) == (words, True)
    [entry] = caplog.records
    assert entry.levelno == logging.ERROR and "Error(" in entry.getMessage()
    assert (SECRET in entry.getMessage()) == (function is leak)


def test_the_lessons_own_exception_reaches_claude_in_its_words_and_the_log(
    names: Taught, caplog: pytest.LogCaptureFixture
) -> None:
    def fussy(day: str) -> str:
        raise names["CallError"]("No tide on Monday. Days: Sunday.")

    result = answered(names, fussy)
    assert (result["content"], result["is_error"]) == ("No tide on Monday. Days: Sunday.", True)
    assert [entry.levelno for entry in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("given", [{"day": 7}, {"date": "Monday"}, {"day": "Monday", "at": 7}])
def test_input_that_does_not_fit_never_reaches_the_function(names: Taught, given: Any) -> None:
    ran = []
    result = answered(names, lambda **inputs: ran.append(inputs), **given)
    assert ran == [] and result["is_error"] and "does not work" not in result["content"]


def test_a_tool_that_is_not_there_is_said_not_to_be_there(names: Taught) -> None:
    result = names["run_call"](called("moon"), TOOLS, {})
    assert result["content"].startswith("There is no tool moon.") and result["is_error"]


# --- a person's yes -------------------------------------------------------------------------


@pytest.mark.parametrize(("says", "paid"), [(True, ["Monday"]), (False, [])])
def test_what_is_not_known_as_harmless_runs_only_after_a_yes(says: bool, paid: list[str]) -> None:
    names, done, asked = taught("06b_more_tools"), [], []

    def confirm(name: str, inputs: Any) -> bool:
        asked.append((name, inputs))
        return says

    def tide(day: str) -> list[str]:
        done.append(day)
        return ["18:30"]

    result = names["guarded"](called(day="Monday"), TOOLS, {"tide": tide}, confirm)
    assert (done, asked) == (paid, [("tide", {"day": "Monday"})])
    assert result.get("is_error", False) is not says
    if says:  # as run_call answers: a list is JSON
        assert result["content"] == '["18:30"]'


def test_what_is_harmless_or_not_there_asks_nobody() -> None:
    names = taught("06b_more_tools")

    def nobody(name: str, inputs: Any) -> bool:
        raise AssertionError("nobody is asked")

    names["HARMLESS"].add("tide")
    fine = names["guarded"](called(day="Monday"), TOOLS, {"tide": lambda day: 4}, nobody)
    gone = names["guarded"](called("moon"), TOOLS, {"tide": lambda day: 4}, nobody)
    names["HARMLESS"].remove("tide")
    unfit = names["guarded"](called(day=7), TOOLS, {"tide": lambda day: 4}, nobody)
    assert unfit["content"] == "7 is not of type 'string'"
    assert fine["content"] == "4" and gone["is_error"]
