"""`python3 start.py wishes`: prices the wish list and, after a typed yes, asks its questions.

It goes to the real API with the plain SDK, past the course server; it must not start one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

import anthropic

from helpers.cost import cost, dollars
from helpers.setup import decide_mode, read_dotenv
from helpers.wishes import ANSWERED, Wish, append, read, replace


def main(arguments: Sequence[str]) -> int:
    """List the wishes, remove some, or send them all; returns the exit code."""
    parser = argparse.ArgumentParser("start.py wishes", description="Questions kept with wish().")
    parser.add_argument("--send", action="store_true", help="ask the real API, after a typed yes")
    parser.add_argument("--remove", type=int, nargs="+", metavar="N", help="forget these numbers")
    asked = parser.parse_args(arguments)
    wishes, broken = read()
    if broken:
        print(f"Lines of wishes.jsonl that cannot be read, skipped and left in the file: {broken}.")
    if asked.remove:
        return forget(wishes, asked.remove)
    if not wishes:
        print("The wish list is empty. wish() in a lesson keeps what replay could not answer.")
        return 0
    show(wishes)
    if not asked.send:
        print("To ask the real API, add --send; to forget the first one, add --remove 1.")
        return 0
    return ask_and_send(wishes)


def show(wishes: Sequence[Wish]) -> None:
    """Print the list with its prices: the questions by the estimate, the answers at most."""
    asking = most = 0.0
    for number, wish in enumerate(wishes, 1):
        tokens, question, answer = wish.price()
        asking, most = asking + question, most + answer
        print(f"{number}. {wish} ({wish.kept.get('lesson')}, {wish.kept['request']['model']})")
        print(f"   about {tokens:,} tokens, about {dollars(question)}; ", end="")
        print(f"the answer at most {dollars(answer)}")
        if "failed" in wish.kept:
            print(f"   Last time it failed: {wish.kept['failed']}")
    print(f"To send all: about {dollars(asking)}, and at most {dollars(most)} for the answers.")


def forget(wishes: Sequence[Wish], numbers: Sequence[int]) -> int:
    """Take the numbered wishes off the list, or none when a number is wrong."""
    if wrong := [number for number in numbers if not 1 <= number <= len(wishes)]:
        print(f"There is no number {wrong[0]}; the list has {len(wishes)}. Nothing was removed.")
        return 1
    for number in sorted(set(numbers)):
        replace(wishes[number - 1])
        print(f"Removed: {wishes[number - 1]}")
    return 0


def ask_and_send(wishes: Sequence[Wish]) -> int:
    """Send all when there is a key and the learner types yes; 1 when something stays unanswered."""
    mode = decide_mode(os.environ, read_dotenv())
    if not mode.key:
        print("Nothing was sent:", mode.note or f"{mode.why}; lesson 00 shows how to use a key.")
        return 1
    failures = 0
    with anthropic.Anthropic(api_key=mode.key) as client:
        print(f"This goes to {client.base_url} and costs money. Type yes to send:", flush=True)
        if sys.stdin.readline().strip().lower() != "yes":
            print("Nothing was sent.")
            return 1
        for number, wish in enumerate(wishes, 1):
            print(f"\n{number}. {wish}", flush=True)
            failures += not send(client, wish)
    print(f"\n{len(wishes) - failures} of {len(wishes)} answered. Replies: .course/{ANSWERED}")
    return 1 if failures else 0


def send(client: anthropic.Anthropic, wish: Wish) -> bool:
    """Ask one; an answered one moves to the other file, a failed one stays with its reason."""
    rest = {name: value for name, value in wish.kept["request"].items() if name != "stream"}
    plain = {name: rest.pop(name) for name in ("model", "max_tokens", "messages")}
    try:  # streamed, because the SDK does not wait for a long answer in one piece
        head = {"anthropic-beta": ",".join(wish.kept["betas"])} if "betas" in wish.kept else {}
        with client.messages.stream(**plain, extra_body=rest, extra_headers=head) as stream:
            reply = stream.get_final_message()
        if not reply.stop_reason:
            raise ConnectionError("the answer broke off before its end")
    except Exception as error:  # whatever it was: this one stays, and the next one is asked
        reason = f"{type(error).__name__}: {error}"
        replace(wish, json.dumps({**wish.kept, "failed": reason}))
        print(f"Not answered, and still on the list. {reason}")
        return False
    text = "".join(block.text for block in reply.content if block.type == "text")
    spent = cost(reply, plain["model"])
    print(f"{text or '(no text)'}\n[{reply.stop_reason}; {spent}]")
    answer = {"reply": reply.to_dict(mode="json"), "usd": spent.total}
    append(ANSWERED, json.dumps({**wish.kept, **answer}))
    replace(wish)
    return True


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped. What was not answered is still on the list.")
        sys.exit(130)
    except OSError as error:
        print(f"The wish list cannot be used ({error.strerror}).")
        sys.exit(1)
