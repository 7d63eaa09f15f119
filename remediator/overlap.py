"""Which hosts were last seen as primary side by side. Pure.

While two SIP Servers are primary, one lost reading must not look like the crash of one of
them: the host that cannot be read at this moment is then still counted as primary, until the
settle time has passed since it was first missed. That counts from a view, not from when both
were last seen: what is held is looked at every 15 seconds only. A crash is not like that: the
host that died was never seen as primary together with its successor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.clock import Instant
from cluster.model import ClusterView, SipMode


@dataclass(slots=True)
class OverlapSeen:
    """Remembers, for each cluster, the last view with several primaries.

    Or, once one of them is missed, the first view in which it was, and that host alone.
    """

    _seen: dict[str, tuple[Instant, frozenset[str]]] = field(default_factory=dict)

    def note(self, view: ClusterView) -> None:
        """Take a view in: several primaries are remembered; one of them read as backup ends it."""
        primaries = frozenset(host.host for host in view.primaries)
        if len(primaries) > 1:
            self._seen[view.cluster] = (view.began, primaries)
        elif any(
            host.mode is SipMode.BACKUP and host.host in self._hosts(view.cluster)
            for host in view.hosts
        ):
            self._seen.pop(view.cluster, None)
        elif len(self._hosts(view.cluster)) > 1 and self._hosts(view.cluster) & _unknown(view):
            missed = self._hosts(view.cluster) & _unknown(view)
            self._seen[view.cluster] = (view.began, missed)

    def still_primary(self, view: ClusterView, settle_seconds: float) -> frozenset[str]:
        """Return the hosts of unknown mode that still count as primary in this view."""
        seen = self._seen.get(view.cluster)
        if seen is None or view.began.seconds_since(seen[0]) > settle_seconds:
            return frozenset()
        return seen[1] & _unknown(view)

    def _hosts(self, cluster: str) -> frozenset[str]:
        return self._seen[cluster][1] if cluster in self._seen else frozenset()


def _unknown(view: ClusterView) -> frozenset[str]:
    return frozenset(host.host for host in view.hosts if host.mode is SipMode.UNKNOWN)
