"""What `show` puts under a cell, in a real kernel: readable, complete, and without the key.

One kernel serves the whole file; each test runs cells in it as a notebook does.
"""

from __future__ import annotations

import base64
import html.parser
import re
from collections.abc import Iterator
from typing import Any

import pytest

from helpers._setup import SESSION_KEY
from helpers.show import REPLY_HEADERS, REQUEST_HEADERS
from tests.support import HELLO, LESSON, Kernel, OwnCourse, Shown, exchange, kernel, said

TRICKY = "Costs $5 or $6: <b>a|b</b> *c* `d` [e](f)\nand_more_words"
SECRET = "a-very-secret-header-value"
LONG = "word " * 100

START = f"""
import anthropic
from helpers import setup, show, staged
setup({LESSON!r})
client = anthropic.Anthropic(default_headers={{"x-private": {SECRET!r}}})
HELLO = {HELLO!r}
def played(*blocks, **more):
    with anthropic.Anthropic(base_url=staged(replies=[{{"content": list(blocks)}} | more])) as one:
        return one.messages.create(**HELLO)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel in which the lesson has begun."""
    streamed = {**said("Stream"), "stream": True}
    course = OwnCourse.at(
        tmp_path_factory.mktemp("show"),
        exchange("hello", HELLO, [{"thinking": "", "tokens": 30}, "Hi there."]),
        exchange("stream", streamed, "Piece by piece."),
        exchange("long", said(LONG), "Yes."),
    )
    with kernel(course) as ready:
        shown = ready.run(START)
        assert "Replay" in shown.printed, shown.outputs
        yield ready


def markdown(shown: Shown) -> str:
    """The one Markdown text that a cell displayed."""
    [text] = shown.displayed("text/markdown")
    return text


def exchange_shown(shown: Shown) -> str:
    """Everything that `show.wire` displayed: what was sent, then what came back."""
    return "\n\n".join(shown.displayed("text/markdown"))


def rows(text: str) -> list[list[str]]:
    """The cells of a Markdown table, row by row, as a reader sees them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[as_read(cell.strip()) for cell in row] for row in cells]


def as_read(cell: str) -> str:
    """A cell's text as a reader sees it."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", cell.replace("<span>&#36;</span>", "$"))


# --- show.message ---------------------------------------------------------------------------


def test_a_message_is_taken_apart_block_by_block(running: Kernel) -> None:
    text = markdown(running.run("show.message(client.messages.create(**HELLO))"))
    head, _, *body = rows(text)
    assert head == ["part", "kind", "what it holds"]
    parts = {row[0]: row[1:] for row in body}
    assert list(parts) == ["content[0]", "content[1]", "stop_reason", "model", "usage"]
    assert parts["content[0]"][0] == "`thinking`"
    assert "signature of" in parts["content[0]"][1] and "empty" in parts["content[0]"][1]
    assert parts["content[1]"] == ["`text`", "“Hi there.”"]
    assert parts["stop_reason"][0] == "`end_turn`"
    assert re.fullmatch(r"\d+ tokens in, \d+ out", parts["usage"][1])


def test_a_message_without_blocks_says_so(running: Kernel) -> None:
    text = markdown(running.run("show.message(played())"))
    assert "no blocks at all" in text


def test_a_tool_call_shows_name_and_input(running: Kernel) -> None:
    text = markdown(
        running.run("show.message(played({'tool': 'look_up', 'input': {'day': 'Sunday'}}))")
    )
    assert 'call of `look_up` with `{"day": "Sunday"}`' in [row[2] for row in rows(text)]


SERVED: list[tuple[dict[str, Any], str]] = [
    ({"type": "redacted_thinking", "data": "QQ=="}, "encrypted, 4 characters"),
    (
        {
            "type": "server_tool_use",
            "id": "srvtoolu_1",
            "name": "web_search",
            "input": {"query": "x"},
        },
        'call of `web_search` with `{"query": "x"}`',
    ),
    (
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{}, {}]},
        "2 results",
    ),
    (
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"},
        },
        "error `unavailable`",
    ),
    (
        {
            "type": "code_execution_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {"type": "code_execution_result", "stdout": "", "content": []},
        },
        "`code_execution_result`",
    ),
]


@pytest.mark.parametrize(("block", "says"), SERVED)
def test_blocks_that_the_api_makes_say_what_they_are(
    running: Kernel, block: dict[str, Any], says: str
) -> None:
    shown = rows(markdown(running.run(f"show.message(played({block!r}))")))
    assert [f"`{block['type']}`", says] in [row[1:] for row in shown]


