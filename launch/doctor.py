"""The doctor: looks at this machine and names a remedy for each finding.

It looks and never repairs; it shows no part of a key.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from launch import NEWEST
from launch.environment import what_is_missing
from launch.files import handed_out
from launch.key import check_mode, is_live
from launch.machine import (
    check_certificates,
    check_clock,
    check_disk,
    check_port,
    check_proxy,
)
from launch.notebook import DamagedError, cells_of
from launch.places import (
    LOCK,
    MY_COURSE,
    ROOT,
    VENV,
    Finding,
    command,
    read,
    say,
    site_packages,
)
from launch.process import course_environment, go_on_as

PYTHONPATH = "COURSE_DOCTOR_PYTHONPATH"  # the learner's, told to .venv's Python
ROOMS = ("helpers", "courseserver", "practice")
LESSON_FOLDERS = (
    MY_COURSE / "notebooks",
    MY_COURSE / "exercises",
    MY_COURSE,
    ROOT / "notebooks",
    ROOT / "exercises",
)


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
    if PYTHONPATH in os.environ and not in_venv():
        what = "the Python in .venv belongs to another environment"
        remedy = f"delete the folder .venv, and {how_to_install()}"
        yield Finding("Environment", what, remedy)
    elif not what_is_missing():
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
    if not version_of("anthropic") and not in_venv():
        return  # said already: nothing is installed
    for name, packages in PACKAGES.items():
        words = [version_in_words(package) for package in packages]
        fine = all(map(is_as_it_should_be, packages))
        yield Finding(name, ", ".join(words), "" if fine else how_to_install())


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


def taken_names() -> set[str]:
    """Return the names of modules that a file of a learner must not have."""
    [installed] = site_packages() or [Path(sysconfig.get_path("purelib"))]
    names = {path.stem for path in installed.iterdir()} if installed.is_dir() else set()
    return names | set(sys.stdlib_module_names) | set(ROOMS)


def check_names(pythonpath: str) -> Iterator[Finding]:
    """The learner's own files that would be imported in place of a package."""
    taken = taken_names()
    for folder in LESSON_FOLDERS:
        for path in shadows(folder, taken):
            what = f"{path.relative_to(ROOT)} is imported in place of the real one"
            yield Finding("Names", what, f"rename it, as my_{path.name}")
    for part in filter(None, pythonpath.split(os.pathsep)):
        for path in shadows(Path(part).absolute(), taken):
            what = (
                f"{path}, on PYTHONPATH, takes the place of the real one in editors "
                "(start.py leaves PYTHONPATH out)"
            )
            yield Finding("Names", what, "take that folder out of PYTHONPATH")
            break  # one is enough to see what kind of folder it is


def shadows(folder: Path, taken: set[str]) -> list[Path]:
    """Return the modules and packages in a folder that have a name in `taken`."""
    if folder.resolve() == ROOT.resolve() or not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if path.stem in taken
        and (path.suffix == ".py" or (path / "__init__.py").is_file())
    ]


def check_course() -> Iterator[Finding]:
    """The files of the course and of the learner that are damaged or missing."""
    for name in handed_out(ROOT):
        if not name.endswith(".ipynb"):
            continue
        if is_damaged(ROOT / name):
            yield Finding("Course", f"{name} is damaged", how_to_restore(name))
        mine = MY_COURSE / name
        if mine.exists() and is_damaged(mine):
            remedy = f"run  {command(f'reset {name}')}  (yours is kept beside it)"
            yield Finding("Course", f"your {name} is damaged", remedy)
        recording = f"recordings/{Path(name).name.removesuffix('.ipynb')}.json"
        if name.startswith("notebooks/") and not is_json(ROOT / recording):
            what = f"{recording} is missing or damaged"
            yield Finding("Course", what, how_to_restore(recording))


def how_to_restore(name: str) -> str:
    """Return the words that give a file of the course back."""
    return f"run  git restore {name}  or take that file from a new download"


def is_damaged(notebook: Path) -> bool:
    """Tell whether a file is no notebook that can be read."""
    try:
        cells_of(notebook.read_bytes())
    except (OSError, DamagedError):
        return True
    return False


def is_json(path: Path) -> bool:
    """Tell whether a file is there and holds JSON."""
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return True


# --- a lesson, tried ---

WHAT_FAILED = {  # the step of launch/look.py that was not done
    "kernel": "no kernel starts",
    "helpers": "the helpers of the course cannot be imported in a kernel",
    "SDK": "the package anthropic cannot be imported in a kernel",
    "setup": "a kernel starts, and setup() fails in it",
    "client": "a kernel starts, and no client can be made in it",
    "request": "a kernel starts, and its request to this machine gets no answer",
}


