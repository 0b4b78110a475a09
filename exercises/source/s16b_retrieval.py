"""Exercises of lesson 16b: a search that no question breaks, recall, answers with sources.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

from typing import Any

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    acts,
    case,
    cases,
    function_of,
    gives,
    of_kind,
    once,
    room,
    slips,
    to_model,
)

IMPORTS = """
import re
import sqlite3
from contextlib import closing

import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py


def index_of(passages):
    # a database in memory, with the numbers and texts in a full-text table `rules`
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE rules USING fts5(number UNINDEXED, text)")
    db.executemany("INSERT INTO rules VALUES (?, ?)", passages.items())
    return db
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with


# --- 16b.1 -----------------------------------------------------------------------------

SHED = {
    "1.1": "The shed is open on Saturday, from nine until noon, and on no other day.",
    "1.2": "You may keep a ladder for four days; after that it is late, and somebody's waiting.",
    "2.1": "Late tools cost 2 euros for each day on which we are open.",
    "2.2": "A late ladder costs 5 euros.",
    "3.1": "We do not take part in inter-library loans.",
    "3.2": "Tell us when a tool is broken, late or not; nobody scolds you.",
}
BEES = {"7": "Bees sleep.", "8": "Do bees sleep in winter, or not?"}
QUOTED = """f'"{word}"'"""

SEARCHES = slips(
    ("not-numbers", {"row[0] for row": "row for row"},
     "`fetchall()` given back as it is, with its tuples",
     "Your list should hold numbers, as `passages` has them. Yours holds `$one`.",
     lambda run: all(one in list(run.args[0]) for one in run.returned)),
    ("every-word", {'" OR ".join': '" ".join'}, "lesson 16b, `every_word`: a blank means AND",
     "You find only passages with every word of “$question”. Write OR between the words."),
    ("file-order", {" ORDER BY rank": ""}, "a LIMIT without an order",
     "Your numbers come in the order of the file, so the best passage is not first, or is cut off. "
     "Let SQLite order them: `ORDER BY rank`."),
    ("worst-first", {"ORDER BY rank": "ORDER BY rank DESC"}, "a rank taken for points",
     "The worst passage comes first. `rank` is smaller the better one fits: leave out DESC."),
    ("too-many", {" LIMIT ?": "", "(query, k)": "(query,)"},
     "the limit of the old line lost with it",
     "$count numbers came back for `k` = $k. Take the first `k`.",
     lambda run: len(run.returned) <= run.args[2]),
    ("prefixes", {QUOTED: """f'"{word}"*'"""}, "lesson 16b, `prefixes`",
     "Words in “$question” found longer words that begin with them: leave out the star."),
    ("nothing-found", {f'" OR ".join({QUOTED} for word in words)': "'\"' + ' '.join(words) + '\"'"},
     "the whole question in one pair of quotes, which makes it a phrase",
     "Nothing was found for “$question”, but there are passages with one of its words. Is each "
     "word in quotes of its own, with OR between them?",
     lambda run: run.returned or not run.wanted),
    ("raised-OperationalError", {"""f'"{word}"'""": "word"},
     "lesson 16b: a visitor's text handed to MATCH",
     "SQLite could not read the query that your code made of a visitor's text. Put each word in "
     "double quotes, and stop before the search if there is none."),
    one=lambda run: next(one for one in run.returned if one not in list(run.args[0])),
    question=lambda run: run.args[1],
    count=lambda run: len(run.returned),
    k=lambda run: run.args[2],
)  # fmt: skip

