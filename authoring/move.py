"""`move-model OLD NEW`: the course goes to another default model, and says what is left to read.

It changes an id where a request names its model, in the facts, recordings, lessons, exercises,
templates, tests and pages. What a sentence or a table says about a model it cannot know: it prints
those lines. It must not run a lesson; `render` does that afterwards.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import nbformat

from authoring import AuthoringError, models
from authoring.book import Notebook
from authoring.render import normalise, to_bytes
from courseserver import facts, rules
from courseserver.call import Call
from courseserver.prompt import THINKING
from courseserver.recordings import Exchange, RecordingError, Recordings
from courseserver.values import Request
from launch.files import course_files

FACTS = "courseserver/facts.py"
# Everything that people write. Exercise notebooks are left out: `build` makes them.
WRITTEN = (
    "*.md",
    ".env.example",
    "courseserver/**/*",
    "helpers/**/*",
    "practice/**/*",
    "workshop/**/*",
    "bench/**/*.py",
    "docs/**/*.md",
    "notebooks/**/*",
    "exercises/source/*.py",
    "recordings/*.json",
    "tests/**/*.py",
)
TEXTS = (".md", ".py", ".json", ".ipynb", ".txt", ".example", ".toml")
HISTORY = "CHANGELOG.md"  # what it says was true on its day
# A request's model: model="...", "model": "...", MODEL = "...", COURSE_MODEL=...
PLACE = r"(model[\"']?\s*[:=]\s*\\?[\"']?){}(?![\w.-])"

# How programs keep the prices of their model: for a million tokens, or for one.
PRICES = (
    "INPUT, OUTPUT = {0.input:.2f}, {0.output:.2f}",
    "USD_IN, USD_OUT = {0.input:g}e-6, {0.output:g}e-6",
)


def move_model(
    root: Path, old: str, new: str, *, retired: date | None = None, dry_run: bool = False
) -> int:
    """Move the course from `old` to `new`; print what changes and what is left. Returns 0.

    With `retired`, the day from which `old` no longer answers, the facts list it as retired. Again
    it changes nothing. Raises AuthoringError for ids that the facts do not know.
    """
    refuse_unknown(old, new, retired)
    texts: dict[Path, str] = {}
    moved: list[Path] = []
    others: list[str] = []
    for path in written_files(root):
        before = path.read_bytes().decode("utf-8")
        after = moved_text(path, root, before, old, new, retired)
        texts[path] = after
        others += naming(path, root, before, new)
        if after != before:
            moved.append(path)
    for path in moved:
        if not dry_run:
            path.write_bytes(texts[path].encode("utf-8"))  # bytes: line ends stay as they are
        print(f"{'would change' if dry_run else 'changed'}: {path.relative_to(root).as_posix()}")
    print(f"{len(moved)} files {'would change' if dry_run else 'changed'}.")
    left = [line for path, text in texts.items() for line in naming(path, root, text, old)]
    no = [line for path, text in texts.items() for line in refused(path, root, text, old, new)]
    tell(f"A request that {new} refuses, or a recording that cannot be read", no)
    tell(f"A line that still names {old}", left)
    tell(f"A line that named {new} already: it is no longer another model than MODEL", others)
    print("\nNext: python -m authoring build, render, readme and check, each of all lessons.")
    return 0


def refuse_unknown(old: str, new: str, retired: date | None) -> None:
    """Raise AuthoringError for what cannot be moved, with the ids that can be used."""
    usable = [name for name in facts.MODELS if name not in facts.RETIRED]
    if new not in usable:
        raise AuthoringError(
            f"{FACTS} knows no model {new!r} that is in service. It knows: {', '.join(usable)}. "
            "Add a row for a newer one."
        )
    if old not in facts.SERVED and old not in facts.RETIRED:
        known = [*usable, *facts.RETIRED]
        raise AuthoringError(
            f"{FACTS} has never known a model {old!r}. It knows: {', '.join(known)}."
        )
    if old == new:
        raise AuthoringError(f"{old} and {new} are the same model: there is nothing to move.")
    if retired and str(retired) > facts.AS_OF:
        raise AuthoringError(
            f"{retired} is later than the facts' own day, {facts.AS_OF}, and until it has come "
            f"{old} answers. Leave --retired out, or update AS_OF in {FACTS} first."
        )


def written_files(root: Path) -> Iterator[Path]:
    """The course's text files that people write, and the recordings."""
    for name in course_files(root, WRITTEN):
        if name.suffix in TEXTS and name.as_posix() != HISTORY:
            yield root / name


