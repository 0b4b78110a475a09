"""Exercises of lesson 06: describe a tool, answer calls, survive failures, end the loop.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from anthropic.types import ToolUseBlock

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    answers_every_call,
    as_solved,
    case,
    cases,
    function_of,
    gives_text,
    leaves_alone,
    one_request,
    room,
    rounds,
    sends_back_whole_turns,
    slips,
)
from practice.grading.tape import has, text_of

IMPORTS = """
import json

import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
READ_TEXT = """
def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")
"""
STREAMED, NO_TURN = slips(
    ("streamed", acts(request='request["stream"] = True'),
     "lesson 04 used for every request from then on",
     "Your request asks for a stream. Here the whole reply is needed at once: send it with "
     "`client.messages.create(...)`, as in the lesson.",
     lambda run: not any(sent.body.get("stream") for sent in run.sent if sent.body)),
    ("no-turn", {'{"role": "user", "content": results}': "*results"},
     "results put beside the turns, not into one",
     "An entry of your `messages` is no turn: each is a dict with a `role` and a `content`. "
     "Results are blocks, and they go into the `content` of a turn."),
)  # fmt: skip
TOOLS = {
    "other-request": "Request $number lacks the tools that your function was given. They go along "
    "with each request, also with the results.",
}
RESULTS = (NO_TURN, sends_back_whole_turns(), answers_every_call(), as_solved("tools"))


# --- 06.1 ------------------------------------------------------------------------------

ISLANDS = ["Tern Island", "Seal Island"]
OTHERS = ["Gull Rock"]
SENT = """\
    return client.messages.create(
        model=MODEL,
        max_tokens=2000,
        tools=[tool],
        messages=[{"role": "user", "content": question}],
    )
"""
AFTER: tuple[dict[str, Any], ...] = ({}, {"after": "18:00"}, {"after": 18})


def tool_of(run: Run) -> dict[str, Any]:
    """The first tool that was sent, also in a refused request; empty if there is none."""
    if not run.sent:
        run.surface()
        run.expect(False, "no-request")
    tools = run.sent[0].body.get("tools")
    first = tools[0] if isinstance(tools, list) and tools else {}
    return first if isinstance(first, dict) else {}


def schema_of(run: Run) -> dict[str, Any]:
    """The `input_schema` of this tool."""
    schema = tool_of(run).get("input_schema")
    return schema if isinstance(schema, dict) else {}


def fits(run: Run, *left_out: str, **given: Any) -> bool:
    """Whether the schema lets a right island through, with this changed or left out."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    run.surface()
    fields = {"island": run.args[1][0], **given}
    made = {name: value for name, value in fields.items() if name not in left_out}
    return bool(Draft202012Validator(schema_of(run)).is_valid(made))


*DESCRIBED, WHOLE = slips(
    ("raised-400", {'            "type": "object",\n': ""},
     "https://github.com/lidge-jun/opencodex/issues/75",
     "$kit Print your tool, and compare it with `ferry_tool` of the lesson."),
    ("no-tools", {"        tools=[tool],\n": ""},
     "the argument that makes the difference, left out",
     "Your request has no `tools`. A tool that is described and not sent is unknown to Claude: "
     "`tools=[tool]`.", lambda run: tool_of(run) or run.sent[0].body.get("tools")),
    ("function-around",
     {'"name": "departures",': '"type": "function",\n        "name": "departures",'},
     "https://github.com/plurai-ai/intellagent/pull/20: tools in another vendor's form",
     'Your tool has `"type": "function"`, as the APIs of other vendors want it. Here name, '
     "description and schema are in the tool itself: leave this out.",
     lambda run: tool_of(run).get("type") != "function" and "function" not in tool_of(run)),
    ("parameters", {'"input_schema"': '"parameters"'},
     "https://github.com/lidge-jun/opencodex/issues/75: `parameters` moved over",
     "What goes into a tool belongs under `input_schema` here. Yours has `parameters`, the key of "
     "other vendors' APIs.", lambda run: "parameters" not in tool_of(run)),
    ("required-inside", {', "enum": islands': ', "enum": islands, "required": True'},
     "lesson 06: 'a list beside properties, not a word inside it'",
     "`required` is a list of names, also for one name, and stands beside `properties`, not inside "
     "one of them: the schema of the whole says what must be there. Yours is no list, or inside.",
     lambda run: "'required'" not in str(schema_of(run).get("properties"))
     and isinstance(schema_of(run).get("required", []), list)),
    ("no-description",
     {'"description": "Times of today\'s ferries from the harbour to one island.",': ""},
     "a schema taken for description enough",
     "Your tool has no `description`. It is all that Claude knows of the function: say in words "
     "what comes back.", lambda run: run.requests and len(tool_of(run).get("description", "")) > 9),
    ("other-name", {'"name": "departures"': '"name": "get_departures"'},
     "a name made nicer in one of two places",
     "The function is called `departures`, and so should the tool be: your program finds the "
     "function by this name.", lambda run: has(tool_of(run), "name", "departures")),
    ("island-refused", {'"enum": islands': '"enum": ["Tern Island", "Seal Island"]'},
     "the islands of an example, copied along with it",
     "Your schema refuses an island that is among `islands`. Take them from the argument.",
     lambda run: any(fits(run, **more) for more in AFTER)),
    ("any-island", {', "enum": islands': ""},
     "lesson 06, the first schema: types are checked, and nothing else",
     'An island that is not among `islands`, "Atlantis", fits your schema. List what is allowed '
     "under `enum`.", lambda run: not fits(run, island="Atlantis")),
    ("island-optional", {'            "required": ["island"],\n': ""},
     "lesson 06, the first schema: no input at all fits; every property listed as required",
     "`island` must be there, and `after` may be left out: `required` should hold `island` alone. "
     "Your schema lets in an input without an island, or refuses one without `after`.",
     lambda run: not fits(run, "island") and fits(run)),
    ("after-other", {'                "after": {"type": "string"},\n': ""},
     "what may be left out, left out of the description; an hour taken for a number",
     "Your schema does not say of `after` that it is a text, such as 18:00, and any text. Describe "
     "it among the `properties`, with this type.",
     lambda run: "'after':" in str(schema_of(run)) and fits(run, after="18:00")
     and not fits(run, after=18)),
    ("others-let-in", {'            "additionalProperties": False,\n': ""},
     "lesson 06, the first schema: a misspelt name fits",
     "A field that nobody described, `iland`, fits your schema. `additionalProperties` shuts such "
     "fields out.", lambda run: not fits(run, iland="Tern Island")),
    ("not-the-reply", acts("value.content"), "reaching for the content at once",
     "Wanted is the whole reply to this question, the `Message`, as `ask_harbour` gave it at the "
     "beginning. You gave back a `$kind`.",
     lambda run: type(run.returned).__name__ == "Message"
     and run.returned.id == run.requests[0].reply["id"]),
)  # fmt: skip

ask_harbour = Exercise(
    id="06.1",
    title="Fix a tool's description",
    objective="Describe a function in such a way that only right inputs fit.",
    minutes=10,
    task="""
