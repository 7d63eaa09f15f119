"""A made-up cluster ``porto`` and its readings, for the exporter's unit tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

from cluster.clock import Instant
from cluster.config import parse
from cluster.config_model import Cluster, Config
from cluster.model import (
    ClusterView,
    HostView,
    NlbParams,
    NodeState,
    NodeStatus,
    PortState,
    PortStatus,
    Problem,
    Reading,
    ReportedRule,
    SipMode,
    SipStatus,
)
from exporter.pace import Limits, limits_of, refresh_seconds
from exporter.readings import ReadingKey

BEGIN = Instant(datetime(2024, 5, 20, 8, 15, 2, tzinfo=UTC), 1000.0)

CONFIG = """
clusters:
  - name: porto
    virtual_ip: 10.7.0.100
    operation_mode: multicast
    port_rules:
      - {vip: all, start: 5070, end: 5071, protocol: udp}
    hosts:
      - name: porto-1
        host_id: 3
        address: 10.7.0.11
        runner: {type: local}
        sip_server:
          application: SIP_P
          sources: [{type: http, url: "http://10.7.0.11:8090/serverx", lag: 4s}]
      - name: porto-2
        host_id: 7
        address: 10.7.0.12
        runner: {type: local}
        nlb: {program: on-porto-2}
        sip_server:
          application: SIP_B
          sources: [{type: http, url: "http://10.7.0.12:8090/serverx", lag: 4s}]
exporter:
  refresh: {sip_server: 2s, nlb: 5s, params: 30s}
  timeout: 3s
"""


def pace(_cluster: str, host: str, key: ReadingKey) -> float:
    """Return the seconds between two readings; of any mode source those of the first."""
    found = next((h for h in cluster().hosts if h.name == host), cluster().hosts[0])
    return refresh_seconds(config().exporter, found, replace(key, index=0))


def timeout(_cluster: str, _host: str, _key: ReadingKey) -> float:
    """Return the seconds that one reading may take."""
    return config().exporter.timeout


def limits(_cluster: str, host: str, key: ReadingKey) -> Limits:
    """Return how old a reading may be."""
    found = next((h for h in cluster().hosts if h.name == host), cluster().hosts[0])
    return limits_of(config().exporter, found, replace(key, index=0))


class FakeClock:
    """A clock that stands still until it is moved; waiting moves it."""

    def __init__(self, now: Instant = BEGIN) -> None:
        self.time = now
        self.waits: list[float] = []
        self.stop_after_waits = 1_000_000

    def now(self) -> Instant:
        """Return the moment it stands at."""
        return self.time

    def wait(self, seconds: float, wake: Event) -> bool:
        """Move on at once; set `wake` once it has waited often enough."""
        self.waits.append(seconds)
        self.time = self.time.plus(seconds)
        if len(self.waits) >= self.stop_after_waits:
            wake.set()
        return wake.is_set()

    def move(self, seconds: float) -> None:
        """Move on."""
        self.time = self.time.plus(seconds)


def config(simulated: bool = False) -> Config:
    """Return the configuration of `porto`."""
    text = CONFIG.replace("name: porto\n", "name: porto\n    simulated: true\n")
    return parse(text if simulated else CONFIG, "clusters.yml")


def cluster() -> Cluster:
    """Return the cluster `porto`."""
    return config().clusters[0]


def sip(
    mode: SipMode, *, problem: Problem | None = None, ago: float = 0.5, source: str = "http"
) -> Reading[SipStatus]:
    """Make a reading of a mode."""
    known = mode is not SipMode.UNKNOWN
    status = SipStatus(mode, True, mode is SipMode.PRIMARY, True, False, "SIP_P")
    return Reading(
        status if known else SipStatus(),
        source,
        BEGIN.plus(-ago),
        BEGIN.plus(-ago + 0.125),
        4.0,
        problem,
        "GET http://10.7.0.11:8090/serverx",
        "<serverx/>",
    )


def node(
    state: NodeState, *, problem: Problem | None = None, ago: float = 1.0
) -> Reading[NodeStatus]:
    """Make a reading of a node's state."""
    known = state is not NodeState.UNKNOWN
    status = NodeStatus(state, "10.7.0.100", 3, True, (3, 7), 12, 1)
    return Reading(
        status if known else NodeStatus(),
        "nlb query",
        BEGIN.plus(-ago),
        BEGIN.plus(-ago + 0.25),
        problem=problem,
        command="nlb query",
        raw="Cluster 10.7.0.100\n[exit status 0]",
    )


def port(
    state: PortState,
    *,
    problem: Problem | None = None,
    ago: float = 1.5,
    counts: tuple[int | None, int | None] = (None, None),
) -> Reading[PortStatus]:
    """Make a reading of a port state."""
    return Reading(
        PortStatus(state, *counts),
        "nlb queryport",
        BEGIN.plus(-ago),
        BEGIN.plus(-ago + 0.375),
        problem=problem,
        command="nlb queryport 5070",
        raw="Rule is enabled\n[exit status 0]",
    )


def params(*, problem: Problem | None = None, ago: float = 20.0) -> Reading[NlbParams]:
    """Make a reading of parameters, empty if there is a problem."""
    rule = ReportedRule("all", 5070, 5071, "udp", "multiple", None, None, "single", True)
    value = NlbParams(
        "10.7.0.100",
        3,
        "multicast",
        "03-bf-0a-07-00-64",
        False,
        1000,
        5,
        "started",
        (rule, replace(rule, start=80, end=443, protocol="tcp")),
        1,
    )
    return Reading(
        NlbParams() if problem else value,
        "nlb params",
        BEGIN.plus(-ago),
        BEGIN.plus(-ago + 0.625),
        problem=problem,
        command="nlb params",
        raw="HostPriority = 3\n[exit status 0]",
    )


def primary() -> HostView:
    """Return porto-1, healthy, primary, its port enabled."""
    rule = cluster().rules[0]
    return HostView(
        "porto-1",
        (sip(SipMode.PRIMARY),),
        node(NodeState.CONVERGED),
        ((rule, port(PortState.ENABLED, counts=(1234, 56))),),
        params(),
    )


def backup() -> HostView:
    """Return porto-2, healthy, backup, its port disabled."""
    rule = cluster().rules[0]
    converged = node(NodeState.CONVERGED)
    return HostView(
        "porto-2",
        (sip(SipMode.BACKUP),),
        replace(converged, value=replace(converged.value, is_default=False, host_id=7)),
        ((rule, port(PortState.DISABLED)),),
        params(),
    )


def view(*hosts: HostView) -> ClusterView:
    """Make a view of hosts."""
    return ClusterView("porto", cluster().rules, hosts, BEGIN, BEGIN)


def healthy() -> ClusterView:
    """Return the view of the healthy pair."""
    return view(primary(), backup())
