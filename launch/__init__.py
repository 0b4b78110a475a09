"""What start.py calls: the environment, the learner's copy of the course, the doctor.

Standard library only: it runs before .venv exists. It must not know what the lessons
teach. This file and __main__.py stay readable by Python 3.6, so that an old one gets a
sentence.
"""

OLDEST, NEWEST = (3, 10), (3, 14)  # what requirements.txt was locked for


def too_old(version: "tuple[int, ...]") -> str:
    """Return the sentence for a Python older than OLDEST, or "" for a newer one."""
    if version >= OLDEST:
        return ""
    return (
        "This course needs Python {}.{} or newer, and this is Python {}.{}: install a "
        "newer one from https://www.python.org/downloads/ and run this command again "
        "with it, for example  python3.13 start.py".format(*OLDEST + version[:2])
    )
