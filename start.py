"""The door of the course: makes .venv, installs the lock, opens JupyterLab, the tests, the doctor.

Standard library only, and readable by Python 3.6, so that a Python that is too old gets a sentence
instead of a SyntaxError. It must not know what the lessons teach, and writes in this folder only.
"""

import os
import sys

OLDEST, NEWEST = (3, 10), (3, 14)  # what requirements.txt was locked for


def too_old(version: "tuple[int, ...]") -> str:  # Python 2 stops here. Run:  python3 start.py
    """Return the sentence for a Python older than OLDEST, or "" when `version` is new enough."""
    if version >= OLDEST:
        return ""
    return (
        "This course needs Python {}.{} or newer, and this is Python {}.{}: install a newer one "
        "from https://www.python.org/downloads/ and run this command again with it, for example "
        "python3.13 start.py".format(*OLDEST + version[:2])
    )


if sys.version_info < OLDEST:
    sys.exit(too_old(sys.version_info[:2]))

# Everything heavier is imported where it is used: a second start must cost next to nothing.
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.txt"
STAMP = VENV / "course-installed.txt"  # written last: what is installed here
UNFINISHED = VENV / "course-unfinished.txt"  # there while .venv is being made
STATE = ROOT / ".course"  # the learner's local state, ignored by git
SHIPPED = ROOT / "shipped.sha256"  # one line per file that `reset` gives back: sha256, path
# What a learner may change, by hand or by mistake: notebooks, and what they read.
GIVEN_BACK = (
    "notebooks/*.ipynb",
    "exercises/*.ipynb",
    "recordings/*.json",
    "notebooks/data/*",
    "notebooks/images/*",
)
FIRST_LESSON = "notebooks/00_welcome.ipynb"
WINDOWS = os.name == "nt"


class StartError(Exception):
    """Ends the command with one sentence for the learner: what happened, and what to do."""


def say(text: str) -> None:
    """Print at once, so that lines keep their order with those of the programs started here."""
    print(text, flush=True)


# --- the environment -------------------------------------------------------------------------


def python_of(venv: Path) -> Path:
    """Return where the Python of the environment `venv` is, on this system."""
    return venv / ("Scripts/python.exe" if WINDOWS else "bin/python")


def site_packages() -> "list[Path]":
    """Return the folders of .venv from which its Python imports."""
    return [*VENV.glob("lib/py*3.*/site-packages"), *VENV.glob("Lib/site-packages")][:1]


def stamp_text() -> str:
    """Return what STAMP says when this very lock is installed for the Python that made .venv."""
    import hashlib
    import re

    made_by = re.search(r"^version(?:_info)? *= *(\d+\.\d+)", read(VENV / "pyvenv.cfg"), re.M)
    version = made_by.group(1) if made_by else "unknown"
    return f"python {version}\nlock {hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"


def read(path: Path) -> str:
    """Return the text of a file, or "" when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def what_is_missing() -> str:
    """Return "" when .venv is ready, "packages" when the lock must be installed into it, or
    "everything" when it must be made anew: not there, half made, or its Python gone or replaced.
    """
    import re

    python = python_of(VENV)
    if not python.exists() or UNFINISHED.exists() or not site_packages():
        return "everything"
    now = re.search(r"python(3\.\d+)$", os.path.realpath(python))  # a system upgrade replaces it
    if now and f"python{now.group(1)}" != site_packages()[0].parent.name:
        return "everything"
    return "" if read(STAMP) == stamp_text() else "packages"


def prepare() -> None:
    """Make .venv and install the lock; do nothing, quickly, when that has been done before."""
    missing = what_is_missing()
    if not missing:
        return
    import shutil

    uv = shutil.which("uv")
    if missing == "packages" and not STAMP.exists() and not usable(with_pip=not uv):
        missing = "everything"  # not made by this file, and of no use as it is
    if missing == "everything":
        make_venv(uv)
    say("Installing the packages of the course into .venv (once, some minutes) ...")
    install(uv)
    for folder in site_packages():
        # A relative line keeps working when the folder is moved, and is plain ASCII on any disk.
        (folder / "course.pth").write_text(os.path.relpath(ROOT, folder) + "\n", encoding="ascii")
    silence_news()
    STAMP.write_text(stamp_text(), encoding="utf-8")
    UNFINISHED.unlink(missing_ok=True)
    say("Installed.")


def base_python() -> str:
    """Return the Python itself, not that of an environment (.venv, say) which is active."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    if WINDOWS:
        return str(getattr(sys, "_base_executable", sys.executable))
    return os.path.realpath(sys.executable)  # Python 3.10 has no better way


