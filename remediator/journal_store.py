"""Edge: the database behind a journal: its connections, its transactions, its errors.

Every failure of the database is a `JournalError`. What a transaction wrote is on the disk when
it has ended well, and none of it where it has not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from cluster.errors import ClusterError

TURN_SECONDS = 4.0
"""How long a thread waits for others to have written; with all else less than a webhook's 10 s."""


class JournalError(ClusterError):
    """The journal cannot be written or read; nothing may be done without it."""


class LeaseLostError(JournalError):
    """Another replica has the cluster: nothing was written, and nothing may be done to it."""


class Turn(IntEnum):
    """What replicas do one after the other, until the end of the transaction that began it.

    The numbers are keys of PostgreSQL's advisory locks: the same in every version.
    """

    MIGRATE = 0x5195_0001
    ALERTS = 0x5195_0002
    NUMBER = 0x5195_0003


class Store:
    """A database, opened. is_shared: whether other replicas may write it at the same time."""

    def __init__(
        self,
        where: str,
        engine: Engine,
        hint: str | Callable[[str], str],
        *,
        is_shared: bool,
        check: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        """Wrap an engine.

        where: its URL as people know it. hint: what to do when it fails, or what says so of a
        problem. check: looks at all of it at the start, and raises `JournalError`.
        """
        self.where = where
        self.engine = engine
        self.is_shared = is_shared
        self._writer = engine.execution_options(writes=True)
        self.last_write_failed = False
        self.check = check
        self._hint = hint if callable(hint) else lambda _: hint
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection to read by. Raises `JournalError`."""
        with self._errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction, committed to the disk when it ends well. Raises `JournalError`.

        One at a time in SQLite, whose file has one writer anyway.
        """
        try:
            with self._errors(), self._alone(), self._writer.begin() as connection:
                yield connection
        except LeaseLostError:
            raise
        except JournalError:
            self.last_write_failed = True
            raise
        self.last_write_failed = False

    def take_turn(self, connection: Connection, turn: Turn) -> None:
        """Wait for other replicas that do the same; nothing to wait for where there are none."""
        if self.is_shared:
            connection.execute(select(func.pg_advisory_xact_lock(int(turn))))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep the other threads from writing to a file; whoever waits too long is refused."""
        if self.is_shared:
            yield
            return
        if not self._lock.acquire(timeout=TURN_SECONDS):
            raise JournalError(
                self.where, "the journal does not answer: it is busy", self._hint("")
            )
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            server = getattr(getattr(cause, "diag", None), "message_primary", None)
            said = server or " ".join(str(cause).split())
            raise JournalError(
                self.where, f"the journal does not answer: {said}", self._hint(said)
            ) from error
