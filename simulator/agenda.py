"""What is still to happen in the simulated site, and what has happened. Pure.

Time is passed in as float seconds since the site began; nothing here reads a clock.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

KEPT_EVENTS = 2000


class Agenda:
    """Steps with a due time, carried out in the order of time, then of entry."""

    def __init__(self, after_each: Callable[[], None] = lambda: None) -> None:
        """Begin with nothing to do, at second 0. after_each: called after every step."""
        self.now = 0.0
        self._after_each = after_each
        self._count = 0
        self._steps: list[tuple[float, int, Callable[[], None]]] = []

    def after(self, seconds: float, step: Callable[[], None]) -> None:
        """Enter a step that is due `seconds` from the agenda's present moment."""
        self._count += 1
        heapq.heappush(self._steps, (self.now + seconds, self._count, step))

    def advance(self, now: float) -> None:
        """Carry out all that is due by `now`; each step sees its own due time as `self.now`.

        A `now` in the past changes nothing: time only goes on.
        """
        while self._steps and self._steps[0][0] <= now:
            due, _, step = heapq.heappop(self._steps)
            self.now = max(self.now, due)
            step()
            self._after_each()
        self.now = max(self.now, now)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. at: seconds since the site began. host: empty if of the cluster.

    number: NLB's or the Management Layer's event number as documented, None for others.
    """

    at: float
    cluster: str
    host: str
    what: str
    number: int | None = None


class EventLog:
    """The latest events of the whole site, oldest first, capped at `KEPT_EVENTS`."""

    def __init__(self, agenda: Agenda) -> None:
        """Take the time of each event from `agenda`."""
        self._agenda = agenda
        self.count = 0
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)

    def add(self, cluster: str, host: str, what: str, number: int | None = None) -> None:
        """Record an event of this moment."""
        self.count += 1
        self._events.append(Event(self._agenda.now, cluster, host, what, number))

    def after(self, count: int) -> tuple[Event, ...]:
        """Return all events after the first `count`, oldest first, as far as they are kept."""
        new = min(self.count - count, len(self._events))
        return tuple(self._events)[-new:] if new > 0 else ()

    def of(self, cluster: str) -> tuple[Event, ...]:
        """Return the events of one cluster, oldest first."""
        return tuple(event for event in self._events if event.cluster == cluster)
