"""Every situation of a pair through table, own part and interlocks; three hosts by sampling.

What is asserted here is written apart from the product: the invariants 1 to 4 of a command, and
when an interlock has to stop one. The remediation loop around the decision is explored in
``tests/exploration``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from cluster.model import (
    SERVING_NODE_STATES,
    ClusterView,
    HostView,
    NlbParams,
    NodeState,
    PortRule,
    PortState,
    Problem,
    Reason,
    SipMode,
)
from remediator.interlocks import Circumstances, why_blocked
from remediator.own_part import own_part
from remediator.planner import (
    Action,
    ActionVerb,
    Decision,
    Finding,
    Order,
    UnknownPeer,
    Unknowns,
    UnknownScs,
    plan,
)
from remediator.rows import Hold, Row
from tests.unit import remediator_samples as samples

SCS = (True, False, None)
POLICIES = tuple(
    (order, Unknowns(peer, scs)) for order, peer, scs in product(Order, UnknownPeer, UnknownScs)
)
RULES = (samples.RULE, samples.OTHER_RULE)
NAMES = ("quito-1", "quito-2", "quito-3")
PEERS = (frozenset({"quito-1"}), frozenset({"quito-2"}))
WIDER = PortRule("all", 5000, 6000, "both")
MAX_AGE = 2.0
OLD = -7.0
SAMPLES = 30_000


def unreachable(name: str, rules: tuple[PortRule, ...] = (samples.RULE,)) -> HostView:
    """Return a host of which nothing at all can be read."""
    unknown = samples.host(name, SipMode.UNKNOWN, PortState.UNKNOWN, NodeState.UNKNOWN, rules=rules)
    return with_rules(unknown, ())


def with_rules(host: HostView, reported: tuple[PortRule, ...]) -> HostView:
    """Return a host that reports these rules; none: they cannot be read."""
    if reported:
        return replace(host, params=samples.params(*reported))
    unread = replace(
        host.params, value=NlbParams(), problem=Problem(Reason.TIMEOUT, "nothing within 1.5 s")
    )
    return replace(host, params=unread)


def single_hosts(name: str) -> list[HostView]:
    """Return a host in every state: mode, port, node, SCS; and one that does not answer."""
    states = product(SipMode, PortState, NodeState, SCS)
    return [samples.host(name, *state) for state in states] + [unreachable(name)]


def broken_invariants(view: ClusterView, decision: Decision, order: Order) -> list[str]:
    """Return which of the invariants 1 to 4 these actions break; written apart from the table."""
    actions = decision.actions
    primaries = [h for h in view.hosts if h.sip[0].value.mode is SipMode.PRIMARY]
    broken = []
    if actions and len(primaries) != 1:
        return ["3: an action without exactly one primary"]
    for action in actions:
        primary = primaries[0]
        on_primary = action.host == primary.host
        if action.verb is ActionVerb.ENABLE and not on_primary:
            broken.append("1: an enable of another than the primary")
        if action.verb is ActionVerb.DISABLE and on_primary:
            broken.append("2: a disable of the primary")
        takes_traffic = primary.node.value.state in {NodeState.CONVERGED, NodeState.CONVERGING}
        is_open = dict(primary.ports)[action.rule].value.state is PortState.ENABLED
        closes = action.verb is ActionVerb.DISABLE
        if closes and order is Order.ENABLE_FIRST and not (is_open and takes_traffic):
            broken.append("4: a disable while the primary does not serve")
    return broken


def closes_without_leave(view: ClusterView, action: Action, unknowns: Unknowns) -> bool:
    """Tell whether a host of unknown mode is closed that policy or SCS protects."""
    target = view.host(action.host)
    if action.verb is ActionVerb.ENABLE or target.mode is not SipMode.UNKNOWN:
        return False
    told = view.primaries[0].sip[0].value.scs_connected
    vouched = told or (told is None and unknowns.scs is UnknownScs.DISABLE)
    return unknowns.peer is UnknownPeer.LEAVE or not vouched


def aged(view: ClusterView, host: int, which: str) -> ClusterView | None:
    """Return the view with one reading old; None if that reading told nothing."""
    hosts = list(view.hosts)
    given = hosts[host]
    asked = samples.BEGIN.plus(OLD)
    if which == "mode":
        if given.mode is SipMode.UNKNOWN:
            return None
        hosts[host] = replace(given, sip=(replace(given.sip[0], asked=asked),))
    elif which == "node":
        if given.node_state is NodeState.UNKNOWN:
            return None
        hosts[host] = replace(given, node=replace(given.node, asked=asked))
    else:
        rule, reading = given.ports[0]
        if reading.value.state is PortState.UNKNOWN:
            return None
        hosts[host] = replace(
            given, ports=((rule, replace(reading, asked=asked)), *given.ports[1:])
        )
    return replace(view, hosts=tuple(hosts))


def stopped_by(view: ClusterView, action: Action, order: Order) -> Hold | None:
    """Return what the interlocks say at the moment at which the view is complete."""
    block = why_blocked(Circumstances(action, view, samples.BEGIN, MAX_AGE, order))
    return None if block is None else block.hold


def check_right(view: ClusterView) -> None:
    """Assert that a view in which nothing is to be done is as it should be."""
    primary = view.primaries[0]
    assert primary.is_serving(samples.RULE)
    others = [host for host in view.hosts if host is not primary]
    assert {host.port_state(samples.RULE) for host in others} == {PortState.DISABLED}


def pairs() -> Iterator[ClusterView]:
    """Yield every pair."""
    for one, two in product(single_hosts("quito-1"), single_hosts("quito-2")):
        yield samples.view(one, two)


def test_no_pair_of_hosts_under_any_policy_breaks_an_invariant() -> None:
    """Every mode, port, node, SCS and reachability of both hosts, under every policy.

    A planned command breaks none of the invariants 1 to 4, closes no protected host, is let
    through by every interlock while all readings are fresh, and belongs to exactly one of two
    remediators that share the work. A decision always says something.
    """
    told: Counter[str] = Counter()
    for view in pairs():
        told["pairs"] += 1
        for order, unknowns in POLICIES:
            decision = plan(view, order=order, unknowns=unknowns)
            told["decisions"] += 1
            assert len(decision.findings) == 1
            if decision.row is Row.RIGHT:
                check_right(view)
            actions = decision.actions
            if not actions:
                continue
            told["actions"] += 1
            assert broken_invariants(view, decision, order) == [], (view, order, unknowns)
            assert not closes_without_leave(view, actions[0], unknowns)
            assert stopped_by(view, actions[0], order) is None
            parts = [own_part(decision, peers) for peers in PEERS]
            assert sorted(len(part.actions) for part in parts) == [0, 1]
            assert [a for part in parts for a in part.actions] == list(actions)
            left = next(part for part in parts if not part.actions)
            assert (left.row, left.findings[0].action) in {
                (Row.PEER_CLOSED, None),
                (Row.PEER_OPEN, None),
            }
    assert (told["pairs"], told["decisions"]) == (316 * 316, 8 * 316 * 316)
    assert told["actions"] > 50_000


def test_every_old_reading_and_every_other_rule_stops_a_command() -> None:
    """For every pair that calls for a command: each reading old by itself, each rule not ours.

    What could not be read is unknown at any age and stops nothing; whatever is old or not
    exactly configured does. The table itself never looks at the time.
    """
    told: Counter[str] = Counter()
    for view in pairs():
        decision = plan(view)
        for action in decision.actions:
            for host, which in product((0, 1), ("mode", "node", "port")):
                old = aged(view, host, which)
                if old is not None:
                    assert stopped_by(old, action, Order.ENABLE_FIRST) is Hold.VIEW_TOO_OLD
                    assert plan(old) == decision
                    told["old"] += 1
            index = next(i for i, h in enumerate(view.hosts) if h.host == action.host)
            for reported, hold in (
                ((WIDER,), Hold.RULE_DIFFERS),
                ((), Hold.RULE_UNREAD),
                ((samples.RULE, samples.OTHER_RULE), None),
            ):
                hosts = list(view.hosts)
                hosts[index] = with_rules(hosts[index], reported)
                other = replace(view, hosts=tuple(hosts))
                assert stopped_by(other, action, Order.ENABLE_FIRST) is hold
                told["rules"] += 1
    assert min(told["old"], told["rules"]) > 10_000


def three_hosts(random: Random) -> Iterator[HostView]:
    """Yield three hosts with two rules in random states; one in ten does not answer."""
    for name in NAMES:
        if random.random() < 0.1:
            yield unreachable(name, RULES)
            continue
        yield samples.host(
            name,
            random.choices(list(SipMode), (3, 5, 3))[0],
            random.choices(list(PortState), (4, 4, 1, 1, 1), k=2),
            random.choices(list(NodeState), (6, 3, 1, 1, 1, 1, 1))[0],
            random.choice(SCS),
            RULES,
        )


def test_three_hosts_with_two_rules_by_sampling() -> None:
    """Random states, ages, policies and shares of three hosts with two rules each.

    Nobody commands a peer, no invariant breaks, a command passes exactly if what it rests on
    is fresh and its host reports the rule; the same seed gives the same sample.
    """
    random = Random(20_310_506)
    told: Counter[str] = Counter()
    for _ in range(SAMPLES):
        view = samples.view(*three_hosts(random))
        order, unknowns = random.choice(POLICIES)
        peers = frozenset(random.choice(((), NAMES[:2], NAMES[1:], NAMES[:1])))
        decision = own_part(plan(view, order=order, unknowns=unknowns), peers)
        assert {action.host for action in decision.actions} & peers == set()
        assert broken_invariants(view, decision, order) == []
        which = random.choice(("mode", "node", "port"))
        old = aged(view, random.randrange(3), which)
        for action in decision.actions:
            assert not closes_without_leave(view, action, unknowns)
            assert stopped_by(view, action, order) is None
            told[f"{order} {action.verb}"] += 1
            if old is not None:
                concerns = which != "port" or action.rule == samples.RULE
                hold = Hold.VIEW_TOO_OLD if concerns else None
                assert stopped_by(old, action, order) is hold
                told["old"] += 1
    assert sorted(told) == [
        "disable_first disable",
        "disable_first enable",
        "enable_first disable",
        "enable_first enable",
        "old",
    ]
    assert min(told.values()) > 500


@pytest.mark.parametrize(
    ("verb", "host", "order", "said"),
    [
        (
            ActionVerb.ENABLE,
            "quito-2",
            Order.ENABLE_FIRST,
            "1: an enable of another than the primary",
        ),
        (ActionVerb.DISABLE, "quito-1", Order.DISABLE_FIRST, "2: a disable of the primary"),
        (
            ActionVerb.DISABLE,
            "quito-2",
            Order.ENABLE_FIRST,
            "4: a disable while the primary does not serve",
        ),
    ],
)
def test_the_invariants_are_told_apart(
    verb: ActionVerb, host: str, order: Order, said: str
) -> None:
    """The check above sees each kind of breach, so that its silence means something."""
    closed = samples.view(samples.primary(PortState.DISABLED), samples.backup(PortState.ENABLED))
    action = Action(verb, host, samples.RULE)
    decision = Decision((Finding(Row.OTHER_OPEN, host, samples.RULE, action),))
    assert broken_invariants(closed, decision, order) == [said]

    both = samples.view(
        samples.primary(), samples.host("quito-2", SipMode.PRIMARY, PortState.UNKNOWN)
    )
    assert broken_invariants(both, decision, order) == ["3: an action without exactly one primary"]


def test_the_serving_states_are_the_two_of_the_model() -> None:
    """The check of invariant 4 above and the product mean the same states."""
    assert {NodeState.CONVERGED, NodeState.CONVERGING} == SERVING_NODE_STATES
