"""The simulated site plays the documented workflows in the documented times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import SipMode
from simulator.agenda import KEPT_EVENTS, Agenda, EventLog
from simulator.description import usual_site
from simulator.knobs import Knobs, Overlap, quick
from simulator.management_layer import NotPossibleError
from simulator.world import ClusterRun, World

ONE, TWO = "sip-east-1", "sip-east-2"
KNOBS = replace(
    quick(),
    overlap_seconds=1.25,
    failure_seconds=0.75,
    addp_seconds=6.5,
    return_seconds=0.4,
    demotion_seconds=1.5,
    start_seconds=2.5,
)


def site(knobs: Knobs = KNOBS) -> tuple[World, ClusterRun]:
    """Return a site of one cluster, 10 seconds old."""
    world = World(usual_site(1, knobs))
    world.advance(10.0)
    return world, world.clusters["sip-east"]


def modes(cluster: ClusterRun) -> tuple[SipMode, SipMode]:
    """Return the true modes of both hosts."""
    return cluster.hosts[ONE].server.mode, cluster.hosts[TWO].server.mode


def events(world: World) -> list[tuple[float, str, str, int | None]]:
    """Return what happened so far."""
    return [(e.at, e.host, e.what, e.number) for e in world.events_of("sip-east")]


def test_a_manual_switchover_passes_through_two_backups() -> None:
    """In a switchover both servers are backup for the overlap, then the other is primary."""
    world, cluster = site()
    cluster.management.switch_over()
    assert modes(cluster) == (SipMode.BACKUP, SipMode.BACKUP)
    world.advance(11.2)
    assert modes(cluster) == (SipMode.BACKUP, SipMode.BACKUP)
    world.advance(12.0)
    assert modes(cluster) == (SipMode.BACKUP, SipMode.PRIMARY)
    assert events(world) == [
        (10.0, "", f"manual switchover from {ONE} to {TWO} begins", None),
        (10.0, ONE, "SIP Server became backup", 5151),
        (11.25, TWO, "SIP Server became primary", 5150),
        (11.25, TWO, "is the only primary now", None),
    ]
    assert (cluster.sole_primary(), cluster.primary_since) == (TWO, 11.25)


def test_a_switchover_may_pass_through_two_primaries() -> None:
    """With the other kind of overlap both servers are primary for a moment."""
    world, cluster = site(replace(KNOBS, overlap=Overlap.PRIMARY_PRIMARY))
    cluster.management.switch_over()
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.PRIMARY)
    assert cluster.sole_primary() is None
    world.advance(12.0)
    assert modes(cluster) == (SipMode.BACKUP, SipMode.PRIMARY)
    assert cluster.primary_since == 11.25


def test_a_switchover_is_refused_while_one_is_under_way() -> None:
    """The Management Layer does one switchover at a time."""
    _, cluster = site()
    cluster.management.switch_over()
    with pytest.raises(NotPossibleError, match=r"\Aa switchover is already under way\Z"):
        cluster.management.switch_over()


def test_a_switchover_needs_a_running_backup() -> None:
    """With the backup dead nobody can be switched to."""
    world, cluster = site()
    cluster.fail(TWO)
    world.advance(12.0)
    with pytest.raises(NotPossibleError, match=r"\Athere is no running backup to switch to\Z"):
        cluster.management.switch_over()


def test_a_switchover_needs_a_primary() -> None:
    """With both servers dead nobody can be switched from."""
    world, cluster = site()
    cluster.fail(ONE)
    cluster.fail(TWO)
    world.advance(12.0)
    with pytest.raises(NotPossibleError, match=r"\Athere is no primary to switch from\Z"):
        cluster.management.switch_over()
    with pytest.raises(NotPossibleError, match=r"\Athere is no primary; name a host\Z"):
        cluster.fail()


def test_a_switchover_to_a_server_that_dies_meanwhile_ends_with_the_old_primary() -> None:
    """If the new primary dies within the overlap, the Management Layer takes the other again."""
    world, cluster = site()
    cluster.management.switch_over()
    world.advance(10.6)
    cluster.fail(TWO)
    world.advance(13.0)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.UNKNOWN)


def test_a_death_noticed_within_the_overlap_waits_for_its_end() -> None:
    """The Management Layer first finishes the switchover, then mends what came of it."""
    world, cluster = site()
    cluster.management.switch_over()
    world.advance(10.2)
    cluster.fail(TWO)
    world.advance(11.2)
    assert modes(cluster) == (SipMode.BACKUP, SipMode.UNKNOWN)
    world.advance(11.25)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.UNKNOWN)


def test_a_returning_host_that_is_switched_to_is_not_demoted_afterwards() -> None:
    """A demotion that is due finds the host to be the wanted primary and leaves it."""
    world, cluster = site()
    cluster.disconnect()
    world.advance(20.0)
    cluster.reconnect()
    world.advance(20.5)
    cluster.management.switch_over()
    world.advance(30.0)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.BACKUP)
    assert [e for e in events(world) if e[3] == 5151] == [
        (20.5, TWO, "SIP Server became backup", 5151)
    ]


def test_a_host_that_was_lost_again_is_not_demoted() -> None:
    """A demotion that is due finds the host gone and leaves it."""
    world, cluster = site(replace(KNOBS, addp_seconds=0.3))
    cluster.disconnect()
    world.advance(20.0)
    cluster.reconnect()
    world.advance(20.5)
    cluster.disconnect(ONE)
    world.advance(30.0)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.PRIMARY)
    assert [e for e in events(world) if e[3] == 5151] == []


def test_a_dead_primary_says_no_farewell_and_its_peer_is_promoted() -> None:
    """A failure has an event of promotion and none of demotion; the restart is a backup."""
    world, cluster = site()
    assert cluster.fail() == ONE
    assert modes(cluster) == (SipMode.UNKNOWN, SipMode.BACKUP)
    world.advance(11.0)
    assert modes(cluster) == (SipMode.UNKNOWN, SipMode.PRIMARY)
    assert cluster.restart() == ONE
    world.advance(20.0)
    assert modes(cluster) == (SipMode.BACKUP, SipMode.PRIMARY)
    assert events(world) == [
        (10.0, ONE, "SIP Server process died", None),
        (10.75, ONE, "Management Layer lost it", None),
        (10.75, TWO, "SIP Server became primary", 5150),
        (10.75, TWO, "is the only primary now", None),
        (13.5, ONE, "SIP Server process started as backup", None),
        (13.9, ONE, "Management Layer sees it again", None),
    ]
    assert cluster.hosts[ONE].server.process_id == 4713


def test_a_primary_that_restarts_before_it_was_missed_is_made_primary_again() -> None:
    """A quick restart leaves no pair of backups behind."""
    world, cluster = site(replace(KNOBS, start_seconds=0.1, failure_seconds=5.0))
    cluster.fail()
    cluster.restart()
    world.advance(10.2)
    assert modes(cluster) == (SipMode.BACKUP, SipMode.BACKUP)
    world.advance(11.0)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.BACKUP)


def test_a_host_that_is_cut_off_stays_primary_until_it_returns_and_is_demoted() -> None:
    """After a disconnect there are two primaries; the returning one is demoted after a while."""
    world, cluster = site()
    assert cluster.disconnect() == ONE
    world.advance(16.4)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.BACKUP)
    assert cluster.sole_primary() is None
    world.advance(16.5)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.PRIMARY)
    assert (cluster.sole_primary(), cluster.primary_since) == (TWO, 16.5)
    assert cluster.hosts[ONE].server.facts.scs_connected is False
    world.advance(30.0)
    assert cluster.reconnect() == ONE
    world.advance(31.8)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.PRIMARY)
    assert cluster.sole_primary() is None
    world.advance(31.9)
    assert modes(cluster) == (SipMode.BACKUP, SipMode.PRIMARY)
    assert (cluster.sole_primary(), cluster.primary_since) == (TWO, 31.9)
    assert cluster.hosts[ONE].server.facts.scs_connected is True


def test_a_short_loss_of_network_changes_no_mode() -> None:
    """A host that is back before the Management Layer misses it stays what it was."""
    world, cluster = site()
    cluster.disconnect(TWO)
    world.advance(12.0)
    cluster.reconnect(TWO)
    world.advance(40.0)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.BACKUP)


def test_a_returning_host_that_goes_again_is_not_demoted_in_its_absence() -> None:
    """An order to a host that cannot be reached is lost."""
    world, cluster = site()
    cluster.disconnect()
    world.advance(20.0)
    cluster.reconnect()
    world.advance(20.5)
    cluster.disconnect(ONE)
    world.advance(26.0)
    assert modes(cluster) == (SipMode.PRIMARY, SipMode.PRIMARY)


@pytest.mark.parametrize(
    ("prepare", "operation", "message"),
    [
        (
            None,
            lambda c: c.fail("sip-east-9"),
            "no host 'sip-east-9' in sip-east; it has sip-east-1, sip-east-2",
        ),
        ("fail", lambda c: c.fail(ONE), "no SIP Server runs on sip-east-1"),
        (None, lambda c: c.restart(), "every SIP Server of the cluster runs"),
        (None, lambda c: c.restart(TWO), "the SIP Server on sip-east-2 runs already"),
        ("disconnect", lambda c: c.disconnect(ONE), "sip-east-1 is cut off already"),
        (None, lambda c: c.reconnect(), "every host of the cluster is on the network"),
        (None, lambda c: c.reconnect(TWO), "sip-east-2 is on the network"),
    ],
)
def test_what_the_state_does_not_allow_is_refused(prepare, operation, message) -> None:
    """An operation that makes no sense now is refused with the reason."""
    _, cluster = site()
    if prepare:
        getattr(cluster, prepare)(ONE)
    with pytest.raises(NotPossibleError) as refused:
        operation(cluster)
    assert str(refused.value) == message


def test_a_second_launch_of_the_same_server_changes_nothing() -> None:
    """Two restarts asked for at once start one process."""
    world, cluster = site()
    cluster.fail()
    cluster.restart()
    cluster.restart()
    world.advance(30.0)
    assert cluster.hosts[ONE].server.process_id == 4713


def test_an_unknown_cluster_is_named_with_those_there_are() -> None:
    """Asking for a cluster that the site has not says which it has."""
    world = World(usual_site(2, KNOBS))
    with pytest.raises(NotPossibleError) as refused:
        world.cluster("sip-south")
    assert str(refused.value) == "no cluster 'sip-south' in this site; it has sip-east, sip-west"


def test_clusters_do_not_touch_each_other() -> None:
    """A switchover in one cluster leaves the other alone."""
    world = World(usual_site(6, KNOBS))
    world.clusters["sip-006"].management.switch_over()
    world.advance(5.0)
    assert world.clusters["sip-006"].sole_primary() == "sip-006-2"
    assert world.clusters["sip-west"].sole_primary() == "sip-west-1"
    assert world.events_of("sip-west") == ()


def test_a_server_knows_what_it_knew_some_seconds_ago() -> None:
    """The past of a server can be asked for, as far back as the page may lag."""
    world, cluster = site()
    cluster.management.switch_over()
    world.advance(200.0)
    cluster.management.switch_over()
    world.advance(210.0)
    server = cluster.hosts[ONE].server
    assert [server.facts_at(at).mode for at in (150.0, 201.0, 201.3)] == [
        SipMode.BACKUP,
        SipMode.BACKUP,
        SipMode.PRIMARY,
    ]


def test_only_what_is_still_needed_of_the_past_is_kept() -> None:
    """Facts older than any lag are forgotten; the oldest kept stands for them."""
    world, cluster = site()
    cluster.management.switch_over()
    world.advance(20.0)
    cluster.management.switch_over()
    world.advance(300.0)
    cluster.management.switch_over()
    world.advance(600.0)
    cluster.management.switch_over()
    world.advance(610.0)
    server = cluster.hosts[ONE].server
    assert [server.facts_at(at).mode for at in (0.0, 601.0, 601.3)] == [
        SipMode.BACKUP,
        SipMode.BACKUP,
        SipMode.PRIMARY,
    ]


def test_time_never_goes_back() -> None:
    """A moment that has passed changes nothing and is not gone back to."""
    agenda = Agenda()
    agenda.advance(7.0)
    agenda.advance(3.0)
    assert agenda.now == 7.0


def test_the_oldest_events_make_room() -> None:
    """Of a long run the latest events are kept."""
    agenda = Agenda()
    log = EventLog(agenda)
    for number in range(KEPT_EVENTS + 3):
        log.add("sip-east", "", "something", number)
    assert [log.of("sip-east")[0].number, len(log.of("sip-east"))] == [3, KEPT_EVENTS]


def test_a_host_that_is_asked_from_itself_answers_without_a_network() -> None:
    """Programs on a node that is cut off still reach the node."""
    _, cluster = site()
    cluster.disconnect(ONE)
    host = cluster.hosts[ONE]
    assert not host.can_be_asked

    host.asked_from_itself = True

    assert (host.connected, host.can_be_asked) == (False, True)
