"""Exercises of lesson 05: fix a chat that forgets, keep its history, count it, cut it.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import json
from typing import Any

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    as_solved,
    case,
    cases,
    function_of,
    gives,
    leaves_alone,
    lets_rise,
    once,
    room,
    rounds,
    sends_back_whole_turns,
    slips,
)
from practice.grading.tape import text_of

IMPORTS = """
import json

import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
BUSY = {"status": 429, "error": {"type": "rate_limit_error", "message": "Slower, please."}}
READ_TEXT = """
def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")
"""
STREAMED = slips(
    ("streamed", acts(request='request["stream"] = True'),
     "lesson 04 used for every request from then on",
     "Your request asks for a stream. Here the whole reply is needed at once: send it with "
     "`client.messages.create(...)`, as in the lesson.",
     lambda run: not any(sent.body.get("stream") for sent in run.sent if sent.body)),
)  # fmt: skip


def user(text: str) -> dict[str, Any]:
    """A turn of the user."""
    return {"role": "user", "content": text}


def claude(*content: Any) -> dict[str, Any]:
    """A turn of Claude's, in plain blocks; a text is a text block."""
    blocks = []
    for block in content:
        blocks.append({"type": "text", "text": block} if isinstance(block, str) else block)
    return {"role": "assistant", "content": blocks}


def is_turn(turn: Any) -> bool:
    """Whether this is a role and a content, and nothing else."""
    return isinstance(turn, dict) and turn.keys() == {"role", "content"}


# --- 05.1 ------------------------------------------------------------------------------

SEVEN = [["Seven ", "kilometres."], [THOUGHT, "Seven."], [THOUGHT, "At the end.\n"]]
KEEPS = "history.append(reply.to_param())"


def are_turns(run: Run) -> bool:
    """Whether every entry of `messages` has a role and a content."""
    turns = [turn for sent in run.sent for turn in sent.body.get("messages") or []]
    return all(isinstance(turn, dict) and {"role", "content"} <= turn.keys() for turn in turns)


def asked_in_turn(run: Run) -> bool:
    """Whether each request ends with its own question, as a turn of the user."""
    pairs = zip(run.sent, run.args[0], strict=False)
    return all(sent.roles[-1:] == ["user"] and sent.said == question for sent, question in pairs)


CARRIED, ASKED, TURNS, *TEXTS = slips(
    ("carried-over", {"questions):\n    history,": "questions, history=[]):\n    ignored,"},
     "a list as a default value is made once, and shared by all calls",
     "The check called `talk` again, and the first request of the new conversation still held "
     "turns of the last one. Begin each call with an empty list of its own.",
     lambda run: not run.sent or "assistant" not in run.sent[0].roles),
    ("other-question", {'"content": question}': '"content": question.strip()}'},
     "texts tidied on their way",
     "Each request should end with one question, as a turn of the user, as it is: the first "
     "request with the first question, the second with the second.", asked_in_turn),
    ("no-turn", {KEEPS: "history.append(read_text(reply))"}, "a text taken for a turn",
     "An entry of your `messages` is no turn. Each is a dict with a `role` and a `content`; "
     "`reply.to_param()` is one.", are_turns),
    ("messages-listed", {"texts.append(read_text(reply))": "texts.append(reply)"},
     "giving back what the call gave",
     "Your list holds whole replies. Give back the text of each: `read_text` gives it.",
     lambda run: "Message(" not in repr(run.returned)),
    ("last-only", [acts("value[-1]"), acts("value[-1:]")],
     "the loop's variable taken for the whole",
     "You gave back the last answer only. Give back a list with the text of each."),
    ("raised-400", {"reply.to_param()": "reply"},
     "lesson 05, 'Keep the blocks': the Message itself appended",
     "$kit Print the list that you send: a turn has a `role`, a `content` and nothing else."),
)  # fmt: skip

