"""Exercises of lesson 11: fix a form, judge a reply, file it in SQLite, read e-mails for the desk.

The only form of them that is written by hand. `python -m authoring build` makes the notebooks and
the table of common mistakes from it; tests/practice/test_exercises.py proves what stands here.
"""

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from anthropic.types import Message

from practice.grading import (
    Exercise,
    Mistake,
    Run,
    Word,
    acts,
    asks,
    case,
    cases,
    message,
    once,
    room,
    slips,
)

IMPORTS = """
import sqlite3
from datetime import date
from typing import Literal

import anthropic
from anthropic.types import Message
from pydantic import BaseModel, Field, ValidationError

from helpers import MODEL, exercise, progress  # not found? Run: start.py


class Visit(BaseModel):  # of 11.2 and 11.3: a piano tuner's appointment
    customer: str
    day: date
    pianos: int = Field(ge=1, le=3)


class Unread(BaseModel):  # of 11.2 and 11.3: what came in place of one
    why: str
    reply: Message
"""

THOUGHT = {"thinking": "", "tokens": 30}  # what most replies begin with
JOINED = '"".join(block.text for block in reply.content if block.type == "text")'
NO_SCHEMA = (
    "A class cannot be put into a request. `parse` takes it as `output_format`, and for `create` "
    "`anthropic.transform_schema` makes a schema of it."
)


def compact(**fields: Any) -> str:
    """An object in JSON, as a reply has it."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def kind_of(value: Any) -> str:
    """The name of a value's class."""
    return type(value).__name__


def plain(value: Any) -> Any:
    """An object of the class that is wanted, as plain values."""
    return value.model_dump(mode="json", warnings=False)


def form_of(run: Run) -> Any:
    """The schema that was sent, also in a refused request; None without one."""
    if not run.sent:
        run.surface()
        run.expect(False, "no-request")
    config = run.sent[0].body.get("output_config")
    form = config.get("format") if isinstance(config, dict) else None
    return form.get("schema") if isinstance(form, dict) else None


def fields_of(run: Run) -> set[str]:
    """The names of the properties that were sent."""
    found = (form_of(run) or {}).get("properties")
    return set(found) if isinstance(found, dict) else set()


