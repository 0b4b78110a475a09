"""Exercises of lesson 01: fix a call, read the reply, meet an error, know the price.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from collections.abc import Callable
from typing import Any

from courseserver import facts
from courseserver.estimate import request_tokens
from practice.grading import (
    Case,
    Exercise,
    Mistake,
    Run,
    Word,
    acts,
    alike,
    asks,
    case,
    cases,
    catches,
    function_of,
    gives,
    lets_rise,
    message,
    miss,
    once,
    one_request,
    rule,
)

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, facts, progress  # not found? Run: start.py
"""

GONE = next(name for name in facts.RETIRED if name.endswith("20240620"))
THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'
ROOM = 200  # output tokens: with less, thinking may leave nothing for the answer


# --- 01.1 ------------------------------------------------------------------------------

TURN = '[{"role": "user", "content": question}]'


def form(run: Run, kind: type) -> bool:
    """Whether no request, not even a refused one, has `messages` of this type."""
    return not any(isinstance(sent.body.get("messages"), kind) for sent in run.sent)


def is_the_reply(run: Run) -> bool:
    """Whether the whole `Message` of this question came back."""
    texts = [getattr(block, "text", "") for block in getattr(run.returned, "content", ())]
    return bool("".join(texts) == run.wanted)


mend_a_call = Exercise(
    id="01.1",
    title="Fix a call",
    objective="Send a complete request: model, limit and messages.",
    minutes=6,
    task="""
A bakery found this function in an article. It should send the visitor's question to Claude
and give back the whole reply, the `Message`. Three things in it are wrong. Fix them; you may
check after each, and the check will tell you the next one.
""",
    template=f"""
def reply_to(client, question):
    reply = client.messages.create(
        model="{GONE}",
        messages=question,
    )
    return reply
""",
    solution="""
def reply_to(client, question):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    )
    return reply
""",
    also_correct=(
        """
def reply_to(client, question):
    words = {"type": "text", "text": question}
    turn = {"role": "user", "content": [words]}
    request = {"model": MODEL, "max_tokens": 4000, "messages": [turn]}
    return client.messages.create(**request)
""",
        """
async def reply_to(client, question):
    return await client.messages.create(
        messages=[dict(role="user", content=question)], max_tokens=1500, model=MODEL
    )
""",
    ),
    hints=(
        "Compare the call with the first one of the lesson, line by line. Which line is missing "
        "here?",
        "`messages` is a list. Each message in it is a dict that says who speaks (`role`) and "
        "what is said (`content`).",
        'The limit is called `max_tokens`, the model is in `MODEL`, and the role is `"user"`.',
    ),
    rules=one_request(
        case(
            "Do you bake on Sundays?",
            replies=[[THOUGHT, "Yes, from eight."]],
            gives="Yes, from eight.",
        ),
        case(
            "What is in the rye loaf?\n",
            replies=[[THOUGHT, "Rye flour and caraway."]],
            gives="Rye flour and caraway.",
        ),
        expect=(
            rule(
                "messages-text",
                "You sent `messages` as a text. It is a list of messages, and each message is a "
                "dict with a `role` and a `content`.",
                lambda run: form(run, str),
                {TURN: "question"},
                "the older Text Completions API took the prompt as one string",
                show="messages",
            ),
            rule(
                "messages-dict",
                "You sent one message by itself. `messages` is a list, also when there is only "
                "one: put square brackets around the dict.",
                lambda run: form(run, dict),
                {TURN: TURN[1:-1]},
                "https://github.com/Red-Hat-AI-Innovation-Team/its_hub/issues/102",
                show="messages",
            ),
            rule(
                "role-system",
                'Your first message has the role `"system"`. Who asks is the user: use `"user"`. '
                "(Standing instructions have a place of their own; lesson 03 shows it.)",
                lambda run: all(sent.roles[:1] != ["system"] for sent in run.sent),
                {'[{"role"': '[{"role": "system", "content": "Be kind."}, {"role"'},
                "https://github.com/sgl-project/sglang/issues/367",
                show="messages",
            ),
        ),
        value=rule(
            "not-the-reply",
            "Give back the whole reply to this question, the `Message`; the next exercise takes "
            "the text out of it. You gave back a `$kind`.",
            is_the_reply,
            {"return reply": "return reply.content"},
            "reaching for the content at once, as most articles do",
        ),
    ),
    mistakes=(
        Mistake(
            "raised-missing-argument",
            {"        max_tokens=2000,\n": ""},
            "https://github.com/gensx-inc/gensx/pull/437: examples without max_tokens",
        ),
        Mistake(
            "raised-404", {"MODEL": f'"{GONE}"'}, "https://github.com/anthropics/courses/issues/181"
        ),
        Mistake(
            "raised-400",
            {'"content": question': '"text": question'},
            "field names of other chat formats: https://github.com/agntcy/acp-sdk/pull/93",
        ),
        Mistake(
            "raised-sampling",
            {"max_tokens=2000": "max_tokens=2000,\n        temperature=0"},
            "25 of 41 notebooks of https://github.com/anthropics/prompt-eng-interactive-tutorial",
        ),
        Mistake(
            "printed",
            {"return reply": "print(reply)"},
            "https://github.com/sreerevanth/repopilot/issues/266",
        ),
        Mistake(
            "same-request",
            {'"content": question': '"content": "Do you bake on Sundays?"'},
            "the question of an example, copied along with the call",
        ),
        Mistake(
            "raised-first-cell",
            {"return reply": "return reply\n\n\ndel MODEL  # as after a restart"},
            "https://github.com/Kaggle/learntools/issues/131: cells run out of order",
        ),
    ),
    takeaway="`model`, `max_tokens` and `messages` (a list of dicts with `role` and `content`) "
    "are all that a request needs.",
)


