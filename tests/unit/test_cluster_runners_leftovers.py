"""A host on which commands hang is asked more and more rarely, until one comes to its end."""

from __future__ import annotations

from datetime import UTC, datetime

from cluster.clock import Instant
from cluster.runners.leftovers import FREE, Leftovers

NOW = Instant(datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC), 1000.0)


def hanging() -> Leftovers:
    """Return a host on which as many commands hang as may without consequence, and one more."""
    made = Leftovers()
    for _ in range(FREE):
        assert made.wait_seconds(NOW) == 0.0
        made.given_up()
    return made


def test_only_one_command_is_tried_in_each_pause() -> None:
    """Pauses grow from 5 s to a minute."""
    host, now = hanging(), NOW
    pauses = []
    for _ in range(6):
        assert host.wait_seconds(now) == 0.0
        pause = host.wait_seconds(now)
        assert host.wait_seconds(now.plus(pause - 1)) == 1.0
        pauses.append(pause)
        now = now.plus(pause)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_command_that_was_not_sent_costs_no_pause() -> None:
    """A host that is started anew is asked as soon as it can be reached."""
    host = hanging()
    assert host.wait_seconds(NOW) == 0.0
    host.was_not_sent()
    assert host.wait_seconds(NOW.plus(0.5)) == 0.0
    assert host.wait_seconds(NOW.plus(1.5)) == 9.0


def test_a_command_that_ends_makes_all_good() -> None:
    """Then as many may hang again, and the pauses begin anew."""
    host = hanging()
    host.wait_seconds(NOW)
    host.wait_seconds(NOW.plus(5.0))
    host.ended()
    assert (host.count, host.wait_seconds(NOW)) == (0, 0.0)
    for _ in range(FREE):
        host.given_up()
    assert [host.wait_seconds(NOW), host.wait_seconds(NOW)] == [0.0, 5.0]
