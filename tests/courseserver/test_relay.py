"""Live as a plain relay: proven against a second course server as upstream, over HTTP and TLS.

Where a course server cannot play the part (a proxy, an upstream that notices who left), a plain
socket does.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from courseserver.account import Account
from courseserver.budget import Budget
from courseserver.door import Door
from courseserver.loopback import Server
from courseserver.relay import Relay, usage_of
from courseserver.replay import Replay
from courseserver.values import Forward, Reply
from tests.support import (
    HELLO,
    PATIENCE,
    client,
    exchange,
    headers,
    recordings,
    request,
    said,
    send,
)

TOKEN = "a-token-of-this-session"
SECRET = "the-key-of-these-tests-which-must-never-show"
STREAMED = {**HELLO, "stream": True}
REPLY = [{"thinking": "", "tokens": 30}, "Good morning from upstream, and a long line of words."]
OTHER = said("Only upstream knows this.")
FAULTY = said("Break off.", stream=True)


def upstream_exchanges() -> Any:
    """What the second course server has recorded."""
    broken = {"content": "Half a sentence, and more", "fault": {"kind": "cut", "after": 5}}
    busy = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
    return recordings(
        exchange("hello", HELLO, REPLY),
        exchange("hello, streamed", STREAMED, REPLY),
        exchange("other", OTHER, "Yes, only I."),
        exchange("faulty", FAULTY, broken),
        exchange("busy", said("Are you busy?"), busy),
    )


@contextmanager
def upstream(tls: ssl.SSLContext | None = None) -> Iterator[Server[Replay]]:
    """The API of these tests: it accepts the secret key only."""
    server = Server(Replay(Account(key=SECRET)), tls=tls)
    server.backend.start(upstream_exchanges())
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def door(url: str) -> Iterator[Server[Door]]:
    """A door in live mode, whose upstream is at `url`."""
    server = Server(Door(key=TOKEN))
    server.backend.replay.start(recordings(exchange("hello", HELLO, "Good morning from replay.")))
    server.backend.account.budget.limit = 1.0
    server.backend.relay = Relay(server.backend.account, url, {"x-api-key": SECRET})
    try:
        yield server
    finally:
        server.stop()


def through(server: Server[Any], **settings: Any) -> anthropic.Anthropic:
    """The SDK's client of a learner: it knows the token, never the key."""
    return client(server.url, api_key=TOKEN, max_retries=0, **settings)


def raw(url: str, body: Any, key: str) -> tuple[int, dict[str, str], bytes]:
    """One exchange byte for byte, without the headers that belong to a connection."""
    answer = send(url, body, head=headers(authorization=f"Bearer {key}"))
    kept = {n: v for n, v in answer.headers.items() if n not in ("date", "connection")}
    return answer.status, kept, answer.body


@pytest.mark.parametrize(
    "body", [HELLO, STREAMED, said("Are you busy?"), {"model": HELLO["model"]}]
)
def test_a_relayed_reply_is_the_reply_byte_for_byte(body: Any) -> None:
    with upstream() as api, door(api.url) as here:
        direct = raw(api.url, body, SECRET)
        api.backend.start(upstream_exchanges())  # its recordings from their first reply
        assert raw(here.url, body, TOKEN) == direct


def test_a_stream_arrives_in_the_same_chunks_as_upstream_sends_it() -> None:
    with upstream() as api, door(api.url) as here, through(here) as sdk:
        with sdk.messages.stream(**HELLO) as stream:
            text = "".join(stream.text_stream)
        assert text == REPLY[1]
        assert stream.get_final_message().usage.output_tokens > 30


def test_the_key_goes_upstream_and_the_token_stays_here() -> None:
    with upstream() as api, door(api.url) as here, through(here) as sdk:
        sdk.messages.create(**HELLO, extra_headers={"x-private": "mine", "cookie": "mine"})
        arrived = api.backend.account.journal[-1].request.headers
    assert arrived["x-api-key"] == SECRET
    assert TOKEN not in str(arrived)
    assert "mine" not in str(arrived)
    assert arrived["anthropic-version"] and arrived["x-stainless-lang"] == "python"


