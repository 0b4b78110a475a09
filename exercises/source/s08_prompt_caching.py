"""Exercises of lesson 08: the bill of a reply, what spoils the cache, a clock, the house rules.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from typing import Any

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    alike,
    asks,
    case,
    cases,
    function_of,
    gives_text,
    message,
    miss,
    missed,
    once,
    room,
    rule,
)

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'


# --- 08.1 ------------------------------------------------------------------------------

FRESH = "reply.usage.input_tokens * prices['fresh']"
WRITTEN_TOKENS = "(reply.usage.cache_creation_input_tokens or 0)"
READ_TOKENS = "(reply.usage.cache_read_input_tokens or 0)"
WRITTEN = f"{WRITTEN_TOKENS} * prices['written']"
READ = f"{READ_TOKENS} * prices['read']"
SONNET = {"fresh": 2.0, "written": 2.5, "read": 0.1}  # USD per million tokens, lesson 08
OLDER = {"fresh": 3.0, "written": 3.75, "read": 0.3}


def used(fresh: int, written: int | None, read: int | None) -> Any:
    """A reply with these three counts."""
    return message(
        [THOUGHT, "Until seven."],
        input_tokens=fresh,
        cache_creation_input_tokens=written,
        cache_read_input_tokens=read,
    )


def dollars(reply: Any, prices: dict[str, float]) -> float:
    """USD of the input of a reply."""
    fresh = reply.usage.input_tokens * prices["fresh"]
    written = (reply.usage.cache_creation_input_tokens or 0) * prices["written"]
    read = (reply.usage.cache_read_input_tokens or 0) * prices["read"]
    return float(fresh + written + read) / 1_000_000


def is_subtracted(run: Run) -> bool:
    """Whether tokens of the cache were taken away from the fresh ones, down to 0 or below."""
    reply, prices = run.args
    fresh = reply.usage.input_tokens
    written = reply.usage.cache_creation_input_tokens or 0
    read = reply.usage.cache_read_input_tokens or 0
    for less in {read, written, read + written, min(fresh, read), min(fresh, read + written)} - {0}:
        amount = run.wanted - less * prices["fresh"] / 1_000_000
        without_writing = amount - written * prices["written"] / 1_000_000
        if alike(run.number, amount) or alike(run.number, without_writing):
            return True
    return False


input_dollars = Exercise(
    id="08.1",
    title="What did the input cost?",
    objective="Compute the price of an input that is partly cached.",
    minutes=7,
    task="""
A museum writes down what the input of each reply has cost. `input_dollars` gets a reply and the
`prices`, a dict with the dollars for a million tokens of each kind: `"fresh"`, `"written"` and
`"read"`. Since the museum caches its guide, the sums are wrong, and some are below zero. Fix the
function. It takes the reply's `input_tokens` for the whole input, and it leaves something out. In
some older replies the two cache fields are `None`, which counts as 0.
""",
    template="""
def input_dollars(reply, prices):
    used = reply.usage
    read = used.cache_read_input_tokens
    fresh = used.input_tokens - read
    return (fresh * prices["fresh"] + read * prices["read"]) / 1_000_000
""",
    solution="""
def input_dollars(reply, prices):
    used = reply.usage
    written = used.cache_creation_input_tokens or 0
    read = used.cache_read_input_tokens or 0
    total = used.input_tokens * prices["fresh"]
    total += written * prices["written"] + read * prices["read"]
    return total / 1_000_000
""",
    also_correct=(
        """
def input_dollars(reply, prices):
    counts = {
        "fresh": reply.usage.input_tokens,
        "written": reply.usage.cache_creation_input_tokens,
        "read": reply.usage.cache_read_input_tokens,
    }
    total = 0
    for kind, tokens in counts.items():
        if tokens is not None:
            total += tokens * prices[kind] / 1_000_000
    return total
