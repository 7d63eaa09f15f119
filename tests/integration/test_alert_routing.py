"""A real Alertmanager with the shipped alertmanager.yml, and receivers that answer, fail or hang.

Only the addresses of the shipped file are replaced. Times are asserted only where right
and wrong lie far apart: without the settings under test a webhook waits 30 s or for ever.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.project.rules import ALERTMANAGER, with_second_remediator

pytestmark = pytest.mark.integration

RealPart = Callable[[str], Path]
TOKEN = "kD41-moors-9-lanterns"
AT_ONCE = 10.0  # seconds; far below the 30 s of Alertmanager's own group_wait
SOON = 20.0  # seconds; a page waits 5 s by the shipped file


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook that arrived. at: monotonic seconds."""

    path: str
    authorization: str | None
    payload: dict[str, Any]
    at: float

    @property
    def hosts(self) -> list[str]:
        """The host of each alert in it."""
        return [alert["labels"].get("host", "") for alert in self.payload["alerts"]]

    @property
    def alert_names(self) -> list[str]:
        """The name of each alert in it."""
        return [alert["labels"]["alertname"] for alert in self.payload["alerts"]]


class Receivers:
    """An HTTP server that plays every receiver, each under a path of its own.

    `answer` decides for each webhook: an HTTP status, or None to hold the answer until `close`.
    """

    def __init__(self, answer: Callable[[Webhook], int | None]) -> None:
        """Listen on a free loopback port; nothing is answered before `start`."""
        self._arrived: list[Webhook] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(answer))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self, answer: Callable[[Webhook], int | None]) -> type[BaseHTTPRequestHandler]:
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook = Webhook(
                    self.path, self.headers["Authorization"], json.loads(body), time.monotonic()
                )
                receivers._note(webhook)
                status = answer(webhook)
                if status is None:
                    receivers._closing.wait(60)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        return Handler

    def _note(self, webhook: Webhook) -> None:
        with self._changed:
            self._arrived.append(webhook)
            self._changed.notify_all()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Let go of held answers and stop."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(
        self, count: int, wanted: Callable[[Webhook], bool], seconds: float
    ) -> list[Webhook]:
        """Return the wanted webhooks, once there are `count` or `seconds` are over."""
        with self._changed:
            self._changed.wait_for(
                lambda: sum(map(wanted, self._arrived)) >= count, timeout=seconds
            )
            return [webhook for webhook in self._arrived if wanted(webhook)]


