"""Exercises of lesson 04: fix a stream, write as it comes, count events, notice a break, stop.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from __future__ import annotations

from typing import Any

from practice.grading import (
    Case,
    Exercise,
    Mistake,
    Run,
    Screen,
    Word,
    acts,
    asks,
    case,
    cases,
    catches,
    closes_stream,
    events,
    hasty,
    keeping,
    lets_rise,
    room,
    rule,
    streams,
    unreachable,
    writes_piece_by_piece,
)
from practice.grading.streams import squeezed

IMPORTS = """
from re import findall

import anthropic
import httpx2

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
# Thinking that can be read: requests of this course do not ask for it, and yet some replies have
# it, for instance those of older models.
ALOUD = {"type": "thinking", "thinking": "The visitor wants hours.", "signature": "c2VhbA=="}

# --- 04.1 ------------------------------------------------------------------------------

CREAM = (
    "Whip cold cream in a cold bowl, slowly at first. Stop when the whisk leaves lines: a minute "
    "more, and you are making butter."
)
CUT = {"kind": "cut", "after": 60}  # the connection breaks after so many characters
NOT_OPENED = {"    with client": "    stream = client", ") as stream:": ")\n    if True:"}


def is_the_message(run: Run) -> bool:
    """Whether the whole `Message` of this reply came back."""
    blocks = getattr(run.returned, "content", ())
    text = "".join(getattr(block, "text", "") for block in blocks)
    return text == run.wanted and hasattr(run.returned, "stop_reason")


ON_SCREEN_RULES = cases(
    case("How long does rice rest?", replies=[[THOUGHT, "Ten minutes, with the lid on."]],
         gives="Ten minutes, with the lid on."),
    case("And couscous?\n", replies=[["Five minutes.", " Loosen it\n", "with a fork."]],
         gives="Five minutes. Loosen it\nwith a fork."),
    case("Is my dough ready?", replies=[[ALOUD, "Press it.  ", THOUGHT, "Springs back?"]],
         gives="Press it.  Springs back?"),
    case("How do I whip cream?", replies=[{"content": [THOUGHT, CREAM], "fault": CUT}],
         raises="RemoteProtocolError"),
    expect=(
        asks(),
        streams(),
        room(),
        writes_piece_by_piece(),
        rule("not-the-message",
             "Give back the whole `Message`, with its content, stop reason and usage "
             "(`stream.get_final_message()`). You gave back a `$kind`.", is_the_message,
             {"get_final_message": "get_final_text"},
             "two methods side by side; one gives the text only"),
    ),
)  # fmt: skip
ON_SCREEN_MISTAKES = (
    Mistake("raised-iterate",
         {**NOT_OPENED, "stream.text_stream": "stream"},
         "https://github.com/anthropics/claude-cookbooks/issues/27"),
    Mistake("raised-attribute",
         NOT_OPENED, "https://github.com/anthropics/anthropic-sdk-python/issues/434"),
    Mistake("raised-thinking-delta",
         {"for piece in stream.text_stream": "for event in stream",
          "print(piece": 'if event.type == "content_block_delta": print(event.delta.text'},
         "the loop of many articles, from when replies held nothing but text"),
    Mistake("raised-StreamClosed",
         {"    ) as stream:": "    ) as stream:\n        pass\n    if True:"},
         "lesson 04: a loop that slipped out of its `with` block"),
    Mistake("printed", acts(""), "what is on the screen seems to be done"),
)  # fmt: skip

on_screen = Exercise(
    id="04.1",
    title="Fix a stream",
    objective="Show the text of a stream while it comes, whatever else the stream holds.",
    minutes=8,
    task="""
The cookery school copied this function from an article. It should print the answer on the
kitchen's screen while it is being written, exactly as it comes, and give back the whole
`Message` at the end. Three things in it are wrong. Fix them; you may check after each, and the
check will tell you the next one. (One line break after the whole answer does no harm.)
""",
    template="""
def on_screen(client, question):
    stream = client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    )
    for event in stream:
        if event.type == "content_block_delta":
            print(event.delta.text)
    return stream.get_final_message()
""",
    solution="""
def on_screen(client, question):
    with client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    ) as stream:
        for piece in stream.text_stream:
            print(piece, end="", flush=True)
        return stream.get_final_message()
""",
    also_correct=(
        """
def on_screen(client, question):
    turn = {"role": "user", "content": question}
    request = {"model": MODEL, "max_tokens": 4000, "messages": [turn]}
    with client.messages.stream(**request) as stream:
        for event in stream:
            if event.type == "text":
                print(event.text, end="")
    print()
    return stream.get_final_message()
""",
        """
async def on_screen(client, question):
    async with client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        messages=[dict(role="user", content=question)],
    ) as stream:
        async for event in stream:
            delta = getattr(event, "delta", None)
            if getattr(delta, "type", "") == "text_delta":
                print(delta.text, end="", flush=True)
        return await stream.get_final_message()
""",
    ),
    hints=(
        "Put it beside the first stream of the lesson. How does that one begin, what does its "
        "loop go over, and what does its `print` get besides the piece?",
        "`client.messages.stream(...)` belongs in a `with` line that gives the stream a name. What "
        "reads from the stream is indented below it.",
        'A loop over `stream.text_stream` meets nothing but text. And `print` takes `end=""`.',
    ),
    rules=ON_SCREEN_RULES,
    messages={
        "printed": "The screen is served, but your function gives nothing back (`None`). Besides "
        "printing, it gives back the whole `Message` at the end.",
        "raised-iterate": "No loop can go over this. A `MessageStreamManager` is only the way to a "
        "stream, and the request has not even gone out: the lesson opens it with `with`.",
        "raised-attribute": "$kit If it is a `MessageStreamManager`: the stream is what you "
        "named after `as` in a `with` line. If it is an event: not every event has this.",
        "raised-StreamClosed": "The stream was closed when your code came to read it: the end of "
        "the `with` block closes it. Indent the loop, so that it is inside.",
    },
    mistakes=ON_SCREEN_MISTAKES,
    takeaway="A `with` block, `text_stream`, and `print` with an empty `end`: that shows any "
    "answer as it comes.",
    equivalent={
        "line 8: True -> False": "when a screen is refreshed cannot be seen from a function"
    },
)


