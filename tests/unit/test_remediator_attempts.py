"""How often a failed action is tried again: briefly, then rarely, never without end in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import NodeState, PortState
from remediator.attempts import Attempts, appearance
from remediator.planner import Action, ActionVerb
from tests.unit import remediator_samples as samples

ENABLE = Action(ActionVerb.ENABLE, "quito-1", samples.RULE)
DISABLE = Action(ActionVerb.DISABLE, "quito-2", samples.RULE)
SEEN = ("disabled", "converged", "")
OTHER = ("disabled", "converging", "")


def failed(limit: int, times: int, jitter: float = 1.0) -> Attempts:
    """Return attempts after so many failures of ENABLE, all at second 100."""
    attempts = Attempts(limit)
    for number in range(times):
        attempts.failed(ENABLE, SEEN, 100.0, jitter, f"refused, {number + 1}")
    return attempts


def test_the_first_try_waits_for_nothing() -> None:
    """An action that has not failed goes ahead as number 1."""
    attempts = Attempts(3)
    assert (attempts.number(ENABLE), attempts.pause(ENABLE, SEEN, 100.0)) == (1, 0.0)
    assert not attempts.is_exhausted(ENABLE)


def test_the_reason_of_the_last_try_is_kept() -> None:
    """Who is called is told what is in the way now."""
    assert failed(2, 3).why(ENABLE) == "refused, 3"


def test_pauses_grow_and_turn_long_when_a_person_is_called() -> None:
    """With 3 tries: half a second, a second, then 15 s and longer up to five minutes."""
    assert [failed(3, n).pause(ENABLE, SEEN, 100.0) for n in range(1, 10)] == [
        0.5,
        1.0,
        15.0,
        30.0,
        60.0,
        120.0,
        300.0,
        300.0,
        300.0,
    ]


def test_short_pauses_stop_growing() -> None:
    """With many tries allowed the short pause stays at its longest."""
    assert [failed(9, n).pause(ENABLE, SEEN, 100.0) for n in range(1, 10)] == [
        0.5,
        1.0,
        2.0,
        4.0,
        4.0,
        4.0,
        4.0,
        4.0,
        15.0,
    ]


def test_a_person_is_called_at_the_limit() -> None:
    """Exactly the allowed number of failures exhausts the tries; the number counts on."""
    assert [failed(3, n).is_exhausted(ENABLE) for n in range(5)] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert failed(3, 4).number(ENABLE) == 5


def test_one_try_alone_calls_a_person_at_once() -> None:
    """With a limit of 1 the first failure is the last short one."""
    assert failed(1, 1).is_exhausted(ENABLE)
    assert failed(1, 1).pause(ENABLE, SEEN, 100.0) == 15.0


def test_the_pause_runs_out() -> None:
    """What is left of the pause shrinks with time and is never negative."""
    attempts = failed(3, 2)
    assert attempts.pause(ENABLE, SEEN, 100.25) == 0.75
    assert attempts.pause(ENABLE, SEEN, 101.0) == 0.0
    assert attempts.pause(ENABLE, SEEN, 500.0) == 0.0


@pytest.mark.parametrize(("jitter", "pause"), [(0.5, 7.5), (1.5, 22.5)])
def test_jitter_spreads_the_pause(jitter: float, pause: float) -> None:
    """Half to one and a half of it."""
    assert failed(3, 3, jitter).pause(ENABLE, SEEN, 100.0) == pause


def test_an_exhausted_action_is_tried_at_once_when_the_host_reads_differently() -> None:
    """Something changed, so it may work now; a short pause is kept in any case."""
    assert failed(3, 3).pause(ENABLE, OTHER, 100.0) == 0.0
    assert failed(3, 2).pause(ENABLE, OTHER, 100.0) == 1.0


def test_a_host_that_reads_as_at_any_failed_try_waits() -> None:
    """Only what is new is tried at once: a node that comes and goes earns no endless tries."""
    attempts = failed(3, 3)
    attempts.failed(ENABLE, OTHER, 200.0, 1.0, "refused, again")
    assert attempts.pause(ENABLE, OTHER, 200.0) == 30.0
    assert attempts.pause(ENABLE, SEEN, 200.0) == 30.0
    assert attempts.pause(ENABLE, ("draining", "converged", ""), 200.0) == 0.0


def test_actions_are_counted_apart() -> None:
    """One host's failures cost another host's action nothing."""
    attempts = failed(3, 3)
    assert (attempts.number(DISABLE), attempts.pause(DISABLE, SEEN, 100.0)) == (1, 0.0)
    assert not attempts.is_exhausted(DISABLE)


def test_all_is_forgotten_when_right() -> None:
    """After the cluster was read as right everything starts anew."""
    attempts = failed(3, 3)
    attempts.clear()
    assert (attempts.number(ENABLE), attempts.pause(ENABLE, SEEN, 100.0)) == (1, 0.0)


def test_an_appearance_is_port_node_and_trouble() -> None:
    """What tells that a host reads differently: port state, node state, why the port is unread."""
    assert appearance(samples.primary(), ENABLE) == ("enabled", "converged", "")
    unread = samples.host("quito-1", samples.primary().mode, PortState.UNKNOWN)
    stopped = replace(unread, node=samples.node(NodeState.STOPPED))
    assert appearance(stopped, ENABLE) == ("unknown", "stopped", "no_output")
