"""The spending limit: what is spent, what is reserved, and whether one more request fits.

A request reserves its worst case before it leaves, so requests at the same time cannot pass the
limit together. Plain arithmetic behind a lock, without files or a clock; what must outlast the
session is written down by a `Ledger`, which is given.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from courseserver.price import Worst, dollars

ROUNDING = 1e-9  # USD; sums of floats differ in their last digits
LIMIT, TOTAL = "COURSE_BUDGET_USD", "COURSE_BUDGET_TOTAL_USD"


class Ledger(Protocol):
    """Where money is written down before and after it is spent. Each raises `OSError`."""

    def reserve(self, usd: float, model: str) -> str:
        """Write down that up to so much will be spent; returns the ticket of it."""

    def settle(self, ticket: str, usd: float, **facts: Any) -> None:
        """Write down what a ticket did cost."""

    def note(self, kind: str, name: str, state: str) -> None:
        """Write down that a "file" or "batch" was "created" or "deleted" at the API."""

    def spent(self) -> float:
        """All of it, in every session; what was never settled counts as reserved."""

    def ticket_of(self, batch: str) -> str:
        """The ticket under which a batch was paid, or ""."""


@dataclass(frozen=True)
class Reservation:
    """Money that a request on its way may cost; `ticket` names it in the ledger."""

    usd: float
    ticket: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a request may not leave, in sentences with the arithmetic."""

    message: str


class Budget:
    """A limit for this session and perhaps one for the whole course, in USD.

    Without a limit that somebody set, nothing may be spent.
    """

    def __init__(
        self, limit: float = 0.0, total: float | None = None, ledger: Ledger | None = None
    ) -> None:
        self.limit = limit
        self.total = total
        self.ledger = ledger
        self.spent = 0.0
        self.reserved = 0.0
        self.unwritten = ""  # why the last cost is not in the ledger, or ""
        self._batches: dict[str, Reservation] = {}
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """What this session may still spend."""
        return max(0.0, self.limit - self.spent - self.reserved)

    @property
    def left_of_total(self) -> float:
        """What the whole course may still spend; nothing when the ledger cannot be read."""
        if self.total is None:
            return float("inf")
        with suppress(OSError):
            return max(0.0, self.total - self._used())
        return 0.0

    def _used(self) -> float:
        """What was spent and reserved in every session that shares the ledger."""
        return self.ledger.spent() if self.ledger else self.spent + self.reserved

    def told(self) -> str:
        """What is left of the limits, in a sentence."""
        text = f"Of {dollars(self.limit)} for this session, {dollars(self.left)} is left"
        if self.total is not None:
            text += f"; of {dollars(self.total)} for the course, {dollars(self.left_of_total)}"
        if self.unwritten:
            text += (
                f". What a reply did cost could not be written down ({self.unwritten}), so the "
                "ledger goes on counting the most that it could have cost; make room on the disk"
            )
        return f"{text}."

    def reserve(self, worst: Worst, model: str = "") -> Reservation | Refusal:
        """Set the worst case of a request aside, or say why it may not leave."""
        with self._lock:
            if worst.usd > self.left + ROUNDING:
                return Refusal(self._too_dear(worst, LIMIT, self.limit, self.spent, self.reserved))
            try:
                ticket = self.ledger.reserve(worst.usd, model) if self.ledger else ""
                if self.total is not None:
                    # Read after writing: of two kernels at once, each sees the other's.
                    used = self._used() - (worst.usd if ticket else 0.0)
                    if used + worst.usd > self.total + ROUNDING:
                        if self.ledger:
                            self.ledger.settle(ticket, 0.0)
                        return Refusal(self._too_dear(worst, TOTAL, self.total, used, 0.0))
            except OSError as error:
                return Refusal(_no_ledger(error))
            self.reserved += worst.usd
            return Reservation(worst.usd, ticket)

    def settle(self, reservation: Reservation, usd: float, **facts: Any) -> None:
        """Book what a request did cost in place of what was reserved for it."""
        with self._lock:
            self.reserved = max(0.0, self.reserved - reservation.usd)
            self.spent += usd
            if self.ledger and reservation.ticket:
                try:
                    self.ledger.settle(reservation.ticket, usd, **facts)
                    self.unwritten = ""
                except OSError as error:
                    self.unwritten = error.strerror or str(error)

    def settle_batch(self, reservation: Reservation, name: str, **facts: Any) -> None:
        """Book a batch at its worst case, until its results say what it did cost."""
        self._batches[name] = reservation
        self.settle(reservation, reservation.usd, batch=name, **facts)

    def correct_batch(self, name: str, usd: float) -> None:
        """Book what a batch did cost, also one of an earlier session; again changes nothing."""
        with self._lock, suppress(OSError):
            booked = self._batches.pop(name, None)
            if booked:
                self.spent += usd - booked.usd
            if self.ledger and (ticket := self.ledger.ticket_of(name)):
                self.ledger.settle(ticket, usd, batch=name)

    def note(self, kind: str, name: str, state: str) -> None:
        """Write down that a "file" or "batch" was "created" or "deleted" at the API."""
        if self.ledger:
            with suppress(OSError):
                self.ledger.note(kind, name, state)

    def _too_dear(
        self, worst: Worst, name: str, limit: float, spent: float, reserved: float
    ) -> str:
        left = max(0.0, limit - spent - reserved)
        whose = "this session" if name == LIMIT else "the whole course"
        running = f", {dollars(reserved)} is reserved for requests on their way" if reserved else ""
        text = (
            "The course did not send this request, and nothing was paid: it could cost more than "
            f"your spending limit leaves. It costs at most {dollars(worst.usd)}: {worst}. Of "
            f"{dollars(limit)} for {whose}, {dollars(spent)} is spent{running}, so {dollars(left)} "
            f"is left. What you can do: raise {name} in the file .env and run setup again"
        )
        room = left - worst.input - worst.fees
        if worst.output and room > 0:
            fits = int(round(worst.output_tokens * room / worst.output, 6))
            text += f", or lower max_tokens (there is room for {fits:,} tokens of output)"
        return text + "."


def _no_ledger(error: OSError) -> str:
    return (
        "The course did not send this request, and nothing was paid: it could not write down what "
        f"the request may cost ({error.strerror}), and without that a spending limit does not "
        "hold. What you can do: make room on the disk, or make this file writable: "
        f"{error.filename or 'ledger.jsonl'}"
    )
