"""Exercises of lesson 01: fix a call, read the reply, meet an error, know the price.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/test_exercises.py proves what stands here.
"""

from courseserver import facts
from practice.grading import Exercise, Lab, Mistake

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, facts, progress, quiz  # not found? Run: start.py
"""

GONE = next(name for name in facts.RETIRED if name.endswith("20240620"))
THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'
ROOM = 200  # output tokens: with less, thinking may leave nothing for the answer


# --- 01.1 ------------------------------------------------------------------------------


def check_call(lab: Lab) -> None:
    """The request has its three parts in the right form, and the reply is given back."""
    for question, words in (
        ("Do you bake on Sundays?", "Yes, from eight."),
        ("What is in the rye loaf?\n", "Rye flour, water, salt and caraway."),
    ):
        run = lab.call(question, replies=[[THOUGHT, words]])
        for sent in run.sent:  # what the API refuses is looked at as well
            messages = sent.body.get("messages")
            run.expect(not isinstance(messages, str), "messages-text", show="messages")
            run.expect(not isinstance(messages, dict), "messages-dict", show="messages")
            run.expect(sent.roles[:1] != ["system"], "role-system", show="messages")
        run.asks(question)
        run.expect(run.request.body["max_tokens"] >= ROOM, "little-room", show="max_tokens")
        blocks = getattr(run.returned, "content", ())
        texts = [getattr(block, "text", "") for block in blocks]
        run.expect("".join(texts) == words, "not-the-reply")
        run.expect(len(run.requests) == 1, "twice")


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
    rules=check_call,
    messages={
        "messages-text": "You sent `messages` as a text. It is a list of messages, and each "
        "message is a dict with a `role` and a `content`.",
        "messages-dict": "You sent one message by itself. `messages` is a list, also when there "
        "is only one: put square brackets around the dict.",
        "role-system": 'Your first message has the role `"system"`. Who asks is the user: use '
        '`"user"`. (Standing instructions have a place of their own; lesson 03 shows it.)',
        "other-question": "The text that you sent is not the `question` that your function was "
        "given. Send it as it is.",
        "little-room": f"Your `max_tokens` is under {ROOM}. Thinking counts too, so the limit "
        "could be used up before any text appears. The lessons use 2,000.",
        "not-the-reply": "Wanted is the whole reply to this question, the `Message`; the next "
        "exercise takes the text out of it. You gave back a `$kind`.",
        "twice": "You sent the question more than once. Each request is paid for: send one, and "
        "keep the reply in a variable.",
    },
    mistakes=(
        Mistake(
            "raised-missing-argument",
            {"        max_tokens=2000,\n": ""},
            "https://github.com/gensx-inc/gensx/pull/437: examples without max_tokens",
        ),
        Mistake(
            "messages-text",
            {'[{"role": "user", "content": question}]': "question"},
            "the older Text Completions API took the prompt as one string",
        ),
        Mistake(
            "messages-dict",
            {'[{"role": "user", "content": question}]': '{"role": "user", "content": question}'},
            "https://github.com/Red-Hat-AI-Innovation-Team/its_hub/issues/102",
        ),
        Mistake(
            "raised-404",
            {"MODEL": f'"{GONE}"'},
            "https://github.com/anthropics/courses/issues/181",
        ),
        Mistake(
            "role-system",
            {'[{"role"': '[{"role": "system", "content": "Be kind."}, {"role"'},
            "https://github.com/sgl-project/sglang/issues/367",
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
            "other-question",
            {'"content": question': '"content": "Please answer: " + question'},
            "prompt wrappers left over from other code",
        ),
        Mistake(
            "trimmed",
            {'"content": question': '"content": question.strip()'},
            "https://github.com/run-llama/llama_index/pull/19192: texts tidied on their way",
        ),
        Mistake(
            "more-turns",
            {'[{"role"': '[{"role": "user", "content": question}, {"role"'},
            "tried while reviewing: the question said twice, for emphasis",
        ),
        Mistake(
            "little-room",
            {"2000": "100"},
            "small limits in articles from before thinking was on by default",
        ),
        Mistake(
            "not-the-reply",
            {"return reply": "return reply.content"},
            "reaching for the content at once, as most articles do",
        ),
        Mistake(
            "twice",
            """
