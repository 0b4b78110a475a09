"""Exercises of lesson 09: fix an order, fix the wait and the join, label a file of reviews.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from collections.abc import Callable
from typing import Any

from courseserver import facts
from courseserver.pace import pace
from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    batch_of,
    case,
    cases,
    gives,
    miss,
    of_kind,
    rule,
)
from practice.grading.tape import has, text_of

IMPORTS = """
import time
from time import sleep

import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
BATCHES = "/v1/messages/batches"
ROOM = 200  # output tokens: with less, thinking may leave nothing for the answer
EACH = 'for one in request["requests"]:\n    one["params"] = {**one["params"], %s}'


def created(run: Run) -> Any:
    """The batch as the API gave it back, of the first one that was made."""
    made = [sent.reply for sent in run.sent if sent.path == BATCHES and sent.body]
    return made[0] if made else {}


def ordered(run: Run) -> dict[str, dict[str, Any]]:
    """The params of each request of the batch, by its id."""
    made = [sent for sent in run.sent if sent.path == BATCHES and sent.body]
    return {one["custom_id"]: one["params"] for one in made[0].body["requests"]}


def about(
    name: str, says: str, broken: Callable[[Run], list[str]], wrong: Any, seen: str, **fill: Any
) -> Any:
    """A rule that some ids break; its message names the first of them, as `$id`."""
    return rule(
        name, says, lambda run: not broken(run), wrong, seen, id=lambda run: broken(run)[0], **fill
    )


# --- 09.1 ------------------------------------------------------------------------------

ASKED = frozenset({"model", "max_tokens", "messages"})
MADE_ALONE = """
def order_translations(client, entries):
    replies = []
    for entry in entries:
        turns = [{"role": "user", "content": f"Translate into English: {entry['text']}"}]
        replies.append(client.messages.create(model=MODEL, max_tokens=2000, messages=turns))
    return replies[-1].id
"""


def said(params: dict[str, Any]) -> str:
    """The text of the one user turn; "" if there are more turns, or other ones."""
    turns = params.get("messages")
    if not isinstance(turns, list) or [has(turn, "role", "user") for turn in turns] != [True]:
        return ""
    return text_of(turns[0].get("content"))


def little(run: Run) -> list[Any]:
    """The limits that are no number or leave little room; in a batch anything gets so far."""
    found = [params.get("max_tokens") for params in ordered(run).values()]
    return [limit for limit in found if not isinstance(limit, int) or limit < ROOM]


def changed(run: Run) -> list[str]:
    """The ids of the requests that do not say what is wanted."""
    wanted = {entry["id"]: entry["text"] for entry in run.args[0]}
    return [name for name, params in ordered(run).items()
            if said(params) != f"Translate into English: {wanted[name]}"]  # fmt: skip


def others(run: Run) -> list[str]:
    """Names in any `params` that nobody asked for."""
    return sorted({name for params in ordered(run).values() for name in params} - ASKED)


