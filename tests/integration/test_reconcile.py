"""``sipnlb-remediator reconcile`` as a control script would call it, and what it brings to light."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_remediator import ONE, TWO, RunningRemediator, make, ports, switch_over

pytestmark = pytest.mark.integration

COMMAND = "from remediator.command import entry_point; entry_point()"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


@pytest.fixture
def remediator(site: RunningSite, tmp_path: Path) -> Iterator[RunningRemediator]:
    """A running remediator that may act."""
    made = make(site, tmp_path, policy={"level": "enforce", "settle": "1s"})
    made.start()
    try:
        yield made
    finally:
        made.end(signal.SIGTERM)


def reconcile(
    *arguments: str, timeout: float = 20, encoding: str = "utf-8"
) -> tuple[int, str, str]:
    """Run the command; return exit status, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "reconcile", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        cwd=ROOT,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def access(remediator: RunningRemediator) -> tuple[str, ...]:
    """Return the arguments that say whom to ask and as whom."""
    token = remediator.configuration.parent / "token"
    return ("--url", remediator.url, "--token-file", str(token))


def test_a_control_script_waits_until_the_ports_follow(
    site: RunningSite, remediator: RunningRemediator
) -> None:
    """No alert comes: the command alone leads to the same verified path."""
    switch_over(site)

    status, said, _ = reconcile("sip-east", "--wait", *access(remediator))

    assert (status, ports(site)) == (0, ("disabled", "enabled"))
    assert said.startswith("sipnlb: sip-east: look ")
    assert ", remediated: " in said
    assert said.count("\n") == 1
    assert [(row["host"], row["verb"], row["outcome"]) for row in remediator.rows("action")] == [
        (TWO, "enable", "verified"),
        (ONE, "disable", "verified"),
    ]


def test_without_waiting_it_only_asks(site: RunningSite, remediator: RunningRemediator) -> None:
    """It is over at once; the look goes on. The configuration may name the credentials."""
    switch_over(site)
    by_file = ("--url", remediator.url, "--config.file", str(remediator.configuration))

    status, said, _ = reconcile("sip-east", *by_file)

    assert (status, said.startswith("sipnlb: sip-east: asked for look ")) == (0, True)
    until(lambda: ports(site) == ("disabled", "enabled"))


def test_a_hold_is_told_with_its_reason(site: RunningSite, remediator: RunningRemediator) -> None:
    """Status 1, and the reason on the line."""
    site.nlb(ONE, "stop")

    status, said, _ = reconcile("sip-east", "--wait", *access(remediator))

    assert (status, ", held, primary_node_not_serving: " in said) == (1, True), said


def test_a_look_that_lasts_is_told_with_what_it_has_done(site: RunningSite, tmp_path: Path) -> None:
    """A host says that it is done and changes nothing: at the limit the tries so far are told.

    The whole reason is told where it may wait long enough.
    """
    made = make(site, tmp_path, verify_timeout="2s", attempts=2)
    made.start()
    try:
        switch_over(site)
        fault = f"/api/v1/clusters/sip-east/hosts/{TWO}/fault"
        assert site.post(fault, {"nlb": "no_effect"}).ok

        early = reconcile("sip-east", "--wait", "--timeout", "3", *access(made))
        late = reconcile("sip-east", "--wait", *access(made))
    finally:
        made.end(signal.SIGTERM)

    assert early[0] == late[0] == 1
    assert " has not ended in 3 s; so far: try 1 of enable 5060 on sip-east-2: " in early[1]
    assert 'the port did not follow the command: the host said "' in early[1]
    assert ", held, action_failed: enable 5060 on sip-east-2: the port did not follow" in late[1]
    assert "; the port still reads disabled\n" in late[1]
    log = made.log.read_text("utf-8")
    assert 'level=error event="given up, a person is called" cluster=sip-east' in log


def test_who_cannot_ask_is_told_why(site: RunningSite, remediator: RunningRemediator) -> None:
    """Wrong credentials and an unknown cluster are wrong use; nobody there is status 3."""
    url = ("--url", remediator.url)
    nobody = f"http://127.0.0.1:{free_port()}"

    assert reconcile("sip-east", *url) == (
        2,
        "",
        "sipnlb: sip-east: the remediator asks for credentials and none were shown; name "
        "--token-file, --user with --password-file, --cert-file with --key-file, or its "
        "clusters.yml by --config.file\n",
    )
    assert reconcile("sip-west", "--wait", *access(remediator)) == (
        2,
        "",
        "sipnlb: sip-west: no cluster 'sip-west' is configured; configured: sip-east\n",
    )
    assert reconcile("sip-east", "--wait", "--url", nobody) == (
        3,
        "",
        f"sipnlb: sip-east: {nobody} does not answer: Connection refused\n",
    )


