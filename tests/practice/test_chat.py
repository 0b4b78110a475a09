"""The chat of lesson 05: the plain call and the widget do the same, and errors are shown.

The SDK, the course server and the widgets are real; a browser is not part of it. What the lesson
asks is read from the lesson.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import anthropic
import nbformat
import pytest

from authoring.kernel import WIDGET_VIEW
from courseserver.account import Account
from courseserver.loopback import Server
from courseserver.recordings import Recordings
from courseserver.replay import Replay
from practice.chat import Chat
from tests.support import HELLO, ROOT, client, exchange, serving

HI, MORE = "Hello", "And <b>then</b>?"
GREETED = {"role": "assistant", "content": [{"type": "text", "text": "Hi there."}]}
LONGER = {**HELLO, "messages": [*HELLO["messages"], GREETED, {"role": "user", "content": MORE}]}


@pytest.fixture
def server() -> Iterator[Server[Replay]]:
    """A course server that knows a greeting and one thing to say after it."""
    replies = (
        exchange("hello", HELLO, "Hi there."),
        exchange("more", LONGER, "That's <i>all</i>."),
    )
    with serving(*replies) as running:
        yield running


@pytest.fixture
def chat(server: Server[Replay]) -> Iterator[Chat]:
    """A chat with two suggestions, on the lesson's way of taking a turn."""
    with client(server.url, max_retries=0) as sdk:
        yield Chat(saying(sdk), [HI, MORE])


def saying(sdk: anthropic.Anthropic, **more: Any) -> Callable[..., Any]:
    """The lesson's way of taking a turn; `more` changes the request."""

    def say(history: list[Any], text: str) -> tuple[Any, list[Any]]:
        asked = [*history, {"role": "user", "content": text}]
        reply = sdk.messages.create(**{**HELLO, **more, "messages": asked})
        return reply, [*asked, {"role": "assistant", "content": reply.to_dict()["content"]}]

    return say


def suggestions() -> list[str]:
    """What the buttons of lesson 05 suggest."""
    lesson = nbformat.read(ROOT / "notebooks" / "05_multi_turn.ipynb", as_version=4)
    (cell,) = [each for each in lesson.cells if "suggested = [" in each.source]
    (given,) = [each for each in ast.parse(cell.source).body if isinstance(each, ast.Assign)][:1]
    found: list[str] = ast.literal_eval(given.value)
    return found


def press(chat: Chat, name: str) -> None:
    """Press the button of the widget that has this name."""
    found = [*chat.buttons, *chat.widget.children[-2].children, chat.widget.children[-1]]
    next(each for each in found if each.description == name).click()


def enter(chat: Chat, text: str) -> None:
    """Type into the field and press Enter, as the browser reports it: the key, then the text."""
    for data in (
        {"method": "custom", "content": {"event": "submit"}},
        {"method": "update", "state": {"value": text}, "buffer_paths": []},
    ):
        chat.own._handle_msg({"content": {"data": data}, "buffers": []})


def test_the_plain_call_returns_the_text_and_the_history_grows_by_two_turns(chat: Chat) -> None:
    assert chat.send(HI) == "Hi there."
    assert [turn["role"] for turn in chat.history] == ["user", "assistant"]
    assert chat.send(MORE) == "That's <i>all</i>."
    assert (len(chat.history), len(chat.replies)) == (4, 2)


def test_a_pressed_suggestion_does_what_the_plain_call_does_and_is_then_off(chat: Chat) -> None:
    press(chat, HI)
    assert chat.lines == [("You", HI), ("Claude", "Hi there.")]
    assert [button.disabled for button in chat.buttons] == [True, False]


def test_a_text_of_ones_own_goes_out_by_enter_and_by_the_button(chat: Chat) -> None:
    enter(chat, HI)
    assert chat.own.value == ""
    chat.own.value = MORE
    press(chat, "Send")
    assert [who for who, _ in chat.lines] == ["You", "Claude", "You", "Claude"]


def test_while_the_answer_is_on_its_way_the_question_stands_there(chat: Chat) -> None:
    seen: list[str] = []
    chat.log.observe(lambda change: seen.append(change.new), "value")
    press(chat, HI)
    assert [(HI in each, "..." in each, "Hi there." in each) for each in seen] == [
        (True, True, False),
        (True, False, True),
    ]


def test_leaving_the_field_sends_nothing_and_an_empty_field_neither(
    chat: Chat, server: Server[Replay]
) -> None:
    chat.own.value = HI  # what the browser reports when the focus moves on
    assert not len(server.backend.account.journal)
    enter(chat, "  ")
    assert not len(server.backend.account.journal)


def test_a_request_without_a_reply_is_shown_and_the_history_stays_as_it_was(chat: Chat) -> None:
    enter(chat, HI)
    enter(chat, "What is new?")
    assert "What is new?" in chat.log.value and "no recorded reply" in chat.log.value
    assert len(chat.history) == 2
    enter(chat, MORE)
    assert "no recorded reply" not in chat.log.value and len(chat.history) == 4


def test_the_plain_call_raises_what_the_call_raises(chat: Chat) -> None:
    with pytest.raises(anthropic.APIStatusError):
        chat.send("What is new?")
    assert chat.history == []


def test_texts_are_shown_as_texts_and_the_log_is_announced(chat: Chat) -> None:
    chat.send(HI)
    chat.send(MORE)
    assert "And &lt;b&gt;then&lt;/b&gt;?" in chat.log.value and "<i>" not in chat.log.value
    assert 'role="log"' in chat.log.value


def test_start_again_forgets_everything(chat: Chat) -> None:
    press(chat, HI)
    press(chat, "Start again")
    assert (chat.history, chat.replies, chat.lines) == ([], [], [])
    assert not any(button.disabled for button in chat.buttons)


def test_a_reply_without_text_says_why(server: Server[Replay]) -> None:
    url = server.url + server.backend.account.stage(
        "refusal", ({"content": [], "stop_reason": "refusal"},)
    )
    with client(url) as sdk:
        chat = Chat(lambda history, _: (sdk.messages.create(**HELLO), history), [])
        assert chat.send(HI) == ""
    assert "(no text: refusal)" in chat.log.value


def test_where_no_widget_shows_the_conversation_stands_in_its_place(chat: Chat) -> None:
    chat.send(HI)
    bundle = chat._repr_mimebundle_()
    assert bundle["text/plain"] == "You: Hello\nClaude: Hi there."
    assert WIDGET_VIEW in bundle


def test_the_suggestions_of_the_lesson_have_answers_in_every_order(
    covers: Callable[[str], None],
) -> None:
    name = "05_multi_turn"
    text = (ROOT / "recordings" / f"{name}.json").read_text(encoding="utf-8")
    orders = list(permutations(suggestions()))
    server = Server(Replay(Account()))
    try:
        server.backend.start(Recordings.parse(text, name))
        with client(server.url, max_retries=0) as sdk:
            for order in orders:
                chat = Chat(saying(sdk, max_tokens=2000), order)
                assert all(chat.send(question) for question in order), order
    finally:
        server.stop()
    covers(f"chat of lesson 05: {len(orders)} orders of its suggestions")
