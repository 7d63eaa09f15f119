"""Leases in a real PostgreSQL: one holder, until its time is over by the database's clock."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest

from cluster.clock import Clock
from cluster.config_journal import Journal as JournalSettings
from remediator.journal import Journal
from remediator.journal_postgres import open_postgres
from remediator.journal_schema import Kind
from remediator.journal_store import JournalError, LeaseLostError
from remediator.leases import Standing, Step
from remediator.leases_postgres import PostgresLeases
from tests.postgres import PostgresServer
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_journal import decide, intend

GONE = "update lease set until = clock_timestamp() - interval '1 second'"


class Replica:
    """A journal and leases of one replica, on a clock of its own."""

    def __init__(self, server: PostgresServer, holder: str, seconds: float = 30.0) -> None:
        self.clock = samples.FakeClock()
        settings = JournalSettings.model_validate(server.journal)
        real: Clock = self.clock
        store = open_postgres(settings, real, 2)
        self.leases = PostgresLeases(store, real, seconds, ["quito", "lima"], holder)
        self.journal = Journal(open_postgres(settings, real), real, self.leases.fence)

    def close(self) -> None:
        """Close every connection."""
        self.leases._store.close()
        self.journal.close()


@pytest.fixture
def pair(postgres: PostgresServer) -> Iterator[tuple[Replica, Replica]]:
    """Return two replicas, of which nobody has asked for a lease yet."""
    one, two = Replica(postgres, "one"), Replica(postgres, "two")
    yield one, two
    one.close()
    two.close()


def test_the_first_that_asks_has_all(pair: tuple[Replica, Replica]) -> None:
    """The other one is told who has it, and for how long; its own time is less by a margin."""
    one, two = pair
    assert one.leases.step() == Step(("lima", "quito"), 1.0)
    assert one.leases.standing("quito") == Standing(held=True, holder="one", seconds=29.0)
    assert one.leases.until("quito") == samples.BEGIN.monotonic + 29.0
    assert two.leases.step() == Step((), 1.0)
    standing = two.leases.standing("quito")
    assert (standing.held, standing.holder) == (False, "one")
    assert standing.seconds is not None
    assert 25 < standing.seconds <= 30
    assert two.leases.until("quito") == float("-inf")
    assert two.leases.live() == {"lima", "quito"}


def test_a_lease_is_renewed_when_a_third_has_passed(
    pair: tuple[Replica, Replica], postgres: PostgresServer
) -> None:
    """Not before, so that the database is asked seldom; and nothing is gained by it."""
    one, _ = pair
    one.leases.step()
    first = postgres.ask("select until from lease order by cluster")
    one.clock.move(9.9)
    assert one.leases.step() == Step((), 1.0)
    assert postgres.ask("select until from lease order by cluster") == first
    one.clock.move(0.2)
    assert one.leases.step() == Step((), 1.0)
    assert postgres.ask("select until from lease order by cluster") > first
    assert one.leases.standing("lima").seconds == 29.0
    assert postgres.ask("select distinct number from lease") == [(1,)]


def test_a_lease_is_held_all_the_while_it_is_renewed(pair: tuple[Replica, Replica]) -> None:
    """A look that asks in the middle of it is not told that somebody else has the cluster."""
    one, _ = pair
    one.leases.step()
    one.clock.move(10.1)
    held: list[bool] = []

    def at_each_line(frame: FrameType, _event: str, _more: object) -> Any:
        if frame.f_code is not PostgresLeases._keep.__code__:
            return None
        held.append(one.leases.standing("quito").held)
        return at_each_line

    before = sys.gettrace()
    sys.settrace(at_each_line)
    try:
        one.leases.step()
    finally:
        sys.settrace(before)
    assert len(held) > 10
    assert all(held)


def test_the_own_clock_ends_a_lease_too(pair: tuple[Replica, Replica]) -> None:
    """Whatever the database would say: it may not be heard any more. Held again, it is gained."""
    one, _ = pair
    one.leases.step()
    one.clock.move(29.0)
    assert one.leases.standing("quito").held is False
    with pytest.raises(LeaseLostError):
        decide(one.journal)
    assert one.leases.step() == Step(("lima", "quito"), 1.0)
    assert decide(one.journal) == 1


def test_whoever_takes_a_lease_over_shuts_the_one_before_out(
    pair: tuple[Replica, Replica], postgres: PostgresServer
) -> None:
    """By its own clock that one still has it; the database knows better, and nothing is written."""
    one, two = pair
    one.leases.step()
    postgres.tell(GONE)
    assert two.leases.step() == Step(("lima", "quito"), 1.0)
    assert postgres.ask("select distinct holder, number from lease") == [("two", 2)]

    assert one.leases.standing("quito").held is True
    with pytest.raises(LeaseLostError) as caught:
        intend(one.journal)
    assert caught.value.problem == (
        "this remediator has no lease on the cluster, and knows of nobody who has"
    )
    with pytest.raises(LeaseLostError):
        decide(one.journal)
    with pytest.raises(LeaseLostError):
        one.journal.open_decision("quito", row="right", trigger="alert", level="x", detail={})
    assert one.journal.rows() == []
    assert one.journal.last_write_failed is False
    assert one.leases.standing("quito").held is False
    intend(two.journal)

    one.clock.move(10.1)
    one.leases.step()
    assert one.leases.standing("quito").holder == "two"


def test_what_has_begun_is_ended_by_whoever_began_it(
    pair: tuple[Replica, Replica], postgres: PostgresServer
) -> None:
    """An outcome is the truth of an action, whoever has the lease by then."""
    one, two = pair
    one.leases.step()
    key = intend(one.journal)
    postgres.tell(GONE)
    two.leases.step()
    one.journal.end([key], "verified")
    assert two.journal.open_rows(Kind.ACTION) == []


def test_nobody_takes_a_lease_over_while_an_intent_is_written(
    pair: tuple[Replica, Replica], postgres: PostgresServer
) -> None:
    """Who takes over afterwards sees the intent: it was committed before, or refused."""
    one, two = pair
    one.leases = PostgresLeases(one.leases._store, one.clock, 1.5, ["quito"], "short")
    one.leases.step()
    with ThreadPoolExecutor(1) as pool:
        with one.journal._store.write() as connection:
            one.leases.fence(connection, "quito")
            postgres.tell("select pg_sleep_until(until) from lease")
            taking = pool.submit(two.leases.step)
            waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            while postgres.ask(waits) == [(0,)]:
                assert not taking.done()
        assert taking.result().gained == ("lima", "quito")


def test_a_clean_end_hands_over_at_once(pair: tuple[Replica, Replica]) -> None:
    """Nobody waits for the end of a lease that was given back."""
    one, two = pair
    one.leases.step()
    two.leases.step()
    one.leases.release()
    assert one.leases.standing("quito").held is False
    assert two.leases.step().gained == ("lima", "quito")
    assert two.leases.standing("quito").held is True


def test_what_was_given_back_is_not_taken_again(pair: tuple[Replica, Replica]) -> None:
    """The loop that keeps leases may hang in the database for longer than a stop waits for it."""
    one, two = pair
    one.leases.step()
    one.leases.release()
    assert one.leases.step() == Step()
    assert two.leases.step().gained == ("lima", "quito")


def test_without_the_database_a_lease_lasts_until_its_end(
    pair: tuple[Replica, Replica], postgres: PostgresServer
) -> None:
    """What is wrong is told; once the database is back the leases are gained anew."""
    one, _ = pair
    one.leases.step()
    postgres.stop()
    one.clock.move(10.1)
    assert one.leases.step() == Step((), 1.0)
    assert str(one.leases.problem).startswith("the journal does not answer: connection failed")
    assert one.leases.standing("quito").held is True
    one.clock.move(18.9)
    assert one.leases.standing("quito").held is False
    postgres.start()
    assert one.leases.step().gained == ("lima", "quito")
    assert one.leases.problem is None
    postgres.stop()
    with pytest.raises(JournalError):
        one.leases.release()
    postgres.start()


def test_the_next_try_is_when_the_lease_may_end(
    pair: tuple[Replica, Replica], postgres: PostgresServer
) -> None:
    """Who waits is there at that moment, not a second later."""
    one, two = pair
    one.leases.step()
    postgres.tell("update lease set until = clock_timestamp() + interval '400 milliseconds'")
    assert 0.05 <= two.leases.step().wait_seconds <= 0.4
