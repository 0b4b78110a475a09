"""Requests that others sent to the real API, with what it answered: the course answers alike.

Each case names where it was seen. Those that pass come first: a refusal of what the API takes is
the worst fault that this server can have. All of them are written anew, none is copied.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from courseserver import facts, ids, rules
from courseserver.call import Call
from courseserver.short import whole_message
from courseserver.values import Request, parse_body
from tests.courseserver.test_rules import (
    GONE,
    HAIKU_4_5,
    JSON,
    KEY,
    OLD,
    answer,
    ask,
    call,
    claude,
    noted,
    paper,
    picture,
    result,
    text,
    tool,
    user,
)
from tests.support import SONNET

SONNET_4_6 = "claude-sonnet-4-6"
BINDING = {"anthropic-beta": "thinking-binding-controls-2026-08-01"}
STRUCTURED = OLD | {"anthropic-beta": "structured-outputs-2025-11-13"}
DROP = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}
NAME = answer(name={"type": "string"})["format"]
PROPERTY = "tools.0.custom.input_schema: JSON schema is invalid"
SYSTEM = "messages.1: "
SERVER = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


@dataclass(frozen=True)
class Case:
    """A request, and what the API said: `says` is a part of its sentence; "" when it passed."""

    name: str
    source: str
    request: Any  # () -> Request; so that lambdas in comprehensions need no types
    says: str = ""
    status: int = 400


def foreign(head: bytes, size: int) -> JSON:
    """A thinking block as a real model signs it: a head with no mark of the course, then noise."""
    noise = bytes(n * 37 % 256 for n in range(size))
    return {
        "type": "thinking",
        "thinking": "",
        "signature": base64.b64encode(head + noise).decode(),
    }


def of_5_5(length: bytes = b"\x0c") -> JSON:
    """A signature of the 5.5 generation: `CAQS`, and the word "thinking" in clear."""
    head = b"\x08\x04\x12\xff\x03\n\x10\x08\x11\x18\x028\x01B\x08thinking\x12" + length
    return foreign(head, 480)


def back(block: JSON, **fields: Any) -> Request:
    """A second question, with an answer sent back that begins with `block`."""
    return ask(messages=[user("q"), claude(block, text("391.")), user("And?")], **fields)


def schema(properties: Any = None, **more: Any) -> Request:
    """A request with one tool of this input schema."""
    whole = {"type": "object", "properties": properties or {}, **more}
    return ask(tools=[tool() | {"input_schema": whole}])


def system(*content: Any) -> Request:
    """A request that ends with a system turn."""
    return ask(messages=[user("a"), user(*content) | {"role": "system"}])


def typed(kind: str, name: str, **more: Any) -> Request:
    """A request with one tool that the API defines."""
    return ask(tools=[{"type": kind, "name": name, **more}])


def twice(first: str = "toolu_1", second: str = "toolu_1") -> Request:
    """Two turns with a call each."""
    turns = [user("q"), claude(call(first)), user(result(first))]
    turns += [claude(call(second)), user(result(second))]
    return ask(messages=turns, tools=[tool()])


def returned(**more: Any) -> Request:
    """The result of a call, with some of its fields set."""
    return ask(messages=[user("q"), claude(call()), user(result() | more)], tools=[tool()])


PASSES = [
    Case("output_format under its old beta", "docs structured-outputs, 2026-08-22; recorded 47 "
         "times (Mirascope, openllmetry, req_llm)", lambda: ask(output_format=NAME,
         headers=STRUCTURED)),
    Case("output_format null under its old beta", "SDK 1.x sends what it was given, undated",
         lambda: ask(output_format=None, headers=STRUCTURED)),
    Case("output_format under the version of October", "litellm 1.110.2, 2026-11",
         lambda: ask(output_format=NAME, headers={"anthropic-beta":
         "structured-outputs-2025-11-13,prompt-caching-2024-07-31"})),
    Case("output_format counted", "docs structured-outputs, 2026-08-22",
         lambda: ask("/v1/messages/count_tokens", output_format=NAME, headers=STRUCTURED)),
    Case("one tool id in two turns", "pydantic-ai, recorded in August 2026", twice),
    Case("a blank text beside a call", "llm-anthropic, recorded 2026-04-05",
         lambda: ask(messages=[user("q"), claude(text(" "), call()), user(result())],
                     tools=[tool()])),
    Case("a blank text between texts", "ruby_llm, recorded 2026-08-19",
         lambda: ask(messages=[user("q"), claude(SERVER, FOUND, text("a"), text(" "), text("b")),
                               user("and?")])),
    Case("a blank text beside a text of the user", "LibreChat-AI/agents#124, 2026-04-30",
         lambda: ask(messages=[user(text(" "), text("real"))])),
    Case("a blank text beside a picture", "the rule is per turn, as reported on 2026-04-30",
         lambda: ask(messages=[user(picture(), text(" "))])),
    Case("a blank text after thinking", "the same rule, 2026-04-30",
         lambda: ask(messages=[user("q"), claude(of_5_5(), text("\n")), user("and?")])),
    Case("a blank text joined to a text", "neighbours of one role are one turn, 2026-08-31",
         lambda: ask(messages=[user(" "), user("real")])),
    Case("a blank text inside a result", "only empty ones are refused there, 2026-02-25",
         lambda: returned(content=[text(" ")])),
    Case("an empty result", "docs tool-use, undated", lambda: returned(content="")),
    Case("a real signature of Fable 5.1", "pydantic-ai, recorded in September 2026",
         lambda: back(of_5_5(), model="claude-fable-5-1", headers=OLD | BINDING,
                      thinking={"type": "adaptive", **DROP})),
    Case("a real signature of Sonnet 5.5", "pydantic-ai, recorded 2026-10-05",
         lambda: back(of_5_5(b"\x18"))),
    Case("a real signature of Opus 5", "recorded in July 2026",
         lambda: back(foreign(b"\x08\x02\x12", 300), model="claude-opus-5")),
    Case("a real signature of Sonnet 3.7", "recorded 2025",
         lambda: back(foreign(b"\x12\xb7\x01\n", 182), model=HAIKU_4_5)),
    Case("real redacted thinking", "pydantic-ai, recorded in 2025", lambda: back(
         {"type": "redacted_thinking", "data": of_5_5()["signature"]})),
    Case("block_binding without a type", "pydantic-ai, recorded in September 2026",
         lambda: ask(model="claude-fable-5-1", headers=OLD | BINDING, thinking=DROP)),
    Case("an empty block_binding", "SDK 2.14: an empty object means every default",
         lambda: ask(headers=BINDING, thinking={"block_binding": {}})),
    *[Case(f"the beta {name}", "docs beta-headers, 2026: old names stay accepted",
           lambda name=name: ask(headers={"anthropic-beta": name}))
      for name in ("prompt-caching-2024-07-31", "message-batches-2024-09-24",
                   "fine-grained-tool-streaming-2025-05-14", "claude-code-20250219",
                   "interleaved-thinking-2025-05-14,context-1m-2025-08-07")],
    Case("keywords that no draft knows", "JSON Schema 2020-12: unknown keywords are no fault",
         lambda: schema({"x": {"type": ["string", "null"], "nullable": True, "example": 1,
                               "format": "no-such-format", "pattern": "(?<year>\\p{N}+)"}})),
    Case("anyOf below the top", "claude-code#40075, 2026-03-28", lambda: schema(
         {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}})),
    Case("any property key below the top", "decocms/studio#6874, 2026-09-02: on top only",
         lambda: schema({"x": {"type": "object", "properties": {"my city": {}}}})),
    Case("definitions, references and another draft's name", "undated", lambda: schema(
         {"x": {"$ref": "#/definitions/y"}}, definitions={"y": {"type": "string"}},
         **{"$schema": "http://json-schema.org/draft-07/schema#"})),
    Case("blocked domains null", "CherryHQ/cherry-studio#10374, 2025-09-26",
         lambda: typed("web_search_20250305", "web_search", blocked_domains=None)),
    Case("allowed domains empty, of web_fetch", "two public notes of 2026: there it denies all",
         lambda: typed("web_fetch_20250910", "web_fetch", allowed_domains=[])),
    Case("minItems 1, strict", "memorize-everything#93, 2026-05-01",
         lambda: ask(output_config=answer(a={"type": "array", "items": {"type": "string"},
                                             "minItems": 1}))),
    Case("a user id with a hash", "litellm#10106, 2025-04-17", lambda: ask(
         metadata={"user_id": "user_01@session"})),
    Case("a container with the code tool", "direct API, run of 2026-08-30", lambda: ask(
         container="container_1", tools=[{"type": "code_execution_20250825",
                                          "name": "code_execution"}])),
    Case("no container", "direct API, run of 2026-08-30", lambda: ask(container=None)),
    *[Case(f"inference_geo {place}", "direct API, run of 2026-08-30",
           lambda place=place: ask(inference_geo=place)) for place in ("us", "global", None)],
    Case("a system turn of two texts", "direct API, run of 2026-08-31",
         lambda: system(text("x"), text("y"))),
    Case("fast mode on Opus 5.5", "release notes, 2026-10-15",
         lambda: ask(model="claude-opus-5-5", speed="fast")),
    Case("fast mode on Opus 5, in preview", "docs fast-mode, August 2026", lambda: ask(
         model="claude-opus-5", speed="fast", headers={"anthropic-beta": "fast-mode-2026-02-01"})),
    Case("fast mode on Opus 4.6", "hermes-agent#82348, 2026-08-09: without effect, no error",
         lambda: ask(model="claude-opus-4-6", speed="fast",
                     headers={"anthropic-beta": "fast-mode-2026-02-01"})),
    Case("standard speed anywhere", "pydantic-ai#4300, 2026-04-22",
         lambda: ask(model=HAIKU_4_5, speed="standard")),
    Case("computer use on Sonnet 4.6", "docs computer-use, 2026", lambda: ask(
         model=SONNET_4_6, headers={"anthropic-beta": "computer-use-2025-11-24"},
         tools=[{"type": "computer_20251124", "name": "computer", "display_width_px": 9,
                 "display_height_px": 9}])),
    Case("one emoji as two halves", "RFC 8259: a pair is whole", lambda: said("\\ud83d\\ude00")),
    Case("a backslash before what looks like a half", "RFC 8259", lambda: said("\\\\ud83d")),
    Case("citations on all documents", "docs citations, 2026", lambda: ask(messages=[user(
         *[noted(citations={"enabled": True})] * 2)])),
    Case("citations on no document", "docs citations, 2026", lambda: ask(messages=[user(
         noted(), noted(citations={"enabled": False}))])),
]  # fmt: skip

REFUSED = [
    *[Case(f"the property {written}", source, lambda written=written: schema({"x": written}),
           PROPERTY)
      for written, source in (
          ("number", "home-assistant/core#181282, 2026-09-04"),
          ({"type": "string", "required": True}, "claude-code#86665, 2026-08-14"),
          ({"type": "str"}, "anthropic-sdk-java#241, 2025-04-05"),
          ({"type": "string", "required": "x"}, "claude-code#86665, 2026-08-14"),
          ({"type": "integer", "minimum": 0, "exclusiveMinimum": True},
           "measured with Claude Code 2.1.283, 2026"),
          ({"type": "array", "items": [{"type": "string"}]},
           "measured with Claude Code 2.1.283, 2026"),
          ({"type": "string", "enum": "a, b"}, "JSON Schema 2020-12"),
      )],
    Case("required as a text", "claude-code#86665, 2026-08-14",
         lambda: schema(required="x"), PROPERTY),
    Case("properties as a list", "a public note of 2026", lambda: schema(["x"]), PROPERTY),
    *[Case(f"{word} on top", "cantinarr#497, 2026-08-23; claude-code#40075, 2026-03-28",
           lambda word=word: schema(**{word: [{"required": ["a"]}]}),
           "input_schema does not support oneOf, allOf, or anyOf at the top level")
      for word in ("anyOf", "oneOf", "allOf")],
    *[Case(f"the key {name}", "decocms/studio#6874, 2026-09-02; composio#3500, 2026-06-02",
           lambda name=name: schema({name: {"type": "string"}}),
           "input_schema.properties: Property keys should match pattern "
           "'^[a-zA-Z0-9_.-]{1,64}$'")
      for name in ("my city", "größe", "filter[id]", "x" * 65, "")],
    Case("a faulty schema, counted", "as in messages", lambda: ask(
         "/v1/messages/count_tokens", tools=[tool() | {"input_schema": {
             "type": "object", "properties": {"x": "number"}}}]), PROPERTY),
    *[Case(f"an empty text inside {what}", source, request,
           "text content blocks must be non-empty")
      for what, source, request in (
          ("a result", "awsl-project/maxx#257, 2026-02-25", lambda: returned(content=[text("")])),
          ("a result beside another", "sub2api#1212, 2026-03-22",
           lambda: returned(content=[text("x"), text("")])),
          ("a document", "LibreChat-AI/agents#124, 2026-04-30: refused anywhere",
           lambda: ask(messages=[user({"type": "document", "source": {
               "type": "content", "content": [text("")]}})])),
          ("a search result", "LibreChat-AI/agents#124, 2026-04-30: refused anywhere",
           lambda: ask(messages=[user({"type": "search_result", "source": "s", "title": "t",
                                       "content": [text("")]})])),
          ("a call's turn", "LibreChat-AI/agents#124, 2026-04-30: refused anywhere",
           lambda: ask(messages=[user("q"), claude(text(""), call()), user(result())])),
      )],
    Case("a blank text alone in Claude's turn", "LibreChat-AI/agents#124, 2026-04-30",
         lambda: ask(messages=[user("q"), claude(text(" ")), user("and?")]),
         "text content blocks must contain non-whitespace text"),
    Case("two blank texts", "LibreChat-AI/agents#124, 2026-04-30",
         lambda: ask(messages=[user(text(" "), text("\n"))]),
         "text content blocks must contain non-whitespace text"),
    *[Case(f"the beta {name!r}", "docs beta-headers, 2026; direct API, run of 2026-08-30; "
           "anthropix#15 (empty)", lambda name=name: ask(headers={"anthropic-beta": name}),
           f"Unexpected value(s) `{wrong}` for the `anthropic-beta` header. Please consult our "
           "documentation at platform.claude.com/docs or try again without the header.")
      for name, wrong in (
          ("prompt-caching-2099-01-01", "prompt-caching-2099-01-01"),
          ("context-1m-2025-08-07, bogus", "bogus"),
          ("Prompt-Caching-2024-07-31", "Prompt-Caching-2024-07-31"),
          ("", ""),
      )],
    *[Case(f"{field} without its beta", f"SDK 2.14, which names the beta: {name}",
           lambda field=field, value=value: ask(**{field: value}, headers={
               "anthropic-beta": "prompt-caching-2024-07-31"}),
           f"{field}: Extra inputs are not permitted")
      for field, value, name in (
          ("mcp_servers", [], "mcp-client"), ("context_management", {}, "context-management"),
          ("thread", {"type": "create"}, "message-threads"),
          ("output_format", NAME, "structured-outputs"),
      )],
    *[Case(f"the tool type {kind}", "docs api/errors, 2026-09-26",
           lambda kind=kind, name=name, more=more: typed(kind, name, **more),
           f"'{SONNET}' does not support tool types: {kind}. Did you mean one of ")
      for kind, name, more in (
          ("text_editor_20241022", "str_replace_editor", {}), ("bash_20241022", "bash", {}),
          ("computer_20241022", "computer", {"display_width_px": 9, "display_height_px": 9}),
          ("computer_20251124", "computer", {"display_width_px": 9, "display_height_px": 9}),
      )],
    Case("a tool type that never was", "api-differences, row 10, 2026-11",
         lambda: typed("web_search_20240101", "web_search"),
         "tools.0: Input tag 'web_search_20240101' found using 'type' does not match any of the "
         "expected tags: 'advisor_20260301', 'bash_20241022', "),
    Case("another name for web search", "SDK 2.14's types",
         lambda: typed("web_search_20250305", "search"),
         "tools.0.web_search_20250305.name: Input should be 'web_search'"),
    Case("max_uses as a word", "SDK 2.14's types",
         lambda: typed("web_search_20250305", "web_search", max_uses="five"),
         "tools.0.web_search_20250305.max_uses: Input should be a valid integer"),
    Case("a tool without its name", "SDK 2.14's types",
         lambda: ask(tools=[{"type": "bash_20250124"}]),
         "tools.0.bash_20250124.name: Field required"),
    Case("a field that the tool lacks", "SDK 2.14's types",
         lambda: typed("bash_20250124", "bash", input_schema={}),
         "tools.0.bash_20250124.input_schema: Extra inputs are not permitted"),
    *[Case(f"{field} empty, of {kind}", "CherryHQ/cherry-studio#10374, 2025-09-26; docs managed "
           "agents, 2026", lambda kind=kind, field=field: typed(kind, "web_search", **{field: []}),
           f"tools.0.{kind}.{field}: Empty list of domains is ambiguous. Provide at least one "
           "domain or null.")
      for kind in ("web_search_20250305", "web_search_20260318")
      for field in ("allowed_domains", "blocked_domains")],
    Case("both lists of domains", "docs managed agents, 2026", lambda: typed(
         "web_search_20250305", "web_search", allowed_domains=["a.org"],
         blocked_domains=["b.org"]), "Only one of allowed_domains or blocked_domains may be set."),
    *[Case(f"minItems {least}, strict", "memorize-everything#93, 2026-05-01",
           lambda least=least: ask(tools=[tool(strict=True) | {"input_schema": {
               "type": "object", "additionalProperties": False, "properties": {"a": {
                   "type": "array", "items": {"type": "string"}, "minItems": least}}}}]),
           "For 'array' type, 'minItems' values other than 0 or 1 are not supported")
      for least in (2, 3)],
    Case("a PDF with a password", "claude-code#19013, 2026-01-18", lambda: ask(messages=[user(
         paper(b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages"
               b"/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R>>endobj\n"
               b"trailer<</Root 1 0 R/Encrypt 4 0 R/Size 5>>\n%%EOF"))]),
         "messages.0.content.0.pdf.source.base64.data: The PDF specified is password protected."),
    Case("a PDF with a password, without a table", "claude-code#19013, 2026-01-18",
         lambda: ask(messages=[user(paper(
             b"%PDF-1.7\n9 0 obj<</Type/XRef/Encrypt 4 0 R/Size 5>>stream\nx\nendstream endobj\n"
             b"startxref 9\n%%EOF"))]), "The PDF specified is password protected."),
    *[Case(f"a PDF, {what}", "claude-code#5174, 2025-08-05", lambda data=data: ask(
           messages=[user(paper(data))]), "The PDF specified was not valid.")
      for what, data in (("only its head", b"%PDF-1.7"),
                         ("cut", b"%PDF-1.7\n1 0 obj<</Type/Page"))],
    Case("an empty PDF", "quoted 400 of September 2026",
         lambda: ask(messages=[user(paper(b""))]),
         "messages.0.content.0.document.source.base64: PDF cannot be empty"),
    Case("an empty picture", "claude-code#12750, 2025-11-30, and #9007",
         lambda: ask(messages=[user(picture(data=""), text("What?"))]),
         "messages.0.content.0.image.source.base64: image cannot be empty"),
    *[Case(f"a damaged {kind}", f"Could not process image, 2026; that a cut file is one: {likely}",
           lambda kind=kind: ask(messages=[user(cut(kind))]), "Could not process image")
      for likely in ("likely",) for kind in ("PNG", "JPEG", "GIF", "WEBP")],
    Case("a result in Claude's turn", "Anthropic.SDK#128, 2025-08-03",
         lambda: ask(messages=[user("q"), claude(result()), user("and?")], tools=[tool()]),
         "messages.1: `tool_result` blocks can only be in `user` messages"),
    Case("a call in the user's turn", "public tests of 2026",
         lambda: ask(messages=[user(call()), user(result())], tools=[tool()]),
         "messages.0: `tool_use` blocks can only be in `assistant` messages"),
    *[Case(f"the user id {name}", "litellm#10106, 2025-04-17",
           lambda name=name: ask(metadata={"user_id": name}),
           "metadata.user_id: user_id appears to contain an email address")
      for name in ("me@example.com", "user me.too@example.co.uk")],
    Case("a container of one's own", "direct API, run of 2026-08-30",
         lambda: ask(container="container_x"),
         "container: Container identifier can only be provided when using the code execution tool"),
    Case("a container with tools of one's own", "pydantic-ai-go#4, 2026-09", lambda: ask(
         container="container_x", tools=[tool()]), "container: Container identifier can only be"),
    *[Case(f"inference_geo {place!r}", "direct API, run of 2026-08-30",
           lambda place=place: ask(inference_geo=place),
           "inference_geo: must be one of ['global', 'us']") for place in ("eu", "US", "")],
    *[Case(f"a system turn, {what}", "direct API, run of 2026-08-31", request, SYSTEM + says)
      for what, request, says in (
          ("blank", lambda: system("  "), "system text blocks must contain non-whitespace text"),
          ("one text empty", lambda: system(text("x"), text("")),
           "system text blocks must contain non-whitespace text"),
          ("one text blank", lambda: system(text("x"), text(" ")),
           "system text blocks must contain non-whitespace text"),
          ("empty", lambda: ask(messages=[user("a"), {"role": "system", "content": []}]),
           "system content must contain at least one block"),
          ("with a picture", lambda: system(picture()),
           "role 'system' supports text, tool_addition, and tool_removal blocks only"),
          ("empty, before a question",
           lambda: ask(messages=[user("a"), {"role": "system", "content": []}, user("b")]),
           "system content must contain at least one block"),
          ("blank, before a question",
           lambda: ask(messages=[user("a"), {"role": "system", "content": " "}, user("b")]),
           "role 'system' must precede an 'assistant' message or end the array"),
      )],
    Case("system first, and empty", "direct API, run of 2026-08-31",
         lambda: ask(messages=[{"role": "system", "content": []}, user("a")]),
         "messages.0: system content must contain at least one block"),
    Case("system first, with a picture", "direct API, run of 2026-08-31",
         lambda: ask(messages=[user(picture()) | {"role": "system"}, user("a")]),
         "messages.0: role 'system' supports text, tool_addition, and tool_removal blocks only"),
    Case("two system turns before a question", "direct API, run of 2026-09-01", lambda: ask(
         messages=[user("a"), *[{"role": "system", "content": "s"}] * 2, user("b")]),
         "messages.2: role 'system' must precede an 'assistant' message or end the array"),
    Case("an empty turn beats the container", "direct API, run of 2026-08-31",
         lambda: ask(messages=[user("")], container="container_x"),
         "messages.0: user messages must have non-empty content"),
    *[Case(what, "claude-code#60394, 2026-05-19", lambda text=text: said(text),
           f"The request body is not valid JSON: {says} in string: line 1")
      for what, text, says in (
          ("half an emoji", "a \\ud83d b", "no low surrogate"),
          ("half an emoji at the end", "a \\uD83D", "no low surrogate"),
          ("the other half", "a \\ude00 b", "invalid high surrogate"),
          ("half an emoji twice", "\\ud83d\\ud83d", "invalid low surrogate"),
      )],
    *[Case(f"speed fast on {model}", "hermes-agent#19517, 2026-05-04; a public test of 2026",
           lambda model=model: ask(model=model, speed="fast"),
           f"'{model}' does not support the `speed` parameter.")
      for model in (SONNET, "claude-haiku-5-5", "claude-opus-4-7", "claude-fable-5-1")],
    Case("a path behind joined turns", "anthropic-sdk-python, recorded in 2026",
         lambda: ask(messages=[user("q"), user(result())], tools=[tool()]),
         "messages.0.content.1: unexpected `tool_use_id`"),
    Case("a path far behind joined turns", "by the same logic, 2026", lambda: ask(
         messages=[user("a"), user("b"), claude("c"), claude("d"), user(text("e"), result())],
         tools=[tool()]), "messages.2.content.1: unexpected `tool_use_id`"),
    Case("a call without its result, behind joined turns", "by the same logic, 2026", lambda: ask(
         messages=[user("a"), user("b"), claude("c"), claude(call()), user("e")], tools=[tool()]),
         "messages.1: `tool_use` ids were found without `tool_result` blocks"),
    Case("a call's id twice in one turn", "claude-code#21094 and #28515, 2026", lambda: ask(
         messages=[user("q"), claude(call(), call()), user(result())], tools=[tool()]),
         "messages.1.content.1: `tool_use` ids must be unique"),
    Case("the schema's fault under the old name", "recorded twice, 2026", lambda: ask(
         output_format=answer(a={"type": "integer", "minimum": 0})["format"], headers=STRUCTURED),
         "output_format.schema: For 'integer' type, property 'minimum' is not supported"),
    Case("no schema under the old name", "recorded once, 2026", lambda: ask(
         output_format={"type": "json_schema"}, headers=STRUCTURED),
         "output_format.schema: Field required"),
    Case("thinking without a type", "direct API, run of 2026-08-31", lambda: ask(thinking={}),
         "thinking.type: Field required"),
    Case("block_binding without its beta", "docs thinking-troubleshooting, 2026-10-10",
         lambda: ask(thinking={"type": "adaptive", **DROP}),
         "thinking.adaptive.block_binding: Extra inputs are not permitted"),
    Case("citations on one of two documents", "docs citations, quoted 2026-07-20",
         lambda: ask(messages=[user(noted(citations={"enabled": True}), noted())]),
         "all or none of the documents"),
    Case("NaN", "RFC 8259: there is no such number", lambda: raw('{"max_tokens": NaN}'),
         "The request body is not valid JSON: "),
    Case("a field missing beside an empty model", "direct API, run of 2026-08-31",
         lambda: ask(model=GONE, container="x"), "model: Field required"),
]  # fmt: skip


def said(escaped: str) -> Request:
    """A request whose JSON text holds this string as it stands here."""
    words = json.dumps({"model": facts.MODEL, "max_tokens": 9, "messages": [user("HERE")]})
    return raw(words.replace("HERE", escaped))


def raw(body: str) -> Request:
    """A request with this body, as it arrives."""
    sent = body.encode()
    return Request("POST", "/v1/messages", "", ask().headers, sent, parse_body(sent))


def cut(kind: str) -> JSON:
    """The first half of a picture."""
    media = f"image/{kind.lower()}"
    whole = picture(90, 90, kind, media_type=media)
    data = base64.b64decode(whole["source"]["data"])
    half = base64.b64encode(data[: len(data) * 2 // 3]).decode()
    return {"type": "image", "source": whole["source"] | {"data": half}}


@pytest.mark.parametrize("each", PASSES, ids=lambda each: each.name)
def test_what_the_api_takes_passes(each: Case) -> None:
    problem = rules.check(Call(each.request(), expected_key=KEY))
    assert problem is None, f"{problem} (seen: {each.source})"


@pytest.mark.parametrize("each", REFUSED, ids=lambda each: each.name)
def test_what_the_api_refuses_is_refused_in_its_words(each: Case) -> None:
    problem = rules.check(Call(each.request(), expected_key=KEY))
    assert problem is not None, f"nothing was refused (seen: {each.source})"
    assert problem.status == each.status
    assert each.says in problem.message


def test_expected_tags_are_sorted_and_written_out() -> None:
    """AstrBot#4444, 2026-01-13; dirac-run/dirac#57, 2026-04-30; recorded four times."""
    odd: list[Request] = [
        ask(messages=[user({"type": "image_url", "image_url": {"url": "https://x/y.png"}})]),
        ask(messages=[user({"type": "image", "source": {"type": "path"}})]),
        ask(messages=[user({"type": "document", "source": {"type": "path"}})]),
        ask(tools=[{"type": "function", "function": {}}]),
        ask(tool_choice={"type": "required"}),
        ask(thinking={"type": "on"}),
    ]
    for request in odd:
        problem = rules.check(Call(request, expected_key=KEY))
        assert problem is not None
        before, _, after = problem.message.partition("expected tags: ")
        tags = re.findall(r"'([^']*)'", after)
        assert before.endswith("does not match any of the ")
        assert len(tags) > 2 and tags == sorted(tags), problem.message
        assert after == ", ".join(f"'{tag}'" for tag in tags), "something is left out"


