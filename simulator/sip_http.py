"""Edge: the statistics page of one simulated SIP Server, on a port of its own.

A dead process refuses connections; a host that is cut off accepts them and never answers, as
lost packets look from outside. What the page says is `serverx_page`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from simulator.faults import PageFault
from simulator.loopback import LOOPBACK, LoopbackServer, gone_within
from simulator.serverx_page import Page, page
from simulator.world import HostRun, World


class SipHttp:
    """``/serverx`` and ``/serverx?sipServer`` of one host."""

    def __init__(self, world: World, host: HostRun, advance: Callable[[], object]) -> None:
        """Show `host`; `advance` brings the world to this moment."""
        self._world, self._host, self._advance = world, host, advance
        self.server = LoopbackServer(self._answer)

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{LOOPBACK}:{self.server.port}/serverx"

    async def follow(self) -> None:
        """Open or close the port, as the process lives or not. Call it often."""
        refused = self._host.faults.page is PageFault.REFUSED
        if self._host.server.is_running and not refused:
            await self.server.open()
        elif self.server.is_open:
            self.server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self._advance()
        faults = self._host.faults
        if not self._host.can_be_asked or faults.page is PageFault.HANG:
            await reader.read()  # until the caller gives up
            return
        if faults.page_latency_seconds and await gone_within(reader, faults.page_latency_seconds):
            return
        writer.write(_http(self._page(request)))
        await writer.drain()

    def _page(self, request: bytes) -> Page:
        method, target = [*request.split(b"\r\n", 1)[0].split(b" "), b"", b""][:2]
        path, _, query = target.partition(b"?")
        if method != b"GET" or path != b"/serverx" or query not in {b"", b"sipServer"}:
            text = b"only GET /serverx and GET /serverx?sipServer are simulated\n"
            return Page("404 Not Found", text, len(text))
        return page(
            self._host.server,
            self._world.agenda.now,
            self._world.knobs,
            self._host.faults.page,
            bare=bool(query),
        )


def _http(answer: Page) -> bytes:
    kind = "text/xml" if answer.status.startswith("200") else "text/plain"
    return (
        f"HTTP/1.1 {answer.status}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Length: {answer.length}\r\nServer: sipnlb-simulator\r\nConnection: close\r\n\r\n"
    ).encode() + answer.body
