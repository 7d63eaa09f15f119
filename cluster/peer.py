"""Edge: a host that is read through the exporter that runs on it. It is never commanded.

One request brings all readings of the host that are wanted at the same moment. Pairs
with `cluster.host_view_json`.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from cluster import host_view_json
from cluster.client_tls import ClientTls
from cluster.clock import Clock, Deadline, Instant
from cluster.config_model import Cluster, Host
from cluster.config_runners import PeerSettings
from cluster.door import authorization
from cluster.errors import ClusterError
from cluster.host_view_json import Identity
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
from cluster.page import PageError, fetch
from cluster.shared_calls import SharedCalls

SOURCE = "peer"
MAX_BYTES = 4 * 1024 * 1024
MAX_UNDER_WAY = 4
"""Requests that may hang at once, beyond their deadline; further readings are BUSY."""


class Fetch(Protocol):
    """Brings a page; `cluster.page.fetch` is the real one. Raises `PageError`."""

    def __call__(
        self,
        url: str,
        deadline: Deadline,
        clock: Clock,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> bytes:
        """Return its bytes."""


class PeerReader:
    """A host whose own exporter is asked."""

    def __init__(self, cluster: Cluster, host: Host, clock: Clock, fetch: Fetch = fetch) -> None:
        """Keep whom to ask. Raises `ClusterError` for certificates that cannot be used."""
        assert isinstance(host.runner, PeerSettings)
        self.cluster = cluster.name
        self.host = host.name
        self.rules = cluster.rules
        self.source_names: tuple[str, ...] = (SOURCE,)
        self._settings = host.runner
        self._application = host.sip_server.application
        self._identity = Identity(cluster.name, host.name, host.host_id, cluster.rules)
        self._url = host.runner.url.rstrip("/") + host_view_json.PATH + quote(host.name)
        self._url += "?" + urlencode({"cluster": cluster.name})
        runner = host.runner
        self._tls = (
            ClientTls(runner.ca_file, runner.cert_file, runner.key_file)
            if runner.url.startswith("https:")
            else None
        )
        self._clock, self._fetch = clock, fetch
        self._calls = SharedCalls(self._bounded, clock)
        self._free = threading.Semaphore(MAX_UNDER_WAY)

    def sip(self, source_index: int, deadline: Deadline) -> Reading[SipStatus]:  # noqa: ARG002 - the host's own order of sources decides
        """Read the effective mode, as the host's own sources tell it."""
        view = self._view(deadline)
        told = view.effective_sip
        return replace(told, value=replace(told.value, scs_connected=view.scs_connected))

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state."""
        return self._view(deadline).node

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of one port rule."""
        return self._view(deadline).port(rule)

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters and rules."""
        return self._view(deadline).params

    def unread(
        self, reason: Reason, text: str, asked: Instant, given_up: Instant | None = None
    ) -> HostView:
        """Return a view in which everything is unknown for one reason.

        given_up: when it was no longer waited for; None for at once.
        """
        problem = Problem(reason, text)

        def reading(value: Any, lag: float = 0.0) -> Reading[Any]:
            ended, command = given_up or asked, f"GET {self._url}"
            return Reading(value, SOURCE, asked, ended, lag, problem, command)

        return HostView(
            self.host,
            (reading(SipStatus(), self._settings.lag),),
            reading(NodeStatus()),
            tuple((rule, reading(PortStatus())) for rule in self.rules),
            reading(NlbParams()),
        )

    def _view(self, deadline: Deadline) -> HostView:
        """Return a view whose request is sent from now on."""
        asked = self._clock.now()
        view = self._calls.answer(deadline)
        if view is not None:
            return view
        return self.unread(Reason.TIMEOUT, "no answer in time", asked, self._clock.now())

    def _bounded(self, deadline: Deadline) -> HostView:
        """Ask unless too many requests hang; a bug becomes a view too."""
        began = self._clock.now()
        if not self._free.acquire(blocking=False):
            return self._failed(Problem(Reason.BUSY, "earlier requests still hang"), began)
        try:
            return self._asked(deadline)
        except Exception as error:  # noqa: BLE001 - boundary: a bug here must not cost the other hosts
            return self._failed(Problem(Reason.BUG, f"{type(error).__name__}: {error}"), began)
        finally:
            self._free.release()

    def _asked(self, deadline: Deadline) -> HostView:
        sent = self._clock.now()
        headers = {"Accept": "application/json"}
        headers[host_view_json.TIMEOUT_HEADER] = f"{deadline.remaining(sent):.3f}"
        try:
            headers |= authorization(self._settings)
            trust = self._tls.context() if self._tls else None
            body = self._fetch(self._url, deadline, self._clock, MAX_BYTES, headers, trust)
        except ClusterError as error:
            return self._failed(Problem(Reason.UNREACHABLE, str(error)), sent)
        except PageError as error:
            return self._failed(error.problem, sent)
        view = host_view_json.read(body, self._identity, sent)
        if isinstance(view, Problem):
            return self._failed(view, sent)
        own = tuple(of_application(reading, self._application) for reading in view.sip)
        return _named(replace(view, sip=own))

    def _failed(self, problem: Problem, sent: Instant) -> HostView:
        return self.unread(problem.reason, problem.text, sent, self._clock.now())


def _named(view: HostView) -> HostView:
    """Say of every reading that it came through the peer."""

    def named(reading: Reading[Any]) -> Reading[Any]:
        return replace(reading, source=f"{SOURCE} {reading.source}")

    return replace(
        view,
        sip=tuple(named(reading) for reading in view.sip),
        node=named(view.node),
        ports=tuple((rule, named(reading)) for rule, reading in view.ports),
        params=named(view.params),
    )
