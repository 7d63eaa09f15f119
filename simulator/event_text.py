"""Events of the simulated site as lines of text, in the order of their times. Pure."""

from __future__ import annotations

import heapq

from simulator.agenda import Event


def line(at: float, where: str, what: str) -> str:
    """Return one line. at: seconds since the site began."""
    return f"{at:8.2f} s  {where:<12} {what}"


def event_line(event: Event) -> str:
    """Return the line of an event; one of no single host is given by its cluster."""
    return line(event.at, event.host or event.cluster, event.what)


class OrderedLines:
    """Lines that come a little out of order and leave in the order of their times."""

    def __init__(self) -> None:
        """Begin with no line."""
        self._count = 0
        self._held: list[tuple[float, int, str]] = []

    def add(self, at: float, text: str) -> None:
        """Hold a line; those of one moment leave in the order in which they came."""
        self._count += 1
        heapq.heappush(self._held, (at, self._count, text))

    def take(self, until: float = float("inf")) -> list[str]:
        """Return the lines up to that moment and hold them no longer."""
        taken = []
        while self._held and self._held[0][0] <= until:
            taken.append(heapq.heappop(self._held)[2])
        return taken
