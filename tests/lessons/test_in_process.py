"""Every lesson runs on the in-process adapter too, as it will in a browser: without a socket.

A cell that starts another program cannot be answered by this process; it is named and left out,
as are the cells that show the server's address.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from authoring.check import as_text, code_cells, seen
from authoring.kernel import place, running
from authoring.render import short_diff
from tests.support import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
ADAPTER = "__import__('os').environ['COURSE_ADAPTER'] = 'in-process'"
# A cell that holds one of these words starts a program, uses what one left, or shows the address.
OUTSIDE = ("subprocess", "ANTHROPIC_BASE_URL", "peaks")


@pytest.mark.kernel
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_runs_without_a_socket(path: Path, covers: Callable[[str], None]) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    code = code_cells(notebook)
    outside = [n for n in code if any(word in cells[n].source for word in OUTSIDE)]
    stored = {n: seen(cells[n]) for n in code}
    different = []
    with running(path, notebook) as runner:
        runner.quietly(ADAPTER)
        for n in code:
            if n in outside:
                continue
            now = seen(runner.run(n))
            if now != stored[n] and "nbval-ignore-output" not in cells[n].metadata.get("tags", []):
                diff = short_diff(as_text(stored[n]), as_text(now), 8)
                different.append(f"{place(n, cells[n])}:\n{diff}")
        url = runner.quietly("print(__import__('os').environ['ANTHROPIC_BASE_URL'], end='')")
    names = ", ".join(place(n, cells[n]) for n in outside)
    covers(f"in process {path.stem}: {len(code) - len(outside)} cells; not: {names or 'none'}")
    assert url.startswith("http://course.local:"), url
    assert not different, "\n".join(different)
