"""What is shown to a learner: as Markdown or as plain text, and without any key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from courseserver.masking import SHAPES, masked
from helpers._text import tell
from tests.support import HELLO, OwnCourse, exchange, kernel, said

# Built here, so that no text of ours looks like a key.
KEYS = {
    "an Anthropic key": "sk-" + "ant-api03-" + "a1-b2_" * 12,
    "an API key": "sk-" + "proj-" + "A1" * 20,
    "a bearer token": "Bearer " + "abc.def" * 5,
    "an AWS key": "AK" + "IA" + "ABCDEFGHIJKLMNOP",
    "a GitHub token": "gh" + "p_" + "A1" * 20,
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a signed token": "ey" + "J" + "a" * 12 + ".ey" + "J" + "b" * 12,
}


@pytest.mark.parametrize("kind", SHAPES)
def test_each_shape_of_a_key_is_masked(kind: str) -> None:
    assert masked(f"x {KEYS[kind]} y") == f"x ({kind}, not shown) y"


def test_a_token_is_masked_up_to_its_end() -> None:
    assert masked(f"Bearer {'x' * 20}é-tail'") == "(a bearer token, not shown)'"


def test_a_key_is_masked_within_what_an_error_says_of_a_header() -> None:
    header = f"Illegal header value b'Bearer {KEYS['an Anthropic key']}\\r\\n'"
    assert masked(header) == ("Illegal header value b'Bearer (an Anthropic key, not shown)\\r\\n'")


def test_a_text_without_a_key_stays_as_it_is() -> None:
    text = "A bearer of sk-ant-... and the key in .env: max_tokens=1024, req_011CX"
    assert masked(text) == text


def test_what_is_told_shows_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    tell(f"**{KEYS['an Anthropic key']}** costs <span>&#36;</span>1")
    assert capsys.readouterr().out == "**(an Anthropic key, not shown)** costs $1\n"


SETUP = """
import anthropic
from helpers import setup, show
setup("99_test")
"""
ASK = """
try:
    reply = anthropic.Anthropic().messages.create(**{!r})
except anthropic.APIStatusError:
    pass
"""


def test_the_wire_shows_no_key_that_a_learner_typed(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path, exchange("hello", HELLO, "first"))
    with kernel(course) as running:
        assert "99_test" in running.run(SETUP).printed
        running.run(ASK.format(said(KEYS["an API key"])))
        text = "".join(running.run("show.wire()").displayed("text/markdown"))
    assert "(an API key, not shown)" in text and KEYS["an API key"] not in text


def test_in_ipython_in_a_terminal_plain_text_is_shown(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path, exchange("hello", HELLO, "first"))
    shows = "show.message(reply)\nshow.wire()\nfrom helpers._text import tell\ntell('**told**')"
    (course.root / "cell.py").write_text(SETUP + ASK.format(HELLO) + shows, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "cell.py"],
        cwd=course.root,
        env=course.environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "<IPython.core.display" not in done.stdout, done.stdout
    for part in ("| part | kind | what it holds |", "**Came back**", "**told**"):
        assert part in done.stdout, done.stdout
