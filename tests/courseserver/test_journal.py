"""The journal: what is kept of the exchanges, and that a long session cannot fill the memory."""

from __future__ import annotations

import json

from courseserver.journal import Entry, Journal, billed
from courseserver.values import Reply, Step
from tests.support import HELLO, request, said


def entry(text: str = "Hello") -> Entry:
    """An exchange with this question."""
    return Entry(request(said(text)), Reply(200, {}, ()))


def test_the_newest_entries_stay_when_there_are_too_many() -> None:
    journal = Journal(most_entries=2)
    entries = [entry("one"), entry("two"), entry("three")]
    for each in entries:
        journal.add(each)
    assert list(journal) == entries[1:]
    assert journal.dropped == 1


def test_the_newest_entries_stay_when_they_are_too_large() -> None:
    size = len(request(HELLO).raw)
    journal = Journal(most_bytes=2 * size)
    for _ in range(5):
        journal.add(entry())
    assert len(journal) == 2
    assert journal.dropped == 3


def test_an_entry_that_is_too_large_alone_is_kept_until_the_next_comes() -> None:
    journal = Journal(most_bytes=1)
    journal.add(entry("one"))
    journal.add(entry("two"))
    assert [each.request.body["messages"][0]["content"] for each in journal] == ["two"]


def test_the_bytes_of_replies_count_too() -> None:
    long = Entry(request(HELLO), Reply(200, {}, (Step(0.0, b"x" * 1_000), Step(0.0, b"y" * 500))))
    journal = Journal(most_bytes=2 * long.size)
    for _ in range(5):
        journal.add(long)
    assert long.size == len(request(HELLO).raw) + 1_500
    assert (len(journal), journal.dropped) == (2, 3)


def test_who_reads_sees_the_journal_as_it_was_when_reading_began() -> None:
    journal = Journal()
    journal.add(entry("one"))
    for _ in journal:
        journal.add(entry("another"))
        assert len(journal) < 10
    assert len(journal) == 2


def test_a_cleared_journal_is_empty() -> None:
    journal = Journal(most_entries=1)
    journal.add(entry())
    journal.add(entry())
    journal.clear()
    assert (len(journal), journal.dropped) == (0, 0)


def test_the_same_cell_run_again_is_another_run_of_the_same_text() -> None:
    journal = Journal()
    seen = []
    for text in ("a = 1", "b = 2", "a = 1"):
        journal.begin(text)
        seen.append(journal.cell)
    assert [cell.run for cell in seen] == [1, 2, 3]
    assert seen[0].text == seen[2].text != seen[1].text


def test_the_results_of_a_batch_are_billed_however_their_bytes_came() -> None:
    message = {"model": "claude-haiku-5-5", "usage": {"input_tokens": 1, "output_tokens": 2}}
    line = json.dumps({"custom_id": "a", "result": {"type": "succeeded", "message": message}})
    body = f"{line}\n{line}\n{line[:40]}".encode()
    asked = request({}, method="GET", path="/v1/messages/batches/b/results")
    whole = Entry(asked, Reply(200, {}, (Step(0.0, body),)))
    pieces = Entry(asked, Reply(200, {}, (Step(0.0, body[:30]), Step(0.0, body[30:]))))
    expected = [(message["usage"], "claude-haiku-5-5", True)] * 2
    assert list(billed([whole])) == expected == list(billed([pieces]))
