"""Replay: the API's rules first, then the lesson's recordings, or a script that a cell staged.

`Lesson` is what begins anew with each lesson. Plain Python without sockets, threads, files or a
clock; it must not know what carries its replies to the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from courseserver import elastic, models, rules, wire
from courseserver.account import PREFIX, Account, Script
from courseserver.batches import WAIT, Batches, Replies, Results, batch_tokens, refusal, single
from courseserver.cache import Cache
from courseserver.call import Call
from courseserver.identity import is_digest
from courseserver.ids import make_id
from courseserver.journal import Cell, Entry
from courseserver.missed import Missed
from courseserver.recordings import Exchange, Recordings, changed_earlier
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
from courseserver.values import JSON, Problem, Reply, Request, Step
from courseserver.wire import json_reply

MOST_VARIANTS = 5  # that a refusal names
BOUND = "replayed-thinking"  # the rule about thinking that is bound to what stood before it
NO_RECORDING = 421  # the SDK does not retry it, and no lesson handles it by accident


@dataclass
class Lesson:
    """A lesson in progress: its recordings, how far each was played, the prompt cache."""

    recorded: Recordings = field(default_factory=lambda: Recordings("", ()))
    turns: dict[str, int] = field(default_factory=dict)
    adapted_turns: dict[str, int] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)  # that played an exchange last
    cache: Cache = field(default_factory=Cache)

    def due(self, exchange: Exchange) -> tuple[int, Form]:
        """Number and form of the reply that an adapted playing gets: counted for itself."""
        return exchange.reply(self.adapted_turns.get(exchange.name, 0))

    def turn(self, exchange: Exchange, cell: Cell) -> int:
        """Count one more playing of an exchange; returns how often it was played before.

        Replies that start over do so in each cell, so that a cell shows the same when it is run
        again, whatever another cell has asked in between.
        """
        name = exchange.name
        if exchange.cycle and self.cells.get(name, cell).run != cell.run:
            self.turns[name] = 0
        self.cells[name] = cell
        turn = self.turns.get(name, 0)
        self.turns[name] = turn + 1
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
            captured=self.lesson.recorded.captured,
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
        earlier = self._earlier(call, problem) if problem and not script else ""
        log = self.account.journal
        adapted = reply.adapted
        log.add(Entry(request, reply, bool(script), missed, rule, "", adapted, earlier, log.cell))
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
        return self._recorded(exchange, call) if exchange else self._adapted(call)

    def _recorded(self, exchange: Exchange, call: Call) -> Reply:
        index, form = exchange.reply(self.lesson.turn(exchange, self.account.journal.cell))
        seed = (self.lesson.recorded.lesson, exchange.name, index)
        return play(cached(self.lesson.cache, form, call, *seed), call, exchange.source, *seed)

    def _adapted(self, call: Call) -> Reply | None:
        """The reply to a request that asks the same as a recorded one, put in another way.

        Calls of tools keep their recorded ids, so that what a learner sends next is found, too.
        """
        found = elastic.find(self.lesson.recorded, call, self.lesson.due)
        if not found:
            return None
        name, turns = found.exchange.name, self.lesson.adapted_turns
        turns[name] = turns.get(name, 0) + 1
        seed = (self.lesson.recorded.lesson, name, found.custom_id or found.index)
        own = (*seed, call.identity.key)
        form = cached(self.lesson.cache, found.form, call, *own)
        if isinstance(form, Message):
            message = expand(form, call, *seed) | {"id": make_id("msg", *own)}
            reply = wire.reply(message, call, found.label, *own)
        else:
            reply = play(form, call, found.label, *own)
        return replace(reply, adapted=found.words)

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
        body, recorded = call.request.body, self.lesson.recorded
        if call.kind == "batches" and call.method == "POST":
            told = self._put_together(call)
            unknown = tuple(custom_id for custom_id, each in told.items() if each is None)
            return self._missed_batch(body, tokens, unknown)
        near = recorded.nearest(call.identity)
        if near is None:
            return Missed(body, None, {}, (), tokens)
        exchange, differences = near
        near_by = [_says(*both) for both in recorded.variants_near(call.identity)]
        said = [each for each in near_by if each]
        return Missed(
            body, exchange.name, exchange.request, tuple(differences), tokens,
            near=tuple(said[:MOST_VARIANTS]),
            earlier=changed_earlier(exchange.request, call.identity.body),
        )  # fmt: skip

    def _missed_batch(self, body: JSON, tokens: int, unknown: tuple[str, ...]) -> Missed:
        """What is noted of a batch: the unknown requests, and how the first of them differs."""
        params = {each["custom_id"]: each["params"] for each in body["requests"]}
        near = self.lesson.recorded.nearest_in_batch(params[unknown[0]])
        if near is None:
            return Missed(body, None, {}, (), tokens, unknown)
        exchange, differences = near
        lines = tuple(f"{unknown[0]}: {line}" for line in differences)
        return Missed(body, exchange.name, exchange.request, lines, tokens, unknown)

    def _earlier(self, call: Call, problem: Problem) -> str:
        """What was changed in an earlier cell, where a rule refuses thinking because of that."""
        near = None
        if problem.rule == BOUND:
            near = self.lesson.recorded.nearest(call.identity)
        return changed_earlier(near[0].request, call.identity.body) if near else ""

    # --- batches ------------------------------------------------------------------------------

    def _batched(self, call: Call, script: Script | None, base: str) -> Reply | None:
        """The reply to anything about batches; None when nobody recorded this batch."""
        batches = script.batches if script else self.account.batches
        if call.endpoint.name == "batches" and call.method == "POST":
            return self._new_batch(call, script, batches, base)
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
                batches.create(asked, wanted, _by_id(_results_of(exchange))).look(last=True)

    def _new_batch(
        self, call: Call, script: Script | None, batches: Batches, base: str
    ) -> Reply | None:
        """A batch whose replies are staged, recorded, put together from recorded ones, or not
        needed: the rules refuse its requests."""
        request, key = call.request, call.identity.key
        words: tuple[str, ...] = ()
        exchange = None if script else self.lesson.recorded.find(call.identity)
        if script:
            name = make_id("msgbatch", script.name, key)
            replies = _scripted(script)
        elif exchange:
            self.lesson.turn(exchange, self.account.journal.cell)
            name = make_id("msgbatch", self.lesson.recorded.lesson, exchange.name)
            replies = _by_id(_results_of(exchange))
        else:
            name = make_id("msgbatch", key)
            told = self._put_together(call)
            if any(each is None for each in told.values()):
                return None
            replies = _by_id({name: each.form for name, each in told.items() if each})
            words = tuple(dict.fromkeys(["batch", *_words(told)])) if told else ()
        made = batches.create(request, name, replies)
        label = f"batches, adapted: {', '.join(words)}" if words else "batches"
        return replace(json_reply(made.wire(base), label, call), adapted=words)

    def _put_together(self, call: Call) -> dict[str, elastic.Adapted | None]:
        """The recorded reply to each request of a batch that the rules let pass; None: unknown."""
        found: dict[str, elastic.Adapted | None] = {}
        for each in call.body["requests"]:
            alone = single(call.request, each)
            if not refusal(alone):
                due = self.lesson.due
                found[each["custom_id"]] = elastic.find(
                    self.lesson.recorded, alone, due, in_batch=True
                )
        return found


def _staged(call: Call, script: Script) -> Reply:
    index = min(script.turn, len(script.forms) - 1)
    script.turn += 1
    written = repr(script.written[index])
    seed = ("staged", script.name, index, call.identity.key, written)
    return play(cached(script.cache, script.forms[index], call, *seed), call, "staged", *seed)


def _words(told: Mapping[str, elastic.Adapted | None]) -> Iterator[str]:
    for each in told.values():
        yield from each.words if each else ()


def _results_of(exchange: Exchange) -> Mapping[str, Form | None]:
    form = exchange.forms[0]
    assert isinstance(form, BatchReplies)  # `Recordings.parse` lets no other form pass
    return form.results


def _by_id(forms: Mapping[str, Form | None]) -> Replies:
    """The reply to one request of a batch, by its custom_id."""
    return lambda _, custom_id: forms[custom_id]


def _scripted(script: Script) -> Replies:
    """The reply to one request of a batch, by its place."""
    return lambda at, _: script.due(at)


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


def _says(variant: Exchange, original: Exchange) -> str:
    """What a variant changes, in words that a learner can type; "" if it is more than that.

    Of a long text only what is another than in the lesson is said.
    """
    said = []
    for path, value in variant.changes.items():
        name = path.split(".")[-1]
        name = path if name.isdigit() else name
        if value is None:
            said.append(f"without {name}")
        elif isinstance(value, str) and name in ("content", "text", "system"):
            shown = (
                repr(value) if len(value) <= 90 else _swapped(_at(original.request, path), value)
            )
            if not shown or is_digest(value):
                return ""
            said.append(f"system {shown}" if path.startswith("system") else shown)
        elif isinstance(value, str | int | float) and "sha256:" not in str(value):
            said.append(f"{name} {value!r}" if " " in str(value) else f"{name} {value}")
        else:
            return ""  # blocks, schemas, pictures: not to be typed from a line
    return " and ".join(said)


def _at(body: Any, path: str) -> Any:
    """What stands at a dotted path; None if nothing does."""
    for key in path.split("."):
        if isinstance(body, list) and key.isdigit() and int(key) < len(body):
            body = body[int(key)]
        elif isinstance(body, dict):
            body = body.get(key)
        else:
            return None
    return body


def _swapped(old: Any, new: str) -> str:
    """Which words of a long text are others: `'on Monday?' in place of 'when?'`; "" if many."""
    if not isinstance(old, str) or is_digest(old):
        return ""
    was, now = old.split(" "), new.split(" ")
    while was and now and was[0] == now[0]:
        was, now = was[1:], now[1:]
    at_the_end = " at the end" if not was else ""
    while was and now and was[-1] == now[-1]:
        was, now = was[:-1], now[:-1]
    gone, come = " ".join(was), " ".join(now)
    if len(gone) > 90 or len(come) > 90:
        return ""
    if not gone:
        return f"{come!r} added{at_the_end}"
    return f"{come!r} in place of {gone!r}" if come else f"without {gone!r}"


def _sentence(missed: Missed) -> str:
    if missed.unknown:
        names = ", ".join(map(repr, missed.unknown[:5]))
        more = f" and {len(missed.unknown) - 5} more" if len(missed.unknown) > 5 else ""
        known = len(missed.body["requests"]) > len(missed.unknown)
        others = " The others have one." if known else ""
        return (
            "Replay has no recorded reply for some requests of this batch, and nothing was sent "
            f"anywhere. Their custom_ids: {names}{more}.{others}"
        )
    if not missed.differences:
        return "Replay has no recorded reply for this request, and nothing was sent anywhere."
    more = f" (and {len(missed.differences) - 1} more)" if len(missed.differences) > 1 else ""
    return (
        "Replay has no recorded reply for this request, and nothing was sent anywhere. Nearest "
        f"recorded request: {missed.nearest!r}; {missed.differences[0]}{more}."
    )
