"""An exporter and a remediator on each node: together they do what one pair of programs does.

A node reads and commands its own host with programs of its machine, and reads the other one
through the exporter there.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.integration import workflows
from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_remediator import (
    ONE,
    TOKEN,
    TWO,
    RunningRemediator,
    alert,
    payload,
    ports,
    switch_over,
)

pytestmark = pytest.mark.integration

API_TOKEN = "between nodes alone"


@dataclass
class Node:
    """The two programs of one node. port: of its exporter."""

    host: str
    port: int
    configuration: Path
    remediator: RunningRemediator
    exporter: subprocess.Popen[bytes] | None = None

    def start_exporter(self) -> None:
        """Start it and wait until it has read its host."""
        with self.configuration.with_name(f"exporter of {self.host}.log").open("ab") as log:
            self.exporter = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "exporter",
                    f"--config.file={self.configuration}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stderr=log,
                cwd=ROOT,
            )
        until(self.is_ready)

    def end_exporter(self) -> None:
        """End it by its process id."""
        assert self.exporter is not None
        self.exporter.terminate()
        try:
            self.exporter.wait(10)
        finally:
            self.exporter.kill()
            self.exporter.wait()

    def hold(self) -> str | None:
        """Return why its remediator does nothing, if it does not."""
        looked = self.remediator.get("/api/v1/clusters/sip-east")["last_look"]
        return looked["hold"] if looked else None

    def is_ready(self) -> bool:
        """Tell whether its exporter has read its host."""
        assert self.exporter is not None
        assert self.exporter.poll() is None
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/-/ready", timeout=2).ok
        except requests.ConnectionError:
            return False


class BothRemediators(RunningRemediator):
    """The remediators of both nodes, as Alertmanager and a person see them together."""

    def __init__(self, nodes: list[Node]) -> None:
        super().__init__(nodes[0].configuration, nodes[0].remediator.log)
        self.nodes = nodes

    def send(self, body: Any, **more: Any) -> requests.Response:
        """Send a webhook to each; return the answer of the last."""
        return [node.remediator.send(body, **more) for node in self.nodes][-1]

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return the rows of both journals, oldest first."""
        rows = [row for node in self.nodes for row in node.remediator.rows(kind)]
        return sorted(rows, key=lambda row: row["at"])

    def get(self, path: str) -> Any:
        """Ask both: all that either has pending, and the look that ended worse."""
        told = [node.remediator.get(path) for node in self.nodes]
        fine = ("remediated", "right")
        looks = [each["last_look"] for each in told]
        worst = max(looks, key=lambda look: look is None or look["ending"] not in fine)
        pending = [host for each in told for host in each["fence_pending"]]
        return told[0] | {"last_look": worst, "fence_pending": pending}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


@pytest.fixture
def nodes(site: RunningSite, tmp_path: Path) -> Iterator[list[Node]]:
    """Both nodes with all their programs running."""
    secret, token = tmp_path / "api-token", tmp_path / "token"
    secret.write_text(API_TOKEN + "\n")
    token.write_text(TOKEN + "\n")
    where = {ONE: free_port(), TWO: free_port()}
    with ExitStack() as ending:
        made = [_node(site, tmp_path, host, where, secret, token) for host in where]
        for node in made:
            ending.callback(_end, node)
            node.start_exporter()
        for node in made:
            node.remediator.start()
        yield made


def _end(node: Node) -> None:
    process = node.remediator.process
    if process is not None and process.poll() is None:
        node.remediator.end(signal.SIGTERM)
    if node.exporter is not None:
        node.end_exporter()


def _node(
    site: RunningSite, tmp_path: Path, host: str, where: dict[str, int], secret: Path, token: Path
) -> Node:
    """Write the configuration of one node: itself local, the other one a peer."""
    config = yaml.safe_load((site.directory / "clusters.yml").read_text())
    for entry in config["clusters"][0]["hosts"]:
        if entry["name"] == host:
            continue
        entry["runner"] = {
            "type": "peer",
            "url": f"http://127.0.0.1:{where[entry['name']]}",
            "bearer_token_file": str(secret),
            "lag": "0s",
        }
        del entry["nlb"], entry["sip_server"]["sources"]
    config["exporter"] = {"web": {"bearer_token_file": str(secret)}}
    config["remediator"] = {
        "policy": {"level": "enforce"},
        "web": {"bearer_token_file": str(token)},
        "journal": {"url": f"sqlite:///{tmp_path / host}.db"},
        "look_timeout": "750ms",
        "peer_wait": "1s",
    }
    file = tmp_path / f"{host}.yml"
    file.write_text(yaml.safe_dump(config))
    return Node(host, where[host], file, RunningRemediator(file, tmp_path / f"{host}.log"))


