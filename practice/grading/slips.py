"""Typical mistakes made out of any right solution, by what is done around it.

A mistake that is the same in many exercises (a limit too small, the value printed) is
said once, as a change of arguments, request, reply or value. It must not know an
exercise.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable

from practice.grading.model import FUNCTIONS, Exercise, code

Change = Callable[[Exercise], str]


def acts(
    gives: str = "value",
    *,
    given: str = "",
    request: str = "",
    reply: str = "",
    after: str = "",
) -> Change:
    """The solution with something changed around it; stands as `Mistake.wrong`.

    All are lines of code, run in this order: `given` may change the arguments;
    `request` changes the dict of that name, which is then sent; `reply` the `Message`
    of that name that came back (or was handed in); `after` runs at the end. `gives` is
    the expression that is given back, made of `value` (the solution's), of `reply` (the
    last one) and of the arguments; with "" nothing is. Of a class that is given the
    client, request and reply can be changed.
    """

    def change(one: Exercise) -> str:
        if not (given or after) and gives == "value" and _is_class(one):
            names = ", ".join(one.parameters)
            end = f"super().__init__({names})"
            lines = f"{_between(one, request, reply)}\n{end}"
            inner = textwrap.indent(lines, "        ")
            head = f"class {one.answer}(_right):\n    def __init__(self, {names}):"
            right = f"{code(one.solution)}\n\n_right = {one.answer}\n\n\n"
            return code(f"{right}{head}\n{inner}")
        body = [given]
        if one.takes_client and (request or reply or "reply" in gives):
            body.append(_between(one, request, reply))
        elif reply:
            body += ["reply = reply.model_copy(deep=True)", reply]
        body += [f"value = {_right(one)}", after]
        if gives:
            body.append(f"return {gives}")
        return _instead(one, "\n".join(part for part in body if part))

    return change


def catches(handler: str) -> Change:
    """The solution in a `try`, with this handler: `except Exception: return None`."""

    def change(one: Exercise) -> str:
        return _instead(one, f"try:\n    return {_right(one)}\n{handler}")

    return change


def twice(one: Exercise) -> str:
    """The solution done two times over, as by a cell that calls once only to look."""
    return acts(given=_right(one))(one)


def _right(one: Exercise) -> str:
    """The call of the right solution, in the code that is built around it."""
    call = f"_right({', '.join(one.parameters)})"
    return f"await {call}" if _is_async(one) else call


def _instead(one: Exercise, body: str) -> str:
    """The solution, and a function with this body in its place."""
    kind = "async def" if _is_async(one) else "def"
    head = f"{kind} {one.answer}({', '.join(one.parameters)}):"
    inner = textwrap.indent(body, "    ")
    return code(f"{code(one.solution)}\n\n_right = {one.answer}\n\n\n{head}\n{inner}")


def _between(one: Exercise, request: str, reply: str) -> str:
    """Lines that stand between the solution and the client that it is given."""
    path = "messages"
    method = "create"
    if ".batches.create(" in one.solution:
        path = "messages.batches"
    elif ".messages.stream(" in one.solution:
        method = "stream"
    elif ".messages.parse(" in one.solution:
        method = "parse"
    send = "_send(**request)"
    define = "def"
    if not _is_class(one) and _is_async(one) and method != "stream":
        send = f"await {send}"
        define = "async def"
    lines = [
        "reply = None",
        f"_sends = client.{path}",
        f"_send = _sends.{method}",
        f"{define} _changed(**request):",
        "    nonlocal reply",
        textwrap.indent(request or "pass", "    "),
        f"    reply = {send}",
        textwrap.indent(reply or "pass", "    "),
        "    return reply",
        f"_sends.{method} = _changed",
    ]
    return "\n".join(lines)


def _is_class(one: Exercise) -> bool:
    """Whether the solution is a class that is given the client."""
    for node in ast.parse(code(one.solution)).body:
        if isinstance(node, ast.ClassDef) and node.name == one.answer:
            return one.takes_client
    return False


def _is_async(one: Exercise) -> bool:
    """Whether the solution is an async function; `ValueError` if it is none at all."""
    for node in ast.parse(code(one.solution)).body:
        if isinstance(node, FUNCTIONS) and node.name == one.answer:
            return isinstance(node, ast.AsyncFunctionDef)
    raise ValueError(
        f"{one.id}: a ready mistake needs a solution that is a function. "
        "Write this mistake yourself, under the same rule."
    )
