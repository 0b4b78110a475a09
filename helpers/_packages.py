"""Whether a file of the learner's hides a package. It must not know the lesson."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

# Packages that a file of a learner's might be called like, and a file that each has.
PACKAGES = {"anthropic": "_client.py", "practice": "lessons.py"}


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
