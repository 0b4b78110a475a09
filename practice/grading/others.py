"""Words about what others wrote: as data in tags, and each text in its own request.

Each brings its messages and the mistakes that people make with it. They look at the
requests as they arrived, and must not know an exercise.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

from practice.grading.expect import Word
from practice.grading.model import Mistake
from practice.grading.requests import messages_sent
from practice.grading.run import Run
from practice.grading.slips import acts

DATA_MESSAGES = {
    "no-system": "There is no `system` in your request. What *you* decide stands "
    "there; the message is for what others wrote.",
    "data-in-system": "The $tag stands in your `system` prompt, among your rules, and "
    "with their weight. What others wrote belongs into the message.",
    "tags-escaped": "The tags themselves arrived as `&lt;$tag&gt;`: you escaped them "
    "along with the $tag. Only what others wrote needs that.",
    "no-tags": "The $tag arrived without `<$tag>` and `</$tag>` around it. The tags "
    "show where the words of somebody else begin and end.",
    "tag-closed": "One $tag held the text `</$tag>`, so in your message the tag is "
    "closed twice, and what stands between looks like yours. What makes letters of a "
    "tag?",
    "data-outside": "The $tag stands in the message a second time, outside of its "
    "tags. There it looks like words of yours.",
    "half-escaped": "The $tag held `&lt;`, and you sent it as it was, among `&lt;` of "
    "your own. Escape `&` as well, and first: otherwise nobody can tell the two apart.",
    "data-changed": "Between the tags stands something else than the $tag, also with "
    "the escapes undone. Honest people write `<` and `ignore` too: add nothing, take "
    "nothing out.",
    "tags-unexplained": "Your `system` prompt does not mention the `<$tag>` tags. Say "
    "what stands in them, and that no rules are to be taken from it.",
}
# Rule, what is sent in place of the right message (TEXT, OPEN and CLOSE are filled in),
# where it was seen.
DATA_MISTAKES = (
    ("tags-escaped", "html.escape(OPEN + TEXT + CLOSE)",
     "escaping as the last step, as for a web page"),
    ("no-tags", "TEXT",
     "https://github.com/karthink/gptel/issues/61: a text taken for an instruction"),
    ("tag-closed", "OPEN + TEXT + CLOSE",
     "https://github.com/docker/docker-agent/issues/3941"),
    ("data-outside", "OPEN + html.escape(TEXT) + CLOSE + html.escape(TEXT)",
     "tried while reviewing: the text in tags, and once more behind them"),
    ("half-escaped", "OPEN + TEXT.replace('<', '&lt;').replace('>', '&gt;') + CLOSE",
     "tried while reviewing: two of the three letters that `escape` changes"),
    ("data-changed", "OPEN + html.escape(re.sub('<.*>|ignore', '', TEXT)) + CLOSE",
     "https://github.com/berenddeboer/ready-for-agent/pull/851: tags taken out"),
)  # fmt: skip


def as_data(name: str, tag: str) -> Word:
    """This argument stands in the message, escaped and in these tags, and only there.

    The `system` prompt mentions the tags. One case has a text with `</tag>`, with `<`
    and with `&lt;` in it.
    """

    def check(run: Run) -> None:
        _is_data(run, run.given[name], tag)

    mistakes = [
        Mistake(
            "no-system", acts(request='del request["system"]'), "all in one prompt"
        ),
        Mistake(
            "data-in-system",
            acts(request=f'request["system"] += {name}'),
            "https://github.com/ebongard/renfield/issues/686: texts of others inside "
            "the prompt",
        ),
        Mistake(
            "tags-unexplained",
            acts(
                request=f'request["system"] = request["system"].replace("<{tag}>","")'
            ),
            "https://github.com/docker/docker-agent/issues/3941: nothing says what the "
            "region is",
        ),
    ]
    for broken, content, seen in DATA_MISTAKES:
        content = content.replace("TEXT", name)
        content = content.replace("OPEN", f"'<{tag}>'").replace("CLOSE", f"'</{tag}>'")
        turn = f'{{"role": "user", "content": {content}}}'
        lines = f'import html, re\nrequest["messages"] = [{turn}]'
        mistakes.append(Mistake(broken, acts(request=lines), seen))
    return Word(check, DATA_MESSAGES, tuple(mistakes))


def _is_data(run: Run, text: str, tag: str) -> None:
    sent = run.request

    def expect(met: object, broken: str, show: str = "messages") -> None:
        run.expect(met, broken, show, tag=tag)

    def stands_in(place: str) -> bool:
        return any(form in place for form in forms)

    forms = [text, html.escape(text), html.escape(text, quote=False)]
    opening = f"<{tag}>"
    closing = f"</{tag}>"
    expect(sent.system.strip(), "no-system", "")
    expect(not stands_in(sent.system), "data-in-system", "system")
    expect(f"&lt;{tag}&gt;" not in sent.said[:30], "tags-escaped")
    expect(opening in sent.said and closing in sent.said, "no-tags")
    expect(sent.said.count(closing) == 1, "tag-closed")
    inner, _, behind = sent.said.partition(closing)
    before, _, found = inner.rpartition(opening)
    expect(not stands_in(before + behind), "data-outside")
    found = found.strip()
    if html.unescape(found).strip() != text:  # a `&lt;` of the text itself is lost
        half = text.replace("<", "&lt;")
        expect(found not in (half, half.replace(">", "&gt;")), "half-escaped")
        expect(False, "data-changed")
    expect(sent.roles == ["user"], "more-turns")
    named = f"<{tag}" in sent.system or f"{tag} tag" in sent.system.lower()
    expect(named, "tags-unexplained", "system")


def asks_each(texts: Callable[[Run], Sequence[str]]) -> Word:
    """Every request is one user turn with one of these texts, as it is.

    One case has a text with a line break or a blank at an end.
    """

    def check(run: Run) -> None:
        run.expect(run.sent or run.result.raised, "no-request")
        arrived = [sent for sent in messages_sent(run) if sent.status != 400]
        wanted = {*texts(run)}
        said = {sent.said for sent in arrived}
        inner = {text.strip() for text in wanted}
        edges = not said <= wanted and {text.strip() for text in said} <= inner
        run.expect(not edges, "trimmed", show="messages")
        run.expect(said <= wanted, "other-note", show="messages")
        for sent in arrived:
            run.expect(sent.roles == ["user"], "more-turns", show="messages")

    says = "The text of a message is not one of the notes. Send each note as it is."
    turn = 'turn = request["messages"][-1]\nrequest["messages"] = '
    mistakes = (
        Mistake(
            "other-note",
            acts(request=turn + '[{**turn, "content": "Note: " + turn["content"]}]'),
            "prompt wrappers left over from other code",
        ),
        Mistake(
            "trimmed",
            acts(request=turn + '[{**turn, "content": turn["content"].strip()}]'),
            "tried while reviewing: notes tidied before they are sent",
        ),
        Mistake(
            "more-turns", acts(request=turn + "[turn, turn]"), "the note said twice"
        ),
    )
    return Word(check, {"other-note": says}, mistakes)
