"""What the API says of clusters and journal rows, as plain JSON data. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cluster.clock import Instant, utc_text
from cluster.config_model import Cluster
from cluster.model import HostView, Reading
from remediator.journal_schema import JournalRow
from remediator.look_result import LastLook


def journal_row(row: JournalRow) -> dict[str, Any]:
    """Return a journal row as the API shows it."""
    return {**asdict(row), "kind": str(row.kind)}


def cluster_summary(
    cluster: Cluster,
    level: str,
    last: LastLook | None,
    next_look_seconds: float | None,
    *,
    needs_person: bool,
    fences: list[str],
) -> dict[str, Any]:
    """Return how a cluster stands.

    next_look_seconds: 0.0 while a look runs, None if none is to come. fences: hosts that should be
    closed but cannot be commanded.
    """
    return {
        "name": cluster.name,
        "virtual_ip": cluster.virtual_ip,
        "simulated": cluster.simulated,
        "level": level,
        "needs_person": needs_person,
        "fence_pending": fences,
        "next_look_seconds": None if next_look_seconds is None else round(next_look_seconds, 3),
        "last_look": None if last is None else last_look(last),
    }


def last_look(last: LastLook) -> dict[str, Any]:
    """Return how a look ended."""
    result = last.result
    return {
        "number": last.number,
        "ended_at": utc_text(last.ended.utc),
        "trigger": last.trigger.label,
        "ending": str(result.ending) if result else None,
        "row": str(result.decision.row) if result else None,
        "why": str(result.decision) if result else None,
        "hold": str(last.hold) if last.hold else None,
        "text": last.text,
        "would": [str(action) for action in result.decision.actions] if result else [],
    }


def hosts(last: LastLook | None, now: Instant) -> list[dict[str, Any]]:
    """Return every host as the last look read it; empty before the first look."""
    if last is None or last.result is None:
        return []
    return [_host(host, now) for host in last.result.view.hosts]


def _host(host: HostView, now: Instant) -> dict[str, Any]:
    return {
        "name": host.host,
        "read_at": utc_text(host.node.asked.utc),
        "mode": str(host.mode),
        "node_state": str(host.node_state),
        "ports": [
            {
                "rule": str(rule),
                "port": rule.port,
                "state": str(reading.value.state),
                "serving": host.is_serving(rule),
            }
            for rule, reading in host.ports
        ],
        "readings": [_reading(reading, now) for reading in host.readings()],
    }


def _reading(reading: Reading[object], now: Instant) -> dict[str, Any]:
    return {
        "source": reading.source,
        "age_seconds": round(reading.age_seconds(now), 3),
        "took_seconds": round(reading.duration_seconds(), 3),
        "problem": str(reading.problem) if reading.problem else None,
        "command": reading.command,
        "raw": reading.raw,
    }
