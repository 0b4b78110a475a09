"""Exercises of lesson 06b: fix a tool runner, close a strict schema, ask before a call.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

from practice.grading import (
    Case,
    Exercise,
    Mistake,
    Run,
    acts,
    case,
    cases,
    function_of,
    leaves_alone,
    miss,
    rule,
)

IMPORTS = """
import json

import anthropic
from anthropic import beta_tool

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with


# --- 06b.1 -----------------------------------------------------------------------------

MOST = 6  # requests of one question
JUNE = {"2027-06-12": 10, "2027-06-19": 20}
JULY = {"2027-07-03": 0, "2027-07-10": 55, "2027-07-17": 40}
PLAIN = """
        model=MODEL, max_tokens=2000, messages=[{"role": "user", "content": task}]
    """
LAST_TEXT = '"".join(block.text for block in last.content if block.type == "text")'


def rain(day: str) -> dict[str, Any]:
    """A call of the tool, in short form."""
    return {"tool": "forecast", "input": {"day": day}}


def results(run: Run) -> list[dict[str, Any]]:
    """The results in all requests, those that the API refused too."""
    found = []
    for sent in run.sent:
        content = sent.body["messages"][-1].get("content")
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_result":
                found.append(block)
    return found


def fields(run: Run) -> dict[str, Any]:
    """The properties in the schema of the tool."""
    found: dict[str, Any] = run.request.body["tools"][0]["input_schema"].get("properties", {})
    return found


def words_of(result: dict[str, Any]) -> str:
    """What Claude reads of one result: its text, or that of its blocks."""
    content = result.get("content", "")
    if isinstance(content, list):
        return "".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return str(content)


def failed(run: Run) -> str:
    """The words of the first result that is an error; "" if there is none."""
    return next((words_of(one) for one in results(run) if one.get("is_error")), "")


def unlike(run: Run) -> str:
    """The first result that is no JSON of a day and its chance of rain; "" if all are."""
    chance = run.given["chance"]
    for result in results(run):
        try:
            read = json.loads(words_of(result))
        except ValueError:
            return words_of(result)
        if not isinstance(read, dict) or chance.get(str(read.get("day"))) != read.get("rain"):
            return words_of(result)
        if set(read) != {"day", "rain"}:
            return words_of(result)
    return ""


def of_blocks(run: Run) -> bool:
    """Whether a result was made of the keys of a dict, or of bare items."""
    contents = [one.get("content") for one in results(run)]
    lists = [content for content in contents if isinstance(content, list)]
    return any(not isinstance(item, dict) for content in lists for item in content)


def in_python(run: Run) -> bool:
    """Whether a result looks like a dict that Python printed."""
    return unlike(run).startswith("{'")


def text_of(reply: Any) -> str:
    """The text of a reply in short form."""
    return "".join(part for part in reply if isinstance(part, str))


def last_text(run: Run) -> str:
    """The text of the last reply that came."""
    return text_of(run.replies[len(run.sent) - 1])


def is_early(run: Run) -> bool:
    """Whether the text of a reply came back after which Claude went on, or wanted to."""
    at_once = len(run.sent) == 1 < run.rounds
    earlier = [text_of(reply) for reply in run.replies[: len(run.sent) - 1]]
    return at_once or (run.text in earlier and run.text != last_text(run))


