"""Exercises of lesson 13: many requests at once, within a limit, and none lost or left running.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import inspect
from typing import Any

import anthropic

from practice.grading import (
    Exercise,
    Run,
    acts,
    asks_each,
    case,
    cases,
    counting,
    of_kind,
    room,
    slips,
)
from practice.grading.expect import Check

IMPORTS = """
import asyncio

import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

ASK = """
async def ask(client, question):
    reply = await client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in reply.content if block.type == "text")


"""
THOUGHT = {"thinking": "", "tokens": 30}
BUSY = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
CUT = {"content": "Yes.", "fault": {"kind": "cut", "after": 0}}
NEVER = {"content": "Yes.", "fault": {"kind": "stall", "after": 0}}

MAIL = ["Are you open on Sunday?", "Where are the maps?\n", "Do you lend games?"]
MORE = ["Is there tea?", "May I bring a dog?", "When was it built?", "Is it warm?", "Who sings?"]
ANSWERS = [[THOUGHT, "From noon."], ["By the ", "large ", "window.\n"], "Yes, twelve of them."]
OTHERS = ["At four.", [THOUGHT, "A small one."], "In 1911.", "Always.", ["The ", "choir."]]


def asked(run: Run) -> list[str]:
    """The questions that arrived, in order."""
    return [sent.said for sent in run.sent if sent.path == "/v1/messages"]


def answers(run: Run) -> list[str | None]:
    """The right list: the text of the answer to each question, None where there is none."""
    found: list[str | None] = []
    arrived = asked(run)
    for question in run.given["questions"]:
        number = arrived.index(question) if question in arrived else 0
        short = run.replies[min(number, len(run.replies) - 1)]
        if isinstance(short, dict):
            found.append(None)
            continue
        reply = run.lab.message(short)
        found.append("".join(block.text for block in reply.content if block.type == "text"))
    return found


def most(run: Run) -> int:
    """How many requests were on their way at once, at most."""
    return run.tape.traffic.most


def count(run: Run) -> int:
    """How many questions there are."""
    return len(run.given["questions"])


def limit(run: Run) -> int:
    """How many requests should be on their way at once."""
    return int(min(run.given["at_once"], count(run)))


def waits(value: Any) -> bool:
    """Whether a value, or one in a list, still has to be awaited."""
    entries = value if isinstance(value, list | tuple) else [value]
    return any(inspect.isawaitable(entry) for entry in entries)


def for_none(run: Run) -> list[Any]:
    """What stands in the list where `None` is right; lists and pairs are another mistake."""
    pairs = zip(run.returned, answers(run), strict=False)
    found = [entry for entry, right in pairs if right is None and entry is not None]
    if len(run.returned) != count(run):
        return []
    return [entry for entry in found if not isinstance(entry, list | tuple | dict)]


def name_of_error(run: Run) -> str:
    """The class of what was raised."""
    return type(run.result.raised).__name__


def all_closed(run: Run) -> bool:
    """Whether every request that never got its reply was left."""
    run.surface()
    return run.tape.traffic.left >= answers(run).count(None)


def in_time(run: Run) -> bool:
    """Whether what was given up had about its time."""
    seconds = run.given["seconds"]
    return all(seconds * 0.5 < waited < seconds * 1.5 for waited in run.tape.waited)


