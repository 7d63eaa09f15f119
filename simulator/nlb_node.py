"""One NLB node: its own state, its rules, and what it answers to an operation. Pure.

Knows nothing of its peers; who hears whom is in `nlb_cluster`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from cluster.model import ALL_VIPS, PortState, ReportedRule


class NodeRun(StrEnum):
    """State of a node (documented: wlbsprov MicrosoftNLB_Node.StatusCode; KB 242242)."""

    STOPPED = "stopped"
    SUSPENDED = "suspended"
    CONVERGING = "converging"
    CONVERGED = "converged"
    DRAINING = "draining"
    DISCONNECTED = "disconnected"


IN_CLUSTER = frozenset({NodeRun.CONVERGING, NodeRun.CONVERGED, NodeRun.DRAINING})
TAKES_NEW_TRAFFIC = frozenset({NodeRun.CONVERGING, NodeRun.CONVERGED})


class Result(StrEnum):
    """Outcome of an operation (documented: wlbsprov standard return values)."""

    OK = "ok"
    ALREADY = "already"
    DRAIN_STOP = "drain_stop"
    NOT_FOUND = "not_found"
    STOPPED = "stopped"
    DRAINING = "draining"
    SUSPENDED = "suspended"


class PortVerb(StrEnum):
    """What can be done to a rule."""

    ENABLE = "enable"
    DISABLE = "disable"
    DRAIN = "drain"


_TARGET = {
    PortVerb.ENABLE: PortState.ENABLED,
    PortVerb.DISABLE: PortState.DISABLED,
    PortVerb.DRAIN: PortState.DRAINING,
}


@dataclass(slots=True)
class RuleRun:
    """A rule with its state on this host. connections: open TCP connections, which drain waits for.

    accepted, dropped: packets, counted only while the host handles the rule.
    """

    rule: ReportedRule
    state: PortState = PortState.ENABLED
    connections: int = 0
    accepted: int = 0
    dropped: int = 0

    @property
    def is_handled(self) -> bool:
        """Whether the host takes any of its traffic."""
        return self.state in {PortState.ENABLED, PortState.DRAINING}

    def covers(self, vip: str | None, port: int | None) -> bool:
        """Tell whether an operation names this rule. vip None: all. port None: every rule.

        That ``ALL:5060`` leaves rules of a single VIP alone is assumed; no source says.
        """
        if port is None:
            return vip is None or vip == self.rule.vip
        named = ALL_VIPS if vip is None else vip
        return named == self.rule.vip and self.rule.start <= port <= self.rule.end


@dataclass(slots=True)
class NlbNode:
    """One host's part in one NLB cluster.

    members: names of the hosts it sees in its cluster, itself included.
    convergences: how often it began to converge since it joined.
    converged_at: seconds since the site began, None before the first time.
    """

    host: str
    host_id: int
    rules: list[RuleRun]
    run: NodeRun = NodeRun.CONVERGED
    members: set[str] = field(default_factory=set)
    convergences: int = 1
    converged_at: float | None = None

    @property
    def is_in_cluster(self) -> bool:
        """Whether it sends heartbeats."""
        return self.run in IN_CLUSTER

    def find(self, vip: str, port: int) -> RuleRun | None:
        """Return the rule that a datagram to `vip` and `port` falls under, or None.

        A rule that names the VIP goes before one for all VIPs.
        """
        fitting = [
            run
            for run in self.rules
            if run.rule.vip in {vip, ALL_VIPS} and run.rule.start <= port <= run.rule.end
        ]
        return min(fitting, key=lambda run: run.rule.vip == ALL_VIPS, default=None)

    def named(self, vip: str | None, port: int | None) -> list[RuleRun]:
        """Return the rules that an operation names; see `RuleRun.covers`."""
        return [run for run in self.rules if run.covers(vip, port)]

    def why_refused(self) -> Result | None:
        """Return why the node takes no port operation now, or None."""
        if self.run is NodeRun.SUSPENDED:
            return Result.SUSPENDED
        if self.run in {NodeRun.STOPPED, NodeRun.DISCONNECTED}:
            return Result.STOPPED
        return Result.DRAINING if self.run is NodeRun.DRAINING else None

    def operate(self, verb: PortVerb, vip: str | None, port: int | None) -> Result:
        """Carry out an operation on every rule it names, and say how it went.

        Draining with no open connection ends at once (assumed: NLB tracks no UDP streams).
        """
        refused = self.why_refused()
        if refused is not None:
            return refused
        runs = self.named(vip, port)
        if not runs:
            return Result.NOT_FOUND
        if all(self._is_done(run, verb) for run in runs):
            return Result.ALREADY
        for run in runs:
            self.switch(run, _TARGET[verb])
        return Result.OK

    def switch(self, run: RuleRun, state: PortState) -> None:
        """Put a rule into a state. Counters start anew when the host begins to handle it."""
        if state is PortState.ENABLED and not run.is_handled:
            run.accepted = run.dropped = 0
        if state is PortState.DRAINING and not (run.is_handled and run.connections):
            state = PortState.DISABLED
        if state is PortState.DISABLED:
            run.connections = 0
        run.state = state

    @staticmethod
    def _is_done(run: RuleRun, verb: PortVerb) -> bool:
        if verb is PortVerb.DRAIN:
            return run.state in {PortState.DRAINING, PortState.DISABLED}
        return run.state is _TARGET[verb]

    def signature(self) -> frozenset[tuple[str, int, int, str, str]]:
        """Return what must be the same on all hosts, else they never converge (KB Q193599)."""
        return frozenset(
            (run.rule.vip, run.rule.start, run.rule.end, run.rule.protocol, run.rule.mode)
            for run in self.rules
        )


def run_rules(rules: Iterable[ReportedRule]) -> list[RuleRun]:
    """Return the rules with their run-time state, all enabled as after a start."""
    return [RuleRun(rule) for rule in rules]
