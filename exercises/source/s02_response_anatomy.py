"""Exercises of lesson 02: list the blocks, read the text, say how it ended, add up the input.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from typing import Any

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    Word,
    acts,
    asks,
    case,
    cases,
    function_of,
    gives,
    gives_text,
    listed,
    message,
    miss,
    missed,
    rule,
)

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
LOOK = {"tool": "departures", "input": {"text": "pier two"}}
SEARCH = {
    "type": "server_tool_use",
    "id": "srvtoolu_01FerryTimesAtPierTwo",
    "name": "web_search",
    "input": {"query": "ferry times"},
}
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'


# --- 02.1 ------------------------------------------------------------------------------

TYPES = "[block.type for block in reply.content]"


def types(reply: Any) -> list[str]:
    """The type of each block."""
    return [block.type for block in reply.content]


def missing(run: Run) -> list[str]:
    """The types that a list lacks; none when it holds anything else as well."""
    if any(item not in run.wanted for item in run.returned):
        return []
    return [kind for kind in run.wanted if kind not in run.returned]


def class_names(run: Run) -> bool:
    """Whether the list holds names of Python's classes, or the classes."""
    classes = [type(block).__name__ for block in run.args[0].content]
    return any(getattr(item, "__name__", item) in classes for item in run.returned)


block_types = Exercise(
    id="02.1",
    title="What is in a reply?",
    objective="List the blocks of any reply by their type.",
    minutes=5,
    task="""
The office of a ferry line writes down what kinds of blocks its replies are made of. Complete
`block_types`: it gets a reply, and gives back a list with the type of each block, in the order
in which they stand, such as `["thinking", "text"]`. A reply without blocks gives an empty list.

There is no client here: nothing is sent. The check hands in six replies.
""",
    template='''
def block_types(reply):
    """Give back the types of the blocks, as a list of texts."""
    ...
''',
    solution="""
def block_types(reply):
    return [block.type for block in reply.content]
""",
    also_correct=(
        """
def block_types(reply):
    types = []
    for block in reply.content:
        types.append(block.type)
    return types
""",
        """
def block_types(reply):
    return [block["type"] for block in reply.to_dict()["content"]]
""",
    ),
    hints=(
        "Which field of the reply holds the blocks? The lesson made a table of them; look at the "
        "cell that did.",
        "Go through `reply.content`. What you meet there is one block at a time, and each has a "
        "`type`.",
        "Begin with an empty list, append the `.type` of each block, and give the list back "
        "after the loop. Leave nothing out.",
    ),
    rules=function_of(
        case(message([THOUGHT, "The next ferry leaves at 14:20."])),
        case(message(["From pier two."])),
        case(message([THOUGHT, "At 15:10 ", THOUGHT, "or later."])),
        case(message([THOUGHT, "I look that up.", LOOK, LOOK])),
        case(message([])),
        case(message([THOUGHT, SEARCH, "It leaves ", "at ", "noon."])),
        kind=list,
        right=types,
        before=(
            miss(
                "type-of-message",
                'You gave back the type of the whole reply, which is always "message". Each block '
                "in `reply.content` has a type of its own.",
                "reply.type",
                "a Message has a field `type` too, so this looks right",
                when=lambda run: run.returned in ("message", ["message"]),
            ),
            miss(
                "one-text",
                "You gave back one text. Give back a list, with one text for each block.",
                '", ".join(value)',
                "https://github.com/LiveBench/LiveBench/pull/425 does so for its log",
                when=lambda run: isinstance(run.returned, str),
            ),
        ),
        known=(
            miss(
                "blocks-themselves",
                "Your list holds the blocks themselves. Give back the `type` of each.",
                "reply.content",
                "the field that everybody reads first, given back as it is",
                when=lambda run: any(hasattr(item, "type") for item in run.returned),
            ),
            miss(
                "classes",
                "Your list holds the names that Python gives to the blocks. The API's own name is "
                'in the field `type` of each block, such as "text".',
                "[type(block).__name__ for block in reply.content]",
                "print() of a reply shows these names: ThinkingBlock(...), TextBlock(...)",
                when=class_names,
            ),
            miss(
                "first-only",
                "The reply held $wanted. Your list stops after the first. (In a loop, `return` "
                "ends the loop.)",
                "value[:1]",
                "https://github.com/repowise-dev/repowise/issues/750",
            ),
            miss(
                "thinking-left-out",
                "The reply held $wanted. The thinking is missing from your list. Its text is often "
                "empty, and it is a block all the same.",
                '[kind for kind in value if kind != "thinking"]',
                "https://github.com/grafana/agento11y/pull/369: empty thinking blocks skipped",
                when=lambda run: "thinking" in missing(run),
            ),
            miss(
                "others-left-out",
                "A block of type `$left` is missing from your list. There are more types than "
                "thinking and text, so leave no block out.",
                '[kind for kind in value if kind in ("thinking", "text")]',
                "two types known out of many: https://github.com/dottxt-ai/outlines/pull/1976",
                when=missing,
                left=lambda run: missing(run)[0],
            ),
            miss(
                "each-once",
                "The reply held $wanted. Your list has each type only once, however many blocks "
                "have it.",
                "list(dict.fromkeys(value))",
                "'which types are in it' read as if each were named once",
            ),
            miss(
                "moved",
                "All types are there, but in another order. They came as $wanted.",
                "sorted(value)",
                "tidying up for the log; the order is what tells a reply's story",
                when=lambda run: sorted(map(str, run.returned)) == sorted(run.wanted),
            ),
        ),
        name="other-list",
        says="The reply held $wanted. You gave back `$returned`.",
        wrong="[name for block in reply.content for name in block.to_dict()]",
    ),
    messages={
        "wrong-kind": "You gave back a `$kind`. Give back a list: it keeps the order of the "
        "blocks, and holds the same type twice if two blocks have it.",
        "raised-subscript": "$kit For a block that means `block.type`.",
        "raised-index": "$kit Go through the blocks that there are, and count on no number.",
    },
    mistakes=(
        Mistake(
            "wrong-kind",
            acts("set(value)"),
            "'which types are in it' read as a question about a set",
        ),
        Mistake(
            "raised-subscript",
            {"block.type": 'block["type"]'},
            "blocks read like the JSON that lesson 02 prints first; the same mixture in "
            "https://github.com/lastmile-ai/mcp-agent/pull/681",
        ),
        Mistake(
            "raised-loop-over-message",
            {"reply.content": "reply"},
            "a Message can be looped over, so nothing warns at first",
        ),
        Mistake(
            "raised-list-attribute",
            {TYPES: "[reply.content.type]"},
            "content, a list, taken for the one block that it often seems to be",
        ),
        Mistake(
            "raised-index",
            {TYPES: "[reply.content[0].type, reply.content[1].type]"},
            "thinking, then text, taken for a rule: lesson 02, question 1, answer b",
        ),
    ),
    takeaway="`content` is a list: any number of blocks, of any type, in any order.",
)


