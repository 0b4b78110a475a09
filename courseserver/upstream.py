"""Adapter: carries a `Forward` out, byte for byte, and says how it ended.

Proxies and certificates are taken from the environment, as the SDK takes them. A client that
leaves is noticed by who calls: cancelling `carry` ends the request upstream.
"""

from __future__ import annotations

import time
from typing import Protocol

import httpx2

from courseserver.values import Forward, Outcome

KEPT_BYTES = 16 * 1024 * 1024  # of a reply's body, for the journal
LENGTH = "content-length"
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
                pairs = [(name, value) for name, value in pairs if name.lower() != LENGTH]
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


class _Settling:
    """What came of a forwarded request so far, told once."""

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()  # the first KEPT_BYTES of it
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
        self.body += chunk[: KEPT_BYTES - len(self.body)]

    def is_whole(self) -> bool:
        """Whether the body has the length that the reply announced."""
        return self.headers.get("content-length") == str(self.size)

    def settle(self, *, complete: bool, failure: str = "") -> None:
        """Say how it ended, the first time."""
        if self.settled:
            return
        self.settled = True
        body = bytes(self.body)
        came = tuple(self.came)
        self.forward.settle(Outcome(self.status, self.headers, body, complete, failure, came))