def lets(run: Run, field: str, *values: Any) -> bool:
    """Whether the form lets each of these values into a field; of one it lacks, it does not."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    form = form_of(run) or {}
    if field not in fields_of(run):
        return False
    part = {"$defs": form.get("$defs", {}), "allOf": [form["properties"][field]]}
    judge = Draft202012Validator(part)
    return all(judge.is_valid(value) for value in values)


def no_form(wrong: dict[str, str]) -> list[Word]:
    """A rule: the request has a form. `wrong` takes it out of the solution."""
    return slips(
        ("no-form", wrong,
         "lesson 11, 'asking nicely': the class is written, and the call does not know it",
         "Your request has no form, so nothing holds the reply to your class. `parse` takes the "
         "class as `output_format`; `create` takes its schema in `output_config`.",
         lambda run: form_of(run) is not None),
    )  # fmt: skip


# --- 11.1 ------------------------------------------------------------------------------

AMINA = {"name": "Amina Diallo", "voice": "alto", "years": 0, "phone": None}
TOMAS = {"name": "Tomáš Novák", "voice": "bass", "years": 80, "phone": "0155 2047"}


def too_many(years: int) -> Any:
    """A case whose reply breaks the limit of `years`."""
    reply = compact(**{**TOMAS, "years": years})
    return case("I sing bass.", replies=[reply], raises="ValidationError")


def with_schema(schema: str) -> dict[str, str]:
    """In a mistake: `create`, with this in the place of a schema."""
    form = f'{{"format": {{"type": "json_schema", "schema": {schema}}}}}'
    return {"messages.parse(": "messages.create(", "output_format=Singer": f"output_config={form}"}


SINGERS = slips(
    ("voice-open", {'Literal["soprano", "alto", "tenor", "bass"]': "str"},
     "a text field where a list was meant, with the list in the prompt; capitals, which count",
     "`voice` is one of soprano, alto, tenor and bass, written so: `Literal[...]`. Your form lets "
     "“baritone” in, or shuts one of the four out.",
     lambda run: lets(run, "voice", "soprano", "alto", "tenor", "bass")
     and not lets(run, "voice", "baritone")),
    ("years-no-number", {"years: int = Field(ge=0, le=80)": "years: str"},
     "https://github.com/langchain-ai/langchain/issues/30158: values that come as texts",
     "`years` is a whole number from 0 to 80. Your form shuts some out, or lets others in.",
     lambda run: lets(run, "years", 0, 80)
     and not any(lets(run, "years", value) for value in ("five", 2.5))),
    ("phone-needed", {"phone: str | None": "phone: str"},
     "lesson 11, 'Valid is not true'; a phone number taken for a number",
     "`phone` is a text, which may begin with 0 and hold blanks, or `None` if the e-mail gives no "
     "number. Your form shuts one of the two out, and Claude would have to write something else.",
     lambda run: lets(run, "phone", None, "0155 2047")),
    ("other-fields", {"    phone: str": "    email: str | None\n    phone: str"},
     "a field more, because it may be of use one day",
     "Your class has other fields than `name`, `voice`, `years` and `phone`.",
     lambda run: fields_of(run) == set(AMINA)),
)  # fmt: skip
SINGER = slips(
    ("whole-message", {"reply.parsed_output": "reply"}, "giving back what the call gave",
     "You gave back the whole reply. Its text as a `Singer` is in `reply.parsed_output`.",
     lambda run: not kind_of(run.returned).startswith(("Message", "ParsedMessage"))),
    ("no-singer", acts("value.model_dump_json()"), "the JSON handed on, for somebody else to check",
     "You gave back a `$kind`; a `Singer` is wanted, the object and not its text.",
     lambda run: kind_of(run.returned) == "Singer"),
    ("other-singer", acts("value.model_copy(update={'phone': 'none'})"),
     "https://github.com/BerriAI/litellm/issues/21016: a value put in for what is missing",
     "You gave back `$returned`. The reply says `$wanted`.",
     lambda run: plain(run.returned) == run.wanted),
    ("raised-AttributeError", {"reply.parsed_output": "reply.parsed"},
     "the name that other packages have for it",
     "`parse` gives back a message, with the object that was made of it in `parsed_output`."),
    ("raised-json", with_schema("Singer"),
     "https://github.com/anthropics/anthropic-sdk-python/issues/1819: the class itself", NO_SCHEMA),
    ("raised-unknown-argument", {"messages.parse(": "messages.create("},
     "https://github.com/anthropics/anthropic-sdk-python/issues/1819",
     "$kit `output_format` belongs to another method, `client.messages.parse`."),
    ("raised-400", with_schema("Singer.model_json_schema()"),
     "https://github.com/evoila/meho/pull/2017: the schema sent as pydantic writes it",
     "$kit `create` sends a schema as it is: let `anthropic.transform_schema` make it."),
    ("raised-ValidationError", {"ge=0, le=80": "ge=1, le=80"},
     "a beginner forgotten, who has sung for 0 years",
     "The reply fits what the choir wants, and your class refused it. $kit"),
    wanted=lambda run: run.wanted,
)  # fmt: skip
LIMIT_BROKEN = slips(
    ("limit-broken", {"years: int = Field(ge=0, le=80)": "years: int"},
     "the limits left to the prompt",
     "A reply with $years years came back from your function as `$returned`. Limit `years` to 0 to "
     "80, and let the `ValidationError` rise.", lambda run: not run.raises or run.raised),
    of_errors=True,
    years=lambda run: json.loads(run.replies[0])["years"],
)  # fmt: skip

sign_up = Exercise(
    id="11.1",
    title="Fix the form",
    objective="Describe data by a class that lets only the right values through.",
    minutes=10,
    task="""
People who want to sing in a choir write an e-mail. `sign_up` should send it to Claude and give back
a `Singer`. But the call fails, and the class lets too much through. Fix both:

- `voice` is one of soprano, alto, tenor and bass, written like this;
- `years` says how many years somebody has sung: a whole number from 0 to 80;
- `phone` is a text, or `None` if the e-mail gives no number;
- what comes back is the `Singer`. If the reply does not fit, let the `ValidationError` rise.
""",
    template="""
class Singer(BaseModel):
    name: str
    voice: str
    years: str
    phone: str


def sign_up(client, mail):
    reply = client.messages.create(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": mail}],
        output_format=Singer,
    )
    return reply.content[0].text
""",
    solution="""
class Singer(BaseModel):
    name: str
    voice: Literal["soprano", "alto", "tenor", "bass"]
    years: int = Field(ge=0, le=80)
    phone: str | None


def sign_up(client, mail):
    reply = client.messages.parse(
        model=MODEL,
        max_tokens=2000,
        messages=[{"role": "user", "content": mail}],
        output_format=Singer,
    )
    return reply.parsed_output
""",
    also_correct=(
        """
