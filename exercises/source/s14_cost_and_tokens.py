"""Exercises of lesson 14: the bill of a reply, a calculator, the worst case, the desk's ledger.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from courseserver import estimate, facts
from helpers import cost
from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    alike,
    case,
    cases,
    function_of,
    leaves_alone,
    miss,
    rule,
    slips,
)
from practice.grading.expect import Handed

IMPORTS = """
import json
import math
from datetime import datetime, timezone
from pathlib import Path

import anthropic

from helpers import MODEL, cost, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
PRICES = {  # USD for a million tokens, as in the lesson
    "claude-opus-5-5": {"input": 4.0, "written": 5.0, "read": 0.2, "output": 20.0},
    "claude-sonnet-5-5": {"input": 2.0, "written": 2.5, "read": 0.1, "output": 10.0},
    "claude-haiku-5-5": {"input": 0.1, "written": 0.125, "read": 0.01, "output": 0.5},
}
OTHER = {  # another day's prices
    "claude-opus-5-5": {"input": 5.0, "written": 6.0, "read": 0.5, "output": 25.0},
    "claude-sonnet-5-5": {"input": 3.0, "written": 4.0, "read": 0.3, "output": 15.0},
}
OPUS, SONNET, HAIKU = PRICES
MILLION = 1_000_000


@dataclass(frozen=True)
class Paid(Handed):
    """A reply that a case hands over, of another model or with an id of its request.

    Without an id it is like one that a stream has put together: the attribute is missing.
    """

    model: str = facts.MODEL
    request_id: str = ""

    def made(self, lab: Any) -> Any:
        """A fresh one for one call."""
        reply = super().made(lab)
        reply.model = self.model
        if self.request_id:
            reply._request_id = self.request_id
        return reply


def paid(
    model: str,
    fresh: int,
    written: int | None,
    read: int | None,
    output: int,
    text: str = "It is here: number 168.",
    request_id: str = "",
) -> Paid:
    """A reply of this model with these counts."""
    usage = {
        "input_tokens": fresh,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": output,
    }
    return Paid([THOUGHT, text], usage=usage, model=model, request_id=request_id)


# --- 14.1 ------------------------------------------------------------------------------

WRITTEN_LINE = '    total += (used.cache_creation_input_tokens or 0) * price["written"]\n'
READ_LINE = '    total += (used.cache_read_input_tokens or 0) * price["read"]\n'
FRESH, READ = "used.input_tokens", "used.cache_read_input_tokens"
HALF = "    if batch:\n        total = total / 2\n"
THINKING = "reply.usage.output_tokens_details.thinking_tokens"

BILLS = slips(
    ("other-model", {"prices[reply.model]": 'prices["claude-sonnet-5-5"]'},
     "https://github.com/quickcall-dev/quickcall-supertrace/issues/86",
     "You took the prices of another model than the one that answered. The reply says which it "
     "was: `reply.model`."),
    ("course-prices",
     {"return total / 1_000_000": "return cost(reply).total / (2 if batch else 1)"},
     "lesson 14: `cost()` gave the same as `dollars()`",
     "You took the amount of `cost()`, which has the course's prices. Take the `prices` that your "
     "function is given."),
    ("cache-free", {WRITTEN_LINE: "", READ_LINE: ""},
     "lesson 08: `input_tokens` taken for the whole input",
     "What was written to the cache and what was read from it is missing from your sum. Both are "
     "paid for, and `input_tokens` does not contain them."),
    ("written-free", {WRITTEN_LINE: ""},
     "'caching saves money' read as if writing were free",
     "The tokens that were written to the cache are missing from your sum. Each costs more than a "
     "fresh one."),
    ("read-free", {READ_LINE: ""},
     "lesson 08, question 2, answer a",
     "The tokens that were read from the cache are missing from your sum. They are cheap, and not "
     "free."),
    ("output-free", {' + used.output_tokens * price["output"]': ""},
     "lesson 14, question 1: one price for a million tokens",
     "The output is missing from your sum. It is the dearest of the four."),
    ("output-as-input", {'price["output"]': 'price["input"]'},
     "lesson 14, question 1: '3 dollars per million tokens'",
     "You counted the output at the price of the input. It costs five times as much."),
    ("all-as-fresh", {'price["written"]': 'price["input"]', 'price["read"]': 'price["input"]'},
     "https://github.com/earendil-works/pi/pull/2148: cached tokens at the full rate",
     "You counted the tokens of the cache at the price of fresh ones. Written and read ones have "
     "prices of their own."),
    ("written-as-fresh", {'price["written"]': 'price["input"]'},
     "https://github.com/BerriAI/litellm/pull/6576: the surcharge for writing",
     "You counted written tokens at the price of fresh ones. Writing costs a quarter more: take "
     "the price for `written`."),
    ("mixed-up",
     {"used.cache_creation": "used.other", "used.cache_read": "used.cache_creation",
      "used.other": "used.cache_read"},
     "two long names that differ in one word",
     "You counted written tokens at the price of reads, and the other way round."),
    ("never-halved", {HALF: ""},
     "https://github.com/dust-tt/dust/pull/23702",
     "This reply came out of a batch (`batch` is true), and you counted it at full price. A batch "
     "costs half of everything."),
    ("input-halved", {"total / 2": 'total - used.input_tokens * price["input"] / 2'},
     "the template of this exercise, fixed in part",
     "In a batch you halved the input alone. A batch costs half of everything, the output too."),
    ("output-full", {"total / 2": 'total / 2 + used.output_tokens * price["output"] / 2'},
     "the template of this exercise, fixed in part",
     "In a batch you left the output at full price. A batch costs half of everything."),
    ("cache-full",
     {"        total = total / 2\n":
      '        total -= used.input_tokens * price["input"] / 2\n'
      '        total -= used.output_tokens * price["output"] / 2\n'},
     "'half price for input and output' taken by the letter",
     "In a batch you left the tokens of the cache at full price. They cost half, too."),
    ("subtracted",
     [{FRESH: f"({FRESH} - {READ})"},
      {FRESH: f"({FRESH} - used.cache_creation_input_tokens)"},
      {FRESH: f"({FRESH} - {READ} - used.cache_creation_input_tokens)"}],
     "https://github.com/candelahq/candela/pull/206",
     "You took tokens of the cache away from `input_tokens`. That field counts only what was "
     "neither written nor read."),
    ("a-tenth", {'price["read"]': 'price["input"] / 10'},
     "https://github.com/Kulitorum/Decenza/pull/1064: 0.1 times the input price",
     "You counted reads at a tenth of the fresh price. How much cheaper they are differs between "
     "models: use the price for `read`."),
    ("thinking-free",
     {"    used = reply.usage\n":
      "    used = reply.usage.model_copy()\n"
      "    used.output_tokens -= used.output_tokens_details.thinking_tokens\n"},
     "what cannot be read taken for free",
     "You left the thinking out of the output. It is part of `output_tokens`, and is paid for like "
     "the text."),
)  # fmt: skip

