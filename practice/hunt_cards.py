"""The cards of the error hunt, by lesson: six refusals of the API, and a clue to each.

Content only. A rule is named as in courseserver/rules.py; a clue does not name the
field that offends.
"""

from __future__ import annotations

Card = tuple[tuple[str, str], ...]  # (rule, clue)

# fmt: off
CARDS: dict[str, Card] = {
    "01": (
        ("unknown-model", "Ask for somebody who has retired, or who was never there."),
        ("key", "Knock as somebody who is not let in."),
        ("empty-turn", "Say nothing at all."),
        ("empty-text", "Say something in which there is nothing to read."),
        ("shape", "Leave Claude less than no room for the answer."),
        ("prompt-length", "Talk for longer than anybody can listen."),
    ),
    "02": (
        ("stop-sequences", "Put up a stop sign with nothing written on it."),
        ("prefill", "Write the beginning of the answer yourself."),
        ("version", "Ask for an edition of the API that never came out."),
        ("endpoint", "Go to the right house and the wrong door."),
        ("not-json", "By raw HTTP: break off in the middle of the request."),
        ("shape", "Send a conversation in which no turn was taken."),
    ),
    "03": (
        ("system-turn", "Give the house rules as the first turn of the conversation."),
        ("empty-text", "Hand over house rules in which there is nothing to read."),
        ("shape", "Put something on the form that the form does not know."),
        ("prefill", "Force the form of the answer: begin it yourself."),
        ("prompt-length", "Write house rules that fill whole shelves."),
        ("sampling",
         "Turn a knob that is gone (extra_body, and with it the API version of "
         "2023 in extra_headers)."),
    ),
    "04": (
        ("max-tokens", "Ask for a longer stream than this model can ever write."),
        ("unknown-model", "Wait for the first word of somebody who is not there."),
        ("stop-sequences", "Tell the stream to stop at something nobody can see."),
        ("empty-turn", "Stream an answer to nothing."),
        ("prefill", "Begin the answer yourself, and let the rest be streamed."),
        ("shape", "Let somebody else take a turn: neither you nor Claude."),
    ),
    "05": (
        ("prefill", "Shorten the history so that Claude spoke last."),
        ("replayed-thinking",
         "Rewrite what you asked, and keep what Claude thought about it."),
        ("empty-turn", "Put words of silence into the middle of the history."),
        ("empty-text", "Take a turn that looks empty, and is not."),
        ("system-turn", "Let the house speak first in the history."),
        ("shape", "Hand in a turn with more in it than a turn may hold."),
    ),
    "06": (
        ("tool-results", "Leave a call of Claude's without its answer."),
        ("empty-turn", "Hand back a message with no answers in it at all."),
        ("tool-roles", "Let Claude, and not you, hand the answers back."),
        ("tool-names", "Offer two functions that are called the same."),
        ("shape", "Offer a function without saying what it takes."),
        ("tool-schema", "Describe an input by a kind of value that nobody knows."),
    ),
    "06b": (
        ("tool-choice", "Insist on a call, from a model that cannot be made to."),
        ("json-schema",
         "Ask for exact inputs, and leave room for a field nobody described."),
        ("shape", "Leave it to Claude whether to call, in a word of your own."),
        ("tool-names", "Hand the runner one function twice."),
        ("tool-results", "Say no to a call and do it all the same: answer it twice."),
        ("empty-turn", "Start the runner with a question without a single letter."),
    ),
    "07": (
        ("image", "Stick the wrong label on a picture."),
        ("pdf", "Stick the right label on something that is no paper."),
        ("shape", "Send a picture of a kind that Claude does not look at."),
        ("body-too-large", "Send a parcel that does not fit through the door."),
        ("empty-text",
         "Send a picture with a caption in which there is nothing to read."),
        ("gone-since-2026-10-21",
         "Put the paper on Claude's side of the conversation."),
    ),
    "08": (
        ("cache-marks", "Use one bookmark too many."),
        ("shape", "Let the cache last for a week."),
        ("empty-text", "Put a bookmark where there is nothing to read."),
        ("replayed-thinking",
         "Change the house rules under what Claude has already thought."),
        ("tool-names", "Put the same tool into the cached box twice."),
        ("prompt-length", "Cache more than any window holds."),
    ),
    "10": (
        ("thinking", "Grant a fixed allowance for thinking, as in 2025."),
        ("shape", "Grant an allowance that is too small to think with."),
        ("effort",
         "Forbid thinking before the answer, and ask for the greatest strain."),
        ("tool-choice", "Insist on a call, from a model that wants to think first."),
        ("replayed-thinking", "Improve what Claude thought before you send it back."),
        ("prefill", "Begin the answer for a model that wants to think first."),
    ),
}
# fmt: on
