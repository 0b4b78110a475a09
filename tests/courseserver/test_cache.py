"""The prompt cache of the course server, through the real SDK: what is written, read and missed.

The expectations are the rules of the pages prompt-caching and cache-diagnostics, not token counts.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import pytest
from PIL import Image

from courseserver.loopback import Server
from courseserver.replay import Replay
from helpers import cost, facts
from tests.support import HELLO, client, exchange, said, serving

JSON = dict[str, Any]
LONG = "The library is open from nine to six on every weekday but Monday. " * 120
SHORT = "The library is closed on Monday."
FIVE: JSON = {"type": "ephemeral"}
HOUR: JSON = {"type": "ephemeral", "ttl": "1h"}


def text(words: str, mark: JSON | None = None) -> JSON:
    return {"type": "text", "text": words} | ({"cache_control": mark} if mark else {})


def tool(name: str, mark: JSON | None = None) -> JSON:
    made = {"name": name, "description": LONG, "input_schema": {"type": "object"}}
    return made | ({"cache_control": mark} if mark else {})


@dataclass(frozen=True)
class Row:
    """What one reply's usage says: fresh, written for 5 minutes, for an hour, read; the reply."""

    fresh: int
    five: int
    hour: int
    read: int
    reply: anthropic.types.Message

    @property
    def why(self) -> str | None:
        """The diagnosis of a miss, if one came."""
        told = self.reply.diagnostics
        return told.cache_miss_reason.type if told and told.cache_miss_reason else None


Ask = Callable[..., Row]


def asking(sdk: anthropic.Anthropic) -> Ask:
    def ask(question: Any = "When?", **more: Any) -> Row:
        fields = {"system": [text(LONG, FIVE)]} | more
        reply = sdk.messages.create(**said(question, **fields))
        usage = reply.usage
        made = usage.cache_creation
        assert made is not None
        written = made.ephemeral_5m_input_tokens + made.ephemeral_1h_input_tokens
        assert usage.cache_creation_input_tokens == written
        assert usage.cache_read_input_tokens is not None
        return Row(
            usage.input_tokens,
            made.ephemeral_5m_input_tokens,
            made.ephemeral_1h_input_tokens,
            usage.cache_read_input_tokens,
            reply,
        )

    return ask


@pytest.fixture
def server() -> Iterator[Server[Replay]]:
    with serving(exchange("hello", HELLO, "Hello!")) as running:
        yield running


@pytest.fixture
def ask(server: Server[Replay]) -> Ask:
    return asking(client(server.url + server.backend.account.stage("test", ("Yes.",))))


def whole(row: Row) -> int:
    return row.fresh + row.five + row.hour + row.read


def test_without_a_mark_nothing_is_written_or_read(ask: Ask) -> None:
    for _ in range(2):
        row = ask(system=LONG)
        assert (row.five, row.hour, row.read) == (0, 0, 0)
        assert row.fresh > 1_000


def test_what_is_written_once_is_read_again_and_the_sum_stays(ask: Ask) -> None:
    control, first, second = ask(system=LONG), ask(), ask()
    assert first.five > 1_000
    assert (first.read, second.read, second.five) == (0, first.five, 0)
    assert whole(first) == whole(second) == control.fresh
    assert first.fresh == second.fresh < 20


def test_only_what_stands_before_the_mark_must_be_the_same(ask: Ask) -> None:
    written = ask("When?").five
    assert ask("And on a Tuesday, in winter?").read == written
    assert ask(system=[text(LONG + "!", FIVE)]).read == 0


@pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")
@pytest.mark.parametrize("model", sorted(facts.MODELS))
def test_below_the_minimum_of_the_model_nothing_happens_and_nobody_says_so(
    ask: Ask, model: str
) -> None:
    short = [text(SHORT, FIVE)]
    for _ in range(2):
        row = ask(system=short, model=model)
        assert (row.five, row.hour, row.read) == (0, 0, 0)
    least = facts.MODELS[model].min_cacheable or 512
    long = [text(SHORT * (1 + least // 6), FIVE)]
    assert ask(system=long, model=model).five >= least


def test_the_automatic_mark_moves_with_the_conversation(ask: Ask) -> None:
    turns: list[Any] = [{"role": "user", "content": LONG}]
    first = ask(messages=turns, system="Be brief.", cache_control=FIVE)
    turns += [first.reply.to_param(), {"role": "user", "content": "And on Sunday?"}]
    second = ask(messages=turns, system="Be brief.", cache_control=FIVE)
    assert second.read == first.five > 1_000
    assert 0 < second.five < 100
    assert second.fresh == first.fresh == 3


def test_a_mark_on_what_always_changes_never_hits(ask: Ask) -> None:
    for clock in ("09:00", "09:01"):
        assert ask(system=[text(f"It is {clock}. {LONG}", FIVE)]).read == 0
    assert ask([text(LONG), text("09:02", FIVE)], system="Be brief.").read == 0
    row = ask([text(LONG), text("09:03", FIVE)], system="Be brief.")
    assert (row.read, row.five > 1_000) == (0, True)  # nothing was written at the end of LONG


def test_an_hour_is_counted_apart_and_costs_more(ask: Ask) -> None:
    tools = [tool("lend", HOUR)]
    row = ask(tools=tools, system=[text(LONG, FIVE)])
    assert row.hour > 500
    assert row.five > 1_000
    price = facts.model(facts.MODEL)
    both = row.hour * price.write_1h + row.five * price.write_5m
    assert cost(row.reply).cache_writes == pytest.approx(both / 1_000_000)
    again = ask(tools=tools, system=[text(LONG + "!", FIVE)])
    assert (again.read, again.hour) == (row.hour, 0)


def test_the_look_back_goes_over_twenty_blocks(ask: Ask) -> None:
    ask([text(LONG, FIVE)], system="Be brief.")
    near = [text(LONG), *[text("word")] * 18, text("end", FIVE)]
    far = [text(LONG), *[text("word")] * 19, text("end", FIVE)]
    assert ask(near, system="Be brief.").read > 1_000
    assert ask(far, system="Be brief.").read == 0  # the last block of `near` is not in it
    assert ask([text(LONG, FIVE), *far[1:]], system="Be brief.").read > 1_000


def test_a_staged_client_has_a_cache_of_its_own(server: Server[Replay], ask: Ask) -> None:
    ask()
    other = asking(client(server.url + server.backend.account.stage("test", ("Yes.",))))
    assert other().read == 0


def test_a_cold_reply_finds_nothing(server: Server[Replay]) -> None:
    replies = ({"content": "Yes.", "cache": "cold"}, "Yes.")
    request = said("When?", system=[text(LONG, FIVE)])
    with serving(exchange("twice", request, *replies, cycle=True)) as running:
        ask = asking(client(running.url))
        rows = [ask() for _ in range(4)]
    assert [bool(row.read) for row in rows] == [False, True, False, True]
    assert rows[0].five == rows[1].read == rows[2].five == rows[3].read


def test_a_new_start_of_the_lesson_begins_with_an_empty_cache() -> None:
    request = said("When?", system=[text(LONG, FIVE)])
    with serving(exchange("once", request, "Yes.")) as running:
        ask = asking(client(running.url))
        ask()
        running.backend.start(running.backend.lesson.recorded)
        assert ask().read == 0


def test_counting_tokens_looks_at_no_cache(server: Server[Replay], ask: Ask) -> None:
    request = said("When?", system=[text(LONG, FIVE)])
    del request["max_tokens"]
    counted = client(server.url).messages.count_tokens(**request).input_tokens
    ask()
    assert counted == whole(ask())


def test_a_stream_says_the_same(server: Server[Replay], ask: Ask) -> None:
    row = ask()
    url = server.url + server.backend.account.stage("test", ("Yes.",))
    with client(url).messages.stream(**said("When?", system=[text(LONG, FIVE)])) as stream:
        usage = stream.get_final_message().usage
    assert usage.cache_creation_input_tokens == row.five
    assert usage.input_tokens == row.fresh


def test_no_tokens_at_all_warm_the_cache(ask: Ask) -> None:
    warm = ask(max_tokens=0)
    assert warm.reply.content == []
    assert (warm.reply.stop_reason, warm.reply.usage.output_tokens) == ("max_tokens", 0)
    assert ask().read == warm.five > 1_000


# --- what invalidates what, and what the diagnosis says -------------------------------------


def picture() -> JSON:
    held = io.BytesIO()
    Image.new("L", (28, 28)).save(held, "PNG")
    data = base64.b64encode(held.getvalue()).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def paper(cited: bool) -> JSON:
    source = {"type": "text", "media_type": "text/plain", "data": "A note."}
    return {"type": "document", "source": source, "citations": {"enabled": cited}}


def schema(name: str) -> JSON:
    inner = {"type": "object", "properties": {name: {"type": "string"}}}
    return {"format": {"type": "json_schema", "schema": inner | {"additionalProperties": False}}}


TURN = {"role": "user", "content": [text(LONG + " Read this.", FIVE), text("When?")]}
BASE: JSON = {
    "model": "claude-opus-5",
    "tools": [tool("lend", FIVE)],
    "system": [text(LONG, FIVE)],
    "messages": [TURN],
}
SEARCH: JSON = {"type": "web_search_20250305", "name": "web_search"}
ASK_FIRST: JSON = {"role": "user", "content": [text("Please."), *TURN["content"]]}
SEEN: JSON = {"role": "user", "content": [*TURN["content"], picture()]}
CITED: JSON = {"role": "user", "content": [*TURN["content"], paper(True)]}
# name: (what changes, what is still read: tools, tools and system, or nothing; the diagnosis)
CHANGES: dict[str, tuple[JSON, str, str | None]] = {
    "nothing": ({}, "messages", None),
    "the question": ({"messages": [{**TURN, "content": [TURN["content"][0], text("Why?")]}]},
                     "messages", "messages_changed"),
    "model": ({"model": "claude-opus-4-8"}, "nothing", "model_changed"),
    "a tool": ({"tools": [tool("give", FIVE)]}, "nothing", "tools_changed"),
    "web search": ({"tools": [tool("lend", FIVE), SEARCH]}, "tools", "tools_changed"),
    "web search first": ({"tools": [SEARCH, tool("lend", FIVE)]}, "tools", "tools_changed"),
    "system": ({"system": [text(SHORT + LONG, FIVE)]}, "tools", "system_changed"),
    "citations": ({"messages": [CITED]}, "tools", "messages_changed"),
    "speed": ({"speed": "fast"}, "tools", "model_changed"),
    "tool_choice": ({"tool_choice": {"type": "none"}}, "system", "unavailable"),
    "a picture": ({"messages": [SEEN]}, "system", "messages_changed"),
    "thinking": ({"thinking": {"type": "disabled"}}, "system", "unavailable"),
    "effort": ({"output_config": {"effort": "low"}}, "system", "unavailable"),
    "the default effort": ({"output_config": {"effort": "high"}}, "messages", None),
    "display of thinking": ({"thinking": {"type": "adaptive", "display": "summarized"}},
                            "messages", None),
    "output schema": ({"output_config": schema("day")}, "tools", "unavailable"),
    "an earlier message": ({"messages": [ASK_FIRST]}, "system", "messages_changed"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_throws_away_what_stands_behind_it(ask: Ask, name: str) -> None:
    change, still, why = CHANGES[name]
    fields = BASE | {"diagnostics": {"previous_message_id": None}}
    first = ask(**fields)
    assert (first.why, first.reply.diagnostics) == (None, None)
    levels = {
        "nothing": 0,
        "tools": ask(**{**BASE, "system": "Other.", "messages": [TURN]}).read,
        "system": ask(**{**BASE, "messages": [{"role": "user", "content": "Other."}]}).read,
        "messages": first.five,
    }
    assert 0 < levels["tools"] < levels["system"] < levels["messages"]
    changed = {"diagnostics": {"previous_message_id": first.reply.id}} | change
    if "speed" in change:
        changed = {"diagnostics": changed["diagnostics"], "extra_body": change}
    row = ask(**BASE | changed)
    assert row.read == levels[still]
    assert row.why == why
    if why and why.endswith("_changed"):
        told = row.reply.diagnostics.cache_miss_reason  # type: ignore[union-attr]
        assert told.cache_missed_input_tokens == first.five - row.read  # type: ignore[union-attr]


def test_every_documented_kind_of_change_is_in_the_table(covers: Callable[[str], None]) -> None:
    covers(f"cache: {len(CHANGES)} changes, each with what is still read and its diagnosis")
    told = {why for _, _, why in CHANGES.values()}
    assert {"model_changed", "system_changed", "tools_changed", "messages_changed"} <= told


def test_a_stream_has_the_diagnosis_from_its_first_event(server: Server[Replay]) -> None:
    sdk = client(server.url + server.backend.account.stage("test", ("Yes.",)))
    first = sdk.messages.create(**said("When?", diagnostics={"previous_message_id": None}))
    told = {"previous_message_id": first.id}
    with sdk.messages.stream(**said("When?", system=LONG, diagnostics=told)) as stream:
        opened = next(iter(stream))
        assert opened.type == "message_start"
        assert opened.message.diagnostics == stream.get_final_message().diagnostics
    reason = opened.message.diagnostics and opened.message.diagnostics.cache_miss_reason
    assert reason and reason.type == "system_changed"


def test_an_unknown_previous_message_is_said_to_be_unknown(ask: Ask) -> None:
    ask()  # it did not ask for diagnostics, so nothing of it was kept
    row = ask(diagnostics={"previous_message_id": "msg_011ChNever"})
    assert row.why == "previous_message_not_found"


def test_turns_that_are_only_added_are_no_change(ask: Ask) -> None:
    fields: JSON = {"cache_control": FIVE, "diagnostics": {"previous_message_id": None}}
    first = ask(**fields)
    turns = [{"role": "user", "content": "When?"}, first.reply.to_param()]
    turns.append({"role": "user", "content": "And why?"})
    more = {"diagnostics": {"previous_message_id": first.reply.id}, "messages": turns}
    assert ask(**fields | more).why is None
