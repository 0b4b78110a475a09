"""The tests' promise that nothing leaves this machine, shown in this process and in a kernel."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from authoring.kernel import running

# A documentation address (RFC 5737): nobody answers there, blocked or not.
OUTSIDE = ("192.0.2.1", 80)
TRY = f"""
import socket
socket.create_connection({OUTSIDE!r}, timeout=0.2)
"""


def test_a_connection_off_the_loopback_is_refused_here() -> None:
    with pytest.raises(PermissionError, match="stay on this machine"):
        socket.create_connection(OUTSIDE, timeout=0.2)


def test_a_name_is_not_looked_up_here() -> None:
    with pytest.raises(PermissionError, match="getaddrinfo"):
        socket.getaddrinfo("example.com", 443)


def test_a_datagram_is_refused_here() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(PermissionError, match="sendto"),
    ):
        sender.sendto(b"x", OUTSIDE)


def test_the_loopback_stays_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=1) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_connection_off_the_loopback_is_refused_in_a_kernel(tmp_path: Path) -> None:
    cell = new_code_cell(TRY, metadata={"tags": ["raises-exception"]})
    with running(tmp_path / "any.ipynb", new_notebook(cells=[cell])) as runner:
        (output,) = runner.run(0).outputs
    assert output.ename == "NetworkBlockedError"


def test_a_connection_off_the_loopback_is_refused_in_a_child_of_python() -> None:
    child = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, check=False)
    assert "NetworkBlockedError" in child.stderr