order_translations = Exercise(
    id="09.1",
    title="Fix an order",
    objective="Order a batch in which each request has its name and its params.",
    minutes=8,
    task="""
A campsite wants the entries of its guest book in English. This function should order all of them
in one batch and give back the id of the batch, but three things in it are wrong. Fix them; you
may check after each.

An entry is a dict with `id`, `name` and `text`. The `id` of an entry is the name of its request,
since guests can share a name. The `params` hold the model, a limit with room (as in the lesson)
and one user turn, and nothing else.
""",
    template="""
def order_translations(client, entries):
    requests = []
    for entry in entries:
        words = f"Translate into English: {entry['text']}"
        requests.append(
            {
                "custom_id": entry["name"],
                "model": MODEL,
                "max_tokens": 2000,
                "messages": [{"role": "user", "content": words}],
            }
        )
    batch = client.batches.create(requests=requests)
    return batch.id
""",
    solution="""
def order_translations(client, entries):
    requests = []
    for entry in entries:
        words = f"Translate into English: {entry['text']}"
        params = {
            "model": MODEL,
            "max_tokens": 2000,
            "messages": [{"role": "user", "content": words}],
        }
        requests.append({"custom_id": entry["id"], "params": params})
    batch = client.messages.batches.create(requests=requests)
    return batch.id
""",
    also_correct=(
        """
def request_for(entry):
    block = dict(type="text", text="Translate into English: " + entry["text"])
    turn = dict(role="user", content=[block])
    params = dict(model=MODEL, max_tokens=4000, messages=[turn])
    return dict(custom_id=entry["id"], params=params)


def order_translations(client, entries):
    batches = client.messages.batches
    return batches.create(requests=[request_for(entry) for entry in entries]).id
""",
    ),
    hints=(
        "Compare the dict with the one that `request_for` makes in the lesson. What are the two "
        "parts of a request in a batch?",
        "Everything that you would give to `messages.create` belongs one level deeper. And batches "
        "belong to the messages: look at the cell that sends them.",
        "A `custom_id` has letters, digits, `-` and `_`, and occurs once. Which field of an entry "
        "is like that?",
    ),
    rules=cases(
        case(
            [
                {"id": "guest-1", "name": "Ines Duarte", "text": "Bela vista, pouca sombra."},
                {"id": "guest-2", "name": "Hiro", "text": "朝の鳥が素晴らしい。\n"},
                {"id": "guest-3", "name": "Hiro", "text": "  Wieder da! {Danke}"},
            ],
            replies=["Nice view."],
        ),
        case([{"id": "late-8", "name": "Amara", "text": "Très calme."}], replies=["Very calm."]),
        expect=(
            rule(
                "one-by-one",
                "You sent the entries one by one with `messages.create`. That works, at twice the "
                "price: put them into one list and order a batch.",
                lambda run: all(sent.path != "/v1/messages" for sent in run.sent),
                MADE_ALONE,
                "a loop over `create`, as in every lesson before this one",
            ),
            batch_of(
                lambda entries: [
                    {"custom_id": entry["id"], "params": {"model": facts.MODEL}}
                    for entry in entries
                ]
            ),
            about(
                "other-turn",
                "The request `$id` has another turn than the one that is wanted: it comes from the "
                "`user`, and says “Translate into English: ” and the entry's `text`, as it is.",
                changed,
                {"{entry['text']}": "{entries[0]['text']}"},
                "the first row, with which the line was tried, left in the loop",
            ),
            rule(
                "no-room",
                "`max_tokens` is `$found` in your `params`. Thinking counts too, so little room "
                "may leave nothing for the answer; and in a batch that shows only afterwards. "
                "The lessons use 2,000.",
                lambda run: not little(run),
                acts(request=EACH % '"max_tokens": 50'),
                "small limits in articles from before thinking was on by default",
                found=lambda run: repr(little(run)[0]),
            ),
            rule(
                "more-params",
                "Your `params` also hold `$names`, which was not asked for. The API looks at "
                "`params` late, so a mistake there shows only in the results, in each of them.",
                lambda run: not others(run),
                acts(request=EACH % '"temperature": 0'),
                "lesson 09, 'Four kinds of result': temperature passes at first",
                names=lambda run: others(run)[0],
            ),
            rule(
                "whole-batch",
                "You gave back the whole batch. Its `id` is wanted: with that, any program can "
                "pick the batch up.",
                lambda run: type(run.returned).__name__ != "MessageBatch",
                acts("reply"),
                "lesson 09, where `batch` is what `create` gives back",
            ),
            rule(
                "not-the-id",
                "You gave back `$returned`. The `id` of the batch is wanted: it is in what "
                "`create` gave back, and begins with `msgbatch_`.",
                lambda run: run.returned == created(run)["id"],
                {"batch.id": 'requests[0]["custom_id"]'},
                "two ids side by side: that of a request and that of the batch",
            ),
        ),
    ),
    messages={
        "other-ids": "The `custom_id` of each request is the `id` of its entry, and each entry "
        "has a request. Look at $ids.",
        "raised-400": "$kit A request has two parts, `custom_id` (letters, digits, `-` and `_`, "
        "each only once) and `params`, which holds all the rest.",
        "raised-batches": "$kit (A batch is a batch of messages.)",
    },
    mistakes=(
        Mistake("raised-batches", {"client.messages.batches": "client.batches"},
                "OpenAI's package has its batches there"),
        Mistake("raised-400", {'"custom_id": entry["id"], "params": params': "**params"},
                "https://github.com/anthropics/anthropic-sdk-typescript/pull/577: its own words"),
        Mistake("no-batch", {"batch = client.messages.batches.create(requests=requests)":
                             "batch = client", "batch.id": 'requests[0]["custom_id"]'},
                "a list of requests that nobody sends"),
        Mistake("other-params", {"MODEL": '"claude-sonnet-5"'}, "a model's name from an article"),
        Mistake("two-batches", {"    batch = client": "        batch = client"},
                "the call moved into the loop by one press of Tab"),
        Mistake("other-ids", {"for entry in entries:": "for at, entry in enumerate(entries):",
                              'entry["id"], "params"': 'f"guest-{at}", "params"'},
                "https://github.com/edubruell/tidyllm/issues/37: ids made from the place"),
        Mistake("printed", {"return batch.id": "print(batch.id)"},
                "lesson 09, where a cell shows its last line"),
    ),
    takeaway="A request in a batch is a name of your own (`custom_id`) and the arguments of a "
    "call (`params`). Keep the id of the batch: it is your claim to the results.",
)  # fmt: skip


