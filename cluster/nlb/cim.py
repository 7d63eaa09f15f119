"""JSON of ``Get-SipNlb.ps1`` → what it says of a host's NLB clusters. Pure.

The forms that the two scripts of back end ``cim`` print, whoever runs them:

``Get-SipNlb.ps1``: ``{"schema": 1, "local_time": TEXT, "nodes": […], "cluster_settings": […],
"node_settings": […], "port_rules": […]}``. The lists hold the instances of MicrosoftNLB_Node,
_ClusterSetting, _NodeSetting and _PortRuleEx under their documented property names (wlbsprov).
What carries one ``AdapterGuid`` is one NLB cluster of the host.

``Set-SipNlbPort.ps1``: ``{"schema": 1, "method": TEXT, "ReturnValue": NUMBER}``, or where the host
has seen a later change ``{"schema": 1, "refused": TEXT}``.

Both, where they failed: ``{"schema": 1, "error": {"message": TEXT, "category": TEXT, "code":
NUMBER}}``. ``code`` is the CIM status, or null; ``category`` is PowerShell's.

Any bytes give values or named problems, never another exception. A number that is not documented
is UNKNOWN or None, and named in a problem.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cluster.model import (
    ALL_VIPS,
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
from cluster.nlb.cim_answer import (
    Instance,
    address,
    document_of,
    number,
    shown,
    switch,
    words,
)
from cluster.nlb.mac import plain_mac
from cluster.nlb.output import Parsed

ALL_VIPS_ADDRESS = "255.255.255.255"
REMOTE_NODE = 0
"""documented: StatusCode of a node on another host, of which nothing is told."""

# documented: wlbsprov, MicrosoftNLB_Node.StatusCode. 1014 stands among the standard return
# values there; that a node says it of itself is assumed.
NODE_STATES: dict[int | None, tuple[NodeState, bool | None]] = {
    1005: (NodeState.STOPPED, None),
    1006: (NodeState.CONVERGING, None),
    1007: (NodeState.CONVERGED, False),
    1008: (NodeState.CONVERGED, True),
    1009: (NodeState.DRAINING, None),
    1013: (NodeState.SUSPENDED, None),
    1014: (NodeState.DISCONNECTED, None),
}
# documented: wlbsprov, MicrosoftNLB_PortRuleEx
PORT_STATES: dict[int | None, PortState] = {
    0: PortState.NOT_FOUND,
    1: PortState.ENABLED,
    2: PortState.DISABLED,
    3: PortState.DRAINING,
}
PROTOCOLS: dict[int | None, str] = {1: "tcp", 2: "udp", 3: "both"}
FILTERING_MODES: dict[int | None, str] = {1: "single", 2: "multiple", 3: "disabled"}
AFFINITIES: dict[int | None, str] = {0: "none", 1: "single", 2: "network"}


@dataclass(frozen=True, slots=True)
class CimRule:
    """A port rule and its state on this host."""

    reported: ReportedRule
    state: PortState


@dataclass(frozen=True, slots=True)
class CimCluster:
    """One NLB cluster of a host. rules: None unless every one of them was read.

    problems: what could not be read of it, one sentence each.
    """

    node: NodeStatus
    params: NlbParams
    rules: tuple[CimRule, ...] | None
    problems: tuple[str, ...]

    @property
    def cluster_ip(self) -> str | None:
        """Its primary address; None where the answer ties none to the node."""
        return self.params.cluster_ip

    def port(self, rule: PortRule) -> PortStatus:
        """Return the state of the rule that holds the first port of a configured one.

        As with ``queryport``, whether it is exactly the configured one is for whoever acts to
        see. Several of them in several states are UNKNOWN. There are no packet counters.
        """
        if self.rules is None:
            return PortStatus()
        holding = [each for each in self.rules if _holds(each.reported, rule)]
        exact = [each for each in holding if each.reported.rule == rule]
        states = {each.state for each in exact or holding} or {PortState.NOT_FOUND}
        return PortStatus(next(iter(states)) if len(states) == 1 else PortState.UNKNOWN)


def _holds(reported: ReportedRule, rule: PortRule) -> bool:
    return reported.vip == rule.vip and reported.start <= rule.start <= reported.end


def parse_state(raw: bytes) -> Parsed[CimCluster]:
    """Read a read-out: one `CimCluster` an NLB cluster on the host."""
    document, failure = document_of(raw)
    own = [
        node
        for node in _listed(document, "nodes") or ()
        if number(node, "StatusCode") != REMOTE_NODE
    ]
    if failure is None and not own:
        text = "no node of this host: NLB is on none of its adapters, or the account sees none"
        failure = Problem(Reason.NOT_INSTALLED_OR_DENIED, text)
    if failure is not None:
        return Parsed(failure=failure, problems=(str(failure),))
    blocks = tuple(_cluster(document, node, len(own)) for node in own)
    return Parsed(blocks, tuple(problem for block in blocks for problem in block.problems))


def _listed(document: Instance, name: str) -> list[Instance] | None:
    """Return the instances of a list, None if it is no list of instances.

    A single instance may stand without its list, as ConvertTo-Json is known to write (assumed).
    """
    found = document.get(name)
    listed = [found] if isinstance(found, dict) else found
    sound = isinstance(listed, list) and all(isinstance(each, dict) for each in listed)
    return listed if sound else None


def _cluster(document: Instance, node: Instance, clusters: int) -> CimCluster:
    """Read the cluster of one node. clusters: how many the host has."""

    def of_adapter(name: str) -> list[Instance] | None:
        """Return what is of the node's adapter, None where that cannot be told.

        Where no adapter is told of the only node, what there is belongs to it.
        """
        found, adapter = _listed(document, name), words(node, "AdapterGuid")
        if found is None or (adapter is None and clusters == 1):
            return found
        told = [words(each, "AdapterGuid") for each in found]
        if adapter is None or None in told:
            return None
        return [each for each, its in zip(found, told, strict=True) if its == adapter]

    cluster, setting = (
        found[0] if found is not None and len(found) == 1 else {}
        for found in (of_adapter("cluster_settings"), of_adapter("node_settings"))
    )
    problems: list[str] = []
    status = _node(node, address(cluster, "ClusterIPAddress"), problems)
    params = _params(document, node, cluster, setting, problems)
    rules = _rules(of_adapter("port_rules"), problems)
    reported = None if rules is None else tuple(rule.reported for rule in rules)
    named = f"cluster {params.cluster_ip}: " if params.cluster_ip else ""
    return CimCluster(
        replace(status, clusters=clusters),
        replace(params, rules=reported, clusters=clusters),
        rules,
        tuple(named + problem for problem in problems),
    )


def _node(node: Instance, cluster_ip: str | None, problems: list[str]) -> NodeStatus:
    code = number(node, "StatusCode")
    state, is_default = NODE_STATES.get(code, (NodeState.UNKNOWN, None))
    if state is NodeState.UNKNOWN:
        problems.append(f"StatusCode {shown(node.get('StatusCode'))} is not documented")
    return NodeStatus(state, cluster_ip, number(node, "HostPriority"), is_default)


def _params(
    document: Instance,
    node: Instance,
    cluster: Instance,
    setting: Instance,
    problems: list[str],
) -> NlbParams:
    params = NlbParams(
        cluster_ip=address(cluster, "ClusterIPAddress"),
        host_id=number(node, "HostPriority"),
        operation_mode=_operation_mode(cluster),
        mac=plain_mac(words(cluster, "ClusterMACAddress") or ""),
        remote_control=switch(cluster, "RemoteControlEnabled"),
        heartbeat_period_ms=number(setting, "AliveMessagePeriod"),
        heartbeat_tolerance=number(setting, "AliveMessageTolerance"),
        host_name=words(node, "ComputerName"),
        dedicated_ip=address(node, "DedicatedIPAddress"),
        local_time=words(document, "local_time"),
    )
    named = {
        "HostPriority": params.host_id,
        "ClusterIPAddress": params.cluster_ip,
        "MulticastSupportEnabled": params.operation_mode,
        "ClusterMACAddress": params.mac,
        "RemoteControlEnabled": params.remote_control,
        "AliveMessagePeriod": params.heartbeat_period_ms,
        "AliveMessageTolerance": params.heartbeat_tolerance,
    }
    problems += [
        f"{name} is missing or unreadable" for name, value in named.items() if value is None
    ]
    return params


def _operation_mode(cluster: Instance) -> str | None:
    multicast, igmp = switch(cluster, "MulticastSupportEnabled"), switch(cluster, "IGMPSupport")
    if multicast is None:
        return None
    if not multicast:
        return "unicast"
    return "igmp_multicast" if igmp else "multicast"


def _rules(found: list[Instance] | None, problems: list[str]) -> tuple[CimRule, ...] | None:
    """Read the rules; None unless every one was read.

    A rule that is silently lost could hide that a command would switch more than it should.
    """
    if found is None:
        problems.append("no port rules are told of it")
        return None
    rules = []
    for given in found:
        rule = _rule(given)
        if rule is None:
            problems.append(f"not a port rule: {shown(given)}")
            continue
        if rule.state is PortState.UNKNOWN:
            said = shown(given.get("PortState"))
            problems.append(f"rule {rule.reported.rule}: PortState {said} is not documented")
        rules.append(rule)
    return tuple(rules) if len(rules) == len(found) else None


def _rule(given: Instance) -> CimRule | None:
    vip, start, end = (
        address(given, "VirtualIpAddress"),
        number(given, "StartPort"),
        number(given, "EndPort"),
    )
    protocol = PROTOCOLS.get(number(given, "Protocol"))
    mode = FILTERING_MODES.get(number(given, "FilteringMode"))
    if vip is None or start is None or end is None or protocol is None or mode is None:
        return None
    if not start <= end <= 65535:
        return None
    multiple = mode == "multiple"
    equal = multiple and switch(given, "EqualLoad") is True
    reported = ReportedRule(
        vip=ALL_VIPS if vip == ALL_VIPS_ADDRESS else vip,
        start=start,
        end=end,
        protocol=protocol,
        mode=mode,
        priority=number(given, "Priority") if mode == "single" else None,
        load=number(given, "LoadWeight") if multiple and not equal else None,
        affinity=AFFINITIES.get(number(given, "Affinity"), "") if multiple else "",
        load_is_equal=equal,
    )
    return CimRule(reported, PORT_STATES.get(number(given, "PortState"), PortState.UNKNOWN))
