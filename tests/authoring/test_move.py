"""`move-model`: what it changes, what it leaves to a reader, and what it refuses.

The small course has one file of each kind. The ids are taken from the facts, so that these tests
hold whichever model is the default.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring import AuthoringError
from authoring.move import move_model, spoken
from authoring.render import normalise, to_bytes
from courseserver import facts
from courseserver.recordings import Recordings
from tests.support import PATIENCE, ROOT, exchange, recording

OLD = "claude-sonnet-5-5"
NEW = "claude-opus-5-5"
ASK = {"model": OLD, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
LESSON = "notebooks/01_first_call.ipynb"
RECORDING = "recordings/01_first_call.json"
FACTS = "courseserver/facts.py"


def variant(name: str, of: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A variant in the form of a recording file."""
    return {"name": name, "of": of, "changes": changes, "replies": ["Ho."]}


class Course:
    """A small course in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put(FACTS, (ROOT / FACTS).read_text(encoding="utf-8").replace(facts.MODEL, OLD))
        notebook = new_notebook(
            cells=[
                new_markdown_cell("# One"),
                new_markdown_cell(f"`{OLD}`", metadata={"tags": ["generated-facts"]}),
                new_code_cell(f'ask(\n    model="{OLD}",\n)', outputs=[]),
                new_code_cell(f'for name in ("{OLD}",):\n    print(name)'),
                new_markdown_cell("Sonnet 5.5 is quick. Sonnet 5 was, too."),
            ],
            metadata={"course": {"declared_models": [OLD]}},
        )
        self.put(LESSON, to_bytes(normalise(notebook)).decode())
        self.put(RECORDING, recording(exchange("hello", ASK, "Hi.")))
        self.put("tests/test_it.py", f'ask(model="{OLD}")\nassert price("{OLD}") == 2\n')
        self.put("docs/page.md", f"```\nMODEL = '{OLD}'\n```\nWe use Sonnet 5.5.\n")
        self.put("notebooks/templates/.env.example", f"#COURSE_MODEL={OLD}\n")
        self.put("CHANGELOG.md", f"The default is {OLD}.\n")

    def put(self, name: str, text: str) -> None:
        """Write a file of the course."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))

    def read(self, name: str) -> str:
        """A file's text, line ends as they are."""
        return (self.root / name).read_bytes().decode("utf-8")

    def vary(self, *variants: dict[str, Any]) -> None:
        """Give the recording these variants."""
        data = json.loads(self.read(RECORDING))
        self.put(RECORDING, json.dumps({**data, "variants": variants}))

    def content(self) -> dict[str, bytes]:
        """All files as they are."""
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def recorded(course: Course) -> list[Any]:
    """The exchanges of the recording, which can be read."""
    return list(Recordings.parse(course.read(RECORDING), "01_first_call").exchanges)


def test_the_default_is_another_one_in_the_facts(course: Course) -> None:
    move_model(course.root, OLD, NEW)
    assert f'\nMODEL = "{NEW}"' in course.read(FACTS)
    assert f'Model("{OLD}"' in course.read(FACTS)


def test_an_id_moves_where_a_request_names_its_model_and_nowhere_else(course: Course) -> None:
    move_model(course.root, OLD, NEW)
    assert course.read("tests/test_it.py") == f'ask(model="{NEW}")\nassert price("{OLD}") == 2\n'
    assert f"MODEL = '{NEW}'" in course.read("docs/page.md")
    assert course.read("notebooks/templates/.env.example") == f"#COURSE_MODEL={NEW}\n"


def test_a_program_that_keeps_the_prices_of_its_model_gets_the_new_ones(course: Course) -> None:
    program = (
        "INPUT, OUTPUT = {:.2f}, {:.2f}  # of the model\n"
        'USD_IN, USD_OUT = {:g}e-6, {:g}e-6\nask(model="{}")\n'
    )
    course.put("notebooks/at_work/bill.py", program.format(2, 10, 2, 10, OLD))
    move_model(course.root, OLD, NEW)
    assert course.read("notebooks/at_work/bill.py") == program.format(4, 20, 4, 20, NEW)


