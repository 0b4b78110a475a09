"""One call of an answer: what it was given, sent, returned, raised, printed.

A run is what rules look at. It must not know how an answer is called (lab.py), nor any
exercise.
"""

from __future__ import annotations

import copy
import inspect
import reprlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from string import Template
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from practice.grading._explain import explain, own_line
from practice.grading._shown import as_json, exchange, reply_in_short
from practice.grading.model import Outcome
from practice.grading.runner import Result
from practice.grading.tape import Sent, Tape
from practice.grading.words import KIT

if TYPE_CHECKING:
    from practice.grading.lab import Lab

SLIPS = (AttributeError, LookupError, NameError, TypeError)

shorten = reprlib.Repr()
shorten.maxstring = shorten.maxother = 160
shorten.maxlist = shorten.maxdict = shorten.maxtuple = 8


class Verdict(Exception):  # noqa: N818
    """Ends the rules early with an outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Run:
    """One call of the answer: what it was given, sent, returned, raised, printed.

    `args` are the exercise's arguments, without the client. Reading `requests`,
    `returned` and what follows from them ends the check when the code raised something,
    unless the rules looked at `raised` before.
    """

    def __init__(
        self,
        lab: Lab,
        args: Sequence[Any],
        replies: Sequence[Any],
        go: Callable[[], tuple[Result, Tape]],
        by: Callable[..., Any] | None = None,
    ) -> None:
        self.lab = lab
        self.args = args
        self.replies = replies
        self.go = go
        self.by = by
        self.may_raise = False
        self.before: Mapping[str, Any] = {}  # lists and dicts among `given`, copied
        for name, value in self.given.items():
            if isinstance(value, list | dict):
                self.before = {**self.before, name: copy.deepcopy(value)}
        self.wanted: Any = ...  # what a case says is right: the value,
        self.rounds = 1  # how many requests,
        self.raises = ""  # the error that goes on to the caller,
        self.missed: Callable[[Run], object] | None = None  # and what another one means
        self.instead: Callable[[str], Run]  # this call, of other code

    @cached_property
    def done(self) -> tuple[Result, Tape]:
        """The code is run when a rule first looks at what it did.

        So a wrong answer costs the runs up to the one that shows it, and no more.
        """
        return self.go()

    @property
    def result(self) -> Result:
        """What the run did, as the runner saw it."""
        return self.done[0]

    @property
    def tape(self) -> Tape:
        """The log of what was sent."""
        return self.done[1]

    @cached_property
    def sent(self) -> list[Sent]:
        """Every request, those that the API refused too."""
        return list(self.tape.sent)

    @property
    def ran(self) -> bool:
        """Whether a rule has looked at it."""
        return "done" in vars(self)

    @property
    def printed(self) -> str:
        """What was printed."""
        return self.result.printed

    @property
    def slept(self) -> list[float]:
        """The seconds of each sleep."""
        return self.result.slept

    @property
    def given(self) -> dict[str, Any]:
        """The arguments by their names, without the client."""
        names = self.lab.exercise.parameters
        if self.by:
            names = list(inspect.signature(self.by).parameters)[1:]
        names = [name for name in names if name != "client"]
        return dict(zip(names, self.args, strict=False))

    @property
    def last_reply(self) -> Any:
        """The reply that was handed in, or the last one that came, as a `Message`."""
        for value in self.args:
            if type(value).__name__ == "Message":
                return value
        last = min(len(self.requests), len(self.replies)) - 1
        return self.lab.message(self.replies[last])

    @property
    def bodies(self) -> list[Any]:
        """The bodies of all that was sent."""
        return [sent.body for sent in self.sent]

    @property
    def requests(self) -> list[Sent]:
        """The requests for a message that the API accepted, in order."""
        return self._accepted("/v1/messages")

    @property
    def counts(self) -> list[Sent]:
        """The requests to the counting endpoint that the API accepted, in order."""
        return self._accepted("/v1/messages/count_tokens")

    @property
    def request(self) -> Sent:
        """The first of `requests`; without one, the rule `no-request` is broken."""
        found = self.requests
        self.expect(found, "no-request")
        return found[0]

    @property
    def raised(self) -> BaseException | None:
        """What the code raised. Reading it tells the check that it may raise here.

        A slip in the learner's own code (`SLIPS`) ends the check all the same.
        """
        self.may_raise = not isinstance(self.result.raised, SLIPS)
        self.surface()
        return self.result.raised

    @property
    def value(self) -> Any:
        """What the code gave back, where `None` may be right."""
        self.surface()
        return self.result.value

    @property
    def returned(self) -> Any:
        """What the code gave back; the kit's own rules answer `None` and `...`."""
        if self.value is None:
            rule = "no-return"
            if any(run.result.value is not None for run in self.lab.runs):
                rule = "no-return-here"
            self.expect(False, "printed" if self.printed.strip() else rule)
        self.expect(not isinstance(self.value, EllipsisType), "dots")
        return self.value

    @property
    def text(self) -> str:
        """`returned`, which must be a text."""
        self.expect(isinstance(self.returned, str), "not-text")
        return str(self.returned)

    @property
    def number(self) -> float:
        """`returned`, which must be a number."""
        value = self.returned
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        self.expect(fits, "not-number")
        return float(value)

    def asks(self, text: str) -> None:
        """End the check unless the request is this text, as it is, and nothing else.

        The exercise has the sentence of `other-question`.
        """
        self.surface()
        asked = [sent for sent in self.sent if sent.path == "/v1/messages"]
        self.expect(
            asked, "no-request"
        )  # one that the API refused is looked at as well
        said = asked[0].said
        edges = said != text and said.strip() == text.strip()
        self.expect(not edges, "trimmed", show="messages")
        self.expect(said == text, "other-question", show="messages")
        self.expect(asked[0].roles == ["user"], "more-turns", show="messages")

    def expect(self, met: object, rule: str, show: str = "", **fill: object) -> None:
        """End the check with the message of `rule` unless `met`; `fill` fills it in.

        `show` names the part of the request that is then shown, such as `messages`.
        """
        self.lab.expect(met, rule, self, show, **fill)

    def surface(self) -> None:
        """End the check if the code was stopped, or raised what nobody expected."""
        if self.result.stopped:
            runs_on = self.result.stopped == "too-long" and self.result.alive
            self.expect(False, "still-running" if runs_on else self.result.stopped)
        if self.tape.bug:
            raise self.tape.bug
        self.expect(all(sent.ours for sent in self.sent), "own-client")
        if self.result.raised is not None and not self.may_raise:
            raise Verdict(self._raised(self.result.raised))
        self.expect(not inspect.isgenerator(self.result.value), "generator")

    def _accepted(self, path: str) -> list[Sent]:
        self.surface()
        return [sent for sent in self.sent if sent.path == path and sent.status < 300]

    def _raised(self, raised: BaseException) -> Outcome:
        rule, message = explain(raised, self.lab.imports)
        line = own_line(raised, self.lab.namespace)
        if not line and rule == "raised-argument-count":
            rule = "raised-parameters"
            message = KIT[rule]
        kit = Template(message).safe_substitute(order=self.lab.order)
        sentence = Template(self.lab.exercise.messages.get(rule, "$kit"))
        name = type(raised).__name__
        words = " ".join(str(raised).split())[:300].replace("`", "")
        return Outcome(
            id=self.lab.exercise.id,
            state="raised",
            message=sentence.safe_substitute(kit=kit),
            rule=rule,
            line=line,
            error=name,
            said=f"`{name}: {words}`",
            details=self.details(),
        )

    def details(self, show: str = "") -> str:
        """What the code did, in Markdown: the call, requests, replies, value."""
        given = []
        replies = []
        for value in self.args:
            reply = reply_in_short(value)
            given.append("reply" if reply else shorten.repr(value))
            if reply:
                replies.append(f"The `reply`, in short:\n\n{as_json(reply)}")
        if self.lab.exercise.takes_client:
            given.insert(0, "client")
        call = f"{self.lab.exercise.answer}({', '.join(given)})"
        parts = [f"The check called `{call}`.", *replies]
        for sent in self.sent[-3:]:
            parts += exchange(sent, show)
        if self.result.raised is None:
            value = shorten.repr(self.result.value)
            parts.append(f"Your code gave back:\n\n```text\n{value}\n```")
        for told in (self.printed, self.result.complained):
            if told.strip():
                head = "\n".join(told[:600].splitlines()[:8])
                parts.append(f"It printed:\n\n```text\n{head}\n```")
        return "\n\n".join(parts)
