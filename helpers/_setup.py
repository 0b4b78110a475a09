"""`setup("01_first_call")`: decides where requests go, and says so in one line.

In replay it starts the course server and points the SDK at it through the environment; nothing
of the SDK is wrapped or patched. It writes nothing to disk.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dotenv import dotenv_values

from courseserver import facts
from courseserver.door import Door
from courseserver.journal import Journal
from courseserver.loopback import Server
from courseserver.recordings import RecordingError, Recordings
from helpers import report

ROOT = Path(__file__).resolve().parent.parent
REPLAY_KEY = "replay-needs-no-key"
LOOPBACK = "127.0.0.1,localhost"

_server: Server[Door] | None = None
_outside: dict[str, str] | None = None  # the environment's ANTHROPIC_* before the first setup()


@dataclass(frozen=True)
class Mode:
    """Where requests go (`replay` or `live`), why, and the key for live. Never print `key`."""

    name: str
    why: str
    key: str | None = None
    note: str = ""

    def __repr__(self) -> str:
        return f"Mode(name={self.name!r}, why={self.why!r})"


def setup(lesson: str) -> None:
    """Begin a lesson: decide the mode, start or reset the course server, print one line.

    `lesson` is the notebook's file name without `.ipynb`. Call it again to begin afresh.
    Raises `ValueError` for a lesson that has no recording.
    """
    recorded = load_recordings(lesson)
    dotenv = read_dotenv()
    mode = decide_mode(os.environ if _outside is None else _outside | _course(), dotenv)
    if pace := dotenv.get("COURSE_PACE"):
        os.environ.setdefault("COURSE_PACE", pace)
    server = course_server()
    server.backend.replay.start(recorded)
    _point_sdk(mode, server.url)
    report.install(journal, current_lesson)
    if mode.note:
        print(mode.note)
    print(f"{_line(mode, recorded)}\n{_versions()}")


def load_recordings(lesson: str) -> Recordings:
    """A lesson's recordings. Raises `ValueError`, naming the lessons there are."""
    path = ROOT / "recordings" / f"{lesson}.json"
    if not path.is_file():
        stems = sorted(file.stem for file in path.parent.glob("*.json"))
        known = ", ".join(stem for stem in stems if "." not in stem)  # no copies of your own
        raise ValueError(f"There is no lesson called {lesson!r}. The lessons are: {known}.")
    try:
        return Recordings.parse(path.read_text(encoding="utf-8"), lesson)
    except RecordingError as problem:
        raise ValueError(str(problem)) from None
    except UnicodeDecodeError:
        raise ValueError(
            f"The recording of {lesson} is not UTF-8 text any more. "
            f"Give it back as it was shipped with: python3 start.py reset {lesson}"
        ) from None


def course_server() -> Server[Door]:
    """This kernel's course server, started at the first call."""
    global _server
    if _server is None:
        _server = Server(Door())
        for name in ("NO_PROXY", "no_proxy"):  # a proxy must not see what goes to this machine
            old = os.environ.get(name, "")
            if "127.0.0.1" not in old:
                os.environ[name] = f"{old},{LOOPBACK}" if old else LOOPBACK
    return _server


def current_lesson() -> str:
    """The name of the lesson that `setup()` began, or ""."""
    return course_server().backend.replay.lesson.recorded.lesson


def journal() -> Journal:
    """What this kernel's clients sent and got since the last `setup()`."""
    return course_server().backend.journal


def decide_mode(environ: Mapping[str, str], dotenv: Mapping[str, str | None]) -> Mode:
    """Replay or live, from the environment and the contents of `.env`.

    A key in `.env` means live. A key that is only in the environment is not spent unasked:
    it needs `COURSE_MODE=live` as well.
    """
    asked = (environ.get("COURSE_MODE") or dotenv.get("COURSE_MODE") or "").strip().lower()
    in_file, note = _clean(dotenv.get("ANTHROPIC_API_KEY"), ".env")
    if asked == "replay":
        return Mode("replay", "COURSE_MODE is replay")
    if asked == "live":
        elsewhere, also = _clean(environ.get("ANTHROPIC_API_KEY"), "the environment")
        if key := in_file or elsewhere:
            return Mode("live", "COURSE_MODE is live", key)
        note = (
            note or also or "COURSE_MODE is live, but there is no key: put it into the file .env."
        )
        return Mode("replay", "there is no key", note=note)
    if asked:
        note = f"COURSE_MODE is {asked!r}; it can be replay or live. Replay is used."
        return Mode("replay", "COURSE_MODE is not known", note=note)
    if in_file:
        return Mode("live", "there is a key in .env", in_file)
    why = "there is no key in .env"
    if environ.get("ANTHROPIC_API_KEY"):
        why = "the key in your environment is not used unless COURSE_MODE is live"
    return Mode("replay", why, note=note)


def read_dotenv() -> dict[str, str | None]:
    """The contents of the course's `.env`; empty when there is none or it cannot be read."""
    try:
        return dict(dotenv_values(ROOT / ".env", encoding="utf-8-sig"))
    except UnicodeDecodeError:
        print("The file .env is not UTF-8 text. Save it as UTF-8 (in Notepad: Save as, Encoding).")
        return {}


def default_model() -> str:
    """The model that the lessons name: `COURSE_MODEL` when live, else the recorded one."""
    dotenv = read_dotenv()
    wanted = os.environ.get("COURSE_MODEL") or dotenv.get("COURSE_MODEL")
    live = decide_mode(os.environ, dotenv).name == "live"
    return wanted.strip() if wanted and live else facts.MODEL


def _clean(raw: str | None, where: str) -> tuple[str | None, str]:
    """A key without the blanks and quotes that come along with copying; and a note if unusable."""
    key = (raw or "").strip().strip("\"'").strip()
    if not key:
        return None, ""
    if not key.isascii() or any(c.isspace() for c in key) or "..." in key or len(key) < 20:
        return (
            None,
            f"What stands in {where} as ANTHROPIC_API_KEY is not a whole key. Replay is used.",
        )
    return key, ""


def _point_sdk(mode: Mode, url: str) -> None:
    """Set the variables that the SDK reads. The originals are kept for a later live start."""
    global _outside
    if _outside is None:
        _outside = {k: v for k, v in os.environ.items() if k.startswith("ANTHROPIC_")}
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        if name != "ANTHROPIC_LOG":
            del os.environ[name]
    if mode.name == "live":
        gateway = ("ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS")  # of the learner's own
        kept = {name: value for name, value in _outside.items() if name in gateway}
        os.environ.update(kept | {"ANTHROPIC_API_KEY": mode.key or ""})
    else:
        course_server().backend.account.key = REPLAY_KEY
        os.environ["ANTHROPIC_BASE_URL"] = url
        os.environ["ANTHROPIC_API_KEY"] = REPLAY_KEY


def _course() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("COURSE_")}


def _line(mode: Mode, recorded: Recordings) -> str:
    if mode.name == "live":
        return (
            f"Live, because {mode.why}: requests go to the real API and cost money. "
            "For replay, set COURSE_MODE=replay."
        )
    count = sum(len(exchange.replies) for exchange in recorded.exchanges)
    made = sum(exchange.source == "authored" for exchange in recorded.exchanges)
    how = "written by hand" if made == len(recorded.exchanges) else f"{made} written by hand"
    return (
        f"Replay, because {mode.why}: {count} recorded replies ({how}) for {recorded.lesson}. "
        "Nothing leaves this machine."
    )


def _versions() -> str:
    python = ".".join(map(str, sys.version_info[:2]))
    return f"anthropic {version('anthropic')}, API {facts.API_VERSION}, Python {python}"
