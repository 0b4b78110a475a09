"""Message batches through the real SDK: their life, their results, and what is refused when.

Shapes and life cycle are those of recorded traffic of August 2026 and of the page
batch-processing; the real service takes minutes where this one takes three looks.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from courseserver import batches
from courseserver.endpoints import BATCHES
from courseserver.loopback import Server
from courseserver.missed import Missed
from courseserver.recordings import RecordingError, Recordings
from courseserver.replay import Replay
from courseserver.values import Request
from helpers import cost, facts, ledger
from helpers._cost import dollars
from helpers._setup import course_server
from helpers.report import missed_report
from tests.support import (
    HELLO,
    LESSON,
    PATIENCE,
    client,
    exchange,
    headers,
    recording,
    recordings,
    said,
    send,
    serving,
    text_of,
)

JSON = dict[str, Any]
Batch = anthropic.types.messages.MessageBatch
KEYS = [
    "id", "type", "processing_status", "request_counts", "ended_at", "created_at", "expires_at",
    "archived_at", "cancel_initiated_at", "results_url",
]  # fmt: skip
COUNTS = ["processing", "succeeded", "errored", "canceled", "expired"]


def request(name: str, **more: Any) -> Any:
    """One request of a batch: a small good one, with fields changed."""
    return {"custom_id": name, "params": said(f"Label the review {name}.") | more}


FOUR = [request("a"), request("b"), request("c", temperature=0), request("d")]
TOLD = {"a": "praise", "b": {"result": "expired"}, "c": None, "d": "complaint"}
RECORDED = exchange("four", {"requests": FOUR}, {"results": TOLD}, path="/v1/messages/batches")


@pytest.fixture
def server() -> Iterator[Server[Replay]]:
    with serving(RECORDED) as running:
        yield running


@pytest.fixture
def sdk(server: Server[Replay]) -> anthropic.Anthropic:
    return client(server.url, max_retries=0)


@pytest.fixture
def staged(server: Server[Replay]) -> Callable[..., anthropic.Anthropic]:
    """A client whose batches get these replies, request by request, the last repeating."""
    return lambda *replies: client(
        server.url + server.backend.account.stage("test", replies), max_retries=0
    )


def ended(sdk: anthropic.Anthropic, batch: Batch) -> Batch:
    """The batch after its end."""
    for _ in range(batches.LOOKS):
        batch = sdk.messages.batches.retrieve(batch.id)
    assert batch.processing_status == "ended"
    return batch


def results(sdk: anthropic.Anthropic, batch: Batch) -> dict[str, Any]:
    return {line.custom_id: line.result for line in sdk.messages.batches.results(batch.id)}


def count_of(requests: list[Any]) -> Missed:
    """What the server notes of a batch that nobody recorded."""
    course = Replay()
    body = {"requests": requests}
    sent = Request("POST", BATCHES, "", headers(), json.dumps(body).encode(), body)
    course.decide(sent)
    missed = course.account.journal[-1].missed
    assert missed is not None
    return missed


# --- the life of a batch --------------------------------------------------------------------


def test_a_batch_begins_with_everything_in_processing(sdk: anthropic.Anthropic) -> None:
    raw = sdk.messages.batches.with_raw_response.create(requests=FOUR)
    body = json.loads(raw.http_response.content)
    assert list(body) == KEYS
    assert list(body["request_counts"]) == COUNTS
    assert re.fullmatch(r"msgbatch_01[1-9A-HJ-NP-Za-km-z]{22}", body["id"])
    assert body["request_counts"]["processing"] == 4
    assert body["processing_status"] == "in_progress"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", body["created_at"])
    batch = raw.parse()
    assert (batch.expires_at - batch.created_at).days == 1
    assert not [name for name in raw.headers if "ratelimit" in name]


def test_counts_move_only_when_the_whole_batch_has_ended(
    sdk: anthropic.Anthropic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PACE", "1")
    batch = sdk.messages.batches.create(requests=FOUR)
    seen = []
    for _ in range(batches.LOOKS + 1):
        raw = sdk.messages.batches.with_raw_response.retrieve(batch.id)
        now = raw.parse()
        waits = raw.headers.get("retry-after")
        seen.append((now.processing_status, now.request_counts.processing, waits))
    assert seen == [("in_progress", 4, "1")] * 2 + [("ended", 0, None)] * 2
    counts = now.request_counts
    assert (counts.succeeded, counts.errored, counts.expired, counts.canceled) == (2, 1, 1, 0)
    assert now.ended_at is not None
    assert str(now.results_url).endswith(f"/v1/messages/batches/{batch.id}/results")


def test_without_waiting_the_header_says_so(
    sdk: anthropic.Anthropic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PACE", "0")
    batch = sdk.messages.batches.create(requests=FOUR)
    assert sdk.messages.batches.with_raw_response.retrieve(batch.id).headers["retry-after"] == "0"


def test_results_before_the_end_are_refused(
    sdk: anthropic.Anthropic, server: Server[Replay]
) -> None:
    batch = sdk.messages.batches.create(requests=FOUR)
    with pytest.raises(anthropic.AnthropicError, match="in_progress"):
        sdk.messages.batches.results(batch.id)
    answer = send(server.url, method="GET", path=f"/v1/messages/batches/{batch.id}/results")
    assert answer.status == 400
    assert "still being processed" in answer.json["error"]["message"]


def test_each_result_says_what_became_of_its_request(sdk: anthropic.Anthropic) -> None:
    batch = ended(sdk, sdk.messages.batches.create(requests=FOUR))
    found = results(sdk, batch)
    assert {name: result.type for name, result in found.items()} == {
        "a": "succeeded",
        "b": "expired",
        "c": "errored",
        "d": "succeeded",
    }
    assert text_of(found["a"].message) == "praise"
    assert found["a"].message.usage.service_tier == "batch"
    assert found["c"].error.error.type == "invalid_request_error"
    assert found["c"].error.error.message == "temperature: Extra inputs are not permitted"
    assert found["c"].error.request_id.startswith("req_")


def test_the_results_file_is_json_lines_and_can_be_read_again(
    sdk: anthropic.Anthropic, server: Server[Replay]
) -> None:
    batch = ended(sdk, sdk.messages.batches.create(requests=FOUR))
    path = f"/v1/messages/batches/{batch.id}/results"
    first, second = (send(server.url, method="GET", path=path) for _ in range(2))
    assert first.body == second.body
    assert first.headers["content-type"] == "application/x-jsonl"
    assert f"{batch.id}_results.jsonl" in first.headers["content-disposition"]
    lines = [json.loads(line) for line in first.body.splitlines()]
    assert {line["custom_id"] for line in lines} == set("abcd")
    assert all(list(line) == ["custom_id", "result"] for line in lines)


def test_results_do_not_keep_the_order_of_the_requests(
    staged: Callable[..., anthropic.Anthropic],
) -> None:
    sdk = staged("praise")
    names = [f"r-{number}" for number in range(40)]
    batch = ended(sdk, sdk.messages.batches.create(requests=[request(name) for name in names]))
    came = [line.custom_id for line in sdk.messages.batches.results(batch.id)]
    assert sorted(came) == sorted(names)
    assert came != names


def test_a_staged_batch_can_have_one_result_of_each_kind(
    staged: Callable[..., anthropic.Anthropic],
) -> None:
    busy = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
    sdk = staged("praise", busy, {"result": "canceled"}, {"result": "expired"})
    four = [request(name) for name in "abcd"]
    batch = ended(sdk, sdk.messages.batches.create(requests=four))
    assert Counter(result.type for result in results(sdk, batch).values()) == Counter(
        ["succeeded", "errored", "canceled", "expired"]
    )
    counts = batch.request_counts
    assert [counts.succeeded, counts.errored, counts.canceled, counts.expired] == [1, 1, 1, 1]


ROW = facts.model(facts.MODEL)
MISTAKES: dict[str, JSON] = {
    "temperature: Extra inputs are not permitted": {"temperature": 0.2},
    "model: claude-3-opus-20240229": {"model": "claude-3-opus-20240229"},
    "stream: not supported in a batch": {"stream": True},
    "max_tokens: 0 is not supported in a batch": {"max_tokens": 0},
    "messages: at least one message is required": {"messages": []},
    f"max_tokens: {ROW.max_output + 1} > {ROW.max_output}, which is the maximum allowed number of "
    f"output tokens for {facts.MODEL}": {"max_tokens": ROW.max_output + 1},
}


def test_mistakes_appear_only_in_the_results(
    staged: Callable[..., anthropic.Anthropic], covers: Callable[[str], None]
) -> None:
    sdk = staged("praise")
    wrong = [request(f"r-{at}", **more) for at, more in enumerate(MISTAKES.values())]
    batch = ended(sdk, sdk.messages.batches.create(requests=wrong))
    found = results(sdk, batch)
    for at, says in enumerate(MISTAKES):
        assert found[f"r-{at}"].error.error.message == says
    covers(f"batches: {len(MISTAKES)} mistakes that appear only in the results")


def test_a_batch_of_mistakes_alone_needs_no_recording(sdk: anthropic.Anthropic) -> None:
    wrong = [request("a", model="claude-2.1"), request("b", temperature=1)]
    found = results(sdk, ended(sdk, sdk.messages.batches.create(requests=wrong)))
    assert {result.type for result in found.values()} == {"errored"}


def test_a_batch_that_nobody_recorded_is_missed_and_said_so(sdk: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="nothing was sent") as caught:
        sdk.messages.batches.create(requests=[request("a"), request("e")])
    assert caught.value.status_code == 421


def test_the_report_of_a_missed_batch_counts_all_its_requests() -> None:
    one = count_of([request("a")])
    three = count_of([request("a"), request("b"), request("e"), request("c", temperature=0)])
    assert three.estimated_tokens == pytest.approx(3 * one.estimated_tokens, abs=2)
    lines = "\n".join(missed_report(three, LESSON))
    usd = dollars(three.estimated_tokens * ROW.input / 2 / 1_000_000)
    assert f"about {three.estimated_tokens} tokens, about {usd} before the answer" in lines
    assert "wish()" not in lines
    assert "staged(" in lines


def test_a_reply_for_a_batch_does_not_fit_a_message_and_says_so(
    staged: Callable[..., anthropic.Anthropic],
) -> None:
    with pytest.raises(anthropic.APIStatusError, match="a message needs 'content'") as caught:
        staged({"result": "expired"}).messages.create(**HELLO)
    assert caught.value.status_code == 421


def test_a_captured_reply_cannot_stand_in_a_batch_and_says_so(
    staged: Callable[..., anthropic.Anthropic],
) -> None:
    sdk = staged({"body": {"id": "msg_1"}})
    found = results(sdk, ended(sdk, sdk.messages.batches.create(requests=[request("a")])))
    assert "cannot be the reply" in found["a"].error.error.message


# --- cancel, delete, list -------------------------------------------------------------------


def test_cancelling_ends_a_batch_with_a_part_of_it_done(
    staged: Callable[..., anthropic.Anthropic],
) -> None:
    sdk = staged("praise")
    made = sdk.messages.batches.create(requests=[request(f"r-{n}") for n in range(8)])
    cancelled = sdk.messages.batches.cancel(made.id)
    assert cancelled.processing_status == "canceling"
    assert cancelled.cancel_initiated_at is not None
    assert cancelled.request_counts.processing == 8
    raw = sdk.messages.batches.with_raw_response.retrieve(made.id)
    assert raw.parse().processing_status == "canceling"
    assert "retry-after" in raw.headers
    batch = ended(sdk, cancelled)
    assert (batch.request_counts.succeeded, batch.request_counts.canceled) == (2, 6)
    assert Counter(r.type for r in results(sdk, batch).values())["canceled"] == 6
    with pytest.raises(anthropic.BadRequestError, match="has ended"):
        sdk.messages.batches.cancel(made.id)


def test_a_batch_can_be_deleted_only_after_its_end(sdk: anthropic.Anthropic) -> None:
    made = sdk.messages.batches.create(requests=FOUR)
    with pytest.raises(anthropic.BadRequestError, match="still being processed"):
        sdk.messages.batches.delete(made.id)
    gone = sdk.messages.batches.delete(ended(sdk, made).id)
    assert (gone.id, gone.type) == (made.id, "message_batch_deleted")
    with pytest.raises(anthropic.NotFoundError):
        sdk.messages.batches.retrieve(made.id)
    assert sdk.messages.batches.create(requests=FOUR).processing_status == "in_progress"


def test_an_unknown_batch_is_not_found(sdk: anthropic.Anthropic) -> None:
    for use in (sdk.messages.batches.retrieve, sdk.messages.batches.cancel,
                sdk.messages.batches.delete, sdk.messages.batches.results):  # fmt: skip
        with pytest.raises(anthropic.NotFoundError, match="msgbatch_nobody"):
            use("msgbatch_nobody")


def test_the_list_is_newest_first_and_comes_in_pages(
    staged: Callable[..., anthropic.Anthropic],
) -> None:
    sdk = staged("praise")
    made = [sdk.messages.batches.create(requests=[request(f"r-{n}")]).id for n in range(5)]
    page = sdk.messages.batches.list(limit=2)
    assert [batch.id for batch in page.data] == made[:2:-1]
    assert [batch.id for batch in page] == made[::-1]  # the SDK turns the pages
    back = sdk.messages.batches.list(limit=2, before_id=made[0])
    assert [batch.id for batch in back.data] == [made[2], made[1]]
    empty = staged("praise").messages.batches.list()
    assert (empty.data, empty.first_id) == ([], None)


def test_only_what_the_api_has_can_be_done_to_a_batch(server: Server[Replay]) -> None:
    wrong = [("POST", "/x", 405), ("DELETE", "", 405), ("GET", "/x/cancel", 405)]
    for method, path, status in [*wrong, ("POST", "/x/y", 404)]:
        answer = send(server.url, b"{}", method=method, path=f"/v1/messages/batches{path}")
        assert answer.status == status, (method, path)


# --- again, from elsewhere, and at length ---------------------------------------------------


def test_the_same_batch_again_has_the_same_id_and_begins_anew(sdk: anthropic.Anthropic) -> None:
    made = ended(sdk, sdk.messages.batches.create(requests=FOUR))
    again = sdk.messages.batches.create(requests=FOUR)
    assert (again.id, again.created_at) == (made.id, made.created_at)
    assert again.processing_status == "in_progress"


def test_a_recorded_batch_is_found_by_its_id_after_a_restart(sdk: anthropic.Anthropic) -> None:
    made = sdk.messages.batches.create(requests=FOUR)
    with serving(RECORDED) as tomorrow:
        later = client(tomorrow.url)
        assert later.messages.batches.retrieve(made.id).processing_status == "ended"
        assert results(later, made)["d"].message == results(sdk, ended(sdk, made))["d"].message


def test_a_second_process_takes_over_by_the_id(server: Server[Replay]) -> None:
    made = client(server.url).messages.batches.create(requests=FOUR)
    program = (
        "import sys, anthropic\n"
        "batches = anthropic.Anthropic().messages.batches\n"
        "while batches.retrieve(sys.argv[1]).processing_status != 'ended': pass\n"
        "print(sorted(line.custom_id for line in batches.results(sys.argv[1])))\n"
    )
    environment = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "any"}
    done = subprocess.run(
        [sys.executable, "-c", program, made.id],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.stdout.strip() == "['a', 'b', 'c', 'd']", done.stderr


def test_results_are_made_while_they_are_sent_not_before() -> None:
    course = Replay()
    course.start(recordings(exchange("hello", HELLO, "Hello!")))
    path = course.account.stage("test", ("praise",))
    many = [request(f"r-{n}") for n in range(3_000)]

    def ask(method: str, end: str = "", body: Any = None) -> Any:
        raw = json.dumps(body).encode() if body else b""
        whole = f"{path}/v1/messages/batches{end}"
        return course.decide(Request(method, whole, "", headers(), raw, body))

    name = json.loads(next(iter(ask("POST", "", {"requests": many}).steps)).data)["id"]
    for _ in range(batches.LOOKS):
        ask("GET", f"/{name}")
    reply = ask("GET", f"/{name}/results")
    tracemalloc.start()
    try:
        count = size = 0
        for step in reply.steps:
            count, size = count + 1, size + len(step.data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == len(many)
    assert peak < size / 3, (peak, size)


def test_a_batch_costs_half_and_is_paid_once(monkeypatch: pytest.MonkeyPatch) -> None:
    here = course_server()
    here.backend.replay.start(recordings(RECORDED))
    monkeypatch.setattr(here.backend.account, "key", None)
    sdk = client(here.url)
    batch = ended(sdk, sdk.messages.batches.create(requests=FOUR))
    found = [*results(sdk, batch).values(), *results(sdk, batch).values()][:4]
    paid = [result.message for result in found if result.type == "succeeded"]
    assert len(paid) == 2
    half = sum(cost(message, batch=True).total for message in paid)
    assert ledger.totals()["usd"] == pytest.approx(half)
    assert half == pytest.approx(sum(cost(message).total for message in paid) / 2)
    assert half == pytest.approx(
        sum(m.usage.input_tokens * ROW.input + m.usage.output_tokens * ROW.output for m in paid)
        / 2_000_000
    )
    assert facts.BATCH_FACTOR == 0.5


# --- what its author is told ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"a": "praise"}, "'b'"),
        (TOLD | {"e": "praise"}, "'e'"),
        (TOLD | {"b": {"result": "lost"}}, "'expired' or 'canceled'"),
        (TOLD | {"b": {"stop_reason": "end_turn"}}, "'content'"),
    ],
)
def test_a_recording_with_odd_results_is_refused_in_words(told: JSON, says: str) -> None:
    odd = exchange("four", {"requests": FOUR}, {"results": told}, path="/v1/messages/batches")
    with pytest.raises(RecordingError, match=re.escape(says)):
        Recordings.parse(recording(odd), LESSON)
