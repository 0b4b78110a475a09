"""Every exercise keeps its promises: each answer that we can think of gets what it deserves.

The exercises come from exercises/source. The SDK and the server are real. Their notebooks are in
test_exercise_notebooks.py, so that a single exercise is tested in a second or two.
"""

from __future__ import annotations

import ast
import inspect
import json
import linecache
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from practice import desk
from practice.grading import Exercise, Mistake
from practice.grading._check import check, judge
from practice.grading.blank import fingerprint, run_cell
from practice.grading.lab import Lab
from practice.grading.model import Outcome, code
from practice.grading.sources import FOLDER, Sheet, sheets
from practice.grading.words import EXCEPTIONS, KIT
from practice.lessons import LESSONS
from tests.mutants import mutants

ROOT = Path(__file__).resolve().parents[2]
SHEETS = sheets()
BOTH = [(sheet, one) for sheet in SHEETS for one in sheet.exercises]
ALL = pytest.mark.parametrize(
    ("sheet", "one"),
    [
        pytest.param(
            sheet, one, id=one.id, marks=pytest.mark.xdist_group(f"exercises {one.lesson}")
        )
        for sheet, one in BOTH
    ],
)
# By exercise: the rule whose message fits, and what is changed in the solution.
TRIED: dict[str, list[tuple[str, dict[str, str]]]] = json.loads(
    Path(__file__).with_name("wrong_answers.json").read_text(encoding="utf-8")
)
GENERAL = KIT.keys() | {rule for rule, *_ in EXCEPTIONS}
ODD = """None ... 42 '' 'x' b'x' [] [None] {} {'a':1} () True object() print float('nan')
(c.upper()for(c)in'ab') set() Exception('x')""".split()


def names(sheet: Sheet, one: Exercise, text: str) -> dict[str, Any]:
    """A notebook's namespace after its first cell and one with this answer."""
    made: dict[str, Any] = {"__name__": "__main__"}
    run_cell(code(sheet.imports), made)
    file = f"<answer to {one.id}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    run_cell(text, made, file)
    return made


def outcome(sheet: Sheet, one: Exercise, text: str) -> Outcome:
    """What the check says about an answer."""
    return check(one, sheet.imports, names(sheet, one, code(text)))


MUTANTS: dict[str, list[tuple[str, str]]] = {}  # by exercise, as they are first asked for


def all_mutants(one: Exercise) -> list[tuple[str, str]]:
    """Every mutant of the solution: its name and its code."""
    if one.id not in MUTANTS:
        MUTANTS[one.id] = list(mutants(code(one.solution)))
    return MUTANTS[one.id]


# --- not attempted --------------------------------------------------------------------------


@ALL
def test_the_template_is_not_attempted(sheet: Sheet, one: Exercise) -> None:
    assert outcome(sheet, one, one.template).state == "not attempted"


@ALL
def test_the_template_by_itself_would_not_be_right(sheet: Sheet, one: Exercise) -> None:
    given = names(sheet, one, code(one.template))
    assert judge(Lab(one, sheet.imports, given)).state in ("wrong", "raised")


@ALL
def test_nothing_at_all_is_not_attempted(sheet: Sheet, one: Exercise) -> None:
    assert check(one, sheet.imports, {}).state == "not attempted"


@ALL
def test_a_template_with_other_comments_docstrings_and_empty_bodies_is_not_attempted(
    sheet: Sheet, one: Exercise
) -> None:
    tree = ast.parse(code(one.template))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if ast.get_docstring(node) is not None:
                del node.body[0]
            dots = [n for n in node.body if isinstance(n, ast.Expr) and ast.unparse(n) == "..."]
            node.body = [n for n in node.body if n not in dots] or [ast.Pass()]
            node.body.insert(0, ast.Expr(ast.Constant("Another docstring.")))
    undone = ast.unparse(ast.fix_missing_locations(tree))
    commented = "\n# mine\n" + re.sub(r"(?m):$", ":  # mine", code(one.template))
    assert outcome(sheet, one, undone).state == "not attempted"
    assert outcome(sheet, one, commented).state == "not attempted"


# --- right ----------------------------------------------------------------------------------


@ALL
def test_each_right_answer_is_correct_twice_in_a_row(sheet: Sheet, one: Exercise) -> None:
    assert one.also_correct
    for text in (one.solution, *one.also_correct):
        made = names(sheet, one, code(text))
        for _ in range(2):
            found = check(one, sheet.imports, made)
            assert found.state == "correct", f"{found.plain()}\n\n{text}"


@ALL
def test_the_right_answers_differ_in_more_than_names(sheet: Sheet, one: Exercise) -> None:
    shapes = {shape(code(text)) for text in (one.solution, *one.also_correct)}
    assert len(shapes) == 1 + len(one.also_correct)


