"""Lesson 17: its table against its pieces, its loop, its program at work, and the map of claims.

Some of what the lesson says of the SDK stands in `test_claims.py`, and is not repeated here.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from importlib import metadata
from typing import Any

import anthropic
import httpx
import httpx2
import nbformat
import pytest

from authoring import claims
from courseserver import facts
from tests.support import HELLO, KEY, ROOT, client, run_program, serving

LESSON = ROOT / "notebooks" / "17_reading_older_code.ipynb"
PROGRAM = ROOT / "notebooks" / "at_work" / "17_reading_older_code.py"
CELLS = nbformat.read(LESSON, as_version=4).cells
TAUGHT = {"read_text", "free_slots", "results_of", "converse", "json", "CHANGES"}
CLAIMS = {"A": 19, "B": 40, "C": 10}  # code, facts, claims without support


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The lesson's own functions and its table."""
    found: dict[str, Any] = {}
    for cell in CELLS:
        for node in ast.parse(cell.source).body if cell.cell_type == "code" else []:
            bound = {getattr(node, "name", "")}
            bound |= {alias.name for alias in getattr(node, "names", [])}
            bound |= {getattr(target, "id", "") for target in getattr(node, "targets", [])}
            if bound & TAUGHT:
                exec(ast.unparse(node), found)
    assert found.keys() >= TAUGHT
    return found


# --- the table ----------------------------------------------------------------------------------


def errors_by_piece() -> dict[int, str]:
    """The class with which each numbered piece fails, as its cell is tagged; "-" for none."""
    found: dict[int, str] = {}
    number = 0
    for cell in CELLS:
        if cell.cell_type == "markdown":
            for title in re.findall(r"^#{2,3} (.*)$", cell.source, re.M):
                match = re.match(r"(\d+)\. ", title)
                number = int(match[1]) if match and "?" not in title else 0
                if number:
                    found[number] = "-"
        for tag in cell.metadata.get("tags", []):
            if number and tag.startswith("raises:"):
                found[number] = tag.removeprefix("raises:")
    return {number: found[number] for number in sorted(found) if number <= 9}


def test_the_table_names_for_each_piece_the_error_that_its_cell_gives(names: Any) -> None:
    pieces = errors_by_piece()
    assert list(pieces) == list(range(1, 10))
    assert [error for _, error, _, _ in names["CHANGES"]] == list(pieces.values())


def test_what_the_table_says_of_models_is_what_the_facts_say() -> None:
    models = facts.MODELS
    assert models["claude-opus-4-5-20251101"].prefill
    newer = [row for row in models.values() if "-4-5-" not in row.id]
    assert not any(row.prefill for row in newer)
    assert all(row.released and row.released.isoformat() >= "2026-02" for row in newer)

    assert "enabled" in models["claude-opus-4-6"].thinking
    no_budget = [row for row in models.values() if "enabled" not in row.thinking]
    assert min(str(row.released) for row in no_budget).startswith("2026-04")

    thinking = [row for row in models.values() if row.thinks_by_default]
    assert min(str(row.released) for row in thinking).startswith("2026-06")

    unforced = [row for row in models.values() if not row.forced_tools]
    assert min(str(row.released) for row in unforced).startswith("2026-09")
    assert models["claude-haiku-5-5"].forced_tools


def test_the_old_models_take_what_the_answer_to_the_second_task_says() -> None:
    haiku, sonnet = facts.model("claude-haiku-4-5"), facts.model("claude-sonnet-4-6")
    assert haiku.prefill and haiku.forced_tools and "enabled" in haiku.thinking
    assert not sonnet.prefill and sonnet.forced_tools and "enabled" in sonnet.thinking


def test_the_prices_of_the_best_balance_are_those_of_the_facts() -> None:
    older, newer = facts.model("claude-sonnet-4-6"), facts.model("claude-sonnet-5-5")
    assert (older.input, older.output, newer.input, newer.output) == (3, 15, 2, 10)


def test_what_the_map_says_of_haiku_and_opus_are_ratios_of_the_facts() -> None:
    haiku, opus = facts.model("claude-haiku-5-5"), facts.model("claude-opus-5-5")
    older_haiku, older_opus = facts.model("claude-haiku-4-5"), facts.model("claude-opus-4-6")
    assert older_opus.input / older_haiku.input == older_opus.output / older_haiku.output == 5
    long = haiku.prices(facts.LONG_PROMPT_TOKENS + 1)
    assert round(opus.input / haiku.input) == round(opus.output / haiku.output) == 40
    assert round(opus.input / long.input) == round(opus.output / long.output) == 8


# --- the package --------------------------------------------------------------------------------


def test_the_package_needs_python_3_10_and_still_has_the_name_client() -> None:
    assert metadata.metadata("anthropic")["Requires-Python"] == ">=3.10"
    assert anthropic.Client is anthropic.Anthropic


