"""Runs code in fresh kernels with jupyter_client alone: no comparison, nothing kept.

`python -m bench.kernels NOTEBOOK ...` executes every code cell, one notebook after the other: what
nbval is measured against. The kernels are those that nbval starts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient

from authoring.environment import PACE
from authoring.kernel import CELL_TIMEOUT, talking


def run(client: BlockingKernelClient, code: str) -> str:
    """Run one cell to its end, as nbval asks for it; give what it printed."""
    asked = client.execute(code, store_history=False, allow_stdin=False, stop_on_error=False)
    printed = ""
    while True:
        message = client.get_iopub_msg(timeout=CELL_TIMEOUT)
        if message["parent_header"].get("msg_id") != asked:
            continue
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed += content["text"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            break
    while client.get_shell_msg(timeout=CELL_TIMEOUT)["parent_header"].get("msg_id") != asked:
        pass
    return printed


def run_notebook(path: Path) -> int:
    """Run every code cell of a notebook in a fresh kernel; give their number."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    with talking(path.parent, os.environ) as client:
        for cell in cells:
            paced = "paced" in cell.metadata.get("tags", [])
            if paced:
                run(client, PACE.format(1))
            run(client, cell.source)
            if paced:
                run(client, PACE.format(0))
    return len(cells)


if __name__ == "__main__":
    print(sum(run_notebook(Path(name)) for name in sys.argv[1:]), "cells")
