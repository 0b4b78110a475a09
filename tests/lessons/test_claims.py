"""What the lessons state about the SDK, asked of the SDK.

Each claim is a function under `@claim(lessons, sentence)`; it talks to a real course server through
the real SDK and fails when the sentence is no longer true. A lesson that states something new adds
its claim here. Waiting is never timed: what is counted are attempts.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import os
import re
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from types import CodeType
from typing import Any

import anthropic
import httpx  # the package that SDK 2.x does not use any more
import httpx2
import pytest
from anthropic import _constants
from anthropic._data import DEPRECATED_MODELS
from anthropic.lib.tools import ToolError

from courseserver import facts
from courseserver.journal import Journal
from courseserver.staged import STAGED
from practice.lessons import BY_NUMBER
from tests.support import HELLO, KEY, ROOT, async_client, client, exchange, said, serving, text_of

JSON = dict[str, Any]
HEADERS = {"retry-after-ms": "1"}  # so that retries come at once


@dataclass(frozen=True)
class Claim:
    """A sentence about the SDK, the lessons that state it, and the function that asks."""

    lessons: tuple[str, ...]
    says: str
    ask: Callable[[], None]


CLAIMS: list[Claim] = []


def claim(lessons: str, says: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Add a claim. `lessons` are numbers with blanks between: "01 17"."""

    def add(ask: Callable[[], None]) -> Callable[[], None]:
        CLAIMS.append(Claim(tuple(lessons.split()), says, ask))
        return ask

    return add


# --- tools of the claims --------------------------------------------------------------------


@dataclass(frozen=True)
class Talk:
    """A client, and what it sent."""

    sdk: anthropic.Anthropic
    log: Journal
    url: str

    @property
    def sent(self) -> JSON:
        """The body of the last request."""
        return dict(self.log[-1].request.body)

    @property
    def head(self) -> JSON:
        """The headers of the last request."""
        return dict(self.log[-1].request.headers)


@contextmanager
def played(*replies: Any, **settings: Any) -> Iterator[Talk]:
    """A client of a server of its own that plays these replies, the last one repeating."""
    with serving() as server:
        url = server.url + server.backend.account.stage("claim", replies)
        with client(url, **settings) as sdk:
            yield Talk(sdk, server.backend.account.journal, url)


@contextmanager
def recorded(**settings: Any) -> Iterator[Talk]:
    """A client of a server with one recorded question, whose key is `right`."""
    with (
        serving(exchange("hello", HELLO, "Hi there."), key="right") as server,
        client(server.url, **{"api_key": "right", **settings}) as sdk,
    ):
        yield Talk(sdk, server.backend.account.journal, server.url)


def refusal(status: int, kind: str = "some_error", **headers: str) -> JSON:
    """An HTTP error in the short form, without the header that decides about retries."""
    return {"status": status, "error": {"type": kind, "message": "No."}, "headers": headers}


def attempts(reply: JSON, **settings: Any) -> int:
    """How often the SDK sends one call that always gets this reply."""
    with played(reply, **settings) as talk:
        with suppress(anthropic.APIError):
            talk.sdk.messages.create(**HELLO)
        return len(talk.log)


def raised_by(reply: JSON) -> anthropic.APIStatusError:
    """The error that a reply becomes."""
    with played(reply, max_retries=0) as talk, pytest.raises(anthropic.APIStatusError) as raised:
        talk.sdk.messages.create(**HELLO)
    return raised.value


# --- the client: key, headers, defaults -----------------------------------------------------


@claim("01", "without a key the client is built, and the first call raises TypeError")
def no_key() -> None:
    with pytest.MonkeyPatch.context() as environ:
        # A course server that another test started in this process has set its token.
        environ.delenv("ANTHROPIC_API_KEY", raising=False)
        with played("Hi.", api_key=None) as talk:
            with pytest.raises(TypeError, match="Could not resolve authentication method"):
                talk.sdk.messages.create(**HELLO)
            assert not len(talk.log)
    assert not issubclass(TypeError, anthropic.AnthropicError)


@claim("01 12", "a wrong key is an AuthenticationError, 401, in one attempt")
def wrong_key() -> None:
    with recorded(api_key="wrong") as talk:
        with pytest.raises(anthropic.AuthenticationError) as raised:
            talk.sdk.messages.create(**HELLO)
        assert (raised.value.status_code, len(talk.log)) == (401, 1)


@claim("02 17", "the key goes out as a bearer token, not as x-api-key")
def bearer() -> None:
    with recorded() as talk:
        talk.sdk.messages.create(**HELLO)
        assert talk.head["authorization"] == "Bearer right"
        assert "x-api-key" not in talk.head


@claim("02 17", "the SDK sends the API version that the facts name")
def api_version() -> None:
    with recorded() as talk:
        talk.sdk.messages.create(**HELLO)
        assert talk.head["anthropic-version"] == facts.API_VERSION
    assert _constants.ANTHROPIC_API_VERSION == facts.API_VERSION


@claim("17", "another version can be asked for with default_headers")
def other_version() -> None:
    with played("Hi.", default_headers={"anthropic-version": "2023-06-01"}) as talk:
        talk.sdk.messages.create(**HELLO)
        assert talk.head["anthropic-version"] == "2023-06-01"


@claim("12", "the time-out is 600 s, 5 s to connect, and there are 2 retries")
def defaults() -> None:
    with client("http://127.0.0.1:9") as sdk:
        assert sdk.timeout == httpx2.Timeout(600, connect=5)
        assert sdk.timeout.read == facts.DEFAULT_TIMEOUT_SECONDS
        assert sdk.max_retries == facts.DEFAULT_RETRIES == 2


@claim("15", "the key is not in the client's repr")
def key_hidden() -> None:
    with client("http://127.0.0.1:9", api_key="very-secret") as sdk:
        assert "very-secret" not in repr(sdk) + str(sdk) + repr(vars(sdk).get("_options"))


# --- the arguments of a call ----------------------------------------------------------------


@claim("01", "model, max_tokens and messages are required: without one, TypeError before sending")
def required_arguments() -> None:
    with played("Hi.") as talk:
        for name in ("model", "max_tokens", "messages"):
            ask = {key: value for key, value in HELLO.items() if key != name}
            with pytest.raises(TypeError, match=name):
                talk.sdk.messages.create(**ask)
        assert not len(talk.log)


@claim("01 03 17", "temperature, top_p and top_k are no parameters any more: TypeError")
def sampling_parameters() -> None:
    with played("Hi.") as talk:
        for name in ("temperature", "top_p", "top_k"):
            ask: JSON = {**HELLO, name: 1}
            with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
                talk.sdk.messages.create(**ask)
        assert not len(talk.log)


@claim("01 03 17", "extra_body still sends temperature, and the API refuses it with 400")
def sampling_by_force() -> None:
    with played("Hi.") as talk:
        with pytest.raises(anthropic.BadRequestError) as raised:
            talk.sdk.messages.create(**HELLO, extra_body={"temperature": 1})
        assert talk.sent["temperature"] == 1
        assert raised.value.api_message == "temperature: Extra inputs are not permitted"


@claim("03", "system goes out with the request that names it, and not with the next one")
def system_each_time() -> None:
    with played("Hi.") as talk:
        talk.sdk.messages.create(**HELLO, system="Be brief.")
        assert talk.sent["system"] == "Be brief."
        talk.sdk.messages.create(**HELLO)
        assert "system" not in talk.sent


