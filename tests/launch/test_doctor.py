"""The doctor: what it looks at, a remedy for each finding, and never a part of the key."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from launch.places import Finding
from tests.engine import NAME, running
from tests.launch.courses import ROOT, load, run
from tests.support import ROOMS

# --- the machine ---


def proxy_finding(live: bool, error: str) -> Finding:
    """Return what the doctor says of the proxies that are set."""
    [finding] = load(ROOT, "machine").check_proxy(live, error)
    return finding  # type: ignore[no-any-return]


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy is set."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("http_proxy", "http://user:secret@192.0.2.1:3128", "http: http proxy"),
        ("HTTPS_PROXY", "192.0.2.1:3128", "https: http proxy"),
        ("ALL_PROXY", "socks5://user:secret@127.0.0.1:1080", "all: SOCKS proxy"),
        ("all_proxy", "socks://127.0.0.1:1080", "all: SOCKS proxy"),
        ("ALL_PROXY", "ftp://user:secret@192.0.2.1", "all: of an unknown kind"),
        ("http_proxy", "http://user:sec/ret@192.0.2.1:3128", "no proxy's"),
        ("http_proxy", "http://user:sec#ret@192.0.2.1:3128", "no proxy's"),
        ("http_proxy", "http://192.0.2.1:port", "no proxy's"),
        ("no_proxy", "localhost,::1/128", "NO_PROXY with ::1/128"),
    ],
)
@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_is_said_by_its_kind_with_what_it_means(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    in_replay = proxy_finding(live=False, error="ImportError")
    assert words in in_replay.text and "Replay stays on this machine" in in_replay.text
    assert not in_replay.remedy, "replay needs no proxy, so nothing is to be done"
    assert "live cannot work with this (ImportError)" in in_replay.text
    assert "HTTPS_PROXY" in proxy_finding(live=True, error="ImportError").remedy
    fine = proxy_finding(live=True, error="")
    assert not fine.remedy and "live uses it" in fine.text
    for part in ("192.0.2.1", "secret", "sec", "user"):
        assert part not in str([in_replay, fine])


@pytest.mark.usefixtures("no_proxies")
def test_no_proxy_is_said_in_a_word() -> None:
    assert proxy_finding(live=True, error="") == ("Proxy", "none", "")


def test_a_file_of_certificates_that_holds_none_needs_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = load(ROOT, "machine")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert list(machine.check_certificates()) == []
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path, words in ((empty, "without certificates"), (tmp_path / "no", "not there")):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        [finding] = machine.check_certificates()
        assert words in finding.text and "SSL_CERT_FILE" in finding.remedy


def test_a_full_disk_and_a_read_only_one_need_a_look(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = load(course, "machine")
    [fine] = machine.check_disk()
    assert not fine.remedy
    (course / "my-course").touch()
    [in_its_place] = machine.check_disk()
    assert "my-course is a file" in in_its_place.text and in_its_place.remedy
    (course / "my-course").unlink()
    monkeypatch.setattr(machine, "ENOUGH", 2**63)
    [full] = machine.check_disk()
    assert "free some space" in full.remedy
    monkeypatch.setattr(machine.os, "access", lambda path, mode: False)
    [closed] = machine.check_disk()
    assert "nothing can be written" in closed.text and "copy the course" in closed.remedy


def test_a_clock_before_the_date_of_the_lock_needs_a_look(course: Path) -> None:
    doctor = load(course, "machine")
    for date, remedy in (("2026-11-21", False), ("2999-01-01", True), ("2001-01-01", True)):
        (course / "requirements.txt").write_text(f"# made {date}\n", encoding="utf-8")
        clock = next(doctor.check_clock())
        assert bool(clock.remedy) == remedy, clock


# Built here, so that no string in this file looks like a key.
KEY = "sk-" + "ant-" + "api03-" + "Ab3" * 20


def bring_rooms(course: Path) -> None:
    """Copy what a lesson imports and reads into a course."""
    shutil.rmtree(course / "recordings")
    for room in (*ROOMS, "recordings"):
        shutil.copytree(ROOT / room, course / room)


def test_the_doctor_gives_a_remedy_for_each_finding_and_never_shows_the_key(course: Path) -> None:
    bring_rooms(course)
    shutil.copy(ROOT / "requirements.txt", course)
    (course / ".env").write_text(f"ANTHROPIC_API_KEY={KEY[:50]}“\n", encoding="utf-8")
    environ = {"PYTHONPATH": str(course), "COURSE_MODE": "", "no_proxy": "127.0.0.1,localhost"}
    said = run(course, "doctor", **environ)
    lines = said.stdout.splitlines()
    look = [line for line in lines if line.startswith("! look")]
    assert said.returncode == 1, said.stderr
    assert [line.split()[2] for line in look] == ["Key"]
    assert sum("->" in line for line in lines) == len(look)
    assert not any(KEY[at : at + 6] in said.stdout + said.stderr for at in range(7, 44))
    (course / ".env").unlink()
    said = run(course, "doctor", **environ)
    assert said.returncode == 0, said.stdout
    assert "Mode         replay" in said.stdout and "All " in said.stdout


def test_the_doctor_without_an_environment_says_how_to_make_it(course: Path) -> None:
    said = run(course, "doctor", python=load(course, "environment").base_python())
    assert said.returncode == 1
    assert "start.py install" in said.stdout


def test_the_doctor_is_reached_from_any_folder_as_a_module(course: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "launch", "doctor"],
        cwd=course / "notebooks",
        env={**os.environ, "PYTHONPATH": str(course)},
        capture_output=True,
        encoding="utf-8",
    )
    assert "+ ok    Python" in said.stdout, said.stderr


# --- .env ---


def settings_findings(course: Path) -> list[Finding]:
    """Return what the doctor says of a course's settings."""
    return list(load(course, "key").check_settings())


