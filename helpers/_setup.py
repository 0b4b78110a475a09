"""`setup("01_first_call")`: decides where requests go, and says so in one line.

It starts the course server and points the SDK at it through the environment, in every
mode; nothing of the SDK is wrapped or patched, and nothing is written to disk. The mode
is the server's: a client that was made earlier goes where the newest line says. Other
files see the server only through `journal`, `current_lesson`, `mode` and `staged`.
"""

from __future__ import annotations

import os
import secrets
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

from courseserver import facts
from helpers import report
from helpers.settings import ROOT, Mode, decide_mode, read_dotenv

if TYPE_CHECKING:
    from courseserver.account import Account
    from courseserver.door import Door
    from courseserver.journal import Journal
    from courseserver.loopback import Server
    from courseserver.recordings import Recordings
    from courseserver.relay import Relay

# What the SDK gets as its key, in every mode: worth nothing outside this kernel.
SESSION_KEY = f"course-session-{secrets.token_hex(16)}"
REAL_API = "https://api.anthropic.com"
LOOPBACK = "127.0.0.1,localhost"

_server: Server[Door] | None = None
_own_no_proxy: str | None = None  # NO_PROXY as before the first setup()
_outside: dict[str, str] | None = None  # ANTHROPIC_* as before the first setup()


def setup(lesson: str) -> None:
    """Begin a lesson: decide the mode, start or reset the course server, say so.

    `lesson` is the notebook's file name without `.ipynb`. Call it to begin afresh, too.
    Raises `ValueError` for a lesson that has no recording.
    """
    recorded = load_recordings(lesson)
    dotenv = read_dotenv()
    decided = decide_mode(_learners_environment(), dotenv)
    if pace := dotenv.get("COURSE_PACE"):
        os.environ.setdefault("COURSE_PACE", pace)
    server = course_server()
    server.backend.replay.start(recorded)
    _point_sdk(server.url)
    _choose_proxies(live=decided.name == "live")
    server.backend.relay = _relay(decided, server.backend.account)
    report.install(journal, current_lesson)
    if decided.note:
        print(decided.note)
    print(_mode_line(decided, recorded))
    print(_versions_line())


def load_recordings(lesson: str) -> Recordings:
    """A lesson's recordings. Raises `ValueError`, naming the lessons there are."""
    from courseserver.recordings import RecordingError, Recordings

    path = ROOT / "recordings" / f"{lesson}.json"
    if not path.is_file():
        files = sorted(path.parent.glob("*.json"))
        stems = [file.stem for file in files if "." not in file.stem]  # not your copies
        known = ", ".join(stems)
        raise ValueError(
            f"There is no lesson called {lesson!r}. The lessons are: {known}."
        )
    try:
        return Recordings.parse(path.read_text(encoding="utf-8"), lesson)
    except RecordingError as problem:
        raise ValueError(str(problem)) from None
    except UnicodeDecodeError:
        raise ValueError(
            f"recordings/{lesson}.json is not UTF-8 text any more. Give it back as it "
            f"was with: git restore recordings/{lesson}.json (or download the course "
            "again)."
        ) from None


def course_server() -> Server[Door]:
    """This kernel's course server, started at the first call."""
    global _server
    if _server is None:
        from courseserver.door import Door

        _server = _adapter()(Door(key=SESSION_KEY))
        _choose_proxies(live=False)  # also for staged replies before any setup()
    return _server


def _adapter() -> type[Server[Door]]:
    """What carries requests to the server: a port, or nothing at all in a browser."""
    if sys.platform == "emscripten" or os.environ.get("COURSE_ADAPTER") == "in-process":
        from courseserver import inprocess

        return cast("type[Server[Door]]", inprocess.Server)  # the same shape
    from courseserver.loopback import Server

    return Server


def mode() -> str:
    """The mode of this moment, `replay` or `live`: that of the newest `setup()`."""
    return "live" if course_server().backend.relay else "replay"


def current_lesson() -> str:
    """The name of the lesson that `setup()` began, or ""."""
    return course_server().backend.replay.lesson.recorded.lesson


def journal() -> Journal:
    """What this kernel's clients sent and got since the last `setup()`."""
    return course_server().backend.journal


def _learners_environment() -> dict[str, str]:
    """The environment without what an earlier `setup()` wrote into it."""
    if _outside is None:
        return dict(os.environ)
    return _outside | _variables("COURSE_")


def _point_sdk(url: str) -> None:
    """Set what the SDK reads. The originals are kept for live."""
    global _outside
    given = _variables("ANTHROPIC_")
    if _outside is None:
        _outside = given
    for name in given:
        if name != "ANTHROPIC_LOG":
            del os.environ[name]
    os.environ["ANTHROPIC_BASE_URL"] = url
    os.environ["ANTHROPIC_API_KEY"] = SESSION_KEY


def _choose_proxies(*, live: bool) -> None:
    """In replay leave every proxy out; the learner's own NO_PROXY stays in every mode.

    The SDK makes no client at all with some proxies (SOCKS, a broken port) or with an
    IPv6 range in NO_PROXY, whether or not it needs them; at "*" it looks at none.
    """
    global _own_no_proxy
    if _own_no_proxy is None:  # urllib and httpx prefer the lower case, so do we
        _own_no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    parts = [_own_no_proxy, LOOPBACK]
    if not live:
        parts.append("*")
    value = ",".join(part for part in parts if part)
    os.environ["NO_PROXY"] = value
    os.environ["no_proxy"] = value


def _relay(decided: Mode, account: Account) -> Relay | None:
    """Who asks the real API, or the learner's own gateway to it; None in replay."""
    from courseserver.relay import Relay

    if decided.name != "live":
        return None
    outside = _outside or {}
    address = outside.get("ANTHROPIC_BASE_URL") or REAL_API
    headers = {"x-api-key": decided.key or ""}
    for line in outside.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Relay(account, address, headers)


def _variables(beginning: str) -> dict[str, str]:
    """The variables of the environment whose names begin so."""
    return {k: v for k, v in os.environ.items() if k.startswith(beginning)}


def _mode_line(decided: Mode, recorded: Recordings) -> str:
    if decided.name == "live":
        return (
            f"Live, because {decided.why}: requests go to the real API and cost money. "
            "For replay, set COURSE_MODE=replay."
        )
    count = 0
    made = 0
    for exchange in recorded.exchanges:
        count += len(exchange.replies)
        made += exchange.source == "authored"
    how = "written by hand"
    if made < len(recorded.exchanges):
        how = f"{made} written by hand"
    return (
        f"Replay, because {decided.why}: {count} recorded replies ({how}) "
        f"for {recorded.lesson}. Nothing leaves this machine."
    )


def _versions_line() -> str:
    """The SDK, the API version that it really sends, and Python; more if it is old."""
    from anthropic import Anthropic

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    sdk = version("anthropic")
    try:
        sent = Anthropic(api_key=SESSION_KEY).default_headers["anthropic-version"]
    except (ImportError, ValueError) as problem:
        return (
            f"anthropic {sdk} cannot use the proxy that your environment names "
            f"({type(problem).__name__}). Correct HTTPS_PROXY, HTTP_PROXY or "
            "ALL_PROXY, or remove it; a SOCKS proxy needs: pip install socksio"
        )
    line = f"anthropic {sdk}, API {sent}, Python {python}"
    if int(sdk.partition(".")[0]) < facts.SDK_MAJOR:
        line += (
            f"\nThis course is written for anthropic {facts.SDK_MAJOR}. With {sdk}, "
            "some cells fail or show something else. What to do: run python3 start.py "
            "install, then restart the kernel."
        )
    return line
