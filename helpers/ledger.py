"""The session's ledger: every call of this kernel that went through the course server."""

from __future__ import annotations

import json
from typing import Any

from helpers.cost import Cost, cost, dollars
from helpers.server.core import Entry


class Ledger:
    """Calls, tokens and dollars since the last `setup()`. Show it by writing `ledger` in a cell.

    Staged replies are left out: they are local in every mode. A live run goes straight to the
    API and is not seen here; its usage stands in each reply.
    """

    def entries(self) -> list[Entry]:
        """The calls that a live run would have sent to the API, in order."""
        from helpers.setup import course_server

        return [entry for entry in course_server().course.log if not entry.staged]

    def totals(self) -> dict[str, Any]:
        """`calls`, `input_tokens`, `output_tokens`, `usd` (all caches included)."""
        entries = self.entries()
        paid = [entry for entry in entries if entry.reply.usage]
        spent = sum((cost(e.reply.usage, e.request.body["model"]) for e in paid), Cost())
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        return {
            "calls": len(entries),
            "input_tokens": sum(e.reply.usage.get(name) or 0 for e in paid for name in names),
            "output_tokens": sum(e.reply.usage["output_tokens"] for e in paid),
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


ledger = Ledger()
