"""Exercises of lesson 15: one place for the settings, a log summed up, a line for the log.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import json
from dataclasses import dataclass
from typing import Any

from courseserver import facts
from practice.grading import (
    Exercise,
    Lab,
    Run,
    acts,
    asks,
    case,
    cases,
    leaves_alone,
    of_kind,
    once,
    slips,
)
from practice.grading.expect import Handed

IMPORTS = """
import json

import anthropic

from helpers import MODEL, exercise, progress  # not found? Run: start.py
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'


# --- 15.1 ------------------------------------------------------------------------------

DEFAULTS: dict[str, Any] = {
    "model": facts.MODEL,
    "max_tokens": 4000,
    "system": "You look after the visitors of an observatory.",
}
DEFAULTS_CODE = """
DEFAULTS = {
    "model": MODEL,
    "max_tokens": 4000,
    "system": "You look after the visitors of an observatory.",
}
"""
LOW = {"effort": "low"}


def stays(run: Run) -> list[str]:
    """The changes of this question that stand among the learner's defaults now."""
    kept: Any = run.lab.namespace.get("DEFAULTS") if run.sent else {}
    changes = run.before["changes"].items() if isinstance(kept, dict) else ()
    return [name for name, value in changes if kept.get(name) == value != DEFAULTS.get(name)]


def unlike(run: Run) -> list[str]:
    """The fields that were not sent as changes and defaults have them, changes first."""
    changes = run.before["changes"]
    body = run.request.body
    wanted = {**changes, **DEFAULTS, **changes}
    return [name for name, value in wanted.items() if body.get(name) != value]


def in_short(reply: Any) -> tuple[Any, ...]:
    """What makes a reply the same one: its stop reason, and its blocks."""
    blocks = [(block.type, getattr(block, "text", "")) for block in reply.content]
    return reply.stop_reason, blocks


SETTINGS = slips(
    ("change-stays", {"    turn = {": "    DEFAULTS.update(changes)\n    turn = {"},
     "a dict that everybody uses, changed for one: the same as a list as a default",
     "Your function changes `DEFAULTS` itself: the `$stays` of this question stands in it now, and "
     "counts for all questions that follow. Make a new dict for each request.",
     lambda run: not stays(run)),
    ("change-lost", {"{**DEFAULTS, **changes}": "{**changes, **DEFAULTS}"},
     "https://github.com/kennethreitz/simplemind/issues/15",
     "The change `$field` did not arrive: it should be `$given`, and `$found` was sent. Do the "
     "changes go into the request, and after the defaults? In a dict, what comes later wins.",
     lambda run: not set(unlike(run)) & set(run.before["changes"])),
    ("other-default",
     {"{**DEFAULTS, **changes}": '{"model": MODEL, "max_tokens": 4000, **changes}'},
     "the three arguments that every example has, written out once more",
     "Your request has `$field` = `$found`. In `DEFAULTS` it was `$given`, and nobody asked for a "
     "change. Hand over all defaults, also those that somebody adds next year: `**` in front of "
     "the dict does that.", lambda run: not unlike(run)),
    ("raised-unknown-argument", {"{**DEFAULTS, **changes}": '{**DEFAULTS, "changes": changes}'},
     "the dict itself handed over in place of its entries",
     "$kit Is it a field of the request? `**changes` hands the entries of the dict over."),
    ("raised-argument-count", {"(**settings, ": "(settings, "}, "the two stars forgotten",
     "$kit `**` in front of a dict makes named arguments of it."),
    ("raised-TypeError", {"(**settings, ": "(**DEFAULTS, **changes, "},
     "tried while reading: both dicts handed over in the call itself",
     "$kit If it says “multiple values”: two dicts with `**` in one call hand the same argument "
     "over twice. Make one dict of them first, in which the later wins."),
    stays=lambda run: stays(run)[0],
    field=lambda run: unlike(run)[0],
    found=lambda run: run.request.body.get(unlike(run)[0], "nothing"),
    given=lambda run: {**DEFAULTS, **run.before["changes"]}[unlike(run)[0]],
)  # fmt: skip
REPLIES = slips(
    ("text-alone", acts(JOINED),
     "https://github.com/simonw/llm/issues/268: most wrappers give back a text",
     "You gave back the text alone. Then nobody can see any more why Claude stopped, or what the "
     "reply cost. Give back the reply as it came.", lambda run: not isinstance(run.returned, str)),
    ("another-form", acts("value.to_dict()"), "a dict, because it can be stored",
     "You gave back a `$kind`. Give back the reply itself, a `Message`: whoever knows the package "
     "knows how to read it.", lambda run: type(run.returned).__name__ == "Message"),
    ("other-reply", acts(reply='reply.content = [b for b in reply.content if b.type == "text"]'),
     "thinking thrown away, although the next request may need it",
     "The blocks or the stop reason of your reply are not those that came. Leave it as it is.",
     lambda run: in_short(run.returned) == in_short(run.last_reply)),
)  # fmt: skip

