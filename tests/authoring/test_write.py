"""`python -m authoring write`: a lesson gets its replies, one missed request after the other.

The tool runs as an author runs it, in a copy of the course with a lesson of three requests.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from authoring import AuthoringError
from authoring.write import record
from tests.support import PATIENCE, ROOMS, ROOT

JSON = dict[str, Any]
LESSON = "01_first_call"
CELLS = (
    "import time\nimport anthropic\nfrom helpers import MODEL, setup\nsetup('01_first_call')\n"
    "client = anthropic.Anthropic()",
    "def ask(text, **more):\n"
    "    turn = {'role': 'user', 'content': text}\n"
    "    return {'model': MODEL, 'max_tokens': 500, 'messages': [turn], **more}",
    "hello = client.messages.create(**ask('Hello'))",
    "now = client.messages.create(**ask('Late?', system=[{'type': 'text', 'text': "
    "str(time.time_ns())}]))",
    "batch = client.messages.batches.create(requests=[\n"
    "    {'custom_id': 'a', 'params': ask('Good?')},\n"
    "    {'custom_id': 'b', 'params': ask('Bad?', stream=True)}])\n"
    "while client.messages.batches.retrieve(batch.id).processing_status != 'ended':\n"
    "    pass\n"
    "sorted(line.result.type for line in client.messages.batches.results(batch.id))",
)
DRAFTS = {
    "hello": "Hello!",
    "late": {"replies": ["It is."], "volatile": ["system.0"]},
    "batch": {"results": {"a": "good", "b": None}},
}


def make_course(folder: Path) -> Path:
    """A folder with what the tool needs, and a lesson without replies."""
    for room in (*ROOMS, "authoring", "launch"):
        shutil.copytree(ROOT / room, folder / room)
    for name in ("notebooks", "recordings"):
        (folder / name).mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    book = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(book, folder / "notebooks" / f"{LESSON}.ipynb")
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose lesson got its replies."""
    course = make_course(tmp_path_factory.mktemp("course"))
    done = write(course, DRAFTS)
    assert done.returncode == 0, done.stderr
    return course


