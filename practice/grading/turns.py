"""Words about longer exchanges: earlier turns, results of tools, cache marks, batches.

Each brings its messages and the mistakes that people make with it. They look at the
requests as they arrived, and must not know an exercise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from practice.grading.expect import Word
from practice.grading.model import Mistake
from practice.grading.requests import messages_sent
from practice.grading.run import Run
from practice.grading.slips import acts, twice

# In a mistake: a change of the last turn's blocks, where they answer calls of tools.
LAST_RESULTS = """\
last = request["messages"][-1]
blocks = last["content"]
if isinstance(blocks, list) and blocks[0].get("type") == "tool_result":
    {change}
    request["messages"] = [*request["messages"][:-1], last]"""
NO_MARKS = """\
def bare(value):
    if isinstance(value, dict):
        return {key: bare(value[key]) for key in value if key != "cache_control"}
    return [bare(item) for item in value] if isinstance(value, list) else value
request = bare(request)"""
MARKED_QUESTION = """\
turn = request["messages"][-1]
blocks = turn["content"]
if isinstance(blocks, str):
    blocks = [{"type": "text", "text": blocks}]
marked = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
turn = {**turn, "content": [*blocks[:-1], marked]}
request["messages"] = [*request["messages"][:-1], turn]"""


def sends_back_whole_turns() -> Word:
    """Each further request holds all earlier turns, then the whole reply, unchanged."""

    def check(run: Run) -> None:
        sent = messages_sent(run)
        for before, after in pairwise(sent):
            if not isinstance(before.reply, dict) or before.status >= 300:
                continue
            old = _turns(before.body)
            new = _turns(after.body)
            run.expect(new[: len(old)] == old, "history-changed", show="messages")
            rest = new[len(old) :]
            roles = [turn.get("role") for turn in rest]
            run.expect(roles[:1] == ["assistant"], "turn-left-out", show="messages")
            run.expect(
                _blocks(rest[0].get("content")) == _plain(before.reply["content"]),
                "turn-changed",
                show="messages",
            )

    messages = {
        "history-changed": "The second request does not begin with the turns of the "
        "first. Claude remembers nothing between requests: send all earlier turns, as "
        "they were.",
        "turn-left-out": "Claude's own turn is missing from the next request. Put it "
        "into `messages`, with the role `assistant`, before your new turn.",
        "turn-changed": "Claude's turn did not go back as it came. Send the whole "
        "`reply.content`, with every block, thinking too, and change nothing in it.",
    }
    turns = (
        'request["messages"] = [turn for turn in request["messages"] '
        'if turn["role"] != "assistant"]'
    )
    cut = (
        'request["messages"] = [{**turn, "content": turn["content"][1:]} '
        'if turn["role"] == "assistant" else turn for turn in request["messages"]]'
    )
    last = (
        'if len(request["messages"]) > 1:\n'
        '    request["messages"] = request["messages"][-2:]\n'
        '    request["messages"][:1] = []'
    )
    mistakes = (
        Mistake("history-changed", acts(request=last), "only the last message is sent"),
        Mistake("turn-left-out", acts(request=turns), "replies that are never stored"),
        Mistake("turn-changed", acts(request=cut), "only the useful blocks are stored"),
    )
    return Word(check, messages, mistakes)


def answers_every_call() -> Word:
    """After a reply with calls of tools, the next request answers each, by its id."""

    def check(run: Run) -> None:
        sent = messages_sent(run)
        for before, after in pairwise(sent):
            if not isinstance(before.reply, dict) or before.status >= 300:
                continue
            calls = [one["id"] for one in _of_type(before.reply["content"], "tool_use")]
            if not calls:
                continue
            turn = (_turns(after.body) or [{}])[-1]
            run.expect(turn.get("role") == "user", "result-role", show="messages")
            blocks = _blocks(turn.get("content"))
            results = _of_type(blocks, "tool_result")
            run.expect(results, "no-result", show="messages")
            run.expect(
                blocks[: len(results)] == results, "result-late", show="messages"
            )
            ids = [one.get("tool_use_id") for one in results]
            unknown = [one for one in ids if one not in calls]
            run.expect(not unknown, "other-id", show="messages")
            run.expect(len(ids) >= len(calls), "call-unanswered", show="messages")
            run.expect(sorted(ids) == sorted(calls), "answered-twice", show="messages")

    messages = {
        "result-role": "The turn with the results has another role than `user`. For "
        'the API they come from your side, like a question: the role is `"user"`.',
        "no-result": "The turn after a call of a tool holds no `tool_result` block. "
        "Answer each call with one, even if the tool failed.",
        "result-late": "Something stands before the results in your turn. The "
        "`tool_result` blocks come first, and any text after them.",
        "other-id": "A `tool_use_id` of yours belongs to no call in the reply. Take "
        "the `id` of the `tool_use` block that you answer.",
        "call-unanswered": "The reply holds several calls, and one of them got no "
        "`tool_result`. Go through all `tool_use` blocks, and answer them in one turn.",
        "answered-twice": "Two of your results answer the same call. Each `tool_use` "
        "block gets one `tool_result`, with its own `id`.",
    }
    changes = (
        ("result-role", 'last = {**last, "role": "tool"}',
         "other APIs have such a role"),
        ("no-result", 'last = {**last, "content": str(blocks)}',
         "the results put into words"),
        ("result-late",
         'text = {"type": "text", "text": "Here:"}\n'
         '    last = {**last, "content": [text, *blocks]}',
         "a sentence that introduces the results"),
        ("other-id",
         'blocks = [{**one, "tool_use_id": "toolu_1"} for one in blocks]\n'
         '    last = {**last, "content": blocks}',
         "an id copied from an example"),
        ("call-unanswered", 'last = {**last, "content": blocks[:1]}',
         "the first call is taken for the only one"),
        ("answered-twice", 'last = {**last, "content": blocks[:1] * '
         'len(blocks)}', "one id for all results"),
    )  # fmt: skip
    mistakes = []
    for name, change, seen in changes:
        wrong = acts(request=LAST_RESULTS.replace("{change}", change))
        mistakes.append(Mistake(name, wrong, seen))
    return Word(check, messages, tuple(mistakes))


# --- cache marks and batches ----------------------------------------------------------


def marks(*paths: str) -> Word:
    """`cache_control` stands at these dotted paths only: `system.0`, `tools.-1`."""

    def check(run: Run) -> None:
        run.expect(run.requests, "no-request")
        for sent in run.requests:
            found = list(_marked(sent.body))
            wanted = [_resolved(sent.body, path) for path in paths]
            run.expect(found, "no-mark")
            told = ", ".join(f"`{path}`" for path in found)
            run.expect(sorted(found) == sorted(wanted), "other-mark", found=told)

    where = ", ".join(f"`{path}`" for path in paths)
    messages = {
        "no-mark": "There is no `cache_control` in your request, so nothing is cached.",
        "other-mark": f"`cache_control` stands at $found; it belongs at {where}. "
        "Everything up to a mark is cached, so what changes must come after it.",
    }
    mistakes = (
        Mistake("no-mark", acts(request=NO_MARKS), "caching taken for automatic"),
        Mistake(
            "other-mark", acts(request=MARKED_QUESTION), "the question marked as well"
        ),
    )
    return Word(check, messages, mistakes)


def batch_of(wanted: Callable[..., list[dict[str, Any]]]) -> Word:
    """One batch with these requests, computed from the arguments, in any order.

    Each is `{"custom_id": ..., "params": {...}}`; only the params named are compared.
    """

    def check(run: Run) -> None:
        run.surface()
        sent = [
            one for one in run.sent if one.path == "/v1/messages/batches" and one.body
        ]
        run.expect(sent, "no-batch")
        run.expect(len(sent) == 1, "two-batches")
        made = {}
        for one in sent[0].body.get("requests") or []:
            params = one.get("params") if isinstance(one, dict) else None
            if isinstance(params, dict):  # what is wrong with it, the API says
                made[one.get("custom_id")] = params
        args = [run.before.get(name, run.given[name]) for name in run.given]
        right = {one["custom_id"]: one["params"] for one in wanted(*args)}
        odd = sorted(map(str, made.keys() ^ right.keys()))
        run.expect(not odd, "other-ids", ids=", ".join(odd[:3]))
        for name, params in right.items():
            differ = [
                key for key in params if not _same(made[name].get(key), params[key])
            ]
            run.expect(not differ, "other-params", id=name, part=", ".join(differ))

    messages = {
        "no-batch": "No batch reached the API. It is made with "
        "`client.messages.batches.create(requests=[...])`.",
        "two-batches": "You made more than one batch. All requests fit into one.",
        "other-ids": "The ids of your batch are not the ones that are wanted; look at "
        "$ids.",
        "other-params": "In the request `$id` of your batch, `$part` is not as wanted.",
    }
    mistakes = (
        Mistake(
            "no-batch", acts("None", given="return []"), "a dry run that stayed one"
        ),
        Mistake("two-batches", twice, "a batch made again, and paid for again"),
        Mistake(
            "other-ids",
            acts(request='request["requests"] = request["requests"][:-1]'),
            "the last line of a file lost",
        ),
        Mistake(
            "other-params",
            acts(
                request='for one in request["requests"]:\n'
                '    one["params"] = {**one["params"], "messages": '
                '[{"role": "user", "content": "Hello"}]}'
            ),
            "one text for all requests",
        ),
    )
    return Word(check, messages, mistakes)


def _same(made: Any, wanted: Any) -> bool:
    """Whether two values of a request say the same; a plain text is one block."""
    if isinstance(made, list) and isinstance(wanted, list):
        pairs = zip(made, wanted, strict=False)
        return len(made) == len(wanted) and all(_same(*pair) for pair in pairs)
    if isinstance(made, dict) and isinstance(wanted, dict) and "role" in wanted:
        alike = _blocks(made.get("content")) == _blocks(wanted.get("content"))
        return alike and made.get("role") == wanted["role"]
    return bool(made == wanted)


def _turns(body: Any) -> list[Any]:
    """The turns of a request, without what is null; only those that are objects."""
    turns = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(turns, list):
        return []
    return [_plain(turn) for turn in turns if isinstance(turn, dict)]


def _plain(value: Any) -> Any:
    """JSON without fields that are null, which the SDK adds to blocks."""
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in value if value[key] is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _blocks(content: Any) -> list[Any]:
    """The content of a turn as blocks; a plain text is one block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return _plain(content) if isinstance(content, list) else []


def _of_type(blocks: Sequence[Any], kind: str) -> list[Any]:
    return [one for one in blocks if isinstance(one, dict) and one.get("type") == kind]


def _marked(value: Any, path: str = "") -> Iterator[str]:
    """The dotted paths of all blocks with a cache mark."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
        if "cache_control" in value:
            yield path
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, item in pairs:
        yield from _marked(item, f"{path}.{key}" if path else str(key))


def _resolved(body: Any, path: str) -> str:
    """A path with places counted from the end made into one counted from the front."""
    value = body
    parts = []
    for part in path.split("."):
        if isinstance(value, list):
            place = int(part) % max(1, len(value))
            value = value[place] if value else None
            parts.append(str(place))
        else:
            value = value.get(part) if isinstance(value, dict) else None
            parts.append(part)
    return ".".join(parts)
