"""The simulated log: what stands in it is what its readers know, and it stays small."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster.clock import Deadline
from cluster.model import Reason, SipMode
from cluster.sip.log_folder import LogFolder
from cluster.sip.log_tail import LogTail, Told
from simulator import sip_log_text as text
from simulator.description import SiteDescription, usual_cluster
from simulator.faults import LogFault
from simulator.knobs import quick
from simulator.sip_log import SipLog
from simulator.world import World
from tests.unit.exporter_samples import FakeClock

BEGAN = datetime(2031, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
ONE = "sip-east-1"


class Rig:
    """A host of a simulated site, its log and a tail of it."""

    def __init__(self, folder: Path, profile: text.LogProfile) -> None:
        self.world = World(SiteDescription((usual_cluster(0),), quick()))
        self.cluster = self.world.cluster("sip-east")
        self.host = self.cluster.host(ONE)
        self.log = SipLog(self.host, folder, profile, 60.0, self.now)
        self.log.follow()
        assert not folder.exists()  # nothing is written before it is opened
        self.log.open()
        self.folder = folder / "logs"
        self.clock = FakeClock()
        self.tail = self.new_tail()

    def now(self) -> datetime:
        """Return the world's time."""
        return BEGAN + timedelta(seconds=self.world.agenda.now)

    def new_tail(self) -> LogTail:
        """Return a tail that knows nothing yet."""
        log = LogFolder(self.log.path, "cp1252")
        return LogTail(log, self.clock, None, wants_moment=True, follows=False)

    def told(self, seconds: float = 0.0, tail: LogTail | None = None) -> Told:
        """Let time pass and read."""
        for _ in range(10):
            self.world.advance(self.world.agenda.now + seconds / 10)
            self.log.follow()
        return (tail or self.tail).read(Deadline(10**9))


@pytest.fixture(params=[(form, time) for form in text.MessageFormat for time in text.TimeFormat])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    """A host in every format."""
    return Rig(tmp_path / "host", text.LogProfile(*request.param))


def test_its_readers_know_what_it_says(rig: Rig) -> None:
    """Switchover, crash and restart, in every form and with every stamp."""
    assert rig.told().state.mode is SipMode.PRIMARY
    assert rig.told().application == "SIP_Server_east_1"
    rig.cluster.management.switch_over()
    assert rig.told(2).state.mode is SipMode.BACKUP
    rig.cluster.fail(ONE)
    before = {file: file.stat().st_size for file in rig.folder.iterdir()}
    assert rig.told(90).state.mode is SipMode.BACKUP  # a dead process writes nothing
    assert {file: file.stat().st_size for file in rig.folder.iterdir()} == before
    rig.cluster.restart(ONE)
    told = rig.told(5)
    assert (told.state.mode, told.state.start) == (SipMode.BACKUP, "2031-02-03T04:06:39")


def test_check_points_are_a_sign_of_life(rig: Rig) -> None:
    """One a minute, and each tells the date."""
    moment = rig.told(125).moment

    assert moment is not None
    assert 0 <= (rig.now().replace(tzinfo=None) - moment).total_seconds() <= 60


def test_it_rotates_and_stays_small(tmp_path: Path) -> None:
    """The oldest segments go; who follows knows the role, who begins does not."""
    rig = Rig(tmp_path / "host", replace(text.LogProfile(), segment_bytes=2000, expire=3))
    for _ in range(120):
        assert rig.told(60).state.mode is SipMode.PRIMARY
    files = list(rig.folder.iterdir())

    assert len(files) == 3
    assert sum(file.stat().st_size for file in files) < 10_000
    late = rig.told(0, rig.new_tail()).problem
    assert late is not None
    assert late.reason is Reason.ROLE_ROTATED_AWAY


def test_its_faults(tmp_path: Path) -> None:
    """Each happens once; the next role is told again."""
    rig = Rig(tmp_path / "host", text.LogProfile())
    rig.host.faults = replace(rig.host.faults, log=LogFault.ROLE_ROTATED_OUT)
    rig.told(1)
    rig.told(1)
    assert not any("04563" in file.read_text("cp1252") for file in rig.folder.iterdir())
    rig.host.faults = replace(rig.host.faults, log=LogFault.TRUNCATED)
    rig.told()
    assert min(file.stat().st_size for file in rig.folder.iterdir()) == 0
    rig.cluster.management.switch_over()
    assert rig.told(2).state.mode is SipMode.BACKUP


def test_a_host_that_is_cut_off_takes_its_log_with_it(tmp_path: Path) -> None:
    """It writes on all the same."""
    rig = Rig(tmp_path / "host", text.LogProfile())
    assert rig.told().problem is None
    rig.cluster.disconnect(ONE)
    problem = rig.told(130).problem
    assert problem is not None
    assert problem.reason is Reason.UNREACHABLE
    rig.cluster.reconnect(ONE)
    rig.log.follow()
    assert any("04120" in file.read_text("cp1252") for file in rig.folder.iterdir())
