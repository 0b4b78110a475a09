"""Installs the lock into .venv with uv or pip, hashes checked, and explains a failure.

It must not make .venv, and knows no package by name.
"""

import ast
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

from launch import NEWEST
from launch.places import (
    LOCK,
    ROOT,
    STATE,
    VENV,
    WHEELS,
    StartError,
    name_of,
    python_of,
    read,
    say,
    site_packages,
    write_whole,
)
from launch.process import without_python_variables

LOG = STATE / "install.log"
# The settings of pip that count, from variables and from its files: where packages come
# from, and how they are reached. No other does: a target, a prefix, another Python and
# their like would send the packages out of the course's folder.
KEPT_OF_PIP = (
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "keyring-provider",
    "no-cache-dir",
    "no-index",
    "prefer-binary",
    "proxy",
    "pypi-url",
    "resume-retries",
    "retries",
    "timeout",
    "trusted-host",
    "use-deprecated",
    "use-feature",
)
KEPT_OF_UV = (  # the beginnings of names
    "UV_CACHE_DIR",
    "UV_CONCURRENT",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_",
    "UV_INDEX",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_NATIVE_TLS",
    "UV_NO_CACHE",
    "UV_NO_INDEX",
    "UV_OFFLINE",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
)
OF_OTHER_ENVIRONMENTS = ("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV")
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


def install(uv: str | None) -> None:
    """Install requirements.txt into .venv, bytecode compiled. Raises StartError.

    uv is tried first where there is one; pip next, which knows settings (a mirror, a
    proxy) that uv does not read.
    """
    python = str(python_of(VENV))
    environ = installer_environment(os.environ)
    attempts = []
    if uv:
        into = ["--python", python, "--compile-bytecode"]
        attempts.append([uv, "pip", "install", *into])
    if any((folder / "pip").is_dir() for folder in site_packages()):
        environ |= settings_of_pip(python, environ)
        attempts.append([python, *PIP, "install"])
    output = ""
    for attempt in attempts:
        locked = [*from_kit(), "--require-hashes", "-r", str(LOCK)]
        code, printed = run([*attempt, *locked], environ)
        if code == 0:
            return
        output += printed
    sentence = not_in_kit() if from_kit() else why_install_failed(output)
    with contextlib.suppress(OSError):  # the disk may be full
        write_whole(LOG, without_secrets(output).encode("utf-8"))
        sentence += f" (What was printed: {name_of(LOG)})"
    raise StartError(sentence)


def from_kit() -> list[str]:
    """Return the words that install from the wheels of an offline kit, if any."""
    return ["--no-index", "--find-links", str(WHEELS)] if WHEELS.is_dir() else []


def not_in_kit() -> str:
    """Return the sentence for an offline kit whose packages do not fit this machine."""
    version = "{}.{}".format(*sys.version_info[:2])
    return (
        f"The folder {WHEELS.name} of this kit does not have all packages for Python "
        f"{version} on this system, or some files in it are damaged: use a Python for "
        f"which the kit was made, or, with a network, delete the folder {WHEELS.name}; "
        "then run this again."
    )


def without_secrets(output: str) -> str:
    """Return an output without what may be secret in the addresses of an index."""
    plain = re.sub(r"://[^/\s@]+@", "://", output)
    return re.sub(r"(://[^\s?]+)\?[^\s'\")]+", r"\1?(not kept)", plain)


def installer_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without what sends packages elsewhere, for uv and for pip.

    The files of settings of both are left out; `settings_of_pip` reads those of pip.
    """
    made = {}
    for name, value in without_python_variables(environ).items():
        known = name.upper()
        if known.startswith("UV_") and not known.startswith(KEPT_OF_UV):
            continue
        if known.startswith("PIP_") or known in OF_OTHER_ENVIRONMENTS:
            continue
        made[name] = value
    made |= {"UV_NO_CONFIG": "1", "PIP_CONFIG_FILE": os.devnull}
    return made | {"PYTHONIOENCODING": "utf-8"}


def settings_of_pip(python: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return as variables what of the learner's own settings of pip counts here.

    pip is asked, because only it knows where its files lie on each system.
    """
    own = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    asking = {**environ, **own}
    if "PIP_CONFIG_FILE" not in own:
        del asking["PIP_CONFIG_FILE"]
    asking.pop("PIP_PYTHON", None)  # pip would go on in that Python
    done = subprocess.run(
        [python, *PIP, "config", "list"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=asking,
    )
    listed = re.findall(r"^(global|install|:env:)\.([\w-]+)=(.*)$", done.stdout, re.M)
    settings = {}
    for section in ("global", "install", ":env:"):  # the later wins, as in pip
        for where, name, value in listed:
            if where == section and name in KEPT_OF_PIP and value != "''":
                variable = "PIP_" + name.upper().replace("-", "_")
                settings[variable] = str(ast.literal_eval(value))
    return settings


def run(command: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
    """Run an installer, counting packages; return its exit code and output."""
    lines = []
    fetched = 0
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environ,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Collecting"):
                    fetched += 1
                    show_progress(f"fetched {fetched} of about {locked_packages()}")
                elif line.startswith("Installing"):
                    show_progress("unpacking")
        except BaseException:  # Ctrl-C: it must not go on behind the learner's back
            process.kill()
            raise
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


NO_NETWORK = (
    "name resolution|getaddrinfo|nodename nor servname|newconnectionerror|dns error"
    "|error sending|connect error|connection refused|unreachable|failed to establish"
    "|proxyerror|timed out|max retries|failed to fetch|from versions: none"
)
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
    "missing dependencies for socks": (
        "pip cannot use a SOCKS proxy: set HTTPS_PROXY to an http proxy and take "
        "ALL_PROXY out, for this command at least, or use a network without a proxy; "
        "then run this again. Only the first start needs the network."
    ),
    "long path": (
        "A path is too long for Windows: move the course to a short one, such as "
        "C:\\course, and run this again."
    ),
    NO_NETWORK: (
        "The packages could not be downloaded: connect to the internet (behind a proxy "
        "set HTTPS_PROXY, or correct it) and run this again; only the first start "
        "needs it."
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