def write(course: Path, drafts: JSON, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tool with these drafts."""
    (course / "drafts.json").write_text(json.dumps(drafts), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "authoring", "write", LESSON, "--drafts", "drafts.json", *options],
        cwd=course,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )


def recorded(course: Path) -> JSON:
    """The exchanges that were written, by name."""
    text = (course / "recordings" / f"{LESSON}.json").read_text(encoding="utf-8")
    return {entry["name"]: entry for entry in json.loads(text)["exchanges"]}


def test_every_missed_request_gets_the_next_draft(written: Path) -> None:
    found = recorded(written)
    assert list(found) == list(DRAFTS)
    assert {entry["source"] for entry in found.values()} == {"authored"}
    assert found["hello"]["request"]["messages"][0]["content"] == "Hello"
    assert found["batch"]["path"] == "/v1/messages/batches"
    assert found["batch"]["replies"] == [DRAFTS["batch"]]


def test_a_part_that_changes_at_every_run_is_named_and_then_left_alone(written: Path) -> None:
    before = recorded(written)
    assert before["late"]["volatile"] == ["system.0"]
    again = write(written, {})
    assert again.returncode == 0, again.stderr
    assert "3 exchanges used; not used: none" in again.stdout
    assert recorded(written) == before


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    course = tmp_path / "course"
    shutil.copytree(written, course)
    return course


def change_cell(course: Path, index: int, old: str, new: str) -> None:
    """Edit one cell of the lesson."""
    path = course / "notebooks" / f"{LESSON}.ipynb"
    book = nbformat.read(path, as_version=4)
    assert old in book.cells[index].source
    book.cells[index].source = book.cells[index].source.replace(old, new)
    nbformat.write(book, path)


def type_in(course: Path, *lines: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Run the tool and type these lines; its exit status, what it said, and its errors."""
    done = subprocess.run(
        [sys.executable, "-m", "authoring", "write", "01", *options],
        input="".join(f"{line}\n" for line in lines),
        cwd=course,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout, done.stderr


def test_an_author_reads_which_cell_misses_and_what_is_nearest_and_types_a_copy(
    copied: Path,
) -> None:
    change_cell(copied, 2, "'Hello'))", "'Hello you'))\nclient.messages.create(**ask('And?'))")
    more = json.dumps("It is\nlate.")
    status, said, errors = type_in(copied, "hello you", "=hello", "hello you", "more", more)
    assert status == 0, errors
    assert "cell 3 (" in said and "hello = client.messages.create" in said
    assert "The nearest recorded request is 'hello'. They differ here:" in said
    assert 'messages[0].content: recorded "Hello", sent "Hello you"' in said
    assert "Played so far: 'hello you'." in said
    assert "'hello you' was played already in this run" in said and "=hello you" in said
    found = recorded(copied)
    assert found["hello you"]["replies"] == ["Hello!"]
    assert found["more"]["replies"] == ["It is\nlate."]
    assert "4 exchanges used; not used: 'hello'" in said


def test_a_name_that_was_played_in_this_run_is_refused_with_its_cell(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"
    path.write_text('{"exchanges": []}', encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"'a' was played already in this run for cell 3\."):
        record(path, {}, {"a": "cell 3"}, lambda missed, played: {"name": "a"})


def test_a_closed_input_ends_with_a_sentence(copied: Path) -> None:
    change_cell(copied, 2, "'Hello'", "'Hello you'")
    status, _, errors = type_in(copied)
    assert status == 1
    assert errors.startswith("error: nobody is there to type a reply")
    assert "--drafts" in errors and "Traceback" not in errors


def test_a_stored_reply_is_edited_without_a_run(copied: Path) -> None:
    status, said, errors = type_in(copied, '["oops', '"Hi\\nyou"', options=("--edit", "hello"))
    assert status == 0, errors
    assert "Hello!" in said and "begins like JSON and is not" in said
    assert recorded(copied)["hello"]["replies"] == ["Hi\nyou"]
    status, _, errors = type_in(copied, options=("--edit", "helo"))
    assert status == 1
    assert "It has: 'hello', 'late', 'batch'." in errors


def test_without_a_draft_the_request_is_shown_and_what_was_written_stays(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    done = write(course, {"hello": "Hello!"})
    assert done.returncode == 1
    assert "No draft is left" in done.stderr
    assert "Late?" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(recorded(course)) == ["hello"]


def test_what_nothing_asks_for_is_named_and_removed_only_when_told(copied: Path) -> None:
    course = copied
    path = course / "notebooks" / f"{LESSON}.ipynb"
    book = nbformat.read(path, as_version=4)
    del book.cells[3]
    nbformat.write(book, path)
    assert "not used: 'late'" in write(course, {}).stdout
    assert "late" in recorded(course)
    write(course, {}, "--prune")
    assert list(recorded(course)) == ["hello", "batch"]


def test_variants_are_kept_and_so_is_what_they_are_of(copied: Path) -> None:
    path = copied / "recordings" / f"{LESSON}.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    late = {"name": "later", "of": "late", "changes": {"max_tokens": 9}, "replies": ["No."]}
    data["variants"] = [late]
    path.write_text(json.dumps(data), encoding="utf-8")
    change_cell(copied, 3, "Late?", "Is it late?")
    done = write(copied, {"other": {"replies": ["It is."], "volatile": ["system.0"]}}, "--prune")
    assert done.returncode == 0, done.stderr
    assert "kept, though nothing asks for it, since variants are of it: 'late'" in done.stdout
    assert list(recorded(copied)) == [*DRAFTS, "other"]
    assert json.loads(path.read_text(encoding="utf-8"))["variants"] == [late]


def test_a_request_that_leaves_a_variant_without_its_path_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / f"{LESSON}.json"
    exchange = {"name": "a", "source": "authored", "request": {"system": "Hi"}, "replies": ["Yes"]}
    variant = {"name": "b", "of": "a", "changes": {"system": None}, "replies": ["No"]}
    data = {"lesson": LESSON, "api_version": "1", "exchanges": [exchange], "variants": [variant]}
    path.write_text(json.dumps(data), encoding="utf-8")
    missed = {"method": "POST", "path": "/v1/messages", "version": "1", "betas": [], "request": {}}
    with pytest.raises(AuthoringError, match=r"'system' does not exist(.|\n)*Nothing was saved"):
        record(path, missed, {}, lambda missed, played: {"name": "a"})
    assert json.loads(path.read_text(encoding="utf-8")) == data
    with pytest.raises(AuthoringError, match="'b' is the name of a variant"):
        record(path, missed, {}, lambda missed, played: {"name": "b"})
