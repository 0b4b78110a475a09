"""The view of a class: codes from a chat and progress files, read and never written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from practice._progress import Record, encode, slots
from practice.grading.sources import find
from workshop import WorkshopError
from workshop.class_view import from_codes, picture, read_class

ROOT = Path(__file__).resolve().parents[2]


def code(**states: str) -> str:
    """A real progress code; `e01_1="done"` stands for exercise 01.1."""
    records = {name[1:].replace("_", "."): Record(state) for name, state in states.items()}  # type: ignore[arg-type]
    return encode(records, slots())


CHAT = f"""
Amina: {code(e01_1="done", e01_2="stuck")}
10:42 Bùi Lan {code(e01_1="done", e01_2="done")}
{code(e01_1="stuck")}
see you tomorrow
Amina: {code(e01_1="done", e01_2="done")}
Chidi: {code(e01_1="done")[:-1]}Z
"""


def test_a_chat_is_read_line_by_line_and_the_later_code_of_a_name_counts() -> None:
    learners, problems = from_codes(CHAT)
    states = [
        {name: record.state for name, record in learner.records.items()} for learner in learners
    ]
    assert states == [
        {"01.1": "done", "01.2": "done"},
        {"01.1": "done", "01.2": "done"},
        {"01.1": "stuck"},
    ]
    assert problems[0] == "line 5: there is no progress code in it."
    assert problems[1].startswith("line 7: ") and "typing mistake" in problems[1]
    assert len(problems) == 2


@pytest.mark.parametrize("names", [("laptop 1", "laptop 2"), ("L1", "L2"), ("Anna 2:", "Anna 3:")])
def test_names_that_differ_by_a_number_are_two_people(names: tuple[str, str]) -> None:
    chat = "".join(f"2026-12-01 10:42 {name} `{code(e01_1='done')}`\n" for name in names)
    learners, problems = from_codes(chat + f"10:43:05 {names[0]}: {code(e01_1='stuck')}\n")
    assert [each.records["01.1"].state for each in learners] == ["stuck", "done"]
    assert not problems


def test_a_code_of_a_whole_course_is_read_whole() -> None:
    everything = encode(dict.fromkeys(slots(), Record("done")), slots())
    [learner], problems = from_codes(f"Olena {everything}\n")
    assert len(learner.records) == len(slots()) and not problems


def learner_file(folder: Path, *events: tuple[str, str, str]) -> None:
    """A progress file as `exercise` writes it."""
    folder.mkdir(parents=True)
    lines = [json.dumps({"id": i, "outcome": o, "rule": r, "tries": 1}) for i, o, r in events]
    (folder / "progress.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_files_say_which_message_the_room_reads(tmp_path: Path) -> None:
    learner_file(tmp_path / "one", ("01.1", "correct", ""), ("01.2", "wrong", "trimmed"))
    learner_file(tmp_path / "two", ("01.2", "wrong", "twice"), ("01.2", "wrong", "trimmed"))
    learner_file(tmp_path / "three", ("01.2", "wrong", "no-such-rule"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shown = picture(*read_class(tmp_path))
    exercise, _ = find("01.2")
    assert "3 learners" in shown
    assert f"Most people are working on 01.2 {exercise.title}: 3." in shown
    assert "2 read `trimmed`: The text that you sent is not quite the one" in shown
    assert "1 read `no-such-rule`: a message of another version" in shown
    [first] = [line for line in shown.splitlines() if line.startswith("01.1 ")]
    assert first.split()[-3:] == ["1", "0", "2"]
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before, "it writes nothing"


def test_the_command_writes_nothing_of_its_own_either(tmp_path: Path) -> None:
    chat = tmp_path / "codes.txt"
    chat.write_text(CHAT, encoding="utf-8")
    state = tmp_path / "state"
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "class", str(chat)],
        cwd=ROOT,
        env={**os.environ, "COURSE_STATE": str(state)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0 and "3 learners. Nothing was written." in done.stdout
    assert not state.exists()


@pytest.mark.parametrize("text", ["", "hello\n"])
def test_a_file_without_a_code_gets_a_sentence(tmp_path: Path, text: str) -> None:
    chat = tmp_path / "codes.txt"
    chat.write_text(text, encoding="utf-8")
    with pytest.raises(WorkshopError, match="one progress code in a line"):
        read_class(chat)


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "class", str(tmp_path / "nothing.txt")],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert "No such file" in done.stderr and "Traceback" not in done.stderr
