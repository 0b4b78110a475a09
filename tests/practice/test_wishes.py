"""The wish list: what `wish()` keeps, and what `start.py wishes` lists, removes and sends.

There is no key here: sending is tested against a course server on the loopback that stands where
the API would, with a key of its own. The real API was never asked.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from courseserver.estimate import request_tokens
from courseserver.ledgerfile import LedgerFile
from courseserver.staged import STAGED
from helpers import cost, facts
from helpers._cost import dollars
from practice.wishes_cli import main
from tests.launch.courses import bring_launch, load
from tests.support import (
    HELLO,
    LESSON,
    OwnCourse,
    exchange,
    kernel,
    run_python,
    said,
    serving,
)

JSON = dict[str, Any]
KEY = "sk-" + "ant-" + "made-up-" * 5  # in pieces: no text of ours looks like a key
GREETING = exchange("hello", HELLO, "Hello!")
PRICES = facts.model(facts.MODEL).prices()
BEGIN = f"""
import anthropic
from helpers import setup, wish
setup({LESSON!r})
def ask(**body):
    client = anthropic.Anthropic(max_retries=0)
    try:
        return (client.beta if "betas" in body else client).messages.create(**body)
    except anthropic.APIStatusError as error:
        assert error.status_code == 421, error
"""


def picture() -> JSON:
    """An image block with a small picture."""
    held = io.BytesIO()
    Image.new("L", (4, 4)).save(held, "PNG")
    data = base64.b64encode(held.getvalue()).decode()
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": data},
    }


def wishes(
    course: OwnCourse, *words: str, typed: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    """`start.py wishes` behind its door, in a course of its own; `typed` is the keyboard."""
    module = ("-m", "practice.wishes_cli", *words)
    environment = course.environment(**environ)
    return run_python(*module, folder=course.root, environ=environment, typed=typed)


def line(body: JSON, **more: Any) -> str:
    """A line of the wish list."""
    kept = {"time": "2026-11-21T08:00:00+00:00", "lesson": LESSON, "model": body["model"]}
    return json.dumps({**kept, "request": body, **more})


def fill(state: Path, *lines: str | bytes) -> Path:
    """Write the wish list of a state folder."""
    path = state / "wishes.jsonl"
    state.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join((x if isinstance(x, bytes) else x.encode()) + b"\n" for x in lines))
    return path


def answered(course: OwnCourse) -> list[JSON]:
    """What was answered so far."""
    path = course.root / "my-course" / ".course" / "wishes-answered.jsonl"
    return [json.loads(x) for x in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def course(tmp_path: Path) -> OwnCourse:
    """A course of its own with one recorded question and a key in `.env`."""
    return OwnCourse.at(tmp_path, GREETING, dotenv=f"ANTHROPIC_API_KEY={KEY}")


@pytest.fixture
def replaying(course: OwnCourse) -> OwnCourse:
    """The same in replay."""
    course.environ["COURSE_MODE"] = "replay"
    return course


# --- wish() ---------------------------------------------------------------------------------


def test_a_missed_question_is_kept_whole_and_once_without_key_or_headers(
    replaying: OwnCourse,
) -> None:
    long = said(
        [picture(), {"type": "text", "text": "Which colour? " + "Please. " * 400}], stream=True
    )
    shown = replaying.says(
        f"{BEGIN}\nfor _ in range(2):\n    ask(**{long!r})\n    wish()\n    wish()"
    )
    text = (replaying.root / "my-course" / ".course" / "wishes.jsonl").read_text(encoding="utf-8")
    [kept] = [json.loads(x) for x in text.splitlines()]
    assert kept.keys() == {"time", "lesson", "model", "request"}
    assert (kept["lesson"], kept["model"], kept["request"]) == (LESSON, facts.MODEL, long)
    assert "replay-needs-no-key" not in text and "earer" not in text
    assert shown.count("On your wish list: “Which colour? Please.") == 4
    tokens = request_tokens(long)
    assert f"about {tokens:,} tokens, about {dollars(tokens * PRICES.input / 1e6)} before" in shown


def test_the_last_missed_question_is_the_one_that_is_kept(replaying: OwnCourse) -> None:
    bodies = [
        said("One?"),
        said("Two?", betas=["context-1m-2025-08-07", "compact-2026-09-04"]),
        HELLO,
    ]
    replaying.says(BEGIN + "".join(f"\nask(**{body!r})" for body in bodies) + "\nwish()")
    text = (replaying.root / "my-course" / ".course" / "wishes.jsonl").read_text(encoding="utf-8")
    assert json.loads(text)["request"] == said("Two?")
    assert json.loads(text)["betas"] == ["context-1m-2025-08-07", "compact-2026-09-04"]


OPUS = said("Which of these two would you read first? " * 400, model="claude-opus-4-5")
HAIKU = said("word " * 110_000, model="claude-haiku-5-5")


@pytest.mark.parametrize(
    ("body", "usd_per_million"), [(OPUS, 5.0), (HAIKU, 0.50)], ids=["alias", "long prompt"]
)
def test_the_report_and_the_wish_say_the_same_price(
    replaying: OwnCourse, body: JSON, usd_per_million: float
) -> None:
    """An alias has the price of its model; a long prompt has the price of its band."""
    tokens = request_tokens(body)
    price = f"about {tokens:,} tokens, about {dollars(tokens * usd_per_million / 1e6)} before"
    with kernel(replaying) as running:
        running.run(BEGIN + f"\nbody = {body!r}")
        report = running.run("anthropic.Anthropic(max_retries=0).messages.create(**body)")
        kept = running.run("wish()")
    assert f"What would have been sent: {price}" in report.traceback
    assert price in kept.printed


def test_what_cannot_be_kept_is_said_in_a_sentence(replaying: OwnCourse) -> None:
    missed = "ask(**HELLO | dict(messages=[dict(role='user', content='word ' * 230_000)]))"
    cells = [f"HELLO = {HELLO!r}", "wish()", "ask(**HELLO)", "wish()", missed, "wish()"]
    shown = replaying.says("\n".join([BEGIN, *cells])).splitlines()[-3:]
    assert all(text.startswith("Nothing to keep: ") for text in shown[:2])
    assert shown[2] == "Not kept: this request has 1.1 MB, and 1 MB is the most."
    assert not (replaying.root / "my-course").exists()


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(replaying: OwnCourse) -> None:
    (replaying.root / "my-course").write_text("a file, not a folder", encoding="utf-8")
    shown = replaying.says(f"{BEGIN}\nask(**{said('Why?')!r})\nwish()")
    assert "Not kept: the folder of the wish list cannot be used" in shown


def test_a_line_that_was_cut_off_while_writing_does_not_swallow_the_next(
    replaying: OwnCourse,
) -> None:
    path = fill(replaying.root / "my-course" / ".course")
    path.write_bytes(b'{"time": "2026')
    replaying.says(f"{BEGIN}\nask(**{said('Why?')!r})\nwish()")
    cut, whole, end = path.read_bytes().split(b"\n")
    assert (cut, end) == (b'{"time": "2026', b"")
    assert json.loads(whole)["request"] == said("Why?")


def test_the_report_under_a_missed_request_names_the_call_that_keeps_it(
    replaying: OwnCourse,
) -> None:
    with kernel(replaying) as running:
        running.run(BEGIN)
        report = running.run(f"anthropic.Anthropic().messages.create(**{said('Why?')!r})").traceback
        [offer] = [text for text in report.splitlines() if "keep the question: " in text]
        shown = running.run(offer.partition("keep the question: ")[2].strip())
        assert "On your wish list: “Why?”" in shown.printed


# --- the list in a terminal -----------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder for the command, run in this process."""
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    return tmp_path