# --- 04.2 ------------------------------------------------------------------------------

OPEN = (
    "We open at nine on weekdays and at ten on Saturdays. On the first Sunday of the month the "
    "reading room is open as well, from noon until five."
)
SILENT = {"content": [], "stop_reason": "refusal"}

STREAM_TEXT_RULES = cases(
    case("When do you open?", Screen(), replies=[[THOUGHT, OPEN]], gives=OPEN),
    case("And today?\n", Screen(), replies=[[ALOUD, "We close at one.", " Sorry!\n"]],
         gives="We close at one. Sorry!\n"),
    case("Can I renew by post?", Screen(), replies=[["Yes", "!", "!", "\nSend a card."]],
         gives="Yes!!\nSend a card."),
    case("What is in the poison cabinet?", Screen(), replies=[SILENT], gives=""),
    case("When are you open?", Screen(),
         replies=[{"content": [THOUGHT, OPEN], "fault": CUT}, [OPEN]],
         raises="RemoteProtocolError"),
    expect=(
        rule("asked-again",
             "When the connection broke in mid-answer, you asked again, and the visitor would "
             "read the beginning twice: what was written cannot be taken back.",
             lambda run: not run.raises or len(run.sent) <= 1,
             catches("except httpx2.TransportError:\n    return _right(client, question, write)"),
             "https://github.com/aden-hive/hive/issues/5923", of_errors=True),
        asks(),
        streams(),
        room(),
        rule("something-from-nothing",
             "One reply held no text at all. Then nothing should be written, and the result is an "
             "empty text. Yours gave back `$returned`.",
             lambda run: run.wanted or (run.text == "" and not run.args[1].pieces),
             {'"".join(pieces)': '"".join(pieces) or "(no answer)"'},
             "a sentence of one's own that a caller cannot tell from an answer"),
        writes_piece_by_piece(to="write"),
        lets_rise(),
        rule("last-piece",
             "What was written is right, but you gave back only the last piece: `$returned`. Keep "
             "all of them while you write.",
             lambda run: run.text in ("", run.wanted) or run.text != run.args[1].pieces[-1],
             {'"".join(pieces)': "piece"}, "the loop's variable taken for the whole"),
        rule("other-text",
             "What was written is right, but what you gave back is another text: `$returned`.",
             lambda run: run.text == run.wanted, {'"".join': '"\\n".join'},
             "pieces taken for lines when they are joined"),
    ),
)  # fmt: skip
STREAM_TEXT_MISTAKES = (
    Mistake("no-return", acts(""), "what was written seems to be done"),
    Mistake("raised-thinking-delta",
         {"for piece in stream.text_stream": "for event in stream",
          "write(piece)\n": 'if event.type != "content_block_delta": continue\n            piece = '
              "event.delta.text\n            write(piece)\n"},
         "the loop of many articles, from when replies held nothing but text"),
    Mistake("raised-unknown-argument",
         {"write(piece)": 'write(piece, end="", flush=True)'},
         "the `print` of the lesson, with another name in front"),
    Mistake("not-text",
         {'"".join(pieces)': "pieces"},
         "stopping one step early: the pieces are there, but not joined"),
    Mistake("generator",
         {"write(piece)\n            pieces.append(piece)": "yield piece",
          '    return "".join(pieces)\n': ""},
         "libraries whose streams are generators: https://github.com/rogeriochaves/langstream/issues/13"),
    Mistake("raised-RuntimeError",
         {'    return "".join(pieces)': "        return stream.get_final_text()"},
         "https://github.com/anthropics/anthropic-sdk-python/issues/977"),
    Mistake("swallowed",
         catches("except httpx2.TransportError:\n    return ''"),
         "https://github.com/agentjido/req_llm/issues/280: half an answer returned as a whole"),
    Mistake("swapped",
         {"(client, question, write)": "(client, write, question)"},
         "the order of a print with a file: where to first, or what first?"),
    Mistake("raised-parameters",
         {"(client, question, write)": "(client, question)", "write(piece)": "print(piece)"},
         "the function of lesson 01, extended without its new parameter"),
)  # fmt: skip