""",
    ),
    hints=(
        "The whole input is a sum of three numbers, which exclude one another. Which fields of "
        "the usage are they? The lesson's `row` reads all three.",
        "`input_tokens` counts what comes after the breakpoint: take nothing away from it. "
        "Tokens that are written are paid for as well, at a price of their own.",
        "Multiply each of the three counts by its own price and add up. `count or 0` makes 0 of "
        "`None`.",
    ),
    rules=function_of(
        case(used(15, 300, 4724), SONNET),
        case(used(32, 0, 4724), SONNET),
        case(used(32, 4724, 0), SONNET),
        case(used(4756, 0, 0), OLDER),
        case(used(35, None, None), SONNET),
        case(used(1200, 2, 90_000), OLDER),
        kind=float,
        right=dollars,
        known=(
            miss(
                "subtracted",
                "You took tokens of the cache away from `input_tokens`. That field counts only "
                "what was neither written nor read: the three exclude one another.",
                f"value - {READ_TOKENS} * prices['fresh'] / 1e6",
                "https://github.com/candelahq/candela/pull/206",
                when=is_subtracted,
            ),
            miss(
                "written-free",
                "The tokens that were written to the cache are missing from your sum. They are "
                "paid for as well, and each costs more than a fresh one.",
                f"value - {WRITTEN} / 1e6",
                "'caching saves money' read as if writing were free",
            ),
            miss(
                "read-free",
                "The tokens that were read from the cache are missing from your sum. Reads are "
                "cheap, and not free.",
                f"value - {READ} / 1e6",
                "lesson 08, question 2, answer a",
            ),
            miss(
                "fresh-only",
                "You counted the fresh tokens only. What is written and what is read is paid for "
                "as well, each at its own price.",
                f"{FRESH} / 1e6",
                "input_tokens times the price: right until the first mark is set",
            ),
            miss(
                "written-as-fresh",
                "You counted written tokens at the price of fresh ones. Writing has a price of "
                "its own, which is higher.",
                f"value - {WRITTEN_TOKENS} * (prices['written'] - prices['fresh']) / 1e6",
                "https://github.com/BerriAI/litellm/pull/6576: the surcharge for writing",
            ),
            miss(
                "all-as-fresh",
                "You counted all tokens at the price of fresh ones: that is what the input would "
                "cost without a cache. Each kind has a price of its own.",
                f"({FRESH} + ({WRITTEN_TOKENS} + {READ_TOKENS}) * prices['fresh']) / 1e6",
                "https://github.com/earendil-works/pi/pull/2148: cached tokens at the full rate",
            ),
            miss(
                "a-tenth",
                "You counted reads at a tenth of the fresh price. How much cheaper they are "
                "differs between models: use the price for `read`.",
                f"value + {READ_TOKENS} * (prices['fresh'] / 10 - prices['read']) / 1e6",
                "https://github.com/Kulitorum/Decenza/pull/1064: 0.1 times the input price",
            ),
            miss(
                "prices-mixed-up",
                "You counted written tokens at the price of reads, and the other way round. Look "
                "which field goes with which price.",
                f"({FRESH} + {WRITTEN_TOKENS} * prices['read'] + "
                f"{READ_TOKENS} * prices['written']) / 1e6",
                "two long names that differ in one word",
            ),
            miss(
                "per-token",
                "The prices are for a million tokens, and you used them for one. Divide by "
                "1,000,000.",
                "value * 1e6",
                "https://github.com/getsentry/sentry/pull/94907: per token for per million",
            ),
            miss(
                "rounded",
                "You rounded. An input often costs less than a cent, so a sum of many such "
                "amounts would be wrong. Round when you show it, not when you compute it.",
                "round(value, 4)",
                "https://github.com/langfuse/langfuse/issues/1041",
                when=lambda run: run.number in [round(run.wanted, at) for at in range(2, 6)],
            ),
            miss(
                "with-output",
                "The output is in your sum. Asked for is what the *input* has cost.",
                "value + reply.usage.output_tokens * prices['fresh'] / 1e6",
                "a total of all tokens that the usage names",
            ),
        ),
        name="other-amount",
        says="Your function gave back $returned; for this reply it should be about $wanted.",
        wrong="value / 2",
    ),
    messages={
        "raised-plus": "$kit In this reply a cache field is `None`: make a 0 of it first.",
    },
    mistakes=(
        Mistake(
            "raised-plus",
            {" or 0": ""},
            "https://github.com/browser-use/browser-use/pull/5306: fields that may be missing",
        ),
    ),
    takeaway="The whole input is fresh + written + read, each at its own price; `input_tokens` "
    "is the fresh part alone.",
)


# --- 08.2 ------------------------------------------------------------------------------


def tool(name: str, about: str) -> dict[str, Any]:
    """A tool in a request."""
    return {"name": name, "description": about, "input_schema": {"type": "object"}}


def said(*words: str) -> list[dict[str, str]]:
    """Turns of a conversation; the user begins."""
    roles = ["user", "assistant"] * len(words)
    return [{"role": role, "content": text} for role, text in zip(roles, words, strict=False)]


FIND = tool("find_books", "Books by title or author.")
ROOMS = tool("free_rooms", "The rooms that are free on a day.")
GUIDE = "You answer in the reading room. Be brief."
TALK = said("Is it quiet today?", "Until noon.", "And after that?")
REQUEST = {"max_tokens": 2000, "system": GUIDE, "messages": TALK, "tools": [FIND, ROOMS]}
BARE = {"max_tokens": 2000, "messages": TALK}
COMMA = GUIDE + ","
HOURS = tool("free_rooms", "The free rooms, hour by hour.")
LONGER = [*TALK, *said("A school class comes.")]
PARTS = ("tools", "system", "messages")
LOOP = 'for part in ["tools", "system"]:'
COMPARED = "if before.get(part) != after.get(part):"
EARLIER = 'before["messages"]'
KEPT = 'after["messages"][: len(earlier)]'

FIRST_OF_TWO = missed(
    "other-order",
    "Here two parts have changed, and you named `$returned`. The API compares tools, then system, "
    "then messages, in whatever order your dict holds them: the first change is in `$wanted`.",
    {LOOP: 'for part in ["system", "tools"]:'},
    "https://github.com/affaan-m/ECC/pull/3173: system prompt listed in front of the tools",
    wanted=lambda run: run.wanted,
)
TURN_MORE = missed(
    "turn-added",
    "A turn was added at the end, and you named `$returned`. What comes before it is as "
    "before and can be read: compare only as many turns as there were before.",
    {KEPT: 'after["messages"]'},
    "`!=` between two lists sees the new turn as a change",
)
SETTING = missed(
    "setting",
    "Only `max_tokens` has changed, and you named `$returned`. It is no part of the prompt that is "
    "compared: look at tools, system and messages alone.",
    {LOOP: 'for part in ["tools", "system", "max_tokens"]:'},
    "a loop over all keys of a request",
)
ONE_HAS_IT = missed(
    "only-in-one",
    "Only one of the two requests has `$wanted`, and you gave back `$returned`. What was added or "
    "left out there is a change, too.",
    {COMPARED: "if part in before and part in after and before[part] != after[part]:"},
    "only what both have is compared, so that no key is missing",
    wanted=lambda run: run.wanted,
)
REORDERED = missed(
    "reordered",
    "The same tools came in another order, and you gave back `$returned`. The API compares from "
    "the left, so another order is a change.",
    {COMPARED: "if sorted(str(before.get(part))) != sorted(str(after.get(part))):"},
    "https://github.com/redpanda-data/ai-sdk-go/pull/157",
)
EARLIER_TURN = missed(
    "earlier-turn",
    "An earlier turn was changed or is missing, and you gave back `$returned`. All the turns that "
    "were sent before have to be at the beginning again, equal and in order.",
    {"if " + KEPT + " != earlier": "if len(after['messages']) < len(earlier) - 2"},
    "lesson 08: a window (lesson 05) changes the front with every cut",
)
CHANGED = missed(
    "change-missed",
    "One character or more was changed in `$wanted`, and you gave back `$returned`. A part counts "
    "as the same only if all of it is equal.",
    {COMPARED: "if str(before.get(part))[:20] != str(after.get(part))[:20]:"},
    "lesson 08: a comma at the end of the rules changes the whole block",
    wanted=lambda run: run.wanted,
)
EQUAL = missed(
    "nothing-changed",
    "Nothing has changed between these requests, and you gave back `$returned`. `None` is wanted.",
    {"    return None": '    return "messages"'},
    "a last `return` that stands for 'else'",
)


def speaks(run: Run) -> None:
    """At least one call gave something back; else the usual sentence about `return`."""
    run.surface()
    if all(one.result.value is None for one in run.lab.runs):
        run.expect(run.returned, "no-return")


first_change = Exercise(
    id="08.2",
    title="What spoils it?",
    objective="Find the first part of a request that keeps it from being read.",
    minutes=12,
    task="""
