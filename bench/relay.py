"""What the relay adds in live: the first event of a stream, asked directly and through the door.

The upstream is a course server in a process of its own; both ways are asked in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import anthropic

from bench.replay import ASKED, KEY, measure, percentile
from bench.table import Row, Times
from courseserver.door import Door
from courseserver.loopback import Server
from courseserver.relay import Relay

TEXT = "Open when the street wakes up, and say so on the door."
DIRECT, RELAYED = "asked directly", "through the relay"
TARGET_MS = 3.0  # added to the first byte of a stream, at p50


def first_event(client: anthropic.Anthropic) -> str:
    """The kind of a stream's first event; the rest is not waited for."""
    with client.messages.create(**ASKED, stream=True) as stream:
        return str(next(iter(stream)).type)


@contextmanager
def upstream() -> Iterator[str]:
    """The base URL of a course server in another process."""
    words = [sys.executable, "-m", "courseserver", "--replies", json.dumps([TEXT])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().removeprefix("ANTHROPIC_BASE_URL=")
        finally:
            process.terminate()


def rows(calls: int, repeats: int) -> list[Row]:
    """The table's lines about the relay. Needs `COURSE_PACE=0` in the environment."""
    repeated = []
    with ExitStack() as stack:
        url = stack.enter_context(upstream())
        door = Server(Door(key=KEY))
        stack.callback(door.stop)
        door.backend.account.budget.limit = 1_000.0
        door.backend.relay = Relay(door.backend.account, url, {"x-api-key": KEY})
        urls = {DIRECT: url, RELAYED: door.url}
        found = {
            name: anthropic.Anthropic(base_url=base, api_key=KEY) for name, base in urls.items()
        }
        for client in found.values():
            stack.callback(client.close)
        for _ in range(repeats):
            repeated.append(measure(first_event, found, calls, "message_start"))
    direct, relayed = (
        Times.of([percentile(samples[name], 50) for samples in repeated]) for name in urls
    )
    over = relayed.median - direct.median
    return [
        Row(
            f"first event of a stream, {repeats} x {calls} calls: p50",
            str(relayed),
            f"{DIRECT} {direct}, {relayed.over(direct)}",
            relayed.times(direct),
            f"at most {TARGET_MS} ms over",
            over <= TARGET_MS / 1e3,
        )
    ]
