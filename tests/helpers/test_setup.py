"""`setup()`: where requests go, what is said about it, and that nothing else is touched.

Each test that changes the environment or `.env` runs a copy of the course in a process or kernel
of its own, as a learner would; see `OwnCourse` in `support.py`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import anthropic
import pytest

from helpers.settings import Mode, decide_mode, key_problem
from tests.support import HELLO, LESSON, OwnCourse, exchange, kernel, said, serving

JSON = dict[str, Any]
# Built here, so that no text of ours looks like a key.
KEY = "sk-" + "ant-" + "made-up-" * 5
OTHER = "sk-" + "ant-" + "another-" * 5
GREETING = exchange("hello", HELLO, "first", "second")

SETUP = f"""
import os, anthropic
from helpers import setup
setup({LESSON!r})
"""
ASK = f"""
def ask(client=None):
    client = client or anthropic.Anthropic(max_retries=0)
    return client.messages.create(**{HELLO!r}).content[0].text
"""
VARIABLES = """
told = {name: value for name, value in os.environ.items()
        if name.startswith("ANTHROPIC_") or name.upper() == "NO_PROXY"}
"""


@pytest.fixture
def course(tmp_path: Path) -> OwnCourse:
    """A course of its own, with one lesson and no `.env`."""
    return OwnCourse.at(tmp_path, GREETING)


# --- which mode -----------------------------------------------------------------------------
# (what it is, .env, environment) -> (mode, key, a word of the note)

MODES: list[tuple[str, str | bytes | None, dict[str, str], tuple[str, str | None, str]]] = [
    ("nothing at all", None, {}, ("replay", None, "")),
    ("an empty .env", "", {}, ("replay", None, "")),
    (".env.example as it is", "ANTHROPIC_API_KEY=\n#COURSE_MODE=live\n", {}, ("replay", None, "")),
    ("a key in .env", f"ANTHROPIC_API_KEY={KEY}", {}, ("live", KEY, "")),
    ("a line end", f"ANTHROPIC_API_KEY={KEY}\n", {}, ("live", KEY, "")),
    ("a Windows line end", f"ANTHROPIC_API_KEY={KEY}\r\n", {}, ("live", KEY, "")),
    ("a byte order mark", b"\xef\xbb\xbf" + f"ANTHROPIC_API_KEY={KEY}\n".encode(), {},
     ("live", KEY, "")),
    ("double quotes", f'ANTHROPIC_API_KEY="{KEY}"', {}, ("live", KEY, "")),
    ("single quotes", f"ANTHROPIC_API_KEY='{KEY}'", {}, ("live", KEY, "")),
    ("blanks in quotes", f'ANTHROPIC_API_KEY=" {KEY} "', {}, ("live", KEY, "")),
    ("blanks around", f"ANTHROPIC_API_KEY =  {KEY}  ", {}, ("live", KEY, "")),
    ("export", f"export ANTHROPIC_API_KEY={KEY}", {}, ("live", KEY, "")),
    ("a comment behind", f"ANTHROPIC_API_KEY={KEY} # mine", {}, ("live", KEY, "")),
    ("blanks only", "ANTHROPIC_API_KEY=   ", {}, ("replay", None, "")),
    ("empty quotes", 'ANTHROPIC_API_KEY=""', {}, ("replay", None, "")),
    ("no value", "ANTHROPIC_API_KEY", {}, ("replay", None, "")),
    ("a placeholder", "ANTHROPIC_API_KEY=paste-your-key-here-...", {},
     ("replay", None, "whole key")),
    ("too short", "ANTHROPIC_API_KEY=abc", {}, ("replay", None, "whole key")),
    ("two words", f'ANTHROPIC_API_KEY="{KEY} {KEY}"', {}, ("replay", None, "whole key")),
    ("not ASCII", f"ANTHROPIC_API_KEY={KEY}é", {}, ("replay", None, "whole key")),
    ("a dash of the typographer", f"ANTHROPIC_API_KEY={KEY}–x", {}, ("replay", None, "whole key")),
    ("UTF-16, as PowerShell writes it", f"ANTHROPIC_API_KEY={KEY}".encode("utf-16"), {},
     ("replay", None, "UTF-8")),
    ("UTF-16 without a mark", f"ANTHROPIC_API_KEY={KEY}".encode("utf-16-le"), {},
     ("replay", None, "")),
    ("a key in the environment only", None, {"ANTHROPIC_API_KEY": KEY}, ("replay", None, "")),
    ("and live asked for", None, {"ANTHROPIC_API_KEY": KEY, "COURSE_MODE": "live"},
     ("live", KEY, "")),
    ("and live asked for in .env", "COURSE_MODE=live", {"ANTHROPIC_API_KEY": KEY},
     ("live", KEY, "")),
    ("a blank key in the environment", None, {"ANTHROPIC_API_KEY": " ", "COURSE_MODE": "live"},
     ("replay", None, "no key")),
    ("an AWS key", "ANTHROPIC_API_KEY=" + "AK" + "IA" + "ABCDEFGHIJKLMNOP", {},
     ("replay", None, "whole key")),
    ("a key in both", f"ANTHROPIC_API_KEY={KEY}", {"ANTHROPIC_API_KEY": OTHER}, ("live", KEY, "")),
    ("in both, live asked for", f"ANTHROPIC_API_KEY={KEY}",
     {"ANTHROPIC_API_KEY": OTHER, "COURSE_MODE": "live"}, ("live", KEY, "")),
    ("half a key in .env, a whole one in the environment", "ANTHROPIC_API_KEY=abc",
     {"ANTHROPIC_API_KEY": OTHER, "COURSE_MODE": "live"}, ("live", OTHER, "")),
    ("live without a key", None, {"COURSE_MODE": "live"}, ("replay", None, "no key")),
    ("live with half a key", "ANTHROPIC_API_KEY=abc", {"COURSE_MODE": "live"},
     ("replay", None, "whole key")),
    ("replay asked for", f"ANTHROPIC_API_KEY={KEY}", {"COURSE_MODE": "replay"},
     ("replay", None, "")),
    ("replay asked for in .env", f"ANTHROPIC_API_KEY={KEY}\nCOURSE_MODE=replay", {},
     ("replay", None, "")),
    ("the environment wins: replay", f"ANTHROPIC_API_KEY={KEY}\nCOURSE_MODE=live",
     {"COURSE_MODE": "replay"}, ("replay", None, "")),
    ("the environment wins: live", f"ANTHROPIC_API_KEY={KEY}\nCOURSE_MODE=replay",
     {"COURSE_MODE": "live"}, ("live", KEY, "")),
    ("in capitals and blanks", f"ANTHROPIC_API_KEY={KEY}", {"COURSE_MODE": " REPLAY "},
     ("replay", None, "")),
    ("an empty COURSE_MODE", f"ANTHROPIC_API_KEY={KEY}", {"COURSE_MODE": ""}, ("live", KEY, "")),
    ("local asked for beside a key", f"ANTHROPIC_API_KEY={KEY}\nCOURSE_MODE=local", {},
     ("local", None, "")),
    ("a mode that there is not", f"ANTHROPIC_API_KEY={KEY}", {"COURSE_MODE": "reply"},
     ("replay", None, "and no other")),
]  # fmt: skip


def test_the_mode_follows_from_the_environment_and_the_file(course: OwnCourse) -> None:
    """The whole table, with real files, read by the course's own reader."""
    folder = course.root / "cases"
    folder.mkdir()
    for number, (_, text, _, _) in enumerate(MODES):
        (folder / str(number)).mkdir()
        if text is not None:
            raw = text if isinstance(text, bytes) else text.encode()
            (folder / str(number) / ".env").write_bytes(raw)
    environs = [environ for _, _, environ, _ in MODES]
    told = course.tells(
        f"""
import contextlib, io
from pathlib import Path
from helpers import settings as module
told = []
for number, environ in enumerate({environs!r}):
    module.ROOT = Path("cases") / str(number)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        mode = module.decide_mode(environ, module.read_dotenv())
    told.append([mode.name, mode.key, mode.note + said.getvalue(), repr(mode), mode.why])
"""
    )
    for (what, _, _, (name, key, word)), (got, got_key, note, shown, why) in zip(
        MODES, told, strict=True
    ):
        assert (got, got_key) == (name, key), what
        assert word in note and bool(note) == bool(word), (what, note)
        assert KEY not in note + shown + why and OTHER not in note + shown + why, what


