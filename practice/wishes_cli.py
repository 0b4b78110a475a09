"""`python3 start.py wishes`: prices the wish list and, after a typed yes, sends it.

It goes to the real API with the plain SDK, past the course server, and must not start
one. What it costs counts in the ledger and the limits of live mode all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from courseserver.budget import Budget, Refusal
from courseserver.ledgerfile import LedgerFile
from courseserver.masking import masked
from courseserver.price import UnpricedError, usage_usd, worst_case
from courseserver.values import Request
from helpers._cost import cost, dollars
from helpers.settings import LEDGER, decide_mode, read_dotenv, state_folder
from practice._lines import append
from practice.wishes import ANSWERED, Wish, read, replace


def main(arguments: Sequence[str]) -> int:
    """List the wishes, remove some, or send them all; returns the exit code."""
    about = "Questions kept with wish()."
    parser = argparse.ArgumentParser("start.py wishes", description=about)
    send = "ask the real API, after a typed yes"
    parser.add_argument("--send", action="store_true", help=send)
    remove = "forget these numbers"
    parser.add_argument("--remove", type=int, nargs="+", metavar="N", help=remove)
    asked = parser.parse_args(arguments)
    wishes, broken = read()
    if broken:
        skipped = (
            "Lines of wishes.jsonl that cannot be read, skipped and left in the file"
        )
        print(f"{skipped}: {broken}.")
    if asked.remove:
        return forget(wishes, asked.remove)
    if not wishes:
        keeps = "wish() in a lesson keeps what replay could not answer."
        print(f"The wish list is empty. {keeps}")
        return 0
    show(wishes)
    if not asked.send:
        print(
            "To ask the real API, add --send; to forget the first one, add --remove 1."
        )
        return 0
    return ask_and_send(wishes)


def show(wishes: Sequence[Wish]) -> None:
    """Print the list with prices: the questions by estimate, the answers at most."""
    asking = 0.0
    answers = 0.0
    for number, wish in enumerate(wishes, 1):
        price = wish.cost
        asking += price.input
        answers += price.output
        print(f"{number}. {wish} ({wish.kept.get('lesson')}, {wish.body['model']})")
        asked = f"about {wish.tokens:,} tokens, about {dollars(price.input)}"
        print(f"   {asked}; the answer at most {dollars(price.output)}")
        if "failed" in wish.kept:
            print(f"   Last time it failed: {wish.kept['failed']}")
    print(
        f"To send all: about {dollars(asking)}, "
        f"and at most {dollars(answers)} for the answers."
    )


def forget(wishes: Sequence[Wish], numbers: Sequence[int]) -> int:
    """Take the numbered wishes off the list, or none when a number is wrong."""
    for number in numbers:
        if not 1 <= number <= len(wishes):
            has = f"There is no number {number}; the list has {len(wishes)}."
            print(f"{has} Nothing was removed.")
            return 1
    for number in sorted(set(numbers)):
        replace(wishes[number - 1])
        print(f"Removed: {wishes[number - 1]}")
    return 0


def ask_and_send(wishes: Sequence[Wish]) -> int:
    """Send all if there is a key and a typed yes; 1 when a question is left."""
    mode = decide_mode(os.environ, read_dotenv())
    if not mode.key:
        why = mode.note or f"{mode.why}; lesson 00 shows how to use a key."
        print(f"Nothing was sent: {why}")
        return 1
    where = without_password(os.environ.get("ANTHROPIC_BASE_URL") or "the real API")
    print(f"This goes to {where} and costs money. Type yes to send:", flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        print("Nothing was sent.")
        return 1
    answered = 0
    budget = Budget(mode.limit, mode.total)
    for number, wish in enumerate(wishes, 1):
        print(f"\n{number}. {wish}", flush=True)
        answered += send(wish, mode.key, budget)
    kept = ""
    if answered:
        kept = f"; the replies are kept in {state_folder() / ANSWERED}"
    print(f"\n{answered} of {len(wishes)} answered{kept}.")
    return 0 if answered == len(wishes) else 1


def without_password(address: str) -> str:
    """An address without what may stand before its host: a name and a password."""
    scheme, slashes, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def send(wish: Wish, key: str, budget: Budget) -> bool:
    """Ask one; an answered one moves to the other file, others stay."""
    import anthropic  # takes a second, which the list alone need not wait for

    lesson = str(wish.kept.get("lesson"))
    budget.ledger = LedgerFile(state_folder() / LEDGER, lambda: lesson)
    asked = Request("POST", "/v1/messages", "", {}, b"", wish.body)
    try:
        worst = worst_case(asked, lambda name: None)
    except UnpricedError as unpriced:
        return stays(wish, str(unpriced))
    reserved = budget.reserve(worst, str(wish.body["model"]))
    if isinstance(reserved, Refusal):
        return stays(wish, reserved.message)
    rest = dict(wish.body)
    rest.pop("stream", None)
    plain = {name: rest.pop(name) for name in ("model", "max_tokens", "messages")}
    head = {}
    if "betas" in wish.kept:
        head["anthropic-beta"] = ",".join(wish.kept["betas"])
    try:  # streamed, because the SDK does not wait for a long answer in one piece
        messages = anthropic.Anthropic(api_key=key).messages
        with messages.stream(**plain, extra_body=rest, extra_headers=head) as stream:
            reply = stream.get_final_message()
        if not reply.stop_reason:
            raise ConnectionError("the answer broke off before its end")
    except Exception as error:  # whatever it was: it stays, and the next one is asked
        is_refusal = getattr(error, "status_code", 0) >= 400  # an error costs nothing
        budget.settle(reserved, 0.0 if is_refusal else worst.usd)
        return stays(wish, masked(f"{type(error).__name__}: {error}"))
    text = "".join(block.text for block in reply.content if block.type == "text")
    answer: dict[str, Any] = {"reply": reply.to_dict(mode="json")}
    try:
        price = cost(reply, plain["model"])
        spent = repr(price)
        answer["usd"] = price.total
        paid = usage_usd(reply.usage.to_dict(), plain["model"])
    except (ValueError, KeyError):
        spent = f"no price is known for {plain['model']}"
        paid = worst.usd
    budget.settle(
        reserved, paid, model=plain["model"], request_id=stream.request_id or ""
    )
    print(f"{text or '(no text)'}\n[{reply.stop_reason}; {spent}]")
    append(state_folder() / ANSWERED, json.dumps({**wish.kept, **answer}))
    replace(wish)
    return True


def stays(wish: Wish, reason: str) -> bool:
    """Say why a question was not answered, and keep it with the reason; False."""
    replace(wish, json.dumps({**wish.kept, "failed": reason}))
    print(f"Not answered, and still on the list. {reason}")
    return False


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped. What was not answered is still on the list.")
    except OSError as error:
        sys.exit(f"The wish list cannot be used ({error.strerror}).")
