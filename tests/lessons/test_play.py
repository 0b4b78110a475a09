"""What a lesson invites to try is recorded: each question of a paragraph that begins with Play.

It compares texts only. That the replies can be reached is for the lessons' own checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from courseserver.recordings import Recordings
from tests.support import ROOT

QUESTION = re.compile(r"`([A-Z][^`]+[.?])`")  # in code font, and a sentence


def invitations(path: Path) -> Iterator[str]:
    """The questions that a lesson invites its reader to ask."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for part in cell.source.split("**Play.**")[1:]:
                yield from QUESTION.findall(part.partition("\n#")[0])


LESSONS = [path for path in (ROOT / "notebooks").glob("[0-9]*.ipynb") if [*invitations(path)]]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_what_a_lesson_invites_to_ask_is_recorded(
    path: Path, covers: Callable[[str], None]
) -> None:
    text = (ROOT / "recordings" / f"{path.stem}.json").read_text(encoding="utf-8")
    known = {json.dumps(each.request) for each in Recordings.parse(text, path.stem).exchanges}
    asked = list(invitations(path))
    for question in asked:
        assert any(json.dumps(question) in request for request in known), question
    covers(f"{path.stem}: {len(asked)} questions that it invites to ask")