@pytest.mark.parametrize("folder", ["my-course", "my-course/notebooks", "notebooks"])
def test_a_key_beside_the_lessons_is_found_where_it_is_not_read(course: Path, folder: str) -> None:
    (course / folder).mkdir(parents=True, exist_ok=True)
    (course / folder / ".env").write_text("ANTHROPIC_API_KEY=x\n", encoding="utf-8")
    [finding] = settings_findings(course)
    assert finding.remedy == "move it beside start.py" and folder in finding.text


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_of_settings_in_another_encoding_needs_a_look(course: Path, encoding: str) -> None:
    (course / ".env").write_bytes("# für mich\nCOURSE_MODE=replay\n".encode(encoding))
    [finding] = settings_findings(course)
    assert "UTF-8" in finding.remedy


def test_a_byte_order_mark_does_no_harm(course: Path) -> None:
    (course / ".env").write_text(f"ANTHROPIC_API_KEY={KEY}\n", encoding="utf-8-sig")
    assert settings_findings(course) == []


@pytest.mark.parametrize(
    "text",
    [
        f"ANTHROPIC_KEY={KEY}",
        f"CLAUDE_API_KEY={KEY}",
        f"anthropic_api_key={KEY}",
        KEY,
        f"set ANTHROPIC_API_KEY={KEY}",
        f'$env:ANTHROPIC_API_KEY = "{KEY}"',
        f"ANTHROPIC_API_KEY: {KEY}",
        f'ANTHROPIC_API_KEY="{KEY}',
        f"ANTHROPIC_API_KEY={KEY}\nANTHROPIC_API_KEY=",
        f"ANTHROPIC_API_KEY=your-key-here\nCOURSE_MODE={KEY}",
    ],
)
def test_a_key_that_is_not_read_is_told_with_its_line_and_not_shown(
    course: Path, text: str
) -> None:
    (course / ".env").write_text(f"# mine\n{text}\n", encoding="utf-8")
    [finding] = settings_findings(course)
    assert "looks like a key" in finding.text and "ANTHROPIC_API_KEY=" in finding.remedy
    assert ("line 3" if "here" in text else "line 2") in finding.text
    assert not any(KEY[at : at + 6] in str(finding) for at in range(7, len(KEY) - 6))


