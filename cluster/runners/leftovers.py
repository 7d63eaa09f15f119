"""How often a host is still asked on which commands hang. Pure: time comes in.

OpenSSH for Windows leaves a command running when its connection ends (known: Win32-OpenSSH
issue 1751), and there is no way to end it from here. Whoever went on asking every few seconds
would fill the host with processes that wait for each other.
"""

from __future__ import annotations

from cluster.clock import Instant

FREE = 12
"""Commands that may hang in a row before asking becomes rare."""

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0


class Leftovers:
    """The commands in a row that were given up on one host while they ran."""

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._next: Instant | None = None

    def wait_seconds(self, now: Instant) -> float:
        """Return how long not to ask yet; 0.0 permits one command, and counts it as a try."""
        if self.count < FREE:
            return 0.0
        if self._next is not None and now.monotonic < self._next.monotonic:
            return self._next.seconds_since(now)
        self._next = now.plus(self._pause_seconds)
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        return 0.0

    def was_not_sent(self) -> None:
        """Give a try back: what never left cannot hang, so the next may follow at once."""
        self._next = None

    def given_up(self) -> None:
        """Count a command that was given up while it ran."""
        self.count += 1

    def ended(self) -> None:
        """Forget them all: a command has come to its end."""
        self.count = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._next = None
