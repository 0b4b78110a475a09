"""What comparing costs: the nbval gate against executing the same cells with jupyter_client alone.

Each is a program of its own, in the environment of the gates; they take turns, so that a busy
machine slows all alike.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from authoring import ROOT
from authoring.environment import OFFLINE, clean_environment
from authoring.gates import TWO_WORKERS, gates
from bench import BenchError
from bench.table import Row, Times

SERIAL_TARGET = 1.15  # times the bare run
WORKERS_TARGET = 0.65  # times the serial run
PROGRAMS = ("bare", "serial", "two workers")


def commands(notebooks: Sequence[str]) -> dict[str, list[str]]:
    """The three programs: bare, nbval one notebook after the other, nbval with two workers."""
    [gate] = [gate for gate in gates() if gate.name == "nbval"]
    options = gate.command[: gate.command.index(TWO_WORKERS[0])]
    python = [sys.executable]
    bare = [*python, "-m", "bench.kernels", *notebooks]
    serial = [*python, *options, *notebooks]
    workers = [*python, *options, *TWO_WORKERS, *notebooks]
    return dict(zip(PROGRAMS, (bare, serial, workers), strict=True))


def environment(scratch: str) -> dict[str, str]:
    """What all three run in: the gates' own, and kernels kept off the network as nbval's are."""
    path = os.pathsep.join([str(OFFLINE), str(ROOT)])
    return clean_environment(os.environ, scratch) | {"PYTHONPATH": path}


def cells_of(printed: str) -> int:
    """How many cells a run says it executed. Raises BenchError when it does not say."""
    found = re.search(r"(\d+) (?:cells|passed)", printed)
    if not found:
        raise BenchError(f"A run did not say how many cells it executed:\n{printed[-2_000:]}")
    return int(found[1])


class Run(NamedTuple):
    """One run: seconds on the clock, seconds of processor time (0 on Windows), cells executed."""

    clock: float
    processor: float
    cells: int


def timed(command: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Run a program to its end and measure it. Raises BenchError when it fails."""
    begun, before = perf_counter(), os.times()
    done = subprocess.run(
        command, cwd=ROOT, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    clock, after = perf_counter() - begun, os.times()
    if done.returncode:
        raise BenchError(f"{' '.join(command[1:6])} ... failed:\n{done.stdout[-2_000:]}")
    user = after.children_user - before.children_user
    system = after.children_system - before.children_system
    return Run(clock, user + system, cells_of(done.stdout))


def rows(rounds: int, notebooks: Sequence[Path] = ()) -> list[Row]:
    """The table's lines about the suite, from so many rounds over the notebooks (or all)."""
    paths = notebooks or sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    programs = commands([str(path) for path in paths])
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        environ = environment(scratch)
        cells = timed(programs["bare"], environ).cells  # compiles bytecode, fills the disk cache
        for _ in range(rounds):
            for name, command in programs.items():
                run = timed(command, environ)
                if run.cells != cells:
                    raise BenchError(f"{name} ran {run.cells} cells, the first run {cells}.")
                runs[name].append(run)
    return table(f"{len(paths)} notebooks, {cells} cells, {rounds} x", runs)


def table(what: str, runs: Mapping[str, Sequence[Run]]) -> list[Row]:
    """The lines of the table: by the clock with their targets, then by processor time.

    Processor time leaves out what other programs took, so it is the steadier number.
    """
    bare, serial, workers = (Times.of([run.clock for run in runs[name]]) for name in PROGRAMS)
    found = [
        Row(
            f"nbval, serial: {what}",
            str(serial),
            f"jupyter_client alone {bare}",
            serial.times(bare),
            f"at most {SERIAL_TARGET}x",
            serial.median <= SERIAL_TARGET * bare.median,
        ),
        Row(
            f"nbval, two workers: {what}",
            str(workers),
            f"nbval, serial {serial}",
            workers.times(serial),
            f"at most {WORKERS_TARGET}x",
            workers.median <= WORKERS_TARGET * serial.median,
        ),
    ]
    bare, serial, workers = (Times.of([run.processor for run in runs[name]]) for name in PROGRAMS)
    if bare.best > 0:
        found += [
            Row("the same, serial: processor time", str(serial), str(bare), serial.times(bare)),
            Row("the same, two workers: processor time", str(workers), str(serial),
                workers.times(serial)),
        ]  # fmt: skip
    return found
