"""`python -m authoring record`, proven against a stand-in: a second course server as upstream.

The tool runs as an author runs it, in a copy of the course with a lesson of its own, over HTTP and
over TLS. No test here reaches the real API.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from authoring import AuthoringError, live, record
from courseserver import ids
from courseserver.ids import Captured
from courseserver.journal import Entry
from courseserver.loopback import Server
from courseserver.recordings import Recordings
from courseserver.values import Reply, Step
from helpers.settings import Mode
from tests.authoring.standin import (
    ASK,
    AUTHORED,
    CELLS,
    FOREIGN,
    LESSON,
    SAID,
    SECRET,
    THOUGHT,
    VARIANT,
    Api,
    Course,
    certificate,
    serving_api,
    turns,
)
from tests.support import HELLO, PATIENCE, ROOT, client, exchange, recordings, request, said

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Course, str, Api]]:
    """A course whose lesson was recorded over TLS (HTTP without openssl), and what was printed."""
    course = Course(tmp_path_factory.mktemp("record"), CELLS, AUTHORED, [VARIANT])
    public, context = certificate(tmp_path_factory.mktemp("tls"))
    with serving_api(SAID, context) as api:
        done = course.run(api.url, "record", LESSON, "--yes", SSL_CERT_FILE=str(public))
    assert done.returncode == 0, done.stdout + done.stderr
    yield course, done.stdout, api.backend


def test_captured_replies_take_the_places_of_authored_ones(
    recorded: tuple[Course, str, Api],
) -> None:
    found = recorded[0].exchanges()
    sources = {name: entry["source"] for name, entry in found.items()}
    names = ("hello", "and", "song", "time", "told")
    assert sources == dict.fromkeys(names, "captured") | {"busy": "authored"}
    assert all(len(found[name]["captured"]) == len("2026-12-01") for name in names)
    body = found["hello"]["replies"][0]["body"]
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert body["content"][0]["signature"] == FOREIGN
    assert found["hello"]["replies"][0]["delay"] > 0


def test_a_captured_stream_has_its_raw_events_with_their_timing(
    recorded: tuple[Course, str, Api],
) -> None:
    [reply] = recorded[0].exchanges()["song"]["replies"]
    assert [delay for delay, _ in reply["events"] if delay > 0]
    assert {text.count("\n\n") for _, text in reply["events"]} == {1}
    assert reply["events"][0][1].startswith("event: message_start\n")
    assert reply["usage"]["output_tokens"] > 0
    sent = recorded[2].sent["Sing."]
    assert "".join(text for _, text in reply["events"]).encode() == sent


def test_only_the_headers_of_the_list_are_kept_and_no_account(
    recorded: tuple[Course, str, Api],
) -> None:
    text = recorded[0].recording.read_text(encoding="utf-8")
    for entry in recorded[0].exchanges().values():
        for reply in entry["replies"]:
            assert set(reply.get("headers", {})) <= set(record.KEPT)
    assert "organization" not in text and SECRET not in text


def test_no_file_and_no_word_of_the_whole_command_holds_a_secret(tmp_path: Path) -> None:
    private = {
        "set-cookie": "session=of-this-account",
        "anthropic-organization-id": "11111111-of-this-account",
        "x-gateway-user": "author@of-this-account",
    }
    cells = (*CELLS[:4], "hello._request_id[:4]")
    course = Course(tmp_path, cells, AUTHORED[:3])
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    faults = {
        words: lambda reply: replace(reply, headers={**reply.headers, **private})
        for words in ("Hello", "And?", "Sing.")
    }
    with serving_api(SAID, faults=faults) as api:
        done = course.run(api.url, "record", LESSON, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert api.backend.asked.count("Hello") == 1
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    written |= {course.notebook, course.recording}
    texts = [path.read_bytes().decode(errors="replace") for path in written]
    for text in (*texts, done.stdout, done.stderr):
        assert SECRET not in text
        assert "of-this-account" not in text
    for text in (course.notebook.read_text("utf-8"), course.recording.read_text("utf-8")):
        assert str(tmp_path) not in text and str(Path.home()) not in text


def test_later_turns_carry_what_was_captured_and_outputs_are_rendered_from_it(
    recorded: tuple[Course, str, Api],
) -> None:
    course = recorded[0]
    found = course.exchanges()
    second = found["and"]["request"]["messages"][1]["content"]
    assert second[0]["signature"].startswith("sha256:")
    call = found["time"]["replies"][0]["body"]["content"][0]
    assert found["told"]["request"]["messages"][2]["content"][0]["tool_use_id"] == call["id"]
    assert call["id"] != "toolu_authored"
    shown = course.notebook.read_text(encoding="utf-8")
    for text in ("Captured and.", SAID["Sing."], "Captured nine.", "529"):
        assert text in shown
    assert "Authored" not in shown


def test_a_question_that_is_asked_again_keeps_its_first_reply_and_what_follows_it(
    recorded: tuple[Course, str, Api],
) -> None:
    course, said, api = recorded
    assert api.asked.count("Hello") == 3  # once to count its tokens
    assert [len(entry["replies"]) for entry in course.exchanges().values()] == [1] * 6
    assert "Another hello." not in course.recording.read_text(encoding="utf-8")
    assert "it follows a reply that was not kept" in said
    assert "asked again (1), not kept" in said


def test_the_summary_says_what_changed_and_what_stays_authored(
    recorded: tuple[Course, str, Api],
) -> None:
    said = recorded[1]
    assert "captured 'hello': end_turn, text, " in said
    assert " -> end_turn, thinking + text, " in said
    assert "not captured 'busy': its reply is an authored error" in said
    assert "not captured 'bye': only a variant answers it" in said
    assert "a cell stages it" in said and "the course server computes it" in said
    assert "refuses it by its own rules, as the API does" in said
    assert "5 exchanges captured; variants stay authored (1)" in said
    assert said.index("In all about") < said.index("captured 'hello'")


def test_captured_thinking_is_accepted_in_later_turns_and_bound_as_it_was(
    recorded: tuple[Course, str, Api],
) -> None:
    course = recorded[0]
    text = course.recording.read_text(encoding="utf-8")
    from courseserver.replay import Replay

    replay = Replay()
    replay.start(Recordings.parse(text, LESSON))

    def status(first: str, **block: str) -> tuple[int, str]:
        body = turns(first, [{**THOUGHT, **block}, {"type": "text", "text": "Captured hello."}],
                     "And?")  # fmt: skip
        reply = replay.decide(request(body))
        return reply.status, b"".join(step.data for step in reply.steps).decode()

    assert status("Hello")[0] == 200
    for first, block, told in (
        ("Hello", {"thinking": "Edited."}, "cannot be modified"),
        ("Hello", {"signature": FOREIGN[:90] + "AAAA" + FOREIGN[94:]}, "Invalid `signature`"),
        ("Hello you", {}, "bound to a different conversation"),
    ):
        came = status(first, **block)
        assert came[0] == 400 and told in came[1], came


# --- what stops it -------------------------------------------------------------------------


UNSENT = Entry(request(HELLO), Reply(402, {}, ()), unsent=True)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course with a lesson of one request."""
    cells = (ASK, "client.messages.create(**ask('Hello')).content[-1].text")
    return Course(tmp_path, cells, AUTHORED[:1])


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (live.Run(LESSON, None, failed={"cell 3 (x)": "It failed."}), "failed live. It failed."),
        (live.Run(LESSON, None, [("cell 3 (x)", UNSENT)]), "the spending limit kept a request"),
    ],
    ids=["a cell that fails", "a limit"],
)
def test_a_live_run_that_is_not_whole_is_refused(run: live.Run, why: str) -> None:
    with pytest.raises(AuthoringError, match=why):
        record.whole_run(run, "live")