# The rules of all exercises, in order: id, where it was seen, the message, the condition.
Rows = list[tuple[str, str, str, Check]]
RAISED: Rows = [
    ("one-loses-all", "https://github.com/NousResearch/hermes-agent/pull/26244: one failure, all "
     "gone",
     "One request failed, and its `$error` ended everything: the other answers are lost. Keep it "
     "from getting out, in `ask` or in `gather`. All the errors of the package are an "
     "`anthropic.APIError`, those of the connection too.",
     lambda run: not isinstance(run.result.raised, anthropic.APIError)),
    ("no-limit", "no limit but the client's own ten minutes",
     "One reply never came, and your code waited for it until the check ended it. Give each "
     "question its `seconds`, with `asyncio.wait_for`. (The `timeout` of the client counts for "
     "each attempt, and retries follow.)",
     lambda run: run.result.stopped != "too-long"),
    ("time-out-raised", "one time limit around all of them",
     "One answer did not come in time, and the `TimeoutError` ended everything. Catch it for each "
     "question by itself, and put `None` into the list.",
     lambda run: name_of_error(run) not in ("TimeoutError", "CancelledError")),
    ("not-awaited", "https://github.com/vsakkas/sydney.py/issues/29: a coroutine, printed",
     "What you gave back is not the answers, but work that nobody has waited for yet (a coroutine, "
     "a task, or a `gather`). Write `await` in front of it.",
     lambda run: not waits(run.value)),
    ("not-all-asked", "a slice that was left in from trying it with a few",
     "There were $count questions, and $sent requests arrived. Ask each of them, and give nothing "
     "back before all answers are there.",
     lambda run: len(asked(run)) >= count(run)),
    ("asked-again", "a loop to look at the answers, and one more to collect them",
     "There were $count questions, and $sent requests arrived: some were sent more than once, and "
     "each is paid for. A coroutine is the work of one request; make one for each question.",
     lambda run: len(asked(run)) <= count(run)),
]  # fmt: skip
TOGETHER: Rows = [
    ("too-many", "https://github.com/anthropics/anthropic-sdk-python/issues/496: twelve, and 429",
     "$most requests were on their way at the same time; at most $at_once are allowed. There must "
     "be one semaphore for all of them, with `at_once` tickets and made before they start, and the "
     "request must be awaited inside `async with`.",
     lambda run: most(run) <= run.given["at_once"]),
    ("one-by-one", "https://github.com/langchain-ai/langchain/pull/2069: `await` in a list "
     "comprehension",
     "There was never more than 1 request on its way: each one waited for the answer to the one "
     "before. `await` in a loop does that. Start them all, and wait for all of them.",
     lambda run: most(run) > 1 or count(run) < 2),
    ("some-wait", "a limit copied along with the lesson's second function",
     "Of $count requests at most $most were on their way at the same time. Here nothing limits "
     "them: start all of them before you wait for any.",
     lambda run: most(run) >= count(run)),
    ("too-few", "a number copied from an example",
     "At most $most requests were on their way at the same time; it may be $limit. The number "
     "stands in `at_once`, and is another one in each call.",
     lambda run: most(run) >= limit(run)),
    ("left-running", "`asyncio.wait` with a time limit, and what is pending forgotten",
     "You stopped waiting for a request, and it is still on its way: nobody cancelled it, so its "
     "connection is open, and it may still be paid for. `asyncio.wait` and `shield` leave work "
     "running; `wait_for` and `cancel()` end it.",
     all_closed),
    ("other-seconds", "a second, as in the lesson's cell",
     "Each question has $seconds seconds. Your code gave one up after $waited.",
     in_time),
]  # fmt: skip
GIVEN: Rows = [
    ("left-in", "`return_exceptions=True` added, and the list handed on as it is",
     "Your list holds an exception, `$what`, in place of an answer. Put `None` there: whoever gets "
     "the list should not have to look for exceptions in it.",
     lambda run: not any(isinstance(entry, BaseException) for entry in run.returned)),
    ("left-out", "failed rows dropped, and the rest joined to the wrong questions",
     "There were $count questions, and your list has $length entries. Leave nothing out: with "
     "`None` in its place, each answer still belongs to its question.",
     lambda run: run.returned == answers(run)
     or run.returned != [text for text in answers(run) if text is not None]),
    ("not-none", "the words of an error, printed on a sign",
     "Where no answer came, your list has $found. Put `None` there: a text would be taken for an "
     "answer.",
     lambda run: not for_none(run)),
    ("not-texts", "pairs of question and answer, or whole replies",
     "Your list holds a `$what`. Wanted are texts: `ask` gives the text of an answer.",
     lambda run: all(isinstance(entry, str | None) for entry in run.returned)),
    ("good-lost", "one `try`, or one time limit, around all of them",
     "An answer that came is `None` in your list. Only the question whose request failed, or took "
     "too long, has none.",
     lambda run: list(run.returned).count(None) <= answers(run).count(None)),
    ("other-order", "`as_completed`, taken for a `gather` that is quicker",
     "All answers are there, in another order than the questions: in the one in which they came. "
     "The check lets a later request end first, as the API may. `gather` keeps the order.",
     lambda run: run.returned == answers(run) or {*run.returned} != {*answers(run)}),
    ("other-answers", "the last one lost on the way, or a list built from the wrong end",
     "Your list is not the answers to the questions, one for each. It is $returned; right is "
     "$right.",
     lambda run: run.returned == answers(run)),
]  # fmt: skip
FOR_ALL = {
    "not-texts": acts("[[entry] for entry in value]"),
    "other-answers": acts("value[:-1]"),
}
FILL: dict[str, Check] = {
    "error": name_of_error,
    "count": count,
    "sent": lambda run: len(asked(run)),
    "most": most,
    "at_once": lambda run: run.given["at_once"],
    "limit": limit,
    "seconds": lambda run: run.given["seconds"],
    "waited": lambda run: run.tape.waited[0],
    "length": lambda run: len(run.returned),
    "what": lambda run: next(
        type(entry).__name__ for entry in run.returned if not isinstance(entry, str | None)
    ),
    "found": lambda run: repr(for_none(run)[0])[:60],
    "right": lambda run: repr(answers(run)),
}


