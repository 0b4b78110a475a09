"""The gates of `python3 start.py test`, in order: one table, and a loop that runs it.

`python -m authoring.gates [GATE | LESSON ...]`: all of them, those that are named, or the check of
the lessons that are named. Each gate is a program of its own. The loop knows only its command and
the files it covers: it goes on after a failure, and a gate that covers no file is red. To add a
gate, add a line to `gates()`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from authoring import ROOT, AuthoringError
from authoring.environment import clean_environment
from authoring.navigation import lesson_of
from launch.files import course_files
from practice.lessons import BY_NUMBER

TYPED = ["start.py", "launch", "courseserver", "helpers", "practice", "authoring", "tests", "bench"]
TYPED += ["workshop", "notebooks/at_work", "notebooks/data", "notebooks/templates/readiness.py"]
TYPED += ["notebooks/templates/service/sorting"]
TWO_WORKERS = ["-n", "2", "--dist", "loadfile"]  # a file stays with one worker: cells in order
FOUR_WORKERS = ["-n", "4", "--dist", "loadgroup"]  # on two cores too: many tests wait for a reply
HANGING = "600"  # seconds after which nbval ends a cell or a start: room enough on a busy machine
NBVAL = ["-m", "pytest", "-p", "nbval", "--nbval", "--nbval-current-env"]
NBVAL += ["-p", "no:cacheprovider", "-q"]
NBVAL += ["--nbval-cell-timeout", HANGING, "--nbval-kernel-startup-timeout", HANGING]
NBVAL += ["--nbval-sanitize-with", "authoring/nbval_sanitize.cfg"]


class Gate(NamedTuple):
    """A name to run it by, what it makes sure of, its command, and the files it covers."""

    name: str
    about: str
    command: list[str]
    covers: list[str]


def files(*patterns: str) -> list[str]:
    """Return the files of the course that fit the patterns, without a learner's own, sorted."""
    return [path.as_posix() for path in course_files(ROOT, patterns)]


def seen_by_ruff() -> list[str]:
    """Return what ruff looks at, by its own word: it is silent when that is nothing."""
    command = [sys.executable, "-m", "ruff", "check", "--show-files", "."]
    shown = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    return [line for line in shown.stdout.splitlines() if line.endswith((".py", ".ipynb"))]


def gates() -> list[Gate]:
    """Return every gate, in the order in which they run: the quick ones first."""
    notebooks = files("notebooks/*.ipynb")
    typed = [name for name in TYPED if (ROOT / name).exists()]
    lessons = files("notebooks/*.ipynb", "recordings/*.json")
    linted = seen_by_ruff()
    tests = files("tests/**/test_*.py")
    return [
        Gate("ruff", "no lint in code and notebooks", ["-m", "ruff", "check", "."], linted),
        Gate("format", "one format", ["-m", "ruff", "format", "--check", "."], linted),
        Gate(
            "mypy",
            "the types fit",
            ["-m", "mypy", *typed],
            files(*(name if name.endswith(".py") else f"{name}/**/*.py" for name in typed)),
        ),
        Gate("lint", "lessons are sound", ["-m", "authoring", "lint"], lessons),
        Gate(
            "tests", "the code does what it says", ["-m", "pytest", *FOUR_WORKERS, "tests"], tests
        ),
        Gate(
            "nbval",
            "every stored output comes again",
            [*NBVAL, *TWO_WORKERS, *notebooks],
            notebooks,
        ),
        check_gate(),
    ]


def check_gate(lessons: Sequence[str] = ()) -> Gate:
    """Return the gate that runs lessons once and their cells again; all when none is named."""
    wanted = [lesson_of(word) for word in lessons]
    found = [name for lesson in wanted for name in files(f"notebooks/{lesson.file}")]
    if not lessons:
        found = files("notebooks/*.ipynb")
    return Gate(
        "check",
        "lessons are as rendered, and their cells run again in any order",
        ["-m", "authoring", "check", *lessons],
        found,
    )


def is_lesson(word: str) -> bool:
    """Tell whether a word names a lesson."""
    try:
        lesson_of(word)
    except AuthoringError:
        return False
    return True


def run(gate: Gate, environ: Mapping[str, str]) -> tuple[str, float]:
    """Run one gate; return "ok" or what is wrong with it, and its seconds."""
    if not gate.covers:
        return "RED: no file to cover", 0.0
    started = time.monotonic()
    code = subprocess.call([sys.executable, *gate.command], cwd=ROOT, env=dict(environ))
    return "ok" if code == 0 else f"RED: exit code {code}", time.monotonic() - started


def main(words: Sequence[str]) -> int:
    """Run the gates that are named, or all; a lesson's name or number runs its check.

    Returns 0 when all of them are green, else 1; 2 for a word that names neither.
    """
    known = gates()
    names = [gate.name for gate in known]
    lessons = [word for word in words if is_lesson(word)]
    unknown = [word for word in words if word not in names and word not in lessons]
    if unknown:
        print(
            f"No gate or lesson {', '.join(unknown)}; there is: {', '.join(names)}, "
            f"and the lessons by number ({', '.join(BY_NUMBER)})."
        )
        return 2
    chosen = [gate for gate in known if not words or gate.name in words]
    if lessons:
        chosen.append(check_gate(lessons))
    lines = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        environ = clean_environment(os.environ, scratch)
        for gate in chosen:
            heading = f"{gate.name}: {gate.about} ({len(gate.covers)} files)"
            print(f"\n=== {heading}", flush=True)
            verdict, seconds = run(gate, environ)
            print(f"=== {gate.name}: {verdict}, {seconds:.1f} s", flush=True)
            lines.append(f"{gate.name:<8} {len(gate.covers):4} files {seconds:7.1f} s  {verdict}")
    red = sum("RED" in line for line in lines)
    print("\n" + "\n".join(lines))
    ran = {gate.name for gate in chosen}
    skipped = [name for name in names if name not in ran]
    if skipped:
        print(f"Not run: {', '.join(skipped)} (not named).")
    print(f"{red} of {len(chosen)} gates red." if red else f"All {len(chosen)} gates green.")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