search_rules = Exercise(
    id="16b.1",
    title="Fix the search",
    objective="Search with whatever a visitor types, the best passages first.",
    minutes=10,
    task="""
A tool shed searches its rules with `search_rules`. It worked for "ladder", and failed on the first
day, when a visitor typed *What's the fee?* Fix it. (`passages` is a dict, a number to its text;
`index_of` in the first cell makes a full-text table of it, and is right.)

- any text may come: with apostrophes, quotation marks, hyphens, or words such as NOT;
- a passage is found if it contains any word of the question, as a whole word;
- the best passage stands first, by SQLite's own order, and at most `k` numbers come back;
- a question without any word finds nothing: an empty list.
""",
    template="""
def search_rules(passages, question, k):
    with closing(index_of(passages)) as db:
        sql = f"SELECT number FROM rules WHERE rules MATCH '{question}' LIMIT {k}"
        return [row[0] for row in db.execute(sql)]
""",
    solution=r"""
def search_rules(passages, question, k):
    words = re.findall(r"\w+", question)
    if not words:
        return []
    query = " OR ".join(f'"{word}"' for word in words)
    with closing(index_of(passages)) as db:
        sql = "SELECT number FROM rules WHERE rules MATCH ? ORDER BY rank LIMIT ?"
        return [row[0] for row in db.execute(sql, (query, k))]
""",
    also_correct=(
        """
def search_rules(passages, question, k):
    quoted = []
    for word in question.split():
        word = word.replace('"', "")
        if any(letter.isalnum() for letter in word):
            quoted.append('"' + word + '"')
    if not quoted:
        return []
    db = index_of(passages)
    sql = "SELECT number FROM rules WHERE rules MATCH ? ORDER BY bm25(rules)"
    rows = db.execute(sql, [" OR ".join(quoted)]).fetchall()
    db.close()
    return [number for (number,) in rows][:k]
""",
    ),
    hints=(
        "Two languages meet here: SQL, and the one behind `MATCH`. A `?` keeps the question out of "
        "the first. What keeps it out of the second?",
        r'`re.findall(r"\w+", question)` gives the words alone. Put each into double quotes, and '
        "write OR between them.",
        "SQLite's own order is called `rank`. And before you search: are there any words?",
    ),
    rules=function_of(
        case(SHED, "Is somebody's ladder late?", 3),
        case(SHED, "What's the fee for a ladder that is late?", 4),
        case(SHED, "late NOT broken", 2),
        case(SHED, 'Is it "open" (and late)?', 5),
        case(SHED, 'A 5" ladder?', 3),
        case(SHED, "inter-library", 1),
        case(SHED, "tool", 3),
        case(SHED, "LATE", 1),
        case(SHED, "zebra", 2),
        case(SHED, "?!", 3),
        case(BEES, "sleep bees", 1),
        kind=list,
        known=SEARCHES,
        name="other-passages",
        says="For this question $wanted is right; you gave back `$returned`. Each word counts, a "
        "small one too, and nothing else.",
        wrong="value[1:]",
    ),
    takeaway="A `?` keeps a text out of SQL; quotes around each word keep it out of MATCH.",
)


# --- 16b.2 -----------------------------------------------------------------------------

RIGHT = {
    "fees": "6.2",
    "goats": "16.2",
    "ladders": "9.1",
    "hours": "1.1",
    "keys": "3.9",
    "rooms": "12.2",
    "cards": "2.2",
}
FOUND = {
    "fees": ["6.1", "6.2", "6.3"],
    "goats": ["16.2"],
    "ladders": ["3.1", "9.2", "9.4", "9.1"],
    "hours": ["1.2", "1.3", "1.4", "1.5", "1.1"],
    "keys": [],
    "cards": ["2.5", "2.6"],
    "beds": ["12.2", "6.2"],
}
LOOP = "    for question, number"

