"""What several test files share: a running course server, clients, raw HTTP, a course of its own.

Nothing here stands in for anything: the server, the SDK, the kernel and the processes are real.
It must not know what any one test expects.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anthropic
from jupyter_client.blocking.client import BlockingKernelClient

from authoring.environment import OFFLINE, clean_environment
from authoring.kernel import talking
from courseserver import facts
from courseserver.account import Account
from courseserver.loopback import Server
from courseserver.recordings import Recordings
from courseserver.replay import Replay
from courseserver.values import Request
from practice.begin import load_recordings
from tests.zygote import FRESH, Zygote

JSON = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("courseserver", "helpers", "practice")  # what a lesson needs to run
LESSON = "99_test"
KEY = "any-key-will-do-here"
PATIENCE = 600  # seconds after which a kernel or a process counts as hanging
# For tests of what this model alone can do, or of its prices. The default may be another one.
SONNET = "claude-sonnet-5-5"
HELLO: JSON = {
    "model": facts.MODEL,
    "max_tokens": 300,
    "messages": [{"role": "user", "content": "Hello"}],
}


def said(text: Any, **more: Any) -> JSON:
    """A request body like `HELLO` with another user turn; `more` sets further fields."""
    return {**HELLO, "messages": [{"role": "user", "content": text}], **more}


# --- recordings and a server ----------------------------------------------------------------


def exchange(name: str, request: JSON, *replies: Any, **more: Any) -> JSON:
    """One exchange in the form of a recording file."""
    return {"name": name, "source": "authored", "request": request, "replies": replies} | more


def recording(*exchanges: JSON, lesson: str = LESSON) -> str:
    """The text of a recording file."""
    whole = {"lesson": lesson, "api_version": facts.API_VERSION, "exchanges": exchanges}
    return json.dumps(whole, ensure_ascii=False)


def recordings(*exchanges: JSON) -> Recordings:
    """The same, read by the course's own reader."""
    return Recordings.parse(recording(*exchanges), LESSON)


@contextmanager
def serving(*exchanges: JSON, key: str | None = None) -> Iterator[Server[Replay]]:
    """A course server of its own on the loopback, at the start of a lesson with these exchanges."""
    server = Server(Replay(Account(key=key)))
    try:
        server.backend.start(recordings(*exchanges))
        yield server
    finally:
        server.stop()


@contextmanager
def replaying(lesson: str) -> Iterator[Server[Replay]]:
    """A course server of its own at the start of one of the course's lessons."""
    with serving() as server:
        server.backend.start(load_recordings(lesson))
        yield server


def client(url: str, **settings: Any) -> anthropic.Anthropic:
    """The SDK's client for a base URL, with a key that any test server accepts."""
    return anthropic.Anthropic(base_url=url, **{"api_key": KEY, **settings})


def async_client(url: str, **settings: Any) -> anthropic.AsyncAnthropic:
    """The same for `await`."""
    return anthropic.AsyncAnthropic(base_url=url, **{"api_key": KEY, **settings})


def text_of(message: Any) -> str:
    """The text of a reply, from its text blocks."""
    return "".join(block.text for block in message.content if block.type == "text")


# --- HTTP without the SDK -------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def headers(**more: str) -> dict[str, str]:
    """The request headers that the API insists on; `more` replaces them (`_` stands for `-`)."""
    plain = {
        "authorization": f"Bearer {KEY}",
        "anthropic-version": facts.API_VERSION,
        "content-type": "application/json",
    }
    return plain | {name.replace("_", "-"): value for name, value in more.items()}


def send(
    url: str,
    body: Any = None,
    *,
    path: str = "/v1/messages",
    method: str = "POST",
    head: Mapping[str, str] | None = None,
) -> Answer:
    """One HTTP exchange with a course server, byte for byte (a `bytes` body goes out as it is)."""
    parts = urlsplit(url)
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
    try:
        connection.request(
            method, parts.path + path, raw, dict(headers() if head is None else head)
        )
        came = connection.getresponse()
        names = {name.lower(): value for name, value in came.getheaders()}
        return Answer(came.status, names, came.read())
    finally:
        connection.close()


def request(
    body: Any, *, path: str = "/v1/messages", method: str = "POST", query: str = "", **more: str
) -> Request:
    """A request as the server's core sees it; `more` are headers (`_` stands for `-`)."""
    raw = b"" if body is None else json.dumps(body).encode()
    return Request(method, path, query, headers(**more), raw, body)


# --- a process of its own -------------------------------------------------------------------


@cache
def zygote() -> Zygote:
    """This process's zygote."""
    return Zygote(OFFLINE)


