"""Rules about cache breakpoints, and about thinking that is sent back."""

from __future__ import annotations

from courseserver import facts, thinking
from courseserver.call import Call
from courseserver.prompt import THINKING, Part
from courseserver.rules.conversation import tool_ids
from courseserver.rules.rule import ERRORS, OURS, TALK, Objections, rule

BINDING = "thinking-binding-controls-2026-08-01"
CHANGED = {
    "system": "The `system` prompt differs from the one this block was created with.",
    "tools": "The `tools` differ from the ones this block was created with.",
    "messages": "The earlier messages differ from the ones this block was created with.",
}


@rule("published run of 2026-09-29 (count); claude-code-cache-fix#44, 2026-04-19 (order)", *TALK)
def cache_marks(call: Call) -> Objections:
    marks, most = call.prompt.marked(), facts.MAX_BREAKPOINTS
    count = len(marks) + bool(call.body.get("cache_control"))
    if count > most:
        yield f"A maximum of {most} blocks with cache_control may be provided. Found {count}."
    short = False
    for part in marks:
        hour = part.block["cache_control"].get("ttl") == "1h"
        if hour and short:
            yield (
                f"{part.path}.cache_control.ttl: a ttl='1h' cache_control block must not come "
                "after a ttl='5m' cache_control block. Note that blocks are processed in "
                "the following order: `tools`, `system`, `messages`."
            )
        short = short or not hour


@rule(f"{OURS}; docs prompt-caching, August 2026", "messages")
def warm_up(call: Call) -> Objections:
    used = {"stream": call.body.get("stream")}
    if call.json_format:
        used[call.json_format[0]] = True
    used["tool_choice"] = call.forces_tool
    for name in (name for name, there in used.items() if there and not call.body["max_tokens"]):
        yield f"max_tokens: 0 is not supported together with `{name}`"


@rule(f"{ERRORS}, and thinking-troubleshooting, 2026-09-26; `system`: opencode#48637, 2026-09-12; "
      f"data: claude-code 2.1.282; tools, messages: {OURS}", *TALK)  # fmt: skip
def replayed_thinking(call: Call) -> Objections:
    latest = [i for i, turn in enumerate(call.turns) if turn["role"] == "assistant"][-1:]
    bound_here = call.model.prefix_check and not thinking.drops(call)
    for part, changed in thinking.changes(call):
        if changed == "altered" and part.kind == "redacted_thinking":
            yield f"{part.path}: Invalid `data` in `redacted_thinking` block"
        if changed == "edited" and part.turn in latest:
            yield (
                f"{part.path}: `thinking` or `redacted_thinking` blocks in the "
                "latest assistant message cannot be modified. These blocks must remain as they "
                "were in the original response."
            )
        other = CHANGED.get(changed)  # what changed in front of it; None: the block itself
        if not other or bound_here:
            bound = (
                ". The block is bound to a different conversation. Remove the block, or set "
                '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block". '
            )
            if BINDING not in call.betas:
                bound += f"That setting requires the `{BINDING}` value in the "
                bound += "`anthropic-beta` header. "
            more = bound + other if other else ""
            yield f"{part.path}: Invalid `signature` in `thinking` block{more}"


@rule("a published run of the cookbook, 2025; docs thinking, October 2026 (who asks for it)", *TALK)
def manual_turn(call: Call) -> Objections:
    began: list[Part] = []  # how the turn began that the last question got
    for role, group in reversed(call.prompt.joined()):
        if role == "assistant":
            began = group
        elif not any(part.kind == "tool_result" for part in group):
            break
    manual = call.part("thinking", "type") == "enabled"
    if manual and tool_ids(began) and began[0].kind not in THINKING:
        first = began[0]
        yield (
            f"{first.path}.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{first.kind}`. When `thinking` is enabled, a final `assistant` message must "
            "start with a thinking block (preceeding the lastmost set of `tool_use` and "
            "`tool_result` blocks). We recommend you include thinking blocks from previous turns. "
            "To avoid this requirement, disable `thinking`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        )
