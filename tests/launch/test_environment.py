"""The environment that start.py makes: real Pythons, real installs, in folders of their own."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from launch import install
from tests.launch.courses import ROOT, bring_launch, load, python_of, run


def make_wheel(folder: Path, name: str, version: str) -> Path:
    """Write a package of one module into `folder` as a wheel; return the wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        # Of another length in each version: bytecode is told apart by second and size.
        archive.writestr(f"{name}/__init__.py", f"VERSION = {version!r}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        files = (f"{name}/__init__.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in files))
    return wheel


def digest_of(wheel: Path) -> str:
    """Return the checksum of a wheel, as a lock has it."""
    return "--hash=sha256:" + hashlib.sha256(wheel.read_bytes()).hexdigest()


def tiny_wheel(folder: Path, version: str) -> str:
    """Write a package `tiny` into `folder`; return its line for a lock, with its checksum."""
    wheel = make_wheel(folder, "tiny", version)
    return f"tiny @ {wheel.as_uri()} {digest_of(wheel)}\n"


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
    words = [sys.executable, "-S", "start.py", "install"]  # -S: no .pth that finds the course
    said = subprocess.run(
        words, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=False
    )
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
    assert list(installed.glob(".venv/**/tiny/__pycache__/*.pyc")), "bytecode is not compiled"


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


def test_what_is_gone_from_the_environment_is_noticed(copied: Path) -> None:
    environment = load(copied, "environment")
    assert environment.lost_packages() == []
    lock = copied / "requirements.txt"
    lock.write_text(lock.read_text(encoding="utf-8") + "anthropic==1.0\n", encoding="utf-8")
    assert environment.lost_packages() == ["anthropic"]
    environment.STAMP.write_text(environment.stamp_text(), encoding="utf-8")
    assert environment.what_is_missing() == "everything"


def test_the_line_that_makes_the_course_importable_is_written_again(copied: Path) -> None:
    [pth] = copied.glob(".venv/**/course.pth")
    pth.unlink()
    assert run(copied, "install").returncode == 0
    assert import_in(copied, "import helpers; print(helpers.HERE)") == "1"


def lock_ipywidgets(course: Path, wheels: Path) -> dict[str, str]:
    """Lock a package that no start can do without; return the settings of pip to find it."""
    wheel = make_wheel(wheels, "ipywidgets", "1.0")
    line = f"ipywidgets==1.0 {digest_of(wheel)}\n"
    (course / "requirements.txt").write_text(line, encoding="utf-8")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_INDEX_URL": ""}


def test_a_package_that_cannot_be_imported_is_noticed_and_installed_again(
    copied: Path, tmp_path: Path
) -> None:
    environ = lock_ipywidgets(copied, tmp_path / "wheels")
    assert run(copied, "install", **environ).returncode == 0
    [module] = copied.glob(".venv/**/ipywidgets/__init__.py")
    module.write_text("raise ImportError('half a file')\n", encoding="utf-8")
    assert load(copied, "environment").why_broken() == "ImportError: half a file"
    said = run(copied, "install", **environ)
    assert said.returncode == 0 and "Installed." in said.stdout, said.stderr
    assert load(copied, "environment").why_broken() == ""
    assert "Installed." not in run(copied, "install", **environ).stdout


def test_what_pip_calls_installed_and_cannot_be_imported_is_no_success(
    copied: Path, tmp_path: Path
) -> None:
    environ = lock_ipywidgets(copied, tmp_path / "wheels")
    wheel = tmp_path / "wheels" / "ipywidgets-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("ipywidgets/broken.py", "")
    with zipfile.ZipFile(tmp_path / "new.whl", "w") as new, zipfile.ZipFile(wheel) as old:
        for name in old.namelist():
            broken = name == "ipywidgets/__init__.py"
            new.writestr(name, "import not_there" if broken else old.read(name))
    (tmp_path / "new.whl").replace(wheel)
    lock = f"ipywidgets==1.0 {digest_of(wheel)}\n"
    (copied / "requirements.txt").write_text(lock, encoding="utf-8")
    said = run(copied, "install", **environ)
    assert said.returncode == 1 and "Installed." not in said.stdout
    assert "cannot be imported" in said.stderr and "not_there" in said.stderr


# --- nothing is installed outside the course's folder ---

ELSEWHERE = {
    "PIP_TARGET": "elsewhere",
    "PIP_PREFIX": "elsewhere",
    "PIP_ROOT": "elsewhere",
    "PIP_USER": "1",
    "PIP_PYTHON": sys.executable,
    "PIP_DRY_RUN": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PYTHONUSERBASE": "elsewhere",
    "UV_SYSTEM_PYTHON": "1",
    "UV_PROJECT_ENVIRONMENT": "elsewhere",
    "VIRTUAL_ENV": "elsewhere",
    "CONDA_PREFIX": "elsewhere",
}


