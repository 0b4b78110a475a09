"""The one clean environment in which the course runs itself: replay, no waiting, nobody's settings.

Tests, gates, kernels and the bench all take it from here; for a lesson that runs live it tells what
comes on top. It knows the names of variables and nothing else; it must not start a process, and it
imports the standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from authoring import ROOT

OFFLINE = ROOT / "tests" / "offline"  # on PYTHONPATH it keeps every Python on this machine
OURS = ("ANTHROPIC_", "COURSE_")  # how the variables of the SDK and of the course begin
# What a run may know of the caller. All else is left out: a variable that nobody here has heard of
# (FORCE_COLOR, MPLBACKEND, PYTEST_ADDOPTS, PYTHONWARNINGS, ...) must not shape an output or a test.
KEPT = frozenset(
    "PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH PY_PYTHON "  # where programs are
    "HOME USER LOGNAME SHELL TMPDIR TMP TEMP LANG "
    # start.py sets these where the home cannot be written.
    "JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR JUPYTER_PREFER_ENV_PATH MPLCONFIGDIR "
    # What Windows and its programs need; most start no socket without SYSTEMROOT.
    "SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT OS USERNAME USERPROFILE HOMEDRIVE HOMEPATH "
    "APPDATA LOCALAPPDATA PROGRAMDATA ALLUSERSPROFILE PUBLIC NUMBER_OF_PROCESSORS "
    "PROGRAMFILES PROGRAMFILES(X86) COMMONPROGRAMFILES COMMONPROGRAMFILES(X86) "
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE "  # installs use these
    "REAL_ENGINE_URL".split()  # an engine on this machine, for the one test that asks it
)
# Languages; settings of the installers; an author's choice of Python; coverage of child processes.
KEPT_BEGIN = ("LC_", "PIP_", "UV_", "PYENV_", "PROCESSOR_", "COVERAGE_")
# Code for a kernel. It binds no name in the learner's namespace and displays nothing.
PACE = "__import__('os').environ['COURSE_PACE'] = '{}'"


def is_kept(name: str) -> bool:
    """Whether a run may know a variable of the caller; proxies too, since installs need them."""
    upper = name.upper()
    return upper in KEPT or upper.startswith(KEPT_BEGIN) or upper.endswith("_PROXY")


def clean_environment(
    environ: Mapping[str, str], scratch: str | Path, first: Sequence[Path] = (ROOT,)
) -> dict[str, str]:
    """What a run needs of `environ`, in replay, with its own state in `scratch`.

    `first` are the folders with which PYTHONPATH begins; what stood on it follows, so kernels that
    a test starts inherit `OFFLINE`.
    """
    made = {name: value for name, value in environ.items() if is_kept(name)}
    made["COURSE_MODE"] = "replay"
    made["COURSE_PACE"] = "0"
    made["COURSE_STATE"] = str(Path(scratch) / "course")  # the author's own ticks must not show
    made["IPYTHONDIR"] = str(scratch)  # the author's IPython profile must not shape an output
    wanted = [str(folder) for folder in first]
    before = environ.get("PYTHONPATH", "").split(os.pathsep)
    made["PYTHONPATH"] = os.pathsep.join(
        wanted + [part for part in before if part and part not in wanted]
    )
    return made


def live_settings(environ: Mapping[str, str], model: str, limit: float) -> dict[str, str]:
    """What a kernel that asks the real API has beside the clean environment.

    The key stands in `.env`, or here; the address and the headers are those of the author's
    gateway, the ledger is the author's own. `limit`: what this kernel may spend, in USD.
    """
    names = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS")
    kept = {name: environ[name] for name in names if environ.get(name)}
    for name in ("COURSE_BUDGET_TOTAL_USD", "COURSE_STATE"):
        kept[name] = environ.get(name, "")  # empty: as .env says, and the usual folder
    kept["COURSE_BUDGET_USD"] = f"{max(0.0, limit):.6f}"
    return {**kept, "COURSE_MODE": "live", "COURSE_MODEL": model}
