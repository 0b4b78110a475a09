"""Runs notebooks in a real kernel against replay and stores what they showed, in one normal form.

The stored outputs are what nbval, readers and reviewers see, so the same source must give the
same bytes. It must not know the course's server; it only sets the environment of the kernel.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell

from authoring import AuthoringError
from authoring import navigation as nav
from authoring.kernel import WIDGET_VIEW, Runner, place, running
from authoring.paths import machine_paths
from courseserver import facts
from practice.lessons import BY_NAME, Lesson

REFERENCE = (3, 11)
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Without a version: the file must not change when the author's Python does.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
# It binds no name: a lesson may have a ledger of its own.
LEDGER = "print(__import__('json').dumps(__import__('helpers').ledger.totals()))"


# ------------------------------------------------------------------------------ normal form


def cell_id(source: str, taken: set[str]) -> str:
    """An id that follows from the source, so that a reordered notebook has a readable diff."""
    base = hashlib.sha256(source.encode("utf-8")).hexdigest()[:8]
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name


ANSI = re.compile(r"\x1b\[[0-9;]*m")
LEFT_OUT = "[frames inside libraries are left out]\n"


def short_traceback(lines: Sequence[str]) -> list[str]:
    """The frames of the learner's own cells and the error; no colours, no library frames.

    Of a chain of exceptions the last is kept: it is the one the prose speaks about.
    """
    plain = [ANSI.sub("", line) for line in lines]
    heads = [n for n, line in enumerate(plain) if "Traceback (most recent call last)" in line]
    if heads:
        plain = plain[max(heads[-1] - 1, 0) :]
    kept: list[str] = []
    for line in plain:
        if not line.startswith("File "):
            kept.append(line)
        elif kept[-1:] != [LEFT_OUT]:
            kept.append(LEFT_OUT)
    return kept


def normal_output(output: Any) -> Any | None:
    """One output in normal form, or None when nothing of it can be stored."""
    if output.output_type == "error":
        output.traceback = short_traceback(output.traceback)
    if "data" in output:
        # A stored widget view without its state reads "Error displaying widget" in JupyterLab;
        # without the view a reader sees the widget's text, and nbval compares that text.
        output.data.pop(WIDGET_VIEW, None)
        if not output.data:
            return None
    return output


def normalise(notebook: Any) -> Any:
    """The notebook in the one form in which it is stored; changes it in place."""
    course = notebook.metadata.get("course")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE})
    if course:
        notebook.metadata["course"] = course
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken: set[str] = set()
    for cell in notebook.cells:
        kept = {k: v for k, v in cell.metadata.items() if k in ("tags", "course") and v}
        cell.metadata = nbformat.from_dict(kept)
        cell.id = cell_id(cell.source, taken)
        if cell.cell_type == "code":
            outputs = [normal_output(output) for output in cell.outputs]
            cell.outputs = [output for output in outputs if output is not None]
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = cell.execution_count
    return notebook


def to_bytes(notebook: Any) -> bytes:
    """The file's content: as nbformat writes it, UTF-8, one newline at the end."""
    text: str = nbformat.writes(notebook)
    return (text.rstrip("\n") + "\n").encode("utf-8")


# -------------------------------------------------------------------------- generated cells


def place_generated(notebook: Any, lesson: Lesson, root: Path) -> None:
    """Insert the navigation and facts cells that are missing; refresh the navigation's text."""
    cells = notebook.cells
    if not cells or not cells[0].source.startswith("# "):
        raise AuthoringError(
            f"{lesson.file} does not open with a Markdown cell whose first line is its '# Title'."
        )

    def fresh(tag: str) -> Any:
        return new_markdown_cell("", metadata={"tags": [tag]})

    if not nav.tagged(cells[:2], nav.NAV):
        cells.insert(1, fresh(nav.NAV))
    if not nav.tagged(cells, nav.FACTS):
        first_code = next((n for n, c in enumerate(cells) if c.cell_type == "code"), len(cells))
        lists = [n for n in range(2, first_code) if re.search(r"^[-*] ", cells[n].source, re.M)]
        cells.insert(lists[0] + 1 if lists else 2, fresh(nav.FACTS))
    if not nav.tagged(cells[-1:], nav.NAV):
        cells.append(fresh(nav.NAV))
    for cell in nav.tagged(cells, nav.NAV):
        cell.source = nav.nav_line(lesson, root)


def put_facts(notebook: Any, lesson: Lesson, numbers: dict[str, Any], root: Path) -> None:
    """Write the facts line of the run that just ended, and its numbers into the metadata."""
    course = numbers | {
        "usd": round(numbers["usd"], 6),
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "anthropic": metadata.version("anthropic"),
        "api_version": facts.API_VERSION,
        "model": facts.MODEL,
        "as_of": str(facts.AS_OF),
    }
    (cell,) = nav.tagged(notebook.cells, nav.FACTS)
    cell.metadata["course"] = course
    cell.source = nav.facts_line(lesson, course, root)


# ---------------------------------------------------------------------------------- command