def test_a_block_of_a_kind_that_nobody_knows_is_shown_by_its_type(running: Kernel) -> None:
    shown = rows(markdown(running.run("show.message(played({'type': 'song', 'notes': 3}))")))
    assert ["`song`", ""] in [row[1:] for row in shown]


def test_text_is_shown_as_it_is_and_not_as_markdown(running: Kernel) -> None:
    """A dollar would begin a formula, a star bold type, a bar a new cell, `<` a tag."""
    text = markdown(running.run(f"show.message(played({TRICKY!r}))"))
    [row] = [row for row in rows(text) if row[0] == "content[0]"]
    assert len(row) == 3
    assert row[2] == "“" + TRICKY.replace("\n", " ") + "”"
    quoted = text.split("“")[1].split("”")[0].replace("<span>&#36;</span>", "")
    for sign in "$<*[|`":
        assert not re.search(rf"(?<!\\){re.escape(sign)}", quoted)


def test_a_long_text_is_cut(running: Kernel) -> None:
    text = markdown(running.run(f"show.message(played({LONG!r}))"))
    assert "..." in text and len(text) < 800


def test_a_streamed_message_is_shown_too(running: Kernel) -> None:
    shown = running.run(
        f"with client.messages.stream(**{said('Stream')!r}) as stream:\n"
        "    show.message(stream.get_final_message())"
    )
    assert "Piece by piece." in markdown(shown)


# --- show.usage -----------------------------------------------------------------------------


def test_usage_shows_where_the_tokens_went(running: Kernel) -> None:
    counts = {
        "input_tokens": 12, "cache_creation_input_tokens": 3_000, "cache_read_input_tokens": 45_678,
        "output_tokens": 99, "thinking_tokens": 55,
    }  # fmt: skip
    run = running.run(f"show.usage(played('x', usage={counts!r}))")
    assert rows(markdown(run))[2:] == [
        ["input, not cached", "12"],
        ["input, written to the cache", "3,000"],
        ["input, read from the cache", "45,678"],
        ["output", "99"],
        ["of the output: thinking", "55"],
    ]


def test_usage_takes_a_reply_or_its_usage(running: Kernel) -> None:
    one = running.run("reply = played('x'); show.usage(reply)")
    two = running.run("show.usage(reply.usage)")
    assert markdown(one) == markdown(two)


# --- show.wire ------------------------------------------------------------------------------


def test_the_wire_shows_both_directions(running: Kernel) -> None:
    text = exchange_shown(running.run("client.messages.create(**HELLO)\nshow.wire()"))
    sent, came = text.split("**Came back**")
    for part in ("POST /v1/messages", '"max_tokens": 300', "anthropic-version: 2026-10-21"):
        assert part in sent
    for part in ("HTTP 200", '"stop_reason": "end_turn"', "request-id: req_", "x-course-reply"):
        assert part in came


def test_the_wire_shows_only_what_was_sent_if_asked_to(running: Kernel) -> None:
    text = exchange_shown(running.run("client.messages.create(**HELLO)\nshow.wire(reply=False)"))
    assert "POST /v1/messages" in text and '"max_tokens": 300' in text
    assert "Came back" not in text and "HTTP 200" not in text
    assert SESSION_KEY not in text and SECRET not in text


def test_the_wire_never_shows_the_key_or_a_header_that_is_not_allowed(running: Kernel) -> None:
    text = exchange_shown(running.run("client.messages.create(**HELLO)\nshow.wire()"))
    assert "your key, not shown" in text
    for secret in (SESSION_KEY, SECRET, "x-private", "user-agent", "organization"):
        assert secret not in text
    allowed = {*REQUEST_HEADERS, *REPLY_HEADERS, "authorization"}
    shown = re.findall(r"^([a-z-]+): ", text, flags=re.MULTILINE)
    assert len(shown) >= 6
    assert set(shown) <= allowed


def test_the_lists_of_what_may_be_shown_hold_no_credential() -> None:
    for name in (*REQUEST_HEADERS, *REPLY_HEADERS):
        assert not re.search("auth|key|cookie|token|organization|workspace|user", name), name


def test_the_wire_shows_the_exchange_before_the_last(running: Kernel) -> None:
    text = exchange_shown(
        running.run("client.messages.create(**HELLO)\nplayed('other')\nshow.wire(back=2)")
    )
    assert "Hi there." in text


