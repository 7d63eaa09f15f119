"""Real Alertmanagers as processes, alone or as a cluster of their own, for tests of what hears them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.integration.running import ROOT, free_port, until
from tests.integration.test_remediator import TWO, RunningRemediator

SHIPPED = ROOT / "alertmanager" / "alertmanager.yml"

REPAIR = {
    "alertname": "SipServerBecamePrimary",
    "cluster": "sip-east",
    "host": TWO,
    "port": "5060",
    "remediate": "true",
}
"""The labels of a repair alert of the second host."""


def configuration(
    folder: Path,
    token: Path,
    remediators: Sequence[RunningRemediator],
    change: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Path:
    """Write the shipped alertmanager.yml for some remediators, each with a receiver of its own.

    change: of the whole document, in place. Pages go nowhere.
    """
    document = yaml.safe_load(SHIPPED.read_text("utf-8"))
    routes, receivers = document["route"]["routes"], document["receivers"]
    own = next(receiver for receiver in receivers if receiver["name"] == "remediator-1")
    roads = [route for route in routes if route["receiver"] == "remediator-1"]
    (hook,) = own["webhook_configs"]
    hook["http_config"]["authorization"]["credentials_file"] = str(token)
    document["receivers"] = [{"name": "person"}]
    document["route"]["routes"] = []
    for number, remediator in enumerate(remediators, 1):
        name = f"remediator-{number}"
        hooks = [{**hook, "url": f"{remediator.url}/api/v1/alerts"}]
        document["receivers"].append({"name": name, "webhook_configs": hooks})
        document["route"]["routes"] += [{**road, "receiver": name} for road in roads]
    change(document)
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    return file


@dataclass
class RunningAlertmanager:
    """An Alertmanager that runs as a child. gossip: its port for others of its cluster."""

    program: Path
    folder: Path
    gossip: int | None = None
    peers: list[int] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, config: Path) -> None:
        """Start it; `until_ready` waits."""
        self.folder.mkdir(exist_ok=True)
        at = "" if self.gossip is None else f"127.0.0.1:{self.gossip}"
        cluster = [f"--cluster.advertise-address={at}", "--cluster.settle-timeout=2s"]
        with (self.folder / "alertmanager.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self.program),
                    f"--config.file={config}",
                    f"--storage.path={self.folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    f"--cluster.listen-address={at}",
                    *(cluster if at else ()),
                    *(f"--cluster.peer=127.0.0.1:{peer}" for peer in self.peers),
                    *self.flags,
                    "--log.level=debug",
                ],
                stdout=log,
                stderr=log,
            )

    def until_ready(self, members: int = 1) -> None:
        """Wait until it answers and has found its cluster of so many."""
        until(lambda: self._is_ready(members))

    def _is_ready(self, members: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            if not requests.get(f"{self.url}/-/ready", timeout=2).ok:
                return False
            status = requests.get(f"{self.url}/api/v2/status", timeout=2).json()["cluster"]
        except requests.RequestException:
            return False
        alone = members == 1 and status["status"] == "disabled"
        return alone or (status["status"] == "ready" and len(status["peers"]) == members)

    def log(self) -> str:
        """Return what it has logged."""
        return (self.folder / "alertmanager.log").read_text("utf-8")

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it by its process id, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            finally:
                self.process.kill()
                self.process.wait()

    def post(self, began: datetime, *, resolved: bool = False, **labels: str) -> None:
        """Send a repair alert as Prometheus would. resolved: it has ended now."""
        now = datetime.now(UTC)
        alert = {
            "labels": REPAIR | labels,
            "startsAt": began.isoformat(),
            "endsAt": (now if resolved else now + timedelta(minutes=4)).isoformat(),
        }
        requests.post(f"{self.url}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return the alerts of a name that fire here."""
        query = {"filter": f'alertname="{name}"'}
        answer = requests.get(f"{self.url}/api/v2/alerts", params=query, timeout=5)
        found: list[dict[str, Any]] = answer.json()
        return found

    def counted(self, series: str) -> float:
        """Return the value of a series on its /metrics, 0.0 where it has none."""
        for line in requests.get(f"{self.url}/metrics", timeout=5).text.splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return 0.0


@contextmanager
def running_alertmanagers(
    program: Path, folder: Path, number: int, *, cluster: bool = False
) -> Iterator[list[RunningAlertmanager]]:
    """Return Alertmanagers that are not started yet; end those that run when the block ends."""
    made = [
        RunningAlertmanager(program, folder / f"alertmanager-{each}")
        for each in range(1, number + 1)
    ]
    if cluster:
        for each in made:
            each.gossip = free_port()
        for each in made:
            each.peers = [o.gossip for o in made if o is not each and o.gossip is not None]
    try:
        yield made
    finally:
        for each in made:
            each.end()
