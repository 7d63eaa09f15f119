"""Edge: asks Alertmanagers which repair alerts fire, so that a lost webhook loses no failover.

All configured Alertmanagers are asked and the union of their alerts counts: a notification
may be known to one of them only. One that cannot be asked costs nothing but its alerts.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from cluster import log
from cluster.config_model import Alertmanager
from remediator.alertmanager_api import NotAnsweredError, get
from remediator.webhook import REPAIR_LABEL, Alert, AlertOutcome, judge


@dataclass(frozen=True, slots=True)
class AlertmanagerAnswer:
    """What one Alertmanager said. problem: None if it was asked with success."""

    url: str
    alerts: tuple[Alert, ...] = ()
    problem: str | None = None


def ask(alertmanager: Alertmanager, clusters: Container[str]) -> AlertmanagerAnswer:
    """Ask one Alertmanager for its firing repair alerts; never raises for what it does.

    documented: Alertmanager API v2, ``GET /api/v2/alerts``. Silenced and inhibited alerts are
    left out, as they would not be sent either.
    """
    name, value = REPAIR_LABEL
    parameters = {
        "active": "true",
        "silenced": "false",
        "inhibited": "false",
        "filter": f'{name}="{value}"',
    }
    try:
        body = get(alertmanager, "/api/v2/alerts", parameters)
    except NotAnsweredError as error:
        return AlertmanagerAnswer(alertmanager.url, problem=str(error))
    if not isinstance(body, list):
        return AlertmanagerAnswer(alertmanager.url, problem="the answer is not a list of alerts")
    return AlertmanagerAnswer(
        alertmanager.url, tuple(judge(alert, clusters, firing=True) for alert in body)
    )


class Resync:
    """Asks all Alertmanagers, and remembers which of them answered last."""

    def __init__(self, alertmanagers: Iterable[Alertmanager], clusters: Container[str]) -> None:
        self._alertmanagers = tuple(alertmanagers)
        self._clusters = clusters
        self.problems: dict[str, str | None] = {}

    def firing(self) -> list[Alert]:
        """Return the accepted alerts that any Alertmanager has firing, each episode once."""
        found: dict[tuple[str, Any], Alert] = {}
        for alertmanager in self._alertmanagers:
            answer = ask(alertmanager, self._clusters)
            self._note(answer)
            for alert in answer.alerts:
                if alert.outcome is AlertOutcome.ACCEPTED:
                    found.setdefault((alert.fingerprint, alert.starts_at), alert)
        return list(found.values())

    def _note(self, answer: AlertmanagerAnswer) -> None:
        """Log a change between answering and not answering, once."""
        failed_before = self.problems.get(answer.url) is not None
        if answer.problem is not None and not failed_before:
            log.get("remediator").warning(
                "alertmanager does not answer", url=answer.url, problem=answer.problem
            )
        elif answer.problem is None and failed_before:
            log.get("remediator").info("alertmanager answers again", url=answer.url)
        self.problems[answer.url] = answer.problem