def test_the_key_is_sent_as_authorization_alone() -> None:
    with (
        serving() as server,
        client(server.url + server.backend.account.stage("t", ("Hi",))) as sdk,
    ):
        kept = sdk.messages.with_raw_response.create(**HELLO).http_request.headers
    assert kept["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in kept


def test_a_test_that_compares_the_old_header_becomes_a_connection_error() -> None:
    def look(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["x-api-key"] == KEY
        return httpx2.Response(200, json={})

    wires = anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(look))
    sdk = anthropic.Anthropic(api_key=KEY, http_client=wires, max_retries=0)
    with pytest.raises(anthropic.APIConnectionError) as caught:
        sdk.messages.create(**HELLO)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_patch_of_httpx_does_not_see_the_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(httpx.Client, "send", lambda *given, **more: seen.append(given))
    with (
        serving() as server,
        client(server.url + server.backend.account.stage("t", ("Hi",))) as sdk,
    ):
        assert sdk.messages.create(**HELLO).stop_reason == "end_turn"
    assert not seen


# --- the loop -----------------------------------------------------------------------------------

CALL = [{"tool": "free_slots", "input": {"day": "Saturday"}}]
SLOTS = {"name": "free_slots", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("told", "sent", "stop"),
    [
        (("At ten.",), 1, "end_turn"),
        ((CALL, "At ten."), 2, "end_turn"),
        (({"content": "At", "stop_reason": "max_tokens"},), 1, "max_tokens"),
        (({"content": [], "stop_reason": "refusal"},), 1, "refusal"),
        ((CALL,), 3, "tool_use"),
    ],
)
def test_the_loop_goes_on_for_tool_use_alone_and_to_its_cap(
    names: Any, told: tuple[Any, ...], sent: int, stop: str
) -> None:
    with serving() as server, client(server.url + server.backend.account.stage("t", told)) as sdk:
        last = names["converse"](sdk, {**HELLO, "tools": [SLOTS]}, most=3)
        assert len(server.backend.account.journal) == sent
    assert last.stop_reason == stop


# --- the program at work ------------------------------------------------------------------------

OLD_LINES = {
    'model="claude-3-opus-20240229",': "not served",
    "temperature=0.7,": "effort",
    'thinking={"type": "enabled", "budget_tokens": 1024},': "adaptive",
    "prompt = HUMAN_PROMPT + question": "roles",
    "client.beta.prompt_caching.messages.create()": "cache_control",
    "client.batches.create(requests=[])": "client.messages.batches",
    'tool_choice={"type": "any"},': "auto",
    "print(reply.content[0].text)": "type",
    'messages.append({"role": "assistant", "content": "{"})': "refused",
    'while reply.stop_reason != "end_turn":': "tool_use",
    "import httpx": "httpx2",
    'headers = {"x-api-key": key}': "authorization",
}
FINE = f"""
import httpx2
# written with claude-code-2
text = "".join(block.text for block in reply.content if block.type == "text")
history.append({{"role": "assistant", "content": reply.content}})
client.messages.create(model={facts.MODEL!r}, max_tokens=2000, messages=history)
"""


def look_at(text: str) -> list[str]:
    """What the program at work prints about a text that is piped in."""
    with serving() as server:
        return run_program(PROGRAM, server.url, typed=text).stdout.splitlines()


def test_the_program_names_each_older_line_once_and_says_what_is_there_now() -> None:
    found = look_at("\n".join(OLD_LINES))
    assert [int(line.split(":")[1]) for line in found] == list(range(1, len(OLD_LINES) + 1))
    for line, words in zip(found, OLD_LINES.values(), strict=True):
        assert words in line


def test_the_program_is_silent_about_code_of_today() -> None:
    assert look_at(FINE) == []


# --- the map of claims --------------------------------------------------------------------------


def test_all_69_claims_are_in_the_map_each_once() -> None:
    wanted = [f"{kind}{n}" for kind, most in CLAIMS.items() for n in range(1, most + 1)]
    assert [claim.id for claim in claims.read(ROOT)] == wanted


def test_each_claim_says_in_sentences_of_its_own_what_was_said_and_what_is_true() -> None:
    found = claims.read(ROOT)
    for claim in found:
        for text in (claim.said, claim.true):
            assert text.endswith("."), claim.id
            assert len(text.split()) > 3, claim.id
            assert "|" not in text, claim.id
    texts = Counter(text for claim in found for text in (claim.said, claim.true))
    assert max(texts.values()) == 1


def test_each_claim_has_one_cell_of_a_lesson_or_a_lesson_that_is_not_written() -> None:
    assert not list(claims.problems(ROOT))


def test_a_claim_whose_cell_went_away_says_what_to_do() -> None:
    lost = claims.Claim("A1", "Old.", "New.", "17_reading_older_code", "words of no cell")
    with pytest.raises(Exception, match="Was the cell changed"):
        claims.place(lost, ROOT)
    unnamed = claims.Claim("A1", "Old.", "New.", "17_reading_older_code", "")
    with pytest.raises(Exception, match="no cell is named"):
        claims.place(unnamed, ROOT)