def reply_to(client, question):
    turn = {"role": "user", "content": question}
    client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
    return client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
""",
            "notebooks in which a call is run once to look and once to keep",
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


def check_ask(lab: Lab) -> None:
    """One request with the question; the text of all text blocks, joined, comes back."""
    runs = [
        lab.call("Are you open on Sunday?", replies=[[THOUGHT, "From noon to four."]]),
        lab.call("Is Tide Tables in?", replies=[["It is on the shelf. ", "Row three."]]),
        lab.call(
            "\nWhere is row three?",
            replies=[[THOUGHT, "By the ", "large", THOUGHT, " window.\n"]],
        ),
    ]
    replies = [["From noon to four."], ["It is on the shelf. ", "Row three."]]
    replies.append(["By the ", "large", " window.\n"])
    for run, pieces in zip(runs, replies, strict=True):
        text = "".join(pieces)
        run.expect(len(run.requests) <= 1, "twice")
        run.asks(run.args[0])
        run.expect(run.request.body["max_tokens"] >= ROOM, "little-room", show="max_tokens")
        kind = type(run.returned).__name__
        run.expect(kind != "Message", "whole-message")
        run.expect(kind != "list", "a-list")
        run.expect("Block(" not in run.text, "text-of-objects")
        run.expect(run.text, "nothing")
        run.expect(run.text == text or run.text != pieces[0], "first-text-only")
        run.expect(run.text == text or run.text != pieces[-1], "last-text-only")
        same_words = "".join(run.text.split()) == "".join(text.split())
        run.expect(not same_words or len(run.text) <= len(text), "gaps")
        run.expect(not same_words or len(run.text) >= len(text), "blanks-lost")
        run.expect(run.text == text, "other-text", text=repr(text))


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
thinking block, one has two text blocks, and in one they are mixed. Question and text travel as
they are, with every blank and line break.
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
    rules=check_ask,
    messages={
        "twice": "One question was sent more than once. Each request is paid for: send one, and "
        "keep the reply in a variable.",
        "other-question": "The text that you sent is not the `question` that your function was "
        "given. Send it as it is.",
        "little-room": f"Your `max_tokens` is under {ROOM}. Thinking counts too, so the limit "
        "could be used up before any text appears. The lessons use 2,000.",
        "whole-message": "You gave back the whole `Message`. Wanted is the text in it: take the "
        "blocks of type `text` out of `reply.content`.",
        "a-list": "You gave back a list. Wanted is one text: put the pieces together with "
        '`"".join(...)`.',
        "text-of-objects": "You turned the objects themselves into text, brackets, names and "
        "all. Take the `.text` of each text block.",
        "nothing": "You gave back an empty text, but there were text blocks in the reply. Did "
        "your code look at every block, the first and the last one too?",
        "first-text-only": "The reply had more than one text block, and you gave back only the "
        "first. Join all of them.",
        "last-text-only": "The reply had more than one text block, and you gave back only the "
        "last. Join all of them.",
        "gaps": "You added blanks or line breaks that the reply does not have. Text blocks are "
        'pieces of one text, and bring their own: join them with `""`, and add nothing.',
        "blanks-lost": "Blanks or line breaks of the reply are missing. They belong to its text: "
        "take the texts as they are, without `strip()`.",
        "other-text": "You gave back `$returned`. The text of the reply is `$text`.",
    },
    mistakes=(
        Mistake(
            "raised-thinking-block",
            {JOINED: "reply.content[0].text"},
            "https://github.com/confident-ai/deepeval/issues/2946",
        ),
        Mistake(
            "raised-index",
            {JOINED: "reply.content[1].text + reply.content[2].text"},
            "counting blocks: https://github.com/AstroVela/vane/issues/140",
        ),
        Mistake(
            "raised-message-attribute",
            {JOINED: "reply.text"},
            "https://github.com/simonw/llm/issues/268: other libraries have such a field",
        ),
        Mistake(
            "raised-subscript",
            {JOINED: '"".join(b["text"] for b in reply.content if b["type"] == "text")'},
            "blocks read like the JSON that the documentation shows",
        ),
        Mistake("raised-join", {"block.text for": "block for"}, "joining blocks, not their texts"),
        Mistake(
            "raised-loop-over-message",
            {"reply.content": "reply"},
            "a Message can be looped over, so nothing warns at first",
        ),
        Mistake("text-of-objects", {JOINED: "str(reply.content)"}, "print() of a reply shows text"),
        Mistake(
            "first-text-only",
            {JOINED: 'next(b.text for b in reply.content if b.type == "text")'},
            "https://github.com/odysseus-dev/odysseus/pull/1255",
        ),
        Mistake(
            "last-text-only",
            {JOINED: '[b.text for b in reply.content if b.type == "text"][-1]'},
            "the same with the last block: https://github.com/AstroVela/vane/pull/160",
        ),
        Mistake(
            "other-text",
            {JOINED: '"".join([b.text for b in reply.content if b.type == "text"][:2])'},
            "tried while reviewing: two text blocks taken for the most there are",
        ),
        Mistake(
            "blanks-lost",
            {JOINED: JOINED + ".strip()"},
            "https://github.com/run-llama/llama_index/pull/19192: answers tidied by `strip()`",
        ),
        Mistake("gaps", {'"".join': '"\\n".join'}, "texts of blocks taken for paragraphs"),
        Mistake(
            "a-list",
            {JOINED: '[b.text for b in reply.content if b.type == "text"]'},
            "stopping one step early: the texts are there, but not joined",
        ),
        Mistake("whole-message", {JOINED: "reply"}, "giving back what the call gave"),
        Mistake(
            "nothing",
            {JOINED: 'getattr(reply.content[0], "text", "")'},
            "the silent form: https://github.com/AstroVela/vane/issues/140",
        ),
        Mistake(
            "same-request",
            {'"content": question': '"content": "Are you open on Sunday?"'},
            "the question of an example, copied along with the call",
        ),
        Mistake(
            "other-question",
            {'"content": question': '"content": "question: " + question'},
            "prompt wrappers left over from other code",
        ),
        Mistake(
            "no-return",
            {"return ": ""},
            "a cell shows its last line, a function does not",
        ),
        Mistake(
            "printed",
            {"return " + JOINED: f"print({JOINED})"},
            "https://github.com/sreerevanth/repopilot/issues/266",
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
        Mistake(
            "twice",
            """
