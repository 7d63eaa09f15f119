"""What a simulated site consists of: clusters, hosts, rules, addresses. Pure and frozen.

Says what there is, never how it is at a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cluster.model import ALL_VIPS, PortRule, ReportedRule
from simulator.knobs import Knobs

_REGIONS = ("east", "west", "north", "south")
SIP_RULE = PortRule(ALL_VIPS, 5060, 5061, "both")
MAX_CLUSTERS = 200


def usual_rule(rule: PortRule) -> ReportedRule:
    """Return a rule as hosts report it: multiple hosts, equal load, affinity none.

    Affinity none, so that client address *and* port decide who takes a datagram.
    """
    return ReportedRule(
        rule.vip, rule.start, rule.end, rule.protocol, "multiple", None, None, "none"
    )


@dataclass(frozen=True, slots=True)
class HostDescription:
    """One node. host_id: NLB host priority 1..32. address: its dedicated address."""

    name: str
    host_id: int
    address: str
    application: str


@dataclass(frozen=True, slots=True)
class NlbDescription:
    """One NLB cluster as its hosts have it. rules: as each host reports them.

    remote_control: whether the hosts report NLB remote control as on; it moves nothing here.
    """

    cluster_ip: str
    full_name: str
    rules: tuple[ReportedRule, ...]
    operation_mode: str = "unicast"
    remote_control: bool = False


@dataclass(frozen=True, slots=True)
class ClusterDescription:
    """A SIP Server pair behind an NLB cluster.

    configured: the port rules as clusters.yml names them; the hosts may report others.
    foreign: further NLB clusters on the same hosts, which have nothing to do with SIP.
    """

    name: str
    nlb: NlbDescription
    configured: tuple[PortRule, ...]
    hosts: tuple[HostDescription, ...]
    foreign: tuple[NlbDescription, ...] = ()

    @property
    def virtual_ip(self) -> str:
        """The address that callers use."""
        return self.nlb.cluster_ip


@dataclass(frozen=True, slots=True)
class SiteDescription:
    """A whole site."""

    clusters: tuple[ClusterDescription, ...]
    knobs: Knobs


def usual_cluster(
    number: int, *, wider_rule: bool = False, foreign: bool = False
) -> ClusterDescription:
    """Return the cluster of that number, 0..MAX_CLUSTERS-1, with two hosts.

    wider_rule: the hosts report 5060-5090 where 5060-5061 is configured.
    foreign: each host is also in an NLB cluster for web traffic.
    """
    region = _REGIONS[number] if number < len(_REGIONS) else f"{number + 1:03d}"
    name = f"sip-{region}"
    reported = PortRule(ALL_VIPS, 5060, 5090, "both") if wider_rule else SIP_RULE
    web = NlbDescription(
        f"10.0.{number}.200",
        f"web-{region}.example.test",
        (usual_rule(PortRule(ALL_VIPS, 80, 443, "tcp")), usual_rule(reported)),
    )
    return ClusterDescription(
        name=name,
        nlb=NlbDescription(f"10.0.{number}.100", f"{name}.example.test", (usual_rule(reported),)),
        configured=(SIP_RULE,),
        hosts=tuple(
            HostDescription(
                f"{name}-{host_id}",
                host_id,
                f"10.1.{number}.{10 + host_id}",
                f"SIP_Server_{region}_{host_id}",
            )
            for host_id in (1, 2)
        ),
        foreign=(web,) if foreign else (),
    )


def set_up_as(
    cluster: ClusterDescription, *, operation_mode: str, affinity: str, remote_control: bool
) -> ClusterDescription:
    """Return the cluster with its NLB set up in another way, on all hosts alike."""
    nlb = replace(
        cluster.nlb,
        operation_mode=operation_mode,
        remote_control=remote_control,
        rules=tuple(replace(rule, affinity=affinity) for rule in cluster.nlb.rules),
    )
    return replace(cluster, nlb=nlb)


def usual_site(clusters: int, knobs: Knobs) -> SiteDescription:
    """Return a site of that many usual clusters, 1..MAX_CLUSTERS."""
    return SiteDescription(tuple(usual_cluster(number) for number in range(clusters)), knobs)
