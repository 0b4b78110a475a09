"""Exercises of lesson 10: effort, a rescue, thinking through a tool loop, the price of being right.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from typing import Any

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    answers_every_call,
    asks,
    case,
    cases,
    gives,
    gives_text,
    of_kind,
    one_request,
    room,
    rounds,
    rule,
    sends_back_whole_turns,
)

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
READ_TEXT = """
def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")
"""
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'


def sent_to(run: Run) -> list[dict[str, Any]]:
    """The bodies of all that was sent to `messages`, of refused requests too."""
    return [sent.body for sent in run.sent if sent.path == "/v1/messages" and sent.body]


# --- 10.1 ------------------------------------------------------------------------------


def effort_of(body: dict[str, Any]) -> Any:
    """The effort of a request; None without one."""
    config = body.get("output_config")
    return config.get("effort") if isinstance(config, dict) else None


def misplaced(run: Run) -> bool:
    """Whether an effort stands beside the thinking."""
    thoughts = [body.get("thinking") for body in sent_to(run)]
    return any(isinstance(one, dict) and "effort" in one for one in thoughts)


solve = Exercise(
    id="10.1",
    title="Fix the effort",
    objective="Say how much effort a question is worth, and read the reply safely.",
    minutes=8,
    task="""
A chess club asks easy and hard questions, and wants to say with each how much effort it is worth.
This function should send the question with this `effort` and give back the text of the reply.
Three things in it are wrong. Fix them; you may check after each:

- the effort stands in the wrong place;
- the limit is so small that thinking may leave nothing for the answer (2,000 is the least here);
- the text is taken from a block by its place, and replies differ.
""",
    template="""
def solve(client, question, effort):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=300,
        thinking={"type": "adaptive", "effort": effort},
        messages=[{"role": "user", "content": question}],
    )
    return reply.content[1].text
""",
    solution="""
def solve(client, question, effort):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=4000,
        output_config={"effort": effort},
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in reply.content if block.type == "text")
""",
    also_correct=(
        """
def solve(client, question, effort):
    request = {"model": MODEL, "max_tokens": 8000, "thinking": {"type": "adaptive"}}
    request["output_config"] = {"effort": effort}
    request["messages"] = [{"role": "user", "content": question}]
    text = ""
    for block in client.messages.create(**request).content:
        text += block.text if block.type == "text" else ""
    return text
