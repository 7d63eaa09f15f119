"""The journal's table and its rows. Pure: no connection is opened here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
)

SCHEMA_VERSION = 1

METADATA = MetaData()

SCHEMA = Table("schema_version", METADATA, Column("version", Integer, primary_key=True))

JOURNAL = Table(
    "journal",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("cluster", String(200), nullable=False, default=""),
    Column("host", String(200), nullable=False, default=""),
    Column("port", String(200), nullable=False, default=""),
    Column("verb", String(16), nullable=False, default=""),
    Column("row", String(64), nullable=False, default=""),
    Column("reason", String(64), nullable=False, default=""),
    Column("outcome", String(64), nullable=True),
    Column("ended_at", String(32), nullable=True),
    Column("count", Integer, nullable=False, default=1),
    Column("last_at", String(32), nullable=False),
    Column("parent", Integer, nullable=True),
    Column("trigger", String(16), nullable=False, default=""),
    Column("level", String(16), nullable=False, default=""),
    Column("fingerprint", String(200), nullable=False, default=""),
    Column("starts_at", String(32), nullable=True),
    Column("detail", Text, nullable=False, default="{}"),
    sqlite_autoincrement=True,
)
Index("journal_cluster", JOURNAL.c.cluster, JOURNAL.c.id)
Index("journal_open", JOURNAL.c.outcome, JOURNAL.c.kind)
# What is open is asked at every look, of one cluster: it must not cost more as the record grows.
Index("journal_open_of_cluster", JOURNAL.c.cluster, JOURNAL.c.kind, JOURNAL.c.outcome)
Index("journal_episode", JOURNAL.c.fingerprint, JOURNAL.c.starts_at)


def prepare(connection: Connection) -> int:
    """Make what a journal lacks of tables and indexes; return its schema version.

    An index that came later is added to a journal of before: it changes no row.
    """
    METADATA.create_all(connection)
    for index in JOURNAL.indexes:
        index.create(connection, checkfirst=True)
    version = connection.execute(select(SCHEMA.c.version)).scalar()
    if version is None:
        connection.execute(insert(SCHEMA).values(version=SCHEMA_VERSION))
    return SCHEMA_VERSION if version is None else int(version)


class Kind(StrEnum):
    """What a row records.

    ALERT: one episode of an alert (fingerprint and startsAt); open until a look that began
    after it has ended. DECISION: what a look decided; equal ones in a row are counted.
    ACTION: one command, written before it is sent, ended when the port was read again.
    PERSON: somebody is needed; open until the cluster is right. FENCE: a host that should be
    closed cannot be commanded; open until it is seen closed or as the only primary.
    SERVICE: the program started or stopped. PORT_CHANGE: a port was found changed by other
    hands.
    """

    ALERT = "alert"
    DECISION = "decision"
    ACTION = "action"
    PERSON = "person"
    FENCE = "fence"
    SERVICE = "service"
    PORT_CHANGE = "port_change"


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row. Times are UTC, ISO 8601. outcome: None while the row is open."""

    id: int
    at: str
    kind: Kind
    cluster: str = ""
    host: str = ""
    port: str = ""
    verb: str = ""
    row: str = ""
    reason: str = ""
    outcome: str | None = None
    ended_at: str | None = None
    count: int = 1
    last_at: str = ""
    parent: int | None = None
    trigger: str = ""
    level: str = ""
    fingerprint: str = ""
    starts_at: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def row_of(values: dict[str, Any]) -> JournalRow:
    """Make a row of a table's values."""
    return JournalRow(
        **{**values, "kind": Kind(values["kind"]), "detail": json.loads(values["detail"])}
    )


def detail_text(detail: dict[str, Any]) -> str:
    """Write particulars as the table keeps them."""
    return json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str)
