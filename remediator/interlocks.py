"""Reasons not to carry out an action that the table calls for. Pure.

An interlock takes the action and the view it rests on and returns why not, or None. One
that raises blocks: in doubt nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cluster.clock import Instant
from cluster.model import ALL_VIPS, ClusterView, PortRule, SipMode
from remediator.planner import Action, ActionVerb, Decision, Order
from remediator.rows import Hold


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an interlock may look at.

    now: the moment at which the command would be sent.
    max_age_seconds: how old the readings behind it may then be.
    order: the order in force when the action was planned.
    decision: what the table said of the view; None where it was not asked.
    names_cluster: whether the command names its NLB cluster, as those of back end ``cim`` do.
    """

    action: Action
    view: ClusterView
    now: Instant
    max_age_seconds: float
    order: Order
    decision: Decision | None = None
    names_cluster: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Why an action is not carried out: the enumerated reason, and the particulars.

    again_seconds: when at the latest it is to be seen whether it still stands; None: no matter.
    """

    hold: Hold
    text: str
    again_seconds: float | None = None

    def __str__(self) -> str:
        """Join reason and particulars."""
        return f"{self.hold}: {self.text}"


Interlock = Callable[[Circumstances], Block | None]


def view_too_old(given: Circumstances) -> Block | None:
    """Block when a reading was asked for too long ago, whichever host it is of.

    Only readings with a value count, whatever else is said of them: what could not be read is
    unknown at any age.
    """
    ages = [
        (reading.age_seconds(given.now), host.host, reading.source)
        for host in given.view.hosts
        for reading in (host.effective_sip, host.node, host.port(given.action.rule))
        if reading.problem is None or reading.value != type(reading.value)()
    ]
    age, host, source = max(ages)
    if age <= given.max_age_seconds:
        return None
    return Block(
        Hold.VIEW_TOO_OLD,
        f"{source} of {host} is {age:.1f} s old, allowed are {given.max_age_seconds:g} s",
    )


def rule_differs(given: Circumstances) -> Block | None:
    """Block unless the host reports exactly the configured rule.

    A port selects the whole rule that contains it (documented: nlb help), so a wider rule
    would switch foreign traffic.
    """
    reading = given.view.host(given.action.host).params
    rules = reading.value.rules
    if rules is None:
        why = str(reading.problem) if reading.problem else "nlb params lists no rules"
        return Block(Hold.RULE_UNREAD, f"{given.action.host}: {why}")
    wanted = given.action.rule
    others = [r.rule for r in rules if r.rule != wanted and _overlaps(r.rule, wanted)]
    if wanted in {reported.rule for reported in rules} and not others:
        return None
    near = [str(r.rule) for r in rules if _overlaps(r.rule, wanted)]
    return Block(
        Hold.RULE_DIFFERS,
        f"{given.action.host} reports {', '.join(near) or 'no rule'} for port {wanted.start}, "
        f"configured is {wanted}",
    )


def _overlaps(rule: PortRule, wanted: PortRule) -> bool:
    """Tell whether a command for `wanted` might touch another rule.

    Which rule ``ALL:PORT`` switches where rules of single addresses hold the port too is not
    documented.
    """
    same = wanted.vip in {rule.vip, ALL_VIPS}
    return same and rule.start <= wanted.end and wanted.start <= rule.end


def several_clusters(given: Circumstances) -> Block | None:
    """Block a command without a virtual IP on a host with several NLB clusters.

    Without a cluster argument the utility acts on all cluster instances of the host
    (documented: nlb help). A command that names its cluster touches no other.
    """
    host = given.view.host(given.action.host)
    count = max(host.params.value.clusters, host.node.value.clusters)
    if given.names_cluster or given.action.rule.vip != ALL_VIPS or count <= 1:
        return None
    return Block(
        Hold.SEVERAL_CLUSTERS,
        f"{given.action.host} reports {count} NLB clusters and rule {given.action.rule} names none",
    )


def unsafe(given: Circumstances) -> Block | None:
    """Block what contradicts invariants 1 to 4, whatever the table said.

    Written apart from the table, so that one mistake in it does not reach a port.
    """
    action, view = given.action, given.view
    primaries = [host for host in view.hosts if host.mode is SipMode.PRIMARY]
    if len(primaries) != 1:
        return Block(Hold.UNSAFE, f"{action}: {len(primaries)} hosts are read as primary")
    is_primary = primaries[0].host == action.host
    if action.verb is ActionVerb.ENABLE:
        return None if is_primary else Block(Hold.UNSAFE, f"{action}: it is not the primary")
    if is_primary:
        return Block(Hold.UNSAFE, f"{action}: it is the primary")
    if given.order is Order.ENABLE_FIRST and not primaries[0].is_serving(action.rule):
        return Block(Hold.UNSAFE, f"{action}: the primary does not serve the rule")
    return None


INTERLOCKS: tuple[Interlock, ...] = (unsafe, view_too_old, several_clusters, rule_differs)


def why_blocked(given: Circumstances, interlocks: Iterable[Interlock] = INTERLOCKS) -> Block | None:
    """Return the first reason not to act, or None."""
    for interlock in interlocks:
        try:
            block = interlock(given)
        except Exception as error:  # noqa: BLE001 - boundary: an interlock that cannot tell blocks
            name = getattr(interlock, "__qualname__", "interlock").rpartition("<locals>.")[2]
            return Block(Hold.BUG, f"{name} failed: {type(error).__name__}: {error}")
        if block is not None:
            return block
    return None