def test_a_client_without_the_token_of_this_session_is_refused_here() -> None:
    with upstream() as api, door(api.url) as here:
        other = client(here.url, api_key="somebody-else", max_retries=0)
        with other, pytest.raises(anthropic.AuthenticationError):
            other.messages.create(**HELLO)
        assert not len(api.backend.account.journal)


def test_a_client_made_before_the_mode_changed_follows_it_both_ways() -> None:
    with upstream() as api, door(api.url) as here, through(here) as sdk:

        def ask() -> str:
            return sdk.messages.create(**HELLO).content[-1].text  # type: ignore[union-attr]

        relay = here.backend.relay
        assert "upstream" in ask()
        here.backend.relay = None
        assert "replay" in ask()
        here.backend.relay = relay
        assert "upstream" in ask()


def test_what_a_cell_staged_stays_here_in_live() -> None:
    with upstream() as api, door(api.url) as here:
        path = here.backend.account.stage("test", ("Staged.",))
        with client(here.url + path) as sdk:
            assert sdk.messages.create(**HELLO).content[0].text == "Staged."  # type: ignore[union-attr]
        assert not len(api.backend.account.journal)


def test_the_journal_holds_what_was_relayed_with_its_usage() -> None:
    with upstream() as api, door(api.url) as here, through(here) as sdk:
        plain = sdk.messages.create(**OTHER)
        with sdk.messages.stream(**HELLO) as stream:
            streamed = stream.get_final_message()
        journal = here.backend.journal
        assert [entry.reply.status for entry in journal] == [200, 200]
        for entry, message in zip(journal, (plain, streamed), strict=True):
            assert entry.reply.usage["output_tokens"] == message.usage.output_tokens
            assert entry.reply.usage["input_tokens"] == message.usage.input_tokens
            assert not entry.staged and not entry.failure
        assert SECRET not in repr(list(journal)) + repr(here.backend.relay)


def test_the_results_of_a_batch_come_through_the_door_too() -> None:
    with upstream() as api, door(api.url) as here, through(here) as sdk:
        wrong = {"custom_id": "a", "params": {"model": HELLO["model"]}}
        wrong["params"] |= {"messages": HELLO["messages"]}  # type: ignore[operator]
        batch = sdk.messages.batches.create(requests=[wrong])  # type: ignore[list-item]
        while batch.processing_status != "ended":
            batch = sdk.messages.batches.retrieve(batch.id)
        assert str(batch.results_url).startswith(f"{here.url}/v1/messages/batches/")
        [line] = sdk.messages.batches.results(batch.id)
        assert line.result.type == "errored"
        assert here.backend.journal[-1].request.path.endswith("/results")


def test_the_key_shows_in_no_value_that_travels() -> None:
    relay = Relay(
        Account(key=TOKEN, budget=Budget(1.0)), "https://api.example", {"x-api-key": SECRET}
    )
    decided = relay.decide(request(HELLO, authorization=f"Bearer {TOKEN}"))
    assert isinstance(decided, Forward)
    assert decided.headers["x-api-key"] == SECRET
    assert SECRET not in f"{decided!r} {relay!r} {vars(relay).keys()}"


def test_a_reply_that_breaks_off_upstream_breaks_off_here() -> None:
    with upstream() as api, door(api.url) as here, through(here) as sdk:
        with pytest.raises(httpx2.RemoteProtocolError):
            list(sdk.messages.create(**FAULTY))
        entry = here.backend.journal[-1]
        assert entry.failure == "RemoteProtocolError"
        assert b"text_delta" in b"".join(step.data for step in entry.reply.steps)


