"""Watches the true site at every step: what our commands did, and for how long what was wrong. Pure.

Knows nothing of what the product read or thought; it sees commands as they reach a host, and
the truth at that moment. `tests.soak.excuses` says what a slow or lying source makes
unavoidable; that is counted apart, by its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.model import PortState, SipMode
from simulator import truth
from simulator.faults import NlbFault, PageFault
from simulator.nlb_node import TAKES_NEW_TRAFFIC, PortVerb
from simulator.world import ClusterRun, World
from tests.soak.excuses import SLACK_SECONDS, Excuse, Past, excuse_of

READABLE = frozenset({NlbFault.NONE, NlbFault.EXIT_1})
QUICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Command:
    """A command of ours that reached a host. wrong: the sentence that it breaks, empty if none.

    excuse: what made a wrong one unavoidable, None if nothing did.
    """

    at: float
    cluster: str
    host: str
    verb: str
    wrong: str = ""
    excuse: Excuse | None = None


@dataclass(slots=True)
class Span:
    """A time in which something was so. end: None while it is.

    ready: the longest time in it in which nothing stood against a repair. excuse: of the
    command that began it.
    """

    cluster: str
    begin: float
    end: float | None = None
    ready: float = 0.0
    excuse: Excuse | None = None
    ready_since: float | None = None

    def seconds(self, now: float) -> float:
        """Return how long it lasted, until `now` if it still does."""
        return (now if self.end is None else self.end) - self.begin


@dataclass(slots=True)
class Verdicts:
    """All that was seen. wrong: spans in which the ports were not right. without, split: spans
    without service, and with several hosts in service, that began with a command of ours.
    """

    commands: list[Command] = field(default_factory=list)
    wrong: list[Span] = field(default_factory=list)
    without: list[Span] = field(default_factory=list)
    split: list[Span] = field(default_factory=list)


@dataclass(slots=True)
class _Watched:
    """One cluster as it was seen last."""

    past: Past
    seen: tuple[object, ...] = ()
    served: bool = True
    several: bool = False
    ready: bool = True
    command: Command | None = None
    open: dict[str, Span] = field(default_factory=dict)


class Judge:
    """Watches every cluster of a world. by_hand: whether it is other hands that command now."""

    def __init__(self, world: World, max_age: float, slack: float = SLACK_SECONDS) -> None:
        """Begin to watch.

        max_age: seconds that a reading may be old when a command is sent. slack: seconds that a
        command may take to its host besides what the schedule adds.
        """
        self.verdicts = Verdicts()
        self.world = world
        self.by_hand = False
        self._watched = {}
        lag = world.knobs.lag_seconds
        for name, cluster in world.clusters.items():
            self._watched[name] = _Watched(Past(max_age + slack, lag))
            cluster.nlb.before_operation = self._before(name)
            cluster.nlb.after_operation = self._after(name)
        world.watchers.append(self.look)
        self.look()

    def look(self) -> None:
        """Look at every cluster."""
        for name, cluster in self.world.clusters.items():
            self._look_at(name, cluster)

    def _look_at(self, name: str, cluster: ClusterRun, command: Command | None = None) -> None:
        watched, now = self._watched[name], self.world.agenda.now
        rule = cluster.description.configured[0]
        seen = tuple(
            (
                host.server.mode,
                host.connected,
                host.faults,
                cluster.nlb.nodes[each].run,
                truth.port_state(cluster, each, rule),
            )
            for each, host in cluster.hosts.items()
        )
        if seen == watched.seen:
            return
        watched.seen = seen
        watched.past.note(now, cluster)
        serving = _serving(cluster)
        served, several = any(mode is SipMode.PRIMARY for mode in serving), len(serving) > 1
        if command is not None and watched.served and not served:
            self._begin("without", self.verdicts.without, watched, command)
        if served:
            self._finish("without", watched)
        if command is not None and several and not watched.several:
            self._begin("split", self.verdicts.split, watched, command)
        if not several:
            self._finish("split", watched)
        watched.served, watched.several = served, several
        self._note_right(name, cluster, watched)

    def _begin(self, what: str, kept: list[Span], watched: _Watched, command: Command) -> None:
        span = Span(command.cluster, command.at, excuse=command.excuse)
        watched.open[what] = span
        kept.append(span)

    def _finish(self, what: str, watched: _Watched) -> None:
        if what in watched.open:
            watched.open.pop(what).end = self.world.agenda.now

    def _note_right(self, name: str, cluster: ClusterRun, watched: _Watched) -> None:
        now = self.world.agenda.now
        right = truth.why_not_right(cluster, leave_out_cut_off=True) is None
        ready = _ready(cluster)
        span = watched.open.get("wrong")
        if span is None and not right:
            span = watched.open["wrong"] = Span(name, now)
            self.verdicts.wrong.append(span)
        if span is None:
            return
        if span.ready_since is not None and (right or not ready):
            span.ready = max(span.ready, now - span.ready_since)
            span.ready_since = None
        if right:
            self._finish("wrong", watched)
        elif ready and span.ready_since is None:
            span.ready_since = now

    def _before(self, name: str):
        def before(host: str, verb: PortVerb) -> None:
            self._look_at(name, self.world.clusters[name])
            if not self.by_hand:
                self._judge(name, host, verb)

        return before

    def _after(self, name: str):
        def after(_host: str, _verb: PortVerb) -> None:
            watched = self._watched[name]
            command, watched.command = watched.command, None
            self._look_at(name, self.world.clusters[name], command)

        return after

    def _judge(self, name: str, host: str, verb: PortVerb) -> None:
        """Keep a command of ours, and what is wrong with it by the truth of this moment."""
        cluster, watched, now = (
            self.world.clusters[name],
            self._watched[name],
            self.world.agenda.now,
        )
        wrong = _why_wrong(cluster, host, verb)
        excuse = excuse_of(watched.past, cluster, host, verb, now) if wrong else None
        watched.command = Command(now, name, host, str(verb), wrong, excuse)
        self.verdicts.commands.append(watched.command)


def _why_wrong(cluster: ClusterRun, host: str, verb: PortVerb) -> str:
    mode = cluster.hosts[host].server.mode
    if verb is PortVerb.ENABLE and mode is not SipMode.PRIMARY:
        return "an enable to a host that is not primary"
    if verb is not PortVerb.ENABLE and mode is SipMode.PRIMARY:
        return "a disable of a primary"
    if cluster.sole_primary() is None:
        return "a command without exactly one primary"
    return ""


def _serving(cluster: ClusterRun) -> list[SipMode]:
    """Return the modes of the hosts that take traffic."""
    rule = cluster.description.configured[0]
    return [
        host.server.mode
        for name, host in cluster.hosts.items()
        if host.connected
        and cluster.nlb.nodes[name].run in TAKES_NEW_TRAFFIC
        and truth.port_state(cluster, name, rule) is PortState.ENABLED
    ]


def _ready(cluster: ClusterRun) -> bool:
    """Tell whether nothing of the site stands against a repair."""
    primary = cluster.sole_primary()
    hosts = [(name, host) for name, host in cluster.hosts.items() if host.connected]
    return primary is not None and all(
        host.faults.nlb in READABLE
        and host.faults.nlb_latency_seconds < QUICK_SECONDS
        and host.faults.page is PageFault.NONE
        and cluster.nlb.nodes[name].run in TAKES_NEW_TRAFFIC
        for name, host in hosts
    )
