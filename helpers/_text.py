"""Text for the eye: shown as Markdown, shortened, and never taken for a formula.

It must not know what a text is about, nor who shows it.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from courseserver.masking import masked

CODE = re.compile(
    r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL
)  # `code`, ```code```
DOLLAR = "<span>&#36;</span>"


def tell(markdown: str, plain: str | None = None) -> None:
    """Show Markdown in a notebook, and `plain` (or the Markdown as it is) elsewhere.

    What looks like a key is masked.
    """
    markdown = masked(markdown)
    plain = masked(plain or markdown).replace(DOLLAR, "$")
    if in_notebook():
        from IPython.display import display

        display({"text/markdown": markdown, "text/plain": plain}, raw=True)
    else:
        print(plain)


def in_notebook() -> bool:
    """Whether Markdown can be shown; a terminal, also IPython's, shows plain text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"


def escape_dollars(markdown: str) -> str:
    """The text with each dollar sign outside code kept from starting a formula.

    Jupyter sets what stands between two of them as mathematics. A backslash does not
    help in every one of its programs; an element of its own does.
    """
    shown = ""
    at = 0
    for code in CODE.finditer(markdown):
        shown += markdown[at : code.start()].replace("$", DOLLAR) + code.group()
        at = code.end()
    return shown + markdown[at:].replace("$", DOLLAR)


def shorten(value: Any, longest: int = 200) -> Any:
    """A JSON value whose strings of more than `longest` characters are cut."""
    if isinstance(value, dict):
        return {key: shorten(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [shorten(item, longest) for item in value]
    if isinstance(value, str) and len(value) > longest:
        return f"{value[: longest // 3]}... ({len(value):,} characters)"
    return value
