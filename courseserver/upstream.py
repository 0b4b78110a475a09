"""Adapter: carries a `Forward` out, byte for byte or translated, and says how it ended.

Proxies and certificates are taken from the environment, as the SDK takes them. A client that
leaves is noticed by who calls: cancelling `carry` ends the request upstream.
"""

from __future__ import annotations

import io
import logging
import time
import zlib
from dataclasses import replace
from typing import Protocol

import httpx2

from courseserver.values import Forward, Outcome, Translation

KEPT_BYTES = 16 * 1024 * 1024  # of a reply's body, for the journal
LENGTH, ENCODING = "content-length", "content-encoding"
PACKED = ("gzip", "deflate")  # what can be read although it was not asked for
ANY_FORMAT = zlib.MAX_WBITS | 32  # of zlib's two
CONNECT_SECONDS = 30.0
# Headers that belong to one connection, not to the reply (RFC 9110, 7.6.1).
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


class Sink(Protocol):
    """Where a reply goes while it arrives."""

    async def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Send status and headers on."""

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body on."""


def new_client() -> httpx2.AsyncClient:
    """A client without time-outs of its own but for connecting: the learner's SDK has them."""
    timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx2.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False)


async def carry(forward: Forward, client: httpx2.AsyncClient, sink: Sink) -> bool:
    """Ask upstream and hand over what comes, as it comes. False when the reply broke off.

    `forward.settle` is called once, also when this is cancelled. It is called before the last
    piece of a reply goes out, so that who has the reply finds it in the journal.
    """
    if forward.translation:
        return await _translated(forward, forward.translation, sink)
    account = _Settling(forward)
    request = forward.request
    complete = False
    failure = ""
    try:
        async with client.stream(
            request.method, forward.url, headers=dict(forward.headers), content=request.raw
        ) as response:
            pairs = [
                (name, value)
                for name, value in response.headers.multi_items()
                if name.lower() not in HOP_BY_HOP
            ]
            if forward.rewrite:
                whole = forward.rewrite(await response.aread())
                read = (LENGTH, ENCODING)  # `aread` has unpacked it
                pairs = [(name, value) for name, value in pairs if name.lower() not in read]
                pairs.append((LENGTH, str(len(whole))))
                account.begin(response.status_code, pairs)
                account.add(whole)
                account.settle(complete=True)
                await sink.begin(response.status_code, pairs)
                await sink.write(whole)
                complete = True
                return True
            account.begin(response.status_code, pairs)
            if account.is_whole():
                account.settle(complete=True)
            await sink.begin(response.status_code, pairs)
            async for chunk in response.aiter_raw():
                account.add(chunk)
                if account.is_whole():
                    account.settle(complete=True)
                await sink.write(chunk)
        complete = True
    except Exception as error:  # whatever it is, the client must see a connection that broke
        failure = type(error).__name__  # never its text: it may name a proxy with its password
    finally:
        account.settle(complete=complete, failure=failure)
    return complete


async def _translated(forward: Forward, answer: Translation, sink: Sink) -> bool:
    """Ask a program on this machine; the client gets what `answer` makes of what comes.

    No proxy of the environment is asked, and no redirection followed: the request stays here.
    """
    account = _Settling(forward)
    request = forward.request
    timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
    streamed = False
    came, failure = Outcome(), ""
    try:
        try:
            async with (
                httpx2.AsyncClient(timeout=timeout, trust_env=False) as client,
                client.stream(
                    request.method, forward.url, headers=dict(forward.headers), content=request.raw
                ) as response,
            ):
                came = Outcome(response.status_code)
                kind = response.headers.get("content-type", "")
                streamed = answer.stream and came.status == 200 and "event-stream" in kind
                if streamed:
                    account.begin(came.status, list(answer.headers.items()))
                    await sink.begin(came.status, list(answer.headers.items()))
                async for chunk in response.aiter_bytes():
                    if streamed:
                        await _pass_on(answer.piece(chunk), answer, account, sink)
                    else:
                        came = Outcome(came.status, body=came.body + chunk)
        except httpx2.HTTPError as error:
            failure = type(error).__name__
        if streamed:
            await _pass_on(answer.rest(), answer, account, sink)
            return True
        reply = answer.whole(replace(came, failure=failure))
        [step] = reply.steps
        headers = {**reply.headers, LENGTH: str(len(step.data))}
        account.settle(complete=True)
        await sink.begin(reply.status, list(headers.items()))
        await sink.write(step.data)
        return True
    finally:  # the client may have left
        account.settle(complete=False)


async def _pass_on(piece: bytes, answer: Translation, account: _Settling, sink: Sink) -> None:
    """Send a piece of a stream on; before the last one, say how it ended."""
    account.add(piece)
    if answer.ended:
        account.settle(complete=True)
    if piece:
        await sink.write(piece)


class _Settling:
    """What came of a forwarded request so far, told once."""

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = io.BytesIO()  # the first KEPT_BYTES of it; gives them without a copy
        self.size = 0
        self.came: list[tuple[float, int]] = []
        self.last = time.monotonic()
        self.settled = False

    def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Note the head of the reply."""
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}

    def add(self, chunk: bytes) -> None:
        """Note a piece of the body, and how long it took."""
        now = time.monotonic()
        self.came.append((now - self.last, len(chunk)))
        self.last = now
        self.size += len(chunk)
        if not self.settled:
            self.body.write(chunk[: KEPT_BYTES - self.body.tell()])

    def is_whole(self) -> bool:
        """Whether the body has the length that the reply announced."""
        return self.headers.get("content-length") == str(self.size)

    def settle(self, *, complete: bool, failure: str = "") -> None:
        """Say how it ended, the first time. Never raises: a reply that was paid must arrive."""
        if self.settled:
            return
        self.settled = True
        body, came = self.body.getvalue(), tuple(self.came)
        self.body.close()
        if self.headers.get(ENCODING) in PACKED:
            body, came = unpacked(body), ()  # the pieces had other sizes
        try:
            self.forward.settle(Outcome(self.status, self.headers, body, complete, failure, came))
        except Exception:  # what was reserved stays reserved, so the limit holds
            logging.getLogger(__name__).debug("a reply could not be booked", exc_info=True)


def unpacked(body: bytes) -> bytes:
    """What was packed into a body, its first KEPT_BYTES; the body itself when it was not."""
    try:
        return zlib.decompressobj(ANY_FORMAT).decompress(body, KEPT_BYTES)
    except zlib.error:
        return body
