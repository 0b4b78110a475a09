"""The rules for every file of the project, and those for recordings.

Each is a function; its name and the first line of its docstring are what an author reads. They
look at one file at a time and must not change it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authoring import claims, models, name_within, prose
from authoring import navigation as nav
from authoring.book import first_block_reads
from authoring.paths import machine_paths, secrets
from courseserver.recordings import RecordingError, Recordings

SOURCES = ("authored", "captured")
Problem = tuple[int | None, str, str]  # line, what is wrong, what to do


@dataclass(frozen=True)
class Text:
    """A file as the rules see it; `text` is empty for a binary one."""

    path: Path
    root: Path
    file: str
    text: str
    binary: bool

    @classmethod
    def read(cls, path: Path, root: Path) -> Text:
        """Read a file of the project; one that is not UTF-8 text counts as binary."""
        raw = path.read_bytes()
        try:
            text, binary = raw.decode("utf-8"), b"\0" in raw
        except UnicodeDecodeError:
            text, binary = "", True
        return cls(path, root, name_within(path, root), "" if binary else text, binary)

    @property
    def is_recording(self) -> bool:
        return self.file.startswith("recordings/") and self.path.suffix == ".json"

    def lines(self) -> Iterator[tuple[int, str]]:
        """(number from 1, line)."""
        return iter(enumerate(self.text.splitlines(), start=1))


Check = Callable[[Text], Iterator[Problem]]
FILE_RULES: dict[str, Check] = {}
RECORDING_RULES: dict[str, Check] = {}


def file_rule(check: Check) -> Check:
    """Register a rule for every file under its function's name."""
    FILE_RULES[check.__name__.replace("_", "-")] = check
    return check


def recording_rule(check: Check) -> Check:
    """Register a rule for recordings under its function's name."""
    RECORDING_RULES[check.__name__.replace("_", "-")] = check
    return check


@file_rule
def plain_file_name(text: Text) -> Iterator[Problem]:
    """Windows and macOS do not tell README from readme, and shells stumble over spaces."""
    parts = [part for part in text.file.split("/") if not part.startswith(".")]
    inner = parts if "/" in text.file else []  # in the root README, LICENSE and so on are usual
    inner = [part for part in inner if part != "README.md"]  # GitHub shows it by this name
    if any(not re.fullmatch(r"[a-z0-9_.-]+", part) for part in inner) or " " in text.file:
        yield None, "has capitals, spaces or other characters in its name", "Rename it."


@file_rule
def no_machine_path(text: Text) -> Iterator[Problem]:
    """A path of one machine means nothing on another."""
    for number, line in text.lines():
        for path in machine_paths(line, text.root)[:1]:
            yield number, f"names a path of a machine: {path}", "Use a relative path."


@file_rule
def no_secret(text: Text) -> Iterator[Problem]:
    """What is committed once is public for ever."""
    for number, line in text.lines():
        for kind, start in secrets(line):
            yield number, f"holds what looks like {kind}: {start}", "Take it out and revoke it."


@file_rule
def models_known_in_files(text: Text) -> Iterator[Problem]:
    """An id that is not in the dated table of facts may have gone."""
    if text.path.suffix == ".ipynb" or not models.speaks_of_models(text.path, text.root):
        return
    usable = models.known() if text.is_recording else models.known_once()
    allowed = usable | models.declared(text.path, text.root)
    for number, line in text.lines():
        for name in sorted(models.ids_in(line) - allowed):
            yield number, f"names {name}, which courseserver/facts.py does not know", "Correct it."


CONTENT = ("recordings/", "exercises/source/", "practice/lessons.py")


@file_rule
def no_todo(text: Text) -> Iterator[Problem]:
    """TODO marks what `new` left for the author to write."""
    if text.file.startswith(CONTENT):
        for number, line in text.lines():
            if "TODO" in line:
                yield number, f"still says {line.strip()[:60]}", "Write it, or take it out."


LEARNERS_CODE = ("helpers/", "practice/", "exercises/")


@file_rule
def no_first_block_in_code(text: Text) -> Iterator[Problem]:
    """Learners copy the helpers and the exercises, so these must not read by position either."""
    if text.path.suffix != ".py" or not text.file.startswith(LEARNERS_CODE):
        return
    for expression in first_block_reads(ast.parse(text.text)):
        yield None, f"reads {expression}", "Pick the blocks by their type."


