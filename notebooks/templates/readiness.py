"""Is this project ready to run for other people? `python readiness.py FOLDER` says.

It reads the files of a folder, runs nothing, sends nothing, and needs nothing but
Python, so you can take it with you. Each check is one small function. None of them can
prove that a project is right: they find what is often forgotten. A line that is right
as it is gets a comment, `# ready: and why`, and is left out.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SKIPPED = {"venv", "node_modules", "__pycache__", "site-packages", "courseserver"}
TEXTS = {".py", ".ipynb", ".md", ".txt", ".json", ".toml", ".yaml", ".yml", ".ini"}
CALLS = {"create", "stream", "parse", "tool_runner"}
ROOM = 1024  # output tokens that thinking alone may use up
BIG = 1_000_000  # bytes; longer files are no code of yours
KEY = re.compile(r"\bsk-ant-[A-Za-z0-9_-]{20,}")
MODEL = re.compile(r"claude-(?:fable|opus|sonnet|haiku|\d)[a-z0-9.-]*")
PLACEHOLDERS = re.compile(r"\W*|.*(?:your|example|placeholder|test|any|xxx).*", re.I)
MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|\w[\w.]*\?+[ \t]*)$", re.M)  # Jupyter's lines
LOGGING = {"debug", "info", "warning", "error", "exception", "critical"}
PRIVATE = {"api_key", "prompt", "question", "messages", "history", "answer", "text"}


class Finding(NamedTuple):
    """What to look at: the place, what stands there, why it matters, what to do."""

    where: str
    what: str
    why: str
    fix: str


@dataclass
class Source:
    """A file of Python, or a code cell of a notebook."""

    name: str
    tree: ast.Module
    lines: list[str]

    @property
    def is_test(self) -> bool:
        """Whether its name says that it tests the others."""
        name = self.name.rpartition("/")[2]
        return name.startswith(("test_", "conftest")) or name.endswith("_test.py")

    def at(self, node: ast.AST) -> str:
        """The place of a node, such as `app.py:12`."""
        return f"{self.name}:{line_of(node)}"

    def is_fine(self, node: ast.AST) -> bool:
        """Whether the line says by its comment that it is meant so."""
        return "# ready:" in self.lines[line_of(node) - 1]


@dataclass
class Project:
    """A folder, read once: its texts by name, its code, and what could not be read."""

    folder: Path
    texts: dict[str, str] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    unread: list[Finding] = field(default_factory=list)

    @property
    def code(self) -> list[Source]:
        """The sources that are no tests."""
        return [source for source in self.sources if not source.is_test]

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[tuple[Source, ast.AST]]:
        """Every node of these kinds in the code, unless its line is marked."""
        for source in self.code:
            found = [node for node in ast.walk(source.tree) if isinstance(node, kinds)]
            for node in sorted(found, key=line_of):
                if not source.is_fine(node):
                    yield source, node

    def calls(self) -> Iterator[tuple[Source, ast.Call]]:
        """The calls that send a request to Claude."""
        for source, node in self.nodes(ast.Call):
            if isinstance(node, ast.Call) and asks_claude(node):
                yield source, node

    def reads(self, name: str) -> bool:
        """Whether the code reads this attribute of anything."""
        found = (node for _, node in self.nodes(ast.Attribute))
        return any(getattr(node, "attr", "") == name for node in found)


CHECKS: list[Callable[[Project], Iterator[Finding]]] = []


def check(
    function: Callable[[Project], Iterator[Finding]],
) -> Callable[[Project], Iterator[Finding]]:
    """Add a check to the list."""
    CHECKS.append(function)
    return function


# --- reading --------------------------------------------------------------------------


def line_of(node: ast.AST) -> int:
    """The number of the line in which a node begins."""
    return int(getattr(node, "lineno", 1))


def asks_claude(call: ast.Call) -> bool:
    """Whether a call sends a request: `....messages.create(...)` and its sisters."""
    path = dotted(call.func)
    return "messages" in path and path[-1] in CALLS


def dotted(node: ast.AST) -> list[str]:
    """The names of `a.b.c`, as a list."""
    if isinstance(node, ast.Attribute):
        return [*dotted(node.value), node.attr]
    if isinstance(node, ast.Call):
        return dotted(node.func)
    return [node.id] if isinstance(node, ast.Name) else []


def option(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a named argument of a call; None without it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return None


def read(folder: Path) -> Project:
    """Read a project. What cannot be read becomes a finding."""
    project = Project(folder)
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = [part for part in inside.parts[:-1] if part.startswith(".")]
        if hidden or SKIPPED & set(inside.parts) or not path.is_file():
            continue
        name = inside.as_posix()
        if path.suffix not in TEXTS and path.name != ".env.example":
            continue
        try:
            if path.stat().st_size > BIG:
                continue
            text = path.read_text(encoding="utf-8-sig")
            project.texts[name] = text
            for where, code in pieces(name, text):
                add_source(project, where, code)
        except UnicodeDecodeError:
            unread(project, name, "it is not UTF-8 text")
        except OSError as problem:
            unread(project, name, str(problem.strerror))
        except (ValueError, TypeError, KeyError, AttributeError):
            unread(project, name, "its content is damaged")
    return project


def unread(project: Project, where: str, why: str) -> None:
    """Note down that a file could not be read."""
    what, fix = "this file cannot be read", "Correct it, then check again."
    project.unread.append(Finding(where, what, why, fix))


def add_source(project: Project, where: str, code: str) -> None:
    """Parse a piece of code; an error in it becomes a finding and hides no other."""
    try:
        source = Source(where, ast.parse(code), [*code.splitlines(), ""])
    except SyntaxError as problem:
        unread(project, f"{where}:{problem.lineno or 1}", f"it says: {problem.msg}")
    else:
        project.sources.append(source)


def pieces(name: str, text: str) -> Iterator[tuple[str, str]]:
    """The places and the code of a file: all of it, or each cell of a notebook."""
    if name.endswith(".py"):
        yield name, text
    if name.endswith(".ipynb"):
        for number, cell in enumerate(json.loads(text).get("cells", []), start=1):
            code = "".join(cell["source"])
            if cell["cell_type"] == "code" and not code.startswith("%%"):
                yield f"{name} (cell {number})", MAGIC.sub(r"\1pass", code)


# --- the checks -----------------------------------------------------------------------


@check
def key_in_a_file(project: Project) -> Iterator[Finding]:
    """A key that stands in a file."""
    why = "Whoever gets the file can spend your money; git keeps it for ever."
    fix = "Revoke the key in the Console, make a new one, and keep it in .env alone."
    for name, text in project.texts.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if KEY.search(line) and "# ready:" not in line:
                yield Finding(f"{name}:{number}", "an API key stands here", why, fix)
    for source, node in project.nodes(ast.keyword, ast.Assign, ast.AnnAssign):
        given = getattr(getattr(node, "value", None), "value", None)
        if not name_of(node).lower().endswith("api_key") or not isinstance(given, str):
            continue
        if not KEY.search(given) and not PLACEHOLDERS.fullmatch(given):
            yield Finding(source.at(node), "an API key stands here", why, fix)


def name_of(node: ast.AST) -> str:
    """The name that a keyword argument or an assignment gives a value to."""
    if isinstance(node, ast.keyword):
        return node.arg or ""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.AnnAssign):
        target = node.target
    return ".".join(dotted(target)[-1:]) if target else ""


@check
def env_goes_to_git(project: Project) -> Iterator[Finding]:
    """A .env that git would take."""
    for folder in (project.folder, *project.folder.parents):
        ignored = folder / ".gitignore"
        lines: list[str] = []
        if ignored.is_file():
            lines = ignored.read_text(encoding="utf-8", errors="replace").split()
        if {".env", "/.env", "*.env", ".env*"} & set(lines):
            return
        if (folder / ".git").exists():
            break
    yield Finding(
        ".gitignore",
        "no line `.env`",
        "The next `git add .` takes your key along.",
        "Write a line `.env` into .gitignore (append it, overwrite nothing).",
    )


@check
def no_timeout(project: Project) -> Iterator[Finding]:
    """A client with the time-out of the package."""
    if all(option(call, "timeout") for _, call in project.calls()):
        return
    for source, node in project.nodes(ast.Call):
        if not isinstance(node, ast.Call):
            continue
        given = [keyword.arg for keyword in node.keywords]  # None stands for **options
        is_client = dotted(node.func)[-1:] in (["Anthropic"], ["AsyncAnthropic"])
        if is_client and not {"timeout", None} & set(given):
            yield Finding(
                source.at(node),
                "a client without `timeout`",
                "The package waits 600 seconds, and tries twice more: 30 minutes.",
                "Write how long a person waits, such as `timeout=60.0`.",
            )


@check
def retries_doubled(project: Project) -> Iterator[Finding]:
    """A retry loop of one's own around a call that the package retries."""
    if any(is_zero(option(node, "max_retries")) for node in all_calls(project)):
        return
    for source, node in project.nodes(ast.For, ast.While):
        tries = [inner for inner in ast.walk(node) if isinstance(inner, ast.Try)]
        for attempt in tries:
            calls = [n for n in ast.walk(attempt) if isinstance(n, ast.Call)]
            last = [handler.body[-1] for handler in attempt.handlers]
            goes_on = any(not isinstance(n, ast.Raise | ast.Return) for n in last)
            if goes_on and any(asks_claude(call) for call in calls):
                yield Finding(
                    source.at(attempt),
                    "a retry loop around a call",
                    "The package tries three times by itself: the two multiply.",
                    "Take the loop out and set `max_retries` of the client.",
                )
                break


