"""start.py as a learner meets it: real environments, real installs, real JupyterLab, in folders of
their own. The whole way from a clone, which takes a minute, is tests/clean_clone.py.
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ("00_welcome", "01_first_call", "02_response_anatomy")


def load(folder: Path, name: str = "start") -> ModuleType:
    """Return start.py of a course folder as a module: its ROOT is that folder."""
    spec = importlib.util.spec_from_file_location(f"{name}_{folder.name}", folder / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    folder: Path, *words: str, python: str = sys.executable, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run start.py of a course folder, with a minute's patience, as a learner would."""
    return subprocess.run(
        [python, "start.py", *words],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": "", **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def tiny_wheel(folder: Path, version: str) -> str:
    """Write a package `tiny` into `folder`; return its line for a lock, with its checksum."""
    wheel = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        # Of another length in each version: bytecode is told apart by second and size.
        archive.writestr("tiny.py", f"VERSION = {version!r}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"tiny @ {wheel.as_uri()} --hash=sha256:{digest}\n"


def notebook(text: str) -> str:
    """Return a notebook with one cell."""
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [text]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}) + "\n"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course folder with start.py and three lessons, in a path with a space and an umlaut."""
    folder = tmp_path / "Kurs für alle"
    (folder / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "start.py", folder)
    (folder / "requirements.txt").write_text("# empty\n", encoding="utf-8")
    for name in LESSONS:
        path = folder / "notebooks" / f"{name}.ipynb"
        path.write_text(notebook(f"# {name}"), encoding="utf-8", newline="\n")
        recorded = folder / "recordings" / f"{name}.json"
        recorded.parent.mkdir(exist_ok=True)
        recorded.write_text(f'{{"lesson": "{name}"}}\n', encoding="utf-8", newline="\n")
    (folder / "notebooks" / "data").mkdir()
    (folder / "notebooks" / "data" / "rules.md").write_text("# Rules\n", encoding="utf-8")
    assert run(folder, "shipped").returncode == 0
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder whose .venv start.py has really made, with a lock of one local package."""
    folder = tmp_path_factory.mktemp("installed") / "Kurs für alle"
    folder.mkdir()
    shutil.copy(ROOT / "start.py", folder)
    (folder / "helpers.py").write_text("HERE = 1\n", encoding="utf-8")
    (folder / "requirements.txt").write_text(tiny_wheel(folder, "1.0"), encoding="utf-8")
    done = run(folder, "install")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Installed." in done.stdout
    return folder


@pytest.fixture
def copied(installed: Path, tmp_path: Path) -> Path:
    """A copy of `installed` in another place: to change, and as a folder that was moved."""
    folder = tmp_path / "ganz woänders"
    shutil.copytree(installed, folder, symlinks=True)
    return folder


def python_of(folder: Path) -> str:
    """Return the Python of a folder's .venv."""
    return str(load(folder).python_of(folder / ".venv"))


def import_in(folder: Path, code: str) -> str:
    """Return what `code` prints in a folder's .venv, run from elsewhere as a kernel is."""
    command = [python_of(folder), "-c", code]
    environ = {**os.environ, "PYTHONPATH": ""}
    return subprocess.check_output(command, cwd=folder.parent, env=environ, text=True).strip()


# --- Python ---


def test_a_python_that_is_too_old_gets_one_sentence_that_names_both_versions() -> None:
    start = load(ROOT)
    sentence = start.too_old((3, 9))
    assert "3.10 or newer" in sentence and "Python 3.9:" in sentence
    assert start.too_old((3, 10)) == start.too_old((3, 14)) == ""


