"""What is fast and how fast, against peers measured in the same run (`python -m bench`).

Numbers of one machine, for people; no test asserts a time. No other room imports this one.
"""

from __future__ import annotations


class BenchError(Exception):
    """A run that cannot be measured; the message says which, and what it did instead."""
