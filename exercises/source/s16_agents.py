"""Exercises of lesson 16: the gates of a loop, a log run again, a memory, and the whole desk.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import json
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from anthropic.types import ToolUseBlock

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    answers_every_call,
    case,
    cases,
    function_of,
    leaves_alone,
    rounds,
    rule,
    sends_back_whole_turns,
)
from practice.grading.tape import has

IMPORTS = """
import json

import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with


# --- 16.1 ------------------------------------------------------------------------------

PRICE = """
ROOM = 2000  # max_tokens of each request


def price(tokens_in, tokens_out):
    return tokens_in * 2 / 1_000_000 + tokens_out * 10 / 1_000_000


MOST_EACH = price(5_000, ROOM)  # the most that one request can cost, in US dollars


def run_call(call, functions):
    found = json.dumps(functions[call.name](**call.input))
    return {"type": "tool_result", "tool_use_id": call.id, "content": found}
"""
MOST_EACH = 0.03


def shelf(title: str) -> dict[str, str]:
    """A tool that leaves a trace: it prints."""
    print(f"looked for {title}.")
    return {"title": title, "shelf": "novels"}


def copies(title: str) -> int:
    """Another one, which takes the same."""
    return len(title)


FIND: dict[str, Any] = {"shelf": shelf, "copies": copies}
FIND_TOOLS = [
    {"name": "shelf", "input_schema": {"type": "object"}},
    {"name": "copies", "input_schema": {"type": "object"}},
]


def find(title: str) -> dict[str, Any]:
    """A call of the first tool."""
    return {"tool": "shelf", "input": {"title": title}}


def count(title: str) -> dict[str, Any]:
    """A call of the second one."""
    return {"tool": "copies", "input": {"title": title}}


def half_cent(*blocks: Any) -> dict[str, Any]:
    """A reply that costs half a cent."""
    return {"content": list(blocks), "usage": {"input_tokens": 1000, "output_tokens": 300}}


def visit(
    question: str,
    *replies: Any,
    ends: str,
    requests: int,
    budget: float = 1.0,
    most: int = 8,
) -> Any:
    """A case: how it should end, and after how many requests."""
    return case(question, FIND_TOOLS, FIND, budget, most,
                replies=replies or ["Fine."], gives=ends, requests=requests)  # fmt: skip


def spent(run: Run, upto: int | None = None) -> float:
    """What the first so many requests cost; all of them without a number."""
    total = 0.0
    for sent in run.sent[:upto]:
        used = sent.reply.get("usage", {})
        total += used.get("input_tokens", 0) * 2e-6 + used.get("output_tokens", 0) * 10e-6
    return total


def overdrawn(run: Run) -> int | None:
    """The place of the first request that could overdraw the budget."""
    for at in range(len(run.sent)):
        if spent(run, at) + MOST_EACH > run.args[3] + 1e-9:
            return at
    return None


def calls_of(run: Run) -> list[tuple[str, Any]]:
    """All calls that came, in order."""
    found = []
    for sent in run.sent:
        for block in sent.reply.get("content", ()):
            if has(block, "type", "tool_use"):
                found.append((block["name"], block["input"]))
    return found


def shelf_calls(run: Run) -> list[Any]:
    """The calls of the tool that leaves a trace."""
    return [call for call in calls_of(run) if call[0] == "shelf"]


def circle(run: Run) -> list[Any]:
    """The calls that were made three times."""
    made = calls_of(run)
    return [call for call in made if made.count(call) > 2]


def two(run: Run) -> tuple[Any, Any]:
    """What came back; twice None if it is nothing of the kind."""
    value = run.returned
    if isinstance(value, tuple | list) and len(value) == 2:
        return value[0], value[1]
    return None, None


def ended_as(run: Run, word: str) -> bool:
    """Whether the code came to an end and says that it ended so."""
    if run.result.raised or run.result.stopped:
        return False
    value = run.result.value
    return isinstance(value, tuple | list) and value[:1] in ((word,), [word])


AB = (half_cent(find("Knots")), half_cent(find("Low Water")))

