"""Simulated NLB nodes converge, part, and answer operations as documented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import PortRule, PortState
from simulator.description import HostDescription, SiteDescription, usual_cluster, usual_rule
from simulator.knobs import Knobs, quick
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import NlbNode, NodeRun, PortVerb, Result, RuleRun, run_rules
from simulator.world import World

ONE, TWO = "sip-east-1", "sip-east-2"


def world_of(knobs: Knobs | None = None) -> tuple[World, NlbCluster]:
    """Return a site of one cluster, 10 seconds old, and its NLB cluster."""
    world = World(SiteDescription((usual_cluster(0),), knobs or quick()))
    world.advance(10.0)
    return world, world.clusters["sip-east"].nlb


def picture(nlb: NlbCluster) -> dict[str, tuple[str, tuple[int, ...], bool]]:
    """Return state, members and default of each node."""
    return {
        host: (str(node.run), nlb.member_ids(host), nlb.is_default(host) if node.members else False)
        for host, node in nlb.nodes.items()
    }


def state(nlb: NlbCluster, host: str) -> PortState:
    """Return the state of the first rule on a host."""
    return nlb.nodes[host].rules[0].state


def test_a_sound_cluster_has_one_default_host_and_one_enabled_port() -> None:
    """At the beginning all nodes are converged and the lowest id is default."""
    _, nlb = world_of()
    assert picture(nlb) == {ONE: ("converged", (1, 2), True), TWO: ("converged", (1, 2), False)}
    assert (state(nlb, ONE), state(nlb, TWO)) == (PortState.ENABLED, PortState.DISABLED)


def test_a_lost_host_is_missed_after_five_seconds_and_both_become_default() -> None:
    """Documented: heartbeat loss after 5 s, then convergence, then two defaults."""
    world, nlb = world_of()
    world.clusters["sip-east"].disconnect(ONE)
    world.advance(14.9)
    assert picture(nlb)[TWO] == ("converged", (1, 2), False)
    world.advance(15.0)
    assert picture(nlb)[TWO] == ("converging", (2,), False)
    world.advance(18.0)
    assert picture(nlb) == {ONE: ("converged", (1,), True), TWO: ("converged", (2,), True)}
    world.clusters["sip-east"].reconnect()
    world.advance(25.0)
    assert picture(nlb) == {ONE: ("converged", (1, 2), True), TWO: ("converged", (1, 2), False)}
    assert nlb.nodes[ONE].convergences == 3


def test_partitions_make_two_defaults_and_heal() -> None:
    """Nodes that do not hear each other are each alone; together again one is default."""
    world, nlb = world_of()
    world.clusters["sip-east"].split({TWO: 1})
    world.advance(20.0)
    assert [default for _, _, default in picture(nlb).values()] == [True, True]
    world.clusters["sip-east"].split({TWO: 0})
    world.advance(30.0)
    assert picture(nlb) == {ONE: ("converged", (1, 2), True), TWO: ("converged", (1, 2), False)}


def test_a_wait_goes_on_when_something_else_changes() -> None:
    """A second change of the network does not begin the five seconds anew."""
    world, nlb = world_of()
    cluster = world.clusters["sip-east"]
    cluster.split({TWO: 1})
    world.advance(13.0)
    cluster.split({TWO: 2})
    world.advance(15.0)
    assert picture(nlb)[ONE] == ("converging", (1,), False)


def test_a_short_silence_is_not_noticed() -> None:
    """Heartbeats that come back before the limit change nothing."""
    world, nlb = world_of()
    world.clusters["sip-east"].split({TWO: 1})
    world.advance(14.0)
    world.clusters["sip-east"].split({TWO: 0})
    world.advance(40.0)
    assert picture(nlb)[ONE] == ("converged", (1, 2), True)
    assert nlb.nodes[ONE].convergences == 1


def test_a_node_that_is_converging_when_it_stops_does_not_converge_later() -> None:
    """Stopping ends a convergence."""
    world, nlb = world_of()
    world.clusters["sip-east"].split({TWO: 1})
    world.advance(16.0)
    assert nlb.stop(TWO) is Result.OK
    world.advance(30.0)
    assert picture(nlb)[TWO] == ("stopped", (), False)


@pytest.mark.parametrize(
    ("change", "what", "number"),
    [
        ("rules", f"NLB rules differ from those of {TWO}", 21),
        ("id", f"NLB host priority 1 is that of {TWO} too", 17),
    ],
)
def test_nodes_that_contradict_each_other_never_converge(change, what, number) -> None:
    """Documented: different rules or equal priorities keep a cluster converging."""
    world, nlb = world_of()
    if change == "rules":
        nlb.nodes[TWO].rules[0].rule = replace(nlb.nodes[TWO].rules[0].rule, end=5070)
    else:
        nlb.nodes[TWO].host_id = 1
    nlb.converge(ONE)
    world.advance(20.0)
    assert nlb.nodes[ONE].run is NodeRun.CONVERGING
    assert (what, number) in [(e.what, e.number) for e in world.events_of("sip-east")]


@pytest.mark.parametrize(
    ("reenabled", "expected"),
    [
        (True, PortState.ENABLED),
        (False, PortState.DISABLED),
    ],
)
def test_a_restarted_node_may_handle_all_rules_again(reenabled, expected) -> None:
    """A start enables every rule if the switch says so, else leaves them."""
    world, nlb = world_of(replace(quick(), rules_reenabled_after_restart=reenabled))
    assert nlb.stop(TWO) is Result.OK
    world.advance(12.0)
    assert picture(nlb)[ONE] == ("converging", (1,), False)
    assert nlb.start(TWO) is Result.OK
    assert nlb.nodes[TWO].run is NodeRun.CONVERGING
    world.advance(20.0)
    assert picture(nlb) == {ONE: ("converged", (1, 2), True), TWO: ("converged", (1, 2), False)}
    assert state(nlb, TWO) is expected


@pytest.mark.parametrize(
    ("verb", "vip", "port", "expected", "number"),
    [
        (PortVerb.ENABLE, None, 5060, Result.ALREADY, None),
        (PortVerb.DISABLE, None, 5061, Result.OK, 24),
        (PortVerb.DRAIN, None, 5060, Result.OK, 39),
        (PortVerb.DISABLE, None, None, Result.OK, 43),
        (PortVerb.ENABLE, None, 5062, Result.NOT_FOUND, 25),
        (PortVerb.DISABLE, "10.0.0.100", 5060, Result.NOT_FOUND, 25),
    ],
)
def test_a_port_operation_answers_as_documented(verb, vip, port, expected, number) -> None:
    """Each operation on an enabled rule has its documented result and event."""
    world, nlb = world_of()
    assert nlb.operate(ONE, verb, vip, port) is expected
    assert [e.number for e in world.events_of("sip-east")] == ([number] if number else [])


def test_draining_without_connections_ends_at_once() -> None:
    """NLB tracks no UDP streams, so a drained SIP rule is disabled."""
    _, nlb = world_of()
    nlb.operate(ONE, PortVerb.DRAIN, None, 5060)
    assert state(nlb, ONE) is PortState.DISABLED
    assert nlb.operate(ONE, PortVerb.DRAIN, None, 5060) is Result.ALREADY


def test_draining_lasts_as_long_as_connections_do() -> None:
    """A rule with TCP connections drains, then is disabled; an enable reverts it."""
    world, nlb = world_of()
    nlb.nodes[ONE].rules[0].connections = 4
    nlb.operate(ONE, PortVerb.DRAIN, None, 5060)
    assert state(nlb, ONE) is PortState.DRAINING
    world.advance(39.9)
    assert state(nlb, ONE) is PortState.DRAINING
    world.advance(40.0)
    assert state(nlb, ONE) is PortState.DISABLED
    nlb.nodes[ONE].rules[0].state = PortState.ENABLED
    nlb.nodes[ONE].rules[0].connections = 5
    nlb.operate(ONE, PortVerb.DRAIN, None, 5060)
    nlb.operate(ONE, PortVerb.ENABLE, None, 5060)
    world.advance(90.0)
    assert state(nlb, ONE) is PortState.ENABLED


@pytest.mark.parametrize(
    ("command", "expected"),
    [("stop", Result.STOPPED), ("suspend", Result.SUSPENDED), ("drainstop", Result.DRAINING)],
)
def test_a_node_out_of_service_refuses_port_operations(command, expected) -> None:
    """A stopped, suspended or draining node answers so and changes nothing."""
    _, nlb = world_of()
    getattr(nlb, command)(TWO)
    assert nlb.operate(TWO, PortVerb.ENABLE, None, 5060) is expected
    assert state(nlb, TWO) is PortState.DISABLED


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["start"], [Result.ALREADY]),
        (
            ["stop", "stop", "start", "start"],
            [Result.OK, Result.ALREADY, Result.OK, Result.ALREADY],
        ),
        (
            ["suspend", "suspend", "start", "stop", "drainstop", "resume", "resume", "start"],
            [
                Result.OK,
                Result.ALREADY,
                Result.SUSPENDED,
                Result.SUSPENDED,
                Result.SUSPENDED,
                Result.OK,
                Result.ALREADY,
                Result.OK,
            ],
        ),
        (["drainstop", "drainstop", "start"], [Result.OK, Result.ALREADY, Result.DRAIN_STOP]),
        (["drainstop", "stop", "drainstop"], [Result.OK, Result.DRAIN_STOP, Result.STOPPED]),
    ],
)
def test_operations_on_a_node_answer_as_documented(steps, expected) -> None:
    """Start, stop, drainstop, suspend and resume give the documented results."""
    _, nlb = world_of()
    assert [getattr(nlb, step)(TWO) for step in steps] == expected


def test_drainstop_ends_stopped() -> None:
    """After draining a node leaves the cluster."""
    world, nlb = world_of()
    nlb.drainstop(TWO)
    nlb.converge(TWO)
    assert nlb.nodes[TWO].run is NodeRun.DRAINING
    world.advance(45.0)
    assert picture(nlb) == {ONE: ("converged", (1,), True), TWO: ("stopped", (), False)}


def test_an_interrupted_drainstop_does_not_stop_later() -> None:
    """A start during draining keeps the node in the cluster."""
    world, nlb = world_of()
    nlb.drainstop(TWO)
    nlb.start(TWO)
    world.advance(60.0)
    assert nlb.nodes[TWO].run is NodeRun.CONVERGED


def test_a_pulled_cable_is_seen_at_once_and_mended() -> None:
    """The driver knows that its link is gone; its peer learns by missing heartbeats."""
    world, nlb = world_of()
    nlb.set_cable(TWO, plugged=False)
    nlb.set_cable(TWO, plugged=False)
    assert picture(nlb)[TWO] == ("disconnected", (), False)
    world.advance(14.9)
    assert nlb.member_ids(ONE) == (1, 2)
    world.advance(20.0)
    assert nlb.member_ids(ONE) == (1,)
    nlb.set_cable(TWO, plugged=True)
    nlb.set_cable(TWO, plugged=True)
    world.advance(30.0)
    assert picture(nlb) == {ONE: ("converged", (1, 2), True), TWO: ("converged", (1, 2), False)}


def test_counters_start_anew_when_a_rule_is_handled_again() -> None:
    """Packets are counted from the enable on."""
    node = NlbNode("h", 3, [RuleRun(usual_rule(PortRule("all", 80, 81, "tcp")))])
    run = node.rules[0]
    run.accepted, run.dropped = 7, 8
    node.operate(PortVerb.DISABLE, None, 80)
    assert (run.accepted, run.is_handled) == (7, False)
    node.operate(PortVerb.ENABLE, None, 81)
    assert (run.accepted, run.dropped, run.is_handled) == (0, 0, True)


def test_a_rule_that_names_the_virtual_ip_goes_before_one_for_all() -> None:
    """A datagram falls under the most particular rule."""
    general, special = PortRule("all", 5060, 5090, "both"), PortRule("10.0.0.7", 5060, 5060, "udp")
    node = NlbNode("h", 3, run_rules([usual_rule(general), usual_rule(special)]))
    found = [node.find(vip, port) for vip, port in (("10.0.0.7", 5060), ("10.0.0.7", 5061))]
    assert [run.rule.rule if run else None for run in found] == [special, general]
    assert node.find("10.0.0.7", 443) is None
    assert [run.rule.rule for run in node.named("10.0.0.7", None)] == [special]
    assert [run.rule.rule for run in node.named(None, None)] == [general, special]


def test_three_nodes_lose_one_together() -> None:
    """Both remaining hosts of three converge without the third."""
    description = usual_cluster(0)
    third = HostDescription("sip-east-3", 3, "10.1.0.13", "SIP_Server_east_3")
    world = World(
        SiteDescription((replace(description, hosts=(*description.hosts, third)),), quick())
    )
    nlb = world.clusters["sip-east"].nlb
    world.clusters["sip-east"].disconnect(ONE)
    world.advance(9.0)
    assert picture(nlb) == {
        ONE: ("converged", (1,), True),
        TWO: ("converged", (2, 3), True),
        "sip-east-3": ("converged", (2, 3), False),
    }