@pytest.mark.parametrize(
    "text",
    [
        f"ANTHROPIC_API_KEY={KEY}",
        f"export ANTHROPIC_API_KEY='{KEY}'  # mine",
        f"# ANTHROPIC_API_KEY={KEY}\nCOURSE_MODE=replay",
        "ANTHROPIC_API_KEY=",
    ],
)
def test_a_key_that_is_read_or_left_out_on_purpose_is_no_finding(course: Path, text: str) -> None:
    (course / ".env").write_text(text + "\n", encoding="utf-8")
    assert settings_findings(course) == []


def test_a_key_in_the_example_is_told(course: Path) -> None:
    (course / ".env.example").write_text("ANTHROPIC_API_KEY=\n", encoding="utf-8")
    assert settings_findings(course) == []
    (course / ".env.example").write_text(f"ANTHROPIC_API_KEY={KEY}\n", encoding="utf-8")
    [finding] = settings_findings(course)
    assert ".env.example is not read" in finding.text


@pytest.mark.parametrize("what", ["a folder", "a link to nothing", "a link to itself"])
def test_settings_that_are_no_file_need_a_look(course: Path, what: str) -> None:
    if what == "a folder":
        (course / ".env").mkdir()
    else:
        (course / ".env").symlink_to(course / (".env" if "itself" in what else "gone"))
    [finding] = settings_findings(course)
    words = "is a folder" if what == "a folder" else "link to nothing"
    assert words in finding.text and finding.remedy


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0 and not shutil.which("setpriv"),
    reason="root can read every file, and Windows has no such marks",
)
def test_settings_that_belong_to_somebody_else_need_a_look(course: Path) -> None:
    (course / ".env").write_text("COURSE_MODE=replay\n", encoding="utf-8")
    (course / ".env").chmod(0)
    code = "from launch.key import check_settings; print(list(check_settings()))"
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    for folder in course.parents:
        if folder.owner() == "root" and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    said = subprocess.run(
        [*as_nobody, "/usr/bin/python3", "-c", code],
        cwd=course,
        capture_output=True,
        encoding="utf-8",
    )
    assert "cannot be read (Permission denied)" in said.stdout, said.stderr


@pytest.mark.parametrize("word", ["lve", KEY])
def test_a_mode_that_is_no_word_needs_a_look_and_is_not_shown(word: str) -> None:
    with_mode = [f for f in load(ROOT, "key").check_mode({"COURSE_MODE": word}) if f.name == "Mode"]
    [finding] = with_mode
    assert "replay, local or live" in finding.remedy and word not in str(finding)


def test_live_without_a_key_needs_a_look(course: Path) -> None:
    findings = load(course, "key").check_mode({"COURSE_MODE": "live"})
    [finding] = [finding for finding in findings if finding.name == "Mode"]
    assert finding.text.startswith("replay") and "put the key into .env" in finding.remedy