def ask(client, question):
    turn = {"role": "user", "content": question}
    request = {"model": MODEL, "max_tokens": 2000, "messages": [turn]}
    if client.messages.create(**request).content:
        content = client.messages.create(**request).content
        return "".join(block.text for block in content if block.type == "text")
    return ""
""",
            "a call in the condition and once more in the body",
        ),
        Mistake("little-room", {"2000": "50"}, "limits from before thinking was on"),
    ),
    takeaway="Choose blocks by their `type` and join all of them: that works for every reply "
    "there is.",
)


# --- 01.3 ------------------------------------------------------------------------------

KEY_SENTENCE = "Please check the key."
MODEL_SENTENCE = "Please check the model."
LEFT_ALONE = (
    "RateLimitError",
    "OverloadedError",
    "PermissionDeniedError",
    "BadRequestError",
    "InternalServerError",
    "APIConnectionError",
)
CUT = {"kind": "cut", "after": 0}  # the connection breaks before anything comes


def error(status: int, kind: str, words: str) -> dict[str, object]:
    """A refusal of the API, in the short form of a reply."""
    return {"status": status, "error": {"type": kind, "message": words}}


def check_errors(lab: Lab) -> None:
    """Two errors become sentences; the text still comes back; every other error goes on."""
    fine = lab.call("What do you bake?", replies=[[THOUGHT, "Bread, ", "mostly."]])
    fine.expect(fine.returned == "Bread, mostly.", "good-reply-lost")
    key = lab.call("Hello", replies=[error(401, "authentication_error", "invalid x-api-key")])
    model = lab.call("Hi", replies=[error(404, "not_found_error", "model: no-such-model")])
    others = [
        lab.call("Now?", replies=[error(429, "rate_limit_error", "Slow down.")]),
        lab.call("And now?\n", replies=[error(529, "overloaded_error", "Overloaded")]),
        lab.call("May I?", replies=[error(403, "permission_error", "Not for this key.")]),
        lab.call("Is it?", replies=[error(400, "invalid_request_error", "No.")]),
        lab.call("Then?", replies=[error(500, "api_error", "Internal server error")]),
        lab.call("Still there?", replies=[{"content": "", "fault": CUT}]),
    ]
    for run in (fine, key, model, *others):
        run.expect(len(run.sent) <= 1, "retried")
        for sent in run.sent:
            edges = sent.said != run.args[0] and sent.said.strip() == run.args[0].strip()
            run.expect(not edges, "trimmed", show="messages")
            run.expect(sent.said == run.args[0], "other-question", show="messages")
            run.expect(sent.roles == ["user"], "more-turns", show="messages")
    for run in others:
        name = type(run.raised).__name__
        run.expect(name != "NoneType", "swallowed")
        run.expect(name in LEFT_ALONE, "another-error", error=name)
    for run, sentence, rule in (
        (key, KEY_SENTENCE, "key-sentence"),
        (model, MODEL_SENTENCE, "model-sentence"),
    ):
        run.expect(run.raised is None, rule, sentence=sentence)
        run.expect(not isinstance(run.returned, Exception), "gave-back-error")
        other = MODEL_SENTENCE if run is key else KEY_SENTENCE
        run.expect(run.returned != other, "mixed-up")
        run.expect(run.returned == sentence, "other-sentence", sentence=sentence)


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

In Python, the lines that may raise an error stand under `try:`. Under a line such as
`except anthropic.RateLimitError:` stands what is done about one kind of error; the names of the
package's errors begin with `anthropic.`
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
    rules=check_errors,
    messages={
        "good-reply-lost": "When nothing goes wrong, the text of the reply should come back as "
        "before. Yours gave `$returned`.",
        "other-question": "The text that you sent is not the `question` that your function was "
        "given. That part worked before; leave it as it was.",
        "retried": "You sent the request again after an error. Here nobody asked for that, and "
        "neither a wrong key nor a wrong model gets better by asking twice.",
        "swallowed": "An error that you were not asked to handle disappeared: your function gave "
        "back `$returned` as if it were an answer. Catch the two errors by name, and no other.",
        "another-error": "An error was raised, but another one than came: `$error`. Let the "
        "error go on as it is, so that its cause can be seen.",
        "key-sentence": "At a 401 your function raised the error. It should give back `$sentence`",
        "model-sentence": "At a 404 your function raised the error. It should give back "
        "`$sentence`",
        "gave-back-error": "You gave back the error itself. Wanted is your sentence, a `str`.",
        "mixed-up": "The two sentences stand the wrong way round: 401 is about the key, 404 "
        "about the model.",
        "other-sentence": "Your function gave back `$returned`. The task asks for `$sentence`",
        "raised-status-code": "Your own `except` block failed: only `anthropic.APIStatusError` "
        "has a `status_code`. When the connection breaks there is no status at all.",
    },
    mistakes=(
        Mistake(
            "swallowed",
            {"except anthropic.NotFoundError": "except Exception"},
            "articles that catch everything around a call",
        ),
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
            "gave-back-error",
            {
                "AuthenticationError": "AuthenticationError as problem",
                f'"{KEY_SENTENCE}"': "problem",
            },
            "a handler that hands the problem on as a value",
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
            "retried",
            f"""
