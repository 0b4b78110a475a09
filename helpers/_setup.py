"""`setup("01_first_call")`: decides where requests go, and says so in one line.

It starts the course server and points the SDK at it through the environment, in every
mode; nothing of the SDK is wrapped or patched, and nothing is written to disk but what
live calls cost. The mode is the server's: a client that was made earlier goes where the
newest line says. Other files see the server only through `journal`, `current_lesson`,
`mode` and `staged`.
"""

from __future__ import annotations

import os
import secrets
import sys
import textwrap
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

from courseserver import facts
from helpers import report
from helpers._packages import check_packages
from helpers.settings import KEY, Mode, decide_mode, read_dotenv, unread_key

if TYPE_CHECKING:
    from courseserver.account import Account
    from courseserver.door import Door
    from courseserver.journal import Journal
    from courseserver.loopback import Server
    from courseserver.recordings import Recordings
    from courseserver.relay import Relay
    from courseserver.traffic import Traffic

# What the SDK gets as its key, in every mode: worth nothing outside this kernel.
SESSION_KEY = f"course-session-{secrets.token_hex(16)}"
REAL_API = "https://api.anthropic.com"
LOOPBACK = "127.0.0.1,localhost"
WIDTH = 76  # of what is said, in characters
# Whoever has set one of these has a credential of their own; the SDK looks at them all.
CREDENTIALS = (
    KEY,
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_PROFILE",
    "ANTHROPIC_IDENTITY_TOKEN",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
)

_server: Server[Door] | None = None
_own_no_proxy: str | None = None  # NO_PROXY as before the first setup()
_outside: dict[str, str] | None = None  # ANTHROPIC_* as before the first setup()


def setup(lesson: str, own_questions: str = "") -> None:
    """Begin a lesson: decide the mode, start or reset the course server, say so.

    `lesson` is the notebook's file name without `.ipynb`; its number will do. Call it
    to begin afresh, too. With `own_questions="local"`, what is not recorded goes to a
    model that runs on this machine. Raises `ValueError` for a lesson that has no
    recording, and `ImportError` if a file of yours has the name of a package.
    """
    if own_questions not in ("", "local"):
        raise ValueError('own_questions can be "local", or it is left out.')
    from courseserver.engines import find

    report.install(journal, current_lesson)
    check_packages()
    from practice.begin import load_recordings

    recorded = load_recordings(lesson)
    dotenv = read_dotenv()
    decided = decide_mode(_learners_environment(own_questions), dotenv)
    if pace := dotenv.get("COURSE_PACE"):
        os.environ.setdefault("COURSE_PACE", pace)
    # Programs that a notebook starts write UTF-8 on Windows, too.
    os.environ.setdefault("PYTHONUTF8", "1")
    server = course_server()
    server.backend.replay.start(recorded)
    _point_sdk(server.url)
    _choose_proxies(live=decided.name == "live")
    server.backend.relay = _relay(decided, server.backend.account)
    server.backend.local, found = find(decided.name, server.backend.account, dotenv)
    note = decided.note
    if "there is no key" in decided.why:
        note = note if "placeholder" in note else unread_key() or note
    for line in (note, *_mode_lines(decided, recorded), found, *_version_lines()):
        if line:  # JupyterLab would wrap a long one within a word
            print(textwrap.fill(line, WIDTH, break_on_hyphens=False))


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
    """The mode of the newest `setup()`: `replay` or `live`; local counts as replay."""
    return "live" if course_server().backend.relay else "replay"


def current_lesson() -> str:
    """The name of the lesson that `setup()` began, or ""."""
    return course_server().backend.replay.lesson.recorded.lesson


def journal() -> Journal:
    """What this kernel's clients sent and got since the last `setup()`."""
    return course_server().backend.journal


def traffic() -> Traffic:
    """Count from now on what the course server is sending to this kernel's clients.

    `now` replies are on their way, there were `most` at once, and `left` had no reader
    any more: their client closed the connection before the end.
    """
    return course_server().watch()


def lend_key() -> None:
    """Let the SDK make a client for staged replies where there is no credential."""
    if not any(os.environ.get(name) for name in CREDENTIALS):
        os.environ[KEY] = SESSION_KEY


def _learners_environment(mode: str) -> dict[str, str]:
    """The environment without what an earlier `setup()` wrote into it.

    `mode`, if any, is what a cell asks for: stronger than `.env`, and weaker than a
    variable of the environment.
    """
    own = _variables("ANTHROPIC_") if _outside is None else _outside
    return own | {"COURSE_MODE": mode} | _variables("COURSE_")


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
    from practice.begin import ledger_file

    if decided.name != "live":
        return None
    account.budget.limit = decided.limit  # what is spent stays: a session is a kernel
    account.budget.total = decided.total
    account.budget.ledger = ledger_file()
    outside = _outside or {}
    address = outside.get("ANTHROPIC_BASE_URL") or REAL_API
    headers = {"x-api-key": decided.key or ""}
    for line in outside.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Relay(account, address, headers)


def _variables(beginning: str) -> dict[str, str]:
    """The variables of the environment whose names begin so; not the key we lent."""
    found = {}
    for name, value in os.environ.items():
        if name.startswith(beginning) and value != SESSION_KEY:
            found[name] = value
    return found


def _mode_lines(decided: Mode, recorded: Recordings) -> list[str]:
    if decided.name == "live":
        from practice.begin import limit_lines

        return [
            f"Live, because {decided.why}.",
            "Requests go to the real API and cost money. "
            "For replay, set COURSE_MODE=replay.",
            *limit_lines(course_server().backend.account.budget, recorded.lesson),
        ]
    count = 0
    made = 0
    for exchange in recorded.exchanges:
        count += len(exchange.replies)
        made += exchange.source == "authored"
    how = "written by hand"
    if made < len(recorded.exchanges):
        how = f"{made} written by hand"
    return [
        f"{decided.name.title()}, because {decided.why}. Nothing leaves this machine.",
        f"{count} recorded replies ({how}) for {recorded.lesson}.",
    ]


def _version_lines() -> list[str]:
    """The SDK, the API version that it really sends, and Python; more if it is old."""
    from anthropic import Anthropic

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    sdk = version("anthropic")
    try:
        sent = Anthropic(api_key=SESSION_KEY).default_headers["anthropic-version"]
    except (ImportError, ValueError) as problem:
        return [
            f"anthropic {sdk} cannot use the proxy that your environment names "
            f"({type(problem).__name__}). Correct HTTPS_PROXY, HTTP_PROXY or "
            "ALL_PROXY, or remove it; a SOCKS proxy needs: pip install socksio"
        ]
    lines = [f"anthropic {sdk}, API {sent}, Python {python}"]
    if int(sdk.partition(".")[0]) < facts.SDK_MAJOR:
        lines.append(
            f"This course is written for anthropic {facts.SDK_MAJOR}. With {sdk}, some "
            "cells fail or show something else. What to do: run python3 start.py "
            "install, then restart the kernel."
        )
    return lines