Two requests go out one after the other, and the second one reads less from the cache than it
should. `first_change` gets both as dicts, the arguments of `create`, and tells where to look: it
gives back `"tools"`, `"system"` or `"messages"`, whichever the API meets first as changed, and
`None` if everything that was sent before can be read again. The version here fails for many pairs.
Fix it by these rules:

- The API compares tools, then system, then messages, in whatever order the dict holds them. Other
  settings do not matter here.
- A request may lack `tools` or `system`. If only one of the two has it, that is a change.
- Turns that are added after the earlier ones change nothing.
""",
    template='''
def first_change(before, after):
    """Give back "tools", "system", "messages" or None."""
    for part in before:
        if before[part] != after[part]:
            return part
    return None
''',
    solution="""
def first_change(before, after):
    for part in ["tools", "system"]:
        if before.get(part) != after.get(part):
            return part
    earlier = before["messages"]
    if after["messages"][: len(earlier)] != earlier:
        return "messages"
    return None
""",
    also_correct=(
        """
def first_change(before, after):
    if before.get("tools") != after.get("tools"):
        return "tools"
    if before.get("system") != after.get("system"):
        return "system"
    if len(after["messages"]) < len(before["messages"]):
        return "messages"
    for old, new in zip(before["messages"], after["messages"]):
        if old != new:
            return "messages"
