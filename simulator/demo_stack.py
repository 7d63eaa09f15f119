"""Edge: starts, watches and ends the programs of the demonstration around the simulated site.

Exporter, remediator, Prometheus and Alertmanager are the real ones. Whatever happens, it ends
every program that it started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
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
from simulator.demo_nodes import Deployment, Node, free_addresses, nodes_of
from simulator.demo_pager import Pager
from simulator.site import Site

READY_SECONDS = 60.0
GRACE_SECONDS = 8.0
ASK_SECONDS = 2.0
FAST_SECONDS = 5.0  # rule groups with a longer interval are pages, which nothing waits for
NEVER = "0001"  # the year that Prometheus gives for what it has not done yet
PROGRAMS = ("remediator", "exporter")


@dataclass(slots=True)
class Stack:
    """The running programs. Addresses are ``127.0.0.1:PORT``.

    pages: where Prometheus finds its pages, None where it knows by itself.
    """

    site: Site
    directory: Path
    at: Addresses
    nodes: tuple[Node, ...]
    pager: Pager
    token: Path
    session: aiohttp.ClientSession
    pages: Path | None
    versions: dict[str, str] = field(default_factory=dict)
    running: dict[str, programs.RunningProgram] = field(default_factory=dict)

    def configuration_of(self, node: Node) -> Path:
        """Return the clusters.yml of a node."""
        if not node.host:
            return self.site.configuration
        return self.directory / f"{node.named('clusters')}.yml"

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
        if url.startswith(tuple(f"http://{node.remediator}/" for node in self.nodes)):
            headers["Authorization"] = "Bearer " + self.token.read_text("utf-8").strip()
        async with self.session.get(url, params=query, headers=headers) as answer:
            answer.raise_for_status()
            if answer.content_type == "application/json":
                return await answer.json()
            return await answer.text()

    async def journal(self, cluster: str) -> list[dict[str, Any]]:
        """Return the latest rows of all remediators' journals, oldest first."""
        rows: list[dict[str, Any]] = []
        for node in self.nodes:
            url = f"http://{node.remediator}/api/v1/journal"
            rows += (await self.get(url, cluster=cluster, limit="200"))["rows"][::-1]
        return sorted(rows, key=lambda row: str(row["at"]))


@contextlib.asynccontextmanager
async def running(
    site: Site, directory: Path, clock: Clock, deployment: Deployment
) -> AsyncIterator[Stack]:
    """Run the whole stack around a running site for as long as the block lasts."""
    prometheus, alertmanager = demo_tools.find("prometheus"), demo_tools.find("alertmanager")
    async with contextlib.AsyncExitStack() as exits:
        pager = Pager()
        await exits.enter_async_context(pager.running())
        session = await exits.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS), trust_env=False)
        )
        token, free = demo_files.write_token(directory), free_addresses()
        at_prometheus, at_alertmanager = next(free), next(free)
        nodes = await nodes_of(deployment, site, free, at_alertmanager, token, exits)
        at = Addresses(
            tuple(node.exporter_seen for node in nodes),
            tuple(node.remediator_seen for node in nodes),
            at_prometheus,
            at_alertmanager,
            pager.address,
        )
        pages = demo_tools.unpacked_pages(prometheus)
        stack = Stack(site, directory, at, nodes, pager, token, session, pages)
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
    commands: dict[str, Sequence[str]] = {}
    for node in stack.nodes:
        commands |= _commands_of(stack, node)
    commands |= {
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


def _commands_of(stack: Stack, node: Node) -> dict[str, Sequence[str]]:
    """Write the configuration of one node; return how its programs are started."""
    file = stack.configuration_of(node)
    journal = stack.directory / f"{node.named('journal')}.db"
    own = demo_configs.program_sections(journal, node.alertmanager_seen, stack.token)
    site_files.write_configuration(file, node.entries, own)
    start = (sys.executable, "-m")
    return {
        node.named(program): (
            *start,
            program,
            f"--config.file={file}",
            f"--web.listen-address={getattr(node, program)}",
        )
        for program in PROGRAMS
    }


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
    own = {n.named(program): getattr(n, program) for n in stack.nodes for program in PROGRAMS}
    for name, address in {
        **own,
        "alertmanager": at.alertmanager,
        "prometheus": at.prometheus,
    }.items():
        try:
            await stack.get(f"http://{address}/-/ready")
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
