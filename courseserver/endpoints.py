"""The one table of endpoints: which methods and paths there are, and what each is called.

It alone decides what is not found (404) and which method is not allowed (405).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BATCHES = "/v1/messages/batches"
ID = r"/(?P<id>[^/]+)"


@dataclass(frozen=True)
class Endpoint:
    """One path, the methods that it takes, and `kind`: the family that rules and limits name."""

    name: str
    kind: str
    methods: tuple[str, ...]
    path: re.Pattern[str]


def _endpoint(name: str, kind: str, methods: str, path: str) -> Endpoint:
    return Endpoint(name, kind, tuple(methods.split()), re.compile(path))


TABLE = (
    _endpoint("messages", "messages", "POST", "/v1/messages"),
    _endpoint("count_tokens", "count_tokens", "POST", "/v1/messages/count_tokens"),
    _endpoint("batches", "batches", "GET POST", BATCHES),
    _endpoint("batch", "batches", "GET DELETE", BATCHES + ID),
    _endpoint("batch results", "batches", "GET", f"{BATCHES}{ID}/results"),
    _endpoint("batch cancel", "batches", "POST", f"{BATCHES}{ID}/cancel"),
    _endpoint("files", "files", "GET POST", "/v1/files"),
    _endpoint("file", "files", "GET DELETE", f"/v1/files{ID}"),
    _endpoint("file content", "files", "GET", f"/v1/files{ID}/content"),
    _endpoint("models", "models", "GET", "/v1/models"),
    _endpoint("model", "models", "GET", f"/v1/models{ID}"),
)
NOWHERE = Endpoint("", "", (), re.compile("(?!)"))


def find(path: str) -> tuple[Endpoint, str]:
    """The endpoint of a path and the id in it; `NOWHERE` and "" when there is none."""
    for endpoint in TABLE:
        found = endpoint.path.fullmatch(path)
        if found:
            return endpoint, found.groupdict().get("id") or ""
    return NOWHERE, ""