compare = Exercise(
    id="06b.1",
    title="Fix a tool runner",
    objective="Let the tool runner answer, with results that Claude can read and a limit.",
    minutes=10,
    task=f"""
Amara's function lets the tool runner compare the weather of some days. `chance` holds the chance
of rain on each day, in percent. Four things in it are wrong. Fix them; you may check after each,
and the check will tell you the next one.

- `forecast` should be a tool of the runner, with a type for `day` and a description.
- Claude should read each result of `forecast` as JSON: `{{"day": "2027-06-12", "rain": 10}}`.
- However often Claude calls the tool, at most {MOST} requests may go out.
- The text of the *last* reply comes back, also when the limit ended the run.

`thread=False` stays, as in the lesson.
""",
    template='''
def compare(client, task, chance):
    def forecast(day):
        """The chance of rain on a day, such as 2027-06-12."""
        return {"day": day, "rain": chance[day]}

    runner = client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=2000,
        tools=[forecast],
        messages=[{"role": "user", "content": task}],
        thread=False,
    )
    for reply in runner:
        texts = [block.text for block in reply.content if block.type == "text"]
        return "".join(texts)
''',
    solution='''
def compare(client, task, chance):
    @beta_tool
    def forecast(day: str) -> str:
        """The chance of rain on a day, such as 2027-06-12."""
        return json.dumps({"day": day, "rain": chance[day]})

    runner = client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=2000,
        tools=[forecast],
        messages=[{"role": "user", "content": task}],
        max_iterations=6,
        thread=False,
    )
    last = runner.until_done()
    return "".join(block.text for block in last.content if block.type == "text")
''',
    also_correct=(
        '''
def compare(client, task, chance):
    @beta_tool
    def forecast(day: str) -> str:
        """The chance of rain on a day, such as 2027-06-12."""
        words = json.dumps({"rain": chance[day], "day": day})
        return [{"type": "text", "text": words}]

    turn = {"role": "user", "content": task}
    settings = {"max_iterations": 6, "thread": False}
    for reply in client.beta.messages.tool_runner(
        model=MODEL, max_tokens=3000, tools=[forecast], messages=[turn], **settings
    ):
        text = ""
        for block in reply.content:
            text += block.text if block.type == "text" else ""
    return text
''',
    ),
    hints=(
        "What is above `forecast` in the lesson, and what does the string rule say? Which row "
        "of the table of what the runner hides is a limit? What does `return` do in a loop?",
        "The decorator `beta_tool` makes the tool, `json.dumps` makes a text of a dict. The limit "
        "is an argument of `tool_runner`.",
        "The limit is `max_iterations`. `runner.until_done()` gives the last reply; or put the "
        "`return` after the loop, so that the loop comes to its end.",
    ),
    rules=cases(
        case(
            "June 12 or 19: which is drier?",
            JUNE,
            replies=[
                [THOUGHT, "I look. ", rain("2027-06-12"), rain("2027-06-19")],
                [THOUGHT, "June 12, ", "with 10 %", ".\n"],
            ],
            requests=2,
        ),
        case(
            "Which day in July?\n",
            JULY,
            replies=[
                ["First the 3rd.", rain("2027-07-03")],
                [THOUGHT, rain("2027-07-10"), rain("2027-07-17")],
                ["The 3rd stays dry."],
            ],
            requests=3,
        ),
        case("Hello!", JUNE, replies=[["Hello, ", "Amara."]], requests=1),
        case(
            "Watch June 19.",
            JUNE,
            replies=[[f"Look {number}. ", rain("2027-06-19")] for number in range(1, 9)],
            requests=MOST,
        ),
        expect=(
            rule(
                "of-blocks",
                "`forecast` gave the runner a dict. The runner takes its keys for content blocks, "
                "and the API refuses them. Make a text of the dict: `json.dumps(...)`.",
                lambda run: not of_blocks(run),
                {'json.dumps({"day": day, "rain": chance[day]})': '{"day": day, "rain": 10}'},
                "https://github.com/NousResearch/hermes-agent/pull/19877: tools that return dicts",
            ),
            Run.surface,
            rule(
                "no-tool",
                "A request went out without any tool: you sent it yourself, and the runner was not "
                "used. Let the runner send: it does so in a `for` loop, or by `until_done()`.",
                lambda run: run.request.body.get("tools"),
                {"runner.until_done()": f"client.beta.messages.create({PLAIN})"},
                "a runner that is made, and never run",
            ),
            rule(
                "no-type",
                "The tool does not say what `day` is, so Claude has to guess. The runner makes the "
                "schema from type hints: `(day: str) -> str`.",
                lambda run: "type" in fields(run).get("day", {}),
                {"(day: str) -> str": "(day)"},
                "Python code without type hints, which is most of it",
            ),
            rule(
                "no-description",
                "The tool has no description. The runner takes it from the docstring: leave it in "
                "its place, as the first line of the function.",
                lambda run: run.request.body["tools"][0].get("description"),
                {'        """The chance of rain on a day, such as 2027-06-12."""\n': ""},
                "a docstring taken for a comment, and deleted",
            ),
            rule(
                "tool-failed",
                "Your tool failed, and Claude read: `$words`. Nobody else hears of it, for the "
                "runner goes on. A tool of the runner gives back a text.",
                lambda run: not failed(run),
                {'json.dumps({"day": day, "rain": chance[day]})': "chance[day]"},
                "lesson 06b: a number ends as a TypeError that Claude reads",
                words=failed,
            ),
            rule(
                "python-text",
                "Claude read `$words`. That is how Python prints a dict, with single quotes, and "
                "it is no JSON. `json.dumps(...)` writes JSON.",
                lambda run: not in_python(run),
                {"json.dumps(": "str("},
                "str() taken for a way to write JSON: printed, the two look alike",
                words=unlike,
            ),
            rule(
                "other-result",
                "Claude read `$words`. The result should be JSON with the `day` and its `rain`, "
                "as the task shows it.",
                lambda run: not unlike(run),
                {'json.dumps({"day": day, "rain": chance[day]})': 'f"{chance[day]} %"'},
                "lesson 06b, whose own forecast answers with such a text",
                words=unlike,
            ),
            rule(
                "thread-on",
                "A request of yours keeps a thread at the API. Leave `thread=False` in the call.",
                lambda run: all("thread" not in sent.body for sent in run.sent),
                {"        thread=False,\n": ""},
                "examples of the package, which leave the argument out",
            ),
            rule(
                "other-task",
                "The text that you sent first is not the `task` that your function was given. "
                "Send it as it is.",
                lambda run: run.request.said == run.given["task"],
                acts(given='task = f"Compare: {task}"'),
                "prompt wrappers left over from other code",
            ),
            rule(
                "early-text",
                "You gave back `$returned`, the text of a reply that is not Claude's last. A "
                "`return` in the loop ends the loop, and the runner with it, at the first reply. "
                "Wait for the last one.",
                lambda run: not is_early(run),
                {
                    "last = runner.until_done()\n": "for last in runner:\n    ",
                    f"    return {LAST_TEXT}": f"    return {LAST_TEXT}",
                },
                "a `return` indented one step too far, as in the template",
            ),
            rule(
                "stopped-early",
                f"Claude wanted another look, and your code stopped after $sent requests. {MOST} "
                "are allowed.",
                lambda run: len(run.sent) >= run.rounds,
                {"max_iterations=6": "max_iterations=5"},
                "a limit that counts the rounds of calls and forgets the answer",
                sent=lambda run: len(run.sent),
            ),
            rule(
                "too-many",
                f"Your code sent $sent requests; at most {MOST} may go out. "
                "`max_iterations` counts requests.",
                lambda run: len(run.sent) <= run.rounds,
                {"max_iterations=6": "max_iterations=7"},
                "off by one: the first request is taken for no iteration",
                sent=lambda run: len(run.sent),
            ),
            rule(
                "little-room",
                "Your `max_tokens` is under 200. Thinking counts too, so it could be used up "
                "before any text appears. Leave it at 2,000.",
                lambda run: all(sent.body["max_tokens"] >= 200 for sent in run.sent),
                {"max_tokens=2000": "max_tokens=100"},
                "small limits in articles from before thinking was on by default",
            ),
            rule(
                "other-text",
                "You gave back `$returned`. Wanted is the text of the last reply, all of it and "
                "as it is: `$wanted`.",
                lambda run: run.text == last_text(run),
                {LAST_TEXT: f"{LAST_TEXT}.strip()"},
                "https://github.com/run-llama/llama_index/pull/19192: tidied by `strip()`",
                wanted=last_text,
            ),
        ),
    ),
    messages={
        "endless": "Claude called the tool again and again, and nothing stopped your code: after "
        f"$limit requests the check did. Let the runner stop after {MOST}.",
        "raised-json": "`forecast` is a plain function. Put `@beta_tool` above it: that makes a "
        "tool of it, with a schema from its type hints and a description from its docstring.",
        "raised-AttributeError": "The runner gives back replies like any other. The text is in "
        "the blocks of `content`, and each block tells its `type`.",
    },
    mistakes=(
        Mistake(
            "endless",
            {"        max_iterations=6,\n": ""},
            "https://github.com/strands-agents/harness-sdk/pull/2166: no cap on tool calls",
        ),
        Mistake(
            "raised-block-attribute",
            {LAST_TEXT: "last.content[0].text"},
            "counting blocks: https://github.com/AstroVela/vane/issues/140",
        ),
        Mistake(
            "raised-json",
            {"    @beta_tool\n": ""},
            "functions handed over as they are, as other libraries allow",
        ),
        Mistake(
            "raised-AttributeError",
            {LAST_TEXT: "last.text"},
            "https://github.com/simonw/llm/issues/268: other libraries have such a field",
        ),
        Mistake(
            "not-text",
            {LAST_TEXT: "last"},
            "giving back what the runner gave",
        ),
        Mistake(
            "printed",
            {f"return {LAST_TEXT}": f"print({LAST_TEXT})"},
            "articles print every result, because a script shows nothing else",
        ),
    ),
    equivalent={
        "line 4: 'The chance of rain on a day, such as 2027-06-12.' -> 'The chance of rain on a "
        "day, such as 2027-06-12.x'": "the description stands in the template; it may be worded "
        "otherwise"
    },
    takeaway="The runner keeps the loop. What is left for you: results as text, a limit, and the "
    "last reply.",
)


