"""The error hunt: each lesson's card of refusals of the API to find, ticked when found.

A refusal counts when one of the API's rules gave it, by the journal of this kernel. It
knows the rules by name only; the ticks are kept in `hunt.json` of the state folder.
"""

from __future__ import annotations

import json
from pathlib import Path

from helpers._setup import current_lesson, journal
from helpers._text import tell
from helpers.settings import state_folder
from practice.hunt_cards import CARDS

HOW = "Let the API refuse requests of your own, then run this cell again."
_ticks: set[str] = set()  # "01 key": of this kernel, should the file not be writable


def hunt() -> None:
    """Show the card of the lesson that `setup()` began, with what was found so far."""
    number = current_lesson().partition("_")[0]
    if number not in CARDS:
        print(
            f"There is no error hunt here. Lessons that have one: {', '.join(CARDS)}."
        )
        return
    refused_by = {entry.rule for entry in journal()}
    for rule, _ in CARDS[number]:
        if rule in refused_by:
            _ticks.add(f"{number} {rule}")
    path = state_folder() / "hunt.json"
    kept = _read_ticks(path)
    ticks = _ticks | kept
    note = HOW
    if ticks != kept:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(sorted(ticks), indent=1), encoding="utf-8")
        except OSError as error:
            lost = f"The ticks last only as long as this kernel ({error.strerror})."
            note = f"{note} {lost}"
    _show(number, ticks, note)


def _show(number: str, ticks: set[str], note: str) -> None:
    """The card as a table, and as lines of text for a terminal."""
    table = ["| | clue | |", "| --- | --- | --- |"]
    lines = []
    found = 0
    for at, (rule, clue) in enumerate(CARDS[number], start=1):
        mark = ""
        if f"{number} {rule}" in ticks:
            mark = "found"
            found += 1
        table.append(f"| {at} | {clue} | {mark} |")
        lines.append(f"  {at}. [{mark:5}] {clue}")
    head = f"Error hunt: {found} of {len(CARDS[number])} found"
    markdown = "\n".join([f"**{head}**", "", *table, "", note])
    tell(markdown, "\n".join([head, *lines, note]))


def _read_ticks(path: Path) -> set[str]:
    try:
        return {str(tick) for tick in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError):  # none yet, or not ours: as if none
        return set()
