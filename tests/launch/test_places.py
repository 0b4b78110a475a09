"""A file is written whole or not at all, whoever else writes it at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from launch.places import write_whole


def test_writers_of_one_file_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    path = tmp_path / "lesson.ipynb"
    contents = [bytes([number]) * 5000 for number in range(8)] * 50
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_whole(path, content), contents))
    assert path.read_bytes() in contents
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_file_that_cannot_be_replaced_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "lesson.ipynb").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "lesson.ipynb", b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["lesson.ipynb"]
