"""The environment that start.py makes: real Pythons, real installs, in folders of their own."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.launch.courses import ROOT, bring_launch, load, python_of, run


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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder whose .venv start.py has really made, with a lock of one local package."""
    folder = tmp_path_factory.mktemp("installed") / "Kurs für alle"
    bring_launch(folder)
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


def import_in(folder: Path, code: str) -> str:
    """Return what `code` prints in a folder's .venv, run from elsewhere as a kernel is."""
    command = [python_of(folder), "-c", code]
    environ = {**os.environ, "PYTHONPATH": ""}
    return subprocess.check_output(command, cwd=folder.parent, env=environ, text=True).strip()


# --- Python ---


def test_a_python_that_is_too_old_gets_one_sentence_that_names_both_versions() -> None:
    launch = load(ROOT, "__init__")
    sentence = launch.too_old((3, 9))
    assert "3.10 or newer" in sentence and "Python 3.9:" in sentence
    assert launch.too_old((3, 10)) == launch.too_old((3, 14)) == ""


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
        by_name = run(course, "help", python=python)
        as_module = subprocess.run(
            [python, "-m", "launch", "doctor"],
            cwd=course,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            encoding="utf-8",
        )
        for said in (by_name, as_module):
            assert said.returncode == 1
            assert said.stderr.startswith("This course needs Python 3.10 or newer")
            assert len(said.stderr.splitlines()) == 1


def test_start_py_alone_says_that_the_rest_is_missing(tmp_path: Path) -> None:
    shutil.copy(ROOT / "start.py", tmp_path)
    said = run(tmp_path, "install")
    assert said.returncode == 1
    assert said.stderr.startswith("The folder launch is not beside start.py")


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
    assert load(copied, "environment").what_is_missing() == "packages"
    assert run(copied, "install").returncode == 0
    assert import_in(copied, "import tiny; print(tiny.VERSION)") == "2.10"
    assert load(copied, "environment").what_is_missing() == ""


def test_a_package_with_another_checksum_is_refused_in_one_sentence(copied: Path) -> None:
    line = tiny_wheel(copied, "2.0").split("sha256:")[0] + "sha256:" + "0" * 64
    (copied / "requirements.txt").write_text(line + "\n", encoding="utf-8")
    said = run(copied, "install")
    assert said.returncode == 1
    assert "another checksum" in said.stderr and len(said.stderr.splitlines()) == 1
    assert load(copied, "environment").what_is_missing() == "packages"


def damage(venv: Path, how: str) -> None:
    """Leave .venv as an interrupted start, a system upgrade or an accident leaves it."""
    python = Path(python_of(venv.parent))
    if how == "interrupted":
        (venv / "course-unfinished.txt").touch()
    elif how == "its Python is gone":
        for path in python.parent.glob("python*"):
            path.unlink()
    elif how == "its settings are gone":
        (venv / "pyvenv.cfg").unlink()
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
        "its settings are gone",
        pytest.param(
            "its Python was replaced",
            marks=pytest.mark.skipif(os.name == "nt", reason="one folder for every version"),
        ),
        "empty",
        "a file",
    ],
)
def test_a_half_made_venv_is_recognised(copied: Path, how: str) -> None:
    assert load(copied, "environment").what_is_missing() == ""
    damage(copied / ".venv", how)
    assert load(copied, "environment").what_is_missing() == "everything"


def test_a_new_venv_is_never_made_from_the_one_that_it_replaces() -> None:
    code = "import sys; print(sys.prefix == sys.base_prefix, sys.version)"
    said = subprocess.check_output([load(ROOT, "environment").base_python(), "-c", code], text=True)
    assert said.strip() == f"True {sys.version}"


def test_a_half_made_venv_is_made_anew(copied: Path) -> None:
    damage(copied / ".venv", "interrupted")
    leftover = copied / ".venv" / "leftover"
    leftover.touch()
    said = run(copied, "install")
    assert said.returncode == 0, said.stderr
    assert "half made" in said.stdout and not leftover.exists()
    assert load(copied, "environment").what_is_missing() == ""


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


def test_a_package_that_went_to_another_place_is_not_called_installed(copied: Path) -> None:
    environment = load(copied, "environment")
    assert environment.lost_packages() == []
    lock = copied / "requirements.txt"
    lock.write_text(lock.read_text(encoding="utf-8") + "anthropic==1.0\n", encoding="utf-8")
    assert environment.lost_packages() == ["anthropic"]
    environment.STAMP.write_text(environment.stamp_text(), encoding="utf-8")
    assert environment.what_is_missing() == "everything"


def test_settings_of_pip_for_another_place_do_not_count(copied: Path, tmp_path: Path) -> None:
    (copied / "requirements.txt").write_text(tiny_wheel(copied, "3.0"), encoding="utf-8")
    elsewhere = str(tmp_path / "elsewhere")
    assert run(copied, "install", PIP_TARGET=elsewhere, PIP_PREFIX=elsewhere).returncode == 0
    assert import_in(copied, "import tiny; print(tiny.VERSION)") == "3.0"


def test_a_full_disk_is_named_also_when_the_log_cannot_be_written(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = load(copied, "install")
    (copied / "my-course" / ".course" / "install.log").mkdir(parents=True)  # in its place
    said = "OSError: [Errno 28] No space left on device"
    monkeypatch.setattr(install, "run", lambda command: (1, said))
    with pytest.raises(install.StartError, match=r"^The disk is full: free about 1 GB[^(]*$"):
        install.install(None)
