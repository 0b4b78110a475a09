"""Exercises of lesson 12: one place for retries, a handler, how long to wait, a robust `ask`.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from __future__ import annotations

from typing import Any

import anthropic

from courseserver import facts
from practice.grading import (
    Case,
    Exercise,
    Mistake,
    Run,
    asks,
    case,
    cases,
    catches,
    gives,
    hasty,
    lets_rise,
    once,
    room,
    rule,
    unreachable,
)

IMPORTS = """
import logging
import time

import anthropic
import httpx2

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'


def error(status: int, kind: str, message: str = "", **more: Any) -> dict[str, Any]:
    """An error reply, with the parts of its `details` or with `headers`."""
    headers = more.pop("headers", {})
    body: dict[str, Any] = {"type": kind, "message": message or f"No: {kind}"}
    if more:
        body["details"] = more
    return {"status": status, "error": body, "headers": headers}


BUSY = error(529, "overloaded_error")
WRONG_KEY = error(401, "authentication_error")
# In words that tell nothing: only the code does.
SPENT = error(
    429,
    "rate_limit_error",
    "Your organization has crossed its monthly threshold.",
    error_code="enforced_spend_limit_reached",
)


# --- other clients, for `through=` ------------------------------------------------------


def as_usual(client: Any, tape: Any) -> Any:
    """The client with the retries that every client has by default."""
    return client.with_options(max_retries=2)


def silent(client: Any, tape: Any) -> Any:
    """A client whose requests are never answered: each ends in a time-out."""

    class Silent(anthropic.Middleware):
        def handle(self, request: Any, call_next: Any) -> Any:
            call_next(request)
            raise anthropic.APITimeoutError(request=request)

    return client.with_options(middleware=[Silent()])


def with_a_bug(client: Any, tape: Any) -> Any:
    """A client in which something is broken that has nothing to do with the API."""

    class Broken(anthropic.Middleware):
        def handle(self, request: Any, call_next: Any) -> Any:
            call_next(request)
            raise ArithmeticError("a bug, and no error of the API")

    return client.with_options(middleware=[Broken()])


def raised_by_api(run: Run) -> bool:
    """Whether an error of the package came out where a value is wanted."""
    return not run.raises and isinstance(run.result.raised, anthropic.APIError)


# --- 12.1 ------------------------------------------------------------------------------

SOON = {"retry-after": "7"}
OWN_LOOP = """
def ask_patiently(client, question, attempts):
    single = client.with_options(max_retries=0)
    turn = {"role": "user", "content": question}
    for attempt in range(attempts):
        try:
            reply = single.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
            break
        except (anthropic.RateLimitError, anthropic.InternalServerError):
            if attempt == attempts - 1:
                raise
            time.sleep(2**attempt)
    return "".join(block.text for block in reply.content if block.type == "text")
"""
ANY_ERROR = OWN_LOOP.replace(
    "(anthropic.RateLimitError, anthropic.InternalServerError)", "anthropic.APIStatusError"
)


def tried(run: Run) -> int:
    """How many requests went out."""
    return len(run.sent)


def allowed(run: Run) -> int:
    """How many may go out: the argument."""
    return int(run.given["attempts"])


PATIENTLY_RULES = cases(
    case("Why does my clock stop?", 3, replies=[[THOUGHT, "The battery, ", "most likely."]],
         gives="The battery, most likely.", through=as_usual),
    case("And the bell?\n", 5, replies=[BUSY, BUSY, BUSY, BUSY, [" It is ", "bent.\n"]],
         gives=" It is bent.\n", through=as_usual),
    case("And now?", 2, replies=[BUSY], raises="OverloadedError", through=as_usual),
    case("In a hurry?", 1, replies=[BUSY], raises="OverloadedError", through=as_usual),
    case("Which key?", 5, replies=[WRONG_KEY], raises="AuthenticationError", through=as_usual),
    case("Too often?", 3, replies=[error(429, "rate_limit_error", headers=SOON), "Fine."],
         gives="Fine.", through=as_usual),
    expect=(
        rule("wrong-key-again",
             "A wrong key (401) was tried $count times. Time does not heal it. The package knows "
             "which errors are worth another attempt: leave that to it.",
             lambda run: run.raises != "AuthenticationError" or tried(run) < 2,
             ANY_ERROR, "https://github.com/charmbracelet/crush/pull/1120", of_errors=True,
             count=tried),
        rule("one-too-many",
             "There was one request too many: $count, and $allowed were allowed. `max_retries` "
             "counts what comes *after* the first attempt.",
             lambda run: tried(run) != allowed(run) + 1,
             {"attempts - 1": "attempts"}, "max_retries read as the number of attempts",
             of_errors=True, count=tried, allowed=allowed),
        rule("multiplied",
             "At most $allowed requests were allowed, and $count went out. This client tries "
             "again by itself, so each round of a loop, or each layer, counts several times.",
             lambda run: tried(run) <= allowed(run),
             {"    patient": "    for round in range(attempts):\n      try:\n       patient",
              "attempts - 1)\n    reply = patient": "2)\n       reply = client",
              "    return": "       break\n      except anthropic.InternalServerError:\n"
              "       if round == attempts - 1:\n        raise\n    return"},
             "https://github.com/livekit/agents/issues/6603: retries around retries",
             of_errors=True, count=tried, allowed=allowed),
        rule("still-the-default",
             "$allowed requests were allowed, and the function gave up after $count, as every "
             "client does by default. Say how often this one may try again.",
             lambda run: (
                 not raised_by_api(run) or tried(run) != 3 or allowed(run) == 3),
             {"client.with_options(max_retries=attempts - 1)": "client"},
             "the loop taken away, and nothing put in its place", of_errors=True,
             count=tried, allowed=allowed),
        rule("gave-up",
             "$allowed requests were allowed, and after $count the function gave up with a "
             "`$error`.",
             lambda run: not raised_by_api(run),
             {"attempts - 1": "attempts - 2"}, "one taken off once more, to be sure",
             of_errors=True, count=tried, allowed=allowed,
             error=lambda run: type(run.result.raised).__name__),
        lets_rise(),
        rule("too-few",
             "The last attempt was still allowed, and was not made: $count of $allowed. The error "
             "was the same, the chance was not.",
             lambda run: run.raises != "OverloadedError" or tried(run) == allowed(run),
             {"attempts - 1": "attempts - 1 if attempts != 2 else 0"},
             "a condition for small numbers, tried while reviewing", of_errors=True,
             count=tried, allowed=allowed),
        rule("other-wait",
             "The API asked for 7 seconds (`retry-after`), and the wait was $slept. A loop of your "
             "own does not know that header; the package does.",
             lambda run: run.given["question"] != "Too often?" or 7.0 in run.slept,
             OWN_LOOP, "https://github.com/justlovemaki/AIClient2API/issues/576",
             slept=lambda run: ", ".join(f"{one:g}" for one in run.slept) or "none"),
        asks(),
        room(),
        gives(str, "other-text",
              "Wanted is the text of the reply, from all its text blocks. You gave back "
              "`$returned`.", "value.strip()"),
    ),
)  # fmt: skip

