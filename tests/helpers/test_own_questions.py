"""Own questions on a local engine, as a learner meets them: the banner, the note, the sentences.

The engine is the stand-in of `tests/engine.py`; kernel and process are real.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from courseserver.loopback import Server
from courseserver.values import Step
from tests.engine import NAME, Engine, begins, deltas, events, running, whole
from tests.support import HELLO, LESSON, Kernel, OwnCourse, exchange, kernel, said

OWN = said("A question of my own.")
START = f"""
import anthropic
from helpers import cost, ledger, setup, show
setup({LESSON!r}, own_questions="local")
client = anthropic.Anthropic()
HELLO, OWN = {HELLO!r}, {OWN!r}
"""
NOTE = f"(Not Claude: the model {NAME} on this machine answered."


@pytest.fixture(scope="module")
def listening() -> Iterator[Server[Engine]]:
    """One engine for all tests of this file."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> OwnCourse:
    """A course with one recorded question."""
    return OwnCourse.at(tmp_path_factory.mktemp("local"), exchange("hello", HELLO, "Recorded."))


@pytest.fixture(scope="module")
def started(course: OwnCourse, listening: Server[Engine]) -> Iterator[Kernel]:
    """A kernel in which the lesson has begun."""
    with kernel(course, COURSE_LOCAL_URL=listening.url) as ready:
        said = " ".join(ready.run(START).printed.split())
        assert "Local, because you asked for it. Nothing leaves this machine." in said
        assert f"answered by the model {NAME} on this machine" in said and "not Claude" in said
        yield ready


@pytest.fixture
def engine(listening: Server[Engine]) -> Engine:
    """The engine as new."""
    listening.backend.__init__()  # type: ignore[misc]
    return listening.backend


# --- in a notebook --------------------------------------------------------------------------


def test_a_cell_that_an_engine_answered_says_so_and_another_does_not(
    started: Kernel, engine: Engine
) -> None:
    shown = started.run("print(client.messages.create(**OWN).content[0].text)")
    assert shown.printed == "I am no Claude.\n"
    [note] = shown.displayed("text/plain")
    assert NOTE in note
    assert max(map(len, note.splitlines())) <= 76
    shown = started.run("print(client.messages.create(**HELLO).content[0].text)")
    assert (shown.printed, shown.displayed("text/plain")) == ("Recorded.\n", [])
    shown = started.run("with client.messages.stream(**OWN) as s: print(s.get_final_text())")
    assert NOTE in shown.displayed("text/plain")[0]


def test_show_says_whose_reply_it_is(started: Kernel, engine: Engine) -> None:
    shown = started.run("show.message(client.messages.create(**OWN, metadata={'user_id': 'me'}))")
    [table] = shown.displayed("text/markdown")
    assert f"| `local/{NAME}` | a model on this machine, not Claude |" in table
    assert "It was not told: metadata." in " ".join(shown.displayed("text/plain")[-1].split())
    wire = "".join(started.run("show.wire()").displayed("text/markdown"))
    assert f"x-course-reply: local {NAME}, left out: metadata" in wire
    assert "somebody" not in wire  # the path of the model


def test_it_costs_nothing_and_the_ledger_marks_it(started: Kernel, engine: Engine) -> None:
    shown = started.run(
        "setup('99', own_questions='local')\nreply = client.messages.create(**OWN)\n"
        "before = ledger.totals()['usd']\nclient.messages.create(**HELLO)\n"
        "print(before, cost(reply).total, ledger.totals()['usd'] > 0)\nprint(ledger)"
    )
    assert "\n0.0 0.0 True\n2 calls, " in shown.printed
    assert "; 1 of the calls by a local model, not Claude, $0" in shown.printed


@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_that_fails_is_a_sentence_under_the_cell(
    started: Kernel, engine: Engine, stream: bool
) -> None:
    cut = Step(0.0, b"", "cut")
    engine.answer = lambda body: events(*begins(), *deltas("Half"), cut)
    if not stream:
        engine.answer = lambda body: whole({"error": {"message": "Loading model"}}, 503)
    ask = "with client.messages.stream(**OWN) as s: s.until_done()"
    shown = started.run(ask if stream else "client.messages.create(**OWN)")
    assert "The local engine at http://127.0.0.1:" in shown.traceback
    assert ("stopped in the middle" if stream else "It says: Loading model") in " ".join(
        shown.traceback.split()
    )
    assert "line " not in shown.traceback and "Traceback" not in shown.traceback
    assert shown.error["ename"] == "APIStatusError" if stream else "InternalServerError"
    assert shown.printed == ""


