"""Two primaries, of which one cannot be read for a moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.model import PortState, SipMode
from remediator.look_result import Ending
from remediator.looks import Trigger
from remediator.overlap import OverlapSeen
from remediator.rows import Hold
from tests.unit.fake_pair import CLUSTER, Bench, FakeHost, bench

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
E, D = PortState.ENABLED, PortState.DISABLED


def lose_reading(made: Bench, begin: float, seconds: float) -> None:
    """Let the second host's mode be unreadable for some time."""
    made.pair.events += [
        (begin, lambda: setattr(made.two(), "mode", U)),
        (begin + seconds, lambda: setattr(made.two(), "mode", P)),
    ]


@pytest.mark.parametrize("ports", [(E, E), (D, E)], ids=["both-open", "first-closed"])
def test_a_lost_reading_among_two_primaries_moves_no_port(
    tmp_path: Path, ports: tuple[PortState, PortState]
) -> None:
    """One unread mode must not turn the hold into an action."""
    made = bench(tmp_path, FakeHost(P, ports[0]), FakeHost(P, ports[1]))
    lose_reading(made, 1.0, 0.3)

    result = made.look()

    assert (result.hold, made.pair.commands) == (Hold.TWO_PRIMARIES, [])


def test_a_lost_reading_between_two_looks_moves_no_port(tmp_path: Path) -> None:
    """What the last look saw is not forgotten by the next."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(P, E))
    made.look()
    lose_reading(made, made.pair.clock.seconds, 0.2)

    made.look(Trigger.HOLD)

    assert made.pair.commands == []


@pytest.mark.parametrize("ports", [(E, E), (D, E)], ids=["both-open", "first-closed"])
def test_a_lost_reading_long_after_the_last_look_moves_no_port(
    tmp_path: Path, ports: tuple[PortState, PortState]
) -> None:
    """Two primaries that last are looked at every 15 s; the settle time is shorter than that."""
    made = bench(tmp_path, FakeHost(P, ports[0]), FakeHost(P, ports[1]))
    made.look()
    made.pair.pass_time(15.0)
    lose_reading(made, made.pair.clock.seconds, 0.2)

    for _ in range(3):
        assert made.look(Trigger.HOLD).hold is Hold.TWO_PRIMARIES
        made.pair.pass_time(15.0)

    assert made.pair.commands == []


def test_one_that_stays_gone_longer_than_the_settle_time_is_a_crash(tmp_path: Path) -> None:
    """Two primaries of which one then dies: after the settle time the survivor is followed."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(P, E))
    made.pair.events = [(1.0, lambda: setattr(made.two(), "mode", U))]

    assert made.look().hold is Hold.TWO_PRIMARIES
    made.pair.pass_time(2.0)
    assert made.look(Trigger.HOLD).ending is Ending.REMEDIATED
    assert made.pair.commands == ["disable 5060 on sip-west-2"]
    assert made.pair.clock.seconds >= 6.0


def test_one_that_is_read_as_backup_ends_the_overlap(tmp_path: Path) -> None:
    """A demotion that was read is believed at once, and so is a crash after it."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(P, E))
    seen = OverlapSeen()
    seen.note(made.pair.observe(CLUSTER, None))
    made.two().mode = U
    lost = made.pair.observe(CLUSTER, None)
    assert seen.still_primary(lost, 5.0) == {"sip-west-2"}
    assert seen.still_primary(lost, 0.01) == frozenset()

    made.two().mode = B
    seen.note(made.pair.observe(CLUSTER, None))
    made.two().mode = U
    assert seen.still_primary(made.pair.observe(CLUSTER, None), 5.0) == frozenset()


def test_a_crash_without_an_overlap_is_followed_at_once(tmp_path: Path) -> None:
    """The main failover case waits for nothing."""
    made = bench(tmp_path, FakeHost(U, E), FakeHost(P, D))

    assert made.look().ending is Ending.REMEDIATED
    assert made.pair.clock.seconds < 1.0