stream_text = Exercise(
    id="04.2",
    title="Write as it comes",
    objective="Hand on each piece of an answer when it arrives, and give back the whole text.",
    minutes=12,
    part="stream_text",
    task="""
The front desk of the library should speak while Claude is still writing. Complete `stream_text`:
it sends the question as a stream, hands each piece of the answer's text to `write` as soon as it
comes, and gives back the whole text at the end, as one `str`.

`write` is a function that takes one text. What becomes of it is up to the caller: on a page it is
shown, in the check it is kept. Thinking is not for visitors, and a reply may hold no text at all.
If the connection breaks, let the error go on, so that whoever called hears of it.
""",
    template='''
def stream_text(client, question, write):
    """Write each piece as it comes; give back the whole text."""
    ...
''',
    solution="""
def stream_text(client, question, write):
    pieces = []
    with client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    ) as stream:
        for piece in stream.text_stream:
            write(piece)
            pieces.append(piece)
    return "".join(pieces)
""",
    also_correct=(
        """
def stream_text(client, question, write):
    turn = {"role": "user", "content": question}
    request = {"model": MODEL, "max_tokens": 3000, "messages": [turn]}
    with client.messages.stream(**request) as stream:
        for event in stream:
            if event.type == "text":
                write(event.text)
        blocks = stream.get_final_message().content
    return "".join(block.text for block in blocks if block.type == "text")
""",
        """
def stream_text(client, question, write):
    text = ""
    for event in client.messages.create(
        messages=[{"role": "user", "content": [{"type": "text", "text": question}]}],
        model=MODEL,
        max_tokens=2000,
        stream=True,
    ):
        new = getattr(getattr(event, "delta", None), "text", "")
        write(new)
        text = text + new
    return text
""",
        """
async def stream_text(client, question, write):
    said = []
    async with client.messages.stream(
        model=MODEL, max_tokens=2000, messages=[dict(role="user", content=question)]
    ) as stream:
        async for piece in stream.text_stream:
            said += [piece]
            write(said[-1])
    return "".join(said)
""",
    ),
    hints=(
        "You need each piece twice: now, for `write`, and later, for the whole text. Where can it "
        "wait until then?",
        "Begin with an empty list. In the loop over the stream do two things with the piece: hand "
        "it to `write`, and append it to the list.",
        "The loop over `stream.text_stream` belongs inside the `with` block. After it, join the "
        'list with `"".join(...)` and return it. No `try` is needed.',
    ),
    rules=STREAM_TEXT_RULES,
    messages={
        "swallowed": "When the connection broke in mid-answer, your function gave back "
        "`$returned` as if that were all. Let the error go on.",
        "raised-RuntimeError": "`get_final_text` raises when a reply holds no text, and such "
        "replies exist. You have met all pieces in the loop: join those.",
        "raised-unknown-argument": "$kit (`write` takes one text, and nothing else; `end` and "
        "`flush` belong to `print`.)",
    },
    mistakes=STREAM_TEXT_MISTAKES,
    takeaway="Hand on each piece when it comes, and keep it as well: the reader has it at once, "
    "and your program has the whole.",
)


# --- 04.3 ------------------------------------------------------------------------------

EGG = [THOUGHT, "Seven minutes ", "for a crème-soft yolk, ", "ten for a firm one."]
SALAD = ["Wash it.\n", "Dry it well, or the dressing will run off."]
TIMER = [THOUGHT, "I will set one.", {"tool": "set_timer", "input": {"minutes": 7}}]
SOUP = {
    "content": [THOUGHT, "Simmer it for an hour, and salt it at the end."],
    "fault": {"kind": "no-end", "after": 20},
}
TALLIED = 'event.type == "content_block_delta" and event.delta.type == "text_delta"'
ADDED = 'sum(event.type == "text" for event in events)'
DELTAS = 'sum(event.type == "content_block_delta" for event in events)'
BLOCKS = (
    'sum(event.type == "content_block_start" and event.content_block.type == "text"'
    " for event in events)"
)
TEXT = '"".join(getattr(getattr(event, "delta", 0), "text", "") for event in events)'
FIRST = "events[0].message.usage"

# The place in the three, the rule, its message, what was given back, where it was seen.
NUMBERS = (
    (0, "both-kinds",
     "You counted every piece twice: the delta, and the event `text` that the package adds "
     "after it. Take one of the two.",
     f"value[0] + {ADDED}",
     "https://github.com/zed-industries/codex-acp/pull/65: both kinds of events taken"),
    (0, "all-deltas",
     "You counted every delta. The ones of a thinking or tool block are no text: "
     "`event.delta.type` says of what kind a piece is.",
     DELTAS,
     "articles that call every delta 'the actual text'"),
    (0, "starts-counted",
     "You counted the start of a text block as a piece. It only says that text will come; "
     "there is none in it yet.",
     f"value[0] + {BLOCKS}",
     "https://github.com/YishenTu/claudian/pull/465"),
    (0, "blocks-counted",
     "You counted text blocks. A block comes in many pieces, one for each delta.",
     BLOCKS,
     "blocks taken for pieces: content is a list of blocks, as lesson 02 has it"),
    (0, "other-pieces",
     "You counted $mine pieces of text; in this list there are $right.",
     "len(events)",
     "the length of the list, as the lesson's guess has it"),
    (1, "bytes",
     "Your second number counts bytes. An “è” is one character and two bytes: count "
     "characters.",
     f"len({TEXT}.encode())",
     "tried while reviewing: what travels, counted as the network counts"),
    (1, "words",
     "Your second number counts words. Count characters, blanks included.",
     f"len({TEXT}.split())",
     "words per second, as displays of streams show them"),
    (1, "letters-twice",
     "You counted every character twice: in the delta, and again in the event that the package"
     " adds after it.",
     "value[1] * 2",
     "lesson 04, raw events: each letter stands in two events"),
    (1, "other-letters",
     "You counted $mine characters; in this list there are $right.",
     "value[1] - 1",
     "overwritten or cut in the loop: a part of the text is missing"),
    (2, "tokens-summed",
     "You added the counts of `message_start` and `message_delta`. The later one is the total,"
     " and what came before is in it already.",
     f"value[2] + {FIRST}.output_tokens",
     "https://github.com/microsoft/agent-framework/issues/7143"),
    (2, "input-added",
     "You added the input tokens. Count the output alone.",
     f"value[2] + {FIRST}.input_tokens",
     "'tokens' as a bill has them: in and out together"),
    (2, "first-count",
     "You took the count of `message_start`. It was made when the answer had hardly begun; the"
     " real one comes with `message_delta`.",
     f"{FIRST}.output_tokens",
     "https://github.com/ccusage/ccusage/issues/938"),
    (2, "pieces-as-tokens",
     "You took the number of pieces for the number of tokens. A piece may hold many tokens, "
     "and thinking counts too: the API tells you the number.",
     "value[0]",
     "articles that let answers come token by token"),
    (2, "other-tokens",
     "You gave back $mine output tokens; the API counted $right in the end.",
     "value[2] and value[2] - 7",
     "https://github.com/BerriAI/litellm/issues/10691: thinking taken to be free"),
)  # fmt: skip


