"""What the rules of an exercise work with: call the answer, look at the run, expect.

A `Lab` belongs to one check; each `call` gives a `Run`. What goes wrong in the same way
in every exercise (no `return`, an endless loop, ...) is recognised here. It must not
know any exercise.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Sequence
from string import Template
from typing import Any

from courseserver import facts
from courseserver.short import whole_message
from practice.grading.model import Exercise, Outcome
from practice.grading.run import Run, Verdict, shorten
from practice.grading.runner import LIMIT_SECONDS, Result, patched, run_once
from practice.grading.tape import OWN_KEY, Tape, practice_server
from practice.grading.words import KIT

MAX_REQUESTS = 12  # of one run, unless the exercise says otherwise


class Lab:
    """One check of one exercise: the learner's names, and the runs so far.

    `swap` exchanges two arguments of every call, to find out whether they are mixed up.
    """

    def __init__(
        self,
        exercise: Exercise,
        imports: str,
        namespace: dict[str, Any],
        swap: tuple[int, int] | None = None,
    ) -> None:
        self.exercise = exercise
        self.imports = imports
        self.namespace = namespace
        self.swap = swap
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
        through: Callable[[Any, Tape], Any] | None = None,
    ) -> Run:
        """Call the answer with `args`, behind a client if it takes one.

        It is called when a rule first looks at the run; all are, before an answer is
        right.

        `replies` are in the short form of recordings, played in order, the last one
        repeating. `by` calls it in another way:
        `by=lambda Chat, client: Chat(client).say("Hello")`.
        `through` makes another client of the usual one, such as one with retries, and
        may keep something on the tape.
        """
        self.expect(callable(self.answer), "not-callable")

        def make(path: str, tape: Tape, waits: bool) -> Any:
            client = practice_server().client(path, waits=waits)
            return through(client, tape) if through else client

        def go() -> tuple[Result, Tape]:
            tape = Tape(limit, threading.Event())
            path = practice_server().begin(replies, tape)
            return self._perform(path, tape, args, by, make), tape

        self.runs.append(Run(self, args, replies, go, by))
        return self.runs[-1]

    def _perform(
        self,
        path: str,
        tape: Tape,
        args: Sequence[Any],
        by: Callable[..., Any] | None,
        make: Callable[[str, Tape, bool], Any],
    ) -> Result:
        """Run the answer once, at the address `path` of the practice server."""
        function = self.answer
        values = list(args)
        waits = inspect.iscoroutinefunction(by or function)
        server = practice_server()
        client: Any = None
        if self.exercise.takes_client:
            client = make(path, tape, waits)
            values.insert(0, client)
        if self.swap and max(self.swap) < len(values):  # a case may leave defaults out
            first, second = self.swap
            values[first], values[second] = values[second], values[first]

        def go() -> Any:
            return by(function, *values) if by else function(*values)

        async def go_async() -> Any:
            async with client:
                value = await go()
                for _ in range(3):  # what was cancelled at the end hears of it
                    await asyncio.sleep(0)
                return value

        here = f"{os.environ.get('NO_PROXY', '')},127.0.0.1".lstrip(",")
        outside = {
            "ANTHROPIC_BASE_URL": server.url + path,
            "ANTHROPIC_API_KEY": OWN_KEY,
            "NO_PROXY": here,
            "no_proxy": here,
        }
        start = go_async if client and waits else go
        with patched(os.environ, outside):
            result = run_once(start, self.namespace, tape.overrun)
        if client and not waits and not result.alive:
            client.close()  # not when it runs on: a loop would fail fast and spin
        return result

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
        self,
        met: object,
        rule: str,
        run: Run | None = None,
        show: str = "",
        **fill: object,
    ) -> None:
        """End the check with the message of `rule` unless `met`; see `Run.expect`."""
        # Looked up before `met`, so that a rule without a sentence is always found.
        sentence = Template({**KIT, **self.exercise.messages}[rule])
        if met:
            return
        value = run.result.value if run else self.namespace.get(self.exercise.answer)
        known: dict[str, object] = {
            "name": self.exercise.answer,
            "order": self.order,
            "kind": type(value).__name__,
            "returned": shorten.repr(value),
            "limit": run.tape.limit if run else MAX_REQUESTS,
            "seconds": round(LIMIT_SECONDS),
        }
        message = sentence.safe_substitute(known | fill)
        details = run.details(show) if run else ""
        wrong = Outcome(self.exercise.id, "wrong", message, rule, details=details)
        raise Verdict(wrong)

    def finish(self) -> None:
        """At the end of the rules: nothing was raised, stopped or sent unseen."""
        for run in self.runs:
            run.surface()