SHARES = slips(
    ("counted", {"hits / len(right)": "hits * 1.0"}, "lesson 16b, whose `recall` counts",
     "You gave back how many were found. Divide by the number of questions, $questions."),
    ("percent", [acts("value * 100"), acts("round(value * 100)")],
     "recall is often written with a percent sign",
     "You gave back a percentage. Wanted is a share, from 0 to 1."),
    ("whole", acts("int(value)"), "one stroke too many",
     "A whole number came back. `//` drops what comes after the point; divide with `/`.",
     lambda run: not isinstance(run.value, int)),
    ("by-passages", acts("value / k"), "the other measure of searches",
     "You divided by the passages that you looked at, too. That measures something else "
     "(precision): recall counts questions only."),
    ("k-ignored", {"[:k]": "[:]"}, "`in` a list looks everywhere",
     "You looked through the whole list. Only the first `k` passages count, here $k."),
    ("other-k",
     [{"[:k]": change} for change in ("[k - 1 : k]", "[0:1]", "[: k - 1]", "[:k+1]",
                                      "[1 : k + 1]")],
     "places that begin at 1; an index in place of a slice; recall at 1, measured for every k",
     "You looked at other passages than the first `k`, here $k: at one of them alone, or at one "
     "more, or one fewer. The first `k` of a list are `[:k]`."),
    ("missed-counted", acts("1 - value"), "misses are what one looks at",
     "That is the share of the questions that the search missed."),
    ("missing-left-out",
     acts("value * len(right) / max(1, len([one for one in right if one in found]))"),
     "the questions that failed, left out of the sum",
     "You divided by fewer questions than there are. One that was not searched counts, too."),
    ("rounded", [acts(f"round(value, {digits})") for digits in (2, 1, 3)],
     "a number made to be shown",
     "Your share is rounded. Give it back as it is; whoever shows it can round it."),
    ("raised-key", {"found.get(question, [])": "found[question]"}, "a missing search",
     "$kit A question of `right` can be missing in `found`, and counts as not found then: "
     "`found.get(question, [])` gives an empty list for it."),
    ("raised-ZeroDivisionError", {"/ len(right)": "/ len(found)"},
     "the lists counted in place of the questions",
     "You divided by the length of something that can be empty. There is always a question in "
     "`right`: divide by their number."),
    questions=lambda run: len(run.args[1]),
    k=lambda run: run.args[2],
)  # fmt: skip

recall = Exercise(
    id="16b.2",
    title="Recall at k",
    objective="Measure a search on questions whose passages are known.",
    minutes=8,
    task="""
Complete `recall`. It says how good a search is, as a share from 0 to 1: of all questions in
`right`, for how many is the right passage among the first `k` that were found?

- `found`: for a question the list of numbers that the search gave, best first. A question for
  which the search was never run is missing there, and counts as not found;
- `right`: for each question the one number that answers it. There is at least one question.
""",
    template='''
def recall(found, right, k):
    """The share of the questions whose right passage is among the first k."""
    ...
''',
    solution="""
def recall(found, right, k):
    hits = 0
    for question, number in right.items():
        if number in found.get(question, [])[:k]:
            hits += 1
    return hits / len(right)
""",
    also_correct=(
        """
def recall(found, right, k):
    missed = len(right)
    for question in right:
        if question not in found:
            continue
        for place, number in enumerate(found[question]):
            if place < k and number == right[question]:
                missed = missed - 1
                break
    return 1 - missed / len(right)
""",
    ),
    hints=(
        "Go through `right`, not through `found`: every question counts, also one that found "
        "nothing.",
        "`found.get(question, [])` gives an empty list where a question is missing. The first `k` "
        "of a list are `[:k]`.",
        "Count the questions for which the number is in that part of the list, and divide by the "
        "number of questions.",
    ),
    rules=function_of(
        *(case(FOUND, RIGHT, k) for k in (3, 1, 9)),
        case({}, RIGHT, 3),
        case({"fees": ["6.2"]}, {"fees": "6.2"}, 1),
        kind=float,
        known=SHARES,
        name="other-share",
        says="The right share is $wanted; you gave back `$returned`.",
        wrong="value / 5",
    ),
    takeaway="Recall at k measures the search alone. Every question counts, also one without a "
    "result.",
)


# --- 16b.3 -----------------------------------------------------------------------------

NOT_HERE = "Not in my documents."
HOUSE = {
    "3.1": "Books are lent for three weeks.",
    "6.2": "The fees for each day: books 20 cents, films 50 cents.",
}
ATTIC = {"4.1": "A loan is renewed at the desk or by telephone."}


