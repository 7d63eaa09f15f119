"""A peer's exporter over real HTTPS, and what may answer in its place."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import trustme

from cluster import host_view_json
from cluster.clock import SystemClock, deadline_in
from cluster.config_model import Cluster
from cluster.config_runners import PeerSettings
from cluster.host_reader import host_reader
from cluster.host_view_json import Identity
from cluster.model import PortState, Reason
from cluster.observe import GRACE_SECONDS, observe
from cluster.peer import MAX_BYTES
from cluster.surroundings import Surroundings
from tests.unit import exporter_samples as samples

pytestmark = pytest.mark.integration

RULE = samples.cluster().rules[0]
ANSWER = host_view_json.write(
    samples.backup(), Identity("porto", "porto-2", 7, (RULE,)), samples.BEGIN
).encode()
SECONDS = 0.8


class Handler(BaseHTTPRequestHandler):
    """Answers by the class's way, to who has the password."""

    way: ClassVar[str] = "sound"

    def do_GET(self) -> None:
        """Answer."""
        if self.headers["Authorization"] != "Basic bm9kZS0xOm1vc3M=":
            self.send_error(401)
            return
        self.send_response(200)
        self.end_headers()
        if self.way == "sound":
            self.wfile.write(ANSWER)
        elif self.way == "endless":
            for _ in range(2 * MAX_BYTES // 65536):
                self.wfile.write(b"x" * 65536)
        else:
            for byte in ANSWER:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Pki:
    """A site's own authority. ca: file of its certificate."""

    authority: trustme.CA
    ca: Path
    password: Path


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Make an authority and a password."""
    folder = tmp_path_factory.mktemp("pki")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "password").write_text("moss\n")
    return Pki(authority, folder / "ca.pem", folder / "password")


@contextmanager
def exporter(pki: Pki, way: str = "sound") -> Iterator[str]:
    """Run what answers at the peer's address; give the address."""
    handler = type("Way", (Handler,), {"way": way})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up is no error here
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pki.authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def pair(url: str, pki: Pki, **runner: object) -> Cluster:
    """Return porto with its second host as a peer at that address."""
    made = samples.cluster()
    basic = {"username": "node-1", "password_file": str(pki.password)}
    settings = {"type": "peer", "url": url, "ca_file": str(pki.ca), "basic_auth": basic} | runner
    peer = made.hosts[1].model_copy(update={"runner": PeerSettings.model_validate(settings)})
    server = peer.sip_server.model_copy(update={"application": "SIP_P"})
    peer = peer.model_copy(update={"sip_server": server})
    return made.model_copy(update={"hosts": (made.hosts[0], peer)})


def reasons(cluster: Cluster) -> tuple[set[Reason | None], float]:
    """Look at the peer; return what is wrong with its readings, and how long it took."""
    clock = SystemClock()
    reader = host_reader(cluster, cluster.hosts[1], Surroundings(clock))
    view = observe(cluster, (reader,), deadline_in(clock, SECONDS), clock)
    found = {r.problem.reason if r.problem else None for r in view.hosts[0].readings()}
    return found, view.ended.seconds_since(view.began)


def test_a_peer_is_read_over_https_with_its_credentials(pki: Pki) -> None:
    """The site's own authority is trusted where it is named."""
    clock = SystemClock()
    with exporter(pki) as url:
        cluster = pair(url, pki)
        reader = host_reader(cluster, cluster.hosts[1], Surroundings(clock))
        view = observe(cluster, (reader,), deadline_in(clock, 5.0), clock)

    assert view.hosts[0].port_state(RULE) is PortState.DISABLED
    assert [reading.problem for reading in view.hosts[0].readings()] == [None] * 4


def test_an_exporter_of_unknown_authority_gets_no_credentials(pki: Pki) -> None:
    """Without its certificate nothing is asked, and everything is unknown."""
    with exporter(pki) as url:
        assert reasons(pair(url, pki, ca_file=None))[0] == {Reason.UNREACHABLE}


def test_wrong_credentials_are_said(pki: Pki) -> None:
    """The exporter's refusal is the problem of every reading."""
    basic = {"username": "node-9", "password_file": str(pki.password)}
    with exporter(pki) as url:
        assert reasons(pair(url, pki, basic_auth=basic))[0] == {Reason.HTTP_STATUS}


@pytest.mark.parametrize(
    ("way", "reason"), [("endless", Reason.TOO_LARGE), ("slow", Reason.TIMEOUT)]
)
def test_what_answers_without_end_is_given_up(pki: Pki, way: str, reason: Reason) -> None:
    """Memory and time are bounded, whatever stands at the peer's address."""
    with exporter(pki, way) as url:
        found, seconds = reasons(pair(url, pki))

    assert found == {reason}
    assert seconds < SECONDS + GRACE_SECONDS + 0.2


def test_nobody_at_the_address(pki: Pki) -> None:
    """A node that is off is unreachable at once."""
    with exporter(pki) as url:
        pass
    found, seconds = reasons(pair(url, pki))

    assert (found, seconds < SECONDS) == ({Reason.UNREACHABLE}, True)
