"""A made-up cluster ``quito`` (and ``lima``), and views of it, for the remediator's unit tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from prometheus_client import CollectorRegistry

from cluster.clock import Instant
from cluster.config import parse
from cluster.config_model import Cluster, Config
from cluster.model import (
    ClusterView,
    HostView,
    NlbParams,
    NodeState,
    NodeStatus,
    PortRule,
    PortState,
    PortStatus,
    Problem,
    Reading,
    Reason,
    ReportedRule,
    SipMode,
    SipStatus,
)
from remediator.__main__ import make_metrics
from remediator.metrics import Metrics
from remediator.webhook import Alert, AlertOutcome

BEGIN = Instant(datetime(2024, 6, 11, 21, 47, 3, 250000, tzinfo=UTC), 5000.0)
FIRED = BEGIN.plus(-2).utc
RULE = PortRule("all", 5080, 5081, "udp")
OTHER_RULE = PortRule("10.9.0.100", 5090, 5092, "tcp")

HOSTS = """
      - name: {name}-1
        host_id: 4
        address: 10.9.{net}.11
        runner: {{type: local}}
        sip_server:
          application: SIP_P
          sources: [{{type: http, url: "http://10.9.{net}.11:8090/serverx", lag: 3s}}]
      - name: {name}-2
        host_id: 9
        address: 10.9.{net}.12
        runner: {{type: local}}
        nlb: {{program: on-{name}-2}}
        sip_server:
          application: SIP_B
          sources: [{{type: http, url: "http://10.9.{net}.12:8090/serverx", lag: 6s}}]
"""

CLUSTER = """
  - name: {name}
    virtual_ip: 10.9.{net}.100
    port_rules:
      - {{vip: all, start: 5080, end: 5081, protocol: udp}}
    hosts:"""


class FakeClock:
    """A clock that stands still until it is moved; waiting waits to be woken."""

    def __init__(self, now: Instant = BEGIN) -> None:
        self.time = now

    def now(self) -> Instant:
        """Return the moment it stands at."""
        return self.time

    def wait(self, _seconds: float, wake: Event) -> bool:
        """Wait for `wake` alone: time does not pass by itself."""
        return wake.wait()

    def move(self, seconds: float) -> None:
        """Move on."""
        self.time = self.time.plus(seconds)


APPROVING = "  policy: {level: approve}\n"
"""What asks a person first, for `config`."""


def config(
    *names: str, remediator: str = "", journal: Path | None = None, workers: int = 5
) -> Config:
    """Return a configuration of clusters with these names, ``quito`` and ``lima`` by default."""
    text = "clusters:"
    for number, name in enumerate(names or ("quito", "lima")):
        text += CLUSTER.format(name=name, net=number) + HOSTS.format(name=name, net=number)
    text += f"\nremediator:\n  workers: {workers}\n"
    if journal is not None:
        text += f"  journal: {{url: 'sqlite:///{journal}', retention: 90d}}\n"
    return parse(text + remediator, "clusters.yml")


def cluster() -> Cluster:
    """Return the cluster ``quito``."""
    return config().clusters[0]


def sip(
    mode: SipMode, scs: bool | None = True, *, source: str = "http", ago: float = 0.5
) -> Reading[SipStatus]:
    """Make a reading of a mode, with its problem where it is unknown."""
    known = mode is not SipMode.UNKNOWN
    return Reading(
        SipStatus(mode, scs_connected=scs) if known else SipStatus(),
        source,
        BEGIN.plus(-ago),
        BEGIN.plus(0.125 - ago),
        3.0,
        None if known else Problem(Reason.UNREACHABLE, "connection refused"),
        "GET http://10.9.0.11:8090/serverx",
        "<serverx/>",
    )


def node(state: NodeState, *, clusters: int = 1, ago: float = 0.75) -> Reading[NodeStatus]:
    """Make a reading of a node's state, with its problem where it is unknown."""
    known = state is not NodeState.UNKNOWN
    return Reading(
        NodeStatus(state, "10.9.0.100", 4, True, (4, 9), 17, clusters) if known else NodeStatus(),
        "nlb query",
        BEGIN.plus(-ago),
        BEGIN.plus(0.25 - ago),
        0.0,
        None if known else Problem(Reason.TIMEOUT, "1.5 s"),
        "nlb query",
        "Cluster 10.9.0.100",
    )