""",
    ),
    hints=(
        "The lesson puts the effort in the same wrong place once, and the next cell in the right "
        "one. What is the argument called there?",
        "Effort is an entry in the dict `output_config`. The level comes from the argument, so "
        "write no level of your own.",
        "With little effort a reply may have no thinking block at all. So ask each block for its "
        '`type`, and join the `text` of those of type `"text"`.',
    ),
    rules=one_request(
        case("Mate in two?", "high", replies=[[THOUGHT, "Queen to h7."]]),
        case("How does a knight move?\n", "low", replies=[["Two and one."]]),
        case("Is this a draw?", "medium", replies=[[THOUGHT, "Yes, ", "by ", "repetition.\n"]]),
        expect=(
            rule(
                "effort-in-thinking",
                "The effort stands inside `thinking`, where the API refuses it. It has an argument "
                "of its own, a dict: `output_config`.",
                lambda run: not misplaced(run),
                {'output_config={"effort": effort}':
                 'thinking={"type": "adaptive", "effort": effort}'},
                "https://github.com/checkmarble/llmberjack/pull/14",
                show="thinking",
            ),
            rule(
                "config-no-dict",
                "`output_config` is a dict, in which the effort is one entry: "
                '`{"effort": ...}`. You sent `$found`.',
                lambda run: all(isinstance(body.get("output_config", {}), dict)
                                for body in sent_to(run)),
                {'{"effort": effort}': "effort"},
                "https://github.com/vellum-ai/vellum-assistant/pull/11760: one level deeper",
                found=lambda run: repr(sent_to(run)[0].get("output_config")),
            ),
            rule(
                "no-effort",
                "Your request has no effort, so each question gets the default, `high`. Send the "
                "one that your function is given, in `output_config`.",
                lambda run: all(effort_of(body) for body in sent_to(run)),
                {'        output_config={"effort": effort},\n': ""},
                "https://github.com/looplj/axonhub/pull/1150: an effort that is not passed on",
            ),
            rule(
                "other-effort",
                "Your request has the effort `$found`; your function was given `$wanted`.",
                lambda run: all(effort_of(body) == run.given["effort"] for body in sent_to(run)),
                {'"effort": effort': '"effort": "low"'},
                "a level copied along with the cell of the lesson",
                show="output_config",
                found=lambda run: effort_of(sent_to(run)[0]),
                wanted=lambda run: run.given["effort"],
            ),
        ),
        least=2000,
    ),
    messages={
        "raised-index": "$kit With little effort there may be no thinking block, so the text is "
        "not always the second one.",
        "raised-unknown-argument": "$kit The effort is an entry of the dict `output_config`.",
    },
    mistakes=(
        Mistake("raised-index", {JOINED: "reply.content[1].text"},
                "counting blocks: https://github.com/AstroVela/vane/issues/140"),
        Mistake("raised-unknown-argument", {'output_config={"effort": effort}': "effort=effort"},
                "other packages have `reasoning_effort` as an argument of the call"),
        Mistake("raised-400", {'output_config={"effort": effort}':
                               'output_config={"effort": effort},\n        '
                               'thinking={"type": "enabled", "budget_tokens": 2000}'},
                "https://github.com/tontinton/maki/pull/331: budgets of 2025"),
    ),
    takeaway="Effort stands in `output_config`, one level for each request. It is guidance: give "
    "room, and expect a reply with or without thinking.",
)  # fmt: skip


# --- 10.2 ------------------------------------------------------------------------------

MORE = 4000  # output tokens of the second try


def cut(*texts: str) -> dict[str, Any]:
    """A reply that was cut by `max_tokens`."""
    return {"content": [THOUGHT, *texts], "stop_reason": "max_tokens"}


REFUSED = {"content": [], "stop_reason": "refusal"}


def limits(run: Run) -> list[Any]:
    """The limit of each request."""
    return [body.get("max_tokens") for body in sent_to(run)]


def refusal_again(run: Run) -> bool:
    """Whether something was sent after a refusal."""
    return run.replies[0] == REFUSED and len(sent_to(run)) > 1


def rest(body: dict[str, Any]) -> dict[str, Any]:
    """A request without its limit."""
    return {name: value for name, value in body.items() if name != "max_tokens"}


def first_text(run: Run) -> str:
    """The text of the first reply."""
    content = run.lab.message(run.replies[0]).content
    return "".join(block.text for block in content if block.type == "text")


answer = Exercise(
    id="10.2",
    title="An answer, or nothing",
    objective="Rescue a reply that thinking has starved, once, and never pass off half an answer.",
    minutes=12,
    task=f"""
A garden centre asks with little room, given as `room`, because most questions are easy. Some
replies are cut then. This function should rescue them, but it judges by the text and never gives
up. Fix it, so that it does this:

- ask with `room` as `max_tokens`;
- if that reply was cut (`stop_reason` is `max_tokens`), ask the same once more, with {MORE}
  tokens, and only once;
- give back the text of the last reply if it came to its end (`end_turn`), and `None` if not.

`read_text` is right.
""",
    template=READ_TEXT + '''

def answer(client, question, room):
    """Give back the whole answer, or None."""
    request = {
        "model": MODEL,
        "max_tokens": room,
        "messages": [{"role": "user", "content": question}],
    }
    reply = client.messages.create(**request)
    while not read_text(reply):
        reply = client.messages.create(**request)
    return read_text(reply)
''',
    solution=READ_TEXT + '''

def answer(client, question, room):
    request = {
        "model": MODEL,
        "max_tokens": room,
        "messages": [{"role": "user", "content": question}],
    }
    reply = client.messages.create(**request)
    if reply.stop_reason == "max_tokens":
        request["max_tokens"] = 4000
        reply = client.messages.create(**request)
    if reply.stop_reason != "end_turn":
        return None
    return read_text(reply)
''',
    also_correct=(
        READ_TEXT + """

def answer(client, question, room):
    turns = [{"role": "user", "content": question}]
    for limit in (room, 4000):
        reply = client.messages.create(model=MODEL, max_tokens=limit, messages=turns)
        if reply.stop_reason != "max_tokens":
            break
    return read_text(reply) if reply.stop_reason == "end_turn" else None