def expected(wrong: dict[str, Any]) -> list[Check]:
    """The rules of an exercise: those for which a mistake is told, and what holds for all."""
    told = FOR_ALL | wrong
    words = []
    for table in (RAISED, TOGETHER, GIVEN):
        rows = [(name, told[name], *rest) for name, *rest in table if name in told]
        words.append(slips(*rows, of_errors=False, **FILL))
    questions = asks_each(lambda run: run.given["questions"])
    return [*words[0], questions, room(200), *words[1], of_kind(list), *words[2]]


OTHER_NOTE = {
    "other-note": "The text of a request is not one of the questions. Send each question as it is."
}
WORK = "    work = [ask(client, question) for question in questions]\n"
ONE_BY_ONE = """
    answers = []
    for question in questions:
        answers.append(await ask(client, question))
    return answers
"""
GATHERED = "    return await asyncio.gather(*[ask(client, question) for question in questions])\n"
COMPLETED = f"{WORK}    return [await each for each in asyncio.as_completed(work)]\n"
PAIRS = """
    answers = []
    for start in range(0, len(questions), 2):
        pair = questions[start : start + 2]
        answers += await asyncio.gather(*[ask(client, question) for question in pair])
    return answers
"""
AGAIN = """
    answers = await asyncio.gather(*[ask(client, question) for question in questions])
    print(await ask(client, questions[0]))
    return answers
"""


# --- 13.1 ------------------------------------------------------------------------------

ANSWER_ALL = f"{ASK}async def answer_all(client, questions):\n"

