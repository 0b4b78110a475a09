"""The spending limit as a learner meets it: settings, the line under setup, the report, the ledger.

The API is a second course server on the loopback; nothing here reaches the real one.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from courseserver import facts
from helpers.settings import decide_mode
from tests.helpers.test_setup import ASK, KEY, SETUP, UPSTREAM, live_course
from tests.support import HELLO, LESSON, OwnCourse, exchange, kernel, serving

DEAR = {**HELLO, "max_tokens": round(200_000 / facts.model(facts.MODEL).output)}  # $0.20
ASK_DEAR = f"anthropic.Anthropic().messages.create(**{DEAR!r})"
FACTS = (
    "*30 minutes planned · a live run from top to bottom: 3 calls, about 9 tokens in and 9 out, "
)


def priced(course: OwnCourse, usd: str) -> None:
    """Give the course's lesson a notebook with a facts line that names a price."""
    folder = course.root / "notebooks"
    folder.mkdir(exist_ok=True)
    cell = {"cell_type": "markdown", "source": [f"{FACTS}about ${usd} · tested with Python 3.11*"]}
    text = json.dumps({"cells": [cell]}, ensure_ascii=False)
    (folder / f"{LESSON}.ipynb").write_text(text, encoding="utf-8")


def one_line(text: str) -> str:
    """What was printed, without its line breaks."""
    return " ".join(text.split())


# --- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dotenv", "environ", "limits"),
    [
        ({}, {}, (1.0, None)),
        ({"COURSE_BUDGET_USD": "2.50"}, {}, (2.5, None)),
        ({"COURSE_BUDGET_USD": " $3 "}, {}, (3.0, None)),
        ({"COURSE_BUDGET_USD": "0"}, {}, (0.0, None)),
        ({"COURSE_BUDGET_USD": ".5", "COURSE_BUDGET_TOTAL_USD": "5."}, {}, (0.5, 5.0)),
        ({"COURSE_BUDGET_USD": "2"}, {"COURSE_BUDGET_USD": "0.1"}, (0.1, None)),
        ({"COURSE_BUDGET_USD": ""}, {"COURSE_BUDGET_TOTAL_USD": "0"}, (1.0, 0.0)),
    ],
)
def test_the_limits_are_read_from_the_environment_and_the_file(
    dotenv: dict[str, str | None], environ: dict[str, str], limits: tuple[float, float | None]
) -> None:
    mode = decide_mode(environ, {"ANTHROPIC_API_KEY": KEY, **dotenv})
    assert mode.name == "live" and (mode.limit, mode.total) == limits


@pytest.mark.parametrize("name", ["COURSE_BUDGET_USD", "COURSE_BUDGET_TOTAL_USD"])
@pytest.mark.parametrize("raw", ["1,50", "-1", "nan", "inf", "1e9", "much", "1 2", KEY])
def test_nothing_is_spent_under_a_limit_that_cannot_be_read(name: str, raw: str) -> None:
    mode = decide_mode({}, {"ANTHROPIC_API_KEY": KEY, name: raw})
    assert mode.name == "replay" and mode.key is None
    assert f"Write it as {name}=2.50" in mode.note and raw not in mode.note
    assert decide_mode({}, {name: raw}).note == "", "in replay it does not matter"


def test_a_limit_that_cannot_be_read_is_said_and_nothing_leaves(tmp_path: Path) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url, COURSE_BUDGET_USD="a lot")
        said = one_line(course.says(SETUP + ASK + "print(ask())"))
        assert not len(api.backend.account.journal)
    assert said.startswith("COURSE_BUDGET_USD is not an amount. Write it as")
    assert "Replay, because COURSE_BUDGET_USD cannot be read." in said and said.endswith("first")


# --- what setup says ------------------------------------------------------------------------


def test_live_says_what_the_lesson_costs_and_what_may_be_spent(tmp_path: Path) -> None:
    course = live_course(tmp_path)
    said = course.says(SETUP)
    assert "\nOf $1.00 for this session, $1.00 is left.\n" in said
    priced(course, "0.021")
    said = course.says(SETUP, COURSE_BUDGET_TOTAL_USD="5")
    assert "refused" not in said
    assert one_line(
        "A whole run costs about $0.021. Of $1.00 for this session, $1.00 is left; of $5.00 for "
        "the course, $5.00."
    ) in one_line(said)
    assert max(len(line) for line in said.splitlines()) <= 76


