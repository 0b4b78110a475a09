"""Lesson 11: what it says of the package and the wire, its functions, and its program at work.

The classes and functions are the notebook's own, taken from its cells. All talk to a course server
through the real SDK.
"""

from __future__ import annotations

import ast
import inspect
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import nbformat
import pytest
from pydantic import BaseModel, Field, ValidationError

from tests.support import HELLO, KEY, ROOT, client, replaying, run_program, serving

LESSON = ROOT / "notebooks" / "11_structured_outputs.ipynb"
PROGRAM = ROOT / "notebooks" / "at_work" / "11_structured_outputs.py"
TAUGHT = {"read_text", "Booking", "faults", "Unread", "checked", "Receipt", "Line"}
GOOD = {"name": "Noor", "arrives": "2027-08-02", "nights": 3, "place": "van", "people": 2}
HALF = json.dumps(GOOD)[:30]
CUT = {"content": [HALF], "stop_reason": "max_tokens"}
STARVED = {"content": [{"thinking": "", "tokens": 9}], "stop_reason": "max_tokens"}
REFUSED = {"content": [], "stop_reason": "refusal"}
LONG = json.dumps({**GOOD, "nights": 21})


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The lesson's classes and functions, and what it imports."""
    found: dict[str, Any] = {"__name__": "lesson_11"}
    for cell in nbformat.read(LESSON, as_version=4).cells:
        for node in ast.parse(cell.source).body if cell.cell_type == "code" else []:
            packages = ("pydantic", "datetime", "typing", "anthropic.types")
            wanted = isinstance(node, ast.ImportFrom) and node.module in packages
            if wanted or getattr(node, "name", "") in TAUGHT:
                exec(compile(ast.unparse(node), "lesson", "exec", dont_inherit=True), found)
    assert found.keys() >= TAUGHT
    return found


@pytest.fixture
def server() -> Iterator[Any]:
    with serving() as running:
        yield running


def staged(server: Any, *replies: Any) -> anthropic.Anthropic:
    return client(server.url + server.backend.account.stage("t", replies))


def sent(server: Any) -> list[dict[str, Any]]:
    return [entry.request.body for entry in server.backend.account.journal]


# --- what it says of the package ------------------------------------------------------------


def test_output_format_is_an_argument_of_parse_stream_and_count_tokens_alone() -> None:
    messages: Any = anthropic.Anthropic(api_key=KEY).messages
    have = {
        name: "output_format" in inspect.signature(getattr(messages, name)).parameters
        for name in ("create", "parse", "stream", "count_tokens")
    }
    assert have == {"create": False, "parse": True, "stream": True, "count_tokens": True}
    with pytest.raises(TypeError, match="output_format"):
        messages.create(**HELLO, output_format=BaseModel)


def test_a_class_in_output_config_is_not_json(server: Any, names: dict[str, Any]) -> None:
    form: Any = {"format": names["Booking"]}
    sdk = staged(server, "{}")
    with pytest.raises(TypeError, match="not JSON serializable"):
        sdk.messages.create(**HELLO, output_config=form)
    assert not sent(server)


def test_parse_sends_what_transform_schema_shows(server: Any, names: dict[str, Any]) -> None:
    kind = names["Booking"]
    reply = staged(server, [{"thinking": ""}, json.dumps(GOOD)]).messages.parse(
        **HELLO, output_format=kind
    )
    schema = anthropic.transform_schema(kind)
    [body] = sent(server)
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    assert reply.parsed_output == kind(**GOOD)


def test_of_five_rules_two_are_sent_as_rules_and_the_object_is_closed(
    names: dict[str, Any],
) -> None:
    schema = anthropic.transform_schema(names["Booking"])
    fields = schema["properties"]
    rules = ("format", "minimum", "maximum", "enum", "default")
    assert [r for r in rules if any(r in field for field in fields.values())] == ["format", "enum"]
    assert fields["nights"]["description"] == "{maximum: 14, minimum: 1}"
    assert fields["people"]["description"] == "{default: 1}"
    assert schema["additionalProperties"] is False
    assert "people" not in schema["required"]


def test_the_schema_as_pydantic_writes_it_is_refused(server: Any, names: dict[str, Any]) -> None:
    schema = names["Booking"].model_json_schema()
    closed = {**schema, "additionalProperties": False}
    for each, why in ((schema, "additionalProperties"), (closed, "maximum, minimum are not")):
        form: Any = {"format": {"type": "json_schema", "schema": each}}
        with pytest.raises(anthropic.BadRequestError, match=why):
            staged(server, "{}").messages.create(**HELLO, output_config=form)


def test_the_rewriting_empties_a_dict_and_drops_the_description_beside_a_class() -> None:
    class Guest(BaseModel):
        name: str

    class Stay(BaseModel):
        prices: dict[str, float]
        guest: Guest = Field(description="who pays")

    fields = anthropic.transform_schema(Stay)["properties"]
    assert fields["prices"]["properties"] == {}
    assert fields["prices"]["additionalProperties"] is False
    assert fields["guest"] == {"$ref": "#/$defs/Guest"}


