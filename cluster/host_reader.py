"""Edge: everything that can be read of one host, each reading as a function of a deadline.

A reading that hangs beyond its deadline is not started a second time until it has come back,
so a stuck host costs one thread a reading, not one a look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from cluster.clock import Deadline, Instant
from cluster.config_model import Cluster, Host
from cluster.identity import of_application
from cluster.model import (
    HostView,
    NlbParams,
    NodeStatus,
    PortRule,
    PortStatus,
    Problem,
    Reading,
    Reason,
    SipStatus,
)
from cluster.nlb.back_ends import BACK_ENDS, NlbReads
from cluster.nlb.dialect import Dialect
from cluster.peer import PeerReader
from cluster.runners.request import Runner
from cluster.runners.table import RUNNERS
from cluster.sip.sources import SOURCES
from cluster.surroundings import Surroundings


class Reads(Protocol):
    """One host and what can be read of it. rules: the cluster's port rules."""

    cluster: str
    host: str
    rules: tuple[PortRule, ...]

    def sip(self, source_index: int, deadline: Deadline) -> Reading[SipStatus]:
        """Read the mode from one source."""

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state."""

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of one port rule."""

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters and rules."""


class HostReads(Reads, Protocol):
    """One host, with what there is to read of it. sources: names of the mode sources, in order."""

    source_names: tuple[str, ...]

    def unread(
        self, reason: Reason, text: str, asked: Instant, given_up: Instant | None = None
    ) -> HostView:
        """Return a view in which everything is unknown for one reason.

        given_up: when it was no longer waited for; None for at once.
        """


def runner_of(cluster: Cluster, host: Host, given: Surroundings) -> tuple[Runner, Dialect]:
    """Wire the runner of a host that can be commanded, and the dialect that it speaks.

    Raises `ClusterError` if a file of the configuration cannot be used; KeyError for a host
    that is only read through its peer.
    """
    dialect = BACK_ENDS[host.nlb.backend].dialect(cluster, host, given)
    return RUNNERS[host.runner.type](host, dialect, given), dialect


def host_readers(cluster: Cluster, given: Surroundings) -> tuple[HostReads, ...]:
    """Wire the readers of all hosts of a cluster. Raises `ClusterError` as `runner_of` does."""
    return tuple(host_reader(cluster, host, given) for host in cluster.hosts)


def own_host_readers(cluster: Cluster, given: Surroundings) -> tuple[HostReads, ...]:
    """Wire the readers of the hosts that are no peers: an exporter publishes only those."""
    return tuple(host_reader(cluster, host, given) for host in cluster.own_hosts)


def host_reader(cluster: Cluster, host: Host, given: Surroundings) -> HostReads:
    """Wire the reader of one host."""
    if host.is_peer:
        return PeerReader(cluster, host, given.clock)
    runner, dialect = runner_of(cluster, host, given)
    back_end = BACK_ENDS[host.nlb.backend]
    nlb = back_end.reads(cluster, host, runner, dialect, given)
    return HostReader(cluster, host, given, nlb, back_end.sources)


class HostReader:
    """A host whose NLB is asked through a runner and whose mode sources are asked directly."""

    def __init__(
        self,
        cluster: Cluster,
        host: Host,
        given: Surroundings,
        nlb: NlbReads,
        names: tuple[str, str, str],
    ) -> None:
        """Wire the host's sources. names: of the readings of node, ports and params."""
        self.cluster = cluster.name
        self.host = host.name
        self.rules = cluster.rules
        self._sources = tuple(SOURCES[s.type](s, host, given) for s in host.sip_server.sources)
        self.source_names = tuple(source.name for source in self._sources)
        self._application = host.sip_server.application
        self._clock = given.clock
        self._nlb = nlb
        self._names = names
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def sip(self, source_index: int, deadline: Deadline) -> Reading[SipStatus]:
        """Read the mode from one source."""
        source = self._sources[source_index]
        return self._guarded(
            f"sip{source_index}",
            source.name,
            SipStatus(),
            lambda: of_application(source.read(deadline), self._application),
            source.lag_seconds,
        )

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state."""
        return self._guarded("node", self._names[0], NodeStatus(), lambda: self._nlb.node(deadline))

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of one port rule."""
        return self._guarded(
            f"port {rule}", self._names[1], PortStatus(), lambda: self._nlb.port(rule, deadline)
        )

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters and rules."""
        return self._guarded(
            "params", self._names[2], NlbParams(), lambda: self._nlb.params(deadline)
        )

    def unread(
        self, reason: Reason, text: str, asked: Instant, given_up: Instant | None = None
    ) -> HostView:
        """Return a view in which everything is unknown for one reason.

        given_up: when it was no longer waited for; None for at once.
        """

        def reading(value: Any, source: str, lag: float = 0.0) -> Reading[Any]:
            return Reading(value, source, asked, given_up or asked, lag, Problem(reason, text))

        return HostView(
            self.host,
            tuple(reading(SipStatus(), s.name, s.lag_seconds) for s in self._sources),
            reading(NodeStatus(), self._names[0]),
            tuple((rule, reading(PortStatus(), self._names[1])) for rule in self.rules),
            reading(NlbParams(), self._names[2]),
        )

    def _guarded(
        self,
        key: str,
        source: str,
        unknown: Any,
        read: Callable[[], Reading[Any]],
        lag_seconds: float = 0.0,
    ) -> Reading[Any]:
        """Read unless the same reading is still under way; a bug becomes a reading too."""
        asked = self._clock.now()
        with self._lock:
            busy = key in self._busy
            self._busy.add(key)
        if busy:
            problem = Problem(Reason.BUSY, "an earlier reading still hangs")
            return Reading(unknown, source, asked, asked, lag_seconds, problem)
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - boundary: a reader's bug must not cost the others
            problem = Problem(Reason.BUG, f"{type(error).__name__}: {error}")
            return Reading(unknown, source, asked, self._clock.now(), lag_seconds, problem)
        finally:
            with self._lock:
                self._busy.discard(key)