bounded = Exercise(
    id="16.1",
    title="Fix the gates",
    objective="Bound a loop by a budget, a cap, and a look for repeated calls.",
    minutes=15,
    task="""
`bounded` is an agent with three gates, and none of them holds: it overdraws its budget, stops long
before its cap, and takes two different calls for a circle, while it misses a real one. Fix the
three gates, and leave the rest as it is:

- **budget**: before each request, what was spent and `MOST_EACH` together must fit into `budget`
  (US dollars; exactly is still allowed). Otherwise it ends "over budget", and nothing is sent;
- **cap**: at most `most` requests. If the last one still calls tools, it ends "too long";
- **circles**: as soon as Claude makes the same call (name and input) for the third time in this
  visit, it ends "in circles". Other calls may stand in between. The calls of that reply are not
  run.

It gives back two values, `return ended, spent`. For every other ending, `ended` is the stop reason.
""",
    template=f"""
{PRICE}

def bounded(client, question, tools, functions, budget, most):
    turns = [{{"role": "user", "content": question}}]
    spent = 0.0
    before = []
    while len(turns) < most:
        if spent > budget:
            return "over budget", spent
        reply = client.messages.create(
            model=MODEL, max_tokens=ROOM, tools=tools, messages=turns
        )
        spent += price(reply.usage.input_tokens, reply.usage.output_tokens)
        if reply.stop_reason != "tool_use":
            return reply.stop_reason, spent
        calls = [block for block in reply.content if block.type == "tool_use"]
        names = [call.name for call in calls]
        results = [run_call(call, functions) for call in calls]
        if names == before:
            return "in circles", spent
        before = names
        turns = [*turns, reply.to_param(), {{"role": "user", "content": results}}]
    return "too long", spent
""",
    solution=f"""
{PRICE}

def bounded(client, question, tools, functions, budget, most):
    turns = [{{"role": "user", "content": question}}]
    spent = 0.0
    made = []
    for number in range(most):
        if spent + MOST_EACH > budget:
            return "over budget", spent
        reply = client.messages.create(
            model=MODEL, max_tokens=ROOM, tools=tools, messages=turns
        )
        spent += price(reply.usage.input_tokens, reply.usage.output_tokens)
        if reply.stop_reason != "tool_use":
            return reply.stop_reason, spent
        calls = [block for block in reply.content if block.type == "tool_use"]
        made += [(call.name, call.input) for call in calls]
        if any(made.count(call) > 2 for call in made):
            return "in circles", spent
        results = [run_call(call, functions) for call in calls]
        turns = [*turns, reply.to_param(), {{"role": "user", "content": results}}]
    return "too long", spent
""",
    also_correct=(
        f"""
{PRICE}

def bounded(client, question, tools, functions, budget, most):
    turns = [{{"role": "user", "content": question}}]
    left = budget
    counts = {{}}
    requests = 0
    while requests < most:
        if left - MOST_EACH < -1e-12:
            return "over budget", budget - left
        requests += 1
        reply = client.messages.create(
            model=MODEL, max_tokens=ROOM, tools=tools, messages=turns
        )
        left -= price(reply.usage.input_tokens, reply.usage.output_tokens)
        if reply.stop_reason != "tool_use":
            return reply.stop_reason, budget - left
        results = []
        calls = [block for block in reply.content if block.type == "tool_use"]
        for call in calls:
            key = call.name + json.dumps(call.input, sort_keys=True)
            counts[key] = counts.get(key, 0) + 1
        if max(counts.values()) >= 3:
            return "in circles", budget - left
        for call in calls:
            results.append(run_call(call, functions))
        turns.append({{"role": "assistant", "content": reply.content}})
        turns.append({{"role": "user", "content": results}})
    return "too long", budget - left
""",
    ),
    hints=(
        "Take the gates one by one. What does `spent > budget` know about the request that comes "
        "next? How many turns does one round add? What does `names` leave out?",
        "The first gate asks whether `MOST_EACH` still fits. The second counts requests. The third "
        "needs all calls of the visit, each with its input, and not those of the last reply.",
        "A list of pairs, name and input, grows with each reply; its `.count(...)` says how often "
        "a pair came. Look there before the functions run.",
    ),
    rules=cases(
        visit("Where is Knots?", half_cent(THOUGHT, find("Knots")), half_cent(THOUGHT, "Novels."),
              ends="end_turn", requests=2),
        visit("Hello?\n", half_cent("Hello."), ends="end_turn", requests=1),
        visit("All?", half_cent(find("A")), half_cent(find("B")), half_cent(find("C")),
              ends="over budget", requests=2, budget=0.036),
        visit("Poor?", half_cent("Fine."), ends="over budget", requests=0, budget=0.025),
        visit("Just enough?", half_cent("Yes."), ends="end_turn", requests=1, budget=0.031),
        visit("Exactly?", half_cent("Yes."), ends="end_turn", requests=1, budget=0.03),
        visit("Many?", half_cent(find("A")), half_cent(find("B")), half_cent(find("C")),
              half_cent(find("D")), ends="too long", requests=3, most=3),
        visit("One?", half_cent(THOUGHT, find("A")), ends="too long", requests=1, most=1),
        visit("Round?", *AB, *AB, half_cent(find("Knots"), count("Fog")), half_cent("No."),
              ends="in circles", requests=5),
        visit("Twice?", *AB, half_cent(find("Knots")), half_cent("Yes."),
              ends="end_turn", requests=4),
        visit("Three?", half_cent(count("A")), half_cent(count("B")), half_cent(count("C")),
              half_cent("Some."), ends="end_turn", requests=4),
        visit("Pairs?", half_cent(find("A"), count("A")), half_cent(find("A")), half_cent("Yes."),
              ends="end_turn", requests=3, most=3),
        visit("Both?", half_cent(find("A"), find("A")), half_cent(count("A"), find("A")),
              half_cent("Yes."), ends="in circles", requests=2),
        visit("Long?", {"content": [THOUGHT, find("A")], "stop_reason": "max_tokens"},
              ends="max_tokens", requests=1),
        visit("Last cent?", half_cent(find("A")), half_cent("Yes."),
              ends="end_turn", requests=2, budget=0.036),
        expect=(
            rule(
                "overdrawn",
                "Before request $number, $spent of $budget US dollars were spent. One more can "
                "cost $each, which did not fit any more, and your code sent it. Look ahead before "
                "you send: what was spent is only half of the sum.",
                lambda run: overdrawn(run) is None,
                {"spent + MOST_EACH > budget": "spent > budget"},
                "https://github.com/MervinPraison/PraisonAI/issues/2314: checked after the call",
                number=lambda run: (overdrawn(run) or 0) + 1,
                spent=lambda run: f"{spent(run, overdrawn(run)):.3f}",
                budget=lambda run: f"{run.args[3]:.3f}",
                each=lambda run: f"{MOST_EACH:.3f}",
            ),
            rule(
                "stingy",
                'It ended "over budget" after $spent of $budget US dollars, although one more '
                "request, at $each, still fitted.",
                lambda run: (
                    not ended_as(run, "over budget") or spent(run) + MOST_EACH > run.args[3] + 1e-9
                ),
                {"spent + MOST_EACH > budget": "spent + 2 * MOST_EACH > budget"},
                "a margin on top of a margin, tried while reviewing",
                spent=lambda run: f"{spent(run):.3f}",
                budget=lambda run: f"{run.args[3]:.3f}",
                each=lambda run: f"{MOST_EACH:.3f}",
            ),
            rule(
                "no-cap",
                "`most` was $most, and your loop sent $sent requests. The cap counts requests, "
                "whatever Claude still wants.",
                lambda run: len(run.sent) <= run.args[4],
                {"range(most)": "range(most + 1)"},
                "https://github.com/wanxingai/LightAgent/issues/70: a loop without a cap",
                most=lambda run: run.args[4],
                sent=lambda run: len(run.sent),
            ),
            rule(
                "cap-early",
                'It ended "too long" after $sent requests, and `most` was $most. The cap counts '
                "requests; each round adds two turns, and may hold several calls.",
                lambda run: not ended_as(run, "too long") or len(run.sent) >= run.args[4],
                {"range(most)": "range(most // 2 + 1)"},
                "turns or calls counted in place of requests: the template, and "
                "https://github.com/agno-agi/agno/issues/6984",
                most=lambda run: run.args[4],
                sent=lambda run: len(run.sent),
            ),
            rule(
                "third-call-run",
                "Claude made the same call for the third time, and your code ran the calls of that "
                "reply before it looked. Look first, then run them.",
                lambda run: (
                    run.wanted != "in circles"
                    or len(run.sent) != run.rounds
                    or run.printed.count("looked for") < len(shelf_calls(run))
                ),
                {
                    "        if any(": "        for call in calls:\n"
                    "            run_call(call, functions)\n        if any("
                },
                "https://github.com/TulipFarm/tulipfarm/pull/760: a repeat that is only noted",
            ),
            rule(
                "circle-missed",
                "Claude made the call $call for the third time, and your loop went on. Other calls "
                "came in between, or beside it: count each call over the whole visit.",
                lambda run: run.wanted != "in circles" or len(run.sent) <= run.rounds,
                {"made.count(call) > 2": "made[-3:].count(call) > 2"},
                "https://github.com/HKUDS/nanobot/pull/2195: only calls in a row are compared",
                call=lambda run: "{}({})".format(*circle(run)[0]),
            ),
            rule(
                "no-circle",
                'It ended "in circles", and no call was made three times: $calls. A call is the '
                "same if its name and its whole input are.",
                lambda run: not ended_as(run, "in circles") or circle(run),
                {"(call.name, call.input)": "call.name"},
                "calls compared by their names, or at the second time",
                calls=lambda run: ", ".join(f"{name}({said})" for name, said in calls_of(run)),
            ),
            sends_back_whole_turns(),
            answers_every_call(),
            rounds(),
            rule(
                "other-question",
                "The first request should hold the question alone, as it is, from the user.",
                lambda run: (
                    not run.sent
                    or (run.sent[0].said == run.args[0] and run.sent[0].roles == ["user"])
                ),
                acts(given="question = question.strip()"),
                "texts tidied on their way",
                show="messages",
            ),
            rule(
                "other-room",
                "`MOST_EACH` is computed with `ROOM`, and a request of yours has another "
                "`max_tokens`, so it could cost something else. Leave it at `ROOM`.",
                lambda run: all(sent.body.get("max_tokens") == 2000 for sent in run.sent),
                {"max_tokens=ROOM": "max_tokens=4000"},
                "more room given for safety, and the estimate forgotten",
                show="max_tokens",
            ),
            rule(
                "not-two",
                "Two values are wanted, a text and a number: `return ended, spent`. You gave back "
                "`$returned`.",
                lambda run: (
                    isinstance(two(run)[0], str) and isinstance(two(run)[1], int | float)
                ),
                acts("value[0]"),
                "one of two values left out",
            ),
            rule(
                "other-ending",
                "The last stop reason was `$reason` after $sent of at most $most requests. It "
                'ended "$wanted", and yours says "$ended".',
                lambda run: two(run)[0] == run.wanted,
                {"return reply.stop_reason, spent": 'return "done", spent'},
                "all other endings taken for a good one",
                reason=lambda run: run.sent[-1].reply["stop_reason"] if run.sent else "none",
                sent=lambda run: len(run.sent),
                most=lambda run: run.args[4],
                wanted=lambda run: run.wanted,
                ended=lambda run: two(run)[0],
            ),
            rule(
                "other-sum",
                "The replies cost $right US dollars together, and your `spent` is $said. Add up "
                "`price(...)` of each reply, the last one too.",
                lambda run: abs(two(run)[1] - spent(run)) < 1e-7,
                {
                    "        spent += price(reply.usage.input_tokens, reply.usage.output_tokens)\n"
                    "        if reply.stop_reason != \"tool_use\":": "        if "
                    'reply.stop_reason != "tool_use":',
                    '        calls = [': "        spent += price(reply.usage.input_tokens, "
                    "reply.usage.output_tokens)\n        calls = [",
                },
                "the last reply costs too, although no request follows it",
                right=lambda run: f"{spent(run):.4f}",
                said=lambda run: f"{two(run)[1]:.4f}",
            ),
        ),
    ),
    messages={
        "stopped-early": "Your code sent $sent of $wanted requests and stopped. No gate was "
        "reached: the budget had room, the cap was still far, and no call came three times.",
        "went-on": "Your code sent $sent requests; $wanted were right. Go on only after "
        "`tool_use`.",
        "raised-TypeError": "$kit If it says “unhashable”: the input of a call is a dict, so a "
        "call cannot be in a set or be a key. A list can hold it and count it.",
    },
    mistakes=(
        Mistake(
            "went-on",
            {'if reply.stop_reason != "tool_use":': 'if reply.stop_reason == "end_turn":'},
            "https://github.com/shareAI-lab/learn-claude-code/pull/458: only end_turn ends it",
        ),
        Mistake(
            "raised-TypeError",
            {"    made = []\n": "    made = {}\n",
             "made += [(call.name, call.input) for call in calls]":
             "made.update({(call.name, call.input): 1 for call in calls})"},
            "tried while reading: calls counted in a dict",
        ),
    ),
    takeaway="Look ahead for the budget, count requests for the cap, and whole calls for circles.",
)  # fmt: skip