# --- 09.2 ------------------------------------------------------------------------------

JOIN = """    for line in client.messages.batches.results(batch.id):
        texts[line.custom_id] = None
        if line.result.type == "succeeded":
            texts[line.custom_id] = read_text(line.result.message)"""
PAUSE = '        time.sleep(float(raw.headers["retry-after"]))\n'
EXPIRED = {"result": "expired"}
BUSY = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
FINE = [THOUGHT, "A wren."]


def orders(run: Run) -> int:
    """How many batches were made."""
    return len([sent for sent in run.sent if sent.path == BATCHES and sent.body])


def looks(run: Run) -> int:
    """How often the batch was looked at; `results` looks once more by itself."""
    paths = [sent.path for sent in run.sent]
    address = f"{BATCHES}/{created(run)['id']}"
    return paths.count(address) - paths.count(f"{address}/results")


def due() -> int:
    """The seconds in the header `retry-after`: here 1, and 0 where the tests run."""
    return round(pace())


def question(name: str, text: str) -> dict[str, Any]:
    """One request, as it is handed to the answer."""
    turn = {"role": "user", "content": text}
    params = {"model": facts.MODEL, "max_tokens": 2000, "messages": [turn]}
    return {"custom_id": name, "params": params}


FIRST = [
    question("wren", "Which bird is small and loud?"),
    question("tit", "Which one is blue?"),
    question("owl", "Which one is awake?"),
    question("jay", "Which one hides acorns?"),
    question("coot", "Which one is bald?"),
]
SECOND = [
    question("q-4", "Who sings at night?"),
    question("q-5", "Who drums?"),
    question("q-6", "Who mimics?"),
    question("q-7", "Who is first?"),
]


def strange(run: Run) -> list[str]:
    """The ids whose value is neither a text nor `None`."""
    values = run.returned.items()
    return [name for name, value in values if not isinstance(value, str | None)]


def exchanged(run: Run) -> list[str]:
    """The ids that got what belongs to another id."""
    right = run.wanted
    items = run.returned.items()
    return [name for name, value in items
            if name in right and value != right[name] and value in right.values()]  # fmt: skip