def test_a_mode_never_shows_its_key() -> None:
    assert KEY not in repr(Mode("live", "because", KEY))
    assert KEY not in f"{decide_mode({}, {'ANTHROPIC_API_KEY': KEY})}"


# --- the one judge of a key -----------------------------------------------------------------

WRONG_KEYS = {  # F1: setup() took each of these for a key, and would have sent it
    "your_api_key_goes_here": "placeholder",
    "sk-" + "ant-" + "your-key-here": "placeholder",
    "sk-" + "ant-" + "api03-" + "x" * 20: "placeholder",
    "AK" + "IA" + "ABCDEFGHIJKLMNOP": "another beginning",
}


@pytest.mark.parametrize(("wrong", "why"), WRONG_KEYS.items(), ids=range(len(WRONG_KEYS)))
def test_a_placeholder_or_a_key_for_something_else_never_means_live(
    tmp_path: Path, wrong: str, why: str
) -> None:
    course = OwnCourse.at(tmp_path, GREETING, dotenv=f"ANTHROPIC_API_KEY={wrong}\n")
    for environ in ({}, {"COURSE_MODE": "live"}):
        shown = course.says(SETUP, **environ)
        assert "\nReplay, because" in shown
        assert why in " ".join(shown.split()) and wrong not in shown


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (KEY, ""),
        (f" {KEY}\n", ""),
        (f'"{KEY}"', ""),
        (f"' {KEY} '", ""),
        ("", "is empty"),
        ('""', "is empty"),
        (f"“{KEY}”", "no key has"),
        (f"{KEY[:30]} {KEY[30:]}", "no key has"),
        (f"{KEY}\u200b", "no key has"),
        (KEY[:30] + "...", "placeholder"),
        (KEY[:30], "too short"),
        ("made-up-" * 6, "another beginning"),
        *WRONG_KEYS.items(),
    ],
)
def test_the_shape_of_a_key_is_judged_without_showing_any_of_it(key: str, problem: str) -> None:
    said = key_problem(key)
    assert problem in said and bool(said) == bool(problem)
    assert not any(key[at : at + 8] in said for at in range(len(key) - 7))


