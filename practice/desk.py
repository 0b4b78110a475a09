"""The learner's own parts of the library desk: kept when passed, fetched by lesson 16.

The desk is assembled from them, with the shipped solution in place of a part that is
missing or broken. They belong to the learner. It must not know how an answer is shown.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers import show
from helpers.settings import ROOT
from practice.grading._check import judge
from practice.grading._explain import source_lines
from practice.grading.lab import Lab
from practice.grading.model import Exercise, code
from practice.grading.sources import Sheet, sheets

MARK = "# Kept by exercise"


class BrokenPartError(Exception):
    """A part in the learner's desk cannot be used; the message says why."""


class NoSourceError(Exception):
    """A part cannot be written; the message says why, and follows "because"."""


def desk_folder() -> Path:
    """Where the parts of the learner's desk are kept; made when first written.

    `my-course/desk` in the course's folder, or `desk` in what COURSE_STATE names.
    """
    elsewhere = os.environ.get("COURSE_STATE")
    return Path(elsewhere or ROOT / "my-course") / "desk"


def desk_parts(*names: str) -> list[Any]:
    """The parts of the desk with these names, in order; a table says whose they are.

    A part is the learner's own if their desk holds it and it still passes its exercise.
    Otherwise it is the shipped solution. Raises `ValueError`, naming the parts.
    """
    known: dict[str, tuple[Exercise, Sheet]] = {}
    for sheet in sheets():
        for exercise in sheet.exercises:
            if exercise.part is not None:
                known[exercise.part] = (exercise, sheet)
    parts = []
    rows = []
    for name in names:
        if name not in known:
            there = ", ".join(known)
            raise ValueError(
                f"The desk has no part called {name!r}. There is: {there}."
            )
        exercise, sheet = known[name]
        part, whose = fetched(exercise, sheet.imports)
        parts.append(part)
        rows.append((f"`{name}`", exercise.id, whose))
    show.table(rows, "part", "exercise", "whose")
    return parts


def fetched(
    exercise: Exercise, imports: str, folder: Path | None = None
) -> tuple[Any, str]:
    """A part of the desk, and a few words about whose it is."""
    file = (folder or desk_folder()) / f"{exercise.part}.py"
    whose = "the shipped solution"
    if file.is_file():
        try:
            return own(exercise, imports, file), f"yours, `desk/{file.name}`"
        except BrokenPartError as problem:
            whose = f"the shipped solution, because `desk/{file.name}` {problem}"
    shipped: dict[str, Any] = {"__name__": f"desk.{exercise.part}"}
    exec(code(imports) + code(exercise.solution), shipped)
    return shipped[exercise.answer], whose


def own(exercise: Exercise, imports: str, file: Path) -> Any:
    """A part from the learner's own file. Raises `BrokenPartError`."""
    alone: dict[str, Any] = {"__name__": f"desk.{exercise.part}"}
    try:
        text = file.read_text(encoding="utf-8")
        exec(compile(text, str(file), "exec"), alone)
    except (Exception, SystemExit) as problem:  # whatever a learner's file may raise
        what = type(problem).__name__
        raise BrokenPartError(f"fails with {what} when it is loaded") from None
    if exercise.answer not in alone:
        raise BrokenPartError(f"does not define `{exercise.answer}`")
    if judge(Lab(exercise, imports, alone)).state != "correct":
        raise BrokenPartError(f"does not pass exercise {exercise.id}")
    return alone[exercise.answer]


def keep(
    exercise: Exercise,
    imports: str,
    namespace: dict[str, Any],
    folder: Path | None = None,
) -> list[str]:
    """Write a passed part to the desk, if the exercise is one; the lines to show.

    The file must stand alone: it is run by itself and judged again before that.
    """
    if exercise.part is None:
        return []
    file = (folder or desk_folder()) / f"{exercise.part}.py"
    name = f"`desk/{file.name}`"
    try:
        text = standalone(exercise, imports, namespace)
        if file.exists() and not file.read_text(encoding="utf-8").startswith(MARK):
            return [f"{name} was not made by an exercise, so it is left as it is."]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except NoSourceError as reason:
        return [f"It could not be kept for your desk, because {reason}."]
    except OSError as problem:
        why = problem.strerror or problem
        return [f"It could not be kept for your desk, because {why}."]
    return [f"Kept for your desk: {name}"]


