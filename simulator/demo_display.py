"""Edge: shows the demonstration while it runs: live on a terminal, in plain lines elsewhere.

Shows the world's truth, not what the products read of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from rich.console import Console
from rich.live import Live
from rich.panel import Panel

from simulator import demo_picture, truth
from simulator.demo_pager import Pager
from simulator.demo_picture import Shown
from simulator.demo_probe import ANSWER_SECONDS, OptionsProbe
from simulator.event_text import OrderedLines, event_line, line
from simulator.site import Site
from simulator.world import ClusterRun

REFRESH_SECONDS = 0.2
KEPT_ANSWERS = 300  # more than a terminal has columns
HOLD_SECONDS = ANSWER_SECONDS + 0.1
"""A plain line is held that long, since a request counts as lost only so late."""


class Display:
    """What a person sees of one cluster while the workflows are played."""

    def __init__(self, console: Console, site: Site, cluster: ClusterRun, *, live: bool) -> None:
        """Show `cluster`. live: redraw in place; else print a line for each thing that happens."""
        self._console, self._site, self._cluster, self._is_live = console, site, cluster, live
        self._title = "waiting for everything to be ready"
        self._lines = OrderedLines()
        self._shown_events = 0
        self._last_shown = float("-inf")
        self._last_answer: str | None = ""

    def say(self, what: str) -> None:
        """Tell what is played now."""
        self._title = what
        if not self._is_live:
            self._note_events()  # what came before stands before it
            self._lines.add(self._site.advance(), f"== {what}")

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
            self._print(self._lines.take())

    async def _live(self, probe: OptionsProbe, pager: Pager) -> None:
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(self.picture(probe, pager), refresh=True)
                await asyncio.sleep(REFRESH_SECONDS)

    async def _plain(self, probe: OptionsProbe) -> None:
        while True:
            self.show_due(probe)
            await asyncio.sleep(REFRESH_SECONDS)

    def show_due(self, probe: OptionsProbe) -> None:
        """Print the plain lines of what happened, up to a moment ago, in the order of time."""
        now = self._site.advance()
        self._note_events()
        self._note_answers(probe)
        self._print(self._lines.take(now - HOLD_SECONDS))

    def _note_events(self) -> None:
        events = self._site.world.events
        for event in events.after(self._shown_events):
            self._lines.add(event.at, event_line(event))
        self._shown_events = events.count

    def _note_answers(self, probe: OptionsProbe) -> None:
        """Note each change of who answers, at the time at which the request was sent."""
        for sent in probe.ended_after(self._last_shown):
            self._last_shown = sent.at
            if sent.host != self._last_answer:
                self._last_answer = sent.host
                what = f"answered by {sent.host}" if sent.host else "lost"
                at = self._site.seconds_of(sent.at)
                self._lines.add(at, line(at, "virtual IP", f"SIP OPTIONS {what}"))

    def _print(self, lines: list[str]) -> None:
        for text in lines:
            self._console.print(f"simulated: {text}", highlight=False, markup=False, soft_wrap=True)

    def picture(self, probe: OptionsProbe, pager: Pager) -> Panel:
        """Return the live picture of this moment, for the console's present size."""
        self._site.advance()
        name = self._cluster.description.name
        shown = Shown(
            title=f"SIMULATED SITE {name}: {self._title}",
            rows=[self._row(host) for host in self._cluster.hosts],
            answers=[sent.host for sent in probe.latest(KEPT_ANSWERS)],
            pages=pager.pages,
            events=[event_line(event) for event in self._site.world.events_of(name)],
        )
        size = self._console.size
        return demo_picture.picture(shown, size.width, size.height)

    def _row(self, name: str) -> tuple[str, ...]:
        host, nlb = self._cluster.hosts[name], self._cluster.nlb
        rule = self._cluster.description.configured[0]
        return (
            name,
            "up" if host.connected else "cut off",
            "running" if host.server.is_running else "dead",
            str(host.server.mode),
            str(nlb.nodes[name].run),
            ", ".join(str(number) for number in nlb.member_ids(name)),
            str(truth.port_state(self._cluster, name, rule)),
        )