def cited(text: str, *sources: str, says: str = "") -> dict[str, Any]:
    """A text block that rests on these passages; `says`: their text, if it is another one."""
    citations = []
    for number in sources:
        where = {"type": "search_result_location", "source": number, "title": "House rules"}
        place = {"search_result_index": 0, "start_block_index": 0, "end_block_index": 1}
        stands = says or {**HOUSE, **ATTIC}.get(number, "Goats are welcome.")
        citations.append({**where, **place, "cited_text": stands})
    return {"text": text, "citations": citations}


def blocks(run: Run, kind: str = "search_result") -> list[dict[str, Any]]:
    """The blocks of this type in the turn of the user; without passages there is no request."""
    said = run.request.body["messages"][0]["content"] if run.args[1] else ""
    return [block for block in said if block["type"] == kind] if isinstance(said, list) else []


def texts(run: Run) -> dict[str, str]:
    """The passages that were sent: the text of each source."""
    return {one["source"]: "".join(part["text"] for part in one["content"]) for one in blocks(run)}


def asks_last(run: Run) -> bool:
    """Whether the question stands behind the passages, as a block of its own."""
    last = run.request.body["messages"][0]["content"][-1]
    return bool(last == {"type": "text", "text": run.args[0]})


def shows(run: Run) -> bool:
    """Whether the reply is shown, although the visitor should read that there is none."""
    if run.wanted[0] != NOT_HERE or not run.requests:
        return False
    *_, last = [block.text for block in run.last_reply.content if block.type == "text"]
    return last in run.returned[0]


WEEKS = [THOUGHT, cited("Three weeks", "3.1"), ", and you may come earlier."]
UNCITED = ["Warm the tape with a ", "hair dryer."]
CUT = {"content": [cited("Three weeks, and then", "3.1")], "stop_reason": "max_tokens"}
OLD = [cited("Films: 40 cents.", "6.2", says="The fees for each day: films 40 cents.")]
HALF = [cited("Three weeks.", "3.1"), cited(" Bees: 9 cents.", "6.2", says="Bees 9 cents.")]
MIXED = [cited("A late book is 20 cents", "6.2"), cited(", after three weeks", "3.1", "6.2"), "."]
ELSEWHERE = [cited("Three weeks.", "6.2", says=HOUSE["3.1"])]
UNKNOWN = [cited("Goats may come in.", "16.2")]
NOTHING = "return NOT_HERE, []"
GATHERS = "        text += block.text\n"
OTHER_SOURCES = (
    "Your function gave back `$returned`; right is $wanted: the whole text of the reply, or "
    "`NOT_HERE`, and the numbers that the reply cites, each once, the first cited at the front."
)

