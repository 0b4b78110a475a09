"""Progress: what is noted and what never is, the table, the code, the terminal, the quiz.

Files are real ones in a temporary folder; nothing touches the progress of whoever runs the tests.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers._text import tell
from practice import desk
from practice._exercise import Attempt
from practice._progress import (
    ALPHABET,
    NOT_KEPT,
    Record,
    Store,
    decode,
    encode,
    picture,
    progress,
    restore,
    slots,
)
from practice._quiz import NOTEBOOKS, Question, Quiz, quiz, read
from practice.grading.sources import find, sheets
from practice.lessons import LESSONS
from tests.support import HELLO, ROOT, OwnCourse, kernel, recording, run_python

IDS = [f"0{lesson}.{number}" for lesson in range(1, 9) for number in range(1, 6)]
TIMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / ".course" / "progress.jsonl")


def lines(store: Store) -> list[Any]:
    """The lines of its file."""
    return [json.loads(line) for line in store.path.read_text(encoding="utf-8").splitlines()]


# --- the file -------------------------------------------------------------------------------


def test_an_event_is_one_line_with_these_six_things(store: Store) -> None:
    store.add("01.2", "wrong", "first-text-only")
    store.add("01.2", "hint")
    store.add("01.2", "correct")
    assert [list(line) for line in lines(store)] == [
        ["time", "id", "outcome", "rule", "tries", "hints"]
    ] * 3
    assert all(TIMED.fullmatch(line["time"]) for line in lines(store))
    counted = [(line["outcome"], line["tries"], line["hints"]) for line in lines(store)]
    assert counted == [("wrong", 1, 0), ("hint", 1, 1), ("correct", 2, 1)]
    assert store.records() == {"01.2": Record("done", 2, 1)}


def test_what_was_once_right_stays_done(store: Store) -> None:
    for outcome in ("raised", "correct", "wrong"):
        store.add("01.1", outcome)
    assert store.records()["01.1"] == Record("done", 3, 0)


def test_a_broken_last_line_costs_that_line_only(store: Store) -> None:
    store.add("01.1", "correct")
    with store.path.open("ab") as file:
        file.write(b'{"time": "2026-11-21T08:00:00+00:00", "id": "01.2", "outc')
    assert store.add("01.3", "wrong").state == "stuck"
    assert store.records() == {"01.1": Record("done", 1), "01.3": Record("stuck", 1)}
    assert store.path.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"id": 1, "outcome": "wrong"}',
        '{"id": "01.1"}',
        "\xff",
        "[" * 9999,
    ],
    ids=range(8),
)
def test_a_line_that_is_no_event_is_passed_over(store: Store, line: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(line + "\n", encoding="latin-1")
    assert store.events() == []
    assert store.add("01.1", "correct").state == "done"


def test_two_kernels_that_write_at_once_lose_nothing(store: Store) -> None:
    def work(name: str) -> None:
        mine = Store(store.path)
        for _ in range(40):
            mine.add(name, "wrong", "x" * 50)

    threads = [threading.Thread(target=work, args=(f"01.{n}",)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: record.tries for name, record in store.records().items()} == {
        f"01.{n}": 40 for n in range(1, 5)
    }


def test_a_folder_that_cannot_be_written_keeps_progress_for_this_session(tmp_path: Path) -> None:
    (tmp_path / ".course").write_text("a file, not a folder", encoding="utf-8")
    store = Store(tmp_path / ".course" / "progress.jsonl")
    assert store.add("01.1", "correct").state == "done"
    assert store.records() == {"01.1": Record("done", 1)}


# --- an attempt: check, hints, solution, reset ----------------------------------------------


class Learner:
    """A learner at one exercise, with a store, a desk and a screen of their own."""

    def __init__(self, wanted: str, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
        self.task, sheet = find(wanted)
        self.names: dict[str, Any] = {"__name__": "__main__"}
        exec(sheet.imports, self.names)
        self.ex = Attempt(self.task, sheet, self.names, store)
        self.names["ex2"] = self.ex
        self.capsys = capsys

    def writes(self, text: str) -> Learner:
        exec(text, self.names)
        return self

    def sees(self, call: Callable[[], None]) -> str:
        self.capsys.readouterr()
        call()
        return self.capsys.readouterr().out


@pytest.fixture
def learner(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Learner:
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    return Learner("01.2", store, capsys)


def test_an_untouched_answer_is_not_a_try(learner: Learner, store: Store) -> None:
    learner.writes(learner.task.template)
    assert learner.sees(learner.ex.check).startswith("01.2 Not attempted ○\n\n`ask` is as it was")
    assert store.events() == []


def test_nothing_of_an_answer_is_written_down(learner: Learner, store: Store) -> None:
    learner.writes("def ask(client, question): return 'my secret words' + str(client)")
    learner.sees(learner.ex.check)
    text = store.path.read_text(encoding="utf-8")
    assert "secret" not in text
    assert "Sunday" not in text
    assert lines(store)[0]["rule"] == "no-request"


def test_hints_come_one_by_one_and_can_be_seen_again(learner: Learner, store: Store) -> None:
    seen = [learner.sees(learner.ex.hint) for _ in range(4)]
    assert [text.splitlines()[0] for text in seen[:3]] == [
        f"**01.2, hint {n} of 3**" for n in (1, 2, 3)
    ]
    assert [learner.task.hints[n] in seen[n] for n in range(3)] == [True] * 3
    assert "There are 3 hints" in seen[3]
    assert "`ex2.solution(now=True)`" in seen[3]
    assert learner.task.hints[0] in learner.sees(lambda: learner.ex.hint(1))
    assert store.records()["01.2"].hints == 3
    assert "There are 3 hints" in learner.sees(lambda: learner.ex.hint(9))


def test_the_solution_opens_after_three_tries(learner: Learner) -> None:
    learner.writes("def ask(client, question): return question")
    for tries in range(3):
        closed = learner.sees(learner.ex.solution)
        assert f"(so far: {tries})" in closed
        assert "`ex2.solution(now=True)`" in closed
        after = learner.sees(learner.ex.check)
    assert "The solution is open: `ex2.solution()`" in after
    shown_now = learner.sees(learner.ex.solution)
    assert learner.task.solution.strip() in shown_now
    assert learner.task.also_correct[0].strip() in shown_now


def test_tries_that_cannot_be_written_are_counted_in_every_cell_and_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "a file where the folder should be"
    full.write_text("x")
    monkeypatch.setenv("COURSE_STATE", str(full))
    task, sheet = find("01.2")
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(sheet.imports + "\ndef ask(client, question): return question", names)
    for _ in range(3):
        Attempt(task, sheet, names).check()  # as a cell that is run again makes it
        assert NOT_KEPT in capsys.readouterr().out
    Attempt(task, sheet, names).solution()
    assert task.solution.strip() in capsys.readouterr().out
    progress()
    assert NOT_KEPT in capsys.readouterr().out


def test_a_hint_that_there_is_not_claims_nothing_about_the_others(learner: Learner) -> None:
    asked = learner.sees(lambda: learner.ex.hint(9))
    assert "There are 3 hints, and you have seen none. The first one: `ex2.hint(1)`" in asked
    assert "`ex2.solution(now=True)`" in asked
    learner.writes("def ask(client, question): return question")
    for _ in range(3):
        learner.sees(learner.ex.check)
    learner.sees(learner.ex.hint)
    asked = learner.sees(lambda: learner.ex.hint(9))
    assert "and you have seen 1 of them" in asked
    assert "`ex2.solution()`" in asked


def test_the_solution_opens_at_once_on_demand_and_that_is_noted(
    learner: Learner, store: Store
) -> None:
    assert learner.task.solution.strip() in learner.sees(lambda: learner.ex.solution(now=True))
    assert [line["outcome"] for line in lines(store)] == ["solution"]
    assert store.records()["01.2"] == Record("untouched", 0, 0)


def test_a_right_answer_opens_the_solution_and_is_kept_for_the_desk(
    learner: Learner, tmp_path: Path
) -> None:
    answer = tmp_path / "answer.py"
    answer.write_text(learner.task.solution, encoding="utf-8")
    exec(compile(answer.read_text(encoding="utf-8"), str(answer), "exec"), learner.names)
    said = learner.sees(learner.ex.check)
    assert said.startswith("01.2 Correct ✓")
    assert "Kept for your desk: `desk/ask.py`" in said
    assert learner.task.solution.strip() in learner.sees(learner.ex.solution)
    kept = (tmp_path / "desk" / "ask.py").read_text(encoding="utf-8")
    assert kept.endswith(learner.task.solution.lstrip())


def test_reset_shows_the_template_and_changes_nothing(learner: Learner, store: Store) -> None:
    learner.writes("def ask(client, question): return 1")
    assert learner.task.template.strip() in learner.sees(learner.ex.reset)
    assert learner.names["ask"](None, "") == 1
    assert store.events() == []


def test_with_an_expected_outcome_nothing_is_noted_and_another_one_raises(
    learner: Learner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_EXPECT", "correct")
    learner.writes(learner.task.solution)
    learner.sees(learner.ex.check)
    learner.writes(learner.task.template)
    with pytest.raises(AssertionError, match="Not attempted ○, expected correct"):
        learner.ex.check()
    assert store.events() == []


# --- the desk -------------------------------------------------------------------------------

HELPED = """
import json as js
from time import sleep
LIMIT = 2000
ROLES = {"user": "user"}

