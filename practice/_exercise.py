"""`exercise("01.2")`: check an answer, ask for hints, see the solution or the template.

Everything is shown as Markdown, so that notebooks, editors and screen readers say the
same. How an answer is judged stands in practice/grading.
"""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import replace
from typing import Any

from helpers._text import escape_dollars, tell
from practice import desk
from practice._progress import NOT_KEPT, Record, Store, own_store
from practice.grading._check import check
from practice.grading.model import Exercise, Outcome, code
from practice.grading.sources import Sheet, find

OPEN_AFTER = 3  # tries, until the solution opens by itself
OPTIONS = {"": "", "now=True": " --now"}  # how a terminal says what a call is given


def exercise(wanted: str) -> Attempt:
    """The exercise with this id, for the names of the notebook that calls it.

    Raises `ValueError`, naming the exercises there are, when there is none.
    """
    return Attempt(*find(wanted), sys._getframe(1).f_globals)


class Attempt:
    """An exercise and a learner's namespace. `last` is the outcome of the last check.

    `command` is what a learner types in a terminal in place of a call; else it is "".
    """

    def __init__(
        self,
        task: Exercise,
        sheet: Sheet,
        namespace: dict[str, Any],
        store: Store | None = None,
        command: str = "",
    ) -> None:
        self.task = task
        self.sheet = sheet
        self.namespace = namespace
        self.store = store or own_store()
        self.command = command
        self.last: Outcome | None = None

    def check(self) -> None:
        """Check the answer as it is now, and say what was found.

        With COURSE_EXPECT in the environment (tests set it) nothing is noted, and
        another outcome than the expected one raises `AssertionError`.
        """
        outcome = check(self.task, self.sheet.imports, self.namespace)
        if self.command and outcome.state == "not attempted":  # there is no cell
            given = f"`{self.task.answer}` is as it was given."
            told = f"{given} Change it in your file, and check again."
            outcome = replace(outcome, message=told)
        self.last = outcome
        expected = os.environ.get("COURSE_EXPECT")
        notes = [] if expected else self._after(outcome)
        notes = [*self._unread(), *notes]
        markdown = [outcome.markdown(), *(escape_dollars(note) for note in notes)]
        tell("\n\n".join(markdown), "\n\n".join([outcome.plain(), *notes]))
        if expected and outcome.state != expected:
            unexpected = f"{outcome.head}, expected {expected}: {outcome.message}"
            raise AssertionError(unexpected)

    def hint(self, number: int | None = None) -> None:
        """The next hint, or the one with this number (from 1)."""
        hints = self.task.hints
        seen = self._record().hints
        wanted = seen + 1 if number is None else number
        if not 1 <= wanted <= len(hints):
            again = self._way("hint", "1")
            opens = self._way("solution", "" if self._open() else "now=True")
            known = f"There are {len(hints)} hints, and you have seen {seen} of them."
            if seen >= len(hints):
                known = f"There are {len(hints)} hints, and you have seen them."
            elif seen == 0:
                known = f"There are {len(hints)} hints, and you have seen none."
            first = "The first one again" if seen else "The first one"
            tell(f"{known} {first}: {again}. The solution: {opens}.")
            return
        if wanted > seen:
            self.store.add(self.task.id, "hint")
        head = f"**{self.task.id}, hint {wanted} of {len(hints)}**"
        tell(escape_dollars(f"{head}\n\n{hints[wanted - 1]}"))

    def solution(self, now: bool = False) -> None:
        """Show a solution: once yours is right, after three tries, or with `now`."""
        if not now and not self._open():
            tries = self._record().tries
            tell(
                f"The solution of {self.task.id} opens when your answer is right, or "
                f"after {OPEN_AFTER} tries (so far: {tries}). You want to see "
                f"it now? {self._way('solution', 'now=True')}"
            )
            return
        self.store.add(self.task.id, "solution")
        head = f"**{self.task.id}, a solution**"
        shown = f"{head} (yours may look different and be as good)\n\n"
        shown += _fence(self.task.solution)
        if self.task.also_correct:
            shown += f"\n\nAnother way:\n\n{_fence(self.task.also_correct[0])}"
        tell(shown)

    def reset(self) -> None:
        """Show the template again, to be copied. Nothing of yours is changed."""
        template = _fence(self.task.template)
        tell(f"Copy this into the cell of {self.task.id}:\n\n{template}")

    def _record(self) -> Record:
        return self.store.records().get(self.task.id, Record())

    def _open(self) -> bool:
        """Whether the solution is shown without being asked for twice."""
        record = self._record()
        return record.state == "done" or record.tries >= OPEN_AFTER

    def _way(self, what: str, given: str = "") -> str:
        """What the learner types to get something, by their name for this exercise."""
        if self.command:
            option = OPTIONS.get(given, f" {given}")
            return f"`{self.command} {what} {self.task.id}{option}`"
        for name, value in self.namespace.items():
            if value is self and not name.startswith("_"):
                return f"`{name}.{what}({given})`"
        return f"`ex.{what}({given})`"

    def _unread(self) -> list[str]:
        """That the newest version of the answer did not run: an older one was judged.

        A cell with a SyntaxError leaves the names as they were.
        """
        name = self.task.answer
        for cell in reversed(self.namespace.get("In", ())):
            if f"def {name}(" not in cell and f"class {name}" not in cell:
                continue
            try:
                ast.parse(cell)
            except SyntaxError as slip:
                return [
                    f"Your newest `{name}` did not run: its cell has a `SyntaxError` "
                    f"in line {slip.lineno}. So this is about the one before it. Fix "
                    "the cell, run it, and check again."
                ]
            break
        return []

    def _after(self, outcome: Outcome) -> list[str]:
        """Note the outcome, keep a part for the desk; the lines below the outcome."""
        if not outcome.tried:
            return []
        record = self.store.add(self.task.id, outcome.state, outcome.rule)
        lost = [NOT_KEPT] if self.store.unsaved else []
        if outcome.state == "correct":
            kept = desk.keep(self.task, self.sheet.imports, self.namespace)
            return [
                *lost,
                *kept,
                f"Compare with another solution: {self._way('solution')}",
            ]
        hint = f"A hint: {self._way('hint')}"
        if record.tries < OPEN_AFTER:
            return [*lost, hint]
        return [*lost, f"{hint}. The solution is open: {self._way('solution')}"]


def _fence(text: str) -> str:
    return f"```python\n{code(text)}```"
