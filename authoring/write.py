"""Writes the replies of a lesson: runs it, stops at a request without a reply, and asks for one.

A reply is given in the recordings' short form, typed in or taken from a file of drafts. It must
not invent anything: what is stored is what the author wrote, marked `authored`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat

from authoring import ROOT, AuthoringError
from authoring.kernel import Runner, running
from courseserver import facts
from helpers.lessons import BY_NAME

JSON = dict[str, Any]
EXPECTED = "no-recording"  # tag of a cell that shows what a missed request looks like

# Runs in the lesson's kernel. Prints the first missed request and the names that were played.
LOOK = """
import json as _json
from courseserver import identity as _identity
from helpers._setup import course_server as _course_server, journal as _journal
_lesson = _course_server().backend.replay.lesson
_missed = [_entry.request for _entry in _journal().missed()]
print(_json.dumps({
    "missed": [
        {"method": _r.method, "path": _r.path, "betas": list(_identity.betas(_r)),
         "version": _r.headers.get("anthropic-version", ""),
         "request": _identity.canonical(_r.body)}
        for _r in _missed
    ],
    "played": sorted(_lesson.turns),
}))
"""


def main(arguments: Sequence[str]) -> int:
    """`python -m authoring write LESSON [--drafts FILE] [--prune]`; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m authoring write", description=__doc__)
    parser.add_argument("lesson", help="for example 01_first_call")
    parser.add_argument("--drafts", type=Path, help="JSON: {name: reply or list of replies}")
    parser.add_argument(
        "--prune", action="store_true", help="remove exchanges that nothing asks for"
    )
    options = parser.parse_args(arguments)
    if options.lesson not in BY_NAME:
        raise AuthoringError(f"{options.lesson} is not in helpers/lessons.py. Add it there first.")
    ask = ask_in_terminal
    if options.drafts:
        ask = Drafts(options.drafts).next
    return write(options.lesson, ask, prune=options.prune)


def write(
    lesson: str,
    ask: Callable[[JSON, Sequence[str]], JSON],
    *,
    prune: bool = False,
    root: Path = ROOT,
) -> int:
    """Run the lesson until every request has a reply; returns 0.

    `ask` gets the missed request and the names played before it in this run, and gives
    {"name": str, "replies": [short form], "cycle": bool, "volatile": ["system"]}.
    """
    path = root / "recordings" / f"{lesson}.json"
    if not path.exists():
        save(path, {"lesson": lesson, "api_version": facts.API_VERSION, "exchanges": []})
    while True:
        missed, played = run(root / "notebooks" / f"{lesson}.ipynb")
        data = json.loads(path.read_text(encoding="utf-8"))
        known = {entry["name"]: entry for entry in data["exchanges"]}
        if missed is None:
            break
        given = ask(missed, played)
        entry = {"name": given["name"], "source": "authored"} | _where(missed, data)
        entry["request"] = missed["request"]
        entry |= {"cycle": True} if given.get("cycle") else {}
        old = known.get(given["name"], {})
        if volatile := given.get("volatile") or old.get("volatile"):
            entry["volatile"] = volatile
        entry["replies"] = given.get("replies") or old.get("replies")
        if not entry["replies"]:
            raise AuthoringError(f"There is no reply for {given['name']!r}.")
        if given["name"] in known:
            data["exchanges"][list(known).index(given["name"])] = entry
        else:
            data["exchanges"].append(entry)
        save(path, data)
        print(f"recorded {entry['name']}")
    unused = [name for name in known if name not in played]
    if unused and prune:
        data["exchanges"] = [e for e in data["exchanges"] if e["name"] not in unused]
        save(path, data)
    print(f"{lesson}: {len(played)} exchanges used; not used: {', '.join(unused) or 'none'}")
    return 0


def run(path: Path) -> tuple[JSON | None, list[str]]:
    """Run a lesson up to its first request without a reply: that request, and what was played."""
    notebook = nbformat.read(path, as_version=4)
    expected = 0
    with running(path, notebook) as runner:
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            failure = _run_cell(runner, index)
            seen = json.loads(runner.quietly(LOOK) or "{}") if _has_setup(notebook, index) else {}
            missed = seen.get("missed", [])
            if EXPECTED in cell.metadata.get("tags", []):
                expected = len(missed)
            if len(missed) > expected:
                return missed[expected], seen["played"]
            if failure:
                raise failure
    return None, seen["played"]


def _run_cell(runner: Runner, index: int) -> AuthoringError | None:
    try:
        runner.run(index)
    except AuthoringError as problem:
        return problem
    return None


def _has_setup(notebook: Any, index: int) -> bool:
    return any("setup(" in cell.source for cell in notebook.cells[: index + 1])


def _where(missed: JSON, data: JSON) -> JSON:
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
            body = json.dumps(missed["request"], indent=1, ensure_ascii=False)
            raise AuthoringError(f"No draft is left for this request:\n{body}")
        name = next(iter(self.left))
        short = self.left.pop(name)
        if isinstance(short, dict) and "replies" in short:
            return {"name": name, **short}
        return {"name": name, "replies": [short]}


def ask_in_terminal(missed: JSON, played: Sequence[str]) -> JSON:
    """Show the request and read a name and a reply from the terminal."""
    print(json.dumps(missed["request"], indent=1, ensure_ascii=False))
    print(f"Played so far: {', '.join(played) or 'nothing'}. An old name keeps its reply.")
    name = input("name of this exchange: ").strip()
    text = input("reply (text, or JSON in short form; empty keeps the old one): ").strip()
    if not text:
        return {"name": name}
    return {"name": name, "replies": [json.loads(text) if text[0] in '[{"' else text]}


def save(path: Path, data: JSON) -> None:
    """Write a recording in the one form that diffs well."""
    text = json.dumps(data, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
