"""The spending limit of live mode, proven against a second course server as upstream.

No test here reaches the real API: what it bills in the end has not been compared.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from courseserver import facts, ledgerfile
from courseserver.account import Account
from courseserver.budget import Budget, Refusal, Reservation
from courseserver.door import Door
from courseserver.ledgerfile import LedgerFile
from courseserver.loopback import Server
from courseserver.price import FREE, UnpricedError, Worst, usage_usd, worst_case
from courseserver.recordings import Recordings
from courseserver.relay import Relay, results_usd
from courseserver.replay import Replay
from courseserver.values import Forward, Outcome, Reply
from helpers import cost
from helpers.settings import USUAL_LIMIT
from practice.begin import lesson_cost
from tests.support import (
    HELLO,
    PATIENCE,
    ROOT,
    client,
    exchange,
    headers,
    recordings,
    request,
    said,
    send,
    serving,
)

TOKEN = "a-token-of-this-session"
SECRET = "the-key-of-these-tests-which-must-never-show"
CUT = said("Break off.", stream=True)
CUT_REPLY = {"content": "Half a sentence, and more", "fault": {"kind": "cut", "after": 5}}
BUSY_REPLY = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
ROW = facts.model(facts.MODEL)
TWENTY_CENTS = {**HELLO, "max_tokens": round(200_000 / ROW.output)}  # of output


def nothing(name: str) -> int | None:
    """An API at which no file and no earlier message is known."""
    return None


def most(body: Any, path: str = "/v1/messages") -> Worst:
    """The worst case of a request."""
    return worst_case(request(body, path=path), nothing)


def usd_of(tokens_in: int, tokens_out: int, rate: float = ROW.input) -> float:
    """Dollars by the price list of the lessons' model."""
    return (tokens_in * rate + tokens_out * ROW.output) / 1_000_000


# --- the worst case -------------------------------------------------------------------------


def test_the_worst_case_is_twice_the_estimated_input_and_all_of_max_tokens() -> None:
    worst = most(HELLO)
    from courseserver.estimate import request_tokens

    assert worst.input_tokens == 2 * request_tokens(HELLO)
    assert worst.usd == pytest.approx(usd_of(worst.input_tokens, 300))


@pytest.mark.parametrize(
    ("mark", "rate"),
    [
        ({"type": "ephemeral"}, ROW.write_5m),
        ({"type": "ephemeral", "ttl": "1h"}, ROW.write_1h),
    ],
)
def test_a_cache_mark_prices_all_input_as_a_cache_write(mark: Any, rate: float) -> None:
    worst = most({**HELLO, "cache_control": mark})
    assert worst.input == pytest.approx(usd_of(worst.input_tokens, 0, rate))


def test_a_long_prompt_of_haiku_has_the_long_prompts_prices() -> None:
    long = said("word " * 60_000, model="claude-haiku-5-5", max_tokens=1_000)
    assert most(long).output == pytest.approx(2.50 / 1_000)
    assert most(said("word", model="claude-haiku-5-5", max_tokens=1_000)).output < 1 / 1_000


def test_a_batch_costs_half_of_its_requests() -> None:
    batch = {"requests": [{"custom_id": str(n), "params": HELLO} for n in range(3)]}
    assert most(batch, "/v1/messages/batches").usd == pytest.approx(3 * most(HELLO).usd / 2)


def test_web_searches_add_their_fees_and_the_text_that_they_bring_in() -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    twice = most({**HELLO, "tools": [tool]})
    assert twice.fees == pytest.approx(0.02)
    assert twice.input_tokens > 30_000
    del tool["max_uses"]
    assert most({**HELLO, "tools": [tool]}).fees == pytest.approx(0.10)
    assert most({**HELLO, "tools": [{"type": "bash_20250124", "name": "bash"}]}).fees == 0