answers = Exercise(
    id="09.2",
    title="Fix the wait, and the join",
    objective="Wait for the end of a batch, and give each answer to its own request.",
    minutes=12,
    task="""
A bird club orders answers in batches. This function should order the batch, wait for its end, and
give back a dict with a text for each `custom_id`, and `None` for a request that got no answer. It
worked in the first test, and four things in it are wrong:

- it waits for the wrong thing, and may wait for ever;
- it asks without a pause (wait as long as the header `retry-after` says);
- it joins by place;
- it expects that every request succeeds.

`read_text` is right. The check does not wait: it counts your pauses. It cannot have a batch
cancelled either, so make sure by yourself that the loop ends at `ended`, and at nothing else.
""",
    template="""
def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")


def answers(client, requests):
    batch = client.messages.batches.create(requests=requests)
    while batch.request_counts.succeeded < len(requests):
        batch = client.messages.batches.retrieve(batch.id)
    lines = client.messages.batches.results(batch.id)
    texts = {}
    for request, line in zip(requests, lines, strict=True):
        texts[request["custom_id"]] = read_text(line.result.message)
    return texts
""",
    solution="""
def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")


def answers(client, requests):
    batch = client.messages.batches.create(requests=requests)
    while True:
        raw = client.messages.batches.with_raw_response.retrieve(batch.id)
        if raw.parse().processing_status == "ended":
            break
        time.sleep(float(raw.headers["retry-after"]))
    texts = {}
    for line in client.messages.batches.results(batch.id):
        texts[line.custom_id] = None
        if line.result.type == "succeeded":
            texts[line.custom_id] = read_text(line.result.message)
    return texts
""",
    also_correct=(
        """
def text_of(result):
    if result.type != "succeeded":
        return None
    return "".join(b.text for b in result.message.content if b.type == "text")


def answers(client, requests):
    batches = client.messages.batches
    order = batches.create(requests=requests)
    while order.processing_status != "ended":
        raw = batches.with_raw_response.retrieve(order.id)
        time.sleep(float(raw.headers.get("retry-after", 10)))
        order = raw.parse()
    by_id = {line.custom_id: line.result for line in batches.results(order.id)}
    return {one["custom_id"]: text_of(by_id[one["custom_id"]]) for one in requests}
""",
    ),
    hints=(
        "Which field of the batch changes at the end, and only then, whatever became of its "
        "requests?",
        "`client.messages.batches.with_raw_response.retrieve(...)` gives the reply with its "
        "`headers`; `.parse()` makes the batch of it. `time.sleep` wants a number.",
        "Each line of the results says by itself whose it is, in `line.custom_id`. And "
        "`line.result` has a `message` only if its `type` says so.",
    ),
    rules=cases(
        case(
            FIRST,
            replies=[FINE, ["The blue ", "tit.\n"], "An owl.", "A jay.", [THOUGHT, "A coot."]],
            gives={"wren": "A wren.", "tit": "The blue tit.\n", "owl": "An owl.",
                   "jay": "A jay.", "coot": "A coot."},
        ),
        case(
            SECOND,
            replies=[EXPIRED, ["A wood", "pecker."], BUSY, "A blackbird."],
            gives={"q-4": None, "q-5": "A woodpecker.", "q-6": None, "q-7": "A blackbird."},
        ),
        expect=(
            lambda run: run.expect(orders(run) <= 1, "two-batches"),  # before what is raised
            batch_of(lambda requests: FIRST if len(requests) == len(FIRST) else SECOND),
            rule(
                "no-pause",
                "You looked at the batch $looks times, with $pauses pauses. Wait between two "
                "looks: a batch takes minutes, and every look is a request.",
                lambda run: len(run.slept) >= looks(run) - 1,
                {PAUSE: ""},
                "lesson 09, 'Wait': a cell that looks twice, without a pause",
                looks=looks,
                pauses=lambda run: len(run.slept),
            ),
            rule(
                "other-pause",
                "You paused for $seconds seconds. The header `retry-after` said $said. Another "
                "time it says something else, so take the number from there.",
                lambda run: run.slept.count(due()) >= looks(run) - 1,
                {'float(raw.headers["retry-after"])': "60"},
                "https://github.com/bespokelabsai/curator/issues/225: an interval of 60 seconds",
                seconds=lambda run: next(f"{s:g}" for s in run.slept if s != due()),
                said=lambda run: due(),
            ),
            of_kind(dict),
            about(
                "not-texts",
                "The value of `$id` in your dict is a `$found`. A text is wanted there, or "
                "`None`: `read_text` makes the text of a `Message`.",
                strange,
                {"read_text(line.result.message)": "line.result"},
                "the result kept as it is, with everything in it",
                found=lambda run: type(run.returned[strange(run)[0]]).__name__,
            ),
            miss(
                "left-out",
                "In your dict `$one` is missing. A request without an answer is in it too, with "
                "`None`, or nobody will see that it has none.",
                "{name: text for name, text in value.items() if text}",
                "https://github.com/bespokelabsai/curator/issues/296: errored ones are skipped",
                when=lambda run: run.wanted.keys() - run.returned.keys(),
                one=lambda run: min(run.wanted.keys() - run.returned.keys()),
            ),
            miss(
                "type-as-text",
                "`$one` got no answer, and your dict says `$found`. Somebody could take that for "
                "the answer: `None` is wanted.",
                '{name: text or "expired" for name, text in value.items()}',
                "lesson 09, where `label` gives the type back so that it can be seen",
                when=lambda run: any(run.returned[n] in ("expired", "errored") for n in run.wanted),
                one=lambda run: next(
                    n for n in run.wanted if run.returned[n] in ("expired", "errored")),
                found=lambda run: next(
                    t for t in run.returned.values() if t in ("expired", "errored")),
            ),
            miss(
                "by-place",
                "`$one` got what belongs to another request. Results come in any order: take the "
                "`custom_id` of each line, not its place.",
                "dict(zip(value, [*value.values()][::-1]))",
                "https://github.com/edubruell/tidyllm/issues/37",
                when=exchanged,
                one=lambda run: exchanged(run)[0],
            ),
            gives(
                dict,
                says="Your function gave back `$returned`; right is `$wanted`.",
                wrong="{name: text and text.strip() for name, text in value.items()}",
            ),
        ),
    ),
    messages={
        "endless": "Your code sent more than $limit requests and did not stop. The status at the "
        "end is `ended`. The counts need not reach any number, since requests may fail.",
        "raised-key": "$kit If that is the header: it comes only while the batch runs. Does your "
        "loop go on, although the status is `ended`?",
        "raised-AnthropicError": "You asked for the results too early, so there are none yet. Wait "
        "for the status `ended`.",
        "raised-attribute": "$kit A result has a `message` only if its `type` is `succeeded`.",
    },
    mistakes=(
        Mistake("endless", {'processing_status == "ended"':
                            "request_counts.succeeded == len(requests)",
                            '["retry-after"]': '.get("retry-after", 1)'},
                "lesson 09, 'Wait': a guess about counts"),
        Mistake("raised-key", {'== "ended"': '== "completed"'},
                "https://github.com/ProjectTech4DevAI/kaapi-backend/pull/931: another vendor's"),
        Mistake("raised-AnthropicError",
                {'if raw.parse().processing_status == "ended":\n            break': "break"},
                "a result asked for as soon as the batch is ordered"),
        Mistake("raised-attribute", {'line.result.type == "succeeded"': "line.result"},
                "lesson 09, where all but two succeed"),
    ),
    takeaway="Wait for `ended`, at the pace of `retry-after`. Then each line says whose it is, "
    "and its type says whether there is a message.",
)  # fmt: skip


