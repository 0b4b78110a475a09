"""The plain values of an exercise: its parts, a known mistake, the outcome of a check.

Nothing here runs code or knows how a check works.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from helpers._text import escape_dollars

if TYPE_CHECKING:
    from practice.grading.lab import Lab

State = Literal["not attempted", "wrong", "raised", "could not check", "correct"]
HEADS: dict[State, str] = {
    "not attempted": "Not attempted ○",
    "wrong": "Not yet ✗",
    "raised": "Your code raised $error !",
    "could not check": "Could not check ?",
    "correct": "Correct ✓",
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True)
class Mistake:
    """Wrong code that people really write: the rule it breaks, and where it was seen.

    `rule` is a key of the exercise's `messages`, or of a table in `words.py`. `wrong`
    is code, or what is changed in the solution: `{"max_tokens=2000": "max_tokens=20"}`,
    or a function that makes the code out of the exercise (slips.py).
    Give a `source` only after you have opened it: no gate can look there.
    """

    rule: str
    wrong: str | Mapping[str, str] | Callable[[Exercise], str]
    source: str


@dataclass(frozen=True)
class Exercise:
    """One exercise. Texts are Markdown, code is Python.

    `rules` gets a `Lab` and looks at behaviour; `messages` holds the sentence of each
    of its rules. Rules made of words (expect.py) bring messages and mistakes; one that
    is written here, under the same rule, takes its place. `also_correct` are really
    different solutions. `equivalent` names mutants of the solution that are right as
    well, with the reason. `part` is the function's name at the desk.
    """

    id: str
    title: str
    objective: str
    task: str
    minutes: int
    template: str
    solution: str
    also_correct: tuple[str, ...]
    hints: tuple[str, str, str]
    rules: Callable[[Lab], None]
    takeaway: str
    messages: Mapping[str, str] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()
    part: str | None = None
    optional: bool = False
    equivalent: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Add what the words of the rules bring, unless it is said here."""
        brought: Mapping[str, str] = getattr(self.rules, "messages", {})
        object.__setattr__(self, "messages", {**brought, **self.messages})
        own = {mistake.rule for mistake in self.mistakes}
        ready: tuple[Mistake, ...] = getattr(self.rules, "mistakes", ())
        others = tuple(mistake for mistake in ready if mistake.rule not in own)
        object.__setattr__(self, "mistakes", (*self.mistakes, *others))

    @property
    def causes(self) -> set[str]:
        """The rules whose message names a cause, see `Word`."""
        return getattr(self.rules, "causes", set())

    @property
    def lesson(self) -> str:
        """The number of its lesson: `01` for `01.2`."""
        return self.id.partition(".")[0]

    def wrong(self, mistake: Mistake) -> str:
        """The code of a mistake. Raises `ValueError` if it does not fit."""
        if isinstance(mistake.wrong, str):
            return code(mistake.wrong)
        if callable(mistake.wrong):
            return mistake.wrong(self)
        text = code(self.solution)
        for old, new in mistake.wrong.items():
            if old not in text:
                raise ValueError(
                    f"{self.id}, {mistake.rule}: the solution does not hold {old!r}"
                )
            text = text.replace(old, new)
        return text

    @cached_property
    def bound(self) -> dict[str, ast.stmt]:
        """What the template binds at its top level, in order: name and statement."""
        found: dict[str, ast.stmt] = {}
        for node in ast.parse(code(self.template)).body:
            if isinstance(node, DEFINITIONS):
                found[node.name] = node
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = node
        return found

    @property
    def answer(self) -> str:
        """The name that is called: the last function or class, else the last value."""
        values = list(self.bound)
        made = [name for name in values if isinstance(self.bound[name], DEFINITIONS)]
        return (made or values)[-1]

    @property
    def parameters(self) -> list[str]:
        """The parameters of the answer (of a class: of `__init__`), without `self`."""
        node = self.bound[self.answer]
        names = []
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, FUNCTIONS) and inner.name in (self.answer, "__init__"):
                names += [argument.arg for argument in inner.args.args]
        return [name for name in names if name != "self"]

    @property
    def takes_client(self) -> bool:
        """Whether the check hands the answer a client, as its first argument."""
        return self.parameters[:1] == ["client"]


@dataclass(frozen=True)
class Outcome:
    """What a check found: the reason or takeaway, and the rule.

    For an exception also the learner's own line, its name and its words. `details` is
    what their code did, to be folded away.
    """

    id: str
    state: State
    message: str
    rule: str = ""
    line: str = ""
    error: str = ""
    said: str = ""
    details: str = ""

    @property
    def head(self) -> str:
        """The first line: `01.2 Not yet ✗`."""
        return f"{self.id} {HEADS[self.state].replace('$error', self.error)}"

    @property
    def tried(self) -> bool:
        """Whether it counts as a try."""
        return self.state in ("wrong", "raised", "correct")

    def markdown(self) -> str:
        """The outcome for a notebook."""
        parts = (f"**{self.head}**", self.line, self.message, self.said)
        text = escape_dollars("\n\n".join(part for part in parts if part))
        if not self.details:
            return text
        head = "<details><summary>What your code did</summary>"
        return f"{text}\n\n{head}\n\n{self.details}\n\n</details>"

    def plain(self) -> str:
        """The outcome for a terminal."""
        parts = (self.head, self.line, self.message, self.said, self.details)
        return "\n\n".join(part for part in parts if part)


def code(text: str) -> str:
    """Code of an exercise as it stands in a file: one line break at its end."""
    return textwrap.dedent(text).strip("\n") + "\n"
