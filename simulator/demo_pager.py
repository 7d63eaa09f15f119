"""Edge: takes the pages that would go to a person, so that the demonstration can show them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from simulator.loopback import LOOPBACK


class Pager:
    """A receiver of Alertmanager's notifications that only remembers the alerts' names."""

    def __init__(self) -> None:
        """Begin with no page."""
        self.pages: list[str] = []
        self.address = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Pager]:
        """Receive pages for as long as the block lasts."""
        application = web.Application()
        application.router.add_post("/{any:.*}", self._receive)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, 0).start()
            self.address = f"{LOOPBACK}:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        payload = await request.json()
        for alert in payload.get("alerts", ()):
            if alert.get("status") == "firing":
                labels = alert.get("labels", {})
                where = labels.get("host") or labels.get("cluster") or ""
                name = f"{labels.get('alertname', '?')} {where}".strip()
                if name not in self.pages:
                    self.pages.append(name)
        return web.Response()
