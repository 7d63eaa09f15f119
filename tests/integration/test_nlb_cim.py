"""Back end cim against the simulated hosts: readings, faults, one start a look, metrics, explain."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cluster.clock import SystemClock, deadline_in
from cluster.config import load
from cluster.host_reader import host_readers
from cluster.model import HostView, NodeState, PortState, Reason
from cluster.nlb.cim_dialect import CimDialect
from cluster.observe import observe
from cluster.runners.request import Request, Verb
from cluster.surroundings import Surroundings
from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_remediator import ONE, TWO, alert, make, payload, switch_over

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
FOREIGN_CLUSTER = "10.0.0.200"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site that is read by numbers, on hosts that are in a second NLB cluster too."""
    yield from run_site(tmp_path, "--lag", "0", "--backend", "cim", "--foreign-cluster")


def look(site: RunningSite, seconds: float = 5.0) -> tuple[HostView, ...]:
    """Take a view of the site as the programs do."""
    cluster = load(site.directory / "clusters.yml").clusters[0]
    readers = host_readers(cluster, Surroundings(CLOCK))
    view = observe(cluster, readers, deadline_in(CLOCK, seconds), CLOCK)
    assert view.ended.seconds_since(view.began) < seconds + 0.25
    return view.hosts


def fault(site: RunningSite, name: str, host: str = ONE) -> None:
    """Let the PowerShell of a host do wrong."""
    assert site.post(f"/api/v1/clusters/sip-east/hosts/{host}/fault", {"nlb": name}).ok


def test_a_look_starts_powershell_once_a_host(site: RunningSite) -> None:
    """Node, ports and parameters come of one answer, and of the configured cluster alone."""
    one, two = look(site)
    rule = one.ports[0][0]
    assert (one.node.problem, two.node.problem) == (None, None)
    assert (one.node.value.is_default, one.node.value.clusters) == (True, 2)
    assert (one.port_state(rule), two.port_state(rule)) == (PortState.ENABLED, PortState.DISABLED)
    assert (two.node_state, two.params.value.cluster_ip, two.params.value.mac) == (
        NodeState.CONVERGED,
        "10.0.0.100",
        "02-bf-0a-00-00-64",
    )
    for host in (one, two):
        asked = {(each.asked, each.answered) for each in (host.node, host.ports[0][1], host.params)}
        assert len(asked) == 1
    assert one.node.command.startswith(f"'{site.directory}/{ONE}/powershell' -NoLogo -NoProfile")
    assert one.node.command.endswith(r" -File 'C:\Program Files\SipNlb\Get-SipNlb.ps1'")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hang", Reason.TIMEOUT),
        ("garbage", Reason.MALFORMED),
        ("empty", Reason.NO_OUTPUT),
        ("denied", Reason.NOT_INSTALLED_OR_DENIED),
        ("foreign", Reason.UNKNOWN_TEXT),
        ("exit_1", None),
    ],
)
def test_each_fault_has_its_reason_and_costs_the_other_host_nothing(
    site: RunningSite, name: str, reason: Reason | None
) -> None:
    """What cannot be read is unknown with its reason; an exit status alone proves nothing."""
    fault(site, name)
    one, two = look(site, 1.0)
    for reading in (one.node, one.ports[0][1]):
        assert (reading.problem and reading.problem.reason) == reason
    states = one.node_state, one.port_state(one.ports[0][0])
    unknown = (NodeState.UNKNOWN, PortState.UNKNOWN)
    assert states == ((NodeState.CONVERGED, PortState.ENABLED) if reason is None else unknown)
    assert two.port_state(two.ports[0][0]) is PortState.DISABLED


