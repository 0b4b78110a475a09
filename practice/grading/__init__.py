"""How an exercise is checked: by what the learner's code does, never by how it is written.

It runs their function against a course server of its own and looks at what was sent, returned,
raised and printed. It must not know what a notebook is, and imports nothing of IPython.
"""

from practice.grading.lab import Lab, Run
from practice.grading.model import Exercise, Mistake

__all__ = ["Exercise", "Lab", "Mistake", "Run"]
