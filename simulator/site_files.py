"""Edge: the ``clusters.yml`` of a simulated site, and whether a directory may have one.

``clusters.yml`` is what exporter and remediator read. The commands ``HOST/nlb`` beside it are
`nlb_client`'s, ``control-url`` is `site_discovery`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from cluster import config
from cluster.errors import ClusterError
from simulator import site_discovery
from simulator.description import ClusterDescription

FIRST_LINE = "# Written by sipnlb-simulator: a simulated site. Nothing in it is real."
CONFIGURATION = "clusters.yml"


def refuse_foreign(directory: Path) -> None:
    """Raise `ClusterError` if a site must not write into a directory.

    It must not where clusters.yml is somebody's own, or where another site runs.
    """
    file = directory / CONFIGURATION
    if file.exists() and _first_line(file) != FIRST_LINE:
        raise ClusterError(
            str(file),
            "was not written by sipnlb-simulator and is not overwritten",
            "choose an empty directory with --directory",
        )
    user = site_discovery.user_of(directory)
    if user is not None:
        raise ClusterError(
            str(directory),
            f"is used by the simulated site that runs with the control API {user}",
            "end that site, or choose another directory with --directory",
        )


def _first_line(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as lines:
        return lines.readline().rstrip("\r\n")


def cluster_entry(
    cluster: ClusterDescription,
    programs: dict[str, Path],
    sources: dict[str, list[dict[str, Any]]],
    code_page: str,
    back_end: str = "nlb",
) -> dict[str, Any]:
    """Return a cluster as clusters.yml has it. programs, sources: by host name.

    programs: the ``nlb`` commands; back end ``cim`` gets the ``powershell`` beside each.
    """
    return {
        "name": cluster.name,
        "simulated": True,
        "virtual_ip": cluster.virtual_ip,
        "operation_mode": cluster.nlb.operation_mode,
        "port_rules": [
            {"vip": rule.vip, "start": rule.start, "end": rule.end, "protocol": rule.protocol}
            for rule in cluster.configured
        ],
        "hosts": [
            {
                "name": host.name,
                "host_id": host.host_id,
                "address": host.address,
                "runner": {"type": "local"},
                "nlb": _nlb(programs[host.name], code_page, back_end),
                "sip_server": {
                    "application": host.application,
                    "sources": sources[host.name],
                },
            }
            for host in cluster.hosts
        ],
    }


def _nlb(program: Path, code_page: str, back_end: str) -> dict[str, Any]:
    if back_end == "cim":
        return {"backend": "cim", "program": str(program.with_name("powershell"))}
    return {"backend": "nlb", "program": str(program), "code_page": code_page}


def write_configuration(
    file: Path, clusters: list[dict[str, Any]], more: dict[str, Any] | None = None
) -> None:
    """Write clusters.yml and load it as the programs would. more: their own sections.

    Raises `cluster.errors.ConfigError` if it is refused.
    """
    document = {"clusters": clusters, **(more or {})}
    text = FIRST_LINE + "\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    file.write_text(text, "utf-8")
    config.load(file)
