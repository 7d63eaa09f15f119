"""``sipnlb-exporter check`` against a simulated site, as a person runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.running import ROOT, RunningSite, run_site, until

pytestmark = pytest.mark.integration

GOLDEN = ROOT / "tests" / "golden"


def check(
    configuration: Path, *arguments: str, columns: int = 80, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    """Run it; nobody sits at the terminal."""
    environment = dict(os.environ) | {"COLUMNS": str(columns), "PYTHONIOENCODING": encoding}
    return subprocess.run(
        [
            *[sys.executable, "-m", "exporter", "check"],
            *[f"--config.file={configuration}", *arguments],
        ],
        capture_output=True,
        env=environment,
        cwd=ROOT,
        timeout=30,
        check=False,
    )


def configured(site: RunningSite) -> Path:
    """Return the configuration of a site whose pair has settled."""
    until(lambda: site.host("sip-east-1")["mode"] == "primary")
    until(lambda: site.host("sip-east-1")["node_state"] == "converged")
    return site.directory / "clusters.yml"


def findings(configuration: Path, *arguments: str) -> dict[tuple[str | None, str], dict[str, Any]]:
    """Return the findings as JSON has them, by host and check."""
    ended = check(configuration, "--json", *arguments)
    assert ended.stderr == b""
    return {(each["host"], each["check"]): each for each in json.loads(ended.stdout)["findings"]}


def masked(text: str) -> str:
    """Put one duration in the place of those that were measured, and one port that was free."""
    text = re.sub(r"sip:127\.0\.0\.1:\d{4,5}\b", "sip:127.0.0.1:50600", text)
    return re.sub(r"\d+\.\d\d s", "0.04 s", text)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site with nothing wrong."""
    folder = tmp_path_factory.mktemp("healthy")
    yield from run_site(folder, "--lag", "0", "--affinity", "single")


