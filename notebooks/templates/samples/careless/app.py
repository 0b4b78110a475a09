"""Proposes a name for a houseplant."""

import time

import anthropic

client = anthropic.Anthropic()


def name_for(plant):
    for _ in range(5):
        try:
            reply = client.messages.create(
                model="claude-sonnet-5-5",
                max_tokens=100,
                messages=[{"role": "user", "content": f"Propose a name for: {plant}"}],
            )
            return reply.content[0].text
        except anthropic.RateLimitError:
            time.sleep(1)


def better_name(plant, name):
    return client.messages.create(
        model="claude-sonnet-5-5",
        max_tokens=4000,
        messages=[{"role": "user", "content": f"{plant}: better than {name}?"}],
    )
