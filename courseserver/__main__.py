"""`python -m courseserver`: the API on your own machine, for any client in any language.

    python -m courseserver recordings/01_first_call.json --port 8700
    python -m courseserver --replies '["Hello.", {"status": 529, ...}]'

It prints its address and runs until Ctrl-C. README.md in this folder says more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from courseserver.account import Account
from courseserver.loopback import Server
from courseserver.recordings import RecordingError, Recordings
from courseserver.replay import Replay
from courseserver.values import Reply, Request


class Scripted(Replay):
    """Answers every request that the API's rules let pass from one script, in order."""

    def __init__(self, account: Account, path: str) -> None:
        super().__init__(account)
        self.path = path

    def decide(self, request: Request) -> Reply:
        """The next reply of the script."""
        script = self.account.scripts[self.path]
        base = f"http://{request.headers.get('host', 'localhost')}"
        return self.answer(request, script, base)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m courseserver", description=__doc__)
    top.formatter_class = argparse.RawDescriptionHelpFormatter
    top.add_argument("recording", nargs="?", type=Path, help="a recording's file")
    top.add_argument("--replies", help="a JSON list of replies in the short form")
    top.add_argument("--port", type=int, default=0, help="0: any free one (default)")
    top.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    top.add_argument("--key", help="the only API key that is accepted (default: any)")
    return top


def backend(options: argparse.Namespace) -> Replay:
    """The backend for these options. Ends with a sentence when they make no sense."""
    account = Account(key=options.key)
    if (options.recording is None) == (options.replies is None):
        raise SystemExit("Give either the file of a recording or --replies '[\"Hello.\"]'.")
    if options.replies is not None:
        try:
            token = account.stage("replies", _listed(options.replies))
        except ValueError as problem:
            raise SystemExit(f"--replies cannot be read: {problem}") from None
        return Scripted(account, token.rpartition("/")[2])
    try:
        text = options.recording.read_text(encoding="utf-8")
        replay = Replay(account)
        replay.start(Recordings.parse(text, options.recording.stem))
    except OSError as problem:
        raise SystemExit(f"{options.recording} cannot be read: {problem.strerror}.") from None
    except (RecordingError, UnicodeDecodeError) as problem:
        raise SystemExit(str(problem)) from None
    return replay


def _listed(text: str) -> tuple[Any, ...]:
    replies = json.loads(text)
    if not isinstance(replies, list) or not replies:
        raise ValueError("it must be a list with at least one reply")
    return tuple(replies)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C."""
    options = parser().parse_args(arguments)
    decides = backend(options)
    try:
        server = Server(decides, host=options.host, port=options.port)
    except OSError as problem:
        raise SystemExit(
            f"Port {options.port} of {options.host} cannot be used: {problem.strerror}. "
            "Choose another one, or leave --port out."
        ) from None
    print(f"ANTHROPIC_BASE_URL={server.url}", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.stop()
        return 0


if __name__ == "__main__":
    sys.exit(main())