talk = Exercise(
    id="05.1",
    title="Fix a chat that forgets",
    objective="Send the whole conversation with each question, in blocks.",
    minutes=8,
    task="""
A walking club copied `talk` from an article. It should ask the questions one after the other, in
one conversation, and give back the texts of the answers as a list. Each request should hold
everything that was said before it: the earlier questions, and Claude's turns with all their
blocks. Two things in `talk` are wrong. Fix them; you may check after each. (`read_text` is right.)
""",
    template=f"""{READ_TEXT}

def talk(client, questions):
    history, texts = [], []
    for question in questions:
        history.append({{"role": "user", "content": question}})
        reply = client.messages.create(
            model=MODEL, max_tokens=2000, messages=history[-1:]
        )
        history.append({{"role": "assistant", "content": read_text(reply)}})
        texts.append(read_text(reply))
    return texts
""",
    solution=f"""{READ_TEXT}

def talk(client, questions):
    history, texts = [], []
    for question in questions:
        history.append({{"role": "user", "content": question}})
        reply = client.messages.create(model=MODEL, max_tokens=2000, messages=history)
        history.append(reply.to_param())
        texts.append(read_text(reply))
    return texts
""",
    also_correct=(
        """
def talk(client, questions):
    turns, texts = [], []
    for question in questions:
        turns += [dict(role="user", content=[{"type": "text", "text": question}])]
        said = client.messages.create(model=MODEL, max_tokens=3000, messages=turns)
        turns = [*turns, {"role": "assistant", "content": said.to_dict()["content"]}]
        texts += ["".join(getattr(block, "text", "") for block in said.content)]
    return texts
""",
    ),
    hints=(
        "What does `history[-1:]` hold at the second question? Print it, or look at the request "
        "below the message of the check.",
        "The list `history` itself holds everything that was said. And what is lost when only the "
        "text of a reply is kept?",
        "The lesson's method `to_param()` makes a turn of a reply, with its role and all blocks.",
    ),
    rules=cases(
        case(
            ["A walk?", "In rain?"],
            replies=[[THOUGHT, "The lake."], ["In ", "the wood."]],
            requests=2,
        ),
        case(["Long?\n", "How long?", "A café? "], replies=SEVEN, requests=3),
        case(["Hello?"], replies=[[THOUGHT, "Hello!"]]),
        expect=(
            *(*STREAMED, CARRIED, rounds(), ASKED, TURNS, sends_back_whole_turns(), room()),
            *(*TEXTS, gives(list, wrong="value[::-1]")),
        ),
        solved=True,
    ),
    messages={
        "stopped-early": "Your code sent $sent of $wanted requests: each question needs one of its "
        "own. Go through all questions, and send a request for each.",
        "went-on": "Your code sent $sent requests for $wanted questions. Each question is sent "
        "once; keep its reply in a variable.",
        "history-changed": "A request does not hold everything that was said before it. Claude "
        "remembers nothing between requests: send the whole `history`, not a part of it.",
        "turn-changed": "Claude's turn did not go back as it came: blocks are missing or changed. "
        "Its thinking belongs to it. Keep the whole turn: `reply.to_param()`.",
    },
    mistakes=(
        Mistake(
            "history-changed",
            {"messages=history": "messages=history[-1:]"},
            "https://github.com/mkupermann/souprise/issues/8",
        ),
        Mistake(
            "turn-changed",
            {"reply.to_param()": '{"role": "assistant", "content": read_text(reply)}'},
            "lesson 05, question 3, answer a: the text alone is kept",
        ),
        Mistake(
            "stopped-early",
            {"    return texts": "        return texts"},
            "a return that slid into the loop",
        ),
    ),
    takeaway="The conversation is the list that you send. Claude's turns go into it as they came.",
)


# --- 05.2 ------------------------------------------------------------------------------

AS_DICTS = '{"role": "assistant", "content": reply.to_dict()["content"]}'
BEFORE = [user("Is the café open?"), claude("From noon.")]
LONGER = [*BEFORE, user("And on Sunday?"), claude("From ten.")]
REFUSED = {"content": [], "stop_reason": "refusal"}


def kept(run: Run) -> Any:
    """The history that came back; None unless it came with a `Message`."""
    value = run.returned
    if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], list):
        return value[1] if type(value[0]).__name__ == "Message" else None
    return None


def is_plain(run: Run) -> bool:
    """Whether JSON takes the history."""
    try:
        json.dumps(kept(run))
    except (TypeError, ValueError):
        return False
    return True


def bare(value: Any) -> Any:
    """JSON without fields that are null, and each content as blocks."""
    if isinstance(value, dict):
        found = {key: bare(value[key]) for key in value if value[key] is not None}
        if isinstance(found.get("content"), str):
            found["content"] = [{"type": "text", "text": found["content"]}]
        return found
    return [bare(item) for item in value] if isinstance(value, list) else value


