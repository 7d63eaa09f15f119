"""Edge: ticks, so that it is noticed when this program stood still or the clock jumped."""

from __future__ import annotations

import threading

from cluster import log
from cluster.clock import Clock
from remediator.tilt import Tilt

TICK_SECONDS = 0.25
JOIN_SECONDS = 8.0


class Ticking:
    """A thread that does nothing else: work in it would look like a stall."""

    def __init__(self, tilt: Tilt, clock: Clock) -> None:
        self._tilt = tilt
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True, name="ticking")

    def start(self) -> None:
        """Begin to tick."""
        self._tilt.tick(self._clock.now())
        self._thread.start()

    def stop(self) -> None:
        """Tick no more."""
        self._stop.set()
        self._thread.join(JOIN_SECONDS)

    def _tick(self) -> None:
        while not self._clock.wait(TICK_SECONDS, self._stop):
            why = self._tilt.tick(self._clock.now())
            if why is not None:
                log.get("remediator").warning("tilt, it only watches for now", why=why)
