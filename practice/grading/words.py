"""The sentences that every exercise shares: the kit's rules, and what exceptions mean.

Data only. An exercise gives a rule another sentence by naming it in its `messages`.
"""

from __future__ import annotations

# fmt: off
# Rule: sentence. $names are filled in where the rule is applied.
KIT = {
    "not-callable":
        "`$name` is now a `$kind`, and no longer a function. Perhaps a later line of "
        "the cell gives the name another value: store the result of a call under "
        "another name.",
    "own-client":
        "Your function makes a client of its own. Use the `client` that it is given: "
        "only then can whoever calls it decide where requests go.",
    "no-request":
        "No request reached the API. Does your function call the `client` it is "
        "given?",
    "endless":
        "Your code sent more than $limit requests and did not stop by itself. A loop "
        "needs an end for every `stop_reason`, not only for one, and a limit "
        "besides.",
    "more-turns":
        "Your request holds more than one turn, and Claude reads them all. One is "
        "wanted: the text that you were given, from the `user`.",
    "trimmed":
        "The text that you sent is not quite the one that your function was given: "
        "blanks or line breaks at its ends are other ones. Send it as it is.",
    "still-running":
        "Your code was still running after $seconds seconds, and cannot be stopped "
        "from outside: it waits for something. Restart the kernel (menu Kernel, "
        "Restart Kernel), or it goes on in the background. What does it wait for?",
    "too-long":
        "Your code was still running after $seconds seconds, and was stopped. Is "
        "there a loop whose condition never becomes false?",
    "no-return":
        "Your function came to its end and gave nothing back (`None`). Put `return` "
        "in front of the value, on every way through it.",
    "no-return-here":
        "For one call your function gave a value back, and for another nothing "
        "(`None`). One way through it ends without a `return` and a value: look at "
        "each `if`, loop and `except`.",
    "printed":
        "Your function prints its result and gives nothing back (`None`). Whoever "
        "calls it cannot use what is only printed: put `return` in place of `print`.",
    "dots":
        "Your function still gives back `...`. Put a value in its place.",
    "generator":
        "Your function gave back a generator, which has computed nothing yet. With a "
        "`yield`, use `return`; with a `for` in round brackets, make a list of it.",
    "not-text":
        "Your function gave back a `$kind`; a text (`str`) is wanted.",
    "not-number":
        "Your function gave back a `$kind`; a number is wanted.",
    "same-answer":
        "Your function gave back the same for different cases: `$returned`. Compute "
        "it from what comes in.",
    "same-request":
        "Your function was called with different arguments and sent the same request "
        "each time. Build the request from the arguments.",
    "swapped":
        "With `$first` and `$second` exchanged, your function is right: somewhere, "
        "one stands in the place of the other. The order is `$order`.",
    "raised-parameters":
        "The function could not be called as the exercise calls it. It begins with "
        "`def $order:`.",
}