# --- 02.2 ------------------------------------------------------------------------------

MUSING = {"type": "thinking", "thinking": "The card says row four.", "signature": "c2VhbA=="}
TEXTS = "texts = [block.text for block in reply.content if block.type"


def has_text(run: Run) -> bool:
    """Whether there is any text in the reply."""
    return any(block.type == "text" for block in run.args[0].content)


def is_cut(run: Run) -> bool:
    """Whether the reply was cut, and an empty text came back for its beginning."""
    return bool(run.args[0].stop_reason == "max_tokens" and run.returned == "" and has_text(run))


read_text = Exercise(
    id="02.2",
    title="The text of every reply",
    objective="Read the text of any reply, also of one that has none.",
    minutes=7,
    part="read_text",
    task="""
Everything that the library desk shows to a visitor goes through one function. Write it without
looking at the lesson: `read_text` gets a reply, and gives back its text as one `str`, exactly as
it came. When there is no text, it gives back an empty one.

The check hands in nine replies: with thinking in front, in between and not at all, with a
sentence in three blocks, with the same words twice, with a call of a tool, with thinking alone,
with nothing at all, and one that was cut.
""",
    template='''
def read_text(reply):
    """Give back the text of a reply, "" when it has none."""
    ...
''',
    solution="""
def read_text(reply):
    texts = [block.text for block in reply.content if block.type == "text"]
    return "".join(texts)
""",
    also_correct=(
        """
def read_text(reply):
    whole = ""
    for block in reply.content:
        if block.type == "text":
            whole += block.text
    return whole
""",
        """
def read_text(reply):
    return "".join(getattr(block, "text", "") for block in reply.content)
""",
    ),
    hints=(
        "Three steps: go through all blocks, choose some, put together what they hold. By which "
        "field do you choose?",
        'Choose by `block.type`. Only blocks of type `"text"` have a `.text`; thinking and calls '
        "of tools have other fields.",
        'Collect the texts in a list first. `"".join(...)` then makes one text of them, and of an '
        "empty list it makes an empty text.",
    ),
    rules=cases(
        case(message([THOUGHT, "The library opens at nine,  says Ilse."])),
        case(message(["By the window."])),
        case(message([])),
        case(message(["You find it in ", "row four", ", by the window."])),
        case(message([MUSING, "In row", MUSING, " four."])),
        case(message(["Not now. ", "Not now. ", "Tomorrow."])),
        case(message([THOUGHT, "\nI look at the card. ", LOOK])),
        case(message({"content": [THOUGHT], "stop_reason": "max_tokens"})),
        case(message({"content": [THOUGHT, "Monday: nine to"], "stop_reason": "max_tokens"})),
        expect=(
            rule(
                "none",
                "For a reply without text your function gave back `None`. Give back an empty text, "
                "so that whoever calls it can always count on a `str`.",
                lambda run: has_text(run) or run.value is not None,
                {"    return": "    if texts:\n        return"},
                "https://github.com/agentjido/req_llm/pull/749: a caller met no text and crashed",
            ),
            rule(
                "stand-in",
                "For a reply without text your function gave back `$returned`. That would be read "
                "as if Claude had said it: give back an empty text.",
                lambda run: has_text(run) or run.text == "",
                {'"".join(texts)': '"".join(texts) or "(no content)"'},
                "https://github.com/UKGovernmentBEIS/inspect_ai/pull/1196",
            ),
            rule(
                "thinking-included",
                "There is thinking in your text. What Claude thinks is no part of the answer: "
                "choose only the blocks of type `text`.",
                lambda run: "Block(" in str(run.value) or "The card says" not in str(run.value),
                """
def read_text(reply):
    texts = []
    for block in reply.content:
        if block.type in ("thinking", "text"):
            texts.append(getattr(block, block.type))
    return "".join(texts)
""",
                "https://github.com/netease-youdao/LobsterAI/pull/1057",
            ),
            rule(
                "judged",
                "This reply was cut, and you gave back an empty text. Here every text counts, "
                "whatever the stop reason. Whether it may be used is for the next exercise to say.",
                lambda run: not is_cut(run),
                {
                    "    return": '    if reply.stop_reason == "max_tokens":\n'
                    '        return ""\n    return'
                },
                "reading and judging in one place: https://github.com/HKUDS/LightRAG/pull/3800",
            ),
            gives_text(),
        ),
    ),
    messages={
        "raised-index": "$kit A reply may have no text at all: take no block by its number.",
        "raised-StopIteration": "`next(...)` found nothing: there is a reply without any text. "
        "And where there are several texts, it would find only the first.",
        "raised-ValueError": "Your function raised an error for a reply without text. That is no "
        "mistake of anybody: give back an empty text.",
    },
    mistakes=(
        Mistake(
            "raised-index",
            {'"".join(texts)': "texts[0]"},
            "https://github.com/alexzhang13/rlm/pull/181",
        ),
        Mistake(
            "raised-StopIteration",
            {TEXTS: "return next(block.text for block in reply.content if block.type", '"]': '")'},
            "'the first text block', a repair of https://github.com/alexzhang13/rlm/pull/187",
        ),
        Mistake(
            "raised-ValueError",
            {"    return": '    if not texts:\n        raise ValueError("no text")\n    return'},
            "https://github.com/EleutherAI/lm-evaluation-harness/pull/3773",
        ),
        Mistake(
            "raised-block-attribute",
            {'== "text"': '!= "thinking"'},
            "whatever is not thinking taken for text: "
            "https://github.com/lastmile-ai/mcp-agent/pull/681",
        ),
    ),
    takeaway="Choose blocks by type, join their texts with nothing in between: then even a reply "
    "without text has one, the empty one.",
)