# --- 06b.2 -----------------------------------------------------------------------------


def of(**properties: Any) -> dict[str, Any]:
    """An open schema of an object with these properties, all required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def tool(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A tool with this schema."""
    return {"name": name, "description": f"{name}, when all is known.", "input_schema": schema}


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
PERMIT = tool("draft_permit", of(day={"type": "string", "format": "date"}, hours=NUMBER))
STALL = tool("book_stall", of(name=TEXT, place=of(street=TEXT, number=NUMBER)))
BAND = tool("book_band", of(players=NUMBER, leader=of(name=TEXT), contact=of(mail=TEXT)))
BAND["input_schema"]["required"] = ["leader"]


def strict(tool: dict[str, Any]) -> dict[str, Any]:
    """The tool with `strict`, each object of its schema closed."""
    closed = {"additionalProperties": False}
    schema = tool["input_schema"]
    properties = {}
    for name, part in schema["properties"].items():
        properties[name] = part | closed if part["type"] == "object" else part
    return {**tool, "strict": True, "input_schema": schema | closed | {"properties": properties}}


def schema_of(run: Run) -> dict[str, Any]:
    """The schema of the tool that came back; an empty one if it is no dict."""
    schema = run.returned.get("input_schema")
    return schema if isinstance(schema, dict) else {}


