"""`python -m courseserver`: the server by itself, for a client in any language."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anthropic
import pytest

from tests.support import HELLO, ROOT, client, exchange, recording, said, text_of


@contextmanager
def running(*words: str) -> Iterator[str]:
    """The server in a process of its own; its base URL."""
    command = [sys.executable, "-m", "courseserver", *words]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().removeprefix("ANTHROPIC_BASE_URL=")
        finally:
            process.terminate()


def test_replies_are_given_in_order_and_the_last_one_repeats() -> None:
    busy = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
    replies = json.dumps(["One.", busy, "Three."])
    with running("--replies", replies) as url, client(url, max_retries=0) as sdk:
        assert text_of(sdk.messages.create(**HELLO)) == "One."
        with pytest.raises(anthropic.OverloadedError):
            sdk.messages.create(**HELLO)
        told = [text_of(sdk.messages.create(**said(f"Question {n}"))) for n in range(2)]
        assert told == ["Three.", "Three."]
        with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
            sdk.messages.create(**said("Hi", max_tokens=-1))


def test_a_recording_is_served_and_anything_else_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(recording(exchange("hello", HELLO, "Recorded.")), encoding="utf-8")
    with running(str(file), "--key", "only-this") as url:
        with client(url, api_key="only-this") as sdk:
            assert text_of(sdk.messages.create(**HELLO)) == "Recorded."
            with pytest.raises(anthropic.APIStatusError, match="Nearest recorded request"):
                sdk.messages.create(**said("Something else"))
        with client(url, api_key="another") as other, pytest.raises(anthropic.AuthenticationError):
            other.messages.create(**HELLO)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Give either"),
        (("nowhere.json",), "nowhere.json cannot be read: No such file"),
        (("--replies", "[3]"), "--replies cannot be read: A reply is a text"),
        (("--replies", "[]"), "at least one reply"),
        (("--replies", "{"), "--replies cannot be read"),
        (("README.md",), "The recording of README cannot be read"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(words: tuple[str, ...], says: str) -> None:
    command = [sys.executable, "-m", "courseserver", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert says in done.stderr and "Traceback" not in done.stderr


def test_the_example_of_the_page_runs() -> None:
    page = (ROOT / "courseserver" / "README.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, env=environ, check=False)
    assert "Hello." in done.stdout and "'max_tokens': 100" in done.stdout, done.stderr
