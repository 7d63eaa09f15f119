"""When too many clusters call for actions at once: nothing new begins, what has begun goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.config_interlocks import AtOnce
from cluster.model import PortState
from remediator.crowd import Crowd
from remediator.planner import plan
from tests.unit import remediator_samples as samples
from tests.unit.guard_samples import asked, at, pair, said

WRONG = samples.view(samples.primary(PortState.DISABLED), samples.backup())
RIGHT = samples.healthy()
HELD = pair("bb")


def crowd(clusters: int | None = None, share: float | None = None) -> Crowd:
    """Return a guard over ten clusters."""
    return Crowd(AtOnce(clusters=clusters, share=share), 10)


def calls(guard: Crowd, name: str, seconds: float = 0.0) -> tuple[str, str, float | None] | None:
    """Let a cluster call for an action, and ask whether it may begin."""
    view = replace(WRONG, cluster=name, began=at(seconds))
    guard.note(view)
    guard.planned(view, plan(view))
    return said(guard.why_not(asked(view, seconds + 0.125)))


def ends(guard: Crowd, name: str, *, held: bool = False) -> None:
    """Let a cluster be right, or held by the table."""
    view = replace(HELD if held else RIGHT, cluster=name)
    guard.planned(view, plan(view))


def test_by_default_any_number_may_act() -> None:
    """Both limits are off."""
    guard = crowd()
    assert [calls(guard, f"c{number}") for number in range(10)] == [None] * 10


def test_above_the_number_nothing_new_begins() -> None:
    """The third of two that are allowed is held, and says why; the first two go on."""
    guard = crowd(clusters=2)
    assert [calls(guard, "quito"), calls(guard, "lima")] == [None, None]
    assert calls(guard, "cusco") == (
        "too_many_clusters",
        "3 of 10 clusters call for actions, policy allows 2 at once",
        None,
    )
    assert [calls(guard, "quito", 1.0), calls(guard, "lima", 1.0)] == [None, None]


def test_above_the_share_nothing_new_begins() -> None:
    """The share is of all configured clusters."""
    guard = crowd(share=0.25)
    assert [calls(guard, "quito"), calls(guard, "lima")] == [None, None]
    assert calls(guard, "cusco") == (
        "too_many_clusters",
        "3 of 10 clusters call for actions, policy allows a share of 0.25 at once",
        None,
    )


@pytest.mark.parametrize("held", [False, True])
def test_what_calls_no_more_makes_room(held: bool) -> None:
    """A cluster that is right again, or that the table holds, does not count."""
    guard = crowd(clusters=1)
    calls(guard, "quito")
    assert calls(guard, "lima") is not None
    ends(guard, "quito", held=held)
    assert calls(guard, "lima", 1.0) is None


def test_a_remediation_goes_on_after_a_moment_in_which_it_was_held() -> None:
    """A lost reading between two of its actions does not make it new."""
    guard = crowd(clusters=1)
    calls(guard, "quito")
    ends(guard, "quito", held=True)
    ends(guard, "lima", held=True)
    assert calls(guard, "lima", 1.0) is None
    assert calls(guard, "quito", 2.0) is None


def test_after_its_end_a_remediation_is_new() -> None:
    """What was right calls for a new beginning."""
    guard = crowd(clusters=1)
    calls(guard, "quito")
    ends(guard, "quito")
    calls(guard, "lima")
    assert calls(guard, "quito", 1.0) is not None


def test_a_plan_counts_for_a_minute() -> None:
    """A cluster that nobody looked at since does not keep others waiting, nor is it still begun."""
    guard = crowd(clusters=1)
    calls(guard, "quito")
    assert calls(guard, "lima", 59.75) is not None
    assert calls(guard, "lima", 60.5) is None
    assert calls(guard, "quito", 61.0) is not None


def test_a_cluster_that_has_called_for_long_keeps_no_other_shut() -> None:
    """A pair that is paused, or that waits for a person, is nothing new after a minute."""
    guard = crowd(clusters=1)
    for seconds in range(0, 61, 15):  # planned, and held by another interlock
        view = replace(WRONG, cluster="cusco", began=at(seconds))
        guard.planned(view, plan(view))
    assert calls(guard, "lima", 59.0) is not None
    assert calls(guard, "lima", 61.0) is None


def test_who_waits_for_the_others_counts_as_long_as_he_waits() -> None:
    """A minute alone ends nothing: what is held for this reason is still one of many."""
    guard = crowd(clusters=1)
    names = ("quito", "lima", "cusco")
    for name in names:
        view = replace(WRONG, cluster=name)
        guard.planned(view, plan(view))
    for seconds in range(0, 300, 15):
        assert all(calls(guard, name, seconds) is not None for name in names)


def test_one_alone_is_always_repaired() -> None:
    """A share of few clusters that is less than one allows one."""
    guard = Crowd(AtOnce(share=0.25), 3)
    assert calls(guard, "quito") is None
    assert calls(guard, "lima") is not None
