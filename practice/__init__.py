"""The practice room: what a learner does with a lesson, and what is kept of it.

Exercises, how they are checked, the vocabulary in which checks are written, the quiz,
the error hunt, progress, the desk, the wish list, and two displays to play with: a text
that grows and a chat. Notebooks import these from `helpers`.
Nothing here knows how the course server does its work.
"""