def all_calls(project: Project) -> list[ast.Call]:
    """Every call in the code."""
    return [node for _, node in project.nodes(ast.Call) if isinstance(node, ast.Call)]


def is_zero(node: ast.expr | None) -> bool:
    """Whether an expression is the number 0."""
    return isinstance(node, ast.Constant) and node.value == 0


@check
def stop_reason_unread(project: Project) -> Iterator[Finding]:
    """Replies that are taken for whole without a look."""
    if not project.reads("stop_reason"):
        for source, call in project.calls():
            yield Finding(
                source.at(call),
                "nothing reads `stop_reason`",
                "Half an answer and a refusal look like an answer.",
                "Use the text if it is `end_turn`; treat each other reason on purpose.",
            )
            return


@check
def little_room(project: Project) -> Iterator[Finding]:
    """So little room that thinking may use it up."""
    for source, node in project.nodes(ast.keyword, ast.Dict):
        for name, value in options_in(node):
            small = isinstance(value, ast.Constant) and isinstance(value.value, int)
            if name == "max_tokens" and small and 0 < value.value < ROOM:  # type: ignore
                yield Finding(
                    source.at(value),
                    f"`max_tokens` below {ROOM:,}",
                    "Thinking counts too, so the text may be cut or missing.",
                    "Give room, such as 4,000: what is not used is not paid.",
                )


