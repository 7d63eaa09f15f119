"""Edge: starts, watches and ends the programs of the demonstration around the simulated site.

Exporter, remediator, Prometheus and Alertmanager are the real ones. Whatever happens, it ends
every program that it started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from cluster import programs
from cluster.clock import Clock, deadline_in
from cluster.errors import ClusterError
from simulator import demo_configs, demo_files, demo_tools, site_files
from simulator.demo_configs import Addresses
from simulator.demo_pager import Pager
from simulator.loopback import LOOPBACK
from simulator.site import Site

READY_SECONDS = 60.0
GRACE_SECONDS = 8.0
ASK_SECONDS = 2.0
FAST_SECONDS = 5.0  # rule groups with a longer interval are pages, which nothing waits for
NEVER = "0001"  # the year that Prometheus gives for what it has not done yet
_PORTS = range(20000, 30000)  # below the ranges from which systems take ports of callers


@dataclass(slots=True)
class Stack:
    """The running programs. Addresses are ``127.0.0.1:PORT``.

    pages: where Prometheus finds its pages, None where it knows by itself.
    """

    site: Site
    directory: Path
    at: Addresses
    pager: Pager
    token: Path
    session: aiohttp.ClientSession
    pages: Path | None
    versions: dict[str, str] = field(default_factory=dict)
    running: dict[str, programs.RunningProgram] = field(default_factory=dict)

    def log_file(self, name: str) -> Path:
        """Return the log of one program."""
        return self.directory / f"{name}.log"

    def check(self) -> None:
        """Raise `ClusterError` with the end of its log if a program has ended."""
        for name, program in self.running.items():
            status = program.poll()
            if status is not None:
                raise ClusterError(name, f"ended with status {status}", self.end_of_log(name))

    def end_of_log(self, name: str) -> str:
        """Return the last lines of a program's log."""
        try:
            lines = self.log_file(name).read_text("utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return "last lines of its log:\n" + "\n".join(f"    {line}" for line in lines[-15:])

    async def get(self, url: str, **query: str) -> Any:
        """Ask one of the programs; return the JSON, or the text where it is none.

        Raises `aiohttp.ClientError`, or TimeoutError, where that fails.
        """
        headers = {}
        if url.startswith(f"http://{self.at.remediator}/"):
            headers["Authorization"] = "Bearer " + self.token.read_text("utf-8").strip()
        async with self.session.get(url, params=query, headers=headers) as answer:
            answer.raise_for_status()
            if answer.content_type == "application/json":
                return await answer.json()
            return await answer.text()

    async def journal(self, cluster: str) -> list[dict[str, Any]]:
        """Return the latest rows of the remediator's journal, oldest first."""
        url = f"http://{self.at.remediator}/api/v1/journal"
        rows: list[dict[str, Any]] = (await self.get(url, cluster=cluster, limit="200"))["rows"]
        return rows[::-1]


@contextlib.asynccontextmanager
async def running(site: Site, directory: Path, clock: Clock) -> AsyncIterator[Stack]:
    """Run the whole stack around a running site for as long as the block lasts."""
    prometheus, alertmanager = demo_tools.find("prometheus"), demo_tools.find("alertmanager")
    async with contextlib.AsyncExitStack() as exits:
        pager = Pager()
        await exits.enter_async_context(pager.running())
        session = await exits.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS), trust_env=False)
        )
        ports = (f"{LOOPBACK}:{port}" for port in _free_ports(4))
        at = Addresses(next(ports), next(ports), next(ports), next(ports), pager.address)
        token = demo_files.write_token(directory)
        site_files.write_configuration(
            site.configuration, site.entries(), demo_configs.program_sections(directory, at, token)
        )
        stack = Stack(
            site, directory, at, pager, token, session, demo_tools.unpacked_pages(prometheus)
        )
        stack.versions = {
            "prometheus": await _version(prometheus, clock),
            "alertmanager": await _version(alertmanager, clock),
        }
        exits.push_async_callback(_stop, stack.running)
        _start(stack, prometheus, alertmanager)
        await _until_ready(stack, clock)
        yield stack


