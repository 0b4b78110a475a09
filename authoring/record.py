"""`python -m authoring record LESSON|all`: authored exchanges give way to captured ones.

A lesson runs in replay, then live, then in replay with what came; only if that last run is whole is
anything written. It must not invent or correct a reply, and it must not write a secret.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from authoring import ROOT, AuthoringError, live, render, write
from authoring.paths import machine_paths, secrets
from courseserver import elastic, rules
from courseserver.call import Call
from courseserver.files import Files
from courseserver.identity import Identity, betas, canonical
from courseserver.journal import Entry
from courseserver.recordings import MESSAGES, Exchange, RecordingError, Recordings
from courseserver.short import BatchReplies, Failure, Form, Message
from courseserver.wire import message_of

JSON = dict[str, Any]
# The headers of a reply that are kept. None tells whose account it was.
KEPT = ("content-type", "cache-control", "request-id")
SESSION = re.compile(r"course-session-[0-9a-f]{8,}")  # helpers/_setup.py makes it
COMPUTED = "the course server computes it: counts, files, models, batches"


def record(names: Sequence[str], *, yes: bool, root: Path = ROOT) -> int:
    """Record lessons one after the other; 1 when one of them could not be recorded."""
    paths = live.notebooks(names, root)
    purse = live.ask(paths, root, yes=yes)
    red = 0
    for path in paths:
        try:
            record_lesson(path, root, purse)
        except AuthoringError as problem:
            red += 1
            print(f"{path.stem}: nothing was written. {problem}", flush=True)
    print(f"{len(paths)} lessons, {red} of them not recorded; spent: {purse.spent:.4f} USD")
    return int(red > 0)


def record_lesson(path: Path, root: Path, purse: live.Purse) -> None:
    """Record one lesson. Raises AuthoringError, and has written nothing, when it cannot be."""
    file = write.recording_of(path.stem, root)
    data = write.load(file)
    before = live.run(path, root, {})
    whole_run(before, "in replay, before anything was sent")
    taken = Taken(Recordings.parse(file.read_text(encoding="utf-8"), path.stem), before)
    lived = purse.live(path, root)
    whole_run(lived, "live")
    taken.take(lived)
    exchanges = taken.exchanges(data)
    refuse_secrets(taken, exchanges, root, purse)
    data["exchanges"] = exchanges
    after = played(path, root, data)
    taken.forget(after, data)
    content = render.to_bytes(render.finished(after.notebook, after.numbers, path, root))
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    save_whole({file: text.encode(), path: content})
    for line in taken.told():
        print(f"{path.stem}: {line}", flush=True)


def whole_run(run: live.Run, how: str) -> None:
    """Raise AuthoringError for a run in which a cell failed or a request had no reply."""
    for cell, entry in run.seen:
        if entry.unsent:
            raise AuthoringError(f"{cell}: the spending limit kept a request here.")
    for reason in run.failed.values():
        raise AuthoringError(f"A cell failed {how}. {reason}")
    for cell, entry in run.seen:
        if entry.missed and write.EXPECTED not in run.tags(cell):
            told = "\n".join(entry.missed.told())
            raise AuthoringError(f"{cell} asked {how} for what is not recorded.\n{told}")


def played(path: Path, root: Path, data: JSON) -> live.Run:
    """The run of a lesson in replay with a recording that is not stored yet."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        Recordings.parse(text, path.stem)
    except RecordingError as problem:
        raise AuthoringError(f"What came makes no recording: {problem}") from None
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        candidate = Path(scratch) / "recording.json"
        candidate.write_text(text, encoding="utf-8")
        after = live.run(path, root, {}, candidate)
    whole_run(after, "in replay, with the captured replies")
    return after


def save_whole(files: Mapping[Path, bytes]) -> None:
    """Put new files in the places of others, each in one step, when all of them are on the disk.

    Whoever looks sees the old or the new one. Raises AuthoringError, and leaves all old ones, when
    the disk is full. A kill between two of them leaves outputs that `check` reports as stale.
    """
    beside = {path: path.with_name(f".{path.name}.new") for path in files}
    try:
        for path, content in files.items():
            with beside[path].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            Path(beside[path]).replace(path)
    except OSError as problem:
        for path in beside.values():
            path.unlink(missing_ok=True)
        raise AuthoringError(f"The files could not be written: {problem.strerror}.") from problem


# --- which exchange a live request belongs to ------------------------------------------------


@dataclass
class Capture:
    """What a name gets: the request as it was sent live, and the replies that came to it."""

    entry: Entry
    cell: str
    replies: list[JSON] = field(default_factory=list)
    left_out: int = 0


