"""The prompt cache of one kernel: what a request writes to it, reads from it, or misses, and why.

Plain arithmetic on requests, after the rules of the pages prompt-caching and cache-diagnostics
(copies of November 2026). Token numbers are the estimator's. It has no clock: an entry stays until
a reply that is marked `"cache": "cold"` is played, which stands for "its lifetime is over".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from courseserver import estimate
from courseserver.call import Call
from courseserver.prompt import Part, as_blocks, items
from courseserver.values import JSON

LOOKBACK = 20  # positions that a breakpoint looks at, its own included; prompt-caching, November
UNKNOWN_MINIMUM = 512  # where the table has none: that of all other models of the 5.5 generation
LEFT_OVER = 3  # tokens that recorded traffic shows as fresh even after a whole hit: 1 to 11


class Position(NamedTuple):
    """One block of the prompt: hash of everything up to its end, its mark, the prompt so far."""

    prefix: str
    ttl: str | None  # "5m" or "1h" where a breakpoint stands
    body: JSON


class Print(NamedTuple):
    """What diagnostics keep of a request: hashes, and the tokens that a next one could read."""

    model: str
    system: str
    tools: str
    messages: tuple[str, ...]
    others: str
    cached: int


@dataclass
class Cache:
    """Prefixes that were written (hash -> tokens), and prints of the requests that asked for it."""

    entries: dict[str, int] = field(default_factory=dict)
    prints: dict[str, Print] = field(default_factory=dict)

    def use(self, call: Call, message_id: str) -> tuple[JSON, JSON | None]:
        """The cache's part of a reply's usage (empty without a breakpoint), and its diagnostics.

        Reads what is there and writes what is new, as the reply called `message_id` would.
        """
        parts = list(_positions(call))
        marks = [at for at, part in enumerate(parts) if part.ttl]
        read, start = self._longest(parts, marks)
        least = call.model.min_cacheable or UNKNOWN_MINIMUM
        most = max(0, call.tokens - LEFT_OVER)
        written = {"5m": 0, "1h": 0}
        done = read
        for at in marks:
            if at <= start:
                continue
            tokens = min(most, estimate.request_tokens(parts[at].body))
            if tokens >= least and tokens > done:
                written[str(parts[at].ttl)] += tokens - done
                self.entries[parts[at].prefix] = done = tokens
        told = self._diagnosis(call, message_id, read, done)
        if not marks:
            return {}, told
        return {
            "cache_creation_input_tokens": sum(written.values()),
            "cache_read_input_tokens": read,
            "cache_creation": {f"ephemeral_{ttl}_input_tokens": n for ttl, n in written.items()},
        }, told

    def _longest(self, parts: list[Position], marks: list[int]) -> tuple[int, int]:
        """Tokens and position of the longest prefix that is there; 0 and -1 without one."""
        for mark in reversed(marks):
            for at in range(mark, max(-1, mark - LOOKBACK), -1):
                if parts[at].prefix in self.entries:
                    return self.entries[parts[at].prefix], at
        return 0, -1

    def _diagnosis(self, call: Call, message_id: str, read: int, cached: int) -> JSON | None:
        """Null when not asked for, on a first turn, and when nothing differs."""
        asked = call.body.get("diagnostics")
        if not asked:
            return None
        now = _print(call, cached)
        before = asked.get("previous_message_id")
        was = self.prints.get(str(before))
        self.prints[message_id] = now
        if not before:
            return None
        if was is None:
            return {"cache_miss_reason": {"type": "previous_message_not_found"}}
        for name in ("model", "system", "tools"):
            if getattr(was, name) != getattr(now, name):
                return _reason(f"{name}_changed", was.cached - read)
        if now.messages[: len(was.messages)] != was.messages:
            return _reason("messages_changed", was.cached - read)
        return {"cache_miss_reason": {"type": "unavailable"}} if was.others != now.others else None


def _reason(kind: str, missed: int) -> JSON:
    return {"cache_miss_reason": {"type": kind, "cache_missed_input_tokens": max(0, missed)}}


def _positions(call: Call) -> Iterator[Position]:
    """The prompt block by block in the order of the cache: tools, system, messages.

    What else is in a request counts from the level on that it invalidates (prompt-caching).
    """
    prompt, body = call.prompt, call.body
    tools = [part.block for part in prompt.tools]
    system = [part.block for part in prompt.system]
    whole: JSON = {"model": body.get("model"), "messages": []}
    last = _last(call)
    prefix = _hash("", [body.get("model")])
    for k, tool in enumerate(prompt.tools):
        if _is_ours(tool.block):
            prefix = _hash(prefix, tool.block)
        yield Position(prefix, _mark(call, tool, last), {**whole, "tools": tools[: k + 1]})
    whole["tools"] = tools
    prefix = _hash(prefix, _beside_system(call))
    for k, part in enumerate(prompt.system):
        prefix = _hash(prefix, part.block)
        yield Position(prefix, _mark(call, part, last), {**whole, "system": system[: k + 1]})
    whole["system"] = system
    prefix = _hash(prefix, _beside_messages(call))
    for i, blocks in enumerate(prompt.blocks):
        turn = prompt.turns[i]
        content = [part.block for part in blocks]
        for part in blocks:
            prefix = _hash(prefix, [turn.get("role"), part.block])
            here = {**turn, "content": content[: part.at + 1]}
            so_far = {**whole, "messages": [*prompt.turns[:i], here]}
            yield Position(prefix, _mark(call, part, last), so_far)


def _last(call: Call) -> Part | None:
    """The last block of the prompt, which carries the automatic breakpoint if one is asked for."""
    if not call.body.get("cache_control"):
        return None
    top = [part for part in call.prompt.whole if not part.nested]
    return top[-1] if top else None


def _beside_system(call: Call) -> list[Any]:
    """What invalidates system and messages: server tools, citations, speed, an output schema.

    Of the schema the documentation says that it invalidates the cache and that a text is added to
    the system prompt for it; that the tools are left follows from this and is not stated.
    """
    quoted = [part for part in call.prompt.top if part.kind in {"document", "search_result"}]
    cited = any((part.block.get("citations") or {}).get("enabled") for part in quoted)
    served = [part.block for part in call.prompt.tools if not _is_ours(part.block)]
    return [served, cited, call.body.get("speed") or "standard", _schema(call)]


def _beside_messages(call: Call) -> list[Any]:
    """What invalidates messages alone: pictures, tool choice, thinking, effort."""
    pictures = any(part.kind == "image" for part in call.prompt.top)
    return [pictures, *_settings(call)]


def _settings(call: Call) -> list[Any]:
    """Tool choice, thinking and effort as they hold: a default that is written out is no change.

    How thinking is displayed does not count: it may be switched between turns.
    """
    default = "adaptive" if call.model.thinks_by_default else "disabled"
    mode = call.part("thinking", "type") or default
    budget = call.part("thinking", "budget_tokens")
    effort = call.part("output_config", "effort") or call.model.default_effort
    return [call.body.get("tool_choice"), mode, budget, effort]


def _schema(call: Call) -> Any:
    return call.part("output_config", "format")


def _print(call: Call, cached: int) -> Print:
    turns = [[turn.get("role"), as_blocks(turn.get("content"))] for turn in call.turns]
    return Print(
        model=_hash("", [call.body.get("model"), call.body.get("speed") or "standard"]),
        system=_hash("", as_blocks(call.body.get("system"))),
        tools=_hash("", call.tools),
        messages=tuple(_hash("", turn) for turn in turns),
        others=_hash("", [*_settings(call), _schema(call)]),
        cached=cached,
    )


def _is_ours(tool: Mapping[str, Any]) -> bool:
    return (tool.get("type") or "custom") == "custom"


def _mark(call: Call, part: Part, last: Part | None) -> str | None:
    """The lifetime that a breakpoint at this block asks for; None without one."""
    for block in reversed([part.block, *items(part.block, "content")]):
        mark = block.get("cache_control")
        if mark:
            return str(mark.get("ttl") or "5m")
    if part is last:
        return str(call.body["cache_control"].get("ttl", "5m"))
    return None


def _hash(before: str, value: Any) -> str:
    """A chain of hashes, byte for byte: the order of keys counts, marks do not."""
    text = json.dumps(_unmarked(value), ensure_ascii=False)
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unmarked(item) for name, item in value.items() if name != "cache_control"}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value
