"""Whether more clusters call for actions at once than policy allows. Pure: time with the views.

Many clusters that fail over together are more likely one wrong source than many failures. Above
the limit nothing new begins; a remediation that has begun is finished. One alone is never held.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cluster.clock import Instant
from cluster.config_interlocks import AtOnce
from cluster.model import ClusterView
from remediator.interlocks import Block, Circumstances
from remediator.planner import Decision
from remediator.rows import Hold

COUNTED_SECONDS = 60.0
"""How long a cluster counts that begins to call, and a plan that no later one contradicts."""


@dataclass(frozen=True, slots=True)
class _Call:
    """The latest plan of a cluster that is not right.

    at: when it was made. new: when the cluster began to call, or was last held here: what has
    called for long, paused or given up, is no sign of many at once. begun: whether actions may be
    finished.
    """

    at: Instant
    new: Instant
    calls: bool
    begun: bool

    def is_old(self, now: Instant) -> bool:
        """Tell whether nobody has looked since."""
        return now.seconds_since(self.at) > COUNTED_SECONDS

    def counts(self, now: Instant) -> bool:
        """Tell whether the cluster is one of those that call at once."""
        return self.calls and now.seconds_since(self.new) <= COUNTED_SECONDS


class Crowd:
    """The guard `too_many_clusters`. It is asked last, so that what it lets through begins."""

    def __init__(self, limits: AtOnce, clusters: int) -> None:
        """clusters: how many are configured; a share is of these."""
        self._limits = limits
        self._clusters = clusters
        self._calls: dict[str, _Call] = {}

    def note(self, view: ClusterView) -> None:
        """Views say nothing here; plans do."""

    def planned(self, view: ClusterView, decision: Decision) -> None:
        """Count a plan that calls for actions. One that is content ends what has begun."""
        before, now = self._calls.get(view.cluster), view.began
        if decision.actions:
            known = before if before is not None and not before.is_old(now) else None
            new = known.new if known is not None and known.calls else now
            begun = known is not None and known.begun
            self._calls[view.cluster] = _Call(now, new, calls=True, begun=begun)
        elif decision.hold is None:
            self._calls.pop(view.cluster, None)
        elif before is not None:
            self._calls[view.cluster] = replace(before, calls=False)

    def why_not(self, given: Circumstances) -> Block | None:
        """Block what is new while too many clusters call for actions. Its plan was told before."""
        call = self._calls[given.view.cluster]
        if call.begun:
            return None
        count = sum(each.counts(given.now) for each in tuple(self._calls.values()))
        limit = self._limit(count)
        if limit is not None:
            self._calls[given.view.cluster] = replace(call, new=given.now)
            text = f"{count} of {self._clusters} clusters call for actions, {limit}"
            return Block(Hold.TOO_MANY_CLUSTERS, text)
        self._calls[given.view.cluster] = replace(call, begun=True)
        return None

    def _limit(self, count: int) -> str | None:
        """Return the limit that a number of clusters exceeds, in words."""
        clusters, share = self._limits.clusters, self._limits.share
        if clusters is not None and count > clusters:
            return f"policy allows {clusters} at once"
        if share is not None and count > max(1.0, share * self._clusters):
            return f"policy allows a share of {share:g} at once"
        return None
