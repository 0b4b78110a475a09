"""The grading kit: how a learner's code is run, what is recognised in every exercise, what is said.

Small exercises made for the test; the server, the SDK, the threads and the kernel are real.
"""

from __future__ import annotations

import gc
import linecache
import logging
import os
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from practice.grading import Exercise, Lab, Mistake, runner
from practice.grading._check import check
from practice.grading.blank import same
from practice.grading.model import Outcome
from practice.grading.sources import find, sheets
from practice.grading.tape import Tape, practice_server, text_of
from practice.grading.words import EXCEPTIONS, KIT
from tests.support import ROOT, OwnCourse, kernel, said

IMPORTS = "import anthropic\nfrom helpers import MODEL\n"
CREATE = (
    "client.messages.create(model=MODEL, max_tokens=900, messages=[{'role': 'user', 'content': q}])"
)
TEXT = "''.join(b.text for b in reply.content if b.type == 'text')"
ASK = f"def ask(client, q):\n    reply = {CREATE}\n    return {TEXT}\n"
BLANK = "def ask(client, q):\n    ...\n"
THINKS = [{"thinking": "", "tokens": 20}, "Good morning."]


def rules(lab: Lab) -> None:
    """Two questions, two replies, the text back."""
    one = lab.call("What is the time?\n", replies=[THINKS])
    two = lab.call("And now?", replies=["Good ", "night."][:1])
    one.asks("What is the time?\n")
    one.expect(one.text == "Good morning.", "other", show="messages")
    two.asks("And now?")
    two.expect(two.returned == "Good ", "other")


def make(rule: Callable[[Lab], None] = rules, template: str = BLANK, **more: Any) -> Exercise:
    """An exercise like a real one, as small as possible."""
    parts: dict[str, Any] = {
        "id": "99.1", "title": "Ask", "objective": "Ask.", "task": "Ask.", "minutes": 5,
        "template": template, "solution": ASK, "also_correct": (), "hints": ("a", "b", "c"),
        "rules": rule, "messages": {
            "other": "Something else came back: $returned",
            "other-question": "Another question was sent.",
        },
        "mistakes": (), "takeaway": "Good.",
    }  # fmt: skip
    return Exercise(**{**parts, **more})


def names(text: str, imports: str = IMPORTS) -> dict[str, Any]:
    """A namespace after the first cell and a cell with this text, as IPython keeps its source."""
    made: dict[str, Any] = {"__name__": "__main__"}
    exec(imports, made)
    text = textwrap.dedent(text)
    linecache.cache["<cell>"] = (len(text), None, text.splitlines(True), "<cell>")
    exec(compile(text, "<cell>", "exec"), made)
    return made


def say(text: str, exercise: Exercise | None = None) -> Outcome:
    """What the check says about an answer to `make()`."""
    return check(exercise or make(), IMPORTS, names(text))


def body(*lines: str) -> str:
    """An `ask` with these lines."""
    return "def ask(client, q):\n" + "".join(f"    {line}\n" for line in lines)


# --- the five outcomes ----------------------------------------------------------------------


def test_each_outcome_has_its_first_line_in_words_and_a_symbol() -> None:
    assert say(BLANK).head == "99.1 Not attempted ○"
    assert say(ASK.replace("q}", "'x'}")).head == "99.1 Not yet ✗"
    assert say(body("return 1 / 0")).head == "99.1 Your code raised ZeroDivisionError !"
    assert say(ASK, make(lambda lab: lab.expect(True, "no such rule"))).head == (
        "99.1 Could not check ?"
    )
    assert say(ASK).head == "99.1 Correct ✓"


