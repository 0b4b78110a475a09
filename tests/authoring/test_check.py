"""`python -m authoring check`: one run and one kernel find what differs, and say in which cell.

Each notebook here is small, stands in a scratch folder, and runs in a real kernel.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring import AuthoringError, check, render
from authoring import navigation as nav
from practice.lessons import BY_NUMBER

FINE = ("x = 41", "x + 1", "print('anthropic 2.11.0')", "import os\nos.environ['COURSE_PACE']")


@pytest.fixture(autouse=True, scope="module")
def this_python_is_the_reference() -> Iterator[None]:
    """The promises are about one Python at a time; they hold on each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "REFERENCE", sys.version_info[:2])
        yield


def lesson(root: Path, *sources: str, last: tuple[str, ...] = (), number: str = "01") -> Path:
    """A lesson with these code cells, not run yet; the tags `last` go to the last one."""
    path = nav.path_of(BY_NUMBER[number], root)
    path.parent.mkdir(exist_ok=True)
    cells: list[Any] = [new_markdown_cell("# A title"), new_markdown_cell("You will:\n\n- see")]
    cells += [new_code_cell(source) for source in sources]
    cells[-1].metadata["tags"] = list(last)
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered lesson without a fault."""
    path = lesson(tmp_path_factory.mktemp("course"), *FINE)
    render.render_all(path.parents[1])
    return path


@pytest.fixture
def edited(fine: Path, tmp_path: Path) -> Path:
    """A copy of it, to be edited."""
    path = tmp_path / "notebooks" / fine.name
    path.parent.mkdir()
    shutil.copy(fine, path)
    return path


def edit(path: Path, old: str, new: str) -> None:
    """Change the stored file by hand."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_lesson_that_shows_the_same_again_is_fine(fine: Path) -> None:
    report = check.run_lesson(fine, fine.parents[1])
    assert report.problems == []
    said = str(report)
    assert "run: 4 code cells, 3 outputs, compared as nbval does" in said
    assert "run again: 12 runs in 2 orders and without a socket" in said
    assert "because they grow: none; in the first order only" in said
    assert "they start a program: none; not without a socket: none" in said


def test_an_output_that_differs_is_named_by_its_cell_with_a_diff(fine: Path, edited: Path) -> None:
    edit(edited, '"42"', '"43"')
    [problem] = check.compare(nbformat.read(edited, 4), nbformat.read(fine, 4))
    assert problem.startswith("cell 6 (")
    assert "-text/plain: 43" in problem and "+text/plain: 42" in problem


def test_what_nbval_lets_pass_is_found_in_the_file(fine: Path, edited: Path) -> None:
    edit(edited, "anthropic 2.11.0\\n", "anthropic 1.0.0\\n")
    assert list(check.compare(nbformat.read(edited, 4), nbformat.read(fine, 4))) == []
    problems: list[str] = []
    check.as_rendered(edited, fine.read_bytes(), problems)
    assert "Run python -m authoring render 01_first_call" in problems[0]
    assert "anthropic 1.0.0" in problems[0]


