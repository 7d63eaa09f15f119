"""The state of the simulated site as plain data, for the control API and the demonstration. Pure.

Shows what is, never what a source that lags or fails would say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cluster.clock import utc_text
from cluster.model import PortRule, PortState, SipMode
from simulator.nlb_cluster import NlbCluster
from simulator.world import ClusterRun, World


def host_json(cluster: ClusterRun, name: str) -> dict[str, Any]:
    """Return one host: process, mode, network, node, ports, faults."""
    host, node = cluster.hosts[name], cluster.nlb.nodes[name]
    return {
        "name": name,
        "host_id": host.description.host_id,
        "address": host.description.address,
        "connected": host.connected,
        "partition": host.group,
        "process": "running" if host.server.is_running else "dead",
        "process_id": host.server.process_id if host.server.is_running else None,
        "mode": str(host.server.mode),
        "scs_connected": host.server.facts.scs_connected,
        "node_state": str(node.run),
        "is_default": cluster.nlb.is_default(name),
        "members": list(cluster.nlb.member_ids(name)),
        "ports": _ports(cluster.nlb, name),
        "faults": {
            "nlb": str(host.faults.nlb),
            "nlb_latency_seconds": host.faults.nlb_latency_seconds,
            "page": str(host.faults.page),
            "page_latency_seconds": host.faults.page_latency_seconds,
            "log": str(host.faults.log),
        },
    }


def _ports(nlb: NlbCluster, host: str) -> list[dict[str, Any]]:
    return [
        {
            "vip": run.rule.vip,
            "start": run.rule.start,
            "end": run.rule.end,
            "protocol": run.rule.protocol,
            "state": str(run.state),
            "accepted": run.accepted,
            "dropped": run.dropped,
        }
        for run in nlb.nodes[host].rules
    ]


def cluster_json(world: World, name: str, began: datetime) -> dict[str, Any]:
    """Return one cluster with its events. began: UTC moment of the world's second 0."""
    cluster = world.cluster(name)
    return {
        "simulated": True,
        "name": name,
        "virtual_ip": cluster.description.virtual_ip,
        "primary": cluster.sole_primary(),
        "primary_since_seconds": round(cluster.primary_since, 3),
        "ended_right": why_not_right(cluster) is None,
        "why_not_right": why_not_right(cluster),
        "hosts": [host_json(cluster, host) for host in cluster.hosts],
        "events": [
            {
                "at": utc_text(began + timedelta(seconds=event.at)),
                "at_seconds": round(event.at, 3),
                "host": event.host,
                "what": event.what,
                "number": event.number,
            }
            for event in world.events_of(name)
        ],
    }


def port_state(cluster: ClusterRun, host: str, rule: PortRule) -> PortState:
    """Return the true state of a configured rule on a host."""
    run = cluster.nlb.nodes[host].find(
        cluster.description.virtual_ip if rule.vip == "all" else rule.vip, rule.start
    )
    return PortState.NOT_FOUND if run is None else run.state


def why_not_right(cluster: ClusterRun, *, leave_out_cut_off: bool = False) -> str | None:
    """Return why not exactly the primary's ports are enabled, or None if they are.

    leave_out_cut_off: hosts without network do not count, since nobody can command them.
    """
    primary = cluster.sole_primary()
    if primary is None:
        return "there is not exactly one primary"
    for name, host in cluster.hosts.items():
        if leave_out_cut_off and not host.connected:
            continue
        if not host.connected and host.server.mode is SipMode.PRIMARY:
            return f"{name} is cut off and still believes it is primary"
        for rule in cluster.description.configured:
            state = port_state(cluster, name, rule)
            wanted = PortState.ENABLED if name == primary else PortState.DISABLED
            if state is not wanted:
                return f"port {rule.start} is {state} on {name}, which is {host.server.mode}"
    return None
