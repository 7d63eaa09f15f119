"""Edge: policy level ``approve``: actions wait in the journal until a person says yes.

A person is asked for all actions that a view leads to, in their order. What is granted is good
for exactly these, each of them once, and only while the table, asked anew before each, calls for
nothing else. A yes is not an order: every other interlock is still asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from cluster import log
from cluster.clock import Clock, utc_seconds_text, utc_text
from cluster.config_model import Config
from cluster.model import ClusterView, PortState
from remediator.approval import Approval, Standing, approval_of
from remediator.evidence import ActionOutcome
from remediator.foresee import foresee
from remediator.interlocks import Block, Circumstances
from remediator.journal import Journal, JournalError
from remediator.journal_schema import Kind
from remediator.own_part import own_part
from remediator.pauses import not_understood
from remediator.planner import (
    Action,
    ActionVerb,
    Decision,
    UnknownPeer,
    Unknowns,
    UnknownScs,
    plan,
)
from remediator.refused import RefusedError
from remediator.rows import Hold

DONE = frozenset({ActionOutcome.VERIFIED, ActionOutcome.FOUND_DONE})
LEAST_GRANTED_SECONDS = 120.0
"""How long an approval is good for at least: the longest that its actions take, with retries."""


class Approvals:
    """The approvals in the journal; a `Guard`. Methods raise `JournalError` unless they say else.

    Remembers which granted actions were already seen done, so that none is done again; of those
    before its time the journal tells.
    """

    def __init__(self, config: Config, journal: Journal, clock: Clock) -> None:
        policy = config.remediator.policy
        self._asks = policy.level == "approve"
        self._within = policy.approve_within
        self._unknowns = Unknowns(UnknownPeer(policy.unknown_peer), UnknownScs(policy.unknown_scs))
        self._peers = {cluster.name: cluster.peers for cluster in config.clusters}
        self._journal = journal
        self._clock = clock
        self._done: dict[str, tuple[int, set[str]]] = {}

    def note(self, view: ClusterView) -> None:
        """See which actions of the grant in use are done."""
        if view.cluster in self._done:
            self._done[view.cluster][1].update(_fulfilled(view))

    def planned(self, view: ClusterView, decision: Decision) -> None:
        """Withdraw what was granted once the table calls for something else.

        Also where another interlock forbids that, and nobody asks here whether it is approved.
        """
        wanted = {str(action) for action in decision.actions}
        for grant in self.standing(view.cluster) if wanted else ():
            if grant.standing is Standing.GRANTED and not wanted <= set(grant.actions):
                self._end(grant, "withdrawn")

    def why_not(self, given: Circumstances) -> Block | None:
        """Block unless a person has approved all that the table calls for now; else ask one."""
        try:
            return None if self._is_granted(given) else self._ask(given)
        except JournalError as error:
            text = f"whether it is approved cannot be read: {error}"
            return Block(Hold.JOURNAL_UNWRITABLE, text)

    def standing(self, cluster: str | None = None) -> tuple[Approval, ...]:
        """Return what is wanted or granted and not over, oldest first. cluster: None for all.

        At another level nothing is: what was asked before a restart would never be carried out.
        """
        if not self._asks:
            return ()
        now = self._clock.now().utc
        return tuple(each for each in self._open_rows(cluster) if each.until > now)

    def approve(self, cluster: str, key: int, who: dict[str, str]) -> Approval:
        """Grant what is asked for. key: of its row. who: as `Caller.record` has it.

        Raises `RefusedError` if nothing is asked for under this id any more.
        """
        wanted = [each for each in self.standing(cluster) if each.standing is Standing.WANTED]
        found = next((each for each in wanted if each.id == key), None)
        if found is None:
            raise _not_wanted(cluster, key, wanted)
        now = self._clock.now().utc
        until = now + timedelta(seconds=max(self._within, LEAST_GRANTED_SECONDS))
        said = {"actions": list(found.actions), "why": found.why, **who}
        # Only who ends the row has approved it: two who say yes at once grant it once.
        asked = {**said, "until": utc_text(found.until)}
        if not self._journal.end([key], "approved", detail=asked):
            raise _not_wanted(cluster, key, ())
        detail = {**said, "until": utc_text(until)}
        granted = self._journal.open_row(
            Kind.APPROVAL, cluster, detail, reason=Standing.GRANTED, parent=key
        )
        log.get("remediator").info(
            "approved", cluster=cluster, approval=key, would=found.words, **who
        )
        return Approval(
            granted, cluster, Standing.GRANTED, found.actions, found.why, who["who"], now, until
        )

    def expire(self) -> list[Approval]:
        """End what was not approved, or not used, in time; return it."""
        now = self._clock.now().utc
        over = [each for each in self._open_rows(None) if each.until <= now]
        return [each for each in over if self._end(each, "expired")]

    def _open_rows(self, cluster: str | None) -> list[Approval]:
        found = []
        for row in self._journal.open_rows(Kind.APPROVAL, cluster):
            try:
                found.append(approval_of(row))
            except (KeyError, TypeError, ValueError) as error:
                raise not_understood(row, error) from error
        return found

    def _is_granted(self, given: Circumstances) -> bool:
        """Tell whether a grant covers all that is called for; withdraw those that do not."""
        cluster, wanted = given.view.cluster, {str(action) for action in _called_for(given)}
        for grant in self.standing(cluster):
            if grant.standing is Standing.GRANTED:
                if self._done.get(cluster, (0, set()))[0] != grant.id:
                    self._done[cluster] = (grant.id, self._done_since(grant, given.view))
                done = self._done[cluster][1]
                if wanted <= set(grant.actions) - done:
                    return True
                self._end(grant, "withdrawn")
        return False

    def _done_since(self, grant: Approval, view: ClusterView) -> set[str]:
        """Return what was done after a grant was given, by a program that is gone perhaps."""
        rows = self._journal.rows(cluster=view.cluster, kind=Kind.ACTION)
        return {
            str(Action(ActionVerb(row.verb), row.host, rule))
            for row in rows
            for rule in view.rules
            if row.id > grant.id and row.outcome in DONE and row.port == rule.port
        }

    def _ask(self, given: Circumstances) -> Block:
        """Ask for all that follows from a view, unless it is asked for already."""
        decision = given.decision or Decision(())
        foreseen = foresee(given.view, decision, lambda view: self._decide(view, given))
        actions = tuple(str(action) for action in foreseen or _called_for(given))
        known: Approval | None = None
        for each in self.standing(given.view.cluster):
            if known is None and set(each.actions) == set(actions):
                known = each
            else:
                self._end(each, "withdrawn")
        asked = known or self._open(given.view.cluster, actions, str(decision))
        text = f"approval {asked.id} is wanted until {utc_seconds_text(asked.until)}: {asked.words}"
        return Block(Hold.APPROVAL_WANTED, text)

    def _decide(self, view: ClusterView, given: Circumstances) -> Decision:
        decision = plan(view, order=given.order, unknowns=self._unknowns)
        return own_part(decision, self._peers.get(view.cluster, frozenset()))

    def _open(self, cluster: str, actions: tuple[str, ...], why: str) -> Approval:
        now = self._clock.now().utc
        until = now + timedelta(seconds=self._within)
        detail = {"actions": list(actions), "why": why, "until": utc_text(until)}
        key = self._journal.open_row(Kind.APPROVAL, cluster, detail, reason=Standing.WANTED)
        made = Approval(key, cluster, Standing.WANTED, actions, why, "", now, until)
        log.get("remediator").warning(
            "approval wanted",
            cluster=cluster,
            approval=key,
            would=made.words,
            why=why,
            until=utc_seconds_text(until),
        )
        return made

    def _end(self, approval: Approval, outcome: str) -> bool:
        if not self._journal.end([approval.id], outcome):
            return False
        log.get("remediator").warning(
            f"approval {outcome}",
            cluster=approval.cluster,
            approval=approval.id,
            standing=approval.standing,
            would=approval.words,
        )
        return True


def _not_wanted(cluster: str, key: int, wanted: Sequence[Approval]) -> RefusedError:
    others = "; ".join(f"wanted is {each.id}: {each.words}" for each in wanted)
    hint = others or "nothing of it waits for approval; look again"
    return RefusedError(409, f"no approval {key} of {cluster} is wanted", hint)


def _called_for(given: Circumstances) -> tuple[Action, ...]:
    return given.decision.actions if given.decision is not None else (given.action,)


def _fulfilled(view: ClusterView) -> set[str]:
    """Return the actions that would change nothing in this view."""
    states = {PortState.ENABLED: ActionVerb.ENABLE, PortState.DISABLED: ActionVerb.DISABLE}
    return {
        str(Action(states[reading.value.state], host.host, rule))
        for host in view.hosts
        for rule, reading in host.ports
        if reading.value.state in states
    }
