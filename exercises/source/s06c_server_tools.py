"""Exercises of lesson 06c: read what a search found, resume a paused turn, show the sources.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import re
from typing import Any

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    asks,
    case,
    cases,
    function_of,
    gives,
    message,
    miss,
    rounds,
    rule,
    sends_back_whole_turns,
)

IMPORTS = """
import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
PAGES = {
    "Closing a street": "https://city.example/closing",
    "Noise, waste, first aid": "https://festivals.example/list",
    "Insurance for small events": "https://insurance.example/events",
}
CLOSING, NOISE, INSURANCE = PAGES


def search(number: int) -> dict[str, Any]:
    """The call of a search, as the API sends it."""
    call = {"type": "server_tool_use", "name": "web_search", "input": {"query": "festival"}}
    return {**call, "id": f"srvtoolu_{number:024}"}


def result(number: int, content: Any) -> dict[str, Any]:
    """The result of that search: pages by their titles, or an error code."""
    found: Any = {"type": "web_search_tool_result_error", "error_code": content}
    if isinstance(content, tuple):
        found = []
        for title in content:
            page = {"type": "web_search_result", "title": title, "url": PAGES[title]}
            found.append({**page, "encrypted_content": "c2VhbA==", "page_age": None})
    answered = {"type": "web_search_tool_result", "tool_use_id": search(number)["id"]}
    return {**answered, "content": found}


def cited(text: str, *titles: str) -> dict[str, Any]:
    """A text block that rests on these pages."""
    citations = []
    for title in titles:
        where = {"type": "web_search_result_location", "title": title, "url": PAGES[title]}
        citations.append({**where, "cited_text": "...", "encrypted_index": "c2VhbA=="})
    return {"type": "text", "text": text, "citations": citations}


# --- 06c.1 -----------------------------------------------------------------------------


def logged(reply: Any) -> list[str]:
    """What each search came to."""
    lines = []
    for block in reply.content:
        if block.type == "web_search_tool_result":
            found = block.content
            lines.append(f"{len(found)} pages" if isinstance(found, list) else found.error_code)
    return lines


LINES = """[
    f"{len(block.content)} pages" if isinstance(block.content, list) else $error
    for block in reply.content if block.type == "web_search_tool_result"
]"""

