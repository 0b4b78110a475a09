"""A stand-in for the real API, and a course whose lesson asks it: for `record` and `drift`.

It is a second course server, with the API's rules, that answers by the last words of a request. It
must not know what any test expects.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat

from courseserver.account import Account, Script
from courseserver.loopback import Server
from courseserver.replay import Replay
from courseserver.short import parse
from courseserver.values import Reply, Request
from tests.support import HELLO, PATIENCE, ROOMS, ROOT, exchange, recording, recordings

JSON = dict[str, Any]
LESSON = "01_first_call"
SECRET = "sk-" + "ant-of-these-tests-which-must-never-show-anywhere"
BATCHES = "/v1/messages/batches"
BATCH = {"requests": [{"custom_id": "a", "params": HELLO}]}
ANSWERS = {"results": {"a": "Good."}}
Fault = Callable[[Reply], Reply]


FOREIGN = base64.b64encode(b"\x12\x9b\x02 of the real API" + bytes(range(200))).decode()
THOUGHT = {"type": "thinking", "thinking": "They greet me.", "signature": FOREIGN}
ASK = (
    "import anthropic\nfrom helpers import MODEL, setup, staged\nsetup('01_first_call')\n"
    "client = anthropic.Anthropic(max_retries=0)\n"
    "def ask(*turns, **more):\n"
    "    roles = ('user', 'assistant') * 9\n"
    "    said = [{'role': r, 'content': t} for r, t in zip(roles, turns)]\n"
    "    return {'model': MODEL, 'max_tokens': 500, 'messages': said, **more}\n"
    "def said(reply):\n"
    "    return reply.to_dict()['content']"
)
TOOLS = [{"name": "clock", "description": "The time.", "input_schema": {"type": "object"}}]
CALL = {"type": "tool_use", "id": "toolu_authored", "name": "clock", "input": {}}
CALL["caller"] = {"type": "direct"}
CELLS = (
    ASK,
    "hello = client.messages.create(**ask('Hello'))\n[block.type for block in hello.content]",
    "client.messages.create(**ask('Hello', said(hello), 'And?')).content[-1].text",
    "with client.messages.stream(**ask('Sing.')) as stream:\n"
    "    sung = ''.join(stream.text_stream)\nsung",
    f"tools = {TOOLS}\n"
    "call = client.messages.create(**ask('What time?', tools=tools))\n"
    "results = [{'type': 'tool_result', 'tool_use_id': b.id, 'content': 'nine'}\n"
    "           for b in call.content if b.type == 'tool_use']\n"
    "told = client.messages.create(**ask('What time?', said(call), results, tools=tools))\n"
    "told.content[-1].text",
    "again = client.messages.create(**ask('Hello'))\n"
    "client.messages.create(**ask('Hello', said(again), 'And?')).content[-1].text",
    "client.messages.create(**ask('Bye')).content[-1].text",
    "client.messages.count_tokens(model=MODEL, messages=ask('Hello')['messages'])",
    "local = anthropic.Anthropic(base_url=staged(replies=['Staged.']))\n"
    "local.messages.create(**ask('Hello')).content[0].text",
    "#raises\nclient.messages.create(model=MODEL, max_tokens=10, messages=[])",
    "try:\n    client.messages.create(**ask('Are you busy?'))\n"
    "except anthropic.OverloadedError as error:\n    print(error.status_code)",
)
BUSY = {"status": 529, "error": {"type": "overloaded_error", "message": "Overloaded"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_authored", "content": "nine"}


def turns(*texts: Any, **more: Any) -> JSON:
    """A request as the lesson's `ask` makes it."""
    roles = ("user", "assistant") * 9
    made = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return {**HELLO, "max_tokens": 500, "messages": made, **more}


AUTHORED = (
    exchange("hello", turns("Hello"), "Authored hello."),
    exchange("and", turns("Hello", [{"type": "text", "text": "Authored hello."}], "And?"), "No."),
    exchange("song", turns("Sing.", stream=True), "Authored la la."),
    exchange("time", turns("What time?", tools=TOOLS), [CALL]),
    exchange("told", turns("What time?", [CALL], [RESULT], tools=TOOLS), "Authored nine."),
    exchange("busy", turns("Are you busy?"), BUSY),
)
VARIANT = {"name": "bye", "of": "hello", "changes": {"messages.0.content": "Bye"}, "replies": ["B"]}
SAID: dict[str, Any] = {
    "Hello": ([THOUGHT, "Captured hello."], "Another hello."),
    "And?": "Captured and.",
    "Sing.": "Captured la la, in more than one piece of text.",
    "What time?": [{"tool": "clock", "input": {"zone": "UTC"}}],
    "nine": "Captured nine.",
    "Are you busy?": "Captured: no.",
}


