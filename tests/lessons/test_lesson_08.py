"""The stored ledgers of lesson 08, and what a learner sees who changes its requests.

It reads the notebook's outputs and works the cents out again from prices written down here, and it
sends the lesson's requests, changed, to a server that plays its recording. It must not run the
notebook: that the outputs are true is nbval's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import anthropic
import pytest

from courseserver import estimate, facts
from courseserver.recordings import Recordings
from tests.support import ROOT, client, serving, text_of

NOTEBOOK = ROOT / "notebooks" / "08_prompt_caching.ipynb"
RULES = ROOT / "notebooks" / "data" / "house_rules.md"
RECORDING = ROOT / "recordings" / "08_prompt_caching.json"
HEAD = "| request | fresh | written | read | input, US cents |"
PRICES = facts.model(facts.MODEL).prices()  # USD per million tokens
INPUT, WRITE_5M, WRITE_1H, READ = PRICES.input, PRICES.write_5m, PRICES.write_1h, PRICES.read
CENTS = 100 / 1_000_000  # US cents for a token of one dollar per million
ROUNDED = 0.005 + 1e-9


class Row(NamedTuple):
    """A line of a ledger: tokens of each kind of input, and the cents that stand beside them."""

    fresh: int
    written: int
    read: int
    cents: float

    @property
    def worked_out(self) -> float:
        """The cents by the prices above."""
        return CENTS * (self.fresh * INPUT + self.written * WRITE_5M + self.read * READ)


@cache
def outputs() -> tuple[str, ...]:
    """The Markdown and the text of every stored output, in order."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [o.get("text") or o.get("data", {}).get("text/markdown", []) for o in shown]
    return tuple("".join(text) for text in texts)


def table(head: str) -> list[list[str]]:
    """The cells of the one table with this head, line by line."""
    (found,) = tables(head)
    return found


