"""Edge: writes a batch of alerts into the journal's table, in few statements.

A batch may hold thousands of alerts, and nothing else is written meanwhile: no intent of an
action may wait behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, func, insert, select, update

from cluster.clock import utc_text
from remediator.journal_schema import JOURNAL, JournalRow, Kind, detail_text
from remediator.webhook import Alert, AlertOutcome

VALUES_A_STATEMENT = 500
Value = TypeVar("Value", int, str)

Episode = tuple[str, str, str, str]
"""fingerprint, starts_at, reason, cluster: what makes two deliveries the same row."""

AlertsState = tuple[int, int, int, str]
"""Of a cluster's open alerts: latest row, how many, how often they came, and when last.

All four: one that came once more after others had ended may count as all of them did before.
"""


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
    again: dict[tuple[int, str | None], list[int]] = {}
    for episode, (alert, count) in episodes.items():
        if episode in known:
            outcome = _standing(alert, now)["outcome"]
            again.setdefault((count, outcome), []).append(known[episode])
        else:
            rows.append(_values(alert, count, source, now))
    for (count, outcome), keys in again.items():
        standing = {"outcome": outcome, "ended_at": None if outcome is None else now}
        for some in _portions(keys):
            connection.execute(
                update(JOURNAL)
                .where(JOURNAL.c.id.in_(some))
                .values(count=JOURNAL.c.count + count, last_at=now, **standing)
            )
    if rows:
        connection.execute(insert(JOURNAL), rows)


def end(connection: Connection, alerts: Iterable[JournalRow], outcome: str, now: str) -> None:
    """End alerts as they were when they were read; one that came again since stays open."""
    by_count: dict[int, list[int]] = {}
    for row in alerts:
        by_count.setdefault(row.count, []).append(row.id)
    for count, keys in by_count.items():
        for some in _portions(keys):
            connection.execute(
                update(JOURNAL)
                .where(
                    JOURNAL.c.id.in_(some),
                    JOURNAL.c.count == count,
                    JOURNAL.c.outcome.is_(None),
                )
                .values(outcome=outcome, ended_at=now)
            )


def open_by_cluster(connection: Connection) -> dict[str, AlertsState]:
    """Return, for every cluster with open alerts, which there are."""
    columns = JOURNAL.c
    query = (
        select(
            columns.cluster,
            func.max(columns.id),
            func.count(),
            func.sum(columns.count),
            func.max(columns.last_at),
        )
        .where(columns.kind == Kind.ALERT, columns.outcome.is_(None))
        .group_by(columns.cluster)
    )
    return {
        cluster: (int(last), int(number), int(came), str(when))
        for cluster, last, number, came, when in connection.execute(query)
    }


def _known(connection: Connection, fingerprints: list[str]) -> Iterator[tuple[Episode, int]]:
    columns = JOURNAL.c
    for some in _portions(fingerprints):
        query = select(
            columns.fingerprint, columns.starts_at, columns.reason, columns.cluster, columns.id
        ).where(
            columns.kind == Kind.ALERT,
            columns.starts_at.is_not(None),
            columns.fingerprint.in_(some),
        )
        for fingerprint, starts_at, reason, cluster, key in connection.execute(query):
            yield (fingerprint, starts_at, reason, cluster), key


def _portions(values: list[Value]) -> Iterator[list[Value]]:
    """Yield values in portions that fit in one statement, in a fixed order."""
    values = sorted(values)
    for begin in range(0, len(values), VALUES_A_STATEMENT):
        yield values[begin : begin + VALUES_A_STATEMENT]


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