# --- 02.3 ------------------------------------------------------------------------------

WORDS = ("done", "cut", "refused", "goes on")
GET = 'groups.get(reply.stop_reason, "done")'
DETAILS = {"type": "refusal", "category": None, "explanation": "This was not answered."}


def ended(content: Any, reason: str, **more: Any) -> dict[str, Any]:
    """A reply with this stop reason, in the short form."""
    return {"content": content, "stop_reason": reason, **more}


def reason(run: Run) -> str:
    """The stop reason of the reply."""
    return str(run.args[0].stop_reason)


BY_ENDING = missed(
    "by-ending",
    "A whole answer without a full stop at its end was called `$returned`. "
    "Its stop reason is `$reason`. How a text ends does not say whether it is whole.",
    {
        "    return": """\
    text = "".join(block.text for block in reply.content if block.type == "text")
    if text and not text.endswith((".", "!", "?")):
        return "cut"
    return"""
    },
    "https://github.com/NousResearch/hermes-agent/issues/98255",
    reason=reason,
)
BY_EMPTINESS = missed(
    "by-emptiness",
    "A reply without text was called `$returned`. Its stop reason is "
    "`$reason`. That there is no text can have many causes; the stop reason names it.",
    {GET: GET + ' if reply.content else "refused"'},
    "https://github.com/spacedriveapp/spacebot/pull/171: an empty list taken for a failure",
    reason=reason,
)
HALF_REFUSAL = missed(
    "half-refusal",
    "A reply with the stop reason `$reason` had begun to answer, and was "
    "called `$returned`. A beginning changes nothing: it is to be thrown away.",
    {GET: '"done" if reply.stop_reason == "refusal" and reply.content else ' + GET},
    "refusals known only with an empty list: "
    "https://github.com/NousResearch/hermes-agent/pull/43084",
    reason=reason,
)
SHELF = "Row four, by the window."
WEEK = [THOUGHT, "Monday 9 to 6.\nTuesday 9 to 6."]


CASES = (
    case(message([THOUGHT, SHELF], "end_turn"), gives="done",
         missed=missed("done-missed",
                "A reply with the stop reason `$reason` was called `$returned`. Claude had said "
                "what it wanted to say.",
                {GET: '"done" if reply.stop_reason == "stop" else ' + GET.replace("done", "cut")},
                "`stop` is what other packages call it: https://github.com/vercel/ai/pull/8422",
                reason=reason)),
    case(message([THOUGHT, "Open today:\n- 9 to 12\n- 2 to 6"], "end_turn"), gives="done",
         missed=BY_ENDING),
    case(message(SHELF, "end_turn", output_tokens=2000), gives="done",
         missed=missed("by-tokens",
                "A whole answer of exactly 2,000 tokens was called `$returned`. Its stop reason is "
                "`$reason`; the number of tokens proves nothing.",
                {GET: '"cut" if reply.usage.output_tokens >= 2000 else ' + GET},
                "seed claim B21: watch output_tokens to spot a cut", reason=reason)),
    case(message(WEEK, "max_tokens", output_tokens=60), gives="cut",
         missed=missed("cut-missed",
                "A reply with the stop reason `$reason` was called `$returned`. Its text ends "
                "neatly, and two days of the week are all that came.", {'"max_tokens"': '"length"'},
                "another vendor's name: https://github.com/mindsdb/anton/pull/277", reason=reason)),
    case(message([THOUGHT], "max_tokens"), gives="cut", missed=BY_EMPTINESS),
    case(message([], "end_turn"), gives="done", missed=BY_EMPTINESS),
    case(message("Row four", "stop_sequence"), gives="done",
         missed=missed("sequence-missed",
                "A reply with the stop reason `$reason` was called `$returned`. It came to the "
                "place where you wanted it to stop, and that is no fault.",
                {GET: '"done" if reply.stop_reason == "end_turn" else '
                 + GET.replace("done", "cut")},
                "seed claim B10: three reasons are listed; "
                "https://github.com/microsoft/semantic-kernel/pull/14382", reason=reason)),
    case(message(WEEK, "model_context_window_exceeded"), gives="cut",
         missed=missed("window-missed",
                "A reply with the stop reason `$reason` was called `$returned`. The window was "
                "full before the answer was whole.",
                {GET: '"cut" if reply.stop_reason == "max_tokens" else "done"'},
                "seed claim B9: two reasons; https://github.com/tetsuo-ai/agenc-core/issues/2111",
                reason=reason)),
    case(message([THOUGHT, LOOK], "tool_use"), gives="goes on",
         missed=missed("tool-missed",
                "A reply with the stop reason `$reason` was called `$returned`. Claude asks for a "
                "function of yours, and waits.", {'        "tool_use": "goes on",\n': ""},
                "https://github.com/vybestack/llxprt-code/pull/1731", reason=reason)),
    case(message([THOUGHT, LOOK], "max_tokens"), gives="cut",
         missed=missed("by-blocks",
                "A reply with a call of a tool in it was called `$returned`. Its stop reason is "
                "`$reason`, so the call itself may be incomplete: nobody should run it.",
                { GET: '"goes on" if any(block.type == "tool_use" for block in reply.content) else '
                "" + GET },
                "https://github.com/pydantic/pydantic-ai/pull/1355: a call that was cut is run",
                reason=reason)),
    case(message([THOUGHT, SEARCH], "pause_turn"), gives="goes on",
         missed=missed("pause-missed",
                "A reply with the stop reason `$reason` was called `$returned`. It was interrupted "
                "in the middle of its work, and waits to be sent back.",
                {'        "pause_turn": "goes on",\n': ""},
                "https://github.com/dust-tt/dust/pull/28390", reason=reason)),
    case(message([THOUGHT, "I'm sorry, I can't reserve it for you."], "end_turn"), gives="done",
         missed=missed("by-words",
                "A reply that says politely that something cannot be done was called `$returned`. "
                "Its stop reason is `$reason`: it is an answer like any other.",
                {GET: '"refused" if "I can\'t" in str(reply.content) else ' + GET},
                "https://github.com/promptfoo/promptfoo/issues/9756", reason=reason)),
    case(message([], "refusal"), gives="refused",
         missed=missed("refusal-missed",
                "A reply with the stop reason `$reason` was called `$returned`. Its content is "
                "empty, and a visitor would be shown nothing.",
                {'        "refusal": "refused",\n': ""},
                "https://github.com/BerriAI/litellm/pull/23899", reason=reason)),
    case(message("First of all", "refusal"), gives="refused", missed=HALF_REFUSAL),
    case(message("Take a", "refusal"), gives="refused", missed=HALF_REFUSAL),
    case(message([THOUGHT, "The card says:"], "end_turn"), gives="done",
         missed=BY_ENDING),
    case(message(SHELF, "end_of_shift"), gives="done",
         missed=missed("unknown-missed",
                "A stop reason that nobody knows yet, `$reason`, was called `$returned`. The task "
                "says which word such a reply gets.",
                { GET: 'groups.get(reply.stop_reason, "refused")', "groups = {": "groups = {\n     "
                '   "end_turn": "done",\n        "stop_sequence": "done",', },
                "https://github.com/agentjido/req_llm/pull/749: what is not known is an error",
                reason=reason)),
)  # fmt: skip

