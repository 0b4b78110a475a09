"""Token estimates for authored replies and for counting offline.

The real tokenizer is not public. These formulas were fitted to real traffic; for models of the
5.5 generation the result is mostly within 15%, one in ten is further off. They know shapes and
text, nothing else.
"""

from __future__ import annotations

import base64
import bisect
import json
import math
import re
import string
from collections.abc import Mapping
from typing import Any

from courseserver import facts
from courseserver.ids import SHORTEST_SIGNATURE, SIGNATURE_PER_TOKEN
from courseserver.media import pdf_pages, picture_size
from courseserver.values import JSON

# Weights: words, letters of a word beyond 7, digits, runs of digits, non-ASCII characters,
# runs of newlines, punctuation. Fitted to 49 (newer) and 521 (older) real requests.
NEWER = (1.31, 0.58, 0.12, 2.07, 1.5, 0.37, 1.05)
OLDER = (1.07, 0.25, 0.04, 1.98, 0.87, 1.15, 0.50)
PDF_TOKENS_PER_PAGE = 2_100
CITED_TEXT, CITED_PAGE = 590, 1_570  # what citations add: to a text, to a page of a PDF


def _blank_but(kept: str) -> bytes:
    """A table for bytes.translate that puts a blank for all other characters."""
    return bytes(code if chr(code) in kept else 32 for code in range(256))


LETTERS, DIGITS = _blank_but(string.ascii_letters), _blank_but(string.digits)
NO_MARKS = bytes(code for code in range(128) if chr(code).isalnum() or chr(code).isspace())


def text_tokens(text: str, *, newer: bool = True) -> float:
    """Estimated tokens of `text` alone, without the overhead of a message."""
    # On bytes and by tables: each text of a request is counted, more than once, at every request.
    plain = text.encode("ascii", "replace")  # "?" for a non-ASCII character
    strange = 0 if text.isascii() else sum(ord(c) > 127 for c in text)
    words, numbers = plain.translate(LETTERS).split(), plain.translate(DIGITS).split()
    features = (
        len(words),
        sum(len(word) - 7 for word in words if len(word) > 7),
        sum(map(len, numbers)),
        len(numbers),
        strange,
        len(re.findall(rb"\n+", plain)),
        len(plain.translate(None, NO_MARKS)) - strange,
    )
    return sum(w * f for w, f in zip(NEWER if newer else OLDER, features, strict=True))


def image_tokens(width: int, height: int, *, high_res: bool = True) -> int:
    """Tokens of one picture: 28-pixel patches after the API's own shrinking (vision page)."""
    across, down = resized(width, height, high_res=high_res)
    return math.ceil(across / 28) * math.ceil(down / 28)


def resized(width: int, height: int, *, high_res: bool = True) -> tuple[int, int]:
    """The size to which the API shrinks a picture of this size: the largest one that fits.

    The rule of the page vision-coordinates, August 2026: edges after padding to whole patches.
    """
    edge, cap = facts.IMAGE_CAPS["high" if high_res else "standard"]
    longest = max(width, height)

    def at(long: int) -> tuple[int, int]:
        short = max(1, round(long / (longest / min(width, height))))
        return (long, short) if width >= height else (short, long)

    def too_big(long: int) -> bool:
        across, down = (math.ceil(side / 28) for side in at(long))
        return max(across, down) * 28 > edge or across * down > cap

    return at(max(1, bisect.bisect_left(range(1, longest + 1), True, key=too_big)))


def request_tokens(body: Mapping[str, Any]) -> int:
    """Estimated input tokens of a Messages or count_tokens request body."""
    model = str(body.get("model", ""))
    newer = _newer(model)
    messages = body.get("messages") or []
    first, further = (7.7, 1.0) if newer else (7.4, 3.1)
    total = first + further * (len(messages) - 1) if messages else 0.0  # 0: the start of a prompt
    total += _content(body.get("system"), newer)
    counted_from = 0 if _keeps_thinking(model) else _current_turn(messages)
    for at, message in enumerate(messages):
        total += _content(message.get("content"), newer)
        if at >= counted_from:
            total += _thinking(message.get("content"))
    tools = body.get("tools") or []
    if tools:
        chars = sum(len(_compact(tool)) for tool in tools)
        total += 282 + 0.40 * chars if newer else 486 + 12 * len(tools) + 0.30 * chars
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    if schema:
        total += 85 + 0.5 * len(_compact(schema))
    return max(1, round(total))