def test_another_python_does_not_compare_the_file_and_says_so(
    fine: Path, edited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(edited, "anthropic 2.11.0\\n", "anthropic 1.0.0\\n")
    monkeypatch.setattr(render, "REFERENCE", (3, 0))
    problems: list[str] = []
    said = check.as_rendered(edited, fine.read_bytes(), problems)
    assert said == "file: not compared, because the reference Python is 3.0"
    assert problems == []


def test_a_cell_that_cannot_be_run_again_is_found_and_named(tmp_path: Path) -> None:
    sources = (
        *("history = []", "history.append(1)\nlen(history)"),
        *("left = [1]", "_ = left.pop()"),
        *("x = 1", "x", "x = 2"),
    )
    problems = check.run_lesson(lesson(tmp_path, *sources), tmp_path).problems
    again = [problem for problem in problems if "run again after" in problem]
    assert any("cell 6 (" in problem and "+text/plain: 2" in problem for problem in again)
    assert any("cell 8 (" in problem and "IndexError" in problem for problem in again)
    assert any("cell 10 (" in problem and "-text/plain: 1" in problem for problem in again)


def test_what_the_check_asks_the_kernel_changes_no_name_of_the_lesson(tmp_path: Path) -> None:
    path = lesson(tmp_path, "ledger = 41", "ledger + 1")
    problems = check.run_lesson(path, tmp_path).problems
    assert not [problem for problem in problems if "run again" in problem]


def test_a_cell_that_says_it_grows_is_named_and_left_out(tmp_path: Path) -> None:
    path = lesson(tmp_path, "history = []", "history.append(1)\nlen(history)", last=("grows",))
    report = check.run_lesson(path, tmp_path)
    assert not [problem for problem in report.problems if "run again" in problem]
    assert "history.append(1)" in str(report) and "3 runs in 2 orders" in str(report)


ASK = """client.messages.create(model=MODEL, max_tokens={}, messages=[
    {{"role": "user", "content": "Suggest a name for a bakery that opens at six."}}
]).stop_reason"""


@pytest.mark.parametrize(("tag", "found"), [((), 1), (("adapted",), 0)])
def test_a_cell_whose_request_is_not_recorded_exactly_is_found(
    tmp_path: Path, tag: tuple[str, ...], found: int
) -> None:
    start = "import anthropic\nfrom helpers import MODEL, setup\nsetup('01_first_call')\n"
    start += "client = anthropic.Anthropic()"
    path = lesson(tmp_path, start, ASK.format(2000), ASK.format(1999), last=tag)
    problems = check.run_lesson(path, tmp_path).problems
    inexact = [problem for problem in problems if "answered from another request" in problem]
    assert len(inexact) == found
    assert all("cell 7 (" in problem and "max_tokens" in problem for problem in inexact)


def test_a_cell_that_needs_a_socket_is_found_unless_it_starts_a_program(tmp_path: Path) -> None:
    start = "import anthropic, asyncio, sys\nfrom helpers import MODEL, setup\n"
    start += "setup('01_first_call')"
    here = "client = anthropic.Anthropic()\nclient.base_url.host == '127.0.0.1'"
    program = "ran = await asyncio.create_subprocess_exec(sys.executable, '-c', 'pass')\n"
    program += f"await ran.wait()\n{here}"
    report = check.run_lesson(lesson(tmp_path, start, here, program), tmp_path)
    found = [problem for problem in report.problems if "run again" in problem]
    assert len(found) == 1 and "cell 6 (" in found[0] and "without a socket" in found[0]
    assert "run again: 7 runs in 2 orders" in str(report)
    for named in ("because they start a program", "not without a socket"):
        assert f"{named}: 'ran = await asyncio.create_subprocess_exec(" in str(report)


def test_a_cell_that_starts_a_program_is_run_again_once_and_must_show_the_same(
    tmp_path: Path,
) -> None:
    program = "import subprocess, sys\nprint(subprocess.run("
    program += "[sys.executable, '-c', f'print({len(seen)})'], capture_output=True).stdout)"
    path = lesson(tmp_path, "seen = []", program, "seen.append(1)")
    again = [p for p in check.run_lesson(path, tmp_path).problems if "run again after" in p]
    assert len(again) == 1 and "cell 6 (" in again[0] and "(order 1)" in again[0]


def test_a_cell_that_fails_in_the_first_run_ends_the_check_with_its_name(tmp_path: Path) -> None:
    [problem] = check.run_lesson(lesson(tmp_path, "x = 1", "x / 0"), tmp_path).problems
    assert "cell 6 (" in problem and "ZeroDivisionError" in problem


def test_each_cell_is_met_before_and_after_each_other_one() -> None:
    places = list(range(9))
    orders = [places, *check.orders(places, [4])]  # the first run is from top to bottom
    assert [len(order) for order in orders] == [9, 9, 8]
    pairs = {(a, b) for order in orders for n, a in enumerate(order) for b in order[n + 1 :]}
    assert pairs == {(a, b) for a in places for b in places if a != b}
    assert 4 not in orders[2] and orders[2] != sorted(orders[2])


def test_several_lessons_are_reported_in_their_order_and_one_with_a_finding_is_red(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in ("01", "02"):
        lesson(tmp_path, "1 + 1", number=number)
    assert check.check(tmp_path) == 1
    said = capsys.readouterr().out
    assert said.index("01_first_call: run:") < said.index("02_response_anatomy: run:")
    assert "setup-first" in said  # the lint looks at the lesson, too
    assert "2 lessons checked, 2 of them with something to fix" in said


def test_no_lesson_is_no_check(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match="nothing to"):
        check.check(tmp_path)
