"""The words of the two worlds as types. Pure: no I/O, no clock.

Everything that can be unknown has an UNKNOWN or None, never folded into false, zero
or "disabled". A value never travels without its `Reading`: when it was asked for, when
it was answered, by which source, and what was wrong if something was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from cluster.clock import Instant
from cluster.reasons import REASON_TEXT as REASON_TEXT
from cluster.reasons import Problem as Problem
from cluster.reasons import Reason as Reason


class SipMode(StrEnum):
    """Run mode of a SIP Server."""

    PRIMARY = "primary"
    BACKUP = "backup"
    UNKNOWN = "unknown"


class PortState(StrEnum):
    """Whether a host handles the traffic of a port rule.

    NOT_FOUND: the host has no rule for the port, so NLB's default host takes the traffic.
    DRAINING: existing connections go on, new ones are refused.
    """

    ENABLED = "enabled"
    DISABLED = "disabled"
    DRAINING = "draining"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


class NodeState(StrEnum):
    """State of an NLB node (documented: wlbsprov MicrosoftNLB_Node.StatusCode; KB 242242)."""

    CONVERGED = "converged"
    CONVERGING = "converging"
    DRAINING = "draining"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    DISCONNECTED = "disconnected"
    UNKNOWN = "unknown"


T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """One value, with where it comes from and how old it is.

    value: what was read; each value type has its own "unknown".
    source: what answered, such as ``nlb query`` or ``http``.
    asked: when the request was sent. Freshness counts from here, not from the answer.
    answered: when the answer (or the failure) was there.
    lag_seconds: how old the source's answer may already be when it is given, 0 or more.
    problem: None when the value was read.
    command: what was asked, to be typed or opened by hand.
    raw: the answer as text, capped; for people and the debug page, never parsed again.
    """

    value: T_co
    source: str
    asked: Instant
    answered: Instant
    lag_seconds: float = 0.0
    problem: Problem | None = None
    command: str = ""
    raw: str = field(default="", repr=False)

    def age_seconds(self, now: Instant) -> float:
        """Return the seconds from the sending of the request to `now`."""
        return now.seconds_since(self.asked)

    def duration_seconds(self) -> float:
        """Return the seconds between request and answer."""
        return self.answered.seconds_since(self.asked)


@dataclass(frozen=True, slots=True)
class SipStatus:
    """What one source says of a SIP Server. None means the source does not tell."""

    mode: SipMode = SipMode.UNKNOWN
    ha_link_up: bool | None = None
    scs_connected: bool | None = None
    service_available: bool | None = None
    ready_for_switchover: bool | None = None
    application: str | None = None


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What an NLB node says of itself. None means the output does not tell.

    members: host ids that this node sees in its cluster, itself included; may be empty.
    convergences: how often it began to converge since it joined.
    clusters: number of NLB clusters the host reported; 1 on a usual node, 0 if unread.
    """

    state: NodeState = NodeState.UNKNOWN
    cluster_ip: str | None = None
    host_id: int | None = None
    is_default: bool | None = None
    members: tuple[int, ...] | None = None
    convergences: int | None = None
    clusters: int = 0


@dataclass(frozen=True, slots=True)
class PortStatus:
    """State of one port rule on one host.

    accepted, dropped: packets; None unless the host handles the rule
    (documented: counters exist only while the rule handles traffic).
    """

    state: PortState = PortState.UNKNOWN
    accepted: int | None = None
    dropped: int | None = None


ALL_VIPS = "all"
"""The ``vip`` of a rule that applies to every virtual IP without a rule of its own."""


@dataclass(frozen=True, slots=True, order=True)
class PortRule:
    """A virtual IP and port range that NLB switches as one.

    vip: an address, or `ALL_VIPS`. start, end: 0..65535, end included.
    protocol: ``tcp``, ``udp`` or ``both``.
    """

    vip: str
    start: int
    end: int
    protocol: str

    @property
    def port_spec(self) -> str:
        """The argument of ``nlb enable``: ``PORT``, or ``VIP:PORT`` where the rule names one."""
        if self.vip == ALL_VIPS:
            return str(self.start)
        # documented: IPv6 addresses stand in brackets (nlb help)
        return f"[{self.vip}]:{self.start}" if ":" in self.vip else f"{self.vip}:{self.start}"

    @property
    def port(self) -> str:
        """The rule's name in metrics and alerts: its first port."""
        return str(self.start)

    def __str__(self) -> str:
        """Show the rule as ``all 5060-5061 both``."""
        return f"{self.vip} {self.start}-{self.end} {self.protocol}"


