"""What `python -m authoring render` promises: really run, the same bytes again, nothing leaked.

Each notebook here is small, stands in a scratch folder, and runs in a real kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring import AuthoringError, kernel, render
from authoring import navigation as nav
from practice.lessons import BY_NUMBER, LESSONS, PATHS

ROOT = Path(__file__).resolve().parents[2]
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
WIDGET = "import ipywidgets\n\nipywidgets.IntSlider(3)"
SAY_WHERE = """
import os
import sys
from pathlib import Path

report = [os.environ["COURSE_MODE"], sys.prefix, os.environ.get("ANTHROPIC_API_KEY", "no key")]
_ = Path("ran.txt").write_text("\\n".join(report), encoding="utf-8")
"""
PICTURE = """
import base64

from IPython.display import Image

Image(base64.b64decode("iVBORw0KGgo="), alt="a picture of nothing")
"""


@pytest.fixture(autouse=True)
def this_python_is_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The promises are about one Python at a time; they hold on each."""
    monkeypatch.setattr(render, "REFERENCE", sys.version_info[:2])


def code(source: str, *tags: str) -> Any:
    """A code cell with tags."""
    return new_code_cell(source, metadata={"tags": list(tags)})


def lesson(root: Path, *cells: Any, number: str = "01") -> Path:
    """Store a notebook as that lesson: a title, what one will be able to do, the cells."""
    path = nav.path_of(BY_NUMBER[number], root)
    path.parent.mkdir(exist_ok=True)
    start = [new_markdown_cell("# A title"), new_markdown_cell("You will:\n\n- see")]
    nbformat.write(new_notebook(cells=start + list(cells)), path)
    return path


