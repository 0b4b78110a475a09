"""Adapter: looks for a program on this machine that speaks the Messages API with its own model.

It connects to loopback addresses only. What such a program is asked, and what is made of its
answer, is decided in `local`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from courseserver.account import Account
from courseserver.local import Engine, Local, loopback_url

Settings = Mapping[str, "str | None"]  # of the file .env; a variable of the environment wins

URL = "COURSE_LOCAL_URL"
PLACES = {  # where they listen unless they are told otherwise
    "http://127.0.0.1:11434": "Ollama",
    "http://127.0.0.1:1234": "LM Studio",
    "http://127.0.0.1:8080": "llama.cpp",
    "http://127.0.0.1:9931": "llama.cpp",  # in later versions, says the server when it starts
}
CONNECT_SECONDS = 0.3  # a closed port of this machine refuses at once, but not on Windows
ANSWER_SECONDS = 5.0
HELP = "Until then, questions that are not recorded are refused, as in replay."


def find(mode: str, account: Account, dotenv: Settings) -> tuple[Local | None, str]:
    """Who answers own questions in this mode, and a sentence about it; in others None and "".

    `COURSE_MODEL` chooses among the models that an engine lists; else its first is taken.
    """
    if mode != "local":
        return None, ""
    try:
        found = list(_listening(dotenv))
    except ValueError as wrong:
        return None, str(wrong)
    for _, url in found:
        models = models_of(url)
        if models:
            wanted = _setting("COURSE_MODEL", dotenv)
            engine = Engine(url, wanted if wanted in models else models[0])
            what = f"What is not recorded is answered by the model {engine.name} on this machine "
            return Local(account, engine), what + f"({url}). It is not Claude."
    if found:
        name, url = found[0]
        what = f"{name} ({url}) lists no model that can answer. Load one in it (for Ollama: "
        return None, f"{what}ollama pull and the name of a model), then run setup again. {HELP}"
    where = "Ollama on port 11434, LM Studio on 1234, llama.cpp's server on 8080 or 9931"
    if _setting(URL, dotenv):
        where = f"the address in {URL}"
    what = f"No engine listens on this machine ({where}). Start one, then run setup again."
    return None, f"{what} {HELP}"


def hint(dotenv: Settings) -> str:
    """What can be said of an engine that nobody asked for: "Ollama on port 11434", or ""."""
    try:
        for name, url in _listening(dotenv):
            return f"{name} on port {urlsplit(url).port}"
    except ValueError:
        pass
    return ""


def other_ways() -> list[str]:
    """A line for who was refused by replay, if an engine listens; none if replay was asked for.

    Nothing is sent to the engine. Lessons are stored where replay is asked for.
    """
    engine = "" if os.environ.get("COURSE_MODE") == "replay" else hint({})
    if not engine:
        return []
    return [f'  - ask {engine}, which is not Claude: setup("...", own_questions="local");']


def _listening(dotenv: Settings) -> Iterator[tuple[str, str]]:
    """Name and address of each program that accepts a connection where an engine would.

    Nothing is sent to it. Raises `ValueError` if `COURSE_LOCAL_URL` leads off this machine.
    """
    own = _setting(URL, dotenv)
    places = {loopback_url(own): "the engine"} if own else PLACES
    for url, name in places.items():
        parts = urlsplit(url)
        address = (parts.hostname, parts.port)
        try:
            socket.create_connection(address, timeout=CONNECT_SECONDS).close()
        except OSError:
            continue
        yield name, url


def models_of(url: str) -> list[str]:
    """The models that an engine lists, as it names them; none if it gives no such list.

    Left out: models that make no text, and those that only pass a question on to the network, as
    Ollama does for the ones with "cloud" at the end of their names.
    """
    import httpx2

    try:
        # Without the proxies of the environment: an engine is on this machine.
        with httpx2.Client(trust_env=False, timeout=ANSWER_SECONDS) as client:
            listed = client.get(f"{url}/v1/models").json()
        names = [str(each["id"]) for each in listed["data"]]
    except (httpx2.HTTPError, ValueError, LookupError, TypeError):
        return []
    return [name for name in names if "embed" not in name and not name.endswith("cloud")]


def _setting(name: str, dotenv: Settings) -> str:
    return (os.environ.get(name) or dotenv.get(name) or "").strip()