ask = Exercise(
    id="15.1",
    title="One place for the settings",
    objective="Send every request through one function that holds the defaults.",
    minutes=10,
    task="""
An observatory sends all questions of its visitors through this function. `DEFAULTS` is right.
`changes` is a dict with what is different for one question alone, such as `{"max_tokens": 9000}`;
often it is empty. The function should

- send the question with all defaults; a change wins over a default, for this question only;
- give back the reply as it came, so that whoever calls it can look at the stop reason.

Three things in it are wrong. Fix them; you may check after each. (`Message`, the class of a reply,
is what you give back.)
""",
    template=DEFAULTS_CODE + '''

def ask(client, question, changes):
    """Send the question with defaults and changes; give back the reply."""
    DEFAULTS.update(changes)
    turn = {"role": "user", "content": question}
    reply = client.messages.create(
        model=DEFAULTS["model"], max_tokens=DEFAULTS["max_tokens"], messages=[turn]
    )
    return "".join(block.text for block in reply.content if block.type == "text")
''',
    solution=DEFAULTS_CODE + '''

def ask(client, question, changes):
    turn = {"role": "user", "content": question}
    settings = {**DEFAULTS, **changes}
    return client.messages.create(**settings, messages=[turn])
''',
    also_correct=(
        DEFAULTS_CODE + '''

def ask(client, question, changes):
    request = dict(DEFAULTS)
    request.update(changes)
    request["messages"] = [{"role": "user", "content": question}]
    reply = client.messages.create(**request)
    return reply
''',
    ),
    hints=(
        "Which fields of `DEFAULTS` go into the request now, and which do not? And what stands in "
        "`DEFAULTS` after the first question that had a change?",
        "Make a new dict for each request: first all defaults, then all changes. In a dict, what "
        "comes later wins. `**` in front of a dict hands its entries over as arguments.",
        "The last line takes the text out. Whoever calls `ask` needs the stop reason and the "
        "usage as well, so leave the reply as it is.",
    ),
    rules=cases(
        case("When is Saturn up?\n", {}, replies=[[THOUGHT, "From ten."]]),
        case("What is a quasar?", {"max_tokens": 9000, "output_config": LOW},
             replies=[["A bright ", "and distant ", "nucleus.\n"]]),
        case("And a pulsar?", {}, replies=[[THOUGHT, "A star that turns."]]),
        case("Où est Mars ?", {"system": "Answer in French."}, replies=[["À l'est."]]),
        case("Is Venus up?", {"max_tokens": 2000},
             replies=[{"content": ["It sets at"], "stop_reason": "max_tokens"}]),
        case("And now?", {}, replies=[[THOUGHT, "No."]]),
        expect=(once(), asks("question"), *SETTINGS, leaves_alone("changes"), *REPLIES),
    ),
    takeaway="Defaults stand in one place and are never changed by a request; the reply goes to "
    "the caller as it came.",
)  # fmt: skip


