"""``sipnlb-exporter clusters --from-nlb`` on a simulated site, from skeleton to checked file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster.config import load
from tests.integration.running import ROOT, RunningSite, run_site
from tests.integration.test_exporter_check import check, configured

pytestmark = pytest.mark.integration


def clusters(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", "clusters", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site with nothing wrong."""
    folder = tmp_path_factory.mktemp("site")
    yield from run_site(folder, "--lag", "0", "--affinity", "single")


def test_a_node_writes_of_itself_and_knows_its_partner_by_id(site: RunningSite) -> None:
    """The utility of this machine is asked for parameters and members."""
    configured(site)
    program = site.listeners["sip-east"]["programs"]["sip-east-1"]
    ended = clusters("--from-nlb", "--program", program)

    assert (ended.returncode, ended.stderr) == (0, "")
    cluster = yaml.safe_load(ended.stdout)["clusters"][0]
    assert (cluster["name"], cluster["cluster_ip"]) == ("nlb-10.0.0.100", "10.0.0.100")
    assert cluster["port_rules"] == [{"vip": "all", "start": 5060, "end": 5061, "protocol": "both"}]
    assert [(host["name"], host["host_id"], host["address"]) for host in cluster["hosts"]] == [
        ("sip-east-1", 1, "10.1.0.11"),
        (None, 2, None),
    ]
    assert cluster["hosts"][0]["runner"] == {"type": "local"}
    assert cluster["hosts"][1]["runner"] is None


def test_captured_parameters_become_a_configuration_that_passes_its_check(
    site: RunningSite, tmp_path: Path
) -> None:
    """Captured on each host, filled in by a person, refused before and sound afterwards."""
    original = load(configured(site)).clusters[0]
    files = []
    for host in original.hosts:
        files.append(tmp_path / f"{host.name}.txt")
        files[-1].write_bytes(site.nlb(host.name, "params").stdout)
    ended = clusters("--from-nlb", "--params", *files)
    skeleton = tmp_path / "clusters.yml"
    skeleton.write_text(ended.stdout, "utf-8")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert b"has no value" in check(skeleton).stderr

    document = yaml.safe_load(ended.stdout)
    for host, known in zip(document["clusters"][0]["hosts"], original.hosts, strict=True):
        host["runner"] = {"type": "local"}
        host["nlb"] = {"program": known.nlb.program}
        host["sip_server"]["application"] = known.sip_server.application
        url = site.listeners["sip-east"]["pages"][known.name]
        host["sip_server"]["sources"][0] |= {"url": url, "lag": "0ms"}
    skeleton.write_text(yaml.safe_dump(document), "utf-8")
    made = load(skeleton).clusters[0]

    assert (made.rules, made.operation_mode) == (original.rules, original.operation_mode)
    assert [(host.name, host.host_id, host.address) for host in made.hosts] == [
        (host.name, host.host_id, host.address) for host in original.hosts
    ]
    assert check(skeleton).returncode == 0


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """1: nothing could be read; 2: wrong use."""
    foreign, missing, large = (tmp_path / name for name in ("foreign", "missing", "large"))
    foreign.write_text("Guten Tag\n", "utf-8")
    large.write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    cases = [
        (
            ("--params", foreign),
            1,
            f"clusters: {foreign}: no parameters in it: no 'Name = value' line and no table of port rules (capture "
            "what 'nlb params' prints; 'sipnlb-exporter explain nlb-params' tells more)\n",
        ),
        (
            ("--program", missing),
            1,
            f"clusters: {missing} params: not_installed: {missing}: No such file or directory (run it on a node, "
            "name --program, or capture 'nlb params' and name --params)\n",
        ),
        (
            ("--params", missing),
            2,
            f"clusters: {missing}: cannot be read: No such file or directory (name a file)\n",
        ),
        (
            ("--params", large),
            2,
            f"clusters: {large}: is larger than 4194304 bytes (is it the output of one command?)\n",
        ),
        (
            ("--params", foreign, "--program", foreign),
            2,
            "clusters: --program: asks this machine, --params does not (give one)\n",
        ),
        (
            ("--params", foreign, "--code-page", "x"),
            2,
            "clusters: 'x' is not a code page; write one such as cp437\n",
        ),
    ]
    for arguments, status, message in cases:
        ended = clusters("--from-nlb", *arguments)
        assert (ended.returncode, ended.stdout, ended.stderr) == (status, "", message)


def test_it_must_be_said_from_what() -> None:
    """There is one way today, and it is named."""
    ended = clusters()

    assert ended.returncode == 2
    assert ended.stderr.endswith("error: the following arguments are required: --from-nlb\n")