# --- the learner's folders ------------------------------------------------------------------

FOLDERS = """
from pathlib import Path
from helpers.settings import state_folder
from practice.desk import desk_folder
told = [Path(folder).relative_to(Path.cwd()).as_posix()
        for folder in (state_folder(), desk_folder())]
"""


def test_the_learners_folders_are_in_my_course_and_can_be_elsewhere(course: OwnCourse) -> None:
    assert course.tells(FOLDERS) == ["my-course/.course", "my-course/desk"]
    elsewhere = str(course.root / "elsewhere")
    assert course.tells(FOLDERS, COURSE_STATE=elsewhere) == ["elsewhere", "elsewhere/desk"]
    assert not (course.root / "my-course").exists()
    assert not (course.root / "elsewhere").exists()


# --- what an import brings along ------------------------------------------------------------


def test_importing_helpers_loads_no_server_no_widgets_and_no_pictures(course: OwnCourse) -> None:
    """Without these it runs in a browser, and a script starts in a tenth of a second."""
    code = "import sys, helpers; print(*{n.split('.')[0] for n in sys.modules})"
    loaded = course.run_fresh(code).stdout.split()
    heavy = {"tornado", "PIL", "ipykernel", "ipywidgets", "anthropic", "matplotlib", "pydantic"}
    assert "courseserver" in loaded and "helpers" in loaded
    assert heavy & set(loaded) == set()


# --- what is said ---------------------------------------------------------------------------


def test_replay_says_mode_count_and_that_nothing_leaves_and_versions(course: OwnCourse) -> None:
    said = course.says(SETUP)
    first, second, third = said.splitlines()
    assert first == "Replay, because there is no key in .env. Nothing leaves this machine."
    assert second == f"2 recorded replies (written by hand) for {LESSON}."
    assert re.fullmatch(
        rf"anthropic {re.escape(anthropic.__version__)}, API 2026-10-21, Python 3\.\d+", third
    )


@pytest.mark.parametrize("mode", ["replay", "live", "reply", ""])
def test_what_is_said_is_never_wider_than_a_notebook(course: OwnCourse, mode: str) -> None:
    """JupyterLab breaks a longer line in the middle of a word."""
    said = course.says(SETUP, ANTHROPIC_API_KEY=KEY, COURSE_MODE=mode)
    assert max(len(line) for line in said.splitlines()) <= 76
    whole = " ".join(said.split())
    assert "real API and cost money" in whole or "Nothing leaves this machine." in whole


def test_live_says_that_it_costs_money_and_how_to_go_back(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path, GREETING, dotenv=f"ANTHROPIC_API_KEY={KEY}\n")
    said = course.says(SETUP)
    assert said.startswith("Live, because there is a key in .env")
    assert "cost money" in said and "COURSE_MODE=replay" in said
    assert KEY not in said


