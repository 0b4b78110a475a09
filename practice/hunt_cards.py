"""The cards of the error hunt, by lesson: six refusals of the API, and a clue to each.

Content only. A rule is named as in courseserver/rules.py; a clue does not name the
field that offends.
"""

from __future__ import annotations

Card = tuple[tuple[str, str], ...]  # (rule, clue)

# fmt: off
CARDS: dict[str, Card] = {
    "01": (
        ("unknown-model",
         "Ask for a model that has been retired, or that never existed."),
        ("key", "Send a request with a key that is not valid."),
        ("empty-turn", "Send a message that says nothing at all."),
        ("empty-text", "Send a message that contains only spaces."),
        ("shape", "Set the limit for the answer below zero."),
        ("prompt-length", "Ask a question that is longer than any model can read."),
    ),
    "02": (
        ("empty-turn", "Ask an empty question."),
        ("shape", "Send a conversation in which nobody has said anything yet."),
        ("stop-sequences",
         "Ask Claude to stop at a text that consists only of spaces."),
        ("version", "Ask for a version of the API that does not exist."),
        ("endpoint", "Send your request to an address that the API does not have."),
        ("not-json", "With raw HTTP, send a request that breaks off in the middle."),
    ),
    "03": (
        ("system-turn", "Send your rules as the first message of the conversation."),
        ("empty-text", "Send rules that contain only a space."),
        ("shape", "Put a field into the request that the API does not know."),
        ("empty-turn", "Send an empty message from a customer."),
        ("prompt-length",
         "Send rules that are longer than anything that Claude can read."),
        ("unknown-model", "Ask a model that has been retired, or that never existed."),
    ),
    "04": (
        ("max-tokens", "Ask for a longer stream than this model can ever write."),
        ("unknown-model", "Stream the answer of a model that does not exist."),
        ("stop-sequences",
         "Let the stream stop at a text that consists only of spaces."),
        ("empty-turn", "Stream the answer to an empty question."),
        ("prefill", "Begin the answer yourself, and stream the rest."),
        ("shape", "Give a turn to somebody who is neither you nor Claude."),
    ),
    "05": (
        ("prefill", "Shorten the history so that Claude's turn is the last one."),
        ("replayed-thinking",
         "Change your question, and keep what Claude thought about the old one."),
        ("empty-turn", "Put an empty turn into the middle of the history."),
        ("empty-text", "Send a turn that contains only spaces."),
        ("system-turn",
         "Begin the history with your program's rules, as a turn of their own."),
        ("shape", "Use a whole reply as a turn, with all its fields."),
    ),
    "06": (
        ("tool-results", "Leave one of Claude's calls without an answer."),
        ("empty-turn", "Send back a message that contains no answers at all."),
        ("tool-roles", "Let Claude, and not you, send the answers back."),
        ("tool-names", "Offer the same function twice."),
        ("shape", "Offer a function without describing its input."),
        ("tool-schema", "Describe an input by a kind of value that does not exist."),
    ),
    "06b": (
        ("tool-choice",
         "Insist on a call, from a model that cannot be forced to call."),
        ("json-schema",
         "Ask for exact inputs, but allow fields that you have not described."),
        ("shape", "Answer a call with a list of bare texts."),
        ("tool-names", "Give the runner the same function twice."),
        ("tool-results", "Say no to a call and do it all the same: answer it twice."),
        ("empty-turn", "Start the runner with an empty question."),
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
        ("shape", "Send a picture in a format that Claude does not take, such as BMP."),
        ("body-too-large", "Send a request of more than 32 MB."),
        ("citations", "Ask for quotes from only one of two documents."),
        ("file-id", "Ask about an uploaded file after you have deleted it."),
    ),
    "08": (
        ("cache-marks", "Set one mark more than is allowed."),
        ("shape", "Ask for an entry that lives for a week."),
        ("empty-text", "Set a mark on an empty block."),
        ("warm-up", "Warm up the cache, and ask for a stream at the same time."),
        ("tool-names", "List the same tool twice, once with a mark."),
        ("prompt-length",
         "Set a mark on rules that are longer than the model can read."),
    ),
    "09": (
        ("batch", "Give two requests of one batch the same id."),
        ("shape", "Alone: give a turn to somebody who is neither you nor Claude."),
        ("unknown-model", "Alone: misspell the model."),
        ("prefill", "Alone: begin Claude's answer yourself."),
        ("empty-turn", "Alone: send an empty row."),
        ("empty-text", "Alone: send a row that contains only spaces."),
    ),
    "10": (
        ("thinking",
         "Give this model a fixed number of tokens to think with, as in 2025."),
        ("shape",
         "Send a thinking setting that does not exist, or a number that is too small."),
        ("effort",
         "Ask for an effort that does not fit the model or the rest of the request."),
        ("tool-choice", "Force Claude to call a tool."),
        ("replayed-thinking", "Change what Claude thought before you send it back."),
        ("prefill", "Begin Claude's answer yourself, on a model that thinks first."),
    ),
    "11": (
        ("json-schema", "Ask for data in a form that lets in fields nobody described."),
        ("shape", "Ask for a form of another kind, such as plain JSON."),
        ("prefill", "Begin the JSON yourself, as was done in 2024."),
        ("tool-choice", "Force Claude to call a tool, to be sure of data."),
        ("tool-schema",
         "Describe a tool's data by a kind of value that only Python knows."),
        ("empty-turn", "Send a mail in which nothing is written."),
    ),
    "12": (
        ("key", "Get a 401: send a key that is not valid."),
        ("unknown-model", "Get a 404: ask somebody who is not there."),
        ("endpoint", "Get another 404: knock at a wrong door."),
        ("body-too-large", "Get a 413: send more than fits."),
        ("max-tokens", "Get a 400: demand more than this model can ever write."),
        ("version", "Get another 400: speak an API of another day."),
    ),
}
# fmt: on