@dataclass(frozen=True, slots=True)
class ReportedRule:
    """A port rule as the host reports it (``nlb params``).

    mode: filtering mode, lower case: ``multiple``, ``single`` or ``disabled``.
    priority: handling priority of a single-host rule, else None.
    load: weight 0..100, or None where the load is equal or not printed; load_is_equal tells.
    affinity: lower case: ``none``, ``single``, ``class c`` …, empty where not printed.
    """

    vip: str
    start: int
    end: int
    protocol: str
    mode: str
    priority: int | None
    load: int | None
    affinity: str
    load_is_equal: bool = False

    @property
    def rule(self) -> PortRule:
        """The part of it that configuration names."""
        return PortRule(self.vip, self.start, self.end, self.protocol)


@dataclass(frozen=True, slots=True)
class NlbParams:
    """Parameters of one NLB cluster as its driver on one host reports them.

    operation_mode: ``unicast``, ``multicast`` or ``igmp_multicast``.
    remote_control: whether NLB remote control is on.
    heartbeat_period_ms: 100..10000. heartbeat_tolerance: missed heartbeats, 5..100.
    host_state: the word printed for it, lower case.
    clusters: number of NLB clusters that the host reported; 0 if unread.
    host_name: the host's name, as printed. dedicated_ip: its own address on the cluster's
    adapter. local_time: its wall clock as printed, time zone untold.
    """

    cluster_ip: str | None = None
    host_id: int | None = None
    operation_mode: str | None = None
    mac: str | None = None
    remote_control: bool | None = None
    heartbeat_period_ms: int | None = None
    heartbeat_tolerance: int | None = None
    host_state: str | None = None
    rules: tuple[ReportedRule, ...] | None = None
    clusters: int = 0
    host_name: str | None = None
    dedicated_ip: str | None = None
    local_time: str | None = None


SERVING_NODE_STATES = frozenset({NodeState.CONVERGED, NodeState.CONVERGING})


@dataclass(frozen=True, slots=True)
class HostView:
    """All readings of one host. sip: one reading a source, in configured order.

    decided_by: the source whose newer answer comes before the order; None in looks.
    """

    host: str
    sip: tuple[Reading[SipStatus], ...]
    node: Reading[NodeStatus]
    ports: tuple[tuple[PortRule, Reading[PortStatus]], ...]
    params: Reading[NlbParams]
    decided_by: int | None = None

    @property
    def effective_sip(self) -> Reading[SipStatus]:
        """The first source, in configured order, that knows the mode; else the first source."""
        known = (reading for reading in self.sip if reading.value.mode is not SipMode.UNKNOWN)
        return next(known, self.sip[0]) if self.decided_by is None else self.sip[self.decided_by]

    @property
    def mode(self) -> SipMode:
        """The effective mode."""
        return self.effective_sip.value.mode

    @property
    def scs_connected(self) -> bool | None:
        """Whether the SIP Server is connected to SCS: False if any source says that it is not.

        None: no source tells.
        """
        told = {reading.value.scs_connected for reading in self.sip}
        return False if False in told else True if True in told else None

    @property
    def node_state(self) -> NodeState:
        """State of the host's NLB node."""
        return self.node.value.state

    def port(self, rule: PortRule) -> Reading[PortStatus]:
        """Return the reading of a configured rule. A rule that is not configured: KeyError."""
        return dict(self.ports)[rule]

    def port_state(self, rule: PortRule) -> PortState:
        """Return the state of a configured rule."""
        return self.port(rule).value.state

    def is_serving(self, rule: PortRule) -> bool:
        """Tell whether the host takes the traffic: port enabled *and* node in the cluster."""
        return self.port_state(rule) is PortState.ENABLED and self.node_state in SERVING_NODE_STATES

    def readings(self) -> tuple[Reading[object], ...]:
        """Return every reading of the host."""
        return (*self.sip, self.node, *(reading for _, reading in self.ports), self.params)


@dataclass(frozen=True, slots=True)
class ClusterView:
    """All readings of a cluster at one moment. began, ended: of the look that took them."""

    cluster: str
    rules: tuple[PortRule, ...]
    hosts: tuple[HostView, ...]
    began: Instant
    ended: Instant

    def host(self, name: str) -> HostView:
        """Return the view of one host. A host that is not configured: KeyError."""
        return {host.host: host for host in self.hosts}[name]

    @property
    def primaries(self) -> tuple[HostView, ...]:
        """The hosts whose SIP Server was read as primary."""
        return tuple(host for host in self.hosts if host.mode is SipMode.PRIMARY)
