"""The soak in simulated time: the product's service, executor, planner and journal in a schedule.

Hours of a site with many clusters pass in minutes. The same seed gives the same run, step by
step, so that whatever is found can be looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry

from cluster.config import parse
from cluster.config_model import Config
from remediator.__main__ import make_metrics
from remediator.acting import Actor
from remediator.executor import Executor
from remediator.journal import Journal
from remediator.journal_schema import Kind
from remediator.look_result import LastLook
from remediator.looks import Trigger
from remediator.make_guards import make_guards
from remediator.service import Service
from remediator.webhook import AlertOutcome
from simulator import site_files, truth
from simulator.description import usual_site
from simulator.world import World
from tests.soak.incident import AROUND, Incident
from tests.soak.judge import Judge
from tests.soak.kinds import NOT_READ
from tests.soak.knobs import knobs_of
from tests.soak.play import Play
from tests.soak.report import Held, Report, report
from tests.soak.schedule import draw
from tests.soak.virtual_alerts import VirtualAlerts
from tests.soak.virtual_hosts import VirtualHosts
from tests.soak.virtual_time import VirtualTime

SETTLED_SECONDS = 5.0
LATE_SECONDS = 5.0
"""How long a hold may follow from a reading that was late by itself."""


class Driven(Service):
    """The real service; its threads are turns of simulated time."""

    time: VirtualTime
    ended: Callable[[str, LastLook], None]
    accepted: int = 0

    def begin(self) -> None:
        """Do what `start` does, with turns for threads."""
        self.journal.record_event("started", {"clusters": len(self._config.clusters)})
        self.journal.close_unknown({cluster.name for cluster in self._config.clusters})
        for cluster in self._config.clusters:
            self.request(cluster.name, Trigger.START)
        self.time.at(self.time.seconds, self._resync_turn)
        self.time.at(self.time.seconds + self._config.remediator.routine_look, self._routine_turn)

    def deliver(self, body: bytes) -> None:
        """Take a webhook in."""
        payload = self.accept(body)
        self.accepted += sum(a.outcome is AlertOutcome.ACCEPTED for a in payload.alerts)

    def request(self, cluster: str, trigger: Trigger) -> int:
        """Ask for a look, and let it begin when it is due."""
        number = super().request(cluster, trigger)
        self.time.at(self.time.seconds, self._pump)
        return number

    def _pump(self) -> None:
        """Begin the looks that are due; come back when the next one is."""
        most = self._config.remediator.workers
        for cluster, trigger in self._board.take(self.time.now().monotonic, most):
            number = self._begun[cluster] = self._begun.get(cluster, 0) + 1
            self.time.spawn(partial(self._look, cluster, trigger, number))
        due = self._board.next_due(most)
        if due is not None:
            wait = due - self.time.now().monotonic
            self.time.at(self.time.seconds + max(0.0, wait), self._pump_once)

    def _pump_once(self) -> None:
        due = self._board.next_due(self._config.remediator.workers)
        if due is not None and due <= self.time.now().monotonic:
            self._pump()

    def _note_end(self, cluster, last) -> None:
        super()._note_end(cluster, last)
        self.ended(cluster.name, last)
        self.time.at(self.time.seconds, self._pump)

    def _resync_turn(self) -> None:
        self._resync_now()
        self.time.at(self.time.seconds + self._config.remediator.resync, self._resync_turn)

    def _routine_turn(self) -> None:
        for cluster in self._config.clusters:
            if self.seconds_to_waiting_look(cluster.name) is None:
                self.request(cluster.name, Trigger.ROUTINE)
        self.time.at(self.time.seconds + self._config.remediator.routine_look, self._routine_turn)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. seconds: of incidents; a calm time follows. lag: that sources declare and have.

    calm: how long is waited at most after the last incident until all is right. policy: of the
    remediator, besides its level. executor, service: the real ones, or ones with a mistake.
    """

    seed: int
    clusters: int = 8
    seconds: float = 7200.0
    lag: float = 3.0
    calm: float = 900.0
    policy: dict[str, object] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    executor: type[Executor] = Executor
    service: type[Driven] = Driven


