"""What `setup()` costs in a fresh kernel that has imported `anthropic`, as lessons do.

Beside it what a learner waits for as well: the import of the helpers, and the first request, for
which the course server makes its tables.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from authoring import ROOT
from authoring.kernel import talking
from bench.kernels import run
from bench.table import Row, Times

TARGET = 60  # ms for setup(), at the median
LESSON = "01_first_call"
CODE = f"""
import anthropic
import http.client, json, os, pathlib, urllib.parse
from time import perf_counter
begun = perf_counter()
from helpers import MODEL, cost, ledger, setup, show, staged
imported = perf_counter()
setup({LESSON!r})
ready = perf_counter()
recording = json.loads(pathlib.Path("recordings/{LESSON}.json").read_text(encoding="utf-8"))
where = urllib.parse.urlsplit(os.environ["ANTHROPIC_BASE_URL"])
raw = json.dumps(recording["exchanges"][0]["request"])
head = {{
    "authorization": "Bearer " + os.environ["ANTHROPIC_API_KEY"],
    "anthropic-version": recording["api_version"],
}}
connection = http.client.HTTPConnection(where.hostname, where.port)
times = [imported - begun, ready - imported]
for turn in range(2):
    begun = perf_counter()
    connection.request("POST", "/v1/messages", raw, head)
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 200, reply.status
    times.append(perf_counter() - begun)
print()
print(json.dumps(times))
"""


@dataclass(frozen=True)
class Start:
    """Seconds of one start: import of the helpers, setup(), first and second request."""

    helpers: float
    setup: float
    first: float
    second: float


def start() -> Start:
    """Measure one start in a fresh kernel."""
    with talking(ROOT, os.environ) as client:
        return Start(*json.loads(run(client, CODE).splitlines()[-1]))


def rows(times: int) -> list[Row]:
    """The table's lines about the start, from so many fresh kernels."""
    start()  # compiles bytecode, fills the disk cache
    starts = [start() for _ in range(times)]

    setup = Times.of([each.setup for each in starts])
    helpers = Times.of([each.helpers for each in starts])
    first = Times.of([each.first for each in starts])
    second = Times.of([each.second for each in starts])
    return [
        Row(
            f"`setup()` after `import anthropic`, {times} fresh kernels",
            str(setup),
            target=f"at most {TARGET} ms",
            reached=1_000 * setup.median <= TARGET,
        ),
        Row("`from helpers import ...` before it", str(helpers)),
        Row("first request to the course server, without the SDK", str(first), f"second {second}"),
    ]