bill = Exercise(
    id="14.1",
    title="The bill of any reply",
    objective="Compute what a reply cost, whatever its model, with cache and in a batch.",
    minutes=8,
    task="""
The lost property office adds up what its replies cost, and the sum is never that of the invoice.
`bill` gets a reply, the `prices` (as in the lesson: for each model a dict with the dollars for a
million tokens under `"input"`, `"written"`, `"read"` and `"output"`), and `batch`, which says
whether the reply came out of a batch. A batch costs half of everything. Fix the function. In some
older replies the two cache fields are `None`, which counts as 0.
""",
    template="""
def bill(reply, prices, batch):
    price = prices["claude-sonnet-5-5"]
    used = reply.usage
    total = used.input_tokens * price["input"]
    if batch:
        total = total / 2
    return (total + used.output_tokens * price["output"]) / 1_000_000
""",
    solution="""
def bill(reply, prices, batch):
    price = prices[reply.model]
    used = reply.usage
    total = used.input_tokens * price["input"] + used.output_tokens * price["output"]
    total += (used.cache_creation_input_tokens or 0) * price["written"]
    total += (used.cache_read_input_tokens or 0) * price["read"]
    if batch:
        total = total / 2
    return total / 1_000_000
""",
    also_correct=(
        """
def bill(reply, prices, batch):
    fields = {
        "input": "input_tokens",
        "written": "cache_creation_input_tokens",
        "read": "cache_read_input_tokens",
        "output": "output_tokens",
    }
    factor = 0.5 if batch else 1
    amounts = []
    for kind, field in fields.items():
        tokens = getattr(reply.usage, field) or 0
        amounts.append(factor * tokens * prices[reply.model][kind] / 1_000_000)
    return sum(amounts)
""",
    ),
    hints=(
        "Three things are wrong. Whose prices does it take? Which of the four counts does it "
        "leave out? And what does a batch halve?",
        "The reply says which model answered: `reply.model`. The counts of the cache are "
        "`cache_creation_input_tokens` (written) and `cache_read_input_tokens` (read).",
        "Add up four products, count times price, and halve the whole sum at the end. "
        "`count or 0` makes 0 of `None`.",
    ),
    rules=function_of(
        case(paid(OPUS, 4512, 0, 0, 141), OTHER, False),
        case(paid(SONNET, 40, 1200, 3100, 900), PRICES, False),
        case(paid(SONNET, 31, 4481, 0, 141), PRICES, False),
        case(paid(SONNET, 37, 0, 4481, 165), PRICES, False),
        case(paid(OPUS, 12, 600, 9000, 77), OTHER, True),
        case(paid(HAIKU, 900, None, None, 420), PRICES, True),
        kind=float,
        known=(
            *BILLS,
            miss(
                "always-halved",
                "This reply did not come out of a batch (`batch` is false), and you halved it.",
                "value if batch else value / 2",
                "a condition forgotten, or the wrong way round",
            ),
            miss(
                "thinking-twice",
                "You counted the thinking on top of the output. `output_tokens` contains it "
                "already.",
                f"value + {THINKING} * prices[reply.model]['output'] / (2e6 if batch else 1e6)",
                "https://github.com/theopenco/llmgateway/pull/3435",
            ),
            miss(
                "per-token",
                "The prices are for a million tokens, and you used them for one. Divide by "
                "1,000,000.",
                "value * 1e6",
                "https://github.com/getsentry/sentry/pull/94907: per token for per million",
            ),
            miss(
                "rounded",
                "You rounded. A reply often costs less than a cent, so the sum of many would be "
                "wrong. Round when you show it, not when you compute it.",
                "round(value, 4)",
                "https://github.com/langfuse/langfuse/issues/1041",
                when=lambda run: run.number in [round(run.wanted, at) for at in range(2, 6)],
            ),
        ),
        name="other-amount",
        says="Your function gave back $returned; this reply cost about $wanted. Write down its "
        "four counts with their prices, and compare.",
        wrong="value / 3",
    ),
    messages={
        "raised-plus": "$kit In this reply a cache field is `None`: make a 0 of it first.",
    },
    mistakes=(
        Mistake(
            "raised-plus",
            {" or 0": ""},
            "https://github.com/browser-use/browser-use/pull/5306: fields that may be missing",
        ),
    ),
    takeaway="A bill is four counts, each at its own price of the model that answered. A batch "
    "halves the whole.",
)


# --- 14.2 ------------------------------------------------------------------------------

EVENING = {
    "calls": 100,
    "shared": 4481,
    "own": 36,
    "answer": 148,
    "photo": None,
    "model": SONNET,
    "cached": False,
    "batch": False,
}


def planned(**changes: Any) -> dict[str, Any]:
    """A task that differs from the evening of the lesson."""
    return {**EVENING, **changes}


SQUARES = "math.ceil(width / 28) * math.ceil(height / 28)"
FIRST_WRITES = '(price["written"] + (calls - 1) * price["read"])'

