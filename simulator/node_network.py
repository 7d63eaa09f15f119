"""Edge: the network between the nodes of a simulated pair, for programs that run on them.

On loopback every program reaches every other one. Here a program on a node is reached through a
port of its own that passes nothing on while a host at either end is cut off: as with lost
packets, callers wait and are not refused, and what is under way goes on when the network is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from simulator.loopback import LOOPBACK, LoopbackServer
from simulator.world import HostRun

CHUNK_BYTES = 65536
LOOK_AGAIN_SECONDS = 0.05


class Road:
    """A way to one program. hosts: those at its ends that may be cut off."""

    def __init__(self, target: str, *hosts: HostRun) -> None:
        """Lead to `target`, as ``127.0.0.1:PORT``; nothing is opened yet."""
        self._port = int(target.rpartition(":")[2])
        self._hosts = hosts
        self._server = LoopbackServer(self._pass_on)
        self.address = f"{LOOPBACK}:{self._server.port}"

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Be open for as long as the block lasts; gives its address."""
        await self._server.open()
        try:
            yield self.address
        finally:
            await self._server.end()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passable()
        there, back = await asyncio.open_connection(LOOPBACK, self._port)
        ways = [
            asyncio.create_task(self._carry(reader, back)),
            asyncio.create_task(self._carry(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK_BYTES):
            await self._passable()
            sink.write(data)
            await sink.drain()

    async def _passable(self) -> None:
        while not all(host.connected for host in self._hosts):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
