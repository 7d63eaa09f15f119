"""Checks of the hosts of a cluster together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import HostView, NodeState, PortState, Problem, Reading, Reason, SipMode
from cluster.neighbour_table import Neighbour
from cluster.sip.options import SipAnswer
from exporter import checks_cluster as checks
from tests.unit import check_samples as check
from tests.unit import exporter_samples as samples

ONE, TWO = check.healthy().hosts
UNKNOWN = samples.sip(SipMode.UNKNOWN, problem=Problem(Reason.TIMEOUT, ""))
DEAD = check.failed(replace(TWO, sip=(UNKNOWN,)), Problem(Reason.TIMEOUT, ""))


def mode(host: HostView, mode: SipMode) -> HostView:
    """Return the host in another mode."""
    return replace(host, sip=(samples.sip(mode),))


def ports(first: PortState, second: PortState) -> tuple[HostView, HostView]:
    """Return the pair, porto-1 primary, with those port states."""
    rule = samples.cluster().rules[0]
    states = zip((ONE, TWO), (first, second), strict=True)
    one, two = (replace(host, ports=((rule, samples.port(state)),)) for host, state in states)
    return one, two


def test_one_primary_is_right() -> None:
    """The other host is backup."""
    assert check.said(checks.one_primary(check.of_cluster())) == [
        "✓ porto-1 is primary, every other host backup"
    ]


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        (
            (ONE, mode(TWO, SipMode.PRIMARY)),
            "✗ porto-1 and porto-2 are primary → normal for a second in a switchover: check again; if it stays, see "
            "to the Management Layer: nothing is switched until one is primary",
        ),
        (
            (mode(ONE, SipMode.BACKUP), TWO),
            "✗ every SIP Server is backup → make one primary with the Management Layer: nothing is switched until then",
        ),
        (
            (mode(ONE, SipMode.BACKUP), DEAD),
            "? none seen, and the mode of porto-2 is not known → see to its mode sources",
        ),
        (
            (ONE, DEAD),
            "? porto-1 is; the mode of porto-2 is not known → see to its mode sources",
        ),
    ],
)
def test_anything_else_than_one_primary_is_told(hosts: tuple[HostView, ...], found: str) -> None:
    """Two, none, and not to be told."""
    assert check.said(checks.one_primary(check.of_cluster(*hosts))) == [found]


MEND = "sipnlb-remediator with policy.level enforce puts it right; by hand: 'nlb enable 5070' on porto-1, then 'nlb disable 5070' on the others"


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ((PortState.ENABLED, PortState.DISABLED), "✓ 5070: enabled on porto-1, the primary, alone"),
        (
            (PortState.ENABLED, PortState.ENABLED),
            f"✗ 5070: enabled on porto-1 and porto-2; the primary is porto-1 → {MEND}",
        ),
        (
            (PortState.DRAINING, PortState.NOT_FOUND),
            f"✗ 5070: enabled on no host; the primary is porto-1 → {MEND}",
        ),
        (
            (PortState.ENABLED, PortState.UNKNOWN),
            "? 5070: the state on porto-2 is not known → see what is said of that host",
        ),
    ],
)
def test_the_port_follows_the_mode(states: tuple[PortState, PortState], found: str) -> None:
    """The primary takes the traffic, alone."""
    assert check.said(checks.port_follows(check.of_cluster(*ports(*states)))) == [found]


def test_without_one_primary_no_port_is_right_or_wrong() -> None:
    """There is nobody to follow."""
    two = check.of_cluster(ONE, mode(TWO, SipMode.PRIMARY))
    assert check.said(checks.port_follows(two)) == [
        "? 5070: enabled on porto-1, and no one primary → see 'one primary'"
    ]


def test_rules_that_are_alike_are_counted() -> None:
    """Load and handling priority may differ."""
    rules = ONE.params.value.rules
    assert rules is not None
    other = replace(
        TWO.params,
        value=replace(
            TWO.params.value, rules=tuple(replace(rule, load=30) for rule in rules[::-1])
        ),
    )
    of = check.of_cluster(ONE, replace(TWO, params=other))
    assert check.said(checks.rules_alike(of)) == ["✓ 2 rules, the same on every host"]
    single = replace(ONE.params, value=replace(ONE.params.value, rules=rules[:1]))
    of = check.of_cluster(replace(ONE, params=single), replace(TWO, params=single))
    assert check.said(checks.rules_alike(of)) == ["✓ 1 rule, the same on every host"]


def test_rules_that_differ_are_named_on_both_hosts() -> None:
    """Hosts with different rules never converge."""
    rules = ONE.params.value.rules
    assert rules is not None
    fewer = replace(
        TWO.params, value=replace(TWO.params.value, rules=(replace(rules[0], affinity="none"),))
    )
    of = check.of_cluster(ONE, replace(TWO, params=fewer))
    mend = "make them the same in NLB Manager: hosts with different rules never converge"
    assert check.said(checks.rules_alike(of)) == [
        "✗ porto-1 alone has all 5070-5071 udp multiple single, all 80-443 tcp multiple single; porto-2 alone has "
        f"all 5070-5071 udp multiple none → {mend}"
    ]
    none = replace(TWO.params, value=replace(TWO.params.value, rules=()))
    assert (
        "; porto-2 alone has nothing"
        in check.said(checks.rules_alike(check.of_cluster(ONE, replace(TWO, params=none))))[0]
    )


def test_rules_that_are_not_read_cannot_be_compared() -> None:
    """The host that is missing is named."""
    assert check.said(checks.rules_alike(check.of_cluster(ONE, DEAD))) == [
        "? the rules of porto-2 are not read → see what is said of that host"
    ]


def test_host_ids_are_those_of_the_configuration() -> None:
    """By parameters, or by the node's state where those are not read."""
    assert check.said(checks.host_ids(check.of_cluster())) == ["✓ 3, 7, as configured"]
    without = replace(TWO, params=DEAD.params)
    assert check.said(checks.host_ids(check.of_cluster(ONE, without))) == ["✓ 3, 7, as configured"]


