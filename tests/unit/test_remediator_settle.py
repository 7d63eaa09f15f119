"""How long a reason to hold is watched in one look before it is a hold."""

from __future__ import annotations

from pathlib import Path

from cluster.model import PortState, SipMode
from remediator.journal_schema import Kind
from remediator.look_result import Ending
from remediator.rows import Hold
from tests.unit.fake_pair import FakeHost, bench


def test_a_reason_is_watched_from_when_it_came_up_itself(tmp_path: Path) -> None:
    """The second in which a switchover has two backups is no hold, whatever was unread before."""
    one = FakeHost(SipMode.PRIMARY, PortState.ENABLED, port_readable=False)
    two = FakeHost(SipMode.BACKUP, PortState.DISABLED)
    made = bench(tmp_path, one, two, policy={"settle": "2s"})

    def overlap() -> None:
        one.mode = SipMode.BACKUP

    def switched() -> None:
        two.mode, one.port_readable = SipMode.PRIMARY, True

    made.pair.events = [(1.6, overlap), (2.6, switched)]

    result = made.look()

    assert (result.ending, result.hold) == (Ending.REMEDIATED, None)
    assert made.ports() == (PortState.DISABLED, PortState.ENABLED)


def test_rules_that_one_view_could_not_read_are_read_again_before_a_hold(tmp_path: Path) -> None:
    """One late answer to ``nlb params`` calls no person and delays the repair by a moment."""
    one = FakeHost(SipMode.PRIMARY, PortState.DISABLED)
    two = FakeHost(SipMode.BACKUP, PortState.DISABLED)
    made = bench(tmp_path, one, two)
    made.pair.rules_readable = False

    def answered() -> None:
        made.pair.rules_readable = True

    made.pair.events = [(0.1, answered)]

    result = made.look()

    assert (result.ending, result.hold) == (Ending.REMEDIATED, None)
    assert made.journal.open_rows(Kind.PERSON, "sip-west") == []


def test_rules_that_stay_unread_are_held(tmp_path: Path) -> None:
    """They are read again for two seconds, and then a person is called."""
    one = FakeHost(SipMode.PRIMARY, PortState.DISABLED)
    two = FakeHost(SipMode.BACKUP, PortState.DISABLED)
    made = bench(tmp_path, one, two)
    made.pair.rules_readable = False

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.RULE_UNREAD)
    assert 2.0 <= made.pair.clock.seconds < 2.6
    assert made.ports() == (PortState.DISABLED, PortState.DISABLED)
