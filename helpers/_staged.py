"""`staged(...)`: a base URL whose replies the cell chooses, to see failures safely.

It is local in every mode and costs nothing. What a reply in the short form becomes is
the course server's; `help(staged)` is where a learner reads of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from courseserver.staged import STAGED
from helpers._setup import course_server, lend_key


def staged(name: str | None = None, *, replies: Sequence[Any] | None = None) -> str:
    """The base URL of a client that gets staged replies. You play the model:

        client = anthropic.Anthropic(base_url=staged(replies=["Hello."]))

    No key is needed, nothing leaves the machine and nothing is paid. Each call of
    staged() starts its script anew. Each request takes the next reply, and the last one
    repeats; a request that the API would refuse gets the API's error and takes none. A
    batch starts with the first reply: the request that stands first in its list gets
    the first, the second gets the second, and so on. The results of a batch come in no
    given order, as from the API: look at `custom_id`.

    A reply is one of these:

        "Hello."                                      a text
        ["Hello.", {"text": "And more."}]             a list of blocks
        {"content": "Hello."}                         the same, with room for more
        {"content": "Hel", "stop_reason": "max_tokens"}   cut off; any stop reason

    A block in a list is a text, or one of these:

        {"thinking": "First, ...", "tokens": 80}      thinking, and its length in tokens
        {"redacted_thinking": 60}                     encrypted thinking of 60 tokens
        {"tool": "weather", "input": {"city": "Ulm"}}     a call of your tool
        {"type": "text", "text": "Hello."}            any block, as the API has it

    The text of thinking is shown if the request asks for it (`display`).

    What goes wrong:

        {"status": 529, "error": {"type": "overloaded_error", "message": "Busy"}}
        {"result": "expired"}          the end of a request in a batch; or "canceled"
        {"content": "Hello.", "fault": {"kind": "cut", "after": 3}}

    A fault comes after so many characters of a streamed text: "cut" breaks the
    connection, "stall" sends no more, "no-end" ends as if all were well, and "error"
    sends an error event. {"events": [[0.1, "event: ping\\ndata: {}\\n\\n"]]} sends
    exactly these pieces, each after a pause in seconds.

    Common failures and rare stop reasons have a name, as in staged("429-twice"):

    {names}

    Raises `ValueError` when the name is unknown, or a reply is none of these.
    """
    if (name is None) == (replies is None):
        raise ValueError("Give staged() either a name or replies=[...].")
    if replies is not None:
        if isinstance(replies, str) or not replies:
            raise ValueError(
                "replies= takes a list with at least one reply, such as ['Hello.']."
            )
        name = "yours"
        script = tuple(replies)
    elif name in STAGED:
        script = STAGED[name].replies
    else:
        raise ValueError(
            f"Nothing staged is called {name!r}. There is: {', '.join(STAGED)}."
        )
    server = course_server()
    lend_key()
    return server.url + server.backend.account.stage(str(name), script)


def _names() -> str:
    """A line for each named script: its name and what happens."""
    lines = [f"    {name:<30} {each.what}" for name, each in STAGED.items()]
    return "\n".join(lines)


# Python 3.13 takes the indentation off a docstring, older ones leave it.
staged.__doc__ = inspect.cleandoc(staged.__doc__ or "").replace("{names}", _names())
