"""What a live request can cost at most, before it leaves, and what it did cost, from its usage.

Plain arithmetic on `facts.py`'s prices. It must not know limits, files or a clock. Whatever it
cannot put a price on is `UnpricedError`, so that the limit fails closed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from courseserver import endpoints, estimate, facts
from courseserver.media import pdf_pages
from courseserver.values import JSON, Problem, Request

MILLION = 1_000_000
LOCAL = "local/"  # begins the name of a model on this machine, which costs nothing
MARGIN = 2  # times the estimate, which is mostly within 15% but knows a text by its shape alone
# What a server tool brings in cannot be known before. These are guesses, no limits of the API; what
# a reply did cost is booked afterwards, also when it was more.
USES = 10  # of a server tool that names no max_uses
TOKENS_PER_USE = 15_000
PICTURE_TOKENS = facts.IMAGE_CAPS["high"][1] + 4
PAGE_TOKENS = estimate.PDF_TOKENS_PER_PAGE + estimate.CITED_PAGE
COUNTED = ("text", "tool_use", "tool_result", "search_result", "thinking", "redacted_thinking")
ON_THE_LEARNERS_SIDE = ("custom", "bash_", "text_editor_", "memory_", "computer_")

Unseen = Callable[[str], int | None]  # tokens behind an id (file, earlier message); None: unknown


def whose(model: str) -> str:
    """What must be said of a model in a reply: that it is not Claude, or ""."""
    return "a model on this machine, not Claude" if model.startswith(LOCAL) else ""


class UnpricedError(Exception):
    """Nobody here can say what a request costs. `problem` is the reply that it gets."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True)
class Worst:
    """The most that a request can cost: USD for its input, output and fees; `halves` in a batch.

    `input_tokens` holds the margin; `output_tokens` is `max_tokens`, in a batch those of all.
    """

    input: float = 0.0
    output: float = 0.0
    fees: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def usd(self) -> float:
        """All of it."""
        return self.input + self.output + self.fees

    def __str__(self) -> str:
        text = f"input {dollars(self.input)} ({self.input_tokens:,} tokens, {MARGIN} times the "
        text += f"estimate), output {dollars(self.output)} (all of max_tokens, "
        text += f"{self.output_tokens:,} tokens)"
        return text + (f", web searches {dollars(self.fees)}" if self.fees else "")


FREE = Worst()


def dollars(usd: float) -> str:
    """USD with two significant digits when small: `$0.00041`, `$0.27`, `$12.50`."""
    if usd >= 1 or usd == 0:
        return f"${usd:,.2f}"
    digits = 2
    while usd < 10 ** (1 - digits) and digits < 9:
        digits += 1
    return f"${usd:.{digits}f}"


def worst_case(request: Request, unseen: Unseen) -> Worst:
    """The most that a request can cost; `FREE` if the API takes no money for it.

    Counting, files, models and all that only reads or deletes is free. So is what cannot be a
    request for a message at all (no model, no messages, no limit): the API refuses it. Raises
    `UnpricedError`.
    """
    if request.method.upper() != "POST":
        return FREE
    name = endpoints.find(request.path)[0].name
    if name in ("count_tokens", "files", "batch cancel"):
        return FREE
    if name not in ("messages", "batches"):
        what = f"The course knows no price for POST {request.path}, so it was not sent."
        raise UnpricedError(Problem(404, "not_found_error", what))
    if request.raw and not isinstance(request.body, dict):
        raise _unpriced("a body that it cannot read")
    body = request.body or {}
    if name == "messages":
        return _message(body, unseen)
    whole = FREE
    for each in _list(body.get("requests")):
        one = _message(_dict(_dict(each).get("params")), unseen)
        half = facts.BATCH_FACTOR
        whole = Worst(
            whole.input + one.input * half,
            whole.output + one.output * half,
            whole.fees + one.fees,
            whole.input_tokens + one.input_tokens,
            whole.output_tokens + one.output_tokens,
        )
    return whole


def usage_usd(usage: Mapping[str, Any], model: str, *, batch: bool = False) -> float:
    """What a reply with this usage cost, in USD, search fees included. Raises `KeyError`."""
    fresh = usage.get("input_tokens") or 0
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    hour = _dict(usage.get("cache_creation")).get("ephemeral_1h_input_tokens") or 0
    usd = facts.model(model).prices(fresh + read + written)
    total = fresh * usd.input + read * usd.read + (usage.get("output_tokens") or 0) * usd.output
    total += (written - hour) * usd.write_5m + hour * usd.write_1h
    if usage.get("inference_geo") == "us":
        total *= facts.US_FACTOR
    searches = _dict(usage.get("server_tool_use")).get("web_search_requests") or 0
    factor = facts.BATCH_FACTOR if batch else 1.0
    return float(total * factor / MILLION + searches * facts.WEB_SEARCH_USD)


