"""The hardware address of an NLB cluster, as its IP and operation mode give it. Pure.

documented: msmvps clusterhelp (first byte 02 unicast, 03 multicast; second ``bf``; then the
cluster's primary IP). assumed: ``01-00-5e-7f-`` and the last two bytes for IGMP multicast.
For an IPv6 address no rule is documented.
"""

from __future__ import annotations

import ipaddress
import re

ASSUMED_MODES = frozenset({"igmp_multicast"})
"""Operation modes of which the rule is not documented, so that a difference proves nothing."""

_FIRST_BYTES = {"unicast": "02", "multicast": "03"}


def derived_mac(cluster_ip: str, operation_mode: str) -> str | None:
    """Return the address as ``nlb params`` writes it; None for IPv6.

    operation_mode: ``unicast``, ``multicast`` or ``igmp_multicast``.
    """
    address = ipaddress.ip_address(cluster_ip)
    if address.version != 4:
        return None
    octets = [f"{octet:02x}" for octet in address.packed]
    if operation_mode == "igmp_multicast":
        return "-".join(["01", "00", "5e", "7f", *octets[2:]])
    return "-".join([_FIRST_BYTES[operation_mode], "bf", *octets])


def plain_mac(text: str) -> str | None:
    """Return a hardware address in one form, ``02-bf-0a-00-00-64``; None if it is none."""
    digits = re.fullmatch(r"([0-9A-Fa-f]{1,2})(?:[:-]([0-9A-Fa-f]{1,2})){5}", text.strip())
    if digits is None:
        return None
    return "-".join(part.zfill(2).lower() for part in re.split("[:-]", text.strip()))
