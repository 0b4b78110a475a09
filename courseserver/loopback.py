"""The course server on a loopback port: tornado in a thread, one per kernel.

The only file of this room with sockets, threads and a clock. All decisions are made in `core.py`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets

from courseserver import wire
from courseserver.core import Course, parse_body
from courseserver.values import Problem, Reply, Request

STALL_SECONDS = 900.0  # longer than the SDK's own time-out of 600 s


class Server:
    """A running course server. `url` is its base URL; `course` is what it answers from."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self._ready = threading.Event()
        self._replies: set[asyncio.Task[None]] = set()  # asyncio itself holds tasks only weakly
        self._loop = asyncio.SelectorEventLoop()  # tornado needs it on Windows
        [self._socket] = bind_sockets(0, "127.0.0.1")
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, name="course-server", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End the server and its thread; replies that are still on their way are broken off."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> HTTPServer:
            # 128 MiB: above the API's own 32 MB, so that a request too large gets its 413.
            server = HTTPServer(self._handle, max_buffer_size=128 * 1024 * 1024)
            server.add_socket(self._socket)
            return server

        async def close() -> None:
            server.stop()
            for task in self._replies:
                task.cancel()
            await server.close_all_connections()

        server = self._loop.run_until_complete(listen())
        self._loop.call_soon(self._ready.set)  # not before: a stop() until then would be lost
        self._loop.run_forever()
        self._loop.run_until_complete(close())
        self._loop.close()

    def _handle(self, http: HTTPServerRequest) -> None:
        names = {name.lower(): value for name, value in http.headers.get_all()}
        request = Request(
            http.method or "", http.path, http.query, names, http.body, parse_body(http.body)
        )
        try:
            reply = self.course.answer(request)
        except Exception as bug:
            logging.getLogger(__name__).debug("the course server failed", exc_info=True)
            reply = _our_fault(bug)
        task = self._loop.create_task(self._send(http, reply))
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)

    async def _send(self, http: HTTPServerRequest, reply: Reply) -> None:
        connection = http.connection
        assert connection is not None
        head = HTTPHeaders(dict(reply.headers))
        head["server"] = "course-server"
        if reply.status == 200 and "retry-after" in head:  # a batch that runs: look again then
            head["retry-after"] = str(round(int(head["retry-after"]) * pace()))
        if not reply.streamed:
            head["content-length"] = str(sum(len(step.data) for step in reply.steps))
        try:
            started = False
            for step in reply.steps:
                delay = step.delay * pace()
                if delay:
                    await asyncio.sleep(delay)
                if step.fault == "stall":
                    await asyncio.sleep(STALL_SECONDS)
                if step.fault == "cut" or step.fault == "stall":
                    connection.stream.close()  # type: ignore[attr-defined]
                    return
                if not started:
                    start = ResponseStartLine("HTTP/1.1", reply.status, "")
                    await connection.write_headers(start, head, step.data)
                    started = True
                else:
                    await connection.write(step.data)
            connection.finish()
        except StreamClosedError:
            pass  # the client left: stopped early, timed out, or the kernel ended
        except BaseException:
            connection.stream.close()  # type: ignore[attr-defined]  # or the client waits for ever
            raise


def _our_fault(bug: Exception) -> Reply:
    """A bug of the course server must look like one, not like a broken connection."""
    what = f"The course server failed on this request ({type(bug).__name__}); it is not your code. "
    what += "Please report it, with the lesson and the cell."
    extra = {"x-should-retry": "false"}
    return wire.error(Problem(500, "course_bug", what), "none", "bug", extra=extra)


def pace() -> float:
    """How fast replies come: 1 is the course's human pace, 0 is at once (`COURSE_PACE`)."""
    try:
        return max(0.0, float(os.environ.get("COURSE_PACE") or 1))
    except ValueError:
        return 1.0
