"""Each room keeps its size and its density: what a learner may open stays readable.

Counted are lines of code, without blank lines, comments and docstrings. A limit is raised
only together with the sentence at the top of the room.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTHING = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Limits(NamedTuple):
    """The most that a room may hold; `per_file` is lines of code in one file."""

    files: int
    lines: int
    per_file: int


ROOMS = {
    "helpers": Limits(files=10, lines=925, per_file=175),
    "practice": Limits(files=36, lines=4_370, per_file=260),
}
MOST_COMPREHENSIONS = 15  # in a thousand lines of helpers/; httpx has 8, learntools 12


def files(room: str) -> list[Path]:
    """The Python files of a room."""
    return sorted((ROOT / room).rglob("*.py"))


def code_lines(text: str) -> int:
    """How many lines hold code."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            first = node.body[0]
            documented.update(range(first.lineno, (first.end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NOTHING:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def comprehensions(text: str) -> int:
    """How many comprehensions and generator expressions there are."""
    return sum(isinstance(node, COMPREHENSIONS) for node in ast.walk(ast.parse(text)))


def riddles(text: str) -> Iterator[str]:
    """The places that need a second look: text times a truth value, nested comprehensions."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = (node.left, node.right)
            if any(map(is_text, sides)) or any(map(is_truth, sides)):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, COMPREHENSIONS):
            inner = [each for each in ast.walk(node) if isinstance(each, COMPREHENSIONS)]
            if len(inner) > 1 or len(node.generators) > 1:
                yield f"line {node.lineno}: {ast.unparse(node)}"


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a piece of text."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    return isinstance(node, ast.JoinedStr)


def is_truth(node: ast.expr) -> bool:
    """Whether an expression is true or false by its form."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    return isinstance(node, ast.Compare | ast.BoolOp)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_keeps_its_size(room: str, covers: Callable[[str], None]) -> None:
    limits = ROOMS[room]
    sizes = {
        path.relative_to(ROOT).as_posix(): code_lines(path.read_text(encoding="utf-8"))
        for path in files(room)
    }
    total = sum(sizes.values())
    covers(f"room {room}: {len(sizes)} of {limits.files} files, {total} of {limits.lines} lines")
    assert 0 < len(files(room)) <= limits.files
    assert total <= limits.lines
    assert max(sizes.values()) <= limits.per_file, sizes


def test_helpers_can_be_read_in_lesson_2(covers: Callable[[str], None]) -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in files("helpers")}
    lines = sum(code_lines(text) for text in texts.values())
    found = sum(comprehensions(text) for text in texts.values())
    covers(f"room helpers: {1_000 * found / lines:.0f} comprehensions per 1,000 lines")
    assert 1_000 * found <= MOST_COMPREHENSIONS * lines
    for name, text in texts.items():
        assert list(riddles(text)) == [], name
        assert max(len(line) for line in text.splitlines()) <= 88, name


def test_practice_has_one_idea_a_line() -> None:
    for path in files("practice"):
        assert list(riddles(path.read_text(encoding="utf-8"))) == [], path.name


def test_other_rooms_see_the_server_through_the_functions_for_it_only() -> None:
    """`journal`, `current_lesson`, `goes_past_the_server`, `staged`: it can be exchanged."""
    for path in files("practice") + files("helpers"):
        if path.name not in ("_setup.py", "_staged.py"):
            assert "course_server" not in path.read_text(encoding="utf-8"), path.name


# --- the measure itself ---------------------------------------------------------------------


def test_only_lines_of_code_are_counted() -> None:
    assert code_lines('"""Doc."""\n\n# why\ndef f():\n    """Doc."""\n    return """a\nb"""\n') == 3


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("'found' * yes", True),
        ("f'as {x}' * (a != b)", True),
        ("['client'] * (names[:1] == ['client'])", True),
        ("[a for b in c for a in b]", True),
        ("{n: [x for x in y] for n, y in z}", True),
        ("['-'] * count", False),
        ("price * tokens", False),
        ("[a for a in b if a]", False),
    ],
)
def test_what_needs_a_second_look_is_found(text: str, is_found: bool) -> None:
    assert bool(list(riddles(text))) == is_found
