"""Pictures of what a reply holds and of what went over the wire. It sends nothing.

Everything is shown as Markdown, so that notebooks, editors and screen readers say the
same.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from IPython.display import HTML, Markdown, display

from courseserver.masking import masked
from courseserver.price import whose
from helpers._text import escape_dollars, in_notebook, shorten, tell

# Allow-lists: a header that is not named here is never shown.
REQUEST_HEADERS = "anthropic-version anthropic-beta content-type".split()
REQUEST_HEADERS += ["x-stainless-retry-count"]
REPLY_HEADERS = "content-type request-id retry-after x-should-retry".split()
REPLY_HEADERS += ["x-course-reply"]
MOST = 4_000  # characters of a body that are shown


def table(rows: Iterable[Sequence[Any]], *head: str) -> None:
    """Show rows under the given column names."""
    lines = []
    for row in [head, ["---"] * len(head), *rows]:
        lines.append(f"| {' | '.join(map(_cell, row))} |")
    _show("\n".join(lines))


def message(reply: Any) -> None:
    """Show the parts of a Message: its blocks, why it stopped, what it used."""
    rows: list[Sequence[Any]] = []
    for number, block in enumerate(reply.content):
        rows.append((f"content[{number}]", f"`{block.type}`", _inside(block)))
    if not rows:
        rows.append(("content", "empty", "no blocks at all"))
    rows.append(("stop_reason", f"`{reply.stop_reason}`", _why(reply)))
    rows.append(("model", f"`{reply.model}`", whose(reply.model)))
    rows.append(("usage", "", _usage(reply.usage)))
    table(rows, "part", "kind", "what it holds")


def usage(reply: Any) -> None:
    """Show where a reply's tokens went: the three kinds of input, and the output."""
    counts = getattr(reply, "usage", reply)
    details = getattr(counts, "output_tokens_details", None)
    rows = [
        ("input, not cached", counts.input_tokens),
        ("input, written to the cache", counts.cache_creation_input_tokens or 0),
        ("input, read from the cache", counts.cache_read_input_tokens or 0),
        ("output", counts.output_tokens),
    ]
    if details is not None:
        rows.append(("of the output: thinking", details.thinking_tokens))
    table(rows, "tokens", "count")


def wire(back: int = 1, *, reply: bool = True, new: bool = False) -> None:
    """Show the last exchange with the course server (`back=2`: the one before).

    The key is masked. `reply=False` shows only what was sent; `new=True` shows of the
    request only what the request before it did not hold.
    """
    from helpers._setup import journal

    log = journal()
    if len(log) < back:
        _show("Nothing went through the course server yet.")
        return
    entry = log[-back]
    before = log[-back - 1].request.body if new and len(log) > back else {}
    _show_sent(entry.request, before)
    if reply:
        _show_reply(entry.reply)


def plot(figure: Any, alt: str) -> None:
    """Show a matplotlib figure as a picture; `alt` says it to who does not see it."""
    import matplotlib.pyplot as plt

    data = io.BytesIO()
    # A white card with a margin reads well on light and on dark pages.
    figure.savefig(
        data,
        format="png",
        dpi=80,
        facecolor="white",
        bbox_inches="tight",
        pad_inches=0.2,
    )
    plt.close(figure)
    source = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    display(HTML(f'<img alt="{html.escape(alt)}" src="{source}">'))


def _show(markdown: str) -> None:
    """Show Markdown, or its text in a terminal; what looks like a key is masked."""
    if in_notebook():
        display(Markdown(masked(markdown)))
    else:
        tell(markdown)


def _show_sent(sent: Any, before: Any) -> None:
    credential = "x-api-key:"
    if "authorization" in sent.headers:
        credential = "authorization: Bearer"
    head = [f"{sent.method} {sent.path}", f"{credential} (your key, not shown)"]
    head += _headers(sent.headers, REQUEST_HEADERS)
    added, left_out = _added(sent.body, before)
    lines = ["**Sent**", _fence(head), _fence([_pretty(added)], "json")]
    if left_out:
        lines.append(f"As in the request before: {', '.join(left_out)}.")
    _show("\n\n".join(lines))


