"""Edge: brings a journal to the schema that this program writes. Forward only.

A step is never changed once released: it has made journals what they are. All steps of one
start are one transaction, so that a journal is of its old version or of the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, insert, inspect, select, text, update

from remediator.journal_schema import JOURNAL, METADATA, SCHEMA, SCHEMA_VERSION
from remediator.journal_store import JournalError, Store, Turn


def migrate(store: Store) -> None:
    """Make an empty database a journal, or bring an older journal to `SCHEMA_VERSION`.

    Raises `JournalError` for one of a version that this program does not know; that is left as
    it is. Replicas that start together do it one after the other.
    """
    with store.write() as connection:
        store.check(connection)
        store.take_turn(connection, Turn.MIGRATE)
        version = _version(connection)
        if version is None:
            METADATA.create_all(connection)
            connection.execute(insert(SCHEMA).values(version=SCHEMA_VERSION))
            return
        if not 1 <= version <= SCHEMA_VERSION:
            raise JournalError(
                store.where,
                f"the journal has schema version {version}, this program writes {SCHEMA_VERSION}",
                "use the program that wrote it, or another file",
            )
        for before in range(version, SCHEMA_VERSION):
            STEPS[before](connection)
        if version < SCHEMA_VERSION:
            connection.execute(update(SCHEMA).values(version=SCHEMA_VERSION))
        for index in JOURNAL.indexes:  # one that came later changes no row, and is no version
            index.create(connection, checkfirst=True)


def _version(connection: Connection) -> int | None:
    """Return the version of a journal; None for a database that is none yet."""
    if not inspect(connection).has_table(SCHEMA.name):
        return None
    version = connection.execute(select(SCHEMA.c.version)).scalar()
    return None if version is None else int(version)


def _from_1(connection: Connection) -> None:
    """Give every intent a number, and every cluster a lease."""
    connection.execute(text("ALTER TABLE journal ADD COLUMN number BIGINT"))
    connection.execute(
        text(
            "CREATE TABLE lease (cluster VARCHAR(200) NOT NULL PRIMARY KEY, "
            "holder VARCHAR(200) NOT NULL, number BIGINT NOT NULL, until DATETIME NOT NULL)"
        )
    )


STEPS: Mapping[int, Callable[[Connection], None]] = {1: _from_1}
"""What leads from a version to the next one."""