""",
    ),
    hints=(
        "Do not go through the keys of the dict: its order is that of your code. Go through the "
        "names of the parts, in the order in which the API compares them.",
        "`before.get(part)` gives `None` where a dict lacks the part. For the turns, a plain "
        "comparison is too strict: how many of them does it have to look at?",
        "Loop over tools and system. After the loop, compare the earlier turns with as many "
        "turns from the beginning of the later list, by a slice.",
    ),
    rules=cases(
        case(REQUEST, REQUEST, gives=None, missed=EQUAL),
        case(REQUEST, {**REQUEST, "tools": [FIND, HOURS]}, gives="tools", missed=CHANGED),
        case(REQUEST, {**REQUEST, "system": COMMA, "messages": LONGER}, gives="system",
             missed=CHANGED),
        case(REQUEST, {**REQUEST, "max_tokens": 4000}, gives=None, missed=SETTING),
        case(REQUEST, {**REQUEST, "system": COMMA, "tools": [FIND, HOURS]}, gives="tools",
             missed=FIRST_OF_TWO),
        case({**BARE, "system": GUIDE}, {**BARE, "system": GUIDE, "tools": [FIND]}, gives="tools",
             missed=ONE_HAS_IT),
        case({**BARE, "system": GUIDE}, BARE, gives="system", missed=ONE_HAS_IT),
        case(BARE, {**BARE, "system": GUIDE}, gives="system", missed=ONE_HAS_IT),
        case(REQUEST, {**REQUEST, "tools": [ROOMS, FIND]}, gives="tools", missed=REORDERED),
        case(REQUEST, {**REQUEST, "messages": [*said("Is it quiet now?"), *LONGER[1:]]},
             gives="messages", missed=EARLIER_TURN),
        case(BARE, {**BARE, "messages": TALK[2:]}, gives="messages", missed=EARLIER_TURN),
        case(REQUEST, {**REQUEST, "messages": LONGER}, gives=None, missed=TURN_MORE),
        case(BARE, {**BARE, "messages": LONGER}, gives=None, missed=TURN_MORE),
        expect=(
            speaks,
            rule(
                "no-part",
                "You gave back `$returned`. Wanted is the name of one part, `tools`, `system` or "
                "`messages`, or else `None`.",
                lambda run: run.value is None or run.value in ("max_tokens", *PARTS),
                {"return part": "return [part]"},
                "a list of all changes, of which only the first matters",
            ),
        ),
    ),
    messages={
        "raised-key": "$kit A request may lack `tools` or `system`: `get` gives `None` then.",
    },
    mistakes=(
        Mistake(
            "raised-key",
            {"before.get(part)": "before[part]"},
            "square brackets, as for a key that is always there",
        ),
        Mistake("no-return", acts(""), "a cell shows its last line, a function does not"),
        Mistake(
            "printed",
            acts("", after="print(value)"),
            "articles print every result, because a script shows nothing else",
        ),
    ),
    takeaway="From the left: tools, system, messages. What comes before the first change is "
    "read, what comes after it is not.",
    equivalent={"line 8: return removed": "a function without a `return` gives back `None`"},
)  # fmt: skip


# --- 08.3 ------------------------------------------------------------------------------


def rules_of(place: str) -> str:
    """Rules that are long enough to be cached."""
    lines = [f"Rules of the {place}."]
    for number in range(1, 61):
        lines.append(f"{number}. In case {number} ask at desk {number % 7}, and fill in form B.")
    return "\n".join(lines)


def blocks(run: Run) -> list[dict[str, Any]]:
    """The text blocks of the request as the cache sees them: system, then the turns."""
    body = run.request.body
    contents = [body.get("system"), *(turn["content"] for turn in body["messages"])]
    found: list[dict[str, Any]] = []
    for content in contents:
        if isinstance(content, str):
            found.append({"text": content})
        found += content if isinstance(content, list) else []
    if found and "cache_control" in body:  # the automatic mark is on the last block
        found[-1] = {**found[-1], "cache_control": body["cache_control"]}
    return found


def marked(run: Run) -> list[int]:
    """The places of the blocks that have a mark."""
    return [at for at, block in enumerate(blocks(run)) if "cache_control" in block]


def front(run: Run) -> str:
    """The text that is kept: everything up to the last mark."""
    end = max(marked(run), default=-1) + 1
    return "".join(block["text"] for block in blocks(run)[:end])


def behind(run: Run) -> str:
    """The text that comes after the last mark."""
    end = max(marked(run), default=-1) + 1
    return "".join(block["text"] for block in blocks(run)[end:])


def from_system(run: Run) -> bool:
    """Whether what is kept stands at the beginning of `system`."""
    return run.request.system.startswith(front(run))


HAS_MARK = rule(
    "no-mark",
    "There is no `cache_control` in your request, so nothing is kept. Put it on the block that "
    "holds the rules.",
    marked,
    acts(request='request["system"] = [{"type": "text", "text": request["system"][0]["text"]}]'),
    "https://github.com/whoz-oss/coday/issues/1322: elsewhere it is on without a mark",
    show="system",
)
QUESTION_KEPT = rule(
    "question-kept",
    "Your mark comes so late that the question is kept, too. The next question is another one, so "
    "nothing is found again: set the mark on the rules, and let all that changes come after it.",
    lambda run: run.given["question"].strip() not in front(run),
    acts(
        request='request["cache_control"] = request["system"][0].pop("cache_control")',
        given="import copy",
    ),
    "https://github.com/tghamm/Anthropic.SDK/issues/47: each question is written, none is read",
)
CLOCK = '{"type": "text", "text": f"Now: {now}"}'
ASKED = '{"type": "text", "text": question}'

answer_mail = Exercise(
    id="08.3",
    title="A clock in the rules",
    objective="Move what changes to a place after the breakpoint.",
    minutes=8,
    task="""
