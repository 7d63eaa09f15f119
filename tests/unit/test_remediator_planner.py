"""The decision table: every combination of a pair, its golden dump, and what decisions say.

The dump is made anew by ``python -m tests.unit.test_remediator_planner``; read the difference
before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest

from cluster.model import (
    SERVING_NODE_STATES,
    ClusterView,
    HostView,
    NodeState,
    PortState,
    SipMode,
)
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
from remediator.rows import NEEDS_PERSON, ROWS, Hold, Patience, Row
from tests.unit import remediator_samples as samples

GOLDEN = Path(__file__).parents[1] / "golden" / "decision_table.txt"
POLICIES = tuple(product(Order, UnknownPeer))
SCS = (True, False, None)
SCS_WORDS = {True: "connected", False: "not connected", None: "not told"}
TWO_RULES = (samples.RULE, samples.OTHER_RULE)


def _single_hosts(name: str) -> list[HostView]:
    return [
        samples.host(name, mode, port, node, scs)
        for mode, port, node, scs in product(SipMode, PortState, NodeState, SCS)
    ]


def broken_invariants(view: ClusterView, decision: Decision, order: Order) -> list[str]:
    """Return which of the invariants 1 to 4 a decision breaks; written apart from the table."""
    primaries = [h for h in view.hosts if h.sip[0].value.mode is SipMode.PRIMARY]
    broken = []
    if decision.actions and len(primaries) != 1:
        return ["3: an action without exactly one primary"]
    for action in decision.actions:
        on_primary = action.host == primaries[0].host
        if action.verb is ActionVerb.ENABLE and not on_primary:
            broken.append("1: an enable of another than the primary")
        if action.verb is ActionVerb.DISABLE and on_primary:
            broken.append("2: a disable of the primary")
        ports = dict(primaries[0].ports)
        serves = ports[action.rule].value.state is PortState.ENABLED and primaries[
            0
        ].node.value.state in {NodeState.CONVERGED, NodeState.CONVERGING}
        if action.verb is ActionVerb.DISABLE and order is Order.ENABLE_FIRST and not serves:
            broken.append("4: a disable while the primary does not serve")
    return broken


def test_no_pair_of_hosts_breaks_an_invariant() -> None:
    """Every mode, port, node and SCS of both hosts, under every policy, keeps invariants 1 to 4.

    And no decision does and refuses at once on one port, or says nothing.
    """
    ones, twos = _single_hosts("quito-1"), _single_hosts("quito-2")
    acting = 0
    for one, two in product(ones, twos):
        view = samples.view(one, two)
        for order, peer in POLICIES:
            decision = plan(view, order=order, unknowns=Unknowns(peer))
            assert broken_invariants(view, decision, order) == [], (view, order, peer)
            assert len(decision.findings) == 1
            acting += len(decision.actions)
            if decision.row is Row.RIGHT:
                serving = [h.host for h in view.hosts if h.is_serving(samples.RULE)]
                primary = view.primaries[0]
                others_closed = all(
                    h is primary or h.port_state(samples.RULE) is PortState.DISABLED
                    for h in view.hosts
                )
                assert primary.host in serving
                assert others_closed
    assert acting > 10_000


def test_the_invariants_are_told_apart() -> None:
    """The check above sees each kind of breach, so that its silence means something."""
    closed = samples.view(samples.primary(PortState.DISABLED), samples.backup(PortState.ENABLED))
    two = samples.view(
        samples.primary(), samples.host("quito-2", SipMode.PRIMARY, PortState.UNKNOWN)
    )

    def decision(verb: ActionVerb, host: str) -> Decision:
        action = Action(verb, host, samples.RULE)
        return Decision((Finding(Row.OTHER_OPEN, host, samples.RULE, action),))

    enable, disable = ActionVerb.ENABLE, ActionVerb.DISABLE
    first, last = Order.ENABLE_FIRST, Order.DISABLE_FIRST
    assert broken_invariants(closed, decision(enable, "quito-2"), first) == [
        "1: an enable of another than the primary"
    ]
    assert broken_invariants(closed, decision(disable, "quito-1"), last) == [
        "2: a disable of the primary"
    ]
    assert broken_invariants(two, decision(disable, "quito-2"), last) == [
        "3: an action without exactly one primary"
    ]
    assert broken_invariants(closed, decision(disable, "quito-2"), first) == [
        "4: a disable while the primary does not serve"
    ]


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


# The golden dump.


def _outcome(one: HostView, two: HostView, order: Order, peer: UnknownPeer) -> str:
    decision = plan(samples.view(one, two), order=order, unknowns=Unknowns(peer))
    names = {"quito-1": "primary", "quito-2": "other"}
    does = ", ".join(f"{action.verb} {names[action.host]}" for action in decision.actions)
    parts = [str(decision.row), does or "nothing"]
    if decision.hold:
        parts.append(f"hold {decision.hold}")
    return ": ".join(parts[:2]) + ("; " + parts[2] if decision.hold else "")


def _joined(values: Sequence[str], whole: int) -> str:
    return "any" if len(values) == whole else "/".join(values)


def _grouped(outcomes: dict[str, str]) -> dict[str, str]:
    """Join the situations that come to the same; the joined situations → what they come to."""
    groups: dict[str, list[str]] = {}
    for situation, outcome in outcomes.items():
        groups.setdefault(outcome, []).append(situation)
    return {_joined(found, len(outcomes)): outcome for outcome, found in groups.items()}


def _hosts_in_words(found: Sequence[tuple[SipMode, PortState]]) -> str:
    """Say other hosts as ``backup or unknown, port disabled/draining; backup, port enabled``."""
    modes: dict[tuple[SipMode, ...], list[str]] = {}
    for port in PortState:
        having = tuple(mode for mode in SipMode if (mode, port) in found)
        if having:
            modes.setdefault(having, []).append(port)
    if list(modes) == [(SipMode.BACKUP, SipMode.UNKNOWN)] and len(found) == 2 * len(PortState):
        return "any other"
    return "; ".join(
        f"{' or '.join(having)}, port {'/'.join(ports)}" for having, ports in modes.items()
    )


def _other_lines(
    port: PortState, node: NodeState, order: Order, peer: UnknownPeer
) -> Iterator[tuple[str, str, str]]:
    """Yield the other host in words, SCS in words, outcome; for one state of the primary."""
    told: dict[tuple[tuple[str, str], ...], list[tuple[SipMode, PortState]]] = {}
    for mode, other_port in product((SipMode.BACKUP, SipMode.UNKNOWN), PortState):
        by_scs: dict[str, str] = {}
        for scs in SCS:
            one = samples.host("quito-1", SipMode.PRIMARY, port, node, scs)
            found = {
                _outcome(one, samples.host("quito-2", mode, other_port, other), order, peer)
                for other in NodeState
            }
            assert len(found) == 1, "the node of another host decides nothing"
            by_scs[SCS_WORDS[scs]] = found.pop()
        told.setdefault(tuple(_grouped(by_scs).items()), []).append((mode, other_port))
    for outcomes, others in told.items():
        for scs_words, outcome in outcomes:
            yield _hosts_in_words(others), scs_words, outcome


def _section(order: Order, peer: UnknownPeer) -> Iterator[str]:
    for port in PortState:
        by_node: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
        for node in NodeState:
            lines = tuple(_other_lines(port, node, order, peer))
            by_node.setdefault(lines, []).append(node)
        for lines, nodes in by_node.items():
            yield f"primary's port {port}, its node {_joined(nodes, len(NodeState))}"
            for other, scs_words, outcome in lines:
                told = "" if scs_words == "any" else f", SCS {scs_words}"
                yield f"    {other}{told}"
                yield f"        {outcome}"


def _without_one_primary() -> Iterator[str]:
    for one, two in product(SipMode, SipMode):
        if (one is SipMode.PRIMARY) != (two is SipMode.PRIMARY):
            continue
        found = {
            _outcome(
                samples.host("quito-1", one, port, node, scs),
                samples.host("quito-2", two, other_port),
                order,
                peer,
            )
            for port, node, scs, other_port in product(PortState, NodeState, SCS, PortState)
            for order, peer in POLICIES
        }
        assert len(found) == 1, "ports decide nothing where there is not exactly one primary"
        yield f"{one} and {two}, any ports, nodes, SCS and policy"
        yield f"        {found.pop()}"


def _rows() -> Iterator[str]:
    for row in Row:
        info = ROWS[row]
        marks = [f"hold {info.hold}"] if info.hold else []
        marks += [f"after {info.patience.name.lower()}"] if info.patience else []
        marks += ["needs a person"] if info.hold in NEEDS_PERSON else []
        yield f"{info.rank:2} {row}" + (f" [{', '.join(marks)}]" if marks else "")
        yield f"        {info.text}"


def dump() -> str:
    """Write the whole table of a pair with one rule in words."""
    lines = [
        "The decision table of a pair with one port rule, as the code has it.",
        "Made by: python -m tests.unit.test_remediator_planner",
        "",
        "== Rows, most pressing first",
        *_rows(),
        "",
        "== Not exactly one primary",
        *_without_one_primary(),
    ]
    for order, peer in POLICIES:
        lines += [
            "",
            f"== Exactly one primary: order {order}, unknown_peer {peer}",
            "The other host: mode and port; its node never matters.",
            *_section(order, peer),
        ]
    return "\n".join(lines) + "\n"


def test_the_table_is_the_golden_one() -> None:
    """Every situation of a pair comes to what the reviewed table says, word for word."""
    assert GOLDEN.read_text("utf-8") == dump()


def test_the_serving_states_are_the_two_of_the_model() -> None:
    """The check of invariant 4 above and the product mean the same states."""
    assert {NodeState.CONVERGED, NodeState.CONVERGING} == SERVING_NODE_STATES


if __name__ == "__main__":
    GOLDEN.write_text(dump(), "utf-8")
