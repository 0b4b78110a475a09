"""`start.py test --sdk`: real environments from a folder of small wheels, without a network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launch import sdk
from launch.places import StartError
from tests.launch.courses import run, write
from tests.launch.test_environment import digest_of, make_wheel

# Stands in for the program that runs the lessons: it says what is installed beside what.
PROGRAM = """
import os, sys
from importlib.metadata import version
print("ran with", version("anthropic"), "and tiny", version("tiny"), *sys.argv[1:])
print("of its own:", sys.prefix != sys.base_prefix, ".venv" not in sys.prefix)
print("first on the PATH:", os.environ["PATH"].startswith(os.path.dirname(sys.executable)))
sys.exit(3)
"""


@pytest.fixture
def shelf(course: Path, tmp_path: Path) -> dict[str, str]:
    """A course whose lock has the SDK 2.0; the variables that make a folder the only index."""
    wheels = tmp_path / "wheels"
    lines = ["# the lock"]
    for name, version in (("anthropic", "2.0"), ("tiny", "1.0")):
        wheel = make_wheel(wheels, name, version)
        lines.append(f"{name}=={version} \\\n    {digest_of(wheel)}\n    # via -r requirements.in")
    write(course / "requirements.txt", "\n".join(lines) + "\n")
    for version in ("1.9", "2.10", "3.0b1"):
        make_wheel(wheels, "anthropic", version)
    write(course / "authoring/other_sdk.py", PROGRAM)
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_INDEX_URL": "",
        "PIP_CONFIG_FILE": os.devnull,
        "PATH": os.defpath,  # without uv, which knows no such variable
    }


@pytest.mark.parametrize(
    ("word", "version"), [("1.9", "1.9"), ("newest", "2.10"), ("pre", "3.0b1")]
)
def test_the_lessons_run_with_that_sdk_beside_the_packages_of_the_lock(
    course: Path, shelf: dict[str, str], word: str, version: str
) -> None:
    done = run(course, "test", "--sdk", word, "01", **shelf)
    assert f"ran with {version} and tiny 1.0 01\n" in done.stdout, done.stdout + done.stderr
    assert "of its own: True True" in done.stdout
    assert "first on the PATH: True" in done.stdout
    assert done.returncode == 3  # that of the program
    assert not (course / ".venv").exists()
    assert not list((course / "my-course/.course").glob("sdk-*"))


def test_a_version_that_was_never_published_is_a_sentence(
    course: Path, shelf: dict[str, str]
) -> None:
    done = run(course, "test", "--sdk", "2.99", **shelf)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("There is no anthropic==2.99 for this Python. The newest are ")
    assert "2.10" in line
    assert not list((course / "my-course/.course").glob("sdk-*"))


def test_without_a_network_it_is_a_sentence(course: Path) -> None:
    nowhere = "http://127.0.0.1:9/simple"
    settings = {"PIP_INDEX_URL": nowhere, "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    settings |= {"PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull, "PATH": os.defpath}
    done = run(course, "test", "--sdk", "2.5.0", **settings)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("anthropic==2.5.0 could not be downloaded: connect to the internet")


@pytest.mark.parametrize("words", [[], ["latest"], ["2.5.x"], [">=2"], ["2.5.0; rm"], ["-e ."]])
def test_what_is_no_version_is_a_sentence_before_anything_is_made(
    course: Path, words: list[str]
) -> None:
    done = run(course, "test", "--sdk", *words)
    assert done.returncode == 1 and done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "test --sdk 2.5.0" in line and "newest" in line
    assert not (course / "my-course").exists()


@pytest.mark.parametrize("word", ["2.5.0", "2", "2.6.0rc1", "2.6.0b2.dev3", "1.0.post1"])
def test_what_is_a_version_is_asked_for_exactly(word: str) -> None:
    assert sdk.requirement(word) == f"anthropic=={word}"


def test_only_the_sdk_is_taken_out_of_the_lock() -> None:
    lock = "a==1 \\\n    --hash=x\nanthropic==2.0 \\\n    --hash=y\n    # via\nanthropic-x==1\n"
    assert sdk.without_sdk(lock) == "a==1 \\\n    --hash=x\nanthropic-x==1\n"


def test_another_problem_is_told_as_at_the_first_start() -> None:
    assert "The disk is full" in sdk.why_not("OSError: [Errno 28] No space left", "anthropic")


def test_a_start_error_is_one_sentence_of_the_course() -> None:
    with pytest.raises(StartError, match="No version is named"):
        sdk.requirement("")
