"""The learner's own parts of the library desk: written to desk/ when an exercise is passed.

The desk of lesson 16 is assembled from them. The folder is ignored by git and belongs to the
learner. It must not know how an answer is shown.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from practice.grading.check import judge
from practice.grading.explain import source_lines
from practice.grading.lab import Lab
from practice.grading.model import Exercise, code

FOLDER = Path(__file__).resolve().parent.parent / "desk"
MARK = "# Kept by exercise"


class NoSourceError(Exception):
    """A part cannot be written; the message says why, in words that follow "because"."""


def keep(
    exercise: Exercise, imports: str, namespace: dict[str, Any], folder: Path = FOLDER
) -> list[str]:
    """Write a passed part to `folder`, if the exercise is one; the line to show, if any.

    The file must stand alone: it is run by itself and judged again before it is written.
    """
    if exercise.part is None:
        return []
    file = folder / f"{exercise.part}.py"
    try:
        text = standalone(exercise, imports, namespace)
        if file.exists() and not file.read_text(encoding="utf-8").startswith(MARK):
            return [f"`desk/{file.name}` was not made by an exercise, so it is left as it is."]
        folder.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except NoSourceError as reason:
        return [f"It could not be kept for your desk, because {reason}."]
    except OSError as problem:
        return [f"It could not be kept for your desk, because {problem.strerror or problem}."]
    return [f"Kept for your desk: `desk/{file.name}`"]


def standalone(exercise: Exercise, imports: str, namespace: dict[str, Any]) -> str:
    """The learner's part as the text of a module, with all that it needs from the notebook.

    Raises `NoSourceError`.
    """
    if inspect.iscoroutinefunction(namespace[exercise.answer]):
        raise NoSourceError("the desk is not async; a version without `await` will be kept")
    first, pieces = _collect(exercise.answer, code(imports), namespace)
    head = f"{MARK} {exercise.id}; passing it again writes this file anew."
    parts = [head, "\n".join(sorted(first)), "\n" + "\n\n\n".join(pieces)]
    text = "\n\n".join(filter(None, parts))
    alone: dict[str, Any] = {"__name__": f"desk.{exercise.part}"}
    try:
        exec(compile(text, f"{exercise.part}.py", "exec"), alone)
        outcome = judge(Lab(exercise, imports, alone))
    except Exception as problem:
        raise NoSourceError(f"by itself it fails with {type(problem).__name__}") from None
    if outcome.state != "correct":
        raise NoSourceError("it leans on something else in this notebook")
    return text + "\n"


def _collect(name: str, imports: str, namespace: dict[str, Any]) -> tuple[set[str], list[str]]:
    """The import lines that a name needs, and the pieces of source, its own last."""
    first: set[str] = set()
    pieces: list[str] = []
    known = _import_lines(imports)
    seen: set[str] = set()

    def take(wanted: str) -> None:
        if wanted in seen or (hasattr(builtins, wanted) and wanted not in namespace):
            return
        seen.add(wanted)
        if wanted in known:
            first.add(known[wanted])
            return
        value = namespace.get(wanted)
        home = sys.modules.get(getattr(value, "__module__", None) or "")
        called = getattr(value, "__name__", "")
        if isinstance(value, ModuleType):
            first.add(f"import {called}" + f" as {wanted}" * (called != wanted))
        elif home and home.__dict__ is not namespace and getattr(home, called, None) is value:
            first.add(
                f"from {home.__name__} import {called}" + f" as {wanted}" * (called != wanted)
            )
        elif wanted in namespace:
            source = _source(wanted, value, namespace)
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Name) and node.id in namespace and node.id != wanted:
                    take(node.id)
            pieces.append(source)

    take(name)
    return first, pieces


def _source(name: str, value: Any, namespace: dict[str, Any]) -> str:
    """The statement that made a name: from the cell or file of its code, else a literal."""
    owners = [value, *vars(value).values()] if isinstance(value, type) else [value]
    compiled = [owner.__code__ for owner in owners if hasattr(owner, "__code__")]
    if not compiled:
        text = repr(value)
        try:
            same = ast.literal_eval(text) == value
        except (ValueError, SyntaxError):
            same = False
        if not same:
            raise NoSourceError(f"`{name}` is made elsewhere in this notebook")
        return f"{name} = {text}"
    whole = "".join(source_lines(compiled[0].co_filename, namespace, name))
    try:
        body = ast.parse(whole).body
    except SyntaxError:
        body = []
    for node in reversed(body):
        targets = [getattr(node, "name", "")]
        targets += [t.id for t in getattr(node, "targets", ()) if isinstance(t, ast.Name)]
        if name in targets:
            start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            return "\n".join(whole.splitlines()[start - 1 : node.end_lineno])
    raise NoSourceError("the text of its cell is not to be had; run the cell once more")


def _import_lines(imports: str) -> dict[str, str]:
    """For each name that the first cell imports, a line that imports it alone."""
    lines = {}
    for node in ast.walk(ast.parse(imports)):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            where = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
            renamed = f" as {alias.asname}" if alias.asname else ""
            lines[alias.asname or alias.name] = f"{where}import {alias.name}{renamed}"
    return lines
