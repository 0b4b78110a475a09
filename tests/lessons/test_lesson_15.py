"""Lesson 15: the service and its tests as copied, the readiness check, what the lesson claims.

The template is copied to a folder of its own and run there, with the real SDK and a course server.
What the readiness check must find, and what it must leave alone, stands in two tables.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import anthropic
import nbformat
import pytest

from courseserver import facts
from tests.support import HELLO, KEY, ROOT, client, replaying, run_python, said, serving

NOTEBOOKS = ROOT / "notebooks"
LESSON = NOTEBOOKS / "15_production.ipynb"
PROGRAM = NOTEBOOKS / "at_work" / "15_production.py"
TEMPLATES = NOTEBOOKS / "templates"
SERVICE = TEMPLATES / "service"
CLIENT, LOG = "sorting/client.py", "sorting/log.py"
WHO = "Noor Haddad"
CUT = {"content": "Into the", "stop_reason": "max_tokens"}
DENIED = {"status": 401, "error": {"type": "authentication_error", "message": f"No: {WHO}"}}
BUSY = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}


def load(path: Path) -> ModuleType:
    """A module from a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


ready = load(TEMPLATES / "readiness.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The template as a learner takes it home, with a courseserver of its own."""
    own = tmp_path / "my_service"
    shutil.copytree(SERVICE, own)
    shutil.copytree(ROOT / "courseserver", own / "courseserver")  # with its bytecode, which fits
    return own


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, without a key and without the course; `more` are variables."""
    clean = {name: value for name, value in os.environ.items() if "ANTHROPIC" not in name}
    away = os.pathsep.join(
        part for part in clean.get("PYTHONPATH", "").split(os.pathsep) if part != str(ROOT)
    )
    return run_python(*words, folder=folder, environ={**clean, "PYTHONPATH": away, **more})


def run_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the project's own tests."""
    return run(folder, "-m", "pytest", "-q", "--tb=no", "--color=no", "-p", "no:cacheprovider")


def cells() -> list[str]:
    """The code of the lesson's cells."""
    found = nbformat.read(LESSON, as_version=4).cells
    return [cell.source for cell in found if cell.cell_type == "code"]


# --- the template, as copied ------------------------------------------------------------------


def test_the_copied_project_passes_its_tests_without_a_key_and_without_the_course(
    project: Path,
) -> None:
    where = run(project, "-c", "import courseserver; print(courseserver.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(project.resolve())
    done = run_tests(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


def test_without_the_course_server_the_tests_say_what_is_missing(project: Path) -> None:
    shutil.rmtree(project / "courseserver")
    empty = project / "courseserver.py"  # so that no other is found on this machine
    empty.write_text("", encoding="utf-8")
    done = run_tests(project)
    assert done.returncode == 4
    assert "need the course's folder courseserver beside the folder sorting" in done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "red"),
    [
        (CLIENT, '!= "end_turn"', '== "refusal"', "half_an_answer"),
        (CLIENT, "{**DEFAULTS, **changes}", "DEFAULTS", "can_be_changed"),
        (CLIENT, 'if block.type == "text"', "", "behind_the_thinking"),
        (CLIENT, 'DEFAULTS, **changes}, m', 'DEFAULTS, "max_tokens": 9}, m', "with_the_defaults"),
        (CLIENT, "paper, glass", "glass", "every_bin"),
        (CLIENT, "        log.warning(", "        str(", "summed_up"),
        (LOG, '"model": reply.model', '"text": str(reply.content)', "no_key_and_no_words"),
        (LOG, '"error": type(error).__name__', '"error": str(error)', "no_key_and_no_words"),
        (LOG, "usage.output_tokens", "usage.input_tokens", "with_its_figures"),
        (LOG, '!= "end_turn"', '== "end_turn"', "summed_up"),
    ],
)  # fmt: skip
def test_each_promise_of_the_service_has_a_test_that_can_fail(
    project: Path, file: str, old: str, new: str, red: str
) -> None:
    text = (project / file).read_text(encoding="utf-8")
    assert old in text
    (project / file).write_text(text.replace(old, new), encoding="utf-8")
    done = run_tests(project)
    assert done.returncode == 1
    assert red in done.stdout


def asked(
    project: Path, replies: Sequence[Any], *words: str
) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run `python -m sorting` against these replies; what it printed, and what it sent."""
    with serving() as server:
        url = server.url + server.backend.account.stage("t", tuple(replies))
        done = run(project, "-m", "sorting", *words, ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY=KEY)
        return done, [entry.request.body for entry in server.backend.account.journal]


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        ([{"thinking": ""}, "The ", "yard."], 0, "The yard.\n"),
        (CUT, 1, "There is no whole answer (max_tokens).\n"),
        (DENIED, 1, "There is no answer now (AuthenticationError). The log has a line.\n"),
    ],
)
def test_the_service_answers_or_says_in_a_sentence_that_it_cannot(
    project: Path, reply: Any, code: int, words: str
) -> None:
    done, [sent] = asked(project, [reply], f"I am {WHO}. A sofa?")
    assert (done.returncode, done.stdout, done.stderr) == (code, words, "")
    assert sent["model"] == facts.MODEL
    [line] = (project / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    assert set(json.loads(line)) == {"time", "request"}
    for planted in (KEY, "Noor", "sofa", "yard"):
        assert planted not in line


def test_the_service_sums_its_log_up(project: Path) -> None:
    asked(project, ["The yard."], "A sofa?")
    asked(project, [CUT], "A sofa?")
    asked(project, [DENIED], "A sofa?")
    lines = run(project, "-m", "sorting", "--summary").stdout.splitlines()
    assert lines[:3] == ["requests: 3", "failed: 1", "not whole: 1"]
    assert lines[-1].startswith("slowest: ")


def test_a_broken_connection_leaves_a_line_too(project: Path) -> None:
    words = ("-m", "sorting", "A sofa?")
    done = run(project, *words, ANTHROPIC_BASE_URL="http://127.0.0.1:9", ANTHROPIC_API_KEY=KEY)
    assert "APIConnectionError" in done.stdout
    [line] = (project / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads(line)["request"]
    assert (record["request_id"], record["status"]) == (None, None)


def test_without_a_key_the_service_says_where_it_belongs(project: Path) -> None:
    shutil.copy(project / ".env.example", project / ".env")
    done = run(project, "-m", "sorting", "A sofa?", HOME=str(project), USERPROFILE=str(project))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("There is no key. Copy .env.example to .env")


def test_git_takes_neither_the_key_nor_the_log(project: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    (project / ".env").write_text("ANTHROPIC_API_KEY=\n", encoding="utf-8")
    (project / "requests.jsonl.1").touch()
    listed = subprocess.run(
        ["git", "status", "--porcelain", "-uall"],
        cwd=project, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    names = {line[3:] for line in listed.stdout.splitlines()}
    assert {".env.example", ".gitignore", CLIENT} <= names
    assert not names & {".env", "requests.jsonl.1"}


def test_the_key_has_an_empty_place_in_the_example() -> None:
    text = (SERVICE / ".env.example").read_text(encoding="utf-8")
    assert text.splitlines()[-1] == "ANTHROPIC_API_KEY="


def test_the_requirements_name_all_that_the_project_imports(project: Path) -> None:
    words = "anthropic dotenv httpx2 pydantic typing_extensions pytest imagesize jsonschema tornado"
    brought = set(words.split())  # httpx2, pydantic and typing_extensions come with anthropic
    there = set(sys.stdlib_module_names) | {"sorting", "courseserver", "conftest"}
    for path in project.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.partition(".")[0] in brought | there, f"{path.name}: {name}"
    texts = [(SERVICE / name).read_text() for name in ("requirements.txt", "requirements-dev.txt")]
    for package in ("anthropic", "dotenv", "pytest", "imagesize", "jsonschema", "tornado"):
        assert package in "\n".join(texts)


def test_the_version_that_the_template_asks_for_is_the_one_that_was_tested() -> None:
    [least, below] = re.findall(r"\d+", (SERVICE / "requirements.txt").read_text())[0:3:2]
    major = int(anthropic.__version__.partition(".")[0])
    assert int(least) == major == int(below) - 1


# --- the lesson and the template say the same ---------------------------------------------------


def plain(function: ast.FunctionDef) -> str:
    """A function without its annotations."""
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    return ast.unparse(function)


def functions(text: str) -> dict[str, str]:
    """The functions of a text, without annotations."""
    body = ast.parse(text).body
    return {node.name: plain(node) for node in body if isinstance(node, ast.FunctionDef)}


def test_the_lesson_defines_log_line_as_the_template_does() -> None:
    lesson = next(functions(cell)["log_line"] for cell in cells() if "def log_line" in cell)
    assert lesson == functions((SERVICE / LOG).read_text(encoding="utf-8"))["log_line"]


def test_the_test_that_the_lesson_quotes_is_in_the_template() -> None:
    markdown = [
        cell.source
        for cell in nbformat.read(LESSON, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    [quoted] = re.findall(r"```python\n(.*?)```", "\n".join(markdown), re.S)
    assert quoted in (SERVICE / "tests" / "test_client.py").read_text(encoding="utf-8")


def test_the_blueprint_has_the_six_parts_and_each_lesson_of_an_app() -> None:
    text = (NOTEBOOKS / "blueprint.md").read_text(encoding="utf-8")
    for part in ("Setup", "Keys", "Conversation state", "Streaming", "Error handling"):
        assert f"### {part}\n" in text
    assert "### Going live\n" in text
    for number in ("00", "01", "02", "03", "04", "05", "06", "08", "09", "10", "12", "14", "15"):
        assert f"esson {number}" in text


def test_the_program_at_work_answers_and_logs_figures() -> None:
    with replaying("15_production") as server:
        done = run(NOTEBOOKS, str(PROGRAM), ANTHROPIC_BASE_URL=server.url, ANTHROPIC_API_KEY=KEY)
    assert done.stdout == "A broken umbrella goes into the rest bin.\n"
    assert set(json.loads(done.stderr)) == {"request_id", "stop_reason", "output_tokens", "seconds"}


# --- the readiness check ------------------------------------------------------------------------

CALL = "client.messages.create(model=MODEL, max_tokens=4000, messages=turns)"
ASKED = f"reply = {CALL}\n"
FOUND = {
    "key": 'client = anthropic.Anthropic(api_key="s3cret", timeout=9)',
    "key, named": 'MY_API_KEY = "s3cret"',
    "key, typed": 'API_KEY: str = "s3cret"',
    "timeout": "client = anthropic.Anthropic()",
    "timeout, async": "client = AsyncAnthropic(max_retries=3)",
    "retries": f"while True:\n    try:\n        {ASKED}    except Exception as e:\n        wait(e)",
    "room": 'settings = {"max_tokens": 300}',
    "block": "text = reply.content[0].text",
    "model": 'a = "claude-haiku-5-5"\nb = "claude-haiku-5-5"',
    "DEBUG": "logging.basicConfig(level=logging.DEBUG)",
    "log": 'logger.info("asked %s", question)',
    "log, f": 'log.error(f"{user.name}: {request.messages}")',
    "swallowed": "try:\n    work()\nexcept Exception:\n    pass",
    "swallowed, None": "def f():\n    try:\n        return g()\n    except:\n        return None",
    "run": "eval(text)",
    "shell": "subprocess.run(command, shell=True)",
    "SQL": 'db.execute(f"SELECT * FROM loans WHERE id = {number}")',
}
LEFT_ALONE = {
    "key": 'client = anthropic.Anthropic(api_key=os.environ["KEY"], timeout=9)',
    "no key": "client = anthropic.Anthropic(api_key=None, timeout=9)",
    "placeholder": 'API_KEY = "your-key-here"',
    "timeout": "client = anthropic.Anthropic(timeout=30)",
    "options": "client = anthropic.Anthropic(**options)",
    "marked": "client = anthropic.Anthropic()  # ready: a script that I watch",
    "raised": f"for _ in range(8):\n    try:\n        {ASKED}    except Busy:\n        raise",
    "no try": f"for turn in turns:\n    {ASKED}",
    "room": "settings = {'max_tokens': 4000, 'top': 3}",
    "warming": "settings = {'max_tokens': 0}",
    "content": 'text = page.content["first"]',
    "models": 'a = "claude-opus-5"\nb = "claude-haiku-5-5"',
    "INFO": "logging.basicConfig(level=logging.INFO)",
    "figures": 'log.info("%s %d", reply.usage.output_tokens, len(question))',
    "print": "print(question)",
    "math": "math.log(text)",
    "named": "try:\n    work()\nexcept KeyError:\n    pass",
    "told": "try:\n    work()\nexcept Exception as error:\n    log.error(type(error))",
    "run": 'subprocess.run(["git", "status"])',
    "SQL": 'db.execute("SELECT * FROM loans WHERE id = ?", [number])',
    "evaluate": "model.eval()",
}


def folder(tmp_path: Path, code: str = "", **files: str) -> Path:
    """A project in which all is well but for this code, or these other files."""
    shutil.copytree(TEMPLATES / "samples" / "good", tmp_path / "p")
    (tmp_path / "p" / "more.py").write_text(code, encoding="utf-8")
    for name, text in files.items():
        (tmp_path / "p" / name).write_text(text, encoding="utf-8")
    return tmp_path / "p"


@pytest.mark.parametrize("name", FOUND)
def test_the_check_finds(name: str, tmp_path: Path) -> None:
    found = ready.readiness(folder(tmp_path, FOUND[name]))
    assert {finding.where.partition(":")[0] for finding in found} == {"more.py"}
    assert len(found) == 1, found


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_the_check_leaves_alone(name: str, tmp_path: Path) -> None:
    assert ready.readiness(folder(tmp_path, LEFT_ALONE[name])) == []


def test_a_project_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"import anthropic\n{ASKED}", encoding="utf-8")
    (tmp_path / ".git").mkdir()  # no .gitignore of a folder above counts
    assert [(each.where, each.what) for each in ready.readiness(tmp_path)] == [
        (".gitignore", "no line `.env`"),
        ("app.py:2", "nothing reads `stop_reason`"),
        ("app.py:2", "nothing reads `usage`"),
        ("app.py:2", "no file test_*.py has an `assert`"),
        ("requirements.txt", "no line `anthropic` with a version"),
    ]


def test_the_gitignore_of_a_folder_above_counts(tmp_path: Path) -> None:
    own = folder(tmp_path)
    (own / ".gitignore").unlink()
    (tmp_path / ".gitignore").write_text("*.log\n.env\n", encoding="utf-8")
    assert ready.readiness(own) == []


@pytest.mark.parametrize("name", ["notes.md", "config.json", "more.py", ".env.example"])
def test_a_key_is_found_in_any_text(name: str, tmp_path: Path) -> None:
    own = folder(tmp_path, **{name: "x = 1  # sk-" + "ant-api03-" + 30 * "x"})
    [finding] = ready.readiness(own)
    assert (finding.where, finding.what) == (f"{name}:1", "an API key stands here")


def test_the_env_file_itself_is_not_read(tmp_path: Path) -> None:
    own = folder(tmp_path, **{".env": "ANTHROPIC_API_KEY=sk-" + "ant-api03-" + 30 * "x"})
    assert ready.readiness(own) == []


@pytest.mark.parametrize(
    ("name", "raw", "where", "why"),
    [
        ("bad.py", b"x = 1\ndef f(:\n", "bad.py:2", "it says: invalid syntax"),
        ("latin.py", b"name = '\xe9'\n", "latin.py", "it is not UTF-8 text"),
        ("nul.py", b"x = 1\0\n", "nul.py", "null bytes"),
        ("half.ipynb", b'{"cells": [', "half.ipynb", "its content is damaged"),
        ("list.ipynb", b"[]", "list.ipynb", "its content is damaged"),
        ("cell.ipynb", b'{"cells": [{}]}', "cell.ipynb", "its content is damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_a_sentence(
    name: str, raw: bytes, where: str, why: str, tmp_path: Path
) -> None:
    own = folder(tmp_path)
    (own / name).write_bytes(raw)
    [finding] = ready.readiness(own)
    assert finding.what == "this file cannot be read"
    assert finding.where.startswith(where.partition(":")[0])
    if "nul" not in name:  # each Python says that in its own way
        assert (finding.where, finding.why) == (where, why)


def test_the_cells_of_a_notebook_are_read_without_their_magics(tmp_path: Path) -> None:
    sources = ["%matplotlib inline\neval(text)", "%%bash\nls *", "!pip list\nx = 1"]
    book = [{"cell_type": "code", "source": source.splitlines(True)} for source in sources]
    own = folder(tmp_path, **{"a.ipynb": json.dumps({"cells": book})})
    assert [each.where for each in ready.readiness(own)] == ["a.ipynb (cell 1):2"]


def test_a_faulty_cell_is_named_and_hides_none_of_the_others(tmp_path: Path) -> None:
    call = "import anthropic\n\nanthropic.Anthropic().messages.create"
    cells = ["x = = 1", "%pip list\nfor _ in '12':\n    !ls\nx?", call + "(max_tokens=9)"]
    own = tmp_path / "own"
    own.mkdir()
    notebook = {"cells": [{"cell_type": "code", "source": text} for text in cells]}
    (own / "a.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    found = {each.where: each.what for each in ready.readiness(own)}
    assert found["a.ipynb (cell 1):1"] == "this file cannot be read"
    assert "a.ipynb (cell 2):4" not in str(found) and "a.ipynb (cell 3):3" in found


def test_environments_and_the_course_server_are_not_looked_at(tmp_path: Path) -> None:
    own = folder(tmp_path)
    for place in (".venv/lib", "node_modules", "courseserver", "a/__pycache__"):
        (own / place).mkdir(parents=True)
        (own / place / "bad.py").write_text("def f(:\n", encoding="utf-8")
    assert ready.readiness(own) == []


def test_the_check_may_lie_in_the_project_that_it_looks_at(project: Path) -> None:
    shutil.copy(TEMPLATES / "readiness.py", project)
    done = run(project, "readiness.py")
    assert (done.returncode, done.stdout) == (0, "0 findings by 14 checks in .\n")


@pytest.mark.parametrize("name", ["nowhere", "p/app.py"])
def test_what_is_no_folder_is_said_so(name: str, tmp_path: Path) -> None:
    folder(tmp_path)
    [finding] = ready.readiness(tmp_path / name)
    assert finding.what == ("this is a file" if name == "p/app.py" else "there is no such folder")


def test_a_folder_that_does_not_call_claude_is_not_called_ready(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    assert [each.what for each in ready.readiness(tmp_path)] == ["no call of Claude was found"]


@pytest.mark.parametrize(("sample", "count"), [("good", 0), ("careless", 9), ("dangerous", 9)])
def test_the_command_prints_each_finding_and_says_by_its_code_if_there_are_any(
    sample: str, count: int
) -> None:
    done = run(TEMPLATES, "readiness.py", f"samples/{sample}")
    assert done.returncode == int(count > 0), done.stderr
    assert done.stdout.count("  why: ") == done.stdout.count("  fix: ") == count
    assert f"{count} findings by {len(ready.CHECKS)} checks" in done.stdout


def test_the_samples_and_the_service_get_what_the_lesson_says() -> None:
    assert ready.readiness(SERVICE) == []
    assert ready.readiness(TEMPLATES / "samples" / "good") == []
    harm = {
        "app.py:7": "DEBUG for all packages",
        "app.py:8": "an API key stands here",
        "app.py:12": "`question` goes into the log",
        "app.py:22": "`eval` runs a text",
        "app.py:23": "an `except` that hides every error",
    }
    found = {each.where: each.what for each in ready.readiness(TEMPLATES / "samples/dangerous")}
    assert harm.items() <= found.items()
    second = ready.readiness(TEMPLATES / "samples" / "careless")[1]
    assert second.what == "a retry loop around a call"
    assert len(ready.CHECKS) == 14  # the lesson says fourteen


# --- what the lesson says of the package ----------------------------------------------------------


def test_at_debug_the_package_logs_the_question_and_not_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        serving() as server,
        client(server.url + server.backend.account.stage("t", ("The yard.",))) as sdk,
    ):
        with caplog.at_level(logging.INFO):
            sdk.messages.create(**said(f"I am {WHO}."))
        assert WHO not in caplog.text
        with caplog.at_level(logging.DEBUG):
            sdk.messages.create(**said(f"I am {WHO}."))
        assert WHO in caplog.text
        assert KEY not in caplog.text


def test_the_variable_for_the_log_has_the_same_effect(project: Path) -> None:
    with serving() as server:
        url = server.url + server.backend.account.stage("t", ("The yard.",))
        more = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_LOG": "debug"}
        done = run(project, "-m", "sorting", f"I am {WHO}.", **more)
    assert WHO in done.stderr
    assert KEY not in done.stderr


def test_a_client_waits_600_seconds_and_tries_three_times_unless_told_otherwise() -> None:
    sdk = client("http://127.0.0.1:9")
    assert isinstance(sdk.timeout, anthropic.Timeout)
    assert (sdk.timeout.read, sdk.max_retries) == (600, 2)


def test_five_tries_around_a_call_are_fifteen_requests() -> None:
    soon = {**BUSY, "headers": {"retry-after-ms": "1"}}
    with (
        serving() as server,
        client(server.url + server.backend.account.stage("t", (soon,))) as sdk,
    ):
        for _ in range(5):
            with pytest.raises(anthropic.OverloadedError):
                sdk.messages.create(**HELLO)
        assert len(server.backend.account.journal) == 15


def test_the_wait_that_the_breaker_cell_sends_is_kept() -> None:
    soon = {**BUSY, "headers": {"retry-after-ms": "1200"}}
    with serving() as server:
        url = server.url + server.backend.account.stage("t", (soon, "The yard."))
        started = time.monotonic()
        with client(url) as sdk:
            sdk.messages.create(**HELLO)
    assert time.monotonic() - started >= 1.2  # the package's own pause would be below a second


def test_what_a_breaker_must_count_is_one_family_of_errors() -> None:
    assert issubclass(anthropic.OverloadedError, anthropic.InternalServerError)
    assert not issubclass(anthropic.RateLimitError, anthropic.InternalServerError)


def test_a_client_can_be_told_to_leave_the_proxy_variables_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving() as server:
        url = server.url + server.backend.account.stage("t", ("The yard.",))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        with client(url, max_retries=0) as sdk, pytest.raises(anthropic.APIConnectionError):
            sdk.messages.create(**HELLO)
        unread = anthropic.DefaultHttpxClient(trust_env=False)
        with client(url, http_client=unread) as sdk:
            sdk.messages.create(**HELLO)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with client(url) as sdk:
            sdk.messages.create(**HELLO)
