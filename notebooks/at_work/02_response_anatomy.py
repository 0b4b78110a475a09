"""Ask a question, and use the answer only if it is whole."""

import anthropic
from dotenv import load_dotenv

QUESTION = (
    "Bus 12 leaves the harbour at 06:10, 06:40 and 07:10 and takes 25 minutes "
    "to the hospital. Which one gets me there by seven?"
)


def read_text(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def whole_input(usage: anthropic.types.Usage) -> int:
    written = usage.cache_creation_input_tokens or 0
    read = usage.cache_read_input_tokens or 0
    return usage.input_tokens + written + read


load_dotenv()
client = anthropic.Anthropic()
reply = client.messages.create(
    model="claude-sonnet-5-5",
    max_tokens=2000,
    messages=[{"role": "user", "content": QUESTION}],
)
text = read_text(reply)

if reply.stop_reason == "refusal":
    print("There is no answer to this question.")
elif reply.stop_reason == "end_turn" and text:
    print(text)
else:  # cut, empty, or a stop reason that this program does not handle
    print(f"Not a whole answer ({reply.stop_reason}), request {reply._request_id}")

print(f"{whole_input(reply.usage)} tokens in, {reply.usage.output_tokens} out")
