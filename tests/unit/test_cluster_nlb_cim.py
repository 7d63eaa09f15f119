"""The JSON of Get-SipNlb.ps1: documented numbers become states, anything else has a problem."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.model import (
    NlbParams,
    NodeState,
    NodeStatus,
    PortRule,
    PortState,
    PortStatus,
    Problem,
    Reason,
    ReportedRule,
)
from cluster.nlb.cim import CimCluster, parse_state

DATA = Path(__file__).parents[1] / "data" / "cim"
HEALTHY = (DATA / "state_healthy.json").read_bytes()
TWO = (DATA / "state_two_clusters.json").read_bytes()
SIP = PortRule("all", 5070, 5071, "udp")
RULES = (
    ReportedRule("all", 5070, 5071, "udp", "multiple", None, None, "single", load_is_equal=True),
    ReportedRule("10.7.0.100", 80, 443, "tcp", "single", 4, None, ""),
    ReportedRule("all", 7000, 7100, "both", "multiple", None, 30, "none"),
)


def changed(change: Callable[[dict[str, Any]], object], raw: bytes = HEALTHY) -> bytes:
    """Return a read-out with something in it changed."""
    document = json.loads(raw)
    change(document)
    return json.dumps(document).encode()


def only(raw: bytes) -> CimCluster:
    """Return the only cluster of a read-out."""
    parsed = parse_state(raw)
    assert parsed.failure is None
    (block,) = parsed.blocks
    assert parsed.problems == block.problems
    return block


def test_a_sound_read_out_is_read_whole() -> None:
    """Node, parameters and rules of the host itself; the remote node is none of them."""
    block = only(HEALTHY)
    assert block.node == NodeStatus(NodeState.CONVERGED, "10.7.0.100", 3, False, clusters=1)
    assert block.params == NlbParams(
        cluster_ip="10.7.0.100",
        host_id=3,
        operation_mode="multicast",
        mac="03-bf-0a-07-00-64",
        remote_control=False,
        heartbeat_period_ms=1100,
        heartbeat_tolerance=6,
        rules=RULES,
        clusters=1,
        host_name="PORTO-1.example.test",
        dedicated_ip="10.7.0.11",
        local_time="2024-05-20T08:15:02",
    )
    assert block.problems == ()


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        (SIP, PortState.ENABLED),
        (PortRule("10.7.0.100", 80, 443, "tcp"), PortState.DISABLED),
        (PortRule("all", 7050, 7051, "both"), PortState.DRAINING),
        (PortRule("10.7.0.100", 5070, 5071, "udp"), PortState.NOT_FOUND),
        (PortRule("all", 5072, 5073, "udp"), PortState.NOT_FOUND),
    ],
)
def test_the_rule_that_holds_the_port_tells_its_state(rule: PortRule, state: PortState) -> None:
    """A wider rule counts as with queryport; without one the port is not found. No counters."""
    assert only(HEALTHY).port(rule) == PortStatus(state, None, None)


@pytest.mark.parametrize(
    ("code", "state", "is_default"),
    [
        (1005, NodeState.STOPPED, None),
        (1006, NodeState.CONVERGING, None),
        (1007, NodeState.CONVERGED, False),
        (1008, NodeState.CONVERGED, True),
        (1009, NodeState.DRAINING, None),
        (1013, NodeState.SUSPENDED, None),
        (1014, NodeState.DISCONNECTED, None),
    ],
)
def test_each_documented_status_is_a_state(
    code: int, state: NodeState, is_default: bool | None
) -> None:
    """StatusCode tells the state, and of a converged node whether it is the default host."""
    block = only(changed(lambda document: document["nodes"][0].update(StatusCode=code)))
    assert (block.node.state, block.node.is_default, block.problems) == (state, is_default, ())


@pytest.mark.parametrize(
    ("code", "said"), [(1010, "1010"), (None, "None"), ("1008", "1008"), (True, "True")]
)
def test_a_status_of_no_document_is_unknown(code: object, said: str) -> None:
    """A number nobody knows, a text or nothing at all is never taken for a state."""
    block = only(changed(lambda document: document["nodes"][0].update(StatusCode=code)))
    assert block.node == NodeStatus(NodeState.UNKNOWN, "10.7.0.100", 3, None, clusters=1)
    assert block.problems == (f"cluster 10.7.0.100: StatusCode {said} is not documented",)


@pytest.mark.parametrize(("number", "state"), [(0, PortState.NOT_FOUND), (1, PortState.ENABLED)])
def test_port_state_zero_is_not_found(number: int, state: PortState) -> None:
    """0 says that the driver does not have the rule, and 1 that it is enabled."""
    block = only(changed(lambda document: document["port_rules"][0].update(PortState=number)))
    assert (block.port(SIP).state, block.problems) == (state, ())


def test_a_port_state_of_no_document_is_unknown() -> None:
    """The rule itself is known all the same, so that it can be shown."""
    block = only(changed(lambda document: document["port_rules"][0].update(PortState=4)))
    assert (block.port(SIP), block.params.rules) == (PortStatus(), RULES)
    words = "cluster 10.7.0.100: rule all 5070-5071 udp: PortState 4 is not documented"
    assert block.problems == (words,)


def test_rules_that_contradict_each_other_are_unknown() -> None:
    """Where several rules hold the port and none is the configured one, only agreement counts."""

    def contradict(document: dict[str, Any]) -> None:
        wide = document["port_rules"][0]
        document["port_rules"] = [
            wide | {"EndPort": 5080},
            wide | {"StartPort": 5069, "PortState": 2},
        ]

    assert only(changed(contradict)).port(SIP) == PortStatus()
    exact = PortRule("all", 5070, 5080, "udp")
    assert only(changed(contradict)).port(exact).state is PortState.ENABLED


@pytest.mark.parametrize(
    "wrong",
    [
        {"VirtualIpAddress": "any"},
        {"StartPort": 70000, "EndPort": 70001},
        {"StartPort": 5072},
        {"EndPort": None},
        {"Protocol": 4},
        {"FilteringMode": 0},
    ],
)
def test_one_rule_that_cannot_be_read_leaves_none(wrong: dict[str, Any]) -> None:
    """A lost rule could hide that a command switches more than it should."""
    block = only(changed(lambda document: document["port_rules"][0].update(wrong)))
    assert (block.rules, block.params.rules, block.port(SIP)) == (None, None, PortStatus())
    assert block.problems[0].startswith("cluster 10.7.0.100: not a port rule: {'AdapterGuid': '{7C")


def test_affinity_and_load_of_no_document_are_not_printed() -> None:
    """They do not say which rule it is, so the rule stays readable."""
    block = only(
        changed(lambda document: document["port_rules"][2].update(Affinity=9, LoadWeight="x"))
    )
    assert block.params.rules == (*RULES[:2], replace(RULES[2], affinity="", load=None))


@pytest.mark.parametrize(
    ("multicast", "igmp", "mode"),
    [
        (False, False, "unicast"),
        (True, False, "multicast"),
        (True, True, "igmp_multicast"),
        (None, True, None),
    ],
)
def test_the_operation_mode(multicast: object, igmp: bool, mode: str | None) -> None:
    """Two switches tell it; without the first it is unknown."""
    settings = {"MulticastSupportEnabled": multicast, "IGMPSupport": igmp}
    block = only(changed(lambda document: document["cluster_settings"][0].update(settings)))
    assert block.params.operation_mode == mode


def test_each_node_of_the_host_is_a_cluster_of_its_own() -> None:
    """What carries the adapter of a node belongs to it; the number of clusters is told."""
    parsed = parse_state(TWO)
    web, sip = parsed.blocks
    assert (web.cluster_ip, web.node.state, web.node.host_id) == (
        "10.8.0.200",
        NodeState.CONVERGING,
        9,
    )
    assert (web.params.mac, web.params.operation_mode, web.params.remote_control) == (
        "02-bf-0a-08-00-c8",
        "unicast",
        True,
    )
    assert (web.params.heartbeat_period_ms, web.params.heartbeat_tolerance) == (900, 8)
    assert (sip.cluster_ip, sip.node.is_default, sip.port(SIP).state) == (
        "10.7.0.100",
        True,
        PortState.DISABLED,
    )
    assert web.port(SIP).state is PortState.ENABLED
    assert {block.node.clusters for block in parsed.blocks} == {2}
    assert {block.params.clusters for block in parsed.blocks} == {2}


def test_a_single_node_whose_adapter_is_not_told_has_what_there_is() -> None:
    """Windows may not tie a node to its settings; with one cluster there is no doubt."""
    block = only(changed(lambda document: document["nodes"][0].update(AdapterGuid=None)))
    assert block == only(HEALTHY)


def test_one_of_two_nodes_whose_adapter_is_not_told_is_unknown() -> None:
    """With two clusters nothing says which settings and rules are whose."""
    parsed = parse_state(changed(lambda document: document["nodes"][1].update(AdapterGuid=""), TWO))
    untied = parsed.blocks[1]
    assert (untied.cluster_ip, untied.rules, untied.node.host_id) == (None, None, 3)
    assert untied.problems == (
        "ClusterIPAddress is missing or unreadable",
        "MulticastSupportEnabled is missing or unreadable",
        "ClusterMACAddress is missing or unreadable",
        "RemoteControlEnabled is missing or unreadable",
        "AliveMessagePeriod is missing or unreadable",
        "AliveMessageTolerance is missing or unreadable",
        "no port rules are told of it",
    )


def test_a_rule_without_an_adapter_leaves_none() -> None:
    """It might be of this cluster."""
    block = only(changed(lambda document: document["port_rules"][2].pop("AdapterGuid")))
    assert (block.rules, block.problems) == (
        None,
        ("cluster 10.7.0.100: no port rules are told of it",),
    )


def test_one_instance_may_stand_without_its_list() -> None:
    """PowerShell writes lists of one as the one."""

    def unwrap(document: dict[str, Any]) -> None:
        document["nodes"] = document["nodes"][0]
        document["cluster_settings"] = document["cluster_settings"][0]

    assert only(changed(unwrap)) == only(HEALTHY)


@pytest.mark.parametrize("found", [[], None, ["text"], [{"StatusCode": 0}]])
def test_a_host_without_a_node_of_its_own_has_no_nlb(found: object) -> None:
    """Remote nodes are none of this host's; what they do is not told."""
    parsed = parse_state(changed(lambda document: document.update(nodes=found)))
    text = "no node of this host: NLB is on none of its adapters, or the account sees none"
    failure = Problem(Reason.NOT_INSTALLED_OR_DENIED, text)
    assert (parsed.blocks, parsed.failure, parsed.problems) == ((), failure, (str(failure),))


def test_a_script_that_failed_is_a_failure() -> None:
    """Then nothing else in the answer is read."""
    parsed = parse_state((DATA / "denied.json").read_bytes())
    failure = Problem(Reason.NOT_INSTALLED_OR_DENIED, "access denied: Zugriff verweigert")
    assert (parsed.blocks, parsed.failure) == ((), failure)
