"""The simulated site as a process: its commands, pages, virtual IP and control API on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from cluster import config
from simulator.loopback import LoopbackServer
from tests.integration.running import SOON, RunningSite, run_site, until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
ONE, TWO = "sip-east-1", "sip-east-2"
NO_OPERATION = (
    "no operation 'explode'; there are switchover, fail, restart, disconnect, reconnect, partitions"
)
NO_NLB_FAULT = (
    "nlb must be one of none, hang, hang_after, garbage, empty, exit_1, denied, no_effect, foreign"
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0", "--nlb-line-end", "lf")


def test_the_written_configuration_is_loaded_by_the_products(site: RunningSite) -> None:
    """clusters.yml names the executables and pages that really answer."""
    cluster = config.load(site.directory / "clusters.yml").clusters[0]
    assert (cluster.name, cluster.simulated, cluster.largest_lag) == ("sip-east", True, 0.0)
    assert {host.name: host.nlb.program for host in cluster.hosts} == (
        site.listeners["sip-east"]["programs"]
    )
    assert {
        host.name: getattr(host.sip_server.sources[0], "url", None) for host in cluster.hosts
    } == (site.listeners["sip-east"]["pages"])


def test_the_command_of_a_host_switches_that_hosts_port(site: RunningSite) -> None:
    """An executable started with an argument list reads, switches and exits as documented."""
    assert site.nlb(TWO, "queryport", "5060").stdout.decode() == (
        "NLB Cluster Control Utility V2.6\nCluster 10.0.0.100\n"
        "Retrieving state for port rule 5060\nRule is disabled\n"
    )
    done = site.nlb(TWO, "enable", "5060")
    assert (done.returncode, done.stderr) == (0, b"")
    assert site.host(TWO)["ports"][0]["state"] == "enabled"
    assert site.nlb(TWO, "enable", "1").returncode == 1
    wlbs = Path(site.listeners["sip-east"]["programs"][ONE]).with_name("wlbs")
    asked = subprocess.run([wlbs, "query"], capture_output=True, timeout=5, check=False)
    assert asked.stdout.startswith(b"WLBS Cluster Control Utility V2.6\n")


def test_the_command_starts_fast(site: RunningSite) -> None:
    """A call costs little more than the 30 ms that the utility itself is given."""
    times = []
    for _ in range(9):
        began = time.monotonic()
        site.nlb(ONE, "query")
        times.append(time.monotonic() - began)
    assert min(times) < 0.03 + 0.04


def test_a_workflow_from_the_command_line(site: RunningSite) -> None:
    """The commands find the only site by themselves; state shows what they did."""
    done = site.cli("fail", "sip-east")
    assert (done.returncode, done.stdout) == (0, "simulated: sip-east: fail of sip-east-1 done\n")
    until(lambda: site.host(TWO)["mode"] == "primary")
    shown = site.cli("state", "sip-east").stdout.splitlines()
    assert shown[:2] == [
        "SIMULATED cluster sip-east, virtual IP 10.0.0.100",
        "primary: sip-east-2; ports: port 5060 is enabled on sip-east-1, which is unknown",
    ]
    assert json.loads(site.cli("state", "sip-east", "--json").stdout)["primary"] == TWO
    refused = site.cli("restart", "sip-east", "--host", TWO)
    assert (refused.returncode, refused.stderr) == (
        1,
        "simulated site: the SIP Server on sip-east-2 runs already\n",
    )
    unknown = site.cli("switchover", "sip-north", "--control", site.control)
    assert (unknown.returncode, unknown.stderr) == (
        1,
        "simulated site: no cluster 'sip-north' in this site; it has sip-east\n",
    )
    assert site.cli("switchover").returncode == 2
    assert site.cli("site", "--clusters", "0").returncode == 2


def simulator(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of sipnlb-simulator where no site is announced."""
    return subprocess.run(
        [sys.executable, "-m", "simulator", *arguments],
        capture_output=True,
        text=True,
        env=dict(os.environ) | {"TMPDIR": str(tmp_path)},
        cwd=ROOT,
        timeout=SOON,
        check=False,
    )


