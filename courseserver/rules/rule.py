"""What a rule is, and the list of them: filled by the files of this folder, in their order.

A rule is a function that yields what the API objects to. Each names where its words were seen;
"wording not established" marks a refusal that is documented while its sentence is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from courseserver.call import Call
from courseserver.values import Problem

Objections = Iterator[str | Problem]  # a rule yields; a sentence alone is a 400

TALK = ("messages", "count_tokens")
ERRORS = "docs api/errors, 2026-10-10"
DIRECT = "direct API, sonnet-5, published run of 2026-08-31"
OURS = "wording not established"


@dataclass(frozen=True)
class Rule:
    """One rule: its name, the source of its words, the endpoints it is for, its question."""

    name: str
    source: str
    kinds: tuple[str, ...]
    objections: Callable[[Call], Objections] = field(repr=False)


RULES: list[Rule] = []


def rule(source: str, *kinds: str) -> Callable[[Callable[[Call], Objections]], None]:
    """Add a function to the rules, under its own name; without `kinds` for every request."""

    def add(asks: Callable[[Call], Objections]) -> None:
        RULES.append(Rule(asks.__name__.replace("_", "-"), source, kinds, asks))

    return add


def check(call: Call) -> Problem | None:
    """The first rule's objection to a request; None when the API would pass it to a model."""
    for each in RULES:
        if each.kinds and call.kind not in each.kinds:
            continue
        found = next(each.objections(call), None)
        if isinstance(found, str):
            found = Problem(400, "invalid_request_error", found)
        if found:
            return replace(found, rule=each.name)
    return None
