"""Every cell can be run again, in any order, with the same output: learners do not run in order.

Cells tagged `grows` are left out of the second part and named. The kernel, the SDK and the
course server are real.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbval.plugin import get_sanitize_patterns

from authoring import AuthoringError
from authoring.kernel import comparable, place, running
from authoring.render import short_diff

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SEEDS = range(5)
PATTERNS = get_sanitize_patterns(
    (ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
)


def seen(cell: Any) -> dict[str, list[str]]:
    """A cell's outputs as nbval compares them, sanitised with nbval's own patterns."""

    def clean(text: str) -> str:
        for pattern, replacement in PATTERNS:
            text = re.sub(pattern, replacement, text)
        return text

    return {kind: [clean(v) for v in values] for kind, values in comparable(cell.outputs).items()}


def as_text(outputs: dict[str, list[str]]) -> str:
    """Outputs for a message: each value under its kind."""
    return "\n".join(f"{kind}: {value}" for kind, values in outputs.items() for value in values)


def tags(cell: Any) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def rerun(path: Path, seeds: range = SEEDS) -> tuple[list[str], list[str], int]:
    """Run a notebook, then its cells in random orders: (differences, cells that grow, reruns)."""
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    code = [n for n, cell in enumerate(cells) if cell.cell_type == "code" and cell.source.strip()]
    grows = [n for n in code if "grows" in tags(cells[n])]
    again = [n for n in code if n not in grows]
    different: list[str] = []
    with running(path, notebook) as runner:
        first = {n: seen(runner.run(n)) for n in code}
        for seed in seeds:
            for n in random.Random(seed).sample(again, len(again)):
                where = f"{place(n, cells[n])}, order {seed}"
                try:
                    now = seen(runner.run(n))
                except AuthoringError as problem:
                    different.append(f"{where}: {problem}")
                    continue
                if now != first[n] and "nbval-ignore-output" not in tags(cells[n]):
                    different.append(f"{where}:\n{short_diff(as_text(first[n]), as_text(now), 8)}")
    names = [f"{place(n, cells[n])} {cells[n].source.splitlines()[0][:50]!r}" for n in grows]
    return different, names, len(again) * len(seeds)


def test_there_are_notebooks_to_run_again() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_run_again_in_any_order_with_the_same_output(
    path: Path, covers: Callable[[str], None]
) -> None:
    different, grows, reruns = rerun(path)
    covers(
        f"rerun {path.stem}: {reruns} runs in {len(SEEDS)} random orders; "
        f"grows, so not run again: {', '.join(grows) or 'none'}"
    )
    assert reruns > 0
    assert not different, "\n".join(different[:10])


def write(path: Path, *sources: str, last: tuple[str, ...] = ()) -> Path:
    """A notebook with these code cells; the tags `last` go to the last one."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[-1].metadata["tags"] = list(last)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_cell_that_grows_unsaid_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.ipynb", "history = []", "history.append(1)\nlen(history)")
    different, grows, _ = rerun(path)
    assert different
    assert not grows


def test_a_cell_that_fails_the_second_time_is_found(tmp_path: Path) -> None:
    different, _, _ = rerun(write(tmp_path / "bad.ipynb", "left = [1]", "_ = left.pop()"))
    assert "IndexError" in different[0]


def test_a_cell_that_says_it_grows_is_named_and_left_out(tmp_path: Path) -> None:
    sources = ("history = []", "history.append(1)\nlen(history)")
    path = write(tmp_path / "good.ipynb", *sources, last=("grows",))
    different, grows, reruns = rerun(path)
    assert not different
    assert ["history.append(1)" in name for name in grows] == [True]
    assert reruns == len(SEEDS)
