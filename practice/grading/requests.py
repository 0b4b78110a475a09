"""Words about a request: its question, limit, model, system prompt, any field.

Each brings its messages and the mistakes that people make with it. They look at the
requests as they arrived, and must not know an exercise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from courseserver import facts
from practice.grading.expect import Case, Check, Rules, Word
from practice.grading.model import Mistake
from practice.grading.run import Run
from practice.grading.slips import acts, twice
from practice.grading.tape import Sent, has
from practice.grading.traces import differences, lay_out, without_ids
from practice.grading.values import gives_text

OTHER_MODEL = next(name for name in facts.MODELS if name != facts.MODEL)


def asks(name: str = "question") -> Word:
    """The request holds one user turn: the argument of this name, as it is.

    One case has a text with a line break or a blank at its end.
    """

    def check(run: Run) -> None:
        run.asks(run.given[name])

    says = (
        f"The text that you sent is not the `{name}` that your function was given. "
        "Send it as it is."
    )
    mistakes = (
        Mistake(
            "other-question",
            acts(given=f'{name} = "Please answer: " + {name}'),
            "prompt wrappers left over from other code",
        ),
        Mistake(
            "trimmed",
            acts(given=f"{name} = {name}.strip()"),
            "https://github.com/run-llama/llama_index/pull/19192: texts tidied on "
            "their way",
        ),
        Mistake(
            "more-turns",
            acts(request='request["messages"] = 2 * request["messages"]'),
            "tried while reviewing: the question said twice, for emphasis",
        ),
    )
    messages = {"other-question": says}
    vague = frozenset(messages)
    return Word(check, messages, mistakes, of_errors=True, vague=vague)


def room(least: int = 200) -> Word:
    """Every request has room for at least so many output tokens (`max_tokens`)."""

    def check(run: Run) -> None:
        for sent in run.requests:
            enough = sent.body["max_tokens"] >= least
            run.expect(enough, "little-room", show="max_tokens")

    says = (
        f"Your `max_tokens` is under {least:,}. Thinking counts too, so the limit "
        "could be used up before any text appears. The lessons use 2,000."
    )
    wrong = acts(request=f'request["max_tokens"] = {least // 2}')
    seen = "small limits in articles from before thinking was on by default"
    return Word(check, {"little-room": says}, (Mistake("little-room", wrong, seen),))


def once() -> Word:
    """At most one request is sent, also after an error."""

    def check(run: Run) -> None:
        run.surface()
        run.expect(len(messages_sent(run)) <= 1, "twice")

    says = (
        "One question was sent more than once. Each request is paid for: send one, and "
        "keep the reply in a variable."
    )
    seen = "notebooks in which a call is run once to look and once to keep"
    mistake = Mistake("twice", twice, seen)
    return Word(check, {"twice": says}, (mistake,), of_errors=True)


def rounds() -> Word:
    """As many requests are sent as the case says (`requests=`). It stands first."""

    def check(run: Run) -> None:
        sent = len(messages_sent(run))
        if run.result.stopped or sent < run.rounds:
            run.surface()
        enough = sent >= run.rounds
        run.expect(enough, "stopped-early", sent=sent, wanted=run.rounds)
        run.expect(sent == run.rounds, "went-on", sent=sent, wanted=run.rounds)

    messages = {
        "stopped-early": "Your code sent $sent of $wanted requests and stopped, "
        "although the last reply was not the end. Look at its `stop_reason` before you "
        "stop.",
        "went-on": "Your code sent $sent requests; $wanted were enough. Once the reply "
        "is complete, there is nothing left to ask, and each request is paid for.",
    }
    early = 'reply.content = reply.content[:1]\nreply.stop_reason = "end_turn"'
    mistakes = (
        Mistake("stopped-early", acts(reply=early), "one round written, and no loop"),
        Mistake("went-on", twice, "a call in the condition and once more in the body"),
    )
    return Word(check, messages, mistakes)


def to_model() -> Word:
    """Every request goes to the course's own model, `MODEL`."""

    def check(run: Run) -> None:
        for sent in run.requests:
            run.expect(sent.body["model"] == facts.MODEL, "other-model", show="model")

    says = (
        "Your request goes to another model than `MODEL`. Use the name of the lessons."
    )
    wrong = acts(request=f'request["model"] = "{OTHER_MODEL}"')
    mistake = Mistake(
        "other-model", wrong, "a model's name copied along with an example"
    )
    return Word(check, {"other-model": says}, (mistake,))


