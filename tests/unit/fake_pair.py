"""A pair of hosts in memory: observed, switched and changed over time, on a clock of its own.

It stands where the real observation and the real switch stand, through the front door of the
executor: nothing of the product is patched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from prometheus_client import CollectorRegistry

from cluster.clock import Deadline, Instant
from cluster.config_model import Cluster, Config, Remediator
from cluster.model import (
    ClusterView,
    HostView,
    NlbParams,
    NodeState,
    NodeStatus,
    PortRule,
    PortState,
    PortStatus,
    Problem,
    Reading,
    Reason,
    ReportedRule,
    SipMode,
    SipStatus,
)
from cluster.runners.request import CommandResult
from remediator.acting import Actor
from remediator.evidence import ActionOutcome
from remediator.executor import Executor
from remediator.journal import Journal
from remediator.look_result import Ending, LookResult
from remediator.looks import Trigger
from remediator.metrics import Metrics
from remediator.planner import Action, ActionVerb
from remediator.rows import Hold, Row
from remediator.switch_answer import Sent, SwitchAnswer
from remediator.web import WebhookOutcome
from remediator.webhook import AlertOutcome

RULE = PortRule("all", 5060, 5061, "both")
BEGAN = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


class FakeClock:
    """Time that passes only when somebody waits, or when the world says so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.on_wait: Callable[[], None] = lambda: None

    def now(self) -> Instant:
        """Return this moment."""
        return Instant(BEGAN, 1000.0).plus(self.seconds)

    def wait(self, seconds: float, wake: Event) -> bool:
        """Let the time pass at once."""
        self.seconds += seconds
        self.on_wait()
        return wake.is_set()


@dataclass(slots=True)
class FakeHost:
    """The truth of one host, and what is wrong with reaching it."""

    mode: SipMode
    port: PortState
    node: NodeState = NodeState.CONVERGED
    scs: bool | None = True
    reachable: bool = True
    port_readable: bool = True
    rule: PortRule = RULE
    obeys: bool = True
    sent: Sent = Sent.ANSWERED
    output: str = "simulated"
    exit_status: int = 0


@dataclass(slots=True)
class FakePair:
    """The world. Events are (seconds, change) and happen as time passes."""

    clock: FakeClock
    hosts: dict[str, FakeHost]
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    look_seconds: float = 0.05
    rules_readable: bool = True
    before_command: Callable[[Action], None] = lambda action: None
    after_command: Callable[[Action], None] = lambda action: None

    def observe(self, cluster: Cluster, hosts: tuple[str, ...] | None) -> ClusterView:
        """Take a view, which takes time."""
        began = self.clock.now()
        self.pass_time(self.look_seconds)
        names = [name for name in self.hosts if hosts is None or name in hosts]
        views = tuple(self._view(name, began) for name in names)
        return ClusterView(cluster.name, (RULE,), views, began, self.clock.now())

    def carry_out(
        self,
        cluster: str,
        action: Action,
        number: int,
        timeout_seconds: float,
        send_before: Deadline,
    ) -> SwitchAnswer:
        """Switch a port as the host would."""
        self.before_command(action)
        command = f"nlb {action.verb} {action.rule.port_spec}"
        if send_before.remaining(self.clock.now()) <= 0:
            return SwitchAnswer(Sent.TOO_LATE, command)
        host = self.hosts[action.host]
        self.commands.append(str(action))
        self.pass_time(0.02)
        if not host.reachable:
            problem = Problem(Reason.TIMEOUT, "the host does not answer")
            return SwitchAnswer(Sent.NO_ANSWER, command, problem=problem)
        if host.obeys and host.sent not in {Sent.NOT_SENT, Sent.REFUSED}:
            host.port = action.wanted
        self.after_command(action)
        return SwitchAnswer(host.sent, command, CommandResult.OK, host.output, host.exit_status)

    def pass_time(self, seconds: float) -> None:
        """Let time pass and the due events happen."""
        self.clock.seconds += seconds
        self.happen()

    def happen(self) -> None:
        """Let the events that are due happen."""
        while self.events and self.events[0][0] <= self.clock.seconds:
            self.events.pop(0)[1]()

    def _view(self, name: str, asked: Instant) -> HostView:
        host = self.hosts[name]
        gone = None if host.reachable else Problem(Reason.TIMEOUT, "the host does not answer")
        port_problem = gone if host.port_readable else Problem(Reason.UNKNOWN_TEXT, "garbage")

        def reading(value: object, unknown: object, problem: Problem | None) -> Reading[object]:
            answered = self.clock.now()
            return Reading(
                value if problem is None else unknown, "fake", asked, answered, 0.0, problem
            )

        reported = ReportedRule(
            host.rule.vip,
            host.rule.start,
            host.rule.end,
            host.rule.protocol,
            "multiple",
            None,
            None,
            "single",
        )
        late = None if self.rules_readable else Problem(Reason.TIMEOUT, "no answer to params")
        unknown_mode = Problem(Reason.UNREACHABLE, "refused")
        sip_problem = gone or (unknown_mode if host.mode is SipMode.UNKNOWN else None)
        return HostView(
            name,
            (reading(SipStatus(host.mode, scs_connected=host.scs), SipStatus(), sip_problem),),  # type: ignore[arg-type]
            reading(NodeStatus(host.node, clusters=1), NodeStatus(), gone),  # type: ignore[arg-type]
            ((RULE, reading(PortStatus(host.port), PortStatus(), port_problem)),),  # type: ignore[arg-type]
            reading(NlbParams(rules=(reported,), clusters=1), NlbParams(), gone or late),  # type: ignore[arg-type]
        )