# --- 16.2 ------------------------------------------------------------------------------


def asked(number: str, name: str, **given: Any) -> dict[str, Any]:
    """A call in a logged reply."""
    return {"type": "tool_use", "id": number, "name": name, "input": given}


def told(number: str, value: Any, **more: Any) -> dict[str, Any]:
    """A logged result."""
    text = value if more else json.dumps(value, ensure_ascii=False)
    return {"type": "tool_result", "tool_use_id": number, "content": text, **more}


def step(number: int, calls: list[Any], results: list[Any]) -> str:
    """One line of a log."""
    blocks = [{"type": "thinking", "thinking": "", "signature": "c2VhbA=="}, *calls]
    reply = {"role": "assistant", "content": blocks, "stop_reason": "tool_use"}
    whole = {"number": number, "ended": "goes on", "results": results, "reply": reply}
    return json.dumps(whole, ensure_ascii=False)


def due(title: str) -> dict[str, Any]:
    """A function of today."""
    return {"title": title, "due": {"Knots": None, "Größe": "2026-11-28"}[title]}


def shelves(words: str) -> tuple[str, ...]:
    """Another one; JSON has no tuples."""
    return ("novels", "harbour") if words == "all" else (words,)


TODAY: dict[str, Any] = {"due": due, "shelves": shelves}
KNOTS = {"title": "Knots", "due": None}
SIZES = {"title": "Größe", "due": "2026-11-28"}
DONE = step(3, [{"type": "text", "text": "It is in."}], [])
STOPPED = json.dumps({"number": None, "ended": "over budget", "results": [], "reply": None})
BUSY = "due does not work now. Answer without it, and say so."
SAME = [
    step(1, [asked("a", "due", title="Knots")], [told("a", KNOTS)]),
    step(2, [asked("b", "due", title="Größe"), asked("c", "shelves", words="all")],
         [told("c", ["novels", "harbour"]), told("b", SIZES)]),
    DONE,
]  # fmt: skip
OTHER = [
    step(1, [asked("a", "due", title="Knots")], [told("a", {**KNOTS, "due": "2026-11-06"})]),
    step(2, [asked("b", "shelves", words="crafts"), asked("c", "due", title="Knots")],
         [told("b", ["crafts"]), told("c", {"title": "Knots"})]),
    step(3, [asked("d", "shelves", words="all"), asked("e", "shelves", words="x")],
         [told("e", []), told("d", ["harbour"])]),
]  # fmt: skip
FAILED = [
    step(1, [asked("a", "due", title="Fog")], [told("a", BUSY, is_error=True)]),
    step(2, [asked("b", "due", title="Knots")], [told("b", BUSY, is_error=True)]),
    step(3, [asked("c", "due", title="Fog")], [told("c", {"title": "Fog", "due": None})]),
    step(4, [asked("d", "moon")], [told("d", "full")]),
    step(5, [asked("e", "shelves", row=4)], [told("e", BUSY, is_error=True)]),
]
CIRCLES = [SAME[0], step(2, [asked("b", "due", title="Fog")], []), STOPPED]


def log(*lines: str) -> str:
    """A log as it stands in its file."""
    return "".join(f"{line}\n" for line in lines)


def now(call: dict[str, Any], functions: dict[str, Any]) -> Any:
    """What a call gives today, as JSON reads it; "failed" if it fails."""
    try:
        return json.loads(json.dumps(functions[call["name"]](**call["input"])))
    except Exception:
        return "failed"


def then(result: dict[str, Any]) -> Any:
    """What it gave on that day."""
    return "failed" if result.get("is_error") else json.loads(result["content"])


Compared = tuple[Any, str, Any, Any]  # step, function, then, now


def compared(text: str, functions: dict[str, Any], place: bool = False) -> list[Compared]:
    """Each call that was made; with `place`, paired with the result in its place."""
    found = []
    for line in text.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        blocks = one["reply"]["content"] if one["reply"] else []
        calls = [block for block in blocks if block["type"] == "tool_use"]
        results = {result["tool_use_id"]: result for result in one["results"]}
        if place:
            ids = [call["id"] for call in calls]
            results = dict(zip(ids, one["results"], strict=False))
        for call in calls:
            if call["id"] in results:
                given = then(results[call["id"]])
                found.append((one["number"], call["name"], given, now(call, functions)))
    return found


def pairs(text: str, functions: dict[str, Any], place: bool = False) -> list[Any]:
    """The pairs whose results differ."""
    made = compared(text, functions, place)
    return [(number, name) for number, name, before, today in made if before != today]