def test_an_upstream_that_is_not_there_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with door(f"http://127.0.0.1:{port}") as here, through(here) as sdk:
        with pytest.raises(anthropic.APIConnectionError):
            sdk.messages.create(**HELLO)
        assert [entry.failure for entry in here.backend.journal] == ["ConnectError"]


def test_the_sdk_retries_through_the_relay_as_it_does_without() -> None:
    with upstream() as api, door(api.url) as here:
        sdk = client(here.url, api_key=TOKEN, max_retries=2)
        with sdk, pytest.raises(anthropic.OverloadedError):
            sdk.messages.create(**said("Are you busy?"))
        assert len(api.backend.account.journal) == len(here.backend.journal) == 3


# --- who leaves, who stands between ---------------------------------------------------------


class Peer:
    """A plain socket that reads one request, sends `answer`, and waits until the caller leaves."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.head = b""
        self.left = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        with suppress(OSError), self.socket, self.socket.accept()[0] as came:
            self.head = came.recv(65_536)
            came.sendall(self.answer)
            while came.recv(65_536):
                pass
            self.left.set()


PING = b'event: ping\ndata: {"type": "ping"}\n\n'
ENDLESS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    b"%x\r\n%s\r\n" % (len(PING), PING)
)


def test_a_client_that_leaves_ends_its_question_upstream() -> None:
    peer = Peer(ENDLESS)
    with door(peer.url) as here, through(here) as sdk:
        stream = sdk.messages.create(**STREAMED)
        assert not peer.left.is_set()
        stream.close()
        assert peer.left.wait(PATIENCE), "the question upstream went on"
        until(lambda: len(here.backend.journal) == 1)


def test_a_client_that_gives_up_waiting_ends_its_question_upstream() -> None:
    peer = Peer(b"")
    with door(peer.url) as here, through(here, timeout=0.3) as sdk:
        with pytest.raises(anthropic.APITimeoutError):
            sdk.messages.create(**HELLO)
        assert peer.left.wait(PATIENCE), "the question upstream went on"


def until(true: Any) -> None:
    """Wait for what another thread will bring about."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"type": "message"}'
    proxy = Peer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    with door("http://api.example.test") as here:
        answer = send(here.url, HELLO, head=headers(authorization=f"Bearer {TOKEN}"))
    assert answer.body == body
    assert proxy.head.startswith(b"POST http://api.example.test/v1/messages ")


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that only its own file vouches for, and a server's context."""
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("not covered: TLS, because there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    public, private = folder / "cert.pem", folder / "key.pem"
    words = [tool, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-keyout", str(private), "-out", str(public)]
    subprocess.run(words, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_over_tls_with_the_certificates_that_the_environment_names(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    public, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with upstream(context) as api, door(api.url) as here, through(here) as sdk:
        assert api.url.startswith("https://")
        with sdk.messages.stream(**HELLO) as stream:
            assert "".join(stream.text_stream) == REPLY[1]


def test_over_tls_an_unknown_certificate_is_a_connection_error(
    certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with upstream(certificate[1]) as api, door(api.url) as here, through(here) as sdk:
        with pytest.raises(anthropic.APIConnectionError):
            sdk.messages.create(**HELLO)
        assert not len(api.backend.account.journal)


# --- usage ----------------------------------------------------------------------------------


def test_the_usage_of_a_stream_is_what_its_last_event_says() -> None:
    first = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    last = {"type": "message_delta", "usage": {"output_tokens": 70}}
    body = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in (first, last))
    assert usage_of(body, streamed=True) == {"input_tokens": 9, "output_tokens": 70}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"usage": null}', b"data: {", b"\xff"])
def test_a_body_without_usage_costs_nothing(body: bytes) -> None:
    assert usage_of(body, streamed=False) == usage_of(body, streamed=True) == {}


def test_in_replay_the_door_answers_by_itself() -> None:
    decided = Door().decide(request(HELLO, host="127.0.0.1"))
    assert isinstance(decided, Reply)
