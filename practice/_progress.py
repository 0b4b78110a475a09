"""What a learner has done: a file of lines, a table of it, a code to carry it along.

A line holds the time, the exercise, the outcome, the rule, and how many tries and hints
so far: never code, names, prompts or keys. Nothing is sent anywhere. It must not know
how a check works.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, Literal

from helpers._text import tell
from helpers.settings import state_folder
from practice._lines import append
from practice.grading.sources import FOLDER, Sheet, sheets

SLOTS = FOLDER / "slots.txt"  # one id per line, only ever added to: places in a code
TRIED = ("wrong", "raised", "correct")
DONE = ("correct", "restored done")
STUCK = (*TRIED, "restored stuck")
SYMBOLS = {"done": "✓", "stuck": "✗", "untouched": "○"}
LEGEND = "✓ done, ✗ stuck (tried, not right yet), ○ untouched, * optional"
# Crockford's base 32 has no I, L, O, U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VERSION = "1"
NOT_KEPT = (
    "Your progress could not be written down, so it lasts only as long as this kernel. "
    "Is the disk full, or the folder read-only?"
)
PRIME = 32_749  # the largest below 32 ** 3: the checksum finds every mistyped character

Event = dict[str, Any]
State = Literal["done", "stuck", "untouched"]
STATES: tuple[State, ...] = ("untouched", "stuck", "done")  # digits 0, 1, 2 of a code


@dataclass
class Record:
    """How one exercise stands."""

    state: State = "untouched"
    tries: int = 0
    hints: int = 0


def _file() -> Path:
    return state_folder() / "progress.jsonl"


@dataclass
class Store:
    """The file of events. Lines that cannot be read are passed over and stay."""

    path: Path = field(default_factory=_file)
    unsaved: list[Event] = field(default_factory=list)  # when it cannot be written

    def events(self) -> list[Event]:
        """Everything that happened, in order."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        events = [_event(line) for line in text.splitlines()]
        return [event for event in events if event is not None] + self.unsaved

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
            append(self.path, json.dumps(event, ensure_ascii=False))
        except OSError:
            self.unsaved.append(event)
        return self.records()[wanted]

    def records(self) -> dict[str, Record]:
        """How each exercise stands that was ever touched."""
        found: dict[str, Record] = {}
        for event in self.events():
            record = found.setdefault(event["id"], Record())
            outcome = event["outcome"]
            record.tries += outcome in TRIED
            record.hints += outcome == "hint"
            if outcome in DONE:
                record.state = "done"
            elif outcome in STUCK and record.state != "done":
                record.state = "stuck"
        return found


def own_store() -> Store:
    """The learner's store: the same in every cell, so that nothing unsaved is lost."""
    return _store_at(_file())


@cache
def _store_at(path: Path) -> Store:
    return Store(path)


def _event(line: str) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    whole = isinstance(event.get("id"), str) and isinstance(event.get("outcome"), str)
    return event if whole else None


# --- the picture ----------------------------------------------------------------------


def progress(code: str | None = None, *, look: bool = False) -> None:
    """Show what is done, per lesson.

    With a progress code, take over first what it says; what is done here stays done.
    With `look=True` as well, only show what the code says: nothing is kept of it.
    """
    store = own_store()
    if store.unsaved:
        tell(NOT_KEPT)
    if code is None:
        tell(picture(store.records(), sheets()))
        return
    try:
        if look:
            records = {n: Record(state) for n, state in decode(code, slots()).items()}
            tell("This is what the code says. Nothing of it was taken over.")
            tell(picture(records, sheets()))
            return
        tell(f"Taken over: {restore(code, store)} exercises.")
    except ValueError as problem:
        tell(str(problem))
        return
    tell(picture(store.records(), sheets()))


