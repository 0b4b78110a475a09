"""The dated table against what can be asked today: the SDK's lists, the calendar, arithmetic."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import get_args

import anthropic
import pytest
from anthropic._constants import ANTHROPIC_API_VERSION, DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
from anthropic._data import DEPRECATED_MODELS
from anthropic.types import ModelInfo

from courseserver import facts, models

TODAY = date.today()
MODELS = pytest.mark.parametrize("row", facts.MODELS.values(), ids=lambda row: row.id)


def day(words: str) -> date:
    """The date in "June 15th, 2026", as the SDK writes it."""
    for ending in ("st", "nd", "rd", "th"):
        words = words.replace(f"{ending},", ",")
    return datetime.strptime(words, "%B %d, %Y").date()


def test_every_model_that_the_sdk_names_is_in_the_table() -> None:
    literal, _ = get_args(anthropic.types.Model)
    named = set(get_args(literal))
    assert len(named) > 15
    ours = facts.MODELS.keys() | facts.ALIASES.keys() | facts.RETIRED.keys() | set(facts.LIMITED)
    assert named <= ours, f"new in the SDK: {named - ours}"


def test_every_model_of_the_table_is_named_by_the_sdk() -> None:
    literal, _ = get_args(anthropic.types.Model)
    assert facts.MODELS.keys() | facts.ALIASES.keys() | set(facts.LIMITED) <= set(get_args(literal))


# Not in the table on purpose: older than the Messages API, or for invited organisations only.
LEFT_OUT = ("claude-1", "claude-instant", *facts.LIMITED)
ENDS = [(name, end) for name, end in DEPRECATED_MODELS.items() if not name.startswith(LEFT_OUT)]


@pytest.mark.parametrize(("name", "end"), ENDS)
def test_the_sdk_and_the_table_agree_on_ends_of_life(name: str, end: str) -> None:
    if name in facts.RETIRED:
        assert facts.RETIRED[name][0] == day(end)
    else:
        row = facts.model(name)
        assert row.deprecated and row.retires_not_before == day(end)


def test_a_model_that_the_table_calls_deprecated_is_so_in_the_sdk() -> None:
    ours = {row.id for row in facts.MODELS.values() if row.deprecated}
    assert ours and ours <= DEPRECATED_MODELS.keys()


@MODELS
def test_prices_keep_the_published_ratios(row: facts.Model) -> None:
    reads = {"claude-fable-5-2": 0.025, "claude-fable-5-1": 0.025}
    reads |= {"claude-opus-5-5": 0.05, "claude-sonnet-5-5": 0.05}
    for prices in {row.prices(), row.prices(facts.LONG_PROMPT_TOKENS + 1)}:
        assert prices.output == pytest.approx(5 * prices.input)
        assert prices.write_5m == pytest.approx(1.25 * prices.input)
        assert prices.write_1h == pytest.approx(2 * prices.input)
        assert prices.read == pytest.approx(reads.get(row.id, 0.1) * prices.input)


def test_only_haiku_5_5_asks_more_for_a_long_prompt() -> None:
    two = [row for row in facts.MODELS.values() if row.prices(100_000) != row.prices(100_001)]
    assert [row.id for row in two] == ["claude-haiku-5-5"]
    assert two[0].prices(100_001) == facts.Prices(0.5, 2.5, 0.625, 1.0, 0.05)


@MODELS
def test_a_row_does_not_contradict_itself(row: facts.Model) -> None:
    assert set(row.efforts) <= set(facts.EFFORTS) and set(row.thinking) <= set(facts.THINKING)
    assert row.default_effort in (*row.efforts, None) and bool(row.efforts) == bool(
        row.default_effort
    )
    assert row.max_output < row.window and row.window in facts.PDF_MAX_PAGES
    assert row.default_display in {"omitted", "summarized"}
    if row.released and row.retires_not_before:
        assert timedelta(360) < row.retires_not_before - row.released < timedelta(500)


@MODELS
def test_a_row_reads_as_the_sdks_model_info(row: facts.Model) -> None:
    info = ModelInfo.model_validate(models.entry(row))
    assert info.display_name == row.name and info.max_tokens == row.max_output
    assert info.capabilities and info.capabilities.effort.supported == bool(row.efforts)
    extra = models.entry(row).keys() - ModelInfo.model_fields.keys()
    assert not extra and "None" not in row.name


def test_names_read_as_people_write_them() -> None:
    assert facts.model("claude-haiku-4-5").name == "Claude Haiku 4.5"
    assert facts.model("claude-opus-5").name == "Claude Opus 5"


def test_aliases_lead_to_rows_and_nothing_is_listed_twice() -> None:
    assert facts.ALIASES["claude-haiku-4-5"] == "claude-haiku-4-5-20251001"
    assert set(facts.ALIASES.values()) <= facts.SERVED.keys()
    aliases = [name for name in facts.ALIASES if name not in facts.RETIRED]
    lists = [*facts.MODELS, *aliases, *facts.RETIRED, *facts.LIMITED]
    assert len(lists) == len(set(lists))


def test_a_model_on_its_last_day_is_served_and_counted_as_gone() -> None:
    for name in facts.SERVED.keys() - facts.MODELS.keys():
        assert str(facts.RETIRED[name][0]) == facts.AS_OF, "take the row away"
        assert facts.model(name).retires_not_before == facts.RETIRED[name][0]


def test_what_is_offered_in_place_of_a_retired_model_is_active() -> None:
    for gone, (when, instead) in facts.RETIRED.items():
        assert when <= date.fromisoformat(facts.AS_OF), gone
        assert not facts.MODELS[instead].deprecated, instead


def test_the_courses_model_stays_for_ninety_days_and_more() -> None:
    ends = facts.model(facts.MODEL).retires_not_before
    assert facts.MODEL not in DEPRECATED_MODELS
    assert ends and ends - TODAY > timedelta(90), f"{facts.MODEL} may go on {ends}: choose anew"


def test_every_row_was_served_on_the_tables_day() -> None:
    for row in facts.MODELS.values():
        ends = row.retires_not_before
        assert not (row.deprecated and ends and ends < date.fromisoformat(facts.AS_OF)), row.id


def test_an_unknown_id_is_answered_with_a_sentence() -> None:
    newer = facts.RETIRED["claude-3-7-sonnet-latest"][1]
    with pytest.raises(KeyError, match=f"retired on 2026-02-19.*{newer!r}"):
        facts.model("claude-3-7-sonnet-latest")
    with pytest.raises(KeyError, match="no model has this id"):
        facts.model("claude-sonet-5-5")


def test_the_numbers_about_the_sdk_are_the_sdks() -> None:
    lock = (Path(__file__).parents[2] / "requirements.txt").read_text(encoding="utf-8")
    assert f"\nanthropic=={facts.SDK_MAJOR}." in lock
    assert str(ANTHROPIC_API_VERSION) == facts.API_VERSION
    assert facts.DEFAULT_RETRIES == DEFAULT_MAX_RETRIES
    assert DEFAULT_TIMEOUT.read == facts.DEFAULT_TIMEOUT_SECONDS
    assert DEFAULT_TIMEOUT.connect == 5  # the glossary says so
    client = anthropic.Anthropic(api_key="none")
    turns: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hi"}]
    most = facts.NONSTREAMING_MAX_TOKENS
    assert client._calculate_nonstreaming_timeout(most, None)
    with pytest.raises(ValueError, match="Streaming is required"):
        client.messages.create(model=facts.MODEL, max_tokens=most + 1, messages=turns)


def test_the_limits_that_the_sdk_states_are_the_sdks() -> None:
    types = Path(anthropic.types.__file__).parent
    told = (types / "message_create_params.py").read_text(encoding="utf-8")
    assert f"limit of {facts.MAX_MESSAGES:,} messages" in told
    told = (types / "thinking_config_enabled_param.py").read_text(encoding="utf-8")
    assert f"≥{facts.MIN_THINKING_BUDGET}" in told


def test_the_table_loads_nothing_heavy() -> None:
    code = (
        "import sys, courseserver.facts; "
        "sys.exit(str({'anthropic', 'pydantic', 'httpx2', 'IPython'} & set(sys.modules) or ''))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr.strip(), done.stderr
