"""The body of a request: its Content-Encoding taken off, its JSON read as the API reads it.

What cannot be read is said in the API's words; nothing that a client can send makes it fail. It
must not know what a body is for.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

MOST_LEVELS = 200  # of nesting; the API's own limit is not established
MOST_BYTES = 256 * 1024 * 1024  # after decoding; the largest body that any endpoint takes
GZIP_OR_ZLIB = 47  # window bits for zlib: the head says which of the two it is
TOO_DEEP = f"nested more than {MOST_LEVELS} levels deep"
# A half of a surrogate pair in a JSON string; another escape, so that \\ud83d is not taken for one.
MAYBE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})(?P<pair>\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    r"|u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|.)"
)


class EncodingError(Exception):
    """A Content-Encoding that cannot be taken off. `code`: as SDK 2.14 knows it; `status`."""

    def __init__(self, code: str, status: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.status = status


def decoded(headers: Mapping[str, str], raw: bytes) -> bytes:
    """The body without its Content-Encoding. Raises `EncodingError`."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity") or not raw:
        return raw
    if coding not in ("gzip", "x-gzip", "deflate"):
        words = "The request's `Content-Encoding` is not supported."
        raise EncodingError("request_body_encoding_unsupported", 400, words)
    unpacking = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        plain = unpacking.decompress(raw, MOST_BYTES + 1)
    except zlib.error:
        plain = b""
    if len(plain) > MOST_BYTES:
        words = "Request exceeds the maximum size"
        raise EncodingError("request_body_too_large_after_decoding", 413, words)
    if not unpacking.eof:
        words = "The request body is not valid for its `Content-Encoding`."
        raise EncodingError("request_body_encoding_invalid", 400, words)
    return plain


def read(raw: bytes) -> Any:
    """The JSON value of a body. Raises `ValueError` in the API's words when it is none."""
    try:
        text = raw.decode(json.detect_encoding(raw))
        value = json.loads(text, parse_constant=_no_number, parse_int=_whole)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except ValueError as error:
        raise ValueError(_in_api_words(str(error))) from None
    if MAYBE_HALF.search(raw):
        _check_pairs(text)
    if raw.count(b"[") + raw.count(b"{") > MOST_LEVELS:
        _check_levels(value)
    return value


def _in_api_words(sentence: str) -> str:
    """What Python says about bad JSON, as the API's parser says it where its words are known."""
    lower = sentence.replace("Expecting", "expecting")
    return lower.replace(
        "Invalid control character at", "unexpected control character in string"
    )  # claude-code#77525, 2026-07-14


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads
        raise ValueError("number out of range") from None


def _check_pairs(text: str) -> None:
    """Refuse half an emoji: one surrogate without the other."""
    for found in ESCAPE.finditer(text):
        words, at = "", found.end()
        if found["low"]:
            words, at = "invalid high surrogate", found.start()
        elif found["high"] and not found["pair"]:
            follows = text.startswith("\\u", found.end())
            words = "invalid low surrogate" if follows else "no low surrogate"
        if words:
            line = text.count("\n", 0, at) + 1
            column = at - text.rfind("\n", 0, at)
            raise ValueError(f"{words} in string: line {line} column {column} (char {at})")


def _check_levels(value: Any) -> None:
    layer = [value]
    for _ in range(MOST_LEVELS + 1):
        below: list[Any] = []
        for each in layer:
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, list):
                below += each
        layer = below
        if not layer:
            return
    raise ValueError(TOO_DEEP)
