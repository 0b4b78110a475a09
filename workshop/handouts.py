"""Handouts: two pages for each lesson to print: key points, the program, questions to recall.

Made from the notebook and its program at work; a browser prints the page. It must not hold a
sentence of its own about the subject.
"""

from __future__ import annotations

import html as escape
import re

import mistune

from authoring import AuthoringError
from authoring.book import Notebook

STYLE = """
@page { size: A4; margin: 14mm 15mm; }
body { font: 10.5pt/1.4 "DejaVu Sans", system-ui, sans-serif; color: #111; max-width: 180mm;
       margin: 0 auto; }
h1 { font-size: 20pt; margin: 0 0 4mm; }
h2 { font-size: 13pt; margin: 6mm 0 2mm; border-bottom: 1px solid #999; }
pre { font: 7.5pt/1.25 "DejaVu Sans Mono", ui-monospace, monospace; background: #f3f3f3;
      padding: 3mm; white-space: pre-wrap; }
code { font-family: "DejaVu Sans Mono", ui-monospace, monospace; font-size: 0.92em; }
li { margin: 0 0 1mm; }
.line { border-bottom: 1px solid #999; height: 8mm; }
a { color: inherit; text-decoration: none; }
"""


def section(book: Notebook, heading: str) -> str:
    """The Markdown under a heading of the second level, without the heading; "" for none."""
    for cell in book.core():
        if cell.cell_type != "markdown":
            continue
        _, found, after = cell.source.partition(f"{heading}\n")
        if found:
            return re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0].strip()
    return ""


def aims(book: Notebook) -> str:
    """What a reader can do after the lesson: the first list in it."""
    for cell in book.core():
        lines = [line for line in cell.source.splitlines() if line.startswith("- ")]
        if cell.cell_type == "markdown" and lines:
            return "\n".join(lines)
    return ""


def questions(book: Notebook) -> list[str]:
    """The questions of the lesson, without options and without answers."""
    texts = [cell.source for cell in book.core() if cell.cell_type == "markdown"]
    _, _, asked = "\n".join(texts).partition("## Three questions\n")
    return re.findall(r"^### \d\. (.+)$", asked, flags=re.MULTILINE)


def html(book: Notebook) -> str:
    """The handout of a lesson as one HTML page. Raises AuthoringError for another notebook."""
    if book.lesson is None:
        raise AuthoringError(f"{book.path.name} is no lesson, so it has no handout.")
    title = f"{book.lesson.number} {book.lesson.title}"
    parts = [f"<h1>{escape.escape(title)}</h1>"]
    parts += ["<h2>Afterwards you can</h2>", markdown(aims(book))]
    parts += ["<h2>Key points</h2>", markdown(section(book, "## Key points"))]
    parts.append("<h2>Do you remember?</h2>")
    for question in questions(book):
        parts.append(markdown(question))
        parts.append('<div class="line"></div>' * 2)
    program = book.root / "notebooks" / "at_work" / f"{book.path.stem}.py"
    if program.is_file():
        parts.append("<h2>The same at work</h2>")
        parts.append(f"<pre>{escape.escape(program.read_text(encoding='utf-8'))}</pre>")
    return document(title, parts)


def document(title: str, parts: list[str], style: str = "") -> str:
    """A page for paper that loads nothing, of parts in HTML."""
    body = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}{style}</style></head><body>\n{body}\n</body></html>\n"
    )


def markdown(text: str) -> str:
    """Markdown as HTML; a link is shown as its words, for paper."""
    return str(mistune.html(re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)))
