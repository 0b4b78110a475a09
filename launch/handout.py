"""Hands out the course, a copy of the learner's own in my-course/; gives lessons back.

A file that the learner did not change follows the course at each start; a changed one
stays, and the newer one is offered. What was handed out is kept as digests in the state
folder. It must never lose what a learner wrote, and never touches the course itself.
"""

import contextlib
import itertools
import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from launch.files import handed_out
from launch.notebook import cleared, digest, has_outputs
from launch.places import (
    MY_COURSE,
    ROOT,
    STATE,
    StartError,
    command,
    name_of,
    read,
    say,
    write_whole,
)

RECORD = STATE / "handed-out.json"  # {"notebooks/01_first_call.ipynb": digest}


def read_record() -> dict[str, str]:
    """Return the digest of each file as it was handed out; {} when nothing is known."""
    try:
        record = json.loads(read(RECORD) or "{}")
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(record: dict[str, str]) -> None:
    """Keep what was handed out; write nothing when it is known already."""
    if record != read_record():
        text = json.dumps(record, indent=1, sort_keys=True) + "\n"
        write_whole(RECORD, text.encode("utf-8"))


def course_version(name: str) -> bytes:
    """Return a file of the course as it is handed out. Raises StartError if damaged."""
    raw = (ROOT / name).read_bytes()
    if not name.endswith(".ipynb"):
        return raw
    try:
        return cleared(raw)
    except ValueError as error:
        raise StartError(
            f"{name} is damaged, it is no notebook any more ({error}): give the "
            f"course's own file back with  git restore {name}  or take it from a new "
            "download. Your copy was not touched."
        ) from error


def bytes_of(path: Path) -> bytes | None:
    """Return what a file holds, or None when there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def hand_out() -> None:
    """Bring the learner's copy up to date with the course, and say what happened."""
    names = handed_out(ROOT)
    record = read_record()
    first = not record
    brought: list[str] = []
    offered: list[str] = []
    try:
        for name in names:
            try:
                content = course_version(name)
            except StartError as damaged:
                say(str(damaged))  # the other lessons are not held up by one
                continue
            hand_out_one(name, content, record, brought, offered)
        withdraw(set(record) - set(names), record)
    except BaseException:
        with contextlib.suppress(OSError):  # the error on its way says more
            write_record(record)
        raise
    write_record(record)
    tell(first, brought, offered)


def hand_out_one(
    name: str,
    content: bytes,
    record: dict[str, str],
    brought: list[str],
    offered: list[str],
) -> None:
    """Write one file of the copy unless the learner changed it, and note it down."""
    new = digest(name, content)
    mine = bytes_of(MY_COURSE / name)
    old = None if mine is None else digest(name, mine)
    if old == new:
        record[name] = new
    elif old is None or old == record.get(name):
        write_whole(MY_COURSE / name, content)
        record[name] = new
        brought.append(name)
    elif record.get(name) != new:
        offered.append(name)


def withdraw(names: Iterable[str], record: dict[str, str]) -> None:
    """Remove what the course no longer has, unless the learner changed or ran it."""
    for name in names:
        mine = bytes_of(MY_COURSE / name)
        untouched = mine is not None and digest(name, mine) == record[name]
        if mine is not None and untouched and not has_outputs(name, mine):
            (MY_COURSE / name).unlink()
        del record[name]


def tell(first: bool, brought: list[str], offered: list[str]) -> None:
    """Say in a line or two what the learner's copy got."""
    lessons = [name for name in brought if name.endswith(".ipynb")]
    if first and brought:
        say(f"Your own copy of the course: {MY_COURSE.name}/, {len(brought)} files.")
    elif lessons:
        say(f"Brought up to date, you had not changed them: {', '.join(lessons)}")
    for name in offered:
        wanted = short_name(name)
        say(
            f"There is a newer {name}; yours is changed, so it stays. For the newer "
            f"one:  {command(f'reset {wanted}')}  (yours is kept beside it)"
        )


# --- reset ---


def short_name(name: str) -> str:
    """Return what a learner types to name a file: a lesson's stem, else all of it."""
    path = Path(name)
    is_lesson = path.parent.name == "notebooks" and path.suffix == ".ipynb"
    return path.stem if is_lesson else name


def number_of(stem: str) -> str:
    """Return a lesson's number as people write it: "1" for 01_first_call."""
    return stem.partition("_")[0].lstrip("0") or "0"


def find_lesson(words: str) -> str:
    """Return the file that a learner means: "5", "05", "05_multi_turn" or a path.

    Raises StartError with the nearest names.
    """
    names = handed_out(ROOT)
    stems = [
        Path(name).stem for name in names if re.match(r"notebooks/[^/]+\.ipynb$", name)
    ]
    known = {}
    for stem in stems:
        for number in (number_of(stem), stem.partition("_")[0]):
            known[number] = f"notebooks/{stem}.ipynb"
    for name in names:
        known[name] = known[name.removesuffix(".ipynb")] = known[short_name(name)] = (
            name
        )
    wanted = Path(words).as_posix().removeprefix(f"{MY_COURSE.name}/")
    wanted = wanted.removesuffix(".ipynb")
    if wanted in known:
        return known[wanted]
    near = [stem for stem in stems if wanted and wanted in stem]
    near = near or get_close_matches(wanted, stems, n=3, cutoff=0.4) or stems
    raise StartError(
        f'There is no lesson called "{words}"; there is: {", ".join(near)}.'
    )


def reset(words: str) -> None:
    """Give a lesson and what it reads as the course has it; keep the learner's.

    Everything is read before anything is written. Raises StartError.
    """
    chosen = find_lesson(words)
    wanted = [chosen]
    if chosen.endswith(".ipynb"):
        shared = ("notebooks/data/", "notebooks/images/", "notebooks/templates/")
        wanted += [name for name in handed_out(ROOT) if name.startswith(shared)]
    contents = {name: course_version(name) for name in wanted}
    changed = [name for name in wanted if bytes_of(MY_COURSE / name) != contents[name]]
    if not changed:
        say(f"{chosen} and what it reads are as the course has them: nothing to do.")
    record = read_record()
    for name in changed:
        keep_mine(MY_COURSE / name)
        write_whole(MY_COURSE / name, contents[name])
        record[name] = digest(name, contents[name])
        say(f"{name} is again as the course has it.")
    write_record(record)
    if chosen.endswith(".ipynb"):
        if chosen in changed:
            say("Is it open in JupyterLab? Choose File, Reload Notebook from Disk.")
        look_at_recording(Path(chosen).stem)


def keep_mine(path: Path) -> None:
    """Copy the learner's version of a file to the next free name beside it."""
    mine = bytes_of(path)
    if mine is None:
        return
    for number in itertools.count(1):
        copy = path.with_name(f"{path.stem}.mine-{number}{path.suffix}")
        try:
            copy.touch(exist_ok=False)  # takes the name, also against a second reset
        except FileExistsError:
            continue
        break
    try:
        write_whole(copy, mine)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    say(f"Your version is kept: {name_of(copy)}")


def look_at_recording(lesson: str) -> None:
    """Say so when the replies of a lesson cannot be used; they are the course's own."""
    path = ROOT / "recordings" / f"{lesson}.json"
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        wrong = "missing"
    except OSError as error:
        wrong = f"not to be read ({error.strerror})"
    except (ValueError, RecursionError):
        wrong = "damaged"
    else:
        return
    say(
        f"Its replies, {name_of(path)}, are {wrong}: give them back with  "
        f"git restore {name_of(path)}  or take that file from a new download."
    )