def test_the_limit_holds_over_all_lessons_of_a_command() -> None:
    purse = live.Purse(Mode("live", "", key=SECRET, limit=0.5), spent=0.2)
    assert float(purse.settings()["COURSE_BUDGET_USD"]) == pytest.approx(0.3)
    purse.spent = 0.7
    assert float(purse.settings()["COURSE_BUDGET_USD"]) == 0


def test_without_a_terminal_and_without_yes_nothing_is_sent(course: Course) -> None:
    with serving_api(SAID) as api:
        done = course.run(api.url, "record", LESSON)
        assert not api.backend.asked
    assert done.returncode == 1 and "--yes" in done.stderr
    assert "at most $" in done.stdout


def test_without_a_key_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(AuthoringError, match="there is no key"):
        live.ask([], ROOT, yes=True)


def test_a_kill_in_the_middle_of_the_live_run_leaves_the_old_recording(course: Course) -> None:
    before = course.files()
    stuck = {"content": "Never.", "fault": {"kind": "stall", "after": 0}}
    with serving_api({"Hello": stuck}) as api:
        process = course.start(api.url, "record", LESSON, "--yes")
        while not api.backend.came.wait(0.1):
            assert process.poll() is None, "the command ended before it asked"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    assert course.files() == before


SAVE = """
import os, resource, signal, sys
from pathlib import Path
from authoring import AuthoringError, record

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def full():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

middles = {
    "written": lambda: setattr(os, "fsync", kill),
    "beside": lambda: setattr(os, "replace", kill),
    "full": full,
}
for name, prepare in middles.items():
    child = os.fork()
    if not child:
        prepare()
        try:
            record.save_whole({Path(sys.argv[1]): b"new" * 100_000})
        except AuthoringError as problem:
            os._exit(7 if "could not be written" in str(problem) else 8)
        os._exit(0)
    print(name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(Path(sys.argv[1]).read_text())
"""


