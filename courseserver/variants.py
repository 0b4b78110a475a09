"""Variants: a recorded request with some parts changed, written down as those changes alone.

`changed` makes the whole request from them. It must not know what a recording file is, nor which
reply answers: it takes a JSON value and paths into it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

Holder = dict[str, Any] | list[Any]


def changed(request: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of `request` with each change made, in the order in which they are written.

    A path is dotted, places of a list are numbers: `messages.0.content`. None takes the part out;
    a new key, or the next place of a list, may be added. Raises `ValueError`, in words for the
    author, for a path that does not exist and for a change that changes nothing.
    """
    whole = copy.deepcopy(request)
    for path, value in changes.items():
        before = copy.deepcopy(whole)
        _change(whole, path, value)
        if before == whole:
            raise ValueError(f"the change of {path!r} changes nothing; leave it out")
    return whole


def _change(whole: Any, path: str, value: Any) -> None:
    """Set, add or take out the part at `path`."""
    *steps, last = path.split(".")
    holder = whole
    for number, step in enumerate(steps):
        key = _key(holder, step, path)
        if not _has(holder, key):
            raise ValueError(_nowhere(path, ".".join(steps[: number + 1]), holder))
        holder = holder[key]
    key = _key(holder, last, path)
    if value is None:
        if not _has(holder, key):
            raise ValueError(_nowhere(path, path, holder))
        del holder[key]
    elif isinstance(holder, list) and key == len(holder):
        holder.append(value)
    elif isinstance(holder, list) and key > len(holder):
        raise ValueError(_nowhere(path, path, holder))
    else:
        holder[key] = value


def _key(holder: Any, step: str, path: str) -> Any:
    """One step of a path as a key of what it leads into: a name, or a number for a list."""
    if isinstance(holder, dict):
        return step
    if not isinstance(holder, list):
        inside = json.dumps(holder, ensure_ascii=False)
        raise ValueError(f"the path {path!r} leads into {inside:.60}, which has no parts")
    if not step.isdigit():
        raise ValueError(f"in the path {path!r}, {step!r} must be a number: there stands a list")
    return int(step)


def _has(holder: Holder, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _nowhere(path: str, part: str, holder: Holder) -> str:
    if isinstance(holder, list):
        there = f"the list has {len(holder)} places, counted from 0"
    else:
        there = f"there is: {', '.join(holder) or 'nothing'}"
    where = "" if part == path else f" of {path!r}"
    return f"the part {part!r}{where} does not exist ({there})"