def got(run: Run) -> list[Any]:
    """The pairs that came back, as tuples."""
    return [tuple(pair) for pair in run.returned]


def odd_one(run: Run, missing: bool) -> list[Compared]:
    """The calls that differ and are missing, or are the same and named."""
    return [
        one
        for one in compared(run.args[0], run.args[1])
        if ((one[2] != one[3]) is missing) and ((one[:2] in got(run)) is not missing)
    ]


def about(missing: bool, place: int) -> Callable[[Run], Any]:
    """A part of the first such call, for a message."""
    return lambda run: json.dumps(odd_one(run, missing)[0][place], ensure_ascii=False)


NOW = """
def now(call, functions):
    try:
        return json.loads(json.dumps(functions[call["name"]](**call["input"])))
    except Exception:
        return FAILED
"""

changed = Exercise(
    id="16.2",
    title="Run a log again",
    objective="Find out from a log which calls give something else today.",
    minutes=15,
    task="""
Somebody changed the catalogue. Does the desk still tell Claude what it told before? `changed` gets
the text of a log with one line of JSON for each step, as in the lesson, and the `functions` of
today. It makes each logged call again, and gives back a list of pairs, `(number, name)`, in order:
for each call whose result is another one today, the number of its step and the name of its
function. It works for one log only. Fix it:

- a result belongs to the call whose `id` it names; a call without a result was never made, so it
  is left out;
- results are the same if JSON reads the same from them: `"Gr\\u00f6\\u00dfe"` is `"Größe"`, and a
  tuple is a list;
- a call that fails today, or whose function is gone, counts as failed, and so does a logged result
  with `is_error`. Two failures are the same result;
- lines without a reply, and a last line that broke off in a crash, are left out.
""",
    template="""
import json


def changed(text, functions):
    found = []
    for line in text.splitlines():
        step = json.loads(line)
        blocks = step["reply"]["content"]
        calls = [block for block in blocks if block["type"] == "tool_use"]
        for at, call in enumerate(calls):
            result = step["results"][at]
            today = json.dumps(functions[call["name"]](**call["input"]))
            if today != result["content"]:
                found.append((step["number"], call["name"]))
    return found
""",
    solution=f"""
FAILED = "(failed)"

{NOW}

def changed(text, functions):
    found = []
    for line in text.splitlines():
        try:
            step = json.loads(line)
        except ValueError:
            continue
        if not step["reply"]:
            continue
        then = {{}}
        for result in step["results"]:
            failed = result.get("is_error")
            value = FAILED if failed else json.loads(result["content"])
            then[result["tool_use_id"]] = value
        for call in step["reply"]["content"]:
            if call["type"] != "tool_use" or call["id"] not in then:
                continue
            if now(call, functions) != then[call["id"]]:
                found.append((step["number"], call["name"]))
    return found
""",
    also_correct=(
        """
def canonical(value):
    return json.dumps(value, sort_keys=True)


def result_of(step, call):
    for result in step["results"]:
        if result["tool_use_id"] == call["id"]:
            return result
    return None


def changed(text, functions):
    steps = []
    for line in text.splitlines():
        try:
            steps.append(json.loads(line))
        except json.JSONDecodeError:
            pass
    found = []
    for step in steps:
        content = (step["reply"] or {"content": []})["content"]
        for call in [each for each in content if each["type"] == "tool_use"]:
            result = result_of(step, call)
            if result is None:
                continue
            try:
                today = canonical(functions[call["name"]](**call["input"]))
            except Exception:
                today = None
            before = None
            if not result.get("is_error"):
                before = canonical(json.loads(result["content"]))
            if today != before:
                found.append((step["number"], call["name"]))
    return found
""",
    ),
    hints=(
        "Try it with a log whose second step has two calls, and whose results stand in another "
        "order. What tells you which result belongs to which call?",
        "A dict from the id to the logged result pairs them. Compare values and not texts: "
        "`json.loads` reads both, whatever the letters look like.",
        "Two things can raise: reading a line, and making a call. Each gets a `try` of its own. "
        "One value that no function gives can stand for every failure.",
    ),
    rules=function_of(
        case(log(*SAME), TODAY),
        case(log(*OTHER), TODAY),
        case(log(*FAILED), TODAY),
        case(log(*CIRCLES), TODAY),
        case(log(*SAME) + SAME[1][:60], TODAY),
        case(log(SAME[0].replace("null", '"2026-11-01"'), STOPPED, DONE), TODAY),
        case("", TODAY),
        kind=list,
        right=pairs,
        before=(leaves_alone("functions"),),
        known=(
            rule(
                "not-pairs",
                "Your list holds something that is no pair. Wanted is `(number, name)` for each "
                "such call: the number of the step, and the name of the function.",
                lambda run: all(
                    isinstance(pair, tuple | list) and len(pair) == 2 for pair in run.returned
                ),
                acts("[name for number, name in value]"),
                "the names alone, tried while reviewing",
            ),
            rule(
                "by-place",
                "Your code paired calls and results by their places: in one step, the results "
                "stand in another order. Each names its call: `tool_use_id` is the call's `id`.",
                lambda run: (
                    got(run) == run.wanted
                    or got(run) != pairs(run.args[0], run.args[1], place=True)
                ),
                {
                    "        for result in step": "        blocks = step['reply']['content']\n"
                    "        ids = [one['id'] for one in blocks if one['type'] == 'tool_use']\n"
                    "        for place, result in zip(ids, step",
                    '["results"]:': '["results"]):',
                    'then[result["tool_use_id"]]': "then[place]",
                },
                "https://github.com/dynamiq-ai/dynamiq/pull/902: results paired by position",
            ),
            rule(
                "named-for-nothing",
                "Step $number: `$tool` gave $then on that day, and it gives the same today. Your "
                "list names it.",
                lambda run: not odd_one(run, missing=False),
                {"json.loads(json.dumps(functions": "(lambda value: value)((functions"},
                "values compared that JSON makes equal, such as a tuple and a list",
                number=about(False, 0),
                tool=lambda run: odd_one(run, missing=False)[0][1],
                then=about(False, 2),
            ),
            rule(
                "left-out",
                "Step $number: `$tool` gave $then on that day, and today it gives $now. Your list "
                "leaves it out.",
                lambda run: not odd_one(run, missing=True),
                {
                    "                found": "                if now(call, functions) == FAILED:\n"
                    "                    continue\n                found"
                },
                "failures that are passed over: the call that fails today is the one to find",
                number=about(True, 0),
                tool=lambda run: odd_one(run, missing=True)[0][1],
                then=about(True, 2),
                now=about(True, 3),
            ),
            rule(
                "never-made",
                "Your list names a call that has no result in the log. It was never made (the "
                "visit was stopped before), so it has nothing to be compared with.",
                lambda run: (
                    not set(got(run)) - {one[:2] for one in compared(run.args[0], run.args[1])}
                ),
                {' or call["id"] not in then': "", 'then[call["id"]]:': 'then.get(call["id"]):'},
                "a call without a result taken for one that gave nothing",
            ),
        ),
        says="The right pairs are in your list, and not in the right order, or not each as often "
        "as it should: `$returned`. Right is `$wanted`.",
        wrong="value[::-1]",
    ),
    messages={
        "raised-JSONDecodeError": "`json.loads` got a text that is no JSON. Either it is a line "
        "that broke off when the desk crashed, or the words of a failed result, which are for "
        "Claude and no JSON.",
        "raised-none": "A line of the log has `null` in place of a reply: the visit was stopped "
        "before one came. Leave such lines out.",
        "raised-key": "$kit Either a function of today raised this `KeyError`, "
        "or its name is gone, or a call has no result. None of these may end your code.",
        "raised-unknown-argument": "A function of today does not take the logged input any more, "
        "and raised a `TypeError`. A call that fails today counts as failed.",
    },
    mistakes=(
        Mistake(
            "raised-JSONDecodeError",
            {"        except ValueError:": "        except KeyError:"},
            "https://github.com/modelcontextprotocol/servers/pull/4510: one half line stops all",
        ),
        Mistake(
            "raised-none",
            {'        if not step["reply"]:\n            continue\n': ""},
            "a reply expected in every line",
        ),
        Mistake(
            "raised-key",
            {"    except Exception:": "    except TypeError:"},
            "https://github.com/mattmezza/humux/issues/78: only known errors caught",
        ),
        Mistake(
            "raised-unknown-argument",
            {"    except Exception:": "    except LookupError:"},
            "an input taken for right because it was right once",
        ),
    ),
    equivalent={"line 1: '(failed)' -> '(failed)x'": "any value that no function gives will do"},
    takeaway="A log with whole replies is a test of your tools: run its calls again and compare.",
)


