"""The simulated mlcmd: what the Management Layer believes, in the four lines, and its faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import Reason, SipMode
from cluster.sip.mlcmd import AppStatus, parse_mlcmd
from simulator.description import usual_site
from simulator.faults import MlcmdFault, MlcmdFaults
from simulator.knobs import quick
from simulator.mlcmd import answer, listing
from simulator.world import World

ONE, TWO = "sip-east-1", "sip-east-2"
P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
KNOBS = replace(quick(), failure_seconds=0.75, addp_seconds=6.5, return_seconds=0.4)


def site() -> World:
    """Return a site of two clusters, 10 seconds old."""
    world = World(usual_site(2, KNOBS))
    world.advance(10.0)
    return world


def told(world: World) -> list[tuple[AppStatus | None, SipMode]]:
    """Return what the product makes of both servers of the first cluster."""
    parsed = parse_mlcmd(listing(world))
    names = [host.server.application for host in world.cluster("sip-east").hosts.values()]
    records = [parsed.find(name) for name in names]
    return [(record.status, record.mode) for record in records if record is not None]


def test_every_application_has_its_four_lines() -> None:
    """SIP Servers of all clusters, and what else a Management Layer knows."""
    world = site()
    parsed = parse_mlcmd(listing(world))
    assert [record.dbid for record in parsed.records] == list(range(101, 108))
    assert parsed.problems == ()
    assert told(world) == [(AppStatus.RUNNING, P), (AppStatus.RUNNING, B)]


def test_a_dead_process_runs_until_it_is_missed() -> None:
    """Then it is stopped, with the run mode that it had."""
    world = site()
    world.cluster("sip-east").fail()
    world.advance(10.7)
    assert told(world) == [(AppStatus.RUNNING, P), (AppStatus.RUNNING, B)]
    world.advance(11.0)
    assert told(world) == [(AppStatus.STOPPED, U), (AppStatus.RUNNING, P)]


def test_a_host_that_is_cut_off_is_unknown_once_it_is_missed() -> None:
    """Its SIP Server still believes that it is primary; nobody asks it."""
    world = site()
    cluster = world.cluster("sip-east")
    cluster.disconnect()
    world.advance(16.0)
    assert told(world) == [(AppStatus.RUNNING, P), (AppStatus.RUNNING, B)]
    world.advance(17.0)
    assert told(world) == [(AppStatus.UNKNOWN, U), (AppStatus.RUNNING, P)]
    cluster.reconnect()
    world.advance(17.5)
    assert told(world) == [(AppStatus.RUNNING, P), (AppStatus.RUNNING, P)]


@pytest.mark.parametrize(
    ("fault", "status", "first", "last"),
    [
        (MlcmdFault.NONE, 0, None, None),
        (MlcmdFault.NOISE, 0, None, None),
        (MlcmdFault.TRUNCATED, 0, None, Reason.MALFORMED),
    ],
)
def test_a_fault_spoils_what_it_should(
    fault: MlcmdFault, status: int, first: Reason | None, last: Reason | None
) -> None:
    """Noise spoils nothing; what breaks off spoils the last record."""
    world = site()
    world.mlcmd_faults = MlcmdFaults(fault)
    exit_status, output = answer(world, ("-cshost", "cs-1", "-getallappstatus"))
    records = parse_mlcmd(output.decode()).records
    problems = [record.problem and record.problem.reason for record in records]
    assert (exit_status, len(records), problems[0], problems[-1]) == (status, 7, first, last)


@pytest.mark.parametrize(
    ("fault", "status", "output"),
    [
        (MlcmdFault.LOGIN_FAILED, 1, b"Failed to connect to Configuration Server: login failed\n"),
        (MlcmdFault.EMPTY, 0, b""),
    ],
)
def test_some_faults_leave_no_listing(fault: MlcmdFault, status: int, output: bytes) -> None:
    """The words are simulated wording."""
    world = site()
    world.mlcmd_faults = MlcmdFaults(fault)
    assert answer(world, ("-getallappstatus",)) == (status, output)


def test_other_operations_are_not_simulated() -> None:
    """Only the listing is."""
    assert answer(site(), ("-startapp", "101")) == (1, "usage: mlcmd … -getallappstatus\n".encode())
