"""Seeded mistakes: planners, interlocks and habits that are wrong, each in one way. Pure.

The exploration has to find every one of them; one that it does not find would mean that its
silence about the product is worth nothing. A mistake of the table is explored without the last
interlock (`unsafe`), which would hide what it breaks; that the interlock alone keeps it from a
port is another test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cluster.model import (
    ClusterView,
    HostView,
    NodeState,
    NodeStatus,
    PortState,
    PortStatus,
    SipMode,
    SipStatus,
)
from remediator.evidence import ActionOutcome, judge
from remediator.interlocks import INTERLOCKS, rule_differs, unsafe, view_too_old
from remediator.overlap import OverlapSeen
from remediator.planner import (
    DEFAULT_UNKNOWNS,
    Action,
    ActionVerb,
    Decision,
    Finding,
    UnknownPeer,
    Unknowns,
    UnknownScs,
    plan,
)
from remediator.rows import Row
from remediator.switch_answer import Sent
from tests.exploration.product import RULE, WIDER, Parts

WITHOUT_LAST = tuple(interlock for interlock in INTERLOCKS if interlock is not unsafe)


@dataclass(frozen=True)
class Mistake:
    """One wrong way to do it. sentence: what it has to be found to break, by its mark.

    of_table: the last interlock alone would have kept it from a port. kind: on which sites it
    shows. beginning, faults: from where, and how many it takes.
    """

    name: str
    parts: Parts
    sentence: str
    of_table: bool = False
    kind: str = "central"
    beginning: str = "switchover"
    faults: int = 1
    unknowns: Unknowns = DEFAULT_UNKNOWNS


def _changed(decision: Decision, change: Any) -> Decision:
    """Return the decision with every action changed; a change to None takes it out."""
    return Decision(
        tuple(
            replace(finding, action=change(finding.action)) if finding.action else finding
            for finding in decision.findings
        )
    )


def _seen_as(view: ClusterView, change: Any) -> ClusterView:
    return replace(view, hosts=tuple(change(host) for host in view.hosts))


def _enables_the_backup(view: ClusterView, **policy: Any) -> Decision:
    """Opens the other host's port where the primary's is closed."""
    names = [host.host for host in view.hosts]

    def other(action: Action) -> Action:
        swapped = next(name for name in names if name != action.host)
        return replace(action, host=swapped) if action.verb is ActionVerb.ENABLE else action

    return _changed(plan(view, **policy), other)


def _disables_the_primary(view: ClusterView, **policy: Any) -> Decision:
    """Closes the wrong one of two open ports."""
    primaries = [host.host for host in view.primaries]

    def primary(action: Action) -> Action:
        closes = action.verb is ActionVerb.DISABLE
        return replace(action, host=primaries[0]) if closes else action

    return _changed(plan(view, **policy), primary)


def _disables_before_serving(view: ClusterView, **policy: Any) -> Decision:
    """Closes the other port first, though the order is to open first."""
    decision = plan(view, **policy)
    if decision.row is not Row.PRIMARY_CLOSED_OTHER_OPEN:
        return decision
    other = next(h.host for h in view.hosts if h.host != view.primaries[0].host)
    action = Action(ActionVerb.DISABLE, other, RULE)
    return Decision((Finding(Row.OTHER_OPEN, other, RULE, action),))


def _ignores_the_node(view: ClusterView, **policy: Any) -> Decision:
    """Takes an enabled port for proof, whatever its node does."""

    def running(host: HostView) -> HostView:
        return replace(host, node=replace(host.node, value=NodeStatus(NodeState.CONVERGED)))

    return plan(_seen_as(view, running), **policy)


def _ignores_scs(view: ClusterView, **policy: Any) -> Decision:
    """Never asks whether Solution Control Server still knows the primary."""

    def connected(host: HostView) -> HostView:
        status = replace(host.sip[0].value, scs_connected=True)
        return replace(host, sip=(replace(host.sip[0], value=status),))

    return plan(_seen_as(view, connected), **policy)


def _trusts_silent_scs(view: ClusterView, **policy: Any) -> Decision:
    """Takes "not told" for connected."""
    return plan(view, **policy | {"unknowns": Unknowns(scs=UnknownScs.DISABLE)})


def _ignores_leave(view: ClusterView, **policy: Any) -> Decision:
    """Closes a host of unknown mode though policy leaves it."""
    return plan(view, **policy | {"unknowns": Unknowns()})


def _unknown_port_is(state: PortState) -> Any:
    """Folds a port that could not be read into a state."""

    def planned(view: ClusterView, **policy: Any) -> Decision:
        def folded(host: HostView) -> HostView:
            if host.port_state(RULE) is not PortState.UNKNOWN:
                return host
            return replace(host, ports=((RULE, replace(host.port(RULE), value=PortStatus(state))),))

        return plan(_seen_as(view, folded), **policy)

    return planned


def _mode_is(mode: SipMode, instead: SipMode, *, only_first: bool = False) -> Any:
    """Takes a mode for another one; of several such hosts only the first keeps its own."""

    def planned(view: ClusterView, **policy: Any) -> Decision:
        hosts, kept = [], 0
        for host in view.hosts:
            kept += host.mode is mode
            turns = host.mode is mode and not (only_first and kept == 1)
            sip = replace(host.sip[0], value=SipStatus(instead)) if turns else host.sip[0]
            hosts.append(replace(host, sip=(sip,)))
        return plan(replace(view, hosts=tuple(hosts)), **policy)

    return planned


def _never(verb: ActionVerb) -> Any:
    """Leaves out what it should do."""

    def planned(view: ClusterView, **policy: Any) -> Decision:
        return _changed(plan(view, **policy), lambda a: None if a.verb is verb else a)

    return planned


def _names_the_reported_rule(view: ClusterView, **policy: Any) -> Decision:
    """Takes the rule from the host's output."""
    return _changed(plan(view, **policy), lambda action: replace(action, rule=WIDER))