def _added(body: Any, before: Any) -> tuple[Any, list[str]]:
    """What a body holds beyond an earlier one, and the names of what is left out."""
    if not isinstance(body, dict) or not isinstance(before, dict):
        return body, []
    added = {}
    left_out = []
    for name, value in body.items():
        earlier = before.get(name)
        if name not in before:
            added[name] = value
        elif value == earlier:
            left_out.append(f"`{name}`")
        elif isinstance(earlier, list) and value[: len(earlier)] == earlier:
            added[name] = value[len(earlier) :]
            left_out.append(f"the first {len(earlier)} of `{name}`")
        else:
            added[name] = value
    return added, left_out


def _show_reply(answer: Any) -> None:
    head = [f"HTTP {answer.status}", *_headers(answer.headers, REPLY_HEADERS)]
    body = ""
    for step in answer.steps:  # results of a batch are made while they are read
        body += step.data.decode()
        if answer.streamed and len(body) > MOST:
            break
    shown = "nothing"
    if body and answer.streamed:
        shown = _fence([body[:MOST]])
    elif body:
        shown = _fence([_pretty(json.loads(body))[:MOST]], "json")
    _show(f"**Came back**\n\n{_fence(head)}\n\n{shown}")


def _headers(there: Any, wanted: Sequence[str]) -> list[str]:
    return [f"{name}: {there[name]}" for name in wanted if name in there]


def _inside(block: Any) -> str:
    if block.type == "text":
        return _quote(block.text)
    if block.type == "thinking":
        text = "(empty: not shown by default)"
        if block.thinking:
            text = _quote(block.thinking)
        return f"{text}, and a signature of {len(block.signature)} characters"
    if block.type in {"tool_use", "server_tool_use"}:
        given = json.dumps(block.input, ensure_ascii=False)
        return f"call of `{block.name}` with `{given}`"
    if block.type == "redacted_thinking":
        return f"encrypted, {len(block.data)} characters"
    if block.type.endswith("_tool_result"):
        return _result(block.content)
    return ""


def _result(content: Any) -> str:
    """What a tool that the API ran has brought: a list, an error, or its own kind."""
    if isinstance(content, list):
        return "1 result" if len(content) == 1 else f"{len(content)} results"
    failed = getattr(content, "error_code", None)
    if failed:
        return f"error `{failed}`"
    return f"`{getattr(content, 'type', 'nothing')}`"


def _why(reply: Any) -> str:
    """What stands beside a stop reason: the stop sequence, or the refusal's kind."""
    if reply.stop_sequence:
        return f"stop_sequence `{reply.stop_sequence}`"
    details = getattr(reply, "stop_details", None)
    return f"stop_details: category `{details.category}`" if details else ""


def _quote(text: str) -> str:
    if len(text) > 90:
        text = text[:87] + "..."
    text = re.sub(r"([\\`*_<>\[\]~#])", r"\\\1", text)  # as it is, not as Markdown
    return f"“{text}”"


def _usage(counts: Any) -> str:
    read = counts.cache_read_input_tokens or 0
    written = counts.cache_creation_input_tokens or 0
    tokens_in = f"{counts.input_tokens} tokens in"
    if read + written:
        tokens_in += f", {read + written} cached"
    return f"{tokens_in}, {counts.output_tokens} out"


def _cell(value: Any) -> str:
    text = str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        text = f"{value:,}"
    return escape_dollars(text.replace("|", "\\|").replace("\n", " "))


def _pretty(value: Any) -> str:
    return json.dumps(shorten(value), indent=2, ensure_ascii=False)


def _fence(lines: list[str], kind: str = "text") -> str:
    return f"```{kind}\n" + "\n".join(lines) + "\n```"
