"""The courses that several tests of launch/ start from."""

from pathlib import Path

import pytest

from tests.launch.courses import make_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course folder that nobody has started yet."""
    return make_course(tmp_path / "Kurs für alle")