@dataclass
class Taken:
    """The exchanges of a live run under the names of the recorded ones."""

    recorded: Recordings
    before: live.Run
    captures: dict[str, Capture] = field(default_factory=dict)
    stays: dict[str, str] = field(default_factory=dict)  # what is not recorded, and why
    files: dict[str, str] = field(default_factory=dict)  # ids at the API -> ids in replay
    kinds: dict[str, str] = field(default_factory=dict)  # ids at the API -> media types

    def take(self, lived: live.Run) -> None:
        """Give each live request a name and keep what came to it."""
        known = {exchange.name: exchange for exchange in self.recorded.exchanges}
        names: dict[str, str] = {}  # by what identifies a request
        for _, entry in self.before.seen:
            base = entry.adapted and elastic.find(self.recorded, Call(entry.request), first)
            if base:
                self.stays[base.exchange.name] = "a cell shows how it is adapted"
        for cell in dict.fromkeys(cell for cell, _ in lived.seen):
            free = self._free(cell, lived)
            for entry in lived.cell(cell):
                why = "the cell shows what happens without a recording"
                if not {write.EXPECTED, "adapted"} & set(lived.tags(cell)):
                    why = self._why_not(entry)
                if why:
                    self.stays.setdefault(f"{cell}, {entry.request.path}", why)
                    continue
                exact = self.recorded.find(Identity(entry.request))
                key = Identity(entry.request).without(exact.volatile if exact else ())
                if key not in names:
                    names[key] = exact.name if exact else next(free, "") or self._new(cell)
                self._keep(names[key], known.get(names[key]), cell, entry)
        for exchange in self.recorded.exchanges:
            asked = exchange.name in self.captures or exchange.name in self.stays
            if not asked and not exchange.variant:
                self.stays[exchange.name] = staged_in(exchange) or "the live run did not ask it"

    def _free(self, cell: str, lived: live.Run) -> Iterator[str]:
        """The names that a cell played in replay and does not ask for word by word live."""
        exact = [self.recorded.find(Identity(e.request)) for e in lived.cell(cell)]
        taken = {exchange.name for exchange in exact if exchange} | set(self.captures)
        for entry in self.before.cell(cell):
            found = self.recorded.find(Identity(entry.request))
            if found and not entry.staged and found.name not in taken:
                taken.add(found.name)
                yield found.name

    def _new(self, cell: str) -> str:
        """A name for a request that the authored lesson does not make."""
        number = sum(name.startswith(f"live, {cell}") for name in self.captures) + 1
        return f"live, {cell}, {number}"

    def _why_not(self, entry: Entry) -> str:
        """Why an exchange is not recorded; "" when it is. Raises AuthoringError for a drift."""
        request, status = entry.request, entry.reply.status
        if entry.staged:
            return "a cell stages it, so it never reaches the API"
        if live.uploaded(entry):
            here = Files().answer(Call(request))
            assert isinstance(here, dict)  # the API has accepted the same form
            made = message_of(live.whole(entry), streamed=False)
            self.files[made["id"]] = here["id"]
            self.kinds[made["id"]] = here["mime_type"]
        if request.path != MESSAGES:
            return COMPUTED
        refused = rules.check(Call(request, uploads=self.kinds))
        if refused and status >= 400:
            return "the course server refuses it by its own rules, as the API does"
        if refused:
            return f"the course server refuses it ({refused.rule}) and the API does not: see drift"
        if status >= 500 or status in (408, 409, 429):
            return f"the API had a failure ({status})"
        if status != 200:
            error = message_of(live.whole(entry), streamed=False).get("error")
            raise AuthoringError(f"The API refuses what the course server accepts: {error}")
        if not is_complete(entry):
            return "the cell left the stream before its end"
        return ""

    def _keep(self, name: str, known: Exchange | None, cell: str, entry: Entry) -> None:
        why = staged_in(known) if known else ""
        if why or name in self.stays:
            self.stays.setdefault(name, why)
            return
        kept = self.captures.setdefault(name, Capture(entry, cell))
        again = bool(known and known.cycle and kept.cell != cell)
        if again or (known and len(kept.replies) == len(known.replies)):
            kept.left_out += 1
        else:
            kept.replies.append(captured(entry))

    def exchanges(self, data: JSON) -> list[JSON]:
        """The exchanges of the new recording: captured ones in the places of authored ones."""
        old = {entry["name"]: entry for entry in data["exchanges"]}
        made = []
        for name in [*old, *(name for name in self.captures if name not in old)]:
            made.append(self._entry(name, old.get(name), data))
        return made

    def _entry(self, name: str, old: JSON | None, data: JSON) -> JSON:
        if name not in self.captures:
            assert old is not None
            return old
        kept = self.captures[name]
        request = kept.entry.request
        text = json.dumps(canonical(request.body))
        for there, here in self.files.items():
            text = text.replace(there, here)
        seen = {"method": request.method, "path": request.path, "betas": list(betas(request))}
        seen["version"] = request.headers.get("anthropic-version", "")
        entry = {"name": name, "source": "captured", "captured": date.today().isoformat()}
        entry |= write.where(seen, data) | {"request": json.loads(text)}
        entry |= {part: old[part] for part in ("cycle", "volatile") if old and part in old}
        return entry | {"replies": kept.replies}

    def forget(self, after: live.Run, data: JSON) -> None:
        """Leave out what was asked live only: a repeated question that got another reply there."""
        recorded = Recordings.parse(json.dumps(data), after.lesson)
        found = [recorded.find(Identity(entry.request)) for _, entry in after.seen]
        used = {exchange.name for exchange in found if exchange}
        known = {exchange.name for exchange in self.recorded.exchanges}
        gone = [name for name in self.captures if name not in used | known]
        for name in gone:
            del self.captures[name]
            self.stays[name] = "it follows a reply that was not kept"
        data["exchanges"] = [each for each in data["exchanges"] if each["name"] not in gone]

    def told(self) -> Iterator[str]:
        """What changed, exchange by exchange, and what did not, with the reason."""
        old: dict[str, str] = {}
        for _, entry in self.before.seen:
            found = self.recorded.find(Identity(entry.request))
            if found and not entry.staged:
                old.setdefault(found.name, summary(entry))
        for name, kept in self.captures.items():
            more = f"; asked again ({kept.left_out}), not kept" if kept.left_out else ""
            yield f"captured {name!r}: {old.get(name, 'new')} -> {summary(kept.entry)}{more}"
        for name, why in self.stays.items():
            yield f"not captured {name!r}: {why}"
        variants = [exchange for exchange in self.recorded.exchanges if exchange.variant]
        yield (
            f"{len(self.captures)} exchanges captured; variants stay authored ({len(variants)}). "
            "Read the prose beside the new outputs again."
        )