finished = Exercise(
    id="02.3",
    title="Is it finished?",
    objective="Tell from the stop reason what may be done with a reply.",
    minutes=10,
    part="finished",
    task="""
Before the library desk shows an answer, it asks how the reply ended. Complete `finished`: it
gets a reply, and gives back one of four words, those above the groups in the lesson's picture:

- `"done"`: Claude has said what it wanted to say, or came to a stop sequence,
- `"cut"`: there was no more room, of whichever kind,
- `"refused"`: a safety classifier stopped the reply,
- `"goes on"`: the reply waits for something that your code does next.

Seven stop reasons are known. When one comes that you do not know, the word is `"done"`.
""",
    template='''
def finished(reply):
    """Give back "done", "cut", "refused" or "goes on"."""
    ...
''',
    solution="""
def finished(reply):
    groups = {
        "max_tokens": "cut",
        "model_context_window_exceeded": "cut",
        "refusal": "refused",
        "tool_use": "goes on",
        "pause_turn": "goes on",
    }
    return groups.get(reply.stop_reason, "done")
""",
    also_correct=(
        """
def finished(reply):
    reason = reply.stop_reason
    if reason in ("max_tokens", "model_context_window_exceeded"):
        return "cut"
    if reason in ("tool_use", "pause_turn"):
        return "goes on"
    return "refused" if reason == "refusal" else "done"
""",
        """
def finished(reply):
    match reply.stop_reason:
        case "refusal":
            return "refused"
        case "tool_use" | "pause_turn":
            return "goes on"
        case "max_tokens" | "model_context_window_exceeded":
            return "cut"
        case _:
            return "done"
""",
    ),
    hints=(
        "Put the seven stop reasons into four groups on paper. The lesson's picture has them; "
        "three of the groups are larger than one.",
        "All that you need is `reply.stop_reason`. The text, the blocks and the usage say nothing "
        "certain about how a reply ended.",
        "A dict from reason to word, or a few `if`. Name the reasons that are *not* done; what is "
        'left over is `"done"`, and that takes care of unknown ones too.',
    ),
    rules=cases(
        *CASES,
        expect=(
            rule(
                "nothing-for",
                "For the stop reason `$reason` your function gave nothing back (`None`). "
                "Every way through it has to end with one of the four words.",
                lambda run: run is run.lab.runs[0] or run.value is not None,
                """
def finished(reply):
    if reply.stop_reason == "end_turn":
        return "done"
    if reply.stop_reason == "max_tokens":
        return "cut"
    if reply.stop_reason == "tool_use":
        return "goes on"
""",
                "seed claim B10; https://github.com/prism-php/prism/pull/1003: no branch for the "
                "rest",
                reason=reason,
            ),
            rule(
                "yes-or-no",
                "You gave back `$returned`. Yes and no are two answers, and there are four cases: "
                "a refused reply and a cut one are treated differently. Give back one of the "
                "words.",
                lambda run: not isinstance(run.returned, bool),
                {GET: 'reply.stop_reason != "max_tokens"'},
                "https://github.com/OpenDigitalProductFactory/opendigitalproductfactory/pull/4250: "
                "a flag called truncated",
            ),
            rule(
                "as-it-came",
                "You gave back the stop reason itself, `$reason`. Give back the word for the "
                "group to which it belongs.",
                lambda run: run.text != reason(run),
                {GET: "groups.get(reply.stop_reason, reply.stop_reason)"},
                "https://github.com/apache/flink-agents/pull/1107: all but one handed on unchanged",
                reason=reason,
            ),
            rule(
                "other-word",
                "You gave back `$returned`, which is none of the four words: `done`, `cut`, "
                "`refused`, `goes on`.",
                lambda run: run.text in WORDS,
                {'"refused"': '"content_filter"'},
                "another vendor's word: https://github.com/theopenco/llmgateway/pull/2067",
            ),
        ),
    ),
    messages={
        "same-answer": "Every reply was called `$returned`, whatever its stop reason. If you "
        'compare with several reasons: `reason == "a" or "b"` is always true in Python; '
        '`reason in ("a", "b")` is what is meant.',
        "raised-key": "$kit A reason may come that your dict does not hold. `get` with a second "
        "argument has an answer for that.",
        "raised-ValueError": "Your function raised an error for a stop reason that it does not "
        "know. The answer would be lost, although it came: the task has a word for it.",
        "raised-message-attribute": "A reply has no field of this name. Why it ended is in its "
        "`stop_reason`.",
    },
    mistakes=(
        Mistake(
            "same-answer",
            """
def finished(reply):
    if reply.stop_reason == "end_turn" or "stop_sequence":
        return "done"
    if reply.stop_reason == "max_tokens" or "model_context_window_exceeded":
        return "cut"
    return "refused" if reply.stop_reason == "refusal" else "goes on"
""",
            "a slip in Python that everybody makes once; here it makes every reply a good one",
        ),
        Mistake(
            "raised-message-attribute",
            {"reply.stop_reason": "reply.finish_reason"},
            "another vendor's name: https://github.com/Pasta-Devs/Marinara-Engine/issues/3034",
        ),
        Mistake(
            "raised-key",
            {
                GET: "groups[reply.stop_reason]",
                "groups = {": 'groups = {\n        "end_turn": '
                '"done",\n        "stop_sequence": "done",',
            },
            "https://github.com/microsoft/semantic-kernel/pull/14382",
        ),
        Mistake(
            "raised-ValueError",
            """
def finished(reply):
    if reply.stop_reason in ("end_turn", "stop_sequence"):
        return "done"
    if reply.stop_reason in ("max_tokens", "model_context_window_exceeded"):
        return "cut"
    if reply.stop_reason in ("tool_use", "pause_turn"):
        return "goes on"
    if reply.stop_reason == "refusal":
        return "refused"
    raise ValueError(reply.stop_reason)
""",
            "https://github.com/open-gsd/gsd-pi/pull/2042: a default branch that raises",
        ),
    ),
    takeaway="The stop reason alone says how a reply ended; text, blocks and token counts are "
    "only guesses.",
)


