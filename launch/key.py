"""What the doctor sees of .env: whether it is read, the mode that follows, and the key.

No part of a key, and nothing else that stands in the file, is ever shown.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from launch.places import MY_COURSE, ROOT, Finding

DOTENV = ROOT / ".env"
KEY = "ANTHROPIC_API_KEY"
MODES = ("", "replay", "live", "local", "record")
MISNAMED = (".env.txt", "env", "env.txt", ".env.example")
MISPLACED = ("", "notebooks", "exercises")  # folders of the learner's copy
LOOKS_LIKE_KEY = re.compile(r"sk-ant-[\w-]{20,}")


def what_is_wrong_with_key(key: str) -> str:
    """Return what `helpers` says is wrong with a key, or ""; no part of it."""
    try:
        from helpers.settings import key_problem
    except Exception:  # then the doctor says so elsewhere
        return ""
    return key_problem(key)


def check_settings() -> Iterator[Finding]:
    """Whether `.env` lies where it is read, under its name, and as plain text."""
    for name in MISNAMED:
        path = ROOT / name
        example = name == ".env.example"
        if path.is_file() and (lines_with_key(path.read_bytes()) or not example):
            if DOTENV.exists() and not example:
                continue
            what = f"{name} is not read" + (", and holds a key" if example else "")
            remedy = "rename it to .env"
            if example:
                remedy = "move the key into .env, which git never publishes"
            yield Finding("Settings", what, remedy)
    for folder in [MY_COURSE / part for part in MISPLACED] + [ROOT / "notebooks"]:
        if (folder / ".env").exists():
            what = f".env lies in {folder.relative_to(ROOT)}, so it is not read"
            yield Finding("Settings", what, "move it beside start.py")
    if DOTENV.is_symlink() and not DOTENV.exists():
        yield Finding(
            "Settings", ".env is a link to nothing", "remove it, or correct it"
        )
    elif DOTENV.exists():
        yield from check_dotenv()


def check_dotenv() -> Iterator[Finding]:
    """Whether `.env` can be read, and its key is where it is looked for."""
    try:
        raw = DOTENV.read_bytes()
    except IsADirectoryError:
        yield Finding(
            "Settings", ".env is a folder", "remove it, and make a file of that name"
        )
        return
    except OSError as error:
        what = f".env cannot be read ({error.strerror})"
        yield Finding("Settings", what, "give it back to your account, or make it anew")
        return
    try:
        raw.decode("utf-8-sig")
        plain = b"\0" not in raw
    except UnicodeDecodeError:
        plain = False
    if not plain:
        what = ".env is not UTF-8 text, so it is not read"
        yield Finding("Settings", what, "save it again as UTF-8")
        return
    used = values_of_dotenv().get(KEY) or ""
    unread = [number for number, key in lines_with_key(raw) if key not in used]
    if unread and (not used or what_is_wrong_with_key(used)):
        what = f"line {unread[0]} of .env looks like a key, and it is not read as one"
        remedy = f"write  {KEY}=  and the key after it, nothing else, and no second one"
        yield Finding("Settings", what, remedy)


def lines_with_key(raw: bytes) -> list[tuple[int, str]]:
    """Return the number of each line that holds what looks like a key, and that key."""
    found = []
    text = raw.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        match = LOOKS_LIKE_KEY.search(line)
        commented = line.lstrip().startswith("#")
        if match and not commented and not what_is_wrong_with_key(match.group()):
            found.append((number, match.group()))
    return found


def values_of_dotenv() -> dict[str, str | None]:
    """Return what python-dotenv reads from `.env`; {} when it cannot be read."""
    import logging

    from dotenv import dotenv_values  # not there before .venv is

    logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # said in our words
    try:
        return dict(dotenv_values(DOTENV, encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}


def check_mode(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Replay or live, as `setup` in a lesson decides it, and the shape of the key."""
    yield from check_settings()
    values = values_of_dotenv()
    mode = decided_mode(environ)
    if not mode:
        what = "not known: the helpers of the course cannot be imported"
        yield Finding("Mode", what, "look at the findings above")
        return
    asked = environ.get("COURSE_MODE") or values.get("COURSE_MODE") or ""
    asked = asked.strip().lower()
    remedy = ""
    if asked not in MODES:  # it is not shown: it may be a key in the wrong line
        remedy = "set COURSE_MODE to replay, local or live, or take it out"
    elif asked == "live" and mode.name != "live":
        remedy = f"put the key into .env, after  {KEY}=  (or set COURSE_MODE=replay)"
    why = mode.why if not remedy or asked in MODES else "COURSE_MODE is no word for it"
    yield Finding("Mode", f"{mode.name}: {why}", remedy)
    yield from check_engine(mode.name, values)
    where = ".env"
    key = values.get(KEY)
    if not key and mode.name == "live":
        where = "the environment"
        key = environ.get(KEY)
    if not key:
        return
    wrong = what_is_wrong_with_key(key)
    if wrong:
        remedy = "copy it again: the whole key, nothing else"
        yield Finding("Key", f"the key in {where} {wrong}", remedy)
    else:
        yield Finding("Key", f"the key in {where} has the right shape (not tried)")


def check_engine(mode: str, values: Mapping[str, str | None]) -> Iterator[Finding]:
    """Who answers own questions in mode local; else whether somebody could.

    Only in mode local is an engine asked anything (the names of its models).
    """
    try:
        from courseserver.account import Account
        from courseserver.engines import find, hint

        local, said = find(mode, Account(), values)
        there = hint(values)
    except Exception:  # whatever it is, the other findings should be seen
        return
    if mode == "local":
        remedy = "" if local else "start an engine, or take COURSE_MODE=local out"
        yield Finding("Engine", said, remedy)
    elif there:
        what = f'{there}; in a lesson, setup("...", own_questions="local") asks it'
        yield Finding("Engine", f"{what}. It is not Claude")


def decided_mode(environ: Mapping[str, str]) -> Any:
    """Return the mode that helpers decides on (`name`, `why`), or None."""
    try:
        from helpers.settings import decide_mode

        return decide_mode(environ, values_of_dotenv())
    except Exception:  # whatever it is, the other findings should be seen
        return None


def is_live() -> bool:
    """Tell whether lessons would ask the real API now."""
    mode = decided_mode(os.environ)
    return bool(mode) and mode.name == "live"
