"""What is generated from the list of lessons: links between notebooks, facts lines, README's map.

Pure text from `practice.lessons` and from the numbers a run left in a notebook. It must not run
a notebook, and it must not write a sentence that an author would want to change by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from authoring import AuthoringError
from helpers._cost import dollars
from practice.lessons import BY_NAME, BY_NUMBER, LESSONS, PATHS, Lesson

NAV = "generated-nav"
FACTS = "generated-facts"
MAP_START, MAP_END = "<!-- map:start -->", "<!-- map:end -->"


def lesson_of(name: str) -> Lesson:
    """The lesson with this name (`01_first_call`), number (`01` or `1`) or notebook file."""
    stem = Path(name).name.removesuffix(".ipynb")
    found = BY_NAME.get(stem) or BY_NUMBER.get(stem) or BY_NUMBER.get(f"0{stem}")
    if found is None:
        raise AuthoringError(
            f"{name} is not a lesson. Known are {', '.join(BY_NUMBER)}; "
            "a new one starts with a line in practice/lessons.py."
        )
    return found


def path_of(lesson: Lesson, root: Path) -> Path:
    """Where the notebook of a lesson stands, whether or not it has been written."""
    return root / "notebooks" / lesson.file


def written(root: Path) -> list[Lesson]:
    """The lessons whose notebook exists, in order."""
    return [lesson for lesson in LESSONS if path_of(lesson, root).exists()]


def link(lesson: Lesson, root: Path, folder: str = "", text: str = "") -> str:
    """A Markdown link to a lesson, or its bare label when the notebook is not written yet."""
    label = text or f"{lesson.number} {lesson.title}"
    return f"[{label}]({folder}{lesson.file})" if path_of(lesson, root).exists() else label


def nav_line(lesson: Lesson, root: Path) -> str:
    """The links under a lesson's title: the written lesson before, the map, the one after."""
    order = LESSONS.index(lesson)
    ready = written(root)
    before = [other for other in ready if LESSONS.index(other) < order][-1:]
    after = [other for other in ready if LESSONS.index(other) > order][:1]
    parts = [link(other, root, text=f"← {other.number} {other.title}") for other in before]
    parts.append("[course map](../README.md)")
    parts += [link(other, root, text=f"{other.number} {other.title} →") for other in after]
    return " · ".join(parts)


def facts_line(lesson: Lesson, course: dict[str, Any], root: Path) -> str:
    """The facts line of a lesson from its list entry and the numbers in `course`.

    `course` holds calls, input_tokens, output_tokens, usd, model, python, anthropic,
    api_version and as_of, as render leaves them in the cell's metadata.
    """
    low, high = lesson.minutes
    parts = [f"{low} to {high} minutes planned"]
    if lesson.needs:
        needed = ", ".join(link(BY_NUMBER[n], root, text=n) for n in lesson.needs)
        parts.append(f"needs {needed}")
    calls = course["calls"]
    parts.append(
        f"a live run from top to bottom: {calls} call{'s' * (calls != 1)}, "
        f"about {course['input_tokens']:,} tokens in and {course['output_tokens']:,} out, "
        f"about {dollars(course['usd'])}"
    )
    tested = f"Python {course['python']}, anthropic {course['anthropic']}"
    tested += f", API version {course['api_version']}"
    tested += f", `{course['model']}`"
    parts.append(f"tested with {tested} · {course['as_of']}")
    return "*" + " · ".join(parts) + "*"


def tagged(cells: Iterable[Any], tag: str) -> list[Any]:
    """The cells that carry a tag, in order."""
    return [cell for cell in cells if tag in cell["metadata"].get("tags", [])]


def course_numbers(notebook: Any) -> dict[str, Any]:
    """The numbers which `render` left in the facts cell, or an empty dict."""
    cells = tagged(notebook["cells"], FACTS)
    return dict(cells[0]["metadata"].get("course", {})) if cells else {}


def map_table(root: Path) -> str:
    """The README's map: a row for each lesson, then the paths. Unwritten lessons say so."""
    rows = [
        "| lesson | afterwards you can | minutes planned | calls | a live run costs about |",
        "|---|---|---|---|---|",
    ]
    for lesson in LESSONS:
        label, path = link(lesson, root, "notebooks/"), path_of(lesson, root)
        numbers: dict[str, Any] = {}
        if path.exists():
            numbers = course_numbers(json.loads(path.read_text(encoding="utf-8")))
        else:
            label += " *(not written yet)*"
        calls = numbers.get("calls")
        cost = "" if calls is None else dollars(numbers["usd"])
        rows.append(
            f"| {label} | {lesson.outcome} | {lesson.minutes[0]} to {lesson.minutes[1]} "
            f"| {'' if calls is None else calls} | {cost} |"
        )
    paths = []
    for path_name in PATHS:
        numbers_on_path = [x.number for x in LESSONS if path_name in x.paths]
        first = "" if path_name == PATHS[0] else f"*{PATHS[0]}*, then "
        paths.append(f"- **{path_name}**: {first}{', '.join(numbers_on_path)}")
    beside = ", ".join(lesson.number for lesson in LESSONS if not lesson.paths)
    paths.append(f"- On no path, whenever you like: {beside}")
    return "\n".join([*rows, "", *paths])


def with_map(text: str, root: Path) -> str:
    """README text with its generated map brought up to date; AuthoringError without markers."""
    head, start, rest = text.partition(MAP_START)
    _, end, tail = rest.partition(MAP_END)
    if not (start and end):
        raise AuthoringError(
            f"README.md has no place for the map. Put the two lines {MAP_START} and {MAP_END} "
            "where it belongs."
        )
    return f"{head}{start}\n{map_table(root)}\n{end}{tail}"


def rewrite_readme(root: Path, check: bool = False) -> int:
    """Bring the map in README.md up to date. With `check`, write nothing and return 1 if stale."""
    readme = root / "README.md"
    if not readme.exists():
        raise AuthoringError("README.md does not exist. Write it, with the markers of the map.")
    old = readme.read_text(encoding="utf-8")
    new = with_map(old, root)
    state = "up to date" if old == new else "out of date" if check else "rewritten"
    print(f"README.md: map of {len(LESSONS)} lessons, {len(written(root))} written: {state}")
    if old != new and not check:
        readme.write_text(new, encoding="utf-8", newline="\n")
    return int(check and old != new)
