"""What stands under a cell that failed: the learner's own lines, and what is meant.

IPython would print every step inside the SDK as well; here they are counted, and `%tb`
shows them. A request that replay cannot answer gets a report in place of a traceback,
and a cell that was stopped gets a sentence.
"""

from __future__ import annotations

import json
import linecache
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from helpers._cost import cost_before, dollars
from helpers._text import shorten

if TYPE_CHECKING:
    from courseserver.journal import Journal, Missed

DIFFERENCES = 6  # lines of difference that are shown
BODY_LINES = 30  # lines of the request's JSON that are shown
WIDTH = 100  # of a message
_tells = False  # does the journal hear of each cell?
STOPPED = (
    "You stopped this cell (KeyboardInterrupt). Nothing is broken: what it had done "
    "before stays, and a reply that was still on its way is given up. Run the cell "
    "again whenever you like."
)


def install(journal: Callable[[], Journal], lesson: Callable[[], str]) -> None:
    """Show the errors of the running notebook in this way; outside IPython, do nothing.

    `journal` and `lesson` are asked when a cell fails: the exchanges, and the name.
    """
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return

    def handler(
        shell: Any,
        kind: type[BaseException],
        value: BaseException,
        tb: TracebackType | None,
        tb_offset: int | None = None,
    ) -> None:
        if isinstance(
            value, SyntaxError
        ):  # IPython marks the place; no words do better
            shell.showtraceback((kind, value, tb), tb_offset)
            return
        sys.last_type, sys.last_value, sys.last_traceback = kind, value, tb
        try:
            missed = missed_by(value, journal())
            if missed:
                lines = missed_report(missed, lesson())
            else:
                lines = short_traceback(value, tb, shell.user_ns)
                lines += upstream_note(value, journal())
            shell._showtraceback(kind, value, lines)
        except Exception:  # our words must never hide the error, nor switch us off
            with suppress(Exception):
                shell.showtraceback((kind, value, tb), tb_offset)

    shell.set_custom_exc((Exception, KeyboardInterrupt), handler)
    _tell_cells(shell, journal)


def _tell_cells(shell: Any, journal: Callable[[], Journal]) -> None:
    """Let the journal know when a cell begins, once in a kernel.

    Replay needs it for what must be the same when a cell is run again.
    """
    global _tells
    if not _tells:
        shell.events.register(
            "pre_run_cell", lambda info: journal().begin(info.raw_cell)
        )
        _tells = True


def upstream_note(value: BaseException, journal: Journal) -> list[str]:
    """Why the real API could not be asked, when that is behind a connection error."""
    if type(value).__name__ not in ("APIConnectionError", "APITimeoutError"):
        return []
    failure = journal[-1].failure if len(journal) else ""
    if not failure:
        return []
    return [
        "",
        f"The course server could not reach the real API ({failure}). Is this",
        "machine online? Behind a proxy, set HTTPS_PROXY. Without a network replay",
        "works: write COURSE_MODE=replay into .env, and run setup again.",
    ]


def missed_by(value: BaseException, journal: Journal) -> Missed | None:
    """What was noted of the request behind an error, if replay had no reply for it."""
    wanted = getattr(value, "request_id", None)
    for entry in reversed(journal):
        if entry.missed and entry.reply.headers.get("request-id") == wanted:
            return entry.missed
    return None


def missed_report(missed: Missed, lesson: str) -> list[str]:
    """The report for a request without a recorded reply, line by line."""
    lines = [
        "Replay has no recorded reply for this request. Nothing left this machine.",
        "",
    ]
    if missed.nearest:
        lines.append(
            f"The nearest recorded request is {missed.nearest!r}. They differ here:"
        )
        for difference in missed.differences[:DIFFERENCES]:
            lines.append(f"  {difference}")
        more = len(missed.differences) - DIFFERENCES
        if more > 0:
            lines.append(f"  ... and in {more} more places")
        lines.append("")
    keep = "keep the question: from helpers import wish; wish()"
    if "requests" in missed.body:  # a batch
        staged = "anthropic.Anthropic(base_url=staged(replies=[...]))"
        keep = f"let your own replies answer: {staged}"
    tokens = f"about {missed.estimated_tokens:,} tokens"
    usd = dollars(cost_before(missed.body).total)
    lines += [
        "What you can do:",
        "  - undo the change and run the cell again;",
        f"  - give the lesson back as it was: python3 start.py reset {lesson}"
        " (Windows: py start.py)",
        "  - ask the real API: put a key into .env (lesson 00 shows how), "
        "then run setup again;",
        f"  - {keep}",
        "",
        f"What would have been sent: {tokens}, about {usd} before the answer.",
    ]
    shown = json.dumps(shorten(missed.body), indent=2, ensure_ascii=False).splitlines()
    lines += shown[:BODY_LINES]
    if len(shown) > BODY_LINES:
        lines.append("  ...")
    return lines


def short_traceback(
    value: BaseException, tb: TracebackType | None, ours: Any
) -> list[str]:
    """The steps of a traceback in the learner's own code, and the message.

    `ours` is the namespace of the notebook, by which their code is known.
    """
    lines = []
    hidden = 0
    while tb is not None:
        if tb.tb_frame.f_globals is ours:
            lines.append(_own_step(tb))
            hidden = 0
        else:
            hidden += 1
        tb = tb.tb_next
    if hidden:
        lines.append(f"... and {hidden} more inside the library (%tb shows them)")
    lines.append("")
    if isinstance(value, KeyboardInterrupt):
        return lines + textwrap.wrap(STOPPED, WIDTH)
    lines += _message("", value)
    if value.__cause__ is not None:
        lines += _message("caused by ", value.__cause__)
    elif value.__context__ is not None and not value.__suppress_context__:
        lines += _message("while handling ", value.__context__)
    return lines


def _own_step(tb: TracebackType) -> str:
    """One step in the learner's code: `in ask(), line 3:  return client.mess...`."""
    code = tb.tb_frame.f_code
    where = "in the cell"
    if not code.co_name.startswith("<"):
        where = f"in {code.co_name}()"
    source = linecache.getline(code.co_filename, tb.tb_lineno).strip()
    return f"{where}, line {tb.tb_lineno}:  {source}"


def _message(how: str, error: BaseException) -> list[str]:
    """Kind and text of an error, its own line breaks kept, long lines wrapped."""
    lines = []
    for line in f"{how}{type(error).__name__}: {error}".splitlines():
        lines += textwrap.wrap(line, WIDTH, break_long_words=False)
    return lines