class _Stranger(BaseHTTPRequestHandler):
    """A server that is no remediator, or one whose look never ends."""

    def do_POST(self) -> None:
        """Give a number, or what is none."""
        page = b'{"status": "success"}' if "json" in self.path else b"<html>"
        numbered = "slow" in self.path or "text" in self.path
        self._send(b'{"number": 5}' if numbered else page)

    def do_GET(self) -> None:
        """Show the look before, or the one after, with a reason that not every console has."""
        after = b'{"last_look": {"number": 6, "ending": "right", "why": "caf\xc3\xa9"}}'
        before = b'{"last_look": {"number": 4, "ending": "right"}}'
        self._send(after if "text" in self.path else before)

    def _send(self, body: bytes) -> None:
        self.send_response(202 if self.command == "POST" else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_look_before_the_request_is_not_taken_for_its_own() -> None:
    """It waits for its own look, as long as it may; what is no remediator is told."""
    with HTTPServer(("127.0.0.1", 0), _Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        slow = reconcile("slow", "--wait", "--timeout", "1", "--url", url)
        page = reconcile("page", "--url", url)
        server.shutdown()
        thread.join(5)

    ended = "look 5 has not ended in 1 s; so far: nothing is told of it"
    assert slow == (1, f"sipnlb: slow: {ended}\n", "")
    assert page == (
        3,
        "",
        f"sipnlb: page: {url} answers 202 and no JSON object: is it sipnlb?\n",
    )


def test_what_a_stranger_says_is_no_success_and_no_failure_either() -> None:
    """JSON without a number was not asked; a sign that cannot be shown changes no exit status."""
    with HTTPServer(("127.0.0.1", 0), _Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        json = reconcile("json", "--url", url)
        text = reconcile("text", "--wait", "--url", url, encoding="ascii")
        server.shutdown()
        thread.join(5)

    number = f"{url} does not tell the number of its look: is it sipnlb?"
    assert json == (3, "", f"sipnlb: json: {number}\n")
    assert text == (0, "sipnlb: text: look 6, right: caf\\xe9\n", "")


def test_who_sends_a_byte_now_and_then_keeps_it_no_longer_than_it_may() -> None:
    """A reaction of the Management Layer must not hang."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_drip, args=(listening,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        began = time.monotonic()
        ended = reconcile("drip", "--wait", "--timeout", "1", "--url", url)
        took = time.monotonic() - began
        thread.join(5)

    assert ended == (3, "", f"sipnlb: drip: {url} does not answer: timed out\n")
    assert took < 3


def _drip(listening: socket.socket) -> None:
    """Promise much to one caller, and send a byte every 0.2 s until it has gone."""
    caller, _ = listening.accept()
    with caller, contextlib.suppress(OSError):
        caller.recv(65536)
        caller.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{")
        for _ in range(40):
            time.sleep(0.2)
            caller.sendall(b" ")


def test_a_port_that_other_hands_changed_stands_in_the_journal(
    site: RunningSite, tmp_path: Path
) -> None:
    """Beside old scripts: a script that closes a port by hand leaves its trace, with its span."""
    made = make(site, tmp_path, policy={"level": "observe"})
    made.start()
    try:
        assert reconcile("sip-east", "--wait", *access(made))[0] == 0
        site.nlb(ONE, "disable", "5060")

        status, said, _ = reconcile("sip-east", "--wait", *access(made))

        assert (status, ", observed: would enable 5060 on sip-east-1\n" in said) == (1, True), said
        (row,) = made.rows("port_change")
        detail = row["detail"]
        assert (row["host"], row["port"], row["reason"], row["trigger"]) == (
            ONE,
            "5060",
            "other_hands",
            "reconcile",
        )
        assert (detail["before"], detail["after"]) == ("enabled", "disabled")
        assert detail["last_seen_before"] < detail["first_seen_after"] <= row["at"]
        site.nlb(ONE, "enable", "5060")
        until(lambda: len(made.rows("port_change")) == 2)  # it looks again by itself
    finally:
        made.end(signal.SIGTERM)
    assert "port changed by other hands" in made.log.read_text("utf-8")
