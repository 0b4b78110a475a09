"""The view of a class: which exercise holds up the room, and with which message.

It reads progress codes, as people paste them into a chat, or progress files from a stick. It
writes nothing, names nobody and puts nobody above anybody else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from authoring import AuthoringError
from authoring.build import sentence
from practice._progress import STUCK, Record, Store, decode, slots
from practice.grading.model import Exercise
from practice.grading.sources import sheets
from workshop import WorkshopError

# A code has groups of five of the letters of base 32, and the last may be shorter.
CODE = re.compile(r"\b1[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{5})*(?:-[0-9A-Za-z]{1,5})?\b")
# What a chat puts in front of a name: a day, a time.
WHEN = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[:.]\d\d(?:[:.]\d\d)?\b")
MOST_MESSAGES = 3  # of an exercise, in the table


@dataclass
class Learner:
    """One person's state: exercises by id, and the rule that each open one last met."""

    records: dict[str, Record]
    rules: dict[str, str] = field(default_factory=dict)


@dataclass
class Row:
    """One exercise in the room: how many are done, working on it, and have not begun."""

    exercise: Exercise
    done: int
    working: int
    blank: int
    rules: Counter[str]


def from_codes(text: str) -> tuple[list[Learner], list[str]]:
    """The learners of a chat, and a sentence for each line that cannot be read.

    A line holds a code, and may begin with a name; of two lines with one name the later counts.
    """
    found: dict[str, Learner] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        codes = list(CODE.finditer(line))
        if not codes:
            problems.append(f"line {number}: there is no progress code in it.")
            continue
        code = codes[-1]  # what stands before it may be a time or a name
        before = WHEN.sub(" ", line[: code.start()])
        who = re.sub(r"[\W_]+", " ", before).strip() or f"line {number}"
        try:
            states = decode(code[0], slots())
        except ValueError as problem:
            problems.append(f"line {number}: {problem}")
            continue
        found[who] = Learner({name: Record(state) for name, state in states.items()})
    return list(found.values()), problems


def from_files(paths: Iterable[Path]) -> list[Learner]:
    """The learners of progress files (`progress.jsonl`), one for each file."""
    learners = []
    for path in sorted(paths):
        store = Store(path)
        rules = {}
        for event in store.events():
            if event["outcome"] in STUCK and event.get("rule"):
                rules[event["id"]] = str(event["rule"])
        learners.append(Learner(store.records(), rules))
    return learners


def read_class(source: Path) -> tuple[list[Learner], list[str]]:
    """The learners in a text of codes, or in all progress files under a folder.

    Raises WorkshopError when there is nobody, and OSError when the file cannot be read.
    """
    problems: list[str] = []
    if source.is_dir():
        learners = [each for each in from_files(source.rglob("*.jsonl")) if each.records]
    else:
        learners, problems = from_codes(source.read_text(encoding="utf-8", errors="replace"))
    if not learners:
        raise WorkshopError(
            f"{source} holds nobody's progress. Give a text file with one progress code in a "
            "line, or a folder with files called progress.jsonl (they lie in a learner's "
            "my-course/.course/; one folder for each person)."
        )
    return learners, problems


def rows(learners: list[Learner]) -> Iterator[Row]:
    """A row for each exercise that somebody has begun, in the order of the course."""
    for sheet in sheets():
        for exercise in sheet.exercises:
            states = [each.records.get(exercise.id, Record()).state for each in learners]
            stuck = [
                each.rules[exercise.id]
                for each, state in zip(learners, states, strict=True)
                if state == "stuck" and exercise.id in each.rules
            ]
            row = Row(
                exercise,
                states.count("done"),
                states.count("stuck"),
                states.count("untouched"),
                Counter(stuck),
            )
            if row.blank < len(learners):
                yield row


def picture(learners: list[Learner], problems: list[str]) -> str:
    """The table of the room, and what to look at first."""
    found = list(rows(learners))
    people = "1 learner" if len(learners) == 1 else f"{len(learners)} learners"
    lines = [f"{people}. Nothing was written.", ""]
    lines += [f"{'exercise':<44}{'done':>6}{'working':>9}{'blank':>7}"]
    for row in found:
        title = f"{row.exercise.id} {row.exercise.title}"
        lines.append(f"{title[:43]:<44}{row.done:>6}{row.working:>9}{row.blank:>7}")
    lines += ["", *held_up(found)]
    if problems:
        lines += ["", "Not read:", *problems]
    return "\n".join(lines)


def told(exercise: Exercise, rule: str) -> str:
    """What a learner reads for a rule; a progress file may come from another version."""
    try:
        return sentence(exercise, rule)
    except AuthoringError:
        return "a message of another version of the course"


def held_up(found: list[Row]) -> Iterator[str]:
    """The exercise on which most are working, and the messages that they read."""
    if not any(row.working for row in found):
        yield "Nobody has an exercise that was tried and is not right yet."
        return
    row = max(found, key=lambda each: each.working)
    yield f"Most people are working on {row.exercise.id} {row.exercise.title}: {row.working}."
    if not row.rules:
        yield "A code does not say which message they read; a progress file does."
    for rule, count in row.rules.most_common(MOST_MESSAGES):
        yield f"  {count} read `{rule}`: {' '.join(told(row.exercise, rule).split())}"
    number = row.exercise.lesson
    yield f"What to ask: python -m workshop notes {number}, the page of {row.exercise.id}."