def run_python(
    *words: str, folder: Path, environ: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` (`-c CODE`, `-m MODULE ...` or `FILE ...`) in a folder.

    Where there is `fork`, the process has the SDK loaded already.
    """
    if hasattr(os, "fork") and not set(FRESH) & environ.keys():
        return zygote().run(as_code(*words), folder, environ, PATIENCE, typed)
    return run_fresh(*words, folder=folder, environ=environ, typed=typed)


def run_fresh(
    *words: str, folder: Path, environ: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """The same in a Python that has loaded nothing before, for questions about loading."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=dict(environ),
        input=typed,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def as_code(first: str, *more: str) -> str:
    """Code that does what Python does with these words."""
    if first == "-c":
        [code] = more
        return code
    if first == "-m":
        module, *arguments = more
        run = f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
        return f"import runpy, sys; sys.argv[1:] = {arguments!r}; {run}"
    there = f"os.path.dirname(os.path.abspath({first!r}))"
    start = f"import os, runpy, sys; sys.argv = {[first, *more]!r}; sys.path[0] = {there}; "
    return f"{start}runpy.run_path({first!r}, run_name='__main__')"


def run_program(
    program: Path, url: str, folder: Path | None = None, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a lesson's program at work with the API at `url`; it must not fail.

    In `folder`, if one is given, it stands as in notebooks/, and what it writes stays there.
    """
    if folder is not None:
        (folder / "at_work").mkdir(exist_ok=True)
        program = Path(shutil.copy(program, folder / "at_work"))
    environ = {**os.environ, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}
    words = (f"at_work/{program.name}",)
    done = run_python(*words, folder=program.parents[1], environ=environ, typed=typed)
    assert done.returncode == 0, done.stderr
    return done


# --- a course of its own --------------------------------------------------------------------


@dataclass
class OwnCourse:
    """A copy of the course's helpers with its own `.env` and recordings, run as a learner would.

    Nothing of it touches the real course's files, so a test may write any `.env` it likes.
    """

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path, *exchanges: JSON, dotenv: str | bytes | None = None) -> OwnCourse:
        """Make one below `root`, with one lesson, `99_test`."""
        own = cls(root / "course")
        for room in ROOMS:  # with their bytecode, which fits: a copy keeps the times of its files
            shutil.copytree(ROOT / room, own.root / room)
        (own.root / "recordings").mkdir()
        own.record(*exchanges)
        (root / "home").mkdir()
        if dotenv is not None:
            raw = dotenv if isinstance(dotenv, bytes) else dotenv.encode()
            (own.root / ".env").write_bytes(raw)
        return own

    def record(self, *exchanges: JSON) -> None:
        """Write the lesson's recording."""
        file = self.root / "recordings" / f"{LESSON}.json"
        file.write_text(recording(*exchanges), encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        """A new user's environment: an empty home, no proxy, nothing of the SDK's; and `more`."""
        home = str(self.root.parent / "home")
        mine = {
            name: value
            for name, value in clean_environment(os.environ, home).items()
            if not name.lower().endswith("_proxy")
        }
        del mine["COURSE_MODE"], mine["COURSE_STATE"]  # a learner has set neither
        mine |= {"HOME": home, "USERPROFILE": home, "MPLCONFIGDIR": home}
        mine |= {"PYTHONPATH": os.pathsep.join([str(OFFLINE), str(self.root)])}
        mine |= {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
        mine |= {"COURSE_LOCAL_URL": "http://127.0.0.1:9"}  # not this machine's own engine
        return {**mine, **self.environ, **more}

    def run(self, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in the course's folder; the result holds what it printed."""
        return run_python("-c", code, folder=self.root, environ=self.environment(**environ))

    def run_fresh(self, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The same in a Python that has loaded nothing before, for questions about loading."""
        return run_fresh("-c", code, folder=self.root, environ=self.environment(**environ))

    def says(self, code: str, **environ: str) -> str:
        """What the code prints. An error in it fails the test."""
        done = self.run(code, **environ)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tells(self, code: str, **environ: str) -> Any:
        """The value of `told` at the end of the code, as JSON. What it prints before is ignored."""
        whole = f"{code}\nimport json as _json\nprint('\\n' + _json.dumps(told))"
        return json.loads(self.says(whole, **environ).splitlines()[-1])


# --- a kernel -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """What a cell showed: its printed text, its error, and its other outputs."""

    outputs: Sequence[JSON]

    @property
    def printed(self) -> str:
        """Everything on stdout."""
        return "".join(out["text"] for out in self.outputs if out.get("name") == "stdout")

    @property
    def complained(self) -> str:
        """Everything on stderr."""
        return "".join(out["text"] for out in self.outputs if out.get("name") == "stderr")

    @property
    def error(self) -> JSON:
        """The cell's one error: `ename`, `evalue`, `traceback`."""
        [error] = [out for out in self.outputs if "ename" in out]
        return error

    @property
    def traceback(self) -> str:
        """What stands under the failed cell."""
        return "\n".join(self.error["traceback"])

    def displayed(self, kind: str) -> list[str]:
        """The displayed values of one MIME type, in order."""
        return [out["data"][kind] for out in self.outputs if kind in out.get("data", {})]


class Kernel:
    """A running Jupyter kernel, driven as a notebook drives it."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client

    def run(self, code: str) -> Shown:
        """Run one cell and give back what it showed."""
        outputs: list[JSON] = []

        def keep(message: JSON) -> None:
            if message["header"]["msg_type"] in {
                "stream",
                "display_data",
                "execute_result",
                "error",
            }:
                outputs.append(message["content"])

        self.client.execute_interactive(code, output_hook=keep, timeout=PATIENCE)
        return Shown(outputs)


@contextmanager
def kernel(course: OwnCourse, **environ: str) -> Iterator[Kernel]:
    """A kernel of the running Python in a course's folder, shut down at the end."""
    with talking(course.root, course.environment(**environ)) as client:
        yield Kernel(client)
