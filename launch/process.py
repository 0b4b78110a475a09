"""Runs the programs of .venv: JupyterLab, the gates, the wish list, the doctor.

It knows how they are called and what is around them; it must not make .venv.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from launch.machine import unusable_proxies
from launch.places import MY_COURSE, ROOT, STATE, VENV, WINDOWS, python_of

# The variables of Python that are kept for the programs of the course: they say how
# text and bytecode are written. The others can break a program or bring in somebody
# else's modules: PYTHONPATH, PYTHONHOME, PYTHONWARNINGS=error, PYTHONINSPECT, ...
KEPT_OF_PYTHON = (
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "PYTHONCOERCECLOCALE",
    "PYTHONLEGACYWINDOWSSTDIO",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
    "PYTHONHASHSEED",
)
FIRST_LESSON = "notebooks/00_welcome.ipynb"


def lab_arguments(extra: Sequence[str] = ()) -> list[str]:
    """Return what follows `python` to open JupyterLab in the learner's copy.

    The folder is named, so that it wins over one in the learner's own Jupyter settings;
    `extra` goes last and wins over that.
    """
    program = "launch.lab" if unusable_proxies(os.environ) else "jupyterlab"
    arguments = ["-m", program]
    arguments += [
        f"--ServerApp.root_dir={MY_COURSE}",
        f"--ServerApp.preferred_dir={MY_COURSE}",
        # Their own names win over that of the server when a setting uses them.
        f"--AsyncLargeFileManager.root_dir={MY_COURSE}",
        f"--AsyncMappingKernelManager.root_dir={MY_COURSE}",
    ]
    if (MY_COURSE / FIRST_LESSON).exists():
        arguments.append(f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}")
    # Root, as in containers: Jupyter asks for this. Windows has no such number.
    if getattr(os, "geteuid", os.getpid)() == 0:
        arguments.append("--allow-root")
    return [*arguments, *extra]


def without_python_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without the variables that change what a Python does."""
    return {
        name: value
        for name, value in environ.items()
        if name in KEPT_OF_PYTHON or not name.startswith("PYTHON")
    }


def without_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without proxies, for what needs no network."""
    return {
        name: value
        for name, value in environ.items()
        if not name.lower().endswith("_proxy")
    }


def course_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` for programs of .venv.

    Its Python is first on the PATH, for the terminals of JupyterLab; its kernel comes
    before one of the same name elsewhere; the home can be written; no other packages.
    """
    made = without_python_variables(environ)
    made["PATH"] = os.pathsep.join(
        [str(python_of(VENV).parent), environ.get("PATH", os.defpath)]
    )
    made["VIRTUAL_ENV"] = str(VENV)
    made["JUPYTER_PREFER_ENV_PATH"] = "1"
    if not home_is_writable():
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "IPYTHONDIR",
            "MPLCONFIGDIR",
        ):
            folder = STATE / "home" / name.lower()
            folder.mkdir(parents=True, exist_ok=True)
            made.setdefault(name, str(folder))
        runtime = STATE / "home" / "jupyter_data_dir" / "runtime"
        made.setdefault("JUPYTER_RUNTIME_DIR", str(runtime))
    return made


def home_is_writable() -> bool:
    """Tell whether Jupyter can keep its settings in the home folder, or make it."""
    try:
        home = Path.home()
    except RuntimeError:
        return False
    while not home.exists() and home != home.parent:
        home = home.parent
    return home.is_absolute() and home.is_dir() and os.access(home, os.W_OK)


def go_on_as(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Become .venv's Python with `arguments`; on Windows run it, return its code."""
    command = [str(python_of(VENV)), *arguments]
    os.chdir(ROOT)
    sys.stdout.flush()
    if not WINDOWS:
        os.execve(command[0], command, dict(environ))
    # Windows: exec would give the terminal back while JupyterLab still runs.
    with subprocess.Popen(command, env=dict(environ)) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # JupyterLab got it too, and asks whether to stop
