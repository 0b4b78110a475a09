"""A stand-in for an engine on this machine: speaks the Messages API as llama.cpp's server does.

That includes its habits: the model is a path, `usage` and blocks lack fields, a stop sequence
ends a turn, and errors have a form of their own. It is a real server on a port of its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from courseserver.loopback import Server
from courseserver.values import Reply, Request, Step
from tests.support import PATIENCE

JSON = dict[str, Any]
PATH = "/models/of/somebody/Tiny-135M.Q4.gguf"
NAME = "Tiny-135M.Q4"
WORDS = ("I ", "am ", "no ", "Claude.")


class Engine:
    """A backend that answers each question in the same way, which a test can replace.

    `asked` are the requests for messages, `seen` all paths that were asked for.
    """

    def __init__(self) -> None:
        self.models = [PATH]
        self.asked: list[Request] = []
        self.seen: list[str] = []
        self.answer: Callable[[JSON], Reply] = says

    def decide(self, request: Request) -> Reply:
        """The list of models, or an answer."""
        self.seen.append(request.path)
        if request.path == "/v1/models":
            return whole({"object": "list", "data": [{"id": name} for name in self.models]})
        self.asked.append(request)
        return self.answer(request.body)

    @property
    def told(self) -> JSON:
        """The body of the newest question."""
        body: JSON = self.asked[-1].body
        return body


@contextmanager
def running() -> Iterator[Server[Engine]]:
    """An engine that listens."""
    server = Server(Engine())
    try:
        yield server
    finally:
        server.stop()


def whole(value: Any, status: int = 200) -> Reply:
    """A reply of JSON."""
    step = Step(0.0, json.dumps(value).encode())
    return Reply(status, {"content-type": "application/json"}, (step,))


def events(*data: JSON | Step | threading.Event) -> Reply:
    """A reply of events as they are; a `Step` is a fault, at a `threading.Event` it waits."""

    class Steps:
        def __iter__(self) -> Iterator[Step]:
            for each in data:
                if isinstance(each, threading.Event):
                    assert each.wait(PATIENCE)
                elif isinstance(each, Step):
                    yield each
                else:
                    text = f"event: {each['type']}\ndata: {json.dumps(each)}\n\n"
                    yield Step(0.0, text.encode())

    return Reply(200, {"content-type": "text/event-stream"}, Steps(), streamed=True)


def message(*content: JSON, **more: Any) -> JSON:
    """A message as llama.cpp writes it."""
    plain = {"id": "chatcmpl-1", "type": "message", "role": "assistant", "content": content}
    usage = {"cache_read_input_tokens": 0, "input_tokens": 12, "output_tokens": 7}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    return {**plain, "model": PATH, **ended, "usage": usage, **more}


def says(body: JSON) -> Reply:
    """A plain text, streamed if it was asked for so."""
    if not body.get("stream"):
        return whole(message({"type": "text", "text": "".join(WORDS)}))
    return events(*begins(), *deltas(*WORDS), *ends())


def begins() -> list[JSON]:
    """How a stream begins."""
    usage = {"cache_read_input_tokens": 0, "input_tokens": 12, "output_tokens": 0}
    begun = message(usage=usage, stop_reason=None)
    block = {"type": "text", "text": ""}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": block},
    ]


def deltas(*words: str) -> list[JSON]:
    """Pieces of text."""
    plain: JSON = {"type": "content_block_delta", "index": 0}
    return [{**plain, "delta": {"type": "text_delta", "text": word}} for word in words]


def ends(**delta: Any) -> list[JSON]:
    """How a stream ends: with no count but that of the output."""
    why = {"stop_reason": "end_turn", "stop_sequence": None, **delta}
    return [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": why, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]