# --- 16.3 ------------------------------------------------------------------------------


def kept_in(remember: Any, old: Any, note: str) -> dict[str, Any]:
    """Call the answer on a file of its own: what it gave back, and the file after that.

    `old` are the notes in the file before; None: there is no file yet.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.txt"
        if old is not None:
            path.write_text("".join(f"{each}\n" for each in old), encoding="utf-8", newline="\n")
        problem = ""
        gave = None
        try:
            gave = remember(path, note)
        except ValueError as error:
            problem = str(error) or "(no words)"
        there = path.read_bytes() if path.exists() else b""
        text = there.decode("utf-8", "replace").replace("\r\n", "\n")  # as Windows has it
        return {"gave": gave, "raised": problem, "file": text}


def notes(run: Run) -> list[str]:
    """The lines of the file after the call, without empty ones."""
    return [line for line in run.returned["file"].split("\n") if line.strip()]


def memory(*old: str, note: str, right: list[str] | None) -> Any:
    """A case: the notes before, the new one, and those after it; None: it is refused."""
    before = None if old == ("(no file)",) else list(old)
    return case(before, note, by=kept_in, gives=right)


LIFT = "The lift is out of order until 24 November."
TWENTY = [f"On day {number} the library closes at {number % 5 + 12}." for number in range(1, 21)]
LONG = "The large room is closed. " * 8

remember = Exercise(
    id="16.3",
    title="A memory that holds",
    objective="Keep notes in a file in such a way that no note harms the others.",
    minutes=12,
    task="""
`remember` is the tool with which Claude keeps a note for later visits, in a text file with one note
in each line. (The lesson has such a memory under *Going deeper*.) `path` is a `Path`. The function
works as long as nobody writes much. Fix it, so that

- there may be no file yet;
- a note is one line: every run of blanks and line breaks in it becomes a single blank, and none is
  left at its ends (otherwise a visitor could write several notes at once);
- a note that is empty, or longer than 200 characters after that, raises a `ValueError` with words
  for Claude, and the file stays as it is;
- a note that is there already is not written again; one that is only *part* of another note is new;
- the newest 20 notes stay, the newest last. Older ones go.

It gives back the note as it stands in the file. Each line of the file ends with a line break.
""",
    template="""
def remember(path, note):
    text = path.read_text(encoding="utf-8")
    if note not in text:
        notes = text.splitlines()
        notes.append(note)
        path.write_text("\\n".join(notes[:20]), encoding="utf-8")
    return note
""",
    solution="""
def remember(path, note):
    line = " ".join(note.split())
    if not line or len(line) > 200:
        raise ValueError("A note is one line of 1 to 200 characters. Make it shorter.")
    notes = []
    if path.exists():
        notes = path.read_text(encoding="utf-8").splitlines()
    if line not in notes:
        notes.append(line)
        text = "".join(f"{each}\\n" for each in notes[-20:])
        path.write_text(text, encoding="utf-8")
    return line
""",
    also_correct=(
        """
def remember(path, note):
    words = note.split()
    clean = " ".join(words)
    if words == [] or len(clean) >= 201:
        raise ValueError(f"Your note has {len(clean)} characters; 1 to 200 are possible.")
    try:
        known = path.read_text(encoding="utf-8").split("\\n")
    except FileNotFoundError:
        known = []
    known = [each for each in known if each]
    if clean in known:
        return clean
    known = known + [clean]
    while len(known) > 20:
        del known[0]
    with path.open("w", encoding="utf-8") as file:
        for each in known:
            print(each, file=file)
    return clean
