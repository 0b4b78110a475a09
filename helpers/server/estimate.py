"""Token estimates for authored replies and for counting offline.

The real tokenizer is not public. These formulas were fitted to real traffic; for models of the
5.5 generation take the result as plus or minus 15%. They know shapes and text, nothing else.
"""

from __future__ import annotations

import base64
import io
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from helpers import facts

JSON = dict[str, Any]

# Weights: words, letters of a word beyond 7, digits, runs of digits, non-ASCII characters,
# runs of newlines, punctuation. Fitted to 49 (newer) and 521 (older) real requests.
NEWER = (1.31, 0.58, 0.12, 2.07, 1.5, 0.37, 1.05)
OLDER = (1.07, 0.25, 0.04, 1.98, 0.87, 1.15, 0.50)
PDF_TOKENS_PER_PAGE = 2_100


def text_tokens(text: str, *, newer: bool = True) -> float:
    """Estimated tokens of `text` alone, without the overhead of a message."""
    words = re.findall(r"[A-Za-z]+", text)
    characters = Counter(text).items()  # looked at once each: texts are long, alphabets short
    features = (
        len(words),
        sum(len(word) - 7 for word in words if len(word) > 7),
        sum(n for c, n in characters if c.isdigit()),
        len(re.findall(r"\d+", text)),
        sum(n for c, n in characters if ord(c) > 127),
        len(re.findall(r"\n+", text)),
        sum(n for c, n in characters if ord(c) < 128 and not c.isalnum() and not c.isspace()),
    )
    return sum(w * f for w, f in zip(NEWER if newer else OLDER, features, strict=True))


def image_tokens(width: int, height: int, *, high_res: bool = True) -> int:
    """Tokens of one picture: 28-pixel patches after the API's own shrinking (vision page)."""
    edge, cap = facts.IMAGE_CAPS["high" if high_res else "standard"]
    scale = min(1.0, edge / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    tokens = math.ceil(width / 28) * math.ceil(height / 28)
    if tokens > cap:
        shrink = math.sqrt(cap / tokens)
        across = math.floor(math.ceil(width / 28) * shrink)
        tokens = min(cap, across * math.floor(cap / across))
    return tokens


def request_tokens(body: Mapping[str, Any]) -> int:
    """Estimated input tokens of a Messages or count_tokens request body."""
    newer = _newer(str(body.get("model", "")))
    messages = body.get("messages") or []
    total = 7.7 + 1.0 * (len(messages) - 1) if newer else 7.4 + 3.1 * (len(messages) - 1)
    total += _content(body.get("system"), newer)
    for message in messages:
        total += _content(message.get("content"), newer)
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
        size = picture_size(source)
        return image_tokens(*size, high_res=newer) + 4 if size else 1_500
    if kind == "document" and source.get("type") == "base64":
        pages = base64.b64decode(source.get("data", "")).count(b"/Type /Page\n")
        return PDF_TOKENS_PER_PAGE * max(1, pages)
    if kind == "document":
        return text_tokens(str(source.get("data", "")), newer=newer)
    return 0  # thinking, server results: not counted by this estimate


def picture_size(source: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height in pixels of a base64 picture source; None when it cannot be read."""
    if source.get("type") != "base64":
        return None
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(base64.b64decode(source["data"]))) as picture:
            return picture.size
    except (UnidentifiedImageError, ValueError, KeyError):
        return None


def _newer(model: str) -> bool:
    known = facts.MODELS.get(facts.ALIASES.get(model, model))
    return known is None or known.high_res_images  # the tokenizer changed with the same models


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
