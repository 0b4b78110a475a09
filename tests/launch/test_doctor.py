"""The doctor: what it looks at, a remedy for each finding, and never a part of the key."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.courses import ROOT, load, run
from tests.support import ROOMS

# --- doctor ---


def test_a_proxy_that_takes_the_loopback_too_needs_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    doctor = load(ROOT, "doctor")
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", "http://user:secret@192.0.2.1:3128")
    (finding,) = doctor.check_proxy()
    assert "NO_PROXY" in finding.remedy and "secret" not in str(finding)
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    (finding,) = doctor.check_proxy()
    assert not finding.remedy


def test_a_clock_before_the_date_of_the_lock_needs_a_look(course: Path) -> None:
    doctor = load(course, "doctor")
    for date, remedy in (("2026-11-21", False), ("2999-01-01", True), ("2001-01-01", True)):
        (course / "requirements.txt").write_text(f"# made {date}\n", encoding="utf-8")
        clock = next(doctor.check_clock())
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
    said = load(ROOT, "doctor").what_is_wrong_with_key(key)
    assert wrong in said and bool(said) == bool(wrong)
    assert "Ab3" not in said


def test_the_doctor_gives_a_remedy_for_each_finding_and_never_shows_the_key(course: Path) -> None:
    for room in ROOMS:
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
    said = run(course, "doctor", python=load(course, "environment").base_python())
    assert said.returncode == 1
    assert "start.py install" in said.stdout


def test_the_doctor_is_reached_from_any_folder_as_a_module(course: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "launch", "doctor"],
        cwd=course / "notebooks",
        env={**os.environ, "PYTHONPATH": str(course)},
        capture_output=True,
        encoding="utf-8",
    )
    assert "+ ok    Python" in said.stdout, said.stderr


def test_a_key_beside_the_lessons_is_found_where_it_is_not_read(course: Path) -> None:
    (course / "my-course").mkdir()
    (course / "my-course" / ".env").write_text("ANTHROPIC_API_KEY=x\n", encoding="utf-8")
    [finding] = load(course, "doctor").check_settings()
    assert finding.remedy == "move it beside start.py" and "my-course" in finding.text


def test_a_file_of_settings_that_begins_with_invisible_bytes_needs_a_look(course: Path) -> None:
    (course / ".env").write_bytes("COURSE_MODE=replay\n".encode("utf-16"))
    [finding] = load(course, "doctor").check_settings()
    assert "UTF-8" in finding.remedy