def counted(events: list[Any]) -> tuple[int, int, int | None]:
    """The pieces of text, their characters, and the last count of output tokens."""
    texts = []
    tokens = None
    for event in events:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            texts.append(event.delta.text)
        if event.type == "message_delta":
            tokens = event.usage.output_tokens
    return len(texts), len("".join(texts)), tokens


def number(at: int, name: str, says: str, gives: str, seen: str) -> Word:
    """A number that people get in a known wrong way, at this place of the three.

    `gives` is an expression of `value`, the three right numbers, and of the `events`. With a
    name in `other-` any wrong number is meant, and `$mine` and `$right` are filled in.
    """
    whole = ["value[0]", "value[1]", "value[2]"]
    whole[at] = gives

    def met(run: Run) -> bool:
        mine = run.returned[at]
        right = run.wanted[at]
        if mine == right or name.startswith("other-"):
            return bool(mine == right)
        known = {"value": run.wanted, "events": run.args[0]}
        return right is None or bool(mine != eval(gives, known))

    return rule(
        name,
        says,
        met,
        acts(f"({', '.join(whole)})"),
        seen,
        mine=lambda run: repr(run.returned[at])[:60],
        right=lambda run: run.wanted[at],
    )


def has_added(run: Run) -> bool:
    """Whether the package's own events for text are in the list."""
    return any(event.type == "text" for event in run.args[0])


def other_order(run: Run) -> bool:
    """Whether the right numbers stand in another order."""
    given = list(run.returned)
    right = list(run.wanted)
    return given != right and sorted(map(repr, given)) == sorted(map(repr, right))


TALLY_RULES = cases(
    case(events(EGG)),
    case(events(SALAD, raw=True)),
    case(events(TIMER)),
    case(events({"content": [], "stop_reason": "refusal"})),
    case(events(SOUP)),
    right=counted,
    expect=(
        rule("not-three",
             "Give back three numbers, separated by commas: pieces, characters, output tokens. "
             "You gave back `$returned`.",
             lambda run: isinstance(run.returned, tuple | list) and len(run.returned) == 3,
             acts('{"pieces": value[0], "letters": value[1]}'),
             "a dict for those who would rather have names"),
        rule("other-order",
             "The numbers are right, but they stand in another order: `$returned`. Pieces come "
             "first, then characters, then output tokens.", lambda run: not other_order(run),
             acts("(value[1], value[0], value[2])"),
             "three numbers in a row, read in the wrong order"),
        rule("added-only",
             "In one list the package's own events are left out, and you found no text there. The "
             "API's event for a piece is `content_block_delta`.",
             lambda run: run.returned[0] != 0 or run.wanted[0] == 0 or has_added(run),
             {TALLIED: 'event.type == "text"', "event.delta.text": "event.text"},
             "the loop of the lesson, where the package's events are there"),
        rule("made-up",
             "One stream broke off before the count came, and you gave back $mine. Nobody knows "
             "how many there were: give back `None`.",
             lambda run: run.wanted[2] is not None or run.returned[2] is None,
             {"0, 0, None": "0, 0, 0"},
             "counters begin at 0, and an unknown number looks like none",
             mine=lambda run: repr(run.returned[2])[:60]),
        *(number(*row) for row in NUMBERS),
    ),
)  # fmt: skip
TALLY_MISTAKES = (
    Mistake("raised-thinking-delta",
         {' and event.delta.type == "text_delta"': ""},
         "the loop of many articles, from when replies held nothing but text"),
    Mistake("raised-attribute",
         {TALLIED: 'hasattr(event, "delta") and event.delta.type == "text_delta"'},
         "the delta of `message_delta` is of another kind: it has no type"),
    Mistake("raised-unbound",
         {"pieces, letters, tokens = 0, 0, None": "pieces, letters = 0, 0"},
         "https://github.com/strands-agents/harness-sdk/issues/1868"),
    Mistake("printed",
         acts("", after="print(value)"),
         "articles print every result, because a script shows nothing else"),
)  # fmt: skip

