"""Two remediators on one PostgreSQL: one acts, and the other when that one cannot.

What takes longer is in `tests.integration.cut_off`, which `make replicas` runs.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.replicas import (
    LEASE,
    Replica,
    make_replica,
    seconds_until,
    started,
)
from tests.integration.running import RunningSite, run_site, until
from tests.integration.test_remediator import ONE, TWO, alert, payload, ports
from tests.postgres import PostgresServer, run_postgres

pytestmark = pytest.mark.integration

FIRST, SECOND = ("enabled", "disabled"), ("disabled", "enabled")
SOON = LEASE + 2.0
"""A takeover, and the look after it."""


@pytest.fixture(scope="module")
def running_server(real_part: Callable[[str], Path]) -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests here."""
    yield from run_postgres(real_part)


@pytest.fixture
def server(running_server: PostgresServer) -> PostgresServer:
    """The PostgreSQL, empty."""
    if running_server.process is None or running_server.process.poll() is not None:
        running_server.start()
    running_server.empty()
    return running_server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


def switch_over(site: RunningSite, primary: str) -> None:
    """Let a host become primary, and the other backup."""
    assert site.post("/api/v1/clusters/sip-east/switchover").ok
    other = TWO if primary == ONE else ONE
    until(lambda: (site.host(primary)["mode"], site.host(other)["mode"]) == ("primary", "backup"))


def outcomes(replica: Replica) -> list[tuple[str, str, str | None]]:
    """Return host, verb and outcome of every action in the journal, oldest first."""
    return [(row["host"], row["verb"], row["outcome"]) for row in replica.rows("action")]


def is_done(replica: Replica) -> bool:
    """Tell whether nothing that was begun is open."""
    return None not in {outcome for _, _, outcome in outcomes(replica)}


def test_one_acts_and_the_other_takes_over_when_it_is_killed_or_stopped(
    site: RunningSite, server: PostgresServer, tmp_path: Path
) -> None:
    """An alert that only the waiting one got is carried out by the one that has the lease.

    Killed, the other one has the cluster within the lease; told to stop, at once. The one that
    takes over looks without any alert.
    """
    one, two = (make_replica(name, site, server, tmp_path) for name in ("one", "two"))
    with started(one, two):
        holder = one.lease()["holder"]
        until(lambda: two.lease()["holder"] == holder)
        assert (one.lease()["held"], two.lease()["held"]) == (True, False)
        switch_over(site, TWO)
        assert two.send(payload(alert())).ok
        until(lambda: ports(site) == SECOND)
        until(lambda: [row["outcome"] for row in one.rows("alert")] == ["remediated"])
        done = [(TWO, "enable", "verified"), (ONE, "disable", "verified")]
        assert outcomes(one) == outcomes(two) == done
        assert two.counted('sipnlb_remediator_actions_total{outcome="verified",verb="enable"}') == 0

        one.end(signal.SIGKILL)
        switch_over(site, ONE)
        assert seconds_until(lambda: ports(site) == FIRST) < SOON
        assert two.has_lease()
        until(lambda: "takeover" in {row["trigger"] for row in two.rows("decision")})

        one.start()
        assert not one.has_lease()
        switch_over(site, TWO)
        assert two.end(signal.SIGTERM) == 0
        assert seconds_until(one.has_lease) < 2.0
        until(lambda: ports(site) == SECOND)
        until(lambda: is_done(one))
        assert {outcome for _, _, outcome in outcomes(one)} == {"verified"}


def test_a_frozen_replica_sends_nothing_more_and_its_late_command_is_put_right(
    site: RunningSite, server: PostgresServer, tmp_path: Path
) -> None:
    """The other one takes over and closes what was open from a reading.

    A command that had left when the replica froze cannot be taken back: the next look mends what
    it does. The replica wakes after its lease, and begins nothing.
    """
    gate = tmp_path / "gate"
    one, two = (make_replica(name, site, server, tmp_path) for name in ("one", "two"))
    one.hold_commands(gate)
    with started(one, two):
        switch_over(site, TWO)
        assert one.send(payload(alert())).ok
        until((tmp_path / "gate.waits").exists)
        one.freeze()
        assert seconds_until(lambda: ports(site) == SECOND) < SOON
        switch_over(site, ONE)
        assert two.send(payload(alert())).ok
        until(lambda: ports(site) == FIRST)

        gate.touch()
        until(lambda: ports(site) == ("enabled", "enabled"))
        assert two.send(payload(alert())).ok
        until(lambda: ports(site) == FIRST)
        until(lambda: is_done(two))
        done = outcomes(two)
        assert done[0] == (TWO, "enable", "found_not_done")
        assert (done[-1], ports(site)) == ((TWO, "disable", "verified"), FIRST)

        one.thaw()
        assert one.send(payload(alert())).ok
        until(lambda: not one.has_lease())
        until(lambda: not [row for row in two.rows("alert") if row["outcome"] is None])
        assert (outcomes(one), ports(site)) == (done, FIRST)


def test_without_the_database_nothing_is_done_until_it_is_back(
    site: RunningSite, server: PostgresServer, tmp_path: Path
) -> None:
    """Both say why they are not ready and take no alert; then one repairs, without an alert."""
    one, two = (make_replica(name, site, server, tmp_path) for name in ("one", "two"))
    with started(one, two):
        server.stop(signal.SIGQUIT)
        switch_over(site, TWO)
        for replica in (one, two):
            assert replica.send(payload(alert())).status_code == 503
            status, text = replica.ready()
            assert (status, text.startswith("not ready: the journal does not answer:")) == (
                503,
                True,
            )
        until(lambda: "leases lost" in one.log.read_text())
        assert ports(site) == FIRST

        server.start()
        until(lambda: one.has_lease() or two.has_lease())
        until(lambda: ports(site) == SECOND)
        for replica in (one, two):
            until(lambda each=replica: each.ready()[0] == 200)  # type: ignore[misc]
        until(lambda: is_done(one))
        assert outcomes(one) == [(TWO, "enable", "verified"), (ONE, "disable", "verified")]
