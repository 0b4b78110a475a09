"""Runs a learner's code once: in a thread that can be ended, without waiting for sleep.

It knows what was returned, raised and printed, and how long the code wanted to sleep.
It must not know whether any of that is right.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import gc
import inspect
import io
import logging
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import anyio

LIMIT_SECONDS = 5.0  # a check takes far less than one
MAX_PRINTED = 20_000  # characters that are kept


class Stopped(BaseException):
    """Ends a learner's thread from outside; `except Exception` does not catch it."""


@dataclass
class Result:
    """What one run did. `stopped`: "", "endless" (too many requests) or "too-long".

    `alive`: the code swallows even `Stopped`, so its thread could not be ended.
    """

    value: Any = None
    raised: BaseException | None = None
    printed: str = ""
    slept: list[float] = field(default_factory=list)
    stopped: str = ""
    alive: bool = False
    complained: str = ""  # on stderr


class Printed(io.StringIO):
    """Takes what is printed, up to a limit; the rest is let go."""

    def write(self, text: str) -> int:
        """Keep `text` as far as there is room."""
        super().write(text[: max(0, MAX_PRINTED - self.tell())])
        return len(text)


def run_once(
    call: Callable[[], Any], names: dict[str, Any], overrun: threading.Event
) -> Result:
    """Call once, in the learner's namespace `names`; await the value if need be.

    The code is ended when `overrun` is set, or after `LIMIT_SECONDS` of real time.
    """
    result = Result()
    done = threading.Event()
    out, err = Printed(), Printed()
    context = contextvars.copy_context()

    awaited: list[Callable[[], Any]] = []  # of async code: what cancels it

    def whole() -> Any:
        value = call()
        if not inspect.isawaitable(value):
            return value
        return asyncio.run(_finish(value, awaited))

    def work() -> None:
        try:
            result.value = context.run(whole)
        except Stopped:
            pass
        except BaseException as raised:  # sys.exit() must not end the kernel
            result.raised = raised
        finally:
            done.set()

    thread = threading.Thread(target=work, name="practice-run", daemon=True)
    with (
        warnings.catch_warnings(),
        redirect_stdout(out),
        redirect_stderr(err),
        own_log_handlers(),
        clock(result.slept, names),
    ):
        warnings.simplefilter("ignore")
        thread.start()
        end = time.monotonic() + LIMIT_SECONDS
        try:
            while not done.wait(0.02):
                if overrun.is_set():
                    done.wait(0.2)  # most loops end at the server's refusal
                    break
                if time.monotonic() > end:
                    break
        finally:
            if done.is_set():
                thread.join()  # it has nothing left to do
            else:
                result.stopped = "too-long"
                for cancel in awaited:
                    cancel()
                    done.wait(0.5)
                result.alive = not _ends(thread)
            if awaited and not result.alive:
                _tidy(result)
    if overrun.is_set():
        result.stopped = "endless"
    result.printed = out.getvalue()
    result.complained = err.getvalue()
    return result


@contextmanager
def own_log_handlers() -> Iterator[None]:
    """Take away the handlers that a run adds to the root logger.

    `logging.error` makes one on the stderr of that moment, which is the run's.
    """
    before = list(logging.root.handlers)
    try:
        yield
    finally:
        for handler in set(logging.root.handlers) - set(before):
            logging.root.removeHandler(handler)


@contextmanager
def clock(slept: list[float], names: dict[str, Any]) -> Iterator[None]:
    """Let code sleep without waiting: each sleep is noted, and the clocks go on by it.

    Only threads that start inside see it. Functions that the learner imported by name
    (`from time import sleep`) are exchanged in their namespace too.
    """
    others = {thread.ident for thread in threading.enumerate()}
    real_sleep = time.sleep
    real_async = asyncio.sleep
    real_anyio = anyio.sleep

    def away() -> bool:
        return threading.get_ident() in others

    def sleep(seconds: float, /) -> None:
        if away() or seconds < 0:
            return real_sleep(seconds)
        slept.append(float(seconds))

    async def sleep_async(delay: float, result: Any = None) -> Any:
        if not away() and delay > 0:
            slept.append(float(delay))
            delay = 0
        return await real_async(delay, result)

    async def sleep_anyio(delay: float) -> None:
        await (real_anyio(delay) if away() else sleep_async(delay))

    def shifted(real: Callable[[], float]) -> Callable[[], float]:
        return lambda: real() + (0.0 if away() else sum(slept))

    of_time: dict[str, Any] = {"sleep": sleep}
    for name in ("time", "monotonic", "perf_counter"):
        of_time[name] = shifted(getattr(time, name))
    of_asyncio: dict[str, Any] = {"sleep": sleep_async}
    of_anyio: dict[str, Any] = {"sleep": sleep_anyio}  # the SDK's between retries
    known = {}  # by identity: what stands for a function of a module
    for module, fakes in ((time, of_time), (asyncio, of_asyncio)):
        for name, fake in fakes.items():
            known[id(vars(module)[name])] = fake
    theirs = {}
    for name, value in names.items():
        if id(value) in known:
            theirs[name] = known[id(value)]
    with (
        patched(vars(time), of_time),
        patched(vars(asyncio), of_asyncio),
        patched(vars(anyio), of_anyio),
        patched(names, theirs),
    ):
        yield


@contextmanager
def patched(names: Any, new: Mapping[str, Any]) -> Iterator[None]:
    """Put other values into a namespace or the environment; give the old ones back."""
    old = {name: names[name] for name in new if name in names}
    names.update(new)
    try:
        yield
    finally:
        for name in new:
            if name in old:
                names[name] = old[name]
            else:
                names.pop(name, None)


async def _finish(value: Awaitable[Any], awaited: list[Callable[[], Any]]) -> Any:
    """Await the value; `awaited` gets what cancels it from another thread."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(value)
    awaited.append(lambda: loop.call_soon_threadsafe(task.cancel))
    # What is left over when the loop ends is judged by the rules, and not logged.
    loop.set_exception_handler(lambda loop, context: None)
    return await task


def _tidy(result: Result) -> None:
    """Drop coroutines that never ran, or Python complains of them at a later time."""
    value = result.value
    for entry in value if isinstance(value, list | tuple) else [value]:
        if inspect.iscoroutine(entry):
            entry.close()
    if result.raised is not None:
        traceback.clear_frames(result.raised.__traceback__)
        gc.collect(1)  # what just ran is young


def _ends(thread: threading.Thread) -> bool:
    """Raise `Stopped` in a thread, for half a second at most; whether it has ended."""
    with _hushed():
        for _ in range(25):
            if thread.is_alive():
                ident = ctypes.c_ulong(thread.ident or 0)
                stop = ctypes.py_object(Stopped)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, stop)
                thread.join(0.02)
    return not thread.is_alive()


@contextmanager
def _hushed() -> Iterator[None]:
    """Say nothing of a `Stopped` that hits where Python can only report and go on."""
    usual = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, Stopped):
            usual(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = usual
