"""A look at a cluster → findings: the table of checks. Pure.

A new check is a function and a line here. A check whose reading failed is not run; it is named
in the host's line ``not told``, so that one dead host does not fill the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cluster.config_model import Cluster, Config
from cluster.model import ClusterView, Reading
from cluster.neighbour_table import Neighbour
from cluster.sip.options import SipAnswer
from exporter import checks_access, checks_cluster, checks_host, checks_mode, checks_rules
from exporter.checks_subject import OfCluster, OfHost
from exporter.findings import Finding, Verdict, unknown


def _always(_: OfHost) -> bool:
    return True


def _node(of: OfHost) -> bool:
    return of.view.node.problem is None


def _params(of: OfHost) -> bool:
    return of.view.params.problem is None


@dataclass(frozen=True, slots=True)
class HostCheck:
    """A check of one host. can_be_told: whether what it rests on was read."""

    name: str
    can_be_told: Callable[[OfHost], bool]
    run: Callable[[OfHost], Iterable[Verdict]]


@dataclass(frozen=True, slots=True)
class ClusterCheck:
    """A check of all hosts of a cluster together."""

    name: str
    run: Callable[[OfCluster], Iterable[Verdict]]


HOST_CHECKS = (
    HostCheck("reachable", checks_access.was_asked, checks_access.reachable),
    HostCheck("utility", checks_access.answered, checks_access.utility),
    HostCheck("rights", checks_access.utility_answered, checks_access.rights),
    HostCheck("readable", checks_access.admitted, checks_access.readable),
    HostCheck("accounts", _always, checks_access.accounts_apart),
    HostCheck("one NLB cluster", _node, checks_host.one_nlb_cluster),
    HostCheck("rule", _params, checks_rules.rule_as_configured),
    HostCheck("filtering", _params, checks_rules.filtering_mode),
    HostCheck("affinity", _params, checks_rules.affinity),
    HostCheck("converged", _node, checks_host.converged),
    HostCheck("members", _node, checks_host.members),
    HostCheck("operation mode", _params, checks_host.operation_mode),
    HostCheck("cluster MAC", _params, checks_host.cluster_mac),
    HostCheck("remote control", _params, checks_host.remote_control_off),
    HostCheck("second network", _params, checks_host.second_network),
    HostCheck("clock", _params, checks_host.clock),
    HostCheck("speed", _always, checks_host.speed),
    HostCheck("mode source", _always, checks_mode.sources),
    HostCheck("sources agree", _always, checks_mode.sources_agree),
    HostCheck("SCS", _always, checks_mode.connected_to_scs),
    HostCheck("HA link", _always, checks_mode.ha_link),
)

CLUSTER_CHECKS = (
    ClusterCheck("one primary", checks_cluster.one_primary),
    ClusterCheck("port", checks_cluster.port_follows),
    ClusterCheck("rules alike", checks_cluster.rules_alike),
    ClusterCheck("host ids", checks_cluster.host_ids),
    ClusterCheck("not split", checks_cluster.not_split),
    ClusterCheck("neighbour", checks_cluster.neighbour_entry),
    ClusterCheck("service probe", checks_cluster.probed_from_outside),
    ClusterCheck("virtual IP", checks_cluster.virtual_ip_answers),
)


def cluster_findings(
    config: Config,
    cluster: Cluster,
    view: ClusterView,
    neighbour: Neighbour | None,
    answer: Reading[SipAnswer] | None = None,
) -> Iterator[Finding]:
    """Yield what is found of a cluster.

    neighbour: how this machine reaches the virtual IP, None if that could not be asked. answer:
    what the virtual IP answered to the configured probe, None where it was not asked.
    """
    for host, seen in zip(cluster.hosts, view.hosts, strict=True):
        yield from _host_findings(OfHost(config, cluster, host, seen))
    of = OfCluster(cluster, view, neighbour, answer)
    for check in CLUSTER_CHECKS:
        for verdict in check.run(of):
            yield Finding(check.name, verdict, cluster.name)


def _host_findings(of: OfHost) -> Iterator[Finding]:
    cluster, host = of.cluster.name, of.host.name
    untold = []
    for check in HOST_CHECKS:
        if not check.can_be_told(of):
            untold.append(check.name)
            continue
        for verdict in check.run(of):
            yield Finding(check.name, verdict, cluster, host)
    if untold:
        told = unknown(", ".join(untold), "mend what is wrong above, then check again")
        yield Finding("not told", told, cluster, host)