def configuration(plan: Plan, world: World, folder: Path) -> Config:
    """Return clusters.yml as the simulated site writes it, with the sections of the plan."""
    entries = [
        site_files.cluster_entry(
            cluster.description,
            {host: Path(f"/{host}/nlb") for host in cluster.hosts},
            {
                host: [{"type": "http", "url": f"http://{host}:1/serverx", "lag": f"{plan.lag:g}s"}]
                for host in cluster.hosts
            },
            "cp437",
            "nlb",
        )
        for cluster in world.clusters.values()
    ]
    file = folder / "clusters.yml"
    own = {
        "remediator": {
            "policy": {"level": "enforce", **plan.policy},
            "journal": {"url": f"sqlite:///{folder / 'journal.db'}"},
        }
    }
    site_files.write_configuration(file, entries, own)
    return parse(file.read_text("utf-8"), str(file))


def soak(plan: Plan, folder: Path) -> Report:
    """Play one schedule to its end, then let all be calm; return what came of it."""
    world = World(usual_site(plan.clusters, knobs_of(plan.lag)))
    time = VirtualTime(world.advance)
    config = configuration(plan, world, folder)
    incidents = draw(plan.seed, plan.clusters, plan.seconds, only=plan.only)
    judge = Judge(world, config.remediator.max_age)
    play = Play(world)
    hosts = VirtualHosts(world, config, time, Random(f"{plan.seed} hosts"))
    journal = Journal(config.remediator.journal.url, time)
    metrics = make_metrics(CollectorRegistry(), config)
    actor = Actor(config.remediator, time, hosts.observe, hosts, journal, metrics)
    executor = plan.executor(
        config.remediator,
        time,
        hosts.observe,
        actor,
        journal,
        metrics,
        Random(f"{plan.seed} jitter"),
        guards=make_guards(config, time, journal),
    )
    held: list[Held] = []
    alerts = VirtualAlerts(world, time, Random(f"{plan.seed} road"))
    service = plan.service(config, time, executor, journal, metrics, alerts)  # type: ignore[arg-type]
    alerts.deliver = service.deliver
    service.time = time
    service.ended = lambda cluster, last: _note_hold(held, cluster, last, hosts, time)
    _enter(incidents, time, play, judge, alerts)
    service.begin()
    time.run(plan.seconds)
    _calm_down(time, world, journal, plan.lag + SETTLED_SECONDS, plan.seconds + plan.calm)
    made = report(
        incidents,
        tuple(world.clusters),
        judge.verdicts,
        held,
        ended=time.seconds,
        quiet=plan.lag + SETTLED_SECONDS,
        lag=plan.lag,
        alerts_accepted=service.accepted,
        alerts_open=len(
            [row for name in world.clusters for row in journal.open_rows(Kind.ALERT, name)]
        ),
        intents_open=len(
            [row for name in world.clusters for row in journal.open_rows(Kind.ACTION, name)]
        ),
    )
    time.close()
    journal.close()
    return made


def _calm_down(
    time: VirtualTime, world: World, journal: Journal, quiet: float, until: float
) -> None:
    """Let time pass until every cluster has been right for a while and no alert waits."""
    since = time.seconds
    while time.seconds < until and time.seconds - since <= quiet:
        time.run(time.seconds + 1.0)
        if any(truth.why_not_right(cluster) for cluster in world.clusters.values()) or any(
            journal.open_rows(Kind.ALERT, name) for name in world.clusters
        ):
            since = time.seconds


def _note_hold(
    held: list[Held], cluster: str, last: LastLook, hosts: VirtualHosts, time: VirtualTime
) -> None:
    if last.hold is not None:
        late = time.seconds - hosts.late.get(cluster, float("-inf")) <= LATE_SECONDS
        held.append(Held(time.seconds, cluster, last.hold, late and last.hold in NOT_READ))


def _enter(
    incidents: tuple[Incident, ...],
    time: VirtualTime,
    play: Play,
    judge: Judge,
    alerts: VirtualAlerts,
) -> None:
    """Enter every step of every incident into the time."""

    def doing(incident: Incident, index: int) -> Callable[[], None]:
        step = incident.steps[index]

        def do() -> None:
            if step.do in AROUND:
                alerts.do(incident.number, step)
                return
            judge.by_hand = True
            play.do(incident, step)
            judge.by_hand = False
            judge.look()

        return do

    for incident in incidents:
        for index, step in enumerate(incident.steps):
            time.at(incident.at + step.after, doing(incident, index))
