"""`python -m workshop`: the words of the instructor's room."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from authoring import AuthoringError, navigation
from authoring.book import Notebook
from workshop import WorkshopError, handouts, notes, slides
from workshop.class_view import picture, read_class
from workshop.kit import make_kit
from workshop.wheels import PYTHONS, SYSTEMS

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"slides": slides.html, "handouts": handouts.html, "notes": notes.html}
WHAT = {
    "slides": "a deck for each lesson",
    "handouts": "two pages for each lesson, for the learners",
    "notes": "a page for each lesson and each exercise, for you: mistakes and what to ask",
}
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
    for word, what in WHAT.items():
        pages = words.add_parser(word, help=f"{what}, as HTML that loads nothing")
        pages.add_argument("lesson", nargs="*", help="numbers, for instance 02 06b; all without")
        pages.add_argument("--to", type=Path, default=ROOT / "kit" / word, help="the folder")
    return parser


def run(asked: argparse.Namespace) -> None:
    """Do what was asked. Raises WorkshopError, and OSError of a file or disk."""
    if asked.word == "kit":
        platforms = asked.platform or [HERE]
        make_kit(ROOT, asked.to.absolute(), platforms, asked.python or PYTHONS, asked.zip)
    elif asked.word == "class":
        print(picture(*read_class(asked.source)))
    else:
        write_pages(asked.word, asked.lesson, asked.to)


def write_pages(word: str, lessons: list[str], folder: Path) -> None:
    """Write the pages that a word of `PAGES` names, of some lessons or of all, into a folder."""
    html = PAGES[word]
    wanted = [navigation.lesson_of(name) for name in lessons] or navigation.written(ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in wanted:
        page = html(Notebook.read(navigation.path_of(lesson, ROOT), ROOT))
        (folder / f"{lesson.name}.html").write_text(page, encoding="utf-8")
    print(
        f"{word}: {len(wanted)} lessons in {folder}. Open them in a browser, and print from there."
    )


def main(words: list[str]) -> int:
    """Run what `words` name; return the exit code."""
    try:
        run(arguments().parse_args(words))
    except (WorkshopError, AuthoringError) as sentence:
        print(sentence, file=sys.stderr)
        return 1
    except OSError as error:
        why = f"{error.filename}: {error.strerror}."
        print(f"{why} Put that right, and run this again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