# --- 15.2 ------------------------------------------------------------------------------


def line(number: int, end: str, tokens: int = 0) -> str:
    """A line of a log: a stop reason with output tokens, or an error."""
    record: dict[str, Any] = {"error": end, "status": 529 if end == "OverloadedError" else None}
    if tokens:
        record = {"stop_reason": end, "output_tokens": tokens}
    return json.dumps({"request_id": f"req_{number}", **record, "seconds": number / 10})


def off(run: Run) -> list[str]:
    """The numbers that are others; the names are right."""
    return [name for name, number in run.wanted.items() if run.returned[name] != number]


SUMS = slips(
    ("other-names", acts("{name.title(): number for name, number in value.items()}"),
     "names as they would stand in a table",
     "Your dict has the names $names. Wanted are `requests`, `failed`, `not_whole` and "
     "`output_tokens`, spelt so.", lambda run: set(run.returned) == set(run.wanted)),
    ("failed-as-cut", acts('{**value, "not_whole": value["not_whole"] + value["failed"]}'),
     'get("stop_reason") of a line without one is not "end_turn" either',
     "Failed requests are in your `not_whole` as well. They have no reply that could be whole or "
     "not, and are counted under `failed`."),
    ("cut-alone", acts('{**value, "not_whole": str(lines).count("max_tokens")}'),
     "the one stop reason that articles look at",
     "Your `not_whole` is $found; in this log, $right replies did not end with `end_turn`. A cut "
     "one, a refusal and a paused turn are all no whole answers.",
     lambda run: off(run) != ["not_whole"]
     or run.returned["not_whole"] not in range(run.wanted["not_whole"])),
    ("failed-left-out", acts('{**value, "requests": value["requests"] - value["failed"]}'),
     "failed lines dropped at the beginning, and then forgotten",
     "Your `requests` counts those that were answered. A failed request was sent, too."),
    ("no-status", acts("""{**value, "failed": str(lines).count('"status": 5')}"""),
     "https://github.com/varadaio/presto-workload-analyzer/pull/9: failures of one kind",
     "You counted as failed what has a status. A request whose connection broke has none (`null`), "
     "and failed all the same. Look for `error`."),
    ("whole-tokens", {"for record in answered)": "for record in answered if record not in cut)"},
     "what nobody could use, taken for what nobody paid",
     "Your `output_tokens` leaves out the replies that are not whole. They cost as much."),
    ("other-number", acts('{**value, "output_tokens": value["output_tokens"] + 1}'),
     "a slip in one of the four counts",
     "Your `$field` is $found; for this log it should be $right.", lambda run: not off(run)),
    ("raised-key", {"for record in answered)": "for record in records)"},
     "https://github.com/varadaio/presto-workload-analyzer/pull/9",
     "$kit A failed request has other fields than an answered one: take the two apart first."),
    ("raised-attribute",
     {"json.loads(line)": "line", '"error" not in record': 'not record.get("error")'},
     "the lines of a file taken for dicts",
     "$kit Each line is a text: `json.loads` makes a dict of it."),
    names=lambda run: ", ".join(f"`{name}`" for name in run.returned) or "none",
    field=lambda run: off(run)[0],
    found=lambda run: run.returned[off(run)[0]],
    right=lambda run: run.wanted[off(run)[0]],
)  # fmt: skip

