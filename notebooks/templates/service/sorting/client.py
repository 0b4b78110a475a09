"""The one place where this service talks to Claude: an upgrade is one line here."""

import time
from typing import Any

import anthropic
from anthropic.types import Message, MessageParam

from sorting.log import failure_line, log, log_line

DEFAULTS: dict[str, Any] = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 4000,
    "system": "The bins of our town: paper, glass, organic, rest; everything else goes "
    "to the yard. Say in one sentence where the thing goes.",
}


class IncompleteError(Exception):
    """Claude did not come to its end; the message is the stop reason."""


def new_client() -> anthropic.Anthropic:
    """Make the client of this service; its key comes from the environment."""
    return anthropic.Anthropic(timeout=60.0, max_retries=2)


def ask(client: anthropic.Anthropic, question: str, **changes: Any) -> Message:
    """Send a question with the defaults; log one line; return the reply."""
    turn: MessageParam = {"role": "user", "content": question}
    started = time.monotonic()
    try:
        reply: Message = client.messages.create(
            **{**DEFAULTS, **changes}, messages=[turn]
        )
    except anthropic.APIError as error:
        log.warning(failure_line(error, time.monotonic() - started))
        raise
    log.info(log_line(reply, time.monotonic() - started))
    return reply


def whole_text(reply: Message) -> str:
    """Return the text of a reply; raises IncompleteError if it is not whole."""
    if reply.stop_reason != "end_turn":
        raise IncompleteError(reply.stop_reason)
    return "".join(block.text for block in reply.content if block.type == "text")
