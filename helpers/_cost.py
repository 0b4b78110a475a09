"""What a reply cost, and what a request will cost: tokens times `facts.py`'s prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from courseserver import facts
from courseserver.price import dollars as dollars
from courseserver.price import whose

MILLION = 1_000_000
HEADERS = {  # with which a request is judged that was not sent yet
    "authorization": "Bearer any",
    "anthropic-version": facts.API_VERSION,
    "content-type": "application/json",
}


@dataclass(frozen=True)
class Cost:
    """US dollars of one or more replies, by what was paid for."""

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
        paid = [f"{name} {dollars(usd)}" for name, usd in parts.items() if usd]
        whole = f"about {dollars(self.total)}"
        return f"{whole} ({', '.join(paid)})" if paid else whole


def cost(reply: Any, model: str | None = None, *, batch: bool = False) -> Cost:
    """The price of `reply`: a Message, or its usage together with `model`.

    Input, cache writes, cache reads and output are counted apart, as the API bills
    them; thinking is part of the output. `batch=True` halves everything. Prices:
    `facts.py`, USD. A reply that was refused before any output costs nothing in most
    categories, and one of a model on this machine costs nothing at all. Raises
    `ValueError` when the model is not known.
    """
    usage = getattr(reply, "usage", reply)
    name = model or getattr(reply, "model", None)
    if _is_free_refusal(reply) or whose(str(name)):  # or a model on this machine
        return Cost()
    if name is None:
        raise ValueError(
            "cost() needs the model: cost(usage, MODEL), or give it the whole reply."
        )
    fresh = _count(usage, "input_tokens")
    read = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    split = _get(usage, "cache_creation")
    hour = _count(split, "ephemeral_1h_input_tokens") if split else 0
    try:
        usd = facts.model(name).prices(fresh + read + written)  # also by an alias
    except KeyError as unknown:
        raise ValueError(f"There is no price for {unknown.args[0]}") from None
    factor = (facts.BATCH_FACTOR if batch else 1.0) / MILLION
    return Cost(
        input=fresh * usd.input * factor,
        cache_writes=((written - hour) * usd.write_5m + hour * usd.write_1h) * factor,
        cache_reads=read * usd.read * factor,
        output=_count(usage, "output_tokens") * usd.output * factor,
    )


def cost_before(body: Mapping[str, Any], *, output_tokens: int = 0) -> Cost:
    """What a request will cost, before it is sent: its estimated input, and an answer.

    `body` is the JSON of a request for a message, or of a batch of them: at half price,
    and without those that the API would refuse. `output_tokens` is the length of each
    answer; give `max_tokens` for the most it can cost. Caching is left out. Raises
    `ValueError` when the model is not known.
    """
    from courseserver import batches, endpoints, estimate
    from courseserver.values import Request

    if "requests" not in body:
        tokens = estimate.request_tokens(body)
        used = {"input_tokens": tokens, "output_tokens": output_tokens}
        return cost(used, body["model"])
    total = Cost()
    batch = Request("POST", endpoints.BATCHES, "", HEADERS, b"", body)
    for each in body["requests"]:
        if not batches.refusal(batches.single(batch, each)):
            one = cost_before(each["params"], output_tokens=output_tokens)
            half = facts.BATCH_FACTOR
            total += Cost(input=one.input * half, output=one.output * half)
    return total


def _is_free_refusal(reply: Any) -> bool:
    """Some refusals without output are not billed (refusals page, November 2026)."""
    if getattr(reply, "stop_reason", None) != "refusal" or reply.usage.output_tokens:
        return False
    category = getattr(getattr(reply, "stop_details", None), "category", None)
    return category not in facts.BILLED_REFUSALS


def _get(usage: Any, name: str) -> Any:
    if isinstance(usage, Mapping):
        return usage.get(name)
    return getattr(usage, name, None)


def _count(usage: Any, name: str) -> int:
    return int(_get(usage, name) or 0)