# --- 01.2 ------------------------------------------------------------------------------


ask = Exercise(
    id="01.2",
    title="Ask, and read the answer",
    objective="Give back the text of a reply, whatever else the reply holds.",
    minutes=8,
    part="ask",
    task="""
The front desk of the library needs a function that it can put a visitor's question to.
Complete `ask`: it sends the question with the `client` it is given, and gives back the *text*
of the reply as one `str`.

The check tries it with three questions and three replies. One of the replies begins with a
thinking block, one has two text blocks, and in one they are mixed. Send the question, and give
back the text, exactly as they are, with every blank and line break.
""",
    template='''
def ask(client, question):
    """Send the question; give back the text of the reply."""
    ...
''',
    solution="""
def ask(client, question):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        """
def ask(client, question):
    turn = {"role": "user", "content": [{"type": "text", "text": question}]}
    text = ""
    for block in client.messages.create(
        model=MODEL, max_tokens=3000, messages=[turn]
    ).content:
        if hasattr(block, "text"):
            text += block.text
    return text
""",
        """
def ask(client, question):
    with client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    ) as stream:
        return "".join(stream.text_stream)
""",
    ),
    hints=(
        "`reply.content` is a list of blocks. Which of them do you want, and how do you tell?",
        'Every block has a `type`. A block of type `"text"` has its words in `.text`.',
        'Go through all blocks, keep those of type `"text"`, and put their texts together '
        'with `"".join(...)`.',
    ),
    rules=one_request(
        case("Are you open on Sunday?", replies=[[THOUGHT, "From noon to four."]]),
        case("Is Tide Tables in?", replies=[["It is on the shelf. ", "Row three."]]),
        case(
            "\nWhere is row three?",
            replies=[[THOUGHT, "By the ", "large", THOUGHT, " window.\n"]],
        ),
    ),
    mistakes=(
        Mistake(
            "raised-index",
            {JOINED: "reply.content[1].text + reply.content[2].text"},
            "counting blocks: https://github.com/AstroVela/vane/issues/140",
        ),
        Mistake(
            "same-request",
            {'"content": question': '"content": "Are you open on Sunday?"'},
            "the question of an example, copied along with the call",
        ),
        Mistake(
            "swapped",
            {"(client, question)": "(question, client)"},
            "the order of speaking: ask this question of that client",
        ),
        Mistake(
            "raised-parameters",
            {"(client, question):": "(question):\n    client = anthropic.Anthropic()"},
            "lesson 01 itself, where the client is a global name",
        ),
        Mistake(
            "own-client",
            {"question):": "question):\n    client = anthropic.Anthropic()"},
            "nearly every snippet in articles begins with a client of its own",
        ),
    ),
    takeaway="Choose blocks by their `type` and join all of them: that works for every reply "
    "there is.",
)


# --- 01.3 ------------------------------------------------------------------------------

KEY_SENTENCE = "Please check the key."
MODEL_SENTENCE = "Please check the model."
CUT = {"kind": "cut", "after": 0}  # the connection breaks before anything comes


def refused(question: str, status: int, kind: str, gives: str = "", raises: str = "") -> Case:
    """A question that the API refuses: a sentence comes back, or the error goes on."""
    error = {"status": status, "error": {"type": kind, "message": f"No: {kind}"}}
    return case(question, replies=[error], gives=gives, raises=raises)


def treated(sentence: str) -> Callable[[Run], bool]:
    """Whether nothing was raised where this sentence is wanted."""
    return lambda run: run.wanted != sentence or run.result.raised is None


ask_kindly = Exercise(
    id="01.3",
    title="Two errors in words",
    objective="Turn exactly the errors you can explain into words, and let the others rise.",
    minutes=10,
    task=f"""
