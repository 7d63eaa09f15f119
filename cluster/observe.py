"""Edge: takes all readings of hosts at once, under one deadline, and makes a view of them.

One host that is dead or hangs costs the others nothing: each reading has a thread of its own
and what has not answered by the deadline is UNKNOWN with the reason. A reading that hangs
beyond its deadline is not started a second time until it has come back, so a stuck host
costs one thread a reading, not one a look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

from cluster.clock import Clock, Deadline, Instant
from cluster.config_model import Cluster, Host
from cluster.identity import of_application, own_readings_only
from cluster.model import (
    ClusterView,
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
from cluster.nlb import phrases
from cluster.nlb.phrases import Phrases
from cluster.nlb.query import NlbQuery
from cluster.programs import RunGroup
from cluster.runners.local import LocalRunner
from cluster.runners.request import Permit, Runner
from cluster.sip.sources import SOURCES

GRACE_SECONDS = 0.25
"""How much longer than its deadline a reading may take to say that it was late."""


class HostReader:
    """Everything that can be read of one host, each reading as a function of a deadline."""

    def __init__(
        self,
        cluster: Cluster,
        host: Host,
        clock: Clock,
        runner: Runner,
        tables: Phrases | None = None,
    ) -> None:
        """Wire the host's sources and its NLB utility.

        tables: the phrases of `host.nlb.phrases_file` where they are loaded already.
        """
        self.cluster = cluster.name
        self.host = host.name
        self.rules = cluster.rules
        self.sources = tuple(SOURCES[s.type](s, clock) for s in host.sip_server.sources)
        self._application = host.sip_server.application
        self._clock = clock
        self._nlb = NlbQuery(
            runner,
            tables or phrases.load(host.nlb.phrases_file),
            cluster.nlb_ip,
            host.host_id,
            host.nlb.code_page,
        )
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def sip(self, source_index: int, deadline: Deadline) -> Reading[SipStatus]:
        """Read the mode from one source."""
        source = self.sources[source_index]
        return self._guarded(
            f"sip{source_index}",
            source.name,
            SipStatus(),
            lambda: of_application(source.read(deadline), self._application),
            source.lag_seconds,
        )

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state."""
        return self._guarded("node", "nlb query", NodeStatus(), lambda: self._nlb.node(deadline))

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of one port rule."""
        return self._guarded(
            f"port {rule}", "nlb queryport", PortStatus(), lambda: self._nlb.port(rule, deadline)
        )

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters and rules."""
        return self._guarded(
            "params", "nlb params", NlbParams(), lambda: self._nlb.params(deadline)
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
            tuple(reading(SipStatus(), s.name, s.lag_seconds) for s in self.sources),
            reading(NodeStatus(), "nlb query"),
            tuple((rule, reading(PortStatus(), "nlb queryport")) for rule in self.rules),
            reading(NlbParams(), "nlb params"),
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


def host_readers(
    cluster: Cluster, clock: Clock, permit: Permit | None = None, group: RunGroup | None = None
) -> tuple[HostReader, ...]:
    """Wire the readers of all hosts of a cluster. Raises `ClusterError` for a bad phrase file."""
    files = {host.nlb.phrases_file for host in cluster.hosts}
    tables = {file: phrases.load(file) for file in files}
    return tuple(
        HostReader(
            cluster,
            host,
            clock,
            runner_for(host, clock, permit, group),
            tables[host.nlb.phrases_file],
        )
        for host in cluster.hosts
    )


def runner_for(
    host: Host, clock: Clock, permit: Permit | None = None, group: RunGroup | None = None
) -> Runner:
    """Wire the runner of a host; without a permit it refuses to change anything.

    group: what the runner starts can be ended through it.
    """
    return LocalRunner(host.nlb.program, clock, permit, group)


def observe(
    cluster: Cluster,
    readers: Iterable[HostReader],
    deadline: Deadline,
    clock: Clock,
    grace_seconds: float = GRACE_SECONDS,
) -> ClusterView:
    """Take a fresh view: every reading of every given host, all asked now.

    Returns at the deadline at the latest, plus `grace_seconds` for readings to say that they
    were late. Hosts that were not given are not in the view.
    """
    began = clock.now()
    given = tuple(readers)
    done: SimpleQueue[tuple[str, tuple[str, Any], Reading[Any]]] = SimpleQueue()
    waiting = 0
    for reader in given:
        for key, read in _jobs(reader, deadline):
            waiting += 1
            threading.Thread(
                target=_work, args=(done, reader.host, key, read), daemon=True, name="reading"
            ).start()
    answers: dict[tuple[str, tuple[str, Any]], Reading[Any]] = {}
    end = Deadline(deadline.monotonic + grace_seconds)
    while waiting:
        try:
            host, key, reading = done.get(timeout=end.remaining(clock.now()))
        except Empty:
            break
        answers[host, key] = reading
        waiting -= 1
    ended = clock.now()
    hosts = tuple(_assemble(reader, answers, began, ended) for reader in given)
    return ClusterView(cluster.name, cluster.rules, hosts, began, ended)


def _jobs(
    reader: HostReader, deadline: Deadline
) -> list[tuple[tuple[str, Any], Callable[[], Reading[Any]]]]:
    jobs: list[tuple[tuple[str, Any], Callable[[], Reading[Any]]]] = [
        (("sip", index), lambda index=index: reader.sip(index, deadline))  # type: ignore[misc]
        for index in range(len(reader.sources))
    ]
    jobs += [
        (("port", rule), lambda rule=rule: reader.port(rule, deadline))  # type: ignore[misc]
        for rule in reader.rules
    ]
    jobs += [
        (("node", None), lambda: reader.node(deadline)),
        (("params", None), lambda: reader.params(deadline)),
    ]
    return jobs


def _work(
    done: SimpleQueue[tuple[str, tuple[str, Any], Reading[Any]]],
    host: str,
    key: tuple[str, Any],
    read: Callable[[], Reading[Any]],
) -> None:
    done.put((host, key, read()))


def _assemble(
    reader: HostReader,
    answers: dict[tuple[str, tuple[str, Any]], Reading[Any]],
    began: Instant,
    ended: Instant,
) -> HostView:
    """Make a host's view of the answers that came; the rest timed out."""
    unread = reader.unread(Reason.TIMEOUT, "no answer by the look's deadline", began, ended)

    def answer(key: tuple[str, Any], otherwise: Reading[Any]) -> Reading[Any]:
        return answers.get((reader.host, key), otherwise)

    view = HostView(
        reader.host,
        tuple(answer(("sip", index), late) for index, late in enumerate(unread.sip)),
        answer(("node", None), unread.node),
        tuple((rule, answer(("port", rule), late)) for rule, late in unread.ports),
        answer(("params", None), unread.params),
    )
    return own_readings_only(view)
