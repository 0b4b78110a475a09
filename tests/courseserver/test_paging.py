"""Lists are cut into pages as the API cuts them, and the SDK goes through all of them."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import pytest

from courseserver import facts, inprocess
from courseserver.paging import page
from courseserver.replay import Replay
from courseserver.values import JSON
from tests.support import client

FIVE: list[JSON] = [{"id": name} for name in "abcde"]


@pytest.fixture
def sdk() -> Iterator[anthropic.Anthropic]:
    """A client of a server in this process."""
    server = inprocess.Server(Replay())
    with client(server.url) as made:
        yield made
    server.stop()


@pytest.mark.parametrize(
    ("query", "cut", "more"),
    [
        ("", "abcde", False),
        ("limit=2", "ab", True),
        ("limit=5", "abcde", False),
        ("limit=2&after_id=b", "cd", True),
        ("limit=2&after_id=c", "de", False),
        ("after_id=e", "", False),
        ("limit=2&before_id=d", "bc", True),
        ("limit=3&before_id=d", "abc", False),
        ("before_id=c", "ab", False),
        ("before_id=a", "", False),
        ("after_id=nobody", "abcde", False),
    ],
)
def test_a_page_begins_behind_or_ends_before_the_entry_that_is_named(
    query: str, cut: str, more: bool
) -> None:
    told = page(FIVE, query)
    assert isinstance(told, dict)
    assert "".join(entry["id"] for entry in told["data"]) == cut
    assert told["has_more"] is more
    assert (told["first_id"], told["last_id"]) == ((cut[0], cut[-1]) if cut else (None, None))


def test_the_sdk_gets_two_models_at_a_time_and_goes_through_all(sdk: anthropic.Anthropic) -> None:
    first = sdk.models.list(limit=2)
    assert len(first.data) == 2 and first.has_more
    every = [model.id for model in first]
    assert every[:2] == [model.id for model in first.data]
    assert sorted(every) == sorted(facts.MODELS)
    back = sdk.models.list(before_id=every[3], limit=2)
    assert [model.id for model in back.data] == every[1:3]


@pytest.mark.parametrize("limit", [0, -1, 1_001, "abc", "1.5"])
def test_a_limit_that_is_none_is_refused(sdk: anthropic.Anthropic, limit: object) -> None:
    with pytest.raises(anthropic.BadRequestError, match="limit: Input should be"):
        sdk.models.list(extra_query={"limit": limit})
