"""`python -m authoring check LESSON ...`: what is stored comes again, and again in any order.

One kernel and one run from top to bottom serve three questions: is the file as `render` would
write it, does each cell show what nbval would compare, and does each cell show the same when
it is run again in another order, as learners do. The lint looks at the same lesson beside it. It
must not write a file, and nothing in it depends on how fast the machine is.
"""

from __future__ import annotations

import copy
import hashlib
import json
import multiprocessing
import random
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbval.plugin import get_sanitize_patterns

from authoring import ROOT, AuthoringError, lint, render
from authoring.kernel import Runner, comparable, place, running

SEED = 11
SANITIZE = ROOT / "authoring" / "nbval_sanitize.cfg"
Outputs = dict[str, list[str]]
# Runs in the lesson's kernel. Prints what was adapted: the cell's text as a digest, and the words.
ADAPTED = """
import json as _json
from helpers._setup import journal as _journal
print(_json.dumps([(_e.cell.text, ", ".join(_e.adapted)) for _e in _journal() if _e.adapted]))
"""
# Runs there too: from now on the server is one in this process, as it will be in a browser.
IN_PROCESS = """
import os as _os, helpers._setup as _setup
_os.environ["COURSE_ADAPTER"] = "in-process"
if _setup._server:
    _setup._server.stop()
_setup._server = None
"""
# Runs there first. Notes the cells that start a Python of their own, by their text: that takes a
# second or more each time, and a browser cannot do it.
WATCH = """
def _watch():
    import sys
    shell = get_ipython()
    shell.course_cell, shell.course_programs = "", set()
    def begin(info):
        shell.course_cell = info.raw_cell
    def hook(event, arguments):
        if event == "subprocess.Popen" and sys.executable in arguments[1]:
            shell.course_programs.add(shell.course_cell)
    shell.events.register("pre_run_cell", begin)
    sys.addaudithook(hook)
_watch()
del _watch
"""
PROGRAMS = "print(__import__('json').dumps(list(get_ipython().course_programs)))"
# A cell that holds one of these words uses what a program left, or shows the address: a server in
# the process cannot answer it, nor a program.
OUTSIDE = ("subprocess", "ANTHROPIC_BASE_URL", "peaks")


@dataclass
class Report:
    """What the check of one lesson found, and what it covered."""

    lesson: str
    problems: list[str] = field(default_factory=list)
    covered: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.lesson}: {line}" for line in self.covered]
        lines += self.problems
        lines.append(f"{self.lesson}: {len(self.problems) or 'nothing'} to fix")
        return "\n".join(lines)


@cache
def patterns() -> list[tuple[str, str]]:
    """What may differ between two runs, from the file that nbval reads, by nbval's own reader."""
    return list(get_sanitize_patterns(SANITIZE.read_text(encoding="utf-8")))


def seen(cell: Any) -> Outputs:
    """A cell's outputs as strict nbval compares them."""

    def clean(text: str) -> str:
        for pattern, replacement in patterns():
            text = re.sub(pattern, replacement, text)
        return text

    return {kind: [clean(v) for v in values] for kind, values in comparable(cell.outputs).items()}


def as_text(outputs: Outputs) -> str:
    """Outputs for a message: each value under its kind."""
    return "\n".join(f"{kind}: {value}" for kind, values in outputs.items() for value in values)


def tags(cell: Any) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def code_cells(notebook: Any) -> list[int]:
    """The places of the cells that run."""
    cells = enumerate(notebook.cells)
    return [n for n, cell in cells if cell.cell_type == "code" and cell.source.strip()]


def orders(again: Sequence[int], slow: Sequence[int]) -> list[list[int]]:
    """The orders in which cells are run again: from bottom to top, and a random one.

    The lesson ran from top to bottom before, so each cell is met both before and after each other
    one. Cells that wait at a human pace, or start a program, are left out of the random order.
    """
    quick = [n for n in again if n not in slow]
    return [list(again)[::-1], random.Random(SEED).sample(quick, len(quick))]


def compare(stored: Any, fresh: Any) -> Iterator[str]:
    """What nbval would report: a sentence and a diff for each cell with another output."""
    old = [cell for cell in stored.cells if cell.cell_type == "code" and cell.source.strip()]
    new = [(n, fresh.cells[n]) for n in code_cells(fresh)]
    for before, (index, after) in zip(old, new, strict=True):
        if "nbval-ignore-output" in tags(after) or seen(before) == seen(after):
            continue
        diff = render.short_diff(as_text(seen(before)), as_text(seen(after)))
        yield f"{place(index, after)} shows something else than is stored:\n{diff}"


def adapted(runner: Runner, notebook: Any) -> Iterator[str]:
    """The cells whose request is not recorded exactly, as a lesson's own must be."""
    found = dict(json.loads(runner.quietly(ADAPTED)))
    for n in code_cells(notebook):
        cell = notebook.cells[n]
        words = found.get(hashlib.sha256(cell.source.encode()).hexdigest())
        if words and "adapted" not in tags(cell):
            yield (
                f"{place(n, cell)} was answered from another request (adapted: {words}). Record "
                "its own with python -m authoring write, or tag the cell `adapted`."
            )


def programs(runner: Runner, notebook: Any) -> list[int]:
    """The places of the cells that started a program in the run from top to bottom."""
    started = json.loads(runner.quietly(PROGRAMS))
    return [n for n in code_cells(notebook) if notebook.cells[n].source in started]