PLANS = slips(
    ("old-rule",
     [{SQUARES: "width * height / 750"}, {SQUARES: "width * height // 750"},
      {SQUARES: "math.ceil(width * height / 750)"}],
     "seed articles and many cost tables: 1000 × 1000 pixels as about 1,600 tokens",
     "You divide the pixels by 750. That was the rule for older models; today a photo costs a "
     "token for each square of 28 × 28 pixels."),
    ("part-squares",
     [{SQUARES: "(width // 28) * (height // 28)"},
      {SQUARES: "round(width / 28) * round(height / 28)"}],
     "`//` rounds down",
     "A square that is only partly covered counts in full, and you left such squares out, or "
     "counted only some. Round up in each direction: `math.ceil`."),
    ("area",
     [{SQUARES: "math.ceil(width * height / 784)"}, {SQUARES: "round(width * height / 784)"},
      {SQUARES: "width * height / 784"}],
     "one rounding in place of two",
     "You divided the area by that of a square. Squares at the edge count in full: round up in "
     "each direction, and then multiply."),
    ("no-photo", {f"        own += {SQUARES}\n": ""},
     "a picture taken for an attachment that costs nothing",
     "The photo is missing from your sum. Each note brings one, which is input."),
    ("note-lost", {"own += math.ceil(width / 28) *": "own = 1 * math.ceil(width / 28) *"},
     "`=` for `+=`",
     "The photo has taken the place of the note. Both are input: add its tokens to `own`."),
    ("one-photo",
     {"    own = task": "    extra, own = 0, task", "        own += ": "        extra = ",
      "calls * own *": "(calls * own + extra) *"},
     "a picture added after the calls were multiplied",
     "You counted one photo in all. Each note brings its own."),
    ("first-reads", {FIRST_WRITES: 'calls * price["read"]'},
     "'cached tokens cost 90% less' taken for the whole task",
     "With a cache you let every call read. The first one finds nothing to read: it writes, which "
     "costs more than fresh input."),
    ("one-too-many", {"(calls - 1)": "calls"},
     "the first call counted with the others again",
     "With a cache you counted one call too many. One writes, and all the others read: `calls - "
     "1`."),
    ("all-write", {FIRST_WRITES: 'calls * price["written"]'},
     "the surcharge of lesson 08 put on all calls",
     "With a cache you let every call write. The list is written once, and read by the other "
     "calls."),
    ("too-short", {' and task["shared"] >= 512': ""},
     "lesson 08, 'A short prompt': no error says that nothing was cached",
     "This task has fewer than 512 shared tokens, so nothing is kept. Count them as fresh input, "
     "although `cached` is true."),
    ("just-enough", {">= 512": "> 512"},
     "the border taken to the wrong side",
     "Exactly 512 shared tokens are enough for the cache; only below that is nothing kept."),
    ("not-cached", {'task["shared"] >= 512': 'task["answer"] >= 512'},
     "another size compared with the minimum",
     "This task is cached, and you counted its shared tokens as fresh input. What is compared with "
     "512 are the shared tokens."),
    ("a-tenth", {'price["read"]': 'price["input"] / 10'},
     "'cached tokens cost 90% less'",
     "You counted reads at a tenth of the fresh price. How much cheaper they are differs between "
     "models: use the price for `read`."),
    ("never-halved", {'    if task["batch"]:\n        total = total / 2\n': ""},
     "https://github.com/dust-tt/dust/pull/23702",
     "This is a batch, and you counted it at full price. It costs half of everything."),
    ("answers-full",
     {"total = total / 2": 'total = total / 2 + calls * task["answer"] * ' 'price["output"] / 2' },
     "the template of this exercise, fixed in part",
     "In a batch you left the answers at full price. A batch costs half of everything."),
)  # fmt: skip

what_if = Exercise(
    id="14.2",
    title="Fix a calculator",
    objective="Work out what a task would cost, before anything is sent.",
    minutes=12,
    task="""
A colleague wrote a calculator for the office, from articles of several years. It gets the `prices`
as in the lesson, and a `task`, a dict: the number of `"calls"`; the tokens that are the same in
all of them (`"shared"`), those of a single note (`"own"`) and of its `"answer"`; the `"photo"` of
each note, a pair of pixels, or `None`; the `"model"`; and whether the list is `"cached"`, and
everything sent as a `"batch"`. Wanted are the dollars for all calls together. Fix it:

- a photo costs a token for each square of 28 × 28 pixels, also one that it only partly covers (the
  photos here are not large enough to be shrunk);
- with a cache, the first call writes the shared tokens, and all others read them;
- below 512 shared tokens nothing is kept, so a cache changes nothing;
- a batch costs half of everything.
""",
    template="""
def what_if(task, prices):
    price, calls = prices[task["model"]], task["calls"]
    own = task["own"]
    if task["photo"]:
        width, height = task["photo"]
        own += width * height / 750
    shared = calls * task["shared"] * price["input"]
    if task["cached"]:
        shared = calls * task["shared"] * price["read"]
    total = shared + calls * own * price["input"]
    if task["batch"]:
        total = total / 2
    total += calls * task["answer"] * price["output"]
    return total / 1_000_000
""",
    solution="""
def what_if(task, prices):
    price, calls = prices[task["model"]], task["calls"]
    own = task["own"]
    if task["photo"]:
        width, height = task["photo"]
        own += math.ceil(width / 28) * math.ceil(height / 28)
    shared = calls * task["shared"] * price["input"]
    if task["cached"] and task["shared"] >= 512:
        shared = task["shared"] * (price["written"] + (calls - 1) * price["read"])
    total = shared + calls * own * price["input"]
    total += calls * task["answer"] * price["output"]
    if task["batch"]:
        total = total / 2
    return total / 1_000_000
""",
    also_correct=(
        """
def what_if(task, prices):
    price = prices[task["model"]]
    width, height = task["photo"] or (0, 0)
    own = task["own"] + -(-width // 28) * -(-height // 28)
    keeps = task["cached"] and task["shared"] > 511
    total = 0
    for call in range(task["calls"]):
        kind = "input"
        if keeps:
            kind = "read" if call else "written"
        total += task["shared"] * price[kind] + own * price["input"]
        total += task["answer"] * price["output"]
    return total * (0.5 if task["batch"] else 1) / 1_000_000
""",
    ),
    hints=(
        "Take one rule of the task after the other, and look for its line in the function. Each "
        "of the four is wrong, or missing.",
        "`math.ceil` rounds up: a photo of 30 pixels across has two squares in a row. One call "
        "of the cached ones writes, `calls - 1` read.",
        "The batch comes last: first add up everything, then halve it. And the condition of the "
        "cache has two parts, with `and` between them.",
    ),
    rules=function_of(
        case(planned(), PRICES),
        case(planned(photo=(1200, 900)), PRICES),
        case(planned(photo=(601, 29), calls=7), PRICES),
        case(planned(cached=True), PRICES),
        case(planned(cached=True, calls=1), PRICES),
        case(planned(cached=True, shared=511), PRICES),
        case(planned(cached=True, shared=512), PRICES),
        case(planned(batch=True, model=HAIKU), PRICES),
        case(planned(batch=True, cached=True, photo=(640, 480), model=OPUS), OTHER),
        kind=float,
        before=(leaves_alone("task"),),
        known=(
            *PLANS,
            miss(
                "always-halved",
                "This is no batch, and you halved it.",
                "value if task['batch'] else value / 2",
                "a condition forgotten",
            ),
            miss(
                "one-call",
                "That is what one call costs on average. Wanted are the dollars of all calls.",
                "value / task['calls']",
                "the number of calls forgotten at the end",
            ),
            miss(
                "per-token",
                "The prices are for a million tokens, and you used them for one. Divide by "
                "1,000,000.",
                "value * 1e6",
                "https://github.com/getsentry/sentry/pull/94907: per token for per million",
            ),
        ),
        name="other-amount",
        says="Your calculator gave back $returned; right is about $wanted. Work this task out on "
        "paper: what do all calls pay for the shared tokens, for their own, and for the answers?",
        wrong="value / 3",
    ),
    takeaway="Each way saves on its own part: the cache on what is shared, from the second call "
    "on, and a batch on everything.",
)


