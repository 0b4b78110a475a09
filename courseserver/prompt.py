"""One view of a Messages request: every block in the order of the prompt, with its place.

Rules, cache and signatures look at a prompt through it, so that they agree on what is where. It
takes bodies whose shape was checked, and knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from courseserver.values import JSON

SERVER_CALLS = {"server_tool_use", "mcp_tool_use"}
THINKING = {"thinking", "redacted_thinking"}
HOLDERS = {"tool_result", "document", "search_result"}  # blocks of ours that hold others


@dataclass(frozen=True)
class Part:
    """One block of the prompt. `path`: as the API names it; `role`: of its turn, or "".

    Paths count turns as the API joins them: neighbours of one role are one (recorded in 2026).

    `turn` and `at` say where a block of a message stands. `nested` blocks stand inside another
    one (the result of a tool); they are no positions of their own in the cache.
    """

    path: str
    block: JSON
    role: str = ""
    turn: int = -1
    at: int = -1
    nested: bool = False

    @property
    def kind(self) -> str:
        """The block's type; a tool has one too."""
        return str(self.block.get("type") or "")


class Prompt:
    """The parts of a request body: `tools`, `system` and `messages`, in the cache's order."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.turns: list[JSON] = body.get("messages") or []
        self.tools = [Part(f"tools.{k}", tool) for k, tool in enumerate(body.get("tools") or [])]
        self.system = [
            Part(f"system.{k}", block)
            for k, block in enumerate(as_blocks(body.get("system") or None))
        ]
        self.numbers = _numbers(self.turns)
        self.messages = list(_talk(self.turns, self.numbers))
        self.blocks: list[list[Part]] = [[] for _ in self.turns]  # by turn, none nested
        for part in self.messages:
            if not part.nested:
                self.blocks[part.turn].append(part)
        self.whole = [*self.tools, *self.system, *self.messages]

    def of_kind(self, kind: str) -> list[Part]:
        """The blocks of messages of one kind, those inside results included."""
        return [part for part in self.messages if part.kind == kind]

    def marked(self) -> list[Part]:
        """What carries a cache breakpoint, in the order of the prompt."""
        return [part for part in self.whole if isinstance(part.block.get("cache_control"), dict)]

    def sources(self, kind: str) -> list[JSON]:
        """The sources of one kind (`url`, `file`) of all pictures and documents."""
        found = [part.block.get("source") for part in self.messages]
        return [each for each in found if isinstance(each, dict) and each.get("type") == kind]

    def joined(self) -> list[tuple[str, list[Part]]]:
        """Turns as the API joins them: neighbours of one role are one. System turns left out."""
        groups: list[tuple[str, list[Part]]] = []
        before = ""
        for number, turn in enumerate(self.turns):
            role = str(turn["role"])
            if role == "system":
                continue
            if role != before:
                groups.append((role, []))
            groups[-1][1].extend(self.blocks[number])
            before = role
        return groups

    def inner_texts(self) -> Iterator[JSON]:
        """The text blocks that stand inside results, documents and search results."""
        for part in self.top:
            if part.kind in HOLDERS:
                for each in _inside(part.block):
                    yield from _texts_in(each)

    @property
    def top(self) -> list[Part]:
        """The blocks of messages that do not stand inside another."""
        return [part for part in self.messages if not part.nested]


def as_blocks(content: Any) -> list[JSON]:
    """A content that may be a text or a list, as a list of blocks."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or []


def items(holder: Mapping[str, Any], name: str) -> list[JSON]:
    """The objects in a field that may hold a list; none when it is a text, null or missing."""
    value = holder.get(name)
    if not isinstance(value, list):
        return []
    return [part for part in value if isinstance(part, dict)]


def _numbers(turns: list[JSON]) -> list[int]:
    """The number of each turn once neighbours of one role are joined; system turns never are."""
    numbers: list[int] = []
    before = ""
    for turn in turns:
        role = str(turn["role"])
        joins = role == before and role != "system"
        last = numbers[-1] if numbers else -1
        numbers.append(last if joins else last + 1)
        before = role
    return numbers


def _talk(turns: list[JSON], numbers: list[int]) -> Iterator[Part]:
    start = 0  # blocks of the joined turn that stand in the turns before this one
    for i, turn in enumerate(turns):
        role = str(turn["role"])
        blocks = as_blocks(turn["content"])
        if not i or numbers[i] != numbers[i - 1]:
            start = 0
        for j, block in enumerate(blocks):
            path = f"messages.{numbers[i]}.content.{start + j}"
            yield Part(path, block, role, i, j)
            for k, inner in enumerate(items(block, "content")):
                where = f"{path}.{block['type']}.content.{k}"
                yield Part(where, inner, role, i, j, nested=True)
        start += len(blocks)


def _inside(block: JSON) -> list[JSON]:
    """The blocks that stand in a block: in its content, or in that of its source."""
    source = block.get("source")
    held = items(source, "content") if isinstance(source, dict) else []
    return [*items(block, "content"), *held]


def _texts_in(block: JSON) -> Iterator[JSON]:
    if block.get("type") == "text":
        yield block
    for each in _inside(block):
        yield from _texts_in(each)
