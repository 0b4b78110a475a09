"""The course server without its sockets: request -> rules -> reply.

One `Course` is one kernel's API. What it answered stands in its journal. It never touches a
network, a file or a clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

from courseserver import estimate, facts, recordings, rules, wire
from courseserver.batches import (
    PATH,
    WAIT,
    Batch,
    Batches,
    Results,
    batch_tokens,
    refusal,
    single,
)
from courseserver.cache import Cache
from courseserver.files import Files
from courseserver.journal import Entry, Journal, Missed
from courseserver.recordings import Exchange, Recordings
from courseserver.values import Problem, Reply, Request, Step

JSON = dict[str, Any]
NO_RECORDING = 421  # the SDK does not retry it, and no lesson handles it by accident


@dataclass
class Script:
    """Replies that a cell staged for one client: played in order, the last one repeating."""

    name: str
    replies: tuple[Any, ...]
    turn: int = 0
    cache: Cache = field(default_factory=Cache)  # its own: what others cached is not seen
    batches: Batches = field(default_factory=Batches)


@dataclass
class Course:
    """The API as one lesson sees it. `key`: the only API key accepted (None: any)."""

    key: str | None = None
    recorded: Recordings = field(default_factory=lambda: Recordings("", ()))
    journal: Journal = field(default_factory=Journal)
    scripts: dict[str, Script] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    cache: Cache = field(default_factory=Cache)
    files: Files = field(default_factory=Files)  # uploads belong to the account, not to a lesson
    batches: Batches = field(default_factory=Batches)  # so do batches
    tokens: Iterator[int] = field(default_factory=partial(count, 1))  # never twice, in any thread

    def start(self, recorded: Recordings) -> None:
        """Begin a lesson: its recordings from their first reply, an empty log."""
        self.recorded = recorded
        self.journal.clear()
        self.turns.clear()
        self.scripts.clear()
        self.cache = Cache()

    def stage(self, name: str, replies: tuple[Any, ...]) -> str:
        """Add a script; returns the path that a client's base URL must carry."""
        for reply in replies:
            wire.check_short(reply)
        token = f"{name}-{next(self.tokens)}"
        self.scripts[token] = Script(name, replies)
        return f"/staged/{token}"

    def answer(self, request: Request) -> Reply:
        """The reply to one request. Never raises for a request that a learner can write."""
        script, base = None, f"http://{request.headers.get('host', 'localhost')}"
        if request.path.startswith("/staged/"):
            token, _, rest = request.path.removeprefix("/staged/").partition("/")
            script, base = self.scripts.get(token), f"{base}/staged/{token}"
            request = Request(
                request.method,
                "/" + rest,
                request.query,
                request.headers,
                request.raw,
                request.body,
            )
            if script is None:
                gone = "This staged reply belongs to an earlier start of the lesson. Run the cell "
                gone += "that calls staged(...) again."
                return wire.error(Problem(404, "not_found_error", gone), "none", request.path)
        told = self.files.filled(request)  # what is matched and logged keeps its file ids
        problem = rules.check(told, expected_key=None if script else self.key)
        missed = None
        if problem:
            key = recordings.request_key(request)  # no counter: a cell run again shows the same id
            reply = wire.error(problem, f"rule: {problem.rule}", problem.rule, key)
        elif request.path == "/v1/messages/count_tokens":
            reply = _json({"input_tokens": estimate.request_tokens(told.body)}, "estimate", request)
        elif request.path.startswith("/v1/files"):
            reply = self._filed(request)
        elif request.path.startswith("/v1/models"):
            reply = _models(request)
        elif request.path.startswith(PATH):
            if answered := self._batched(request, script, base):
                reply = answered
            else:
                missed = self._miss(request)
        elif script:
            reply = self._staged(script, told)
        elif exchange := self.recorded.find(request):
            reply = self._recorded(exchange, told)
        else:
            missed = self._miss(request)
        if missed:
            refusal = Problem(NO_RECORDING, "no_recording", _sentence(missed))
            reply = wire.error(refusal, "none", recordings.request_key(request))
        rule = problem.rule if problem else ""
        self.journal.add(Entry(request, reply, bool(script), missed, rule))
        return reply

    def _filed(self, request: Request) -> Reply:
        answer = self.files.answer(request)
        if isinstance(answer, Problem):
            return wire.error(answer, "rule: files", recordings.request_key(request))
        return _json(answer, "files", request)

    def _batched(self, request: Request, script: Script | None, base: str) -> Reply | None:
        """The reply to anything about batches; None when nobody recorded this batch."""
        batches, label = (script or self).batches, "batches"
        if request.path == PATH and request.method == "POST":
            made = self._new_batch(request, script, batches)
            return _json(made.wire(base), label, request) if made else None
        wanted = request.path.removeprefix(PATH).strip("/").partition("/")[0]
        unknown = wanted not in {*batches.kept, *batches.deleted}
        if not script and unknown:  # made in an earlier kernel, and long ended
            for exchange in (each for each in self.recorded.exchanges if each.path == PATH):
                if wanted == wire.make_id("msgbatch", self.recorded.lesson, exchange.name):
                    asked = replace(request, body=exchange.request)
                    batches.create(asked, wanted, _told(exchange.replies[0])).look(last=True)
        answer = batches.answer(request, base)
        if isinstance(answer, Problem):
            return wire.error(answer, "rule: batches", recordings.request_key(request))
        if isinstance(answer, Results):
            head = wire.headers(200, label, answer.batch.id) | {
                "content-type": "application/x-jsonl",
                "content-disposition": (
                    f"attachment; filename*=utf-8''{answer.batch.id}_results.jsonl"
                ),
            }
            return Reply(200, _unlimited(head), answer, streamed=True)
        reply = _json(answer, label, request)
        state = answer.get("processing_status") if request.method == "GET" else None
        running = state in ("in_progress", "canceling")
        return replace(reply, headers={**reply.headers, **WAIT}) if running else reply

    def _new_batch(self, request: Request, script: Script | None, batches: Batches) -> Batch | None:
        """A batch whose replies are staged, recorded, or not needed: the rules refuse them all."""
        if script:
            shorts = script.replies
            name = wire.make_id("msgbatch", script.name, recordings.request_key(request))
            return batches.create(request, name, lambda at, _: shorts[min(at, len(shorts) - 1)])
        if exchange := self.recorded.find(request):
            self.turns[exchange.name] = self.turns.get(exchange.name, 0) + 1
            name = wire.make_id("msgbatch", self.recorded.lesson, exchange.name)
            return batches.create(request, name, _told(exchange.replies[0]))
        name = wire.make_id("msgbatch", recordings.request_key(request))
        batch = Batch(name, 0, request, lambda at, _: None)
        if all(refusal(single(request, each)) for each in batch.requests):
            return batches.create(request, name, batch.short)
        return None

    def _staged(self, script: Script, request: Request) -> Reply:
        index = min(script.turn, len(script.replies) - 1)
        script.turn += 1
        short = script.replies[index]
        seed = ("staged", script.name, index, recordings.request_key(request), repr(short))
        return play(cached(script.cache, short, request, *seed), request, "staged", *seed)

    def _recorded(self, exchange: Exchange, request: Request) -> Reply:
        turn = self.turns.get(exchange.name, 0)
        self.turns[exchange.name] = turn + 1
        index, short = exchange.reply(turn)
        seed = (self.recorded.lesson, exchange.name, index)
        return play(cached(self.cache, short, request, *seed), request, exchange.source, *seed)

    def _miss(self, request: Request) -> Missed:
        near = self.recorded.nearest(request)
        tokens = 0
        if request.path == PATH:
            tokens = batch_tokens(request)
        elif isinstance(request.body, dict):
            tokens = estimate.request_tokens(request.body)
        if near is None:
            return Missed(request.body, None, {}, (), tokens)
        return Missed(request.body, near[0].name, near[0].request, tuple(near[1]), tokens)


