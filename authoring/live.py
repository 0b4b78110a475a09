"""Runs a lesson in a kernel, live or in replay, and gives back every exchange of its wire.

What `record` and `drift` share: the question before money is spent, the settings of a live kernel,
and the exchanges cell by cell. It must not know what becomes of them.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authoring import ROOT, AuthoringError, render
from authoring.check import code_cells, tags
from authoring.environment import live_settings
from authoring.kernel import place, running
from courseserver import facts
from courseserver.identity import is_digest
from courseserver.journal import Entry
from courseserver.price import UnpricedError, dollars, worst_case
from courseserver.recordings import Recordings
from courseserver.values import Request
from helpers._setup import REAL_API
from helpers.settings import KEY, LIMIT, Mode, decide_mode, read_dotenv
from practice.begin import lesson_cost

# Runs in the lesson's kernel after each cell. Prints the exchanges that came since the last time,
# and what the session has spent. What went is kept there, since `setup` may begin a new journal.
LOOK = """
import base64 as _base64, dataclasses as _dataclasses, pickle as _pickle
from helpers._setup import course_server as _course_server, journal as _journal
_told = globals().get("_told", [])
_new = [_e for _e in _journal() if not any(_e is _t for _t in _told)]
_told += _new
_budget = _course_server().backend.account.budget
def _plain(_e):
    _reply = _dataclasses.replace(_e.reply, steps=tuple(_e.reply.steps))
    return _dataclasses.replace(_e, reply=_reply)
print(_base64.encodebytes(_pickle.dumps(  # in lines: nbclient is slow with a long one
    ([_plain(_e) for _e in _new], _budget.spent + _budget.reserved))).decode())
"""
# Runs there before the first cell: the lesson begins with another recording than the stored one.
PLAY = """
import practice.begin as _begin
from courseserver.recordings import Recordings as _Recordings
from pathlib import Path as _Path
_begin.load_recordings = lambda _: _Recordings.parse(_Path({!r}).read_text("utf-8"), {!r})
"""


@dataclass
class Run:
    """One run of a lesson: its exchanges, each with its cell, and what became of the cells."""

    lesson: str
    notebook: Any
    seen: list[tuple[str, Entry]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # cells that should not, with the reason
    numbers: dict[str, Any] = field(default_factory=dict)  # of the ledger
    spent: float = 0.0  # USD

    def tags(self, cell: str) -> list[str]:
        """The tags of a cell, by its name."""
        return tags(self.notebook.cells[int(cell.split()[1]) - 1])

    def cell(self, wanted: str) -> list[Entry]:
        """The exchanges of one cell, in order."""
        return [entry for cell, entry in self.seen if cell == wanted]


def run(path: Path, root: Path, settings: Mapping[str, str], recording: Path | None = None) -> Run:
    """Run all cells of a notebook, also after one that failed.

    `settings`: of the kernel, beside the clean environment. `recording` is played in place of the
    stored one. A cell that was to fail and did not is no failure here: that is for a run in replay.
    """
    done = Run(path.stem, render.prepared(path, root))
    begun = False
    with running(path, done.notebook, settings) as runner:
        if recording:
            runner.quietly(PLAY.format(str(recording), path.stem))
        for count, index in enumerate(code_cells(done.notebook), start=1):
            cell = done.notebook.cells[index]
            name = place(index, cell)
            begun = begun or "setup(" in cell.source
            try:
                runner.run(index, count)
            except AuthoringError as problem:
                if settings.get("COURSE_MODE") != "live" or "raises-exception" not in tags(cell):
                    done.failed[name] = str(problem)
            if begun:
                entries, done.spent = pickle.loads(base64.b64decode(runner.quietly(LOOK)))
                done.seen += [(name, entry) for entry in entries]
        if recording:  # a run that is to be stored
            done.numbers = json.loads(runner.quietly(render.LEDGER))
    return done


# --- before money is spent ------------------------------------------------------------------


@dataclass
class Purse:
    """What one command may spend, over all its kernels, in USD."""

    mode: Mode
    spent: float = 0.0

    def settings(self) -> dict[str, str]:
        """The settings of the next live kernel: the limit is what the ones before it left."""
        return live_settings(os.environ, facts.MODEL, self.mode.limit - self.spent)

    def live(self, path: Path, root: Path) -> Run:
        """Run a lesson live and book what it cost."""
        done = run(path, root, self.settings())
        self.spent += done.spent
        return done

    @property
    def secrets(self) -> list[str]:
        """What must never be written: the key, and the values of the gateway's headers."""
        lines = os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines()
        values = [line.partition(":")[2].strip() for line in lines]
        return [value for value in [self.mode.key or "", *values] if len(value) >= 8]


