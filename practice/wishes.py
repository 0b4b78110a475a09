"""The wish list: questions that replay could not answer, kept until there is a key to ask them.

One line of `.course/wishes.jsonl` holds a request's body, neither key nor headers. It sends
nothing: pricing and sending is `python3 start.py wishes` (wishes_cli.py).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from courseserver import estimate, facts, schema
from courseserver.values import Request
from helpers._cost import MILLION, dollars
from helpers._setup import ROOT, current_lesson, journal

JSON = dict[str, Any]
LIST, ANSWERED = "wishes.jsonl", "wishes-answered.jsonl"
NOTHING = "Nothing to keep: since setup() there was no request without a recorded reply."


class Wish(NamedTuple):
    """One question: its line in the file, and what that says (time, lesson, model, request)."""

    line: str
    kept: JSON

    def __str__(self) -> str:
        turn = self.kept["request"]["messages"][-1]["content"]
        parts = [turn] if isinstance(turn, str) else [part.get("text", "") for part in turn]
        text = " ".join(" ".join(parts).split()) or "(no text)"
        return f"“{text if len(text) <= 60 else text[:57] + '...'}”"

    def price(self) -> tuple[int, float, float]:
        """Estimated input tokens, their USD, and the USD of the longest answer it allows."""
        body = self.kept["request"]
        name, tokens = body["model"], estimate.request_tokens(body)
        row = facts.MODELS.get(facts.ALIASES.get(name, name), facts.MODELS[facts.MODEL])
        usd = row.prices(tokens)
        return tokens, tokens * usd.input / MILLION, body["max_tokens"] * usd.output / MILLION


def state_folder() -> Path:
    """The learner's local state: `.course` in the course's folder, or what COURSE_STATE names."""
    return Path(os.environ.get("COURSE_STATE") or ROOT / ".course")


def wish() -> None:
    """Keep the last request that replay could not answer since `setup()`; a repeated one once."""
    missed = journal().missed()
    print(_keep(missed[-1].request, current_lesson()) if missed else NOTHING)


def _keep(request: Request, lesson: str) -> str:
    """Add a request to the list; returns the sentence for the learner."""
    if request.path != "/v1/messages":
        return f"Not kept: only questions to client.messages can be, and not {request.path}."
    if (size := len(request.raw)) > facts.MEGABYTE:
        return f"Not kept: this request has {size / facts.MEGABYTE:.1f} MB, and 1 MB is the most."
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    kept = {"time": now, "lesson": lesson, "model": request.body["model"], "request": request.body}
    if betas := request.headers.get("anthropic-beta"):
        kept["betas"] = betas.split(",")  # without their names the API refuses what is in beta
    new = Wish(json.dumps(kept), kept)
    try:
        if all(old.kept["request"] != request.body for old in read()[0]):
            append(LIST, new.line)
    except OSError as error:
        return f"Not kept: the folder of the wish list cannot be used ({error.strerror})."
    tokens, usd, _ = new.price()
    return (
        f"On your wish list: {new}, about {tokens:,} tokens, about {dollars(usd)} before the "
        "answer.\nTo price and send it: python3 start.py wishes (Windows: py start.py wishes)"
    )


def read() -> tuple[list[Wish], int]:
    """The wishes in their order, and how many lines cannot be read (they stay in the file)."""
    lines = [line for line in _lines() if line.strip()]
    wishes = [Wish(line, kept) for line in lines if (kept := _parse(line))]
    return wishes, len(lines) - len(wishes)


def append(name: str, line: str) -> None:
    """Add a line to a file of the state folder, also after one that was cut off while writing."""
    path = state_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cut = path.exists() and path.read_bytes()[-1:] not in {b"", b"\n"}
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write("\n" * cut + line + "\n")


def replace(wish: Wish, *lines: str) -> None:
    """Put `lines` (perhaps none) in the place of one wish; every other line stays as it is."""
    now = [new for old in _lines() for new in (lines if old == wish.line else [old])]
    path = state_folder() / LIST
    fresh = path.with_suffix(".partial")
    fresh.write_text("\n".join(now), encoding="utf-8", errors="surrogateescape", newline="\n")
    fresh.replace(path)


def _lines() -> list[str]:
    path = state_folder() / LIST
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    return text.split("\n")


def _parse(line: str) -> JSON:
    with suppress(ValueError, TypeError, KeyError):  # no JSON, or not the JSON of a wish
        kept: JSON = json.loads(line)
        if schema.first_fault(kept["request"], beta=True, sampling=True) is None:
            return kept
    return {}
