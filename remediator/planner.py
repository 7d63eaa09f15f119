"""The decision table: a view of a cluster → what to do about it, and why. Pure.

Every decision is a row with a stable id; the id goes to journal, log line and metric. The
table never names a host by anything but the view, and knows nothing of alerts: an alert is a
reason to look, never an order.

What it must hold (architecture: invariants 1 to 4):
1. enable only the one host whose SIP Server is read as primary (others may be unknown);
2. never disable a host whose SIP Server is read as primary;
3. nothing at all where no host or several hosts are read as primary;
4. with ``enable_first``, disable a host only while the primary is read as serving the rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cluster.model import (
    SERVING_NODE_STATES,
    ClusterView,
    HostView,
    NodeState,
    PortRule,
    PortState,
    SipMode,
)
from remediator.rows import ROWS, Hold, Patience, Row

CLOSED = frozenset({PortState.DISABLED, PortState.DRAINING})


class Order(StrEnum):
    """Which comes first in a remediation."""

    ENABLE_FIRST = "enable_first"
    DISABLE_FIRST = "disable_first"


class UnknownPeer(StrEnum):
    """What becomes of an enabled port on a host whose mode is unknown."""

    DISABLE = "disable"
    LEAVE = "leave"


class UnknownScs(StrEnum):
    """The same where nothing tells whether the primary is connected to SCS."""

    HOLD = "hold"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Unknowns:
    """What policy says of an enabled port on a host of unknown mode."""

    peer: UnknownPeer = UnknownPeer.DISABLE
    scs: UnknownScs = UnknownScs.HOLD


DEFAULT_UNKNOWNS = Unknowns()


class ActionVerb(StrEnum):
    """What an action does to a port rule."""

    ENABLE = "enable"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Action:
    """One enable or disable of one port rule on one host."""

    verb: ActionVerb
    host: str
    rule: PortRule

    @property
    def wanted(self) -> PortState:
        """The port state that it aims at."""
        return PortState.ENABLED if self.verb is ActionVerb.ENABLE else PortState.DISABLED

    def __str__(self) -> str:
        """Show it as ``enable 5060 on sip-east-1``."""
        return f"{self.verb} {self.rule.port_spec} on {self.host}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that applies. host, rule: None where it concerns the whole cluster."""

    row: Row
    host: str | None = None
    rule: PortRule | None = None
    action: Action | None = None

    @property
    def hold(self) -> Hold | None:
        """The reason not to act, if the row is one."""
        return ROWS[self.row].hold

    def __str__(self) -> str:
        """Say it in words, for log, journal and console."""
        place = " ".join(
            part
            for part in (
                f"port {self.rule.port_spec}" if self.rule else "",
                f"on {self.host}" if self.host else "",
            )
            if part
        )
        return f"{place}: {ROWS[self.row].text}" if place else ROWS[self.row].text


@dataclass(frozen=True, slots=True)
class Decision:
    """All findings of one look, most pressing first. Never empty."""

    findings: tuple[Finding, ...]

    @property
    def row(self) -> Row:
        """The most pressing row."""
        return self.findings[0].row

    @property
    def actions(self) -> tuple[Action, ...]:
        """What to do now; what follows is decided by the next look."""
        return tuple(finding.action for finding in self.findings if finding.action is not None)

    @property
    def hold(self) -> Hold | None:
        """The most pressing reason not to act, or None."""
        return next((finding.hold for finding in self.findings if finding.hold), None)

    @property
    def patience(self) -> Patience:
        """How long to look again before a hold: the longest that any finding asks for."""
        return max((ROWS[finding.row].patience for finding in self.findings), default=Patience.NONE)

    @property
    def fenced(self) -> tuple[str, ...]:
        """Hosts that should be disabled but cannot be commanded."""
        return tuple(
            dict.fromkeys(
                finding.host
                for finding in self.findings
                if finding.hold is Hold.FENCE_PENDING and finding.host
            )
        )

    def __str__(self) -> str:
        """Say all findings in words."""
        return "; ".join(str(finding) for finding in self.findings)


def plan(
    view: ClusterView,
    *,
    order: Order = Order.ENABLE_FIRST,
    unknowns: Unknowns = DEFAULT_UNKNOWNS,
    still_primary: frozenset[str] = frozenset(),
) -> Decision:
    """Decide what to do about a fresh view.

    still_primary: hosts of unknown mode that were seen as primary beside the other a moment
    ago (see `remediator.overlap`): they count as primary still.
    """
    primaries = view.primaries
    if len(primaries) != 1:
        return Decision((Finding(_row_without_primary(view)),))
    if still_primary:
        return Decision((Finding(Row.TWO_PRIMARIES),))
    primary = primaries[0]
    others = tuple(host for host in view.hosts if host.host != primary.host)
    findings = [
        finding
        for rule in view.rules
        for finding in _rule_findings(rule, primary, others, order, unknowns)
    ]
    return Decision(tuple(sorted(findings, key=lambda finding: ROWS[finding.row].rank)))