class Singer(BaseModel):
    phone: str | None = None
    years: int = Field(gt=-1, lt=81, description="0 for a beginner")
    voice: Literal["bass", "tenor", "alto", "soprano"]
    name: str


def sign_up(client, mail):
    form = {"type": "json_schema", "schema": anthropic.transform_schema(Singer)}
    turns = [{"role": "user", "content": mail}]
    reply = client.messages.create(
        model=MODEL, max_tokens=3000, messages=turns, output_config={"format": form}
    )
    return Singer.model_validate_json("".join(getattr(b, "text", "") for b in reply.content))
""",
    ),
    hints=(
        "Which method of the lesson takes a class as `output_format`, and under which name does "
        "its reply hold the object?",
        "Three fields need another type: a list of allowed texts, a whole number with limits, and "
        "a text or nothing. The lesson's `Booking` and `Enquiry` have one of each.",
        "`Literal[...]` lists texts, `Field(ge=..., le=...)` sets limits, and `| None` behind a "
        "type allows nothing.",
    ),
    rules=cases(
        case("I am new to this, and sing alto.\n", replies=[[THOUGHT, compact(**AMINA)]],
             gives=AMINA),
        case("Bass, for ages. Call 0155 2047.", replies=[compact(**TOMAS)], gives=TOMAS),
        too_many(81),
        too_many(-1),
        expect=(
            *no_form({",\n        output_format=Singer": ""}),
            *SINGERS, once(), asks("mail"), room(200), *SINGER, *LIMIT_BROKEN,
        ),
    ),
    takeaway="A field's type is what the API holds Claude to; its limits are what pydantic checks.",
)  # fmt: skip


# --- 11.2, and what it has in common with 11.4 ------------------------------------------

UNREAD = "type(value).__name__ == 'Unread'"
EMPTIED = "value.reply.model_copy(update={'content': []})"


def ended(run: Run) -> Any:
    """The stop reason of the reply."""
    return run.last_reply.stop_reason


def reason(run: Run) -> str:
    """The reason in an `Unread`, short and in one line; "" without one."""
    return " ".join(str(getattr(run.value, "why", "")).split())[:120]


def keeps(run: Run) -> bool:
    """Whether an `Unread` holds the reply that came, whole."""
    blocks = getattr(run.value.reply, "content", ["none"])
    texts = [getattr(block, "text", type(block)) for block in blocks]
    return texts == [getattr(block, "text", type(block)) for block in run.last_reply.content]


def found_or_unread(kind: str, other: str) -> list[Word]:
    """Words: an object of this class comes back, or an `Unread` that holds reason and reply.

    A case's `gives` is the object's fields, or a word of the reason. `other` is an update that
    makes another object of a right one.
    """
    checked = f"return {kind}.model_validate_json(text)"
    unchecked = f"return {kind}.model_construct(**__import__('json').loads(text))"
    return slips(
        ("lost", acts(f"None if {UNREAD} else value"),
         "https://github.com/quallmer/quallmer/issues/153: a failure that looks like no result",
         "For one of the replies your function gave back `None`, so reason and reply are lost. "
         "Give back an `Unread` that holds both.", lambda run: run.value is not None),
        ("not-whole", {'reply.stop_reason != "end_turn"': "not reply.content"},
         "https://github.com/browser-use/browser-use/pull/5148: a cut answer that parses",
         "A reply that ended with `$stop` came back as if it were whole. A text that was cut may "
         "still look right, so look at the stop reason first.",
         lambda run: ended(run) == "end_turn" or kind_of(run.value) != kind),
        ("other-kind", acts(f"value if {UNREAD} else value.model_dump(mode='json')"),
         "json.loads, and nothing after it",
         f"You gave back a `$kind`. Wanted is a `{kind}`, or an `Unread`.",
         lambda run: kind_of(run.returned) in (kind, "Unread")),
        ("good-unread",
         {JOINED: '[block.text for block in reply.content if block.type == "text"][0]'},
         "https://github.com/odysseus-dev/odysseus/pull/1255: the first text taken for all",
         f"This reply is whole and fits, and you gave back an `Unread` and not the `{kind}`. "
         "Its reason: `$why`",
         lambda run: isinstance(run.wanted, str) or kind_of(run.value) == kind),
        ("other-object", acts(f"value if {UNREAD} else value.model_copy(update={other})"),
         "a value put right on its way",
         "You gave back `$returned`. The reply says `$wanted`.",
         lambda run: isinstance(run.wanted, str) or plain(run.value) == run.wanted),
        ("broken-taken", {checked: unchecked},
         "an object built past its own check, because the reply was nearly right",
         f"A reply that breaks a rule of `{kind}` came back as `$returned`. It is a matter for a "
         "person: give back an `Unread`.",
         lambda run: isinstance(run.wanted, dict) or kind_of(run.value) == "Unread"),
        ("reply-lost", acts(f"type(value)(why=value.why, reply={EMPTIED}) if {UNREAD} else value"),
         "a log line kept, and the reply thrown away",
         "The `reply` of your `Unread` is not the reply that came, whole. Nobody can read it again "
         "from there.", lambda run: isinstance(run.wanted, dict) or keeps(run)),
        ("no-reason", {"why=str(error)": 'why="unreadable"'},
         "one word for every failure; an error caught, and what it says thrown away",
         "This reply ended with `$stop`, and the reason in your `Unread` is “$why”. It should hold "
         "$word, so that whoever finds it knows what to do next.",
         lambda run: isinstance(run.wanted, dict)
         or (reason(run) and run.wanted in str(run.value.why))),
        why=reason,
        stop=ended,
        wanted=lambda run: run.wanted,
        word=lambda run: f"`{run.wanted}`" if run.wanted else "what pydantic found",
    )  # fmt: skip


ADA = {"customer": "Ada Nwosu", "day": "2027-03-02", "pianos": 2}
TUAN = {"customer": "Tuan Le", "day": "2027-03-09", "pianos": 1}
HOTEL = {"customer": "Hotel Aurora", "day": "2027-04-01", "pianos": 5}

checked = Exercise(
    id="11.2",
    title="Half a reply is none",
    objective="Tell a good reply from one that was cut or refused or breaks a limit, and keep it.",
    minutes=10,
    task="""
