"""Who may act: the interlocks of a lease, and what a remediator alone has instead."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Connection

from cluster.config_model import Cluster
from cluster.model import ClusterView
from remediator.interlocks import Block, Circumstances
from remediator.journal_store import LeaseLostError
from remediator.leases import (
    LeaseGuard,
    SoleLease,
    Standing,
    Step,
    elsewhere,
    only_with_lease,
)
from remediator.planner import Action, ActionVerb, Order
from remediator.rows import Hold
from tests.unit import remediator_samples as samples


@dataclass
class FakeLeases:
    """Leases as a test wants them."""

    now: Standing
    ends: float = 0.0
    problem: str | None = None
    are_shared: bool = True

    def standing(self, cluster: str) -> Standing:
        """Return what the test said."""
        return self.now

    def until(self, cluster: str) -> float:
        """Return what the test said."""
        return self.ends

    def fence(self, connection: Connection, cluster: str) -> None:
        """Let everything through."""

    def step(self) -> Step:
        """Gain nothing."""
        return Step()

    def live(self) -> frozenset[str]:
        """Know of none."""
        return frozenset()

    def release(self) -> None:
        """Have nothing to give back."""


OURS = Standing(held=True, holder="us:1 (ab)", seconds=9.0)
THEIRS = Standing(held=False, holder="them:2 (cd)", seconds=3.0)
BEGAN = samples.healthy().began.monotonic


def given() -> Circumstances:
    """Return an action on a view; it may leave until 2 s after that view was begun."""
    action = Action(ActionVerb.ENABLE, "quito-1", samples.RULE)
    return Circumstances(action, samples.healthy(), samples.BEGIN, 2.0, Order.ENABLE_FIRST)


@pytest.mark.parametrize(
    ("left", "blocked"),
    [
        (7.0, None),
        (
            6.9,
            "lease_too_short: 4.9 s of it would be left, a command may take 5 s",
        ),
        (1.0, "lease_too_short: 0.0 s of it would be left, a command may take 5 s"),
    ],
)
def test_a_command_must_end_within_the_lease(left: float, blocked: str | None) -> None:
    """It counts from the latest moment at which it may leave, whatever delays it until then."""
    guard = LeaseGuard(FakeLeases(OURS, BEGAN + left), 5.0)
    guard.note(samples.healthy())
    block = guard.why_not(given())
    assert (str(block) if block else None) == blocked


def test_without_the_lease_nothing_is_sent() -> None:
    """However much of an old one might be left."""
    guard = LeaseGuard(FakeLeases(THEIRS, BEGAN + 100), 5.0)
    assert guard.why_not(given()) == Block(
        Hold.LEASE_ELSEWHERE, "another remediator has the lease on the cluster: them:2 (cd)"
    )


def test_nobody_known_is_said_too() -> None:
    """A replica that could not ask knows of nobody."""
    assert elsewhere(Standing(held=False, holder=None, seconds=None)) == (
        "this remediator has no lease on the cluster, and knows of nobody who has"
    )


def test_a_remediator_alone_always_has_it() -> None:
    """It never ends, nobody is refused, and there is nothing to do for it."""
    sole = SoleLease()
    assert sole.standing("quito") == Standing(held=True, holder=None, seconds=None)
    assert LeaseGuard(sole, 5.0).why_not(given()) is None
    assert (sole.are_shared, sole.problem, sole.live()) == (False, None, frozenset())
    assert sole.step() == Step((), 1.0)
    sole.release()


def test_a_view_is_looked_at_by_whoever_has_the_lease_when_it_was_taken() -> None:
    """A look that was begun before ends there: what it would write is no longer its own."""
    leases = FakeLeases(OURS)

    def observe(cluster: Cluster, hosts: tuple[str, ...] | None) -> ClusterView:
        return samples.healthy()

    look_at = only_with_lease(observe, leases)
    assert look_at(samples.cluster(), None) == samples.healthy()
    leases.now = THEIRS
    with pytest.raises(LeaseLostError) as caught:
        look_at(samples.cluster(), None)
    assert str(caught.value) == (
        "quito: another remediator has the lease on the cluster: them:2 (cd) (ask that one)"
    )
