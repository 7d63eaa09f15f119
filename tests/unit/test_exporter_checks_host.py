"""Checks of one NLB node and its driver."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cluster.model import NodeState, Problem, Reason
from exporter import checks_host as checks
from tests.unit import check_samples as check
from tests.unit import exporter_samples as samples

UNICAST = ("operation_mode: multicast", "operation_mode: unicast")
PARAMS = "see what nlb params prints"


def test_a_host_in_one_nlb_cluster_is_right() -> None:
    """The usual node."""
    assert check.told(checks.one_nlb_cluster) == ["✓ in 1"]


def test_a_rule_of_all_addresses_on_two_clusters_cannot_be_switched_with_nlb_exe() -> None:
    """The command would switch both."""
    assert check.told(checks.one_nlb_cluster, node={"clusters": 2}) == [
        "✗ the host is in 2 NLB clusters, and nlb.exe would switch 5070 in all of them → set nlb.backend to cim, "
        "which selects one, or give the rule an address of its own in NLB Manager and in port_rules: nothing is "
        "switched as it is"
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("vip: all", "vip: 10.7.0.100"),
        ("runner: {type: local}", "runner: {type: local}\n        nlb: {backend: cim}"),
    ],
)
def test_an_address_or_cim_selects_the_cluster(change: tuple[str, str]) -> None:
    """Two clusters on a host are no trouble then."""
    found = check.told(checks.one_nlb_cluster, node={"clusters": 2}, config=check.config(change))
    assert found == ["✓ in 2, and only one is switched"]


def test_a_number_of_clusters_that_is_not_told_is_unknown() -> None:
    """Either reading may tell it."""
    untold = {"clusters": 0}
    assert check.told(checks.one_nlb_cluster, node=untold, params=untold) == [
        "? the host does not tell in how many → see what nlb query prints"
    ]
    (line,) = check.told(checks.one_nlb_cluster, node=untold, params={"clusters": 2})
    assert line.startswith("✗ the host is in 2 NLB clusters")


def test_of_a_peer_nothing_is_said_of_commands() -> None:
    """It is commanded from its own node."""
    config = check.config(*check.PEER)
    assert check.told(checks.one_nlb_cluster, node={"clusters": 2}, config=config) == []


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (NodeState.CONVERGED, "✓ converged"),
        (
            NodeState.CONVERGING,
            "✗ the node is converging → wait ten seconds and check again; if it stays, rules or host ids differ "
            "between the hosts (events 17, 20, 21, 66, 67 of Microsoft-Windows-NLB)",
        ),
        (
            NodeState.STOPPED,
            "✗ the node is stopped → start the node when it may take traffic (nlb start): sipnlb never does",
        ),
        (
            NodeState.SUSPENDED,
            "✗ the node is suspended → resume and start the node (nlb resume, nlb start): sipnlb never does",
        ),
        (
            NodeState.DRAINING,
            "✗ the node is draining → it takes no new traffic; start the node again when it may (nlb start)",
        ),
        (
            NodeState.DISCONNECTED,
            "✗ the node is disconnected → look at the cable and the adapter of the cluster",
        ),
        (NodeState.UNKNOWN, "✗ the node is unknown → see what nlb query prints"),
    ],
)
def test_only_a_converged_node_is_right(state: NodeState, found: str) -> None:
    """Each other state has its remedy, and none is ours."""
    assert check.told(checks.converged, node={"state": state}) == [found]


MISSING = "is that host up and its node started? If it is, the heartbeats do not arrive: look at switch, VLAN and adapter of the cluster"
MORE = "add that host to clusters.yml, or remove it from the NLB cluster: it takes SIP traffic, and its port follows nothing"


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ((7, 3), ["✓ sees 3, 7"]),
        ((3,), [f"✗ sees 3, not 7 → {MISSING}"]),
        ((3, 7, 12, 9), [f"✗ sees 9, 12, which no host of clusters.yml has → {MORE}"]),
        (
            (3, 9),
            [
                f"✗ sees 3, 9, not 7 → {MISSING}",
                f"✗ sees 9, which no host of clusters.yml has → {MORE}",
            ],
        ),
        ((), ["? the node does not list its members → see what nlb query prints"]),
        (None, ["? the node does not list its members → see what nlb query prints"]),
    ],
)
def test_the_node_sees_exactly_the_configured_hosts(
    seen: tuple[int, ...] | None, found: list[str]
) -> None:
    """A host that is missing and one too many are two things."""
    assert check.told(checks.members, node={"members": seen}) == found


def test_the_back_end_that_tells_no_members_is_not_held_against_the_host() -> None:
    """Else the check of such a host could never end well."""
    host = check.healthy().hosts[0]
    silent = replace(host.node, source="cim node", value=replace(host.node.value, members=()))
    assert check.told(checks.members, view=replace(host, node=silent)) == [
        "! back end cim does not tell which hosts the node sees → see with 'nlb query' on the "
        "host that it sees 3, 7 and no other"
    ]


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("multicast", "✓ multicast"),
        (
            "unicast",
            "✗ unicast, configured is multicast → put operation_mode right, or the cluster in NLB Manager if the "
            "host is wrong",
        ),
        (None, f"? the host does not tell it → {PARAMS}"),
    ],
)
def test_the_operation_mode_is_the_configured_one(mode: str | None, found: str) -> None:
    """Right, wrong and not told."""
    assert check.told(checks.operation_mode, params={"operation_mode": mode}) == [found]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, [f"✓ {check.MAC}"]),
        ({"mac": "03:BF:0a:07:00:64"}, [f"✓ {check.MAC}"]),
        ({"mac": None}, [f"? the host does not tell it → {PARAMS}"]),
        (
            {"mac": "02-bf-0a-07-00-64"},
            [
                "✗ 02-bf-0a-07-00-64; 10.7.0.100 gives 03-bf-0a-07-00-64 → is cluster_ip the NLB primary IP? If it "
                "is, somebody set the address by hand: make sure that all hosts, switches and static entries have "
                "the same"
            ],
        ),
        (
            {"operation_mode": "igmp_multicast", "mac": "01-00-5e-7f-07-64"},
            [
                "? 01-00-5e-7f-07-64; 01-00-5e-7f-00-64 was expected, by a rule that is not documented → compare "
                "with 'nlb ip2mac' on the host, and use what the host says in switches"
            ],
        ),
        ({"operation_mode": None}, [f"✓ {check.MAC}"]),
    ],
)
def test_the_cluster_mac_is_the_one_that_the_ip_gives(
    params: dict[str, Any], found: list[str]
) -> None:
    """Where the rule is only assumed a difference proves nothing."""
    assert check.told(checks.cluster_mac, params=params) == found


def test_of_an_ipv6_cluster_no_mac_is_expected() -> None:
    """Nothing is said."""
    config = check.config(("virtual_ip: 10.7.0.100", "virtual_ip: 'fd00::100'"))
    assert check.told(checks.cluster_mac, config=config) == []


@pytest.mark.parametrize(
    ("on", "found"),
    [
        (False, "✓ off"),
        (
            True,
            "✗ on: whoever reaches UDP 2504 and knows the password can switch ports → turn it off in NLB Manager on "
            "every host; sipnlb does not use it, old control scripts with 'cluster:host' arguments may",
        ),
        (None, f"? the host does not tell it → {PARAMS}"),
    ],
)
def test_remote_control_is_off(on: bool | None, found: str) -> None:
    """Right, wrong and not told."""
    assert check.told(checks.remote_control_off, params={"remote_control": on}) == [found]


def unicast(*changes: tuple[str, str], **params: Any) -> list[str]:
    """Check the second network of porto-1 in unicast mode; 10.7.0.11 is its configured address."""
    given = {"operation_mode": "unicast"} | params
    return check.told(checks.second_network, config=check.config(UNICAST, *changes), params=given)


def test_an_address_beside_the_nlb_adapter_is_right() -> None:
    """The dedicated address is another one."""
    assert unicast(dedicated_ip="10.9.0.11") == ["✓ address 10.7.0.11 is not on the NLB adapter"]


def test_an_address_on_the_nlb_adapter_must_be_seen_to() -> None:
    """It is read from outside; the pair itself may not."""
    assert unicast(dedicated_ip="10.7.0.11") == [
        "! address 10.7.0.11 is on the NLB adapter: other nodes cannot reach it → sipnlb needs no way between nodes "
        "there, but see that HA link, LCA and SCS use the second network card"
    ]


def test_a_dedicated_address_that_is_not_told_is_unknown() -> None:
    """It cannot be compared."""
    assert unicast() == [f"? the host does not tell its dedicated address → {PARAMS}"]


def test_in_multicast_mode_nodes_reach_each_other() -> None:
    """Nothing is said."""
    assert check.told(checks.second_network, params={"dedicated_ip": "10.7.0.11"}) == []


UNREACHED = "on the NLB adapter: in unicast mode no other node reaches it → give the host's address on its second network card"


def test_a_peer_is_not_reached_over_the_nlb_adapter() -> None:
    """porto-2 runs here and asks porto-1's exporter at 192.168.7.11."""
    found = unicast(*check.PEER, dedicated_ip="192.168.7.11")
    assert found[0] == f"✗ runner.url is 192.168.7.11, {UNREACHED}"