A piano tuner's replies come from `create`, with the schema of `Visit` (first cell). `checked` gets
such a reply and should say what it is worth. Fix it, so that it gives back

- a `Visit`, if the reply came to its end (`end_turn`) and its text fits;
- otherwise an `Unread`: `reply` is the whole reply, and `why` the stop reason, or if that was
  `end_turn`, what the `ValidationError` says.
""",
    template="""
def checked(reply):
    try:
        return Visit.model_validate_json(reply.content[-1].text)
    except Exception:
        return None
""",
    solution="""
def checked(reply):
    if reply.stop_reason != "end_turn":
        return Unread(why=reply.stop_reason, reply=reply)
    text = "".join(block.text for block in reply.content if block.type == "text")
    try:
        return Visit.model_validate_json(text)
    except ValidationError as error:
        return Unread(why=str(error), reply=reply)
""",
    also_correct=(
        """
def checked(reply):
    why = reply.stop_reason
    if why == "end_turn":
        text = ""
        for block in reply.content:
            if block.type == "text":
                text += block.text
        try:
            return Visit.model_validate_json(text)
        except ValidationError as error:
            faults = [f"{fault['loc']}: {fault['msg']}" for fault in error.errors()]
            why = "; ".join(faults)
    return Unread(reply=reply, why=why)