""",
    ),
    hints=(
        "An empty text is one sign of a cut reply, and not a sure one: half an answer has a text, "
        "too. Which field of the reply says why it stopped?",
        "Once more is an `if`, not a `while`. Change the limit in the request before you send it "
        "again.",
        "At the end look at the reply that you have by then. Its `stop_reason` may still be "
        "`max_tokens`, or something else, such as `refusal`.",
    ),
    rules=cases(
        case("When do I prune it?\n", 300, replies=[cut("In late wint"), ["In late winter."]],
             gives="In late winter.", requests=2),
        case("Which rose climbs?", 100, replies=[cut(), [THOUGHT, "New Dawn ", "does.\n"]],
             gives="New Dawn does.\n", requests=2),
        case("Is it thirsty?", 150, replies=[[THOUGHT, "Yes."]], gives="Yes."),
        case("Which soil?", 200, replies=[cut(), cut("Loam, and p")], gives=None, requests=2),
        case("What kills my neighbour's tree?", 120, replies=[REFUSED], gives=None),
        case("And which spray?", 250, replies=[cut(), REFUSED], gives=None, requests=2),
        case("Why does it wilt?", 100, replies=[cut(), cut()], gives=None, requests=2),
        expect=(
            rule(
                "refusal-again",
                "The reply was a refusal, and you asked again. More room changes nothing there: "
                "only a reply that was cut is worth another try.",
                lambda run: not refusal_again(run),
                {'reply.stop_reason == "max_tokens"': 'reply.stop_reason != "end_turn"'},
                "everything but `end_turn` taken for a reply that was cut",
            ),
            rule(
                "first-room",
                "Your first request has `max_tokens` $found; `room` was $wanted.",
                lambda run: limits(run)[:1] in ([], [run.given["room"]]),
                {'"max_tokens": room': '"max_tokens": 1024'},
                "a number from an article in place of the argument",
                found=lambda run: limits(run)[0],
                wanted=lambda run: run.given["room"],
            ),
            rule(
                "same-limit",
                "The second request has the same `max_tokens` as the first, $limit. The same "
                "question meets the same limit, and most likely you pay twice for nothing.",
                lambda run: len(set(limits(run)[:2])) == len(limits(run)[:2]),
                {'        request["max_tokens"] = 4000\n': ""},
                "https://github.com/anthropics/claude-code/issues/68882",
                limit=lambda run: limits(run)[0],
            ),
            rule(
                "third-try",
                "You asked $times times. Each try is paid for, so stop after the second, whatever "
                "came back.",
                lambda run: len(limits(run)) <= 2,
                {'    if reply.stop_reason == "max_tokens":\n':
                 '    for _ in range(2):\n        if reply.stop_reason != "max_tokens":\n'
                 "            break\n"},
                "https://github.com/cline/cline/issues/9504: stuck in thinking",
                times=lambda run: len(limits(run)),
            ),
            rounds(),
            asks("question"),
            rule(
                "other-room",
                f"Your second request has `max_tokens` $found; {MORE} are wanted.",
                lambda run: limits(run)[1:] in ([], [MORE]),
                {'request["max_tokens"] = 4000': 'request["max_tokens"] *= 2'},
                "doubling is common: https://github.com/lidge-jun/opencodex/issues/246",
                found=lambda run: limits(run)[1],
            ),
            rule(
                "other-request",
                "Your second request differs from the first in more than its limit. Ask the same "
                "again: `messages` hold the question alone.",
                lambda run: all(rest(body) == rest(sent_to(run)[0]) for body in sent_to(run)),
                {'request["max_tokens"] = 4000':
                 'request["max_tokens"] = 4000\n        request["system"] = "Be brief."'},
                "a plea to be brief, which does not stop the thinking",
                show="messages",
            ),
            rule(
                "empty-text",
                "The last reply ended with `$reason` and has no text, and you gave back an empty "
                "one. Whoever calls you would show nothing and not know why: give back `None`.",
                lambda run: run.wanted is not None or run.value != "",
                {'reply.stop_reason != "end_turn"': 'reply.stop_reason == "max_tokens"'},
                "https://github.com/WordPress/openstation/issues/517: empty, taken for a success",
                reason=lambda run: run.last_reply.stop_reason,
            ),
            rule(
                "half-text",
                "The last reply ended with `$reason`, so `$returned` is half an answer. Give back "
                "`None`.",
                lambda run: run.wanted is not None or run.value is None,
                {'    if reply.stop_reason != "end_turn":\n':
                 "    if not read_text(reply):\n"},
                "https://github.com/agno-agi/agno/issues/6179",
                reason=lambda run: run.last_reply.stop_reason,
            ),
            rule(
                "first-reply",
                "You gave back the text of the first reply, which was cut. The second one has the "
                "whole answer.",
                lambda run: run.rounds == 1 or not first_text(run) or run.value != first_text(run),
                {"        reply = client": "        second = client",
                 'if reply.stop_reason != "end_turn"': "if not read_text(reply)"},
                "the second reply stored under a name that nobody reads",
            ),
            rule(
                "gave-up",
                "The second reply came to its end, and you gave back `None`. Do you look at the "
                "reply that came last?",
                lambda run: run.rounds == 1 or run.wanted is None or run.value is not None
                or not any(other.value for other in run.lab.runs),
                {"        reply = client": "        second = client"},
                "the stop reason of the first reply looked at twice",
            ),
            rule(
                "glued",
                "You put the texts of both replies together. The second one begins anew, so it is "
                "the whole answer by itself.",
                lambda run: not first_text(run) or run.wanted is None
                or run.value != first_text(run) + run.wanted,
                {"        reply = client": "        text = read_text(reply)\n"
                 "        reply = client", "    return read_text(reply)\n":
                 "    first = text if request['max_tokens'] == 4000 else ''\n"
                 "    return first + read_text(reply)\n"},
                "a cut reply taken for the first half of an answer that goes on",
            ),
            gives(str, wrong="value and value.strip()"),
        ),
    ),
    mistakes=(
        Mistake("stopped-early", {"    if reply.stop_reason == \"max_tokens\"":
                                  '    if reply.stop_reason == "max_tokens" and not '
                                  "read_text(reply)"},
                "https://github.com/agno-agi/agno/issues/6179: half an answer looks like one"),
        Mistake("went-on", {'    if reply.stop_reason == "max_tokens":\n':
                            "    if reply:\n"}, "the second request sent in any case"),
    ),
    takeaway="The stop reason, not the text, says whether an answer is whole. Try once more with "
    "more room, and then give back `None`.",
)  # fmt: skip


# --- 10.3 ------------------------------------------------------------------------------

FORECAST = {"Saturday": "3 mm", "Sunday": "9 mm", "Monday": "no rain"}
RAIN = {
    "name": "rain",
    "description": "Forecast: rain of one weekday, in mm.",
    "input_schema": {"type": "object", "properties": {"day": {"type": "string"}}},
}
CAP = 5  # requests, at most
TOOL = """
FORECAST = {"Saturday": "3 mm", "Sunday": "9 mm", "Monday": "no rain"}
RAIN = {
    "name": "rain",
    "description": "Forecast: rain of one weekday, in mm.",
    "input_schema": {"type": "object", "properties": {"day": {"type": "string"}}},
}


