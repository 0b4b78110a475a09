"""The arithmetic of prices: usage times the table, checked with numbers worked out by hand.

The prices below are written out again on purpose, from the documentation as of 21 November 2026:
a slip in the table and the same slip here would have to happen twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest
from anthropic.types import CacheCreation, Usage

from courseserver.estimate import request_tokens
from courseserver.journal import Entry
from courseserver.values import Reply
from helpers import cost, facts, ledger, staged
from helpers._cost import Cost, cost_before, dollars
from helpers._setup import course_server
from tests.support import HELLO, client, exchange, recordings, request, said

JSON = dict[str, Any]
MILLION = 1_000_000

# USD per million tokens: input, output, cache write for 5 minutes and for an hour, cache read.
PRICES = {
    "claude-fable-5-2": (8, 40, 10, 16, 0.20),
    "claude-fable-5-1": (10, 50, 12.5, 20, 0.25),
    "claude-opus-5-5": (4, 20, 5, 8, 0.20),
    "claude-sonnet-5-5": (2, 10, 2.5, 4, 0.10),
    "claude-haiku-5-5": (0.10, 0.50, 0.125, 0.20, 0.01),
    "claude-opus-5": (5, 25, 6.25, 10, 0.50),
    "claude-sonnet-5": (2, 10, 2.5, 4, 0.20),
    "claude-fable-5": (10, 50, 12.5, 20, 1),
    "claude-opus-4-8": (5, 25, 6.25, 10, 0.50),
    "claude-opus-4-7": (5, 25, 6.25, 10, 0.50),
    "claude-sonnet-4-6": (3, 15, 3.75, 6, 0.30),
    "claude-opus-4-6": (5, 25, 6.25, 10, 0.50),
    "claude-opus-4-5-20251101": (5, 25, 6.25, 10, 0.50),
    "claude-haiku-4-5-20251001": (1, 5, 1.25, 2, 0.10),
}
ROW = facts.Prices(*PRICES[facts.MODEL])
BY_HAND = (1_000 * ROW.input + 100 * ROW.output) / MILLION  # USD for 1,000 tokens in, 100 out
LONG_HAIKU = (0.50, 2.50, 0.625, 1.00, 0.05)  # Haiku 5.5 above 100,000 prompt tokens


def usage(
    fresh: int = 0, out: int = 0, write_5m: int = 0, write_1h: int = 0, read: int = 0
) -> JSON:
    """A usage as the API sends it."""
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": write_5m + write_1h,
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": write_5m,
            "ephemeral_1h_input_tokens": write_1h,
        },
        "output_tokens": out,
    }


def as_object(plain: JSON) -> Usage:
    """The same as the SDK's object."""
    return Usage.model_validate(plain)


# --- every price of every model -------------------------------------------------------------


def test_every_model_of_the_table_has_its_prices_checked(covers: Callable[[str], None]) -> None:
    assert set(PRICES) == set(facts.MODELS)
    covers(f"prices: {len(PRICES)} models, five prices each, and Haiku 5.5's second band")


@pytest.mark.parametrize("model", PRICES)
def test_each_kind_of_token_costs_its_price_per_million(model: str) -> None:
    """On 10,000 tokens, well inside the first band."""
    fresh, out, write_5m, write_1h, read = PRICES[model]
    few = 10_000
    for kind, price in {"fresh": fresh, "out": out, "write_5m": write_5m, "write_1h": write_1h,
                        "read": read}.items():  # fmt: skip
        found = cost(usage(**{kind: few}), model)
        assert found.total == pytest.approx(price * few / MILLION), kind


@pytest.mark.parametrize("model", PRICES)
def test_cache_prices_stand_in_their_fixed_relation_to_the_input_price(model: str) -> None:
    row = facts.MODELS[model]
    assert row.write_5m == pytest.approx(row.input * 1.25)
    assert row.write_1h == pytest.approx(row.input * 2)
    assert row.read < row.input


@pytest.mark.parametrize("alias", facts.ALIASES)
def test_an_alias_costs_what_its_model_costs(alias: str) -> None:
    plain = usage(fresh=1_000, out=1_000)
    assert cost(plain, alias) == cost(plain, facts.ALIASES[alias])


