"""Live: a request goes on to the real API as it is, and comes back as it is.

Decides what may leave (allow-listed headers, never the token of this session, nothing that the
spending limit does not cover) and writes down what came back and what it cost. It must not do any
I/O: the adapter `upstream` carries a `Forward` out, and the budget was given its ledger.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from courseserver import endpoints, rules, wire
from courseserver.account import Account
from courseserver.budget import Refusal, Reservation
from courseserver.call import Call
from courseserver.journal import Entry
from courseserver.price import UnpricedError, Worst, file_tokens, usage_usd, worst_case
from courseserver.rules.http import key_problem
from courseserver.values import JSON, Forward, Outcome, Problem, Reply, Request, Step

# What a client's request may carry on. Its key may not: it is the token of this session.
ALLOWED = {"accept", "content-type", "idempotency-key", "user-agent"}
ALLOWED_PREFIXES = ("anthropic-", "x-stainless-")

# Failures before anything was sent. After any other one the API may have begun to answer.
NOT_SENT = {"ConnectError", "ConnectTimeout", "ProxyError", "UnsupportedProtocol"}
NOT_SENT |= {"ImportError", "ValueError"}  # a proxy that cannot be used
NO_RETRY = {"x-should-retry": "false"}

PAID = ("messages", "batches")  # also where the worst case is 0: what it did cost is booked
# Batches name the whole address of their results, and the SDK would go there past the door.
HAS_RESULTS_URL = ("batches", "batch", "batch cancel")
EVENT_END = b"\n\n"
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
        try:
            worst = worst_case(request, self._tokens_behind)
        except UnpricedError as unpriced:
            return self._unsent(request, unpriced.problem)
        reservation = None
        method = request.method.upper()  # HTTP clients write it so, whatever they were given
        if endpoints.find(request.path)[0].name in PAID and method == "POST":
            reserved = self.account.budget.reserve(worst, _model(request))
            if isinstance(reserved, Refusal):
                # 402 is the class with which a program stops when money is short; the SDK raises
                # PaymentRequiredError for it and does not try again.
                problem = Problem(402, "billing_error", reserved.message)
                return self._unsent(request, problem)
            reservation = reserved
        settle = partial(self._settle, request, worst, reservation)
        return Forward(
            request, url, self._outgoing(request), settle, reserved=worst.usd, rewrite=rewrite
        )

    def _unsent(self, request: Request, problem: Problem) -> Reply:
        """The course's own refusal, marked as such; it is no reply of the API."""
        reply = wire.error(
            problem, "course: spending limit", "limit", problem.message, extra=NO_RETRY
        )
        self.account.journal.add(Entry(request, reply, unsent=True))
        return reply

    def _tokens_behind(self, name: str) -> int | None:
        """The most tokens behind the id of a file or message of this lesson; None: unknown."""
        for entry in reversed(list(self.account.journal)):
            body = b"".join(step.data for step in entry.reply.steps)
            if entry.reply.status != 200 or f'"{name}"'.encode() not in body:
                continue
            if entry.request.path == "/v1/files":
                return file_tokens(entry.request.raw)
            if entry.reply.usage:
                counts = (v for v in entry.reply.usage.values() if isinstance(v, int))
                return sum(counts)
        return None

    def _outgoing(self, request: Request) -> dict[str, str]:
        kept = {
            name: value
            for name, value in request.headers.items()
            if name in ALLOWED or name.startswith(ALLOWED_PREFIXES)
        }
        kept["accept-encoding"] = "identity"  # so that the journal can read what comes
        return kept | self._headers

    def _settle(
        self, request: Request, worst: Worst, reservation: Reservation | None, outcome: Outcome
    ) -> None:
        """Write down what came of it, and what it cost."""
        streamed = "event-stream" in outcome.headers.get("content-type", "")
        reply = Reply(
            outcome.status,
            outcome.headers,
            _steps(outcome, streamed=streamed),
            streamed=streamed,
            usage=usage_of(outcome.body, streamed=streamed),
        )
        rule = ""
        if 400 <= outcome.status < 500:  # which rule that was, by our own knowledge of them
            problem = rules.check(Call(request))
            rule = problem.rule if problem else ""
        self._book(request, worst, reservation, outcome, reply)
        self.account.journal.add(Entry(request, reply, rule=rule, failure=outcome.failure))

    def _book(
        self,
        request: Request,
        worst: Worst,
        reservation: Reservation | None,
        outcome: Outcome,
        reply: Reply,
    ) -> None:
        """Settle the reservation, and note what now lies at the API."""
        budget = self.account.budget
        endpoint, resource = endpoints.find(request.path)
        done = 200 <= outcome.status < 300
        method = request.method.upper()
        made = str(wire.parsed(outcome.body).get("id")) if done and method == "POST" else ""
        known = {"model": _model(request), "request_id": outcome.headers.get("request-id", "")}
        if reservation and endpoint.name == "batches" and done:
            budget.settle_batch(reservation, made, **known)
        elif reservation:
            usd = spent(request, worst, outcome, reply)
            budget.settle(reservation, usd, usage=reply.usage, **known)
        if endpoint.name in ("batches", "files") and made:
            budget.note(_kind(endpoint.name), made, "created")
        is_gone = method == "DELETE" and (done or outcome.status == 404)
        if endpoint.name in ("batch", "file") and is_gone:
            budget.note(endpoint.name, resource, "deleted")
        if endpoint.name == "batch results" and method == "GET" and done and outcome.complete:
            usd_of_all = results_usd(outcome.body)
            if usd_of_all is not None:
                budget.correct_batch(resource, usd_of_all)


