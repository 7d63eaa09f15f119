"""Edge: one host, read live, for the remediator on another node.

``GET /api/v1/hosts/NAME?cluster=NAME``; its form is `cluster.host_view_json`'s. Only hosts that
this exporter reads itself are given, and only to callers with the configured credentials.
Shows what was read; cannot change anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, jsonify, request

from cluster import host_view_json
from cluster.clock import Clock
from cluster.config_model import Cluster, Config, Host
from cluster.door import Door
from cluster.errors import ClusterError
from cluster.host_view_json import Identity
from cluster.model import HostView
from cluster.rights import Refusal, Right
from exporter.probe import seconds_to_read

READS_AT_ONCE = 8
"""Live readings side by side; scrapes and probes must never wait for them."""

LONGEST_SECONDS = 30.0
"""How long a reading may take for a caller who says that it waits so long."""

Found = tuple[Cluster, Host]


@dataclass(frozen=True, slots=True)
class HostsApi:
    """The answers to peers.

    look: reads a host live, in at most that many seconds. is_open_to_all: whether others than
    this machine reach the exporter; then nothing is answered without credentials.
    """

    config: Config
    door: Door
    look: Callable[[Cluster, Host, float], HostView]
    clock: Clock
    is_open_to_all: bool
    _reads: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(READS_AT_ONCE)
    )

    def add_to(self, app: Flask) -> None:
        """Answer on the application's paths."""
        app.add_url_rule(f"{host_view_json.PATH}<name>", view_func=self.host)

    def host(self, name: str) -> Response:
        """Read a host now."""
        arrived = self.clock.now()
        refused = self._why_refused()
        if refused is not None:
            return refused
        found = self._find(name, request.args.get("cluster"))
        if isinstance(found, Response):
            return found
        if not self._reads.acquire(blocking=False):
            return _error(503, f"{READS_AT_ONCE} hosts are being read", "ask again")
        waits = request.headers.get(host_view_json.TIMEOUT_HEADER)
        longest = LONGEST_SECONDS if waits else self.config.exporter.timeout
        try:
            view = self.look(*found, seconds_to_read(waits, longest))
        except ClusterError as error:
            return _error(500, error.problem, error.hint)
        finally:
            self._reads.release()
        text = host_view_json.write(view, _identity(*found), arrived)
        return Response(text, content_type="application/json")

    def _why_refused(self) -> Response | None:
        if self.door.is_open and self.is_open_to_all:
            return _error(
                403,
                "beyond loopback this needs credentials, and none are configured",
                "set exporter.web.bearer_token_file or exporter.web.basic_auth",
            )
        verdict = self.door.admit(request.environ, Right.READ)
        if not isinstance(verdict, Refusal):
            return None
        response = _error(verdict.status, verdict.problem, verdict.hint)
        response.headers.update(verdict.headers)
        return response

    def _find(self, name: str, cluster: str | None) -> Found | Response:
        """Return the host that is meant; peers are not read here."""
        found = [
            (each, host)
            for each in self.config.clusters
            for host in each.own_hosts
            if host.name == name and cluster in {None, each.name}
        ]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(each.name for each, _ in found)
            return _error(400, f"{name} is a host of {names}", "name one with ?cluster=NAME")
        shown = f"{cluster[:80]}/{name[:80]}" if cluster else name[:80]
        return _error(404, f"this exporter reads no host {shown!r}", "ask the one on that host")


def _identity(cluster: Cluster, host: Host) -> Identity:
    return Identity(cluster.name, host.name, host.host_id, cluster.rules)


def _error(code: int, problem: str, hint: str) -> Response:
    response = jsonify(error=problem, hint=hint)
    response.status_code = code
    return response
