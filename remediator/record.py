"""Edge: what a look leaves behind: journal rows, metrics, and one line in the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster import log
from cluster.clock import utc_text
from cluster.model import ClusterView, PortState
from remediator.evidence import ActionOutcome, describe
from remediator.foreign import PortChange
from remediator.journal import Journal
from remediator.journal_schema import JournalRow, Kind
from remediator.look_result import Ending, LookResult
from remediator.looks import Trigger
from remediator.metrics import Metrics
from remediator.persons import Persons
from remediator.planner import Action, ActionVerb, Decision
from remediator.rows import HOLD_TEXT, NEEDS_PERSON, NOT_OF_THE_CLUSTER, Hold


class LookRecord:
    """Writes what looks come to. Every method raises `JournalError` if it cannot."""

    def __init__(self, journal: Journal, metrics: Metrics, level: str) -> None:
        self._journal = journal
        self._persons = Persons(journal)
        self._metrics = metrics
        self._level = level
        self._last_said: dict[str, tuple[str, ...]] = {}

    def close_interrupted(self, view: ClusterView, own: int | None = None) -> None:
        """End what another process left open, each action by what is read now.

        own: the open row of this look's own remediation, None before it.
        """
        for row in self._journal.open_rows(Kind.ACTION, view.cluster):
            outcome = _found(row, view)
            self._metrics.action(row.verb, outcome)
            self._journal.end([row.id], outcome)
            log.get("remediator").warning(
                "action of a stopped run closed",
                cluster=row.cluster,
                host=row.host,
                port=row.port,
                verb=row.verb,
                begun=row.at,
                outcome=outcome,
            )
        interrupted = self._journal.open_rows(Kind.DECISION, view.cluster)
        self._journal.end([row.id for row in interrupted if row.id != own], "interrupted")

    def note_changes(self, changes: tuple[PortChange, ...], trigger: Trigger) -> None:
        """Write every port that other hands changed, with the span in which they did."""
        for change in changes:
            found = {
                "before": str(change.before),
                "after": str(change.after),
                "last_seen_before": utc_text(change.seen.utc),
                "first_seen_after": utc_text(change.found.utc),
            }
            log.get("remediator").warning(
                "port changed by other hands",
                cluster=change.cluster,
                host=change.host,
                port=change.rule.port,
                **found,
            )
            self._journal.record_event(
                "found",
                {"rule": str(change.rule), **found},
                Kind.PORT_CHANGE,
                cluster=change.cluster,
                host=change.host,
                port=change.rule.port,
                reason="other_hands",
                trigger=trigger.label,
            )

    def is_unanswered(self, cluster: str) -> bool:
        """Tell whether a person was called because a virtual IP did not answer."""
        return self._persons.know_of(cluster, Hold.VIRTUAL_IP_UNANSWERED)

    def note_fences(self, view: ClusterView, decision: Decision) -> None:
        """Open a note for a host that cannot be commanded; end it when the host is seen right.

        The note permits nothing: it only keeps the host in sight.
        """
        for name in decision.fenced:
            text = HOLD_TEXT[Hold.FENCE_PENDING]
            self._journal.open_note(Kind.FENCE, view.cluster, name, Hold.FENCE_PENDING, text)
        for row in self._journal.open_rows(Kind.FENCE, view.cluster):
            ending = _fence_ending(row.host, view)
            if ending is not None:
                self._journal.end([row.id], ending)

    def ended(
        self,
        result: LookResult,
        trigger: Trigger,
        remediation: int | None,
        seconds: float,
        began: dict[str, Any] | None = None,
    ) -> None:
        """Write how a look ended.

        remediation: the open row of its actions, None without any. began: particulars that
        were written when that row was opened.
        """
        cluster, decision = result.view.cluster, result.decision
        if remediation is not None:
            incomplete = result.ending not in {Ending.REMEDIATED, Ending.STOPPED}
            detail = None
            if result.virtual_ip is not None:
                detail = {**(began or {}), "virtual_ip": result.virtual_ip}
            self._journal.end(
                [remediation], "incomplete" if incomplete else result.ending, detail=detail
            )
        if remediation is None or result.ending is Ending.HELD:
            self._journal.record_decision(
                cluster,
                row=decision.row,
                reason=result.hold or "",
                outcome=result.ending,
                trigger=trigger.label,
                level=self._level,
                detail={
                    "why": str(decision),
                    "text": result.text,
                    "would": [str(action) for action in decision.actions],
                    "view": describe(result.view),
                    "problems": _problems(result.view),
                },
            )
        if result.hold is not None:
            self._metrics.hold(result.hold)
            if result.hold in NEEDS_PERSON:
                self._persons.call(cluster, result.hold, result.text, result.cause)
            elif result.hold not in NOT_OF_THE_CLUSTER:
                # What now holds has a page of its own; the old reason is no longer there.
                self._persons.passed(cluster, "passed")
        elif result.ending in {Ending.RIGHT, Ending.REMEDIATED}:
            self._persons.passed(cluster, "right")
            self._journal.close_notes(Kind.APPROVAL, cluster, result.ending)
        self._metrics.remediation(cluster, decision.row, result.ending)
        self._say(result, trigger, seconds)

    def _say(self, result: LookResult, trigger: Trigger, seconds: float) -> None:
        """Log the end of a look; one that has nothing new to say only at level debug.

        What the table holds is new when the table says otherwise: the problems behind it may
        be worded differently from look to look.
        """
        logger = log.get("remediator")
        still_right = "right" if result.ending in {Ending.RIGHT, Ending.REMEDIATED} else ""
        by_table = result.hold is not None and result.hold == result.decision.hold
        text = str(result.decision) if by_table else result.text
        said = (still_right, result.decision.row, result.hold or "", text)
        write = logger.info
        if result.ending in {Ending.HELD, Ending.OBSERVED}:
            write = logger.error if result.hold in NEEDS_PERSON else logger.warning
        repeated = self._last_said.get(result.view.cluster) == said
        asked = trigger is Trigger.RECONCILE or result.ending is Ending.REMEDIATED
        if repeated and not asked:
            write = logger.debug
        self._last_said[result.view.cluster] = said
        write(
            _event(result),
            cluster=result.view.cluster,
            primary=",".join(host.host for host in result.view.primaries) or "none",
            ending=result.ending,
            row=result.decision.row,
            hold=result.hold,
            trigger=trigger.label,
            why=result.text or str(result.decision),
            would=_joined(str(action) for action in result.decision.actions),
            hosts=_joined(f"{host}: {state}" for host, state in describe(result.view).items()),
            problems=_joined(_problems(result.view)) if result.hold else None,
            virtual_ip=result.virtual_ip,
            seconds=seconds,
        )


def _event(result: LookResult) -> str:
    """Name the end of a look, so that one for which a person is called stands out."""
    if result.ending is Ending.OBSERVED:
        return "nothing done, the level is observe"
    if result.hold is Hold.ACTION_FAILED:
        return "given up, a person is called"
    return "held, a person is called" if result.hold in NEEDS_PERSON else "look ended"


def _joined(parts: Iterable[str]) -> str | None:
    """Join sentences, which have commas and semicolons of their own; None without any."""
    return " | ".join(parts) or None


def _problems(view: ClusterView) -> list[str]:
    """Say what could not be read, host by host."""
    return [
        f"{host.host} {reading.source}: {reading.problem}"
        for host in view.hosts
        for reading in host.readings()
        if reading.problem is not None
    ]


def _found(row: JournalRow, view: ClusterView) -> ActionOutcome:
    """Say how an interrupted action stands by what is read now."""
    host = next((host for host in view.hosts if host.host == row.host), None)
    rule = next((rule for rule in view.rules if rule.port == row.port), None)
    if host is None or rule is None or host.port_state(rule) is PortState.UNKNOWN:
        return ActionOutcome.FOUND_UNREADABLE
    done = host.port_state(rule) is Action(ActionVerb(row.verb), row.host, rule).wanted
    return ActionOutcome.FOUND_DONE if done else ActionOutcome.FOUND_NOT_DONE


def _fence_ending(name: str, view: ClusterView) -> str | None:
    """Say how the note on a host ends, or None while it stands."""
    if [host.host for host in view.primaries] == [name]:
        return "only_primary"
    host = next((host for host in view.hosts if host.host == name), None)
    if host is None:
        return "not_configured"
    closed = all(host.port_state(rule) is PortState.DISABLED for rule in view.rules)
    return "closed" if closed else None
