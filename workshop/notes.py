"""The instructor's notes to print: a page for each lesson, then a page for each exercise.

Made from the guide, the lesson, the sources of the exercises and `what_to_ask.json`, which holds a
question for each common mistake. It must not hold a sentence of its own about the subject.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from pathlib import Path

from authoring import AuthoringError
from authoring.book import Notebook
from authoring.build import sentence, written
from practice.grading import Exercise
from practice.grading.sources import Sheet, sheets
from workshop.handouts import document, markdown, questions

HERE = Path(__file__).resolve().parent
MOST = 8  # mistakes on a page, the exercise's own before those that many exercises share
STYLE = """
section { break-before: page; }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt; line-height: 1.25; }
th, td { border: 1px solid #999; padding: 1mm 1.5mm; text-align: left; vertical-align: top;
         overflow-wrap: anywhere; }
th { width: 38%; }
th:nth-child(2) { width: 30%; }
h3 { font-size: 11pt; margin: 4mm 0 1mm; }
ul, ol, p { margin: 1.5mm 0; }
"""


@cache
def asked() -> dict[str, str]:
    """What to ask about a mistake, by `01.2 rule` or, for all exercises, by `rule`."""
    text = (HERE / "what_to_ask.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def question(one: Exercise, rule: str) -> str:
    """What to ask somebody who made this mistake; "" when nothing is written."""
    return asked().get(f"{one.id} {rule}") or asked().get(rule, "")


def rows(one: Exercise) -> list[tuple[str, str, str]]:
    """What the learner reads, what people write, and what to ask, for each common mistake."""
    found: dict[str, tuple[str, str, str]] = {}
    for mistake in one.mistakes:
        if question(one, mistake.rule):
            told = sentence(one, mistake.rule), written(mistake), question(one, mistake.rule)
            found.setdefault(mistake.rule, told)
    return list(found.values())[:MOST]


def paragraph(number: str) -> str:
    """What the guide says of a lesson: the point, where people stumble, what to ask aloud."""
    guide = (HERE / "guide.md").read_text(encoding="utf-8")
    found = re.search(rf"^\*\*{number} [^*]+\*\* (.+)$", guide, flags=re.MULTILINE)
    if not found:
        raise AuthoringError(f"workshop/guide.md says nothing of lesson {number}.")
    return found[1]


def sheet_of(book: Notebook) -> Sheet | None:
    """The exercises of a lesson; None when it has none."""
    for sheet in sheets(book.root / "exercises" / "source"):
        if sheet.lesson == book.lesson:
            return sheet
    return None


def html(book: Notebook) -> str:
    """The notes of a lesson as one HTML page. Raises AuthoringError for another notebook."""
    if book.lesson is None:
        raise AuthoringError(f"{book.path.name} is no lesson, so it has no notes.")
    title = f"{book.lesson.number} {book.lesson.title}"
    sheet = sheet_of(book)
    exercises = sheet.exercises if sheet else ()
    parts = [f"<h1>{escape(title)}</h1>", *plan(book, exercises)]
    for one in exercises:
        parts.append(f"<section><h2>{escape(f'{one.id} {one.title}')}</h2>")
        parts.append(markdown(f"{one.objective} About {one.minutes} minutes, planned."))
        parts += [table(rows(one)), "<h3>If they are still stuck, ask in this order</h3>"]
        parts.append(markdown("\n".join(f"{n}. {hint}" for n, hint in enumerate(one.hints, 1))))
        parts.append("</section>")
    return document(title, parts, STYLE)


def plan(book: Notebook, exercises: tuple[Exercise, ...]) -> list[str]:
    """The first page: the lesson in a few sentences, its minutes, the questions to ask aloud."""
    assert book.lesson is not None
    least, most = book.lesson.minutes
    solving = sum(one.minutes for one in exercises if not one.optional)
    minutes = f"{least} to {most} minutes for the lesson, {solving} for its exercises; planned."
    parts = [markdown(paragraph(book.lesson.number)), markdown(minutes)]
    parts += ["<h2>Questions to ask aloud</h2>"]
    parts.append(markdown("\n".join(f"- {one}" for one in questions(book))))
    parts += ["<h2>The exercises</h2>"]
    listed = [f"- **{one.id} {one.title}**: {one.objective}" for one in exercises]
    return [*parts, markdown("\n".join(listed))]


def table(lines: list[tuple[str, str, str]]) -> str:
    """The mistakes of an exercise as an HTML table."""
    head = "<tr><th>they read</th><th>they wrote</th><th>ask</th></tr>"
    body = "".join("<tr>" + "".join(map(cell, line)) + "</tr>" for line in lines)
    return f"<table>{head}{body}</table>"


def cell(text: str) -> str:
    """One cell of a table; Markdown of one line."""
    return f"<td>{markdown(text).strip().removeprefix('<p>').removesuffix('</p>')}</td>"