def test_two_hosts_with_one_id_are_told() -> None:
    """They never converge."""
    same = replace(TWO.params, value=replace(TWO.params.value, host_id=3))
    assert check.said(checks.host_ids(check.of_cluster(ONE, replace(TWO, params=same)))) == [
        "✗ porto-1 reports 3, porto-2 reports 3 → put host_id right; if two hosts report one id, give one another "
        "host priority in NLB Manager: they never converge as it is"
    ]


def test_a_host_id_that_is_not_read_is_unknown() -> None:
    """Nothing is compared."""
    assert check.said(checks.host_ids(check.of_cluster(ONE, DEAD))) == [
        "? the host id of porto-2 is not read → see what is said of that host"
    ]


def default(host: HostView, is_default: bool | None) -> HostView:
    """Return the host as default host or not, None where it does not say."""
    return replace(
        host, node=replace(host.node, value=replace(host.node.value, is_default=is_default))
    )


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        ((ONE, TWO), "✓ one default host, porto-1"),
        (
            (ONE, default(TWO, True)),
            "✗ porto-1 and porto-2 are both default host: the cluster is split → the nodes do not hear each other's "
            "heartbeats: look at switch, VLAN and adapters",
        ),
        (
            (ONE, default(TWO, None)),
            "? porto-2 does not say whether it is the default host → check again once converged",
        ),
        ((ONE, DEAD), "? the node of porto-2 is not known → see what is said of that host"),
        (
            (default(ONE, False), TWO),
            "? no node says that it is the default host → check again once converged",
        ),
    ],
)
def test_a_cluster_that_is_not_split_has_one_default_host(
    hosts: tuple[HostView, ...], found: str
) -> None:
    """One, two, not to be told, none."""
    assert check.said(checks.not_split(check.of_cluster(*hosts))) == [found]
    assert all(host.node_state in {NodeState.CONVERGED, NodeState.UNKNOWN} for host in hosts)


STATIC = (
    "make a static entry (Linux: ip neigh replace 10.7.0.100 lladdr 03:bf:0a:07:00:64 dev INTERFACE nud permanent; "
    "Windows: netsh interface ipv4 add neighbors INTERFACE 10.7.0.100 03-bf-0a-07-00-64)"
)


