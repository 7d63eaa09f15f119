"""``sipnlb-simulator demo``: the whole road from a mode change to a moved port, for real.

Site, exporter, remediator, Prometheus and Alertmanager on free loopback ports; the three
workflows and their ways back; a table at the end. Leaves no process and no directory behind,
however it ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from rich.console import Console

from cluster.clock import Clock, SystemClock
from cluster.errors import ClusterError
from simulator import demo_stack
from simulator.demo_display import Display
from simulator.demo_nodes import Deployment, Node
from simulator.demo_play import Player
from simulator.demo_probe import OptionsProbe
from simulator.demo_report import SHOWN, Report, Workflow
from simulator.demo_stack import Stack
from simulator.description import usual_site
from simulator.knobs import quick
from simulator.signals import stop_asked
from simulator.site import Site
from simulator.tool_text import ToolProfile

EXIT_RIGHT, EXIT_WRONG = 0, 1


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks. json_file: None for no file."""

    json_file: Path | None
    keep: bool
    lag_seconds: float
    plain: bool
    deployment: Deployment = Deployment.CENTRAL


async def command(options: Options) -> int:
    """Play the demonstration; return the exit status. An interruption counts as not right."""
    with stop_asked() as asked:
        reports: list[Report] = []
        playing = asyncio.create_task(_demonstrate(options, reports, SystemClock()))
        interrupted = asyncio.create_task(asked.wait())
        await asyncio.wait({playing, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        interrupted.cancel()
        playing.cancel()
        try:
            await playing
        except asyncio.CancelledError:
            if reports:
                print("Everything that was started has been ended.")
            else:
                print("interrupted; everything that was started has been ended", file=sys.stderr)
        except (ClusterError, OSError, aiohttp.ClientError, TimeoutError) as error:
            print(f"the demonstration failed: {error}", file=sys.stderr)
    return EXIT_RIGHT if reports and reports[0].ended_right else EXIT_WRONG


async def _demonstrate(options: Options, reports: list[Report], clock: Clock) -> None:
    """Play all and add the report to `reports`; with `keep`, run on until cancelled."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="sipnlb-demo-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        site = Site(usual_site(1, quick(options.lag_seconds)), ToolProfile(), directory, clock)
        console.print(SHOWN, highlight=False)
        console.print("Starting site, exporter, remediator, Prometheus, Alertmanager …")
        running = demo_stack.running(site, directory, clock, options.deployment)
        async with site.running(), running as stack:
            report = await _play(options, stack, console, clock)
            _say(console, "\n".join(report.lines()))
            if options.json_file is not None:
                _write(report, options.json_file)
                _say(console, f"The results were written to {options.json_file}.")
            reports.append(report)
            if options.keep:
                _say(console, "\n".join(addresses(stack)))
                await asyncio.Event().wait()


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _write(report: Report, file: Path) -> None:
    file.write_text(json.dumps(report.to_json(), indent=2) + "\n", "utf-8")


async def _play(options: Options, stack: Stack, console: Console, clock: Clock) -> Report:
    site = stack.site
    cluster = next(iter(site.world.clusters.values()))
    probe = OptionsProbe(site.faces[cluster.description.name].virtual_ip_port, clock)
    display = Display(console, site, cluster, live=console.is_terminal and not options.plain)
    done: list[Workflow] = []
    async with probe.running(), display.running(probe, stack.pager):
        player = Player(stack, cluster, probe, clock, display.say)
        await player.play_all(done)
    return Report(
        tuple(done),
        stack.versions,
        options.lag_seconds,
        tuple(stack.pager.pages),
        str(options.deployment),
    )


def addresses(stack: Stack) -> list[str]:
    """Return where everything can be looked at, each with an address that a browser can show."""
    at = stack.at
    prometheus = f"http://{at.prometheus}"
    if stack.pages is not None:
        prometheus += "/classic/alerts   plain: Debian's package is only unpacked"
    return [
        "",
        "All of it goes on; Ctrl-C ends it.",
        f"  Prometheus     {prometheus}",
        f"                 http://{at.prometheus}/api/v1/alerts   as JSON",
        f"  Alertmanager   http://{at.alertmanager}/api/v2/alerts   as JSON; Debian's has no pages",
        *(line for node in stack.nodes for line in _addresses_of(node, stack)),
        f"  control API    {stack.site.control_url}/api/v1/site",
        *(f"  configuration  {stack.configuration_of(node)}" for node in stack.nodes),
        f"  logs           {stack.directory}",
    ]


def _addresses_of(node: Node, stack: Stack) -> tuple[str, str]:
    place = f"   on {node.host}" if node.host else ""
    return (
        f"  exporter       http://{node.exporter}{place}",
        f"  remediator     http://{node.remediator}{place}   bearer token in {stack.token}",
    )
