"""Lesson 09: its reviews, its arithmetic, its functions and its program at work.

The functions are the notebook's own, taken from its cells. All talk to a course server through the
real SDK.
What the lesson says of the SDK stands in `test_claims.py`.
"""

from __future__ import annotations

import ast
import csv
import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest

from courseserver import facts
from helpers import MODEL, cost
from tests.support import ROOT, client, replaying, run_program, serving

LESSON = ROOT / "notebooks" / "09_batches.ipynb"
DATA = ROOT / "notebooks" / "data"
PROGRAM = ROOT / "notebooks" / "at_work" / "09_batches.py"
TAUGHT = {"LABELS", "request_for", "read_text", "label", "wait_for", "results_of", "verdict"}
TAUGHT |= {"SERVICE", "look_again"}
NEEDED = "import csv, time\nfrom pathlib import Path\nimport anthropic\n"

Names = dict[str, Any]


def taught() -> Names:
    """What the cells of the lesson define under the names of `TAUGHT`."""
    names: Names = {"MODEL": MODEL}
    exec(NEEDED, names)
    for cell in nbformat.read(LESSON, as_version=4).cells:
        for node in ast.parse(cell.source).body if cell.cell_type == "code" else []:
            targets = [getattr(each, "id", "") for each in getattr(node, "targets", [])]
            if {getattr(node, "name", ""), *targets} & TAUGHT:
                exec(ast.unparse(node), names)
    assert names.keys() >= TAUGHT
    return names


@pytest.fixture(scope="module")
def names() -> Names:
    """The lesson's functions."""
    return taught()


