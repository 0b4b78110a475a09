"""Whether an answer is still the template: compared as compiled code and as values.

Comments, docstrings, line numbers and `pass` for `...` make no difference. It must not
run the learner's code.
"""

from __future__ import annotations

import ast
import dis
from types import CodeType, EllipsisType, FunctionType
from typing import Any

from practice.grading.model import Exercise, code

NOISE = {"NOP", "RESUME", "CACHE", "EXTENDED_ARG"}


def untouched(exercise: Exercise, imports: str, namespace: dict[str, Any]) -> bool:
    """Whether each name of an answer is missing, or equals the template's.

    `imports` is the first cell of the notebook, which the template may need.
    """
    blank: dict[str, Any] = {}
    run_cell(code(imports), blank)
    run_cell(code(exercise.template), blank)
    for name in exercise.bound:
        mine = namespace.get(name, ...)
        if not isinstance(mine, EllipsisType) and not same(mine, blank[name]):
            return False
    return True


def run_cell(text: str, namespace: dict[str, Any], file: str = "<cell>") -> None:
    """Run code as a kernel does: statement by statement.

    Python compiles a statement by itself a little differently than as a part of a file.
    """
    for statement in ast.parse(text).body:
        one = ast.Module([statement], [])
        exec(compile(one, file, "exec", dont_inherit=True), namespace)


def same(mine: Any, blank: Any) -> bool:
    """Whether two values do the same: functions and classes by code, others by `==`."""
    if isinstance(mine, FunctionType) and isinstance(blank, FunctionType):
        return fingerprint(mine.__code__) == fingerprint(blank.__code__)
    if isinstance(mine, type) and isinstance(blank, type):
        made = _methods(mine)
        given = _methods(blank)
        if made.keys() != given.keys():
            return False
        return all(same(method, given[name]) for name, method in made.items())
    return type(mine) is type(blank) and bool(mine == blank)


def _methods(kind: type) -> dict[str, Any]:
    return {name: value for name, value in vars(kind).items() if callable(value)}


def fingerprint(compiled: CodeType) -> tuple[Any, ...]:
    """What compiled code does, without its place in a file and its docstring."""
    steps: list[Any] = [compiled.co_varnames, compiled.co_argcount]
    for step in dis.get_instructions(compiled):
        if "JUMP" in step.opname:  # where to depends on the lines in between
            steps.append(step.opname)
        elif isinstance(step.argval, CodeType):
            steps.append((step.opname, fingerprint(step.argval)))
        elif step.opname not in NOISE:
            steps.append((step.opname, repr(step.argval)))
    return tuple(steps)
