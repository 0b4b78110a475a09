"""What an exception in a learner's code means, and which of their own lines raised it.

The words of Python and of the SDK are matched, never the learner's code. It must not
know any exercise.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from string import Template
from types import FrameType
from typing import Any

from practice.grading.model import code
from practice.grading.words import EXCEPTIONS

NEEDED = ("model", "max_tokens", "messages")


def explain(raised: BaseException, imports: str) -> tuple[str, str]:
    """The rule and the sentence for an exception; `imports` is the first cell."""
    said = str(raised)[:2000]  # some patterns take time that grows with the square
    first_cell = "|".join(imported(imports)) or "(?!)"
    for rule, kind, pattern, sentence in EXCEPTIONS:
        if kind not in ("", type(raised).__name__):
            continue
        found = re.search(pattern.replace("$imported", first_cell), said)
        if found:
            parts = {"missing": missing(raised)}
            for number, part in enumerate(found.groups(), start=1):
                parts[f"_{number}"] = part or ""
            named = Template(re.sub(r"\$(\d)", r"${_\1}", sentence))
            return rule, named.safe_substitute(parts)
    return f"raised-{type(raised).__name__}", "The last line says what happened."


def missing(raised: BaseException) -> str:
    """Which needed arguments a call lacked, by the frame of the SDK that complained."""
    given: Any = NEEDED
    for frame, _ in frames(raised):
        given = frame.f_locals.get("kwargs", given)
    lacking = [f"`{name}`" for name in NEEDED if name not in given]
    return " and ".join(lacking) or "an argument"


def frames(raised: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The frames from the outermost to the one that raised, with line numbers."""
    step = raised.__traceback__
    while step is not None:
        yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def own_line(raised: BaseException, namespace: dict[str, Any]) -> str:
    """The learner's own line that raised, in Markdown; "" when none of theirs did."""
    own = [step for step in frames(raised) if step[0].f_globals is namespace]
    if not own:
        return ""
    frame, line = own[-1]
    compiled = frame.f_code
    lines = source_lines(compiled.co_filename, namespace, compiled.co_name)
    text = "".join(lines[line - 1 : line]).strip()
    return f"Line {line}: `{text}`" if text else f"Line {line} of the cell."


def source_lines(filename: str, namespace: dict[str, Any], name: str = "") -> list[str]:
    """The lines of a file or a cell; of a `%%time` cell, from IPython's history.

    `name` is looked for there, as several cells may have been timed.
    """
    if filename != "<timed exec>":
        return linecache.getlines(filename)
    fitting = ""
    for cell in namespace.get("In", ()):
        if "run_cell_magic('time'" not in cell:
            continue
        called = ast.parse(cell, mode="eval").body
        if isinstance(called, ast.Call):
            text = str(ast.literal_eval(called.args[-1]))
            if name.startswith("<") or name in text:
                fitting = text
    return fitting.splitlines(keepends=True)


def imported(imports: str) -> list[str]:
    """The names that the first cell binds."""
    names = []
    for node in ast.walk(ast.parse(code(imports))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
    return names