def told_of(block: JSON, behavior: str, **fields: Any) -> Any:
    """What the reply tells about dropped blocks, to a request that sends `block` back."""
    how = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": behavior}}
    request = back(block, thinking=how, headers=BINDING, **fields)
    assert rules.check(Call(request, expected_key=KEY)) is None
    message = whole_message("Hi", request.body, 1)
    names = list(message)
    if "input_transformations" in names:
        at = names.index("input_transformations")
        assert names[at - 1 : at + 2] == ["usage", "input_transformations", "diagnostics"]
    return message.get("input_transformations", "nothing")


def test_a_dropped_block_is_told_in_the_reply() -> None:
    """Recorded on Sonnet 5.5, 2026-10-05."""
    other = ids.signature({"system": "Be kind.", "messages": [user("q")]}, "", 9)
    block = {"type": "thinking", "thinking": "", "signature": other}
    told = [
        {
            "type": "thinking_dropped",
            "path": "messages.1.content.0",
            "reason": "prefix_binding_mismatch",
        }
    ]
    assert told_of(block, "drop_block") == told
    assert told_of(block, "drop_block", model="claude-sonnet-4-6") == []


def test_a_reply_says_when_nothing_was_dropped_and_is_silent_when_nobody_asked() -> None:
    """Recorded on Fable 5.1, September 2026."""
    assert told_of(of_5_5(), "drop_block") == []
    assert told_of(of_5_5(), "error") == "nothing"
