"""A page of a list, as the API cuts it: `limit`, `after_id`, `before_id`. Shared by endpoints."""

from __future__ import annotations

from urllib.parse import parse_qs

from courseserver.values import JSON, Problem

MOST = 1_000  # entries of a page
BETWEEN = "Input should be between"  # wording not established


def number(text: str, least: int, most: int) -> int | None:
    """The whole number that a text writes; None when it is none, or not in the range."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        return None
    value = int(text)
    return value if least <= value <= most else None


def page(entries: list[JSON], query: str) -> JSON | Problem:
    """The reply to a list request; `entries` are all of them, each with its `id`, newest first.

    An id that is not there is passed over; what the API says to it is not established.
    """
    asked = parse_qs(query, keep_blank_values=True)
    size = number(asked.get("limit", ["20"])[0], 1, MOST)
    if size is None:
        return Problem(400, "invalid_request_error", f"limit: {BETWEEN} 1 and {MOST}")
    ids = [entry["id"] for entry in entries]
    after = asked.get("after_id", [""])[0]
    before = asked.get("before_id", [""])[0]
    if before in ids:
        stop = ids.index(before)
        start = max(0, stop - size)
        more = start > 0
    else:
        start = ids.index(after) + 1 if after in ids else 0
        stop = start + size
        more = stop < len(entries)
    cut = entries[start:stop]
    return {
        "data": cut,
        "has_more": more,
        "first_id": cut[0]["id"] if cut else None,
        "last_id": cut[-1]["id"] if cut else None,
    }
