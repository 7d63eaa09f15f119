"""The remediator as a process on a simulated site: its answers, its actions, its endings."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
import yaml

from cluster.config_model import Alertmanager
from remediator.resync import ask
from tests.integration.running import RunningSite, free_port, run_site, until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
ONE, TWO = "sip-east-1", "sip-east-2"
TOKEN = "correct horse battery staple"


def alert(cluster: str | None = "sip-east", status: str = "firing", **more: Any) -> dict[str, Any]:
    """Return an alert as Alertmanager sends it."""
    labels = {"alertname": "SipServerBecamePrimary", "remediate": "true", "port": "5060"}
    if cluster is not None:
        labels["cluster"] = cluster
    return {
        "status": status,
        "labels": labels,
        "annotations": {},
        "startsAt": "2031-02-03T04:05:06.789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "c0ffee1234567890",
    } | more


def payload(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a webhook body of version 4."""
    return {"version": "4", "groupKey": "{}", "status": "firing", "alerts": list(alerts)} | more


@dataclass
class RunningRemediator:
    """A remediator that runs as a child, and how to talk to it."""

    configuration: Path
    log: Path
    arguments: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.begin()
        until(self.answers)

    def begin(self) -> None:
        """Start it and wait for nothing."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "remediator",
                    f"--config.file={self.configuration}",
                    f"--web.listen-address=127.0.0.1:{port}",
                    *self.arguments,
                ],
                stderr=log,
                cwd=ROOT,
            )

    def answers(self) -> bool:
        """Tell whether it answers."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(self.url + "/-/healthy", timeout=2).ok
        except requests.ConnectionError:
            return False

    def end(self, number: signal.Signals) -> int:
        """Send it a signal and wait for its end."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()  # nothing is left behind, even where the test fails
            self.process.wait()

    def send(self, body: Any, **more: Any) -> requests.Response:
        """Send a webhook, with the credentials unless told otherwise."""
        headers = more.pop("headers", {"Authorization": f"Bearer {TOKEN}"})
        data = body if isinstance(body, bytes) or not isinstance(body, dict) else json.dumps(body)
        return requests.post(
            self.url + "/api/v1/alerts", data=data, headers=headers, timeout=30, **more
        )

    def get(self, path: str) -> Any:
        """Ask the API."""
        answer = requests.get(
            self.url + path, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )
        return answer.json()

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return the journal's rows of a kind, oldest first."""
        return list(reversed(self.get(f"/api/v1/journal?kind={kind}&limit=500")["rows"]))

    def counted(self, series: str) -> float:
        """Return the value of a series on /metrics."""
        for line in requests.get(self.url + "/metrics", timeout=5).text.splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        raise AssertionError(f"no series {series}")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


def make(site: RunningSite, tmp_path: Path, **settings: Any) -> RunningRemediator:
    """Write a remediator's configuration for the site; level enforce unless told otherwise."""
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    config = yaml.safe_load((site.directory / "clusters.yml").read_text())
    config["remediator"] = {
        "policy": {"level": "enforce"},
        "web": {"bearer_token_file": str(token)},
        "journal": {"url": f"sqlite:///{tmp_path / 'journal.db'}"},
    } | settings
    file = tmp_path / "clusters.yml"
    file.write_text(yaml.safe_dump(config))
    return RunningRemediator(file, tmp_path / "remediator.log")


@pytest.fixture
def remediator(site: RunningSite, tmp_path: Path) -> Iterator[RunningRemediator]:
    """A running remediator that may act."""
    made = make(site, tmp_path)
    made.start()
    yield made
    assert made.process is not None
    if made.process.poll() is None:
        made.end(signal.SIGTERM)


def ports(site: RunningSite) -> tuple[str, str]:
    """Return the true port states of both hosts."""
    return tuple(site.host(name)["ports"][0]["state"] for name in (ONE, TWO))


def switch_over(site: RunningSite) -> None:
    """Let the second host become primary."""
    assert site.post("/api/v1/clusters/sip-east/switchover").ok
    until(lambda: (site.host(ONE)["mode"], site.host(TWO)["mode"]) == ("backup", "primary"))


