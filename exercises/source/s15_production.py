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
    Mistake,
    Run,
    acts,
    asks,
    case,
    cases,
    leaves_alone,
    miss,
    of_kind,
    once,
    rule,
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


def body_of(run: Run) -> dict[str, Any]:
    """The body of the one request; empty without one."""
    return next((sent.body for sent in run.sent if sent.body), {})


def stayed(run: Run) -> list[str]:
    """The fields that hold what an earlier question was sent with, and this one was not."""
    found = []
    for earlier in run.lab.runs[: run.lab.runs.index(run)]:
        for name, value in earlier.before["changes"].items():
            mine = name in run.before["changes"] or value == DEFAULTS.get(name)
            if not mine and body_of(run).get(name) == value:
                found.append(name)
    return found


def lost(run: Run) -> list[str]:
    """The changes that did not arrive."""
    changes = run.before["changes"]
    return [name for name, value in changes.items() if body_of(run).get(name) != value]


def differing(run: Run) -> list[str]:
    """The defaults that are another value in the request, or are missing there."""
    kept = DEFAULTS.keys() - run.before["changes"].keys()
    return sorted(name for name in kept if body_of(run).get(name) != DEFAULTS[name])


def absent(run: Run) -> list[str]:
    """The defaults that are missing in the request."""
    return [name for name in differing(run) if name not in body_of(run)]


def in_short(reply: Any) -> tuple[Any, ...]:
    """What makes a reply the same one: its stop reason, and its blocks."""
    blocks = [(block.type, getattr(block, "text", "")) for block in reply.content]
    return reply.stop_reason, blocks


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
        expect=(
            once(),
            asks("question"),
            rule(
                "change-stays",
                "This question came without `$field`, and was sent with that of an earlier "
                "question, `$value`. Your function changes `DEFAULTS` itself, which then counts "
                "for all questions that follow. Make a new dict for each request.",
                lambda run: not stayed(run),
                {"    turn = {": "    DEFAULTS.update(changes)\n    turn = {"},
                "a dict that everybody uses, changed for one: the same as a list as a default",
                field=lambda run: stayed(run)[0],
                value=lambda run: body_of(run)[stayed(run)[0]],
            ),
            rule(
                "change-lost",
                "The change `$field` did not arrive: it should be `$given`, and `$found` was sent. "
                "Do the changes go into the request, and after the defaults? In a dict, what comes "
                "later wins.",
                lambda run: not lost(run),
                {"{**DEFAULTS, **changes}": "{**changes, **DEFAULTS}"},
                "https://github.com/kennethreitz/simplemind/issues/15",
                show="max_tokens",
                field=lambda run: lost(run)[0],
                given=lambda run: run.before["changes"][lost(run)[0]],
                found=lambda run: body_of(run).get(lost(run)[0], "nothing"),
            ),
            rule(
                "default-missing",
                "`$field` is in `DEFAULTS`, and not in your request. Hand over all defaults, also "
                "those that somebody adds next year: `**` in front of the dict does that.",
                lambda run: not absent(run),
                {"{**DEFAULTS, **changes}": '{"model": MODEL, "max_tokens": 4000, **changes}'},
                "the three arguments that every example has, written out once more",
                field=lambda run: absent(run)[0],
            ),
            rule(
                "other-default",
                "Your request has `$field` = `$found`. In `DEFAULTS` it was `$wanted`, and nobody "
                "asked for a change.",
                lambda run: not differing(run),
                {'"max_tokens": 4000': '"max_tokens": 2000'},
                "a default changed on the way, for the sake of one question",
                field=lambda run: differing(run)[0],
                found=lambda run: body_of(run)[differing(run)[0]],
                wanted=lambda run: DEFAULTS[differing(run)[0]],
            ),
            leaves_alone("changes"),
            rule(
                "text-alone",
                "You gave back the text alone. Then nobody can see any more why Claude stopped, or "
                "what the reply cost. Give back the reply as it came.",
                lambda run: not isinstance(run.returned, str),
                acts(JOINED),
                "https://github.com/simonw/llm/issues/268: most wrappers give back a text",
            ),
            rule(
                "another-form",
                "You gave back a `$kind`. Give back the reply itself, a `Message`: whoever knows "
                "the package knows how to read it.",
                lambda run: type(run.returned).__name__ == "Message",
                acts("value.to_dict()"),
                "a dict, because it can be stored",
            ),
            rule(
                "other-reply",
                "You gave back a reply, and it is not quite the one that came: its blocks or its "
                "stop reason are others. Leave it as it is.",
                lambda run: in_short(run.returned) == in_short(run.last_reply),
                acts(reply='reply.content = [b for b in reply.content if b.type == "text"]'),
                "thinking thrown away, although the next request may need it",
            ),
        ),
    ),
    messages={
        "raised-unknown-argument": "$kit Is it a field of the request? `changes` is a dict, and "
        "`**changes` hands its entries over.",
        "raised-argument-count": "$kit `**` in front of a dict makes named arguments of it.",
    },
    mistakes=(
        Mistake("raised-unknown-argument",
                {"{**DEFAULTS, **changes}": '{**DEFAULTS, "changes": changes}'},
                "the dict itself handed over in place of its entries"),
        Mistake("raised-argument-count", {"(**settings, ": "(settings, "},
                "the two stars forgotten"),
    ),
    takeaway="Defaults stand in one place and are never changed by a request; the reply goes to "
    "the caller as it came.",
)  # fmt: skip


