"""Adapter: the course server on a loopback port, tornado in a thread, one per kernel.

It has the sockets, the thread and the clock. All decisions are made by a backend.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx2
from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets

from courseserver import wire
from courseserver.pace import pace
from courseserver.traffic import Traffic
from courseserver.upstream import carry, new_client
from courseserver.values import Backend, Forward, Outcome, Reply, received

STALL_SECONDS = 900.0  # longer than the SDK's own time-out of 600 s
# Above the API's own 32 MB, so that a request too large gets its 413.
MOST_BYTES = 128 * 1024 * 1024

AnyBackend = TypeVar("AnyBackend", bound=Backend)


class Server(Generic[AnyBackend]):
    """A running course server. `url` is its base URL; `backend` decides what it answers.

    Port 0 is any free one. With `tls` it speaks https.
    """

    def __init__(
        self,
        backend: AnyBackend,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.backend = backend
        self.traffic = Traffic()
        self._tls = tls
        self._upstream: httpx2.AsyncClient | None = None
        self._ready = threading.Event()
        self._replies: set[asyncio.Task[bool]] = set()  # asyncio itself holds tasks only weakly
        self._loop = asyncio.SelectorEventLoop()  # tornado needs it on Windows
        [self._socket] = bind_sockets(port, host)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{host}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, name="course-server", daemon=True)
        self._thread.start()
        self._ready.wait()

    def watch(self) -> Traffic:
        """Begin a new count of the replies on their way; the one before counts no further."""
        self.traffic = Traffic()
        return self.traffic

    def stop(self) -> None:
        """End the server and its thread; replies that are still on their way are broken off."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> HTTPServer:
            server = HTTPServer(
                _Door(self._handle), max_buffer_size=MOST_BYTES, ssl_options=self._tls
            )
            server.add_socket(self._socket)
            return server

        async def close() -> None:
            server.stop()
            for task in self._replies:
                task.cancel()
            await asyncio.gather(*self._replies, return_exceptions=True)
            if self._upstream is not None:
                await self._upstream.aclose()
            await server.close_all_connections()

        server = self._loop.run_until_complete(listen())
        self._loop.call_soon(self._ready.set)  # not before: a stop() until then would be lost
        self._loop.run_forever()
        self._loop.run_until_complete(close())
        self._loop.close()

    def _handle(self, incoming: _Incoming) -> None:
        start, connection = incoming.start, incoming.connection
        names: dict[str, str] = {}
        for name, value in incoming.headers.get_all():
            key = name.lower()
            names[key] = f"{names[key]}, {value}" if key in names else value
        path, _, query = start.path.partition("?")
        request = received(start.method, path, query, names, b"".join(incoming.chunks))
        assert isinstance(connection, HTTP1Connection)
        try:
            decided = self.backend.decide(request)
        except Exception as bug:
            logging.getLogger(__name__).debug("the course server failed", exc_info=True)
            decided = wire.our_fault(bug)
        if isinstance(decided, Forward):
            task = self._start(self._forward(connection, decided))
        else:
            head_only = request.method == "HEAD"
            task = self._start(_send(connection, decided, head_only=head_only))
        traffic = self.traffic
        traffic.begin()
        task.add_done_callback(lambda done: traffic.end(left=_left(done)))
        # The client left: so does its question, and nothing more is sent.
        connection.set_close_callback(lambda: _cancel(task))

    def _start(self, work: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        task = self._loop.create_task(work)
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)
        return task

    async def _forward(self, connection: HTTP1Connection, forward: Forward) -> bool:
        """Ask upstream; break the connection off where upstream broke off.

        Returns whether the client stayed until then.
        """
        complete = False
        stayed = True
        try:
            if self._upstream is None:
                self._upstream = new_client()
            complete = await carry(forward, self._upstream, _Sink(connection))
        except StreamClosedError:
            stayed = False
        except (ImportError, ValueError) as error:  # a proxy that httpx2 cannot use
            forward.settle(Outcome(failure=type(error).__name__))
        finally:
            if complete:
                connection.finish()
            else:
                connection.stream.close()
        return stayed


def _cancel(task: asyncio.Task[bool]) -> None:
    task.cancel()


def _left(done: asyncio.Task[bool]) -> bool:
    """Whether the client left before its reply had ended."""
    return done.cancelled() or (done.exception() is None and not done.result())


class _Incoming(HTTPMessageDelegate):
    """One request while it arrives. Unlike tornado's own it leaves forms in bodies alone."""

    def __init__(self, connection: HTTPConnection, handle: Callable[[_Incoming], None]) -> None:
        self.connection = connection
        self.chunks: list[bytes] = []
        self._handle = handle

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """Keep the head of the request."""
        assert isinstance(start_line, RequestStartLine)
        self.start = start_line
        self.headers = headers

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body."""
        self.chunks.append(chunk)

    def finish(self) -> None:
        """The request is whole."""
        self._handle(self)

    def on_connection_close(self) -> None:
        """The client left in the middle of its request."""
        self.chunks.clear()


class _Door(HTTPServerConnectionDelegate):
    """Takes each request of each connection to one function."""

    def __init__(self, handle: Callable[[_Incoming], None]) -> None:
        self._handle = handle

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """A request begins."""
        return _Incoming(request_conn, self._handle)


@dataclass
class _Sink:
    """A relayed reply goes out on this connection as it comes."""

    connection: HTTP1Connection

    async def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        head = HTTPHeaders()
        for name, value in headers:
            head.add(name, value)
        start = ResponseStartLine("HTTP/1.1", status, "")
        await self.connection.write_headers(start, head)

    async def write(self, chunk: bytes) -> None:
        await self.connection.write(chunk)


async def _send(connection: HTTP1Connection, reply: Reply, *, head_only: bool) -> bool:
    """Send a reply step by step, at the course's pace; to a HEAD its head alone.

    Returns whether the client stayed until its end.
    """
    head = HTTPHeaders(dict(reply.headers))
    head["server"] = "course-server"
    if reply.status == 200 and "retry-after" in head:  # a batch that runs: look again then
        head["retry-after"] = str(round(int(head["retry-after"]) * pace()))
    if not reply.streamed:
        head["content-length"] = str(sum(len(step.data) for step in reply.steps))
    start = ResponseStartLine("HTTP/1.1", reply.status, "")
    started = False
    try:
        if head_only:
            await connection.write_headers(start, head)
            connection.finish()
            return True
        for step in reply.steps:
            delay = step.delay * pace()
            if delay:
                await asyncio.sleep(delay)
            if step.fault == "stall":
                await asyncio.sleep(STALL_SECONDS)
            if step.fault:
                connection.stream.close()
                return True
            if started:
                await connection.write(step.data)
                continue
            await connection.write_headers(start, head, step.data)
            started = True
        connection.finish()
        return True
    except StreamClosedError:
        return False  # the client left: stopped early, timed out, or the kernel ended
    except BaseException:
        connection.stream.close()  # or the client waits for ever
        raise
