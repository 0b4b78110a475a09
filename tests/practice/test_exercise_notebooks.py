"""The notebooks that are built from the exercises run in a real kernel, with what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from authoring import AuthoringError
from authoring.build import sentence
from authoring.kernel import Runner, running
from practice.grading.sources import Sheet, sheets
from tests.support import ROOT

SHEETS = sheets()
EACH = pytest.mark.parametrize("sheet", SHEETS, ids=[sheet.lesson.number for sheet in SHEETS])


def test_the_table_of_mistakes_has_a_sentence_for_each() -> None:
    for sheet in SHEETS:
        for one in sheet.exercises:
            assert all(sentence(one, mistake.rule) for mistake in one.mistakes)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Runner]:
    """One kernel for all of them: loading the SDK costs more than a whole notebook."""
    with running(ROOT / "exercises" / "any.ipynb", nbformat.v4.new_notebook()) as runner:
        yield runner


def run_all(kernel: Runner, path: Path, expected: str) -> int:
    """Run a notebook from top to bottom with this outcome expected; the number of its checks.

    It begins without any name, as in a kernel of its own.
    """
    notebook = nbformat.read(path, as_version=4)
    kernel.notebook = kernel.client.nb = notebook
    kernel.quietly("get_ipython().reset()")
    here = f"os.chdir({str(path.parent)!r}); os.environ['COURSE_EXPECT'] = {expected!r}"
    kernel.quietly(f"import os; {here}; del os")
    checks = 0
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            kernel.run(index)
            checks += ".check()" in cell.source
    return checks


@EACH
def test_the_notebook_of_exercises_runs_untouched(sheet: Sheet, kernel: Runner) -> None:
    checks = run_all(kernel, ROOT / "exercises" / sheet.lesson.file, "not attempted")
    assert checks == len(sheet.exercises)


@EACH
def test_the_notebook_of_solutions_is_correct(sheet: Sheet, kernel: Runner) -> None:
    checks = run_all(kernel, ROOT / "exercises" / "solutions" / sheet.lesson.file, "correct")
    assert checks == len(sheet.exercises)


def test_a_notebook_with_another_outcome_than_expected_fails(kernel: Runner) -> None:
    solved = ROOT / "exercises" / "solutions" / SHEETS[0].lesson.file
    with pytest.raises(AuthoringError, match=r"AssertionError: .* Correct ✓, expected not attem"):
        run_all(kernel, solved, "not attempted")


def test_a_notebook_that_takes_a_name_from_another_one_fails(
    kernel: Runner, tmp_path: Path
) -> None:
    run_all(kernel, ROOT / "exercises" / SHEETS[0].lesson.file, "not attempted")
    later = tmp_path / "later.ipynb"
    cells = [nbformat.v4.new_code_cell("anthropic.Anthropic")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), later)
    with pytest.raises(AuthoringError, match="NameError: name 'anthropic' is not defined"):
        run_all(kernel, later, "not attempted")
