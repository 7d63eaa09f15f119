"""An older journal is brought to this program's schema, whole or not at all."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from remediator.journal import Journal, JournalError
from remediator.journal_migrations import STEPS
from remediator.journal_schema import SCHEMA_VERSION, JournalRow, Kind
from tests.postgres import PostgresServer
from tests.unit import remediator_samples as samples
from tests.unit.conftest import Database
from tests.unit.test_remediator_journal import intend

OLD = Path(__file__).parents[1] / "data" / "journal" / "version-1.sql"
AT = "2024-06-11T21:47:03.250Z"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a file as the program of schema version 1 left it."""
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(OLD.read_text("utf-8"))
    return file


def schema(file: Path) -> set[tuple[str, str]]:
    """Return every table's columns and every index of a file."""
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("select name, type, tbl_name from sqlite_master").fetchall()
        columns = {
            (table, f"{name} {kind} {required}")
            for table, kind_of, _ in rows
            if kind_of == "table"
            for _, name, kind, required, *_ in connection.execute(f"pragma table_info({table})")
        }
    return columns | {(table, name) for name, kind_of, table in rows if kind_of == "index"}


def test_a_journal_of_version_1_goes_on(old: Path, tmp_path: Path) -> None:
    """Every row stays as it is, what was open is open, and the schema is that of a new one."""
    journal = Journal(f"sqlite:///{old}", samples.FakeClock())
    assert [(row.id, row.outcome, row.number) for row in journal.rows()] == [
        (4, None, None),
        (3, "verified", None),
        (2, None, None),
        (1, None, None),
    ]
    assert journal.open_rows(Kind.ACTION) == [
        JournalRow(
            id=4,
            at=AT,
            kind=Kind.ACTION,
            cluster="quito",
            host="quito-2",
            port="5080",
            verb="disable",
            row="other_open",
            last_at=AT,
            parent=2,
            detail={"zone": "東京"},
        )
    ]
    assert intend(journal) == 5
    journal.close()

    Journal(f"sqlite:///{tmp_path / 'new.db'}", samples.FakeClock()).close()
    assert schema(old) == schema(tmp_path / "new.db")
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("select version from schema_version").fetchall() == [(2,)]


def test_a_step_that_fails_leaves_the_journal_of_its_old_version(old: Path) -> None:
    """Nothing of it stands, so that the program of before can go on with the file."""
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("create table lease (x)")
        connection.commit()
    before = schema(old)
    with pytest.raises(JournalError) as caught:
        Journal(f"sqlite:///{old}", samples.FakeClock())
    assert caught.value.problem == "the journal does not answer: table lease already exists"
    assert schema(old) == before
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("select version from schema_version").fetchall() == [(1,)]


def test_there_is_a_step_from_every_version() -> None:
    """None is left out between the first one and this program's."""
    assert sorted(STEPS) == list(range(1, SCHEMA_VERSION))


def test_a_postgresql_of_a_later_version_is_left_alone(postgres: PostgresServer) -> None:
    """A replica that was not updated yet does not touch what it does not know."""
    Database(postgres).open(samples.FakeClock()).close()
    postgres.tell("update schema_version set version = 7")
    with pytest.raises(JournalError) as caught:
        Database(postgres).open(samples.FakeClock())
    assert str(caught.value) == (
        f"{postgres.url}: the journal has schema version 7, this program writes {SCHEMA_VERSION} "
        "(use the program that wrote it, or another file)"
    )


def test_replicas_that_start_together_make_one_journal(postgres: PostgresServer) -> None:
    """They find an empty database, and make the tables one after the other."""
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: Database(postgres).open(samples.FakeClock()), range(6)))
    for each in opened:
        each.close()
    assert postgres.ask("select version from schema_version") == [(SCHEMA_VERSION,)]
