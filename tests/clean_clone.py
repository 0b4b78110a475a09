"""Tries the course as somebody new does: a clean clone, an empty home, `python3 start.py`; every
notebook of their copy run and saved; then a second start with the network cut, and the doctor.
Run by .ci/run (Linux, macOS; not Windows).

It knows start.py only from outside, as a command, and clones what is committed, nothing else.
"""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

if sys.platform == "win32":
    sys.exit("The clean clone is tried on Linux and macOS; it has no form for Windows.")

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "clean-clone"
FIRST_START, SECOND_START = 900, 60  # seconds until it counts as failed


class NewcomerError(Exception):
    """What a new user would have run into."""


def expect(fact: object, what: str) -> None:
    """Raise NewcomerError(`what`) unless `fact` holds: an assert that -O keeps."""
    if not fact:
        raise NewcomerError(what)


def ask(port: int, path: str) -> Any:
    """Return the JSON that JupyterLab answers; raises OSError while it is not ready."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"token {TOKEN}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a cut network: no proxy
    with opener.open(asked, timeout=5) as answer:
        return json.load(answer)


def listed(port: int, path: str) -> list[str]:
    """Return the names in a folder, as JupyterLab's file browser shows them."""
    return [item["name"] for item in ask(port, path)["content"]]


def start(clone: Path, home: Path, seconds: float) -> str:
    """Start JupyterLab as a learner does, wait until it is ready, stop it with Ctrl-C twice.

    Returns what it printed. Raises NewcomerError with that when anything is wrong.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [sys.executable, "start.py", "lab", "--no-browser", f"--port={port}"]
    keyboard, terminal = os.openpty()  # Jupyter minds Ctrl-C only if it sits at a terminal
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            [*command, f"--IdentityProvider.token={TOKEN}"],
            cwd=clone,
            env=environment(home),
            stdin=terminal,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while True:
                try:
                    status = ask(port, "/api/status")
                    break
                except OSError:
                    expect(process.poll() is None, "start.py ended before JupyterLab was ready")
                    expect(time.monotonic() - began < seconds, f"not ready after {seconds} s")
                    time.sleep(0.05)
            print(f"  JupyterLab ready after {time.monotonic() - began:.1f} s", flush=True)
            expect("started" in status, f"strange status: {status}")
            specs = ask(port, "/api/kernelspecs")
            expect(specs["default"] == "python3", f"kernel {specs['default']} is the default")
            where = specs["kernelspecs"]["python3"]["spec"]["argv"][0]
            expect(str(clone) in where or where == "python", f"the kernel starts {where}")
            news = ask(port, "/lab/api/settings/@jupyterlab/apputils-extension:notification")
            default = news["schema"]["properties"]["fetchNews"]["default"]
            expect(default == "false", f"JupyterLab would ask about news ({default})")
            root = listed(port, "/api/contents/")
            expect(
                "README.md" in root and "start.py" not in root, f"the root is not the copy: {root}"
            )
            lessons = listed(port, "/api/contents/notebooks")
            expect("00_welcome.ipynb" in lessons, f"the first lesson is not there: {lessons}")
            for _ in range(2):  # the first asks, the second is the answer
                process.send_signal(signal.SIGINT)
                time.sleep(1)
            expect(process.wait(20) == 0, f"Ctrl-C ended with exit code {process.returncode}")
        except (NewcomerError, subprocess.TimeoutExpired) as error:
            output.seek(0)
            raise NewcomerError(f"{error}\n{output.read()}") from None
        finally:
            end_group(process)
            os.close(terminal)
            os.close(keyboard)
        output.seek(0)
        text = output.read()
    expect("Traceback" not in text, f"a traceback:\n{text}")
    return text


def end_group(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End whatever is left of a program and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a new user: a home with nothing in it, no settings of the course.

    Packages may come from this machine's cache of downloads; it saves time and changes nothing.
    """
    dropped = ("ANTHROPIC_", "COURSE_", "JUPYTER", "IPYTHON", "XDG_", "VIRTUAL_ENV", "PYTHON")
    made = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    made.setdefault("PIP_CACHE_DIR", str(cache / "pip"))
    made.setdefault("UV_CACHE_DIR", str(cache / "uv"))
    return {**made, "HOME": str(home)}


def installed(clone: Path) -> dict[str, int]:
    """Return what is installed in the clone, with the time at which it was."""
    found = [*clone.glob(".venv/lib/python*/site-packages/*"), *clone.glob(".venv/*.txt")]
    return {path.name: path.stat().st_mtime_ns for path in found if path.name != "__pycache__"}


