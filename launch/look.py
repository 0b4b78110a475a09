"""A lesson as the doctor tries it: a kernel in the learner's folder, and a request.

The doctor runs this with the environment's Python, in the folder of the lessons; it
prints what it saw as JSON. Errors are named by their kind alone, because the text of
one may hold a proxy's password. It must not send anything beyond this machine.
"""

import ast
import contextlib
import importlib
import json
import os
import sys
from typing import Any

from launch.machine import unusable_proxies

IMPORTED = ("jupyterlab.labapp", "ipywidgets", "jupyterlab_widgets", "dotenv")
STARTED_WITHIN = 240  # seconds; a first start under a virus scanner takes its time

IN_KERNEL = """
def look():
    import contextlib, io, json, pathlib, sys
    seen = {"prefix": sys.prefix, "step": "helpers"}
    try:
        import helpers
        seen["helpers"] = helpers.__file__
        seen["step"] = "SDK"
        import anthropic
        seen["step"] = "setup"
        course = pathlib.Path(helpers.__file__).resolve().parents[1]
        recordings = sorted(course.glob("recordings/*.json"))
        with contextlib.redirect_stdout(io.StringIO()):
            helpers.setup(recordings[0].stem)
        seen["step"] = "client"
        client = anthropic.Anthropic(max_retries=0, timeout=20)
        seen["step"] = "request"
        client.models.list()
        seen["step"] = ""
    except BaseException as error:
        seen["error"] = type(error).__name__
        seen["module"] = getattr(error, "name", None) or ""
    return json.dumps(seen)
"""


def look() -> dict[str, Any]:
    """Return what a kernel saw, what cannot be imported, and what stops a live client.

    {"prefix": its Python, "helpers": path, "step": where it ended ("" is the end),
    "error", "module", "broken": {package: kind of error}, "live": kind of error or ""}
    """
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    away = {name: os.environ.pop(name) for name in unusable_proxies(os.environ)}
    try:
        broken: dict[str, str] = {}
        for module in IMPORTED:  # while the kernel starts
            try:
                found = importlib.import_module(module).__file__
                broken |= {} if found else {module: "gone in part"}
            except Exception as error:
                broken[module] = type(error).__name__
        os.environ.update(away)  # as launch/lab.py does
        live = why_no_client()
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=STARTED_WITHIN)
        reply = client.execute_interactive(
            IN_KERNEL,
            store_history=False,
            user_expressions={"seen": "look()"},
            timeout=STARTED_WITHIN,
            output_hook=lambda message: None,
        )
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
    text = reply["content"]["user_expressions"]["seen"]["data"]["text/plain"]
    return {**json.loads(ast.literal_eval(text)), "broken": broken, "live": live}


def why_no_client() -> str:
    """Return the kind of error with which the SDK refuses to make a client, or ""."""
    try:
        import anthropic

        anthropic.Anthropic(api_key="not-sent").close()
    except Exception as error:
        return type(error).__name__
    return ""


def main() -> None:
    """Print what was seen, and nothing else."""
    printed = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        try:
            seen = look()
        except Exception as error:
            seen = {"step": "kernel", "error": type(error).__name__}
            seen["module"] = getattr(error, "name", None) or ""
    print(json.dumps(seen), file=printed)


if __name__ == "__main__":
    main()