def first(exchange: Exchange) -> tuple[int, Form]:
    """The first reply of an exchange, with its number."""
    return exchange.reply(0)


def staged_in(exchange: Exchange) -> str:
    """Why the replies of an exchange are not ordered from the API; "" when they are."""
    if exchange.variant:
        return "only a variant answers it"
    return next((why for why in map(_staged, exchange.forms) if why), "")


def _staged(form: Form) -> str:
    if isinstance(form, Failure):
        return "its reply is an authored error"
    if isinstance(form, BatchReplies):
        return "a batch takes up to a day"
    if isinstance(form, Message) and form.fault:
        return "its reply is a staged break"
    if isinstance(form, Message) and form.cold:
        return "its reply is staged: an empty cache"
    return ""


def is_complete(entry: Entry) -> bool:
    """Whether a reply came to its end."""
    body = live.whole(entry)
    if entry.reply.streamed:
        return b"event: message_stop" in body and not entry.failure
    return bool(message_of(body, streamed=False)) and not entry.failure


def captured(entry: Entry) -> JSON:
    """A reply as the recording keeps it: as it came, with the headers of the list."""
    reply = entry.reply
    headers = {name: reply.headers[name] for name in KEPT if name in reply.headers}
    steps = list(reply.steps)
    if reply.streamed:
        pieces = [[round(step.delay, 3), step.data.decode()] for step in steps]
        return {"events": pieces, "headers": headers, "usage": dict(reply.usage)}
    delay = round(sum(step.delay for step in steps), 3)
    return {"body": message_of(live.whole(entry), streamed=False), "headers": headers,
            "delay": delay}  # fmt: skip


def summary(entry: Entry) -> str:
    """A reply in a few words: why it stopped, its blocks, its tokens."""
    message = message_of(live.whole(entry), streamed=entry.reply.streamed)
    kinds = [str(block.get("type")) for block in message.get("content") or []]
    usage = message.get("usage") or {}
    counts = f"{usage.get('input_tokens')} + {usage.get('output_tokens')} tokens"
    return f"{message.get('stop_reason')}, {' + '.join(kinds) or 'no blocks'}, {counts}"


# --- secrets -------------------------------------------------------------------------------


def refuse_secrets(taken: Taken, exchanges: Sequence[JSON], root: Path, purse: live.Purse) -> None:
    """Raise AuthoringError when a secret, or a path of this machine, stands in what came.

    Looked at are the requests whole, and the replies as they came and put together: a stream can
    cut a key in two.
    """
    for entry in exchanges:
        kept = taken.captures.get(entry["name"])
        if kept is None:
            continue
        texts = [json.dumps(entry, ensure_ascii=False), kept.entry.request.raw.decode("latin-1")]
        for reply in entry["replies"]:
            raw = "".join(text for _, text in reply.get("events", [])).encode()
            texts.append(json.dumps(message_of(raw, streamed=True), ensure_ascii=False))
        kinds = [kind for text in texts for kind, _ in secrets(text)]
        kinds += ["the token of the session" for text in texts if SESSION.search(text)]
        kinds += ["your key" for text in texts if any(each in text for each in purse.secrets)]
        kinds += ["a path of this machine" for text in [texts[0], *texts[2:]]
                  if machine_paths(text, root, output=True)]  # fmt: skip
        if kinds:
            raise AuthoringError(
                f"{entry['name']!r} holds {kinds[0]}. Recordings are public. Change the cell so "
                "that it sends no such thing, and record again."
            )