def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")
"""


def asks_for(day: str) -> dict[str, Any]:
    """A call of the tool."""
    return {"tool": "rain", "input": {"day": day}}


CUT_CALL = {"content": [THOUGHT, "Let me see.", asks_for("Sunday")], "stop_reason": "max_tokens"}


def misshapen(run: Run) -> bool:
    """Whether a turn has no content; the API has refused it then."""
    turns = [turn for body in sent_to(run) for turn in body.get("messages") or []]
    return any(not isinstance(turn, dict) or "content" not in turn for turn in turns)


def results_of(run: Run) -> list[tuple[str, Any]]:
    """For each result that was sent: the day that was asked for, and what was told."""
    days: dict[str, str] = {}
    told: list[tuple[str, Any]] = []
    for sent in run.sent:
        turns = sent.body["messages"] if sent.body else []
        for block in turns[-1]["content"] if turns else []:
            if isinstance(block, dict) and block.get("type") == "tool_result":
                told.append((days.get(str(block.get("tool_use_id")), ""), block.get("content")))
        for block in (sent.reply or {}).get("content", []):
            if block["type"] == "tool_use":
                days[block["id"]] = block["input"]["day"]
    return told


def untrue(run: Run) -> list[tuple[str, Any]]:
    """The results that say something else than the forecast of the day."""
    return [
        (day, told)
        for day, told in results_of(run)
        if day and told not in (FORECAST[day], [{"type": "text", "text": FORECAST[day]}])
    ]


def thinking_lost(run: Run) -> bool:
    """Whether a turn with thinking went back without all of it."""
    sent = sent_to(run)
    for at in range(1, len(sent)):
        reply = (run.sent[at - 1].reply or {}).get("content", [])
        turns = sent[at]["messages"][len(sent[at - 1]["messages"]) :]
        if not turns or turns[0]["role"] != "assistant" or isinstance(turns[0]["content"], str):
            return False
        had = [block["type"] for block in reply if "thinking" in block["type"]]
        kept = [block.get("type") for block in turns[0]["content"]]
        if any(kept.count(kind) < had.count(kind) for kind in had):
            return True
    return False


advise = Exercise(
    id="10.3",
    title="Fix a loop that forgets why",
    objective="Send Claude's turn back as it came, thinking included, and answer every call.",
    minutes=15,
    task=f"""
