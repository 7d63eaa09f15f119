"""What a host that is reached over SSH may have in ``clusters.yml``. Pure.

Part of `cluster.config_checks`, which reports all problems together.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.config_model import Cluster, Host
from cluster.config_runners import SshSettings
from cluster.runners.ssh_quoting import Shell, why_refused
from cluster.strict_yaml import Path


def contradictions_of_ssh(cluster: Cluster, at: Path) -> Iterator[tuple[Path, str, str]]:
    """Find what would reach another host than the one meant, and paths no shell can be given."""
    seen: dict[tuple[str, int, str | None], int] = {}
    for number, host in enumerate(cluster.hosts):
        if not isinstance(host.runner, SshSettings):
            continue
        place = (*at, "hosts", number)
        where = host.runner.address or host.address
        if host.runner.address in {cluster.virtual_ip, cluster.nlb_ip}:
            yield (
                (*place, "runner", "address"),
                f"{host.runner.address} is the cluster's own address",
                "give an address of the host itself: whoever takes the traffic answers there",
            )
        first = seen.setdefault((where, host.runner.port, host.nlb.program), number)
        if first != number:
            yield (
                (*place, "runner", "address" if host.runner.address else "port"),
                f"hosts[{first}] is reached at the same address and port",
                "give each host's own: one program answers for one host",
            )
        yield from _paths(host, Shell(host.runner.shell), place)


def _paths(host: Host, shell: Shell, place: Path) -> Iterator[tuple[Path, str, str]]:
    for key in ("program", "scripts"):
        path = getattr(host.nlb, key)
        reason = why_refused(path.rstrip("/\\"), shell) if path else None
        if reason is not None:
            yield (
                (*place, "nlb", key),
                f"{path!r} cannot be passed through {shell}: {reason}",
                "use a plain path",
            )