def _forgets_the_overlap(view: ClusterView, **policy: Any) -> Decision:
    """Takes the loss of one of two primaries for its crash."""
    return plan(view, **policy | {"still_primary": frozenset()})


class _ForgetfulOverlap(OverlapSeen):
    """Remembers nothing."""

    def note(self, view: ClusterView) -> None:
        """Take nothing in."""


def _believes_the_answer(action: Action, after: HostView, sent: Sent) -> ActionOutcome:
    """Counts the utility's answer as success."""
    return ActionOutcome.VERIFIED if sent is Sent.ANSWERED else judge(action, after, sent)


def _takes_silence_for_success(action: Action, after: HostView, sent: Sent) -> ActionOutcome:
    """Counts missing evidence as success."""
    outcome = judge(action, after, sent)
    return ActionOutcome.VERIFIED if outcome is ActionOutcome.UNREADABLE else outcome


def _enabled_is_enough(action: Action, after: HostView, sent: Sent) -> ActionOutcome:
    """Counts an enabled port on a stopped node as success."""
    outcome = judge(action, after, sent)
    return ActionOutcome.VERIFIED if outcome is ActionOutcome.NOT_SERVING else outcome


def _table(planned: Any) -> Parts:
    """Return the product with another table, without the interlocks that would stop it."""
    return Parts(plan=planned, interlocks=WITHOUT_LAST)


def _without(*interlocks: Any) -> Parts:
    return Parts(interlocks=tuple(each for each in INTERLOCKS if each not in interlocks))


P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
LEAVE = Unknowns(peer=UnknownPeer.LEAVE)

MISTAKES = (
    Mistake("enables_the_backup", _table(_enables_the_backup), "1", of_table=True),
    Mistake("disables_the_primary", _table(_disables_the_primary), "2", of_table=True),
    Mistake(
        "acts_with_two_primaries",
        _table(_mode_is(P, B, only_first=True)),
        "3",
        of_table=True,
        beginning="two primaries",
    ),
    Mistake(
        "takes_unknown_for_primary", _table(_mode_is(U, P)), "3", of_table=True, beginning="crash"
    ),
    Mistake(
        "takes_backup_for_primary",
        _table(_mode_is(B, P, only_first=True)),
        "3",
        of_table=True,
        beginning="no primary",
    ),
    Mistake("disables_before_serving", _table(_disables_before_serving), "4", of_table=True),
    Mistake("ignores_the_node", _table(_ignores_the_node), "4", of_table=True),
    Mistake("ignores_scs", _table(_ignores_scs), "C", beginning="crash"),
    Mistake("trusts_silent_scs", _table(_trusts_silent_scs), "C", beginning="crash"),
    Mistake("ignores_leave", _table(_ignores_leave), "U", beginning="crash", unknowns=LEAVE),
    Mistake("unknown_port_is_disabled", _table(_unknown_port_is(PortState.DISABLED)), "P"),
    Mistake("unknown_port_is_enabled", _table(_unknown_port_is(PortState.ENABLED)), "4"),
    Mistake(
        "forgets_the_overlap",
        _table(_forgets_the_overlap),
        "O",
        beginning="two primaries",
        faults=2,
    ),
    Mistake(
        "remembers_no_overlap",
        Parts(overlap=_ForgetfulOverlap),
        "O",
        beginning="two primaries",
        faults=2,
    ),
    Mistake("names_the_reported_rule", Parts(plan=_names_the_reported_rule, interlocks=()), "8"),
    Mistake("uses_an_old_view", _without(view_too_old), "F"),
    Mistake("sends_too_late", Parts(sends_late=True), "F"),
    Mistake("ignores_rule_differs", _without(rule_differs), "R"),
    Mistake("commands_the_peer", Parts(own_part=lambda decision, _: decision), "N", kind="on_node"),
    Mistake("repeats_the_intent", Parts(repeats_intent=True), "6"),
    Mistake("believes_the_answer", Parts(judge=_believes_the_answer), "E"),
    Mistake("takes_silence_for_success", Parts(judge=_takes_silence_for_success), "E"),
    Mistake("enabled_is_enough", Parts(judge=_enabled_is_enough), "E"),
    Mistake("never_opens", _table(_never(ActionVerb.ENABLE)), "5"),
    Mistake("never_closes", _table(_never(ActionVerb.DISABLE)), "5"),
)