@pytest.fixture(scope="module")
def sick_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site set up wrong in several ways."""
    folder = tmp_path_factory.mktemp("sick")
    yield from run_site(folder, "--lag", "0", "--wider-rule", "--remote-control")


@pytest.fixture
def sick(sick_site: RunningSite) -> Iterator[RunningSite]:
    """The same, for further faults that end with the test."""
    yield sick_site
    for host in ("sip-east-1", "sip-east-2"):
        sick_site.post(
            f"/api/v1/clusters/sip-east/hosts/{host}/fault", {"nlb": "none", "page": "none"}
        )


def test_a_healthy_site_is_all_right(healthy: RunningSite) -> None:
    """Every line is right or a note, the exit status is 0, and the table is as in the golden file."""
    ended = check(configured(healthy))

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert masked(ended.stdout.decode()) == (GOLDEN / "check_healthy.txt").read_text("utf-8")


def test_a_sick_site_is_told_line_by_line(sick: RunningSite) -> None:
    """Wider rule, remote control, affinity, a host without rights: each with what to do."""
    configuration = configured(sick)
    sick.post("/api/v1/clusters/sip-east/hosts/sip-east-2/fault", {"nlb": "denied"})
    ended = check(configuration, columns=120)

    assert (ended.returncode, ended.stderr) == (1, b"")
    assert masked(ended.stdout.decode()) == (GOLDEN / "check_sick.txt").read_text("utf-8")


def test_what_is_right_can_be_left_out(healthy: RunningSite) -> None:
    """Of many clusters only those lines that call for somebody."""
    ended = check(configured(healthy), "--problems")

    assert ended.returncode == 0
    assert "✓ " not in ended.stdout.decode().partition("\n")[2]
    assert "! second network" in ended.stdout.decode()


def test_json_has_every_finding_and_the_exit_status(healthy: RunningSite) -> None:
    """A script reads what a person sees."""
    ended = check(configured(healthy), "--json", "sip-east")
    told = json.loads(ended.stdout)

    assert (ended.returncode, set(told)) == (0, {"exit_status", "counts", "findings"})
    assert told["exit_status"] == 0
    assert set(told["counts"]) == {"right", "wrong", "unknown", "elsewhere"}
    assert sum(told["counts"].values()) == len(told["findings"])
    for each in told["findings"]:
        assert set(each) == {"cluster", "host", "check", "mark", "text", "advice"}
        assert bool(each["advice"]) is (each["mark"] != "right")


def test_a_dead_host_and_a_dead_page_cost_no_more_than_the_look(sick: RunningSite) -> None:
    """What hangs is told within the time of one look, and the other host is checked."""
    configuration = configured(sick)
    sick.post(
        "/api/v1/clusters/sip-east/hosts/sip-east-1/fault", {"nlb": "hang", "page": "refused"}
    )
    found = findings(configuration)

    assert found["sip-east-1", "reachable"]["mark"] == "wrong"
    assert found["sip-east-1", "mode source"]["text"].startswith("http: cannot be reached: ")
    assert found["sip-east-1", "not told"]["mark"] == "unknown"
    assert found["sip-east-2", "converged"]["mark"] == "right"
    assert found[None, "one primary"]["mark"] == "unknown"


def test_a_port_that_does_not_follow_is_told_with_the_commands(healthy: RunningSite) -> None:
    """As old control scripts leave it behind."""
    configuration = configured(healthy)
    healthy.nlb("sip-east-2", "enable", "5060")
    try:
        assert findings(configuration)[None, "port"] == {
            "cluster": "sip-east",
            "host": None,
            "check": "port",
            "mark": "wrong",
            "text": "5060: enabled on sip-east-1 and sip-east-2; the primary is sip-east-1",
            "advice": "sipnlb-remediator with policy.level enforce puts it right; by hand: 'nlb enable 5060' on "
            "sip-east-1, then 'nlb disable 5060' on the others",
        }
    finally:
        healthy.nlb("sip-east-2", "disable", "5060")


def test_it_changes_nothing(healthy: RunningSite) -> None:
    """A look leaves the site as it is."""
    configuration = configured(healthy)
    before = [host["ports"] for host in healthy.state()["hosts"]]
    check(configuration)

    assert [[p["state"] for p in host["ports"]] for host in healthy.state()["hosts"]] == [
        [p["state"] for p in ports] for ports in before
    ]


def test_a_terminal_without_the_signs_gets_plain_ones(healthy: RunningSite) -> None:
    """A Windows console in cp437 has no check mark."""
    ended = check(configured(healthy), encoding="cp437")

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"    + one primary      sip-east-1 is primary, every other host backup" in ended.stdout


def test_wrong_use_is_told_from_a_sick_site(healthy: RunningSite, tmp_path: Path) -> None:
    """Exit status 2: nothing was looked at."""
    configuration = configured(healthy)
    notes = tmp_path / "notes.txt"
    notes.write_text("a: [", "utf-8")
    none = tmp_path / "none.yml"
    wrong: list[tuple[Path, list[str], str]] = [
        (
            configuration,
            ["sip-west"],
            "check: sip-west: no cluster of that name is configured (there are sip-east)\n",
        ),
        (
            none,
            [],
            f"check: {none}: cannot be read: No such file or directory (name it with --config.file)\n",
        ),
        (
            configuration,
            [f"--prometheus.config={notes}"],
            f"check: {notes}: cannot be read: it is not YAML (name the configuration of Prometheus)\n",
        ),
    ]
    for file, arguments, message in wrong:
        ended = check(file, *arguments)
        assert (ended.returncode, ended.stdout, ended.stderr.decode()) == (2, b"", message)


def test_a_real_multicast_cluster_is_looked_up_in_the_neighbour_table(
    healthy: RunningSite, tmp_path: Path
) -> None:
    """The entry of the virtual IP is asked of this machine; nobody has 10.0.0.100 here."""
    document = yaml.safe_load(configured(healthy).read_text("utf-8"))
    document["clusters"][0] |= {"simulated": False, "operation_mode": "multicast"}
    configuration = tmp_path / "clusters.yml"
    configuration.write_text(yaml.safe_dump(document), "utf-8")
    found = findings(configuration)

    assert found[None, "neighbour"]["mark"] in {"elsewhere", "unknown"}
    assert "03-bf-0a-00-00-64" in found[None, "neighbour"]["advice"]
    assert found["sip-east-1", "operation mode"]["text"] == "unicast, configured is multicast"
