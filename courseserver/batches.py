"""Message batches: made, polled, cancelled, deleted, and their results line by line.

Plain data in, plain data out, without a clock: a batch ends at the third look at it, so a wait of
minutes takes seconds offline. Each request in it meets the rules only then, as with the real API,
which is why its mistakes appear in the results. Shapes: recorded traffic of August 2026.
What prompt caching would save inside a batch is not worked out here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs

from courseserver import estimate, facts, rules, wire
from courseserver.values import Problem, Request, Step

JSON = dict[str, Any]
Outcome = Problem | Literal["succeeded", "canceled", "expired"]
PATH = "/v1/messages/batches"
LOOKS = 3  # how often a batch is looked at until it has ended
WAIT = {"retry-after": "1"}  # seconds; the real service says 10
CREATED = datetime.fromisoformat(f"{facts.SERVER_DAY}T09:00:00.493319+00:00")
A_MINUTE, A_DAY = timedelta(minutes=1), timedelta(days=1)
KINDS = ("succeeded", "errored", "canceled", "expired")
INVALID = "invalid_request_error"
# What a message may have and a request in a batch may not; batch-processing, November.
NOT_IN_A_BATCH = ("stream", "speed", "thread", "fallbacks")


@dataclass
class Batch:
    """One batch: its requests, the reply to each in short form, and how far it is."""

    id: str
    number: int  # in the order of creation; stands in for the time
    asked: Request
    short: Callable[[int, str], Any]
    looks_left: int = LOOKS
    cancelled: bool = False
    outcomes: list[Outcome] = field(default_factory=list)  # by request; empty until the end

    @property
    def requests(self) -> list[JSON]:
        """What was sent, each with its `custom_id` and `params`."""
        sent: list[JSON] = self.asked.body["requests"]
        return sent

    def look(self, *, last: bool = False) -> None:
        """Let time pass: at the last look every request has its outcome."""
        self.looks_left = 0 if last else max(0, self.looks_left - 1)
        if self.looks_left or self.outcomes:
            return
        done = len(self.requests) // 4 if self.cancelled else len(self.requests)
        for at, each in enumerate(self.requests):
            self.outcomes.append(self._outcome(at, each) if at < done else "canceled")

    def _outcome(self, at: int, each: JSON) -> Outcome:
        if refused := refusal(single(self.asked, each)):
            return refused
        short = self.short(at, each["custom_id"])
        if isinstance(short, dict) and "error" in short:
            return Problem(short["status"], short["error"]["type"], short["error"]["message"])
        if isinstance(short, dict) and not {"content", "result"} & short.keys():
            return Problem(500, "api_error", f"{short!r:.60} cannot be the reply to a request")
        told: Outcome = short.get("result", "succeeded") if isinstance(short, dict) else "succeeded"
        return told

    def wire(self, base: str) -> JSON:
        """The batch as the API shows it. Until its end every request counts as in processing."""
        ended, total = bool(self.outcomes), len(self.requests)
        names = ["errored" if isinstance(o, Problem) else o for o in self.outcomes]
        counts = {"processing": 0 if ended else total} | {kind: names.count(kind) for kind in KINDS}
        created = CREATED + self.number * A_MINUTE
        running = "canceling" if self.cancelled else "in_progress"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else running,
            "request_counts": counts,
            "ended_at": (created + 2 * A_MINUTE).isoformat() if ended else None,
            "created_at": created.isoformat(),
            "expires_at": (created + A_DAY).isoformat(),
            "archived_at": None,
            "cancel_initiated_at": created.isoformat() if self.cancelled else None,
            "results_url": f"{base}{PATH}/{self.id}/results" if ended else None,
        }

    def line(self, at: int) -> bytes:
        """The result of one request, as a line of the results file."""
        each, outcome = self.requests[at], self.outcomes[at]
        name, seed = each["custom_id"], (self.id, each["custom_id"])
        result: JSON
        if isinstance(outcome, Problem):
            error = {"type": outcome.type, "message": outcome.message}
            request_id = wire.make_id("req", *seed)
            whole = {"type": "error", "error": error, "request_id": request_id}
            result = {"type": "errored", "error": whole}
        elif outcome == "succeeded":
            message = wire.expand(self.short(at, name), single(self.asked, each), *seed)
            message["usage"]["service_tier"] = "batch"
            result = {"type": "succeeded", "message": message}
        else:
            result = {"type": outcome}
        return wire.compact({"custom_id": name, "result": result}) + b"\n"


@dataclass(frozen=True)
class Results:
    """The results file as timed steps, made line by line while it is sent; in no given order."""

    batch: Batch

    def __iter__(self) -> Iterator[Step]:
        order = list(range(len(self.batch.requests)))
        random.Random(self.batch.id).shuffle(order)
        return (Step(0.0, self.batch.line(at)) for at in order)


@dataclass
class Batches:
    """The batches of one account (of one script, where a client is staged), by id."""

    kept: dict[str, Batch] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def create(self, request: Request, name: str, short: Callable[[int, str], Any]) -> Batch:
        """Begin a batch; the same one again begins anew. `short`: reply by place and custom_id."""
        number = self.kept[name].number if name in self.kept else len(self.kept)
        self.deleted.discard(name)
        self.kept[name] = Batch(name, number, request, short)
        return self.kept[name]

    def answer(self, request: Request, base: str) -> JSON | Results | Problem:
        """The reply's body to all but a creation. `base`: where the client finds the results."""
        name, _, more = request.path.removeprefix(PATH).strip("/").partition("/")
        how = request.method.upper()
        if how == "GET" and not name:
            return self._list(parse_qs(request.query), base)
        if not name or (how, more) not in {
            ("GET", ""),
            ("GET", "results"),
            ("POST", "cancel"),
            ("DELETE", ""),
        }:
            return Problem(405, INVALID, "Method Not Allowed")
        if name not in self.kept:
            return Problem(404, "not_found_error", f"Message Batch not found: {name}")
        batch = self.kept[name]
        if how == "GET" and not more:
            batch.look()
        elif how == "POST":
            if batch.outcomes:
                return Problem(400, INVALID, f"Message Batch {name} has ended: nothing to cancel")
            batch.cancelled = True
        elif not batch.outcomes:
            return Problem(400, INVALID, f"Message Batch {name} is still being processed")
        elif more:
            return Results(batch)
        else:
            del self.kept[name]
            self.deleted.add(name)
            return {"id": name, "type": "message_batch_deleted"}
        return batch.wire(base)

    def _list(self, query: dict[str, list[str]], base: str) -> JSON | Problem:
        newest = sorted(self.kept.values(), key=lambda batch: -batch.number)
        names = [batch.id for batch in newest]
        limit = query.get("limit", ["20"])[0]
        if not (limit.isdecimal() and 1 <= int(limit) <= 1_000):
            return Problem(400, INVALID, "limit: Input should be between 1 and 1000")
        after, before = query.get("after_id", [""])[0], query.get("before_id", [""])[0]
        start = names.index(after) + 1 if after in names else 0
        if before in names:
            start = max(0, names.index(before) - int(limit))
        page = newest[start : start + int(limit)]
        ids = [batch.id for batch in page]
        more = start > 0 if before else start + len(page) < len(newest)
        return {
            "data": [batch.wire(base) for batch in page],
            "has_more": more,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
        }


def single(asked: Request, each: JSON) -> Request:
    """One request of a batch as it would be sent alone."""
    raw = json.dumps(each["params"]).encode()
    return Request("POST", "/v1/messages", "", asked.headers, raw, each["params"])


def batch_tokens(asked: Request) -> int:
    """Estimated input tokens of a batch, without the requests that would be refused."""
    alone = (single(asked, each) for each in asked.body["requests"])
    return sum(estimate.request_tokens(each.body) for each in alone if not refusal(each))


def refusal(request: Request) -> Problem | None:
    """Why a request cannot be answered inside a batch; None when it can."""
    for name in NOT_IN_A_BATCH:
        if request.body.get(name):
            return Problem(400, INVALID, f"{name}: not supported in a batch")
    if request.body.get("max_tokens") == 0:
        return Problem(400, INVALID, "max_tokens: 0 is not supported in a batch")
    return rules.check(request)