# ------------------------------------------------------------------------------ what is moved


def moved_text(path: Path, root: Path, text: str, old: str, new: str, retired: date | None) -> str:
    """A file's text with the new id in the places that mean the default model."""
    name = path.relative_to(root).as_posix()
    if name == FACTS:
        text = text.replace(f'\nMODEL = "{old}"', f'\nMODEL = "{new}"')
        return with_retired(text, old, new, retired) if retired else text
    if old not in text and new not in text:
        return text
    if name.startswith("recordings/"):
        return moved_recording(text, old, new, gone=bool(retired) or old in facts.RETIRED)
    if path.suffix == ".ipynb":
        return moved_notebook(path, root, text, old, new)
    return with_prices(in_requests(text, old, new), old, new)


def with_prices(text: str, old: str, new: str) -> str:
    """A program's text with the prices of `new` where it keeps those of its model."""
    was, now = facts.model(old), facts.model(new)
    for kept in PRICES:
        text = text.replace(kept.format(was), kept.format(now))
    return text


def in_requests(text: str, old: str, new: str) -> str:
    """A text with the new id wherever a request names its model."""
    return re.sub(PLACE.format(re.escape(old)), rf"\g<1>{new}", text, flags=re.IGNORECASE)


def with_retired(text: str, old: str, new: str, day: date) -> str:
    """The facts without the row of `old`, which is listed as retired, with `new` in its place."""
    if f'{old}"),' in text:  # listed already
        return text
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        first = node.args[:1] if isinstance(node, ast.Call) else []
        if first and isinstance(first[0], ast.Constant) and first[0].value == old:
            assert isinstance(node, ast.Call) and node.end_lineno
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    aliases = [short for short, full in facts.ALIASES.items() if full == old]
    names = " ".join([*aliases, old])
    row = f'        (date({day.year}, {day.month}, {day.day}), "{new}", "{names}"),\n'
    table = "    for day, newer, names in (\n"
    made = "".join(lines).replace(f'"{old}"', f'"{new}"')  # what the retired ones are moved to
    return made.replace(table, table + row)


def moved_recording(text: str, old: str, new: str, *, gone: bool) -> str:
    """A recording whose requests go to `new`.

    A variant that went to `new` goes to `old`: it is there for who tries another model. When `old`
    is gone the variant goes, too.
    """
    data = json.loads(text)
    for entry in data.get("exchanges", []):
        put_model(entry.get("request"), old, new)
    kept = []
    removed: dict[str, str] = {}  # a variant that goes, and what it was of
    for variant in data.get("variants", []):
        variant["of"] = removed.get(variant["of"], variant["of"])
        changes = variant["changes"]
        others = [key for key in changes if key.endswith("model") and changes[key] in (old, new)]
        for key in others:
            changes[key] = old
        if others and gone:
            removed[variant["name"]] = variant["of"]
        else:
            kept.append(variant)
    if "variants" in data:
        data["variants"] = kept
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def put_model(value: Any, old: str, new: str) -> None:
    """Change the model of a request, and of each request of a batch, in place."""
    if not isinstance(value, dict):
        return
    if value.get("model") == old:
        value["model"] = new
    for each in value.get("requests") or []:
        put_model(each.get("params"), old, new)