The harbour office moved `ask_harbour` over from another vendor's API, and Claude's API refuses
its tool. Fix the tool; the rest of the function is right. It describes `departures`, which gives
the times of today's ferries:

- it says in words what comes back (the check sees only whether anything is said);
- `island` must be there, and is one of `islands`, which the function is given;
- `after` is a text, and may be left out;
- nothing else goes in.
""",
    template="""
def ask_harbour(client, question, islands):
    tool = {
        "type": "function",
        "name": "departures",
        "parameters": {
            "type": "object",
            "properties": {
                "island": {"type": "string", "required": True},
                "after": {"type": "string"},
            },
        },
    }
"""
    + SENT,
    solution="""
def ask_harbour(client, question, islands):
    tool = {
        "name": "departures",
        "description": "Times of today's ferries from the harbour to one island.",
        "input_schema": {
            "type": "object",
            "properties": {
                "island": {"type": "string", "enum": islands},
                "after": {"type": "string"},
            },
            "required": ["island"],
            "additionalProperties": False,
        },
    }
"""
    + SENT,
    also_correct=(
        """
def ask_harbour(client, question, islands):
    clock = {"type": "string", "description": "24-hour clock, such as 18:00."}
    trip = {"type": "object", "required": ["island"], "additionalProperties": False}
    trip["properties"] = {"island": {"enum": list(islands)}, "after": clock}
    tool = {"type": "custom", "name": "departures", "input_schema": trip}
    tool["description"] = "Ferries of today. An empty list means that none goes any more."
    turn = {"role": "user", "content": question}
    return client.messages.create(
        model=MODEL, max_tokens=3000, tools=[tool], messages=[turn]
    )
""",
    ),
    hints=(
        "Compare the tool with `ferry_tool` of the lesson, key by key. Which keys have "
        "another name, which are missing, and which should not be there?",
        "The schema belongs under `input_schema`. `required` is a list of names, beside "
        "`properties` and not in one of them.",
        "`enum` lists what a field may be, and `additionalProperties` shuts out what nobody "
        "described. A tool of your own needs no `type` beside its name.",
    ),
    rules=one_request(
        case("When does a ferry go to Tern Island?", ISLANDS, replies=[[THOUGHT, "At six."]]),
        case("And after six?\n", OTHERS, replies=[[{"tool": "departures", "input": {}}]]),
        expect=(STREAMED, *DESCRIBED),
        value=WHOLE,
    ),
    messages={
        "other-question": "The text that you sent is not the `question`. The tool alone needed "
        "fixing: send the question as it is.",
    },
    equivalent={
        'line 4: "Times of today\'s ferries from the harbour to one island." -> '
        '"Times of today\'s ferries from the harbour to one island.x"': "the words are free",
        "line 8: 'type' -> 'typex'": "a list of texts under `enum` lets through texts only",
    },
    takeaway="`name`, `description` and `input_schema`; what the schema does not shut out, "
    "Claude may send.",
)


# --- 06.2 ------------------------------------------------------------------------------

TIMES = {"Tern Island": ["18:30", "21:05"], "Seal Island": []}


def departures(island: str) -> list[str]:
    """Times of ferries."""
    return TIMES[island]


def price(island: str, persons: int) -> dict[str, float]:
    """What the crossing costs."""
    return {"euros": 4.5 * persons + len(island)}


def tool(name: str, **fields: str) -> dict[str, Any]:
    """A tool with these fields and their types."""
    properties = {field: {"type": kind} for field, kind in fields.items()}
    schema = {"type": "object", "properties": properties, "required": list(fields)}
    return {"name": name, "description": f"Calls {name}.", "input_schema": schema}


FERRY_TOOLS = [
    tool("departures", island="string"),
    tool("price", island="string", persons="integer"),
]
FERRY: dict[str, Any] = {"departures": departures, "price": price}
TO_TERN = {"tool": "departures", "input": {"island": "Tern Island"}}
TO_SEAL = {"tool": "departures", "input": {"island": "Seal Island"}}
FOR_TWO = {"tool": "price", "input": {"island": "Seal Island", "persons": 2}}


def ferry(question: str, *replies: Any, tools: Any = FERRY_TOOLS) -> Any:
    """A case: each reply but the last one calls tools."""
    return case(question, tools, FERRY, replies=replies, requests=len(replies))


def read(content: Any) -> Any:
    """What a result says, read as JSON; `...` if it is none."""
    try:
        return json.loads(text_of(content))
    except ValueError:
        return ...


def results(run: Run) -> Iterator[tuple[Any, Any]]:
    """What each result says, read as JSON, and what the function of its call gives."""
    for before, after in pairwise(run.sent):
        blocks = after.body["messages"][-1]["content"]
        said = {
            one["tool_use_id"]: read(one.get("content")) for one in blocks if "tool_use_id" in one
        }
        for call in before.reply.get("content", ()):
            if call["type"] == "tool_use":
                yield said[call["id"]], FERRY[call["name"]](**call["input"])


JSON = "json.dumps(functions[call.name](**call.input))"

ASKED, *ANSWERED = slips(
    ("other-question", acts(given="question = question.strip()"), "texts tidied on their way",
     "The first request should hold the question alone, as it is, from the user.",
     lambda run: run.sent[0].said == run.args[0] and run.sent[0].roles == ["user"]),
    ("not-json", {JSON: "functions[call.name](**call.input)"},
     "https://github.com/home-assistant/core/issues/159229: results of any type",
     "The content of a result is not JSON. It is a text that Claude reads: `json.dumps(...)` makes "
     "one of what the function gave, whatever its type.",
     lambda run: all(said is not ... for said, _ in results(run))),
    ("results-mixed",
     {"        turns = [": "        ids = [one['tool_use_id'] for one in results]\n"
      "        for one in results:\n            one['tool_use_id'] = ids.pop()\n        turns = ["},
     "lesson 06, 'Your turn': the two ids exchanged",
     "A result is not what the function of its call gave: it has the id of another call, perhaps, "
     "and the API cannot notice that. Call the function with `call.input`, and use this `call.id`.",
     lambda run: all(said == found for said, found in results(run))),
)  # fmt: skip

answer = Exercise(
    id="06.2",
    title="Fix the answer to a call",
    objective="Answer all calls of a reply, in one turn, each under its own id.",
    minutes=12,
    task="""
