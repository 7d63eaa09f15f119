"""What a person is asked to approve: all that a view leads to, in its order."""

from __future__ import annotations

import pytest

from cluster.model import ClusterView, NodeState, PortState, SipMode
from remediator.foresee import foresee
from remediator.own_part import own_part
from remediator.planner import Decision, Order, plan
from tests.unit import remediator_samples as samples

E, D, U = PortState.ENABLED, PortState.DISABLED, PortState.UNKNOWN


def foreseen(
    view: ClusterView, order: Order = Order.ENABLE_FIRST, peers: frozenset[str] = frozenset()
) -> list[str]:
    """Return what follows from a view, in words."""

    def decide(given: ClusterView) -> Decision:
        return own_part(plan(given, order=order), peers)

    return [str(action) for action in foresee(view, decide(view), decide)]


@pytest.mark.parametrize(
    ("order", "actions"),
    [
        (Order.ENABLE_FIRST, ["enable 5080 on quito-1", "disable 5080 on quito-2"]),
        (Order.DISABLE_FIRST, ["disable 5080 on quito-2", "enable 5080 on quito-1"]),
    ],
)
def test_both_steps_of_a_switchover_are_foreseen(order: Order, actions: list[str]) -> None:
    """One question for both, in the order of policy, though the table gives one at a time."""
    view = samples.view(samples.primary(D), samples.backup(E))
    assert len(plan(view, order=order).actions) == 1
    assert foreseen(view, order) == actions


def test_nothing_is_foreseen_of_a_right_pair() -> None:
    """Nobody is asked for nothing."""
    assert foreseen(samples.healthy()) == []


def test_every_rule_and_host_is_foreseen() -> None:
    """Three hosts with two rules: each rule is opened before others close it."""
    rules = (samples.RULE, samples.OTHER_RULE)
    view = samples.view(
        samples.host("quito-1", SipMode.PRIMARY, (D, E), rules=rules),
        samples.host("quito-2", SipMode.BACKUP, (E, E), rules=rules),
        samples.host("quito-3", SipMode.BACKUP, (D, E), rules=rules),
    )
    assert foreseen(view) == [
        "enable 5080 on quito-1",
        "disable 10.9.0.100:5090 on quito-2",
        "disable 10.9.0.100:5090 on quito-3",
        "disable 5080 on quito-2",
    ]


def test_what_would_not_be_done_is_not_foreseen() -> None:
    """A node of unknown state is no proof that the primary serves: only the enable is asked for."""
    view = samples.view(
        samples.host("quito-1", SipMode.PRIMARY, D, NodeState.UNKNOWN), samples.backup(E)
    )
    assert foreseen(view) == ["enable 5080 on quito-1"]


def test_a_port_that_cannot_be_read_is_not_foreseen() -> None:
    """It may turn out to be closed."""
    view = samples.view(samples.primary(D), samples.backup(U))
    assert foreseen(view) == ["enable 5080 on quito-1"]


def test_a_peers_part_is_not_foreseen() -> None:
    """The remediator on that host asks for it itself."""
    view = samples.view(samples.primary(D), samples.backup(E))
    assert foreseen(view, peers=frozenset({"quito-2"})) == ["enable 5080 on quito-1"]