def cached(cache: Cache, short: Any, request: Request, *seed: object) -> Any:
    """The reply with what the prompt cache adds to it; as it is when the request has no part in it.

    `"cache": "cold"` in the reply empties the cache first: the lifetime of all entries is over.
    """
    parts = short if isinstance(short, dict) else {"content": short}
    if parts.get("cache"):
        cache.entries.clear()
    asks = b'"cache_control"' in request.raw or request.body.get("diagnostics")
    if not asks or "content" not in parts:  # an error, or captured with its own counts
        return short
    usage, told = cache.use(request.body, wire.make_id("msg", *seed))
    told = told and {"diagnostics": told}
    return parts | {"usage": usage | parts.get("usage", {})} | (told or {})


def play(short: Any, request: Request, label: str, *seed: object) -> Reply:
    """One reply in its short form, as the HTTP reply to `request`."""
    if isinstance(short, dict) and "events" in short:  # captured: the bytes as they came
        steps = tuple(Step(delay, text.encode()) for delay, text in short["events"])
        head = wire.headers(200, label, *seed, streamed=True) | short.get("headers", {})
        return Reply(200, head, steps, streamed=True, usage=short.get("usage", {}))
    if isinstance(short, dict) and "body" in short:
        head = wire.headers(short.get("status", 200), label, *seed) | short.get("headers", {})
        steps = (Step(short.get("delay", 0.0), wire.compact(short["body"])),)
        return Reply(short.get("status", 200), head, steps, usage=short["body"].get("usage", {}))
    if isinstance(short, dict) and "error" in short:
        problem = Problem(short["status"], short["error"]["type"], short["error"]["message"],
                          short["error"].get("details"))  # fmt: skip
        return wire.error(problem, label, *seed, extra=short.get("headers", {}))
    if isinstance(short, dict) and "content" not in short:
        what = f"{short!r:.60} is the result of a request in a batch; a message needs 'content'."
        return wire.error(Problem(NO_RECORDING, "no_recording", what), label, *seed)
    fault = short.get("fault") if isinstance(short, dict) else None
    reply = wire.reply(wire.expand(short, request, *seed), request, label, *seed, fault=fault)
    if fault and fault["kind"] in {"cut", "stall"} and not fault.get("after"):
        return Reply(reply.status, reply.headers, (Step(0.0, b"", fault["kind"]),), reply.streamed)
    return reply


