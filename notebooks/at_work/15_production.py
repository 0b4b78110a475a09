"""A service in one file: its defaults in one place, a line of figures a request."""

import json
import logging
import time
from typing import Any

import anthropic
from anthropic.types import Message
from dotenv import load_dotenv

DEFAULTS: dict[str, Any] = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 4000,
    "system": "The bins of our town: paper, glass, organic, rest; everything else goes "
    "to the yard. Say in one sentence where the thing goes.",
}
log = logging.getLogger("sorting")


def ask(question: str) -> Message:
    started = time.monotonic()
    reply: Message = client.messages.create(
        **DEFAULTS, messages=[{"role": "user", "content": question}]
    )
    figures = {
        "request_id": reply._request_id,
        "stop_reason": reply.stop_reason,
        "output_tokens": reply.usage.output_tokens,
        "seconds": round(time.monotonic() - started),
    }
    log.info(json.dumps(figures))
    return reply


load_dotenv()
logging.basicConfig(format="%(message)s")
log.setLevel(logging.INFO)  # of this log alone; others stay at WARNING
client = anthropic.Anthropic(timeout=60.0)
reply = ask("A broken umbrella?")
if reply.stop_reason == "end_turn":
    print("".join(block.text for block in reply.content if block.type == "text"))
else:
    print("There is no whole answer:", reply.stop_reason)
