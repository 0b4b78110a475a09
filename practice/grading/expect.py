"""The frame of a vocabulary: cases, words, and rules made of both.

A `Word` looks at one run, and brings the message of each of its rules and a mistake
that breaks it; an exercise lists words and says only what is new in it. The words
themselves are in requests.py and values.py. Nothing here knows an exercise.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import EllipsisType
from typing import Any

from practice.grading.blank import run_cell
from practice.grading.lab import Lab
from practice.grading.model import Mistake, code
from practice.grading.run import SLIPS, Run
from practice.grading.slips import Change, acts
from practice.grading.tape import Tape
from practice.grading.traces import alike, differences, shares, trace

Check = Callable[[Run], object]
Wrong = str | Mapping[str, str] | Change
Changes = Wrong | list[Any]  # several `Wrong`
Row = tuple[str, Changes, str, str] | tuple[str, Changes, str, str, Check]


@dataclass(frozen=True)
class Word:
    """An expectation of one run, with its messages and a mistake for each of them.

    `of_errors`: it also looks at the runs of cases that should raise. `vague`:
    rules that an answer breaks which is the same for every case; it is told that.
    """

    check: Check
    messages: Mapping[str, str] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()
    of_errors: bool = False
    vague: frozenset[str] = frozenset()

    def __call__(self, run: Run) -> None:
        """End the check unless `run` is as expected."""
        self.check(run)


@dataclass(frozen=True)
class Handed:
    """A reply in short form that a case hands to the answer as a `Message`."""

    content: Any
    stop_reason: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)

    def made(self, lab: Lab) -> Any:
        """A fresh one for one call."""
        reply = lab.message(self.content, **self.usage)
        reply.stop_reason = self.stop_reason or reply.stop_reason
        return reply


@dataclass(frozen=True)
class Case:
    """One call of the answer, and what is right about it.

    `gives` is the value, `...` where it follows from the reply or from `right`.
    `requests` is how many are sent; `raises` the name of the error that goes on.
    `missed` says what another value means in this very case. `by` calls the answer in
    another way: `by=lambda Chat, client, text: Chat(client).say(text)`. `through` makes
    another client of the usual one: `lambda client, tape: client.with_options(...)`.
    """

    args: tuple[Any, ...]
    replies: Sequence[Any] = ("Fine.",)
    gives: Any = ...
    requests: int = 1
    raises: str = ""
    missed: Word | None = None
    by: Callable[..., Any] | None = None
    through: Callable[[Any, Tape], Any] | None = None


def case(
    *args: Any,
    replies: Sequence[Any] = ("Fine.",),
    gives: Any = ...,
    requests: int = 1,
    raises: str = "",
    missed: Word | None = None,
    by: Callable[..., Any] | None = None,
    through: Callable[[Any, Tape], Any] | None = None,
) -> Case:
    """One call of the answer with `args`, without the client; see `Case`."""
    return Case(args, replies, gives, requests, raises, missed, by, through)


def message(content: Any, stop_reason: str = "", **usage: Any) -> Handed:
    """A reply as an argument of a case, in the short form.

    Any `stop_reason` will do, also one that nobody knows; `usage` replaces counts.
    """
    return Handed(content, stop_reason, usage)


@dataclass(frozen=True)
class Rules:
    """Every word for every case, in order. It stands as `rules` of an exercise.

    The value of a case that says none is computed by `right`, or, if the rules are
    `solved`, by the solution.
    """

    cases: Sequence[Case]
    words: Sequence[Check]
    right: Callable[..., Any] | None = None
    solved: bool = False
    known: dict[tuple[str, int], Run] = field(default_factory=dict, repr=False)

    def __call__(self, lab: Lab) -> None:
        """Judge the calls of all cases, one after the other."""
        for run in [self._call(lab, number) for number in range(len(self.cases))]:
            self.judge(run)

    def judge(self, run: Run) -> None:
        """Apply the words to one run."""
        if run.raises:
            run.may_raise = not isinstance(run.result.raised, SLIPS)
        for word in (*self.words, run.missed):
            if word and (not run.raises or getattr(word, "of_errors", False)):
                word(run)

    def _call(self, lab: Lab, number: int) -> Run:
        one = self.cases[number]
        args = []
        for value in one.args:
            if isinstance(value, Handed):
                value = value.made(lab)
            else:
                value = copy.deepcopy(value)  # the answer may change it
            args.append(value)
        run = lab.call(*args, replies=one.replies, by=one.by, through=one.through)
        run.wanted = one.gives
        run.instead = lambda text: self._instead(lab, text, number)
        if self.right and isinstance(one.gives, EllipsisType):
            run.wanted = self.right(*args)
        elif self.solved and isinstance(one.gives, EllipsisType):
            run.wanted = run.instead(lab.exercise.solution).result.value
        run.rounds = one.requests
        run.raises = one.raises
        run.missed = one.missed
        return run

    def _instead(self, lab: Lab, text: str, number: int) -> Run:
        """The same call of other code in place of the answer; done once a process."""
        if (text, number) not in self.known:
            names: dict[str, Any] = {"__name__": "__main__"}
            run_cell(code(lab.imports), names)
            run_cell(code(text), names)
            other = replace(self, solved=False)
            run = other._call(Lab(lab.exercise, lab.imports, names), number)
            trace(run)  # it is run now, while the practice server knows it
            self.known[text, number] = run
        return self.known[text, number]

    def _all(self) -> list[Word]:
        """The words, those of single cases too; plain functions bring nothing."""
        everything = [*self.words, *(one.missed for one in self.cases)]
        return [word for word in everything if isinstance(word, Word)]

    @property
    def causes(self) -> set[str]:
        """The rules whose message names the cause."""
        found: set[str] = set()
        for word in self._all():
            found |= word.messages.keys() - word.vague
        return found

    @property
    def messages(self) -> dict[str, str]:
        """The messages of all words."""
        found: dict[str, str] = {}
        for word in self._all():
            found |= word.messages
        return found

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The mistakes of all words, one for each rule."""
        found: dict[str, Mistake] = {}
        for word in self._all():
            for mistake in word.mistakes:
                found.setdefault(mistake.rule, mistake)
        return tuple(found.values())


