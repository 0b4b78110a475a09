"""The practice room: what a learner does with a lesson, and what is kept of it.

Exercises and how they are checked, the quiz, the error hunt, progress, the desk and the
wish list. Notebooks import these from `helpers`. Nothing here knows how the course
server does its work.
"""
