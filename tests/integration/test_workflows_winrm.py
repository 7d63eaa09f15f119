"""The three workflows with the page, both back ends and restricted PowerShell endpoints."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration import workflows
from tests.integration.running import RunningSite, run_site
from tests.integration.running_psrp import run_psrp_host
from tests.integration.test_remediator import ONE, TWO, make

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


def test_the_three_workflows(site: RunningSite, tmp_path: Path) -> None:
    """Source http, runner winrm, reads and changes as two accounts; back ends nlb and cim."""
    folder = Path(site.listeners["sip-east"]["programs"][ONE]).parent.parent
    entry = yaml.safe_load((site.directory / "clusters.yml").read_text("utf-8"))["clusters"][0]
    rule = entry["port_rules"][0]
    cim = {
        "program": str(folder / TWO / "powershell"),
        "cluster_ip": entry["virtual_ip"],
        "host_id": 2,
        "rule": [rule["end"], rule["protocol"]],
    }
    back_ends = {ONE: "nlb", TWO: "cim"}
    with contextlib.ExitStack() as stack:
        hosts = {
            name: stack.enter_context(
                run_psrp_host(tmp_path / name, str(folder / name / "nlb"), address=address, cim=cim)
            )
            for name, address in ((ONE, "127.0.0.11"), (TWO, "127.0.0.12"))
        }

        def over_winrm(host: dict[str, Any]) -> None:
            name = host["name"]
            host["address"] = hosts[name].address
            host["runner"] = hosts[name].runner()
            host["nlb"] = {"backend": back_ends[name]}

        remediator = make(site, tmp_path, look_timeout="1200ms")
        workflows.change_hosts(remediator, over_winrm)
        remediator.start()
        try:
            workflows.play(site, remediator)
        finally:
            remediator.end(signal.SIGTERM)
        assert {"Get-SipNlbState", "Set-SipNlbPort"} <= set(hosts[TWO].seen()["calls"])
