"""Time as an argument. The only module of the products that reads a clock or waits.

Wall time is UTC and is what is written and shown. Monotonic time is only subtracted,
never stored and never sent: after a reboot it means nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment, on both clocks.

    utc: aware datetime in UTC, for people and records.
    monotonic: seconds on this process's own clock, for differences only.
    """

    utc: datetime
    monotonic: float

    def seconds_since(self, earlier: Instant) -> float:
        """Return the seconds from `earlier` to this moment by the monotonic clock."""
        return self.monotonic - earlier.monotonic

    def plus(self, seconds: float) -> Instant:
        """Return the moment `seconds` later (earlier if negative)."""
        return Instant(self.utc + timedelta(seconds=seconds), self.monotonic + seconds)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which an answer is of no use any more, in monotonic seconds."""

    monotonic: float

    def remaining(self, now: Instant) -> float:
        """Return the seconds left at `now`; 0.0 once it has passed."""
        return max(0.0, self.monotonic - now.monotonic)

    def earliest(self, other: Deadline) -> Deadline:
        """Return whichever of the two comes first."""
        return self if self.monotonic <= other.monotonic else other


class Clock(Protocol):
    """What a part of the program needs to know of time."""

    def now(self) -> Instant:
        """Return this moment."""

    def wait(self, seconds: float, wake: Event) -> bool:
        """Wait until `wake` is set or `seconds` have passed; return whether it was set."""


class SystemClock:
    """The real clock."""

    def now(self) -> Instant:
        """Return this moment by the system's clocks."""
        return Instant(datetime.now(UTC), time.monotonic())

    def wait(self, seconds: float, wake: Event) -> bool:
        """Wait in real time."""
        return wake.wait(max(0.0, seconds))


def deadline_in(clock: Clock, seconds: float) -> Deadline:
    """Return the deadline `seconds` from now."""
    return Deadline(clock.now().monotonic + seconds)


def utc_text(moment: datetime) -> str:
    """Write a UTC moment as ISO 8601 with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """Read a moment that `utc_text` wrote. Raises TypeError or ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment


def utc_seconds_text(moment: datetime) -> str:
    """Write a UTC moment to the second, for people."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
