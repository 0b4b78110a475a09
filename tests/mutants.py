"""Small changes to a right solution: none of them may be called correct.

A mutant is a change of the syntax tree, named by its line and what was done. It must not know the
exercise.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from functools import partial


def mutants(code: str) -> Iterator[tuple[str, str]]:
    """(name, code) of each: a return removed, two arguments swapped, a literal changed."""
    tree = ast.parse(code)
    seen: set[str] = set()
    for node, put in list(places(tree)):
        for what, changed in changes(node):
            put(changed)
            text = ast.unparse(tree)
            put(node)
            name = f"line {getattr(node, 'lineno', 0)}: {what}"
            while name in seen:
                name += " again"
            seen.add(name)
            yield name, text


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, Callable[[ast.AST], None]]]:
    """Each node below the root, in the order of `ast.walk`, and what puts another in its place."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                yield value, partial(setattr, parent, name)
            elif isinstance(value, list):
                for at, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        yield item, partial(value.__setitem__, at)


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What can be changed at one place of the tree."""
    if isinstance(node, ast.Return) and node.value is not None:
        yield "return removed", ast.Expr(node.value)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for at in range(len(node.args.args) - 1):
            new = copy.deepcopy(node)
            names = new.args.args
            names[at], names[at + 1] = names[at + 1], names[at]
            yield f"parameters {names[at + 1].arg}, {names[at].arg} swapped", new
    if isinstance(node, ast.Call) and len(node.args) > 1:
        call = copy.deepcopy(node)
        call.args[:2] = call.args[1::-1]
        yield f"arguments of {ast.unparse(node.func)} swapped", call
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        value = other_literal(node.value)
        yield f"{node.value!r} -> {value!r}", ast.Constant(value)


def other_literal(value: str | int | float) -> str | int | float:
    """A literal of the same type that says something else; a number becomes much smaller."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    return type(value)(1) if value > 1 else value + 1
