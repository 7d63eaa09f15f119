"""A datagram to the virtual IP goes where NLB would send it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from cluster.model import PortState
from simulator.description import usual_site
from simulator.knobs import quick
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import PortVerb
from simulator.nlb_traffic import take
from simulator.world import World

ONE, TWO = "sip-east-1", "sip-east-2"


def world_of() -> tuple[World, NlbCluster]:
    """Return a site of one cluster and its NLB cluster."""
    world = World(usual_site(1, quick()))
    return world, world.clusters["sip-east"].nlb


def takers(nlb: NlbCluster, port: int = 5060) -> Counter[tuple[str, ...]]:
    """Send from 400 source ports; return who took how many."""
    return Counter(
        take(nlb, "192.0.2.7", 40000 + number, vip="10.0.0.100", port=port) for number in range(400)
    )


def test_the_only_enabled_host_takes_all() -> None:
    """With one host enabled every datagram is its own, and is counted there."""
    _, nlb = world_of()
    assert takers(nlb) == {(ONE,): 400}
    assert (nlb.nodes[ONE].rules[0].accepted, nlb.nodes[ONE].rules[0].dropped) == (400, 0)
    assert (nlb.nodes[TWO].rules[0].accepted, nlb.nodes[TWO].rules[0].dropped) == (0, 0)


def test_two_enabled_hosts_share_by_client_port() -> None:
    """A split takes about half of the new clients; each host drops the other's share."""
    _, nlb = world_of()
    nlb.operate(TWO, PortVerb.ENABLE, None, 5060)
    shares = takers(nlb)
    assert set(shares) == {(ONE,), (TWO,)}
    assert 120 < shares[ONE,] < 280
    assert nlb.nodes[TWO].rules[0].dropped == shares[ONE,]


def test_single_affinity_keeps_a_client_on_one_host() -> None:
    """With affinity single the client's address alone decides."""
    _, nlb = world_of()
    nlb.operate(TWO, PortVerb.ENABLE, None, 5060)
    for node in nlb.nodes.values():
        node.rules[0].rule = replace(node.rules[0].rule, affinity="single")
    assert len(takers(nlb)) == 1


def test_single_host_filtering_goes_to_the_best_priority() -> None:
    """In single host mode the lowest number handles all."""
    _, nlb = world_of()
    nlb.operate(TWO, PortVerb.ENABLE, None, 5060)
    for host, priority in ((ONE, 9), (TWO, 4)):
        run = nlb.nodes[host].rules[0]
        run.rule = replace(run.rule, mode="single", priority=priority)
    assert takers(nlb) == {(TWO,): 400}


def test_a_rule_in_disabled_mode_blocks_the_port() -> None:
    """Filtering mode disabled takes nothing, whatever the run-time state."""
    _, nlb = world_of()
    for node in nlb.nodes.values():
        node.rules[0].rule = replace(node.rules[0].rule, mode="disabled")
    assert takers(nlb) == {(): 400}


def test_nobody_takes_what_nobody_has_enabled() -> None:
    """With no host enabled the datagram is lost."""
    _, nlb = world_of()
    nlb.operate(ONE, PortVerb.DISABLE, None, 5060)
    assert takers(nlb) == {(): 400}


def test_a_port_without_a_rule_goes_to_the_default_host() -> None:
    """Documented: what no rule covers, the default host takes."""
    _, nlb = world_of()
    assert takers(nlb, port=5999) == {(ONE,): 400}
    nlb.nodes[ONE].members.clear()
    nlb.nodes[TWO].members.clear()
    assert takers(nlb, port=5999) == {(): 400}


@pytest.mark.parametrize(("second", "lost"), [(4.9, True), (5.0, False)])
def test_a_cut_off_host_attracts_its_share_until_it_is_missed(second, lost) -> None:
    """Until the heartbeat loss is noticed, the share of the lost host goes nowhere."""
    world, nlb = world_of()
    nlb.operate(TWO, PortVerb.ENABLE, None, 5060)
    world.clusters["sip-east"].disconnect(ONE)
    world.advance(second)
    shares = takers(nlb)
    assert (() in shares) is lost
    assert shares[TWO,] == 400 - shares[()]


def test_in_a_split_both_hosts_take_the_same_datagram() -> None:
    """Nodes that do not hear each other each think that they are alone."""
    world, nlb = world_of()
    nlb.operate(TWO, PortVerb.ENABLE, None, 5060)
    world.clusters["sip-east"].split({ONE: 5})
    world.advance(20.0)
    assert takers(nlb) == {(ONE, TWO): 400}


def test_a_node_that_is_stopped_or_drains_takes_nothing() -> None:
    """Only a converging or converged node takes new traffic."""
    _, nlb = world_of()
    nlb.drainstop(ONE)
    assert takers(nlb) == {(): 400}
    assert nlb.nodes[ONE].rules[0].state is PortState.ENABLED
