"""The error hunt: each refusal on a card can be found offline, and what was found stays ticked.

`ASKS` holds one solution for each line of each card, with the words that would give it away.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anthropic
import pytest

from courseserver import rules
from courseserver.loopback import Server
from courseserver.replay import Replay
from practice.hunt_cards import CARDS
from tests.support import (
    HELLO,
    KEY,
    SONNET,
    OwnCourse,
    client,
    exchange,
    kernel,
    recording,
    send,
    serving,
)

JSON = dict[str, Any]
LIVE_KEY = "sk-" + "ant-" + "made-up-" * 5  # in pieces: no text of ours looks like a key
GREETING = exchange("hello", HELLO, [{"thinking": "", "tokens": 10}, "Hello!"])
LESSON = "01_first_call"
EMPTY: JSON = {"type": "object", "properties": {}}
TOOL: JSON = {"name": "weather", "input_schema": EMPTY}
CALL: JSON = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
ANSWER: JSON = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}
MARK: JSON = {"cache_control": {"type": "ephemeral"}}
SEARCH: JSON = {"type": "web_search_20250305", "name": "web_search"}
SEARCHES: JSON = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
LONG = "word " * 900_000


def told(*turns: Any) -> list[JSON]:
    """Messages: the user's and Claude's turns, one after the other."""
    return [{"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(turns)]


def text(words: str, **more: Any) -> JSON:
    return {"type": "text", "text": words, **more}


def held(kind: str, media: str, data: bytes) -> JSON:
    source = {"type": "base64", "media_type": media, "data": base64.b64encode(data).decode()}
    return {"type": kind, "source": source}


def paper(words: str, **more: Any) -> JSON:
    source = {"type": "text", "media_type": "text/plain", "data": words}
    return {"type": "document", "source": source, **more}


def replayed(question: str = "Hello", edit: str = "", **more: Any) -> Callable[..., Any]:
    """Ask, then send the reply back: after another question, or with another thought, or more."""

    def go(asking: anthropic.Anthropic, url: str) -> Any:
        blocks = [block.to_dict() for block in asking.messages.create(**HELLO).content]
        signature = str(blocks[0]["signature"])
        blocks[0] |= {"signature": signature[: len(signature) - len(edit)] + edit}
        return asking.messages.create(
            **{**HELLO, "messages": told(question, blocks, "So?"), **more}
        )

    return go


def headed(**head: str) -> Callable[..., Any]:
    names = {name.replace("_", "-"): value for name, value in head.items()}
    return lambda asking, url: asking.messages.create(**HELLO, extra_headers=names)


PREFILL = ("assistant", {"messages": told("Hello", "Once")})
EMPTY_TURN = ("content", {"messages": told("")})
BLANK = ("text", {"messages": told(" \n ")})
SYSTEM_TURN = ('"system"', {"messages": [{"role": "system", "content": "Be kind."}, *told("Hi")]})
STOPS = ("stop_sequences", {"stop_sequences": [" "]})
GONE = ("claude-nobody-1", {"model": "claude-nobody-1"})
NARRATOR = ("role", {"messages": [{"role": "narrator", "content": "Meanwhile"}]})
TOO_LONG = ("prompt", {"messages": told(LONG)})
TWICE = ("name", {"tools": [TOOL, TOOL | MARK]})
FORCED = ("tool_choice", {"tools": [TOOL], "tool_choice": {"type": "any"}})
STREAM = {"stream": True}
TWINS: Any = [{"custom_id": "review-01", "params": HELLO}] * 2

# card and rule: (what would give it away, what to ask: changed fields or a function)
ASKS: dict[str, tuple[str, Any]] = {
    "01 unknown-model": GONE, "01 empty-turn": EMPTY_TURN, "01 empty-text": BLANK,
    "01 key": ("bearer", lambda asking, url: client(url, api_key="no").messages.create(**HELLO)),
    "01 shape": ("max_tokens", {"max_tokens": -1}), "01 prompt-length": TOO_LONG,
    "02 stop-sequences": STOPS, "02 empty-turn": EMPTY_TURN,
    "02 version": ("anthropic-version", headed(anthropic_version="2026-01-01")),
    "02 endpoint": ("v1", lambda asking, url: client(url + "/v1").messages.create(**HELLO)),
    "02 not-json": ("json", lambda asking, url: send(url, b'{"model": ')),
    "02 shape": ("messages", {"messages": []}),
    "03 system-turn": SYSTEM_TURN, "03 empty-text": ("text", {"system": " "}),
    "03 shape": ("seat", {"extra_body": {"seat": "window"}}), "03 empty-turn": EMPTY_TURN,
    "03 prompt-length": ("prompt", {"system": LONG}),
    "03 unknown-model": GONE,
    "04 max-tokens": ("max_tokens", {"max_tokens": 500_000, **STREAM}),
    "04 unknown-model": ("claude-nobody-1", {**GONE[1], **STREAM}),
    "04 stop-sequences": ("stop_sequences", {**STOPS[1], **STREAM}),
    "04 empty-turn": ("content", {**EMPTY_TURN[1], **STREAM}),
    "04 prefill": ("assistant", {**PREFILL[1], **STREAM}),
    "04 shape": ("role", {**NARRATOR[1], **STREAM}),
    "05 prefill": PREFILL, "05 replayed-thinking": ("signature", replayed("Hallo")),
    "05 empty-turn": ("content", {"messages": told("Hi", "", "Hm?")}), "05 empty-text": BLANK,
    "05 system-turn": SYSTEM_TURN,
    "05 shape": ("stop_reason", {"messages": [{**told("Hi")[0], "stop_reason": "end_turn"}]}),
    "06 tool-results": ("tool_result", {"tools": [TOOL], "messages": told("Hi", [CALL], "And?")}),
    "06 empty-turn": ("content", {"tools": [TOOL], "messages": told("Hi", [CALL], [])}),
    "06 tool-roles": ("user", {"tools": [TOOL],
                               "messages": told("Hi", [CALL], [ANSWER], [ANSWER])}),
    "06 tool-names": TWICE,
    "06 shape": ("input_schema", {"tools": [{"name": "weather"}]}),
    "06 tool-schema": ("type", {"tools": [TOOL | {"input_schema": EMPTY | {
        "properties": {"day": {"type": "date"}}}}]}),
    "06b tool-choice": FORCED,
    "06b json-schema": ("additionalProperties", {"tools": [TOOL | {"strict": True}]}),
    "06b shape": ("tool_result", {"tools": [TOOL], "messages": told(
        "Hi", [CALL], [ANSWER | {"content": ["rain"]}])}),
    "06b tool-names": TWICE,
    "06b tool-results": ("tool_result", {"tools": [TOOL],
                                         "messages": told("Hi", [CALL], [ANSWER, ANSWER])}),
    "06b empty-turn": ("content", {**EMPTY_TURN[1], "tools": [TOOL]}),
    "06c domains": ("allowed_domains", {"tools": [SEARCH | {
        "allowed_domains": ["a.example"], "blocked_domains": ["b.example"]}]}),
    "06c shape": ("web_search_20990101", {"tools": [SEARCH | {"type": "web_search_20990101"}]}),
    "06c tool-names": ("name", {"tools": [SEARCH, SEARCH]}),
    "06c tool-choice": ("tool_choice", {"tools": [SEARCH], "tool_choice": {"type": "any"}}),
    "06c server-results": ("web_search_tool_result", {
        "tools": [SEARCH], "messages": told("Hi", [SEARCHES], "And?")}),
    "06c empty-turn": ("content", {"tools": [SEARCH], "messages": told("Hi", [SEARCHES], "")}),
    "07 image": ("media_type", {"messages": told([held("image", "image/png", b"GIF89a")])}),
    "07 pdf": ("pdf", {"messages": told([held("document", "application/pdf", b"GIF89a")])}),
    "07 shape": ("media_type", {"messages": told([held("image", "image/bmp", b"BM")])}),
    "07 body-too-large": ("size", {"messages": told("x" * 33 * 1024 * 1024)}),
    "07 citations": ("citations", {"messages": told([
        paper("One.", citations={"enabled": True}), paper("Two.")])}),
    "07 file-id": ("file_id", {"messages": told(
        [{"type": "document", "source": {"type": "file", "file_id": "file_gone"}}])}),
    "08 cache-marks": ("cache_control", {"system": [text("House rules", **MARK)] * 5}),
    "08 shape": ("ttl", {"cache_control": {"type": "ephemeral", "ttl": "1w"}}),
    "08 empty-text": ("text", {"system": [text("", **MARK)]}),
    "08 warm-up": ("max_tokens", {"max_tokens": 0, "stream": True}),
    "08 tool-names": TWICE, "08 prompt-length": ("prompt", {"system": [text(LONG, **MARK)]}),
    "09 batch": ("custom_id", lambda asking, url: asking.messages.batches.create(requests=TWINS)),
    "09 shape": NARRATOR,
    "09 unknown-model": GONE, "09 prefill": PREFILL,
    "09 empty-turn": EMPTY_TURN, "09 empty-text": BLANK,
    "10 thinking": ("budget_tokens", {"thinking": {"type": "enabled", "budget_tokens": 1_024}}),
    "10 shape": ("budget_tokens", {"thinking": {"type": "enabled", "budget_tokens": 10}}),
    "10 effort": ("between_tools", {"model": SONNET, "thinking": {"type": "between_tools"},
                                    "output_config": {"effort": "max"}}),
    "10 tool-choice": FORCED, "10 replayed-thinking": ("signature", replayed(edit="No!")),
    "10 prefill": PREFILL,
    "11 json-schema": ("additionalProperties", {"output_config": {"format": {
        "type": "json_schema", "schema": EMPTY}}}),
    "11 shape": ("json_schema", {"output_config": {"format": {"type": "json"}}}),
    "11 prefill": PREFILL, "11 tool-choice": FORCED,
    "11 tool-schema": ("type", {"tools": [TOOL | {"input_schema": EMPTY | {
        "properties": {"nights": {"type": "int"}}}}]}),
    "11 empty-turn": EMPTY_TURN,
    "12 key": ("bearer", lambda asking, url: client(url, api_key="no").messages.create(**HELLO)),
    "12 unknown-model": GONE,
    "12 endpoint": ("v1", lambda asking, url: client(url + "/v1").messages.create(**HELLO)),
    "12 body-too-large": ("size", {"messages": told("x" * 33 * 1024 * 1024)}),
    "12 max-tokens": ("max_tokens", {"max_tokens": 500_000, **STREAM}),
    "12 version": ("anthropic-version", headed(anthropic_version="2026-01-01")),
}  # fmt: skip
LINES = [(f"{card} {rule}", clue) for card, lines in CARDS.items() for rule, clue in lines]


@pytest.fixture(scope="module")
def server() -> Iterator[Server[Replay]]:
    """A course server that knows one greeting, with thinking in the reply, and minds the key."""
    with serving(GREETING, key=KEY) as running:
        yield running


@pytest.mark.parametrize(("line", "clue"), LINES, ids=[line for line, _ in LINES])
def test_a_refusal_on_a_card_is_found_offline_and_its_clue_leaves_it_to_be_found(
    server: Server[Replay], line: str, clue: str
) -> None:
    spoiler, what = ASKS[line]
    asking = client(server.url, max_retries=0)
    with suppress(anthropic.APIStatusError):
        what(asking, server.url) if callable(what) else asking.messages.create(**{**HELLO, **what})
    entry = server.backend.account.journal[-1]
    assert entry.reply.headers["x-course-reply"] == f"rule: {line.partition(' ')[2]}"
    sent = f"{entry.request.path} {dict(entry.request.headers)} {entry.request.raw[:5_000]!r}"
    came = b"".join(step.data for step in entry.reply.steps).decode()
    assert spoiler.lower() in (sent + came).lower(), "what is kept out of the clue is the point"
    assert spoiler.strip('"').lower() not in clue.lower()


def test_every_card_asks_for_six_different_rules_that_exist(covers: Callable[[str], None]) -> None:
    known = {rule.name for rule in rules.RULES}
    for card, lines in CARDS.items():
        assert len({rule for rule, _ in lines} & known) == len(lines) == 6, card
        assert len({clue for _, clue in lines}) == 6, card
    assert {line for line, _ in LINES} == set(ASKS)
    used = {rule for lines in CARDS.values() for rule, _ in lines}
    covers(
        f"error hunt: {len(LINES)} lines on {len(CARDS)} cards, {len(used)} of {len(known)} rules"
    )
    covers(f"error hunt: on no card: {', '.join(sorted(known - used))}")


# --- the card in a kernel -------------------------------------------------------------------

BEGIN = f"import anthropic\nfrom helpers import hunt, setup, staged\nsetup({LESSON!r})"
FAIL = f"""
try:
    anthropic.Anthropic(base_url=BASE).messages.create(**{ {**HELLO, "messages": told("")}!r})
