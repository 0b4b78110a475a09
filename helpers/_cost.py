"""What a reply cost: its usage times the prices of `facts.py`, nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from courseserver import facts

MILLION = 1_000_000


@dataclass(frozen=True)
class Cost:
    """Dollars of one or more replies, by what was paid for."""

    input: float = 0.0
    cache_writes: float = 0.0
    cache_reads: float = 0.0
    output: float = 0.0

    @property
    def total(self) -> float:
        """All of it, in USD."""
        return self.input + self.cache_writes + self.cache_reads + self.output

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.input + other.input,
            self.cache_writes + other.cache_writes,
            self.cache_reads + other.cache_reads,
            self.output + other.output,
        )

    def __repr__(self) -> str:
        parts = {
            "input": self.input,
            "cache writes": self.cache_writes,
            "cache reads": self.cache_reads,
            "output": self.output,
        }
        paid = ", ".join(f"{name} {dollars(usd)}" for name, usd in parts.items() if usd)
        return f"about {dollars(self.total)}" + (f" ({paid})" if paid else "")


def cost(reply: Any, model: str | None = None, *, batch: bool = False) -> Cost:
    """The price of `reply`: a Message, or its usage together with `model`.

    Input, cache writes, cache reads and output are counted apart, as the API bills them;
    thinking is part of the output. `batch=True` halves everything. Prices: `facts.py`, USD.
    A reply that was refused before any output costs nothing in most categories.
    Raises `ValueError` when the model is not known.
    """
    if _free_refusal(reply):
        return Cost()
    usage = getattr(reply, "usage", reply)
    name = model or getattr(reply, "model", None)
    if name is None:
        raise ValueError("cost() needs the model: cost(usage, MODEL), or give it the whole reply.")
    try:
        prices = facts.model(name)
    except KeyError as unknown:
        raise ValueError(f"There is no price for {unknown.args[0]}") from None
    fresh = _count(usage, "input_tokens")
    read = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    split = _get(usage, "cache_creation")
    hour = _count(split, "ephemeral_1h_input_tokens") if split else 0
    band = prices.prices(fresh + read + written)
    factor = (facts.BATCH_FACTOR if batch else 1.0) / MILLION
    return Cost(
        input=fresh * band.input * factor,
        cache_writes=((written - hour) * band.write_5m + hour * band.write_1h) * factor,
        cache_reads=read * band.read * factor,
        output=_count(usage, "output_tokens") * band.output * factor,
    )


def dollars(usd: float) -> str:
    """USD with two significant digits when small: `$0.00041`, `$0.27`, `$12.50`."""
    if usd >= 1 or usd == 0:
        return f"${usd:,.2f}"
    digits = 2
    while usd < 10 ** (1 - digits) and digits < 9:
        digits += 1
    return f"${usd:.{digits}f}"


def _free_refusal(reply: Any) -> bool:
    """Refusals without output are billed in some categories only (refusals page, 2026-11)."""
    details = getattr(reply, "stop_details", None)
    refused = getattr(reply, "stop_reason", None) == "refusal" and not reply.usage.output_tokens
    return refused and getattr(details, "category", None) not in facts.BILLED_REFUSALS


def _get(usage: Any, name: str) -> Any:
    return usage.get(name) if isinstance(usage, Mapping) else getattr(usage, name, None)


def _count(usage: Any, name: str) -> int:
    return int(_get(usage, name) or 0)