""",
    ),
    hints=(
        "What does this function say of a reply that was cut after its last bracket? Which field "
        "of the reply would tell?",
        "A reply may begin with thinking, and its text may come in several blocks: take all blocks "
        "of type `text`, and join them.",
        "Two ways lead to an `Unread`: a stop reason that is not `end_turn`, before you look at "
        "the text, and a `ValidationError`, whose `str(...)` names the field.",
    ),
    rules=cases(
        case(message([THOUGHT, compact(**ADA)]), gives=ADA),
        case(message(compact(**TUAN), "max_tokens"), gives="max_tokens"),
        case(message(['{"customer":"Tuan', ' Le","day":"2027-', '03-09","pianos":1}\n']),
             gives=TUAN),
        case(message([THOUGHT, compact(**ADA)[:30]], "max_tokens"), gives="max_tokens"),
        case(message([THOUGHT], "max_tokens"), gives="max_tokens"),
        case(message({"content": [], "stop_reason": "refusal"}), gives="refusal"),
        case(message([THOUGHT, compact(**HOTEL)]), gives="pianos"),
        case(message(compact(**ADA), "model_context_window_exceeded"), gives="model_context"),
        case(message(["There is no appointment in this."]), gives=""),
        expect=slips(
            ("unread-refused", {"why=str(error)": "why=error"},
             "the exception itself put where a text belongs",
             "Your `Unread` itself was refused. Its `why` is a text, so take `str(error)`, and its "
             "`reply` is the whole message.",
             lambda run: getattr(run.result.raised, "title", "") != "Unread"),
        ) + found_or_unread("Visit", "{'pianos': 3}"),
    ),
    messages={
        "raised-JSONDecodeError": "A text that is no JSON raises an error of `json`, which is no "
        "`ValidationError`. `Visit.model_validate_json` takes the text itself.",
        "raised-ValidationError": "$kit A text that does not fit is no reason to stop: catch the "
        "`ValidationError`, and give back an `Unread`.",
    },
    mistakes=(
        Mistake(
            "raised-JSONDecodeError",
            {"model_validate_json(text)": "model_validate(__import__('json').loads(text))"},
            "lesson 11 before pydantic: `json.loads`, and the class afterwards",
        ),
        Mistake(
            "raised-ValidationError",
            {"except ValidationError": "except AttributeError"},
            "https://github.com/anthropics/anthropic-sdk-python/pull/1850: the error of `parse`, "
            "in which the reply is lost",
        ),
    ),
    takeaway="Look at the stop reason first, then at the text, and keep the reply "
    "whatever is wrong.",
)  # fmt: skip


# --- 11.3 ------------------------------------------------------------------------------

TABLES = """
CREATE TABLE visits (mail INTEGER PRIMARY KEY, customer TEXT, day TEXT, pianos INTEGER);
CREATE TABLE unread (mail INTEGER PRIMARY KEY, why TEXT, reply TEXT);
"""
REPLY: dict[str, Any] = {
    "id": "msg_01PianoTunerOfTheExercise", "type": "message", "role": "assistant",
    "model": "claude-sonnet-5-5", "content": [{"type": "text", "text": '{"customer": "O'}],
    "stop_reason": "max_tokens", "stop_sequence": None,
    "usage": {"input_tokens": 90, "output_tokens": 30},
}  # fmt: skip


def filed(store: Any, mails: list[Any]) -> dict[str, Any]:
    """What these calls of `store` said, and the rows that another program then sees.

    A mail is its number and the fields of a `Visit`, or a text: the reason of an `Unread`.
    """
    names = getattr(store, "__globals__", {})
    reply = Message.model_validate(REPLY)
    told = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "tuner.db"
        with closing(sqlite3.connect(file)) as db, closing(sqlite3.connect(file)) as other:
            db.executescript(TABLES)
            for number, given in mails:
                if isinstance(given, str):
                    found = names["Unread"](why=given, reply=reply)
                else:
                    found = names["Visit"](**given)
                told.append(store(db, number, found))
            visits = {row[0]: row[1:] for row in other.execute("SELECT * FROM visits")}
            unread = {row[0]: row[1:] for row in other.execute("SELECT * FROM unread")}
    whys = {number: why for number, (why, _) in unread.items()}
    whole = all(is_whole(text) for _, text in unread.values())
    return {"visits": visits, "unread": whys, "whole": whole, "told": told}


def is_whole(text: str) -> bool:
    """Whether a text is JSON that holds the whole reply."""
    try:
        found = json.loads(text)
        texts = [block["text"] for block in found["content"]]
        return bool(found["id"] == REPLY["id"] and texts == ['{"customer": "O'])
    except (TypeError, ValueError, LookupError):
        return False


def files(*mails: tuple[int, Any]) -> Any:
    """A case: these mails, one after the other, in an empty database."""
    return case(list(mails), by=filed)


def is_raised(run: Run, *kinds: type[Exception]) -> bool:
    """Whether SQLite raised one of these errors."""
    return isinstance(run.result.raised, kinds)


def other_table(run: Run) -> str:
    """The first table whose rows are not the right ones; "" if there is none."""
    return next((name for name in ("visits", "unread") if run.value[name] != run.wanted[name]), "")


INSERT = '"INSERT OR REPLACE INTO visits VALUES (?, ?, ?, ?)", row'
COMMIT = "    db.commit()\n"

FILED = slips(
    ("glued",
     {INSERT: "f\"INSERT OR REPLACE INTO visits VALUES ({number}, '{row[1]}', "
              "'{row[2]}', {row[3]})\""}, "lesson 06, 'What somebody else's text can do'",
     "An apostrophe in a name has become a part of your SQL, and SQLite says “$words”. Put `?` "
     "into the SQL, and the values into a list beside it.",
     lambda run: not is_raised(run, sqlite3.OperationalError, sqlite3.Warning)),
    ("no-text", {"found.reply.to_json()": "found.reply"},
     "an object handed to a database that knows texts and numbers",
     "SQLite cannot store one of your values: “$words”. The reply goes in as JSON text.",
     lambda run: not is_raised(run, sqlite3.ProgrammingError, sqlite3.InterfaceError)),
    ("twice-refused", {"INSERT OR REPLACE": "INSERT"}, "a retry that was not thought of",
     "A mail came a second time, and your `INSERT` was refused: “$words”. Its new row takes the "
     "place of the old one.", lambda run: not is_raised(run, sqlite3.IntegrityError)),
    ("not-saved", {COMMIT: ""}, "a first program with sqlite3, whose rows are gone the next day",
     "Another program sees none of these rows. What you execute is seen by others after `commit`: "
     "does each way through your function end with one?",
     lambda run: run.returned["visits"] or run.returned["unread"]),
    ("half-saved",
     [{COMMIT: "    if number != 2:\n        db.commit()\n"},
      {' WHERE mail = ?", [number]': ' WHERE mail > 0"'}],
     "a `commit` for each hundred rows, and none for the rest",
     "A mail is in neither table, as another program sees them. Is every call saved with `commit`, "
     "and is no more deleted than the row of one mail?"),
    ("still-unread", {'        db.execute("DELETE FROM unread WHERE mail = ?", [number])\n': ""},
     "a list of open cases that only ever grows",
     "The row of a mail that became a visit is still in `unread`: it will be worked on twice."),
    ("first-kept",
     [{"REPLACE": "IGNORE"}, {"REPLACE INTO visits": "IGNORE INTO visits"},
      {"REPLACE INTO unread": "IGNORE INTO unread"}],
     "IGNORE, which silences the refusal and keeps what is old",
     "A mail came a second time, and its first row stayed. The new one counts."),
    ("other-rows", {"found.pianos]": "1]"}, "a value left from a try; one word for every failure",
     "Table `$table` holds `$found` (by the number of the mail); right is `$right`.",
     lambda run: not other_table(run)),
    ("reply-cut", {"found.reply.to_json()": "str(found.reply)"},
     "str(), which shows an object and is no JSON",
     "What stands under `reply` in `unread` is not the JSON of the whole reply, so nobody can read "
     "it again. `to_json()` makes it.", lambda run: run.returned["whole"]),
    ("other-table", {"    return table\n": "    return found\n"},
     "the object handed back, which the caller has already",
     "Your function gave back $told; the rows went into the tables $tables.",
     lambda run: run.returned["told"] == run.wanted["told"]),
    words=lambda run: run.result.raised,
    table=other_table,
    found=lambda run: run.value[other_table(run)],
    right=lambda run: run.wanted[other_table(run)],
    told=lambda run: f"{run.value['told']!r:.120}",
    tables=lambda run: run.wanted["told"],
)  # fmt: skip

store = Exercise(
    id="11.3",
    title="Into the right table",
    objective="Write rows that survive apostrophes, repeats and a crash.",
    minutes=12,
    task="""
