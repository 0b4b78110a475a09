"""Runs every notebook of a learner's copy, cell by cell in its own kernel, and saves it as
JupyterLab does. tests/clean_clone.py calls it in a clone, with that clone's Python.

It knows neither what a lesson teaches nor what an output should be; nbval compares those.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

PATIENCE = 180  # seconds for one cell
KINDS = {
    "lessons": "notebooks/*.ipynb",
    "sheets of exercises": "exercises/*.ipynb",
    "sheets of solutions": "exercises/solutions/*.ipynb",
}


def run(path: Path) -> None:
    """Execute one notebook in its folder and save it. Raises nbclient's error for a cell that fails
    without the tag `raises-exception`.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=PATIENCE,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(stderr=subprocess.DEVNULL)  # where a kernel notes how it talks
    nbformat.write(notebook, path)


def main(folder: Path) -> int:
    """Run all notebooks below `folder` and say how many of each kind; 1 when a kind has none."""
    os.environ |= {"COURSE_MODE": "replay", "COURSE_PACE": "0"}
    began = time.monotonic()
    covered = []
    empty = False
    for kind, pattern in KINDS.items():
        paths = sorted(folder.glob(pattern))
        for path in paths:
            run(path)
        covered.append(f"{len(paths)} {kind}")
        empty = empty or not paths
    print(f"  ran {', '.join(covered)} in {time.monotonic() - began:.0f} s", flush=True)
    return int(empty)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
