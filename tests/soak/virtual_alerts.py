"""Prometheus and Alertmanager as far as they call the remediator, in simulated time.

Evaluates the two repair alerts once a second on what an exporter could read, sends them at once
and every half minute while they fire (as the shipped configuration does), and does to
notifications what the schedule says. The rules themselves are tested with promtool, and as real
programs in the other soak.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from cluster.clock import utc_text
from cluster.model import PortState, SipMode
from remediator.webhook import Alert, judge
from simulator import truth
from simulator.faults import PageFault
from simulator.serverx_page import STALE_SECONDS
from simulator.world import ClusterRun, World
from tests.soak.incident import Do, Notices, Step
from tests.soak.judge import READABLE
from tests.soak.virtual_time import VirtualTime

REPEAT_SECONDS = 30.0
CLOSED = {PortState.DISABLED, PortState.DRAINING}
MODE_UNREAD = frozenset(PageFault) - {PageFault.NONE, PageFault.STALE}

Key = tuple[str, str, str]
"""Of an alert: cluster, host, name."""


@dataclass(slots=True)
class _Firing:
    """An alert that fires. sent: when it was last given to a notification."""

    since: datetime
    sent: float


class VirtualAlerts:
    """The road from a reading to the remediator. deliver: takes a webhook's body."""

    deliver: Callable[[bytes], None]

    def __init__(self, world: World, time: VirtualTime, random: Random) -> None:
        self._world, self._time, self._random = world, time, random
        self._firing: dict[Key, _Firing] = {}
        self._prometheus_down = self._alertmanager_down = 0
        self._notices: list[tuple[int, Notices]] = []
        self.problems: dict[str, str | None] = {}
        self.delivered = 0
        time.at(1.0, self._evaluate)

    def do(self, number: int, step: Step) -> None:
        """Let a step of an incident happen to the road."""
        if step.do is Do.PROMETHEUS_DOWN:
            self._prometheus_down += 1
        elif step.do is Do.PROMETHEUS_UP:
            self._prometheus_down -= 1
        elif step.do is Do.ALERTMANAGER_DOWN:
            self._alertmanager_down += 1
        elif step.do is Do.ALERTMANAGER_UP:
            self._alertmanager_down -= 1
            for firing in self._firing.values():  # it has forgotten what it had sent
                firing.sent = float("-inf")
        elif step.do is Do.NOTICES:
            self._notices.append((number, Notices(step.what)))
        elif step.do is Do.CLEAR_NOTICES:
            self._notices = [each for each in self._notices if each[0] != number]

    def firing(self) -> list[Alert]:
        """Answer as `remediator.resync.Resync` does: what fires now, if it can be asked."""
        if self._alertmanager_down:
            return []
        names = set(self._world.clusters)
        return [judge(self._json(key, "firing"), names) for key in sorted(self._firing)]

    def _evaluate(self) -> None:
        self._time.at(self._time.seconds + 1.0, self._evaluate)
        if self._prometheus_down:
            return
        wanted = {
            key
            for name, cluster in self._world.clusters.items()
            for key in self._wrong(name, cluster)
        }
        for key in sorted(self._firing.keys() - wanted):
            del self._firing[key]
        now = self._time.now()
        for key in sorted(wanted):
            firing = self._firing.setdefault(key, _Firing(now.utc, float("-inf")))
            due = self._time.seconds - firing.sent >= REPEAT_SECONDS
            if due and not self._alertmanager_down:
                firing.sent = self._time.seconds
                self._send(key)

    def _wrong(self, name: str, cluster: ClusterRun) -> list[Key]:
        """Return the alerts that fire by what can be read now."""
        modes = {host: self._mode(cluster, host) for host in cluster.hosts}
        primaries = sum(mode is SipMode.PRIMARY for mode in modes.values())
        found = []
        for host, mode in modes.items():
            port = self._port(cluster, host)
            if mode is SipMode.PRIMARY and port in CLOSED:
                found.append((name, host, "SipServerBecamePrimary"))
            if mode is not SipMode.PRIMARY and primaries == 1 and port is PortState.ENABLED:
                found.append((name, host, "SipServerBecameBackup"))
        return found

    def _mode(self, cluster: ClusterRun, name: str) -> SipMode:
        host = cluster.hosts[name]
        page = host.faults.page
        if not host.can_be_asked or not host.server.is_running or page in MODE_UNREAD:
            return SipMode.UNKNOWN
        lag = self._world.knobs.lag_seconds + (STALE_SECONDS if page is PageFault.STALE else 0.0)
        return host.server.facts_at(self._world.agenda.now - lag).mode

    @staticmethod
    def _port(cluster: ClusterRun, name: str) -> PortState:
        host = cluster.hosts[name]
        fit = host.can_be_asked and host.faults.nlb_latency_seconds < 2.0
        readable = fit and host.faults.nlb in {*READABLE, "no_effect"}
        rule = cluster.description.configured[0]
        return truth.port_state(cluster, name, rule) if readable else PortState.UNKNOWN

    def _send(self, key: Key) -> None:
        """Send a notification; what happens to it is the schedule's."""
        happens = self._notices[-1][1] if self._notices else Notices.SOUND
        random = self._random
        after = [random.uniform(0.05, 0.5)]
        if happens is Notices.LOST:
            after = []
        elif happens is Notices.DOUBLED:
            after += [random.uniform(0.05, 3.0), random.uniform(0.05, 3.0)]
        elif happens is Notices.LATE:
            after = [random.uniform(5.0, 60.0)]
        elif happens is Notices.SHUFFLED:
            after = [random.uniform(0.0, 20.0)]
        body = self._body(key)
        for seconds in after:
            self._time.at(self._time.seconds + seconds, lambda: self._arrive(body))

    def _arrive(self, body: bytes) -> None:
        self.delivered += 1
        self.deliver(body)

    def _body(self, key: Key) -> bytes:
        alert = self._json(key, "firing")
        return json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()

    def _json(self, key: Key, status: str) -> dict[str, object]:
        cluster, host, name = key
        labels = {
            "alertname": name,
            "cluster": cluster,
            "host": host,
            "port": "5060",
            "remediate": "true",
        }
        since = utc_text(self._firing[key].since)
        return {"status": status, "labels": labels, "startsAt": since}