def parts(run: Run) -> dict[str, Any]:
    """The properties of the tool that came back."""
    properties = schema_of(run).get("properties")
    return properties if isinstance(properties, dict) else {}


def is_object(run: Run, name: str) -> bool:
    """Whether a property of the right tool is an object."""
    right = run.wanted["input_schema"]["properties"]
    return bool(right.get(name, {}).get("type") == "object")


def open_inside(run: Run) -> str:
    """The name of an inner object that is not closed; "" if all are."""
    for name, part in parts(run).items():
        if is_object(run, name) and part.get(CLOSED) is not False:
            return name
    return ""


def closed_wrongly(run: Run) -> str:
    """The name of a property that is no object and got the field; "" if none has."""
    for name, part in parts(run).items():
        if not is_object(run, name) and (name == CLOSED or CLOSED in part):
            return name
    return ""


CLOSED = "additionalProperties"

strict_tool = Exercise(
    id="06b.2",
    title="Close a schema",
    objective="Make a strict tool of any tool, with every object of its schema closed.",
    minutes=10,
    task="""
Tomasz has many tools and wants all of them strict. `strict_tool` gets a tool and should give back
a strict one. Three things in it are wrong. Fix it, so that

- the tool has `"strict": True`, beside its name and schema,
- *each* object in the schema has `"additionalProperties": False`: the whole schema, and each of
  its properties that is itself an object (deeper than that, no tool of Tomasz goes),
- everything else stays as it is, and the tool that came in, with all that is in it, is not changed:
  Tomasz keeps using it.

There is no client here: nothing is sent.
""",
    template='''
def strict_tool(tool):
    """Give back the tool as a strict one."""
    schema = tool["input_schema"]
    schema["strict"] = True
    schema["additionalProperties"] = False
    return tool
''',
    solution="""
def strict_tool(tool):
    closed = {"additionalProperties": False}
    properties = {}
    for name, part in tool["input_schema"]["properties"].items():
        if part["type"] == "object":
            part = {**part, **closed}
        properties[name] = part
    schema = {**tool["input_schema"], **closed, "properties": properties}
    return {**tool, "input_schema": schema, "strict": True}
""",
    also_correct=(
        """
from copy import deepcopy


def strict_tool(tool):
    made = deepcopy(tool)
    made["strict"] = True
    close(made["input_schema"])
    return made


def close(schema):
    if schema["type"] == "object":
        schema["additionalProperties"] = False
        for part in schema["properties"].values():
            close(part)
""",
        """
def strict_tool(tool):
    made = json.loads(json.dumps(tool)) | {"strict": True}
    parts = [made["input_schema"], *made["input_schema"]["properties"].values()]
    for part in [part for part in parts if part["type"] == "object"]:
        part.update(additionalProperties=False)
    return made
""",
    ),
    hints=(
        "In the lesson, where did `strict` stand, and where `additionalProperties`? Then: which "
        "dicts does the function write into, and whose are they?",
        'Go through `schema["properties"].items()`. A property whose `"type"` is `"object"` is '
        "an object of its own and has to be closed too.",
        "`{**part, ...}` makes a new dict and leaves the old one alone. Or begin with "
        "`copy.deepcopy(tool)`, after `import copy`, and change the copy.",
    ),
    rules=function_of(
        case(PERMIT),
        case(STALL),
        case(BAND),
        kind=dict,
        right=strict,
        before=(
            rule(
                "schema-alone",
                "You gave back the schema alone. Wanted is the whole tool, with its name and "
                "description.",
                lambda run: not isinstance(run.returned, dict) or "properties" not in run.returned,
                {'{**tool, "input_schema": schema, "strict": True}': "schema"},
                "the part that was worked on, given back in place of the whole",
            ),
        ),
        known=(
            miss(
                "strict-inside",
                "`strict` is in the schema, where the API does not look for it: then nothing "
                "is enforced, and nothing tells you. Put it beside `name` and `input_schema`.",
                '{**tool, "input_schema": {**value["input_schema"], "strict": True}}',
                "https://github.com/BerriAI/litellm/issues/27490",
                when=lambda run: "strict" in schema_of(run),
            ),
            miss(
                "not-strict",
                "The tool has no `strict: True`, so the API enforces nothing.",
                '{key: part for key, part in value.items() if key != "strict"}',
                "a closed schema taken for a strict tool",
                when=lambda run: run.returned.get("strict") is not True,
            ),
            miss(
                "closed-outside",
                "`additionalProperties` is beside the name of the tool. It belongs into the "
                "schema, beside `properties`.",
                '{**tool, "strict": True, "additionalProperties": False}',
                "two new fields, put side by side",
                when=lambda run: CLOSED in run.returned,
            ),
            miss(
                "closed-wrongly",
                "`additionalProperties` is in the wrong place, at `$which`. It belongs beside "
                "the `properties` of an object, and only there.",
                'value | {"input_schema": value["input_schema"] | {"properties": {'
                "name: {**part, 'additionalProperties': False} for name, part in "
                'value["input_schema"]["properties"].items()}}}',
                "one field for each property, without a look at its type",
                when=closed_wrongly,
                which=closed_wrongly,
            ),
            miss(
                "schema-open",
                "The schema itself is not closed: its `additionalProperties` is not `False`, and "
                "the API refuses the tool.",
                '{**value, "input_schema": {**value["input_schema"], "additionalProperties": '
                "True}}",
                "https://github.com/vercel/ai/issues/20681: strict without a closed schema",
                when=lambda run: schema_of(run).get(CLOSED) is not False,
            ),
            miss(
                "inner-open",
                "The schema is closed, but the object `$which` in it is not, and the API refuses "
                "the tool. Each object in a schema needs its own `additionalProperties`, which "
                "is `False`, without quotes.",
                '{**tool, "strict": True, "input_schema": {**tool["input_schema"], '
                '"additionalProperties": False}}',
                "https://github.com/vercel/ai/issues/20681: a nested object left open",
                when=open_inside,
                which=open_inside,
            ),
            miss(
                "all-required",
                "You changed `required`. What is required stays as it was; a strict schema may "
                "have fields that can be left out.",
                'value | {"input_schema": {**value["input_schema"], '
                '"required": list(value["input_schema"]["properties"])}}',
                "another API's strict mode wants that: "
                "https://github.com/MoonshotAI/kimi-cli/pull/2036",
                when=lambda run: (
                    schema_of(run).get("required") != run.wanted["input_schema"]["required"]
                ),
            ),
            leaves_alone("tool"),
        ),
        name="other-tool",
        says="`strict` and the closed objects are there, but something else of the tool was "
        "changed or lost. Everything else stays as it is.",
        wrong='value | {"description": "A strict tool."}',
    ),
    mistakes=(
        Mistake(
            "raised-key",
            {'["input_schema"]["properties"]': '["properties"]'},
            "the schema taken for the tool itself",
        ),
    ),
    takeaway="`strict` belongs to the tool, `additionalProperties: False` to each object in its "
    "schema, and the caller's dict to the caller.",
)


