"""The decision table: what decisions say, and how the rows of several hosts and rules join.

Every combination of a pair under every policy is in `test_remediator_decision_space`, the whole
table in words in `test_remediator_decision_table`.
"""

from __future__ import annotations

from itertools import product

import pytest

from cluster.model import (
    NodeState,
    PortState,
    SipMode,
)
from remediator.planner import (
    Action,
    ActionVerb,
    Finding,
    Order,
    UnknownPeer,
    Unknowns,
    UnknownScs,
    plan,
)
from remediator.rows import Hold, Patience, Row
from tests.unit import remediator_samples as samples

POLICIES = tuple(product(Order, UnknownPeer))
TWO_RULES = (samples.RULE, samples.OTHER_RULE)


def test_the_place_in_the_list_decides_nothing() -> None:
    """The same situation with the hosts exchanged has the same decision with names exchanged."""
    names = {"quito-1": "quito-2", "quito-2": "quito-1", None: None}
    for mode, port, other_mode, other_port in product(SipMode, PortState, SipMode, PortState):
        view = samples.view(
            samples.host("quito-1", mode, port), samples.host("quito-2", other_mode, other_port)
        )
        for order, peer in POLICIES:
            one = plan(view, order=order, unknowns=Unknowns(peer))
            two = plan(samples.swapped(view), order=order, unknowns=Unknowns(peer))
            assert [(f.row, names[f.host]) for f in one.findings] == [
                (f.row, f.host) for f in two.findings
            ]


def test_the_default_is_enable_first_and_disable_unknown() -> None:
    """Without policy the table follows the defaults of the configuration."""
    policy = samples.config().remediator.policy
    assert (policy.order, policy.unknown_peer, policy.unknown_scs) == (
        Order.ENABLE_FIRST,
        UnknownPeer.DISABLE,
        UnknownScs.HOLD,
    )
    crashed = samples.host("quito-2", SipMode.UNKNOWN, PortState.ENABLED)
    for port in PortState:
        view = samples.view(samples.primary(port), crashed)
        unknowns = Unknowns(UnknownPeer.DISABLE, UnknownScs.HOLD)
        explicit = plan(view, order=Order.ENABLE_FIRST, unknowns=unknowns)
        assert plan(view) == explicit


def test_each_rule_on_its_own() -> None:
    """A rule that cannot be judged leaves the other alone, and the action is said first."""
    view = samples.view(
        samples.host(
            "quito-1", SipMode.PRIMARY, (PortState.NOT_FOUND, PortState.DISABLED), rules=TWO_RULES
        ),
        samples.host(
            "quito-2", SipMode.BACKUP, (PortState.ENABLED, PortState.ENABLED), rules=TWO_RULES
        ),
    )
    decision = plan(view)
    assert decision.actions == (Action(ActionVerb.ENABLE, "quito-1", samples.OTHER_RULE),)
    assert (decision.row, decision.hold) == (Row.PRIMARY_CLOSED_OTHER_OPEN, Hold.RULE_MISSING)
    assert str(decision) == (
        "port 10.9.0.100:5090 on quito-1: the primary's port is closed and another host's is "
        "open: enable the primary's; "
        "port 5080 on quito-1: the primary has no rule for the port"
    )


def test_a_rule_that_is_right_does_not_hide_one_that_is_not() -> None:
    """With one rule right and one open on the backup, the backup's is disabled."""
    view = samples.view(
        samples.host("quito-1", SipMode.PRIMARY, PortState.ENABLED, rules=TWO_RULES),
        samples.host(
            "quito-2", SipMode.BACKUP, (PortState.DISABLED, PortState.ENABLED), rules=TWO_RULES
        ),
    )
    decision = plan(view)
    assert [str(f) for f in decision.findings] == [
        "port 10.9.0.100:5090 on quito-2: a backup's port is open: disable it",
        "port 5080: the primary serves and no other port is open",
    ]
    assert [str(action) for action in decision.actions] == ["disable 10.9.0.100:5090 on quito-2"]
    assert (decision.hold, decision.patience, decision.fenced) == (None, Patience.NONE, ())


