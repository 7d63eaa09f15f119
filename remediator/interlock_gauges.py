"""State of the interlocks as gauges, made anew at each scrape. Reads, changes nothing.

Of each cluster 0 or 1; absent where it cannot be told. Who has no lease does not look: what it
saw last is no news of the cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cluster.clock import Clock
from cluster.config_model import Config
from remediator.approval import Standing
from remediator.approvals import Approvals
from remediator.journal import Journal, JournalError
from remediator.leases import Leases
from remediator.make_guards import Wired

PREFIX = "sipnlb_remediator_"


class InterlockGauges(Collector):
    """Publishes what keeps clusters from being switched."""

    def __init__(
        self,
        config: Config,
        wired: Wired,
        journal: Journal,
        clock: Clock,
        leases: Leases,
    ) -> None:
        self._names = [cluster.name for cluster in config.clusters]
        self._wired = wired
        self._approvals = Approvals(config, journal, clock)
        self._clock = clock
        self._leases = leases

    def describe(self) -> list[Metric]:
        """Return nothing: families are known only when collected."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every gauge. What needs the journal is absent while that does not answer."""
        now, wired = self._clock.now(), self._wired
        yield self._gauge(
            "silenced",
            "1 while a silence in an Alertmanager matches repair alerts of the cluster.",
            lambda name: wired.silences.is_silenced(name, now),
        )
        held = {name for name in self._names if self._leases.standing(name).held}
        yield self._gauge(
            "damped",
            "1 while a new primary must be steady before it is followed.",
            lambda name: wired.damping.is_damped(name, now) if name in held else None,
        )
        yield self._gauge(
            "tilt",
            "1 while the cluster is only watched, because the remediator distrusts what it sees.",
            lambda name: wired.tilt.is_tilted(name, now) if name in held else None,
        )
        yield self._gauge(
            "lease_held",
            "1 if this remediator may act on the cluster.",
            lambda name: name in held,
        )
        try:
            paused = {pause.cluster for pause in wired.pauses.standing()}
            approvals = self._approvals.standing()
            wanted = {each.cluster for each in approvals if each.standing is Standing.WANTED}
        except JournalError:
            return
        yield self._gauge(
            "paused",
            "1 while a person has paused the cluster, or all of them.",
            lambda name: bool(paused & {"", name}),
        )
        yield self._gauge(
            "approval_wanted",
            "1 while actions of the cluster wait for a person's approval.",
            lambda name: name in wanted,
        )

    def _gauge(self, name: str, text: str, told: Callable[[str], bool | None]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(PREFIX + name, text, labels=["cluster"])
        for cluster in self._names:
            value = told(cluster)
            if value is not None:
                family.add_metric([cluster], float(value))
        return family