# --- 06b.3 -----------------------------------------------------------------------------

SLIPS = (AttributeError, LookupError, NameError, TypeError, ValueError)
NO = "A person said no. Do not look for another way."
TOOLS = ("find_book", "opening_hours", "lend_book", "delete_reader", "send_letter")
FIND = ("find_book", {"title": "Tide Tables"})
HOURS = ("opening_hours", {"day": "Sunday"})
LEND = ("lend_book", {"title": "Tide Tables", "reader": "Ilse"})
DELETE = ("delete_reader", {"reader": "Kofi"})
LETTER = ("send_letter", {"reader": "Ilse", "text": "It is due."})
HARMLESS = (FIND[0], HOURS[0])


class Calls(tuple[Any, ...]):
    """The calls of a case; in the account of the check, what `guard` was given."""

    def __repr__(self) -> str:
        return "functions"


class Says(tuple[bool, ...]):
    """What a person says in a case; in the account of the check, the other argument."""

    def __repr__(self) -> str:
        told = ", ".join("yes" if one else "no" for one in self) or "nothing"
        return f"confirm that says {told}"


def desk(guard: Callable[..., Any], wishes: Calls, says: Says) -> Any:
    """Guard the functions of a desk, make these calls; what came back, and what was done.

    `says` are a person's answers, in order; what they are not asked for is left over.
    """
    asked: list[Any] = []
    ran: list[Any] = []

    def made(name: str) -> Callable[..., Any]:
        def function(**inputs: Any) -> Any:
            ran.append((name, inputs))
            return {"done": name}

        return function

    def confirm(name: str, inputs: dict[str, Any]) -> bool:
        asked.append((name, copy.deepcopy(inputs)))
        return says[len(asked) - 1] if len(asked) <= len(says) else False

    functions = {name: made(name) for name in TOOLS}
    given = dict(functions)
    guarded = guard(functions, confirm)
    early = bool(asked or ran)
    whole = isinstance(guarded, dict) and set(guarded) == set(TOOLS)
    if not whole or not all(callable(function) for function in guarded.values()):
        return guarded
    results = []
    for name, inputs in wishes:
        before = len(asked)
        try:
            results.append(guarded[name](**inputs))
        except SLIPS:
            raise
        except Exception as error:
            if len(asked) == before:
                raise
            results.append(error)  # as CallError of the lesson
    changed = functions != given
    return Done(wishes, results, asked, ran, early, changed)


