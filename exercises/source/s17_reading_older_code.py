"""Exercises of lesson 17: a snippet, a request, a log and a whole chatbot of older days, repaired.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from courseserver import facts
from practice.grading import (
    Exercise,
    Mistake,
    Run,
    Word,
    acts,
    answers_every_call,
    case,
    cases,
    function_of,
    gives,
    leaves_alone,
    miss,
    of_kind,
    one_request,
    room,
    rounds,
    rule,
    sends,
    sends_back_whole_turns,
    to_model,
    unreachable,
    with_system,
)
from practice.grading.tape import text_of

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
# Two ids that older articles keep; the facts say when they retired.
OLD = next(name for name in facts.RETIRED if "3-5-sonnet" in name)
OLDER = next(name for name in facts.RETIRED if "3-opus" in name)
JOINED = '"".join(b.text for b in reply.content if b.type == "text")'


# --- 17.1 ------------------------------------------------------------------------------


advise = Exercise(
    id="17.1",
    title="Fix a snippet of 2024",
    objective="Repair a call that was right two years ago.",
    minutes=8,
    task="""
A volunteer found this function in an article of 2024. Run it, read what it says, and repair one
thing after the other, until the function sends the question to `MODEL` and gives back the text of
the reply. The `system` stays as it is. Thinking needs room: allow at least 1,000 tokens.
""",
    template=f"""
def advise(client, question):
    reply = client.messages.create(
        model="{OLDER}",
        max_tokens=100,
        temperature=0.2,
        system="You help in a repair café.",
        messages=[{{"role": "user", "content": question}}],
    )
    return reply.content[0].text
""",
    solution=f"""
def advise(client, question):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        system="You help in a repair café.",
        messages=[{{"role": "user", "content": question}}],
    )
    return {JOINED}
""",
    also_correct=(
        """
def advise(client, question):
    request = {"model": MODEL, "max_tokens": 1000}
    request["system"] = "You help in a repair café."
    request["messages"] = [{"role": "user", "content": question}]
    text = ""
    for block in client.messages.create(**request).content:
        if block.type == "text":
            text += block.text
    return text
""",
    ),
    hints=(
        "Three kinds of things change: the package, the API and the models. Which of them does "
        "each error come from?",
        "The first error names an argument: delete it. The second one names a model; the first "
        "cell has the name of one that is served.",
        "The last line reads a block by its place. Go through `reply.content`, take the `text` of "
        "each block of this type, and join them.",
    ),
    rules=one_request(
        case("My lamp flickers.", replies=[[THOUGHT, "Try another bulb."]]),
        case("And now?\n", replies=[["Look at ", "the ", "plug.\n"]]),
        expect=(to_model(), with_system("You help in a repair café.")),
        least=1000,
    ),
    mistakes=(
        Mistake(
            "no-system",
            acts(request='del request["system"]'),
            "an argument that was deleted along with the wrong ones",
        ),
        Mistake(
            "raised-sampling",
            {"        max_tokens=2000,": "        max_tokens=2000,\n        temperature=0.7,"},
            "https://github.com/sannuta/news-atom-lite/issues/1",
        ),
    ),
    takeaway="Read one error, repair one thing, run it again.",
)


# --- 17.2 ------------------------------------------------------------------------------

LAMP = {"role": "user", "content": "My lamp flickers."}
KETTLE = {"role": "user", "content": "Our kettle leaks. Device and fault as JSON."}
SLOTS = {"name": "free_slots", "input_schema": {"type": "object"}}
MODEL = facts.MODEL

REQUESTS: tuple[dict[str, Any], ...] = (
    {"model": OLD, "max_tokens": 900, "temperature": 0.2, "top_p": 0.9, "messages": [LAMP]},
    {"model": OLDER, "max_tokens": 900, "system": "Be brief.", "top_k": 5,
     "messages": [LAMP, {"role": "assistant", "content": "Since when?"}, LAMP]},
    {"model": OLD, "max_tokens": 900, "thinking": {"type": "enabled", "budget_tokens": 600},
     "messages": [LAMP]},
    {"model": MODEL, "max_tokens": 900, "thinking": {"type": "adaptive", "display": "summarized"},
     "messages": [LAMP]},
    {"model": OLD, "max_tokens": 900, "messages": [KETTLE, {"role": "assistant", "content": "{"}]},
    {"model": OLD, "max_tokens": 900, "tools": [SLOTS], "tool_choice": {"type": "any"},
     "messages": [LAMP]},
    {"model": OLD, "max_tokens": 900, "tools": [SLOTS], "messages": [LAMP],
     "tool_choice": {"type": "tool", "name": "free_slots"}},
    {"model": OLD, "max_tokens": 900, "tools": [SLOTS], "messages": [LAMP],
     "tool_choice": {"type": "none"}},
)  # fmt: skip
GONE = ("temperature", "top_p", "top_k")


def brought_up_to_date(request: dict[str, Any]) -> dict[str, Any]:
    """What 17.2 asks for."""
    new = {name: value for name, value in request.items() if name not in GONE}
    new["model"] = MODEL
    if new.get("thinking", {}).get("type") == "enabled":
        new["thinking"] = {"type": "adaptive"}
    if new.get("tool_choice", {}).get("type") in ("any", "tool"):
        del new["tool_choice"]
    if new["messages"][-1]["role"] == "assistant":
        new["messages"] = new["messages"][:-1]
    return new


def choice_of(request: dict[str, Any]) -> dict[str, Any]:
    """The `tool_choice` of a request, empty if there is none."""
    found = request.get("tool_choice")
    return found if isinstance(found, dict) else {}


updated = Exercise(
    id="17.2",
    title="Bring a request up to date",
    objective="Translate requests of 2024 and 2025 into what is accepted today.",
    minutes=12,
    task="""
