"""The error hunt: each lesson's card of six refusals of the API to find, ticked when found.

A refusal counts when one of the API's rules gave it, by the course server's own log. It knows the
rules by name only; the ticks are kept in `.course/hunt.json`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from IPython.core.getipython import get_ipython
from IPython.display import display

from helpers._setup import course_server, current_lesson, journal
from practice.wishes import state_folder

# Lesson: (rule of courseserver/rules.py, clue). A clue does not name the field that offends.
# fmt: off
CARDS: dict[str, tuple[tuple[str, str], ...]] = {
    "01": (("unknown-model", "Ask for somebody who has retired, or who was never there."),
           ("key", "Knock as somebody who is not let in."),
           ("empty-turn", "Say nothing at all."),
           ("empty-text", "Say something in which there is nothing to read."),
           ("shape", "Leave Claude less than no room for the answer."),
           ("prompt-length", "Talk for longer than anybody can listen.")),
    "02": (("stop-sequences", "Put up a stop sign with nothing written on it."),
           ("prefill", "Write the beginning of the answer yourself."),
           ("version", "Ask for an edition of the API that never came out."),
           ("endpoint", "Go to the right house and the wrong door."),
           ("not-json", "By raw HTTP: break off in the middle of the request."),
           ("shape", "Send a conversation in which no turn was taken.")),
    "03": (("system-turn", "Give the house rules as the first turn of the conversation."),
           ("empty-text", "Hand over house rules in which there is nothing to read."),
           ("shape", "Put something on the form that the form does not know."),
           ("prefill", "Force the form of the answer: begin it yourself."),
           ("prompt-length", "Write house rules that fill whole shelves."),
           ("sampling", "Turn a knob that is gone (extra_body, and with it the API version of "
            "2023 in extra_headers).")),
    "04": (("max-tokens", "Ask for a longer stream than this model can ever write."),
           ("unknown-model", "Wait for the first word of somebody who is not there."),
           ("stop-sequences", "Tell the stream to stop at something nobody can see."),
           ("empty-turn", "Stream an answer to nothing."),
           ("prefill", "Begin the answer yourself, and let the rest be streamed."),
           ("shape", "Let somebody else take a turn: neither you nor Claude.")),
    "05": (("prefill", "Shorten the history so that Claude spoke last."),
           ("replayed-thinking", "Rewrite what you asked, and keep what Claude thought about it."),
           ("empty-turn", "Put words of silence into the middle of the history."),
           ("empty-text", "Take a turn that looks empty, and is not."),
           ("system-turn", "Let the house speak first in the history."),
           ("shape", "Hand in a turn with more in it than a turn may hold.")),
    "06": (("tool-results", "Leave a call of Claude's without its answer."),
           ("empty-turn", "Hand all the answers back in an empty envelope."),
           ("tool-choice", "Insist: leave Claude no way but to call."),
           ("tool-names", "Offer two that would both answer to the same call."),
           ("shape", "Offer one without saying what goes into it."),
           ("json-schema", "Be strict, and leave the door open for what nobody described.")),
    "07": (("image", "Stick the wrong label on a picture."),
           ("pdf", "Stick the right label on something that is no paper."),
           ("shape", "Send a picture of a kind that Claude does not look at."),
           ("body-too-large", "Send a parcel that does not fit through the door."),
           ("empty-text", "Send a picture with a caption in which there is nothing to read."),
           ("gone-since-2026-10-21", "Put the paper on Claude's side of the conversation.")),
    "08": (("cache-marks", "Use one bookmark too many."),
           ("shape", "Let the cache last for a week."),
           ("empty-text", "Put a bookmark where there is nothing to read."),
           ("replayed-thinking", "Change the house rules under what Claude has already thought."),
           ("tool-names", "Put the same tool into the cached box twice."),
           ("prompt-length", "Cache more than any window holds.")),
    "10": (("thinking", "Grant a fixed allowance for thinking, as in 2025."),
           ("shape", "Grant an allowance that is too small to think with."),
           ("effort", "Forbid thinking before the answer, and ask for the greatest strain."),
           ("tool-choice", "Insist on a call, from a model that wants to think first."),
           ("replayed-thinking", "Improve what Claude thought before you send it back."),
           ("prefill", "Begin the answer for a model that wants to think first.")),
}
# fmt: on
HOW = "Let the API refuse requests of your own, then run this cell again."
LIVE = "Live calls are not seen: hunt with anthropic.Anthropic(base_url=staged(replies=['Hi']))."
_ticks: set[str] = set()  # "01 key": of this kernel, also when the file cannot be written


def hunt() -> None:
    """Show the card of the lesson that `setup()` began, with what was found so far."""
    server, path = course_server(), state_folder() / "hunt.json"
    number = current_lesson().partition("_")[0]
    if number not in CARDS:
        print(f"There is no error hunt here. Lessons that have one: {', '.join(CARDS)}.")
        return
    seen = {entry.rule for entry in journal()}
    _ticks.update(f"{number} {rule}" for rule, _ in CARDS[number] if rule in seen)
    kept, note = _kept(path), HOW if os.environ.get("ANTHROPIC_BASE_URL") == server.url else LIVE
    if _ticks - kept:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(sorted(_ticks | kept), indent=1), encoding="utf-8")
        except OSError as error:
            note += f" The ticks last only as long as this kernel ({error.strerror})."
    found = [f"{number} {rule}" in _ticks | kept for rule, _ in CARDS[number]]
    lines = [(clue, "found" * yes) for (_, clue), yes in zip(CARDS[number], found, strict=True)]
    head = f"Error hunt: {sum(found)} of {len(found)} found"
    rows = [f"  {n}. [{tick:5}] {clue}" for n, (clue, tick) in enumerate(lines, 1)]
    text = "\n".join([head, *rows, note])
    rows = [f"| {n} | {clue} | {tick} |" for n, (clue, tick) in enumerate(lines, 1)]
    rows = [f"**{head}**", "", "| | clue | |", "| --- | --- | --- |", *rows, "", note]
    if get_ipython() is None:
        print(text)
    else:
        display({"text/markdown": "\n".join(rows), "text/plain": text}, raw=True)


def _kept(path: Path) -> set[str]:
    try:
        return {str(tick) for tick in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError):  # none yet, or not ours: as if none
        return set()