A town hall answers e-mails by long rules. `answer_mail` gets the rules, the time as a text, and a
question. It works, but each e-mail pays for the rules again: nothing is ever read from the cache.
Change the request so that the next e-mail, with another time and another question, can read the
rules. Claude still gets all three: the rules as they are in `system`, the time after the word
`Now: `, and the question as it is. The text of the reply is given back as before.
""",
    template=f"""
def answer_mail(client, rules, now, question):
    text = f"Now: {{now}}\\n\\n{{rules}}"
    mark = {{"type": "ephemeral"}}
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        system=[{{"type": "text", "text": text, "cache_control": mark}}],
        messages=[{{"role": "user", "content": question}}],
    )
    return {JOINED}
""",
    solution=f"""
def answer_mail(client, rules, now, question):
    mark = {{"type": "ephemeral"}}
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        system=[{{"type": "text", "text": rules, "cache_control": mark}}],
        messages=[
            {{
                "role": "user",
                "content": [
                    {CLOCK},
                    {ASKED},
                ],
            }}
        ],
    )
    return {JOINED}
""",
    also_correct=(
        f"""
def answer_mail(client, rules, now, question):
    kept = {{"type": "text", "text": rules, "cache_control": {{"type": "ephemeral"}}}}
    clock = {CLOCK}
    turn = {{"role": "user", "content": question}}
    request = {{"model": MODEL, "max_tokens": 2000, "system": [kept, clock], "messages": [turn]}}
    reply = client.messages.create(**request)
    return {JOINED}