def picture(records: dict[str, Record], all_sheets: Iterable[Sheet]) -> str:
    """The table, the next exercise and the progress code, as Markdown."""
    rows = ["| lesson | done | exercises | quiz |", "| --- | --- | --- | --- |"]
    done = 0
    total = 0
    following = "Everything is done."
    for sheet in all_sheets:
        needed = [one for one in sheet.exercises if not one.optional]
        open_ones = [one for one in needed if _record(records, one.id).state != "done"]
        if open_ones and done == total:
            first = open_ones[0]
            file = f"exercises/{sheet.lesson.file}"
            following = f"Next: **{first.id} {first.title}**, in `{file}`."
        finished = len(needed) - len(open_ones)
        rows.append(_row(sheet, records, f"{finished} of {len(needed)}"))
        done += finished
        total += len(needed)
    parts = [
        f"**{done} of {total} exercises done**",
        "\n".join(rows),
        LEGEND,
        following,
        f"Your progress code is `{encode(records, slots())}`. In another copy of the "
        'course, `progress("...")` with this code takes you to the same point.',
    ]
    return "\n\n".join(parts)


def _row(sheet: Sheet, records: dict[str, Record], finished: str) -> str:
    """The line of one lesson in the table."""
    cells = []
    for one in sheet.exercises:
        record = _record(records, one.id)
        cell = f"{one.id} {SYMBOLS[record.state]} {record.state}"
        if one.optional:
            cell = cell.replace(one.id, f"{one.id}*")
        if record.state == "stuck" and record.tries:  # a code says nothing of tries
            cell += f" ({record.tries} tries)"
        cells.append(cell)
    number = sheet.lesson.number
    answers = [records[name] for name in records if name.startswith(f"quiz {number}.")]
    quiz = ""
    if answers:
        quiz = f"{sum(answer.state == 'done' for answer in answers)} right"
    title = f"{number} {sheet.lesson.title}"
    return f"| {title} | {finished} | {', '.join(cells)} | {quiz} |"


def _record(records: dict[str, Record], wanted: str) -> Record:
    return records.get(wanted, Record())


# --- the code -------------------------------------------------------------------------


def slots(path: Path = SLOTS) -> list[str]:
    """The ids that have a place in a progress code, in the order of their places."""
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def encode(records: dict[str, Record], places: list[str]) -> str:
    """The progress code: a version, a digit of base 3 per exercise, a checksum."""
    number = 0
    for place, name in enumerate(places):
        number += STATES.index(_record(records, name).state) * 3**place
    body = VERSION + _base32(number)
    whole = body + _base32(_checksum(body)).rjust(3, "0")
    return "-".join(whole[at : at + 5] for at in range(0, len(whole), 5))


def decode(code: str, places: list[str]) -> dict[str, State]:
    """What a progress code says: id and state, the untouched left out.

    Raises `ValueError`, in words for a learner, when the code is mistyped or comes from
    another version.
    """
    plain = code.upper().translate(str.maketrans("OIL", "011", "- \t"))
    if len(plain) < 5 or any(letter not in ALPHABET for letter in plain):
        raise ValueError("That is no progress code. It looks like `1A2B3-C4D5`.")
    body = plain[:-3]
    if _number(plain[-3:]) != _checksum(body):
        raise ValueError(
            "There is a typing mistake in the progress code. Compare it once more."
        )
    number = _number(body[1:])
    if body[0] != VERSION or number >= 3 ** len(places):
        raise ValueError(
            "This code comes from a newer copy of the course. Update yours first."
        )
    found: dict[str, State] = {}
    for place, name in enumerate(places):
        digit = number // 3**place % 3
        if digit:
            found[name] = STATES[digit]
    return found


def restore(code: str, store: Store, places: list[str] | None = None) -> int:
    """Take over a progress code; what is done here stays so. Returns how many changed.

    Raises `ValueError` as `decode` does.
    """
    now = store.records()
    said = decode(code, slots() if places is None else places)
    changed = 0
    for name, state in said.items():
        if _record(now, name).state not in ("done", state):
            store.add(name, f"restored {state}")
            changed += 1
    return changed


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