@claim("03", "system may be a list of text blocks, and goes out as it stands")
def system_blocks() -> None:
    rules: Any = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    with played("Hi.") as talk:
        talk.sdk.messages.create(**HELLO, system=rules)
        assert talk.sent["system"] == rules


@claim("03", "the SDK sends a turn with the role system; as the first one the API refuses it")
def system_turns() -> None:
    turn = {"role": "system", "content": "Be brief."}
    with played("Hi.") as talk:
        behind: Any = [*HELLO["messages"], turn]
        talk.sdk.messages.create(**{**HELLO, "messages": behind})
        assert talk.sent["messages"] == behind
        first: Any = [turn, *HELLO["messages"]]
        with pytest.raises(anthropic.BadRequestError, match="top-level 'system' parameter"):
            talk.sdk.messages.create(**{**HELLO, "messages": first})


@claim("10 12", "over 21,333 max_tokens a plain call raises ValueError before any request")
def guard() -> None:
    most = facts.NONSTREAMING_MAX_TOKENS
    assert most == 21_333
    with played("Hi.") as talk:
        talk.sdk.messages.create(**{**HELLO, "max_tokens": most})
        assert len(talk.log) == 1
        with pytest.raises(ValueError, match="Streaming is required"):
            talk.sdk.messages.create(**{**HELLO, "max_tokens": most + 1})
        assert len(talk.log) == 1


@claim("10 12", "streaming, or any time-out of one's own, lifts that limit")
def guard_lifted() -> None:
    long = {**HELLO, "max_tokens": 64_000}
    with played("Hi.") as talk:
        with talk.sdk.messages.stream(**long) as stream:
            stream.until_done()
        talk.sdk.messages.create(**long, timeout=30)
        talk.sdk.with_options(timeout=30).messages.create(**long)
        assert [entry.request.body["max_tokens"] for entry in talk.log] == [64_000] * 3


@claim("06b 17", "betas, mcp_servers and context_management exist on client.beta only")
def beta_only() -> None:
    with played("Hi.") as talk:
        ask: Any = talk.sdk.messages.create
        for name in ("betas", "mcp_servers", "context_management", "compaction", "thread"):
            with pytest.raises(TypeError, match=name):
                ask(**HELLO, **{name: []})
        assert not hasattr(talk.sdk.messages, "tool_runner")
        assert hasattr(talk.sdk.beta.messages, "tool_runner")


# --- the reply ------------------------------------------------------------------------------


@claim("01 02 17", "a reply may open with a thinking block, and reading .text of it fails")
def first_block() -> None:
    with played([{"thinking": ""}, "Nine."]) as talk:
        message: Any = talk.sdk.messages.create(**HELLO)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == ""
    with pytest.raises(AttributeError, match="'ThinkingBlock' object has no attribute 'text'"):
        message.content[0].text  # noqa: B018


@claim("02", "a reply may have no blocks at all, and content[0] fails with IndexError")
def no_block() -> None:
    with played([]) as talk:
        message = talk.sdk.messages.create(**HELLO)
    with pytest.raises(IndexError):
        message.content[0]


@claim("02", "the SDK does not check replies: unknown block types and stop reasons come through")
def unchecked() -> None:
    odd = {"content": [{"type": "hologram", "colour": "red"}], "stop_reason": "tea_time"}
    with played(odd) as talk:
        message: Any = talk.sdk.messages.create(**HELLO)
    assert message.stop_reason == "tea_time"
    assert (message.content[0].type, message.content[0].colour) == ("hologram", "red")


@claim("02 12", "a reply carries the request id of the header")
def request_id() -> None:
    with played("Hi.") as talk:
        message = talk.sdk.messages.create(**HELLO)
        assert message._request_id == talk.log[-1].reply.headers["request-id"]
        raw = talk.sdk.messages.with_raw_response.create(**HELLO)
        assert raw.request_id == raw.headers["request-id"]
        with talk.sdk.messages.stream(**HELLO) as stream:
            final = stream.get_final_message()
            assert stream.request_id == talk.log[-1].reply.headers["request-id"]
    assert not hasattr(final, "_request_id")


@claim("02", "to_json leaves out what was not sent, and to_dict gives what was")
def to_json() -> None:
    with played("Hi.") as talk:
        message = talk.sdk.messages.create(**HELLO)
        wire = json.loads(b"".join(step.data for step in talk.log[-1].reply.steps))
    assert json.loads(message.to_json()) == wire == message.to_dict()
    assert "citations" not in wire["content"][0]
    assert message.content[0].type == "text" and message.content[0].citations is None


@claim("02", "with_raw_response tells the headers, the status and the retries")
def raw_response() -> None:
    with played(refusal(529, **HEADERS), "Hi.") as talk:
        raw = talk.sdk.messages.with_raw_response.create(**HELLO)
    assert (raw.status_code, raw.retries_taken) == (200, 1)
    assert text_of(raw.parse()) == "Hi."


# --- history --------------------------------------------------------------------------------


@claim("05", "to_param gives the turn to append, and it goes out block for block as it came")
def to_param() -> None:
    reply = [{"thinking": ""}, "Nine.", {"tool": "look_up", "input": {"a": 1}}]
    with played(reply) as talk:
        message = talk.sdk.messages.create(**HELLO)
        result = {"type": "tool_result", "tool_use_id": message.content[-1].to_dict()["id"]}
        turns: Any = [*HELLO["messages"], message.to_param(), {"role": "user", "content": [result]}]
        talk.sdk.messages.create(**{**HELLO, "messages": turns})
        assert talk.sent["messages"][1] == {
            "role": "assistant",
            "content": message.to_dict()["content"],
        }


@claim("10", "to_param sends redacted, empty and summarized thinking back as it came")
def to_param_thinking() -> None:
    reply = [{"redacted_thinking": 60}, {"thinking": ""}, {"thinking": "A day?"}, "Nine."]
    shown: Any = {**HELLO, "thinking": {"type": "adaptive", "display": "summarized"}}
    with played(reply) as talk:
        message = talk.sdk.messages.create(**shown)
        turns = [*HELLO["messages"], message.to_param(), *HELLO["messages"]]
        talk.sdk.messages.create(**{**shown, "messages": turns})
        came = message.to_dict()["content"]
        assert talk.sent["messages"][1]["content"] == came
    kinds = ["redacted_thinking", "thinking", "thinking", "text"]
    assert [block["type"] for block in json.loads(json.dumps(came))] == kinds


@claim("10", "thinking and effort go out as they stand; only the API objects to them")
def thinking_unchecked() -> None:
    odd: Any = {"thinking": {"type": "adaptive", "effort": "low"}, "max_tokens": 2_000}
    with played("Nine.") as talk:
        with pytest.raises(anthropic.BadRequestError, match=r"thinking\.adaptive\.effort"):
            talk.sdk.messages.create(**{**HELLO, **odd})
        assert talk.sent["thinking"] == odd["thinking"]
        odd = {"output_config": {"effort": "heroic"}}
        with pytest.raises(anthropic.BadRequestError):
            talk.sdk.messages.create(**{**HELLO, **odd})
        assert talk.sent["output_config"] == odd["output_config"]


@claim("10", "thinking_tokens stand in usage, inside output_tokens; an old model sends none")
def thinking_tokens() -> None:
    with played([{"thinking": "", "tokens": 40}, "Nine."], "Nine.") as talk:
        usage = talk.sdk.messages.create(**HELLO).usage
        assert usage.output_tokens_details is not None
        assert usage.output_tokens > usage.output_tokens_details.thinking_tokens == 40
        old = talk.sdk.messages.create(**{**HELLO, "model": "claude-haiku-4-5"})
        assert old.usage.output_tokens_details is None


