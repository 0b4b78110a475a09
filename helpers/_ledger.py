"""The session's ledger: every call of this kernel that the course server answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from courseserver.journal import billed
from helpers._cost import Cost, cost, dollars

if TYPE_CHECKING:
    from courseserver.journal import Entry

INPUT = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)


class Ledger:
    """Calls, tokens and dollars since the last `setup()`: write `ledger` in a cell.

    Staged replies are left out: they are local in every mode. A batch is paid once, at
    half price, however often its results are read. Live calls count like recorded ones.
    A model without a known price counts with its tokens and is named: its dollars are
    missing from the sum. What all live calls of the course cost stands in the file
    `ledger.jsonl` in `my-course/.course`.
    """

    def entries(self) -> list[Entry]:
        """The calls that the API answered, or would have in a live run, in order."""
        from helpers._setup import journal

        answered = [entry for entry in journal() if entry.reply.status]
        return [entry for entry in answered if not entry.staged and not entry.unsent]

    def totals(self) -> dict[str, Any]:
        """`calls`, `input_tokens`, `output_tokens`, `usd` (all caches included).

        If there are models without a known price, `no_price` lists their names.
        `local`, if any: the calls among them that a local model answered, for nothing.
        """
        entries = self.entries()
        tokens_in = 0
        tokens_out = 0
        spent = Cost()
        unknown = set()
        for usage, model, in_batch in billed(entries):
            tokens_in += sum(usage.get(name) or 0 for name in INPUT)
            tokens_out += usage.get("output_tokens") or 0
            try:
                spent += cost(usage, model, batch=in_batch)
            except ValueError:
                unknown.add(model)
        sums: dict[str, Any] = {
            "calls": len(entries),
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "usd": spent.total,
        }
        if local := sum(bool(entry.local) for entry in entries):
            sums["local"] = local
        if unknown:
            sums["no_price"] = sorted(unknown)
        return sums

    def left_behind(self) -> None:
        """List the files and batches that live runs left at the API, to delete them."""
        from practice.begin import ledger_file

        print(ledger_file().how_to_delete())

    def __repr__(self) -> str:
        sums = self.totals()
        told = (
            f"{sums['calls']} calls, {sums['input_tokens']:,} tokens in, "
            f"{sums['output_tokens']:,} out, about {dollars(sums['usd'])}"
        )
        if "local" in sums:
            told += f"; {sums['local']} of the calls by a local model, not Claude, $0"
        if "no_price" in sums:
            told += f", and no price is known for {', '.join(sums['no_price'])}"
        return told


ledger = Ledger()