def test_what_the_code_did_is_folded_away_and_shows_the_part_that_matters() -> None:
    shown = say(ASK.replace("return", "return 'x' +")).markdown()
    head, folded, details = shown.partition(
        "\n\n<details><summary>What your code did</summary>\n\n"
    )
    assert head == "**99.1 Not yet ✗**\n\nSomething else came back: 'xGood morning.'"
    assert folded
    assert r"`ask(client, 'What is the time?\n')`" in details
    assert "`messages` in the request to `/v1/messages`" in details
    assert '"max_tokens"' not in details
    assert "'xGood morning.'" in details


def test_a_reply_that_is_handed_in_is_shown_by_its_blocks() -> None:
    def hands_in(lab: Lab) -> None:
        run = lab.call(lab.message(THINKS))
        run.expect(run.text == "Good morning.", "other")

    exercise = make(hands_in, "def read(reply):\n    ...\n")
    details = say("def read(reply): return 'x'", exercise).details
    assert "The check called `read(reply)`." in details
    assert '"type": "thinking"' in details
    assert '"text": "Good morning."' in details
    assert '"stop_reason": "end_turn"' in details
    assert "container" not in details


def test_a_dollar_sign_is_text_and_not_a_formula() -> None:
    outcome = Outcome("99.1", "wrong", "from $1 to `$2` for $3")
    dollar = "<span>&#36;</span>"  # a backslash does not help in JupyterLab
    assert f"from {dollar}1 to `$2` for {dollar}3" in outcome.markdown()
    assert "from $1 to `$2` for $3" in outcome.plain()


# --- how an answer may be written -----------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        ASK,
        f"ask = lambda client, q: (lambda reply: {TEXT})({CREATE})",
        f"class Desk:\n    def ask(self, client, q):\n        reply = {CREATE}\n"
        f"        return {TEXT}\nask = Desk().ask",
        "class Asks:\n    def __call__(self, client, q):\n"
        f"        reply = {CREATE}\n        return {TEXT}\nask = Asks()",
        f"async def ask(client, q):\n    reply = await {CREATE}\n    return {TEXT}",
        f"import functools\ndef long(n, client, q):\n    reply = {CREATE}\n    return {TEXT}\n"
        "ask = functools.partial(long, 3)",
    ],
    ids=["function", "lambda", "method", "object", "async", "partial"],
)
def test_an_answer_may_be_any_callable(text: str) -> None:
    assert say(text).state == "correct"


def test_a_class_is_called_by_the_way_that_the_rules_give() -> None:
    def talks(lab: Lab) -> None:
        run = lab.call("Hi", by=lambda chat, client, q: chat(client).say(q), replies=[THINKS])
        run.expect(run.text == "Good morning.", "other")

    template = "class Chat:\n    def __init__(self, client):\n        ...\n"
    exercise = make(talks, template)
    assert exercise.parameters == ["client"]
    solved = "class Chat:\n    def __init__(self, client):\n        self.client = client\n"
    solved += f"    def say(self, q):\n        reply = self.{CREATE}\n        return {TEXT}\n"
    assert say(template.replace("...", "pass"), exercise).state == "not attempted"
    assert say(solved, exercise).state == "correct"


def test_an_async_answer_runs_while_a_loop_is_running_as_in_a_kernel() -> None:
    import asyncio

    async def cell() -> Outcome:
        return say(f"async def ask(client, q):\n    reply = await {CREATE}\n    return {TEXT}")

    assert asyncio.run(cell()).state == "correct"


def test_a_value_that_is_no_function_can_be_judged_too() -> None:
    exercise = make(lambda lab: lab.expect(lab.answer == [2, 1], "other"), "order = [1, 2]\n")
    assert say("order = [1, 2]", exercise).state == "not attempted"
    assert say("order = [3]", exercise).rule == "other"
    assert say("order = [2, 1]", exercise).state == "correct"


# --- untouched ------------------------------------------------------------------------------


def code_of(text: str) -> Any:
    made: dict[str, Any] = {}
    exec(text, made)
    return made["f"]


