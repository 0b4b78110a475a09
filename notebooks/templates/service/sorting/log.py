"""The log: one line of JSON for each request, with figures and no words of anybody.

No key, no question and no answer gets into it, so it may be kept and passed on.
"""

import json
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from anthropic import APIError
from anthropic.types import Message

log = logging.getLogger("sorting")


def log_line(reply: Message, seconds: float) -> str:
    """Return the line of a request that was answered."""
    usage = reply.usage
    record = {
        "request_id": reply._request_id,
        "model": reply.model,
        "stop_reason": reply.stop_reason,
        "input_tokens": usage.input_tokens,
        "cache_written": usage.cache_creation_input_tokens or 0,
        "cache_read": usage.cache_read_input_tokens or 0,
        "output_tokens": usage.output_tokens,
        "seconds": round(seconds, 2),
    }
    return json.dumps(record)


def failure_line(error: APIError, seconds: float) -> str:
    """Return the line of a request that failed; the error's own text stays out."""
    record = {
        "request_id": getattr(error, "request_id", None),
        "error": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "seconds": round(seconds, 2),
    }
    return json.dumps(record)


def log_to(path: Path) -> None:
    """Write the log to this file; it is begun anew at 5 MB, and three old ones stay."""
    handler = RotatingFileHandler(
        path, maxBytes=5_000_000, backupCount=3, encoding="utf-8"
    )
    handler.setFormatter(
        logging.Formatter('{"time": "%(asctime)s", "request": %(message)s}')
    )
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False  # nothing of it goes to the log of the whole program


def summary(lines: list[str]) -> dict[str, Any]:
    """Sum up the lines of a log: how many requests, how they ended, their tokens."""
    records = [json.loads(line)["request"] for line in lines]
    answered = [record for record in records if "error" not in record]
    cut = [each for each in answered if each["stop_reason"] != "end_turn"]
    kinds = ("input_tokens", "cache_written", "cache_read", "output_tokens")
    sums: dict[str, Any] = {
        "requests": len(records),
        "failed": len(records) - len(answered),
        "not whole": len(cut),
    }
    for kind in kinds:
        sums[kind] = sum(each[kind] for each in answered)
    sums["slowest"] = max((each["seconds"] for each in records), default=0)
    return sums
