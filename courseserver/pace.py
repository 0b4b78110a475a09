"""How fast replies come: the one setting that adapters read from the environment."""

from __future__ import annotations

import os

SLOWEST = 20.0  # times slower than a person reads; a typing error must not stop a reply


def pace() -> float:
    """How fast things move: 1 is a human pace, 0 is at once (`COURSE_PACE`)."""
    try:
        return min(max(0.0, float(os.environ.get("COURSE_PACE") or 1)), SLOWEST)
    except ValueError:
        return 1.0
