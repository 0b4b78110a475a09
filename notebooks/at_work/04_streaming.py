"""Stream an answer to the terminal, and say so when it is not whole."""

import sys

import anthropic
import httpx2
from dotenv import load_dotenv

load_dotenv()  # puts the key of a .env file into the environment
client = anthropic.Anthropic()


def stream_answer(question: str) -> str | None:
    """Print the answer while it comes; return its stop reason, None if it broke off."""
    try:
        with client.messages.stream(
            model="claude-sonnet-5-5",
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        ) as stream:
            for piece in stream.text_stream:
                print(piece, end="", flush=True)
            return stream.get_final_message().stop_reason
    except httpx2.TransportError:
        return None  # the connection broke, and what had arrived is printed
    except anthropic.APIStatusError as error:
        if error.status_code != 200:
            raise  # refused before the stream began
        return None  # an error event in the stream


reason = stream_answer("Read us a recipe for a lemon cake for 8, step by step.")
print()
if reason is None:
    sys.exit("The answer broke off here. Please ask again.")
if reason != "end_turn":
    sys.exit(f"The answer is not complete: {reason}.")
