"""The growing text of lesson 04: a widget in a notebook, plain text where there is none.

The kernel and the widgets are real; a browser is not part of it. It must not know the lesson.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from authoring.kernel import WIDGET_VIEW, running
from helpers import LiveText

PIECES = ["Heat ", "the <b>oven</b>", " to 180 °C."]
WATCHED = f"""
from helpers import LiveText
seen = []
with LiveText() as live:
    live.widget.observe(lambda change: seen.append(change.new), "value")
    for piece in {PIECES!r}:
        live.write(piece)
"""


def run(folder: Path, *sources: str, tags: tuple[str, ...] = ()) -> list[Any]:
    """The cells of a new notebook, run in order in one kernel; the tags go to the first cell."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = list(tags)
    notebook = nbformat.v4.new_notebook(cells=cells)
    with running(folder / "live.ipynb", notebook) as runner:
        return [runner.run(number) for number in range(len(cells))]


def printed(cell: Any) -> str:
    """What a cell printed."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_in_a_script_each_piece_is_printed_when_it_comes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with LiveText() as live:
        for piece in PIECES:
            live.write(piece)
            assert capsys.readouterr().out == piece
    assert live.text == "".join(PIECES)


def test_the_time_to_the_first_piece_is_kept_and_that_to_the_last_one_grows() -> None:
    with LiveText() as live:
        live.write(PIECES[0])
        assert 0 < live.first == live.took
        live.write(PIECES[1])
    assert live.took > live.first


def test_in_a_notebook_the_widget_grows_with_every_piece_and_says_when(tmp_path: Path) -> None:
    look = "print([('first text: ' in value, 'Heat' in value) for value in seen])"
    _, looked = run(tmp_path, WATCHED, look, tags=("paced",))
    assert printed(looked) == f"{[(True, True)] * len(PIECES)}\n"


def test_without_pacing_the_widget_is_filled_once(tmp_path: Path) -> None:
    _, looked = run(tmp_path, WATCHED, "print(len(seen), '6 words' in seen[0])")
    assert printed(looked) == "1 True\n"


def test_the_text_is_shown_as_text_and_not_read_as_html(tmp_path: Path) -> None:
    look = "print('&lt;b&gt;' in live.widget.value, '<b>' in live.widget.value)"
    _, looked = run(tmp_path, WATCHED, look)
    assert printed(looked) == "True False\n"


def test_where_no_widget_shows_the_whole_text_stands_in_its_place(tmp_path: Path) -> None:
    (cell,) = run(tmp_path, WATCHED)
    (output,) = cell.outputs
    assert output.data["text/plain"] == "".join(PIECES)
    assert WIDGET_VIEW in output.data


def test_a_stream_that_breaks_leaves_its_text_and_its_error(tmp_path: Path) -> None:
    broken = "from helpers import LiveText\nwith LiveText() as live:\n    live.write('Heat')\n"
    (cell,) = run(tmp_path, broken + "    raise OSError('cut')", tags=("raises-exception",))
    shown, error = cell.outputs
    assert shown.data["text/plain"] == "Heat"
    assert error.evalue == "cut"
