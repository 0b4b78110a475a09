"""Model ids in texts: finding them, knowing them, and noticing those that will retire.

The ids themselves stand in `courseserver.facts` and in the SDK's table of deprecated models only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path

from authoring import name_within
from courseserver import facts

_ADDRESS = re.compile(r"https?://[^\s)\]>\"']+")
_ID = re.compile(r"(?<![\w-])claude-[a-z0-9]+(?:[-.@][a-z0-9]+)*")
_FAMILIES = {"opus", "sonnet", "haiku", "fable", "mythos", "instant"}


def ids_in(text: str) -> set[str]:
    """The model ids a text names; `claude-code` and addresses of web pages are none."""
    found = set(_ID.findall(_ADDRESS.sub(" ", text)))
    return {name for name in found if re.search(r"\d", name) or _FAMILIES & set(name.split("-"))}


def known() -> set[str]:
    """The ids that `courseserver.facts` lists as usable today, aliases included."""
    return (set(facts.MODELS) | set(facts.ALIASES)) - set(facts.RETIRED)


def known_once() -> set[str]:
    """Those, and the ids that helpers may name although they do not answer: retired, limited."""
    return known() | set(facts.RETIRED) | set(facts.LIMITED)


def declared(path: Path, root: Path) -> set[str]:
    """The ids a lesson names on purpose: its notebook's metadata `course.declared_models`.

    `path` is the notebook, or the recording of the same name.
    """
    notebook = path if path.suffix == ".ipynb" else root / "notebooks" / f"{path.stem}.ipynb"
    if path.suffix not in (".ipynb", ".json") or not notebook.exists():
        return set()
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        return set(content["metadata"].get("course", {}).get("declared_models", []))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return set()  # damaged: the lint says so of the notebook itself


def retirement(model: str) -> date | None:
    """The day from which a model no longer answers; None while none is announced.

    Sources: the SDK's table of deprecated models, then the announced days in `courseserver.facts`
    ("not before" days of models in full service are no announcement).
    """
    from anthropic._data import DEPRECATED_MODELS  # here, because the SDK takes 0.8 s to import

    name = facts.ALIASES.get(model, model)
    text = DEPRECATED_MODELS.get(name) or DEPRECATED_MODELS.get(model)
    if text:
        plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)", "", text)  # "November 30th, 2026"
        return datetime.strptime(plain, "%B %d, %Y").date()
    if name in facts.RETIRED:
        return facts.RETIRED[name][0]
    row = facts.MODELS.get(name)
    return row.retires_not_before if row and row.deprecated else None


def speaks_of_models(path: Path, root: Path) -> bool:
    """Whether a file's model ids are checked: notebooks, recordings, pages, learners' code."""
    name = name_within(path, root)
    named = ("courseserver/facts.py", "courseserver/betas.py")  # betas look like models
    if name in named or name.startswith(("tests/", "authoring/", "bench/")):
        return False
    return name.endswith((".ipynb", ".py", ".md")) or name.startswith("recordings/")


def retiring(
    paths: Iterable[Path], root: Path, days: int, today: date | None = None
) -> Iterator[tuple[str, str, date, int]]:
    """(model, file, day, days left) of each undeclared id that retires within `days` days."""
    today = today or date.today()
    for path in paths:
        if not speaks_of_models(path, root):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for model in sorted(ids_in(text) - declared(path, root)):
            day = retirement(model)
            if day is not None and (day - today).days <= days:
                yield model, path.name, day, (day - today).days
