"""The three workflows with the page, the text of nlb.exe and programs of this machine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import workflows
from tests.integration.running import RunningSite, run_site
from tests.integration.test_remediator import make

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


def test_the_three_workflows(site: RunningSite, tmp_path: Path) -> None:
    """Source http, back end nlb, runner local."""
    remediator = make(site, tmp_path, look_timeout="750ms")
    remediator.start()
    try:
        workflows.play(site, remediator)
    finally:
        remediator.end(signal.SIGTERM)