The café has a file full of old requests, each a dict of the arguments of `messages.create`.
Complete `updated`: it gets one, and gives back a new dict that today's package and API accept:

- the model is `MODEL`;
- `temperature`, `top_p` and `top_k` are gone;
- a budget for thinking (type `enabled`) becomes `{"type": "adaptive"}`; another setting stays;
- a `tool_choice` that forces a call (`any` or `tool`) is gone; another one stays;
- if the list of messages ends with Claude's turn, this turn is gone;
- everything else stays. The dict that it was given, and the list in it, are not changed.
""",
    template='''
def updated(request):
    """A new dict with the arguments of today."""
    ...
''',
    solution="""
GONE = ("temperature", "top_p", "top_k")


def updated(request):
    new = {name: value for name, value in request.items() if name not in GONE}
    new["model"] = MODEL
    if new.get("thinking", {}).get("type") == "enabled":
        new["thinking"] = {"type": "adaptive"}
    if new.get("tool_choice", {}).get("type") in ("any", "tool"):
        del new["tool_choice"]
    if new["messages"][-1]["role"] == "assistant":
        new["messages"] = new["messages"][:-1]
    return new
""",
    also_correct=(
        """
def updated(request):
    new = {**request, "model": MODEL, "messages": list(request["messages"])}
    for name in ["temperature", "top_p", "top_k"]:
        new.pop(name, None)
    if "budget_tokens" in new.get("thinking", {}):
        new["thinking"] = dict(type="adaptive")
    choice = new.pop("tool_choice", None)
    if choice and choice["type"] not in ("any", "tool"):
        new["tool_choice"] = choice
    while new["messages"][-1]["role"] == "assistant":
        new["messages"].pop()
    return new
