"""Lesson 16b: its search and its measure, what its recordings cite, and its program at work.

The functions are the notebook's own, taken from its cells. What was recorded is held against the
house rules; what is sent goes to a course server through the real SDK.
"""

from __future__ import annotations

import ast
import csv
import sqlite3
from collections.abc import Iterator
from typing import Any

import anthropic
import nbformat
import pytest

from courseserver.recordings import Recordings
from tests.support import HELLO, JSON, ROOT, client, replaying, run_program, serving

LESSON = ROOT / "notebooks" / "16b_retrieval.ipynb"
PROGRAM = ROOT / "notebooks" / "at_work" / "16b_retrieval.py"
QUESTIONS = ROOT / "notebooks" / "data" / "rule_questions.csv"
RECORDING = ROOT / "recordings" / "16b_retrieval.json"
NOTHING: tuple[str, list[str]] = ("Not in my documents.", [])
FEE = "The fees for each thing and day: books and magazines 20 cents, films, music and games 50 "
FEE += "cents, instruments 1 euro, tools 2 euros."


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """All that the cells define without sending: without a client those that send fail."""
    found: dict[str, Any] = {"MODEL": HELLO["model"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(LESSON.parent)
        for cell in nbformat.read(LESSON, as_version=4).cells:
            if cell.cell_type != "code" or "helpers" in cell.source or "subprocess" in cell.source:
                continue
            for node in ast.parse(cell.source).body:
                try:
                    exec(ast.unparse(node), found)
                except (NameError, sqlite3.OperationalError):
                    continue
    return found


@pytest.fixture(scope="module")
def known() -> list[JSON]:
    """The twenty questions with their passages."""
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def citation(source: str, text: str) -> JSON:
    """A citation of this passage."""
    where = {"search_result_index": 0, "start_block_index": 0, "end_block_index": 1}
    return {"type": "search_result_location", "source": source, "cited_text": text, **where}


def replied(reply: Any) -> anthropic.types.Message:
    """A reply in the short form, as the SDK hands it over."""
    with serving() as server, client(server.url + server.backend.account.stage("t", (reply,))) as c:
        return c.messages.create(**HELLO)


# --- the search, and its measure ------------------------------------------------------------


def test_every_question_has_one_passage_that_is_in_the_rules(
    names: dict[str, Any], known: list[JSON]
) -> None:
    assert len(known) == len({row["question"] for row in known}) == 20
    assert {row["passage"] for row in known} <= names["passages"].keys()


def test_the_passages_hold_every_rule_and_nothing_else(names: dict[str, Any]) -> None:
    assert len(names["passages"]) == 94
    assert names["passages"]["6.2"] == FEE
    assert names["passages"]["3.1"].splitlines()[-1].startswith("| Instruments")
    assert names["passages"]["20.3"].endswith("the head of the library.")


@pytest.mark.parametrize(
    ("way", "one", "three", "five"),
    [
        ("every_word", 0, 0, 0),
        ("any_word", 9, 11, 12),
        ("without_stop_words", 9, 10, 11),
        ("prefixes", 11, 14, 16),
    ],
)
def test_the_recall_is_what_the_lesson_says(
    names: dict[str, Any], way: str, one: int, three: int, five: int
) -> None:
    got = [names["recall"](names[way], k) for k in (1, 3, 5)]
    assert got == [one, three, five]


def test_without_stop_words_the_prefixes_find_as_many(
    names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(names, "STOP", set())
    assert names["recall"](names["prefixes"], 1) == 10
    assert names["recall"](names["prefixes"], 3) == 14


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("What's the fine for a late film?", "syntax error"),
        ("inter-library loan", "no such column: library"),
        ("18:00", "no such column: 18"),
        ("open NOT", "syntax error"),
    ],
)
def test_what_a_visitor_types_breaks_match_until_it_is_quoted(
    names: dict[str, Any], typed: str, error: str
) -> None:
    with pytest.raises(sqlite3.OperationalError, match=error):
        names["match"](typed)
    for way in ("every_word", "any_word", "without_stop_words", "prefixes"):
        assert isinstance(names["match"](names[way](typed)), list)
        assert names["match"](names[way]("?!")) == []


def test_whole_words_are_compared(names: dict[str, Any]) -> None:
    assert names["match"]("films") and not names["match"]("film")


def test_a_module_that_is_missing_says_so() -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such module: fts9"):
        sqlite3.connect(":memory:").execute("CREATE VIRTUAL TABLE other USING fts9(text)")


# --- citations ------------------------------------------------------------------------------


def exchanges() -> Iterator[tuple[str, JSON, Any]]:
    """Every recorded request, of variants too, by its name, with its reply."""
    text = RECORDING.read_text(encoding="utf-8")
    for one in Recordings.parse(text, "16b_retrieval").exchanges:
        for reply in one.replies:
            yield one.name, one.request, reply


def found_blocks(value: Any, kind: str) -> list[JSON]:
    """Every block of a type, however deep it stands, in order."""
    found = []
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            found += [one] if isinstance(one, dict) and one.get("type") == kind else []
            found += found_blocks(one, kind)
    return found


def test_every_recorded_citation_points_at_what_was_sent_and_stands_in_the_rules(
    names: dict[str, Any],
) -> None:
    checked = 0
    for name, request, reply in exchanges():
        sent = found_blocks(request, "search_result")
        for one in found_blocks(reply, "search_result_location"):
            at = sent[one["search_result_index"]]
            assert (one["source"], one["title"]) == (at["source"], at["title"]), name
            assert one["cited_text"] == at["content"][0]["text"], name
            assert one["cited_text"] == names["passages"][one["source"]], name
            checked += 1
        for one in found_blocks(reply, "char_location"):
            (paper,) = found_blocks(request, "document")
            data = paper["source"]["data"]
            assert data[one["start_char_index"] : one["end_char_index"]] == one["cited_text"], name
            checked += 1
    assert checked > 20


def test_what_was_sent_is_what_the_search_finds_for_that_question(
    names: dict[str, Any], known: list[JSON]
) -> None:
    recorded = set()
    for _, request, _ in exchanges():
        content = request["messages"][0]["content"]
        if isinstance(content, list) and content[0]["type"] == "search_result":
            numbers = [block["source"] for block in content[:-1]]
            assert content[:-1] == [
                {**names["as_block"](n), "citations": one["citations"]} if "citations" in one
                else {key: names["as_block"](n)[key] for key in one}
                for n, one in zip(numbers, content[:-1], strict=True)
            ]  # fmt: skip
            recorded.add((content[-1]["text"], tuple(numbers)))
    for row in known:
        found = names["match"](names["prefixes"](row["question"]))
        assert (row["question"], tuple(found)) in recorded


def test_a_citation_holds_only_where_its_text_stands(names: dict[str, Any]) -> None:
    message = replied([{"text": "20 cents.", "citations": [citation("6.2", FEE)]}])
    passages = names["passages"]
    assert names["faults"](message, passages) == []  # though the sentence may be wrong
    assert len(names["faults"](message, {**passages, "6.2": FEE.replace("50", "60")})) == 1
    assert len(names["faults"](message, {})) == 1
    for source, text in (("6.2", "Films are free."), ("21.1", FEE)):
        message = replied([{"text": "Free.", "citations": [citation(source, text)]}])
        assert len(names["faults"](message, passages)) == 1


@pytest.mark.parametrize(
    "reply",
    [
        ["From what I know, 50 cents."],
        {
            "content": [{"text": "50 ", "citations": [citation("6.2", FEE)]}],
            "stop_reason": "max_tokens",
        },
        [{"text": "60 cents.", "citations": [citation("6.2", FEE.replace("50", "60"))]}],
        [],
    ],
    ids=["uncited", "cut", "does not hold", "empty"],
)
def test_what_rests_on_nothing_is_not_shown(names: dict[str, Any], reply: Any) -> None:
    assert names["for_visitor"](replied(reply)) == NOTHING


def test_what_holds_is_shown_whole_and_with_its_sources(names: dict[str, Any]) -> None:
    cited = {"text": "50 cents", "citations": [citation("6.2", FEE), citation("6.2", FEE)]}
    message = replied([{"thinking": "", "tokens": 9}, cited, " a day."])
    assert names["for_visitor"](message) == ("50 cents a day.", ["6.2"])
    assert message.content[-1].type == "text" and message.content[-1].citations is None


def test_a_turn_with_citations_may_be_sent_back_as_it_is() -> None:
    message = replied([{"text": "50 cents.", "citations": [citation("6.2", FEE)]}])
    turn = message.to_param()
    with (
        serving() as server,
        client(server.url + server.backend.account.stage("t", ("Yes.",))) as c,
    ):
        c.messages.create(**{**HELLO, "messages": [*HELLO["messages"], turn, *HELLO["messages"]]})
        sent = server.backend.account.journal[-1].request.body["messages"][1]
    assert sent["content"][0]["citations"][0]["cited_text"] == FEE


def test_citations_are_for_all_documents_or_for_none() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": FEE}
    papers = [
        {"type": "document", "source": source, "citations": {"enabled": on}} for on in (True, False)
    ]
    turn = {"role": "user", "content": [*papers, {"type": "text", "text": "How much?"}]}
    with (
        serving() as server,
        client(server.url + server.backend.account.stage("t", ("Yes.",))) as c,
        pytest.raises(anthropic.BadRequestError, match="all or none of the documents"),
    ):
        c.messages.create(**{**HELLO, "messages": [turn]})


# --- the tool and the program ---------------------------------------------------------------


def test_the_search_as_a_tool_stops_at_its_cap(names: dict[str, Any]) -> None:
    call = [{"tool": "search_rules", "input": {"words": "films fees"}}]
    with serving() as server, client(server.url + server.backend.account.stage("t", (call,))) as c:
        names["client"] = c
        reply = names["look_up"]("What does it cost?", most=3)
        sent = [entry.request.body for entry in server.backend.account.journal]
    assert len(sent) == 3 and names["for_visitor"](reply) == NOTHING
    (result,) = sent[1]["messages"][-1]["content"]
    assert {block["type"] for block in result["content"]} == {"search_result"}


def test_the_program_asks_what_the_lesson_asks_and_shows_the_passage() -> None:
    with replaying("16b_retrieval") as server:
        said = run_program(PROGRAM, server.url).stdout
    assert said.splitlines()[0].endswith("Three days late make 1.50 euros.")
    assert said.splitlines()[1:] == [FEE]


def test_the_program_shows_nothing_that_is_not_cited() -> None:
    with serving() as server:
        said = run_program(
            PROGRAM, server.url + server.backend.account.stage("t", ("50 cents.",))
        ).stdout
    assert said == "Not in my documents.\n"