def test_what_is_behind_an_address_counts_as_a_whole_window_and_a_picture_as_its_cap() -> None:
    def block(kind: str, source: Any) -> Any:
        return most(said([{"type": kind, "source": source}])).input_tokens

    address = {"type": "url", "url": "https://example.com/x"}
    assert block("document", address) == ROW.window
    assert block("document", {"type": "file", "file_id": "file_x"}) == ROW.window
    assert 4_784 < block("image", address) < 10_000


def test_an_american_data_centre_costs_a_tenth_more() -> None:
    assert most({**HELLO, "inference_geo": "us"}).usd == pytest.approx(1.1 * most(HELLO).usd)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/files"),
        ("POST", "/v1/messages/batches/msgbatch_x/cancel"),
        ("GET", "/v1/messages/batches"),
        ("GET", "/v1/models"),
        ("DELETE", "/v1/files/file_x"),
        ("GET", "/v1/nowhere"),
    ],
)
def test_what_the_api_gives_for_nothing_reserves_nothing(method: str, path: str) -> None:
    assert worst_case(request(HELLO, path=path, method=method), nothing) == FREE


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "x"},
        {"model": facts.MODEL, "messages": HELLO["messages"]},
        {**HELLO, "max_tokens": "many"},
        {**HELLO, "messages": []},
        {**HELLO, "model": None},
        {**HELLO, "model": "claude-3-5-sonnet-20240620"},  # retired: lesson 01 shows its 404
    ],
)
def test_what_the_api_can_only_refuse_reserves_nothing_and_may_be_asked(body: Any) -> None:
    assert most(body) == FREE


@pytest.mark.parametrize(
    ("body", "path", "status"),
    [
        ({**HELLO, "model": "claude-sonnet-9"}, "/v1/messages", 404),
        ({**HELLO, "model": "claude-mythos-5"}, "/v1/messages", 404),
        ({**HELLO, "speed": "fast"}, "/v1/messages", 402),
        ({**HELLO, "fallbacks": [{"model": "claude-fable-5-1"}]}, "/v1/messages", 402),
        ([HELLO], "/v1/messages", 402),
        (HELLO, "/v1/messages/", 404),
        (HELLO, "/v1/complete", 404),
        ({"requests": [{"params": {**HELLO, "model": "x"}}]}, "/v1/messages/batches", 404),
    ],
)
def test_what_has_no_price_is_refused(body: Any, path: str, status: int) -> None:
    with pytest.raises(UnpricedError) as no:
        most(body, path)
    assert no.value.problem.status == status and "was not sent" in no.value.problem.message


STRANGE: list[Any] = [
    None,
    1,
    "x",
    [],
    {},
    [[]],
    [None],
    {"type": "text"},
    [{"type": "image"}],
    "300",
]


@pytest.mark.parametrize("field", ["messages", "system", "tools", "max_tokens", "output_config"])
def test_no_shape_of_a_body_makes_the_arithmetic_fail_or_come_out_negative(field: str) -> None:
    for value in STRANGE:
        assert most({**HELLO, field: value}).usd >= 0
        inside = {**HELLO, "messages": [{"role": "user", "content": value}]}
        assert most(inside).usd > 0
    assert (
        most({**HELLO, "max_tokens": "300"}) == most({**HELLO, "max_tokens": 300.0}) == most(HELLO)
    )


USAGES: list[Any] = [
    {"input_tokens": 1_000, "output_tokens": 500},
    {"input_tokens": 9, "output_tokens": 0, "cache_read_input_tokens": 90_000},
    {"input_tokens": 120_000, "output_tokens": 7, "cache_creation_input_tokens": 4_000},
    {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 4_000,
     "cache_creation": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 3_000}},
    {"input_tokens": None, "output_tokens": 8, "cache_creation": None, "server_tool_use": None},
]  # fmt: skip