def test_the_question_can_still_be_kept_for_the_real_model(started: Kernel, engine: Engine) -> None:
    started.run("client.messages.create(**OWN)")
    assert "On your wish list" in started.run("from helpers import wish\nwish()").printed


# --- which mode -----------------------------------------------------------------------------

SCRIPT = f"""
import anthropic
from helpers import mode, setup
setup({LESSON!r})
try:
    reply = anthropic.Anthropic().messages.create(**{OWN!r})
    told = [mode(), reply.model]
except anthropic.APIStatusError as error:
    told = [mode(), error.status_code]
"""
OWN_SCRIPT = SCRIPT.replace(f"setup({LESSON!r})", f'setup({LESSON!r}, own_questions="local")')


@pytest.mark.parametrize(
    ("script", "environ", "dotenv", "answered"),
    [
        (SCRIPT, {}, "", False),
        (SCRIPT, {"COURSE_MODE": "local"}, "", True),
        (SCRIPT, {}, "COURSE_MODE=local", True),
        (OWN_SCRIPT, {}, "", True),
        (OWN_SCRIPT, {}, "COURSE_MODE=replay", True),
        (OWN_SCRIPT, {"COURSE_MODE": "replay"}, "", False),
    ],
)
def test_the_environment_is_stronger_than_the_cell_and_the_cell_than_the_file(
    course: OwnCourse,
    listening: Server[Engine],
    engine: Engine,
    script: str,
    environ: dict[str, str],
    dotenv: str,
    answered: bool,
) -> None:
    (course.root / ".env").write_text(dotenv, encoding="utf-8")
    told = course.tells(script, COURSE_LOCAL_URL=listening.url, **environ)
    assert told == ["replay", f"local/{NAME}" if answered else 421]
    assert bool(engine.asked) == answered
    (course.root / ".env").unlink()


def test_the_address_can_stand_in_the_file(
    tmp_path: Path, listening: Server[Engine], engine: Engine
) -> None:
    dotenv = f"COURSE_MODE=local\nCOURSE_LOCAL_URL={listening.url}/v1\n"
    course = OwnCourse.at(tmp_path, exchange("hello", HELLO, "Recorded."), dotenv=dotenv)
    assert course.tells(SCRIPT, COURSE_LOCAL_URL="") == ["replay", f"local/{NAME}"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://192.0.2.1:8080", "COURSE_LOCAL_URL is not an address of this machine"),
        ("http://127.0.0.1:9", "No engine listens on this machine (the address in COURSE_LOCAL_"),
    ],
)
def test_without_an_engine_the_lesson_goes_on_as_in_replay(
    course: OwnCourse, url: str, words: str
) -> None:
    shown = course.says(f"{OWN_SCRIPT}print(told)", COURSE_LOCAL_URL=url)
    assert words in " ".join(shown.split()) and shown.endswith("['replay', 421]\n")
    assert max(map(len, shown.splitlines())) <= 76


def test_another_word_for_own_questions_is_an_error_in_words(course: OwnCourse) -> None:
    done = course.run(f"from helpers import setup; setup({LESSON!r}, own_questions='lokal')")
    assert done.stderr.endswith('own_questions can be "local", or it is left out.\n')


@pytest.mark.parametrize(("mode", "is_named"), [("", True), ("replay", False)])
def test_a_refusal_names_an_engine_that_listens_unless_replay_was_asked_for(
    course: OwnCourse, listening: Server[Engine], engine: Engine, mode: str, is_named: bool
) -> None:
    with kernel(course, COURSE_LOCAL_URL=listening.url, COURSE_MODE=mode) as ready:
        ready.run(START.replace(', own_questions="local"', ""))
        shown = ready.run("client.messages.create(**OWN)")
    assert "Replay has no recorded reply" in shown.traceback
    assert ('which is not Claude: setup("...", own_questions="local")' in shown.traceback) == (
        is_named
    )
    assert engine.seen == []  # in plain replay nothing is sent to it
