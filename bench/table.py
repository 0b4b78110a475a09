"""The bench's one table, in Markdown, and the machine it was measured on.

No host name, no path: the table may be pasted anywhere.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "anthropic", "httpx2", "tornado", "pydantic", "ipykernel", "jupyter_client", "nbval", "pytest",
    "pytest-xdist",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line: what was measured, beside what, how they compare; a target, and whether reached."""

    what: str
    measured: str
    beside: str = ""
    compared: str = ""
    target: str = ""
    reached: bool | None = None


@dataclass(frozen=True)
class Times:
    """The same thing measured several times, in seconds: its middle, and its best."""

    median: float
    best: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        """The median and the minimum of at least one measurement."""
        return cls(statistics.median(seconds), min(seconds))

    def __str__(self) -> str:
        """For the table: the median, and the minimum in brackets."""
        unit, factor = ("s", 1.0) if self.median >= 1 else ("ms", 1_000.0)
        digits = 0 if self.median * factor >= 20 else 2
        return f"{self.median * factor:.{digits}f} {unit} ({self.best * factor:.{digits}f})"

    def times(self, other: Times) -> str:
        """How many times `other` this is, by the medians and by the minima."""
        return f"{self.median / other.median:.2f}x ({self.best / other.best:.2f}x)"

    def over(self, other: Times) -> str:
        """How much longer than `other` this takes, by the medians and by the minima."""
        middle, best = self.median - other.median, self.best - other.best
        return f"{1_000 * middle:+.2f} ms ({1_000 * best:+.2f})"


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | beside | compared | target | reached |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        reached = {None: "", True: "yes", False: "**no**"}[row.reached]
        cells = (row.what, row.measured, row.beside, row.compared, row.target, reached)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def processor() -> str:
    """The processor's name as this system tells it."""
    if sys.platform == "linux":
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in told if line.startswith("model name")]
        if names:
            return names[0]
    if sys.platform == "darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        said = subprocess.run(asked, capture_output=True, encoding="utf-8", check=False).stdout
        if said.strip():
            return said.strip()
    return platform.processor() or platform.machine()


def load() -> str:
    """The load average of the last minute, where the system keeps one."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"


def machine() -> str:
    """Cores, processor, system, Python and package versions, in two lines."""
    system = f"{platform.system()} {platform.machine()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{os.cpu_count()} cores, {processor()}, {system}, {python}\n{packages}"