""",
    ),
    hints=(
        "Begin with a copy, `dict(request)`: what you change or delete there leaves the old dict "
        "as it was. Which entries are in every request, and which only in some?",
        '`new.get("thinking")` is `None` where there is no such entry; `new.pop(name, None)` takes '
        "an entry away without complaining if it is not there.",
        "A copy of a dict holds the same list of messages. Do not `pop` from that list: a slice, "
        "as in `turns[:-1]`, makes a new one.",
    ),
    rules=function_of(
        *(case(request) for request in REQUESTS),
        kind=dict,
        right=brought_up_to_date,
        before=(leaves_alone("request"),),
        known=(
            rule(
                "old-model",
                "The `model` of your dict is `$model`, and it should be `MODEL`.",
                lambda run: run.returned.get("model") == MODEL,
                {'    new["model"] = MODEL\n': ""},
                "lesson 17, piece 1: the id that every article keeps",
                model=lambda run: run.returned.get("model"),
            ),
            rule(
                "sampling-kept",
                "Your dict still holds `temperature`, `top_p` or `top_k`. All three have left the "
                "package.",
                lambda run: not any(name in run.returned for name in GONE),
                {'("temperature", "top_p", "top_k")': '("temperature", "top_p")'},
                "https://github.com/conductor-oss/python-sdk/pull/499: one of three names met",
            ),
            rule(
                "thinking-gone",
                "Your dict has no `thinking`, or another one than before, where the old request "
                "had a setting that is accepted: `$thinking`. Replace only the type `enabled`.",
                lambda run: (
                    run.given["request"].get("thinking", {}).get("type") != "adaptive"
                    or run.returned.get("thinking") == run.given["request"]["thinking"]
                ),
                {'if new.get("thinking", {}).get("type") == "enabled":': 'if "thinking" in new:'},
                "every setting for thinking taken for an old one",
                thinking=lambda run: run.given["request"]["thinking"],
            ),
            rule(
                "budget-kept",
                "Your `thinking` still has the type `enabled` or a budget. Today it is "
                '`{"type": "adaptive"}`, and nothing more: an adaptive setting has no budget.',
                lambda run: (
                    "budget_tokens" not in str(run.returned)
                    and "'enabled'" not in str(run.returned)
                ),
                {'new["thinking"] = {"type": "adaptive"}':
                 'new["thinking"] = {**new["thinking"], "type": "adaptive"}'},
                "https://github.com/docker/docker-agent/pull/2563: budgets turned into adaptive",
            ),
            rule(
                "no-thinking",
                "The old request had a budget for thinking, and yours has no `thinking` of the "
                "type `adaptive`.",
                lambda run: (
                    run.wanted.get("thinking") != {"type": "adaptive"}
                    or run.returned.get("thinking") == {"type": "adaptive"}
                ),
                {'new["thinking"] = {"type": "adaptive"}': 'del new["thinking"]'},
                "the setting thrown out with its budget",
            ),
            rule(
                "still-forced",
                "Your `tool_choice` still forces a call: `$choice`. Most models of today refuse "
                "both `any` and `tool`.",
                lambda run: (
                    "tool_choice" in run.wanted
                    or choice_of(run.returned).get("type") not in ("any", "tool")
                ),
                {'in ("any", "tool")': 'in ("any",)'},
                "one of the two ways to force a call forgotten",
                choice=lambda run: run.returned["tool_choice"],
            ),
            rule(
                "choice-replaced",
                "The `tool_choice` that forced a call is `$choice` now. Leave it out: without it "
                "Claude decides, which is what `auto` means.",
                lambda run: "tool_choice" in run.wanted or "tool_choice" not in run.returned,
                {'del new["tool_choice"]': 'new["tool_choice"] = {"type": "auto"}'},
                "lesson 06b: 'stay with auto', taken to the letter",
                choice=lambda run: run.returned["tool_choice"],
            ),
            rule(
                "choice-gone",
                "The `tool_choice` of this request was `$choice`, which forces nothing. It should "
                "stay as it is.",
                lambda run: (
                    "tool_choice" not in run.wanted
                    or run.returned.get("tool_choice") == run.wanted["tool_choice"]
                ),
                {'if new.get("tool_choice", {}).get("type") in ("any", "tool"):':
                 'if "tool_choice" in new:'},
                "the argument taken for old altogether",
                choice=lambda run: run.wanted["tool_choice"],
            ),
            rule(
                "prefill-kept",
                "Your list of messages ends with a turn of Claude's. Leave that turn out: the "
                "conversation ends with yours.",
                lambda run: (
                    run.given["request"]["messages"][-1]["role"] == "user"
                    or run.returned.get("messages") != run.given["request"]["messages"]
                ),
                {'        new["messages"] = new["messages"][:-1]\n': "        pass\n"},
                "https://github.com/langchain-ai/deepagents/issues/1585",
            ),
            rule(
                "turns-lost",
                "A turn is missing from your messages, or changed. Only a turn of Claude's at the "
                "very end goes.",
                lambda run: run.returned.get("messages") == run.wanted["messages"],
                {'    if new["messages"][-1]["role"] == "assistant":\n'
                 '        new["messages"] = new["messages"][:-1]\n':
                 '    new["messages"] = [t for t in new["messages"] if t["role"] == "user"]\n'},
                "all turns of Claude's taken for prefills",
            ),
            rule(
                "part-lost",
                "These entries of the old request are still accepted, and missing or changed in "
                "your dict: $names.",
                lambda run: not lost(run),
                acts("{n: value[n] for n in value if n != 'system'}"),
                "a new dict written with the arguments that one happens to know",
                names=lambda run: ", ".join(f"`{name}`" for name in lost(run)),
            ),
        ),
        name="entry-too-many",
        says="Your dict holds entries that the old request had not, or had otherwise: compare "
        "`$returned` with what is wanted, `$wanted`.",
        wrong='{**value, "effort": "low"}',
    ),
    messages={
        "raised-key": "$kit Not every request has this entry. Ask with `.get(...)`, or with `in`, "
        "before you read it.",
    },
    mistakes=(
        Mistake(
            "raised-key",
            {'new.get("thinking", {}).get("type")': 'new["thinking"]["type"]'},
            "an entry of the example taken for one that is always there",
        ),
        Mistake(
            "changed-argument",
            {"new = {name: value for name, value in request.items() if name not in GONE}":
             "new = request"},
            "a second name taken for a copy",
        ),
    ),
    takeaway="Four things went from requests: sampling, budgets, prefill and, mostly, force.",
)  # fmt: skip


def lost(run: Run) -> list[str]:
    """The entries that should have stayed as they were, and did not."""
    same = {name: value for name, value in run.wanted.items() if name != "messages"}
    return [name for name, value in same.items() if run.returned.get(name) != value]


# --- 17.3 ------------------------------------------------------------------------------

SECRET = "the-key-of-the-café"
SENT = {
    "Content-Type": "application/json",
    "anthropic-version": "2026-10-21",
    "User-Agent": "Anthropic/Python",
    "Authorization": f"Bearer {SECRET}",
    "x-stainless-os": "Linux",
}
ANSWERED = {"request-id": "req_01", "content-type": "application/json", "set-cookie": "id=5"}
OF_2025 = {"X-Api-Key": SECRET, "ANTHROPIC-VERSION": "2023-06-01"}
FINE = ("anthropic-version", "content-type", "request-id")


def loggable_of(headers: dict[str, str]) -> dict[str, str]:
    """What 17.3 asks for."""
    return {name.lower(): value for name, value in headers.items() if name.lower() in FINE}


def told_key(run: Run) -> str:
    """The header in which a key would stand in the log; empty if there is none."""
    for name, value in run.returned.items():
        if "the-key" in str(value) or "id=5" in str(value):
            return str(name)
    return ""


loggable = Exercise(
    id="17.3",
    title="A log without the key",
    objective="Say what may be shown, so that nothing has to be hidden.",
    minutes=8,
    task="""
