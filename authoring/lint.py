"""`python -m authoring lint`: what nbval lets through, and the standard every lesson keeps.

The engine: it finds the files, applies the rules of `lint_notebooks` and `lint_files`, and says
what it covered. A rule is a small function with a name and a reason. It must not run a notebook.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat.validator import iter_validate

from authoring import AuthoringError, name_within
from authoring.book import Notebook
from authoring.kernel import place
from authoring.lint_files import FILE_RULES, RECORDING_RULES, Text
from authoring.lint_notebooks import NOTEBOOK_RULES
from authoring.models import retiring

WARN_DAYS = 90
IGNORED = {".env", ".venv", ".course", "desk", "my-course", "build", "__pycache__"}
IGNORED |= {".git", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache", ".mypy_cache"}


@dataclass(frozen=True)
class Finding:
    """One thing to fix: where it is, the rule it breaks, what is wrong and what to do."""

    file: str
    rule: str
    where: str
    what: str
    do: str

    def __str__(self) -> str:
        where = f", {self.where}" if self.where else ""
        return f"{self.file}{where}: {self.what} [{self.rule}: {reason(self.rule)}] {self.do}"


def readable_notebook(path: Path) -> str:
    """A damaged notebook opens for nobody, so nothing else in it can be checked."""
    try:
        text = path.read_bytes().decode("utf-8")
        content = json.loads(text)
        json.dumps(content, ensure_ascii=False).encode()
        if not isinstance(content, dict) or content.get("nbformat") != 4:
            return "it is not a notebook of format 4"
        wrong = next(iter_validate(content), None)
    except RecursionError:
        return "it is nested too deep"
    except ValueError as problem:  # no UTF-8, no JSON, half of an emoji
        return str(problem)[:100]
    if wrong is None:
        return ""
    where = "/".join(map(str, wrong.path))
    return f"{where}: {wrong.message[:100]}".removeprefix(": ")


RULES = NOTEBOOK_RULES | FILE_RULES | RECORDING_RULES | {"readable-notebook": readable_notebook}
# Exercise notebooks are built without outputs and make no call of their own, and some of their
# programs are long, or broken on purpose: not for them.
LESSONS_ONLY = {
    "executed-in-order", "setup-first", "first-call-early", "navigation-current", "facts-current",
    "key-points", "three-questions", "cell-size", "no-first-block", "few-new-things",
    "same-at-work",
}  # fmt: skip


def reason(rule: str) -> str:
    """Why a rule is there: the first line of its function's docstring."""
    return (RULES[rule].__doc__ or "").strip().splitlines()[0].rstrip(".")


def project_files(root: Path) -> list[Path]:
    """Every file that is or could be committed: what git knows or would add.

    Without git (a downloaded archive) every file but a learner's own and what tools leave behind.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        names = listed.stdout.decode("utf-8").split("\0")
        found = [root / name for name in names if name]
    else:
        found = [p for p in root.rglob("*") if not IGNORED & set(p.relative_to(root).parts)]
    return sorted(path for path in set(found) if path.is_file())


def check_notebook(path: Path, root: Path) -> tuple[Notebook | None, list[Finding]]:
    """Apply every rule for notebooks to one file; None for a damaged one."""
    damage = readable_notebook(path)
    if damage:
        told = f"is damaged: {damage}."
        do = "Give it back with git restore, or correct it."
        return None, [Finding(name_within(path, root), "readable-notebook", "", told, do)]
    book = Notebook.read(path, root)
    found = []
    for rule, check in NOTEBOOK_RULES.items():
        if rule in LESSONS_ONLY and is_exercise(book):
            continue
        for index, what, do in check(book):
            where = "" if index is None else place(index, book.cells[index])
            found.append(Finding(book.file, rule, where, what, do))
    return book, found


def is_exercise(book: Notebook) -> bool:
    """Whether a notebook is one of those that `python -m authoring build` makes."""
    return book.file.startswith("exercises/")


def check_file(path: Path, root: Path) -> tuple[Text | None, list[Finding]]:
    """Apply every rule for files, and for recordings to those; None for a binary file."""
    text = Text.read(path, root)
    rules = dict(FILE_RULES)
    if text.is_recording:
        rules |= RECORDING_RULES
    found = []
    for rule, check in rules.items():
        for line, what, do in check(text):
            found.append(Finding(text.file, rule, f"line {line}" if line else "", what, do))
    return (None if text.binary else text), found


def style_table(books: Sequence[Notebook]) -> str:
    """The measures of style.md for each lesson: aims, not limits."""
    columns = ("cells", "words", "before call", "with output", "median", "new")
    aims = ("25-40", "<=1300", "<=200 words", ">80%", "<=6", "<=10")
    lines = []
    for name, row in (("lesson", columns), ("aim", aims)):
        lines.append(f"{name:24}" + "".join(f"{each:>13}" for each in row))
    for book in books:
        core = book.core()
        code = [cell for cell in core if cell["cell_type"] == "code"]
        shown = sum(bool(cell["outputs"]) for cell in code)
        median = statistics.median([len(c["source"].splitlines()) for c in code] or [0])
        words, before = book.words(core), book.words(book.before_first_call())
        share = f"{100 * shown / max(len(code), 1):.0f}%"
        new = len(book.nb.metadata.get("course", {}).get("new_things", []))
        measured = (len(core), words, before, share, f"{median:.0f}", new)
        lines.append(f"{book.path.stem:24}" + "".join(f"{each:>13}" for each in measured))
    return "\n".join(lines)


def lint(root: Path, files: Sequence[Path] = (), retirement_days: int | None = None) -> int:
    """Check files (all of the project's when none is given); print findings; 1 if there are any.

    Raises AuthoringError when there is no notebook among them: a check of nothing is no check.
    """
    paths = [path.resolve() for path in files] or project_files(root)
    books, texts, recordings, found = [], 0, 0, []
    for path in paths:
        if not path.is_file():
            raise AuthoringError(f"there is no file {name_within(path, root)}.")
        if path.suffix == ".ipynb":
            book, findings = check_notebook(path, root)
            if book:
                books.append(book)
            found += findings
        text, findings = check_file(path, root)
        texts += text is not None
        recordings += text is not None and text.is_recording
        found += findings

    retired = list(retiring(paths, root, WARN_DAYS if retirement_days is None else retirement_days))
    for model, where, day, left in retired:
        level = "warning" if retirement_days is None else "error"
        print(f"{level}: {where}: {model} retires on {day} ({left} days). Move to another model.")
    for finding in found:
        print(finding)
    if not books and not found:
        raise AuthoringError("no notebook found, so nothing was checked.")
    print(style_table([book for book in books if not is_exercise(book)]))
    cells = sum(len(book.cells) for book in books)
    print(
        f"covered: {len(books)} notebooks ({cells} cells) by {len(NOTEBOOK_RULES)} rules "
        f"({len(LESSONS_ONLY)} of them not for exercises), "
        f"{recordings} recordings by {len(RECORDING_RULES)}, {texts} text files by "
        f"{len(FILE_RULES)}; {len(paths) - texts} binary files by name only; "
        f"{len(found)} findings, {len(retired)} models near their end"
    )
    return int(bool(found) or (retirement_days is not None and bool(retired)))
