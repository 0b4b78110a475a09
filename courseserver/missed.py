"""What is noted of a request that no recording answers, and how it is said to a person, also when
a model on this machine has answered it.

It must not know what a person can do about it: that depends on who runs the server.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from courseserver.price import LOCAL
from courseserver.values import JSON

if TYPE_CHECKING:
    from courseserver.journal import Journal

DIFFERENCES = 5  # lines of difference that are shown
WIDTH = 76  # of what is said under a cell, in characters
LEFT_OUT = ", left out: "  # in the header of a reply, before the names
UNKNOWN = 8  # requests of a batch that are named
# What an earlier cell changed, and what the request at hand still holds of it.
EARLIER = {
    "question": "The question of an earlier cell was changed, and this request still contains "
    "Claude's answer to the recorded question. Restore the original question and run the cells "
    "again from there, or write Claude's reply in that cell yourself, too.",
    "system": "The system prompt was changed after Claude had answered with the recorded one. "
    "Restore the original system prompt and run the cells again from the first question on, or "
    "write Claude's replies in them yourself.",
    "tools": "The tools were changed after Claude had answered with the recorded ones. Restore the "
    "original tools and run the cells again from the first question on, or write Claude's replies "
    "in them yourself.",
}


@dataclass(frozen=True)
class Missed:
    """A request that no recording answers, and how it differs from the nearest one.

    `unknown`: in a batch, the custom_ids that no recording answers. `near` says what the recorded
    variants of the nearest request change. `earlier`: what of an earlier cell was changed, a key
    of `EARLIER`, or "".
    """

    body: Any
    nearest: str | None
    recorded: JSON
    differences: tuple[str, ...]
    estimated_tokens: int
    unknown: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    earlier: str = ""

    def told(self) -> list[str]:
        """What is missing, the nearest recorded request, and where the two differ: a few lines."""
        lines = []
        if self.unknown:
            names = ", ".join(self.unknown[:UNKNOWN])
            rest = len(self.unknown) - UNKNOWN
            more = f" and {rest} more" if rest > 0 else ""
            lines.append(f"These requests of the batch have none: {names}{more}.")
        if self.nearest:
            lines.append(f"The nearest recorded request is {self.nearest!r}. They differ here:")
            lines += [f"  {difference}" for difference in self.differences[:DIFFERENCES]]
            rest = len(self.differences) - DIFFERENCES
            if rest > 0:
                lines.append(f"  ... and in {rest} more places")
        if self.near:
            lines.append(f"Recorded near it: {'; '.join(self.near)}.")
        if self.earlier:
            lines.append(EARLIER[self.earlier])
        return lines


IN_WORDS = {  # what was adapted, where its name says too little
    "wording": "capitals, spaces or a please",
    "form": "way of writing the request",
    "stream": "choice of a stream or a whole reply",
    "batch": "way of sending it, alone or in a batch",
}


def said_of_adapted(journal: Journal) -> str:
    """That a reply of this cell was recorded for a request a little different, or ""."""
    words: dict[str, None] = {}
    for entry in journal:
        if entry.cell == journal.cell:
            words |= dict.fromkeys(IN_WORDS.get(word, word) for word in entry.adapted)
    return f"(Replay: a recorded reply, adapted to your {', '.join(words)}.)" if words else ""


def said_of_local(journal: Journal) -> str:
    """What must be said of each model on this machine that answered the cell that ran.

    One or more lines, each with its end; "" for none. They go under the cell.
    """
    said: dict[str, str] = {}
    for entry in journal:
        answered = entry.local and entry.reply.status and not entry.unsent
        if not answered or entry.cell != journal.cell:
            continue
        line = f"(Not Claude: the model {entry.local.removeprefix(LOCAL)} on this machine answered."
        left_out = entry.reply.headers.get("x-course-reply", "").partition(LEFT_OUT)[2]
        if left_out:
            line += f" It was not told: {left_out}."
        line += " It can show that your code runs; it says nothing about your prompt.)"
        said[line] = textwrap.fill(line, WIDTH, break_on_hyphens=False, break_long_words=False)
    return "".join(f"{each}\n" for each in said.values())


def said_of_caught(journal: Journal) -> list[str]:
    """What must be said when the program itself caught the error of a missing reply.

    Lines, about the newest request of the cell that ran; none when each had a reply. Without
    them, a program that handles errors well would only say "status 421".
    """
    mine = [entry for entry in journal if entry.cell == journal.cell and not entry.local]
    missed = [entry.missed for entry in mine if entry.missed]
    if not missed:
        return []
    return [
        "",
        "Replay has no recorded reply for a request of this cell (status 421). The program caught "
        "the error itself. Nothing left this machine.",
        *missed[-1].told(),
        "Undo the change, or write the reply with staged(replies=[...]).",
    ]