def texts(content):
    return [b.text for b in content if b.type == "text"]

def ask(client, question):
    turn = {"role": ROLES["user"], "content": js.loads(js.dumps(question))}
    reply = client.messages.create(model=MODEL, max_tokens=LIMIT, messages=[turn])
    sleep(0)
    return "".join(texts(reply.content))
"""


def kept(text: str, tmp_path: Path, more: str = "") -> tuple[list[str], Path]:
    """What is said and written when this answer in a file has passed."""
    task, sheet = find("01.2")
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(sheet.imports, names)
    file = tmp_path / "cell.py"
    file.write_text(text, encoding="utf-8")
    exec(compile(text, str(file), "exec"), names)
    exec(more, names)
    folder = tmp_path / "desk"
    return desk.keep(task, sheet.imports, names, folder), folder / "ask.py"


def test_a_part_is_kept_with_all_it_needs_and_nothing_else(tmp_path: Path) -> None:
    said, file = kept("UNUSED = 1\n" + HELPED, tmp_path)
    assert said == ["Kept for your desk: `desk/ask.py`"]
    text = file.read_text(encoding="utf-8")
    assert "import json as js\n" in text
    assert "from helpers import MODEL\n" in text
    assert "def texts(content):" in text
    assert "LIMIT = 2000" in text
    assert "UNUSED" not in text
    assert "exercise" not in text.partition("\n")[2]


def test_a_part_with_a_pydantic_class_is_kept(tmp_path: Path) -> None:
    model = "\nfrom typing import Literal\nfrom pydantic import BaseModel\n\n"
    model += "class Role(BaseModel):\n    name: Literal['user']\n"
    model += "    def text(self):\n        return self.name\n"
    text = model + HELPED.replace('ROLES["user"]', 'Role(name="user").text()')
    said, file = kept(text, tmp_path)
    assert said == ["Kept for your desk: `desk/ask.py`"]
    assert "class Role(BaseModel):" in file.read_text(encoding="utf-8")


def test_a_lambda_is_kept_as_it_stands(tmp_path: Path) -> None:
    text = "ask = lambda client, q: ''.join(b.text for b in client.messages.create(model=MODEL, "
    text += (
        "max_tokens=2000, messages=[{'role': 'user', 'content': q}]).content if b.type == 'text')"
    )
    said, file = kept(text, tmp_path)
    assert said == ["Kept for your desk: `desk/ask.py`"]
    assert text in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        (
            HELPED,
            "ROLES = type('R', (), {'__getitem__': lambda s, k: k})()",
            "`ROLES` is made else",
        ),
        ("", HELPED, "the text of its cell is not to be had"),
        (HELPED.replace("def ask", "async def ask"), "", "the desk is not async"),
    ],
    ids=["leans on something", "no source", "async"],
)
def test_what_cannot_be_kept_is_said_in_one_line(
    tmp_path: Path, text: str, more: str, why: str
) -> None:
    said, file = kept(text, tmp_path, more)
    assert len(said) == 1
    assert said[0].startswith("It could not be kept for your desk, because ")
    assert why in said[0]
    assert not file.exists()


def test_a_file_that_the_learner_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    mine = tmp_path / "desk" / "ask.py"
    mine.write_text("# mine\n", encoding="utf-8")
    said, _ = kept(HELPED, tmp_path)
    assert "left as it is" in said[0]
    assert mine.read_text(encoding="utf-8") == "# mine\n"


# --- the table and the code -----------------------------------------------------------------


def test_the_table_says_done_stuck_and_untouched_per_lesson() -> None:
    records = {
        "01.1": Record("done", 2),
        "01.2": Record("stuck", 3),
        "quiz 01.1": Record("done", 1),
    }
    text = picture(records, sheets())
    row = next(line for line in text.splitlines() if line.startswith("| 01 First call"))
    assert row == (
        "| 01 First call | 1 of 4 | 01.1 ✓ done, 01.2 ✗ stuck (3 tries), 01.3 ○ untouched, "
        "01.4 ○ untouched, 01.5* ○ untouched | 1 right |"
    )
    assert text.startswith("**1 of ")
    assert "Next: **01.2 Ask, and read the answer**" in text


def random_records(seed: int) -> dict[str, Record]:
    pick = random.Random(seed)
    chosen = {name: pick.choice(["done", "stuck", "untouched"]) for name in IDS}
    return {name: Record(state) for name, state in chosen.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(20))
def test_a_progress_code_goes_there_and_back(seed: int) -> None:
    records = random_records(seed)
    code = encode(records, IDS)
    back = decode(code, IDS)
    assert back == {n: r.state for n, r in records.items() if r.state != "untouched"}
    assert decode(code.lower().replace("-", " "), IDS) == back


def test_a_progress_code_of_forty_exercises_has_about_twenty_characters() -> None:
    full = encode({name: Record("done") for name in IDS}, IDS)
    assert len(IDS) == 40
    assert len(full.replace("-", "")) <= 20
    assert re.fullmatch(r"[0-9A-Z]{5}(-[0-9A-Z]{1,5})+", full)
    assert len(encode({}, IDS).replace("-", "")) == 5


@pytest.mark.parametrize("seed", range(3))
def test_every_mistyped_character_is_detected(seed: int) -> None:
    code = encode(random_records(seed), IDS).replace("-", "")
    tried = 0
    for at, right in enumerate(code):
        for wrong in ALPHABET.replace(right, ""):
            with pytest.raises(ValueError, match=r"typing mistake|newer copy"):
                decode(code[:at] + wrong + code[at + 1 :], IDS)
            tried += 1
    for at in range(len(code) - 1):
        swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
        if swapped != code:
            with pytest.raises(ValueError, match="typing mistake"):
                decode(swapped, IDS)
    assert tried == 31 * len(code)


@pytest.mark.parametrize("text", ["", "1", "1-2-3", "ÄÖÜ-12345"])
def test_what_is_no_code_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="That is no progress code"):
        decode(text, IDS)


def test_letters_that_look_like_digits_may_be_typed_as_letters() -> None:
    code = next(c for c in (encode(random_records(s), IDS) for s in range(99)) if {*"01"} <= {*c})
    assert decode(code.replace("0", "O").replace("1", "l"), IDS) == decode(code, IDS)


def test_an_exercise_that_is_added_later_leaves_old_codes_valid() -> None:
    records = random_records(1)
    old = encode(records, IDS)
    assert decode(old, [*IDS, "09.1", "09.2"]) == decode(old, IDS)


def test_a_code_of_a_newer_course_is_not_misread() -> None:
    code = encode({"09.9": Record("done")}, [*IDS, "09.9"])
    with pytest.raises(ValueError, match="newer copy of the course"):
        decode(code, IDS)


def test_a_code_is_taken_over_and_never_takes_anything_away(store: Store) -> None:
    code = encode({"01.1": Record("stuck"), "01.2": Record("done"), "01.3": Record("stuck")}, IDS)
    store.add("01.1", "correct")
    assert restore(code, store, IDS) == 2
    states = {name: record.state for name, record in store.records().items()}
    assert states == {"01.1": "done", "01.2": "done", "01.3": "stuck"}
    assert restore(code, store, IDS) == 0
    assert [line["tries"] for line in lines(store)] == [1, 0, 0]


def test_every_exercise_has_one_place_in_the_code() -> None:
    places = slots()
    assert len(places) == len(set(places))
    assert {one.id for sheet in sheets() for one in sheet.exercises} <= set(places)


# --- in a terminal and in a notebook --------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> OwnCourse:
    """A copy of the course with its exercises and lessons, for a learner of its own."""
    own = OwnCourse.at(tmp_path_factory.mktemp("progress"))
    for name in ("exercises", "notebooks"):
        shutil.copytree(ROOT / name, own.root / name)
    return own


def terminal(course: OwnCourse, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m practice ...` in a terminal."""
    return run_python("-m", "practice", *words, folder=course.root, environ=course.environment())