def start_look() -> "subprocess.Popen[str]":
    """Start launch/look.py with this Python, as JupyterLab starts a lesson's kernel."""
    environ = course_environment(os.environ) if in_venv() else dict(os.environ)
    # Always replay: the doctor never asks the real API.
    environ |= {"COURSE_MODE": "replay", "COURSE_PACE": "0"}
    folders = [folder for folder in LESSON_FOLDERS if folder.is_dir()]
    alone = ["-I"] if in_venv() else []  # a file beside the lessons is not imported
    return subprocess.Popen(
        [sys.executable, *alone, "-m", "launch.look"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        env=environ,
        cwd=folders[0] if folders else ROOT,
    )


def end_look(look: "subprocess.Popen[str]") -> dict[str, Any]:
    """Return what launch/look.py saw, when it is done."""
    try:
        printed, _ = look.communicate(timeout=600)
        seen = json.loads(printed)
    except subprocess.TimeoutExpired:
        look.kill()
        seen = {"step": "kernel", "error": "it took more than ten minutes"}
    except ValueError:
        seen = {"step": "kernel", "error": f"exit code {look.returncode}"}
    assert isinstance(seen, dict)
    return seen


def check_lesson(seen: dict[str, Any]) -> Iterator[Finding]:
    """Whether a kernel starts in the lessons' folder and replay answers the SDK."""
    for package, error in seen.get("broken", {}).items():
        what = f"{package} is installed and cannot be imported ({error})"
        yield Finding("Packages", what, how_to_install())
    helpers = seen.get("helpers")
    prefix = seen.get("prefix")
    if prefix and Path(prefix).resolve() != Path(sys.prefix).resolve():
        what = f"the kernel python3 belongs to another Python ({prefix})"
        remedy = "remove it:  jupyter kernelspec remove python3"
        yield Finding("Lesson", what, remedy)
    elif helpers and Path(helpers).resolve().parents[1] != ROOT.resolve():
        what = f"a lesson would import {helpers}, which is not the course's"
        yield Finding("Lesson", what, "rename that file or folder, or move it away")
    elif seen["step"]:
        error = seen["error"] + (f": {seen['module']}" if seen.get("module") else "")
        what = f"{WHAT_FAILED[seen['step']]} ({error})"
        yield Finding("Lesson", what, how_to_go_on(seen))
    else:
        yield Finding("Lesson", "a kernel starts, and replay answers the SDK in it")


def how_to_go_on(seen: dict[str, Any]) -> str:
    """Return the remedy for a lesson that cannot be begun."""
    if seen["step"] in ("setup", "client", "request"):
        return (
            "take out the variables that Proxy and Certificates name; if they name "
            "none, download the course anew"
        )
    return f"look at the findings Names, else {how_to_install()}"


def learners_pythonpath() -> str:
    """Return PYTHONPATH as the learner set it, also when .venv's Python runs this."""
    return os.environ.get(PYTHONPATH, os.environ.get("PYTHONPATH", ""))


def findings() -> list[Finding]:
    """Return what the doctor sees with the Python that runs this."""
    seen: dict[str, Any] = {}
    found = list(check_python())
    look = start_look() if version_of("anthropic") else None
    found += [*check_packages(), *check_names(learners_pythonpath())]
    found += check_course()
    mode = list(check_mode(os.environ)) if look else []
    if look:
        seen = end_look(look)
        found += check_lesson(seen)
    found += [*check_port(), *check_proxy(is_live(), seen.get("live", ""))]
    return [*found, *mode, *check_clock(), *check_certificates(), *check_disk()]


def doctor(arguments: list[str]) -> int:
    """Say what is fine and what is not, with a remedy for each; 0 when all is fine.

    `--room` names only what needs a look, and ends in a line to read out.
    """
    # Once at most: a Python that does not become .venv's would go on for ever.
    if not what_is_missing() and not in_venv() and PYTHONPATH not in os.environ:
        environ = course_environment(os.environ)
        environ[PYTHONPATH] = os.environ.get("PYTHONPATH", "")
        return go_on_as(["-m", "launch", "doctor", *arguments], environ)
    room = "--room" in arguments
    seen = findings()
    look = [finding for finding in seen if finding.remedy]
    for finding in look if room else seen:
        mark = "! look" if finding.remedy else "+ ok  "
        say(f"{mark}  {finding.name:<12} {finding.text}")
        if finding.remedy:
            say(f"{'':21} -> {finding.remedy}")
    if room:
        say(line_for_the_room(seen))
    elif look:
        say(f"\n{len(look)} of {len(seen)} need a look.")
    else:
        say(f"\nAll {len(seen)} are fine.")
    return 1 if look else 0


def line_for_the_room(seen: list[Finding]) -> str:
    """Return what a learner reads out to the instructor of a workshop."""
    look = [finding.name for finding in seen if finding.remedy]
    if look:
        return f"NOT READY: {', '.join(dict.fromkeys(look))}"
    mode = next(finding.text for finding in seen if finding.name == "Mode")
    version = "{}.{}".format(*sys.version_info[:2])
    return f"READY: Python {version}, {mode.partition(':')[0]}"
