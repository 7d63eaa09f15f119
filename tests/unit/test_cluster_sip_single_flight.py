"""One call for many: who shares which, with the time passed in."""

from __future__ import annotations

from cluster.sip.single_flight import Landed, SingleFlight
from tests.unit import exporter_samples as samples

AT = samples.BEGIN


def test_nothing_is_shared_before_a_call_has_ended() -> None:
    """A call under way has no answer yet."""
    flight: SingleFlight[str] = SingleFlight()
    assert (flight.shared(AT), flight.is_running) == (None, False)
    flight.begin(AT.plus(1))
    assert (flight.shared(AT), flight.is_running) == (None, True)
    flight.end("one")
    assert (flight.shared(AT), flight.is_running) == (Landed(AT.plus(1), "one"), False)


def test_a_call_is_shared_by_those_who_asked_before_it_began() -> None:
    """Its answer is to a question asked after theirs; one who asks later gets another."""
    flight: SingleFlight[str] = SingleFlight()
    flight.begin(AT.plus(2))
    flight.end("one")
    assert flight.shared(AT.plus(2)) == Landed(AT.plus(2), "one")
    assert flight.shared(AT.plus(2.001)) is None
    flight.begin(AT.plus(3))
    flight.end("two")
    assert flight.shared(AT.plus(2.001)) == Landed(AT.plus(3), "two")