class Api(Replay):
    """Answers a request by its last words; `faults` change a reply on its way out, by them too."""

    def __init__(self, said: Mapping[str, Any], faults: Mapping[str, Fault]) -> None:
        super().__init__(Account(key=SECRET))
        self.start(recordings(exchange("of the API", BATCH, ANSWERS, path=BATCHES)))
        self.said = said
        self.faults = faults
        self.asked: list[str] = []
        self.sent: dict[str, bytes] = {}
        self.came = threading.Event()

    def decide(self, request: Request) -> Reply:
        """The reply to what was said last; to all else what the course server answers."""
        base = f"http://{request.headers.get('host', '')}"
        words = last_words(request.body)
        self.asked.append(words)
        script = None
        if request.path == "/v1/messages" and request.headers.get("x-api-key") == SECRET:
            written = self.said.get(words, "Yes.")
            if isinstance(written, tuple):  # in turn, the last one again
                written = written[min(self.asked.count(words), len(written)) - 1]
            script = Script(words, (written,), (parse(written),))
        reply = self.answer(request, script, base)
        reply = replace(reply, steps=tuple(reply.steps))
        if words in self.faults:
            reply = self.faults[words](reply)
        self.sent[words] = b"".join(step.data for step in reply.steps)
        self.came.set()
        return reply


def last_words(body: Any) -> str:
    """The text of the last turn; of a tool's result, its content."""
    turns = body.get("messages") if isinstance(body, dict) else None
    content = turns[-1]["content"] if turns else ""
    if isinstance(content, list):
        content = content[-1].get("text") or content[-1].get("content") or ""
    return str(content)


@contextmanager
def serving_api(
    said: Mapping[str, Any],
    tls: ssl.SSLContext | None = None,
    faults: Mapping[str, Fault] | None = None,
) -> Iterator[Server[Api]]:
    """The stand-in, on the loopback."""
    server = Server(Api(said, faults or {}), tls=tls)
    try:
        yield server
    finally:
        server.stop()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext | None]:
    """A certificate for 127.0.0.1 and a server's context; no context where there is no openssl."""
    public, private = folder / "cert.pem", folder / "key.pem"
    tool = shutil.which("openssl")
    if tool is None:
        return public, None
    words = [tool, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-keyout", str(private), "-out", str(public)]
    subprocess.run(words, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


class Course:
    """A copy of the course with one lesson, in which the author's commands run."""

    def __init__(
        self,
        folder: Path,
        cells: Sequence[str],
        exchanges: Sequence[JSON],
        variants: Sequence[JSON] = (),
    ) -> None:
        self.folder = folder
        for room in (*ROOMS, "authoring", "launch"):
            shutil.copytree(ROOT / room, folder / room)
        for name in ("notebooks", "recordings"):
            (folder / name).mkdir()
        self.notebook = folder / "notebooks" / f"{LESSON}.ipynb"
        self.recording = folder / "recordings" / f"{LESSON}.json"
        made = [nbformat.v4.new_markdown_cell("# First call")]
        for source in cells:
            cell = nbformat.v4.new_code_cell(source)
            cell.metadata["tags"] = ["raises-exception"] if source.startswith("#raises") else []
            made.append(cell)
        nbformat.write(nbformat.v4.new_notebook(cells=made), self.notebook)
        whole = json.loads(recording(*exchanges, lesson=LESSON))
        if variants:
            whole["variants"] = list(variants)
        self.recording.write_text(json.dumps(whole), encoding="utf-8")

    def start(self, url: str, *words: str, **settings: str) -> subprocess.Popen[str]:
        """Start a command whose real API is the stand-in at `url`."""
        environ = os.environ | {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": SECRET}
        environ |= {"COURSE_STATE": str(self.folder / "state")}
        return subprocess.Popen(
            [sys.executable, "-m", "authoring", *words],
            cwd=self.folder,
            env=environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, url: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run such a command to its end."""
        process = self.start(url, *words, **settings)
        out, errors = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, out, errors)

    def exchanges(self) -> dict[str, JSON]:
        """The exchanges of the recording, by name."""
        data = json.loads(self.recording.read_text(encoding="utf-8"))
        return {entry["name"]: entry for entry in data["exchanges"]}

    def files(self) -> dict[str, bytes]:
        """The lesson's files, and whatever lies beside them."""
        folders = (self.notebook.parent, self.recording.parent)
        found = [path for folder in folders for path in folder.iterdir() if path.is_file()]
        return {path.name: path.read_bytes() for path in found}