# Rule, exception ("" for any), its words, what it means and what to do. The first line
# that fits is taken; $1 and $2 are what the brackets of the pattern found.
EXCEPTIONS = (
    ("raised-missing-argument", "TypeError", r"^Missing required arguments",
     "The call lacks $missing. `messages.create` needs `model`, `max_tokens` and "
     "`messages`; nothing was sent."),
    ("raised-sampling", "TypeError", r"keyword argument '(temperature|top_p|top_k)'",
     "`$1` is an argument of older code: it left the package in August 2026, and the "
     "API refuses it. Delete it."),
    ("raised-unknown-argument", "TypeError",
     r"(\w+)\(\) got an unexpected keyword argument '(\w+)'",
     "`$1` has no argument `$2`. Is it spelt right, and does it belong here?"),
    ("raised-argument-count", "TypeError",
     r"([\w<>]+)\(\) (?:takes .* but|missing \d+ required (?:positional|keyword))",
     "`$1` was called with another number of arguments than it takes."),
    ("raised-subscript", "TypeError",
     r"^'(Message|\w+Block|Usage)' object is not subscriptable",
     "A `$1` is an object, not a dict: its parts are read with a dot, such as "
     "`reply.content`."),
    ("raised-await-missing", "", r"'coroutine' object",
     "An async call gives back a coroutine: write `await` in front of it."),
    ("raised-await-extra", "TypeError", r"can't be (?:used in 'await'|awaited)",
     "The client of this exercise is the plain one: its calls need no `await`."),
    ("raised-thinking-block", "AttributeError",
     r"^'ThinkingBlock' object has no attribute 'text'",
     "The block that was read is a thinking block, and has no `text`. Replies often "
     "begin with one: choose blocks by their `type`, not by their place."),
    ("raised-thinking-delta", "AttributeError",
     r"^'(\w+Delta)' object has no attribute 'text'",
     "Not every piece of a stream is text: this one is a `$1`. Look at its type "
     "first."),
    ("raised-block-attribute", "AttributeError",
     r"^'(\w+Block)' object has no attribute '(\w+)'",
     "A `$1` has no `.$2`. Look at `block.type` before you read a block."),
    ("raised-message-attribute", "AttributeError",
     r"^'Message' object has no attribute '(\w+)'",
     "A reply has no `.$1`. Its text is in the blocks of `reply.content`."),
    ("raised-loop-over-message", "AttributeError",
     r"^'tuple' object has no attribute '(?:type|text)'",
     "A loop over the reply itself goes through its fields. Go through "
     "`reply.content`."),
    ("raised-list-attribute", "AttributeError",
     r"^'list' object has no attribute '(\w+)'",
     "You read `.$1` from a list. `content` is a list of blocks: take the blocks one "
     "by one."),
    ("raised-none", "", r"^'NoneType' object",
     "Something here is `None`. Which call gave it back: one without a `return`, "
     "perhaps?"),
    ("raised-batches", "AttributeError",
     r"^'Anthropic' object has no attribute 'batches'",
     "Batches are at `client.messages.batches`."),
    ("raised-client-attribute", "AttributeError",
     r"^'(?:Async)?Anthropic' object has no attribute '(\w+)'",
     "The client has no `.$1`. Messages are sent with `client.messages.create(...)`."),
    ("raised-status-code", "AttributeError",
     r"^'(\w+)' object has no attribute 'status_code'",
     "Only an `anthropic.APIStatusError` has a `status_code`. This was an `$1`: no "
     "status came back at all."),
    ("raised-module-attribute", "AttributeError",
     r"^module '([\w.]+)' has no attribute '(\w+)'",
     "There is nothing called `$2` in `$1`. Is it spelt right, with its capitals?"),
    ("raised-attribute", "AttributeError", r"^'(\w+)' object has no attribute '(\w+)'",
     "A `$1` has no `.$2`. Look at the `type(...)` of it: is it what you think it "
     "is?"),
    ("raised-index", "IndexError", r"list index out of range",
     "The list is shorter than the code expects. A reply's `content` may hold one "
     "block, or none."),
    ("raised-key", "KeyError", r"(.*)",
     "The dict has no key `$1`."),
    ("raised-first-cell", "NameError", r"^name '($imported)' is not defined",
     "`$1` comes from the first cell: run the first cell, and then this one again. "
     "(In a file of your own, put the import at its top.)"),
    ("raised-sdk-name", "NameError",
     r"^name '(A(?:nthropic|PI\w*)Error|(?:Authentication|NotFound|BadRequest|RateLimit"
     r"|PermissionDenied|Overloaded|InternalServer)Error)' is not defined",
     "`$1` belongs to the package, which has to be named: write `anthropic.$1`."),
    ("raised-name", "NameError", r"^name '(\w+)' is not defined",
     "Nothing is called `$1` here. Is it spelt as where it was made, and did that "
     "cell run?"),
    ("raised-unbound", "UnboundLocalError", r"'(\w+)'",
     "`$1` is used before it has a value. Does it get one on every way through the "
     "function?"),
    ("raised-no-key", "TypeError", r"Could not resolve authentication method",
     "This client has no key, so it is not the `client` that your function is given. "
     "Use that one."),
    ("raised-streaming", "ValueError", r"^Streaming is required",
     "With so many `max_tokens` an answer could take longer than ten minutes, so the "
     "package insists on streaming. Nothing was sent."),
    ("raised-join", "TypeError", r"expected str instance, (\w+) found",
     "`join` wants texts and got a `$1`. Take its `.text`."),
    ("raised-json", "TypeError", r"^Object of type (\w+) is not JSON serializable",
     "A `$1` cannot be put into JSON or a request as it is. Take its text, or "
     "`.to_dict()`."),
    ("raised-plus", "TypeError", r"concatenate|unsupported operand type",
     "Two things of different types were put together. Look at their types, and read "
     "the right part."),
    ("raised-iterate", "TypeError", r"^'(\w+)' object is not iterable",
     "A `$1` is one thing, and the code goes through it as if it were several."),
    ("raised-call", "TypeError", r"^'(\w+)' object is not callable",
     "A `$1` is not a function: take the brackets after it away, or call one of its "
     "methods."),
    ("raised-int", "ValueError", r"^invalid literal for int\(\) .*: (.+)$",
     "`int` was given the text $1, which is no whole number. Look at the text before "
     "you make a number of it."),
    ("raised-recursion", "RecursionError", r"",
     "Your function calls itself again and again."),
    ("raised-401", "AuthenticationError", r"",
     "The API said 401: the key was refused."),
    ("raised-404", "NotFoundError", r"message': 'model: ([^']+)'",
     "The API said 404: there is no model `$1` any more, or there never was. Use "
     "`MODEL`."),
    ("raised-400", "BadRequestError", r"'message': (?:'(.+?)'|\"(.+?)\")[,}]",
     "The API refused the request with status 400, and says why: “$1$2”."),
    ("raised-429", "RateLimitError", r"",
     "The API said 429: too many requests."),
    ("raised-overloaded", "OverloadedError", r"",
     "The API said 529: it is overloaded."),
    ("raised-status", "", r"^Error code: (\d+)",
     "The API answered with status $1."),
    ("raised-timeout", "APITimeoutError", r"",
     "No answer came in time."),
    ("raised-connection", "APIConnectionError", r"",
     "The connection failed: no answer came at all."),
    ("raised-broken-stream", "RemoteProtocolError", r"",
     "The connection broke in the middle of the stream."),
    ("raised-read-timeout", "ReadTimeout", r"",
     "The stream stopped coming, and was given up."),
)
# fmt: on
