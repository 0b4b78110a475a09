"""Rules about the conversation: whose turn it is, empty turns and texts, calls and results."""

from __future__ import annotations

import itertools

from courseserver.call import Call
from courseserver.prompt import SERVER_CALLS, THINKING, Part, as_blocks
from courseserver.rules.rule import DIRECT, ERRORS, OURS, TALK, Objections, rule
from courseserver.values import JSON

ANYWHERE = "; the directive-only form (content: [] with output_config) is accepted at any position"

SYSTEM_BLOCKS = ("text", "tool_addition", "tool_removal")
BELONGS_TO = {"tool_result": "user", "tool_use": "assistant"}


@rule(f"{DIRECT}; what stands before: run of 2026-09-10; old models: claude-code#61412", *TALK)
def system_turn(call: Call) -> Objections:
    roles = [str(turn["role"]) for turn in call.turns]
    if "system" in roles and not call.model.system_turns:
        yield "role 'system' is not supported on this model"
    for i in (i for i, role in enumerate(roles) if role == "system"):
        turn = call.turns[i]
        if turn.get("output_config"):
            continue
        blocks = as_blocks(turn["content"] or [])
        if not blocks:
            yield f"messages.{i}: system content must contain at least one block"
        if any(block["type"] not in SYSTEM_BLOCKS for block in blocks):
            what = "supports text, tool_addition, and tool_removal blocks only"
            yield f"messages.{i}: role 'system' {what}"
        if not i:
            use = "use the top-level 'system' parameter for the initial system prompt"
            yield f"messages.0: {use}{ANYWHERE}"
        must = ""
        if roles[i - 1] == "assistant" and not is_server_turn(call.turns[i - 1]):
            must = "follow a 'user' message or an 'assistant' message ending in a server tool "
            must += "result"
        elif roles[i + 1 : i + 2] == ["user"]:
            must = "precede an 'assistant' message or end the array"
        if must:
            yield f"messages.{i}: role 'system' must {must}{ANYWHERE}"
        if any(is_blank(block) for block in blocks):
            yield f"messages.{i}: system text blocks must contain non-whitespace text"


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


@rule("claude-code#62379 and #59812, May 2026; inside results: awsl-project/maxx#257, 2026-02-25; "
      "blank: LibreChat-AI/agents#124, 2026-04-30: one alone in its turn is refused, and one "
      "beside another text passes; beside calls it passed, recorded 2026-04-05",
      *TALK)  # fmt: skip
def empty_text(call: Call) -> Objections:
    for part in call.prompt.marked():
        if part.block.get("text") == "":
            yield f"{part.path}.text: cache_control cannot be set for empty text blocks"
    last = len(call.turns) - 1
    prefill = last if call.turns[last]["role"] == "assistant" else None  # another rule's matter
    groups = [("system", call.prompt.system)]
    groups += [("messages", group) for _, group in call.prompt.joined()]
    for place, group in groups:
        told = [
            part
            for part in group
            if part.turn < 0 or (part.turn != prefill and call.turns[part.turn]["content"])
        ]
        if any(part.block.get("text") == "" for part in told):
            yield f"{place}: text content blocks must be non-empty"
        blank = [part for part in told if is_blank(part.block)]
        other = [part for part in told if not is_blank(part.block)]
        if blank and not other:
            yield f"{place}: text content blocks must contain non-whitespace text"
    if any(block.get("text") == "" for block in call.prompt.inner_texts()):
        yield "messages: text content blocks must be non-empty"


@rule(f"{OURS}; docs api/migration-2026-10-21", *TALK)
def gone_since_2026_10_21(call: Call) -> Objections:
    if call.old:
        return
    for part in call.prompt.messages:
        if part.kind == "document" and part.role == "assistant" and not part.nested:
            yield f"{part.path}: `document` blocks are not permitted in `assistant` messages"
        if part.kind == "text" and part.role == "user" and part.block.get("citations"):
            yield f"{part.path}.text.citations: Extra inputs are not permitted"


@rule("Anthropic.SDK#128, 2025-08-03 (results); public tests of 2026 (calls)", *TALK)
def tool_roles(call: Call) -> Objections:
    for part in call.prompt.top:
        owner = BELONGS_TO.get(part.kind, part.role)
        if part.role != owner and part.role != "system":
            number = call.prompt.numbers[part.turn]
            yield f"messages.{number}: `{part.kind}` blocks can only be in `{owner}` messages"


@rule("forgecode#2107, 2025-12-11; hermes-agent#16921, 2026-04-28: seen on models of the 4 series, "
      "on later ones not established, so those pass", *TALK)  # fmt: skip
def final_thinking(call: Call) -> Objections:
    if "-4-" not in call.model.id:
        return
    for role, group in call.prompt.joined():
        if role == "assistant" and group and group[-1].kind in THINKING:
            number, kind = call.prompt.numbers[group[-1].turn], group[-1].kind
            what = f"The final block in an assistant message cannot be `{kind}`."
            yield f"messages.{number}: {what}"


@rule("claude-code#25959, 2026-02-15, and #8867, 2025-10-03; an id twice in one turn: #21094 and "
      "#28515, 2026 (in two turns it passes: pydantic-ai, August 2026)", *TALK)  # fmt: skip
def tool_results(call: Call) -> Objections:
    groups = [group for _, group in call.prompt.joined()]
    for before, now, after in zip([[], *groups], groups, [*groups[1:], []], strict=False):
        asked, calls = tool_ids(before), tool_ids(now)
        answered: list[str] = []
        seen: set[str] = set()
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
            number = call.prompt.numbers[now[-1].turn]
            yield (
                f"messages.{number}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {missing}. Each `tool_use` block must have a corresponding "
                "`tool_result` block in the next message."
            )


@rule("gsd-2#2869, 2026-03-27, and anthropic-sdk-python#961, 2025-05-30: seen of web searches, so "
      "other calls pass; with own calls beside it: docs server-tools, 2026", *TALK)  # fmt: skip
def server_results(call: Call) -> Objections:
    groups = call.prompt.joined()
    for (role, now), (next_role, after) in itertools.pairwise(groups):
        # A paused turn goes back as the last one, and that passes: no turn comes after it.
        if role != "assistant" or next_role != "user":
            continue
        if tool_ids(now) and all(part.kind == "tool_result" for part in after):
            continue
        had = {part.block.get("tool_use_id") for part in now}
        for part in now:
            name, number = part.block.get("name"), call.prompt.numbers[part.turn]
            searches = part.kind == "server_tool_use" and name == "web_search"
            if searches and part.block.get("id") not in had:
                yield (
                    f"messages.{number}: `web_search` tool use with id `{part.block['id']}` was "
                    "found without a corresponding `web_search_tool_result` block"
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


def is_blank(block: JSON) -> bool:
    """Whether a block is a text with nothing to read in it."""
    return block["type"] == "text" and not str(block.get("text", "x")).strip()
