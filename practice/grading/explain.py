"""What an exception in a learner's code means, and which of their own lines raised it.

The words of Python and of the SDK are matched, never the learner's code. It must not know any
exercise.
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
    """The rule and the sentence for an exception; `imports` is the notebook's first cell."""
    first_cell = "|".join(imported(imports)) or "(?!)"
    for rule, kind, pattern, sentence in EXCEPTIONS:
        found = re.search(pattern.replace("$imported", first_cell), str(raised))
        if found and kind in ("", type(raised).__name__):
            parts = {f"_{n}": part or "" for n, part in enumerate(found.groups(), start=1)}
            named = Template(re.sub(r"\$(\d)", r"${_\1}", sentence))
            return rule, named.safe_substitute(parts, missing=missing(raised))
    return f"raised-{type(raised).__name__}", "The last line says what happened."


def missing(raised: BaseException) -> str:
    """Which needed arguments a call lacked, from the frame of the SDK that complained."""
    given = [frame.f_locals["kwargs"] for frame, _ in frames(raised) if "kwargs" in frame.f_locals]
    lacking = [f"`{name}`" for name in NEEDED if given and name not in given[-1]]
    return " and ".join(lacking) or "an argument"


def frames(raised: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The frames from the outermost to the one that raised, with their line numbers."""
    step = raised.__traceback__
    while step is not None:
        yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def own_line(raised: BaseException, namespace: dict[str, Any]) -> str:
    """The learner's own line that raised, in Markdown; "" when none of theirs took part."""
    own = [(f, line) for f, line in frames(raised) if f.f_globals is namespace]
    if not own:
        return ""
    frame, line = own[-1]
    lines = source_lines(frame.f_code.co_filename, namespace, frame.f_code.co_name)
    text = "".join(lines[line - 1 : line]).strip()
    return f"Line {line}: `{text}`" if text else f"Line {line} of the cell."


def source_lines(filename: str, namespace: dict[str, Any], name: str = "") -> list[str]:
    """The lines of a file or a cell. Those of a `%%time` cell come from IPython's history.

    `name` is looked for there, as several cells may have been timed.
    """
    if filename != "<timed exec>":
        return linecache.getlines(filename)
    timed = [cell for cell in namespace.get("In", ()) if "run_cell_magic('time'" in cell]
    called = [ast.parse(cell, mode="eval").body for cell in timed]
    texts = [str(ast.literal_eval(c.args[-1])) for c in called if isinstance(c, ast.Call)]
    fitting = [text for text in texts if name.startswith("<") or name in text]
    return "".join(fitting[-1:]).splitlines(keepends=True)


def imported(imports: str) -> list[str]:
    """The names that the first cell binds."""
    nodes = ast.walk(ast.parse(code(imports)))
    found = [node.names for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return [alias.asname or alias.name for names in found for alias in names]
