"""The heartbeat and its alarms with a real server, a real program and the real remediator."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from cluster.clock import SystemClock
from cluster.config_heartbeat import Heartbeat
from remediator.heartbeat_calls import calls_of
from tests.integration.running import RunningSite, run_site, until
from tests.integration.test_remediator import TOKEN, RunningRemediator, alert, make, payload

pytestmark = pytest.mark.integration

CLOCK = SystemClock()


class Switch:
    """A dead man's switch: what it was asked, and how it answers."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.status, self.seconds = 200, 0.0
        seen = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.asked.append((self.command, self.path, self.headers.get("Authorization")))
                time.sleep(seen.seconds)
                self.send_response(seen.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def switch() -> Iterator[Switch]:
    """A switch that is asked in the clear."""
    made = Switch()
    yield made
    made.server.shutdown()
    made.server.server_close()


def settings(**given: Any) -> Heartbeat:
    """Return a section of the configuration."""
    return Heartbeat.model_validate(given)


def test_both_addresses_are_asked_as_configured(switch: Switch, tmp_path: Path) -> None:
    """Method and credentials; any status of success will do."""
    (tmp_path / "token").write_text("opensesame\n")
    switch.status = 204
    made = settings(
        url=f"{switch.url}/ping/7?a=b",
        alarm_url=f"{switch.url}/fail/7",
        method="POST",
        bearer_token_file=str(tmp_path / "token"),
    )
    calls = calls_of(made, CLOCK)

    assert {name: call() for name, call in calls.items()} == {"url": None, "alarm_url": None}
    assert switch.asked == [
        ("POST", "/ping/7?a=b", "Bearer opensesame"),
        ("POST", "/fail/7", "Bearer opensesame"),
    ]


def test_what_goes_wrong_is_told_without_the_address(switch: Switch) -> None:
    """Whoever knows the path of a switch can keep it quiet."""
    switch.status = 503
    call = calls_of(settings(url=f"{switch.url}/secret-7"), CLOCK)["url"]
    assert call() == "http_status: HTTP status 503"
    switch.server.shutdown()
    switch.server.server_close()
    assert call() == "unreachable: 127.0.0.1: Connection refused"


def test_a_switch_that_answers_slowly_is_given_up(switch: Switch) -> None:
    """Within the time that one call may take."""
    switch.seconds = 1.5
    call = calls_of(settings(url=f"{switch.url}/secret-7"), CLOCK, url_seconds=0.4)["url"]
    began = time.monotonic()
    assert call() == "timeout: 127.0.0.1 did not answer in time"
    assert time.monotonic() - began < 1.0


def test_a_switch_over_tls_is_believed_by_its_certificate(tmp_path: Path) -> None:
    """Of the configured authority alone, and it is shown ours."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("sipnlb.example.com").private_key_and_cert_chain_pem.write_to_path(
        tmp_path / "own.pem"
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    switch = Switch(context)
    own = {"cert_file": str(tmp_path / "own.pem"), "key_file": str(tmp_path / "own.pem")}
    try:
        known = settings(url=f"{switch.url}/a", ca_file=str(tmp_path / "ca.pem"), **own)
        assert calls_of(known, CLOCK)["url"]() is None
        failed = calls_of(settings(url=f"{switch.url}/b"), CLOCK)["url"]()
        assert failed is not None
        assert "unreachable" in failed
        assert [path for _, path, _ in switch.asked] == ["/a"]
    finally:
        switch.server.shutdown()
        switch.server.server_close()


def program(file: Path, text: str) -> str:
    """Write a program."""
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def test_the_program_gets_its_arguments_and_nothing_else(tmp_path: Path) -> None:
    """No shell takes them apart, and nothing can be read from its input."""
    page = program(
        tmp_path / "page", f'printf "%s|" "$@" > {tmp_path}/said; cat >> {tmp_path}/said'
    )
    call = calls_of(settings(alarm_command=(page, "$(id) ; a b", "*")), CLOCK)["alarm_command"]
    assert call() is None
    assert (tmp_path / "said").read_text() == "$(id) ; a b|*|"


def test_a_program_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    """Its status, why it did not start, or that it hung."""

    def told(*command: str) -> str | None:
        made = settings(alarm_command=command)
        return calls_of(made, CLOCK, command_seconds=0.5)["alarm_command"]()

    assert (
        told(program(tmp_path / "bad", "echo no  modem >&2; exit 7")) == "exit status 7: no modem"
    )
    assert told(program(tmp_path / "mute", "exit 3")) == "exit status 3"
    assert told(str(tmp_path / "none")) == ("it could not be started: No such file or directory")
    assert told(program(tmp_path / "slow", "sleep 30")) == "it was still running after 0.5 s"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


def test_the_remediator_tells_that_the_road_is_open_and_rings_when_it_is_not(
    switch: Switch, site: RunningSite, tmp_path: Path
) -> None:
    """The watchdog alert opens the road; a journal that cannot be written closes it."""
    page = program(tmp_path / "page", f"date >> {tmp_path}/paged")
    heartbeat = {
        "url": f"{switch.url}/ping/secret-path",
        "alarm_url": f"{switch.url}/fail/secret-path",
        "alarm_command": [page],
    }
    remediator = make(site, tmp_path, heartbeat=heartbeat)
    remediator.start()
    try:
        assert "heartbeat_success{" not in metrics(remediator)
        assert remediator.send(payload(watchdog())).ok
        until(lambda: 'heartbeat_success{call="url"} 1.0' in metrics(remediator))
        assert [path for _, path, _ in switch.asked] == ["/ping/secret-path"]

        with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            until(lambda: 'heartbeat_success{call="alarm_command"} 1.0' in metrics(remediator))
            until(lambda: switch.asked[-1][1] == "/fail/secret-path")
        assert len((tmp_path / "paged").read_text().splitlines()) == 1
    finally:
        remediator.end(signal.SIGTERM)
    assert "secret-path" not in (tmp_path / "remediator.log").read_text()


def watchdog() -> dict[str, Any]:
    """Return the alert that always fires."""
    return alert(None) | {"labels": {"alertname": "SipnlbWatchdog", "sipnlb": "watchdog"}}


def metrics(remediator: RunningRemediator) -> str:
    """Return what it publishes."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.get(f"{remediator.url}/metrics", headers=headers, timeout=5).text
