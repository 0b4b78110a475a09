"""What went over the wire since the lesson began: the one record that others read.

Ledger, `show.wire`, error hunt, wish list, the report under a cell and the author's `write` read
it, whoever answered. It is bounded, so that a long session cannot fill the memory.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from courseserver.missed import Missed
from courseserver.values import Reply, Request

MOST_ENTRIES = 50_000
MOST_BYTES = 256 * 1024 * 1024  # of bodies, of requests and replies


class Cell(NamedTuple):
    """A piece of the client's code that runs: the number of the run, and its text as a digest."""

    run: int = 0
    text: str = ""


NO_CELL = Cell()


@dataclass(frozen=True)
class Entry:
    """One exchange: what was asked, and what was answered.

    `staged`: by a cell's own script. `rule`: the name of the API rule that refused it, or "".
    `failure`: why no reply, or no whole one, came from upstream. `adapted`: the words for what a
    recorded reply was adapted to, such as "max_tokens"; none when the request was recorded.
    `earlier`: what a refused request holds of an earlier cell and was changed there ("question",
    "system" or "tools"), where that can be known. `cell`: what ran when it came. `unsent`: the
    course's own spending limit kept it here, or a local engine failed. `local`: the model on this
    machine that was asked, such as "local/qwen3".
    """

    request: Request
    reply: Reply
    staged: bool = False
    missed: Missed | None = None
    rule: str = ""
    failure: str = ""
    adapted: tuple[str, ...] = ()
    earlier: str = ""
    cell: Cell = NO_CELL
    unsent: bool = False
    local: str = ""

    @property
    def size(self) -> int:
        """The bytes of both bodies, as far as the reply's is kept."""
        return len(self.request.raw) + sum(len(step.data) for step in self.reply.steps)


class Journal:
    """The exchanges of one account, oldest first. `dropped` counts those that had to go.

    `cell` is what runs at the moment, where somebody tells (`begin`), as a notebook does.
    """

    cell = NO_CELL

    def __init__(self, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self.most_entries = most_entries
        self.most_bytes = most_bytes
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self.dropped = 0

    def begin(self, text: str) -> None:
        """A cell with this text begins to run."""
        self.cell = Cell(self.cell.run + 1, hashlib.sha256(text.encode()).hexdigest())

    def add(self, entry: Entry) -> None:
        """Add an exchange; the oldest go when there are too many, or too many bytes."""
        self._entries.append(entry)
        self._bytes += entry.size
        while len(self._entries) > 1 and self._is_full():
            gone = self._entries.popleft()
            self._bytes -= gone.size
            self.dropped += 1

    def take_back(self) -> Entry:
        """Take the newest exchange out again: somebody else answers it."""
        entry = self._entries.pop()
        self._bytes -= entry.size
        return entry

    def missed(self) -> list[Entry]:
        """The requests that replay had no reply for, oldest first."""
        return [entry for entry in self if entry.missed]

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))  # a copy: the server may add while somebody reads

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, at: int) -> Entry:
        return self._entries[at]

    def _is_full(self) -> bool:
        return len(self._entries) > self.most_entries or self._bytes > self.most_bytes


def billed(entries: Iterable[Entry]) -> Iterator[tuple[Mapping[str, Any], str, bool]]:
    """What was billed of these exchanges: usage, model, and whether in a batch."""
    results = {}  # by path: results that were read twice are paid once
    for entry in entries:
        if entry.reply.usage:
            yield entry.reply.usage, entry.local or _model(entry.request.body), False
        if entry.request.path.endswith("/results") and entry.reply.status == 200:
            results[entry.request.path] = entry
    for entry in results.values():
        # A live reply comes in pieces that end anywhere; a recorded one line by line.
        for line in b"".join(step.data for step in entry.reply.steps).splitlines():
            try:
                message = json.loads(line)["result"].get("message") or {}
            except ValueError:  # the reply broke off in this line
                continue
            if message.get("usage"):
                yield message["usage"], _model(message), True


def _model(body: Mapping[str, Any]) -> str:
    return str(body.get("model") or "(no model)")