""",
        f"""
def answer_mail(client, rules, now, question):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=4000,
        system=[{{"type": "text", "text": rules, "cache_control": {{"type": "ephemeral"}}}}],
        messages=[{{"role": "user", "content": f"Now: {{now}}\\n\\n{{question}}"}}],
    )
    return {JOINED}
""",
    ),
    hints=(
        "The API compares from the left. What is the first thing in this request that differs "
        "from one e-mail to the next?",
        "The marked block may hold only what stays the same. The time can go into the turn of the "
        "user, or into a second block of `system`, without a mark.",
        "Make the text of the marked block `rules` alone. As content of the user turn, send two "
        "text blocks: the time, and after it the question.",
    ),
    rules=cases(
        case(
            rules_of("town hall"),
            "2026-11-30T09:00:12",
            "Where do I get a parking card?",
            replies=[[THOUGHT, "At desk 4."]],
        ),
        case(
            rules_of("town hall"),
            "2026-11-30T09:04:51",
            "How long are you open today? \n",
            replies=[["Until five", ", and on Fridays ", "until two.\n"]],
        ),
        case(
            rules_of("swimming pool"),
            "2026-12-01T17:30:00",
            "Is it open now?",
            replies=[["Yes, until ", THOUGHT, "nine."]],
        ),
        expect=(
            once(),
            HAS_MARK,
            QUESTION_KEPT,
            rule(
                "clock-kept",
                "The time is in front of your mark, so it is a part of what is kept. The next "
                "e-mail brings another time and finds nothing. Put it after the mark.",
                lambda run: run.given["now"] not in front(run),
                {'"text": rules': '"text": f"{rules}\\n\\nNow: {now}"'},
                "https://github.com/goruck/home-generative-agent/issues/617",
                show="system",
            ),
            rule(
                "rules-changed",
                "What is kept up to your mark is not the `rules` as your function was given them. "
                "Send them as they are, in a block of `system` with the mark, and nothing before.",
                lambda run: front(run) == run.given["rules"] and from_system(run),
                {'"text": rules': '"text": rules[:2000]'},
                "rules cut to save tokens, which changes what Claude knows",
                show="system",
            ),
            rule(
                "no-clock",
                "Behind the mark there is no text with the word `Now: ` and, after it, the whole "
                "`now` as it was given. Without it, Claude cannot say what is open today.",
                lambda run: f"Now: {run.given['now']}" in behind(run),
                {f"                    {CLOCK},\n": ""},
                "the time left out for the sake of the cache; a shorter one in "
                "https://github.com/nex-agi/NexAU/pull/11",
                show="messages",
            ),
            rule(
                "other-question",
                "The user's turn does not hold the `question` as your function was given it. Send "
                "it as it is: nothing changed, nothing cut off.",
                lambda run: run.given["question"] in run.request.said,
                {'"text": question': '"text": question.strip()'},
                "https://github.com/run-llama/llama_index/pull/19192: texts tidied on their way",
                show="messages",
            ),
            room(),
            gives_text(),
        ),
    ),
    takeaway="What never changes comes first and carries the mark; what changes comes after it.",
)


# --- 08.4 ------------------------------------------------------------------------------

STATES = ("read", "written", "not cached")


def counted(text: Any, written: int, read: int) -> dict[str, Any]:
    """A reply that says what was written and read."""
    usage = {"cache_creation_input_tokens": written, "cache_read_input_tokens": read}
    return {"content": text, "usage": usage}


def text_of(run: Run) -> str:
    """The whole text of the reply."""
    return "".join(block.text for block in run.last_reply.content if block.type == "text")


def counts(run: Run) -> tuple[int, int]:
    """What the usage of the reply says: written, read."""
    usage = run.request.reply["usage"]
    return usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]


def state(run: Run) -> str:
    """What became of the rules."""
    written, read = counts(run)
    if read:
        return "read"
    return "written" if written else "not cached"


def is_pair(run: Run) -> bool:
    """Whether two values came back."""
    return isinstance(run.returned, tuple | list) and len(run.returned) == 2


SHORT = "Rules of the kiosk: be kind."

cached_rules = Exercise(
    id="08.4",
    title="The house rules, kept",
    objective="Keep long rules in the cache, and prove it from the usage.",
    minutes=12,
    part="cached_rules",
    task="""
