"""The spending limit of live mode, as a lesson tells of it before the first call.

The limit itself is the course server's (`courseserver/budget.py`). What was spent
stands in `ledger.jsonl` in the learner's state folder. It must not know who sends a
request.
"""

from __future__ import annotations

import re
from contextlib import suppress

from courseserver.budget import Budget
from courseserver.ledgerfile import LedgerFile
from helpers.settings import LEDGER, LIMIT, ROOT, TOTAL, state_folder

COSTS = re.compile(r"a live run from top to bottom: [^*]*?about \$([\d.,]*\d) ")


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