@pytest.mark.parametrize("name", ["COURSE_BUDGET_USD", "COURSE_BUDGET_TOTAL_USD"])
def test_a_lesson_that_costs_more_than_is_left_says_so(tmp_path: Path, name: str) -> None:
    course = live_course(tmp_path)
    priced(course, "0.021")
    said = one_line(course.says(SETUP, **{name: "0.02"}))
    assert "less than the lesson costs" in said and f"{name}" in said


def test_replay_says_nothing_of_money(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path, UPSTREAM)
    priced(course, "0.021")
    assert "$" not in course.says(SETUP)


def test_each_lesson_of_the_course_has_a_price_that_setup_finds() -> None:
    from helpers.settings import ROOT
    from practice.begin import lesson_cost

    names = [path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")]
    assert names
    for name in names:
        assert 0 < float(lesson_cost(name)) < 1, name


# --- what happens ---------------------------------------------------------------------------


def test_a_request_over_the_limit_gets_a_report_in_place_of_a_traceback(tmp_path: Path) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url, COURSE_BUDGET_USD="0.10")
        with kernel(course) as running:
            running.run(SETUP)
            shown = running.run(ASK_DEAR)
            totals = running.run("from helpers import ledger; print(ledger)").printed
        assert not len(api.backend.account.journal)
    said = one_line(shown.traceback)
    assert said.startswith("The course did not send this request, and nothing was paid:")
    assert "raise COURSE_BUDGET_USD in the file .env and run setup again" in said
    assert "library" not in said and max(map(len, shown.traceback.splitlines())) <= 100
    assert totals.startswith("0 calls")


def test_setup_again_takes_a_new_limit_and_forgets_nothing_that_was_spent(tmp_path: Path) -> None:
    with serving(UPSTREAM, exchange("dear", DEAR, "Yes."), key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url)
        code = (
            SETUP
            + ASK
            + f"""
from helpers._setup import course_server
budget = course_server().backend.account.budget
ask()
told = [budget.spent]
for limit in ("0.1", "0.3"):
    os.environ["COURSE_BUDGET_USD"] = limit
    setup({LESSON!r})
    try:
        {ASK_DEAR}
        told.append("sent")
    except anthropic.PaymentRequiredError:
        told.append("kept")
told.append(budget.spent)
"""
        )
        first, *what, last = course.tells(code)
    assert what == ["kept", "sent"] and 0 < first < last


def test_the_ledger_stands_in_the_state_folder_and_names_what_is_left_behind(
    tmp_path: Path,
) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url)
        code = (
            SETUP
            + """
from helpers import ledger
client = anthropic.Anthropic()
ledger.left_behind()
made = client.files.upload(file=("a.txt", b"Tide tables", "text/plain"))
ledger.left_behind()
"""
        )
        lines = course.says(code).splitlines()
        state = course.root / "my-course" / ".course"
        [line] = (state / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
        later = one_line(course.says(SETUP))
    noted = json.loads(line)
    assert noted.pop("time")
    assert noted == {"lesson": LESSON, "file": noted["file"], "state": "created"}
    assert lines[-3:] == [
        "Nothing that live runs of the course made is left at the API.",
        "Live runs left this at the API. To delete it, run:",
        f"client.files.delete({noted['file']!r})",
    ]
    assert "still at the API: 1. ledger.left_behind() lists them" in later


def test_what_the_ledger_says_deletes_what_is_left(tmp_path: Path) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url)
        code = (
            SETUP
            + f"""
import contextlib, io
from helpers import ledger
client = anthropic.Anthropic()
client.files.upload(file=("a.txt", b"Tide tables", "text/plain"))
batch = client.messages.batches.create(requests=[{{"custom_id": "a", "params": {HELLO!r}}}])
while batch.processing_status != "ended":
    batch = client.messages.batches.retrieve(batch.id)
with contextlib.redirect_stdout(io.StringIO()) as said:
    ledger.left_behind()
lines = [line for line in said.getvalue().splitlines() if line.startswith("client.")]
for line in lines:
    exec(line)
ledger.left_behind()
told = len(lines)
"""
        )
        assert course.tells(code) == 2
        assert "Nothing that live runs" in course.says(code)