def test_without_a_site_the_commands_say_how_to_start_one(tmp_path: Path) -> None:
    """A command that finds no site fails with the way out."""
    done = simulator(tmp_path, "state", "sip-east")
    said = (
        "no simulated site was found; start one with 'sipnlb-simulator site', or name its "
        "address with --control\n"
    )
    assert (done.returncode, done.stderr) == (1, said)


def test_the_page_of_a_dead_process_is_refused_until_it_restarts(site: RunningSite) -> None:
    """The port refuses connections while no process runs, and answers again on the same port."""
    assert ">Primary (Active)<" in site.page(ONE).text
    assert site.page(TWO, "?sipServer").text.splitlines()[1] == "<sipServer>"
    assert site.page(TWO, "?sipTrunkStatistics").status_code == 404
    assert site.post("/api/v1/clusters/sip-east/fail", {"host": ONE}).status_code == 200
    with pytest.raises(requests.ConnectionError, match="refused"):
        site.page(ONE)
    assert site.post("/api/v1/clusters/sip-east/restart").json()["host"] == ONE
    until(lambda: site.host(ONE)["process"] == "running")
    assert ">Backup (Passive)<" in site.page(ONE).text


def test_a_host_without_network_never_answers(site: RunningSite) -> None:
    """Page and command of a host that is cut off hang; the others go on."""
    site.post("/api/v1/clusters/sip-east/disconnect")
    with pytest.raises(requests.Timeout):
        site.page(ONE, timeout=0.3)
    with pytest.raises(subprocess.TimeoutExpired):
        site.nlb(ONE, "disable", "5060", timeout=0.3)
    assert site.nlb(TWO, "query").returncode == 0
    assert site.host(ONE)["ports"][0]["state"] == "enabled"
    site.post("/api/v1/clusters/sip-east/reconnect")
    assert site.nlb(ONE, "query").returncode == 0


def test_a_command_that_is_killed_in_time_changes_nothing(site: RunningSite) -> None:
    """Half of its time must pass before a command takes effect."""
    fault = {"nlb_latency_seconds": 1.2}
    site.post(f"/api/v1/clusters/sip-east/hosts/{ONE}/fault", fault)
    with pytest.raises(subprocess.TimeoutExpired):
        site.nlb(ONE, "disable", "5060", timeout=0.2)
    time.sleep(0.8)
    assert site.host(ONE)["ports"][0]["state"] == "enabled"


def test_only_a_primary_answers_and_only_an_enabled_host_is_asked(site: RunningSite) -> None:
    """The virtual IP reaches the primary while its port is enabled, and nobody else."""
    listeners = site.listeners["sip-east"]
    assert site.options(listeners["virtual_ip"]) == ONE
    assert site.options(listeners["sip_servers"][ONE]) == ONE
    assert site.options(listeners["sip_servers"][TWO]) is None
    site.nlb(ONE, "disable", "5060")
    assert site.options(listeners["virtual_ip"]) is None
    site.nlb(TWO, "enable", "5060")
    assert site.options(listeners["virtual_ip"]) is None
    assert site.get("/api/v1/site")["listeners"]["sip-east"]["datagrams"] == {
        "received": 3,
        "taken": 2,
        "lost": 1,
        "answered": 1,
    }