# --- 02.4 ------------------------------------------------------------------------------

SUM = "usage.input_tokens + written + read"


ALL = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def counted(fresh: int, written: int | None, read: int | None, out: int) -> Any:
    """A reply with these counts; `None`: no count came."""
    counts = dict(zip(ALL, (fresh, written, read), strict=True))
    if written is None:
        counts["cache_creation"] = None
    answer = [{"thinking": "", "tokens": 25}, "The last ferry leaves at 22:40."]
    return message(answer, "", output_tokens=out, **counts)


def whole_input(reply: Any) -> int:
    """The three counts together."""
    return sum(getattr(reply.usage, name) or 0 for name in ALL)


def lost(run: Run) -> bool:
    """Whether one count of the cache was `None`, and the other was lost with it."""
    usage = run.args[0].usage
    cache = {usage.cache_creation_input_tokens, usage.cache_read_input_tokens}
    return bool(None in cache and run.number == usage.input_tokens)


total_input = Exercise(
    id="02.4",
    title="The whole input",
    objective="Add up what went in, with and without a cache.",
    minutes=6,
    task="""
The ferry office sends its whole timetable along with every question, and pays for it from the
cache. For the monthly account it wants to know how many tokens went in. Complete `total_input`:
it gets a reply, and gives back the number of all its input tokens, as an `int`.

In some replies a cache count is `None`, because there was nothing to count: take it as 0. There
is no client here: nothing is sent.
""",
    template='''
def total_input(reply):
    """Give back how many tokens went in, all in all."""
    ...
''',
    solution="""
def total_input(reply):
    usage = reply.usage
    written = usage.cache_creation_input_tokens or 0
    read = usage.cache_read_input_tokens or 0
    return usage.input_tokens + written + read
""",
    also_correct=(
        """
def total_input(reply):
    kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(getattr(reply.usage, kind) or 0 for kind in kinds)
""",
        """
def total_input(reply):
    total = reply.usage.input_tokens
    if reply.usage.cache_creation_input_tokens is not None:
        total += reply.usage.cache_creation_input_tokens
    if reply.usage.cache_read_input_tokens is not None:
        total += reply.usage.cache_read_input_tokens
    return total
""",
    ),
    hints=(
        "Look at the picture once more, at *usage*: which numbers are joined by a plus sign?",
        "The three are `input_tokens`, `cache_creation_input_tokens` and "
        "`cache_read_input_tokens`, all in `reply.usage`. Two of them may be `None`.",
        "`None` cannot be added. `count or 0` gives the count, and 0 in place of `None`. Do that "
        "for each cache count before you add.",
    ),
    rules=function_of(
        case(counted(57, 1_300, 5_120, 210)),
        case(counted(41, 0, 5_120, 90)),
        case(counted(38, 6_420, 0, 75)),
        case(counted(19, None, None, 33)),
        case(counted(23, 4_096, None, 48)),
        case(counted(260, None, 2_048, 51)),
        kind=int,
        right=whole_input,
        known=(
            rule(
                "lost-with-none",
                "One of the two cache counts was `None`, and then you left out the other "
                "as well: $right tokens went in. Look at each count by itself.",
                lambda run: run.number == run.wanted or not lost(run),
                """
def total_input(reply):
    usage = reply.usage
    counts = (
        usage.input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )
    return usage.input_tokens if None in counts else sum(counts)
""",
                "one guard for all counts, written after a `None` broke the sum",
                right=lambda run: run.wanted,
            ),
            miss(
                "fresh-only",
                "You gave back `input_tokens` alone. That is what came neither out of the "
                "cache nor into it; the rest went in too, and is paid for.",
                "reply.usage.input_tokens",
                "https://github.com/KryptSec/oasis/issues/44",
            ),
            miss(
                "read-left-out",
                "What was read from the cache is missing from your sum. Its price is "
                "lower, and it went in all the same.",
                "value - (reply.usage.cache_read_input_tokens or 0)",
                "https://github.com/vercel-labs/ai-python/pull/159",
            ),
            miss(
                "written-left-out",
                "What was written to the cache is missing from your sum. It went in "
                "with this very request.",
                "value - (reply.usage.cache_creation_input_tokens or 0)",
                "https://github.com/comet-ml/opik/pull/5214",
            ),
            miss(
                "fresh-left-out",
                "You added only the cache counts. `input_tokens` is not the sum of "
                "them: it counts the tokens that have nothing to do with the cache.",
                "value - reply.usage.input_tokens",
                "a reviewer's guess in https://github.com/traceloop/openllmetry/pull/2175",
            ),
            miss(
                "written-twice",
                "What was written to the cache is in your sum twice. The parts of `cache_creation` "
                "are another view of `cache_creation_input_tokens`: take one of them.",
                "value + (reply.usage.cache_creation_input_tokens or 0)",
                "https://github.com/langchain-ai/langchain/pull/35845",
            ),
            miss(
                "output-added",
                "The output is in your sum. Leave it out: only what went in counts here.",
                "value + reply.usage.output_tokens",
                "https://github.com/chadbyte/clay/pull/142",
            ),
        ),
        name="other-number",
        says="Your function gave back $returned; $wanted tokens went in.",
    ),
    messages={
        "not-whole": "The sum is right, but it is a `$kind`: `$returned`. Tokens are whole, "
        "so give back an `int`.",
        "raised-plus": "$kit Look at the cache counts: one of them may be `None`.",
        "raised-attribute": "There is no field of this name. The lesson adds up three fields of "
        "`reply.usage`: look for their names there.",
        "raised-message-attribute": "The reply itself counts nothing. All counts are in its "
        "`usage`.",
        "raised-subscript": "$kit So it is `usage.input_tokens`.",
        "not-number": "Your function gave back a `$kind`. Give back one number, the sum.",
    },
    mistakes=(
        Mistake(
            "raised-plus",
            {" or 0": ""},
            "https://github.com/pipecat-ai/pipecat/pull/1443",
        ),
        Mistake(
            "not-whole",
            {SUM: f"float({SUM})"},
            "tried while reviewing: counts turned into floats for a table",
        ),
        Mistake(
            "raised-attribute",
            {"usage.input_tokens": "usage.prompt_tokens"},
            "names of another vendor, as in https://github.com/mozilla-ai/any-llm/pull/1335",
        ),
        Mistake(
            "raised-message-attribute",
            {"usage = reply.usage": "usage = reply"},
            "the counts looked for one level too high",
        ),
        Mistake(
            "raised-subscript",
            {"usage.input_tokens": 'usage["input_tokens"]'},
            "usage read like the JSON that lesson 02 prints first",
        ),
        Mistake(
            "not-number",
            {SUM: SUM.replace(" +", ",")},
            "three counts handed on side by side, as `show.usage` lists them",
        ),
    ),
    takeaway="Input is three numbers: fresh, written to the cache, read from it. `input_tokens` "
    "is only the first.",
)


