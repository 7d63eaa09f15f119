"""Edge: ``mlcmd`` of the simulated site, the Management Layer's command-line utility.

One command for the whole site, an executable file like the hosts' ``nlb``. It tells what the
Management Layer believes, which is not always what is. The form of the four lines is
documented; the words of status and run mode and every message are simulated wording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from simulator import nlb_client
from simulator.faults import MlcmdFault
from simulator.loopback import LOOPBACK, LoopbackServer, gone_within
from simulator.world import World

NAME = "mlcmd"
OPERATION = "-getallappstatus"
USUAL_SECONDS = 0.03
MAX_CALL_BYTES = 65536
EXIT_FAILED = 1
FIRST_DBID = 101
OTHER_APPLICATIONS = ("confserv", "Message_Server", "Solution_Control_Server")
GARBAGE = bytes(range(128, 256)) * 3 + b"\x00\xff\x00\r\nApplication: \xff\r\nRunmode\r\n"


def path(directory: Path) -> Path:
    """Return where the command is once it is written."""
    return directory / NAME


def write(directory: Path, port: int) -> None:
    """Write the command. port: where the site answers its calls."""
    nlb_client.write_command(path(directory), (), LOOPBACK, port)


def listing(world: World) -> str:
    """Return what ``mlcmd -getallappstatus`` prints: four lines an application."""
    lines: list[str] = []
    for number, (name, status, run_mode) in enumerate(_applications(world)):
        lines += [
            f"Application: {name}",
            f"DBID: {FIRST_DBID + number}",
            f"Status: {status}",
            f"Runmode: {run_mode}",
        ]
    return "".join(f"{line}\n" for line in lines)


def _applications(world: World) -> Iterator[tuple[str, str, str]]:
    for name in OTHER_APPLICATIONS:
        yield name, "Running", "Primary"
    for cluster in world.clusters.values():
        for host, run in cluster.hosts.items():
            status, mode = cluster.management.belief(host)
            yield run.server.application, status, str(mode).capitalize()


def answer(world: World, arguments: tuple[str, ...]) -> tuple[int, bytes]:
    """Return exit status and output of one call."""
    if OPERATION not in arguments:
        return EXIT_FAILED, f"usage: {NAME} … {OPERATION}\n".encode()
    fault, text = world.mlcmd_faults.mlcmd, listing(world)
    if fault is MlcmdFault.LOGIN_FAILED:
        return EXIT_FAILED, b"Failed to connect to Configuration Server: login failed\n"
    if fault is MlcmdFault.GARBAGE:
        return 0, GARBAGE
    if fault is MlcmdFault.EMPTY:
        return 0, b""
    if fault is MlcmdFault.TRUNCATED:
        return 0, text[: text.rindex("Runmode:")].encode()
    if fault is MlcmdFault.NOISE:
        text = "Std 04500 connecting\n\n" + text.replace("DBID:", "warning: no TLS\nDBID:")
        text = text.replace("\n", "\r\n") + "done\r\n"
    return 0, text.encode()


class MlcmdServer:
    """The other end of every call of the command."""

    def __init__(self, world: World, advance: Callable[[], object]) -> None:
        """Answer from `world`; `advance` brings it to this moment."""
        self._world, self._advance = world, advance
        self.server = LoopbackServer(self._answer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int(await reader.readline())
        if not 0 <= size <= MAX_CALL_BYTES:
            return
        arguments = tuple((await reader.readexactly(size)).decode("utf-8", "replace").split("\0"))
        faults = self._world.mlcmd_faults
        if faults.mlcmd is MlcmdFault.HANG:
            await reader.read()  # until the caller gives up
            return
        if await gone_within(reader, USUAL_SECONDS + faults.mlcmd_latency_seconds):
            return
        self._advance()
        status, output = answer(self._world, arguments)
        writer.write(b"%d\n" % status + output)
        await writer.drain()
