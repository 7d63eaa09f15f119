"""Edge: answers the calls of the simulated hosts' ``nlb``, ``wlbs`` and ``powershell`` commands.

What a call does and prints is `nlb_tool`'s and `cim_tool`'s; here it only takes its time, hangs
or breaks off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from simulator.loopback import LoopbackServer, gone_within
from simulator.management_layer import NotPossibleError
from simulator.nlb_tool import ToolAnswer
from simulator.world import World

MAX_CALL_BYTES = 65536


class Tool(Protocol):
    """What a command does."""

    def call(self, cluster: str, host: str, name: str, arguments: tuple[str, ...]) -> ToolAnswer:
        """Carry out one call on a host. name: of the command. Never raises for its input."""


class NlbServer:
    """The other end of every command of the site's hosts."""

    def __init__(
        self, world: World, tools: Mapping[str, Tool], advance: Callable[[], object]
    ) -> None:
        """Answer from `tools`, by command; `advance` brings the world to this moment."""
        self._world, self._tools, self._advance = world, tools, advance
        self.server = LoopbackServer(self._answer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int(await reader.readline())
        if not 0 <= size <= MAX_CALL_BYTES:
            return
        fields = (await reader.readexactly(size)).decode("utf-8", "replace").split("\0")
        cluster, host, name, *arguments = fields
        self._advance()
        try:
            faults = self._world.cluster(cluster).host(host).faults
        except NotPossibleError:
            return
        # The change falls into the middle of the call; whoever is gone by then changes nothing.
        half = (self._world.knobs.command_seconds + faults.nlb_latency_seconds) / 2
        if await gone_within(reader, half):
            return
        self._advance()
        answer = self._tools[name].call(cluster, host, name, tuple(arguments))
        if answer.hangs:
            await reader.read()  # until the caller gives up
            return
        if await gone_within(reader, half):
            return
        writer.write(b"%d\n" % answer.exit_status + answer.output)
        await writer.drain()
