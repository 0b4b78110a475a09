"""What a request asks, apart from how it is put: its core, and what may differ beside it.

Two requests with one core ask Claude the same. What is free (a limit, a cache mark, a default that
is written out) changes the reply in a way that can be computed, or not at all. It must not know
what is recorded, nor what a reply looks like.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from courseserver import facts
from courseserver.identity import LONG, digest, is_digest
from courseserver.ids import digest as hashed
from courseserver.ids import signature_of
from courseserver.prompt import THINKING, as_blocks
from courseserver.values import JSON

# The words for what may differ. A reply says them (`adapted: max_tokens`), the journal keeps them.
MAX_TOKENS, STOP_SEQUENCES, STREAM = "max_tokens", "stop_sequences", "stream"
METADATA, DIAGNOSTICS, MARKS = "metadata", "diagnostics", "cache marks"
SENT_THINKING, DISPLAY = "thinking", "thinking display"
WORDING, TOOL_NAMES, FORM = "wording", "tool names", "form"
WORDS = (
    MAX_TOKENS, STOP_SEQUENCES, STREAM, METADATA, DIAGNOSTICS, MARKS, SENT_THINKING, DISPLAY,
    WORDING, TOOL_NAMES, FORM,
)  # fmt: skip
SIGNATURES = "signatures"  # differ by themselves when something in front of them does
FIELDS = {name: name for name in (MAX_TOKENS, STOP_SEQUENCES, STREAM, METADATA, DIAGNOSTICS)}
DEFAULTS: JSON = {"service_tier": "auto", "speed": "standard"}
DIRECT = {"type": "direct"}
SPACES = re.compile(r"\s+")
END_MARKS = " .,;:!?…"
PLEASE = re.compile(r"(^|,? )please\b,?", re.IGNORECASE)
QUOTES = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}  # curly ones become straight


@dataclass(frozen=True)
class Shape:
    """The core of a request as a hash, and what may differ, by the words for it."""

    core: str
    free: JSON

    def differs_from(self, other: Shape) -> tuple[str, ...]:
        """The words for all in which two requests of one core differ."""
        words = [word for word in WORDS if self.free[word] != other.free[word]]
        if not words and self.free[SIGNATURES] != other.free[SIGNATURES]:
            words = [SENT_THINKING]
        return tuple(words)


def shape_of(body: JSON, version: str, betas: Iterable[str]) -> Shape:
    """The shape of a body in the form in which recordings keep it, with the headers that count."""
    shaping = _Shaping(body)
    core = [version, sorted(set(betas)), shaping.kept]
    text = json.dumps(core, sort_keys=True, ensure_ascii=False)
    return Shape(hashed(text).hex(), shaping.free)


def plain(text: str) -> str:
    """A learner's own text without what changes no meaning.

    These are spaces, case, curly quotes, a "please" and the marks at the end. A text of which
    nothing would be left stays as it is, and so does a digest.
    """
    if len(text) > LONG or is_digest(text):
        return text
    said = PLEASE.sub(" ", SPACES.sub(" ", text.translate(QUOTES)))
    return SPACES.sub(" ", said).strip().rstrip(END_MARKS).lower() or text


class _Shaping:
    """Goes through one body: `kept` is what the core is made of, `free` what may differ."""

    def __init__(self, body: JSON) -> None:
        self.free: JSON = {word: [] for word in (*WORDS, SIGNATURES)}
        self.names: dict[str, str] = {}
        self.kept: JSON = {}
        name = body.get("model")
        self.model = facts.SERVED.get(facts.ALIASES.get(str(name), str(name)))
        for part in FIELDS:
            self.free[part] = body.get(part) or None
        self.free[MAX_TOKENS] = body.get(MAX_TOKENS)  # 0 says something
        self.free[DISPLAY] = self._display(body)
        self._mark(body, "")
        for part, value in body.items():
            if part in ("cache_control", "messages", "tools", *FIELDS):
                continue
            self.kept[part] = value
        self._tools(body.get("tools") or [])
        self._settings()
        self._system()
        turns = body.get("messages") or []
        self.kept["messages"] = [self._turn(turn, f"messages.{n}") for n, turn in enumerate(turns)]

    # --- settings -----------------------------------------------------------------------------

    def _drop(self, part: str) -> None:
        """Take away what the API would take for granted, and note that it was written out."""
        self.free[FORM].append([part, self.kept.pop(part)])

    def _settings(self) -> None:
        kept = self.kept
        if self.model:
            kept["model"] = self.model.id
        config = dict(kept.get("output_config") or {})
        if self.model and config.get("effort") == self.model.default_effort is not None:
            self.free[FORM].append("effort")
            del config["effort"]
        if "output_config" in kept:
            kept["output_config"] = config
        if isinstance(kept.get("thinking"), dict):
            thinking = dict(kept["thinking"])
            thinking.pop("display", None)
            if thinking == {"type": self._default_thinking()}:
                self.free[FORM].append("thinking")
                thinking = {}
            kept["thinking"] = thinking
        choice = kept.get("tool_choice")
        if isinstance(choice, dict):
            choice = {key: item for key, item in choice.items() if item is not False}
            if "name" in choice:
                choice["name"] = self.names.get(choice["name"], choice["name"])
            kept["tool_choice"] = choice
            if choice == {"type": "auto"}:
                self._drop("tool_choice")
        for part in [part for part, value in kept.items() if value in (None, "", [], {})]:
            del kept[part]
        for part, default in DEFAULTS.items():
            if kept.get(part) == default:
                self._drop(part)

    def _default_thinking(self) -> str:
        return "adaptive" if self.model and self.model.thinks_by_default else "disabled"

    def _display(self, body: JSON) -> Any:
        """Whether the text of thinking is shown."""
        config = body.get("thinking") if isinstance(body.get("thinking"), dict) else {}
        default = self.model.default_display if self.model else None
        return (config or {}).get("display") or default

    def _tools(self, tools: list[JSON]) -> None:
        """The tools, the learner's own ones by their places in place of their names."""
        found = []
        for number, tool in enumerate(tools):
            where = f"tools.{number}"
            one = self._unmarked(tool, where)
            if one.get("type") == "custom":
                self.free[FORM].append(where)
                del one["type"]
            if one.get("strict") is False:
                self.free[FORM].append(f"{where}.strict")
                del one["strict"]
            if "type" not in one:
                self.names[one["name"]] = where
                self.free[TOOL_NAMES].append(one["name"])
                one["name"] = where
            found.append(one)
        if found:
            self.kept["tools"] = found

    def _system(self) -> None:
        if "system" in self.kept:
            blocks = self._blocks(self.kept["system"], "system")
            self.kept["system"] = [self._unmarked(block, where) for block, where in blocks]

    # --- messages -----------------------------------------------------------------------------

    def _turn(self, turn: JSON, where: str) -> JSON:
        blocks = self._blocks(turn.get("content"), where)
        if turn.get("role") == "assistant":
            content = self._said(blocks)
        else:
            content = [self._block(block, place) for block, place in blocks]
            if turn.get("role") == "user":
                content = self._in_order([self._worded(block) for block in content], where)
        return {**turn, "content": content}

    def _blocks(self, content: Any, where: str) -> list[tuple[JSON, str]]:
        """A content as blocks, each with its place; a string is one text block."""
        if isinstance(content, str):
            self.free[FORM].append(where)
        blocks: Sequence[JSON] = as_blocks(content)
        return [(block, f"{where}.{number}") for number, block in enumerate(blocks)]

    def _worded(self, block: JSON) -> JSON:
        """A block of the learner's own turn: of its text, only the words and figures count."""
        if block.get("type") != "text":
            return block
        self.free[WORDING].append(block["text"])
        return {**block, "text": plain(block["text"])}

    def _in_order(self, content: list[JSON], where: str) -> list[JSON]:
        """Results of tools that open a turn, in the order of their ids."""
        count = 0
        while count < len(content) and content[count].get("type") == "tool_result":
            count += 1
        results = sorted(content[:count], key=lambda block: str(block.get("tool_use_id")))
        if results != content[:count]:
            self.free[FORM].append([where, [block["tool_use_id"] for block in content[:count]]])
        return results + content[count:]

    def _said(self, blocks: list[tuple[JSON, str]]) -> list[JSON]:
        """A turn of Claude's without its thinking, and neighbouring texts as one."""
        content: list[JSON] = []
        for block, where in blocks:
            if block.get("type") in THINKING:
                self.free[SENT_THINKING].append(where.rpartition(".")[0])
                self.free[SIGNATURES].append(signature_of(block))
                self._mark(block, where)
                continue
            one = self._block(block, f"{where.rpartition('.')[0]}.{len(content)}")
            if one.pop("citations", None):
                self.free[FORM].append(f"{where}.citations")
            last = content[-1] if content else {}
            if one.get("type") == last.get("type") == "text" and _joinable(one, last):
                self.free[FORM].append([where, "joined"])
                text = last["text"] + one["text"]
                content[-1] = {**last, "text": digest(text) if len(text) > LONG else text}
                continue
            content.append(one)
        return content

    def _block(self, block: JSON, where: str) -> JSON:
        one = self._unmarked(block, where)
        kind = one.get("type")
        if kind == "tool_use":
            if one.get("caller") == DIRECT:
                self.free[FORM].append(f"{where}.caller")
                del one["caller"]
            one["name"] = self.names.get(one["name"], one["name"])
        if kind == "tool_result":
            inner = self._blocks(one.pop("content", None) or None, where)
            held = [self._unmarked(each, place) for each, place in inner]
            if held:
                one["content"] = held
            if one.get("is_error") is False:
                self.free[FORM].append(f"{where}.is_error")
                del one["is_error"]
        if kind == "document" and (one.get("citations") or {}).get("enabled") is False:
            self.free[FORM].append(f"{where}.citations")
            del one["citations"]
        return one

    def _unmarked(self, block: JSON, where: str) -> JSON:
        """A block without its cache mark and without what is null."""
        self._mark(block, where)
        return {
            name: item
            for name, item in block.items()
            if name != "cache_control" and item is not None
        }

    def _mark(self, block: JSON, where: str) -> None:
        if block.get("cache_control"):
            self.free[MARKS].append([where, block["cache_control"]])


def _joinable(*texts: JSON) -> bool:
    """Whether texts are kept whole in a recording, and not as digests."""
    return not any(is_digest(block["text"]) for block in texts)