class Done:
    """What a desk did: results, what a person was asked, what was run."""

    def __init__(
        self, wishes: Calls, results: Any, asked: Any, ran: Any, early: bool, changed: bool
    ) -> None:
        self.wishes = wishes
        self.results = results
        self.asked = asked
        self.ran = ran
        self.early = early
        self.changed = changed

    def __repr__(self) -> str:
        names = [name for name, _ in self.wishes]
        pairs = zip(names, self.results, strict=True)
        gave = ", ".join(f"{name}: {result!r}" for name, result in pairs)
        return f"{gave} (asked about: {[name for name, _ in self.asked]})"


def calls(*wishes: tuple[str, dict[str, Any]], says: tuple[bool, ...] = ()) -> Case:
    """A case: these calls, and what the person says to those that are not harmless."""
    return case(Calls(wishes), Says(says), by=desk)


def allowed(run: Run) -> list[Any]:
    """The calls that should be run, in order."""
    answers = iter(run.given["says"])
    return [wish for wish in run.given["wishes"] if wish[0] in HARMLESS or next(answers)]


def risky(run: Run) -> list[Any]:
    """The calls that a person should be asked about, in order."""
    return [wish for wish in run.given["wishes"] if wish[0] not in HARMLESS]


def wanted_results(run: Run) -> list[Any]:
    """What each call should give back."""
    answers = iter(run.given["says"])
    found: list[Any] = []
    for name, _ in run.given["wishes"]:
        runs = name in HARMLESS or next(answers)
        found.append({"done": name} if runs else NO)
    return found


def done(run: Run) -> Done:
    """What the desk did; ends the check when no dict of functions came back."""
    value = run.returned
    if not isinstance(value, Done):
        run.expect(isinstance(value, dict), "not-functions")
        run.expect(False, "other-names")
    assert isinstance(value, Done)
    return value


def unasked(run: Run) -> str:
    """The name of a call that should have been asked about, and was run unasked."""
    asked = [name for name, _ in done(run).asked]
    for name, _ in done(run).ran:
        if name not in HARMLESS and name not in asked:
            return str(name)
    return ""


def another(run: Run) -> bool:
    """Whether a function was run that nobody called."""
    names = [name for name, _ in run.given["wishes"]]
    return any(name not in names for name, _ in done(run).ran + done(run).asked)


def without_inputs(run: Run) -> bool:
    """Whether a person was asked about a call without its inputs."""
    return any(inputs != dict(run.given["wishes"]).get(name) for name, inputs in done(run).asked)


WHOLE = """
HARMLESS = {"find_book", "opening_hours"}
SLIPS = (AttributeError, LookupError, NameError, TypeError, ValueError)
NO = "A person said no. Do not look for another way."


def guard(functions, confirm):
    guarded = {}
    for name, function in functions.items():

        def ask_first(**inputs):
            if name not in HARMLESS and not confirm(name, inputs):
                return NO
            return function(**inputs)

        guarded[name] = ask_first
    return guarded
"""
CONDITION = "if name not in HARMLESS and not confirm(name, inputs):"

