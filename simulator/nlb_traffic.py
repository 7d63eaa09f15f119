"""Who takes a datagram that arrives for an NLB cluster. Pure but for the packet counters.

Must not know SIP: it moves datagrams by the state of nodes and rules alone.
"""

from __future__ import annotations

import zlib

from cluster.model import PortState
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import TAKES_NEW_TRAFFIC


def take(nlb: NlbCluster, client: str, client_port: int, *, vip: str, port: int) -> tuple[str, ...]:
    """Hand a datagram to the hosts that take it, and count it; several only in a split.

    Every host sees every datagram and each decides by its own view of the members, so
    one that was cut off keeps its share until the others miss its heartbeats.
    """
    takers = []
    for host, node in nlb.nodes.items():
        if node.run not in TAKES_NEW_TRAFFIC:
            continue
        owner = _owner(nlb, host, f"{client}:{client_port}", vip, port)
        run = node.find(vip, port)
        if owner == host:
            takers.append(host)
        if run is not None and run.is_handled and nlb.linked(host, host):
            run.accepted += owner == host
            run.dropped += owner != host
    return tuple(host for host in takers if nlb.linked(host, host))


def _owner(nlb: NlbCluster, host: str, client: str, vip: str, port: int) -> str | None:
    """Return who `host` believes takes a datagram. client: ``ADDRESS:PORT``."""
    members = sorted(
        (nlb.nodes[name] for name in nlb.nodes[host].members),
        key=lambda node: node.host_id,
    )
    if nlb.nodes[host].find(vip, port) is None:
        return members[0].host if members else None  # documented: KB Q198496, default host
    taking = []
    for node in members:
        run = node.find(vip, port)
        if run is not None and run.state is PortState.ENABLED and run.rule.mode != "disabled":
            taking.append((node, run.rule))
    if not taking:
        return None
    if taking[0][1].mode == "single":
        return min(taking, key=lambda pair: pair[1].priority or 0)[0].host
    by_port = taking[0][1].affinity == "none"
    key = client if by_port else client.rpartition(":")[0]
    return taking[zlib.crc32(key.encode()) % len(taking)][0].host
