"""The one door of a kernel: every client talks to it, and its mode is state that can change.

In replay the rules and the recordings answer; in live the relay asks the real API. What a cell
staged is answered here in every mode. So a client that was made before the mode changed goes where
the banner says.
"""

from __future__ import annotations

from courseserver.account import PREFIX, Account
from courseserver.journal import Journal
from courseserver.relay import Relay
from courseserver.replay import Replay
from courseserver.values import Forward, Reply, Request


class Door:
    """A backend that is replay until `relay` is set."""

    def __init__(self, key: str | None = None) -> None:
        self.account = Account(key=key)
        self.replay = Replay(self.account)
        self.relay: Relay | None = None

    @property
    def journal(self) -> Journal:
        """What went through the door since the lesson began, in every mode."""
        return self.account.journal

    def decide(self, request: Request) -> Reply | Forward:
        """What a request gets in the mode of this moment."""
        if self.relay is None or request.path.startswith(PREFIX):
            return self.replay.decide(request)
        return self.relay.decide(request)