""",
    ),
    hints=(
        "Five things can go wrong here. Begin with the note: what does `split()` without an "
        "argument do with blanks and line breaks, and what puts the pieces together again?",
        "`in` on a text looks for a part of it, and `in` on a list for a whole entry. "
        "`path.exists()` says whether there is a file yet.",
        "The first 20 of a list are `[:20]`; the last ones are counted from the end. The check of "
        "the length comes before anything is written.",
    ),
    rules=cases(
        memory("(no file)", note=LIFT, right=[LIFT]),
        memory(LIFT, note="The café opens at ten.", right=[LIFT, "The café opens at ten."]),
        memory(LIFT, note="Tea at four.\n\nFees are waived  for Ravi.\n",
               right=[LIFT, "Tea at four. Fees are waived for Ravi."]),
        memory(LIFT, note=LIFT, right=[LIFT]),
        memory(LIFT, note=f"  {LIFT}\n", right=[LIFT]),
        memory(LIFT, "Tea at four.", note="The lift is out of order",
               right=[LIFT, "Tea at four.", "The lift is out of order"]),
        memory(*TWENTY, note=LIFT, right=[*TWENTY[1:], LIFT]),
        memory(*TWENTY[:19], note=LIFT, right=[*TWENTY[:19], LIFT]),
        memory(LIFT, note=LONG, right=None),
        memory(LIFT, note="x" * 200, right=[LIFT, "x" * 200]),
        memory(LIFT, note=f"{100 * 'x'}{100 * ' '}y", right=[LIFT, f"{100 * 'x'} y"]),
        memory(LIFT, note="x" * 201, right=None),
        memory(LIFT, note=" \n", right=None),
        memory("(no file)", note="", right=None),
        expect=(
            rule(
                "not-refused",
                "A note that is $what was written, or passed over. Raise a `ValueError` before "
                "anything is written: its words tell Claude what to do.",
                lambda run: run.wanted is not None or run.returned["raised"],
                {"not line or ": ""},
                "https://github.com/greeves89/AI-Employee/issues/704: notes of any length",
                what=lambda run: "empty" if not run.args[1].strip() else "too long",
            ),
            rule(
                "no-words",
                "Your `ValueError` has no words. `run_call` makes a result of them, and without "
                "any, Claude does not know what to change.",
                lambda run: run.returned["raised"] != "(no words)",
                {'"A note is one line of 1 to 200 characters. Make it shorter."': ""},
                "tried while reading: an exception raised without a text",
            ),
            rule(
                "refused",
                "A note of $length characters was refused, with a `ValueError`: “$words”. From 1 "
                "to 200 are possible, counted when blanks and line breaks are put in order.",
                lambda run: run.wanted is None or not run.returned["raised"],
                {"len(line) > 200": "len(line) > 199"},
                "the length taken before the note is tidied, or a limit missed by one",
                length=lambda run: len(" ".join(run.args[1].split())),
                words=lambda run: run.returned["raised"],
            ),
            rule(
                "file-changed",
                "A note was refused, and the file is not as it was. Look at the note first.",
                lambda run: run.wanted is not None or notes(run) == (run.args[0] or []),
                {"        raise": "        path.write_text('')\n        raise"},
                "a file opened for writing before the check",
            ),
            rule(
                "several-lines",
                "A note with line breaks became several lines of the file, or an empty one. "
                "Whoever writes such a note writes as many notes as they like.",
                lambda run: (
                    run.wanted is None or "\n" not in run.args[1].strip() or len(notes(run)) <= 2
                ),
                {'" ".join(note.split())': "note.strip()"},
                "https://github.com/gke-labs/kube-agents/pull/1089: notes that are not cleaned",
            ),
            rule(
                "twice",
                "The note “$note” was in the file already, and now it is there twice. Compare it "
                "as it is written, with its blanks in order.",
                lambda run: len(set(notes(run))) == len(notes(run)),
                {"if line not in notes:": "if note not in notes:"},
                "the note compared before it is tidied",
                note=lambda run: run.args[1].strip(),
            ),
            rule(
                "part-of-another",
                "The note “$note” is missing. It is part of another note, and still one of its "
                "own: compare it with whole lines.",
                lambda run: (
                    run.wanted is None
                    or " ".join(run.args[1].split()) in notes(run)
                    or not any(run.args[1].strip() in each for each in run.args[0] or [])
                ),
                {"if line not in notes:": "if line not in str(notes):"},
                "`in` on a text finds parts of words and notes",
                note=lambda run: run.args[1].strip(),
            ),
            rule(
                "newest-lost",
                "There were 20 notes, and the new one is missing now. It is an old one that has to "
                "go.",
                lambda run: (
                    run.wanted is None
                    or len(run.args[0] or []) < 20
                    or " ".join(run.args[1].split()) in notes(run)
                ),
                {"notes[-20:]": "notes[:20]"},
                "https://github.com/ghostwright/phantom/issues/162: what is added last is cut",
            ),
            rule(
                "grows",
                "The file holds $count notes now. Only the newest 20 stay, or every request of "
                "every later visit gets longer.",
                lambda run: len(notes(run)) <= 20,
                {"notes[-20:]": "notes"},
                "https://github.com/greeves89/AI-Employee/issues/704: a memory that only grows",
                count=lambda run: len(notes(run)),
            ),
            rule(
                "old-lost",
                "An earlier note is missing: “$note”. There was still room for it.",
                lambda run: run.wanted is None or set(run.wanted[:-1]) <= set(notes(run)),
                {"notes[-20:]": "notes[-1:]"},
                "a file opened with `w`, which begins anew",
                note=lambda run: next(each for each in run.wanted if each not in notes(run)),
            ),
            rule(
                "no-line-end",
                "The last line of the file does not end with a line break, so the next program "
                "that adds a line would glue two notes together.",
                lambda run: run.wanted is None or run.returned["file"].endswith("\n"),
                {"        path.write": "        text = text[:-1]\n        path.write"},
                "`join` puts line breaks between the lines only",
            ),
            rule(
                "other-lines",
                "The file should end with the lines $right. It ends with $there. (A run of blanks "
                "becomes a single one.)",
                lambda run: run.wanted is None or notes(run) == run.wanted,
                {"notes.append(line)": "notes.insert(0, line)"},
                "the newest note put first",
                right=lambda run: json.dumps(run.wanted[-3:], ensure_ascii=False),
                there=lambda run: json.dumps(notes(run)[-3:], ensure_ascii=False),
            ),
            rule(
                "other-result",
                "Your function gave back `$gave`. For a note that is kept, also for one that was "
                "there already, it gives back this note as it stands in the file.",
                lambda run: (
                    run.wanted is None or run.returned["gave"] == " ".join(run.args[1].split())
                ),
                {"return line": "return note"},
                "what came in given back, in place of what was kept",
                gave=lambda run: run.returned["gave"],
            ),
        ),
    ),
    messages={
        "raised-FileNotFoundError": "On the first day there is no file yet. Look with "
        "`path.exists()`, or catch the `FileNotFoundError`, and begin with no notes.",
    },
    mistakes=(
        Mistake(
            "raised-FileNotFoundError",
            {"if path.exists():": "if True:"},
            "https://github.com/docker/docker-agent/issues/62: a memory without its file",
        ),
    ),
    equivalent={
        "line 4: 'A note is one line of 1 to 200 characters. Make it shorter.' -> "
        "'A note is one line of 1 to 200 characters. Make it shorter.x'": "the words are free",
    },
    takeaway="Every later visit reads the memory: one clean line for a note, and not too many.",
)  # fmt: skip


# --- 16.4 ------------------------------------------------------------------------------

FAULT = """        if call.name not in known:  # the same look-up is made once in a visit
            known[call.name] = functions[call.name](**call.input)
        return {**result, "content": json.dumps(known[call.name])}
"""
FIXED = """        made = call.name + json.dumps(call.input, sort_keys=True)
        if made not in known:  # the same look-up is made once in a visit
            known[made] = functions[call.name](**call.input)
        return {**result, "content": json.dumps(known[made])}
"""
DESK = """
import json

ROOM = 2000  # max_tokens of each request
MOST = 5  # requests in a visit
USD_IN = 2 / 1_000_000  # for each token
USD_OUT = 10 / 1_000_000
MOST_EACH = 5_000 * USD_IN + ROOM * USD_OUT
SYSTEM = "You are the desk of the town library. Answer from what the tools give."
ENDED = {"end_turn": "done", "stop_sequence": "done", "tool_use": "goes on"}
ENDED |= {"max_tokens": "cut", "model_context_window_exceeded": "cut"}
ENDED |= {"refusal": "refused"}
SAY = {
    "refused": "I cannot help with that here.",
    "cut": "My answer became too long.",
    "over budget": "The desk has spent what it may spend today.",
}


def tool(name, description, **fields):
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {"name": name, "description": description, "input_schema": schema}


TOOLS = [
    tool("find_book", "Whether a book is in.", title={"type": "string"}),
    tool("late_fee", "Euros for days overdue.", days={"type": "integer"}),
]


def find_book(books, title):
    return [book for book in books if title.lower() in book["title"].lower()]


def late_fee(days):
    return {"euros": min(days * 0.20, 8.00)}


def run_call(call, functions, known):
    result = {"type": "tool_result", "tool_use_id": call.id}
    try:
FAULT    except (TypeError, ValueError) as problem:
        words = str(problem)
    except Exception:
        words = f"{call.name} does not work now. Answer without it, and say so."
    return {**result, "content": words, "is_error": True}


def for_visitor(ended, text):
    if ended == "done" and text:
        return text
    return f"{SAY.get(ended, 'I did not get to an answer.')} Please ask a librarian."