def test_an_engine_is_named_and_asked_nothing_unless_the_mode_is_local(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running() as engine:
        monkeypatch.setenv("COURSE_LOCAL_URL", engine.url)
        for mode in ("replay", "local"):
            found = load(ROOT, "key").check_mode({"COURSE_MODE": mode})
            [finding] = [finding for finding in found if finding.name == "Engine"]
            assert "not Claude" in finding.text and not finding.remedy
            assert (NAME in finding.text) == bool(engine.backend.seen) == (mode == "local")
    found = load(ROOT, "key").check_mode({"COURSE_MODE": "local"})
    [finding] = [finding for finding in found if finding.name == "Engine"]
    assert "No engine listens" in finding.text and "start an engine" in finding.remedy


def test_without_an_engine_nothing_is_said_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_LOCAL_URL", "http://127.0.0.1:9")
    found = load(ROOT, "key").check_mode({"COURSE_MODE": "replay"})
    assert "Engine" not in [finding.name for finding in found]


# --- names and files ---


def test_files_that_take_the_name_of_a_package_are_named(course: Path, tmp_path: Path) -> None:
    doctor = load(course, "doctor")
    assert list(doctor.check_names("")) == []
    mine = course / "my-course" / "notebooks"
    for path in (mine / "anthropic.py", mine / "random.py", mine / "my_tools.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (course / "my-course" / "helpers").mkdir()
    (course / "my-course" / "helpers" / "__init__.py").touch()
    names = [finding.text.split()[0] for finding in doctor.check_names("")]
    assert names == [
        "my-course/notebooks/anthropic.py",
        "my-course/notebooks/random.py",
        "my-course/helpers",
    ]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "json.py").touch()
    *_, finding = doctor.check_names(f"{course}{os.pathsep}{tmp_path / 'elsewhere'}")
    assert "PYTHONPATH" in finding.remedy and "json.py" in finding.text


def test_damaged_notebooks_and_recordings_are_named_with_the_way_back(course: Path) -> None:
    doctor = load(course, "doctor")
    load(course, "handout").hand_out()
    assert list(doctor.check_course()) == []
    (course / "notebooks" / "06_tools.ipynb").write_text("<<<<<<<", encoding="utf-8")
    (course / "my-course" / "notebooks" / "01_first_call.ipynb").write_bytes(b"")
    (course / "recordings" / "00_welcome.json").unlink()
    (course / "recordings" / "06b_more_tools.json").write_text('{"half": ', encoding="utf-8")
    found = list(doctor.check_course())
    assert sorted((finding.text, finding.remedy.split("  ")[1]) for finding in found) == [
        ("notebooks/06_tools.ipynb is damaged", "git restore notebooks/06_tools.ipynb"),
        (
            "recordings/00_welcome.json is missing or damaged",
            "git restore recordings/00_welcome.json",
        ),
        (
            "recordings/06b_more_tools.json is missing or damaged",
            "git restore recordings/06b_more_tools.json",
        ),
        (
            "your notebooks/01_first_call.ipynb is damaged",
            load(course, "places").command("reset notebooks/01_first_call.ipynb"),
        ),
    ]


# --- a lesson, tried ---


def lesson_finding(course: Path) -> Finding:
    """Return what the doctor says after it tried a lesson of a course."""
    doctor = load(course, "doctor")
    *_, finding = doctor.check_lesson(doctor.end_look(doctor.start_look()))
    return finding  # type: ignore[no-any-return]


def test_a_lesson_is_really_tried(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(course))
    bring_rooms(course)
    assert lesson_finding(course).text == "a kernel starts, and replay answers the SDK in it"
    (course / "my-course" / "notebooks").mkdir(parents=True)
    own = course / "my-course" / "notebooks" / "anthropic.py"
    own.write_text("raise ImportError('mine')\n", encoding="utf-8")
    assert lesson_finding(course).remedy
    own.unlink()
    monkeypatch.setenv("SSL_CERT_FILE", str(course / "not there"))
    finding = lesson_finding(course)
    assert "FileNotFoundError" in finding.text and "Certificates" in finding.remedy


def test_the_doctor_never_becomes_another_python_twice(course: Path) -> None:
    with (course / "launch" / "environment.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef what_is_missing():\n    return ''\n")
    python = load(course, "places").python_of(course / ".venv")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)  # without pyvenv.cfg: it is the other Python again
    said = run(course, "doctor", PYTHONPATH=str(course))
    assert "belongs to another environment" in said.stdout, said.stderr
    assert "delete the folder .venv" in said.stdout


# --- a room of thirty ---


def test_in_a_room_only_what_needs_a_look_and_one_line_to_read_out() -> None:
    doctor = load(ROOT, "doctor")
    fine = [Finding("SDK", "anthropic 2.14.0"), Finding("Mode", "replay: there is no key in .env")]
    version = "{}.{}".format(*sys.version_info[:2])
    assert doctor.line_for_the_room(fine) == f"READY: Python {version}, replay"
    port = Finding("Port", "closed", "open it")
    assert doctor.line_for_the_room([*fine, port, port]) == "NOT READY: Port"


def test_the_doctor_of_a_room_prints_no_line_for_what_is_fine(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor = load(course, "doctor")
    monkeypatch.setattr(doctor, "what_is_missing", lambda: "everything")
    seen = [Finding("SDK", "anthropic 2.14.0"), Finding("Port", "closed", "open it")]
    monkeypatch.setattr(doctor, "findings", lambda: seen)
    assert doctor.doctor(["--room"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["!", "->", "NOT"]
