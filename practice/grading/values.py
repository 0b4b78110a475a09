"""Words about what an answer gives back, raises, and does to its arguments.

Each brings its messages and the mistakes that people make with it. They must not know
an exercise, nor what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from practice.grading.expect import Case, Check, Rules, Word, shown
from practice.grading.model import Mistake
from practice.grading.run import Run
from practice.grading.slips import acts, catches
from practice.grading.traces import alike

PRINTED = Mistake(
    "printed",
    acts("", after="print(value)"),
    "articles print every result, because a script shows nothing else",
)
NOT_RETURNED = Mistake(
    "no-return", acts(""), "a cell shows its last line, a function does not"
)
TEXTS = '[block.text for block in reply.content if block.type == "text"]'
SOME_TEXT = frozenset({"first-text-only", "last-text-only", "other-text"})
TEXT_MESSAGES = {
    "whole-message": "You gave back the whole `Message`. Wanted is the text in it: "
    "take the blocks of type `text` out of `reply.content`.",
    "a-list": "You gave back a list. Wanted is one text: put the pieces together with "
    '`"".join(...)`.',
    "text-of-objects": "You turned the objects themselves into text, brackets, names "
    "and all. Take the `.text` of each text block.",
    "nothing": "You gave back an empty text, but there is text in the reply. It holds "
    "$types. Does your code look at every block, the first and the last one too?",
    "first-text-only": "The text went on in further text blocks, and you gave back "
    "only the first. Join all of them.",
    "last-text-only": "The text began in an earlier text block, and you gave back only "
    "the last. Join all of them.",
    "gaps": "You added blanks or line breaks that the reply does not have. Text blocks "
    'are pieces of one text, and bring their own: join them with `""`, and add '
    "nothing.",
    "blanks-lost": "Blanks or line breaks of the reply are missing in `$returned`. "
    "They belong to its text: take the texts as they are, without `strip()`.",
    "other-text": "You gave back `$returned`. The text of the reply is `$wanted`.",
}
# Rule, what is given back in place of the text, where it was seen.
TEXT_MISTAKES = (
    ("raised-thinking-block", "reply.content[0].text",
     "https://github.com/confident-ai/deepeval/issues/2946"),
    ("raised-message-attribute", "reply.text",
     "https://github.com/simonw/llm/issues/268: other libraries have such a field"),
    ("raised-subscript", "reply.content[-1]['text']",
     "blocks read like the JSON that the documentation shows"),
    ("raised-join", '"".join(block for block in reply.content if block.type == "text")',
     "joining blocks, not their texts"),
    ("raised-loop-over-message", '"".join(block.text for block in reply)',
     "a Message can be looped over, so nothing warns at first"),
    ("whole-message", "reply", "giving back what the call gave"),
    ("a-list", TEXTS, "stopping one step early: the texts are there, but not joined"),
    ("text-of-objects", "str(reply.content)", "print() of a reply shows text"),
    ("nothing", 'getattr(reply.content[0], "text", "")',
     "the silent form: https://github.com/AstroVela/vane/issues/140"),
    ("first-text-only", f'[*{TEXTS}, ""][0]',
     "https://github.com/odysseus-dev/odysseus/pull/1255"),
    ("last-text-only", f'["", *{TEXTS}][-1]',
     "https://github.com/AstroVela/vane/pull/160: the last block taken for the answer"),
    ("gaps", f'"\\n".join({TEXTS})',
     "texts of blocks taken for paragraphs: "
     "https://github.com/pydantic/pydantic-ai/pull/2933"),
    ("blanks-lost", f'"".join({TEXTS}).strip()',
     "https://github.com/run-llama/llama_index/pull/19192: tidied by `strip()`"),
    ("other-text", f'"".join({TEXTS}[:2])',
     "tried while reviewing: two text blocks taken for the most there are"),
)  # fmt: skip


def of_kind(kind: type) -> Word:
    """What comes back is of this type, unless the case wants `None`.

    A number may be an `int` or a `float`; that an `int` is whole is for `gives` to say.
    """
    messages = {}
    mistake = Mistake("not-number", acts("str(value)"), "numbers made to be shown")
    if kind not in (str, int, float):
        messages["wrong-kind"] = (
            f"You gave back a `$kind`; a `{kind.__name__}` is wanted."
        )
        mistake = Mistake("wrong-kind", acts("str(value)"), "a value made to be shown")

    def check(run: Run) -> None:
        if run.wanted is None:
            return
        value = run.returned
        if kind is str:
            value = run.text
        elif kind in (int, float):
            value = run.number
        else:
            run.expect(isinstance(value, kind), "wrong-kind")

    return Word(check, messages, () if kind is str else (mistake,))


def gives(
    kind: type, name: str = "other-value", says: str = "", wrong: str = "value * 2"
) -> Word:
    """The case's value comes back, of this type. `wrong` is an expression for another.

    Floats are compared but for their last digits.
    """
    first = of_kind(kind)
    messages = {
        **first.messages,
        name: says or "Your function gave back `$returned`; right is `$wanted`.",
    }
    mistakes = [PRINTED, NOT_RETURNED, *first.mistakes]
    mistakes.append(Mistake(name, acts(wrong), "a slip in the rule or in the sum"))
    if kind is int:
        messages["not-whole"] = (
            "The number is right, but it is a `$kind`: `$returned`. An `int` is wanted."
        )
        mistakes.append(
            Mistake("not-whole", acts("float(value)"), "sums that begin at 0.0")
        )

    def check(run: Run) -> None:
        first(run)
        wanted = run.wanted
        value = run.value
        run.expect(alike(value, wanted), name, wanted=shown(wanted))
        if kind is int and wanted is not None:
            run.expect(isinstance(value, int), "not-whole")

    return Word(check, messages, tuple(mistakes), vague=frozenset({name}))


def gives_text() -> Word:
    """The text of the last reply comes back: all its text blocks, joined as they are.

    The first case's reply begins with a thinking block; another one has three text
    blocks, with a blank or a line break at the end.
    """
    mistakes = [Mistake(name, acts(wrong), seen) for name, wrong, seen in TEXT_MISTAKES]
    mistakes += [PRINTED, NOT_RETURNED]
    return Word(_is_the_text, TEXT_MESSAGES, tuple(mistakes), vague=SOME_TEXT)


def _is_the_text(run: Run) -> None:
    value = run.returned
    last = run.last_reply
    texts = [block.text for block in last.content if block.type == "text"]
    wanted = "".join(texts)
    run.expect(type(value).__name__ != "Message", "whole-message")
    run.expect(not isinstance(value, list), "a-list")
    run.expect("Block(" not in run.text, "text-of-objects")
    if value == wanted:
        return
    run.expect(value, "nothing", types=listed([block.type for block in last.content]))
    run.expect(value != texts[:1] and value != texts[0], "first-text-only")
    run.expect(value != texts[-1], "last-text-only")
    if "".join(value.split()) == "".join(wanted.split()):
        run.expect(len(value) <= len(wanted), "gaps")
        run.expect(len(value) >= len(wanted), "blanks-lost")
    run.expect(False, "other-text", wanted=shown(wanted))


def listed(words: Sequence[str]) -> str:
    """Names for a sentence: `thinking`, `text`."""
    return ", ".join(f"`{word}`" for word in words) or "no block at all"


def leaves_alone(name: str) -> Word:
    """The argument of this name, a list or a dict, is as it was before the call."""

    def check(run: Run) -> None:
        run.surface()
        run.expect(
            run.given[name] == run.before[name], "changed-argument", argument=name
        )

    says = (
        "Your function changed the `$argument` that it was given. It belongs to "
        "whoever calls it, who may need it as it was: make a new one and change that."
    )
    wrong = acts("copy.deepcopy(value)", given="import copy", after=f"{name}.clear()")
    seen = "a list that is handed over is the caller's own list, not a copy of it"
    mistake = Mistake("changed-argument", wrong, seen)
    return Word(check, {"changed-argument": says}, (mistake,))


def lets_rise() -> Word:
    """In the cases with `raises`, the error goes on to the caller as it is."""

    def check(run: Run) -> None:
        if not run.raises:
            return
        name = type(run.raised).__name__
        run.expect(run.raised is not None, "swallowed", error=run.raises)
        run.expect(name == run.raises, "another-error", error=name)

    messages = {
        "swallowed": "An error that you were not asked to handle, `$error`, "
        "disappeared: your function gave back `$returned` as if it were an answer. "
        "Catch errors by name, and only those that you can treat.",
        "another-error": "An error was raised, but another one than came: `$error`. "
        "Let the error go on as it is, so that its cause can be seen.",
    }
    mistakes = (
        Mistake(
            "swallowed",
            catches("except Exception:\n    return 'Sorry.'"),
            "articles that catch everything around a call",
        ),
        Mistake(
            "another-error",
            catches(
                "except Exception as problem:\n    raise RuntimeError() from problem"
            ),
            "https://github.com/PrimeIntellect-ai/verifiers/pull/936: wrappers hide "
            "causes",
        ),
    )
    return Word(check, messages, mistakes, of_errors=True)


def function_of(
    *given: Case,
    kind: type,
    right: Callable[..., Any] | None = None,
    before: Sequence[Check] = (),
    known: Sequence[Check] = (),
    name: str = "other-value",
    says: str = "",
    wrong: str = "value * 2",
) -> Rules:
    """Ready rules for a function that sends nothing: these cases, these values.

    A case that says no value has the one of `right`, or else of the solution. `known`
    are known wrong ones of the right type (`slip`, `miss`), `before` those of another.
    """
    words: tuple[Check, ...] = (
        *before,
        of_kind(kind),
        *known,
        gives(kind, name, says, wrong),
    )
    return Rules(given, words, right, solved=right is None)