def test_the_list_says_what_each_question_and_its_longest_answer_cost(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = said("One? " * 30), said("Two?", model="claude-haiku-4-5", max_tokens=2_000)
    fill(state, line(one), line(two))
    assert main([]) == 0
    shown = capsys.readouterr().out.splitlines()
    tokens = request_tokens(one), request_tokens(two)
    usd = tokens[0] * PRICES.input / 1e6, tokens[1] * 1 / 1e6
    answer = HELLO["max_tokens"] * PRICES.output / 1e6
    assert shown[0].startswith("1. “One? One?")
    assert shown[0].endswith(f"...” ({LESSON}, {facts.MODEL})")
    for n, most in enumerate((dollars(answer), "$0.010")):
        price = f"about {tokens[n]} tokens, about {dollars(usd[n])}; the answer at most {most}"
        assert shown[1 + 2 * n].strip() == price
    assert (
        f"about {dollars(sum(usd))}, and at most {dollars(answer + 0.01)} for the answers"
        in shown[4]
    )
    assert "--send" in shown[5] and len(shown) == 6


def test_an_empty_list_says_how_to_fill_it(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--send"]) == 0
    assert "wish() in a lesson keeps" in capsys.readouterr().out


BROKEN: tuple[bytes, ...] = (
    b"{",
    b"\xff\xfe",
    b"[]",
    b'{"request": 7}',
    b'{"request": {"model": "x"}}',
    b'"hm"',
    b"",
    b"[" * 100_000,
)
PDF = {"type": "base64", "media_type": "application/pdf", "data": "a"}
BROKEN += (line(said([{"type": "document", "source": PDF}])).encode(),)


def test_broken_lines_are_skipped_with_a_sentence_and_left_as_they_are(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fill(state, BROKEN[0], line(said("One?")), *BROKEN[1:], line(said("Two?")))
    assert main(["--remove", "2"]) == 0
    shown = capsys.readouterr().out
    assert "skipped and left in the file: 8" in shown and "Removed: “Two?”" in shown
    left = [BROKEN[0], line(said("One?")).encode(), *BROKEN[1:], b""]
    assert path.read_bytes().split(b"\n") == left


def test_a_wrong_number_removes_nothing(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = fill(state, line(said("One?"))).read_bytes()
    assert main(["--remove", "1", "2"]) == 1
    assert "There is no number 2; the list has 1" in capsys.readouterr().out
    assert (state / "wishes.jsonl").read_bytes() == before


# --- sending --------------------------------------------------------------------------------


def test_answered_questions_move_to_their_own_file_and_failed_ones_stay_with_the_reason(
    course: OwnCourse,
) -> None:
    asked = said(
        [picture(), {"type": "text", "text": "Colour?"}],
        system="Be brief.",
        max_tokens=round(640_000 / PRICES.output),  # more than the SDK takes without a stream
    )
    api = exchange("colour", {**asked, "stream": True}, [{"thinking": "", "tokens": 9}, "None."],
                   betas=["context-1m-2025-08-07"])  # fmt: skip
    missing = said("Who knows?")
    before = (line(missing), line(asked, betas=["context-1m-2025-08-07"]), BROKEN[0])
    path = fill(course.root / "my-course" / ".course", *before)
    with serving(api, key=KEY) as server:
        done = wishes(course, "--send", typed="yes\n", ANTHROPIC_BASE_URL=server.url)
        sent = [entry.request for entry in server.backend.account.journal]
        usage = server.backend.account.journal[-1].reply.usage
    assert [request.body for request in sent] == [{**b, "stream": True} for b in (missing, asked)]
    assert f"This goes to {server.url}" in done.stdout and "costs money" in done.stdout
    [kept] = answered(course)
    assert kept["request"] == asked and kept["reply"]["content"][-1]["text"] == "None."
    assert kept["usd"] == pytest.approx(cost(usage, facts.MODEL).total) and kept["usd"] > 0
    assert f"None.\n[end_turn; {cost(usage, facts.MODEL)}]" in done.stdout
    failed, broken, end = path.read_text(encoding="utf-8").split("\n")
    assert json.loads(failed)["request"] == missing and (broken, end) == ("{", "")
    assert "no recorded reply" in json.loads(failed)["failed"]
    assert "1 of 2 answered" in done.stdout and done.returncode == 1 and KEY not in done.stdout
    again = wishes(course).stdout
    assert "Last time it failed: " in again and "Colour" not in again


def test_a_question_of_a_lesson_can_be_sent_as_it_was_kept(course: OwnCourse) -> None:
    body = said("Hallo?", stop_sequences=["!"], thinking={"type": "adaptive"})
    course.says(f"{BEGIN}\nask(**{body!r})\nwish()", COURSE_MODE="replay")
    with serving(exchange("hallo", {**body, "stream": True}, "Ja."), key=KEY) as server:
        done = wishes(course, "--send", typed=" Yes\n", ANTHROPIC_BASE_URL=server.url)
    assert done.returncode == 0 and "Ja." in done.stdout and "1 of 1 answered" in done.stdout
    assert "The wish list is empty" in wishes(course).stdout


def test_what_passes_the_spending_limit_is_not_sent_and_what_was_paid_is_in_the_ledger(
    course: OwnCourse,
) -> None:
    cheap, dear = said("Cheap?"), said("Dear?", max_tokens=64_000)
    state = course.root / "my-course" / ".course"
    fill(state, line(dear), line(cheap))
    with serving(exchange("cheap", {**cheap, "stream": True}, "Yes."), key=KEY) as server:
        limit = {"COURSE_BUDGET_USD": "0.50", "ANTHROPIC_BASE_URL": server.url}
        done = wishes(course, "--send", typed="yes\n", **limit)
        [sent] = server.backend.account.journal
    assert "raise COURSE_BUDGET_USD in the file .env" in done.stdout
    assert "1 of 2 answered" in done.stdout and sent.request.body == {**cheap, "stream": True}
    ledger = LedgerFile(state / "ledger.jsonl")
    reserved, settled = ledger.lines()
    assert reserved["lesson"] == LESSON and settled["request_id"].startswith("req_")
    assert ledger.spent() == pytest.approx(cost(sent.reply.usage, facts.MODEL).total)


def test_neither_a_password_nor_a_key_is_shown(
    course: OwnCourse, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "sk-" + "proj-" + "A1" * 20
    fill(course.root / "my-course" / ".course", line(said(f"My key is {secret}, is that bad?")))
    base = "https://me:hidden@gateway.example/v1"
    shown = wishes(course, "--send", typed="no\n", ANTHROPIC_BASE_URL=base).stdout
    assert "This goes to https://gateway.example/v1 and costs money." in shown
    assert "“My key is (an API key, not shown), is that bad?”" in shown
    assert secret not in shown and "hidden" not in shown


@pytest.mark.parametrize("typed", ["", "y\n", "yes please\n"])
def test_nothing_is_sent_without_a_typed_yes(course: OwnCourse, typed: str) -> None:
    path = fill(course.root / "my-course" / ".course", line(HELLO))
    with serving(GREETING) as server:
        done = wishes(course, "--send", typed=typed, ANTHROPIC_BASE_URL=server.url)
        assert not len(server.backend.account.journal)
    assert done.stdout.endswith("Nothing was sent.\n") and done.returncode == 1
    assert path.read_text(encoding="utf-8") == line(HELLO) + "\n"


@pytest.mark.parametrize(
    ("dotenv", "why"),
    [("", "there is no key in .env; lesson 00"), ("ANTHROPIC_API_KEY=sk-...", "not a whole key")],
)
def test_nothing_is_sent_without_a_key(course: OwnCourse, dotenv: str, why: str) -> None:
    (course.root / ".env").write_text(dotenv, encoding="utf-8")
    fill(course.root / "my-course" / ".course", line(HELLO))
    with serving(GREETING) as server:
        done = wishes(course, "--send", typed="yes\n", ANTHROPIC_BASE_URL=server.url)
        assert not len(server.backend.account.journal)
    [sentence] = [text for text in done.stdout.splitlines() if "Nothing was sent" in text]
    assert why in sentence and done.returncode == 1


@pytest.mark.parametrize("kind", ["cut-stream", "no-end"])
def test_a_reply_that_breaks_off_is_not_taken_for_an_answer(course: OwnCourse, kind: str) -> None:
    path = fill(course.root / "my-course" / ".course", line(HELLO))
    with serving() as server:
        url = server.url + server.backend.account.stage(kind, STAGED[kind].replies)
        done = wishes(course, "--send", typed="yes\n", ANTHROPIC_BASE_URL=url)
    assert "Not answered, and still on the list." in done.stdout and done.returncode == 1
    assert json.loads(path.read_text(encoding="utf-8"))["failed"]
    assert not (course.root / "my-course" / ".course" / "wishes-answered.jsonl").exists()


# --- through start.py -----------------------------------------------------------------------


def test_start_py_wishes_shows_the_list(course: OwnCourse) -> None:
    bring_launch(course.root)
    (course.root / "requirements.txt").write_text("# empty\n", encoding="utf-8")
    venv.create(course.root / ".venv", symlinks=os.name != "nt")
    environment = load(course.root, "environment")
    [packages] = environment.site_packages()
    here = sysconfig.get_paths()["purelib"]  # in place of an installation
    (packages / "here.pth").write_text(here, encoding=sys.getfilesystemencoding())
    course_pth = packages / environment.COURSE_PTH
    course_pth.write_text(environment.course_line(), encoding="ascii")
    environment.STAMP.write_text(environment.stamp_text(), encoding="utf-8")
    fill(course.root / "my-course" / ".course", line(said("One?")), line(said("Two?")))

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "start.py", "wishes", *words], cwd=course.root, input="",
            env=course.environment(), capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    assert "2. “Two?”" in run()
    assert run("--remove", "2") == "Removed: “Two?”\n"
    assert run("--send").endswith("Nothing was sent.\n")
