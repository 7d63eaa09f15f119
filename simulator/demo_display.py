"""Edge: shows the demonstration while it runs: live on a terminal, in plain lines elsewhere.

Shows the world's truth, not what the products read of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from simulator import truth
from simulator.agenda import Event
from simulator.demo_pager import Pager
from simulator.demo_probe import OptionsProbe
from simulator.site import Site
from simulator.world import ClusterRun

REFRESH_SECONDS = 0.2
SHOWN_ANSWERS = 60
SHOWN_EVENTS = 12
_COLOURS = {
    "primary": "bold green",
    "backup": "cyan",
    "unknown": "red",
    "enabled": "bold green",
    "disabled": "dim",
    "cut off": "bold red",
    "dead": "bold red",
    "converging": "yellow",
}


class Display:
    """What a person sees of one cluster while the workflows are played."""

    def __init__(self, console: Console, site: Site, cluster: ClusterRun, *, live: bool) -> None:
        """Show `cluster`. live: redraw in place; else print a line for each thing that happens."""
        self._console, self._site, self._cluster, self._is_live = console, site, cluster, live
        self._title = "waiting for everything to be ready"
        self._shown_events = 0
        self._last_shown = -1.0
        self._last_answer: str | None = ""

    def say(self, what: str) -> None:
        """Tell what is played now."""
        self._title = what
        if not self._is_live:
            self._line(f"== {what}")

    @contextlib.asynccontextmanager
    async def running(self, probe: OptionsProbe, pager: Pager) -> AsyncIterator[None]:
        """Show for as long as the block lasts."""
        showing = asyncio.create_task(
            self._live(probe, pager) if self._is_live else self._plain(probe)
        )
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _live(self, probe: OptionsProbe, pager: Pager) -> None:
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(self._picture(probe, pager), refresh=True)
                await asyncio.sleep(REFRESH_SECONDS)

    async def _plain(self, probe: OptionsProbe) -> None:
        while True:
            events = self._events()
            for event in events[self._shown_events :]:
                self._line(f"{event.at:8.2f} s  {event.host or '-':<12} {event.what}")
            self._shown_events = len(events)
            self._show_answers(probe)
            await asyncio.sleep(REFRESH_SECONDS)

    def _show_answers(self, probe: OptionsProbe) -> None:
        """Print each change of who answers, with the time at which the request was sent."""
        for sent in probe.latest(SHOWN_ANSWERS):
            if sent.at <= self._last_shown:
                continue
            self._last_shown = sent.at
            if sent.host != self._last_answer:
                self._last_answer = sent.host
                what = f"answered by {sent.host}" if sent.host else "lost"
                at = self._site.seconds_of(sent.at)
                self._line(f"{at:8.2f} s  {'virtual IP':<12} SIP OPTIONS {what}")

    def _line(self, text: str) -> None:
        self._console.print(f"simulated: {text}", highlight=False, markup=False, soft_wrap=True)

    def _events(self) -> tuple[Event, ...]:
        return self._site.world.events_of(self._cluster.description.name)

    def _picture(self, probe: OptionsProbe, pager: Pager) -> Panel:
        self._site.advance()
        answers = Text("SIP OPTIONS at the virtual IP: ")
        for sent in probe.latest(SHOWN_ANSWERS):
            hosts = list(self._cluster.hosts)
            mark = "x" if sent.host is None else str(hosts.index(sent.host) + 1)
            answers.append(mark, style="bold red" if sent.host is None else "green")
        events = "\n".join(
            f"{event.at:8.2f} s  {event.host or '-':<12} {event.what}"
            for event in self._events()[-SHOWN_EVENTS:]
        )
        pages = Text(f"Pages to a person: {', '.join(pager.pages) or 'none'}")
        return Panel(
            Group(self._table(), answers, pages, Text(events, style="dim")),
            title=f"SIMULATED SITE {self._cluster.description.name}: {self._title}",
        )

    def _table(self) -> Table:
        table = Table(expand=True)
        for heading in ("host", "network", "process", "mode", "node", "sees", "port"):
            table.add_column(heading)
        for name, host in self._cluster.hosts.items():
            node = self._cluster.nlb.nodes[name]
            rule = self._cluster.description.configured[0]
            ids = ", ".join(str(number) for number in self._cluster.nlb.member_ids(name))
            table.add_row(
                *(
                    Text(cell, style=_COLOURS.get(cell, ""))
                    for cell in (
                        name,
                        "up" if host.connected else "cut off",
                        "running" if host.server.is_running else "dead",
                        str(host.server.mode),
                        str(node.run),
                        ids,
                        str(truth.port_state(self._cluster, name, rule)),
                    )
                )
            )
        return table