def old_pythons() -> list[str]:
    """Return the Pythons older than 3.10 that this machine really has."""
    found = [shutil.which(f"python3.{minor}") for minor in range(6, 10)]
    found += [str(path) for path in Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python")]
    code = "import sys; sys.exit(sys.version_info >= (3, 10) or sys.version_info < (3, 6))"
    return [
        python
        for python in found
        if python and subprocess.run([python, "-c", code], capture_output=True).returncode == 0
    ]


def test_a_real_old_python_prints_the_sentence_and_no_traceback(course: Path) -> None:
    pythons = old_pythons()
    if not pythons:
        pytest.skip("no Python from 3.6 to 3.9 on this machine")
    for python in pythons:
        said = run(course, "help", python=python)
        assert said.returncode == 1
        assert said.stderr.startswith("This course needs Python 3.10 or newer")
        assert len(said.stderr.splitlines()) == 1


def test_a_python_without_venv_is_told_what_to_install(course: Path) -> None:
    code = (
        "import sys; sys.modules['ensurepip'] = None; sys.path.insert(0, '.'); import start;"
        "sys.exit(start.main(['install']))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=course,
        env={**os.environ, "PATH": ""},  # no uv, which would do without
        capture_output=True,
        encoding="utf-8",
    )
    assert said.returncode == 1
    assert "sudo apt install python3" in said.stderr and "-venv" in said.stderr
    assert not (course / ".venv").exists()


# --- the environment ---


def test_the_lock_is_installed_and_the_course_importable_from_anywhere(installed: Path) -> None:
    assert (
        import_in(installed, "import helpers, tiny; print(helpers.HERE, tiny.VERSION)") == "1 1.0"
    )
    assert list(installed.glob(".venv/**/__pycache__/tiny.*.pyc")), "bytecode is not compiled"


def test_a_second_start_installs_nothing(installed: Path) -> None:
    def times() -> dict[Path, int]:
        return {path: path.lstat().st_mtime_ns for path in installed.glob(".venv/**/*")}

    before = times()
    said = run(installed, "install")
    assert said.stdout.startswith("Ready.") and said.returncode == 0
    assert times() == before


def test_a_changed_lock_is_installed_over_the_old_one(copied: Path) -> None:
    (copied / "requirements.txt").write_text(tiny_wheel(copied, "2.10"), encoding="utf-8")
    assert load(copied).what_is_missing() == "packages"
    assert run(copied, "install").returncode == 0
    assert import_in(copied, "import tiny; print(tiny.VERSION)") == "2.10"
    assert load(copied).what_is_missing() == ""


def test_a_package_with_another_checksum_is_refused_in_one_sentence(copied: Path) -> None:
    line = tiny_wheel(copied, "2.0").split("sha256:")[0] + "sha256:" + "0" * 64
    (copied / "requirements.txt").write_text(line + "\n", encoding="utf-8")
    said = run(copied, "install")
    assert said.returncode == 1
    assert "another checksum" in said.stderr and len(said.stderr.splitlines()) == 1
    assert load(copied).what_is_missing() == "packages"


def damage(venv: Path, how: str) -> None:
    """Leave .venv as an interrupted start, a system upgrade or an accident leaves it."""
    python = load(venv.parent).python_of(venv)
    if how == "interrupted":
        (venv / "course-unfinished.txt").touch()
    elif how == "its Python is gone":
        for path in python.parent.glob("python*"):
            path.unlink()
    elif how == "its Python was replaced":
        old = next(venv.glob("lib/python3.*"))
        old.rename(old.with_name("python3.2"))
    else:
        shutil.rmtree(venv)
        venv.mkdir() if how == "empty" else venv.touch()


@pytest.mark.parametrize(
    "how",
    [
        "interrupted",
        "its Python is gone",
        pytest.param(
            "its Python was replaced",
            marks=pytest.mark.skipif(os.name == "nt", reason="one folder for every version"),
        ),
        "empty",
        "a file",
    ],
)
def test_a_half_made_venv_is_recognised(copied: Path, how: str) -> None:
    assert load(copied).what_is_missing() == ""
    damage(copied / ".venv", how)
    assert load(copied).what_is_missing() == "everything"


def test_a_new_venv_is_never_made_from_the_one_that_it_replaces() -> None:
    code = "import sys; print(sys.prefix == sys.base_prefix, sys.version)"
    said = subprocess.check_output([load(ROOT).base_python(), "-c", code], text=True)
    assert said.strip() == f"True {sys.version}"


def test_a_half_made_venv_is_made_anew(copied: Path) -> None:
    damage(copied / ".venv", "interrupted")
    leftover = copied / ".venv" / "leftover"
    leftover.touch()
    said = run(copied, "install")
    assert said.returncode == 0, said.stderr
    assert "half made" in said.stdout and not leftover.exists()
    assert load(copied).what_is_missing() == ""


def test_a_folder_that_was_moved_goes_on_without_installing(copied: Path) -> None:
    (copied / "helpers.py").write_text("HERE = 'moved'\n", encoding="utf-8")
    assert run(copied, "install").stdout.startswith("Ready.")
    assert import_in(copied, "import helpers; print(helpers.HERE)") == "moved"


def test_without_a_network_the_install_ends_with_one_sentence(copied: Path) -> None:
    line = "tiny==3.0 --hash=sha256:" + "0" * 64 + "\n"
    (copied / "requirements.txt").write_text(line, encoding="utf-8")
    dead = "http://127.0.0.1:9/"  # nobody answers there, as if there were no network
    environ = dict.fromkeys(("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "HTTPS_PROXY"), dead)
    said = run(copied, "install", **environ, PIP_RETRIES="0", UV_HTTP_RETRIES="0")
    assert said.returncode == 1
    assert said.stderr.startswith("The packages could not be downloaded: connect to the internet")
    assert len(said.stderr.splitlines()) == 1


# --- JupyterLab ---


def test_a_taken_port_is_passed_over(tmp_path: Path) -> None:
    start = load(ROOT)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = ["--no-browser", f"--port={port}", "--IdentityProvider.token=t"]
        environ = start.course_environment({**os.environ, "HOME": str(tmp_path)})
        with subprocess.Popen(
            [sys.executable, *start.lab_arguments(options)],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as lab:
            try:
                other = port_of(lab)
                assert other != port
                assert "kernels" in patiently(f"http://127.0.0.1:{other}/api/status?token=t")
            finally:
                lab.terminate()


def patiently(address: str) -> str:
    """Return what an address answers, within ten seconds: the port is named before it listens."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return str(answer.read())
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def port_of(lab: "subprocess.Popen[str]") -> int:
    """Return the port that JupyterLab says it serves at, read from what it prints."""
    assert lab.stdout
    printed = ""
    for line in lab.stdout:
        printed += line
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/lab", line):
            return int(found[1])
    raise AssertionError(printed)


def test_jupyter_gets_a_home_in_the_course_when_there_is_no_other(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = load(course)
    assert "JUPYTER_DATA_DIR" not in start.course_environment({"HOME": str(tmp_path)})
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "file" / "home"))
    made = start.course_environment({"IPYTHONDIR": "mine"})
    assert Path(made["JUPYTER_DATA_DIR"]).is_relative_to(course / ".course")
    assert made["IPYTHONDIR"] == "mine"


def test_terminals_of_jupyterlab_find_the_python_of_the_course_first(installed: Path) -> None:
    start = load(installed)
    path = start.course_environment({"PATH": "elsewhere"})["PATH"].split(os.pathsep)
    assert path == [str(Path(python_of(installed)).parent), "elsewhere"]


# --- reset ---


def lesson(course: Path, name: str = "01_first_call") -> Path:
    """Return the path of a lesson."""
    return course / "notebooks" / f"{name}.ipynb"


def test_reset_gives_the_lesson_back_and_keeps_every_copy_beside_it(course: Path) -> None:
    shipped = lesson(course).read_bytes()
    load(course).keep_shipped()
    for number, mine in enumerate(("first try", "second try"), start=1):
        lesson(course).write_text(mine, encoding="utf-8")
        said = run(course, "reset", "01_first_call")
        assert said.returncode == 0, said.stderr
        kept = lesson(course, f"01_first_call.mine-{number}")
        assert kept.read_text(encoding="utf-8") == mine
        assert f"notebooks/{kept.name}" in said.stdout
        assert lesson(course).read_bytes() == shipped


def test_reset_brings_back_a_lesson_that_was_deleted(course: Path) -> None:
    shipped = lesson(course).read_bytes()
    load(course).keep_shipped()
    lesson(course).unlink()
    assert run(course, "reset", "notebooks/01_first_call.ipynb").returncode == 0
    assert lesson(course).read_bytes() == shipped


def test_reset_of_an_unchanged_lesson_does_nothing(course: Path) -> None:
    said = run(course, "reset", "01_first_call.ipynb")
    assert "nothing to do" in said.stdout
    assert not list(course.glob("notebooks/*.mine-*"))


def test_reset_gives_back_what_the_lesson_reads_and_leaves_other_lessons_alone(
    course: Path,
) -> None:
    load(course).keep_shipped()
    names = (
        "notebooks/data/rules.md",
        "recordings/01_first_call.json",
        "recordings/00_welcome.json",
    )
    data, recorded, other = (course / name for name in names)
    was = recorded.read_bytes()
    data.write_text("mine", encoding="utf-8")
    recorded.unlink()
    other.write_text("mine", encoding="utf-8")
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 0, said.stderr
    assert data.read_text(encoding="utf-8") == "# Rules\n"
    assert data.with_name("rules.mine-1.md").read_text(encoding="utf-8") == "mine"
    assert recorded.read_bytes() == was
    assert other.read_text(encoding="utf-8") == "mine"
    assert "Reload Notebook" not in said.stdout


def test_reset_touches_nothing_when_one_of_the_files_cannot_be_given_back(course: Path) -> None:
    load(course).keep_shipped()
    recorded = course / "recordings" / "01_first_call.json"
    recorded.write_text("mine", encoding="utf-8")
    lesson(course).write_text("mine", encoding="utf-8")
    start = load(course)
    (course / ".course" / "shipped" / start.shipped()["recordings/01_first_call.json"]).unlink()
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 1
    assert "recordings/01_first_call.json" in said.stderr
    assert lesson(course).read_text(encoding="utf-8") == "mine"


def test_reset_after_an_update_gives_the_new_version(course: Path) -> None:
    load(course).keep_shipped()
    new = notebook("# the new version")
    lesson(course).write_text(new, encoding="utf-8", newline="\n")
    assert run(course, "shipped").returncode == 0  # what an update brings: notebook and list
    load(course).keep_shipped()
    lesson(course).write_text("mine", encoding="utf-8")
    assert run(course, "reset", "01_first_call").returncode == 0
    assert lesson(course).read_text(encoding="utf-8") == new


def test_a_change_of_the_learner_is_never_taken_for_the_shipped_version(course: Path) -> None:
    lesson(course).write_text("mine", encoding="utf-8")
    load(course).keep_shipped()
    said = run(course, "reset", "01_first_call")
    assert said.returncode == 1
    assert "download the course again" in said.stderr
    assert lesson(course).read_text(encoding="utf-8") == "mine"


def test_reset_takes_what_git_has_when_no_copy_was_kept(course: Path) -> None:
    shipped = lesson(course).read_bytes()
    name = ["-c", "user.name=Reader", "-c", "user.email=reader@example.org"]
    for words in (["init", "-q"], ["add", "notebooks"], [*name, "commit", "-qm", "as shipped"]):
        subprocess.run(["git", *words], cwd=course, check=True)
    lesson(course).write_text("mine", encoding="utf-8")
    assert run(course, "reset", "01_first_call").returncode == 0
    assert lesson(course).read_bytes() == shipped


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("01_frist_call", "01_first_call"), ("01", "01_first_call"), ("zzz", "00_welcome, 01_first")],
)
def test_an_unknown_lesson_gets_one_sentence_with_the_nearest_names(
    course: Path, name: str, nearest: str
) -> None:
    said = run(course, "reset", name)
    assert said.returncode == 1
    assert f'no lesson called "{name}"; there is: {nearest}' in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_copies_of_the_learner_are_ignored_by_git() -> None:
    names = ["notebooks/01_first_call.mine-1.ipynb", "recordings/01_first_call.mine-1.json"]
    names += ["notebooks/my_try.ipynb", ".env", ".course/x"]
    said = subprocess.run(
        ["git", "-C", str(ROOT), "check-ignore", "--no-index", *names], capture_output=True
    )
    if said.returncode == 128:
        pytest.skip("not a git checkout")
    assert said.stdout.decode().split() == names


def test_the_list_of_shipped_files_is_up_to_date(covers: Callable[[str], None]) -> None:
    start = load(ROOT)
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("notebooks", "exercises", "recordings", "notebooks/data", "notebooks/images")
        for path in (ROOT / folder).glob("*.*")
        if path.is_file() and ".mine-" not in path.name and not path.name.startswith(("my_", "."))
        if path.suffix == ".ipynb" or folder not in {"notebooks", "exercises"}
    }
    covers(f"shipped: {len(found)} files that reset gives back")
    assert found, "nothing is there"
    stale = [path for path in found if start.shipped().get(path) != start.digest_of(ROOT / path)]
    assert not stale and found == set(start.shipped()), "run  python3 start.py shipped"


# --- doctor ---


def test_a_proxy_that_takes_the_loopback_too_needs_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    start = load(ROOT)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", "http://user:secret@192.0.2.1:3128")
    (finding,) = start.check_proxy()
    assert "NO_PROXY" in finding.remedy and "secret" not in str(finding)
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    (finding,) = start.check_proxy()
    assert not finding.remedy


def test_a_clock_before_the_date_of_the_lock_needs_a_look(course: Path) -> None:
    start = load(course)
    for date, remedy in (("2026-11-21", False), ("2999-01-01", True), ("2001-01-01", True)):
        (course / "requirements.txt").write_text(f"# made {date}\n", encoding="utf-8")
        clock = next(start.check_clock())
        assert bool(clock.remedy) == remedy, clock


# Built here, so that no string in this file looks like a key.
KEY = "sk-" + "ant-" + "api03-" + "Ab3" * 20


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        (KEY, ""),
        (KEY + "\n", "line end"),
        (" " + KEY, "space"),
        (f'"{KEY}"', "quote"),
        (f"“{KEY}”", "curly quote"),
        (KEY[:30] + " " + KEY[30:], "a space"),
        ("your-key-here", "placeholder"),
        (KEY[:10] + "...", "placeholder"),
        (KEY[:20], "too short"),
        ("Ab3" * 30, "another beginning"),
    ],
)
def test_the_shape_of_a_key_is_judged_without_showing_it(key: str, wrong: str) -> None:
    said = load(ROOT).what_is_wrong_with_key(key)
    assert wrong in said and bool(said) == bool(wrong)
    assert "Ab3" not in said


def test_the_doctor_gives_a_remedy_for_each_finding_and_never_shows_the_key(course: Path) -> None:
    for room in ("courseserver", "helpers", "practice"):
        shutil.copytree(ROOT / room, course / room)
    shutil.copy(ROOT / "requirements.txt", course)
    (course / ".env").write_text(f"ANTHROPIC_API_KEY={KEY[:50]}“\n", encoding="utf-8")
    environ = {"PYTHONPATH": str(course), "COURSE_MODE": "", "no_proxy": "127.0.0.1,localhost"}
    said = run(course, "doctor", **environ)
    lines = said.stdout.splitlines()
    look = [line for line in lines if line.startswith("! look")]
    assert said.returncode == 1, said.stderr
    assert [line.split()[2] for line in look] == ["Key"]
    assert sum("->" in line for line in lines) == len(look)
    assert not any(KEY[at : at + 6] in said.stdout + said.stderr for at in range(7, 44))
    (course / ".env").unlink()
    said = run(course, "doctor", **environ)
    assert said.returncode == 0, said.stdout
    assert "Mode         replay" in said.stdout and "All " in said.stdout


def test_the_doctor_without_an_environment_says_how_to_make_it(course: Path) -> None:
    said = run(course, "doctor", python=load(course).base_python())
    assert said.returncode == 1
    assert "start.py install" in said.stdout


# --- words ---


def test_an_unknown_word_gets_the_list_of_words(course: Path) -> None:
    said = run(course, "tset")
    assert said.returncode == 1
    assert '"tset" is not a word' in said.stderr and "doctor" in said.stderr