# --- 14.3 ------------------------------------------------------------------------------

RULES = "You answer for a lost property office, in one sentence. " * 12
SHEET = {
    "name": "trams",
    "description": "The trams that ran on a day, and where each of them stayed overnight.",
    "input_schema": {"type": "object", "properties": {"day": {"type": "string"}}},
}


def asking(note: str, room: int, **more: Any) -> dict[str, Any]:
    """A request for one note."""
    turns = [{"role": "user", "content": note}]
    return {"model": facts.MODEL, "max_tokens": room, "messages": turns, **more}


UMBRELLA = asking("I left my umbrella on tram 4.", 2000, system=RULES)
HAT = asking("Is my hat there?\n", 300, system=RULES, tools=[SHEET])
LONG = asking("Dear office, " * 400, 100)
SONNET_PRICES, OPUS_PRICES = PRICES[SONNET], OTHER[OPUS]


def worst_of(
    request: dict[str, Any], price: Mapping[str, float], kind: str = "written", output: bool = True
) -> float:
    """USD of the worst case; the further arguments say what somebody gets wrong."""
    millionths = estimate.request_tokens(request) * price[kind]
    if output:
        millionths += request["max_tokens"] * price["output"]
    return millionths / MILLION


def middle(request: dict[str, Any], price: Mapping[str, float], **how: Any) -> float:
    """A rest of the budget between the worst case and what somebody takes for it."""
    return (worst_of(request, price) + worst_of(request, price, **how)) / 2


def fits(run: Run) -> bool:
    """Whether the worst case of this request is covered by what is left."""
    given = run.given
    return bool(worst_of(run.before["request"], given["price"]) <= given["left"])


def overspent(**how: Any) -> Callable[[Run], bool]:
    """No call was made that only this wrong worst case would have allowed."""

    def met(run: Run) -> bool:
        if fits(run) or not run.requests:
            return True
        given = run.given
        return bool(worst_of(run.before["request"], given["price"], **how) > given["left"])

    return met


def counted_whole(run: Run) -> bool:
    """Whether everything that becomes input was counted."""
    request = run.before["request"]
    for name in ("system", "tools", "messages"):
        if run.counts[0].body.get(name) != request.get(name):
            return False
    return True


COUNTED = """    size = dict(request)
    del size["max_tokens"]
"""

