"""Proposes a name for a houseplant; every request leaves a line in the log."""

import logging

import anthropic

MODEL = "claude-sonnet-5-5"
PROMPT = "Propose one short name for the plant. Only the name."
log = logging.getLogger("plants")
client = anthropic.Anthropic(timeout=60.0)


def name_for(plant: str) -> str | None:
    """Return a name, or None when there is no whole answer."""
    reply = client.messages.create(
        model=MODEL,
        max_tokens=4000,
        system=PROMPT,
        messages=[{"role": "user", "content": plant}],
    )
    log.info("%s %s", reply.stop_reason, reply.usage.output_tokens)
    if reply.stop_reason != "end_turn":
        return None
    return "".join(block.text for block in reply.content if block.type == "text")
