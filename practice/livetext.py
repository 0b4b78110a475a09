"""A text that grows on the page while a stream is read, and a stopwatch for it.

It only shows: the lesson's own loop reads the stream and hands over each piece. It must
not know where the pieces come from.
"""

from __future__ import annotations

import html
import time
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from courseserver.pace import pace


class LiveText:
    """Used in a `with` block; `write(piece)` adds a piece of text.

    `first` and `took` are seconds, from the start of the block to its first and to its
    last piece. A widget, where widgets show; elsewhere the text stands there when the
    block ends; in a plain script it is printed piece by piece. With COURSE_PACE=0
    nothing moves: it is filled at the end.
    """

    def __init__(self) -> None:
        self.text = ""
        self.first = self.took = 0.0
        self.widget: Any = None  # none in a script
        if hasattr(get_ipython(), "kernel"):
            from ipywidgets import HTML

            self.widget = HTML()

    def __enter__(self) -> LiveText:
        self.began = time.perf_counter()
        if self.widget is not None:
            self.shown = display(self._bundle(), raw=True, display_id=True)
        return self

    def write(self, piece: str) -> None:
        """Add a piece, show it, and take the time."""
        self.took = time.perf_counter() - self.began
        if not self.text:
            self.first = self.took
        self.text += piece
        if self.widget is None:
            print(piece, end="", flush=True)
        elif pace():
            self._fill(f"first text: {self.first:.1f} s, all so far: {self.took:.1f} s")

    def __exit__(self, *failure: object) -> None:
        if self.widget is not None:
            if not pace():
                self._fill(f"{len(self.text.split())} words")
            # The text once more, for where no widget shows.
            self.shown.update(self._bundle(), raw=True)

    def _fill(self, note: str) -> None:
        lines = html.escape(self.text).replace("\n", "<br>")
        text = f'<div style="line-height: 1.5">{lines}</div>'
        self.widget.value = f"{text}<small>{note}</small>"

    def _bundle(self) -> dict[str, Any]:
        return {**self.widget._repr_mimebundle_(), "text/plain": self.text}
