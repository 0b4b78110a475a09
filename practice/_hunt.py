"""The error hunt: a card of refusals of the API to find, and what was found of them.

A refusal counts when one of the API's rules gave it, by the journal of this kernel. It
knows the rules by name only. What was found is kept in `hunt.json` of the state folder,
an object: "01 key" (card and rule) -> the message that the refusal came with.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from courseserver.values import Reply
from helpers._setup import current_lesson, journal
from helpers._text import tell
from helpers.settings import state_folder
from practice.hunt_cards import CARDS

HOW = "Let the API refuse requests of your own, then run this cell again."
ALL = "You found them all. They are kept for you."
LONGEST = 110  # characters of a message on the card
_found: dict[str, str] = {}  # of this kernel, should the file not be writable


def hunt() -> None:
    """Show the card of the lesson that `setup()` began, with what was found so far."""
    number = current_lesson().partition("_")[0]
    if number not in CARDS:
        print(
            f"There is no error hunt here. Lessons that have one: {', '.join(CARDS)}."
        )
        return
    rules = {rule for rule, _ in CARDS[number]}
    for entry in journal():
        if entry.rule in rules:
            _found.setdefault(f"{number} {entry.rule}", _message(entry.reply))
    path = state_folder() / "hunt.json"
    kept = _read(path)
    found = _found | kept
    lost = ""
    if found != kept:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found, indent=1), encoding="utf-8")
        except OSError as error:
            lost = f" The ticks last only as long as this kernel ({error.strerror})."
    _show(number, found, lost)


def _message(reply: Reply) -> str:
    """The message of an error reply; empty if the reply holds none."""
    body = b"".join(step.data for step in reply.steps)
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _show(number: str, found: dict[str, str], lost: str) -> None:
    """The card as a table, and as lines of text for a terminal."""
    table = ["| no. | clue | state | the message you got |"]
    table.append("| --- | --- | --- | --- |")
    lines = []
    earned = 0
    for at, (rule, clue) in enumerate(CARDS[number], start=1):
        mark = ""
        message = ""
        if f"{number} {rule}" in found:
            mark = "found"
            message = textwrap.shorten(found[f"{number} {rule}"], LONGEST)
            earned += 1
        table.append(f"| {at} | {clue} | {mark} | {_cell(message)} |")
        lines.append(f"  {at}. [{mark:5}] {clue} {message}".rstrip())
    head = f"Error hunt: {earned} of {len(CARDS[number])} found"
    note = ALL if earned == len(CARDS[number]) else HOW
    note += lost
    markdown = "\n".join([f"**{head}**", "", *table, "", note])
    tell(markdown, "\n".join([head, *lines, note]))


def _cell(message: str) -> str:
    """A message as Markdown shows it in a table, letter by letter."""
    if not message:
        return ""
    return f"`{message.replace('|', '/').replace('`', chr(39))}`"


def _read(path: Path) -> dict[str, str]:
    """What the file holds; earlier versions kept a list of ticks without messages."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or not ours: as if none
        return {}
    if isinstance(kept, list):
        return {str(tick): "" for tick in kept}
    if isinstance(kept, dict):
        return {str(tick): str(message) for tick, message in kept.items()}
    return {}
