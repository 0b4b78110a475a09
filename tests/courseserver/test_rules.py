"""The API's rules: each refuses what it should, in the API's words, and lets its neighbour pass.

The table below is the specification. A gate counts every refusal that `rules/` can give; it is
red when one of them has no case, or when it counted nothing.
"""

from __future__ import annotations

import ast
import base64
import inspect
import io
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from PIL import Image

from courseserver import facts, ids, media, rules, schema
from courseserver.call import Call
from courseserver.endpoints import TABLE
from courseserver.values import Request
from tests.support import SONNET

JSON = dict[str, Any]
KEY = "the-course-key"
OLD = {"anthropic-version": "2023-06-01"}
THREADS = {"anthropic-beta": "message-threads-2026-08-12"}
GONE = object()


def ask(
    path: str = "/v1/messages",
    *,
    method: str = "POST",
    headers: dict[str, Any] | None = None,
    raw: bytes | None = None,
    **fields: Any,
) -> Request:
    """A request as SDK 2.x sends it: a small good one, with `fields` changed (GONE: left out).

    It goes to Sonnet 5.5, whose rules these cases are about, whatever the course's default is.
    """
    hello: JSON = {"model": SONNET, "max_tokens": 1_000, "messages": [user("Hello")]}
    if path.endswith("count_tokens"):
        del hello["max_tokens"]
    body = {name: value for name, value in (hello | fields).items() if value is not GONE}
    head = {"authorization": f"Bearer {KEY}", "anthropic-version": facts.API_VERSION}
    head = {n: v for n, v in (head | (headers or {})).items() if v is not GONE}
    if method != "POST":
        raw = b""
    if raw is not None:
        return Request(method, path, "", head, raw, None)
    return Request(method, path, "", head, json.dumps(body).encode(), body)


def batch(*names: str) -> Request:
    """A batch of requests with these ids. What is wrong in `params` does not matter here."""
    requests = [{"custom_id": name, "params": {"model": "none"}} for name in names]
    raw = json.dumps({"requests": requests}).encode()
    return replace(ask("/v1/messages/batches", raw=raw), body={"requests": requests})


def user(*content: Any) -> JSON:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def claude(*content: Any) -> JSON:
    return user(*content) | {"role": "assistant"}


def text(words: str, **more: Any) -> JSON:
    return {"type": "text", "text": words, **more}


def call(name: str = "toolu_1") -> JSON:
    return {"type": "tool_use", "id": name, "name": "weather", "input": {"city": "Oslo"}}


def result(name: str = "toolu_1") -> JSON:
    return {"type": "tool_result", "tool_use_id": name, "content": "7 C"}


def tool(name: str = "weather", **more: Any) -> JSON:
    return {"name": name, "input_schema": {"type": "object", "properties": {}}} | more


def mark(ttl: str = "5m") -> JSON:
    return {"cache_control": {"type": "ephemeral", "ttl": ttl}}


def picture(width: int = 4, height: int = 4, kind: str = "PNG", **source: Any) -> JSON:
    held = io.BytesIO()
    Image.new("L", (width, height)).save(held, kind)
    data = base64.b64encode(held.getvalue()).decode()
    inside = {"type": "base64", "media_type": "image/png", "data": data, **source}
    return {"type": "image", "source": inside}


def paper(data: bytes = b"%PDF-1.7 and so on %%EOF", **more: Any) -> JSON:
    held = base64.b64encode(data).decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": held}
    return {"type": "document", "source": source, **more}


def linked(address: str) -> JSON:
    return {"type": "image", "source": {"type": "url", "url": address}}


def noted(**kind: Any) -> JSON:
    source = {"type": "text", "media_type": "text/plain", "data": "A note."}
    return {"type": "document", "source": source, **kind}


def searching(**more: Any) -> JSON:
    return {"type": "web_search_20250305", "name": "web_search", **more}


