"""The roads between the nodes of a simulated pair, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from simulator.description import usual_site
from simulator.knobs import quick
from simulator.loopback import LOOPBACK, LoopbackServer
from simulator.node_network import Road
from simulator.world import HostRun, World

pytestmark = pytest.mark.integration

Ask = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
SHORT = 0.3  # seconds in which an answer comes if the road is passable
LONG = 5.0


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(b"heard " + line)
        await writer.drain()


async def _said(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    try:
        async with asyncio.timeout(seconds):
            return await reader.readline()
    except TimeoutError:
        return None


def on_a_road(play: Callable[[Ask, HostRun, HostRun], Awaitable[None]]) -> None:
    """Play on a road between two hosts that leads to a program which repeats what it hears."""

    async def run() -> None:
        one, two = World(usual_site(1, quick())).clusters["sip-east"].hosts.values()
        program = LoopbackServer(_echo)
        await program.open()
        try:
            async with Road(f"{LOOPBACK}:{program.port}", one, two).open() as address:
                port = int(address.rpartition(":")[2])
                await play(lambda: asyncio.open_connection(LOOPBACK, port), one, two)
        finally:
            await program.end()

    asyncio.run(run())


def test_what_is_under_way_waits_while_a_host_is_cut_off() -> None:
    """Packets are lost, not refused: nothing arrives, and all of it once the network is back."""

    async def play(ask: Ask, _: HostRun, two: HostRun) -> None:
        reader, writer = await ask()
        writer.write(b"one\n")
        assert await _said(reader, LONG) == b"heard one\n"
        two.connected = False
        writer.write(b"two\n")
        assert await _said(reader, SHORT) is None
        two.connected = True
        assert await _said(reader, LONG) == b"heard two\n"
        writer.close()

    on_a_road(play)


def test_a_new_caller_waits_too_and_may_give_up() -> None:
    """Either end may be the one that is cut off; who gave up is not heard afterwards."""

    async def play(ask: Ask, one: HostRun, _: HostRun) -> None:
        one.connected = False
        reader, writer = await ask()
        writer.write(b"lost\n")
        assert await _said(reader, SHORT) is None
        writer.close()
        one.connected = True
        reader, writer = await ask()
        writer.write(b"again\n")
        assert await _said(reader, LONG) == b"heard again\n"
        writer.close()

    on_a_road(play)


def test_a_program_that_is_gone_ends_the_connection() -> None:
    """A caller is not left waiting for what no longer runs."""

    async def run() -> None:
        (host, _) = World(usual_site(1, quick())).clusters["sip-east"].hosts.values()
        program = LoopbackServer(_echo)
        async with Road(f"{LOOPBACK}:{program.port}", host).open() as address:
            reader, writer = await asyncio.open_connection(*address.split(":"))
            assert await _said(reader, LONG) == b""
            writer.close()
        await program.end()

    asyncio.run(run())
