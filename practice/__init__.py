"""The practice room: what a learner does with a lesson, and what is kept of it.

Exercises and how they are checked, the quiz, the error hunt, progress, the desk, the
wish list, and two displays to play with: a text that grows and a chat. Notebooks import
these from `helpers`. Nothing here knows how the course server does its work.
"""
