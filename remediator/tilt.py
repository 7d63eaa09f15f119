"""Whether this program may trust itself and what it sees. Pure: time passed in.

After it stood still, after the clock jumped, and after a view in which no host could be read at
all, it only watches until two complete looks in a row agree (modes and port states), 10 s at
most. A look is complete if mode and ports of every host that is read from here were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from cluster.clock import Instant, utc_text
from cluster.model import ClusterView, HostView, PortState, SipMode
from remediator.interlocks import Block, Circumstances
from remediator.rows import Hold

STALL_SECONDS = 2.0
"""How long the ticking may be silent. It ticks several times in that time."""
JUMP_SECONDS = 2.0
LONGEST_SECONDS = 10.0
AGAIN_SECONDS = 0.25
UNREAD = "nothing could be read of any host"

Seen = tuple[tuple[str, SipMode, tuple[PortState, ...]], ...]


@dataclass(slots=True)
class _Tilted:
    """ended: when it was over what tilted; None while it lasts. seen: by the last complete look."""

    why: str
    began: Instant
    ended: Instant | None
    seen: Seen | None = None

    def is_over(self, now: Instant) -> bool:
        """Tell whether it was long enough ago to go on whatever is seen."""
        return self.ended is not None and now.seconds_since(self.ended) >= LONGEST_SECONDS


class Tilt:
    """The guard `tilt`, over all clusters. Called from looks, from the ticking, and by metrics."""

    def __init__(self, own: Mapping[str, frozenset[str]]) -> None:
        """own: of each cluster the hosts that are read from here, not through a peer."""
        self._own = own
        self._lock = Lock()
        self._ticked: Instant | None = None
        self._tilted: dict[str, _Tilted] = {}

    def tick(self, now: Instant) -> str | None:
        """Note that the program runs; return what tilted every cluster since the last time.

        Nothing is told from before the first call.
        """
        with self._lock:
            why = None if self._ticked is None else _what_happened(self._ticked, now)
            self._ticked = now
            if why is None:
                return None
            for cluster in self._own:
                self._tilted[cluster] = _Tilted(why, now, now)
            return why

    def note(self, view: ClusterView) -> None:
        """Compare a view with the one before, where that is waited for."""
        own = [host for host in view.hosts if host.host in self._own[view.cluster]]
        with self._lock:
            tilted = self._tilted.get(view.cluster)
            if all(reading.problem is not None for host in own for reading in host.readings()):
                if tilted is None or tilted.ended is not None:
                    self._tilted[view.cluster] = _Tilted(UNREAD, view.began, None)
            elif tilted is not None and self._is_settled(tilted, view, own):
                del self._tilted[view.cluster]

    @staticmethod
    def _is_settled(tilted: _Tilted, view: ClusterView, own: list[HostView]) -> bool:
        tilted.ended = tilted.ended or view.began
        if view.began.seconds_since(tilted.ended) < 0.0:
            return False  # some of it was read before
        seen = _seen(view) if all(_is_complete(host) for host in own) else None
        agrees = seen is not None and seen == tilted.seen
        tilted.seen = seen
        return agrees or tilted.is_over(view.began)

    def why_not(self, given: Circumstances) -> Block | None:
        """Block while two looks that agree are waited for.

        The one who asks may run before the ticking does, after both stood still; so it is a tick
        too, where there is any ticking.
        """
        if self._ticked is not None:
            self.tick(given.now)
        with self._lock:
            tilted = self._tilted.get(given.view.cluster)
            if tilted is None or tilted.is_over(given.now):
                return None
            text = (
                f"{tilted.why}, at {utc_text(tilted.began.utc)}; "
                f"two complete looks that agree are waited for, {LONGEST_SECONDS:g} s at most"
            )
            return Block(Hold.TILT, text, again_seconds=AGAIN_SECONDS)

    def is_tilted(self, cluster: str, now: Instant) -> bool:
        """Tell whether a cluster is only watched."""
        with self._lock:
            tilted = self._tilted.get(cluster)
            return tilted is not None and not tilted.is_over(now)


def _what_happened(before: Instant, now: Instant) -> str | None:
    """Say whether the program stood still or the clock jumped between two ticks."""
    passed = now.seconds_since(before)
    jump = (now.utc - before.utc).total_seconds() - passed
    if abs(jump) > JUMP_SECONDS:
        return f"the clock jumped by {jump:+.1f} s"
    if passed > STALL_SECONDS:
        return f"this program stood still for {passed:.1f} s"
    return None


def _is_complete(host: HostView) -> bool:
    known = all(reading.value.state is not PortState.UNKNOWN for _, reading in host.ports)
    return known and host.mode is not SipMode.UNKNOWN


def _seen(view: ClusterView) -> Seen:
    return tuple(
        (host.host, host.mode, tuple(reading.value.state for _, reading in host.ports))
        for host in view.hosts
    )
