"""The service behind a simulated virtual IP, as the exporter publishes it and as a remediation's
last word.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_remediator import (
    ONE,
    TWO,
    RunningRemediator,
    alert,
    make,
    payload,
    ports,
    switch_over,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


def port_of(listener: str) -> int:
    """Return the port of ``udp HOST:PORT``."""
    return int(listener.rpartition(":")[2])


def with_probe(file: Path, **probe: Any) -> None:
    """Give the only cluster of a configuration a probe of an address on loopback."""
    config = yaml.safe_load(file.read_text("utf-8"))
    config["clusters"][0]["service_probe"] = {"address": "127.0.0.1", **probe}
    file.write_text(yaml.safe_dump(config), "utf-8")


def series(url: str) -> dict[str, float]:
    """Return the series of a virtual IP at an address of the exporter."""
    lines = [line.rpartition(" ") for line in requests.get(url, timeout=5).text.splitlines()]
    return {name: float(value) for name, _, value in lines if name.startswith("sip_virtual_ip")}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_exporter_tells_whether_callers_are_answered(
    site: RunningSite, tmp_path: Path, transport: str
) -> None:
    """Up with 200 while the primary's port is open; not up, and no code, when it is closed."""
    listener = "virtual_ip" if transport == "udp" else "virtual_ip_tcp"
    port = port_of(site.listeners["sip-east"][listener])
    file = tmp_path / "clusters.yml"
    file.write_text((site.directory / "clusters.yml").read_text("utf-8"), "utf-8")
    with_probe(file, transport=transport, port=port, refresh="300ms", timeout="300ms")
    listen = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "exporter", f"--config.file={file}"),
            f"--web.listen-address={listen}",
        ],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        up = 'sip_virtual_ip_up{cluster="sip-east"}'
        code = 'sip_virtual_ip_response_code{cluster="sip-east"}'
        duration = 'sip_virtual_ip_duration_seconds{cluster="sip-east"}'

        def shown() -> dict[str, float]:
            try:
                return series(f"http://{listen}/metrics")
            except requests.ConnectionError:
                return {}

        until(lambda: shown().get(up) == 1.0)
        assert set(shown()) == {up, code, duration}
        assert shown()[code] == 200.0
        assert 0 < shown()[duration] < 0.3
        site.nlb(ONE, "disable", "5060")
        until(lambda: shown() == {up: 0.0})
        assert series(f"http://{listen}/probe?cluster=sip-east") == {up: 0.0}
        site.nlb(ONE, "enable", "5060")
        until(lambda: series(f"http://{listen}/probe?cluster=sip-east").get(code) == 200.0)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()


def run(remediator: RunningRemediator) -> Iterator[RunningRemediator]:
    """Run a remediator; end it whatever happens."""
    remediator.start()
    try:
        yield remediator
    finally:
        remediator.end(signal.SIGTERM)


def test_a_callers_answer_verifies_a_remediation(site: RunningSite, tmp_path: Path) -> None:
    """The journal's row of the remediation says what a caller got from the new primary."""
    remediator = make(site, tmp_path)
    port = port_of(site.listeners["sip-east"]["virtual_ip"])
    with_probe(remediator.configuration, port=port, verify_remediations=True)
    for _ in run(remediator):
        switch_over(site)
        assert remediator.send(payload(alert())).ok
        until(lambda: ports(site) == ("disabled", "enabled"))
        until(lambda: remediator.rows("decision")[-1]["outcome"] == "remediated")

        said = remediator.rows("decision")[-1]["detail"]["virtual_ip"]
        assert said.startswith(f"OPTIONS sip:127.0.0.1:{port}: 200 OK after 0.")


def test_a_silent_virtual_ip_calls_a_person_and_undoes_nothing(
    site: RunningSite, tmp_path: Path
) -> None:
    """The ports stay where the mode wants them."""
    remediator = make(site, tmp_path, verify_timeout="1s")
    port = free_port()
    with_probe(remediator.configuration, port=port, verify_remediations=True)
    for _ in run(remediator):
        switch_over(site)
        assert remediator.send(payload(alert())).ok
        until(lambda: remediator.get("/api/v1/clusters/sip-east")["needs_person"])

        last = remediator.get("/api/v1/clusters/sip-east")["last_look"]
        assert (last["ending"], last["hold"], last["text"]) == (
            "held",
            "virtual_ip_unanswered",
            "the ports are right, and no SIP service answers at the virtual IP: "
            f"OPTIONS sip:127.0.0.1:{port}: unreachable: Connection refused",
        )
        assert ports(site) == ("disabled", "enabled")
        assert [(row["host"], row["verb"]) for row in remediator.rows("action")] == [
            (TWO, "enable"),
            (ONE, "disable"),
        ]