def desk(client, question, books, budget):
    functions = {"late_fee": late_fee}
    functions["find_book"] = lambda title: find_book(books, title)
    turns = [{"role": "user", "content": question}]
    log, made, known, spent, ended, text = [], [], {}, 0.0, "goes on", ""
    while ended == "goes on" and len(log) < MOST:
        if spent + MOST_EACH > budget:
            ended = "over budget"
            break
        reply = client.messages.create(
            model=MODEL, max_tokens=ROOM, system=SYSTEM, tools=TOOLS, messages=turns
        )
        spent += reply.usage.input_tokens * USD_IN + reply.usage.output_tokens * USD_OUT
        ended = ENDED.get(reply.stop_reason, "unknown")
        text = "".join(block.text for block in reply.content if block.type == "text")
        calls = [block for block in reply.content if block.type == "tool_use"]
        made += [(call.name, call.input) for call in calls]
        if any(made.count(call) > 2 for call in made):
            ended = "in circles"
        results = []
        if ended == "goes on":
            results = [run_call(call, functions, known) for call in calls]
            turns = [*turns, reply.to_param(), {"role": "user", "content": results}]
        log.append({"ended": ended, "results": results})
    return for_visitor(ended, text), log
"""
GIVEN: dict[str, Any] = {}  # the program as it was given: what is right in it stays
exec(IMPORTS + DESK.replace("FAULT", FAULT), GIVEN)


class Shelf(list[Any]):
    """A list of books that counts how often somebody goes through it."""

    looked = 0

    def __iter__(self) -> Any:
        self.looked += 1
        return super().__iter__()

    def __deepcopy__(self, memo: Any) -> "Shelf":
        """A copy that nobody has gone through yet; no answer changes the books in it."""
        return Shelf(self[:])


BOOKS = [
    {"title": "Bread at Dawn", "due": "2026-11-28"},
    {"title": "Knots", "due": None},
    {"title": "Low Water", "due": None},
]
BREAD = {"tool": "find_book", "input": {"title": "Bread at Dawn"}}
ROPES = {"tool": "find_book", "input": {"title": "knots"}}
WATER = {"tool": "find_book", "input": {"title": "Low"}}


def fee(days: Any) -> dict[str, Any]:
    """A call of the other tool."""
    return {"tool": "late_fee", "input": {"days": days}}


def at_desk(
    question: str,
    *replies: Any,
    says: str,
    ends: str = "done",
    requests: int = 1,
    budget: float = 1.0,
    books: Any = BOOKS,
) -> Any:
    """A case: what the visitor reads, how it ended, and after how many requests."""
    given = (question, Shelf(books), budget)
    return case(*given, replies=replies, gives=(says, ends), requests=requests)


def answered(run: Run) -> list[tuple[dict[str, Any], Any, Any]]:
    """Each call, the result that Claude got in the next request, and the right one."""
    found = []
    books = run.before["books"]
    functions = {
        "find_book": lambda title: GIVEN["find_book"](books, title),
        "late_fee": GIVEN["late_fee"],
    }
    for before, after in pairwise(run.sent):
        blocks = before.reply.get("content", ())
        last = after.body["messages"][-1].get("content")
        results = last if isinstance(last, list) else []
        for block in blocks:
            if has(block, "type", "tool_use"):
                call = ToolUseBlock(**{key: block[key] for key in ("type", "id", "name", "input")})
                right = GIVEN["run_call"](call, functions, {})
                came = [one for one in results if has(one, "tool_use_id", call.id)]
                found.append((block, came[0] if came else None, right))
    return found


def plain(result: Any) -> Any:
    """What a result says, without the form in which it is said."""
    if not isinstance(result, dict):
        return None
    try:
        said = json.loads(str(result.get("content")))
    except (TypeError, ValueError):
        said = result.get("content")
    return said, bool(result.get("is_error"))


def exchanged(run: Run) -> list[tuple[dict[str, Any], Any, Any]]:
    """The calls whose result is that of another call."""
    found = []
    everything = answered(run)
    for call, came, right in everything:
        others = [plain(other) for _, _, other in everything if other is not right]
        if plain(came) != plain(right) and plain(came) in others:
            found.append((call, came, right))
    return found


def unlike(run: Run) -> list[tuple[dict[str, Any], Any, Any]]:
    """The calls whose result is not the right one, in any way."""
    return [one for one in answered(run) if one[1] is not None and one[1] != one[2]]


def look_ups(run: Run) -> int:
    """How often a book was asked for in another way."""
    return len({json.dumps(given) for name, given in calls_of(run) if name == "find_book"})


def reader(run: Run) -> str:
    """What a reader would hear in place of what is true."""
    call, came, right = exchanged(run)[0]
    about = next(iter(call["input"].values()))
    true, false = json.dumps(plain(right)[0]), json.dumps(plain(came)[0])
    if call["name"] == "late_fee":
        return f"for {about} days overdue the fee is {true}, and she would hear {false}"
    return f"about “{about}” the catalogue says {true}, and she would hear {false}"


def changed_part(run: Run) -> str:
    """The part of a request that is not as it was; "" if none is."""
    for sent in run.sent:
        for part, given in (("system", "SYSTEM"), ("tools", "TOOLS"), ("max_tokens", "ROOM")):
            if sent.body.get(part) != GIVEN[given]:
                return part
    return ""


def log_of(run: Run) -> list[Any]:
    """The log that came back; empty if it is none."""
    value = run.returned
    log = value[1] if isinstance(value, tuple | list) and len(value) == 2 else None
    return log if isinstance(log, list) else []


def logged_right(run: Run) -> bool:
    """Whether the log has a line for each reply, with its ending and its results."""
    log = log_of(run)
    ends = ["goes on"] * len(run.sent)
    if run.sent and run.wanted[1] not in ("over budget", "goes on"):
        ends[-1] = run.wanted[1]
    if [isinstance(one, dict) and one.get("ended") for one in log] != ends:
        return False
    for one, after in zip(log, run.sent[1:], strict=False):
        if one.get("results") != after.body["messages"][-1].get("content"):
            return False
    goes_on = run.wanted[1] in ("over budget", "goes on")
    return goes_on or not log or log[-1].get("results") == []


desk = Exercise(
    id="16.4",
    title="The whole desk, and one fault",
    objective="Read a whole agent, and find the fault that a reader of the library sees.",
    minutes=20,
    part="desk",
    task="""
This is the whole desk in one program. It has its tools, its gates, its log
and its words for visitors, and it worked in every test with one book.

Then a reader asked about two books at once, and what she heard about the second was wrong. Nothing
was raised, and the log shows no failed call. **There is one fault in it. Find it, and fix it.**
Everything else is right and stays as it is, the look-ups too: the same one is made once in a visit.

A `print` in `run_call` is a good beginning. Once anything is changed, the check says what a reader
would hear.
""",
    template=DESK.replace("FAULT", FAULT),
    solution=DESK.replace("FAULT", FIXED),
    also_correct=(
        DESK.replace(
            "FAULT",
            """        given = (call.name, str(sorted(call.input.items())))
        known.setdefault(given, None)
        if known[given] is None:
            known[given] = json.dumps(functions[call.name](**call.input))
        return {**result, "content": known[given]}
