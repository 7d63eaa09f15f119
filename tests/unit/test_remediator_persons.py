"""Who is called, until it is right or somebody knows of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cluster.clock import Clock
from cluster.config_model import Config
from cluster.model import NodeState, PortState, SipMode
from remediator.guards import Guards
from remediator.journal import Journal
from remediator.journal_schema import Kind
from remediator.look_result import Ending
from remediator.pauses import Pauses
from remediator.persons import Persons
from remediator.record import LookRecord
from remediator.refused import RefusedError
from remediator.rows import Hold
from tests.unit.fake_pair import Bench, FakeHost, bench

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
E, D = PortState.ENABLED, PortState.DISABLED
ADA = {"who": "ada", "address": "10.7.7.7"}


def guards(_: Config, clock: Clock, journal: Journal) -> Guards:
    """Return pauses alone."""
    return Guards((Pauses(journal, clock),))


def stopped(tmp_path: Path) -> Bench:
    """Return a pair whose primary's node is stopped, looked at once: a person is called."""
    made = bench(
        tmp_path, FakeHost(B, D), FakeHost(P, D, node=NodeState.STOPPED), guards=guards, attempts=1
    )
    assert made.look().hold is Hold.PRIMARY_NODE_NOT_SERVING
    return made


def called(made: Bench) -> list[str]:
    """Return why persons are called now."""
    return [row.reason for row in made.journal.open_rows(Kind.PERSON, "sip-west")]


def rows(made: Bench, kind: Kind = Kind.PERSON) -> list[tuple[str, str | None]]:
    """Return reason and outcome of rows, oldest first."""
    return [(row.reason, row.outcome) for row in reversed(made.journal.rows(kind=kind))]


def test_acknowledging_ends_the_call_and_keeps_who_and_what(tmp_path: Path) -> None:
    """The row is over; that somebody knows is a row of its own until it has passed."""
    made = stopped(tmp_path)
    with capture_logs() as lines:
        (ended,) = Persons(made.journal).acknowledge("sip-west", ADA, "ben starts the node")

    assert ended.reason == "primary_node_not_serving"
    assert lines == [
        {
            "event": "acknowledged",
            "log_level": "info",
            "cluster": "sip-west",
            "hold": "primary_node_not_serving",
            "text": "ben starts the node",
            "who": "ada",
            "address": "10.7.7.7",
        }
    ]
    (person,) = made.journal.rows(kind=Kind.PERSON)
    assert (person.outcome, person.detail["acknowledged"], person.detail["who"]) == (
        "acknowledged",
        "ben starts the node",
        "ada",
    )
    (known,) = made.journal.open_rows(Kind.ACKNOWLEDGEMENT, "sip-west")
    assert (known.parent, known.reason, known.detail["text"]) == (
        person.id,
        "primary_node_not_serving",
        "ben starts the node",
    )


def test_what_is_acknowledged_calls_nobody_at_the_next_look(tmp_path: Path) -> None:
    """Nor at any other while the same cause stands, also after a restart."""
    made = stopped(tmp_path)
    Persons(made.journal).acknowledge("sip-west", ADA, "known")
    made.look()
    made.look()

    assert (called(made), len(rows(made))) == ([], 1)


def test_the_same_cause_calls_again_once_it_has_passed(tmp_path: Path) -> None:
    """It was right between: who acknowledged the first time knows nothing of this one."""
    made = stopped(tmp_path)
    Persons(made.journal).acknowledge("sip-west", ADA, "known")
    made.two().node = NodeState.CONVERGED
    assert made.look().ending is Ending.REMEDIATED
    made.two().node = NodeState.STOPPED
    made.look()

    assert called(made) == ["primary_node_not_serving"]
    assert rows(made, Kind.ACKNOWLEDGEMENT) == [("primary_node_not_serving", "right")]


def test_another_hold_is_a_new_cause(tmp_path: Path) -> None:
    """What is known is that the node is stopped, not that the port does not follow."""
    made = stopped(tmp_path)
    Persons(made.journal).acknowledge("sip-west", ADA, "known")
    made.two().node, made.two().obeys = NodeState.CONVERGED, False
    assert made.look().hold is Hold.ACTION_FAILED

    assert called(made) == ["action_failed"]
    assert rows(made, Kind.ACKNOWLEDGEMENT) == [("primary_node_not_serving", "replaced")]