def standalone(exercise: Exercise, imports: str, namespace: dict[str, Any]) -> str:
    """The learner's part as the text of a module, with what it needs of the notebook.

    Raises `NoSourceError`.
    """
    waits = isinstance(exercise.bound[exercise.answer], ast.AsyncFunctionDef)
    if inspect.iscoroutinefunction(namespace[exercise.answer]) and not waits:
        raise NoSourceError(
            "the desk is not async; a version without `await` will be kept"
        )
    needs = Needs(code(imports), namespace)
    needs.take(exercise.answer)
    parts = [f"{MARK} {exercise.id}; passing it again writes this file anew."]
    if needs.imports:
        parts.append("\n".join(sorted(needs.imports)))
    parts.append("\n" + "\n\n\n".join(needs.pieces))
    text = "\n\n".join(parts)
    alone: dict[str, Any] = {"__name__": f"desk.{exercise.part}"}
    try:
        exec(compile(text, f"{exercise.part}.py", "exec", dont_inherit=True), alone)
        outcome = judge(Lab(exercise, imports, alone))
    except Exception as problem:
        what = type(problem).__name__
        raise NoSourceError(f"by itself it fails with {what}") from None
    if outcome.state != "correct":
        raise NoSourceError("it leans on something else in this notebook")
    return text + "\n"


class Needs:
    """What names of a notebook need: import lines, and pieces of source in order."""

    def __init__(self, first_cell: str, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.imports: set[str] = set()
        self.pieces: list[str] = []
        self._known = _import_lines(first_cell)
        self._seen: set[str] = set()

    def take(self, name: str) -> None:
        """Add a name and all that it needs. Raises `NoSourceError`."""
        if name in self._seen:
            return
        self._seen.add(name)
        if name not in self.namespace:  # a builtin, or a name inside a function
            return
        if name in self._known:
            self.imports.add(self._known[name])
            return
        line = _import_line(name, self.namespace[name], self.namespace)
        if line:
            self.imports.add(line)
            return
        source = _source(name, self.namespace[name], self.namespace)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name):
                self.take(node.id)
        self.pieces.append(source)


def _import_line(name: str, value: Any, namespace: dict[str, Any]) -> str:
    """The line that imports a value under a name; "" when the notebook made it."""
    called = getattr(value, "__name__", "")
    renamed = "" if called == name else f" as {name}"
    if isinstance(value, ModuleType):
        return f"import {called}{renamed}"
    home = sys.modules.get(getattr(value, "__module__", None) or "")
    if home is None or vars(home) is namespace:
        return ""
    if getattr(home, called, None) is not value:
        return ""
    return f"from {home.__name__} import {called}{renamed}"


def _source(name: str, value: Any, namespace: dict[str, Any]) -> str:
    """The statement that made a name: from its cell or file, or as a literal."""
    compiled = _compiled(value)
    if compiled is None:
        return _literal(name, value)
    whole = "".join(source_lines(compiled.co_filename, namespace, name))
    try:
        body = ast.parse(whole).body
    except SyntaxError:
        body = []
    for node in reversed(body):
        if name in _bound_by(node):
            first = node.lineno
            for decorator in getattr(node, "decorator_list", ()):
                first = min(first, decorator.lineno)
            return "\n".join(whole.splitlines()[first - 1 : node.end_lineno])
    raise NoSourceError("the text of its cell is not to be had; run the cell once more")


def _compiled(value: Any) -> Any:
    """The compiled code of a function, or of a method of a class; None for others."""
    owners = [value]
    if isinstance(value, type):
        owners += vars(value).values()
    for owner in owners:
        if hasattr(owner, "__code__"):
            return owner.__code__
    return None


def _literal(name: str, value: Any) -> str:
    """The assignment of a plain value, such as `LIMIT = 2000`."""
    text = repr(value)
    try:
        same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise NoSourceError(f"`{name}` is made elsewhere in this notebook")
    return f"{name} = {text}"


def _bound_by(node: ast.stmt) -> list[str]:
    """The names that a statement binds: of a definition, or of an assignment."""
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [getattr(node, "name", "")]


def _import_lines(imports: str) -> dict[str, str]:
    """For each name that the first cell imports, a line that imports it alone."""
    lines = {}
    for node in ast.walk(ast.parse(imports)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        where = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            renamed = f" as {alias.asname}" if alias.asname else ""
            line = f"{where}import {alias.name}{renamed}"
            lines[alias.asname or alias.name] = line
    return lines
