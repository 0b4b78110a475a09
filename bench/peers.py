"""The peers that replay is measured against: they send the course server's own bytes.

One without a network (the SDK alone), two bare loopback servers in a thread, as the course
server is. They know no rule and no recording: what they answer is handed to them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import httpx2
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.netutil import bind_sockets

from courseserver.values import Reply

Answers = Mapping[bool, Reply]  # by whether the request asks for a stream


def asks_for_stream(raw: bytes) -> bool:
    """Whether a request body, as the SDK writes it, asks for a stream."""
    return b'"stream":true' in raw


def sdk_alone(answers: Answers, key: str) -> anthropic.Anthropic:
    """A client whose transport answers in the process, without a socket."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        reply = answers[asks_for_stream(request.read())]
        parts = [step.data for step in reply.steps]
        body = iter(parts) if reply.streamed else b"".join(parts)
        return httpx2.Response(reply.status, headers=dict(reply.headers), content=body)

    http = anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key=key, http_client=http)


@contextmanager
def standard_library(answers: Answers) -> Iterator[str]:
    """A bare `http.server` with buffered writes and Nagle's delay off; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # unbuffered small writes cost 44 ms a request
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            reply = answers[asks_for_stream(raw)]
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if not reply.streamed:
                body = b"".join(step.data for step in reply.steps)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for step in reply.steps:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(step.data), step.data))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True  # a client that keeps its connection must not hold up the end
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def bare_tornado(answers: Answers) -> Iterator[str]:
    """A bare tornado handler, what the course server is built on; gives its URL."""
    loop = asyncio.SelectorEventLoop()
    [socket] = bind_sockets(0, "127.0.0.1")
    ready = threading.Event()

    async def send(http: HTTPServerRequest) -> None:
        reply = answers[asks_for_stream(http.body)]
        connection = http.connection
        assert connection is not None
        head = HTTPHeaders(dict(reply.headers))
        if not reply.streamed:
            head["content-length"] = str(sum(len(step.data) for step in reply.steps))
        start = ResponseStartLine("HTTP/1.1", reply.status, "")
        first, *rest = reply.steps
        await connection.write_headers(start, head, first.data)
        for step in rest:
            await connection.write(step.data)
        connection.finish()

    def handle(http: HTTPServerRequest) -> None:
        loop.create_task(send(http))

    async def listen() -> HTTPServer:
        server = HTTPServer(handle)
        server.add_socket(socket)
        ready.set()
        return server

    async def close(server: HTTPServer) -> None:
        server.stop()
        await server.close_all_connections()

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(listen())
        loop.run_forever()
        loop.run_until_complete(close(server))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