At the ferry harbour, `answer` asks a question with tools. If Claude calls any, it should run the
functions and send the results, once, and then give back the text of the last reply. It was tried
with one question and failed. Three things in the part below the first request are
wrong. Fix them, so that

- the second request holds the question, Claude's turn with all its blocks, and your turn;
- your turn holds one result for each call, and a reply can hold several calls;
- the content of a result is what the function gave, as JSON.

`functions` is a dict with the function of each tool. None of them fails here, and Claude never
asks for a second round. (`read_text` is right.)
""",
    template=f"""{READ_TEXT}

def answer(client, question, tools, functions):
    turns = [{{"role": "user", "content": question}}]
    request = {{"model": MODEL, "max_tokens": 2000, "tools": tools}}
    reply = client.messages.create(**request, messages=turns)
    if reply.stop_reason == "tool_use":
        call = reply.content[-1]
        found = functions[call.name](**call.input)
        result = {{"type": "tool_result", "tool_use_id": call.id, "content": found}}
        turns.append({{"role": "user", "content": [result]}})
        reply = client.messages.create(**request, messages=turns)
    return read_text(reply)
""",
    solution=f"""{READ_TEXT}

def answer(client, question, tools, functions):
    turns = [{{"role": "user", "content": question}}]
    request = {{"model": MODEL, "max_tokens": 2000, "tools": tools}}
    reply = client.messages.create(**request, messages=turns)
    if reply.stop_reason == "tool_use":
        results = []
        for call in reply.content:
            if call.type == "tool_use":
                found = json.dumps(functions[call.name](**call.input))
                result = {{"type": "tool_result", "tool_use_id": call.id}}
                result["content"] = found
                results.append(result)
        turns = [*turns, reply.to_param(), {{"role": "user", "content": results}}]
        reply = client.messages.create(**request, messages=turns)
    return read_text(reply)
""",
    also_correct=(
        """
def answer(client, question, tools, functions):
    def send(*turns):
        return client.messages.create(model=MODEL, max_tokens=3000, tools=tools, messages=turns)

    asked = {"role": "user", "content": question}
    reply = send(asked)
    results = []
    for block in reversed(reply.content):
        if block.type == "tool_use":
            text = {"type": "text", "text": json.dumps(functions[block.name](**block.input))}
            results.append({"type": "tool_result", "tool_use_id": block.id, "content": [text]})
    if results:
        said = {"role": "assistant", "content": reply.content}
        reply = send(asked, said, {"role": "user", "content": results})
    return "".join(b.text for b in reply.content if b.type == "text")
""",
    ),
    hints=(
        "Compare with the lesson's cell in which `answer_calls` is defined and used. What is sent "
        "there between the question and the results?",
        "Go through all blocks of the reply, and make a result for each that is a call. The list "
        "of results is the content of one turn.",
        "`json.dumps` makes a text of what a function gave. `to_param()` makes Claude's turn, "
        "which goes before yours.",
    ),
    rules=cases(
        ferry("When to Tern Island?", [THOUGHT, TO_TERN], [THOUGHT, "At 18:30."]),
        ferry("And both?\n", [THOUGHT, "I look.", TO_TERN, TO_SEAL], ["To Tern ", "at ", "six.\n"]),
        ferry(
            "Seal Island, for two?", [FOR_TWO, TO_SEAL], ["None today."], tools=FERRY_TOOLS[::-1]
        ),
        ferry("Who are you?", [THOUGHT, "A helper."]),
        expect=(STREAMED, rounds(), ASKED, *RESULTS, *ANSWERED, room(), gives_text()),
    ),
    messages={
        "stopped-early": "Your code sent $sent of $wanted requests, although the reply held a "
        "call. Send the results in a second one.",
        "went-on": "Your code sent $sent requests; $wanted were enough. Without a call there is "
        "nothing to answer, and all results travel in one request.",
        **TOOLS,
    },
    mistakes=(
        Mistake(
            "call-unanswered",
            {"                results.append(result)": "                results = [result]"},
            "https://github.com/MoonshotAI/kosong/issues/45: a turn for each result",
        ),
        Mistake(
            "turn-left-out",
            {"reply.to_param(), ": ""},
            "https://github.com/tghamm/Anthropic.SDK/issues/184",
        ),
    ),
    takeaway="One result for each call, under its id, all of them in the next turn, after "
    "Claude's own.",
)


# --- 06.3 ------------------------------------------------------------------------------

RUN_CALL = """
def run_call(call, functions):
    result = {"type": "tool_result", "tool_use_id": call.id}
    try:
        if call.name not in functions:
            raise ValueError(f"No tool {call.name}. There is: {', '.join(functions)}.")
        found = functions[call.name](**call.input)
        return {**result, "content": json.dumps(found)}
    except (TypeError, ValueError) as error:
        text = str(error)
    except Exception:
        text = f"{call.name} does not work now. Answer without it, and say so."
    return {**result, "content": text, "is_error": True}