summed = Exercise(
    id="15.2",
    title="Sum up a log",
    objective="See from a log how many answers people did not get, and what was paid for.",
    minutes=10,
    task="""
The observatory's log has a line for each request. These are two of them:

```text
{"request_id": "req_7", "stop_reason": "end_turn", "output_tokens": 40, "seconds": 1.2}
{"request_id": null, "error": "APIConnectionError", "status": null, "seconds": 5.1}
```

This function gets the lines as a list of texts and should give back a dict with four numbers:
`requests` (all lines), `failed` (those with an `error`), `not_whole` (those that were answered, and
did not end with `end_turn`) and `output_tokens` (of all that were answered). It knows too little of
what can happen. Fix it.
""",
    template='''
def summed(lines):
    """Sum up a log; give back a dict of four numbers."""
    records = [json.loads(line) for line in lines]
    failed = [record for record in records if record["status"] == 500]
    cut = [record for record in records if record["stop_reason"] == "max_tokens"]
    return {
        "requests": len(records),
        "failed": len(failed),
        "not_whole": len(cut),
        "output_tokens": sum(record["output_tokens"] for record in records),
    }
''',
    solution='''
def summed(lines):
    records = [json.loads(line) for line in lines]
    answered = [record for record in records if "error" not in record]
    cut = [record for record in answered if record["stop_reason"] != "end_turn"]
    return {
        "requests": len(records),
        "failed": len(records) - len(answered),
        "not_whole": len(cut),
        "output_tokens": sum(record["output_tokens"] for record in answered),
    }
''',
    also_correct=(
        '''
def summed(lines):
    sums = {"requests": 0, "failed": 0, "not_whole": 0, "output_tokens": 0}
    for line in lines:
        record = json.loads(line)
        sums["requests"] += 1
        if record.get("error"):
            sums["failed"] += 1
            continue
        sums["not_whole"] += record["stop_reason"] != "end_turn"
        sums["output_tokens"] += record["output_tokens"]
    return sums
''',
    ),
    hints=(
        "The two lines in the task have different fields. Which fields does your code read from "
        "every line?",
        "Make two lists first: the records with an `error`, and the others. All further counts "
        "are of the second list.",
        "There are more ways to be not whole than `max_tokens`. Compare with the one stop reason "
        "that is whole.",
    ),
    rules=cases(
        case([line(1, "end_turn", 40), line(2, "end_turn", 25)]),
        case([line(1, "end_turn", 40), line(2, "APIConnectionError"), line(3, "end_turn", 31)]),
        case([line(1, "max_tokens", 400), line(2, "end_turn", 17), line(3, "OverloadedError"),
              line(4, "RateLimitError"), line(5, "refusal", 3)]),
        case([line(1, "OverloadedError")]),
        case([]),
        case([line(1, "refusal", 2), line(2, "pause_turn", 80), line(3, "end_turn", 9)]),
        expect=(of_kind(dict), *SUMS),
        solved=True,
    ),
    messages={"wrong-kind": "You gave back a `$kind`. Wanted is a dict: four numbers, and names."},
    takeaway="A log has lines of two kinds, answered and failed. Take them apart, then count.",
)  # fmt: skip


# --- 15.3 ------------------------------------------------------------------------------

FIELDS = ("request_id", "model", "stop_reason", "input_tokens", "output_tokens", "seconds")


@dataclass(frozen=True)
class Logged(Handed):
    """A reply that came over the wire, and so has the id of its request."""

    request_id: str = ""

    def made(self, lab: Lab) -> Any:
        """A fresh one for one call."""
        reply = super().made(lab)
        reply._request_id = self.request_id
        return reply


def came(content: Any, request_id: str, stop_reason: str = "", **usage: Any) -> Logged:
    """A reply as an argument of a case."""
    return Logged(content, stop_reason, usage, request_id)


def parsed(run: Run) -> Any:
    """The line, read as JSON; None if it is none."""
    try:
        return json.loads(run.returned)
    except (TypeError, ValueError):
        return None


def texts(run: Run) -> list[str]:
    """The fields that are numbers in the task and texts in the line."""
    return [name for name in FIELDS[3:] if isinstance(parsed(run)[name], str)]


def wrong(run: Run) -> list[str]:
    """The fields with another value."""
    right = json.loads(run.wanted)
    return [name for name in FIELDS if parsed(run)[name] != right[name]]