def searched() -> JSON:
    """A web search of Claude's."""
    asked = {"query": "street festival"}
    return {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": asked}


def pages_found() -> JSON:
    """The result of that search: no page."""
    return {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


def answer(**schema_of: Any) -> JSON:
    """output_config with a JSON schema; `schema_of` are its properties."""
    shape = {"type": "object", "properties": schema_of, "additionalProperties": False}
    return {"format": {"type": "json_schema", "schema": shape}}


def thought(system: str = "Be brief.", thinking: str = "") -> JSON:
    prefix = {"system": system, "tools": None, "messages": [user("Hello")]}
    return {
        "type": "thinking",
        "thinking": thinking,
        "signature": ids.signature(prefix, thinking, 9),
    }


def redacted() -> JSON:
    """A block of thinking that nobody can read."""
    return {"type": "redacted_thinking", "data": thought()["signature"]}


def of_haiku() -> JSON:
    """A thinking block as a model of the 4 series signs it, which the course cannot check."""
    return thought() | {"signature": base64.b64encode(b"\x12" + bytes(200)).decode()}


def altered(block: JSON, name: str = "signature") -> JSON:
    """A block with one character of what binds it changed."""
    sign = block[name]
    return block | {name: sign[:400] + ("B" if sign[400] == "A" else "A") + sign[401:]}


def looped(*blocks: JSON, **fields: Any) -> Request:
    """A tool loop of Haiku 4.5: its turn of `blocks` with a call, and the result of the call."""
    turns = [user("Hello"), claude(*blocks), user(result())]
    fields = {"system": "Be brief.", "max_tokens": 4_000, "tools": [tool()], **fields}
    return ask(messages=turns, model=HAIKU_4_5, **fields)


def replay(block: JSON, *after: JSON, **fields: Any) -> Request:
    """A second question, with an answer sent back whose thinking block is `block`."""
    turns = [user("Hello"), claude(block, text("Hi!")), *after, user("And now?")]
    return ask(messages=turns, **{"system": "Be brief.", **fields})


@dataclass(frozen=True)
class Case:
    rule: str
    refused: Callable[[], Request]
    says: str | re.Pattern[str]
    passes: Callable[[], Request]
    status: int = 400
    type: str = "invalid_request_error"


def case(
    rule: str, refused: Any, says: Any, passes: Any, status: int = 400, type: str = ""
) -> Case:
    return Case(rule, refused, says, passes, status, type or "invalid_request_error")


BOUND = (
    "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a "
    "different "
    "conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "
    '"drop_block". '
)
NEEDS = "That setting requires the `thinking-binding-controls-2026-08-01` value in the "
NEEDS += "`anthropic-beta` header. "
CONTROLS = {"anthropic-beta": "thinking-binding-controls-2026-08-01"}
DIRECTIVE = "; the directive-only form (content: [] with output_config) is accepted at any position"
HAIKU_4_5, OPUS_4_5, SONNET_4_6 = (
    "claude-haiku-4-5",
    "claude-opus-4-5",
    "claude-sonnet-4-6",
)
DEAR = "claude-opus-5-5"
OFF, AUTO = {"type": "disabled"}, {"type": "adaptive"}
MANUAL = {"type": "enabled", "budget_tokens": 2_000}
SURE, PAGES = (
    {"transformations": {"oversized_image": "error"}},
    b"%PDF-1.7 << /Type /Page >> %%EOF ",
)
OBJECT = {"type": "object", "properties": {}}
ANY, FORCED = {"type": "any"}, {"type": "tool", "name": "weather"}
TALK_TOOLS = [user("Oslo?"), claude(call()), user(result())]

CASES = [
    case("body-too-large", lambda: ask(raw=bytes(32 * facts.MEGABYTE + 1)),
         "Request exceeds the maximum size", ask, 413, "request_too_large"),
    case("endpoint", lambda: ask("/v1/message"), "Not found", ask, 404, "not_found_error"),
    case("endpoint", lambda: ask(method="GET"), "Method Not Allowed",
         lambda: ask("/v1/models", method="GET"), 405),
    case("key", lambda: ask(headers={"authorization": GONE}), "x-api-key header is required",
         lambda: ask(headers={"authorization": GONE, "x-api-key": KEY}), 401,
         "authentication_error"),
    case("key", lambda: ask(headers={"authorization": "Bearer another"}), "Invalid bearer token",
         ask, 401, "authentication_error"),
    case("key", lambda: ask(headers={"x-api-key": "another"}), "invalid x-api-key",
         lambda: ask(headers={"x-api-key": KEY, "authorization": "Bearer another"}),
         401, "authentication_error"),
    case("version", lambda: ask(headers={"anthropic-version": GONE}),
         "anthropic-version: header is required", ask),
    case("version", lambda: ask(headers={"anthropic-version": "2024-10-22"}),
         'anthropic-version: "2024-10-22" is not a valid version', lambda: ask(headers=OLD)),
    case("beta", lambda: ask(headers={"anthropic-beta": "context-1m-2025-08-07, a, b"}),
         "Unexpected value(s) `a`, `b` for the `anthropic-beta` header. Please consult our "
         "documentation at platform.claude.com/docs or try again without the header.",
         lambda: ask(headers={"anthropic-beta": "context-1m-2025-08-07"})),
    case("encoding", lambda: ask(headers={"content-encoding": "br"}),
         "The request's `Content-Encoding` is not supported.",
         lambda: ask(headers={"content-encoding": "identity"})),
    case("user-id", lambda: ask(metadata={"user_id": "me@example.com"}),
         "metadata.user_id: user_id appears to contain an email address. Please send a uuid or "
         "hash value instead.", lambda: ask(metadata={"user_id": "me@example"})),
    case("inference-geo", lambda: ask(inference_geo="eu"),
         "inference_geo: must be one of ['global', 'us']", lambda: ask(inference_geo="us")),
    case("not-json", lambda: ask(raw=b'{"model": }'), "The request body is not valid JSON: "
         "expecting value: line 1 column 11 (char 10)", ask),

    case("shape", lambda: ask(raw=b"null"), "Input should be an object", ask),
    case("shape", lambda: ask(max_tokens=GONE), "max_tokens: Field required",
         lambda: ask("/v1/messages/count_tokens")),
    case("shape", lambda: ask("/v1/messages/count_tokens", max_tokens=9),
         "max_tokens: Extra inputs are not permitted", lambda: ask(max_tokens=9)),
    case("shape", lambda: ask(temperature=1), "temperature: Extra inputs are not permitted",
         lambda: ask(temperature=1, headers=OLD)),
    case("shape", lambda: ask(messages=[]), "messages: at least one message is required", ask),
    case("shape", lambda: ask(messages="Hello"), "messages: Input should be a valid array", ask),
    case("shape", lambda: ask(messages=[{"role": "model", "content": "Hi"}]),
         'messages: Unexpected role "model". Allowed roles are "user" or "assistant"', ask),
    case("shape", lambda: ask(messages=[user({"text": "Hi"})]),
         "messages.0.content.0.type: Field required", lambda: ask(messages=[user(text("Hi"))])),
    case("shape", lambda: ask(messages=[user(picture(media_type="image/tiff"))]),
         "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', "
         "'image/png', 'image/gif' or 'image/webp'", lambda: ask(messages=[user(picture())])),
    case("shape", lambda: ask(tools=[tool("get weather")]), "tools.0.custom.name: String should "
         "match pattern '^[a-zA-Z0-9_-]{1,128}$'", lambda: ask(tools=[tool("get_weather")])),
    case("shape", lambda: ask(tools=[{"type": "function", "function": {}}]), re.compile(
         r"tools\.0: Input tag 'function' found using 'type' does not match any of the expected "
         r"tags: 'advisor_20260301', .*, 'custom', .*"), lambda: ask(tools=[tool(type="custom")])),
    case("shape", lambda: ask(thinking={"type": "enabled", "budget_tokens": 1_000}),
         "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
         lambda: ask(model=HAIKU_4_5, thinking=MANUAL, max_tokens=3_000)),
    case("shape", lambda: ask(thinking={"type": "between_tools", "display": "summarized"}),
         "thinking.between_tools.display: Extra inputs are not permitted",
         lambda: ask(thinking={"type": "between_tools"})),
    case("shape", lambda: ask(output_config={"effort": "ultra"}), "output_config.effort: Input "
         "should be 'low', 'medium', 'high', 'xhigh' or 'max'",
         lambda: ask(output_config={"effort": "max"})),
    case("shape", lambda: ask(thread={"type": "create"}), "thread: Extra inputs are not permitted",
         lambda: ask(thread={"type": "create"}, headers=THREADS)),
    case("shape", lambda: ask(system=[text("Hi", cache_control={"type": "ephemeral",
         "ttl": "1d"})]),
         "system.0.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
         lambda: ask(system=[text("Hi", **mark("1h"))])),
    case("shape", lambda: ask(max_tokens=-1), "max_tokens: must be greater than or equal to 0",
         lambda: ask(max_tokens=0)),

    case("unknown-model", lambda: ask(model="claude-sonet-5-5"), "model: claude-sonet-5-5",
         lambda: ask(model=HAIKU_4_5), 404, "not_found_error"),
    case("unknown-model", lambda: ask(model="claude-3-7-sonnet-20250219"),
         "model: claude-3-7-sonnet-20250219", lambda: ask(model=OPUS_4_5), 404,
         "not_found_error"),
    case("unknown-model", lambda: ask("/v1/models/claude-9", method="GET"), "model: claude-9",
         lambda: ask(f"/v1/models/{HAIKU_4_5}", method="GET"), 404, "not_found_error"),

    case("system-turn", lambda: ask(messages=[{"role": "system", "content": "Hi"}, user("Hi")]),
         "messages.0: use the top-level 'system' parameter for the initial system prompt"
         + DIRECTIVE,
         lambda: ask(system="Hi")),
    case("system-turn", lambda: ask(model=SONNET_4_6, messages=[user("Hi"), {
         "role": "system", "content": "Hi"}]), "role 'system' is not supported on this model",
         lambda: ask(messages=[user("Hi"), {"role": "system", "content": "Hi"}])),
    case("system-turn", lambda: ask(messages=[user("Hi"), {"role": "system", "content": "x"},
         user("?")]),
         "messages.1: role 'system' must precede an 'assistant' message or end the array"
         + DIRECTIVE,
         lambda: ask(messages=[user("Hi"), {"role": "system", "content": "x"}, claude("a"),
         user("?")])),
    case("system-turn", lambda: ask(messages=[user("Hi"), claude("a"), {"role": "system",
         "content": "x"}]),
         "messages.2: role 'system' must follow a 'user' message or an 'assistant' message ending "
         "in "
         "a server tool result" + DIRECTIVE,
         lambda: ask(messages=[user("Hi"), claude("a"), user("?"), {"role": "system",
         "content": "x"}])),
    case("empty-turn", lambda: ask(messages=[user("a"), claude("b"), user("")]),
         "messages.2: user messages must have non-empty content",
         lambda: ask(messages=[user("a"), claude("b"), user(""), user("c")])),
    case("empty-turn", lambda: ask(messages=[user("a"), claude("") | {"content": []}, user("b")]),
         "messages.1: all messages must have non-empty content except for the optional final "
         "assistant "
         "message", lambda: ask(messages=[user("a"), claude("") | {"content": []}])),
    case("empty-text", lambda: ask(messages=[user(text("a"), text("", **mark()))]),
         "messages.0.content.1.text: cache_control cannot be set for empty text blocks",
         lambda: ask(messages=[user(text("a"), text("b", **mark()))])),
    case("empty-text", lambda: ask(messages=[user(text("a"), text(""))]),
         "messages: text content blocks must be non-empty",
         lambda: ask(messages=[user(text("a"))])),
    case("empty-text", lambda: ask(messages=[user(" \n")]),
         "messages: text content blocks must contain non-whitespace text", ask),
    case("empty-text", lambda: ask(messages=[user(text("\n"), text(" "))]),
         "messages: text content blocks must contain non-whitespace text",
         lambda: ask(messages=[user(picture(), text(" "), text("What?"))])),
    case("empty-text", lambda: ask(messages=[user("a"), claude(call()), user(result() | {
         "content": [text("")]})]), "messages: text content blocks must be non-empty",
         lambda: ask(messages=[user("a"), claude(call()), user(result() | {"content": ""})])),
    case("system-turn", lambda: ask(messages=[user("Hi"), {"role": "system", "content": ""}]),
         "messages.1: system content must contain at least one block",
         lambda: ask(messages=[user("Hi"), {"role": "system", "content": "x"}])),
    case("system-turn", lambda: ask(messages=[user("Hi"), user(picture()) | {"role": "system"}]),
         "messages.1: role 'system' supports text, tool_addition, and tool_removal blocks only",
         lambda: ask(messages=[user("Hi"), user(text("x")) | {"role": "system"}])),
    case("system-turn", lambda: ask(messages=[user("Hi"), user(text("x"), text("")) | {
         "role": "system"}]), "messages.1: system text blocks must contain non-whitespace text",
         lambda: ask(messages=[user("Hi"), user(text("x"), text("y")) | {"role": "system"}])),
    case("empty-text", lambda: ask(system=[text("")]),
         "system: text content blocks must be non-empty",
         lambda: ask(system="")),
    case("gone-since-2026-10-21", lambda: ask(messages=[user("a"), claude(noted()), user("b")]),
         "messages.1.content.0: `document` blocks are not permitted in `assistant` messages",
         lambda: ask(messages=[user("a"), claude(noted()), user("b")], headers=OLD)),
    case("gone-since-2026-10-21", lambda: ask(messages=[user(text("a",
         citations=[{"type": "x"}]))]),
         "messages.0.content.0.text.citations: Extra inputs are not permitted",
         lambda: ask(messages=[user("a"), claude(text("b", citations=[{"type": "x"}])),
         user("c")])),
    case("tool-results", lambda: ask(messages=[user("a"), claude("b"), user(result("toolu_9"))]),
         "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_9. "
         "Each "
         "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
         lambda: ask(messages=TALK_TOOLS)),
    case("tool-results", lambda: ask(messages=[user("a"), claude(call("A"), call("B")),
         user(result("A"))]),
         "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
         "B. Each "
         "`tool_use` block must have a corresponding `tool_result` block in the next message.",
         lambda: ask(messages=[user("a"), claude(call("A"), call("B")), user(result("A")),
         user(result("B"))])),
    case("tool-results", lambda: ask(messages=[user("a"), claude(call()), user(text("Here:"),
         result())]),
         re.compile(r"messages\.1: `tool_use` ids were found without `tool_result` blocks "
         r"immediately "
                    r"after: toolu_1\. .*"),
         lambda: ask(messages=[user("a"), claude(call()), user(result(), text("There."))])),
    case("tool-results", lambda: ask(messages=[user("a"), claude(call()), user(result(),
         result())]),
         "messages.2.content.1: each tool_use must have a single result. Found multiple "
         "`tool_result` "
         "blocks with id: toolu_1", lambda: ask(messages=TALK_TOOLS)),
    case("tool-results", lambda: ask(messages=[user("a"), claude(call(), call()), user(result())]),
         "messages.1.content.1: `tool_use` ids must be unique",
         lambda: ask(messages=[*TALK_TOOLS, claude(call()), user(result())])),
    case("tool-roles", lambda: ask(messages=[user("a"), claude(result()), user("b")]),
         "messages.1: `tool_result` blocks can only be in `user` messages",
         lambda: ask(messages=TALK_TOOLS)),
    case("final-thinking", lambda: ask(messages=[user("Hello"), claude(of_haiku()), user("b")],
         model=HAIKU_4_5),
         "messages.1: The final block in an assistant message cannot be `thinking`.",
         lambda: ask(messages=[user("Hello"), claude(of_haiku()), user("b")])),
    case("final-thinking", lambda: ask(messages=[user("Hello"), claude(text("a"), redacted()),
         user("b")], model=SONNET_4_6),
         "messages.1: The final block in an assistant message cannot be `redacted_thinking`.",
         lambda: ask(messages=[user("Hello"), claude(redacted()), claude("a"), user("b")],
         model=SONNET_4_6)),
    case("server-results", lambda: ask(messages=[user("a"), claude(searched()), user("b")]),
         "messages.1: `web_search` tool use with id `srvtoolu_1` was found without a corresponding "
         "`web_search_tool_result` block",
         lambda: ask(messages=[user("a"), claude(searched(), pages_found()), user("b")])),
    case("server-results", lambda: ask(messages=[user("a"), claude(searched(), call()),
         user(result(), text("b"))]), re.compile("messages.1: `web_search` tool use .*"),
         lambda: ask(messages=[user("a"), claude(searched(), call()), user(result())])),
    case("server-results", lambda: ask(messages=[user("a"), claude(searched()), user("b")]),
         re.compile("messages.1: `web_search` tool use .*"),
         lambda: ask(messages=[user("a"), claude(searched())])),
    case("prefill", lambda: ask(messages=[user("a"), claude("The answer is")]),
         "This model does not "
         "support assistant message prefill. The conversation must end with a user message.",
         lambda: ask(messages=[user("a"), claude("The answer is")], model=HAIKU_4_5)),
    case("prefill", lambda: ask(messages=[user("a"), claude("b")], model=HAIKU_4_5, thinking=MANUAL,
         max_tokens=4_000), re.compile("This model does not support assistant message prefill.*"),
         lambda: ask(messages=[user("a"), claude({"type": "server_tool_use",
         "id": "srvtoolu_1"})])),
    case("prefill", lambda: ask(messages=[user("a"), claude("b ")], model=OPUS_4_5),
         "messages: final assistant content cannot end with trailing whitespace",
         lambda: ask(messages=[user("a"), claude("b ,")], model=OPUS_4_5)),

    case("max-tokens", lambda: ask(max_tokens=128_001), "max_tokens: 128001 > 128000, which is the "
         f"maximum allowed number of output tokens for {SONNET}",
         lambda: ask(max_tokens=128_000)),
    case("sampling", lambda: ask(temperature=0.2, headers=OLD),
         "`temperature` is deprecated for this model.",
         lambda: ask(temperature=0.2, headers=OLD, model=SONNET_4_6)),
    case("sampling", lambda: ask(temperature=1, top_p=1, headers=OLD, model=SONNET_4_6),
         "`temperature` and `top_p` cannot both be specified for this model.",
         lambda: ask(top_p=1, headers=OLD)),
    case("thinking", lambda: ask(thinking=AUTO, model=HAIKU_4_5),
         "adaptive thinking is not supported on this model", lambda: ask(thinking=AUTO)),
    case("thinking", lambda: ask(thinking={"type": "between_tools"}, model=DEAR),
         '"thinking.type.between_tools" is not supported for this model.',
         lambda: ask(thinking={"type": "between_tools"})),
    case("thinking", lambda: ask(thinking=OFF),
         'To turn thinking off on this model, send "thinking": '
         '{"type": "between_tools"} instead of {"type": "disabled"}. The model does not think '
         'before '
         "responding. The short updates it writes between tool calls come back as thinking blocks.",
         lambda: ask(thinking=OFF, model="claude-haiku-5-5")),
    case("thinking", lambda: ask(thinking=MANUAL, max_tokens=4_000),
         '"thinking.type.enabled" is not '
         'supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to '
         'control '
         "thinking behavior.", lambda: ask(thinking=MANUAL, max_tokens=4_000, model=SONNET_4_6)),
    case("thinking", lambda: ask(thinking=MANUAL, max_tokens=2_000, model=HAIKU_4_5),
         "`max_tokens` must be greater than `thinking.budget_tokens`.",
         lambda: ask(thinking=MANUAL, max_tokens=2_001, model=HAIKU_4_5)),
    case("effort", lambda: ask(output_config={"effort": "low"}, model=HAIKU_4_5),
         "This model does not support the effort parameter.",
         lambda: ask(output_config={"effort": None}, model=HAIKU_4_5)),
    case("effort", lambda: ask(output_config={"effort": "xhigh"}, model=SONNET_4_6),
         "This model does "
         "not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
         lambda: ask(output_config={"effort": "max"}, model=SONNET_4_6)),
    case("effort", lambda: ask(output_config={"effort": "xhigh"},
         thinking={"type": "between_tools"}),
         "output_config.effort 'xhigh' is not supported when thinking is disabled on this model. "
         "Use "
         "effort 'high' or below, or enable thinking.",
         lambda: ask(output_config={"effort": "high"}, thinking={"type": "between_tools"})),
    case("tool-choice", lambda: ask(tools=[tool()], tool_choice=FORCED),
         'tool_choice: type "tool" and "any" are not supported for this model.',
         lambda: ask(tools=[tool()], tool_choice=FORCED, model="claude-haiku-5-5")),
    case("tool-choice", lambda: ask("/v1/messages/count_tokens", tools=[tool()], tool_choice=ANY),
         'tool_choice: type "tool" and "any" are not supported for this model.',
         lambda: ask("/v1/messages/count_tokens", tools=[tool()], tool_choice={"type": "auto"})),
    case("tool-choice", lambda: ask(tools=[tool()], tool_choice=ANY, thinking=MANUAL,
         max_tokens=3_000,
         model=SONNET_4_6), "Thinking may not be enabled when tool_choice forces tool use.",
         lambda: ask(tools=[tool()], tool_choice=ANY, thinking=AUTO, model=SONNET_4_6)),
    case("tool-choice", lambda: ask(tool_choice=ANY, model=HAIKU_4_5),
         "tool_choice.any may only be specified while providing tools",
         lambda: ask(tool_choice={"type": "none"}, model=HAIKU_4_5)),
    case("tool-choice", lambda: ask(tools=[tool("clock")], tool_choice=FORCED, model=HAIKU_4_5),
         "Tool 'weather' not found in provided tools",
         lambda: ask(tools=[tool("clock"), tool()], tool_choice=FORCED, model=HAIKU_4_5)),
    case("tool-names", lambda: ask(tools=[tool(), tool()]), "tools: Tool names must be unique.",
         lambda: ask(tools=[tool(), tool("clock")])),
    case("tool-schema", lambda: ask(tools=[tool(input_schema=OBJECT | {"required": "city"})]),
         "tools.0.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft "
         "2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at "
         "https://docs.claude.com/en/docs/tool-use.",
         lambda: ask(tools=[tool(input_schema=OBJECT | {"required": ["city"]})])),
    case("tool-schema", lambda: ask(tools=[tool(), tool("b", input_schema=OBJECT | {
         "anyOf": [{}]})]), "tools.1.custom.input_schema does not support oneOf, allOf, or anyOf "
         "at the top level", lambda: ask(tools=[tool(input_schema=OBJECT | {"not": {}})])),
    case("tool-schema", lambda: ask(tools=[tool(input_schema=OBJECT | {"properties": {
         "my city": {}}})]), "tools.0.custom.input_schema.properties: Property keys should match "
         "pattern '^[a-zA-Z0-9_.-]{1,64}$'", lambda: ask(tools=[tool(input_schema=OBJECT | {
         "properties": {"my.city-0": {}}})])),
    case("tool-types", lambda: ask(tools=[{"type": "bash_20241022", "name": "bash"}]),
         re.compile(rf"'{SONNET}' does not support tool types: bash_20241022\. Did you "
         r"mean one of advisor_20260301, bash_20250124, .*\?"),
         lambda: ask(tools=[{"type": "bash_20250124", "name": "bash"}])),
    case("domains", lambda: ask(tools=[searching(allowed_domains=[])]),
         "tools.0.web_search_20250305.allowed_domains: Empty list of domains is ambiguous. Provide "
         "at least one domain or null.", lambda: ask(tools=[searching(allowed_domains=None)])),
    case("domains", lambda: ask(tools=[searching(allowed_domains=["a.org"],
         blocked_domains=["b.org"])]), "tools.0.web_search_20250305: Only one of allowed_domains "
         "or blocked_domains may be set.", lambda: ask(tools=[searching(
         allowed_domains=["a.org"], blocked_domains=None)])),
    case("container", lambda: ask(container="container_1", tools=[searching()]),
         "container: Container identifier can only be provided when using the code execution tool",
         lambda: ask(container="container_1", tools=[{"type": "code_execution_20260521",
         "name": "code_execution"}])),
    case("speed", lambda: ask(speed="fast"),
         f"'{SONNET}' does not support the `speed` parameter.",
         lambda: ask(speed="fast", model=DEAR)),
    case("speed", lambda: ask(speed="fast", model=HAIKU_4_5),
         "'claude-haiku-4-5' does not support the `speed` parameter.",
         lambda: ask(speed="fast", model="claude-fable-5-2")),
    case("json-schema", lambda: ask(output_config=answer(a={"type": "array", "items": {},
         "minItems": 2})), "output_config.format.schema: For 'array' type, 'minItems' values other "
         "than 0 or 1 are not supported", lambda: ask(output_config=answer(a={"type": "array",
         "items": {}, "minItems": 1}))),
    case("json-schema", lambda: ask(output_config={"format": {"type": "json_schema", "schema": {
         "type": "object", "properties": {}}}}), "output_config.format.schema: For 'object' type, "
         "'additionalProperties' must be explicitly set to false",
         lambda: ask(output_config=answer())),
    case("json-schema", lambda: ask(tools=[tool(strict=True)]),
         "tools.0.custom: For 'object' type, "
         "'additionalProperties' must be explicitly set to false", lambda: ask(tools=[tool()])),
    case("json-schema", lambda: ask(output_config=answer(map={"type": "object",
         "additionalProperties":
         True})), "output_config.format.schema: For 'object' type, 'additionalProperties: true' "
         "is not "
         "supported. Please set 'additionalProperties' to false",
         lambda: ask(output_config=answer(map={"type": "object", "additionalProperties": False}))),
    case("json-schema", lambda: ask(output_config=answer(age={"type": "integer", "minimum": 0})),
         "output_config.format.schema: For 'integer' type, property 'minimum' is not supported",
         lambda: ask(output_config=answer(name={"type": "string", "minLength": 1}))),
    case("json-schema", lambda: ask(output_config=answer(list={"type": "array", "items": {
         "type": "number", "minimum": 0, "maximum": 1}})),
         "output_config.format.schema: For 'number' "
         "type, properties maximum, minimum are not supported",
         lambda: ask(output_config=answer(list={"type": "array", "items": {"type": "number"}}))),
    case("stop-sequences", lambda: ask(stop_sequences=["END", "\n\n"]),
         "stop_sequences: each stop sequence must contain non-whitespace",
         lambda: ask(stop_sequences=["END", "\n\nB:"])),

    case("cache-marks", lambda: ask(system=[text("a", **mark())] * 4, **mark()),
         "A maximum of 4 blocks with cache_control may be provided. Found 5.",
         lambda: ask(system=[text("a", **mark())] * 3, **mark())),
    case("cache-marks", lambda: ask(tools=[tool(**mark())], messages=[
         user(text("a"), text("b", **mark("1h")))]),
         "messages.0.content.1.cache_control.ttl: a ttl='1h' "
         "cache_control block must not come after a ttl='5m' cache_control block. Note that "
         "blocks are "
         "processed in the following order: `tools`, `system`, `messages`.",
         lambda: ask(tools=[tool(**mark("1h"))], messages=[user(text("a"), text("b", **mark()))])),
    *[case("batch", lambda sent=sent: batch(*sent), says, lambda: batch("a", "b"))
      for sent, says in {
          (): "requests: List should have at least 1 item after validation, not 0",
          ("a" * 65,): "requests.0.custom_id: String should have at most 64 characters",
          ("a", "b c"): "requests.1.custom_id: String should match pattern "
                        "'^[a-zA-Z0-9_-]{1,64}$'",
          ("a", "b", "a"): "requests: custom_id must be unique within a batch, 'a' is not",
      }.items()],
    *[case("warm-up", lambda more=more: ask(max_tokens=0, **more),
           f"max_tokens: 0 is not supported together with `{name}`",
           lambda: ask(max_tokens=0, **mark()))
      for name, more in {
          "stream": {"stream": True},
          "output_config.format": {"output_config": answer()},
          "tool_choice": {"model": "claude-haiku-5-5", "tools": [tool()],
                          "tool_choice": {"type": "any"}},
      }.items()],
    case("replayed-thinking", lambda: replay(thought(), system="Be long."),
         BOUND + NEEDS + rules.caching.CHANGED["system"],
         lambda: replay(thought())),
    case("replayed-thinking", lambda: replay(thought(), system="Be long.", headers=CONTROLS),
         BOUND + rules.caching.CHANGED["system"],
         lambda: replay(thought(), headers=CONTROLS)),
    case("replayed-thinking", lambda: replay(thought(), tools=[tool()]),
         BOUND + NEEDS + rules.caching.CHANGED["tools"],
         lambda: replay(thought(), tools=[tool()], thinking=AUTO | {"block_binding": {
             "prefix_mismatch_behavior": "drop_block"}}, headers=CONTROLS)),
    case("replayed-thinking", lambda: replay(thought("Be kind."), model="claude-haiku-5-5"),
         BOUND + NEEDS + rules.caching.CHANGED["system"],
         lambda: replay(thought("Be kind."), model="claude-sonnet-5")),
    case("replayed-thinking", lambda: replay(thought(thinking="good") | {"thinking": "better"}),
         "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant "
         "message "
         "cannot be modified. These blocks must remain as they were in the original response.",
         lambda: replay(thought() | {"thinking": "what came without a text"})),
    case("replayed-thinking", lambda: replay(altered(thought()), user("b"), claude("c")),
         "messages.1.content.0: Invalid `signature` in `thinking` block",
         lambda: replay(thought(), user("b"), claude("c"))),
    case("replayed-thinking", lambda: replay(altered(redacted(), "data")),
         "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
         lambda: replay(redacted())),
    case("manual-turn", lambda: looped(call(), thinking=MANUAL),
         "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
         "`tool_use`. When `thinking` is enabled, a final `assistant` message must start with a "
         "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We "
         "recommend you include thinking blocks from previous turns. To avoid this requirement, "
         "disable `thinking`. Please consult our documentation at "
         "https://docs.claude.com/en/docs/build-with-claude/extended-thinking",
         lambda: looped(thought(), call(), thinking=MANUAL)),
    case("image", lambda: ask(messages=[user(picture(data="data:image/png;base64,AAAA"))]),
         "messages.0.content.0.image.source.base64: invalid base64 data",
         lambda: ask(messages=[user(picture())])),
    case("image", lambda: ask(messages=[user("a"), claude(call()), user(result() | {
         "content": [picture(data="no")]})]),
         "messages.2.content.0.tool_result.content.0.image.source.base64: invalid base64 data",
         lambda: ask(messages=[user("a"), claude(call()),
         user(result() | {"content": [picture()]})])),
    case("image", lambda: ask(messages=[user(picture(data=""))]),
         "messages.0.content.0.image.source.base64: image cannot be empty",
         lambda: ask(messages=[user(picture())])),
    case("image", lambda: ask(messages=[user(picture(data="A" * (10 * facts.MEGABYTE + 4)))]),
         "messages.0.content.0.image.source.base64: image exceeds 10 MB maximum: 10485764 bytes > "
         "10485760 bytes", lambda: ask(messages=[user(picture(900, 900))])),
    case("image", lambda: ask(messages=[user(picture(kind="JPEG"))]),
         "messages.0.content.0.image.source.base64: The image was specified using the image/png "
         "media "
         "type, but the image appears to be a image/jpeg image",
         lambda: ask(messages=[user(picture(kind="JPEG", media_type="image/jpeg"))])),
    case("image", lambda: ask(messages=[user(picture(data="AAAA"))]), "Could not process image",
         lambda: ask(messages=[user(picture(kind="WEBP", media_type="image/webp"))])),
    case("image", lambda: ask(messages=[user(picture(8_001, 1))]),
         "messages.0.content.0.image.source."
         "base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels",
         lambda: ask(messages=[user(picture(8_000, 1))])),
    case("image", lambda: ask(messages=[user(*[picture(2_001, 1)] * 21)]),
         "messages.0.content.0.image."
         "source.base64.data: At least one of the image dimensions exceed max allowed size for "
         "many-image requests: 2000 pixels", lambda: ask(messages=[user(*[picture(2_001,
         1)] * 20)])),
    case("oversized-image", lambda: ask(messages=[user(picture(3_000, 1_000) | SURE)]),
         "messages.0.content.0: image dimensions 3000x1000 exceed the maximum image size of a "
         "model named on this request and would be downsized to 2576x859; scale the image to at "
         "most 2576x859 or set the image's oversized_image setting to \"downsize\"",
         lambda: ask(messages=[user(picture(2_576, 859) | SURE, picture(3_000, 1_000))])),
    case("oversized-image", lambda: ask(model=SONNET_4_6, messages=[user(picture(1_920, 1_080)
         | SURE)]), re.compile(".* would be downsized to 1456x819; .*"),
         lambda: ask(messages=[user(picture(1_920, 1_080) | SURE)])),
    case("media-count", lambda: ask(messages=[user(*[picture()] * 600, noted())]),
         "too many images and documents: 600 + 1 > 600",
         lambda: ask(messages=[user(*[picture()] * 599, noted())])),
    case("media-count", lambda: ask(model=HAIKU_4_5, messages=[user(*[picture()] * 101)]),
         "too many images and documents: 101 + 0 > 100",
         lambda: ask(messages=[user(*[picture()] * 101)])),
    case("url", lambda: ask(messages=[user(linked("images/slip.png"))]),
         "Unable to download the file. Please verify the URL and try again.",
         lambda: ask(messages=[user(linked("https://example.org/slip.png"))])),
    case("url", lambda: ask(messages=[user(linked("http://localhost:8888/files/slip.png"))]),
         "Unable to download the file. Please verify the URL and try again.",
         lambda: ask("/v1/messages/count_tokens", messages=[user(linked("images/slip.png"))])),
    case("url", lambda: ask(messages=[user(linked("http://[nobody"))]),
         "Unable to download the file. Please verify the URL and try again.",
         lambda: ask(messages=[user(linked("http://example.org"))])),
    case("file-kind", lambda: ask(messages=[user({"type": "document", "source": {"type": "file",
         "file_id": "file_csv"}})]), "Unsupported document file format: text/csv. Only PDF and "
         "plaintext documents are supported.", lambda: ask(messages=[user(paper())])),
    case("file-id", lambda: ask(messages=[user({"type": "document", "source": {"type": "file",
         "file_id": "file_011CNobody"}})]), "File not found: file_011CNobody",
         lambda: ask(messages=[user(paper())]), 404, "not_found_error"),
    case("pdf", lambda: ask(messages=[user(paper(PAGES * 300), paper(PAGES * 301))]),
         "messages.0.content.1.pdf.source.base64.data: A maximum of 600 PDF pages may be provided.",
         lambda: ask(messages=[user(paper(PAGES * 300), paper(PAGES * 100))])),
    case("pdf", lambda: ask(messages=[user(paper(b""))]),
         "messages.0.content.0.document.source.base64: PDF cannot be empty",
         lambda: ask(messages=[user(paper())])),
    case("pdf", lambda: ask(messages=[user(paper(b"%PDF-1.7 trailer << /Encrypt 4 0 R >>"))]),
         "messages.0.content.0.pdf.source.base64.data: The PDF specified is password protected.",
         lambda: ask(messages=[user(paper(b"%PDF-1.7 (/Encrypt 4 0 R) trailer << /Size 5 >>"))])),
    case("citations", lambda: ask(messages=[user(noted(citations={"enabled": True}), noted())]),
         "citations must be enabled on all or none of the documents within a request",
         lambda: ask(messages=[user(noted(citations={"enabled": True}), picture())])),
    case("citations-with-a-format",
         lambda: ask(messages=[user(noted(citations={"enabled": True}))],
                     output_config=answer(day={"type": "string"})),
         "Citations cannot be used together with output_config.format.",
         lambda: ask(messages=[user(noted())], output_config=answer(day={"type": "string"}))),
    case("pdf", lambda: ask(messages=[user(paper(b"<html>"))]),
         "messages.0.content.0.pdf.source.base64.data: The PDF specified was not valid.",
         lambda: ask(messages=[user(paper())])),
    case("prompt-length", lambda: ask(model=HAIKU_4_5, messages=[user("word " * 200_000)]),
         re.compile(r"prompt is too long: \d+ tokens > 200000 maximum"),
         lambda: ask(messages=[user("word " * 200_000)])),
]  # fmt: skip
RULES = [each.rule for each in CASES]
NAMES = [f"{rule}-{RULES[: at + 1].count(rule)}" for at, rule in enumerate(RULES)]


@pytest.mark.parametrize("each", CASES, ids=NAMES)
def test_a_rule_refuses_in_the_words_of_the_api(each: Case) -> None:
    problem = rules.check(arrived(each.refused()))
    assert problem is not None, "nothing was refused"
    assert problem.rule == each.rule
    assert (problem.status, problem.type) == (each.status, each.type)
    if isinstance(each.says, str):
        assert problem.message == each.says
    else:
        assert each.says.fullmatch(problem.message)


@pytest.mark.parametrize("each", CASES, ids=NAMES)
def test_the_nearest_good_request_passes(each: Case) -> None:
    assert rules.check(arrived(each.passes())) is None


def test_every_refusal_in_the_rules_has_a_case() -> None:
    written = {each.name: yields(each.objections) for each in rules.RULES}
    met: dict[str, set[int]] = {name: set() for name in written}
    for each in CASES:
        found = next(rule for rule in rules.RULES if rule.name == each.rule)
        running = found.objections(arrived(each.refused()))
        next(running)
        met[each.rule].add(line_of(running))
    missing = {
        name: sorted(written[name] - met[name]) for name in written if written[name] - met[name]
    }
    count = sum(map(len, written.values()))
    print(f"covered: {len(written)} rules with {count} refusals, by {len(CASES)} cases both ways")
    assert not missing, f"refusals without a case (rule: lines of rules.py): {missing}"
    assert len(written) > 20 and count > 40, "the gate counted almost nothing"


def arrived(request: Request) -> Call:
    """The call as the server makes it, in an account with one file."""
    return Call(request, expected_key=KEY, uploads={"file_csv": "text/csv"})


def line_of(running: Any) -> int:
    """The line of the yield at which a generator stands."""
    return int(running.gi_frame.f_lineno)


def yields(function: Callable[..., Any]) -> set[int]:
    """The first lines of the yields in a function."""
    lines, start = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    return {node.lineno + start - 1 for node in ast.walk(tree) if isinstance(node, ast.Yield)}


def test_every_rule_names_its_source_and_is_the_only_one_of_its_name() -> None:
    assert len({each.name for each in rules.RULES}) == len(rules.RULES)
    for each in rules.RULES:
        assert re.search(r"20\d\d|SDK|not established|undated", each.source), each.name
        assert set(each.kinds) <= {endpoint.kind for endpoint in TABLE}, each.name


# --- light, and never in the way ------------------------------------------------------------


def test_a_picture_with_a_side_too_long_says_which_ones_as_the_sdk_reads_it() -> None:
    wide = picture(8_001, 1)
    nested = user(result() | {"content": [picture(), wide]})
    request = ask(messages=[user(picture(), wide), claude(call()), nested])
    problem = rules.check(Call(request, expected_key=KEY))
    assert problem is not None and problem.details == {
        "error_code": "image_dimensions_too_large",
        "max_side_length_pixels": facts.IMAGE_MAX_SIDE,
        "paths": ["messages.0.content.1", "messages.2.content.0.content.1"],
    }


def test_the_course_server_needs_no_picture_library() -> None:
    code = "import sys; sys.modules['PIL'] = None\nimport courseserver.loopback"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_without_a_picture_library_a_picture_is_measured_and_priced_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = Call(ask(messages=[user(picture(8_001, 1))]), expected_key=KEY)
    small = Call(ask(messages=[user(picture(280, 280))]), expected_key=KEY)
    monkeypatch.setitem(sys.modules, "PIL", None)
    problem = rules.check(wide)
    assert problem is not None and problem.rule == "image"
    assert rules.check(small) is None
    assert small.tokens > 100  # ten by ten patches


def test_without_jsonschema_a_schema_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = {"type": "object", "properties": {"only here": "number"}}
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    rules.model._meta_schema.cache_clear()
    assert rules.model.is_json_schema(odd)
    monkeypatch.undo()
    rules.model._is_json_schema.cache_clear()
    assert not rules.model.is_json_schema(odd)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
def test_a_whole_picture_is_whole_and_a_cut_one_is_not(kind: str, mode: str) -> None:
    if kind == "JPEG" and mode == "P":
        pytest.skip("a JPEG has no palette")
    held = io.BytesIO()
    Image.effect_noise((60, 40), 90).convert(mode).save(held, kind)
    data = held.getvalue()
    assert media.is_whole(data)
    assert media.is_whole(data + b"trailing")
    for part in (0.9, 0.5, 0.2):
        assert not media.is_whole(data[: int(len(data) * part)]), part


def test_a_picture_with_more_in_it_than_pixels_is_whole() -> None:
    frames = [Image.effect_noise((30, 20), 90).convert("P") for _ in range(3)]
    for kind in ("GIF", "WEBP", "PNG"):
        held = io.BytesIO()
        frames[0].save(held, kind, save_all=True, append_images=frames[1:])
        assert media.is_whole(held.getvalue()), kind
    held = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    frames[0].convert("RGB").save(held, "JPEG", progressive=True, exif=exif, comment=b"\xff\xd9")
    jpeg = held.getvalue()
    assert media.is_whole(jpeg)
    assert media.is_whole(jpeg[:20] + b"\x00\x00" + jpeg[20:]), "readers pass over it"
    assert not media.is_whole(jpeg[:-40]), "the end mark in the comment is not the end"


def test_a_damaged_check_sum_is_seen() -> None:
    held = io.BytesIO()
    Image.effect_noise((30, 20), 90).save(held, "PNG")
    data = bytearray(held.getvalue())
    data[len(data) // 2] ^= 1
    assert not media.is_whole(bytes(data))


ODD: list[Any] = [
    None,
    0,
    1.5,
    True,
    "",
    "text",
    [],
    [None],
    [[]],
    {},
    {"type": None},
    {"type": "x"},
]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_no_request_however_odd_makes_the_rules_fail(path: str) -> None:
    fields = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config",
              "max_tokens", "cache_control", "stop_sequences", "container")  # fmt: skip
    odd = [ask(path, **{name: value}) for name in fields for value in ODD]
    kinds = (*get_args(schema.SERVER_BLOCKS), "text", "image", "document", "tool_result")
    keys = ("content", "source", "cache_control", "citations", "text")
    for value in ODD:
        roles = ("user", "assistant", "system", value)
        odd += [ask(path, messages=[{"role": role, "content": value}]) for role in roles]
        blocks = [{"type": kind, key: value} for kind in (*kinds, "search_result") for key in keys]
        odd += [ask(path, messages=[user(block)]) for block in blocks]
        typed = {"type": "bash_20250124"}
        odd += [ask(path, tools=[typed | {key: value}]) for key in (*keys, "name", "strict")]
        for key in ("type", "properties", "items", "anyOf", "$defs", "additionalProperties"):
            asked = {"format": {"type": "json_schema", "schema": {"type": "object"} | {key: value}}}
            odd.append(ask(path, output_config=asked))
    refused = sum(rules.check(Call(each)) is not None for each in odd)
    assert 0 < refused < len(odd)
