"""One check from end to end: untouched, judged, explained.

It never raises for a learner's code. It must not know how an outcome is shown or kept.
"""

from __future__ import annotations

from typing import Any

from practice.grading.blank import untouched
from practice.grading.lab import Lab
from practice.grading.model import Exercise, Outcome
from practice.grading.run import SLIPS, Run, Verdict
from practice.grading.tape import practice_server
from practice.grading.words import KIT


def check(exercise: Exercise, imports: str, namespace: dict[str, Any]) -> Outcome:
    """Check the answer in `namespace`. `imports` is the first cell of its notebook.

    What the check itself gets wrong is "could not check", never "wrong".
    """
    try:
        if untouched(exercise, imports, namespace):
            todo = (
                f"`{exercise.answer}` is as it was given, or its cell has not been run "
                "yet. Change it, run it, and check again."
            )
            return Outcome(exercise.id, "not attempted", todo)
        lab = Lab(exercise, imports, namespace)
        outcome = judge(lab)
        if outcome.state == "correct" or outcome.rule in KIT:
            return outcome
        found = mixed_up(lab)
        if found is None and outcome.rule not in exercise.causes:
            found = constant(lab)
        return found or outcome
    except Exception as bug:
        what = (
            f"The check itself failed ({type(bug).__name__}: {bug}). That is not your "
            "fault, and it does not count. If it happens again, please report it with "
            "your answer."
        )
        return Outcome(exercise.id, "could not check", what)
    finally:
        practice_server().forget()


def judge(lab: Lab) -> Outcome:
    """Apply the rules once."""
    try:
        lab.exercise.rules(lab)
        lab.finish()
    except Verdict as verdict:
        return verdict.outcome
    return Outcome(lab.exercise.id, "correct", lab.exercise.takeaway)


def mixed_up(lab: Lab) -> Outcome | None:
    """The outcome for an answer that is right once two neighbours are exchanged."""
    names = lab.exercise.parameters
    ran = [run for run in lab.runs if run.ran]
    if not ran or ran[-1].result.stopped:
        return None
    given = len(ran[0].args)
    if lab.exercise.takes_client:
        given += 1
    if given < len(names):
        return None
    slips = all(isinstance(run.result.raised, SLIPS) for run in ran)
    for at in range(len(names) - 1):
        if names[at] == "client" and not slips:
            continue  # a client that stands elsewhere would have failed each time
        swapped = Lab(lab.exercise, lab.imports, lab.namespace, (at, at + 1))
        if judge(swapped).state == "correct":
            fill = {"first": names[at], "second": names[at + 1]}
            return _broken(lab, "swapped", ran[-1], **fill)
    return None


def constant(lab: Lab) -> Outcome | None:
    """The outcome for an answer that does not depend on what comes in."""
    runs = lab.runs
    if len(runs) < 2:
        return None
    same_request = bool(runs[0].bodies)
    same_value = isinstance(runs[0].result.value, str | int | float | list | dict)
    for run in runs:
        if run.result.raised or run.result.stopped:
            return None
        same_request = same_request and run.bodies == runs[0].bodies
        same_value = same_value and bool(run.result.value == runs[0].result.value)
        if not same_request and not same_value:
            return None
    given = {repr(run.args) for run in runs}
    if same_request and len(given) > 1:
        return _broken(lab, "same-request", runs[-1])
    cases = {repr(run.replies) for run in runs} if runs[0].bodies else given
    if same_value and len(cases) > 1:
        return _broken(lab, "same-answer", runs[-1])
    return None


def _broken(lab: Lab, rule: str, run: Run, **fill: str) -> Outcome:
    try:
        lab.expect(False, rule, run, **fill)
    except Verdict as verdict:
        return verdict.outcome
    raise AssertionError(rule)