def ask(paths: Sequence[Path], root: Path, *, yes: bool) -> Purse:
    """Print what the run costs, and ask. Raises AuthoringError without a key or a yes."""
    mode = decide_mode({**os.environ, "COURSE_MODE": "live"}, read_dotenv())
    if mode.name != "live":
        raise AuthoringError(f"nothing was sent: {mode.note or mode.why}")
    planned = 0.0
    for path in paths:
        about = lesson_cost(path.stem)
        planned += float(about.replace(",", "") or 0)
        most, unpriced = worst(root / "recordings" / path.name.replace(".ipynb", ".json"))
        told = f"about ${about} by its facts line" if about else "no cost is known"
        more = f", and {unpriced} requests without a known price" if unpriced else ""
        print(f"{path.stem}: {told}; at most {dollars(most)} by the requests it records{more}")
    to = urlsplit(os.environ.get("ANTHROPIC_BASE_URL") or REAL_API)
    print(
        f"In all about {dollars(planned)}. {KEY} pays for it; {LIMIT} allows "
        f"{dollars(mode.limit)} for this command. Requests go to {to.scheme}://{to.hostname}."
    )
    if not yes:
        if not sys.stdin.isatty():
            raise AuthoringError(
                "nothing was sent: this costs money, and nobody is there to be asked. "
                "Say --yes to agree to the cost above."
            )
        if input("Send them and pay for it? [y/N] ").strip().lower() not in ("y", "yes"):
            raise AuthoringError("nothing was sent: you did not agree.")
    return Purse(mode)


def worst(recording: Path) -> tuple[float, int]:
    """What the recorded requests can cost at most, in USD, and how many have no known price.

    A text that the recording keeps as a digest counts with its length. A lesson that asks more
    often live than in its recording can cost more; the spending limit holds nevertheless.
    """
    usd, unpriced = 0.0, 0
    text = recording.read_text(encoding="utf-8") if recording.exists() else ""
    recorded = Recordings.parse(text, recording.stem) if text else Recordings("")
    for exchange in recorded.exchanges:
        if exchange.variant:
            continue
        raw = json.dumps(_filled(exchange.request)).encode()
        asked = Request(exchange.method, exchange.path, "", {}, raw, json.loads(raw))
        try:
            usd += worst_case(asked, lambda _: None).usd * len(exchange.replies)
        except UnpricedError:
            unpriced += 1
    return usd, unpriced


def _filled(value: Any) -> Any:
    """A recorded request with texts of the right length in place of digests."""
    if isinstance(value, dict):
        return {name: _filled(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part) for part in value]
    if isinstance(value, str) and is_digest(value):
        return "word " * (int(value.split()[-2]) // 5)
    return value


def notebooks(names: Sequence[str], root: Path = ROOT) -> list[Path]:
    """The notebooks of lessons by name or number; all of them for "all" or none."""
    return render.notebooks(root, [] if list(names) in ([], ["all"]) else names)


def whole(entry: Entry) -> bytes:
    """The body of a reply."""
    return b"".join(step.data for step in entry.reply.steps)


def uploaded(entry: Entry) -> bool:
    """Whether an exchange left a file at the API."""
    request = entry.request
    upload = (request.method, request.path) == ("POST", "/v1/files")
    return upload and entry.reply.status == 200 and not entry.staged
