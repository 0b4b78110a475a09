"""The cards of the error hunt, by lesson: six refusals of the API, and a clue to each.

Content only. A rule is named as in courseserver/rules.py; a clue does not name the
field that offends.
"""

from __future__ import annotations

Card = tuple[tuple[str, str], ...]  # (rule, clue)

# fmt: off
CARDS: dict[str, Card] = {
    "01": (
        ("unknown-model", "Ask for a model that has retired, or that never existed."),
        ("key", "Send a request with a key that is not valid."),
        ("empty-turn", "Send a message that says nothing at all."),
        ("empty-text", "Send a message that holds nothing but blanks."),
        ("shape", "Set the limit for the answer below zero."),
        ("prompt-length", "Ask a question that is longer than any model can read."),
    ),
    "02": (
        ("empty-turn", "Ask a question without a word in it."),
        ("shape", "Send a conversation in which nobody has said anything yet."),
        ("stop-sequences", "Let Claude stop at a text that consists of blanks only."),
        ("version", "Ask for a version of the API that never came out."),
        ("endpoint", "Send your request to an address that the API does not have."),
        ("not-json", "By raw HTTP: send a request that breaks off in the middle."),
    ),
    "03": (
        ("system-turn", "Send your rules as the first message of the conversation."),
        ("empty-text", "Send rules that consist of nothing but a blank."),
        ("shape", "Put something into the request that the API does not know."),
        ("empty-turn", "Send a customer's message without a word in it."),
        ("prompt-length", "Send rules that are longer than anything Claude can read."),
        ("unknown-model", "Ask a model that has retired, or that never was."),
    ),
    "04": (
        ("max-tokens", "Ask for a longer stream than this model can ever write."),
        ("unknown-model", "Stream the answer of somebody who does not exist."),
        ("stop-sequences", "Let the stream stop at a text that is nothing but blanks."),
        ("empty-turn", "Stream the answer to a question without a text."),
        ("prefill", "Begin the answer yourself, and let the rest be streamed."),
        ("shape", "Give a turn to somebody who is neither you nor Claude."),
    ),
    "05": (
        ("prefill", "Shorten the history so that Claude spoke last."),
        ("replayed-thinking",
         "Rewrite what you asked, and keep what Claude thought about it."),
        ("empty-turn", "Put a turn without a text into the middle of the history."),
        ("empty-text", "Take a turn that says nothing but blanks."),
        ("system-turn", "Begin the history with the rules of your program, as a turn."),
        ("shape", "Hand in a whole reply as a turn."),
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
        ("shape", "Answer a call with a list of bare texts."),
        ("tool-names", "Hand the runner one function twice."),
        ("tool-results", "Say no to a call and do it all the same: answer it twice."),
        ("empty-turn", "Start the runner with a question without a single letter."),
    ),
    "06c": (
        ("domains", "Say of one search both where to look and where not to look."),
        ("shape", "Ask for a version of the search that never came out."),
        ("tool-names", "Offer the same search twice."),
        ("tool-choice", "Insist on a search, from a model that cannot be made to."),
        ("server-results", "Ask a new question while a search is still under way."),
        ("empty-turn", "Go on after a pause with a turn of yours that is empty."),
    ),
    "07": (
        ("image",
         "Send a picture with nothing in it, or one of another kind than you say."),
        ("pdf", "Send the bytes of a picture as a document."),
        ("shape", "Send a picture of a kind that Claude does not take, such as BMP."),
        ("body-too-large", "Send a request of more than 32 MB."),
        ("citations", "Ask for quotes from one of two documents only."),
        ("file-id", "Ask about an uploaded file after you have deleted it."),
    ),
    "08": (
        ("cache-marks", "Set one mark more than is allowed."),
        ("shape", "Let an entry live for a week."),
        ("empty-text", "Set a mark on a block in which nothing is written."),
        ("warm-up", "Warm the cache up, and ask for a stream at the same time."),
        ("tool-names", "List the same tool twice, once with a mark."),
        ("prompt-length", "Mark more rules than the model's window holds."),
    ),
    "09": (
        ("batch", "Give two requests of one batch the same name."),
        ("shape", "Alone: let somebody speak who is neither you nor Claude."),
        ("unknown-model", "Alone: misspell whom you ask."),
        ("prefill", "Alone: begin Claude's answer yourself."),
        ("empty-turn", "Alone: ask with a row in which nothing stands."),
        ("empty-text", "Alone: ask with a row that holds only blanks."),
    ),
    "10": (
        ("thinking",
         "Give this model a fixed number of tokens to think with, as in 2025."),
        ("shape",
         "Give a model that wants such a number one that is too small."),
        ("effort",
         "Let Claude not think before it answers, and ask for more effort than high."),
        ("tool-choice", "Force Claude to call a tool while thinking is on."),
        ("replayed-thinking", "Change what Claude thought before you send it back."),
        ("prefill", "Begin the answer of a model that thinks first."),
    ),
}
# fmt: on
