"""What the rules of an exercise work with: call the answer, look at the run, expect something.

A `Lab` belongs to one check; each `call` gives a `Run`. What goes wrong in the same way in every
exercise (no `return`, an endless loop, ...) is recognised here. It must not know any exercise.
"""

from __future__ import annotations

import inspect
import json
import os
import reprlib
import threading
from collections.abc import Callable, Sequence
from string import Template
from types import EllipsisType
from typing import Any

from courseserver import facts
from courseserver.short import whole_message
from helpers.report import shorten
from practice.grading.explain import explain, own_line
from practice.grading.model import Exercise, Outcome
from practice.grading.runner import LIMIT_SECONDS, Result, exchange, run_once
from practice.grading.tape import KEY, OWN_KEY, Sent, Tape, practice
from practice.grading.words import KIT

SLIPS = (AttributeError, LookupError, NameError, TypeError)
MAX_REQUESTS = 12  # of one run, unless the exercise says otherwise

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 160
_repr.maxlist = _repr.maxdict = _repr.maxtuple = 8


class Verdict(Exception):  # noqa: N818
    """Ends the rules early with an outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Run:
    """One call of the answer: what it was given, sent, returned, raised, printed and slept.

    `args` are the exercise's arguments, without the client; `sent` is every request, those that the
    API refused too; `slept` the seconds of each sleep, which nobody waited for. Reading `requests`,
    `returned` and what follows from them ends the check when the code raised something, unless the
    rules looked at `raised` before.
    """

    def __init__(
        self, lab: Lab, args: Sequence[Any], replies: Sequence[Any], result: Result, tape: Tape
    ) -> None:
        self.lab, self.args, self.replies, self.result, self.tape = lab, args, replies, result, tape
        self.sent, self.printed, self.slept = list(tape.sent), result.printed, result.slept
        self.may_raise = False

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
        """The first of `requests`; when there is none, the rule `no-request` is broken."""
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
            self.expect(False, "printed" if self.printed.strip() else "no-return")
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
        number = isinstance(self.returned, int | float) and not isinstance(self.returned, bool)
        self.expect(number, "not-number")
        return float(self.returned)

    def expect(self, met: object, rule: str, show: str = "", **fill: object) -> None:
        """End the check with the message of `rule` unless `met`. `$names` in it come from `fill`.

        `show` names the part of the request that the learner is then shown, such as `messages`.
        """
        self.lab.expect(met, rule, self, show, **fill)

    def surface(self) -> None:
        """End the check if the code was stopped, or raised what nobody expected."""
        if self.result.stopped:
            self.expect(False, self.result.stopped)
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
        line, name = own_line(raised, self.lab.namespace), type(raised).__name__
        if not line and rule == "raised-argument-count":
            rule, message = "raised-parameters", KIT["raised-parameters"]
        sentence = Template(self.lab.exercise.messages.get(rule, "$kit"))
        said = f"`{name}: {' '.join(str(raised).split())[:300].replace('`', '')}`"
        kit = Template(message).safe_substitute(order=self.lab.order)
        text = sentence.safe_substitute(kit=kit)
        return Outcome(self.lab.exercise.id, "raised", text, rule, line, name, said, self.details())

    def details(self, show: str = "") -> str:
        """What the code did, in Markdown: the call, the requests with their replies, the value."""
        client = ["client"] * (self.lab.exercise.parameters[:1] == ["client"])
        shown = client + [_repr.repr(value) for value in self.args]
        lines = [f"The check called `{self.lab.exercise.answer}({', '.join(shown)})`."]
        for sent in self.sent[-3:]:
            only = show if isinstance(sent.body, dict) and show in sent.body else ""
            what, body = (f"`{only}` in the", sent.body[only]) if only else ("The", sent.body)
            lines.append(f"{what} request to `{sent.path}`:\n\n{_json(body)}")
            if isinstance(sent.reply, dict):
                part = next((name for name in ("content", "error") if name in sent.reply), "")
                came, of = sent.reply.get(part, sent.reply), f", with this `{part}`" if part else ""
                lines.append(f"Status {sent.status} came back{of}:\n\n{_json(came)}")
        if self.result.raised is None:
            lines.append(f"Your code gave back:\n\n```text\n{_repr.repr(self.result.value)}\n```")
        if self.printed.strip():
            head = "\n".join(self.printed[:600].splitlines()[:8])
            lines.append(f"It printed:\n\n```text\n{head}\n```")
        return "\n\n".join(lines)


class Lab:
    """One check of one exercise: the learner's names, and the runs so far.

    `swap` exchanges two arguments of every call, to find out whether they are mixed up.
    """

    def __init__(
        self, exercise: Exercise, imports: str, namespace: dict[str, Any],
        swap: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        self.exercise, self.imports, self.namespace, self.swap = exercise, imports, namespace, swap
        self.order = f"{exercise.answer}({', '.join(exercise.parameters)})"
        self.runs: list[Run] = []

    @property
    def answer(self) -> Any:
        """The learner's function, class or value."""
        return self.namespace[self.exercise.answer]

    def call(
        self,
        *args: Any,
        replies: Sequence[Any] = ("Fine.",),
        by: Callable[..., Any] | None = None,
        limit: int = MAX_REQUESTS,
        retries: int = 0,
        timeout: float | None = None,
    ) -> Run:
        """Call the answer with a client (if its first parameter is `client`) and `args`.

        `replies` are in the short form of recordings, played in order, the last one repeating.
        `by` calls it in another way: `by=lambda Chat, client: Chat(client).say("Hello")`.
        `retries` and `timeout` (seconds) are the client's own.
        """
        self.expect(callable(self.answer), "not-callable")
        url, course = practice()
        overrun = threading.Event()
        tape = Tape(limit, overrun)
        path = course.begin(replies, tape)
        values, function = list(args), self.answer
        client: Any = None
        waits = inspect.iscoroutinefunction(by or function)
        if self.exercise.parameters[:1] == ["client"]:
            client = _client(url + path, waits, retries, timeout)
            values.insert(0, client)
        if self.swap:
            first, second = self.swap
            values[first], values[second] = values[second], values[first]

        def go() -> Any:
            return by(function, *values) if by else function(*values)

        async def go_async() -> Any:
            async with client:
                return await go()

        here = f"{os.environ.get('NO_PROXY', '')},127.0.0.1".lstrip(",")
        outside = {"ANTHROPIC_BASE_URL": url + path, "ANTHROPIC_API_KEY": OWN_KEY}
        with exchange(os.environ, outside | {"NO_PROXY": here, "no_proxy": here}):
            result = run_once(go_async if client and waits else go, self.namespace, overrun)
        if client and not waits and not result.alive:  # closed, a loop would fail fast and spin
            client.close()
        self.runs.append(Run(self, args, replies, result, tape))
        return self.runs[-1]

    def message(self, short: Any, **usage: int) -> Any:
        """A `Message` of the SDK from the short form of a reply, to hand to an answer.

        `usage` replaces counts such as `output_tokens`.
        """
        from anthropic.types import Message

        body = {"model": facts.MODEL, "max_tokens": 2000, "messages": []}
        whole = whole_message(short, body, "practice", len(self.runs))
        whole["usage"] |= usage
        return Message.model_validate(whole)

    def expect(
        self, met: object, rule: str, run: Run | None = None, show: str = "", **fill: object
    ) -> None:
        """End the check with the message of `rule` unless `met`; see `Run.expect`."""
        sentence = Template({**KIT, **self.exercise.messages}[rule])  # before `met`: finds typos
        if met:
            return
        value = run.result.value if run else self.namespace.get(self.exercise.answer)
        known: dict[str, object] = {
            "name": self.exercise.answer,
            "order": self.order,
            "kind": type(value).__name__,
            "returned": _repr.repr(value),
            "limit": run.tape.limit if run else MAX_REQUESTS,
            "seconds": round(LIMIT_SECONDS),
        }
        message = sentence.safe_substitute(known | fill)
        details = run.details(show) if run else ""
        raise Verdict(Outcome(self.exercise.id, "wrong", message, rule, details=details))

    def finish(self) -> None:
        """At the end of the rules: nothing was raised, stopped or sent past the client unseen."""
        for run in self.runs:
            run.surface()


def _client(url: str, waits: bool, retries: int, timeout: float | None) -> Any:
    """The SDK's own client for a practice address; the async one for an async function."""
    import anthropic

    settings: dict[str, Any] = {"base_url": url, "api_key": KEY, "max_retries": retries}
    if timeout is not None:
        settings["timeout"] = timeout
    # Without certificates to load, a client costs 0.1 ms in place of 40; the address is plain http.
    if waits:
        http = anthropic.DefaultAsyncHttpxClient(verify=False)
        return anthropic.AsyncAnthropic(http_client=http, **settings)
    return anthropic.Anthropic(http_client=anthropic.DefaultHttpxClient(verify=False), **settings)


def _json(value: Any) -> str:
    """JSON for the eye: long texts and long bodies are cut."""
    lines = json.dumps(shorten(value, 120), indent=1, ensure_ascii=False).splitlines()
    return "```json\n" + "\n".join(lines[:40] + ["..."] * (len(lines) > 40)) + "\n```"
