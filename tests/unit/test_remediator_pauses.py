"""Pauses: who may not be switched, until when, and who said so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cluster.clock import Clock
from cluster.config_model import Config
from cluster.model import PortState, SipMode
from remediator.expiry import expire
from remediator.guards import Guards
from remediator.interlocks import Circumstances
from remediator.journal import Journal
from remediator.journal_schema import Kind
from remediator.look_result import Ending
from remediator.pauses import MOST_STANDING, Pauses
from remediator.planner import Action, Order, plan
from remediator.refused import RefusedError
from remediator.rows import Hold
from tests.unit import remediator_samples as samples
from tests.unit.fake_pair import FakeHost, bench

P, B = SipMode.PRIMARY, SipMode.BACKUP
E, D = PortState.ENABLED, PortState.DISABLED
ADA = {"who": "ada", "address": "10.7.7.7"}
BEN = {"who": "ben", "address": "10.7.7.8"}
NOW = samples.BEGIN.utc


@pytest.fixture
def clock() -> samples.FakeClock:
    """A clock that stands still."""
    return samples.FakeClock()


@pytest.fixture
def journal(tmp_path: Path, clock: samples.FakeClock) -> Iterator[Journal]:
    """A journal of its own."""
    made = Journal(f"sqlite:///{tmp_path / 'journal.db'}", clock)
    yield made
    made.close()


def in_(seconds: float) -> datetime:
    """Return a moment from now."""
    return NOW + timedelta(seconds=seconds)


def given(cluster: str = "quito") -> Circumstances:
    """Return what an interlock is asked of a pair whose primary is closed."""
    view = samples.view(samples.primary(D), samples.backup(E), name=cluster)
    decision = plan(view)
    return Circumstances(
        decision.actions[0], view, samples.BEGIN, 2.0, Order.ENABLE_FIRST, decision
    )


def why_not(pauses: Pauses, cluster: str = "quito") -> str | None:
    """Return why a cluster is not switched, in words."""
    block = pauses.why_not(given(cluster))
    return str(block) if block else None


def test_a_pause_blocks_its_cluster_alone_and_says_who_until_when_and_why(
    journal: Journal, clock: samples.FakeClock
) -> None:
    """The hold has all that one wants to know, in UTC; another cluster is not concerned."""
    pauses = Pauses(journal, clock)
    pauses.pause("quito", ADA, "the switch is replaced", in_(90))

    assert why_not(pauses) == (
        "paused: paused by ada until 2024-06-11T21:48:34Z: the switch is replaced"
    )
    assert why_not(pauses, "lima") is None


def test_a_pause_of_all_blocks_every_cluster_beside_one_of_its_own(
    journal: Journal, clock: samples.FakeClock
) -> None:
    """Both stand side by side: the longer one is told, and that there is another."""
    pauses = Pauses(journal, clock)
    pauses.pause("", BEN, "network works", in_(50))
    pauses.pause("quito", ADA, "a new card", in_(400))

    assert why_not(pauses, "lima") == (
        "paused: all clusters are paused by ben until 2024-06-11T21:47:54Z: network works"
    )
    assert why_not(pauses) == (
        "paused: paused by ada until 2024-06-11T21:53:44Z: a new card (and 1 more)"
    )
    assert [each.who for each in pauses.standing()] == ["ada", "ben"]
    assert [each.who for each in pauses.standing("lima")] == ["ben"]


def test_a_pause_survives_a_restart_and_a_change_of_clusters(
    tmp_path: Path, clock: samples.FakeClock, journal: Journal
) -> None:
    """It stands in the journal; one of all clusters is of no unknown cluster."""
    Pauses(journal, clock).pause("", BEN, "network works", in_(700))
    Pauses(journal, clock).pause("quito", ADA, "a new card", in_(600))

    again = Journal(f"sqlite:///{tmp_path / 'journal.db'}", clock)
    again.close_unknown({"lima"})
    assert [each.record for each in Pauses(again, clock).standing()] == [
        {
            "id": 1,
            "cluster": None,
            "who": "ben",
            "reason": "network works",
            "since": "2024-06-11T21:47:03Z",
            "until": "2024-06-11T21:58:44Z",
        }
    ]
    again.close()


def test_a_pause_ends_by_its_time_whether_or_not_that_is_written(
    journal: Journal, clock: samples.FakeClock
) -> None:
    """Not a second later than said; then the row is ended once, and the log says it."""
    pauses = Pauses(journal, clock)
    pauses.pause("quito", ADA, "a new card", in_(60.75))
    clock.move(60)
    assert why_not(pauses) is not None
    assert pauses.expire() == []

    clock.move(1)
    assert why_not(pauses) is None
    with capture_logs() as lines:
        config = samples.config("quito", "lima")
        expire(config, journal, clock)
        expire(config, journal, clock)
    assert [(line["event"], line["cluster"], line["why"]) for line in lines] == [
        ("pause expired", "quito", "paused by ada until 2024-06-11T21:48:04Z: a new card")
    ]
    (row,) = journal.rows(kind=Kind.PAUSE)
    assert (row.cluster, row.outcome, row.ended_at) == (
        "quito",
        "expired",
        "2024-06-11T21:48:04.250Z",
    )


def test_every_remediator_looks_when_the_last_pause_is_over(
    journal: Journal, clock: samples.FakeClock
) -> None:
    """The hold knows when it ends, in whole seconds, so that it is no matter who ends the row."""
    Pauses(journal, clock).pause("", BEN, "network works", in_(5))
    Pauses(journal, clock).pause("quito", ADA, "a new card", in_(9))

    asked = {name: Pauses(journal, clock).why_not(given(name)) for name in ("quito", "lima")}
    assert {name: block and block.again_seconds for name, block in asked.items()} == {
        "quito": 9.75,
        "lima": 5.75,
    }


def test_resuming_ends_what_was_said_of_exactly_this(
    journal: Journal, clock: samples.FakeClock
) -> None:
    """One cluster's pauses, not those of all; the row keeps who set it and who ended it."""
    pauses = Pauses(journal, clock)
    pauses.pause("", BEN, "network works", in_(900))
    pauses.pause("quito", ADA, "a new card", in_(800))
    pauses.pause("quito", ADA, "a new cable", in_(700))

    with capture_logs() as lines:
        ended = pauses.resume("quito", BEN)
    assert [each.reason for each in ended] == ["a new card", "a new cable"]
    assert [(line["event"], line["who"]) for line in lines] == [("resumed", "ben")] * 2
    assert [each.reason for each in pauses.standing("quito")] == ["network works"]
    row = journal.rows(kind=Kind.PAUSE)[1]
    assert (row.outcome, row.detail) == (
        "resumed",
        {
            "paused_by": "ada",
            "reason": "a new card",
            "until": "2024-06-11T22:00:24.000Z",
            "who": "ben",
            "address": "10.7.7.8",
        },
    )