ask_within = Exercise(
    id="14.3",
    title="The worst case",
    objective="Stop before a call that the rest of the budget does not cover.",
    minutes=12,
    task="""
The office's budget was passed at night: the function looks at the bill when the call has been
made. Fix `ask_within`. It gets a whole `request` (a dict with `model`, `max_tokens`, `messages`,
and perhaps `system` and `tools`), the dollars that are `left`, and the `price` of its model, the
four prices for a million tokens as in the lesson.

- It counts the request, all that becomes input, with `client.messages.count_tokens`.
- The worst case is: all of the input is written to the cache (`price["written"]`), and the answer
  needs the whole `max_tokens`.
- If that is more than `left`, it gives back `None`, and asks nothing. Otherwise it sends the
  request as it is, and gives back the reply.
""",
    template="""
def ask_within(client, request, left, price):
    reply = client.messages.create(**request)
    used = reply.usage
    paid = used.input_tokens * price["input"] + used.output_tokens * price["output"]
    if paid / 1_000_000 > left:
        return None
    return reply
""",
    solution="""
def ask_within(client, request, left, price):
    size = dict(request)
    del size["max_tokens"]
    counted = client.messages.count_tokens(**size).input_tokens
    worst = counted * price["written"] + request["max_tokens"] * price["output"]
    if worst / 1_000_000 > left:
        return None
    return client.messages.create(**request)
""",
    also_correct=(
        """
def ask_within(client, request, left, price):
    size = {}
    for name, value in request.items():
        if name != "max_tokens":
            size[name] = value
    tokens = client.messages.count_tokens(**size).input_tokens
    left -= tokens * price["written"] / 1_000_000
    left -= request["max_tokens"] * price["output"] / 1_000_000
    if left >= 0:
        return client.messages.create(**request)
""",
    ),
    hints=(
        "What does the function know before the call, and what only afterwards? The decision may "
        "only use the first.",
        "`count_tokens` takes everything of the request but `max_tokens`. Take that out of a "
        "copy, `dict(request)`: the request itself is still to be sent.",
        "Multiply the count by the price for `written`, and `max_tokens` by that for `output`; "
        "divide the sum by a million, and compare it with `left`.",
    ),
    rules=cases(
        case(UMBRELLA, 0.0001, SONNET_PRICES),
        case(UMBRELLA, 0.5, SONNET_PRICES, replies=[[THOUGHT, "Number 168."]]),
        case(UMBRELLA, middle(UMBRELLA, SONNET_PRICES, output=False), SONNET_PRICES),
        case(LONG, middle(LONG, SONNET_PRICES, kind="input"), SONNET_PRICES),
        case(HAT, 1.02 * worst_of(HAT, OPUS_PRICES), OPUS_PRICES, replies=[["No ", "hat."]]),
        case(LONG, 1.02 * worst_of(LONG, SONNET_PRICES), SONNET_PRICES, replies=["Yes."]),
        expect=(
            rule(
                "too-late",
                "The worst case was more than what is left, and your code sent the request all "
                "the same, without counting it. Decide before the call: afterwards it is paid.",
                lambda run: fits(run) or run.counts or not run.requests,
                {
                    COUNTED: "    reply = client.messages.create(**request)\n",
                    "client.messages.count_tokens(**size)": "reply.usage",
                    "return client.messages.create(**request)": "return reply",
                },
                "https://github.com/MervinPraison/PraisonAI/issues/2314",
            ),
            rule(
                "sent-first",
                "The request was sent, and only then counted. Then it is paid, whatever comes out "
                "of it: count first.",
                lambda run: not run.counts or run.sent[0].path.endswith("count_tokens"),
                {COUNTED: "    reply = client.messages.create(**request)\n" + COUNTED},
                "the old line left standing at the top",
            ),
            rule(
                "not-counted",
                "Your code counted nothing. How long a request is, only the API knows: ask it "
                "with `client.messages.count_tokens`.",
                lambda run: run.counts,
                {"client.messages.count_tokens(**size).input_tokens": "len(str(size)) // 4"},
                "characters divided by four",
            ),
            rule(
                "counted-in-part",
                "You counted only a part of the request. `system`, `tools` and all of the "
                "`messages` become input, so all of them have to be counted.",
                counted_whole,
                {
                    "(**size)": '(model=request["model"], messages=request["messages"])',
                },
                "the call of lesson 01, in which there was nothing else",
                show="messages",
            ),
            rule(
                "input-price",
                "Your code let a request through that is covered only if its input is fresh. At "
                'worst all of it is written to the cache: take `price["written"]`.',
                overspent(kind="input"),
                {'price["written"]': 'price["input"]'},
                "the usual price taken for the highest",
            ),
            rule(
                "output-forgotten",
                "Your code let a request through whose input alone is covered. The answer has to "
                "be paid as well, at worst the whole of `max_tokens`.",
                overspent(output=False),
                {' + request["max_tokens"] * price["output"]': ""},
                "https://github.com/bircex/llmr/issues/40: only the known part is priced",
            ),
            rule(
                "sent-anyway",
                "The worst case was more than what is left, and your code sent the request all "
                "the same.",
                lambda run: fits(run) or not run.requests,
                {"if worst / 1_000_000 > left": "if worst / 1_000_000 < left"},
                "a comparison the wrong way round",
            ),
            rule(
                "refused",
                "The worst case was covered by what is left, and your code did not ask. Worst "
                "case: about $worst dollars; left: $left. (A price is for a million tokens.)",
                lambda run: not fits(run) or run.requests,
                {"if worst / 1_000_000 > left": "if worst > left"},
                "dollars compared with millionths of a dollar",
                worst=lambda run: f"{worst_of(run.before['request'], run.given['price']):.6f}",
                left=lambda run: f"{run.given['left']:.6f}",
            ),
            rule(
                "request-changed",
                "The request that was sent is not the one that your function was given. It goes "
                "out as it is, `max_tokens` too.",
                lambda run: not run.requests or run.requests[0].body == run.before["request"],
                {
                    "return client.messages.create(**request)": "return client.messages.create("
                    "**{**request, 'max_tokens': request['max_tokens'] // 2})",
                },
                "01.5, where the rest of the budget sets the limit",
            ),
            rule(
                "asked-twice",
                "The request was sent more than once, and each time is paid for.",
                lambda run: len(run.requests) < 2,
                {
                    "    return client.messages.create(**request)": "    client.messages.create("
                    "**request)\n    return client.messages.create(**request)"
                },
                "one call to look, and one to give back",
            ),
            leaves_alone("request"),
            rule(
                "not-none",
                "Nothing was asked, and your function gave back `$got`. `None` is wanted then, so "
                "that the caller can tell.",
                lambda run: run.requests or run.value is None,
                {"return None": 'return "over budget"'},
                "a message for people in place of a value for a program",
                got=lambda run: run.value,
            ),
            rule(
                "not-the-reply",
                "Wanted is the whole reply, the `Message`. You gave back a `$kind`.",
                lambda run: not run.requests or type(run.returned).__name__ == "Message",
                acts("value and value.content"),
                "reaching for the content at once",
            ),
        ),
    ),
    messages={
        "raised-unknown-argument": "$kit `max_tokens` limits the output, and only input is "
        "counted. Leave it out of a copy.",
        "raised-plus": "$kit `count_tokens` gives back an object. Its `input_tokens` is the "
        "number.",
        "raised-RuntimeError": "In the lesson the function raises an error when the budget is used "
        "up. Here `None` is wanted, and the caller decides what to do.",
        "raised-key": "$kit If you deleted it from `request` itself, it is missing when the "
        "request is to be sent: make a copy first.",
    },
    mistakes=(
        Mistake(
            "raised-unknown-argument",
            {"(**size)": "(**request)"},
            "lesson 14: the same dict handed to `count_tokens`",
        ),
        Mistake(
            "raised-plus",
            {"(**size).input_tokens": "(**size)"},
            "the whole answer taken for the number in it",
        ),
        Mistake(
            "raised-RuntimeError",
            {"return None": 'raise RuntimeError(f"{worst} is too much")'},
            "lesson 14, `ask`",
        ),
        Mistake(
            "raised-key",
            {"dict(request)": "request"},
            "a second name taken for a copy",
        ),
        Mistake(
            "no-return",
            {"return client.messages.create(**request)": "client.messages.create(**request)"},
            "a cell shows its last line, a function does not",
        ),
    ),
    takeaway="Two numbers are known before the call, the counted input and `max_tokens`. Together "
    "they make the worst case.",
)


