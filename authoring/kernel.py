"""Runs the cells of a notebook in a real kernel, one by one and in any order; in replay, unless
the caller's settings say otherwise.

The kernel is the running interpreter, as with `nbval --nbval-current-env`. This module must not
know how outputs are stored, nor what a lesson is.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from authoring import AuthoringError
from authoring.environment import PACE, clean_environment

Manager = TypeVar("Manager", bound=KernelManager)
CELL_TIMEOUT = START_TIMEOUT = 600  # seconds; they only end a hang, however slow the machine is
RAISES = "raises:"  # begins the tag that says with which class a cell fails
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def this_python(kind: type[Manager]) -> Manager:
    """A manager of a kernel, not started yet, that is the running interpreter.

    Kernels which the author has registered on this machine play no part.
    """
    return kind(kernel_name=CURRENT_ENV_KERNEL_NAME, kernel_spec_manager=NbvalKernelspecManager())


@contextmanager
def talking(folder: Path, environ: Mapping[str, str]) -> Iterator[BlockingKernelClient]:
    """A client of such a kernel that is ready, started in `folder` and killed at the end."""
    manager = this_python(KernelManager)
    manager.start_kernel(cwd=str(folder), env=dict(environ), stderr=subprocess.DEVNULL)
    client: BlockingKernelClient = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=START_TIMEOUT)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


class Runner:
    """A notebook and a kernel to run its cells in, one after the other or in any order."""

    def __init__(self, notebook: Any) -> None:
        self.notebook = notebook
        self.client = NotebookClient(
            notebook,
            km=this_python(AsyncKernelManager),
            startup_timeout=START_TIMEOUT,
            timeout=CELL_TIMEOUT,
            coalesce_streams=True,
            record_timing=False,
            store_widget_state=False,
        )

    def run(self, index: int, count: int | None = None) -> Any:
        """Run cell `index`, paced if it is tagged so, and return the cell with its outputs."""
        cell = self.notebook.cells[index]
        tags = cell.metadata.get("tags", [])
        paced = "paced" in tags
        if paced:
            self.quietly(PACE.format(1))
        self._execute(cell, index, place(index, cell), count)
        if paced:
            self.quietly(PACE.format(0))
        raised = [output.ename for output in cell.outputs if output.output_type == "error"]
        if "raises-exception" in tags and not raised:
            raise AuthoringError(
                f"{place(index, cell)} is tagged raises-exception but raised nothing. "
                "Remove the tag, or correct the cell so that it fails as its text says."
            )
        wanted = announced(cell)
        if raised and wanted and raised != [wanted]:
            raise AuthoringError(
                f"{place(index, cell)} is tagged raises:{wanted} but failed with {raised[0]}: "
                f"{cell.outputs[-1].evalue}. Correct the cell, or its text and the tag."
            )
        return cell

    def _execute(self, cell: Any, index: int, name: str, count: int | None = None) -> None:
        try:
            self.client.execute_cell(
                cell, index, execution_count=count, store_history=count is not None
            )
        except CellExecutionError as problem:
            what = f"failed: {problem.ename}: {problem.evalue}"
            raise AuthoringError(f"{name} {what}") from problem
        except CellTimeoutError as problem:
            raise AuthoringError(f"{name} ran for more than {CELL_TIMEOUT} seconds.") from problem
        except DeadKernelError as problem:
            raise AuthoringError(f"{name} ended its kernel.") from problem

    def quietly(self, code: str) -> str:
        """Run code that belongs to no cell and return what it printed."""
        cell = new_code_cell(code)
        self.notebook.cells.append(cell)
        try:
            self._execute(cell, len(self.notebook.cells) - 1, f"the code {code!r}")
        finally:
            self.notebook.cells.pop()
        return "".join(output.get("text", "") for output in cell.outputs)


@contextmanager
def running(
    path: Path, notebook: Any, settings: Mapping[str, str] | None = None
) -> Iterator[Runner]:
    """A kernel of the running interpreter in the notebook's folder, shut down at the end.

    Its environment is the clean one; `settings` come on top of it.
    """
    runner = Runner(notebook)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
        runner.client.setup_kernel(
            cleanup_kc=True,
            env=clean_environment(os.environ, scratch) | dict(settings or {}),
            cwd=str(path.parent),
            stderr=subprocess.DEVNULL,
        ),
    ):
        yield runner


def announced(cell: Any) -> str:
    """The class with which a cell fails, from its tag (`raises:TypeError`), or ""."""
    found = [tag for tag in cell.metadata.get("tags", []) if tag.startswith(RAISES)]
    return str(found[0]).removeprefix(RAISES) if found else ""


def place(index: int, cell: Any) -> str:
    """How a cell is named in messages: its position in the notebook from 1, and its id."""
    return f"cell {index + 1} ({cell.get('id', 'no id')})"


def comparable(outputs: Sequence[Any]) -> dict[str, list[str]]:
    """What strict nbval compares of a cell's outputs: each kind of content and its values.

    Streams by name, pictures, tracebacks and widget views left out, `ename` and `evalue` kept.
    """
    found: dict[str, list[str]] = {}
    for output in outputs:
        if output.output_type == "stream":
            values = {output.name: output.text}
        elif output.output_type == "error":
            values = {"ename": output.ename, "evalue": output.evalue}
        else:
            skipped = {"image/png", "image/jpeg", WIDGET_VIEW}
            values = {kind: v for kind, v in output.data.items() if kind not in skipped}
        for kind, value in values.items():
            found.setdefault(kind, []).append(
                value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            )
    return found