def with_system(text: str | Callable[[Run], str]) -> Word:
    """Every request has this text as its `system`; a function gets it from the run."""

    def check(run: Run) -> None:
        wanted = text(run) if callable(text) else text
        run.expect(run.requests, "no-request")
        for sent in run.requests:
            apart = sent.system or wanted not in sent.said
            run.expect(apart, "system-in-turn", show="messages")
            run.expect(sent.system, "no-system")
            run.expect(
                sent.system == wanted, "other-system", show="system", wanted=wanted
            )

    messages = {
        "system-in-turn": "The standing instructions are in the `user` turn, where "
        "they count as something the visitor said. They have an argument of their own: "
        "`system`.",
        "no-system": "A request has no `system`. Nothing is remembered between "
        "requests, so the standing instructions go along with every one.",
        "other-system": "The `system` of your request is another text than `$wanted`.",
    }
    moved = (
        'rules = request.pop("system")\n'
        'turn = request["messages"][-1]\n'
        'turn = {**turn, "content": f"{rules}\\n\\n{turn[\'content\']}"}\n'
        'request["messages"] = [*request["messages"][:-1], turn]'
    )
    mistakes = (
        Mistake(
            "system-in-turn", acts(request=moved), "instructions glued to the question"
        ),
        Mistake(
            "no-system", acts(request='del request["system"]'), "instructions left out"
        ),
        Mistake(
            "other-system",
            acts(request='request["system"] = "You are a helpful assistant."'),
            "the sentence that most examples begin with",
        ),
    )
    return Word(check, messages, mistakes)


def sends(name: str, value: Any) -> Word:
    """Every request has this field with this value; a refused one counts as well."""
    broken = f"no-{name}"

    def check(run: Run) -> None:
        run.expect(run.sent, "no-request")
        for sent in messages_sent(run):
            found = sent.body.get(name)
            run.expect(found == value, broken, found=repr(found))

    says = f"Your request should hold `{name}={value!r}`; there it holds `$found`."
    wrong = acts(request=f'request.pop("{name}")')
    mistake = Mistake(broken, wrong, "the argument that makes the difference, left out")
    return Word(check, {broken: says}, (mistake,))


def as_solved(*fields: str) -> Word:
    """Every request has these fields as the solution sends them in this case.

    A text alone and one block that holds it are the same. Put the known mistakes
    before it, as `slip`: this word can only say where the first difference is.
    """

    def check(run: Run) -> None:
        run.expect(run.sent, "no-request")
        solved = run.instead(run.lab.exercise.solution)
        pairs = zip(run.sent, solved.sent, strict=False)
        for number, (sent, wanted) in enumerate(pairs, start=1):
            for field in fields:
                mine, right = (
                    _laid_out(run, sent, field),
                    _laid_out(solved, wanted, field),
                )
                place = min(differences(mine, right), default="")
                run.expect(
                    not place, "other-request", field, where=place, number=number
                )

    says = (
        "Request $number is not as the task wants it, at `$where`. Compare that part "
        "with the task."
    )
    wrong = acts(request=f'request.pop("{fields[-1]}", None)')
    if fields[-1] == "messages":
        wrong = acts(request='request["messages"] = 2 * request["messages"]')
    mistake = Mistake("other-request", wrong, "an argument lost while code was moved")
    return Word(check, {"other-request": says}, (mistake,), of_errors=True)


def _laid_out(run: Run, sent: Sent, field: str) -> dict[str, Any]:
    """A field of a request, part by part."""
    found: dict[str, Any] = {}
    lay_out(found, field, _plain(sent.body.get(field)))
    return without_ids(found, run)


def _plain(content: Any) -> Any:
    """The same content, with a text alone in place of one block that holds it."""
    if isinstance(content, dict):
        return {key: _plain(part) for key, part in content.items()}
    if not isinstance(content, list):
        return content
    parts = [_plain(part) for part in content]
    if len(parts) == 1 and has(parts[0], "type", "text") and len(parts[0]) == 2:
        return parts[0]["text"]
    return parts


# --- ready rules ----------------------------------------------------------------------


def one_request(
    *given: Case,
    name: str = "question",
    least: int = 200,
    expect: Sequence[Check] = (),
    value: Check | None = None,
) -> Rules:
    """Ready rules for a function that asks once: what it sends, and the text it gives.

    `expect` are further words about the request, which come first; `value` is another
    word about the value.
    """
    words: tuple[Check, ...] = (
        *expect,
        once(),
        asks(name),
        room(least),
        value or gives_text(),
    )
    return Rules(given, words)


def messages_sent(run: Run) -> list[Sent]:
    """The requests for a message, those that the API refused too."""
    return [sent for sent in run.sent if sent.path == "/v1/messages" and sent.body]
