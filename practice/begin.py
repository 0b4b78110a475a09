"""A lesson that `setup()` begins: its recordings, and live what it costs and may spend.

The limit itself is the course server's (`courseserver/budget.py`). What was spent
stands in `ledger.jsonl` in the learner's state folder. It must not know the mode, nor
who answers.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from courseserver.budget import Budget
from courseserver.ledgerfile import LedgerFile
from helpers.settings import LEDGER, LIMIT, ROOT, TOTAL, state_folder

if TYPE_CHECKING:
    from courseserver.recordings import Recordings

COSTS = re.compile(r"a live run from top to bottom: [^*]*?about \$([\d.,]*\d) ")


def load_recordings(wanted: str) -> Recordings:
    """The recordings of the lesson that `wanted` means (see `find_lesson`).

    Raises `ValueError`, with the remedy, when there are none that can be used.
    """
    from courseserver.recordings import RecordingError, Recordings

    lesson = find_lesson(wanted)
    name = f"recordings/{lesson}.json"
    try:
        text = (ROOT / name).read_text(encoding="utf-8")
        return Recordings.parse(text, lesson)
    except RecordingError as problem:
        raise ValueError(str(problem)) from None
    except UnicodeDecodeError:
        why = "is not UTF-8 text any more"
    except RecursionError:
        why = "is nested too deep to be a recording"
    except OSError as problem:
        why = f"cannot be read ({problem.strerror})"
    raise ValueError(
        f"{name} {why}. Give it back as it was with: git restore {name} (or download "
        "the course again)."
    )


def find_lesson(wanted: str) -> str:
    """The name of a lesson, as 01_first_call, given that, its file or its number.

    Raises `ValueError`, naming the lessons there are.
    """
    names = set()
    for file in [*ROOT.glob("recordings/*.json"), *ROOT.glob("notebooks/[0-9]*.ipynb")]:
        if "." not in file.stem:  # not your copies
            names.add(file.stem)
    known = sorted(names)
    last = str(wanted).replace("\\", "/").rstrip("/").rpartition("/")[2]
    last = last.removesuffix(".ipynb").removesuffix(".json")
    for name in known:
        number = name.partition("_")[0]
        if last and last in (name, number, number.removeprefix("0")):
            return name
    if not known:
        raise ValueError(
            "The folder recordings holds no lesson: download the course again."
        )
    raise ValueError(
        f"There is no lesson called {str(wanted)[:60]!r}. "
        f"The lessons are: {', '.join(known)}."
    )


def ledger_file() -> LedgerFile:
    """The ledger of all live calls of this course; made when first written."""
    from helpers._setup import current_lesson

    return LedgerFile(state_folder() / LEDGER, current_lesson)


def lesson_cost(lesson: str) -> str:
    """What a live run costs in USD, as the facts line says it ("0.021"), or ""."""
    text = ""
    with suppress(OSError, UnicodeDecodeError):
        text = (ROOT / "notebooks" / f"{lesson}.ipynb").read_text(encoding="utf-8")
    found = COSTS.search(text)
    return found[1] if found else ""


def limit_lines(budget: Budget, lesson: str) -> list[str]:
    """What a live lesson costs, what may be spent, and what is left at the API."""
    costs = lesson_cost(lesson)
    lines = [budget.told()]
    if costs:
        lines = [f"A whole run costs about ${costs}. {budget.told()}"]
    left = min(budget.left, budget.left_of_total)
    if costs and float(costs.replace(",", "")) > left:
        lines.append(
            "That is less than the lesson costs, so some cells will be refused. To run "
            f"it all, raise {LIMIT} (or {TOTAL}) in .env and run setup again."
        )
    with suppress(OSError):  # the first request says what is wrong with the ledger
        count = len(ledger_file().left_behind())
        if count:
            lines.append(
                f"Files and batches of live runs that are still at the API: {count}. "
                "ledger.left_behind() lists them, with how to delete them."
            )
    return lines