@pytest.fixture(scope="module")
def reviews() -> list[dict[str, str]]:
    """The rows of the CSV."""
    with (DATA / "reviews.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the reviews ------------------------------------------------------------------------------


def test_there_are_forty_reviews_with_ids_that_a_batch_takes(
    reviews: list[dict[str, str]],
) -> None:
    assert [row["review_id"] for row in reviews] == [f"review-{n:02}" for n in range(1, 41)]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", row["review_id"]) for row in reviews)
    assert len({row["text"] for row in reviews}) == 40
    assert len({row["language"] for row in reviews}) >= 5


def test_each_review_is_of_a_book_of_the_library_and_names_no_reader(
    reviews: list[dict[str, str]],
) -> None:
    with closing(sqlite3.connect(DATA / "library.db")) as db:
        titles = {title for (title,) in db.execute("SELECT title FROM books")}
        readers = [name for (name,) in db.execute("SELECT name FROM members")]
    assert {row["title"] for row in reviews} <= titles
    words = {word for row in reviews for word in re.findall(r"\w+", row["text"])}
    assert not words & set(readers)


# --- the recorded batch and its price ---------------------------------------------------------


def test_a_batch_costs_half_to_the_cent_and_each_recorded_label_is_one_of_the_list(
    names: Names, reviews: list[dict[str, str]]
) -> None:
    with replaying("09_batches") as server:
        sdk = client(server.url)
        batch = sdk.messages.batches.create(requests=[names["request_for"](r) for r in reviews])
        results = names["results_of"](sdk, batch.id)
    kinds = Counter(result.type for result in results.values())
    assert kinds == {"succeeded": 38, "errored": 1, "expired": 1}
    messages = [result.message for result in results.values() if result.type == "succeeded"]
    assert {names["read_text"](message) for message in messages} == set(names["LABELS"])
    single = sum(cost(message).total for message in messages)
    halved = sum(cost(message, batch=True).total for message in messages)
    assert round(100_000 * single / 2, 2) == round(100_000 * halved, 2) > 0
    row = facts.model(facts.MODEL)
    used = [message.usage for message in messages]
    usd = sum(each.input_tokens * row.input + each.output_tokens * row.output for each in used)
    assert round(usd / 1_000, 2) == round(1_000 * single, 2)


# --- the functions ----------------------------------------------------------------------------


def request(name: str, **more: Any) -> Any:
    """A small request of a batch."""
    turns = [{"role": "user", "content": "Label it."}]
    return {"custom_id": name, "params": {"model": MODEL, "max_tokens": 90, "messages": turns}
            | more}  # fmt: skip


def test_waiting_ends_at_its_deadline_and_leaves_the_batch_alone(names: Names) -> None:
    with (
        serving() as server,
        client(server.url + server.backend.account.stage("t", ("Yes.",))) as sdk,
    ):
        batch = sdk.messages.batches.create(requests=[request("a")])
        with pytest.raises(TimeoutError, match="in_progress"):
            names["wait_for"](sdk, batch.id, minutes=-1)
        assert names["wait_for"](sdk, batch.id).request_counts.succeeded == 1


FATES: list[tuple[Any, Any, str]] = [
    ("praise", {}, "use it"),
    ({"result": "expired"}, {}, "send again"),
    ({"result": "canceled"}, {}, "you decide"),
    *[({"status": status, "error": {"type": kind, "message": "No."}}, {}, "send again")
      for status, kind in ((500, "api_error"), (529, "overloaded_error"),
                           (429, "rate_limit_error"), (504, "timeout_error"))],
    ("never said", {"temperature": 0}, "fix it first"),
    ("never said", {"model": "sonnet-5-5"}, "fix it first"),
]  # fmt: skip


def test_the_verdict_sends_again_only_what_the_service_did_not_do(names: Names) -> None:
    told = tuple(reply for reply, _, _ in FATES)
    with serving() as server, client(server.url + server.backend.account.stage("t", told)) as sdk:
        sent = [request(f"r-{n}", **more) for n, (_, more, _) in enumerate(FATES)]
        results = names["results_of"](sdk, sdk.messages.batches.create(requests=sent).id)
    verdicts = [names["verdict"](results[f"r-{n}"]) for n in range(len(FATES))]
    assert verdicts == [expected for _, _, expected in FATES]


def test_looking_again_takes_as_many_404s_as_it_is_allowed(names: Names) -> None:
    with serving() as server, client(server.url) as sdk:
        with pytest.raises(names["anthropic"].NotFoundError):
            names["look_again"](sdk, "msgbatch_01nothere", tries=4, pause=0)
        assert len(server.backend.account.journal) == 4


# --- the program at work ------------------------------------------------------------------------


def at_work(folder: Path, url: str) -> str:
    """Run the program in a folder that holds what it needs; returns what it printed."""
    (folder / "data").mkdir(exist_ok=True)
    shutil.copy(DATA / "reviews.csv", folder / "data")
    return run_program(PROGRAM, url, folder).stdout


def labels_in(folder: Path) -> dict[str, str]:
    with (folder / "my_labels.csv").open(encoding="utf-8", newline="") as file:
        return dict(csv.reader(file))


def test_the_program_waits_for_a_running_batch_writes_its_labels_and_creates_none(
    tmp_path: Path,
) -> None:
    told = ("praise", {"result": "expired"}, "mixed")
    with serving() as server:
        url = server.url + server.backend.account.stage("t", told)
        sdk = client(url)
        batch = sdk.messages.batches.create(requests=[request(n) for n in "abc"])
        (tmp_path / "my_batch_id.txt").write_text(batch.id, encoding="utf-8")
        said = at_work(tmp_path, url)
        methods = [entry.request.method for entry in server.backend.account.journal]
    assert "b has no label: expired" in said
    assert labels_in(tmp_path) == {"a": "praise", "c": "mixed"}
    assert methods.count("POST") == 1
    assert methods.count("GET") >= 4


def test_the_program_without_an_id_orders_the_batch_of_the_lesson_once(tmp_path: Path) -> None:
    with replaying("09_batches") as server:
        first, second = at_work(tmp_path, server.url), at_work(tmp_path, server.url)
        methods = [entry.request.method for entry in server.backend.account.journal]
    assert first == second
    assert len(labels_in(tmp_path)) == 38
    assert methods.count("POST") == 1
