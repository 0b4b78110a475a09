"""What can go wrong between the relay and the API: errors, silence, strange replies, a full disk.

The upstream of these tests is a plain socket that says word for word what a test gives it. What a
second course server can play stands in `test_relay.py` (an upstream that is not there, a reply that
breaks off, 529 and the SDK's retries, clients that leave) and what happens to the ledger alone in
`test_budget.py` (several processes on one file, kill -9, a torn line, a full disk before sending).
"""

from __future__ import annotations

import gzip
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx2
import pytest

from courseserver.budget import Budget
from courseserver.door import Door
from courseserver.ledgerfile import LedgerFile
from courseserver.loopback import Server
from courseserver.price import usage_usd, worst_case
from courseserver.relay import usage_of
from tests.courseserver.test_relay import SECRET, STREAMED, TOKEN, door, raw, through, until
from tests.support import HELLO, PATIENCE, ROOT, headers, request, send

JSON = dict[str, Any]
Answer = Callable[[socket.socket], None]  # what the upstream does with one request
USAGE = {"input_tokens": 12, "output_tokens": 7}
MESSAGE: JSON = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": HELLO["model"],
    "content": [{"type": "text", "text": "Good morning."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
WORST = worst_case(request(HELLO), lambda name: None).usd
KEEPS_SILENT = 0.3  # seconds after which a client of these tests gives up


class Upstream:
    """An API made of a plain socket: it does `answer` with each request that comes.

    `asked` are the heads of the requests. `left` is set when a caller closed its connection before
    the whole answer was given.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.left = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                came, _ = self.socket.accept()
                threading.Thread(target=self._serve, args=(came,), daemon=True).start()

    def _serve(self, came: socket.socket) -> None:
        with suppress(OSError), came, came.makefile("rb") as lines:
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = lines.readline()
                    if not line:
                        self.left.set()
                        return
                    head += line
                names = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2]))
                lines.read(int(names.get("content-length", 0)))
                self.asked.append(head.decode())
                self.answer(came)


def whole(status: int, body: bytes, **names: str) -> Answer:
    """An answer with this status, these headers (`_` stands for `-`) and all of its body."""
    more = {"content_type": "application/json", "content_length": str(len(body)), **names}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    return lambda came: came.sendall(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


def broken(status: int, body: bytes, **names: str) -> Answer:
    """The same, and then the connection ends."""

    def answer(came: socket.socket) -> None:
        whole(status, body, **names)(came)
        came.shutdown(socket.SHUT_RDWR)

    return answer


def error(kind: str, message: str) -> bytes:
    """The body of an error as the API sends it."""
    told = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_01"}
    return json.dumps(told).encode()


def events(*told: JSON) -> bytes:
    """The text of these events of a stream."""
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in told)


BEGUN = {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}}
ENDED = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": USAGE}


@contextmanager
def relayed(answer: Answer, **settings: Any) -> Iterator[Any]:
    """An upstream that answers so, a door in front of it, and a learner's client."""
    api = Upstream(answer)
    with door(api.url) as here, through(here, **settings) as sdk:
        yield api, here, sdk
    api.socket.close()


def body_through(here: Server[Door]) -> bytes:
    """What a request gets through the door, byte for byte."""
    return send(here.url, HELLO, head=headers(authorization=f"Bearer {TOKEN}")).body


# --- errors of the API ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (401, "authentication_error", anthropic.AuthenticationError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (529, "overloaded_error", anthropic.OverloadedError),
    ],
)
def test_an_error_of_the_api_reaches_the_learner_in_its_words_and_costs_nothing(
    status: int, kind: str, raised: type[anthropic.APIStatusError]
) -> None:
    body = error(kind, "said by the API itself")
    with relayed(whole(status, body, request_id="req_01")) as (_, here, sdk):
        with pytest.raises(raised, match="said by the API itself") as caught:
            sdk.messages.create(**HELLO)
        assert caught.value.request_id == "req_01"
        assert body_through(here) == body
        budget = here.backend.account.budget
        assert (budget.spent, budget.reserved) == (0.0, 0.0)
        assert [entry.reply.status for entry in here.backend.journal] == [status, status]


