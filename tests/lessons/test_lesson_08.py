"""The stored ledgers of lesson 08: what each run read and wrote, and that the bill adds up.

It reads the notebook's outputs and works the dollars out again from prices written down here. It
must not run the notebook: that the outputs are true is nbval's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pytest

from courseserver import estimate, facts
from tests.support import ROOT

NOTEBOOK = ROOT / "notebooks" / "08_prompt_caching.ipynb"
RULES = ROOT / "notebooks" / "data" / "house_rules.md"
HEAD = "| run | fresh | written | read | output | USD |"
# USD per million tokens on claude-sonnet-5-5, prompt-caching page, November 2026.
INPUT, WRITE_5M, READ, OUTPUT = 2, 2.5, 0.1, 10


class Row(NamedTuple):
    """A line of a ledger: tokens of each kind, and the dollars that stand beside them."""

    fresh: int
    written: int
    read: int
    output: int
    usd: float

    @property
    def worked_out(self) -> float:
        """The dollars by the prices above."""
        paid = self.fresh * INPUT + self.written * WRITE_5M + self.read * READ
        return (paid + self.output * OUTPUT) / 1_000_000


@cache
def outputs() -> tuple[str, ...]:
    """The Markdown and the text of every stored output, in order."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [o.get("text") or o.get("data", {}).get("text/markdown", []) for o in shown]
    return tuple("".join(text) for text in texts)


def ledgers() -> list[dict[str, Row]]:
    """Every table with the columns of a ledger: its rows by name."""
    found = []
    for text in outputs():
        lines = text.splitlines()
        if lines and lines[0] == HEAD:
            cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
            whole = [line for line in cells if all(line)]  # "no cache" has dollars alone
            found.append({name: row(numbers) for name, *numbers in whole})
    return found


def row(cells: list[str]) -> Row:
    """The numbers of a line: four counts of tokens, one of dollars."""
    fresh, written, read, output, usd = (float(cell.replace(",", "")) for cell in cells)
    return Row(int(fresh), int(written), int(read), int(output), usd)


def four_runs() -> list[Row]:
    """The first ledger: four runs, and their sum in the last line."""
    return list(ledgers()[0].values())


def test_the_first_ledger_has_four_runs_and_a_sum() -> None:
    assert [name[:2] for name in ledgers()[0]] == ["1.", "2.", "3.", "4.", "su"]


def test_the_control_run_neither_wrote_nor_read() -> None:
    control = four_runs()[0]
    assert (control.written, control.read) == (0, 0)
    assert control.fresh > 4_096


def test_run_3_read_what_run_2_had_written() -> None:
    _, second, third, *_ = four_runs()
    assert second.read == third.written == 0
    assert third.read == second.written > 4_096


def test_run_4_read_nothing_and_wrote_as_much_as_run_2() -> None:
    _, second, _, fourth, _ = four_runs()
    assert fourth.read == 0
    assert fourth.written == second.written


def test_each_run_has_the_same_whole_input() -> None:
    *runs, _ = four_runs()
    assert len({run.fresh + run.written + run.read for run in runs}) == 1


def test_the_dollars_of_every_ledger_follow_from_its_tokens(covers: Callable[[str], None]) -> None:
    lines = [(name, line) for ledger in ledgers() for name, line in ledger.items()]
    for name, line in lines:
        assert line.usd == pytest.approx(line.worked_out, abs=5e-8), name
    covers(f"lesson 08: {len(lines)} lines in {len(ledgers())} ledgers worked out again")
    assert len(lines) > 20


def test_the_sum_is_the_sum_of_the_runs_in_each_column() -> None:
    *runs, total = four_runs()
    for column in range(4):
        assert sum(run[column] for run in runs) == total[column]
    assert sum(run.usd for run in runs) == pytest.approx(total.usd, abs=5e-8)


def test_the_lesson_itself_says_that_it_is_off_by_nothing() -> None:
    by_hand = [re.match(r"by hand (\S+), by cost\(\) (\S+): off by (\S+)", o) for o in outputs()]
    (found,) = filter(None, by_hand)
    hand, by_cost, off = map(float, found.groups())
    assert hand == by_cost == four_runs()[-1].usd
    assert off == 0


def test_a_clock_in_front_never_reads_and_costs_more_than_no_cache() -> None:
    lines = {name: line for ledger in ledgers() for name, line in ledger.items()}
    front, behind = lines["clock in front"], lines["clock behind"]
    no_cache = (front.fresh + front.written) * INPUT + front.output * OUTPUT
    assert front.read == 0
    assert front.usd > no_cache / 1_000_000 > behind.usd
    assert behind.read == 2 * behind.written


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
