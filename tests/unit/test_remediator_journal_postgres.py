"""What is peculiar to a journal that several remediators share in one PostgreSQL."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from cluster.clock import SystemClock
from cluster.config_journal import Journal as JournalSettings
from cluster.errors import ClusterError
from remediator.journal import Journal, JournalError
from remediator.journal_postgres import HINT, open_postgres
from remediator.leases_postgres import PostgresLeases
from tests.postgres import PASSWORD, PostgresServer
from tests.unit import remediator_samples as samples
from tests.unit.conftest import Database
from tests.unit.test_remediator_journal import intend


@pytest.fixture
def journal(postgres: PostgresServer) -> Iterator[Journal]:
    """Return an empty journal, on a clock that goes on: its waits are measured."""
    made = Database(postgres).open(SystemClock())
    yield made
    made.close()


def test_an_episode_that_two_replicas_write_at_once_is_one_row(postgres: PostgresServer) -> None:
    """An Alertmanager sends to all of them at the same moment."""
    replicas = [Database(postgres).open(samples.FakeClock()) for _ in range(4)]
    together = Barrier(len(replicas))

    def write(journal: Journal) -> None:
        together.wait()
        journal.record_alerts([samples.alert(fingerprint=f"f{n}") for n in range(50)], "webhook")

    with ThreadPoolExecutor(len(replicas)) as pool:
        list(pool.map(write, replicas))
    assert postgres.ask("select count(*), min(count), max(count) from journal") == [(50, 4, 4)]
    for each in replicas:
        each.close()


def test_numbers_of_intents_rise_across_replicas(postgres: PostgresServer) -> None:
    """A host that saw one replica's number refuses what another was given before it."""
    replicas = [Database(postgres).open(samples.FakeClock()) for _ in range(3)]

    def write(journal: Journal) -> None:
        for _ in range(10):
            intend(journal)

    with ThreadPoolExecutor(len(replicas)) as pool:
        list(pool.map(write, replicas))
    numbers = [row[0] for row in postgres.ask("select number from journal order by number")]
    assert len(set(numbers)) == 30
    for each in replicas:
        each.close()


def test_what_is_committed_is_on_the_disk(journal: Journal, postgres: PostgresServer) -> None:
    """A database where a commit is answered before that is told not to for this program."""
    postgres.tell("alter database postgres set synchronous_commit = off")
    try:
        other = Database(postgres).open(SystemClock())
        with other._store.read() as connection:
            assert connection.exec_driver_sql("show synchronous_commit").scalar() == "on"
        other.close()
    finally:
        postgres.tell("alter database postgres reset synchronous_commit")


def test_a_server_that_was_started_anew_is_used_at_once(
    journal: Journal, postgres: PostgresServer
) -> None:
    """While it is away the journal says so; connections of before cost no write afterwards."""
    postgres.stop()
    assert str(journal.why_unwritable()).startswith(
        f'the journal does not answer: connection failed: connection to server at "127.0.0.1", '
        f"port {postgres.port} failed: Connection refused"
    )
    postgres.start()
    journal.record_alerts([samples.alert()], "webhook")
    assert [row.fingerprint for row in journal.rows()] == ["f1"]


def test_a_frozen_server_holds_nobody_for_long(journal: Journal, postgres: PostgresServer) -> None:
    """Its kernel still takes what is sent; this side gives up, and recovers by itself."""
    journal.probe()
    ids = postgres.freeze()
    try:
        began = time.monotonic()
        assert journal.why_unwritable() is not None
        assert time.monotonic() - began < 9.5  # Alertmanager waits for 10 s
    finally:
        postgres.thaw(ids)
    assert journal.why_unwritable() is None


def test_two_servers_that_are_both_silent_hold_nobody_for_longer(postgres: PostgresServer) -> None:
    """Each of them is tried, within the same time."""
    here = f"127.0.0.1:{postgres.port}"
    settings = {**postgres.journal, "url": postgres.url.replace(here, f"{here},{here}")}
    clock = SystemClock()
    store = open_postgres(JournalSettings.model_validate(settings), clock)
    journal = Journal(store, clock)
    ids = postgres.freeze()
    try:
        began = time.monotonic()
        assert journal.why_unwritable() is not None
        assert time.monotonic() - began < 9.5
    finally:
        postgres.thaw(ids)
        journal.close()