def test_how_long_to_wait_after_a_429_is_passed_on() -> None:
    answer = whole(429, error("rate_limit_error", "slower"), retry_after="37")
    with relayed(answer) as (_, _, sdk), pytest.raises(anthropic.RateLimitError) as caught:
        sdk.messages.create(**HELLO)
    assert caught.value.response.headers["retry-after"] == "37"


def test_after_a_429_the_sdk_waits_as_told_and_asks_again() -> None:
    answers = [
        whole(429, error("rate_limit_error", "slower"), retry_after_ms="1"),
        whole(200, json.dumps(MESSAGE).encode()),
    ]
    with relayed(lambda came: answers.pop(0)(came)) as (api, here, _):
        with through(here) as plain, plain.with_options(max_retries=1) as sdk:
            assert sdk.messages.create(**HELLO).stop_reason == "end_turn"
        assert len(api.asked) == 2 and "x-stainless-retry-count: 1" in api.asked[1].lower()


# --- silence --------------------------------------------------------------------------------


def test_an_api_that_says_nothing_is_a_timeout_and_counts_at_its_worst() -> None:
    with relayed(lambda came: None, timeout=KEEPS_SILENT) as (api, here, sdk):
        with pytest.raises(anthropic.APITimeoutError):
            sdk.messages.create(**HELLO)
        assert api.left.wait(PATIENCE), "the question upstream went on"
        until(lambda: len(here.backend.journal) == 1)
        assert here.backend.account.budget.spent == pytest.approx(WORST)  # it may have been read


def test_a_stream_that_falls_silent_is_a_timeout_and_what_came_is_kept() -> None:
    begun = events(BEGUN)
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )

    def answer(came: socket.socket) -> None:
        came.sendall(head + b"%x\r\n%s\r\n" % (len(begun), begun))

    with relayed(answer, timeout=KEEPS_SILENT) as (api, here, sdk):
        seen = []
        with pytest.raises(httpx2.ReadTimeout):
            for event in sdk.messages.create(**STREAMED):
                seen.append(event.type)
        assert seen == ["message_start"]
        assert api.left.wait(PATIENCE), "the question upstream went on"
        until(lambda: len(here.backend.journal) == 1)
        most = {**USAGE, "output_tokens": HELLO["max_tokens"]}
        spent = here.backend.account.budget.spent
        assert spent == pytest.approx(usage_usd(most, HELLO["model"]))
        assert here.backend.journal[-1].reply.usage["input_tokens"] == USAGE["input_tokens"]


# --- nobody there ---------------------------------------------------------------------------