guard = Exercise(
    id="06b.3",
    title="Ask before it happens",
    objective="Guard all functions of a desk, so that what is not harmless waits for a yes.",
    minutes=15,
    part="guard",
    task="""
The library desk has functions that look something up, and others that lend, write or delete.
`guard` gets all of them, as the dict `functions` that a loop such as `run_tools` takes, and gives
back a dict with the same names. Each function in it does what it did, with one difference:

- what is in `HARMLESS` (`find_book` and `opening_hours`) runs at once;
- *everything else*, known or new, first asks `confirm(name, inputs)`, as in the lesson, once for
  each call: `inputs` is the dict of all that the call brings. On a no, it is not run, and the
  text `NO` comes back in place of a result. (In the lesson a no is a `CallError`, which `run_call`
  puts into words. A text works in every loop.)

Three things in the function below are wrong. Fix them. One comes from Python: all functions that
are made in a loop share its variables and see their *last* value, so let another function make
each of them. Nothing is sent here. The check brings its own functions, and says yes or no.
""",
    template=f'''
DANGEROUS = {{"delete_reader", "lend_book"}}
NO = "{NO}"


def guard(functions, confirm):
    """The same functions, but what is not harmless asks first."""
    guarded = {{}}
    for name, function in functions.items():

        def ask_first(**inputs):
            if name in DANGEROUS and not confirm(name, {{}}):
                return NO
            return function(**inputs)

        guarded[name] = ask_first
    return guarded
''',
    solution=f"""
HARMLESS = {{"find_book", "opening_hours"}}
NO = "{NO}"


def asks_first(name, function, confirm):
    def ask_first(**inputs):
        if name not in HARMLESS and not confirm(name, inputs):
            return NO
        return function(**inputs)

    return ask_first


def guard(functions, confirm):
    guarded = {{}}
    for name, function in functions.items():
        guarded[name] = asks_first(name, function, confirm)
    return guarded
""",
    also_correct=(
        f"""
from functools import partial

HARMLESS = ("find_book", "opening_hours")
NO = "{NO}"


def ask(confirm, called, function, **inputs):
    if confirm(called, inputs):
        return function(**inputs)
    return NO


def guard(functions, confirm):
    guarded = dict(functions)
    for name in functions:
        if name not in HARMLESS:
            guarded[name] = partial(ask, confirm, name, functions[name])
    return guarded
""",
    ),
    hints=(
        "Which of the two lists forgets the function that somebody adds next year: the one that "
        "names what is dangerous, or the one that names what is harmless?",
        "`confirm` gets the name and the inputs of the call. In `ask_first`, the inputs are the "
        "dict `inputs`.",
        "Write `asks_first(name, function, confirm)`, in which `ask_first` is defined and given "
        "back. In the loop, call it for each name: so each has variables of its own.",
    ),
    rules=cases(
        calls(FIND, LEND, says=(True,)),
        calls(LEND, DELETE, HOURS, says=(False, True)),
        calls(DELETE, says=(False,)),
        calls(LETTER, FIND, says=(False,)),
        calls(LETTER, LETTER, LEND, says=(True, False, True)),
        expect=(
            done,
            rule(
                "asked-early",
                "Your code asked or ran something while `guard` made the functions. Then nobody "
                "has called anything yet: ask inside the function, when it is called.",
                lambda run: not done(run).early,
                {
                    "    guarded = {}\n": "    guarded = {}\n    said = {n: confirm(n, {}) "
                    "for n in functions if n not in HARMLESS}\n",
                },
                "a question that is asked once, at the start, for all calls to come: "
                "https://github.com/evenfire-ai/evenfire/issues/723",
            ),
            rule(
                "last-one",
                "Another function was run, or asked about, than the one that was called. "
                "Functions made in a loop share its `name` and `function`, which are those of the "
                "last round. Make each in a function of its own.",
                lambda run: not another(run),
                WHOLE,
                "https://github.com/python/cpython/issues/100170",
            ),
            rule(
                "unasked",
                "`$which` was run, and nobody was asked. It is not in `HARMLESS`, so it needs a "
                "yes, even if nobody thought of it when the lists were written.",
                lambda run: not unasked(run),
                {"name not in HARMLESS": 'name in {"lend_book", "delete_reader"}'},
                "a list of what is dangerous, from before the desk could write letters",
                which=unasked,
            ),
            rule(
                "harmless-asked",
                "A person was asked about a call that is harmless. Who is asked for everything "
                "soon says yes to everything.",
                lambda run: not [name for name, _ in done(run).asked if name in HARMLESS],
                {"name not in HARMLESS and ": ""},
                "https://github.com/openonion/connectonion/issues/1481: too many questions",
            ),
            rule(
                "without-inputs",
                "A person was asked about `$which` without its inputs, or with others: without "
                "them nobody can say what a yes would do. Hand `confirm` the whole dict.",
                lambda run: not without_inputs(run),
                {"confirm(name, inputs)": "confirm(name, {})"},
                "https://github.com/anomalyco/opencode/issues/12484",
                which=lambda run: done(run).asked[0][0],
            ),
            rule(
                "asked-once",
                "A person was asked about $asked calls; $risky needed a yes. Each call asks once, "
                "also when the same function was called before: a yes counts for one call.",
                lambda run: len(done(run).asked) == len(risky(run)),
                {
                    "    def ask_first": "    seen = []\n\n    def ask_first",
                    "if name not in HARMLESS and not": "if name not in HARMLESS and not seen and "
                    "not",
                    "        return function": "        seen.append(name)\n        return function",
                },
                "https://github.com/evenfire-ai/evenfire/issues/723: a yes that counts on",
                asked=lambda run: len(done(run).asked),
                risky=lambda run: len(risky(run)),
            ),
            rule(
                "ran-after-no",
                "A person said no, and the call was run all the same. Look at what `confirm` "
                "gives back before the function runs.",
                lambda run: len(done(run).ran) <= len(allowed(run)),
                {CONDITION: "if name not in HARMLESS and confirm(name, inputs) is None:"},
                "tried while reviewing: the answer is asked for, and not looked at",
            ),
            rule(
                "not-run",
                "A call that was harmless, or that a person said yes to, was not run.",
                lambda run: len(done(run).ran) >= len(allowed(run)),
                {"not confirm(name, inputs)": "confirm(name, inputs)"},
                "a condition the wrong way round, and the first answer was a yes",
            ),
            rule(
                "run-otherwise",
                "A function was run with other inputs than the call brought, or twice. Hand on "
                "all of them, as they are.",
                lambda run: done(run).ran == allowed(run),
                {"function(**inputs)": "function(**dict(list(inputs.items())[:1]))"},
                "tried while reviewing: written for a function with one input",
            ),
            rule(
                "no-raised",
                "On a no, your function raised an error. In the lesson `run_call` makes words of "
                "it; not every loop does so. Give back the text `NO`.",
                lambda run: not any(isinstance(got, Exception) for got in done(run).results),
                {"return NO": "raise RuntimeError(NO)"},
                "lesson 06b, where a no is a CallError",
            ),
            rule(
                "result-lost",
                "A function was run, and its result got lost: `$got` came back. Give back what "
                "the function gives.",
                lambda run: (
                    not [
                        got
                        for got, right in zip(done(run).results, wanted_results(run), strict=True)
                        if right != NO and got != right
                    ]
                ),
                {"return function(**inputs)": "function(**inputs)"},
                "a wrapper without its `return`",
                got=lambda run: done(run).results,
            ),
            rule(
                "other-no",
                "On a no, the text `NO` should come back, as it is, so that Claude knows where it "
                "stands. What came back: $got.",
                lambda run: done(run).results == wanted_results(run),
                {"return NO": "return None"},
                "tried while reviewing: an empty result, which Claude takes for a success",
                got=lambda run: done(run).results,
            ),
            rule(
                "changed-functions",
                "Your code changed the dict `functions` that it was given. Whoever calls `guard` "
                "may need it as it was: put the new functions into a new dict.",
                lambda run: not done(run).changed,
                {"guarded = {}": "guarded = functions"},
                "a dict that is handed over is the caller's own, not a copy of it",
            ),
        ),
    ),
    messages={
        "not-functions": "You gave back a `$kind`. Wanted is a dict, with the name of each "
        "function and the function that asks first.",
        "other-names": "The dict that you gave back does not have the same names as `functions`, "
        "each with a function. Harmless functions belong into it too.",
        "raised-unknown-argument": "$kit A call brings its inputs by name: `ask_first(**inputs)` "
        "makes a dict of them. `confirm` takes the name and that dict, as one value.",
    },
    mistakes=(
        Mistake(
            "not-functions",
            {"return guarded": "return list(guarded.values())"},
            "tools are a list in the request, so the functions become one too",
        ),
        Mistake(
            "other-names",
            {"        guarded": "        if name not in HARMLESS: guarded"},
            "only what needs a guard is taken over",
        ),
        Mistake(
            "no-return",
            {"    return guarded": "    guarded"},
            "a cell shows its last line, a function does not",
        ),
        Mistake(
            "raised-unknown-argument",
            {"confirm(name, inputs)": "confirm(name, **inputs)"},
            "handed on in the same way as to the function itself",
        ),
        Mistake(
            "raised-call",
            {"not confirm(name, inputs)": "not confirm(name, inputs)()"},
            "tried while reviewing: one pair of brackets too many",
        ),
    ),
    takeaway="Name what is harmless; everything else waits for a yes, given to this call with "
    "these inputs.",
)


EXERCISES = (compare, strict_tool, guard)
