"""What one call did, as values under paths, so that two calls can be compared.

A known mistake is told by what it does: its trace differs from the solution's in some
paths, and an answer that has the mistake has the same values there. It must not know
an exercise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from practice.grading.run import Run

Trace = Mapping[str, Any]  # path: value, such as `request.0.messages.0.content`
MISSING = object()


def trace(run: Run) -> Trace:
    """What a run gave back, raised, printed, sent, slept, and did to its arguments."""
    found: dict[str, Any] = {
        "raised": type(run.result.raised).__name__,
        "stopped": run.result.stopped,
        "printed": run.printed,
        "sent": len(run.sent),
        "slept": tuple(run.slept),
    }
    lay_out(found, "value", run.result.value)
    for number, sent in enumerate(run.sent):
        lay_out(found, f"request.{number}", {"path": sent.path, "body": sent.body})
    for name in run.before:
        lay_out(found, f"given.{name}", run.given[name])
    return without_ids(found, run)


def without_ids(found: dict[str, Any], run: Run) -> dict[str, Any]:
    """The same, with a place for each id and signature that came in a reply.

    The server makes them out of the whole request: another `max_tokens`, other ids.
    """
    places: dict[Any, str] = {}
    for number, sent in enumerate(run.sent):
        reply = sent.reply if isinstance(sent.reply, dict) else {}
        for at, made in enumerate([reply, *reply.get("content", ())]):
            for key in ("id", "signature", "data"):
                places.setdefault(made.get(key), f"{key} {number}.{at}")
    places.pop(None, None)
    plain = {path: value for path, value in found.items() if isinstance(value, str)}
    return found | {path: places.get(value, value) for path, value in plain.items()}


def differences(one: Trace, other: Trace) -> Trace:
    """Where `one` is unlike `other`, and what it has there (`MISSING` for nothing)."""
    found = {}
    for path in one.keys() | other.keys():
        mine = one.get(path, MISSING)
        if not alike(mine, other.get(path, MISSING)):
            found[path] = mine
    return found


def shares(one: Trace, wanted: Trace) -> bool:
    """Whether `one` has all the values of `wanted`, of which there is at least one."""
    same = [path in one and alike(one[path], value) for path, value in wanted.items()]
    return bool(same) and all(same)


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal; with a float, but for the last digits."""
    if isinstance(one, float | int) and isinstance(other, float):
        return abs(one - other) <= abs(other) * 1e-6
    return bool(one == other)


def lay_out(found: dict[str, Any], path: str, value: Any) -> None:
    """Put a value under `path`; each part of a list, dict or reply under its own."""
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    found[path] = type(value).__name__
    if isinstance(value, Mapping):
        for key, part in value.items():
            lay_out(found, f"{path}.{key}", part)
    elif isinstance(value, list | tuple):
        found[path] = (type(value).__name__, len(value))
        for number, part in enumerate(value):
            lay_out(found, f"{path}.{number}", part)
    else:
        found[path] = value