def test_the_whole_way_works_in_a_terminal(course: OwnCourse) -> None:
    task, _ = find("01.2")
    answer = course.root / "my_answer.py"
    answer.write_text(task.template, encoding="utf-8")
    assert "01.2 Not attempted ○" in terminal(course, "check", "01.2", answer.name).stdout
    answer.write_text(task.solution, encoding="utf-8")
    forgot = terminal(course, "check", "01.2", answer.name)
    assert (forgot.returncode, "put the import at its top" in forgot.stdout) == (1, True)
    assert "Line 4: `model=MODEL,`" in forgot.stdout
    assert "A hint: `python -m practice hint 01.2`" in forgot.stdout
    assert task.hints[0] in terminal(course, "hint", "01.2").stdout
    assert task.hints[2] in terminal(course, "hint", "01.2", "3").stdout
    assert "opens when" in terminal(course, "solution", "01.2").stdout
    assert task.solution.strip() in terminal(course, "solution", "01.2", "--now").stdout
    assert task.template.strip() in terminal(course, "reset", "01.2").stdout
    answer.write_text("from helpers import MODEL\n" + task.solution, encoding="utf-8")
    right = terminal(course, "check", "01.2", answer.name)
    assert (right.returncode, "01.2 Correct ✓" in right.stdout) == (0, True)
    assert (course.root / "my-course" / "desk" / "ask.py").is_file()
    table = terminal(course, "progress").stdout
    assert "01.2 ✓ done" in table
    code = re.search(r"progress code is `([^`]+)`", table)
    assert code
    other = OwnCourse.at(course.root.parent / "other")
    shutil.copytree(ROOT / "exercises", other.root / "exercises")
    assert "01.2 ✓ done" in terminal(other, "progress", code[1]).stdout
    assert "typing mistake" in terminal(other, "progress", code[1] + "A").stdout


