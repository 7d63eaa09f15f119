"""The cheapest attacks on both running programs; SECURITY.md names these tests.

Each has what its attacker would have: nothing, a secret that is good for something else, or a
false alert. The remediator may act, and everything that it watches is as it should be.
"""

from __future__ import annotations

import json
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from requests.adapters import HTTPAdapter

from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_remediator import RunningRemediator, alert, answers, payload

pytestmark = pytest.mark.integration

SECRETS = {who: secrets.token_urlsafe(24) for who in ("webhook", "read", "operate", "exporter")}
ORDERS = {
    "/api/v1/clusters/sip-east/reconcile": {},
    "/api/v1/pause": {"all": True, "reason": "gone fishing", "for": "1h"},
    "/api/v1/resume": {"all": True},
    "/api/v1/clusters/sip-east/approve": {"decision": 1},
    "/api/v1/clusters/sip-east/acknowledge": {},
}
"""What a person may order."""


class From(HTTPAdapter):
    """Sends from an address of loopback: who fails too often from one is told to wait there."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Bind every connection."""
        super().init_poolmanager(*arguments, **more, source_address=(self._address, 0))


@dataclass
class Target:
    """Both programs of a site."""

    site: RunningSite
    remediator: RunningRemediator
    exporter: str

    def ask(
        self, path: str, who: str | None = None, method: str = "GET", **more: Any
    ) -> requests.Response:
        """Ask the remediator, with somebody's secret."""
        shown = {} if who is None else {"Authorization": f"Bearer {SECRETS[who]}"}
        headers = shown | more.pop("headers", {})
        with requests.Session() as session:
            session.mount("http://", From(more.pop("address", "127.0.0.1")))
            url = self.remediator.url + path
            return session.request(method, url, headers=headers, timeout=20, **more)

    def send(self, *alerts: dict[str, Any], who: str = "webhook") -> requests.Response:
        """Send alerts, as Alertmanager does."""
        return self.ask("/api/v1/alerts", who, "POST", data=json.dumps(payload(*alerts)))

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return the journal's newest rows of a kind."""
        found: list[dict[str, Any]] = self.ask(
            f"/api/v1/journal?kind={kind}&limit=1000", "read"
        ).json()["rows"]
        return found

    def looks(self) -> int:
        """Return how many looks have ended right."""
        return sum(row["count"] for row in self.rows("decision") if row["outcome"] == "right")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Both programs, each right of the remediator with a secret of its own."""
    folder = tmp_path_factory.mktemp("target")
    for who, secret in SECRETS.items():
        (folder / who).write_text(secret)
    with contextmanager(run_site)(folder, "--lag", "0") as site:
        config = yaml.safe_load((site.directory / "clusters.yml").read_text("utf-8"))
        file = {who: {"bearer_token_file": str(folder / who)} for who in SECRETS}
        config["exporter"] = {"web": file["exporter"]}
        config["remediator"] = {
            "policy": {"level": "enforce"},
            "routine_look": "0s",
            "web": {who: file[who] for who in ("webhook", "read", "operate")},
            "journal": {"url": f"sqlite:///{folder / 'journal.db'}"},
        }
        (folder / "clusters.yml").write_text(yaml.safe_dump(config), "utf-8")
        made = RunningRemediator(folder / "clusters.yml", folder / "remediator.log")
        with _exporter(folder) as exporter:
            try:
                made.start()
                yield Target(site, made, exporter)
            finally:
                made.end(signal.SIGTERM)


@contextmanager
def _exporter(folder: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    flags = [f"--config.file={folder / 'clusters.yml'}", f"--web.listen-address={address}"]
    with (folder / "exporter.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "exporter", *flags], cwd=ROOT, stderr=log)
    try:
        until(lambda: answers(f"http://{address}/-/healthy"))
        yield f"http://{address}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait()


def test_a_false_alert_moves_no_port(target: Target) -> None:
    """It names a host, a port and a command; what is read says that all is right."""
    labels = {"host": "sip-east-1", "port": "5060; disable ALL", "verb": "disable"}
    false = alert(fingerprint="false")
    false["labels"] |= labels
    assert target.send(false).json()["alerts"][0]["outcome"] == "accepted"

    until(lambda: target.rows("alert")[0]["outcome"] == "right")
    assert target.rows("action") == []


@pytest.mark.parametrize(
    ("who", "path", "method", "problem"),
    [
        *(("webhook", path, "POST", "webhook token has no right to operate") for path in ORDERS),
        ("webhook", "/api/v1/journal", "GET", "webhook token has no right to read"),
        *(("read", path, "POST", "read token has no right to operate") for path in ORDERS),
        ("read", "/api/v1/alerts", "POST", "read token has no right to webhook"),
        ("operate", "/api/v1/alerts", "POST", "operate token has no right to webhook"),
    ],
)
def test_a_secret_is_good_for_its_own_right_alone(
    target: Target, who: str, path: str, method: str, problem: str
) -> None:
    """Who has one of the secrets gets nothing of what another is for."""
    answer = target.ask(path, who, method, json=ORDERS.get(path), address="127.2.0.1")

    assert (answer.status_code, answer.json()["error"]) == (403, problem)


def test_an_exporter_s_secret_opens_nothing_at_the_remediator(target: Target) -> None:
    """Nor does the remediator's open the exporter's API."""
    assert target.ask("/api/v1/clusters", "exporter").status_code == 401
    host = f"{target.exporter}/api/v1/hosts/sip-east-1"
    for who, status in (("operate", 401), ("exporter", 200)):
        shown = {"Authorization": f"Bearer {SECRETS[who]}"}
        assert requests.get(host, headers=shown, timeout=5).status_code == status


@pytest.mark.parametrize("path", ["/", "/metrics", "/probe", "/sd", "/api/v1/hosts/sip-east-1"])
def test_nothing_can_be_ordered_from_the_exporter(target: Target, path: str) -> None:
    """It takes no request but to be read."""
    shown = {"Authorization": f"Bearer {SECRETS['exporter']}"}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = requests.request(method, target.exporter + path, headers=shown, timeout=5)
        assert answer.status_code == 405


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize(
    ("number", "headers"),
    [
        (1, {"Origin": "https://evil.example"}),
        (2, {"Sec-Fetch-Site": "cross-site"}),
        (3, {"Origin": "null"}),
    ],
    ids=["origin", "fetch", "sandbox"],
)
def test_a_page_of_another_site_orders_nothing(
    target: Target, path: str, number: int, headers: dict[str, str]
) -> None:
    """An operator's browser sends the operator's secret with whatever a page makes it send."""
    address = f"127.3.0.{number}"
    answer = target.ask(
        path, "operate", "POST", json=ORDERS[path], headers=headers, address=address
    )

    assert (answer.status_code, answer.json()["error"]) == (403, "sent for a page of another site")


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/journal",
        "/api/v1/../v1/journal",
        "/api/v1/%6aournal",
        "/metrics/../api/v1/journal",
        "/api/v1/journal;.png",
        "/API/v1/journal",
        "/api/v1/journal%00",
        "/api/v1/journal/",
    ],
)
def test_no_spelling_of_a_path_goes_round_the_door(target: Target, path: str) -> None:
    """The path is asked for byte by byte, without a secret."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = _raw(target, request.encode(), "127.5.0.1")

    assert answer.split()[1] in {b"400", b"401", b"404", b"308"}
    assert b'"rows"' not in answer


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 60\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
    ],
    ids=["both", "two", "identity"],
)
def test_no_second_request_hides_in_a_first(target: Target, head: bytes) -> None:
    """Where the lengths of a body contradict each other, what follows it needs a secret too."""
    secret = f"Authorization: Bearer {SECRETS['webhook']}\r\n".encode()
    first = b"POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n" + secret + head + b"\r\n0\r\n\r\n"
    answer = _raw(target, first + b"GET /api/v1/journal HTTP/1.1\r\nHost: x\r\n\r\n", "127.6.0.1")

    assert b'"rows"' not in answer
    assert b" 200 " not in answer
    assert target.ask("/-/healthy").ok


