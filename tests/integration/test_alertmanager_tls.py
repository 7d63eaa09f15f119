"""An Alertmanager behind TLS that asks for certificates, as resync and silences ask it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from cluster.config_model import Alertmanager
from remediator.alertmanager_api import NotAnsweredError, get

pytestmark = pytest.mark.integration


class Handler(BaseHTTPRequestHandler):
    """Says who asked."""

    def do_GET(self) -> None:
        """Answer with the common name of the caller's certificate."""
        shown: Any = self.connection
        subject = dict(pair[0] for pair in shown.getpeercert()["subject"])
        body = f'["{subject["commonName"]}", "{self.path}"]'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def given(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run it; return its address, and the files that open it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own = authority.issue_cert("sipnlb.example.com", common_name="remediator")
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
    own.private_key_pem.write_to_path(str(tmp_path / "own.key"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield {
        "url": f"https://127.0.0.1:{server.server_address[1]}",
        "ca_file": str(tmp_path / "ca.pem"),
        "cert_file": str(tmp_path / "own.pem"),
        "key_file": str(tmp_path / "own.key"),
    }
    server.shutdown()
    server.server_close()


def test_it_is_believed_by_its_certificate_and_shown_ours(given: dict[str, str]) -> None:
    """Of the configured authority, with the configured certificate."""
    answer = get(Alertmanager.model_validate(given), "/api/v2/alerts", {"active": "true"})

    assert answer == ["remediator", "/api/v2/alerts?active=true"]


@pytest.mark.parametrize("missing", [("ca_file",), ("cert_file", "key_file")])
def test_without_one_of_both_nothing_is_learnt(
    given: dict[str, str], missing: tuple[str, ...]
) -> None:
    """Neither a server that nobody vouches for, nor one that does not know us."""
    less = {name: value for name, value in given.items() if name not in missing}

    with pytest.raises(NotAnsweredError):
        get(Alertmanager.model_validate(less), "/api/v2/alerts", {})