"""


def member(who: str) -> str:
    """A tool that finds no one, and says what to do."""
    raise ValueError(f"There is no member called {who}. Ask for the spelling.")


def shelves(shelf: str) -> dict[str, Any]:
    """A tool that works."""
    return {"shelf": shelf, "titles": ["Low Water", "Knots"], "more": False}


def catalogue(words: str) -> str:
    """A tool that is broken."""
    raise ConnectionError(f"no answer from db-7, user=librarian, {words}")


def cards(number: int) -> str:
    """A tool with a gap."""
    return {1: "Keiko"}[number]


LIBRARY = {"member": member, "shelves": shelves, "catalogue": catalogue, "cards": cards}
# By the tool: the words that help, or what is not to be told.
HELPFUL = {"member": "There is no member called Olu.", "shelves": "row"}
SECRET = {"catalogue": ("ConnectionError", "db-7", "librarian"), "cards": ("KeyError", "Traceback")}


def calls(name: str, **given: Any) -> Any:
    """A call by Claude, as a block."""
    return ToolUseBlock(type="tool_use", id=f"toolu_{name[0]}", name=name, input=given)


def content(run: Run) -> str:
    """What Claude would read in the result."""
    return text_of(run.returned.get("content"))


def works(run: Run) -> bool:
    """Whether this is the call that does not fail."""
    return bool(run.args[0].input == {"shelf": "novels"})


FAILURES = slips(
    ("not-a-result", acts('value["content"]'), "the content given back without the block around it",
     "A `tool_result` is wanted, as a dict with `type`, `tool_use_id` and `content`, which is a "
     "text. You gave back `$returned`.",
     lambda run: has(run.returned, "type", "tool_result")
     and isinstance(run.returned.get("content"), str | list)),
    ("other-id", {"call.id": "call.name"}, "a call known by its name; two calls can have the same",
     "The result has another `tool_use_id` than the call. Take `call.id`, also for a failure.",
     lambda run: run.returned.get("tool_use_id") == run.args[0].id),
    ("not-json", {"json.dumps(found)": "str(found)"},
     "str() of a dict looks like JSON, and is none",
     "The function worked; the content is not what it gave, as JSON: `$returned`.",
     lambda run: not works(run) or read(run.returned["content"]) == shelves("novels")),
    ("not-marked", {', "is_error": True': ""},
     "lesson 06: a failure is a result too, and marked; one frame for all results",
     '`"is_error": True` tells Claude that a text is no answer of the tool. A failure is marked '
     "so, and a success is not. Yours: `$returned`.",
     lambda run: not run.returned.get("is_error") if works(run)
     else run.returned.get("is_error") is True),
    ("words-lost", {"text = str(error)": 'text = "Error."'},
     "one sentence for all failures: https://github.com/livekit/agents/pull/1931",
     "The words of this error help Claude: “$words”. Your result says others: `$returned`.",
     lambda run: works(run) or HELPFUL.get(run.args[0].name, "") in content(run)),
    ("tools-not-named", {" There is: {', '.join(functions)}.": ""},
     "https://github.com/RobotecAI/rai/pull/853: a message clearer than a KeyError",
     "For an unknown tool your result does not name those that there are: $names. Claude can then "
     "call one of them. Yours says `$returned`.",
     lambda run: run.args[0].name in run.args[1]
     or all(name in content(run) for name in run.args[1])),
    ("details-told",
     {"except Exception:": "except Exception as error:",
      'f"{call.name} does': 'f"{error!r}: {call.name} does'},
     "https://github.com/EvoScientist/EvoScientist/pull/11: the full traceback",
     "The tool failed with a `$error`, and your result tells Claude its words. They help nobody "
     "there, and can name what must not get out. Say only that the tool does not work now.",
     lambda run: not any(word in content(run) for word in SECRET.get(run.args[0].name, ()))),
    ("not-said", {"{call.name} does not work": "It does not work"},
     "'Error.' as an answer to everything",
     "The result should name the tool, and say that it does not work. Yours is `$returned`.",
     lambda run: run.args[0].name not in SECRET
     or (run.args[0].name in content(run) and len(content(run)) > 15)),
    ("raised-ValueError",
     {"(TypeError, ValueError)": "TypeError", "except Exception:": "except LookupError:"},
     "https://github.com/2FastLabs/agent-squad/issues/250: missing or failing tools",
     "The function raised a `ValueError`, with words for Claude, and that ended your program. Put "
     "the call under `try:`, and make a result of the words."),
    ("raised-unknown-argument",
     {"(TypeError, ValueError)": "ValueError", "except Exception:": "except LookupError:"},
     "the input of a call taken for right, because there is a schema",
     "Claude's input did not fit the function: it raised a `TypeError`, and that ended your "
     "program. Make a result of its words."),
    ("raised-ConnectionError", {"except Exception:": "except KeyError:"},
     "https://github.com/mattmezza/humux/issues/78: only known errors caught",
     "The function raised a `ConnectionError`, and that ended your program too. Catch every error "
     "of a tool: `except Exception:` below the others."),
    ("raised-key",
     {"if call.name not in functions:": "if False:", "except Exception:": "except OSError:"},
     "https://github.com/run-llama/llama_index/issues/7170",
     "$kit No tool has this name, or its function has a gap: make a result of either."),
    words=lambda run: HELPFUL[run.args[0].name],
    names=lambda run: ", ".join(run.args[1]),
    error=lambda run: SECRET[run.args[0].name][0],
)  # fmt: skip

run_call = Exercise(
    id="06.3",
    title="Failures are results",
    objective="Turn whatever happens in a tool into a result that helps.",
    minutes=12,
    task="""
At the library desk a broken tool must not end the program, and Claude should learn what to do.
`run_call` makes the `tool_result` of one call. As long as all goes well, it is right. Fix it, so
that it gives back a result in each case, and marks a failure with `is_error`:

- the tool is unknown: the content names the tools that there are;
- the function raises a `TypeError` or a `ValueError` (here they do the work of the lesson's
  `CallError`): the content is what the error says;
- it raises anything else: this is yours to repair, so the content says only that the tool, by its
  name, does not work now, and nothing of the error (your log would get it; leave the log out here).

A success is not marked, and its content is JSON.
""",
    template="""
import json


def run_call(call, functions):
    found = functions[call.name](**call.input)
    return {
        "type": "tool_result",
        "tool_use_id": call.id,
        "content": json.dumps(found),
    }