def usable(with_pip: bool) -> bool:
    """Tell whether the Python in .venv starts, is new enough, and has pip if that is needed."""
    import subprocess

    code = f"import sys; assert sys.version_info >= {OLDEST}" + "; import pip" * with_pip
    command = [str(python_of(VENV)), "-c", code]
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def make_venv(uv: "str | None") -> None:
    """Make an empty .venv, in place of whatever was left there."""
    import shutil
    import subprocess
    from importlib.util import find_spec

    python = base_python()  # found before .venv goes, which may be what runs this
    if find_spec("venv") and find_spec("ensurepip"):
        command = [python, "-m", "venv", str(VENV)]
    elif uv:
        command = [uv, "venv", "--allow-existing", "--python", python, str(VENV)]
    else:
        version = "{}.{}".format(*sys.version_info[:2])
        raise StartError(
            f"This Python has no venv module: on Debian or Ubuntu run  sudo apt install "
            f"python{version}-venv  (on other systems install Python from "
            "https://www.python.org/downloads/), then run this again."
        )
    if VENV.exists() or VENV.is_symlink():
        say("Removing a .venv that is half made or cannot run here ...")
        try:
            shutil.rmtree(VENV) if VENV.is_dir() and not VENV.is_symlink() else VENV.unlink()
        except OSError as error:
            raise StartError(
                f"The old .venv folder cannot be removed ({error.strerror}): close JupyterLab and "
                "every terminal that uses it, delete the folder .venv, and run this again."
            ) from error
    say("Making .venv ...")
    try:
        VENV.mkdir()
        UNFINISHED.touch()
    except OSError as error:
        raise StartError(
            f"Nothing can be written into this folder ({error.strerror}): move or copy the course "
            "to a folder of your own, for example in your home folder, and run this again there."
        ) from error
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode or not python_of(VENV).exists():
        say((done.stdout + done.stderr).strip())
        raise StartError(
            "Python could not make an environment, for the reason above: on Debian or Ubuntu "
            "sudo apt install python3-venv  is the usual remedy; then run this again."
        )


def install(uv: "str | None") -> None:
    """Install requirements.txt into .venv, hashes checked and bytecode compiled.

    uv is tried first where there is one; pip next, which knows settings (a mirror, a proxy)
    that uv does not read.
    """
    python = str(python_of(VENV))
    attempts = []
    if uv:
        attempts.append([uv, "pip", "install", "--python", python, "--compile-bytecode"])
    if any((folder / "pip").is_dir() for folder in site_packages()):
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        attempts.append(pip)
    output = ""
    for attempt in attempts:
        code, printed = run([*attempt, "--require-hashes", "-r", str(LOCK)])
        if code == 0:
            return
        output += printed
    STATE.mkdir(exist_ok=True)
    (STATE / "install.log").write_text(output, encoding="utf-8")
    raise StartError(why_install_failed(output) + " (What was printed: .course/install.log)")


def run(command: "Sequence[str]") -> "tuple[int, str]":
    """Run an installer; return its exit code and output, and count its packages on a terminal."""
    import subprocess

    packages = {line.split("==")[0] for line in read(LOCK).splitlines() if line[:1].isalnum()}
    environ = {**os.environ, "PIP_USER": "0", "PYTHONIOENCODING": "utf-8"}
    lines = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environ,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            lines.append(line)
            seen += line.startswith("Collecting")
            if line.startswith(("Collecting", "Installing")) and sys.stdout.isatty():
                what = f"fetched {seen} of about {len(packages)}" if line[0] == "C" else "unpacking"
                print(f"\r  {what:<40}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r" + " " * 44, end="\r", flush=True)
    return process.returncode, "".join(lines)


