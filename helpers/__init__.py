"""The learner's room: what notebooks import, short enough to read in one sitting.

Nothing here wraps the API call that a lesson teaches: notebooks build
`anthropic.Anthropic()` themselves. What a learner does with a lesson (exercises, quiz,
error hunt, a live text, a chat) stands in practice/ and is loaded when it is first
asked for. So is what `setup()` tells of a lesson's costs in live mode.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if find_spec("anthropic") is None:
    raise ImportError(
        "The anthropic package is missing from this kernel's Python. In a terminal, in "
        "the course's folder, run: python3 start.py (Windows: py start.py), and choose "
        "the kernel of its .venv. In an environment of your own: "
        "pip install -r requirements.txt"
    )

from courseserver import facts
from helpers import show
from helpers._cost import cost
from helpers._ledger import ledger
from helpers._setup import mode, setup, traffic
from helpers._staged import staged
from helpers.settings import default_model

if TYPE_CHECKING:
    from practice._exercise import exercise
    from practice._hunt import hunt
    from practice._progress import progress
    from practice._quiz import quiz
    from practice.chat import Chat
    from practice.desk import desk_parts
    from practice.livetext import LiveText
    from practice.wishes import wish

MODEL = default_model()

PRACTICE = {
    "Chat": "practice.chat",
    "LiveText": "practice.livetext",
    "desk_parts": "practice.desk",
    "exercise": "practice._exercise",
    "hunt": "practice._hunt",
    "progress": "practice._progress",
    "quiz": "practice._quiz",
    "wish": "practice.wishes",
}

__all__ = [
    "MODEL",
    "Chat",
    "LiveText",
    "cost",
    "desk_parts",
    "exercise",
    "facts",
    "hunt",
    "ledger",
    "mode",
    "progress",
    "quiz",
    "setup",
    "show",
    "staged",
    "traffic",
    "wish",
]


def __getattr__(name: str) -> Any:
    """Load a part of practice/ when a notebook first imports it from here."""
    if name not in PRACTICE:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    return getattr(import_module(PRACTICE[name]), name)