def test_the_wire_shows_only_what_is_new_if_asked_to(running: Kernel) -> None:
    running.run("""
with anthropic.Anthropic(base_url=staged(replies=["One.", "Two."])) as one:
    turns = [{"role": "user", "content": "First question"}]
    ask = dict(model="claude-sonnet-5-5", max_tokens=50)
    one.messages.create(messages=turns, **ask)
    turns = [*turns, {"role": "assistant", "content": "One."}]
    turns = [*turns, {"role": "user", "content": "Second question"}]
    one.messages.create(messages=turns, metadata={"user_id": "a"}, **ask)
""")
    text = exchange_shown(running.run("show.wire(new=True, reply=False)"))
    assert "First question" not in text
    assert "max_tokens" not in text.split("As in the request before")[0]
    assert "Second question" in text and "user_id" in text
    assert "As in the request before: " in text and "the first 1 of `messages`" in text


def test_the_first_wire_of_a_lesson_is_new_as_a_whole(running: Kernel) -> None:
    text = exchange_shown(
        running.run(f"setup({LESSON!r}); client.messages.create(**HELLO); show.wire(new=True)")
    )
    assert "max_tokens" in text and "As in the request before" not in text


def test_a_stream_is_shown_event_by_event(running: Kernel) -> None:
    shown = running.run(
        f"with client.messages.stream(**{said('Stream')!r}) as stream:\n"
        "    stream.until_done()\n"
        "show.wire()"
    )
    text = exchange_shown(shown)
    assert "event: message_start" in text and 'data: {"type": "ping"}' in text


def test_long_texts_are_shortened_for_the_eye(running: Kernel) -> None:
    text = exchange_shown(running.run(f"client.messages.create(**{said(LONG)!r})\nshow.wire()"))
    assert f"({len(LONG)} characters)" in text
    assert LONG not in text


def test_an_answer_of_the_courses_rules_is_marked_as_such(running: Kernel) -> None:
    shown = running.run(
        "try:\n    client.messages.create(**{**HELLO, 'model': 'claude-does-not-exist'})\n"
        "except anthropic.NotFoundError:\n    show.wire()"
    )
    assert "x-course-reply: rule: unknown-model" in exchange_shown(shown)


def test_where_nothing_came_back_the_wire_says_so(running: Kernel) -> None:
    shown = running.run(
        "try:\n"
        "    anthropic.Anthropic(base_url=staged('no-connection'), max_retries=0)"
        ".messages.create(**HELLO)\n"
        "except anthropic.APIConnectionError:\n    show.wire()"
    )
    assert exchange_shown(shown).endswith("nothing")


def test_before_the_first_call_the_wire_says_that_there_is_nothing(running: Kernel) -> None:
    shown = running.run(f"setup({LESSON!r})\nshow.wire()")
    assert "Nothing went through the course server yet" in exchange_shown(shown)


# --- show.table and show.plot ---------------------------------------------------------------


def test_a_table_keeps_its_cells_apart_whatever_they_hold(running: Kernel) -> None:
    cells = ["a|b", "$0.27", "$0.30", 1_234_567, True, None, "two\nlines"]
    text = markdown(running.run(f"show.table([{cells!r}], *'abcdefg')"))
    assert rows(text)[2] == ["a|b", "$0.27", "$0.30", "1,234,567", "True", "None", "two lines"]
    assert "$" not in text


def test_dollars_in_code_are_left_alone(running: Kernel) -> None:
    text = markdown(running.run("show.table([['`a = $1 + $2`, $3 and $4']], 'x')"))
    assert "`a = $1 + $2`" in text
    assert text.count("<span>&#36;</span>") == 2


class Pictures(html.parser.HTMLParser):
    """Collects the attributes of each <img>."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


def test_a_plot_is_a_picture_with_a_text_for_those_who_do_not_see_it(running: Kernel) -> None:
    alt = 'Two bars: "in" 5 < "out" 9 & rising'
    shown = running.run(
        "import matplotlib.pyplot as plt\n"
        "figure, axes = plt.subplots()\n"
        "axes.bar(['in', 'out'], [5, 9])\n"
        f"show.plot(figure, {alt!r})"
    )
    parser = Pictures()
    [text] = shown.displayed("text/html")
    parser.feed(text)
    [picture] = parser.found
    assert picture["alt"] == alt
    kind, _, data = picture["src"].partition(";base64,")
    assert kind == "data:image/png"
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert shown.displayed("image/png") == []  # not a second time, without its text
    assert shown.complained == ""
