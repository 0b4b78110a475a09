"""Answers questions about a plant shop, and works things out. Do not copy this."""

import logging

import anthropic

logging.basicConfig(level=logging.DEBUG)
client = anthropic.Anthropic(api_key="sk-ant-0000", timeout=60.0)


def work_out(question):
    logging.info("asked: %s", question)
    try:
        reply = client.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=4000,
            system="Answer with one Python expression.",
            messages=[{"role": "user", "content": question}],
        )
        for block in reply.content:
            if block.type == "text":
                return eval(block.text)
    except Exception:
        pass
