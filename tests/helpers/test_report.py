"""What stands under a cell that failed, in a real kernel: the learner's own lines, and the meaning.

The error itself stays what it was (name, text, `%tb`, `sys.last_value`); only its picture is short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import HELLO, LESSON, ROOT, Kernel, OwnCourse, exchange, kernel, said

START = f"""
import anthropic, asyncio
from helpers import setup, staged
setup({LESSON!r})
client = anthropic.Anthropic(max_retries=0)
HELLO = {HELLO!r}
"""
UNKNOWN = "client.messages.create(**{**HELLO, 'model': 'claude-does-not-exist'})"


ANSWER = {
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "", "signature": "sha256:0 800 characters"},
        {"type": "text", "text": "Yes, one."},
    ],
}
TWO = {"role": "user", "content": "And two?"}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> OwnCourse:
    """A course with one recorded question."""
    return OwnCourse.at(
        tmp_path_factory.mktemp("report"),
        exchange("hello", said("Hello", system="Be brief."), "Hi there."),
        exchange("one", said("One?"), [{"thinking": ""}, "Yes, one."]),
        exchange("two", {**HELLO, "messages": [*said("One?")["messages"], ANSWER, TWO]}, "Two."),
    )


@pytest.fixture(scope="module")
def running(course: OwnCourse) -> Iterator[Kernel]:
    """A kernel in which the lesson has begun."""
    with kernel(course) as ready:
        assert "Replay" in ready.run(START).printed
        yield ready


def shows_no_path(text: str, course: OwnCourse) -> bool:
    """Whether no path of this machine stands in a text."""
    here = {str(course.root), str(ROOT), "site-packages", "ipykernel_", "/tmp", '.py"'}
    return not any(part in text for part in here)


# --- an ordinary error ----------------------------------------------------------------------


def test_only_the_learners_own_lines_and_the_message_are_shown(
    running: Kernel, course: OwnCourse
) -> None:
    shown = running.run(f"text = 'before'\n\n{UNKNOWN}\n")
    lines = shown.error["traceback"]
    assert lines[0] == f"in the cell, line 3:  {UNKNOWN}"
    assert re.fullmatch(r"\.\.\. and \d+ more inside the library \(%tb shows them\)", lines[1])
    assert "model: claude-does-not-exist" in shown.traceback
    assert len(lines) < 10
    assert shows_no_path(shown.traceback, course)


def test_name_and_text_of_the_error_are_unchanged(running: Kernel) -> None:
    shown = running.run(UNKNOWN)
    assert shown.error["ename"] == "NotFoundError"
    assert shown.error["evalue"].startswith("Error code: 404 - {'type': 'error', 'error': ")


def test_the_whole_traceback_is_one_command_away(running: Kernel) -> None:
    running.run(UNKNOWN)
    whole = re.sub(r"\x1b\[[0-9;]*m", "", running.run("%tb").traceback)
    assert "_base_client.py" in whole
    assert "NotFoundError" in whole
    assert len(whole.splitlines()) > 20
    assert (
        running.run("import sys; print(type(sys.last_value).__name__)").printed == "NotFoundError\n"
    )


def test_an_error_without_the_library_has_no_line_about_it(running: Kernel) -> None:
    shown = running.run("[][0]")
    assert shown.error["traceback"] == [
        "in the cell, line 1:  [][0]",
        "",
        "IndexError: list index out of range",
    ]


def test_functions_of_other_cells_are_shown_with_their_names_and_lines(running: Kernel) -> None:
    running.run(
        "def first_text(message):\n    # a mistake of lesson 02\n    return message.content[0].text"
    )
    running.run("def twice(message):\n    return first_text(message) * 2")
    shown = running.run(
        "with anthropic.Anthropic(base_url=staged('refusal')) as one:\n"
        "    reply = one.messages.create(**HELLO)\n"
        "twice(reply)"
    )
    assert shown.error["traceback"] == [
        "in the cell, line 3:  twice(reply)",
        "in twice(), line 2:  return first_text(message) * 2",
        "in first_text(), line 3:  return message.content[0].text",
        "",
        "IndexError: list index out of range",
    ]


def test_a_cell_that_awaits_fails_in_the_same_way(running: Kernel) -> None:
    shown = running.run(
        "sdk = anthropic.AsyncAnthropic(max_retries=0)\n"
        "async def ask(model):\n"
        "    return await sdk.messages.create(**{**HELLO, 'model': model})\n"
        "await ask('claude-does-not-exist')"
    )
    lines = shown.error["traceback"]
    assert lines[0] == "in the cell, line 4:  await ask('claude-does-not-exist')"
    assert lines[1].startswith("in ask(), line 3:  return await sdk.messages.create(")
    assert "more inside the library" in lines[2]
    assert shown.error["ename"] == "NotFoundError"


def test_a_gathered_error_names_the_line_of_the_task(running: Kernel) -> None:
    shown = running.run(
        "async def bad():\n    raise ValueError('no')\nawait asyncio.gather(bad(), bad())"
    )
    assert "in bad(), line 2:  raise ValueError('no')" in shown.traceback


def test_a_broken_connection_names_its_cause(running: Kernel) -> None:
    shown = running.run(
        "sdk = anthropic.Anthropic(base_url=staged('no-connection'), max_retries=0)\n"
        "sdk.messages.create(**HELLO)"
    )
    assert "APIConnectionError: Connection error." in shown.traceback
    assert "caused by RemoteProtocolError: " in shown.traceback


def test_a_cut_stream_shows_the_loop_of_the_learner(running: Kernel) -> None:
    shown = running.run(
        "sdk = anthropic.Anthropic(base_url=staged('cut-stream'))\n"
        "with sdk.messages.stream(**HELLO) as stream:\n"
        "    for text in stream.text_stream:\n"
        "        pass"
    )
    assert "in the cell, line 3:  for text in stream.text_stream:" in shown.traceback
    assert shown.error["ename"] == "RemoteProtocolError"


# --- chains, long messages, messages of several lines ----------------------------------------


def test_an_error_with_a_cause_names_the_cause(running: Kernel) -> None:
    shown = running.run(
        "try:\n    int('x')\nexcept ValueError as error:\n    raise KeyError('y') from error"
    )
    assert shown.error["traceback"][-2:] == [
        "KeyError: 'y'",
        "caused by ValueError: invalid literal for int() with base 10: 'x'",
    ]


def test_an_error_while_handling_another_names_the_other(running: Kernel) -> None:
    """As when an `except` branch reads a field that the error does not have (lesson 12)."""
    shown = running.run(
        "try:\n"
        "    anthropic.Anthropic(base_url=staged('no-connection'), max_retries=0)"
        ".messages.create(**HELLO)\n"
        "except anthropic.APIError as error:\n"
        "    print(error.status_code)"
    )
    assert "in the cell, line 4:  print(error.status_code)" in shown.traceback
    assert (
        "AttributeError: 'APIConnectionError' object has no attribute 'status_code'"
        in shown.traceback
    )
    assert shown.error["traceback"][-1] == "while handling APIConnectionError: Connection error."


def test_what_was_hidden_on_purpose_stays_hidden(running: Kernel) -> None:
    shown = running.run("try:\n    int('x')\nexcept ValueError:\n    raise KeyError('y') from None")
    assert shown.error["traceback"][-1] == "KeyError: 'y'"


def test_a_message_of_several_lines_keeps_them(running: Kernel) -> None:
    shown = running.run("raise ValueError('first\\n  second\\n' + 'long ' * 60)")
    lines = shown.error["traceback"]
    assert "ValueError: first" in lines and "  second" in lines
    assert max(map(len, lines)) <= 100


def test_an_error_that_we_cannot_put_into_words_is_shown_by_ipython(running: Kernel) -> None:
    """And it does not switch the short form off for the cells that follow."""
    shown = running.run(
        "class Mute(Exception):\n    def __str__(self): raise RuntimeError\n"
        "raise ValueError('said') from Mute()"
    )
    assert (shown.error["ename"], shown.error["evalue"]) == ("ValueError", "said")
    assert "Traceback (most recent call last)" in shown.traceback
    assert running.run("[][0]").error["traceback"][0] == "in the cell, line 1:  [][0]"


# --- what is left as it was -----------------------------------------------------------------


def test_a_syntax_error_is_left_to_ipython(running: Kernel, course: OwnCourse) -> None:
    for cell, name in (("print('a'\nclient", "SyntaxError"), ("if 1:\nclient", "IndentationError")):
        shown = running.run(cell)
        assert shown.error["ename"] == name
        assert "^" in shown.traceback
        assert shows_no_path(shown.traceback, course)


# What JupyterLab's Stop button sends to the kernel, half a second after the cell began.
STOP_SOON = "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()"
ASKING = {
    "slow": "sdk.messages.create(**HELLO)",
    "stall": "with sdk.messages.stream(**HELLO) as stream:\n"
    "    for text in stream.text_stream:\n        pass",
}


@pytest.mark.parametrize("name", ASKING)
def test_the_stop_button_gets_a_sentence_and_the_learners_own_lines(
    course: OwnCourse, running: Kernel, name: str
) -> None:
    running.run("import os, signal, threading")
    running.run(f"sdk = anthropic.Anthropic(base_url=staged({name!r}), max_retries=0)")
    shown = running.run(f"{STOP_SOON}\n{ASKING[name]}")
    assert shown.error["ename"] == "KeyboardInterrupt"
    lines = shown.error["traceback"]
    assert lines[0].startswith("in the cell, line ")
    assert re.fullmatch(r"\.\.\. and \d+ more inside the library \(%tb shows them\)", lines[1])
    assert "You stopped this cell (KeyboardInterrupt)." in shown.traceback
    assert "Run the cell again whenever you like." in shown.traceback
    assert len(lines) < 8
    assert shows_no_path(shown.traceback, course)
    good = f"client.messages.create(**{said('Hello', system='Be brief.')!r})"
    assert running.run(f"print({good}.type)").printed == "message\n"


def test_cells_that_succeed_show_nothing_more(running: Kernel) -> None:
    shown = running.run("1 + 1")
    assert shown.displayed("text/plain") == ["2"]
    assert len(shown.outputs) == 1


def test_a_caught_error_shows_nothing(running: Kernel) -> None:
    shown = running.run(
        f"try:\n    {UNKNOWN}\nexcept anthropic.NotFoundError as error:\n    print(error.type)"
    )
    assert shown.printed == "not_found_error\n"
    assert len(shown.outputs) == 1


def test_outside_a_notebook_errors_are_pythons_own(course: OwnCourse) -> None:
    done = course.run(f"{START}\n{UNKNOWN}")
    assert "Traceback (most recent call last)" in done.stderr
    assert "_base_client.py" in done.stderr


# --- a request without a recording ----------------------------------------------------------

MISSED = f"client.messages.create(**{said('Hallo', system='Be brief.')!r})"


def test_a_missed_request_gets_the_report_in_place_of_a_traceback(
    running: Kernel, course: OwnCourse
) -> None:
    shown = running.run(MISSED)
    lines = shown.error["traceback"]
    assert lines[0] == "Replay has no recorded reply for this request. Nothing left this machine."
    assert "The nearest recorded request is 'hello'. They differ here:" in lines
    assert '  messages[0].content: recorded "Hello", sent "Hallo"' in lines
    assert any(f"start.py reset {LESSON}" in line for line in lines)
    assert any("put a key into .env" in line for line in lines)
    assert re.search(r"about \d+ tokens, about \$0\.0000\d+ before the answer", shown.traceback)
    assert any('staged(replies=["..."])' in line for line in lines)
    assert any("import wish; wish()" in line for line in lines)
    assert "show.wire() shows it." in lines[-1]
    assert len(lines) <= 25
    assert shows_no_path(shown.traceback, course)
    assert (shown.error["ename"], "421" in shown.error["evalue"]) == ("APIStatusError", True)


def test_the_report_comes_for_a_stream_and_for_await_too(running: Kernel) -> None:
    stream = MISSED.replace("messages.create", "messages.stream")
    for cell in (f"with {stream} as stream:\n    pass", MISSED.replace("client.", "await sdk.")):
        running.run("sdk = anthropic.AsyncAnthropic(max_retries=0)")
        assert running.run(cell).traceback.startswith("Replay has no recorded reply")


def test_the_report_comes_also_from_inside_a_function(running: Kernel) -> None:
    running.run(f"def ask():\n    return {MISSED}")
    assert running.run("ask()").traceback.startswith("Replay has no recorded reply")


def test_a_missing_reply_that_the_program_caught_is_still_told(running: Kernel) -> None:
    caught = f"try:\n    {MISSED}\nexcept anthropic.APIStatusError as e:\n    print(e.status_code)"
    (said_below,) = running.run(caught).displayed("text/plain")
    assert said_below.startswith("Replay has no recorded reply for a request of this cell")
    assert '  messages[0].content: recorded "Hello", sent "Hallo"' in said_below
    assert not running.run("print('next')").displayed("text/plain")
    raised = running.run(f"{caught}\n    raise RuntimeError('no answer') from e")
    assert (
        "Replay has no recorded reply for a request of this cell"
        in raised.displayed("text/plain")[-1]
    )
    assert "RuntimeError: no answer" in raised.traceback
    assert not running.run(MISSED).displayed("text/plain")  # its report says it all


def test_what_replay_can_adapt_is_named_last(running: Kernel) -> None:
    changed = said("Hallo", max_tokens=99, stop_sequences=["a"])
    lines = running.run(f"client.messages.create(**{changed!r})").error["traceback"]
    at = next(n for n, line in enumerate(lines) if line.endswith("They differ here:"))
    assert lines[at + 1].startswith("  messages[0].content")
    assert lines[at + 2].startswith("  max_tokens")


def test_many_differences_are_counted_and_not_all_listed(running: Kernel) -> None:
    body = said("Hallo", system="Be long.", max_tokens=9, stop_sequences=["a"],
                metadata={"user_id": "b"}, service_tier="auto", tool_choice={"type": "auto"},
                tools=[{"name": "a", "input_schema": {"type": "object"}}])  # fmt: skip
    text = running.run(f"client.messages.create(**{body!r})").traceback
    assert len(re.findall(r"^  \w[\w.\[\]]*: (?:recorded|not)", text, flags=re.MULTILINE)) == 5
    assert "  ... and in 3 more places" in text


def test_the_report_of_a_long_request_is_short(running: Kernel) -> None:
    turns = [{"role": "user", "content": "word " * 200}] * 30
    lines = running.run(f"client.messages.create(**{{**HELLO, 'messages': {turns!r}}})").error[
        "traceback"
    ]
    assert len(lines) <= 25
    assert max(map(len, lines)) < 250


def test_a_rule_about_thinking_says_that_an_earlier_cell_was_changed(running: Kernel) -> None:
    running.run(f"first = client.messages.create(**{said('One?')!r})")
    running.run(f"turns = {said('Un?')['messages']!r}")
    running.run("turns += [{'role': 'assistant', 'content': first.content}]")
    shown = running.run(f"client.messages.create(**{{**HELLO, 'messages': [*turns, {TWO!r}]}})")
    assert shown.error["ename"] == "BadRequestError"
    assert "The question of an earlier cell was changed" in shown.traceback
    good = f"turns[0] = {said('One?')['messages'][0]!r}\nturns[1]['content'] = 'Yes, one.'"
    asked = "client.messages.create(**{**HELLO, 'messages': [*turns, " + repr(TWO) + "]})"
    shown = running.run(f"{good}\nreply = {asked}\nreply.content[0].text")
    assert shown.displayed("text/plain")[0] == "'Two.'"


def test_a_cell_says_that_its_reply_was_recorded_for_another_request(running: Kernel) -> None:
    asked = "client.messages.create(**{**HELLO, 'system': 'Be brief.', 'max_tokens': 2})"
    shown = running.run(f"print({asked}.stop_reason)")
    assert shown.printed == "max_tokens\n"
    assert shown.displayed("text/plain") == [
        "(Replay: a recorded reply, adapted to your max_tokens.)"
    ]
    assert running.run("print('nothing sent')").printed == "nothing sent\n"


def test_each_cell_is_told_to_the_journal_once(running: Kernel) -> None:
    running.run(START)
    running.run("from helpers._setup import journal")
    before = int(running.run("print(journal().cell.run)").printed)
    assert int(running.run("print(journal().cell.run)").printed) == before + 1


def test_a_request_that_is_no_message_gets_a_report_too(running: Kernel) -> None:
    asked = "[{'custom_id': 'a', 'params': {**HELLO, 'model': 'claude-haiku-5-5'}}]"
    shown = running.run(f"client.messages.batches.create(requests={asked})")
    assert shown.traceback.startswith("Replay has no recorded reply")
    assert "These requests of the batch have none: a." in shown.traceback
    assert "wish()" not in shown.traceback


def test_what_looks_like_a_key_is_masked_in_an_error(running: Kernel) -> None:
    running.run("text = 'sk-' + 'ant-' + 'made-up-made-up'")
    shown = running.run("raise ValueError(f'no {text} here')")
    assert "made-up" not in str(shown.outputs) and "not shown" in str(shown.outputs)


def test_the_report_does_not_show_a_key(running: Kernel) -> None:
    assert "replay-needs-no-key" not in running.run(MISSED).traceback


def test_an_answer_of_421_that_is_not_ours_is_an_ordinary_error(running: Kernel) -> None:
    error = {"status": 421, "error": {"type": "x", "message": "Misdirected."}}
    shown = running.run(
        f"anthropic.Anthropic(base_url=staged(replies=[{error!r}])).messages.create(**HELLO)"
    )
    assert shown.error["traceback"][0].startswith("in the cell, line 1:")


def test_the_rest_of_the_notebook_goes_on_after_a_report(running: Kernel) -> None:
    running.run(MISSED)
    good = MISSED.replace("Hallo", "Hello")
    assert running.run(f"print({good}.content[0].text)").printed == "Hi there.\n"


def test_the_course_has_no_path_of_this_machine_in_its_words(tmp_path: Path) -> None:
    """The helper above would find one."""
    own = OwnCourse(tmp_path)
    assert not shows_no_path(f'File "{tmp_path}/x.py", line 1', own)
    assert shows_no_path("in the cell, line 1:  [][0]", own)