A visitor should not have to read a traceback. Extend `ask_kindly`, which works already as long
as nothing goes wrong:

- when the API says 401, give back `"{KEY_SENTENCE}"`,
- when it says 404, give back `"{MODEL_SENTENCE}"`,
- let every other error go on as it is: whoever calls the function must hear about it.

In Python, the lines that may raise an error go under `try:`. Under a line such as
`except anthropic.RateLimitError:` you write what is done about one kind of error; the names of
the package's errors begin with `anthropic.`
""",
    template="""
def ask_kindly(client, question):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    solution=f"""
def ask_kindly(client, question):
    try:
        reply = client.messages.create(
            model=MODEL,
            max_tokens=2000,
            messages=[{{"role": "user", "content": question}}],
        )
    except anthropic.AuthenticationError:
        return "{KEY_SENTENCE}"
    except anthropic.NotFoundError:
        return "{MODEL_SENTENCE}"
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        f"""
def ask_kindly(client, question):
    words = {{401: "{KEY_SENTENCE}", 404: "{MODEL_SENTENCE}"}}
    turn = {{"role": "user", "content": question}}
    try:
        reply = client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
    except anthropic.APIStatusError as problem:
        if problem.status_code in words:
            return words[problem.status_code]
        raise
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    ),
    hints=(
        "Lesson 01 raised both errors. What were they called?",
        "Put the call into `try:` and add one `except` for each of the two errors. What you do "
        "not catch goes on by itself.",
        "The classes are `anthropic.AuthenticationError` and `anthropic.NotFoundError`.",
    ),
    rules=cases(
        case(
            "What do you bake?", replies=[[THOUGHT, "Bread, ", "mostly."]], gives="Bread, mostly."
        ),
        refused("Now?", 429, "rate_limit_error", raises="RateLimitError"),
        refused("And now?\n", 529, "overloaded_error", raises="OverloadedError"),
        refused("May I?", 403, "permission_error", raises="PermissionDeniedError"),
        refused("Is it?", 400, "invalid_request_error", raises="BadRequestError"),
        refused("Then?", 500, "api_error", raises="InternalServerError"),
        case("Still?", replies=[{"content": "", "fault": CUT}], raises="APIConnectionError"),
        refused("Hello", 401, "authentication_error", gives=KEY_SENTENCE),
        refused("Hi", 404, "not_found_error", gives=MODEL_SENTENCE),
        expect=(
            rule(
                "good-reply-lost",
                "When nothing goes wrong, the text of the reply should come back as before. Yours "
                "gave `$returned`.",
                lambda run: not run.wanted.startswith("Bread") or run.returned == run.wanted,
                {JOINED: "reply"},
                "rewriting the function around the error and losing its purpose",
            ),
            rule(
                "retried",
                "You sent the request again after an error. Here nobody asked for that, and "
                "neither a wrong key nor a wrong model gets better by asking twice.",
                lambda run: len(run.sent) <= 1,
                catches("except anthropic.APIError:\n    return _right(client, question)"),
                "https://github.com/charmbracelet/crush/pull/1120: a wrong key tried 8 times",
                of_errors=True,
            ),
            rule(
                "key-sentence",
                f"At a 401 your function raised the error. It should give back `{KEY_SENTENCE}`",
                treated(KEY_SENTENCE),
                {"anthropic.AuthenticationError": "TypeError"},
                "a missing key is a TypeError (lesson 01), a wrong one is not",
            ),
            rule(
                "model-sentence",
                f"At a 404 your function raised the error. It should give back `{MODEL_SENTENCE}`",
                treated(MODEL_SENTENCE),
                {"anthropic.NotFoundError": "LookupError"},
                "Python's own family of errors for what is not found",
            ),
            asks(),
            lets_rise(),
            rule(
                "gave-back-error",
                "You gave back the error itself. Give back your sentence, a `str`.",
                lambda run: not isinstance(run.returned, Exception),
                {
                    "AuthenticationError": "AuthenticationError as problem",
                    f'"{KEY_SENTENCE}"': "problem",
                },
                "a handler that hands the problem on as a value",
            ),
            rule(
                "mixed-up",
                "The two sentences are the wrong way round: 401 is about the key, 404 about the "
                "model.",
                lambda run: run.returned not in {KEY_SENTENCE, MODEL_SENTENCE} - {run.wanted},
                {
                    "AuthenticationError": "_",
                    "NotFoundError": "AuthenticationError",
                    "._": ".NotFoundError",
                },
                "lesson 01, question 3: 404 taken for the key",
            ),
            gives(
                str,
                "other-sentence",
                "Your function gave back `$returned`. The task asks for $wanted",
            ),
        ),
    ),
    messages={
        "raised-status-code": "Your own `except` block failed: only `anthropic.APIStatusError` "
        "has a `status_code`. When the connection breaks there is no status at all.",
    },
    mistakes=(
        Mistake(
            "raised-sdk-name",
            {"anthropic.": ""},
            "tried while reviewing: lesson 01 prints the names without the package's",
        ),
        Mistake(
            "raised-status-code",
            f"""
def ask_kindly(client, question):
    turn = {{"role": "user", "content": question}}
    try:
        reply = client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
    except anthropic.APIError as problem:
        if problem.status_code == 401:
            return "{KEY_SENTENCE}"
        if problem.status_code == 404:
            return "{MODEL_SENTENCE}"
        raise
    return {JOINED}
""",
            "https://github.com/denisneuf/python-amazon-ad-api/issues/150; articles do the same",
        ),
        Mistake(
            "other-sentence",
            {
                "AuthenticationError": "AuthenticationError as problem",
                f'"{KEY_SENTENCE}"': 'f"Error: {problem}"',
            },
            "https://github.com/langchain-ai/langchain/issues/3170: raw text for a user",
        ),
        Mistake(
            "other-question",
            {'"content": question': '"content": f"Be polite. {question}"'},
            "taking 'kindly' for a matter of the prompt",
        ),
    ),
    takeaway="Catch what you can explain, by name. An error that goes on tells you something; "
    "one that disappears does not.",
    equivalent={"line 5: 2000 -> 1": "the limit stands in the template; this is not about it"},
)