def test_an_alert_makes_the_ports_follow_the_mode(
    site: RunningSite, remediator: RunningRemediator
) -> None:
    """From webhook to verified ports; every step stands in the journal, the alert is ended."""
    switch_over(site)

    assert remediator.send(payload(alert())).json() == {
        "truncated": 0,
        "alerts": [
            {
                "fingerprint": "c0ffee1234567890",
                "cluster": "sip-east",
                "outcome": "accepted",
                "problem": "",
            }
        ],
    }
    until(lambda: ports(site) == ("disabled", "enabled"))
    until(lambda: remediator.rows("alert")[-1]["outcome"] == "remediated")
    assert [(r["host"], r["verb"], r["outcome"]) for r in remediator.rows("action")] == [
        (TWO, "enable", "verified"),
        (ONE, "disable", "verified"),
    ]
    assert remediator.counted(
        'sipnlb_remediator_actions_total{outcome="verified",verb="enable"}'
    ) == pytest.approx(1)


def test_level_observe_is_the_default_and_touches_nothing(
    site: RunningSite, tmp_path: Path
) -> None:
    """Without a word about policy it says what it would do, and leaves the ports alone."""
    made = make(site, tmp_path, policy={})
    made.start()
    try:
        switch_over(site)
        made.send(payload(alert()))
        until(lambda: made.rows("alert")[-1]["outcome"] == "observed")
        last = made.rows("decision")[-1]
        assert (last["level"], last["outcome"], last["detail"]["would"]) == (
            "observe",
            "observed",
            [f"enable 5060 on {TWO}"],
        )
        assert (ports(site), made.rows("action")) == (("enabled", "disabled"), [])
    finally:
        made.end(signal.SIGTERM)


@pytest.mark.parametrize(
    ("body", "code", "outcome", "error"),
    [
        pytest.param(b"{", 400, "malformed", "the body is not JSON: ", id="truncated"),
        pytest.param(b"\xff\xfe", 400, "malformed", "the body is not JSON: ", id="not-json"),
        pytest.param(
            {"version": "5", "alerts": []},
            400,
            "malformed",
            "version is '5', this program reads version \"4\"",
            id="not-version-4",
        ),
        pytest.param(
            {"version": "4"}, 400, "malformed", "alerts is not a list", id="without-alerts"
        ),
        pytest.param(b"x" * 10_000_000, 413, "too_large", "larger than 8388608 bytes", id="10-MB"),
    ],
)
def test_what_alertmanager_would_not_send_is_refused_and_counted(
    remediator: RunningRemediator, body: Any, code: int, outcome: str, error: str
) -> None:
    """A clear error, a count, and nothing taken in."""
    answer = remediator.send(body)

    assert answer.status_code == code
    assert answer.json()["error"].startswith(error)
    assert remediator.counted(f'sipnlb_remediator_webhooks_total{{outcome="{outcome}"}}') == 1.0
    assert remediator.rows("alert") == []


def test_a_body_without_a_length_is_bounded_too(remediator: RunningRemediator) -> None:
    """A chunked body over the limit is refused."""
    answer = remediator.send(iter([b"x" * 1_000_000] * 10))

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="missing"),
        pytest.param({"Authorization": "Bearer wrong"}, id="wrong"),
        pytest.param({"Authorization": f"Basic {TOKEN}"}, id="wrong-scheme"),
    ],
)
def test_wrong_credentials_are_refused_and_counted(
    remediator: RunningRemediator, headers: dict[str, str]
) -> None:
    """Nobody without the token is heard, and nothing is said about it."""
    answer = remediator.send(payload(alert()), headers=headers)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
        401,
        'Bearer realm="sipnlb-remediator"',
    )
    assert TOKEN not in answer.text
    assert remediator.counted('sipnlb_remediator_webhooks_total{outcome="unauthorized"}') == 1.0
    assert remediator.rows("alert") == []


def test_one_bad_alert_never_costs_its_neighbours(
    site: RunningSite, remediator: RunningRemediator
) -> None:
    """Each alert of a payload has an outcome of its own; the good one is acted on."""
    switch_over(site)
    answer = remediator.send(
        payload(
            {"status": "firing", "startsAt": "2031-02-03T04:05:06Z"},
            alert("sip-nowhere", fingerprint="b"),
            alert(None, fingerprint="c"),
            alert(status="resolved", fingerprint="d"),
            alert(fingerprint="e"),
        )
    )

    assert [each["outcome"] for each in answer.json()["alerts"]] == [
        "malformed",
        "unknown_cluster",
        "no_cluster",
        "resolved",
        "accepted",
    ]
    until(lambda: ports(site) == ("disabled", "enabled"))


