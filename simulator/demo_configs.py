"""The shipped configurations with the demonstration's own addresses in them. Pure.

What is shown is what is shipped: Prometheus, its rules and Alertmanager run from the product's
own files; nothing but addresses, credential files and the global intervals is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cluster.errors import ClusterError

PROMETHEUS = "alertmanager/prometheus.yml"
ALERTMANAGER = "alertmanager/alertmanager.yml"
REPAIR_PATH = "/api/v1/alerts"
INTERVAL = "1s"
SIP_REFRESH = "250ms"
"""Shorter than the default: a mode waits for the next scrape, not for the next reading too."""
LOOK_TIMEOUT = "750ms"
"""Shorter than the default, which allows for remote hosts: a host that hangs costs as much."""
_WEBHOOKS_ONLY = frozenset({"name", "webhook_configs"})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything of the demonstration listens, each as ``127.0.0.1:PORT``."""

    exporter: str
    remediator: str
    prometheus: str
    alertmanager: str
    pager: str


def redirect_prometheus(document: dict[str, Any], at: Addresses) -> None:
    """Put the demonstration's targets and intervals into Prometheus's configuration.

    Raises `ClusterError` for a job that the demonstration has nothing to show for.
    """
    document["global"] |= {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
    for group in document["alerting"]["alertmanagers"]:
        group["static_configs"] = [{"targets": [at.alertmanager]}]
    for job in document["scrape_configs"]:
        job["static_configs"] = [{"targets": [_target(job["job_name"], at)]}]
        job |= {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL}


def redirect_alertmanager(document: dict[str, Any], at: Addresses, token: Path) -> None:
    """Put the demonstration's receivers into Alertmanager's configuration.

    token: the remediator's bearer token. Raises `ClusterError` for a receiver that would
    reach beyond loopback.
    """
    for receiver in document["receivers"]:
        others = sorted(set(receiver) - _WEBHOOKS_ONLY)
        if others:
            raise ClusterError(
                ALERTMANAGER,
                f"receiver {receiver['name']!r} has {', '.join(others)}",
                "the demonstration can send to webhooks alone",
            )
        for webhook in receiver.get("webhook_configs", ()):
            _redirect(webhook, at, token)


def _redirect(webhook: dict[str, Any], at: Addresses, token: Path) -> None:
    path = urlsplit(webhook["url"]).path
    if path != REPAIR_PATH:
        webhook["url"] = f"http://{at.pager}{path}"
        return
    webhook["url"] = f"http://{at.remediator}{path}"
    webhook["http_config"]["authorization"]["credentials_file"] = str(token)


def _target(job: str, at: Addresses) -> str:
    targets = {"sipnlb-exporter": at.exporter, "sipnlb-remediator": at.remediator}
    if job not in targets:
        raise ClusterError(
            PROMETHEUS,
            f"job {job!r} is not part of the demonstration",
            "give it an address in simulator/demo_configs.py",
        )
    return targets[job]


def program_sections(directory: Path, at: Addresses, token: Path) -> dict[str, Any]:
    """Return the sections of clusters.yml that are the programs' own."""
    return {
        "exporter": {"refresh": {"sip_server": SIP_REFRESH}},
        "remediator": {
            "policy": {"level": "enforce"},
            "look_timeout": LOOK_TIMEOUT,
            "alertmanagers": [{"url": f"http://{at.alertmanager}"}],
            "web": {"bearer_token_file": str(token)},
            "journal": {"url": f"sqlite:///{directory / 'journal.db'}"},
        },
    }
