"""Recognises paths that exist on one machine only, and strings that look like a key.

Shared by render (outputs) and lint (every file). It must not mask anything: who finds one fails.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

_HOMES = re.compile(
    r"(?<![\w.])(?:/(?:home|Users)/[A-Za-z0-9._-]+|/(?:root)/[\w.]|[A-Za-z]:\\{1,2}Users\\{1,2}\w+)"
)
# What only an output can leak: where packages stand, and IPython's name for a cell's file.
_PACKAGES = re.compile(r"[/\\](?:site-packages|dist-packages)[/\\]|/ipykernel_\d+|~/[\w./-]+/lib/")

SECRETS: dict[str, re.Pattern[str]] = {
    "an Anthropic key": re.compile(r"\bsk-ant-[A-Za-z0-9_-]{6,}"),
    "an API key": re.compile(r"\b(?:sk|pk|rk)[-_](?:live|proj|test)?[-_]?[A-Za-z0-9]{20,}"),
    "a bearer token": re.compile(r"\bBearer\s+[A-Za-z0-9._~+/-]{16,}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"),
}


def machine_paths(text: str, root: Path, output: bool = False) -> list[str]:
    """The paths of somebody's machine in a text: homes, this checkout.

    In an output also the folders of packages and of temporary files, which prose and code may
    well name.
    """
    found = [match.group() for match in _HOMES.finditer(text)]
    here = {str(root.resolve()), str(Path.home())}
    if output:
        found += [match.group() for match in _PACKAGES.finditer(text)]
        here.add(tempfile.gettempdir())
    for path in sorted(here):
        # A JSON text doubles the backslashes of a Windows path; "/" alone would match anything.
        for form in {path, path.replace("\\", "\\\\"), path.replace("\\", "/")}:
            if len(form) > 3 and re.search(r"(?<![\w.])" + re.escape(form) + r"(?![\w-])", text):
                found.append(form)
    return found


def secrets(text: str) -> list[tuple[str, str]]:
    """What looks like a secret: (kind, its first characters). The whole is never repeated."""
    return [
        (kind, match.group()[:10] + "...")
        for kind, pattern in SECRETS.items()
        for match in pattern.finditer(text)
    ]
