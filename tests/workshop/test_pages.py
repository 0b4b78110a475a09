"""Slides, handouts, notes: each lesson has them, and they need no network and no second file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_output

from authoring import navigation
from authoring.book import Notebook
from practice.grading.sources import sheets
from workshop import handouts, notes, slides

ROOT = Path(__file__).resolve().parents[2]
LESSONS = [lesson.name for lesson in navigation.written(ROOT)]
# What a browser would fetch; `data:` stands in the page.
LOADED = re.compile(r"""(?:src|href)=["'](?!data:|#)([^"']+)|@import|url\((?!["']?data:)""")


def book(name: str) -> Notebook:
    """The notebook of a lesson."""
    return Notebook.read(ROOT / "notebooks" / f"{name}.ipynb", ROOT)


def fetched(page: str) -> list[str]:
    """What a page would load; links that a reader clicks are not loaded."""
    without_links = re.sub(r"<a\b[^>]*>", "", page)
    scripts_out = re.sub(r"<script>.*?</script>", "", without_links, flags=re.DOTALL)
    return [match[0] for match in LOADED.finditer(scripts_out)]


def test_a_page_that_would_load_something_is_noticed() -> None:
    assert fetched('<img src="images/a.svg">') and fetched("<style>@import 'a'</style>")
    assert not fetched('<a href="glossary.md">x</a><img src="data:image/png;base64,AA">')


@pytest.mark.parametrize("name", LESSONS)
def test_the_slides_of_a_lesson_load_nothing_and_each_fits(
    name: str, covers: Callable[[str], None]
) -> None:
    one = book(name)
    page = slides.html(one)
    assert fetched(page) == []
    sheets: list[list[object]] = []
    for cell in slides.deck(one).cells:
        if cell.metadata.slideshow.slide_type != "-":
            sheets.append([])
        sheets[-1].append(cell)
    high = [sum(map(slides.height, sheet)) for sheet in sheets]
    assert len(sheets) >= 20
    assert "Key points" in page
    # One picture with its text, or one output that cannot be cut, may be higher than planned.
    assert sum(one > slides.ROOM for one in high) <= len(high) // 8
    covers(f"slides: {len(sheets)} of {name}")


@pytest.mark.parametrize("name", LESSONS)
def test_the_handout_of_a_lesson_has_its_parts(name: str) -> None:
    page = handouts.html(book(name))
    assert fetched(page) == []
    assert page.count('<div class="line"></div>') == 6, "three questions with two lines each"
    assert page.count("<li>") >= 6, "aims and key points"
    program = ROOT / "notebooks" / "at_work" / f"{name}.py"
    assert ("The same at work" in page) == program.is_file()
    text = page.partition("<pre>")[0]
    assert "](" not in text, "a link on paper is its words"


def test_a_long_output_is_cut_with_a_mark_and_an_error_is_one_line() -> None:
    text = "\n".join(f"line {n}" for n in range(60))
    cell = new_code_cell("print(text)", outputs=[new_output("stream", name="stdout", text=text)])
    code, output = slides.shown(cell)
    assert code.source == "print(text)" and not code.outputs
    assert output.outputs[0].text.endswith("\n...")
    assert slides.height(output) <= slides.ROOM
    failed = new_output("error", ename="KeyError", evalue="'a'", traceback=["\x1b[31mlong\x1b[0m"])
    [short] = slides.shown(new_code_cell("d['a']", outputs=[failed]))
    assert short.outputs[0].text == "KeyError: 'a'"


EXERCISES = [one for sheet in sheets(ROOT / "exercises" / "source") for one in sheet.exercises]


@pytest.mark.parametrize("name", LESSONS)
def test_the_notes_of_a_lesson_have_a_page_for_each_exercise(name: str) -> None:
    one = book(name)
    page = notes.html(one)
    assert fetched(page) == []
    assert page.count("<section>") == sum(
        one.lesson is not None and each.lesson == one.lesson.number for each in EXERCISES
    )
    for part in ("Point:", "They stumble", "Ask:", "Questions to ask aloud", "planned"):
        assert part in page, part


def test_each_exercise_has_mistakes_with_a_question(covers: Callable[[str], None]) -> None:
    used: set[str] = set()
    for one in EXERCISES:
        lines = notes.rows(one)
        assert 5 <= len(lines) <= notes.MOST, one.id
        assert all(told and "?" in asked for told, _, asked in lines), one.id
        used |= {asked for *_, asked in lines}
    assert used == set(notes.asked().values()), "a question that no page shows"
    covers(f"notes: {len(used)} questions for {len(EXERCISES)} exercises")
