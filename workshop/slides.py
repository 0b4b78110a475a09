"""Slides of a lesson, made from its notebook: one idea a slide, in one file, without a network.

The core of the lesson alone is shown, in its order; nbconvert and reveal.js do the rest. It must
not hold a sentence of its own about the subject: what a slide says, the lesson says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbconvert import SlidesExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring.book import Notebook

DECK = Path(__file__).resolve().parent / "deck"
ROOM = 22  # lines of code on a slide
TEXT_LINE = 1.5  # of them for a line of text
WORDS = 12  # in a line of text
COLUMNS = 100  # in a line of code
CUT = "..."


def height(cell: Any) -> float:
    """How many lines of code a cell is as high as, its output included."""
    if cell.cell_type == "markdown":
        return text_height(cell.source)
    return code_height(cell.source) + sum(output_height(output) for output in cell.outputs)


def output_height(output: Any) -> float:
    """The lines of code that an output is as high as; a table has its text as Markdown."""
    if output.output_type == "stream":
        return code_height(output.text)
    return text_height(output.data.get("text/markdown", "![]()"))


def code_height(text: str) -> float:
    """The lines of code or output, long ones broken."""
    return sum(1 + len(line) // COLUMNS for line in text.splitlines())


def text_height(text: str) -> float:
    """The lines of Markdown, as lines of code; a picture takes most of a slide."""
    lines = 0.0
    folded = re.sub(r"</summary>.*?</details>", "", text, flags=re.DOTALL)
    for block in folded.split("\n"):
        if block.startswith("#"):
            lines += 3
        elif "![" in block:
            lines += 16
        elif block.strip():
            lines += TEXT_LINE * (1 + len(block.split()) // WORDS)
    return lines + text.count("\n\n") * 0.7


def texts_of(source: str) -> Iterator[str]:
    """A Markdown cell as parts that fit on a slide; a heading begins a part."""
    part: list[str] = []
    for block in re.split(r"\n{2,}", source.strip()):
        heading = block.startswith("#")
        full = text_height("\n\n".join([*part, block])) > ROOM
        only_heading = len(part) == 1 and part[0].startswith("#")
        if part and not only_heading and (heading or full):
            yield "\n\n".join(part)
            part = []
        part.append(block)
    if part:
        yield "\n\n".join(part)


def shortened(text: str, room: float) -> str:
    """The first lines of a text that fit, and a mark where it was cut."""
    lines = text.rstrip("\n").splitlines()
    kept: list[str] = []
    for line in lines:
        if code_height("\n".join([*kept, line])) > room:
            return "\n".join([*kept[:-1], CUT])
        kept.append(line)
    return "\n".join(kept)


def plain(text: str) -> str:
    """An output without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def shown(cell: Any) -> list[Any]:
    """The slides of a code cell: it with its output, or the two apart when they are long."""
    said = ""
    others = []
    for output in cell.outputs:
        if output.output_type == "stream":
            said += output.text
        elif output.output_type == "error":
            said += f"{output.ename}: {output.evalue}\n"
        elif any(kind.startswith("image/") or kind == "text/markdown" for kind in output.data):
            others.append(output)
        else:
            said += output.data.get("text/plain", "") + "\n"
    said = plain(said)
    source = shortened(cell.source, ROOM)
    room = ROOM - code_height(source)
    outputs = [*others]
    if said.strip():
        text = shortened(said, ROOM)
        outputs.insert(0, new_output("stream", name="stdout", text=text))
    fits = sum(map(output_height, outputs)) <= room
    while sum(map(output_height, outputs)) > ROOM and len(outputs) > 1:
        outputs.pop()  # the first ones say the most
    if fits:
        return [new_code_cell(source, outputs=outputs)]
    return [new_code_cell(source), new_code_cell("", outputs=outputs)]


def deck(book: Notebook) -> Any:
    """The notebook of slides of a lesson."""
    cells: list[Any] = []
    for cell in book.core():
        if cell.cell_type == "markdown":
            for text in texts_of(cell.source):
                add(cells, new_markdown_cell(text))
        elif not left_out(cell.source):
            for slide in shown(cell):
                add(cells, slide)
    made = new_notebook(cells=cells)
    made.metadata.title = book.lesson.title if book.lesson else book.path.stem
    return made


def left_out(source: str) -> bool:
    """Whether a cell says nothing to a room: the setup, and the run of the program at work."""
    return "\nsetup(" in source or ("at_work" in source and "subprocess" in source)


def add(cells: list[Any], cell: Any) -> None:
    """Put a cell on the slide before it when both fit there and belong together."""
    heading = cell.source.startswith(("# ", "## "))
    kind = "slide" if heading or not cells else "subslide"
    if cells and not heading:
        slide = [cells[-1]]
        while slide[0].metadata.slideshow.slide_type == "-":
            slide.insert(0, cells[-1 - len(slide)])
        title = len(cells) == 1
        leads = cells[-1].cell_type == "markdown" and cell.cell_type == "code"
        if (leads or title) and sum(map(height, [*slide, cell])) <= ROOM:
            kind = "-"
    cell.metadata["slideshow"] = {"slide_type": kind}
    if cell.cell_type == "code" and not cell.source:
        cell.metadata["tags"] = ["empty"]
    cells.append(cell)


def html(book: Notebook) -> str:
    """The slides of a lesson as one HTML page that loads nothing."""
    exporter = SlidesExporter(  # type: ignore[no-untyped-call]
        template_name="deck", extra_template_basedirs=[str(DECK.parent)], embed_images=True
    )
    resources = {
        "metadata": {"path": str(book.path.parent)},
        "deck": {
            "css": (DECK / "deck.css").read_text(encoding="utf-8"),
            "reveal_css": (DECK / "static" / "reveal.css").read_text(encoding="utf-8"),
            "reveal_js": (DECK / "static" / "reveal.js").read_text(encoding="utf-8"),
        },
    }
    page, _ = exporter.from_notebook_node(deck(book), resources)
    return str(page)
