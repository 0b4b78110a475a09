"""Replay: the API's rules first, then the lesson's recordings, or a script that a cell staged.

`Lesson` is what begins anew with each lesson. Plain Python without sockets, threads, files or a
clock; it must not know what carries its replies to the client.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from courseserver import models, rules, wire
from courseserver.account import PREFIX, Account, Script
from courseserver.batches import WAIT, Batch, Batches, Replies, Results, batch_tokens, refusal
from courseserver.cache import Cache
from courseserver.call import Call
from courseserver.ids import make_id
from courseserver.journal import Entry, Missed
from courseserver.recordings import Exchange, Recordings
from courseserver.short import (
    BatchReplies,
    CapturedBody,
    CapturedStream,
    Failure,
    Form,
    Message,
    NoResult,
    expand,
)
from courseserver.values import Problem, Reply, Request, Step
from courseserver.wire import json_reply

NO_RECORDING = 421  # the SDK does not retry it, and no lesson handles it by accident


@dataclass
class Lesson:
    """A lesson in progress: its recordings, how far each was played, the prompt cache."""

    recorded: Recordings = field(default_factory=lambda: Recordings("", ()))
    turns: dict[str, int] = field(default_factory=dict)
    cache: Cache = field(default_factory=Cache)

    def turn(self, exchange: Exchange) -> int:
        """Count one more playing of an exchange; returns how often it was played before."""
        turn = self.turns.get(exchange.name, 0)
        self.turns[exchange.name] = turn + 1
        return turn


@dataclass
class Replay:
    """Answers for one account in one lesson, and writes each exchange into the journal."""

    account: Account = field(default_factory=Account)
    lesson: Lesson = field(default_factory=Lesson)

    def start(self, recorded: Recordings) -> None:
        """Begin a lesson: its recordings from their first reply, an empty journal."""
        self.lesson = Lesson(recorded)
        self.account.journal.clear()
        self.account.scripts.clear()

    def decide(self, request: Request) -> Reply:
        """The reply to one request. Never raises for a request that a learner can write."""
        base = f"http://{request.headers.get('host', 'localhost')}"
        if not request.path.startswith(PREFIX):
            return self.answer(request, None, base)
        token, _, rest = request.path.removeprefix(PREFIX).partition("/")
        script = self.account.scripts.get(token)
        if script is None:
            gone = "This staged reply belongs to an earlier start of the lesson. Run the cell "
            gone += "that calls staged(...) again."
            return wire.error(Problem(404, "not_found_error", gone), "none", f"/{rest}")
        request = replace(request, path=f"/{rest}")
        return self.answer(request, script, f"{base}{PREFIX}{token}")

    def answer(self, request: Request, script: Script | None, base: str) -> Reply:
        """The reply from a script, or from the recordings; `base`: as the client reached us."""
        told = self.account.files.filled(request.body)  # what is kept has its file ids
        call = Call(
            request,
            told,
            expected_key=None if script else self.account.key,
            uploads=self.account.files.kinds(),
        )
        missed = None
        problem = rules.check(call)
        if problem:  # no counter in the seed: a cell that is run again shows the same id
            label = f"rule: {problem.rule}"
            reply = wire.error(problem, label, problem.rule, call.identity.key)
        else:
            answered = self._reply(call, script, base)
            if answered is None:
                missed = self._miss(call)
                refusal = Problem(NO_RECORDING, "no_recording", _sentence(missed))
                answered = wire.error(refusal, "none", call.identity.key)
            reply = answered
        rule = problem.rule if problem else ""
        self.account.journal.add(Entry(request, reply, bool(script), missed, rule))
        return reply

    def _reply(self, call: Call, script: Script | None, base: str) -> Reply | None:
        """The reply to a request that the rules let pass; None when nobody recorded it."""
        kind = call.kind
        if kind == "count_tokens":
            return json_reply({"input_tokens": call.tokens}, "estimate", call)
        if kind == "files":
            return self._filed(call)
        if kind == "models":
            listed = models.answer(call)
            if isinstance(listed, Problem):
                return wire.error(listed, "rule: models", call.identity.key)
            return json_reply(listed, "table", call)
        if kind == "batches":
            return self._batched(call, script, base)
        if script:
            return _staged(call, script)
        exchange = self.lesson.recorded.find(call.identity)
        return self._recorded(exchange, call) if exchange else None

    def _recorded(self, exchange: Exchange, call: Call) -> Reply:
        index, form = exchange.reply(self.lesson.turn(exchange))
        seed = (self.lesson.recorded.lesson, exchange.name, index)
        return play(cached(self.lesson.cache, form, call, *seed), call, exchange.source, *seed)

    def _filed(self, call: Call) -> Reply:
        answer = self.account.files.answer(call)
        if isinstance(answer, Problem):
            return wire.error(answer, "rule: files", call.identity.key)
        return json_reply(answer, "files", call)

    def _miss(self, call: Call) -> Missed:
        tokens = 0
        if call.kind == "batches":
            tokens = batch_tokens(call.request)
        elif call.body:
            tokens = call.tokens
        body = call.request.body
        near = self.lesson.recorded.nearest(call.identity)
        if near is None:
            return Missed(body, None, {}, (), tokens)
        return Missed(body, near[0].name, near[0].request, tuple(near[1]), tokens)

    # --- batches ------------------------------------------------------------------------------

    def _batched(self, call: Call, script: Script | None, base: str) -> Reply | None:
        """The reply to anything about batches; None when nobody recorded this batch."""
        batches = script.batches if script else self.account.batches
        if call.endpoint.name == "batches" and call.method == "POST":
            made = self._new_batch(call, script, batches)
            return json_reply(made.wire(base), "batches", call) if made else None
        if not script:
            self._recall(call, batches)
        answer = batches.answer(call, base)
        if isinstance(answer, Problem):
            return wire.error(answer, "rule: batches", call.identity.key)
        if isinstance(answer, Results):
            return _results(answer)
        reply = json_reply(answer, "batches", call)
        state = answer.get("processing_status") if call.method == "GET" else None
        if state not in ("in_progress", "canceling"):
            return reply
        return replace(reply, headers={**reply.headers, **WAIT})

    def _recall(self, call: Call, batches: Batches) -> None:
        """Bring back a recorded batch that was made in an earlier kernel, and has long ended."""
        wanted = call.resource
        if not wanted or wanted in batches.kept or wanted in batches.deleted:
            return
        recorded = self.lesson.recorded
        for exchange in recorded.exchanges:
            if wanted == make_id("msgbatch", recorded.lesson, exchange.name):
                asked = replace(call.request, body=exchange.request)
                batches.create(asked, wanted, _told(exchange)).look(last=True)

    def _new_batch(self, call: Call, script: Script | None, batches: Batches) -> Batch | None:
        """A batch whose replies are staged, recorded, or not needed: the rules refuse them all."""
        request, key = call.request, call.identity.key
        if script:
            name = make_id("msgbatch", script.name, key)
            return batches.create(request, name, lambda at, _: script.due(at))
        exchange = self.lesson.recorded.find(call.identity)
        if exchange:
            self.lesson.turn(exchange)
            name = make_id("msgbatch", self.lesson.recorded.lesson, exchange.name)
            return batches.create(request, name, _told(exchange))
        name = make_id("msgbatch", key)
        batch = Batch(name, 0, request, lambda at, _: None)
        if all(refusal(each) for each in batch.calls):
            return batches.create(request, name, batch.replies)
        return None


def _staged(call: Call, script: Script) -> Reply:
    index = min(script.turn, len(script.forms) - 1)
    script.turn += 1
    written = repr(script.written[index])
    seed = ("staged", script.name, index, call.identity.key, written)
    return play(cached(script.cache, script.forms[index], call, *seed), call, "staged", *seed)


def _told(exchange: Exchange) -> Replies:
    """The recorded reply to one request of a batch, by its custom_id."""
    form = exchange.forms[0]
    assert isinstance(form, BatchReplies)  # `Recordings.parse` lets no other form pass
    return lambda _, custom_id: form.results[custom_id]


def _results(results: Results) -> Reply:
    name = results.batch.id
    head = wire.unlimited(wire.headers(200, "batches", name))
    head["content-type"] = "application/x-jsonl"
    head["content-disposition"] = f"attachment; filename*=utf-8''{name}_results.jsonl"
    return Reply(200, head, results, streamed=True)


def cached(cache: Cache, form: Form, call: Call, *seed: object) -> Form:
    """The reply with what the prompt cache adds; as it is when the request has no part in it.

    A cold message empties the cache first: the lifetime of all entries is over.
    """
    if not isinstance(form, Message):  # an error, or captured with its own counts
        return form
    if form.cold:
        cache.entries.clear()
    asks = b'"cache_control"' in call.request.raw or call.body.get("diagnostics")
    if not asks:
        return form
    usage, told = cache.use(call, make_id("msg", *seed))
    usage = usage | form.usage
    return replace(form, usage=usage, diagnostics=told or form.diagnostics)


def play(form: Form, call: Call, label: str, *seed: object) -> Reply:
    """One reply in its form, as the HTTP reply to `call`. `label` says where it comes from."""
    if isinstance(form, CapturedStream):  # the bytes as they came
        head = wire.headers(200, label, *seed, streamed=True) | form.headers
        return Reply(200, head, form.steps, streamed=True, usage=form.usage)
    if isinstance(form, CapturedBody):
        head = wire.headers(form.status, label, *seed) | form.headers
        step = Step(form.delay, wire.compact(form.body))
        return Reply(form.status, head, (step,), usage=form.body.get("usage", {}))
    if isinstance(form, Failure):
        return wire.error(form.problem, label, *seed, extra=form.headers)
    if isinstance(form, BatchReplies | NoResult):
        what = "is the result of a request in a batch; a message needs 'content'."
        problem = Problem(NO_RECORDING, "no_recording", f"{form.written!r:.60} {what}")
        return wire.error(problem, label, *seed)
    fault = form.fault
    reply = wire.reply(expand(form, call, *seed), call, label, *seed, fault=fault)
    if fault and fault["kind"] in {"cut", "stall"} and not fault.get("after"):
        return replace(reply, steps=(Step(0.0, b"", fault["kind"]),), usage={})
    return reply


def _sentence(missed: Missed) -> str:
    if not missed.differences:
        return "Replay has no recorded reply for this request, and nothing was sent anywhere."
    more = f" (and {len(missed.differences) - 1} more)" if len(missed.differences) > 1 else ""
    return (
        "Replay has no recorded reply for this request, and nothing was sent anywhere. Nearest "
        f"recorded request: {missed.nearest!r}; {missed.differences[0]}{more}."
    )
