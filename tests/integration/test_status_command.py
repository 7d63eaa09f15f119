"""``sipnlb-remediator status`` against a running remediator: what it shows and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_reconcile import COMMAND, access
from tests.integration.test_remediator import ONE, RunningRemediator, make

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path_factory.mktemp("site"), "--lag", "0")


@pytest.fixture(scope="module")
def remediator(
    site: RunningSite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRemediator]:
    """A running remediator that may act."""
    folder = tmp_path_factory.mktemp("remediator")
    made = make(site, folder, policy={"level": "enforce", "settle": "1s"})
    made.start()
    try:
        yield made
    finally:
        made.end(signal.SIGTERM)


def status(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return exit status, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "status", *arguments],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        cwd=ROOT,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_one_screen_says_how_all_stands_and_the_exit_status_whether_it_is_right(
    site: RunningSite, remediator: RunningRemediator
) -> None:
    """Right, then a node that was stopped; in words and as JSON; of all clusters and of one."""
    known = access(remediator)
    until(lambda: status(*known)[0] == 0)
    exit_status, said, _ = status(*known)
    assert exit_status == 0
    head, line = said.splitlines()
    assert head.startswith("sipnlb-remediator ")
    assert ": ready, level enforce, no watchdog alert yet, it is waited for" in head
    assert line.startswith(f"sip-east: right, simulated, primary {ONE}, last look (start) right ")

    exit_status, said, _ = status("sip-east", *known)
    assert (exit_status, said.splitlines()[2]) == (
        0,
        f"  {ONE}; primary; node converged; 5060 enabled, serves",
    )

    site.nlb(ONE, "stop")
    remediator_look(remediator)
    until(lambda: status(*known)[0] == 1)
    exit_status, said, _ = status(*known)
    assert "    held, primary_node_not_serving\n    needs a person since " in said
    assert f"  {ONE}; primary; node stopped; 5060 " in said
    exit_status, said, _ = status("--json", *known)
    document = json.loads(said)
    assert (exit_status, document["clusters"][0]["name"]) == (1, "sip-east")
    assert document["attention"][0] == "sip-east: held, primary_node_not_serving"
    assert document["attention"][1].startswith("sip-east: needs a person since ")


def remediator_look(remediator: RunningRemediator) -> None:
    """Ask for a look."""
    command = [sys.executable, "-c", COMMAND, "reconcile", "sip-east", *access(remediator)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=20)


def test_what_cannot_be_asked_has_an_exit_status_of_its_own(remediator: RunningRemediator) -> None:
    """2 for wrong use, wrong credentials and unknown clusters; 3 where nobody answers."""
    known = access(remediator)
    exit_status, said, problem = status("sip-west", *known)
    assert (exit_status, said) == (2, "")
    assert problem == "sipnlb: no cluster 'sip-west' is configured; configured: sip-east\n"

    assert status("--url", remediator.url)[0] == 2
    assert status("--nonsense")[0] == 2
    exit_status, _, problem = status("--url", f"http://127.0.0.1:{free_port()}")
    assert (exit_status, "does not answer: Connection refused" in problem) == (3, True)
