"""Runs the course with another version of the SDK, in an environment of its own.

The environment is made for one run and removed after it, so .venv is never touched. It
must not know what is run and compared: authoring/other_sdk.py does.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from launch.environment import base_python
from launch.install import (
    NO_NETWORK,
    PIP,
    installer_environment,
    run,
    settings_of_pip,
    why_install_failed,
    without_secrets,
)
from launch.places import LOCK, ROOT, STATE, StartError, command, python_of, read, say
from launch.process import course_environment

SDK = "anthropic"
NEWEST, PRE = "newest", "pre"
# A marker of a pre-release in the requirement itself lets pip and uv take one, for this
# package alone.
REQUIREMENTS = {NEWEST: SDK, PRE: f"{SDK}>=0a0"}
VERSION = r"\d+(\.\d+)*((a|b|rc)\d+)?(\.?(post|dev)\d+)?"
PROGRAM = "authoring.other_sdk"


def with_other_sdk(arguments: Sequence[str]) -> int:
    """Run the course, or the lessons named, with an SDK; return 0 when nothing differs.

    `arguments` are a version, `newest` or `pre`, and lessons. Raises StartError.
    """
    wanted = requirement(arguments[0] if arguments else "")
    STATE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix="sdk-", dir=STATE, ignore_cleanup_errors=True
    ) as folder:
        python = make(Path(folder), wanted)
        environ = course_environment(os.environ)
        environ["VIRTUAL_ENV"] = str(python.parent.parent)
        environ["PATH"] = os.pathsep.join([str(python.parent), environ["PATH"]])
        words = [str(python), "-m", PROGRAM, *arguments[1:]]
        return subprocess.call(words, cwd=ROOT, env=environ)


def requirement(word: str) -> str:
    """Return what pip must look for. Raises StartError for a word that names no SDK."""
    if word in REQUIREMENTS:
        return REQUIREMENTS[word]
    if re.fullmatch(VERSION, word):
        return f"{SDK}=={word}"
    found = f'"{word}" is no version' if word else "No version is named"
    raise StartError(
        f"{found} of the package {SDK}: name one, as in  "
        f"{command('test --sdk 2.5.0')}  , "
        f'or "{NEWEST}", or "{PRE}" for the newest with pre-releases.'
    )


def make(folder: Path, wanted: str) -> Path:
    """Make an environment with the lock and this SDK; return its Python.

    The SDK is fetched first, because it is what may be missing. Raises StartError.
    """
    say(f"Making an environment for {wanted} ...")
    venv = folder / "venv"
    done = subprocess.run(
        [base_python(), "-m", "venv", str(venv)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=installer_environment(os.environ),
    )
    python = python_of(venv)
    if done.returncode or not python.exists():
        say((done.stdout + done.stderr).strip())
        raise StartError("Python could not make an environment, for the reason above.")
    install(python, ["--no-deps", wanted], wanted)
    rest = folder / "requirements.txt"
    rest.write_text(without_sdk(read(LOCK)), encoding="utf-8")
    say("Installing the other packages of the lock ...")
    install(python, ["--no-deps", "-r", str(rest)], wanted)
    install(python, [installed(python)], wanted)  # with what this version needs besides
    return python


def without_sdk(lock: str) -> str:
    """Return the lock without the SDK: its line, and the lines with its checksums."""
    return re.sub(rf"^{SDK}==.*\n([ \t]+.*\n)*", "", lock, flags=re.MULTILINE)


def installed(python: Path) -> str:
    """Return the SDK that an environment has, as a requirement for exactly this one."""
    code = f"from importlib.metadata import version; print(version({SDK!r}))"
    shown = subprocess.run(
        [str(python), "-I", "-c", code],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return f"{SDK}=={shown.stdout.strip()}"


def install(python: Path, words: Sequence[str], wanted: str) -> None:
    """Install into an environment, with uv if there is one, else or then with pip."""
    environ = installer_environment(os.environ)
    attempts: list[tuple[list[str], Mapping[str, str]]] = []
    uv = shutil.which("uv")
    if uv:
        attempts.append(([uv, "pip", "install", "--python", str(python)], environ))
    settings = settings_of_pip(str(python), environ)
    attempts.append(([str(python), *PIP, "install"], {**environ, **settings}))
    output = ""
    for attempt, variables in attempts:
        code, output = run([*attempt, *words], variables)
        if code == 0:
            return
    raise StartError(why_not(without_secrets(output), wanted))


def why_not(output: str, wanted: str) -> str:
    """Return the sentence for an SDK that could not be installed."""
    if re.search(NO_NETWORK, output, re.I):
        return (
            f"{wanted} could not be downloaded: connect to the internet (behind a "
            "proxy set HTTPS_PROXY, or correct it) and run this again. Without a "
            f"network only the SDK of .venv can be tested:  {command('test')}"
        )
    if re.search("no matching distribution|could not find a version", output, re.I):
        offered = re.search(r"from versions: (.*)\)", output)
        newest = (
            f" The newest are {', '.join(last(offered.group(1)))}." if offered else ""
        )
        return f"There is no {wanted} for this Python.{newest}"
    return why_install_failed(output)


def last(versions: str) -> list[str]:
    """Return the last three of pip's list of versions, which are the newest."""
    return versions.split(", ")[-3:]