def as_came(run: Run) -> list[Any]:
    """The right history, with the blocks that came in this run."""
    blocks = run.requests[-1].reply["content"]
    added = [user(run.args[1]), claude(*blocks)] if blocks else []
    return [*run.before["history"], *added]


FAILED = slips(
    ("left-behind",
     {"asked = [*history, {": "asked = history\n    asked.append({", '": text}]': '": text})'},
     "https://github.com/amd/gaia/issues/3512",
     "The request failed, and the list that your function was given is another one now: it ends "
     "with a question that nobody answered. Make a new list, and leave this one as it is.",
     lambda run: not run.raises or run.args[0] == run.before["history"]),
    of_errors=True,
)  # fmt: skip
HISTORIES = slips(
    ("not-two", {"return reply, [*asked, answer]": "return [*asked, answer]"},
     "a function that gave back one thing before",
     "Two things are wanted, `return reply, history`: the whole `Message`, and the history as a "
     "list. You gave back a `$kind` that is something else.", lambda run: kept(run) is not None),
    ("empty-turn", {"    if not reply.content:\n        return reply, history\n": ""},
     "https://github.com/UKGovernmentBEIS/inspect_ai/pull/832",
     "The reply held no block, and your history is longer than before. A turn without content is "
     "refused from then on, and so is a question that got no answer: give back the history as it "
     "was.", lambda run: run.requests[-1].reply["content"] or kept(run) == run.before["history"]),
    ("not-plain", {AS_DICTS: "reply.to_param()"}, "lesson 05, 'A crash while saving'",
     "`json.dumps` cannot take your history: it holds objects of the package. Use the plain dicts "
     "that `reply.to_dict()` gives, and of these the `content`.", is_plain),
    ("whole-reply", {AS_DICTS: "reply.to_dict()"},
     "lesson 05, question 3, answer c: the reply itself as an entry",
     "Claude's turn in your history holds more than `role` and `content`, and the API refuses "
     "that. Of `to_dict()` take the `content` only.",
     lambda run: all(is_turn(turn) for turn in kept(run))),
    ("turns-missing", {"[*asked, answer]": "[*history, answer]"},
     "the answer stored, and the question forgotten; lesson 05, question 3, answer a: the text "
     "alone",
     "Your history should get the two turns of this round: the question, and then Claude's with "
     "all its blocks, thinking too. Its roles are now: $roles. Only a reply without blocks adds "
     "nothing.", lambda run: bare(kept(run)) == bare(as_came(run))),
    roles=lambda run: ", ".join(str(turn["role"]) for turn in kept(run)) or "no turn",
)  # fmt: skip

