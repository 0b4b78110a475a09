"""What makes two requests the same, and where two requests differ.

A request is identified whole: method, path, query, canonical body, API version and betas.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from courseserver.values import Request

LONG = 1_000  # characters of a string that is kept whole in a recording
MARK = "… [sha256:"  # in the digest of a text, after its first words
BRIEF = 60  # characters of a text that is shown whole in a difference
BEFORE, AFTER = 25, 45  # characters that are shown around the place where two longer ones differ


class Identity:
    """What identifies one request. The canonical body is worked out once, at the first look."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @cached_property
    def body(self) -> Any:
        """The body as recordings keep it."""
        return canonical(self.request.body)

    @cached_property
    def key(self) -> str:
        """The hash of the whole request."""
        return self.without(())

    def without(self, volatile: Iterable[str]) -> str:
        """The hash of the request without some parts of its body, such as `system.0`."""
        request = self.request
        version = request.headers.get("anthropic-version", "")
        return key_of(
            request.method,
            request.path,
            request.query,
            self.body,
            version,
            betas(request),
            volatile,
        )


def betas(request: Request) -> tuple[str, ...]:
    """The beta features a request asks for, sorted."""
    names = request.headers.get("anthropic-beta", "").split(",")
    return tuple(sorted(name.strip() for name in names if name.strip()))


def canonical(value: Any, inside: str = "") -> Any:
    """A JSON value as recordings keep it: base64, signatures and long texts become digests."""
    if isinstance(value, dict):
        # In a tuple, not in a set: the type of a JSON schema may be a list.
        binary = value.get("type") in ("base64", "redacted_thinking")
        return {
            key: digest(item)
            if isinstance(item, str) and (key == "signature" or (binary and key == "data"))
            else canonical(item, key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [canonical(item, inside) for item in value]
    return digest(value) if isinstance(value, str) and len(value) > LONG else value


def digest(text: str) -> str:
    """A short stand-in for a long string. A text keeps its first words, so diffs stay readable."""
    if is_digest(text):
        return text
    mark = f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]} {len(text)} characters"
    return f"{text[:48]}… [{mark}]" if " " in text[:200] else mark


def differences(recorded: Any, sent: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, one line for each place."""
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for key in [*recorded, *(key for key in sent if key not in recorded)]:
            where = f"{path}.{key}" if path else key
            if key not in sent:
                yield f"{where}: recorded {_brief(recorded[key])}, not sent"
            elif key not in recorded:
                yield f"{where}: not recorded, sent {_brief(sent[key])}"
            else:
                yield from differences(recorded[key], sent[key], where)
    elif isinstance(recorded, list) and isinstance(sent, list):
        for number in range(max(len(recorded), len(sent))):
            where = f"{path}[{number}]"
            if number >= len(sent):
                yield f"{where}: recorded {_brief(recorded[number])}, not sent"
            elif number >= len(recorded):
                yield f"{where}: not recorded, sent {_brief(sent[number])}"
            else:
                yield from differences(recorded[number], sent[number], where)
    elif recorded != sent or type(recorded) is not type(sent):  # 1 is not 1.0, nor true
        yield f"{path}: {_both(recorded, sent)}"


def _both(recorded: Any, sent: Any) -> str:
    """Two values that differ; of long texts, what stands around the first difference."""
    texts = isinstance(recorded, str) and isinstance(sent, str)
    if not texts or max(len(recorded), len(sent)) <= BRIEF:
        return f"recorded {_brief(recorded)}, sent {_brief(sent)}"
    pairs = enumerate(zip(recorded, sent, strict=False))
    at = next((n for n, (one, other) in pairs if one != other), min(len(recorded), len(sent)))
    kept = [text.find(MARK) for text in (recorded, sent) if MARK in text[:100]]
    if kept and at >= min(kept):
        return (
            f"this text differs somewhere (recorded {_length(recorded)} characters, sent "
            f"{_length(sent)}); it is too long to be kept in the recording"
        )
    return f"recorded {_window(recorded, at)}, sent {_window(sent, at)}"


def _length(text: str) -> int:
    """Characters of a text, also where a digest stands for it."""
    return int(text.split()[-2]) if is_digest(text) else len(text)


def _window(text: str, at: int) -> str:
    """What stands around a place of a text, in quotes; dots where something is left out."""
    whole = text
    if MARK in text[:100]:
        text = text.partition(MARK)[0]
    start = max(0, at - BEFORE)
    if start:  # not in the middle of a word, where there is a space
        start = text.find(" ", start, at) + 1 or start
    cut = text[start : at + AFTER]
    before = "…" if start else ""
    after = "…" if start + len(cut) < len(whole) else ""
    shown = cut.rstrip() if after else cut
    return json.dumps(f"{before}{shown}{after}", ensure_ascii=False)


def is_digest(text: str) -> bool:
    """Whether a recording keeps this in place of a long text or of binary data."""
    return text.startswith("sha256:") or MARK in text[:100]


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 90 else text[:86] + "…" + text[-1]


def query_of(query: str) -> str:
    return "" if query == "beta=true" else query  # the SDK's beta namespace adds it


def key_of(
    method: str,
    path: str,
    query: str,
    body: Any,
    version: str,
    asked: Iterable[str],
    volatile: Iterable[str],
) -> str:
    for where in volatile:
        body = without(body, where.split("."))
    asked = sorted(set(asked))
    whole = [method, path, query_of(query), body, version, asked]
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def without(value: Any, path: list[str]) -> Any:
    if isinstance(value, dict) and path[0] in value:
        rest = {key: item for key, item in value.items() if key != path[0]}
        return rest if len(path) == 1 else rest | {path[0]: without(value[path[0]], path[1:])}
    if isinstance(value, list) and path[0].isdigit() and int(path[0]) < len(value):
        at = int(path[0])
        inner = [] if len(path) == 1 else [without(value[at], path[1:])]
        return value[:at] + inner + value[at + 1 :]
    return value
