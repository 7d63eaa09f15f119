"""The shipped configurations with the demonstration's own addresses in them. Pure.

What is shown is what is shipped: Prometheus, its rules and Alertmanager run from the product's
own files; nothing but addresses, credential files and the global intervals is changed.
"""

from __future__ import annotations

import copy
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
    """Where everything of the demonstration is reached, each as ``127.0.0.1:PORT``.

    exporters, remediators: one of each, or those of each node in the same order.
    """

    exporters: tuple[str, ...]
    remediators: tuple[str, ...]
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
        job["static_configs"] = [{"targets": _targets(job["job_name"], at)}]
        job |= {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL}


def redirect_alertmanager(document: dict[str, Any], at: Addresses, token: Path) -> None:
    """Put the demonstration's receivers into Alertmanager's configuration.

    Each remediator gets the receiver and the routes that the shipped one has. token: of their
    API. Raises `ClusterError` for a receiver that would reach beyond loopback.
    """
    for receiver in document["receivers"]:
        others = sorted(set(receiver) - _WEBHOOKS_ONLY)
        if others:
            raise ClusterError(
                ALERTMANAGER,
                f"receiver {receiver['name']!r} has {', '.join(others)}",
                "the demonstration can send to webhooks alone",
            )
    shipped = next(each["name"] for each in document["receivers"] if _is_remediator(each))
    reached = {shipped: at.remediators[0]}
    for number, address in enumerate(at.remediators[1:], 2):
        reached[f"remediator-{number}"] = address
        _add_remediator(document, shipped, f"remediator-{number}")
    for receiver in document["receivers"]:
        repairs = _is_remediator(receiver)
        for webhook in receiver.get("webhook_configs", ()):
            address = reached[receiver["name"]] if repairs else at.pager
            webhook["url"] = f"http://{address}{urlsplit(webhook['url']).path}"
            if repairs:
                webhook["http_config"]["authorization"]["credentials_file"] = str(token)


def _is_remediator(receiver: dict[str, Any]) -> bool:
    hooks = receiver.get("webhook_configs", ())
    return any(urlsplit(webhook["url"]).path == REPAIR_PATH for webhook in hooks)


def _add_remediator(document: dict[str, Any], first: str, name: str) -> None:
    """Give one more remediator what the first has: a receiver of its own, and sibling routes."""
    routes, receivers = document["route"]["routes"], document["receivers"]
    document["route"]["routes"] = [
        *({**route, "receiver": name} for route in routes if route["receiver"] == first),
        *routes,
    ]
    own = next(receiver for receiver in receivers if receiver["name"] == first)
    receivers.insert(receivers.index(own) + 1, copy.deepcopy(own) | {"name": name})


def _targets(job: str, at: Addresses) -> list[str]:
    targets = {"sipnlb-exporter": at.exporters, "sipnlb-remediator": at.remediators}
    if job not in targets:
        raise ClusterError(
            PROMETHEUS,
            f"job {job!r} is not part of the demonstration",
            "give it an address in simulator/demo_configs.py",
        )
    return list(targets[job])


def program_sections(journal: Path, alertmanager: str, token: Path) -> dict[str, Any]:
    """Return the sections of clusters.yml that are the programs' own.

    journal: its file. alertmanager: where the remediator reaches it. token: of all APIs.
    """
    return {
        "exporter": {
            "refresh": {"sip_server": SIP_REFRESH},
            "web": {"bearer_token_file": str(token)},
        },
        "remediator": {
            "policy": {"level": "enforce"},
            "look_timeout": LOOK_TIMEOUT,
            "alertmanagers": [{"url": f"http://{alertmanager}"}],
            "web": {"bearer_token_file": str(token)},
            "journal": {"url": f"sqlite:///{journal}"},
        },
    }
