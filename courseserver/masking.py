"""What looks like a key: the one list of shapes, and the text without them.

Rooms that show a text mask it; rooms that keep one search it (`authoring/paths.py`) and refuse it.
"""

from __future__ import annotations

import re

SHAPES: dict[str, re.Pattern[str]] = {
    "an Anthropic key": re.compile(r"\bsk-ant-[A-Za-z0-9_-]{6,}"),
    "an API key": re.compile(r"\b(?:sk|pk|rk)[-_](?:live|proj|test)?[-_]?[A-Za-z0-9]{20,}"),
    "a bearer token": re.compile(r"\bBearer\s+[^\s'\",;(){}<>]{16,}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"),
}


def masked(text: str) -> str:
    """The text with `(an API key, not shown)` in the place of whatever looks like one."""
    for kind, shape in SHAPES.items():
        text = shape.sub(f"({kind}, not shown)", text)
    return text
