"""Edge: opens a PostgreSQL as the journal of several remediators.

No question to it lasts for ever: the server ends what takes too long, and this side what the
server does not end, be it frozen or cut off. A connection that was broken is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import sqlalchemy

from cluster.clock import Clock
from cluster.config import read_secret
from cluster.config_journal import Journal as JournalSettings
from cluster.config_journal import PostgresAddress
from remediator.journal_store import JournalError, Store

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS, CONNECT_EACH_SECONDS = 3, 2
"""To a server, and to each of several, which are tried one after the other; the library takes
no less than 2. A webhook is to be answered within 10 s, also when two of them are silent."""
STATEMENT_SECONDS = 3.5
LOCK_SECONDS = 2.5
ANSWER_SECONDS = 4.0
"""How long this side waits for a sign of the server; longer than the server lets anything take."""

CONNECTIONS = 20
"""Most connections at once of one remediator; who finds none free waits `ANSWER_SECONDS`."""

HINT = "see that the server runs, can be reached and lets this program in"


def open_postgres(settings: JournalSettings, clock: Clock, connections: int = CONNECTIONS) -> Store:
    """Return the store of a PostgreSQL. Nothing is connected yet.

    settings: with a URL of ``postgresql://``. Raises `JournalError` where the driver is not
    installed, `ClusterError` for a secret that cannot be read.
    """
    address = settings.postgres
    assert address is not None
    try:
        import psycopg  # noqa: PLC0415 - an extra: only where it is wanted
    except ImportError as error:
        raise JournalError(
            settings.url,
            "a PostgreSQL journal needs the library psycopg",
            "install sipnlb with its extra postgres, as in pip install '.[postgres]'",
        ) from error
    secret = read_secret(settings.password_file) if settings.password_file else None
    terms = _terms(address, settings, secret)
    kind = _bounded_connection(psycopg, clock)
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        # Without prepared statements: their plans know no values, and compare each of a hundred
        # with each row (observed: 15.18), where a plan of its own takes a thousandth of the time.
        creator=lambda: kind.connect(prepare_threshold=None, **terms),
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=min(5, connections),
        max_overflow=max(0, connections - 5),
        pool_timeout=ANSWER_SECONDS,
    )
    return Store(settings.url, engine, HINT, is_shared=True)


def _terms(address: PostgresAddress, settings: JournalSettings, secret: str | None) -> Any:
    """Return how to connect. documented: PostgreSQL 15, "Parameter Key Words" of libpq.

    ``synchronous_commit`` is set because a database may have it off: a commit would then be
    answered before it is on the disk.
    """
    options = {
        "statement_timeout": int(STATEMENT_SECONDS * 1000),
        "lock_timeout": int(LOCK_SECONDS * 1000),
        "idle_in_transaction_session_timeout": int(ANSWER_SECONDS * 1000),
        "synchronous_commit": "on",
        "timezone": "UTC",
    }
    terms: dict[str, Any] = {
        "host": ",".join(host for host, _ in address.servers),
        "port": ",".join(str(port) for _, port in address.servers),
        "user": address.user,
        "dbname": address.database,
        "target_session_attrs": "read-write",
        "connect_timeout": CONNECT_EACH_SECONDS if len(address.servers) > 1 else CONNECT_SECONDS,
        "application_name": "sipnlb-remediator",
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        "sslmode": settings.ssl,
        "gssencmode": "disable",
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": int(ANSWER_SECONDS * 1000),
    }
    if settings.ca_file is not None:
        terms["sslrootcert"] = settings.ca_file
    if secret is not None:
        terms["password"] = secret
    return terms


def _bounded_connection(library: Any, clock: Clock) -> type[psycopg.Connection[Any]]:
    """Return a kind of connection that is given up when the server is silent for too long.

    The server's own limits do not hold while it is frozen (observed: its kernel still takes
    what is sent, and the library waits without end).
    """
    base: Any = library.Connection

    class BoundedConnection(base):  # type: ignore[misc]
        def wait(self, generator: Any, *more: Any, **named: Any) -> Any:
            try:
                return super().wait(_bounded(generator, clock, _silent), *more, **named)
            except _Silent as error:
                self.close()
                raise library.OperationalError(str(error)) from None

    return BoundedConnection


class _Silent(Exception):  # noqa: N818 - it is turned into the library's own error at once
    """The server gave no sign for too long."""


def _silent() -> Exception:
    return _Silent(f"the server gave no answer within {ANSWER_SECONDS:g} s")


def _bounded(
    inner: Generator[Any, Any, Any], clock: Clock, problem: Callable[[], Exception]
) -> Generator[Any, Any, Any]:
    """Pass on what a waiting generator wants and gets; raise when it gets nothing for too long.

    documented: psycopg 3, "psycopg.waiting": a generator is sent 0 when an interval passed
    without a sign.
    """
    heard = clock.now()
    try:
        wanted = next(inner)
        while True:
            ready = yield wanted
            if ready:
                heard = clock.now()
            elif clock.now().seconds_since(heard) >= ANSWER_SECONDS:
                raise problem()
            wanted = inner.send(ready)
    except StopIteration as stop:
        return stop.value