def answer_tokens(content: list[JSON], model: str, thinking_tokens: int) -> int:
    """Estimated output tokens of a reply's blocks; thinking is billed as output."""
    newer = _newer(model)
    total = 2.5 if newer else 3.5
    for block in content:
        if block["type"] == "text":
            total += text_tokens(block["text"], newer=newer)
        elif block["type"] in {"tool_use", "server_tool_use"}:
            size = len(_compact(block["input"]))
            args = len(block["input"])
            total += (
                19 + 18 * args + 0.30 * size + 0.4 * len(block["name"])
                if newer
                else 34 + 8 * args + 0.25 * size
            )
    return round(total) + thinking_tokens if content else 0


def _content(content: Any, newer: bool) -> float:
    if isinstance(content, str):
        return text_tokens(content, newer=newer)
    return sum(_block(block, newer) for block in content or [] if isinstance(block, dict))


def _block(block: JSON, newer: bool) -> float:
    kind = block.get("type")
    if kind == "text":
        return text_tokens(block.get("text", ""), newer=newer)
    if kind == "tool_use":
        return 42 + 0.25 * len(_compact(block.get("input", {})))
    if kind in {"tool_result", "search_result"}:
        return _content(block.get("content"), newer)
    source = block.get("source") or {}
    if kind == "image":
        size = _picture_size(source)
        return image_tokens(*size, high_res=newer) + 4 if size else 1_500
    if kind == "document":
        cited = bool((block.get("citations") or {}).get("enabled"))
        if source.get("type") == "base64":
            pages = pdf_pages(base64.b64decode(source.get("data", "")))
            return (PDF_TOKENS_PER_PAGE + CITED_PAGE * cited) * pages
        return text_tokens(str(source.get("data", "")), newer=newer) + CITED_TEXT * cited
    return 0  # server results: not counted by this estimate; thinking: see _thinking()


def _thinking(content: Any) -> int:
    """Input tokens of the thinking that is sent back in one message.

    The API also leaves out what another model thought. A block does not say whose it is, so here
    it counts. Whether thinking counts in a request that switches thinking off is not known.
    """
    if not isinstance(content, list):
        return 0
    names = {"thinking": "signature", "redacted_thinking": "data"}
    total = 0
    for block in content:
        if isinstance(block, dict) and block.get("type") in names:
            signed = str(block.get(names[block["type"]], "")).rstrip("=")
            total += max(0, round((len(signed) - SHORTEST_SIGNATURE) / SIGNATURE_PER_TOKEN))
    return total


def _current_turn(messages: list[JSON]) -> int:
    """Where the current turn begins: the last user message that is not the results of tools."""
    for at in range(len(messages) - 1, -1, -1):
        content = messages[at].get("content")
        blocks = content if isinstance(content, list) else []
        results = any(
            isinstance(block, dict) and block.get("type") == "tool_result" for block in blocks
        )
        if messages[at].get("role") == "user" and not results:
            return at
    return 0


def _picture_size(source: Mapping[str, Any]) -> tuple[int, int] | None:
    if source.get("type") != "base64":
        return None
    try:
        return picture_size(base64.b64decode(source["data"]))
    except (ValueError, KeyError):
        return None


def _keeps_thinking(model: str) -> bool:
    known = facts.MODELS.get(facts.ALIASES.get(model, model))
    return known is None or known.keeps_thinking


def _newer(model: str) -> bool:
    known = facts.MODELS.get(facts.ALIASES.get(model, model))
    return known is None or known.high_res_images  # the tokenizer changed with the same models


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
