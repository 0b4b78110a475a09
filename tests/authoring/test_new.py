"""`python -m authoring new`: the skeleton is whole, and every tool says what is left to write."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from authoring import AuthoringError, build, new
from authoring.build import limits
from practice.grading._check import check
from practice.grading.model import code
from practice.grading.sources import Sheet, sheet
from tests.support import PATIENCE, ROOMS, ROOT


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A folder with the rooms and without any lesson."""
    for room in (*ROOMS, "authoring", "launch"):
        shutil.copytree(ROOT / room, tmp_path / room)
    for name in ("notebooks", "recordings", "exercises/source"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def authoring(course: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m authoring` in a course."""
    return subprocess.run(
        [sys.executable, "-m", "authoring", *words],
        cwd=course,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )


def test_a_new_lesson_needs_a_reply_and_its_own_words_and_nothing_else(course: Path) -> None:
    made = authoring(course, "new", "19_haiku", "Haiku")
    assert made.returncode == 0, made.stderr
    drafts = course / "drafts.json"
    drafts.write_text(json.dumps({"first": "Old pond."}), encoding="utf-8")
    wrote = authoring(course, "write", "19", "--drafts", "drafts.json")
    assert wrote.returncode == 0, wrote.stderr
    rendered = authoring(course, "render", "19")
    assert rendered.returncode == 0, rendered.stderr
    checked = authoring(course, "check", "19")
    rules = set(re.findall(r" \[([a-z-]+): ", checked.stdout))
    # The map that the navigation leads to is the one thing which this folder lacks.
    expected = {"no-todo", "no-todo-in-cells", "links-lead-somewhere"}
    assert rules == expected, checked.stdout + checked.stderr
    again = authoring(course, "new", "19_haiku", "Haiku")
    assert again.returncode == 1
    assert again.stderr == "error: 19_haiku.ipynb exists already.\n"


def test_a_new_exercise_is_right_in_itself_and_build_counts_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "exercises" / "source").mkdir(parents=True)
    assert new.new(tmp_path, "05.1", "Read it") == 0
    assert build.build(tmp_path) == 1
    assert "05 has 1 exercises; a lesson has three to five" in capsys.readouterr().out
    for number in (2, 3):
        assert new.new(tmp_path, f"05.{number}", f"Read it {number}") == 0
    sheet.cache_clear()
    assert build.build(tmp_path) == 0, capsys.readouterr().out
    made = sheet(tmp_path / "exercises" / "source" / "s05_multi_turn.py")
    for one in made.exercises:
        names: dict[str, object] = {}
        exec(code(one.solution), names)
        assert check(one, made.imports, names).state == "correct"
        for mistake in one.mistakes:
            exec(one.wrong(mistake), names)
            assert check(one, made.imports, names).rule == mistake.rule


@pytest.mark.parametrize(
    ("name", "title", "message"),
    [
        ("haiku", "Haiku", "neither a lesson"),
        ("01_other", "Other", "the number 01 belongs to 01_first_call"),
        ("99.1", "Other", "99 is not a lesson"),
        ("05.1", "!", "cannot be the name"),
        ("05.1", 'a "quote"', "without double quotes"),
    ],
)
def test_a_name_that_cannot_be_is_explained(
    name: str, title: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(AuthoringError, match=message):
        new.new(tmp_path, name, title)


def test_a_sheet_outside_the_limits_is_told_in_sentences() -> None:
    whole = sheet(ROOT / "exercises" / "source" / "s02_response_anatomy.py")
    assert list(limits(whole)) == []
    moved = Sheet(whole.lesson, whole.imports, whole.exercises[::-1])
    said = "\n".join(limits(moved))
    assert "are not numbered 02.1, 02.2" in said
    assert "02.5 is optional; only the last exercise of a lesson may be" in said
    few = Sheet(whole.lesson, whole.imports, whole.exercises[:1])
    assert "02 has 1 exercises; a lesson has three to five" in "\n".join(limits(few))