# What an installer prints when it fails, and the sentence for it. The first that fits wins.
INSTALL_PROBLEMS = {
    "no space left|errno 28|os error 28": ("The disk is full: free about 1 GB and run this again."),
    "do not match the hashes|hash mismatch": (
        "A downloaded package is not the one that the course was tested with (another checksum): "
        "use a network that does not change downloads, and run this again."
    ),
    "certificate.?verify|invalid peer certificate|sslerror|unknownissuer": (
        "The download could not be trusted (certificate problem): check the date of your clock; "
        "in a network of a company or school set PIP_CERT and SSL_CERT_FILE to its certificate "
        "file; then run this again."
    ),
    "long path": (
        "A path is too long for Windows: move the course to a short one, such as C:\\course, and "
        "run this again."
    ),
    "name resolution|getaddrinfo|nodename nor servname|newconnectionerror|dns error|error sending"
    "|connect error|connection refused|unreachable|failed to establish|proxyerror|timed out"
    "|max retries|failed to fetch|from versions: none": (
        "The packages could not be downloaded: connect to the internet (behind a proxy set "
        "HTTPS_PROXY) and run this again; only the first start needs it."
    ),
}


def why_install_failed(output: str) -> str:
    """Return the sentence for what pip or uv printed."""
    import re

    for marks, sentence in INSTALL_PROBLEMS.items():
        if re.search(marks, output, re.I):
            return sentence
    say("\n".join(line for line in output.splitlines()[-12:] if line.strip()))
    sentence = "The packages could not be installed, for the reason above; run this again, or "
    if sys.version_info[:2] > NEWEST:
        return sentence + "use Python {}.{}, the newest that was tried.".format(*NEWEST)
    return sentence + "delete the folder .venv first if it happens twice."


def silence_news() -> None:
    """Answer JupyterLab's question about news with no, as a default of this .venv only."""
    import json

    no = {"fetchNews": "false", "checkForUpdates": False}
    settings = VENV / "share/jupyter/lab/settings"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "overrides.json").write_text(
        json.dumps({"@jupyterlab/apputils-extension:notification": no}, indent=2) + "\n",
        encoding="utf-8",
    )


def replace_process(arguments: "Sequence[str]", environ: "Mapping[str, str]") -> int:
    """Go on as .venv's Python with `arguments`; return its exit code where there is no exec."""
    command = [str(python_of(VENV)), *arguments]
    os.chdir(ROOT)
    sys.stdout.flush()
    if not WINDOWS:
        os.execve(command[0], command, dict(environ))
    import subprocess  # Windows: exec would give the terminal back while JupyterLab still runs

    with subprocess.Popen(command, env=dict(environ)) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # JupyterLab got it too, and asks whether to stop


# --- lab, install, test ----------------------------------------------------------------------


def lab_arguments(extra: "Sequence[str]" = ()) -> "list[str]":
    """Return what follows `python` to open JupyterLab at the first lesson; `extra` goes last."""
    arguments = ["-m", "jupyterlab"]
    if (ROOT / FIRST_LESSON).exists():
        arguments.append(f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}")
    if getattr(os, "geteuid", os.getpid)() == 0:  # root, as in containers: Jupyter asks for this
        arguments.append("--allow-root")
    return [*arguments, *extra]


