"""An agent with a budget, a cap, a look for repeated calls, and a log of each reply."""

import json
from pathlib import Path
from typing import Any

import anthropic
from dotenv import load_dotenv

STOCK = {"lamp oil": 4, "rope": 0}
USD_IN, USD_OUT = 2e-6, 10e-6  # per token: look up your model's
ROOM, BUDGET, MOST = 2000, 0.20, 8  # tokens, US dollars, requests
LOG = Path("my_work_log.jsonl")
THING = {"type": "object", "properties": {"thing": {"enum": list(STOCK)}}}
TOOLS: list[Any] = [{"name": "stock", "input_schema": THING}]


def result_of(call: Any) -> Any:
    result = {"type": "tool_result", "tool_use_id": call.id}
    try:
        return {**result, "content": json.dumps(STOCK[call.input["thing"]])}
    except Exception as error:  # the details are for you, not for Claude
        print("failed:", repr(error))
        return {**result, "content": "It does not work now.", "is_error": True}


load_dotenv()
client = anthropic.Anthropic()
turns: list[Any] = [{"role": "user", "content": "Do we have lamp oil and rope?"}]
made: list[Any] = []
spent, ended, answer = 0.0, "too long", ""
LOG.unlink(missing_ok=True)
while len(turns) < 2 * MOST and spent + 5_000 * USD_IN + ROOM * USD_OUT <= BUDGET:
    reply = client.messages.create(
        model="claude-sonnet-5-5", max_tokens=ROOM, tools=TOOLS, messages=turns
    )
    spent += reply.usage.input_tokens * USD_IN + reply.usage.output_tokens * USD_OUT
    with LOG.open("a", encoding="utf-8") as file:
        file.write(reply.to_json(indent=None) + "\n")
    calls = [block for block in reply.content if block.type == "tool_use"]
    made += [call.input for call in calls]
    if reply.stop_reason != "tool_use" or any(made.count(each) > 2 for each in made):
        ended = str(reply.stop_reason)
        answer = "".join(block.text for block in reply.content if block.type == "text")
        break
    turns.append({"role": "assistant", "content": reply.content})
    turns.append({"role": "user", "content": [result_of(call) for call in calls]})
print(f"{ended}, {spent:.4f} USD: {answer or 'no answer'}")