def test_a_name_that_nobody_knows_is_a_connection_error_and_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = socket.getaddrinfo

    def unknown(host: Any, *rest: Any, **more: Any) -> Any:
        if host in ("api.example.test", b"api.example.test"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with door("http://api.example.test") as here, through(here) as sdk:
        with pytest.raises(anthropic.APIConnectionError):
            sdk.messages.create(**HELLO)
        assert [entry.failure for entry in here.backend.journal] == ["ConnectError"]
        budget = here.backend.account.budget
        assert (budget.spent, budget.reserved) == (0.0, 0.0)


# --- strange replies ------------------------------------------------------------------------


def test_a_body_that_ends_too_early_is_a_connection_error_and_counts_at_its_worst() -> None:
    body = json.dumps(MESSAGE).encode()
    with relayed(broken(200, body[:60], content_length=str(len(body)))) as (_, here, sdk):
        with pytest.raises(anthropic.APIConnectionError):
            sdk.messages.create(**HELLO)
        assert here.backend.journal[-1].failure == "RemoteProtocolError"
        assert here.backend.account.budget.spent == pytest.approx(WORST)


def test_a_json_that_is_cut_inside_a_whole_body_is_passed_on_as_it_is() -> None:
    body = json.dumps(MESSAGE).encode()[:60]
    with relayed(whole(200, body)) as (_, here, _):
        assert body_through(here) == body
        assert here.backend.account.budget.spent == pytest.approx(WORST)


def test_a_packed_reply_is_passed_on_packed_and_its_usage_is_read() -> None:
    body = gzip.compress(json.dumps(MESSAGE).encode())
    with relayed(whole(200, body, content_encoding="gzip")) as (_, here, sdk):
        assert body_through(here) == body
        assert sdk.messages.create(**HELLO).content[0].text == "Good morning."
        cost = usage_usd(USAGE, HELLO["model"])
        assert here.backend.account.budget.spent == pytest.approx(2 * cost)
        [step] = here.backend.journal[-1].reply.steps
        assert json.loads(step.data) == MESSAGE  # what `show.wire` shows


def test_a_packed_stream_is_read_too() -> None:
    body = gzip.compress(events(BEGUN, ENDED, {"type": "message_stop"}))
    names = {"content_type": "text/event-stream", "content_encoding": "gzip"}
    with relayed(lambda came: whole(200, body, **names)(came)) as (_, here, sdk):
        assert [event.type for event in sdk.messages.create(**STREAMED)][-1] == "message_stop"
        assert here.backend.account.budget.spent == pytest.approx(usage_usd(USAGE, HELLO["model"]))


def test_a_packed_batch_reaches_the_learner_with_its_results_address_here() -> None:
    batch = {"id": "msgbatch_01", "results_url": "https://x.test/v1/messages/batches/msgbatch_01"}
    body = gzip.compress(json.dumps(batch).encode())
    with relayed(whole(200, body, content_encoding="gzip")) as (_, here, sdk):
        got = sdk.messages.batches.retrieve("msgbatch_01")
        assert got.results_url == f"{here.url}/v1/messages/batches/msgbatch_01"


def test_bytes_that_only_claim_to_be_packed_are_passed_on_as_they_are() -> None:
    body = json.dumps(MESSAGE).encode()
    with relayed(whole(200, body, content_encoding="gzip")) as (_, here, _):
        assert body_through(here) == body
        cost = usage_usd(USAGE, HELLO["model"])
        assert here.backend.account.budget.spent == pytest.approx(cost)


FUTURE = {"type": "hologram", "id": "holo_01", "beams": [[1, 2], {"hue": None}], "usage": USAGE}
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(FUTURE, indent=3).encode(),
        b'[1, "two", null]',
        b'"a text"',
        b"",
        b"\xff\xfe\x00 not JSON, nor UTF-8",
        DEEP,
        events({"type": "hologram_start", "beam": 1}, {"type": "hologram_stop"}),
    ],
    ids=["object", "list", "text", "nothing", "binary", "deep", "events"],
)
def test_a_reply_of_an_unknown_shape_is_passed_on_untouched(body: bytes) -> None:
    names = {"x_from_the_future": "yes"}
    if body.startswith(b"event"):
        names["content_type"] = "text/event-stream"
    with relayed(whole(200, body, **names)) as (api, here, _):
        status, came, arrived = raw(here.url, HELLO, TOKEN)
        assert (status, arrived, came["x-from-the-future"]) == (200, body, "yes")
        assert SECRET in api.asked[0]
        assert len(here.backend.journal) == 1


@pytest.mark.parametrize(
    "usage",
    [
        '{"input_tokens": "many", "output_tokens": 7}',
        '{"input_tokens": 12, "output_tokens": NaN}',
        '{"input_tokens": 12, "output_tokens": -1000000}',
        '{"input_tokens": 12.5, "output_tokens": true}',
        '{"input_tokens": 12, "cache_creation": {"ephemeral_1h_input_tokens": [3]}}',
        '{"input_tokens": 12, "server_tool_use": {"web_search_requests": "3"}}',
        '{"input_tokens": 12, "output_tokens": 7, "cache_creation": [5]}',
        '"twelve"',
    ],
)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_usage_that_nobody_can_reckon_with_counts_at_its_worst(
    usage: str, streamed: bool
) -> None:
    body = json.dumps({**MESSAGE, "usage": "USAGE"}).replace('"USAGE"', usage).encode()
    names = {}
    if streamed:
        begun = events({**BEGUN, "message": {**MESSAGE, "usage": "USAGE"}})
        body = begun.replace(b'"USAGE"', usage.encode()) + events(
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
        )
        names["content_type"] = "text/event-stream"
    assert usage_of(body, streamed=streamed) == {}
    with relayed(whole(200, body, **names)) as (_, here, _):
        assert body_through(here) == body
        assert here.backend.account.budget.spent == pytest.approx(WORST)
        assert not here.backend.journal[-1].reply.usage


# --- the clock and the disk -----------------------------------------------------------------