The piano tuner's database has two tables: `visits (mail, customer, day, pianos)` and `unread
(mail, why, reply)`; `mail` is the primary key of both. `store` gets the open database, the number
of a mail, and a `Visit` or an `Unread` (first cell). Fix it:

- any text may be in a customer's name, such as `Siobhán O'Neill`;
- a mail may come again: its new row takes the place of the old one;
- if a mail that was unread becomes a visit, its row in `unread` goes;
- `reply` is stored as the JSON text of the whole reply;
- another program sees the rows at once;
- the name of the table is given back, `"visits"` or `"unread"`.
""",
    template="""
def store(db, number, found):
    if isinstance(found, Visit):
        db.execute(
            f"INSERT INTO visits VALUES ({number}, '{found.customer}', "
            f"'{found.day}', {found.pianos})"
        )
    else:
        row = [number, found.why, found.reply]
        db.execute("INSERT INTO unread VALUES (?, ?, ?)", row)
""",
    solution="""
def store(db, number, found):
    if isinstance(found, Visit):
        row = [number, found.customer, str(found.day), found.pianos]
        db.execute("INSERT OR REPLACE INTO visits VALUES (?, ?, ?, ?)", row)
        db.execute("DELETE FROM unread WHERE mail = ?", [number])
        table = "visits"
    else:
        row = [number, found.why, found.reply.to_json()]
        db.execute("INSERT OR REPLACE INTO unread VALUES (?, ?, ?)", row)
        table = "unread"
    db.commit()
    return table
""",
    also_correct=(
        """
def store(db, number, found):
    with db:
        db.execute("DELETE FROM unread WHERE mail = :mail", {"mail": number})
        values = {"mail": number, **found.model_dump(mode="json")}
        if isinstance(found, Unread):
            values["reply"] = found.reply.model_dump_json()
            sql = "INSERT INTO unread VALUES (:mail, :why, :reply)"
        else:
            db.execute("DELETE FROM visits WHERE mail = :mail", values)
            sql = "INSERT INTO visits VALUES (:mail, :customer, :day, :pianos)"
        db.execute(sql, values)
    return "visits" if isinstance(found, Visit) else "unread"
