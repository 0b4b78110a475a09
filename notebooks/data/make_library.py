"""Makes `library.db`, the small library of the lessons, always with the same content.

Titles, authors and readers are invented; the story stands still on Friday, 20 November
2026. It must not know who reads it: what a desk may see is decided by the code there.

    python notebooks/data/make_library.py

What makes good questions: two books are called Low Water; Tide Tables names no author
and Knots no year; the only copy of Nineteen Kinds of Fog is lost and yet not on loan;
The Harbourmaster's Goat is overdue and has an apostrophe, 100% Wool a percent sign; two
people wait for Bread at Dawn, and one for a Low Water of which a copy is in repair.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

LIBRARY = Path(__file__).with_name("library.db")

# Dates are texts such as 2026-11-20, which sort as they should. An open loan has no
# `returned`; a copy that is not on loan may still be lost or in repair. The view
# `copies_now` is what a desk may tell of a copy: no names.
SCHEMA = """
PRAGMA page_size = 1024;
CREATE TABLE books (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, author TEXT, year INTEGER,
    shelf TEXT NOT NULL, about TEXT NOT NULL
);
CREATE TABLE copies (
    id INTEGER PRIMARY KEY, book_id INTEGER NOT NULL REFERENCES books,
    state TEXT NOT NULL CHECK (state IN ('ok', 'lost', 'repair'))
);
CREATE TABLE members (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, joined TEXT NOT NULL
);
CREATE TABLE loans (
    id INTEGER PRIMARY KEY, copy_id INTEGER NOT NULL REFERENCES copies,
    member_id INTEGER NOT NULL REFERENCES members,
    lent TEXT NOT NULL, due TEXT NOT NULL, returned TEXT
);
CREATE TABLE waiting (
    id INTEGER PRIMARY KEY, book_id INTEGER NOT NULL REFERENCES books,
    member_id INTEGER NOT NULL REFERENCES members, since TEXT NOT NULL
);
CREATE VIEW copies_now AS
    SELECT copies.id AS copy_id, copies.book_id, state, due,
        (SELECT count(*) FROM waiting WHERE waiting.book_id = copies.book_id) AS waiting
    FROM copies LEFT JOIN loans ON copy_id = copies.id AND returned IS NULL;