def test_metrics_and_explain_of_the_real_path(site: RunningSite, tmp_path: Path) -> None:
    """The exporter publishes the same series as of text, but no packets; explain reads the JSON."""
    port = free_port()
    with (tmp_path / "exporter.log").open("wb") as log:
        exporter = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "exporter",
                f"--config.file={site.directory / 'clusters.yml'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stderr=log,
            cwd=ROOT,
        )
    try:
        until(lambda: 'nlb_up{cluster="sip-east",host="sip-east-2"} 1.0' in metrics(port))
        text = metrics(port)
    finally:
        exporter.send_signal(signal.SIGTERM)
        assert exporter.wait(10) == 0
    assert (
        f'nlb_port_state{{cluster="sip-east",host="{ONE}",port="5060",state="enabled"}} 1.0' in text
    )
    assert f'nlb_node_default{{cluster="sip-east",host="{TWO}"}} 0.0' in text
    assert f'nlb_remote_control_enabled{{cluster="sip-east",host="{ONE}"}} 0.0' in text
    assert "nlb_port_packets_total{" not in text
    assert "nlb_node_members{" not in text

    answer = look(site)[0].node
    raw = answer.raw.removesuffix("\n[exit status 0]")
    explained = subprocess.run(
        [sys.executable, "-m", "exporter", "explain", "cim", "-"],
        input=raw.encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=20,
        check=True,
    )
    found = json.loads(explained.stdout)
    assert [each["rules"][-1]["port_state"] for each in found["clusters"]] == ["enabled", "enabled"]


def metrics(port: int) -> str:
    """Return what the exporter publishes, nothing while it does not answer."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    except requests.ConnectionError:
        return ""


def test_the_result_of_a_method_is_recorded_but_only_the_reading_counts(
    site: RunningSite, tmp_path: Path
) -> None:
    """EnableEx says 1000 and nothing has moved: it is tried again and never called done."""
    fault(site, "no_effect", TWO)
    remediator = make(site, tmp_path, look_timeout="750ms", verify_timeout="500ms")
    remediator.start()
    try:
        switch_over(site)
        assert remediator.send(payload(alert())).ok
        until(lambda: any(row["outcome"] for row in remediator.rows("action")))
        row = remediator.rows("action")[0]
        assert (row["host"], row["verb"], row["outcome"]) == (TWO, "enable", "not_followed")
        assert (row["detail"]["answer"], row["detail"]["exit_status"]) == ("ok", 0)
        output = '{"schema":1,"method":"EnableEx","ReturnValue":1000}'
        assert row["detail"]["output"] == output
        assert row["detail"]["command"].endswith(
            r"'C:\Program Files\SipNlb\Set-SipNlbPort.ps1' -Action enable -ClusterIp 10.0.0.100 "
            "-HostId 2 -Vip all -StartPort 5060 -EndPort 5061 -Protocol both "
            f"-Number {row['number']}"
        )
        fault(site, "none", TWO)
        until(lambda: site.host(TWO)["ports"][0]["state"] == "enabled")
        until(lambda: site.host(ONE)["ports"][0]["state"] == "disabled")
        for name in (ONE, TWO):
            text = site.nlb(name, "queryport", "5060", FOREIGN_CLUSTER).stdout
            assert b"Rule is enabled" in text
    finally:
        remediator.end(signal.SIGTERM)


def test_a_host_that_has_seen_a_later_command_refuses_and_says_so(
    site: RunningSite, tmp_path: Path
) -> None:
    """The number of the journal reaches the host, and nothing is switched by an older one."""
    cluster = load(site.directory / "clusters.yml").clusters[0]
    program = f"{site.directory}/{TWO}/powershell"
    later = Request(Verb.DISABLE, cluster.rules[0], number=10**18 - 1)
    argv = CimDialect(program, "/s", cluster.nlb_ip, 2).argv(later)
    ended = subprocess.run(argv, capture_output=True, check=True, timeout=20)
    assert json.loads(ended.stdout)["ReturnValue"] == 1001

    remediator = make(site, tmp_path, look_timeout="1200ms", attempts=1)
    remediator.start()
    try:
        switch_over(site)
        assert remediator.send(payload(alert())).ok
        until(lambda: any(row["outcome"] == "refused" for row in remediator.rows("action")))
        row = next(row for row in remediator.rows("action") if row["outcome"] == "refused")
        assert (row["host"], row["verb"]) == (TWO, "enable")
        told = (
            f"refused: the host has seen a later command, number {10**18 - 1}; "
            f"this one has {row['number']}"
        )
        assert (row["detail"]["sent"], row["detail"]["failed"]) == ("refused", told)
        assert site.host(TWO)["ports"][0]["state"] == "disabled"
        until(lambda: remediator.rows("person") != [])
        assert told in remediator.rows("person")[0]["detail"]["text"]
    finally:
        remediator.end(signal.SIGTERM)
