"""The learner's room: what the notebooks import.

Everything here is short enough to read. Nothing here wraps the API call that a lesson teaches:
notebooks build `anthropic.Anthropic()` themselves.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("anthropic") is None:
    raise ImportError(
        "The anthropic package is missing from this kernel's Python. In a terminal, in the "
        "course's folder, run: python3 start.py (Windows: py start.py), and choose the kernel of "
        "its .venv. In an environment of your own: pip install -r requirements.txt"
    )

from helpers import show
from helpers.cost import cost
from helpers.exercise import exercise
from helpers.hunt import hunt
from helpers.ledger import ledger
from helpers.progress import progress
from helpers.quiz import quiz
from helpers.setup import default_model, setup
from helpers.staged import staged
from helpers.wishes import wish

MODEL = default_model()

__all__ = [
    "MODEL",
    "cost",
    "exercise",
    "hunt",
    "ledger",
    "progress",
    "quiz",
    "setup",
    "show",
    "staged",
    "wish",
]
