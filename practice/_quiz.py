"""`quiz("01")`: the questions at the end of a lesson, answered from a cell or with buttons.

The questions stand in the lesson's notebook and nowhere else; they are read from there. Answers
are shown in `progress()` and never required.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from helpers.lessons import BY_NUMBER
from practice._progress import Store, tell

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
QUESTION = re.compile(r"^### (\d+)\. (.+)$", re.M)
OPTION = re.compile(r"<details><summary>([a-z])\) (.*?)</summary>(.*?)</details>", re.S)


@dataclass(frozen=True)
class Question:
    """One question: its options by letter, each with its reason. The right one's begins "Yes"."""

    number: int
    text: str
    options: dict[str, str]
    reasons: dict[str, str]

    @property
    def right(self) -> list[str]:
        """The letters whose reason begins with "Yes"; there should be one."""
        return [letter for letter, reason in self.reasons.items() if reason.startswith("Yes")]


def read(path: Path) -> list[Question]:
    """The questions of a lesson's notebook, in order; none when it has no quiz."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    quiz = "".join(text.partition("## Three questions")[2] for text in texts)
    parts = QUESTION.split(quiz)[1:]
    found = []
    for number, text, rest in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        options = OPTION.findall(rest)
        found.append(
            Question(
                int(number),
                text.strip(),
                {letter: _code(option) for letter, option, _ in options},
                {letter: _code(reason).strip() for letter, _, reason in options},
            )
        )
    return found


def _code(text: str) -> str:
    return unescape(re.sub(r"</?code>", "`", text))


class Quiz:
    """The questions of one lesson. Display it to read them; `answer(1, "b")` answers one."""

    def __init__(self, lesson: str, questions: list[Question], store: Store | None = None) -> None:
        self.lesson, self.questions, self.store = lesson, questions, store or Store()

    def answer(self, number: int, letter: str) -> None:
        """Say whether the option is right, and why; the answer is noted in your progress."""
        tell(self.reason(number, letter))

    def reason(self, number: int, letter: str) -> str:
        """The same as Markdown."""
        question = next((q for q in self.questions if q.number == number), None)
        letter = letter.strip().lower()
        if question is None or letter not in question.options:
            last = len(self.questions)
            return f'There is no such option. An answer looks like `.answer(1, "b")`, up to {last}.'
        right = letter in question.right
        self.store.add(f"quiz {self.lesson}.{number}", "correct" if right else "wrong", letter)
        mark = "Right ✓" if right else "Not this one ✗"
        return f"**{number} {letter}) {mark}** {question.reasons[letter]}"

    def _repr_markdown_(self) -> str:
        lines = []
        for question in self.questions:
            lines.append(f"**{question.number}. {question.text}**")
            lines += [f"- {letter}) {text}" for letter, text in question.options.items()]
            lines.append("")
        call = f'`quiz("{self.lesson}").answer(1, "b")`'
        return "\n".join(
            [*lines, f"Answer with {call}, or `.buttons()` in place of `.answer(...)`."]
        )

    def __repr__(self) -> str:
        return self._repr_markdown_()

    def buttons(self) -> Any:
        """The same with radio buttons; they work by keyboard too."""
        import ipywidgets as widgets

        rows: list[Any] = []
        for question in self.questions:
            choices = [(f"{k}) {v.replace('`', '')}", k) for k, v in question.options.items()]
            wide = widgets.Layout(width="auto")
            radio = widgets.RadioButtons(options=choices, value=None, layout=wide)
            said = widgets.Label()

            def chosen(change: Any, said: Any = said, number: int = question.number) -> None:
                told = self.reason(number, change["new"])
                said.value = told.replace("**", "").replace("`", "")

            radio.observe(chosen, names="value")
            text = f"{question.number}. {question.text}".replace("`", "")
            rows += [widgets.Label(text), radio, said]
        return widgets.VBox(rows)


def quiz(lesson: str) -> Quiz:
    """The quiz of a lesson, by its number. Raises `ValueError` when the lesson has none."""
    known = BY_NUMBER.get(lesson)
    path = NOTEBOOKS / known.file if known else None
    questions = read(path) if path and path.is_file() else []
    if not questions:
        raise ValueError(f"There is no quiz for lesson {lesson!r}.")
    return Quiz(lesson, questions)