@pytest.mark.parametrize(
    ("one", "two", "equal"),
    [
        ("def f(a): ...", "def f(a):\n  # hm\n  'doc'\n  pass", True),
        ("def f(a):\n  return [b for b in a]", "def f(a):\n\n  return [b for b in a]", True),
        ("def f(a):\n  if a:\n    return 1", "def f(a):\n  if a:\n\n\n    return 1", True),
        ("def f(a): return 1", "def f(a): return 2", False),
        ("def f(a): return 'x'", "def f(a): return 'y'", False),
        ("def f(a): return a.b", "def f(a): return a.c", False),
        ("def f(a): ...", "def f(b): ...", False),
        ("def f(a):\n  return [b for b in a]", "def f(a):\n  return [b for b in a if b]", False),
        ("class f:\n  def g(self): ...", "class f:\n  'doc'\n  def g(self): pass", True),
        ("class f:\n  def g(self): ...", "class f:\n  def g(self): return 1", False),
        ("class f:\n  def g(self): ...", "class f:\n  def g(self): ...\n  def h(self): ...", False),
        ("f = {'a': [1]}", "f = {'a': [1]}", True),
        ("f = {'a': [1]}", "f = {'a': [2]}", False),
        ("f = 1", "f = True", False),
    ],
)
def test_untouched_means_that_the_compiled_code_does_the_same(
    one: str, two: str, equal: bool
) -> None:
    assert same(code_of(one), code_of(two)) is equal


# --- what goes wrong in every exercise ------------------------------------------------------