def test_a_lock_of_others_is_an_error_in_bounded_time(
    journal: Journal, postgres: PostgresServer
) -> None:
    """Whoever holds the table, be it a person at a prompt, holds no look for long."""
    with postgres.connect() as other:
        other.autocommit = False
        other.execute("lock table journal in access exclusive mode")
        began = time.monotonic()
        with pytest.raises(JournalError) as caught:
            journal.probe()
        assert time.monotonic() - began < 5
    assert str(caught.value) == (
        f"{postgres.url}: the journal does not answer: canceling statement due to lock timeout ({HINT})"
    )


def test_an_account_that_owns_nothing_is_enough_from_day_to_day(
    journal: Journal, postgres: PostgresServer
) -> None:
    """Only tables that are to be made or changed want their owner."""
    postgres.tell("drop role if exists clerk")
    for right in (
        f"create role clerk login password '{PASSWORD}'",
        "grant usage on schema public to clerk",
        "grant select, insert, update, delete on journal, lease to clerk",
        "grant select on schema_version to clerk",
        "grant usage on journal_id_seq to clerk",
    ):
        postgres.tell(right)
    given = {**postgres.journal, "url": postgres.url.replace("sipnlb@", "clerk@")}
    settings = JournalSettings.model_validate(given)
    clerk = Journal(open_postgres(settings, SystemClock()), SystemClock())
    leases = PostgresLeases(
        open_postgres(settings, SystemClock()), SystemClock(), 9.0, ["quito"], "c"
    )
    try:
        assert leases.step().gained == ("quito",)
        clerk.record_alerts([samples.alert()], "webhook")
        clerk.end([intend(clerk)], "verified")
        assert clerk.prune(0.001) >= 0
        assert clerk.why_unwritable() is None
        leases.release()
    finally:
        clerk.close()
        postgres.tell("drop owned by clerk")
        postgres.tell("drop role clerk")


def test_a_replica_that_stops_in_a_transaction_frees_what_it_holds(
    journal: Journal, postgres: PostgresServer
) -> None:
    """The server ends what waits for it for too long, so that the others can go on."""
    with journal._store.engine.connect() as connection:
        shown = connection.exec_driver_sql("show idle_in_transaction_session_timeout").scalar()
    assert shown == "4s"


def test_a_wrong_password_is_said_and_not_shown(postgres: PostgresServer, tmp_path: Path) -> None:
    """The message names who was refused, and nothing of what was tried."""
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    settings = JournalSettings.model_validate({"url": postgres.url, "password_file": str(secret)})
    with pytest.raises(JournalError) as caught:
        Journal(open_postgres(settings, SystemClock()), SystemClock())
    assert 'password authentication failed for user "sipnlb"' in caught.value.problem
    assert "hunter2" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """It is found before anything is connected."""
    settings = JournalSettings.model_validate(
        {"url": "postgresql://a@127.0.0.1/b", "password_file": str(tmp_path / "none")}
    )
    with pytest.raises(ClusterError) as caught:
        open_postgres(settings, SystemClock())
    assert str(caught.value).startswith(f"{tmp_path / 'none'}: the secret file cannot be read")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site with SQLite needs no library for it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    settings = JournalSettings.model_validate({"url": "postgresql://a@127.0.0.1/b"})
    with pytest.raises(JournalError) as caught:
        open_postgres(settings, SystemClock())
    assert str(caught.value) == (
        "postgresql://a@127.0.0.1/b: a PostgreSQL journal needs the library psycopg "
        "(install sipnlb with its extra postgres, as in pip install '.[postgres]')"
    )


def test_a_server_that_cannot_prove_who_it_is_is_refused(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """With verify-full the journal is opened over TLS or not at all."""
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    settings = JournalSettings.model_validate(
        {**postgres.journal, "sslmode": "verify-full", "ca_file": str(authority)}
    )
    with pytest.raises(JournalError) as caught:
        Journal(open_postgres(settings, SystemClock()), SystemClock())
    assert "SSL" in caught.value.problem or "root certificate" in caught.value.problem
