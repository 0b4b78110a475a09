"""The API's own rules: what it answers to a request before any model sees it, a few lines each.

`check` asks them in order and returns the first objection. They know requests and the dated table
of models, nothing of recordings or lessons. Each names where its words were seen; "wording not
established" marks a refusal that is documented while its sentence is ours.
"""

from __future__ import annotations

import base64
import hmac
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from courseserver import estimate, facts, schema, wire
from courseserver.values import Problem, Request

JSON = dict[str, Any]
Objections = Iterator[str | Problem]  # a rule yields; a sentence alone is a 400

ENDPOINTS = {  # kind: (methods, path). A further endpoint is a line here, and rules that name it.
    "messages": ("POST", re.compile(r"/v1/messages")),
    "count_tokens": ("POST", re.compile(r"/v1/messages/count_tokens")),
    "models": ("GET", re.compile(r"/v1/models(/[^/]+)?")),
    "batches": ("GET POST DELETE", re.compile(r"/v1/messages/batches(/[^/]+){0,2}")),
    "files": ("GET POST DELETE", re.compile(r"/v1/files(/[^/]+){0,2}")),
}
TALK = ("messages", "count_tokens")
ERRORS = "docs api/errors, 2026-10-10"
DIRECT = "direct API, sonnet-5, published run of 2026-08-31"
OURS = "wording not established"
ANYWHERE = "; the directive-only form (content: [] with output_config) is accepted at any position"
MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
BINDING = "thinking-binding-controls-2026-08-01"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NUMERIC = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
UNSUPPORTED = {"integer": NUMERIC, "number": NUMERIC, "array": {"maxItems"}}
CHANGED = {
    "system": "The `system` prompt differs from the one this block was created with.",
    "tools": "The `tools` differ from the ones this block was created with.",
    "messages": "The earlier messages differ from the ones this block was created with.",
}


class Call:
    """One request, with what several rules need to know of it."""

    def __init__(self, request: Request, expected_key: str | None) -> None:
        self.request, self.expected_key, self.headers = request, expected_key, request.headers
        self.kind = next((k for k, (_, p) in ENDPOINTS.items() if p.fullmatch(request.path)), "")
        self.body: JSON = request.body if isinstance(request.body, dict) else {}
        self.turns: list[JSON] = self.body.get("messages") or []
        self.tools: list[JSON] = self.body.get("tools") or []
        self.betas = self.headers.get("anthropic-beta", "")
        self.old = self.headers.get("anthropic-version") in facts.OLD_API_VERSIONS

    def part(self, *names: str) -> Any:
        """A value deep in the body; None when a step of the way is missing or null."""
        value: Any = self.body
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    @property
    def model(self) -> facts.Model:
        return facts.model(self.body["model"])

    @property
    def forces_tool(self) -> bool:
        return self.part("tool_choice", "type") in {"any", "tool"}

    def joined(self) -> list[tuple[str, list[tuple[int, int, JSON]]]]:
        """Turns as the API joins them: neighbours of one role are one. System turns left out."""
        talk = [(i, turn) for i, turn in enumerate(self.turns) if turn["role"] != "system"]
        return [
            (role, [(i, j, block) for i, turn in group for j, block in enumerate(blocks(turn))])
            for role, group in itertools.groupby(talk, lambda pair: str(pair[1]["role"]))
        ]

    def everywhere(self, kind: str = "") -> Iterator[tuple[str, str, JSON]]:
        """Path, role and block of each block (of one `kind`), those inside results included."""
        for i, turn in enumerate(self.turns):
            for j, block in enumerate(blocks(turn)):
                found = [(f"messages.{i}.content.{j}", block)]
                within = f"{found[0][0]}.{block['type']}.content"
                found += [(f"{within}.{k}", part) for k, part in enumerate(items(block, "content"))]
                yield from ((p, turn["role"], b) for p, b in found if kind in {"", b.get("type")})

    def marked(self) -> Iterator[tuple[str, JSON]]:
        """What carries a cache breakpoint, in the order of the prompt."""
        found = [(f"tools.{k}", tool) for k, tool in enumerate(self.tools)]
        found += [(f"system.{k}", block) for k, block in enumerate(items(self.body, "system"))]
        found += [(path, block) for path, _, block in self.everywhere()]
        return ((path, b) for path, b in found if isinstance(b.get("cache_control"), dict))

    def sources(self, kind: str) -> Iterator[JSON]:
        """The sources of one kind (`url`, `file`) of all pictures and documents."""
        found = (block.get("source") for _, _, block in self.everywhere())
        return (each for each in found if isinstance(each, dict) and each.get("type") == kind)

    def base64(self, kind: str) -> Iterator[tuple[str, JSON, bytes | None]]:
        """Path, source and bytes (None: not base64) of each inline image or document."""
        for path, _, block in self.everywhere(kind):
            source = block.get("source", {})
            if source.get("type") == "base64":
                try:
                    data = base64.b64decode(source["data"], validate=True)
                except ValueError:
                    yield path, source, None
                else:
                    yield path, source, data


