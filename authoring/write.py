"""Writes the replies of a lesson: runs it, stops at a request without a reply, and asks for one.

A reply is given in the recordings' short form, typed in or taken from a file of drafts. One kernel
serves the whole lesson: a new reply is given to it, the cell that missed it runs again, and
a last run in a fresh kernel shows that nothing is missing. It must not invent anything: what is
stored is what the author wrote, marked `authored`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import nbformat

from authoring import ROOT, AuthoringError
from authoring import navigation as nav
from authoring.kernel import Runner, place, running
from courseserver import facts
from courseserver.recordings import RecordingError, Recordings

JSON = dict[str, Any]
Ask = Callable[[JSON, Sequence[str]], JSON]
EXPECTED = "no-recording"  # tag of a cell that shows what a missed request looks like
HOW = """Reply: one line of text; several lines as JSON, for example "first line\\nsecond line";
the short form as JSON; =NAME copies another reply; nothing keeps the old reply of this name."""
CLOSED = (
    "nobody is there to type a reply: the input is closed. Put the replies into a file, "
    "{name: reply}, and name it with --drafts."
)

# Runs in the lesson's kernel. Prints the missed requests and the names that were played.
LOOK = """
import json as _json
from courseserver import identity as _identity
from helpers._setup import course_server as _course_server, journal as _journal
print(_json.dumps({
    "missed": [
        {"id": _e.reply.headers.get("request-id", ""),
         "method": _e.request.method, "path": _e.request.path,
         "betas": list(_identity.betas(_e.request)),
         "version": _e.request.headers.get("anthropic-version", ""),
         "request": _identity.canonical(_e.request.body),
         "told": _e.missed.told()}
        for _e in _journal().missed()
    ],
    "played": sorted(_course_server().backend.replay.lesson.turns),
}))
"""
# Gives the running lesson the replies that were just written; nothing else of it changes.
RELOAD = """
from practice.begin import load_recordings as _load
from helpers._setup import course_server as _course_server
_course_server().backend.replay.lesson.recorded = _load({!r})
"""


def main(arguments: Sequence[str]) -> int:
    """`python -m authoring write LESSON [--drafts FILE] [--prune | --edit NAME]`; exit status."""
    parser = argparse.ArgumentParser(prog="python -m authoring write", description=__doc__)
    parser.add_argument("lesson", help="for example 01 or 01_first_call")
    parser.add_argument("--drafts", type=Path, help="JSON: {name: reply or list of replies}")
    parser.add_argument(
        "--prune", action="store_true", help="remove exchanges that nothing asks for"
    )
    parser.add_argument("--edit", metavar="NAME", help="write a stored reply anew, run nothing")
    options = parser.parse_args(arguments)
    lesson = nav.lesson_of(options.lesson).name
    drafts = Drafts(options.drafts) if options.drafts else None
    if options.edit:
        return edit(lesson, options.edit, drafts)
    return write(lesson, drafts.next if drafts else ask_in_terminal, prune=options.prune)


def write(lesson: str, ask: Ask, *, prune: bool = False, root: Path = ROOT) -> int:
    """Run the lesson until every request has a reply; returns 0.

    `ask` gets the missed request and the names played before it in this run, and gives
    {"name": str, "replies": [short form], "cycle": bool, "volatile": ["system"]}; or, in place of
    replies, {"copy": name}.
    """
    path = recording_of(lesson, root)
    if not path.exists():
        save(path, {"lesson": lesson, "api_version": facts.API_VERSION, "exchanges": []})
    recorded = True
    while recorded:  # a run without a miss, in a fresh kernel, is the last one
        recorded, played = run(root / "notebooks" / f"{lesson}.ipynb", path, ask)
    data = load(path)
    bases = {variant["of"] for variant in data.get("variants", [])}
    unused = [entry["name"] for entry in data["exchanges"] if entry["name"] not in played]
    gone = [name for name in unused if name not in bases]
    if gone and prune:
        data["exchanges"] = [e for e in data["exchanges"] if e["name"] not in gone]
        save(path, data)
    if kept := [name for name in unused if name in bases]:
        print(f"{lesson}: kept, though nothing asks for it, since variants are of it: "
              f"{quoted(kept)}")  # fmt: skip
    print(f"{lesson}: {len(played)} exchanges used; not used: {quoted(unused) or 'none'}")
    return 0


def run(notebook_path: Path, path: Path, ask: Ask) -> tuple[bool, dict[str, str]]:
    """Run a lesson in one kernel and ask for what it misses.

    Returns whether something was recorded, and the names that were played, each with the cell.
    """
    notebook = nbformat.read(notebook_path, as_version=4)
    played: dict[str, str] = {}
    known: set[str] = set()  # ids of the missed requests that are dealt with
    recorded = begun = False
    with running(notebook_path, notebook) as runner:
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            begun = begun or "setup(" in cell.source
            while True:
                failure = _run_cell(runner, index)
                seen = json.loads(runner.quietly(LOOK)) if begun else {"missed": [], "played": []}
                missed = [each for each in seen["missed"] if each["id"] not in known]
                known |= {each["id"] for each in missed}
                for name in seen["played"]:
                    played.setdefault(name, place(index, cell))
                if EXPECTED in cell.metadata.get("tags", []) or not missed:
                    break
                missed[0]["cell"] = f"{place(index, cell)}: {cell.source.splitlines()[0]}"
                record(path, missed[0], played, ask)
                runner.quietly(RELOAD.format(path.stem))
                recorded = True
            if failure:
                raise failure
    return recorded, played


def record(path: Path, missed: JSON, played: dict[str, str], ask: Ask) -> None:
    """Ask for the reply to a missed request and store it. Raises AuthoringError without one."""
    data = load(path)
    known = {entry["name"]: entry for entry in data["exchanges"]}
    given = ask(missed, list(played))
    name = given["name"]
    if name in {variant["name"] for variant in data.get("variants", [])}:
        raise AuthoringError(f"{name!r} is the name of a variant. Give another name.")
    if name in played:
        raise AuthoringError(used_already(name, played[name]))
    old = known.get(given.get("copy", name), {})
    if "copy" in given and not old:
        raise AuthoringError(f"there is no reply {given['copy']!r} to copy.")
    entry = {"name": name, "source": "authored"} | where(missed, data)
    entry["request"] = missed["request"]
    entry |= {"cycle": True} if given.get("cycle") else {}
    if volatile := given.get("volatile") or old.get("volatile"):
        entry["volatile"] = volatile
    entry["replies"] = given.get("replies") or old.get("replies")
    if not entry["replies"]:
        raise AuthoringError(f"There is no reply for {name!r}.")
    if name in known:
        data["exchanges"][list(known).index(name)] = entry
    else:
        data["exchanges"].append(entry)
    check_variants(path.stem, data)
    save(path, data)
    print(f"recorded {name!r}")


def check_variants(lesson: str, data: JSON) -> None:
    """Refuse what would leave a variant without a meaning. Raises AuthoringError."""
    if data.get("variants"):
        try:
            Recordings.parse(json.dumps(data), lesson)
        except RecordingError as problem:
            raise AuthoringError(f"{problem}\nNothing was saved.") from None


def used_already(name: str, cell: str = "") -> str:
    """Why a name cannot be given twice in one run, and what to do instead."""
    where = f" for {cell}" if cell else ""
    return (
        f"{name!r} was played already in this run{where}. If it moved to this request, its "
        f"first one would be missing. Give another name; its reply is copied with ={name}"
    )


def edit(lesson: str, name: str, drafts: Drafts | None = None, root: Path = ROOT) -> int:
    """Write a stored reply anew, from the terminal or from the drafts; returns 0."""
    path = recording_of(lesson, root)
    data = load(path) if path.exists() else {"exchanges": []}
    known = {entry["name"]: entry for entry in data["exchanges"] + data.get("variants", [])}
    if name not in known:
        raise AuthoringError(
            f"{lesson} has no reply {name!r}. It has: {quoted(known) or 'none yet'}."
        )
    print(json.dumps(known[name]["replies"], indent=1, ensure_ascii=False))
    given = drafts.named(name) if drafts else typed_reply()
    if "copy" in given and given["copy"] not in known:
        raise AuthoringError(f"there is no reply {given['copy']!r} to copy.")
    replies = known[given["copy"]]["replies"] if "copy" in given else given.get("replies")
    if not replies:
        print(f"kept {name!r}")
        return 0
    known[name]["replies"] = replies
    save(path, data)
    print(f"changed {name!r}. Run python -m authoring write {lesson}: what quotes it may be asked")
    return 0


def _run_cell(runner: Runner, index: int) -> AuthoringError | None:
    try:
        runner.run(index)
    except AuthoringError as problem:
        return problem
    return None


def where(missed: JSON, data: JSON) -> JSON:
    """What an exchange must say because it is not the usual POST /v1/messages."""
    extra: JSON = {}
    if (missed["method"], missed["path"]) != ("POST", "/v1/messages"):
        extra |= {"method": missed["method"], "path": missed["path"]}
    if missed["version"] != data["api_version"]:
        extra["api_version"] = missed["version"]
    if missed["betas"]:
        extra["betas"] = missed["betas"]
    return extra


class Drafts:
    """Replies prepared in a file: an object of name -> reply in short form, in order of asking.

    A reply may be wrapped as {"replies": [...], "cycle": true, "volatile": ["system.0"]}.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.left: JSON = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise AuthoringError(
                f"The drafts in {path.name} cannot be read: {problem}"
            ) from problem

    def next(self, missed: JSON, played: Sequence[str]) -> JSON:
        """The next draft, in the order of the file, whose exchange was not played before."""
        self.left = {name: short for name, short in self.left.items() if name not in played}
        if not self.left:
            raise AuthoringError(f"No draft is left for this request.\n{told(missed)}")
        return self.named(next(iter(self.left)))

    def named(self, name: str) -> JSON:
        """The draft with this name, which is then used up."""
        if name not in self.left:
            raise AuthoringError(f"There is no draft for {name!r}.")
        short = self.left.pop(name)
        if isinstance(short, dict) and "replies" in short:
            return {"name": name, **short}
        return {"name": name, "replies": [short]}