def near(run: Run, name: str, least: float, most: float) -> bool:
    """Whether a wrong number is off by something in these limits."""
    found = parsed(run)[name]
    if name not in wrong(run) or not isinstance(found, float | int):
        return False
    return bool(least <= found - json.loads(run.wanted)[name] <= most)


LINES = slips(
    ("words-in-it", acts(f'json.dumps({{**json.loads(value), "text": {JOINED}[:100]}})'),
     "https://github.com/littlebearapps/untether/issues/86: the first 100 characters",
     "What Claude said stands in your line, or its beginning. The staff may read this log, and a "
     "reader's name may be in any answer. Leave the text out, all of it.",
     lambda run: not any(block.text[:9] in str(run.returned) for block in run.args[0].content
                         if getattr(block, "text", ""))),
    ("several-lines", acts("json.dumps(json.loads(value), indent=2)"),
     "https://github.com/minio/mc/pull/1008",
     "Your text has several lines. A log is read line by line: leave `indent` out.",
     lambda run: len(str(run.returned).strip().splitlines()) < 2),
    ("no-json", acts("str(json.loads(value))"),
     "a dict turned to text by `str`: single quotes, and None for null; or the dict itself",
     "What you gave back is no line of JSON: `$returned`. A dict is no text yet, and `str(...)` of "
     "it or an f-string has other quotes. Use `json.dumps`.",
     lambda run: isinstance(run.returned, str) and isinstance(parsed(run), dict)),
    ("other-fields", {'        "stop_reason": reply.stop_reason,\n': ""},
     "the field without which a cut answer looks like a whole one; one more figure that could be "
     "useful some day",
     "Wanted are the six fields of the task. In your line $missing is missing, and $more is one "
     "too many; each one more is read, stored and paid for a million times.",
     lambda run: set(parsed(run)) == set(FIELDS)),
    ("message-id", {"reply._request_id": "reply.id"},
     "two ids, and the one without an underscore looks like the public one",
     "That is the id of the message, `reply.id`. The id of the request, which support asks for, "
     "begins with `req_`: `reply._request_id`.",
     lambda run: parsed(run)["request_id"] != run.args[0].id),
    ("number-as-text", {"round(seconds, 2)": 'f"{seconds:.2f}"'},
     "rounded by writing it down with two decimals",
     "Your `$text` is a text, in quotes. In JSON, a number stands without quotes, and only then "
     "can it be added up.", lambda run: not texts(run)),
    ("fresh-input", {"usage.input_tokens + written + read": "usage.input_tokens"},
     "https://github.com/KryptSec/oasis/issues/44",
     "Your `input_tokens` is $found, and the whole input was $right: you counted a part of it. "
     "`usage.input_tokens` holds what has nothing to do with the cache.",
     lambda run: not near(run, "input_tokens", -1e6, -1)),
    ("not-rounded", {"round(seconds, 2)": "seconds"},
     "the clock's own digits, of which nobody reads more than two",
     "Your `seconds` is $found; rounded to two decimals it is $right.",
     lambda run: not near(run, "seconds", -0.5, 0.5)),
    ("other-figure", {"usage.output_tokens": "usage.output_tokens + usage.input_tokens"},
     "a sum where one count was wanted",
     "Your `$field` is `$found`; it should be `$right`.", lambda run: not wrong(run)),
    ("raised-json",
     {'"seconds": round(seconds, 2)': '"seconds": round(seconds, 2), "answer": reply.content'},
     "https://github.com/letta-ai/letta/issues/1303",
     "$kit For a log there is no need to: the answer's words do not belong there."),
    ("raised-plus", {" or 0": ""}, "https://github.com/pipecat-ai/pipecat/pull/1443",
     "$kit A cache count may be `None`."),
    ("raised-message-attribute", {"reply._request_id": "reply.request_id"},
     "an exception has `request_id`, a reply has it with an underscore",
     "A reply has no such field. Counts are in its `usage`, the request's id is `_request_id`."),
    missing=lambda run: ", ".join(f"`{n}`" for n in FIELDS if n not in parsed(run)) or "nothing",
    more=lambda run: ", ".join(f"`{n}`" for n in parsed(run) if n not in FIELDS) or "nothing",
    text=lambda run: texts(run)[0],
    field=lambda run: wrong(run)[0],
    found=lambda run: parsed(run)[wrong(run)[0]],
    right=lambda run: json.loads(run.wanted)[wrong(run)[0]],
)  # fmt: skip

