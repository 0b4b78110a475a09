"""The gates of `python3 start.py test`, in order: one table, and a loop that runs it.

Each gate is a program of its own. The loop knows only its command and the files it covers: it goes
on after a failure, and a gate that covers no file is red. To add a gate, add a line to `gates()`.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from launch.files import course_files

ROOT = Path(__file__).resolve().parent.parent
TYPED = ["start.py", "launch", "courseserver", "helpers", "practice", "authoring", "tests", "bench"]
TWO_WORKERS = ["-n", "2", "--dist", "loadfile"]  # a file stays with one worker: cells in order


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
    nbval = ["-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-q"]
    nbval += ["--nbval-cell-timeout", "120", "--nbval-kernel-startup-timeout", "60"]
    nbval += ["--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
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
        Gate("tests", "the code does what it says", ["-m", "pytest", *TWO_WORKERS, "tests"], tests),
        Gate(
            "nbval",
            "every stored output comes again",
            [*nbval, *TWO_WORKERS, *notebooks],
            notebooks,
        ),
        Gate(
            "render",
            "outputs are stored as the renderer writes them",
            ["-m", "authoring", "render", "--check"],
            notebooks,
        ),
    ]


def clean_environment(environ: Mapping[str, str], scratch: str) -> dict[str, str]:
    """Return `environ` for the gates: replay, no waiting, nothing of the caller's own settings."""
    ours = ("ANTHROPIC_", "COURSE_")
    made = {name: value for name, value in environ.items() if not name.startswith(ours)}
    made.pop("PYTHONDONTWRITEBYTECODE", None)  # it would cost 0.8 s per notebook
    made["COURSE_MODE"] = "replay"
    made["COURSE_PACE"] = "0"
    made["IPYTHONDIR"] = scratch  # start-up files of the caller must not colour an output
    return made


def run(gate: Gate, environ: Mapping[str, str]) -> tuple[str, float]:
    """Run one gate; return "ok" or what is wrong with it, and its seconds."""
    if not gate.covers:
        return "RED: no file to cover", 0.0
    started = time.monotonic()
    code = subprocess.call([sys.executable, *gate.command], cwd=ROOT, env=dict(environ))
    return "ok" if code == 0 else f"RED: exit code {code}", time.monotonic() - started


def main(names: Sequence[str]) -> int:
    """Run the gates that are named, or all; return 0 when all of them are green, else 1."""
    known = gates()
    unknown = [name for name in names if name not in [gate.name for gate in known]]
    if unknown:
        print(f"No gate {', '.join(unknown)}; there is: {', '.join(g.name for g in known)}.")
        return 2
    chosen = [gate for gate in known if not names or gate.name in names]
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        environ = clean_environment(os.environ, scratch)
        for gate in chosen:
            heading = f"{gate.name}: {gate.about} ({len(gate.covers)} files)"
            print(f"\n=== {heading}", flush=True)
            verdict, seconds = run(gate, environ)
            print(f"=== {gate.name}: {verdict}, {seconds:.1f} s", flush=True)
            lines.append(f"{gate.name:<8} {len(gate.covers):4} files {seconds:7.1f} s  {verdict}")
    red = sum("RED" in line for line in lines)
    print("\n" + "\n".join(lines))
    skipped = [gate.name for gate in known if gate not in chosen]
    if skipped:
        print(f"Not run: {', '.join(skipped)} (not named).")
    print(f"{red} of {len(chosen)} gates red." if red else f"All {len(chosen)} gates green.")
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
