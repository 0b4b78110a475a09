"""How an exercise is checked: by what a learner's code does, not by how it is written.

It runs their function against a course server of its own and looks at what was sent,
returned, raised and printed. It must not know what a notebook is.
"""

from practice.grading.lab import Lab, Run
from practice.grading.model import Exercise, Mistake

__all__ = ["Exercise", "Lab", "Mistake", "Run"]