BROKEN = {
    "not-callable": "ask = 'What is the time?'",
    "own-client": ASK.replace("    reply", "    client = anthropic.Anthropic()\n    reply", 1),
    "no-request": body("return 'Good morning.'"),
    "endless": body(f"while True:\n        {CREATE}"),
    "too-long": body("while True:\n        pass"),
    "still-running": "import threading\n" + body("threading.Event().wait(4)"),
    "no-return": ASK.replace("return ", ""),
    "no-return-here": ASK.replace("    return", "    if 'now' not in q:\n        return"),
    "trimmed": ASK.replace("'content': q", "'content': q.strip()"),
    "more-turns": ASK.replace("[{", "[{'role': 'user', 'content': 'Hello'}, {"),
    "printed": ASK.replace("return ", "print(").rstrip() + ")\n",
    "dots": ASK.replace(f"return {TEXT}", "return ..."),
    "generator": ASK.replace("return ", "yield "),
    "not-text": ASK.replace(f"return {TEXT}", "return reply.content"),
    "same-answer": ASK.replace(f"return {TEXT}", "return 'Good morning.'"),
    "same-request": ASK.replace("'content': q", r"'content': 'What is the time?\n'"),
    "swapped": ASK.replace("(client, q)", "(q, client)"),
    "raised-parameters": ASK.replace("(client, q)", "(client)"),
}


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_the_kit_recognises_by_itself(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if rule in (
        "too-long",
        "still-running",
    ):  # only where the clock is the point: a busy machine is slow
        monkeypatch.setattr(runner, "LIMIT_SECONDS", 0.4)
    found = say(BROKEN[rule])
    for thread in threading.enumerate():
        if thread.name == "practice-run":  # the one that runs on
            thread.join()
    assert found.rule == rule, found.plain()
    assert "$" not in found.message
    assert found.message == KIT[rule] or "$" in KIT[rule]


def test_every_rule_of_the_kit_is_tried_here() -> None:
    assert set(BROKEN) | {"not-number"} == set(KIT)


def test_a_number_is_a_number_and_not_true() -> None:
    exercise = make(
        lambda lab: lab.call(1).expect(lab.runs[0].number == 2, "other"), "def n(a):\n  ..."
    )
    assert say("def n(a): return '2'", exercise).rule == "not-number"
    assert say("def n(a): return True", exercise).rule == "not-number"
    assert say("def n(a): return 2", exercise).state == "correct"


def test_a_case_that_leaves_a_default_out_does_not_stop_the_look_for_a_mix_up() -> None:
    def two(lab: Lab) -> None:
        for args in ((1, 5), (1,)):
            lab.call(*args).expect(lab.runs[-1].number == 2, "other")

    exercise = make(two, "def n(a, b=3):\n  ...")
    assert say("def n(a, b=3): return 2 if b == 1 else 7", exercise).rule == "other"


def test_an_exercise_may_say_a_rule_of_the_kit_in_its_own_words() -> None:
    told = {
        "other": "x",
        "other-question": "x",
        "printed": "Own words.",
        "raised-key": "$kit Own words.",
    }
    assert say(BROKEN["printed"], make(messages=told)).message == "Own words."
    found = say(body("return {}['a']"), make(messages=told))
    assert found.message == "The dict has no key `'a'`. Own words."


def test_a_rule_that_is_not_declared_is_found_even_when_it_is_met() -> None:
    found = say(ASK, make(lambda lab: lab.expect(True, "forgotten")))
    assert (found.state, "forgotten" in found.message) == ("could not check", True)


def test_a_fault_of_the_course_server_never_counts_as_wrong() -> None:
    def breaks(lab: Lab) -> None:
        lab.call("x", replies=[{"content": "x", "fault": {"kind": "error"}}], limit=3)
        lab.runs[0].tape.bug = KeyError("ours")

    found = say(ASK, make(breaks))
    assert found.state == "could not check"
    assert not found.tried


# --- running a learner's code ---------------------------------------------------------------


def test_an_endless_loop_ends_after_a_fixed_number_of_requests() -> None:
    for loop in (
        f"while True:\n        {CREATE}",
        f"while True:\n        try:\n            {CREATE}\n        except Exception: pass",
    ):
        started = time.perf_counter()
        found = say(body(loop))
        assert time.perf_counter() - started < 60  # it ends, however slow the machine
        assert found.rule == "endless"
        assert "more than 12 requests" in found.message
        assert "`stop_reason`" in found.message
    assert not [t for t in threading.enumerate() if t.name == "practice-run"]


def test_a_loop_that_catches_everything_is_ended_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LIMIT_SECONDS", 0.2)
    counts = ("n = 0", "while True:", "    try:", "        n += 1", "    except:", "        n -= 1")
    asks = ("while True:", "    try:", f"        {CREATE}", "    except:", "        continue")
    loops = [(asks, "endless"), (counts, "too-long")]
    if sys.version_info < (3, 11):
        loops.pop()  # there, a loop that begins with try and calls nothing stops all other threads
    for lines, rule in loops:
        assert say(body(*lines)).rule == rule
    used: list[float] = [0, 1]
    while len(used) < 60 and used[-1] - used[-2] > 0.05:  # until ended, or waiting for ever
        time.sleep(0.5)
        used.append(time.process_time())
    assert used[-1] - used[-2] < 0.05


def test_what_is_printed_is_kept_apart_and_cut(capsys: pytest.CaptureFixture[str]) -> None:
    found = say(body(CREATE, "for n in range(100_000): print('line', n)"))
    assert found.rule == "printed"
    assert "line 7" in found.details
    assert "line 8" not in found.details
    assert len(found.details) < 1_000
    assert capsys.readouterr().out == ""


def test_what_goes_to_stderr_is_kept_apart_and_cut_too(capsys: pytest.CaptureFixture[str]) -> None:
    writes = f"for n in range({2 * runner.MAX_PRINTED}): print('line', n, file=sys.stderr)"
    found = say("import sys\n" + body(writes, CREATE))
    assert found.rule == "no-return"  # to print there is no attempt to give a result
    assert "line 7" in found.details
    assert "line 8" not in found.details
    assert capsys.readouterr().err == ""
    result = runner.run_once(lambda: print("x" * 10**6, file=sys.stderr), {}, threading.Event())
    assert len(result.complained) == runner.MAX_PRINTED


def test_a_run_that_logs_leaves_no_handler_behind() -> None:
    before = list(logging.root.handlers)
    logging.root.handlers.clear()  # as in a kernel: then the first line makes a handler
    try:
        exercise = make(
            lambda lab: lab.call(1).expect(lab.runs[0].number == 1, "other"), "def n(a):\n  ..."
        )
        text = "import logging\ndef n(a):\n    logging.error('no')\n    return a"
        assert say(text, exercise).state == "correct"
        assert logging.root.handlers == []
    finally:
        logging.root.handlers[:] = before


def test_a_huge_value_is_cut_in_what_is_shown() -> None:
    found = say(ASK.replace(f"return {TEXT}", "return 'x' * 10_000_000"))
    assert found.rule == "other" or found.rule == "same-answer"
    assert len(found.markdown()) < 3_000


def test_sys_exit_ends_the_run_and_not_the_kernel() -> None:
    assert say("import sys\n" + body("sys.exit('bye')")).error == "SystemExit"


@pytest.mark.parametrize(
    "text",
    [
        "import time\n" + body("time.sleep(30)", "time.sleep(12.5)", "return 'x'"),
        "from time import sleep\n" + body("sleep(30)", "sleep(12.5)", "return 'x'"),
        "import asyncio\nasync def ask(client, q):\n    await asyncio.sleep(30)\n"
        "    await asyncio.sleep(12.5)\n    return 'x'",
        "import time\n"
        + body("end = time.monotonic() + 42", "while time.monotonic() < end: time.sleep(21.25)",
               "return 'x'"),
    ],
    ids=["module", "by name", "async", "until a time"],
)  # fmt: skip
def test_sleeping_is_noted_and_nobody_waits(text: str) -> None:
    slept: list[float] = []

    def sleepy(lab: Lab) -> None:
        run = lab.call("x")
        run.expect(run.text == "x", "other")
        slept.extend(run.slept)

    started, real = time.perf_counter(), time.sleep
    assert say(text, make(sleepy)).state == "correct"
    assert time.perf_counter() - started < 60
    assert sum(slept) == 42.5
    assert time.sleep is real


def tries(**options: Any) -> Callable[[Any, Tape], Any]:
    """The usual client with these options of the SDK, for `through=`."""
    return lambda client, tape: client.with_options(**options)


def test_the_retries_of_the_sdk_are_the_exercise_s_choice_and_cost_no_time() -> None:
    overloaded = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
    seen: list[tuple[int, int]] = []

    def retries(lab: Lab) -> None:
        for number in (0, 2):
            again = tries(max_retries=number)
            run = lab.call("x", replies=[overloaded, overloaded, "Fine."], through=again)
            error = type(run.raised).__name__
            seen.append((len(run.sent), len(run.slept)))
            run.expect(error == ("OverloadedError" if number == 0 else "NoneType"), "other")

    started = time.perf_counter()
    assert say(ASK, make(retries)).state == "correct"
    assert seen == [(1, 0), (3, 2)]
    assert time.perf_counter() - started < 60


def test_the_sdk_s_guard_against_long_answers_is_still_there() -> None:
    assert say(ASK.replace("900", "30_000")).rule == "raised-streaming"


def test_a_reply_that_stalls_ends_by_the_client_s_timeout() -> None:
    stalls = {"content": "x", "fault": {"kind": "stall", "after": 0}}

    def waits(lab: Lab) -> None:
        run = lab.call("x", replies=[stalls], through=tries(timeout=0.2))
        run.expect(type(run.raised).__name__ == "APITimeoutError", "other")

    assert say(ASK, make(waits)).state == "correct"


def test_a_check_leaves_the_environment_and_the_output_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-the-learner")
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    before, out = dict(os.environ), sys.stdout
    keys: list[str] = []

    def look(lab: Lab) -> None:
        run = lab.call("x")
        keys.extend(sent.headers["authorization"] for sent in run.sent)
        rules(lab)

    assert say(BROKEN["own-client"], make(look)).rule == "own-client"
    assert keys
    assert not [key for key in keys if "learner" in key]
    assert dict(os.environ) == before
    assert sys.stdout is out


def test_a_server_that_is_slow_for_people_is_fast_for_a_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COURSE_PACE", "1")
    long = "A long answer, as a person would read it. " * 40
    streams = "def ask(client, q):\n    with client.messages.stream(model=MODEL, max_tokens=900, "
    streams += (
        "messages=[{'role': 'user', 'content': q}]) as s:\n        return s.get_final_text()\n"
    )
    exercise = make(
        lambda lab: lab.call("x", replies=[long]).expect(lab.runs[0].text == long, "other")
    )
    started = time.perf_counter()
    assert say(streams, exercise).state == "correct"
    assert time.perf_counter() - started < 60


def test_runs_of_two_threads_do_not_mix() -> None:
    server = practice_server()
    tapes = [Tape(5, threading.Event()) for _ in range(2)]
    paths = [server.begin(["x"], tape) for tape in tapes]
    assert paths[0] != paths[1]
    for path in paths:
        asking = server.client(path, waits=False)
        asking.messages.create(**said(path))
    server.forget()
    assert [[sent.said for sent in tape.sent] for tape in tapes] == [[path] for path in paths]


def test_a_check_forgets_what_was_sent() -> None:
    say(ASK)
    server = practice_server()
    assert not len(server.replay.account.journal)
    assert (server.replay.account.scripts, server.tapes) == ({}, {})


# --- exceptions in words --------------------------------------------------------------------

TRICKY = f"reply = {CREATE}"
STREAM = (
    "client.messages.stream(model=MODEL, max_tokens=900, messages=[{'role': 'user', 'content': q}])"
)
RAISING = {
    "raised-missing-argument": "client.messages.create(model=MODEL, messages=[])",
    "raised-sampling": CREATE.replace("max_tokens", "top_p=1, max_tokens"),
    "raised-unknown-argument": CREATE.replace("max_tokens", "max_token=1, max_tokens"),
    "raised-argument-count": "(lambda a, b: a)(1)",
    "raised-subscript": f"{CREATE}['content']",
    "raised-await-missing": f"(lambda c: c.close() or c.content)((lambda: {CREATE})())",
    "raised-await-extra": f"await {CREATE}",
    "raised-thinking-block": f"{CREATE}.content[0].text",
    "raised-thinking-delta": f"[e.delta.text for e in {CREATE.replace('max', 'stream=True, max')} "
    "if e.type == 'content_block_delta']",
    "raised-block-attribute": f"{CREATE}.content[0].name",
    "raised-message-attribute": f"{CREATE}.text",
    "raised-loop-over-message": f"[b.type for b in {CREATE}]",
    "raised-list-attribute": f"{CREATE}.content.text",
    "raised-none": "print().text",
    "raised-batches": "client.batches.create(requests=[])",
    "raised-client-attribute": "client.create(q)",
    "raised-status-code": "anthropic.APIConnectionError(request=None).status_code",
    "raised-attribute": "q.content",
    "raised-index": "[][0]",
    "raised-key": "{}['content']",
    "raised-first-cell": "MODEL",
    "raised-name": "MODLE",
    "raised-sdk-name": "NotFoundError",
    "raised-module-attribute": "anthropic.AuthError",
    "raised-unbound": "later",
    "raised-no-key": f"(setattr(client, 'api_key', None), {CREATE})[1]",
    "raised-streaming": CREATE.replace("900", "90_000"),
    "raised-join": f"''.join({CREATE}.content)",
    "raised-json": f"__import__('json').dumps({CREATE}.content)",
    "raised-plus": "'a' + 1",
    "raised-iterate": "list(5)",
    "raised-call": "client.messages()",
    "raised-int": "int('3 weeks')",
    "raised-recursion": "ask(client, q)",
    "raised-401": CREATE,
    "raised-404": CREATE.replace("MODEL", "'claude-3-5-sonnet-20240620'"),
    "raised-400": CREATE.replace("'user'", "'User'"),
    "raised-429": CREATE,
    "raised-overloaded": CREATE,
    "raised-status": CREATE,
    "raised-timeout": CREATE,
    "raised-connection": CREATE,
    "raised-broken-stream": f"(lambda m: [t for t in m.__enter__().text_stream])({STREAM})",
    "raised-read-timeout": f"(lambda m: [t for t in m.__enter__().text_stream])({STREAM})",
}


def refusal(status: int, kind: str) -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "message": "No."}}