def test_the_three_workflows(site: RunningSite, nodes: list[Node]) -> None:
    """Each remediator does its own part, with the same end as one that does it all."""
    workflows.play(site, BothRemediators(nodes))

    for node in nodes:
        assert {row["host"] for row in node.remediator.rows("action")} == {node.host}


def test_an_exporter_tells_of_its_own_host_alone(nodes: list[Node]) -> None:
    """Metrics are open and of one host; that host is given live, and only to who has the token."""
    one = f"http://127.0.0.1:{nodes[0].port}"
    metrics = requests.get(f"{one}/metrics", timeout=5).text
    probe = requests.get(f"{one}/probe?cluster=sip-east", timeout=5).text
    headers = {"Authorization": f"Bearer {API_TOKEN}"}
    host = requests.get(f"{one}/api/v1/hosts/{ONE}", headers=headers, timeout=5).json()

    for text in (metrics, probe):
        assert f'nlb_up{{cluster="sip-east",host="{ONE}"}} 1.0' in text
        assert TWO not in text
    assert (host["cluster"], host["host"], host["host_id"]) == ("sip-east", ONE, 1)
    assert host["sip"][0]["value"]["mode"] == "primary"
    assert [reading["age_seconds"] for reading in (*host["sip"], host["node"])] == [0.0, 0.0]
    assert [
        requests.get(f"{one}/api/v1/hosts/{name}", headers=given, timeout=5).status_code
        for name, given in ((ONE, {}), (ONE, {"Authorization": "Bearer x"}), (TWO, headers))
    ] == [401, 401, 404]


def test_without_credentials_nothing_is_given_beyond_loopback(
    site: RunningSite, tmp_path: Path
) -> None:
    """Prometheus still reads the metrics; a peer is told what is missing."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "exporter",
            f"--config.file={site.directory / 'clusters.yml'}",
            f"--web.listen-address=:{port}",
        ],
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        node = Node(ONE, port, tmp_path, RunningRemediator(tmp_path, tmp_path), process)
        until(node.is_ready)
        host = requests.get(f"http://127.0.0.1:{port}/api/v1/hosts/{ONE}", timeout=5)
        assert (host.status_code, host.json()["error"]) == (
            403,
            "beyond loopback this needs credentials, and none are configured",
        )
        assert requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).ok
    finally:
        process.kill()
        process.wait()


def test_only_one_remediator_is_gone(site: RunningSite, nodes: list[Node]) -> None:
    """The other one does its own part or nothing, calls a person, and goes on when it is back."""
    absent, present = nodes
    person = 'sipnlb_remediator_needs_person{cluster="sip-east"}'
    for new, hold, held in (
        (TWO, "left_to_peer", ("enabled", "enabled")),
        (ONE, "peer_not_seen_serving", ("disabled", "enabled")),
    ):
        absent.remediator.end(signal.SIGKILL)
        assert site.post("/api/v1/clusters/sip-east/switchover").ok
        old = ONE if new == TWO else TWO
        until(lambda: [site.host(n)["mode"] for n in (new, old)] == ["primary", "backup"])  # noqa: B023 - called at once

        assert present.remediator.send(payload(alert())).ok
        until(lambda: present.hold() == hold)  # noqa: B023 - called at once
        until(lambda: present.remediator.counted(person) == 1.0)
        assert ports(site) == held

        absent.remediator.start()
        right = tuple("enabled" if name == new else "disabled" for name in (ONE, TWO))
        until(lambda: ports(site) == right)  # noqa: B023 - called at once
        until(lambda: present.hold() is None)
        assert present.remediator.counted(person) == 0.0


def test_a_node_whose_exporter_is_gone_still_does_its_part(
    site: RunningSite, nodes: list[Node]
) -> None:
    """It reads itself and its peer; the peer notes that it cannot see it, until it can."""
    both = BothRemediators(nodes)
    nodes[0].end_exporter()
    switch_over(site)

    assert both.send(payload(alert())).ok
    until(lambda: ports(site) == ("disabled", "enabled"))
    until(lambda: nodes[1].hold() == "fence_pending")
    assert nodes[0].hold() is None

    nodes[0].start_exporter()
    until(lambda: nodes[1].hold() is None)
    assert both.get("/api/v1/clusters/sip-east")["fence_pending"] == []
