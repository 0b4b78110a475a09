"""What is set: where the course lies, the mode, the key, a learner's folders.

All of it is read when it is asked for, from the environment and from `.env`. It must
not know the course server, and no sentence here repeats any part of a key.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dotenv import dotenv_values

from courseserver import facts

ROOT = Path(__file__).resolve().parent.parent  # the course's own folder
KEY = "ANTHROPIC_API_KEY"
KEY_BEGINS = "sk-ant-"
SHORTEST_KEY = 40  # characters; a real one has about a hundred
LIMIT, TOTAL = "COURSE_BUDGET_USD", "COURSE_BUDGET_TOTAL_USD"
LEDGER = "ledger.jsonl"  # in the state folder
USUAL_LIMIT = 1.0  # US dollars for a session
AMOUNT = re.compile(r"\$?(\d+\.?\d*|\.\d+)")
PLACEHOLDERS = ("your-", "your_", "xxxxx", "...", "<", "paste", "example")


@dataclass(frozen=True)
class Mode:
    """Where requests go (`replay`, `local` or `live`), why, and the key, never printed.

    `limit` and `total`: what a session and the whole course may spend live, in USD.
    """

    name: str
    why: str
    key: str | None = None
    note: str = ""
    limit: float = USUAL_LIMIT
    total: float | None = None

    def __repr__(self) -> str:
        return f"Mode(name={self.name!r}, why={self.why!r})"


def decide_mode(environ: Mapping[str, str], dotenv: Mapping[str, str | None]) -> Mode:
    """Replay, local or live, from the environment and the contents of `.env`.

    A key in `.env` means live. A key that is only in the environment is not spent
    unasked: it needs `COURSE_MODE=live` as well. Nothing is spent under a limit that
    cannot be read.
    """
    mode = _wanted_mode(environ, dotenv)
    if mode.name != "live":
        return mode
    limits: dict[str, float | None] = {LIMIT: USUAL_LIMIT, TOTAL: None}
    for name in limits:
        raw = (environ.get(name) or dotenv.get(name) or "").strip()
        amount = AMOUNT.fullmatch(raw)
        if amount:
            limits[name] = float(amount[1])
        elif raw:
            note = f"{name} is not an amount. Write it as {name}=2.50. Replay is used."
            return Mode("replay", f"{name} cannot be read", note=note)
    return replace(mode, limit=limits[LIMIT] or 0.0, total=limits[TOTAL])


def _wanted_mode(environ: Mapping[str, str], dotenv: Mapping[str, str | None]) -> Mode:
    """The mode that is asked for and that the key allows, whatever the limits are."""
    asked = environ.get("COURSE_MODE") or dotenv.get("COURSE_MODE") or ""
    asked = asked.strip().lower()
    if asked == "local":
        return Mode("local", "you asked for it")
    if asked == "replay":
        return Mode("replay", "COURSE_MODE is replay")
    key, note = _usable_key(dotenv.get(KEY), ".env")
    if asked == "live":
        if not key:
            key, other_note = _usable_key(environ.get(KEY), "the environment")
            note = note or other_note
        if key:
            return Mode("live", "COURSE_MODE is live", key)
        missing = "COURSE_MODE is live, but there is no key: put it into the file .env."
        return Mode("replay", "there is no key", note=note or missing)
    if asked:
        # Its value is not shown: it may be a key that went into the wrong line.
        note = "COURSE_MODE can be replay, local or live, and no other. Replay is used."
        return Mode("replay", "COURSE_MODE is not known", note=note)
    if key:
        return Mode("live", "there is a key in .env", key)
    why = "there is no key in .env"
    if environ.get(KEY):
        why = "the key in your environment is not used unless COURSE_MODE is live"
    return Mode("replay", why, note=note)


def key_problem(key: str) -> str:
    """What is wrong with an API key, in words that follow "the key"; "" if nothing is.

    Blanks and quotes around it do not count: they come along with copying. It looks at
    the shape alone, so whether the API accepts the key is not known.
    """
    key = _clean_key(key)
    if not key:
        return "is empty"
    if not key.isascii() or not key.isprintable() or " " in key:
        return (
            "holds a character that no key has (a space, a curly quote, an invisible "
            "one), so it is not a whole key"
        )
    if any(mark in key.lower() for mark in PLACEHOLDERS):
        return "is still the placeholder, and not a whole key"
    if not key.startswith(KEY_BEGINS) or len(key) < SHORTEST_KEY:
        return "is not a whole key of the Claude API (another beginning, or too short)"
    return ""


def read_dotenv() -> dict[str, str | None]:
    """The contents of the course's `.env`; empty when there is none or no UTF-8."""
    logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # `unread_key` says it
    try:
        return dict(dotenv_values(ROOT / ".env", encoding="utf-8-sig"))
    except OSError as error:  # it belongs to somebody else, or is a folder
        print(f"The file .env cannot be read ({error.strerror}), so it is not used.")
        return {}
    except UnicodeDecodeError:
        print(
            "The file .env is not UTF-8 text. "
            "Save it as UTF-8 (in Notepad: Save as, Encoding)."
        )
        return {}


def unread_key() -> str:
    """A sentence if `.env` holds what looks like a key in a line of another form."""
    try:
        text = (ROOT / ".env").read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
    for line in text.splitlines():
        if KEY_BEGINS in line and not line.lstrip().startswith("#"):
            return (
                "A line of .env looks like a key and is not read as one. Write "
                f"{KEY}= and the key after it, in one line, and no second such line."
            )
    return ""


def default_model() -> str:
    """The model that lessons name: `COURSE_MODEL` when live, else the recorded one."""
    dotenv = read_dotenv()
    wanted = os.environ.get("COURSE_MODEL") or dotenv.get("COURSE_MODEL")
    if wanted and decide_mode(os.environ, dotenv).name == "live":
        return wanted.strip()
    return facts.MODEL


def state_folder() -> Path:
    """Where a learner's progress, wishes and ticks are kept; made when first written.

    `my-course/.course` in the course's folder, or what COURSE_STATE names.
    """
    elsewhere = os.environ.get("COURSE_STATE")
    return Path(elsewhere) if elsewhere else ROOT / "my-course" / ".course"


def _clean_key(raw: str | None) -> str:
    """A key without the blanks and quotes that come along with copying."""
    return (raw or "").strip().strip("\"'").strip()


def _usable_key(raw: str | None, where: str) -> tuple[str | None, str]:
    """The key if it can be sent, else None; and a note if there is one of no use."""
    key = _clean_key(raw)
    if not key:
        return None, ""
    problem = key_problem(key)
    if problem:
        return None, f"The {KEY} in {where} {problem}. Replay is used."
    return key, ""
