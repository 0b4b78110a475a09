"""A conversation that remembers what was said, and is kept short."""

import sys
from typing import Any

import anthropic
from dotenv import load_dotenv

KEPT = 10  # the last questions, which Claude still gets to see
QUESTIONS = [
    "On Saturday I walk from Port Amel to the lighthouse with Keiko, who is six: "
    "seven kilometres along the cliffs. How long do we need?",
    "Which shoes does she need for it?",
]

load_dotenv()  # puts the key of a .env file into the environment
client = anthropic.Anthropic()


def shortened(history: list[Any]) -> list[Any]:
    """The turns from the first kept question on; without thinking, if any are cut."""
    questions = [i for i, turn in enumerate(history) if turn["role"] == "user"]
    if len(questions) <= KEPT:
        return history
    short = []
    for turn in history[questions[-KEPT] :]:
        content = turn["content"]
        if turn["role"] == "assistant":
            content = [block for block in content if "thinking" not in block["type"]]
        if content:
            short.append({"role": turn["role"], "content": content})
    return short


history: list[Any] = []
for question in sys.argv[1:] or QUESTIONS:
    asked = [*history, {"role": "user", "content": question}]
    reply = client.messages.create(
        model="claude-sonnet-5-5", max_tokens=2000, messages=shortened(asked)
    )
    text = "".join(block.text for block in reply.content if block.type == "text")
    print(f"You:    {question}\nClaude: {text or reply.stop_reason}\n")
    if reply.content:  # a refusal may have none, and must not become a turn
        answer = {"role": "assistant", "content": reply.to_dict()["content"]}
        history = [*asked, answer]
