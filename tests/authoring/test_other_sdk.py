"""What another SDK changes, told by lesson and cell: from a real run of nbval over a small lesson.

`python3 start.py test --sdk` itself is tested in tests/launch/test_sdk.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from authoring import AuthoringError, other_sdk
from authoring.environment import clean_environment
from authoring.gates import NBVAL
from authoring.other_sdk import Case, cases, told
from authoring.render import normalise, to_bytes

NAME = "01_first_call"


def shown(text: str) -> list[Any]:
    """The stored output of a cell that prints."""
    return [new_output("stream", name="stdout", text=text)]


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A lesson whose second cell shows something else now, and whose third fails."""
    cells = [
        new_code_cell("print('same')", outputs=shown("same\n"), execution_count=1),
        new_code_cell("print('one\\ntwo')", outputs=shown("one\nTWO\n"), execution_count=2),
        new_code_cell("import no_such_part", outputs=[], execution_count=3),
        new_code_cell("print('after')", outputs=shown("after\n"), execution_count=4),
    ]
    path = tmp_path / f"{NAME}.ipynb"
    path.write_bytes(to_bytes(normalise(new_notebook(cells=cells))))
    return path


def test_each_cell_that_differs_is_named_with_its_difference(lesson: Path, tmp_path: Path) -> None:
    environ = clean_environment(os.environ, tmp_path)
    ran = cases([*NBVAL, f"--rootdir={tmp_path}", str(lesson)], environ, tmp_path / "cells.xml")
    assert [case.file for case in ran] == [lesson.name] * 4
    assert [bool(case.problem) for case in ran] == [False, True, True, False]
    second, third = told(lesson, ran, [])
    assert second.startswith("  cell 2 (") and "- TWO" in second and "+ two" in second
    assert third.startswith("  cell 3 (")
    assert "ModuleNotFoundError: No module named 'no_such_part'" in third


def test_a_request_that_is_no_longer_the_recorded_one_is_told_with_the_difference() -> None:
    told_by_the_course = (
        "Replay has no recorded reply\n\n  model: recorded 1, sent 2\n  - undo it;\n"
    )
    problem = f"Cell 0: Cell execution caused an exception\n\nTraceback:\n\n{told_by_the_course}"
    assert other_sdk.what(problem).splitlines() == [
        "Replay has no recorded reply",
        "  model: recorded 1, sent 2",
        "  - undo it;",
    ]


def test_a_lesson_of_which_no_cell_was_run_is_no_lesson_that_passed(lesson: Path) -> None:
    assert list(told(lesson, [], [])) == ["  no cell of it was run"]


def test_exercises_that_fail_are_told_with_their_lesson(lesson: Path) -> None:
    ran = [Case(lesson.name, "Cell 0", "")]
    tests = [
        Case(other_sdk.EXERCISES, "test_each_right_answer[01.2]", "x\nE   assert 1 == 2\nE   at"),
        Case(other_sdk.EXERCISES, "test_each_mistake[01.2-a]", "E   AttributeError: gone"),
        Case(other_sdk.EXERCISES, "test_each_right_answer[01.3]", ""),
        Case(other_sdk.EXERCISES, "test_each_right_answer[11.2]", "E   another lesson"),
    ]
    [line] = told(lesson, ran, tests)
    assert line.startswith("  exercise 01.2: 2 tests fail (test_each_right_answer, test_each_mis")
    assert line.endswith(": assert 1 == 2")


def test_a_run_that_cannot_begin_is_an_error_in_words(tmp_path: Path) -> None:
    environ = clean_environment(os.environ, tmp_path)
    with pytest.raises(AuthoringError, match="nothing could be run with this SDK"):
        cases(["-m", "pytest", "no_such_file.py"], environ, tmp_path / "none.xml")


def test_a_word_that_names_no_lesson_is_refused() -> None:
    with pytest.raises(AuthoringError, match="99"):
        other_sdk.main(["99"])
