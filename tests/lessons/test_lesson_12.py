"""Lesson 12: its `ask` against every failure, what it says of retries, and its program at work.

`ask` is the notebook's own, taken from its cell. All talk to a course server through the real SDK;
only the SDK's waiting between attempts is noted instead of done.
"""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import Any

import anthropic
import httpx2
import nbformat
import pytest
from anthropic.types import Message
from anthropic.types.image_dimensions_too_large_error import ImageDimensionsTooLargeError
from anthropic.types.shared.ramp_limit_exceeded_error import RampLimitExceededError

from helpers import staged
from tests.support import HELLO, ROOT, client, run_program

LESSON = ROOT / "notebooks" / "12_errors_and_retries.ipynb"
PROGRAM = ROOT / "notebooks" / "at_work" / "12_errors_and_retries.py"
NOBODY = "http://127.0.0.1:9"  # no port that anything listens at
QUICK = {"retry-after-ms": "1"}


def failure(status: int, headers: dict[str, str] = QUICK, **details: Any) -> dict[str, Any]:
    error: dict[str, Any] = {"type": "staged_error", "message": "Staged."}
    if details:
        error["details"] = details
    return {"status": status, "error": error, "headers": headers}


@pytest.fixture(scope="module")
def taught() -> dict[str, Any]:
    """The names of the lesson's finished cell: `ask`, and its sentences."""
    names: dict[str, Any] = {"anthropic": anthropic, "httpx2": httpx2}
    for cell in nbformat.read(LESSON, as_version=4).cells:
        if "finished-loop" in cell.metadata.get("tags", ()):
            exec(cell.source, names)
    return names


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the SDK would have waited between attempts; it does not wait."""
    noted: list[float] = []
    clock = SimpleNamespace(**{**vars(time), "sleep": noted.append})
    monkeypatch.setattr("anthropic._base_client.time", clock)
    return noted


def attempts(address: str, **settings: Any) -> tuple[Any, int]:
    """What one call ends in, and how many requests it sends, counted as the lesson does."""
    seen: list[Any] = []

    def watch(request: Any, call_next: Any) -> Any:
        seen.append(request)
        return call_next(request)

    settings = {"timeout": 30, **settings}
    with client(address, middleware=[watch], **settings) as sdk:
        try:
            return sdk.messages.create(**HELLO), len(seen)
        except anthropic.APIError as error:
            return error, len(seen)


# --- ask ------------------------------------------------------------------------------------

LATER = (200, 408, 409, 429, 500, 501, 502, 503, 504, 529)
OURS = (400, 401, 402, 403, 404, 413, 422)


def asked(taught: dict[str, Any], address: str) -> tuple[Message | None, str]:
    logging.disable()
    try:
        with client(address, timeout=0.5, max_retries=0) as sdk:
            reply, problem = taught["ask"](sdk, **HELLO)
    finally:
        logging.disable(logging.NOTSET)
    return reply, problem


@pytest.mark.parametrize("status", [*LATER[1:], *OURS])
def test_ask_tells_what_time_heals_from_what_somebody_has_to_do(
    taught: dict[str, Any], status: int
) -> None:
    reply, problem = asked(taught, staged(replies=[failure(status)]))
    assert (reply, problem) == (None, taught["LATER" if status in LATER else "OURS"])


@pytest.mark.parametrize(
    "name", ["no-connection", "slow", "cut-stream", "stall", "error-event", NOBODY]
)
def test_ask_gives_a_sentence_when_no_reply_or_half_of_one_came(
    taught: dict[str, Any], name: str
) -> None:
    address = name if name == NOBODY else staged(name)
    assert asked(taught, address) == (None, taught["LATER"])


@pytest.mark.parametrize(
    ("name", "sentence"), [("no-end", "CUT"), ("max_tokens", "CUT"), ("refusal", "REFUSED")]
)
def test_ask_gives_a_sentence_with_a_reply_that_is_no_answer(
    taught: dict[str, Any], name: str, sentence: str
) -> None:
    reply, problem = asked(taught, staged(name))
    assert isinstance(reply, Message)
    assert problem == taught[sentence]


@pytest.mark.parametrize("reason", ["end_turn", "stop_sequence", "tool_use", "pause_turn"])
def test_ask_has_no_problem_with_a_whole_reply(taught: dict[str, Any], reason: str) -> None:
    address = staged(replies=[{"content": "From noon.", "stop_reason": reason}])
    reply, problem = asked(taught, address)
    assert isinstance(reply, Message)
    assert problem == ""


def test_ask_tells_a_spend_limit_from_a_rate_limit(taught: dict[str, Any]) -> None:
    assert asked(taught, staged("429"))[1] == taught["LATER"]
    assert asked(taught, staged("spend-limit"))[1] == taught["OURS"]
    contract = failure(429, error_code="contract_spend_limit_reached")
    assert asked(taught, staged(replies=[contract]))[1] == taught["OURS"]


def test_a_bug_goes_through_ask(taught: dict[str, Any]) -> None:
    with client(staged("529")) as sdk, pytest.raises(TypeError, match="max_tokens"):
        taught["ask"](sdk, model=HELLO["model"], messages=HELLO["messages"])


# --- what the lesson says of the package ----------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_statuses_that_time_heals_are_tried_three_times(status: int) -> None:
    assert attempts(staged(replies=[failure(status)]))[1] == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_other_statuses_are_tried_once(status: int) -> None:
    assert attempts(staged(replies=[failure(status)]))[1] == 1


def test_without_retry_after_the_waits_double_up_to_eight_seconds(waits: list[float]) -> None:
    error, sent = attempts(staged("529"), max_retries=6)
    assert (type(error), sent) == (anthropic.OverloadedError, 7)
    for wait, most in zip(waits, (0.5, 1, 2, 4, 8, 8), strict=True):
        assert 0.75 * most <= wait <= most


def test_retry_after_is_obeyed_however_long_it_is(waits: list[float]) -> None:
    script = [failure(429, {"retry-after": "3600"}), failure(429, {"retry-after": "2"}), "Fine."]
    reply, sent = attempts(staged(replies=script))
    assert isinstance(reply, Message)
    assert (waits, sent) == ([3600, 2], 3)


def test_a_header_overrules_the_status() -> None:
    yes = failure(400, {"x-should-retry": "true", **QUICK})
    no = failure(529, {"x-should-retry": "false"})
    assert attempts(staged(replies=[yes]))[1] == 3
    assert attempts(staged(replies=[no]))[1] == 1


def test_a_spend_limit_is_tried_again_in_vain(waits: list[float]) -> None:
    error, sent = attempts(staged("spend-limit"))
    assert type(error) is anthropic.EnforcedSpendLimitReachedError
    assert isinstance(error, anthropic.RateLimitError)
    assert "retry-after" not in error.response.headers
    assert sent == 3


def test_the_time_out_counts_for_each_attempt(waits: list[float]) -> None:
    begun = time.monotonic()
    error, sent = attempts(staged("slow"), timeout=0.2)
    assert (type(error), sent) == (anthropic.APITimeoutError, 3)
    assert time.monotonic() - begun >= 3 * 0.2


def test_the_defaults_are_two_retries_and_ten_minutes() -> None:
    assert anthropic.DEFAULT_MAX_RETRIES == 2
    assert anthropic.DEFAULT_TIMEOUT.read == 600


def test_a_refused_connection_has_no_status_and_no_request_id(waits: list[float]) -> None:
    error, sent = attempts(NOBODY)
    assert (type(error), sent) == (anthropic.APIConnectionError, 3)
    assert not hasattr(error, "status_code")
    assert not hasattr(error, "request_id")


def test_the_tree_is_as_it_is_drawn() -> None:
    assert issubclass(anthropic.APITimeoutError, anthropic.APIConnectionError)
    assert issubclass(anthropic.OverloadedError, anthropic.InternalServerError)
    assert issubclass(anthropic.GatewayTimeoutError, anthropic.InternalServerError)
    assert issubclass(RampLimitExceededError, anthropic.RateLimitError)
    assert not issubclass(httpx2.TransportError, anthropic.APIError)
    status_errors = {
        400: "BadRequestError", 401: "AuthenticationError", 402: "PaymentRequiredError",
        403: "PermissionDeniedError", 404: "NotFoundError", 409: "ConflictError",
        413: "ContentTooLargeError", 429: "RateLimitError", 500: "InternalServerError",
        504: "GatewayTimeoutError", 529: "OverloadedError",
    }  # fmt: skip
    for status, name in status_errors.items():
        error, _ = attempts(staged(replies=[failure(status)]), max_retries=0)
        assert type(error).__name__ == name


def test_an_error_code_brings_a_class_and_details() -> None:
    large: dict[str, Any] = {"max_side_length_pixels": 8000, "paths": ["messages.0.content.1"]}
    script = [failure(400, error_code="image_dimensions_too_large", **large)]
    error, _ = attempts(staged(replies=script))
    assert isinstance(error, ImageDimensionsTooLargeError)
    assert error.details.max_side_length_pixels == 8000
    assert error.details.paths == ["messages.0.content.1"]


def test_a_time_out_of_your_own_switches_the_guard_of_long_replies_off() -> None:
    request = {**HELLO, "max_tokens": 30_000}
    with client(staged(replies=["Fine."])) as sdk:
        with pytest.raises(ValueError, match="Streaming is required"):
            sdk.with_options(timeout=anthropic.DEFAULT_TIMEOUT).messages.create(**request)
        assert sdk.with_options(timeout=3600).messages.create(**request).content


# --- the program at work --------------------------------------------------------------------


def test_the_program_prints_the_answer_and_nothing_else() -> None:
    done = run_program(PROGRAM, staged(replies=[[{"thinking": ""}, "Look for ", "limescale."]]))
    assert done.stdout == "Look for limescale.\n"


@pytest.mark.parametrize(
    ("reply", "shown", "logged"),
    [(failure(529), "We are very busy", "OverloadedError"),
     (failure(401), "Our help desk is out of order", "AuthenticationError"),
     (failure(429, error_code="enforced_spend_limit_reached"), "Our help desk is out", "Spend"),
     ({"content": "Look", "stop_reason": "max_tokens"}, "Look\nThe answer is not complete", "")],
)  # fmt: skip
def test_the_program_has_a_sentence_for_the_visitor_and_a_line_for_the_log(
    reply: Any, shown: str, logged: str
) -> None:
    done = run_program(PROGRAM, staged(replies=[reply]))
    assert done.stdout.startswith(shown)
    assert logged in done.stderr
    assert "Error" not in done.stdout