# Addresses that lead to one thing somebody can read: a thread, a repository, official pages.
ADDRESS = re.compile(
    r"https://github\.com/[\w.-]+/[\w.-]+(?:/(?:issues|pull|discussions)/[1-9]\d*(?:#\S+)?)?"
    r"|https://(?:platform\.claude|docs\.anthropic|docs\.python)\.(?:com|org)/\S+"
    r"|https://\w+\.example/\S*"  # made up, and nobody can take it for a source
)


@file_rule
def sources_can_be_opened(text: Text) -> Iterator[Problem]:
    """A mistake is seen somewhere; whether it stands there, only a reader can tell."""
    if not text.file.startswith("exercises/source/") or text.path.suffix != ".py":
        return
    for number, line in text.lines():
        for found in re.findall(r"https?://(?!127\.0\.0\.1)[^\s\"'`)]+", line):
            address = found.rstrip(".,;:")
            if not ADDRESS.fullmatch(address):
                do = "Name the thread with its number, and open it once before you do."
                yield number, f"names {address}, which is no thread or official page", do


@file_rule
def pages_link_and_speak(text: Text) -> Iterator[Problem]:
    """Links of a page lead somewhere, and its pictures have words."""
    if text.path.suffix != ".md":
        return
    found = prose.read_markdown(text.text)
    for url in found.links + [source for source, _ in found.pictures]:
        problem = prose.broken(url, text.path, text.root)
        if problem:
            yield None, f"the link {url[:60]} {problem}", "Correct it, or take the link out."
    for source, alt in found.pictures:
        weakness = prose.weak_alt(alt)
        if weakness:
            yield None, f"the picture {source[:40]} {weakness}", "Say in words what it shows."


@file_rule
def map_is_current(text: Text) -> Iterator[Problem]:
    """The README's map is generated from the list of lessons and from their last runs."""
    has_map = text.file == "README.md" and nav.MAP_START in text.text
    if has_map and nav.with_map(text.text, text.root) != text.text:
        yield None, "has an old map", "Run python -m authoring readme."


@file_rule
def claims_are_taught(text: Text) -> Iterator[Problem]:
    """Each old claim has its cell, and the page that readers get says what the map says."""
    if text.file != claims.FILE:
        return
    problems = list(claims.problems(text.root))
    for problem in problems:
        yield None, problem, "Then run python -m authoring readme."
    page = text.root / claims.PAGE
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if not problems and old != claims.page(text.root):
        yield None, f"{claims.PAGE} is not made from it", "Run python -m authoring readme."


def recording(text: Text) -> Any:
    """The JSON of a recording, or None when it has not a recording's outer form."""
    try:
        content = json.loads(text.text)
        exchanges = content["exchanges"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    if isinstance(exchanges, list) and all(isinstance(each, dict) for each in exchanges):
        return content
    return None


@recording_rule
def recording_is_whole(text: Text) -> Iterator[Problem]:
    """A recording that cannot be played leaves a lesson without replies."""
    content = recording(text)
    if content is None:
        yield None, "is not a recording in JSON", "Write it again with python -m authoring write."
        return
    if content.get("lesson") != text.path.stem:
        yield None, f"says it belongs to {content.get('lesson')!r}", "Name the file's own lesson."
    for number, exchange in enumerate(content["exchanges"], start=1):
        for key in ("name", "request", "replies"):
            if not exchange.get(key) and not (key == "request" and exchange.get("method") == "GET"):
                yield None, f"exchange {number} lacks {key}", "Add it, or delete the exchange."
                return
    for number, variant in enumerate(content.get("variants", []), start=1):
        for key in ("name", "of", "changes", "replies"):
            if not variant.get(key):
                yield None, f"variant {number} lacks {key}", "Add it, or delete the variant."
                return
    try:
        Recordings.parse(text.text, text.path.stem)
    except RecordingError as problem:
        yield None, f"cannot be played: {problem}", "Correct it."


@recording_rule
def recording_says_source(text: Text) -> Iterator[Problem]:
    """A reader must be able to tell an authored reply from a captured one."""
    for number, exchange in enumerate((recording(text) or {}).get("exchanges", []), start=1):
        if exchange.get("source") not in SOURCES:
            yield None, f"exchange {number} has no source", f"Say {' or '.join(SOURCES)}."
    for number, variant in enumerate((recording(text) or {}).get("variants", []), start=1):
        if variant.get("source", "authored") not in SOURCES:
            yield None, f"variant {number} has no source", f"Say {' or '.join(SOURCES)}."


@recording_rule
def recording_has_lesson(text: Text) -> Iterator[Problem]:
    """A recording without a notebook is never played."""
    if not (text.root / "notebooks" / f"{text.path.stem}.ipynb").exists():
        yield None, "belongs to no notebook", "Delete it, or name it like its lesson."
