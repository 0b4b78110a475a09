"""`python -m authoring build`: from exercises/source/ to notebooks, solutions, a table of mistakes.

What it writes is never edited by hand; `--check` fails when a file differs, is missing, or stands
there without a source. It must not run an exercise: tests/test_exercises.py does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring import AuthoringError, models, name_within
from authoring.render import normalise, to_bytes
from helpers._text import escape_dollars
from launch.files import is_own
from practice._progress import slots
from practice.grading import Exercise, Mistake
from practice.grading.model import code
from practice.grading.sources import Sheet, sheets
from practice.grading.words import EXCEPTIONS, KIT

INTRO = """Run the first cell. Then, for each exercise: change the cell with the answer, run it, \
and run the check below it, as often as you like. Nothing leaves your machine and nothing is \
spent: a check plays the API's side with replies of its own. After a restart of the kernel, begin \
with the first cell again.

A check ends your code after a few seconds. If one shows nothing for ten seconds, your code is \
busy with a single step that Python cannot interrupt, such as `10**10**8`: choose Kernel, Restart \
Kernel from the menu. Your progress is kept."""
MORE = """# Stuck? Take one # away and run this cell.
# {name}.hint()
# {name}.solution()
# {name}.reset()"""


def numbered(one: Exercise) -> str:
    """The name that an exercise has in its notebook; not `ex` for all: cells run in any order."""
    return f"ex{one.id.partition('.')[2]}"


def heading(one: Exercise) -> str:
    """Title, kind and task of an exercise, as Markdown."""
    kinds = ["harder, optional"] * one.optional + ["a part of your desk"] * (one.part is not None)
    facts = " · ".join([*kinds, f"about {one.minutes} minutes"])
    objective = f"*{one.objective.rstrip('.')} · {facts}*"
    return escape_dollars(f"## {one.id} {one.title}\n\n{objective}\n\n{one.task.strip()}")


def exercises(sheet: Sheet) -> Any:
    """The notebook that a learner works in; it runs from top to bottom as it is."""
    lesson = sheet.lesson
    back = f"[← Lesson {lesson.number}: {lesson.title}](../notebooks/{lesson.file})"
    cells = [
        new_markdown_cell(f"# Exercises: {lesson.title}\n\n{back}\n\n{INTRO}"),
        new_code_cell(code(sheet.imports).strip()),
    ]
    for one in sheet.exercises:
        name = numbered(one)
        cells += [
            new_markdown_cell(heading(one)),
            new_code_cell(code(one.template).strip()),
            new_code_cell(f'{name} = exercise("{one.id}")\n{name}.check()'),
            new_code_cell(MORE.format(name=name)),
        ]
    cells += [new_markdown_cell("## How far you are"), new_code_cell("progress()")]
    return notebook(cells)


def solutions(sheet: Sheet) -> Any:
    """The same exercises with the answers filled in, and another way beside each."""
    lesson = sheet.lesson
    back = f"[← Exercises](../{lesson.file}) · [Lesson](../../notebooks/{lesson.file})"
    told = "One good answer to each exercise, and another. Yours may look different."
    cells = [
        new_markdown_cell(f"# Solutions: {lesson.title}\n\n{back}\n\n{told}"),
        new_code_cell(code(sheet.imports).strip()),
    ]
    for one in sheet.exercises:
        name = numbered(one)
        other = "".join(
            f"Another way:\n\n```python\n{code(text)}```" for text in one.also_correct[:1]
        )
        cells += [
            new_markdown_cell(heading(one)),
            new_code_cell(code(one.solution).strip()),
            new_code_cell(f'{name} = exercise("{one.id}")\n{name}.check()'),
            new_markdown_cell(escape_dollars(f"{one.takeaway}\n\n") + other),
        ]
    return notebook(cells)


def notebook(cells: list[Any]) -> Any:
    """Cells as a notebook in the one normal form; the models it names are declared."""
    named = sorted(set().union(*(models.ids_in(cell.source) for cell in cells)))
    course = {"course": {"declared_models": named}} if named else {}
    return normalise(new_notebook(cells=cells, metadata=course))


def sentence(one: Exercise, rule: str) -> str:
    """What a learner reads when they make a mistake; what is filled in at run time is `…`."""
    known = KIT | {name: text for name, _, _, text in EXCEPTIONS}
    if rule not in one.messages and rule not in known:
        raise AuthoringError(f"{one.id}: nothing says what the rule {rule!r} means.")
    text = one.messages.get(rule, "$kit").replace("$kit", known.get(rule, ""))
    return re.sub(r"(\$\w+)+", "…", text)


