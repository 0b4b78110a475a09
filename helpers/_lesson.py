"""Which lesson a name means, its recordings, and what of the learner's hides a package.

It must not know the mode, nor who answers.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.settings import ROOT

if TYPE_CHECKING:
    from courseserver.recordings import Recordings

# Packages that a file of a learner's might be called like, and a file that each has.
PACKAGES = {"anthropic": "_client.py", "practice": "lessons.py"}


def load_recordings(wanted: str) -> Recordings:
    """The recordings of the lesson that `wanted` means (see `find_lesson`).

    Raises `ValueError`, with the remedy, when there are none that can be used.
    """
    from courseserver.recordings import RecordingError, Recordings

    lesson = find_lesson(wanted)
    name = f"recordings/{lesson}.json"
    try:
        text = (ROOT / name).read_text(encoding="utf-8")
        return Recordings.parse(text, lesson)
    except RecordingError as problem:
        raise ValueError(str(problem)) from None
    except UnicodeDecodeError:
        why = "is not UTF-8 text any more"
    except RecursionError:
        why = "is nested too deep to be a recording"
    except OSError as problem:
        why = f"cannot be read ({problem.strerror})"
    raise ValueError(
        f"{name} {why}. Give it back as it was with: git restore {name} (or download "
        "the course again)."
    )


def find_lesson(wanted: str) -> str:
    """The name of a lesson, as 01_first_call, given that, its file or its number.

    Raises `ValueError`, naming the lessons there are.
    """
    names = set()
    for file in [*ROOT.glob("recordings/*.json"), *ROOT.glob("notebooks/[0-9]*.ipynb")]:
        if "." not in file.stem:  # not your copies
            names.add(file.stem)
    known = sorted(names)
    last = str(wanted).replace("\\", "/").rstrip("/").rpartition("/")[2]
    last = last.removesuffix(".ipynb").removesuffix(".json")
    for name in known:
        number = name.partition("_")[0]
        if last and last in (name, number, number.removeprefix("0")):
            return name
    if not known:
        raise ValueError(
            "The folder recordings holds no lesson: download the course again."
        )
    raise ValueError(
        f"There is no lesson called {str(wanted)[:60]!r}. "
        f"The lessons are: {', '.join(known)}."
    )


def check_packages() -> None:
    """Raise `ImportError`, naming the file, if one of the learner's hides a package."""
    for name, part in PACKAGES.items():
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        file = Path(spec.origin)
        if (file.parent / part).is_file():
            continue
        hiding = file.parent if file.name == "__init__.py" else file
        raise ImportError(
            f"{hiding} is imported in place of the package {name}, because it has the "
            f"same name. Rename it, as my_{hiding.name}, and restart the kernel."
        )
