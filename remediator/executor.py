"""Edge: one look at a cluster and what follows from it: observe, plan, act, observe again.

The cluster is observed anew after every batch of actions and planned anew, so that a world
that changed meanwhile is never finished blindly. A look ends when the cluster is right, when
something forbids to act (a hold), or when the program is told to stop.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from threading import Event

from cluster.clock import Clock
from cluster.config_model import Cluster, Remediator
from cluster.model import ClusterView
from remediator.acting import Actor, Caller, ObserveHosts
from remediator.attempts import Attempts, appearance
from remediator.evidence import ActionOutcome, describe
from remediator.foreign import PortsSeen
from remediator.guards import Guards
from remediator.interlocks import Block, Circumstances
from remediator.journal import Journal
from remediator.look_result import Ending, LookResult
from remediator.look_state import LookState
from remediator.looks import Trigger
from remediator.metrics import Metrics
from remediator.overlap import OverlapSeen
from remediator.own_part import LEFT_TO_PEERS, own_part
from remediator.planner import (
    Action,
    ActionVerb,
    Decision,
    Order,
    UnknownPeer,
    Unknowns,
    UnknownScs,
    plan,
)
from remediator.record import LookRecord
from remediator.rows import HOLD_TEXT, Hold, Patience
from remediator.virtual_ips import VirtualIps
from remediator.words import why_held

POLL_SECONDS = 0.25
REREAD_SECONDS = 2.0
STALE_VIEWS_ALLOWED = 3
ACTIONS_ALLOWED = 20


class Executor:
    """Carries out looks; one at a time for a cluster, many clusters side by side."""

    def __init__(
        self,
        settings: Remediator,
        clock: Clock,
        observe: ObserveHosts,
        actor: Actor,
        journal: Journal,
        metrics: Metrics,
        jitter: random.Random,
        callers: Mapping[str, Caller] | None = None,
        guards: Guards | None = None,
    ) -> None:
        """Wire it. jitter: spreads the pauses between tries.

        callers: what asks the virtual IP of the clusters whose remediations it verifies.
        guards: the interlocks; those that need no memory are always among them.
        """
        self._settings = settings
        self._clock = clock
        self._observe = observe
        self._actor = actor
        self._journal = journal
        self._metrics = metrics
        self._record = LookRecord(journal, metrics, settings.policy.level)
        self._jitter = jitter
        self._attempts: dict[str, Attempts] = {}
        self._overlap = OverlapSeen()
        self._held: dict[str, Hold | None] = {}
        self._ports_seen = PortsSeen()
        self._guards = guards or Guards()
        self._virtual_ips = VirtualIps(clock, callers or {}, self._record)

    def look(self, cluster: Cluster, trigger: Trigger, stop: Event) -> LookResult:
        """Look at a cluster until it is right or held. Raises `JournalError` if it cannot write.

        stop: when set, the running action is finished and recorded, and no other begins.
        """
        order = Order(self._settings.policy.order)
        look = LookState(cluster, trigger, stop, order, self._clock.now())
        if trigger is Trigger.RECONCILE:
            self._attempts_of(cluster).clear()
        while True:
            view = self._observe(cluster, None)
            self._metrics.stage("observe", view.ended.seconds_since(view.began))
            self._record.close_interrupted(view, look.remediation)
            changes = self._ports_seen.changes(view, cluster.peers)
            self._record.note_changes(changes, trigger)
            self._ports_seen.note(view)
            self._guards.note(view)
            decision = self._plan(look, view)
            self._guards.planned(view, decision)
            result = self._next(look, view, decision)
            if result is not None:
                self._finish(look, result)
                return result

    def _plan(self, look: LookState, view: ClusterView) -> Decision:
        """Plan on a view. With ``disable_first`` the wait for the others is bounded."""
        waited = (
            look.disabling_since is not None
            and view.began.seconds_since(look.disabling_since) >= self._settings.verify_timeout
        )
        if waited:
            look.order = Order.ENABLE_FIRST
        policy = self._settings.policy
        unknowns = Unknowns(UnknownPeer(policy.unknown_peer), UnknownScs(policy.unknown_scs))
        self._overlap.note(view)
        settle = self._patience_seconds(look.cluster, Patience.SETTLE)
        decision = plan(
            view,
            order=look.order,
            unknowns=unknowns,
            still_primary=self._overlap.still_primary(view, settle),
        )
        decision = own_part(decision, look.cluster.peers)
        disabling = look.order is Order.DISABLE_FIRST and any(
            action.verb is ActionVerb.DISABLE for action in decision.actions
        )
        if disabling and look.disabling_since is None:
            look.disabling_since = view.began
        return decision

    def _next(self, look: LookState, view: ClusterView, decision: Decision) -> LookResult | None:
        """Do what the decision says; return the look's result, or None to observe again."""
        if look.stop.is_set():
            return LookResult(Ending.STOPPED, view, decision)
        observes = self._settings.policy.level == "observe"
        if observes and (decision.actions or decision.hold in LEFT_TO_PEERS):
            return LookResult(Ending.OBSERVED, view, decision)
        if not decision.actions:
            return self._without_actions(look, view, decision)
        look.unsettled.clear()
        look.unanswered_since = None
        return self._act(look, view, decision)

    def _without_actions(
        self, look: LookState, view: ClusterView, decision: Decision
    ) -> LookResult | None:
        if decision.hold is None:
            return self._right(look, view, decision)
        first = decision.hold not in look.unsettled
        since = look.unsettled.setdefault(decision.hold, view.began)
        patience = self._patience_seconds(look.cluster, decision.patience)
        seen = self._held.get(look.cluster.name) == decision.hold
        if seen and look.trigger is not Trigger.RECONCILE:
            patience = 0.0  # it has been watched before; the board looks again soon enough
        waited = self._clock.now().seconds_since(since)
        if patience > 0 and (first or waited < patience):  # one view, however slow, is not watching
            self._clock.wait(POLL_SECONDS, look.stop)
            return None
        return LookResult(Ending.HELD, view, decision, decision.hold, why_held(decision, view))

    def _right(self, look: LookState, view: ClusterView, decision: Decision) -> LookResult | None:
        """End a look whose ports are right; where a caller's answer verifies it, ask for one.

        None: observe again, so that a mode that changes meanwhile waits no longer than one
        question.
        """
        ending = Ending.RIGHT if look.remediation is None else Ending.REMEDIATED
        first = look.remediation is not None
        since = look.unanswered_since = look.unanswered_since or self._clock.now()
        answer = self._virtual_ips.ask(look.cluster, remediated=first)
        if answer is None or answer.serves:
            words = answer.words if answer else None
            return LookResult(ending, view, decision, virtual_ip=words)
        if first and self._clock.now().seconds_since(since) < self._settings.verify_timeout:
            self._clock.wait(POLL_SECONDS, look.stop)
            return None
        self._virtual_ips.give_up(look.cluster.name)
        hold = Hold.VIRTUAL_IP_UNANSWERED
        text = f"{HOLD_TEXT[hold]}: {answer.words}"
        return LookResult(Ending.HELD, view, decision, hold, text, answer.words)

    def _patience_seconds(self, cluster: Cluster, patience: Patience) -> float:
        if patience is Patience.SETTLE:
            settle = self._settings.policy.settle
            return cluster.largest_lag + 2.0 if settle is None else settle
        waits = {Patience.REREAD: REREAD_SECONDS, Patience.PEER: self._settings.peer_wait}
        return waits.get(patience, 0.0)

    def _act(self, look: LookState, view: ClusterView, decision: Decision) -> LookResult | None:
        """Carry out the first action that may be carried out; return a hold if none may."""
        block = self._enough(look)
        if block is not None:
            return LookResult(Ending.HELD, view, decision, block.hold, block.text)
        attempts = self._attempts_of(look.cluster)
        blocks: list[Block] = []
        pauses: list[float] = []
        for action in decision.actions:
            block = self._why_not(look, view, decision, action)
            seen = appearance(view.host(action.host), action)
            pause = attempts.pause(action, seen, self._clock.now().monotonic)
            if block is not None:
                blocks.append(block)
            elif pause > 0 and attempts.is_exhausted(action):
                blocks.append(Block(Hold.ACTION_FAILED, f"{action}: {attempts.why(action)}"))
            elif pause > 0:
                pauses.append(pause)
            else:
                self._carry_out(look, view, decision, action)
                return None
        return self._without_progress(look, view, decision, blocks, pauses)

    def _enough(self, look: LookState) -> Block | None:
        """Return why this look may do nothing more, or None."""
        if look.stale_views >= STALE_VIEWS_ALLOWED:
            return Block(Hold.VIEW_TOO_OLD, HOLD_TEXT[Hold.VIEW_TOO_OLD])
        if look.actions >= ACTIONS_ALLOWED:
            text = f"{look.actions} actions in one look, and the modes still change"
            return Block(Hold.ACTION_FAILED, text)
        return None

    def _without_progress(
        self,
        look: LookState,
        view: ClusterView,
        decision: Decision,
        blocks: list[Block],
        pauses: list[float],
    ) -> LookResult | None:
        """Say what follows when no action could be carried out; None to observe again."""
        if any(block.hold is Hold.VIEW_TOO_OLD for block in blocks):
            look.stale_views += 1
            if look.stale_views < STALE_VIEWS_ALLOWED:
                return None
        if blocks and look.order is Order.DISABLE_FIRST:
            look.order = Order.ENABLE_FIRST  # what cannot be closed must not keep the primary shut
            return None
        if pauses:
            self._clock.wait(min(pauses), look.stop)
            return None
        if blocks[0].hold is Hold.RULE_UNREAD and self._rereads(look, view):
            return None
        first = blocks[0]
        return LookResult(
            Ending.HELD,
            view,
            decision,
            first.hold,
            first.text,
            again_seconds=first.again_seconds,
        )

    def _rereads(self, look: LookState, view: ClusterView) -> bool:
        """Tell whether rules that could not be read are read again: one late answer is no hold."""
        since = look.unread_since
        look.unread_since = since or view.began
        if since is not None and self._clock.now().seconds_since(since) >= REREAD_SECONDS:
            return False
        self._clock.wait(POLL_SECONDS, look.stop)
        return True

    def _why_not(
        self, look: LookState, view: ClusterView, decision: Decision, action: Action
    ) -> Block | None:
        host = next(each for each in look.cluster.hosts if each.name == action.host)
        return self._guards.why_not(
            Circumstances(
                action,
                view,
                self._clock.now(),
                self._settings.max_age,
                look.order,
                decision,
                names_cluster=host.nlb.names_cluster,
            )
        )

    def _carry_out(
        self, look: LookState, view: ClusterView, decision: Decision, action: Action
    ) -> None:
        """Carry out one action and count it as a failed try unless it was verified to stay."""
        if look.remediation is None:
            look.began_with = {"why": str(decision), "view": describe(view)}
            look.remediation = self._journal.open_decision(
                look.cluster.name,
                row=decision.row,
                trigger=look.trigger.label,
                level=self._settings.policy.level,
                detail=look.began_with,
            )
        attempts = self._attempts_of(look.cluster)
        outcome, why = self._actor.act(
            look.cluster,
            view,
            decision,
            action,
            look.remediation,
            attempts.number(action),
            look.stop,
        )
        if outcome is ActionOutcome.TOO_LATE:
            look.stale_views += 1
            return
        look.actions += 1
        look.unread_since = None
        if outcome not in {ActionOutcome.NOT_SENT, ActionOutcome.REFUSED}:
            verified = outcome is ActionOutcome.VERIFIED
            ended = self._clock.now()
            self._ports_seen.acted(look.cluster.name, action, ended, verified=verified)
        changed_back = outcome is ActionOutcome.VERIFIED and look.done(action)
        if outcome is ActionOutcome.WORLD_CHANGED:
            return
        if outcome is ActionOutcome.VERIFIED and not changed_back:
            attempts.done(action)
        else:
            attempts.failed(
                action,
                appearance(view.host(action.host), action),
                self._clock.now().monotonic,
                self._jitter.uniform(0.5, 1.5),
                why,
            )

    def _finish(self, look: LookState, result: LookResult) -> None:
        if result.ending in {Ending.RIGHT, Ending.REMEDIATED}:
            self._attempts_of(look.cluster).clear()
        self._held[look.cluster.name] = result.hold
        seconds = self._clock.now().seconds_since(look.began)
        self._record.note_fences(result.view, result.decision)
        self._record.ended(result, look.trigger, look.remediation, seconds, look.began_with)

    def _attempts_of(self, cluster: Cluster) -> Attempts:
        return self._attempts.setdefault(cluster.name, Attempts(self._settings.attempts))
