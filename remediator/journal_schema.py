"""The journal's table and its rows. Pure: no connection is opened here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 2
MAX_SHOWN_CHARACTERS = 200

METADATA = MetaData()

ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself only what is declared as its INTEGER, which has 64 bits."""

SCHEMA = Table("schema_version", METADATA, Column("version", Integer, primary_key=True))

JOURNAL = Table(
    "journal",
    METADATA,
    Column("id", ID, primary_key=True),
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
    Column("parent", ID, nullable=True),
    Column("trigger", String(16), nullable=False, default=""),
    Column("level", String(16), nullable=False, default=""),
    Column("fingerprint", String(200), nullable=False, default=""),
    Column("starts_at", String(32), nullable=True),
    Column("detail", Text, nullable=False, default="{}"),
    Column("number", BigInteger, nullable=True),
    sqlite_autoincrement=True,
)

LEASE = Table(
    "lease",
    METADATA,
    Column("cluster", String(200), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)
"""Who may act on a cluster, until when by the database's clock. number: rises with each holder."""

Index("journal_cluster", JOURNAL.c.cluster, JOURNAL.c.id)
Index("journal_open", JOURNAL.c.outcome, JOURNAL.c.kind)
# What is open is asked at every look, of one cluster: it must not cost more as the record grows.
Index("journal_open_of_cluster", JOURNAL.c.cluster, JOURNAL.c.kind, JOURNAL.c.outcome)
Index("journal_number", JOURNAL.c.number)
Index("journal_episode", JOURNAL.c.fingerprint, JOURNAL.c.starts_at)


class Kind(StrEnum):
    """What a row records.

    ALERT: one episode of an alert (fingerprint and startsAt); open until a look that began
    after it has ended. DECISION: what a look decided; equal ones in a row are counted.
    ACTION: one command, written before it is sent, ended when the port was read again.
    PERSON: somebody is needed; open until the cluster is right. FENCE: a host that should be
    closed cannot be commanded; open until it is seen closed or as the only primary.
    SERVICE: the program started or stopped. PORT_CHANGE: a port was found changed by other
    hands. PAUSE: a person keeps one cluster, or all (no cluster), from being switched; open until
    resumed or expired. APPROVAL: reason ``wanted`` asks a person for actions; ``granted`` lets
    them be carried out, once. ACKNOWLEDGEMENT: somebody knows why a person is needed; open until
    that has passed.
    """

    ALERT = "alert"
    DECISION = "decision"
    ACTION = "action"
    PERSON = "person"
    FENCE = "fence"
    SERVICE = "service"
    PORT_CHANGE = "port_change"
    PAUSE = "pause"
    APPROVAL = "approval"
    ACKNOWLEDGEMENT = "acknowledgement"


@dataclass(frozen=True, slots=True)
class Intent:
    """An action that is written down and not yet carried out.

    id: of its row. number: higher than those of all intents before it, and of other journals
    before this one, as long as the clock was not set back meanwhile.
    """

    id: int
    number: int


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row. Times are UTC, ISO 8601. outcome: None while the row is open.

    kind: a text where it is none that this program knows. number: of an intent, else None.
    """

    id: int
    at: str
    kind: Kind | str
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
    number: int | None = None


def row_of(values: dict[str, Any]) -> JournalRow:
    """Make a row of a table's values. What is damaged in it is shown as it stands."""
    return JournalRow(
        **{**values, "kind": _kind(values["kind"]), "detail": _detail(values["detail"])}
    )


def _kind(stored: Any) -> Kind | str:
    try:
        return Kind(stored)
    except ValueError:
        return str(stored)


def _detail(stored: Any) -> dict[str, Any]:
    try:
        detail = json.loads(stored)
    except (TypeError, ValueError, RecursionError):
        detail = stored
    return detail if isinstance(detail, dict) else {"damaged": str(detail)[:MAX_SHOWN_CHARACTERS]}


def detail_text(detail: dict[str, Any]) -> str:
    """Write particulars as the table keeps them."""
    return json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str)