answer_all = Exercise(
    id="13.1",
    title="Fix a loop that waits",
    objective="Send all requests at once, and give back the answers in order.",
    minutes=8,
    task="""
The library's mail of last night: some questions, and nobody is in a hurry but the programmer.
`answer_all` gives the right answers, one after the other. Change it, so that all requests are on
their way at the same time. It still gives back a list of the answers, in the order of the
questions. `ask` is right as it is. (`client` is an `AsyncAnthropic`.)
""",
    template=ANSWER_ALL + ONE_BY_ONE.removeprefix("\n"),
    solution=ANSWER_ALL + GATHERED,
    also_correct=(
        """
async def answer_all(client, questions):
    async def reply_to(question):
        turn = {"role": "user", "content": question}
        return await client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])

    answers = []
    for reply in await asyncio.gather(*map(reply_to, questions)):
        answers.append("".join(b.text for b in reply.content if b.type == "text"))
    return answers
""",
    ),
    hints=(
        "What does the loop do while it stands at `await`? What would have to be under way then?",
        "Calling `ask` without `await` makes a coroutine. Make one for each question, in a list.",
        "`asyncio.gather` takes coroutines as arguments (`*` hands over a list), starts them all, "
        "and is awaited itself.",
    ),
    rules=cases(
        case(MAIL, replies=ANSWERS, through=counting),
        case(MORE, replies=OTHERS, through=counting),
        expect=expected(
            {
                "not-awaited": {"await asyncio": "asyncio"},
                "not-all-asked": {"in questions]": "in questions[:2]]"},
                "asked-again": ANSWER_ALL + AGAIN,
                "one-by-one": ANSWER_ALL + ONE_BY_ONE.replace("answers", "texts"),
                "some-wait": ANSWER_ALL + PAIRS,
                "other-order": ANSWER_ALL + COMPLETED,
            }
        ),
    ),
    messages=OTHER_NOTE,
    takeaway="Start all the work first, then wait for all of it: `await asyncio.gather(*work)`.",
)


# --- 13.2 ------------------------------------------------------------------------------

ASK_ALL = f"{ASK}async def ask_all(client, questions):\n"
FIRST_LOSES = f"{WORK}    return await asyncio.gather(*work)\n"
KEPT = f"""{WORK}    results = await asyncio.gather(*work, return_exceptions=True)
    answers = []
    for result in results:
        if isinstance(result, anthropic.APIError):
            answers.append(None)
        elif isinstance(result, BaseException):
            raise result
        else:
            answers.append(result)
    return answers
"""
ALL_WORK = "await asyncio.gather(*work, return_exceptions=True)"
ONE_EACH = "[one for each in work for one in await asyncio.gather(each, return_exceptions=True)]"
ALL_OR_NONE = f"""{WORK}    try:
        return await asyncio.gather(*work)
    except anthropic.APIError:
        return [None] * len(questions)
"""

ask_all = Exercise(
    id="13.2",
    title="Lose nothing",
    objective="Keep all good answers when single requests fail.",
    minutes=10,
    task="""
Last night one request of `ask_all` met an overloaded API, and all the other answers were lost with
it. Fix it: the list has an answer for each question, in order, and `None` for each question whose
request failed with any error of the API or of the connection (an `anthropic.APIError`). All
requests are still on their way at the same time. (What is a mistake of your own code should go on
to the caller; the check cannot see that.)
""",
    template=ASK_ALL + FIRST_LOSES,
    solution=ASK_ALL + KEPT,
    also_correct=(
        """
async def ask(client, question):
    try:
        reply = await client.messages.create(
            model=MODEL,
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        )
    except anthropic.APIError:
        return None
    return "".join(block.text for block in reply.content if block.type == "text")


async def ask_all(client, questions):
    return list(await asyncio.gather(*(ask(client, question) for question in questions)))
""",
    ),
    hints=(
        "There are two places for it: where one request is sent, or where the results are "
        "collected. Which of the lesson's arguments of `gather` belongs to the second?",
        "With `return_exceptions=True` the exceptions stand in the list. Replace each "
        "`anthropic.APIError` by `None`.",
        "Or: a `try` around the call in `ask`, with `except anthropic.APIError`, and "
        "`return None` in it. That class covers the connection, too.",
    ),
    rules=cases(
        case(MAIL, replies=[ANSWERS[0], BUSY, ANSWERS[2]], through=counting),
        case(MORE, replies=[CUT, *OTHERS[1:4], BUSY], through=counting),
        case(MAIL, replies=ANSWERS, through=counting),
        case(MORE[:2], replies=[BUSY, CUT], through=counting),
        expect=expected(
            {
                "one-loses-all": {"anthropic.APIError": "anthropic.APIStatusError"},
                "not-awaited": ASK_ALL + WORK + "    return work\n",
                "not-all-asked": {"in questions]": "in questions[1:]]"},
                "asked-again": {"append(None)": "append(await ask(client, questions[0]))"},
                "one-by-one": {ALL_WORK: ONE_EACH},
                "left-in": ASK_ALL + FIRST_LOSES.replace("*work", "*work, return_exceptions=True"),
                "left-out": {"answers.append(None)": "continue"},
                "not-none": {"append(None)": "append(str(result))"},
                "good-lost": ASK_ALL + ALL_OR_NONE,
                "other-answers": acts("value[::-1]"),
            }
        ),
    ),
    messages=OTHER_NOTE,
    takeaway="An error that is kept for its own question costs one answer, not all of them.",
)