def written(mistake: Mistake) -> str:
    """What was changed in the solution, if a mistake is told that way and it is short."""
    if not isinstance(mistake.wrong, Mapping):
        return ""
    changes = list(mistake.wrong.items())
    pairs = [(" ".join(old.split()), " ".join(new.split())) for old, new in changes]
    told = ", ".join(f"`{old}` → `{new}`" if new else f"without `{old}`" for old, new in pairs)
    for name in models.ids_in(told):  # an old one would be reported as about to retire
        told = told.replace(name, "…")
    return told if len(told) < 190 else ""


def mistakes(all_sheets: list[Sheet]) -> str:
    """The table of common mistakes for instructors, as a Markdown page."""
    lines = [
        "# Common mistakes",
        "This page shows what people really write in the exercises, what the check tells them, "
        "and where the mistake was seen. The lint checks only the form of an address, not that "
        "the mistake is found there. The page is generated by `python -m authoring build`; "
        "do not edit it.",
    ]
    for sheet in all_sheets:
        lines.append(f"## {sheet.lesson.number} {sheet.lesson.title}")
        for one in sheet.exercises:
            rows = [
                "| message | what people write | what the check tells them | where it was seen |",
                "| --- | --- | --- | --- |",
            ]
            for mistake in one.mistakes:
                said = sentence(one, mistake.rule)
                cells = (f"`{mistake.rule}`", written(mistake), said, mistake.source)
                rows.append(
                    "| " + " | ".join(escape_dollars(c).replace("|", "\\|") for c in cells) + " |"
                )
            lines += [f"### {one.id} {one.title}", "\n".join(rows)]
    return "\n\n".join(lines) + "\n"


def files(root: Path) -> dict[Path, bytes]:
    """Every generated file and its content. Raises AuthoringError when there is no source."""
    folder = root / "exercises"
    found = sheets(folder / "source")
    if not found:
        raise AuthoringError("there is no source in exercises/source: nothing to build.")
    made: dict[Path, bytes] = {}
    for sheet in found:
        made[folder / sheet.lesson.file] = to_bytes(exercises(sheet))
        made[folder / "solutions" / sheet.lesson.file] = to_bytes(solutions(sheet))
    places = slots(folder / "source" / "slots.txt")
    ids = [one.id for sheet in found for one in sheet.exercises]
    places += [name for name in ids if name not in places]  # a place that was given out stays
    made[folder / "source" / "slots.txt"] = ("\n".join(places) + "\n").encode()
    made[root / "workshop" / "common_mistakes.md"] = mistakes(found).encode()
    return made


def stray(root: Path, made: dict[Path, bytes]) -> list[Path]:
    """Files among the generated ones that have no source."""
    folder = root / "exercises"
    there = [*folder.glob("*"), *(folder / "solutions").glob("*")]
    return [p for p in there if p.is_file() and p not in made and not is_own(p.name)]


def limits(sheet: Sheet) -> Iterator[str]:
    """What a sheet does that no sheet may, one sentence each."""
    number, found = sheet.lesson.number, sheet.exercises
    if not 3 <= len(found) <= 8:
        yield (
            f"{number} has {len(found)} exercises; a lesson has three to five, and up to eight "
            "where it has the matter for them."
        )
    wanted = [f"{number}.{place}" for place in range(1, len(found) + 1)]
    if [one.id for one in found] != wanted:
        yield f"{number}: its exercises are not numbered {', '.join(wanted)} in this order."
    for one in found[:-1]:
        if one.optional:
            yield f"{one.id} is optional; only the last exercise of a lesson may be. Move it."
    if not any(one.part for one in found):
        yield f"{number}: none of its exercises is a part of the desk. Give one a `part`."


def build(root: Path, check: bool = False) -> int:
    """Write the generated files, or with `check` compare them; 1 when something is wrong."""
    made = files(root)
    wrong = 0
    for path, content in made.items():
        old = path.read_bytes() if path.is_file() else None
        if old == content:
            continue
        print(f"{name_within(path, root)}: {'differs from its source' if check else 'written'}")
        wrong += check
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in stray(root, made):
        print(f"{name_within(path, root)}: has no source. Delete it, or write one.")
        wrong += 1
    found = sheets(root / "exercises" / "source")
    for broken in [told for sheet in found for told in limits(sheet)]:
        print(broken)
        wrong += 1
    count = sum(len(sheet.exercises) for sheet in found)
    print(f"{len(found)} lessons, {count} exercises, {len(made)} files, {wrong} to fix")
    return int(wrong > 0)