def test_a_clock_that_jumps_back_and_forth_breaks_nothing_and_the_limit_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    jumps = iter((3e8, -3e8, 1e5, -1e5, 2e9, -1.7e9))
    ahead = [0.0]  # seconds; the clock jumps while a question is on its way, and after it
    monkeypatch.setattr(time, "time", lambda: now() + ahead[0])

    def answer(came: socket.socket) -> None:
        ahead[0] = next(jumps)
        whole(200, json.dumps(MESSAGE).encode())(came)

    with relayed(answer) as (api, here, sdk):
        account = here.backend.account
        cost = usage_usd(USAGE, HELLO["model"])
        account.budget = Budget(1.0, WORST + 2.5 * cost, LedgerFile(tmp_path / "ledger.jsonl"))
        for _ in range(3):
            assert sdk.messages.create(**HELLO).stop_reason == "end_turn"
            ahead[0] = next(jumps)
        with pytest.raises(anthropic.PaymentRequiredError, match="COURSE_BUDGET_TOTAL_USD"):
            sdk.messages.create(**HELLO)
        assert len(api.asked) == 3
        assert account.budget.ledger.spent() == pytest.approx(3 * cost)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="not covered: there is no /dev/full")
def test_a_disk_that_fills_while_the_reply_comes_costs_no_reply_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    budget = Budget(1.0, None, LedgerFile(path))

    def answer(came: socket.socket) -> None:
        budget.ledger = LedgerFile(Path("/dev/full"))
        whole(200, json.dumps(MESSAGE).encode())(came)

    with relayed(answer) as (_, here, sdk):
        here.backend.account.budget = budget
        assert "written down" not in budget.told()
        assert sdk.messages.create(**HELLO).content[0].text == "Good morning."
        assert budget.spent == pytest.approx(usage_usd(USAGE, HELLO["model"]))
        assert "could not be written down (No space left on device)" in budget.told()
        assert LedgerFile(path).spent() == pytest.approx(WORST)
        with pytest.raises(anthropic.PaymentRequiredError, match="No space left on device"):
            sdk.messages.create(**HELLO)


# --- a large reply --------------------------------------------------------------------------

PIECE = 1024 * 1024
EVENT = b"data: " + b"x" * 1016 + b"\n\n"  # a piece holds 1,024 of them
SERVES = f"""
import resource, sys
from courseserver.door import Door
from courseserver.loopback import Server
from courseserver.relay import Relay
def peak():
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
here = Server(Door(key={TOKEN!r}))
here.backend.relay = Relay(here.backend.account, sys.argv[1], {{"x-api-key": {SECRET!r}}})
print(here.url, flush=True)
for line in sys.stdin:
    print(peak(), flush=True)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="not covered: memory, not Linux")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_reply_of_50_mb_goes_through_without_being_kept_whole(
    streamed: bool, covers: Callable[[str], None]
) -> None:
    sizes = [1, 1, 50, 100]  # MB, in this order

    def answer(came: socket.socket) -> None:
        size = sizes[len(api.asked) - 1]
        kind = "text/event-stream" if streamed else "application/octet-stream"
        whole(200, b"", content_length=str(size * PIECE), content_type=kind)(came)
        for _ in range(size):
            came.sendall(EVENT * (PIECE // len(EVENT)))

    api = Upstream(answer)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_PACE": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVES, api.url],
        env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as served:  # fmt: skip
        assert served.stdin and served.stdout
        url = served.stdout.readline().strip()
        peaks = []
        for size in sizes:
            assert received(url) == size * PIECE
            served.stdin.write("\n")
            served.stdin.flush()
            peaks.append(int(served.stdout.readline()))
        served.stdin.close()
    api.socket.close()
    first, second = peaks[2] - peaks[1], peaks[3] - peaks[2]
    covers(
        f"a reply of 50 MB, then one of 100: the server grew by {first / PIECE:.0f} MB, "
        f"then by {second / PIECE:.0f}, {streamed=}"
    )
    # The journal keeps the beginning of each (upstream.KEPT_BYTES), whatever its length.
    assert first < 45 * PIECE
    assert second < first + 5 * PIECE


def received(url: str) -> int:
    """How many bytes of a file's content come through a door, read piece by piece."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
    head = headers(authorization=f"Bearer {TOKEN}")
    connection.request("GET", "/v1/files/file_01/content", headers=head)
    came = connection.getresponse()
    total = 0
    while piece := came.read(PIECE):
        total += len(piece)
    connection.close()
    return total
