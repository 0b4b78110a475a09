"""The one door of a kernel: every client talks to it, and its mode is state that can change.

In replay the rules and the recordings answer; in live the relay asks the real API; in local what
nobody recorded goes to a model on this machine. What a cell staged is answered here in every mode.
So a client that was made before the mode changed goes where the banner says.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from courseserver import wire
from courseserver.account import PREFIX, Account
from courseserver.journal import Journal
from courseserver.local import Local
from courseserver.relay import Relay
from courseserver.replay import NO_RECORDING, Replay
from courseserver.values import Forward, Problem, Reply, Request

# The names of this machine, and of the server without a socket. A web page that lets a name of its
# own mean 127.0.0.1 (DNS rebinding) still sends that name; a page's script sends an Origin.
HOSTS = ("127.0.0.1", "localhost", "::1", "course.local")
MESSAGES = "/v1/messages"
STRANGER = "The course server answers programs on this machine only, no web page and no other host."


class Door:
    """A backend that is replay until `relay` or `local` is set."""

    def __init__(self, key: str | None = None) -> None:
        self.account = Account(key=key)
        self.replay = Replay(self.account)
        self.relay: Relay | None = None
        self.local: Local | None = None

    @property
    def journal(self) -> Journal:
        """What went through the door since the lesson began, in every mode."""
        return self.account.journal

    def decide(self, request: Request) -> Reply | Forward:
        """What a request gets in the mode of this moment.

        In every mode it must come from a program on this machine and carry the token of this
        session, which Replay and Relay ask for. What is staged costs nothing and takes any key.
        """
        if _host(request) not in HOSTS or "origin" in request.headers:
            problem = Problem(403, "permission_error", STRANGER)
            return wire.error(problem, "course: not from this machine", "host", request.path)
        if self.relay is None or request.path.startswith(PREFIX):
            reply = self.replay.decide(request)
            if self.local and self._is_missed(reply, request):
                return self.local.ask(self.journal.take_back())
            return reply
        return self.relay.decide(request)

    def _is_missed(self, reply: Reply, request: Request) -> bool:
        """Whether this is a question to the model that no recording answers, and no batch."""
        if reply.status != NO_RECORDING or request.path != MESSAGES:
            return False
        newest = self.journal[-1]
        return newest.reply is reply and newest.missed is not None


def _host(request: Request) -> str:
    """The name of the server that a request was sent to, without its port; "" for none."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""
