"""Edge: the durable record of every alert, decision and action.

What is written is on the disk when the call returns. A row that began and has not ended has
no outcome: after a crash these rows are what has to be finished.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, func, insert, select, update

from cluster.clock import Clock, utc_text
from remediator import journal_alerts, journal_pruning
from remediator.journal_alerts import AlertsState
from remediator.journal_file import open_sqlite
from remediator.journal_migrations import migrate
from remediator.journal_schema import JOURNAL, Intent, JournalRow, Kind, detail_text, row_of
from remediator.journal_store import JournalError, Store, Turn
from remediator.webhook import Alert

__all__ = ["MAX_PRUNED", "MAX_ROWS", "Fence", "Journal", "JournalError"]

MAX_ROWS = 1000
MAX_PRUNED = 50_000
MAX_NUMBER = 10**15
"""Higher than any number of an intent: what is above it in the file is damaged."""

Fence = Callable[[Connection, str], None]
"""Refuses what is written of a cluster that another replica has: raises `JournalError`."""


class Journal:
    """The journal: of one remediator in one SQLite file, or of several in one PostgreSQL."""

    def __init__(self, store: str | Store, clock: Clock, fence: Fence | None = None) -> None:
        """Make it ready to be written, or bring it to this program's schema.

        store: a database, or the URL of an SQLite file. fence: asked in every transaction that
        a look begins; None where nobody else can have a cluster. Raises `JournalError` if that
        fails or the journal is of a newer version.
        """
        self._store = open_sqlite(store) if isinstance(store, str) else store
        self._clock = clock
        self._fence = fence or (lambda _connection, _cluster: None)
        try:
            migrate(self._store)
        except JournalError:
            self._store.close()
            raise

    @property
    def last_write_failed(self) -> bool:
        """Whether the last transaction could not be written."""
        return self._store.last_write_failed

    def close(self) -> None:
        """Close all connections."""
        self._store.close()

    def record_alerts(self, alerts: Iterable[Alert], source: str) -> None:
        """Write a batch of alerts in one transaction.

        source: ``webhook`` or ``resync``. An accepted alert opens its episode's row, or
        opens it again and counts; everything else is recorded as ended with its outcome.
        """
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            self._store.take_turn(connection, Turn.ALERTS)
            journal_alerts.record(connection, alerts, source, now)

    def record_decision(
        self,
        cluster: str,
        *,
        row: str,
        reason: str,
        outcome: str,
        trigger: str,
        level: str,
        detail: dict[str, Any],
    ) -> int:
        """Write what a look decided and how it ended; return the row's id.

        For looks that carry nothing out: a decision equal to the cluster's last one is
        counted on that row.
        """
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            self._fence(connection, cluster)
            last = connection.execute(
                select(JOURNAL)
                .where(JOURNAL.c.cluster == cluster, JOURNAL.c.kind == Kind.DECISION)
                .order_by(JOURNAL.c.id.desc())
                .limit(1)
            ).first()
            if last is not None and (last.row, last.reason, last.outcome, last.level) == (
                row,
                reason,
                outcome,
                level,
            ):
                connection.execute(
                    update(JOURNAL)
                    .where(JOURNAL.c.id == last.id)
                    .values(count=JOURNAL.c.count + 1, last_at=now, ended_at=now)
                )
                return int(last.id)
            return self._insert(
                connection,
                now,
                Kind.DECISION,
                cluster=cluster,
                row=row,
                reason=reason,
                outcome=outcome,
                ended_at=now,
                trigger=trigger,
                level=level,
                detail=detail_text(detail),
            )

    def open_decision(
        self, cluster: str, *, row: str, trigger: str, level: str, detail: dict[str, Any]
    ) -> int:
        """Write that a remediation begins; return its id, the parent of its actions."""
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            self._fence(connection, cluster)
            return self._insert(
                connection,
                now,
                Kind.DECISION,
                cluster=cluster,
                row=row,
                trigger=trigger,
                level=level,
                detail=detail_text(detail),
            )

    def open_action(
        self,
        cluster: str,
        *,
        parent: int,
        host: str,
        port: str,
        verb: str,
        row: str,
        detail: dict[str, Any],
    ) -> Intent:
        """Write the intent to carry out an action. Durable before the command."""
        moment = self._clock.now().utc
        with self._store.write() as connection:
            self._fence(connection, cluster)
            self._store.take_turn(connection, Turn.NUMBER)
            number = self._next_number(connection, moment)
            key = self._insert(
                connection,
                utc_text(moment),
                Kind.ACTION,
                cluster=cluster,
                parent=parent,
                host=host,
                port=port,
                verb=verb,
                row=row,
                number=number,
                detail=detail_text(detail),
            )
        return Intent(key, number)

    @staticmethod
    def _next_number(connection: Connection, moment: datetime) -> int:
        """Return a number above all before it, also above those of a journal that was lost."""
        sound = JOURNAL.c.number <= MAX_NUMBER  # SQLite counts a text as higher than any number
        last = connection.execute(select(func.max(JOURNAL.c.number)).where(sound)).scalar() or 0
        return max(last + 1, int(moment.timestamp() * 1000))

    def open_row(
        self,
        kind: Kind,
        cluster: str,
        detail: dict[str, Any],
        *,
        reason: str = "",
        parent: int | None = None,
    ) -> int:
        """Open a row, whatever else is open; return its id. cluster: empty for all clusters."""
        text = detail_text(detail)
        return self._open(kind, cluster=cluster, reason=reason, parent=parent, detail=text)

    def open_note(self, kind: Kind, cluster: str, host: str, reason: str, text: str) -> None:
        """Open a PERSON or FENCE row; one for another reason is replaced by it."""
        known = self.open_rows(kind, cluster, host=host)
        self.end([row.id for row in known if row.reason != reason], "replaced")
        if not any(row.reason == reason for row in known):
            self._open(
                kind, cluster=cluster, host=host, reason=reason, detail=detail_text({"text": text})
            )

    def close_notes(self, kind: Kind, cluster: str, outcome: str, host: str | None = None) -> None:
        """End the open rows of a kind and cluster (and host)."""
        self.end([row.id for row in self.open_rows(kind, cluster, host=host)], outcome)

    def record_event(
        self, outcome: str, detail: dict[str, Any], kind: Kind = Kind.SERVICE, **place: str
    ) -> None:
        """Write what is over when it is written. place: cluster, host, port, reason, trigger."""
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            self._insert(
                connection,
                now,
                kind,
                **place,
                outcome=outcome,
                ended_at=now,
                detail=detail_text(detail),
            )

    def end(
        self,
        ids: Iterable[int],
        outcome: str,
        *,
        parent: int | None = None,
        detail: dict[str, Any] | None = None,
    ) -> int:
        """End open rows with an outcome; return how many were open.

        Rows that have ended already stay as they are.
        """
        wanted = list(ids)
        if not wanted:
            return 0
        now = utc_text(self._clock.now().utc)
        values: dict[str, Any] = {"outcome": outcome, "ended_at": now}
        if parent is not None:
            values["parent"] = parent
        if detail is not None:
            values["detail"] = detail_text(detail)
        with self._store.write() as connection:
            ended = connection.execute(
                update(JOURNAL)
                .where(JOURNAL.c.id.in_(wanted), JOURNAL.c.outcome.is_(None))
                .values(**values)
            )
        return int(ended.rowcount)

    def end_alerts(self, alerts: Iterable[JournalRow], outcome: str) -> None:
        """End alerts as they were when they were read; one that came again since stays open."""
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            journal_alerts.end(connection, alerts, outcome, now)

    def open_alerts(self) -> dict[str, AlertsState]:
        """Return the clusters with open alerts; the state changes whenever one comes."""
        with self._store.read() as connection:
            return journal_alerts.open_by_cluster(connection)

    def open_rows(
        self, kind: Kind, cluster: str | None = None, *, host: str | None = None
    ) -> list[JournalRow]:
        """Return the rows of a kind that have not ended, oldest first."""
        query = select(JOURNAL).where(JOURNAL.c.kind == kind, JOURNAL.c.outcome.is_(None))
        if cluster is not None:
            query = query.where(JOURNAL.c.cluster == cluster)
        if host is not None:
            query = query.where(JOURNAL.c.host == host)
        return self._rows(query.order_by(JOURNAL.c.id))

    def rows(
        self,
        *,
        cluster: str | None = None,
        kind: Kind | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[JournalRow]:
        """Return rows, newest first. before: only ids below it. limit: 1..`MAX_ROWS`."""
        query = select(JOURNAL)
        if cluster is not None:
            query = query.where(JOURNAL.c.cluster == cluster.replace("\0", "?"))
        if kind is not None:
            query = query.where(JOURNAL.c.kind == kind)
        if before is not None:
            query = query.where(JOURNAL.c.id < before)
        return self._rows(query.order_by(JOURNAL.c.id.desc()).limit(min(limit, MAX_ROWS)))

    def prune(self, keep_seconds: float, most: int = MAX_PRUNED) -> int:
        """Delete up to about `most` ended rows older than the retention; return how many."""
        oldest = utc_text(self._clock.now().utc - timedelta(seconds=keep_seconds))
        return journal_pruning.prune(self._store, oldest, most)

    def probe(self) -> None:
        """Write a row and take it out again. Raises `JournalError` if that cannot be done."""
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            row = self._insert(connection, now, Kind.SERVICE, outcome="probe", ended_at=now)
            connection.execute(JOURNAL.delete().where(JOURNAL.c.id == row))

    def why_unwritable(self) -> str | None:
        """Try whether the journal takes a row; return why not, or None. Leaves nothing behind."""
        try:
            self.probe()
        except JournalError as error:
            return error.problem
        return None

    def close_unknown(self, clusters: Collection[str]) -> None:
        """End the open rows of clusters that are not configured any more.

        Rows of no cluster concern all of them and stay.
        """
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            connection.execute(
                update(JOURNAL)
                .where(JOURNAL.c.outcome.is_(None), JOURNAL.c.cluster.not_in({*clusters, ""}))
                .values(outcome="not_configured", ended_at=now)
            )

    def _open(self, kind: Kind, **values: Any) -> int:
        now = utc_text(self._clock.now().utc)
        with self._store.write() as connection:
            return self._insert(connection, now, kind, **values)

    @staticmethod
    def _insert(connection: Connection, now: str, kind: Kind, **values: Any) -> int:
        result = connection.execute(
            insert(JOURNAL).values(at=now, last_at=now, kind=kind, **values)
        )
        key = result.inserted_primary_key
        assert key is not None
        return int(key[0])

    def _rows(self, query: sqlalchemy.Select[Any]) -> list[JournalRow]:
        with self._store.read() as connection:
            return [row_of(dict(row._mapping)) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name
