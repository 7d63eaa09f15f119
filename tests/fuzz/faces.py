"""The HTTP faces of both programs as functions of bytes, and seeds that take some making."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from werkzeug.test import EnvironBuilder, run_wsgi_app

from cluster import host_view_json
from cluster.clock import Instant, SystemClock
from cluster.config_section import Credentials
from cluster.door import Door
from remediator.web import create_app
from tests.unit import exporter_samples, test_exporter_hosts_api, test_exporter_web
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_service import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ALLOWED = {200, 202, 308, 400, 401, 403, 404, 405, 409, 413, 429}


class _Ticking(SystemClock):
    """A clock on which a minute passes at each look: nobody is told to wait for long."""

    def __init__(self) -> None:
        self._looks = 0

    def now(self) -> Instant:
        """Return the time, so many minutes later."""
        self._looks += 1
        return super().now().plus(60.0 * self._looks)


@cache
def _remediator() -> WSGIApplication:
    """Return a face whose service does not run, in memory where there is such a place."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "token").write_text("t\n")
    site = Site(folder)
    door = Door(
        Credentials(bearer_token_file=str(folder / "token")), "remediator", clock=_Ticking()
    )
    metrics = samples.metrics(CollectorRegistry(), site.config)
    face = create_app(site.config, site.service, metrics, site.registry, door, site.clock)
    return face.wsgi_app


@cache
def _exporter() -> WSGIApplication:
    """Return the exporter's face, with the part that peers ask."""
    face = test_exporter_web.client().application
    test_exporter_hosts_api.api(test_exporter_hosts_api.Live())[0].add_to(face)
    return face.wsgi_app


def to_remediator(raw: bytes) -> object:
    """Send a request to the remediator, with credentials unless it brings others."""
    return _answered(_remediator(), raw)


def to_exporter(raw: bytes) -> object:
    """Send a request to the exporter."""
    return _answered(_exporter(), raw)


def _answered(face: WSGIApplication, raw: bytes) -> object:
    """Send ``METHOD TARGET``, lines of headers, an empty line and a body.

    Whatever it is, the answer is one that the descriptions name.
    """
    head, _, body = raw.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    environ = EnvironBuilder(method=method[:20] or "GET", data=body).get_environ()
    environ["PATH_INFO"], environ["QUERY_STRING"] = "/" + path.lstrip("/"), query
    environ["HTTP_AUTHORIZATION"] = "Bearer t"
    for line in lines:
        name, _, value = line.partition(":")
        key = name.strip().upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value.strip()
        elif key and key not in {"CONTENT_LENGTH", "TRANSFER_ENCODING"}:
            environ[f"HTTP_{key}"] = value.strip()
    parts, status, headers = run_wsgi_app(face, environ)
    answered = b"".join(parts)
    assert int(status[:3]) in ALLOWED, status
    if headers.get("Content-Type") == "application/json" and method != "HEAD":
        json.loads(answered)
    return answered


def host_views() -> list[bytes]:
    """Return host views as an exporter writes them."""
    cluster = exporter_samples.cluster()
    identity = host_view_json.Identity("porto", "porto-1", 3, (cluster.rules[0],))
    view = exporter_samples.primary()
    arrived = Instant(view.node.asked.utc, view.node.asked.monotonic)
    return [host_view_json.write(view, identity, arrived).encode()]


def neighbours() -> list[bytes]:
    """Return tables of hardware addresses."""
    return [
        b'[{"dst":"10.0.0.7","dev":"eth0","lladdr":"02:bf:0a:00:00:64","state":["REACHABLE"]}]',
        b'[{"dst":"10.0.0.7","gateway":"10.0.0.1","dev":"eth0","prefsrc":"10.0.0.2"}]',
        b"Interface: 10.0.0.5 --- 0x2\r\n  10.0.0.7   02-bf-0a-00-00-64   dynamic\r\n",
    ]


def phrase_files() -> list[bytes]:
    """Return phrase files."""
    import cluster.nlb  # noqa: PLC0415 - its folder is wanted, nothing of it

    shipped = Path(next(iter(cluster.nlb.__path__))) / "phrases.yml"
    one = b"port_states: [{pattern: 'rule (?P<id>x) is on', state: enabled, source: seen}]\n"
    return [shipped.read_bytes(), one, b"failures: [{pattern: '(', reason: timeout, source: x}]\n"]