# --- 02.5 ------------------------------------------------------------------------------

MOST = 21_333  # the SDK streams or refuses above it
AGAIN = 'if reply.stop_reason == "max_tokens" and limit < MOST:'
ROOM = "room = min(4 * limit, MOST)"
SECOND = "reply = client.messages.create(max_tokens=room, **request)"
CUT = 'reply.stop_reason == "max_tokens"'
NOT_END = 'reply.stop_reason != "end_turn"'
HALF = "06:00 Harbour.\n06:20 North Island."
LAST = "\n06:50 Lighthouse."
HALVED = ended([THOUGHT, HALF], "max_tokens")
WHOLE = [THOUGHT, HALF, LAST]


def means(name: str, says: str, wrong: dict[str, str], seen: str) -> Word:
    """What it means that a case was asked too often, or that it gave a text or `None` wrongly."""
    return rule(
        name,
        says,
        lambda run: len(run.requests) == run.rounds and (run.value is None) == (run.wanted is None),
        wrong,
        seen,
        sent=lambda run: len(run.requests),
    )


def its_own(run: Run) -> None:
    """What a case says about itself comes before what is said about all."""
    if run.missed:
        run.missed(run)


def again(run: Run) -> bool:
    """Whether there is a second request."""
    return len(run.requests) > 1


def changed(run: Run) -> list[str]:
    """The fields in which the second request differs from the first, but for the limit."""
    if not again(run):
        return []
    first, second = run.requests[0].body, run.requests[1].body
    names = {name for name in second if second[name] != first.get(name)}
    return sorted(names - {"max_tokens", "stream"})


def more_room(run: Run) -> int:
    """The limit that the second request should have."""
    return min(4 * int(run.given["limit"]), MOST)


