"""`python -m authoring drift`, proven against a stand-in: a second course server that drifts.

The drifts go through a real door and a real SDK, without a notebook; the command runs once, over
TLS, on a lesson whose upstream has not changed. No test here reaches the real API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anthropic
import httpx2
import pytest

from authoring import live
from authoring.drift import Report, compare, tell
from courseserver import wire
from courseserver.door import Door
from courseserver.loopback import Server
from courseserver.relay import Relay
from courseserver.values import Problem, Reply, Step
from tests.authoring.standin import (
    AUTHORED,
    BATCH,
    BATCHES,
    CELLS,
    LESSON,
    SAID,
    SECRET,
    Course,
    Fault,
    certificate,
    serving_api,
)
from tests.support import client, exchange, recordings, said

JSON = dict[str, Any]
TOKEN = "a-token-of-this-session"
BATCH_CELL = (
    f"made = client.messages.batches.create(requests={BATCH['requests']})\n"
    "while client.messages.batches.retrieve(made.id).processing_status != 'ended':\n    pass\n"
    "for line in client.messages.batches.results(made.id):\n    print(line.result.type)"
)
FILE_CELL = (
    "file = client.beta.files.upload(file=('a.txt', b'Good.', 'text/plain'))\n"
    "client.beta.files.delete(file.id).type"
)


def body(change: Callable[[JSON], Any]) -> Fault:
    """A drift in the JSON of a plain reply; the change works in place or gives a new object."""

    def fault(reply: Reply) -> Reply:
        value = json.loads(b"".join(step.data for step in reply.steps))
        value = change(value) or value
        return replace(reply, steps=(Step(0.0, wire.compact(value)),))

    return fault


def stream(old: bytes, new: bytes, count: int = -1) -> Fault:
    """A drift in the bytes of a stream."""

    def fault(reply: Reply) -> Reply:
        whole = b"".join(step.data for step in reply.steps)
        assert old in whole
        return replace(reply, steps=(Step(0.0, whole.replace(old, new, count)),))

    return fault


def without_event(kind: bytes) -> Fault:
    """A stream without the events of a kind."""
    return lambda reply: replace(
        reply, steps=tuple(step for step in reply.steps if b"event: " + kind not in step.data)
    )


def swapped(reply: Reply) -> Reply:
    """A stream whose last two events have changed places."""
    *first, one, other = reply.steps
    return replace(reply, steps=(*first, other, one))


def head(**changes: str | None) -> Fault:
    """A drift in the headers."""

    def fault(reply: Reply) -> Reply:
        kept = dict(reply.headers)
        for name, text in changes.items():
            kept.pop(name.replace("_", "-"), None)
            if text is not None:
                kept[name.replace("_", "-")] = text
        return replace(reply, headers=kept)

    return fault


def status(code: int) -> Fault:
    return lambda reply: replace(reply, status=code)


def accepted(reply: Reply) -> Reply:
    """What was refused is answered."""
    text: JSON = {"type": "message", "role": "assistant", "content": []}
    return Reply(200, {"content-type": "application/json"}, (Step(0.0, wire.compact(text)),))


def refused(reply: Reply) -> Reply:
    """What was answered is refused."""
    return wire.error(Problem(400, "invalid_request_error", "max_tokens: too few"), "drift", 1)


def renamed(holder: str, old: str, new: str) -> Callable[[JSON], None]:
    """A key gets another name and keeps its place."""

    def change(value: JSON) -> None:
        inner = value[holder] if holder else value
        items = [(new if name == old else name, part) for name, part in inner.items()]
        inner.clear()
        inner.update(items)

    return change


MOOD = b'event: mood\ndata: {"type": "mood"}\n\n'
PLAIN: JSON = {}
STREAM: JSON = {"stream": True}
WRONG: JSON = {"max_tokens": -1}
# By name: how the upstream drifts, what more the request has, and what the table must say.
DRIFTS: dict[str, tuple[Fault, JSON, str]] = {
    "key new": (body(lambda m: m.update(mood="fine")), PLAIN, "mood: new"),
    "key gone": (body(lambda m: m.pop("stop_details") and None), PLAIN, "stop_details: gone"),
    "key order": (
        body(lambda m: dict(reversed(list(m.items())))),
        PLAIN,
        "body: the keys come in another order",
    ),
    "key type": (
        body(lambda m: m["usage"].update(input_tokens="9")),
        PLAIN,
        "usage.input_tokens: int has become str",
    ),
    "block type": (
        body(lambda m: m["content"].append({"type": "song"})),
        PLAIN,
        "a block of the new type 'song'",
    ),
    "block key": (
        body(lambda m: m["content"][0].update(tone="low")),
        PLAIN,
        "content[text].tone: new",
    ),
    "stop reason": (
        body(lambda m: m.update(stop_reason="tired")),
        PLAIN,
        "stop_reason: the new value 'tired'",
    ),
    "usage renamed": (
        body(renamed("usage", "output_tokens", "tokens_out")),
        PLAIN,
        "usage.output_tokens: gone",
    ),
    "usage new": (body(lambda m: m["usage"].update(watts=3)), PLAIN, "usage.watts: new"),
    "alias": (
        body(lambda m: m.update(model="claude-sonnet-5-5-20261001")),
        PLAIN,
        "has become 'claude-sonnet-5-5-20261001'",
    ),
    "role": (body(lambda m: m.update(role="model")), PLAIN, "role: 'assistant' has become 'model'"),
    "status": (status(202), PLAIN, "status: 200 has become 202"),
    "header gone": (head(request_id=None), PLAIN, "header request-id: gone"),
    "header new": (head(anthropic_mood="fine"), PLAIN, "header anthropic-mood: new"),
    "content type": (
        head(content_type="application/vnd.api+json"),
        PLAIN,
        "header content-type: 'application/json' has become",
    ),
    "rule new": (refused, PLAIN, "a rule is new: the API refuses (400)"),
    "rule gone": (accepted, WRONG, "a rule is gone: the API accepts"),
    "error type": (
        body(lambda m: m["error"].update(type="bad_request")),
        WRONG,
        "has become 'bad_request'",
    ),
    "error key": (body(renamed("", "request_id", "requestId")), WRONG, "requestId: new"),
    "error status": (status(422), WRONG, "status: 400 has become 422"),
    "event new": (
        stream(b"event: message_stop", MOOD + b"event: message_stop"),
        STREAM,
        "event mood: new",
    ),
    "event gone": (without_event(b"message_stop"), STREAM, "event message_stop: gone"),
    "event order": (swapped, STREAM, "the events come in another order"),
    "ping gone": (without_event(b"ping"), STREAM, "event ping: gone"),
    "delta renamed": (
        stream(b"text_delta", b"words_delta"),
        STREAM,
        "content_block_delta words_delta: new",
    ),
    "event renamed": (
        stream(b"event: message_delta", b"event: message_change"),
        STREAM,
        "event message_change of type message_delta: new",
    ),
    "stream usage": (
        stream(b'"usage":{', b'"usage":{"watts":3,', 1),
        STREAM,
        "event message_start.message.usage.watts: new",
    ),
    "stream content type": (
        head(content_type="application/x-ndjson"),
        STREAM,
        "has become 'application/x-ndjson'",
    ),
}


def live_run(faults: dict[str, Fault]) -> Report:
    """What `drift` finds when each request goes through a door to an upstream with these faults."""
    run = live.Run(LESSON, None)
    door = Server(Door(key=TOKEN))
    door.backend.account.budget.limit = 1.0
    try:
        with (
            serving_api({}, faults=faults) as api,
            client(door.url, api_key=TOKEN, max_retries=0) as sdk,
        ):
            door.backend.relay = Relay(door.backend.account, api.url, {"x-api-key": SECRET})
            for name, (_, more, _) in DRIFTS.items():
                with suppress(anthropic.APIError, httpx2.HTTPError):
                    came: Any = sdk.messages.create(**said(name, **more))
                    list(came)
                run.seen.append((name, door.backend.journal[-1]))
    finally:
        door.stop()
    assert len(door.backend.journal) == len(DRIFTS)
    report = Report()
    compare(run, recordings(*AUTHORED), report)
    return report


@pytest.fixture(scope="module")
def drifted() -> Report:
    """What was found at an upstream that drifts in a way of its own for each request."""
    return live_run({name: fault for name, (fault, _, _) in DRIFTS.items()})


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_is_found_and_named_with_its_cell(drifted: Report, name: str) -> None:
    found = [row for row in drifted.rows if row[1] == name]
    assert [what for *_, what in found if DRIFTS[name][2] in what], found
    assert all(row[:3] == (LESSON, name, "POST messages") for row in found)
    assert len(found) <= 3, "one change is told as one, or as its two sides"


def test_the_table_names_the_lesson_the_cell_and_the_drift_and_the_command_fails(
    drifted: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(drifted) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == "lesson cell request what drifted".split()
    assert re.search(
        rf"^{LESSON}  header gone  +POST messages  header request-id: gone$", said, re.M
    )
    assert "Covered: messages (" in said and "Not covered: nothing." in said


def test_the_same_requests_show_no_drift_when_nothing_has_changed() -> None:
    found = live_run({})
    assert found.rows == [] and found.covered.total() == len(DRIFTS)


def test_against_an_unchanged_api_there_is_no_drift_and_the_coverage_is_told(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    batch = exchange("batch", BATCH, {"results": {"a": "Good."}}, path=BATCHES)
    cells = [*CELLS, BATCH_CELL, FILE_CELL]
    course = Course(tmp_path_factory.mktemp("same"), cells, [*AUTHORED, batch])
    public, context = certificate(tmp_path_factory.mktemp("tls"))
    before = course.files()
    with serving_api(SAID, context) as api:
        done = course.run(api.url, "drift", LESSON, "--yes", SSL_CERT_FILE=str(public))
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert "No drift in 19 exchanges." in said
    for covered in ("messages (9)", "messages, refused (1)", "count_tokens (1)", "batches (1)",
                    "batch results (1)", "files (1)", "file (1)"):  # fmt: skip
        assert covered in said, covered
    assert "Not covered: staged by a cell (1)." in said
    assert course.files() == before


def test_without_a_terminal_and_without_yes_no_question_is_sent(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    course = Course(tmp_path_factory.mktemp("no"), CELLS[:1], AUTHORED)
    with serving_api({}) as api:
        done = course.run(api.url, "drift")
        assert not api.backend.asked
    assert done.returncode == 1 and "--yes" in done.stderr
