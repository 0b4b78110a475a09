"""The doctor: looks at this machine and names a remedy for each finding.

It looks and never repairs; it shows no part of a key.
"""

import datetime
import os
import re
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.request import getproxies, proxy_bypass

from launch import NEWEST
from launch.environment import what_is_missing
from launch.places import LOCK, MY_COURSE, ROOT, VENV, command, read, say
from launch.process import course_environment, go_on_as


class Finding(NamedTuple):
    """What was looked at, what it is, and a remedy if it needs one."""

    name: str
    text: str
    remedy: str = ""


def in_venv() -> bool:
    """Tell whether .venv's Python runs this."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def version_of(package: str) -> str:
    """Return the installed version of a package, or "" when it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def how_to_install() -> str:
    """Return the words that install what is missing in this environment."""
    if version_of("anthropic") and not in_venv():
        return "run  pip install -r requirements.txt  and then  pip install -e ."
    return f"run  {command('install')}"


def check_python() -> Iterator[Finding]:
    """The Python, and whether .venv is complete."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    if sys.version_info[:2] > NEWEST:
        newest = "use Python {}.{} if something fails".format(*NEWEST)
        yield Finding(
            "Python", f"{version}, newer than the course was tried with", newest
        )
    else:
        yield Finding("Python", version)
    if not what_is_missing():
        yield Finding("Environment", ".venv, complete")
    elif version_of("anthropic") and not in_venv():
        yield Finding("Environment", "your own, not the .venv that start.py makes")
    else:
        yield Finding(
            "Environment",
            ".venv is missing, half made or out of date",
            how_to_install(),
        )


PACKAGES = {
    "SDK": ["anthropic"],
    "Kernel": ["ipykernel", "jupyterlab"],
    "Widgets": ["ipywidgets", "jupyterlab_widgets"],
}


def check_packages() -> Iterator[Finding]:
    """The SDK, the kernel and the widgets; in .venv, with the versions of the lock."""
    if not version_of("anthropic"):
        return  # said already: nothing is installed
    for name, packages in PACKAGES.items():
        words = [version_in_words(package) for package in packages]
        fine = all(map(is_as_it_should_be, packages))
        yield Finding(name, ", ".join(words), "" if fine else how_to_install())
    if not find_spec("helpers"):
        what = "the package of the course cannot be imported"
        yield Finding("Helpers", what, how_to_install())


def locked(package: str) -> list[str]:
    """Return a package's versions in the lock; several where Pythons differ."""
    line = package.replace("_", "-")
    return re.findall(rf"^{line}==(\S+)", read(LOCK), re.M)


def is_as_it_should_be(package: str) -> bool:
    """Tell whether a package has the version of the lock; any will do outside .venv."""
    version = version_of(package)
    return version in locked(package) or bool(version and not in_venv())


def version_in_words(package: str) -> str:
    """Return "anthropic 2.11.0", and what the lock has if that is another version."""
    version = version_of(package)
    if not version or version in locked(package):
        return f"{package} {version or 'missing'}"
    return f"{package} {version} (locked: {' or '.join(locked(package))})"