def _row_without_primary(view: ClusterView) -> Row:
    if view.primaries:
        return Row.TWO_PRIMARIES
    if all(host.mode is SipMode.BACKUP for host in view.hosts):
        return Row.NO_PRIMARY
    return Row.PRIMARY_NOT_SEEN


def _rule_findings(
    rule: PortRule,
    primary: HostView,
    others: tuple[HostView, ...],
    order: Order,
    unknowns: Unknowns,
) -> Iterator[Finding]:
    """Yield what applies to one rule where exactly one host is primary."""
    blocked = _row_of_unfit_primary(rule, primary)
    if blocked is not None:
        yield Finding(blocked, primary.host, rule)
        return
    closed = primary.port_state(rule) in CLOSED
    if closed:
        first = [
            finding
            for other in others
            if order is Order.DISABLE_FIRST and primary.node_state in SERVING_NODE_STATES
            for finding in _other_findings(rule, primary, other, unknowns)
            if finding.action is not None
        ]
        yield from first or [_enable(rule, primary, others)]
        return
    found = [
        finding for other in others for finding in _other_findings(rule, primary, other, unknowns)
    ]
    yield from found or [Finding(Row.RIGHT, None, rule)]


def _row_of_unfit_primary(rule: PortRule, primary: HostView) -> Row | None:
    """Return why the primary's port cannot be judged or opened, or None if it can.

    A node that is known to be out of the cluster makes an enable pointless. One whose state
    is unknown does not forbid it, but is never proof that it serves afterwards.
    """
    state, node = primary.port_state(rule), primary.node_state
    if state is PortState.UNKNOWN:
        return Row.PRIMARY_PORT_UNREADABLE
    if state is PortState.NOT_FOUND:
        return Row.PRIMARY_RULE_MISSING
    fit_to_open = node in SERVING_NODE_STATES or node is NodeState.UNKNOWN
    if state in CLOSED and not fit_to_open:
        return Row.PRIMARY_NODE_NOT_SERVING
    if state is PortState.ENABLED and node not in SERVING_NODE_STATES:
        return Row.PRIMARY_NODE_NOT_SERVING
    return None


def _enable(rule: PortRule, primary: HostView, others: tuple[HostView, ...]) -> Finding:
    other_open = any(other.port_state(rule) is PortState.ENABLED for other in others)
    row = Row.PRIMARY_CLOSED_OTHER_OPEN if other_open else Row.PRIMARY_CLOSED
    action = Action(ActionVerb.ENABLE, primary.host, rule)
    return Finding(row, primary.host, rule, action)


def _other_findings(
    rule: PortRule, primary: HostView, other: HostView, unknowns: Unknowns
) -> Iterator[Finding]:
    """Yield what applies to another host's port; nothing if it is as it should be."""
    state = other.port_state(rule)
    if state is PortState.ENABLED:
        row = _row_of_open_other(primary, other, unknowns)
        closes = row in {Row.OTHER_OPEN, Row.UNKNOWN_OTHER_OPEN}
        action = Action(ActionVerb.DISABLE, other.host, rule) if closes else None
        yield Finding(row, other.host, rule, action)
    elif state is PortState.DRAINING:
        yield Finding(Row.OTHER_DRAINING, other.host, rule)
    elif state is PortState.NOT_FOUND:
        yield Finding(Row.OTHER_RULE_MISSING, other.host, rule)
    elif state is PortState.UNKNOWN:
        unreachable = other.mode is SipMode.UNKNOWN
        row = Row.OTHER_UNREACHABLE if unreachable else Row.OTHER_PORT_UNREADABLE
        yield Finding(row, other.host, rule)


def _row_of_open_other(primary: HostView, other: HostView, unknowns: Unknowns) -> Row:
    """Tell whether another host's open port may be closed.

    Of a host whose mode is unknown only if the primary says that Solution Control Server
    still knows it: otherwise it may be the primary that is cut off, and its view that is old.
    """
    if other.mode is SipMode.BACKUP:
        return Row.OTHER_OPEN
    if unknowns.peer is UnknownPeer.LEAVE:
        return Row.UNKNOWN_OTHER_LEFT
    connected = primary.scs_connected
    if connected is None and unknowns.scs is UnknownScs.DISABLE:
        return Row.UNKNOWN_OTHER_OPEN
    return Row.UNKNOWN_OTHER_OPEN if connected else Row.PRIMARY_WITHOUT_SCS