""",
    solution=RUN_CALL,
    also_correct=(
        """
def run_call(call, functions):
    def result(text, **more):
        return {"type": "tool_result", "tool_use_id": call.id, "content": text, **more}

    function = functions.get(call.name)
    if function is None:
        there = ", ".join(sorted(functions))
        return result(f"Unknown tool. Use one of these: {there}.", is_error=True)
    try:
        return result(json.dumps(function(**call.input)), is_error=False)
    except (TypeError, ValueError) as wrong:
        return result(str(wrong), is_error=True)
    except Exception:
        return result(f"The tool {call.name} is out of order.", is_error=True)
""",
    ),
    hints=(
        "Which lines can raise? Put them under `try:`, and build the result of a failure under "
        "the `except` lines.",
        "One `except` can name several kinds of errors, in round brackets, and give the error a "
        "name with `as`; `str(...)` of it is what it says. A second one below catches the rest.",
        "An unknown name is best found before the call: `if call.name not in functions`. "
        '`", ".join(functions)` lists the names that there are.',
    ),
    rules=cases(
        case(calls("shelves", shelf="novels"), LIBRARY),
        case(calls("member", who="Olu"), LIBRARY),
        case(calls("shelves", row=4), LIBRARY),
        case(calls("moon"), LIBRARY),
        case(calls("stars", shelf="x"), {"shelves": shelves, "find": shelves}),
        case(calls("catalogue", words="fog"), LIBRARY),
        case(calls("cards", number=3), LIBRARY),
        expect=FAILURES,
    ),
    equivalent={
        "line 11: ' does not work now. Answer without it, and say so.' -> "
        "' does not work now. Answer without it, and say so.x'": "the words are free",
        "line 5: 'No tool ' -> 'No tool x'": "the words are free",
        "line 5: '. There is: ' -> '. There is: x'": "the words are free",
        "line 5: '.' -> '.x'": "the words are free",
        "line 5: ', ' -> ', x'": "how the names are listed is free",
    },
    takeaway="A failure is a result too: words that say what to do for Claude, the details for "
    "you.",
)


# --- 06.4 ------------------------------------------------------------------------------


def find_books(words: str) -> dict[str, Any]:
    """Books of the library, as the lesson's function gives them."""
    if words == "%":
        raise ValueError("Give a word, not a sign.")
    return {"rows": [{"id": len(words), "title": words}], "more": False}


def lend(book_id: int) -> str:
    """A tool that leaves a trace: it prints."""
    print(f"lent {book_id}")
    return "lent"


DESK: dict[str, Any] = {"find_books": find_books, "lend": lend}
DESK_TOOLS = [tool("find_books", words="string"), tool("lend", book_id="integer")]
FOG = {"tool": "find_books", "input": {"words": "fog"}}
SIGN = {"tool": "find_books", "input": {"words": "%"}}
LEND = {"tool": "lend", "input": {"book_id": 4}}
EARLIER = [
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": [{"type": "text", "text": "Hello!"}]},
]
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_01Fog", "name": "web_search", "input": {}}


def ending(content: Any, reason: str) -> dict[str, Any]:
    """A reply with this stop reason."""
    return {"content": content, "stop_reason": reason}


def desk(question: str, *replies: Any, ends: str, most: int = 8, before: Any = ()) -> Any:
    """A case: how it should end, after all these replies."""
    args = (question, DESK_TOOLS, DESK, list(before), most)
    return case(*args, replies=replies, gives=ends, requests=len(replies))


def three(run: Run) -> tuple[Any, Any, Any]:
    """What came back; three times None unless it is a text, a list of replies and a list."""
    value = run.returned
    if isinstance(value, tuple | list) and len(value) == 3 and isinstance(value[0], str | None):
        listed = isinstance(value[1], list) and isinstance(value[2], list)
        if listed and all(type(reply).__name__ == "Message" for reply in value[1]):
            return value[0], value[1], value[2]
    return None, None, None


def is_plain(run: Run) -> bool:
    """Whether JSON takes the turns."""
    try:
        json.dumps(three(run)[2])
    except (TypeError, ValueError):
        return False
    return True


def is_turn(turn: Any) -> bool:
    """Whether this is a role and a content."""
    return isinstance(turn, dict) and turn.keys() == {"role", "content"}


def outline(turns: list[Any], whole: bool) -> list[Any]:
    """The roles of turns; of whole ones the types of Claude's blocks as well."""
    found = []
    for turn in turns:
        blocks = turn["content"] if whole and turn["role"] == "assistant" else []
        kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
        found.append((turn["role"], kinds))
    return found


def turns_right(run: Run, whole: bool = False) -> bool:
    """Whether the turns are as solved; a call after which it is too long may be left out."""
    wanted = outline(run.instead(run.lab.exercise.solution).value[2], whole)
    found = outline(three(run)[2], whole)
    return found == wanted or (run.wanted == "too long" and found == wanted[:-2])


def results_of(run: Run) -> list[str]:
    """What the results in the last request say; nothing for those that are marked as failures."""
    turns = [turn["content"] for turn in run.requests[-1].body["messages"]]
    blocks = [one for turn in turns if isinstance(turn, list) for one in turn]
    results = [one for one in blocks if has(one, "type", "tool_result")]
    return sorted("" if one.get("is_error") else text_of(one["content"]) for one in results)


def ended_by(run: Run) -> Any:
    """The stop reason of the reply after which no request was needed."""
    return run.sent[run.rounds - 1].reply.get("stop_reason")


SAID = '{"role": "assistant", "content": reply.to_dict()["content"]}'
LAST = "turns = [*turns, said]\n            return"
GIVEN = "return ended, replies, turns"
RUNS_ALL = 'if call.type == "tool_use":\n                run_call(call, functions)\n        '