@pytest.mark.parametrize("model", facts.SERVED)
def test_the_limit_and_the_lessons_reckon_alike(model: str) -> None:
    for usage in USAGES:
        for batch in (False, True):
            told = cost(usage, model, batch=batch).total
            assert usage_usd(usage, model, batch=batch) == pytest.approx(told)
    searched = {**USAGES[0], "server_tool_use": {"web_search_requests": 3}}
    more = usage_usd(searched, model) - usage_usd(USAGES[0], model)
    assert more == pytest.approx(3 * facts.WEB_SEARCH_USD)


def test_each_request_of_the_lessons_has_a_price_and_fits_the_usual_limit(
    covers: Callable[[str], None],
) -> None:
    """Else a live "run all" would be refused in the middle. Files are known to a running lesson."""
    count = 0
    for file in sorted((ROOT / "recordings").glob("*.json")):
        recorded = Recordings.parse(file.read_text(encoding="utf-8"), file.stem)
        costs = float(lesson_cost(file.stem).replace(",", ""))
        for each in recorded.exchanges:
            asked = request(each.request, path=each.path, method=each.method)
            assert worst_case(asked, lambda name: 5_000).usd + costs < USUAL_LIMIT, each.name
            count += 1
    assert count > 100
    covers(f"limit: the worst case of {count} recorded requests")


# --- reserving ------------------------------------------------------------------------------

TEN_CENTS = Worst(output=0.1, output_tokens=10_000)