say = Exercise(
    id="05.2",
    title="A history that survives",
    objective="Add a turn to a history so that it can always be sent again, and saved.",
    minutes=12,
    task="""
The club's chat keeps the history between two questions. Its function `say` works, until something
goes wrong. Fix it, so that

- the list that it is given is never changed: when a request fails, the error goes on, and the
  history is still the one from before the question;
- it gives back two things, `(reply, history)`, with the question and Claude's whole turn added;
- `json.dumps` can take the history that it gives back;
- a reply without any block, such as some refusals, adds nothing: history comes back as it was.
""",
    template="""
def say(client, history, text):
    history.append({"role": "user", "content": text})
    reply = client.messages.create(model=MODEL, max_tokens=2000, messages=history)
    history.append(reply.to_param())
    return reply, history
""",
    solution="""
def say(client, history, text):
    asked = [*history, {"role": "user", "content": text}]
    reply = client.messages.create(model=MODEL, max_tokens=2000, messages=asked)
    if not reply.content:
        return reply, history
    answer = {"role": "assistant", "content": reply.to_dict()["content"]}
    return reply, [*asked, answer]
""",
    also_correct=(
        """
def say(client, history, text):
    longer = history.copy()
    longer.append({"role": "user", "content": [{"type": "text", "text": text}]})
    reply = client.messages.create(model=MODEL, max_tokens=4000, messages=longer)
    blocks = json.loads(reply.to_json())["content"]
    if len(blocks) > 0:
        longer.append({"role": "assistant", "content": blocks})
        return reply, longer
    return reply, list(history)
""",
    ),
    hints=(
        "`append` changes the list that the caller handed over. How did the lesson make a new list "
        "out of an old one and one more turn?",
        "`to_param()` keeps objects of the package, which JSON does not know. `to_dict()` gives "
        "the whole reply as plain dicts; a turn needs its `content` only.",
        "Look at `reply.content` before you build Claude's turn. If it is empty, give back the "
        "reply, and the history that you were given.",
    ),
    rules=cases(
        case(BEFORE, "Which path is dry?", replies=[BUSY], raises="RateLimitError"),
        case([], "Hello, is it far?", replies=[[THOUGHT, "An hour."]]),
        case(LONGER, "Is there cake?\n", replies=[["There is ", THOUGHT, "cake."]]),
        case(BEFORE, "Refused?", replies=[REFUSED]),
        case([], "Refused at once?", replies=[REFUSED]),
        case(BEFORE, "Cut?", replies=[{"content": [THOUGHT, "The"], "stop_reason": "max_tokens"}]),
        expect=(
            *(*STREAMED, *FAILED, as_solved("messages"), lets_rise(), once(), room()),
            *(*HISTORIES, leaves_alone("history")),
        ),
    ),
    messages={
        "other-request": "The request should hold the history that your function was given, and "
        "after it the text, as a turn of the user, as it is. It differs at `$where`.",
    },
    mistakes=(
        Mistake(
            "other-request",
            {"messages=asked": "messages=asked[-1:]"},
            "https://github.com/mkupermann/souprise/issues/8: only the last message is sent",
        ),
    ),
    takeaway="A history grows by a question and its answer, or not at all, and it is plain data.",
)


# --- 05.3 ------------------------------------------------------------------------------

SUMS = slips(
    ("no-memory", acts("sum(question for question, _ in turns)"),
     "lesson 05, question 1, answer c: the API remembers",
     "You added each question once. A request holds all earlier questions and answers again."),
    ("each-once", acts("sum(question + answer for question, answer in turns)"),
     "lesson 05, question 1, answer a: twice the turns taken for twice the tokens",
     "You counted each turn once. An early one is sent with every later request again."),
    ("last-request", acts("sum(q + a for q, a in turns[:-1]) + (turns[-1][0] if turns else 0)"),
     "the size of the history taken for the bill",
     "That is what the last request holds. Add up the earlier ones as well."),
    ("answers-free", {"so_far += answer": "so_far += 0"},
     "an answer taken for output only: paid for once",
     "You sent the earlier questions again, but not the answers. Claude's turns are part of the "
     "history, and count as input then."),
    ("questions-once", {"so_far += answer": "so_far += answer - question"},
     "your own words taken for known",
     "You sent the earlier answers again, but not the earlier questions. The history holds both."),
    ("answer-too-early", acts("value + sum(answer for _, answer in turns)"),
     "the running sum increased before the request is counted",
     "You count an answer as input of its own request. It comes later: add it afterwards."),
    ("neighbour-only", acts("sum(q for q, _ in turns) + sum(q + a for q, a in turns[:-1])"),
     "a chat pictured as question, answer, question",
     "You count the turn just before a request. Everything that was said before goes along."),
)  # fmt: skip

