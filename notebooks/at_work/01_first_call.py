"""Asks Claude for the name of a bakery and prints it: one call, as a program.

It needs `pip install anthropic python-dotenv`, and a file .env, here or in a folder
above, with the line ANTHROPIC_API_KEY=... (your key).
"""

import os
import sys

import anthropic
from anthropic.types import Message
from dotenv import load_dotenv

MODEL = "claude-sonnet-5-5"  # models retire: then this is the line to change


def read_text(message: Message) -> str:
    """Return the text of a reply: that of all its text blocks, joined."""
    return "".join(block.text for block in message.content if block.type == "text")


def main() -> None:
    load_dotenv()
    if not os.environ.get("ANTHROPIC_API_KEY"):
        sys.exit("There is no key. Write ANTHROPIC_API_KEY=... into the file .env.")
    client = anthropic.Anthropic()
    question = "Suggest a name for a bakery that opens at six."
    try:
        reply = client.messages.create(
            model=MODEL,
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        )
    except anthropic.AuthenticationError:
        sys.exit("The key is not accepted. Is it mistyped, deleted or expired?")
    except anthropic.NotFoundError:
        sys.exit(f"There is no model {MODEL}. Has it retired?")
    print(read_text(reply))


if __name__ == "__main__":
    main()
