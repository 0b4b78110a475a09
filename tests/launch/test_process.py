"""JupyterLab as start.py opens it: real servers, with a home of their own."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.launch.courses import load, python_of


@contextmanager
def jupyterlab(course: Path, home: Path, extra: Sequence[str]) -> Iterator[int]:
    """Run JupyterLab as start.py does in a course folder; yield the port that it says."""
    process = load(course, "process")
    made = process.course_environment({**os.environ, "HOME": str(home)})
    with subprocess.Popen(
        [sys.executable, *process.lab_arguments(["--IdentityProvider.token=t", *extra])],
        cwd=course,
        env={**made, "PYTHONPATH": str(course)},  # instead of course.pth in a .venv
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as lab:
        try:
            yield port_of(lab)
        finally:
            lab.terminate()


def test_jupyterlab_opens_in_the_copy_whatever_the_learners_own_settings_and_port(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(course, "handout").hand_out()
    (tmp_path / ".jupyter").mkdir()
    settings = "\n".join(
        f"c.{name} = {str(tmp_path)!r}"
        for name in (
            "ServerApp.root_dir",
            "ServerApp.preferred_dir",
            "LabApp.default_url",
            "AsyncLargeFileManager.root_dir",
            "AsyncMappingKernelManager.root_dir",
        )
    )
    (tmp_path / ".jupyter/jupyter_server_config.py").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")  # it needs no proxy
    monkeypatch.setenv("no_proxy", "localhost,[::1]")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with jupyterlab(course, tmp_path, ["--no-browser", f"--port={port}"]) as other:
            assert other != port
            listed = ask(other, "/api/contents/")
            assert "README.md" in listed and "start.py" not in listed
            assert "00_welcome.ipynb" in ask(other, "/api/contents/notebooks")
            redirected = patiently(f"http://127.0.0.1:{other}/?token=t")
            assert "00_welcome.ipynb" in redirected.url


def ask(port: int, path: str) -> list[str]:
    """Return the names that JupyterLab lists in a folder."""
    listed = json.load(patiently(f"http://127.0.0.1:{port}{path}?token=t"))
    return [item["name"] for item in listed["content"]]


def patiently(address: str) -> Any:
    """Return what an address answers, within ten seconds: the port is named before it listens."""
    for _ in range(100):
        try:
            return urllib.request.urlopen(address, timeout=10)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def port_of(lab: "subprocess.Popen[str]") -> int:
    """Return the port that JupyterLab says it serves at, read from what it prints."""
    assert lab.stdout
    printed = ""
    for line in lab.stdout:
        printed += line
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/lab", line):
            return int(found[1])
    raise AssertionError(printed)


def test_jupyter_gets_a_home_in_the_course_when_there_is_no_other(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = load(course, "process")
    assert "JUPYTER_DATA_DIR" not in process.course_environment({"HOME": str(tmp_path)})
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "file" / "home"))
    made = process.course_environment({"IPYTHONDIR": "mine"})
    assert Path(made["JUPYTER_DATA_DIR"]).is_relative_to(course / "my-course" / ".course")
    assert made["IPYTHONDIR"] == "mine"


def test_terminals_of_jupyterlab_find_the_python_of_the_course_first(course: Path) -> None:
    given = {"PATH": "elsewhere", "PYTHONPATH": "other", "PYTHONOPTIMIZE": "2", "PYTHONUTF8": "1"}
    made = load(course, "process").course_environment(given)
    assert made["PATH"].split(os.pathsep) == [str(Path(python_of(course)).parent), "elsewhere"]
    assert "PYTHONPATH" not in made, "other helpers must not come before those of the course"
    assert "PYTHONOPTIMIZE" not in made, "JupyterLab does not start with it"
    assert made["PYTHONUTF8"] == "1"