tally = Exercise(
    id="04.3",
    title="Count what travels",
    objective="Read the events of a stream by their type, and count only what you mean.",
    minutes=12,
    task="""
The school keeps the events of its streams, as `events = list(stream)` gives them, and wants to
know what was in them. Complete `tally`: it gets the events of one stream and gives back three
numbers, in this order:

1. how many pieces of *text* came (thinking is not text),
2. how many characters these pieces hold together,
3. the output tokens that the API counted at the end; `None` if the stream broke off before that.

In one of the lists the events that the Python package adds are left out, and in one there is no
text at all. There is no client here: nothing is sent.
""",
    template='''
def tally(events):
    """Give back (pieces of text, characters, output tokens)."""
    ...
''',
    solution="""
def tally(events):
    pieces, letters, tokens = 0, 0, None
    for event in events:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            pieces += 1
            letters += len(event.delta.text)
        if event.type == "message_delta":
            tokens = event.usage.output_tokens
    return pieces, letters, tokens
""",
    also_correct=(
        """
def tally(events):
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    texts = [delta.text for delta in deltas if delta.type == "text_delta"]
    ends = [event.usage for event in events if event.type == "message_delta"]
    return len(texts), sum(map(len, texts)), ends[-1].output_tokens if ends else None
""",
        """
def tally(events):
    seen = {"text": "", "pieces": 0, "tokens": None}
    for event in events:
        match event.type:
            case "content_block_delta" if hasattr(event.delta, "text"):
                seen["text"] += event.delta.text
                seen["pieces"] += 1
            case "message_delta":
                seen["tokens"] = event.usage.output_tokens
    return [seen["pieces"], len(seen["text"]), seen["tokens"]]
""",
    ),
    hints=(
        "Look at the grammar of a stream in the lesson. Which event carries a piece, where does it "
        "say of what kind the piece is, and which event comes with the last count?",
        "The events of the package are missing in one list. So test `event.type` for the API's own "
        'event, `"content_block_delta"`, and then the type of its `delta`.',
        'A piece of text has `event.delta.type == "text_delta"`. The count is in `event.usage` '
        "of `message_delta`; begin with `None`, and it stays if that event never comes.",
    ),
    rules=TALLY_RULES,
    messages={
        "raised-unbound": "$kit In one list the stream broke off, and the event with the count "
        "never came.",
        "raised-attribute": "$kit Test `event.type` before you read, and remember: in one list the "
        "package's own events, which hold more than the API's, are left out.",
    },
    mistakes=TALLY_MISTAKES,
    takeaway="First the type of the event, then the type of its delta; and of several counts the "
    "last one is the total.",
)


# --- 04.4 ------------------------------------------------------------------------------

BUTTER = (
    "Melt the butter over a low flame and skim off the foam. When it smells of nuts and the bottom "
    "turns brown, pour it through a cloth at once, for it burns within a minute."
)
MILK = ["Heat the milk.", " Do not let it boil."]
NO_END = {"kind": "no-end", "after": len(MILK[0])}
BUSY = {"type": "overloaded_error", "message": "Overloaded"}
WRONG_KEY = {"type": "authentication_error", "message": "Invalid bearer token"}


def ends(question: str, reason: str, missed: Word, **more: Any) -> Case:
    """A stream that came to its end, for this reason; see `tells`."""
    reply = {"content": [THOUGHT, "Stir it"], "stop_reason": reason, **more}
    return case(question, replies=[reply], gives=("Stir it", True), missed=missed)


def tells(name: str, says: str, wrong: Any, seen: str) -> Word:
    """What it means that this case's `complete` is another one."""
    return rule(
        name,
        says,
        lambda run: run.returned[1] is run.wanted[1],
        wrong,
        seen,
        reason=lambda run: run.last_reply.stop_reason,
    )


def arrived(run: Run) -> bool:
    """Whether the text is what came; of a cut stream nobody knows exactly how much that is."""
    text, wanted = run.returned[0], run.wanted[0]
    if wanted == BUTTER:
        return bool(wanted.startswith(text) and len(text) >= 60)
    return bool(text == wanted)


REASON = tells(
    "reason-called-broken",
    "A reply stopped with `$reason`, and you gave back `$returned`. Its stream did come to its "
    "end: every `stop_reason` says so, whichever it is.",
    {"reason is not None": 'reason in ("end_turn", "max_tokens", "refusal")'},
    "tried while reviewing: a list of the stop reasons that one knows",
)