def options_in(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names and values of a keyword argument, or of a dict."""
    if isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), value


@check
def first_block(project: Project) -> Iterator[Finding]:
    """A text that is taken from a block by its place."""
    for source, node in project.nodes(ast.Subscript):
        place = getattr(getattr(node, "slice", None), "value", None)
        of = getattr(node, "value", node)
        if place in (0, 1) and isinstance(of, ast.Attribute) and of.attr == "content":
            yield Finding(
                source.at(node),
                f"`content[{place}]`",
                "The first block is often thinking, and the list may be empty.",
                'Join the `text` of the blocks whose `type` is `"text"`.',
            )


@check
def model_in_many_places(project: Project) -> Iterator[Finding]:
    """A model id that an upgrade has to look for."""
    first: dict[str, str] = {}
    for source, node in project.nodes(ast.Constant):
        name = str(getattr(node, "value", ""))
        if not MODEL.fullmatch(name):
            continue
        if name in first:
            yield Finding(
                source.at(node),
                f"the model id of {first[name]} once more",
                "Models retire; the place that you forget fails on that day.",
                "Write the id once, in a constant or a dict of defaults.",
            )
        first.setdefault(name, source.at(node))


@check
def words_in_the_log(project: Project) -> Iterator[Finding]:
    """A log that keeps what people write, or a key."""
    why = "A log is read by many and kept for long; people wrote this to you alone."
    for source, node in project.nodes(ast.Call):
        if not isinstance(node, ast.Call):
            continue
        path = dotted(node.func)
        level = option(node, "level")
        if path[-1:] == ["basicConfig"] and level and dotted(level)[-1:] == ["DEBUG"]:
            fix = "Use INFO; the package writes every prompt at DEBUG."
            yield Finding(source.at(node), "DEBUG for all packages", why, fix)
        is_log = len(path) > 1 and path[-1] in LOGGING and "log" in path[0].lower()
        if is_log and PRIVATE & set(said_by(node)):
            word = min(PRIVATE & set(said_by(node)))
            fix = "Log figures and the request id; no words, no key."
            yield Finding(source.at(node), f"`{word}` goes into the log", why, fix)


def said_by(node: ast.AST) -> Iterator[str]:
    """The names whose values are shown: `a` and `c` in `log.info(a, b.c, len(d))`."""
    if isinstance(node, ast.Call) and dotted(node.func) == ["len"]:
        return
    if isinstance(node, ast.Name | ast.Attribute):
        yield from dotted(node)[-1:]
        return
    for inner in ast.iter_child_nodes(node):
        yield from said_by(inner)


@check
def spend_unwatched(project: Project) -> Iterator[Finding]:
    """Requests whose tokens nobody counts."""
    if not project.reads("usage"):
        for source, call in project.calls():
            yield Finding(
                source.at(call),
                "nothing reads `usage`",
                "The first thing you hear of a costly mistake is the bill.",
                "Log the tokens of each request, and set a limit in the Console.",
            )
            return


@check
def nothing_tested(project: Project) -> Iterator[Finding]:
    """A prompt without a test."""
    tests = [source for source in project.sources if source.is_test]
    nodes = [node for source in tests for node in ast.walk(source.tree)]
    if not any(isinstance(node, ast.Assert) for node in nodes):
        for source, call in project.calls():
            yield Finding(
                source.at(call),
                "no file test_*.py has an `assert`",
                "A changed prompt or an upgrade breaks something, and nobody sees it.",
                "Write three tests; copy them from templates/service/tests.",
            )
            return


@check
def errors_swallowed(project: Project) -> Iterator[Finding]:
    """An except that hides whatever went wrong."""
    for source, node in project.nodes(ast.ExceptHandler):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kind = dotted(node.type)[-1:] if node.type else []
        quiet = all(says_nothing(line) for line in node.body)
        if kind in ([], ["Exception"], ["BaseException"]) and quiet:
            yield Finding(
                source.at(node),
                "an `except` that hides every error",
                "A wrong key and a typing mistake look like silence.",
                "Name the class, such as `anthropic.APIError`, log it, and raise.",
            )


def says_nothing(line: ast.stmt) -> bool:
    """Whether a line passes, goes on, or gives back a constant."""
    if isinstance(line, ast.Return):
        return line.value is None or isinstance(line.value, ast.Constant)
    return isinstance(line, ast.Pass | ast.Continue)


@check
def words_are_run(project: Project) -> Iterator[Finding]:
    """Something that runs a text as a program."""
    for source, node in project.nodes(ast.Call):
        if not isinstance(node, ast.Call):
            continue
        path = dotted(node.func)
        shell = option(node, "shell")
        runs = path in (["eval"], ["exec"], ["os", "system"])
        runs = runs or (isinstance(shell, ast.Constant) and shell.value is True)
        if path[-1:] == ["execute"] and node.args:
            runs = isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
        if runs:
            yield Finding(
                source.at(node),
                f"`{'.'.join(path)}` runs a text",
                "Claude's words, or a visitor's, become a program on your machine.",
                "Let Claude choose among your functions; give SQL its values apart.",
            )


@check
def package_unpinned(project: Project) -> Iterator[Finding]:
    """A version that changes by itself."""
    if any((project.folder / name).exists() for name in ("uv.lock", "poetry.lock")):
        return
    names = ("requirements.txt", "requirements.in", "pyproject.toml")
    texts = [project.texts[name] for name in names if name in project.texts]
    if not re.search(r"anthropic.*\d", "\n".join(texts)):
        yield Finding(
            "requirements.txt",
            "no line `anthropic` with a version",
            "Two major versions came in 2026 alone; the next install may be a third.",
            "Write what you tested, such as `anthropic>=2.14,<3`.",
        )


# --- the report -----------------------------------------------------------------------


def readiness(folder: str | Path) -> list[Finding]:
    """Return what to look at in a project's folder, in the order of its places."""
    place = Path(folder)
    if not place.is_dir():
        do = "Give the folder of your project."
        what = "this is a file" if place.is_file() else "there is no such folder"
        return [Finding(str(folder), what, "nothing to read", do)]
    project = read(place.resolve())
    if not list(project.calls()):
        do = "Is this the right folder? A call is `client.messages.create(...)`."
        none = Finding(".", "no call of Claude was found", "nothing to check", do)
        return [*project.unread, none, *key_in_a_file(project)]
    found = [*project.unread]
    for each in CHECKS:
        found += each(project)
    return sorted(found, key=by_place)


def by_place(finding: Finding) -> tuple[str, int]:
    """Sort by file, then by the number of the line."""
    name, _, line = finding.where.rpartition(":")
    return (name, int(line)) if line.isdigit() else (finding.where, 0)


def main(words: list[str]) -> int:
    """Print the findings for a folder; 1 if there are any."""
    folder = words[0] if words else "."
    found = readiness(folder)
    for finding in found:
        print(f"{finding.where}: {finding.what}\n  why: {finding.why}")
        print(f"  fix: {finding.fix}")
    print(f"{len(found)} findings by {len(CHECKS)} checks in {folder}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
