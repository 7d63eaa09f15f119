"""The demonstration, as a person starts it: whole, interrupted, and with something missing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.project.contract import contract_metrics
from tests.project.queries import dashboard_queries

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
TIMES = ("seconds_to_alert", "seconds_to_action", "seconds_to_verified")
LIMIT = 240.0  # seconds; a demonstration takes about one minute


def start(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a demonstration whose temporary files go below `tmp_path`."""
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=dict(os.environ) | {"TMPDIR": str(tmp_path)} | environment,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the end; return the output. What is still there after the limit is killed."""
    try:
        return process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        raise


@dataclass
class Played:
    """A demonstration that has played everything and goes on."""

    deployment: str
    document: dict[str, Any]
    output: str

    @property
    def nodes(self) -> int:
        """How many exporters and remediators it has, each."""
        return 2 if self.deployment == "on-node" else 1

    def address(self, name: str) -> str:
        """Return the address that it printed for a part, the first of several."""
        return self.addresses_of(name)[0]

    def addresses_of(self, name: str) -> list[str]:
        """Return the addresses that it printed for the parts of that name."""
        found = re.findall(rf"^  {name} +(http://[^/\s]+)", self.output, re.MULTILINE)
        assert found, self.output
        return found

    def addresses(self) -> list[str]:
        """Return all that it printed for a browser: the programs', without the control API's."""
        whole = self.output.rpartition("All of it goes on; Ctrl-C ends it.")[2]
        return re.findall(r"http://\S+", whole)


@pytest.fixture(
    scope="module",
    params=["central", "on-node"],
)
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """Play the demonstration once in each deployment, all left running; in the end stop it."""
    folder = tmp_path_factory.mktemp("demo")
    results = folder / "demo.json"
    process = start(folder, "--keep", "--json", str(results), "--deployment", request.param)
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("  logs "):
            break
    output = "".join(lines)
    assert results.exists(), output
    children = psutil.Process(process.pid).children(recursive=True)
    yield Played(request.param, json.loads(results.read_text("utf-8")), output)
    process.send_signal(signal.SIGINT)
    rest = finish(process)
    assert process.returncode == 0, output + rest
    assert rest.splitlines()[-1] == "Everything that was started has been ended."
    assert f"The results were written to {results}." in output.splitlines()
    assert "had to be killed" not in rest
    assert [child for child in children if child.is_running()] == []
    assert [file.name for file in folder.iterdir()] == ["demo.json"]


def test_every_workflow_ends_right(played: Played) -> None:
    """All three workflows and their ways back end with exactly the primary's port enabled."""
    document = played.document
    assert "Everything ended right." in played.output.splitlines()
    assert (document["simulated"], document["ended_right"]) == (True, True)
    assert document["deployment"] == played.deployment
    assert [(each["name"], each["way_back"]["name"]) for each in document["workflows"]] == [
        ("manual switchover", "switchover back"),
        ("primary failure", "restart as backup"),
        ("primary disconnect", "return and demotion"),
    ]
    for each in document["workflows"]:
        alert, action, verified = (each[time] for time in TIMES)
        assert 0 < alert < action < verified
        assert each["options_lost"] > 0
        assert (each["ended_right"], each["way_back"]["ended_right"]) == (True, True)
    assert [document["workflows"][1]["way_back"][time] for time in TIMES] == [None, None, None]


def test_every_address_that_is_printed_can_be_looked_at(played: Played) -> None:
    """A browser gets something to see from each address, but for the remediator's token."""
    addresses = played.addresses()
    answers = {url: requests.get(url, timeout=10) for url in addresses}
    closed = played.addresses_of("remediator")
    bad = [url for url, answer in answers.items() if not answer.ok and url not in closed]
    assert (len(addresses), bad) == (4 + 2 * played.nodes, [])
    for path in ("/api/v1/alerts", "/api/v2/alerts"):
        url = next(url for url in addresses if url.endswith(path))
        assert answers[url].headers["content-type"].startswith("application/json")


def test_plain_lines_are_in_the_order_of_time(played: Played) -> None:
    """Events of the site and losses at the virtual IP stand where they belong."""
    times = re.findall(r"^simulated: +(\d+\.\d\d) s  ", played.output, re.MULTILINE)
    assert len(times) > 20
    assert [float(time) for time in times] == sorted(float(time) for time in times)


def test_a_repaired_workflow_pages_nobody(played: Played) -> None:
    """What is repaired within its time is no reason to wake a person."""
    assert played.document["pages"] == []


def test_every_query_of_the_dashboard_has_data(played: Played) -> None:
    """No panel of a dashboard is empty on a site that works."""
    prometheus = played.address("Prometheus")
    empty = []
    for title, query in dashboard_queries(ROOT / "grafana/dashboards/sipnlb.json", "sip-east"):
        answer = requests.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=10)
        if not answer.ok or not answer.json()["data"]["result"]:
            empty.append((title, query, answer.text[:200]))

    assert empty == []


@pytest.mark.parametrize("program", ["exporter", "remediator"])
def test_both_programs_publish_what_the_contract_promises(
    played: Played, program: str, real_part: Callable[[str], Path]
) -> None:
    """Prometheus' linter has nothing to say, and every metric is in the contract."""
    text = requests.get(played.address(program) + "/metrics", timeout=10).text
    found = subprocess.run(
        [real_part("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")

    published = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    ours = {name for name in published if name.startswith(("sip", "nlb"))}
    promised = set(contract_metrics())
    assert ours - promised == set()
    mine = {
        name
        for name in promised
        if name.startswith("sipnlb_remediator_") == (program == "remediator")
    }
    only_with_cause = {
        "sip_server_source_mode",
        "sipnlb_reading_problem",
        "sipnlb_remediator_heartbeat_success",
    }
    assert mine - ours - only_with_cause == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [1.5, 12.0])
def test_an_interruption_leaves_nothing_behind(tmp_path: Path, number, seconds) -> None:
    """Whenever it is interrupted, no process and no file of it remains."""
    process = start(tmp_path)
    time.sleep(seconds)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(number)
    output = finish(process)
    assert process.returncode == 1
    assert output.splitlines()[-1] == "interrupted; everything that was started has been ended"
    assert [child for child in children if child.is_running()] == []
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_cannot_run_is_named_with_its_log(tmp_path: Path) -> None:
    """If a part dies, the demonstration ends with the last lines of its log."""
    broken = tmp_path / "bin"
    broken.mkdir()
    program = broken / "prometheus"
    program.write_text("#!/bin/sh\necho this one is broken\nexit 7\n", "utf-8")
    program.chmod(0o755)
    process = start(tmp_path, PATH=f"{broken}:{os.environ['PATH']}")
    output = finish(process)
    assert process.returncode == 1
    assert output.splitlines()[-2:] == [
        "the demonstration failed: prometheus: ended with status 7 (last lines of its log:",
        "    this one is broken)",
    ]
    assert list(tmp_path.iterdir()) == [broken]