This function prepares the headers of a request for the café's log. In 2025 it hid the key. Fix it:
it gives back only the headers whose name is in `FINE`, with their values. HTTP does not tell
capitals from small letters in these names, so `Content-Type` counts too; what comes back has its
names in small letters.
""",
    template="""
FINE = ("anthropic-version", "content-type", "request-id")


def loggable(headers):
    shown = {}
    for name, value in headers.items():
        shown[name] = "***" if name == "x-api-key" else value
    return shown
""",
    solution="""
FINE = ("anthropic-version", "content-type", "request-id")


def loggable(headers):
    shown = {}
    for name, value in headers.items():
        if name.lower() in FINE:
            shown[name.lower()] = value
    return shown
""",
    also_correct=(
        """
FINE = {"anthropic-version", "content-type", "request-id"}


def loggable(headers):
    small = {name.lower(): value for name, value in headers.items()}
    return {name: small[name] for name in FINE & small.keys()}
""",
    ),
    hints=(
        "Which headers of tomorrow does a list of what to hide not know yet? Turn the condition "
        "round: what is on the list goes in.",
        'Compare with the name in small letters: `"Content-Type".lower()` is `"content-type"`.',
        "An `if` around the line that stores a value, and no `***` any more.",
    ),
    rules=function_of(
        case(SENT),
        case(ANSWERED),
        case(OF_2025),
        case({}),
        kind=dict,
        right=loggable_of,
        before=(leaves_alone("headers"),),
        known=(
            rule(
                "secret-shown",
                "The value of `$header` would be in the log now, and whoever reads it can use it. "
                "Do not add its name to what is hidden: show only what is in `FINE`.",
                lambda run: not told_key(run),
                {"if name.lower() in FINE:": 'if name != "x-api-key":'},
                "lesson 17, piece 9: a list of what to hide, from before the header changed",
                header=told_key,
            ),
            miss(
                "hidden-only",
                "Your log names headers that are not in `FINE`: $names. Leave them out, also "
                "with a hidden value.",
                "{**value, **{n: '***' for n in headers if n.lower() not in FINE}}",
                "one more name in the list of what to hide",
                when=lambda run: {str(name).lower() for name in run.returned} - set(FINE),
                names=lambda run: ", ".join(
                    f"`{name}`" for name in run.returned if str(name).lower() not in FINE
                ),
            ),
            miss(
                "capitals-lost",
                "A header is missing whose name has capitals here: $names. Compare the name in "
                "small letters.",
                "{n: v for n, v in headers.items() if n in FINE}",
                "a name compared as it was typed",
                when=lambda run: len(run.returned) < len(run.wanted),
                names=lambda run: ", ".join(
                    f"`{name}`"
                    for name in run.given["headers"]
                    if name != name.lower() and name.lower() in FINE
                ),
            ),
            miss(
                "capitals-kept",
                "Your names still have capitals: $names. They should come back in small letters.",
                "{n: v for n, v in headers.items() if n.lower() in FINE}",
                "the name changed for the comparison, and not in what comes back",
                when=lambda run: any(name != name.lower() for name in run.returned),
                names=lambda run: ", ".join(f"`{name}`" for name in run.returned),
            ),
        ),
        wrong="{n: '***' for n in value}",
    ),
    takeaway="A list of what may be shown stays right when something new comes.",
    part="loggable",
)


# --- 17.4 ------------------------------------------------------------------------------

SYSTEM = "You are the chat of a repair café. Be brief."
SORRY = "Please ask at the counter."
HOURS = {"Saturday": "10 to 16", "Sunday": "10 to 13"}
OPENING = {
    "name": "opening_hours",
    "description": "When the café is open on one day of the week.",
    "input_schema": {
        "type": "object",
        "properties": {"day": {"type": "string"}},
        "required": ["day"],
    },
}
HEAD = """
SYSTEM = "You are the chat of a repair café. Be brief."
SORRY = "Please ask at the counter."
HOURS = {"Saturday": "10 to 16", "Sunday": "10 to 13"}
TOOLS = [
    {
        "name": "opening_hours",
        "description": "When the café is open on one day of the week.",
        "input_schema": {
            "type": "object",
            "properties": {"day": {"type": "string"}},
            "required": ["day"],
        },
    }
]


