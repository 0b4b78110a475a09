"""Ask, meet each failure in one place, and say it in words for a visitor."""

import logging

import anthropic
import httpx2
from anthropic.types import Message
from dotenv import load_dotenv

LATER = "We are very busy at the moment. Please ask again in a few minutes."
OURS = "Our help desk is out of order. We have been told."
PASSES = (200, 408, 409, 429)  # and 500 or higher; 200: an error event in a stream
WHOLE = ("end_turn", "stop_sequence")


def sentence(error: Exception) -> str:
    """What a visitor reads about an error."""
    if not isinstance(error, anthropic.APIStatusError):
        return LATER  # no response, or half of one
    if "spend_limit" in (error.error_code or ""):
        return OURS  # a 429 that waiting does not help
    if error.status_code in PASSES or error.status_code >= 500:
        return LATER
    return OURS


def ask(client: anthropic.Anthropic, question: str) -> tuple[Message | None, str]:
    """The reply and "", or what there is of it and a sentence."""
    try:
        with client.messages.stream(
            model="claude-sonnet-5-5",
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        ) as stream:
            reply = stream.get_final_message()
    except (anthropic.APIError, httpx2.TransportError) as error:
        logging.getLogger("desk").error("%s: %s", type(error).__name__, error)
        return None, sentence(error)
    return reply, "" if reply.stop_reason in WHOLE else "The answer is not complete."


load_dotenv()
desk = anthropic.Anthropic(timeout=20)  # it tries again by itself, twice
question = "My kettle switches off before the water boils. What can I check?"
reply, problem = ask(desk, question)
if reply is not None:
    print("".join(block.text for block in reply.content if block.type == "text"))
if problem:
    print(problem)
