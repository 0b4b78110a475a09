"""Installs the lock into .venv with uv or pip, hashes checked, and explains a failure.

It must not make .venv, and knows no package by name.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence

from launch import NEWEST
from launch.places import (
    LOCK,
    ROOT,
    STATE,
    VENV,
    StartError,
    name_of,
    python_of,
    read,
    say,
    site_packages,
    write_whole,
)

LOG = STATE / "install.log"
# Settings that would send packages to another place than .venv.
ELSEWHERE = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_DRY_RUN",
    "PYTHONPATH",
    "PYTHONHOME",
)


def install(uv: str | None) -> None:
    """Install requirements.txt into .venv, bytecode compiled. Raises StartError.

    uv is tried first where there is one; pip next, which knows settings (a mirror, a
    proxy) that uv does not read.
    """
    python = str(python_of(VENV))
    attempts = []
    if uv:
        attempts.append(
            [uv, "pip", "install", "--python", python, "--compile-bytecode"]
        )
    if any((folder / "pip").is_dir() for folder in site_packages()):
        pip = [
            python,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
        ]
        attempts.append(pip)
    output = ""
    for attempt in attempts:
        code, printed = run([*attempt, "--require-hashes", "-r", str(LOCK)])
        if code == 0:
            return
        output += printed
    sentence = why_install_failed(output)
    with contextlib.suppress(OSError):  # the disk may be full
        write_whole(LOG, output.encode("utf-8"))
        sentence += f" (What was printed: {name_of(LOG)})"
    raise StartError(sentence)


def run(command: Sequence[str]) -> tuple[int, str]:
    """Run an installer, counting packages; return its exit code and output."""
    environ = {**os.environ, "PIP_USER": "0", "PYTHONIOENCODING": "utf-8"}
    for name in ELSEWHERE:
        environ.pop(name, None)
    lines = []
    fetched = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environ,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Collecting"):
                fetched += 1
                show_progress(f"fetched {fetched} of about {locked_packages()}")
            elif line.startswith("Installing"):
                show_progress("unpacking")
    show_progress("")
    return process.returncode, "".join(lines)


def locked_packages() -> int:
    """Return how many packages the lock names."""
    return len(
        {line.split("==")[0] for line in read(LOCK).splitlines() if line[:1].isalnum()}
    )


def show_progress(what: str) -> None:
    """Show one line that the next replaces, on a terminal only; "" takes it away."""
    if sys.stdout.isatty():
        print(f"\r  {what:<40}", end="" if what else "\r", flush=True)


# What an installer prints when it fails, and the sentence for it; the first that fits.
INSTALL_PROBLEMS = {
    "no space left|errno 28|os error 28": (
        "The disk is full: free about 1 GB and run this again."
    ),
    "do not match the hashes|hash mismatch": (
        "A downloaded package is not the one that the course was tested with (another "
        "checksum): use a network that does not change downloads, and run this again."
    ),
    "certificate.?verify|invalid peer certificate|sslerror|unknownissuer": (
        "The download could not be trusted (certificate problem): check the date of "
        "your clock; in a network of a company or school set PIP_CERT and "
        "SSL_CERT_FILE to its certificate file; then run this again."
    ),
    "long path": (
        "A path is too long for Windows: move the course to a short one, such as "
        "C:\\course, and run this again."
    ),
    "name resolution|getaddrinfo|nodename nor servname|newconnectionerror|dns error"
    "|error sending|connect error|connection refused|unreachable|failed to establish"
    "|proxyerror|timed out|max retries|failed to fetch|from versions: none": (
        "The packages could not be downloaded: connect to the internet (behind a proxy "
        "set HTTPS_PROXY) and run this again; only the first start needs it."
    ),
}


def why_install_failed(output: str) -> str:
    """Return the sentence for what pip or uv printed."""
    for marks, sentence in INSTALL_PROBLEMS.items():
        if re.search(marks, output, re.I):
            return sentence
    say("\n".join(line for line in output.splitlines()[-12:] if line.strip()))
    sentence = (
        "The packages could not be installed, for the reason above; run this again, or "
    )
    if sys.version_info[:2] > NEWEST:
        return sentence + "use Python {}.{}, the newest that was tried.".format(*NEWEST)
    return sentence + "delete the folder .venv first if it happens twice."