def _raw(target: Target, request: bytes, address: str) -> bytes:
    """Return what comes within a second, sent from an address of loopback."""
    at = urlsplit(target.remediator.url)
    place = (at.hostname or "", at.port or 0)
    with socket.create_connection(place, 10, source_address=(address, 0)) as connection:
        connection.sendall(request)
        connection.settimeout(1.0)
        answer = bytearray()
        with suppress(TimeoutError):
            while some := connection.recv(65536):
                answer += some
    return bytes(answer)


def test_a_label_forges_no_line_and_no_page(target: Target) -> None:
    """Line ends, terminal signs and HTML come out as they are told: quoted, as JSON, one line."""
    nasty = 'x\nlevel=error event="port switched" \x1b[2J<script>alert(1)</script>'
    named = alert(fingerprint=nasty)
    named["labels"] |= {"host": nasty, "alertname": nasty}
    before = len(target.remediator.log.read_text("utf-8").splitlines())
    assert target.send(named).ok

    until(lambda: target.rows("alert")[0]["outcome"] is not None)
    lines = target.remediator.log.read_text("utf-8").splitlines()[before:]
    assert all(line.startswith("ts=") for line in lines)
    assert not any("\x1b" in line or line.startswith("level=error") for line in lines)
    shown = target.ask("/api/v1/journal?kind=alert&limit=1", "read")
    assert shown.headers["Content-Type"] == "application/json"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.json()["rows"][0]["host"] == nasty


