"""Edge: the exporter's HTTP face. Shows what is on the board; cannot change anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask, Response, jsonify, render_template, request
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from werkzeug.exceptions import HTTPException

from cluster.clock import Clock
from cluster.config_model import Cluster, Config
from cluster.door import Door
from cluster.errors import ClusterError
from cluster.model import ClusterView, Reading
from cluster.rights import Refusal
from cluster.sip.options import SipAnswer
from exporter import description
from exporter.board import Board
from exporter.collector import families
from exporter.collector_service import service_families
from exporter.debug_page import debug_page
from exporter.discovery import target_groups
from exporter.hosts_api import HostsApi
from exporter.landing import Service, part_of
from exporter.probe import SCRAPE_TIMEOUT_HEADER, seconds_to_read
from exporter.virtual_ip import VirtualIps

PROBES_AT_ONCE = 8
"""Live readings side by side: scrapes of /metrics must never wait for them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are made from.

    look: reads a cluster live, in at most that many seconds. is_ready: whether every reading
    loop has made its first attempt. version: of the program. service: asks the virtual IPs.
    door: who may see the pages. hosts: what peers ask, None where nobody may.
    """

    config: Config
    board: Board
    clock: Clock
    look: Callable[[Cluster, float], ClusterView]
    is_ready: Callable[[], bool]
    version: str
    service: VirtualIps
    door: Door
    hosts: HostsApi | None = None


class BoardCollector(Collector):
    """Publishes the board in a registry."""

    def __init__(self, parts: Parts) -> None:
        """Keep where the readings are."""
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as of now."""
        parts = self._parts
        shown = parts.board.snapshot(parts.clock.now())
        watched = zip(parts.config.clusters, shown.views, strict=True)
        yield from families(watched, shown.taken, parts.version, shown.history)
        yield from service_families(parts.service.latest())


class ViewCollector(Collector):
    """Publishes one live view in a registry; neither counters nor since-times."""

    def __init__(
        self,
        parts: Parts,
        cluster: Cluster,
        view: ClusterView,
        answer: Reading[SipAnswer] | None,
    ) -> None:
        """Keep the view, and the answer of the virtual IP where it was asked."""
        self._parts, self._cluster, self._view = parts, cluster, view
        self._answer = answer

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the view."""
        now = self._parts.clock.now()
        yield from families([(self._cluster, self._view)], now, self._parts.version)
        if self._answer is not None:
            yield from service_families({self._cluster.name: self._answer})


def create_app(parts: Parts) -> Flask:
    """Return the WSGI application."""
    app = Flask("exporter", static_folder=None)
    pages = _Pages(parts)
    app.add_url_rule("/", view_func=pages.landing)
    description.add_to(app)
    app.add_url_rule("/metrics", view_func=pages.metrics)
    app.add_url_rule("/probe", view_func=pages.probe)
    app.add_url_rule("/sd", view_func=pages.discovery)
    app.add_url_rule("/-/healthy", view_func=pages.healthy)
    app.add_url_rule("/-/ready", view_func=pages.ready)
    if parts.hosts is not None:
        parts.hosts.add_to(app)
    app.register_error_handler(HTTPException, _refuse)
    app.register_error_handler(UnicodeDecodeError, _not_utf8)
    app.before_request(pages.guard)
    app.after_request(pages.protect)
    return app


class _Pages:
    """What is answered on each path."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._probes = threading.BoundedSemaphore(PROBES_AT_ONCE)
        self._registry = CollectorRegistry()
        self._registry.register(BoardCollector(parts))
        for standard in (ProcessCollector, PlatformCollector, GCCollector):
            standard(registry=self._registry)

    def guard(self) -> Response | None:
        """Let only known callers see anything, where a password is asked of all."""
        verdict = self._parts.door.admit(request.environ, None)
        if not isinstance(verdict, Refusal):
            return None
        response = _text(f"{verdict.problem}; {verdict.hint}\n", verdict.status)
        response.headers.update(verdict.headers)
        return response

    def protect(self, response: Response) -> Response:
        """Add the headers that every answer carries."""
        response.headers.update(self._parts.door.headers)
        return response

    def landing(self) -> str:
        """Show every cluster and host in words."""
        clusters = self._parts.config.clusters
        since, latest = self._parts.service.since(), self._parts.service.latest()
        services = {name: Service(latest[name], begun) for name, begun in since.items()}
        shown = self._parts.board.snapshot(self._parts.clock.now())
        return render_template(
            "landing.html",
            parts=[
                part_of(cluster, view, services.get(cluster.name), shown.taken)
                for cluster, view in zip(clusters, shown.views, strict=True)
            ],
            simulated=[cluster.name for cluster in clusters if cluster.simulated],
            version=self._parts.version,
        )

    def metrics(self) -> Response:
        """Publish the board and this process."""
        return _exposition(self._registry)

    def probe(self) -> Response:
        """Read a cluster now; with ``debug=true`` show how."""
        config = self._parts.config
        names = ", ".join(cluster.name for cluster in config.clusters)
        name = request.args.get("cluster")
        if not name:
            return _text(f"name a cluster: /probe?cluster=NAME, one of {names}\n", 400)
        cluster = config.cluster(name)
        if cluster is None:
            return _text(f"no cluster {name!r} is configured; there are {names}\n", 404)
        header = request.headers.get(SCRAPE_TIMEOUT_HEADER)
        if not self._probes.acquire(blocking=False):
            return _text(f"{PROBES_AT_ONCE} probes are under way, try again\n", 503)
        try:
            seconds = seconds_to_read(header, config.exporter.timeout)
            answered = self._parts.service.begin(cluster.name, seconds)
            view = self._parts.look(cluster, seconds)
            answer = answered()
        except ClusterError as error:
            return _text(f"{error}\n", 500)
        finally:
            self._probes.release()
        found = CollectorRegistry()
        found.register(ViewCollector(self._parts, cluster, view, answer))
        if request.args.get("debug") != "true":
            return _exposition(found)
        text = generate_latest(found).decode()
        return _text(debug_page(cluster, view, text, self._parts.clock.now(), answer))

    def discovery(self) -> Response:
        """List the clusters for Prometheus' HTTP service discovery, each a target of ``/probe``."""
        return jsonify(target_groups(self._parts.config))

    def healthy(self) -> Response:
        """Say that the process answers."""
        return _text("sipnlb-exporter is healthy.\n")

    def ready(self) -> Response:
        """Say whether every host has been asked at least once."""
        if self._parts.is_ready():
            return _text("sipnlb-exporter is ready.\n")
        return _text("sipnlb-exporter is not ready: some host has not been asked yet.\n", 503)


def _refuse(error: HTTPException) -> Response:
    response = _text(f"{error.code} {error.name}\n", error.code or 500)
    for header, value in error.get_headers():
        if header == "Allow":
            response.headers[header] = value
    return response


def _not_utf8(_: Exception) -> Response:
    """Refuse a query of bytes that are no text (Werkzeug reads it only when it is asked for it)."""
    problem, hint = "the query is not UTF-8", "write each of its bytes as %XX"
    if not request.path.startswith("/api/"):
        return _text(f"{problem}; {hint}\n", 400)
    response = jsonify(error=problem, hint=hint)
    response.status_code = 400
    return response


def _exposition(registry: CollectorRegistry) -> Response:
    """Answer in the form that the caller understands; in the old one where it cannot say."""
    try:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    except (TypeError, ValueError):  # a version in it that is no number
        encode, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
    return Response(encode(registry), content_type=content_type)


def _text(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
