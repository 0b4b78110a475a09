"""Whether an answer is still the template: compared as compiled code and as values.

Comments, docstrings, line numbers and `pass` for `...` make no difference. It must not run the
learner's code.
"""

from __future__ import annotations

import dis
from types import CodeType, EllipsisType, FunctionType
from typing import Any

from practice.grading.model import Exercise, code

NOISE = {"NOP", "RESUME", "CACHE", "EXTENDED_ARG"}


def untouched(exercise: Exercise, imports: str, namespace: dict[str, Any]) -> bool:
    """Whether none of the names of an answer is there, or all that are there equal the template.

    `imports` is the first cell of the notebook, which the template may need.
    """
    mine = {name: namespace.get(name, ...) for name in exercise.bound}
    blank: dict[str, Any] = {}
    exec(code(imports) + code(exercise.template), blank)
    return all(isinstance(v, EllipsisType) or same(v, blank[name]) for name, v in mine.items())


def same(mine: Any, blank: Any) -> bool:
    """Whether two values do the same: functions and classes by their code, others by `==`."""
    if isinstance(mine, FunctionType) and isinstance(blank, FunctionType):
        return fingerprint(mine.__code__) == fingerprint(blank.__code__)
    if isinstance(mine, type) and isinstance(blank, type):
        made, given = ({n: v for n, v in vars(k).items() if callable(v)} for k in (mine, blank))
        return made.keys() == given.keys() and all(same(v, given[n]) for n, v in made.items())
    return type(mine) is type(blank) and bool(mine == blank)


def fingerprint(compiled: CodeType) -> tuple[Any, ...]:
    """What compiled code does, without its place in a file and its docstring."""
    steps: list[Any] = [compiled.co_varnames, compiled.co_argcount]
    for step in dis.get_instructions(compiled):
        inner = isinstance(step.argval, CodeType)
        if "JUMP" in step.opname:  # where to depends on the lines in between
            steps.append(step.opname)
        elif step.opname not in NOISE:
            steps.append((step.opname, fingerprint(step.argval) if inner else repr(step.argval)))
    return tuple(steps)