def told(missed: JSON) -> str:
    """A missed request for the author: the cell, the request, the nearest recorded one."""
    lines = [missed["cell"], json.dumps(missed["request"], indent=1, ensure_ascii=False)]
    return "\n".join(lines + missed["told"])


def ask_in_terminal(missed: JSON, played: Sequence[str]) -> JSON:
    """Show the request and read a name and a reply from the terminal."""
    print(told(missed))
    print(f"Played so far: {quoted(played) or 'nothing'}.")
    name = ""
    while not name:
        name = typed("Name of this exchange: ")
        if name in played:
            print(used_already(name))
            name = ""
    return {"name": name, **typed_reply()}


def typed_reply() -> JSON:
    """A reply from the terminal: {"replies": [...]}, {"copy": name}, or {} for the old one."""
    print(HOW)
    while True:
        text = typed("Reply: ")
        if not text:
            return {}
        if text[0] == "=":
            return {"copy": text[1:].strip()}
        if text[0] not in '[{"':
            return {"replies": [text]}
        try:
            return {"replies": [json.loads(text)]}
        except ValueError as problem:
            print(f"That begins like JSON and is not: {problem}. Once more.")


def typed(prompt: str) -> str:
    """A line from the terminal. Raises AuthoringError when there is nobody."""
    try:
        return input(prompt).strip()
    except EOFError:
        raise AuthoringError(CLOSED) from None


def quoted(names: Iterable[str]) -> str:
    """Names in quotes, because a name may hold a comma."""
    return ", ".join(map(repr, names))


def recording_of(lesson: str, root: Path) -> Path:
    """Where a lesson's replies are stored."""
    return root / "recordings" / f"{lesson}.json"


def load(path: Path) -> JSON:
    """Read a recording."""
    data: JSON = json.loads(path.read_text(encoding="utf-8"))
    return data


def save(path: Path, data: JSON) -> None:
    """Write a recording in the one form that diffs well."""
    text = json.dumps(data, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