@pytest.mark.parametrize("starts_at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_time_out_of_the_world_spoils_no_figure(target: Target, starts_at: str) -> None:
    """An alert may say any time of itself; no duration becomes negative or a thousand years."""
    assert target.send(alert(fingerprint=starts_at, startsAt=starts_at)).ok

    until(lambda: target.rows("alert")[0]["outcome"] == "right")
    told = target.remediator.counted('sipnlb_remediator_stage_duration_seconds_sum{stage="alert"}')
    assert 0 <= told < 86400


def test_a_flood_of_false_alerts_hides_no_true_one(target: Target) -> None:
    """Looks are as many as looks can be, whatever the number of alerts; the failover is followed."""
    looks = target.looks()

    def flood(number: int) -> int:
        return target.send(*(alert(fingerprint=f"{number}-{n}") for n in range(25))).status_code

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(flood, number) for number in range(40)]
        _switched_over(target, "true")
        assert {each.result() for each in sent} == {200}
    until(lambda: all(row["outcome"] for row in target.rows("alert")))
    assert target.looks() - looks < 10 * (time.monotonic() - began)
    assert {row["outcome"] for row in target.rows("action")} <= {"verified", "too_late"}


def _port(target: Target, number: int) -> str:
    state: str = target.site.host(f"sip-east-{number}")["ports"][0]["state"]
    return state


def test_who_empties_the_journal_gains_no_number_and_leaves_the_log(target: Target) -> None:
    """The file's owner can take rows away: numbers still rise, and the log tells what was done."""
    numbers = [_switched_over(target, "before")]
    file = target.remediator.configuration.parent / "journal.db"
    with closing(sqlite3.connect(file, timeout=10)) as journal, journal:
        journal.execute("DELETE FROM journal")
    assert target.rows("action") == []
    numbers.append(_switched_over(target, "after"))

    assert numbers == sorted(numbers)
    switched = target.remediator.log.read_text("utf-8").count('event="port switched"')
    assert switched >= 4 > len(target.rows("action"))


def _switched_over(target: Target, fingerprint: str) -> int:
    """Let the primary change and its ports follow; return the number of the last command."""
    new = 1 if target.site.host("sip-east-2")["mode"] == "primary" else 2
    assert target.site.post("/api/v1/clusters/sip-east/switchover").ok
    until(lambda: target.site.host(f"sip-east-{new}")["mode"] == "primary")
    target.send(alert(fingerprint=fingerprint))
    until(lambda: (_port(target, new), _port(target, 3 - new)) == ("enabled", "disabled"))
    until(lambda: all(row["outcome"] for row in target.rows("action")))
    number: int = target.rows("action")[0]["number"]
    return number


def test_who_guesses_is_told_to_wait_and_nobody_else_is(target: Target) -> None:
    """Wrong secrets get no answer in time; the right one does, from the same address."""
    wrong = {"Authorization": "Bearer wrong"}
    here = {"address": "127.4.0.1"}
    path = "/api/v1/journal"
    answers = [target.ask(path, headers=wrong, **here).status_code for _ in range(30)]
    assert answers == sorted(answers)
    assert set(answers) == {401, 429}
    assert target.ask(path, "read", **here).status_code == 200
    refused = target.ask("/api/v1/alerts", None, "POST", headers=wrong, data="{}", **here)
    assert refused.status_code == 401  # never 429: Alertmanager would come back at its own pace
    assert target.ask(path, headers=wrong).status_code == 401  # a neighbour is not told to wait