def opening_hours(day):
    return HOURS.get(day, "closed")
"""


def day(name: str) -> dict[str, Any]:
    """A call of the tool for one day."""
    return {"tool": "opening_hours", "input": {"day": name}}


SATURDAY = [THOUGHT, day("Saturday")]
ASKS_ALL, ENDLESS = "Tell me everything.", "Over and over?"
REFUSES = {"status": 403, "error": {"type": "permission_error", "message": "Not allowed."}}
SEVEN = [f"Question {n}?" for n in range(1, 8)]
# Questions that end badly: what comes of them should leave no trace.
BAD = (ASKS_ALL, "A secret?", ENDLESS, "May I?", "Anyone?")
CHATS = (
    case(["Are you open?", "And where?\n"], requests=2, gives=["Yes.", "By the window.\n"],
         replies=[[THOUGHT, "Yes."], ["By the ", "window.\n"]]),
    case(["When on Saturday?", "Thanks."], requests=3, gives=["10 to 16.", "Bye."],
         replies=[SATURDAY, ["10 to 16."], ["Bye."]]),
    case(["Saturday, Sunday or Monday?"], requests=2, gives=["Not on Monday."],
         replies=[[THOUGHT, day("Saturday"), day("Sunday"), day("Monday")], "Not on Monday."]),
    case(SEVEN, requests=7, gives=[f"Answer {n}." for n in range(1, 8)],
         replies=[[THOUGHT, f"Answer {n}."] for n in range(1, 8)]),
    case([ASKS_ALL, "In short?"], requests=2, gives=[SORRY, "Lamps."],
         replies=[{"content": "We repair la", "stop_reason": "max_tokens"}, "Lamps."]),
    case(["Hello.", "A secret?", "A lamp?"], requests=3, gives=["Hi.", SORRY, "Bring it."],
         replies=["Hi.", {"content": [], "stop_reason": "refusal"}, "Bring it."]),
    case([ENDLESS, "A lamp?"], requests=9, gives=[SORRY, "Bring it."],
         replies=[SATURDAY] * 8 + ["Bring it."]),
    case(["Anyone?"], gives=[SORRY], through=unreachable),
    case(["May I?", "A lamp?"], requests=2, gives=[SORRY, "Bring it."],
         replies=[REFUSES, "Bring it."]),
)  # fmt: skip


def ends_well(run: Run) -> bool:
    """Whether every question of a case gets its answer."""
    return SORRY not in run.wanted


def where(word: Word, condition: Callable[[Run], bool]) -> Word:
    """The word, for the runs that fulfil a condition."""

    def check(run: Run) -> None:
        if condition(run):
            word.check(run)

    return Word(check, word.messages, word.mistakes, word.of_errors, word.vague)


def said_last(run: Run) -> str:
    """All that the last request said, as one text."""
    return str(run.sent[-1].body.get("messages")) if run.sent else ""


def traces(run: Run) -> list[str]:
    """Questions that ended badly and are still in the last request, which is not theirs."""
    *earlier, _ = run.given["questions"]
    return [text for text in earlier if text in BAD and text in said_last(run)]


def forgotten(run: Run) -> list[str]:
    """Questions that were answered and are not in the last request."""
    told = said_last(run)
    return [text for text in run.given["questions"] if text not in BAD and text.strip() not in told]


def results(run: Run) -> Iterator[tuple[str, str]]:
    """(right, sent) for each result of the tool that was sent."""
    for before, after in pairwise(run.sent):
        blocks = before.reply.get("content") if isinstance(before.reply, dict) else None
        calls = {one["id"]: one["input"] for one in blocks or () if one["type"] == "tool_use"}
        turns = after.body.get("messages") or [{}]
        content = turns[-1].get("content")
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_result" and block.get("tool_use_id") in calls:
                named = str(calls[block["tool_use_id"]].get("day"))
                yield HOURS.get(named, "closed"), text_of(block.get("content"))


chat = Exercise(
    id="17.4",
    title="A chatbot of 2024",
    objective="Repair a whole program, where it fails and where it does not.",
    minutes=30,
    task="""