# --- sums -----------------------------------------------------------------------------------


def test_the_parts_are_named_and_add_up() -> None:
    """Sonnet 5.5, by hand: 0.002 + 0.0125 + 0.008 + 0.004 + 0.01 dollars."""
    found = cost(
        usage(1_000, 1_000, write_5m=5_000, write_1h=2_000, read=40_000), "claude-sonnet-5-5"
    )
    assert found.input == pytest.approx(0.002)
    assert found.cache_writes == pytest.approx(0.0125 + 0.008)
    assert found.cache_reads == pytest.approx(0.004)
    assert found.output == pytest.approx(0.01)
    assert found.total == pytest.approx(0.0365)


def test_costs_can_be_added() -> None:
    one, two = (
        cost(usage(fresh=MILLION), "claude-opus-5"),
        cost(usage(out=MILLION), "claude-opus-5"),
    )
    assert (one + two) == Cost(input=5, output=25)
    assert sum([one, two], Cost()).total == 30


@pytest.mark.parametrize("model", PRICES)
def test_a_batch_costs_half_in_every_part(model: str) -> None:
    whole = usage(1_000, 1_000, 1_000, 1_000, 1_000)
    full, half = cost(whole, model), cost(whole, model, batch=True)
    for part in ("input", "cache_writes", "cache_reads", "output", "total"):
        assert getattr(half, part) == pytest.approx(getattr(full, part) / 2)


def test_thinking_is_part_of_the_output_and_not_paid_twice() -> None:
    plain = usage(fresh=10, out=500)
    thinking = {**plain, "output_tokens_details": {"thinking_tokens": 400}}
    assert cost(thinking, "claude-opus-5-5") == cost(plain, "claude-opus-5-5")


# --- Haiku 5.5's two bands ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "prices"),
    [
        ({"fresh": 100_000}, PRICES["claude-haiku-5-5"]),
        ({"fresh": 100_001}, LONG_HAIKU),
        ({"fresh": 1, "read": 99_999}, PRICES["claude-haiku-5-5"]),
        ({"fresh": 1, "read": 100_000}, LONG_HAIKU),
        ({"fresh": 1, "write_5m": 50_000, "read": 49_999}, PRICES["claude-haiku-5-5"]),
        ({"fresh": 2, "write_5m": 50_000, "read": 49_999}, LONG_HAIKU),
        ({"fresh": 1, "write_1h": 100_000}, LONG_HAIKU),
    ],
    ids=str,
)
def test_a_long_prompt_pays_the_second_band_for_everything_and_caches_count(
    tokens: dict[str, int], prices: tuple[float, ...]
) -> None:
    used = {"fresh": 0, "out": 1_000, "write_5m": 0, "write_1h": 0, "read": 0} | tokens
    order = ("fresh", "out", "write_5m", "write_1h", "read")
    by_hand = sum(used[kind] * price for kind, price in zip(order, prices, strict=True)) / MILLION
    assert cost(usage(**used), "claude-haiku-5-5").total == pytest.approx(by_hand)


def test_the_output_does_not_count_towards_the_band() -> None:
    long_answer = cost(usage(fresh=90_000, out=64_000), "claude-haiku-5-5")
    assert long_answer.total == pytest.approx((90_000 * 0.10 + 64_000 * 0.50) / MILLION)


@pytest.mark.parametrize("model", [name for name in PRICES if name != "claude-haiku-5-5"])
def test_no_other_model_has_a_second_band(model: str) -> None:
    twice = cost(usage(fresh=400_000), model).total
    assert twice == pytest.approx(2 * cost(usage(fresh=200_000), model).total)


# --- what may be given ----------------------------------------------------------------------


def test_a_dict_and_the_sdks_object_cost_the_same() -> None:
    plain = usage(1_000, 2_000, 3_000, 4_000, 5_000)
    assert cost(plain, "claude-opus-5-5") == cost(as_object(plain), "claude-opus-5-5")