LIMITS: dict[str, Any] = {
    "limit": lambda run: run.given["limit"],
    "asked": lambda run: run.requests[1].body["max_tokens"],
}
WHOLE_CASES = (
    case("When does the last ferry leave?\n", 600,
         replies=[[THOUGHT, "At 22:40 ", "from ", "pier two."]], gives="At 22:40 from pier two."),
    case("Which piers are there?", 700, replies=["Pier one\nPier two"], gives="Pier one\nPier two",
         missed=means("by-ending",
            "A whole answer without a full stop at its end was taken for a cut one. Judge by the "
            "stop reason, not by the text.",
            {CUT: 'not reply.content[-1].text.endswith(".")'},
            "https://github.com/NousResearch/hermes-agent/issues/98255")),
    case("How many piers are there?", 800, gives="There are two.",
         replies=[{"content": "There are two.", "usage": {"output_tokens": 800}}],
         missed=means("by-tokens",
            "A whole answer that fits exactly was taken for a cut one. Judge by the stop reason, "
            "not by the number of tokens.",
            {CUT: "reply.usage.output_tokens >= limit"},
            "seed claim B21; https://github.com/iaminfadel/flowjob/issues/124")),
    case("List all stops.", 500, replies=[HALVED, WHOLE], requests=2, gives=HALF + LAST),
    case("List all stops with times.", 9_000, replies=[HALVED, WHOLE], requests=2,
         gives=HALF + LAST),
    case("List all stops with stories.", MOST - 1, replies=[HALVED, WHOLE], requests=2,
         gives=HALF + LAST),
    case("List the stops of line 3.", 1_200, replies=[ended([THOUGHT], "max_tokens"), WHOLE],
         requests=2, gives=HALF + LAST),
    case("List every stop there is.", 400, replies=[HALVED], requests=2, gives=None,
         missed=means("still-cut",
            "Both replies were cut. Requests that you sent: $sent; given back: `$returned`. Once "
            "more is enough, and half an answer is none: give back `None`.",
            {NOT_END: 'reply.stop_reason not in ("end_turn", "max_tokens")'},
            "https://github.com/griptape-ai/griptape/issues/2333: half an answer passed on")),
    case("List all stops, with a story for each.", MOST, replies=[HALVED], gives=None,
         missed=means("no-more-room",
            "With `limit` at `MOST` there is no more room. Requests that you sent: $sent; given "
            "back: `$returned`. Ask once, and give back `None`.",
            {" and limit < MOST": ""},
            "https://github.com/QwenLM/qwen-code/pull/5934: an escalation that changes nothing")),
    case("And in winter?", 650, replies=[ended(HALF, "model_context_window_exceeded")], gives=None,
         missed=means("window",
            "The context window was full before the answer was whole. Requests that you sent: "
            "$sent; given back: `$returned`. No `max_tokens` helps: ask once, give back `None`.",
            {CUT: 'reply.stop_reason in ("max_tokens", "model_context_window_exceeded")'},
            "https://github.com/laravel/ai/pull/881: the two put into one family")),
    case("How do I steer one?", 550, gives=None,
         replies=[ended("First of all", "refusal", stop_details=DETAILS)],
         missed=means("refusal",
            "The reply was refused in the middle. Requests that you sent: $sent; given back: "
            "`$returned`. The room had nothing to do with it: ask once, and give back `None`.",
            {NOT_END: 'reply.stop_reason not in ("end_turn", "refusal")'},
            "https://github.com/ducks/claux/issues/14")),
)  # fmt: skip

ASK_WHOLE_RULES = (
    asks(),
    rule("first-limit",
        "The first request should have the `limit` that your function was given as its "
        "`max_tokens`.",
        lambda run: run.request.body["max_tokens"] == run.given["limit"],
        {"max_tokens=limit": "max_tokens=2000"}, "the number of the lessons, copied along",
        show="max_tokens"),
    its_own,
    rule("not-asked-again",
        "The limit cut the reply, and you asked only once. There is more room: use it.",
        lambda run: len(run.requests) >= run.rounds, {SECOND: "pass"},
        "a cut noticed and only reported: https://github.com/crewAIInc/crewAI/pull/5717"),
    rule("continued",
        "Your second request holds more than the question. Nobody promises that two halves "
        "fit together: ask the question anew, with more room.",
        lambda run: not again(run) or run.requests[1].roles == ["user"],
        {ROOM: ROOM
            + '\n        request["messages"] += [{"role": "assistant", "content": '
            'reply.content}, {"role": "user", "content": "Please go on."}]'
        },
        "https://github.com/Boise-State-Development/agentcore-public-stack/pull/328",
        show="messages"),
    rule("changed",
        "Your second request is not the same question: $part differs from the first. Only "
        "`max_tokens` should.",
        lambda run: not changed(run), {SECOND: SECOND.replace("(", '(system="Be brief.", ')},
        "https://github.com/OpenDigitalProductFactory/opendigitalproductfactory/pull/4250: "
        "asking to be concise on the second try",
        part=lambda run: listed(changed(run))),
    rule("same-room",
        "You asked again with the same `max_tokens`. The same room cuts the answer again, "
        "and you pay twice.",
        lambda run: not again(run) or LIMITS["asked"](run) != run.given["limit"],
        {"max_tokens=room": "max_tokens=limit"},
        "https://github.com/NousResearch/hermes-agent/issues/72770", show="max_tokens"),
    rule("other-room",
        "Your second request had $asked as its `max_tokens`. It should be four times $limit, "
        "or `MOST` if that is less.",
        lambda run: run.rounds < 2 or LIMITS["asked"](run) == more_room(run),
        {"4 * limit": "2 * limit"},
        "doubling, as many do: https://github.com/MemTensor/MemOS/pull/2321", show="max_tokens",
        **LIMITS),
    rule("asked-again-anyway",
        "You sent more requests than needed: an answer that is whole needs no other. Look "
        "at the stop reason before you ask again.",
        lambda run: len(run.requests) <= run.rounds, {AGAIN: "if limit < MOST:"},
        "the second call outside of its condition"),
    rule("first-looked-at",
        "You asked again, the second reply was whole, and your function gave back "
        "`$returned`. Which of the two replies did it look at?",
        lambda run: run.rounds < 2 or run.wanted is None or run.value not in (None, HALF),
        {SECOND: SECOND.replace("reply", "whole")},
        "a new name for the second reply, and the old one read"),
    rule("both-texts",
        "You put both texts together. The second reply does not go on where the first was "
        "cut: it is the whole answer from its beginning.",
        lambda run: HALF + HALF not in str(run.value),
        {ROOM: f"{ROOM}\n        begun = reply.content",
            SECOND: f"{SECOND}\n        reply.content[:0] = begun",
        }, "continuing as in https://github.com/anthropics/claude-cookbooks/issues/763"),
    gives(str, "not-the-text",
        "Give back the text of the whole answer, all its text blocks joined. Yours gave "
        "`$returned`.",
        "value[:9]"),
)  # fmt: skip
ASK_WHOLE_MISTAKES = (
    Mistake("endless", {AGAIN: f"while {CUT}:"},
        "https://github.com/Hmbown/Codewhale/pull/2537: no end to the retries"),
    Mistake("raised-streaming", {ROOM: "room = 4 * limit"},
        "https://github.com/UKGovernmentBEIS/inspect_ai/issues/1407"),
    Mistake("raised-400",
        {ROOM: f'{ROOM}\n        request["messages"].append({{"role": "assistant", '
            '"content": reply.content})'
        },
        "https://github.com/anthropics/claude-cookbooks/issues/763"),
    Mistake("not-the-text",
        {JOINED: 'next((b.text for b in reply.content if b.type == "text"), "")'},
        "https://github.com/alexzhang13/rlm/issues/178"),
    Mistake("swapped", {"(client, question, limit)": "(client, limit, question)"},
        "the order of the API's own call, where the limit comes before the messages"),
)  # fmt: skip

