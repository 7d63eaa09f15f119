"""The exporter on a simulated site whose modes come from the page and from one shared listing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.running import ROOT, RunningSite, free_port, run_site, until

pytestmark = pytest.mark.integration
ONE, TWO = "sip-east-1", "sip-east-2"
CLUSTERS = 3


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site of several clusters, the listing before the page."""
    arguments = ("--source", "exec", "--source", "http", "--clusters", str(CLUSTERS))
    yield from run_site(tmp_path, "--lag", "0", *arguments)


@dataclass
class Exporter:
    """An exporter that runs, and the file in which each call of the listing leaves a line."""

    url: str
    calls: Path

    def modes(self, metric: str, host: str) -> dict[str, str]:
        """Return the present mode by source; of the effective one, by an empty name."""
        text = requests.get(self.url + "/metrics", timeout=5).text
        return {
            sample.labels.get("source", ""): sample.labels["mode"]
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == metric and sample.labels["host"] == host and sample.value == 1
        }

    def count(self) -> int:
        """Return how often the listing was made."""
        return self.calls.read_text().count("\n")


@pytest.fixture
def exporter(site: RunningSite, tmp_path: Path) -> Iterator[Exporter]:
    """An exporter that has read everything once."""
    calls, counted = tmp_path / "calls", tmp_path / "counted"
    calls.touch()
    program = site.listeners["sip-east"]["mlcmd"]
    counted.write_text(f"#!/bin/sh\necho >> '{calls}'\nexec '{program}' \"$@\"\n")
    counted.chmod(0o755)
    config = yaml.safe_load((site.directory / "clusters.yml").read_text("utf-8"))
    for cluster in config["clusters"]:
        for host in cluster["hosts"]:
            listed: dict[str, Any] = host["sip_server"]["sources"][0]
            listed |= {"command": [str(counted), "-getallappstatus"], "refresh": "60s"}
    file, port = tmp_path / "clusters.yml", free_port()
    file.write_text(yaml.safe_dump(config), "utf-8")
    made = Exporter(f"http://127.0.0.1:{port}", calls)
    address = f"--web.listen-address=127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "exporter", f"--config.file={file}", address], cwd=ROOT
    )

    def ready() -> bool:
        assert process.poll() is None
        try:
            return requests.get(made.url + "/-/ready", timeout=2).ok
        except requests.ConnectionError:
            return False

    try:
        until(ready)
        yield made
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def test_one_listing_serves_all_clusters_and_every_scrape(
    site: RunningSite, exporter: Exporter
) -> None:
    """However often somebody asks, the program runs once in its refresh."""
    for _ in range(3):
        assert exporter.modes("sip_server_source_mode", ONE) == {
            "exec": "primary",
            "http": "primary",
        }
        for cluster in site.listeners:
            answer = requests.get(f"{exporter.url}/probe?cluster={cluster}", timeout=5)
            assert 'sip_server_up{cluster="' + cluster in answer.text
    assert exporter.count() == 1


def test_a_newer_change_of_the_page_comes_before_an_older_listing(
    site: RunningSite, exporter: Exporter
) -> None:
    """Each source keeps its series; the effective mode follows the switchover at once."""
    assert site.post("/api/v1/clusters/sip-east/switchover").ok
    until(lambda: exporter.modes("sip_server_mode", TWO) == {"": "primary"})
    until(lambda: exporter.modes("sip_server_mode", ONE) == {"": "backup"})
    assert exporter.modes("sip_server_source_mode", TWO) == {"exec": "backup", "http": "primary"}
    assert exporter.modes("sip_server_source_mode", ONE) == {"exec": "primary", "http": "backup"}
    assert exporter.count() == 1