def course_environment(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Return `environ` for programs of .venv: its Python first on the PATH (for the terminals of
    JupyterLab), its kernel before one of the same name elsewhere, and a home that can be written.
    """
    made = dict(environ)
    made["PATH"] = str(python_of(VENV).parent) + os.pathsep + environ.get("PATH", os.defpath)
    made["VIRTUAL_ENV"] = str(VENV)
    made["JUPYTER_PREFER_ENV_PATH"] = "1"
    made.pop("PYTHONHOME", None)
    if not home_is_writable():
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
            folder = STATE / "home" / name.lower()
            folder.mkdir(parents=True, exist_ok=True)
            made.setdefault(name, str(folder))
        made.setdefault("JUPYTER_RUNTIME_DIR", str(STATE / "home/jupyter_data_dir/runtime"))
    return made


def home_is_writable() -> bool:
    """Tell whether Jupyter can keep its settings in the home folder, or make that folder."""
    try:
        home = Path.home()
    except RuntimeError:
        return False
    while not home.exists() and home != home.parent:
        home = home.parent
    return home.is_absolute() and home.is_dir() and os.access(home, os.W_OK)


def lab(arguments: "list[str]") -> int:
    """Open JupyterLab at the first lesson; `arguments` are passed on to it."""
    prepare()
    keep_shipped()
    say("Starting JupyterLab. To stop it: Ctrl-C here, then y.")
    return replace_process(lab_arguments(arguments), course_environment(os.environ))


def only_install(arguments: "list[str]") -> int:
    """Make .venv and install the lock, and open nothing."""
    prepare()
    keep_shipped()
    say("Ready. Next: python3 start.py" + ("  (or: py start.py)" if WINDOWS else ""))
    return 0


def test(arguments: "list[str]") -> int:
    """Run every gate of tests/gates.py, or those named."""
    prepare()
    return replace_process(["tests/gates.py", *arguments], course_environment(os.environ))


def wishes(arguments: "list[str]") -> int:
    """Price the questions that a lesson kept, and send them when asked to and agreed."""
    prepare()
    words = ["-m", "practice.wishes_cli", *arguments]
    return replace_process(words, course_environment(os.environ))


# --- reset -----------------------------------------------------------------------------------


def shipped() -> "dict[str, str]":
    """Return {"notebooks/01_first_call.ipynb": sha256} of every file that `reset` gives back."""
    pairs = (line.split(maxsplit=1) for line in read(SHIPPED).splitlines())
    return {path: digest for digest, path in pairs}


def digest_of(path: Path) -> str:
    """Return the sha256 of a file, or "" when there is none."""
    import hashlib

    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def write_shipped(arguments: "Sequence[str]" = ()) -> int:
    """Write shipped.sha256 anew from the files as they are now: for authors."""
    paths = [
        path.relative_to(ROOT).as_posix()
        for pattern in GIVEN_BACK
        for path in ROOT.glob(pattern)
        if path.is_file() and ".mine-" not in path.name and not path.name.startswith(("my_", "."))
    ]
    text = "".join(f"{digest_of(ROOT / path)}  {path}\n" for path in sorted(paths))
    SHIPPED.write_text(text, encoding="utf-8", newline="\n")
    say(f"{SHIPPED.name}: {len(paths)} files.")
    return 0


def keep_shipped() -> None:
    """Keep a copy of every file that is still as shipped, under the checksum of its content.

    So `reset` needs neither git nor a network, and after an update it gives the new version: the
    list travels with the course, and a file that the learner changed is never mistaken for it.
    """
    store = STATE / "shipped"
    for path, digest in shipped().items():
        if not (store / digest).exists() and digest_of(ROOT / path) == digest:
            store.mkdir(parents=True, exist_ok=True)
            write_whole(store / digest, (ROOT / path).read_bytes())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either there completely or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


def as_shipped(path: str, digest: str) -> bytes:
    """Return the file `path` with this checksum: kept at a start, or what git committed."""
    import hashlib
    import subprocess

    kept = STATE / "shipped" / digest
    if digest_of(kept) == digest:
        return kept.read_bytes()
    try:
        asked = subprocess.run(
            ["git", "show", f"HEAD:./{path}"], capture_output=True, cwd=ROOT, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        asked = None
    if asked and hashlib.sha256(asked.stdout).hexdigest() == digest:
        return asked.stdout
    raise StartError(
        f"No copy of {path} as it was shipped is left here: download the course again and take "
        "that file from it. Yours was not touched."
    )


def find_lesson(name: str) -> str:
    """Return the path of the shipped notebook that is called `name`, with or without its folder."""
    import difflib

    paths = [path for path in shipped() if path.endswith(".ipynb")]
    paths.sort(key=lambda path: (not path.startswith("notebooks/"), path))
    wanted = Path(name).as_posix()
    wanted = wanted[: -len(".ipynb")] if wanted.endswith(".ipynb") else wanted
    names: dict[str, str] = {}
    for path in paths:  # notebooks/ come first, and keep the short name
        names.setdefault(path[: -len(".ipynb")], path)
        names.setdefault(Path(path).stem, path)
    if wanted in names:
        return names[wanted]
    stems = [stem for stem in names if "/" not in stem]
    near = [stem for stem in stems if wanted and stem.startswith(wanted)]
    near = near or difflib.get_close_matches(wanted, stems, n=3, cutoff=0.4) or stems
    raise StartError(f'There is no lesson called "{name}"; there is: {", ".join(near[:20])}.')


def reset(arguments: "list[str]") -> int:
    """Give one lesson back as it was shipped, and keep the learner's copy beside it.

    With it come its recording, and the data and pictures that lessons read.
    """
    if len(arguments) != 1:
        raise StartError("Name one lesson, for example: python3 start.py reset 01_first_call")
    keep_shipped()
    path = find_lesson(arguments[0])
    shared = ("notebooks/data/", "notebooks/images/", f"recordings/{Path(path).stem}.json")
    wanted = {
        each: digest
        for each, digest in shipped().items()
        if (each == path or each.startswith(shared)) and digest_of(ROOT / each) != digest
    }
    if not wanted:
        say(f"{path} and what it reads are as they were shipped: nothing to do.")
    for each, original in [(each, as_shipped(each, wanted[each])) for each in sorted(wanted)]:
        keep_mine(ROOT / each)
        write_whole(ROOT / each, original)
        say(f"{each} is again as it was shipped.")
    if path in wanted:
        say("Is it open in JupyterLab? Then choose File, Reload Notebook from Disk.")
    return 0


def keep_mine(path: Path) -> None:
    """Copy the learner's version of a file, if there is one, under the next free name beside it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    number = 1
    while path.with_name(f"{path.stem}.mine-{number}{path.suffix}").exists():
        number += 1
    copy = path.with_name(f"{path.stem}.mine-{number}{path.suffix}")
    write_whole(copy, path.read_bytes())
    say(f"Your copy is kept: {copy.relative_to(ROOT).as_posix()}")


# --- doctor ----------------------------------------------------------------------------------


class Finding(NamedTuple):
    """One line of the doctor: what was looked at, what it is, and a remedy if it needs one."""

    name: str
    text: str
    remedy: str = ""


def in_venv() -> bool:
    """Tell whether .venv's Python runs this."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def version_of(package: str) -> str:
    """Return the installed version of a package, or "" when it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def how_to_install() -> str:
    """Return the words that install what is missing, for the environment that is in use."""
    if version_of("anthropic") and not in_venv():
        return "run  pip install -r requirements.txt  and then  pip install -e ."
    return f"run  {'py' if WINDOWS else 'python3'} start.py install"


def check_python() -> "Iterator[Finding]":
    """The Python, and whether .venv is complete."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    if sys.version_info[:2] > NEWEST:
        newest = "use Python {}.{} if something fails".format(*NEWEST)
        yield Finding("Python", f"{version}, newer than the course was tried with", newest)
    else:
        yield Finding("Python", version)
    if not what_is_missing():
        yield Finding("Environment", ".venv, complete")
    elif version_of("anthropic") and not in_venv():
        yield Finding("Environment", "your own, not the .venv that start.py makes")
    else:
        yield Finding("Environment", ".venv is missing, half made or out of date", how_to_install())


def check_packages() -> "Iterator[Finding]":
    """The SDK, the kernel and the widgets; in .venv, with the versions of the lock."""
    import re
    from importlib.util import find_spec

    if not version_of("anthropic"):
        return  # said already: nothing is installed
    for name, packages in {
        "SDK": ["anthropic"],
        "Kernel": ["ipykernel", "jupyterlab"],
        "Widgets": ["ipywidgets", "jupyterlab_widgets"],
    }.items():
        words, fine = [], True
        for package in packages:
            version, line = version_of(package), package.replace("_", "-")
            locked = re.findall(rf"^{line}==(\S+)", read(LOCK), re.M)
            fine = fine and (version in locked or bool(version and not in_venv()))
            other = "" if version in locked or not version else f" (locked: {' or '.join(locked)})"
            words.append(f"{package} {version or 'missing'}{other}")
        yield Finding(name, ", ".join(words), "" if fine else how_to_install())
    if not find_spec("helpers"):
        yield Finding("Helpers", "the package of the course cannot be imported", how_to_install())


def check_port() -> "Iterator[Finding]":
    """Whether a program may talk to another one on this machine, as JupyterLab must."""
    import socket

    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        what = f"this machine does not let a program talk to itself ({error.strerror or error})"
        yield Finding("Port", what, "allow Python on 127.0.0.1 in your firewall or virus scanner")
        return
    try:
        socket.create_connection(("127.0.0.1", 8888), timeout=1).close()
        taken = "; 8888 is in use, so JupyterLab takes another one"
    except OSError:
        taken = ""
    yield Finding("Port", "127.0.0.1 answers" + taken)


def check_proxy() -> "Iterator[Finding]":
    """Whether a proxy stands between this machine and itself. Its address may hold a password."""
    from urllib.request import getproxies, proxy_bypass

    proxies = sorted(set(getproxies()) & {"http", "https", "all"})
    if not proxies:
        yield Finding("Proxy", "none")
    elif proxy_bypass("127.0.0.1") and proxy_bypass("localhost"):
        yield Finding("Proxy", f"set ({', '.join(proxies)}), and left out for this machine itself")
    else:
        what = f"set ({', '.join(proxies)}), also for this machine itself"
        yield Finding("Proxy", what, "set the variable NO_PROXY to  localhost,127.0.0.1")


def what_is_wrong_with_key(key: str) -> str:
    """Return what is wrong with the shape of an API key, or "". Never any part of the key."""
    if key != key.strip():
        return "has a space or a line end before or after it"
    if key[:1] in "\"'" or key[-1:] in "\"'":
        return "has a quote before or after it"
    if not key.isascii() or not key.isprintable() or " " in key:
        return "holds a character that no key has (a space, a curly quote, an invisible one)"
    if any(mark in key.lower() for mark in ("your", "xxx", "...", "<", "paste", "example")):
        return "is still the placeholder"
    if not key.startswith("sk-ant-") or len(key) < 40:
        return "does not look like a key of the Claude API (another beginning, or too short)"
    return ""


def check_mode() -> "Iterator[Finding]":
    """Replay or live, as `setup` in a lesson will decide it, and the shape of the key."""
    if not version_of("anthropic"):
        return
    dotenv = ROOT / ".env"
    if not dotenv.exists() and (ROOT / ".env.txt").exists():
        what = "the file is called .env.txt, so it is not read"
        yield Finding("Settings", what, "rename it to .env")
    start = dotenv.read_bytes()[:200] if dotenv.exists() else b""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:3] == b"\xef\xbb\xbf" or 0 in start:
        what = ".env begins with invisible bytes, so programs misread its first line"
        yield Finding("Settings", what, "save it again as UTF-8, without BOM")
    try:
        from dotenv import dotenv_values

        from helpers._setup import decide_mode

        values = dotenv_values(dotenv, encoding="utf-8-sig")
        mode = decide_mode(os.environ, values)
    except Exception as error:  # whatever it is, the other findings should be seen
        what = f"not known ({type(error).__name__})"
        yield Finding(
            "Mode", what, "look at the findings above, and compare .env with .env.example"
        )
        return
    yield Finding("Mode", f"{mode.name}: {mode.why}")
    where, key = ".env", values.get("ANTHROPIC_API_KEY")
    if not key and mode.name == "live":
        where, key = "the environment", os.environ.get("ANTHROPIC_API_KEY")
    if key:
        wrong = what_is_wrong_with_key(key)
        fine = f"the key in {where} has the right shape (not tried)"
        what = f"the key in {where} {wrong}" if wrong else fine
        yield Finding("Key", what, "copy it again: the whole key, nothing else" if wrong else "")


def check_clock() -> "Iterator[Finding]":
    """The date, which secure connections need to be right, and the variables for certificates."""
    import datetime
    import re

    today = datetime.date.today()
    written = re.search(r"\d{4}-\d{2}-\d{2}", read(LOCK)[:400])  # in the command that made it
    locked = datetime.date.fromisoformat(written.group()) if written else today
    if not locked <= today + datetime.timedelta(days=1) <= locked.replace(year=locked.year + 10):
        what = f"{today} cannot be right, so secure connections will fail"
        yield Finding("Clock", what, "set the date of this computer")
    else:
        yield Finding("Clock", f"{today}")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name) and not Path(os.environ[name]).exists():
            what = f"{name} names a file that is not there, so secure connections will fail"
            yield Finding("Certificates", what, f"remove the variable {name}, or correct it")


CHECKS = (check_python, check_packages, check_port, check_proxy, check_mode, check_clock)


def findings() -> "list[Finding]":
    """Return what the doctor sees with the Python that runs this."""
    return [finding for check in CHECKS for finding in check()]


def doctor(arguments: "list[str]") -> int:
    """Say what is fine and what is not, with a remedy for each; 0 when all is fine, else 1."""
    if not what_is_missing() and not in_venv():
        return replace_process(["start.py", "doctor"], course_environment(os.environ))
    seen = findings()
    for finding in seen:
        say(f"{'! look' if finding.remedy else '+ ok  '}  {finding.name:<12} {finding.text}")
        if finding.remedy:
            say(f"{'':21} -> {finding.remedy}")
    look = sum(bool(finding.remedy) for finding in seen)
    say(f"\n{look} of {len(seen)} need a look." if look else f"\nAll {len(seen)} are fine.")
    return 1 if look else 0


# --- the commands ----------------------------------------------------------------------------


class Command(NamedTuple):
    """A word after start.py: what it runs, and its line in the help (none: for authors)."""

    run: "Callable[[list[str]], int]"
    help: str = ""


COMMANDS = {
    "lab": Command(lab, "open JupyterLab at the first lesson (also without any word)"),
    "test": Command(test, "run everything that CI runs; with names of gates, only those"),
    "doctor": Command(doctor, "look at this machine, with a remedy for each finding"),
    "reset": Command(reset, "LESSON: give a lesson back as it was shipped, and keep your copy"),
    "wishes": Command(wishes, "list the questions you kept, with prices; --send asks the real API"),
    "install": Command(only_install, "make .venv and install the packages, open nothing"),
    "shipped": Command(write_shipped),
}


def usage() -> str:
    """Return the help."""
    lines = [f"  {name:<8} {command.help}" for name, command in COMMANDS.items() if command.help]
    return "python3 start.py [word]     (Windows: py start.py [word])\n\n" + "\n".join(lines)


def main(arguments: "list[str]") -> int:
    """Run the command that `arguments` name; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an umlaut in a path must not end the program
            stream.reconfigure(errors="backslashreplace")
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        say(usage())
        return 0
    if not arguments or arguments[0].startswith("-"):
        arguments = ["lab", *arguments]
    word, *rest = arguments
    try:
        if word not in COMMANDS:
            raise StartError(f'"{word}" is not a word that start.py knows.\n\n{usage()}')
        return COMMANDS[word].run(rest)
    except StartError as sentence:
        print(sentence, file=sys.stderr, flush=True)
        return 1
    except PermissionError as error:
        print(
            f"Your account may not use {error.filename}: it belongs to another account or to a "
            "read-only disk; copy the course, without .venv and .course, to a folder of your own "
            "and run this again there, without sudo.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr, flush=True)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
