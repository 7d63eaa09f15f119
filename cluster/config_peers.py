"""What a host that is only read through its own exporter may have in ``clusters.yml``. Pure.

Part of `cluster.config_checks`, which reports all problems together.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from cluster.config_model import Cluster, Host, Nlb, Policy
from cluster.config_runners import PeerSettings
from cluster.strict_yaml import Path

Found = tuple[Path, str, str]
"""Key path, problem, hint."""


def contradictions_of_peers(cluster: Cluster, policy: Policy, at: Path) -> Iterator[Found]:
    """Find what a peer must not have, and what every other host needs."""
    seen: dict[str, int] = {}
    for number, host in enumerate(cluster.hosts):
        place = (*at, "hosts", number)
        if isinstance(host.runner, PeerSettings):
            yield from _of_peer(cluster, host, host.runner, place)
            first = seen.setdefault(host.runner.url, number)
            if first != number:
                yield (
                    (*place, "runner", "url"),
                    f"hosts[{first}] is read through the same exporter",
                    "name the exporter that runs on the host itself",
                )
        elif not host.sip_server.sources:
            yield (*place, "sip_server", "sources"), "needs at least 1", "add what is missing"
    if not cluster.own_hosts:
        yield (
            (*at, "hosts"),
            "every host is a peer, so that nothing can be read or switched from here",
            "give the host on which this configuration is used runner type local",
        )
    elif cluster.peers and policy.order == "disable_first":
        yield (
            ("remediator", "policy", "order"),
            "disable_first cannot be kept where another remediator commands a host",
            "use enable_first: a host is closed when its peer was read as serving",
        )


def _of_peer(cluster: Cluster, host: Host, runner: PeerSettings, place: Path) -> Iterator[Found]:
    parts = urlsplit(runner.url)
    if parts.hostname in {cluster.virtual_ip, cluster.nlb_ip}:
        yield (
            (*place, "runner", "url"),
            "the exporter would be asked through the cluster's own address",
            "use the host's address on a network card without NLB",
        )
    for key in ("ca_file", "cert_file"):
        if getattr(runner, key) is not None and parts.scheme != "https":
            yield (*place, "runner", key), "it is of no use with http", "use https in the url"
    if host.sip_server.sources:
        yield (
            (*place, "sip_server", "sources"),
            "a peer is read through its own exporter, which has the sources",
            "leave them out here",
        )
    if host.nlb != Nlb():
        yield (
            (*place, "nlb"),
            "a peer is never spoken to; its own exporter knows how",
            "leave it out here",
        )
