"""The API for these tests: the course server, in this process. No key, no network."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

try:
    from courseserver.loopback import Server
    from courseserver.replay import Replay
except ImportError as problem:
    raise pytest.UsageError(
        "The tests need the course's folder courseserver beside the folder sorting, "
        f"and requirements-dev.txt installed (checklist.md says how): {problem}"
    ) from None

from sorting.client import new_client

KEY = "no-real-key-planted-by-a-test"


class Api:
    """`says("Paper.")` is a client that is told this; `sent` is what was asked."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.server = Server(Replay())
        self.patch = patch

    def says(self, *replies: Any) -> anthropic.Anthropic:
        """Make the service's own client; it takes one reply for each request."""
        path = self.server.backend.account.stage("test", replies)
        self.patch.setenv("ANTHROPIC_BASE_URL", self.server.url + path)
        return new_client()

    @property
    def sent(self) -> list[Any]:
        """The body of each request, in order."""
        return [entry.request.body for entry in self.server.backend.account.journal]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Claude's API on this machine, and an environment that leads to it."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("COURSE_PACE", "0")  # replies come at once
    there = Api(monkeypatch)
    yield there
    there.server.stop()
