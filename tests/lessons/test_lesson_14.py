"""What lesson 14 says about prices, counting and its own arithmetic.

It takes functions and tables out of the notebook's cells and holds them against `facts.py`, the
SDK and a server that plays the recording. That stored outputs are true is nbval's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from courseserver import facts
from courseserver.recordings import Recordings
from helpers import MODEL, cost
from tests.support import ROOT, client, serving

NOTEBOOK = ROOT / "notebooks" / "14_cost_and_tokens.ipynb"
RECORDING = ROOT / "recordings" / "14_cost_and_tokens.json"
AT_WORK = ROOT / "notebooks" / "at_work" / "14_cost_and_tokens.py"
KINDS = {"input": "input", "written": "write_5m", "read": "read", "output": "output"}
FIRST_CELL = """
import json, math
from datetime import datetime, timezone
from pathlib import Path
"""


@cache
def sources() -> tuple[str, ...]:
    """The cells of the lesson, code and text."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return tuple("".join(cell["source"]) for cell in notebook["cells"])


def cell(beginning: str) -> str:
    """The one cell in which a line begins so."""
    [found] = [text for text in sources() if re.search(f"^{re.escape(beginning)}", text, re.M)]
    return found


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The lesson's functions, with a client that gets the recorded replies."""
    ledger = tmp_path_factory.mktemp("ledger") / "my_ledger.jsonl"
    show = SimpleNamespace(usage=lambda reply: None, table=lambda rows, *head: None)
    with serving() as server:
        server.backend.start(Recordings.parse(RECORDING.read_text(encoding="utf-8"), "14"))
        known: dict[str, Any] = {"MODEL": MODEL, "cost": cost, "show": show}
        exec(FIRST_CELL, known)
        known["anthropic"] = SimpleNamespace(Anthropic=lambda: client(server.url))
        for beginning in (
            "found = []",
            "def request_for",
            "def count(",
            "frame = count",
            "PRICES = {",
            "LEDGER =",
            "def entries",
            "def what_if",
            "def worst_case",
            "def ask(",
            "guess_answers",
        ):
            exec(cell(beginning), known)
            if beginning == "LEDGER =":
                known["LEDGER"] = ledger
        yield known


def test_the_price_table_says_what_facts_says_and_bears_its_date(lesson: dict[str, Any]) -> None:
    assert lesson["PRICES_OF"] == facts.AS_OF
    for name, prices in lesson["PRICES"].items():
        row = facts.model(name)
        assert prices == {kind: getattr(row, column) for kind, column in KINDS.items()}, name


def test_the_program_at_work_has_the_prices_of_its_model() -> None:
    text = AT_WORK.read_text(encoding="utf-8")
    row = facts.model(MODEL)
    assert f"INPUT, OUTPUT = {row.input:.2f}, {row.output:.2f}" in text
    assert f"of the model, {facts.AS_OF}" in text
    assert f'"model": "{MODEL}"' in text


def test_counting_takes_no_max_tokens(lesson: dict[str, Any]) -> None:
    request = lesson["request_for"]("Hello.")
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_tokens'"):
        lesson["client"].messages.count_tokens(**request)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("name", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"])
def test_the_calculator_gives_the_bill_of_the_same_calls(
    lesson: dict[str, Any], name: str, cached: bool, batch: bool
) -> None:
    usages = [{"input_tokens": 4550, "output_tokens": 150}] * 7
    if cached:
        usages = [
            {
                "input_tokens": 50,
                "cache_read_input_tokens": 4500 if at else 0,
                "cache_creation_input_tokens": 0 if at else 4500,
                "output_tokens": 150,
            }
            for at in range(7)
        ]
    billed = sum(cost(usage, name, batch=batch).total for usage in usages)
    sizes = {"calls": 7, "shared": 4500, "own": 50, "answer": 150, "model": name}
    calculated = lesson["what_if"](**sizes, cached=cached, batch=batch)
    assert calculated == pytest.approx(billed)


def test_less_effort_halves_the_letters_as_the_folded_answer_says(lesson: dict[str, Any]) -> None:
    letters = {"calls": 100, "shared": 60, "own": 90, "answer": 900}
    base = lesson["what_if"](**letters)
    left = lesson["what_if"](**{**letters, "answer": 300}) / base
    assert f"{left:.0%}" == "35%"
    assert any("with less effort, 35% is left" in text for text in sources())
    assert lesson["what_if"](**letters, batch=True) <= base / 2
    assert lesson["what_if"](**letters, model="claude-haiku-5-5") <= base / 2
    assert letters["shared"] < (facts.model(MODEL).min_cacheable or 0)


def test_the_budget_lets_two_answers_through_and_four_with_less_room(
    lesson: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    exec(cell("def answer_all"), lesson)
    budget = lesson["budget"]
    assert lesson["answered"] == 2
    assert lesson["spent"]() < budget / 2  # "more than half of the money is left"
    assert lesson["answer_all"](lesson["six"], budget, max_tokens=500) == 4
    assert lesson["spent"]() <= budget
    assert "stopped" in capsys.readouterr().out


def test_the_worst_case_is_all_input_written_and_all_output_used(lesson: dict[str, Any]) -> None:
    for name, room in ((MODEL, 2000), (MODEL, 60), ("claude-haiku-5-5", 500)):
        request = lesson["request_for"](lesson["umbrella"], model=name, max_tokens=room)
        tokens = lesson["count"](request)
        most = cost({"cache_creation_input_tokens": tokens, "output_tokens": room}, name)
        assert lesson["worst_case"](request) == pytest.approx(most.total)
        reply = lesson["client"].messages.create(**request)
        assert cost(reply).total <= most.total


def test_the_ledger_has_no_text_in_it(lesson: dict[str, Any]) -> None:
    reply = lesson["client"].messages.create(**lesson["request_for"](lesson["umbrella"]))
    lesson["add"](reply)
    written = lesson["LEDGER"].read_text(encoding="utf-8")
    assert reply._request_id and reply._request_id in written
    assert "umbrella" not in written


def test_haiku_costs_a_fortieth_of_opus_and_an_eighth_above_the_border() -> None:
    for tokens, ratio in ((100_000, 40), (100_001, 8)):
        sizes = {"input_tokens": tokens, "output_tokens": 300}
        bills = [cost(sizes, f"claude-{line}-5-5").total for line in ("opus", "haiku")]
        assert bills[0] / bills[1] == pytest.approx(ratio)


def test_haiku_4_5_costs_a_fifth_of_opus_4_6_in_every_part() -> None:
    haiku, opus = facts.model("claude-haiku-4-5").prices(), facts.model("claude-opus-4-6").prices()
    assert {large / small for small, large in zip(haiku, opus, strict=True)} == {5}


def test_sonnet_4_6_asks_3_dollars_for_input_and_five_times_that_for_output() -> None:
    prices = facts.model("claude-sonnet-4-6").prices()
    assert (prices.input, prices.output) == (3, 15)


def test_the_older_tokenizer_finds_fewer_tokens(lesson: dict[str, Any]) -> None:
    turns = [{"role": "user", "content": lesson["umbrella"]}]
    older, newer = (
        lesson["client"].messages.count_tokens(model=name, messages=turns).input_tokens
        for name in ("claude-haiku-4-5", MODEL)
    )
    assert older < newer


def test_the_ledger_of_the_lesson_and_of_the_program_are_the_learners_own_files() -> None:
    ignored = Path(ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "notebooks/my_*" in ignored
    assert "my_ledger.jsonl" in cell("LEDGER =")
    assert "my_budget.jsonl" in AT_WORK.read_text(encoding="utf-8")
