"""The notebooks that are built from the exercises run in a real kernel, with what is expected."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from authoring import AuthoringError
from authoring.build import sentence
from authoring.kernel import running
from practice.grading.sources import Sheet, sheets
from tests.support import ROOT

SHEETS = sheets()
EACH = pytest.mark.parametrize("sheet", SHEETS, ids=[sheet.lesson.number for sheet in SHEETS])


def test_the_table_of_mistakes_has_a_sentence_for_each() -> None:
    for sheet in SHEETS:
        for one in sheet.exercises:
            assert all(sentence(one, mistake.rule) for mistake in one.mistakes)


def run_all(path: Path, expected: str) -> int:
    """Run a notebook from top to bottom with this outcome expected; the number of its checks."""
    notebook = nbformat.read(path, as_version=4)
    with running(path, notebook) as runner:
        runner.quietly(f"import os; os.environ['COURSE_EXPECT'] = {expected!r}")
        checks = 0
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                runner.run(index)
                checks += ".check()" in cell.source
    return checks


@EACH
def test_the_notebook_of_exercises_runs_untouched(sheet: Sheet) -> None:
    checks = run_all(ROOT / "exercises" / sheet.lesson.file, "not attempted")
    assert checks == len(sheet.exercises)


@EACH
def test_the_notebook_of_solutions_is_correct(sheet: Sheet) -> None:
    checks = run_all(ROOT / "exercises" / "solutions" / sheet.lesson.file, "correct")
    assert checks == len(sheet.exercises)


def test_a_notebook_with_another_outcome_than_expected_fails() -> None:
    solved = ROOT / "exercises" / "solutions" / SHEETS[0].lesson.file
    with pytest.raises(AuthoringError, match=r"AssertionError: .* Correct ✓, expected not attem"):
        run_all(solved, "not attempted")
