"""`python -m practice check 02.2 answer.py`: the exercises without a notebook.

The same checks, hints, solutions and progress as in a notebook, as plain text. It
parses the command line; it must not know how a check works.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from courseserver.masking import masked
from practice._exercise import Attempt
from practice._progress import progress
from practice.grading._explain import explain, own_line
from practice.grading.model import Exercise
from practice.grading.sources import find

COMMANDS = {
    "check": "check the answer in a file",
    "hint": "the next hint",
    "solution": "a solution (after three tries, or with --now)",
    "reset": "the code to begin with",
}


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m practice`."""
    about = "The exercises in a terminal."
    top = argparse.ArgumentParser("python -m practice", description=about)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        command.add_argument("id", help="such as 02.2")
        if name == "check":
            command.add_argument("file", type=Path, help="a Python file: your answer")
        if name == "hint":
            command.add_argument("number", nargs="?", type=int, help="1 to 3")
        if name == "solution":
            command.add_argument("--now", action="store_true", help="at once")
    shown = commands.add_parser("progress", help="what is done; a code: take it over")
    shown.add_argument("code", nargs="?")
    shown.add_argument("--look", action="store_true", help="show what the code says")
    return top


def load(path: Path, imports: str) -> dict[str, Any]:
    """The names of an answer's file, run. Ends with a sentence if it does not run."""
    namespace: dict[str, Any] = {"__name__": "answer", "__file__": str(path)}
    try:
        text = path.read_text(encoding="utf-8-sig")
        exec(compile(text, str(path), "exec"), namespace)
    except OSError as problem:
        sys.exit(f"{path} cannot be read: {problem.strerror}.")
    except UnicodeDecodeError:
        sys.exit(f"{path} is not UTF-8 text. Save it as UTF-8.")
    except SyntaxError as problem:
        where = f"{path}, line {problem.lineno}"
        sys.exit(f"{where}: Python cannot read this: {problem.msg}.")
    except Exception as problem:
        _, sentence = explain(problem, imports)
        line = own_line(problem, namespace)
        what = f"{type(problem).__name__}: {problem}"
        sys.exit(masked(f"{path} stops with {what}\n{line}\n{sentence}"))
    return namespace


def must_bind(path: Path, task: Exercise, names: dict[str, Any]) -> None:
    """End with a sentence if a file does not bind the name that the check looks for."""
    if task.answer in names:
        return
    kind = "name"
    call = task.answer
    if not isinstance(task.bound[task.answer], ast.Assign):
        kind = "class"
        if not isinstance(task.bound[task.answer], ast.ClassDef):
            kind = "function"
            call = f"{task.answer}({', '.join(task.parameters)})"
    sys.exit(
        f"{path} has no {kind} `{task.answer}`. The check looks for it by this name: "
        f"`{call}`. To see the template: python -m practice reset {task.id}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all is well, 1 when the answer is not right yet."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without ✓ must not end this
            stream.reconfigure(errors="replace")
    options = parser().parse_args(arguments)
    if options.command == "progress":
        progress(options.code, look=options.look)
        return 0
    try:
        task, sheet = find(options.id)
    except ValueError as problem:
        sys.exit(str(problem))
    names: dict[str, Any] = {}
    if options.command == "check":
        names = load(options.file, sheet.imports)
        must_bind(options.file, task, names)
    attempt = Attempt(task, sheet, names, command="python -m practice")
    if options.command == "check":
        attempt.check()
        return 0 if attempt.last and attempt.last.state == "correct" else 1
    if options.command == "hint":
        attempt.hint(options.number)
    elif options.command == "solution":
        attempt.solution(now=options.now)
    else:
        attempt.reset()
    return 0


if __name__ == "__main__":
    sys.exit(main())
