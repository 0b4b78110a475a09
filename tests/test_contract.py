"""The arrows between the rooms run one way: who may import whom, read from the code itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"courseserver", "helpers", "practice", "authoring", "workshop", "launch", "start"}
ROOMS |= {"tests", "bench", "conftest"}
MAY = {
    "courseserver": {"courseserver"},
    "helpers": {"courseserver", "helpers", "practice"},  # practice only inside functions
    "practice": {"courseserver", "helpers", "practice"},
}


def inside(node: ast.AST, *, functions: bool) -> Iterator[ast.AST]:
    """A node and all nodes in it; what stands in functions, methods too, only with `functions`."""
    if functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node
        for inner in ast.iter_child_nodes(node):
            yield from inside(inner, functions=functions)


def loaded(code: str, *, at_once: bool = False) -> set[str]:
    """The top-level modules that code imports; with `at_once`, only those that loading it loads."""
    body = ast.parse(code).body
    if at_once:  # for the eyes of mypy only
        body = [n for n in body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n))]
    found = set()
    for statement in body:
        for node in inside(statement, functions=not at_once):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    return found


def imported(code: str, *, at_once: bool = False) -> set[str]:
    """Those that are rooms of this project."""
    return loaded(code, at_once=at_once) & ROOMS


@pytest.mark.parametrize("room", MAY)
def test_a_room_imports_only_what_it_may(room: str, covers: Callable[[str], None]) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    for path in files:
        wrong = imported(path.read_text(encoding="utf-8")) - MAY[room]
        assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"
    assert files
    covers(f"contract: {len(files)} files of {room}")


def test_helpers_load_practice_only_when_it_is_asked_for() -> None:
    for path in (ROOT / "helpers").glob("*.py"):
        found = imported(path.read_text(encoding="utf-8"), at_once=True)
        assert "practice" not in found, path.name


def test_launch_loads_nothing_but_the_standard_library() -> None:
    files = list((ROOT / "launch").rglob("*.py"))
    for path in files:  # the doctor looks into .venv, inside its functions
        found = loaded(path.read_text(encoding="utf-8"), at_once=True)
        foreign = found - set(sys.stdlib_module_names) - {"launch"}
        assert not foreign, f"{path.name} imports {', '.join(sorted(foreign))}"
    assert files


def test_notebooks_import_helpers_and_no_other_room() -> None:
    paths = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    for path in paths:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and not cell.source.startswith("%"):
                wrong = imported(cell.source) - {"helpers"}
                assert not wrong, f"{path.name} imports {', '.join(sorted(wrong))}"
    assert paths


@pytest.mark.parametrize(
    ("code", "everything", "at_once"),
    [
        ("import authoring.render", {"authoring"}, {"authoring"}),
        ("from practice import desk", {"practice"}, {"practice"}),
        ("def f():\n    from practice import desk", {"practice"}, set()),
        ("if TYPE_CHECKING:\n    import practice", {"practice"}, set()),
        ("class A:\n    import tests.support", {"tests"}, {"tests"}),
        ("class A:\n    def f(self):\n        import practice", {"practice"}, set()),
        ("from . import desk\nimport json", set(), set()),
    ],
)
def test_an_import_is_seen_wherever_it_stands(
    code: str, everything: set[str], at_once: set[str]
) -> None:
    assert imported(code) == everything
    assert imported(code, at_once=True) == at_once