*LOOPED, HISTORY = slips(
    ("cut-call-run",
     {"        said =": f"        for call in reply.content:\n            {RUNS_ALL}said ="},
     "https://github.com/LibreChat-AI/agents/pull/280",
     "A call stood in a reply that was cut at `max_tokens`, and your code ran it. Half a call can "
     "look like a whole one: run calls only after `tool_use`.",
     lambda run: "lent" not in run.printed),
    ("no-cap", {"while len(replies) < most:": "while True:"},
     "https://github.com/jsmestad/minga/issues/401",
     "Claude called a tool in each reply, `most` was $most, and your loop sent $sent requests. "
     "Count the replies, and stop when there are `most`.",
     lambda run: run.wanted != "too long" or len(run.sent) <= run.rounds),
    ("spins",
     {"else:\n            ended =": "elif reply.stop_reason in ENDED:\n            ended ="},
     "https://github.com/shareAI-lab/learn-claude-code/pull/458: only end_turn ends it",
     "The reply ended with `$reason`, and your loop asked again. It goes on after `tool_use` and "
     "`pause_turn`; every other reason ends it.",
     lambda run: len(run.sent) <= run.rounds or ended_by(run) in ("end_turn", None)),
    ("history-left-out", {"[*history, ": "["}, "a loop that was written for one question",
     "The first request should hold the turns of `history`, and then the question as it is.",
     lambda run: run.sent[0].roles == [*[turn["role"] for turn in run.args[3]], "user"]
     and run.sent[0].said == run.args[0]),
    most=lambda run: run.args[4],
    sent=lambda run: len(run.sent),
    reason=lambda run: ended_by(run),
)  # fmt: skip
ENDINGS = slips(
    ("run-call-bypassed", {', "is_error": True': ""},
     "the helper of another program taken in its place",
     "A result is not the one of `run_call`; that of a failed call is perhaps not marked with "
     "`is_error`. `run_call` gives the right result of each call: use it as it is.",
     lambda run: results_of(run) == results_of(run.instead(run.lab.exercise.solution))),
    ("not-three", {GIVEN: "return ended, replies[-1], turns"},
     "a function that gave back the last reply before",
     "Three things are wanted: `ended`, a text; `replies`, a list of the `Message`s; and `turns`, "
     "a list. You gave back a `$kind` that is something else.",
     lambda run: three(run)[1] is not None),
    ("wrong-ending", {'"stop_sequence": "done"': '"stop_sequence": "cut"'},
     "some reasons known: https://github.com/mastra-ai/mastra/pull/15718",
     "The last reply has the stop reason `$reason`, $sent of at most $most requests were sent, and "
     'your `ended` is "$ended". It ended "$wanted".', lambda run: three(run)[0] == run.wanted),
    ("replies-missing", {GIVEN: "return ended, replies[-1:], turns"},
     "the last reply taken for all that matters; the bill is the sum",
     "$sent replies came, and your list holds $held. Append each reply as soon as it comes.",
     lambda run: len(three(run)[1]) == len(run.requests)),
    ("not-plain", {SAID: "reply.to_param()"}, "lesson 05, 'A crash while saving'",
     "`json.dumps` cannot take your turns: they hold objects of the package. Use the `content` of "
     "`reply.to_dict()`.", is_plain),
    ("whole-reply", {LAST: LAST.replace("said", "reply.to_dict()")},
     "lesson 05, question 3, answer c",
     "A turn of yours holds more than `role` and `content`, and the API would refuse it in the "
     "next request. Of `reply.to_dict()` take the `content` only.",
     lambda run: all(is_turn(turn) for turn in three(run)[2])),
    ("other-turns", {'if ended == "done" and reply.content:': "if reply.content:"},
     "lesson 05, 'A reply that must not be appended'",
     'It ended "$wanted" after the reply with `$reason`, and your `turns` end with a turn too many '
     "or too few. Claude's last turn joins them only if it is done and has blocks; after calls, "
     "their results do as well.", turns_right),
    ("blocks-lost", {LAST: LAST.replace("said", '{**said, "content": said["content"][1:]}')},
     "lesson 05, question 3, answer a: the text alone is kept",
     "Blocks are missing from Claude's last turn in your `turns`. Keep all, thinking too.",
     lambda run: turns_right(run, whole=True)),
    most=lambda run: run.args[4],
    sent=lambda run: len(run.sent),
    wanted=lambda run: run.wanted,
    ended=lambda run: three(run)[0],
    held=lambda run: len(three(run)[1]),
    reason=lambda run: run.requests[-1].reply["stop_reason"],
)  # fmt: skip

