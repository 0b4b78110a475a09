"""What stands under a cell that failed: the learner's own lines, and what is meant.

IPython would print every step inside the SDK as well; here they are counted, and `%tb`
shows them. A request that replay cannot answer gets a report in place of a traceback,
and a cell that was stopped gets a sentence.
"""

from __future__ import annotations

import linecache
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from courseserver.masking import masked
from courseserver.missed import (
    EARLIER,
    Missed,
    said_of_adapted,
    said_of_caught,
    said_of_local,
)
from helpers._cost import cost_before, dollars

if TYPE_CHECKING:
    from courseserver.journal import Entry, Journal

WIDTH = 100  # of a message
_tells = False  # does the journal hear of each cell?
STOPPED = (
    "You stopped this cell (KeyboardInterrupt). Nothing is broken: what it had done "
    "before you stopped it is kept, and a reply that was still on its way is dropped. "
    "Run the cell again whenever you like."
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
            entry = entry_of(value, journal())
            if entry and entry.missed and not entry.local:
                lines = missed_report(entry.missed, lesson())
            elif entry and entry.unsent:
                lines = _wrapped(getattr(value, "api_message", ""))
            else:
                lines = short_traceback(value, tb, shell.user_ns)
                lines += upstream_note(value, journal())
                if entry and entry.earlier:
                    lines += ["", *_wrapped(EARLIER[entry.earlier])]
            lines = [masked(line) for line in lines]
            shell._showtraceback(kind, masked(str(value)), lines)
        except Exception:  # our words must never hide the error, nor switch us off
            with suppress(Exception):
                shell.showtraceback((kind, value, tb), tb_offset)

    shell.set_custom_exc((Exception, KeyboardInterrupt), handler)
    _tell_cells(shell, journal)


def _tell_cells(shell: Any, journal: Callable[[], Journal]) -> None:
    """Tell the journal when a cell begins, and read it when one ends; once in a kernel.

    Replay needs it for what must be the same when a cell is run again.
    """
    global _tells
    if not _tells:
        shell.events.register(
            "pre_run_cell", lambda info: journal().begin(info.raw_cell)
        )
        shell.events.register(
            "post_run_cell", lambda result: _say(journal(), result.error_in_exec)
        )
        _tells = True


def _say(journal: Journal, error: BaseException | None) -> None:
    """Say under a cell what happened to its requests, where no report says it."""
    _note(said_of_adapted(journal))
    _note(said_of_local(journal))
    if error is None or entry_of(error, journal) is None:
        lines: list[str] = []
        for line in said_of_caught(journal):
            lines += _wrapped(line)
        _note("\n".join(lines))


def _note(text: str) -> None:
    """Show a text as an output of its own: what was printed may not end its line."""
    if text:
        display = sys.modules["IPython.display"].display
        display({"text/plain": text.strip("\n")}, raw=True)


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
        "machine online? Behind a proxy, set HTTPS_PROXY. Replay works without a",
        "network: write COURSE_MODE=replay into .env, and run setup again.",
    ]


def entry_of(value: BaseException, journal: Journal) -> Entry | None:
    """The exchange that ended in an error, if the course server answered it."""
    wanted = getattr(value, "request_id", None)
    for entry in reversed(journal):
        if wanted and entry.reply.headers.get("request-id") == wanted:
            return entry
    return None


def missed_report(missed: Missed, lesson: str) -> list[str]:
    """The report for a request without a recorded reply, line by line."""
    from courseserver.engines import other_ways

    lines = [
        "Replay has no recorded reply for this request. Nothing left this machine."
    ]
    lines.append("")
    for line in missed.told():
        lines += _wrapped(line)
    usd = dollars(cost_before(missed.body).total)
    lines += ["", "What you can do:", "  - undo the change and run the cell again;"]
    if missed.near:
        lines.append("  - send one of the recorded requests that are named above;")
    lines.append(
        "  - write Claude's reply yourself: from helpers import staged; then "
        'anthropic.Anthropic(base_url=staged(replies=["..."]));'
    )
    if not missed.unknown:
        lines.append("  - keep the question: from helpers import wish; wish();")
        lines += other_ways()
    lines += [
        "  - ask the real API: put a key into .env (lesson 00 shows how), "
        "then run setup again;",
        f"  - get the original lesson back: python3 start.py reset {lesson}"
        " (Windows: py start.py).",
        "",
        f"What would have been sent: about {missed.estimated_tokens:,} tokens, about "
        f"{usd} before the answer. show.wire() shows it.",
    ]
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
        lines += _wrapped(line)
    return lines


def _wrapped(line: str) -> list[str]:
    """A line in pieces for the eye; a line of a list stays whole."""
    if line.startswith("  "):
        return [line]
    return textwrap.wrap(line, WIDTH, break_long_words=False)
