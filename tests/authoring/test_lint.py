"""Every rule of the lint, seen red on a small bad file and quiet on its good twin.

The files are made in a scratch folder that looks like the course: one lesson, its recording, a
glossary, a picture. A rule without both cases fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from anthropic._data import DEPRECATED_MODELS
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from authoring import ROOT, AuthoringError, claims, lint, models
from authoring import navigation as nav
from authoring.lint_notebooks import NOTEBOOK_RULES
from authoring.render import normalise, place_generated, put_facts, to_bytes
from courseserver.facts import API_VERSION, MODEL, RETIRED
from practice.lessons import BY_NAME

LESSON = BY_NAME["01_first_call"]
AT_WORK = f"at_work/{LESSON.name}.py"
NUMBERS = {"calls": 1, "input_tokens": 10, "output_tokens": 5, "usd": 0.0001}
CALL = f"client.messages.create(model=MODEL, messages=[])  # {'.' * 20}"
OLD = sorted(RETIRED)[0]
# Put together here, so that this file holds neither a path of a machine nor a key.
HOME = "/".join(["", "home", "amara", "course"])
KEY = "-".join(["sk", "ant", "api03", "abcdefghijklmnop"])
PICTURE = b"\x89PNG\r\n\x1a\n\0"


OPTION = "<details><summary>{0}) It is {0}.</summary>{1}, because of {0}.</details>"
OPTIONS = "\n".join(
    OPTION.format(*pair) for pair in zip("abc", ("Yes. So", "No", "No"), strict=True)
)
QUESTIONS = "\n\n".join(f"### {number}. Which one?\n\n{OPTIONS}" for number in (1, 2, 3))
END = f"## Key points\n\n- It works.\n\n## Three questions\n\n{QUESTIONS}"


class Course:
    """A small course in a folder. Change it, then `save` writes the notebook as render would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.saved = False
        self.put("README.md", "# The course\n")
        self.put("notebooks/glossary.md", "# Glossary\n\n## token\n\nA piece of text.\n")
        (root / "notebooks" / "images").mkdir()
        (root / "notebooks" / "images" / "tree.png").write_bytes(PICTURE)
        self.exchange: dict[str, Any] = {
            "name": "hello", "source": "authored", "request": {"model": MODEL}, "replies": ["Hi"],
        }  # fmt: skip
        self.recording: dict[str, Any] = {
            "lesson": LESSON.name, "api_version": API_VERSION, "exchanges": [self.exchange],
        }  # fmt: skip
        self.nb = new_notebook(
            cells=[
                new_markdown_cell("# First call\n\n- send a message"),
                new_code_cell(f'setup("{LESSON.name}")'),
                new_code_cell(CALL, outputs=[new_output("stream", name="stdout", text="Hi\n")]),
                new_markdown_cell(f"{END}\n\n## Going deeper (optional)\n\nMore."),
            ],
            metadata={"course": {"new_things": ["a token"]}},
        )
        self.code(f'print("{AT_WORK}")', outputs=[new_output("stream", name="stdout", text="x\n")])
        self.put(f"notebooks/{AT_WORK}", "import anthropic\n")

    @property
    def path(self) -> Path:
        return self.root / "notebooks" / LESSON.file

    def put(self, name: str, text: str) -> None:
        """Write a text file of the course."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def code(self, source: str, *tags: str, outputs: list[Any] | None = None) -> Course:
        """Add a code cell."""
        cell = new_code_cell(source, metadata={"tags": list(tags)}, outputs=outputs or [])
        self.nb.cells.insert(3, cell)
        return self

    def text(self, source: str, *tags: str) -> Course:
        """Add a Markdown cell."""
        self.nb.cells.insert(3, new_markdown_cell(source, metadata={"tags": list(tags)}))
        return self

    def end(self, old: str, new: str) -> None:
        """Change the end of the lesson: its key points and its questions."""
        cell = self.nb.cells[-1]
        assert old in cell.source
        cell.source = cell.source.replace(old, new, 1)

    def save(self) -> None:
        """Write notebook and recording, once."""
        if self.saved:
            return
        self.saved = True
        self.put(f"recordings/{LESSON.name}.json", json.dumps(self.recording))
        self.path.touch()
        place_generated(self.nb, LESSON, self.root)
        put_facts(self.nb, LESSON, NUMBERS, self.root)
        count = 0
        for cell in self.nb.cells:
            if cell.cell_type == "code":
                count += 1
                cell.execution_count = count
        self.path.write_bytes(to_bytes(normalise(self.nb)))

    def edit(self, old: str, new: str) -> None:
        """Save, then change the notebook's file by hand."""
        self.save()
        content = self.path.read_text(encoding="utf-8")
        assert old in content
        self.path.write_text(content.replace(old, new, 1), encoding="utf-8")