def run_again(runner: Runner, notebook: Any, started: Sequence[int]) -> Iterator[str | None]:
    """Run the cells again: what is wrong with each run, or None.

    In each of the `orders`, then from top to bottom with the course server in the process.
    `started` are the places of the cells that start a program.
    """
    cells = notebook.cells
    again = [n for n in code_cells(notebook) if "grows" not in tags(cells[n])]
    slow = [n for n in again if n in started or "paced" in tags(cells[n])]
    inside = [n for n in again if n not in slow and not is_outside(cells[n])]
    first = {n: seen(cells[n]) for n in again}
    for number, order in enumerate([*orders(again, slow), inside], start=1):
        how = f"order {number}"
        if order is inside:
            how = "without a socket"
            runner.quietly(IN_PROCESS)
        before = "the last cell"
        for n in order:
            name = place(n, cells[n])
            where = f"{name}, run again after {before} ({how})"
            before = name
            try:
                now = seen(runner.run(n))
            except AuthoringError as problem:
                yield f"{where}: {problem}"
                continue
            same = now == first[n] or "nbval-ignore-output" in tags(cells[n])
            diff = render.short_diff(as_text(first[n]), as_text(now), 8)
            yield None if same else f"{where} shows something else:\n{diff}"


def is_outside(cell: Any) -> bool:
    """Whether a server in the process cannot answer a cell."""
    return any(word in cell.source for word in OUTSIDE)


def run_lesson(path: Path, root: Path) -> Report:
    """Run a lesson once and its cells again in the same kernel, and say what differs."""
    report = Report(path.stem)
    stored = nbformat.read(path, as_version=4)
    notebook = render.prepared(path, root)
    cells = notebook.cells
    try:
        with running(path, notebook) as runner:
            runner.quietly(WATCH)
            numbers = render.execute(runner, notebook)
            fresh = copy.deepcopy(notebook)
            inexact = [f"{path.stem}, {what}" for what in adapted(runner, notebook)]
            started = programs(runner, notebook)
            reruns = list(run_again(runner, notebook, started))
        content = render.to_bytes(render.finished(fresh, numbers, path, root))
    except AuthoringError as problem:
        report.problems.append(f"{path.stem}: {problem}")
        return report

    different = [f"{path.stem}, {what}" for what in compare(stored, fresh)]
    report.problems += different + inexact
    report.covered.append(f"run: {render.counts(fresh)}, compared as nbval does")
    report.covered.append(as_rendered(path, content, report.problems))
    report.problems += [f"{path.stem}, {wrong}" for wrong in reruns if wrong]
    grows = [cells[n] for n in code_cells(notebook) if "grows" in tags(cells[n])]
    alone = [cells[n] for n in started]
    outside = [cells[n] for n in code_cells(notebook) if n in started or is_outside(cells[n])]
    report.covered.append(
        f"run again: {len(reruns)} runs in 2 orders and without a socket; not run again, because "
        f"they grow: {named(grows)}; in the first order only, because they start a program: "
        f"{named(alone)}; not without a socket: {named(outside)}"
    )
    return report


def named(cells: Sequence[Any]) -> str:
    """The first lines of cells, for a report."""
    return ", ".join(repr(cell.source.splitlines()[0][:50]) for cell in cells) or "none"


def as_rendered(path: Path, content: bytes, problems: list[str]) -> str:
    """Compare the file with what `render` would write; returns the line about what was covered.

    A difference is added to `problems`, unless a cell's output has already told of one.
    """
    if sys.version_info[:2] != render.REFERENCE:
        reference = ".".join(map(str, render.REFERENCE))
        return f"file: not compared, because the reference Python is {reference}"
    old, new = render.without_pictures(path.read_bytes()), render.without_pictures(content)
    if old != new and not problems:
        diff = render.short_diff(old, new)
        problems.append(
            f"{path.stem} is not as it would be rendered. Run python -m authoring render "
            f"{path.stem}.\n{diff}"
        )
    return "file: compared with a fresh rendering (PNG bytes left out)"


def lint_lesson(path: Path, root: Path) -> Report:
    """The lint's findings about a lesson and its recording."""
    report = Report(path.stem)
    _, findings = lint.check_notebook(path, root)
    recording = root / "recordings" / f"{path.stem}.json"
    files = [path, *([recording] if recording.exists() else [])]
    for file in files:
        findings += lint.check_file(file, root)[1]
    report.problems = [str(finding) for finding in findings]
    rules = len(lint.RULES)
    report.covered = [f"lint: {rules} rules over {' and '.join(file.name for file in files)}"]
    return report


def check_lesson(path: Path, root: Path) -> Report:
    """Everything about one lesson."""
    linted = lint_lesson(path, root)
    ran = run_lesson(path, root)
    return Report(path.stem, linted.problems + ran.problems, linted.covered + ran.covered)


def check(root: Path, names: Sequence[str] = ()) -> int:
    """Check lessons, two at a time when there are several; 1 when there is something to fix."""
    paths = render.notebooks(root, names)
    red = 0
    for report in reports(paths, root):
        print(report, flush=True)
        red += bool(report.problems)
    print(f"{len(paths)} lessons checked, {red} of them with something to fix")
    return int(red > 0)


def reports(paths: Sequence[Path], root: Path) -> Iterator[Report]:
    """The report of each lesson, in order. The last are begun first: they take longest."""
    if len(paths) == 1:
        yield check_lesson(paths[0], root)
        return
    spawn = multiprocessing.get_context("spawn")  # the same on every system
    with ProcessPoolExecutor(3, mp_context=spawn) as pool:
        begun = {path: pool.submit(check_lesson, path, root) for path in reversed(paths)}
        for path in paths:
            yield begun[path].result()