# --- 09.3 ------------------------------------------------------------------------------

LABELS = "praise", "criticism", "mixed", "question", "building"
GIVEN = """
LABELS = "praise", "criticism", "mixed", "question", "building"
SERVICE = ["api_error", "overloaded_error", "rate_limit_error", "timeout_error"]


def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")


def request_for(review):
    words = (
        f"A reader of our library wrote about the book “{review['title']}”:\\n\\n"
        f"<review>\\n{review['text']}\\n</review>\\n\\n"
        f"Answer with one of these words: {', '.join(LABELS)}. "
        "(building: it is about the house, not about the book.)"
    )
    turns = [{"role": "user", "content": words}]
    params = {"model": MODEL, "max_tokens": 2000, "messages": turns}
    return {"custom_id": review["review_id"], "params": params}


def wait_for(client, batch_id):
    while True:
        raw = client.messages.batches.with_raw_response.retrieve(batch_id)
        if raw.parse().processing_status == "ended":
            return
        sleep(float(raw.headers["retry-after"]))
"""
# What becomes of a request, by name; the words of a label are a fate of their own.
FATES: dict[str, Any] = {
    "expired": EXPIRED,
    "canceled": {"result": "canceled"},
    "mine": {"status": 400, "error": {"type": "invalid_request_error", "message": "No"}},
    "cut": {"content": [THOUGHT, "praise"], "stop_reason": "max_tokens"},
    "odd": [THOUGHT, "angry"],
}
OURS = {"api_error": 500, "overloaded_error": 529, "rate_limit_error": 429, "timeout_error": 504}
for kind, status in OURS.items():
    FATES[kind] = {"status": status, "error": {"type": kind, "message": "Not now"}}