def port(state: PortState, *, ago: float = 1.0) -> Reading[PortStatus]:
    """Make a reading of a port state, with its problem where it is unknown."""
    known = state is not PortState.UNKNOWN
    return Reading(
        PortStatus(state),
        "nlb queryport",
        BEGIN.plus(-ago),
        BEGIN.plus(0.375 - ago),
        0.0,
        None if known else Problem(Reason.NO_OUTPUT, ""),
        "nlb queryport 5080",
        "Rule is",
    )


def params(*rules: PortRule, clusters: int = 1) -> Reading[NlbParams]:
    """Make a reading of parameters with these rules; without any, the rules are unread."""
    reported = tuple(
        ReportedRule(r.vip, r.start, r.end, r.protocol, "single", 6, None, "") for r in rules
    )
    return Reading(
        NlbParams(rules=reported or None, clusters=clusters),
        "nlb params",
        BEGIN.plus(-1.25),
        BEGIN.plus(-0.625),
        0.0,
        None if rules else Problem(Reason.MALFORMED, "no rule table"),
    )


def host(
    name: str,
    mode: SipMode,
    ports: PortState | Sequence[PortState],
    node_state: NodeState = NodeState.CONVERGED,
    scs: bool | None = True,
    rules: Sequence[PortRule] = (RULE,),
) -> HostView:
    """Make a view of a host. ports: one state for all rules, or one for each."""
    states = [ports] * len(rules) if isinstance(ports, PortState) else list(ports)
    return HostView(
        name,
        (sip(mode, scs),),
        node(node_state),
        tuple((rule, port(state)) for rule, state in zip(rules, states, strict=True)),
        params(*rules),
    )


def view(*hosts: HostView, name: str = "quito") -> ClusterView:
    """Make a view of hosts."""
    rules = tuple(rule for rule, _ in hosts[0].ports)
    return ClusterView(name, rules, hosts, BEGIN.plus(-1.5), BEGIN)


def primary(ports: PortState | Sequence[PortState] = PortState.ENABLED) -> HostView:
    """Return quito-1, primary, on a node that takes traffic."""
    return host("quito-1", SipMode.PRIMARY, ports)


def backup(ports: PortState | Sequence[PortState] = PortState.DISABLED) -> HostView:
    """Return quito-2, backup, on a node that takes traffic."""
    return host("quito-2", SipMode.BACKUP, ports)


def healthy() -> ClusterView:
    """Return the view of the healthy pair."""
    return view(primary(), backup())


def swapped(given: ClusterView) -> ClusterView:
    """Return the same situation with quito-1 and quito-2 in each other's place."""
    names = {"quito-1": "quito-2", "quito-2": "quito-1"}
    hosts = [replace(each, host=names.get(each.host, each.host)) for each in given.hosts]
    return replace(given, hosts=tuple(sorted(hosts, key=lambda each: each.host)))


def alert(
    outcome: AlertOutcome = AlertOutcome.ACCEPTED,
    *,
    fingerprint: str = "f1",
    starts_at: datetime | None = FIRED,
    name: str = "SipServerBecamePrimary",
    on: str = "quito",
    problem: str = "",
) -> Alert:
    """Make a judged alert."""
    return Alert(outcome, fingerprint, starts_at, name, on, f"{on}-1", "5080", problem)


def labels(on: str = "quito", **more: str) -> dict[str, str]:
    """Return the labels of a repair alert."""
    return {
        "alertname": "SipServerBecamePrimary",
        "cluster": on,
        "host": f"{on}-1",
        "port": "5080",
        "remediate": "true",
    } | more


def sent(
    given: dict[str, Any] | None = None,
    *,
    status: str = "firing",
    fingerprint: str = "f1",
    starts_at: str = "2024-06-11T21:47:01.250Z",
) -> dict[str, Any]:
    """Return an alert as Alertmanager sends it."""
    return {
        "status": status,
        "labels": labels() if given is None else given,
        "annotations": {"summary": "the port does not follow the mode"},
        "startsAt": starts_at,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": fingerprint,
    }


def body(alerts: Iterable[Any], **more: Any) -> bytes:
    """Return a webhook body (documented: Alertmanager webhook payload, version 4)."""
    payload = {
        "version": "4",
        "groupKey": '{}/{remediate="true"}:{cluster="quito"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "sipnlb",
        "groupLabels": {"cluster": "quito"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }
    return json.dumps(payload | more).encode()


def metrics(registry: CollectorRegistry, given: Config) -> Metrics:
    """Register the counters as the program does."""
    return make_metrics(registry, given)
