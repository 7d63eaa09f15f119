"""The simulated PowerShell with the two scripts of back end ``cim``. Pure.

It is started as `cluster.nlb.cim_dialect` starts it and accepts nothing else. What it prints
has the form that `cluster.nlb.cim` tells, with the documented numbers of root/MicrosoftNLB; the
words of errors are simulated. The scripts themselves are not run: only Windows can run them.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from cluster.model import ALL_VIPS, PortRule, PortState
from cluster.nlb.cim_dialect import ACT_SCRIPT, READ_SCRIPT, START
from simulator import nlb_params
from simulator.action_numbers import ActionNumbers
from simulator.faults import NlbFault
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import NodeRun, PortVerb, RuleRun
from simulator.nlb_tool import ToolAnswer, broken_answer
from simulator.tool_text import WMI_NUMBERS
from simulator.world import ClusterRun, World

NAME = "powershell"
_STATUS_CODES = {
    NodeRun.STOPPED: 1005,
    NodeRun.CONVERGING: 1006,
    NodeRun.CONVERGED: 1007,
    NodeRun.DRAINING: 1009,
    NodeRun.SUSPENDED: 1013,
    NodeRun.DISCONNECTED: 1014,
}
_DEFAULT_HOST = 1008
_REMOTE_NODE = 0
_PORT_STATES = {
    PortState.NOT_FOUND: 0,
    PortState.ENABLED: 1,
    PortState.DISABLED: 2,
    PortState.DRAINING: 3,
}
_PROTOCOLS = {"tcp": 1, "udp": 2, "both": 3}
_FILTERING_MODES = {"single": 1, "multiple": 2, "disabled": 3}
_AFFINITIES = {"none": 0, "single": 1, "network": 2, "": 1}
_ALL_VIPS_ADDRESS = "255.255.255.255"
_UNKNOWN_NUMBER = 4711
"""What a Windows of another version might print; no document knows it."""
_ACCESS_DENIED = {"message": "Access denied", "category": "PermissionDenied", "code": 2}


class CimTool:
    """PowerShell as it stands on every host of a site."""

    def __init__(self, world: World, site_began: datetime) -> None:
        """Answer from `world`; `site_began` is its second 0 in local time."""
        self._world, self._began = world, site_began
        self._numbers: dict[tuple[str, str], ActionNumbers] = {}

    def call(self, cluster: str, host: str, name: str, arguments: tuple[str, ...]) -> ToolAnswer:
        """Carry out one start on a host. Never raises for its input."""
        del name  # it has only one
        site_cluster = self._world.cluster(cluster)
        run = site_cluster.host(host)
        fault = run.faults.nlb
        broken = broken_answer(run)
        if broken is not None:
            return broken
        if fault is NlbFault.DENIED:
            return _printed({"error": _ACCESS_DENIED}, 1)
        script = _script(arguments)
        if script == READ_SCRIPT and len(arguments) == len(START) + 1:
            answer = _printed(self._state(site_cluster, host, known=fault is not NlbFault.FOREIGN))
        elif script == ACT_SCRIPT:
            numbers = self._numbers.setdefault((cluster, host), ActionNumbers())
            answer = _act(site_cluster, host, arguments[len(START) + 1 :], fault, numbers)
        else:
            answer = ToolAnswer(b"simulated: PowerShell cannot run this\r\n", 1)
        if fault is NlbFault.HANG_AFTER:
            return ToolAnswer(hangs=True)
        return ToolAnswer(answer.output, 1) if fault is NlbFault.EXIT_1 else answer

    def _state(self, cluster: ClusterRun, host: str, *, known: bool) -> dict[str, Any]:
        """Return what the read-out prints. known: False for numbers that nobody knows."""
        moment = self._began + timedelta(seconds=self._world.agenda.now)
        found: dict[str, Any] = {
            "local_time": moment.isoformat(timespec="seconds"),
            "nodes": [],
            "cluster_settings": [],
            "node_settings": [],
            "port_rules": [],
        }
        for number, nlb in enumerate(cluster.nlb_clusters):
            adapter = f"{{00000000-0000-0000-0000-{number + 1:012d}}}"
            found["nodes"] += _nodes(cluster, nlb, host, adapter)
            found["cluster_settings"].append(_cluster_setting(nlb, adapter))
            found["node_settings"].append(self._node_setting(adapter))
            found["port_rules"] += [_port_rule(run, adapter) for run in nlb.nodes[host].rules]
        if not known:
            found["nodes"][0]["StatusCode"] = _UNKNOWN_NUMBER
            for rule in found["port_rules"]:
                rule["PortState"] = _UNKNOWN_NUMBER
        return found

    def _node_setting(self, adapter: str) -> dict[str, Any]:
        knobs = self._world.knobs
        return {
            "AdapterGuid": adapter,
            "AliveMessagePeriod": round(knobs.heartbeat_seconds * 1000),
            "AliveMessageTolerance": knobs.heartbeat_tolerance,
        }


def _script(arguments: tuple[str, ...]) -> str | None:
    """Return the name of the script that is started, None if it is started otherwise."""
    if arguments[: len(START)] != START or len(arguments) == len(START):
        return None
    return arguments[len(START)].replace("\\", "/").rpartition("/")[2]


def _nodes(cluster: ClusterRun, nlb: NlbCluster, host: str, adapter: str) -> list[dict[str, Any]]:
    """Return the own node, and the others where remote control shows them (documented)."""
    shown = [host, *(name for name in nlb.nodes if name != host and nlb.description.remote_control)]
    return [
        {
            "ComputerName": name.upper(),
            "HostPriority": nlb.nodes[name].host_id,
            "DedicatedIPAddress": cluster.hosts[name].description.address,
            "StatusCode": _status_code(nlb, name) if name == host else _REMOTE_NODE,
            "AdapterGuid": adapter if name == host else None,
        }
        for name in shown
    ]


def _status_code(nlb: NlbCluster, host: str) -> int:
    return _DEFAULT_HOST if nlb.is_default(host) else _STATUS_CODES[nlb.nodes[host].run]


def _cluster_setting(nlb: NlbCluster, adapter: str) -> dict[str, Any]:
    described = nlb.description
    return {
        "AdapterGuid": adapter,
        "ClusterIPAddress": described.cluster_ip,
        "ClusterMACAddress": nlb_params.mac(described.cluster_ip, described.operation_mode),
        "MulticastSupportEnabled": described.operation_mode != "unicast",
        "IGMPSupport": described.operation_mode == "igmp_multicast",
        "RemoteControlEnabled": described.remote_control,
    }


def _port_rule(run: RuleRun, adapter: str) -> dict[str, Any]:
    rule = run.rule
    return {
        "AdapterGuid": adapter,
        "VirtualIpAddress": _ALL_VIPS_ADDRESS if rule.vip == ALL_VIPS else rule.vip,
        "StartPort": rule.start,
        "EndPort": rule.end,
        "Protocol": _PROTOCOLS[rule.protocol],
        "FilteringMode": _FILTERING_MODES[rule.mode],
        "Priority": rule.priority or 1,
        "EqualLoad": rule.load is None,
        "LoadWeight": 50 if rule.load is None else rule.load,
        "Affinity": _AFFINITIES[rule.affinity],
        "PortState": _PORT_STATES[run.state],
    }


def _act(
    cluster: ClusterRun,
    host: str,
    arguments: tuple[str, ...],
    fault: NlbFault,
    numbers: ActionNumbers,
) -> ToolAnswer:
    """Carry out a change as the script does: on exactly the rule that it was told, or not."""
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    try:
        verb, host_id = PortVerb(given["-Action"]), int(given["-HostId"])
        start, end = int(given["-StartPort"]), int(given["-EndPort"])
        rule = PortRule(given["-Vip"], start, end, given["-Protocol"])
        cluster_ip, action = given["-ClusterIp"], given["-Number"]
    except (KeyError, ValueError):
        return ToolAnswer(b"simulated: a parameter is missing or wrong\r\n", 1)
    if len(given) * 2 != len(arguments) or len(given) != 8 or verb is PortVerb.DRAIN:
        return ToolAnswer(b"simulated: a parameter is not known\r\n", 1)
    wanted = [nlb for nlb in cluster.nlb_clusters if nlb.description.cluster_ip == cluster_ip]
    if not wanted:
        return _refused(f"this host has 0 NLB clusters {cluster_ip}")
    node = wanted[0].nodes[host]
    if node.host_id != host_id:
        return _refused(f"this host's priority is {node.host_id}, not {host_id}")
    if rule not in [run.rule.rule for run in node.rules]:
        return _refused(f"this host has no rule {rule} in cluster {cluster_ip}")
    try:
        refusal = numbers.refusal(action, f"{verb} {cluster_ip} {rule}")
    except ValueError:
        return ToolAnswer(b"simulated: a parameter is missing or wrong\r\n", 1)
    if refusal is not None:
        return _printed({"refused": refusal}, 1)
    number = 1000
    if fault is not NlbFault.NO_EFFECT:
        vip = None if rule.vip == ALL_VIPS else rule.vip
        number = WMI_NUMBERS[wanted[0].operate(host, verb, vip, rule.start)]
    return _printed({"method": f"{verb.title()}Ex", "ReturnValue": number})


def _refused(message: str) -> ToolAnswer:
    told = {"message": message, "category": "OperationStopped", "code": None}
    return _printed({"error": told}, 1)


def _printed(document: dict[str, Any], exit_status: int = 0) -> ToolAnswer:
    text = json.dumps({"schema": 1, **document}, separators=(",", ":"))
    return ToolAnswer(text.encode("ascii") + b"\r\n", exit_status)