run_tools = Exercise(
    id="06.4",
    title="Fix the loop",
    objective="Let tools run until Claude is done, and stop in every other case.",
    minutes=20,
    part="run_tools",
    task="""
The library desk lets Claude look into its catalogue. `run_tools` is the loop of many articles, and
it has cost the library money: it stops for one reason only. Fix the loop, so that it gives back
`(ended, replies, turns)`, as in the lesson:

- it goes on after `tool_use`, with Claude's turn and the results of all calls, and after
  `pause_turn`, with Claude's turn alone; it stops for every other stop reason;
- it sends at most `most` requests. If the last of them still wants to go on, it ended "too long";
- `ended` is otherwise "done" (`end_turn`, `stop_sequence`), "cut" (`max_tokens`,
  `model_context_window_exceeded`), "refused" (`refusal`), and "unknown" for any other reason;
- a call in a reply that was cut is not run;
- `replies` is a list with all replies, and `turns` are all turns, as plain dicts that `json.dumps`
  takes, for the next question. Claude's last turn is among them if it ended "done" and has blocks;
  after "too long" it may stay, together with its results.

`history` are earlier turns; they go in front. `run_call` is right, and so is what travels besides.
""",
    template=f"""
import json

{RUN_CALL}

def run_tools(client, question, tools, functions, history=(), most=8):
    turns = [*history, {{"role": "user", "content": question}}]
    replies = []
    while not replies or replies[-1].stop_reason != "end_turn":
        reply = client.messages.create(
            model=MODEL, max_tokens=2000, tools=tools, messages=turns
        )
        replies.append(reply)
        calls = [block for block in reply.content if block.type == "tool_use"]
        if calls:
            results = [run_call(call, functions) for call in calls]
            turns = [*turns, reply.to_param(), {{"role": "user", "content": results}}]
    return "done", replies, turns
""",
    solution=f"""
ENDED = {{
    "end_turn": "done",
    "stop_sequence": "done",
    "max_tokens": "cut",
    "model_context_window_exceeded": "cut",
    "refusal": "refused",
}}

{RUN_CALL}

def run_tools(client, question, tools, functions, history=(), most=8):
    turns = [*history, {{"role": "user", "content": question}}]
    replies = []
    while len(replies) < most:
        reply = client.messages.create(
            model=MODEL, max_tokens=2000, tools=tools, messages=turns
        )
        replies.append(reply)
        said = {SAID}
        if reply.stop_reason == "tool_use":
            results = []
            for call in reply.content:
                if call.type == "tool_use":
                    results.append(run_call(call, functions))
            turns = [*turns, said, {{"role": "user", "content": results}}]
        elif reply.stop_reason == "pause_turn":
            turns = [*turns, said]
        else:
            ended = ENDED.get(reply.stop_reason, "unknown")
            if ended == "done" and reply.content:
                turns = [*turns, said]
            return ended, replies, turns
    return "too long", replies, turns
""",
    also_correct=(
        f"""
{RUN_CALL}

def run_tools(client, question, tools, functions, history=(), most=8):
    turns = [*history, {{"role": "user", "content": question}}]
    replies = []
    for number in range(most):
        reply = client.messages.create(
            max_tokens=4000, messages=turns, model=MODEL, tools=tools
        )
        replies.append(reply)
        reason = reply.stop_reason
        blocks = [block.to_dict() for block in reply.content]
        if reason == "refusal":
            return "refused", replies, turns
        if reason in ("max_tokens", "model_context_window_exceeded"):
            return "cut", replies, turns
        if reason not in ("tool_use", "pause_turn", "end_turn", "stop_sequence"):
            return "unknown", replies, turns
        if blocks:
            turns.append({{"role": "assistant", "content": blocks}})
        if reason in ("end_turn", "stop_sequence"):
            return "done", replies, turns
        if reason == "tool_use":
            calls = [b for b in reply.content if b.type == "tool_use"]
            results = [run_call(call, functions) for call in calls]
            turns.append({{"role": "user", "content": results}})
    return "too long", replies, turns
""",
    ),
    hints=(
        "Turn the condition round: for which two stop reasons does it go on? Everything else ends "
        "it. And what ends a loop in which Claude calls for ever?",
        "`while` counts the replies against `most`. Inside, three ways: `tool_use`, `pause_turn`, "
        "and `else`, with a `return`. Behind the loop, only one thing can have happened.",
        "A dict from stop reason to word, asked with `.get(..., ...)`, knows a word for those that "
        "nobody has met. `to_dict()` of a reply has its `content` in plain dicts.",
    ),
    rules=cases(
        desk("Fog?", [THOUGHT, "Let me see.", FOG, SIGN], [THOUGHT, "Yes, one."], ends="done"),
        desk("All of it?", ending([THOUGHT, "There is"], "max_tokens"), ends="cut"),
        desk("Lend it.", ending([THOUGHT, LEND], "max_tokens"), ends="cut"),
        desk("And again?\n", [FOG], [THOUGHT, SIGN], [FOG], ends="too long", most=3),
        desk("May I?", ending([], "refusal"), ends="refused", before=EARLIER),
        desk("A search?", ending([SEARCH], "pause_turn"), ["Found."], ends="done"),
        desk("The moon?", [{"tool": "moon", "input": {}}], ["No idea."], ends="done"),
        desk("Stop?", ending("Row four", "stop_sequence"), ends="done", before=EARLIER),
        desk("Tea?", ending("Bye.", "tea_time"), ends="unknown"),
        desk("Full?", ending([THOUGHT, "It"], "model_context_window_exceeded"), ends="cut"),
        desk("Nothing?", [], ends="done"),
        desk("Refuse later?", [FOG], ending(["I"], "refusal"), ends="refused"),
        expect=(STREAMED, *LOOPED, rounds(), HISTORY, *RESULTS, room(), *ENDINGS),
    ),
    messages={
        "stopped-early": "Your code sent $sent of $wanted requests. After `tool_use`, and after "
        "`pause_turn`, Claude is not done yet: send its turn, and what it waits for.",
        **TOOLS,
    },
    equivalent={
        "line 24: 8 -> 1": "each call of the check says how many",
        "line 20: ' does not work now. Answer without it, and say so.' -> "
        "' does not work now. Answer without it, and say so.x'": "06.3 looks at the words",
        "line 14: 'No tool ' -> 'No tool x'": "06.3 looks at the words",
        "line 14: '. There is: ' -> '. There is: x'": "06.3 looks at the words",
        "line 14: '.' -> '.x'": "06.3 looks at the words",
        "line 14: ', ' -> ', x'": "06.3 looks at the words",
    },
    takeaway="Go on for two reasons, stop for all others, and at a cap in any case.",
)


# --- 06.5 ------------------------------------------------------------------------------


def block(kind: str, **fields: Any) -> dict[str, Any]:
    """A block of this type."""
    return {"type": kind, **fields}


def asked(content: Any) -> dict[str, Any]:
    """A turn of the user's."""
    return {"role": "user", "content": content}


def said(*blocks: dict[str, Any]) -> dict[str, Any]:
    """A turn of Claude's."""
    return {"role": "assistant", "content": list(blocks)}


def use(number: str) -> dict[str, Any]:
    """A call of a tool."""
    return block("tool_use", id=number, name="copies", input={"book_id": 4})


def told(number: str) -> dict[str, Any]:
    """Its result."""
    return block("tool_result", tool_use_id=number, content="[]")


THINKING = block("thinking", thinking="", signature="c2VhbA==")
REDACTED = block("redacted_thinking", data="c2VhbA==")
VISIT = [
    asked("Is Low Water in?"),
    said(THINKING, use("a")),
    asked([told("a")]),
    said(block("text", text="Yes.")),
    asked("And the two others?"),
    said(REDACTED, block("text", text="I look."), use("b"), use("c")),
    asked([told("b"), told("c"), block("text", text="Please be quick.")]),
    said(THINKING, use("d")),
    asked([told("d")]),
    said(THINKING),
    asked([block("text", text="Who wrote it?")]),
    said(block("text", text="Rosa Ketterly.")),
    asked("Thank you. Since when?"),
]
CUTS = """\
    if len(starts) <= n:
        return turns
    kept = []
    for turn in turns[starts[-n] :]:
        content = turn["content"]
        if not isinstance(content, str):
            content = [block for block in content if "thinking" not in block["type"]]
        if content:
            kept.append({**turn, "content": content})
    return kept
"""
STRIPPED = 'content = [block for block in content if "thinking" not in block["type"]]'

