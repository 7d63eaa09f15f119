"""Edge: ``sipnlb-simulator site``: runs a site until it is interrupted, and tells its events."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from cluster.clock import SystemClock
from cluster.errors import ClusterError
from simulator import site_files
from simulator.description import SiteDescription, set_up_as, usual_cluster
from simulator.event_text import event_line
from simulator.knobs import Knobs, Overlap, quick
from simulator.signals import stop_asked
from simulator.sip_log_text import LogProfile
from simulator.site import Site
from simulator.tool_text import ExitProfile, ToolProfile

TELL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks of a site. directory: None for a temporary one."""

    clusters: int
    directory: Path | None
    lag_seconds: float
    control_port: int
    documented_pace: bool
    overlap: Overlap
    version: str
    line_end: str
    exit_profile: ExitProfile
    rules_stay_disabled: bool
    wider_rule: bool
    foreign_cluster: bool
    operation_mode: str
    affinity: str
    remote_control: bool
    back_end: str
    sources: tuple[str, ...]
    logs: LogProfile

    def knobs(self) -> Knobs:
        """Return how the site is to behave."""
        pace = Knobs() if self.documented_pace else quick()
        return replace(
            pace,
            lag_seconds=self.lag_seconds,
            overlap=self.overlap,
            rules_reenabled_after_restart=not self.rules_stay_disabled,
        )

    def description(self) -> SiteDescription:
        """Return what the site is to consist of."""
        return SiteDescription(
            tuple(
                set_up_as(
                    usual_cluster(number, wider_rule=self.wider_rule, foreign=self.foreign_cluster),
                    operation_mode=self.operation_mode,
                    affinity=self.affinity,
                    remote_control=self.remote_control,
                )
                for number in range(self.clusters)
            ),
            self.knobs(),
        )

    def profile(self) -> ToolProfile:
        """Return how its NLB utility is to print."""
        return ToolProfile(
            version=self.version, line_end=self.line_end, exit_profile=self.exit_profile
        )


async def run(options: Options) -> int:
    """Run the site until a signal asks to stop; return the exit status."""
    with stop_asked() as asked, contextlib.ExitStack() as stack:
        directory = options.directory
        if directory is None:
            directory = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="sipnlb-site-"))
            )
        try:
            site_files.refuse_foreign(directory)
            site = Site(
                options.description(),
                options.profile(),
                directory.resolve(),
                SystemClock(),
                options.back_end,
                options.sources,
                options.logs,
            )
            async with site.running(options.control_port):
                print("\n".join(_addresses(site)), flush=True)
                await _tell_until(asked, site)
        except (OSError, ClusterError) as error:
            print(f"the simulated site cannot run: {error}", file=sys.stderr)
            return 1
    return 0


async def _tell_until(asked: asyncio.Event, site: Site) -> None:
    """Print what happens in the site until somebody asks to stop."""
    told = 0
    while not asked.is_set():
        site.advance()
        events = site.world.events
        lines = [f"simulated: {event_line(event)}" for event in events.after(told)]
        told = events.count
        if lines:
            _print("\n".join(lines))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), TELL_SECONDS)


def _print(text: str) -> None:
    """Print; where nobody reads any longer, the site goes on without a word."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 # until the end


def _addresses(site: Site) -> list[str]:
    lines = [
        "SIMULATED SITE: nothing in it is real. Ctrl-C ends it.",
        f"  configuration  {site.configuration}",
        f"  control API    {site.control_url}/api/v1/site",
    ]
    for name, faces in site.faces.items():
        lines.append(f"  {name}")
        lines.append(f"    virtual IP   udp 127.0.0.1:{faces.virtual_ip_port}")
        for host, page in faces.pages.items():
            lines.append(f"    {host}   {page}   {faces.programs[host]}")
    return lines
