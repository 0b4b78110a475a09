"""One request with all that follows from it: endpoint, identity, prompt view, token count.

Each is worked out once, when somebody first asks, and travels on with the request. It must not
know who answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from courseserver import betas, endpoints, estimate, facts
from courseserver.identity import Identity
from courseserver.ids import Captured
from courseserver.prompt import Prompt
from courseserver.values import JSON, Request


class Call:
    """A request on its way through the server.

    `value` is its parsed body, with the content of uploaded files in place of their ids; `body` is
    the same where it is an object, else empty. `expected_key`: the only API key that is accepted;
    None accepts any. `uploads`: the media types of the account's files, by id. `captured`: the
    thinking blocks that the real API made, by signature.
    """

    def __init__(
        self,
        request: Request,
        value: Any = None,
        expected_key: str | None = None,
        uploads: Mapping[str, str] | None = None,
        captured: Mapping[str, Captured] | None = None,
    ) -> None:
        self.request = request
        self.headers = request.headers
        self.expected_key = expected_key
        self.uploads = uploads or {}
        self.captured = captured or {}
        self.endpoint, self.resource = endpoints.find(request.path)
        self.kind = self.endpoint.kind
        self.value = request.body if value is None else value
        self.body: JSON = self.value if isinstance(self.value, dict) else {}
        self.betas = self.headers.get("anthropic-beta", "")
        self.opened = betas.opened(self.betas)
        self.old = self.headers.get("anthropic-version") in facts.OLD_API_VERSIONS

    @cached_property
    def identity(self) -> Identity:
        """What identifies the request, with file ids as they were sent."""
        return Identity(self.request)

    @cached_property
    def prompt(self) -> Prompt:
        """The prompt block by block. The shape of the body must have been checked."""
        return Prompt(self.body)

    @cached_property
    def tokens(self) -> int:
        """Estimated input tokens."""
        return estimate.request_tokens(self.body)

    @property
    def method(self) -> str:
        """The HTTP method, in capitals."""
        return self.request.method.upper()

    @property
    def turns(self) -> list[JSON]:
        """The messages as they were sent."""
        return self.body.get("messages") or []

    @property
    def tools(self) -> list[JSON]:
        """The tools as they were sent."""
        return self.body.get("tools") or []

    @property
    def model(self) -> facts.Model:
        """The row of the model that is asked for, which must be known."""
        return facts.model(self.body["model"])

    @property
    def forces_tool(self) -> bool:
        """Whether `tool_choice` leaves the model no way but to call a tool."""
        return self.part("tool_choice", "type") in {"any", "tool"}

    @property
    def json_format(self) -> tuple[str, JSON] | None:
        """Where the JSON form of the answer is described, and the description; None if nowhere.

        Under the beta of 2025 it may stand in `output_format`.
        """
        new = self.part("output_config", "format")
        if new:
            return "output_config.format", new
        old = self.part("output_format")
        return ("output_format", old) if old else None

    def part(self, *names: str) -> Any:
        """A value deep in the body; None when a step of the way is missing or null."""
        value: Any = self.body
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value
