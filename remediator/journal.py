"""Edge: the durable record of every alert, decision and action.

What is written is on the disk when the call returns. A row that began and has not ended has
no outcome: after a crash these rows are what has to be finished.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, bindparam, event, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from cluster.clock import Clock, utc_text
from cluster.errors import ClusterError
from remediator import journal_alerts
from remediator.journal_schema import (
    JOURNAL,
    SCHEMA_VERSION,
    Intent,
    JournalRow,
    Kind,
    detail_text,
    prepare,
    row_of,
)
from remediator.webhook import Alert

MAX_ROWS = 1000


class JournalError(ClusterError):
    """The journal cannot be written or read; nothing may be done without it."""


class Journal:
    """The journal of one remediator, in one SQLite file."""

    def __init__(self, url: str, clock: Clock) -> None:
        """Open or create it. Raises `JournalError` if that fails or it is of a newer version."""
        self._url = url
        self._clock = clock
        self._writing = threading.Lock()
        self.last_write_failed = False
        self._engine = _engine(url)
        with self._transaction() as connection:
            version = prepare(connection)
            if version != SCHEMA_VERSION:
                raise JournalError(
                    url,
                    f"the journal has schema version {version}, this program writes "
                    f"{SCHEMA_VERSION}",
                    "use the program that wrote it, or another file",
                )

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def record_alerts(self, alerts: Iterable[Alert], source: str) -> None:
        """Write a batch of alerts in one transaction.

        source: ``webhook`` or ``resync``. An accepted alert opens its episode's row, or
        opens it again and counts; everything else is recorded as ended with its outcome.
        """
        now = utc_text(self._clock.now().utc)
        with self._transaction() as connection:
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
        with self._transaction() as connection:
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
        return self._open(
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
        with self._transaction() as connection:
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
        last = connection.execute(select(func.max(JOURNAL.c.number))).scalar() or 0
        return max(int(last) + 1, int(moment.timestamp() * 1000))

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
        with self._transaction() as connection:
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
    ) -> None:
        """End open rows with an outcome. Rows that have ended already stay as they are."""
        wanted = list(ids)
        if not wanted:
            return
        now = utc_text(self._clock.now().utc)
        values: dict[str, Any] = {"outcome": outcome, "ended_at": now}
        if parent is not None:
            values["parent"] = parent
        if detail is not None:
            values["detail"] = detail_text(detail)
        with self._transaction() as connection:
            connection.execute(
                update(JOURNAL)
                .where(JOURNAL.c.id.in_(wanted), JOURNAL.c.outcome.is_(None))
                .values(**values)
            )

    def end_alerts(self, alerts: Iterable[JournalRow], outcome: str) -> None:
        """End alerts as they were when they were read; one that came again since stays open."""
        now = utc_text(self._clock.now().utc)
        statement = (
            update(JOURNAL)
            .where(
                JOURNAL.c.id == bindparam("row_id"),
                JOURNAL.c.count == bindparam("row_count"),
                JOURNAL.c.outcome.is_(None),
            )
            .values(outcome=outcome, ended_at=now)
        )
        rows = [{"row_id": row.id, "row_count": row.count} for row in alerts]
        if rows:
            with self._transaction() as connection:
                connection.execute(statement, rows)

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
            query = query.where(JOURNAL.c.cluster == cluster)
        if kind is not None:
            query = query.where(JOURNAL.c.kind == kind)
        if before is not None:
            query = query.where(JOURNAL.c.id < before)
        return self._rows(query.order_by(JOURNAL.c.id.desc()).limit(min(limit, MAX_ROWS)))

    def prune(self, keep_seconds: float) -> int:
        """Delete ended rows older than the retention; return how many."""
        oldest = utc_text(self._clock.now().utc - timedelta(seconds=keep_seconds))
        with self._transaction() as connection:
            result = connection.execute(
                JOURNAL.delete().where(JOURNAL.c.outcome.is_not(None), JOURNAL.c.last_at < oldest)
            )
            return result.rowcount

    def probe(self) -> None:
        """Write a row and take it out again. Raises `JournalError` if that cannot be done."""
        now = utc_text(self._clock.now().utc)
        with self._transaction() as connection:
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
        """End the open rows of clusters that are not configured any more."""
        now = utc_text(self._clock.now().utc)
        with self._transaction() as connection:
            connection.execute(
                update(JOURNAL)
                .where(JOURNAL.c.outcome.is_(None), JOURNAL.c.cluster.not_in(clusters))
                .values(outcome="not_configured", ended_at=now)
            )

    def _open(self, kind: Kind, **values: Any) -> int:
        now = utc_text(self._clock.now().utc)
        with self._transaction() as connection:
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
        with self._errors(), self._engine.connect() as connection:
            return [row_of(dict(row._mapping)) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """One write transaction at a time; committed to the disk when it ends well."""
        try:
            with self._errors(), self._writing, self._engine.begin() as connection:
                yield connection
        except JournalError:
            self.last_write_failed = True
            raise
        self.last_write_failed = False

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise JournalError(
                self._url, f"the journal does not answer: {cause}", "see disk space and rights"
            ) from error


def _engine(url: str) -> Engine:
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": 5})

    def on_connect(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    listen: Callable[..., None] = event.listen
    listen(engine, "connect", on_connect)
    return engine
