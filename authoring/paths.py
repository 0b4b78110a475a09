"""Recognises paths that exist on one machine only, and strings that look like a key.

Shared by render (outputs) and lint (every file). It must not mask anything: who finds one fails.
"""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from courseserver.masking import SHAPES

_HOMES = re.compile(
    r"(?<![\w.])(?:/(?:home|Users)/[A-Za-z0-9._-]+|/(?:root)/[\w.]|[A-Za-z]:\\{1,2}Users\\{1,2}\w+)"
)
# What only an output can leak: where packages stand, and IPython's name for a cell's file.
_PACKAGES = re.compile(r"[/\\](?:site-packages|dist-packages)[/\\]|/ipykernel_\d+|~/[\w./-]+/lib/")


def machine_paths(text: str, root: Path, output: bool = False) -> list[str]:
    """The paths of somebody's machine in a text: homes, this checkout.

    In an output also the folders of packages and of temporary files, which prose and code may
    well name.
    """
    found = [match.group() for match in _HOMES.finditer(text)]
    if output:
        found += [match.group() for match in _PACKAGES.finditer(text)]
    for form, pattern in _here(root, output).items():
        if form in text and pattern.search(text):
            found.append(form)
    return found


@cache  # a lint asks for every line of the project
def _here(root: Path, output: bool) -> dict[str, re.Pattern[str]]:
    """The paths of this machine as a text may write them, each with the pattern that finds it."""
    here = {str(root.resolve()), str(Path.home())}
    if output:
        here.add(tempfile.gettempdir())
    forms: dict[str, re.Pattern[str]] = {}
    for path in sorted(here):
        # A JSON text doubles the backslashes of a Windows path; "/" alone would match anything.
        for form in (path, path.replace("\\", "\\\\"), path.replace("\\", "/")):
            if len(form) > 3:
                forms[form] = re.compile(r"(?<![\w.])" + re.escape(form) + r"(?![\w-])")
    return forms


def secrets(text: str) -> list[tuple[str, str]]:
    """What looks like a secret: (kind, its first characters). The whole is never repeated."""
    return [
        (kind, match.group()[:10] + "...")
        for kind, pattern in SHAPES.items()
        for match in pattern.finditer(text)
    ]
