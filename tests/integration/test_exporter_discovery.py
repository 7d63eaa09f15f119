"""A real Prometheus that finds its clusters by ``/sd`` and reads them by ``/probe``.

Beside it one with the shipped prometheus.yml scrapes ``/metrics`` of the same exporter: the
rules must answer the same in both.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from simulator.demo_tools import unpacked_pages
from tests.integration.running import RunningSite, free_port, run_site, until
from tests.integration.test_exporter import Exporter, start

pytestmark = pytest.mark.integration

RealPart = Callable[[str], Path]
ALERTMANAGER = Path(__file__).parents[2] / "alertmanager"
CLUSTERS = {"sip-east", "sip-west"}
RECORDED = (
    "cluster:sip_server_primary:sum",
    "cluster:sip_server_unknown:count",
    "cluster_port:nlb_port_enabled:sum",
    "cluster_port:nlb_port_unknown:sum",
    "cluster_host:sip_server_primary:agreed",
    "cluster_host_port:nlb_port_enabled:agreed",
)

Answer = dict[tuple[tuple[str, str], ...], str]
"""Value by labels."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def ask(self, query: str) -> Answer:
        """Return what a query answers now."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=5).json()
        return {
            tuple(sorted(series["metric"].items())): series["value"][1]
            for series in answer["data"]["result"]
        }

    def labels(self, query: str, *names: str) -> set[tuple[str | None, ...]]:
        """Return some labels of what a query answers."""
        found = [dict(series) for series in self.ask(query)]
        return {tuple(labels.get(name) for name in names) for labels in found}

    def recorded(self) -> dict[str, Answer]:
        """Return what the rules make of the readings."""
        return {name: self.ask(name) for name in RECORDED}


@contextmanager
def prometheus(program: Path, folder: Path, sample: str, exporter: str) -> Iterator[Prometheus]:
    """Run Prometheus with a shipped configuration; only addresses differ."""
    text = (ALERTMANAGER / sample).read_text("utf-8").replace("127.0.0.1:9876", exporter)
    document: dict[str, Any] = yaml.safe_load(text)
    del document["alerting"]["alertmanagers"]
    folder.mkdir()
    shutil.copytree(ALERTMANAGER / "rules", folder / "rules")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(document), "utf-8")
    address = f"127.0.0.1:{free_port()}"
    pages = unpacked_pages(program)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(program),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
                *([f"--web.local-assets={pages}/"] if pages else []),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(15)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site of two clusters."""
    folder = tmp_path_factory.mktemp("site")
    yield from run_site(folder, "--lag", "0", "--clusters", "2")


@pytest.fixture(scope="module")
def exporter(site: RunningSite) -> Iterator[Exporter]:
    """One exporter of both clusters."""
    running = start(site.directory / "clusters.yml")
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(15)


@pytest.fixture(scope="module")
def both(
    exporter: Exporter, real_part: RealPart, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prometheus, Prometheus]]:
    """Two Prometheus servers: with /sd and /probe, and with /metrics."""
    folder, program = tmp_path_factory.mktemp("prometheus"), real_part("prometheus")
    address = exporter.url.removeprefix("http://").rstrip("/")
    with ExitStack() as stack:
        pair = tuple(
            stack.enter_context(prometheus(program, folder / name, name, address))
            for name in ("prometheus-probe.yml", "prometheus.yml")
        )
        until(lambda: all(_is_ready(each) for each in pair))
        yield pair[0], pair[1]


def _is_ready(each: Prometheus) -> bool:
    try:
        return len(each.ask("cluster:sip_server_primary:sum")) == len(CLUSTERS)
    except requests.RequestException:
        return False


def _repairs(each: Prometheus) -> set[tuple[str | None, ...]]:
    """Return cluster, host and port of the repair alerts that fire."""
    query = 'ALERTS{alertname="SipServerBecameBackup",alertstate="firing"}'
    return each.labels(query, "cluster", "host", "port")


def test_each_cluster_is_a_target_of_its_own(
    both: tuple[Prometheus, Prometheus], exporter: Exporter
) -> None:
    """Its instance names exporter and cluster; no label of the series is renamed."""
    probing, _ = both
    address = exporter.url.removeprefix("http://").rstrip("/")

    assert probing.ask('up{job="sipnlb-exporter"} == 1').keys() == {
        (
            ("__name__", "up"),
            ("instance", f"{address}/{cluster}"),
            ("job", "sipnlb-exporter"),
        )
        for cluster in CLUSTERS
    }
    assert probing.labels("sip_server_mode", "cluster", "exported_cluster") == {
        (cluster, None) for cluster in CLUSTERS
    }


def test_the_rules_answer_the_same_by_probe_and_by_metrics(
    both: tuple[Prometheus, Prometheus], site: RunningSite
) -> None:
    """While all is right, and when a port no longer follows."""
    probing, plain = both
    until(lambda: probing.recorded() == plain.recorded())
    assert set(probing.ask("cluster:sip_server_primary:sum").values()) == {"1"}

    site.nlb("sip-east-2", "enable", "5060")
    until(lambda: _repairs(probing) == _repairs(plain) == {("sip-east", "sip-east-2", "5060")})
    until(lambda: probing.recorded() == plain.recorded())
    assert probing.ask("cluster_port:nlb_port_enabled:sum") == {
        (
            ("__name__", "cluster_port:nlb_port_enabled:sum"),
            ("cluster", cluster),
            ("port", "5060"),
        ): n
        for cluster, n in (("sip-east", "2"), ("sip-west", "1"))
    }


def test_one_dead_cluster_does_not_keep_the_other_back(
    both: tuple[Prometheus, Prometheus], site: RunningSite
) -> None:
    """Each is scraped within its own time-out."""
    probing, _ = both
    for host in ("sip-west-1", "sip-west-2"):
        site.post(f"/api/v1/clusters/sip-west/hosts/{host}/fault", {"nlb": "hang"})
    until(lambda: probing.labels("nlb_up == 0", "host") == {("sip-west-1",), ("sip-west-2",)})
    time.sleep(1.5)  # one more scrape of each, so that a target that falls behind would show

    assert set(probing.ask('up{job="sipnlb-exporter"}').values()) == {"1"}
    assert probing.labels("nlb_up == 1", "host") == {("sip-east-1",), ("sip-east-2",)}
