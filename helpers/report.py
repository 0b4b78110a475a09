"""What stands under a cell that failed: the learner's own lines, and what the message means.

IPython would print every step inside the SDK as well; here they are counted, and `%tb` shows them.
A request that replay cannot answer gets a report in place of a traceback.
"""

from __future__ import annotations

import json
import linecache
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from courseserver.facts import BATCH_FACTOR, MODEL, MODELS
from courseserver.journal import Journal, Missed
from courseserver.replay import NO_RECORDING
from helpers._cost import MILLION, dollars

DIFFERENCES = 6  # lines of difference that are shown
BODY_LINES = 30  # lines of the request's JSON that are shown


def install(journal: Callable[[], Journal], lesson: Callable[[], str]) -> None:
    """Use this module for errors in the running notebook; does nothing outside IPython."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return

    def handler(
        shell: Any, kind: type[BaseException], value: BaseException, tb: Any, tb_offset: Any = None
    ) -> None:
        if isinstance(value, SyntaxError):  # IPython marks the place, which is better than words
            shell.showtraceback((kind, value, tb), tb_offset)
            return
        sys.last_type, sys.last_value, sys.last_traceback = kind, value, tb
        try:
            missed = missed_by(value, journal())
            lines = missed_report(missed, lesson()) if missed else []
            lines = lines or short_traceback(value, tb, shell.user_ns)
            shell._showtraceback(kind, value, lines)
        except Exception:  # our words must never hide the learner's error, nor switch us off
            with suppress(Exception):
                shell.showtraceback((kind, value, tb), tb_offset)

    shell.set_custom_exc((Exception,), handler)


def missed_by(value: BaseException, journal: Journal) -> Missed | None:
    """What the course server noted about the request behind this error, if replay missed it."""
    if getattr(value, "status_code", None) != NO_RECORDING:
        return None
    wanted = getattr(value, "request_id", None)
    for entry in reversed(journal):
        if entry.missed and entry.reply.headers.get("request-id") == wanted:
            return entry.missed
    return None


def missed_report(missed: Missed, lesson: str) -> list[str]:
    """The report for a request without a recorded reply, line by line."""
    lines = ["Replay has no recorded reply for this request. Nothing left this machine.", ""]
    if missed.nearest:
        lines.append(f"The nearest recorded request is {missed.nearest!r}. They differ here:")
        lines += [f"  {line}" for line in missed.differences[:DIFFERENCES]]
        if len(missed.differences) > DIFFERENCES:
            lines.append(f"  ... and in {len(missed.differences) - DIFFERENCES} more places")
        lines.append("")
    body = missed.body if isinstance(missed.body, dict) else {}
    batch = body.get("requests")
    asked_for = (batch[0]["params"] if batch else body).get("model")
    price = MODELS.get(str(asked_for), MODELS[MODEL]).input * (BATCH_FACTOR if batch else 1)
    asked = missed.estimated_tokens
    keep = ["  - keep the question: from helpers import wish; wish()"]
    if batch:
        keep = [
            "  - let your own replies answer: anthropic.Anthropic(base_url=staged(replies=[...]))"
        ]
    lines += [
        "What you can do:",
        "  - undo the change and run the cell again;",
        f"  - give the lesson back as it was: python3 start.py reset {lesson}"
        " (Windows: py start.py)",
        "  - ask the real API: put a key into .env (lesson 00 shows how), then run setup again;",
        *keep,
        "",
        f"What would have been sent: about {asked:,} tokens, "
        f"about {dollars(asked * price / MILLION)} before the answer.",
    ]
    shown = json.dumps(shorten(missed.body), indent=2, ensure_ascii=False).splitlines()
    lines += shown[:BODY_LINES] + (["  ..."] if len(shown) > BODY_LINES else [])
    return lines


def short_traceback(value: BaseException, tb: TracebackType | None, ours: Any) -> list[str]:
    """The steps of a traceback that are the learner's own code, and the message."""
    lines, hidden = [], 0
    while tb is not None:
        frame = tb.tb_frame
        if frame.f_globals is ours:
            where = (
                f"in {frame.f_code.co_name}()" if frame.f_code.co_name[0] != "<" else "in the cell"
            )
            source = linecache.getline(frame.f_code.co_filename, tb.tb_lineno).rstrip()
            lines.append(f"{where}, line {tb.tb_lineno}:  {source.strip()}")
            hidden = 0
        else:
            hidden += 1
        tb = tb.tb_next
    if hidden:
        lines.append(f"... and {hidden} more inside the library (%tb shows them)")
    lines.append("")
    lines += _message("", value)
    if value.__cause__ is not None:
        lines += _message("caused by ", value.__cause__)
    elif value.__context__ is not None and not value.__suppress_context__:
        lines += _message("while handling ", value.__context__)
    return lines


def _message(how: str, error: BaseException) -> list[str]:
    """Kind and text of an error, its own line breaks kept, long lines wrapped."""
    return [
        wrapped
        for line in f"{how}{type(error).__name__}: {error}".splitlines()
        for wrapped in textwrap.wrap(line, 100, break_long_words=False)
    ]


def shorten(value: Any, longest: int = 200) -> Any:
    """A JSON value with long strings cut, for the eye."""
    if isinstance(value, dict):
        return {key: shorten(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [shorten(item, longest) for item in value]
    if isinstance(value, str) and len(value) > longest:
        return f"{value[: longest // 3]}... ({len(value):,} characters)"
    return value