Change = Callable[[Course], object]
ERROR = new_output("error", ename="TypeError", evalue="no", traceback=["TypeError: no"])


def shows(mime: str, content: str, metadata: dict[str, Any] | None = None) -> list[Any]:
    """The outputs of a cell that displays one thing."""
    return [new_output("display_data", {mime: content}, metadata=metadata or {})]


def declare(course: Course, *ids: str) -> Course:
    """Declare model ids in the notebook's metadata."""
    course.nb.metadata["course"]["declared_models"] = list(ids)
    return course


def news(course: Course, count: int) -> None:
    """List so many new things in the notebook's metadata."""
    course.nb.metadata["course"]["new_things"] = [f"thing {n}" for n in range(count)]


def live(course: Course, *stated: Any) -> None:
    """A live display, followed by a plain cell with these outputs."""
    course.code("print(1)", outputs=list(stated))
    course.code("clear_output()", "live-display")


def rename(course: Course, name: str) -> None:
    """Store the saved notebook under another name as well."""
    course.save()
    (course.root / "notebooks" / name).write_bytes(course.path.read_bytes())


def with_map(course: Course, extra: str = "") -> None:
    """A README whose map is up to date, but for `extra`."""
    course.save()
    course.put("README.md", f"# Course\n\n{nav.MAP_START}\n{nav.MAP_END}\n")
    nav.rewrite_readme(course.root)
    readme = (course.root / "README.md").read_text(encoding="utf-8")
    course.put("README.md", readme.replace(nav.MAP_END, extra + nav.MAP_END))


def with_claim(course: Course, cell: str) -> None:
    """A map of one old claim, and the page made from it as far as that is possible."""
    course.save()
    entry = {"id": "A1", "said": "It was.", "true": "It is.", "lesson": LESSON.name, "cell": cell}
    course.put(claims.FILE, json.dumps([entry]))
    if not list(claims.problems(course.root)):
        claims.rewrite(course.root)


def nothing(course: Course) -> None:
    """The good twin where the plain course is one."""


STDOUT = new_output("stream", name="stdout", text="1\n")

