"""The simulated NLB utility: an argument list → what it does and prints. Pure.

Grammar documented: xcyclopedia (nlb.exe, wlbs.exe V2.6). NLB remote control is never
simulated: a host or GLOBAL in the cluster argument gets no response. Words are in
`tool_text` and `nlb_params`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator import nlb_params, tool_text
from simulator.faults import NlbFault
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import NodeRun, PortVerb, Result
from simulator.tool_text import WMI_NUMBERS, ExitProfile, ToolProfile
from simulator.world import ClusterRun, HostRun, World

GARBAGE = bytes(range(128, 256)) * 3 + b"\x00\xff\x00\r\r\n%%PDF"
_PORT_SPEC = re.compile(
    r"(?:(?P<vip>ALL|[0-9.]+|\[[0-9A-Fa-f:.]+\]):)?(?P<port>ALL|\d{1,5})\Z", re.IGNORECASE
)
_PORT_COMMANDS = frozenset({*PortVerb, "queryport"})
_NODE_COMMANDS = ("start", "stop", "drainstop", "suspend", "resume")
_READ_COMMANDS = frozenset({"query", "params", "display", "reload", "ip2mac"})


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a call gives. hangs: the answer never comes. exit_status: 0..1013, see ExitProfile."""

    output: bytes = b""
    exit_status: int = 0
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, understood as far as its form goes. vip, port: None means all."""

    name: str
    command: str
    vip: str | None
    port: int | None
    cluster: str | None


def broken_answer(run: HostRun) -> ToolAnswer | None:
    """Return what any program of a host gives whose NLB cannot be asked at all, else None."""
    if not run.can_be_asked or run.faults.nlb is NlbFault.HANG:
        return ToolAnswer(hangs=True)
    if run.faults.nlb is NlbFault.GARBAGE:
        return ToolAnswer(GARBAGE)
    return ToolAnswer() if run.faults.nlb is NlbFault.EMPTY else None


class NlbTool:
    """The utility as it stands on every host of a site."""

    def __init__(self, world: World, profile: ToolProfile, site_began: datetime) -> None:
        """Answer from `world`; `site_began` is its second 0 in local time, for printed dates."""
        self._world, self._profile, self._began = world, profile, site_began

    def call(self, cluster: str, host: str, name: str, arguments: tuple[str, ...]) -> ToolAnswer:
        """Carry out one call on a host. name: ``nlb`` or ``wlbs``. Never raises for its input."""
        site_cluster = self._world.cluster(cluster)
        run = site_cluster.host(host)
        fault = run.faults.nlb
        broken = broken_answer(run)
        if broken is not None:
            return broken
        if fault is NlbFault.DENIED:
            return ToolAnswer(self._profile.encode([self._profile.denied(name)]), 1)
        lines, result = self._carry_out(site_cluster, host, name, arguments, fault)
        if fault is NlbFault.HANG_AFTER:
            return ToolAnswer(hangs=True)
        if fault is NlbFault.FOREIGN:
            lines = tool_text.foreign_lines(lines)
        status = 1 if fault is NlbFault.EXIT_1 else self._exit_status(result)
        return ToolAnswer(self._profile.encode(lines), status)

    def _exit_status(self, result: Result | None) -> int:
        """None stands for wrong use."""
        if self._profile.exit_profile is ExitProfile.ZERO:
            return 0
        if self._profile.exit_profile is ExitProfile.WMI and result is not None:
            return WMI_NUMBERS[result]
        return 0 if result in {Result.OK, Result.ALREADY} else 1

    def _carry_out(
        self,
        cluster: ClusterRun,
        host: str,
        name: str,
        arguments: tuple[str, ...],
        fault: NlbFault,
    ) -> tuple[list[str], Result | None]:
        banner = self._profile.banner(name)
        call = _understand(name, arguments)
        if isinstance(call, str):
            return [banner, call, *tool_text.HELP.format(name=name.upper()).splitlines()], (
                Result.OK if not call else None
            )
        if call.cluster is not None and re.search(r"(?<![:\[]):(?!:)|\bGLOBAL\b", call.cluster):
            return [banner, "Did not receive response from the cluster."], None
        chosen = [
            nlb
            for nlb in cluster.nlb_clusters
            if call.cluster in {None, "ALL", nlb.description.cluster_ip, nlb.description.full_name}
        ]
        if not chosen:
            return [banner, f"{call.cluster} is no cluster of this host."], None
        lines, results = [banner], []
        for nlb in chosen:
            said, result = self._in_cluster(cluster, nlb, host, call, fault)
            lines += [f"Cluster {nlb.description.cluster_ip}", *said]
            results.append(result)
        worst = next((r for r in results if r not in {Result.OK, Result.ALREADY}), results[0])
        return lines, worst

    def _in_cluster(
        self, cluster: ClusterRun, nlb: NlbCluster, host: str, call: _Call, fault: NlbFault
    ) -> tuple[list[str], Result]:
        if call.command in set(PortVerb):
            verb = PortVerb(call.command)
            if fault is NlbFault.NO_EFFECT:
                return [tool_text.port_result(verb, Result.OK, call.port)], Result.OK
            result = nlb.operate(host, verb, call.vip, call.port)
            return [tool_text.port_result(verb, result, call.port)], result
        if call.command in _NODE_COMMANDS:
            result = getattr(nlb, call.command)(host)
            return [tool_text.node_result(call.command, result)], result
        if call.command == "queryport":
            return _queryport(nlb, host, call)
        return self._read(cluster, nlb, host, call.command), Result.OK

    def _read(self, cluster: ClusterRun, nlb: NlbCluster, host: str, command: str) -> list[str]:
        if command == "query":
            return self._query(nlb, host)
        if command == "reload":
            return ["The parameters were read again."]
        if command == "ip2mac":
            return _ip2mac(nlb)
        form = nlb_params.params_lines if command == "params" else nlb_params.display_lines
        address = cluster.hosts[host].description.address
        return form(nlb, host, address, self._world.knobs, self._local_time())

    def _local_time(self, at: float | None = None) -> datetime:
        seconds = self._world.agenda.now if at is None else at
        return self._began + timedelta(seconds=seconds)

    def _query(self, nlb: NlbCluster, host: str) -> list[str]:
        """Documented for V2.4 (KB 812870); V2.6, with the name in brackets, is assumed."""
        node = nlb.nodes[host]
        old = self._profile.version == "2.4"
        title = f"Host {node.host_id}" if old else f"Host {node.host_id} ({host.upper()})"
        if node.run in {NodeRun.STOPPED, NodeRun.SUSPENDED, NodeRun.DISCONNECTED}:
            return [f"{title} is {node.run}."]
        entered = "has entered has entered" if old else "has entered"
        times = f"{node.convergences} time(s) since joining the cluster"
        lines = [f"{title} {entered} a converging state {times}"]
        if old or node.run is NodeRun.CONVERGING or node.converged_at is None:
            lines.append("  and is still in a state of convergence.")
        else:
            when = tool_text.windows_time(self._local_time(node.converged_at))
            lines.append(f"  and the last convergence completed at approximately: {when}")
        word = {NodeRun.CONVERGING: "converging", NodeRun.DRAINING: "draining"}.get(
            node.run, "converged as DEFAULT" if nlb.is_default(host) else "converged"
        )
        members = nlb.member_ids(host)
        return [
            *lines,
            f"{title} {word} with the following host(s) as part of the cluster:",
            *([", ".join(str(number) for number in members)] if members else []),
        ]


def _queryport(nlb: NlbCluster, host: str, call: _Call) -> tuple[list[str], Result]:
    """Simulated wording. What it says of a node that is stopped is assumed."""
    node = nlb.nodes[host]
    runs = node.named(call.vip, call.port)
    shown = "ALL" if call.port is None else str(call.port)
    heading = f"Retrieving state for port rule {shown}"
    if not runs:
        return [heading, tool_text.not_found(call.port)], Result.NOT_FOUND
    lines = [heading]
    for run in runs:
        lines.append(f"Rule is {run.state}")
        if run.is_handled and node.is_in_cluster:
            lines.append(f"Packets: Accepted={run.accepted}, Dropped={run.dropped}")
    return lines, Result.OK


def _ip2mac(nlb: NlbCluster) -> list[str]:
    ip = nlb.description.cluster_ip
    return [
        f"Cluster:            {ip}",
        f"Unicast MAC:        {nlb_params.mac(ip, 'unicast')}",
        f"Multicast MAC:      {nlb_params.mac(ip, 'multicast')}",
        f"IGMP Multicast MAC: {nlb_params.mac(ip, 'igmp_multicast')}",
    ]


def _understand(name: str, arguments: tuple[str, ...]) -> _Call | str:
    """Read an argument list; a text says what is wrong with it, empty if help was asked for."""
    if not arguments:
        return "A command is missing."
    command, rest = arguments[0].lower(), list(arguments[1:])
    if command in {"help", "/?", "-?"}:
        return ""
    vip: str | None = None
    port: int | None = None
    if command in _PORT_COMMANDS:
        match = _PORT_SPEC.match(rest.pop(0)) if rest else None
        if match is None:
            return f"{command} needs a port."
        vip = None if (match["vip"] or "ALL").upper() == "ALL" else match["vip"].strip("[]")
        port = None if match["port"].upper() == "ALL" else int(match["port"])
        if port is not None and port > 65535:
            return f"{port} is no port."
    elif command not in _READ_COMMANDS and command not in _NODE_COMMANDS:
        return f"{command} is no command."
    return _Call(name, command, vip, port, " ".join(rest) or None)