def execute(runner: Runner, notebook: Any) -> dict[str, Any]:
    """Run all cells in place, numbered from 1, and return the ledger's numbers of the run.

    These are calls, input_tokens, output_tokens and usd. Raises AuthoringError for a cell that
    fails.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    count = 0
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            count += 1
            runner.run(index, count)
    numbers: dict[str, Any] = json.loads(runner.quietly(LEDGER))
    return numbers


def rendered(path: Path, root: Path) -> Any:
    """Run the notebook and return it in normal form; the file is not touched.

    Raises AuthoringError for a failing cell and for a path of this machine in an output.
    """
    notebook = prepared(path, root)
    try:
        with running(path, notebook) as runner:
            numbers = execute(runner, notebook)
    except AuthoringError as problem:
        raise AuthoringError(f"{path.name}, {problem}") from problem
    return finished(notebook, numbers, path, root)


def prepared(path: Path, root: Path) -> Any:
    """The notebook with the cells that are generated, ready to run."""
    notebook = nbformat.read(path, as_version=4)
    lesson = BY_NAME.get(path.stem)
    if lesson:
        place_generated(notebook, lesson, root)
    return notebook


def finished(notebook: Any, numbers: dict[str, Any], path: Path, root: Path) -> Any:
    """A notebook that has run, in normal form; AuthoringError for a path of this machine."""
    lesson = BY_NAME.get(path.stem)
    if lesson:
        put_facts(notebook, lesson, numbers, root)
    normalise(notebook)
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            found = machine_paths(json.dumps(output, ensure_ascii=False), root, output=True)
            if found:
                raise AuthoringError(
                    f"{path.name}, {place(index, cell)} shows a path of this machine: {found[0]}. "
                    "Readers have another one. Show a name or a relative path."
                )
    return notebook


def without_pictures(content: bytes) -> str:
    """The file's text with PNG data blanked: its bytes depend on font libraries."""
    text = content.decode("utf-8")
    text = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "data:image/png;base64,", text)
    return re.sub(r'("image/png": ")[^"]*', r"\1", text)


def short_diff(old: str, new: str, lines: int = 20) -> str:
    """The first lines of what differs, each cut to the width of a screen."""
    diff = list(difflib.unified_diff(old.split("\n"), new.split("\n"), n=1, lineterm=""))[2:]
    cut = [line[:150] for line in diff[:lines]]
    return "\n".join(cut + ["..."] * (len(diff) > lines))


def counts(notebook: Any) -> str:
    """How much of a notebook was looked at: `7 code cells, 9 outputs`."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = sum(len(cell.outputs) for cell in code)
    return f"{len(code)} code cells, {outputs} outputs"


def refresh_navigation(root: Path, done: set[Path]) -> None:
    """A lesson that appeared changes its neighbours' links: rewrite them without a run."""
    for lesson in nav.written(root):
        path = nav.path_of(lesson, root)
        notebook = nbformat.read(path, as_version=4)
        course = nav.course_numbers(notebook)
        if path in done or not course:  # a notebook that was never rendered is left alone
            continue
        place_generated(notebook, lesson, root)
        (cell,) = nav.tagged(notebook.cells, nav.FACTS)
        cell.source = nav.facts_line(lesson, course, root)
        write_if_changed(path, to_bytes(normalise(notebook)))


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write the file unless it holds these bytes already; True when it was written."""
    if path.read_bytes() == content:
        return False
    path.write_bytes(content)
    return True


def notebooks(root: Path, names: Sequence[str]) -> list[Path]:
    """The notebooks meant by names, numbers or files; all written lessons when none is given."""
    if not names:
        found = [nav.path_of(lesson, root) for lesson in nav.written(root)]
    else:
        found = [
            Path(name).resolve()
            if name.endswith(".ipynb")
            else nav.path_of(nav.lesson_of(name), root)
            for name in names
        ]
    if not found:
        raise AuthoringError(f"there is no notebook in {root.name}/notebooks: nothing to render.")
    for path in found:
        if not path.exists():
            raise AuthoringError(f"{path.name} does not exist yet. Write its cells first.")
    return found


def render_all(root: Path, names: Sequence[str] = (), check: bool = False) -> int:
    """Render notebooks; with `check` write nothing and return 1 if a file would change."""
    paths = notebooks(root, names)
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    reference = ".".join(map(str, REFERENCE))
    if here != reference:
        if check:
            print(f"skipped: reference Python is {reference}, this is {here}; nothing compared")
            return 0
        print(f"note: reference Python is {reference}; outputs stored with {here} may differ")
    stale = 0
    for path in paths:
        notebook = rendered(path, root)
        content = to_bytes(notebook)
        if check:
            old, new = without_pictures(path.read_bytes()), without_pictures(content)
            state = "as stored (PNG bytes not compared)" if old == new else "WOULD CHANGE"
            stale += old != new
            print(f"{path.stem}: {counts(notebook)}: {state}")
            if old != new:
                print(short_diff(old, new))
        else:
            state = "written" if write_if_changed(path, content) else "unchanged"
            print(f"{path.stem}: {counts(notebook)}: {state}")
    if check:
        print(f"{len(paths)} notebooks run again and compared, {stale} would change")
    else:
        refresh_navigation(root, set(paths))
    return int(stale > 0)
