"""The wheelhouse: the packages of the lock for a system and a Python, as files with checked hashes.

pip downloads and checks them. This file only says which lines of the lock count on which
system, because pip asks the machine that it runs on. It must not know what is done with them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from workshop import WorkshopError

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PATCHES = range(40)  # of a Python: a marker of the lock may ask for 3.11.5 or newer
# The newest first: pip takes the first that fits. Tags: packaging.python.org, "platform
# compatibility tags". A laptop with a glibc older than 2.28 (2018) is not served.
GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")


@dataclass(frozen=True)
class System:
    """A kind of laptop: its name, the tags of its wheels, and what markers ask about it."""

    name: str
    tags: tuple[str, ...]
    sys_platform: str
    platform_system: str
    os_name: str
    machine: str

    def markers(self, python: str, patch: int) -> dict[str, str]:
        """What a marker of the lock may ask, for a Python such as `"3.12"` and 4 for 3.12.4."""
        return {
            "implementation_name": "cpython",
            "os_name": self.os_name,
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": self.platform_system,
            "python_full_version": f"{python}.{patch}",
            "python_version": python,
            "sys_platform": self.sys_platform,
        }


# Macs with an Intel processor are not served: the lock has packages without wheels for them.
SYSTEMS = {
    "linux": (
        System(
            "linux x86_64",
            tuple(f"manylinux_{version}_x86_64" for version in GLIBC),
            "linux", "Linux", "posix", "x86_64",
        ),
    ),
    "macos": (
        System("macos arm64", ("macosx_14_0_arm64",), "darwin", "Darwin", "posix", "arm64"),
    ),
    "windows": (
        System("windows x86_64", ("win_amd64",), "win32", "Windows", "nt", "AMD64"),
    ),
}  # fmt: skip


def requirements(lock: str) -> Iterator[tuple[Requirement, str]]:
    """Each requirement of a lock, with the lines that hold it and its hashes."""
    lines: list[str] = []
    for line in lock.splitlines():
        if line.startswith("#") or line.lstrip().startswith("#"):
            continue
        lines.append(line)
        if not line.endswith("\\"):
            text = " ".join(part.rstrip("\\").strip() for part in lines)
            yield Requirement(text.partition("--hash")[0].strip()), text
            lines = []


def lock_for(lock: str, system: System, python: str, patch: int = 0) -> list[str]:
    """The lines of the lock that count there, without their markers, hashes included."""
    wanted = []
    markers = system.markers(python, patch)
    for requirement, text in requirements(lock):
        if requirement.marker and not requirement.marker.evaluate(markers):
            continue
        _, hashes, rest = text.partition(" --hash")
        wanted.append(f"{requirement.name}{requirement.specifier}{hashes}{rest}")
    return wanted


def locks_for(lock: str, system: System, python: str) -> dict[int, list[str]]:
    """By patch: the lines for the first one of a Python, and what later ones want instead."""
    found = {}
    had: set[str] = set()
    for patch in PATCHES:
        new = [line for line in lock_for(lock, system, python, patch) if line not in had]
        if new:
            found[patch] = new
            had.update(new)
    return found


def download(lock: Path, system: System, python: str, folder: Path) -> int:
    """Put the wheels of a system and a Python into a folder; returns how many they are.

    Raises WorkshopError when one cannot be had, or is not the one of the lock.
    """
    locks = locks_for(lock.read_text(encoding="utf-8"), system, python)
    for patch, lines in locks.items():
        _download(lines, system, f"{python}.{patch}", folder)
    return sum(map(len, locks.values()))


def _download(lines: list[str], system: System, python: str, folder: Path) -> None:
    """Put the wheels of some lines of the lock into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / f".{system.name.replace(' ', '-')}-{python}.txt"
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
    command += ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--implementation", "cp", "--python-version", python]
    for tag in system.tags:
        command += ["--platform", tag]
    done = subprocess.run(
        [*command, "--dest", str(folder), "--requirement", str(listed)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    listed.unlink()
    if done.returncode:
        reason = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise WorkshopError(
            f"The packages for {system.name} and Python {python} could not all be fetched "
            f"({reason[-1] if reason else 'pip said nothing'}). If that is the network, run "
            "this again; what is there already is not fetched twice."
        )
