"""`python -m authoring new`: a skeleton of a lesson or of an exercise, ready to be filled in.

The skeleton is valid: it is rendered, linted and built like the others. What only the author can
write says TODO, and the lint names each place. It must not overwrite a file, nor know what a
lesson is about.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring import AuthoringError
from authoring import navigation as nav
from authoring.render import normalise, to_bytes
from authoring.write import recording_of, save
from courseserver import facts
from practice.lessons import BY_NAME, BY_NUMBER

LESSON = re.compile(r"(\d\d[a-z]?)_[a-z0-9_]+")
EXERCISE = re.compile(r"(\d\d[a-z]?)\.([1-9])")
LIST_END = ")  # fmt: skip\n\nBY_NUMBER"

ENTRY = """    Lesson(
        "{number}", "{name}", "{title}", (35, 50), ("02",), (),
        "TODO: what a reader can do afterwards",
    ),
"""
START = """# {title}

TODO: two sentences on why a reader wants this.

You will be able to:

- TODO: a verb and what it does
- TODO
- TODO"""
SETUP = """import anthropic

from helpers import MODEL, setup

setup("{name}")"""
CALL = """client = anthropic.Anthropic()
reply = client.messages.create(
    model=MODEL,
    max_tokens=300,
    messages=[{{"role": "user", "content": "TODO: the first question of {title}"}}],
)
print("".join(block.text for block in reply.content if block.type == "text"))"""
OPTION = (
    "<details><summary>{letter}) TODO {letter}{number}</summary>"
    "{reason} TODO because {letter}.</details>"
)
AT_WORK = '''"""TODO: what this program does."""

import anthropic
from dotenv import load_dotenv

load_dotenv()
client = anthropic.Anthropic()
reply = client.messages.create(
    model="{model}",
    max_tokens=300,
    messages=[{{"role": "user", "content": "TODO: the first question of {title}"}}],
)
print("".join(block.text for block in reply.content if block.type == "text"))
'''
SHOW_AT_WORK = """from pathlib import Path

program = Path("at_work/{name}.py")
print(program.read_text(encoding="utf-8"))"""
RUN_AT_WORK = """import subprocess
import sys

run = subprocess.run([sys.executable, program], capture_output=True, encoding="utf-8")
print(run.stdout + run.stderr)"""
END = """## Key points

- TODO: what stays

## Three questions

{questions}"""
DEEPER = """## Going deeper (optional)

TODO: what a curious reader finds here, or delete this cell."""

SHEET = '''"""Exercises of lesson {number}: TODO.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from practice.grading import Exercise, case, function_of, message, miss

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""


EXERCISES = ()
'''
TASK = '''# --- {id} ------------------------------------------------------------------------------


{function} = Exercise(
    id="{id}",
    title="{title}",
    objective="TODO: one sentence.",
    minutes=6,
    task="""
TODO: what is wanted. Complete `{function}`: it gets a reply, and gives back how many text blocks
it has, as an `int`.
""",
    template=\'\'\'
def {function}(reply):
    """TODO: what it gives back."""
    ...
\'\'\',
    solution="""
def {function}(reply):
    return len([block for block in reply.content if block.type == "text"])
""",
    also_correct=(
        """
def {function}(reply):
    texts = 0
    for block in reply.content:
        if block.type == "text":
            texts += 1
    return texts
""",
    ),
    hints=("TODO: a question.", "TODO: the way.", "TODO: nearly the answer."),
    # TODO: other words are in the table of CONTRIBUTING.md, "Add an exercise".
    rules=function_of(
        case(message(["From pier two."]), gives=1),
        case(message([{{"thinking": "", "tokens": 30}}, "At ", "noon."]), gives=2),
        kind=int,
        known=(
            miss(
                "all-blocks",
                "TODO: what the learner did. You counted every block; right is `$wanted`.",
                "len(reply.content)",
                "TODO: the page where this was really seen",
            ),
        ),
    ),
    takeaway="TODO: one sentence that stays.",
    part="{function}",
)


