"""Edge: each simulated SIP Server on its own UDP socket, and the virtual IP that relays to them.

A SIP Server answers OPTIONS while it is primary and is silent while it is backup, dead or cut
off. The virtual IP hands a datagram to whom NLB would hand it (`nlb_traffic`) and gives the
answer back from its own socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from cluster.model import SipMode
from simulator import nlb_traffic
from simulator.loopback import LOOPBACK
from simulator.sip_message import options_answer
from simulator.world import ClusterRun, HostRun

Peer = tuple[str, int]


def answer_of(host: HostRun, datagram: bytes) -> bytes | None:
    """Return what a SIP Server answers at this moment, None if nothing."""
    if not host.connected or host.server.mode is not SipMode.PRIMARY:
        return None
    return options_answer(datagram, host.description.name, host.description.address)


class _Endpoint(asyncio.DatagramProtocol):
    """A UDP socket whose every datagram is one call that may give an answer."""

    def __init__(self, respond: Callable[[bytes, Peer], bytes | None]) -> None:
        self._respond = respond
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        """Answer to where it came from."""
        answer = self._respond(data, addr)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


async def _open(respond: Callable[[bytes, Peer], bytes | None]) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Endpoint(respond), local_addr=(LOOPBACK, 0)
    )
    return transport


def port_of(transport: asyncio.DatagramTransport) -> int:
    """Return the port of a UDP socket."""
    port: int = transport.get_extra_info("sockname")[1]
    return port


async def open_sip_server(
    host: HostRun, advance: Callable[[], object]
) -> asyncio.DatagramTransport:
    """Open the SIP Server of a host on its dedicated address."""

    def respond(datagram: bytes, _: Peer) -> bytes | None:
        advance()
        return answer_of(host, datagram)

    return await _open(respond)


@dataclass(slots=True)
class RelayCounts:
    """Datagrams since the start. taken: handed to some host. lost: no host took it."""

    received: int = 0
    taken: int = 0
    lost: int = 0
    answered: int = 0


class Relay:
    """The virtual IP of one cluster: SIP's first port of its first rule, over UDP."""

    def __init__(self, cluster: ClusterRun, advance: Callable[[], object]) -> None:
        """Hand datagrams to the hosts of `cluster`; `advance` brings the world to this moment."""
        self._cluster, self._advance = cluster, advance
        self._sip_port = cluster.description.configured[0].start
        self.counts = RelayCounts()

    async def open(self) -> asyncio.DatagramTransport:
        """Open the socket that stands for the virtual IP."""
        return await _open(self._respond)

    def _respond(self, datagram: bytes, client: Peer) -> bytes | None:
        self._advance()
        self.counts.received += 1
        takers = nlb_traffic.take(
            self._cluster.nlb,
            *client[:2],
            vip=self._cluster.description.virtual_ip,
            port=self._sip_port,
        )
        self.counts.taken += bool(takers)
        self.counts.lost += not takers
        answers = [
            answer
            for taker in takers
            if (answer := answer_of(self._cluster.hosts[taker], datagram)) is not None
        ]
        self.counts.answered += bool(answers)
        return answers[0] if answers else None
