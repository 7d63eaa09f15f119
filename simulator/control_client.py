"""Edge: the commands that ask a running site's control API, for people at a terminal."""

from __future__ import annotations

import json
import sys
import urllib.parse
from typing import Any

from simulator import site_discovery
from simulator.control_call import RefusedError, ask

_NO_SITE = (
    "no simulated site was found; start one with 'sipnlb-simulator site', "
    "or name its address with --control"
)


def command(
    name: str, cluster: str, control: str | None, *, host: str | None, as_json: bool
) -> int:
    """Carry out one command; return the exit status.

    control: address of the control API, None for that of the only site that runs.
    """
    url = control or _only_site()
    if url is None:
        return 1
    path = f"{url.rstrip('/')}/api/v1/clusters/{urllib.parse.quote(cluster, safe='')}"
    try:
        if name != "state":
            answer = ask(f"{path}/{name}", {"host": host} if host else {})
            print(
                f"simulated: {cluster}: {name} "
                + (f"of {answer['host']} done" if answer.get("host") else "begun")
            )
            return 0
        state = ask(path, None)
    except RefusedError as error:
        print(f"simulated site: {error}", file=sys.stderr)
        return 1
    print(json.dumps(state, indent=2) if as_json else "\n".join(state_lines(state)))
    return 0


def _only_site() -> str | None:
    """Return the address of the only site that runs; None, and say why, if it is not one."""
    found = site_discovery.discover()
    if len(found) == 1:
        return found[0].url
    print(_several(found) if found else _NO_SITE, file=sys.stderr)
    return None


def _several(found: list[site_discovery.RunningSite]) -> str:
    return "several simulated sites run; name the address of one with --control:\n" + "\n".join(
        f"  {site.url}  {site.directory}".rstrip() for site in found
    )


def state_lines(state: dict[str, Any]) -> list[str]:
    """Write the answer of the control API about one cluster for people."""
    verdict = "as it should be" if state["ended_right"] else state["why_not_right"]
    lines = [
        f"SIMULATED cluster {state['name']}, virtual IP {state['virtual_ip']}",
        f"primary: {state['primary'] or 'none or several'}; ports: {verdict}",
        _row("host", "network", "process", "mode", "node", "members", "ports"),
    ]
    for host in state["hosts"]:
        node = host["node_state"] + (" default" if host["is_default"] else "")
        ports = ", ".join(f"{port['start']} {port['state']}" for port in host["ports"])
        lines.append(
            _row(
                host["name"],
                "up" if host["connected"] else "cut off",
                host["process"],
                host["mode"],
                node,
                ",".join(map(str, host["members"])) or "-",
                ports,
            )
        )
    lines += [
        f"{event['at'][11:23]}  {event['host'] or '-':<16} {event['what']}"
        for event in state["events"][-12:]
    ]
    return [line.rstrip() for line in lines]


def _row(*cells: str) -> str:
    widths = (16, 8, 8, 8, 18, 8, 0)
    return " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