# --- 13.3 ------------------------------------------------------------------------------

ASK_MANY = f"{ASK}async def ask_many(client, questions, at_once):\n"
GATHER = "return await asyncio.gather(*[in_turn(question) for question in questions])"
GATED = f"""    gate = asyncio.Semaphore(at_once)

    async def in_turn(question):
        async with gate:
            return await ask(client, question)

    {GATHER}
"""
AS_DONE = """\
work = [in_turn(question) for question in questions]
    return [await each for each in asyncio.as_completed(work)]"""

ask_many = Exercise(
    id="13.3",
    title="Ask many",
    objective="Limit how many requests are on their way at the same time.",
    minutes=12,
    task="""
On a Monday there are hundreds of questions, and the library's account has a rate limit. Complete
`ask_many`: it asks all `questions`, and at most `at_once` of the requests are on their way at the
same time; while there are enough questions left, it is that many. It gives back a list of the
answers, in the order of the questions. (The check cannot see whether the next request starts as
soon as one is done.)
""",
    template=ASK_MANY
    + '''    """Ask all questions, at most `at_once` at a time; give back the answers."""
    ...
''',
    solution=ASK_MANY + GATED,
    also_correct=(
        ASK_MANY
        + """
    answers = [None] * len(questions)
    left = iter(enumerate(questions))

    async def work():
        for number, question in left:
            answers[number] = await ask(client, question)

    await asyncio.gather(*[work() for _ in range(at_once)])
    return answers
""",
    ),
    hints=(
        "The lesson limits forty requests to ten. Which object does it use, and how many of them?",
        "One `asyncio.Semaphore(at_once)` for all requests, made before any of them starts. Each "
        "request stands inside `async with`.",
        "Write an inner `async def` that takes a question, enters the semaphore and awaits `ask` "
        "there. Then gather one such coroutine for each question.",
    ),
    rules=cases(
        case([*MAIL, *MORE], 3, replies=[*ANSWERS, *OTHERS], through=counting),
        case(MAIL, 2, replies=ANSWERS, through=counting),
        case(MORE, 5, replies=OTHERS, through=counting),
        case(MAIL[:2], 4, replies=ANSWERS, through=counting),
        expect=expected(
            {
                "not-awaited": {"return await asyncio": "return asyncio"},
                "not-all-asked": {"in questions]": "in questions[:at_once]]"},
                "asked-again": ASK_MANY + AGAIN,
                "too-many": ASK_MANY + GATHERED,
                "one-by-one": ASK_MANY + ONE_BY_ONE,
                "too-few": {"Semaphore(at_once)": "Semaphore(2)"},
                "other-order": {GATHER: AS_DONE},
            }
        ),
    ),
    messages={
        **OTHER_NOTE,
        "one-by-one": "There was never more than 1 request on its way, and it may be several. "
        "`await` in a loop does that, and so does a lock, or a semaphore with a single ticket.",
    },
    part="ask_many",
    takeaway="With one semaphore for all, the next request starts as soon as one is done. A group "
    "waits for its slowest.",
)


