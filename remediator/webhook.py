"""Body of an Alertmanager webhook → alerts. Pure.

documented: Alertmanager webhook payload, version 4. An alert is a reason to look at a
cluster, never an order: of its labels only the cluster's name is used, and only if it is
configured. A bad alert never costs its neighbours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

REPAIR_LABEL = ("remediate", "true")
WATCHDOG_LABEL = ("sipnlb", "watchdog")
MAX_LABEL_CHARACTERS = 200


class AlertOutcome(StrEnum):
    """What became of an alert on arrival. The label ``outcome`` of the alert counter."""

    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    UNKNOWN_CLUSTER = "unknown_cluster"
    NO_CLUSTER = "no_cluster"
    NOT_FOR_REPAIR = "not_for_repair"
    WATCHDOG = "watchdog"
    MALFORMED = "malformed"


_PROBLEMS = {
    AlertOutcome.MALFORMED: "status is neither firing nor resolved",
    AlertOutcome.UNKNOWN_CLUSTER: "the label cluster names none that is configured",
    AlertOutcome.NO_CLUSTER: "it has no label cluster",
    AlertOutcome.NOT_FOR_REPAIR: 'it has no label remediate="true"',
}


class PayloadError(Exception):
    """A body that Alertmanager would not send. text: what is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, judged.

    fingerprint: Alertmanager's, or derived from the labels where it has none. starts_at:
    None where it names none that can be read. cluster, host, port, name: label values, cut
    to `MAX_LABEL_CHARACTERS` (then with … at the end), empty where there is none. problem: why
    it is malformed.
    """

    outcome: AlertOutcome
    fingerprint: str = ""
    starts_at: datetime | None = None
    name: str = ""
    cluster: str = ""
    host: str = ""
    port: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """A webhook. truncated: how many further alerts Alertmanager left out of it."""

    alerts: tuple[Alert, ...]
    truncated: int = 0


def parse(body: bytes, clusters: Container[str]) -> Payload:
    """Read a webhook body; each alert in it gets an outcome of its own.

    clusters: the configured names. Raises `PayloadError` if the whole is not a version 4
    payload.
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else str(error)
        raise PayloadError(f"the body is not JSON: {reason}") from None
    if not isinstance(payload, dict):
        raise PayloadError("the body is not a JSON object")
    if payload.get("version") != "4":
        shown = repr(payload.get("version"))[:40]
        raise PayloadError(f'version is {shown}, this program reads version "4"')
    alerts = payload.get("alerts")
    if not isinstance(alerts, list):
        raise PayloadError("alerts is not a list")
    truncated = payload.get("truncatedAlerts", 0)
    return Payload(
        tuple(judge(alert, clusters) for alert in alerts),
        truncated if type(truncated) is int and truncated > 0 else 0,
    )


def judge(alert: Any, clusters: Container[str], *, firing: bool | None = None) -> Alert:
    """Give one alert of a payload its outcome.

    firing: None to read the alert's ``status``, as webhooks have it.
    """
    if not isinstance(alert, dict):
        return Alert(AlertOutcome.MALFORMED, problem="it is not a JSON object")
    labels = _labels(alert.get("labels"))
    if labels is None:
        return Alert(
            AlertOutcome.MALFORMED,
            fingerprint=_text(alert.get("fingerprint")),
            problem="labels is not an object of texts",
        )
    status = alert.get("status") if firing is None else "firing" if firing else "resolved"
    outcome = _outcome(labels, status, clusters)
    return Alert(
        outcome,
        fingerprint=_text(alert.get("fingerprint")) or _fingerprint(labels),
        starts_at=moment(alert.get("startsAt")),
        name=_text(labels.get("alertname")),
        cluster=_text(labels.get("cluster")),
        host=_text(labels.get("host")),
        port=_text(labels.get("port")),
        problem=_PROBLEMS.get(outcome, ""),
    )


def _outcome(labels: dict[str, str], status: Any, clusters: Container[str]) -> AlertOutcome:
    if status not in ("firing", "resolved"):  # a set would refuse a status that is a list
        return AlertOutcome.MALFORMED
    if labels.get(WATCHDOG_LABEL[0]) == WATCHDOG_LABEL[1]:
        return AlertOutcome.WATCHDOG if status == "firing" else AlertOutcome.RESOLVED
    if labels.get(REPAIR_LABEL[0]) != REPAIR_LABEL[1]:
        return AlertOutcome.NOT_FOR_REPAIR
    if not labels.get("cluster"):
        return AlertOutcome.NO_CLUSTER
    if labels["cluster"] not in clusters:
        return AlertOutcome.UNKNOWN_CLUSTER
    return AlertOutcome.ACCEPTED if status == "firing" else AlertOutcome.RESOLVED


def _labels(value: Any) -> dict[str, str] | None:
    if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return value
    return None


def _text(value: Any) -> str:
    """Cut a text, with … for what is left out.

    Half a character pair and NUL (JSON allows both) become ?: not every journal could take them.
    """
    if not isinstance(value, str):
        return ""
    cut = len(value) > MAX_LABEL_CHARACTERS
    text = value[: MAX_LABEL_CHARACTERS - 1] + "…" if cut else value
    return text.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")


def _fingerprint(labels: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def moment(value: Any) -> datetime | None:
    """Read an RFC 3339 time; None if it is none or has no zone."""
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None