The chatbot of the café was written in 2024, some sixty lines in one cell. `chat` gets a list of
questions and gives back a list of answers. Repair it; `SYSTEM`, `SORRY`, `HOURS`, `TOOLS` and
`opening_hours` are right. It should

- ask `MODEL`, with room for at least 1,000 tokens, and send the whole conversation each time;
- answer every call of the tool, and keep Claude's turns as they came;
- go on only for `tool_use`, with at most 8 requests for one question;
- give the text of a reply that ended with `end_turn`, and `SORRY` for any other end: a cut, a
  refusal, too many calls, any `anthropic.APIError`. It then goes on with the next question, and the
  bad one leaves no trace in the conversation.
""",
    template=f"""{HEAD}

def send(client, history):
    return client.messages.create(
        model="{OLD}",
        max_tokens=256,
        temperature=0.7,
        system=SYSTEM,
        tools=TOOLS,
        messages=history[-10:],
    )


def answer(client, history):
    reply = send(client, history)
    while reply.stop_reason != "end_turn":
        call = reply.content[0]
        found = opening_hours(**call.input)
        result = {{"type": "tool_result", "tool_use_id": call.id, "content": found}}
        history.append({{"role": "assistant", "content": reply.content}})
        history.append({{"role": "user", "content": [result]}})
        reply = send(client, history)
    text = reply.content[0].text
    history.append({{"role": "assistant", "content": text}})
    return text


def chat(client, questions):
    history = []
    answers = []
    for question in questions:
        history.append({{"role": "user", "content": question}})
        try:
            answers.append(answer(client, history))
        except anthropic.APIError as error:
            answers.append(f"Error {{error.status_code}}")
    return answers
""",
    solution=f"""{HEAD}

