"""Thinking with a tool: room enough, one rescue, and Claude's turns sent back whole."""

import anthropic
from anthropic.types import Message, MessageParam, ToolParam, ToolResultBlockParam
from dotenv import load_dotenv

FORECAST = {"Saturday": "3 mm", "Sunday": "3 mm"}
RAIN: ToolParam = {
    "name": "rain",
    "description": "Forecast: rain of one weekday, in mm.",
    "input_schema": {"type": "object", "properties": {"day": {"type": "string"}}},
}


def ask(messages: list[MessageParam], room: int = 4000) -> Message:
    return client.messages.create(
        model="claude-sonnet-5-5",
        max_tokens=room,
        system="You advise a community garden. Beans need 10 mm of water a week.",
        tools=[RAIN],
        thinking={"type": "adaptive", "display": "summarized"},
        messages=messages,
    )


load_dotenv()
client = anthropic.Anthropic()
question = "The beans got 4 mm on Monday. Must anybody water them on Saturday?"
messages: list[MessageParam] = [{"role": "user", "content": question}]
for _ in range(5):  # a cap on the loop
    reply = ask(messages)
    if reply.stop_reason == "max_tokens":  # once more, with more room
        reply = ask(messages, room=16000)
    messages.append(reply.to_param())  # the whole turn, thinking included
    if reply.stop_reason != "tool_use":
        break
    results: list[ToolResultBlockParam] = []
    for block in reply.content:
        if block.type == "tool_use":
            told = FORECAST.get(str(block.input.get("day")), "no forecast for this day")
            results.append(
                {"type": "tool_result", "tool_use_id": block.id, "content": told}
            )
    messages.append({"role": "user", "content": results})

print("".join(block.text for block in reply.content if block.type == "text"))
print("stop reason:", reply.stop_reason)
