"""What the doctor sees of the machine: ports, proxies, certificates, clock and disk.

It must not know the course's packages, and shows no address that may hold a password.
"""

import datetime
import os
import re
import shutil
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from launch.places import LOCK, MY_COURSE, ROOT, STATE, Finding, read

HTTP_PROXY = "http proxy"  # the kind that every program of the course can use
ENOUGH = 200 * 1024 * 1024  # bytes that a day of learning may take


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


def check_proxy(live: bool, error: str) -> Iterator[Finding]:
    """The proxies that are set, and what they mean for replay and for live.

    `error` is the kind of error with which the SDK refuses to work with them, or "".
    Their addresses are not shown: they may hold a password.
    """
    proxies = getproxies()
    kinds = [
        f"{name}: {kind_of_proxy(proxies[name])}"
        for name in ("http", "https", "all")
        if proxies.get(name)
    ]
    if ranges := [host for host in proxies.get("no", "").split(",") if ":" in host]:
        kinds.append(f"NO_PROXY with {ranges[0].strip()}")
    if not kinds:
        yield Finding("Proxy", "none")
        return
    what = f"{'; '.join(kinds)}. Replay stays on this machine and needs no proxy"
    if not error:
        yield Finding("Proxy", f"{what}; live uses it")
        return
    what += f"; live cannot work with this ({error})"
    remedy = (
        "for live, name an http proxy in HTTPS_PROXY, and take out the variables of "
        "other kinds (ALL_PROXY, and what has a colon in NO_PROXY)"
    )
    yield Finding("Proxy", what, remedy if live else "")


def unusable_proxies(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables for proxies with which httpx makes no client.

    JupyterLab and the SDK use httpx: they end with an error, whether or not they need
    the network.
    """
    unusable = []
    for name, value in environ.items():
        what, _, proxy = name.lower().rpartition("_")
        if proxy != "proxy" or not value:
            continue
        if what == "no" and ":" in value:  # an IPv6 address
            unusable.append(name)
        if what in ("http", "https", "all") and kind_of_proxy(value) != HTTP_PROXY:
            unusable.append(name)
    return unusable


def kind_of_proxy(address: str) -> str:
    """Return "http proxy", "SOCKS proxy", ...: no part of the address but its kind."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        usable = parts.port != 0 and parts.hostname
    except ValueError:
        usable = None
    if not usable or parts.path not in ("", "/") or parts.fragment:
        return "an address that is no proxy's (its port, or a sign in its password)"
    if parts.scheme in ("http", "https"):
        return HTTP_PROXY
    if parts.scheme.startswith("socks"):
        return "SOCKS proxy"
    return "of an unknown kind"


def check_clock() -> Iterator[Finding]:
    """The date, which secure connections need."""
    today = datetime.date.today()
    # The date stands in the command that made the lock.
    written = re.search(r"\d{4}-\d{2}-\d{2}", read(LOCK)[:400])
    locked = datetime.date.fromisoformat(written.group()) if written else today
    earliest = locked - datetime.timedelta(days=1)
    if earliest <= today <= locked.replace(year=locked.year + 10):
        yield Finding("Clock", f"{today}")
        return
    what = f"{today} cannot be right, so secure connections will fail"
    yield Finding("Clock", what, "set the date of this computer")


def check_certificates() -> Iterator[Finding]:
    """The variables for certificates; nothing when they are in order."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        value = os.environ.get(name)
        wrong = what_is_wrong_with_certificates(Path(value)) if value else ""
        if wrong:
            what = f"{name} names {wrong}: secure connections will fail"
            remedy = f"remove the variable {name}, or correct it"
            yield Finding("Certificates", what, remedy)


def what_is_wrong_with_certificates(path: Path) -> str:
    """Return what stands in the way of using a file of certificates, or ""."""
    if not path.exists():
        return "a file that is not there"
    if path.is_dir():
        return ""
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        return "a file without certificates"
    except OSError:
        return "a file that your account may not read"
    return ""


def check_disk() -> Iterator[Finding]:
    """Whether what a learner does can be kept."""
    for folder in (MY_COURSE, STATE):
        if folder.exists() and not folder.is_dir():
            what = f"{folder} is a file, and the course needs a folder of that name"
            yield Finding("Disk", what, "give the file another name")
            return
    place = next(place for place in (STATE, MY_COURSE, ROOT) if place.exists())
    if not os.access(place, os.W_OK):
        what = f"nothing can be written into {place}, so your work would not be kept"
        remedy = "copy the course, without .venv, to a folder of your own"
        yield Finding("Disk", what, remedy)
        return
    free = shutil.disk_usage(place).free
    remedy = "" if free > ENOUGH else "free some space: your work may not be kept"
    yield Finding("Disk", f"{free / 1024**3:.1f} GB free", remedy)
