"""The old claims that the course corrects, and the page for readers that is made of them.

`practice/claims.json` is the map: what older articles say, what is true now, and the cell of a
lesson that teaches it. A cell is named by some of its words, not by its id: an id follows from
the whole source and changes with every comma. It must not know whether a correction is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from authoring import AuthoringError, prose
from authoring import navigation as nav
from practice.lessons import BY_NAME, LESSONS, Lesson

FILE, PAGE = "practice/claims.json", "notebooks/older_articles.md"
INTRODUCTION = """# What older articles say, and what is true now

*Made from `{file}` by `python -m authoring readme`.*

Articles, videos and assistants go on saying what was true once, or never was. Here are {count} \
such claims, by the lesson that corrects them. "True now" means with the Python package and the \
API of the date in the lessons' heads. [Lesson 17](17_reading_older_code.ipynb) runs pieces of \
older code and repairs them.
"""


@dataclass(frozen=True)
class Claim:
    """One old claim; `cell` holds words that stand in one cell of the lesson only."""

    id: str  # a letter for its kind, a number: A code, B facts, C claims without support
    said: str
    true: str
    lesson: str
    cell: str  # may be empty as long as the lesson is not written


def read(root: Path) -> list[Claim]:
    """The claims of a course; none if it has no such file."""
    path = root / FILE
    if not path.exists():
        return []
    try:
        return [Claim(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as problem:
        raise AuthoringError(
            f"{FILE} cannot be read: {problem}. Each entry has id, said, true, lesson and cell."
        ) from None


def cells(lesson: Lesson, root: Path) -> list[tuple[str, str, str]]:
    """(id, source, heading above) of each cell of a written lesson."""
    found, heading = [], lesson.title
    for cell in json.loads(nav.path_of(lesson, root).read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        found.append((cell["id"], source, heading))
        titles = prose.read_markdown(source).headings if cell["cell_type"] == "markdown" else []
        heading = titles[-1][1] if titles else heading
    return found


def place(claim: Claim, root: Path) -> tuple[str, str]:
    """(cell id, nearest heading) of where a claim is corrected.

    Raises AuthoringError, with what to do, if there is no such cell, or more than one.
    """
    lesson = BY_NAME.get(claim.lesson)
    if lesson is None:
        raise AuthoringError(f"{claim.id}: {claim.lesson!r} is not in practice/lessons.py.")
    if not nav.path_of(lesson, root).exists():
        return "", ""
    do = f"Give {claim.id} in {FILE} some words of the cell that corrects “{claim.said}”"
    if not claim.cell:
        raise AuthoringError(f"{claim.id}: {lesson.file} is written, and no cell is named. {do}")
    found = [each for each in cells(lesson, root) if claim.cell in each[1]]
    if len(found) != 1:
        raise AuthoringError(
            f"{claim.id}: “{claim.cell}” stands in {len(found)} cells of {lesson.file}. "
            f"Was the cell changed? {do}; if none is left, teach it again."
        )
    [(name, source, heading)] = found
    before = prose.read_markdown(source.partition(claim.cell)[0]).headings
    inside = [title for _, title in prose.read_markdown(source).headings[: len(before)]]
    return name, inside[-1] if inside else heading


def problems(root: Path) -> Iterator[str]:
    """What is wrong with the map, a sentence each."""
    for claim in read(root):
        try:
            place(claim, root)
        except AuthoringError as problem:
            yield str(problem)


def page(root: Path) -> str:
    """The page for readers: a table for each lesson. AuthoringError as in `place`."""
    claims = read(root)
    parts = [INTRODUCTION.format(file=FILE, count=len(claims))]
    for lesson in LESSONS:
        rows = [claim for claim in claims if claim.lesson == lesson.name]
        if rows:
            parts.append(f"## {lesson.number} {lesson.title}\n")
            parts.append(table(lesson, rows, root))
    return "\n".join(parts)


def table(lesson: Lesson, claims: list[Claim], root: Path) -> str:
    """The rows of one lesson, each with a link to the nearest heading."""
    lines = ["| no. | what older articles say | what is true now | where |"]
    lines.append("| --- | --- | --- | --- |")
    for claim in claims:
        _, heading = place(claim, root)
        where = f"{lesson.title} (not written yet)"
        if heading:
            anchor = "" if heading == lesson.title else "#" + quote(heading.replace(" ", "-"))
            where = f"[{heading}]({lesson.file}{anchor})"
        lines.append(f"| {claim.id} | {claim.said} | {claim.true} | {where} |")
    return "\n".join(lines) + "\n"


def rewrite(root: Path, check: bool = False) -> int:
    """Bring the page up to date. With `check`, write nothing and return 1 if it is stale."""
    path, new = root / PAGE, page(root)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    state = "up to date" if old == new else "out of date" if check else "rewritten"
    print(f"{PAGE}: {len(read(root))} claims: {state}")
    if old != new and not check:
        path.write_text(new, encoding="utf-8", newline="\n")
    return int(check and old != new)