def test_two_rules_are_opened_in_one_decision() -> None:
    """Both closed rules of the primary are enabled; the backup's wait for the next look."""
    view = samples.view(
        samples.host("quito-1", SipMode.PRIMARY, PortState.DISABLED, rules=TWO_RULES),
        samples.host("quito-2", SipMode.BACKUP, PortState.ENABLED, rules=TWO_RULES),
    )
    assert [str(action) for action in plan(view).actions] == [
        "enable 5080 on quito-1",
        "enable 10.9.0.100:5090 on quito-1",
    ]
    assert [str(action) for action in plan(view, order=Order.DISABLE_FIRST).actions] == [
        "disable 5080 on quito-2",
        "disable 10.9.0.100:5090 on quito-2",
    ]


def test_every_other_host_is_judged() -> None:
    """Of three hosts, the primary's two others each get their own finding, actions first."""
    view = samples.view(
        samples.host("quito-1", SipMode.UNKNOWN, PortState.UNKNOWN, NodeState.UNKNOWN),
        samples.host("quito-2", SipMode.PRIMARY, PortState.ENABLED, NodeState.CONVERGING),
        samples.host("quito-3", SipMode.BACKUP, PortState.ENABLED, NodeState.STOPPED),
    )
    decision = plan(view)
    assert [(f.row, f.host) for f in decision.findings] == [
        (Row.OTHER_OPEN, "quito-3"),
        (Row.OTHER_UNREACHABLE, "quito-1"),
    ]
    assert (decision.hold, decision.fenced) == (Hold.FENCE_PENDING, ("quito-1",))


def test_a_fenced_host_is_named_once() -> None:
    """A host that cannot be read at all stands once among the fenced, whatever its rules."""
    view = samples.view(
        samples.host("quito-1", SipMode.PRIMARY, PortState.ENABLED, rules=TWO_RULES),
        samples.host("quito-2", SipMode.UNKNOWN, PortState.UNKNOWN, rules=TWO_RULES),
        samples.host("quito-3", SipMode.UNKNOWN, PortState.UNKNOWN, rules=TWO_RULES),
    )
    decision = plan(view)
    assert decision.fenced == ("quito-2", "quito-3")
    assert len(decision.findings) == 4


def test_the_longest_patience_of_all_findings_counts() -> None:
    """A finding that asks for a re-reading is waited for though a more pressing one is not."""
    view = samples.view(
        samples.host(
            "quito-1", SipMode.PRIMARY, (PortState.NOT_FOUND, PortState.UNKNOWN), rules=TWO_RULES
        ),
        samples.host("quito-2", SipMode.BACKUP, PortState.DISABLED, rules=TWO_RULES),
    )
    decision = plan(view)
    assert [f.row for f in decision.findings] == [
        Row.PRIMARY_RULE_MISSING,
        Row.PRIMARY_PORT_UNREADABLE,
    ]
    assert (decision.hold, decision.patience) == (Hold.RULE_MISSING, Patience.REREAD)


def test_disable_first_closes_before_it_opens() -> None:
    """The others are closed first; with none left to close the primary is opened."""
    closed, open_ = PortState.DISABLED, PortState.ENABLED
    order = Order.DISABLE_FIRST
    both = plan(samples.view(samples.primary(closed), samples.backup(open_)), order=order)
    assert [str(action) for action in both.actions] == ["disable 5080 on quito-2"]
    then = plan(samples.view(samples.primary(closed), samples.backup(closed)), order=order)
    assert [str(action) for action in then.actions] == ["enable 5080 on quito-1"]


def test_a_cluster_wide_finding_names_no_place() -> None:
    """Where no host is primary the decision says so of the cluster, without host and port."""
    view = samples.view(
        samples.host("quito-1", SipMode.BACKUP, PortState.ENABLED),
        samples.host("quito-2", SipMode.BACKUP, PortState.ENABLED),
    )
    assert str(plan(view)) == "every SIP Server is backup"
    assert plan(view).findings == (Finding(Row.NO_PRIMARY),)


def test_a_finding_may_name_a_host_alone() -> None:
    """A finding of a host without a port names the host only."""
    assert str(Finding(Row.OTHER_UNREACHABLE, "quito-2")) == (
        "on quito-2: neither mode nor port can be read; it should be closed"
    )


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [(ActionVerb.ENABLE, PortState.ENABLED), (ActionVerb.DISABLE, PortState.DISABLED)],
)
def test_an_action_aims_at_a_state(verb: ActionVerb, wanted: PortState) -> None:
    """Enable aims at enabled, disable at disabled."""
    assert Action(verb, "quito-1", samples.RULE).wanted is wanted
