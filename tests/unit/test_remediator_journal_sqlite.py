"""What is peculiar to a journal in an SQLite file: its disk, its locks, its index."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from remediator.journal import Journal, JournalError
from remediator.journal_schema import SCHEMA_VERSION, Kind
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_journal import decide, intend


@pytest.fixture
def clock() -> samples.FakeClock:
    """Return a clock that stands at `BEGIN`."""
    return samples.FakeClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the journal is."""
    return tmp_path / "journal.db"


@pytest.fixture
def journal(file: Path, clock: samples.FakeClock) -> Iterator[Journal]:
    """Return an empty journal."""
    made = Journal(f"sqlite:///{file}", clock)
    yield made
    made.close()


def seen_by_others(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Return what another program reads in the file."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def test_what_is_open_costs_no_more_as_the_record_grows(
    file: Path, clock: samples.FakeClock
) -> None:
    """It is found by an index, also in a journal that was made before there was one."""
    url = f"sqlite:///{file}"
    Journal(url, clock).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP INDEX journal_open_of_cluster")
        connection.commit()

    Journal(url, clock).close()

    asked = "kind = 'person' AND outcome IS NULL AND cluster = 'quito' ORDER BY id"
    plan = seen_by_others(file, f"EXPLAIN QUERY PLAN SELECT * FROM journal WHERE {asked}")
    assert [row[-1] for row in plan] == [
        "SEARCH journal USING INDEX journal_open_of_cluster (cluster=? AND kind=? AND outcome=?)"
    ]


def test_a_lock_of_others_holds_nobody_for_long(journal: Journal, file: Path) -> None:
    """Nor those that wait behind one another: Alertmanager waits for 10 s."""

    def seconds(_: int) -> float:
        began = time.monotonic()
        assert journal.why_unwritable() is not None
        return time.monotonic() - began

    with closing(sqlite3.connect(file)) as other, ThreadPoolExecutor(4) as pool:
        other.execute("BEGIN IMMEDIATE")
        assert max(pool.map(seconds, range(4))) < 8
    assert journal.why_unwritable() is None


def test_the_file_is_written_through_to_the_disk(journal: Journal, file: Path) -> None:
    """The write-ahead log is in force, and every commit is synchronised (2 is FULL)."""
    assert seen_by_others(file, "pragma journal_mode") == [("wal",)]
    with journal._store.engine.connect() as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, clock: samples.FakeClock) -> None:
    """A wrong path in the configuration does not overwrite what is there."""
    file = tmp_path / "clusters.yml"
    file.write_text("clusters: and a text that is much longer than any header\n" * 40)
    with pytest.raises(JournalError) as caught:
        Journal(f"sqlite:///{file}", clock)
    assert str(caught.value) == (
        f"sqlite:///{file}: the journal does not answer: file is not a database "
        "(if it is the right file, stop the program, move the file and its -wal aside, start it "
        "again; RUNNING.md says what that loses)"
    )
    assert file.read_text().startswith("clusters: and a text")


def test_a_missing_folder_is_refused(tmp_path: Path, clock: samples.FakeClock) -> None:
    """A path below a folder that is not there says so."""
    url = f"sqlite:///{tmp_path}/none/journal.db"
    with pytest.raises(JournalError) as caught:
        Journal(url, clock)
    assert str(caught.value) == (
        f"{url}: the journal does not answer: unable to open database file "
        "(see disk space and rights)"
    )


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_another_schema_is_refused(tmp_path: Path, clock: samples.FakeClock, version: int) -> None:
    """A file of another version is left alone."""
    file = tmp_path / "journal.db"
    Journal(f"sqlite:///{file}", clock).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("update schema_version set version = ?", [version])
        connection.commit()
    with pytest.raises(JournalError) as caught:
        Journal(f"sqlite:///{file}", clock)
    assert str(caught.value) == (
        f"sqlite:///{file}: the journal has schema version {version}, this program writes "
        f"{SCHEMA_VERSION} (use the program that wrote it, or another file)"
    )
    assert seen_by_others(file, "select version from schema_version") == [(version,)]


def test_a_full_disk_is_said_by_every_write(journal: Journal) -> None:
    """No write of any kind succeeds or half succeeds when the file cannot grow; reading goes on."""
    key = intend(journal)
    with journal._store.engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
    _on_checkout(journal, f"pragma max_page_count = {pages}")
    long = "x" * 100_000
    writes: list[Callable[[], object]] = [
        lambda: journal.record_alerts([samples.alert(name=long)], "webhook"),
        lambda: decide(journal, reason=long),
        lambda: journal.open_decision("quito", row=long, trigger="", level="", detail={}),
        lambda: journal.open_note(Kind.PERSON, "quito", "", "bug", long),
        lambda: journal.record_event("started", {"why": long}),
        lambda: journal.end([key], long),
    ]
    for write in writes:
        with pytest.raises(JournalError) as caught:
            write()
        assert caught.value.problem == "the journal does not answer: database or disk is full"
    (row,) = journal.rows()
    assert (row.id, row.outcome) == (key, None)


def _on_checkout(journal: Journal, statement: str) -> None:
    """Run a statement on every connection of the journal before it is used."""

    def on_checkout(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute(statement)

    listen: Callable[..., None] = sqlalchemy.event.listen
    listen(journal._store.engine, "checkout", on_checkout)


def test_a_lock_of_others_is_an_error_in_bounded_time(journal: Journal, file: Path) -> None:
    """While another program holds the file the journal is not writable, and says why.

    It waits three seconds for it; here that is made shorter.
    """
    with journal._store.engine.connect() as connection:
        assert connection.exec_driver_sql("pragma busy_timeout").scalar() == 3000
    _on_checkout(journal, "pragma busy_timeout = 20")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        assert journal.why_unwritable() == "the journal does not answer: database is locked"
        assert journal.rows() == []
    assert journal.why_unwritable() is None


def test_a_vanished_table_is_an_error_of_reading(journal: Journal, file: Path) -> None:
    """What was destroyed under the program is a JournalError, not a crash."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("drop table journal")
        connection.commit()
    with pytest.raises(JournalError) as caught:
        journal.rows()
    assert caught.value.problem == "the journal does not answer: no such table: journal"
