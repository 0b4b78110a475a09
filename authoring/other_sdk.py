"""`python -m authoring.other_sdk [LESSON ...]`: what the SDK that is installed here changes.

`python3 start.py test --sdk VERSION` makes the environment and runs this in it. Two things are run:
nbval over the lessons, and the tests of their exercises. It must not know how an SDK is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import nbformat

from authoring import ROOT, AuthoringError
from authoring.environment import clean_environment
from authoring.gates import NBVAL, TWO_WORKERS
from authoring.kernel import place
from authoring.navigation import lesson_of
from authoring.render import ANSI, notebooks
from practice.lessons import BY_NUMBER

EXERCISES = "tests/practice/test_exercises.py"
SHOWN, WIDTH = 8, 150  # lines of one difference, and characters of a line
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *TWO_WORKERS]
FAILED = re.compile(r"[\w.]*(?:Error|Exception|Warning|Interrupt)\b.*")  # the end of a traceback
CHANGED = re.compile(r"\s*([-+]) (.*)")  # in nbval's report: + is stored, - is new
OTHER_WAY = {"+": "-", "-": "+"}


class Case(NamedTuple):
    """One test of a run: the file it is of, its name, and what went wrong or ""."""

    file: str
    name: str
    problem: str


def main(words: Sequence[str]) -> int:
    """Run the lessons that are named, or all; print what differs by lesson and cell.

    Returns 0 when nothing does. Raises AuthoringError for a word that names no lesson.
    """
    sdk = metadata.version("anthropic")
    lessons = [lesson_of(word) for word in words] or list(BY_NUMBER.values())
    paths = notebooks(ROOT, [lesson.number for lesson in lessons])
    print(f"anthropic {sdk}: running {len(paths)} lessons and their exercises ...", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        environ = clean_environment(os.environ, scratch)
        files = [path.relative_to(ROOT).as_posix() for path in paths]
        cells = cases([*NBVAL, *TWO_WORKERS, *files], environ, Path(scratch) / "cells.xml")
        numbers = " or ".join(f"[{lesson.number}." for lesson in lessons)
        chosen = ["-k", numbers] if words else []
        tests = cases([*PYTEST, EXERCISES, *chosen], environ, Path(scratch) / "exercises.xml")
    differing = 0
    for path in paths:
        found = list(told(path, [case for case in cells if case.file == path.name], tests))
        differing += bool(found)
        print("\n".join([f"{path.stem}: {len(found) or 'nothing'} differs", *found]), flush=True)
    print(
        f"Covered with anthropic {sdk}: {len(cells)} cells of {len(paths)} lessons by nbval, "
        f"{len(tests)} tests of their exercises. Not covered: what the prose says of the SDK "
        "(tests/lessons), the course server's own tests, cells run again in other orders."
    )
    print(f"{differing} of {len(paths)} lessons differ." if differing else "Nothing differs.")
    return int(differing > 0)


def cases(command: Sequence[str], environ: Mapping[str, str], report: Path) -> list[Case]:
    """Run pytest and return its tests. Raises AuthoringError when it could not even begin."""
    done = subprocess.run(
        [sys.executable, *command, f"--junitxml={report}"],
        cwd=ROOT,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    found = list(read_report(report)) if report.exists() else []
    if not found:
        end = "\n".join(done.stdout.splitlines()[-15:])
        raise AuthoringError(f"nothing could be run with this SDK:\n{end}")
    return found


def read_report(report: Path) -> Iterator[Case]:
    """The tests of a JUnit report."""
    for case in ElementTree.parse(report).iter("testcase"):
        problems = [each for each in case if each.tag in ("failure", "error")]
        text = "\n".join(str(each.text or each.get("message")) for each in problems)
        yield Case(file_of(case), case.get("name", ""), ANSI.sub("", text.replace("#x1B", "\x1b")))


def file_of(case: ElementTree.Element) -> str:
    """The file that a test is of. pytest writes dots in place of slashes."""
    name = str(case.get("file") or case.get("classname", ""))
    dotted = re.search(r"([\w-]+)\.ipynb$", name)
    return f"{dotted.group(1)}.ipynb" if dotted else name


def told(path: Path, cells: Sequence[Case], tests: Sequence[Case]) -> Iterator[str]:
    """What differs in a lesson: its cells in order, then its exercises."""
    notebook = nbformat.read(path, as_version=4)
    code = [(n, cell) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    if not cells:
        yield "  no cell of it was run"
    for case in cells:
        number = re.search(r"\d+", case.name)
        if case.problem and number:
            yield f"  {place(*code[int(number.group())])}: {indented(what(case.problem))}"
        elif case.problem:
            yield f"  {case.name}: {indented(what(case.problem))}"
    exercises: dict[str, list[Case]] = defaultdict(list)
    lesson = lesson_of(path.stem)
    for case in tests:
        of = re.search(rf"\[({re.escape(lesson.number)}\.\d+)", case.name)
        if case.problem and of:
            exercises[of.group(1)].append(case)
    for exercise, failed in exercises.items():
        names = ", ".join(case.name.partition("[")[0] for case in failed[:3])
        first = why(failed[0].problem)
        yield f"  exercise {exercise}: {len(failed)} tests fail ({names} ...): {first}"


def what(problem: str) -> str:
    """What is wrong with a cell: its error, or the lines that differ (- stored, + now)."""
    lines = [line for line in problem.partition("Traceback:\n")[2].splitlines() if line.strip()]
    errors = [line for line in lines if FAILED.match(line)]
    if "caused an exception" in problem:
        # The course's own report of a request without a reply ends with no class: its beginning.
        return "\n".join(line[:WIDTH] for line in (errors[-1:] or lines[:SHOWN]))
    found = [CHANGED.fullmatch(line) for line in lines]
    changed = [f"{OTHER_WAY[each[1]]} {each[2]}"[:WIDTH] for each in found if each]
    shown = changed or [line[:WIDTH] for line in lines] or problem.splitlines()
    more = ["..."] if len(shown) > SHOWN else []
    return "\n".join(["shows something else than is stored:", *shown[:SHOWN], *more])


def why(problem: str) -> str:
    """The first line of a failed test that says why."""
    lines = [line for line in problem.splitlines() if line.startswith("E  ")]
    return (lines or problem.splitlines() or [""])[0].removeprefix("E").strip()[:200]


def indented(text: str) -> str:
    """A text whose further lines stand under its first."""
    return text.replace("\n", "\n    ")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AuthoringError as problem:
        sys.exit(f"error: {problem}")