def _told(short: JSON) -> Callable[[int, str], Any]:
    """The recorded reply to one request of a batch, by its custom_id."""
    return lambda _, custom_id: short["results"][custom_id]


def _json(value: Any, label: str, request: Request) -> Reply:
    head = wire.headers(200, label, request.path, recordings.request_key(request))
    return Reply(200, _unlimited(head), (Step(0.0, wire.compact(value)),))


def _unlimited(head: dict[str, str]) -> dict[str, str]:
    """Headers without the rate limits, which only messages carry."""
    return {name: text for name, text in head.items() if "ratelimit" not in name}


def _models(request: Request) -> Reply:
    wanted = request.path.removeprefix("/v1/models").strip("/")
    if wanted:
        return _json(facts.model(wanted).wire(), "table", request)
    dated = sorted(facts.MODELS.values(), key=lambda m: str(m.released or ""), reverse=True)
    data = [model.wire() for model in dated]
    page = {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return _json(page, "table", request)


def _sentence(missed: Missed) -> str:
    if not missed.differences:
        return "Replay has no recorded reply for this request, and nothing was sent anywhere."
    more = f" (and {len(missed.differences) - 1} more)" if len(missed.differences) > 1 else ""
    return (
        "Replay has no recorded reply for this request, and nothing was sent anywhere. Nearest "
        f"recorded request: {missed.nearest!r}; {missed.differences[0]}{more}."
    )


def parse_body(raw: bytes) -> Any:
    """The JSON of a request body; None when there is none or it cannot be read."""
    try:
        return json.loads(raw) if raw else None
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
