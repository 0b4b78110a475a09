"""Rules about the conversation: whose turn it is, empty turns and texts, calls and results."""

from __future__ import annotations

import itertools

from courseserver.call import Call
from courseserver.prompt import SERVER_CALLS, Part, as_blocks
from courseserver.rules.rule import DIRECT, ERRORS, OURS, TALK, Objections, rule
from courseserver.values import JSON

ANYWHERE = "; the directive-only form (content: [] with output_config) is accepted at any position"


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
    for part in call.prompt.marked():
        if part.block.get("text") == "":
            yield f"{part.path}.text: cache_control cannot be set for empty text blocks"
    told = [("system", part.block) for part in call.prompt.system]
    for number, turn in enumerate(call.prompt.blocks):
        last = number == len(call.turns) - 1
        prefill = last and call.turns[number]["role"] == "assistant"
        if call.turns[number]["content"] and not prefill:
            told += [("messages", part.block) for part in turn]
    for place, block in told:
        text = block.get("text", "x")
        if block["type"] == "text" and not text.strip():
            need = "contain non-whitespace text" if text else "be non-empty"
            yield f"{place}: text content blocks must {need}"


@rule(f"{OURS}; docs api/migration-2026-10-21", *TALK)
def gone_since_2026_10_21(call: Call) -> Objections:
    if call.old:
        return
    for part in call.prompt.messages:
        if part.kind == "document" and part.role == "assistant" and not part.nested:
            yield f"{part.path}: `document` blocks are not permitted in `assistant` messages"
        if part.kind == "text" and part.role == "user" and part.block.get("citations"):
            yield f"{part.path}.text.citations: Extra inputs are not permitted"


@rule("claude-code#25959, 2026-02-15, and #8867, 2025-10-03; twice: quoted, May, June 2026", *TALK)
def tool_results(call: Call) -> Objections:
    groups = [group for _, group in call.prompt.joined()]
    seen: set[str] = set()
    for before, now, after in zip([[], *groups], groups, [*groups[1:], []], strict=False):
        asked, calls = tool_ids(before), tool_ids(now)
        answered: list[str] = []
        for part in now:
            place, block = part.path, part.block
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
        first = itertools.takewhile(lambda part: part.kind == "tool_result", after)
        results = {part.block["tool_use_id"] for part in first}  # what follows a text is too late
        if missing := ", ".join(name for name in calls if name not in results):
            yield (
                f"messages.{now[-1].turn}: `tool_use` ids were found without `tool_result` blocks "
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
    if as_blocks(last["content"])[-1].get("text", "x")[-1:].isspace():
        yield "messages: final assistant content cannot end with trailing whitespace"


def is_server_turn(turn: JSON) -> bool:
    """An assistant turn that stopped inside the API's own tools (pause_turn) and may go back."""
    return any(block["type"] in SERVER_CALLS for block in as_blocks(turn["content"]))


def tool_ids(group: list[Part]) -> list[str]:
    """The ids of the tool calls of a turn."""
    return [part.block["id"] for part in group if part.kind == "tool_use"]