def check_port() -> Iterator[Finding]:
    """Whether a program may talk to another one on this machine, as JupyterLab must."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        why = error.strerror or error
        what = f"this machine does not let a program talk to itself ({why})"
        yield Finding(
            "Port", what, "allow Python on 127.0.0.1 in your firewall or virus scanner"
        )
        return
    try:
        socket.create_connection(("127.0.0.1", 8888), timeout=1).close()
        taken = "; 8888 is in use, so JupyterLab takes another one"
    except OSError:
        taken = ""
    yield Finding("Port", "127.0.0.1 answers" + taken)


def check_proxy() -> Iterator[Finding]:
    """Whether a proxy stands between this machine and itself.

    Its address is not shown: it may hold a password.
    """
    proxies = sorted(set(getproxies()) & {"http", "https", "all"})
    if not proxies:
        yield Finding("Proxy", "none")
    elif proxy_bypass("127.0.0.1") and proxy_bypass("localhost"):
        yield Finding(
            "Proxy", f"set ({', '.join(proxies)}), and left out for this machine itself"
        )
    else:
        what = f"set ({', '.join(proxies)}), also for this machine itself"
        yield Finding(
            "Proxy", what, "set the variable NO_PROXY to  localhost,127.0.0.1"
        )


def what_is_wrong_with_key(key: str) -> str:
    """Return what is wrong with the shape of an API key, or ""; no part of it."""
    if key != key.strip():
        return "has a space or a line end before or after it"
    if key[:1] in "\"'" or key[-1:] in "\"'":
        return "has a quote before or after it"
    if not key.isascii() or not key.isprintable() or " " in key:
        return (
            "holds a character that no key has "
            "(a space, a curly quote, an invisible one)"
        )
    if any(
        mark in key.lower() for mark in ("your", "xxx", "...", "<", "paste", "example")
    ):
        return "is still the placeholder"
    if not key.startswith("sk-ant-") or len(key) < 40:
        return (
            "does not look like a key of the Claude API "
            "(another beginning, or too short)"
        )
    return ""


def check_settings() -> Iterator[Finding]:
    """Whether `.env` lies where it is read, under its name, and as plain text."""
    dotenv = ROOT / ".env"
    misnamed = ROOT / ".env.txt"
    misplaced = MY_COURSE / ".env"
    if not dotenv.exists() and misnamed.exists():
        what = "the file is called .env.txt, so it is not read"
        yield Finding("Settings", what, "rename it to .env")
    if not dotenv.exists() and misplaced.exists():
        what = f".env lies in {MY_COURSE.name}, so it is not read"
        yield Finding("Settings", what, "move it beside start.py")
    start = dotenv.read_bytes()[:200] if dotenv.is_file() else b""
    marks = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
    if start.startswith(marks) or 0 in start:
        what = ".env begins with invisible bytes, so programs misread its first line"
        yield Finding("Settings", what, "save it again as UTF-8, without BOM")


def check_mode() -> Iterator[Finding]:
    """Replay or live, as `setup` in a lesson decides it, and the shape of the key."""
    if not version_of("anthropic"):
        return
    yield from check_settings()
    try:
        from dotenv import dotenv_values  # not there before .venv is

        from helpers.settings import decide_mode

        values = dotenv_values(ROOT / ".env", encoding="utf-8-sig")
        mode = decide_mode(os.environ, values)
    except Exception as error:  # whatever it is, the other findings should be seen
        what = f"not known ({type(error).__name__})"
        remedy = "look at the findings above, and compare .env with .env.example"
        yield Finding("Mode", what, remedy)
        return
    yield Finding("Mode", f"{mode.name}: {mode.why}")
    where, key = ".env", values.get("ANTHROPIC_API_KEY")
    if not key and mode.name == "live":
        where, key = "the environment", os.environ.get("ANTHROPIC_API_KEY")
    if not key:
        return
    wrong = what_is_wrong_with_key(key)
    if wrong:
        remedy = "copy it again: the whole key, nothing else"
        yield Finding("Key", f"the key in {where} {wrong}", remedy)
    else:
        yield Finding("Key", f"the key in {where} has the right shape (not tried)")


def check_clock() -> Iterator[Finding]:
    """The date and the variables for certificates, which secure connections need."""
    today = datetime.date.today()
    written = re.search(
        r"\d{4}-\d{2}-\d{2}", read(LOCK)[:400]
    )  # in the command that made it
    locked = datetime.date.fromisoformat(written.group()) if written else today
    if (
        not locked
        <= today + datetime.timedelta(days=1)
        <= locked.replace(year=locked.year + 10)
    ):
        what = f"{today} cannot be right, so secure connections will fail"
        yield Finding("Clock", what, "set the date of this computer")
    else:
        yield Finding("Clock", f"{today}")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name) and not Path(os.environ[name]).exists():
            what = (
                f"{name} names a file that is not there: secure connections will fail"
            )
            yield Finding(
                "Certificates", what, f"remove the variable {name}, or correct it"
            )


CHECKS = (
    check_python,
    check_packages,
    check_port,
    check_proxy,
    check_mode,
    check_clock,
)


def findings() -> list[Finding]:
    """Return what the doctor sees with the Python that runs this."""
    return [finding for check in CHECKS for finding in check()]


def doctor(arguments: list[str]) -> int:
    """Say what is fine and what is not, with a remedy for each; 0 when all is fine."""
    if not what_is_missing() and not in_venv():
        return go_on_as(["-m", "launch", "doctor"], course_environment(os.environ))
    seen = findings()
    for finding in seen:
        mark = "! look" if finding.remedy else "+ ok  "
        say(f"{mark}  {finding.name:<12} {finding.text}")
        if finding.remedy:
            say(f"{'':21} -> {finding.remedy}")
    look = [finding for finding in seen if finding.remedy]
    if look:
        say(f"\n{len(look)} of {len(seen)} need a look.")
        return 1
    say(f"\nAll {len(seen)} are fine.")
    return 0
