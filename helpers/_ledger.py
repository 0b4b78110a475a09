"""The session's ledger: every call of this kernel that went through the course server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from courseserver.journal import Entry
from helpers._cost import Cost, cost, dollars


class Ledger:
    """Calls, tokens and dollars since the last `setup()`. Show it by writing `ledger` in a cell.

    Staged replies are left out: they are local in every mode. A batch is paid once, at half price,
    however often its results are read. A live run goes straight to the API and is not seen here;
    its usage stands in each reply.
    """

    def entries(self) -> list[Entry]:
        """The calls that a live run would have sent to the API, in order."""
        from helpers._setup import journal

        return [entry for entry in journal() if not entry.staged]

    def totals(self) -> dict[str, Any]:
        """`calls`, `input_tokens`, `output_tokens`, `usd` (all caches included)."""
        entries = self.entries()
        paid = [*_paid(entries)]
        spent = sum((cost(usage, model, batch=batch) for usage, model, batch in paid), Cost())
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        return {
            "calls": len(entries),
            "input_tokens": sum(usage.get(name) or 0 for usage, _, _ in paid for name in names),
            "output_tokens": sum(usage["output_tokens"] for usage, _, _ in paid),
            "usd": spent.total,
        }

    def as_json(self) -> str:
        """The totals as JSON, for the facts line of a lesson."""
        return json.dumps(self.totals())

    def __repr__(self) -> str:
        sums = self.totals()
        return (
            f"{sums['calls']} calls, {sums['input_tokens']:,} tokens in, "
            f"{sums['output_tokens']:,} out, about {dollars(sums['usd'])}"
        )


def _paid(entries: list[Entry]) -> Iterator[tuple[Mapping[str, Any], str, bool]]:
    """What was billed: usage, model, and whether in a batch."""
    for entry in entries:
        if entry.reply.usage:
            yield entry.reply.usage, entry.request.body["model"], False
    read = [e for e in entries if e.request.path.endswith("/results") and e.reply.status == 200]
    for entry in {e.request.path: e for e in read}.values():
        for step in entry.reply.steps:
            if message := json.loads(step.data)["result"].get("message"):
                yield message["usage"], message["model"], True


ledger = Ledger()