@claim(
    "10", "in a stream thinking comes as thinking_delta and one signature_delta; both end up whole"
)
def thinking_streamed() -> None:
    shown: Any = {**HELLO, "thinking": {"type": "adaptive", "display": "summarized"}}
    text = "Which day is meant? Sunday, I think, since it was asked before. " * 3
    with played([{"thinking": text}, "Nine."]) as talk:
        for ask, whole in ((HELLO, ""), (shown, text)):
            with talk.sdk.messages.stream(**ask) as stream:
                deltas = [e.delta for e in stream if e.type == "content_block_delta"]
                final = stream.get_final_message()
            counts = Counter(delta.type for delta in deltas)
            assert counts["signature_delta"] == 1
            assert (counts["thinking_delta"] == 1) == (not whole)
            (block,) = (block for block in final.content if block.type == "thinking")
            assert block.thinking == whole and len(block.signature) > 700


@claim("05", 'the dict {"role": "assistant", "content": message.content} goes out the same')
def content_as_history() -> None:
    with played([{"thinking": ""}, "Nine."]) as talk:
        message = talk.sdk.messages.create(**HELLO)
        more = [{"role": "assistant", "content": message.content}, *HELLO["messages"]]
        turns: Any = [*HELLO["messages"], *more]
        talk.sdk.messages.create(**{**HELLO, "messages": turns})
        assert talk.sent["messages"][1]["content"] == message.to_dict()["content"]


@claim("05", "a whole Message in the list sends its id and usage too, which the API refuses")
def message_as_history() -> None:
    with played("Nine.") as talk:
        message = talk.sdk.messages.create(**HELLO)
        turns: Any = [*HELLO["messages"], message, *HELLO["messages"]]
        with pytest.raises(anthropic.BadRequestError):
            talk.sdk.messages.create(**{**HELLO, "messages": turns})
        assert "usage" in talk.sent["messages"][1]


@claim("05", "json.dumps(message.content) fails; to_dict makes it savable")
def saving() -> None:
    with played("Nine.") as talk:
        message = talk.sdk.messages.create(**HELLO)
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(message.content)
    assert json.loads(json.dumps(message.to_dict()["content"]))[0]["text"] == "Nine."


@claim("05", "to_param holds objects of the package: json.dumps of it fails, too")
def to_param_is_no_json() -> None:
    with played([{"thinking": ""}, "Nine."]) as talk:
        turn = talk.sdk.messages.create(**HELLO).to_param()
    with pytest.raises(TypeError, match="ThinkingBlock is not JSON serializable"):
        json.dumps(turn)


@claim("05", "turns that went through to_dict, a file and back are accepted with their thinking")
def history_from_a_file() -> None:
    with played([{"thinking": ""}, "Nine."]) as talk:
        message = talk.sdk.messages.create(**HELLO)
        kept = {"role": message.role, "content": message.to_dict()["content"]}
        turns = json.loads(json.dumps([*HELLO["messages"], kept, *HELLO["messages"]]))
        talk.sdk.messages.create(**{**HELLO, "messages": turns})
        assert talk.sent["messages"][1]["content"][0]["signature"]


@claim("05", "a thread sends new turns only, and all of them again when the API lost it")
def message_thread() -> None:
    code = {"error_code": "thread_not_found"}
    lost = {"type": "not_found_error", "message": "-", "details": code}
    with played("One.", "Two.", {"status": 404, "error": lost}, "Three.") as talk:
        thread = talk.sdk.beta.messages.thread(model=facts.MODEL, max_tokens=300)
        for text in ("a", "b", "c"):
            thread.send({"role": "user", "content": text})
        sent = [entry.request.body for entry in talk.log]
        assert [(each["thread"]["type"], len(each["messages"])) for each in sent] == [
            ("create", 1), ("continue", 1), ("continue", 1), ("create", 5),
        ]  # fmt: skip


@claim("05", "compaction gives one block and a stop reason, and to_param sends the block back")
def compaction() -> None:
    block = {"type": "compaction", "content": "A greeting.", "signature": "staged"}
    beta: Any = {**HELLO, "betas": ["compact-2026-09-04"]}
    with played({"content": [block], "stop_reason": "compaction"}, "Nine.") as talk:
        whole = talk.sdk.beta.messages.create(**beta, compaction={"type": "summarize"})
        assert whole.stop_reason == "compaction"
        turns = [whole.to_param(), *HELLO["messages"]]
        talk.sdk.beta.messages.create(**{**beta, "messages": turns})
        assert talk.sent["messages"][0] == {"role": "assistant", "content": [block]}


@claim("05", "a middleware sees the body of each attempt")
def middleware_body() -> None:
    seen: list[Any] = []

    def looking_on(request: Any, call_next: Any) -> Any:
        seen.append(request.json["messages"])
        return call_next(request)

    with played(refusal(529, **HEADERS), "Nine.", middleware=[looking_on]) as talk:
        talk.sdk.messages.create(**HELLO)
    assert seen == [HELLO["messages"]] * 2


# --- streams --------------------------------------------------------------------------------


@claim("04", "text_stream gives the text only, and get_final_message the whole")
def text_stream() -> None:
    with (
        played([{"thinking": ""}, "It opens at nine."]) as talk,
        talk.sdk.messages.stream(**HELLO) as stream,
    ):
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert "".join(pieces) == "It opens at nine." and len(pieces) > 1
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.stop_reason == "end_turn"


@claim("04", "the common loop over event.delta.text crashes on a thinking block")
def delta_text() -> None:
    with (
        played([{"thinking": ""}, "Nine."]) as talk,
        talk.sdk.messages.create(**HELLO, stream=True) as events,
        pytest.raises(AttributeError, match="no attribute 'text'"),
    ):
        for event in events:
            if event.type == "content_block_delta":
                event.delta.text  # type: ignore[union-attr]  # noqa: B018


@claim("04", "events come as start, blocks, delta, stop; the ping is swallowed")
def event_order() -> None:
    with played("Nine.") as talk, talk.sdk.messages.create(**HELLO, stream=True) as events:
        kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert "ping" not in kinds


@claim("04", "without `with`, a stream has no text_stream: AttributeError")
def forgotten_with() -> None:
    with played("Nine.") as talk:
        manager: Any = talk.sdk.messages.stream(**HELLO)
        with pytest.raises(AttributeError, match="text_stream"):
            manager.text_stream  # noqa: B018


@claim("04", "a stream without text blocks has no final text: RuntimeError")
def no_final_text() -> None:
    with (
        played([{"tool": "look_up"}]) as talk,
        talk.sdk.messages.stream(**HELLO) as stream,
        pytest.raises(RuntimeError),
    ):
        stream.get_final_text()


@claim("04 12", "a refused stream is retried; one that broke off in the middle is not")
def stream_retries() -> None:
    with played(refusal(529, **HEADERS), refusal(529, **HEADERS), "Nine.") as talk:
        with talk.sdk.messages.stream(**HELLO) as stream:
            stream.until_done()
        assert len(talk.log) == 3
    for name in ("cut-stream", "error-event", "stall"):
        with played(*STAGED[name].replies, timeout=0.3) as talk:
            with (
                pytest.raises((httpx2.HTTPError, anthropic.APIError)),
                talk.sdk.messages.stream(**HELLO) as stream,
            ):
                stream.until_done()
            assert len(talk.log) == 1, name