def test_captured_replies_are_not_counted_as_written_by_hand(course: OwnCourse) -> None:
    course.record(GREETING, exchange("other", said("other"), "x", source="captured"))
    assert "3 recorded replies (1 written by hand)" in course.says(SETUP)


def test_a_key_that_is_not_used_is_not_shown_either(course: OwnCourse) -> None:
    said = " ".join(course.says(SETUP, ANTHROPIC_API_KEY=KEY).split())
    assert "not used unless COURSE_MODE is live" in said
    assert KEY not in said


@pytest.mark.parametrize(
    "text",
    ["{}", "anthropic_api_key={}", "CLAUDE_API_KEY={}", "set ANTHROPIC_API_KEY={}",
     '$env:ANTHROPIC_API_KEY="{}"', "ANTHROPIC_API_KEY: {}", "{}\nANTHROPIC_API_KEY=\n"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["", "live"])
def test_a_key_that_stands_in_the_file_and_is_not_read_is_said(
    tmp_path: Path, text: str, mode: str
) -> None:
    course = OwnCourse.at(tmp_path, GREETING, dotenv=text.format(KEY))
    done = course.run(SETUP, COURSE_MODE=mode)
    said = " ".join(done.stdout.split())
    assert said.startswith("A line of .env looks like a key and is not read as one. Write")
    assert "Replay, because there is no key" in said
    assert KEY not in done.stdout + done.stderr and done.stderr == ""


def test_a_key_in_a_comment_or_a_learner_who_asks_for_replay_gets_no_note(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path, GREETING, dotenv=f"#ANTHROPIC_API_KEY={KEY}\n")
    assert course.says(SETUP).startswith("Replay")
    (course.root / ".env").write_text(KEY, encoding="utf-8")
    assert course.says(SETUP, COURSE_MODE="replay").startswith("Replay")


def test_a_file_that_is_not_utf8_is_explained_and_replay_goes_on(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path, GREETING, dotenv=f"ANTHROPIC_API_KEY={KEY}".encode("utf-16"))
    done = course.run(SETUP + ASK + "print(ask())")
    assert done.returncode == 0, done.stderr
    assert ".env is not UTF-8" in done.stdout
    assert done.stdout.endswith("first\n")
    assert done.stderr == ""


def test_an_unknown_lesson_is_refused_with_the_lessons_that_there_are(course: OwnCourse) -> None:
    (course.root / "recordings" / f"{LESSON}.mine-1.json").write_text("{}", encoding="utf-8")
    done = course.run("from helpers import setup; setup('01_frist_call')")
    assert f"There is no lesson called '01_frist_call'. The lessons are: {LESSON}." in done.stderr


@pytest.mark.parametrize(
    "wanted", [f"notebooks/{LESSON}.ipynb", f"{LESSON}.ipynb", f"{LESSON}/", "99", 99]
)
def test_a_lesson_is_known_by_its_file_and_its_number_too(course: OwnCourse, wanted: Any) -> None:
    said = course.says(f"from helpers import setup; setup({wanted!r})")
    assert f"for {LESSON}." in said


@pytest.mark.parametrize("wanted", ["", "9", "/abs/path", "x" * 5_000, "a\0b", None])
def test_what_names_no_lesson_is_answered_with_the_lessons(course: OwnCourse, wanted: Any) -> None:
    done = course.run(f"from helpers import setup; setup({wanted!r})")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: There is no lesson called ")
    assert last.endswith(f"The lessons are: {LESSON}.") and len(last) < 200


def test_a_recording_that_is_missing_or_a_folder_is_named_with_its_remedy(
    course: OwnCourse,
) -> None:
    """The list of lessons would name it, and contradict itself."""
    file = course.root / "recordings" / f"{LESSON}.json"
    (course.root / "notebooks").mkdir()
    (course.root / "notebooks" / f"{LESSON}.ipynb").write_text("{}", encoding="utf-8")
    file.unlink()
    missing = course.run(SETUP).stderr.strip().splitlines()[-1]
    file.mkdir()
    folder = course.run(SETUP).stderr.strip().splitlines()[-1]
    for last in (missing, folder):
        assert f"recordings/{LESSON}.json cannot be read (" in last
        assert f"git restore recordings/{LESSON}.json" in last


@pytest.mark.parametrize("name", ["anthropic", "practice"])
def test_a_file_of_the_learners_that_hides_a_package_is_named(course: OwnCourse, name: str) -> None:
    folder = course.root / "scripts"
    folder.mkdir()
    file = folder / f"{name}.py"
    file.write_text("print('mine')", encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(folder)!r})" + SETUP.replace(", anthropic", "")
    last = course.run_fresh(code).stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ") and str(file) in last
    assert f"Rename it, as my_{name}.py" in last


