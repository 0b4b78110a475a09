"""A small chat on the page, for a lesson's own function that takes one turn.

It shows and keeps the conversation; the call is the lesson's. It must not know what
is asked, nor whether replies are recorded: a refusal of replay is shown like any error.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from ipywidgets import HTML, Button, HBox, Layout, Text, VBox

LOG = '<div role="log" aria-live="polite" style="white-space: pre-wrap">'


class Chat:
    """A conversation that `send(text)` or its widget continues.

    `say(history, text)` returns the reply and the longer history; `suggested` become
    buttons.
    """

    def __init__(self, say: Callable[..., Any], suggested: Sequence[str]) -> None:
        self.say = say
        self.log = HTML()
        self.own = Text(placeholder="Your own words", continuous_update=False)
        self.entered = False  # whether Enter was pressed, and its text not seen yet
        self.buttons = []
        for text in suggested:
            button = Button(description=text, layout=Layout(width="auto"))
            button.on_click(lambda pressed: self._ask(pressed.description))
            self.buttons.append(button)
        send = Button(description="Send")
        send.on_click(lambda _: self._ask(self.own.value))
        again = Button(description="Start again")
        again.on_click(lambda _: self.start())
        self.own.on_msg(self._on_enter)
        self.own.observe(self._on_text, "value")
        self.widget = VBox([self.log, *self.buttons, HBox([self.own, send]), again])
        self.start()

    def start(self) -> None:
        """Begin afresh, with an empty history."""
        self.history: list[Any] = []
        self.replies: list[Any] = []
        self.lines: list[tuple[str, str]] = []
        self._show()

    def send(self, text: str) -> str:
        """Take a turn; return the text of the answer.

        When `say` raises, the history stays as it was.
        """
        reply, self.history = self.say(self.history, text)
        self.replies.append(reply)
        answer = "".join(block.text for block in reply.content if block.type == "text")
        self.lines.append(("You", text))
        self.lines.append(("Claude", answer or f"(no text: {reply.stop_reason})"))
        self._show()
        return answer

    def _ask(self, text: str) -> None:
        """A turn from the widget: an error is shown, since no cell is there to fail."""
        try:
            if text.strip():
                self._show(("You", text), ("Claude", "..."))
                self.send(text)
        except Exception as error:
            said = str(getattr(error, "api_message", error))
            self._show(("You", text), ("No answer", said))
        self.own.value = ""
        # The button that was pressed may be off now; the keyboard goes on here.
        self.own.focus()

    def _on_enter(self, *_: Any) -> None:
        self.entered = True  # the browser reports the key first, and the text after it

    def _on_text(self, change: Any) -> None:
        if self.entered:
            self.entered = False
            self._ask(change.new)

    def _show(self, *note: tuple[str, str]) -> None:
        said = ""
        for who, text in [*self.lines, *note]:
            said += f"<p><b>{who}:</b> {html.escape(text)}</p>"
        self.log.value = f"{LOG}{said}</div>"
        for button in self.buttons:
            button.disabled = ("You", button.description) in self.lines

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        plain = "\n".join(f"{who}: {text}" for who, text in self.lines)
        plain = plain or "A chat: no turn yet."
        return {**self.widget._repr_mimebundle_(), "text/plain": plain}
