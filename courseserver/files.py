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
from courseserver.values import JSON, Problem, Request

CREATED, STAMP = datetime.fromisoformat(f"{facts.SERVER_DAY}T09:00:00"), "%Y-%m-%dT%H:%M:%S.%fZ"
HOUR, NINETY_DAYS = 3_600, 7_776_000  # seconds that a file may live; SDK 2.11
INVALID = "invalid_request_error"
BETWEEN = "Input should be between"  # wording not established


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
            return {key: self._fill(item) for key, item in value.items()}
        meta, content = self.kept[str(value["file_id"])]
        kind = meta["mime_type"]
        if kind == "text/plain":
            return {"type": "text", "media_type": kind, "data": content.decode(errors="replace")}
        return {"type": "base64", "media_type": kind, "data": base64.b64encode(content).decode()}

    def _upload(self, request: Request) -> JSON | Problem:
        parts = {head.get_param("name", header="content-disposition"): (head, content)
                 for head, content in form_parts(request)}  # fmt: skip
        if "file" not in parts:
            return Problem(400, INVALID, "file: Field required")
        head, content = parts["file"]
        seconds = parts.get("expires_in_seconds", (head, b""))[1].decode(errors="replace")
        if seconds and not (seconds.isdecimal() and HOUR <= int(seconds) <= NINETY_DAYS):
            return Problem(400, INVALID, f"expires_in_seconds: {BETWEEN} {HOUR} and {NINETY_DAYS}")
        kind = head.get_content_type()
        given = (head.get_filename() or "").replace("\\", "/").rpartition("/")[2]
        given = given or f"unnamed{ENDINGS.get(kind, '')}"
        name = make_id("file", given, hashlib.sha256(content).hexdigest())
        gone = (CREATED + timedelta(seconds=int(seconds))).strftime(STAMP) if seconds else None
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
        limit, page = query.get("limit", ["20"])[0], query.get("page", ["page_0"])[0]
        if not (limit.isdecimal() and 1 <= int(limit) <= 1_000 and page[5:].isdecimal()):
            return Problem(400, INVALID, f"limit: {BETWEEN} 1 and 1000")
        end = int(page[5:]) + int(limit)
        more = f"page_{end}" if end < len(newest) else None
        return {"data": newest[int(page[5:]) : end], "next_page": more}


def form_parts(request: Request) -> Iterator[tuple[Message, bytes]]:
    """Headers and content of each part of a multipart form; none when it is no such form."""
    outer = HeaderParser().parsestr(f"content-type: {request.headers.get('content-type', '')}\n\n")
    mark = outer.get_boundary()
    for piece in (b"\r\n" + request.raw).split(f"\r\n--{mark}".encode())[1:] if mark else []:
        head, split, content = piece.partition(b"\r\n\r\n")
        if split:
            yield HeaderParser().parsestr(head.decode(errors="replace").strip()), content
