"""Reads Python files, or what is piped in, and names lines of older Claude code.

    python 17_reading_older_code.py bot.py tests/*.py

It only finds what can be seen in one line. Run the program and its tests as well.
"""

import fileinput
import re

import anthropic
from dotenv import load_dotenv

OLD = {
    r"\b(temperature|top_p|top_k)\b": "gone: say it in the prompt, or set the effort",
    r"budget_tokens": 'gone: thinking={"type": "adaptive"} and an effort',
    r"HUMAN_PROMPT|\.completions\b": "gone: messages with roles",
    r"prompt_caching": "gone: cache_control in messages.create",
    r"client\.batches": "never there: client.messages.batches",
    r"tool_choice": "forcing a tool is refused by most models: auto",
    r"content\[0\]": "the first block may be thinking: pick blocks by type",
    r"role.{1,6}assistant.{1,6}content.{1,6}[{(<]": "a reply begun here is refused",
    r"end_turn": "there are seven stop reasons: go on only on tool_use",
    r"\bhttpx\b": "the package uses httpx2",
    r"x-api-key": "the key is in authorization now: mask that one too",
}
MODEL = re.compile(r"claude-(?!code)[a-z]*-?\d[\w.-]*")


def served(model: str) -> bool:
    try:
        client.models.retrieve(model)
    except anthropic.NotFoundError:
        return False
    return True


load_dotenv()
client = anthropic.Anthropic()
with fileinput.input(encoding="utf-8") as lines:
    for line in lines:
        found = [advice for old, advice in OLD.items() if re.search(old, line)]
        gone = [model for model in MODEL.findall(line) if not served(model)]
        found += [f"{model} is not served" for model in gone]
        for advice in found:
            print(f"{lines.filename()}:{lines.filelineno()}: {advice}")