def to(path: str) -> Callable[[Webhook], bool]:
    """Return a test for webhooks that came to one receiver."""
    return lambda webhook: webhook.path == path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, url: str) -> None:
        """Take its address."""
        self.url = url

    def post(self, **labels: str) -> None:
        """Send one alert as Prometheus would."""
        now = datetime.now(UTC)
        alert = {
            "labels": labels,
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(minutes=4)).isoformat(),
        }
        requests.post(f"{self.url}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()

    def silence(self, name: str, value: str) -> None:
        """Silence everything that carries a label, for an hour."""
        now = datetime.now(UTC)
        body = {
            "matchers": [{"name": name, "value": value, "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "somebody",
            "comment": "maintenance",
        }
        requests.post(f"{self.url}/api/v2/silences", json=body, timeout=5).raise_for_status()


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/-/ready", timeout=1).ok:
                return True
        except requests.RequestException:
            time.sleep(0.05)
    return False


@contextmanager
def _running(program: Path, config: Path) -> Iterator[Alertmanager]:
    for attempt in range(3):  # another process may take the port between the look and the start
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        arguments = [
            f"--config.file={config}",
            f"--storage.path={config.parent / f'data-{attempt}'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        log = config.parent / f"alertmanager-{attempt}.log"
        with log.open("wb") as output:
            process = subprocess.Popen([str(program), *arguments], stdout=output, stderr=output)
        try:
            if _is_ready(url, process):
                yield Alertmanager(url)
                return
        finally:
            process.kill()
            process.wait()
    pytest.fail(f"Alertmanager did not start: {log.read_text(encoding='utf-8')}")


@contextmanager
def _site(
    program: Path,
    folder: Path,
    answer: Callable[[Webhook], int | None] = lambda _: 200,
    change: Callable[[str], str] = lambda text: text,
) -> Iterator[tuple[Alertmanager, Receivers]]:
    receivers = Receivers(answer)
    receivers.start()
    try:
        text = change((ALERTMANAGER / "alertmanager.yml").read_text(encoding="utf-8"))
        for shipped, path in (
            ("http://127.0.0.1:9877/api/v1/alerts", "/one"),
            ("http://127.0.0.1:9878/api/v1/alerts", "/two"),
            ("http://pager.example.com/sipnlb", "/person"),
        ):
            assert shipped in text
            text = text.replace(shipped, receivers.url + path)
        (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
        (folder / "remediator-token").write_text(TOKEN, encoding="utf-8")
        with _running(program, folder / "alertmanager.yml") as alertmanager:
            yield alertmanager, receivers
    finally:
        receivers.close()


@pytest.fixture
def program(real_part: RealPart) -> Path:
    """Return the Alertmanager to run."""
    return real_part("prometheus-alertmanager")


def _repair(alertmanager: Alertmanager, name: str, host: str) -> None:
    alertmanager.post(alertname=name, cluster="lisbon", host=host, port="5070", remediate="true")


def _page(alertmanager: Alertmanager) -> None:
    alertmanager.post(
        alertname="SipPortDoesNotFollowMode", cluster="lisbon", port="5070", severity="critical"
    )


def test_a_transition_does_not_wait_for_the_answer_to_another(
    program: Path, tmp_path: Path
) -> None:
    """Two transitions are two webhooks, and the second comes while the first is unanswered."""
    with _site(
        program, tmp_path, lambda webhook: None if webhook.hosts == ["lisbon-1"] else 200
    ) as (alertmanager, receivers):
        _repair(alertmanager, "SipServerBecameBackup", "lisbon-1")
        _repair(alertmanager, "SipServerBecamePrimary", "lisbon-2")
        webhooks = receivers.wait_for(2, to("/one"), AT_ONCE)

    assert sorted(webhook.hosts for webhook in webhooks) == [["lisbon-1"], ["lisbon-2"]]


def test_transitions_of_many_clusters_come_each_by_itself(program: Path, tmp_path: Path) -> None:
    """Forty clusters that switch over together are forty webhooks, all at once."""
    with _site(program, tmp_path) as (alertmanager, receivers):
        for number in range(40):
            alertmanager.post(
                alertname="SipServerBecamePrimary",
                cluster=f"lisbon-{number}",
                host="b",
                port="5070",
                remediate="true",
            )
        webhooks = receivers.wait_for(40, to("/one"), AT_ONCE)

    assert sorted(webhook.payload["commonLabels"]["cluster"] for webhook in webhooks) == sorted(
        f"lisbon-{number}" for number in range(40)
    )
    assert {len(webhook.hosts) for webhook in webhooks} == {1}


def test_a_remediator_that_does_not_answer_does_not_hold_up_the_other(
    program: Path, tmp_path: Path
) -> None:
    """With two remediators, the living one gets every transition at once."""
    with _site(
        program,
        tmp_path,
        lambda webhook: None if webhook.path == "/one" else 200,
        with_second_remediator,
    ) as (alertmanager, receivers):
        _repair(alertmanager, "SipServerBecameBackup", "lisbon-1")
        receivers.wait_for(1, to("/one"), AT_ONCE)
        _repair(alertmanager, "SipServerBecamePrimary", "lisbon-2")
        webhooks = receivers.wait_for(2, to("/two"), AT_ONCE)

    assert sorted(webhook.hosts for webhook in webhooks) == [["lisbon-1"], ["lisbon-2"]]


def test_a_webhook_that_was_refused_comes_again(program: Path, tmp_path: Path) -> None:
    """A remediator whose journal was full gets the transition as soon as it can take it."""
    answers = iter([503, 503])
    with _site(program, tmp_path, lambda _: next(answers, 200)) as (alertmanager, receivers):
        _repair(alertmanager, "SipServerBecamePrimary", "lisbon-2")
        webhooks = receivers.wait_for(3, to("/one"), SOON)

    assert [webhook.hosts for webhook in webhooks] == [["lisbon-2"]] * 3


def test_the_remediator_is_shown_the_credentials_and_the_person_is_not(
    program: Path, tmp_path: Path
) -> None:
    """The token comes from the file beside the configuration, and goes nowhere else."""
    with _site(program, tmp_path) as (alertmanager, receivers):
        _page(alertmanager)
        _repair(alertmanager, "SipServerBecamePrimary", "lisbon-2")
        remediator = receivers.wait_for(1, to("/one"), AT_ONCE)
        person = receivers.wait_for(1, to("/person"), SOON)

    assert [webhook.authorization for webhook in remediator] == [f"Bearer {TOKEN}"]
    assert [webhook.authorization for webhook in person] == [None]


def test_the_watchdog_takes_the_road_of_a_repair(program: Path, tmp_path: Path) -> None:
    """The watchdog reaches the remediator at once, with its credentials."""
    with _site(program, tmp_path) as (alertmanager, receivers):
        alertmanager.post(alertname="SipnlbWatchdog", sipnlb="watchdog", severity="none")
        webhooks = receivers.wait_for(1, to("/one"), AT_ONCE)

    assert [(each.alert_names, each.authorization) for each in webhooks] == [
        (["SipnlbWatchdog"], f"Bearer {TOKEN}")
    ]


def test_nothing_about_a_repair_keeps_a_page_from_a_person(program: Path, tmp_path: Path) -> None:
    """A firing, unanswered and silenced repair does not silence the page about it."""
    with _site(program, tmp_path, lambda webhook: None if webhook.path == "/one" else 200) as (
        alertmanager,
        receivers,
    ):
        _repair(alertmanager, "SipServerBecamePrimary", "lisbon-2")
        receivers.wait_for(1, to("/one"), AT_ONCE)
        alertmanager.silence("remediate", "true")
        _page(alertmanager)
        webhooks = receivers.wait_for(1, to("/person"), SOON)

    assert [webhook.alert_names for webhook in webhooks] == [["SipPortDoesNotFollowMode"]]


def test_a_page_does_not_keep_a_repair_from_the_remediator(program: Path, tmp_path: Path) -> None:
    """Whatever a person is called for, the transition that follows is repaired."""
    with _site(program, tmp_path) as (alertmanager, receivers):
        for name in ("NlbRuleMissing", "NlbRulesDiffer", "SipnlbClusterNotWatched"):
            alertmanager.post(alertname=name, cluster="lisbon", severity="critical")
        _page(alertmanager)
        _repair(alertmanager, "SipServerBecamePrimary", "lisbon-2")
        webhooks = receivers.wait_for(1, to("/one"), AT_ONCE)

    assert [webhook.hosts for webhook in webhooks] == [["lisbon-2"]]


def test_a_cause_hides_its_symptom_in_its_own_cluster_alone(program: Path, tmp_path: Path) -> None:
    """Hosts that converge because their rules differ are one page, not two."""
    with _site(program, tmp_path) as (alertmanager, receivers):
        alertmanager.post(alertname="NlbRulesDiffer", cluster="lisbon", severity="critical")
        for cluster in ("lisbon", "porto"):
            alertmanager.post(
                alertname="NlbConvergingTooLong", cluster=cluster, host="a", severity="critical"
            )
        receivers.wait_for(2, to("/person"), SOON)
        states = {
            alert["labels"]["cluster"]: alert["status"]["state"]
            for alert in requests.get(
                f"{alertmanager.url}/api/v2/alerts",
                params={"filter": 'alertname="NlbConvergingTooLong"'},
                timeout=5,
            ).json()
        }

    assert states == {"lisbon": "suppressed", "porto": "active"}