# --- 01.4 ------------------------------------------------------------------------------

THINKING = "reply.usage.output_tokens_details.thinking_tokens * per_million_out / 1e6"
USED_IN = "reply.usage.input_tokens"
USED_OUT = "reply.usage.output_tokens"


def used(tokens_in: int, tokens_out: int, thinking: int) -> Any:
    """A reply with these counts."""
    blocks = [{"thinking": "", "tokens": thinking}, "Fine."]
    return message(blocks, input_tokens=tokens_in, output_tokens=tokens_out)


def dollars(reply: Any, per_million_in: float, per_million_out: float) -> float:
    """The price of a reply."""
    usage = reply.usage
    return float(
        (usage.input_tokens * per_million_in + usage.output_tokens * per_million_out) / 1e6
    )


def is_one_price(run: Run) -> bool:
    """Whether all tokens were paid at the price of one kind."""
    usage = run.given["reply"].usage
    total = usage.input_tokens + usage.output_tokens
    return any(alike(run.number, total * price / 1e6) for price in run.args[1:])


price = Exercise(
    id="01.4",
    title="The price of a reply",
    objective="Compute what a reply cost from its usage and two prices.",
    minutes=8,
    task="""
The bakery wants to know what each answer costs. Complete `price`: it gets a reply and two
prices, in US dollars *per million* tokens, and gives back the dollars of this reply as a
number.

`reply.usage` has `input_tokens` and `output_tokens`. Thinking is part of the output tokens.
There is no client here: nothing is sent.
""",
    template='''
def price(reply, per_million_in, per_million_out):
    """Give back what the reply cost, in dollars."""
    ...
''',
    solution="""
def price(reply, per_million_in, per_million_out):
    usage = reply.usage
    dollars_in = usage.input_tokens * per_million_in / 1_000_000
    dollars_out = usage.output_tokens * per_million_out / 1_000_000
    return dollars_in + dollars_out
""",
    also_correct=(
        """
def price(reply, per_million_in, per_million_out):
    paid = (
        (reply.usage.input_tokens, per_million_in),
        (reply.usage.output_tokens, per_million_out),
    )
    return sum(tokens * dollars for tokens, dollars in paid) / 1e6
""",
        """
price = lambda reply, low, high: 1e-6 * (
    low * reply.usage.input_tokens + high * reply.usage.output_tokens
)
""",
    ),
    hints=(
        "Two kinds of tokens, two prices: two products, and their sum.",
        "A price per million tokens is the price of one token times 1,000,000. So what do you "
        "divide by?",
        "`reply.usage.input_tokens * per_million_in / 1_000_000`, and the same for the output.",
    ),
    rules=function_of(
        case(used(310, 1_250, 640), 2.0, 10.0),
        case(used(48_003, 901, 0), 0.1, 0.8),
        case(used(7, 15_000, 11_000), 4.0, 18.0),
        kind=float,
        right=dollars,
        known=(
            miss(
                "per-token",
                "Your result is a million times too large. The prices are for a million tokens, "
                "not for one.",
                "value * 1_000_000",
                "https://github.com/getsentry/sentry/pull/94907",
            ),
            miss(
                "per-thousand",
                "Your result is a thousand times too large. The prices are for a million tokens, "
                "not for a thousand.",
                "value * 1_000",
                "https://github.com/BerriAI/litellm/pull/38167: prices per 1,000 among others",
            ),
            miss(
                "cents",
                "Your result is a hundred times too large: it is in cents. Dollars are wanted.",
                "value * 100",
                "https://github.com/sseshachala/conductai/pull/2118: budgets kept in cents",
            ),
            miss(
                "thinking-twice",
                "You added the thinking tokens to the output tokens. They are in there already, "
                "so you would pay for them twice.",
                f"value + {THINKING}",
                "https://github.com/anomalyco/opencode/issues/17566",
            ),
            miss(
                "thinking-left-out",
                "You took the thinking tokens away from the output. They are paid for like any "
                "other output.",
                f"value - {THINKING}",
                "https://github.com/BerriAI/litellm/issues/10691: thinking taken to be free",
            ),
            miss(
                "input-only",
                "You counted the input only. The output is paid for as well, and each of its "
                "tokens is dearer.",
                f"{USED_IN} * per_million_in / 1e6",
                "articles that quote the input price as the price",
            ),
            miss(
                "output-only",
                "You counted the output only. The question is paid for as well.",
                f"{USED_OUT} * per_million_out / 1e6",
                "output is dearer, so input is taken for nothing",
            ),
            miss(
                "one-price",
                "You used one price for all tokens. Input and output have a price each.",
                f"({USED_IN} + {USED_OUT}) * per_million_out / 1e6",
                "articles that name one price per million tokens",
                when=is_one_price,
            ),
            miss(
                "rounded",
                "You rounded. Many replies cost less than half a cent: to cents, a thousand of "
                "them would cost nothing. Round when you show a sum, not when you compute it.",
                "round(value, 2)",
                "https://github.com/langfuse/langfuse/issues/1041",
                when=lambda run: run.number in [round(run.wanted, at) for at in range(2, 7)],
            ),
        ),
        name="other-amount",
        says="Your function gave back $returned; for this reply it should be about $wanted.",
        wrong="value + (2000 - reply.usage.output_tokens) * per_million_out / 1e6",
    ),
    messages={
        "raised-attribute": "$kit `reply.usage` has `input_tokens` and `output_tokens`.",
        "raised-message-attribute": "A reply itself counts nothing. The counts are in its `usage`.",
    },
    mistakes=(
        Mistake(
            "swapped",
            acts(given="per_million_in, per_million_out = per_million_out, per_million_in"),
            "two prices side by side, read in the wrong order",
        ),
        Mistake(
            "raised-message-attribute",
            {"usage = reply.usage": "usage = reply"},
            "the counts looked for one level too high",
        ),
        Mistake(
            "raised-attribute",
            {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"},
            "names of another vendor: https://github.com/allenai/agent-eval/pull/11",
        ),
    ),
    takeaway="Tokens times price, for each kind, divided by a million. The helper `cost` of the "
    "lessons does the same, with cache prices added.",
)


# --- 01.5 ------------------------------------------------------------------------------

LEAST = 300  # output tokens: with less room, asking is not worth it
PRICES = facts.model(facts.MODEL)
KEEPS = "Which bread keeps longest?"
RECIPE = "We found this old recipe. " * 90 + "Is it any good?\n"
ROOM_SUM = "int(left / prices.output * 1_000_000)"
COUNTED = "    counted = client.messages.count_tokens(model=MODEL, messages=messages)\n"
COUNTS_JSON = """count_tokens(
        model=MODEL, messages=[{"role": "user", "content": str(messages)}]
    )"""


def within(question: str, budget: float, text: str = "") -> Case:
    """A question with so many dollars; the text of the reply, "" where nothing may be asked."""
    reply = [THOUGHT, text, " Ask again."]
    return case(question, budget, replies=[reply], gives=text + " Ask again." if text else None)


def worth(tokens: float) -> float:
    """What so many output tokens cost, in dollars."""
    return tokens * PRICES.output / 1e6


def around(tokens: float, text: str = "") -> Case:
    """The same, with a budget that buys so many output tokens, and a fraction of one."""
    turn = {"role": "user", "content": KEEPS}
    counted = request_tokens({"model": facts.MODEL, "messages": [turn]})
    return within(KEEPS, counted * PRICES.input / 1e6 + worth(tokens), text)


def exact(run: Run) -> float:
    """The output tokens that the rest of the budget buys, with the fraction."""
    dollars = run.counts[0].reply["input_tokens"] * PRICES.input / 1e6
    return float((run.args[1] - dollars) / PRICES.output * 1e6)


def bought(run: Run) -> int:
    """The same, rounded down."""
    return int(exact(run) + 1e-6)


def limit(run: Run) -> int:
    """The `max_tokens` that was sent; what may be sent at most if nothing was."""
    return int(run.requests[0].body["max_tokens"]) if run.requests else bought(run)


def uncounted(run: Run) -> list[str]:
    """The parts that only one of the two requests has."""
    if not run.requests:
        return []
    asked = run.request.body.keys() - {"max_tokens", "stream"}
    return sorted(asked ^ run.counts[0].body.keys())


def question_free(run: Run) -> bool:
    """Whether the limit spends the whole budget on the answer."""
    whole = int(run.args[1] / PRICES.output * 1e6 + 1e-6)
    return limit(run) == whole != bought(run)


def asks_it(run: Run) -> None:
    """The question is sent as it is, where it may be sent."""
    if run.wanted is not None:
        run.asks(run.given["question"])


def of_room(name: str, says: str, met: Callable[[Run], object], wrong: Any, seen: str) -> Word:
    """A rule about the room for the answer, with the numbers for its message."""
    return rule(
        name,
        says,
        met,
        wrong,
        seen,
        show="max_tokens",
        exact=lambda run: f"{exact(run):.1f}",
        room=bought,
        limit=limit,
    )


ASK_WITHIN_RULES = cases(
    within(KEEPS, worth(2_000.5), "Rye."),
    within(RECIPE, worth(1_000), "It is."),
    within(KEEPS, worth(90)),
    within(RECIPE, worth(210)),
    around(LEAST - 0.4),
    around(LEAST + 0.6, "Yes."),
    around(2 * LEAST + 0.9, "Oats."),
    expect=(
        rule("not-counted",
             "You asked without counting first. Ask `count_tokens` for the size of the question: "
             "it costs nothing.", lambda run: run.counts or not run.requests,
             {COUNTED: "", "counted.input_tokens": "len(question) / 4"},
             "https://github.com/shrixtacy/Ai-Council/issues/180: four characters a token"),
        rule("counted-nothing",
             "Nothing was sent, not even a count. Count first; only then do you know whether the "
             "question is too dear.", lambda run: run.counts,
             acts(given="if budget < 0.05:\n    return None"),
             "a fixed threshold in place of a count"),
        rule("asked-first",
             "You asked first and counted afterwards. Then the money is spent: count before you "
             "ask.", lambda run: run.sent[0].path.endswith("count_tokens"),
             acts(given='client.messages.create(model=MODEL, max_tokens=2000, messages=[{"role": '
                  '"user", "content": question}])'),
             "https://github.com/MervinPraison/PraisonAI/issues/2314"),
        rule("counted-other",
             "You counted another text than the `question`.",
             lambda run: run.counts[0].said == run.given["question"],
             {"count_tokens(model=MODEL, messages=messages)": COUNTS_JSON},
             "counting the JSON of a message: https://github.com/ENTERPILOT/GoModel/pull/933",
             show="messages"),
        of_room("too-dear",
             "The rest of the budget bought $exact output tokens, and you asked nevertheless. "
             f"With fewer than {LEAST}, rounded down, ask nothing.",
             lambda run: run.wanted is not None or not run.requests,
             {ROOM_SUM: f"max(300, {ROOM_SUM})"},
             "https://github.com/bircex/llmr/issues/40: a cap that reports but never stops"),
        rule("not-none",
             f"With room for fewer than {LEAST} tokens, give back `None`. Yours gave "
             "`$returned`.", lambda run: run.wanted is not None or run.value is None,
             {"return None": 'return "Too dear."'},
             "a sentence that a caller cannot tell from an answer"),
        of_room("too-careful",
             "You asked nothing, although the rest of the budget buys $exact output tokens, and "
             f"{LEAST} are enough. Look at the sum and at the comparison again.",
             lambda run: run.wanted is None or run.requests,
             {"prices.input / 1_000_000": "prices.input"},
             "https://github.com/getsentry/sentry/pull/94907: per token for per million"),
        once(),
        asks_it,
        rule("uncounted",
             "What you counted is not what you sent: only one of the two requests has `$part`. "
             "Everything in a request is paid for, so count all of it.",
             lambda run: not uncounted(run), acts(request='request["system"] = "Be brief."'),
             "tried while reviewing: rules added to the request, and not to the count",
             part=lambda run: ", ".join(uncounted(run))),
        of_room("question-free",
             "Your `max_tokens` would spend the whole budget on the answer, and the question has "
             "its price too. Take it off first.", lambda run: not question_free(run),
             {"int(left ": "int(budget "},
             "articles that name one price: the question seems to be free"),
        of_room("rounded-up",
             "The rest of the budget buys $exact output tokens, and your `max_tokens` is $limit. "
             "Rounded up, the worst case costs more than is left: cut the fraction off.",
             lambda run: limit(run) != bought(run) + 1,
             {ROOM_SUM: ROOM_SUM.replace("int(", "round(")},
             "tried while reviewing: round() and math.ceil() for a number that must not be passed"),
        of_room("over-budget",
             "Your `max_tokens` is $limit, but the rest of the budget buys only $room. In the "
             "worst case the answer costs more than is left.",
             lambda run: limit(run) <= bought(run), {"prices.output": "prices.input"},
             "two prices side by side, read in the wrong order"),
        of_room("under-budget",
             "Your `max_tokens` is $limit; the rest of the budget buys $room. Give the answer all "
             "the room there is.", lambda run: limit(run) >= bought(run),
             {"max_tokens=room": "max_tokens=300"},
             "a default that ignores what was computed: "
             "https://github.com/sseshachala/conductai/pull/2118"),
        rule("not-the-text",
             "Give back the text of the reply, all of it. Yours gave `$returned`.",
             lambda run: run.wanted is None or run.text == run.wanted,
             {JOINED: 'next(b.text for b in reply.content if b.type == "text")'},
             "https://github.com/odysseus-dev/odysseus/pull/1255"),
    ),
)  # fmt: skip
ASK_WITHIN_MISTAKES = (
    Mistake("raised-400",
         {ROOM_SUM: ROOM_SUM.removeprefix("int(").removesuffix(")")},
         "arithmetic in floats, sent as it is"),
    Mistake("other-question",
         {"return None": 'return None\n    messages[0]["content"] += f" In {room} tokens."'},
         "lesson 01, question 2: the limit taken for a wish; and what is counted is not what is "
         "sent"),
)  # fmt: skip

ask_within = Exercise(
    id="01.5",
    title="Ask within a budget",
    objective="Count before you pay, and let the rest of the budget set the limit.",
    minutes=20,
    optional=True,
    task=f"""
The bakery gives you a few cents for each question, and not one more. Complete `ask_within`:

1. count the tokens of the question with `client.messages.count_tokens` (it is free);
2. compute how many output tokens the rest of the budget buys, rounded down;
3. if that is fewer than {LEAST}, give back `None` and ask nothing;
4. otherwise ask, with exactly that many as `max_tokens`, and give back the text.

`budget` is in dollars, `prices.input` and `prices.output` in dollars per million tokens.
""",
    template='''
prices = facts.model(MODEL)


def ask_within(client, question, budget):
    """Ask if the budget allows it; give back the text, or None."""
    ...
''',
    solution="""
prices = facts.model(MODEL)


def ask_within(client, question, budget):
    messages = [{"role": "user", "content": question}]
    counted = client.messages.count_tokens(model=MODEL, messages=messages)
    left = budget - counted.input_tokens * prices.input / 1_000_000
    room = int(left / prices.output * 1_000_000)
    if room < 300:
        return None
    reply = client.messages.create(model=MODEL, max_tokens=room, messages=messages)
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        """
def ask_within(client, question, budget):
    request = {"model": MODEL, "messages": [{"role": "user", "content": question}]}
    millionths = budget * 1_000_000
    millionths -= (
        client.messages.count_tokens(**request).input_tokens
        * facts.model(MODEL).input
    )
    limit = int(millionths // facts.model(MODEL).output)
    if limit >= 300:
        with client.messages.stream(max_tokens=limit, **request) as stream:
            return stream.get_final_text()
""",
    ),
    hints=(
        "Write down the sum first: budget = price of the question + price of the answer. What "
        "is known before you ask, and what is the unknown?",
        "`client.messages.count_tokens(model=..., messages=...)` gives back an object with "
        "`input_tokens`. Take their price off the budget, then see what is left.",
        "What is left, divided by `prices.output` and times a million, is the number of output "
        "tokens you can pay for. `int(...)` cuts off the fraction.",
    ),
    rules=ASK_WITHIN_RULES,
    messages={
        "other-question": "The text that you sent is not the `question` that your function was "
        "given. Send it as it is.",
        "raised-400": "$kit If it is about `max_tokens`: that must be a whole number, so cut the "
        "fraction off with `int(...)`.",
    },
    mistakes=ASK_WITHIN_MISTAKES,
    takeaway="Input is known before you pay, output is limited by `max_tokens`: together they "
    "make a budget that nearly holds, for the count before the call is an estimate.",
)


EXERCISES = (mend_a_call, ask, ask_kindly, price, ask_within)
