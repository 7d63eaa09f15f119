"""What is said of a cluster, word for word, for each thing that an alert would say."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from cluster.model import (
    ClusterView,
    HostView,
    NodeState,
    PortRule,
    PortState,
    Problem,
    Reason,
    SipMode,
)
from exporter.verdict import Rank, verdict_of
from tests.unit import exporter_samples as samples

ON, OFF, DRAINS = PortState.ENABLED, PortState.DISABLED, PortState.DRAINING
GONE, UNREAD = PortState.NOT_FOUND, PortState.UNKNOWN
FIRST, SECOND, NO_MODE = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
UP = NodeState.CONVERGED


def host(name: str, mode: SipMode, port: PortState, node: NodeState = UP) -> HostView:
    """Return a host; porto-1's node is the default host."""
    base = samples.primary() if name == "porto-1" else samples.backup()
    status = replace(base.node.value, state=node)
    return replace(
        base,
        sip=(samples.sip(mode),),
        node=replace(base.node, value=status),
        ports=((samples.cluster().rules[0], samples.port(port)),),
    )


def one(mode: SipMode, port: PortState, node: NodeState = UP) -> HostView:
    """Return porto-1."""
    return host("porto-1", mode, port, node)


def two(mode: SipMode, port: PortState, node: NodeState = UP) -> HostView:
    """Return porto-2."""
    return host("porto-2", mode, port, node)


def said(*hosts: HostView, elsewhere: tuple[str, ...] = ()) -> str:
    """Return the verdict on the view of these hosts."""
    return str(verdict_of(samples.view(*hosts), elsewhere))


def test_a_pair_whose_ports_follow_its_modes_is_right() -> None:
    """Exactly the primary's port is enabled; a converging node serves, a draining port is closed."""
    right = "right: primary porto-1 alone has port 5070 enabled"
    assert said(one(FIRST, ON), two(SECOND, OFF)) == right
    assert said(one(FIRST, ON, NodeState.CONVERGING), two(SECOND, DRAINS)) == right


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        pytest.param(
            one(SECOND, ON), two(SECOND, OFF), "WRONG: no SIP Server is primary", id="no_primary"
        ),
        pytest.param(
            one(SECOND, ON),
            two(NO_MODE, OFF),
            "UNKNOWN: no primary is seen and the mode of porto-2 is unknown",
            id="primary_not_seen",
        ),
        pytest.param(
            one(FIRST, ON),
            two(FIRST, OFF),
            "WRONG: 2 SIP Servers are primary: porto-1, porto-2; "
            "primary porto-2's port 5070 is disabled",
            id="two_primaries",
        ),
        pytest.param(
            one(FIRST, ON),
            two(NO_MODE, OFF),
            "right, but: the mode of porto-2 is unknown",
            id="mode_unknown",
        ),
        pytest.param(
            one(FIRST, DRAINS),
            two(SECOND, OFF),
            "WRONG: primary porto-1's port 5070 is draining; no host has port 5070 enabled",
            id="nobody_enabled",
        ),
        pytest.param(
            one(FIRST, OFF),
            two(SECOND, ON),
            "WRONG: primary porto-1's port 5070 is disabled; backup porto-2's port 5070 is enabled",
            id="traffic_goes_to_the_backup",
        ),
        pytest.param(
            one(FIRST, ON),
            two(SECOND, ON),
            "WRONG: backup porto-2's port 5070 is enabled; 2 hosts have port 5070 enabled",
            id="both_enabled",
        ),
        pytest.param(
            one(FIRST, OFF),
            two(NO_MODE, ON),
            "WRONG: primary porto-1's port 5070 is disabled; "
            "porto-2's port 5070 is enabled and porto-2 is not seen as primary; "
            "the mode of porto-2 is unknown",
            id="crashed_peer_open",
        ),
        pytest.param(
            one(FIRST, UNREAD),
            two(SECOND, OFF),
            "UNKNOWN: port 5070 of primary porto-1 cannot be read",
            id="primary_port_unreadable",
        ),
        pytest.param(
            one(FIRST, ON),
            two(SECOND, UNREAD),
            "UNKNOWN: port 5070 of porto-2 cannot be read",
            id="backup_port_unreadable",
        ),
        pytest.param(
            one(FIRST, GONE),
            two(SECOND, OFF),
            "WRONG: porto-1 has no port rule 5070",
            id="rule_missing",
        ),
        pytest.param(
            one(FIRST, ON, NodeState.STOPPED),
            two(SECOND, OFF),
            "WRONG: the NLB node of primary porto-1 is stopped: it takes no traffic",
            id="primary_node_out",
        ),
        pytest.param(
            one(FIRST, ON, NodeState.UNKNOWN),
            two(SECOND, OFF),
            "UNKNOWN: the NLB node of primary porto-1 cannot be read",
            id="primary_node_unknown",
        ),
        pytest.param(
            one(FIRST, ON),
            two(SECOND, OFF, NodeState.SUSPENDED),
            "right, but: the NLB node of porto-2 is suspended",
            id="backup_node_out",
        ),
        pytest.param(
            one(FIRST, ON),
            two(NO_MODE, UNREAD, NodeState.UNKNOWN),
            "UNKNOWN: port 5070 of porto-2 cannot be read; the mode of porto-2 is unknown; "
            "the NLB node of porto-2 cannot be read",
            id="peer_unreachable",
        ),
    ],
)
def test_what_is_not_right_is_said(first: HostView, second: HostView, text: str) -> None:
    """Everything that is wrong is named with its host and port, the worst first."""
    assert said(first, second) == text


