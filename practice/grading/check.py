"""One check from end to end: untouched, judged, explained. It never raises for a learner's code.

It must not know how an outcome is shown or kept.
"""

from __future__ import annotations

from typing import Any

from practice.grading.blank import untouched
from practice.grading.lab import Lab, Run, Verdict
from practice.grading.model import Exercise, Outcome
from practice.grading.tape import practice
from practice.grading.words import KIT


def check(exercise: Exercise, imports: str, namespace: dict[str, Any]) -> Outcome:
    """Check the answer in `namespace`. `imports` is the first cell of the exercise's notebook.

    What the check itself gets wrong is "could not check", never "wrong".
    """
    try:
        if untouched(exercise, imports, namespace):
            todo = (
                f"`{exercise.answer}` is as it was given, or its cell has not been run yet. Change "
            )
            todo += "it, run it, and check again."
            return Outcome(exercise.id, "not attempted", todo)
        lab = Lab(exercise, imports, namespace)
        outcome = judge(lab)
        if outcome.state == "correct" or outcome.rule in KIT:
            return outcome
        return mixed_up(lab) or constant(lab) or outcome
    except Exception as bug:
        what = (
            f"The check itself failed ({type(bug).__name__}: {bug}). That is not your fault, and "
        )
        what += "it does not count. If it happens again, please report it with your answer."
        return Outcome(exercise.id, "could not check", what)
    finally:
        practice()[1].forget()


def judge(lab: Lab) -> Outcome:
    """Apply the rules once."""
    try:
        lab.exercise.rules(lab)
        lab.finish()
    except Verdict as verdict:
        return verdict.outcome
    return Outcome(lab.exercise.id, "correct", lab.exercise.takeaway)


def mixed_up(lab: Lab) -> Outcome | None:
    """The outcome for an answer that is right once two neighbouring arguments are exchanged."""
    names = lab.exercise.parameters
    enough = lab.runs and len(lab.runs[0].args) + (names[:1] == ["client"]) >= len(names)
    for at in range(len(names) - 1 if enough else 0):
        if judge(Lab(lab.exercise, lab.imports, lab.namespace, (at, at + 1))).state == "correct":
            return _broken(lab, "swapped", lab.runs[-1], first=names[at], second=names[at + 1])
    return None


def constant(lab: Lab) -> Outcome | None:
    """The outcome for an answer that does not depend on what comes in."""
    runs = lab.runs
    if len(runs) < 2 or any(run.result.raised or run.result.stopped for run in runs):
        return None
    given = [repr(run.args) for run in runs]
    bodies = [[sent.body for sent in run.sent] for run in runs]
    if bodies[0] and all(body == bodies[0] for body in bodies) and len(set(given)) > 1:
        return _broken(lab, "same-request", runs[-1])
    values = [run.result.value for run in runs]
    cases = {repr(run.replies) for run in runs} if any(bodies) else set(given)
    plain = isinstance(values[0], str | int | float | list | dict)
    if plain and all(value == values[0] for value in values) and len(cases) > 1:
        return _broken(lab, "same-answer", runs[-1])
    return None


def _broken(lab: Lab, rule: str, run: Run, **fill: str) -> Outcome:
    try:
        lab.expect(False, rule, run, **fill)
    except Verdict as verdict:
        return verdict.outcome
    raise AssertionError(rule)