@pytest.mark.parametrize("kind", ["variables", "a file", "a file of install"])
def test_settings_of_pip_and_uv_for_another_place_do_not_count(
    copied: Path, tmp_path: Path, kind: str
) -> None:
    environ = lock_ipywidgets(copied, tmp_path / "wheels")
    elsewhere = tmp_path / "elsewhere"
    if kind == "variables":
        for name, value in ELSEWHERE.items():
            environ[name] = str(elsewhere) if value == "elsewhere" else value
    else:
        section = "install" if kind == "a file of install" else "global"
        settings = tmp_path / "pip.conf"
        settings.write_text(
            f"[{section}]\nno-index = true\ntarget = {elsewhere}\n"
            f"find-links =\n  {tmp_path / 'nothing'}\n  {tmp_path / 'wheels'}\n",
            encoding="utf-8",
        )
        environ = {"PIP_CONFIG_FILE": str(settings), "PIP_FIND_LINKS": ""}
    said = run(copied, "install", HOME=str(tmp_path / "home"), **environ)
    assert said.returncode == 0, said.stderr
    assert import_in(copied, "import ipywidgets; print(ipywidgets.VERSION)") == "1.0"
    assert not elsewhere.exists()


def test_a_venv_that_is_a_link_is_left_alone_and_not_installed_into(
    copied: Path, tmp_path: Path
) -> None:
    other = tmp_path / "another environment"
    (copied / ".venv").rename(other)
    (copied / ".venv").symlink_to(other)
    assert run(copied, "install").stdout.startswith("Ready."), "it is complete"
    before = sorted(other.rglob("*"))
    (copied / "requirements.txt").write_text(tiny_wheel(copied, "3.0"), encoding="utf-8")
    said = run(copied, "install")
    assert said.returncode == 0, said.stderr
    assert not (copied / ".venv").is_symlink()
    assert sorted(other.rglob("*")) == before


def test_a_venv_that_sees_the_packages_of_the_system_is_made_anew(copied: Path) -> None:
    settings = copied / ".venv" / "pyvenv.cfg"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("packages = false", "packages = true"), encoding="utf-8")
    assert not load(copied, "environment").usable(with_pip=True)


def test_without_its_settings_nothing_is_installed_into_the_learners_python(
    copied: Path,
) -> None:
    assert load(copied, "environment").usable(with_pip=True)
    (copied / ".venv" / "pyvenv.cfg").unlink()
    assert not load(copied, "environment").usable(with_pip=True)


def test_variables_of_python_do_not_reach_the_installer(copied: Path, tmp_path: Path) -> None:
    (copied / "requirements.txt").write_text(tiny_wheel(copied, "3.0"), encoding="utf-8")
    for name in ("json.py", "pip.py", "tempfile.py", "launch.py"):
        (tmp_path / name).write_text("raise SystemExit('not the real one')\n", encoding="utf-8")
    said = run(
        copied,
        "install",
        PYTHONPATH=str(tmp_path),
        PYTHONWARNINGS="error",
        PYTHONOPTIMIZE="2",
        PYTHONINSPECT="",
        PYTHONSAFEPATH="1",
        PYTHONSTARTUP=str(tmp_path / "json.py"),
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert import_in(copied, "import tiny; print(tiny.VERSION)") == "3.0"


# --- several at once, and an end in between ---


def test_two_first_installs_at_once_do_one_after_the_other(course: Path) -> None:
    (course / "requirements.txt").write_text(tiny_wheel(course, "1.0"), encoding="utf-8")
    starts = [
        subprocess.Popen(
            [sys.executable, "start.py", "install"],
            cwd=course,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    printed = [start.communicate(timeout=300)[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], printed
    assert sorted("Installed." in text for text in printed) == [False, True], printed
    assert sum("waits for it" in text for text in printed) == 1, printed
    assert import_in(course, "import tiny; print(tiny.VERSION)") == "1.0"


def test_an_installer_does_not_go_on_after_ctrl_c(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(what: str) -> None:
        raise KeyboardInterrupt

    install = load(copied, "install")
    monkeypatch.setattr(install, "show_progress", stopped)
    done = tmp_path / "went on to the end"
    code = (
        "import pathlib, time; print('Collecting', flush=True); time.sleep(20);"
        f"pathlib.Path({str(done)!r}).touch()"
    )
    with pytest.raises(KeyboardInterrupt):
        install.run([sys.executable, "-c", code], os.environ)
    assert not done.exists()


@pytest.mark.skipif(os.name == "nt", reason="no file name has a ; and : is the drive there")
def test_a_folder_in_which_python_makes_no_environment_is_named(tmp_path: Path) -> None:
    bring_launch(tmp_path / "a:b")
    (tmp_path / "a:b" / "requirements.txt").touch()
    said = run(tmp_path / "a:b", "install")
    assert said.returncode == 1 and len(said.stderr.splitlines()) == 1
    assert "a:b: give the folder another name" in said.stderr


def test_the_log_keeps_no_password_and_no_token_of_an_index() -> None:
    output = "Looking in indexes: https://me:hidden@index.example/simple?token=hidden, ok?\nend"
    assert install.without_secrets(output) == (
        "Looking in indexes: https://index.example/simple?(not kept) ok?\nend"
    )


def test_a_full_disk_is_named_also_when_the_log_cannot_be_written(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = load(copied, "install")
    (copied / "my-course" / ".course" / "install.log").mkdir(parents=True)  # in its place
    said = "OSError: [Errno 28] No space left on device"
    monkeypatch.setattr(install, "run", lambda command, environ: (1, said))
    with pytest.raises(install.StartError, match=r"^The disk is full: free about 1 GB[^(]*$"):
        install.install(None)