WINDOWS = slips(
    ("not-turns", acts("[turn['content'] for turn in value]"),
     "the contents collected, and the turns forgotten",
     "Your list holds something that is no turn: each is a dict with a `role` and a `content`.",
     lambda run: all(is_turn(turn) for turn in run.returned)),
    ("texts-only", {'"tool_result" not in kinds': 'isinstance(turn["content"], str)'},
     "every list taken for results",
     "A list of blocks is a question, too, as long as none is a `tool_result`. Count it."),
    ("begins-with-results", {' and "tool_result" not in kinds': ""},
     "https://github.com/RooCodeInc/Roo-Code/pull/11030; "
     "https://github.com/trpc-group/trpc-agent-go/pull/1228: results at the cut skipped",
     "Your window begins with a turn of results or of Claude's, and the API refuses that: the call "
     "or the question before it was cut away. Count only turns of the user that hold no "
     "`tool_result`, and cut in front of one.",
     lambda run: not run.returned or (run.returned[0]["role"] == "user"
                                      and "tool_result" not in str(run.returned[0]))),
    ("pair-parted",
     [{"    return kept": "    return [t for t in kept if 'tool_result' not in str(t)]"},
      {'"thinking" not in block["type"]': 'block["type"] in ("text", "tool_result")'}],
     "https://github.com/HKUDS/nanobot/pull/2075: results dropped to be safe",
     "A call or a result is missing from your window. The two stay together: what follows the "
     "first question stays, but for the thinking."),
    ("cut-too-much", {"        return turns\n": "        n = len(starts)\n"},
     "thinking dropped always, to be on the safe side",
     "With `n` questions or fewer everything stays, thinking too. Something is missing.",
     lambda run: run.wanted != run.args[0] or len(str(run.returned)) >= len(str(run.wanted))),
    ("thinking-kept",
     [{STRIPPED: "pass"}, {'"thinking" not in block["type"]': 'block["type"] != "thinking"'}],
     "lesson 05, 'Shorten it': the roles are fine, the thinking is not",
     "Your window begins at the right place, and thinking stayed in it. There are two types of it, "
     "`thinking` and `redacted_thinking`."),
    ("empty-turn", {"        if content:\n": "        if turns:\n"}, "lesson 05, error hunt 3",
     "A turn that held only thinking is empty now, and the API refuses that. Leave it out."),
    ("other-number", acts("value[-1:]"),
     "a place counted from the wrong end; a cut at the end as well",
     "With `n` = $n the window should have $right turns, begin with “$first” and end with the new "
     "question. Yours has $count.", lambda run: len(run.returned) == len(run.wanted)),
    ("raised-TypeError", {" if isinstance(block, dict)]": "]"},
     "the text of a question taken for a list of blocks",
     "$kit The content of a question can be a text, which has letters, not blocks."),
    n=lambda run: run.args[1],
    right=lambda run: len(run.wanted),
    first=lambda run: text_of(run.wanted[0]["content"]),
    count=lambda run: len(run.returned),
)  # fmt: skip

window = Exercise(
    id="06.5",
    title="A window that knows tools",
    objective="Cut a history with tools without parting a call from its result.",
    minutes=15,
    optional=True,
    task="""
This is the `window` of lesson 05. At the library desk it now gets the `turns` of `run_tools`, with
a new question at their end, and the API refuses what it gives back: a turn of results has the role
`user` too. Fix it, so that it counts only questions:

- a question is a turn of the user without a `tool_result` in it; its content is a text, or a list
  of blocks;
- the window begins with the `n`-th last question (`n` is at least 1). What follows stays as it is,
  calls and results too, but without thinking, and without a turn that is empty then;
- with `n` questions or fewer, everything stays. The list that it is given is not changed.
""",
    template="""
def window(turns, n):
    starts = [i for i, turn in enumerate(turns) if turn["role"] == "user"]
"""
    + CUTS,
    solution="""
def is_question(turn):
    kinds = [block["type"] for block in turn["content"] if isinstance(block, dict)]
    return turn["role"] == "user" and "tool_result" not in kinds


def window(turns, n):
    starts = [i for i, turn in enumerate(turns) if is_question(turn)]
"""
    + CUTS,
    also_correct=(
        """
def window(turns, n):
    starts = []
    for i, turn in enumerate(turns):
        told = not isinstance(turn["content"], str) and turn["content"][0]["type"] == "tool_result"
        if turn["role"] == "user" and not told:
            starts.append(i)
    if len(starts) <= n:
        return list(turns)
    short = []
    for turn in turns[starts[-n] :]:
        if turn["role"] == "assistant":
            blocks = []
            for block in turn["content"]:
                if block["type"] not in ("thinking", "redacted_thinking"):
                    blocks.append(block)
            turn = {"role": "assistant", "content": blocks}
        if turn["content"]:
            short.append(turn)
    return short
""",
    ),
    hints=(
        "Only the first line has to change: which turns are counted? Everything below it may stay.",
        "The role alone does not tell. What is the content of a question, and what are the blocks "
        "of a turn of results?",
        "Write a function that gets one turn: is its role that of the user, and is none of its "
        "blocks a `tool_result`? A content that is a text has no blocks.",
    ),
    rules=function_of(
        case(VISIT[:9] + VISIT[12:], 2),
        *(case(VISIT, n) for n in (3, 1, 2, 4, 7)),
        case([asked("Hello?")], 1),
        kind=list,
        before=(leaves_alone("turns"),),
        known=WINDOWS,
        name="other-window",
        says="Your window has the right number of turns, and one of them is not as it was: a block "
        "is missing or changed. Leave out nothing but the thinking.",
        wrong="[{**turn, 'content': str(turn['content'])} for turn in value]",
    ),
    takeaway="A question is a turn of the user without results. Cut in front of one.",
)


EXERCISES = (ask_harbour, answer, run_call, run_tools, window)
