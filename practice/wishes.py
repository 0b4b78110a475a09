"""The wish list: questions that replay could not answer, kept until there is a key.

A line of `wishes.jsonl` in the state folder holds a request's body, neither key nor
headers. It sends nothing: that is `python3 start.py wishes` (wishes_cli.py).
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from courseserver import estimate, facts, schema
from courseserver.masking import masked
from courseserver.values import Request
from helpers._cost import Cost, cost_before, dollars
from helpers._setup import current_lesson, journal
from helpers.settings import state_folder
from practice._lines import append

JSON = dict[str, Any]
LIST = "wishes.jsonl"
ANSWERED = "wishes-answered.jsonl"
NOTHING = (
    "Nothing to keep: since setup() there was no request without a recorded reply."
)


@dataclass(frozen=True)
class Wish:
    """One question: its line in the file, and what that says.

    `kept` holds time, lesson, model and request.
    """

    line: str
    kept: JSON

    @property
    def body(self) -> JSON:
        """The request's body."""
        body: JSON = self.kept["request"]
        return body

    @property
    def tokens(self) -> int:
        """The estimated input tokens."""
        return estimate.request_tokens(self.body)

    @property
    def cost(self) -> Cost:
        """What it will cost: `input` for the question, `output` at most for the answer.

        A model that is gone is priced as the model of the lessons.
        """
        most = self.body["max_tokens"]
        try:
            return cost_before(self.body, output_tokens=most)
        except ValueError:
            known = {**self.body, "model": facts.MODEL}
            return cost_before(known, output_tokens=most)

    def __str__(self) -> str:
        content = self.body["messages"][-1]["content"]
        if not isinstance(content, str):
            content = " ".join(part.get("text", "") for part in content)
        text = " ".join(content.split()) or "(no text)"
        text = masked(text)
        if len(text) > 60:
            text = f"{text[:57]}..."
        return f"“{text}”"


def wish() -> None:
    """Keep the last request since `setup()` that replay could not answer, once."""
    missed = journal().missed()
    if missed:
        print(_keep(missed[-1].request, current_lesson()))
    else:
        print(NOTHING)


def _keep(request: Request, lesson: str) -> str:
    """Add a request to the list; returns the sentence for the learner."""
    if request.path != "/v1/messages":
        wrong = request.path
        return f"Not kept: only questions to client.messages can be, and not {wrong}."
    megabytes = len(request.raw) / facts.MEGABYTE
    if megabytes > 1:
        return f"Not kept: this request has {megabytes:.1f} MB, and 1 MB is the most."
    kept = {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "lesson": lesson,
        "model": request.body["model"],
        "request": request.body,
    }
    betas = request.headers.get("anthropic-beta")
    if betas:  # without their names the API refuses what is in beta
        kept["betas"] = betas.split(",")
    new = Wish(json.dumps(kept), kept)
    try:
        if all(old.body != request.body for old in read()[0]):
            append(state_folder() / LIST, new.line)
    except OSError as error:
        why = error.strerror
        return f"Not kept: the folder of the wish list cannot be used ({why})."
    return (
        f"On your wish list: {new}, about {new.tokens:,} tokens, "
        f"about {dollars(new.cost.input)} before the answer.\n"
        "To price and send it: python3 start.py wishes (Windows: py start.py wishes)"
    )


def read() -> tuple[list[Wish], int]:
    """The wishes in their order, and how many lines cannot be read (and stay)."""
    wishes = []
    broken = 0
    for line in _lines():
        kept = _parse(line)
        if kept:
            wishes.append(Wish(line, kept))
        elif line.strip():
            broken += 1
    return wishes, broken


def replace(wish: Wish, *lines: str) -> None:
    """Put `lines` (perhaps none) in the place of one wish; the others stay."""
    now: list[str] = []
    for old in _lines():
        if old == wish.line:
            now += lines
        else:
            now.append(old)
    fresh = _path().with_suffix(".partial")
    fresh.write_text(
        "\n".join(now), encoding="utf-8", errors="surrogateescape", newline="\n"
    )
    fresh.replace(_path())


def _path() -> Path:
    return state_folder() / LIST


def _lines() -> list[str]:
    if not _path().exists():
        return []
    return _path().read_text(encoding="utf-8", errors="surrogateescape").split("\n")


def _parse(line: str) -> JSON:
    """What a line says; {} when it is no JSON, or not the JSON of a wish."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        kept: JSON = json.loads(line)
        fault = schema.first_fault(kept["request"], beta=True, sampling=True)
        if fault is None and Wish(line, kept).tokens:
            return kept
    return {}