total_input = Exercise(
    id="05.3",
    title="What will the conversation cost?",
    objective="Compute the input of a whole conversation before you hold it.",
    minutes=10,
    task="""
The club wants to know what an evening's chat will take. Write down your guess first: three
questions of 20 tokens, each answered in 100. How many input tokens do the three requests hold
together? Then fix `total_input`, whose author thought that the API remembers.

`turns` is a list with a pair for each turn, `(tokens of the question, tokens of the answer)`.
Give back the input tokens of all requests together, as an `int`. Each request holds its question
and, before it, all earlier questions and answers; they count in full, thinking included. Nothing
is sent, and what the API adds to a request is left out.
""",
    template="""
def total_input(turns):
    total = 0
    for question, answer in turns:
        total += question
    return total


total_input([(20, 100), (20, 100), (20, 100)])
""",
    solution="""
def total_input(turns):
    total, so_far = 0, 0
    for question, answer in turns:
        so_far += question
        total += so_far
        so_far += answer
    return total
""",
    also_correct=(
        """
def total_input(turns):
    left = len(turns)
    total = 0
    for question, answer in turns:
        total += left * question + (left - 1) * answer
        left -= 1
    return total
""",
    ),
    hints=(
        "Write down for each of the three requests what it holds: the first 20 tokens, the second "
        "20 and 100 and 20, the third ... Which of these numbers was there before?",
        "Keep two sums: what the conversation holds so far, and what all requests held together.",
        "In the loop: the question joins what there is so far; that is sent, so add it to the "
        "total; only then does the answer join it.",
    ),
    rules=function_of(
        case([(35, 48), (9, 120), (14, 61), (7, 5)]),
        case([(20, 100), (20, 100), (20, 100)]),
        case([(50, 10)]),
        case([]),
        case([(5, 0), (300, 1), (2, 2000)]),
        kind=int,
        known=SUMS,
        says="Your function gave back `$returned`; right is $wanted. Write down what each request "
        "holds, one line for each, and compare.",
        wrong="value + 3 * len(turns)",
    ),
    takeaway="The sum grows with the square of the turns, because each request holds all earlier "
    "ones.",
)


# --- 05.4 ------------------------------------------------------------------------------

THINKS = {"type": "thinking", "thinking": "", "signature": "c2VhbA=="}
HIDDEN = {"type": "redacted_thinking", "data": "c2VhbA=="}
LAKE = [
    user("A walk, please."),
    claude(THINKS, "Round the lake."),
    user("How long is it?"),
    claude(HIDDEN, "Two ", "hours."),
    user("Is there a café?"),
    claude(THINKS, "At the end."),
    user("And when does it close?"),
]
SPOKE_TWICE = [
    user("Hello?"),
    claude("Hello!"),
    user("One more thing."),
    user("Where is the key?"),
    claude(THINKS),
    user("And the map?"),
    claude(THINKS, "On the wall."),
    user("Thank you."),
]
IN_A_ROW = [user("Hello?"), claude("Hello!"), user("A map."), user("A key."), user("Bye.")]
STAYS = "        return history\n"
STRIPS = 'if "thinking" not in block["type"]'
FROM = "history[starts[-n] :]"
GLUED = """
        if turn["role"] == "assistant":
            content = "".join(block["text"] for block in content)
"""

WINDOWS = slips(
    ("not-turns", acts("[text for turn in value for text in turn['content']]"),
     "the contents collected, and the turns forgotten",
     "Your list holds something that is no turn, a dict with a `role` and a `content`.",
     lambda run: all(is_turn(turn) for turn in run.returned)),
    ("turns-counted", [acts("history[-n:]"), {FROM: "history[-n:]", "len(starts)": "len(history)"}],
     "https://github.com/xtekky/gpt4free/issues/878: one message popped for each added",
     "You kept the last `n` turns. Keep the last `n` questions, with what was said after them."),
    ("begins-with-claude", acts("history[-2 * n :]"),
     "https://github.com/HKUDS/nanobot/pull/1038: the last messages, whatever they are",
     "Your window begins with a turn of Claude's, whose question was cut away. Find the places of "
     "the user's turns, and cut in front of one.",
     lambda run: not run.returned or run.returned[0]["role"] == "user"),
    ("cut-too-much", {STAYS: "        starts, n = [0], 1\n"},
     "thinking dropped always, to be on the safe side",
     "There are `n` questions or fewer, so nothing is to be cut, and the history stays as it is, "
     "thinking too. Yours came back with less."),
    ("thinking-kept",
     [{"    kept = []\n": f"    return {FROM}\n"},
     {STRIPS: 'if block["type"] == "text" or block["type"] == "thinking"'}],
     "lesson 05, 'Shorten it': the roles are fine, the thinking is not",
     "The cut is at the right place, but thinking stayed in it. It is bound to what was said "
     "before, and that is gone, so the API refuses it: leave these blocks out."),
    ("redacted-kept", {STRIPS: 'if block["type"] != "thinking"'},
     "one of the two types known; the other is rare",
     "A block of the type `redacted_thinking` stayed in your window. It is thinking too, in a form "
     "that nobody can read: leave it out."),
    ("empty-turn", {"        if content:\n": "        if history:\n"},
     "lesson 05, error hunt 3: a turn without a text in the middle of the history",
     "One of Claude's turns held nothing but thinking, so its content is empty now, and the API "
     "refuses such a turn. Leave it out."),
    ("texts-glued", {"\n        if content:": f"{GLUED}        if content:"},
     "lesson 05, 'Keep the blocks, not the text'",
     "Claude's turn in your window is a plain text now. It was a list of blocks: keep the list, "
     "and leave out of it only the thinking.",
     lambda run: not any(isinstance(turn["content"], str) and turn["role"] == "assistant"
                         for turn in run.returned)),
    ("other-length", acts("value[:-1]"),
     "lesson 05, 'Shorten it': a list that ends with Claude's turn; a place counted from the wrong "
     "end",
     "With `n` = $n your window should begin with “$first”, end with the new question, and have "
     "$right turns. Yours has $count.", lambda run: len(run.returned) == len(run.wanted)),
    n=lambda run: run.args[1],
    first=lambda run: text_of(run.wanted[0]["content"]),
    right=lambda run: len(run.wanted),
    count=lambda run: len(run.returned),
)  # fmt: skip

