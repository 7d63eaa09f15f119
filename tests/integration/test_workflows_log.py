"""The three workflows with SIP Server's log, the text of nlb.exe and programs of this machine."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import workflows
from tests.integration.running import RunningSite, run_site
from tests.integration.test_remediator import ONE, TWO, make

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose configuration names logs alone, in the form and with the stamps of 8.0."""
    yield from run_site(
        tmp_path,
        "--source=log",
        "--log-message-format=full",
        "--log-time-format=time",
    )


def test_the_three_workflows(site: RunningSite, tmp_path: Path) -> None:
    """Source log, back end nlb, runner local. Nothing tells of SCS, so the policy has to."""
    state = tmp_path / "state of the remediator"
    remediator = make(
        site,
        tmp_path,
        look_timeout="750ms",
        state_directory=str(state),
        policy={"level": "enforce", "unknown_scs": "disable"},
    )
    remediator.start()
    try:
        workflows.play(site, remediator)
    finally:
        remediator.end(signal.SIGTERM)
    kept = [json.loads(file.read_text("utf-8")) for file in sorted(state.iterdir())]
    assert {(each["log"].rpartition("/")[2], each["state"]["mode"]) for each in kept} == {
        ("SIP_Server_east_1", site.host(ONE)["mode"]),
        ("SIP_Server_east_2", site.host(TWO)["mode"]),
    }