def test_ten_thousand_alerts_are_taken_and_become_one_look(
    remediator: RunningRemediator,
) -> None:
    """Many alerts for one cluster are one look, and Alertmanager is answered in time."""
    until(lambda: bool(remediator.rows("decision")))
    many = [alert(fingerprint=f"{number:016x}") for number in range(10_000)]
    began = time.monotonic()

    answer = remediator.send(payload(*many))

    assert (answer.status_code, len(answer.json()["alerts"])) == (200, 10_000)
    assert time.monotonic() - began < 10  # then Alertmanager would send it again
    until(lambda: all(row["outcome"] == "right" for row in remediator.rows("alert")))
    assert sum(row["count"] for row in remediator.rows("decision")) <= 4


def slow_hosts(site: RunningSite, seconds: float) -> None:
    """Make every call of the NLB utility take some seconds."""
    for name in (ONE, TWO):
        fault = {"nlb_latency_seconds": seconds}
        assert site.post(f"/api/v1/clusters/sip-east/hosts/{name}/fault", fault).ok


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGTERM, id="told"), pytest.param(signal.SIGKILL, id="killed")]
)
def test_stopped_in_the_middle_it_ends_right_with_each_action_journaled_once(
    site: RunningSite, tmp_path: Path, number: signal.Signals
) -> None:
    """Whatever ends it while an action is under way, the next start finishes the work."""
    made = make(site, tmp_path, resync="1h")
    made.start()
    until(lambda: bool(made.rows("decision")))
    slow_hosts(site, 0.4)
    switch_over(site)
    made.send(payload(alert()))
    until(lambda: any(row["verb"] == "enable" for row in made.rows("action")))
    made.end(number)
    slow_hosts(site, 0.0)
    made.start()
    try:
        until(lambda: ports(site) == ("disabled", "enabled"))
        until(lambda: made.rows("alert")[-1]["outcome"] is not None)
        actions = [(row["host"], row["verb"]) for row in made.rows("action")]
        assert actions == [(TWO, "enable"), (ONE, "disable")]
        first = made.rows("action")[0]["outcome"]
        may_be = {"verified"} if number is signal.SIGTERM else {"found_done", "verified"}
        assert first in may_be
        assert all(row["outcome"] for row in made.rows("action") + made.rows("decision"))
    finally:
        made.end(signal.SIGTERM)


@pytest.mark.parametrize("fault", ["hang", "garbage", "empty", "denied", "foreign", "no_effect"])
def test_an_utility_that_fails_is_a_hold_and_mended_it_is_followed(
    site: RunningSite, tmp_path: Path, fault: str
) -> None:
    """Nothing is guessed while the new primary's host cannot be read; then the port follows."""
    made = make(site, tmp_path, verify_timeout="500ms", command_timeout="1s", attempts=1)
    made.start()
    try:
        until(lambda: bool(made.rows("decision")))
        site.post(f"/api/v1/clusters/sip-east/hosts/{TWO}/fault", {"nlb": fault})
        switch_over(site)
        made.send(payload(alert()))
        until(lambda: made.rows("alert")[-1]["outcome"] == "held")
        assert ports(site) == ("enabled", "disabled")
        site.post(f"/api/v1/clusters/sip-east/hosts/{TWO}/fault", {"nlb": "none"})
        made_again = f"{made.url}/api/v1/clusters/sip-east/reconcile"
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert requests.post(made_again, headers=token, timeout=5).status_code == 202
        until(lambda: ports(site) == ("disabled", "enabled"))
    finally:
        made.end(signal.SIGTERM)


@pytest.mark.parametrize("fault", ["exit_1", "hang_after"])
def test_only_the_reading_decides_whether_a_command_helped(
    site: RunningSite, tmp_path: Path, fault: str
) -> None:
    """Exit status 1 with good text, or no answer at all after the work was done: it is verified."""
    made = make(site, tmp_path, command_timeout="1s")
    made.start()
    try:
        until(lambda: bool(made.rows("decision")))
        switch_over(site)
        faulted = {"nlb": fault} if fault == "exit_1" else {"nlb": "exit_1"}
        site.post(f"/api/v1/clusters/sip-east/hosts/{TWO}/fault", faulted)
        made.send(payload(alert()))
        until(lambda: ports(site) == ("disabled", "enabled"))
        until(lambda: made.rows("action")[-1]["outcome"] == "verified")
    finally:
        made.end(signal.SIGTERM)


