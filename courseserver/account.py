"""What belongs to a person, whatever lesson they are in: key, files, batches, staged scripts.

One kernel has one account; a class has one for each learner. It must not know any recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from courseserver.batches import Batches
from courseserver.budget import Budget
from courseserver.cache import Cache
from courseserver.files import Files
from courseserver.journal import Journal
from courseserver.short import Form, parse

PREFIX = "/staged/"


@dataclass
class Script:
    """Replies that a cell staged for one client: played in order, the last one repeating.

    `written` are the replies as the cell gave them: ids are derived from them.
    """

    name: str
    written: tuple[Any, ...]
    forms: tuple[Form, ...]
    turn: int = 0
    cache: Cache = field(default_factory=Cache)  # its own: what others cached is not seen
    batches: Batches = field(default_factory=Batches)

    def due(self, at: int) -> Form:
        """The reply to the request number `at` (from 0)."""
        return self.forms[min(at, len(self.forms) - 1)]


@dataclass
class Account:
    """`key`: the only API key that is accepted (None: any)."""

    key: str | None = field(default=None, repr=False)
    files: Files = field(default_factory=Files)
    batches: Batches = field(default_factory=Batches)
    scripts: dict[str, Script] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    budget: Budget = field(default_factory=Budget)  # of live requests; nothing until it is set
    _numbers: Iterator[int] = field(default_factory=partial(count, 1))  # atomic in any thread

    def stage(self, name: str, replies: tuple[Any, ...]) -> str:
        """Add a script; returns the path that a client's base URL must carry.

        Raises `ValueError`, in words for the writer, when a reply is none.
        """
        forms = tuple(parse(reply) for reply in replies)
        token = f"{name}-{next(self._numbers)}"
        self.scripts[token] = Script(name, replies, forms)
        return f"{PREFIX}{token}"
