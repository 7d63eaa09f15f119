"""When which cluster is looked at. Pure: the time is passed in, in monotonic seconds.

A cluster has at most one look running and one waiting, however many alerts arrive: a look
judges the whole cluster, so one more after the running one is enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

HOLD_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds after which a held cluster is looked at again; the last one repeats."""


class Trigger(IntEnum):
    """Why a cluster is looked at.

    Of several reasons the last one here counts: a person's wish to try again is never lost in
    an alert that comes at the same time.
    """

    ROUTINE = 0
    START = 1
    RECHECK = 2
    HOLD = 3
    RESYNC = 4
    ALERT = 5
    TAKEOVER = 6
    RECONCILE = 7

    @property
    def label(self) -> str:
        """The word for log and journal."""
        return self.name.lower()


@dataclass(slots=True)
class _Waiting:
    due: float
    trigger: Trigger


@dataclass(slots=True)
class LookBoard:
    """Which clusters wait for a look, which are being looked at."""

    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)
    _holds: dict[str, tuple[str, int]] = field(default_factory=dict)

    def request(self, cluster: str, trigger: Trigger, due: float) -> None:
        """Ask for a look at `due`; an earlier one that already waits serves both."""
        waiting = self._waiting.get(cluster)
        if waiting is None:
            self._waiting[cluster] = _Waiting(due, trigger)
        else:
            waiting.due = min(waiting.due, due)
            waiting.trigger = max(waiting.trigger, trigger)

    def take(self, now: float, most: int) -> list[tuple[str, Trigger]]:
        """Return clusters whose look is due and not yet running, and count them as running.

        most: how many may run side by side. A person's wish and alerts come before second
        looks at what is held; among equals the one that waits longest.
        """
        due = sorted(
            (-waiting.trigger, waiting.due, cluster)
            for cluster, waiting in self._waiting.items()
            if waiting.due <= now and cluster not in self._running
        )
        taken = []
        for _, _, cluster in due[: max(0, most - len(self._running))]:
            taken.append((cluster, self._waiting.pop(cluster).trigger))
            self._running.add(cluster)
        return taken

    def held(self, cluster: str, reason: str, now: float, at_latest: float | None = None) -> float:
        """End a look that holds; return the seconds until it is looked at again by itself.

        at_latest: seconds after which a hold that knows when it ends is to be looked at.
        """
        self._running.discard(cluster)
        known, count = self._holds.get(cluster, ("", 0))
        count = count if known == reason else 0
        self._holds[cluster] = (reason, count + 1)
        delay = HOLD_DELAYS[min(count, len(HOLD_DELAYS) - 1)]
        if at_latest is not None:
            delay = min(delay, at_latest)
        self.request(cluster, Trigger.HOLD, now + delay)
        return delay

    def ended(self, cluster: str, recheck_due: float | None) -> None:
        """End a look that holds nothing. recheck_due: when to look once more, None for never."""
        self._running.discard(cluster)
        self._holds.pop(cluster, None)
        if recheck_due is not None:
            self.request(cluster, Trigger.RECHECK, recheck_due)

    def next_due(self, most: int) -> float | None:
        """Return when the next look that is not blocked by running ones is due, or None."""
        if len(self._running) >= most:
            return None
        return min(
            (w.due for cluster, w in self._waiting.items() if cluster not in self._running),
            default=None,
        )

    def is_running(self, cluster: str) -> bool:
        """Tell whether a cluster is being looked at."""
        return cluster in self._running

    def due_of(self, cluster: str) -> float | None:
        """Return when a cluster's waiting look is due, or None."""
        waiting = self._waiting.get(cluster)
        return waiting.due if waiting else None