def test_a_longer_id_that_begins_alike_stays(course: Course) -> None:
    course.put("tests/test_it.py", f'ask(model="{OLD}-20260928")\n')
    move_model(course.root, OLD, NEW)
    assert course.read("tests/test_it.py") == f'ask(model="{OLD}-20260928")\n'


def test_a_lesson_moves_in_its_cells_and_declares_what_it_names(course: Course) -> None:
    move_model(course.root, OLD, NEW)
    notebook = json.loads(course.read(LESSON))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert sources[1] == f"`{OLD}`"  # generated: `render` writes it
    assert sources[2] == f'ask(\n    model="{NEW}",\n)'
    assert sources[3] == f'for name in ("{OLD}",):\n    print(name)'
    assert notebook["metadata"]["course"]["declared_models"] == [OLD, NEW]


def test_recorded_requests_go_to_the_new_model(course: Course) -> None:
    move_model(course.root, OLD, NEW)
    assert [entry.request for entry in recorded(course)] == [{**ASK, "model": NEW}]


def test_a_variant_for_another_model_names_the_old_default(course: Course) -> None:
    course.vary(variant("hello, Opus", "hello", {"model": NEW}))
    move_model(course.root, OLD, NEW)
    assert [entry.request["model"] for entry in recorded(course)] == [NEW, OLD]


def test_a_variant_for_a_retired_model_goes_and_what_was_made_of_it_stays(course: Course) -> None:
    course.vary(
        variant("hello, Opus", "hello", {"model": NEW}),
        variant("longer, Opus", "hello, Opus", {"max_tokens": 99}),
    )
    move_model(course.root, OLD, NEW, retired=date.fromisoformat(facts.AS_OF))
    found = recorded(course)
    assert [(entry.name, entry.of) for entry in found] == [("hello", ""), ("longer, Opus", "hello")]
    assert found[1].request == {**ASK, "model": NEW, "max_tokens": 99}