search_log = Exercise(
    id="06c.1",
    title="A search that failed",
    objective="Tell a search that failed from one that found pages, or none.",
    minutes=7,
    task="""
Amara wants to know why some answers are so thin. `search_log` gets a reply, and should give back
a list with one text for each search in it, in their order: how many pages it found, such as
`"3 pages"` (or `"0 pages"`, `"1 pages"`), or the error code of a search that failed, such as
`"max_uses_exceeded"`.

The function below works as long as every search does. Fix it. There is no client here: nothing
is sent. The check hands in six replies.
""",
    template='''
def search_log(reply):
    """Give back a text for each search: its pages, or its error code."""
    lines = []
    for block in reply.content:
        if block.type == "web_search_tool_result":
            lines.append(f"{len(block.content)} pages")
    return lines
''',
    solution="""
def search_log(reply):
    lines = []
    for block in reply.content:
        if block.type != "web_search_tool_result":
            continue
        if isinstance(block.content, list):
            lines.append(f"{len(block.content)} pages")
        else:
            lines.append(block.content.error_code)
    return lines
""",
    also_correct=(
        """
def search_log(reply):
    found = [b.content for b in reply.content if b.type == "web_search_tool_result"]
    return [
        found_one.error_code
        if hasattr(found_one, "error_code")
        else str(len(found_one)) + " pages"
        for found_one in found
    ]
""",
        """
def search_log(reply):
    return [line(b) for b in reply.to_dict()["content"] if "search_tool_result" in b["type"]]


def line(block):
    pages = block["content"]
    if type(pages) is dict:
        return pages["error_code"]
    return f"{len(pages)} pages"
""",
    ),
    hints=(
        "What is the content of the result when a search failed? The lesson staged one, and wrote "
        "a function that looks before it reads.",
        "A search that worked has a *list* as its content, perhaps an empty one. `isinstance` "
        "tells whether a value is a list.",
        "If the content is no list, it is one error, and its code is in `.error_code`.",
    ),
    rules=function_of(
        case(message([THOUGHT, search(1), result(1, (CLOSING, NOISE, INSURANCE)), "Two things."])),
        case(message([THOUGHT, "I know that. ", "Ask the city."])),
        case(message([search(1), result(1, ()), "Nothing found."])),
        case(
            message([search(1), result(1, "unavailable"), search(2), result(2, (NOISE, CLOSING))])
        ),
        case(
            message(
                [search(1), result(1, (NOISE,)), search(2), result(2, "max_uses_exceeded"), "One."]
            )
        ),
        case(message([THOUGHT, search(1), result(1, "too_many_requests"), "I could not look."])),
        kind=list,
        right=logged,
        before=(
            miss(
                "number",
                "You gave back a number. A list is wanted, with a text for each search.",
                "len(value)",
                "tried while reviewing: the searches are counted",
                when=lambda run: isinstance(run.returned, int),
            ),
        ),
        known=(
            miss(
                "counts",
                'Your list holds numbers. A text is wanted for each search, such as `"3 pages"`.',
                "[int(line.split()[0]) if 'pages' in line else line for line in value]",
                "tried while reviewing: a number that was not yet put into words",
                when=lambda run: any(isinstance(item, int) for item in run.returned),
            ),
            miss(
                "objects",
                "Your list holds objects of the reply. Wanted are texts: a number of pages, or the "
                "`error_code` of a search that failed.",
                LINES.replace("$error", "block.content"),
                "the error object itself taken for its code",
                when=lambda run: any(not isinstance(item, str | int) for item in run.returned),
            ),
            miss(
                "first-only",
                "The reply holds several searches, and your list stops after the first. (In a "
                "loop, `return` ends the loop.)",
                "value[:1]",
                "https://github.com/repowise-dev/repowise/issues/750",
            ),
            miss(
                "failed-left-out",
                "A search that failed is missing from your list. It is the one that Amara looks "
                "for: put its `error_code` in.",
                "[line for line in value if 'pages' in line]",
                "https://github.com/DataDog/integrations-core/pull/24115: failed searches counted "
                "as none",
                when=lambda run: run.returned == [one for one in run.wanted if "pages" in one],
            ),
            miss(
                "failed-as-none",
                "A search failed, and your list says `$returned`. It did not find too little, it "
                "did not search at all: its error code is wanted.",
                '[line if "pages" in line else "0 pages" for line in value]',
                "https://github.com/DataDog/integrations-core/pull/24115",
                when=lambda run: (
                    run.returned == [line if "pages" in line else "0 pages" for line in run.wanted]
                ),
            ),
            miss(
                "empty-left-out",
                "A search that found nothing is missing from your list. It worked, and an empty "
                'list came back: `"0 pages"`. (In an `if`, an empty list counts as false.)',
                "[line for line in value if line != '0 pages']",
                "an empty list and a failed search are both false in an `if`",
                when=lambda run: run.wanted == ["0 pages"] and run.returned == [],
            ),
            miss(
                "no-search",
                "This reply holds no search, so the list should be empty. You gave back "
                "`$returned`.",
                "value or ['0 pages']",
                "a line for each reply, and not for each search",
                when=lambda run: not run.wanted,
            ),
            miss(
                "calls-counted",
                "Your list has a line too many: the call of a search (`server_tool_use`) or some "
                "other block got one as well. Take the blocks of type `web_search_tool_result`.",
                "value + ['0 pages' for block in reply.content if block.type == 'server_tool_use']",
                "two blocks for each search, which look alike",
                when=lambda run: len(run.returned) > len(run.wanted),
            ),
            miss(
                "one-number",
                "You put all searches into one line. Each search has a line of its own.",
                "[', '.join(value)] if len(value) > 1 else value",
                "a total for the reply",
                when=lambda run: len(run.returned) == 1 < len(run.wanted),
            ),
            miss(
                "moved",
                "All lines are there, but in another order than the searches: $wanted is wanted.",
                "sorted(value)",
                "tidying up for the log; the order tells what was tried first",
                when=lambda run: sorted(run.returned) == sorted(run.wanted),
            ),
            miss(
                "worded",
                "The lines are there, but in other words: wanted is $wanted, and you gave back "
                "`$returned`. A program that reads them needs exactly these words.",
                "[line.replace('1 pages', '1 page') for line in value]",
                "the grammar of English, put into a value that programs read",
                when=lambda run: len(run.returned) == len(run.wanted),
            ),
        ),
        name="other-list",
        says="Wanted is $wanted; you gave back `$returned`.",
        wrong="value[:0] if len(value) > 1 else value",
    ),
    messages={
        "raised-TypeError": "The content of a failed search is no list but one error, and an error "
        "has no length. Look at what it is before you read it.",
        "raised-list-attribute": "A list of pages has no `error_code`: only the content of a "
        "failed search has an `error_code`. Look at what it is before you read it.",
    },
    mistakes=(
        Mistake(
            "raised-TypeError",
            {"isinstance(block.content, list)": "block.content is not None"},
            "lesson 06c: code that takes every result for a list",
        ),
        Mistake(
            "raised-list-attribute",
            {"isinstance(block.content, list)": "not block.content.error_code"},
            "the error looked for in every result",
        ),
    ),
    takeaway="A failed search is a status 200 and one error in place of a list. Look at what came "
    "before you read it.",
)