def _message(body: JSON, unseen: Unseen) -> Worst:
    """The most that one request for a message can cost."""
    model = body.get("model")
    limit = _number(body.get("max_tokens"))
    if not isinstance(model, str) or not body.get("messages") or limit is None:
        return FREE
    if model in facts.RETIRED and model not in facts.SERVED and model not in facts.ALIASES:
        return FREE  # nobody answers to this name any more
    try:
        row = facts.model(model)
    except KeyError:
        what = f"model: {model} (The course knows no price for this model, as of {facts.AS_OF}, so "
        what += "the request was not sent. Is the name right? `facts.MODELS` lists those it knows.)"
        raise UnpricedError(Problem(404, "not_found_error", what)) from None
    for field, usual in (("speed", "standard"), ("fallbacks", None)):
        if body.get(field) not in (None, usual, []):
            raise _unpriced(f"{field}={body[field]!r}")
    text = json.dumps(body, ensure_ascii=False)
    uses = list(_server_tool_uses(body))
    tokens = _estimated(body, text) + _uncounted(body, row.window, unseen)
    tokens += sum(count for _, count in uses) * TOKENS_PER_USE
    tokens = min(tokens, row.window) if not uses else tokens
    usd = row.prices(tokens)
    rate = usd.input
    if '"cache_control"' in text:
        rate = usd.write_1h if '"1h"' in text else usd.write_5m
    factor = facts.US_FACTOR if body.get("inference_geo") == "us" else 1.0
    searches = sum(count for kind, count in uses if kind.startswith("web_search_"))
    return Worst(
        tokens * rate * factor / MILLION,
        limit * usd.output * factor / MILLION,
        searches * facts.WEB_SEARCH_USD,
        tokens,
        limit,
    )


def _estimated(body: JSON, text: str) -> int:
    """The estimate with its margin; where a strange shape has none, a token for each byte."""
    try:
        return MARGIN * estimate.request_tokens(body)
    except Exception:  # whatever it was: the API refuses such shapes, or knows more than we do
        return len(text.encode("utf-8", "replace"))


def _uncounted(body: JSON, window: int, unseen: Unseen) -> int:
    """Tokens that the estimate leaves out: files, addresses, server results, an earlier thread."""
    total = 0
    thread = body.get("thread")
    if isinstance(thread, dict) and thread.get("type") == "continue":
        before = unseen(str(thread.get("previous_message_id")))
        total += window if before is None else before
    for block in _blocks([body.get("system"), body.get("messages")]):
        kind = block.get("type")
        if kind in ("image", "document"):
            source = _dict(block.get("source"))
            if source.get("type") == "file" and kind == "document":
                known = unseen(str(source.get("file_id")))
                total += window if known is None else known
            elif source.get("type") == "url" and kind == "document":
                total += window
            elif kind == "image":
                total += PICTURE_TOKENS
        elif kind not in COUNTED:
            total += len(json.dumps(block)) // 2
    return total


def file_tokens(raw: bytes) -> int:
    """The most tokens in an upload with this body: pages of a PDF, else a token for each byte."""
    return pdf_pages(raw) * PAGE_TOKENS if b"%PDF-" in raw else len(raw)


def _blocks(value: Any) -> Iterator[JSON]:
    """All content blocks in a part of a body, without the inside of those nobody counts."""
    if isinstance(value, list):
        for item in value:
            yield from _blocks(item)
    elif isinstance(value, dict):
        if "type" in value:
            yield value
        if value.get("type") in (None, "tool_result", "search_result"):
            yield from _blocks(value.get("content"))
        elif value.get("type") == "document":
            yield from _blocks(_dict(value.get("source")).get("content"))


def _server_tool_uses(body: JSON) -> Iterator[tuple[str, int]]:
    """The tools that the API runs itself, and how often it may use each."""
    for tool in _list(body.get("tools")):
        kind = str(_dict(tool).get("type") or "custom")
        if not kind.startswith(ON_THE_LEARNERS_SIDE):
            uses = _number(tool.get("max_uses"))
            yield kind, USES if uses is None else uses


def _unpriced(what: str) -> UnpricedError:
    words = f"The course knows no price for {what}, so the request was not sent."
    return UnpricedError(Problem(402, "billing_error", words))


def _number(value: Any) -> int | None:
    """A limit as the API may read it, rounded up: it takes 300.0 and "300" as well."""
    try:
        number = math.ceil(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number >= 0 else None


def _dict(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
