"""The three workflows with what the Management Layer's utility prints, alone and beside the page."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import workflows
from tests.integration.running import RunningSite, run_site, until
from tests.integration.test_remediator import ONE, TWO, alert, make, payload

pytestmark = pytest.mark.integration


@pytest.fixture
def sources() -> tuple[str, ...]:
    """The page first, then the listing."""
    return "http", "exec"


@pytest.fixture
def site(tmp_path: Path, sources: tuple[str, ...]) -> Iterator[RunningSite]:
    """A site with these sources, whose pages do not lag."""
    named = [word for source in sources for word in ("--source", source)]
    yield from run_site(tmp_path, "--lag", "0", *named)


@pytest.mark.parametrize("sources", [("exec",), ("http", "exec")], ids="-".join)
def test_the_three_workflows(site: RunningSite, tmp_path: Path) -> None:
    """Source exec alone, and behind the page; back end nlb, runner local."""
    remediator = make(site, tmp_path, look_timeout="1100ms")
    remediator.start()
    try:
        workflows.play(site, remediator)
    finally:
        remediator.end(signal.SIGTERM)


def test_a_page_that_cannot_be_read_leaves_the_mode_to_the_listing(
    site: RunningSite, tmp_path: Path
) -> None:
    """The source that comes next decides where the first knows nothing."""
    remediator = make(site, tmp_path)
    for host in (ONE, TWO):
        assert site.post(f"/api/v1/clusters/sip-east/hosts/{host}/fault", {"page": "refused"}).ok
    remediator.start()
    try:
        assert site.post("/api/v1/clusters/sip-east/switchover").ok
        until(lambda: site.host(TWO)["mode"] == "primary")
        assert remediator.send(payload(alert())).ok
        until(lambda: workflows._ports(site) == ("disabled", "enabled"))
    finally:
        remediator.end(signal.SIGTERM)


def test_sources_that_contradict_each_other_stand_in_the_journal(
    site: RunningSite, tmp_path: Path
) -> None:
    """The order decides, and a person who reads why finds what each source said."""
    remediator = make(site, tmp_path)
    script = tmp_path / "modes"
    script.write_text(
        "#!/bin/sh\necho 'SIP_Server_east_1 backup'\necho 'SIP_Server_east_2 backup'\n"
    )
    script.chmod(0o755)

    def change(host: dict[str, Any]) -> None:
        host["sip_server"]["sources"][1] |= {"command": [str(script)], "format": "plain"}

    workflows.change_hosts(remediator, change)
    site.nlb(ONE, "disable", "5060")
    remediator.start()
    try:
        until(lambda: workflows._ports(site) == ("enabled", "disabled"))
        assert remediator.rows("decision")[-1]["detail"]["view"] == {
            ONE: "primary (http primary, exec backup), node converged, 5060 disabled",
            TWO: "backup, node converged, 5060 disabled",
        }
    finally:
        remediator.end(signal.SIGTERM)
