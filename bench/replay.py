"""How long a call takes through the SDK: the course server, bare servers, the SDK alone.

All of them send the same bytes and are asked in turn, so that a busy machine slows all alike.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from time import perf_counter
from typing import Any

import anthropic

from bench import BenchError, peers
from bench.table import Row, Times
from courseserver import facts
from courseserver.loopback import Server
from courseserver.recordings import Recordings
from courseserver.replay import Replay
from courseserver.values import Reply, Request

KEY = "the-bench-needs-no-key"
DELTAS = 50  # text deltas in the stream
OTHERS = 20  # further exchanges in the recording: a lesson has many, and one must be found
WARM_UP = 30  # calls of each kind and peer that are not counted
CREATE_TARGET = 1.2  # ms over the SDK alone, at p50
COURSE, ALONE = "course server", "the SDK alone"
STDLIB, TORNADO = "bare http.server, tuned", "bare tornado"

Samples = Mapping[str, Sequence[float]]  # seconds of each call, by peer


def percentile(seconds: Sequence[float], rank: int) -> float:
    """The value below which `rank` percent of at least two samples lie."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[rank - 1]


def question(topic: str) -> dict[str, Any]:
    """A request's arguments."""
    words = f"Explain {topic} to somebody who opens a bakery."
    turn = {"role": "user", "content": words}
    return {"model": facts.MODEL, "max_tokens": 1_000, "messages": [turn]}


ASKED = question("opening hours")


def recording(text: str) -> Recordings:
    """A lesson's recordings: the measured request, plain and streamed, among others."""
    requests = [ASKED, ASKED | {"stream": True}, *(question(f"rule {n}") for n in range(OTHERS))]
    exchanges = [
        {"name": f"exchange {n}", "source": "authored", "request": request, "replies": [text]}
        for n, request in enumerate(requests)
    ]
    whole = {"lesson": "bench", "api_version": facts.API_VERSION, "exchanges": exchanges}
    return Recordings.parse(json.dumps(whole), "bench")


def answers(recorded: Recordings) -> dict[bool, Reply]:
    """What the course server answers to the measured request: plain, and streamed."""
    course = Replay()
    course.start(recorded)
    head = {"authorization": f"Bearer {KEY}", "anthropic-version": facts.API_VERSION}
    found = {}
    for stream in (False, True):
        body = ASKED | ({"stream": True} if stream else {})
        request = Request("POST", "/v1/messages", "", head, json.dumps(body).encode(), body)
        found[stream] = course.decide(request)
    return found


def text_deltas(reply: Reply) -> int:
    """How many pieces of text a streamed reply sends."""
    return sum(b'"text_delta"' in step.data for step in reply.steps)


def text_of_deltas(wanted: int) -> str:
    """A text that the course server cuts into exactly so many pieces."""
    words = ""
    for number in count(1):
        words += f"Rule {number}: open when the street wakes up, and say so on the door. "
        pieces = text_deltas(answers(recording(words))[True])
        if pieces >= wanted:
            break
    while pieces > wanted:
        words = words[:-1]
        pieces = text_deltas(answers(recording(words))[True])
    return words


@contextmanager
def clients(recorded: Recordings) -> Iterator[dict[str, anthropic.Anthropic]]:
    """A client for each peer, all of them served by this process, as in a kernel."""
    same = answers(recorded)
    with ExitStack() as stack:
        course = Server(Replay())
        stack.callback(course.stop)
        course.backend.start(recorded)
        urls = {
            COURSE: course.url,
            STDLIB: stack.enter_context(peers.standard_library(same)),
            TORNADO: stack.enter_context(peers.bare_tornado(same)),
        }
        found = {name: anthropic.Anthropic(base_url=url, api_key=KEY) for name, url in urls.items()}
        found[ALONE] = peers.sdk_alone(same, KEY)
        for client in found.values():
            stack.callback(client.close)
        yield found


def create(client: anthropic.Anthropic) -> str:
    """One plain call; gives the text."""
    message = client.messages.create(**ASKED)
    return "".join(block.text for block in message.content if block.type == "text")


def stream(client: anthropic.Anthropic) -> str:
    """One streamed call, every event read; gives the text."""
    pieces = []
    for event in client.messages.create(**ASKED, stream=True):
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            pieces.append(event.delta.text)
    return "".join(pieces)


def measure(
    call: Callable[[anthropic.Anthropic], str],
    found: Mapping[str, anthropic.Anthropic],
    rounds: int,
    text: str,
) -> Samples:
    """Ask every client in turn, `rounds` times after a warm-up; the first one asked changes."""
    samples: dict[str, list[float]] = {name: [] for name in found}
    names = list(found)
    for number in range(-min(WARM_UP, rounds), rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            begun = perf_counter()
            got = call(found[name])
            took = perf_counter() - begun
            if got != text:
                raise BenchError(f"{name} sent another text: {got[:200]!r}")
            if number >= 0:
                samples[name].append(took)
    return samples


def rows(creates: int, streams: int, repeats: int) -> list[Row]:
    """The table's lines about replay: so many plain and streamed calls to each peer, repeated.

    Needs `COURSE_PACE=0` in the environment. Raises BenchError when a reply has another text.
    """
    text = text_of_deltas(DELTAS)
    plain, streamed = [], []
    with clients(recording(text)) as found:
        for _ in range(repeats):
            plain.append(measure(create, found, creates, text))
            streamed.append(measure(stream, found, streams, text))
    return [
        *compare(f"create, {repeats} x {creates} calls", plain, CREATE_TARGET),
        *compare(f"stream of {DELTAS} deltas, {repeats} x {streams} calls", streamed),
    ]


def compare(what: str, repeats: Sequence[Samples], target: float | None = None) -> list[Row]:
    """The lines about one kind of call: p50 beside each peer, then p99 beside all of them."""

    def times(name: str, rank: int) -> Times:
        return Times.of([percentile(samples[name], rank) for samples in repeats])

    course, others = times(COURSE, 50), (ALONE, STDLIB, TORNADO)
    table = []
    for peer in others:
        beside = times(peer, 50)
        row = Row(f"{what}: p50", str(course), f"{peer} {beside}", course.times(beside))
        if peer == ALONE:
            over = course.median - beside.median
            row = replace(row, compared=f"{row.compared}, {course.over(beside)}")
            if target is not None:
                row = replace(row, target=f"at most {target} ms over", reached=over <= target / 1e3)
        table.append(row)
    slow = ", ".join(f"{peer} {times(peer, 99)}" for peer in others)
    return [*table, Row(f"{what}: p99", str(times(COURSE, 99)), slow)]
