"""Rules about what a model takes: limits, thinking, effort, tool choice, schemas."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from courseserver.call import Call
from courseserver.prompt import items
from courseserver.rules.rule import ERRORS, OURS, TALK, Objections, rule
from courseserver.tool_types import TYPES, unsupported
from courseserver.values import JSON

NUMERIC = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
UNSUPPORTED = {"integer": NUMERIC, "number": NUMERIC, "array": {"maxItems"}}
PROPERTY_KEY = "^[a-zA-Z0-9_.-]{1,64}$"
# Opus 4.6 takes the parameter without effect; Opus 5 and 4.8 are in preview (fast-mode, 2026).
# Fast mode's page: Fable 5.2 and Opus 5.5; Opus 5 in preview; Opus 4.8 ends on 2026-11-30.
FAST = (
    "claude-fable-5-2",
    "claude-opus-5-5",
    "claude-opus-5",
    "claude-opus-4-8",
    "claude-opus-4-6",
)


@rule("claude-code#23923, 2026-02-07", "messages")
def max_tokens(call: Call) -> Objections:
    asked, most = call.body["max_tokens"], call.model.max_output
    if asked > most:
        which = f"which is the maximum allowed number of output tokens for {call.body['model']}"
        yield f"max_tokens: {asked} > {most}, {which}"


@rule("pi pull request 7961, 2026-08-11; both: published live refusal of 2026-10-04", "messages")
def sampling(call: Call) -> Objections:
    given = {n: call.body[n] for n in ("temperature", "top_p", "top_k") if n in call.body}
    if "temperature" in given and "top_p" in given:
        yield "`temperature` and `top_p` cannot both be specified for this model."
    for name, value in given.items():
        neutral = value == 1 if name == "temperature" else name == "top_p" and value >= 0.99
        if not neutral and not call.model.sampling:
            yield f"`{name}` is deprecated for this model."


@rule(f"{ERRORS}, and thinking-troubleshooting; budget: live refusal of 2026-09-02", *TALK)
def thinking(call: Call) -> Objections:
    kind, accepted = call.part("thinking", "type"), call.model.thinking
    if kind in {None, *accepted}:
        pass
    elif kind == "adaptive":
        yield "adaptive thinking is not supported on this model"
    elif kind == "between_tools":
        yield '"thinking.type.between_tools" is not supported for this model.'
    elif kind == "disabled" and "between_tools" in accepted:
        yield (
            'To turn thinking off on this model, send "thinking": {"type": "between_tools"} '
            'instead of {"type": "disabled"}. The model does not think before responding. The '
            "short updates it writes between tool calls come back as thinking blocks."
        )
    else:
        use = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking'
        yield f'"thinking.type.{kind}" is not supported for this model. {use} behavior.'
    budget, most = call.part("thinking", "budget_tokens"), call.body.get("max_tokens")
    if budget and most is not None and budget >= most and "interleaved-thinking" not in call.betas:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."


@rule(f"recorded (levels); TradingAgents#831, 2026-05-14 (no effort); {ERRORS} (off)", *TALK)
def effort(call: Call) -> Objections:
    level, levels = call.part("output_config", "effort"), call.model.efforts
    if level and not levels:
        yield "This model does not support the effort parameter."
    if level and level not in levels:
        known = f"Supported levels: {', '.join(sorted(levels))}."
        yield f"This model does not support effort level '{level}'. {known}"
    off = call.part("thinking", "type") in {"disabled", "between_tools"}
    if off and call.model.off_needs_high_or_less and level in {"xhigh", "max"}:
        yield (
            f"output_config.effort '{level}' is not supported when thinking is disabled on this "
            "model. Use effort 'high' or below, or enable thinking."
        )


@rule(f"{ERRORS}; while thinking: quoted to 2026; no such tool: runs of September 2026", *TALK)
def tool_choice(call: Call) -> Objections:
    if call.forces_tool and not call.model.forced_tools:
        yield 'tool_choice: type "tool" and "any" are not supported for this model.'
    if call.forces_tool and call.part("thinking", "type") == "enabled":
        yield "Thinking may not be enabled when tool_choice forces tool use."
    wanted = call.part("tool_choice", "name")
    if call.forces_tool and not wanted and not call.tools:
        yield "tool_choice.any may only be specified while providing tools"
    if wanted is not None and wanted not in [tool.get("name") for tool in call.tools]:
        yield f"Tool '{wanted}' not found in provided tools"


@rule("claude-code#14205, 2025-12-16", *TALK)
def tool_names(call: Call) -> Objections:
    names = [str(tool["name"]) for tool in call.tools if "name" in tool]
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."


@rule("home-assistant/core#181282, 2026-09-04; claude-code#86665, 2026-08-14; on top: "
      "cantinarr#497, 2026-08-23; keys: decocms/studio#6874, 2026-09-02", *TALK)  # fmt: skip
def tool_schema(call: Call) -> Objections:
    for place, each in own_schemas(call):
        if not is_json_schema(each):
            yield (
                f"{place}: JSON schema is invalid. It must match JSON Schema draft 2020-12 "
                "(https://json-schema.org/draft/2020-12). Learn more about tool use at "
                "https://docs.claude.com/en/docs/tool-use."
            )
        if {"oneOf", "allOf", "anyOf"} & each.keys():
            yield f"{place} does not support oneOf, allOf, or anyOf at the top level"
        keys = each.get("properties") or {}
        if not all(re.fullmatch(PROPERTY_KEY, key) for key in keys):
            must = f"Property keys should match pattern '{PROPERTY_KEY}'"
            yield f"{place}.properties: {must}"


@rule(f"{ERRORS}; the list behind the sentence: {OURS}", *TALK)
def tool_types(call: Call) -> Objections:
    model = call.model.id
    bad = [str(tool["type"]) for tool in call.tools if unsupported(tool.get("type") or "", model)]
    if bad:
        others = ", ".join(kind for kind in sorted(TYPES) if not unsupported(kind, model))
        what = f"does not support tool types: {', '.join(bad)}."
        yield f"'{call.body['model']}' {what} Did you mean one of {others}?"


@rule("CherryHQ/cherry-studio#10374, 2025-09-26; both lists: docs managed agents, 2026 (the path "
      f"before it: {OURS}); web_fetch takes an empty list: public notes, 2026", *TALK)  # fmt: skip
def domains(call: Call) -> Objections:
    for k, tool in enumerate(call.tools):
        kind = str(tool.get("type") or "")
        lists = [tool.get("allowed_domains"), tool.get("blocked_domains")]
        if not kind.startswith("web_search_"):
            continue
        for name, given in zip(("allowed_domains", "blocked_domains"), lists, strict=True):
            if given == []:
                what = "Empty list of domains is ambiguous. Provide at least one domain or null."
                yield f"tools.{k}.{kind}.{name}: {what}"
        if all(lists):
            what = "Only one of allowed_domains or blocked_domains may be set."
            yield f"tools.{k}.{kind}: {what}"


@rule("direct API, published run of 2026-08-30; pydantic-ai-go#4, 2026-09", "messages")
def container(call: Call) -> Objections:
    name = call.body.get("container")
    # Web tools of 2026 run code as well, so they may have a container: they pass.
    runs_code = any(
        re.match("code_execution_|web_[a-z]+_2026", str(tool.get("type") or ""))
        for tool in call.tools
    )
    if isinstance(name, str) and not runs_code and not call.body.get("mcp_servers"):
        only = "can only be provided when using the code execution tool"
        yield f"container: Container identifier {only}"


@rule("hermes-agent#19517, 2026-05-04 and #82348, 2026-08-09 (Opus 4.6); a public test of 2026",
      "messages")  # fmt: skip
def speed(call: Call) -> Objections:
    if call.body.get("speed") == "fast" and call.model.id not in FAST:
        yield f"'{call.body['model']}' does not support the `speed` parameter."


@rule("published live refusals: 2026-07-21, 2026-08-01 (format), 2026-09-04 (strict); minItems: "
      "memorize-everything#93, 2026-05-01; output_format: recorded, 2026", *TALK)  # fmt: skip
def json_schema(call: Call) -> Objections:
    places: JSON = {}
    if call.json_format:
        where, form = call.json_format
        places[f"{where}.schema"] = form.get("schema")
    strict = [(k, tool) for k, tool in enumerate(call.tools) if tool.get("strict")]
    places |= {f"tools.{k}.custom": tool.get("input_schema") for k, tool in strict}
    for place, each in places.items():
        if fault := schema_fault(each):
            yield f"{place}: {fault}"


@rule("direct API, haiku-4-5, published capture of 2026-09-30", "messages")
def stop_sequences(call: Call) -> Objections:
    if not all(text.strip() for text in call.body.get("stop_sequences") or []):
        yield "stop_sequences: each stop sequence must contain non-whitespace"


def schema_fault(part: Any) -> str | None:
    """What strict JSON Schema refuses in `part` or below: open objects, number and list limits."""
    if not isinstance(part, dict):
        return None
    kind, closed = part.get("type"), part.get("additionalProperties")
    if kind == "object" and closed is None:
        return "For 'object' type, 'additionalProperties' must be explicitly set to false"
    if kind == "object" and closed is not False:
        given = "object" if isinstance(closed, dict) else "true"
        no = f"'additionalProperties: {given}' is not supported"
        return f"For 'object' type, {no}. Please set 'additionalProperties' to false"
    if kind == "array" and "maxItems" not in part and part.get("minItems", 0) not in (0, 1):
        return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    bad = sorted(UNSUPPORTED.get(kind, set()) & part.keys()) if isinstance(kind, str) else []
    if bad:
        which = f"property '{bad[0]}' is" if len(bad) == 1 else f"properties {', '.join(bad)} are"
        return f"For '{kind}' type, {which} not supported"
    below = [part.get("items"), *items(part, "anyOf"), *items(part, "allOf")]
    for named in (part.get(name) for name in ("properties", "$defs", "definitions")):
        below += named.values() if isinstance(named, dict) else []
    return next((fault for each in below if (fault := schema_fault(each))), None)


def own_schemas(call: Call) -> Iterator[tuple[str, JSON]]:
    """Path and input schema of each tool that the API does not define itself."""
    for k, tool in enumerate(call.tools):
        if "input_schema" in tool:
            yield f"tools.{k}.custom.input_schema", tool["input_schema"]


def is_json_schema(value: JSON) -> bool:
    """Whether a value is a JSON Schema, draft 2020-12.

    True where nobody can look: it is nested too deep, or jsonschema is not installed (a browser).
    Formats and regular expressions are not looked at: other languages have others.
    """
    return _is_json_schema(json.dumps(value))


@lru_cache(maxsize=256)
def _is_json_schema(text: str) -> bool:
    try:
        return bool(_meta_schema().is_valid(json.loads(text)))
    except (RecursionError, ImportError):
        return True


@cache
def _meta_schema() -> Any:
    """The check of a schema. jsonschema is imported only now: it takes a tenth of a second.

    It would take a whole second with the grammar of internationalized addresses, which it loads
    for a format that nobody asks for here; while jsonschema is imported, that is kept out.
    """
    grammar = "rfc3987_syntax"
    kept_out = grammar not in sys.modules
    if kept_out:
        sys.modules[grammar] = None  # type: ignore[assignment]
    try:
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    finally:
        if kept_out:
            del sys.modules[grammar]
    return Draft202012Validator(Draft202012Validator.META_SCHEMA)