# rule: (what makes it red, what looks alike and is fine)
CASES: dict[str, tuple[Change, Change]] = {
    "executed-in-order": (
        lambda c: c.edit('"execution_count": 2', '"execution_count": null'),
        nothing,
    ),
    "every-cell-compared": (
        lambda c: c.code("1 + 1", "nbval-ignore-output"),
        lambda c: c.code("1 + 1", "nbval-ignore-output", "live-display"),
    ),
    "known-tags": (lambda c: c.code("1", "raise-exception"), lambda c: c.code("1", "grows")),
    "no-live-display": (live, lambda c: live(c, STDOUT)),
    "no-trailing-semicolon": (
        lambda c: c.code("ax.plot();  # quiet"),
        lambda c: c.code("_ = ax.plot()  # ;"),
    ),
    "no-history": (lambda c: c.code("print(_)"), lambda c: c.code("_ = 1\nfor _ in []: pass")),
    "no-input": (lambda c: c.code("name = input()"), lambda c: c.code("print(block.input)")),
    "no-shell": (lambda c: c.code("files = !ls"), lambda c: c.code("run(['ls'])\nnot_here != 1")),
    "known-magics": (lambda c: c.code("%tiem x"), lambda c: c.code("%matplotlib inline")),
    "errors-are-tagged": (
        lambda c: c.code("f()", outputs=[ERROR]),
        lambda c: c.code("f()", "raises-exception", "raises:TypeError", outputs=[ERROR]),
    ),
    "readable-notebook": (lambda c: c.edit('"cells"', '"cell"'), nothing),
    "stored-as-rendered": (lambda c: c.edit('"cells"', ' "cells"'), nothing),
    "no-first-block": (
        lambda c: c.code("reply.content[0].text"),
        lambda c: c.code("reply.content[0].text", "first-block-shown", "raises-exception"),
    ),
    "models-declared": (
        lambda c: c.text(f"We use `{MODEL}`."),
        lambda c: declare(c, MODEL).text(f"We use `{MODEL}`."),
    ),
    "models-known": (
        lambda c: c.text(f"Once there was {OLD}."),
        lambda c: declare(c, OLD).text(f"Once there was {OLD}, and claude-code."),
    ),
    "cell-size": (
        lambda c: c.code("1\n" * 20 + "1"),
        lambda c: c.code("1\n" * 39 + "1", "finished-loop").code("1\n" * 19 + "1"),
    ),
    "setup-first": (
        lambda c: c.nb.cells[1].update(source='setup("02_response_anatomy")'),
        lambda c: c.nb.cells[1].update(source=f"from helpers import setup\nsetup('{LESSON.name}')"),
    ),
    "first-call-early": (
        lambda c: c.nb.cells[2].update(source="print('later')"),
        lambda c: c.nb.cells[2].update(source="with client.messages.stream(x=1) as s: pass"),
    ),
    "one-title": (lambda c: c.text("# Another title"), lambda c: c.text("```\n# a comment\n```")),
    "headings-in-order": (
        lambda c: c.text("#### Too deep"),
        lambda c: c.text("## A\n\n### B\n\n## C"),
    ),
    "no-accidental-formula": (
        lambda c: c.text("It costs $2 at first\nand $3 later."),
        lambda c: c.text("It costs $2, or `$3`.\n\n```\n$4 $5\n```\n\nThen $6."),
    ),
    "pictures-speak": (
        lambda c: c.code("draw()", outputs=shows("text/html", '<img src="data:," alt="plot.png">')),
        lambda c: c.code(
            "draw()",
            outputs=shows("image/png", "iVBO", {"image/png": {"alt": "tokens by language"}}),
        ),
    ),
    "links-lead-somewhere": (
        lambda c: c.text("A [token](glossary.md#tokens)."),
        lambda c: c.text("A [token](glossary.md#token), ![a tree of blocks](images/tree.png)"),
    ),
    "listed-lesson": (lambda c: rename(c, "99_extra.ipynb"), nothing),
    "key-points": (lambda c: c.end("- It works.", "It works."), nothing),
    "your-turn-compares": (
        lambda c: c.text("**Your turn.** Try it."),
        lambda c: c.text(
            "**Your turn.** Try it.\n\n<details><summary>Compare</summary>Four.</details>"
        ),
    ),
    "few-new-things": (lambda c: news(c, 11), lambda c: news(c, 10)),
    "same-at-work": (
        lambda c: c.put(f"notebooks/{AT_WORK}", "from helpers import cost\n"),
        lambda c: c.put(f"notebooks/{AT_WORK}", "import anthropic\nimport json\n"),
    ),
    "three-questions": (lambda c: c.end("### 3. Which", "### 4. Which"), nothing),
    "navigation-current": (lambda c: c.edit("[course map]", "[the map]"), nothing),
    "facts-current": (lambda c: c.edit("1 call, about 10", "9 calls, about 90"), nothing),
    "small-file": (
        lambda c: c.text("word " * 20_000),
        lambda c: c.text("word " * 15_000),
    ),
    "outputs-keep-secrets": (
        lambda c: c.code("1", outputs=shows("text/plain", f"{HOME}/a.py")),
        lambda c: c.code("1", outputs=shows("text/plain", "notebooks/a.py")),
    ),
    "plain-file-name": (
        lambda c: c.put("notebooks/images/My Tree.svg", "<svg/>"),
        lambda c: c.put("notebooks/images/my_tree-2.svg", "<svg/>"),
    ),
    "no-machine-path": (
        lambda c: c.put("helpers/x.py", f"ROOT = '{HOME}'\n"),
        lambda c: c.put("helpers/x.py", "URL = '/home'\nPATH = '~/course'\n"),
    ),
    "no-secret": (
        lambda c: c.put(".env.example", f"ANTHROPIC_API_KEY={KEY}\n"),
        lambda c: c.put(".env.example", "ANTHROPIC_API_KEY=your-key-goes-here\n"),
    ),
    "models-known-in-files": (
        lambda c: c.exchange.update(request={"model": "claude-sonnet-9"}),
        lambda c: c.put("helpers/x.py", f"GONE = {OLD!r}\n"),
    ),
    "no-todo-in-cells": (
        lambda c: c.text("TODO: why this matters."),
        lambda c: c.text("A list of things to do."),
    ),
    "no-todo": (
        lambda c: c.put("exercises/source/x.py", "# TODO\n"),
        lambda c: c.put("authoring/x.py", "# TODO\n"),
    ),
    "no-first-block-in-code": (
        lambda c: c.put("helpers/x.py", "blocks = reply.content\ntext = blocks[0].text\n"),
        lambda c: c.put("helpers/x.py", "texts = [b.text for b in reply.content]\n"),
    ),
    "pages-link-and-speak": (
        lambda c: c.put("README.md", "# Course\n\n[one](notebooks/02_response_anatomy.ipynb)\n"),
        lambda c: c.put("README.md", f"# Course\n\n[one](notebooks/{LESSON.file}) <b id='x'>x</b>"),
    ),
    "claims-are-taught": (
        lambda c: with_claim(c, "Words that stand nowhere."),
        lambda c: with_claim(c, "1. Which one?"),
    ),
    "map-is-current": (lambda c: with_map(c, "old\n"), lambda c: with_map(c)),
    "sources-can-be-opened": (
        lambda c: c.put("exercises/source/s01.py", "# https://github.com/a/b/issue/5"),
        lambda c: c.put("exercises/source/s01.py", "# https://github.com/a/b/pull/5: said"),
    ),
    "recording-is-whole": (lambda c: c.exchange.pop("replies"), nothing),
    "recording-says-source": (
        lambda c: c.exchange.update(source="made up"),
        lambda c: c.exchange.update(source="captured"),
    ),
    "recording-has-lesson": (lambda c: c.put("recordings/99_gone.json", "{}"), nothing),
}  # fmt: skip


