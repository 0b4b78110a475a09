"""The words after start.py, and the sentences for what goes wrong."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.courses import load, run


def test_an_unknown_word_gets_the_list_of_words(course: Path) -> None:
    said = run(course, "tset")
    assert said.returncode == 1
    assert '"tset" is not a word' in said.stderr and "doctor" in said.stderr


def test_help_names_every_word(course: Path) -> None:
    said = run(course, "help").stdout
    for word in ("lab", "test", "doctor", "reset", "wishes", "install"):
        assert f"\n  {word} " in said


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EACCES, "Your account may not use"),
        (errno.EROFS, "Your account may not use"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(
    course: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    sentence: str,
) -> None:
    commands = load(course, "commands")

    def refused(thorough: bool) -> None:
        raise OSError(number, "Input/output error", str(course / "x"))

    monkeypatch.setattr(commands, "prepare", refused)
    assert commands.main(["install"]) == 1
    said = capsys.readouterr().err
    assert sentence in said and len(said.splitlines()) == 1


def test_the_words_after_test_go_to_the_gates_unchanged(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = load(course, "commands")
    gone_on: list[list[str]] = []
    monkeypatch.setattr(commands, "prepare", lambda: None)
    monkeypatch.setattr(commands, "go_on_as", lambda words, environ: gone_on.append(words))
    commands.main(["test", "05", "--watch"])
    assert gone_on == [["-m", "authoring.gates", "05", "--watch"]]


def test_a_reader_who_has_seen_enough_gets_no_complaint(course: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    said = subprocess.run(
        [sys.executable, "start.py", "help"], cwd=course, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert said.stderr == b""


def test_a_file_of_the_learner_that_shadows_the_course_is_named_before_the_lab_opens(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = load(course, "commands")
    monkeypatch.setattr(commands, "make_ready", lambda: None)
    monkeypatch.setattr(commands, "go_on_as", lambda words, environ: 0)
    mine = course / "my-course" / "notebooks"
    mine.mkdir(parents=True)
    for name in ("helpers.py", "random.py", "my_tools.py"):
        (mine / name).write_text("", encoding="utf-8")
    assert commands.main([]) == 0
    named = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Look: ")]
    assert [line.split()[1] for line in named] == [
        str(Path("my-course/notebooks/helpers.py")),
        str(Path("my-course/notebooks/random.py")),
    ]
    assert "rename it, as my_helpers.py." in named[0]
