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
    if text.startswith("sha256:") or "… [sha256:" in text[:100]:
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
        yield f"{path}: recorded {_brief(recorded)}, sent {_brief(sent)}"


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
