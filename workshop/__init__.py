"""The instructor's room: the offline kit, the view of a class, slides, handouts, notes.

It reads what the other rooms hold, and writes only into the folder `kit/` and where it is told.
It must not write into anybody's progress.
"""


class WorkshopError(Exception):
    """Ends a command with one sentence for the instructor: what happened, what to do."""
