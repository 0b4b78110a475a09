"""A notebook as a file: the copy without outputs, and whether its cells were changed.

It reads notebooks as JSON, because nbformat is not installed yet when start.py runs.
"""

import hashlib
import json
from typing import Any


class DamagedError(ValueError):
    """The bytes are not a notebook; the message says why."""


def cells_of(raw: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the notebook in `raw`, and its cells. Raises DamagedError."""
    try:
        notebook = json.loads(raw.decode("utf-8"))
        cells = notebook["cells"]
        for cell in cells:
            if not isinstance(cell["cell_type"], str):
                raise TypeError("a cell without a type")
            text_of(cell)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}") from error
    return notebook, cells


def text_of(cell: dict[str, Any]) -> str:
    """Return a cell's source, which a notebook stores as one text or as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def cleared(raw: bytes) -> bytes:
    """Return the notebook without outputs and counts, formatted as nbformat does.

    Raises DamagedError.
    """
    notebook, cells = cells_of(raw)
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    return (text + "\n").encode("utf-8")


def has_outputs(name: str, raw: bytes) -> bool:
    """Tell whether a file is a notebook with an output. Raises DamagedError."""
    if not name.endswith(".ipynb"):
        return False
    return any(cell.get("outputs") for cell in cells_of(raw)[1])


def digest(name: str, raw: bytes) -> str:
    """Return what is equal for two versions that a learner would call the same.

    For a notebook that is the type and the text of its cells, in order; for any other
    file, and for a notebook that cannot be read, its bytes.
    """
    if name.endswith(".ipynb"):
        try:
            sources = [[cell["cell_type"], text_of(cell)] for cell in cells_of(raw)[1]]
        except DamagedError:
            pass
        else:
            raw = json.dumps(sources).encode("ascii")
    return hashlib.sha256(raw).hexdigest()