def test_a_peer_is_reached_over_the_second_network() -> None:
    """The same, where NLB has another adapter."""
    assert unicast(*check.PEER, dedicated_ip="10.9.0.11") == [
        "✓ address 10.7.0.11 is not on the NLB adapter"
    ]


def test_the_name_of_a_peer_cannot_be_compared() -> None:
    """An address can."""
    (old, new), *_ = check.PEER
    named = new.replace("192.168.7.11", "porto-1.example.test")
    assert unicast((old, named), dedicated_ip="10.9.0.11")[0] == (
        "? runner.url is by the name porto-1.example.test → write an address, so that it can be compared with the "
        "NLB adapter's"
    )


def test_on_a_node_the_other_is_commanded_and_read_over_the_second_network() -> None:
    """Address of the runner and page of the SIP Server; a program has no address."""
    ssh = ("runner: {type: local}", check.SSH)
    log = (
        'url: "http://10.7.0.11:8090/serverx", lag: 4s}]',
        'url: "http://10.7.0.11:8090/serverx"}, {type: exec, command: [/opt/modes]}]',
    )
    assert unicast(ssh, log, dedicated_ip="10.7.0.11")[:2] == [
        f"✗ address is 10.7.0.11, {UNREACHED}",
        f"✗ url is 10.7.0.11, {UNREACHED}",
    ]


