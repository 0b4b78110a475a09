"""Answer many questions at once, at most ten on their way, and report what failed."""

import asyncio

import anthropic
from dotenv import load_dotenv

ANIMALS = [
    "okapi",
    "tapir",
    "koala",
    "capybara",
    "aardvark",
    "sloth",
    "meerkat",
    "otter",
]
AT_ONCE = 10


async def ask(
    client: anthropic.AsyncAnthropic, gate: asyncio.Semaphore, question: str
) -> str:
    """The text of the answer, when it is this question's turn."""
    async with gate:
        reply = await client.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        )
    return "".join(block.text for block in reply.content if block.type == "text")


async def main() -> None:
    """Print a sign for each animal, or why there is none."""
    gate = asyncio.Semaphore(AT_ONCE)
    questions = [
        f"What does the {animal} eat? Three words at most." for animal in ANIMALS
    ]
    async with anthropic.AsyncAnthropic() as client:
        work = [ask(client, gate, question) for question in questions]
        results = await asyncio.gather(*work, return_exceptions=True)
    for animal, result in zip(ANIMALS, results, strict=True):
        if isinstance(result, anthropic.APIError):
            print(f"{animal}: no sign, {type(result).__name__}")
        elif isinstance(result, BaseException):
            raise result  # a mistake in this program
        else:
            print(f"{animal}: {result}")


load_dotenv()  # puts the key of a .env file into the environment
asyncio.run(main())