def test_a_broken_recording_is_refused_with_the_way_to_get_it_back(course: OwnCourse) -> None:
    file = course.root / "recordings" / f"{LESSON}.json"
    for raw in (b"{", b"\xff\xfe{\x00", b"[" * 100_000):
        file.write_bytes(raw)
        done = course.run(SETUP)
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("ValueError: ") and "99_test" in last, last
        assert f"git restore recordings/{LESSON}.json" in last


# --- what is set, and what is left alone ----------------------------------------------------


def test_replay_points_the_sdk_at_the_loopback_and_answers(course: OwnCourse) -> None:
    told = course.tells(SETUP + ASK + VARIABLES + "told['answer'] = ask()")
    assert told["answer"] == "first"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["ANTHROPIC_BASE_URL"])
    assert re.fullmatch(r"course-session-[0-9a-f]{32}", told["ANTHROPIC_API_KEY"])


def test_setup_again_keeps_the_port_and_begins_afresh(course: OwnCourse) -> None:
    again = (
        SETUP
        + ASK
        + f"""
def look():
    return os.environ["ANTHROPIC_BASE_URL"]
told = [look(), ask(), ask()]
setup({LESSON!r})
told += [look(), ask()]
"""
    )
    port, one, two, port_again, one_again = course.tells(again)
    assert (one, two, one_again) == ("first", "second", "first")
    assert port == port_again


CREDENTIALS = {
    "ANTHROPIC_AUTH_TOKEN": OTHER,
    "ANTHROPIC_PROFILE": "work",
    "ANTHROPIC_IDENTITY_TOKEN": OTHER,
    "ANTHROPIC_FEDERATION_RULE_ID": "rule",
    "ANTHROPIC_ORGANIZATION_ID": "organisation",
    "ANTHROPIC_WORKSPACE_ID": "workspace",
    "ANTHROPIC_CUSTOM_HEADERS": f"x-secret: {OTHER}",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "ANTHROPIC_API_KEY": OTHER,
}


def test_replay_sends_no_credential_and_no_header_of_the_learners_own(course: OwnCourse) -> None:
    code = (
        SETUP
        + ASK
        + """
from helpers._setup import course_server
answer = ask()
told = {"answer": answer, "sent": dict(course_server().backend.journal[-1].request.headers),
        "left": sorted(name for name in os.environ if name.startswith("ANTHROPIC_"))}
"""
    )
    told = course.tells(code, **CREDENTIALS)
    assert told["answer"] == "first"
    assert OTHER not in json.dumps(told["sent"])
    assert told["sent"]["authorization"].startswith("Bearer course-session-")
    assert told["left"] == ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"]


def test_the_log_setting_of_the_sdk_stays(course: OwnCourse) -> None:
    assert course.tells(SETUP + VARIABLES, ANTHROPIC_LOG="info")["ANTHROPIC_LOG"] == "info"


UPSTREAM = exchange("hello", HELLO, "from upstream")
SWITCH = f"""
def mode(name):
    os.environ["COURSE_MODE"] = name
    setup({LESSON!r})
"""


def live_course(root: Path, **environ: str) -> OwnCourse:
    """A course with a key in `.env`; what it asks live is set by `environ`."""
    course = OwnCourse.at(root, GREETING, dotenv=f"ANTHROPIC_API_KEY={KEY}\n")
    course.environ |= environ
    return course


def test_in_every_mode_the_sdk_gets_the_same_address_and_a_key_that_is_none(
    tmp_path: Path,
) -> None:
    course = live_course(tmp_path, ANTHROPIC_AUTH_TOKEN=OTHER)
    code = (
        SETUP
        + SWITCH
        + """
told = []
for name in ("replay", "live", "replay", "live"):
    mode(name)
    told.append({name: value for name, value in os.environ.items()
                 if name.startswith("ANTHROPIC_")})
"""
    )
    first, *others = course.tells(code)
    assert all(other == first for other in others)
    assert set(first) == {"ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"}
    assert KEY not in str(first) and OTHER not in str(first)


