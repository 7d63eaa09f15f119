"""Edge: the simulated site with all its faces in one event loop, on loopback.

Starts and ends the faces and moves the world's time on. POSIX only (see `loopback` and
`nlb_client`). Opens nothing beyond loopback and no thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from cluster.clock import Clock, Instant
from simulator import cim_tool, mlcmd, nlb_client, site_discovery, site_files, site_sources
from simulator.cim_tool import CimTool
from simulator.control import Control
from simulator.description import SiteDescription
from simulator.loopback import LOOPBACK
from simulator.nlb_server import NlbServer, Tool
from simulator.nlb_tool import NlbTool
from simulator.sip_http import SipHttp
from simulator.sip_log import SipLog
from simulator.sip_log_text import LogProfile
from simulator.sip_tcp import TcpRelay
from simulator.sip_udp import Relay, open_sip_server, port_of
from simulator.tool_text import ToolProfile
from simulator.world import HostRun, World

TICK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ClusterFaces:
    """Where one cluster can be reached. Ports are UDP ports on loopback, by host for SIP.

    virtual_ip_tcp_port: the virtual IP once more, over TCP.

    alive_ports: TCP ports on loopback, by host, each open as long as its SIP Server lives: here
    the port of its page.
    """

    virtual_ip_port: int
    virtual_ip_tcp_port: int
    sip_ports: dict[str, int]
    pages: dict[str, str]
    programs: dict[str, Path]
    relay: Relay
    logs: dict[str, Path]
    alive_ports: dict[str, int]


class Site:
    """A running site. `world` is its truth; call `advance` before looking at it."""

    def __init__(
        self,
        description: SiteDescription,
        profile: ToolProfile,
        directory: Path,
        clock: Clock,
        back_end: str = "nlb",
        sources: tuple[str, ...] = ("http",),
        logs: LogProfile | None = None,
    ) -> None:
        """Make a site that is not running yet.

        directory: its own, made when it runs. back_end, sources: that clusters.yml names, the
        latter in order of precedence. logs: how SIP Servers write theirs, None for as usual.
        """
        self._sources, self._log_profile = sources, logs or LogProfile()
        self._logs: list[SipLog] = []
        self.world = World(description)
        self.directory = directory
        self._clock, self._profile, self._back_end = clock, profile, back_end
        self._began: Instant = clock.now()
        self.faces: dict[str, ClusterFaces] = {}
        self.control_url = ""
        self._pages: list[SipHttp] = []

    @property
    def configuration(self) -> Path:
        """The site's clusters.yml."""
        return self.directory / site_files.CONFIGURATION

    @property
    def began(self) -> datetime:
        """The UTC moment of the world's second 0."""
        return self._began.utc

    def advance(self) -> float:
        """Bring the world to this moment; return its time in seconds."""
        now = self._clock.now().seconds_since(self._began)
        self.world.advance(now)
        return now

    def seconds_of(self, monotonic: float) -> float:
        """Return the world's time at a moment of this process's monotonic clock."""
        return monotonic - self._began.monotonic

    def entries(self) -> list[dict[str, Any]]:
        """Return the clusters as clusters.yml has them."""
        return [
            site_files.cluster_entry(
                cluster.description,
                self.faces[name].programs,
                {host: self._sources_of(name, host) for host in cluster.hosts},
                self._profile.code_page,
                self._back_end,
            )
            | {"service_probe": self._probe_of(name)}
            for name, cluster in self.world.clusters.items()
        ]

    def _probe_of(self, cluster: str) -> dict[str, Any]:
        """Return how the exporter asks the virtual IP, which here is a port of loopback."""
        port = self.faces[cluster].virtual_ip_port
        return {"address": LOOPBACK, "port": port, "refresh": "1s", "timeout": "1s"}

    def listeners(self) -> dict[str, Any]:
        """Return where everything listens, as plain data."""
        return {
            name: {
                "virtual_ip": f"udp {LOOPBACK}:{faces.virtual_ip_port}",
                "virtual_ip_tcp": f"tcp {LOOPBACK}:{faces.virtual_ip_tcp_port}",
                "sip_servers": {
                    host: f"udp {LOOPBACK}:{port}" for host, port in faces.sip_ports.items()
                },
                "pages": faces.pages,
                "logs": {host: str(path) for host, path in faces.logs.items()},
                "alive": {h: f"tcp {LOOPBACK}:{port}" for h, port in faces.alive_ports.items()},
                "programs": {host: str(path) for host, path in faces.programs.items()},
                "mlcmd": str(mlcmd.path(self.directory)),
                "datagrams": {
                    "received": faces.relay.counts.received,
                    "taken": faces.relay.counts.taken,
                    "lost": faces.relay.counts.lost,
                    "answered": faces.relay.counts.answered,
                },
            }
            for name, faces in self.faces.items()
        }

    @contextlib.asynccontextmanager
    async def running(self, control_port: int = 0) -> AsyncIterator[Site]:
        """Run all faces for as long as the block lasts. control_port: 0 takes a free one."""
        async with contextlib.AsyncExitStack() as stack:
            await self._open(stack, control_port)
            ticking = asyncio.create_task(self._tick())
            try:
                yield self
            finally:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)

    async def _open(self, stack: contextlib.AsyncExitStack, control_port: int) -> None:
        began_local = self._began.utc.astimezone().replace(tzinfo=None)
        tool = NlbTool(self.world, self._profile, began_local)
        tools: dict[str, Tool] = {
            "nlb": tool,
            "wlbs": tool,
            cim_tool.NAME: CimTool(self.world, began_local),
        }
        calls = NlbServer(self.world, tools, self.advance)
        stack.push_async_callback(calls.server.end)
        await calls.server.open()
        management = mlcmd.MlcmdServer(self.world, self.advance)
        stack.push_async_callback(management.server.end)
        await management.server.open()
        for name in self.world.clusters:
            self.faces[name] = await self._open_cluster(stack, name)
        await self._open_control(stack, control_port)
        self._write(calls.server.port, management.server.port)
        stack.callback(site_discovery.withdraw, self.control_url, self.directory)
        site_discovery.announce(self.control_url, self.directory)

    def _write(self, calls_port: int, management_port: int) -> None:
        """Write all files. Only now, since a site that cannot run must not change any."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name, cluster in self.world.clusters.items():
            for host in cluster.hosts:
                nlb_client.write(self.directory, name, host, LOOPBACK, calls_port)
        mlcmd.write(self.directory, management_port)
        for log in self._logs:
            log.open()
        site_files.write_configuration(self.configuration, self.entries())

    async def _open_cluster(self, stack: contextlib.AsyncExitStack, name: str) -> ClusterFaces:
        cluster = self.world.cluster(name)
        relay = Relay(cluster, self.advance)
        virtual_ip = await relay.open()
        stack.callback(virtual_ip.close)
        tcp_port = await stack.enter_async_context(TcpRelay(cluster, self.advance).listening())
        sip_ports, pages, programs = {}, {}, {}
        logs, alive_ports = {}, {}
        for host_name, host in cluster.hosts.items():
            page = SipHttp(self.world, host, self.advance)
            stack.push_async_callback(page.server.end)
            await page.follow()
            self._pages.append(page)
            log = self._log_of(host)
            logs[host_name], alive_ports[host_name] = log.path, page.server.port
            sip = await open_sip_server(host, self.advance)
            stack.callback(sip.close)
            sip_ports[host_name], pages[host_name] = port_of(sip), page.url
            programs[host_name] = nlb_client.path(self.directory, host_name)
        return ClusterFaces(
            port_of(virtual_ip), tcp_port, sip_ports, pages, programs, relay, logs, alive_ports
        )

    def _log_of(self, host: HostRun) -> SipLog:
        knobs, folder = self.world.knobs, self.directory / host.description.name
        log = SipLog(host, folder, self._log_profile, knobs.check_point_seconds, self._utc_now)
        self._logs.append(log)
        return log

    def _utc_now(self) -> datetime:
        return self.began + timedelta(seconds=self.world.agenda.now)

    def _sources_of(self, cluster: str, host: str) -> list[dict[str, Any]]:
        """Return how clusters.yml names the mode sources of a host."""
        faces = self.faces[cluster]
        return site_sources.entries(
            self._sources,
            site_sources.ModeFaces(
                faces.pages[host],
                self.world.knobs.lag_seconds,
                faces.logs[host],
                faces.alive_ports[host],
                mlcmd.path(self.directory),
            ),
        )

    async def _open_control(self, stack: contextlib.AsyncExitStack, port: int) -> None:
        control = Control(self.world, self.began, self.advance, self.listeners, self.follow)
        runner = web.AppRunner(control.application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        listener = web.TCPSite(runner, LOOPBACK, port)
        await listener.start()
        self.control_url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"

    async def follow(self) -> None:
        """Let the faces follow the world at once."""
        self.advance()
        for page in self._pages:
            await page.follow()
        for log in self._logs:
            log.follow()

    async def _tick(self) -> None:
        while True:
            await self.follow()
            await asyncio.sleep(TICK_SECONDS)
