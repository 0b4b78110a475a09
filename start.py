"""The door of the course: makes .venv, hands out your copy, opens JupyterLab.

    python3 start.py            (Windows: py start.py)
    python3 start.py help       what else it can do

All the work is done in launch/. This file must stay readable by Python 3.6, so that a
Python that is too old gets a sentence instead of a SyntaxError.
"""

import os
import sys

# What lies on PYTHONPATH must not stand in for launch/ or for a part of Python. The
# folder of this file is named, because PYTHONSAFEPATH leaves it out. (pathlib is not
# used: it would be imported before that.)
others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
others = [os.path.abspath(folder) for folder in others if folder]  # noqa: PTH100
sys.path[:] = [folder for folder in sys.path if folder not in others]
here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
sys.path.insert(0, here)


def main(arguments: "list[str]") -> int:  # Python 2 stops here. Run:  python3 start.py
    """Run what `arguments` name, if this Python is new enough; return the exit code."""
    try:
        from launch import too_old
    except ImportError:
        print(
            "The folder launch is not beside start.py: download the whole course, not "
            "only this file, and run it there.",
            file=sys.stderr,
        )
        return 1
    sentence = too_old(sys.version_info[:2])
    if sentence:
        print(sentence, file=sys.stderr)
        return 1
    # Only now: what stands in launch/ is written for the Pythons of the course.
    from launch.commands import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