@pytest.mark.parametrize(
    ("neighbour", "found"),
    [
        (Neighbour(check.MAC, True), [f"✓ 10.7.0.100 is {check.MAC} here, static"]),
        (Neighbour(check.MAC, False), [f"✓ 10.7.0.100 is {check.MAC} here, learned"]),
        (Neighbour(check.MAC), [f"✓ 10.7.0.100 is {check.MAC} here"]),
        (
            Neighbour("00-15-5d-01-02-03", False),
            [
                f"✗ 10.7.0.100 is 00-15-5d-01-02-03 here, the cluster's is {check.MAC} → does another machine have "
                f"the address? If not, {STATIC}"
            ],
        ),
        (
            Neighbour(gateway="10.9.0.254", is_own=False),
            [
                "! 10.7.0.100 is behind the router 10.9.0.254 → that router may need a static entry 10.7.0.100 → "
                f"{check.MAC}: many do not learn a multicast address; this machine needs nothing"
            ],
        ),
        (
            Neighbour(is_own=False),
            [
                f"? no entry for 10.7.0.100 on this machine → ping it and check again; if there is still none, {STATIC}"
            ],
        ),
        (Neighbour(is_own=True), []),
        (
            None,
            [
                "? the neighbour table of this machine could not be read → see with 'ip neigh' or 'arp -a' whether it "
                f"maps 10.7.0.100 to {check.MAC}"
            ],
        ),
    ],
)
def test_this_machine_maps_the_virtual_ip_to_the_cluster_mac(
    neighbour: Neighbour | None, found: list[str]
) -> None:
    """A multicast address is not learned by everybody; the remedy stands in the line."""
    assert check.said(checks.neighbour_entry(check.of_cluster(neighbour=neighbour))) == found


@pytest.mark.parametrize(
    "change",
    [
        ("operation_mode: multicast", "operation_mode: unicast"),
        ("virtual_ip: 10.7.0.100", "virtual_ip: 'fd00::100'"),
        ("    virtual_ip", "    simulated: true\n    virtual_ip"),
    ],
    ids=["unicast", "ipv6", "simulated"],
)
def test_the_entry_is_of_real_multicast_clusters(change: tuple[str, str]) -> None:
    """In unicast mode the address is learned as any other."""
    of = check.of_cluster(neighbour=Neighbour(), config=check.config(change))
    assert check.said(checks.neighbour_entry(of)) == []


def test_where_the_rule_is_assumed_the_reported_mac_counts() -> None:
    """The hosts say 01-00-5e-7f-07-64, the rule would give another."""
    config = check.config(("operation_mode: multicast", "operation_mode: igmp_multicast"))
    mac = "01-00-5e-7f-07-64"
    told = replace(ONE.params, value=replace(ONE.params.value, mac=mac))
    hosts = replace(ONE, params=told), replace(TWO, params=told)
    of = check.of_cluster(*hosts, neighbour=Neighbour(mac), config=config)
    assert check.said(checks.neighbour_entry(of)) == [f"✓ 10.7.0.100 is {mac} here"]


PROBED = ("virtual_ip: 10.7.0.100", "virtual_ip: 10.7.0.100\n    service_probe: {}")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ((), []),
        (
            (PROBED, *check.PEER),
            [
                "✗ porto-2 is this machine: a node that asks the virtual IP answers itself → leave service_probe out "
                "here, and have it asked by an exporter outside the cluster"
            ],
        ),
        ((PROBED, ("runner: {type: local}", check.SSH), ("runner: {type: local}", check.SSH)), []),
    ],
    ids=["no probe", "on a node", "from outside"],
)
def test_the_service_is_asked_from_outside_the_cluster(
    changes: tuple[tuple[str, str], ...], found: list[str]
) -> None:
    """What a node hears of the virtual IP says nothing of what callers hear."""
    of = check.of_cluster(config=check.config(*changes))
    assert check.said(checks.probed_from_outside(of)) == found


@pytest.mark.parametrize(
    ("answer", "problem", "found"),
    [
        (SipAnswer(200, "OK"), None, "✓ OPTIONS sip:x: 200 OK within 0.00 s"),
        (SipAnswer(), Problem(Reason.TIMEOUT, ""), "no answer: no answer within the deadline"),
        (SipAnswer(), Problem(Reason.UNREACHABLE, "refused"), "no answer: refused"),
        (SipAnswer(503, "Busy"), None, "503 Busy"),
    ],
)
def test_the_virtual_ip_is_asked_where_it_has_a_probe(
    answer: SipAnswer, problem: Problem | None, found: str
) -> None:
    """A dead service is no healthy cluster, whatever the ports say."""
    of = check.of_cluster()
    at = of.view.hosts[0].node.asked
    reading = Reading(answer, "options", at, at, problem=problem, command="OPTIONS sip:x")
    advice = (
        "callers have no service if nobody answers them either: is the primary's port enabled, "
        "and are transport, address and port of service_probe those that callers use?"
    )
    wanted = found if found.startswith("✓") else f"✗ OPTIONS sip:x: {found} → {advice}"

    assert check.said(checks.virtual_ip_answers(replace(of, answer=reading))) == [wanted]
    assert check.said(checks.virtual_ip_answers(of)) == []