window = Exercise(
    id="05.4",
    title="A window on the conversation",
    objective="Cut a long history so that the API still takes it.",
    minutes=15,
    part="window",
    task="""
At the library desk some visitors talk for an hour. `window` should shorten the history before it
is sent. It gets a history in plain dicts, which ends with a new question, and keeps the last `n`
questions with what was said after each of them (`n` is at least 1). This one cuts anywhere.
Fix it:

- it begins with the `n`-th last turn of the user; a visitor may speak twice in a row;
- when something is cut, no block of thinking stays (there are two types, `thinking` and
  `redacted_thinking`), and no turn whose content is empty then; all else stays as it is;
- with `n` questions or fewer, everything stays, thinking too;
- the history that it is given is not changed.
""",
    template="""
def window(history, n):
    return history[-2 * n :]
""",
    solution="""
def window(history, n):
    starts = [i for i, turn in enumerate(history) if turn["role"] == "user"]
    if len(starts) <= n:
        return history
    kept = []
    for turn in history[starts[-n] :]:
        content = turn["content"]
        if not isinstance(content, str):
            content = [block for block in content if "thinking" not in block["type"]]
        if content:
            kept.append({**turn, "content": content})
    return kept
""",
    also_correct=(
        """
def window(history, n):
    kept = []
    for turn in reversed(history):
        if n == 0:
            break
        kept.insert(0, turn)
        if turn["role"] == "user":
            n -= 1
    if len(kept) == len(history):
        return kept
    short = []
    for turn in kept:
        if turn["role"] == "assistant":
            blocks = []
            for block in turn["content"]:
                if block["type"] not in ("thinking", "redacted_thinking"):
                    blocks.append(block)
            turn = {"role": "assistant", "content": blocks}
        if turn["content"]:
            short.append(turn)
    return short
""",
    ),
    hints=(
        "Where does each question stand? Make a list of the places of all turns of the user; the "
        "cut is at the `n`-th last of them.",
        "The content of a question is a text, that of Claude's turn a list of blocks. Go through "
        "the blocks, keep those that are no thinking, and build a new turn with them.",
        "Four steps: the places; everything if there are `n` or fewer; the turns from the cut on, "
        "each without thinking; of these the ones that still have content.",
    ),
    rules=function_of(
        *(case(LAKE, n) for n in (2, 1, 4, 9, 3)),
        case(SPOKE_TWICE, 3),
        case(SPOKE_TWICE, 4),
        case(IN_A_ROW, 2),
        case([], 2),
        kind=list,
        before=(leaves_alone("history"),),
        known=WINDOWS,
        name="other-window",
        says="Your window has the right number of turns, but a turn in it is not as it was in the "
        "history. Change nothing but the thinking. You gave back `$returned`.",
        wrong="[{'role': 'user', 'content': str(turn['content'])} for turn in value]",
    ),
    mistakes=(
        Mistake(
            "changed-argument",
            {"kept.append({**turn, ": "kept.append(turn)\n            turn.update({"},
            "the turns in a new list are still the old dicts",
        ),
    ),
    takeaway="Cut in front of a question, drop the thinking, end with your turn.",
)


EXERCISES = (talk, say, total_input, window)
