"""What a learner made before there was my-course/ is taken over once, and nothing overwritten."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.courses import load, write

EARLIER = {
    ".course/progress.jsonl": '{"exercise": "01.1"}\n',
    ".course/hunt.json": "{}",
    ".course/wishes.jsonl": "{}\n",
    ".course/wishes-answered.jsonl": "{}\n",
    ".course/home/ipythondir/history": "x",
    "desk/ask.py": "def ask(): ...\n",
}
CODE = "from launch.takeover import take_over; take_over()"


def take_over(course: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Take over as a start does; return what was said."""
    load(course, "takeover").take_over()
    return capsys.readouterr().out


def test_an_earlier_progress_and_desk_are_taken_over_once(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in EARLIER.items():
        write(course / name, text)
    write(course / ".course/shipped/0123", "a copy of an earlier version")
    assert "Taken over into my-course/: progress.jsonl" in take_over(course, capsys)
    for name, text in EARLIER.items():
        assert (course / "my-course" / name).read_text(encoding="utf-8") == text
    assert not (course / ".course").exists() and not (course / "desk").exists()
    assert take_over(course, capsys) == ""


def test_what_is_there_already_is_never_overwritten(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in EARLIER:
        write(course / name, "old")
        write(course / "my-course" / name, "new")
    said = take_over(course, capsys)
    assert ".course/progress.jsonl stays where it is" in said and "desk/ask.py stays" in said
    for name in EARLIER:
        assert (course / name).read_text(encoding="utf-8") == "old"
        assert (course / "my-course" / name).read_text(encoding="utf-8") == "new"


def test_two_starts_at_the_same_time_take_over_without_a_loss(course: Path) -> None:
    for name, text in EARLIER.items():
        write(course / name, text)
    started = [
        subprocess.Popen([sys.executable, "-c", CODE], cwd=course, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in started:
        assert process.communicate(timeout=60)[1] == b""
    for name, text in EARLIER.items():
        assert (course / "my-course" / name).read_text(encoding="utf-8") == text
