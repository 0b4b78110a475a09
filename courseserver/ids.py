"""Ids and signatures: derived from a seed, so that they are the same on every machine.

A thinking block's signature is bound to its text and to all that was said before it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from courseserver.identity import without

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PREFIXES = {"msg": "011Ch", "req": "011C", "file": "011C"}  # ids of these kinds are time-ordered
# A signature holds the thinking in encrypted form, so its length tells how much there was. Fitted
# to signatures of the 5.5 models: 740 to 1,080 characters for 8 to 143 tokens.
SHORTEST_SIGNATURE = 740
SIGNATURE_PER_TOKEN = 2.4
SIGNED_BY = b"course"  # what tells our signatures from those of real models
SIGNATURE_HEAD = b"\x08\x04\x12\x8a\x06\n\x10\x08\x12\x18\x028\x01B\x08thinking\x12\x18course"
# How each of ours begins: as much of the head as whole groups of three bytes make.
OWN_SIGNATURE = base64.b64encode(SIGNATURE_HEAD[: len(SIGNATURE_HEAD) // 3 * 3]).decode()
Changed = Literal["altered", "edited", "system", "tools", "messages"]


@dataclass(frozen=True)
class Captured:
    """What a block of thinking was bound to that the real API made.

    Its signature cannot be read; so its text, the signatures before it in its reply (`before`) and
    the request that it answered (`prefix`, as recordings keep it) are compared, all but its
    `volatile` parts.
    """

    text: str
    before: str
    prefix: Mapping[str, Any]
    volatile: tuple[str, ...] = ()

    def problem(
        self, block: Mapping[str, Any], prefix: Mapping[str, Any], before: str
    ) -> Changed | None:
        """What changed since the block was made; see `signature_problem`."""
        text = str(block.get("thinking", ""))
        if before != self.before or (self.text and text != self.text):
            return "edited"
        parts: list[Literal["system", "tools", "messages"]] = ["system", "tools", "messages"]
        for name in parts:
            if _part(self._fixed(prefix), name) != _part(self._fixed(self.prefix), name):
                return name
        return None

    def _fixed(self, prefix: Mapping[str, Any]) -> Mapping[str, Any]:
        for where in self.volatile:
            prefix = without(prefix, where.split("."))
        return prefix


def is_damaged(signature: str, known: Mapping[str, Captured]) -> bool:
    """Whether a signature that is not known is one of the captured ones with a few changes.

    Signatures of another course server, as of a stand-in for the API, are judged by their seal.
    """
    for other in known:
        if other.startswith(OWN_SIGNATURE):
            continue
        alike = sum(one == two for one, two in zip(signature, other, strict=False))
        if 2 * alike >= max(len(signature), len(other)):
            return True
    return False


def make_id(kind: str, *seed: object) -> str:
    """An id of the real shape: `kind_01` and 22 characters of base58, the same for a seed."""
    number = int.from_bytes(digest("id", kind, *seed), "big")
    tail = PREFIXES.get(kind, "01")
    while len(tail) < 24:
        number, index = divmod(number, 58)
        tail += BASE58[index]
    return f"{kind}_{tail}"


def signature(prefix: Mapping[str, Any], thinking: str, tokens: int, before: str = "") -> str:
    """A thinking block's signature: bound to the text and to all that was said before it.

    `before`: the signatures of the thinking blocks that stand before it in the same reply.
    """
    bound = b"".join(_part(prefix, name) for name in ("system", "tools", "messages"))
    head = SIGNATURE_HEAD + bound + digest("thinking", thinking)[:6]
    length = (SHORTEST_SIGNATURE + round(SIGNATURE_PER_TOKEN * tokens)) * 3 // 4
    filler = random.Random(head).randbytes(length - len(head))
    return base64.b64encode(head + (_chained(filler, before) if before else filler)).decode()


def signature_problem(
    block: Mapping[str, Any], prefix: Mapping[str, Any], before: str = ""
) -> Changed | None:
    """What changed since a replayed thinking block was made; None if nothing, or if it is foreign.

    "altered": the signature (of a redacted block: the data) itself; "edited": the text, or the
    thinking blocks before it in the same turn, whose signatures are `before`. A text put into a
    block that came without one is ignored, as the page on thinking says (October 2026).
    `prefix` holds `system`, `tools` and the `messages` before the block's assistant turn.
    """
    try:
        raw = base64.b64decode(signature_of(block), validate=True)
    except ValueError:
        return "altered"
    start = len(SIGNATURE_HEAD)
    if not raw.startswith(SIGNATURE_HEAD):
        return "altered" if _was_ours(raw) else None
    head, filler = raw[: start + 24], raw[start + 24 :]
    made = random.Random(head).randbytes(len(filler))
    if filler[:-6] != made[:-6] or len(raw) < SHORTEST_SIGNATURE * 3 // 4:
        return "altered"
    if filler != (_chained(made, before) if before else made):
        return "edited"
    text = "" if block.get("type") == "redacted_thinking" else str(block.get("thinking", ""))
    if head[-6:] not in {digest("thinking", text)[:6], digest("thinking", "")[:6]}:
        return "edited"
    parts: list[Literal["system", "tools", "messages"]] = ["system", "tools", "messages"]
    for offset, name in enumerate(parts):
        if raw[start + 6 * offset : start + 6 * offset + 6] != _part(prefix, name):
            return name
    return None


def _was_ours(raw: bytes) -> bool:
    """Whether a signature that does not begin as ours do is one of ours, damaged.

    Real ones of the 5.5 generation begin alike, but for the name at the end of the head; they are
    never as short as the head (wire.md: 245 characters and more, 2024 to 2026).
    """
    if len(raw) <= len(SIGNATURE_HEAD):
        alike = zip(SIGNATURE_HEAD, raw, strict=False)
        return 2 * sum(ours == came for ours, came in alike) >= len(raw)
    at = len(SIGNATURE_HEAD) - len(SIGNED_BY)
    name = raw[at : len(SIGNATURE_HEAD)]
    same = sum(ours == came for ours, came in zip(SIGNED_BY, name, strict=True))
    return 2 * same >= len(SIGNED_BY)


def signature_of(block: Mapping[str, Any]) -> str:
    """What binds a block of thinking: its signature, or the data of a redacted one."""
    name = "data" if block.get("type") == "redacted_thinking" else "signature"
    return str(block.get(name, ""))


def _chained(filler: bytes, before: str) -> bytes:
    return filler[:-6] + digest("before", before)[:6]


def _part(prefix: Mapping[str, Any], name: str) -> bytes:
    value = prefix.get(name) or []
    if name == "system":
        value = [{"role": "system", "content": value}]
    if name != "tools":
        value = [[turn.get("role"), _plain(turn.get("content"))] for turn in value]
    return digest(name, json.dumps(value, sort_keys=True))[:6]


def _plain(content: Any) -> Any:
    """Content without what does not bind a thinking block: cache markers and earlier thinking."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [
        {key: value for key, value in block.items() if key != "cache_control"}
        for block in content
        if isinstance(block, dict) and block.get("type") not in {"thinking", "redacted_thinking"}
    ]


def digest(*parts: object) -> bytes:
    return hashlib.sha256("\x00".join(str(part) for part in parts).encode()).digest()