'''


def new(root: Path, name: str, title: str) -> int:
    """Make the skeleton of a lesson (`19_haiku`) or of an exercise (`05.1`); returns 0.

    Raises AuthoringError for a name of neither form, or of something that is there already.
    """
    if '"' in title or "\n" in title or not title.strip():
        raise AuthoringError("a title is one line of text without double quotes.")
    if exercise := EXERCISE.fullmatch(name):
        return new_exercise(root, name, exercise[1], title)
    if lesson := LESSON.fullmatch(name):
        return new_lesson(root, name, lesson[1], title)
    raise AuthoringError(
        f"{name!r} is neither a lesson, such as 19_haiku, nor an exercise, such as 05.1."
    )


def new_lesson(root: Path, name: str, number: str, title: str) -> int:
    """A line in the list of lessons, a notebook, its program at work, an empty recording."""
    path = root / "notebooks" / f"{name}.ipynb"
    if path.exists():
        raise AuthoringError(f"{path.name} exists already.")
    other = BY_NUMBER.get(number)
    if other and other.name != name:
        raise AuthoringError(f"the number {number} belongs to {other.name}.")
    if name not in BY_NAME:
        listed = root / "practice" / "lessons.py"
        text = listed.read_text(encoding="utf-8")
        entry = ENTRY.format(number=number, name=name, title=title)
        changed = text.replace(LIST_END, entry + LIST_END, 1)
        if changed == text:
            raise AuthoringError("the end of the list in practice/lessons.py was not found.")
        listed.write_text(changed, encoding="utf-8", newline="\n")
        print(f"practice/lessons.py: a line for {number}")
    path.write_bytes(to_bytes(normalise(skeleton(name, title))))
    program = root / "notebooks" / "at_work" / f"{name}.py"
    program.parent.mkdir(exist_ok=True)
    text = AT_WORK.format(title=title, model=facts.MODEL)
    program.write_text(text, encoding="utf-8", newline="\n")
    recording = recording_of(name, root)
    if not recording.exists():
        save(recording, {"lesson": name, "api_version": facts.API_VERSION, "exchanges": []})
    print(f"notebooks/{path.name}, its at_work/{program.name}, recordings/{recording.name}: made")
    print(
        f"Next: write the cells, then python -m authoring write {number}, render {number}, readme, "
        f"and check {number}. It names each TODO that is left."
    )
    return 0


def skeleton(name: str, title: str) -> Any:
    """The notebook of a new lesson."""
    questions = []
    for number, right in enumerate("abc", start=1):
        lines = [f"### {number}. TODO", ""]
        for letter in "abc":
            reason = "Yes." if letter == right else "No."
            lines.append(OPTION.format(letter=letter, number=number, reason=reason))
        questions.append("\n".join(lines))
    cells = [
        new_markdown_cell(START.format(title=title)),
        new_code_cell(SETUP.format(name=name)),
        new_markdown_cell("TODO: what the first call asks, and what to look at in the reply."),
        new_code_cell(CALL.format(title=title)),
        new_markdown_cell("## The same at work\n\nTODO: what this program does right."),
        new_code_cell(SHOW_AT_WORK.format(name=name)),
        new_code_cell(RUN_AT_WORK),
        new_markdown_cell(END.format(questions="\n\n".join(questions))),
        new_markdown_cell(DEEPER),
    ]
    metadata = {"course": {"declared_models": [], "new_things": ["TODO: what is new"]}}
    return new_notebook(cells=cells, metadata=metadata)


def new_exercise(root: Path, name: str, number: str, title: str) -> int:
    """An exercise at the end of a lesson's sheet; the sheet as well when there is none."""
    lesson = nav.lesson_of(number)
    path = root / "exercises" / "source" / f"s{lesson.name}.py"
    text = path.read_text(encoding="utf-8") if path.exists() else SHEET.format(number=number)
    if f'id="{name}"' in text:
        raise AuthoringError(f"{name} exists already, in exercises/source/{path.name}.")
    function = re.sub(r"\W+", "_", title.lower()).strip("_")
    if not function.isidentifier() or re.search(rf"^{function}\b", text, re.M):
        raise AuthoringError(f"{function!r} cannot be the name of the function: another title.")
    head, found, ids = text.rpartition("EXERCISES = (")
    if not found:
        raise AuthoringError(f"exercises/source/{path.name} has no line EXERCISES = (...).")
    listed = [*filter(None, re.split(r"[,\s]+", ids.partition(")")[0])), function]
    body = TASK.format(id=name, function=function, title=title)
    names = ", ".join(listed) + ("," if len(listed) == 1 else "")
    path.write_text(f"{head}{body}EXERCISES = ({names})\n", encoding="utf-8", newline="\n")
    print(f"exercises/source/{path.name}: {name} added, with a function {function}")
    print(
        "Next: fill in what says TODO, then python -m authoring build, "
        f"and python -m pytest tests/practice/test_exercises.py -k {name}"
    )
    return 0