READ_CARD_RULES = cases(
    case("What do I need?\n", replies=[[THOUGHT, "250 g flour, 2 eggs, ", "milk\n"]],
         gives=("250 g flour, 2 eggs, milk\n", True),
         missed=tells("whole-called-broken",
              "A reply came to its end, and you called it broken off. Its text ends "
              "without a full stop, as lists do: the text cannot tell you. What can?",
              {"reason is not None": '"".join(pieces).endswith((".", "!", "?"))'},
              "judging by the last character: a list has no full stop")),
    case("How do I brown butter?", replies=[{"content": [THOUGHT, BUTTER], "fault": CUT}, BUTTER],
         gives=(BUTTER, False),
         missed=tells("cut-called-whole",
              "The connection was cut in mid-sentence, and you called the text complete. "
              "That there is some text says nothing about its end.",
              {"reason is not None": "bool(pieces)"}, "any text taken for the whole text")),
    case("And cocoa?", replies=[{"content": MILK, "fault": NO_END}, "".join(MILK)],
         gives=(MILK[0], False),
         missed=tells("no-end-called-whole",
              "One stream ended without an error, and yet its end was never sent. You "
              "called it complete. What does the final message lack then?",
              {"stream.get_final_message().stop_reason": "True"},
              "https://github.com/MoonshotAI/kosong/issues/60")),
    ends("How do I fold?", "max_tokens",
         tells("limit-called-broken",
              "A reply was cut at its limit, and you gave back `$returned`. Its stream did come "
              "to its end: every `stop_reason` says so, not only `end_turn`.",
              {"is not None": '== "end_turn"'}, "articles that know two stop reasons")),
    ends("And then?", "pause_turn", REASON),
    ends("Then?", "stop_sequence", REASON, stop_sequence="."),
    ends("Now?", "model_context_window_exceeded", REASON),
    case("Which mushrooms kill?", replies=[SILENT], gives=("", True),
         missed=tells("empty-called-broken",
              "A reply held no text, and its stream came to its end. It should be an empty "
              "text that is complete; you gave back `$returned`.",
              {"reason is not None": "reason is not None and len(pieces) > 0"},
              "https://github.com/agentjido/req_llm/issues/280: empty taken for broken")),
    case("Hi?", replies=[{"status": 401, "error": WRONG_KEY}], raises="AuthenticationError"),
    case("Hello?", replies=[{"status": 529, "error": BUSY}], raises="OverloadedError"),
    case("Anyone?", raises="APIConnectionError", through=unreachable),
    case("Once more?", replies=[{"content": [THOUGHT, BUTTER], "fault": {**CUT, "kind": "stall"}}],
         gives=(BUTTER, False), through=hasty,
         missed=tells("silence-called-whole",
              "Once the text stopped coming, and the client gave up waiting. You gave back "
              "`$returned`. Give back what arrived, and `False`.",
              {"except httpx2.TransportError":
                   'except httpx2.TimeoutException:\n        reason = "timeout"\n    '
                   "except httpx2.TransportError"},
              "a reason of one's own, where only the API's should stand")),
    expect=(
        asks(),
        streams(),
        room(),
        rule("start-swallowed",
             "Before any reply began there was an error, `$wanted`. That is no broken stream, and "
             "whoever called should hear of it. From your function came $error. Catch less.",
             lambda run: not run.raises or type(run.raised).__name__ == run.raises,
             {"httpx2.TransportError": "Exception"},
             "https://github.com/unslothai/unsloth/pull/10811: a wrong key kept as a broken reply",
             of_errors=True, wanted=lambda run: run.raises,
             error=lambda run: f"a `{type(run.raised).__name__}`" if run.raised else "no error"),
        rule("not-a-pair",
             "Give back two things, separated by a comma: the text, and whether it is complete. "
             "You gave back `$returned`.",
             lambda run: isinstance(run.returned, tuple | list) and len(run.returned) == 2,
             acts("value[0]"), "`stream_text` again, which gives back the text only"),
        rule("pair-swapped",
             "The two things are the wrong way round: the text comes first.",
             lambda run: [bool, str] != [type(part) for part in run.returned], acts("value[::-1]"),
             "'ok, value', as other languages have it"),
        rule("no-text-first",
             "The first of the two should be the text, as one `str`. Yours is a `$first`.",
             lambda run: isinstance(run.returned[0], str), {'"".join(pieces)': "pieces"},
             "stopping one step early: the pieces are there, but not joined",
             first=lambda run: type(run.returned[0]).__name__),
        rule("not-bool",
             "The second of the two should be `True` or `False`. Yours is $second: turn it into "
             "an answer to the question whether the stream came to its end.",
             lambda run: isinstance(run.returned[1], bool), {"reason is not None": "reason"},
             "the stop reason handed on in place of the answer",
             second=lambda run: repr(run.returned[1])[:40]),
        rule("text-lost",
             "The stream broke after some text, and you gave back none of it. It was received and "
             "paid for: keep it outside of the `try`.",
             lambda run: run.wanted[1] or run.returned[0],
             {"pass  # what arrived is in pieces": 'return "", False'},
             "https://github.com/dam-agents/dam/issues/933"),
        rule("text-changed",
             "Of a broken reply you gave back `$returned`. Give back exactly what arrived, to the "
             "last piece.", lambda run: run.wanted[1] or arrived(run),
             {"pass  # what arrived is in pieces": 'pieces.append(" [broken off]")'},
             "a mark in the text, where every reader takes it for Claude's"),
        rule("other-text",
             "A reply that came whole has another text than you gave back: `$returned`. Are all "
             "pieces in it?", arrived, {"pieces.append(piece)": "pieces = [piece]"},
             "overwritten in the loop: only the last piece is left"),
    ),
)  # fmt: skip
READ_CARD_MISTAKES = (
    Mistake("raised-broken-stream",
         {"httpx2.TransportError": "anthropic.APIError"},
         "https://github.com/anthropics/anthropic-sdk-python/issues/1919"),
    Mistake("raised-read-timeout",
         {"httpx2.TransportError": "(httpx2.RemoteProtocolError, httpx2.ReadError)"},
         "https://github.com/PostHog/posthog/pull/50795: errors added one by one"),
    Mistake("raised-name", {"httpx2": "httpx"}, "code from before version 1.0 of the package"),
    Mistake("raised-unbound",
         {"pieces, reason = [], None": "reason = None",
          "for piece in stream.text_stream:\n    ": "pieces = list(stream.text_stream)\n",
          "            pieces.append(piece)\n": ""},
         "the shortest way to the text of a stream that never breaks"),
    Mistake("twice",
         {"pass  # what arrived is in pieces": "return read_card(client, question)"},
         "https://github.com/aden-hive/hive/issues/5923: asking again after a break"),
    Mistake("raised-RuntimeError",
         {"            reason = ": "            stream.get_final_text()\n            reason = "},
         "https://github.com/anthropics/anthropic-sdk-python/issues/977"),
    Mistake("no-return", {"    return": "    # return"}, "a function that ends in its `except`"),
)  # fmt: skip

