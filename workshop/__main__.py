"""`python -m workshop`: the words of the instructor's room."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from workshop import WorkshopError
from workshop.class_view import picture, read_class
from workshop.kit import make_kit
from workshop.wheels import PYTHONS, SYSTEMS

ROOT = Path(__file__).resolve().parents[1]
HERE = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}.get(platform.system(), "linux")


def arguments() -> argparse.ArgumentParser:
    """The words and their options."""
    parser = argparse.ArgumentParser(prog="python -m workshop", description=__doc__)
    words = parser.add_subparsers(dest="word", required=True)
    kit = words.add_parser(
        "kit", help="the course with its packages, for laptops without a network"
    )
    kit.add_argument(
        "--platform", action="append", choices=[*SYSTEMS, "all"], metavar="SYSTEM",
        help=f"{', '.join(SYSTEMS)} or all; may be given twice (without it: {HERE})",
    )  # fmt: skip
    kit.add_argument(
        "--python", action="append", choices=PYTHONS, metavar="VERSION",
        help=f"{', '.join(PYTHONS)}; may be given twice (without it: all of them)",
    )  # fmt: skip
    kit.add_argument("--to", type=Path, default=ROOT / "kit", help="the folder that gets it")
    kit.add_argument("--zip", action="store_true", help="one file instead of a folder")
    view = words.add_parser("class", help="which exercise holds up the room, with which message")
    view.add_argument(
        "source", type=Path,
        help="a text file with a progress code in each line, or a folder of progress files",
    )  # fmt: skip
    return parser


def run(asked: argparse.Namespace) -> None:
    """Do what was asked. Raises WorkshopError, and OSError of a file or disk."""
    if asked.word == "kit":
        platforms = asked.platform or [HERE]
        make_kit(ROOT, asked.to.absolute(), platforms, asked.python or PYTHONS, asked.zip)
    elif asked.word == "class":
        print(picture(*read_class(asked.source)))


def main(words: list[str]) -> int:
    """Run what `words` name; return the exit code."""
    try:
        run(arguments().parse_args(words))
    except WorkshopError as sentence:
        print(sentence, file=sys.stderr)
        return 1
    except OSError as error:
        why = f"{error.filename}: {error.strerror}."
        print(f"{why} Put that right, and run this again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