def findings(root: Path) -> list[lint.Finding]:
    """What the lint says about a folder's files."""
    found: list[lint.Finding] = []
    for path in lint.project_files(root):
        if path.suffix == ".ipynb":
            found += lint.check_notebook(path, root)[1]
        found += lint.check_file(path, root)[1]
    return found


def check(tmp_path: Path, change: Change) -> list[lint.Finding]:
    """The findings after one change to a course without any."""
    course = Course(tmp_path)
    change(course)
    course.save()
    return findings(tmp_path)


def test_the_plain_course_has_no_finding(tmp_path: Path) -> None:
    assert [str(finding) for finding in check(tmp_path, nothing)] == []


@pytest.mark.parametrize("rule", lint.RULES)
def test_a_rule_is_red_on_a_bad_file(rule: str, tmp_path: Path) -> None:
    found = check(tmp_path, CASES[rule][0])
    assert rule in {finding.rule for finding in found}, found


@pytest.mark.parametrize("rule", lint.RULES)
def test_a_rule_is_quiet_on_the_good_twin(rule: str, tmp_path: Path) -> None:
    found = check(tmp_path, CASES[rule][1])
    assert [str(finding) for finding in found if finding.rule == rule] == []


DAMAGED: dict[str, Callable[[str], str | bytes]] = {
    "cut off": lambda text: text[:900],
    "empty": lambda text: "",
    "a conflict of git": lambda text: f"<<<<<<< HEAD\n{text}",
    "a byte order mark": lambda text: f"\ufeff{text}",
    "UTF-16": lambda text: text.encode("utf-16"),
    "nested too deep": lambda text: "[" * 100_000,
    "a list": lambda text: "[]",
    "no cells": lambda text: text.replace('"cells"', '"cell"', 1),
    "a cell without a source": lambda text: text.replace('"source"', '"sauce"', 1),
    "a cell without outputs": lambda text: text.replace('"outputs"', '"output"', 1),
    "half an emoji": lambda text: text.replace("First call", "\\ud83d", 1),
    "another format": lambda text: text.replace('"nbformat": 4', '"nbformat": 99'),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_notebook_is_named_in_a_sentence_and_the_others_are_checked(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = Course(tmp_path)
    course.save()
    rename(course, "99_extra.ipynb")
    made = DAMAGED[damage](course.path.read_text(encoding="utf-8"))
    course.path.write_bytes(made if isinstance(made, bytes) else made.encode())
    assert lint.lint(tmp_path) == 1
    said = capsys.readouterr().out
    assert f"notebooks/{LESSON.file}: is damaged: " in said
    assert "covered: 1 notebooks" in said


@pytest.mark.parametrize(
    "content", ["", "{", "5", '"x"', "[1]", "null", '{"exchanges": null}', '{"exchanges": [5]}',
                '{"exchanges": [null]}', '{"exchanges": {"a": 1}}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_recording_is_named_in_a_sentence(content: str, tmp_path: Path) -> None:
    course = Course(tmp_path)
    course.save()
    course.put(f"recordings/{LESSON.name}.json", content)
    [found] = [str(each) for each in findings(tmp_path) if each.rule == "recording-is-whole"]
    assert found.startswith(f"recordings/{LESSON.name}.json: is not a recording")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthoringError, match="there is no file nowhere"):
        lint.lint(tmp_path, [tmp_path / "nowhere.ipynb"])


def test_there_is_no_case_for_a_rule_that_is_gone() -> None:
    assert set(CASES) == set(lint.RULES)


@pytest.mark.parametrize("rule", sorted(lint.LESSONS_ONLY))
def test_a_rule_for_lessons_leaves_exercises_alone(rule: str, tmp_path: Path) -> None:
    course = Course(tmp_path)
    CASES[rule][0](course)
    course.save()
    exercise = tmp_path / "exercises" / course.path.name
    exercise.parent.mkdir()
    exercise.write_bytes(course.path.read_bytes())
    _, lesson = lint.check_notebook(course.path, tmp_path)
    _, found = lint.check_notebook(exercise, tmp_path)
    assert rule in {finding.rule for finding in lesson}
    assert rule not in {finding.rule for finding in found}


# More ways to break a rule, each of which has to be found as well.
MORE: list[tuple[str, Change]] = [
    ("no-live-display", lambda c: c.code("handle = display(1, display_id=True)")),
    ("no-live-display", lambda c: c.code("out = widgets.Output()\nwith out:\n    print(1)")),
    ("every-cell-compared", lambda c: c.code("# NBVAL_SKIP\n1 + 1")),
    ("no-history", lambda c: c.code("Out[3]")),
    ("no-input", lambda c: c.code("import getpass\nkey = getpass.getpass()")),
    ("no-shell", lambda c: c.code("!pip list")),
    ("known-magics", lambda c: c.code("%%bash\nls")),
    ("known-magics", lambda c: c.code("%run other.ipynb")),
    ("errors-are-tagged", lambda c: c.code("f()", "raises-exception", "raises:TypeError")),
    ("errors-are-tagged", lambda c: c.code("f()", "raises-exception", outputs=[ERROR])),
    ("errors-are-tagged", lambda c: c.code("f()", "raises:TypeError")),
    (
        "errors-are-tagged",
        lambda c: c.code("f()", "raises-exception", "raises:KeyError", outputs=[ERROR]),
    ),
    ("known-tags", lambda c: c.code("f()", "raises: TypeError")),
    ("three-questions", lambda c: c.end("## Three questions", "## Questions")),
    ("three-questions", lambda c: c.end("c) It is c.", "d) It is c.")),
    ("three-questions", lambda c: c.end("No, because", "Yes, because")),
    ("three-questions", lambda c: c.end("No, because of b.", "No.")),
    ("three-questions", lambda c: c.end("c) It is c.", "c) It is b.")),
    ("three-questions", lambda c: c.end("because of c.", "because of b.")),
    ("no-first-block", lambda c: c.code("print(content[0])")),
    ("no-first-block", lambda c: c.code("print(reply.content[-1].text)")),
    ("no-first-block", lambda c: c.code('print(data["content"][0]["text"])')),
    ("no-first-block", lambda c: c.code("x.content[0]", "first-block-shown")),
    ("no-first-block", lambda c: c.text("```python\nprint(reply.content[0].text)\n```")),
    ("models-declared", lambda c: c.code(f"model = '{MODEL}'")),
    ("models-declared", lambda c: declare(c, MODEL)),
    ("headings-in-order", lambda c: c.text("##")),
    ("one-title", lambda c: c.nb.cells[4].update(source="Title\n===")),
    ("pictures-speak", lambda c: c.text("![](images/tree.png)")),
    ("pictures-speak", lambda c: c.text('<img src="images/tree.png">')),
    ("pictures-speak", lambda c: c.code("fig", outputs=shows("image/png", "iVBO"))),
    ("links-lead-somewhere", lambda c: c.text("[next](02_response_anatomy.ipynb)")),
    ("links-lead-somewhere", lambda c: c.text("[up](../../elsewhere.md)")),
    ("links-lead-somewhere", lambda c: c.text("[here](#nowhere)")),
    ("outputs-keep-secrets", lambda c: c.code("1", outputs=shows("text/plain", KEY))),
    ("no-machine-path", lambda c: c.put("README.md", "C:" + "\\Users\\Amara\\course")),
    ("few-new-things", lambda c: news(c, 0)),
    ("same-at-work", lambda c: (c.root / "notebooks" / AT_WORK).unlink()),
    ("same-at-work", lambda c: c.edit(f'print(\\"{AT_WORK}\\")', "print(1)")),
    ("no-secret", lambda c: c.put("recordings/x.txt", "Authorization: Bear" + "er " + "a1" * 12)),
    ("recording-is-whole", lambda c: c.put("recordings/99_gone.json", "{")),
    ("recording-is-whole", lambda c: c.recording.update(lesson="02_response_anatomy")),
    ("recording-is-whole", lambda c: c.recording.update(variants=[{"name": "b", "of": "hello"}])),
    ("recording-says-source", lambda c: c.recording.update(variants=[{"source": "mine"}])),
    ("recording-is-whole", lambda c: c.exchange.update(replies=[{"status": 99, "error": {}}])),
]


BROKEN = [rule for rule, _ in MORE]
MORE_NAMES = [f"{rule}-{BROKEN[: at + 1].count(rule)}" for at, rule in enumerate(BROKEN)]


@pytest.mark.parametrize(("rule", "change"), MORE, ids=MORE_NAMES)
def test_other_ways_to_break_a_rule_are_found(rule: str, change: Change, tmp_path: Path) -> None:
    assert rule in {finding.rule for finding in check(tmp_path, change)}


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("undefined-local-with-import-star", "from math import *"),
        ("line-too-long", "x = '" + "1" * 88 + "'"),
        ("invalid-syntax", "x = ("),
    ],
)
def test_what_ruff_finds_in_notebooks_needs_no_rule_of_ours(
    rule: str, source: str, tmp_path: Path
) -> None:
    course = Course(tmp_path).code(source)
    course.save()
    settings = str(ROOT / "notebooks" / ".ruff.toml")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", settings]
    found = subprocess.run([*command, str(course.path)], capture_output=True, encoding="utf-8")
    assert found.returncode == 1
    assert rule in found.stdout


def test_another_kernels_name_is_found_by_the_form_of_the_file(tmp_path: Path) -> None:
    found = check(tmp_path, lambda c: c.edit('"name": "python3"', '"name": "mine"'))
    assert {finding.rule for finding in found} == {"stored-as-rendered"}


def test_a_finding_says_where_what_why_and_what_to_do(tmp_path: Path) -> None:
    (found,) = check(tmp_path, lambda c: c.code("name = input()"))
    assert str(found).startswith(f"notebooks/{LESSON.file}, cell ")
    for part in ("asks with input()", "no-input", "Nobody is there", "Assign the answer"):
        assert part in str(found)


def test_the_run_says_what_it_covered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Course(tmp_path).save()
    assert lint.lint(tmp_path) == 0
    said = capsys.readouterr().out
    assert f"covered: 1 notebooks (8 cells) by {len(NOTEBOOK_RULES)} rules" in said
    assert f"\n{LESSON.name} " in said  # its row in the table of style


def test_a_run_with_a_finding_is_red(tmp_path: Path) -> None:
    course = Course(tmp_path)
    course.code("name = input()")
    course.save()
    assert lint.lint(tmp_path) == 1


def test_a_run_without_any_notebook_is_red(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Course\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match="no notebook"):
        lint.lint(tmp_path)


# ------------------------------------------------------------------------ models that retire

ENDING = next(model for model in sorted(models.known()) if models.retirement(model))


def ending_course(root: Path) -> Course:
    """A course whose recording uses a model that the SDK says will retire."""
    course = Course(root)
    course.exchange["request"] = {"model": ENDING}
    course.save()
    return course


def test_a_retiring_model_is_a_warning_by_default_and_an_error_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ending_course(tmp_path)
    ends = models.retirement(ENDING)
    assert ends is not None
    days = max((ends - date.today()).days, 0)
    assert lint.lint(tmp_path, retirement_days=days) == 1
    assert f"error: {LESSON.name}.json: {ENDING} retires on {ends}" in capsys.readouterr().out
    assert lint.lint(tmp_path) == 0


def test_notice_is_given_the_stated_number_of_days_ahead(tmp_path: Path) -> None:
    course = ending_course(tmp_path)
    ends = models.retirement(ENDING)
    assert ends is not None
    paths = [course.root / "recordings" / f"{LESSON.name}.json"]
    at = {
        days: list(models.retiring(paths, tmp_path, 90, ends - timedelta(days)))
        for days in (90, 91)
    }
    assert at == {90: [(ENDING, paths[0].name, ends, 90)], 91: []}


def test_a_declared_id_may_retire(tmp_path: Path) -> None:
    course = Course(tmp_path)
    declare(course, ENDING)
    course.text(f"Today {ENDING} is deprecated.")
    course.save()
    assert lint.lint(tmp_path, retirement_days=100_000) == 0


def test_the_days_in_the_sdks_table_can_all_be_read() -> None:
    assert DEPRECATED_MODELS
    assert all(models.retirement(model) for model in DEPRECATED_MODELS)


# ---------------------------------------------------------------------- the generated map


def test_the_map_names_every_lesson_and_links_the_written_ones(tmp_path: Path) -> None:
    course = Course(tmp_path)
    course.save()
    course.put("README.md", f"Before\n{nav.MAP_START}\nold\n{nav.MAP_END}\nAfter\n")
    assert nav.rewrite_readme(tmp_path, check=True) == 1
    assert nav.rewrite_readme(tmp_path) == 0
    assert nav.rewrite_readme(tmp_path, check=True) == 0
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| [01 First call](notebooks/01_first_call.ipynb) |" in readme
    assert "| 1 | $0.00010 |" in readme
    assert "| 02 Response anatomy *(not written yet)* |" in readme
    assert readme.startswith("Before\n")
    assert readme.endswith("\nAfter\n")


def test_the_page_of_claims_is_written_once_and_links_to_the_heading(tmp_path: Path) -> None:
    course = Course(tmp_path)
    course.put(claims.PAGE, "old\n")
    with_claim(course, "1. Which one?")
    page = (tmp_path / claims.PAGE).read_text(encoding="utf-8")
    assert (
        "| A1 | It was. | It is. | [1. Which one?](01_first_call.ipynb#1.-Which-one%3F) |" in page
    )
    assert claims.rewrite(tmp_path, check=True) == 0
    course.put(claims.PAGE, page + "more\n")
    assert claims.rewrite(tmp_path, check=True) == 1


def test_a_readme_without_a_place_for_the_map_is_an_error(tmp_path: Path) -> None:
    Course(tmp_path)
    with pytest.raises(AuthoringError, match="no place for the map"):
        nav.rewrite_readme(tmp_path)
