"""The shape of a Messages or count_tokens request, checked by pydantic as the API checks it.

It knows the fields, their types and their order, and puts the first fault into the API's words.
It knows nothing of models: what a model refuses stands in `rules/`. Sources: the fields are
those of SDK 2.14; their order and the words of a type fault are those of the direct API with
`claude-sonnet-5`, 31 August to 4 September 2026 (a third party's published conformance run).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal, Optional, Union

from pydantic import Discriminator, Field, Tag, TypeAdapter, ValidationError
from typing_extensions import NotRequired, TypedDict

from courseserver import facts
from courseserver.betas import OPENS
from courseserver.tool_types import TYPES, ToolType

_typed_dict: Any = TypedDict  # objects are made from tables at run time; no type checker reads them
_left_out: Any = NotRequired
_union: Any = Union
_list: Any = list
_nullable: Any = Optional


def shape(name: str, /, *, loose: bool = False, **fields: Any) -> Any:
    """A JSON object with these fields and no others (`loose`: others too)."""
    made = _typed_dict(name, fields)
    made.__pydantic_config__ = {"extra": "allow" if loose else "forbid", "strict": True}
    return made


def opt(kind: Any, *, null: bool = False) -> Any:
    """A field that may be left out, or also be null."""
    return _left_out[_nullable[kind] if null else kind]


def one_of(*shapes: Any) -> Any:
    """One of several objects, told apart by their `type`."""
    return Annotated[_union[shapes], Field(discriminator="type")]


def either(tell: Callable[[Any], str | None], /, **kinds: Any) -> Any:
    """One of several kinds, told apart by a function that names the kind."""
    tagged = tuple(Annotated[kind, Tag(name)] for name, kind in kinds.items())
    return Annotated[_union[tagged], Discriminator(tell)]


def text_or(item: Any) -> Any:
    """A string or a list. The API reports a wrong type as if only the list were allowed."""
    kinds = {"str": str, "list": _list[item]}
    return either(lambda value: "str" if isinstance(value, str) else "list", **kinds)


def _tool_kind(tool: Any) -> str | None:
    kind = (tool.get("type") or "custom") if isinstance(tool, dict) else None
    return kind if kind is None or isinstance(kind, str) else str(kind)


def _thinking_kind(thinking: Any) -> str | None:
    """The type; "bound" for what only says how blocks that come back are treated."""
    if not isinstance(thinking, dict):
        return None
    kind = thinking.get("type")
    if kind is None and "type" not in thinking and "block_binding" in thinking:
        return "bound"
    return kind if isinstance(kind, str) or kind is None else str(kind)


ANY = dict[str, Any]
# Blocks that servers make and that come back as they were: only their type is looked at.
SERVER_BLOCKS = Literal[
    "server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "container_upload",
    "code_execution_tool_result", "bash_code_execution_tool_result", "tool_search_tool_result",
    "text_editor_code_execution_tool_result", "advisor_tool_result", "mcp_tool_use",
    "mcp_tool_result", "mcp_tool_listing", "compaction", "fallback", "tool_addition",
    "tool_removal",
]  # fmt: skip
PICTURES = Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
EFFORTS = Literal["low", "medium", "high", "xhigh", "max"]
TOOL_NAME = Annotated[str, Field(min_length=1, pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
TOOL_ID = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]+$")]

BETA_FIELDS = (
    "billing_policy", "compaction", "context_management", "fallback_credit_token", "fallbacks",
    "mcp_servers", "output_format", "thread",
)  # fmt: skip
NOT_COUNTED = {
    "max_tokens", "metadata", "stop_sequences", "temperature", "service_tier", "top_k", "top_p",
    "stream", "container", "inference_geo", "diagnostics", "fallbacks", "fallback_credit_token",
    "thread",
}  # fmt: skip

CACHE = shape("cache_control", type=Literal["ephemeral"], ttl=opt(Literal["5m", "1h"]))
MARK = opt(CACHE, null=True)
CITED = opt(shape("citations", enabled=opt(bool)), null=True)


KINDS: dict[str, Any] = {"b": bool, "i": int, "s": str, "t": list[str], "a": Any}


def _typed_tool(kind: str, tool: ToolType) -> Any:
    """A tool of one type that the API defines."""
    fields: dict[str, Any] = {"type": Literal[kind]}
    if tool.name:
        fields["name"] = Literal[tool.name]
    for name, letter in tool.fields.items():
        value = KINDS[letter.lower()]
        fields[name] = value if name in tool.required else opt(value, null=letter.isupper())
    return shape(kind, **fields, cache_control=MARK)


# fmt: off
@cache
def _adapter(counting: bool, opened: frozenset[str], sampling: bool) -> TypeAdapter[Any]:
    """The whole request; made at its first use, so that an import does not pay for it."""
    text_null, any_null = opt(str, null=True), opt(ANY, null=True)
    url = shape("url", type=Literal["url"], url=str)
    file = shape("file", type=Literal["file"], file_id=str)
    picture = shape("base64", type=Literal["base64"], media_type=PICTURES, data=str)
    pdf = shape("base64", type=Literal["base64"], media_type=Literal["application/pdf"], data=str)
    plain = shape("text", type=Literal["text"], media_type=Literal["text/plain"], data=str)

    text = shape("text", type=Literal["text"], text=str, citations=opt(list[ANY], null=True),
                 cache_control=MARK)
    image = shape("image", type=Literal["image"], source=one_of(picture, url, file),
                  transformations=any_null, cache_control=MARK)
    parts = shape("content", type=Literal["content"], content=text_or(one_of(text, image)))
    document = shape("document", type=Literal["document"], title=text_null, context=text_null,
                     source=one_of(pdf, plain, parts, url, file), citations=CITED,
                     cache_control=MARK)
    found = shape("search_result", type=Literal["search_result"], source=str, title=str,
                  content=_list[text], citations=CITED, cache_control=MARK)
    tool_use = shape("tool_use", type=Literal["tool_use"], id=TOOL_ID, name=str, input=ANY,
                     caller=any_null, toolset_name=text_null, cache_control=MARK)
    other = shape("other", loose=True, type=Literal["tool_reference", "browser_state"])
    content = text_or(one_of(text, image, found, document, other))
    tool_result = shape("tool_result", type=Literal["tool_result"], tool_use_id=TOOL_ID,
                        content=opt(content, null=True), is_error=opt(bool, null=True),
                        toolset_name=text_null, cache_control=MARK)
    thought = shape("thinking", type=Literal["thinking"], thinking=str, signature=str)
    redacted = shape("redacted_thinking", type=Literal["redacted_thinking"], data=str)
    server = shape("server", loose=True, type=SERVER_BLOCKS)
    block = one_of(text, image, document, found, thought, redacted, tool_use, tool_result, server)
    turn_beta: ANY = {}
    if "clear_at" in opened:
        turn_beta = {"clear_at": text_null, "output_config": any_null}
    turn = shape("turn", role=Literal["user", "assistant", "system"], content=text_or(block),
                 **turn_beta)

    schema = shape("input_schema", loose=True, type=Literal["object"])
    custom = shape("custom", name=TOOL_NAME, input_schema=schema, description=opt(str),
                   type=opt(Literal["custom"], null=True), strict=opt(bool),
                   input_examples=opt(list[ANY]), defer_loading=opt(bool),
                   eager_input_streaming=opt(bool, null=True), allowed_callers=opt(list[str]),
                   cache_control=MARK)
    typed = {kind: _typed_tool(kind, tool) for kind, tool in TYPES.items()}
    tool = either(_tool_kind, custom=custom, **typed)
    alone = {"disable_parallel_tool_use": opt(bool)}
    tool_choice = one_of(shape("auto", type=Literal["auto"], **alone),
                         shape("any", type=Literal["any"], **alone),
                         shape("tool", type=Literal["tool"], name=str, **alone),
                         shape("none", type=Literal["none"]))

    display: Any = Literal["summarized", "omitted"]
    if "display_updates" in opened:
        display = _union[display, Literal["updates"]]
    how: ANY = {"display": opt(display, null=True)}
    kinds: ANY = {}
    if "block_binding" in opened:
        how["block_binding"] = any_null
        kinds["bound"] = shape("bound", **how)
    budget = Annotated[int, Field(ge=facts.MIN_THINKING_BUDGET)]
    kinds |= {
        "adaptive": shape("adaptive", type=Literal["adaptive"], **how),
        "enabled": shape("enabled", type=Literal["enabled"], budget_tokens=budget, **how),
        "disabled": shape("disabled", type=Literal["disabled"]),
        "between_tools": shape("between_tools", type=Literal["between_tools"]),
    }
    thinking = either(_thinking_kind, **kinds)
    json_format = shape("format", type=Literal["json_schema"], schema=ANY)
    output_config = shape("output_config", effort=opt(EFFORTS, null=True),
                          format=opt(json_format, null=True),
                          **({"task_budget": any_null} if "task_budget" in opened else {}))
    ratio = opt(Annotated[float, Field(ge=0, le=1)])
    container = either(lambda v: "str" if isinstance(v, str) else "ContainerParams",
                       str=str, ContainerParams=ANY)

    fields: ANY = {
        "model": Annotated[str, Field(min_length=1)],
        "tool_choice": opt(tool_choice),
        "tools": opt(_list[tool]),
        "messages": Annotated[_list[turn], Field(min_length=1, max_length=facts.MAX_MESSAGES)],
        "system": opt(text_or(text)),
        "thinking": opt(thinking),
        "output_config": opt(output_config),
        "cache_control": MARK,
        "max_tokens": Annotated[int, Field(ge=0)],
        "metadata": opt(shape("metadata", user_id=text_null), null=True),
        "stop_sequences": opt(list[str], null=True),
        "temperature": ratio,
        "service_tier": opt(Literal["auto", "standard_only"]),
        "top_k": opt(int),
        "top_p": ratio,
        "stream": opt(bool),
        "container": opt(container, null=True),
        "inference_geo": text_null,
        "diagnostics": opt(shape("diagnostics", previous_message_id=text_null), null=True),
        "speed": opt(Literal["standard", "fast"], null=True),
        **dict.fromkeys(BETA_FIELDS, opt(Any)),
        "output_format": opt(json_format, null=True),
    }
    hidden = set(BETA_FIELDS) - opened
    hidden |= set() if sampling else {"temperature", "top_k", "top_p"}
    hidden |= NOT_COUNTED if counting else set()
    return TypeAdapter(shape("request", **{n: f for n, f in fields.items() if n not in hidden}))
# fmt: on


@cache
def _batch_adapter() -> TypeAdapter[Any]:
    name = Annotated[str, Field(max_length=64, pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    each = shape("request", custom_id=name, params=ANY)
    some = Annotated[_list[each], Field(min_length=1, max_length=facts.MAX_BATCH_REQUESTS)]
    return TypeAdapter(shape("batch", requests=some))


def first_fault(
    body: Any,
    *,
    counting: bool = False,
    beta: bool = False,
    opened: frozenset[str] = frozenset(),
    sampling: bool = False,
) -> str | None:
    """The API's sentence about the first field that has a wrong shape; None when all is well.

    `counting`: for count_tokens. `opened`: the fields in beta that the request's header
    anthropic-beta opens; `beta`: all of them. `sampling`: the old API version, with temperature,
    top_p, top_k.
    """
    if beta:
        opened = frozenset(OPENS)
    return _fault(_adapter(counting, opened, sampling), body)


def batch_fault(body: Any) -> str | None:
    """The same for a batch. What stands in `params` is looked at only when it is their turn."""
    return _fault(_batch_adapter(), body)


def _fault(adapter: TypeAdapter[Any], body: Any) -> str | None:
    try:
        adapter.validate_python(body)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        more = fault.get("ctx", {})
        return _sentence(fault["type"], fault["loc"], fault["msg"], fault["input"], more)
    return None


def _sentence(kind: str, path: tuple[int | str, ...], words: str, value: Any, more: ANY) -> str:
    hidden = {"str", "list", "bound"}  # our own names for a choice, not steps of the way
    place = ".".join(str(part) for part in path if part not in hidden)
    place = re.sub(r"cache_control\.(?!type)", "cache_control.ephemeral.", place)
    if kind == "literal_error" and path[-1] == "role":
        return f'messages: Unexpected role "{value}". Allowed roles are "user" or "assistant"'
    if kind == "union_tag_not_found" and isinstance(value, dict):
        return f"{place}.type: Field required"
    if kind in {"dict_type", "model_attributes_type", "union_tag_not_found"}:
        odd = path[:1] in {("metadata",), ("output_config",), ("container",), ("system",)}
        odd = odd or (path[:1] == ("messages",) and len(path) == 2)
        words = "Input does not match the expected shape." if odd else "Input should be an object"
    elif kind == "union_tag_invalid":
        tags = sorted(set(re.findall(r"'(\w+)'", more["expected_tags"])) - {"bound"})
        words = f"Input tag '{more['tag']}' found using 'type' does not match any of the expected "
        words += "tags: " + ", ".join(f"'{tag}'" for tag in tags)
    elif kind == "list_type":
        words = "Input should be a valid array"
    elif kind == "too_short" and path == ("messages",):
        words = "at least one message is required"
    elif kind == "greater_than_equal" and path == ("max_tokens",):
        words = "must be greater than or equal to 0"
    elif kind.endswith("_than_equal") and path in {("temperature",), ("top_p",)}:
        words = "range: 0..1"
    return f"{place}: {words}" if place else words
