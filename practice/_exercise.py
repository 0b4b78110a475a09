"""`exercise("01.2")`: check an answer, ask for hints, open the solution, get the template back.

Everything is shown as Markdown, so that notebooks, editors and screen readers say the same. How
an answer is judged stands in practice/grading.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from practice import desk
from practice._progress import Record, Store, tell
from practice.grading.check import check
from practice.grading.model import Exercise, Outcome, code, no_math
from practice.grading.sources import Sheet, find

OPEN_AFTER = 3  # tries, until the solution opens by itself


def exercise(wanted: str) -> Attempt:
    """The exercise with this id, for the names of the notebook that calls it.

    Raises `ValueError`, naming the exercises there are, when there is none.
    """
    return Attempt(*find(wanted), sys._getframe(1).f_globals)


class Attempt:
    """An exercise and a learner's namespace. `last` is the outcome of the last check.

    `command` is what a learner types in a terminal in place of a call; "" in a notebook.
    """

    def __init__(
        self,
        task: Exercise,
        sheet: Sheet,
        namespace: dict[str, Any],
        store: Store | None = None,
        command: str = "",
    ) -> None:
        self.task, self.sheet, self.namespace = task, sheet, namespace
        self.store, self.command = store or Store(), command
        self.last: Outcome | None = None

    def check(self) -> None:
        """Check the answer as it is now, and say what was found.

        With COURSE_EXPECT in the environment (tests set it) nothing is noted, and another outcome
        than the expected one raises `AssertionError`.
        """
        outcome = self.last = check(self.task, self.sheet.imports, self.namespace)
        expected = os.environ.get("COURSE_EXPECT")
        notes = [] if expected else self._after(outcome)
        text = [outcome.markdown(), *map(no_math, notes)]
        tell("\n\n".join(text), "\n\n".join([outcome.plain(), *notes]))
        if expected and outcome.state != expected:
            raise AssertionError(f"{outcome.head}, expected {expected}: {outcome.message}")

    def hint(self, number: int | None = None) -> None:
        """The next hint, or the one with this number (from 1)."""
        hints, seen = self.task.hints, self._record().hints
        wanted = seen + 1 if number is None else number
        if not 1 <= wanted <= len(hints):
            again, opens = self._way("hint", "1"), self._way("solution", "now=True")
            seen_all = f"There are {len(hints)} hints, and you have seen them."
            tell(f"{seen_all} The first one again: {again}. The solution: {opens}.")
            return
        if wanted > seen:
            self.store.add(self.task.id, "hint")
        tell(no_math(f"**{self.task.id}, hint {wanted} of {len(hints)}**\n\n{hints[wanted - 1]}"))

    def solution(self, now: bool = False) -> None:
        """Show a solution: once the answer is right, after three tries, or at once with `now`."""
        record = self._record()
        if not now and record.state != "done" and record.tries < OPEN_AFTER:
            tell(
                f"The solution of {self.task.id} opens when your answer is right, or after "
                f"{OPEN_AFTER} tries (so far: {record.tries}). You want to see it now? "
                + self._way("solution", "now=True")
            )
            return
        self.store.add(self.task.id, "solution")
        other = ""
        if self.task.also_correct:
            other = f"Another way:\n\n{_fence(self.task.also_correct[0])}"
        head = f"**{self.task.id}, a solution** (yours may look different and be as good)"
        tell(f"{head}\n\n{_fence(self.task.solution)}\n\n{other}")

    def reset(self) -> None:
        """Show the template again, to be copied into the cell. Nothing of yours is changed."""
        tell(f"Copy this into the cell of {self.task.id}:\n\n{_fence(self.task.template)}")

    def _record(self) -> Record:
        return self.store.records().get(self.task.id, Record())

    def _way(self, what: str, given: str = "") -> str:
        """What the learner types to get something, by the name that this exercise has for them."""
        if self.command:
            option = {"now=True": " --now"}.get(given, f" {given}" * bool(given))
            return f"`{self.command} {what} {self.task.id}{option}`"
        names = [name for name, value in self.namespace.items() if value is self]
        name = next((name for name in names if not name.startswith("_")), "ex")
        return f"`{name}.{what}({given})`"

    def _after(self, outcome: Outcome) -> list[str]:
        """Note the outcome, keep a part for the desk; the lines that stand below the outcome."""
        if not outcome.tried:
            return []
        record = self.store.add(self.task.id, outcome.state, outcome.rule)
        if outcome.state == "correct":
            kept = desk.keep(self.task, self.sheet.imports, self.namespace)
            return [*kept, f"Compare with another solution: {self._way('solution')}"]
        hint = f"A hint: {self._way('hint')}"
        if record.tries < OPEN_AFTER:
            return [hint]
        return [f"{hint}. The solution is open: {self._way('solution')}"]


def _fence(text: str) -> str:
    return f"```python\n{code(text)}```"
