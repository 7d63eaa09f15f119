"""Edge: one action from intent to outcome: journal, send, read again, journal.

The outcome is what the reading after the command says. Missing evidence is a failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from cluster import log
from cluster.clock import Clock, Deadline
from cluster.config_model import Cluster, Remediator
from cluster.model import ClusterView, HostView, Reading
from cluster.sip.options import SipAnswer
from remediator.evidence import ActionOutcome, describe_host, judge
from remediator.journal import Journal
from remediator.metrics import Metrics
from remediator.planner import Action, Decision
from remediator.switch_answer import Sent, SwitchAnswer
from remediator.words import why_failed

FIRST_POLL_SECONDS = 0.05
LAST_POLL_SECONDS = 0.5
UNSENT = frozenset({Sent.TOO_LATE, Sent.NOT_SENT, Sent.REFUSED})
HARMLESS = frozenset({ActionOutcome.VERIFIED, ActionOutcome.WORLD_CHANGED, ActionOutcome.TOO_LATE})
"""Outcomes that say nothing against the host."""


ObserveHosts = Callable[[Cluster, tuple[str, ...] | None], ClusterView]
"""Takes a fresh view of some hosts of a cluster, or of all (None)."""


class Caller(Protocol):
    """What asks a virtual IP; `cluster.sip.options_probe.OptionsProbe` is the real one."""

    def ask(self, deadline: Deadline) -> Reading[SipAnswer]:
        """Send one OPTIONS and wait for its answer."""


class Switching(Protocol):
    """What carries out an action; `remediator.switch.Switch` is the real one."""

    def carry_out(
        self,
        cluster: str,
        action: Action,
        number: int,
        timeout_seconds: float,
        send_before: Deadline,
    ) -> SwitchAnswer:
        """Send one command and wait for its answer."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Carries out actions and reads them back."""

    settings: Remediator
    clock: Clock
    observe: ObserveHosts
    switch: Switching
    journal: Journal
    metrics: Metrics

    def act(
        self,
        cluster: Cluster,
        view: ClusterView,
        decision: Decision,
        action: Action,
        parent: int,
        attempt: int,
        stop: Event,
    ) -> tuple[ActionOutcome, str]:
        """Carry out one action that every interlock has passed; return how it ended.

        And, in words, why it failed if it counts as a failed try.

        parent: the journal row of the remediation. attempt: which try this is, from 1. stop:
        when set, reading back is cut short and the last reading decides.
        Raises `JournalError` if the intent cannot be written; then nothing was sent.
        """
        before = view.host(action.host)
        row = next(f.row for f in decision.findings if f.action == action)
        detail: dict[str, object] = {
            "before": describe_host(before),
            "attempt": attempt,
            "why": str(decision),
        }
        intent = self.journal.open_action(
            cluster.name,
            parent=parent,
            host=action.host,
            port=action.rule.port,
            verb=action.verb,
            row=row,
            detail=detail,
        )
        began = self.clock.now()
        answer = self.switch.carry_out(
            cluster.name,
            action,
            intent.number,
            self.settings.command_timeout,
            Deadline(view.began.monotonic + self.settings.max_age),
        )
        sent = self.clock.now()
        self.metrics.stage("act", sent.seconds_since(began))
        outcome, after = self._read_back(cluster, action, answer, stop)
        ended = self.clock.now()
        self.metrics.stage("verify", ended.seconds_since(sent))
        detail |= {
            "command": answer.command,
            "sent": str(answer.sent),
            "answer": str(answer.result),
            "output": answer.output,
            "exit_status": answer.exit_status,
            "problem": str(answer.problem) if answer.problem else None,
            "after": describe_host(after),
        }
        why = why_failed(action, outcome, answer, after)
        failed = None if outcome in HARMLESS else why
        detail["failed"] = failed
        write = log.get("remediator").info
        if outcome is not ActionOutcome.VERIFIED:
            write = log.get("remediator").warning
        write(
            "port switched" if outcome is ActionOutcome.VERIFIED else "port not switched",
            cluster=cluster.name,
            host=action.host,
            port=action.rule.port,
            verb=action.verb,
            row=row,
            before=before.port_state(action.rule),
            after=after.port_state(action.rule),
            outcome=outcome,
            attempt=attempt,
            seconds=ended.seconds_since(began),
            answer=answer.result,
            why=failed,
            problem=str(answer.problem) if answer.problem and not failed else None,
        )
        self.journal.end([intent.id], outcome, detail=detail)
        self.metrics.action(action.verb, outcome)
        return outcome, why

    def _read_back(
        self, cluster: Cluster, action: Action, answer: SwitchAnswer, stop: Event
    ) -> tuple[ActionOutcome, HostView]:
        """Read the host until it is as wanted, the time is over, or its mode has changed."""
        until = self.clock.now().plus(self.settings.verify_timeout)
        pause = FIRST_POLL_SECONDS
        while True:
            view = self.observe(cluster, (action.host,))
            host = view.host(action.host)
            outcome = judge(action, host, answer.sent)
            final = outcome in {ActionOutcome.VERIFIED, ActionOutcome.WORLD_CHANGED}
            late = self.clock.now().seconds_since(until) >= 0
            if final or late or stop.is_set() or answer.sent in UNSENT:
                return outcome, host
            self.clock.wait(pause, stop)
            pause = min(pause * 2, LAST_POLL_SECONDS)
