"""Adapter: the course server without sockets or threads, for a browser and for quick checks.

It has the shape of `loopback.Server`. Clients are made as always: requests of httpx2, with which
the SDK sends, that are meant for one of these servers never reach a network.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, TypeVar

import httpx2

from courseserver.pace import pace
from courseserver.traffic import Traffic
from courseserver.values import Backend, Forward, Outcome, Problem, Reply, Step, received
from courseserver.wire import error, our_fault

HOST = "course.local"  # no such machine: each server has a port of its own there
AnyBackend = TypeVar("AnyBackend", bound=Backend)

_numbers = itertools.count(8_001)
_servers: dict[int, Server[Any]] = {}


class Server(Generic[AnyBackend]):
    """A course server in this process. `url` is its base URL; `backend` decides its answers."""

    def __init__(self, backend: AnyBackend) -> None:
        self.backend = backend
        self.traffic = Traffic()
        self._port = next(_numbers)
        self.url = f"http://{HOST}:{self._port}"
        _servers[self._port] = self
        _install()

    def stop(self) -> None:
        """Be there no longer: a request to `url` fails as one to any unknown machine."""
        _servers.pop(self._port, None)

    def watch(self) -> Traffic:
        """Begin a new count of the replies on their way; the one before counts no further."""
        self.traffic = Traffic()
        return self.traffic

    def answer(self, sent: httpx2.Request, raw: bytes) -> Reply:
        """The reply to one request of httpx2, whose body is `raw`."""
        headers = {name.lower(): value for name, value in sent.headers.items()}
        query = sent.url.query.decode("ascii", "replace")
        path = sent.url.raw_path.decode("ascii", "replace").partition("?")[0]
        request = received(sent.method, path, query, headers, raw)
        try:
            decided = self.backend.decide(request)
        except Exception as bug:
            return our_fault(bug)
        if isinstance(decided, Forward):
            decided.settle(Outcome(failure="ConnectError"))  # nothing is sent, nothing is paid
            what = "Only recorded and staged replies are possible here: this kernel has no way to "
            what += "the network, or to another program."
            return error(Problem(501, "course_no_network", what), "none", request.path)
        return decided


class _Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The steps of a reply, at the course's pace; a stall ends at once as a time-out."""

    def __init__(self, reply: Reply, sent: httpx2.Request, traffic: Traffic) -> None:
        self.reply = reply
        self.sent = sent
        self.traffic = traffic
        self.ended = False  # sent whole, or broken off by a fault
        self.closed = False
        traffic.begin()

    def close(self) -> None:
        """The client left, or is done: what is read later is refused, as by a closed connection."""
        if not self.closed:
            self.traffic.end(left=not self.ended)
        self.closed = True

    async def aclose(self) -> None:
        """The same for `await`."""
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        for step in self.reply.steps:
            if step.delay:
                time.sleep(step.delay * pace())
            yield self._data(step)
        self.ended = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self.reply.steps:
            if step.delay:
                await asyncio.sleep(step.delay * pace())
            yield self._data(step)
        self.ended = True

    def _data(self, step: Step) -> bytes:
        if self.closed:
            raise httpx2.StreamClosed
        self.ended = bool(step.fault)
        if step.fault == "cut":
            words = "peer closed connection without sending complete message body"
            raise httpx2.RemoteProtocolError(
                f"{words} (incomplete chunked read)", request=self.sent
            )
        if step.fault == "stall":
            raise httpx2.ReadTimeout("timed out", request=self.sent)
        return step.data


def _response(server: Server[Any], sent: httpx2.Request, raw: bytes) -> httpx2.Response:
    reply = server.answer(sent, raw)
    headers = {**reply.headers, "server": "course-server"}
    if reply.status == 200 and "retry-after" in headers:
        headers["retry-after"] = str(round(int(headers["retry-after"]) * pace()))
    if not reply.streamed:
        headers["content-length"] = str(sum(len(step.data) for step in reply.steps))
    if sent.method == "HEAD":
        return httpx2.Response(reply.status, headers=headers)
    body = _Body(reply, sent, server.traffic)
    return httpx2.Response(reply.status, headers=headers, stream=body)


def _server_for(sent: httpx2.Request) -> Server[Any] | None:
    return _servers.get(sent.url.port or 0) if sent.url.host == HOST else None


def _install() -> None:
    """Once: let the transports of httpx2 ask for our servers first."""
    if getattr(httpx2.HTTPTransport, "_asks_course_servers", False):
        return
    send, send_async = (
        httpx2.HTTPTransport.handle_request,
        httpx2.AsyncHTTPTransport.handle_async_request,
    )

    def handle_request(transport: Any, request: httpx2.Request) -> httpx2.Response:
        server = _server_for(request)
        if server is None:
            return send(transport, request)
        return _response(server, request, request.read())

    async def handle_async_request(transport: Any, request: httpx2.Request) -> httpx2.Response:
        server = _server_for(request)
        if server is None:
            return await send_async(transport, request)
        return _response(server, request, await request.aread())

    changes: list[tuple[Any, str, Any]] = [
        (httpx2.HTTPTransport, "handle_request", handle_request),
        (httpx2.AsyncHTTPTransport, "handle_async_request", handle_async_request),
        (httpx2.HTTPTransport, "_asks_course_servers", True),
    ]
    for transport, name, value in changes:
        setattr(transport, name, value)
