"""A notebook as the lint reads it: its cells, their syntax trees, the text around them.

It only reads. It must not know any rule.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from authoring import AuthoringError, name_within, prose
from authoring import navigation as nav
from practice.lessons import BY_NAME, Lesson


@dataclass
class Notebook:
    """A notebook as the rules see it. `file` is its path within the project."""

    path: Path
    root: Path
    file: str
    raw: bytes
    nb: Any

    @classmethod
    def read(cls, path: Path, root: Path) -> Notebook:
        """Read a notebook file; AuthoringError when it is not one."""
        raw = path.read_bytes()
        try:
            nb = nbformat.reads(raw.decode("utf-8"), as_version=4)
        except (ValueError, nbformat.reader.NotJSONError) as problem:
            raise AuthoringError(f"{path.name} is not a notebook: {problem}") from problem
        return cls(path, root, name_within(path, root), raw, nb)

    @property
    def cells(self) -> list[Any]:
        """All cells, in order."""
        return list(self.nb.cells)

    @property
    def lesson(self) -> Lesson | None:
        """The line of the list of lessons that this notebook belongs to, or None."""
        return BY_NAME.get(self.path.stem)

    @cached_property
    def code(self) -> list[tuple[int, Any]]:
        """(index, cell) of the code cells."""
        return [(n, cell) for n, cell in enumerate(self.cells) if cell.cell_type == "code"]

    @cached_property
    def markdown(self) -> list[tuple[int, prose.Prose]]:
        """(index, parsed text) of the Markdown cells."""
        cells = enumerate(self.cells)
        return [(n, prose.read_markdown(c.source)) for n, c in cells if c.cell_type == "markdown"]

    def written(self) -> list[tuple[int, Any]]:
        """(index, cell) of the cells which an author writes, the generated ones left out."""
        generated = {nav.NAV, nav.FACTS}
        return [(n, cell) for n, cell in enumerate(self.cells) if not generated & tags(cell)]

    def trees(self) -> Iterator[tuple[int, Any, ast.Module]]:
        """(index, cell, syntax tree) of the code cells that are Python, magics turned to calls."""
        for index, cell in self.code:
            tree = parsed(cell.source)
            if tree is not None:
                yield index, cell, tree

    def core(self) -> list[Any]:
        """The written cells before "Going deeper"."""
        deeper = [
            n for n, p in self.markdown if any(h[1].startswith("Going deeper") for h in p.headings)
        ]
        end = deeper[0] if deeper else len(self.cells)
        return [cell for n, cell in self.written() if n < end]

    def before_first_call(self) -> list[Any]:
        """The written cells before the first one that calls the API; all if none does."""
        calls = [index for index, _, tree in self.trees() if calls_api(tree)]
        return [cell for n, cell in self.written() if n < (calls or [len(self.cells)])[0]]

    @staticmethod
    def words(cells: list[Any]) -> int:
        """Words of prose in these cells."""
        return prose.words(cell.source for cell in cells if cell.cell_type == "markdown")


def tags(cell: Any) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", []))


_ipython = TransformerManager()


def transformed(source: str) -> str:
    """A cell as IPython runs it: `!ls` and `%magic` are calls."""
    return str(_ipython.transform_cell(source))


@cache
def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a cell with IPython's magics turned into calls; None if not Python."""
    try:
        return ast.parse(transformed(source))
    except SyntaxError:
        return None


def dotted(node: ast.AST) -> str:
    """`client.messages.create` for such an attribute, "" for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))


def calls_api(tree: ast.AST) -> bool:
    """Whether code calls an endpoint through the SDK."""
    ends = re.compile(r"\.(?:messages|models|batches|completions)\.\w+$")
    return any(isinstance(n, ast.Call) and ends.search(dotted(n.func)) for n in ast.walk(tree))


def names_in(tree: ast.AST) -> set[str]:
    """Every bare name that is read."""
    nodes = ast.walk(tree)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def used_in(tree: ast.AST) -> set[str]:
    """Every name that is read, attribute that is used and keyword that is passed."""
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    return names_in(tree) | attributes | keywords


def first_block_reads(tree: ast.AST) -> list[str]:
    """The expressions that read a reply's content by position: `reply.content[0]`."""

    def position(node: ast.AST) -> ast.expr | None:
        """What is indexed by a number, or None."""
        if not isinstance(node, ast.Subscript):
            return None
        try:
            number = isinstance(ast.literal_eval(node.slice), int)
        except ValueError:
            return None
        return node.value if number else None

    found = []
    for node in ast.walk(tree):
        indexed = position(node)
        if indexed is not None and dotted(indexed).split(".")[-1] == "content":
            found.append(ast.unparse(node))
        text = isinstance(node, ast.Attribute) and node.attr == "text"
        text |= isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "'text'"
        inner = position(node.value) if text else None  # type: ignore[attr-defined]
        if inner is not None:
            name = ast.unparse(inner)
            if name.endswith("['content']") or name.split(".")[-1].endswith("blocks"):
                found.append(ast.unparse(node))
    return found