@claim("04 12", "a cut or a stall in mid-stream is an error of httpx2, not an APIError")
def stream_errors() -> None:
    for name, error in (("cut-stream", httpx2.RemoteProtocolError), ("stall", httpx2.ReadTimeout)):
        with (
            played(*STAGED[name].replies, timeout=0.3) as talk,
            pytest.raises(error),
            talk.sdk.messages.stream(**HELLO) as stream,
        ):
            stream.until_done()
        assert not issubclass(error, anthropic.AnthropicError)


@claim("04", "stream() adds an event after each delta; create(stream=True) adds none")
def added_events() -> None:
    with played([{"thinking": ""}, "It opens at nine."]) as talk:
        with talk.sdk.messages.stream(**HELLO) as stream:
            helped = [event.type for event in stream]
        raw = [event.type for event in talk.sdk.messages.create(**HELLO, stream=True)]
    after = [helped[n + 1] for n, kind in enumerate(helped) if kind == "content_block_delta"]
    assert set(after) == {"thinking", "signature", "text"}
    assert raw == [kind for kind in helped if kind not in set(after)]


@claim("04", "stream() sends nothing before `with` begins")
def manager_waits() -> None:
    with played("Nine.") as talk:
        manager = talk.sdk.messages.stream(**HELLO)
        assert not len(talk.log)
        with manager as stream:
            stream.until_done()
        assert len(talk.log) == 1


@claim("04", "after the block get_final_message works only for a stream that was read to its end")
def final_message_late() -> None:
    with played("It opens at nine.") as talk:
        with talk.sdk.messages.stream(**HELLO) as stream:
            list(stream.text_stream)
        assert stream.get_final_message().stop_reason == "end_turn"
        with talk.sdk.messages.stream(**HELLO) as stream:
            pass
        with pytest.raises(httpx2.StreamClosed):
            stream.get_final_message()


@claim("04", "leaving the block early closes the connection; the usage is still that of the start")
def early_exit() -> None:
    with played("It opens at nine. " * 40) as talk:
        with talk.sdk.messages.stream(**HELLO) as stream:
            next(stream.text_stream)
        assert stream.response.is_closed
        so_far = stream.current_message_snapshot
        whole = talk.sdk.messages.create(**HELLO)
    assert so_far.stop_reason is None
    assert so_far.usage.output_tokens <= 8 < whole.usage.output_tokens


@claim("04 12", "a stream that ends early without saying so raises nothing; it has no stop reason")
def no_end() -> None:
    with (
        played(*STAGED["no-end"].replies) as talk,
        talk.sdk.messages.stream(**HELLO) as stream,
    ):
        assert "".join(stream.text_stream)
        assert stream.get_final_message().stop_reason is None


@claim("04 12", "an error in mid-stream is an APIStatusError with status 200, no OverloadedError")
def error_event() -> None:
    with (
        played(*STAGED["error-event"].replies) as talk,
        pytest.raises(anthropic.APIStatusError) as raised,
        talk.sdk.messages.stream(**HELLO) as stream,
    ):
        stream.until_done()
    assert (raised.value.status_code, raised.value.type) == (200, "overloaded_error")
    assert not isinstance(raised.value, anthropic.OverloadedError)


@claim("04 12", "before the reply begins, silence and a wrong key are anthropic's own errors")
def before_the_stream() -> None:
    with (
        played(*STAGED["slow"].replies, timeout=0.3, max_retries=0) as talk,
        pytest.raises(anthropic.APITimeoutError),
        talk.sdk.messages.stream(**HELLO),
    ):
        pass
    with (
        recorded(api_key="wrong") as talk,
        pytest.raises(anthropic.AuthenticationError),
        talk.sdk.messages.stream(**HELLO),
    ):
        pass


@claim("04", "every lost connection and every time-out of httpx2 is a TransportError")
def transport_errors() -> None:
    for error in (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.ReadTimeout):
        assert issubclass(error, httpx2.TransportError)
    assert not issubclass(anthropic.APIConnectionError, httpx2.TransportError)


@claim("04 13", "the stream of the ordinary client is no `async with`; that of AsyncAnthropic is")
def async_stream() -> None:
    async def read(url: str) -> str:
        async with async_client(url) as sdk, sdk.messages.stream(**HELLO) as stream:
            return "".join([piece async for piece in stream.text_stream])

    with played("It opens at nine.") as talk:
        assert not hasattr(talk.sdk.messages.stream(**HELLO), "__aenter__")
        assert asyncio.run(read(talk.url)) == "It opens at nine."


@claim("04", "middleware is called for every attempt")
def middleware() -> None:
    calls: list[str] = []

    def count(request: Any, call_next: Any) -> Any:
        calls.append(str(request.method))
        return call_next(request)

    replies = (refusal(529, **HEADERS), "Nine.")
    with played(*replies, middleware=[count]) as talk:
        talk.sdk.messages.create(**HELLO)
        assert len(calls) == len(talk.log) == 2


# --- tools ----------------------------------------------------------------------------------

FERRY_TOOL: Any = {
    "name": "departures",
    "input_schema": {
        "type": "object",
        "properties": {"island": {"type": "string", "enum": ["Tern Island"]}},
        "required": ["island"],
        "additionalProperties": False,
    },
}


@claim("06", "before a call may stand thinking, which has no id: content[0].id fails")
def first_block_of_a_call() -> None:
    with played([{"thinking": ""}, {"tool": "departures", "input": {}}]) as talk:
        message: Any = talk.sdk.messages.create(**HELLO, tools=[FERRY_TOOL])
    assert [block.type for block in message.content] == ["thinking", "tool_use"]
    with pytest.raises(AttributeError, match="'ThinkingBlock' object has no attribute 'id'"):
        message.content[0].id  # noqa: B018


@claim("06", "the package does not hold the input of a call against the tool's schema")
def input_unchecked() -> None:
    with played([{"tool": "departures", "input": {"iland": 7}}]) as talk:
        message: Any = talk.sdk.messages.create(**HELLO, tools=[FERRY_TOOL])
    assert message.content[-1].input == {"iland": 7}


@claim("06", "tools go out as they stand, with the request that names them and no other")
def tools_each_time() -> None:
    with played("Hi.") as talk:
        talk.sdk.messages.create(**HELLO, tools=[FERRY_TOOL])
        assert talk.sent["tools"] == [FERRY_TOOL]
        talk.sdk.messages.create(**HELLO)
        assert "tools" not in talk.sent


@claim("06", "a loop that waits for end_turn sends the same again after each other stop reason")
def spinning() -> None:
    rare = ("max_tokens", "refusal", "stop_sequence", "model_context_window_exceeded")
    for name in rare:
        with played(STAGED[name].replies[-1]) as talk:
            stops: list[str | None] = []
            while stops[-1:] != ["end_turn"] and len(stops) < 3:
                message = talk.sdk.messages.create(**HELLO, tools=[FERRY_TOOL])
                assert not [block for block in message.content if block.type == "tool_use"]
                stops.append(message.stop_reason)
            assert stops == [name] * 3
            assert len({json.dumps(entry.request.body) for entry in talk.log}) == 1


# --- the tool runner, and calls in a stream --------------------------------------------------


@anthropic.beta_tool
def forecast(day: str) -> str:
    """The chance of rain on a day."""
    if day == "never":
        raise ValueError("no such day")
    if day == "later":
        raise ToolError("Ask again tomorrow.")
    return "10 %"


def called(*days: str) -> list[JSON]:
    """A reply that calls `forecast` once for each day."""
    return [{"thinking": ""}, *({"tool": "forecast", "input": {"day": day}} for day in days)]


