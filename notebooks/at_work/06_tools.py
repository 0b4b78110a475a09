"""Lets Claude call functions of yours, several at once, until it has an answer."""

import json
import logging
from collections.abc import Callable
from typing import Any

import anthropic
from dotenv import load_dotenv
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

TIMES = {
    "Tern Island": ["07:40", "12:10", "18:30", "21:05"],
    "Seal Island": ["08:15", "17:45"],
}


class CallError(Exception):
    """Something that Claude can put right; its text says how."""


def departures(island: str, after: str = "00:00") -> list[str]:
    return [time for time in TIMES[island] if time > after]


FUNCTIONS: dict[str, Callable[..., Any]] = {"departures": departures}
CLOCK = "24-hour clock, such as 18:00. Leave it out for the whole day."
TRIP: dict[str, Any] = {
    "type": "object",
    "properties": {
        "island": {"type": "string", "enum": list(TIMES)},
        "after": {"type": "string", "description": CLOCK},
    },
    "required": ["island"],
    "additionalProperties": False,
}
TOOLS: list[Any] = [
    {
        "name": "departures",
        "description": "Times of today's ferries from the harbour to one island. "
        "An empty list means that none goes any more.",
        "input_schema": TRIP,
    }
]


def run_call(call: anthropic.types.ToolUseBlock) -> Any:
    """The tool_result of one call; a failure becomes words for Claude."""
    result = {"type": "tool_result", "tool_use_id": call.id}
    schemas = {tool["name"]: tool.get("input_schema", {}) for tool in TOOLS}
    try:
        if call.name not in schemas:
            raise CallError(f"There is no tool {call.name}. There is: {[*schemas]}.")
        faults = Draft202012Validator(schemas[call.name]).iter_errors(call.input)
        if wrong := "; ".join(fault.message for fault in faults):
            raise CallError(wrong)
        found = FUNCTIONS[call.name](**call.input)
        return {**result, "content": json.dumps(found, ensure_ascii=False)}
    except CallError as error:
        logging.warning("%s: %s", call.name, error)
        words = str(error)
    except Exception:
        logging.exception("%s failed", call.name)
        words = f"{call.name} does not work now. Answer without it, and say so."
    return {**result, "content": words, "is_error": True}


load_dotenv()
client = anthropic.Anthropic()
question = "Which ferries go to Tern Island after six in the evening?"
turns: list[Any] = [{"role": "user", "content": question}]
for _ in range(8):  # never more than eight requests
    reply = client.messages.create(
        model="claude-sonnet-5-5", max_tokens=2000, tools=TOOLS, messages=turns
    )
    turns.append({"role": "assistant", "content": reply.content})
    if reply.stop_reason == "tool_use":
        results = [run_call(b) for b in reply.content if b.type == "tool_use"]
        turns.append({"role": "user", "content": results})
    elif reply.stop_reason != "pause_turn":
        break

if reply.stop_reason == "end_turn":
    print("".join(block.text for block in reply.content if block.type == "text"))
else:
    print("There is no whole answer:", reply.stop_reason)
