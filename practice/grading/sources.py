"""Finds the exercises: a file per lesson in exercises/source/, loaded when asked for.

A source binds `IMPORTS` (the first cell of its notebook) and `EXERCISES`. It must not
know what is in them.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.settings import ROOT
from practice.grading.model import Exercise
from practice.lessons import LESSONS, Lesson

FOLDER = ROOT / "exercises" / "source"


@dataclass(frozen=True)
class Sheet:
    """The exercises of one lesson, and the first cell of their notebook."""

    lesson: Lesson
    imports: str
    exercises: tuple[Exercise, ...]


@cache
def sheet(path: Path) -> Sheet:
    """Load one source file. Its name is `s` and the name of its lesson."""
    lesson = next(lesson for lesson in LESSONS if path.stem == f"s{lesson.name}")
    name = f"exercise_source_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return Sheet(lesson, module.IMPORTS, tuple(module.EXERCISES))


def sheets(folder: Path = FOLDER) -> list[Sheet]:
    """All of them, in the order of the lessons."""
    paths = [folder / f"s{lesson.name}.py" for lesson in LESSONS]
    return [sheet(path) for path in paths if path.is_file()]


def find(wanted: str, folder: Path = FOLDER) -> tuple[Exercise, Sheet]:
    """The exercise with this id; `1.2` will do for `01.2`.

    Raises `ValueError`, naming the ones there are.
    """
    for lesson in LESSONS:
        path = folder / f"s{lesson.name}.py"
        number = str(wanted).partition(".")[0]
        if number not in lesson.numbers or not path.is_file():
            continue
        for exercise in sheet(path).exercises:
            if exercise.id.removeprefix("0") == str(wanted).removeprefix("0"):
                return exercise, sheet(path)
    known = []
    for each in sheets(folder):
        known += [exercise.id for exercise in each.exercises]
    there = "The folder exercises/source holds none."
    if known:
        there = f"There is: {', '.join(known)}."
    raise ValueError(f"There is no exercise called {wanted!r}. {there}")