def ask_kindly(client, question):
    turn = {{"role": "user", "content": question}}
    for attempt in range(3):
        try:
            reply = client.messages.create(
                model=MODEL, max_tokens=2000, messages=[turn]
            )
            return {JOINED}
        except anthropic.AuthenticationError:
            sentence = "{KEY_SENTENCE}"
        except anthropic.NotFoundError:
            sentence = "{MODEL_SENTENCE}"
    return sentence
""",
            "https://github.com/charmbracelet/crush/pull/1120: a wrong key tried 8 times",
        ),
        Mistake(
            "other-question",
            {'"content": question': '"content": f"Be polite. {question}"'},
            "taking 'kindly' for a matter of the prompt",
        ),
        Mistake(
            "another-error",
            {
                f'"{MODEL_SENTENCE}"': f'''"{MODEL_SENTENCE}"
    except anthropic.APIError as problem:
        raise RuntimeError("Something went wrong.") from problem'''
            },
            "wrappers that hide the cause; a caller's retries then see no rate limit: "
            "https://github.com/PrimeIntellect-ai/verifiers/pull/936",
        ),
        Mistake(
            "mixed-up",
            {
                "AuthenticationError": "_",
                "NotFoundError": "AuthenticationError",
                "._": ".NotFoundError",
            },
            "lesson 01, question 3: 404 taken for the key",
        ),
        Mistake(
            "key-sentence",
            {"anthropic.AuthenticationError": "TypeError"},
            "a missing key is a TypeError (lesson 01), a wrong one is not",
        ),
        Mistake(
            "model-sentence",
            {"anthropic.NotFoundError": "LookupError"},
            "Python's own family of errors for what is not found",
        ),
        Mistake(
            "good-reply-lost",
            {JOINED: "reply"},
            "rewriting the function around the error and losing its purpose",
        ),
        Mistake(
            "printed",
            f"""