def test_an_ssh_server_may_listen_on_the_second_network() -> None:
    """Its own address counts, not the host's."""
    ssh = check.SSH.replace("type: ssh", "type: ssh, address: 192.168.7.11")
    found = unicast(("runner: {type: local}", ssh), dedicated_ip="192.168.7.11")
    assert found[0] == f"✗ runner.address is 192.168.7.11, {UNREACHED}"


def test_from_outside_no_node_needs_another() -> None:
    """With ssh to both, members do not talk to each other."""
    both = (("runner: {type: local}", check.SSH), ("runner: {type: local}", check.SSH))
    assert [line[0] for line in unicast(*both, dedicated_ip="10.7.0.11")] == ["!"]


OFF = "let both follow one time server: times in records cannot be compared as it is"
AGREES = "✓ agrees with this machine's, whatever its time zone"


@pytest.mark.parametrize(
    ("local_time", "found"),
    [
        ("5/20/2024 8:14:42 AM", AGREES),
        ("20.05.2024 01:44:45", AGREES),
        ("5/20/2024 9:14:38 AM", AGREES),
        ("5/20/2024 8:16:42 AM", f"✗ at least 120 s from this machine's → {OFF}"),
        ("5/20/2024 8:14:32 AM", f"✗ at least 10 s from this machine's → {OFF}"),
    ],
)
def test_a_clock_is_compared_by_what_no_time_zone_explains(local_time: str, found: str) -> None:
    """The reading was asked at 8:14:42 UTC and took 0.6 s; zones are quarters of an hour."""
    assert check.told(checks.clock, params={"local_time": local_time}) == [found]


@pytest.mark.parametrize("local_time", [None, "", "heute um acht"])
def test_a_clock_that_is_not_told_must_be_seen_to(local_time: str | None) -> None:
    """Nothing is claimed of it."""
    assert check.told(checks.clock, params={"local_time": local_time}) == [
        "! the host does not tell its time → compare its clock with this machine's: both should follow one time server"
    ]


def test_a_slow_answer_widens_what_is_allowed() -> None:
    """The host may have read its clock at any moment of the reading."""
    view = samples.primary()
    slow = replace(view.params, answered=view.params.asked.plus(20.0))
    when = (slow.asked.utc + timedelta(seconds=19)).strftime("%I:%M:%S")
    view = replace(view, params=slow)
    assert check.told(checks.clock, view=view, params={"local_time": when}) == [AGREES]


def test_readings_come_within_a_look() -> None:
    """The slowest of all counts: without the parameters no look knows the rules, and none acts."""
    assert check.told(checks.speed) == ["✓ slowest reading 0.62 s"]


def test_a_reading_slower_than_a_look_is_never_known() -> None:
    """A look gives up after look_timeout."""
    view = samples.primary()
    view = replace(view, node=replace(view.node, answered=view.node.asked.plus(1.75)))
    assert check.told(checks.speed, view=view) == [
        "? slowest reading 1.75 s; a look waits 1.50 s → check again, as a first connection takes longer; if it "
        "stays, lengthen remediator.look_timeout and max_age, else nothing is ever known in a look"
    ]


def test_without_an_answer_nothing_is_said_of_speed() -> None:
    """A failure took as long as it took."""
    problem = Problem(Reason.TIMEOUT, "")
    view = check.failed(samples.primary(), problem)
    view = replace(view, sip=tuple(replace(reading, problem=problem) for reading in view.sip))
    assert check.told(checks.speed, view=view) == []