def send(client, turns):
    return client.messages.create(
        model=MODEL, max_tokens=2000, system=SYSTEM, tools=TOOLS, messages=turns
    )


def results_of(reply):
    results = []
    for block in reply.content:
        if block.type == "tool_use":
            found = opening_hours(**block.input)
            results.append(
                {{"type": "tool_result", "tool_use_id": block.id, "content": found}}
            )
    return {{"role": "user", "content": results}}


def answer(client, turns):
    for _ in range(8):
        reply = send(client, turns)
        if reply.stop_reason != "tool_use":
            break
        turns = [*turns, reply.to_param(), results_of(reply)]
    return reply, [*turns, reply.to_param()]


def chat(client, questions):
    history = []
    answers = []
    for question in questions:
        turns = [*history, {{"role": "user", "content": question}}]
        text = SORRY
        try:
            reply, turns = answer(client, turns)
            if reply.stop_reason == "end_turn":
                history = turns
                text = {JOINED}
        except anthropic.APIError:
            pass
        answers.append(text)
    return answers
""",
    also_correct=(
        f"""{HEAD}

class Failed(Exception):
    pass


def say(client, history, question):
    history.append({{"role": "user", "content": question}})
    for _ in range(8):
        reply = client.messages.create(
            model=MODEL,
            max_tokens=1000,
            system=SYSTEM,
            tools=TOOLS,
            messages=history,
        )
        history.append({{"role": "assistant", "content": reply.content}})
        if reply.stop_reason == "end_turn":
            return {JOINED}
        if reply.stop_reason != "tool_use":
            raise Failed(reply.stop_reason)
        found = [
            {{
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": [{{"type": "text", "text": opening_hours(block.input["day"])}}],
            }}
            for block in reply.content
            if block.type == "tool_use"
        ]
        history.append({{"role": "user", "content": found}})
    raise Failed("too many calls")


def chat(client, questions):
    history, answers = [], []
    for question in questions:
        length = len(history)
        try:
            answers.append(say(client, history, question))
        except (anthropic.APIError, Failed):
            del history[length:]
            answers.append(SORRY)
    return answers
