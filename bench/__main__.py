"""`python -m bench [--quick] [SECTION ...]`: one table of what is fast and how fast.

It measures nothing itself. Missed targets are shown, never an error: a busy machine is no bug.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from authoring import ROOT
from authoring.environment import clean_environment
from bench import BenchError, table

SECTIONS = ("replay", "relay", "setup", "suite")


def section(name: str, quick: bool, notebooks: Sequence[Path]) -> Callable[[], list[table.Row]]:
    """The measurement of one section; its modules are imported for it alone."""
    if name == "replay":
        from bench import replay

        return lambda: replay.rows(*((100, 40, 1) if quick else (600, 200, 5)))
    if name == "relay":
        from bench import relay

        return lambda: relay.rows(*((60, 1) if quick else (300, 5)))
    if name == "setup":
        from bench import startup

        return lambda: startup.rows(3 if quick else 15)
    from bench import suite

    return lambda: suite.rows(1 if quick else 3, notebooks)


def main(arguments: Sequence[str]) -> None:
    """Measure the sections that are named, or all, and print the table."""
    top = argparse.ArgumentParser(prog="python -m bench", description="What is fast and how fast.")
    top.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    top.add_argument("--quick", action="store_true", help="few calls and rounds: a first look")
    top.add_argument(
        "--notebook", action="append", type=Path, default=[], metavar="FILE",
        help="the suite over this notebook only (may be given several times)",
    )  # fmt: skip
    options = top.parse_args(arguments)
    if unknown := sorted({*options.sections} - {*SECTIONS}):
        top.error(f"no section {', '.join(unknown)}; there is: {', '.join(SECTIONS)}")
    notebooks = [path.resolve() for path in options.notebook]
    found: list[table.Row] = []
    before = table.load()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        clean = clean_environment(os.environ, scratch) | {"PYTHONPATH": str(ROOT)}
        os.environ.clear()
        os.environ.update(clean)
        for name in options.sections or SECTIONS:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            try:
                found += section(name, options.quick, notebooks)()
            except BenchError as problem:
                sys.exit(f"{name} cannot be measured: {problem}")
    print(table.markdown(found))
    print("\nMedians, and minima in brackets; all of a section in turn in one run.")
    print(f"{table.machine()}. Load average {before} before, {table.load()} after.")


if __name__ == "__main__":
    main(sys.argv[1:])
