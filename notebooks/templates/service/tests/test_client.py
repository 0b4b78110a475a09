"""The client: what it sends, what it makes of a reply, and the prompt."""

from typing import Any

import pytest
from sorting.client import DEFAULTS, IncompleteError, ask, whole_text


def test_a_question_is_sent_with_the_defaults(api: Any) -> None:
    ask(api.says("Rest."), "An umbrella?")
    [sent] = api.sent
    assert sent["messages"] == [{"role": "user", "content": "An umbrella?"}]
    assert {name: sent[name] for name in DEFAULTS} == DEFAULTS


def test_a_default_can_be_changed_for_one_request(api: Any) -> None:
    ask(api.says("Rest."), "An umbrella?", max_tokens=100)
    assert api.sent[0]["max_tokens"] == 100
    assert DEFAULTS["max_tokens"] == 4000


def test_the_text_is_found_behind_the_thinking(api: Any) -> None:
    reply = ask(api.says([{"thinking": ""}, "In the ", "rest."]), "An umbrella?")
    assert whole_text(reply) == "In the rest."


def test_half_an_answer_is_no_answer(api: Any) -> None:
    cut = {"content": "In the", "stop_reason": "max_tokens"}
    with pytest.raises(IncompleteError, match="max_tokens"):
        whole_text(ask(api.says(cut), "An umbrella?"))


def test_the_prompt_names_every_bin() -> None:
    for name in ("paper", "glass", "organic", "rest"):
        assert name in DEFAULTS["system"]