def tables(head: str) -> list[list[list[str]]]:
    """Every table with this head: its lines, cell by cell."""
    found = []
    for text in outputs():
        lines = text.splitlines()
        if lines and lines[0] == head:
            found.append(
                [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
            )
    return found


def ledgers() -> list[list[tuple[str, Row]]]:
    """Every ledger: name and numbers of each request."""
    return [[(name, row(numbers)) for name, *numbers in lines] for lines in tables(HEAD)]


def row(cells: list[str]) -> Row:
    """The numbers of a line: three counts of tokens, and cents."""
    fresh, written, read, cents = (float(cell.replace(",", "")) for cell in cells)
    return Row(int(fresh), int(written), int(read), cents)


def four_requests() -> list[Row]:
    """The first ledger."""
    return [line for _, line in ledgers()[0]]


def named(name: str) -> list[Row]:
    """The lines of all ledgers that are called so, in order."""
    return [line for ledger in ledgers() for called, line in ledger if called == name]


def test_the_first_ledger_has_four_requests() -> None:
    assert [name[:2] for name, _ in ledgers()[0]] == ["1.", "2.", "3.", "4."]


def test_the_request_without_a_mark_neither_wrote_nor_read() -> None:
    unmarked = four_requests()[0]
    assert (unmarked.written, unmarked.read) == (0, 0)
    assert unmarked.fresh > 4_096


def test_request_3_read_what_request_2_had_written() -> None:
    _, second, third, _ = four_requests()
    assert second.read == third.written == 0
    assert third.read == second.written > 4_096


def test_request_4_read_nothing_and_wrote_as_much_as_request_2() -> None:
    _, second, _, fourth = four_requests()
    assert fourth.read == 0
    assert fourth.written == second.written


def test_each_request_has_the_same_whole_input() -> None:
    assert len({line.fresh + line.written + line.read for line in four_requests()}) == 1


def test_the_cents_of_every_ledger_follow_from_its_tokens(covers: Callable[[str], None]) -> None:
    lines = [line for ledger in ledgers() for line in ledger]
    for name, line in lines:
        assert abs(line.cents - line.worked_out) <= ROUNDED, name
    covers(f"lesson 08: {len(lines)} lines in {len(ledgers())} ledgers worked out again")
    assert len(lines) > 15


def test_the_bill_by_hand_is_the_bill_of_cost() -> None:
    by_hand = [re.search(r"by hand (\S+) cents, by cost\(\) (\S+) cents", o) for o in outputs()]
    (found,) = filter(None, by_hand)
    hand, by_cost = map(float, found.groups())
    assert hand == by_cost == pytest.approx(four_requests()[2].worked_out, abs=5e-5)


def test_a_clock_in_front_never_reads_and_costs_more_than_no_cache() -> None:
    front, behind = named("clock in front"), named("clock after the mark")
    assert len(front) == len(behind) == 3
    assert all(line.read == 0 for line in front)
    no_cache = CENTS * INPUT * sum(line.fresh + line.written for line in front)
    assert sum(line.worked_out for line in front) > no_cache
    assert sum(line.worked_out for line in behind) < no_cache
    assert [line.read for line in behind] == [0, behind[0].written, behind[0].written]


def test_the_tables_of_calls_and_of_gaps_follow_from_the_prices() -> None:
    size = four_requests()[0].fresh
    ways = [(INPUT, INPUT), (WRITE_5M, READ), (WRITE_1H, READ)]
    for calls, *cents in table("| calls | no cache | 5 minutes | 1 hour |"):
        for shown, (first, later) in zip(cents, ways, strict=True):
            assert abs(float(shown) - CENTS * size * (first + (int(calls) - 1) * later)) <= ROUNDED
    lives = [(INPUT, 0), (WRITE_5M, 5), (WRITE_1H, 60)]
    for gap, *dollars in table("| minutes between calls | no cache | 5 minutes | 1 hour |"):
        number = 480 // int(gap)
        for shown, (first, minutes) in zip(dollars, lives, strict=True):
            writes = 1 if int(gap) < minutes else number
            paid = size * (writes * first + (number - writes) * READ) / 1_000_000
            assert abs(float(shown) - paid) <= ROUNDED, gap


# --- what a learner tries in a cell of their own --------------------------------------------

ROLE = "You answer {} of a town library, in one or two sentences."
MARK: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
HOUR: dict[str, Any] = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
DRILL = "I borrowed a drill on Thursday. When is it due, and can I renew it?"
SAW = "I borrowed a saw on Thursday. When is it due, and can I renew it?"


@pytest.fixture
def lesson() -> Iterator[anthropic.Anthropic]:
    """A client of a server at the beginning of lesson 08."""
    with serving() as server:
        text = RECORDING.read_text(encoding="utf-8")
        server.backend.start(Recordings.parse(text, RECORDING.stem))
        yield client(server.url)


def rules_at(where: str, end: str = "", **mark: Any) -> dict[str, Any]:
    text = f"{ROLE.format(where)}\n\n{RULES.read_text(encoding='utf-8')}{end}"
    return {"type": "text", "text": text, **mark}


def cached(sdk: anthropic.Anthropic, system: Any, question: Any, **more: Any) -> tuple[int, int]:
    """Send what a learner's cell sends; tokens written and read."""
    turn: Any = {"role": "user", "content": question}
    asked = {"model": facts.MODEL, "max_tokens": 2_000, **more}
    used = sdk.messages.create(system=[system], messages=[turn], **asked).usage
    return used.cache_creation_input_tokens or 0, used.cache_read_input_tokens or 0


def test_a_cell_of_ones_own_writes_at_first_and_reads_from_then_on(lesson: Any) -> None:
    for end in ("", ","):
        desk = rules_at("at the desk", end, **MARK)
        written, read = cached(lesson, desk, DRILL)
        assert written > 4_096 and read == 0
        assert [cached(lesson, desk, DRILL), cached(lesson, desk, DRILL)] == [(0, written)] * 2


def test_another_question_reads_the_rules_whatever_is_asked(lesson: Any) -> None:
    desk = rules_at("at the desk", **MARK)
    written, _ = cached(lesson, desk, DRILL)
    for question in (SAW, "What does a lost card cost?", "Darf mein Hund mit hinein?"):
        assert cached(lesson, desk, question) == (0, written)
    assert cached(lesson, desk, SAW, max_tokens=20) == (0, written)


def test_the_mark_one_block_further_reads_the_rules_and_writes_the_question(lesson: Any) -> None:
    rules, _ = cached(lesson, rules_at("at the desk", **MARK), DRILL)
    question = [{"type": "text", "text": DRILL, **MARK}]
    written, read = cached(lesson, rules_at("at the desk"), question)
    assert 0 < written < 100 and read == rules
    assert cached(lesson, rules_at("at the desk"), question) == (0, rules + written)


def test_a_mark_for_an_hour_is_written_for_an_hour(lesson: Any) -> None:
    turn: Any = {"role": "user", "content": "How do I get to the large room?"}
    system: Any = [rules_at("at the counter", **HOUR)]
    reply = lesson.messages.create(
        model=facts.MODEL, max_tokens=2_000, system=system, messages=[turn]
    )
    assert reply.usage.cache_creation.ephemeral_1h_input_tokens > 4_096
    assert "lift" in text_of(reply)


def test_the_house_rules_are_long_enough_for_every_model_with_the_newer_tokenizer() -> None:
    text = RULES.read_text(encoding="utf-8")
    assert estimate.text_tokens(text) > 4_096
    newer = [m.min_cacheable or 0 for m in facts.MODELS.values() if m.high_res_images]
    assert estimate.text_tokens(text) > max(newer)


def test_the_sections_of_the_house_rules_are_numbered_without_a_gap() -> None:
    text = RULES.read_text(encoding="utf-8")
    sections = [int(n) for n in re.findall(r"^## (\d+) ", text, re.MULTILINE)]
    assert sections == list(range(1, len(sections) + 1))
    for section in sections:
        points = [int(n) for n in re.findall(rf"^{section}\.(\d+) ", text, re.MULTILINE)]
        assert points == list(range(1, len(points) + 1)), section


def test_the_house_rules_point_only_to_rules_that_exist() -> None:
    text = RULES.read_text(encoding="utf-8")
    there = set(re.findall(r"^(\d+\.\d+) ", text, re.MULTILINE))
    named = set(re.findall(r"(?<!^)(?<![\d:.])(\d{1,2}\.\d{1,2})(?![\d:])", text, re.MULTILINE))
    assert {"5.3", "6.6"} <= named - {"4.0"} <= there  # 4.0: the licence in the last line