This loop over a tool advises a garden. It sends the results of `rain` back until Claude asks for
nothing more, with at most {CAP} requests, and gives back the text of the last reply. It worked in
the first test, and three things in it are wrong:

- of Claude's turn it sends back the calls alone, so the reasoning behind them is lost;
- it answers only the first of several calls;
- it runs a call whenever there is one, even in a reply that was cut. Only the stop reason
  `tool_use` says that the calls are complete.

What stands above `advise` is right. Redacted thinking may occur; that, too, goes back as it came.
""",
    template=TOOL + """

def advise(client, question):
    messages = [{"role": "user", "content": question}]
    for _ in range(5):
        reply = client.messages.create(
            model=MODEL, max_tokens=4000, tools=[RAIN], messages=messages
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            break
        messages.append({"role": "assistant", "content": calls})
        result = {
            "type": "tool_result",
            "tool_use_id": calls[0].id,
            "content": FORECAST[calls[0].input["day"]],
        }
        messages.append({"role": "user", "content": [result]})
    return read_text(reply)
""",
    solution=TOOL + """

def advise(client, question):
    messages = [{"role": "user", "content": question}]
    for _ in range(5):
        reply = client.messages.create(
            model=MODEL, max_tokens=4000, tools=[RAIN], messages=messages
        )
        if reply.stop_reason != "tool_use":
            break
        messages.append(reply.to_param())
        results = []
        for block in reply.content:
            if block.type == "tool_use":
                told = FORECAST[block.input["day"]]
                results.append(
                    {"type": "tool_result", "tool_use_id": block.id, "content": told}
                )
        messages.append({"role": "user", "content": results})
    return read_text(reply)
""",
    also_correct=(
        TOOL + """

def answered(block):
    text = {"type": "text", "text": FORECAST[block.input["day"]]}
    return {"type": "tool_result", "tool_use_id": block.id, "content": [text]}


def advise(client, question):
    request = {"model": MODEL, "max_tokens": 8000, "tools": [RAIN]}
    turns = [{"role": "user", "content": question}]
    reply = client.messages.create(**request, messages=turns)
    asked = 1
    while reply.stop_reason == "tool_use" and asked < 5:
        calls = [block for block in reply.content if block.type == "tool_use"]
        turns = [*turns, {"role": "assistant", "content": reply.content}]
        turns = [*turns, {"role": "user", "content": [answered(call) for call in calls]}]
        reply = client.messages.create(**request, messages=turns)
        asked += 1
    return read_text(reply)
""",
    ),
    hints=(
        "What does the lesson send back in place of a list of calls? There is a method that makes "
        "a turn of a whole reply.",
        "Two calls in one reply need two results, each with the `id` of its own call, in one "
        "`user` turn. A loop over the blocks makes them.",
        "Look at `reply.stop_reason` before you look at calls: any other reason than `tool_use` "
        "ends the loop.",
    ),
    rules=cases(
        case("Must I water on Saturday?",
             replies=[[THOUGHT, "I ask.", asks_for("Saturday")], [THOUGHT, "Yes, ", "a little."]],
             requests=2),
        case("Which day is wetter?\n",
             replies=[[{"redacted_thinking": 60}, THOUGHT, asks_for("Sunday"), asks_for("Monday")],
                      ["Sunday", " is ", "wetter.\n"]], requests=2),
        case("Is there a wet day?",
             replies=[[asks_for("Monday")], [THOUGHT, asks_for("Sunday")], ["Sunday."]],
             requests=3),
        case("When do I sow beans?", replies=[[THOUGHT, "In May."]]),
        case("Plan my weekend.", replies=[CUT_CALL]),
        case("Tell me all you can.", replies=[[THOUGHT, "One more.", asks_for("Saturday")]],
             requests=CAP),
        expect=(
            lambda run: run.surface() if misshapen(run) else None,
            rule(
                "cut-call",
                "The reply was cut by `max_tokens`, and you answered the call in it. A cut call "
                "may lack a part: only the stop reason `tool_use` says that it is whole.",
                lambda run: run.replies[0] != CUT_CALL or len(sent_to(run)) < 2,
                {'if reply.stop_reason != "tool_use":':
                 'if not any(block.type == "tool_use" for block in reply.content):'},
                "https://github.com/14790897/MiqroForge-Desktop/pull/1100",
            ),
            rule(
                "over-cap",
                f"You sent $times requests. {CAP} are the most: a loop that Claude alone can end "
                "may run up any bill.",
                lambda run: len(sent_to(run)) <= CAP,
                {"for _ in range(5)": "while True"},
                "lesson 06, where a loop gets its cap last",
                times=lambda run: len(sent_to(run)),
            ),
            rule(
                "thinking-lost",
                "Claude's turn went back without its thinking. No error tells you, but the "
                "reasoning behind the call is gone. A block without text belongs to it, too.",
                lambda run: not thinking_lost(run),
                {"reply.to_param()": '{"role": "assistant", "content": [block for block in '
                 'reply.content if block.type in ("text", "tool_use")]}'},
                "https://github.com/langgenius/dify/issues/41092",
                show="messages",
            ),
            sends_back_whole_turns(),
            answers_every_call(),
            rule(
                "other-result",
                "Claude asked for `$day`, and your result says `$told`. Give the forecast of the "
                "day in this call's `input`.",
                lambda run: not untrue(run),
                {'FORECAST[block.input["day"]]': 'FORECAST["Saturday"]'},
                "the day of the first test, written into the code",
                day=lambda run: untrue(run)[0][0],
                told=lambda run: untrue(run)[0][1],
            ),
            rounds(),
            rule(
                "other-tools",
                "A request goes without the tool, or with another one. Send `tools=[RAIN]`, as it "
                "was given, with every request of the loop.",
                lambda run: all(body.get("tools") == [RAIN] for body in sent_to(run)),
                {"tools=[RAIN], messages=messages":
                 "messages=messages, **({} if messages[1:] else {'tools': [RAIN]})"},
                "tools left out 'because the tool has run already'",
            ),
            asks("question"),
            room(2000),
            gives_text(),
        ),
    ),
    mistakes=(
        Mistake("history-changed", {"messages.append(reply.to_param())":
                                    "messages = [reply.to_param()]"},
                "a list begun anew in each round"),
        Mistake("more-turns", {'messages = [{"role": "user", "content": question}]':
                               'messages = [\n        {"role": "user", "content": "Hello"},\n'
                               '        {"role": "assistant", "content": "Hello!"},\n'
                               '        {"role": "user", "content": question},\n    ]'},
                "a greeting kept from an earlier lesson"),
        Mistake("turn-left-out", {"        messages.append(reply.to_param())\n": ""},
                "replies that are never stored"),
        Mistake("turn-changed", {"messages.append(reply.to_param())":
                                 'messages.append({"role": "assistant", "content": [block for '
                                 'block in reply.content if block.type != "text"]})'},
                "https://github.com/juspay/neurolink/pull/1392: a turn rebuilt from its parts"),
        Mistake("stopped-early", {"for _ in range(5)": "for _ in range(2)"},
                "lesson 10, where one call and one result are all"),
        Mistake("went-on", {"        if reply.stop_reason": "        if messages[1:] and "
                            "reply.stop_reason"}, "a loop that always does a second round"),
    ),
    takeaway="Claude's turn goes back as it came: thinking, redacted or empty, text and calls. And "
    "every call gets its own result.",
)  # fmt: skip


# --- 10.4 ------------------------------------------------------------------------------

Tried = list[tuple[str, bool, float]]


def by_level(tried: Tried) -> dict[str, tuple[int, int, float, float]]:
    """For each level: right answers, runs, dollars of all, dollars of the right ones."""
    found: dict[str, tuple[int, int, float, float]] = {}
    for level, fine, usd in tried:
        hits, runs, paid, well = found.get(level, (0, 0, 0.0, 0.0))
        found[level] = hits + fine, runs + 1, paid + usd, well + usd * fine
    return found


def best(tried: Tried) -> str | None:
    """The level whose right answers cost least; None without one."""
    prices = {level: paid / hits for level, (hits, _, paid, _) in by_level(tried).items() if hits}
    return min(prices, key=lambda level: prices[level]) if prices else None


def table(**levels: list[float]) -> Tried:
    """Runs by level; a wrong one has its dollars below zero."""
    return [(level, usd > 0, abs(usd)) for level, runs in levels.items() for usd in runs]


def tested(tried: Tried) -> Any:
    """One case, with what is right about it."""
    return case(tried, gives=best(tried))


def least(run: Run, measure: str) -> bool:
    """Whether the level that came back is the least (with "hits" the most) by this measure."""
    found = by_level(run.args[0])
    if run.value == run.wanted or run.value not in found:
        return False
    measures: dict[str, dict[str, float]] = {
        "call": {name: paid / runs for name, (_, runs, paid, _) in found.items()},
        "total": {name: paid for name, (_, _, paid, _) in found.items()},
        "well": {name: well / hits for name, (hits, _, _, well) in found.items() if hits},
        "hits": {name: -hits for name, (hits, _, _, _) in found.items()},
    }
    values = measures[measure]
    return bool(run.value == min(values, key=lambda name: values[name]))


def dearest(run: Run) -> str | None:
    """The level at which a right answer costs most."""
    prices = {level: paid / hits for level, (hits, _, paid, _) in by_level(run.args[0]).items()
              if hits}  # fmt: skip
    return max(prices, key=lambda level: prices[level]) if prices else None


def price(run: Run, level: str) -> str:
    """What a right answer cost at a level, in dollars."""
    hits, _, paid, _ = by_level(run.args[0]).get(level, (0, 0, 0.0, 0.0))
    return f"{paid / hits:.5f}" if hits else "nothing that can be said"


choose_effort = Exercise(
    id="10.4",
    title="Choose the effort",
    objective="Choose by what a right answer costs, wrong and cut ones included.",
    minutes=15,
    part="choose_effort",
    task="""
The library tried one kind of question at several levels. Complete `choose_effort`: it gets the
list `tried`, in the form of the lesson, with `(level, right, usd)` for each run, such as
`("low", True, 0.0004)`, and gives back the level at which **a right answer costs least**: all
that was paid at this level, divided by the right answers at it.

A wrong answer, or one that was cut, is in the list with `False`; it was paid for as well. A level
without a right answer has no such price and cannot be chosen. If no level has one, or the list is
empty, give back `None`. Levels may have different numbers of runs, in any order; no two prices
are the same. Nothing is sent here.
""",
    template='''
def choose_effort(tried):
    """Give back the level at which a right answer costs least, or None."""
    ...
''',
    solution="""
def choose_effort(tried):
    chosen = None
    lowest = None
    for level in {name for name, right, usd in tried}:
        runs = [(right, usd) for name, right, usd in tried if name == level]
        hits = sum(right for right, usd in runs)
        paid = sum(usd for right, usd in runs)
        if hits and (lowest is None or paid / hits < lowest):
            chosen = level
            lowest = paid / hits
    return chosen
""",
    also_correct=(
        """
def choose_effort(tried):
    hits = {}
    paid = {}
    for level, right, usd in tried:
        paid[level] = paid.get(level, 0) + usd
        if right:
            hits[level] = hits.get(level, 0) + 1
    return min(hits, key=lambda level: paid[level] / hits[level], default=None)
""",
    ),
    hints=(
        "The lesson's last table has the column that you need. Which two sums does it divide?",
        "For each level: take its runs out of the list, count the right ones, and add up what all "
        "of them cost, right or wrong.",
        "Remember the best level and its price while you go through the levels, beginning with "
        "`None`. Skip a level without a right answer before you divide.",
    ),
    rules=cases(
        tested(table(
            high=[0.003, -0.003, 0.003, 0.003], medium=[0.0035, -0.0035],
            low=[0.001, -0.001, -0.001, -0.001, 0.001, -0.001, -0.001, -0.001, -0.001],
            xhigh=[0.0008, -0.0085], max=[0.006, 0.006, 0.006, 0.006])),
        tested(table(max=[0.03, 0.02], low=[-0.0004, -0.0005, -0.0004], medium=[0.02, -0.025])),
        tested(table(low=[-0.0004], high=[-0.003, -0.002])),
        tested(table(high=[0.004], low=[0.0009, -0.0008, 0.001])),
        tested([("medium", False, 0.002), ("low", True, 0.0012), ("medium", True, 0.0003),
                ("low", False, 0.0011), ("high", True, 0.0031), ("medium", True, 0.0003)]),
        tested([]),
        expect=(
            rule(
                "not-none",
                "No level has a right answer here, so there is nothing to choose: give back "
                "`None`. Yours gave `$returned`.",
                lambda run: run.wanted is not None or run.value is None,
                {"return chosen": 'return chosen or "high"'},
                "a default that nobody has tried, given back as a result",
            ),
            of_kind(str),
            rule(
                "no-hit",
                "You chose `$returned`, where no answer was right. Such a level has no price for a "
                "right answer, and zero would make it look like the cheapest of all.",
                lambda run: run.value not in by_level(run.args[0])
                or by_level(run.args[0])[run.value][0] > 0,
                {"if hits and (lowest is None or paid / hits < lowest)":
                 "if lowest is None or (paid / hits if hits else 0) < lowest",
                 "lowest = paid / hits": "lowest = paid / hits if hits else 0"},
                "https://github.com/agents-squads/squads-cli/pull/472: zero outcomes, a low price",
            ),
            rule(
                "dearest",
                "You chose the level at which a right answer costs most, each time. Turn the "
                "comparison round: the lowest price is wanted.",
                lambda run: any(one.value != dearest(one) for one in run.lab.runs),
                {"paid / hits < lowest": "paid / hits > lowest"},
                "`<` and `>` taken for each other, or `max` for `min`",
            ),
            rule(
                "per-call",
                "You chose `$returned`, where a call costs least. Many of its answers are wrong: a "
                "right one costs $price there, and $less at `$wanted`.",
                lambda run: not least(run, "call"),
                {"paid / hits": "paid / len(runs)"},
                "https://github.com/satya-anguluri/capstead/issues/10",
                price=lambda run: price(run, run.value),
                less=lambda run: price(run, run.wanted),
                wanted=lambda run: run.wanted,
            ),
            rule(
                "right-only",
                "You chose `$returned`, where the right answers by themselves are cheap. The wrong "
                "ones there were paid for too: altogether a right one costs $price.",
                lambda run: not least(run, "well"),
                {"paid = sum(usd for right, usd in runs)":
                 "paid = sum(usd for right, usd in runs if right)"},
                "https://github.com/Algorineko/AgenticArXiv-RL/pull/48",
                price=lambda run: price(run, run.value),
            ),
            rule(
                "total",
                "You chose `$returned`, where all runs together cost least. It was tried less "
                "often: divide by its right answers, and one costs $price.",
                lambda run: not least(run, "total"),
                {"paid / hits": "paid"},
                "https://github.com/FeiZhuLulu/real-api-pricing/issues/3: the denominator",
                price=lambda run: price(run, run.value),
            ),
            rule(
                "most-right",
                "You chose `$returned`, which has the most right answers. Each costs $price there, "
                "and $less at `$wanted`: the price is what counts here.",
                lambda run: not least(run, "hits"),
                {"paid / hits": "-hits"},
                "https://github.com/FeiZhuLulu/real-api-pricing/issues/2: the highest score",
                price=lambda run: price(run, run.value),
                less=lambda run: price(run, run.wanted),
                wanted=lambda run: run.wanted,
            ),
            gives(
                str,
                says="You gave back `$returned`; a right answer costs least at $wanted.",
                wrong="value and value.upper()",
            ),
        ),
    ),
    messages={
        "raised-ZeroDivisionError": "One level has no right answer, and you divided by that "
        "number. Skip such a level before you divide.",
    },
    mistakes=(
        Mistake("raised-ZeroDivisionError", {"if hits and (lowest is None or paid / hits < lowest)":
                                             "if lowest is None or paid / hits < lowest"},
                "https://github.com/deepmodeling/LAMBench/issues/434"),
        Mistake("not-text", {"return chosen": "return (chosen, lowest)"},
                "the price given back as well, since it is there"),
    ),
    takeaway="What counts is what a right answer costs. Wrong and cut ones are paid for, and a "
    "level without a right answer has no price at all.",
)  # fmt: skip


EXERCISES = (solve, answer, advise, choose_effort)