def shape(text: str) -> str:
    """A piece of code without its names: what is left when everything is called the same."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for name in ("id", "name", "arg"):
            if isinstance(getattr(node, name, None), str):
                setattr(node, name, "_")
    return ast.dump(tree)


@ALL
def test_a_check_uses_two_inputs_and_two_replies(sheet: Sheet, one: Exercise) -> None:
    lab = Lab(one, sheet.imports, names(sheet, one, code(one.solution)))
    assert judge(lab).state == "correct"
    assert len({repr(run.args) for run in lab.runs}) > 1
    if any(run.sent for run in lab.runs):
        assert len({repr(run.replies) for run in lab.runs}) > 1


@ALL
def test_a_part_of_the_desk_stands_alone(sheet: Sheet, one: Exercise, tmp_path: Path) -> None:
    made = names(sheet, one, code(one.solution))
    said = desk.keep(one, sheet.imports, made, tmp_path)
    if one.part is None:
        assert not said
        return
    assert said == [f"Kept for your desk: `desk/{one.part}.py`"]
    alone: dict[str, Any] = {}
    exec((tmp_path / f"{one.part}.py").read_text(encoding="utf-8"), alone)
    assert callable(alone[one.part])


# --- wrong ----------------------------------------------------------------------------------


@ALL
def test_each_mistake_gets_its_own_message(sheet: Sheet, one: Exercise) -> None:
    said: dict[str, str] = {}
    for mistake in one.mistakes:
        found = outcome(sheet, one, one.wrong(mistake))
        state = "raised" if mistake.rule.startswith("raised-") else "wrong"
        assert (found.state, found.rule) == (state, mistake.rule), found.plain()
        assert found.message not in said, f"{mistake.rule} and {said[found.message]} say the same"
        said[found.message] = mistake.rule
        assert "$" not in re.sub(r"\$\d", "", found.message), f"not filled in: {found.message}"
        assert 20 < len(found.message) < 330
        if state == "raised" and mistake.rule != "raised-parameters":
            assert found.line.startswith("Line ")


@ALL
def test_rules_and_mistakes_cover_each_other(sheet: Sheet, one: Exercise) -> None:
    made = [mistake.rule for mistake in one.mistakes]
    assert len(made) == len(set(made)) >= 4
    assert set(one.messages) <= set(made), "a rule that no mistake breaks"
    assert set(made) <= set(one.messages) | GENERAL, "a mistake without a rule"
    assert all(len(mistake.source) > 10 for mistake in one.mistakes)


@ALL
def test_a_mutant_of_the_solution_is_never_correct(sheet: Sheet, one: Exercise) -> None:
    correct = {
        name for name, text in all_mutants(one)
        if outcome(sheet, one, text).state in ("correct", "not attempted", "could not check")
    }  # fmt: skip
    assert correct == set(one.equivalent), "name a mutant that is right in `equivalent`"


@ALL
def test_an_answer_that_ignores_its_input_or_the_reply_is_never_correct(
    sheet: Sheet, one: Exercise
) -> None:
    if not one.parameters:
        pytest.skip("not a function")
    for freeze in (frozen_input, frozen_output):  # literals are one way to do that; these are all
        made = names(sheet, one, code(one.solution))
        made[one.answer] = freeze(made[one.answer], one.parameters[0] == "client")
        assert check(one, sheet.imports, made).state in ("wrong", "raised"), freeze.__name__


def frozen_input(answer: Any, client: bool) -> Any:
    """The answer, always called with the arguments of its first call."""
    first: list[Any] = []

    def again(*given: Any) -> Any:
        first.extend(given if not first else ())
        return answer(*given[:client], *first[client:])

    async def again_later(*given: Any) -> Any:
        return await again(*given)

    return again_later if inspect.iscoroutinefunction(answer) else again


def frozen_output(answer: Any, client: bool) -> Any:
    """The answer, always giving back what its first call gave."""
    first: list[Any] = []

    def again(*given: Any) -> Any:
        first.append(answer(*given))
        return first[0]

    async def again_later(*given: Any) -> Any:
        first.append(await answer(*given))
        return first[0]

    return again_later if inspect.iscoroutinefunction(answer) else again


@ALL
def test_an_odd_return_value_is_wrong_and_never_breaks_the_check(
    sheet: Sheet, one: Exercise
) -> None:
    if not one.parameters:
        pytest.skip("not a function")
    for value in ODD:
        odd = f"{one.answer} = {value}"
        instead = f"def {one.answer}(*given): return {value}"
        after = f"right = {one.answer}\ndef {one.answer}(*given):\n    right(*given)\n"
        for text in (odd, instead, code(one.solution) + f"{after}    return {value}"):
            found = outcome(sheet, one, text)
            known = ("wrong", "raised", "not attempted")
            assert found.state in known, f"{found.plain()}\n\n{text}"
            assert found.state != "not attempted" or text == odd, text


@ALL
def test_a_wrong_answer_that_stands_in_no_source_is_told_what_is_wrong(
    sheet: Sheet, one: Exercise
) -> None:
    known = {code(one.solution), *map(one.wrong, one.mistakes)}
    assert len(TRIED[one.id]) >= 10
    for rule, change in TRIED[one.id]:
        text = one.wrong(Mistake(rule, change, "wrong_answers.json"))
        assert text not in known, f"{rule} stands in the source: {change}"
        found = outcome(sheet, one, text)
        assert found.state in ("wrong", "raised"), f"{found.plain()}\n\n{text}"
        assert found.rule == rule, f"{found.plain()}\n\n{text}"


# --- around it ------------------------------------------------------------------------------


@ALL
def test_an_exercise_is_complete(sheet: Sheet, one: Exercise) -> None:
    assert re.fullmatch(r"\d\d[a-z]?\.\d", one.id)
    assert one.lesson == sheet.lesson.number
    assert 2 <= one.minutes <= 30
    assert one.title and one.task.strip() and one.takeaway.endswith(".")
    assert one.objective.endswith(".") and len(one.objective) < 100
    assert one.part in (None, one.answer)


@ALL
def test_the_hints_lead_without_giving_a_line_of_the_solution(sheet: Sheet, one: Exercise) -> None:
    lines = {line.strip() for line in code(one.solution).splitlines() if len(line.strip()) > 8}
    lines -= {line.strip() for line in code(one.template).splitlines()}
    assert len(one.hints) == len(set(one.hints)) == 3
    for hint in one.hints:
        assert 20 < len(hint) < 300
        assert not [line for line in lines if line in hint]


watched: list[str] = []  # the hosts of each connection, while a test looks


def hosts(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook; it stays for the rest of the process."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        watched.append(arguments[1][0])


@pytest.fixture(scope="module")
def watching() -> Iterator[list[str]]:
    sys.addaudithook(hosts)
    yield watched


@ALL
def test_a_check_opens_no_socket(sheet: Sheet, one: Exercise, watching: list[str]) -> None:
    watching.clear()
    made = names(sheet, one, code(one.solution))
    assert check(one, sheet.imports, made).state == "correct"
    assert not watching


@pytest.mark.parametrize("sheet", SHEETS, ids=[sheet.lesson.number for sheet in SHEETS])
def test_a_lesson_has_three_to_eight_exercises_and_the_harder_one_last(sheet: Sheet) -> None:
    ids = [one.id for one in sheet.exercises]
    assert ids == [f"{sheet.lesson.number}.{number}" for number in range(1, len(ids) + 1)]
    assert 3 <= len(ids) <= 8
    assert [one.optional for one in sheet.exercises[:-1]] == [False] * (len(ids) - 1)
    assert any(one.part for one in sheet.exercises)


def test_parts_of_the_desk_have_one_exercise_each() -> None:
    parts = [one.part for _, one in BOTH if one.part]
    assert len(parts) == len(set(parts))


def test_every_source_belongs_to_a_lesson() -> None:
    known = {f"s{lesson.name}" for lesson in LESSONS}
    there = {path.stem for path in FOLDER.glob("*.py")}
    assert there <= known
    assert len(SHEETS) == len(there)


# --- the count ------------------------------------------------------------------------------


def test_what_was_covered(covers: Callable[[str], None]) -> None:
    wrong = sum(len(one.mistakes) for _, one in BOTH)
    right = sum(1 + len(one.also_correct) for _, one in BOTH)
    changed = sum(len(all_mutants(one)) for _, one in BOTH)
    spared = [f"{one.id} {name}: {why}" for _, one in BOTH for name, why in one.equivalent.items()]
    tried = sum(map(len, TRIED.values()))
    assert set(TRIED) == {one.id for _, one in BOTH}
    covers(
        f"exercises: {len(BOTH)} of {len(SHEETS)} lessons; {right} right answers, {wrong} "
        f"mistakes, {tried} wrong answers besides, {changed} mutants, {2 * len(BOTH)} frozen "
        f"answers, {len(ODD)} odd values each"
    )
    covers(
        "exercises, not covered: lessons without exercises: "
        f"{', '.join(x.number for x in LESSONS if x not in [s.lesson for s in SHEETS]) or 'none'}; "
        "what the sentences of a prompt say (03.2 and 03.4 say so); "
        f"mutants that are right: {'; '.join(spared) or 'none'}"
    )
    assert min(len(BOTH), right, wrong, changed) > 0


# --- the tools of this file can fail --------------------------------------------------------


def test_mutants_change_returns_arguments_and_literals() -> None:
    made = dict(mutants("def f(a, b):\n    return g(a, 'x') + 20\n"))
    assert made == {
        "line 1: parameters a, b swapped": "def f(b, a):\n    return g(a, 'x') + 20",
        "line 2: return removed": "def f(a, b):\n    g(a, 'x') + 20",
        "line 2: arguments of g swapped": "def f(a, b):\n    return g('x', a) + 20",
        "line 2: 20 -> 1": "def f(a, b):\n    return g(a, 'x') + 1",
        "line 2: 'x' -> 'xx'": "def f(a, b):\n    return g(a, 'xx') + 20",
    }


def test_renaming_alone_does_not_change_a_shape() -> None:
    assert shape("def f(a): return a + 1") == shape("def g(b): return b + 1")
    assert shape("def f(a): return a + 1") != shape("def f(a): return 1 + a")


def test_a_fingerprint_sees_another_literal() -> None:
    one, two = ((lambda: "a"), (lambda: "b"))
    assert fingerprint(one.__code__) != fingerprint(two.__code__)