def _start(stack: Stack, prometheus: Path, alertmanager: Path) -> None:
    directory, at = stack.directory, stack.at
    demo_files.copy_folders(directory)
    prometheus_file = demo_files.write_prometheus(directory, at)
    alertmanager_file = demo_files.write_alertmanager(directory, at, stack.token)
    configuration = f"--config.file={stack.site.configuration}"
    commands: dict[str, Sequence[str]] = {
        "remediator": (
            sys.executable,
            "-m",
            "remediator",
            configuration,
            f"--web.listen-address={at.remediator}",
        ),
        "exporter": (
            sys.executable,
            "-m",
            "exporter",
            configuration,
            f"--web.listen-address={at.exporter}",
        ),
        "alertmanager": (
            str(alertmanager),
            f"--config.file={alertmanager_file}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address={at.alertmanager}",
            "--cluster.listen-address=",
        ),
        "prometheus": (
            str(prometheus),
            f"--config.file={prometheus_file}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            f"--web.listen-address={at.prometheus}",
            *([f"--web.local-assets={stack.pages}/"] if stack.pages else []),
        ),
    }
    for name, argv in commands.items():
        stack.running[name] = programs.start(
            argv, log_file=stack.log_file(name), env=_environment(), cwd=directory
        )


def _environment() -> dict[str, str]:
    """Return this program's environment, with its packages found by the children too."""
    paths = [str(demo_files.PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


async def _stop(running: dict[str, programs.RunningProgram]) -> None:
    """End all programs at once, each with its grace time. Is never broken off itself."""
    ending = asyncio.gather(
        *(asyncio.to_thread(program.stop, GRACE_SECONDS) for program in running.values()),
        return_exceptions=True,
    )
    while not ending.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(ending)
    for name, status in zip(running, ending.result(), strict=True):
        if status == -signal.SIGKILL:
            print(f"{name} had to be killed after {GRACE_SECONDS:.0f} s", file=sys.stderr)


async def _until_ready(stack: Stack, clock: Clock) -> None:
    """Wait until all answer, and Prometheus has read the site and evaluated its rules."""
    deadline = deadline_in(clock, READY_SECONDS)
    waiting = "the programs"
    while deadline.remaining(clock.now()) > 0:
        stack.check()
        try:
            waiting = await _not_ready(stack) or ""
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            waiting = f"{type(error).__name__}: {error}"
        if not waiting:
            return
        await asyncio.sleep(0.2)
    logs = "\n".join(f"  {name}: {stack.end_of_log(name)}" for name in stack.running)
    raise ClusterError("demo", f"not ready after {READY_SECONDS:.0f} s: {waiting}", logs)


async def _not_ready(stack: Stack) -> str | None:
    """Return what is not ready yet, None if all is."""
    at = stack.at
    for name in ("exporter", "alertmanager", "prometheus", "remediator"):
        try:
            await stack.get(f"http://{getattr(at, name)}/-/ready")
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"{name} is not ready: {error}"
    modes = await stack.get(f"http://{at.prometheus}/api/v1/query", query="sip_server_mode == 1")
    known = {series["metric"]["host"] for series in modes["data"]["result"]}
    hosts = {host for cluster in stack.site.world.clusters.values() for host in cluster.hosts}
    if not hosts <= known:
        return "Prometheus has not seen every host yet"
    rules = await stack.get(f"http://{at.prometheus}/api/v1/rules")
    fast = [group for group in rules["data"]["groups"] if group["interval"] <= FAST_SECONDS]
    if not fast or any(group["lastEvaluation"].startswith(NEVER) for group in fast):
        return "Prometheus has not evaluated the rules of repairs yet"
    return None


async def _version(program: Path, clock: Clock) -> str:
    """Return what a program calls its version, ``unknown`` if it does not say."""
    deadline = deadline_in(clock, 10.0)
    finished = await asyncio.to_thread(programs.run, (str(program), "--version"), deadline, clock)
    text = (finished.stdout + finished.stderr).decode("utf-8", errors="replace")
    match = re.search(r"version (\d+\.\d+\.\d+)", text)
    return match[1] if match else "unknown"


def _free_ports(count: int) -> list[int]:
    """Return ports on loopback that nobody listens on at this moment."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            found.append(port)
        if len(found) == count:
            break
    return found