def test_fields_that_are_none_or_missing_count_as_nothing() -> None:
    bare = Usage(input_tokens=1_000, output_tokens=0)
    assert bare.cache_creation is None and bare.cache_read_input_tokens is None
    assert cost(bare, "claude-sonnet-5-5").total == pytest.approx(0.002)
    assert cost({"input_tokens": 1_000}, "claude-sonnet-5-5").total == pytest.approx(0.002)
    nothing: JSON = dict.fromkeys(usage(), None)
    assert cost(nothing, "claude-sonnet-5-5").total == 0


def test_cache_writes_without_their_split_are_taken_as_five_minutes() -> None:
    plain = {"cache_creation_input_tokens": 1_000}
    assert cost(plain, "claude-sonnet-5-5").total == pytest.approx(0.0025)
    split = Usage(
        input_tokens=0,
        output_tokens=0,
        cache_creation_input_tokens=1_000,
        cache_creation=CacheCreation(ephemeral_5m_input_tokens=0, ephemeral_1h_input_tokens=1_000),
    )
    assert cost(split, "claude-sonnet-5-5").total == pytest.approx(0.004)


def test_a_whole_reply_brings_its_model_along() -> None:
    with client(staged(replies=[{"content": "x", "usage": usage(fresh=1_000, out=100)}])) as sdk:
        reply = sdk.messages.create(**HELLO)
        with sdk.messages.stream(**HELLO) as stream:
            streamed = stream.get_final_message()
    assert cost(reply).total == pytest.approx(BY_HAND)
    assert cost(streamed) == cost(reply)
    assert cost(reply, "claude-opus-5").total == pytest.approx(0.0075)


def test_a_usage_alone_asks_for_the_model_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="needs the model"):
        cost(usage(fresh=1))


@pytest.mark.parametrize("name", ["claude-does-not-exist", "claude-3-opus-20240229", "gpt"])
def test_a_model_without_a_price_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ValueError) as raised:
        cost(usage(fresh=1), name)
    assert str(raised.value).startswith("There is no price for '")
    assert facts.MODEL in str(raised.value)


def test_a_retired_model_is_said_to_be_retired() -> None:
    with pytest.raises(ValueError, match="retired on 2026-01-05"):
        cost(usage(fresh=1), "claude-3-opus-20240229")


# --- how dollars read -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (0, "$0.00"), (0.00041, "$0.00041"), (0.000041, "$0.000041"), (0.0123, "$0.012"),
        (0.05, "$0.050"), (0.27, "$0.27"), (0.999, "$1.00"), (1, "$1.00"), (12.5, "$12.50"),
        (1234.5, "$1,234.50"), (0.1, "$0.10"), (0.0099, "$0.0099"), (1e-12, "$0.000000000"),
    ],
)  # fmt: skip
def test_dollars_have_two_digits_that_say_something(usd: float, shown: str) -> None:
    assert dollars(usd) == shown


def test_a_cost_reads_about_and_names_what_was_paid_for() -> None:
    found = cost(usage(fresh=1_000, out=100, read=10_000), "claude-sonnet-5-5")
    assert repr(found) == "about $0.0040 (input $0.0020, cache reads $0.0010, output $0.0010)"
    assert repr(Cost()) == "about $0.00"


# --- the ledger -----------------------------------------------------------------------------


@pytest.fixture
def lesson(monkeypatch: pytest.MonkeyPatch) -> Iterator[anthropic.Anthropic]:
    """A lesson of this process with two recorded questions, and a client for it."""
    server = course_server()
    server.backend.replay.start(
        recordings(
            exchange("one", said("one"), {"content": "x", "usage": usage(fresh=1_000, out=100)}),
            exchange(
                "two", said("two"), {"content": "x", "usage": usage(500, 50, 0, 2_000, 4_000)}
            ),
        )
    )
    monkeypatch.setattr(server.backend.account, "key", None)
    with client(server.url) as sdk:
        yield sdk


