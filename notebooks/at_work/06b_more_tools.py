"""Lets Claude draft a permit with a strict tool, once a person has said yes."""

import sys
from datetime import date
from typing import Any

import anthropic
from dotenv import load_dotenv

PERMIT: Any = {
    "name": "draft_permit",
    "description": "Draft the permit request, once day and size are known.",
    "input_schema": {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date"},
            "hours": {"type": "integer"},
            "visitors": {"type": "integer"},
        },
        "required": ["day", "hours", "visitors"],
        "additionalProperties": False,
    },
    "strict": True,
}


def draft_permit(day: str, hours: int, visitors: int) -> str:
    """Strict holds the types; whether the values make sense is checked here."""
    if date.fromisoformat(day).weekday() != 5 or not 1 <= hours <= 8:
        return "not drafted: it must be a Saturday, for 1 to 8 hours"
    return f"drafted: {day}, {hours} hours, {visitors} visitors"


def confirm(name: str, inputs: Any) -> bool:
    """A person's yes; where nobody sits at a terminal, the answer is no."""
    if not sys.stdin or not sys.stdin.isatty():
        return False
    return input(f"{name} {inputs}? (y/n) ").strip().lower() == "y"


load_dotenv()
order = "Draft it: June 12, 2027, six hours, 1200 visitors."
reply = anthropic.Anthropic().messages.create(
    model="claude-sonnet-5-5",
    max_tokens=2000,
    tools=[PERMIT],
    messages=[{"role": "user", "content": order}],
)
if reply.stop_reason != "tool_use":
    print("There is no finished call:", reply.stop_reason)
    sys.exit()
for block in reply.content:
    if block.type == "tool_use":
        given: dict[str, Any] = block.input
        if confirm(block.name, given):
            print(draft_permit(**given))
        else:
            print("not run, because nobody said yes:", block.name, given)
