"""Writes to the owners of found things until its budget is spent, over several runs."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import anthropic
from dotenv import load_dotenv

LIMIT = 0.004  # US dollars
INPUT, OUTPUT = 2.00, 10.00  # dollars for a million tokens of the model, 2026-11-30
LEDGER = Path(__file__).resolve().parent.parent / "my_budget.jsonl"
FOUND = ["168: green umbrella, tram 4", "86: red hat, tram 2", "10: blue glove, tram 1"]


def spent() -> float:
    LEDGER.touch()
    lines = LEDGER.read_text(encoding="utf-8").splitlines()
    return float(sum(json.loads(line)["usd"] for line in lines))


def main() -> None:
    load_dotenv()
    client = anthropic.Anthropic()
    for thing in FOUND:
        prompt: dict[str, Any] = {
            "model": "claude-sonnet-5-5",
            "system": "Tell the owner in one sentence that this is in our office.",
            "messages": [{"role": "user", "content": thing}],
        }
        counted = client.messages.count_tokens(**prompt).input_tokens
        worst = (counted * INPUT + 300 * OUTPUT) / 1_000_000
        if spent() + worst > LIMIT:
            print(f"Stopped: {spent():.4f} USD spent, {worst:.4f} may follow.")
            break
        reply = client.messages.create(max_tokens=300, **prompt)
        used = reply.usage
        usd = (used.input_tokens * INPUT + used.output_tokens * OUTPUT) / 1_000_000
        line = {
            "time": str(datetime.now(timezone.utc)),
            "model": reply.model,
            "usd": usd,
        }
        with LEDGER.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print("".join(block.text for block in reply.content if block.type == "text"))


if __name__ == "__main__":
    main()