# --- 14.4 ------------------------------------------------------------------------------

KINDS = ("input", "written", "read", "output")
KEYS = ["time", "request_id", "model", *KINDS, "usd"]
SAID = "A green umbrella from tram 4 is here: number 168."


@dataclass
class Book:
    """What one evening with a ledger showed: two objects, then a third in a second run."""

    replies: tuple[Any, ...]
    early: Any = None  # total() before there is a file; an exception if it raised one
    gave: list[Any] = field(default_factory=list)  # by add()
    texts: list[str] = field(default_factory=list)  # the file after each add()
    totals: list[Any] = field(default_factory=list)  # total() after each add()
    beside: Any = None  # total() of an object that was made at the beginning
    later: Any = None  # total() of an object that was made at the end
    answers: dict[str, Any] = field(default_factory=dict)  # allows(), by the name of the amount

    @property
    def right(self) -> float:
        """USD of all replies."""
        return sum(cost(reply).total for reply in self.replies)

    @property
    def lines(self) -> list[Any]:
        """The lines of the file at the end; None for one that is not a JSON object."""
        found = []
        for line in self.texts[-1].splitlines():
            try:
                read = json.loads(line)
            except ValueError:
                read = None
            found.append(read if isinstance(read, dict) else None)
        return found

    def __repr__(self) -> str:
        return f"total() {self.totals}, in a second run {self.later!r}"


def evening(ledger: Callable[..., Any], limit: float, first: Any, second: Any, third: Any) -> Book:
    """Keep a ledger of three replies in a new folder, and look at it after each step."""
    book = Book((first, second, third))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "my_ledger.jsonl"
        kept = ledger(path, limit)
        other = ledger(path, limit)
        try:
            book.early = kept.total()
        except FileNotFoundError as problem:
            book.early = problem
            path.touch()
        for reply in book.replies:
            book.gave.append(kept.add(reply))
            book.texts.append(path.read_text(encoding="utf-8") if path.exists() else "")
            book.totals.append(kept.total())
        book.beside = other.total()
        again = ledger(path, limit)
        book.later = again.total()
        if math.isnan(amount(book.later)):  # nothing to compare with a limit
            return book
        spent = book.right
        amounts = {"little": (limit - spent) / 2, "much": limit - spent / 2, "over": 2 * limit}
        for name, usd in amounts.items():
            book.answers[name] = again.allows(usd)
        book.answers["edge"] = ledger(path, again.total()).allows(0.0)
    return book


def book_of(run: Run) -> Book:
    """What the evening showed."""
    run.surface()
    value = run.result.value
    assert isinstance(value, Book)
    return value


def amount(value: Any) -> float:
    """A number that came back, or one that equals nothing."""
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if fine else math.nan


def wanted_line(reply: Any) -> dict[str, Any]:
    """What should stand in the line of a reply, without its time."""
    return {
        "request_id": getattr(reply, "_request_id", None),
        "model": reply.model,
        "input": reply.usage.input_tokens,
        "written": reply.usage.cache_creation_input_tokens or 0,
        "read": reply.usage.cache_read_input_tokens or 0,
        "output": reply.usage.output_tokens,
        "usd": cost(reply).total,
    }


def differing(run: Run) -> str:
    """The first key whose value in the file is another one; "" when all are right."""
    book = book_of(run)
    for line, reply in zip(book.lines, book.replies, strict=False):
        for key, right in wanted_line(reply).items():
            got = line.get(key)
            if not (alike(amount(got), right) if isinstance(right, float) else got == right):
                return key
    return ""


