"""The author's room: write, render and check lessons (`python -m authoring ...`).

Learners never import it. It knows notebooks and recordings as files; it must not know how the
course server answers.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class AuthoringError(Exception):
    """Something the author can mend; the message says what happened and what to do."""


def name_within(path: Path, root: Path) -> str:
    """A file's path within the project, with slashes; its bare name when it stands elsewhere."""
    full, base = path.resolve(), root.resolve()
    return full.relative_to(base).as_posix() if full.is_relative_to(base) else path.name