def broken(kind: str, after: int) -> dict[str, Any]:
    return {
        "content": "A text that is long enough to be cut.",
        "fault": {"kind": kind, "after": after},
    }


REPLIES = {
    "raised-401": refusal(401, "authentication_error"),
    "raised-429": refusal(429, "rate_limit_error"),
    "raised-overloaded": refusal(529, "overloaded_error"),
    "raised-status": refusal(403, "permission_error"),
    "raised-timeout": broken("stall", 0),
    "raised-connection": broken("cut", 0),
    "raised-broken-stream": broken("cut", 12),
    "raised-read-timeout": broken("stall", 12),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # never awaited
@pytest.mark.parametrize("rule", sorted(RAISING))
def test_an_exception_is_explained_with_the_learner_s_own_line(rule: str) -> None:
    exercise = make(
        lambda lab: lab.call(
            "Hi", replies=[REPLIES.get(rule, THINKS)], through=tries(timeout=0.3)
        ).surface()
    )
    if rule == "raised-streaming":
        exercise = make(lambda lab: lab.call("Hi").surface())
    line = RAISING[rule]
    text = body("q = str(q)", f"return {line}", "later = 1")
    if rule == "raised-await-extra":  # a sync client in an async function of its own
        text = f"async def inner(client, q):\n    return {line}\n"
        text += "ask = lambda client, q: inner(client, q)\n"
    if rule == "raised-await-missing":
        text = "async def ask(client, q):\n    return " + CREATE + ".content\n"
    made = names(text)
    if rule == "raised-first-cell":
        del made["MODEL"]
    found = check(exercise, IMPORTS, made)
    gc.collect()  # a coroutine that nobody awaited complains here, and not in a later test
    assert (found.state, found.rule) == ("raised", rule), found.plain()
    assert found.line.startswith("Line "), found.plain()
    assert "site-packages" not in found.plain()
    assert "$" not in found.message


def test_every_line_of_the_table_of_exceptions_is_tried_here() -> None:
    assert [rule for rule, *_ in EXCEPTIONS if rule not in RAISING] == []
    assert len({rule for rule, *_ in EXCEPTIONS}) == len(EXCEPTIONS)


def test_an_exception_that_nobody_thought_of_still_gets_a_line_and_its_words() -> None:
    found = say(body("q = str(q)", "assert q == 'x', 'not x'"))
    assert found.rule == "raised-AssertionError"
    assert found.line == "Line 3: `assert q == 'x', 'not x'`"
    assert found.said == "`AssertionError: not x`"


def test_a_slip_in_the_learner_s_own_handler_is_theirs_and_not_the_api_s() -> None:
    def errors(lab: Lab) -> None:
        run = lab.call("x", replies=[refusal(401, "authentication_error")])
        run.expect(type(run.raised).__name__ == "AuthenticationError", "other")

    handler = body("try:", f"    {CREATE}", "except anthropic.AnthropicError:", "    oops")
    assert say(ASK, make(errors)).state == "correct"
    assert say(handler, make(errors)).rule == "raised-name"


def test_text_of_content_reads_strings_blocks_and_nothing_else() -> None:
    assert text_of("a") == "a"
    assert text_of([{"type": "text", "text": "a"}, {"type": "image"}, "x"]) == "a"
    assert text_of(None) == text_of({"text": "a"}) == ""


# --- in a kernel ----------------------------------------------------------------------------


def test_in_a_kernel_cells_run_in_any_order_also_timed_and_after_a_restart(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path)
    shutil.copytree(ROOT / "exercises", course.root / "exercises")
    begin = "from practice._exercise import exercise\nex = exercise('01.2')"
    answer = next(one for s in sheets() for one in s.exercises if one.id == "01.2").solution
    first_text = answer.replace('"".join(', "list(")
    with kernel(course) as running:
        running.run(begin)
        untouched = running.run("ex.check()").displayed("text/markdown")
        running.run("from helpers import MODEL")
        no_source = running.run("%%time\n# a comment\n" + first_text.strip())
        wrong = running.run("ex.check()").displayed("text/markdown")
        raised_cell = "%%time\n" + answer.strip().replace('"text"', "text")
        running.run(raised_cell)
        raised = running.run("ex.check()").displayed("text/markdown")
        running.run(answer.replace("return", "retrun"))
        unread = running.run("ex.check()").displayed("text/markdown")
        running.run("%%time\n" + answer.strip())
        right = running.run("ex.check()").displayed("text/markdown")
        again = running.run("ex.check()\nex.last.state")
    assert untouched[0].startswith("**01.2 Not attempted ○**")
    assert not [out for out in no_source.outputs if "ename" in out]
    assert wrong[0].startswith("**01.2 Not yet ✗**\n\nYou gave back a list.")
    assert raised[0].startswith("**01.2 Your code raised NameError !**")
    assert 'Line 7: `return "".join(block.text' in raised[0]
    assert unread[0].startswith("**01.2 Your code raised NameError !**")
    assert "Your newest `ask` did not run: its cell has a `SyntaxError` in line" in unread[0]
    assert "did not run" not in "".join([*wrong, *raised, *right])
    assert right[0].startswith("**01.2 Correct ✓**")
    assert "Kept for your desk: `desk/ask.py`" in right[0]
    assert again.displayed("text/plain")[-1] == "'correct'"
    kept = (course.root / "my-course" / "desk" / "ask.py").read_text(encoding="utf-8")
    assert kept.startswith("# Kept by exercise 01.2")
    assert "from helpers import MODEL\n" in kept
    with kernel(course) as running:  # restarted: the learner runs the answer, not the first cell
        running.run(begin)
        running.run(answer)
        shown = running.run("ex.check()").displayed("text/markdown")
    assert shown[0].startswith("**01.2 Your code raised NameError !**")
    assert "run the first cell" in shown[0]


# --- finding exercises ----------------------------------------------------------------------


def test_an_unknown_exercise_names_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match=r"no exercise called '01\.9'\. There is: 01\.1, 01\.2"):
        find("01.9")
    with pytest.raises(ValueError, match="There is: 01"):
        find("nonsense")


def test_an_exercise_is_found_without_the_nought_as_well() -> None:
    assert find("1.2")[0].id == "01.2"
    for wanted in ("1.02", "1", "001.2", ".2", ""):
        with pytest.raises(ValueError, match="There is: 01"):
            find(wanted)


def test_a_mistake_says_where_it_was_seen() -> None:
    assert Mistake("rule", "code", "an issue").source == "an issue"


def test_a_mistake_may_be_written_as_a_change_of_the_solution() -> None:
    exercise = make()
    wrong = exercise.wrong(Mistake("other", {"900": "1", "return ": ""}, "an issue"))
    assert wrong == ASK.replace("900", "1").replace("return ", "")
    with pytest.raises(ValueError, match=r"99\.1, other: the solution does not hold 'nothing"):
        exercise.wrong(Mistake("other", {"nothing such": "x"}, "an issue"))
