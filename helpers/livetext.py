"""A text that grows on the page while a stream is read, with its words per second.

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

    A widget, where widgets show; elsewhere the text stands there when the block ends;
    in a plain script it is printed piece by piece. With COURSE_PACE=0 nothing moves: it
    is filled at the end.
    """

    def __init__(self) -> None:
        self.text = ""
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
        """Add a piece and show it; the speed counts from the start of the block."""
        self.text += piece
        if self.widget is None:
            print(piece, end="", flush=True)
        elif pace():
            seconds = time.perf_counter() - self.began
            self._fill(f"{self._words() / seconds:.1f} words per second")

    def __exit__(self, *failure: object) -> None:
        if self.widget is not None:
            if not pace():
                self._fill(f"{self._words()} words")
            # The text once more, for where no widget shows.
            self.shown.update(self._bundle(), raw=True)

    def _words(self) -> int:
        return len(self.text.split())

    def _fill(self, note: str) -> None:
        lines = html.escape(self.text).replace("\n", "<br>")
        text = f'<div style="line-height: 1.5">{lines}</div>'
        self.widget.value = f"{text}<small>{note}</small>"

    def _bundle(self) -> dict[str, Any]:
        return {**self.widget._repr_mimebundle_(), "text/plain": self.text}
