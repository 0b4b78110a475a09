"""What holds for every test and every notebook that pytest runs: replay, no waiting, no network.

It stands in the root so that it also applies to `pytest --nbval notebooks`. Fixtures of the tests
stand in tests/. It must not know any lesson.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent
OFFLINE = ROOT / "tests" / "offline"
# Binds no name in the learner's namespace and displays nothing.
PACE = "__import__('os').environ['COURSE_PACE'] = '{}'"


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment that this process, its workers and every kernel inherit."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "COURSE_")):
            del os.environ[name]
    state = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # not the ticks of .course
    config.add_cleanup(state.cleanup)
    os.environ |= {"COURSE_MODE": "replay", "COURSE_PACE": "0", "COURSE_STATE": state.name}
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    wanted = [str(OFFLINE), str(ROOT)]
    os.environ["PYTHONPATH"] = os.pathsep.join(
        wanted + [part for part in before if part and part not in wanted]
    )
    sys.path.insert(0, str(OFFLINE))
    try:
        importlib.import_module("offline").block()
    finally:
        sys.path.remove(str(OFFLINE))


def is_paced(item: pytest.Item) -> bool:
    """Whether a test is nbval's cell with the tag `paced`."""
    cell: Any = getattr(item, "cell", None)
    return cell is not None and "paced" in cell.get("metadata", {}).get("tags", [])


def set_pace(item: Any, pace: int) -> None:
    """Set COURSE_PACE inside the kernel that nbval uses for this item."""
    kernel = item.parent.kernel
    message = kernel.kc.execute(PACE.format(pace), silent=True, store_history=False)
    kernel.await_reply(message, timeout=10)
    kernel.await_idle(message, 10)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Give a paced cell its real pacing, and the cells after it none."""
    if not is_paced(item):
        return (yield)
    set_pace(item, 1)
    try:
        return (yield)
    finally:
        if item.parent.kernel.is_alive():  # type: ignore[union-attr]
            set_pace(item, 0)


@pytest.fixture
def covers(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """A test says what it covered; the lines stand together at the end of the run."""

    def say(line: str) -> None:
        record_property("covered", line)

    return say


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the gates covered, also when workers ran them."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    lines = [
        value for report in reports for key, value in report.user_properties if key == "covered"
    ]
    if lines:
        terminalreporter.section("covered")
        for line in sorted(lines):
            terminalreporter.write_line(line)