def outputs(path: Path) -> list[Any]:
    """All outputs of a stored notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", [])]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A rendered notebook with one cell of each kind."""
    root = tmp_path_factory.mktemp("course")
    path = lesson(
        root,
        code(SAY_WHERE),
        code("for n in range(50):\n    print(n, end=' ', flush=True)"),
        code("import json\n\njson.loads('{')", "raises-exception"),
        code(WIDGET),
        code(PICTURE),
        code("pace = os.environ['COURSE_PACE']\npace", "paced"),
        code("os.environ['COURSE_PACE']"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "REFERENCE", sys.version_info[:2])
        patch.setenv("ANTHROPIC_API_KEY", "the-caller's-own")
        patch.setenv("COURSE_MODE", "live")
        assert render.render_all(root) == 0
    yield path


def test_the_cells_really_ran_in_a_kernel_of_this_python_in_replay_without_a_key(
    shown: Path,
) -> None:
    said = (shown.parent / "ran.txt").read_text(encoding="utf-8").splitlines()
    assert said == ["replay", sys.prefix, "no key"]


def test_a_second_render_leaves_the_file_untouched(
    shown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, written = shown.read_bytes(), shown.stat().st_mtime_ns
    assert render.render_all(shown.parents[1]) == 0
    assert shown.read_bytes() == before
    assert shown.stat().st_mtime_ns == written
    assert "01_first_call: 7 code cells, 6 outputs: unchanged" in capsys.readouterr().out


def test_streams_are_joined(shown: Path) -> None:
    texts = [output.text for output in outputs(shown) if output.output_type == "stream"]
    assert texts == ["".join(f"{n} " for n in range(50))]


def test_a_traceback_keeps_the_learners_frames_and_no_colour(shown: Path) -> None:
    (error,) = [output for output in outputs(shown) if output.output_type == "error"]
    text = "\n".join(error.traceback)
    assert "json.loads('{')" in text
    assert "JSONDecodeError: Expecting property name" in text
    assert "\x1b" not in text
    assert "File " not in text


def test_a_widget_is_stored_as_its_text(shown: Path) -> None:
    (widget,) = [
        o for o in outputs(shown) if "IntSlider" in o.get("data", {}).get("text/plain", "")
    ]
    assert list(widget.data) == ["text/plain"]
    assert "widgets" not in nbformat.read(shown, as_version=4).metadata


def test_only_a_paced_cell_waits(shown: Path) -> None:
    assert [o.data["text/plain"] for o in outputs(shown)[-2:]] == ["'1'", "'0'"]


def test_the_file_is_plain_json_without_the_authors_traces(shown: Path) -> None:
    raw = shown.read_text(encoding="utf-8")
    stored = json.loads(raw)
    assert raw == json.dumps(stored, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    assert stored["metadata"]["kernelspec"]["name"] == "python3"
    assert "version" not in stored["metadata"]["language_info"]
    counts = [cell["execution_count"] for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert counts == [1, 2, 3, 4, 5, 6, 7]
    ids = [cell["id"] for cell in stored["cells"]]
    assert len(set(ids)) == len(ids)


def test_navigation_and_facts_stand_where_a_reader_looks(shown: Path) -> None:
    cells = nbformat.read(shown, as_version=4).cells
    kinds = [(cell.metadata.get("tags") or [cell.source[:7]])[0] for cell in cells]
    assert kinds[:4] == ["# A titl"[:7], nav.NAV, "You wil", nav.FACTS]
    assert kinds[-1] == nav.NAV
    facts = cells[3]
    assert facts.metadata.course.calls == 0
    assert "25 to 40 minutes planned · needs 00 · a live run from top to bottom: 0 calls" in (
        facts.source
    )
    assert f"Python {HERE}, anthropic " in facts.source


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    """Strict nbval over one notebook, with the project's own settings and conftest."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "nbval", "--nbval"]
    command += ["--nbval-current-env"]
    command += ["-c", str(ROOT / "pyproject.toml"), "-p", "conftest", "-p", "no:cacheprovider"]
    command += ["--nbval-sanitize-with", str(ROOT / "authoring" / "nbval_sanitize.cfg"), str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def test_strict_nbval_agrees_with_what_was_stored_widgets_and_pacing_included(shown: Path) -> None:
    run = nbval(shown)
    assert "7 passed" in run.stdout, run.stdout


def test_strict_nbval_sees_a_changed_output_and_a_lost_pacing(shown: Path, tmp_path: Path) -> None:
    text = shown.read_text(encoding="utf-8").replace('"paced"', '"grows"').replace("48 49", "48 50")
    path = tmp_path / shown.name
    path.write_text(text, encoding="utf-8")
    assert "2 failed, 5 passed" in nbval(path).stdout


# ----------------------------------------------------------------------------------- check


def test_check_is_green_on_what_was_rendered_and_writes_nothing(
    shown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shown.read_bytes()
    assert render.render_all(shown.parents[1], check=True) == 0
    assert "7 code cells, 6 outputs: as stored" in capsys.readouterr().out
    assert shown.read_bytes() == before


def test_check_is_red_on_a_changed_output_and_shows_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lesson(tmp_path, code("40 + 2"))
    render.render_all(tmp_path)
    changed = path.read_text(encoding="utf-8").replace('"42"', '"41"')
    path.write_text(changed, encoding="utf-8")
    capsys.readouterr()
    assert render.render_all(tmp_path, check=True) == 1
    said = capsys.readouterr().out
    assert "01_first_call: 1 code cells, 1 outputs: WOULD CHANGE" in said
    assert '-       "41"' in said
    assert '+       "42"' in said
    assert path.read_text(encoding="utf-8") == changed


def test_pictures_are_compared_by_everything_but_their_bytes() -> None:
    def stored(png: str, text: str) -> bytes:
        html = f'<img src="data:image/png;base64,{png}" alt="{text}">'
        return json.dumps({"image/png": png, "text/html": html}, indent=1).encode()

    one = render.without_pictures(stored("iVBOR/+a=", "a tree"))
    assert one == render.without_pictures(stored("iVBOR/+b=", "a tree"))
    assert one != render.without_pictures(stored("iVBOR/+a=", "a bush"))


def test_another_python_compares_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, shown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(render, "REFERENCE", (3, 0))
    assert render.render_all(shown.parents[1], check=True) == 0
    assert f"skipped: reference Python is 3.0, this is {HERE}" in capsys.readouterr().out


# --------------------------------------------------------------------------------- refusals


def test_a_path_of_this_machine_in_an_output_is_refused(tmp_path: Path) -> None:
    path = lesson(tmp_path, code("from pathlib import Path\n\nPath.cwd()"))
    before = path.read_bytes()
    with pytest.raises(AuthoringError, match=r"cell 5 \(\w+\) shows a path of this machine"):
        render.render_all(tmp_path)
    assert path.read_bytes() == before


def test_a_cell_that_fails_without_saying_so_is_refused(tmp_path: Path) -> None:
    lesson(tmp_path, code("1 / 0"))
    with pytest.raises(AuthoringError, match=r"01_first_call\.ipynb, cell 5 .*ZeroDivisionError"):
        render.render_all(tmp_path)


def test_a_cell_that_says_it_fails_and_does_not_is_refused(tmp_path: Path) -> None:
    lesson(tmp_path, code("1 / 1", "raises-exception"))
    with pytest.raises(AuthoringError, match="raised nothing"):
        render.render_all(tmp_path)


def test_a_cell_that_fails_otherwise_than_it_says_is_refused(tmp_path: Path) -> None:
    lesson(tmp_path, code("int('x')", "raises-exception", "raises:KeyError"))
    with pytest.raises(AuthoringError, match="tagged raises:KeyError but failed with ValueError"):
        render.render_all(tmp_path)


def test_a_cell_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "CELL_TIMEOUT", 1)
    lesson(tmp_path, code("import time\n\ntime.sleep(30)"))
    with pytest.raises(AuthoringError, match=r"cell 5 .* ran for more than 1 seconds"):
        render.render_all(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "nothing to render"), (("99",), "not a lesson"), (("02",), "does not exist yet")],
)
def test_a_name_without_a_notebook_is_explained(
    names: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(AuthoringError, match=message):
        render.render_all(tmp_path, names)


def test_the_command_says_what_is_wrong_in_one_sentence() -> None:
    command = [sys.executable, "-m", "authoring", "render", "99"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("error: 99 is not a lesson.")


# ------------------------------------------------------------------------------- navigation


def test_a_new_lesson_appears_in_its_neighbours_navigation(tmp_path: Path) -> None:
    first = lesson(tmp_path, code("1"))
    render.render_all(tmp_path)
    lesson(tmp_path, code("2"), number="03")
    render.render_all(tmp_path, ["03"])
    links = "[course map](../README.md) · [03 System prompts →](03_system_prompts.ipynb)"
    assert [cell.source for cell in nav.tagged(nbformat.read(first, 4).cells, nav.NAV)] == [
        links
    ] * 2


def test_every_lesson_needs_only_earlier_ones() -> None:
    for order, one in enumerate(LESSONS):
        assert set(one.needs) <= {earlier.number for earlier in LESSONS[:order]}


def test_numbers_and_names_of_lessons_agree_and_are_unique() -> None:
    assert len({one.name for one in LESSONS}) == len(LESSONS) == len(BY_NUMBER)
    assert all(one.name.startswith(f"{one.number}_") for one in LESSONS)
    assert all(one.minutes[0] < one.minutes[1] for one in LESSONS)


def test_the_first_evening_needs_nothing_outside_itself() -> None:
    evening = [one for one in LESSONS if PATHS[0] in one.paths]
    numbers = {one.number for one in evening}
    assert all(set(one.needs) <= numbers for one in evening)