"""

# (id, title, author, year, shelf, about)
BOOKS = [
    (1, "Bread at Dawn", "Amara Velloso", 2019, "kitchen",
     "Forty loaves, and what a baker does before six in the morning."),
    (2, "Tide Tables", None, 2026, "harbour",
     "High and low water at the harbour for each day of the year."),
    (3, "The Harbourmaster's Goat", "Tariq Lindqvist", 2014, "novels",
     "A goat refuses to leave the ferry, and the town takes sides."),
    (4, "Nineteen Kinds of Fog", "Mei Okonjo-Hart", 2021, "nature",
     "How to tell one fog from another, with notes from a lighthouse."),
    (5, "Low Water", "Rosa Ketterly", 2008, "novels",
     "Two sisters inherit an island that is there for six hours a day."),
    (6, "Knots", "Ilmari Castellan", None, "harbour",
     "Sixty knots, drawn by a rope maker who never dated his books."),
    (7, "A Short History of Buttons", "Dilnoza Marsh", 2017, "crafts",
     "From bone to plastic, and why men's and women's sides differ."),
    (8, "100% Wool", "Wanjiru Pell", 2020, "crafts",
     "Jumpers for windy places, from the sheep to the last stitch."),
    (9, "Night Bus to the Salt Works", "Niamh O'Dara", 2023, "novels",
     "Seven passengers, one road, and a driver who has had enough."),
    (10, "Birds You Can Hear from Bed", "Sora Brandvik", 2016, "nature",
     "The dawn chorus, voice by voice, for people who sleep late."),
    (11, "Seven Soups for One Leek", "Kofi Aldana", 2022, "kitchen",
     "A thrifty book of soups, with a chapter on stale bread."),
    (12, "Letters to a Patient Plumber", "Hana Petrov-Lowe", 2011, "novels",
     "A flooded cellar, told in thirty-one letters and one bill."),
    (13, "Low Water", "Joaquim Tane", 2025, "nature",
     "What lives between the tides, and how to look without harm."),
    (14, "How to Draw a Tree in Winter", "Leilani Storr", 2018, "crafts",
     "Pencil, patience, and the shape under the leaves."),
]  # fmt: skip

# (id, book, state)
COPIES = [
    (1, 1, "ok"), (2, 2, "ok"), (3, 2, "ok"), (4, 3, "ok"), (5, 4, "lost"),
    (6, 5, "ok"), (7, 5, "ok"), (8, 6, "ok"), (9, 7, "ok"), (10, 8, "ok"),
    (11, 8, "lost"), (12, 9, "ok"), (13, 9, "ok"), (14, 10, "ok"), (15, 11, "ok"),
    (16, 12, "ok"), (17, 13, "repair"), (18, 13, "ok"), (19, 14, "ok"),
]  # fmt: skip

# (id, first name, joined)
MEMBERS = [
    (1, "Keiko", "2019-04-02"), (2, "Tomás", "2020-09-15"), (3, "Amina", "2021-01-20"),
    (4, "Olu", "2021-06-05"), (5, "Freya", "2022-02-11"), (6, "Linh", "2022-10-30"),
    (7, "Mateo", "2023-05-17"), (8, "Priya", "2024-03-08"), (9, "Yusuf", "2025-08-25"),
    (10, "Ingrid", "2026-10-01"),
]  # fmt: skip

# (id, copy, member, lent, due, returned)
LOANS = [
    (1, 5, 2, "2026-08-14", "2026-09-04", "2026-09-03"),
    (2, 1, 3, "2026-09-12", "2026-10-03", "2026-10-01"),
    (3, 12, 4, "2026-09-19", "2026-10-10", "2026-10-09"),
    (4, 14, 1, "2026-10-02", "2026-10-23", "2026-10-20"),
    (5, 4, 7, "2026-10-16", "2026-11-06", None),
    (6, 15, 8, "2026-10-23", "2026-11-13", "2026-11-12"),
    (7, 6, 5, "2026-10-30", "2026-11-20", None),
    (8, 18, 6, "2026-10-31", "2026-11-21", None),
    (9, 1, 2, "2026-11-07", "2026-11-28", None),
    (10, 12, 3, "2026-11-10", "2026-12-01", None),
    (11, 16, 1, "2026-11-13", "2026-12-04", None),
    (12, 10, 9, "2026-11-17", "2026-12-08", None),
]  # fmt: skip

# (id, book, member, since)
WAITING = [
    (1, 1, 8, "2026-11-09"), (2, 1, 4, "2026-11-16"), (3, 13, 10, "2026-11-18"),
]  # fmt: skip

TABLES: dict[str, list[tuple[object, ...]]] = {
    "books": [*BOOKS],
    "copies": [*COPIES],
    "members": [*MEMBERS],
    "loans": [*LOANS],
    "waiting": [*WAITING],
}


def make(path: Path = LIBRARY) -> None:
    """Write the database to `path`; an old one is replaced when the new one is done."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as db:
        db.executescript(SCHEMA)
        for table, rows in TABLES.items():
            marks = ", ".join("?" * len(rows[0]))
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        db.commit()
        db.execute("VACUUM")
    # Bytes 96 to 99 name the SQLite that wrote the file and serve nothing else; without
    # them the same content gives the same bytes (https://www.sqlite.org/fileformat.html).
    raw = bytearray(partial.read_bytes())
    raw[96:100] = bytes(4)
    partial.write_bytes(raw)
    partial.replace(path)


if __name__ == "__main__":
    make()
    print(f"{LIBRARY.name}: {LIBRARY.stat().st_size:,} bytes")