@claim("06b", "with thread=False the runner sends all of the history, without a beta header")
def runner_without_thread() -> None:
    with played(called("Monday"), "Go.") as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        assert len(list(run(**HELLO, tools=[forecast], thread=False))) == 2
        assert [len(entry.request.body["messages"]) for entry in talk.log] == [1, 3]
        assert all("anthropic-beta" not in entry.request.headers for entry in talk.log)
        assert all(entry.request.body["tools"] == [forecast.to_dict()] for entry in talk.log)


@claim("06b", "a loop of one's own with to_dict() and to_param() sends what the runner sends")
def runner_and_loop() -> None:
    with played(called("Monday"), "Go.", called("Monday"), "Go.") as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        run(**HELLO, tools=[forecast], thread=False).until_done()
        ask: Any = {**HELLO, "tools": [forecast.to_dict()]}
        first = talk.sdk.messages.create(**ask)
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": forecast(**block.input)}
            for block in first.content
            if block.type == "tool_use"
        ]
        told = {"role": "user", "content": results}
        talk.sdk.messages.create(
            **{**ask, "messages": [*HELLO["messages"], first.to_param(), told]}
        )
        bodies = [entry.request.body for entry in talk.log]
    assert bodies[0] == bodies[2]
    assert [turn["role"] for turn in bodies[1]["messages"]] == ["user", "assistant", "user"]

    def plain(body: JSON) -> str:  # the two calls have ids and signatures of their own
        return re.sub(
            r'"(id|tool_use_id|signature)": "[^"]+"', "", json.dumps(body, sort_keys=True)
        )

    assert plain(bodies[1]) == plain(bodies[3])


@claim("06b", "by default the runner uses a message thread: results only, no tools")
def runner_with_thread() -> None:
    with played(called("Monday"), "Go.") as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        run(**HELLO, tools=[forecast]).until_done()
        first, second = (entry.request for entry in talk.log)
    assert first.body["thread"] == {"type": "create"}
    assert second.headers["anthropic-beta"] == "message-threads-2026-08-12"
    assert second.body["thread"]["type"] == "continue" and "tools" not in second.body
    assert [part["type"] for part in second.body["messages"][0]["content"]] == ["tool_result"]


@claim("06b", "Claude reads an exception of a tool as repr, and a ToolError in its own words")
def runner_errors() -> None:
    with played(called("never", "later"), "Go.") as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        run(**HELLO, tools=[forecast], thread=False).until_done()
        results = talk.sent["messages"][-1]["content"]
    said_to_claude = [(result["content"], result["is_error"]) for result in results]
    wanted = [("ValueError('no such day')", True), ("Ask again tomorrow.", True)]
    assert said_to_claude == wanted


def paying() -> tuple[list[str], Any]:
    """The sums that were paid so far, and the tool that pays."""
    paid: list[str] = []

    @anthropic.beta_tool
    def pay(euros: str) -> str:
        """Pay."""
        paid.append(euros)
        return "paid"

    return paid, pay


PAY = {"tool": "pay", "input": {"euros": "900"}}


@claim("06b", "the runner hands over a reply before it runs its calls; break stops before them")
def runner_and_break() -> None:
    paid, pay = paying()
    with played([PAY], "Done.") as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        for message in run(**HELLO, tools=[pay], thread=False):
            assert message.stop_reason == "tool_use"
            break
        assert (paid, len(talk.log)) == ([], 1)


@claim("06b", "generate_tool_call_response() runs the tools; the runner does not run them again")
def runner_looked_into() -> None:
    paid, pay = paying()
    with played([PAY], "Done.") as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        runner = run(**HELLO, tools=[pay], thread=False)
        next(runner)
        assert paid == []
        runner.generate_tool_call_response()
        assert paid == ["900"]
        runner.until_done()
        assert (paid, len(talk.log)) == (["900"], 2)


@claim("06b", "a runner's function returns a text or blocks; a list, a dict, a number go wrong")
def runner_strings() -> None:
    def run(value: Any) -> tuple[int, Any]:
        @anthropic.beta_tool
        def look_up(day: str) -> Any:
            """Something of a day."""
            return value

        with played([{"tool": "look_up", "input": {"day": "Monday"}}], "Go.") as talk:
            runner: Any = talk.sdk.beta.messages.tool_runner
            with suppress(anthropic.BadRequestError):
                runner(**HELLO, tools=[look_up], thread=False).until_done()
            return talk.log[-1].reply.status, talk.sent["messages"][-1]["content"][0]["content"]

    assert run(["10:00", "16:00"]) == (400, ["10:00", "16:00"])
    assert run({"rain": 10, "wind": 3}) == (400, ["rain", "wind"])
    assert run(4) == (200, "TypeError(\"'int' object is not iterable\")")
    assert run(json.dumps(["10:00"])) == (200, '["10:00"]')
    assert run([{"type": "text", "text": "ten"}])[0] == 200


@claim("06c", "a loop over a failed search's result yields its fields, and no page")
def failed_search() -> None:
    failed = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    search = STAGED["pause_turn"].replies[0]["content"][0]
    result = {"type": "web_search_tool_result", "tool_use_id": search["id"], "content": failed}
    with played([search, result, "No more."]) as talk:
        message: Any = talk.sdk.messages.create(**HELLO)
    found = message.content[1].content
    assert (message.stop_reason, found.error_code) == ("end_turn", "max_uses_exceeded")
    assert not isinstance(found, list) and [type(field) for field in found] == [tuple, tuple]


@claim("06b", "max_iterations caps the runner's requests; without it there is no cap")
def runner_cap() -> None:
    with played(called("Monday")) as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        capped = list(run(**HELLO, tools=[forecast], thread=False, max_iterations=3))
        assert [message.stop_reason for message in capped] == ["tool_use"] * 3
        endless = run(**HELLO, tools=[forecast], thread=False)
        assert [next(endless).stop_reason for _ in range(12)] == ["tool_use"] * 12


@claim("06b", "the runner goes on after pause_turn, and sends the reply back as it came")
def runner_pause() -> None:
    with played(*STAGED["pause_turn"].replies) as talk:
        run: Any = talk.sdk.beta.messages.tool_runner
        run(**HELLO, tools=[forecast], thread=False).until_done()
        (paused,) = talk.sent["messages"][1:]
    assert len(talk.log) == 2
    first = json.loads(b"".join(step.data for step in talk.log[0].reply.steps))
    assert paused == {"role": "assistant", "content": first["content"]}


@claim("06b", "@beta_tool makes a closed schema from hints and docstring")
def beta_tool_schema() -> None:
    made: Any = forecast.to_dict()
    assert made["description"] == "The chance of rain on a day."
    assert made["input_schema"]["additionalProperties"] is False
    assert made["input_schema"]["required"] == ["day"]


@claim("06b", "the pieces of a streamed input begin with an empty one and are JSON at the end only")
def streamed_input() -> None:
    with (
        played([{"tool": "draft", "input": {"visitors": 1200}}]) as talk,
        talk.sdk.messages.stream(**HELLO) as stream,
    ):
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
    assert pieces[0] == "" and len(pieces) > 2
    with pytest.raises(json.JSONDecodeError):
        json.loads("".join(pieces[:-1]))
    assert json.loads("".join(pieces)) == {"visitors": 1200}


@claim("06b", "half a number in a snapshot of a streamed input is a number")
def half_a_number() -> None:
    numbers = range(100_000_000, 100_000_010)  # where a text is cut depends on the text
    halves: list[int] = []
    with played(*([{"tool": "draft", "input": {"visitors": n}}] for n in numbers)) as talk:
        for number in numbers:
            with talk.sdk.messages.stream(**HELLO) as stream:
                events: list[Any] = [event for event in stream if event.type == "input_json"]
            shown = [dict(event.snapshot) for event in events]
            assert shown[-1] == {"visitors": number}
            halves += [one["visitors"] for one in shown if one and one != shown[-1]]
    assert halves and all("100000000".startswith(str(half)) for half in halves)