FOR_NOTHING, *PASSAGES = slips(
    ("asked-for-nothing", {f"    if not passages:\n        {NOTHING}\n": ""},
     "lesson 16b: a search that finds nothing sends no request",
     "There are no passages, and you asked Claude all the same. Nothing can be cited then: give "
     "back `NOT_HERE, []` before the request, which costs money.",
     lambda run: run.args[1] or not run.sent),
    ("no-blocks",
     {"    content = [as_block(number, text) for number, text in passages.items()]\n":
      '    content = [{"type": "text", "text": str(passages)}]\n'},
     "articles from before citations, with the documents in the prompt",
     "Your request has no `search_result` block. Passages that are pasted into a text can be read, "
     "but not cited.", lambda run: blocks(run) or not run.args[1]),
    ("other-source", {'"source": number': '"source": "house_rules.md"'},
     "one name for the whole file; the number written into the text, so that Claude sees it",
     "Each passage needs a block with its number as `source`, and with its text as it is; "
     "otherwise what is cited will not be found again. You sent the sources $sent.",
     lambda run: texts(run) == run.args[1] and list(texts(run)) == list(run.args[1])),
    ("citations-off", {'        "citations": {"enabled": True},\n': ""}, "off by default",
     'Claude will cite nothing: each block needs `"citations": {"enabled": True}`.',
     lambda run: all((one.get("citations") or {}).get("enabled") for one in blocks(run))),
    ("no-question", {'"text": question}': '"text": question.strip()}'},
     "the question tidied, or left out among the blocks",
     "The question should stand as a text block of its own behind the passages, as it is.",
     lambda run: not run.args[1] or asks_last(run)),
    sent=lambda run: ", ".join(one["source"] for one in blocks(run)),
)  # fmt: skip
SOURCES = slips(
    ("not-two", acts("(*value, [])"), "the reply added, for whoever needs it",
     "Two things are wanted, a text and a list: `return text, sources`. You gave back `$returned`.",
     lambda run: [type(part) for part in run.returned] == [str, list]),
    ("cut-shown", {'reply.stop_reason != "end_turn" or ': ""},
     "https://github.com/agno-agi/agno/issues/6179",
     "The reply was cut by `max_tokens`, and your function shows it. Half a rule may say the "
     "opposite of the whole: look at the `stop_reason`.",
     lambda run: run.replies[0] is not CUT or not shows(run)),
    ("uncited-shown", {" or not sources": ""},
     "a prompt that says 'only from the passages', taken for a guarantee",
     "The reply cites nothing, and your function shows it. It may be Claude's own knowledge, and "
     "not what the rules say.", lambda run: run.replies[0] is not UNCITED or not shows(run)),
    ("fault-shown",
     {'if citation.cited_text not in passages.get(citation.source, ""):': "if False:"},
     "an index that is older than the document",
     "The reply cites “$cited” from passage $source, and this does not stand there. Your function "
     "shows the answer all the same. Hold every citation against the passage that it names.",
     lambda run: not shows(run)),
    ("good-lost", {GATHERS: f"{GATHERS}        if not block.citations:\n            {NOTHING}\n"},
     "every block held to a citation of its own",
     "This reply cites a passage, and all that it cites stands there, but your function gave back "
     "`$returned`. A block without citations is no fault if others cite.",
     lambda run: run.wanted[0] == NOT_HERE or run.returned[0] != NOT_HERE),
    ("raised-400", {'        "title": "House rules",\n': ""}, "a title thought optional",
     "$kit Compare your blocks with `as_block` of the lesson: a `search_result` has a `source`, a "
     "`title`, and a list of text blocks as its `content`."),
    ("raised-none", {"block.citations or []": "block.citations"},
     "citations taken for a list, which is empty when there are none",
     "A text block that rests on nothing has `None` for its `citations`, and a loop cannot go "
     "through that. Write `block.citations or []`."),
    ("raised-key", {'passages.get(citation.source, "")': "passages[citation.source]"},
     "a source that was never sent",
     "$kit A citation can name a number that is not among `passages`; such an answer is not shown. "
     "First look whether it is there."),
    cited=lambda run: run.replies[0][-1]["citations"][-1]["cited_text"],
    source=lambda run: run.replies[0][-1]["citations"][-1]["source"],
)  # fmt: skip

