"""Makes .venv and sees whether it is complete; quick when there is nothing to do.

It must not open anything, and writes into .venv only.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

from launch import OLDEST
from launch.install import install
from launch.places import (
    LOCK,
    ROOT,
    VENV,
    WINDOWS,
    StartError,
    python_of,
    read,
    say,
    site_packages,
)

STAMP = VENV / "course-installed.txt"  # written last: what is installed here
UNFINISHED = VENV / "course-unfinished.txt"  # there while .venv is being made


def stamp_text() -> str:
    """Return what STAMP says when this very lock is installed for .venv's Python."""
    made_by = re.search(
        r"^version(?:_info)? *= *(\d+\.\d+)", read(VENV / "pyvenv.cfg"), re.M
    )
    version = made_by.group(1) if made_by else "unknown"
    return f"python {version}\nlock {hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"


def what_is_missing() -> str:
    """Return "" when .venv is ready, "packages" when the lock must be installed.

    "everything" when it must be made anew: not there, half made, or its Python gone or
    replaced. Without pyvenv.cfg its Python would be the learner's own.
    """
    python = python_of(VENV)
    whole = python.exists() and (VENV / "pyvenv.cfg").exists() and site_packages()
    if not whole or UNFINISHED.exists():
        return "everything"
    # A system upgrade replaces the Python that .venv points to.
    now = re.search(r"python(3\.\d+)$", os.path.realpath(python))
    if now and f"python{now.group(1)}" != site_packages()[0].parent.name:
        return "everything"
    if read(STAMP) != stamp_text():
        return "packages"
    return "everything" if lost_packages() else ""


def lost_packages() -> list[str]:
    """Return what no start can do without and the lock has, but .venv has not."""
    needed = ("anthropic", "jupyterlab", "ipykernel")
    locked = [name for name in needed if re.search(rf"^{name}==", read(LOCK), re.M)]
    [folder] = site_packages()
    return [name for name in locked if not (folder / name).is_dir()]


def prepare() -> None:
    """Make .venv and install the lock; do nothing when that was done before."""
    missing = what_is_missing()
    if not missing:
        return
    uv = shutil.which("uv")
    if missing == "packages" and not STAMP.exists() and not usable(with_pip=not uv):
        missing = "everything"  # not made by this file, and of no use as it is
    if missing == "everything":
        make_venv(uv)
    say("Installing the packages of the course into .venv (once, some minutes) ...")
    install(uv)
    if lost_packages():
        raise StartError(
            f"{', '.join(lost_packages())} went to another place than .venv: look for "
            "a target, prefix or root in the settings of pip (python3 -m pip config "
            "list), take it out, and run this again."
        )
    for folder in site_packages():
        # A relative line keeps working when the folder is moved, and is plain ASCII.
        line = os.path.relpath(ROOT, folder) + "\n"
        (folder / "course.pth").write_text(line, encoding="ascii")
    silence_news()
    STAMP.write_text(stamp_text(), encoding="utf-8")
    UNFINISHED.unlink(missing_ok=True)
    say("Installed.")


def base_python() -> str:
    """Return the Python itself, not that of an environment that is active."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    if WINDOWS:
        return str(getattr(sys, "_base_executable", sys.executable))
    return os.path.realpath(sys.executable)  # Python 3.10 has no better way


def usable(with_pip: bool) -> bool:
    """Tell whether the Python in .venv starts, is new enough, and has pip if needed."""
    code = f"import sys; assert sys.version_info >= {OLDEST}"
    if with_pip:
        code += "; import pip"
    try:
        command = [str(python_of(VENV)), "-c", code]
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def venv_command(uv: str | None) -> list[str]:
    """Return the command that makes .venv. Raises StartError when there is no way."""
    python = base_python()
    if find_spec("venv") and find_spec("ensurepip"):
        return [python, "-m", "venv", str(VENV)]
    if uv:
        return [uv, "venv", "--allow-existing", "--python", python, str(VENV)]
    version = "{}.{}".format(*sys.version_info[:2])
    raise StartError(
        f"This Python has no venv module: on Debian or Ubuntu run  sudo apt install "
        f"python{version}-venv  (on other systems install Python from "
        "https://www.python.org/downloads/), then run this again."
    )


def make_venv(uv: str | None) -> None:
    """Make an empty .venv, in place of whatever was left there. Raises StartError."""
    command = venv_command(uv)  # before .venv goes, which may be what runs this
    remove_venv()
    say("Making .venv ...")
    try:
        VENV.mkdir()
        UNFINISHED.touch()
    except OSError as error:
        raise StartError(
            f"Nothing can be written into this folder ({error.strerror}): move or copy "
            "the course to a folder of your own, for example in your home folder, and "
            "run this again there."
        ) from error
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode == 0 and python_of(VENV).exists():
        return
    output = (done.stdout + done.stderr).strip()
    if re.search("no space left|errno 28", output, re.I):
        raise StartError("The disk is full: free about 1 GB and run this again.")
    say(output)
    raise StartError(
        "Python could not make an environment, for the reason above: on Debian or "
        "Ubuntu  sudo apt install python3-venv  is the usual remedy; then run this "
        "again."
    )


def remove_venv() -> None:
    """Remove what was left of an earlier .venv, if anything. Raises StartError."""
    if not VENV.exists() and not VENV.is_symlink():
        return
    say("Removing a .venv that is half made or cannot run here ...")
    try:
        if VENV.is_dir() and not VENV.is_symlink():
            shutil.rmtree(VENV)
        else:
            VENV.unlink()
    except OSError as error:
        raise StartError(
            f"The old .venv folder cannot be removed ({error.strerror}): close "
            "JupyterLab and every terminal that uses it, delete the folder .venv, and "
            "run this again."
        ) from error


def silence_news() -> None:
    """Answer JupyterLab's question about news with no, for this .venv only."""
    no = {"fetchNews": "false", "checkForUpdates": False}
    settings = VENV / "share/jupyter/lab/settings"
    settings.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"@jupyterlab/apputils-extension:notification": no}, indent=2)
    (settings / "overrides.json").write_text(text + "\n", encoding="utf-8")