read_card = Exercise(
    id="04.4",
    title="Whole, or broken off?",
    objective="Keep what arrived of a broken stream, and never take it for the whole.",
    minutes=15,
    task="""
The school prints recipe cards from streams. A card must show everything that arrived, and it says
"broken off" when the stream did not come to its end. Complete `read_card`: it sends the question
as a stream and gives back two things, `(text, complete)`.

- The connection is cut, or falls silent: `text` is what arrived, `complete` is `False`.
- The stream ends, but its end was never sent: the same.
- The stream came to its end: `complete` is `True`, even when the reply was cut at its limit or
  holds no text. (What such a reply is worth is for others to decide.)
- Ask only once. And an error before the reply begins goes on as it is: a wrong key, a busy API, a
  connection that brings nothing.
""",
    template='''
def read_card(client, question):
    """Give back (text, complete)."""
    ...
''',
    solution="""
def read_card(client, question):
    pieces, reason = [], None
    try:
        with client.messages.stream(
            model=MODEL,
            max_tokens=2000,
            messages=[{"role": "user", "content": question}],
        ) as stream:
            for piece in stream.text_stream:
                pieces.append(piece)
            reason = stream.get_final_message().stop_reason
    except httpx2.TransportError:
        pass  # what arrived is in pieces
    return "".join(pieces), reason is not None
""",
    also_correct=(
        """
def read_card(client, question):
    turn = {"role": "user", "content": question}
    with client.messages.stream(
        model=MODEL, max_tokens=2000, messages=[turn]
    ) as stream:
        try:
            stream.until_done()
        except httpx2.TransportError:
            pass
        so_far = stream.current_message_snapshot
    texts = [block.text for block in so_far.content if block.type == "text"]
    return "".join(texts), bool(so_far.stop_reason)
""",
        """
def read_card(client, question):
    text, complete = "", False
    events = client.messages.create(
        messages=[{"role": "user", "content": question}],
        max_tokens=5000,
        model=MODEL,
        stream=True,
    )
    try:
        for event in events:
            if event.type == "content_block_delta":
                text += getattr(event.delta, "text", "")
            complete = complete or event.type == "message_stop"
    except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.ProtocolError):
        events.close()
    return text, complete
""",
        """
async def read_card(client, question):
    text, message = "", None
    try:
        async with client.messages.stream(
            model=MODEL,
            max_tokens=2000,
            messages=[dict(role="user", content=question)],
        ) as stream:
            async for piece in stream.text_stream:
                text += piece
            message = await stream.get_final_message()
    except httpx2.HTTPError:
        return text, False
    return text, message.stop_reason is not None
""",
    ),
    hints=(
        "Two breaks, two traces: one raises an error, the other leaves something empty in the "
        "final message. Which error, and what is empty?",
        "Collect the pieces in something that was made before `try:`, so that it survives the "
        "error. The error of a cut connection is not one of `anthropic`'s.",
        "Catch `httpx2.TransportError`, the whole family. Complete is a reply whose final message "
        "has a `stop_reason`, whichever it is.",
    ),
    rules=READ_CARD_RULES,
    messages={
        "twice": "You sent the question more than once. After a break the beginning would come a "
        "second time, and both are paid for. Keep what arrived, and say that it is a part.",
        "raised-broken-stream": "$kit Your code let this error pass. It comes from `httpx2`, so "
        "no error class of `anthropic` catches it.",
        "raised-unbound": "$kit When a stream breaks while its pieces are being joined, none of "
        "them is kept: collect them one by one, in something made before `try`.",
        "raised-name": "$kit (Older articles say `httpx`. The package carries its HTTP with "
        "`httpx2` since version 1.0, and the first cell imports that.)",
        "raised-read-timeout": "$kit Cuts you catch already; a silence belongs to the same "
        "family. Catch the family.",
        "raised-RuntimeError": "`get_final_text` raises when a reply holds no text, and such "
        "replies exist. Collect the pieces, or read the final message.",
    },
    mistakes=READ_CARD_MISTAKES,
    takeaway="A cut raises an `httpx2` error, a missing end raises nothing: whole is only a reply "
    "that says why it stopped.",
)


# --- 04.5 ------------------------------------------------------------------------------

# Practice sends everything at once, and the client reads 64 KB at a time: without something long
# in between, a stream that was left early could still be read after it was closed.
LONG = {"type": "thinking", "thinking": "", "signature": "c2VhbA" * 30_000}
# One sentence, with no end in it: whoever waits for a third sentence reads on into the error.
REST = " After that there is a lot more to say, and none of it was asked for, and it goes on"
RICE = "Rinse it well. Take 1.5 cups of water for each cup of rice, and a pinch of salt!"
FISH = "Is it fresh?\nSmell it."


def answered(question: str, blocks: list[Any], gives: str, after: int = 0) -> Case:
    """An answer, and these sentences of it; with an error after so many characters.

    A piece holds up to 120 characters: the error stands well behind the sentences.
    """
    reply: dict[str, Any] = {"content": blocks}
    if after:
        reply["fault"] = {"kind": "error", "after": after}
    return case(question, replies=[reply], gives=gives, through=keeping)


def gave(run: Run) -> str:
    """What came back, without blanks at its ends."""
    return run.text.strip()


def is_short(run: Run) -> bool:
    """Whether the answer has no third sentence, nor a rest of one."""
    return "fault" not in run.replies[0]


def too_much(run: Run) -> bool:
    """Whether more of the answer came back than wanted."""
    blocks = [block for block in run.replies[0]["content"] if isinstance(block, str)]
    more = gave(run).startswith(run.wanted) and "".join(blocks).startswith(gave(run))
    return more and gave(run) != run.wanted