def moved_notebook(path: Path, root: Path, text: str, old: str, new: str) -> str:
    """A lesson whose cells and declared models say `new`; outputs are left to `render`."""
    book = Notebook(path, root, path.name, text.encode("utf-8"), nbformat.reads(text, 4))
    before = [cell.source for cell in book.cells]
    for _, cell in book.written():
        cell.source = in_requests(cell.source, old, new)
    if [cell.source for cell in book.cells] == before:
        return text
    named = {name for _, cell in book.written() for name in models.ids_in(cell.source)}
    course = book.nb.metadata.get("course", {})
    declared = [*course.get("declared_models", []), new]
    course["declared_models"] = [name for name in dict.fromkeys(declared) if name in named]
    return to_bytes(normalise(book.nb)).decode("utf-8")


# -------------------------------------------------------------------------- what is left to read


def tell(heading: str, lines: list[str]) -> None:
    """Print a list under its heading, or that it is empty."""
    print(f"\n{heading}: {len(lines) or 'none'}")
    for line in lines:
        print(f"  {line}")


def refused(path: Path, root: Path, text: str, old: str, new: str) -> Iterator[str]:
    """What of a recording only the new model refuses, and what makes its file unreadable."""
    name = path.relative_to(root).as_posix()
    if not name.startswith("recordings/"):
        return
    try:
        recorded = Recordings.parse(text, path.stem)
    except RecordingError as problem:
        yield f"{name}: {problem}"
        return
    for entry in recorded.exchanges:
        before, after = objection(entry, old), objection(entry, new)
        if after and not before:
            yield f"{name}, {entry.name!r}: {after}"


def objection(entry: Exchange, model: str) -> str:
    """What the API's rules say against a recorded request if it goes to `model`, or ""."""
    body = sendable(entry.request)
    put_model(body, body.get("model", ""), model)
    headers = {"anthropic-version": entry.version, "x-api-key": "key"}
    headers |= {"anthropic-beta": ",".join(entry.betas)} if entry.betas else {}
    raw = json.dumps(body).encode()
    refusal = rules.check(Call(Request(entry.method, entry.path, "", headers, raw, body)))
    return refusal.message if refusal else ""


def sendable(value: Any) -> Any:
    """A copy of a recorded request without thinking: of its signatures only digests are kept."""
    if isinstance(value, dict):
        return {key: sendable(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    kept = [one for one in value if not isinstance(one, dict) or one.get("type") not in THINKING]
    return [sendable(one) for one in kept]


def naming(path: Path, root: Path, text: str, model: str) -> Iterator[str]:
    """`file:line: text` of each line that names a model by its id or by its name."""
    name = path.relative_to(root).as_posix()
    if name.startswith(("courseserver/", "recordings/")) and path.suffix != ".md":
        return  # the facts, the server's own knowledge of models, and what was moved anyway
    words = spoken(model)
    lines = text.splitlines()
    for number in written_lines(path, lines):
        line = lines[number - 1].strip()
        found = words.search(line)
        if found:
            start = max(0, found.start() - 50) if len(line) > 120 else 0
            yield f"{name}:{number}: {line[start : start + 120]}"


def spoken(model: str) -> re.Pattern[str]:
    """How people and programs write a model: `Sonnet 5.5`, `claude-sonnet-5-5`, not `Sonnet 5`."""
    _, line, *numbers = model.split("-")
    parts = [line, *(number for number in numbers if len(number) < 8)]
    ends = r"(?![.-]?\d(?!\d{7}))"  # no further number, but for the date in an id
    return re.compile(r"\b" + "[ .-]".join(parts) + ends, re.IGNORECASE)


def written_lines(path: Path, lines: list[str]) -> Iterator[int]:
    """The numbers of the lines that an author writes; of a notebook, those of its sources.

    A notebook stands in the one form in which `render` writes it: a key of a cell has three blanks
    before it, and a generated cell its tag.
    """
    inside = path.suffix != ".ipynb"
    generated = False
    for number, line in enumerate(lines, start=1):
        if path.suffix == ".ipynb":
            if line == "  {":
                generated = False
            generated = generated or '"generated-' in line
            if re.match(r'   ?"', line) and len(line) - len(line.lstrip()) <= 3:
                inside = line.startswith('   "source": [') and not generated
        if inside:
            yield number
