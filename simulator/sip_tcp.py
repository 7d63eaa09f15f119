"""Edge: the virtual IP over TCP. NLB decides once a connection who takes it (`nlb_traffic`).

Where no host takes it a real connection is not even opened; here it is opened and nothing
answers, which a caller tells apart only by the time it takes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from cluster.sip.options import head_end
from simulator import nlb_traffic
from simulator.loopback import LOOPBACK
from simulator.sip_message import MAX_DATAGRAM
from simulator.sip_udp import answer_of
from simulator.world import ClusterRun

IDLE_SECONDS = 60.0


class TcpRelay:
    """SIP's first port of a cluster's first rule, over TCP."""

    def __init__(self, cluster: ClusterRun, advance: Callable[[], object]) -> None:
        """Hand connections to the hosts of `cluster`; `advance` brings the world to this moment."""
        self._cluster, self._advance = cluster, advance
        self._sip_port = cluster.description.configured[0].start

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen for as long as the block lasts; give the port."""
        server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._advance()
        client = writer.get_extra_info("peername")
        takers = nlb_traffic.take(
            self._cluster.nlb,
            *client[:2],
            vip=self._cluster.description.virtual_ip,
            port=self._sip_port,
        )
        buffer = b""
        while len(buffer) <= MAX_DATAGRAM and (more := await reader.read(MAX_DATAGRAM)):
            buffer += more
            while (end := head_end(buffer)) is not None:
                request, buffer = buffer[:end].lstrip(b"\r\n"), buffer[end:]
                self._advance()
                for taker in takers[:1]:
                    writer.write(answer_of(self._cluster.hosts[taker], request) or b"")
                    await writer.drain()