# --- 15.2 ------------------------------------------------------------------------------


def line(number: int, end: str, tokens: int = 0) -> str:
    """A line of a log: a stop reason with output tokens, or an error."""
    record: dict[str, Any] = {"request_id": f"req_{number}"}
    if tokens:
        record |= {"stop_reason": end, "output_tokens": tokens}
    else:
        record |= {"error": end, "status": 529 if end == "OverloadedError" else None}
    return json.dumps({**record, "seconds": number / 10})


def right_sum(lines: list[str]) -> dict[str, int]:
    """What a log sums up to."""
    records = [json.loads(each) for each in lines]
    answered = [each for each in records if "error" not in each]
    return {
        "requests": len(records),
        "failed": len(records) - len(answered),
        "not_whole": sum(each["stop_reason"] != "end_turn" for each in answered),
        "output_tokens": sum(each["output_tokens"] for each in answered),
    }


def off(run: Run) -> list[str]:
    """The numbers that are others; the names are right."""
    return [name for name, number in run.wanted.items() if run.returned[name] != number]


WHOLE_TOKENS = (
    'sum(json.loads(each).get("output_tokens", 0) for each in lines if "end_turn" in each)'
).replace("json.", '__import__("json").')

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
        right=right_sum,
        expect=(
            of_kind(dict),
            miss(
                "other-names",
                "Your dict has the names $found. Wanted are `requests`, `failed`, `not_whole` and "
                "`output_tokens`, spelt so.",
                "{name.title(): number for name, number in value.items()}",
                "names as they would stand in a table",
                when=lambda run: set(run.returned) != set(run.wanted),
                found=lambda run: ", ".join(f"`{name}`" for name in run.returned) or "none",
            ),
            miss(
                "failed-as-cut",
                "Failed requests are in your `not_whole` as well. They have no reply that could "
                "be whole or not, and are counted under `failed`.",
                '{**value, "not_whole": value["not_whole"] + value["failed"]}',
                'get("stop_reason") of a line without one is not "end_turn" either',
            ),
            miss(
                "cut-alone",
                "Your `not_whole` is $found; in this log, $right replies did not end with "
                "`end_turn`. A cut one, a refusal and a paused turn are all no whole answers.",
                '{**value, "not_whole": sum(\'"max_tokens"\' in each for each in lines)}',
                "the one stop reason that articles look at",
                when=lambda run: off(run) == ["not_whole"]
                and run.returned["not_whole"] < run.wanted["not_whole"],
                found=lambda run: run.returned["not_whole"],
                right=lambda run: run.wanted["not_whole"],
            ),
            miss(
                "failed-left-out",
                "Your `requests` counts those that were answered. A failed request was sent, too.",
                '{**value, "requests": value["requests"] - value["failed"]}',
                "failed lines dropped at the beginning, and then forgotten",
            ),
            miss(
                "no-status",
                "You counted as failed what has a status. A request whose connection broke has "
                "none (`null`), and failed all the same. Look for `error`.",
                '{**value, "failed": sum(\'"status": 5\' in each for each in lines)}',
                "https://github.com/varadaio/presto-workload-analyzer/pull/9: failures of one kind",
            ),
            miss(
                "whole-tokens",
                "Your `output_tokens` leaves out the replies that are not whole. They were paid "
                "for, like all others.",
                '{**value, "output_tokens": ' + WHOLE_TOKENS + "}",
                "what nobody could use, taken for what nobody paid",
            ),
            rule(
                "other-number",
                "Your `$field` is $found; for this log it should be $right.",
                lambda run: not off(run),
                acts('{**value, "output_tokens": value["output_tokens"] + 1}'),
                "a slip in one of the four counts",
                field=lambda run: off(run)[0],
                found=lambda run: run.returned[off(run)[0]],
                right=lambda run: run.wanted[off(run)[0]],
            ),
        ),
    ),
    messages={
        "raised-key": "$kit A failed request has other fields than an answered one: take the two "
        "apart before you read any.",
        "raised-attribute": "$kit Each line is a text: `json.loads` makes a dict of it.",
        "wrong-kind": "You gave back a `$kind`. Four numbers with their names are wanted: a dict.",
    },
    mistakes=(
        Mistake("raised-key", {"for record in answered)": "for record in records)"},
                "https://github.com/varadaio/presto-workload-analyzer/pull/9"),
        Mistake("raised-attribute", {"json.loads(line)": "line",
                                     '"error" not in record': 'not record.get("error")'},
                "the lines of a file taken for dicts"),
    ),
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