def test_the_ledger_adds_up_calls_tokens_and_dollars(lesson: anthropic.Anthropic) -> None:
    for text in ("one", "two", "two"):
        lesson.messages.create(**said(text))
    again = 500 * ROW.input + 50 * ROW.output + 2_000 * ROW.write_1h + 4_000 * ROW.read
    usd = BY_HAND + 2 * again / MILLION
    assert ledger.totals() == {
        "calls": 3,
        "input_tokens": 1_000 + 2 * 6_500,
        "output_tokens": 100 + 2 * 50,
        "usd": pytest.approx(usd),
    }
    assert repr(ledger) == f"3 calls, 14,000 tokens in, 200 out, about {dollars(usd)}"


def test_staged_replies_cost_nothing_and_stand_in_no_ledger(lesson: anthropic.Anthropic) -> None:
    lesson.messages.create(**said("one"))
    with client(staged(replies=["free"])) as sdk:
        sdk.messages.create(**said("one"))
    assert ledger.totals()["calls"] == 1


def test_a_refused_call_counts_as_a_call_and_costs_nothing(lesson: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        lesson.messages.create(**{**HELLO, "model": "claude-does-not-exist"})
    assert ledger.totals() == {"calls": 1, "input_tokens": 0, "output_tokens": 0, "usd": 0}


def test_a_streamed_call_counts_like_a_plain_one(lesson: anthropic.Anthropic) -> None:
    reply = {"content": "x", "usage": usage(fresh=1_000, out=100)}
    streamed = exchange("one", {**said("one"), "stream": True}, reply)
    course_server().backend.replay.start(recordings(streamed))
    with lesson.messages.stream(**said("one")) as stream:
        stream.until_done()
    assert ledger.totals()["usd"] == pytest.approx(BY_HAND)


def test_a_model_without_a_price_is_named_and_the_rest_is_added_up(
    lesson: anthropic.Anthropic,
) -> None:
    """A gateway's own model in a live run, and one whose usage says nothing of the output."""
    lesson.messages.create(**said("one"))
    for used in (usage(fresh=7, out=5), {"input_tokens": 1}):
        asked = request(said("one", model="gateway-model"))
        reply = Reply(200, {}, (), usage=used)
        course_server().backend.journal.add(Entry(asked, reply))
    sums = ledger.totals()
    assert (sums["calls"], sums["input_tokens"], sums["output_tokens"]) == (3, 1_008, 105)
    assert sums["usd"] == pytest.approx(BY_HAND)
    assert sums["no_price"] == ["gateway-model"]
    assert repr(ledger).endswith(
        f"about {dollars(BY_HAND)}, and no price is known for gateway-model"
    )


def test_an_empty_ledger_reads_well(lesson: anthropic.Anthropic) -> None:
    assert repr(ledger) == "0 calls, 0 tokens in, 0 out, about $0.00"
    assert ledger.totals()["calls"] == 0


# --- before a request is sent ---------------------------------------------------------------


def test_the_price_before_sending_is_the_price_of_a_reply_with_these_tokens() -> None:
    body = said("word " * 120_000, model="claude-haiku-5-5", max_tokens=64_000)
    tokens = request_tokens(body)
    assert tokens > 100_000
    most = cost_before(body, output_tokens=64_000)
    assert most == cost(usage(fresh=tokens, out=64_000), "claude-haiku-5-5")
    assert cost_before(body) == Cost(input=most.input)


def test_a_batch_costs_half_before_it_is_sent_and_nothing_for_what_is_refused() -> None:
    params = [HELLO, {**HELLO, "model": "claude-opus-4-5"}]
    refused = [{**HELLO, "model": "claude-2.1"}, {**HELLO, "temperature": 0}]
    asked = [{"custom_id": str(at), "params": each} for at, each in enumerate(params + refused)]
    alone = sum((cost_before(each, output_tokens=50) for each in params), Cost())
    found = cost_before({"requests": asked}, output_tokens=50)
    assert found.total == pytest.approx(alone.total / 2)
    assert found.output == pytest.approx(50 * (ROW.output + 25) / 2 / MILLION)


def test_a_model_that_is_gone_has_no_price_before_sending_either() -> None:
    with pytest.raises(ValueError, match=r"There is no price for 'claude-2\.1'"):
        cost_before(said("Hello", model="claude-2.1"))