""",
    ),
    hints=(
        "How does `save` of the lesson get its values into the SQL, and how does it treat a mail "
        "that comes a second time?",
        "Put `?` into the SQL and the values into a list beside it. `INSERT OR REPLACE` replaces "
        "the row with the same key.",
        "A `Message` has a method that makes JSON text of it. And nothing that you execute is seen "
        "by others until the database is told so.",
    ),
    rules=cases(
        files((1, ADA), (2, TUAN)),
        files((3, "max_tokens"), (7, "refusal")),
        files((1, {**ADA, "customer": "Siobhán O'Neill"}), (4, TUAN)),
        files((5, {**TUAN, "customer": "x', '2027-01-01', 1); --"})),
        files((2, TUAN), (2, {**TUAN, "day": "2027-05-03"})),
        files((8, "max_tokens"), (8, "pianos: Input should be less than or equal to 3")),
        files((6, "max_tokens"), (9, "refusal"), (6, ADA)),
        expect=FILED,
        solved=True,
    ),
    takeaway="Values stand beside the SQL, the number of the mail is the key, and `commit` ends "
    "each case.",
)  # fmt: skip


# --- 11.4 ------------------------------------------------------------------------------

KEIKO = {"reader": "Keiko", "title": "Bread at Dawn", "days": 21}
Z = {"reader": "U", "title": "Z", "days": 1}
READ_TEXT = """
def read_text(message):
    return "".join(block.text for block in message.content if block.type == "text")
"""
KEPT = """\
class Unread:
    def __init__(self, why, reply):
        self.why = why
        self.reply = reply

    def said(self):
        return read_text(self.reply)
"""
ROW = """
    def row(self):
        return self.reader, self.title, self.days
"""
FORM = '        output_config={"format": {"type": "json_schema", "schema": schema}},\n'


def breaks(field: str, value: Any) -> Any:
    """A case whose reply breaks the rule of a field."""
    reply = [THOUGHT, compact(**{**KEIKO, field: value})]
    return case(f"May I have a book? My {field}: {value}", 2000, replies=[reply], gives=field)


LOANS = slips(
    ("other-fields", {"    days: int": "    returned: bool\n    days: int"},
     "a field of the table, which no e-mail can fill",
     "Your form has the fields $found; a `Loan` has `reader`, `title` and `days`.",
     lambda run: fields_of(run) == set(KEIKO)),
    ("other-room", {"max_tokens=room": "max_tokens=2000"},
     "a number from the lesson in place of the argument",
     "Your request has `max_tokens` $limit, and `room` is $wanted. With `room`, whoever calls can "
     "give a reply that was cut a second try.",
     lambda run: run.request.body["max_tokens"] == run.given["room"]),
    ("raised-unknown-argument", {FORM: "        output_format=Loan,\n"},
     "https://github.com/anthropics/anthropic-sdk-python/issues/1819",
     "$kit `create` takes a schema, in `output_config`."),
    ("raised-400", {"anthropic.transform_schema(Loan)": "Loan.model_json_schema()"},
     "https://github.com/evoila/meho/pull/2017: the schema sent as pydantic writes it",
     "$kit `anthropic.transform_schema` makes a schema that the API accepts."),
    ("raised-json", {"anthropic.transform_schema(Loan)": "Loan"},
     "https://github.com/anthropics/anthropic-sdk-python/issues/1819: the class itself", NO_SCHEMA),
    ("raised-ValidationError",
     {"messages.create(": "messages.parse(", FORM: "        output_format=Loan,\n"},
     "https://github.com/anthropics/anthropic-sdk-python/pull/1850",
     "The reply is lost in this error, which left your function. `parse` raises it before you have "
     "the reply: use `create`, and check the text in a `try`."),
    found=lambda run: ", ".join(sorted(fields_of(run))) or "(none)",
    limit=lambda run: run.request.body["max_tokens"],
    wanted=lambda run: run.given["room"],
)  # fmt: skip

email_to_loan = Exercise(
    id="11.4",
    title="The desk: from an e-mail to a loan",
    objective="Read an e-mail into an object, and lose nothing that cannot be read.",
    minutes=15,
    part="email_to_loan",
    task="""
Readers of the library ask for books by e-mail. Complete the class `Loan` and the function:

