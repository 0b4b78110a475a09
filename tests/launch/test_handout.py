"""The learner's copy of the course: what is handed out, what follows the course, what stays.

Real files in real folders. `bring` is what every start does; reset is run as a learner does.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.launch.courses import load, notebook, run, write

FIRST = "notebooks/01_first_call.ipynb"


def bring(course: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Hand out the course as a start does; return what was said."""
    load(course, "handout").hand_out()
    return capsys.readouterr().out


def mine(course: Path, name: str = FIRST) -> Path:
    """Return the path of the learner's copy of a file."""
    return course / "my-course" / name


def sources(path: Path) -> list[str]:
    """Return the texts of a notebook's code cells."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


# --- the copy ---


def test_the_copy_has_lessons_without_outputs_and_all_that_they_read(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = bring(course, capsys)
    assert "Your own copy of the course: my-course/, 9 files." in said
    lesson = json.loads(mine(course).read_text(encoding="utf-8"))
    [cell] = [cell for cell in lesson["cells"] if cell["cell_type"] == "code"]
    assert cell["outputs"] == [] and cell["execution_count"] is None
    assert cell["source"] == ["print('01_first_call')"]
    assert mine(course, "notebooks/data/rules.md").read_text(encoding="utf-8") == "# Rules\n"
    assert mine(course, "exercises/solutions/01_first_call.ipynb").exists()
    assert not mine(course, "exercises/source").exists()


def test_the_copy_is_written_as_nbformat_writes_notebooks(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(course / FIRST, notebook("print('“ä” 日本')\nprint(2)", output="ü"))
    bring(course, capsys)
    text = mine(course).read_text(encoding="utf-8")
    read = nbformat.reads(text, as_version=4)
    assert nbformat.writes(read) + "\n" == text


def test_handing_out_leaves_the_course_as_it_was(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(course)
    bring(course, capsys)
    after = snapshot(course)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("my-course/") for name in set(after) - set(before))


def test_a_second_start_writes_nothing_and_says_nothing(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (course / "my-course").rglob("*")}

    bring(course, capsys)
    before = times()
    assert bring(course, capsys) == ""
    assert times() == before


# --- what follows the course ---


def test_an_untouched_lesson_follows_the_course(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    write(course / FIRST, notebook("print('new')"))
    assert "you had not changed them: notebooks/01_first_call.ipynb" in bring(course, capsys)
    assert sources(mine(course)) == ["print('new')"]


def test_outputs_and_metadata_do_not_make_a_lesson_touched(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    book = json.loads(notebook("print('01_first_call')", output="mine\n"))
    book["metadata"] = {"language_info": {"version": "3.12"}}
    mine(course).write_text(json.dumps(book), encoding="utf-8")
    ran = mine(course).read_bytes()
    bring(course, capsys)
    assert mine(course).read_bytes() == ran, "the outputs are kept while the course is the same"
    write(course / FIRST, notebook("print('new')"))
    bring(course, capsys)
    assert sources(mine(course)) == ["print('new')"]


@pytest.mark.parametrize(
    "change", ["another text", "another cell", "another order", "another type"]
)
def test_a_touched_lesson_stays_and_the_newer_one_is_offered_at_each_start(
    course: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    write(course / FIRST, notebook("one", "two"))
    bring(course, capsys)
    book = json.loads(mine(course).read_text(encoding="utf-8"))
    if change == "another text":
        book["cells"][1]["source"] = ["my own"]
    elif change == "another cell":
        book["cells"].append(book["cells"][2])
    elif change == "another order":
        book["cells"].reverse()
    else:
        book["cells"][2]["cell_type"] = "raw"
    mine(course).write_text(json.dumps(book), encoding="utf-8")
    own = mine(course).read_bytes()
    assert bring(course, capsys) == "", "nothing newer to offer"
    write(course / FIRST, notebook("new"))
    for _ in range(2):
        [line] = bring(course, capsys).splitlines()
        assert "newer notebooks/01_first_call.ipynb" in line
        assert "start.py reset 01_first_call " in line
        assert mine(course).read_bytes() == own


def test_data_follows_by_its_bytes(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring(course, capsys)
    data = "notebooks/data/rules.md"
    write(course / data, "# New rules\n")
    bring(course, capsys)
    assert mine(course, data).read_text(encoding="utf-8") == "# New rules\n"
    write(mine(course, data), "# Mine\n")
    write(course / data, "# Newer rules\n")
    assert f"reset {data}" in bring(course, capsys)
    assert mine(course, data).read_text(encoding="utf-8") == "# Mine\n"


def test_a_lesson_that_was_deleted_comes_back(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    mine(course).unlink()
    bring(course, capsys)
    assert sources(mine(course)) == ["print('01_first_call')"]


def test_what_the_course_no_longer_has_goes_unless_it_was_touched_or_run(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    write(mine(course, "notebooks/06_tools.ipynb"), notebook("mine"))
    seen = notebook("print('10_extended_thinking')", output="paid for")
    write(mine(course, "notebooks/10_extended_thinking.ipynb"), seen)
    for name in ("06_tools", "06b_more_tools", "10_extended_thinking"):
        (course / f"notebooks/{name}.ipynb").unlink()
    bring(course, capsys)
    assert mine(course, "notebooks/10_extended_thinking.ipynb").exists()
    assert not mine(course, "notebooks/06b_more_tools.ipynb").exists()
    assert sources(mine(course, "notebooks/06_tools.ipynb")) == ["mine"]


def test_files_of_the_learners_own_are_left_alone(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(mine(course, "notebooks/my_try.ipynb"), notebook("mine"))
    write(mine(course, "desk/ask.py"), "mine")
    write(course / "notebooks/my_draft.ipynb", notebook("an author's"))
    bring(course, capsys)
    assert sources(mine(course, "notebooks/my_try.ipynb")) == ["mine"]
    assert mine(course, "desk/ask.py").exists()
    assert not mine(course, "notebooks/my_draft.ipynb").exists()


# --- what can go wrong ---


@pytest.mark.parametrize(
    "damage", ["", "{", "<<<<<<< HEAD\n{}", "[]", '{"cells": [{}]}', "[" * 9999]
)
def test_a_damaged_lesson_of_the_course_gets_a_sentence_and_holds_up_no_other(
    course: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    write(course / FIRST, damage)
    [sentence, _] = bring(course, capsys).splitlines()
    assert sentence.startswith("notebooks/01_first_call.ipynb is damaged")
    assert "git restore notebooks/01_first_call.ipynb" in sentence
    assert not mine(course).exists()
    assert mine(course, "notebooks/10_extended_thinking.ipynb").exists()


@pytest.mark.parametrize("how", ["cut short", "empty", "a git conflict"])
def test_a_damaged_copy_of_the_learner_is_kept(
    course: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    bring(course, capsys)
    whole = mine(course).read_text(encoding="utf-8")
    damaged = {"cut short": whole[:40], "empty": "", "a git conflict": "<<<<<<< HEAD\n" + whole}[
        how
    ]
    mine(course).write_text(damaged, encoding="utf-8")
    write(course / FIRST, notebook("new"))
    assert "reset 01_first_call" in bring(course, capsys)
    assert mine(course).read_text(encoding="utf-8") == damaged


@pytest.mark.parametrize("record", [None, "", "{", "[]", "\0"])
def test_without_a_record_nothing_is_overwritten(
    course: Path, capsys: pytest.CaptureFixture[str], record: str | None
) -> None:
    bring(course, capsys)
    write(mine(course), notebook("mine"))
    kept = course / "my-course/.course/handed-out.json"
    kept.unlink()
    if record is not None:
        kept.write_text(record, encoding="utf-8")
    bring(course, capsys)
    assert sources(mine(course)) == ["mine"]
    write(course / "notebooks/06_tools.ipynb", notebook("new"))
    bring(course, capsys)
    assert sources(mine(course, "notebooks/06_tools.ipynb")) == ["new"], "known again"


def test_a_start_that_was_killed_half_way_is_finished_by_the_next(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    whole = snapshot(course / "my-course")
    (course / "my-course/.course/handed-out.json").unlink()  # written last
    for name in ("notebooks/06_tools.ipynb", "notebooks/data/rules.md", "README.md"):
        mine(course, name).unlink()
    write(mine(course, "notebooks/.partial-x1"), "half")
    bring(course, capsys)
    mine(course, "notebooks/.partial-x1").unlink()
    assert snapshot(course / "my-course") == whole


def test_starts_at_the_same_time_lose_nothing(course: Path) -> None:
    code = "from launch.handout import hand_out; hand_out()"

    def start_four() -> None:
        started = [
            subprocess.Popen([sys.executable, "-c", code], cwd=course, stderr=subprocess.PIPE)
            for _ in range(4)
        ]
        for process in started:
            assert process.communicate(timeout=60)[1] == b""

    start_four()
    write(mine(course), notebook("mine"))
    for name in ("00_welcome", "01_first_call", "06_tools"):
        write(course / f"notebooks/{name}.ipynb", notebook("new"))
    start_four()
    assert sources(mine(course)) == ["mine"]
    assert sources(mine(course, "notebooks/06_tools.ipynb")) == ["new"]
    assert not list((course / "my-course").rglob(".partial-*"))


# --- reset ---


def test_reset_gives_the_courses_lesson_and_keeps_every_version_beside_it(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    fresh = mine(course).read_bytes()
    for number, own in enumerate(("first try", "second try"), start=1):
        mine(course).write_text(own, encoding="utf-8")
        said = run(course, "reset", "01_first_call")
        assert said.returncode == 0, said.stderr
        kept = mine(course, f"notebooks/01_first_call.mine-{number}.ipynb")
        assert kept.read_text(encoding="utf-8") == own
        assert f"my-course/notebooks/{kept.name}" in said.stdout
        assert "Reload Notebook" in said.stdout
        assert mine(course).read_bytes() == fresh


def test_reset_takes_what_was_offered_and_the_lesson_follows_again(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    write(mine(course), notebook("mine"))
    write(course / FIRST, notebook("new"))
    assert run(course, "reset", "01").returncode == 0
    assert sources(mine(course)) == ["new"]
    assert bring(course, capsys) == "", "offered no more"
    write(course / FIRST, notebook("newest"))
    bring(course, capsys)
    assert sources(mine(course)) == ["newest"]


def test_reset_of_a_lesson_that_only_ran_keeps_its_outputs_beside_it(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    write(mine(course), notebook("print('01_first_call')", output="paid for\n"))
    run(course, "reset", "01_first_call")
    kept = mine(course, "notebooks/01_first_call.mine-1.ipynb")
    assert "paid for" in kept.read_text(encoding="utf-8")
    assert "paid for" not in mine(course).read_text(encoding="utf-8")


def test_reset_of_a_fresh_lesson_does_nothing(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    assert "nothing to do" in run(course, "reset", "01_first_call.ipynb").stdout
    assert not list(course.rglob("*.mine-*"))


def test_reset_gives_back_the_data_too_and_leaves_other_lessons_alone(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    data = mine(course, "notebooks/data/rules.md")
    write(data, "mine")
    write(mine(course, "notebooks/06_tools.ipynb"), notebook("mine"))
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 0, said.stderr
    assert data.read_text(encoding="utf-8") == "# Rules\n"
    assert data.with_name("rules.mine-1.md").read_text(encoding="utf-8") == "mine"
    assert sources(mine(course, "notebooks/06_tools.ipynb")) == ["mine"]
    assert "Reload Notebook" not in said.stdout


def test_reset_touches_nothing_when_the_courses_lesson_is_damaged(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(course, capsys)
    write(mine(course), notebook("mine"))
    write(mine(course, "notebooks/data/rules.md"), "mine")
    write(course / FIRST, "{")
    before = snapshot(course / "my-course")
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 1 and said.stderr.startswith(f"{FIRST} is damaged")
    assert snapshot(course / "my-course") == before


def test_reset_says_so_when_the_replies_of_the_lesson_are_damaged(course: Path) -> None:
    write(course / "recordings/01_first_call.json", "{")
    said = run(course, "reset", "01_first_call").stdout
    assert "git restore recordings/01_first_call.json" in said


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("01_first_call", FIRST),
        ("01_first_call.ipynb", FIRST),
        ("notebooks/01_first_call.ipynb", FIRST),
        ("my-course/notebooks/01_first_call.ipynb", FIRST),
        ("01", FIRST),
        ("1", FIRST),
        ("0", "notebooks/00_welcome.ipynb"),
        ("6b", "notebooks/06b_more_tools.ipynb"),
        ("06", "notebooks/06_tools.ipynb"),
        ("06b", "notebooks/06b_more_tools.ipynb"),
        ("exercises/01_first_call", "exercises/01_first_call.ipynb"),
        ("notebooks/data/rules.md", "notebooks/data/rules.md"),
    ],
)
def test_a_lesson_is_found_by_its_name_its_path_and_its_number(
    course: Path, words: str, name: str
) -> None:
    assert load(course, "handout").find_lesson(words) == name


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        ("99", "00_welcome, 01_first_call"),
        ("6_", "06_tools."),
        ("01_frist_call", "01_first_call"),
        ("tools", "06_tools, 06b_more_tools."),
        ("zzz", "00_welcome, 01_first_call"),
        ("", "00_welcome, 01_first_call"),
    ],
)
def test_an_unknown_lesson_gets_one_sentence_with_the_nearest_names(
    course: Path, words: str, nearest: str
) -> None:
    said = run(course, "reset", words)
    assert said.returncode == 1
    assert f'no lesson called "{words}"; there is: {nearest}' in said.stderr
    assert len(said.stderr.splitlines()) == 1


# --- where nothing can be written ---


def test_a_file_in_the_place_of_my_course_gets_one_sentence(course: Path) -> None:
    (course / "my-course").write_text("mine", encoding="utf-8")
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 1
    assert "my-course is a file, and the course needs a folder of that name" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert (course / "my-course").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", [".course", "notebooks"])
def test_a_file_in_the_place_of_a_folder_of_the_copy_gets_one_sentence(
    course: Path, name: str
) -> None:
    write(course / "my-course" / name, "mine")
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 1
    assert f"{name} is a file" in said.stderr and len(said.stderr.splitlines()) == 1


def test_a_folder_in_the_place_of_a_lesson_gets_one_sentence(course: Path) -> None:
    mine(course).mkdir(parents=True)
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 1
    assert "01_first_call.ipynb is a folder" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def mounted(options: str) -> list[str]:
    """Return the beginning of a command that runs `sh -c` with a small tmpfs on $1."""
    for namespace in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        try_it = [*namespace, "mount", "-t", "tmpfs", "none", "/mnt"]
        if shutil.which("unshare") and subprocess.run(try_it, capture_output=True).returncode == 0:
            script = f'mount -t tmpfs -o {options} none "$1" && shift && '
            return [*namespace, "sh", "-c", script]
    pytest.skip("this system lets nobody mount a small disk of their own")


def test_a_full_disk_gets_one_sentence_and_costs_the_learner_nothing(course: Path) -> None:
    *command, script = mounted("size=128k")
    write(course / "notebooks/data/big.csv", "a" * 300_000)
    own = notebook("mine")
    script += 'mkdir -p my-course/notebooks && cp "$1" my-course/notebooks/01_first_call.ipynb; '
    script += '"$0" -c "from launch.commands import main; import launch.commands as c; '
    script += "c.prepare = lambda thorough: None; raise SystemExit(main(['install']))\"; code=$?; "
    script += "cat my-course/notebooks/01_first_call.ipynb; find my-course -name '.partial-*'; "
    script += "exit $code"
    (course / "my-course").mkdir()
    write(course.parent / "own.ipynb", own)
    folder, source = course / "my-course", course.parent / "own.ipynb"
    said = subprocess.run(
        [*command, script, sys.executable, str(folder), str(source)],
        cwd=course, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.startswith("The disk is full") and len(said.stderr.splitlines()) == 1
    assert said.stdout == own


def test_a_read_only_disk_gets_one_sentence(course: Path) -> None:
    *command, script = mounted("ro,size=128k")
    (course / "my-course").mkdir()
    said = subprocess.run(
        [*command, script + '"$0" start.py reset 01', sys.executable, str(course / "my-course")],
        cwd=course, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.startswith("Your account may not use") and "read-only" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_a_file_in_place_of_the_state_folder_is_one_sentence(course: Path) -> None:
    write(course / "my-course/.course", "")
    code = "from launch.handout import hand_out; hand_out()"
    commands = load(course, "commands")
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=course, capture_output=True, encoding="utf-8"
    )
    assert said.returncode == 1, "what was handed out cannot be noted down, and nobody says so"
    sentence = commands.what_went_wrong(FileExistsError(17, "", str(course / "my-course/.course")))
    assert ".course is a file, and the course needs a folder" in sentence


@pytest.mark.parametrize("how", ["missing", "damaged", "not to be read"])
def test_reset_says_when_the_replies_of_a_lesson_cannot_be_used(course: Path, how: str) -> None:
    path = course / "recordings/01_first_call.json"
    path.unlink()
    if how == "damaged":
        write(path, '{"half": ')
    elif how == "not to be read":
        path.mkdir()
    said = run(course, "reset", "01")
    assert said.returncode == 0, said.stderr
    assert f"recordings/01_first_call.json, are {how}" in said.stdout
    assert "git restore recordings/01_first_call.json" in said.stdout
