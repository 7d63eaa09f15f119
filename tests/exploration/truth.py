"""The truth of a pair of hosts, as small as it can be written, and what may befall it. Pure.

Letters: mode P primary, B backup, U down. Port E enabled, D disabled, G draining (graceful).
Node S serving, X stopped. Nothing here knows what a remediator sees or does: that is
`tests.exploration.loop`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

FREE, FAULT = 0, 1
"""What a change costs: what heals or merely goes on is free, what harms is counted."""

OTHER_MODE = {"P": "B", "B": "P"}


class Host(NamedTuple):
    """The truth of one host.

    before: the mode before its last change while a slow source may still tell it, else empty.
    late: commands that got no answer in time and may still take effect, such as ``DE``.
    scs: connected to Solution Control Server. rule: its port rule is exactly the configured one.
    cut: whoever is not on the host itself can neither read nor command it.
    """

    mode: str
    port: str
    node: str = "S"
    scs: bool = True
    rule: bool = True
    alive: bool = True
    cut: bool = False
    before: str = ""
    late: str = ""


Hosts = tuple[Host, Host]
DEAD = Host("U", "D", "X", alive=False)
RETURNED = Host("B", "E")
"""A host after its start: backup, and its rules enabled again."""

BEGINNINGS: dict[str, Hosts] = {
    "healthy": (Host("P", "E"), Host("B", "D")),
    "switchover": (Host("B", "E"), Host("P", "D")),
    "crash": (Host("U", "E"), Host("P", "D")),
    "host lost": (DEAD, Host("P", "D")),
    "two primaries": (Host("P", "E"), Host("P", "D")),
    "no primary": (Host("B", "E"), Host("B", "D")),
}
"""The sites from which everything begins, each also with the hosts exchanged."""


def with_host(hosts: Hosts, index: int, host: Host) -> Hosts:
    """Return the hosts with one of them replaced."""
    return (host, hosts[1]) if index == 0 else (hosts[0], host)


def commanded(host: Host, letter: str) -> Host:
    """Return the host after a command took effect: E enable, D disable. A dead one does nothing."""
    return host._replace(port=letter) if host.alive else host


def befall(hosts: Hosts) -> Iterator[tuple[str, int, Hosts]]:
    """Yield what may happen next to the site: what, its cost, the site afterwards.

    The Management Layer may name any number of primaries at any moment.
    """
    for index, host in enumerate(hosts):
        for what, cost, after in _befall(host):
            yield what, cost, with_host(hosts, index, after)


@cache
def _befall(host: Host) -> tuple[tuple[str, int, Host], ...]:
    return tuple(_changes(host))


def _changes(host: Host) -> Iterator[tuple[str, int, Host]]:
    if not host.alive:
        yield "host returns", FREE, RETURNED
        return
    yield "host crashes", FAULT, DEAD
    if host.mode == "U":
        yield "SIP Server returns as backup", FREE, host._replace(mode="B")
        yield "SIP Server returns as primary", FAULT, host._replace(mode="P")
    else:
        turned = host._replace(mode=OTHER_MODE[host.mode], before=host.mode)
        yield "mode changes", FAULT, turned
        yield "SIP Server crashes", FAULT, host._replace(mode="U", before="")
    yield from _toggled(host)
    if host.port == "G":
        yield "port has drained", FREE, host._replace(port="D")
    for port in "EDG":
        if port != host.port and (port != "G" or host.port == "E"):
            yield "other hands switch the port", FAULT, host._replace(port=port)
    for letter in host.late:
        rest = host.late.replace(letter, "")
        yield "late command takes effect", FREE, commanded(host, letter)._replace(late=rest)
        yield "late command is lost", FREE, host._replace(late=rest)


def _toggled(host: Host) -> Iterator[tuple[str, int, Host]]:
    if host.node == "S":
        yield "node stops", FAULT, host._replace(node="X")
    else:
        yield "node starts", FREE, host._replace(node="S")
    if host.scs:
        yield "SCS connection is lost", FAULT, host._replace(scs=False)
    else:
        yield "SCS connection is back", FREE, host._replace(scs=True)
    if host.rule:
        yield "port rule is changed", FAULT, host._replace(rule=False)
    else:
        yield "port rule is put right", FREE, host._replace(rule=True)
    if host.cut:
        yield "network heals", FREE, host._replace(cut=False)
    else:
        yield "network cuts a host off", FAULT, host._replace(cut=True)


def tick(hosts: Hosts) -> Hosts:
    """Let one second pass: slow sources have caught up."""
    if not (hosts[0].before or hosts[1].before):
        return hosts
    return (hosts[0]._replace(before=""), hosts[1]._replace(before=""))


def drained(hosts: Hosts) -> Hosts:
    """Return the hosts after what drains has drained."""
    left, right = (host._replace(port="D") if host.port == "G" else host for host in hosts)
    return (left, right)


def healed(hosts: Hosts) -> Iterator[Hosts]:
    """Yield the sites on which everything answers again and one host is primary.

    Commands that are still under way take effect, in either order, or never do.
    """
    primaries = [index for index, host in enumerate(hosts) if host.mode == "P"]
    for primary in primaries if len(primaries) == 1 else (0, 1):
        whole = tuple(
            (host if host.alive else RETURNED)._replace(
                mode="P" if index == primary else "B",
                node="S",
                scs=True,
                rule=True,
                cut=False,
                before="",
            )
            for index, host in enumerate(hosts)
        )
        for left in _endings(whole[0]):
            for right in _endings(whole[1]):
                yield (left, right)


def _endings(host: Host) -> set[Host]:
    return {host._replace(late="", port=letter) for letter in (host.port, *host.late)}
