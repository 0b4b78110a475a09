"""The parts of the desk, fetched: whose they are, and what happens to a broken one.

Keeping them is tested with the exercises (test_progress.py, test_exercises.py).
"""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest

from helpers import desk_parts
from practice import desk
from practice.grading.model import code
from practice.grading.sources import find

SHIPPED = "the shipped solution"
READ_TEXT = """
def read_text(reply):
    parts = [block.text for block in reply.content if block.type == "text"]
    return "".join(parts)


read_text.mine = True
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty desk for each test: the folder in which its parts would stand."""
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


def test_without_a_desk_every_part_is_the_shipped_solution(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.rmdir()
    names = ["ask", "window", "run_tools"]
    parts = desk_parts(*names)
    assert [part.__name__ for part in parts] == names
    rows = [line for line in capsys.readouterr().out.splitlines() if "`" in line]
    assert [row.count(SHIPPED) for row in rows] == [1, 1, 1]
    assert "06.4" in rows[2]


def test_every_part_that_an_exercise_names_can_be_fetched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError, match="no part called 'nothing'") as problem:
        desk_parts("nothing")
    names = str(problem.value).partition("There is: ")[2].strip(".").split(", ")
    assert len(names) > 10
    assert all(callable(part) for part in desk_parts(*names))
    assert capsys.readouterr().out.count(SHIPPED) == len(names)


def test_a_part_of_the_learners_own_is_taken_and_the_table_says_so(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "read_text.py").write_text(READ_TEXT, encoding="utf-8")
    [part] = desk_parts("read_text")
    assert part.mine
    assert "yours, `desk/read_text.py`" in capsys.readouterr().out


def test_a_part_that_was_kept_when_it_was_passed_is_taken(state: Path) -> None:
    task, sheet = find("02.3")
    text = code(task.solution)
    linecache.cache["<cell>"] = (len(text), None, text.splitlines(True), "<cell>")
    names: dict[str, object] = {"__name__": "__main__"}
    exec(code(sheet.imports), names)
    exec(compile(text, "<cell>", "exec"), names)
    assert desk.keep(task, sheet.imports, names) == ["Kept for your desk: `desk/finished.py`"]
    part, whose = desk.fetched(task, sheet.imports)
    assert whose == "yours, `desk/finished.py`"
    assert part.__module__ == "desk.finished"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import no_such_package", "fails with ModuleNotFoundError when it is loaded"),
        ("def read_text(reply:", "fails with SyntaxError when it is loaded"),
        ("raise SystemExit", "fails with SystemExit when it is loaded"),
        ("def read(reply): ...", "does not define `read_text`"),
        ("def read_text(reply): return 'Hello'", "does not pass exercise 02.2"),
        ("read_text = 3", "does not pass exercise 02.2"),
    ],
)
def test_a_broken_part_gets_a_sentence_and_the_shipped_one_takes_over(
    state: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    (state / "read_text.py").write_text(text, encoding="utf-8")
    [part] = desk_parts("read_text")
    told = capsys.readouterr().out
    assert f"{SHIPPED}, because `desk/read_text.py` {why}" in told
    assert part.__name__ == "read_text" and not hasattr(part, "mine")
