"""`staged(...)`: a base URL whose replies the cell chooses, to see failures safely.

It is local in every mode and costs nothing. Each call starts its script afresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from courseserver.staged import STAGED
from helpers._setup import course_server


def staged(name: str | None = None, *, replies: Sequence[Any] | None = None) -> str:
    """The base URL of a client that gets staged replies.

    `staged("cut-stream")` plays one of the named scripts (`STAGED` lists them).
    `staged(replies=["Hello.", {"content": "cut", "stop_reason": "max_tokens"}])` plays
    yours: each a text, a list of blocks, or a dict; in order, the last one repeating.
    Raises `ValueError` when the name is unknown or a reply is none.
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
    return server.url + server.backend.account.stage(str(name), script)
