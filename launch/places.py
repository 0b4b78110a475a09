"""Where everything is, and how launch/ speaks and writes: what its other files share.

It must not know what any command does.
"""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.txt"
MY_COURSE = ROOT / "my-course"  # the learner's own copy of the course
STATE = (
    MY_COURSE / ".course"
)  # what is kept of the learner's work, and what was handed out
WHEELS = ROOT / "wheels"  # in an offline kit: the packages of the lock
WINDOWS = os.name == "nt"
PARTIAL = ".partial-"  # how the name of a half-written file begins


class StartError(Exception):
    """Ends the command with one sentence for the learner: what happened, what to do."""


class Finding(NamedTuple):
    """What the doctor looked at, what it is, and a remedy if it needs one."""

    name: str
    text: str
    remedy: str = ""


def say(text: str) -> None:
    """Print at once: lines keep their order with those of the programs started here."""
    print(text, flush=True)


def command(words: str) -> str:
    """Return what a learner types on this system, as "python3 start.py install"."""
    return f"{'py' if WINDOWS else 'python3'} start.py {words}".rstrip()


def name_of(path: Path) -> str:
    """Return a path as the learner sees it: within the course, with slashes."""
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    """Return the text of a file, or "" when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def python_of(venv: Path) -> Path:
    """Return where the Python of the environment `venv` is, on this system."""
    return venv / ("Scripts/python.exe" if WINDOWS else "bin/python")


def site_packages() -> list[Path]:
    """Return the folder from which .venv's Python imports, in a list; [] for none."""
    found = [*VENV.glob("lib/py*3.*/site-packages"), *VENV.glob("Lib/site-packages")]
    return found[:1]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, and its folder, so that it is there completely or not at all.

    Raises OSError; then the file is what it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, so that two starts at the same time do not share it.
    number, name = tempfile.mkstemp(prefix=PARTIAL, dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        partial.chmod(0o644)  # mkstemp makes it private
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
