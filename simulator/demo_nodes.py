"""Where the programs of the demonstration run: both in one place, or on each node. Edge: ports.

``central``: one exporter and one remediator. ``on-node``: an exporter and a remediator on each
node, which knows the other one as a peer; all roads between nodes, and to them, go through
`node_network`, so that a node that is cut off is cut off with what runs on it.
"""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from simulator.loopback import LOOPBACK
from simulator.node_network import Road
from simulator.site import Site

_PORTS = range(20000, 30000)  # below the ranges from which systems take ports of callers


class Deployment(StrEnum):
    """Where exporter and remediator run."""

    CENTRAL = "central"
    ON_NODE = "on-node"


@dataclass(frozen=True, slots=True)
class Node:
    """One exporter and one remediator. Addresses are ``127.0.0.1:PORT``.

    host: on which they run, empty for none. exporter, remediator: where they listen.
    exporter_seen, remediator_seen: where Prometheus and Alertmanager reach them.
    alertmanager_seen: where its remediator reaches Alertmanager. entries: the clusters as its
    clusters.yml has them.
    """

    host: str
    exporter: str
    remediator: str
    exporter_seen: str
    remediator_seen: str
    alertmanager_seen: str
    entries: list[dict[str, Any]]

    def named(self, program: str) -> str:
        """Return what one of its programs is called: ``exporter-sip-east-1``."""
        return f"{program}-{self.host}" if self.host else program


def free_addresses() -> Iterator[str]:
    """Yield addresses on loopback that nobody listens on at this moment, each once."""
    for port in random.sample(_PORTS, len(_PORTS)):
        if _is_free(port):
            yield f"{LOOPBACK}:{port}"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


async def nodes_of(
    deployment: Deployment,
    site: Site,
    free: Iterator[str],
    alertmanager: str,
    token: Path,
    exits: contextlib.AsyncExitStack,
) -> tuple[Node, ...]:
    """Return where the programs are to run; opens the roads to them, until `exits` ends.

    free: addresses to take. token: file of the secret that nodes show each other.
    """
    if deployment is Deployment.CENTRAL:
        at = next(free), next(free)
        return (Node("", *at, *at, alertmanager, site.entries()),)
    (cluster,) = site.world.clusters.values()
    listens = {host: (next(free), next(free)) for host in cluster.hosts}
    made = []
    for name, host in cluster.hosts.items():
        host.asked_from_itself = True
        exporter, remediator = listens[name]
        peers = {
            other: await exits.enter_async_context(Road(listens[other][0], host, run).open())
            for other, run in cluster.hosts.items()
            if other != name
        }
        made.append(
            Node(
                name,
                exporter,
                remediator,
                await exits.enter_async_context(Road(exporter, host).open()),
                await exits.enter_async_context(Road(remediator, host).open()),
                await exits.enter_async_context(Road(alertmanager, host).open()),
                with_peers(site.entries(), peers, token, site.world.knobs.lag_seconds),
            )
        )
    return tuple(made)


def with_peers(
    entries: list[dict[str, Any]], peers: dict[str, str], token: Path, lag_seconds: float
) -> list[dict[str, Any]]:
    """Return the clusters as one node has them. peers: addresses of the others' exporters."""
    for host in (host for entry in entries for host in entry["hosts"] if host["name"] in peers):
        host["runner"] = {
            "type": "peer",
            "url": f"http://{peers[host['name']]}",
            "bearer_token_file": str(token),
            "lag": f"{round(lag_seconds * 1000)}ms",
        }
        host["sip_server"] = {"application": host["sip_server"]["application"]}
        del host["nlb"]
    return entries