CLUSTER = Cluster.model_validate(
    {
        "name": "sip-west",
        "virtual_ip": "10.9.0.100",
        "port_rules": ({"vip": "all", "start": 5060, "end": 5061, "protocol": "both"},),
        "hosts": tuple(
            {
                "name": f"sip-west-{number}",
                "host_id": number,
                "address": f"10.9.1.{number}",
                "runner": {"type": "local"},
                "sip_server": {
                    "application": f"SIP_{number}",
                    "sources": (
                        {
                            "type": "http",
                            "url": f"http://10.9.1.{number}:8090/serverx",
                            "lag": "3s",
                        },
                    ),
                },
            }
            for number in (1, 2)
        ),
    }
)


@dataclass(slots=True)
class Bench:
    """An executor on a fake pair with a real journal."""

    pair: FakePair
    journal: Journal
    executor: Executor
    registry: CollectorRegistry
    stop: Event = field(default_factory=Event)

    def look(self, trigger: Trigger = Trigger.ALERT) -> LookResult:
        """Look once."""
        return self.executor.look(CLUSTER, trigger, self.stop)

    def one(self) -> FakeHost:
        """Return the first host."""
        return self.pair.hosts["sip-west-1"]

    def two(self) -> FakeHost:
        """Return the second host."""
        return self.pair.hosts["sip-west-2"]

    def actions(self) -> list[tuple[str, str, str | None]]:
        """Return (host, verb, outcome) of every action in the journal, oldest first."""
        rows = [row for row in self.journal.rows(limit=500) if row.kind == "action"]
        return [(row.host, row.verb, row.outcome) for row in reversed(rows)]

    def ports(self) -> tuple[PortState, PortState]:
        """Return the true port states."""
        return self.one().port, self.two().port


def bench(tmp_path: Path, one: FakeHost, two: FakeHost, **settings: object) -> Bench:
    """Make an executor in level enforce on two hosts.

    guards: makes the interlocks with a memory, of configuration, clock and journal.
    """
    callers: Any = settings.pop("callers", None)
    guards: Any = settings.pop("guards", None)
    policy = {"level": "enforce", **dict(settings.pop("policy", {}))}  # type: ignore[call-overload]
    remediator = Remediator.model_validate({"policy": policy, **settings})
    clock = FakeClock()
    pair = FakePair(clock, {"sip-west-1": one, "sip-west-2": two})
    clock.on_wait = pair.happen
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}", clock)
    registry = CollectorRegistry()
    metrics = Metrics(
        registry,
        webhook_outcomes=WebhookOutcome,
        alert_outcomes=AlertOutcome,
        rows=Row,
        endings=Ending,
        verbs=ActionVerb,
        action_outcomes=ActionOutcome,
        holds=Hold,
        clusters=[CLUSTER.name],
    )
    actor = Actor(remediator, clock, pair.observe, pair, journal, metrics)
    executor = Executor(
        remediator,
        clock,
        pair.observe,
        actor,
        journal,
        metrics,
        Random(7),
        callers,
        guards(Config(clusters=(CLUSTER,), remediator=remediator), clock, journal)
        if guards
        else None,
    )
    return Bench(pair, journal, executor, registry)
