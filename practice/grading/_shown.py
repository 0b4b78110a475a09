"""How a reply or an exchange is shown below an outcome: in Markdown, and short.

It must not know what is right.
"""

from __future__ import annotations

import json
from typing import Any

from helpers._text import shorten
from practice.grading.tape import Sent


def reply_in_short(value: Any) -> Any:
    """What matters of a `Message` that an answer is handed; None of any other value."""
    if type(value).__name__ != "Message":
        return None
    whole = value.to_dict()
    return {part: whole.get(part) for part in ("content", "stop_reason", "usage")}


def exchange(sent: Sent, show: str) -> list[str]:
    """A request, or its field `show` alone if it has that, and the reply to it."""
    what = "The request"
    body = sent.body
    if isinstance(body, dict) and show in body:
        what = f"`{show}` in the request"
        body = body[show]
    parts = [f"{what} to `{sent.path}`:\n\n{as_json(body)}"]
    if isinstance(sent.reply, dict):
        came = sent.reply
        of = ""
        for part in ("error", "content"):
            if part in sent.reply:
                came = sent.reply[part]
                of = f", with this `{part}`"
        parts.append(f"Status {sent.status} came back{of}:\n\n{as_json(came)}")
    return parts


def as_json(value: Any) -> str:
    """JSON for the eye: long texts and long bodies are cut."""
    lines = json.dumps(shorten(value, 120), indent=1, ensure_ascii=False).splitlines()
    shown = lines[:40]
    if len(lines) > 40:
        shown.append("...")
    return "```json\n" + "\n".join(shown) + "\n```"