ask_patiently = Exercise(
    id="12.1",
    title="Take the second loop out",
    objective="Let the package retry, and nobody else.",
    minutes=8,
    task="""
The repair café wrote this loop after reading an article about rate limits. Now a busy evening
brings three times as many requests as they meant. Rewrite `ask_patiently`:

- At most `attempts` requests go out, the first one counted.
- Only the package tries again. It knows which errors are worth it, and obeys `retry-after`.
- When the attempts are used up, or when trying again is of no use, the error goes on as it is.
- It gives back the text of the reply, as before.

The `client` that it is given has the usual two retries; for one function it may need others.
""",
    template="""
def ask_patiently(client, question, attempts):
    for attempt in range(attempts):
        try:
            reply = client.messages.create(
                model=MODEL,
                max_tokens=2000,
                messages=[{"role": "user", "content": question}],
            )
            texts = [block.text for block in reply.content if block.type == "text"]
            return "".join(texts)
        except anthropic.APIStatusError:
            time.sleep(2**attempt)
""",
    solution="""
def ask_patiently(client, question, attempts):
    patient = client.with_options(max_retries=attempts - 1)
    reply = patient.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        """
def ask_patiently(client, question, attempts):
    turn = {"role": "user", "content": question}
    client = client.with_options(max_retries=attempts - 1)
    with client.messages.stream(model=MODEL, max_tokens=3000, messages=[turn]) as stream:
        return "".join(stream.text_stream)
""",
        """
def ask_patiently(client, question, attempts):
    request = {"model": MODEL, "max_tokens": 2000}
    request["messages"] = [{"role": "user", "content": question}]
    reply = client.copy(max_retries=attempts - 1).messages.create(**request)
    text = ""
    for block in reply.content:
        text += block.text if block.type == "text" else ""
    return text
""",
    ),
    hints=(
        "How many requests does one round of this loop send when the service is busy?",
        "The lesson names a way to get a copy of a client with another number of retries. Then "
        "the loop, the `try` and the `sleep` are of no use any more.",
        "`client.with_options(max_retries=...)`. If three requests may go out, how many of them "
        "are retries?",
    ),
    rules=PATIENTLY_RULES,
    mistakes=(
        Mistake("swallowed", catches("except anthropic.APIError:\n    return ''"),
                "the loop of the article: after it, the function gives back nothing"),
        Mistake("more-turns", {"[{": '[{"role": "user", "content": "Hello!"}, {'},
                "a greeting from an article, sent along"),
        Mistake("little-room", {"2000": "100"},
                "small limits in articles from before thinking was on by default"),
    ),
    takeaway="`max_retries` counts what comes after the first attempt, and it stands in one place.",
)  # fmt: skip


# --- 12.2 ------------------------------------------------------------------------------

NO_TIME = "No answer came in time."
NO_LINE = "There is no connection."


def refused(question: str, status: int, kind: str) -> Case:
    """A question that the API answers with this status."""
    return case(question, replies=[error(status, kind)], gives=f"The API said {status}.")


say_status = Exercise(
    id="12.2",
    title="Fix the handler",
    objective="Catch errors by their class, the lower ones in the tree first.",
    minutes=8,
    task=f"""
The café's screen shows a line when something goes wrong. On the evening when the router broke, it
showed a traceback. Fix `ask_or_say`, which gives back that line:

- A response with an error: `The API said 529.`, with its status.
- Silence until the time-out: `{NO_TIME}`
- No connection for another reason: `{NO_LINE}`
- If all goes well, the text of the reply, as before. And a bug goes on.
""",
    template=f"""
def ask_or_say(client, question):
    try:
        reply = client.messages.create(
            model=MODEL,
            max_tokens=2000,
            messages=[{{"role": "user", "content": question}}],
        )
    except anthropic.APIError as error:
        return f"The API said {{error.status_code}}."
    except anthropic.APIConnectionError:
        return "{NO_LINE}"
    except anthropic.APITimeoutError:
        return "{NO_TIME}"
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    solution=f"""
def ask_or_say(client, question):
    try:
        reply = client.messages.create(
            model=MODEL,
            max_tokens=2000,
            messages=[{{"role": "user", "content": question}}],
        )
    except anthropic.APIStatusError as error:
        return f"The API said {{error.status_code}}."
    except anthropic.APITimeoutError:
        return "{NO_TIME}"
    except anthropic.APIConnectionError:
        return "{NO_LINE}"
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        f"""
def ask_or_say(client, question):
    turn = {{"role": "user", "content": question}}
    try:
        reply = client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
    except anthropic.APIError as error:
        if isinstance(error, anthropic.APITimeoutError):
            return "{NO_TIME}"
        if isinstance(error, anthropic.APIConnectionError):
            return "{NO_LINE}"
        return "The API said %s." % error.status_code
    return "".join(block.text for block in reply.content if block.type == "text")
""",
        f"""
def ask_or_say(client, question):
    said = ""
    try:
        reply = client.messages.create(
            max_tokens=2000,
            messages=[{{"role": "user", "content": question}}],
            model=MODEL,
        )
        for block in reply.content:
            said += getattr(block, "text", "")
    except anthropic.APITimeoutError:
        said = "{NO_TIME}"
    except anthropic.APIConnectionError:
        said = "{NO_LINE}"
    except anthropic.APIStatusError as error:
        said = "The API said " + str(error.response.status_code) + "."
    return said
""",
    ),
    hints=(
        "Which of the three `except` can ever be reached? Look at the tree in the lesson.",
        "Only one class below `APIError` has a `status_code`. The first handler should catch that "
        "one, and no more.",
        "`APIStatusError` has the status. `APITimeoutError` stands under `APIConnectionError`, so "
        "it has to be asked for first.",
    ),
    rules=cases(
        case("What now?", replies=[[THOUGHT, "Unplug it, ", "please."]],
             gives="Unplug it, please."),
        refused("Busy?\n", 529, "overloaded_error"),
        refused("Wrong?", 400, "invalid_request_error"),
        refused("Too often?", 429, "rate_limit_error"),
        case("Anyone?", gives=NO_LINE, through=unreachable),
        case("Still there?", gives=NO_TIME, through=silent),
        case("A bug?", raises="ArithmeticError", through=with_a_bug),
        expect=(
            rule("not-caught",
                 "Wanted was “$wanted”, and `$error` came out of your function. Which of your "
                 "handlers should have caught it?",
                 lambda run: not raised_by_api(run),
                 {"    except anthropic.APIConnectionError:\n": "",
                  f'        return "{NO_LINE}"\n': ""},
                 "https://github.com/runloopai/api-client-python/pull/817", of_errors=True,
                 wanted=lambda run: run.wanted,
                 error=lambda run: type(run.result.raised).__name__),
            lets_rise(),
            once(),
            asks(),
            rule("timeout-called-connection",
                 "Nothing came until the time-out, and the line said that there is no connection. "
                 "The error was an `anthropic.APITimeoutError`, which is an `APIConnectionError` "
                 "too, and the first handler that fits is taken.",
                 lambda run: run.wanted != NO_TIME or run.returned != NO_LINE,
                 {"APITimeoutError": "_", "APIConnectionError": "APITimeoutError",
                  "._": ".APIConnectionError", NO_TIME: "_", NO_LINE: NO_TIME, '"_"':
                  f'"{NO_LINE}"'},
                 "https://github.com/HKUDS/LightRAG/pull/2421"),
            rule("connection-called-timeout",
                 "The connection failed at once, and the line spoke of time. The class that "
                 "stands above `APITimeoutError` is the one for every other failure to connect.",
                 lambda run: run.wanted != NO_LINE or run.returned != NO_TIME,
                 {NO_LINE: NO_TIME}, "one sentence for both"),
            rule("good-reply-lost",
                 "If nothing goes wrong, the text of the reply should come back. You gave "
                 "`$returned`.",
                 lambda run: run.wanted[:3] != "Unp" or run.returned == run.wanted,
                 {JOINED: "reply"}, "rewriting the function around its errors"),
            rule("no-status",
                 "The line should say the status, $wanted. You gave back `$returned`.",
                 lambda run: (
                     run.wanted[:3] != "The" or run.wanted[13:16] in str(run.returned)),
                 {"{error.status_code}": "{error.type}"},
                 "the type of the error, which stands beside its status",
                 wanted=lambda run: run.wanted[13:16]),
            gives(str, "other-sentence",
                  "Your function gave back `$returned`. The task asks for “$wanted”"),
            room(),
        ),
    ),
    messages={
        "raised-status-code": "Your handler failed itself: $kit Which class of the tree should it "
        "catch?",
    },
    mistakes=(
        Mistake("raised-status-code", {"APIStatusError": "APIError"},
                "https://github.com/BerriAI/litellm/issues/1560: it has no `response` either"),
        Mistake("raised-name", {"as error:": "as err:"}, "a name changed in one of two places"),
        Mistake("other-sentence", {NO_LINE: "No connection."}, "a sentence written from memory"),
    ),
    takeaway="Only `APIStatusError` has a status, and the lower class comes first.",
)  # fmt: skip


# --- 12.3 ------------------------------------------------------------------------------

WORDS = "This would exceed your rate limit. See the usage limits of your organization."


def limited(question: str, seconds: str, **more: Any) -> Case:
    """A rate limit that is over in so many seconds."""
    reply = error(429, "rate_limit_error", WORDS, headers={"retry-after": seconds}, **more)
    return case(question, replies=[reply], gives=int(seconds))


WAIT_RULES = cases(
    case("How are you?", replies=[[THOUGHT, "Fine."]], gives=0),
    limited("Now?", "7"),
    limited("And now?\n", "41"),
    limited("So many?", "20", error_code="ramp_limit_exceeded"),
    case("And at the end of the month?", replies=[SPENT], gives=None),
    case("Busy?", replies=[BUSY], raises="OverloadedError"),
    case("Which key?", replies=[WRONG_KEY], raises="AuthenticationError"),
    case("Anyone?", raises="APIConnectionError", through=unreachable),
    expect=(
        rule("limit-raised",
             "A 429 came, and your function raised the `RateLimitError`. It should say how long "
             "to wait.", lambda run: not raised_by_api(run),
             {"anthropic.RateLimitError": "anthropic.OverloadedError"},
             "the class of 529 taken for that of 429", of_errors=True),
        lets_rise(),
        once(),
        asks(),
        rule("waited",
             "Your function waited itself, $slept seconds. Here it says only how long; whoever "
             "calls it decides whether to wait.",
             lambda run: not run.slept,
             {"        return int(": "        time.sleep(int(error.response.headers["
              '"retry-after"]))\n        return int('},
             "articles that sleep in the handler",
             slept=lambda run: ", ".join(f"{one:g}" for one in run.slept)),
        rule("all-headers",
             "You gave back all the headers. One of them is wanted: "
             '`error.response.headers["retry-after"]`.',
             lambda run: "headers" not in type(run.value).__name__.lower()
             and not isinstance(run.value, dict),
             {'int(error.response.headers["retry-after"])': "error.response.headers"},
             "a guide that prints `e.response.headers` as the time to wait"),
        rule("seconds-as-text",
             "You gave back the text `$returned`. Headers are texts; wanted is a whole number.",
             lambda run: not isinstance(run.value, str),
             {"int(error": "(error"}, "a header handed on as it came"),
        rule("spend-limit-waits",
             "A spend limit was reached, and you gave back `$value`. Waiting does not help there: "
             "wanted is `None`. The class and the status are those of a rate limit; what is not?",
             lambda run: run.wanted is not None or run.value is None,
             {'"enforced_spend_limit_reached"': '"spend_limit"',
              '["retry-after"]': '.get("retry-after", 60)'},
             "https://github.com/can1357/oh-my-pi/pull/5418: a spend limit waited for",
             value=lambda run: run.value),
        rule("good-reply-waits",
             "The reply came at once, and you gave back `$value`. Then there is nothing to wait "
             "for: wanted is `0`.",
             lambda run: run.wanted != 0 or (run.value == 0 and run.value is not False),
             {"    return 0\n": "    return None\n"},
             "`None` for “no wait”, which here means that waiting does not help",
             value=lambda run: run.value),
        rule("every-code-is-none",
             "A rate limit came with another `error_code`, and with `retry-after`; you gave back "
             "`None`. Only one code says that waiting does not help.",
             lambda run: run.given["question"] != "So many?" or run.value is not None,
             {' == "enforced_spend_limit_reached"': ""},
             "any code taken for the one that is known"),
        rule("words-read",
             "A plain rate limit with `retry-after` was taken for a spend limit: you gave back "
             "`None`. Its *message* speaks of limits, too. Do not read the message, compare the "
             "`error_code`.",
             lambda run: run.wanted is None or run.value is not None,
             {'error.error_code == "enforced_spend_limit_reached"':
              'error.error_code == "enforced_spend_limit_reached" or "usage limits" in '
              "str(error)"},
             "matching on the words of an error, as in many wrappers"),
        rule("milliseconds",
             "You gave back `$value` where `retry-after` says $wanted. The header counts in whole "
             "seconds.",
             lambda run: not run.wanted or run.value not in (
                 run.wanted * 1000, run.wanted / 1000),
             {'int(error.response.headers["retry-after"])':
              'int(error.response.headers["retry-after"]) * 1000'},
             "time-outs of other languages", value=lambda run: run.value,
             wanted=lambda run: run.wanted),
        rule("other-seconds",
             "You gave back `$value`, and the header said $wanted.",
             lambda run: run.value == run.wanted,
             {'int(error.response.headers["retry-after"])': "2"},
             "a wait of one's own, whatever the API says", value=lambda run: run.value,
             wanted=lambda run: run.wanted),
        room(100),
    ),
)  # fmt: skip

seconds_to_wait = Exercise(
    id="12.3",
    title="How long to wait",
    objective="Tell a rate limit from a spend limit, and read what the API asks for.",
    minutes=10,
    task="""
On a busy evening, the café's screen shows when to ask again. Complete `seconds_to_wait`: it sends
the question once (its client does not retry) and gives back

- `0` if a reply came,
- at a rate limit the seconds that the API asks for, as an `int`,
- `None` if a *spend limit* was reached, and waiting does not help. Its `error_code` is
  `enforced_spend_limit_reached`; other codes are rate limits.

Every other error goes on as it is. The function does not wait itself.
""",
    template='''
def seconds_to_wait(client, question):
    """Give back seconds; None if waiting does not help."""
    ...
''',
    solution="""
def seconds_to_wait(client, question):
    try:
        client.messages.create(
            model=MODEL,
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        )
    except anthropic.RateLimitError as error:
        if error.error_code == "enforced_spend_limit_reached":
            return None
        return int(error.response.headers["retry-after"])
    return 0
""",
    also_correct=(
        """
def seconds_to_wait(client, question):
    turn = {"role": "user", "content": question}
    try:
        client.messages.create(model=MODEL, max_tokens=300, messages=[turn])
    except anthropic.EnforcedSpendLimitReachedError:
        return None
    except anthropic.RateLimitError as problem:
        return int(problem.response.headers.get("Retry-After", 60))
    else:
        return 0
""",
        """
def seconds_to_wait(client, question):
    wait = 0
    try:
        with client.messages.stream(
            model=MODEL,
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        ) as stream:
            stream.until_done()
    except anthropic.APIStatusError as error:
        if error.status_code != 429:
            raise
        asked = error.response.headers.get("retry-after")
        spent = "spend_limit" in (error.error_code or "")
        wait = None if spent or asked is None else int(asked)
    return wait
""",
    ),
    hints=(
        "Which class of the tree has status 429? In the lesson, a table shows what differs "
        "between two errors of that status.",
        "The headers stand in `error.response.headers`, which is read like a dict. What is in it "
        "is text.",
        'First compare `error.error_code`. Then `error.response.headers["retry-after"]` is there, '
        "and `int(...)` makes a number of it.",
    ),
    rules=WAIT_RULES,
    messages={
        "raised-key": "The header is not there at a spend limit, and reading it with square "
        "brackets fails. Look at the `error_code` first.",
        "raised-TypeError": "$kit At a spend limit there is no `retry-after`, so `.get(...)` gives "
        "`None`, and `int(None)` fails. Look at the `error_code` first.",
    },
    mistakes=(
        Mistake("raised-key",
                {'        if error.error_code == "enforced_spend_limit_reached":\n'
                 "            return None\n": ""},
                "the header taken for granted at every 429"),
        Mistake("raised-TypeError",
                {'        if error.error_code == "enforced_spend_limit_reached":\n'
                 "            return None\n": "", '["retry-after"]': '.get("retry-after")'},
                "the header taken for granted at every 429, in the careful way"),
    ),
    takeaway="Status 429 has two causes. `error_code` tells which it is, and `retry-after` comes "
    "with only one of them.",
)  # fmt: skip


# --- 12.4 ------------------------------------------------------------------------------

LATER = "We are very busy at the moment. Please ask again in a few minutes."
OURS = "Our help desk is out of order. We have been told."
LARGE = "That is too large for us. Please send less, or smaller pictures."
CUT = "The answer is not complete."
REFUSED = "We cannot help with that."
NAMES = {LATER: "LATER", OURS: "OURS", LARGE: "LARGE", CUT: "CUT", REFUSED: "REFUSED", "": '""'}
SENTENCES = f'''
LATER = "{LATER}"
OURS = "{OURS}"
LARGE = "{LARGE}"
CUT = "{CUT}"
REFUSED = "{REFUSED}"
'''
WIDE = error(
    400,
    "invalid_request_error",
    error_code="image_dimensions_too_large",
    max_side_length_pixels=8000,
    paths=["messages.0.content.0"],
)
HTML = {"status": 502, "body": {"detail": "Bad gateway"}}  # of something in front of the API
LONG = "The museum opens at ten. On Mondays it is closed, except in the summer holidays, when it"


def asked(robust_ask: Any, client: Any, question: str) -> Any:
    """The call of every case: an answer of up to 30,000 tokens."""
    return robust_ask(
        client,
        model=facts.MODEL,
        max_tokens=30_000,
        messages=[{"role": "user", "content": question}],
    )


def day(question: str, reply: Any, said: str, through: Any = None) -> Case:
    """One call, and the sentence that it should end in."""
    return case(question, replies=[reply], gives=said, by=asked, through=through)


def stopped(question: str, reason: str, said: str, **more: Any) -> Case:
    """A reply that stopped for this reason."""
    return day(question, {"content": [THOUGHT, LONG], "stop_reason": reason, **more}, said)


def broken(question: str, kind: str, said: str, through: Any = None) -> Case:
    """A stream that breaks in this way."""
    reply = {"content": [THOUGHT, LONG], "fault": {"kind": kind, "after": 40}}
    return day(question, reply, said, through)


def said(run: Run) -> Any:
    """The second of the two that came back."""
    return run.returned[1]


def name_of(run: Run) -> str:
    """The sentence that came back, by its name."""
    return NAMES.get(said(run), repr(said(run))[:60])


def what(run: Run) -> str:
    """What happened in this case, in words."""
    if run.result.raised is not None:
        return f"a `{type(run.result.raised).__name__}`"
    reply = run.replies[0]
    if isinstance(reply, dict) and "status" in reply:
        code = (reply.get("error") or {}).get("details", {}).get("error_code")
        return f"status {reply['status']}" + (f", `{code}`" if code else "")
    if isinstance(reply, dict) and "fault" in reply:
        return {"cut": "a stream that was cut", "stall": "a stream that fell silent",
                "error": "an error event in a stream",
                "no-end": "a stream without an end"}[reply["fault"]["kind"]]  # fmt: skip
    if isinstance(reply, dict) and "stop_reason" in reply:
        return f"`{reply['stop_reason']}`"
    return "a whole reply" if run.wanted == "" else "a connection that failed"


def is_message(value: Any) -> bool:
    """Whether it is the SDK's `Message`."""
    return isinstance(value, anthropic.types.Message)


def sent_as_given(run: Run) -> bool:
    """Whether the request is the one of `asked`; without one, that is said."""
    if not run.sent:
        run.surface()
        run.expect(False, "no-request")
    room_asked = run.sent[0].body.get("max_tokens")
    return bool(room_asked == 30_000 and run.sent[0].said == run.given["question"])


ROBUST_RULES = cases(
    day("When do you open?", [THOUGHT, "At ", "ten.\n"], ""),
    stopped("And on Mondays?", "max_tokens", CUT),
    stopped("In summer?", "model_context_window_exceeded", CUT),
    stopped("A word?", "stop_sequence", "", stop_sequence="it"),
    day("A tool?", [THOUGHT, {"tool": "hours", "input": {}}], ""),
    stopped("A search?", "pause_turn", ""),
    stopped("New?", "tea_time", CUT),
    stopped("Poison?", "refusal", REFUSED),
    broken("The end?", "no-end", CUT),
    broken("Cut?", "cut", LATER),
    broken("An event?", "error", LATER),
    broken("Silence?", "stall", LATER, hasty),
    day("Anyone?", "Fine.", LATER, unreachable),
    day("Locked?", error(409, "conflict_error"), LATER),
    day("Slow?", error(408, "timeout_error"), LATER),
    day("Too often?", error(429, "rate_limit_error"), LATER),
    day("Broken?", error(500, "api_error"), LATER),
    day("A gateway?", HTML, LATER),
    day("Busy?", BUSY, LATER),
    day("Spent?", SPENT, OURS),
    day("Wrong?", error(400, "invalid_request_error"), OURS),
    day("A key?", WRONG_KEY, OURS),
    day("A bill?", error(402, "billing_error"), OURS),
    day("Allowed?", error(403, "permission_error"), OURS),
    day("A model?", error(404, "not_found_error"), OURS),
    day("Heavy?", error(413, "request_too_large"), LARGE),
    day("Wide?", WIDE, LARGE),
    case("A bug?", raises="ArithmeticError", by=asked, through=with_a_bug),
    expect=(
        rule("asked-again",
             "After $what your function sent the request again, $count times in all. Its client "
             "tries again by itself: no loop here.",
             lambda run: tried(run) <= 1,
             {"        logging": "        return robust_ask(client, **request)\n        logging"},
             "the loop that this function had before", of_errors=True, what=what, count=tried),
        rule("not-caught",
             "There was $what, and it came out of your function as an exception. Wanted is "
             "`(None, $wanted)`.",
             lambda run: not raised_by_api(run),
             {"(anthropic.APIError, httpx2.TransportError)":
              "(anthropic.RateLimitError, httpx2.TransportError)"},
             "one class of the tree, the one that the article was about", of_errors=True,
             what=what, wanted=lambda run: NAMES[run.wanted]),
        lets_rise(),
        rule("request-changed",
             "The request is not the one that your function was given. Send it as it is: "
             "`**request`.",
             sent_as_given,
             {"(**request)": '(**{**request, "max_tokens": 2000})'},
             "the numbers of the lesson, written into the function", show="messages"),
        rule("not-a-pair",
             "Wanted are two things, the reply and the problem. You gave back `$returned`.",
             lambda run: isinstance(run.returned, tuple | list) and len(run.returned) == 2,
             {'    return reply, "" if': '    return "" if'}, "one of the two forgotten"),
        rule("pair-swapped",
             "The two stand the wrong way round: the reply comes first, then the problem.",
             lambda run: isinstance(said(run), str) or not isinstance(run.returned[0], str),
             {"return None, problem_of(error)": "return problem_of(error), None"},
             "problem first, as other languages have it"),
        rule("none-for-no-problem",
             "If there is no problem, the second of the two is an empty text, `\"\"`. Yours is "
             "`None`.",
             lambda run: said(run) is not None,
             {'return reply, "" if': "return reply, None if"},
             "`None` as the sign that all is well"),
        rule("technical-words",
             "After $what a visitor would read `$said`. Those are words for your log. Give back "
             "one of the five sentences.",
             lambda run: said(run) in NAMES,
             {"return None, problem_of(error)": "return None, str(error)"},
             "https://github.com/anthropics/claude-code/issues/21329: raw JSON on the screen",
             what=what, said=lambda run: str(said(run))[:80]),
        rule("spend-limit-later",
             "A spend limit was reached ($what), and the visitor is asked to come back in a few "
             "minutes. Waiting does not help here; it is for you to act.",
             lambda run: run.replies[0] is not SPENT or said(run) == OURS,
             {'    if "spend_limit" in (error.error_code or ""):\n        return OURS\n': ""},
             "https://github.com/can1357/oh-my-pi/pull/5418", what=what),
        rule("large-missed",
             "There was $what: what the visitor sent is too large, and only the visitor can "
             "change that. You gave back $said; wanted is LARGE.",
             lambda run: run.wanted != LARGE or said(run) == LARGE,
             {" or error.error_code == \"image_dimensions_too_large\"": ""},
             "the status alone: 413 is known, and the code of a 400 is not read", what=what,
             said=name_of),
        rule("event-is-ours",
             "An error came as an event in a stream that had begun, and you gave back $said. Its "
             "status is 200: the request was right, the service failed. Wanted is LATER.",
             lambda run: what(run) != "an error event in a stream" or said(run) == LATER,
             {"(200, 408": "(408"}, "lesson 04: an `APIStatusError` whose status is 200",
             said=name_of),
        rule("later-is-ours",
             "There was $what, which time can heal, and you gave back $said. Wanted is LATER.",
             lambda run: run.wanted != LATER or said(run) == LATER,
             {">= 500": "== 500"}, "the statuses that one knows, listed one by one", what=what,
             said=name_of),
        rule("ours-is-not",
             "There was $what, and you gave back $said. Asking again brings the same; somebody of "
             "yours has to act. Wanted is OURS.",
             lambda run: run.wanted != OURS or said(run) == OURS,
             {"    return OURS\n\n": "    return LATER\n\n"}, "one sentence for every error",
             what=what, said=name_of),
        rule("cut-passes",
             "A reply ended with $what, and you gave back $said. It may be half an answer, or no "
             "end was sent at all: wanted is CUT.",
             lambda run: run.wanted != CUT or said(run) == CUT,
             {'"" if reply.stop_reason in WHOLE else CUT': '""'},
             "a reply taken for an answer because no exception came", what=what, said=name_of),
        rule("refusal-passes",
             "The reply was refused, and you gave back $said. Wanted is REFUSED.",
             lambda run: run.wanted != REFUSED or said(run) == REFUSED,
             {"        return reply, REFUSED": '        return reply, ""'},
             "a refusal is no exception, and passes as an answer",
             said=name_of),
        rule("whole-is-a-problem",
             "A reply came whole ($what), and you gave back $said as its problem. `end_turn`, "
             "`stop_sequence`, `tool_use` and `pause_turn` are no problems: the caller goes on.",
             lambda run: run.wanted != "" or said(run) == "",
             {', "pause_turn")': ")"}, "the stop reasons that one knows", what=what,
             said=name_of),
        rule("reply-lost",
             "With $what there is a reply, and you gave back `$first` in its place. The caller "
             "may need it: give back the whole `Message`.",
             lambda run: run.wanted in (LATER, OURS, LARGE) or is_message(run.returned[0]),
             {'    return reply, "" if': "    if reply.stop_reason == 'max_tokens':\n"
              "        return None, CUT\n    return reply, \"\" if"},
             "nothing given back where something is wrong", what=what,
             first=lambda run: repr(run.returned[0])[:60]),
        rule("reply-too-much",
             "After $what there is no reply, and the first of the two should be `None`. You gave "
             "back `$first`.",
             lambda run: run.wanted not in (LATER, OURS, LARGE) or run.returned[0] is None,
             {"return None, problem_of(error)": "return error, problem_of(error)"},
             "the error handed on as if it were the reply", what=what,
             first=lambda run: repr(run.returned[0])[:60]),
    ),
)  # fmt: skip

robust_ask = Exercise(
    id="12.4",
    title="An ask that comes back",
    objective="Meet every failure once, in one place, with a sentence for a reader.",
    minutes=20,
    task="""
This is a part of your library desk: lessons 15 and 16 send everything through it. The old version
has a loop, swallows bugs, and shows `Error code: 529` to visitors. Rewrite `robust_ask`. It sends
`request` as it is, once, and gives back two things, `(reply, problem)`:

| what happened | reply | problem |
| --- | --- | --- |
| stopped at `end_turn`, `stop_sequence`, `tool_use` or `pause_turn` | the `Message` | `""` |
| stopped at `refusal` | the `Message` | `REFUSED` |
| any other stop reason, or none | the `Message` | `CUT` |
| status 413, or the `error_code` `image_dimensions_too_large` | `None` | `LARGE` |
| 408, 409, 429, 500 and higher, no connection, a broken stream | `None` | `LATER` |
| every other status, and any code with `spend_limit` in it | `None` | `OURS` |

A request may ask for 30,000 tokens. Bugs go on to the caller. Write each error to the log, too,
with `logging.getLogger("desk").error(error)` for instance; the check does not see that.
""",
    template=SENTENCES + '''

def robust_ask(client, **request):
    """Give back (reply, problem); problem is "" if the reply is whole."""
    problem = ""
    for attempt in range(3):
        try:
            return client.messages.create(**request), ""
        except Exception as error:
            problem = str(error)
            time.sleep(2**attempt)
    return None, problem
''',
    solution=SENTENCES + '''WHOLE = ("end_turn", "stop_sequence", "tool_use", "pause_turn")


def problem_of(error):
    if not isinstance(error, anthropic.APIStatusError):
        return LATER
    if "spend_limit" in (error.error_code or ""):
        return OURS
    if error.status_code == 413 or error.error_code == "image_dimensions_too_large":
        return LARGE
    if error.status_code in (200, 408, 409, 429) or error.status_code >= 500:
        return LATER
    return OURS


def robust_ask(client, **request):
    try:
        with client.messages.stream(**request) as stream:
            reply = stream.get_final_message()
    except (anthropic.APIError, httpx2.TransportError) as error:
        logging.getLogger("desk").error(error)
        return None, problem_of(error)
    if reply.stop_reason == "refusal":
        return reply, REFUSED
    return reply, "" if reply.stop_reason in WHOLE else CUT
''',
    also_correct=(
        SENTENCES + '''

def robust_ask(client, **request):
    try:
        with client.messages.stream(**request) as stream:
            stream.until_done()
            message = stream.get_final_message()
    except anthropic.APIStatusError as error:
        logging.getLogger("desk").warning("%s %s", error.request_id, error)
        code = error.error_code or ""
        if code == "image_dimensions_too_large":
            return None, LARGE
        if isinstance(error, anthropic.ContentTooLargeError):
            return None, LARGE
        if code.endswith("spend_limit_reached"):
            return None, OURS
        if 400 <= error.status_code < 500 and error.status_code not in (408, 409, 429):
            return None, OURS
        return None, LATER
    except (anthropic.APIConnectionError, httpx2.HTTPError):
        logging.getLogger("desk").exception("no reply")
        return None, LATER
    match message.stop_reason:
        case "end_turn" | "stop_sequence" | "tool_use" | "pause_turn":
            return message, ""
        case "refusal":
            return message, REFUSED
    return message, CUT
''',
    ),
    hints=(
        "Take the loop out first: the client tries again by itself. Then look at the table, and "
        "at the tree of the lesson: which classes have to be caught, and which must not be?",
        "Send a stream, and take `stream.get_final_message()` inside the block. Catch "
        "`anthropic.APIError` and `httpx2.TransportError`, and let a second function choose the "
        "sentence of an error.",
        "Ask in this order: no `APIStatusError` at all; the `error_code`; the status, where 200 "
        "is an error event in a stream. A dict from stop reason to sentence does the rest: "
        "`.get(reply.stop_reason, CUT)`.",
    ),
    rules=ROBUST_RULES,
    messages={
        "no-request": "No request reached the API. For 30,000 tokens, `create` refuses before it "
        "sends anything, and an `except Exception` hides that.",
        "raised-streaming": "The request asks for 30,000 tokens. $kit",
        "raised-broken-stream": "$kit That is no `APIError`: it comes from `httpx2`.",
        "raised-read-timeout": "$kit That is no `APIError`: it comes from `httpx2`.",
        "raised-status-code": "Your handler failed itself. $kit",
    },
    mistakes=(
        Mistake("no-request",
                {"        with client.messages.stream(**request) as stream:\n"
                 "            reply = stream.get_final_message()":
                 "        reply = client.messages.create(**request)",
                 "(anthropic.APIError, httpx2.TransportError)": "Exception"},
                "the old version with its `except Exception`, without the loop"),
        Mistake("raised-streaming",
                {"        with client.messages.stream(**request) as stream:\n"
                 "            reply = stream.get_final_message()":
                 "        reply = client.messages.create(**request)"},
                "the call of every lesson before this one"),
        Mistake("raised-broken-stream",
                {"(anthropic.APIError, httpx2.TransportError)": "anthropic.APIError"},
                "https://github.com/anthropics/anthropic-sdk-python/issues/1919"),
        Mistake("raised-read-timeout",
                {"httpx2.TransportError": "httpx2.ProtocolError"},
                "lesson 04: the errors of a stream, caught one by one"),
        Mistake("raised-status-code",
                {"    if not isinstance(error, anthropic.APIStatusError):\n        return LATER\n":
                 "    if error.status_code >= 500:\n        return LATER\n",
                 '    if "spend': '    if "spend'},
                "lesson 12: `status_code` of an error that has none"),
        Mistake("swallowed",
                {"(anthropic.APIError, httpx2.TransportError)": "Exception"},
                "`except Exception`: a bug looks like a busy service"),
        Mistake("another-error",
                {"(anthropic.APIError, httpx2.TransportError) as error:":
                 "ArithmeticError as bug:\n        raise ValueError(str(bug)) from bug\n"
                 "    except (anthropic.APIError, httpx2.TransportError) as error:"},
                "a wrapper that renames what it does not know"),
    ),
    equivalent={
        "line 26: 'desk' -> 'deskx'": "nobody looks at the log",
        "line 12: '' -> 'x'": "any text without `spend_limit` in it will do",
    },
    takeaway="Errors are met in one place, retries are made in one place, and no reader sees an "
    "error that only you can do something about.",
    part="robust_ask",
)  # fmt: skip


EXERCISES = (ask_patiently, say_status, seconds_to_wait, robust_ask)
