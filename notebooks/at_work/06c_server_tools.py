"""Asks the web through Claude: an answer with its sources, resumed when it pauses."""

from typing import Any

import anthropic
from dotenv import load_dotenv

SEARCH: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
QUESTION = """Our street plans a festival. What does a city usually want to know
before it closes a street? Search first, then answer in two sentences."""

load_dotenv()
client = anthropic.Anthropic()
turns: list[Any] = [{"role": "user", "content": QUESTION}]
blocks = []
for _ in range(5):  # a paused turn goes back as it is, at most four times
    reply = client.messages.create(
        model="claude-sonnet-5-5", max_tokens=4000, tools=[SEARCH], messages=turns
    )
    blocks += reply.content
    if reply.stop_reason != "pause_turn":
        break
    turns.append({"role": "assistant", "content": reply.content})

for block in blocks:
    if block.type == "web_search_tool_result" and not isinstance(block.content, list):
        print("A search failed:", block.content.error_code)
    if block.type == "text":
        print(block.text)
        for citation in block.citations or []:
            if citation.type == "web_search_result_location":
                print("   source:", citation.title, citation.url)
if reply.stop_reason != "end_turn":
    print("The answer is not whole:", reply.stop_reason)
