"""The simulated statistics page has the documented elements and lags as it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.description import usual_site
from simulator.faults import PageFault
from simulator.knobs import quick
from simulator.serverx_page import Page, page
from simulator.world import ClusterRun, World

ONE, TWO = "sip-east-1", "sip-east-2"


def site() -> tuple[World, ClusterRun]:
    """Return a site of one cluster, 100 seconds old."""
    world = World(usual_site(1, quick()))
    world.advance(100.0)
    return world, world.clusters["sip-east"]


def text(
    host: str,
    *,
    lag: float = 0.0,
    fault: PageFault = PageFault.NONE,
    bare: bool = False,
    cluster: ClusterRun,
    now: float = 100.0,
) -> str:
    """Return the page's body."""
    knobs = replace(quick(), lag_seconds=lag)
    return page(cluster.hosts[host].server, now, knobs, fault, bare=bare).body.decode()


def test_the_page_of_a_primary() -> None:
    """A sound primary shows all fields; the page says that it is simulated."""
    _, cluster = site()
    assert text(ONE, cluster=cluster) == (
        '<?xml version="1.0"?>\n'
        "<serverx>\n"
        "  <!-- simulated by sipnlb-simulator -->\n"
        "  <version>8.1.104.05</version>\n"
        "  <sipServer>\n"
        '    <NAME rem="Application name">SIP_Server_east_1</NAME>\n'
        '    <HA_ROLE rem="HA role">Primary (Active)</HA_ROLE>\n'
        '    <HA_LINK rem="HA link established">1</HA_LINK>\n'
        '    <CONNECTION_TO_SCS rem="Connection to SCS">1</CONNECTION_TO_SCS>\n'
        '    <APPLICATION_SERVICE rem="Application Service Available">1</APPLICATION_SERVICE>\n'
        '    <READINESS_SWITCHOVER rem="Readiness For Switchover">1</READINESS_SWITCHOVER>\n'
        '    <READINESS_UPGRADE rem="Readiness For Upgrade">0</READINESS_UPGRADE>\n'
        '    <SIPS_PROCESS_ID rem="Process identifier">4712</SIPS_PROCESS_ID>\n'
        "  </sipServer>\n"
        "</serverx>\n"
    )


def test_the_filtered_page_has_the_server_as_its_root() -> None:
    """With ?sipServer the document is that element alone."""
    _, cluster = site()
    lines = text(TWO, bare=True, cluster=cluster).splitlines()
    assert (lines[1], lines[3], lines[-1]) == (
        "<sipServer>",
        '  <HA_ROLE rem="HA role">Backup (Passive)</HA_ROLE>',
        "</sipServer>",
    )


@pytest.mark.parametrize(("lag", "role"), [(9.5, "Backup"), (10.5, "Primary")])
def test_the_page_shows_the_mode_of_some_seconds_ago(lag, role) -> None:
    """Ten seconds after a switchover, a page that lags more still shows the old mode."""
    world, cluster = site()
    cluster.management.switch_over()
    world.advance(110.0)
    assert f">{role} (" in text(ONE, lag=lag, cluster=cluster, now=110.0)


def test_readiness_follows_the_link() -> None:
    """Without a link nobody is ready; a backup is at once, a primary after a minute."""
    world, cluster = site()
    cluster.fail(TWO)
    world.advance(101.0)
    assert ">0</READINESS_SWITCHOVER>" in text(ONE, cluster=cluster, now=101.0)
    assert ">0</HA_LINK>" in text(ONE, cluster=cluster, now=101.0)
    cluster.restart()
    world.advance(110.0)
    assert ">0</READINESS_SWITCHOVER>" in text(ONE, cluster=cluster, now=110.0)
    assert ">1</READINESS_SWITCHOVER>" in text(TWO, cluster=cluster, now=110.0)
    world.advance(170.0)
    assert ">1</READINESS_SWITCHOVER>" in text(ONE, cluster=cluster, now=170.0)


def test_a_cut_off_server_shows_that_it_lost_the_management_layer() -> None:
    """The strongest early sign of two primaries: primary, but no connection to SCS."""
    world, cluster = site()
    cluster.disconnect(ONE)
    world.advance(110.0)
    shown = text(ONE, cluster=cluster, now=110.0)
    assert ">Primary (Active)<" in shown
    assert ">0</CONNECTION_TO_SCS>" in shown


def test_faulted_pages() -> None:
    """Each fault gives what its name says."""
    _, cluster = site()
    whole = text(ONE, cluster=cluster).encode()

    def faulted(fault: PageFault) -> Page:
        knobs = replace(quick(), lag_seconds=0.0)
        return page(cluster.hosts[ONE].server, 100.0, knobs, fault, bare=False)

    assert faulted(PageFault.TRUNCATED) == Page("200 OK", whole[: len(whole) // 2], len(whole))
    assert faulted(PageFault.EMPTY) == Page("200 OK", b"", 0)
    assert faulted(PageFault.HTTP_500) == Page(
        "500 Internal Server Error", b"simulated failure\n", 18
    )
    assert b'<HA_ROLE rem="HA role">Recovering (Unknown)<' in faulted(PageFault.UNKNOWN_ROLE).body
    assert b"HA_ROLE" not in faulted(PageFault.ABSENT_ROLE).body
    assert faulted(PageFault.ENTITY_BOMB).body.count(b"<!ENTITY") == 8
