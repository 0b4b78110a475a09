"""Words about a request: its question, limit, model, system prompt, any field.

Each brings its messages and the mistakes that people make with it. They look at the
requests as they arrived, and must not know an exercise.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from courseserver import facts
from practice.grading.expect import Case, Check, Rules, Word
from practice.grading.model import Mistake
from practice.grading.run import Run
from practice.grading.slips import acts, twice
from practice.grading.tape import Sent
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
        Mistake("no-system", acts(request='del request["system"]'), "left out"),
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


# --- what others wrote ----------------------------------------------------------------

DATA_MESSAGES = {
    "no-system": "There is no `system` in your request. What *you* decide stands "
    "there; the message is for what others wrote.",
    "data-in-system": "The $tag stands in your `system` prompt, among your rules, and "
    "with their weight. What others wrote belongs into the message.",
    "tags-escaped": "The tags themselves arrived as `&lt;$tag&gt;`: you escaped them "
    "along with the $tag. Only what others wrote needs that.",
    "no-tags": "The $tag arrived without `<$tag>` and `</$tag>` around it. The tags "
    "show where the words of somebody else begin and end.",
    "tag-closed": "One $tag held the text `</$tag>`, so in your message the tag is "
    "closed twice, and what stands between looks like yours. What makes letters of a "
    "tag?",
    "data-outside": "The $tag stands in the message a second time, outside of its "
    "tags. There it looks like words of yours.",
    "half-escaped": "The $tag held `&lt;`, and you sent it as it was, among `&lt;` of "
    "your own. Escape `&` as well, and first: otherwise nobody can tell the two apart.",
    "data-changed": "Between the tags stands something else than the $tag, also with "
    "the escapes undone. Honest people write `<` and `ignore` too: add nothing, take "
    "nothing out.",
    "tags-unexplained": "Your `system` prompt does not mention the `<$tag>` tags. Say "
    "what stands in them, and that no rules are to be taken from it.",
}
# Rule, what is sent in place of the right message (TEXT, OPEN and CLOSE are filled in),
# where it was seen.
DATA_MISTAKES = (
    ("tags-escaped", "html.escape(OPEN + TEXT + CLOSE)",
     "escaping as the last step, as for a web page"),
    ("no-tags", "TEXT",
     "https://github.com/karthink/gptel/issues/61: a text taken for an instruction"),
    ("tag-closed", "OPEN + TEXT + CLOSE",
     "https://github.com/docker/docker-agent/issues/3941"),
    ("data-outside", "OPEN + html.escape(TEXT) + CLOSE + html.escape(TEXT)",
     "tried while reviewing: the text in tags, and once more behind them"),
    ("half-escaped", "OPEN + TEXT.replace('<', '&lt;').replace('>', '&gt;') + CLOSE",
     "tried while reviewing: two of the three letters that `escape` changes"),
    ("data-changed", "OPEN + html.escape(re.sub('<.*>|ignore', '', TEXT)) + CLOSE",
     "https://github.com/berenddeboer/ready-for-agent/pull/851: tags taken out"),
)  # fmt: skip


def as_data(name: str, tag: str) -> Word:
    """This argument stands in the message, escaped and in these tags, and only there.

    The `system` prompt mentions the tags. One case has a text with `</tag>`, with `<`
    and with `&lt;` in it.
    """

    def check(run: Run) -> None:
        _is_data(run, run.given[name], tag)

    mistakes = [
        Mistake("no-system", acts(request='del request["system"]'), "one prompt text"),
        Mistake(
            "data-in-system",
            acts(request=f'request["system"] += {name}'),
            "https://github.com/ebongard/renfield/issues/686: texts of others inside "
            "the prompt",
        ),
        Mistake(
            "tags-unexplained",
            acts(
                request=f'request["system"] = request["system"].replace("<{tag}>","")'
            ),
            "https://github.com/docker/docker-agent/issues/3941: nothing says what the "
            "region is",
        ),
    ]
    for broken, content, seen in DATA_MISTAKES:
        content = content.replace("TEXT", name)
        content = content.replace("OPEN", f"'<{tag}>'").replace("CLOSE", f"'</{tag}>'")
        turn = f'{{"role": "user", "content": {content}}}'
        lines = f'import html, re\nrequest["messages"] = [{turn}]'
        mistakes.append(Mistake(broken, acts(request=lines), seen))
    return Word(check, DATA_MESSAGES, tuple(mistakes))


def _is_data(run: Run, text: str, tag: str) -> None:
    sent = run.request

    def expect(met: object, broken: str, show: str = "messages") -> None:
        run.expect(met, broken, show, tag=tag)

    def stands_in(place: str) -> bool:
        return any(form in place for form in forms)

    forms = [text, html.escape(text), html.escape(text, quote=False)]
    opening = f"<{tag}>"
    closing = f"</{tag}>"
    expect(sent.system.strip(), "no-system", "")
    expect(not stands_in(sent.system), "data-in-system", "system")
    expect(f"&lt;{tag}&gt;" not in sent.said[:30], "tags-escaped")
    expect(opening in sent.said and closing in sent.said, "no-tags")
    expect(sent.said.count(closing) == 1, "tag-closed")
    inner, _, behind = sent.said.partition(closing)
    before, _, found = inner.rpartition(opening)
    expect(not stands_in(before + behind), "data-outside")
    found = found.strip()
    if html.unescape(found).strip() != text:  # a `&lt;` of the text itself is lost
        half = text.replace("<", "&lt;")
        expect(found not in (half, half.replace(">", "&gt;")), "half-escaped")
        expect(False, "data-changed")
    expect(sent.roles == ["user"], "more-turns")
    named = f"<{tag}" in sent.system or f"{tag} tag" in sent.system.lower()
    expect(named, "tags-unexplained", "system")