@dataclass(frozen=True)
class Rule:
    """One rule: its name, the source of its words, the endpoints it is for, its question."""

    name: str
    source: str
    kinds: tuple[str, ...]
    objections: Callable[[Call], Objections] = field(repr=False)


RULES: list[Rule] = []


def rule(source: str, *kinds: str) -> Callable[[Callable[[Call], Objections]], None]:
    """Add a function to the rules, under its own name; without `kinds` for every request."""
    return lambda asks: RULES.append(Rule(asks.__name__.replace("_", "-"), source, kinds, asks))


def check(request: Request, *, expected_key: str | None = None) -> Problem | None:
    """The first rule's objection to `request`; None when the API would pass it to a model.

    `expected_key`: the only API key that is accepted; None accepts any.
    """
    call = Call(request, expected_key)
    for each in RULES:
        if each.kinds and call.kind not in each.kinds:
            continue
        found = next(each.objections(call), None)
        if isinstance(found, str):
            found = Problem(400, "invalid_request_error", found)
        if found:
            return replace(found, rule=each.name)
    return None


def blocks(turn: Mapping[str, Any]) -> list[JSON]:
    """The content of a turn as a list of blocks."""
    content = turn["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def items(holder: Mapping[str, Any], name: str) -> list[JSON]:
    """The objects in a field that may hold a list; none when it is a text, null or missing."""
    value = holder.get(name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


# --- the HTTP request -----------------------------------------------------------------------


@rule("quoted reply, 2025-04-14; limits: " + ERRORS)
def body_too_large(call: Call) -> Objections:
    if len(call.request.raw) > facts.MAX_BODY_BYTES.get(call.kind, 32 * facts.MEGABYTE):
        yield Problem(413, "request_too_large", "Request exceeds the maximum size")


@rule(f"path: a quoted reply of about July 2026; method: {OURS}")
def endpoint(call: Call) -> Objections:
    if not call.kind:
        yield Problem(404, "not_found_error", "Not found")
    elif call.request.method.upper() not in ENDPOINTS[call.kind][0].split():
        yield Problem(405, "invalid_request_error", "Method Not Allowed")


@rule("n8n#37930, 2026-09-07; recorded 2026-08-19; openclaw#54350, 2026 (bearer)")
def key(call: Call) -> Objections:
    direct, bearer = call.headers.get("x-api-key"), call.headers.get("authorization")
    if not direct and not bearer:
        yield Problem(401, "authentication_error", "x-api-key header is required")
    sent = direct or (bearer or "").partition(" ")[2]  # x-api-key wins when both are there
    expected = sent if call.expected_key is None else call.expected_key
    if not hmac.compare_digest(sent.encode(), expected.encode()):
        words = "invalid x-api-key" if direct else "Invalid bearer token"
        yield Problem(401, "authentication_error", words)


@rule("Marinara-Engine#120, 2026-04-19; 9router#1227, 2026-05-17")
def version(call: Call) -> Objections:
    asked = call.headers.get("anthropic-version")
    if not asked:
        yield "anthropic-version: header is required"
    if asked not in (facts.API_VERSION, *facts.OLD_API_VERSIONS):
        yield f'anthropic-version: "{asked}" is not a valid version'


@rule(
    "claude-code#9586, 2025-10-15; after the colon each parser has its own words", *TALK, "batches"
)
def not_json(call: Call) -> Objections:
    try:
        if call.request.body is None and (call.kind in TALK or call.request.raw):
            json.loads(call.request.raw)
    except ValueError as error:
        yield f"The request body is not valid JSON: {str(error).replace('Expecting', 'expecting')}"


@rule(f"fields: SDK 2.11; words: {DIRECT}", *TALK)
def shape(call: Call) -> Objections:
    counting, beta = call.kind == "count_tokens", bool(call.betas)
    sampling = call.old and not counting
    body = call.request.body
    if fault := schema.first_fault(body, counting=counting, beta=beta, sampling=sampling):
        yield fault


@rule("recorded 2026-08-10 (empty); anthropic-sdk-python#1220, 2026-03-04 (id too long); "
      f"an id twice: {OURS}", "batches")  # fmt: skip
def batch(call: Call) -> Objections:
    if call.request.method.upper() != "POST" or call.request.path.count("/") > 3:
        return
    if fault := schema.batch_fault(call.request.body):
        yield fault
    names = [each["custom_id"] for each in call.body["requests"]]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield f"requests: custom_id must be unique within a batch, '{twice}' is not"


@rule("recorded to 2026; a retired id: Shopify/shop-chat-agent#69, July 2026", *TALK, "models")
def unknown_model(call: Call) -> Objections:
    name = call.body.get("model") or call.request.path.removeprefix("/v1/models").strip("/")
    if name and facts.ALIASES.get(name, name) not in facts.MODELS:
        yield Problem(404, "not_found_error", f"model: {name}")


# --- the conversation -----------------------------------------------------------------------


@rule(f"{DIRECT}; what stands before: run of 2026-09-10; old models: claude-code#61412", *TALK)
def system_turn(call: Call) -> Objections:
    roles = [turn["role"] for turn in call.turns]
    if roles[0] == "system":
        use = "use the top-level 'system' parameter for the initial system prompt"
        yield f"messages.0: {use}{ANYWHERE}"
    if "system" in roles and not call.model.system_turns:
        yield "role 'system' is not supported on this model"
    for i in (i for i, role in enumerate(roles) if role == "system" and i):
        if call.turns[i].get("output_config"):
            continue
        must = ""
        if roles[i - 1] == "assistant" and not is_server_turn(call.turns[i - 1]):
            must = "follow a 'user' message or an 'assistant' message ending in a server tool "
            must += "result"
        elif roles[i + 1 : i + 2] == ["user"]:
            must = "precede an 'assistant' message or end the array"
        if must:
            yield f"messages.{i}: role 'system' must {must}{ANYWHERE}"


@rule(f"{DIRECT}; assistant turns: claude-code#6774, 2025-08-28", *TALK)
def empty_turn(call: Call) -> Objections:
    at = 0
    for role, group in itertools.groupby(call.turns, lambda turn: str(turn["role"])):
        group_turns = list(group)
        if role == "user" and not any(turn["content"] for turn in group_turns):
            yield f"messages.{at}: user messages must have non-empty content"
        for i, turn in enumerate(group_turns, at):
            if role == "assistant" and not turn["content"] and turn is not call.turns[-1]:
                most = "except for the optional final assistant message"
                yield f"messages.{i}: all messages must have non-empty content {most}"
        at += len(group_turns)


@rule("claude-code#62379 and #59812, May 2026; white space: run of 2026-09-09", *TALK)
def empty_text(call: Call) -> Objections:
    for path, block in call.marked():
        if block.get("text") == "":
            yield f"{path}.text: cache_control cannot be set for empty text blocks"
    told = [("system", {"content": call.body.get("system") or []})]
    told += [("messages", turn) for turn in call.turns if turn["content"]]
    if call.turns[-1]["role"] == "assistant":
        told.pop()  # a prefill
    for place, block in ((place, block) for place, turn in told for block in blocks(turn)):
        text = block.get("text", "x")
        if block["type"] == "text" and not text.strip():
            need = "contain non-whitespace text" if text else "be non-empty"
            yield f"{place}: text content blocks must {need}"


@rule(f"{OURS}; docs api/migration-2026-10-21", *TALK)
def gone_since_2026_10_21(call: Call) -> Objections:
    for path, role, block in [] if call.old else call.everywhere():
        kind, top = block.get("type"), path.count(".") == 3
        if kind == "document" and role == "assistant" and top:
            yield f"{path}: `document` blocks are not permitted in `assistant` messages"
        if kind == "text" and role == "user" and block.get("citations"):
            yield f"{path}.text.citations: Extra inputs are not permitted"


@rule("claude-code#25959, 2026-02-15, and #8867, 2025-10-03; twice: quoted, May, June 2026", *TALK)
def tool_results(call: Call) -> Objections:
    groups = [group for _, group in call.joined()]
    seen: set[str] = set()
    for before, now, after in zip([[], *groups], groups, [*groups[1:], []], strict=False):
        asked, calls = tool_ids(before), tool_ids(now)
        answered: list[str] = []
        for i, j, block in now:
            place = f"messages.{i}.content.{j}"
            if block["type"] == "tool_use":
                if block["id"] in seen:
                    yield f"{place}: `tool_use` ids must be unique"
                seen.add(block["id"])
            if block["type"] == "tool_result":
                name = block["tool_use_id"]
                if name not in asked and not call.body.get("thread"):
                    yield (
                        f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: {name}. "
                        "Each `tool_result` block must have a corresponding `tool_use` block in "
                        "the previous message."
                    )
                if name in answered:
                    found = f"Found multiple `tool_result` blocks with id: {name}"
                    yield f"{place}: each tool_use must have a single result. {found}"
                answered.append(name)
        first = itertools.takewhile(lambda at: at[2]["type"] == "tool_result", after)
        results = {block["tool_use_id"] for _, _, block in first}  # what follows a text is too late
        if missing := ", ".join(name for name in calls if name not in results):
            yield (
                f"messages.{now[-1][0]}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {missing}. Each `tool_use` block must have a corresponding "
                "`tool_result` block in the next message."
            )


@rule(f"{ERRORS}; space: quoted in public to 2026", "messages")
def prefill(call: Call) -> Objections:
    last = call.turns[-1]
    if last["role"] != "assistant" or not last["content"] or is_server_turn(last):
        return
    if call.body.get("compaction"):  # a summary is asked for, not an answer
        return
    if not call.model.prefill or call.part("thinking", "type") == "enabled":
        must = "The conversation must end with a user message."
        yield f"This model does not support assistant message prefill. {must}"
    if blocks(last)[-1].get("text", "x")[-1:].isspace():
        yield "messages: final assistant content cannot end with trailing whitespace"


# --- what the model takes -------------------------------------------------------------------


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


@rule("published live refusals: 2026-07-21, 2026-08-01 (format), 2026-09-04 (strict)", *TALK)
def json_schema(call: Call) -> Objections:
    places = {"output_config.format.schema": call.part("output_config", "format", "schema")}
    strict = [(k, tool) for k, tool in enumerate(call.tools) if tool.get("strict")]
    places |= {f"tools.{k}.custom": tool.get("input_schema") for k, tool in strict}
    for place, each in places.items():
        if fault := schema_fault(each):
            yield f"{place}: {fault}"


@rule("direct API, haiku-4-5, published capture of 2026-09-30", "messages")
def stop_sequences(call: Call) -> Objections:
    if not all(text.strip() for text in call.body.get("stop_sequences") or []):
        yield "stop_sequences: each stop sequence must contain non-whitespace"


# --- caching, replayed thinking, files, length ----------------------------------------------


@rule("published run of 2026-09-29 (count); claude-code-cache-fix#44, 2026-04-19 (order)", *TALK)
def cache_marks(call: Call) -> Objections:
    marks, most = list(call.marked()), facts.MAX_BREAKPOINTS
    count = len(marks) + bool(call.body.get("cache_control"))
    if count > most:
        yield f"A maximum of {most} blocks with cache_control may be provided. Found {count}."
    short = False
    for path, block in marks:
        hour = block["cache_control"].get("ttl") == "1h"
        if hour and short:
            yield (
                f"{path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a "
                "ttl='5m' cache_control block. Note that blocks are processed in the following "
                "order: `tools`, `system`, `messages`."
            )
        short = short or not hour


@rule(f"{OURS}; docs prompt-caching, August 2026", "messages")
def warm_up(call: Call) -> Objections:
    used = {
        "stream": call.body.get("stream"),
        "output_config.format": call.part("output_config", "format"),
        "tool_choice": call.forces_tool,
    }
    for name in (name for name, there in used.items() if there and not call.body["max_tokens"]):
        yield f"max_tokens: 0 is not supported together with `{name}`"


@rule(f"{ERRORS}, and thinking-troubleshooting, 2026-09-26; `system`: opencode#48637, 2026-09-12; "
      f"data: claude-code 2.1.282; tools, messages: {OURS}", *TALK)  # fmt: skip
def replayed_thinking(call: Call) -> Objections:
    drops = call.part("thinking", "block_binding", "prefix_mismatch_behavior") == "drop_block"
    latest = [i for i, turn in enumerate(call.turns) if turn["role"] == "assistant"][-1:]
    for i, turn in enumerate(call.turns):
        prefix, before = {**call.body, "messages": call.turns[:i]}, ""
        for j, block in enumerate(blocks(turn)):
            if block["type"] not in {"thinking", "redacted_thinking"}:
                continue
            changed = wire.signature_problem(block, prefix, before)
            before += wire.signature_of(block)
            if changed == "altered" and block["type"] == "redacted_thinking":
                yield f"messages.{i}.content.{j}: Invalid `data` in `redacted_thinking` block"
            if changed == "edited" and i in latest:
                yield (
                    f"messages.{i}.content.{j}: `thinking` or `redacted_thinking` blocks in the "
                    "latest assistant message cannot be modified. These blocks must remain as they "
                    "were in the original response."
                )
            other = CHANGED.get(str(changed))  # what changed in front of it; None: the block itself
            if changed and (not other or (call.model.prefix_check and not drops)):
                bound = (
                    ". The block is bound to a different conversation. Remove the block, or set "
                    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block". '
                )
                if BINDING not in call.betas:
                    bound += f"That setting requires the `{BINDING}` value in the "
                    bound += "`anthropic-beta` header. "
                more = bound + other if other else ""
                yield f"messages.{i}.content.{j}: Invalid `signature` in `thinking` block{more}"


@rule("a published run of the cookbook, 2025; docs thinking, October 2026 (who asks for it)", *TALK)
def manual_turn(call: Call) -> Objections:
    began: list[tuple[int, int, JSON]] = []  # how the turn began that the last question got
    for role, group in reversed(call.joined()):
        if role == "assistant":
            began = group
        elif not any(block["type"] == "tool_result" for _, _, block in group):
            break
    manual = call.part("thinking", "type") == "enabled"
    if manual and tool_ids(began) and began[0][2]["type"] not in {"thinking", "redacted_thinking"}:
        i, j, first = began[0]
        yield (
            f"messages.{i}.content.{j}.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{first['type']}`. When `thinking` is enabled, a final `assistant` message must "
            "start with a thinking block (preceeding the lastmost set of `tool_use` and "
            "`tool_result` blocks). We recommend you include thinking blocks from previous turns. "
            "To avoid this requirement, disable `thinking`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        )


@rule("gajae-code, 2026-07-21 (base64); lobehub, 2026-05-12 (5 MB then); home-assistant#167208, "
      "2026-04-02 (type); claude-code#56511 (unreadable), #49537 (sides), 2026", *TALK)  # fmt: skip
def image(call: Call) -> Objections:
    many = sum(1 for _ in call.everywhere("image")) > facts.MANY_IMAGES
    longest = facts.MANY_IMAGES_MAX_SIDE if many else facts.IMAGE_MAX_SIDE
    for path, source, data in call.base64("image"):
        place, said, size = f"{path}.image.source.base64", source["media_type"], len(source["data"])
        if data is None:
            yield f"{place}: invalid base64 data"
        if size > (most := facts.IMAGE_MAX_BYTES):
            what = f"image exceeds {most // facts.MEGABYTE} MB maximum"
            yield f"{place}: {what}: {size} bytes > {most} bytes"
        real, sides = picture(data or b"")
        if real and real != said:
            what = f"The image was specified using the {said} media type"
            yield f"{place}: {what}, but the image appears to be a {real} image"
        if sides is None:
            yield "Could not process image"
        elif max(sides) > longest:
            what = "At least one of the image dimensions exceed max allowed size"
            what += " for many-image requests" if many else ""
            yield f"{place}.data: {what}: {longest} pixels"


@rule("docs vision-coordinates, August 2026, which quotes the sentence", *TALK)
def oversized_image(call: Call) -> Objections:
    wanted = [path for path, _, block in call.everywhere("image") if no_downsizing(block)]
    for path, _, data in call.base64("image") if wanted else ():
        given = picture(data or b"")[1]
        if path in wanted and given and min(given):
            fits = estimate.resized(*given, high_res=call.model.high_res_images)
            size, most = (f"{side[0]}x{side[1]}" for side in (given, fits))
            if fits != given:
                yield (
                    f"{path}: image dimensions {size} exceed the maximum image size of a model "
                    f"named on this request and would be downsized to {most}; scale the image to "
                    f'at most {most} or set the image\'s oversized_image setting to "downsize"'
                )


@rule("claude-code#23392, 2026-02-05 (100); a published run of 2026-07-06 (600)", *TALK)
def media_count(call: Call) -> Objections:
    images, papers = (sum(1 for _ in call.everywhere(kind)) for kind in ("image", "document"))
    if images + papers > (most := facts.PDF_MAX_PAGES[call.model.window]):  # the same numbers
        yield f"too many images and documents: {images} + {papers} > {most}"


@rule("quoted in public to 2026; for what is no address at all: " + OURS, "messages")
def url(call: Call) -> Objections:
    if not all(is_on_the_web(source["url"]) for source in call.sources("url")):
        yield "Unable to download the file. Please verify the URL and try again."


@rule("docs files, August 2026: status and sentence", "messages")
def file_id(call: Call) -> Objections:
    for source in call.sources("file"):  # an id that exists was replaced by its content before
        yield Problem(404, "not_found_error", f"File not found: {source['file_id']}")


@rule("claude-code#5174, 2025-08-05; pages: warp#8114, 2025-11-20", *TALK)
def pdf(call: Call) -> Objections:
    pages, most = 0, facts.PDF_MAX_PAGES[call.model.window]
    for path, _, data in call.base64("document"):
        place = f"{path}.pdf.source.base64.data"
        if b"%PDF-" not in (data or b"")[:1_024]:
            yield f"{place}: The PDF specified was not valid."
        pages += estimate.pdf_pages(data or b"")
        if pages > most:
            yield f"{place}: A maximum of {most} PDF pages may be provided."


@rule("recorded, undated; the count is the course's estimate", *TALK)
def prompt_length(call: Call) -> Objections:
    tokens, most = estimate.request_tokens(call.body), call.model.window
    if tokens > most:
        yield f"prompt is too long: {tokens} tokens > {most} maximum"


# --- helpers of the rules -------------------------------------------------------------------


def is_server_turn(turn: Mapping[str, Any]) -> bool:
    """An assistant turn that stopped inside the API's own tools (pause_turn) and may go back."""
    return any(block["type"] in {"server_tool_use", "mcp_tool_use"} for block in blocks(turn))


def tool_ids(group: list[tuple[int, int, JSON]]) -> list[str]:
    """The ids of the tool calls of a turn."""
    return [block["id"] for _, _, block in group if block["type"] == "tool_use"]


def is_on_the_web(address: str) -> bool:
    """Whether the API could fetch this at all: no path, nothing on the asking machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname not in {None, *LOOPBACK}


def no_downsizing(block: Mapping[str, Any]) -> bool:
    """Whether a picture asks to be refused rather than made smaller."""
    return (block.get("transformations") or {}).get("oversized_image") == "error"


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
    bad = sorted(UNSUPPORTED.get(kind, set()) & part.keys()) if isinstance(kind, str) else []
    if bad:
        which = f"property '{bad[0]}' is" if len(bad) == 1 else f"properties {', '.join(bad)} are"
        return f"For '{kind}' type, {which} not supported"
    below = [part.get("items"), *items(part, "anyOf"), *items(part, "allOf")]
    for named in (part.get(name) for name in ("properties", "$defs", "definitions")):
        below += named.values() if isinstance(named, dict) else []
    return next((fault for each in below if (fault := schema_fault(each))), None)


def picture(data: bytes) -> tuple[str | None, tuple[int, int] | None]:
    """Media type by the first bytes, sides in pixels; None: no picture. Without Pillow: (0, 0)."""
    kind = next((kind for head, kind in MAGIC.items() if data.startswith(head)), None)
    kind = "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else kind
    if kind is None:
        return None, None
    try:
        from PIL import Image
    except ImportError:
        return kind, (0, 0)
    try:
        with Image.open(io.BytesIO(data)) as opened:  # reads the head of the file only
            return kind, opened.size
    except Image.DecompressionBombError:
        return kind, (facts.IMAGE_MAX_SIDE + 1, 1)  # far more than 8000 by 8000
    except (OSError, ValueError):
        return kind, None
