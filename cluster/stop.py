"""Edge: the signals that ask a program to end.

The handler only writes down that it was asked: anything with a lock in it could deadlock with
what the main thread is doing. The main thread looks every now and then, because a signal that
another thread took does not wake it (observed), nor does Ctrl-C on Windows.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

from cluster.clock import Clock

WAKE_SECONDS = 0.1


class StopAsked:
    """Remembers the first SIGTERM or SIGINT. Made in the main thread."""

    def __init__(self) -> None:
        """Catch both from now on; further ones change nothing."""
        self._signal: str | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signal = self._signal or signal.Signals(number).name

    def wait(self, clock: Clock) -> str:
        """Wait until asked to end; return the signal's name."""
        never = threading.Event()
        while self._signal is None:
            clock.wait(WAKE_SECONDS, never)
        return self._signal
