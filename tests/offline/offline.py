"""Keeps tests on this machine: a connection or a name look-up off the loopback is refused.

An audit hook of Python itself: it sees every socket of the process whoever opened it, and cannot
be taken off again. `sitecustomize.py` beside it does the same in every child Python that inherits
PYTHONPATH, which kernels do. It does not reach programs that are not Python, children started
with `-I` or an environment of their own, and asyncio's ConnectEx on Windows.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}


class NetworkBlockedError(PermissionError):
    """A test tried to leave the machine. An OSError, so that code treats it like no network."""


def is_local(host: Any) -> bool:
    """Whether a host is this machine's loopback, a wildcard, or not an internet address at all."""
    if not isinstance(host, str | bytes):
        return host is None
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook. Raises NetworkBlockedError for a host that is not local."""
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        hosts = [address[0]] if isinstance(address, tuple) else []  # a string is a Unix socket
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        hosts = [arguments[0]]
    else:
        return
    for host in hosts:
        if not is_local(host):
            raise NetworkBlockedError(
                f"tests stay on this machine: {event} to {host!r} was refused"
            )


def block() -> None:
    """Refuse the network in this process from now on; a second call does nothing."""
    if not getattr(sys, "_course_offline", False):
        sys._course_offline = True  # type: ignore[attr-defined]
        sys.addaudithook(watch)