# --- 06c.2 -----------------------------------------------------------------------------

LIMIT = 5
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 4}
JOIN = '"".join(texts)'


def paused(*blocks: Any) -> dict[str, Any]:
    """A reply that is half done."""
    return {"content": list(blocks), "stop_reason": "pause_turn"}


LONG = [paused(THOUGHT, f"Still at {number}. ", search(number)) for number in range(1, 9)]


def shaped(run: Run) -> None:
    """Let the API's own words stand where a turn has no content."""
    turns = [turn for sent in run.sent for turn in sent.body["messages"]]
    if not all("content" in turn for turn in turns):
        run.surface()


whole_answer = Exercise(
    id="06c.2",
    title="Resume a paused turn",
    objective="Send a paused reply back until the turn is done, and no longer.",
    minutes=10,
    task=f"""
Tomasz's questions take long searches, and some replies stop with `pause_turn`. `whole_answer`
should send the question with the `tools` that it is given, and

- send a paused reply back as it is, with the same tools and no new text, until the API does not
  pause any more, whatever the stop reason is then;
- send at most {LIMIT} requests, and give back `None` if the last reply is still paused;
- otherwise give back the text of *all* replies, put together.

Three things in the function below are wrong. Fix them.
""",
    template='''
def whole_answer(client, question, tools):
    """Give back the text of the whole answer, or None if it was never finished."""
    turns = [{"role": "user", "content": question}]
    while True:
        reply = client.messages.create(
            model=MODEL, max_tokens=4000, tools=tools, messages=turns
        )
        if reply.stop_reason == "end_turn":
            return "".join(b.text for b in reply.content if b.type == "text")
        turns.append({"role": "user", "content": "Go on."})
''',
    solution="""
def whole_answer(client, question, tools):
    turns = [{"role": "user", "content": question}]
    texts = []
    for _ in range(5):
        reply = client.messages.create(
            model=MODEL, max_tokens=4000, tools=tools, messages=turns
        )
        texts += [block.text for block in reply.content if block.type == "text"]
        if reply.stop_reason != "pause_turn":
            return "".join(texts)
        turns = [*turns, {"role": "assistant", "content": reply.content}]
    return None
""",
    also_correct=(
        """
def whole_answer(client, question, tools):
    request = {"model": MODEL, "max_tokens": 4000, "tools": tools}
    messages = [{"role": "user", "content": question}]
    replies = []
    while len(replies) < 5:
        replies.append(client.messages.create(messages=messages, **request))
        if replies[-1].stop_reason != "pause_turn":
            break
        messages = messages + [replies[-1].to_param()]
    if replies[-1].stop_reason != "pause_turn":
        blocks = [block for reply in replies for block in reply.content]
        return "".join(block.text for block in blocks if block.type == "text")
""",
    ),
    hints=(
        "Which line sends new text? What should go back in its place, and with which role?",
        'The loop goes on for one stop reason alone, `"pause_turn"`. Every other one is an end.',
        "Collect the texts of each reply in a list before the loop looks at the stop reason. A "
        "`for` loop over a `range` has its limit built in.",
    ),
    rules=cases(
        case("Hello!\n", [SEARCH], replies=[[THOUGHT, "Hello."]], gives="Hello.", requests=1),
        case(
            "What does the city want to know?",
            [SEARCH],
            replies=[
                paused(THOUGHT, "I look. ", search(1)),
                [result(1, (CLOSING,)), "A drawing, ", "early", ".\n"],
            ],
            gives="I look. A drawing, early.\n",
            requests=2,
        ),
        case(
            "Which insurance?",
            [{**SEARCH, "max_uses": 9}],
            replies=[
                paused(THOUGHT, search(1)),
                paused(result(1, (NOISE,)), "Not that one. ", search(2)),
                paused(result(2, (INSURANCE,)), THOUGHT, search(3)),
                {"content": [result(3, ()), "Liability, "], "stop_reason": "max_tokens"},
            ],
            gives="Not that one. Liability, ",
            requests=4,
        ),
        case(
            "May I burn it?",
            [SEARCH],
            replies=[{"content": ["No."], "stop_reason": "refusal"}],
            gives="No.",
            requests=1,
        ),
        case("All cities, please.", [SEARCH], replies=LONG, gives=None, requests=LIMIT),
        case(
            "Five cities.",
            [SEARCH],
            replies=[*LONG[:4], ["Done."]],
            gives="Still at 1. Still at 2. Still at 3. Still at 4. Done.",
            requests=LIMIT,
        ),
        expect=(
            rule(
                "new-text",
                "After a pause your code sent a new turn of the user. Nobody has said anything "
                "new: send the paused reply back as it is, as the last turn.",
                lambda run: not any(sent.roles[1:][-1:] == ["user"] for sent in run.sent[1:]),
                {
                    "turns = [*turns,": "turns = [*turns, *[",
                    '"content": reply.content}]': '"content": reply.content}], '
                    '{"role": "user", "content": "Go on."}]',
                },
                "chat loops, which send something of the user's each time",
                show="messages",
            ),
            shaped,
            sends_back_whole_turns(),
            rule(
                "other-tools",
                "A request of yours has other `tools` than your function was given, or none. A "
                "paused turn goes on with the same tools.",
                lambda run: all(sent.body.get("tools") == run.given["tools"] for sent in run.sent),
                acts(request='if len(request["messages"]) > 1:\n    request.pop("tools")'),
                "the second request written by hand, without what only the first seemed to need",
            ),
            rounds(),
            asks(),
            rule(
                "little-room",
                "Your `max_tokens` is under 1,000. Thinking counts too, and an answer with "
                "sources is long. The lesson uses 4,000.",
                lambda run: all(sent.body["max_tokens"] >= 1000 for sent in run.sent),
                {"max_tokens=4000": "max_tokens=400"},
                "small limits in articles from before thinking was on by default",
            ),
            rule(
                "half-shown",
                f"After {LIMIT} requests the turn was still paused, and your function gave back "
                "`$returned`. That is half an answer: give back `None`.",
                lambda run: run.wanted is not None or run.value is None,
                {"return None": 'return "".join(texts)'},
                "https://github.com/dust-tt/dust/pull/28390: an answer cut off in silence",
            ),
            rule(
                "last-half",
                "You gave back the text of the last reply alone. The answer began in the paused "
                "ones: put the texts of all replies together.",
                lambda run: (
                    len(run.requests) == 1
                    or run.value == run.wanted
                    or run.value
                    != "".join(b.text for b in run.last_reply.content if b.type == "text")
                ),
                {"texts += [": "texts = ["},
                "https://github.com/anthropics/anthropic-sdk-python/pull/1648: one reply taken "
                "for the answer",
            ),
            gives(
                str,
                "other-text",
                "Wanted is the text of all replies, as it is: `$wanted`. You gave back "
                "`$returned`.",
                "value.strip() if value else value",
            ),
        ),
    ),
    messages={
        "endless": "The API paused again and again, and your code sent more than $limit requests. "
        f"Stop after {LIMIT}, or you pay for ever.",
        "stopped-early": "Your code sent $sent of $wanted requests and stopped, although the last "
        f"reply was paused. {LIMIT} requests are allowed.",
        "turn-left-out": "The question went out again, without the paused reply. Then the search "
        "starts again, and what was searched is paid for and lost. Send the reply back, with the "
        "role `assistant`.",
        "went-on": f"Your code sent $sent requests; $wanted were enough. Only `pause_turn` goes "
        f"on, and at most {LIMIT} requests go out.",
    },
    mistakes=(
        Mistake(
            "endless",
            {"for _ in range(5):": "while True:"},
            "https://github.com/vellum-ai/vellum-assistant/issues/40145 asks for a bound",
        ),
        Mistake(
            "more-turns",
            acts(
                request='if len(request["messages"]) == 1:\n'
                '    request["messages"] = 2 * request["messages"]'
            ),
            "tried while reviewing: the question said twice, for emphasis",
        ),
        Mistake(
            "history-changed",
            {"turns = [*turns,": 'turns = [{"role": "user", "content": "Go on."},'},
            "only the last message is sent, with a word to go on",
        ),
        Mistake(
            "stopped-early",
            {'!= "pause_turn"': 'in ("end_turn", "pause_turn")'},
            "https://github.com/gsd-build/gsd-2/issues/2869: pause_turn taken for an end",
        ),
        Mistake(
            "went-on",
            {'!= "pause_turn"': '== "end_turn"'},
            "loops written for `end_turn` alone: lesson 06c, question 1",
        ),
    ),
    equivalent={"line 12: return removed": "a function without a `return` gives `None` as well"},
    takeaway="`pause_turn` is the one stop reason that goes on by itself: the same reply, the same "
    "tools, a limit.",
)