def test_one_of_several_pauses_can_be_ended(journal: Journal, clock: samples.FakeClock) -> None:
    """The other person's stays."""
    pauses = Pauses(journal, clock)
    first = pauses.pause("quito", ADA, "a new card", in_(800))
    pauses.pause("quito", BEN, "a new cable", in_(700))

    assert pauses.resume("quito", ADA, first.id) == [first]
    assert [each.who for each in pauses.standing()] == ["ben"]


def refusal(error: pytest.ExceptionInfo[RefusedError]) -> tuple[int, str, str]:
    """Return status, problem and hint."""
    return error.value.status, error.value.problem, error.value.hint


def test_what_is_not_paused_cannot_be_resumed(journal: Journal, clock: samples.FakeClock) -> None:
    """And what stands instead is told."""
    pauses = Pauses(journal, clock)
    with pytest.raises(RefusedError) as nothing:
        pauses.resume("quito", ADA)
    pauses.pause("", BEN, "network works", in_(30))
    with pytest.raises(RefusedError) as other:
        pauses.resume("quito", ADA)
    with pytest.raises(RefusedError) as unknown:
        pauses.resume("", ADA, 77)

    assert refusal(nothing) == (409, "no pause of quito stands", "nothing is paused")
    words = "pause 1: all clusters are paused by ben until 2024-06-11T21:47:34Z: network works"
    assert refusal(other) == (409, "no pause of quito stands", words)
    assert refusal(unknown) == (409, "no pause 77 of all clusters stands", words)


