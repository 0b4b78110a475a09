"""Thinking that is sent back: which blocks are no longer what they were when they were made.

The rule about them and the reply that tells what was dropped both ask here. It must not know who
refuses and in which words.
"""

from __future__ import annotations

from collections.abc import Iterator

from courseserver import ids
from courseserver.call import Call
from courseserver.identity import canonical
from courseserver.prompt import THINKING, Part
from courseserver.values import JSON

OURSELVES = ("altered", "edited")  # the block itself changed, not what stands before it


def changes(call: Call) -> Iterator[tuple[Part, str]]:
    """Each block of thinking that changed, and what did: see `ids.signature_problem`."""
    for number, turn in enumerate(call.prompt.blocks):
        prefix = {**call.body, "messages": call.turns[:number]}
        before = ""
        for part in turn:
            if part.kind not in THINKING:
                continue
            changed = _changed(call, part, prefix, before)
            before += ids.signature_of(part.block)
            if changed:
                yield part, changed


def _changed(call: Call, part: Part, prefix: JSON, before: str) -> ids.Changed | None:
    """What changed of one block: of a captured one, compared with its recording."""
    name = ids.signature_of(part.block)
    if name in call.captured:
        sent = {**call.request.body, "messages": call.request.body["messages"][: part.turn]}
        return call.captured[name].problem(part.block, canonical(sent), before)
    if ids.is_damaged(name, call.captured):
        return "altered"
    return ids.signature_problem(part.block, prefix, before)


def drops(call: Call) -> bool:
    """Whether the request wants blocks dropped that belong to another conversation."""
    behavior: str | None = call.part("thinking", "block_binding", "prefix_mismatch_behavior")
    return behavior == "drop_block"


def transformations(call: Call) -> list[JSON] | None:
    """What the reply tells about dropped blocks; None when the request did not ask for it.

    Shape: recorded on Fable 5.1 and Sonnet 5.5, September and October 2026.
    """
    if not drops(call):
        return None
    if not call.model.prefix_check:
        return []
    reason = "prefix_binding_mismatch"
    return [
        {"type": "thinking_dropped", "path": part.path, "reason": reason}
        for part, changed in changes(call)
        if changed not in OURSELVES
    ]
