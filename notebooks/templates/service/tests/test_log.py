"""The log: a line for each request, and nothing in it that must not be there."""

import json
from pathlib import Path
from typing import Any

import anthropic
import pytest
from conftest import KEY
from sorting.client import ask
from sorting.log import log_to, summary

WHO = "Noor Haddad, Harbour Lane 4"
BAD = {"type": "invalid_request_error", "message": f"No: {WHO}"}


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    path = tmp_path / "requests.jsonl"
    log_to(path)
    return path


def test_a_request_leaves_a_line_with_its_figures(api: Any, log_file: Path) -> None:
    reply = ask(api.says("Rest."), "An umbrella?")
    line = json.loads(log_file.read_text(encoding="utf-8"))["request"]
    assert line["request_id"] == reply._request_id
    assert line["output_tokens"] == reply.usage.output_tokens
    assert line["stop_reason"] == "end_turn"


def test_no_key_and_no_words_of_anybody_get_into_the_log(
    api: Any, log_file: Path
) -> None:
    client = api.says(f"Hello, {WHO}.", {"status": 400, "error": BAD})
    ask(client, f"I am {WHO}. An umbrella?")
    with pytest.raises(anthropic.BadRequestError, match="Harbour"):
        ask(client, f"I am {WHO}. A lamp?")
    text = log_file.read_text(encoding="utf-8")
    assert len(text.splitlines()) == 2
    for planted in (KEY, "Noor", "Harbour", "umbrella", "lamp"):
        assert planted not in text


def test_a_log_is_summed_up(api: Any, log_file: Path) -> None:
    cut = {"content": "In the", "stop_reason": "max_tokens"}
    client = api.says("Rest.", "Rest.", cut, {"status": 400, "error": BAD})
    replies = [ask(client, "A lamp?") for _ in range(3)]
    with pytest.raises(anthropic.BadRequestError):
        ask(client, "A lamp?")
    sums = summary(log_file.read_text(encoding="utf-8").splitlines())
    assert [sums["requests"], sums["failed"], sums["not whole"]] == [4, 1, 1]
    assert sums["output_tokens"] == sum(each.usage.output_tokens for each in replies)