def ask_kindly(client, question):
    turn = {{"role": "user", "content": question}}
    try:
        reply = client.messages.create(model=MODEL, max_tokens=2000, messages=[turn])
    except anthropic.AuthenticationError:
        print("{KEY_SENTENCE}")
    except anthropic.NotFoundError:
        print("{MODEL_SENTENCE}")
    else:
        return {JOINED}
""",
            "articles whose handlers print",
        ),
    ),
    takeaway="Catch what you can explain, by name. An error that goes on tells you something; "
    "one that disappears does not.",
    equivalent={"line 5: 2000 -> 1": "the limit stands in the template; this is not about it"},
)


# --- 01.4 ------------------------------------------------------------------------------


THINKING = "usage.output_tokens_details.thinking_tokens"
OUT_AT_IN = "output_tokens * per_million_in"


def near(value: float, right: float) -> bool:
    """Equal but for the last digits of floating-point arithmetic."""
    return abs(value - right) <= abs(right) * 1e-6


def check_price(lab: Lab) -> None:
    """Both kinds of tokens at their own price per million; thinking is output already."""
    runs = []
    for price_in, price_out, used_in, used_out, thought in (
        (2.0, 10.0, 310, 1_250, 640),
        (0.1, 0.8, 48_003, 901, 0),
        (4.0, 18.0, 7, 15_000, 11_000),
    ):
        blocks = [{"thinking": "", "tokens": thought}, "Fine."]
        reply = lab.message(blocks, input_tokens=used_in, output_tokens=used_out)
        runs.append(lab.call(reply, price_in, price_out))
    for run in runs:
        reply, price_in, price_out = run.args
        usage = reply.usage
        paid_in, paid_out = usage.input_tokens * price_in, usage.output_tokens * price_out
        right = (paid_in + paid_out) / 1_000_000
        thought = usage.output_tokens_details.thinking_tokens * price_out / 1_000_000
        value = run.number
        run.expect(not near(value, right * 1_000_000), "per-token")
        run.expect(not near(value, right * 1_000), "per-thousand")
        run.expect(not near(value, right * 100), "cents")
        run.expect(not thought or not near(value, right + thought), "thinking-twice")
        run.expect(not thought or not near(value, right - thought), "thinking-left-out")
        run.expect(not near(value, paid_in / 1_000_000), "input-only")
        run.expect(not near(value, paid_out / 1_000_000), "output-only")
        total = usage.input_tokens + usage.output_tokens
        one_price = [near(value, total * price / 1_000_000) for price in (price_in, price_out)]
        run.expect(not any(one_price), "one-price")
        roundings = [round(right, places) for places in range(2, 7)]
        run.expect(near(value, right) or value not in roundings, "rounded")
        run.expect(near(value, right), "other-amount", right=f"{right:.6f}")


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
    rules=check_price,
    messages={
        "per-token": "Your result is a million times too large. The prices are for a million "
        "tokens, not for one.",
        "per-thousand": "Your result is a thousand times too large. The prices are for a million "
        "tokens, not for a thousand.",
        "cents": "Your result is a hundred times too large: it is in cents. Dollars are wanted.",
        "thinking-twice": "You added the thinking tokens to the output tokens. They are in there "
        "already, so you would pay for them twice.",
        "thinking-left-out": "You took the thinking tokens away from the output. They are paid "
        "for like any other output.",
        "input-only": "You counted the input only. The output is paid for as well, and each of "
        "its tokens is dearer.",
        "output-only": "You counted the output only. The question is paid for as well.",
        "one-price": "You used one price for all tokens. Input and output have a price each.",
        "rounded": "You rounded. Many replies cost less than half a cent: to cents, a thousand of "
        "them would cost nothing. Round when you show a sum, not when you compute it.",
        "other-amount": "Your function gave back $returned; for this reply it should be about "
        "$right.",
        "raised-attribute": "$kit `reply.usage` has `input_tokens` and `output_tokens`.",
        "raised-message-attribute": "A reply itself counts nothing. The counts are in its `usage`.",
    },
    mistakes=(
        Mistake(
            "per-token", {" / 1_000_000": ""}, "https://github.com/getsentry/sentry/pull/94907"
        ),
        Mistake(
            "per-thousand",
            {"1_000_000": "1000"},
            "https://github.com/BerriAI/litellm/pull/38167: prices per 1,000 among others",
        ),
        Mistake(
            "cents",
            {"1_000_000": "10_000"},
            "https://github.com/sseshachala/conductai/pull/2118: budgets kept in cents",
        ),
        Mistake(
            "swapped",
            {"per_million_in /": "per_million_out /", "output_tokens * per_million_out": OUT_AT_IN},
            "two prices side by side, read in the wrong order",
        ),
        Mistake(
            "thinking-twice",
            {"usage.output_tokens": f"(usage.output_tokens + {THINKING})"},
            "https://github.com/anomalyco/opencode/issues/17566",
        ),
        Mistake(
            "thinking-left-out",
            {"usage.output_tokens": f"(usage.output_tokens - {THINKING})"},
            "https://github.com/BerriAI/litellm/issues/10691: thinking taken to be free",
        ),
        Mistake(
            "raised-message-attribute",
            {"usage = reply.usage": "usage = reply"},
            "the counts looked for one level too high",
        ),
        Mistake(
            "input-only",
            {" + dollars_out": ""},
            "articles that quote the input price as the price",
        ),
        Mistake(
            "output-only", {"dollars_in + ": ""}, "output is dearer, so input is taken for nothing"
        ),
        Mistake(
            "one-price",
            {"* per_million_in": "* per_million_out"},
            "articles that name one price per million tokens",
        ),
        Mistake(
            "rounded",
            {"return dollars_in + dollars_out": "return round(dollars_in + dollars_out, 2)"},
            "https://github.com/langfuse/langfuse/issues/1041",
        ),
        Mistake(
            "other-amount",
            {"usage.output_tokens": "2000"},
            "the worst case taken for the cost: https://github.com/theagentplane/tokenops/issues/57",
        ),
        Mistake(
            "not-number",
            {"return dollars_in + dollars_out": 'return f"{dollars_in + dollars_out:.6f}"'},
            "https://github.com/xn1cklas/tokenlens/pull/6: prices as strings",
        ),
        Mistake(
            "raised-attribute",
            {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"},
            "names of another vendor: https://github.com/allenai/agent-eval/pull/11",
        ),
        Mistake(
            "printed",
            {"return dollars_in + dollars_out": "print(dollars_in + dollars_out)"},
            "articles print every result, because a script shows nothing else",
        ),
    ),
    takeaway="Tokens times price, for each kind, divided by a million. The helper `cost` of the "
    "lessons does the same, with cache prices added.",
)


# --- 01.5 ------------------------------------------------------------------------------

LEAST = 300  # output tokens: with less room, asking is not worth it
AT_LEAST = "room = max(300, int(left / prices.output * 1_000_000))"
COUNTS_JSON = """count_tokens(
        model=MODEL, messages=[{"role": "user", "content": str(messages)}]
    )"""


def check_budget(lab: Lab) -> None:
    """Counted before anything is paid for; the limit is what the rest of the budget buys."""
    prices = facts.model(facts.MODEL)
    short, long = (
        "Which bread keeps longest?",
        "We found this old recipe. " * 90 + "Is it any good?\n",
    )
    runs = []
    for question, dollars, text in (
        (short, 0.020005, "Rye."), (long, 0.01, "It is."),
        (short, 0.0009, "No."), (long, 0.0021, "-"),
    ):  # fmt: skip
        reply = [THOUGHT, text, " Ask again."]
        runs.append((lab.call(question, dollars, replies=[reply]), text + " Ask again."))
    # Around the least that is worth asking: rest and budget with a fraction of a token.
    first = runs[0][0]
    counted = first.counts[0].reply["input_tokens"] if first.counts else 0
    for room, text in ((LEAST - 0.4, "Hm."), (LEAST + 0.6, "Yes."), (2 * LEAST + 0.9, "Oats.")):
        dollars = (counted * prices.input + room * prices.output) / 1e6
        reply = [THOUGHT, text, " Ask again."]
        runs.append((lab.call(short, dollars, replies=[reply]), text + " Ask again."))
    for run, text in runs:
        question, dollars = run.args
        run.surface()
        sent = [request.path for request in run.sent]
        run.expect(run.counts or not run.requests, "not-counted")
        run.expect(run.counts, "counted-nothing")
        run.expect(sent[0].endswith("count_tokens"), "asked-first")
        run.expect(run.counts[0].said == question, "counted-other", show="messages")
        counted = run.counts[0].reply["input_tokens"]
        exact = (dollars - counted * prices.input / 1e6) / prices.output * 1e6
        room = int(exact + 1e-6)
        if room < LEAST:
            run.expect(not run.requests, "too-dear", room=f"{exact:.1f}")
            run.expect(run.value is None, "not-none")
            continue
        run.expect(run.requests, "too-careful", room=f"{exact:.1f}")
        run.expect(len(run.requests) == 1, "twice")
        run.asks(question)
        asked = {*run.request.body} - {"max_tokens", "stream"}
        other = sorted(asked ^ {*run.counts[0].body})
        run.expect(not other, "uncounted", part=", ".join(other))
        limit = run.request.body["max_tokens"]
        whole = int(dollars / prices.output * 1e6 + 1e-6)
        fill = {"room": room, "limit": limit, "exact": f"{exact:.1f}"}
        run.expect(limit != whole or whole == room, "question-free", show="max_tokens")
        up = limit == room + 1
        run.expect(not up, "rounded-up", show="max_tokens", **fill)
        run.expect(limit <= room, "over-budget", show="max_tokens", **fill)
        run.expect(limit >= room, "under-budget", show="max_tokens", **fill)
        run.expect(run.text == text, "not-the-text")


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
    rules=check_budget,
    messages={
        "not-counted": "You asked without counting first. Ask `count_tokens` for the size of the "
        "question: it costs nothing.",
        "counted-nothing": "Nothing was sent, not even a count. Count first; only then do you "
        "know whether the question is too dear.",
        "asked-first": "You asked first and counted afterwards. Then the money is spent: count "
        "before you ask.",
        "counted-other": "You counted another text than the `question`.",
        "too-dear": "The rest of the budget bought $room output tokens, and you asked "
        f"nevertheless. With fewer than {LEAST}, rounded down, ask nothing.",
        "not-none": f"With room for fewer than {LEAST} tokens, give back `None`. Yours gave "
        "`$returned`.",
        "too-careful": "You asked nothing, although the rest of the budget buys $room output "
        f"tokens, and {LEAST} are enough. Look at the sum and at the comparison again.",
        "rounded-up": "The rest of the budget buys $exact output tokens, and your `max_tokens` is "
        "$limit. Rounded up, the worst case costs more than is left: cut the fraction off.",
        "twice": "You asked more than once. Each request is paid for.",
        "other-question": "The text that you sent is not the `question` that your function was "
        "given. Send it as it is.",
        "uncounted": "What you counted is not what you sent: only one of the two requests has "
        "`$part`. Everything in a request is paid for, so count all of it.",
        "question-free": "Your `max_tokens` would spend the whole budget on the answer, and the "
        "question has its price too. Take it off first.",
        "over-budget": "Your `max_tokens` is $limit, but the rest of the budget buys only $room. "
        "In the worst case the answer costs more than is left.",
        "under-budget": "Your `max_tokens` is $limit; the rest of the budget buys $room. Give the "
        "answer all the room there is.",
        "not-the-text": "Wanted is the text of the reply, all of it. Yours gave `$returned`.",
        "raised-400": "$kit If it is about `max_tokens`: that must be a whole number, so cut the "
        "fraction off with `int(...)`.",
    },
    mistakes=(
        Mistake(
            "not-counted",
            {
                "    counted = client.messages.count_tokens(model=MODEL, messages=messages)\n": "",
                "counted.input_tokens": "len(question) / 4",
            },
            "https://github.com/shrixtacy/Ai-Council/issues/180: four characters a token",
        ),
        Mistake(
            "asked-first",
            """