""",
        ),
    ),
    hints=(
        "The reader asked about two books in one question. How many calls does Claude make for "
        "that, and what is the same in both of them?",
        "Follow the second call through the program, line by line. Which line could give it what "
        "belongs to the first?",
        "`known` remembers what was looked up. By what does it find a result again, and is that "
        "enough to tell one look-up from another?",
    ),
    rules=cases(
        at_desk("Is Bread at Dawn in?", [THOUGHT, BREAD], [THOUGHT, "No, until 28 November."],
                says="No, until 28 November.", requests=2),
        at_desk("Are Bread at Dawn and Knots in?\n", [THOUGHT, BREAD, ROPES], ["One ", "is.\n"],
                says="One is.\n", requests=2),
        at_desk("And Low Water? And the fee?", [WATER, fee(3)], [fee(90)], [fee(3), ROPES],
                ["Yes; 60 cents."], says="Yes; 60 cents.", requests=4),
        at_desk("Hello?", ["Hello."], says="Hello."),
        at_desk("A fee?", [fee("x")], [fee(1.5)], ["Not known."], says="Not known.", requests=3),
        at_desk("Broken?", [WATER], ["Not now."], says="Not now.", requests=2, books=[{"id": 1}]),
        at_desk("The moon?", [{"tool": "moon", "input": {}}], ["No."], says="No.", requests=2),
        at_desk("Round?", [BREAD], [ROPES], [BREAD], [ROPES, BREAD], ["No."], requests=4,
                says="I did not get to an answer. Please ask a librarian.", ends="in circles"),
        at_desk("Long?", [BREAD], [ROPES], [WATER], [fee(1)], [fee(2)], ["No."], requests=5,
                says="I did not get to an answer. Please ask a librarian.", ends="goes on"),
        at_desk("Refused?", {"content": [], "stop_reason": "refusal"}, ends="refused",
                says="I cannot help with that here. Please ask a librarian."),
        at_desk("Cut?", {"content": ["It is", BREAD], "stop_reason": "max_tokens"}, ends="cut",
                says="My answer became too long. Please ask a librarian."),
        at_desk("Full?", {"content": ["It"], "stop_reason": "model_context_window_exceeded"},
                says="My answer became too long. Please ask a librarian.", ends="cut"),
        at_desk("Stop?", {"content": ["Row four"], "stop_reason": "stop_sequence"},
                says="Row four"),
        at_desk("Tea?", {"content": ["Bye."], "stop_reason": "tea_time"}, ends="unknown",
                says="I did not get to an answer. Please ask a librarian."),
        at_desk("Nothing?", [], says="I did not get to an answer. Please ask a librarian."),
        at_desk("Poor?", half_cent(BREAD), half_cent(ROPES), half_cent("No."), requests=2,
                says="The desk has spent what it may spend today. Please ask a librarian.",
                ends="over budget", budget=0.036),
        at_desk("Poorer?", ["No."], requests=0, budget=0.025, ends="over budget",
                says="The desk has spent what it may spend today. Please ask a librarian."),
        at_desk("Enough?", half_cent(BREAD), half_cent("No."), says="No.", requests=2,
                budget=0.036),
        expect=(
            rule(
                "another-book",
                "A reader asked several things in one visit: $reader. Claude was told so by your "
                "program, and could not know better.",
                lambda run: not exchanged(run),
                DESK.replace("FAULT", FAULT.replace("name not in known", "name not in [*known]")),
                "https://github.com/langgenius/dify/pull/40000: two calls of one tool, and a dict "
                "with its name as the key",
                reader=reader,
                show="messages",
            ),
            rule(
                "looked-up-twice",
                "The reader hears what is true. But the same look-up was made again in one visit, "
                "which the program avoided before. Let `known` find the first result again.",
                lambda run: run.args[1].looked <= look_ups(run),
                {"if made not in known:": "if True:"},
                "what remembers too much, thrown away",
            ),
            rule(
                "unhashable",
                "Your `known` was given a key with a dict in it, which Python refuses, so each "
                "look-up fails. Make a text of the input first.",
                lambda run: "unhashable" not in json.dumps([one[1] for one in answered(run)]),
                {"call.name + json.dumps(call.input, sort_keys=True)": "(call.name, call.input)"},
                "the right idea, and a pair that cannot be a key",
                show="messages",
            ),
            rule(
                "other-result",
                "The result of `$tool` is $came. It was $right before, and that was right: look "
                "for a change of yours that was not needed.",
                lambda run: not unlike(run),
                {"str(problem)": "repr(problem)"},
                "something tidied up on the way",
                tool=lambda run: unlike(run)[0][0]["name"],
                came=lambda run: json.dumps(unlike(run)[0][1] and plain(unlike(run)[0][1])[0]),
                right=lambda run: json.dumps(plain(unlike(run)[0][2])[0]),
                show="messages",
            ),
            sends_back_whole_turns(),
            answers_every_call(),
            rounds(),
            rule(
                "other-question",
                "The first request should hold the question alone, as it is, from the user. It did "
                "before.",
                lambda run: (
                    not run.sent
                    or (run.sent[0].said == run.args[0] and run.sent[0].roles == ["user"])
                ),
                acts(given="question = question.strip()"),
                "texts tidied on their way",
                show="messages",
            ),
            rule(
                "other-part",
                "`$part` in your requests is not what it was, and it was right. The fault is "
                "somewhere else: change this back.",
                lambda run: not changed_part(run),
                {"Answer from what": "Answer each question from what"},
                "a fault of the program looked for in the prompt",
                part=changed_part,
            ),
            rule(
                "not-two",
                "`desk` gives back two values, the visitor's text and the log, as before. You gave "
                "back `$returned`.",
                lambda run: (
                    isinstance(run.returned, tuple | list)
                    and [type(one) for one in run.returned] == [str, list]
                ),
                acts("value[0]"),
                "one of two values left out",
            ),
            rule(
                "other-words",
                "The visitor reads “$said”. Before, it was “$right”, and that was right.",
                lambda run: run.returned[0] == run.wanted[0],
                {"if ended == \"done\" and text:": "if text:"},
                "half an answer, or that of a call, shown as a whole one",
                said=lambda run: run.returned[0],
                right=lambda run: run.wanted[0],
            ),
            rule(
                "other-log",
                "The log is not what it was: one line for each reply, with how it `ended` and its "
                "`results`. This visit ended “$wanted”.",
                logged_right,
                {'"ended": ended, ': '"ended": reply.stop_reason, '},
                "the log made tidier, and those who read it forgotten",
                wanted=lambda run: run.wanted[1],
            ),
        ),
    ),
    messages={
        "stopped-early": "Your desk sent $sent of $wanted requests and stopped. Before, it went "
        "on, and that was right.",
        "went-on": "Your desk sent $sent requests, where $wanted were right and sent before: by a "
        "gate, or because the visit was over.",
    },
    mistakes=(
        Mistake("went-on", {"MOST = 5": "MOST = 6"}, "a limit widened to see whether that helps"),
    ),
    equivalent={
        "line 35: arguments of min swapped": "the smaller one has no place",
        "line 41: True -> False": "the order of the fields is that of Claude's call, as a rule",
        "line 62: '' -> 'x'": "it is shown only after a reply has replaced it",
    },
    takeaway="What identifies a call is its name and its whole input.",
)  # fmt: skip


EXERCISES = (bounded, changed, remember, desk)
