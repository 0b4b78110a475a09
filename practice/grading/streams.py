"""Words about a stream: asked for, written piece by piece, left in time and closed.

Each brings its messages and the mistakes that people make with it. A ready mistake
needs a solution that reads `client.messages.stream(...)` in a `with` block, by its
`text_stream`. They must not know an exercise.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from practice.grading.expect import Word
from practice.grading.model import Mistake
from practice.grading.requests import messages_sent
from practice.grading.run import Run
from practice.grading.slips import Change, acts, twice

WHOLE = """\
reply = client.messages.create(**request)
texts = [block.text for block in reply.content if block.type == "text"]
yield SimpleNamespace(text_stream=texts, get_final_message=lambda: reply)"""
# The slips on the way from the pieces to what is shown: rule, the mistake, where seen.
SHOWN_MISTAKES = (
    ("nothing-shown", 'list(pieces)\nyield from ""',
     "collected for the result, and the reader forgotten"),
    ("thinking-shown",
     'for event in stream:\n    if event.type in ("text", "thinking"):\n'
     "        yield getattr(event, event.type)",
     "https://github.com/envoyproxy/ai-gateway/pull/2578: thinking folded into the "
     "answer"),
    ("line-breaks", 'for piece in pieces:\n    yield piece + "\\n"',
     "a print in the loop: nothing there says that it ends with a line break"),
    ("gaps", 'for piece in pieces:\n    yield piece.strip() + " "',
     "pieces taken for words, as articles describe them"),
    ("again", 'text = ""\nfor piece in pieces:\n    text += piece\n    yield piece\n'
     "yield text", "https://github.com/generative-computing/mellea/issues/618"),
    ("doubled", "for piece in pieces:\n    yield piece\n    yield piece",
     "https://github.com/microsoft/agent-framework/issues/3979: both kinds of events"),
    ("growing", 'text = ""\nfor piece in pieces:\n    text += piece\n    yield text',
     "https://github.com/BrainDAO/adk-ts/pull/564: the text so far in place of the "
     "new"),
    ("more-shown", 'yield from pieces\nyield " (end)"',
     "tried while reviewing: words of one's own before or behind the answer"),
    ("stopped-early", 'yield from [next(pieces), ""]',
     "a `return` that slid into the loop"),
    ("other-shown", "for piece in pieces:\n    yield repr(piece)",
     "pieces made safe for a log, and shown so"),
    ("late", "yield from list(pieces)",
     "https://github.com/BerriAI/litellm/issues/3129: everything at once, at the end"),
)  # fmt: skip


def streaming(lines: str, after: str = "") -> Change:
    """A ready mistake: the solution with another stream, see the top of the file.

    `lines` stand for the `with` block's own: they `yield` the stream for this `request`
    once, and open the real one with `_real(**request)`. `after` runs at the end, and
    has the last stream in `_streams`.
    """
    given = (
        "from contextlib import contextmanager\n"
        "from types import SimpleNamespace\n"
        "_real = client.messages.stream\n"
        "_streams = []\n"
        "@contextmanager\n"
        f"def _changed(**request):\n{textwrap.indent(lines, '    ')}\n"
        "client.messages.stream = _changed"
    )
    return acts(given=given, after=after)


def pieces(lines: str, after: str = "") -> Change:
    """A ready mistake: other pieces arrive, which `lines` yield from `pieces`."""
    inner = textwrap.indent(lines, "        ")
    changed = (
        "with _real(**request) as stream:\n"
        f"    def changed(pieces):\n{inner}\n"
        "    stream.text_stream = changed(stream.text_stream)\n"
        "    _streams.append(stream)\n"
        "    yield stream"
    )
    return streaming(changed, after)


def streams() -> Word:
    """At most one request is sent, also after an error, and it asks for a stream."""

    def check(run: Run) -> None:
        run.surface()
        sent = messages_sent(run)
        run.expect(len(sent) <= 1, "twice")
        for one in sent:
            run.expect(one.body.get("stream") is True, "not-streamed")

    messages = {
        "twice": "You sent the question more than once. Each request is paid for, and "
        "the second answer may be another one: a single stream gives you the pieces "
        "and the whole.",
        "not-streamed": "The request did not ask for a stream, so nothing can be shown "
        "before the whole answer is there. Which method of `client.messages` streams?",
    }
    mistakes = (
        Mistake("twice", twice, "a stream for the eye, and one more for the whole"),
        Mistake(
            "not-streamed", streaming(WHOLE), "going back to what worked in lesson 01"
        ),
    )
    return Word(check, messages, mistakes, of_errors=True)


# --- what is shown --------------------------------------------------------------------


def writes_piece_by_piece(to: str = "") -> Word:
    """Each piece of text is shown as it comes: handed to the argument `to`, or printed.

    Such an argument is a `Screen`. One case has thinking that can be read, one three
    text blocks, and one a connection that is cut (`raises="RemoteProtocolError"`).
    """
    did = "written" if to else "printed"
    you = "wrote" if to else "printed"
    show = f"hand them to `{to}`" if to else "print them"
    messages = {
        "nothing-shown": f"Nothing was {did}: {show}, each piece of text as it comes "
        "out of the stream, inside the loop.",
        "thinking-shown": f"One reply began with thinking that can be read, and you "
        f"{you} it. It is not part of the answer: choose the events that carry text.",
        "line-breaks": f"You {you} line breaks that are not in the answer. Pieces are "
        f"not lines: {show} as they are. (`print` ends each call with a line break "
        "unless you tell it how to end.)",
        "gaps": "You changed the blanks between the pieces. Pieces are neither words "
        f"nor lines, and they bring their own blanks: {show} as they are.",
        "again": f"The answer was {did} twice: in pieces, and then once more as a "
        "whole. Whoever has read the pieces needs no second copy.",
        "doubled": f"Every piece was {did} twice. After each delta stands a second "
        "event that the package adds, with the same text: take one of the two kinds.",
        "growing": f"You {you} the beginning of the answer again with each piece. What "
        "was shown stays there: add only what is new, not the text so far.",
        "more-shown": f"You {you} more than the answer. It begins with $shown and ends "
        "with $end",
        "stopped-early": f"Only the beginning was {did}: $shown. Something in your "
        "loop ends it too early: a `return`, a `break`, or a block that was taken for "
        "the last one.",
        "other-shown": f"What you {you} is not the text of the answer. It begins with "
        "$shown",
        "late": "In one try the connection broke after more than $after characters, "
        f"and $count of them had been {did}. Your code keeps the pieces back: {show} "
        "when they come.",
    }
    mistakes = [
        Mistake(name, pieces(lines), seen) for name, lines, seen in SHOWN_MISTAKES
    ]
    if to:
        messages |= HANDED_MESSAGES
        mistakes += [
            Mistake(
                "printed-instead",
                acts(given=f'{to} = lambda piece: print(piece, end="")'),
                "the loop of the lesson, copied along with its `print`",
            ),
            Mistake(
                "printed-too",
                acts(after="print(value)"),
                "tried while reviewing: the lesson's `print` left in",
            ),
            Mistake(
                "wrote-objects",
                acts(given=f"_write = {to}\n{to} = lambda piece: _write([piece])"),
                "events handed on unopened",
            ),
            Mistake(
                "in-one-go",
                pieces('yield "".join(pieces)'),
                "https://github.com/editor-code-assistant/eca/pull/479: the same to "
                "look at",
            ),
        ]

    def check(run: Run) -> None:
        run.surface()
        if run.raises:
            shown = _shown(run, to)
            after = run.replies[0]["fault"]["after"]
            run.expect(len(shown) >= after, "late", after=after, count=len(shown))
            return
        words = [block.text for block in run.last_reply.content if block.type == "text"]
        text = "".join(words)
        if to:
            _handed(run, run.given[to].pieces, text)
        shown = _shown(run, to).removesuffix("" if to else "\n")
        run.expect(shown.strip() or not text, "nothing-shown")
        for block in run.last_reply.content:
            thinks = squeezed(getattr(block, "thinking", ""))
            run.expect(not thinks or thinks not in squeezed(shown), "thinking-shown")
        slip = slip_of(shown, text)
        fill = {"shown": repr(shown[:80]), "end": repr(shown[-60:])}
        run.expect(not slip, slip or "other-shown", **fill)
        if to:
            run.expect(not run.printed.strip(), "printed-too")

    return Word(check, messages, tuple(mistakes), of_errors=True)


HANDED_MESSAGES = {
    "printed-instead": "You printed the pieces, and did not hand them on. Only whoever "
    "calls your function knows whether they belong on a screen, on a page or in a "
    "file.",
    "printed-too": "You handed the pieces on, and printed something as well. Only "
    "whoever calls your function knows whether anything belongs on a screen.",
    "wrote-objects": "You handed on a `$piece`. Wanted is a text: the piece itself, "
    "without anything around it.",
    "in-one-go": "You handed on the whole answer at once. Then nobody reads anything "
    "before the end: hand on each piece, inside the loop.",
}


def _handed(run: Run, got: Sequence[Any], text: str) -> None:
    """What was handed over are pieces, and texts."""
    run.expect(got or not run.printed.strip(), "printed-instead")
    for piece in got:
        run.expect(isinstance(piece, str), "wrote-objects", piece=type(piece).__name__)
    run.expect(got != [text], "in-one-go")


def _shown(run: Run, to: str) -> str:
    """All that was shown, as one text."""
    return "".join(map(str, run.given[to].pieces)) if to else run.printed


def squeezed(text: str) -> str:
    """A text without its blanks and line breaks."""
    return "".join(text.split())


def slip_of(shown: str, text: str) -> str:
    """What went wrong on the way from the pieces of `text` to what was shown, or ""."""
    got = squeezed(shown)
    right = squeezed(text)
    if shown == text:
        return ""
    if got == right:
        return "line-breaks" if shown.count("\n") > text.count("\n") else "gaps"
    if got == right * 2:
        return "again"
    if sorted(got) == sorted(right * 2):
        return "doubled"
    begun = any(got.startswith(right[:first] * 2) for first in range(1, len(right)))
    if begun and got.endswith(right):
        return "growing"
    if right and right in got:
        return "more-shown"
    return "stopped-early" if right.startswith(got) else "other-shown"


# --- what is left ---------------------------------------------------------------------


def closes_stream() -> Word:
    """The stream is left as soon as there is enough, and closed.

    Cases have `through=keeping`, and an error in the stream behind what is enough
    (`"fault": {"kind": "error", "after": 400}`): whoever reads on meets it.
    """
    messages = {
        "read-on": "You had enough, and your code went on reading: far behind that an "
        "error stood in the stream, and it got there. Leave the loop as soon as you "
        "have enough, and ask for no final message.",
        "closed-already": "Your code left the stream, and then asked it for more. It "
        "is closed, and the rest never arrived: work with the text that you "
        "collected.",
        "left-open": "You stopped reading, but the stream was left open: its "
        "connection stays taken, and Claude may go on writing, perhaps at your cost. A "
        "`with` block closes it.",
    }
    mistakes = (
        Mistake(
            "read-on",
            pieces("yield from list(pieces)"),
            "https://github.com/BerriAI/litellm/issues/17364: read, then cut",
        ),
        Mistake(
            "closed-already",
            pieces("yield from pieces", after="_streams[-1].get_final_text()"),
            "lesson 04: the final message, asked for after an early exit",
        ),
        Mistake(
            "left-open",
            streaming("yield _real(**request).__enter__()"),
            "https://github.com/run-llama/llama_index/issues/13503",
        ),
    )

    def check(run: Run) -> None:
        raised = type(run.raised).__name__
        run.expect(raised not in ("StreamClosed", "ReadError"), "closed-already")
        run.expect(raised != "APIStatusError", "read-on")
        run.may_raise = False  # any other error is the learner's
        run.surface()
        closed = all(response.is_closed for response in run.tape.responses)
        run.expect(closed, "left-open")

    return Word(check, messages, mistakes)
