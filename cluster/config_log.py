"""What mode sources ``log`` must be to the rest of ``clusters.yml``. Pure.

Part of `cluster.config_checks`, which reports all problems together.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.config_model import Cluster, Config
from cluster.config_sources import LogSource, TcpLiveness
from cluster.strict_yaml import Path, path_text

Found = tuple[Path, str, str]
"""Key path, problem, hint."""


def contradictions_of_log(config: Config) -> Iterator[Found]:
    """Find logs that stand for two hosts, and signs of life that anybody could give."""
    seen: dict[str, Path] = {}
    for cluster, source, place in _sources(config):
        path = source.path.replace("\\", "/").casefold()
        if path in seen:
            yield (
                (*place, "path"),
                f"{source.path!r} is already {path_text(seen[path])}",
                "each SIP Server writes a log of its own",
            )
        seen.setdefault(path, (*place, "path"))
        alive = source.liveness
        shared = {cluster.virtual_ip, cluster.nlb_ip}
        if isinstance(alive, TcpLiveness) and alive.address in shared:
            yield (
                (*place, "liveness", "address"),
                "whoever takes the traffic answers on the cluster's own address",
                "use the host's dedicated address",
            )


def _sources(config: Config) -> Iterator[tuple[Cluster, LogSource, Path]]:
    for c, cluster in enumerate(config.clusters):
        for h, host in enumerate(cluster.hosts):
            for number, source in enumerate(host.sip_server.sources):
                if isinstance(source, LogSource):
                    place = ("clusters", c, "hosts", h, "sip_server", "sources", number)
                    yield cluster, source, place
