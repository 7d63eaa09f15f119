"""What other hands did to a port, told apart from what was our own doing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.clock import Instant
from cluster.model import ClusterView, HostView, PortState
from remediator.foreign import PortChange, PortsSeen
from remediator.planner import Action, ActionVerb
from tests.unit import remediator_samples as samples

OURS = Action(ActionVerb.ENABLE, "quito-1", samples.RULE)
NO_PEERS: frozenset[str] = frozenset()
ENABLED, DISABLED = PortState.ENABLED, PortState.DISABLED
ANSWERED = 0.375 - 1.0  # seconds from a sample's moment to when its port was answered


def at(seconds: float, one: PortState, two: PortState = DISABLED) -> ClusterView:
    """Return a view whose ports were read so many seconds after `BEGIN`."""

    def moved(host: HostView) -> HostView:
        ports = tuple(
            (rule, replace(r, asked=r.asked.plus(seconds), answered=r.answered.plus(seconds)))
            for rule, r in host.ports
        )
        return replace(host, ports=ports)

    return samples.view(moved(samples.primary(one)), moved(samples.backup(two)))


def after(seconds: float) -> Instant:
    """Return a moment."""
    return samples.BEGIN.plus(seconds)


def seen(*views: ClusterView) -> PortsSeen:
    """Return the memory of views."""
    made = PortsSeen()
    for view in views:
        made.note(view)
    return made


def test_a_change_is_told_with_its_span() -> None:
    """It happened after the old state was last asked for, and before the new one was answered."""
    memory = seen(at(0, DISABLED), at(30, DISABLED))

    assert memory.changes(at(45, ENABLED), NO_PEERS) == (
        PortChange(
            "quito", "quito-1", samples.RULE, DISABLED, ENABLED, after(29.0), after(45 + ANSWERED)
        ),
    )


def test_a_change_is_told_once_and_every_host_for_itself() -> None:
    """Once a view is noted, it is what the next one is compared with."""
    memory = seen(at(0, DISABLED, ENABLED))
    changed = at(10, ENABLED, DISABLED)

    assert [c.host for c in memory.changes(changed, NO_PEERS)] == ["quito-1", "quito-2"]
    memory.note(changed)
    assert memory.changes(changed, NO_PEERS) == ()


def test_nothing_is_known_from_before_the_first_view() -> None:
    """After a start the first view is only remembered."""
    assert seen().changes(at(0, ENABLED), NO_PEERS) == ()


def test_a_state_that_could_not_be_read_is_no_change() -> None:
    """The last known state stays what the next known one is compared with."""
    memory = seen(at(0, DISABLED), at(10, PortState.UNKNOWN))

    assert memory.changes(at(20, PortState.UNKNOWN), NO_PEERS) == ()
    assert memory.changes(at(20, DISABLED), NO_PEERS) == ()
    (change,) = memory.changes(at(20, ENABLED), NO_PEERS)
    assert (change.before, change.seen) == (DISABLED, after(-1.0))


def test_a_host_with_its_own_remediator_is_not_judged() -> None:
    """What it did is not another's hand."""
    memory = seen(at(0, DISABLED, ENABLED))
    changes = memory.changes(at(10, ENABLED, DISABLED), frozenset({"quito-2"}))

    assert [change.host for change in changes] == ["quito-1"]


def test_our_own_command_is_no_others_hand() -> None:
    """Whether its effect was read, or comes late."""
    proved, unproved = seen(at(0, DISABLED)), seen(at(0, DISABLED))
    proved.acted("quito", OURS, after(3), verified=True)
    unproved.acted("quito", OURS, after(3), verified=False)
    unproved.note(at(5, DISABLED))

    assert proved.changes(at(10, ENABLED), NO_PEERS) == ()
    assert unproved.changes(at(10, ENABLED), NO_PEERS) == ()


def test_an_old_command_excuses_nothing() -> None:
    """What comes a minute after it was given up is another's doing."""
    memory = seen(at(0, DISABLED))
    memory.acted("quito", OURS, after(3), verified=False)

    assert memory.changes(at(63 - ANSWERED, ENABLED), NO_PEERS) == ()
    assert len(memory.changes(at(64 - ANSWERED, ENABLED), NO_PEERS)) == 1


@pytest.mark.parametrize("verified", [True, False])
def test_what_is_switched_back_is_told(*, verified: bool) -> None:
    """A control script that undoes our command is seen, and our command only excuses itself."""
    memory = seen(at(0, DISABLED))
    memory.acted("quito", OURS, after(3), verified=verified)
    if not verified:
        memory.note(at(5, ENABLED))

    (change,) = memory.changes(at(10, DISABLED), NO_PEERS)
    assert (change.before, change.after, change.seen) == (
        ENABLED,
        DISABLED,
        after(3 if verified else 4),
    )
    memory.note(at(10, DISABLED))
    assert len(memory.changes(at(12, ENABLED), NO_PEERS)) == 1


def test_a_command_excuses_only_what_it_wants() -> None:
    """Another state than the wanted one is another's doing."""
    memory = seen(at(0, DISABLED))
    memory.acted("quito", OURS, after(3), verified=False)

    (change,) = memory.changes(at(10, PortState.NOT_FOUND), NO_PEERS)
    assert change.after is PortState.NOT_FOUND
