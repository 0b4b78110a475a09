"""Small courses for the tests of launch/: folders with start.py, launch/ and a few files of a
course, in paths with a space and an umlaut. Everything in them is run for real.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ("00_welcome", "01_first_call", "06_tools", "06b_more_tools", "10_extended_thinking")
JSON = dict[str, Any]


def bring_launch(folder: Path) -> None:
    """Copy start.py and launch/ into a folder, which is a course by that."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "start.py", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "launch", folder / "launch", ignore=ignored)


def load(folder: Path, name: str) -> ModuleType:
    """Return launch/`name`.py of a course folder as a module: its ROOT is that folder."""

    def ours(module: str) -> bool:
        return module == "launch" or module.startswith("launch.")

    kept = {module: sys.modules.pop(module) for module in list(sys.modules) if ours(module)}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(f"launch.{name}")
    finally:
        sys.path.remove(str(folder))
        for module in filter(ours, list(sys.modules)):
            del sys.modules[module]
        sys.modules.update(kept)


def run(
    folder: Path, *words: str, python: str = sys.executable, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run start.py of a course folder, as a learner would. Ten minutes only end a hang."""
    return subprocess.run(
        [python, "start.py", *words],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": "", **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )


def python_of(folder: Path) -> str:
    """Return the Python of a folder's .venv."""
    return str(load(folder, "places").python_of(folder / ".venv"))


def notebook(*texts: str, output: str = "") -> str:
    """Return a notebook as a course stores it: a heading, and a code cell for each text."""
    cells: list[JSON] = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Hello"]}
    ]
    for number, text in enumerate(texts):
        shown = {"name": "stdout", "output_type": "stream", "text": [output]}
        cells.append(
            {
                "cell_type": "code",
                "execution_count": number + 1,
                "id": f"c{number}",
                "metadata": {},
                "outputs": [shown] if output else [],
                "source": text.splitlines(keepends=True),
            }
        )
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}) + "\n"


def write(path: Path, text: str) -> None:
    """Write a text file and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def make_course(folder: Path) -> Path:
    """Make a course of a few lessons, a sheet of exercises, data and a README."""
    bring_launch(folder)
    write(folder / "requirements.txt", "# empty\n")
    for name in LESSONS:
        write(folder / f"notebooks/{name}.ipynb", notebook(f"print('{name}')", output="seen\n"))
        write(folder / f"recordings/{name}.json", f'{{"lesson": "{name}"}}\n')
    write(folder / "exercises/01_first_call.ipynb", notebook("answer = ..."))
    write(folder / "exercises/solutions/01_first_call.ipynb", notebook("answer = 1"))
    write(folder / "exercises/source/s01_first_call.py", "answer = 1\n")
    write(folder / "notebooks/data/rules.md", "# Rules\n")
    write(folder / "README.md", "# The course\n")
    return folder
