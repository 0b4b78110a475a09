"""COURSE_PACE: what a person types there never makes a reply wait for ever."""

from __future__ import annotations

import pytest

from courseserver.pace import pace


@pytest.mark.parametrize(
    ("typed", "found"),
    [("", 1), ("0", 0), ("0.5", 0.5), ("-1", 0), ("quick", 1), ("1,5", 1), ("inf", 20),
     ("1e9", 20), ("nan", 0)],
)  # fmt: skip
def test_the_pace_is_a_number_from_0_to_20(
    monkeypatch: pytest.MonkeyPatch, typed: str, found: float
) -> None:
    monkeypatch.setenv("COURSE_PACE", typed)
    assert pace() == found