answer_with_sources = Exercise(
    id="16b.3",
    title="Answer with sources",
    objective="Answer from passages, and show only what they carry.",
    minutes=20,
    part="answer_with_sources",
    task="""
The library desk has searched its rules, and `passages` holds what it found: a dict, a number to
its text. Complete `answer_with_sources`. It sends one request, in which one turn of the user holds

- a `search_result` block for each passage: its number as `source`, any title, the text, with
  citations enabled;
- and then the question, as a text block.

It gives back two things, `return text, sources`: the whole text of the reply, and the numbers that
the reply cites, each once, in the order in which they are first cited. It gives back
`NOT_HERE, []` if

- there are no passages (then it sends nothing);
- the reply did not come to its end (`end_turn`), or cites nothing;
- a cited text does not stand in the passage with the number that the citation names.
""",
    template='''
NOT_HERE = "Not in my documents."


def answer_with_sources(client, question, passages):
    """Ask with these passages; give back the text and the numbers of its sources."""
    ...
''',
    solution="""
NOT_HERE = "Not in my documents."


def as_block(number, text):
    return {
        "type": "search_result",
        "source": number,
        "title": "House rules",
        "content": [{"type": "text", "text": text}],
        "citations": {"enabled": True},
    }


def answer_with_sources(client, question, passages):
    if not passages:
        return NOT_HERE, []
    content = [as_block(number, text) for number, text in passages.items()]
    content.append({"type": "text", "text": question})
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": content}],
    )
    text = ""
    sources = []
    for block in reply.content:
        if block.type != "text":
            continue
        text += block.text
        for citation in block.citations or []:
            if citation.cited_text not in passages.get(citation.source, ""):
                return NOT_HERE, []
            if citation.source not in sources:
                sources.append(citation.source)
    if reply.stop_reason != "end_turn" or not sources:
        return NOT_HERE, []
    return text, sources
""",
    also_correct=(
        """
NOT_HERE = "Not in my documents."


def answer_with_sources(client, question, passages):
    content = []
    for number in passages:
        block = {"type": "search_result", "source": number, "title": f"Rule {number}"}
        block["content"] = [{"type": "text", "text": passages[number]}]
        content.append({**block, "citations": {"enabled": True}})
    if content == []:
        return NOT_HERE, []
    turn = {"role": "user", "content": content + [{"type": "text", "text": question}]}
    reply = client.messages.create(
        model=MODEL, max_tokens=4000, system="Only from the rules.", messages=[turn]
    )
    said = [block for block in reply.content if block.type == "text"]
    cited = [citation for block in said for citation in block.citations or []]
    faults = [one for one in cited if one.cited_text not in passages.get(one.source, "")]
    if reply.stop_reason != "end_turn" or not cited or faults:
        return NOT_HERE, []
    numbers = dict.fromkeys(citation.source for citation in cited)
    return "".join(block.text for block in said), list(numbers)
""",
    ),
    hints=(
        "Three steps: make the blocks and ask; go through the text blocks of the reply and their "
        "citations; decide. `as_block`, `faults` and `for_visitor` of the lesson are the parts.",
        "A text block that rests on nothing has `None` for its `citations`: `block.citations or "
        "[]`. A citation has `source` and `cited_text`.",
        '`passages.get(citation.source, "")` is an empty text for a number that you never sent, '
        "and no cited text stands in that.",
    ),
    rules=cases(
        case("How long may I keep a book?", HOUSE, replies=[WEEKS]),
        case("By telephone?\n", ATTIC, replies=[[cited("Yes.", "4.1")]]),
        case("What does a late book cost?", HOUSE, replies=[MIXED]),
        case("Have you a 3D printer?", {}, requests=0),
        case("How do I get tape off a page?", HOUSE, replies=[UNCITED]),
        case("How long is a loan?", HOUSE, replies=[CUT]),
        case("What do films cost?", HOUSE, replies=[OLD]),
        case("What do bees cost?", HOUSE, replies=[HALF]),
        case("And how long?", HOUSE, replies=[ELSEWHERE]),
        case("May my goat come in?", HOUSE, replies=[UNKNOWN]),
        expect=(
            FOR_NOTHING, once(), to_model(), room(200), *PASSAGES, of_kind(tuple), *SOURCES,
            gives(tuple, "other-sources", OTHER_SOURCES, "(value[0], list(passages))"),
        ),
        solved=True,
    ),
    mistakes=(
        Mistake("other-sources", {"    return text, sources": "    return text, sorted(sources)"},
                "lesson 16b, where `for_visitor` sorts them"),
    ),
    equivalent={
        "line 8: 'House rules' -> 'House rulesx'": "any title",
        "line 31: '' -> 'x'": "no cited text stands in that either",
    },
    takeaway="Nothing found, nothing cited, or a citation that does not hold: not in my documents. "
    "Code decides, not the prompt.",
)  # fmt: skip


EXERCISES = (search_rules, recall, answer_with_sources)
