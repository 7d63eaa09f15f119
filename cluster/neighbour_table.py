"""What this machine's neighbour table and routes say of one address. Pure: text → model.

Linux: JSON of iproute2 (observed: iproute2 6.1). Windows: ``arp -a ADDRESS`` (documented: arp
command, /a), of which only addresses are read, as its words are localised.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cluster.nlb.mac import plain_mac


@dataclass(frozen=True, slots=True)
class Neighbour:
    """How this machine reaches an address.

    mac: the hardware address it has for it, as ``02-bf-0a-00-00-64``; None for no entry.
    is_static: the entry was made by hand. gateway: the router on the way, None where the
    address is on a network of this machine. is_own: it is this machine's own address.
    None in the last three means not told.
    """

    mac: str | None = None
    is_static: bool | None = None
    gateway: str | None = None
    is_own: bool | None = None


def parse_iproute(neighbours: str, route: str) -> Neighbour | None:
    """Read ``ip -j neigh show to ADDRESS`` and ``ip -j route get ADDRESS``; None: unreadable.

    An empty second text is no route, as without a default route.
    """
    entries, routes = _objects(neighbours), _objects(route)
    if entries is None or routes is None:
        return None
    way = routes[0] if routes else {}
    gateway = way.get("gateway")
    found = Neighbour(
        gateway=gateway if isinstance(gateway, str) else None,
        is_own=way.get("type") == "local",
    )
    for entry in entries:
        mac = plain_mac(str(entry.get("lladdr")))
        if mac is not None:
            is_static = "PERMANENT" in str(entry.get("state"))
            return Neighbour(mac, is_static, found.gateway, found.is_own)
    return found


def parse_arp(text: str, address: str) -> Neighbour:
    """Read ``arp -a ADDRESS``: the hardware address on the line that begins with the address."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == address and plain_mac(words[1]):
            return Neighbour(plain_mac(words[1]))
    return Neighbour()


def _objects(text: str) -> list[dict[str, Any]] | None:
    """Return a JSON list of objects, empty for no text; None if it is anything else."""
    if not text.strip():
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(found, list) and all(isinstance(each, dict) for each in found)
    return found if is_list else None