def spent(request: Request, worst: Worst, outcome: Outcome, reply: Reply) -> float:
    """What a request for a message cost, in USD; where that cannot be known, the most it can.

    An error of the API costs nothing. A reply that broke off costs its worst case: the API may have
    written on. Of a stream that broke off, the input is known from its first event.
    """
    if outcome.status >= 300 or (not outcome.status and outcome.failure in NOT_SENT):
        return 0.0
    if not reply.usage:
        return worst.usd
    try:
        if reply.streamed and not _is_whole(outcome.body):
            begun = {**reply.usage, "output_tokens": worst.output_tokens}
            return usage_usd(begun, _model(request)) + worst.fees
        return usage_usd(reply.usage, _model(request))
    except (KeyError, TypeError):  # no price: a model that is gone and answers; no number
        return worst.usd


def results_usd(body: bytes) -> float | None:
    """What a batch cost, from its results; None when they are not all there or have no price."""
    if not body:
        return None
    total = 0.0
    for line in io.BytesIO(body):
        result = wire.parsed(line).get("result")
        if not isinstance(result, dict):
            return None
        message = result.get("message")
        if isinstance(message, dict):
            usage = _sound(_usage(message))
            if not usage:
                return None
            try:
                total += usage_usd(usage, str(message.get("model")), batch=True)
            except (KeyError, TypeError):
                return None
    return total


def usage_of(body: bytes, *, streamed: bool) -> JSON:
    """The usage that a reply reports; of a stream what its events add up to.

    {} without one, and for one that nobody can reckon with.
    """
    if not streamed:
        return _sound(_usage(wire.parsed(body)))
    usage: JSON = {}
    for event in wire.events(body):
        for found in (_usage(event.get("message")), _usage(event)):
            usage |= {name: count for name, count in found.items() if count is not None}
    return _sound(usage)


def _is_whole(body: bytes) -> bool:
    """Whether a stream came to the event that says why it stopped, and so what it cost."""
    for event in wire.events(body):
        delta = event.get("delta")
        if isinstance(delta, dict) and delta.get("stop_reason"):
            return True
    return False


def _steps(outcome: Outcome, *, streamed: bool) -> tuple[Step, ...]:
    """The body with the time that it took; of a stream event by event, each when it was whole."""
    if not streamed:
        return (Step(sum(pause for pause, _ in outcome.came), outcome.body),)
    steps: list[Step] = []
    begun, end, waited = 0, 0, 0.0
    for pause, size in outcome.came:
        waited += pause
        end += size
        for event in outcome.body[begun:end].split(EVENT_END)[:-1]:
            steps.append(Step(waited, event + EVENT_END))
            begun += len(event + EVENT_END)
            waited = 0.0
    if begun < len(outcome.body):
        steps.append(Step(waited, outcome.body[begun:]))
    return tuple(steps)


def _kind(endpoint: str) -> str:
    return "batch" if endpoint == "batches" else "file"


def _model(request: Request) -> str:
    body = request.body if isinstance(request.body, dict) else {}
    return str(body.get("model") or "")


def _sound(usage: JSON) -> JSON:
    """A usage whose counts are counts; {} for any other, because a limit is held with it."""
    for group in (usage, usage.get("cache_creation"), usage.get("server_tool_use")):
        if group is not None and not isinstance(group, dict):
            return {}
        for name, count in (group or {}).items():
            is_count = count is None or (type(count) is int and count >= 0)
            if name.endswith(("_tokens", "_requests")) and not is_count:
                return {}
    return usage


def _usage(holder: Any) -> JSON:
    usage = holder.get("usage") if isinstance(holder, dict) else None
    return usage if isinstance(usage, dict) else {}