ask_whole = Exercise(
    id="02.5",
    title="Once more, with more room",
    objective="Ask again when the limit cut a reply, once, and never pass on a half answer.",
    minutes=20,
    optional=True,
    task=f"""
A timetable with three stops out of eight must not hang on the pier. Complete `ask_whole`:

1. ask the question, with `limit` as `max_tokens`;
2. if the reply was cut *because of that limit*, ask the same question once more, with four times
   the room, but never with more than `MOST` tokens. Without more room, do not ask again;
3. give back the text if the answer is whole, and `None` if it is not.

`MOST` is {MOST:,}: above it the package insists on streaming, which lesson 04 is about.
""",
    template=f'''
MOST = {MOST:_}


def ask_whole(client, question, limit):
    """Give back the text of a whole answer, or None."""
    ...
''',
    solution=f"""
MOST = {MOST:_}


def ask_whole(client, question, limit):
    request = {{"model": MODEL, "messages": [{{"role": "user", "content": question}}]}}
    reply = client.messages.create(max_tokens=limit, **request)
    if reply.stop_reason == "max_tokens" and limit < MOST:
        room = min(4 * limit, MOST)
        reply = client.messages.create(max_tokens=room, **request)
    if reply.stop_reason != "end_turn":
        return None
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        """
MOST = 21_333


def ask_whole(client, question, limit):
    turn = {"role": "user", "content": [{"type": "text", "text": question}]}
    rooms = [limit]
    if limit * 4 <= MOST:
        rooms.append(limit * 4)
    elif limit < MOST:
        rooms.append(MOST)
    for room in rooms:
        reply = client.messages.create(model=MODEL, max_tokens=room, messages=[turn])
        if reply.stop_reason in ("end_turn", "stop_sequence"):
            return "".join(b.text for b in reply.content if b.type == "text")
        if reply.stop_reason != "max_tokens":
            return None
    return None
""",
        """
MOST = 21_333


def ask_whole(client, question, limit, again=True):
    with client.messages.stream(
        model=MODEL,
        max_tokens=limit,
        messages=[{"role": "user", "content": question}],
    ) as stream:
        reply = stream.get_final_message()
    if reply.stop_reason == "end_turn":
        return "".join(getattr(block, "text", "") for block in reply.content)
    more = min(MOST, 4 * limit)
    if reply.stop_reason == "max_tokens" and again and more > limit:
        return ask_whole(client, question, more, again=False)
""",
    ),
    hints=(
        "Write down the ways it can go: whole at once; cut, then whole; cut twice; and a reply "
        "that more room would not help. How many requests is each worth?",
        'More room helps with one stop reason only: `"max_tokens"`. Compare with that, and put the '
        "second reply into the same variable as the first.",
        "`min(a, b)` gives the smaller of two numbers. Before you ask again, see whether that is "
        "more than `limit`. At the end, look at the stop reason of the *last* reply.",
    ),
    rules=cases(
        *WHOLE_CASES,
        expect=ASK_WHOLE_RULES,
    ),
    messages={
        "raised-streaming": "$kit Never ask for more than `MOST`.",
        "raised-400": "$kit If it is about the end of the conversation: the model no longer "
        "finishes a text that you begin for it. Ask the question anew.",
    },
    mistakes=ASK_WHOLE_MISTAKES,
    takeaway="Only `max_tokens` is helped by more room, and once is enough: whole, or nothing.",
    equivalent={"line 8: arguments of min swapped": "the smaller of two is the same either way"},
)


EXERCISES = (block_types, read_text, finished, total_input, ask_whole)