""",
    ),
    hints=(
        "Repair what the errors name first: an argument, a model, a block. Then read the loop, and "
        "ask of each stop reason what it does with it. What does it do with two calls at once?",
        "Let `answer` work on a list of its own and give back the last reply and this list. `chat` "
        "then keeps the list only if the reply ended with `end_turn`.",
        "A lost connection has no status, so do not ask for one: every `anthropic.APIError` means "
        "`SORRY`. The window of ten can go; lesson 05 says how a good one is cut.",
    ),
    rules=cases(
        *CHATS,
        expect=(
            to_model(),
            room(1000),
            with_system(SYSTEM),
            sends("tools", [OPENING]),
            rule(
                "no-cap",
                "One question took $sent requests. Claude asked for the tool again and again, and "
                "8 requests are the most: then the answer is `SORRY`.",
                lambda run: ENDLESS not in run.given["questions"] or len(run.sent) <= 9,
                {"range(8)": "range(20)"},
                "lesson 06: a loop without a cap trusts the model to stop",
                sent=lambda run: len(run.sent),
            ),
            rule(
                "asked-again",
                "A reply ended with `$stop`, and your program asked the same again. Go on only for "
                "`tool_use`; here the answer is `SORRY`.",
                lambda run: ends_well(run) or len(run.sent) <= run.rounds,
                {'if reply.stop_reason != "tool_use":': 'if reply.stop_reason == "end_turn":'},
                "lesson 17, piece 8: a loop that waits for `end_turn`",
                stop=lambda run: next(
                    sent.reply.get("stop_reason", "an error")
                    for sent in run.sent
                    if sent.reply.get("stop_reason") not in ("end_turn", "tool_use")
                ),
            ),
            rounds(),
            where(answers_every_call(), lambda run: ENDLESS not in run.given["questions"]),
            rule(
                "other-result",
                "A result of the tool should hold `$right`, and yours holds `$found`. Take what "
                "`opening_hours` gives for the `day` of this call.",
                lambda run: all(right == found for right, found in results(run)),
                {"opening_hours(**block.input)": 'opening_hours("Saturday")'},
                "the input of the first call used for each",
                right=lambda run: next(r for r, found in results(run) if r != found),
                found=lambda run: next(found for r, found in results(run) if r != found),
            ),
            where(sends_back_whole_turns(), ends_well),
            of_kind(list),
            rule(
                "other-count",
                "For $asked questions your list has $given answers. Each question gets one, and be "
                "it `SORRY`.",
                lambda run: len(run.returned) == len(run.given["questions"]),
                {"        answers.append(text)\n": "        answers = [text]\n"},
                "the list begun anew for each question",
                asked=lambda run: len(run.given["questions"]),
                given=lambda run: len(run.returned),
            ),
            rule(
                "half-shown",
                "The visitor reads “We repair la”: the reply was cut. Only `end_turn` stands for a "
                "whole answer; for a cut one it is `SORRY`.",
                lambda run: "We repair la" not in run.returned,
                {f"                text = {JOINED}\n": f"            text = {JOINED}\n"},
                "lesson 02: a cut reply looks like a whole one",
            ),
            rule(
                "nothing-said",
                "A refusal has no text, and your answer is empty. The visitor should read `SORRY`.",
                lambda run: "" not in run.returned,
                {"text = SORRY": 'text = ""'},
                "a refusal taken for an answer",
            ),
            rule(
                "error-shown",
                "The visitor reads `$words`. An error that you cannot repair is no answer: give "
                "`SORRY`.",
                lambda run: not any("rror" in str(text) for text in run.returned),
                {"        except anthropic.APIError:\n            pass\n":
                 "        except anthropic.APIError as error:\n            text = repr(error)\n"},
                "error messages handed on to visitors",
                words=lambda run: next(text for text in run.returned if "rror" in str(text)),
            ),
            rule(
                "trace-left",
                "“$question” ended badly, and it is still in the conversation when the next "
                "question goes out. Keep the new turns only if the reply ended with `end_turn`.",
                lambda run: not traces(run),
                {"turns = [*history, {": "turns = history\n        turns += [{"},
                "lesson 05: a list that is changed before it is clear that all went well",
                question=lambda run: traces(run)[0],
            ),
            rule(
                "good-lost",
                "“$question” was answered, and is missing from the conversation later on. Only the "
                "question that ended badly goes.",
                lambda run: not forgotten(run),
                {"        except anthropic.APIError:\n            pass\n":
                 "        except anthropic.APIError:\n            pass\n"
                 "        if text == SORRY:\n            history = []\n"},
                "the conversation begun anew after each failure",
                question=lambda run: forgotten(run)[0],
            ),
            gives(list, wrong='[text.strip() + " " for text in value]'),
        ),
    ),
    messages={
        "raised-status-code": "$kit Your handler asks for it, and fails itself. Any "
        "`anthropic.APIError` means `SORRY`.",
        "raised-status": "The API refused one question (403), and that ended the "
        "whole chat. Catch `anthropic.APIError` around one question, and go on with the next.",
        "raised-connection": "$kit The chat ended with it. Catch `anthropic.APIError` around one "
        "question.",
    },
    mistakes=(
        Mistake(
            "no-system",
            acts(request='del request["system"]'),
            "an argument that was deleted along with the wrong ones",
        ),
        Mistake(
            "stopped-early",
            {'if reply.stop_reason != "tool_use":': "if reply:"},
            "one round written, and no loop",
        ),
        Mistake(
            "went-on",
            {"        reply = send(client, turns)\n": "        reply = send(client, turns)\n" * 2},
            "a call in the condition and once more in the body",
        ),
        Mistake(
            "raised-status-code",
            {"except anthropic.APIError:\n            pass":
             "except anthropic.APIError as error:\n            text = f\"{error.status_code}\""},
            "lesson 12: `APIError` taken for an error that always has a status",
        ),
        Mistake(
            "raised-connection",
            {"except anthropic.APIError:": "except anthropic.APIStatusError:"},
            "the errors with a status taken for all errors",
        ),
        Mistake(
            "raised-status",
            {"except anthropic.APIError:": "except anthropic.APIConnectionError:"},
            "lesson 01: a `try` that names one kind of error",
        ),
    ),
    takeaway="Errors name half of what is old. The other half you find by asking how each reply "
    "ends.",
)  # fmt: skip


EXERCISES = (advise, updated, loggable, chat)