def test_a_file_without_the_function_is_told_its_name_and_nothing_about_cells(
    course: OwnCourse,
) -> None:
    answer = course.root / "other_name.py"
    answer.write_text("def answer(client, question):\n    return question\n", encoding="utf-8")
    done = terminal(course, "check", "01.2", answer.name)
    assert done.returncode == 1
    assert "other_name.py has no function `ask`" in done.stderr
    assert "`ask(client, question)`" in done.stderr
    assert "cell" not in done.stdout + done.stderr


def test_a_template_in_a_file_is_not_told_about_cells(course: OwnCourse) -> None:
    answer = course.root / "as_given.py"
    answer.write_text(find("01.2")[0].template, encoding="utf-8")
    shown = terminal(course, "check", "01.2", answer.name).stdout
    assert "`ask` is as it was given. Change it in your file" in shown
    assert "cell" not in shown


def test_a_code_can_be_looked_at_without_taking_it_over(tmp_path: Path) -> None:
    own = OwnCourse.at(tmp_path)
    shutil.copytree(ROOT / "exercises", own.root / "exercises")
    code = encode({"01.1": Record("done"), "01.2": Record("stuck")}, slots())
    shown = own.says(f"from helpers import progress\nprogress({code!r}, look=True)")
    assert "Nothing of it was taken over." in shown
    assert "01.1 ✓ done, 01.2 ✗ stuck, 01.3" in shown, "a code says nothing of tries"
    assert not (own.root / "my-course").exists()
    assert "**1 of" in terminal(own, "progress", code, "--look").stdout
    assert not (own.root / "my-course").exists()


