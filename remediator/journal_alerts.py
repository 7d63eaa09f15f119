"""Edge: writes a batch of alerts into the journal's table, in few statements.

A batch may hold thousands of alerts, and nothing else is written meanwhile: no intent of an
action may wait behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from cluster.clock import utc_text
from remediator.journal_schema import JOURNAL, Kind, detail_text
from remediator.webhook import Alert, AlertOutcome

FINGERPRINTS_A_QUERY = 500

Episode = tuple[str, str, str, str]
"""fingerprint, starts_at, reason, cluster: what makes two deliveries the same row."""


def record(connection: Connection, alerts: Iterable[Alert], source: str, now: str) -> None:
    """Write alerts; those of a known episode count on its row, and open it again if accepted.

    An alert that names no start belongs to no episode and gets a row of its own.
    """
    episodes: dict[Episode, tuple[Alert, int]] = {}
    rows: list[dict[str, Any]] = []
    for alert in alerts:
        episode = _episode(alert)
        if episode is None:
            rows.append(_values(alert, 1, source, now))
        else:
            first, count = episodes.get(episode, (alert, 0))
            episodes[episode] = (first, count + 1)
    known = dict(_known(connection, sorted({fingerprint for fingerprint, *_ in episodes})))
    changes: list[dict[str, Any]] = []
    for episode, (alert, count) in episodes.items():
        if episode in known:
            changes.append({"known": known[episode], "more": count, **_standing(alert, now)})
        else:
            rows.append(_values(alert, count, source, now))
    if changes:
        connection.execute(
            update(JOURNAL)
            .where(JOURNAL.c.id == bindparam("known"))
            .values(count=JOURNAL.c.count + bindparam("more"), last_at=now),
            changes,
        )
    if rows:
        connection.execute(insert(JOURNAL), rows)


def _known(connection: Connection, fingerprints: list[str]) -> Iterator[tuple[Episode, int]]:
    columns = JOURNAL.c
    for begin in range(0, len(fingerprints), FINGERPRINTS_A_QUERY):
        some = fingerprints[begin : begin + FINGERPRINTS_A_QUERY]
        query = select(
            columns.fingerprint, columns.starts_at, columns.reason, columns.cluster, columns.id
        ).where(
            columns.kind == Kind.ALERT,
            columns.starts_at.is_not(None),
            columns.fingerprint.in_(some),
        )
        for fingerprint, starts_at, reason, cluster, key in connection.execute(query):
            yield (fingerprint, starts_at, reason, cluster), key


def _episode(alert: Alert) -> Episode | None:
    if alert.starts_at is None:
        return None
    return alert.fingerprint, utc_text(alert.starts_at), _reason(alert), alert.cluster


def _reason(alert: Alert) -> str:
    return "" if alert.outcome is AlertOutcome.ACCEPTED else str(alert.outcome)


def _standing(alert: Alert, now: str) -> dict[str, Any]:
    """Return what leaves the row of an accepted alert open and ends that of another."""
    accepted = alert.outcome is AlertOutcome.ACCEPTED
    return {
        "outcome": None if accepted else str(alert.outcome),
        "ended_at": None if accepted else now,
    }


def _values(alert: Alert, count: int, source: str, now: str) -> dict[str, Any]:
    said = {"alertname": alert.name} | ({"problem": alert.problem} if alert.problem else {})
    return {
        "at": now,
        "last_at": now,
        "kind": Kind.ALERT,
        "cluster": alert.cluster,
        "host": alert.host,
        "port": alert.port,
        "reason": _reason(alert),
        "count": count,
        "trigger": source,
        "fingerprint": alert.fingerprint,
        "starts_at": utc_text(alert.starts_at) if alert.starts_at else None,
        "detail": detail_text(said),
        **_standing(alert, now),
    }
