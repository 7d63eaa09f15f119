"""When the heartbeat is sent and the alarm raised. Pure; `remediator.heartbeat` is its edge.

The road of alerts is open while the watchdog alert keeps coming and nothing keeps the program
from its work. Somebody outside waits for a heartbeat and calls when none comes; the alarm is our
own call, for whoever is not to wait that long.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

BEAT_EVERY_SECONDS = 60.0
ALARM_EVERY_SECONDS = 300.0
AGAIN_SECONDS = 60.0
"""Least time between two alarms, however often the road opens and closes."""


class Road(StrEnum):
    """UNTOLD: no watchdog alert has come yet, and it is still waited for."""

    OPEN = auto()
    CLOSED = auto()
    UNTOLD = auto()


class Call(StrEnum):
    """What is to be done now."""

    BEAT = auto()
    ALARM = auto()


@dataclass(slots=True)
class HeartbeatPlan:
    """Decides at each turn; remembers when it last did."""

    _beat: float | None = None
    _alarm: float | None = None
    _closed: bool = False

    def due(self, road: Road, now: float) -> Call | None:
        """Return what is to be called now, or None. now: in seconds of any clock that never jumps.

        Asked again and again. A heartbeat after each minute; an alarm as soon as the road is
        closed, and again after each five minutes until it is not.
        """
        if road is Road.OPEN:
            self._closed = False
            if self._beat is not None and now - self._beat < BEAT_EVERY_SECONDS:
                return None
            self._beat = now
            return Call.BEAT
        if road is Road.UNTOLD:
            return None
        pause = ALARM_EVERY_SECONDS if self._closed else AGAIN_SECONDS
        if self._alarm is not None and now - self._alarm < pause:
            return None
        self._closed, self._alarm, self._beat = True, now, None
        return Call.ALARM
