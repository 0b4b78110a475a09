"""What a learner has done: a file of lines in their own copy, a table of it, a code to carry it.

A line holds the time, the exercise, the outcome, the rule, and how many tries and hints so far:
never code, names, prompts or keys. Nothing is sent anywhere. It must not know how a check works.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from practice.grading.sources import FOLDER, Sheet, sheets

FILE = Path(__file__).resolve().parent.parent / ".course" / "progress.jsonl"
SLOTS = FOLDER / "slots.txt"  # one id per line, only ever added to: the places in a code
TRIED, DONE = ("wrong", "raised", "correct"), ("correct", "restored done")
SYMBOLS = {"done": "✓", "stuck": "✗", "untouched": "○"}
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
VERSION, PRIME = "1", 32_749  # the largest prime below 32 ** 3: finds every mistyped character

Event = dict[str, Any]
State = Literal["done", "stuck", "untouched"]


@dataclass
class Record:
    """How one exercise stands."""

    state: State = "untouched"
    tries: int = 0
    hints: int = 0


@dataclass
class Store:
    """The file of events. A line that cannot be read is passed over; nothing is ever rewritten."""

    path: Path = FILE
    unsaved: list[Event] = field(default_factory=list)  # when the file cannot be written

    def events(self) -> list[Event]:
        """Everything that happened, in order."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return [e for e in map(_event, lines) if e is not None] + self.unsaved

    def add(self, wanted: str, outcome: str, rule: str = "") -> Record:
        """Note one event; give back how the exercise stands now."""
        before = self.records().get(wanted, Record())
        event = {
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "id": wanted,
            "outcome": outcome,
            "rule": rule,
            "tries": before.tries + (outcome in TRIED),
            "hints": before.hints + (outcome == "hint"),
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            whole = (json.dumps(event, ensure_ascii=False) + "\n").encode()
            with self.path.open("ab+", buffering=0) as file:  # one write, for two kernels at once
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - 1))
                broken = size > 0 and file.read(1) != b"\n"
                file.write(b"\n" * broken + whole)
        except OSError:
            self.unsaved.append(event)
        return self.records()[wanted]

    def records(self) -> dict[str, Record]:
        """How each exercise stands that was ever touched."""
        found: dict[str, Record] = {}
        for event in self.events():
            record = found.setdefault(event["id"], Record())
            record.tries += event["outcome"] in TRIED
            record.hints += event["outcome"] == "hint"
            if event["outcome"] in DONE:
                record.state = "done"
            elif record.state != "done" and event["outcome"] in (*TRIED, "restored stuck"):
                record.state = "stuck"
        return found


def _event(line: str) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(event, dict) and isinstance(event.get("id"), str)
    return event if whole and isinstance(event.get("outcome"), str) else None


# --- the picture ----------------------------------------------------------------------------


def progress(code: str | None = None) -> None:
    """Show what is done, per lesson. With a progress code, take over what it says first."""
    store = Store()
    if code is not None:
        try:
            tell(f"Taken over: {restore(code, store)} exercises.")
        except ValueError as problem:
            tell(str(problem))
            return
    tell(picture(store.records(), sheets()))


def picture(records: dict[str, Record], all_sheets: Iterable[Sheet]) -> str:
    """The table, the next exercise and the progress code, as Markdown."""
    lines = ["| lesson | done | exercises | quiz |", "| --- | --- | --- | --- |"]
    done = total = 0
    following = ""
    for sheet in all_sheets:
        cells, finished, needed = [], 0, 0
        for one in sheet.exercises:
            record = records.get(one.id, Record())
            tries = f" ({record.tries} tries)" if record.state == "stuck" else ""
            star = "*" if one.optional else ""
            cells.append(f"{one.id}{star} {SYMBOLS[record.state]} {record.state}{tries}")
            needed += not one.optional
            finished += record.state == "done" and not one.optional
            if not following and record.state != "done" and not one.optional:
                following = f"Next: **{one.id} {one.title}**, in `exercises/{sheet.lesson.file}`."
        quiz = [r for name, r in records.items() if name.startswith(f"quiz {sheet.lesson.number}.")]
        right = f"{sum(r.state == 'done' for r in quiz)} right" if quiz else ""
        title = f"{sheet.lesson.number} {sheet.lesson.title}"
        lines.append(f"| {title} | {finished} of {needed} | {', '.join(cells)} | {right} |")
        done, total = done + finished, total + needed
    return "\n\n".join(
        [
            f"**{done} of {total} exercises done**",
            "\n".join(lines),
            "✓ done, ✗ stuck (tried, not right yet), ○ untouched, * optional",
            following or "Everything is done.",
            f"Your progress code is `{encode(records, slots())}`. In another copy of the course, "
            '`progress("...")` with this code takes you to the same point.',
        ]
    )  # fmt: skip


# --- the code -------------------------------------------------------------------------------


def slots(path: Path = SLOTS) -> list[str]:
    """The ids that have a place in a progress code, in the order of their places."""
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def encode(records: dict[str, Record], places: list[str]) -> str:
    """The progress code: a version, a digit of base 3 per exercise, a checksum, in base 32."""
    states: list[State] = ["untouched", "stuck", "done"]
    digits = [states.index(records.get(name, Record()).state) for name in places]
    number = sum(digit * 3**place for place, digit in enumerate(digits))
    body = VERSION + _base32(number)
    whole = body + _base32(_checksum(body)).rjust(3, "0")
    return "-".join(whole[at : at + 5] for at in range(0, len(whole), 5))


def decode(code: str, places: list[str]) -> dict[str, State]:
    """What a progress code says: id and state, the untouched left out.

    Raises `ValueError`, in words for a learner, when the code is mistyped or from another version.
    """
    plain = code.upper().translate(str.maketrans("OIL", "011", "- \t"))
    if len(plain) < 5 or any(letter not in ALPHABET for letter in plain):
        raise ValueError("That is no progress code. It looks like `1A2B3-C4D5`, or longer.")
    body, check = plain[:-3], plain[-3:]
    if _number(check) != _checksum(body):
        raise ValueError("There is a typing mistake in the progress code. Compare it once more.")
    number = _number(body[1:])
    if body[0] != VERSION or number >= 3 ** len(places):
        raise ValueError("This code comes from a newer copy of the course. Update yours first.")
    states: list[State] = ["untouched", "stuck", "done"]
    found = {name: states[number // 3**place % 3] for place, name in enumerate(places)}
    return {name: state for name, state in found.items() if state != "untouched"}


def restore(code: str, store: Store, places: list[str] | None = None) -> int:
    """Take over a progress code; what is done here stays done. Gives back how many were new."""
    now, new = store.records(), 0
    for name, state in decode(code, slots() if places is None else places).items():
        if now.get(name, Record()).state not in ("done", state):
            store.add(name, f"restored {state}")
            new += 1
    return new


def _base32(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 32)
        text = ALPHABET[digit] + text
    return text or "0"


def _number(text: str) -> int:
    value = 0
    for letter in text:
        value = value * 32 + ALPHABET.index(letter)
    return value


def _checksum(body: str) -> int:
    return (_number(body) * 31 + len(body)) % PRIME


# --- showing --------------------------------------------------------------------------------


def tell(markdown: str, plain: str | None = None) -> None:
    """Show Markdown in a notebook, and `plain` (or the Markdown itself) anywhere else."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if shell:
        from IPython.display import Markdown, display

        display(Markdown(markdown))
    else:
        print(plain or markdown)
