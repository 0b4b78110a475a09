"""`python -m sorting "a broken umbrella"`; `python -m sorting --summary`."""

import sys
from pathlib import Path

import anthropic
from dotenv import load_dotenv

from sorting.client import IncompleteError, ask, new_client, whole_text
from sorting.log import log_to, summary

LOG = Path("requests.jsonl")


def main(words: list[str]) -> int:
    """Answer one question, or sum the log up; 1 if there is no whole answer."""
    if words == ["--summary"]:
        lines = LOG.read_text(encoding="utf-8").splitlines() if LOG.exists() else []
        for name, value in summary(lines).items():
            print(f"{name}: {value}")
        return 0
    if len(words) != 1:
        print(__doc__)
        return 1
    load_dotenv()
    log_to(LOG)
    try:
        print(whole_text(ask(new_client(), words[0])))
    except anthropic.APIError as error:
        print(f"There is no answer now ({type(error).__name__}). The log has a line.")
        return 1
    except IncompleteError as reason:
        print(f"There is no whole answer ({reason}).")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
