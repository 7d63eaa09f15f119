"""Whether the ports of a cluster follow the modes, in the words of the alerts. Pure.

Says at once what alertmanager/rules says of the same readings after its waiting times, and
``WRONG`` where those alerts are critical. It judges one exporter's view: what another exporter
reads, and what a remediator does, is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from cluster.model import (
    SERVING_NODE_STATES,
    ClusterView,
    HostView,
    NodeState,
    PortRule,
    PortState,
    Reason,
    SipMode,
)
from cluster.sip.agreement import disagreement

CLOSED = frozenset({PortState.DISABLED, PortState.DRAINING})


class Rank(IntEnum):
    """How bad it is; the worst finding's counts.

    WARNING: callers reach the primary, and something is wrong beside that. UNKNOWN: what is
    read does not tell whether they do.
    """

    RIGHT = 0
    WARNING = 1
    UNKNOWN = 2
    WRONG = 3

    @property
    def word(self) -> str:
        """The verdict's first words."""
        return {0: "right", 1: "right, but", 2: "UNKNOWN", 3: "WRONG"}[self]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a cluster. text: all that was found, the worst first."""

    rank: Rank
    text: str

    def __str__(self) -> str:
        """Show it as ``WRONG: primary sip-east-1's port 5060 is disabled``."""
        return f"{self.rank.word}: {self.text}"


Finding = tuple[Rank, str]


def verdict_of(view: ClusterView, elsewhere: tuple[str, ...] = ()) -> Verdict:
    """Judge a view.

    elsewhere: the cluster's hosts that are not in the view, since an exporter on them reads
    them. Then a primary, or an enabled port, may be there, and nothing is said of its absence.
    """
    if not view.hosts:
        return Verdict(Rank.UNKNOWN, f"every host is read elsewhere: {', '.join(elsewhere)}")
    if all(_is_unread(host) for host in view.hosts):
        return Verdict(Rank.UNKNOWN, "nothing has been read yet")
    found = [*_modes(view, elsewhere), *_nodes(view)]
    for rule in view.rules:
        found += _ports(view, rule, elsewhere)
    if not found:
        return Verdict(Rank.RIGHT, _right(view, elsewhere))
    found.sort(key=lambda finding: -finding[0])
    return Verdict(found[0][0], "; ".join(text for _, text in found))


def _is_unread(host: HostView) -> bool:
    quick = (*host.sip, host.node, *(reading for _, reading in host.ports))
    return all(r.problem is not None and r.problem.reason is Reason.NEVER_READ for r in quick)


def _right(view: ClusterView, elsewhere: tuple[str, ...]) -> str:
    if elsewhere:
        return f"as far as {_names(view.hosts)} tells; read elsewhere: {', '.join(elsewhere)}"
    ports = ", ".join(rule.port for rule in view.rules)
    return f"primary {_names(view.primaries)} alone has port {ports} enabled"


def _names(hosts: Iterable[HostView]) -> str:
    return ", ".join(host.host for host in hosts)


def _modes(view: ClusterView, elsewhere: tuple[str, ...]) -> Iterator[Finding]:
    """SipNoPrimary, SipPrimaryNotSeen, SipTwoPrimaries, SipServerModeUnknown and disagreement."""
    unknown = [host for host in view.hosts if host.mode is SipMode.UNKNOWN]
    if len(view.primaries) > 1:
        yield Rank.WRONG, f"{len(view.primaries)} SIP Servers are primary: {_names(view.primaries)}"
    if unknown and not (view.primaries or elsewhere):
        yield Rank.UNKNOWN, f"no primary is seen and the mode of {_names(unknown)} is unknown"
    elif unknown:
        rank = Rank.WARNING if view.primaries else Rank.UNKNOWN
        yield rank, f"the mode of {_names(unknown)} is unknown"
    elif not (view.primaries or elsewhere):
        yield Rank.WRONG, "no SIP Server is primary"
    for host in view.hosts:
        told = disagreement(host)
        if told is not None:
            yield Rank.WARNING, f"sources disagree about the mode of {host.host}: {told}"


def _nodes(view: ClusterView) -> Iterator[Finding]:
    """NlbPrimaryNodeNotServing, NlbNodeNotServing and NlbSplit."""
    for host in view.hosts:
        if host.node_state not in SERVING_NODE_STATES:
            yield _node(host)
    alone = [host for host in view.hosts if host.node.value.is_default]
    if len(alone) > 1:
        yield Rank.WRONG, f"the NLB cluster has split: {_names(alone)} are all default host"


def _node(host: HostView) -> Finding:
    """Judge a node that does not serve, or cannot be read."""
    is_primary = host.mode is SipMode.PRIMARY
    who = f"the NLB node of {'primary ' if is_primary else ''}{host.host}"
    if host.node_state is NodeState.UNKNOWN:
        return Rank.UNKNOWN if is_primary else Rank.WARNING, f"{who} cannot be read"
    if is_primary:
        return Rank.WRONG, f"{who} is {host.node_state}: it takes no traffic"
    return Rank.WARNING, f"{who} is {host.node_state}"


def _ports(view: ClusterView, rule: PortRule, elsewhere: tuple[str, ...]) -> Iterator[Finding]:
    """NlbNoHostEnabled, NlbSeveralHostsEnabled, and what is to be said of single hosts."""
    sole = len(view.primaries) == 1
    for host in view.hosts:
        yield from _port(host, rule, sole=sole, may_follow=sole or bool(elsewhere))
    states = [host.port_state(rule) for host in view.hosts]
    enabled = states.count(PortState.ENABLED)
    if enabled > 1:
        yield Rank.WRONG, f"{enabled} hosts have port {rule.port} enabled"
    elif not elsewhere and set(states) <= CLOSED:
        yield Rank.WRONG, f"no host has port {rule.port} enabled"


def _port(host: HostView, rule: PortRule, *, sole: bool, may_follow: bool) -> Iterator[Finding]:
    """SipServerBecamePrimary, SipServerBecameBackup, NlbPortUnreadable and NlbRuleMissing.

    sole: one primary is seen. may_follow: it is, or it may be elsewhere; where there is none or
    several, no port is the wrong one to be enabled.
    """
    state, port, mode = host.port_state(rule), rule.port, host.mode
    if state is PortState.UNKNOWN:
        who = f"primary {host.host}" if mode is SipMode.PRIMARY else host.host
        yield Rank.UNKNOWN, f"port {port} of {who} cannot be read"
    elif state is PortState.NOT_FOUND:
        yield Rank.WRONG, f"{host.host} has no port rule {port}"
    elif mode is SipMode.PRIMARY and state in CLOSED:
        yield Rank.WRONG, f"primary {host.host}'s port {port} is {state}"
    elif mode is SipMode.BACKUP and state is PortState.ENABLED and may_follow:
        yield Rank.WRONG, f"backup {host.host}'s port {port} is enabled"
    elif mode is SipMode.UNKNOWN and state is PortState.ENABLED and may_follow:
        rank = Rank.WRONG if sole else Rank.UNKNOWN
        yield rank, f"{host.host}'s port {port} is enabled and {host.host} is not seen as primary"
