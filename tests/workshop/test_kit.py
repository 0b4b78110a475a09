"""The offline kit: what is copied, which packages, and an install from it without a network."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from tests.launch.courses import bring_launch, run
from tests.launch.test_environment import digest_of, import_in, make_wheel
from workshop import WorkshopError
from workshop.kit import copy_course, files_of_course, make_kit
from workshop.wheels import PYTHONS, SYSTEMS, lock_for, locks_for, requirements

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")
NOT_COPIED = {".ci/run", ".github/workflows/ci.yml", ".pre-commit-config.yaml"}
[WINDOWS] = SYSTEMS["windows"]
[LINUX] = SYSTEMS["linux"]


def test_the_kit_has_every_file_of_the_course_and_no_other() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the course has no git, which knows its files")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.check_output(listed, cwd=ROOT, text=True).splitlines()
    there = {name for name in files if (ROOT / name).exists()}
    copied = {path.as_posix() for path in files_of_course(ROOT)}
    assert copied == there - NOT_COPIED


def test_nothing_of_the_instructor_is_copied(tmp_path: Path) -> None:
    course = tmp_path / "course"
    for name in ("start.py", "notebooks/01_first_call.ipynb", ".env.example"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("of the course", encoding="utf-8")
    own = (".env", "notebooks/my_walk.json", "my-course/notebooks/01.ipynb", ".venv/x.py")
    for name in (*own, "notebooks/.env", "notes.txt", "helpers/__pycache__/a.pyc"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("sk-ant-", encoding="utf-8")
    kit = tmp_path / "kit"
    copy_course(course, kit)
    texts = {p.relative_to(kit).as_posix(): p.read_text() for p in kit.rglob("*") if p.is_file()}
    assert set(texts) == {"start.py", "notebooks/01_first_call.ipynb", ".env.example"}
    (course / "notebooks/01_first_call.ipynb").unlink()
    copy_course(course, kit)
    assert not (kit / "notebooks/01_first_call.ipynb").exists(), "the kit follows the course"


def test_the_kit_is_not_made_over_the_course(tmp_path: Path) -> None:
    course = tmp_path / "claude-course"
    course.mkdir()
    with pytest.raises(WorkshopError, match="the course itself"):
        make_kit(course, tmp_path, ["linux"], ["3.12"], packed=False)


def test_every_line_of_the_lock_is_read_with_its_hashes() -> None:
    begins = [line for line in LOCK.splitlines() if line[:1].isalnum()]
    read = list(requirements(LOCK))
    assert [line.split("==")[0] for line in begins] == [each.name for each, _ in read]
    assert all("--hash=sha256:" in text for _, text in read)


@pytest.mark.parametrize("python", PYTHONS)
def test_a_package_stands_once_in_the_lock_of_a_system(python: str) -> None:
    for system in (one for many in SYSTEMS.values() for one in many):
        names = [line.split("==")[0] for line in lock_for(LOCK, system, python)]
        assert len(names) == len(set(names)) > 100
        assert ("pywin32" in names) == (system is WINDOWS)
        assert ("appnope" in names) == (system.sys_platform == "darwin")
    old = [line for line in lock_for(LOCK, LINUX, "3.10") if line.startswith("starlette==")]
    new = [line for line in lock_for(LOCK, LINUX, "3.14") if line.startswith("starlette==")]
    assert old != new, "one version for 3.10 and one for the others"
    assert ";" not in "".join(old + new) and "--hash=sha256:" in old[0]


def test_a_python_of_any_patch_finds_its_packages_on_the_stick() -> None:
    major, minor, patch = platform.python_version_tuple()
    python = f"{major}.{minor}"
    on_the_stick = [line for lines in locks_for(LOCK, LINUX, python).values() for line in lines]
    assert set(lock_for(LOCK, LINUX, python, int(patch))) <= set(on_the_stick)
    lock = """\
a==1 ; python_full_version < '3.11.5' --hash=sha256:0
a==2 ; python_full_version >= '3.11.5' --hash=sha256:1
b==1 --hash=sha256:2
"""
    told = locks_for(lock, LINUX, "3.11")
    names = {patch: [line.split()[0] for line in lines] for patch, lines in told.items()}
    assert names == {0: ["a==1", "b==1"], 5: ["a==2"]}
    assert list(locks_for(lock, LINUX, "3.12")) == [0]


def test_start_py_installs_from_the_wheels_beside_it_and_from_nowhere_else(tmp_path: Path) -> None:
    kit = tmp_path / "a stick"
    bring_launch(kit)
    wheel = make_wheel(kit / "wheels", "tiny", "1.0")
    lock = f"tiny==1.0 {digest_of(wheel)}\n"
    (kit / "requirements.txt").write_text(lock, encoding="utf-8")
    # An index that does not exist stands for the missing network.
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "UV_INDEX_URL": "http://127.0.0.1:9/"}
    done = run(kit, "install", **nowhere)
    assert "Installed." in done.stdout, done.stdout + done.stderr
    assert import_in(kit, "import tiny; print(tiny.VERSION)") == "1.0"


def test_a_kit_that_does_not_fit_the_machine_says_so_in_a_sentence(tmp_path: Path) -> None:
    kit = tmp_path / "a stick"
    bring_launch(kit)
    make_wheel(kit / "wheels", "tiny", "1.0")
    (kit / "requirements.txt").write_text(f"tiny==2.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    done = run(kit, "install")
    assert done.returncode == 1
    assert "The folder wheels of this kit does not have all packages" in done.stderr
    assert "Traceback" not in done.stderr