# --- 06c.3 -----------------------------------------------------------------------------


def sourced(reply: Any) -> str:
    """The text of a reply with numbers behind what rests on pages, and their list."""
    urls: list[str] = []
    lines: list[str] = []
    text = ""
    for block in reply.content:
        if block.type != "text":
            continue
        numbers = []
        for citation in block.citations or []:
            if citation.url not in urls:
                urls.append(citation.url)
                lines.append(f"\n[{len(urls)}] {citation.title}, {citation.url}")
            number = f"[{urls.index(citation.url) + 1}]"
            if number not in numbers:
                numbers.append(number)
        text += block.text + "".join(numbers)
    return text + ("\n" if lines else "") + "".join(lines)


def plain(run: Run) -> str:
    """The text of the reply alone."""
    return "".join(block.text for block in run.args[0].content if block.type == "text")


def body(run: Run) -> str:
    """What came back, without the list of sources."""
    return body_of(run.text)


def listed_sources(run: Run) -> list[str]:
    """The lines of the list of sources that came back."""
    return [line for line in run.text.splitlines() if line.startswith("[")]


def right_sources(run: Run) -> list[str]:
    """The lines of the right list of sources."""
    return [line for line in str(run.wanted).splitlines() if line.startswith("[")]


def body_of(text: Any) -> str:
    """A text without the list of sources at its end."""
    return re.split(r"\n+(?=\[)", str(text))[0]