At the desk of the library a question comes about every ten minutes, and each needs all the house
rules. Complete `cached_rules`:

1. it sends the question, with the rules as the one text block of `system`, marked so that the API
   keeps them for an hour;
2. it gives back two values, `return text, what`: the text of the reply, and what became of the
   rules.

The second value is `"read"` if any tokens were read from the cache; otherwise `"written"` if any
were written; otherwise `"not cached"`.
""",
    template='''
def cached_rules(client, rules, question):
    """Ask by the rules; give back the text, and "read", "written" or "not cached"."""
    ...
''',
    solution=f"""
def cached_rules(client, rules, question):
    mark = {{"type": "ephemeral", "ttl": "1h"}}
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        system=[{{"type": "text", "text": rules, "cache_control": mark}}],
        messages=[{{"role": "user", "content": question}}],
    )
    used = reply.usage
    what = "not cached"
    if used.cache_read_input_tokens:
        what = "read"
    elif used.cache_creation_input_tokens:
        what = "written"
    text = {JOINED}
    return text, what
""",
    also_correct=(
        """
def cached_rules(client, rules, question):
    kept = {"type": "text", "text": rules}
    kept["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    turn = {"role": "user", "content": [{"type": "text", "text": question}]}
    request = {"model": MODEL, "max_tokens": 4000, "messages": [turn]}
    reply = client.messages.create(system=[kept], **request)
    text = ""
    for block in reply.content:
        if block.type == "text":
            text += block.text
    counts = {
        "read": reply.usage.cache_read_input_tokens,
        "written": reply.usage.cache_creation_input_tokens,
        "not cached": 1,
    }
    return text, [what for what in counts if counts[what]][0]
""",
    ),
    hints=(
        "`system` may be a list of text blocks; the lesson's `desk | mark` is such a block. Which "
        "field of the mark says how long an entry lives?",
        "Two fields of `reply.usage` tell what became of the rules. Look at them in the order of "
        "the task: first at what was read.",
        "The mark is a dict with the type `ephemeral` and the `ttl` of an hour. The two counts are "
        "`cache_read_input_tokens` and `cache_creation_input_tokens`.",
    ),
    rules=cases(
        case(
            rules_of("library"),
            "May I bring my goat?",
            replies=[[THOUGHT, "Not into the reading room."]],
        ),
        case(
            rules_of("library"),
            "What does a lost card cost? \n",
            replies=[counted(["Three euros", ", and ", "one for children.\n"], 0, 1385)],
        ),
        case(SHORT, "Who are you?", replies=[["I am ", THOUGHT, "the kiosk."]]),
        case(
            rules_of("archive"), "Is tea allowed?", replies=[counted([THOUGHT, "No."], 210, 1385)]
        ),
        expect=(
            once(),
            rule(
                "no-system",
                "Your request has no `system`. The rules are standing instructions: send them "
                "there, as a text block in a list.",
                lambda run: run.request.system,
                acts(request='request.pop("system")'),
                "the rules left out, because the call works without them",
            ),
            HAS_MARK,
            QUESTION_KEPT,
            rule(
                "other-rules",
                "The text of `system` is not the `rules` as your function was given them. Send "
                "them as they are, and nothing besides.",
                lambda run: run.request.system == run.given["rules"],
                {'"text": rules': '"text": f"You answer at the desk.\\n\\n{rules}"'},
                "a role in front of the rules, as the lesson's `librarian` has it",
                show="system",
            ),
            rule(
                "five-minutes",
                "Your mark keeps the rules for five minutes, and the next question comes after "
                'ten: it would write them again. Ask for an hour with `"ttl": "1h"`.',
                lambda run: blocks(run)[marked(run)[0]]["cache_control"].get("ttl") == "1h",
                {', "ttl": "1h"': ""},
                "https://github.com/Kulitorum/Decenza/pull/1064",
                show="system",
            ),
            asks(),
            room(),
            rule(
                "not-two",
                "You gave back a `$kind`. Wanted are two values, no more and no fewer, with a "
                "comma between them: `return text, what`.",
                is_pair,
                {"return text, what": "return text"},
                "one value, as in all earlier exercises",
            ),
            rule(
                "other-way-round",
                "Your two values are the other way round: first the text of the reply, then what "
                "became of the rules.",
                lambda run: run.returned[0] not in STATES,
                {"return text, what": "return what, text"},
                "two values whose order nobody sees at the place of the call",
            ),
            rule(
                "other-text",
                "Your first value is not the whole text of the reply. Join all text blocks, as "
                "they are.",
                lambda run: run.returned[0] == text_of(run),
                {f"text = {JOINED}": "text = reply.content[-1].text"},
                "https://github.com/AstroVela/vane/pull/160: the last block taken for the answer",
            ),
            rule(
                "other-state",
                "The usage says: $written written, $read read. You called that `$named`; it is "
                "`$wanted`.",
                lambda run: run.returned[1] == state(run),
                {"used.cache_read_input_tokens:": "not used.cache_creation_input_tokens:"},
                "one of the two counts looked at, and the other concluded from it",
                written=lambda run: counts(run)[0],
                read=lambda run: counts(run)[1],
                named=lambda run: run.returned[1],
                wanted=state,
            ),
        ),
    ),
    mistakes=(
        Mistake("no-return", acts(""), "a cell shows its last line, a function does not"),
        Mistake(
            "printed",
            acts("", after="print(value)"),
            "articles print every result, because a script shows nothing else",
        ),
    ),
    takeaway="From the second question on, the rules cost a twentieth; and the usage tells when "
    "they do not.",
)


EXERCISES = (input_dollars, first_change, answer_mail, cached_rules)
