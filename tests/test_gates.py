"""tests/gates.py: the loop of `start.py test`, and the environment that it gives its gates."""

import pytest

from tests import gates


def test_a_gate_without_files_is_red_and_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_, fail = ["-c", "pass"], ["-c", "raise SystemExit(3)"]
    table = [
        gates.Gate("bad", "fails", fail, ["a"]),
        gates.Gate("none", "covers nothing", pass_, []),
        gates.Gate("good", "passes", pass_, ["a", "b"]),
    ]
    monkeypatch.setattr(gates, "gates", lambda: table)
    assert gates.main([]) == 1
    said = capsys.readouterr().out
    assert "RED: exit code 3" in said and "RED: no file to cover" in said
    assert "good        2 files" in said and "2 of 3 gates red." in said
    assert gates.main(["good"]) == 0
    assert "Not run: bad, none" in capsys.readouterr().out
    assert gates.main(["typo"]) == 2


def test_the_gates_run_in_replay_whatever_the_caller_has_set() -> None:
    caller = {"ANTHROPIC_API_KEY": "x", "COURSE_MODEL": "y", "COURSE_MODE": "live", "HOME": "h"}
    made = gates.clean_environment({**caller, "PYTHONDONTWRITEBYTECODE": "1"}, "scratch")
    assert made == {
        "HOME": "h",
        "COURSE_MODE": "replay",
        "COURSE_PACE": "0",
        "IPYTHONDIR": "scratch",
    }
