"""The words after start.py: one table, and what each of them does, in order.

It only calls the other files of launch/, and turns their errors into one sentence.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from launch.doctor import check_names, doctor
from launch.environment import prepare
from launch.handout import hand_out, reset
from launch.places import PARTIAL, STATE, StartError, command, say
from launch.process import course_environment, go_on_as, lab_arguments
from launch.sdk import with_other_sdk
from launch.takeover import take_over

# EDQUOT, a quota that is used up, is not known on Windows.
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def make_ready(thorough: bool = False) -> None:
    """Install what is missing, and bring the learner's copy up to date."""
    prepare(thorough)
    take_over()
    hand_out()


def lab(arguments: list[str]) -> int:
    """Open JupyterLab at the first lesson; `arguments` are passed on to it."""
    make_ready()
    for finding in check_names(""):  # a lesson would fail at its first import
        say(f"Look: {finding.text}; {finding.remedy}.")
    say("Starting JupyterLab. To stop it: Ctrl-C here, then y.")
    return go_on_as(lab_arguments(arguments), course_environment(os.environ))


def only_install(arguments: list[str]) -> int:
    """Make everything ready, look at it, and open nothing."""
    make_ready(thorough=True)
    say(f"Ready. Next: {command('')}")
    return 0


def test(arguments: list[str]) -> int:
    """Run every gate of authoring/gates.py, or what `arguments` name there.

    After `--sdk`, run the lessons with another version of the SDK instead.
    """
    if arguments[:1] == ["--sdk"]:
        return with_other_sdk(arguments[1:])
    prepare()
    return go_on_as(
        ["-m", "authoring.gates", *arguments], course_environment(os.environ)
    )


def wishes(arguments: list[str]) -> int:
    """Price the questions that a lesson kept; send them when asked to and agreed."""
    prepare()
    take_over()
    environ = course_environment(os.environ)
    environ.setdefault("COURSE_STATE", str(STATE))
    return go_on_as(["-m", "practice.wishes_cli", *arguments], environ)


def kit(arguments: list[str]) -> int:
    """Make the offline kit of an instructor; `arguments` go to workshop/."""
    prepare()
    environ = course_environment(os.environ)
    return go_on_as(["-m", "workshop", "kit", *arguments], environ)


def give_back(arguments: list[str]) -> int:
    """Give one lesson as the course has it, and keep the learner's beside it."""
    if len(arguments) != 1:
        raise StartError(
            f"Name one lesson, for example:  {command('reset 01_first_call')}"
        )
    reset(arguments[0])
    return 0


def tell_usage(arguments: list[str]) -> int:
    """Print the help."""
    say(usage())
    return 0


class Command(NamedTuple):
    """A word after start.py: what it runs, and its line in the help."""

    run: Callable[[list[str]], int]
    help: str


COMMANDS = {
    "lab": Command(lab, "open JupyterLab at the first lesson (also without any word)"),
    "test": Command(
        test,
        "run everything that CI runs; with names, only those; --sdk 2.5.0: another SDK",
    ),
    "doctor": Command(doctor, "look at this machine, with a remedy for each finding"),
    "reset": Command(
        give_back, "LESSON: the lesson as the course has it; yours is kept"
    ),
    "wishes": Command(
        wishes, "the questions you kept, with prices; --send asks the real API"
    ),
    "kit": Command(
        kit, "for instructors: the course and its packages, for a room without network"
    ),
    "install": Command(only_install, "make everything ready, and open nothing"),
    "help": Command(tell_usage, "this list"),
}


def usage() -> str:
    """Return the help."""
    lines = [f"  {name:<8} {each.help}" for name, each in COMMANDS.items()]
    head = "python3 start.py [word]     (Windows: py start.py [word])"
    return "\n".join([head, "", *lines])


def main(arguments: list[str]) -> int:
    """Run the command that `arguments` name; return the exit code."""
    if sys.stdout is None:  # closed by who started this
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # an umlaut in a path must not end the program
            stream.reconfigure(errors="backslashreplace")
    if arguments[:1] in (["-h"], ["--help"]):
        arguments = ["help"]
    if not arguments or arguments[0].startswith("-"):
        arguments = ["lab", *arguments]
    word, *rest = arguments
    try:
        if word not in COMMANDS:
            raise StartError(
                f'"{word}" is not a word that start.py knows.\n\n{usage()}'
            )
        return COMMANDS[word].run(rest)
    except StartError as sentence:
        return fail(str(sentence), 1)
    except BrokenPipeError:  # who reads this, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return fail(what_went_wrong(error), 1)
    except KeyboardInterrupt:
        return fail("\nStopped. Run the same command again to go on.", 130)


def fail(sentence: str, code: int) -> int:
    """Print a sentence where errors go; return the exit code."""
    print(sentence, file=sys.stderr, flush=True)
    return code


def what_went_wrong(error: OSError) -> str:
    """Return the sentence for a file that could not be read or written."""
    path = Path(os.fsdecode(error.filename or "a file"))
    if path.name.startswith(PARTIAL):
        path = path.parent
    if error.errno in FULL:
        return (
            "The disk is full, so the work stopped there; nothing of yours was lost: "
            "free some space and run this again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"Your account may not use {path}: it belongs to another account or to a "
            "read-only disk; copy the course, without .venv, to a folder of your own "
            "and run this again there, without sudo."
        )
    folders = [path, *path.parents] if error.errno == errno.EEXIST else path.parents
    for folder in folders:
        if folder.is_file():
            return (
                f"{folder} is a file, and the course needs a folder of that name: "
                "give the file another name, and run this again."
            )
    if path.is_dir():
        return (
            f"{path} is a folder, and the course needs a file of that name: give the "
            "folder another name, and run this again."
        )
    return f"{path}: {error.strerror or error}. Put that right, and run this again."