def test_a_client_made_earlier_follows_the_newest_line_both_ways(tmp_path: Path) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url)
        code = (
            SETUP
            + ASK
            + SWITCH
            + """
made_in_live = anthropic.Anthropic()
told = [ask(made_in_live)]
mode("replay")
made_in_replay = anthropic.Anthropic()
told += [ask(made_in_live), ask(made_in_replay)]
mode("live")
told += [ask(made_in_live), ask(made_in_replay)]
mode("replay")
told += [ask(made_in_live)]
"""
        )
        told = course.tells(code)
        arrived = [entry.request.headers for entry in api.backend.account.journal]
    assert told == [
        "from upstream", "first", "second", "from upstream", "from upstream", "first",
    ]  # fmt: skip
    assert [head["x-api-key"] for head in arrived] == [KEY] * 3
    assert "course-session" not in str(arrived)


def test_the_mode_can_be_asked(tmp_path: Path) -> None:
    course = live_course(tmp_path, ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    code = (
        SETUP
        + SWITCH
        + """
import helpers
told = []
for name in ("replay", "live", "replay"):
    mode(name)
    told.append(helpers.mode())
"""
    )
    assert course.tells(code) == ["replay", "live", "replay"]


def test_ledger_and_wire_see_live_calls(tmp_path: Path) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url)
        code = (
            SETUP
            + ASK
            + """
from helpers import ledger
ask()
told = ledger.totals()
"""
        )
        told = course.tells(code)
    assert told["calls"] == 1 and told["output_tokens"] > 0 and told["usd"] > 0


def test_headers_that_the_learners_gateway_wants_are_added(tmp_path: Path) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(
            tmp_path, ANTHROPIC_BASE_URL=f"{api.url}/", ANTHROPIC_CUSTOM_HEADERS="X-Gateway: yes"
        )
        assert course.tells(SETUP + ASK + "told = ask()") == "from upstream"
        [entry] = api.backend.account.journal
    assert entry.request.headers["x-gateway"] == "yes"


def test_the_key_stands_in_no_variable_repr_log_output_or_traceback(tmp_path: Path) -> None:
    course = live_course(tmp_path, ANTHROPIC_BASE_URL="http://127.0.0.1:9", ANTHROPIC_LOG="debug")
    code = (
        SETUP
        + ASK
        + """
from helpers import ledger, show
from helpers._setup import course_server, journal
client = anthropic.Anthropic(max_retries=0)
print(dict(os.environ), vars(client), client, client.auth_headers, course_server().backend)
print(vars(course_server().backend).keys(), course_server().backend.relay)
try:
    ask(client)
finally:
    print(list(journal()), ledger)
    show.wire()
"""
    )
    done = course.run(code)
    assert "APIConnectionError" in done.stderr
    assert "ConnectError" in done.stdout, "the journal says why"
    assert KEY not in done.stdout + done.stderr


def test_a_key_put_into_the_file_later_is_found_by_the_next_setup(course: OwnCourse) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        code = (
            SETUP
            + ASK
            + f"""
from pathlib import Path
told = [ask()]
Path(".env").write_text("ANTHROPIC_API_KEY={KEY}", encoding="utf-8")
setup({LESSON!r})
told.append(ask())
"""
        )
        assert course.tells(code, ANTHROPIC_BASE_URL=api.url) == ["first", "from upstream"]


def test_the_key_of_an_earlier_setup_is_never_taken_for_the_learners(course: OwnCourse) -> None:
    said = course.says(SETUP + SWITCH + "mode('live')")
    assert "COURSE_MODE is live, but there is no key" in said
    assert said.count("Nothing leaves this machine.") == 2


def test_a_program_that_a_live_notebook_starts_asks_through_its_server(tmp_path: Path) -> None:
    with serving(UPSTREAM, key=KEY) as api:
        course = live_course(tmp_path, ANTHROPIC_BASE_URL=api.url)
        code = (
            SETUP
            + """
import subprocess, sys
program = "import anthropic, json; r = anthropic.Anthropic().messages.create("
program += f"**{asked!r}); print(r.content[0].text)"
told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout
"""
        )
        told = course.tells(f"asked = {HELLO!r}\n" + code)
    assert told.strip() == "from upstream"