# What each store writes: progress, the hunt's ticks, a wish, a part of the desk.
FOUR_STORES = f"""
import anthropic
from helpers import exercise, hunt, setup, wish, MODEL
from practice._exercise import Attempt
from practice.grading.sources import find
setup("01_first_call")
def sent(**body):
    try:
        anthropic.Anthropic(max_retries=0).messages.create(**body)
    except anthropic.APIStatusError:
        pass
sent(**{HELLO | {"messages": []}!r})
hunt()
sent(**{HELLO!r})
wish()
task, sheet = find("01.2")
open("answer.py", "w").write(task.solution)
exec(compile(task.solution, "answer.py", "exec"))
Attempt(task, sheet, globals()).check()
"""


@pytest.mark.parametrize("elsewhere", [False, True], ids=["my-course", "COURSE_STATE"])
def test_all_four_stores_keep_to_the_learners_folder(tmp_path: Path, elsewhere: bool) -> None:
    own = OwnCourse.at(tmp_path)
    shutil.copytree(ROOT / "exercises", own.root / "exercises")
    file = own.root / "recordings" / "01_first_call.json"
    file.write_text(recording(lesson="01_first_call"), encoding="utf-8")
    environ = {"COURSE_STATE": str(own.root / "kept")} if elsewhere else {}
    before = {path for path in own.root.rglob("*") if path.is_file()}
    own.says(FOUR_STORES, **environ)
    now = {path for path in own.root.rglob("*") if path.is_file()} - before
    state, desk_at = ("kept", "kept/desk") if elsewhere else ("my-course/.course", "my-course/desk")
    assert {path.relative_to(own.root).as_posix() for path in now} == {
        "answer.py",
        f"{desk_at}/ask.py",
        f"{state}/hunt.json",
        f"{state}/progress.jsonl",
        f"{state}/wishes.jsonl",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"def ask(client:\n", "line 1: Python cannot read this"),
        (b"x = 1\nprint(y)\n", "Line 2: `print(y)`"),
        ("ä = 'ä'".encode("latin-1"), "is not UTF-8 text"),
        (None, "cannot be read"),
    ],
    ids=["syntax", "runs into an error", "encoding", "missing"],
)
def test_a_file_that_does_not_run_gets_a_sentence(
    course: OwnCourse, text: bytes | None, said: str
) -> None:
    file = course.root / "broken.py"
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_bytes(text)
    done = terminal(course, "check", "01.2", file.name)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_exercise_in_a_terminal_names_the_ones_there_are(course: OwnCourse) -> None:
    assert "There is: 01.1" in terminal(course, "hint", "77.1").stderr


