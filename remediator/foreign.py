"""Port states that changed without a command of ours: what other hands did, and when. Pure.

"Other hands" is everybody else: a control script, a person at ``nlb``, and a host that was
started anew, whose rules come back enabled. When it happened is known only as a span: between
the last reading of the old state and the first of the new one. Nothing is known from before the
program started, and a host that is only read through its own exporter is not judged: its own
remediator knows which changes are its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.clock import Instant
from cluster.model import ClusterView, PortRule, PortState
from remediator.planner import Action

LATE_SECONDS = 60.0
"""How long after its end a command without a proof may still take effect."""

_Key = tuple[str, str, PortRule]


@dataclass(frozen=True, slots=True)
class PortChange:
    """A port that was found changed. seen, found: when it was last read before, first after."""

    cluster: str
    host: str
    rule: PortRule
    before: PortState
    after: PortState
    seen: Instant
    found: Instant


@dataclass(slots=True)
class PortsSeen:
    """Remembers how every port was last read or switched."""

    _seen: dict[_Key, tuple[PortState, Instant]] = field(default_factory=dict)
    _own: dict[_Key, tuple[PortState, Instant]] = field(default_factory=dict)

    def changes(self, view: ClusterView, peers: frozenset[str]) -> tuple[PortChange, ...]:
        """Return what other hands changed since the last view. peers: hosts that are not judged."""
        changes = []
        for key, state, _, found in _known(view):
            before, seen = self._seen.get(key, (state, found))
            ours = state is before or self._is_own(key, state, found)
            if not ours and key[1] not in peers:
                changes.append(PortChange(*key, before, state, seen, found))
        return tuple(changes)

    def note(self, view: ClusterView) -> None:
        """Remember a view; what could not be read stays as it was last known."""
        for key, state, asked, _ in _known(view):
            self._seen[key] = (state, asked)
            if key in self._own and state is self._own[key][0]:
                del self._own[key]

    def acted(self, cluster: str, action: Action, ended: Instant, *, verified: bool) -> None:
        """Remember a command of ours. ended: when its effect was read, or given up.

        A command without a proof may still take effect for a while; that is not another's hand.
        """
        key = (cluster, action.host, action.rule)
        if verified:
            self._seen[key] = (action.wanted, ended)
            self._own.pop(key, None)
        else:
            self._own[key] = (action.wanted, ended)

    def _is_own(self, key: _Key, state: PortState, found: Instant) -> bool:
        wanted, ended = self._own.get(key, (None, found))
        return state is wanted and found.seconds_since(ended) <= LATE_SECONDS


def _known(view: ClusterView) -> list[tuple[_Key, PortState, Instant, Instant]]:
    """Return every port whose state was read, with when it was asked for and answered."""
    return [
        ((view.cluster, host.host, rule), reading.value.state, reading.asked, reading.answered)
        for host in view.hosts
        for rule, reading in host.ports
        if reading.value.state is not PortState.UNKNOWN
    ]
