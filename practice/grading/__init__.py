"""How an exercise is checked: by what a learner's code does, not by how it is written.

It runs their function against a course server of its own and looks at what was sent,
returned, raised and printed. It must not know what a notebook is.
"""

from practice.grading.expect import (
    Case,
    Word,
    case,
    cases,
    message,
    miss,
    missed,
    rule,
    slip,
    slips,
)
from practice.grading.handed import (
    Screen,
    counting,
    events,
    hasty,
    keeping,
    unreachable,
)
from practice.grading.lab import Lab
from practice.grading.model import Exercise, Mistake
from practice.grading.others import as_data, asks_each
from practice.grading.requests import (
    as_solved,
    asks,
    once,
    one_request,
    room,
    rounds,
    sends,
    to_model,
    with_system,
)
from practice.grading.run import Run
from practice.grading.slips import acts, catches, twice
from practice.grading.streams import (
    closes_stream,
    pieces,
    streaming,
    streams,
    writes_piece_by_piece,
)
from practice.grading.traces import alike
from practice.grading.turns import (
    answers_every_call,
    batch_of,
    marks,
    sends_back_whole_turns,
)
from practice.grading.values import (
    function_of,
    gives,
    gives_text,
    leaves_alone,
    lets_rise,
    listed,
    of_kind,
)

__all__ = [
    "Case",
    "Exercise",
    "Lab",
    "Mistake",
    "Run",
    "Screen",
    "Word",
    "acts",
    "alike",
    "answers_every_call",
    "as_data",
    "as_solved",
    "asks",
    "asks_each",
    "batch_of",
    "case",
    "cases",
    "catches",
    "closes_stream",
    "counting",
    "events",
    "function_of",
    "gives",
    "gives_text",
    "hasty",
    "keeping",
    "leaves_alone",
    "lets_rise",
    "listed",
    "marks",
    "message",
    "miss",
    "missed",
    "of_kind",
    "once",
    "one_request",
    "pieces",
    "room",
    "rounds",
    "rule",
    "sends",
    "sends_back_whole_turns",
    "slip",
    "slips",
    "streaming",
    "streams",
    "to_model",
    "twice",
    "unreachable",
    "with_system",
    "writes_piece_by_piece",
]
