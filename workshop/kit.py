"""The offline kit: a copy of the course with the packages beside it, for a stick.

`start.py` in the kit finds its folder `wheels/` and installs from there without a network. The
kit holds the course's files alone: what is a learner's own, a key first of all, is not copied.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from launch.files import course_files
from workshop import WorkshopError
from workshop.wheels import SYSTEMS, System, download

NAME = "claude-course"
ROOMS = (
    "authoring",
    "bench",
    "courseserver",
    "docs",
    "exercises",
    "helpers",
    "launch",
    "notebooks",
    "practice",
    "recordings",
    "tests",
    "workshop",
)
FILES = (
    "*.md",
    "LICENSE*",
    "conftest.py",
    "pyproject.toml",
    "requirements.*",
    "start.py",
)
HIDDEN = (".env.example", ".gitattributes", ".gitignore", "*/.ruff.toml", "*/*/.ruff.toml")


def files_of_course(root: Path) -> list[Path]:
    """The files of the course, relative to `root`: by an allow-list, nobody's own."""
    patterns = [*FILES, *(f"{room}/**/*" for room in ROOMS)]
    found = [Path(path) for path in course_files(root, patterns)]
    for pattern in HIDDEN:
        found += [path.relative_to(root) for path in root.glob(pattern) if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


def systems(names: Sequence[str]) -> list[System]:
    """The kinds of laptops that are meant by `linux`, `macos`, `windows` or `all`."""
    wanted = list(SYSTEMS) if "all" in names else names
    return [system for name in wanted for system in SYSTEMS[name]]


def make_kit(
    root: Path, to: Path, platforms: Sequence[str], pythons: Sequence[str], packed: bool
) -> Path:
    """Make the kit in the folder `to`, and return its folder or its zip file.

    A kit that is there already is brought up to date: packages are not fetched twice.
    Raises WorkshopError, and OSError when the disk refuses.
    """
    kit = to / NAME
    if kit.resolve() in (root.resolve(), *root.resolve().parents):
        raise WorkshopError(f"{kit} is the course itself, or holds it: name another folder.")
    started = time.monotonic()
    copy_course(root, kit)
    for system in systems(platforms):
        for python in pythons:
            count = download(root / "requirements.txt", system, python, kit / "wheels")
            seconds = time.monotonic() - started
            print(f"{system.name}, Python {python}: {count} packages ({seconds:.0f} s)", flush=True)
    made = kit
    if packed:
        made = Path(shutil.make_archive(str(kit), "zip", to, NAME))
    size = made.stat().st_size if packed else size_of(kit)
    seconds = time.monotonic() - started
    print(f"{made}: {size / 1e6:.0f} MB, made in {seconds:.0f} s")
    return made


def copy_course(root: Path, kit: Path) -> None:
    """Copy the course's files; what the kit has and the course has no longer, goes."""
    files = files_of_course(root)
    for path in files:
        (kit / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, kit / path)
    for path in files_of_course(kit):
        if path not in files:
            (kit / path).unlink()
    size = sum((kit / path).stat().st_size for path in files)
    print(f"the course: {len(files)} files, {size / 1e6:.0f} MB", flush=True)


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