@pytest.mark.parametrize(
    ("seconds", "problem", "hint"),
    [
        (0, "2024-06-11T21:47:03Z is past", "here it is 2024-06-11T21:47:03Z"),
        (-70, "2024-06-11T21:45:53Z is past", "here it is 2024-06-11T21:47:03Z"),
        (
            7 * 86400 + 1,
            "2024-06-18T21:47:04Z is more than 7 days away",
            "pause it again before it ends; to keep it from acting for good, set level observe",
        ),
    ],
)
def test_a_pause_has_an_end_that_is_ahead_and_not_far_away(
    journal: Journal, clock: samples.FakeClock, seconds: float, problem: str, hint: str
) -> None:
    """A forgotten pause must not become a silent end of all remediation."""
    with pytest.raises(RefusedError) as error:
        Pauses(journal, clock).pause("quito", ADA, "a new card", in_(seconds))
    assert refusal(error) == (400, problem, hint)
    assert journal.rows(kind=Kind.PAUSE) == []


def test_the_longest_pause_is_seven_days(journal: Journal, clock: samples.FakeClock) -> None:
    """Exactly."""
    Pauses(journal, clock).pause("quito", ADA, "holidays", in_(7 * 86400))
    assert len(Pauses(journal, clock).standing("quito")) == 1


def test_pauses_do_not_pile_up(journal: Journal, clock: samples.FakeClock) -> None:
    """Ten of the same cluster; another has its own ten."""
    pauses = Pauses(journal, clock)
    for number in range(MOST_STANDING):
        pauses.pause("quito", ADA, f"reason {number}", in_(10 + number))
    with pytest.raises(RefusedError) as error:
        pauses.pause("quito", ADA, "one more", in_(10))
    pauses.pause("lima", ADA, "another", in_(10))
    assert refusal(error) == (409, "10 such pauses stand already", "resume it first")


def test_a_journal_that_cannot_be_read_blocks(
    tmp_path: Path, journal: Journal, clock: samples.FakeClock
) -> None:
    """Nobody knows whether it is paused, so nothing is done; nothing is thrown."""
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.execute("DROP TABLE journal")

    block = Pauses(journal, clock).why_not(given())
    assert block is not None
    assert block.hold is Hold.JOURNAL_UNWRITABLE
    assert block.text.startswith("whether it is paused cannot be read: ")


def test_a_row_that_cannot_be_understood_blocks(journal: Journal, clock: samples.FakeClock) -> None:
    """Somebody changed the record by hand: in doubt nothing is done."""
    journal.open_row(Kind.PAUSE, "quito", {"who": "ada", "reason": "x", "until": "tomorrow"})

    block = Guards((Pauses(journal, clock),)).why_not(given())
    assert block is not None
    assert (block.hold, block.text) == (
        Hold.JOURNAL_UNWRITABLE,
        "whether it is paused cannot be read: journal: row 1 cannot be understood: ValueError: "
        "Invalid isoformat string: 'tomorrow' (see GET /api/v1/journal?kind=pause)",
    )


def guards(_: Config, clock: Clock, journal: Journal) -> Guards:
    """Return pauses alone."""
    return Guards((Pauses(journal, clock),))


def test_a_paused_cluster_is_looked_at_and_recorded_and_not_switched(tmp_path: Path) -> None:
    """The hold names the pause; when it is over the ports follow."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D), guards=guards)
    pauses = Pauses(made.journal, made.pair.clock)
    end = made.pair.clock.now().utc + timedelta(seconds=30)
    pauses.pause("sip-west", ADA, "a new card", end)

    held = made.look()
    assert (held.ending, held.hold) == (Ending.HELD, Hold.PAUSED)
    assert held.text == "paused by ada until 2031-05-06T07:08:39Z: a new card"
    assert held.again_seconds == pytest.approx(29.95)
    assert made.pair.commands == []
    (decision,) = made.journal.rows(kind=Kind.DECISION)
    assert (decision.reason, decision.detail["would"]) == ("paused", ["enable 5060 on sip-west-2"])

    made.pair.pass_time(30)
    assert made.look().ending is Ending.REMEDIATED
    assert made.ports() == (D, E)


def test_a_pause_in_the_middle_of_a_look_stops_the_next_action(tmp_path: Path) -> None:
    """The primary was enabled when it came; the other is not disabled any more."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D), guards=guards)
    pauses = Pauses(made.journal, made.pair.clock)

    def stop(_: Action) -> None:
        pauses.pause("", BEN, "stop it all", datetime(2031, 5, 6, 8, 0, tzinfo=UTC))

    made.pair.after_command = stop
    held = made.look()

    assert (held.ending, held.hold) == (Ending.HELD, Hold.PAUSED)
    assert made.pair.commands == ["enable 5060 on sip-west-2"]
    assert made.ports() == (E, E)