@claim("06c", "a server tool's result comes whole in its first event, without deltas")
def whole_results() -> None:
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_01", "content": []}
    with (
        played([STAGED["pause_turn"].replies[0]["content"][0], found, "Nine."]) as talk,
        talk.sdk.messages.stream(**HELLO) as stream,
    ):
        events = [(event.type, getattr(event, "index", None)) for event in stream]
    assert ("content_block_delta", 0) in events and ("content_block_delta", 2) in events
    assert ("content_block_start", 1) in events and ("content_block_delta", 1) not in events


# --- pictures and files ---------------------------------------------------------------------


def pictured(data: Any) -> JSON:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return said([{"type": "image", "source": source}])


@claim(
    "01", "ANTHROPIC_LOG=debug writes the request, and of the reply all but its text and the key"
)
def debug_log() -> None:
    program = "import anthropic, json, sys; "
    program += "anthropic.Anthropic().messages.create(**json.loads(sys.argv[1]))"
    with played("Seven small boats.") as talk:
        settings = {"ANTHROPIC_LOG": "debug", "ANTHROPIC_BASE_URL": talk.url}
        settings |= {"ANTHROPIC_API_KEY": KEY, "NO_PROXY": "*"}
        run = subprocess.run(
            [sys.executable, "-c", program, json.dumps(said("A harbour, please."))],
            env={**os.environ, **settings},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
    assert "A harbour, please." in run.stderr and "request-id" in run.stderr
    assert re.search(r"\b200\b", run.stderr)
    assert "small boats" not in run.stderr and KEY not in run.stderr


@claim("07 12", "a picture with too many pixels can be refused with the limit and the pictures")
def image_dimensions() -> None:
    details = {
        "error_code": "image_dimensions_too_large",
        "max_side_length_pixels": 8000,
        "paths": ["messages.0.content.0"],
    }
    error = {"type": "invalid_request_error", "message": "Too large.", "details": details}
    with played({"status": 400, "error": error}) as talk:
        with pytest.raises(anthropic.types.ImageDimensionsTooLargeError) as raised:
            talk.sdk.messages.create(**HELLO)
        told = raised.value
    assert isinstance(told, anthropic.BadRequestError)
    assert told.error_code == "image_dimensions_too_large"
    assert told.details and told.details.max_side_length_pixels == 8000
    assert told.details.paths == ["messages.0.content.0"]


@claim("07", "a Path, an open file and a picture in memory are sent as base64, without a name")
def picture_data() -> None:
    path = ROOT / "notebooks" / "images" / "07_receipt.png"
    raw = path.read_bytes()
    with played("Seen.") as talk, path.open("rb") as file:
        for data in (path, file, io.BytesIO(raw)):
            talk.sdk.messages.create(**pictured(data))
            assert talk.sent == pictured(base64.b64encode(raw).decode())
            assert path.stem not in str(talk.log[-1].request)


@claim("07", "bytes in place of a path are a TypeError, and nothing is sent")
def picture_bytes() -> None:
    with played("Seen.") as talk:
        with pytest.raises(TypeError, match="bytes is not JSON serializable"):
            talk.sdk.messages.create(**pictured(b"PNG"))
        assert not talk.log


@claim("07", "an open file that was read to its end is sent as nothing")
def picture_read_twice() -> None:
    with played("Seen.") as talk:
        held = io.BytesIO(b"PNG")
        held.read()
        with pytest.raises(anthropic.BadRequestError):
            talk.sdk.messages.create(**pictured(held))
        assert talk.sent == pictured("")


@claim("07", "a Path and a base64 text can be counted, then sent, then sent again")
def picture_sent_again() -> None:
    path = ROOT / "notebooks" / "images" / "07_receipt.png"
    as_text = base64.b64encode(path.read_bytes()).decode()
    with played("Seen.") as talk:
        for data in (path, as_text):
            request = pictured(data)
            counted = {name: request[name] for name in ("model", "messages")}
            talk.sdk.messages.count_tokens(**counted)
            for _ in range(2):
                talk.sdk.messages.create(**request)
                assert talk.sent == pictured(as_text)


@claim("07", "an upload by path carries the file's name and type, and may expire")
def upload() -> None:
    with played("Seen.") as talk:
        path = ROOT / "notebooks" / "data" / "flea_market_rules.pdf"
        made = talk.sdk.files.upload(file=path, expires_in_seconds=3_600)
        assert (made.filename, made.mime_type) == (path.name, "application/pdf")
        assert b"3600" in talk.log[-1].request.raw


# --- errors and retries ---------------------------------------------------------------------


@claim("12", "2 retries are 3 attempts: 408, 409, 429 and every 5xx")
def retried() -> None:
    for status in (408, 409, 429, 500, 502, 503, 504, 529):
        assert attempts(refusal(status, **HEADERS)) == 3, status


@claim("12", "400, 401, 402, 403, 404, 413, 421 and 422 are tried once")
def not_retried() -> None:
    for status in (400, 401, 402, 403, 404, 413, 421, 422):
        bare = {"x-should-retry": ""}  # the status alone must decide
        assert attempts(refusal(status, **HEADERS, **bare)) == 1, status


@claim("03 12", "max_retries changes it, for a client or for one call")
def max_retries() -> None:
    assert attempts(refusal(529, **HEADERS), max_retries=0) == 1
    assert attempts(refusal(529, **HEADERS), max_retries=4) == 5
    with played(refusal(529, **HEADERS)) as talk:
        with pytest.raises(anthropic.OverloadedError):
            talk.sdk.with_options(max_retries=1).messages.create(**HELLO)
        assert len(talk.log) == 2


@claim("12", "the header x-should-retry wins over the status, both ways")
def should_retry() -> None:
    assert attempts(refusal(529, **{"x-should-retry": "false"})) == 1
    assert attempts(refusal(400, **{"x-should-retry": "true"}, **HEADERS)) == 3


@claim("12", "retry-after is obeyed as it is, even when it says a minute")
def retry_after() -> None:
    """Counted while a call is left waiting: without the header the first retry comes in 0.5 s."""

    async def sent_within(seconds: float, reply: JSON) -> int:
        with serving() as server:
            url = server.url + server.backend.account.stage("claim", (reply,))
            async with async_client(url) as sdk:
                with suppress(asyncio.TimeoutError, anthropic.APIError):
                    await asyncio.wait_for(sdk.messages.create(**HELLO), seconds)
            return len(server.backend.account.journal)

    assert asyncio.run(sent_within(5, refusal(529))) == 3
    assert asyncio.run(sent_within(1.5, refusal(529, **{"retry-after": "60"}))) == 1


@claim("12", "each attempt says its number in x-stainless-retry-count")
def retry_count() -> None:
    with played(refusal(529, **HEADERS)) as talk:
        with pytest.raises(anthropic.OverloadedError):
            talk.sdk.messages.create(**HELLO)
        numbers = [entry.request.headers["x-stainless-retry-count"] for entry in talk.log]
    assert numbers == ["0", "1", "2"]


@claim("12", "a time-out holds for each attempt, and time-outs are retried")
def timeouts() -> None:
    with played(*STAGED["slow"].replies, timeout=0.2) as talk:
        with pytest.raises(anthropic.APITimeoutError):
            talk.sdk.messages.create(**HELLO)
        assert len(talk.log) == 3


@claim("12 13", "the async client tries as often")
def async_retries() -> None:
    async def ask(url: str) -> None:
        async with async_client(url) as sdk:
            with pytest.raises(anthropic.OverloadedError):
                await sdk.messages.create(**HELLO)

    with played(refusal(529, **HEADERS)) as talk:
        asyncio.run(ask(talk.url))
        assert len(talk.log) == 3


@claim("12", "each status has its class")
def classes() -> None:
    named = {
        400: anthropic.BadRequestError, 401: anthropic.AuthenticationError,
        403: anthropic.PermissionDeniedError, 404: anthropic.NotFoundError,
        409: anthropic.ConflictError, 422: anthropic.UnprocessableEntityError,
        429: anthropic.RateLimitError, 500: anthropic.InternalServerError,
        503: anthropic.ServiceUnavailableError, 529: anthropic.OverloadedError,
    }  # fmt: skip
    for status, error in named.items():
        assert type(raised_by(refusal(status))) is error, status
    assert isinstance(raised_by(refusal(413)), anthropic.APIStatusError)
    assert type(raised_by(refusal(421))) is anthropic.APIStatusError
    assert issubclass(anthropic.OverloadedError, anthropic.InternalServerError)
    assert issubclass(anthropic.APITimeoutError, anthropic.APIConnectionError)


@claim("12", "APIError has no status_code: a connection error has none to read")
def no_status_code() -> None:
    with (
        played(*STAGED["no-connection"].replies, max_retries=0) as talk,
        pytest.raises(anthropic.APIError) as raised,
    ):
        talk.sdk.messages.create(**HELLO)
    assert type(raised.value) is anthropic.APIConnectionError
    with pytest.raises(AttributeError, match="status_code"):
        raised.value.status_code  # type: ignore[attr-defined]  # noqa: B018


@claim("12", "str(error) is the whole body; api_message, type and request_id are its parts")
def words_of_an_error() -> None:
    error = raised_by(refusal(400, "invalid_request_error"))
    assert str(error).startswith("Error code: 400 - {'type': 'error', 'error': {")
    assert (error.api_message, error.type) == ("No.", "invalid_request_error")
    assert str(error.request_id).startswith("req_011C")


@claim("12", "a spend cap is a RateLimitError with an error_code, and is retried in vain")
def spend_cap() -> None:
    reply = refusal(429, "rate_limit_error", **HEADERS)
    reply["error"]["details"] = {"error_code": "enforced_spend_limit_reached"}
    error = raised_by(reply)
    assert isinstance(error, anthropic.RateLimitError)
    assert error.error_code == "enforced_spend_limit_reached"
    assert attempts(reply) == 3


# --- models ---------------------------------------------------------------------------------


def warned(model: str) -> list[str]:
    """The deprecation warnings that a call with a model gives."""
    with played("Hi.") as talk, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with suppress(anthropic.NotFoundError):
            talk.sdk.messages.create(**{**HELLO, "model": model})
    return [str(w.message) for w in caught if issubclass(w.category, DeprecationWarning)]


@claim("01 17", "a retired id is a NotFoundError, 404, in one attempt")
@pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")
def retired() -> None:
    served = facts.SERVED.keys() | facts.ALIASES.keys()  # the last day of some is today
    for name in facts.RETIRED.keys() - served:
        with played("Hi.") as talk, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            with pytest.raises(anthropic.NotFoundError) as raised:
                talk.sdk.messages.create(**{**HELLO, "model": name})
            assert (raised.value.api_message, len(talk.log)) == (f"model: {name}", 1)


@claim("17", "the SDK's table of deprecated models and the facts say the same")
def deprecated_table() -> None:
    table = DEPRECATED_MODELS
    old = {name for name in table if name.startswith(("claude-1", "claude-instant"))}
    for name in set(table) - old - set(facts.LIMITED):
        words = table[name].replace("st,", ",").replace("nd,", ",").replace("rd,", ",")
        day = datetime.strptime(words.replace("th,", ","), "%B %d, %Y").date()
        if name in facts.RETIRED:
            assert facts.RETIRED[name][0] == day, name
        else:
            row = facts.model(name)
            assert row.deprecated and row.retires_not_before == day, name
    for name, row in facts.MODELS.items():
        assert (name in table) == bool(row.deprecated), name


@claim("17", "a deprecated id warns, an active one does not")
def deprecation_warning() -> None:
    for name, row in facts.MODELS.items():
        assert bool(warned(name)) == bool(row.deprecated), name


@claim("01 17", "an id that retired long ago does not warn: the SDK's table has no more of these")
def silent_retirement() -> None:
    assert not warned("claude-3-opus-20240229")
    assert not warned("claude-3-5-sonnet-20241022")
    assert warned("claude-opus-4-5")


# --- what is gone ---------------------------------------------------------------------------


@claim("09 17", "client.batches does not exist; client.messages.batches does")
def batches() -> None:
    with client("http://127.0.0.1:9") as sdk:
        with pytest.raises(AttributeError, match="batches"):
            sdk.batches  # type: ignore[attr-defined]  # noqa: B018
        assert sdk.messages.batches


@claim("09", "results makes two requests; before the end it raises AnthropicError after one")
def batch_results() -> None:
    asked: Any = [{"custom_id": "a", "params": HELLO}]
    with played("Hi.") as talk:
        batch = talk.sdk.messages.batches.create(requests=asked)
        before = len(talk.log)
        with pytest.raises(anthropic.AnthropicError, match="results_url") as raised:
            talk.sdk.messages.batches.results(batch.id)
        assert not isinstance(raised.value, anthropic.APIError)
        assert len(talk.log) == before + 1
        while talk.sdk.messages.batches.retrieve(batch.id).processing_status != "ended":
            pass
        before = len(talk.log)
        [line] = talk.sdk.messages.batches.results(batch.id)
        assert (line.custom_id, len(talk.log)) == ("a", before + 2)


@claim("09", "a client that nothing refers to closes, and a long read of results breaks off")
def client_not_kept() -> None:
    asked: Any = [{"custom_id": f"line-{n}", "params": HELLO} for n in range(2_000)]
    with played("Hi.") as talk:
        batch = talk.sdk.messages.batches.create(requests=asked)
        while talk.sdk.messages.batches.retrieve(batch.id).processing_status != "ended":
            pass

        def read(sdk: anthropic.Anthropic) -> Any:
            return sdk.messages.batches.results(batch.id)

        assert sum(1 for _ in read(talk.sdk)) == 2_000
        lines = read(client(str(talk.sdk.base_url)))  # the client is gone before the first line
        gc.collect()
        with pytest.raises(httpx2.ReadError):
            sum(1 for _ in lines)


@claim("09", "the SDK does not look into a batch's params: temperature goes out as it stands")
def batch_params() -> None:
    params: Any = {**HELLO, "temperature": 0}
    with played("Hi.") as talk:
        talk.sdk.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
        assert talk.sent["requests"][0]["params"] == params


@claim("09", "a for loop over the list of batches fetches page after page")
def batch_pages() -> None:
    with played("Hi.") as talk:
        for name in "abc":
            asked: Any = [{"custom_id": name, "params": HELLO}]
            talk.sdk.messages.batches.create(requests=asked)
        before = len(talk.log)
        assert len({batch.id for batch in talk.sdk.messages.batches.list(limit=1)}) == 3
        assert len(talk.log) - before >= 3


@claim("17", "HUMAN_PROMPT, client.completions and beta.prompt_caching are gone")
def gone() -> None:
    assert not hasattr(anthropic, "HUMAN_PROMPT")
    with client("http://127.0.0.1:9") as sdk:
        for holder, name in ((sdk, "completions"), (sdk.beta, "prompt_caching")):
            with pytest.raises(AttributeError):
                getattr(holder, name)


@claim("17", "objects of the old httpx package are refused with TypeError")
def old_httpx() -> None:
    with httpx.Client() as old, pytest.raises(TypeError):
        client("http://127.0.0.1:9", http_client=old)
    with pytest.raises(TypeError):
        client("http://127.0.0.1:9", timeout=httpx.Timeout(5))


@claim("17", "MessageParam is a union that cannot be called: TypeError")
def message_param() -> None:
    from anthropic.types import MessageParam

    with pytest.raises(TypeError):
        MessageParam(role="user", content="Hello")  # type: ignore[operator]


@claim("12 17", "RequestTooLargeError and DeadlineExceededError are old names")
def old_error_names() -> None:
    assert issubclass(anthropic.ContentTooLargeError, anthropic.APIStatusError)
    assert issubclass(anthropic.GatewayTimeoutError, anthropic.InternalServerError)


@claim("14", "count_tokens takes a request without max_tokens and answers with one number")
def counting() -> None:
    with played("Hi.") as talk:
        counted = talk.sdk.messages.count_tokens(
            model=HELLO["model"], messages=HELLO["messages"], system="Be brief."
        )
        assert counted.to_dict() == {"input_tokens": counted.input_tokens}
        assert talk.log[-1].request.path == "/v1/messages/count_tokens"
        with pytest.raises(TypeError, match="max_tokens"):
            talk.sdk.messages.count_tokens(**said("Hello"))


@claim("05 06 08 10", "thinking that is sent back counts as input, as much as it was as output")
def thinking_sent_back() -> None:
    thinks = [{"thinking": "", "tokens": 300}, {"redacted_thinking": 40}, "Four."]
    with played(thinks) as talk:
        reply = talk.sdk.messages.create(**HELLO)
        details = reply.usage.output_tokens_details
        assert details and details.thinking_tokens == 340
        turn = reply.to_dict()
        only_text = [block for block in turn["content"] if block["type"] == "text"]  # type: ignore[attr-defined]

        def counted(content: Any) -> int:
            talked: Any = [*HELLO["messages"], {"role": "assistant", "content": content}]
            talked += [{"role": "user", "content": "And five?"}]
            counts = talk.sdk.messages.count_tokens(model=HELLO["model"], messages=talked)
            return counts.input_tokens

        assert counted(turn["content"]) - counted(only_text) == 340


@claim(
    "05", "Haiku 4.5 leaves out the thinking of earlier turns, not that of the turn that goes on"
)
def thinking_left_out() -> None:
    assert [row.id for row in facts.MODELS.values() if not row.keeps_thinking] == [
        "claude-haiku-4-5-20251001"
    ]
    haiku: Any = {"model": "claude-haiku-4-5"}
    manual: Any = {**haiku, "thinking": {"type": "enabled", "budget_tokens": 2_000}}
    call: Any = [{"thinking": "", "tokens": 300}, {"tool": "forecast", "input": {"day": "Monday"}}]
    with played(call) as talk:
        said_before: Any = {**HELLO, **manual, "max_tokens": 3_000, "tools": [forecast.to_dict()]}
        reply = talk.sdk.messages.create(**said_before)
        made: Any = [block for block in reply.content if block.type == "tool_use"]
        result: Any = {"type": "tool_result", "tool_use_id": made[0].id, "content": "10 %"}
        going_on: Any = [
            *HELLO["messages"],
            reply.to_param(),
            {"role": "user", "content": [result]},
        ]
        over: Any = [*going_on, {"role": "assistant", "content": "Go."}]
        over += [{"role": "user", "content": "Thanks. And now?"}]

        def counted(messages: Any, **more: Any) -> int:
            tools: Any = said_before["tools"]
            sent: Any = {"messages": messages, "tools": tools, **more}
            return talk.sdk.messages.count_tokens(**sent).input_tokens

        plain: Any = [{**going_on[1], "content": made}]
        first = HELLO["messages"]
        setting = counted(first, **manual) - counted(first, **haiku)  # manual thinking itself
        for messages, thought in ((going_on, 300), (over, 0)):
            bare = [messages[0], *plain, *messages[2:]]
            assert counted(messages, **manual) - counted(bare, **haiku) == thought + setting


@claim("10", "Haiku 4.5 and Opus 4.5, which retires on 22 January 2027, think only with a budget")
def manual_only() -> None:
    only = {row.id for row in facts.MODELS.values() if "adaptive" not in row.thinking}
    assert only == {facts.model(name).id for name in ("claude-haiku-4-5", "claude-opus-4-5")}
    assert facts.model("claude-opus-4-5").retires_not_before == date(2027, 1, 22)


@claim("08", "cache_control beside model and messages is sent as it is, for the automatic mark")
def automatic_mark() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    with played("Hi.") as talk:
        talk.sdk.messages.create(**said("Hello", cache_control=mark))
        assert talk.sent["cache_control"] == mark


@claim("08", "max_tokens=0 is sent, and gives a message without blocks: no minimum in the package")
def no_room_at_all() -> None:
    with played("Hi.") as talk:
        warm = talk.sdk.messages.create(**said("Hello", max_tokens=0))
        assert talk.sent["max_tokens"] == 0
        assert (warm.content, warm.stop_reason) == ([], "max_tokens")


@claim("08", "diagnostics need no beta header; the first reply has none, later ones a typed reason")
def cache_diagnostics() -> None:
    with played("Hi.") as talk:
        nobody = {"previous_message_id": None}
        first = talk.sdk.messages.create(**said("Hello", diagnostics=nobody))
        assert "anthropic-beta" not in talk.head
        assert first.diagnostics is None
        before = {"previous_message_id": first.id}
        second = talk.sdk.messages.create(**said("Bye", system="Be brief.", diagnostics=before))
        assert second.diagnostics and second.diagnostics.cache_miss_reason
        assert second.diagnostics.cache_miss_reason.type == "system_changed"


# --- the gate -------------------------------------------------------------------------------


@pytest.mark.parametrize("each", CLAIMS, ids=lambda each: f"{'+'.join(each.lessons)}: {each.says}")
def test_it_is_true_that(each: Claim) -> None:
    each.ask()


def test_every_claim_names_lessons_that_exist_and_says_one_sentence(
    covers: Callable[[str], None],
) -> None:
    sentences = Counter(each.says for each in CLAIMS)
    assert max(sentences.values()) == 1
    for each in CLAIMS:
        assert each.lessons and all(number in BY_NUMBER for number in each.lessons), each.says
    by_lesson = Counter(number for each in CLAIMS for number in each.lessons)
    listed = ", ".join(f"{number}: {by_lesson[number]}" for number in sorted(by_lesson))
    without = ", ".join(number for number in BY_NUMBER if not by_lesson[number])
    covers(
        f"claims about SDK {anthropic.__version__}: {len(CLAIMS)} ({listed}); none for {without}"
    )


def names_used(code: CodeType) -> set[str]:
    """Every name that a function uses, also inside the functions that it defines."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*(names_used(each) for each in inner))


def test_every_claim_asks_something() -> None:
    for each in CLAIMS:
        used = names_used(each.ask.__code__)
        assert "AssertionError" in used or "raises" in used, f"no assertion: {each.says}"
    assert "AssertionError" not in names_used((lambda: None).__code__)