def behind(run: Run) -> str:
    """What stands between the right text and the list of sources; "" if nothing does."""
    right = body_of(run.wanted)
    return body(run)[len(right) :].strip() if body(run).startswith(right) else ""


def once_each(text: str) -> str:
    """A text in which no number stands behind the same block twice."""
    return re.sub(r"(\[\d+\])(?=(?:\[\d+\])*\1)", "", text)


def in_order(run: Run) -> bool:
    """Whether all text of the reply stands in what came back, in order."""
    at = 0
    for block in run.args[0].content:
        if block.type == "text":
            found = run.text.find(block.text, at)
            if found < 0:
                return False
            at = found + len(block.text)
    return True


def rests(run: Run) -> bool:
    """Whether anything in the reply rests on a page."""
    return bool(run.wanted != plain(run))


with_sources = Exercise(
    id="06c.3",
    title="Say where it comes from",
    objective="Show the text of an answer with the pages that it rests on.",
    minutes=15,
    part="with_sources",
    task="""
The library desk may ask the web, and its visitors should see what an answer rests on. Complete
`with_sources`: it gets a reply and gives back one text.

- After each text block that rests on pages comes the number of each page, such as `[1]` or
  `[1][3]`, without a space before it.
- A page is known by its `url`. The pages are numbered from 1, in the order in which they are
  first cited; one that is cited again keeps its number, which comes only once after a block.
- At the end come an empty line and the pages, one a line: `[1] Closing a street,
  https://city.example/closing`.
- If nothing is cited, the text comes back as it is.

So `A drawing.` and ` And a date.`, both from that page, become:

```text
A drawing.[1] And a date.[1]

[1] Closing a street, https://city.example/closing
```

There is no client here: nothing is sent. The check hands in six replies.
""",
    template='''
def with_sources(reply):
    """Give back the text with numbers, then the pages that they stand for."""
    ...
''',
    solution="""
def with_sources(reply):
    pages = {}
    text = ""
    for block in reply.content:
        if block.type != "text":
            continue
        text += block.text
        cited = {citation.url: citation.title for citation in block.citations or []}
        for url, title in cited.items():
            if url not in pages:
                pages[url] = f"[{len(pages) + 1}]", title
            text += pages[url][0]
    if pages:
        text += "\\n"
    for url, (number, title) in pages.items():
        text += f"\\n{number} {title}, {url}"
    return text
""",
    also_correct=(
        """
def with_sources(reply):
    urls, titles, pieces = [], [], []
    for block in [block for block in reply.content if block.type == "text"]:
        pieces.append(block.text)
        seen = []
        for citation in block.citations or ():
            if citation.url not in urls:
                urls.append(citation.url)
                titles.append(citation.title)
            if citation.url not in seen:
                seen.append(citation.url)
                pieces.append("[" + str(urls.index(citation.url) + 1) + "]")
    if not urls:
        return "".join(pieces)
    lines = [f"[{n}] {t}, {u}" for n, (t, u) in enumerate(zip(titles, urls), start=1)]
    return "".join(pieces) + "\\n\\n" + "\\n".join(lines)
""",
    ),
    hints=(
        "Begin with the text alone, then add the numbers, then the list. The lesson's cell with "
        "`rests on:` shows where the citations are, and what is there if nothing is cited.",
        "Keep a dict of the pages that were cited so far. A page that is not in it yet gets the "
        "next number; one that is keeps its own.",
        "Loop over the blocks, add the text, then loop over `block.citations or []`. A dict keeps "
        "its order, so the list at the end is one more loop over it.",
    ),
    rules=function_of(
        case(message([THOUGHT, search(1), result(1, (CLOSING,)), cited("A drawing.", CLOSING)])),
        case(message([THOUGHT, "We open ", "at nine", ".\n"])),
        case(message(["First: ", cited("a drawing.", CLOSING), cited(" And a date.", CLOSING)])),
        case(
            message(
                [
                    cited("Insure it", INSURANCE, CLOSING),
                    " and ",
                    cited("be quiet.", NOISE, INSURANCE),
                ]
            )
        ),
        case(message([cited("Twice.", NOISE, NOISE), cited(" Once.", CLOSING), THOUGHT, " Bye."])),
        case(message([THOUGHT, search(1), result(1, (NOISE, CLOSING)), "I found ", "nothing."])),
        kind=str,
        right=sourced,
        known=(
            miss(
                "sources-added",
                "Nothing in this reply rests on a page, so its text should come back as it is. "
                "You gave back `$returned`.",
                "value if '[' in value else value + '\\n\\nSources:'",
                "a heading for the sources, printed also when there are none",
                when=lambda run: not rests(run) and run.text.startswith(plain(run)),
            ),
            miss(
                "text-lost",
                "Part of the text is missing, or was changed. All text blocks belong into it, "
                "those without citations too, with every blank and line break.",
                "value[1:]",
                "only what has a source is shown",
                when=lambda run: not in_order(run),
            ),
            miss(
                "no-sources",
                "This text rests on pages, and what you gave back shows neither their numbers, "
                "such as `[1]`, nor their list.",
                "''.join(b.text for b in reply.content if b.type == 'text')",
                "the text of a reply read as in lessons 01 to 06",
                when=lambda run: rests(run) and "[" not in run.text,
            ),
            miss(
                "no-numbers",
                "The list of pages is there, but its numbers are not in the text: nobody can see "
                "which sentence rests on which page.",
                "''.join(b.text for b in reply.content if b.type == 'text') "
                "+ value[value.find('\\n\\n['):] if '[' in value else value",
                "sources as a footer, as most chat pages show them",
                when=lambda run: rests(run) and "[" not in body(run) and listed_sources(run),
            ),
            miss(
                "no-list",
                "The numbers are in the text, but the list of pages is missing. At the end come "
                "an empty line, and then each page with its number.",
                "value.partition('\\n\\n[')[0]",
                "tried while reviewing: numbers that lead nowhere",
                when=lambda run: rests(run) and not listed_sources(run),
            ),
            miss(
                "listed-twice",
                "A page is in your list more than once. A page has one number, however often "
                "it is cited: look whether its `url` is known before you add it.",
                "value + '\\n' + value.splitlines()[-1] if '[' in value else value",
                "each citation taken for a source of its own",
                when=lambda run: len(listed_sources(run)) > len(right_sources(run)),
            ),
            miss(
                "number-twice",
                "A block cites the same page twice, and you put its number there twice. After a "
                "block, each page is named once.",
                "value.replace('Twice.[1]', 'Twice.[1][1]')",
                "one number for each citation",
                when=lambda run: (
                    body(run) != body_of(run.wanted) and once_each(body(run)) == body_of(run.wanted)
                ),
            ),
            miss(
                "from-zero",
                "Your numbers begin with 0. Readers count from 1.",
                "value.replace('[1]', '[0]').replace('[2]', '[1]').replace('[3]', '[2]')",
                "Python counts from 0: `enumerate` and `len` do",
                when=lambda run: "[0]" in run.text,
            ),
            miss(
                "blanks-added",
                "There are blanks or line breaks in your text that do not belong there, or one is "
                "missing: the numbers follow the block at once, and one empty line comes before "
                "the list.",
                "value.replace('[1]', ' [1]', 1)",
                "as a typist would do it",
                when=lambda run: "".join(run.text.split()) == "".join(str(run.wanted).split()),
            ),
            miss(
                "heading",
                "Something is between the text and the list, or after the text: `$more`. "
                "Wanted is an empty line there, and nothing else.",
                "value.replace('\\n\\n[', '\\n\\nSources:\\n[')",
                "a heading, as lists of sources often have one",
                when=behind,
                more=behind,
            ),
            miss(
                "list-otherwise",
                "The text with its numbers is right. The list at its end is not: wanted is "
                "`[1] title, url`, one page a line, in the order of the numbers.",
                "value.partition('\\n\\n[')[0] + ''.join('\\n\\n[1] ' + c.url for b in "
                "reply.content if b.type == 'text' for c in (b.citations or [])[:1])",
                "tried while reviewing: the title left out",
                when=lambda run: body(run) == body_of(run.wanted),
            ),
        ),
        name="other-numbers",
        says="The numbers in your text are not the right ones. For this reply it should be "
        "$wanted; you gave back `$returned`.",
        wrong="value.replace('[1]', '[9]')",
    ),
    messages={
        "raised-none": "A text block that rests on no page has `None` for its `citations`, and a "
        "loop cannot go through that. Write `block.citations or []`.",
        "raised-TypeError": "A citation is an object, not a dict: its parts are read with a dot, "
        "`citation.title` and `citation.url`.",
    },
    mistakes=(
        Mistake(
            "raised-none",
            {"block.citations or []": "block.citations"},
            "citations taken for a list, which is empty when there are none",
        ),
        Mistake(
            "text-lost",
            {"text += block.text\n": 'text += block.text if block.citations else ""\n'},
            "only what has a source is shown",
        ),
        Mistake(
            "raised-TypeError",
            {"citation.url: citation.title": 'citation["url"]: citation["title"]'},
            "citations read like the JSON that the documentation shows",
        ),
        Mistake(
            "raised-thinking-block",
            {'        if block.type != "text":\n            continue\n': ""},
            "blocks read without a look at their type",
        ),
    ),
    takeaway="Citations belong to a text block, and may be `None`. Shown with the answer, they let "
    "a reader look for themselves.",
)


EXERCISES = (search_log, whole_answer, with_sources)
