"""Edge: what the simulated site writes into its directory, and where its address is found.

``clusters.yml`` is what exporter and remediator read; ``HOST/nlb`` are the commands;
``control-url`` names the control API.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

from cluster import config
from simulator.description import ClusterDescription

CONTROL_FILE = "control-url"


def discovery_directory() -> Path:
    """Return where the last site of this user leaves its address.

    ``sipnlb-simulator-USER`` in the system's directory for temporary files ($TMPDIR).
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Path(tempfile.gettempdir()) / f"sipnlb-simulator-{user}"


def announce(url: str, directory: Path) -> None:
    """Write the control API's address where `discover` finds it, and into `directory`."""
    public = discovery_directory()
    for place in (directory, public):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place is public and place.stat().st_uid != os.getuid():
            continue  # somebody else made it: callers name the address with --control
        (place / CONTROL_FILE).write_text(url + "\n", "utf-8")


def withdraw(url: str, directory: Path) -> None:
    """Take the address back, unless a later site has left its own."""
    for place in (directory, discovery_directory()):
        file = place / CONTROL_FILE
        with contextlib.suppress(OSError):
            if file.read_text("utf-8").strip() == url:
                file.unlink()
    with contextlib.suppress(OSError):
        discovery_directory().rmdir()


def discover() -> str | None:
    """Return the address that the last running site left, or None."""
    try:
        return (discovery_directory() / CONTROL_FILE).read_text("utf-8").strip() or None
    except OSError:
        return None


def cluster_entry(
    cluster: ClusterDescription,
    programs: dict[str, Path],
    pages: dict[str, str],
    lag_seconds: float,
    code_page: str,
) -> dict[str, Any]:
    """Return a cluster as clusters.yml has it. programs, pages: by host name."""
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
                "nlb": {
                    "backend": "nlb",
                    "program": str(programs[host.name]),
                    "code_page": code_page,
                },
                "sip_server": {
                    "application": host.application,
                    "sources": [
                        {
                            "type": "http",
                            "url": pages[host.name],
                            "lag": f"{round(lag_seconds * 1000)}ms",
                        }
                    ],
                },
            }
            for host in cluster.hosts
        ],
    }


def write_configuration(
    file: Path, clusters: list[dict[str, Any]], more: dict[str, Any] | None = None
) -> None:
    """Write clusters.yml and load it as the programs would. more: their own sections.

    Raises `cluster.errors.ConfigError` if it is refused.
    """
    document = {"clusters": clusters, **(more or {})}
    text = "# Written by sipnlb-simulator: a simulated site. Nothing in it is real.\n"
    text += yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    file.write_text(text, "utf-8")
    config.load(file)
