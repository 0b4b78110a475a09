"""The library of the lessons: its script, its file, and the functions of lesson 06 that open it.

The functions are the notebook's own, taken from its cells; they run on a copy of the file. What
must fail is also shown to work where nothing forbids it, so that each test can fail.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "notebooks" / "data" / "library.db"
SCRIPT = LIBRARY.with_name("make_library.py")
LESSON = ROOT / "notebooks" / "06_tools.ipynb"
WANTED = {"select", "find_books", "copies", "any_sql", "find_glued", "guarded"}
DROP = "x'; DROP TABLE loans; --"
SPY = "x' UNION SELECT id, name FROM members --"

Taught = dict[str, Any]


@pytest.fixture
def make() -> Callable[[Path], None]:
    """The script's own function."""
    spec = importlib.util.spec_from_file_location("make_library", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Callable[[Path], None] = module.make
    return made


@pytest.fixture
def taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Taught:
    """What the cells of lesson 06 define that open the library, reading a copy of it."""
    monkeypatch.chdir(LESSON.parent)
    names: Taught = {"trip": {}}  # the schema that the descriptions of the tools begin with
    for cell in nbformat.read(LESSON, as_version=4).cells:
        if cell.cell_type == "code":
            defined = {getattr(node, "name", "") for node in ast.parse(cell.source).body}
            if defined & WANTED:
                exec(cell.source, names)
    assert names.keys() >= WANTED
    names["LIBRARY"] = Path(shutil.copy(LIBRARY, tmp_path / "copy.db"))
    return names


def dump(path: Path) -> list[str]:
    """All of a database as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def values(path: Path, sql: str) -> list[Any]:
    """The first column of a query."""
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute(sql)]


def loans(taught: Taught) -> int:
    """How many loans the copy holds."""
    return len(values(taught["LIBRARY"], "SELECT id FROM loans"))


# --- the file ---------------------------------------------------------------------------------


def test_the_script_writes_the_content_that_is_shipped(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "again.db")
    assert dump(tmp_path / "again.db") == dump(LIBRARY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.db"]


def test_the_script_writes_the_same_bytes_each_time_also_over_an_old_file(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    second.write_text("an old file", encoding="utf-8")
    make(first)
    make(second)
    assert first.read_bytes() == second.read_bytes()


def test_the_shipped_file_is_small_and_whole() -> None:
    assert LIBRARY.stat().st_size < 60_000
    assert values(LIBRARY, "PRAGMA integrity_check") == ["ok"]
    assert values(LIBRARY, "PRAGMA foreign_key_check") == []


ON_LOAN = "SELECT copy_id FROM loans WHERE returned IS NULL"
ODDITIES = {
    "a lost copy that is not on loan": f"""SELECT title FROM copies JOIN books
        ON books.id = book_id WHERE state = 'lost' AND book_id = 4 AND copies.id NOT IN ({ON_LOAN})
        AND (SELECT count(*) FROM copies WHERE book_id = 4) = 1""",
    "an overdue loan": "SELECT id FROM loans WHERE returned IS NULL AND due < '2026-11-20'",
    "a title with an apostrophe": "SELECT id FROM books WHERE title LIKE '%''%'",
    "a title with a percent sign": "SELECT id FROM books WHERE instr(title, '%')",
    "a book without an author": "SELECT id FROM books WHERE author IS NULL",
    "a book without a year": "SELECT id FROM books WHERE year IS NULL",
    "two books of one title": "SELECT title FROM books GROUP BY title HAVING count(*) = 2",
    "a waiting list of two": "SELECT book_id FROM waiting GROUP BY book_id HAVING count(*) = 2",
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_what_the_script_promises_as_odd_is_there_once(oddity: str) -> None:
    assert len(values(LIBRARY, ODDITIES[oddity])) == 1


def test_no_copy_is_lent_twice_at_the_same_time_and_no_loan_ends_before_it_begins() -> None:
    open_loans = values(LIBRARY, ON_LOAN)
    assert len(open_loans) == len(set(open_loans)) == 7
    wrong = "SELECT id FROM loans WHERE due <= lent OR returned < lent OR lent > '2026-11-20'"
    assert values(LIBRARY, wrong) == []


# --- the lesson's functions -------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE loans",
        "DELETE FROM loans",
        "UPDATE loans SET returned = '2026-11-20'",
        "INSERT INTO members VALUES (99, 'Nobody', '2026-11-20')",
    ],
)
def test_what_writes_fails_where_the_lesson_opens_the_file_and_only_there(
    taught: Taught, statement: str
) -> None:
    before = dump(taught["LIBRARY"])
    for tool in (taught["select"], taught["any_sql"]):
        with pytest.raises(sqlite3.OperationalError, match="readonly database"):
            tool(statement)
    assert dump(taught["LIBRARY"]) == before
    with closing(sqlite3.connect(taught["LIBRARY"])) as db:
        db.execute(statement)
        db.commit()
    assert dump(taught["LIBRARY"]) != before


def test_rows_are_limited_and_the_answer_says_that_there_are_more(taught: Taught) -> None:
    titles = "SELECT title FROM books"
    few, all_of_them = taught["select"](titles), taught["select"](titles, most=14)
    assert (len(few["rows"]), few["more"]) == (5, True)
    assert (len(all_of_them["rows"]), all_of_them["more"]) == (14, False)
    assert (len(taught["find_books"]("")["rows"]), taught["find_books"]("")["more"]) == (5, True)


def test_an_injected_drop_reaches_the_database_and_fails_there_or_stays_a_word(
    taught: Taught,
) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly database"):
        taught["any_sql"]("DROP TABLE loans")
    with pytest.raises((sqlite3.Error, sqlite3.Warning), match="one statement at a time"):
        taught["find_glued"](DROP)
    assert taught["find_books"](DROP) == {"rows": [], "more": False}
    assert loans(taught) == 12


def test_the_injected_drop_would_drop_the_table_if_nothing_stood_in_its_way(
    taught: Taught,
) -> None:
    with closing(sqlite3.connect(taught["LIBRARY"])) as db:
        db.executescript(f"SELECT id FROM books WHERE title LIKE '%{DROP}%'")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        loans(taught)


def test_glued_sql_gives_the_members_away_and_the_parameter_does_not(taught: Taught) -> None:
    names = set(values(LIBRARY, "SELECT name FROM members"))
    stolen = {row["title"] for row in taught["find_glued"](SPY)["rows"]}
    assert stolen and stolen <= names
    assert taught["find_books"](SPY)["rows"] == []


def test_an_apostrophe_and_a_missing_author_are_found(taught: Taught) -> None:
    assert [row["id"] for row in taught["find_books"]("Harbourmaster's")["rows"]] == [3]
    assert taught["find_books"]("Tide Tables")["rows"][0]["author"] is None
    with pytest.raises(sqlite3.OperationalError, match="syntax error"):
        taught["find_glued"]("Harbourmaster's")


def test_no_narrow_tool_returns_the_name_of_a_member(taught: Taught) -> None:
    names = values(LIBRARY, "SELECT name FROM members")
    answers = [taught["copies"](number) for number in range(1, 15)]
    answers += [taught["find_books"](words) for words in ["", *names, "%", "_"]]
    told = json.dumps(answers, ensure_ascii=False)
    assert [name for name in names if name in told] == []
    assert "2026-11-28" in told


def test_copies_tells_lost_due_overdue_and_waiting(taught: Taught) -> None:
    lost = {"state": "lost", "due": None, "overdue": None, "waiting": 0}
    assert taught["copies"](4)["rows"] == [lost]
    late = {"state": "ok", "due": "2026-11-06", "overdue": 1, "waiting": 0}
    assert taught["copies"](3)["rows"] == [late]
    lent = {"state": "ok", "due": "2026-11-28", "overdue": 0, "waiting": 2}
    assert taught["copies"](1)["rows"] == [lent]


def test_read_only_still_lets_a_statement_write_another_file_and_the_guard_does_not(
    taught: Taught, tmp_path: Path
) -> None:
    stolen = tmp_path / "stolen.db"
    steal = f"VACUUM INTO '{stolen.as_posix()}'"
    with pytest.raises(sqlite3.DatabaseError, match="authoriz"):
        taught["guarded"](steal)
    assert not stolen.exists()
    taught["select"](steal)
    assert dump(stolen) == dump(LIBRARY)


def test_the_guard_lets_questions_about_books_through_and_none_about_people(
    taught: Taught,
) -> None:
    assert taught["guarded"]("SELECT count(*) FROM books") == [(14,)]
    asked = ["SELECT name FROM members", "SELECT count(*) FROM members", "ATTACH '' AS x"]
    asked += ["SELECT title, (SELECT max(name) FROM members) FROM books"]
    for sql in asked:
        with pytest.raises(sqlite3.DatabaseError, match=r"prohibited|not authorized"):
            taught["guarded"](sql)


def test_a_folder_with_odd_characters_is_no_obstacle(taught: Taught, tmp_path: Path) -> None:
    folder = tmp_path / "a b #1 100%25 é"
    folder.mkdir()
    taught["LIBRARY"] = Path(shutil.copy(LIBRARY, folder / "library.db"))
    assert taught["find_books"]("fog")["rows"][0]["title"] == "Nineteen Kinds of Fog"
