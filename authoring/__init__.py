"""The author's room: write, render and check lessons (`python -m authoring ...`).

Learners never import it. It knows notebooks and recordings as files; it must not know how the
course server answers.
"""

from __future__ import annotations

import sys
from pathlib import Path

# nbformat loads jsonschema, and jsonschema a grammar of internationalized addresses: a second or
# two of each program, for a format that no notebook has. None makes Python take it as missing.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
ROOT = Path(__file__).resolve().parents[1]


class AuthoringError(Exception):
    """Something the author can fix; the message says what happened and what to do."""


def name_within(path: Path, root: Path) -> str:
    """A file's path within the project, with slashes; its bare name when it stands elsewhere."""
    full, base = path.resolve(), root.resolve()
    return full.relative_to(base).as_posix() if full.is_relative_to(base) else path.name
