"""Answers a question from a file of rules, and shows the passages it cites."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import anthropic
from dotenv import load_dotenv

RULES = Path(__file__).resolve().parent.parent / "data" / "house_rules.md"
ONLY = (
    "Answer briefly, and only from the search results. If they do not answer the "
    "question, say only: Not in my documents."
)
db = sqlite3.connect(":memory:")
db.execute("CREATE VIRTUAL TABLE rules USING fts5(number UNINDEXED, title, text)")
for line in RULES.read_text(encoding="utf-8").splitlines():
    if line.startswith("## "):
        title = line[3:]
    elif found := re.match(r"(\d+\.\d+) (.+)", line):
        db.execute("INSERT INTO rules VALUES (?, ?, ?)", (found[1], title, found[2]))


def answer(question: str) -> str:
    query = " OR ".join(f'"{word}"*' for word in re.findall(r"\w+", question))
    sql = "SELECT * FROM rules WHERE rules MATCH ? ORDER BY rank LIMIT 3"
    blocks: list[Any] = []
    for number, title, text in db.execute(sql, (query,)) if query else []:
        block = {"type": "search_result", "source": number, "title": title}
        block |= {"content": [{"type": "text", "text": text}]}
        blocks.append({**block, "citations": {"enabled": True}})
    if not blocks:  # no request is needed
        return "Not in my documents."
    content = [*blocks, {"type": "text", "text": question}]
    reply = anthropic.Anthropic().messages.create(
        model="claude-sonnet-5-5",
        max_tokens=2000,
        system=ONLY,
        messages=[{"role": "user", "content": content}],
    )
    texts = [block for block in reply.content if block.type == "text"]
    cited = {source.cited_text for text in texts for source in text.citations or []}
    if reply.stop_reason != "end_turn" or not cited:
        return "Not in my documents."
    return "\n".join(["".join(text.text for text in texts), *sorted(cited)])


load_dotenv()
print(answer("What's the fine for a late film?"))
