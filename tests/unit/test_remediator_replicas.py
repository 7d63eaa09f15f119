"""A remediator as one of several: what it takes up, what it leaves, what it says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from remediator.journal import Journal, JournalError
from remediator.journal_schema import Kind
from remediator.journal_store import LeaseLostError
from remediator.leases import Standing, Step
from remediator.looks import Trigger
from remediator.replicas import Replicas
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_leases import OURS, THEIRS, FakeLeases

NOBODY = Standing(held=False, holder=None, seconds=None)


class SteppingLeases(FakeLeases):
    """Leases whose next steps, and whose live ones, a test lays down."""

    def __init__(self, now: Standing = OURS) -> None:
        super().__init__(now)
        self.steps: list[Step] = []
        self.known: frozenset[str] = frozenset()
        self.broken = False

    def step(self) -> Step:
        """Return the next one."""
        return self.steps.pop(0) if self.steps else Step()

    def live(self) -> frozenset[str]:
        """Return what the test said."""
        return self.known

    def release(self) -> None:
        """Fail if the test wants it."""
        if self.broken:
            raise JournalError("postgresql://a@b/c", "it is gone", "see there")


class Bench:
    """Replicas on a journal, and the looks that they asked for."""

    def __init__(self, tmp_path: Path) -> None:
        clock = samples.FakeClock()
        self.file = tmp_path / "journal.db"
        self.journal = Journal(f"sqlite:///{self.file}", clock)
        self.leases = SteppingLeases()
        self.replicas = Replicas(self.leases, self.journal, clock, ["quito", "lima"])
        self.asked: list[tuple[str, Trigger]] = []
        self.running: set[str] = set()
        self.stop = Event()
        self.stop.set()

    def turn(self) -> list[tuple[str, Trigger]]:
        """Take one turn; return what it asked for."""
        self.asked.clear()
        self.replicas.turn(
            lambda *asked: self.asked.append(asked), self.running.__contains__, self.stop
        )
        return list(self.asked)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return replicas that hold everything."""
    made = Bench(tmp_path)
    yield made
    made.journal.close()


def test_a_cluster_that_was_gained_is_looked_at(bench: Bench) -> None:
    """The one before may have left anything half done."""
    bench.leases.steps = [Step(("quito",))]
    assert bench.turn() == [("quito", Trigger.TAKEOVER)]
    assert bench.turn() == []


def test_alerts_that_others_wrote_down_are_taken_up_once(bench: Bench) -> None:
    """Not while a look runs, which may end them; and again when one comes again."""
    bench.journal.record_alerts([samples.alert()], "webhook")
    bench.running = {"quito"}
    assert bench.turn() == []
    bench.running = set()
    assert bench.turn() == [("quito", Trigger.ALERT)]
    assert bench.turn() == []
    bench.journal.record_alerts([samples.alert()], "webhook")
    assert bench.turn() == [("quito", Trigger.ALERT)]


def test_an_alert_that_comes_again_is_taken_up_however_the_counts_add_up(bench: Bench) -> None:
    """Two that have ended, and one of them that came once more, count the same together."""
    journal, first, second = bench.journal, samples.alert(), samples.alert(fingerprint="f2")
    journal.record_alerts([first], "webhook")
    journal.record_alerts([second], "webhook")
    assert bench.turn() == [("quito", Trigger.ALERT)]
    journal.end_alerts(journal.open_rows(Kind.ALERT), "right")
    journal.record_alerts([second], "webhook")
    assert bench.turn() == [("quito", Trigger.ALERT)]


def test_a_journal_that_fails_in_between_is_said_in_one_line(bench: Bench) -> None:
    """It is no mistake of the program's, which goes on and keeps its leases."""
    bench.leases.steps = [Step(("lima",))]
    with closing(sqlite3.connect(bench.file)) as other:
        other.execute("ALTER TABLE journal RENAME TO elsewhere")
    with capture_logs() as said:
        assert bench.turn() == [("lima", Trigger.TAKEOVER)]
    assert [line["event"] for line in said] == ["leases taken", "alerts of others not read"]


def test_alerts_of_a_cluster_that_is_another_s_are_left_to_it(bench: Bench) -> None:
    """They are open in the journal that both share."""
    bench.leases.now = THEIRS
    bench.journal.record_alerts([samples.alert()], "webhook")
    assert bench.turn() == []


def test_without_the_database_nothing_is_taken_up(bench: Bench) -> None:
    """It could not even be asked for."""
    bench.journal.record_alerts([samples.alert()], "webhook")
    bench.leases.problem = "it does not answer"
    assert bench.turn() == []


def test_whoever_has_the_lease_may_look(bench: Bench) -> None:
    """The others are told who may, or why nobody can tell."""
    bench.replicas.admit("quito")
    bench.leases.now = THEIRS
    with pytest.raises(LeaseLostError) as lost:
        bench.replicas.admit("quito")
    assert lost.value.problem == "another remediator has the lease on the cluster: them:2 (cd)"
    assert bench.replicas.elsewhere == ["quito", "lima"]
    bench.leases.problem = "the journal does not answer: gone"
    with pytest.raises(JournalError) as unknown:
        bench.replicas.admit("quito")
    assert str(unknown.value) == (
        "quito: the journal does not answer: gone (no lease can be had until it answers)"
    )


def test_what_another_replica_looks_after_is_not_closed(bench: Bench) -> None:
    """It may know a cluster that this one's configuration does not have yet."""
    for name in ("quito", "new", "gone"):
        bench.journal.open_note(Kind.PERSON, name, "", "bug", "a bug")
    bench.leases.known = frozenset({"new"})
    bench.replicas.begin()
    assert {row.cluster: row.outcome for row in bench.journal.rows()} == {
        "quito": None,
        "new": None,
        "gone": "not_configured",
    }


def test_gains_and_losses_are_said_once(bench: Bench) -> None:
    """An operator sees in the log who had what, and when."""
    bench.leases.steps = [Step(("quito", "lima"))]
    with capture_logs() as said:
        bench.replicas.begin()
        bench.turn()
        bench.leases.now = NOBODY
        bench.turn()
        bench.turn()
    assert [(line["event"], line["clusters"]) for line in said] == [
        ("leases taken", ["lima", "quito"]),
        ("leases lost", ["lima", "quito"]),
    ]


def test_an_end_without_the_database_is_an_end(bench: Bench) -> None:
    """The lease ends by itself; the program does not wait for it."""
    bench.leases.broken = True
    bench.replicas.end()
    bench.leases.broken = False
    bench.replicas.end()