1. `Loan` has a `reader` and a `title`, texts of at least one letter, and `days`, from 1 to 21;
2. `email_to_loan` asks with `create` and the schema of `Loan`; the e-mail is the only turn, as it
   is, and `room` is `max_tokens`;
3. it gives back a `Loan` if the reply came to its end and fits;
4. otherwise it gives back an `Unread`: the whole `reply`, and `why` (the stop reason, or what the
   `ValidationError` says). Then the desk can ask again with more room, or show it to a person.

`read_text` and `Unread` (here a plain class) are right. The desk will use `row` and `said`.
""",
    template=f'''{READ_TEXT}

class Loan(BaseModel):
    reader: str
{ROW}

{KEPT}

def email_to_loan(client, email, room=2000):
    """Give back a Loan, or an Unread that keeps the reply."""
    ...
''',
    solution=f"""{READ_TEXT}

class Loan(BaseModel):
    reader: str = Field(min_length=1)
    title: str = Field(min_length=1)
    days: int = Field(ge=1, le=21)
{ROW}

{KEPT}

def email_to_loan(client, email, room=2000):
    schema = anthropic.transform_schema(Loan)
    reply = client.messages.create(
        model=MODEL,
        max_tokens=room,
        messages=[{{"role": "user", "content": email}}],
{FORM}    )
    if reply.stop_reason != "end_turn":
        return Unread(why=reply.stop_reason, reply=reply)
    text = read_text(reply)
    try:
        return Loan.model_validate_json(text)
    except ValidationError as error:
        return Unread(why=str(error), reply=reply)
""",
    also_correct=(
        f"""{READ_TEXT}

class Loan(BaseModel):
    days: int = Field(gt=0, lt=22)
    title: str = Field(min_length=1, description="of the book")
    reader: str = Field(min_length=1)
{ROW}

{KEPT}

def email_to_loan(client, email, room=2000):
    request = {{"model": MODEL, "max_tokens": room}}
    request["messages"] = [{{"role": "user", "content": email}}]
    form = {{"type": "json_schema", "schema": anthropic.transform_schema(Loan)}}
    reply = client.messages.create(**request, output_config={{"format": form}})
    why = reply.stop_reason
    if why == "end_turn":
        try:
            return Loan.model_validate_json(read_text(reply))
        except ValidationError as error:
            why = "; ".join(str(fault["loc"]) for fault in error.errors())
    return Unread(why=why, reply=reply)
""",
    ),
    hints=(
        "`read_mail` and `checked` of the lesson do this together. What do they call the class, "
        "and where does the limit for the tokens come from?",
        "`parse` would throw a reply away that does not fit. Which method gives you the reply "
        "first, and what makes a schema of your class that it accepts?",
        "Look at the stop reason, then at the text, and put the reply into an `Unread` on both "
        "ways that fail.",
    ),
    rules=cases(
        case("May I have Bread at Dawn for three weeks? Keiko\n", 3000,
             replies=[[THOUGHT, compact(**KEIKO)]], gives=KEIKO),
        case("The novel Z, for a day. U", 1000,
             replies=[[compact(**Z)[:20], compact(**Z)[20:]]], gives=Z),
        case("I need Knots. Linh", 1500, gives="max_tokens",
             replies=[{"content": compact(**KEIKO), "stop_reason": "max_tokens"}]),
        case("Knots, please. Linh", 500, gives="max_tokens",
             replies=[{"content": [THOUGHT, '{"reader":"Li'], "stop_reason": "max_tokens"}]),
        case("How do I pick a lock? Mateo", 2000, gives="refusal",
             replies=[{"content": [], "stop_reason": "refusal"}]),
        breaks("days", 22),
        breaks("days", 0),
        breaks("title", ""),
        breaks("reader", ""),
        case("Bread at Dawn, please. Keiko", 2000, replies=[compact(**KEIKO)], gives=KEIKO),
        expect=(
            *no_form({FORM: ""}), once(), asks("email"),
            *LOANS, *found_or_unread("Loan", "{'days': 14}"),
        ),
    ),
    mistakes=(Mistake("good-unread", {"le=21": "lt=21"}, "the last day left out"),),
    equivalent={
        "line 15: parameters why, reply swapped": "the solution gives both by name",
        "line 11: return removed": "`row` is given, and only the desk calls it",
        "line 20: return removed": "`said` is given, and only the desk calls it",
        "line 23: 2000 -> 1": "the default is given, and the check always says `room`",
    },
    takeaway="Call `create`, look at the stop reason, then check the text. What comes out is a "
    "`Loan`, or an `Unread` that can be tried again.",
)  # fmt: skip


EXERCISES = (sign_up, checked, store, email_to_loan)
