"""The API's rules and the real SDK: what the SDK sends passes, and what it knows, the schema knows.

The requests themselves, and the rules one by one, stand in `test_rules.py`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import anthropic
import httpx2
import pytest
from PIL import Image
from pydantic import BaseModel
from typing_extensions import (
    get_type_hints,  # Python 3.10 leaves Required[...] standing
    is_typeddict,
)

from courseserver import betas, facts, rules, schema, wire
from courseserver.call import Call
from courseserver.short import whole_message
from courseserver.tool_types import TYPES
from courseserver.values import Request
from tests.courseserver.test_rules import (
    JSON,
    KEY,
    user,
)

# --- what the real SDK sends ----------------------------------------------------------------


class City(BaseModel):
    name: str
    people: int


@anthropic.beta_tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"7 C in {city}"


def spoken(*replies: Any) -> tuple[anthropic.Anthropic, list[Request]]:
    """A real client whose requests meet the rules and get `replies` in the short form, in turn."""
    sent: list[Request] = []
    waiting = list(replies)

    def transport(request: httpx2.Request) -> httpx2.Response:
        raw = request.read()
        body = json.loads(raw) if raw else None
        path, query = request.url.path, request.url.query.decode()
        sent.append(Request(request.method, path, query, dict(request.headers), raw, body))
        call = Call(sent[-1], expected_key=KEY)
        problem = rules.check(call)
        if problem:
            told = wire.error(problem, "test", len(sent))
        elif "messages" not in (body or {}):
            return httpx2.Response(200, json={"data": [], "has_more": False, "id": "x"})
        elif path.endswith("count_tokens"):
            return httpx2.Response(200, json={"input_tokens": 8})
        else:
            short = waiting.pop(0) if waiting else "Hello!"
            whole = whole_message(short, call.body, len(sent))
            told = wire.reply(whole, call, "test", len(sent))
        content = b"".join(step.data for step in told.steps)
        return httpx2.Response(told.status, headers=dict(told.headers), content=content)

    inside = anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(transport))
    return anthropic.Anthropic(api_key=KEY, http_client=inside, max_retries=0), sent


def full(client: anthropic.Anthropic) -> Any:
    return client.messages.create(
        model=facts.MODEL, max_tokens=2_000, messages=[{"role": "user", "content": "Hi"}],
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        tools=[{"name": "clock", "input_schema": {"type": "object"}, "strict": False},
               {"type": "web_search_20260318", "name": "web_search", "max_uses": 2}],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        thinking={"type": "adaptive", "display": "summarized"}, output_config={"effort": "low"},
        stop_sequences=["END"], metadata={"user_id": "u"}, service_tier="auto", speed="standard",
        cache_control={"type": "ephemeral", "ttl": "5m"}, inference_geo="us", container=None,
        diagnostics={"previous_message_id": None}, user_profile_id="p", workspace_id="w",
    )  # fmt: skip


HELLO: Any = {
    "model": facts.MODEL,
    "max_tokens": 900,
    "messages": [{"role": "user", "content": "Hi"}],
}
COUNT: Any = {name: value for name, value in HELLO.items() if name != "max_tokens"}
SDK_CALLS: dict[str, Callable[[anthropic.Anthropic], Any]] = {
    "create": lambda client: client.messages.create(**HELLO),
    "create with everything": full,
    "create, streamed": lambda client: list(client.messages.create(**HELLO, stream=True)),
    "stream": lambda client: client.messages.stream(**HELLO).__enter__().get_final_message(),
    "count_tokens": lambda client: client.messages.count_tokens(**COUNT, system="Hi"),
    "batches": lambda client: client.messages.batches.create(
        requests=[{"custom_id": "a", "params": HELLO}]
    ),
    "models.list": lambda client: client.models.list(),
    "models.retrieve": lambda client: client.models.retrieve(facts.MODEL),
    "files.list": lambda client: client.files.list(),
}


@pytest.mark.parametrize("name", SDK_CALLS)
def test_what_the_sdk_sends_passes(name: str) -> None:
    client, sent = spoken()
    SDK_CALLS[name](client)
    assert sent


def test_a_parsed_answer_can_be_sent_back() -> None:
    client, _ = spoken('{"name": "Oslo", "people": 700000}', "Yes.")
    first = client.messages.parse(**HELLO, output_format=City)
    assert first.parsed_output == City(name="Oslo", people=700_000)
    turns = [*HELLO["messages"], {"role": "assistant", "content": first.content}]
    client.messages.create(**HELLO | {"messages": [*turns, {"role": "user", "content": "Sure?"}]})


def test_a_streamed_answer_with_thinking_can_be_sent_back_until_the_prompt_changes() -> None:
    client, _ = spoken([{"thinking": "", "tokens": 20}, "Hi!"], "Yes.")
    with client.messages.stream(**HELLO, system="Be brief.") as stream:
        first = stream.get_final_message()
    turns = [*HELLO["messages"], first.to_param(), {"role": "user", "content": "Sure?"}]
    again = HELLO | {"messages": turns}
    client.messages.create(**again, system="Be brief.")
    with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation"):
        client.messages.create(**again, system="Be long.")


@pytest.mark.parametrize("thread", [True, False])
def test_the_tool_runner_passes_with_and_without_a_thread(thread: bool) -> None:
    client, sent = spoken([{"tool": "weather", "input": {"city": "Oslo"}}], "Cold.")
    extra: Any = {} if thread else {"thread": False}
    client.beta.messages.tool_runner(**HELLO, tools=[weather], **extra).until_done()
    assert len(sent) == 2 and ("thread" in sent[1].body) == thread


def test_a_picture_given_as_a_file_passes(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "dot.png")
    client, _ = spoken()
    source: Any = {"type": "base64", "media_type": "image/png", "data": tmp_path / "dot.png"}
    turn: Any = {"role": "user", "content": [{"type": "image", "source": source}]}
    client.messages.create(**HELLO | {"messages": [turn]})


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        ({"extra_body": {"temperature": 0.2}}, anthropic.BadRequestError),
        ({"model": "claude-3-5-haiku-20241022x"}, anthropic.NotFoundError),
        ({"extra_headers": {"Authorization": "Bearer another"}}, anthropic.AuthenticationError),
        (
            {"extra_body": {"metadata": {"a": "b" * 32 * facts.MEGABYTE}}},
            anthropic.ContentTooLargeError,
        ),
    ],
)
def test_the_sdk_raises_its_own_class_for_a_refusal(extra: JSON, error: type[Exception]) -> None:
    client, _ = spoken()
    with pytest.raises(error):
        client.messages.create(**HELLO | extra)


# --- the schema against the SDK's types -----------------------------------------------------

HEADERS = {"user_profile_id", "workspace_id", "betas"}  # parameters that travel as headers
NOT_SENT = {"self", "timeout", "extra_headers", "extra_query", "extra_body", "output_format"}
METHODS: list[tuple[Any, JSON]] = [
    (anthropic.resources.Messages.create, {}),
    (anthropic.resources.Messages.count_tokens, {"counting": True}),
    (anthropic.resources.beta.messages.Messages.create, {"beta": True}),
    (anthropic.resources.beta.messages.Messages.count_tokens, {"beta": True, "counting": True}),
]


@pytest.mark.parametrize(
    ("method", "how"), METHODS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_the_schema_knows_every_field_that_the_sdk_can_send(method: Any, how: JSON) -> None:
    names = set(inspect.signature(method).parameters) - HEADERS - NOT_SENT
    assert len(names) > 8
    base = {} if how.get("counting") else {"max_tokens": 9}
    for name in names:
        body = {"model": facts.MODEL, "messages": [user("Hi")], **base, name: 3.5}
        fault = schema.first_fault(body, **how) or f"{name}: (anything goes)"
        assert fault.startswith(name) and "Extra inputs" not in fault, fault


def tags(union: Any) -> set[str]:
    """The values of `type` in a union of the SDK's typed dicts."""
    found: set[str] = set()
    for member in get_args(union) or (union,):
        if is_typeddict(member):
            hint = get_type_hints(member, include_extras=False).get("type")
            found |= {arg for arg in flat(hint) if isinstance(arg, str)}
        elif get_args(member):
            found |= tags(member)
    return found