def cases(
    *given: Case,
    expect: Sequence[Check],
    right: Callable[..., Any] | None = None,
    solved: bool = False,
) -> Rules:
    """The rules of an exercise: these calls, and what is expected of each, in order.

    Besides words, `expect` may hold any function of a run. `right` computes the value
    of each case from its arguments; with `solved`, the solution does.
    """
    return Rules(given, expect, right, solved)


def rule(
    name: str,
    says: str,
    met: Callable[[Run], object],
    wrong: Wrong,
    seen: str,
    *,
    show: str = "",
    of_errors: bool = False,
    **fill: Callable[[Run], object],
) -> Word:
    """A rule with all that belongs to it: condition, message, mistake and source.

    `fill` computes the $names of the message from the run, once it is broken.
    """

    def check(run: Run) -> None:
        if not met(run):
            told = {key: value(run) for key, value in fill.items()}
            run.expect(False, name, show, **told)

    mistake = Mistake(name, wrong, seen)
    return Word(check, {name: says}, (mistake,), of_errors)


def slip(
    name: str,
    says: str,
    wrong: Wrong,
    seen: str,
    *,
    also: Sequence[Wrong] = (),
    show: str = "",
    **fill: Callable[[Run], object],
) -> Word:
    """A known way to go wrong, as what is changed in the solution; no condition.

    The changed solution is called like the answer. Wherever it gives back, sends,
    prints or raises something else than the solution, this answer must have done the
    same as it. So it also finds code that is written in another way, and an answer
    that has a second mistake elsewhere. `also` are further changes with this message.
    """
    mistake = Mistake(name, wrong, seen)
    known = [mistake, *(Mistake(name, change, seen) for change in also)]

    def check(run: Run) -> None:
        exercise = run.lab.exercise
        right = trace(run.instead(exercise.solution))
        off = differences(trace(run), right)
        if not off:
            return
        for one in known:
            changed = trace(run.instead(exercise.wrong(one)))
            if shares(off, differences(changed, right)):
                told = {key: value(run) for key, value in fill.items()}
                told.setdefault("wanted", shown(run.wanted))
                sent = {path.split(".")[3] for path in off if ".body." in path}
                part = sent.pop() if len(sent) == 1 else ""
                run.expect(False, name, show or part, **told)

    return Word(check, {name: says}, (mistake,))


def slips(
    *rows: Row, of_errors: bool = False, **fill: Callable[[Run], object]
) -> list[Word]:
    """A table of slips. A row: id, what is changed, where it was seen, the message.

    A list of changes has one message. A fifth entry is the condition that has to be
    met, and makes the row a `rule`: for what the task wants more widely than the
    solution does it; with `of_errors` also in the cases that should raise. An id of
    words.py, such as `raised-key`, gets this message. `fill` is for all rows; each
    takes what its message names.
    """
    words = []
    for name, wrong, seen, says, *met in rows:
        told = re.findall(r"\$(\w+)", says)
        named = {key: value for key, value in fill.items() if key in told}
        changes: list[Any] = wrong if isinstance(wrong, list) else [wrong]
        first, *also = changes
        if name.startswith("raised-"):
            word = Word(lambda run: None, {name: says}, (Mistake(name, first, seen),))
        elif met:
            word = rule(
                name, says, met[0], first, seen, show="", of_errors=of_errors, **named
            )
        else:
            word = slip(name, says, first, seen, also=also, show="", **named)
        words.append(word)
    return words


def miss(
    name: str,
    says: str,
    gives: str,
    seen: str,
    when: Callable[[Run], object] | None = None,
    **fill: Callable[[Run], object],
) -> Word:
    """A value that people get in a known wrong way, as the expression that gives it.

    The expression is made of `value`, which is the right one, and of the function's
    parameters. A result that equals it has made this mistake; the same expression makes
    the mistake that proves the message. `when` finds it in a wider way.
    """

    def check(run: Run) -> None:
        got = run.value if run.wanted is None else run.returned
        if alike(got, run.wanted):
            return
        if when:
            found = bool(when(run))
        else:
            wrong = eval(gives, {"value": run.wanted, **run.given})
            found = alike(got, wrong) and not alike(wrong, run.wanted)
        if found:
            told = {key: value(run) for key, value in fill.items()}
            told.setdefault("wanted", shown(run.wanted))
            run.expect(False, name, "", **told)

    mistake = Mistake(name, acts(gives), seen)
    return Word(check, {name: says}, (mistake,))


def missed(
    name: str,
    says: str,
    wrong: Wrong,
    seen: str,
    **fill: Callable[[Run], object],
) -> Word:
    """What it means when one certain case (its `missed=`) gets another value.

    It is looked at after all words, which then need no `gives`.
    """

    def met(run: Run) -> bool:
        return alike(run.value, run.wanted)

    word = rule(name, says, met, wrong, seen, show="", of_errors=False, **fill)
    return replace(word, vague=frozenset({name}))


def shown(value: Any) -> str:
    """A right value for a sentence, short."""
    told = f"{value:.6f}" if isinstance(value, float) else repr(value)
    return told if len(told) < 90 else f"{told[:80]} ..."