AGAIN = {"expired", *OURS}


def review_request(review: dict[str, str]) -> dict[str, Any]:
    """The request that `request_for` of the exercise makes."""
    words = (
        f"A reader of our library wrote about the book “{review['title']}”:\n\n"
        f"<review>\n{review['text']}\n</review>\n\n"
        f"Answer with one of these words: {', '.join(LABELS)}. "
        "(building: it is about the house, not about the book.)"
    )
    return question(review["review_id"], words)


def fate_of(reply: Any) -> str:
    """The name of a fate, or the label itself."""
    names = [name for name in FATES if FATES[name] == reply]
    return names[0] if names else "".join(part for part in reply if isinstance(part, str))


def fated(*replies: Any) -> Any:
    """A batch of reviews, each with its reply, and what is right about it."""
    reviews, labels, again = [], {}, []
    for at, reply in enumerate(replies, start=1):
        name = f"review-{len(replies)}{at}"
        text = f"Page {at} is the best one."
        reviews.append({"review_id": name, "title": "Tide Tables", "language": "en", "text": text})
        fate = fate_of(reply)
        if fate in AGAIN:
            again.append(name)
        elif fate not in FATES:
            labels[name] = fate
    return case(reviews, replies=replies, gives=(labels, again))


def with_fate(run: Run, *fates: str) -> set[str]:
    """The ids of the reviews that had one of these fates."""
    pairs = zip(run.args[0], run.replies, strict=True)
    return {review["review_id"] for review, reply in pairs if fate_of(reply) in fates}


def in_labels(run: Run, *fates: str) -> list[str]:
    """The ids with one of these fates that stand among the labels, though none should."""
    return sorted(with_fate(run, *fates) & set(run.returned[0]))


def in_again(run: Run, *fates: str) -> list[str]:
    """The ids with one of these fates that are to be sent again."""
    return sorted(with_fate(run, *fates) & set(run.returned[1]))


def unsent(run: Run, *fates: str) -> list[str]:
    """The ids with one of these fates that are not to be sent again."""
    return sorted(with_fate(run, *fates) - set(run.returned[1]))


def other_label(run: Run) -> list[str]:
    """The ids that got a label which is not their own; a label for none at all counts too."""
    labels = run.returned[0]
    none = with_fate(run, "canceled", "mine", *AGAIN)
    found = [name for name in none if labels.get(name) in LABELS]
    for name, label in run.wanted[0].items():
        if name in labels and labels[name] != label and labels[name] in LABELS:
            found.append(name)
    return sorted(found)


def is_pair(run: Run) -> bool:
    """Whether a dict and a list came back, both of what can be compared."""
    if len(run.returned) != 2:
        return False
    labels, again = run.returned
    return (
        isinstance(labels, dict)
        and isinstance(again, list)
        and all(isinstance(name, str) for name in (*labels, *again))
    )


def lacking(run: Run) -> list[str]:
    """The ids whose label is missing or another one."""
    return [name for name, label in run.wanted[0].items() if run.returned[0].get(name) != label]


KEPT = """        if result.type == "succeeded":
            word = read_text(result.message)
            if result.message.stop_reason == "end_turn" and word in LABELS:
                labels[line.custom_id] = word
"""
SENT_AGAIN = """        elif result.type == "expired":
            again.append(line.custom_id)
        elif result.type == "errored" and result.error.error.type in SERVICE:
            again.append(line.custom_id)
"""

