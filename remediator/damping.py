"""Whether a primary changes too often to be followed at once. Pure: time comes with the views.

A *flip* is a change of the one confirmed primary from one host to another. So many flips are
free (`policy.damping`), and become free again with time. Who goes beyond is followed only once he
has been the only primary for a while: 5 s, twice as long with each flip more, 60 s at most. A
view that contradicts costs the time until the next that does not, and no more. So it is never a
freeze: nobody is kept waiting for longer than that while the ports could follow him.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cluster.clock import Instant, utc_text
from cluster.config_interlocks import Damping as Settings
from cluster.model import ClusterView, SipMode
from remediator.interlocks import Block, Circumstances
from remediator.rows import Hold

STEADY_SECONDS = 5.0
LONGEST_STEADY_SECONDS = 60.0
WATCH_SECONDS = 2.0
"""How often a primary that has to prove itself is looked at."""
MOST_OVERDRAWN = 5.0
"""Flips beyond the free ones that are counted: with them the longest time is reached."""


@dataclass(frozen=True, slots=True)
class Flips:
    """What is remembered of one cluster.

    host: the last confirmed primary. since: when it became so, later by all the time in which views
    contradicted it. contradicted: when the first of the views began that do so now; None if the
    last one did not. free: flips that were free when the last one was `counted`, below 0 where
    more than those happened. first, count: of the flips since all were free.
    """

    free: float
    counted: Instant
    host: str | None = None
    since: Instant | None = None
    contradicted: Instant | None = None
    first: Instant | None = None
    count: int = 0

    def seen(self, view: ClusterView, settings: Settings) -> Flips:
        """Take a view in. A host that cannot be read says neither yes nor no."""
        primaries = [host.host for host in view.primaries]
        if len(primaries) != 1:
            return self._doubted(view)
        if primaries[0] == self.host:
            return self._confirmed(view.began)
        if self.host is None:
            return replace(self, host=primaries[0], since=view.began)
        return self._flipped(primaries[0], view.began, settings)

    def _doubted(self, view: ClusterView) -> Flips:
        backup = any(h.host == self.host and h.mode is SipMode.BACKUP for h in view.hosts)
        contradicts = backup or len(view.primaries) > 1
        if self.contradicted is not None or not contradicts:
            return self
        return replace(self, contradicted=view.began)

    def _confirmed(self, now: Instant) -> Flips:
        if self.since is None or self.contradicted is None:
            return self
        lost = now.seconds_since(self.contradicted)
        return replace(self, since=self.since.plus(lost), contradicted=None)

    def _flipped(self, host: str, now: Instant, settings: Settings) -> Flips:
        free = self.free_at(now, settings)
        anew = self.first is None or free >= settings.flips
        return Flips(
            max(free - 1.0, -MOST_OVERDRAWN),
            now,
            host,
            since=now,
            first=now if anew else self.first,
            count=1 if anew else self.count + 1,
        )

    def free_at(self, now: Instant, settings: Settings) -> float:
        """Return how many flips are free at a moment; below 0 where more happened than were."""
        again = now.seconds_since(self.counted) * settings.flips / settings.window
        return min(float(settings.flips), self.free + max(0.0, again))

    def steady_seconds(self, now: Instant, settings: Settings) -> float:
        """Return how long the primary has to have been the only one; 0.0 if it is followed at once.

        As its flip found it, until all that was overdrawn is free again.
        """
        if self.free_at(now, settings) >= 0.0:
            return 0.0
        doubled: float = STEADY_SECONDS * 2.0 ** (math.ceil(-self.free) - 1)
        return min(LONGEST_STEADY_SECONDS, doubled)


class Damping:
    """The guard `damped`, over all clusters."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._of: dict[str, Flips] = {}

    @property
    def of(self) -> Mapping[str, Flips]:
        """What is remembered of each cluster that was looked at."""
        return self._of

    def note(self, view: ClusterView) -> None:
        """Count a change of the primary; see whether it is steady."""
        known = self._of.get(view.cluster)
        if known is None:
            known = Flips(float(self._settings.flips), view.began)
        self._of[view.cluster] = known.seen(view, self._settings)

    def why_not(self, given: Circumstances) -> Block | None:
        """Block while the primary of a view, which was noted, has not been steady long enough."""
        flips, began = self._of[given.view.cluster], given.view.began
        wanted = flips.steady_seconds(began, self._settings)
        since = flips.since or began
        if wanted == 0.0 or began.seconds_since(since) >= wanted:
            return None
        until = since.plus(wanted)
        text = (
            f"the primary changed {flips.count} times since {_moment(flips.first or began)}; "
            f"{flips.host} is followed once it has been the only primary for {wanted:g} s, "
            f"not before {_moment(until)}"
        )
        left = until.seconds_since(given.now)
        return Block(Hold.DAMPED, text, again_seconds=min(WATCH_SECONDS, max(0.0, left)))

    def is_damped(self, cluster: str, now: Instant) -> bool:
        """Tell whether a primary has to be steady before it is followed."""
        flips = self._of.get(cluster)
        return flips is not None and flips.steady_seconds(now, self._settings) > 0.0


def _moment(instant: Instant) -> str:
    return utc_text(instant.utc)
