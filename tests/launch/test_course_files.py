"""Which files a learner gets, which stay a learner's own, and that no link of a copy is dead."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from launch.files import course_files, handed_out, is_own
from launch.notebook import cells_of, text_of
from tests.launch.courses import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)


def relative_links(name: str) -> Iterator[str]:
    """Yield the paths that a notebook or a Markdown file of the course links to."""
    raw = (ROOT / name).read_bytes()
    if name.endswith(".ipynb"):
        cells = cells_of(raw)[1]
        text = "\n\n".join(text_of(cell) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = raw.decode("utf-8")
    for found in LINK.finditer(CODE.sub("", text)):
        address = found[1] or found[2]
        if not re.match(r"[a-z]+:|#", address):
            yield unquote(address.partition("#")[0])


def test_every_relative_link_of_the_copy_leads_to_a_file_of_the_copy(
    covers: Callable[[str], None],
) -> None:
    given = {ROOT / name for name in handed_out(ROOT)}
    names = [name for name in handed_out(ROOT) if name.endswith((".ipynb", ".md"))]
    count = 0
    for name in names:
        for link in relative_links(name):
            count += 1
            assert (ROOT / name).parent.joinpath(link).resolve() in given, f"{name}: {link}"
    covers(f"my-course: {count} relative links in {len(names)} files")
    assert count > 100


def test_the_copy_has_every_lesson_and_sheet_and_no_source() -> None:
    names = handed_out(ROOT)
    lessons = {path.stem for path in (ROOT / "recordings").glob("[0-9]*.json")}
    assert lessons <= {Path(name).stem for name in names if name.startswith("notebooks/")}
    assert "exercises/01_first_call.ipynb" in names
    assert "exercises/solutions/01_first_call.ipynb" in names
    assert "notebooks/data/library.db" in names
    assert not [name for name in names if "source" in name or name.endswith(".toml")]


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("01_first_call.ipynb", False),
        ("make_library.py", False),
        ("my_try.ipynb", True),
        ("01_first_call.mine-1.ipynb", True),
        ("my-course", True),
        (".ipynb_checkpoints", True),
    ],
)
def test_a_learners_own_files_are_told_by_their_names(name: str, own: bool) -> None:
    assert is_own(name) == own


def test_own_files_do_not_belong_to_the_course_wherever_they_lie(tmp_path: Path) -> None:
    for name in ("a/one.py", "a/my_two.py", "a/.b/three.py", "my-course/four.py", "a/x.mine-1.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = course_files(tmp_path, ["**/*.py"])
    assert [path.as_posix() for path in found] == ["a/one.py"]


def test_git_ignores_what_is_a_learners_own() -> None:
    names = ["my-course/notebooks/01_first_call.ipynb", "notebooks/01_first_call.mine-1.ipynb"]
    names += ["notebooks/my_try.ipynb", ".env", "my-course/.course/x", ".course/x", "desk/ask.py"]
    said = subprocess.run(
        ["git", "-C", str(ROOT), "check-ignore", "--no-index", *names], capture_output=True
    )
    if said.returncode == 128:
        pytest.skip("not a git checkout")
    assert said.stdout.decode().split() == names
