"""The Files API: uploads of one kernel, kept in memory, and their content put into requests.

Plain data in, plain data out. It knows no recording, no socket and no clock: nothing expires here,
and the id follows from name and content, so that a cell run again finds the same file again (the
real API makes a new file each time). Shapes: recorded traffic of July and August 2026.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import Message
from email.parser import HeaderParser
from typing import Any
from urllib.parse import parse_qs

from courseserver import facts
from courseserver.call import Call
from courseserver.ids import make_id
from courseserver.media import ENDINGS
from courseserver.paging import BETWEEN, MOST, number
from courseserver.values import JSON, Problem, Request

CREATED, STAMP = datetime.fromisoformat(f"{facts.SERVER_DAY}T09:00:00"), "%Y-%m-%dT%H:%M:%S.%fZ"
HOUR, NINETY_DAYS = 3_600, 7_776_000  # seconds that a file may live; SDK 2.11
INVALID = "invalid_request_error"
TAKES = {"document": ("application/pdf", "text/plain"), "image": ("image/",)}  # block: file kinds


@dataclass
class Files:
    """The files that a kernel uploaded: id -> (metadata as the API shows it, content)."""

    kept: dict[str, tuple[JSON, bytes]] = field(default_factory=dict)

    def answer(self, call: Call) -> JSON | Problem:
        """The reply's body to a request under /v1/files, or the refusal."""
        request, name = call.request, call.resource
        if call.endpoint.name == "files":
            if call.method == "POST":
                return self._upload(request)
            return self._list(parse_qs(request.query))
        if name not in self.kept:
            return Problem(404, "not_found_error", f"File not found: {name}")
        if call.endpoint.name == "file content":  # only what the API's own tools make
            code = {"error_code": "file_not_downloadable"}
            return Problem(400, INVALID, f"File '{name}' is not downloadable", code)
        if call.method == "GET":
            return self.kept[name][0]
        del self.kept[name]
        return {"id": name, "type": "file_deleted"}

    def filled(self, body: Any) -> Any:
        """The body with the content of files in place of ids; unknown ids stay as they are."""
        if not self.kept or not isinstance(body, dict) or "messages" not in body:
            return body
        return {**body, "messages": self._fill(body["messages"])}

    def _fill(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._fill(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("type") != "file" or str(value.get("file_id")) not in self.kept:
            kind = self._kind_of(value.get("source"))
            if kind and not kind.startswith(TAKES.get(str(value.get("type")), kind)):
                return value  # a rule tells that such a block cannot hold such a file
            return {key: self._fill(item) for key, item in value.items()}
        meta, content = self.kept[str(value["file_id"])]
        kind = meta["mime_type"]
        if kind == "text/plain":
            return {"type": "text", "media_type": kind, "data": content.decode(errors="replace")}
        return {"type": "base64", "media_type": kind, "data": base64.b64encode(content).decode()}

    def kinds(self) -> dict[str, str]:
        """The media types of the files that are kept, by id."""
        return {name: str(meta["mime_type"]) for name, (meta, _) in self.kept.items()}

    def _kind_of(self, source: Any) -> str:
        """The media type of the file that a source names; "" when it names none of ours."""
        name = source.get("file_id") if isinstance(source, dict) else None
        return str(self.kept[str(name)][0]["mime_type"]) if str(name) in self.kept else ""

    def _upload(self, request: Request) -> JSON | Problem:
        parts = {head.get_param("name", header="content-disposition"): (head, content)
                 for head, content in form_parts(request)}  # fmt: skip
        if "file" not in parts:
            return Problem(400, INVALID, "file: Field required")
        head, content = parts["file"]
        seconds = parts.get("expires_in_seconds", (head, b""))[1].decode(errors="replace")
        lifetime = number(seconds, HOUR, NINETY_DAYS)
        if seconds and lifetime is None:
            return Problem(400, INVALID, f"expires_in_seconds: {BETWEEN} {HOUR} and {NINETY_DAYS}")
        kind = head.get_content_type()
        given = (head.get_filename() or "").replace("\\", "/").rpartition("/")[2]
        given = given or f"unnamed{ENDINGS.get(kind, '')}"
        name = make_id("file", given, hashlib.sha256(content).hexdigest())
        gone = None
        if lifetime is not None:
            gone = (CREATED + timedelta(seconds=lifetime)).strftime(STAMP)
        meta = {
            "type": "file", "id": name, "size_bytes": len(content),
            "created_at": CREATED.strftime(STAMP), "filename": given,
            "mime_type": kind, "downloadable": False, "expires_at": gone,
        }  # fmt: skip
        self.kept[name] = (meta, content)
        return meta

    def _list(self, query: dict[str, list[str]]) -> JSON | Problem:
        newest = [meta for meta, _ in reversed(self.kept.values())]
        if wanted := query.get("ids[]", []) + query.get("ids", []):
            return {"data": [meta for meta in newest if meta["id"] in wanted], "next_page": None}
        size = number(query.get("limit", ["20"])[0], 1, MOST)
        start = number(query.get("page", ["page_0"])[0][5:], 0, 10**9)
        if size is None or start is None:
            return Problem(400, INVALID, f"limit: {BETWEEN} 1 and {MOST}")
        end = start + size
        more = f"page_{end}" if end < len(newest) else None
        return {"data": newest[start:end], "next_page": more}


def form_parts(request: Request) -> Iterator[tuple[Message, bytes]]:
    """Headers and content of each part of a multipart form; none when it is no such form."""
    outer = HeaderParser().parsestr(f"content-type: {request.headers.get('content-type', '')}\n\n")
    mark = outer.get_boundary()
    for piece in (b"\r\n" + request.raw).split(f"\r\n--{mark}".encode())[1:] if mark else []:
        head, split, content = piece.partition(b"\r\n\r\n")
        if split:
            yield HeaderParser().parsestr(head.decode(errors="replace").strip()), content
