"""Files of lines that are only added to: progress and the wish list are kept in them.

It must not know what is in a line.
"""

from __future__ import annotations

import os
from pathlib import Path


def append(path: Path, line: str) -> None:
    """Add a line at the end of a file, which is made when it is not there.

    The line is whole even when two kernels write at once, and when an earlier one was
    cut off while it was written. Raises `OSError` when the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = (line + "\n").encode()
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if size and file.read(1) != b"\n":
            new = b"\n" + new
        file.write(new)  # one write
