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
from functools import cached_property
from typing import Literal
from urllib.parse import parse_qs

from courseserver import facts, rules
from courseserver.call import Call
from courseserver.endpoints import BATCHES
from courseserver.ids import make_id
from courseserver.short import Failure, Form, Message, NoResult, expand
from courseserver.values import JSON, Problem, Request, Step
from courseserver.wire import compact

Outcome = Problem | Literal["succeeded", "canceled", "expired"]
Replies = Callable[[int, str], Form | None]  # the reply to a request, by place and custom_id
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
    replies: Replies
    looks_left: int = LOOKS
    cancelled: bool = False
    outcomes: list[Outcome] = field(default_factory=list)  # by request; empty until the end

    @cached_property
    def calls(self) -> list[Call]:
        """The requests as they would be sent alone."""
        return [single(self.asked, each) for each in self.requests]

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
        for at in range(len(self.requests)):
            self.outcomes.append(self._outcome(at) if at < done else "canceled")

    def _outcome(self, at: int) -> Outcome:
        refused = refusal(self.calls[at])
        if refused:
            return refused
        form = self.replies(at, self.requests[at]["custom_id"])
        if isinstance(form, Failure):
            return form.problem
        if isinstance(form, NoResult):
            return form.result
        if not isinstance(form, Message):
            return Problem(500, "api_error", f"{form!r:.60} cannot be the reply to a request")
        return "succeeded"

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
            "results_url": f"{base}{BATCHES}/{self.id}/results" if ended else None,
        }

    def line(self, at: int) -> bytes:
        """The result of one request, as a line of the results file."""
        name = self.requests[at]["custom_id"]
        outcome = self.outcomes[at]
        seed = (self.id, name)
        result: JSON
        if isinstance(outcome, Problem):
            error = {"type": outcome.type, "message": outcome.message}
            request_id = make_id("req", *seed)
            whole = {"type": "error", "error": error, "request_id": request_id}
            result = {"type": "errored", "error": whole}
        elif outcome == "succeeded":
            form = self.replies(at, name)
            assert isinstance(form, Message)  # or it would not have succeeded
            message = expand(form, self.calls[at], *seed)
            message["usage"]["service_tier"] = "batch"
            result = {"type": "succeeded", "message": message}
        else:
            result = {"type": outcome}
        return compact({"custom_id": name, "result": result}) + b"\n"


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

    def create(self, request: Request, name: str, replies: Replies) -> Batch:
        """Begin a batch; the same one again begins anew."""
        number = self.kept[name].number if name in self.kept else len(self.kept)
        self.deleted.discard(name)
        self.kept[name] = Batch(name, number, request, replies)
        return self.kept[name]

    def answer(self, call: Call, base: str) -> JSON | Results | Problem:
        """The reply's body to all but a creation. `base`: where the client finds the results."""
        what, name = call.endpoint.name, call.resource
        if what == "batches":
            return self._list(parse_qs(call.request.query), base)
        if name not in self.kept:
            return Problem(404, "not_found_error", f"Message Batch not found: {name}")
        batch = self.kept[name]
        if what == "batch" and call.method == "GET":
            batch.look()
            return batch.wire(base)
        if what == "batch cancel":
            if batch.outcomes:
                return Problem(400, INVALID, f"Message Batch {name} has ended: nothing to cancel")
            batch.cancelled = True
            return batch.wire(base)
        if not batch.outcomes:
            return Problem(400, INVALID, f"Message Batch {name} is still being processed")
        if what == "batch results":
            return Results(batch)
        del self.kept[name]
        self.deleted.add(name)
        return {"id": name, "type": "message_batch_deleted"}

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


def single(asked: Request, each: JSON) -> Call:
    """One request of a batch as it would be sent alone."""
    params = each["params"]
    raw = json.dumps(params).encode()
    return Call(Request("POST", "/v1/messages", "", asked.headers, raw, params))


def batch_tokens(asked: Request) -> int:
    """Estimated input tokens of a batch, without the requests that would be refused."""
    calls = [single(asked, each) for each in asked.body["requests"]]
    return sum(call.tokens for call in calls if not refusal(call))


def refusal(call: Call) -> Problem | None:
    """Why a request cannot be answered inside a batch; None when it can."""
    for name in NOT_IN_A_BATCH:
        if call.body.get(name):
            return Problem(400, INVALID, f"{name}: not supported in a batch")
    if call.body.get("max_tokens") == 0:
        return Problem(400, INVALID, "max_tokens: 0 is not supported in a batch")
    return rules.check(call)
