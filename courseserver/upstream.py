"""Adapter: carries a `Forward` out, byte for byte, and says how it ended.

Proxies and certificates are taken from the environment, as the SDK takes them. A client that
leaves is noticed by who calls: cancelling `carry` ends the request upstream.
"""

from __future__ import annotations

from typing import Protocol

import httpx2

from courseserver.values import Forward, Outcome

KEPT_BYTES = 16 * 1024 * 1024  # of a reply's body, for the journal
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

    `forward.settle` is called once, also when this is cancelled.
    """
    status = 0
    headers: dict[str, str] = {}
    body = bytearray()
    complete = False
    failure = ""
    request = forward.request
    try:
        async with client.stream(
            request.method, forward.url, headers=dict(forward.headers), content=request.raw
        ) as response:
            status = response.status_code
            pairs = [
                (name, value)
                for name, value in response.headers.multi_items()
                if name.lower() not in HOP_BY_HOP
            ]
            headers = {name.lower(): value for name, value in pairs}
            await sink.begin(status, pairs)
            async for chunk in response.aiter_raw():
                body += chunk[: KEPT_BYTES - len(body)]
                await sink.write(chunk)
        complete = True
    except Exception as error:  # whatever it is, the client must see a connection that broke
        failure = type(error).__name__  # never its text: it may name a proxy with its password
    finally:
        forward.settle(Outcome(status, headers, bytes(body), complete, failure))
    return complete
