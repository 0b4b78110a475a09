"""`quiz("01")`: the questions at a lesson's end, answered with buttons or in a cell.

The questions stand in the lesson's notebook and nowhere else; they are read from there.
Answers are shown in `progress()` and never required.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from helpers._text import tell
from helpers.settings import ROOT
from practice._progress import Store
from practice.lessons import LESSONS

NOTEBOOKS = ROOT / "notebooks"
HEAD = "## Three questions"
QUESTION = re.compile(r"^### (\d+)\. (.+)$", re.M)
OPTION = re.compile(r"<details><summary>([a-z])\) (.*?)</summary>(.*?)</details>", re.S)


@dataclass(frozen=True)
class Question:
    """One question: options by letter, each with its reason; the right one's: "Yes"."""

    number: int
    text: str
    options: dict[str, str]
    reasons: dict[str, str]

    @property
    def right(self) -> list[str]:
        """The letters whose reason begins with "Yes"; there should be one."""
        letters = self.reasons.items()
        return [letter for letter, reason in letters if reason.startswith("Yes")]


def read(path: Path) -> list[Question]:
    """The questions of a lesson's notebook, in order; none when it has no quiz."""
    quiz = ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            quiz += "".join(cell["source"]).partition(HEAD)[2]
    parts = QUESTION.split(quiz)[1:]  # number, text, what follows, number, ...
    found = []
    for number, text, rest in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        options = {}
        reasons = {}
        for letter, option, reason in OPTION.findall(rest):
            options[letter] = _code(option)
            reasons[letter] = _code(reason).strip()
        found.append(Question(int(number), text.strip(), options, reasons))
    return found


def _code(text: str) -> str:
    return unescape(re.sub(r"</?code>", "`", text))


class Quiz:
    """The questions of a lesson: buttons where it is displayed, else text.

    `answer(1, "b")` answers without them.
    """

    def __init__(
        self, lesson: str, questions: list[Question], store: Store | None = None
    ) -> None:
        self.lesson = lesson
        self.questions = questions
        self.store = store or Store()

    def answer(self, number: int, letter: str) -> None:
        """Say whether the option is right, and why; it is noted in your progress."""
        tell(self.reason(number, letter))

    def reason(self, number: int, letter: str) -> str:
        """The same as Markdown."""
        letter = letter.strip().lower()
        for question in self.questions:
            if question.number == number and letter in question.options:
                return self._judge(question, letter)
        last = len(self.questions)
        return (
            "There is no such option. "
            f'An answer looks like `.answer(1, "b")`, up to {last}.'
        )

    def _judge(self, question: Question, letter: str) -> str:
        outcome = "wrong"
        mark = "Not this one ✗"
        if letter in question.right:
            outcome = "correct"
            mark = "Right ✓"
        self.store.add(f"quiz {self.lesson}.{question.number}", outcome, letter)
        return f"**{question.number} {letter}) {mark}** {question.reasons[letter]}"

    def text(self) -> str:
        """The questions and their options as Markdown, and how to answer in a cell."""
        lines = []
        for question in self.questions:
            lines.append(f"**{question.number}. {question.text}**")
            for letter, text in question.options.items():
                lines.append(f"- {letter}) {text}")
            lines.append("")
        lines.append(f'Answer in a cell: `quiz("{self.lesson}").answer(1, "b")`')
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """Buttons where widgets show, and the text for everything else."""
        text = self.text()
        shown: dict[str, Any] = {"text/markdown": text, "text/plain": text}
        try:
            shown.update(self.buttons()._repr_mimebundle_())
        except Exception:  # no widgets here, or old ones: the text says the same
            return shown
        return shown | {"text/plain": text}

    def __repr__(self) -> str:
        return self.text()

    def buttons(self) -> Any:
        """The questions with radio buttons, which work by keyboard too."""
        import ipywidgets as widgets

        rows: list[Any] = []
        for question in self.questions:
            text = f"{question.number}. {question.text}".replace("`", "")
            rows += [widgets.Label(text), *self._buttons(question)]
        return widgets.VBox(rows)

    def _buttons(self, question: Question) -> list[Any]:
        """The radio buttons of one question, and the place for what is said."""
        import ipywidgets as widgets

        choices = []
        for letter, text in question.options.items():
            choices.append((f"{letter}) {text.replace('`', '')}", letter))
        wide = widgets.Layout(width="auto")
        radio = widgets.RadioButtons(options=choices, value=None, layout=wide)
        said = widgets.Label()

        def chosen(change: Any) -> None:
            told = self.reason(question.number, change["new"])
            said.value = told.replace("**", "").replace("`", "")

        radio.observe(chosen, names="value")
        return [radio, said]


def quiz(lesson: str) -> Quiz:
    """The quiz of a lesson, by its number. Raises `ValueError` when it has none."""
    for known in LESSONS:
        path = NOTEBOOKS / known.file
        questions: list[Question] = []
        if str(lesson) in known.numbers and path.is_file():
            questions = read(path)
        if questions:
            return Quiz(known.number, questions)
    raise ValueError(f"There is no quiz for lesson {lesson!r}.")
