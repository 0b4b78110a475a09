"""Reads Markdown and HTML for the lint: headings, links, pictures, anchors, fenced Python.

The Markdown parser is mistune, which JupyterLab brings along. It must not know any rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import mistune

_markdown = mistune.create_markdown(renderer=None, plugins=["table", "strikethrough"])
PICTURE_FILE = re.compile(r"\S+\.(?:png|jpe?g|svg|gif|webp)$", re.IGNORECASE)


@dataclass
class Prose:
    """What a text links to and is made of. Pictures are (source, alt text or None)."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    pictures: list[tuple[str, str | None]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    python: list[str] = field(default_factory=list)


class _Tags(HTMLParser):
    """Collects links, pictures and anchors of HTML into a Prose."""

    def __init__(self, found: Prose) -> None:
        super().__init__()
        self.found = found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            self.found.pictures.append((values.get("src") or "", values.get("alt")))
        if tag == "a" and values.get("href"):
            self.found.links.append(values["href"] or "")
        self.found.anchors |= {values[k] or "" for k in ("id", "name") if values.get(k)}


def read_html(text: str, found: Prose | None = None) -> Prose:
    """The links, pictures and anchors of a piece of HTML."""
    found = found or Prose()
    _Tags(found).feed(text)
    return found


@cache  # the lint reads the same cells for several rules; nobody changes what it gets
def read_markdown(text: str) -> Prose:
    """The parts of a Markdown text, HTML inside it included."""
    found = Prose()
    for token in _tokens(_markdown(text)):
        kind, attrs = token["type"], token.get("attrs", {})
        if kind == "heading":
            title = _text(token).strip()
            found.headings.append((attrs["level"], title))
            # JupyterLab's own form of a heading's anchor, and GitHub's.
            found.anchors |= {title.replace(" ", "-"), github_slug(title)}
        elif kind == "link":
            found.links.append(attrs["url"])
        elif kind == "image":
            found.pictures.append((attrs["url"], _text(token)))
        elif kind in ("block_html", "inline_html"):
            read_html(token["raw"], found)
        elif kind == "block_code" and str(attrs.get("info", "")).startswith("py"):
            found.python.append(token["raw"])
    return found


def _tokens(tokens: Any) -> Iterator[dict[str, Any]]:
    for token in tokens:
        yield token
        yield from _tokens(token.get("children", []))


def _text(token: dict[str, Any]) -> str:
    inside = _tokens(token.get("children", []))
    return "".join(part.get("raw", "") for part in inside if part["type"] != "inline_html")


def github_slug(title: str) -> str:
    """The anchor GitHub gives a heading: lower case, punctuation dropped, spaces to hyphens."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def anchors_of(path: Path) -> set[str]:
    """The anchors of a Markdown file or of a notebook's Markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return read_markdown(text).anchors


def broken(url: str, path: Path, root: Path) -> str | None:
    """What is wrong with a link in the file `path`, or None. Addresses on the web are not tried."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return None if parts.scheme in ("http", "https", "mailto", "data") else "an odd address"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if parts.path.startswith("/") or not target.is_relative_to(root.resolve()):
        return "leads out of the course"
    if not target.exists():
        return "leads to a file that does not exist"
    pages = parts.fragment and target.suffix in (".md", ".ipynb")
    if pages and unquote(parts.fragment) not in anchors_of(target):
        return f"leads to no heading or anchor of {target.name}"
    return None


def weak_alt(alt: str | None) -> str | None:
    """What is wrong with a picture's alt text, or None."""
    if not (alt or "").strip():
        return "has no alt text"
    assert alt is not None
    if PICTURE_FILE.match(alt.strip()):
        return "has a file name as its alt text"
    if len(alt.strip()) < 10:
        return f"has the alt text {alt!r}, which says too little"
    return None


def words(markdown_cells: Iterable[str]) -> int:
    """Words of running text: without fenced code, HTML tags, and the addresses of links.

    What is folded away counts by its heading only: the reader opens it, or not.
    """
    text = "\n\n".join(markdown_cells)
    text = re.sub(r"</summary>.*?</details>", "</summary>", text, flags=re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<[^>]+>|\]\([^)]*\)", " ", text)
    return len(re.findall(r"\w[\w'’.,-]*", text))