except anthropic.BadRequestError as error:
    pass
"""


@pytest.fixture
def course(tmp_path: Path) -> OwnCourse:
    """A course of its own with the lesson 01."""
    own = OwnCourse.at(tmp_path)
    file = own.root / "recordings" / f"{LESSON}.json"
    file.write_text(recording(GREETING, lesson=LESSON), encoding="utf-8")
    return own


@pytest.mark.parametrize("base", ["None", "staged(replies=['Hi'])"])
def test_a_card_is_ticked_and_stays_so_after_a_restart(course: OwnCourse, base: str) -> None:
    with kernel(course) as running:
        running.run(BEGIN)
        [before] = running.run("hunt()").displayed("text/markdown")
        assert "0 of 6 found" in before and "| found |" not in before
        assert not (course.root / "my-course").exists(), "nothing to keep yet"
        running.run(FAIL.replace("BASE", base))
        [after] = running.run("hunt()").displayed("text/markdown")
        assert "1 of 6 found" in after
        assert "| 3 | Send a message that says nothing at all. | found | `" in after
        assert "content" in after, "the message that was earned"
        running.run(f"setup({LESSON!r})")
        assert running.run("hunt()").displayed("text/markdown") == [after]
    with kernel(course) as running:
        running.run(BEGIN)
        assert running.run("hunt()").displayed("text/markdown") == [after]


def test_a_card_whose_ticks_cannot_be_kept_says_so_and_ticks(course: OwnCourse) -> None:
    (course.root / "my-course").write_text("a file, not a folder", encoding="utf-8")
    with kernel(course) as running:
        running.run(BEGIN + FAIL.replace("BASE", "None"))
        for _ in range(2):
            [text] = running.run("hunt()").displayed("text/plain")
            assert "1 of 6 found" in text and "[found] Send a message that says nothing" in text
            assert "only as long as this kernel" in text


def test_a_file_of_ticks_that_is_not_ours_counts_as_none(course: OwnCourse) -> None:
    files = ["", "7", "[7, null]", '{"x": 1}', "[[]]", '["01"]', '{"01": null}']
    (course.root / "my-course" / ".course").mkdir(parents=True)
    write = "Path('my-course/.course/hunt.json').write_text(text)"
    each = f"for text in {files!r}:\n    {write}\n    hunt()"
    shown = course.says(f"from pathlib import Path\n{BEGIN}\n{each}")
    assert shown.count("0 of 6 found") == len(files)


def test_the_state_of_an_author_can_be_kept_out_of_the_outputs(course: OwnCourse) -> None:
    (course.root / "my-course" / ".course").mkdir(parents=True)
    ticks = [f"01 {rule}" for rule, _ in CARDS["01"]]
    file = course.root / "my-course" / ".course" / "hunt.json"
    file.write_text(json.dumps(ticks), encoding="utf-8")  # the older form, without messages
    said = course.says(f"{BEGIN}\nhunt()")
    assert "6 of 6 found" in said and "You found them all" in said
    elsewhere = str(course.root / "elsewhere")
    assert "0 of 6 found" in course.says(f"{BEGIN}\nhunt()", COURSE_STATE=elsewhere)


def test_a_refusal_by_the_real_api_counts_like_one_in_replay(course: OwnCourse) -> None:
    with serving() as api:
        (course.root / ".env").write_text(f"ANTHROPIC_API_KEY={LIVE_KEY}", encoding="utf-8")
        code = (
            "client = anthropic.Anthropic()\n"
            "try:\n    client.models.retrieve('somebody-who-has-retired')\n"
            "except anthropic.NotFoundError:\n    pass\n"
        )
        said = course.says(f"{BEGIN}\n{code}hunt()", ANTHROPIC_BASE_URL=api.url)
        assert len(api.backend.account.journal) == 1
    assert "1 of 6" in said


def test_a_lesson_without_a_card_says_which_have_one(course: OwnCourse) -> None:
    assert "01, 02, 03" in course.says("from helpers import hunt\nhunt()")