TWO_SENTENCES_RULES = cases(
    answered("How do I begin?", [THOUGHT, RICE[:22], RICE[22:] + REST, LONG, REST * 6], RICE,
         len(RICE) + 200),
    answered("Is it done?", ["No! " * 60 + "Soon." + REST, LONG, REST * 6], "No! No!", 500),
    answered("May I eat this?", [FISH + REST * 2, LONG, REST * 6], FISH, len(FISH) + 250),
    answered("Salt?\n", [THOUGHT, "Yes. And ", "early!"], "Yes. And early!"),
    answered("Which berries kill?", [], ""),
    expect=(
        closes_stream(),
        asks(),
        streams(),
        room(),
        rule("short-reply",
             "An answer of fewer than two sentences should come back whole: $right. Yours gave "
             "`$returned`.", lambda run: gave(run) == run.wanted or not is_short(run),
             {"    return text\n": '    return ""\n'},
             "the way out that was not thought of: the loop ends by itself",
             right=lambda run: repr(run.wanted)),
        rule("blanks",
             "The two sentences are right, but what comes between them is not as it came: "
             "`$returned`.",
             lambda run: gave(run) == run.wanted or squeezed(run.text) != squeezed(run.wanted),
             {'"".join(done[:2])': '" ".join(done[:2])'},
             "sentences joined as if they had been stripped"),
        rule("too-much",
             "You gave back more than two sentences: `$returned`. A piece does not end where a "
             "sentence ends; take the two sentences out of the text.",
             lambda run: not too_much(run), {'"".join(done[:2])': "text"},
             "the piece in which the second sentence ends brings the next one along"),
        rule("too-little",
             "You gave back less than two sentences: `$returned`. Not every full stop ends one, "
             "and no number of characters does.",
             lambda run: gave(run) == run.wanted or not run.wanted.startswith(gave(run)),
             {"done = over(text)": 'done = [part + "." for part in text.split(".")[:-1]]'},
             "https://github.com/KoljaB/stream2sentence/issues/2"),
        rule("other-text",
             "What you gave back is not how the answer begins, or not that alone: `$returned`.",
             lambda run: gave(run) == run.wanted, {"done[:2]": "done[-1:]"},
             "a slice taken from the wrong end of the list"),
    ),
)  # fmt: skip
TWO_SENTENCES_MISTAKES = (
    Mistake("no-return-here",
         {"    return text\n": ""}, "a function with one `return`, inside an `if`"),
    Mistake("not-text",
         {'"".join(done[:2])': "done[:2]"},
         "stopping one step early: the sentences are there, but not joined"),
)  # fmt: skip

two_sentences = Exercise(
    id="04.5",
    title="Two sentences, then stop",
    objective="Leave a stream as soon as you have enough, and leave it closed.",
    minutes=15,
    optional=True,
    task="""
With flour on their hands, the cooks want to hear two sentences, not a lecture. Complete
`two_sentences`: it streams the answer, stops reading once two sentences are over, and gives back
these two. A shorter answer comes back whole.

`over` is there already: of the text so far it gives back the sentences that are certainly over,
each with the blank in front of it. (After "1." the next letter decides: it may become "1.5".)
What you leave behind must be closed, or the connection stays taken.
""",
    template='''
def over(text):
    """The sentences of a text that are certainly over, as a list."""
    return findall(r"[\\s\\S]+?[.!?](?=\\s)", text)


def two_sentences(client, question):
    """Give back the first two sentences, and read no further."""
    ...
''',
    solution="""
def over(text):
    return findall(r"[\\s\\S]+?[.!?](?=\\s)", text)


def two_sentences(client, question):
    text = ""
    with client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
    ) as stream:
        for piece in stream.text_stream:
            text += piece
            done = over(text)
            if len(done) >= 2:
                return "".join(done[:2])
    return text
""",
    also_correct=(
        """
def two_sentences(client, question):
    turn = {"role": "user", "content": question}
    request = {"model": MODEL, "max_tokens": 2000, "messages": [turn]}
    text, wanted = "", []
    with client.messages.stream(**request) as stream:
        for event in stream:
            if event.type == "text":
                text = event.snapshot if not text else text + event.text
                wanted = findall(r"^[\\s\\S]*?[.!?]\\s[\\s\\S]*?[.!?](?=\\s)", text)
            if wanted:
                break
    return wanted[0] if wanted else text
""",
        """
def two_sentences(client, question):
    pieces = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": question}],
        stream=True,
    )
    text, ends = "", []
    try:
        for event in pieces:
            text += getattr(getattr(event, "delta", None), "text", "")
            ends = [n for n in range(1, len(text)) if text[n].isspace()]
            ends = [n for n in ends if text[n - 1] in ".!?"]
            if len(ends) > 1:
                return text[: ends[1]]
        return text
    finally:
        pieces.close()
""",
        """
async def two_sentences(client, question):
    text = ""
    async with client.messages.stream(
        model=MODEL,
        max_tokens=2000,
        messages=[dict(role="user", content=question)],
    ) as stream:
        async for piece in stream.text_stream:
            text += piece
            found = findall(r"[\\s\\S]+?[.!?](?=\\s)", text)
            if found[1:]:
                return found[0] + found[1]
    return text
""",
    ),
    hints=(
        "Collect the text, and ask `over` after each piece how many sentences there are. What "
        "ends a loop, and what closes a stream?",
        "A `break` or a `return` inside a `with` block leaves it properly. After it, ask the "
        "stream for nothing more: it is closed, and the final message was never complete.",
        'Put the first two of the list together with `"".join(...)`. If the loop ends by itself, '
        "the answer was shorter: give back what you collected.",
    ),
    rules=TWO_SENTENCES_RULES,
    mistakes=TWO_SENTENCES_MISTAKES,
    takeaway="Enough is enough: leave the loop inside the `with` block, and use what you "
    "collected.",
)


EXERCISES = (on_screen, stream_text, tally, read_card, two_sentences)
