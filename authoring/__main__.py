"""`python -m authoring new|write|render|check|...`: one door to the author's tools.

It parses the command line and turns known mistakes into one sentence. It must not know how any
of the tools works; each is imported only when it is asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from authoring import ROOT, AuthoringError


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m authoring`."""
    top = argparse.ArgumentParser(prog="python -m authoring", description="Tools for authors.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("write", help="write the replies of a lesson", add_help=False)

    record = commands.add_parser("record", help="replies from the real API; costs money")
    record.add_argument("lessons", nargs="+", metavar="LESSON", help="01_first_call, 01, or all")
    drift = commands.add_parser("drift", help="has the API changed? costs money")
    drift.add_argument("lessons", nargs="*", metavar="LESSON", help="01 or 01_first_call")
    for paid in (record, drift):
        paid.add_argument("--yes", action="store_true", help="agree to the cost without a question")

    new = commands.add_parser("new", help="a skeleton of a lesson or of an exercise")
    new.add_argument("name", metavar="NAME", help="19_haiku for a lesson, 05.1 for an exercise")
    new.add_argument("title", metavar="TITLE", help='for example "Haiku"')

    render = commands.add_parser("render", help="run lessons and store what they show")
    render.add_argument("lessons", nargs="*", metavar="LESSON", help="01, 01_first_call or a file")
    render.add_argument("--check", action="store_true", help="write nothing; fail on a change")

    check = commands.add_parser("check", help="run lessons, compare, run their cells again, lint")
    check.add_argument("lessons", nargs="*", metavar="LESSON", help="01, 01_first_call or a file")

    lint = commands.add_parser("lint", help="check notebooks, recordings and text files")
    lint.add_argument("files", nargs="*", type=Path, metavar="FILE", help="only these files")
    lint.add_argument(
        "--retirement", type=int, metavar="DAYS", help="fail on a model that retires within DAYS"
    )

    readme = commands.add_parser(
        "readme", help="rewrite the map in README.md, and the page of older claims"
    )
    readme.add_argument("--check", action="store_true", help="write nothing; fail on a change")

    build = commands.add_parser("build", help="make the exercise notebooks from their sources")
    build.add_argument("--check", action="store_true", help="write nothing; fail on a change")

    move = commands.add_parser("move-model", help="move the course to another default model")
    move.add_argument("old", metavar="OLD", help="for example claude-sonnet-5-5")
    move.add_argument("new", metavar="NEW", help="an id that courseserver/facts.py lists")
    move.add_argument(
        "--retired", type=date.fromisoformat, metavar="YYYY-MM-DD", help="OLD no longer answers"
    )
    move.add_argument("--dry-run", action="store_true", help="write nothing, only say what would")
    return top


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; raises AuthoringError for known mistakes."""
    if arguments[:1] == ["write"]:
        from authoring import write

        return int(write.main(list(arguments[1:])) or 0)
    options = parser().parse_args(arguments)
    if options.command == "render":
        from authoring import render

        return render.render_all(ROOT, options.lessons, check=options.check)
    if options.command == "record":
        from authoring import record

        return record.record(options.lessons, yes=options.yes)
    if options.command == "drift":
        from authoring import drift

        return drift.drift(options.lessons, yes=options.yes)
    if options.command == "new":
        from authoring import new

        return new.new(ROOT, options.name, options.title)
    if options.command == "check":
        from authoring import check

        return check.check(ROOT, options.lessons)
    if options.command == "lint":
        from authoring import lint

        return lint.lint(ROOT, options.files, retirement_days=options.retirement)
    if options.command == "build":
        from authoring import build

        return build.build(ROOT, check=options.check)
    if options.command == "move-model":
        from authoring import move

        return move.move_model(
            ROOT, options.old, options.new, retired=options.retired, dry_run=options.dry_run
        )
    from authoring import claims, navigation

    stale = navigation.rewrite_readme(ROOT, check=options.check)
    return max(stale, claims.rewrite(ROOT, check=options.check))


def main() -> None:
    """Entry point: exit status 0 when all is well, 1 when there is something to fix."""
    try:
        sys.exit(run(sys.argv[1:]))
    except AuthoringError as problem:
        sys.exit(f"error: {problem}")


if __name__ == "__main__":
    main()
