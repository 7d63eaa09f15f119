"""What the remediator counts and times, as Prometheus metrics of one registry.

Counters exist at 0 for every value of their labels from the start, so that a rate never
misses the first event. They never carry a cluster's name, except the one made for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

REMEDIATION_BUCKETS = (0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300)
STAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STAGES = ("alert", "webhook", "observe", "act", "verify")
LONGEST_SECONDS = 86400.0
"""What takes longer is not timed: an alert may say any start of itself, and would spoil the sum."""


class Metrics:
    """Counters and histograms of one remediator."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        webhook_outcomes: Iterable[str],
        alert_outcomes: Iterable[str],
        rows: Iterable[str],
        endings: Iterable[str],
        verbs: Iterable[str],
        action_outcomes: Iterable[str],
        holds: Iterable[str],
        clusters: Iterable[str],
    ) -> None:
        """Register every metric with every value that its labels can have."""
        name = "sipnlb_remediator_"
        rows, clusters = tuple(rows), tuple(clusters)
        self._webhooks = Counter(
            name + "webhooks",
            "Webhook requests by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self._alerts = Counter(
            name + "alerts",
            "Alerts received by what became of them on arrival.",
            ["outcome"],
            registry=registry,
        )
        self._remediations = Counter(
            name + "remediations",
            "Looks by the row they decided on and how they ended.",
            ["row", "outcome"],
            registry=registry,
        )
        self._by_cluster = Counter(
            name + "remediations_by_cluster",
            "Looks of each cluster by how they ended.",
            ["cluster", "outcome"],
            registry=registry,
        )
        self._actions = Counter(
            name + "actions",
            "Commands by verb and by what was read afterwards.",
            ["verb", "outcome"],
            registry=registry,
        )
        self._holds = Counter(
            name + "holds", "Decisions not to act, by reason.", ["reason"], registry=registry
        )
        self._duration = Histogram(
            name + "remediation_duration_seconds",
            "From the start of the alert to the verified end of the remediation.",
            registry=registry,
            buckets=REMEDIATION_BUCKETS,
        )
        self._stage = Histogram(
            name + "stage_duration_seconds",
            "Time of each stage: alert (its start to the webhook), webhook (to the answer), "
            "observe, act, verify.",
            ["stage"],
            registry=registry,
            buckets=STAGE_BUCKETS,
        )
        for outcome in webhook_outcomes:
            self._webhooks.labels(outcome)
        for outcome in alert_outcomes:
            self._alerts.labels(outcome)
        for ending in endings:
            for row in rows:
                self._remediations.labels(row, ending)
            for cluster in clusters:
                self._by_cluster.labels(cluster, ending)
        for verb in verbs:
            for outcome in action_outcomes:
                self._actions.labels(verb, outcome)
        for reason in holds:
            self._holds.labels(reason)
        for stage in STAGES:
            self._stage.labels(stage)

    def webhook(self, outcome: str) -> None:
        """Count a webhook request."""
        self._webhooks.labels(outcome).inc()

    def alert(self, outcome: str) -> None:
        """Count an alert on arrival."""
        self._alerts.labels(outcome).inc()

    def remediation(self, cluster: str, row: str, ending: str) -> None:
        """Count a look that ended."""
        self._remediations.labels(row, ending).inc()
        self._by_cluster.labels(cluster, ending).inc()

    def action(self, verb: str, outcome: str) -> None:
        """Count a command."""
        self._actions.labels(verb, outcome).inc()

    def hold(self, reason: str) -> None:
        """Count a decision not to act."""
        self._holds.labels(reason).inc()

    def remediated(self, seconds: float) -> None:
        """Time a remediation, from the start of its alert."""
        if seconds <= LONGEST_SECONDS:
            self._duration.observe(max(0.0, seconds))

    def stage(self, stage: str, seconds: float) -> None:
        """Time a stage; one of `STAGES`."""
        if seconds <= LONGEST_SECONDS:
            self._stage.labels(stage).observe(max(0.0, seconds))
