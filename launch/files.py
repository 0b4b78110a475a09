"""Which files belong to the course, and which are a learner's own: said once, here.

`authoring` and the tests ask it too. It only names files; it must not change any.
"""

from collections.abc import Iterable
from pathlib import Path, PurePath

# What a learner gets a copy of. The text files are there because lessons link to the
# README, and the README to them.
HANDED_OUT = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "docs/decisions/*.md",
    "LICENSE",
    "LICENSE-TEXT",
    "workshop/*.md",
    "notebooks/*.ipynb",
    "notebooks/*.md",
    "notebooks/at_work/*.py",
    "notebooks/data/*",
    "notebooks/images/*",
    "notebooks/templates/**/*.py",
    "notebooks/templates/**/*.md",
    "notebooks/templates/**/*.txt",
    "notebooks/templates/**/*.ini",
    "notebooks/templates/**/.env.example",
    "notebooks/templates/**/.gitignore",
    "exercises/*.ipynb",
    "exercises/solutions/*.ipynb",
)


HIDDEN = (
    ".env.example",
    ".gitignore",
)  # and yet the course's: a project begins with them


def is_own(name: str) -> bool:
    """Tell whether a file or folder of this name is a learner's own, or hidden."""
    if name in HIDDEN:
        return False
    return ".mine-" in name or name.startswith(("my_", "my-course", "."))


def course_files(root: Path, patterns: Iterable[str]) -> list[PurePath]:
    """Return the files that fit a pattern and belong to the course, sorted.

    The paths are relative to `root`.
    """
    found = set()
    for pattern in patterns:
        for path in root.glob(pattern):
            relative = path.relative_to(root)
            if path.is_file() and not any(is_own(part) for part in relative.parts):
                found.add(relative)
    return sorted(found)


def handed_out(root: Path) -> list[str]:
    """Return the names, with slashes, of the files that a learner gets a copy of."""
    return [path.as_posix() for path in course_files(root, HANDED_OUT)]