def test_a_retired_model_is_listed_as_such_and_has_no_row(course: Course) -> None:
    day = date.fromisoformat(facts.AS_OF)
    move_model(course.root, OLD, NEW, retired=day)
    code = "import facts; print(facts.RETIRED[{!r}], {!r} in facts.SERVED, facts.MODEL)"
    shown = subprocess.run(
        [sys.executable, "-c", code.format(OLD, OLD)],
        cwd=course.root / "courseserver",
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert shown.stdout == f"({day!r}, '{NEW}') False {NEW}\n", shown.stderr
    assert f'Model("{OLD}"' not in course.read(FACTS)


@pytest.mark.parametrize("retired", [None, date.fromisoformat(facts.AS_OF)])
def test_a_second_time_changes_nothing(
    course: Course, retired: date | None, capsys: pytest.CaptureFixture[str]
) -> None:
    course.vary(variant("hello, Opus", "hello", {"model": NEW}))
    move_model(course.root, OLD, NEW, retired=retired)
    once = course.content()
    capsys.readouterr()
    move_model(course.root, OLD, NEW, retired=retired)
    assert course.content() == once
    assert "0 files changed" in capsys.readouterr().out


def test_a_dry_run_writes_nothing_and_says_the_same(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    before = course.content()
    move_model(course.root, OLD, NEW, dry_run=True)
    told = capsys.readouterr().out
    assert course.content() == before
    move_model(course.root, OLD, NEW)
    really = capsys.readouterr().out
    assert "would change: docs/page.md" in told
    assert told.replace("would change", "changed") == really


def test_lines_that_name_the_old_model_are_listed_by_file_and_line(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    move_model(course.root, OLD, NEW)
    told = capsys.readouterr().out
    still = told.partition(f"still names {OLD}")[2].partition("\n\n")[0]
    found = re.findall(r"^  (\S+):(\d+): ", still, re.MULTILINE)
    assert [name for name, _ in found] == ["docs/page.md", LESSON, LESSON, "tests/test_it.py"]
    for name, number in found:
        line = course.read(name).splitlines()[int(number) - 1]
        assert OLD in line or "Sonnet 5.5" in line
    assert "render" in told


def test_lines_that_named_the_new_model_before_are_listed_too(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    course.put("docs/page.md", "# Page\n\nTry another model: Opus 5.5.\n")
    move_model(course.root, OLD, NEW)
    told = capsys.readouterr().out.partition(f"named {NEW} already")[2]
    assert re.findall(r"^  (\S+): ", told, re.MULTILINE) == ["docs/page.md:3"]


def test_a_request_that_only_the_new_model_refuses_is_listed(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    thinking = {**ASK, "thinking": {"type": "between_tools"}}
    refused_by_both = {**ASK, "temperature": 0.5}
    course.put(
        RECORDING,
        recording(exchange("between", thinking, "Hi."), exchange("warm", refused_by_both, "Hi.")),
    )
    move_model(course.root, OLD, NEW)
    told = capsys.readouterr().out.partition("refuses")[2].partition("\n\n")[0]
    assert "'between': \"thinking.type.between_tools\" is not supported" in told
    assert "warm" not in told


def test_two_requests_that_become_the_same_are_told(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    dearer = exchange("dearer", {**ASK, "model": NEW}, "Ho.")
    course.put(RECORDING, recording(exchange("hello", ASK, "Hi."), dearer))
    move_model(course.root, OLD, NEW)
    assert "record the same request: hello and dearer" in capsys.readouterr().out


def test_line_ends_stay_as_they_are(course: Course) -> None:
    course.put("docs/page.md", f'model="{OLD}"\r\n')
    move_model(course.root, OLD, NEW)
    assert course.read("docs/page.md") == f'model="{NEW}"\r\n'


@pytest.mark.parametrize(
    ("old", "new", "retired", "words"),
    [
        (OLD, "claude-opus-9", None, "knows no model 'claude-opus-9' .*It knows: .*" + NEW),
        (OLD, "claude-sonnet-4-20250514", None, "knows no model .* in service"),
        ("claude-opus-9", NEW, None, "has never known a model 'claude-opus-9'.*" + OLD),
        (NEW, NEW, None, "the same model"),
        (OLD, NEW, date.fromisoformat(facts.AS_OF) + timedelta(1), "later than the facts' own day"),
    ],
)
def test_what_cannot_be_moved_is_refused_and_nothing_written(
    course: Course, old: str, new: str, retired: date | None, words: str
) -> None:
    before = course.content()
    with pytest.raises(AuthoringError, match=words):
        move_model(course.root, old, new, retired=retired)
    assert course.content() == before


@pytest.mark.parametrize(
    ("model", "text", "is_named"),
    [
        ("claude-sonnet-5-5", "`claude-sonnet-5-5`", True),
        ("claude-sonnet-5-5", "Claude Sonnet 5.5's", True),
        ("claude-sonnet-5", "Sonnet 5.5", False),
        ("claude-sonnet-5", "claude-sonnet-5-5", False),
        ("claude-sonnet-5", "Sonnet 5.", True),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001", True),
        ("claude-haiku-4-5-20251001", "Haiku 4.5", True),
        ("claude-haiku-4-5-20251001", "Haiku 4", False),
    ],
)
def test_a_model_is_found_by_id_and_by_name(model: str, text: str, is_named: bool) -> None:
    assert bool(spoken(model).search(text)) == is_named


def test_the_command_says_in_one_sentence_what_it_refuses() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "authoring", "move-model", facts.MODEL, "claude-9", "--dry-run"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert re.match("error: .* knows no model 'claude-9'", done.stderr)
    assert len(done.stderr.splitlines()) == 1
