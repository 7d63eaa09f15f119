"""A site watched by pairs: two Prometheus servers, two Alertmanagers that gossip, and remediators.

All from the shipped configurations; only addresses, the replica label and the global intervals
differ. Every process is ended by its id when the block ends.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from simulator.demo_tools import unpacked_pages
from tests.integration.replicas import Replica
from tests.integration.running import ROOT, RunningSite, free_port, until
from tests.integration.running_alertmanager import (
    RunningAlertmanager,
    configuration,
    running_alertmanagers,
)

ALERTMANAGER = ROOT / "alertmanager"


@dataclass
class RunningPrometheus:
    """A Prometheus server that runs as a child."""

    program: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def configure(
        self, replica: str, exporter: str, remediators: list[str], alertmanagers: list[str]
    ) -> None:
        """Write the shipped prometheus.yml with these addresses (``127.0.0.1:PORT``)."""
        self.folder.mkdir(exist_ok=True)
        shutil.copytree(ALERTMANAGER / "rules", self.folder / "rules", dirs_exist_ok=True)
        document = yaml.safe_load((ALERTMANAGER / "prometheus.yml").read_text("utf-8"))
        document["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
        document["global"]["external_labels"]["replica"] = replica
        (group,) = document["alerting"]["alertmanagers"]
        group["static_configs"] = [{"targets": alertmanagers}]
        targets = {"sipnlb-exporter": [exporter], "sipnlb-remediator": remediators}
        for job in document["scrape_configs"]:
            job["static_configs"] = [{"targets": targets[job["job_name"]]}]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(document), "utf-8")

    def start(self) -> None:
        """Start it; `until_ready` waits."""
        pages = unpacked_pages(self.program)
        with (self.folder / "prometheus.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self.program),
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    *([f"--web.local-assets={pages}/"] if pages else []),
                ],
                stdout=log,
                stderr=log,
            )

    def until_ready(self) -> None:
        """Wait until it knows the mode of both hosts, and the Alertmanagers.

        It takes 5 s to know these (observed: 2.42); what begins to fire before is told to nobody,
        and then not for a minute.
        """
        until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "prometheus.log").read_text("utf-8")
        try:
            known = self.ask("cluster_host:sip_server_known:agreed == 1")
            told = requests.get(f"{self.url}/api/v1/alertmanagers", timeout=2).json()["data"]
        except (requests.RequestException, ValueError, KeyError):
            return False
        return len(known) == 2 and len(told["activeAlertmanagers"]) == 2

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return what a query finds now."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=2)
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it by its process id, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(15)
            finally:
                self.process.kill()
                self.process.wait()


@dataclass
class RunningPair:
    """All that runs around a site."""

    site: RunningSite
    remediators: list[Replica]
    alertmanagers: list[RunningAlertmanager]
    prometheus: list[RunningPrometheus]
    alertmanager_file: Path

    def restart(self, alertmanager: RunningAlertmanager) -> None:
        """Start an Alertmanager again and wait until both have found each other."""
        alertmanager.start(self.alertmanager_file)
        for each in self.alertmanagers:
            each.until_ready(len(self.alertmanagers))


@contextmanager
def running_pair(
    site: RunningSite,
    real_part: Callable[[str], Path],
    remediators: list[Replica],
    *flags: str,
    resync: str = "5s",
) -> Iterator[RunningPair]:
    """Run remediators that are not started yet, an exporter, and both pairs.

    flags: of the Alertmanagers. resync: how often the remediators ask both of them.
    """
    folder = remediators[0].configuration.parent
    exporter = f"127.0.0.1:{free_port()}"
    prometheus = [
        RunningPrometheus(real_part("prometheus"), folder / f"prometheus-{n}") for n in "ab"
    ]
    with (
        running_alertmanagers(
            real_part("prometheus-alertmanager"), folder, 2, cluster=True
        ) as alertmanagers,
        _exporter(site, folder, exporter),
    ):
        try:
            for remediator in remediators:
                _ask(remediator, alertmanagers, resync)
                remediator.start()
            file = configuration(folder, folder / "token", remediators)
            for alertmanager in alertmanagers:
                alertmanager.flags = list(flags)
                alertmanager.start(file)
            for replica, server in zip("ab", prometheus, strict=True):
                server.configure(
                    replica,
                    exporter,
                    [each.url.removeprefix("http://") for each in remediators],
                    [each.url.removeprefix("http://") for each in alertmanagers],
                )
                server.start()
            for alertmanager in alertmanagers:
                alertmanager.until_ready(2)
            for server in prometheus:
                server.until_ready()
            yield RunningPair(site, remediators, alertmanagers, prometheus, file)
        finally:
            for server in prometheus:
                server.end()
            for remediator in remediators:
                if remediator.process is not None and remediator.process.poll() is None:
                    remediator.end(signal.SIGTERM)


def _ask(made: Replica, alertmanagers: list[RunningAlertmanager], resync: str) -> None:
    """Let a remediator that does not run yet ask these Alertmanagers."""
    document = yaml.safe_load(made.configuration.read_text("utf-8"))
    asked = {"alertmanagers": [{"url": each.url} for each in alertmanagers], "resync": resync}
    document["remediator"] |= asked
    made.configuration.write_text(yaml.safe_dump(document), "utf-8")


@contextmanager
def _exporter(site: RunningSite, folder: Path, address: str) -> Iterator[None]:
    """Run an exporter of the site."""
    with (folder / "exporter.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "exporter"),
                f"--config.file={site.directory / 'clusters.yml'}",
                f"--web.listen-address={address}",
            ],
            cwd=ROOT,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait()
