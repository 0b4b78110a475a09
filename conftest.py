"""What holds for every test and every notebook that pytest runs: replay, no waiting, no network.

It stands in the root so that it also applies to `pytest --nbval notebooks`. Fixtures of the tests
stand in tests/. It must not know any lesson.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Generator
from types import CodeType
from typing import Any

import pytest

from authoring import ROOT
from authoring.environment import OFFLINE, PACE, clean_environment

STARTERS = {"kernel", "running", "talking", "run_notebook", "render_all", "run_lesson"}
PATIENCE = 600  # seconds; a time-out only ends a hang


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment that this process, its workers and every kernel inherit."""
    scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    config.add_cleanup(scratch.cleanup)
    clean = clean_environment(os.environ, scratch.name, (OFFLINE, ROOT))
    for name in set(os.environ) - set(clean):
        del os.environ[name]
    os.environ |= clean
    sys.path.insert(0, str(OFFLINE))
    try:
        importlib.import_module("offline").block()
    finally:
        sys.path.remove(str(OFFLINE))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts a kernel, and what stays with one worker: a file, if it names no groups.

    And let `-k tool_choice` find the id `tool-choice-1` as well.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.name))
        item.extra_keyword_matches.add(item.name.replace("-", "_"))
        if isinstance(item, pytest.Function):
            fixtures = item._fixtureinfo.name2fixturedefs.values()
            functions = [item.function, *(one.func for found in fixtures for one in found)]
            if any(map(starts_kernel, functions)):
                item.add_marker("kernel")


@functools.cache  # a function with many parameters is many items
def starts_kernel(function: Any) -> bool:
    """Whether a test or fixture names something that starts a kernel, itself or one helper on."""
    function = inspect.unwrap(function)
    names = names_in(function.__code__) if inspect.isfunction(function) else set()
    for name in list(names):
        helper = inspect.unwrap(function.__globals__.get(name, 0))
        if inspect.isfunction(helper) and helper.__module__ == function.__module__:
            names |= names_in(helper.__code__)
    return bool(names & STARTERS)


def names_in(code: CodeType) -> set[str]:
    """The names that code uses, inner functions included."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(names_in, inner))


def is_paced(item: pytest.Item) -> bool:
    """Whether a test is nbval's cell with the tag `paced`."""
    cell: Any = getattr(item, "cell", None)
    return cell is not None and "paced" in cell.get("metadata", {}).get("tags", [])


def set_pace(item: Any, pace: int) -> None:
    """Set COURSE_PACE inside the kernel that nbval uses for this item."""
    kernel = item.parent.kernel
    message = kernel.kc.execute(PACE.format(pace), silent=True, store_history=False)
    kernel.await_reply(message, timeout=PATIENCE)
    kernel.await_idle(message, PATIENCE)


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