def flat(hint: Any) -> list[Any]:
    return [x for arg in get_args(hint) for x in (flat(arg) or [arg])]


def test_the_schema_knows_every_kind_of_block_and_tool_of_the_sdk() -> None:
    stable, beta = anthropic.types, anthropic.types.beta
    kinds = tags(stable.ContentBlockParam) | tags(beta.BetaContentBlockParam)
    tools = tags(stable.ToolUnionParam) | tags(beta.BetaToolUnionParam)
    assert len(kinds) > 15 and len(tools) > 20
    for kind in kinds:
        body = {"model": "m", "max_tokens": 9, "messages": [user({"type": kind})]}
        assert "expected tags" not in (schema.first_fault(body) or ""), kind
    for kind in tools:
        body = {"model": "m", "max_tokens": 9, "messages": [user("Hi")], "tools": [{"type": kind}]}
        assert "expected tags" not in (schema.first_fault(body) or ""), kind


def members(union: Any) -> list[Any]:
    """The typed dicts in a union of the SDK."""
    found: list[Any] = []
    for member in get_args(union) or (union,):
        if is_typeddict(member):
            found.append(member)
        elif get_args(member):
            found += members(member)
    return found


LETTERS = {bool: "b", int: "i", str: "s"}


def letter(hint: Any) -> str:
    """The kind of a field as `tool_types` writes it; null is not looked at."""
    origin = get_origin(hint)
    inner = [arg for arg in get_args(hint) if arg is not type(None)]
    if origin in (list, Sequence):
        return "t" if letter(inner[0]) == "s" else "a"
    if origin in (Iterable, dict):
        return "a"
    if origin is Literal or str in inner:
        return "s"
    return letter(inner[0]) if len(inner) == 1 else LETTERS.get(hint, "a")


