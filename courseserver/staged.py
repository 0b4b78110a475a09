"""Replies that cannot be ordered from the real API: failures, breaks and rare stop reasons.

Each is a named script in the recordings' short form, played in order, the last one repeating.
`raises` says what a plain call with the SDK ends in; the tests hold every line against the SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HALF = (
    "The library opens at nine on weekdays. On Saturdays it opens at ten, and on Sundays it stays "
    "closed, except on the first Sunday of the month, when the reading room opens from noon to"
)
FINE = "The library opens at nine."


@dataclass(frozen=True)
class Staged:
    """One named staged reply: what happens, what the SDK makes of it, and its script."""

    what: str
    raises: str
    replies: tuple[Any, ...]
    stream: bool = False  # it shows only when the request asks for a stream


def _error(status: int, kind: str, message: str) -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "message": message}}


def _broken(kind: str) -> tuple[Any, ...]:
    return ({"content": HALF, "fault": {"kind": kind, "after": 50}},)


RATE_LIMIT = _error(
    429, "rate_limit_error", "This request would exceed your organization's rate limit."
)
OVERLOADED = _error(529, "overloaded_error", "Overloaded")
SPEND_LIMIT: dict[str, Any] = {
    "status": 429,
    "error": {
        "type": "rate_limit_error",
        "message": "You have reached your API usage limits: your organization has crossed its "
        "monthly API usage threshold.",
        "details": {"error_code": "enforced_spend_limit_reached"},
    },
}
SEARCH = {
    "type": "server_tool_use",
    "id": "srvtoolu_01PauseTurnStagedByTheX2",
    "name": "web_search",
    "input": {"query": "opening hours of the library"},
}
REFUSED = {
    "type": "refusal",
    "category": "cyber",
    "explanation": "This request triggered cyber-related safeguards.",
}

STAGED: dict[str, Staged] = {
    "429-twice": Staged(
        "two rate-limit refusals, then an answer",
        "nothing: the SDK waits and tries again",
        (RATE_LIMIT, RATE_LIMIT, FINE),
    ),
    "429": Staged("a rate limit that does not end", "RateLimitError", (RATE_LIMIT,)),
    "500-once": Staged(
        "one internal error, then an answer",
        "nothing: the SDK tries again",
        (_error(500, "api_error", "Internal server error"), FINE),
    ),
    "spend-limit": Staged(
        "the month's spend limit of the organisation is reached",
        "EnforcedSpendLimitReachedError",
        (SPEND_LIMIT,),
    ),
    "529": Staged("the service is overloaded", "OverloadedError", (OVERLOADED,)),
    "401": Staged(
        "the key is wrong",
        "AuthenticationError",
        (_error(401, "authentication_error", "Invalid bearer token"),),
    ),
    "no-connection": Staged(
        "the connection breaks before an answer comes",
        "APIConnectionError",
        ({"content": FINE, "fault": {"kind": "cut", "after": 0}},),
    ),
    "slow": Staged(
        "no answer comes until you give up",
        "APITimeoutError",
        ({"content": FINE, "fault": {"kind": "stall", "after": 0}},),
    ),
    "cut-stream": Staged(
        "the connection breaks in the middle of the text",
        "httpx2.RemoteProtocolError",
        _broken("cut"),
        stream=True,
    ),
    "stall": Staged(
        "the text stops coming, the connection stays open",
        "httpx2.ReadTimeout",
        _broken("stall"),
        stream=True,
    ),
    "no-end": Staged(
        "the stream ends early, without saying so",
        "nothing: stop_reason is None",
        _broken("no-end"),
        stream=True,
    ),
    "error-event": Staged(
        "an error arrives inside the stream",
        "APIStatusError",
        _broken("error"),
        stream=True,
    ),
    "refusal": Staged(
        "a safety classifier stops the reply",
        "nothing: stop_reason is refusal",
        ({"content": [], "stop_reason": "refusal", "stop_details": REFUSED},),
    ),
    "max_tokens": Staged(
        "the text is cut at max_tokens",
        "nothing: stop_reason is max_tokens",
        ({"content": HALF, "stop_reason": "max_tokens"},),
    ),
    "stop_sequence": Staged(
        "the reply ends where a stop sequence would have stood",
        "nothing: stop_reason is stop_sequence",
        ({"content": FINE, "stop_reason": "stop_sequence", "stop_sequence": "END"},),
    ),
    "tool_use": Staged(
        "Claude asks for a tool",
        "nothing: stop_reason is tool_use",
        ([{"thinking": ""}, {"tool": "opening_hours", "input": {"day": "Sunday"}}],),
    ),
    "pause_turn": Staged(
        "a long server-side search pauses, then goes on when it is sent back",
        "nothing: stop_reason is pause_turn",
        ({"content": [SEARCH], "stop_reason": "pause_turn"}, FINE),
    ),
    "model_context_window_exceeded": Staged(
        "the context window is full",
        "nothing: stop_reason is model_context_window_exceeded",
        ({"content": HALF, "stop_reason": "model_context_window_exceeded"},),
    ),
}
