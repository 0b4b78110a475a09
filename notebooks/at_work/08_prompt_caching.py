"""Asks several questions about one long text, which the API keeps in its cache.

Put your key into a file .env (ANTHROPIC_API_KEY=...), then run this file with Python.
"""

from pathlib import Path

import anthropic
from anthropic.types import TextBlockParam
from dotenv import load_dotenv

MODEL = "claude-sonnet-5-5"
ROLE = "You answer at the desk of a town library, in one or two sentences."
RULES = Path(__file__).parent.parent / "data" / "house_rules.md"
QUESTIONS = [
    "I borrowed a drill on Thursday. When is it due, and can I renew it?",
    "I borrowed a saw on Thursday. When is it due, and can I renew it?",
]


def main() -> None:
    load_dotenv()
    client = anthropic.Anthropic()
    # What never changes comes first and carries the mark; the question comes behind it.
    desk: TextBlockParam = {
        "type": "text",
        "text": f"{ROLE}\n\n{RULES.read_text(encoding='utf-8')}",
        "cache_control": {"type": "ephemeral"},
    }
    for question in QUESTIONS:
        reply = client.messages.create(
            model=MODEL,
            max_tokens=2000,
            system=[desk],
            messages=[{"role": "user", "content": question}],
        )
        print("".join(block.text for block in reply.content if block.type == "text"))
        written = reply.usage.cache_creation_input_tokens or 0
        read = reply.usage.cache_read_input_tokens or 0
        print(f"  {reply.usage.input_tokens} fresh, {written} written, {read} read")
        if not written and not read:
            print("  Nothing was cached: the text is too short for this model.")


if __name__ == "__main__":
    main()
