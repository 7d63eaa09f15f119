"""What ``nlb params`` and ``nlb display`` print of one NLB cluster on one host. Pure.

The layout of ``params`` is documented for V2.4 (UCMDB NLB discovery script) and assumed for
V2.6. ``display`` prints 0 and 1 where ``params`` prints words (documented: tech-archive
2008-04); the rest of its form is simulated.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime

from cluster.model import ALL_VIPS, ReportedRule
from simulator.knobs import Knobs
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import NodeRun
from simulator.tool_text import windows_time

NAME_WIDTH = 25

# Settings that no behaviour of the simulated node depends on; numbers invented.
_BEFORE = {
    "ParametersVersion": "4",
    "CurrentVersion": "00000206",
    "EffectiveVersion": "00000201",
    "InstallDate": "65F1A2B3",
}
_MIDDLE = {
    "NumActions": "100",
    "NumPackets": "200",
    "NumAliveMsgs": "66",
    "DescriptorsPerAlloc": "512",
    "MaxDescriptorAllocs": "512",
    "TCPConnectionTimeout": "60",
    "IPSecConnectionTimeout": "86400",
    "FilterICMP": "DISABLED",
    "ClusterModeOnStart": "STARTED",
}
_AFTER = {
    "PersistedStates": "NONE",
    "ScaleSingleClient": "DISABLED",
    "NBTSupportEnable": "ENABLED",
    "NetmonAliveMsgs": "DISABLED",
    "IPChangeDelay": "60000",
    "ConnectionCleanupDelay": "300000",
    "RemoteControlEnabled": "DISABLED",
    "RemoteControlUDPPort": "2504",
    "RemoteControlCode": "00000000",
    "RemoteMaintenanceEnabled": "00000000",
    "BDATeaming": "NO",
    "TeamID": "",
    "Master": "NO",
    "ReverseHash": "NO",
    "IdentityHeartbeatPeriod": "10000",
    "IdentityHeartbeatEnabled": "ENABLED",
}


def mac(cluster_ip: str, operation_mode: str) -> str:
    """Return the cluster's hardware address (documented: msmvps clusterhelp; IGMP assumed)."""
    octets = ipaddress.IPv4Address(cluster_ip).packed
    if operation_mode == "igmp_multicast":
        return f"01-00-5e-7f-{octets[2]:02x}-{octets[3]:02x}"
    first = "02" if operation_mode == "unicast" else "03"
    return f"{first}-bf-" + "-".join(f"{octet:02x}" for octet in octets)


def params_lines(
    nlb: NlbCluster, host: str, address: str, knobs: Knobs, local_time: datetime
) -> list[str]:
    """Return what ``params`` prints after the line that names the cluster."""
    settings = _settings(nlb, host, address, knobs, local_time)
    return [
        "Retrieving parameters",
        *(f"{name.ljust(NAME_WIDTH)} = {value}".rstrip() for name, value in settings.items()),
        "",
        *rule_table([run.rule for run in nlb.nodes[host].rules]),
        "",
        "Statistics:",
        "",
        "Number of active connections        = "
        + str(sum(run.connections for run in nlb.nodes[host].rules)),
        "Number of descriptors allocated     = 0",
    ]


def display_lines(
    nlb: NlbCluster, host: str, address: str, knobs: Knobs, local_time: datetime
) -> list[str]:
    """Return what ``display`` prints after the line that names the cluster."""
    return [
        line.replace("= ENABLED", "= 1").replace("= DISABLED", "= 0")
        for line in params_lines(nlb, host, address, knobs, local_time)
    ]


def _settings(
    nlb: NlbCluster, host: str, address: str, knobs: Knobs, local_time: datetime
) -> dict[str, str]:
    description, node = nlb.description, nlb.nodes[host]
    multicast = description.operation_mode != "unicast"
    return {
        "Current time": windows_time(local_time),
        "HostName": host,
        **_BEFORE,
        "HostPriority": str(node.host_id),
        "ClusterIPAddress": description.cluster_ip,
        "ClusterNetworkMask": "255.255.255.0",
        "DedicatedIPAddress": address,
        "DedicatedNetworkMask": "255.255.255.0",
        "McastIPAddress": "0.0.0.0",  # noqa: S104 # a value that is printed, nothing is bound
        "ClusterName": description.full_name,
        "ClusterNetworkAddress": mac(description.cluster_ip, description.operation_mode),
        "IPToMACEnable": "ENABLED",
        "MulticastSupportEnable": _switch(multicast),
        "IGMPSupport": _switch(description.operation_mode == "igmp_multicast"),
        "MulticastARPEnable": "ENABLED",
        "MaskSourceMAC": "ENABLED",
        "AliveMsgPeriod": str(round(knobs.heartbeat_seconds * 1000)),
        "AliveMsgTolerance": str(knobs.heartbeat_tolerance),
        **_MIDDLE,
        "HostState": _host_state(node.run),
        **_AFTER,
        "RemoteControlEnabled": _switch(description.remote_control),
    }


def _host_state(run: NodeRun) -> str:
    """STARTED is documented; the other two words are assumed from PersistedStates."""
    words = {NodeRun.STOPPED: "STOPPED", NodeRun.SUSPENDED: "SUSPENDED"}
    return words.get(run, "STARTED")


def _switch(on: bool) -> str:
    return "ENABLED" if on else "DISABLED"


def rule_table(rules: list[ReportedRule]) -> list[str]:
    """Return the table of port rules; column widths as documented."""
    return [
        f"PortRules ({len(rules)}):",
        "",
        "      VIP       Start  End  Prot   Mode   Pri Load Affinity",
        "--------------- ----- ----- ---- -------- --- ---- --------",
        *(_rule_line(rule) for rule in rules),
    ]


def _rule_line(rule: ReportedRule) -> str:
    vip = "All" if rule.vip == ALL_VIPS else rule.vip
    protocol = rule.protocol.title() if rule.protocol == "both" else rule.protocol.upper()
    priority = "" if rule.priority is None else str(rule.priority)
    load = affinity = ""
    if rule.mode == "multiple":
        load = "Eql" if rule.load is None else str(rule.load)
        affinity = rule.affinity.title()
    return (
        f"{vip:<15} {rule.start:>5} {rule.end:>5} {protocol:<4} {rule.mode.title():<8} "
        f"{priority:>3} {load:>4} {affinity}"
    ).rstrip()
