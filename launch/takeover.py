"""Takes over what a learner made before there was my-course/: progress, wishes, desk.

It moves and never overwrites; what has a newer fellow stays where it is.
"""

import contextlib
import shutil
from pathlib import Path

from launch.places import MY_COURSE, ROOT, STATE, name_of, say

EARLIER_STATE = ROOT / ".course"
EARLIER_DESK = ROOT / "desk"
KEPT = ("progress.jsonl", "hunt.json", "wishes.jsonl", "wishes-answered.jsonl", "home")


def take_over() -> None:
    """Move what an earlier version of the course kept into my-course/."""
    moved = [name for name in KEPT if move(EARLIER_STATE / name, STATE / name)]
    if EARLIER_DESK.is_dir():
        for part in sorted(EARLIER_DESK.iterdir()):
            if move(part, MY_COURSE / "desk" / part.name):
                moved.append(f"desk/{part.name}")
    if moved:
        say(f"Taken over into {MY_COURSE.name}/: {', '.join(moved)}")
    tidy()


def move(source: Path, target: Path) -> bool:
    """Move a file or folder unless something is in its place; tell whether it moved."""
    if not source.exists():
        return False
    if target.exists():
        say(f"{name_of(source)} stays where it is: there is a newer {name_of(target)}.")
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except FileNotFoundError:
        return False  # another start was faster
    return True


def tidy() -> None:
    """Remove what earlier versions left behind and nobody needs, and empty folders."""
    shutil.rmtree(EARLIER_STATE / "shipped", ignore_errors=True)
    for folder in (EARLIER_STATE, EARLIER_DESK):
        with contextlib.suppress(
            OSError
        ):  # not there, not empty, or not ours to remove
            folder.rmdir()