def test_requests_at_the_same_time_cannot_pass_the_limit_together() -> None:
    budget = Budget(1.0)
    start = threading.Barrier(8)

    def ask(_: int) -> list[Any]:
        start.wait()
        return [budget.reserve(TEN_CENTS) for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        got = [each for one in pool.map(ask, range(8)) for each in one]
    assert sum(isinstance(each, Reservation) for each in got) == 10
    assert budget.reserved == pytest.approx(1.0) and budget.left == pytest.approx(0.0)


def test_what_is_settled_makes_room_or_takes_more_than_was_reserved() -> None:
    budget = Budget(0.2)
    reserved = budget.reserve(TEN_CENTS)
    assert isinstance(reserved, Reservation)
    budget.settle(reserved, 0.01)
    assert budget.left == pytest.approx(0.19) and budget.reserved == 0
    reserved = budget.reserve(TEN_CENTS)
    assert isinstance(reserved, Reservation)
    budget.settle(reserved, 0.25)
    assert budget.left == 0 and budget.spent == pytest.approx(0.26)


def test_a_budget_that_nobody_set_spends_nothing() -> None:
    assert isinstance(Budget().reserve(TEN_CENTS), Refusal)


def test_a_limit_for_the_course_holds_without_a_ledger_too() -> None:
    budget = Budget(1.0, 0.15)
    assert isinstance(budget.reserve(TEN_CENTS), Reservation)
    assert isinstance(budget.reserve(TEN_CENTS), Refusal)
    assert (
        budget.told()
        == "Of $1.00 for this session, $0.90 is left; of $0.15 for the course, $0.050."
    )


def test_the_refusal_says_the_arithmetic_and_what_to_do() -> None:
    budget = Budget(0.12)
    budget.settle(Reservation(0.0), 0.05)
    budget.reserve(Worst(input=0.02))
    refused = budget.reserve(
        Worst(input=0.01, output=0.1, input_tokens=5_000, output_tokens=10_000)
    )
    assert isinstance(refused, Refusal)
    assert refused.message == (
        "The course did not send this request, and nothing was paid: it could cost more than your "
        "spending limit leaves. It costs at most $0.11: input $0.010 (5,000 tokens, 2 times the "
        "estimate), output $0.10 "
        "(all of max_tokens, 10,000 tokens). Of $0.12 for this session, $0.050 is spent, $0.020 is "
        "reserved for requests on their way, so $0.050 is left. What you can do: raise "
        "COURSE_BUDGET_USD in the file .env and run setup again, or lower max_tokens (there is "
        "room for 4,000 tokens of output)."
    )


# --- through the door -----------------------------------------------------------------------


@contextmanager
def live(limit: float, path: Path | None = None, total: float | None = None) -> Iterator[Any]:
    """An API that accepts the secret key, a door with a limit, and an SDK client of the door."""
    api = Server(Replay(Account(key=SECRET)))
    api.backend.start(
        recordings(
            exchange("hello", HELLO, "Good morning from upstream, and a long line of words."),
            exchange("half", TWENTY_CENTS, "Short."),
            exchange("cut", CUT, CUT_REPLY),
            exchange("busy", said("Are you busy?"), BUSY_REPLY),
        )
    )
    here = Server(Door(key=TOKEN))
    ledger = LedgerFile(path, lambda: "99_test") if path else None
    here.backend.account.budget = Budget(limit, total, ledger)
    here.backend.relay = Relay(here.backend.account, api.url, {"x-api-key": SECRET})
    try:
        with client(here.url, api_key=TOKEN) as sdk:
            yield api.backend.account.journal, here.backend.account, sdk
    finally:
        here.stop()
        api.stop()


def test_a_request_over_the_limit_never_leaves_and_is_not_tried_again() -> None:
    with live(0.19) as (api, account, sdk):
        with pytest.raises(anthropic.PaymentRequiredError) as no:
            sdk.messages.create(**TWENTY_CENTS)
        assert not len(api) and len(account.journal) == 1
        assert account.journal[-1].unsent
        assert account.budget.left == 0.19
    assert no.value.type == "billing_error"
    assert no.value.response.headers["x-course-reply"] == "course: spending limit"
    worst = most(TWENTY_CENTS)
    room = int((0.19 - worst.input) / ROW.output * 1_000_000)
    assert f"room for {room:,} tokens" in str(no.value.api_message)


def test_a_model_without_a_price_gets_the_class_that_the_api_would_raise() -> None:
    with live(1.0) as (api, _, sdk), pytest.raises(anthropic.NotFoundError) as no:
        sdk.messages.create(**{**HELLO, "model": "claude-sonnet-9"})
    assert not len(api) and "no price for this model" in str(no.value.api_message)


def test_a_whole_reply_costs_what_its_usage_says() -> None:
    with live(1.0) as (_, account, sdk):
        message = sdk.messages.create(**HELLO)
        with sdk.messages.stream(**HELLO) as stream:
            streamed = stream.get_final_message()
        both = cost(message).total + cost(streamed).total
        assert account.budget.spent == pytest.approx(both)
        assert account.budget.reserved == 0


def test_an_error_of_the_api_costs_nothing() -> None:
    with live(1.0) as (api, account, sdk):
        with pytest.raises(anthropic.OverloadedError):
            sdk.with_options(max_retries=0).messages.create(**said("Are you busy?"))
        with pytest.raises(anthropic.BadRequestError):
            sdk.messages.create(**HELLO, extra_body={"temperature": 0.5})
        assert len(api) == 2 and account.budget.left == 1.0


def test_a_stream_that_breaks_off_costs_its_input_and_all_of_max_tokens() -> None:
    with live(1.0) as (_, account, sdk):
        with pytest.raises(httpx2.RemoteProtocolError):
            list(sdk.messages.create(**CUT))
        usage = account.journal[-1].reply.usage
        told = usd_of(usage["input_tokens"], CUT["max_tokens"])
        assert account.budget.spent == pytest.approx(told)


@pytest.mark.parametrize(
    ("outcome", "is_paid"),
    [
        (Outcome(failure="ConnectError"), False),
        (Outcome(failure="ReadError"), True),
        (Outcome(complete=False), True),  # the client gave up waiting
        (Outcome(200, {}, b'{"type": "mess', complete=False), True),
        (Outcome(302, {}, b""), False),
        (Outcome(200, {}, b'{"usage": {"input_tokens": "nine"}}'), True),
        (Outcome(500, {}, b"{}"), False),
    ],
)
def test_what_may_have_been_answered_costs_its_worst_case(outcome: Outcome, is_paid: bool) -> None:
    account = Account(key=TOKEN, budget=Budget(1.0))
    relay = Relay(account, "https://api.example", {})
    forward = relay.decide(request(HELLO, authorization=f"Bearer {TOKEN}"))
    assert isinstance(forward, Forward)
    assert account.budget.reserved == forward.reserved == most(HELLO).usd
    forward.settle(outcome)
    assert account.budget.spent == (most(HELLO).usd if is_paid else 0.0)
    assert account.budget.reserved == 0


def test_a_file_of_this_lesson_counts_by_its_size() -> None:
    with live(1.0) as (_, account, sdk):
        made = sdk.files.upload(file=("a.txt", b"word " * 100, "text/plain"))
        relay = Relay(account, "https://api.example", {})
        block = {"type": "document", "source": {"type": "file", "file_id": made.id}}
        forward = relay.decide(request(said([block]), authorization=f"Bearer {TOKEN}"))
        assert isinstance(forward, Forward) and forward.reserved < usd_of(
            8_000, HELLO["max_tokens"]
        )


def test_the_next_turn_of_a_thread_counts_what_the_earlier_ones_held() -> None:
    with live(1.0) as (_, account, sdk):
        first = sdk.messages.create(**HELLO)
        relay = Relay(account, "https://api.example", {})
        for name, is_known in ((first.id, True), ("msg_of_another_day", False)):
            thread = {"type": "continue", "previous_message_id": name}
            body = {**said("And then?"), "thread": thread}
            decided = relay.decide(request(body, authorization=f"Bearer {TOKEN}"))
            assert isinstance(decided, Forward) == is_known


# --- the ledger on disk ---------------------------------------------------------------------


def test_the_ledger_holds_money_and_ids_and_no_text(tmp_path: Path) -> None:
    path = tmp_path / "made" / "ledger.jsonl"
    with live(1.0, path) as (_, account, sdk):
        message = sdk.messages.create(**HELLO)
        text = path.read_text(encoding="utf-8")
        before, after = map(json.loads, text.splitlines())
        assert before["state"] == "reserved" and before["usd"] == most(HELLO).usd
        assert after["usd"] == pytest.approx(cost(message).total) == account.budget.spent
        assert after["ticket"] == before["ticket"] and after["lesson"] == "99_test"
        assert after["model"] == facts.MODEL and after["request_id"] == message._request_id
        assert after["output_tokens"] == message.usage.output_tokens
        assert "Hello" not in text and "morning" not in text and SECRET not in text
        assert LedgerFile(path).spent() == pytest.approx(account.budget.spent)


def test_the_course_total_counts_earlier_sessions(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with live(1.0, path) as (_, _, sdk):
        sdk.messages.create(**HELLO)
    used = LedgerFile(path).spent()
    assert used > 0
    with live(1.0, path, total=0.2 + used / 2) as (api, account, sdk):
        with pytest.raises(anthropic.PaymentRequiredError, match="COURSE_BUDGET_TOTAL_USD"):
            sdk.messages.create(**TWENTY_CENTS)
        assert not len(api)
        assert account.budget.left == 1.0 and LedgerFile(path).spent() == pytest.approx(used)
        sdk.messages.create(**HELLO)


def test_two_kernels_on_one_ledger_see_each_others_reservations(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    one, two = (Budget(1.0, 0.15, LedgerFile(path)) for _ in range(2))
    assert isinstance(one.reserve(TEN_CENTS), Reservation)
    assert isinstance(two.reserve(TEN_CENTS), Refusal)
    assert two.left == 1.0


MANY = """
import sys
from pathlib import Path
from courseserver.budget import Budget, Reservation
from courseserver.ledgerfile import LedgerFile
from courseserver.price import Worst
budget = Budget(100.0, 100.0, LedgerFile(Path(sys.argv[1])))
for _ in range(200):
    reserved = budget.reserve(Worst(output=0.01))
    assert isinstance(reserved, Reservation), reserved
    budget.settle(reserved, 0.001, model="a model")
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python of its own that runs this code."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_PACE": "0"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def test_processes_that_write_at_once_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    running = [python(MANY, str(path)) for _ in range(3)]
    for each in running:
        each.communicate(timeout=PATIENCE)
    assert [each.returncode for each in running] == [0, 0, 0]
    whole = [line for line in path.read_bytes().splitlines() if line]  # a blank one does no harm
    assert len(list(LedgerFile(path).lines())) == len(whole) == 1_200
    assert LedgerFile(path).spent() == pytest.approx(0.6)


def test_a_line_that_another_kernel_adds_at_this_moment_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger, other = LedgerFile(path), LedgerFile(path)
    ledger.reserve(0.25, "x")
    look = os.read

    def look_while_the_other_writes(*arguments: Any) -> bytes:
        seen = look(*arguments)
        monkeypatch.setattr(os, "read", look)
        other.reserve(0.5, "a model with a longer name, so that its line is longer as well")
        return seen

    monkeypatch.setattr(os, "read", look_while_the_other_writes)
    ledger.reserve(1.0, "x")
    assert ledger.spent() == 1.75 and len(path.read_bytes().splitlines()) == 3


KILLED = f"""
import sys
from pathlib import Path
import anthropic
from courseserver.budget import Budget
from courseserver.door import Door
from courseserver.ledgerfile import LedgerFile
from courseserver.loopback import Server
from courseserver.relay import Relay
here = Server(Door(key={TOKEN!r}))
here.backend.account.budget = Budget(1.0, None, LedgerFile(Path(sys.argv[1])))
here.backend.relay = Relay(here.backend.account, sys.argv[2], {{"x-api-key": {SECRET!r}}})
sdk = anthropic.Anthropic(api_key={TOKEN!r}, base_url=here.url)
for event in sdk.messages.create(**{CUT!r}):
    print(event.type, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="not covered: kill -9, on Windows")
def test_after_kill_9_in_the_middle_of_a_stream_the_money_counts_as_spent(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    stall = {**CUT_REPLY, "fault": {"kind": "stall", "after": 5}}
    with serving(exchange("stalls", CUT, stall), key=SECRET) as api:
        running = python(KILLED, str(path), api.url)
        assert running.stdout
        assert running.stdout.readline() == "message_start\n"
        running.send_signal(signal.SIGKILL)
        assert running.wait(PATIENCE) == -signal.SIGKILL
        running.stdout.close()
    assert LedgerFile(path).spent() == most(CUT).usd
    again = Budget(1.0, most(CUT).usd + 0.05, LedgerFile(path))
    refused = again.reserve(TEN_CENTS)
    assert isinstance(refused, Refusal) and "COURSE_BUDGET_TOTAL_USD" in refused.message


@pytest.mark.parametrize(
    "torn", [b'{"time": "2026-', b'{"ticket": "a"}', b"\xff\n", b"[]\n", b"\n"]
)
def test_a_torn_line_is_passed_over_and_the_next_one_is_whole(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = LedgerFile(path)
    ledger.reserve(0.25, "x")
    with path.open("ab") as file:
        file.write(torn)
    assert ledger.spent() == 0.25
    ledger.reserve(0.5, "x")
    assert ledger.spent() == 0.75


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="not covered: there is no /dev/full")
def test_a_full_disk_refuses_to_spend() -> None:
    with live(1.0, Path("/dev/full")) as (api, account, sdk):
        with pytest.raises(anthropic.PaymentRequiredError, match="No space left on device"):
            sdk.messages.create(**HELLO)
        assert not len(api) and account.budget.left == 1.0
        sdk.models.list()  # free: it may be asked


NEARLY_FULL = """
import resource, signal, sys
from pathlib import Path
from courseserver.budget import Budget
from courseserver.ledgerfile import LedgerFile
from courseserver.price import Worst
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
print(Budget(1.0, None, LedgerFile(Path(sys.argv[1]))).reserve(Worst(output=0.01)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="not covered: no such limit on Windows")
def test_a_disk_with_room_for_half_a_line_refuses_to_spend(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    said, _ = python(NEARLY_FULL, str(path)).communicate(timeout=PATIENCE)
    assert said.startswith("Refusal(") and str(path) in said
    assert path.stat().st_size == 40 and LedgerFile(path).spent() == 0


def test_a_disk_that_fills_while_a_reply_comes_leaves_the_reservation_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(1.0, None, LedgerFile(tmp_path / "ledger.jsonl"))
    reserved = budget.reserve(TEN_CENTS)
    assert isinstance(reserved, Reservation)
    budget.ledger = LedgerFile(tmp_path)  # a folder: nothing can be written to it
    budget.settle(reserved, 0.01)
    assert budget.spent == 0.01
    assert LedgerFile(tmp_path / "ledger.jsonl").spent() == 0.1
    assert isinstance(budget.reserve(TEN_CENTS), Refusal)


def test_a_jumping_clock_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Jumping(datetime):
        days = iter((0, -9_000, 9_000, -1, 400, -400))

        @classmethod
        def now(cls, tz: Any = None) -> Jumping:
            base = cls(2026, 11, 30, tzinfo=timezone.utc)
            return base + timedelta(days=next(cls.days))

    monkeypatch.setattr(ledgerfile, "datetime", Jumping)
    budget = Budget(1.0, 0.25, LedgerFile(tmp_path / "ledger.jsonl"))
    for _ in range(2):
        reserved = budget.reserve(TEN_CENTS)
        assert isinstance(reserved, Reservation)
        budget.settle(reserved, 0.1)
    assert isinstance(budget.reserve(TEN_CENTS), Refusal)
    assert LedgerFile(tmp_path / "ledger.jsonl").spent() == pytest.approx(0.2)


# --- batches and files ----------------------------------------------------------------------


def ended(sdk: anthropic.Anthropic, batch: Any) -> Any:
    """The batch when it has ended."""
    while batch.processing_status != "ended":
        batch = sdk.messages.batches.retrieve(batch.id)
    return batch


def test_a_batch_costs_its_worst_case_until_its_results_say_what_it_cost(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    asked: Any = [{"custom_id": "a", "params": HELLO}]
    worst = most({"requests": asked}, "/v1/messages/batches").usd
    with live(1.0, path) as (_, account, sdk):
        batch = ended(sdk, sdk.messages.batches.create(requests=asked))
        assert account.budget.spent == LedgerFile(path).spent() == worst
        [line] = sdk.messages.batches.results(batch.id)
        paid = cost(line.result.message, batch=True).total
        assert 0 < paid < worst
        assert account.budget.spent == pytest.approx(paid)
        list(sdk.messages.batches.results(batch.id))
        assert account.budget.spent == pytest.approx(paid)
        assert LedgerFile(path).spent() == pytest.approx(paid)


def test_only_whole_results_say_what_a_batch_cost(tmp_path: Path) -> None:
    asked: Any = [{"custom_id": "a", "params": HELLO}]
    with live(1.0) as (_, account, sdk):
        batch = ended(sdk, sdk.messages.batches.create(requests=asked))
        booked = account.budget.spent
        relay = Relay(account, "https://api.example", {})
        path = f"/v1/messages/batches/{batch.id}/results"
        line = b'{"custom_id": "a", "result": {"type": "expired"}}\n'
        for method, whole, usd in (
            ("HEAD", True, booked),
            ("GET", False, booked),
            ("GET", True, 0),
        ):
            asked_for = request(None, path=path, method=method, authorization=f"Bearer {TOKEN}")
            forward = relay.decide(asked_for)
            assert isinstance(forward, Forward)
            forward.settle(Outcome(200, {}, line, complete=whole))
            assert account.budget.spent == usd
    assert booked > 0
    assert results_usd(b"") is None
    assert results_usd(b'{"custom_id": "a", "result": {"type": "expired"}}\n{"custom') is None
    assert results_usd(b'{"custom_id": "a", "result": {"type": "expired"}}\n') == 0.0


def test_a_method_in_small_letters_is_no_way_past_the_limit() -> None:
    account = Account(key=TOKEN, budget=Budget(1.0))
    relay = Relay(account, "https://api.example", {})
    body = request(HELLO, method="post", authorization=f"Bearer {TOKEN}")
    assert isinstance(relay.decide(body), Forward)
    assert account.budget.reserved == most(HELLO).usd


def test_a_batch_of_an_earlier_session_is_corrected_in_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    asked: Any = [{"custom_id": "a", "params": HELLO}]
    with live(1.0, path) as (_, account, sdk):
        batch = ended(sdk, sdk.messages.batches.create(requests=asked))
        account.budget = Budget(1.0, None, LedgerFile(path))  # as a new kernel has
        [line] = sdk.messages.batches.results(batch.id)
        assert account.budget.spent == 0
        paid = cost(line.result.message, batch=True).total
        assert LedgerFile(path).spent() == pytest.approx(paid)


def test_what_is_left_behind_is_known_until_it_is_deleted(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.jsonl")
    with live(1.0, ledger.path) as (_, _, sdk):
        file = sdk.files.upload(file=("a.txt", b"Tide tables", "text/plain"))
        asked: Any = [{"custom_id": "a", "params": HELLO}]
        batch = sdk.messages.batches.create(requests=asked)
        assert ledger.left_behind() == [("file", file.id), ("batch", batch.id)]
        sdk.files.delete(file.id)
        assert ledger.left_behind() == [("batch", batch.id)]
        ledger.note("file", file.id, "created")
        with pytest.raises(anthropic.NotFoundError):  # gone by itself: it had an end
            sdk.files.delete(file.id)
        ended(sdk, batch)
        assert ledger.left_behind() == [("batch", batch.id)]
        sdk.messages.batches.delete(batch.id)
        assert ledger.left_behind() == []


# --- who is answered ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["replay", "live"])
@pytest.mark.parametrize(
    ("strange", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "evil.example:80"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "evil.example/127.0.0.1"}, 403),
        ({"host": "127.0.0.1@evil.example"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"authorization": "Bearer another"}, 401),
        ({"authorization": ""}, 401),
        ({"host": "localhost:1"}, 200),
        ({"host": "[::1]:1"}, 200),
        ({}, 200),
    ],
)
def test_only_programs_on_this_machine_with_the_token_are_answered(
    mode: str, strange: dict[str, str], status: int
) -> None:
    with live(1.0) as (api, account, sdk):
        url = str(sdk.base_url).rstrip("/")
        head = headers(authorization=f"Bearer {TOKEN}") | strange
        path = "/v1/messages/count_tokens"
        body = {name: HELLO[name] for name in ("model", "messages")}
        here = account_door(url, account, mode)
        try:
            answer = send(here.url, body, path=path, head=head)
            assert answer.status == status
            assert bool(len(api)) == (status == 200 and mode == "live")
            if status == 403:
                staged = here.url + account.stage("test", ("Staged.",))
                assert send(staged, HELLO, head=head).status == 403
        finally:
            here.stop()


def account_door(url: str, account: Account, mode: str) -> Server[Door]:
    """Another door for the same account in one of the modes; live asks through the first."""
    here = Server(Door(key=TOKEN))
    here.backend.account = account
    here.backend.replay = Replay(account)
    if mode == "live":
        here.backend.relay = Relay(account, url, {"authorization": f"Bearer {TOKEN}"})
    return here


def test_a_refusal_of_the_limit_is_a_value_like_every_reply() -> None:
    relay = Relay(Account(key=TOKEN), "https://api.example", {})
    decided = relay.decide(request(HELLO, authorization=f"Bearer {TOKEN}"))
    assert isinstance(decided, Reply) and decided.status == 402
