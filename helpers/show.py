"""Pictures of what a reply holds and of what went over the wire. It only looks; it sends nothing.

Everything is shown as Markdown, so that notebooks, editors and screen readers say the same.
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

from helpers.report import shorten

# Allow-lists: a header that is not named here is never shown.
REQUEST_HEADERS = ("anthropic-version", "anthropic-beta", "content-type", "x-stainless-retry-count")
REPLY_HEADERS = ("content-type", "request-id", "retry-after", "x-should-retry", "x-course-reply")
MOST = 4_000  # characters of a body that are shown


def table(rows: Iterable[Sequence[Any]], *head: str) -> None:
    """Show rows under the given column names."""
    lines = [head, ["---"] * len(head), *rows]
    display(Markdown("\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)))


def message(reply: Any) -> None:
    """Show the parts of a Message: its blocks one by one, why it stopped, what it used."""
    rows: list[Sequence[Any]] = [
        (f"content[{number}]", f"`{block.type}`", _inside(block))
        for number, block in enumerate(reply.content)
    ]
    if not rows:
        rows.append(("content", "empty", "no blocks at all"))
    rows.append(("stop_reason", f"`{reply.stop_reason}`", _why(reply)))
    rows.append(("model", f"`{reply.model}`", ""))
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


def wire(back: int = 1, *, reply: bool = True) -> None:
    """Show the last exchange with the course server (`back=2`: the one before), key masked.

    `reply=False` shows only what was sent.
    A live request goes straight to the API, past the course server, and cannot be shown.
    """
    from helpers._setup import journal

    log = journal()
    if len(log) < back:
        display(Markdown("Nothing went through the course server yet. (Live calls do not.)"))
        return
    sent = log[-back].request
    credential = "authorization: Bearer" if "authorization" in sent.headers else "x-api-key:"
    head = [f"{sent.method} {sent.path}", f"{credential} (your key, not shown)"]
    head += [f"{name}: {sent.headers[name]}" for name in REQUEST_HEADERS if name in sent.headers]
    display(Markdown(f"**Sent**\n\n{_fence(head)}\n\n{_fence([_pretty(sent.body)], 'json')}"))
    if not reply:
        return
    answer = log[-back].reply
    back_head = [f"HTTP {answer.status}"]
    back_head += [f"{n}: {answer.headers[n]}" for n in REPLY_HEADERS if n in answer.headers]
    body = ""
    for step in answer.steps:  # results of a batch are made while they are read
        body += step.data.decode()
        if answer.streamed and len(body) > MOST:
            break
    if body and not answer.streamed:
        body = _pretty(json.loads(body))
    shown = _fence([body[:MOST]], "text" if answer.streamed else "json") if body else "nothing"
    display(Markdown(f"**Came back**\n\n{_fence(back_head)}\n\n{shown}"))


def plot(figure: Any, alt: str) -> None:
    """Show a matplotlib figure as a picture with `alt` as its text for those who do not see it."""
    import matplotlib.pyplot as plt

    data = io.BytesIO()
    # A white card with a margin reads well on light and on dark pages.
    figure.savefig(
        data, format="png", dpi=80, facecolor="white", bbox_inches="tight", pad_inches=0.2
    )
    plt.close(figure)
    text = base64.b64encode(data.getvalue()).decode()
    display(HTML(f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{text}">'))


def _inside(block: Any) -> str:
    if block.type == "text":
        return _quote(block.text)
    if block.type == "thinking":
        text = _quote(block.thinking) if block.thinking else "(empty: not shown by default)"
        return f"{text}, and a signature of {len(block.signature)} characters"
    if block.type in {"tool_use", "server_tool_use"}:
        return f"call of `{block.name}` with `{json.dumps(block.input, ensure_ascii=False)}`"
    if block.type == "redacted_thinking":
        return f"encrypted, {len(block.data)} characters"
    if block.type.endswith("_tool_result"):
        return _result(block.content)
    return ""


def _result(content: Any) -> str:
    """What a tool that the API ran has brought: a list, an error, or something of its own kind."""
    if isinstance(content, list):
        return f"{len(content)} result{'' if len(content) == 1 else 's'}"
    failed = getattr(content, "error_code", None)
    return f"error `{failed}`" if failed else f"`{getattr(content, 'type', 'nothing')}`"


def _why(reply: Any) -> str:
    """What stands beside a stop reason: the stop sequence that was met, or the refusal's kind."""
    if reply.stop_sequence:
        return f"stop_sequence `{reply.stop_sequence}`"
    details = getattr(reply, "stop_details", None)
    return f"stop_details: category `{details.category}`" if details else ""


def _quote(text: str) -> str:
    text = text if len(text) <= 90 else text[:87] + "..."
    text = re.sub(r"([\\`*_<>\[\]~#])", r"\\\1", text)  # shown as it is, not as Markdown
    return f"“{text}”"


def _usage(counts: Any) -> str:
    cached = (counts.cache_read_input_tokens or 0) + (counts.cache_creation_input_tokens or 0)
    more = f", {cached} cached" if cached else ""
    return f"{counts.input_tokens} tokens in{more}, {counts.output_tokens} out"


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    parts = re.split(r"((?<!\\)`[^`]*`)", text.replace("|", "\\|").replace("\n", " "))
    # Jupyter takes what stands between two dollar signs for a formula, except in `code`. A
    # backslash does not help; an element of its own does.
    parts[::2] = [part.replace("$", "<span>&#36;</span>") for part in parts[::2]]
    return "".join(parts)


def _pretty(value: Any) -> str:
    return json.dumps(shorten(value), indent=2, ensure_ascii=False)


def _fence(lines: list[str], kind: str = "text") -> str:
    return f"```{kind}\n" + "\n".join(lines) + "\n```"
