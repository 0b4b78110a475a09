"""How fast replies come: the one setting that adapters read from the environment."""

from __future__ import annotations

import os


def pace() -> float:
    """1 is the course's human pace, 0 is at once (`COURSE_PACE`)."""
    try:
        return max(0.0, float(os.environ.get("COURSE_PACE") or 1))
    except ValueError:
        return 1.0