def test_a_call_that_nobody_answered_is_no_call_in_the_ledger(tmp_path: Path) -> None:
    course = live_course(tmp_path, ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    code = (
        SETUP
        + ASK
        + """
from helpers import ledger, report
from helpers._setup import journal
try:
    ask()
except anthropic.APIConnectionError as error:
    note = report.upstream_note(error, journal())
told = [ledger.totals()["calls"], " ".join(note)]
"""
    )
    calls, note = course.tells(code)
    assert calls == 0
    assert "could not reach the real API (ConnectError)" in note
    assert "COURSE_MODE=replay" in note


def test_a_connection_that_a_cell_staged_to_break_is_not_explained_so(course: OwnCourse) -> None:
    code = (
        SETUP
        + ASK
        + """
from helpers import report, staged
from helpers._setup import journal
try:
    ask(anthropic.Anthropic(base_url=staged("no-connection"), max_retries=0))
except anthropic.APIConnectionError as error:
    told = report.upstream_note(error, journal())
"""
    )
    assert course.tells(code) == []


def test_a_live_request_goes_to_the_real_api(tmp_path: Path) -> None:
    """Shown without sending it: the network is blocked here."""
    course = live_course(tmp_path)
    code = (
        SETUP
        + ASK
        + """
from helpers._setup import course_server, journal
told = [course_server().backend.relay.url]
try:
    ask(anthropic.Anthropic(max_retries=0))
except anthropic.APIConnectionError:
    told.append(bool(journal()[-1].failure))
"""
    )
    assert course.tells(code) == ["https://api.anthropic.com", True]


def test_the_versions_line_names_the_api_version_that_is_sent(course: OwnCourse) -> None:
    code = SETUP + ASK + "ask()\nfrom helpers._setup import journal\n"
    sent = course.tells(code + "told = journal()[-1].request.headers['anthropic-version']")
    assert f", API {sent}, " in course.says(SETUP)


def test_an_sdk_older_than_the_lessons_is_named_with_what_to_do(
    course: OwnCourse, tmp_path: Path
) -> None:
    older = tmp_path / "older" / "anthropic-1.9.0.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Name: anthropic\nVersion: 1.9.0\n", encoding="utf-8")
    usual = course.environment()["PYTHONPATH"]
    said = course.says(SETUP, PYTHONPATH=os.pathsep.join([str(older.parent), usual]))
    assert "written for anthropic 2. With 1.9.0," in said and "start.py install" in said
    assert "written for" not in course.says(SETUP)


PROXIES = {
    "a dead one": dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), "http://127.0.0.1:9"
    ),
    "SOCKS": {"ALL_PROXY": "socks5://127.0.0.1:1080"},
    "a broken port": {"HTTP_PROXY": "http://127.0.0.1:nowhere"},
    "a scheme that there is not": {"HTTPS_PROXY": "htp://127.0.0.1:9"},
    "an IPv6 range": {"HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "fd00::/8,[::1]"},
    "upper and lower case": {"NO_PROXY": "a.example", "no_proxy": "b.example"},
    "left out for one host": {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "example.com"},
    "left out for all": {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*"},
}


@pytest.mark.parametrize("kind", PROXIES)
def test_a_proxy_does_not_matter_in_replay_and_no_proxy_stays(course: OwnCourse, kind: str) -> None:
    environ = PROXIES[kind]
    told = course.tells(SETUP + ASK + VARIABLES + "told['answer'] = ask()", **environ)
    assert told["answer"] == "first"
    own = environ.get("no_proxy") or environ.get("NO_PROXY") or "127.0.0.1"
    assert told["NO_PROXY"].startswith(own)
    assert told["NO_PROXY"] == told["no_proxy"]


def test_in_live_the_learners_own_no_proxy_decides(tmp_path: Path) -> None:
    course = live_course(tmp_path, NO_PROXY="example.com")
    told = course.tells(SETUP + VARIABLES)
    assert told["NO_PROXY"] == told["no_proxy"] == "example.com,127.0.0.1,localhost"


def test_in_live_a_proxy_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path) -> None:
    course = live_course(tmp_path, **PROXIES["SOCKS"])
    said = course.says(SETUP)
    assert "cannot use the proxy" in said and "socksio" in said


def test_the_proxy_that_does_not_matter_is_really_dead(course: OwnCourse) -> None:
    """The test above could not fail otherwise."""
    code = (
        SETUP
        + ASK
        + """
del os.environ["NO_PROXY"], os.environ["no_proxy"]
try:
    ask()
except anthropic.APIConnectionError:
    told = "no way through"
"""
    )
    dead = "http://127.0.0.1:9"
    assert course.tells(code, HTTP_PROXY=dead, http_proxy=dead) == "no way through"


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder, with its size and time."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def test_nothing_is_written_to_disk(course: OwnCourse, tmp_path: Path) -> None:
    before = files_below(tmp_path)
    course.says(SETUP + ASK + "ask()\nask()\nfrom helpers import staged\nstaged('429')")
    assert files_below(tmp_path) == before
    assert len(before) > 15