def has_zone(line: dict[str, Any]) -> bool:
    """Whether the time of a line is one that `fromisoformat` reads, with its zone."""
    try:
        return datetime.fromisoformat(str(line["time"]).replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False


def lacking(run: Run) -> list[str]:
    """The keys that a line lacks."""
    return [key for line in book_of(run).lines for key in KEYS if key not in line]


def further(run: Run) -> list[str]:
    """The keys of a line that were not asked for."""
    return [key for line in book_of(run).lines for key in line if key not in KEYS]


APPEND = 'self.path.open("a", encoding="utf-8")'
RETURN_USD = '        return line["usd"]\n'
READ_ALL = """        if not self.path.exists():
            return 0.0
"""
COUNT = "used.{0}_input_tokens or 0"

book_keeper = Exercise(
    id="14.4",
    title="The desk's ledger",
    objective="Write down what is spent so that it outlives the program, and hold a limit.",
    minutes=20,
    part="Ledger",
    task="""
The library desk gets a ledger. This one forgets everything at the end of the program, keeps only
its last reply, and writes down what readers were told. Fix the class `Ledger(path, limit)`. Its
`path` is a `Path`, whose file need not exist yet, and `limit` is in dollars:

- `add(reply)` appends one line of JSON to the file and gives back the dollars of the reply, by
  the course's `cost(reply).total`. The line has the keys `"time"` (now, as ISO text with its time
  zone), `"request_id"` (`None` for a reply from a stream, which has no `_request_id`), `"model"`,
  `"input"`, `"written"`, `"read"`, `"output"` (tokens; `None` counts as 0) and `"usd"`, and
  nothing else: no text of the reply;
- `total()` gives the dollars of all lines of the file, also of those that another run or another
  `Ledger` has written. Without a file it is 0;
- `allows(dollars)` is `True` if the total and these dollars together do not pass the limit.
""",
    template="""
class Ledger:
    def __init__(self, path, limit):
        self.path = path
        self.limit = limit
        self.spent = 0

    def add(self, reply):
        usd = cost(reply).total
        self.spent += usd
        with self.path.open("w", encoding="utf-8") as file:
            file.write(json.dumps(reply.to_dict()))
        return usd

    def total(self):
        return self.spent

    def allows(self, dollars):
        return self.spent < self.limit
""",
    solution="""
class Ledger:
    def __init__(self, path, limit):
        self.path = path
        self.limit = limit

    def add(self, reply):
        used = reply.usage
        line = {
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "request_id": getattr(reply, "_request_id", None),
            "model": reply.model,
            "input": used.input_tokens,
            "written": used.cache_creation_input_tokens or 0,
            "read": used.cache_read_input_tokens or 0,
            "output": used.output_tokens,
            "usd": cost(reply).total,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\\n")
        return line["usd"]

    def total(self):
        if not self.path.exists():
            return 0.0
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return sum(json.loads(line)["usd"] for line in lines)

    def allows(self, dollars):
        return self.total() + dollars <= self.limit
""",
    also_correct=(
        """
class Ledger:
    FIELDS = {
        "input": "input_tokens",
        "written": "cache_creation_input_tokens",
        "read": "cache_read_input_tokens",
        "output": "output_tokens",
    }

    def __init__(self, path, limit):
        self.file, self.limit = Path(path), limit
        self.file.touch()

    def add(self, reply):
        usd = cost(reply).total
        line = {"usd": usd, "model": reply.model, "request_id": None}
        if hasattr(reply, "_request_id"):
            line["request_id"] = reply._request_id
        for key, field in self.FIELDS.items():
            line[key] = getattr(reply.usage, field) or 0
        line["time"] = datetime.now().astimezone().isoformat()
        with open(self.file, "a") as file:
            print(json.dumps(line), file=file)
        return usd

    def total(self):
        spent = 0
        with open(self.file) as file:
            for line in file:
                spent += json.loads(line)["usd"]
        return spent

    def allows(self, dollars):
        return dollars <= self.limit - self.total()
""",
    ),
    hints=(
        "What lives in `self` is gone when the program ends, and no other program sees it. Only "
        "the file stays: `total` reads it each time.",
        "The lesson's `add` has the line and the way to append it, and `entries` reads it back. "
        '`getattr(reply, "_request_id", None)` is the id, `reply.usage` has the counts.',
        "`allows` adds `dollars` to `self.total()` and compares the sum with `self.limit`. In "
        "`total`, look first whether the file exists.",
    ),
    rules=cases(
        case(
            0.05,
            paid(SONNET, 4512, 0, 0, 141, SAID, "req_01Abc"),
            paid(SONNET, 31, 4481, 0, 160, SAID, "req_02Def"),
            paid(HAIKU, 37, 12, 4481, 9000, SAID, "req_03Ghi"),
            by=evening,
        ),
        case(
            4,
            paid(HAIKU, 90, None, None, 42, "None found.", "req_04Jkl"),
            paid(OPUS, 5, 0, 800, 60_000, SAID),  # from a stream: without a request id
            paid(SONNET, 800, 0, 7, 20, "Yes.", "req_06Pqr"),
            by=evening,
        ),
        expect=(
            rule(
                "no-file-yet",
                "Before the first reply there is no file yet, and `total()` ended with a "
                "`FileNotFoundError`. Nothing is spent then: 0.",
                lambda run: not isinstance(book_of(run).early, Exception),
                {READ_ALL: ""},
                "written and tried on a machine on which the file was there",
            ),
            rule(
                "early-total",
                "Before the first reply, `total()` gave back `$got`. Nothing is spent yet: 0.",
                lambda run: amount(book_of(run).early) == 0,
                {"            return 0.0": "            return None"},
                "nothing taken for None",
                got=lambda run: book_of(run).early,
            ),
            rule(
                "no-file",
                "After `add` there is nothing in the file `path`. Write the line into that file, "
                "and at once, not at the end of the program.",
                lambda run: book_of(run).texts[0],
                {APPEND: 'self.path.with_suffix(".new").open("a", encoding="utf-8")'},
                "https://github.com/liliMozi/openhanako/issues/1237: a ledger in memory only",
            ),
            rule(
                "text-inside",
                "The text of a reply is in your file. A ledger holds numbers and names; what "
                "readers asked and were told is nobody's business there.",
                lambda run: (
                    not [
                        block.text
                        for reply in book_of(run).replies
                        for block in reply.content
                        if block.type == "text" and block.text in book_of(run).texts[-1]
                    ]
                ),
                {'"model": reply.model,': '"model": reply.model, "reply": reply.to_dict(),'},
                "the whole reply written down, to be on the safe side",
            ),
            rule(
                "overwritten",
                'After the second reply, the first is no longer in the file. Open it with `"a"`: '
                '`"w"` begins it anew.',
                lambda run: book_of(run).texts[-1].startswith(book_of(run).texts[0]),
                {'"a", encoding': '"w", encoding'},
                "https://github.com/sinameraji/kimiflare/pull/352: a file that is written anew",
            ),
            rule(
                "one-line",
                "Three replies were added, and the file has $count lines that are JSON objects. "
                "Each reply gets exactly one line, which ends with a line break.",
                lambda run: (
                    len(book_of(run).lines) == 3
                    and None not in book_of(run).lines
                    and book_of(run).texts[0].endswith("\n")
                ),
                {' + "\\n")': ")", "for line in lines)": "for line in lines if len(lines) < 0)"},
                "`write` adds no line break by itself",
                count=lambda run: len([one for one in book_of(run).lines if one is not None]),
            ),
            rule(
                "key-missing",
                "Your line has no `$key`. Other parts of the desk look for that name.",
                lambda run: not lacking(run),
                {'            "request_id": getattr(reply, "_request_id", None),\n': ""},
                "an id that nobody misses until something has to be looked up",
                key=lambda run: lacking(run)[0],
            ),
            rule(
                "more-keys",
                "Your line has a key that was not asked for: `$key`.",
                lambda run: not further(run),
                {'"model": reply.model,': '"model": reply.model, "stop": reply.stop_reason,'},
                "one thing more that might be useful one day",
                key=lambda run: further(run)[0],
            ),
            rule(
                "null-count",
                "A count in your file is `null`, because the reply has `None` there. Make a 0 of "
                "it, or nobody can add the lines up.",
                lambda run: all(
                    line[kind] is not None for line in book_of(run).lines for kind in KINDS
                ),
                {"used.cache_creation_input_tokens or 0": "used.cache_creation_input_tokens"},
                "https://github.com/browser-use/browser-use/pull/5306: fields that may be missing",
            ),
            rule(
                "no-zone",
                "`$time` is no ISO text with a time zone. Without the zone nobody knows when that "
                "was: `datetime.now(timezone.utc).isoformat()`.",
                lambda run: all(has_zone(line) for line in book_of(run).lines),
                {"datetime.now(timezone.utc)": "datetime.now()"},
                "the clock on the wall, on a server far away",
                time=lambda run: book_of(run).lines[0]["time"],
            ),
            rule(
                "other-entry",
                "In a line of your file, `$key` has another value than the reply.",
                lambda run: not differing(run),
                {'"read": used.cache_read': '"read": used.cache_creation'},
                "two long names that differ in one word",
                key=differing,
            ),
            rule(
                "add-gives",
                "`add` should give back the dollars of the reply, and gave back `$got`.",
                lambda run: all(
                    alike(amount(got), cost(reply).total)
                    for got, reply in zip(book_of(run).gave, book_of(run).replies, strict=True)
                ),
                {RETURN_USD: ""},
                "the line is written, so the work seems done",
                got=lambda run: next(
                    got
                    for got, reply in zip(book_of(run).gave, book_of(run).replies, strict=True)
                    if not alike(amount(got), cost(reply).total)
                ),
            ),
            rule(
                "last-only",
                "`total()` gives the dollars of the last line. Add up all of them.",
                lambda run: (
                    not alike(amount(book_of(run).totals[-1]), cost(book_of(run).replies[-1]).total)
                ),
                {'sum(json.loads(line)["usd"] for line in lines)': 'json.loads(lines[-1])["usd"]'},
                "the end of the file taken for the sum",
            ),
            rule(
                "other-total",
                "After three replies, `total()` gave back `$got`; their dollars together are "
                "$right.",
                lambda run: alike(amount(book_of(run).totals[-1]), book_of(run).right),
                {'["usd"] for line': '["output"] for line'},
                "another column added up",
                got=lambda run: book_of(run).totals[-1],
                right=lambda run: f"{book_of(run).right:.6f}",
            ),
            rule(
                "forgets",
                "A second `Ledger` with the same file, as in a second run of the program, has the "
                "total `$got` in place of $right. The file knows what was spent: read it.",
                lambda run: alike(amount(book_of(run).later), book_of(run).right),
                {
                    "        self.limit = limit\n": "        self.limit = limit\n"
                    "        self.spent = 0\n",
                    RETURN_USD: '        self.spent += line["usd"]\n' + RETURN_USD,
                    "        lines = self": "        return self.spent\n        lines = self",
                },
                "https://github.com/elizaOS/eliza/pull/9032: the sum in memory, gone at a restart",
                got=lambda run: book_of(run).later,
                right=lambda run: f"{book_of(run).right:.6f}",
            ),
            rule(
                "read-once",
                "Two objects shared the file. One added replies, and the total of the other, made "
                "before, is `$got` in place of $right. Read the file each time, not only at the "
                "beginning.",
                lambda run: alike(amount(book_of(run).beside), book_of(run).right),
                {
                    "        self.limit = limit\n": "        self.limit = limit\n"
                    "        self.spent = self.read()\n",
                    RETURN_USD: '        self.spent += line["usd"]\n' + RETURN_USD,
                    "    def total(self):\n": "    def total(self):\n"
                    "        return self.spent\n\n    def read(self):\n",
                },
                "read at the start, and kept: two programs with one budget",
                got=lambda run: book_of(run).beside,
                right=lambda run: f"{book_of(run).right:.6f}",
            ),
            rule(
                "refuses",
                "The total and the amount together are within the limit, and `allows` gave back "
                "`$got`. `True` is wanted.",
                lambda run: book_of(run).answers["little"] is True,
                {"dollars <= self.limit": "dollars > self.limit"},
                "a comparison the wrong way round",
                got=lambda run: book_of(run).answers["little"],
            ),
            rule(
                "total-ignored",
                "The amount alone is within the limit, but not together with what is spent, and "
                "`allows` said yes.",
                lambda run: not book_of(run).answers["much"] or book_of(run).answers["over"],
                {"self.total() + dollars <=": "dollars <="},
                "each call looked at for itself",
            ),
            rule(
                "amount-ignored",
                "Something is left, but not as much as the call may cost, and `allows` said yes. "
                "Add `dollars` to the total before you compare.",
                lambda run: not book_of(run).answers["much"],
                {"self.total() + dollars <=": "self.total() <="},
                "https://github.com/MervinPraison/PraisonAI/issues/2314",
            ),
            rule(
                "edge",
                "The total and the amount together are exactly the limit, and `allows` said no. "
                "The limit is not passed then.",
                lambda run: book_of(run).answers["edge"] is True,
                {"dollars <= self.limit": "dollars < self.limit"},
                "the border taken to the wrong side",
            ),
        ),
    ),
    messages={
        "raised-JSONDecodeError": "A line of your file is not one whole JSON object, so it cannot "
        'be read back. Each reply is one line: `json.dumps(line) + "\\n"`, without `indent`, and '
        "read with `splitlines()`.",
        "raised-FileExistsError": "The file was there already, as it is from the second reply on. "
        'Open it with `"a"`, which adds to its end.',
        "raised-message-attribute": "There is no such field in this reply. Its counts are in "
        "`usage`. The id of its request is `_request_id`, and a reply from a stream has none: "
        '`getattr(reply, "_request_id", None)` gives `None` then.',
    },
    mistakes=(
        Mistake(
            "raised-JSONDecodeError",
            {'json.dumps(line) + "\\n"': "json.dumps(line).strip()"},
            "`write` adds no line break by itself",
        ),
        Mistake(
            "raised-FileExistsError",
            {'"a", encoding="utf-8"': '"x"'},
            "the mode that never overwrites, taken for the one that adds",
        ),
        Mistake(
            "raised-message-attribute",
            {'getattr(reply, "_request_id", None)': "reply._request_id"},
            "tried with `create` alone; the desk's own `robust_ask` streams",
        ),
    ),
    takeaway="The file is the ledger, and the object only reads and writes it. So it outlives the "
    "program, and two programs share one limit.",
)


EXERCISES = (bill, what_if, ask_within, book_keeper)