def figures(run: Run) -> dict[str, Any]:
    """What the line should say."""
    reply, seconds = run.args
    usage = reply.usage
    written = usage.cache_creation_input_tokens or 0
    read = usage.cache_read_input_tokens or 0
    return {
        "request_id": reply._request_id,
        "model": reply.model,
        "stop_reason": reply.stop_reason,
        "input_tokens": usage.input_tokens + written + read,
        "output_tokens": usage.output_tokens,
        "seconds": round(seconds, 2),
    }


def parsed(run: Run) -> Any:
    """The line, read as JSON; None if it is none."""
    try:
        return json.loads(run.text)
    except ValueError:
        return None


def says_words(run: Run) -> bool:
    """Whether the beginning of any text of the reply stands in the line."""
    texts = [block.text for block in run.args[0].content if block.type == "text"]
    return any(text[:9] in run.text for text in texts if text)


def wrong_figures(run: Run) -> list[str]:
    """The fields with another value."""
    found = parsed(run)
    return [name for name, value in figures(run).items() if found.get(name, value) != value]


def is_field(run: Run, name: str, *values: Any) -> bool:
    """Whether a field is wrong and holds one of these."""
    return name in wrong_figures(run) and parsed(run)[name] in values


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
        expect=(
            rule(
                "a-dict",
                "You gave back a dict. A line of text is wanted: `json.dumps` makes it.",
                lambda run: not isinstance(run.returned, dict),
                acts("json.loads(value)"),
                "the record itself, because it prints like JSON",
            ),
            rule(
                "words-in-it",
                "What Claude said stands in your line, or its beginning. The staff may read this "
                "log, and a reader's name may be in any answer. Leave the text out, all of it.",
                lambda run: not says_words(run),
                acts(f'json.dumps({{**json.loads(value), "text": {JOINED}[:100]}})'),
                "https://github.com/littlebearapps/untether/issues/86: the first 100 characters",
            ),
            rule(
                "several-lines",
                "Your text has several lines. A log is read line by line: leave `indent` out.",
                lambda run: len(run.text.strip().splitlines()) < 2,
                acts("json.dumps(json.loads(value), indent=2)"),
                "https://github.com/minio/mc/pull/1008",
            ),
            rule(
                "no-json",
                "Your line cannot be read as JSON: `$returned`. `str(...)` of a dict and an "
                "f-string look like it, but have other quotes. Use `json.dumps`.",
                lambda run: isinstance(parsed(run), dict),
                acts("str(json.loads(value))"),
                "a dict turned to text by `str`: single quotes, and None for null",
            ),
            rule(
                "field-missing",
                "Your line has no `$field`.",
                lambda run: set(FIELDS) <= set(parsed(run)),
                {'        "stop_reason": reply.stop_reason,\n': ""},
                "the field without which a cut answer looks like a whole one",
                field=lambda run: next(name for name in FIELDS if name not in parsed(run)),
            ),
            rule(
                "more-fields",
                "Your line has a field too many: `$field`. Each one more is read, stored and paid "
                "for a million times, so keep to the six.",
                lambda run: set(parsed(run)) <= set(FIELDS),
                acts('json.dumps({**json.loads(value), "blocks": len(reply.content)})'),
                "one more figure that could be useful some day",
                field=lambda run: min(set(parsed(run)) - set(FIELDS)),
            ),
            rule(
                "message-id",
                "That is the id of the message, `reply.id`. The id of the request, which support "
                "asks for, begins with `req_`: `reply._request_id`.",
                lambda run: not is_field(run, "request_id", run.args[0].id),
                {"reply._request_id": "reply.id"},
                "two ids, and the one without an underscore looks like the public one",
            ),
            rule(
                "number-as-text",
                "Your `$field` is a text, `$found`. In JSON, a number stands without quotes, and "
                "only then can it be added up.",
                lambda run: not [name for name in FIELDS[3:] if isinstance(parsed(run)[name], str)],
                {"round(seconds, 2)": 'f"{seconds:.2f}"'},
                "rounded by writing it down with two decimals",
                field=lambda run: next(n for n in FIELDS if isinstance(parsed(run)[n], str)
                                       and n in FIELDS[3:]),
                found=lambda run: next(parsed(run)[n] for n in FIELDS[3:]
                                       if isinstance(parsed(run)[n], str)),
            ),
            rule(
                "fresh-input",
                "Your `input_tokens` is $found, and the whole input was $wanted: you counted a "
                "part of it. `usage.input_tokens` holds what has nothing to do with the cache.",
                lambda run: not is_field(run, "input_tokens", *parts(run)),
                {"usage.input_tokens + written + read": "usage.input_tokens"},
                "https://github.com/KryptSec/oasis/issues/44",
                found=lambda run: parsed(run)["input_tokens"],
                wanted=lambda run: figures(run)["input_tokens"],
            ),
            rule(
                "not-rounded",
                "Your `seconds` is $found; rounded to two decimals it is $wanted.",
                lambda run: not is_seconds(run),
                {"round(seconds, 2)": "seconds"},
                "the clock's own digits, of which nobody reads more than two",
                found=lambda run: parsed(run)["seconds"],
                wanted=lambda run: figures(run)["seconds"],
            ),
            rule(
                "other-figure",
                "Your `$field` is `$found`; it should be `$wanted`.",
                lambda run: not wrong_figures(run),
                {"usage.output_tokens": "usage.output_tokens + usage.input_tokens"},
                "a sum where one count was wanted",
                field=lambda run: wrong_figures(run)[0],
                found=lambda run: parsed(run)[wrong_figures(run)[0]],
                wanted=lambda run: figures(run)[wrong_figures(run)[0]],
            ),
        ),
    ),
    messages={
        "raised-json": "$kit For a log there is no need to: the answer's words do not belong "
        "there.",
        "raised-plus": "$kit A cache count may be `None`.",
        "raised-message-attribute": "There is no such field in a reply. Counts are in its `usage`, "
        "and the id of its request is `_request_id`.",
    },
    mistakes=(
        Mistake("raised-json", {'"seconds": round(seconds, 2)':
                                '"seconds": round(seconds, 2), "answer": reply.content'},
                "https://github.com/letta-ai/letta/issues/1303"),
        Mistake("raised-plus", {" or 0": ""},
                "https://github.com/pipecat-ai/pipecat/pull/1443"),
        Mistake("raised-message-attribute", {"reply._request_id": "reply.request_id"},
                "an exception has `request_id`, a reply has it with an underscore"),
    ),
    takeaway="A log line holds figures: enough to find a request and to see what it cost, and "
    "nothing that anybody said.",
    part="log_line",
)  # fmt: skip


def parts(run: Run) -> tuple[Any, ...]:
    """Parts of the input that are not the whole."""
    usage = run.args[0].usage
    written = usage.cache_creation_input_tokens or 0
    read = usage.cache_read_input_tokens or 0
    fresh = usage.input_tokens
    return fresh, fresh + written, fresh + read, written, read, written + read


def is_seconds(run: Run) -> bool:
    """Whether the seconds are right but for their digits."""
    found = parsed(run)["seconds"] if "seconds" in wrong_figures(run) else None
    return isinstance(found, float | int) and abs(found - run.args[1]) <= 0.5


EXERCISES = (ask, summed, log_line)
