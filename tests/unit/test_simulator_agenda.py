"""The log of the simulated site tells a follower what is new."""

from __future__ import annotations

from simulator.agenda import KEPT_EVENTS, Agenda, EventLog


def test_a_follower_gets_what_is_new_though_old_events_are_dropped() -> None:
    """What follows the count that a follower has seen is given, as far as it is kept."""
    log = EventLog(Agenda())
    for number in range(KEPT_EVENTS + 3):
        log.add("sip-east", "sip-east-2", f"event {number}")
    seen = log.count
    assert len(log.after(0)) == KEPT_EVENTS
    assert log.after(seen) == ()
    log.add("sip-east", "", "one more")
    assert [event.what for event in log.after(seen)] == ["one more"]
