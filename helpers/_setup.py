"""`setup("01_first_call")`: decides where requests go, and says so in one line.

In replay it starts the course server and points the SDK at it through the
environment; nothing of the SDK is wrapped or patched, and nothing is written to disk.
Other files see the server only through `journal`, `current_lesson`,
`goes_past_the_server` and `staged`.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from courseserver import facts
from helpers import report
from helpers.settings import ROOT, Mode, read_dotenv
from helpers.settings import decide_mode as decide_mode  # start.py asks for it here

if TYPE_CHECKING:
    from courseserver.journal import Journal
    from courseserver.loopback import Server
    from courseserver.recordings import Recordings

REPLAY_KEY = "replay-needs-no-key"
LOOPBACK = "127.0.0.1,localhost"

_server: Server | None = None
_outside: dict[str, str] | None = None  # ANTHROPIC_* as before the first setup()


def setup(lesson: str) -> None:
    """Begin a lesson: decide the mode, start or reset the course server, say so.

    `lesson` is the notebook's file name without `.ipynb`. Call it to begin afresh, too.
    Raises `ValueError` for a lesson that has no recording.
    """
    recorded = load_recordings(lesson)
    dotenv = read_dotenv()
    mode = decide_mode(_learners_environment(), dotenv)
    if pace := dotenv.get("COURSE_PACE"):
        os.environ.setdefault("COURSE_PACE", pace)
    server = course_server()
    server.course.start(recorded)
    _point_sdk(mode, server.url)
    report.install(journal, current_lesson)
    if mode.note:
        print(mode.note)
    print(_mode_line(mode, recorded))
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
            f"The recording of {lesson} is not UTF-8 text any more. "
            f"Give it back as it was shipped with: python3 start.py reset {lesson}"
        ) from None


def course_server() -> Server:
    """This kernel's course server, started at the first call."""
    global _server
    if _server is None:
        from courseserver.core import Course
        from courseserver.loopback import Server

        _server = Server(Course())
        for name in ("NO_PROXY", "no_proxy"):  # no proxy may see what stays here
            old = os.environ.get(name, "")
            if "127.0.0.1" not in old:
                os.environ[name] = f"{old},{LOOPBACK}" if old else LOOPBACK
    return _server


def current_lesson() -> str:
    """The name of the lesson that `setup()` began, or ""."""
    return course_server().course.recorded.lesson


def journal() -> Journal:
    """What this kernel's clients sent and got since the last `setup()`."""
    return course_server().course.journal


def goes_past_the_server() -> bool:
    """Whether the SDK sends elsewhere, as in live mode or before `setup()`."""
    return os.environ.get("ANTHROPIC_BASE_URL") != course_server().url


def _learners_environment() -> dict[str, str]:
    """The environment without what an earlier `setup()` wrote into it."""
    if _outside is None:
        return dict(os.environ)
    return _outside | _variables("COURSE_")


def _point_sdk(mode: Mode, url: str) -> None:
    """Set what the SDK reads. The originals are kept for a later live start."""
    global _outside
    given = _variables("ANTHROPIC_")
    if _outside is None:
        _outside = given
    for name in given:
        if name != "ANTHROPIC_LOG":
            del os.environ[name]
    if mode.name == "live":
        for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS"):  # a gateway
            if name in _outside:
                os.environ[name] = _outside[name]
        os.environ["ANTHROPIC_API_KEY"] = mode.key or ""
    else:
        course_server().course.key = REPLAY_KEY
        os.environ["ANTHROPIC_BASE_URL"] = url
        os.environ["ANTHROPIC_API_KEY"] = REPLAY_KEY


def _variables(beginning: str) -> dict[str, str]:
    """The variables of the environment whose names begin so."""
    return {k: v for k, v in os.environ.items() if k.startswith(beginning)}


def _mode_line(mode: Mode, recorded: Recordings) -> str:
    if mode.name == "live":
        return (
            f"Live, because {mode.why}: requests go to the real API and cost money. "
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
        f"Replay, because {mode.why}: {count} recorded replies ({how}) "
        f"for {recorded.lesson}. Nothing leaves this machine."
    )


def _versions_line() -> str:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    sdk = version("anthropic")
    return f"anthropic {sdk}, API {facts.API_VERSION}, Python {python}"
