"""State of the remediator as gauges, made anew at each scrape. Reads, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cluster.config_model import Config
from cluster.flags import version
from remediator.journal import JournalError
from remediator.journal_schema import Kind
from remediator.service import Service

PREFIX = "sipnlb_remediator_"
LEVELS = ("observe", "approve", "enforce")


class Gauges(Collector):
    """Publishes what the service and its journal know."""

    def __init__(self, config: Config, service: Service) -> None:
        self._config = config
        self._service = service

    def describe(self) -> list[Metric]:
        """Return nothing: families are known only when collected."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every gauge. What needs the journal is absent while that does not answer."""
        names = [cluster.name for cluster in self._config.clusters]
        policy = _gauge("policy", "1 for the level in force.", "cluster", "level")
        verified = _gauge(
            "last_verified_timestamp_seconds",
            "When the cluster was last read as right, in seconds since 1970.",
            "cluster",
        )
        for name in names:
            for level in LEVELS:
                policy.add_metric(
                    [name, level], float(self._config.remediator.policy.level == level)
                )
            if name in self._service.verified:
                verified.add_metric([name], self._service.verified[name].timestamp())
        yield policy
        yield verified
        yield from self._journaled(names)
        watchdog = _gauge(
            "watchdog_timestamp_seconds",
            "When the watchdog alert last came, in seconds since 1970; 0 before the first.",
        )
        seen = self._service.watchdog_seen
        watchdog.add_metric([], seen.utc.timestamp() if seen else 0.0)
        yield watchdog
        alertmanager = _gauge(
            "alertmanager_up", "1 if the Alertmanager answered when last asked.", "alertmanager"
        )
        for url, problem in sorted(self._service.resync.problems.items()):
            alertmanager.add_metric([url], float(problem is None))
        yield alertmanager
        build = GaugeMetricFamily(
            "sipnlb_build_info", "1; version of the program.", labels=["version", "program"]
        )
        build.add_metric([version(), "remediator"], 1.0)
        yield build

    def _journaled(self, names: list[str]) -> Iterator[Metric]:
        journal = self._service.journal
        up = _gauge("journal_up", "1 if the journal answers; nothing is done without it.")
        try:
            persons = {row.cluster for row in journal.open_rows(Kind.PERSON)}
            fences = {(row.cluster, row.host) for row in journal.open_rows(Kind.FENCE)}
        except JournalError:
            up.add_metric([], 0.0)
            yield up
            return
        up.add_metric([], float(not journal.last_write_failed))
        yield up
        needs_person = _gauge(
            "needs_person",
            "1 while something only a person can mend keeps the cluster from being right.",
            "cluster",
        )
        fence_pending = _gauge(
            "fence_pending",
            "1 while the host should be closed but can be neither read nor commanded.",
            "cluster",
            "host",
        )
        for name in names:
            needs_person.add_metric([name], float(name in persons))
        for cluster in self._config.clusters:
            for host in cluster.hosts:
                pending = (cluster.name, host.name) in fences
                fence_pending.add_metric([cluster.name, host.name], float(pending))
        yield needs_person
        yield fence_pending


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)
