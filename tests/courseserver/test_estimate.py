"""Token estimates against counts of the real API that others published (wire.md, 2025 and 2026)."""

from __future__ import annotations

from typing import Any

import pytest

from courseserver.estimate import request_tokens

JSON = dict[str, Any]
HAIKU, SONNET = "claude-haiku-4-5", "claude-sonnet-5"
FRANCE = "What is the capital of France?"
MANUAL = {"type": "enabled", "budget_tokens": 2_000}
FORCED = {"type": "tool", "name": "person"}
PERSON: JSON = {
    "name": "person",
    "description": "Record a person.",
    "input_schema": {"type": "object", "properties": {"name": {"type": "string"}}},
}


def asked(model: str, content: Any = FRANCE, **more: Any) -> int:
    """The estimate for one question."""
    return request_tokens({"model": model, "messages": [turn(content)], **more})


def turn(content: Any) -> JSON:
    return {"role": "user", "content": content}


def built_in(kind: str, name: str) -> JSON:
    return {"tools": [{"type": kind, "name": name}]}


@pytest.mark.parametrize(
    ("model", "more", "real"),
    [
        (HAIKU, {}, 14),
        (HAIKU, {"thinking": MANUAL}, 43),
        (HAIKU, built_in("memory_20250818", "memory"), 1_581),
        (HAIKU, built_in("web_search_20250305", "web_search"), 2_235),
        ("claude-sonnet-4-6", built_in("web_search_20250305", "web_search"), 2_040),
        ("claude-opus-4-6", built_in("computer_20251124", "computer"), 1_900),
        (SONNET, built_in("web_fetch_20250910", "web_fetch"), 1_150),
    ],
)
def test_an_estimate_is_within_a_tenth_of_what_was_counted(
    model: str, more: JSON, real: int
) -> None:
    assert asked(model, **more) == pytest.approx(real, rel=0.11)


@pytest.mark.parametrize(("model", "more"), [(HAIKU, 94), (SONNET, 193)])
def test_a_forced_call_costs_a_longer_hidden_prompt(model: str, more: int) -> None:
    offered = asked(model, tools=[PERSON])
    forced = asked(model, tools=[PERSON], tool_choice=FORCED)
    assert forced - offered == more
    assert asked(model, tools=[PERSON], tool_choice={"type": "any"}) == forced


def test_one_call_at_a_time_costs_a_shorter_one_on_older_models() -> None:
    single = {"type": "auto", "disable_parallel_tool_use": True}
    less = asked(HAIKU, tools=[PERSON]) - asked(HAIKU, tools=[PERSON], tool_choice=single)
    assert less == 205


def test_manual_thinking_costs_more_beside_tools() -> None:
    beside = asked(HAIKU, tools=[PERSON], thinking=MANUAL) - asked(HAIKU, tools=[PERSON])
    assert beside == 170


@pytest.mark.parametrize("source", [{"type": "url", "url": "https://x.org/a.pdf"},
                                    {"type": "file", "file_id": "file_1"}])  # fmt: skip
def test_a_document_that_nobody_here_can_read_counts_as_a_page(source: JSON) -> None:
    document = [{"type": "document", "source": source}]
    assert 1_600 < asked(HAIKU, document) < 2_700


def test_the_texts_of_a_document_count() -> None:
    def of(*texts: str) -> int:
        held = [{"type": "text", "text": text} for text in texts]
        return asked(HAIKU, [{"type": "document", "source": {"type": "content", "content": held}}])

    assert of(FRANCE, FRANCE) > of(FRANCE) > of("x")


def test_a_schema_costs_the_same_under_its_old_name() -> None:
    form = {"type": "json_schema", "schema": PERSON["input_schema"]}
    new = asked(SONNET, output_config={"format": form})
    assert asked(SONNET, output_format=form) == new > asked(SONNET) + 85
