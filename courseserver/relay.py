"""Live: a request goes on to the real API as it is, and comes back as it is.

Decides what may leave (allow-listed headers, never the token of this session) and writes down what
came back. It must not do any I/O: the adapter `upstream` carries a `Forward` out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from courseserver import endpoints, rules, wire
from courseserver.account import Account
from courseserver.call import Call
from courseserver.journal import Entry
from courseserver.rules.http import key_problem
from courseserver.values import JSON, Forward, Outcome, Reply, Request, Step

# What a client's request may carry on. Its key may not: it is the token of this session.
ALLOWED = {"accept", "content-type", "idempotency-key", "user-agent"}
ALLOWED_PREFIXES = ("anthropic-", "x-stainless-")


# Batches name the whole address of their results, and the SDK would go there past the door.
HAS_RESULTS_URL = ("batches", "batch", "batch cancel")
RESULTS_URL = re.compile(rb'("results_url":\s*")https?://[^"]*?(/v1/messages/batches/)')


def point_here(body: bytes, *, base: str) -> bytes:
    """A batch whose results are fetched through this server too."""
    return RESULTS_URL.sub(rb"\g<1>" + base.encode() + rb"\g<2>", body)


class Relay:
    """Asks the API at `url` for one account.

    `headers` are what the API needs from us: the key, and what the learner's own gateway wants.
    """

    def __init__(self, account: Account, url: str, headers: Mapping[str, str]) -> None:
        self.account = account
        self.url = url.rstrip("/")
        self._headers = dict(headers)

    def __repr__(self) -> str:
        return f"Relay({self.url!r})"  # never the headers: the key is among them

    def decide(self, request: Request) -> Reply | Forward:
        """Ask upstream; a client without this session's token is refused here."""
        problem = key_problem(request.headers, self.account.key)
        if problem:
            return wire.error(problem, "rule: key", "key", request.path)
        url = f"{self.url}{request.path}"
        if request.query:
            url = f"{url}?{request.query}"
        rewrite = None
        if endpoints.find(request.path)[0].name in HAS_RESULTS_URL:
            rewrite = partial(point_here, base=f"http://{request.headers.get('host', '')}")
        settle = partial(self._settle, request)
        return Forward(request, url, self._outgoing(request), settle, rewrite=rewrite)

    def _outgoing(self, request: Request) -> dict[str, str]:
        kept = {
            name: value
            for name, value in request.headers.items()
            if name in ALLOWED or name.startswith(ALLOWED_PREFIXES)
        }
        kept["accept-encoding"] = "identity"  # so that the journal can read what comes
        return kept | self._headers

    def _settle(self, request: Request, outcome: Outcome) -> None:
        """Write down what came of it."""
        streamed = "event-stream" in outcome.headers.get("content-type", "")
        reply = Reply(
            outcome.status,
            outcome.headers,
            (Step(0.0, outcome.body),),
            streamed=streamed,
            usage=usage_of(outcome.body, streamed=streamed),
        )
        rule = ""
        if 400 <= outcome.status < 500:  # which rule that was, by our own knowledge of them
            problem = rules.check(Call(request))
            rule = problem.rule if problem else ""
        self.account.journal.add(Entry(request, reply, rule=rule, failure=outcome.failure))


def usage_of(body: bytes, *, streamed: bool) -> JSON:
    """The usage that a reply reports; of a stream what its events add up to; {} without one."""
    if not streamed:
        return _usage(_parsed(body))
    usage: JSON = {}
    for line in body.splitlines():
        if not line.startswith(b"data:"):
            continue
        event = _parsed(line.removeprefix(b"data:"))
        for found in (_usage(event.get("message")), _usage(event)):
            usage |= {name: count for name, count in found.items() if count is not None}
    return usage


def _parsed(text: bytes) -> JSON:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _usage(holder: Any) -> JSON:
    usage = holder.get("usage") if isinstance(holder, dict) else None
    return usage if isinstance(usage, dict) else {}
