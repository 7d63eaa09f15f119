"""Edge: the soak with real programs: exporter, remediator, Prometheus, Alertmanager on loopback.

The simulated site runs here, in the soak's own process, with its utilities as executable files
and its pages, as in the demonstration; the judge sees its truth at every step. All programs are
ended, however this ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random

import aiohttp

from cluster import programs
from cluster.clock import SystemClock
from remediator.rows import Hold
from simulator import demo_stack, truth
from simulator.demo_nodes import Deployment
from simulator.demo_stack import GRACE_SECONDS, Stack
from simulator.description import usual_site
from simulator.site import Site
from simulator.tool_text import ToolProfile
from tests.soak.growth import Use, use_of
from tests.soak.incident import AROUND, Do, Incident, Step
from tests.soak.judge import Judge
from tests.soak.kinds import NOT_READ
from tests.soak.knobs import knobs_of
from tests.soak.play import Play
from tests.soak.postman import Postman
from tests.soak.report import Held, Report, report
from tests.soak.schedule import draw

OWN = ("exporter", "remediator")
SAMPLE_SECONDS = 15.0
CALM_LIMIT_SECONDS = 600.0
QUIET_SECONDS = 5.0
MAX_AGE_SECONDS = 2.0
SLACK_SECONDS = 3.0
"""How long a program may take to start on a loaded machine, after its command was decided."""
PROGRAM_OF = {
    Do.PROMETHEUS_DOWN: "prometheus",
    Do.PROMETHEUS_UP: "prometheus",
    Do.ALERTMANAGER_DOWN: "alertmanager",
    Do.ALERTMANAGER_UP: "alertmanager",
}


@dataclass(frozen=True, slots=True)
class RealPlan:
    """One run. seconds: of incidents, by the wall clock. pause: between two on one cluster."""

    seed: int
    clusters: int = 4
    seconds: float = 3600.0
    lag: float = 0.0
    pause: tuple[float, float] = (15.0, 60.0)
    begin: float = 5.0
    only: tuple[str, ...] = ()


@dataclass(slots=True)
class RealResult:
    """What a run came to. uses: of our programs, over time."""

    report: Report
    versions: dict[str, str]
    uses: dict[str, list[Use]] = field(default_factory=dict)
    notifications: str = ""
    ended_by_itself: list[str] = field(default_factory=list)


def real_soak(plan: RealPlan) -> RealResult:
    """Play one schedule in real time."""
    return asyncio.run(_soak(plan))


async def _soak(plan: RealPlan) -> RealResult:
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="sipnlb-soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        description = usual_site(plan.clusters, knobs_of(plan.lag))
        site = Site(description, ToolProfile(), folder, clock)
        running = demo_stack.running(site, folder, clock, Deployment.CENTRAL)
        async with site.running(), running as stack, aiohttp.ClientSession() as session:
            postman = Postman(stack.at.remediators[0], session, Random(plan.seed))
            async with postman.running():
                await _put_between(stack, postman, session)
                return await _Run(plan, site, stack, postman).play()


async def _put_between(stack: Stack, postman: Postman, session: aiohttp.ClientSession) -> None:
    """Let Alertmanager send to the postman."""
    file = stack.directory / "alertmanager.yml"
    text = file.read_text("utf-8")
    target = stack.at.remediators[0]
    assert target in text
    file.write_text(text.replace(target, postman.address), "utf-8")
    async with session.post(f"http://{stack.at.alertmanager}/-/reload") as answer:
        answer.raise_for_status()


class _Run:
    """One run on a stack that is ready."""

    def __init__(self, plan: RealPlan, site: Site, stack: Stack, postman: Postman) -> None:
        self._plan, self._site, self._stack, self._postman = plan, site, stack, postman
        self._judge = Judge(site.world, MAX_AGE_SECONDS, SLACK_SECONDS)
        self._play = Play(site.world)
        self._argv = {
            name: Path(f"/proc/{stack.running[name].pid}/cmdline")
            .read_bytes()
            .decode()
            .split("\0")[:-1]
            for name in set(PROGRAM_OF.values())
        }
        self._down = dict.fromkeys(self._argv, 0)
        self._locks = {name: asyncio.Lock() for name in self._argv}
        self._uses: dict[str, list[Use]] = {name: [] for name in OWN}

    async def play(self) -> RealResult:
        """Play the schedule, wait until all is calm, judge."""
        site, plan = self._site, self._plan
        began = site.advance()
        drawn = draw(
            plan.seed,
            plan.clusters,
            plan.seconds,
            pause=plan.pause,
            begin=plan.begin,
            only=plan.only,
        )
        incidents = tuple(replace(each, at=each.at + began) for each in drawn)
        async with self._sampling(began):
            tasks = [asyncio.create_task(self._befall(incident)) for incident in incidents]
            await asyncio.gather(*tasks)
            await self._calm()
        ended = site.advance()
        journal = self._stack.directory / "journal.db"
        accepted, open_alerts, open_intents, held = _journal(journal, site.began)
        made = report(
            incidents,
            tuple(site.world.clusters),
            self._judge.verdicts,
            held,
            ended=ended,
            quiet=plan.lag + QUIET_SECONDS,
            lag=plan.lag,
            alerts_accepted=accepted,
            alerts_open=open_alerts,
            intents_open=open_intents,
        )
        post = self._postman
        words = f"notifications taken {post.taken:,}, lost {post.lost:,}, brought {post.sent:,}"
        dead = [name for name in OWN if self._stack.running[name].poll() is not None]
        return RealResult(made, self._stack.versions, self._uses, words, dead)

    async def _befall(self, incident: Incident) -> None:
        for step in incident.steps:
            wait = incident.at + step.after - self._site.advance()
            await asyncio.sleep(max(0.0, wait))
            if step.do in AROUND:
                await self._around(incident.number, step)
                continue
            self._site.advance()
            self._judge.by_hand = True
            self._play.do(incident, step)
            self._judge.by_hand = False
            await self._site.follow()

    async def _around(self, number: int, step: Step) -> None:
        if step.do not in PROGRAM_OF:
            self._postman.do(number, step)
            return
        name = PROGRAM_OF[step.do]
        async with self._locks[name]:
            down = step.do in {Do.PROMETHEUS_DOWN, Do.ALERTMANAGER_DOWN}
            self._down[name] += 1 if down else -1
            if down and self._down[name] == 1:
                await asyncio.to_thread(self._stack.running[name].stop, GRACE_SECONDS)
            elif not down and self._down[name] == 0:
                self._start(name)

    def _start(self, name: str) -> None:
        self._stack.running[name] = programs.start(
            self._argv[name],
            log_file=self._stack.log_file(name),
            env=demo_stack._environment(),
            cwd=self._stack.directory,
        )

    async def _calm(self) -> None:
        """Wait until every cluster has been right for a while and no alert waits."""
        until = self._site.advance() + CALM_LIMIT_SECONDS
        quiet = self._plan.lag + QUIET_SECONDS
        since = self._site.advance()
        while self._site.advance() < until:
            wrong = [
                name
                for name, cluster in self._site.world.clusters.items()
                if truth.why_not_right(cluster, leave_out_cut_off=True) is not None
            ]
            _, open_alerts, _, _ = _journal(self._stack.directory / "journal.db", self._site.began)
            if wrong or open_alerts:
                since = self._site.advance()
            if self._site.advance() - since > quiet:
                return
            await asyncio.sleep(0.5)

    @contextlib.asynccontextmanager
    async def _sampling(self, began: float) -> AsyncIterator[None]:
        async def sample() -> None:
            while True:
                for name in OWN:
                    use = use_of(self._stack.running[name].pid, self._site.advance() - began)
                    if use is not None:
                        self._uses[name].append(use)
                await asyncio.sleep(min(SAMPLE_SECONDS, self._plan.seconds / 4))

        task = asyncio.create_task(sample())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _journal(file: Path, began: datetime) -> tuple[int, int, int, list[Held]]:
    """Read the record: alerts taken, alerts and intents without an outcome, what was held.

    On a loaded machine any reading may be late by chance.
    """
    with contextlib.closing(
        sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    ) as record:
        alerts, open_alerts, open_intents = record.execute(
            "select sum((kind = 'alert') * count), sum(kind = 'alert' and outcome is null),"
            " sum(kind = 'action' and outcome is null) from journal"
        ).fetchone()
        rows = record.execute(
            "select at, last_at, cluster, reason from journal"
            " where kind = 'decision' and outcome = 'held'"
        ).fetchall()

    def seconds(text: str) -> float:
        return (datetime.fromisoformat(text) - began).total_seconds()

    held = [
        Held(seconds(moment), cluster, Hold(reason), Hold(reason) in NOT_READ)
        for first, last, cluster, reason in rows
        for moment in {first, last or first}
        if reason
    ]
    return alerts or 0, open_alerts or 0, open_intents or 0, held
