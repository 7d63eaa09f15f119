"""What ``GET /api/v1/status`` says, as plain JSON data: all that one needs at 3 a.m. Pure.

What stands in the journal is apart from the rest, so that it can be missing while the journal
does not answer: just then somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cluster.clock import Instant
from cluster.config_model import Cluster
from cluster.model import HostView, SipMode
from remediator import status
from remediator.journal_schema import JournalRow
from remediator.look_result import LastLook


def cluster_overview(
    cluster: Cluster,
    last: LastLook | None,
    next_look_seconds: float | None,
    lease: Mapping[str, Any],
    now: Instant,
    silenced: str | None = None,
) -> dict[str, Any]:
    """Return how a cluster stands, as far as it is known without the journal.

    next_look_seconds: as `Service.seconds_to_next_look` has it. lease: how it stands. silenced:
    the silence that stops its repairs, None if none is known to.
    """
    hosts = last.result.view.hosts if last is not None and last.result is not None else ()
    return {
        "name": cluster.name,
        "simulated": cluster.simulated,
        "primary": [host.host for host in hosts if host.mode is SipMode.PRIMARY],
        "hosts": [_host(host) for host in hosts],
        "last_look": None if last is None else status.last_look(last),
        "last_look_age_seconds": None if last is None else _tenths(now.seconds_since(last.ended)),
        "next_look_seconds": None if next_look_seconds is None else round(next_look_seconds, 3),
        "lease": dict(lease),
        "silenced": silenced,
    }


def journaled(
    persons: Iterable[JournalRow], fences: Iterable[JournalRow], said: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the journal says of a cluster.

    persons, fences: its open rows. said: what persons have said, as the summary of a cluster
    has it.
    """
    return {
        "needs_person": [
            {"hold": row.reason, "text": str(row.detail.get("text", "")), "since": row.at}
            for row in persons
        ],
        "fence_pending": [row.host for row in fences],
        **said,
    }


def watchdog(seen: Instant | None, grace_seconds: float | None, now: Instant) -> dict[str, Any]:
    """Return how old the last watchdog alert is.

    grace_seconds: how long the first is still waited for, None once one has come.
    """
    return {
        "age_seconds": None if seen is None else _tenths(now.seconds_since(seen)),
        "waited_for_seconds": None if grace_seconds is None else _tenths(grace_seconds),
    }


def _host(host: HostView) -> dict[str, Any]:
    return {
        "name": host.host,
        "mode": str(host.mode),
        "node_state": str(host.node_state),
        "ports": [
            {
                "port": rule.port_spec,
                "state": str(reading.value.state),
                "serving": host.is_serving(rule),
            }
            for rule, reading in host.ports
        ],
    }


def _tenths(seconds: float) -> float:
    return round(max(0.0, seconds), 1)
