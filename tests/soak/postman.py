"""Edge: the way of notifications from Alertmanager to the remediator, on which they may get lost.

Listens on loopback and passes webhooks on as the schedule says. Alertmanager is answered as if
the notification had arrived, whatever becomes of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random

import aiohttp
from aiohttp import web

from simulator.loopback import LOOPBACK
from tests.soak.incident import Do, Notices, Step


class Postman:
    """Passes notifications on to `target`, as ``127.0.0.1:PORT``."""

    def __init__(self, target: str, session: aiohttp.ClientSession, random: Random) -> None:
        self._target, self._session, self._random = target, session, random
        self._notices: list[tuple[int, Notices]] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self.address = ""
        self.taken = self.lost = self.sent = 0

    def do(self, number: int, step: Step) -> None:
        """Let a step of an incident happen to what comes from now on."""
        if step.do is Do.NOTICES:
            self._notices.append((number, Notices(step.what)))
        else:
            self._notices = [each for each in self._notices if each[0] != number]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Postman]:
        """Listen for as long as the block lasts."""
        application = web.Application(client_max_size=4 * 1024 * 1024)
        application.add_routes([web.post("/{path:.*}", self._take)])
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        self.address = f"{LOOPBACK}:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body, headers = await request.read(), {"Content-Type": "application/json"}
        if "Authorization" in request.headers:
            headers["Authorization"] = request.headers["Authorization"]
        self.taken += 1
        happens, random = self._notices[-1][1] if self._notices else Notices.SOUND, self._random
        if happens is Notices.SOUND:
            return web.Response(status=await self._post(request.path, body, headers, 0.0))
        after = {
            Notices.LOST: [],
            Notices.DOUBLED: [0.0, 0.0, random.uniform(0.1, 3.0)],
            Notices.LATE: [random.uniform(5.0, 60.0)],
            Notices.SHUFFLED: [random.uniform(0.0, 20.0)],
        }[happens]
        self.lost += not after
        for seconds in after:
            task = asyncio.create_task(self._bring(request.path, body, headers, seconds))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return web.Response(status=200)

    async def _bring(self, path: str, body: bytes, headers: dict[str, str], after: float) -> None:
        await self._post(path, body, headers, after)

    async def _post(self, path: str, body: bytes, headers: dict[str, str], after: float) -> int:
        """Pass a notification on after a while; return what the remediator answers."""
        await asyncio.sleep(after)
        try:
            async with self._session.post(
                f"http://{self._target}{path}", data=body, headers=headers
            ) as answer:
                await answer.read()
                self.sent += 1
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 503
