"""A process that has loaded the SDK and forks for each run of a course of its own.

Loading the SDK costs a second, which a hundred runs would each pay. The child is a real process
with its own environment, folder and output; what it runs it imports itself. Only where there is
`fork`; elsewhere `OwnCourse.run` starts Python anew. It must not know any test.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import select
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

FRESH = ("ANTHROPIC_LOG", "PYTHONWARNINGS")  # read while Python or the SDK is loaded


class Zygote:
    """The process to fork from; one for each process of pytest, started at its first use."""

    def __init__(self, offline: Path) -> None:
        environ = {**os.environ, "PYTHONPATH": str(offline)}  # blocks the network, as ever
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self.process.kill)

    def run(
        self, code: str, folder: Path, environ: Mapping[str, str], patience: float, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run Python code as `python -c` would, with `typed` as its input.

        Raises `TimeoutExpired` as subprocess does.
        """
        with tempfile.TemporaryDirectory() as scratch:
            given, out, err = (Path(scratch, name) for name in ("in", "out", "err"))
            given.write_text(typed, encoding="utf-8")
            job = {"code": code, "cwd": str(folder), "environ": dict(environ)}
            job |= {"in": str(given), "out": str(out), "err": str(err)}
            assert self.process.stdin is not None and self.process.stdout is not None
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], patience)
            if not ready:
                self.process.kill()
                raise subprocess.TimeoutExpired("a forked run", patience)
            status = int(self.process.stdout.readline())
            texts = [path.read_text(encoding="utf-8") for path in (out, err)]
        return subprocess.CompletedProcess(["python", "-c", "..."], status, *texts)


def serve() -> None:
    """Load the SDK, then fork for each line of the input."""
    import anthropic
    import dotenv

    client = anthropic.Anthropic(api_key="none", base_url="http://127.0.0.1:9")
    _ = client.messages, client.beta.messages, dotenv  # they are loaded when first asked for
    client.close()
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
        _, state = os.waitpid(child, 0)
        sys.stdout.buffer.write(b"%d\n" % os.waitstatus_to_exitcode(state))
        sys.stdout.buffer.flush()


def become(job: dict[str, Any]) -> NoReturn:
    """Be a new `python -c` with this folder, environment, input and output."""
    os.environ.clear()
    os.environ.update(job["environ"])
    os.chdir(job["cwd"])
    os.dup2(os.open(job["in"], os.O_RDONLY), 0)
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(job[name], os.O_WRONLY | os.O_CREAT)
        os.dup2(file, descriptor)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", write_through=True)
    sys.dont_write_bytecode = True
    first = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = ["", *filter(None, first), *sys.path[1:]]
    sys.argv = ["-c"]
    status = 0
    try:
        exec(compile(job["code"], "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException as error:
        status = 1
        tb = error.__traceback__
        traceback.print_exception(type(error), error, tb.tb_next if tb else None)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    serve()
