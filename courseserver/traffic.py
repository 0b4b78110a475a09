"""How many replies are on their way: what an adapter counts while it sends.

It must not know what is asked or answered.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Traffic:
    """A count of replies: `now` on their way, at `most` at once, and `left` by their client.

    A reply is on its way from the arrival of its request until it was sent whole. It counts as
    left when the client closed the connection before that.
    """

    now: int = 0
    most: int = 0
    left: int = 0

    def begin(self) -> None:
        """A request has arrived."""
        self.now += 1
        self.most = max(self.most, self.now)

    def end(self, *, left: bool) -> None:
        """Its reply is whole, or was broken off; `left`: by the client."""
        self.now -= 1
        self.left += left
