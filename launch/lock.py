"""Lets one start at a time change .venv: a second one waits until the first has ended.

The system frees the lock when a program ends, however it ends. It must not know what is
installed.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import IO

from launch.places import STATE, WINDOWS, say

LOCK_FILE = STATE / "install.lock"


def take(file: IO[str]) -> None:
    """Take the lock. Raises BlockingIOError or PermissionError while another has it."""
    if WINDOWS:
        import msvcrt

        lock: Callable[..., None] = msvcrt.locking  # type: ignore[attr-defined,unused-ignore]
        lock(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Run the body while no other start does; wait for one, and say so."""
    LOCK_FILE.parent.mkdir(parents=True, exist_ok=True)
    with LOCK_FILE.open("a", encoding="utf-8") as file:
        waited = False
        while True:
            try:
                take(file)
                break
            except (BlockingIOError, PermissionError):
                if not waited:
                    say("Another start is making .venv; this one waits for it ...")
                waited = True
                time.sleep(0.2)
            except OSError:
                break  # a file system that knows no locks: go on without
        yield