log_line = Exercise(
    id="15.3",
    title="Desk part: a line for the log",
    objective="Keep the figures of a request, and nobody's words.",
    minutes=10,
    task="""
The library's desk keeps a log, which the whole staff may read. This function should give back one
line of JSON about a reply that came, with these six fields and no others:

- `request_id`, `model` and `stop_reason` of the reply;
- `input_tokens`: the *whole* input, with what was written to the cache and read from it (lesson
  02; a cache count may be `None`);
- `output_tokens`;
- `seconds`, rounded to two decimals.

Fix it. The check hands in six replies; nothing is sent.
""",
    template='''
def log_line(reply, seconds):
    """Give back one line of JSON with the figures of a request."""
    record = {
        "request_id": reply.id,
        "model": reply.model,
        "stop_reason": reply.stop_reason,
        "input_tokens": reply.usage.input_tokens,
        "output_tokens": reply.usage.output_tokens,
        "seconds": seconds,
        "answer": reply.content,
    }
    return json.dumps(record, indent=2)
''',
    solution='''
def log_line(reply, seconds):
    usage = reply.usage
    written = usage.cache_creation_input_tokens or 0
    read = usage.cache_read_input_tokens or 0
    record = {
        "request_id": reply._request_id,
        "model": reply.model,
        "stop_reason": reply.stop_reason,
        "input_tokens": usage.input_tokens + written + read,
        "output_tokens": usage.output_tokens,
        "seconds": round(seconds, 2),
    }
    return json.dumps(record)
''',
    also_correct=(
        '''
def log_line(reply, seconds):
    counts = reply.usage.to_dict()
    kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    record = {"seconds": float(f"{seconds:.2f}"), "request_id": reply._request_id}
    record["input_tokens"] = sum(counts.get(kind) or 0 for kind in kinds)
    for name in ("model", "stop_reason"):
        record[name] = getattr(reply, name)
    record["output_tokens"] = counts["output_tokens"]
    return json.dumps(record) + "\\n"
''',
    ),
    hints=(
        "Run the function once with a reply and read the error: which field cannot become JSON? "
        "Should it stand in a log at all?",
        "`reply.id` names the message. What support asks for is the id of the *request*; the "
        "lesson's `log_line` reads it.",
        "Three counts make the whole input: `input_tokens`, `cache_creation_input_tokens` and "
        "`cache_read_input_tokens`. Write `or 0` behind a count that may be `None`.",
    ),
    rules=cases(
        case(came([THOUGHT, "Row three, by the window."], "req_a1"), 1.23456),
        case(came(["The ", "reading room ", "is open.\n"], "req_b2", input_tokens=12,
                  cache_read_input_tokens=900, cache_creation_input_tokens=0), 0.5),
        case(came([THOUGHT, "Two weeks."], "req_c3", input_tokens=15,
                  cache_read_input_tokens=None, cache_creation_input_tokens=None), 2.999),
        case(came("Noor Haddad has it until", "req_d4", "max_tokens", output_tokens=4000), 61),
        case(came([], "req_e5", "refusal", output_tokens=0), 0.004),
        case(came(["Yes."], "req_f6", input_tokens=8, cache_creation_input_tokens=2100,
                  cache_read_input_tokens=30), 3.14159),
        expect=LINES,
        solved=True,
    ),
    takeaway="A log line holds figures: enough to find a request and to see what it cost, and "
    "nothing that anybody said.",
    part="log_line",
)  # fmt: skip


EXERCISES = (ask, summed, log_line)
