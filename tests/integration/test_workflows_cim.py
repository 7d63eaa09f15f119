"""The three workflows with the numbers of root/MicrosoftNLB: back end cim, runner local."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import workflows
from tests.integration.running import RunningSite, run_site
from tests.integration.test_remediator import ONE, TWO, make

pytestmark = pytest.mark.integration

FOREIGN_CLUSTER = "10.0.0.200"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site that is read by numbers, on hosts that are in a second NLB cluster too."""
    yield from run_site(tmp_path, "--lag", "0", "--backend", "cim", "--foreign-cluster")


def test_the_three_workflows(site: RunningSite, tmp_path: Path) -> None:
    """Source http, back end cim, runner local; the other NLB cluster's rule is never touched."""
    remediator = make(site, tmp_path, look_timeout="750ms")
    remediator.start()
    try:
        workflows.play(site, remediator)
        for name in (ONE, TWO):
            foreign = site.nlb(name, "queryport", "5060", FOREIGN_CLUSTER).stdout
            assert b"Rule is enabled" in foreign
    finally:
        remediator.end(signal.SIGTERM)