# --- 13.4 ------------------------------------------------------------------------------

IN_TIME = f"{ASK}async def ask_in_time(client, questions, seconds):\n"
TIMED = """
    async def in_time(question):
        try:
            return await asyncio.wait_for(ask(client, question), seconds)
        except asyncio.TimeoutError:
            return None

    return await asyncio.gather(*[in_time(question) for question in questions])
"""
TASKS = """    tasks = [asyncio.create_task(ask(client, question)) for question in questions]
    done, late = await asyncio.wait(tasks, timeout=seconds)
"""
CANCELLED = "    for task in late:\n        task.cancel()\n"
LEFT_OUT = "    return [task.result() for task in tasks if task in done]\n"
PICKED = "    return [task.result() if task in done else None for task in tasks]\n"
ALL_IN_TIME = f"{WORK}    return await asyncio.wait_for(asyncio.gather(*work), seconds)\n"
ALL_OR_LATE = f"""{WORK}    try:
        return await asyncio.wait_for(asyncio.gather(*work), seconds)
    except asyncio.TimeoutError:
        return [None] * len(questions)
"""
STARTS_AGAIN = "await asyncio.wait([asyncio.create_task(ask(client, question))], timeout=1)"

ask_in_time = Exercise(
    id="13.4",
    title="Do not wait for ever",
    objective="Give up what takes too long, and close its connection.",
    minutes=12,
    optional=True,
    task="""
A visitor waits at the desk, so every question gets so many `seconds`. Complete `ask_in_time`: all
requests are on their way at the same time, and the list has the answer to each question, in order,
or `None` where it was not there in time. What is given up must be cancelled, so that its
connection is closed, and not only left alone.

(The check has its own clock. A reply that never comes costs you no waiting.)
""",
    template=IN_TIME
    + '''    """The answers that came within `seconds`, and None for the others."""
    ...
''',
    solution=IN_TIME + TIMED,
    also_correct=(IN_TIME + TASKS + CANCELLED + PICKED,),
    hints=(
        "Each question has its own time. Which function of the lesson gives a piece of work so "
        "many seconds?",
        "`asyncio.wait_for` cancels the work when the time is over, and raises "
        "`asyncio.TimeoutError`. Where do you catch it, so that the others are not lost?",
        "Write an inner `async def` for one question, with `wait_for` in a `try`. Then gather one "
        "for each question.",
    ),
    rules=cases(
        case(MAIL, 20, replies=[ANSWERS[0], NEVER, ANSWERS[2]], through=counting),
        case(MORE, 60, replies=[NEVER, *OTHERS[1:4], NEVER], through=counting),
        case(MAIL, 20, replies=ANSWERS, through=counting),
        expect=expected(
            {
                "no-limit": IN_TIME + GATHERED,
                "time-out-raised": IN_TIME + ALL_IN_TIME,
                "not-awaited": {"return await asyncio.gather": "return asyncio.gather"},
                "not-all-asked": {"in questions]": "in questions[:2]]"},
                "asked-again": {"return None": f"{STARTS_AGAIN}\n            return None"},
                "one-by-one": {
                    "await asyncio.gather(*[in_time(question) for question in questions])": (
                        "[await in_time(question) for question in questions]"
                    )
                },
                "left-running": IN_TIME + TASKS + PICKED,
                "other-seconds": {"question), seconds)": "question), 1)"},
                "left-out": IN_TIME + TASKS + CANCELLED + LEFT_OUT,
                "not-none": {"return None": 'return "Sorry."'},
                "good-lost": IN_TIME + ALL_OR_LATE,
                "other-answers": acts("value[::-1]"),
            }
        ),
    ),
    messages=OTHER_NOTE,
    equivalent={"line 16: return removed": "without it, a function gives back `None` as well"},
    takeaway="With `wait_for` around each piece of work, the late ones are cancelled and the "
    "others stay.",
)


EXERCISES = (answer_all, ask_all, ask_many, ask_in_time)
