"""Edge: a TCP server on loopback that can be closed and opened again on the same port.

Ends its connections when it is closed, as a process that dies does. POSIX only: the port is
kept by a second socket that never listens, so that nobody takes it while the server is closed
and callers are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

LOOPBACK = "127.0.0.1"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class LoopbackServer:
    """A server whose every connection is one call of `handler`."""

    def __init__(self, handler: Handler) -> None:
        """Take a free port and refuse connections on it until `open`."""
        self._handler = handler
        self._keeper = _bound(0)
        self.port: int = self._keeper.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether connections are accepted."""
        return self._server is not None

    async def open(self) -> None:
        """Accept connections; nothing if it does already."""
        async with self._opening:  # two at once would leave a listener that nobody closes
            if self._server is None:
                self._server = await asyncio.start_server(self._connected, sock=_bound(self.port))

    def close(self) -> None:
        """Refuse connections from now on and break those that stand."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()

    async def end(self) -> None:
        """Close for good and give the port back."""
        self.close()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._keeper.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(
                ConnectionError,
                asyncio.IncompleteReadError,
                asyncio.LimitOverrunError,
                asyncio.CancelledError,
                ValueError,
            ):
                await self._handler(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()


def _bound(port: int) -> socket.socket:
    kept = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind((LOOPBACK, port))
    return kept


async def gone_within(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Wait that long, and tell whether the caller went away meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            await reader.read()
    except TimeoutError:
        return False
    return True