def test_the_same_hold_of_another_action_is_a_new_cause(tmp_path: Path) -> None:
    """Enabling one host's port failed and is known; now the other's fails."""
    made = bench(tmp_path, FakeHost(B, D, obeys=False), FakeHost(P, D, obeys=False), attempts=1)
    assert made.look().hold is Hold.ACTION_FAILED
    Persons(made.journal).acknowledge("sip-west", ADA, "known")
    made.one().mode, made.two().mode = P, B
    assert made.look().hold is Hold.ACTION_FAILED

    assert called(made) == ["action_failed"]


def test_a_call_for_another_cause_replaces_the_first(tmp_path: Path) -> None:
    """What is acknowledged then is what stands now, and stays acknowledged."""
    made = bench(tmp_path, FakeHost(B, D, obeys=False), FakeHost(P, D, obeys=False), attempts=1)
    made.look()
    made.one().mode, made.two().mode = P, B
    made.look()
    assert rows(made) == [("action_failed", "replaced"), ("action_failed", None)]
    Persons(made.journal).acknowledge("sip-west", ADA, "known")
    made.look()

    assert called(made) == []


def test_a_pause_does_not_end_a_call(tmp_path: Path) -> None:
    """The port did not follow; that it is paused now says nothing of it."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, obeys=False), guards=guards, attempts=1)
    assert made.look().hold is Hold.ACTION_FAILED
    until = made.pair.clock.now().utc + timedelta(seconds=60)
    Pauses(made.journal, made.pair.clock).pause("", ADA, "works", until)

    assert made.look().hold is Hold.PAUSED
    assert called(made) == ["action_failed"]


def test_a_pause_does_not_make_an_acknowledged_cause_call_again(tmp_path: Path) -> None:
    """Nor does its end."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, obeys=False), guards=guards, attempts=1)
    made.look()
    Persons(made.journal).acknowledge("sip-west", ADA, "known")
    until = made.pair.clock.now().utc + timedelta(seconds=5)
    Pauses(made.journal, made.pair.clock).pause("", ADA, "works", until)
    made.look()
    made.pair.pass_time(6)
    assert made.look().hold is Hold.ACTION_FAILED

    assert called(made) == []


def test_a_hold_with_a_page_of_its_own_ends_a_call(tmp_path: Path) -> None:
    """No primary is seen: the old reason is not there any more, acknowledged or not."""
    made = stopped(tmp_path)
    made.two().mode = U
    assert made.look().hold is Hold.PRIMARY_NOT_SEEN
    assert rows(made) == [("primary_node_not_serving", "passed")]


def test_a_virtual_ip_is_asked_again_though_it_is_acknowledged(tmp_path: Path) -> None:
    """Somebody knows that it does not answer; whether it does is still to be seen."""
    made = stopped(tmp_path)
    record = LookRecord(made.journal, made.executor._metrics, "enforce")
    persons = Persons(made.journal)
    persons.call("sip-west", Hold.VIRTUAL_IP_UNANSWERED, "nothing came", ())
    assert record.is_unanswered("sip-west")
    persons.acknowledge("sip-west", ADA, "known")
    assert record.is_unanswered("sip-west")
    persons.passed("sip-west", "right")
    assert not record.is_unanswered("sip-west")


def test_a_call_that_was_opened_between_is_taken_back(tmp_path: Path) -> None:
    """A look that began before somebody acknowledged may call once more; not for long."""
    made = stopped(tmp_path)
    (row,) = made.journal.open_rows(Kind.PERSON)
    Persons(made.journal).acknowledge("sip-west", ADA, "known")
    made.journal.open_row(Kind.PERSON, "sip-west", row.detail, reason=row.reason)
    made.look()

    assert [outcome for _, outcome in rows(made)] == ["acknowledged", "acknowledged"]


def test_nothing_can_be_acknowledged_where_nobody_is_called(tmp_path: Path) -> None:
    """And what is known already is told."""
    made = stopped(tmp_path)
    persons = Persons(made.journal)
    with pytest.raises(RefusedError) as nothing:
        persons.acknowledge("sip-east", ADA, "known")
    persons.acknowledge("sip-west", ADA, "known")
    with pytest.raises(RefusedError) as again:
        persons.acknowledge("sip-west", ADA, "known")

    assert (nothing.value.status, nothing.value.problem, nothing.value.hint) == (
        409,
        "nobody is called for sip-east",
        "nothing of it needs a person",
    )
    assert (again.value.problem, again.value.hint) == (
        "nobody is called for sip-west",
        "primary_node_not_serving is acknowledged already",
    )