def test_without_a_journal_nothing_is_taken_and_nothing_is_done(
    site: RunningSite, remediator: RunningRemediator, tmp_path: Path
) -> None:
    """503, so that Alertmanager sends it again; once the journal answers it is followed."""
    until(lambda: bool(remediator.rows("decision")))
    switch_over(site)
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        answer = remediator.send(payload(alert()))
        assert (answer.status_code, answer.json()["error"]) == (
            503,
            "the journal does not answer: database is locked",
        )
        assert ports(site) == ("enabled", "disabled")
        ready = requests.get(remediator.url + "/-/ready", timeout=20)
        assert (ready.status_code, ready.text) == (
            503,
            "not ready: the journal does not answer: database is locked\n",
        )
    finally:
        other.execute("ROLLBACK")
        other.close()

    assert remediator.send(payload(alert())).status_code == 200
    until(lambda: ports(site) == ("disabled", "enabled"))


def test_a_lost_webhook_is_made_good_by_asking_alertmanager(
    site: RunningSite, tmp_path: Path, real_part: Callable[[str], Path]
) -> None:
    """A firing repair alert that no webhook told of is found in a real Alertmanager."""
    port = free_port()
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with (tmp_path / "alertmanager.log").open("wb") as log:
        alertmanager = subprocess.Popen(
            [
                real_part("prometheus-alertmanager"),
                f"--config.file={config}",
                f"--storage.path={tmp_path / 'alertmanager'}",
                "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    made = make(site, tmp_path, alertmanagers=[{"url": url}], resync="500ms")
    try:
        until(lambda: answers(url + "/-/ready"))
        made.start()
        until(lambda: bool(made.rows("decision")))
        switch_over(site)
        subprocess.run(
            [
                real_part("amtool"),
                f"--alertmanager.url={url}",
                "alert",
                "add",
                "SipServerBecamePrimary",
                "remediate=true",
                "cluster=sip-east",
                f"host={TWO}",
            ],
            check=True,
            timeout=10,
        )
        until(lambda: ports(site) == ("disabled", "enabled"))
        assert {row["trigger"] for row in made.rows("alert")} == {"resync"}
        assert made.counted(f'sipnlb_remediator_alertmanager_up{{alertmanager="{url}"}}') == 1.0
    finally:
        if made.process is not None:
            made.end(signal.SIGTERM)
        alertmanager.terminate()
        alertmanager.wait(10)


def answers(url: str) -> bool:
    """Tell whether somebody answers at an address."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.ConnectionError:
        return False


def test_one_utility_behind_two_hosts_moves_no_port(site: RunningSite, tmp_path: Path) -> None:
    """A program that answers for the other host is seen through: the primary stays open."""
    made = make(site, tmp_path, verify_timeout="500ms")
    first = Path(site.listeners["sip-east"]["programs"][ONE])
    copy = tmp_path / "nlb-of-the-wrong-host"
    copy.write_bytes(first.read_bytes())
    copy.chmod(0o755)
    document = yaml.safe_load(made.configuration.read_text())
    document["clusters"][0]["hosts"][1]["nlb"]["program"] = str(copy)
    made.configuration.write_text(yaml.safe_dump(document))
    made.start()
    try:
        made.send(payload(alert()))
        until(lambda: made.rows("alert")[-1]["outcome"] == "held")
        assert (ports(site), made.rows("action")) == (("enabled", "disabled"), [])
        problems = made.rows("decision")[-1]["detail"]["problems"]
        assert (
            f"{TWO} nlb query: other_host: configured is host id 2, the answer is of host id 1"
            in problems
        )
    finally:
        made.end(signal.SIGTERM)


def test_two_remediators_do_not_share_a_journal(remediator: RunningRemediator) -> None:
    """The second one says so and does not start."""
    ended = program(f"--config.file={remediator.configuration}", "--web.listen-address=127.0.0.1:0")

    assert ended.returncode == 1
    assert ended.stderr.endswith(
        "another remediator uses this journal (stop it, or name another file)\n"
    )


def test_a_missing_secret_is_told_when_the_configuration_is_checked(
    site: RunningSite, tmp_path: Path
) -> None:
    """A door that nobody could pass is no sound configuration."""
    made = make(site, tmp_path)
    (tmp_path / "token").unlink()
    ended = program(f"--config.file={made.configuration}", "--config.check")

    assert (ended.returncode, ended.stderr) == (
        2,
        f"sipnlb-remediator: {tmp_path / 'token'}: the secret file cannot be read: No such file or "
        "directory (check path and rights)\n",
    )


@pytest.fixture
def two_clusters(tmp_path: Path) -> Iterator[RunningSite]:
    """A site of two clusters."""
    yield from run_site(tmp_path, "--lag", "0", "--clusters", "2")


def test_two_clusters_do_not_wait_for_each_other(two_clusters: RunningSite, tmp_path: Path) -> None:
    """While one cluster's hosts hang, another's ports follow at once."""
    site = two_clusters
    names = list(site.get("/api/v1/site")["clusters"])
    made = make(site, tmp_path)
    made.start()
    try:
        until(lambda: len(made.rows("decision")) >= 2)
        for host in site.get(f"/api/v1/clusters/{names[0]}")["hosts"]:
            where = f"/api/v1/clusters/{names[0]}/hosts/{host['name']}/fault"
            site.post(where, {"nlb": "hang"})
        for name in names:
            site.post(f"/api/v1/clusters/{name}/switchover")
        until(lambda: modes(site, names[1]) == ["backup", "primary"])
        made.send(payload(*(alert(name, fingerprint=name) for name in names)))
        until(lambda: open_ports(site, names[1]) == ["disabled", "enabled"])
        assert open_ports(site, names[0]) == ["enabled", "disabled"]
    finally:
        made.end(signal.SIGTERM)


def modes(site: RunningSite, cluster: str) -> list[str]:
    """Return the true modes of a cluster's hosts."""
    return [host["mode"] for host in site.get(f"/api/v1/clusters/{cluster}")["hosts"]]


def open_ports(site: RunningSite, cluster: str) -> list[str]:
    """Return the true port states of a cluster's hosts."""
    found = site.get(f"/api/v1/clusters/{cluster}")["hosts"]
    return [host["ports"][0]["state"] for host in found]


def test_the_metrics_are_sound(
    remediator: RunningRemediator, real_part: Callable[[str], Path]
) -> None:
    """Prometheus' own linter finds nothing to say."""
    text = requests.get(remediator.url + "/metrics", timeout=5).content
    found = subprocess.run(
        [real_part("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )

    assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the remediator to its end."""
    return subprocess.run(
        [sys.executable, "-m", "remediator", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=ROOT,
    )


def test_it_refuses_to_listen_beyond_loopback_without_credentials(
    site: RunningSite,
) -> None:
    """An open door to the network is no start."""
    file = site.directory / "clusters.yml"
    ended = program(f"--config.file={file}", "--web.listen-address=:0")

    assert ended.returncode == 2
    assert ended.stderr == (
        "sipnlb-remediator: :0: beyond loopback the API needs credentials (set "
        "remediator.web, or basic_auth_users in the file of --web.config.file)\n"
    )


def test_the_configuration_is_checked_on_request(site: RunningSite) -> None:
    """--config.check says what was read, and exits."""
    file = site.directory / "clusters.yml"
    ended = program(f"--config.file={file}", "--config.check")

    assert (ended.returncode, ended.stdout) == (
        0,
        f"{file}: sound: 1 cluster, 2 hosts, level observe; no host was asked, see "
        "sipnlb-exporter check\n",
    )


def test_a_taken_port_is_an_error_that_names_it(site: RunningSite) -> None:
    """Starting twice says so instead of running without a face."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        journal = site.directory / "taken.db"
        config = yaml.safe_load((site.directory / "clusters.yml").read_text())
        config["remediator"] = {"journal": {"url": f"sqlite:///{journal}"}}
        file = site.directory / "taken.yml"
        file.write_text(yaml.safe_dump(config))
        ended = program(f"--config.file={file}", f"--web.listen-address={address}")

    assert ended.returncode == 1
    assert ended.stderr.endswith(
        f"sipnlb-remediator: {address}: is listened on already (choose another --web.listen-address)\n"
    )


class Asked(BaseHTTPRequestHandler):
    """An Alertmanager that answers with nothing firing, and remembers what it was asked."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_only_alerts_that_would_be_sent_are_asked_for() -> None:
    """What an operator silenced, or what is inhibited, is not fetched behind his back."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        answer = ask(Alertmanager(url=url), {"sip-east"})
        server.shutdown()

    assert (answer.alerts, answer.problem) == ((), None)
    assert Asked.paths == [
        "/api/v2/alerts?active=true&silenced=false&inhibited=false&filter=remediate%3D%22true%22"
    ]