def test_a_pair_is_called_right_only_if_it_is() -> None:
    """Over all modes, ports and nodes of a pair: right, or right beside something, only then."""
    nodes = (UP, NodeState.STOPPED, NodeState.UNKNOWN)
    states = list(product(SipMode, PortState, nodes))
    firsts, seconds = [one(*state) for state in states], [two(*state) for state in states]
    empty = samples.view()
    for hosts, (first, second) in zip(
        product(firsts, seconds), product(states, states), strict=True
    ):
        verdict = verdict_of(replace(empty, hosts=hosts))
        reaches = sorted([first, second], key=lambda state: state[0] is not FIRST)
        calls_arrive = (
            reaches[0] == (FIRST, ON, UP)
            and reaches[1][0] is not FIRST
            and reaches[1][1] in {OFF, DRAINS}
        )
        assert (verdict.rank <= Rank.WARNING) is calls_arrive, (first, second, str(verdict))
        all_fine = calls_arrive and reaches[1][0] is SECOND and reaches[1][2] is UP
        assert (verdict.rank is Rank.RIGHT) is all_fine, (first, second, str(verdict))


def test_a_split_cluster_is_wrong() -> None:
    """Two default hosts do not hear each other, whatever their ports say."""
    second = two(SECOND, OFF)
    alone = replace(second.node, value=replace(second.node.value, is_default=True))
    assert said(one(FIRST, ON), replace(second, node=alone)) == (
        "WRONG: the NLB cluster has split: porto-1, porto-2 are all default host"
    )


def test_sources_that_disagree_are_named() -> None:
    """Both are told, as the configured order does not make the other one right."""
    told = samples.sip(FIRST), samples.sip(SECOND, source="log")
    assert said(replace(one(FIRST, ON), sip=told), two(SECOND, OFF)) == (
        "right, but: sources disagree about the mode of porto-1: http primary, log backup"
    )


def test_each_rule_is_judged_on_its_own() -> None:
    """Of two rules the one that is closed is named, and both where all is right."""
    first, other = samples.cluster().rules[0], PortRule("all", 5090, 5090, "tcp")

    def pair(of_other: PortState) -> ClusterView:
        def with_other(view: HostView, state: PortState) -> HostView:
            return replace(view, ports=(*view.ports, (other, samples.port(state))))

        both = samples.view(with_other(one(FIRST, ON), of_other), with_other(two(SECOND, OFF), OFF))
        return replace(both, rules=(first, other))

    assert str(verdict_of(pair(ON))) == "right: primary porto-1 alone has port 5070, 5090 enabled"
    assert str(verdict_of(pair(OFF))) == (
        "WRONG: primary porto-1's port 5090 is disabled; no host has port 5090 enabled"
    )


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (two(SECOND, OFF), "right: as far as porto-2 tells; read elsewhere: porto-1"),
        (two(FIRST, ON), "right: as far as porto-2 tells; read elsewhere: porto-1"),
        (two(SECOND, ON), "WRONG: backup porto-2's port 5070 is enabled"),
        (two(FIRST, OFF), "WRONG: primary porto-2's port 5070 is disabled"),
        (two(NO_MODE, OFF), "UNKNOWN: the mode of porto-2 is unknown"),
        (
            two(NO_MODE, ON),
            "UNKNOWN: the mode of porto-2 is unknown; "
            "porto-2's port 5070 is enabled and porto-2 is not seen as primary",
        ),
    ],
)
def test_nothing_is_said_of_what_only_another_exporter_reads(own: HostView, text: str) -> None:
    """On a node the primary, and the enabled port, may be those of the host read elsewhere."""
    assert said(own, elsewhere=("porto-1",)) == text


def test_an_exporter_without_hosts_of_the_cluster_says_so() -> None:
    """What it does not read it does not call right."""
    assert said(elsewhere=("porto-1", "porto-2")) == (
        "UNKNOWN: every host is read elsewhere: porto-1, porto-2"
    )


def test_before_the_first_reading_nothing_is_judged() -> None:
    """An exporter that has just begun calls neither the modes nor the ports wrong."""
    never = Problem(Reason.NEVER_READ, "")
    hosts = [
        replace(
            base,
            sip=(samples.sip(NO_MODE, problem=never),),
            node=samples.node(NodeState.UNKNOWN, problem=never),
            ports=((samples.cluster().rules[0], samples.port(UNREAD, problem=never)),),
        )
        for base in (samples.primary(), samples.backup())
    ]
    assert said(*hosts) == "UNKNOWN: nothing has been read yet"