prices = facts.model(MODEL)


def ask_within(client, question, budget):
    messages = [{"role": "user", "content": question}]
    reply = client.messages.create(model=MODEL, max_tokens=2000, messages=messages)
    counted = client.messages.count_tokens(model=MODEL, messages=messages)
    left = budget - counted.input_tokens * prices.input / 1_000_000
    if left / prices.output * 1_000_000 < 300:
        return None
    return "".join(block.text for block in reply.content if block.type == "text")
""",
            "https://github.com/MervinPraison/PraisonAI/issues/2314",
        ),
        Mistake(
            "too-dear",
            {"room = int(left / prices.output * 1_000_000)": AT_LEAST},
            "https://github.com/bircex/llmr/issues/40: a cap that reports but never stops",
        ),
        Mistake(
            "question-free",
            {"int(left ": "int(budget "},
            "articles that name one price: the question seems to be free",
        ),
        Mistake(
            "over-budget",
            {"prices.output": "prices.input"},
            "two prices side by side, read in the wrong order",
        ),
        Mistake(
            "uncounted",
            {"max_tokens=room,": 'system="Be brief.", max_tokens=room,'},
            "tried while reviewing: rules added to the request, and not to the count",
        ),
        Mistake(
            "rounded-up",
            {"int(left / prices.output * 1_000_000)": "round(left / prices.output * 1_000_000)"},
            "tried while reviewing: round() and math.ceil() for a number that must not be passed",
        ),
        Mistake(
            "under-budget",
            {"max_tokens=room": "max_tokens=300"},
            "a default that ignores what was computed: "
            "https://github.com/sseshachala/conductai/pull/2118",
        ),
        Mistake(
            "raised-400",
            {"int(left / prices.output * 1_000_000)": "left / prices.output * 1_000_000"},
            "arithmetic in floats, sent as it is",
        ),
        Mistake(
            "too-careful",
            {"prices.input / 1_000_000": "prices.input"},
            "https://github.com/getsentry/sentry/pull/94907: per token for per million",
        ),
        Mistake(
            "counted-nothing",
            {"budget):": "budget):\n    if budget < 0.05:\n        return None"},
            "a fixed threshold in place of a count",
        ),
        Mistake(
            "counted-other",
            {"count_tokens(model=MODEL, messages=messages)": COUNTS_JSON},
            "counting the JSON of a message: https://github.com/ENTERPILOT/GoModel/pull/933",
        ),
        Mistake(
            "not-none",
            {"return None": 'return "Too dear."'},
            "a sentence that a caller cannot tell from an answer",
        ),
        Mistake(
            "other-question",
            {"return None": 'return None\n    messages[0]["content"] += f" In {room} tokens."'},
            "lesson 01, question 2: the limit taken for a wish; and what is counted is not "
            "what is sent",
        ),
        Mistake(
            "twice",
            {"    reply = client": "    for _ in 1, 2: reply = client"},
            "https://github.com/sjnims/cc-plugin-eval/issues/75: retries around a budget",
        ),
        Mistake(
            "not-the-text",
            {JOINED: 'next(b.text for b in reply.content if b.type == "text")'},
            "https://github.com/odysseus-dev/odysseus/pull/1255",
        ),
    ),
    takeaway="Input is known before you pay, output is limited by `max_tokens`: together they "
    "make a budget that nearly holds, for the count before the call is an estimate.",
)


EXERCISES = (mend_a_call, ask, ask_kindly, price, ask_within)