label_reviews = Exercise(
    id="09.3",
    title="Label a file of reviews",
    objective="Join a batch by its ids, and say which requests to send again.",
    minutes=20,
    part="label_reviews",
    task="""
Overnight, the library has its reviews labelled. Complete `label_reviews`: it orders one batch for
all reviews, waits for its end, and gives back two things, `return labels, again`:

- `labels`, a dict: for the `review_id` of a review the word that Claude gave. A word counts only
  if the reply came to its end (`end_turn`) and the word is one of `LABELS`;
- `again`, a list of the `review_id`s to send again, in any order: what has expired, and what
  failed by the service's fault (`SERVICE`).

What is in neither (canceled, a mistake of ours, a cut or an odd reply), a person looks at. The
functions above `label_reviews` are those of the lesson, a little shorter; use them as they are.
""",
    template=GIVEN + '''

def label_reviews(client, reviews):
    """Label the reviews in one batch; give back the labels, and what to send again."""
    ...
''',
    solution=GIVEN + """

def label_reviews(client, reviews):
    requests = [request_for(review) for review in reviews]
    batch = client.messages.batches.create(requests=requests)
    wait_for(client, batch.id)
    labels = {}
    again = []
    for line in client.messages.batches.results(batch.id):
        result = line.result
""" + KEPT + SENT_AGAIN + """    return labels, again
""",
    also_correct=(
        GIVEN + """

def verdict(result):
    if result.type == "expired":
        return "again"
    if result.type == "errored":
        return "again" if result.error.error.type in SERVICE else "person"
    if result.type == "canceled" or result.message.stop_reason != "end_turn":
        return "person"
    word = read_text(result.message)
    return word if word in LABELS else "person"


def label_reviews(client, reviews):
    batches = client.messages.batches
    batch_id = batches.create(requests=list(map(request_for, reviews))).id
    wait_for(client, batch_id)
    verdicts = {line.custom_id: verdict(line.result) for line in batches.results(batch_id)}
    names = [review["review_id"] for review in reviews]
    labels = {name: verdicts[name] for name in names if verdicts[name] in LABELS}
    return labels, [name for name in names if verdicts[name] == "again"]
""",
    ),
    hints=(
        "Order, wait, go through the results: three lines of the lesson, and a loop. Make an empty "
        "dict and an empty list before the loop.",
        "In the loop you have `line.custom_id` and `line.result`. Ask for the `type` first: only "
        "`succeeded` has a `message`, and only `errored` has an `error`.",
        "The kind of an error is two levels deep: `result.error.error.type`. If it is in "
        "`SERVICE`, the request may be sent again as it is.",
    ),
    rules=cases(
        fated([THOUGHT, "praise"], FATES["expired"], ["crit", "icism"], FATES["overloaded_error"],
              FATES["mine"], ["building"], FATES["odd"], FATES["rate_limit_error"]),
        fated(FATES["cut"], ["mixed"], FATES["canceled"], [THOUGHT, "question"],
              FATES["api_error"], FATES["timeout_error"]),
        fated(["praise"], ["mixed"], [THOUGHT, "praise"]),
        expect=(
            batch_of(lambda reviews: [review_request(review) for review in reviews]),
            of_kind(tuple),
            rule(
                "not-two",
                "Two things are wanted, a dict and a list of ids: `return labels, again`. Yours "
                "gave `$returned`.",
                is_pair,
                acts("(*value, [])"),
                "lesson 09 has four verdicts, so four lists come to mind",
            ),
            rule(
                "type-as-label",
                "`$id` has no answer, and in `labels` it has `$found`. Only words of "
                "`LABELS` belong there.",
                lambda run: not in_labels(run, "expired", "canceled", "mine", *OURS)
                or bool(other_label(run)),
                {KEPT: KEPT + "        else:\n            labels[line.custom_id] = result.type\n"
                 "        if result.type == \"succeeded\":\n            pass\n"},
                "lesson 09, where `label` gives the type back so that it can be seen",
                id=lambda run: in_labels(run, "expired", "canceled", "mine", *OURS)[0],
                found=lambda run: run.returned[0][
                    in_labels(run, "expired", "canceled", "mine", *OURS)[0]],
            ),
            about(
                "by-place",
                "`$id` has a label that belongs to another review. Results come in any order: take "
                "the `custom_id` of each line, not its place.",
                other_label,
                {"    for line in": "    for review, line in zip(reviews,",
                 "results(batch.id):": "results(batch.id)):",
                 "labels[line.custom_id]": "labels[review['review_id']]"},
                "https://github.com/edubruell/tidyllm/issues/37",
            ),
            about(
                "cut-kept",
                "The reply to `$id` was cut by `max_tokens`: its word is the beginning of an "
                "answer, perhaps not all of it. Look at the `stop_reason` too.",
                lambda run: in_labels(run, "cut"),
                {'result.message.stop_reason == "end_turn" and ': ""},
                "https://github.com/agno-agi/agno/issues/6179",
            ),
            about(
                "odd-kept",
                "Claude answered `$found` to `$id`, and `labels` has it. A prompt does not "
                "guarantee a word: check that it is one of `LABELS`.",
                lambda run: in_labels(run, "odd"),
                {" and word in LABELS": ""},
                "a prompt that lists the words, taken for a guarantee",
                found=lambda run: run.returned[0][in_labels(run, "odd")[0]],
            ),
            rule(
                "label-missing",
                "`$id` was answered with `$wanted`, and `labels` does not say so. Does your code "
                "take the whole text, and every line?",
                lambda run: run.wanted[0].items() <= run.returned[0].items(),
                {"word = read_text(result.message)": "word = result.message.content[-1].text"},
                "https://github.com/AstroVela/vane/pull/160: the last block for the answer",
                id=lambda run: lacking(run)[0],
                wanted=lambda run: run.wanted[0][lacking(run)[0]],
            ),
            about(
                "expired-missed",
                "`$id` has expired: its turn did not come within 24 hours. Nothing is wrong with "
                "it and nothing was billed, so it belongs in `again`.",
                lambda run: unsent(run, "expired"),
                {'result.type == "expired"': 'result.type == "never"'},
                "https://github.com/bespokelabsai/curator/issues/226",
            ),
            about(
                "service-missed",
                "`$id` failed by the service's fault, and is not in `again`. The kind of an error "
                "is in `result.error.error.type`, two levels deep.",
                lambda run: unsent(run, *OURS),
                {"result.error.error.type": "result.error.type"},
                "lesson 09: `result.error` is a whole error reply",
            ),
            about(
                "mine-again",
                "`$id` failed by a mistake in the request, and you send it again. It would fail in "
                "the same way: only what is in `SERVICE` gets another try.",
                lambda run: in_again(run, "mine"),
                {" and result.error.error.type in SERVICE": ""},
                "https://github.com/bespokelabsai/curator/issues/296: all that failed, again",
            ),
            about(
                "canceled-again",
                "`$id` was canceled: somebody did not want it any more. That is for a person to "
                "decide, so it does not belong in `again`.",
                lambda run: in_again(run, "canceled"),
                {'elif result.type == "expired"': 'elif result.type in ("expired", "canceled")'},
                "https://github.com/bespokelabsai/curator/issues/226: one case for all the rest",
            ),
            rule(
                "answered-again",
                "`$id` has a reply, which was paid for, and you send it again. It would most "
                "likely end in the same way: leave it to a person.",
                lambda run: not set(run.returned[1]) - with_fate(run, *AGAIN),
                {KEPT: KEPT + "            else:\n                again.append(line.custom_id)\n"},
                "everything without a label sent again",
                id=lambda run: min(set(run.returned[1]) - with_fate(run, *AGAIN)),
            ),
            rule(
                "more",
                "Something is in your result that belongs to no review, or an id is in `again` "
                "twice: `$returned`.",
                lambda run: run.returned[0] == run.wanted[0]
                and sorted(run.returned[1]) == run.wanted[1],
                {"    return labels, again": "    return labels, again + again"},
                "the same list filled in two places",
            ),
        ),
    ),
    messages={
        "raised-AnthropicError": "The results were asked for too early. Let `wait_for` wait for "
        "the end first.",
        "raised-attribute": "$kit Only a result of the type `succeeded` has a `message`, and only "
        "one of the type `errored` has an `error`.",
    },
    mistakes=(
        Mistake("raised-AnthropicError", {"    wait_for(client, batch.id)\n": ""},
                "a cell of the lesson left out"),
        Mistake("raised-attribute", {'result.type == "succeeded"': 'result.type != "expired"'},
                "lesson 09, where all but two succeed"),
        Mistake("no-batch", {"batch = client.messages.batches.create(requests=requests)":
                             "return {}, requests"}, "a dry run that stayed one"),
        Mistake("other-params", {"for review in reviews]": "for review in reviews]\n    for one in "
                                 'requests:\n        one["params"]["max_tokens"] = 20'},
                "one word is wanted, so few tokens seem enough"),
    ),
    takeaway="By its id each result finds its review, and its type says what to do next. Only a "
    "failure that is not yours is worth the same request again.",
)  # fmt: skip


EXERCISES = (order_translations, answers, label_reviews)
