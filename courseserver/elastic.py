"""Replies to requests that nobody recorded, where a recorded reply tells what they would get.

A request that asks the same as a recorded one gets its reply: cut where `max_tokens` falls, stopped
at a stop sequence, streamed or not, with the learner's names of tools. What Claude would have said
is never made up, so a reply that was cut answers no larger limit, and failures answer only exactly
what they were recorded for. It must not know the account, the cache or the wire.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from courseserver import estimate, facts
from courseserver.call import Call
from courseserver.recordings import Asked, Exchange, Recordings
from courseserver.shape import (
    DISPLAY,
    FORM,
    MAX_TOKENS,
    METADATA,
    STOP_SEQUENCES,
    STREAM,
    TOOL_NAMES,
    WORDING,
    shape_of,
)
from courseserver.short import (
    Block,
    CapturedBody,
    CapturedStream,
    Form,
    Message,
    Thinking,
    ToolCall,
    expand,
)
from courseserver.values import JSON

BATCH = "batch"  # the word for a reply that was recorded inside a batch, or outside one
AS_THEY_CAME = {METADATA, FORM, WORDING}  # with these alone a captured reply stays what it was
INPUT_STAYS = {MAX_TOKENS, STOP_SEQUENCES, STREAM, METADATA}  # the prompt is the same, all of it
OF_OUTPUT = ("output_tokens", "thinking_tokens")
PIECE = re.compile(r"\s*\S+|\s+$")  # where a text may be cut: after a word
Due = Callable[[Exchange], tuple[int, Form]]


@dataclass(frozen=True)
class Adapted:
    """A reply that answers a request: its form, what it comes from, the words for what differs."""

    form: Form
    exchange: Exchange
    index: int
    custom_id: str
    words: tuple[str, ...]

    @property
    def label(self) -> str:
        """Where the reply comes from; the first word is the source of the recording."""
        differs = f", adapted: {', '.join(self.words)}" if self.words else ""
        return f"{self.exchange.source}{differs}"


def find(recorded: Recordings, call: Call, due: Due, *, in_batch: bool = False) -> Adapted | None:
    """The reply whose recorded request differs least, among those that can be worked out.

    `due` gives number and form of the reply that an exchange would play now.
    """
    best: tuple[Any, Adapted] | None = None
    for asked, words in recorded.alike(call.identity):
        index, form = (0, asked.form) if asked.custom_id else due(asked.exchange)
        adapted = _adapted(form, asked, call, words)
        if adapted is None:
            continue
        if bool(asked.custom_id) != in_batch:
            words = (*words, BATCH)
        elif not in_batch and not words:  # an empty part, an alias: else it were an exact match
            words = (FORM,)
        rank = (len(words), _limit_rank(asked, call), asked.exchange.variant)
        if best is None or rank < best[0]:
            best = rank, Adapted(adapted, asked.exchange, index, asked.custom_id, words)
    return best[1] if best else None


def _limit_rank(asked: Asked, call: Call) -> tuple[bool, int]:
    """Of two recorded limits the smallest that is not below the one sent, else the largest."""
    recorded, sent = asked.shape.free[MAX_TOKENS], call.body[MAX_TOKENS]
    return (recorded < sent, abs(recorded - sent))


def _adapted(form: Form | None, asked: Asked, call: Call, words: tuple[str, ...]) -> Form | None:
    """The recorded reply as this request would get it; None when nobody can know it."""
    if isinstance(form, CapturedStream | CapturedBody):
        served = form.status if isinstance(form, CapturedBody) else 200
        return form if served == 200 and set(words) <= AS_THEY_CAME else None
    if not isinstance(form, Message) or form.fault:
        return None
    names = _names(asked, call, words)
    if names is None:
        return None
    wants_text = DISPLAY in words and call.part("thinking", "display") == "summarized"
    untold = any(isinstance(block, Thinking) and not block.text for block in form.blocks)
    if wants_text and untold:  # there was thinking, and nobody knows what stood in it
        return None
    kept = dict(form.usage)
    if not set(words) <= INPUT_STAYS:
        kept = {name: count for name, count in kept.items() if _is_output(name)}
    blocks = tuple(_renamed(block, names) for block in form.blocks)
    form = replace(form, blocks=blocks, usage=kept, cold=False)
    stopped = _stopped(form, call, words)
    return stopped and _within(stopped, asked, call)


def _is_output(name: str) -> bool:
    return name in OF_OUTPUT or name == "server_tool_use"


# --- names of tools ---------------------------------------------------------------------------


def _names(asked: Asked, call: Call, words: tuple[str, ...]) -> Mapping[str, str] | None:
    """The learner's name of each recorded tool; None when a new name means something else.

    That is when two tools changed their names with each other, and when another text of the
    request still calls a tool by its recorded name.
    """
    if TOOL_NAMES not in words:
        return {}
    before = asked.shape.free[TOOL_NAMES]
    now = shape_of(call.identity.body, "", ()).free[TOOL_NAMES]
    names = {old: new for old, new in zip(before, now, strict=True) if old != new}
    if set(names.values()) & set(before):
        return None
    text = json.dumps(call.body, ensure_ascii=False)
    spoken = [old for old in names if "_" in old and re.search(rf"\b{re.escape(old)}\b", text)]
    return None if spoken else names


def _renamed(block: Block, names: Mapping[str, str]) -> Block:
    if isinstance(block, ToolCall):
        return replace(block, name=names.get(block.name, block.name))
    if isinstance(block, dict) and block.get("type") == "tool_use":
        return {**block, "name": names.get(block["name"], block["name"])}
    return block


# --- stop sequences ---------------------------------------------------------------------------


def _stopped(form: Message, call: Call, words: tuple[str, ...]) -> Message | None:
    """The reply up to the first stop sequence; None when it went on after a recorded one."""
    if STOP_SEQUENCES not in words:
        return form
    wanted = call.body.get(STOP_SEQUENCES) or []
    for number, block in enumerate(form.blocks):
        text = _text_of(block)
        found = [(text.find(stop), stop) for stop in wanted if stop in text]
        if not found:
            continue
        at, stop = min(found)
        blocks = form.blocks[:number]
        if text[:at]:
            assert isinstance(block, dict)  # it has a text
            blocks += ({**block, "text": text[:at]},)
        return replace(
            form, blocks=blocks, stop_reason="stop_sequence", stop_sequence=stop,
            usage=_unspoken(form.usage),
        )  # fmt: skip
    if form.stop_reason == "stop_sequence" and form.stop_sequence not in wanted:
        return None
    return form


def _text_of(block: Block) -> str:
    is_text = isinstance(block, dict) and block.get("type") == "text"
    return str(block["text"]) if is_text and isinstance(block, dict) else ""


def _unspoken(usage: JSON) -> JSON:
    """Usage without the counts of the output, which are then worked out."""
    return {name: count for name, count in usage.items() if name not in OF_OUTPUT}


# --- max_tokens -------------------------------------------------------------------------------


def _within(form: Message, asked: Asked, call: Call) -> Message | None:
    """The reply within `max_tokens`; None when it was cut at a smaller limit than this one."""
    limit, recorded = call.body[MAX_TOKENS], asked.shape.free[MAX_TOKENS]
    if limit == recorded:
        return form
    if recorded == 0 or (limit > recorded and form.stop_reason == "max_tokens"):
        return None
    if limit == 0:  # `expand` leaves out what it would have said
        return replace(form, usage=_unspoken(form.usage))
    if _output(form, call) <= limit:
        return form
    blocks = tuple(_cut(form.blocks, limit, call))
    return replace(
        form, blocks=blocks, stop_reason="max_tokens", stop_sequence=None,
        usage=_unspoken(form.usage) | {"output_tokens": limit},
    )  # fmt: skip


def _output(form: Message, call: Call) -> int:
    """Output tokens of the whole reply."""
    given = form.usage.get("output_tokens")
    return int(expand(form, call)["usage"]["output_tokens"] if given is None else given)


def _cut(blocks: tuple[Block, ...], limit: int, call: Call) -> Iterator[Block]:
    """The blocks as far as the limit reaches: thinking counts like everything else.

    A call of a tool that is not complete is left out: what the API shows of it is not established.
    """
    thought = 0
    said: list[Block] = []
    for block in blocks:
        if isinstance(block, Thinking):
            left = limit - _spoken(said, thought, call)
            if block.tokens >= left:
                if left > 0:
                    yield _shorter(block, left)
                return
            thought += block.tokens
        elif _spoken([*said, block], thought, call) > limit:
            if _text_of(block):
                yield from _beginning(block, said, limit - thought, call)
            return
        else:
            said.append(block)
        yield block


def _shorter(block: Thinking, tokens: int) -> Block:
    """The beginning of a thinking block; of its text, as much as of its tokens."""
    text = block.text[: len(block.text) * tokens // max(1, block.tokens)]
    return replace(block, text=text.rpartition(" ")[0], tokens=tokens)


def _beginning(block: Block, said: list[Block], limit: int, call: Call) -> Iterator[Block]:
    """The beginning of a text: as many words as fit beside what was said; none without a word."""
    assert isinstance(block, dict)  # it has a text
    pieces = PIECE.findall(block["text"])
    fits, over = 0, len(pieces)
    while over - fits > 1:
        middle = (fits + over) // 2
        shorter = {**block, "text": "".join(pieces[:middle])}
        if _spoken([*said, shorter], 0, call) <= limit:
            fits = middle
        else:
            over = middle
    if fits:
        yield {**block, "text": "".join(pieces[:fits])}


def _spoken(blocks: list[Block], thought: int, call: Call) -> int:
    """Output tokens of these blocks and of the thinking before them."""
    model = facts.ALIASES.get(str(call.body["model"]), str(call.body["model"]))
    content: list[JSON] = []
    for block in blocks:
        if isinstance(block, ToolCall):
            content.append({"type": "tool_use", "name": block.name, "input": block.input})
        elif isinstance(block, dict):
            content.append(block)
    return estimate.answer_tokens(content, model, 0) + thought
