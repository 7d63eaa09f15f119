"""``sipnlb-remediator reconcile`` as a control script would call it, and what it brings to light."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
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


def reconcile(*arguments: str, timeout: float = 20) -> tuple[int, str, str]:
    """Run the command; return exit status, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "reconcile", *arguments],
        capture_output=True,
        text=True,
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


def test_who_cannot_ask_is_told_why(site: RunningSite, remediator: RunningRemediator) -> None:
    """Wrong credentials and an unknown cluster are wrong use; nobody there is status 3."""
    url = ("--url", remediator.url)
    nobody = f"http://127.0.0.1:{free_port()}"

    assert reconcile("sip-east", *url) == (
        2,
        "",
        "sipnlb: sip-east: missing or wrong credentials; send the configured credentials\n",
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
        """Give a number, or a page."""
        self._send(b'{"number": 5}' if "slow" in self.path else b"<html>")

    def do_GET(self) -> None:
        """Show the look before."""
        self._send(b'{"last_look": {"number": 4, "ending": "right"}}')

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

    assert slow == (1, "sipnlb: slow: look 5 has not ended in 1 s\n", "")
    assert page == (
        3,
        "",
        f"sipnlb: page: {url} answers 202 and no JSON object: is it sipnlb?\n",
    )


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
