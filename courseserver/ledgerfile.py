"""Adapter: the ledger on disk, one JSON line for each step of each request that may cost money.

A line is one write at the end of the file, so it survives a kill at any moment, and several
kernels can share the file. It holds time, lesson, model, tokens, dollars and ids, never any text.
The time is for people: nothing here reads it.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

KEPT_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)
DELETE = {
    "file": "client.files.delete({!r})",
    "batch": "client.messages.batches.delete({!r})",
}


class LedgerFile:
    """The ledger at `path`; `lesson` is asked for each line. Methods raise `OSError`.

    Lines with a `ticket` are money: `"state": "reserved"` before a request leaves, `"settled"`
    after it. The last line of a ticket counts, so a request that a kill broke off counts with what
    was reserved. Lines with a `file` or `batch` say what was "created" or "deleted" at the API.
    """

    def __init__(self, path: Path, lesson: Callable[[], str] = lambda: "") -> None:
        self.path = path
        self._lesson = lesson

    def reserve(self, usd: float, model: str) -> str:
        """Write down that up to so much will be spent; returns the ticket of it."""
        ticket = secrets.token_hex(8)
        self._append({"ticket": ticket, "state": "reserved", "model": model, "usd": usd})
        return ticket

    def settle(self, ticket: str, usd: float, **facts: Any) -> None:
        """Write down what a ticket did cost; `facts` are model, usage, request_id, batch."""
        usage = facts.pop("usage", None) or {}
        counts = {name: usage[name] for name in KEPT_USAGE if usage.get(name)}
        self._append({"ticket": ticket, "state": "settled", **facts, "usd": usd, **counts})

    def note(self, kind: str, name: str, state: str) -> None:
        """Write down that a "file" or "batch" was "created" or "deleted" at the API."""
        self._append({kind: name, "state": state})

    def spent(self) -> float:
        """USD of every session; a ticket that was never settled counts as reserved."""
        tickets: dict[str, float] = {}
        for line in self.lines():
            if "ticket" in line:
                tickets[line["ticket"]] = line["usd"]
        return sum(tickets.values())

    def ticket_of(self, batch: str) -> str:
        """The ticket under which a batch was paid, or ""."""
        found = ""
        for line in self.lines():
            if line.get("batch") == batch and "ticket" in line:
                found = line["ticket"]
        return found

    def left_behind(self) -> list[tuple[str, str]]:
        """What was created at the API and not deleted: ("file" or "batch", id), oldest first."""
        left: dict[tuple[str, str], None] = {}
        for line in self.lines():
            for kind in ("file", "batch"):
                if kind in line and line["state"] == "created":
                    left[kind, line[kind]] = None
                elif kind in line and line["state"] == "deleted":
                    left.pop((kind, line[kind]), None)
        return list(left)

    def how_to_delete(self) -> str:
        """What is left behind, in a sentence and lines of Python that delete it."""
        left = self.left_behind()
        if not left:
            return "Nothing that live runs of the course made is left at the API."
        lines = ["Live runs left this at the API. To delete it, run:"]
        lines += [DELETE[kind].format(name) for kind, name in left]
        if any(kind == "batch" for kind, _ in left):
            lines.append("(A batch that is still running must be cancelled first, or must end.)")
        return "\n".join(lines)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines that can be read, oldest first; a torn one is passed over."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return
        for text in raw.splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and _is_sound(line):
                yield line

    def _append(self, line: dict[str, Any]) -> None:
        """One write; it begins a new line if a kill left the last one torn.

        While another kernel writes, its line may look torn, too: then a blank line comes between.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        text = json.dumps({"time": now, "lesson": self._lesson(), **line}) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        file = os.open(self.path, flags, 0o600)
        try:
            size = os.lseek(file, 0, os.SEEK_END)
            if size:
                os.lseek(file, size - 1, os.SEEK_SET)
                if os.read(file, 1) != b"\n":
                    text = "\n" + text
            raw = text.encode()
            if os.write(file, raw) != len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        except OSError as error:
            error.filename = error.filename or str(self.path)
            raise
        finally:
            os.close(file)


def _is_sound(line: dict[str, Any]) -> bool:
    """Whether a line can be counted: a ticket with its dollars, or something with its state."""
    if "ticket" in line:
        return isinstance(line.get("usd"), int | float) and isinstance(line["ticket"], str)
    return isinstance(line.get("state"), str)