def test_the_table_of_typed_tools_says_what_the_sdk_says() -> None:
    union = [*members(anthropic.types.ToolUnionParam)]
    union += members(anthropic.types.beta.BetaToolUnionParam)
    seen: set[str] = set()
    for member in union:
        hints = get_type_hints(member, include_extras=False)
        kinds = [arg for arg in flat(hints.pop("type")) if isinstance(arg, str)]
        if "custom" in kinds:
            continue
        marked = hints.pop("cache_control", None)
        name = get_args(hints.pop("name", Literal[""]))[0]
        for kind in kinds:
            ours = TYPES[kind]
            assert ours.name == name, kind
            assert set(ours.fields) == set(hints), kind
            for field, hint in hints.items():
                told = ours.fields[field]
                assert told.lower() == letter(hint), (kind, field, hint)
                if told != "a":  # where anything goes, null does too
                    assert told.isupper() == (type(None) in get_args(hint)), (kind, field)
            assert marked is not None, kind
        seen |= set(kinds)
    assert seen == set(TYPES)
    print(f"covered: {len(seen)} types of tools")


def test_the_sdk_names_no_beta_that_the_course_refuses() -> None:
    from anthropic.types import AnthropicBetaParam

    names = {arg for arg in flat(AnthropicBetaParam) if isinstance(arg, str)}
    assert len(names) > 30
    assert names <= betas.NAMES
    heads = {head for many in betas.OPENS.values() for head in many}
    assert all(any(name.startswith(head) for name in names) for head in heads)