def test_a_wrong_key_gets_the_401_of_the_api(course: OwnCourse) -> None:
    code = (
        SETUP
        + ASK
        + f"""
try:
    ask(anthropic.Anthropic(api_key={KEY!r}))
except anthropic.AuthenticationError as error:
    told = [error.status_code, error.api_message]
"""
    )
    assert course.tells(code) == [401, "Invalid bearer token"]


def test_live_replies_still_come_from_nowhere_but_staged_ones_do(tmp_path: Path) -> None:
    course = OwnCourse.at(tmp_path, GREETING, dotenv=f"ANTHROPIC_API_KEY={KEY}\n")
    code = (
        SETUP
        + ASK
        + """
from helpers import staged
told = ask(anthropic.Anthropic(base_url=staged(replies=["Local."])))
"""
    )
    assert course.tells(code) == "Local."


# --- the model that the lessons name --------------------------------------------------------


@pytest.mark.parametrize(
    ("dotenv", "environ", "model"),
    [
        ("", {}, HELLO["model"]),
        ("COURSE_MODEL=claude-opus-5-5", {}, HELLO["model"]),
        (f"COURSE_MODEL=claude-opus-5-5\nANTHROPIC_API_KEY={KEY}", {}, "claude-opus-5-5"),
        (f"ANTHROPIC_API_KEY={KEY}", {"COURSE_MODEL": " claude-haiku-5-5 "}, "claude-haiku-5-5"),
        (f"ANTHROPIC_API_KEY={KEY}\nCOURSE_MODE=replay", {"COURSE_MODEL": "x"}, HELLO["model"]),
    ],
)  # fmt: skip
def test_another_model_is_used_in_live_only(
    tmp_path: Path, dotenv: str, environ: dict[str, str], model: str
) -> None:
    course = OwnCourse.at(tmp_path, dotenv=dotenv)
    assert course.tells("from helpers import MODEL as told", **environ) == model


# --- kernels --------------------------------------------------------------------------------


def test_two_kernels_at_once_do_not_disturb_each_other(course: OwnCourse) -> None:
    where = "print(os.environ['ANTHROPIC_BASE_URL'])"
    with kernel(course) as one, kernel(course) as two:
        for each in (one, two):
            assert "Replay" in each.run(SETUP + ASK).printed
        ports = {each.run(where).printed for each in (one, two)}
        got = [each.run("print(ask())").printed.strip() for each in (one, two, one, two)]
        assert "Replay" in one.run(f"setup({LESSON!r})").printed
        got += [each.run("print(ask())").printed.strip() for each in (one, two)]
    assert len(ports) == 2
    assert got == ["first", "first", "second", "second", "first", "second"]


def test_a_process_started_from_the_kernel_reaches_the_server(course: OwnCourse) -> None:
    """Lesson 01 runs a file of its own; lesson 09 resumes in a second process."""
    script = f"import anthropic; print(anthropic.Anthropic().messages.create(**{HELLO!r}).content)"
    with kernel(course) as running:
        running.run(SETUP)
        shown = running.run(
            "import subprocess, sys\n"
            f"done = subprocess.run([sys.executable, '-c', {script!r}], capture_output=True)\n"
            "print(done.stdout.decode(), done.stderr.decode())"
        )
    assert "text='first'" in shown.printed


def test_a_kernel_says_nothing_on_stderr(course: OwnCourse) -> None:
    with kernel(course) as running:
        shown = [running.run(cell) for cell in (SETUP, ASK + "print(ask())", SETUP)]
    assert "".join(each.complained for each in shown) == ""
    assert shown[1].printed == "first\n"


def test_a_kernel_ends_at_once_although_a_reply_is_still_on_its_way(course: OwnCourse) -> None:
    """A stalled stream must not keep the process of the kernel alive."""
    code = (
        SETUP
        + """
from helpers import staged
try:
    anthropic.Anthropic(base_url=staged("slow"), timeout=0.2, max_retries=0).messages.create(
        model="claude-sonnet-5-5", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
except anthropic.APITimeoutError:
    told = "given up"
"""
    )
    assert course.tells(code) == "given up"