def test_a_split_loses_a_share_of_new_clients(site: RunningSite) -> None:
    """With both ports enabled, callers whom NLB sends to the backup get no answer."""
    site.nlb(TWO, "enable", "5060")
    answers = [site.options(site.listeners["sip-east"]["virtual_ip"]) for _ in range(12)]
    assert set(answers) == {ONE, None}


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [("truncated", None, None), ("http_500", 500, "simulated failure\n"), ("empty", 200, "")],
)
def test_faults_of_the_page(site: RunningSite, fault, status, expected) -> None:
    """A fault of the page is what a client sees, at once."""
    site.post(f"/api/v1/clusters/sip-east/hosts/{ONE}/fault", {"page": fault})
    if status is None:
        with pytest.raises(requests.RequestException, match=r"IncompleteRead|more expected"):
            site.page(ONE)
        return
    answer = site.page(ONE)
    assert (answer.status_code, answer.text) == (status, expected)


def test_a_refused_page_and_a_hanging_one(site: RunningSite) -> None:
    """The port can refuse or hang while the process lives."""
    site.post(f"/api/v1/clusters/sip-east/hosts/{TWO}/fault", {"page": "refused"})
    with pytest.raises(requests.ConnectionError, match="refused"):
        site.page(TWO)
    site.post(f"/api/v1/clusters/sip-east/hosts/{TWO}/fault", {"page": "hang"})
    with pytest.raises(requests.Timeout):
        site.page(TWO, timeout=0.3)
    site.post(
        f"/api/v1/clusters/sip-east/hosts/{TWO}/fault",
        {"page": "none", "page_latency_seconds": 0.4},
    )
    began = time.monotonic()
    assert site.page(TWO).status_code == 200
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        (
            "clusters/sip-south/fail",
            None,
            404,
            "no cluster 'sip-south' in this site; it has sip-east",
        ),
        ("clusters/sip-east/explode", None, 404, NO_OPERATION),
        ("clusters/sip-east/fail", {"hots": ONE}, 400, 'the body may only be {"host": NAME}'),
        ("clusters/sip-east/fail", {"host": 7}, 400, 'the body may only be {"host": NAME}'),
        ("clusters/sip-east/fail", [], 400, "the body must be a JSON object"),
        ("clusters/sip-east/switchover", {"host": TWO}, 400, "a switchover takes no host"),
        ("clusters/sip-east/reconnect", None, 409, "every host of the cluster is on the network"),
        ("clusters/sip-east/partitions", {ONE: "left"}, 400, "the body must be {HOST: NUMBER, …}"),
        (f"clusters/sip-east/hosts/{ONE}/fault", {"nlb": "sulks"}, 400, NO_NLB_FAULT),
        (
            f"clusters/sip-east/hosts/{ONE}/fault",
            {"disk": "full"},
            400,
            "no fault 'disk'; there are nlb, nlb_latency_seconds, page, page_latency_seconds, log",
        ),
        (
            f"clusters/sip-east/hosts/{ONE}/fault",
            {"nlb_latency_seconds": -1},
            400,
            "nlb_latency_seconds must be seconds, 0 to 600",
        ),
        (
            "clusters/sip-east/hosts/sip-west-1/fault",
            {},
            409,
            "no host 'sip-west-1' in sip-east; it has sip-east-1, sip-east-2",
        ),
        ("nothing", None, 404, "Not Found"),
    ],
)
def test_wrong_use_of_the_control_api(site: RunningSite, path, body, status, error) -> None:
    """Whatever makes no sense is refused with what would."""
    answer = site.post(f"/api/v1/{path}", body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_body_that_is_no_json_is_refused(site: RunningSite) -> None:
    """Garbage is an error of the caller."""
    answer = requests.post(
        f"{site.control}/api/v1/clusters/sip-east/fail", data=b"\xff{", timeout=5
    )
    assert (answer.status_code, answer.json()) == (400, {"error": "the body is not JSON"})


def test_partitions_make_two_default_hosts(site: RunningSite) -> None:
    """Nodes that do not hear each other both become default, and heal."""
    site.post("/api/v1/clusters/sip-east/partitions", {TWO: 1})
    until(lambda: [host["is_default"] for host in site.state()["hosts"]] == [True, True])
    site.post("/api/v1/clusters/sip-east/partitions", {TWO: 0})
    until(lambda: [host["is_default"] for host in site.state()["hosts"]] == [True, False])


def second_is_primary(site: RunningSite) -> bool:
    """Tell whether the second host is primary by now."""
    return site.host(TWO)["mode"] == "primary"


def test_a_page_that_lags(tmp_path: Path) -> None:
    """With a lag of 10 s the page still shows the mode from before a switchover."""
    for site in run_site(tmp_path, "--lag", "10", "--nlb-version", "2.4", "--foreign-cluster"):
        site.post("/api/v1/clusters/sip-east/switchover")
        until(partial(second_is_primary, site))
        assert ">Backup (Passive)<" in site.page(TWO).text
        text = site.nlb(ONE, "query").stdout
        assert text.startswith(b"WLBS Cluster Control Utility V2.4 (c) 1997-2003 ")
        assert re.findall(rb"^Cluster .*\r\n", text, re.MULTILINE) == [
            b"Cluster 10.0.0.100\r\n",
            b"Cluster 10.0.0.200\r\n",
        ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_site_ends_at_once_and_takes_its_announcement_back(tmp_path: Path, number) -> None:
    """After a signal it exits 0 and nobody finds it any more."""
    for site in run_site(tmp_path):
        program = site.listeners["sip-east"]["programs"][ONE]
        assert list(tmp_path.glob("sipnlb-simulator-*/control-url-*"))
        site.process.send_signal(number)
        assert site.process.wait(SOON) == 0
        assert not list(tmp_path.glob("sipnlb-simulator-*"))
        late = subprocess.run([program, "query"], capture_output=True, timeout=5, check=False)
        assert late.returncode == 125
        assert late.stderr.startswith(b"sipnlb-simulator: the simulated site does not answer: ")


@contextlib.contextmanager
def another_site(environment: dict[str, str], directory: Path) -> Iterator[str]:
    """Run a site beside that of the test; give the address of its control API."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "site", "--directory", str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        begun = "".join(process.stdout.readline() for _ in range(3))
        control = re.search(r"http://127\.0\.0\.1:\d+", begun)
        assert control is not None, begun
        yield control[0]
    finally:
        process.terminate()
        process.communicate(timeout=SOON)


def test_a_second_site_takes_nothing_of_the_first(site: RunningSite, tmp_path: Path) -> None:
    """With two sites the commands ask for one; when one has ended they find the other again."""
    with another_site(site.environment, tmp_path / "second") as second:
        done = site.cli("fail", "sip-east")
        places = [(site.control, site.directory), (second, tmp_path / "second")]
        addresses = "".join(f"  {url}  {directory}\n" for url, directory in sorted(places))
        said = "several simulated sites run; name the address of one with --control:\n"
        assert (done.returncode, done.stderr) == (1, said + addresses)
        assert site.cli("fail", "sip-east", "--control", second).returncode == 0
        other = requests.get(f"{second}/api/v1/clusters/sip-east", timeout=5).json()
        assert other["hosts"][0]["process"] == "dead"
        assert site.host(ONE)["process"] == "running"
    assert site.cli("fail", "sip-east").returncode == 0
    assert site.host(ONE)["process"] == "dead"


def test_a_site_that_was_killed_is_found_no_more(tmp_path: Path) -> None:
    """The address that a killed site leaves behind misleads nobody, and its directory is free."""
    for site in run_site(tmp_path):
        site.process.kill()
        site.process.wait(SOON)
        assert list(tmp_path.glob("sipnlb-simulator-*/control-url-*"))
        done = site.cli("state", "sip-east")
        assert done.returncode == 1
        assert done.stderr.startswith("no simulated site was found; ")
        with another_site(site.environment, site.directory):
            assert site.cli("state", "sip-east").returncode == 0


def files_below(directory: Path) -> dict[str, bytes]:
    """Return the contents of all files below a directory."""
    return {str(file): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


def test_a_directory_with_somebody_elses_configuration_is_refused(tmp_path: Path) -> None:
    """A clusters.yml that the simulator did not write is left as it is, and nothing is added."""
    mine = tmp_path / "clusters.yml"
    mine.write_text("# mine\nclusters: []\n", "utf-8")
    done = simulator(tmp_path, "site", "--directory", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        (
            f"the simulated site cannot run: {mine}: was not written by sipnlb-simulator and is "
            "not overwritten (choose an empty directory with --directory)\n"
        ),
    )
    assert files_below(tmp_path) == {str(mine): b"# mine\nclusters: []\n"}


def test_a_directory_that_a_running_site_uses_is_refused(site: RunningSite) -> None:
    """A second site does not write over the files of one that runs."""
    before = files_below(site.directory)
    done = site.cli("site", "--directory", str(site.directory))
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        (
            f"the simulated site cannot run: {site.directory}: is used by the simulated site that "
            f"runs with the control API {site.control} (end that site, or choose another "
            "directory with --directory)\n"
        ),
    )
    assert files_below(site.directory) == before
    assert site.nlb(ONE, "query").returncode == 0


def test_a_start_that_fails_writes_nothing(site: RunningSite, tmp_path: Path) -> None:
    """With its control port taken, a site leaves no file and not even its directory behind."""
    port = site.control.rpartition(":")[2]
    never = tmp_path / "never"
    done = site.cli("site", "--directory", str(never), "--control-port", port)
    assert done.returncode == 1
    assert done.stderr.startswith("the simulated site cannot run: ")
    assert not never.exists()
    assert site.cli("state", "sip-east").returncode == 0


def test_a_site_tells_its_events_as_they_happen(tmp_path: Path) -> None:
    """Who plays sees in the site's own terminal what follows from it."""
    for site in run_site(tmp_path):
        site.cli("fail", "sip-east")
        assert site.process.stdout is not None
        seen = []
        for line in site.process.stdout:
            if line.startswith("simulated: "):
                seen.append(re.sub(r"^simulated: +\d+\.\d\d s  ", "", line.rstrip()))
            if line.endswith("is the only primary now\n"):
                break
        assert seen == [
            "sip-east-1   SIP Server process died",
            "sip-east-1   Management Layer lost it",
            "sip-east-2   SIP Server became primary",
            "sip-east-2   is the only primary now",
        ]
        assert site.process.poll() is None


def test_a_site_goes_on_when_nobody_reads_what_it_tells(tmp_path: Path) -> None:
    """A closed pipe at its output does not end the site, and its end is as usual."""
    for site in run_site(tmp_path):
        assert site.process.stdout is not None
        site.process.stdout.close()
        site.process.stdout = None
        site.cli("fail", "sip-east")
        until(partial(second_is_primary, site))
        assert site.process.poll() is None
        site.process.terminate()
        assert site.process.wait(SOON) == 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--lag", "x", "'x' is not a number of seconds from 0 to 60"),
        ("--lag", "61", "'61' is not a number of seconds from 0 to 60"),
        ("--clusters", "many", "'many' is not a whole number from 1 to 200"),
        ("--control-port", "65536", "'65536' is not a whole number from 0 to 65535"),
    ],
)
def test_a_wrong_number_is_refused_in_plain_words(tmp_path: Path, option, value, said) -> None:
    """The error says what would be right."""
    done = simulator(tmp_path, "site", option, value)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"sipnlb-simulator site: error: argument {option}: {said}"
    )


def test_a_port_opened_twice_at_once_is_closed_by_one_close() -> None:
    """Two parts that open the same port at the same time leave no second listener behind."""

    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def scenario() -> None:
        server = LoopbackServer(handler)
        try:
            await asyncio.gather(server.open(), server.open())
            server.close()
            await asyncio.sleep(0.05)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.port)
        finally:
            await server.end()

    asyncio.run(scenario())
