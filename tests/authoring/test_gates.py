"""The gates of `start.py test`: a loop that goes on, and names that reach the right gate."""

from __future__ import annotations

import pytest

from authoring import gates
from authoring.environment import OURS, clean_environment
from tests.support import ROOT

PASS, FAIL = ["-c", "pass"], ["-c", "raise SystemExit(3)"]


def test_a_gate_without_files_is_red_and_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = [
        gates.Gate("bad", "fails", FAIL, ["a"]),
        gates.Gate("none", "covers nothing", PASS, []),
        gates.Gate("good", "passes", PASS, ["a", "b"]),
    ]
    monkeypatch.setattr(gates, "gates", lambda: table)
    assert gates.main([]) == 1
    said = capsys.readouterr().out
    assert "RED: exit code 3" in said and "RED: no file to cover" in said
    assert "good        2 files" in said and "2 of 3 gates red." in said
    assert gates.main(["good"]) == 0
    assert "Not run: bad, none" in capsys.readouterr().out


def test_a_word_that_is_neither_a_gate_nor_a_lesson_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert gates.main(["typo"]) == 2
    assert "No gate or lesson typo; there is: ruff" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["06b", "6b", "06b_more_tools"])
def test_the_name_of_a_lesson_runs_its_check_and_nothing_else(
    word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[gates.Gate] = []

    def keep(gate: gates.Gate, environ: object) -> tuple[str, float]:
        ran.append(gate)
        return "ok", 0.0

    monkeypatch.setattr(gates, "run", keep)
    assert gates.main([word]) == 0
    [gate] = ran
    assert gate.command == ["-m", "authoring", "check", word]
    assert gate.covers == ["notebooks/06b_more_tools.ipynb"]


def test_every_lesson_is_covered_by_nbval_and_by_the_check() -> None:
    written = {f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    covered = {gate.name: set(gate.covers) for gate in gates.gates()}
    assert written <= covered["nbval"] & covered["check"]


def test_a_run_is_in_replay_whatever_the_caller_has_set() -> None:
    caller = {"ANTHROPIC_API_KEY": "x", "COURSE_MODEL": "y", "COURSE_MODE": "live", "HOME": "h"}
    caller |= {"PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "pdf", "PYTHONPATH": "mine"}
    caller |= {"CI": "true", "BUILD_NUMBER": "3", "PYTEST_ADDOPTS": "-v", "COLUMNS": "300"}
    caller |= {
        "FORCE_COLOR": "1",
        "PYTHONWARNINGS": "error",
        "JUPYTER_PATH": "p",
        "NEVER_SEEN": "1",
    }
    made = clean_environment(caller, "scratch", ())
    state = made.pop("COURSE_STATE")
    assert state.startswith("scratch")
    assert made == {
        "HOME": "h",
        "PYTHONPATH": "mine",
        "IPYTHONDIR": "scratch",
        "COURSE_MODE": "replay",
        "COURSE_PACE": "0",
    }


def test_a_run_keeps_what_programs_and_installs_need() -> None:
    words = "PATH SystemRoot TMPDIR LANG LC_ALL https_proxy NO_PROXY SSL_CERT_FILE PIP_FIND_LINKS "
    words += "UV_INDEX_URL USERPROFILE ProgramFiles(x86) LD_LIBRARY_PATH PY_PYTHON"
    caller = dict.fromkeys(words.split(), "x")
    assert clean_environment(caller, "scratch", ()).items() >= caller.items()
    assert not [name for name in caller if name.startswith(OURS)]
