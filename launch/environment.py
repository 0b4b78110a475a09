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
from launch.install import install, installer_environment
from launch.lock import alone
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
from launch.process import without_proxies, without_python_variables

STAMP = VENV / "course-installed.txt"  # written last: what is installed here
UNFINISHED = VENV / "course-unfinished.txt"  # there while .venv is being made
COURSE_PTH = "course.pth"  # in .venv's site-packages: where the course is
PATIENCE = 600  # seconds; imports right after an install are slow under a virus scanner
NEEDED = {  # package: a module of it that is really used
    "anthropic": "anthropic",
    "ipykernel": "ipykernel.kernelapp",
    "ipywidgets": "ipywidgets",
    "jupyterlab": "jupyterlab.labapp",
    "python-dotenv": "dotenv",
}


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
    if read(site_packages()[0] / COURSE_PTH) != course_line():
        return "packages"
    return "everything" if lost_packages() else ""


def needed() -> dict[str, str]:
    """Return what no start can do without and the lock has: package and module."""
    return {
        package: module
        for package, module in NEEDED.items()
        if re.search(rf"^{package}==", read(LOCK), re.M)
    }


def lost_packages() -> list[str]:
    """Return which of the packages that no start can do without are not in .venv."""
    [folder] = site_packages()
    return [
        package
        for package, module in needed().items()
        if not (folder / module.partition(".")[0]).is_dir()
    ]


def why_broken() -> str:
    """Return why .venv's Python cannot import what no start can do without, or ""."""
    # A folder of which only a part is left is imported too, but has no file.
    code = "from importlib import import_module as get\n" + "\n".join(
        f"assert get({module!r}).__file__, '{module} is gone in part'"
        for module in needed().values()
    )
    try:
        done = ask_venv(code)
    except subprocess.TimeoutExpired:
        return f"it gave no answer in {PATIENCE // 60} minutes"
    except OSError as error:
        return type(error).__name__
    if done.returncode == 0:
        return ""
    printed = done.stderr.split("\n")
    return next((line for line in reversed(printed) if line), "it ended in silence")


def course_line() -> str:
    """Return what COURSE_PTH says, so that the course is imported from anywhere."""
    # A relative line keeps working when the folder is moved, and is plain ASCII.
    return os.path.relpath(ROOT, site_packages()[0]) + "\n"


def prepare(thorough: bool = False) -> None:
    """Make .venv and install the lock; do nothing when that was done before.

    `thorough` imports what was installed, which takes some seconds.
    """
    if not what_is_missing() and not (thorough and why_broken()):
        return
    with alone():
        missing = what_is_missing()  # again: another start may have done it meanwhile
        if not missing and why_broken():
            missing = "everything"
        if missing:
            complete(missing)


def complete(missing: str) -> None:
    """Make or complete .venv. Raises StartError."""
    uv = shutil.which("uv")
    if missing == "packages" and not usable(with_pip=not uv):
        missing = "everything"  # not made by this file, and of no use as it is
    if missing == "everything":
        make_venv(uv)
    if not usable(with_pip=not uv):
        raise StartError(
            "The Python in .venv does not keep its packages in the course's folder, so "
            "nothing was installed: delete the folder .venv, run this again with a "
            "Python from https://www.python.org/downloads/, and see whether it helps."
        )
    say("Installing the packages of the course into .venv (once, some minutes) ...")
    install(uv)
    lost = lost_packages()
    if lost:
        raise StartError(
            f"{', '.join(lost)} cannot be found in .venv after all was installed: "
            "delete the folder .venv and run this again."
        )
    why = why_broken()
    if why:
        raise StartError(
            f"What was installed cannot be imported by the Python in .venv ({why}): "
            "delete the folder .venv and run this again; if it happens twice, use "
            "another version of Python."
        )
    (site_packages()[0] / COURSE_PTH).write_text(course_line(), encoding="ascii")
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


def ask_venv(code: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of Python in .venv, away from the learner's modules and settings."""
    return subprocess.run(
        [str(python_of(VENV)), "-I", "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE,
        env=without_proxies(without_python_variables(os.environ)),
    )


def usable(with_pip: bool) -> bool:
    """Tell whether packages can be installed into .venv, and would stay in it.

    Its Python must start and be new enough, have pip if needed, and keep its packages
    within the course's folder: not beside those of another Python, as when pyvenv.cfg
    is lost, and not in a folder that .venv or a part of it is linked to.
    """
    if re.search(r"^include-system-site-packages *= *true", settings_of_venv(), re.M):
        return False  # what is there already would not be installed
    inside = f"pathlib.Path({str(ROOT)!r}).resolve() / {VENV.name!r}"
    code = (
        "import sys, sysconfig, pathlib; "
        f"assert sys.version_info >= {OLDEST}; "
        "places = [sysconfig.get_path(name) for name in ('purelib', 'scripts')]; "
        f"assert all({inside} in pathlib.Path(place).resolve().parents "
        "for place in places)"
    )
    if with_pip:
        code += "; import pip"
    try:
        return ask_venv(code).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def settings_of_venv() -> str:
    """Return pyvenv.cfg, in lower case, or ""."""
    return read(VENV / "pyvenv.cfg").lower()


def venv_command(uv: str | None) -> list[str]:
    """Return the command that makes .venv. Raises StartError when there is no way."""
    if os.pathsep in str(VENV):
        raise StartError(
            f"Python makes no environment in a folder whose path has a {os.pathsep} in "
            f"it, as {ROOT}: give the folder another name, and run this again."
        )
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
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=installer_environment(os.environ),
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