def first(clone: Path, home: Path) -> None:
    """The first start, and what it must leave behind and must not."""
    start(clone, home, FIRST_START)
    imported = subprocess.run(
        [clone / ".venv/bin/python", "-c", "import helpers, launch, authoring, anthropic"],
        cwd=home,
        env=environment(home),
    )
    expect(imported.returncode == 0, "helpers cannot be imported from another folder")
    expect_clean(clone, "the start")
    kernels = [str(path) for path in home.rglob("kernels")]
    expect(not kernels, f"a kernel was registered for the whole account: {kernels}")


def expect_clean(clone: Path, what: str) -> None:
    """See that git has nothing to say about a clone in which a learner did something."""
    status = subprocess.check_output(["git", "status", "--porcelain"], cwd=clone, text=True)
    expect(not status, f"{what} left files that git does not ignore:\n{status}")


def learn(clone: Path, home: Path) -> None:
    """Run every notebook of the copy and save it: git stays clean, a start changes none."""
    code = subprocess.call(
        [clone / ".venv/bin/python", clone / "tests/run_my_course.py", clone / "my-course"],
        env=environment(home),
    )
    expect(code == 0, "a notebook of the copy failed, or there was none of a kind")
    expect_clean(clone, "a day of learning")
    ran = notebooks(clone)
    start_again = subprocess.run([sys.executable, "start.py", "install"], cwd=clone)
    expect(start_again.returncode == 0, "start.py install failed after a day of learning")
    expect(ran and notebooks(clone) == ran, "a start changed what the learner had run")


def notebooks(clone: Path) -> dict[str, bytes]:
    """Return the learner's notebooks with their outputs."""
    return {str(path): path.read_bytes() for path in clone.glob("my-course/**/*.ipynb")}


def second(clone: Path, home: Path) -> None:
    """The second start and the doctor; the caller has cut the network."""
    before = installed(clone)
    text = start(clone, home, SECOND_START)
    expect("Install" not in text, f"the second start installed something:\n{text}")
    expect(len(before) > 100 and installed(clone) == before, "the second start changed .venv")
    print(f"  {len(before)} entries of .venv unchanged", flush=True)
    doctor = subprocess.run(
        [sys.executable, "start.py", "doctor"], cwd=clone, env=environment(home)
    )
    expect(doctor.returncode == 0, f"start.py doctor ended with exit code {doctor.returncode}")


def cut_off() -> None:
    """In a network namespace of our own: bring the loopback up, see that all else is cut."""
    import fcntl
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        set_flags, up_and_running = 0x8914, 0x41  # SIOCSIFFLAGS; no need for the command `ip`
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", up_and_running))
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=2).close()  # an address for examples
    except OSError as error:
        expect(error.errno == errno.ENETUNREACH, f"the network is not cut: {error}")
    else:
        raise NewcomerError("the network is not cut")


def second_without_network(clone: Path, home: Path) -> None:
    """Run `second` where no network is: in a namespace if this system allows it, else with every
    proxy variable pointing to a port on which nobody answers.
    """
    again = [sys.executable, __file__, "--second", str(clone), str(home)]
    dead = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    for namespace in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        try:
            allowed = subprocess.run([*namespace, "true"], stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            break
        if allowed.returncode == 0:
            print(f"Second start, the network cut by {' '.join(namespace)}:", flush=True)
            code = subprocess.call([*namespace, *again, "--cut-off"])
            expect(code == 0, "the second start without a network failed")
            return
    print("Second start, the network cut by proxies that do not answer:", flush=True)
    environ = {**os.environ, **dead, "NO_PROXY": "127.0.0.1,localhost"}
    code = subprocess.call(again, env=environ)
    expect(code == 0, "the second start without a network failed")


def main(arguments: list[str]) -> int:
    """Do all of it; `--second CLONE HOME [--cut-off]` is for the call from within."""
    began = time.monotonic()
    try:
        if arguments[:1] == ["--second"]:
            if "--cut-off" in arguments:
                cut_off()
            second(Path(arguments[1]), Path(arguments[2]))
            return 0
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            clone, home = Path(scratch, "Kurs für alle", "claude course"), Path(scratch, "home")
            home.mkdir()
            source = arguments[0] if arguments else str(ROOT)
            trust = {  # git asks for this when the checkout belongs to somebody else, as in CI
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
            }
            command = ["git", "clone", "--quiet", "--no-hardlinks", source, str(clone)]
            subprocess.run(command, check=True, env={**os.environ, **trust})
            print(f"First start in a clean clone, {clone.relative_to(scratch)}:", flush=True)
            first(clone, home)
            print("Every notebook of the copy:", flush=True)
            learn(clone, home)
            second_without_network(clone, home)
    except NewcomerError as error:
        print(f"RED: {error}", flush=True)
        return 1
    if arguments[:1] != ["--second"]:
        print(f"The clean clone is green, {time.monotonic() - began:.0f} s.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
