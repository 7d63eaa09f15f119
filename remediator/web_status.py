"""The answer to whoever asks how all stands: readiness, watchdog, and every cluster in short.

Edge: Flask, and the journal, without which it answers too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from flask import Flask, Response, jsonify, request

from cluster.clock import Clock, Instant
from cluster.config_model import Cluster, Config
from cluster.flags import version
from remediator import overview
from remediator.journal import JournalError
from remediator.journal_schema import Kind
from remediator.service import Service
from remediator.web_answers import unknown_cluster
from remediator.web_operate import OperateFace

Silenced = Callable[[str, Instant], str | None]
"""Says which silence stops a cluster's repairs; None if none is known to."""


@dataclass(frozen=True, slots=True)
class StatusFace:
    """The route ``/api/v1/status``. silenced: None where no Alertmanager is asked."""

    config: Config
    service: Service
    clock: Clock
    operate: OperateFace
    silenced: Silenced | None = None

    def add_to(self, app: Flask) -> None:
        """Add the route."""
        app.add_url_rule("/api/v1/status", view_func=self.status)

    def status(self) -> Response:
        """Tell whether the program can do its work, and how every cluster stands, or one."""
        name, clusters = request.args.get("cluster"), self.config.clusters
        if name is not None:
            found = self.config.cluster(name)
            if found is None:
                return unknown_cluster(name, self.config)
            clusters = (found,)
        reasons, service = self.service.why_not_ready(), self.service
        return jsonify(
            version=version(),
            level=self.config.remediator.policy.level,
            ready=not reasons,
            reasons=reasons,
            watchdog=overview.watchdog(
                service.watchdog_seen, service.watchdog_grace_seconds, self.clock.now()
            ),
            alertmanagers=[
                {"url": url, "problem": problem}
                for url, problem in sorted(service.resync.problems.items())
            ],
            clusters=[self._cluster(cluster) for cluster in clusters],
        )

    def _cluster(self, cluster: Cluster) -> dict[str, Any]:
        service, now = self.service, self.clock.now()
        shown = overview.cluster_overview(
            cluster,
            service.last_look(cluster.name),
            service.seconds_to_next_look(cluster.name),
            asdict(service.replicas.leases.standing(cluster.name)),
            now,
            None if self.silenced is None else self.silenced(cluster.name, now),
        )
        return {**shown, "journal": self._journaled(cluster.name)}

    def _journaled(self, name: str) -> dict[str, Any] | None:
        """Return what the journal says of a cluster, None while it does not answer."""
        journal = self.service.journal
        try:
            persons = journal.open_rows(Kind.PERSON, name)
            fences = journal.open_rows(Kind.FENCE, name)
            return overview.journaled(persons, fences, self.operate.standing(name))
        except JournalError:
            return None