def test_progress_is_markdown_and_a_quiz_has_buttons_where_widgets_show(course: OwnCourse) -> None:
    with kernel(course) as running:
        running.run("from practice._progress import progress\nfrom practice._quiz import quiz")
        running.run('quiz("1").answer(1, "b")')
        table = running.run("progress()").displayed("text/markdown")
        shown = running.run('quiz("01")')
        running.run('import sys\nsys.modules["ipywidgets"] = None')
        without = running.run('quiz("01")')
    assert "| 1 right |" in table[0]
    for one in (shown, without):
        assert one.displayed("text/markdown")[0].startswith("**1. ")
        assert one.displayed("text/plain")[0].startswith("**1. ")
    assert len(shown.displayed(WIDGET)) == 1
    assert without.displayed(WIDGET) == []


WIDGET = "application/vnd.jupyter.widget-view+json"


# --- the quizzes ----------------------------------------------------------------------------

QUIZZES = [
    (lesson.number, read(NOTEBOOKS / lesson.file))
    for lesson in LESSONS
    if (NOTEBOOKS / lesson.file).is_file()
]


@pytest.mark.parametrize(("number", "questions"), QUIZZES, ids=[number for number, _ in QUIZZES])
def test_a_quiz_has_one_right_option_and_a_reason_for_each(
    number: str, questions: list[Question]
) -> None:
    assert [question.number for question in questions] == [1, 2, 3]
    texts = [text for question in questions for text in question.options.values()]
    assert len(texts) == len(set(texts))
    for question in questions:
        assert list(question.options) == ["a", "b", "c"]
        assert len(question.right) == 1, (
            f"the reason of the right option begins with Yes: {question}"
        )
        others = [reason for k, reason in question.reasons.items() if k not in question.right]
        assert all(len(reason.split()) > 2 for reason in question.reasons.values())
        assert len(set(question.reasons.values())) == 3
        assert not [reason for reason in others if reason.startswith("Yes")]


