"""`python -m authoring build`: what it makes, and that `--check` finds every difference.

Each test has a copy of the sources in a folder of its own.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from authoring import AuthoringError, build
from practice.grading.sources import sheets
from tests.support import ROOT

SHEET = sheets()[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one source and one lesson, built."""
    (tmp_path / "exercises" / "source").mkdir(parents=True)
    shutil.copy(
        ROOT / "exercises/source" / f"s{SHEET.lesson.name}.py", tmp_path / "exercises/source"
    )
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / SHEET.lesson.file, tmp_path / "notebooks")
    assert build.build(tmp_path) == 0
    return tmp_path


def cells(path: Path) -> list[Any]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def source(cell: Any) -> str:
    return "".join(cell["source"])


def test_the_project_s_own_files_are_as_their_sources_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert build.build(ROOT, check=True) == 0, capsys.readouterr().out


def test_what_was_built_passes_the_check(root: Path) -> None:
    assert build.build(root, check=True) == 0


@pytest.mark.parametrize(
    "name",
    [
        f"exercises/{SHEET.lesson.file}",
        f"exercises/solutions/{SHEET.lesson.file}",
        "exercises/source/slots.txt",
        "workshop/common_mistakes.md",
    ],
)
def test_a_generated_file_that_differs_or_is_gone_is_found_and_mended(
    root: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = root / name
    right = file.read_bytes()
    for wrong in (right + b" ", None):
        file.unlink() if wrong is None else file.write_bytes(wrong)
        assert build.build(root, check=True) == 1
        assert f"{name}: differs from its source" in capsys.readouterr().out
        assert (file.read_bytes() if file.exists() else None) == wrong
        assert build.build(root) == 0
        assert file.read_bytes() == right


@pytest.mark.parametrize("name", ["exercises/99_old.ipynb", "exercises/solutions/notes.txt"])
def test_a_stray_file_is_found(root: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (root / name).write_text("{}", encoding="utf-8")
    assert build.build(root, check=True) == 1
    assert f"{name}: has no source" in capsys.readouterr().out


def test_a_learner_s_own_files_are_none_of_its_business(root: Path) -> None:
    for name in ("01_first_call.mine-1.ipynb", "my_answer.py", ".ruff.toml"):
        (root / "exercises" / name).write_text("{}", encoding="utf-8")
    (root / "exercises" / ".ipynb_checkpoints").mkdir()
    assert build.build(root, check=True) == 0


def test_a_project_without_sources_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match="nothing to build"):
        build.build(tmp_path)


def test_a_place_in_the_progress_code_is_never_taken_away(root: Path) -> None:
    slots = root / "exercises" / "source" / "slots.txt"
    slots.write_text("00.9\n01.3\n", encoding="utf-8")
    build.build(root)
    assert slots.read_text(encoding="utf-8").split() == [
        "00.9",
        "01.3",
        "01.1",
        "01.2",
        "01.4",
        "01.5",
    ]


def test_the_learner_s_notebook_leads_back_and_holds_no_answer(root: Path) -> None:
    made = cells(root / "exercises" / SHEET.lesson.file)
    assert f"(../notebooks/{SHEET.lesson.file})" in source(made[0])
    code = [cell for cell in made if cell["cell_type"] == "code"]
    assert source(code[0]) == SHEET.imports.strip()
    assert {"exercise", "progress"} <= set(source(code[0]).replace(",", " ").split())
    assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]]
    text = "".join(map(source, made))
    for one in SHEET.exercises:
        assert one.template.strip() in text
        assert one.solution.strip() not in text
        assert f'exercise("{one.id}")' in text
        assert one.hints[0] not in text


def test_each_exercise_has_a_name_of_its_own_so_that_cells_run_in_any_order(root: Path) -> None:
    made = [source(cell) for cell in cells(root / "exercises" / SHEET.lesson.file)]
    bound = [text.split(" = ")[0] for text in made if " = exercise(" in text]
    assert len(bound) == len(set(bound)) == len(SHEET.exercises)


def test_the_solutions_hold_the_same_tasks_with_the_answers(root: Path) -> None:
    learner = [source(cell) for cell in cells(root / "exercises" / SHEET.lesson.file)]
    solved = [source(cell) for cell in cells(root / "exercises/solutions" / SHEET.lesson.file)]
    for one in SHEET.exercises:
        assert build.heading(one) in learner
        assert build.heading(one) in solved
        assert one.solution.strip() in solved
        assert one.also_correct[0].strip() in "".join(solved)


def test_the_table_of_mistakes_names_each_with_its_message_and_its_source(root: Path) -> None:
    page = (root / "workshop" / "common_mistakes.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    wanted = [(one, mistake) for one in SHEET.exercises for mistake in one.mistakes]
    assert len(rows) == len(wanted)
    for row, (_, mistake) in zip(rows, wanted, strict=True):
        rule, _, said, seen = (cell.strip() for cell in row.strip("|").split(" | "))
        assert rule == f"`{mistake.rule}`"
        assert len(said) > 20
        assert "$" not in said.replace("\\$", "")
        assert seen == mistake.source.replace("|", "\\|")


def test_the_models_that_a_notebook_names_are_declared(root: Path) -> None:
    made = json.loads((root / "exercises" / SHEET.lesson.file).read_text(encoding="utf-8"))
    named = made["metadata"]["course"]["declared_models"]
    assert named
    assert all(name in "".join(map(source, made["cells"])) for name in named)
