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

from courseserver import estimate, facts

JSON = dict[str, Any]
LOOKBACK = 20  # positions that a breakpoint looks at, its own included; prompt-caching, November
UNKNOWN_MINIMUM = 512  # where the table has none: that of all other models of the 5.5 generation
LEFT_OVER = 3  # tokens that recorded traffic shows as fresh even after a whole hit: 1 to 11


class Part(NamedTuple):
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

    def use(self, body: Mapping[str, Any], message_id: str) -> tuple[JSON, JSON | None]:
        """The cache's part of a reply's usage (empty without a breakpoint), and its diagnostics.

        Reads what is there and writes what is new, as the reply called `message_id` would.
        """
        parts = list(_parts(body))
        marks = [at for at, part in enumerate(parts) if part.ttl]
        read, start = self._longest(parts, marks)
        model = facts.model(body["model"])
        least = model.min_cacheable or UNKNOWN_MINIMUM
        most = max(0, estimate.request_tokens(body) - LEFT_OVER)
        done, written = read, {"5m": 0, "1h": 0}
        for at in (at for at in marks if at > start):
            tokens = min(most, estimate.request_tokens(parts[at].body))
            if tokens >= least and tokens > done:
                written[str(parts[at].ttl)] += tokens - done
                self.entries[parts[at].prefix] = done = tokens
        told = self._diagnosis(body, message_id, read, done)
        if not marks:
            return {}, told
        return {
            "cache_creation_input_tokens": sum(written.values()),
            "cache_read_input_tokens": read,
            "cache_creation": {f"ephemeral_{ttl}_input_tokens": n for ttl, n in written.items()},
        }, told

    def _longest(self, parts: list[Part], marks: list[int]) -> tuple[int, int]:
        """Tokens and position of the longest prefix that is there; 0 and -1 without one."""
        for mark in reversed(marks):
            for at in range(mark, max(-1, mark - LOOKBACK), -1):
                if parts[at].prefix in self.entries:
                    return self.entries[parts[at].prefix], at
        return 0, -1

    def _diagnosis(
        self, body: Mapping[str, Any], message_id: str, read: int, cached: int
    ) -> JSON | None:
        """Null when not asked for, on a first turn, and when nothing differs."""
        asked = body.get("diagnostics")
        if not asked:
            return None
        now, before = _print(body, cached), asked.get("previous_message_id")
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


def _parts(body: Mapping[str, Any]) -> Iterator[Part]:
    """The prompt block by block in the order of the cache: tools, system, messages.

    What else is in a request counts from the level on that it invalidates (prompt-caching).
    """
    tools, system = body.get("tools") or [], _blocks(body.get("system"))
    turns = body.get("messages") or []
    talk = [(i, j, block) for i, turn in enumerate(turns)
            for j, block in enumerate(_blocks(turn.get("content")))]  # fmt: skip
    whole: JSON = {"model": body.get("model"), "messages": []}
    automatic = (body.get("cache_control") or {}).get("ttl", "5m")
    last = len(tools) + len(system) + len(talk) - 1 if body.get("cache_control") else -1
    prefix, at = _hash("", [body.get("model")]), 0

    def part(prefix: str, block: JSON, so_far: JSON) -> Part:
        mark = _mark(block) or (automatic if at == last else None)
        return Part(prefix, mark, so_far)

    for k, tool in enumerate(tools):
        prefix = _hash(prefix, tool) if _is_ours(tool) else prefix
        yield part(prefix, tool, whole | {"tools": tools[: k + 1]})
        at += 1
    whole |= {"tools": tools}
    prefix = _hash(prefix, _beside_system(body, talk))
    for k, block in enumerate(system):
        prefix = _hash(prefix, block)
        yield part(prefix, block, whole | {"system": system[: k + 1]})
        at += 1
    whole |= {"system": system}
    prefix = _hash(prefix, _beside_messages(body, talk))
    for i, j, block in talk:
        prefix = _hash(prefix, [turns[i].get("role"), block])
        here = {**turns[i], "content": _blocks(turns[i].get("content"))[: j + 1]}
        yield part(prefix, block, whole | {"messages": [*turns[:i], here]})
        at += 1


def _beside_system(body: Mapping[str, Any], talk: list[tuple[int, int, JSON]]) -> list[Any]:
    """What invalidates system and messages: server tools, citations, speed, an output schema.

    Of the schema the documentation says that it invalidates the cache and that a text is added to
    the system prompt for it; that the tools are left follows from this and is not stated.
    """
    cited = any((block.get("citations") or {}).get("enabled") for _, _, block in talk
                if block.get("type") in {"document", "search_result"})  # fmt: skip
    served = [tool for tool in body.get("tools") or [] if not _is_ours(tool)]
    return [served, cited, body.get("speed") or "standard", _schema(body)]


def _beside_messages(body: Mapping[str, Any], talk: list[tuple[int, int, JSON]]) -> list[Any]:
    """What invalidates messages alone: pictures, tool choice, thinking, effort."""
    return [any(block.get("type") == "image" for _, _, block in talk), *_settings(body)]


def _settings(body: Mapping[str, Any]) -> list[Any]:
    """Tool choice, thinking and effort as they hold: a default that is written out is no change.

    How thinking is displayed does not count: it may be switched between turns.
    """
    model = facts.model(body["model"])
    thinking = body.get("thinking") or {}
    mode = thinking.get("type") or ("adaptive" if model.thinks_by_default else "disabled")
    effort = (body.get("output_config") or {}).get("effort") or model.default_effort
    return [body.get("tool_choice"), mode, thinking.get("budget_tokens"), effort]


def _schema(body: Mapping[str, Any]) -> Any:
    return (body.get("output_config") or {}).get("format")


def _print(body: Mapping[str, Any], cached: int) -> Print:
    turns = body.get("messages") or []
    return Print(
        _hash("", [body.get("model"), body.get("speed") or "standard"]),
        _hash("", _blocks(body.get("system"))),
        _hash("", body.get("tools") or []),
        tuple(_hash("", [turn.get("role"), _blocks(turn.get("content"))]) for turn in turns),
        _hash("", [*_settings(body), _schema(body)]),
        cached,
    )


def _is_ours(tool: Mapping[str, Any]) -> bool:
    return (tool.get("type") or "custom") == "custom"


def _mark(block: Mapping[str, Any]) -> str | None:
    inner = block.get("content")
    held = [block, *(inner if isinstance(inner, list) else [])]
    marks = [each.get("cache_control") for each in held if isinstance(each, dict)]
    return next((mark.get("ttl") or "5m" for mark in reversed(marks) if mark), None)


def _blocks(content: Any) -> list[JSON]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def _hash(before: str, value: Any) -> str:
    """A chain of hashes, byte for byte: the order of keys counts, marks do not."""
    text = json.dumps(_unmarked(value), ensure_ascii=False)
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unmarked(item) for name, item in value.items() if name != "cache_control"}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value