def test_the_right_options_are_not_all_at_the_same_place() -> None:
    places = [question.right[0] for _, questions in QUIZZES for question in questions]
    assert len(set(places)) == 3


def test_what_was_read_of_the_quizzes(covers: Callable[[str], None]) -> None:
    count = sum(len(questions) for _, questions in QUIZZES)
    covers(f"quizzes: {count} questions of {len(QUIZZES)} lessons")
    assert count


def test_an_answer_is_noted_with_its_reason(store: Store) -> None:
    asked = Quiz("01", read(NOTEBOOKS / "01_first_call.ipynb"), store)
    question = asked.questions[0]
    right = question.right[0]
    wrong = next(letter for letter in question.options if letter != right)
    assert asked.reason(1, wrong) == f"**1 {wrong}) Not this one ✗** {question.reasons[wrong]}"
    assert asked.reason(1, right.upper()).startswith(f"**1 {right}) Right ✓** Yes.")
    assert "no such option" in asked.reason(9, "a")
    assert "no such option" in asked.reason(1, "z")
    assert [line["outcome"] for line in lines(store)] == ["wrong", "correct"]


def test_a_lesson_without_a_quiz_says_so() -> None:
    for lesson in ("99", "nonsense"):
        with pytest.raises(ValueError, match="There is no quiz for lesson"):
            quiz(lesson)


def test_outside_a_notebook_everything_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    tell("**words**", "words")
    tell("**words**")
    assert capsys.readouterr().out == "words\n**words**\n"
