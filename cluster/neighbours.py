"""Edge: asks this machine how it reaches an address. Reads only, sends nothing to the address.

Pairs with `cluster.neighbour_table`, which reads the answers. The Windows way has not been run
on Windows.
"""

from __future__ import annotations

import ipaddress
import sys

from cluster import programs
from cluster.clock import Clock, Deadline
from cluster.neighbour_table import Neighbour, parse_arp, parse_iproute


def neighbour(
    address: str, deadline: Deadline, clock: Clock, ip_program: str = "ip"
) -> Neighbour | None:
    """Return what this machine knows of an address; None if it cannot be asked.

    address: as `ipaddress` writes it; it becomes an argument of the programs.
    """
    if sys.platform == "win32":
        if ipaddress.ip_address(address).version != 4:
            return None  # arp knows IPv4 alone
        said = _said(["arp", "-a", address], deadline, clock)
        return None if said is None else parse_arp(said[0], address)
    neighbours = _said([ip_program, "-j", "neigh", "show", "to", address], deadline, clock)
    route = _said([ip_program, "-j", "route", "get", address], deadline, clock)
    if neighbours is None or neighbours[1] != 0 or route is None:
        return None
    # Without any way to the address, the second fails and prints nothing (observed).
    return parse_iproute(neighbours[0], route[0])


def _said(argv: list[str], deadline: Deadline, clock: Clock) -> tuple[str, int] | None:
    """Run a program; return its output and exit status, None if it did not run to its end."""
    finished = programs.run(argv, deadline, clock)
    if finished.exit_status is None:
        return None
    return finished.stdout.decode("utf-8", errors="replace"), finished.exit_status