@pytest.mark.parametrize("reply", [CUT, LONG], ids=["cut", "three weeks"])
def test_parse_raises_an_error_that_holds_no_reply(
    server: Any, names: dict[str, Any], reply: Any
) -> None:
    with pytest.raises(ValidationError) as caught:
        staged(server, reply).messages.parse(**HELLO, output_format=names["Booking"])
    public = [name for name in dir(caught.value) if not name.startswith("_")]
    held = [getattr(caught.value, name) for name in public]
    assert not any(isinstance(value, anthropic.types.Message) for value in held)
    assert "stop_reason" not in str(caught.value)
    assert not hasattr(anthropic.Anthropic(api_key=KEY).messages.with_raw_response, "parse")


@pytest.mark.parametrize("reply", [STARVED, REFUSED], ids=["cut while thinking", "refused"])
def test_without_a_text_parse_gives_none(server: Any, names: dict[str, Any], reply: Any) -> None:
    came = staged(server, reply).messages.parse(**HELLO, output_format=names["Booking"])
    assert came.parsed_output is None
    assert came.stop_reason in ("max_tokens", "refusal")


def test_a_stream_raises_before_its_stop_reason_and_keeps_what_came(
    server: Any, names: dict[str, Any]
) -> None:
    sdk = staged(server, CUT)
    with sdk.messages.stream(**HELLO, output_format=names["Booking"]) as stream:
        with pytest.raises(ValidationError):
            stream.until_done()
        snapshot = stream.current_message_snapshot
    assert (names["read_text"](snapshot), snapshot.stop_reason) == (HALF, None)


def test_pydantic_says_what_the_first_compare_says_of_it(names: dict[str, Any]) -> None:
    def read(**more: Any) -> Any:
        return names["Booking"].model_validate_json(json.dumps({**GOOD, **more}))

    for wrong in ({"nights": 2.5}, {"place": "Tent"}):
        with pytest.raises(ValidationError):
            read(**wrong)
    assert read(nights=2.0).nights == 2
    assert read(dog=True) == read()
    assert read(name="").name == ""


# --- its functions --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (CUT, "max_tokens"),
        ({"content": [json.dumps(GOOD)], "stop_reason": "max_tokens"}, "max_tokens"),
        (STARVED, "max_tokens"),
        (REFUSED, "refusal"),
        (LONG, "nights: Input should be less than or equal to 14"),
        ("[]", "Input should be an object"),
    ],
)
def test_what_is_no_booking_is_kept_whole_with_its_reason(
    server: Any, names: dict[str, Any], reply: Any, why: str
) -> None:
    message = staged(server, reply).messages.create(**HELLO)
    found = names["checked"](message)
    assert (found.why, found.reply) == (why, message)
    again = anthropic.types.Message.model_validate_json(found.reply.to_json())
    assert again.content == message.content


def test_a_whole_reply_becomes_the_object(server: Any, names: dict[str, Any]) -> None:
    message = staged(server, [{"thinking": ""}, json.dumps(GOOD)]).messages.create(**HELLO)
    assert names["checked"](message) == names["Booking"](**GOOD)


def test_the_receipt_must_add_up_unless_a_line_could_not_be_read(names: dict[str, Any]) -> None:
    lines = [{"count": 1, "item": "Lamp", "amount": 8.5}, {"count": 1, "item": "?", "amount": 0.1}]
    assert names["Receipt"](lines=lines, total=8.6).total == 8.6
    with pytest.raises(ValidationError, match=r"the lines make 8\.60, not 9\.00"):
        names["Receipt"](lines=lines, total=9)
    lines[1]["amount"] = None
    assert names["Receipt"](lines=lines, total=9).total == 9


# --- the program at work --------------------------------------------------------------------


def table(folder: Path, name: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "my_bookings.db")) as db:
        return db.execute(f"SELECT * FROM {name}").fetchall()


def test_the_program_files_the_lessons_booking_once_however_often_it_runs(tmp_path: Path) -> None:
    with replaying("11_structured_outputs") as server:
        said = [run_program(PROGRAM, server.url, tmp_path).stdout for _ in range(2)]
    assert said == ["[(1, 'Amara Okafor', 5)]\n"] * 2
    [(number, reply)] = table(tmp_path, "replies")
    assert number == 1
    assert json.loads(reply)["stop_reason"] == "end_turn"


@pytest.mark.parametrize("reply", [CUT, REFUSED, LONG], ids=["cut", "refused", "three weeks"])
def test_the_program_keeps_the_reply_that_is_no_booking(
    server: Any, tmp_path: Path, reply: Any
) -> None:
    url = server.url + server.backend.account.stage("t", (reply,))
    said = run_program(PROGRAM, url, tmp_path).stdout
    assert said.startswith("No booking yet:")
    assert table(tmp_path, "bookings") == []
    [(_, kept)] = table(tmp_path, "replies")
    assert json.loads(kept)["stop_reason"] in ("max_tokens", "refusal", "end_turn")
