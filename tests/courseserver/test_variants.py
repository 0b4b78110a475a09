"""Variants of a recorded request: how they are written, what they answer, and what is refused.

The gate at the end holds every variant of every lesson against the API's own rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from courseserver import rules
from courseserver.call import Call
from courseserver.recordings import Exchange, RecordingError, Recordings
from courseserver.values import Request
from courseserver.variants import changed
from tests.courseserver.test_wire import lesson_recordings
from tests.support import HELLO, LESSON, client, exchange, headers, recording, text_of

JSON = dict[str, Any]
BASE = exchange("hello", {**HELLO, "system": "Be kind."}, "Hi there.")
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmM"
    "IQAAAABJRU5ErkJggg=="
)


def variant(name: str, of: str, changes: JSON, *replies: Any, **more: Any) -> JSON:
    """One variant in the form of a recording file."""
    return {"name": name, "of": of, "changes": changes, "replies": list(replies or ("Ho.",))} | more


def parsed(*variants: JSON, base: JSON = BASE) -> Recordings:
    """A recording with one exchange and these variants."""
    data = json.loads(recording(base))
    return Recordings.parse(json.dumps({**data, "variants": variants}), LESSON)


def asked(*variants: JSON) -> list[JSON]:
    """The requests of the variants."""
    return [entry.request for entry in parsed(*variants).exchanges if entry.variant]


# --- what a change does ---------------------------------------------------------------------


def test_a_change_replaces_the_part_at_its_path() -> None:
    [request] = asked(variant("yo", "hello", {"messages.0.content": "Yo"}))
    assert request == {
        **HELLO,
        "system": "Be kind.",
        "messages": [{"role": "user", "content": "Yo"}],
    }


def test_null_takes_a_part_out_and_a_new_key_is_added() -> None:
    [request] = asked(variant("bare", "hello", {"system": None, "stop_sequences": ["\n"]}))
    assert request == {**HELLO, "stop_sequences": ["\n"]}


def test_the_next_place_of_a_list_may_be_added() -> None:
    turn = {"role": "user", "content": "And?"}
    assert changed({"turns": ["a"]}, {"turns.1": turn}) == {"turns": ["a", turn]}


def test_a_variant_of_a_variant_has_the_changes_of_both() -> None:
    second, third = asked(
        variant("haiku", "hello", {"model": "claude-haiku-5-5"}),
        variant("haiku, yo", "haiku", {"messages.0.content": "Yo"}),
    )
    assert third == {**second, "messages": [{"role": "user", "content": "Yo"}]}


def test_a_long_text_is_given_as_plain_text_and_kept_as_its_digest() -> None:
    [request] = asked(variant("long", "hello", {"system": "Be very kind. " * 100}))
    assert "… [sha256:" in request["system"]


def test_method_path_version_betas_and_volatile_are_those_of_the_base() -> None:
    base = {**BASE, "betas": ["one-2026"], "volatile": ["system"], "api_version": "2023-06-01"}
    found = parsed(variant("haiku", "hello", {"model": "claude-haiku-5-5"}), base=base)
    first, second = found.exchanges
    for name in ("method", "path", "version", "betas", "volatile"):
        assert getattr(first, name) == getattr(second, name)
    assert (first.variant, second.variant) == (False, True)
    assert second.source == "authored"


def test_a_variant_answers_through_the_sdk() -> None:
    from courseserver.loopback import Server
    from courseserver.replay import Replay

    server = Server(Replay())
    server.backend.start(parsed(variant("haiku", "hello", {"model": "claude-haiku-5-5"}, "Ho!")))
    try:
        with client(server.url) as sdk:
            wanted = {**HELLO, "system": "Be kind."}
            assert text_of(sdk.messages.create(**wanted)) == "Hi there."
            wanted["model"] = "claude-haiku-5-5"
            assert text_of(sdk.messages.create(**wanted)) == "Ho!"
    finally:
        server.stop()


# --- what an author hears -------------------------------------------------------------------

LONG = exchange("hello", {**HELLO, "system": "Be kind. " * 200}, "Hi.")


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ([variant("a", "hallo", {"max_tokens": 5})], "'a' is of 'hallo'"),
        ([variant("a", "b", {"max_tokens": 5}), variant("b", "hello", {"max_tokens": 6})],
         "'a' is of 'b'"),
        ([variant("a", "hello", {"messages.1.content": "x"})], "'messages.1' of .* 1 places"),
        ([variant("a", "hello", {"messages.2": {}})], "'messages.2' does not exist"),
        ([variant("a", "hello", {"tools.0.name": "x"})], "'tools' of 'tools.0.name' .*there is: m"),
        ([variant("a", "hello", {"system.text": "x"})], "which has no parts"),
        ([variant("a", "hello", {"messages.first.role": "x"})], "'first' must be a number"),
        ([variant("a", "hello", {"stream": None})], "'stream' does not exist"),
        ([variant("a", "hello", {"max_tokens": 300})], "'max_tokens' changes nothing"),
        ([variant("a", "hello", {})], "'a' changes nothing"),
        ([variant("hello", "hello", {"max_tokens": 5})], "are called 'hello'"),
        ([variant("a", "hello", {"max_tokens": 5}), variant("b", "hello", {"max_tokens": 5})],
         "same request: a and b"),
        ([variant("a", "hello", {"max_tokens": 5}, replies=[])], "at least one reply"),
        ([variant("a", "hello", {"max_tokens": 5}, path="/v1/x")], "has a part 'path'"),
        ([{"name": "a", "of": "hello", "replies": ["x"]}], "changes.? is missing"),
    ],
)  # fmt: skip
def test_a_bad_variant_is_refused_in_words(variants: list[JSON], words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        parsed(*variants)


def test_a_path_into_a_digested_text_does_not_exist() -> None:
    with pytest.raises(RecordingError, match=r"leads into .*sha256.* which has no parts"):
        parsed(variant("a", "hello", {"system.0": "x"}), base=LONG)


# --- the gate -------------------------------------------------------------------------------


def sendable(value: Any) -> Any:
    """A recorded request as it could be sent: a small picture for each digest of one.

    Thinking is left out, since its signatures are digests.
    """
    if isinstance(value, list):
        thinking = ("thinking", "redacted_thinking")
        kept = [one for one in value if not (isinstance(one, dict) and one.get("type") in thinking)]
        return [sendable(one) for one in kept]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "base64" and str(value.get("data")).startswith("sha256:"):
        return {**value, "media_type": "image/png", "data": PNG}
    return {key: item if key == "input" else sendable(item) for key, item in value.items()}


def objection(entry: Exchange) -> str:
    """What the API's rules say against a recorded request, or "" when it passes."""
    body = sendable(entry.request)
    head = headers() | {"anthropic-version": entry.version}
    if entry.betas:
        head["anthropic-beta"] = ",".join(entry.betas)
    raw = json.dumps(body).encode()
    problem = rules.check(Call(Request(entry.method, entry.path, "", head, raw, body)))
    return problem.message if problem else ""


def spoken(lessons: list[Recordings]) -> Iterator[tuple[str, Exchange]]:
    """Every exchange that the gate can look at, with its name."""
    for lesson in lessons:
        for entry in lesson.exchanges:
            texts = json.dumps(entry.request)
            if '"file_id"' not in texts and "application/pdf" not in texts:
                yield f"{lesson.lesson} {entry.name}", entry


def test_every_recorded_request_and_variant_passes_the_rules(covers: Callable[[str], None]) -> None:
    looked = list(spoken(lesson_recordings()))
    variants = sum(entry.variant for _, entry in looked)
    covers(f"rules: {len(looked)} recorded requests, {variants} of them variants; "
           "not: those with files or PDFs")  # fmt: skip
    assert len(looked) > 100
    refused = {name: objection(entry) for name, entry in looked if objection(entry)}
    assert not refused


def test_the_gate_sees_a_variant_that_the_api_would_refuse() -> None:
    found = parsed(variant("bad", "hello", {"temperature": 0.5}))
    assert [bool(objection(entry)) for entry in found.exchanges] == [False, True]