@pytest.mark.skipif(os.name == "nt", reason="not covered: kill and full disk on Windows")
def test_a_kill_or_a_full_disk_in_the_middle_of_writing_leaves_the_old_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "01.json"
    file.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", SAVE, str(file)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    killed = -signal.SIGKILL
    lines = [f"written {killed}", "old", f"beside {killed}", "old", "full 7", "old"]
    assert done.stdout.splitlines() == lines, done.stderr
    record.save_whole({file: b"new"})  # and what was left beside it is no hindrance
    assert [path.name for path in tmp_path.iterdir()] == ["01.json"]
    assert file.read_bytes() == b"new"


# --- secrets, without a kernel ----------------------------------------------------------------


def event(text: str) -> Step:
    delta = {"type": "text_delta", "text": text}
    data = {"type": "content_block_delta", "index": 0, "delta": delta}
    return Step(0.0, b"event: content_block_delta\ndata: %s\n\n" % json.dumps(data).encode())


def opened(*texts: str) -> tuple[Step, ...]:
    start: JSON = {"type": "message_start", "message": {"content": [], "usage": {}}}
    block = {"type": "content_block_start", "index": 0}
    block["content_block"] = {"type": "text", "text": ""}
    head = [Step(0.0, b"data: %s\n\n" % json.dumps(each).encode()) for each in (start, block)]
    return (*head, *map(event, texts), Step(0.0, b"event: message_stop\ndata: {}\n\n"))


@pytest.mark.parametrize(
    ("body", "steps", "kind"),
    [
        (HELLO, opened("Take sk-ant", "-api03-abcdefgh"), "an Anthropic key"),
        (HELLO, opened("course-session-", "0123456789abcdef"), "the token of the session"),
        (HELLO, opened("/home/", "ada/notes"), "a path of this machine"),
        (HELLO, opened("my own ", "gateway's word"), "your key"),
        (said("word " * 300 + "sk-" + "ant-api03-abcdefgh"), opened("Hi"), "an Anthropic key"),
        (said("I am in /home" + "/ada/course"), opened("Hi"), "a path of this machine"),
        (HELLO, opened("Hi"), ""),
    ],
)
def test_what_may_be_a_secret_is_refused(
    body: JSON, steps: Sequence[Step], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-pass: my own gateway's word")
    entry = Entry(request(body), Reply(200, {}, tuple(steps), streamed=True))
    taken = record.Taken(recordings(exchange("hello", HELLO, "Hi")), live.Run(LESSON, None))
    taken._keep("hello", None, "cell 1", entry)
    made = taken.exchanges({"api_version": "2026-10-21", "exchanges": []})
    purse = live.Purse(Mode("live", "", key=SECRET))
    if not kind:
        record.refuse_secrets(taken, made, ROOT, purse)
        return
    with pytest.raises(AuthoringError, match=kind):
        record.refuse_secrets(taken, made, ROOT, purse)


# --- how captured thinking is bound, without a kernel -----------------------------------------


def test_a_part_that_changes_at_every_run_does_not_unbind_captured_thinking() -> None:
    prefix = {**HELLO, "system": [{"type": "text", "text": "nine"}]}
    later = {**HELLO, "system": [{"type": "text", "text": "ten"}]}
    assert Captured("", "", prefix, ("system.0",)).problem(THOUGHT, later, "") is None
    assert Captured("", "", prefix).problem(THOUGHT, later, "") == "system"


def test_captured_blocks_of_one_turn_belong_together() -> None:
    kept = Captured("They greet me.", "first", HELLO)
    assert kept.problem(THOUGHT, HELLO, "first") is None
    assert kept.problem(THOUGHT, HELLO, "") == "edited"


def test_a_signature_of_a_stand_in_is_judged_by_its_seal_and_a_real_one_by_likeness() -> None:
    prefix = {"messages": HELLO["messages"]}
    short, long = (ids.signature(prefix, "", tokens) for tokens in (20, 60))
    known = {signed: Captured("", "", HELLO) for signed in (short, FOREIGN)}
    assert not ids.is_damaged(long, known)  # it begins like the captured one, and is whole
    assert ids.is_damaged(FOREIGN[:40] + "xyz" + FOREIGN[43:], known)
    assert not ids.is_damaged("c2VhbA==" * 30, known)


def test_a_stream_through_the_door_is_noted_event_by_event_with_its_time() -> None:
    from courseserver.door import Door
    from courseserver.relay import Relay

    with serving_api({"Hello": "One two three four five six seven."}) as api:
        door = Server(Door(key="token"))
        door.backend.account.budget.limit = 1.0
        door.backend.relay = Relay(door.backend.account, api.url, {"x-api-key": SECRET})
        try:
            with client(door.url, api_key="token").messages.stream(**HELLO) as stream:
                stream.until_done()
            steps = list(door.backend.journal[-1].reply.steps)
        finally:
            door.stop()
    assert b"".join(step.data for step in steps) == api.backend.sent["Hello"]
    assert all(step.data.endswith(b"\n\n") for step in steps)
    assert sum(step.delay for step in steps) > 0
