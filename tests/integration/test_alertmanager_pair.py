"""Two Prometheus servers and two Alertmanagers that gossip, all real, in front of remediators.

What is told twice is repaired once, and killing each of them in turn during an incident loses no
repair. Alertmanager alone may keep one back: what one had told and died before it ended, the
other takes for told until ``repeat_interval`` is over. Then asking them (``resync``) finds it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.replicas import make_replica, seconds_until
from tests.integration.running import run_site, until
from tests.integration.running_pair import RunningPair, running_pair
from tests.integration.test_remediator import ONE, TWO, RunningRemediator
from tests.integration.test_sufferings import actions
from tests.postgres import run_postgres

pytestmark = pytest.mark.integration

RealPart = Callable[[str], Path]
TAKEN = 'sipnlb_remediator_webhooks_total{outcome="taken"}'
QUICK = ("--cluster.peer-timeout=2s", "--cluster.gossip-interval=50ms")
"""How long the second Alertmanager gives the first: 15 s by default, times its place in the row."""


@pytest.fixture(scope="module")
def pair(real_part: RealPart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPair]:
    """Everything twice: also the remediators, which share a PostgreSQL."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        contextmanager(run_postgres)(real_part) as server,
        contextmanager(run_site)(folder, "--lag", "0") as site,
    ):
        both = [make_replica(name, site, server, folder) for name in ("one", "two")]
        with running_pair(site, real_part, both, *QUICK) as running:
            until(lambda: any(each.has_lease() for each in both))
            yield running


def _is_idle(made: RunningRemediator) -> bool:
    return made.get("/api/v1/clusters/sip-east")["next_look_seconds"] is None


@contextmanager
def incident(pair: RunningPair) -> Iterator[None]:
    """Let the primary change; within the block it happens, after it one repair has ended.

    It is told by Alertmanager, or found by asking it: no look was to come when it began.
    """
    made, site = pair.remediators[-1], pair.site
    until(lambda: all(_is_idle(each) for each in pair.remediators))
    commands, ended = len(actions(made)), len(_remediations(made))
    old, new = (ONE, TWO) if site.host(ONE)["mode"] == "primary" else (TWO, ONE)
    assert site.post("/api/v1/clusters/sip-east/switchover").ok
    yield
    until(lambda: len(_remediations(made)) > ended)
    until(lambda: all(_is_idle(each) for each in pair.remediators))
    assert _remediations(made)[ended:] in (["alert"], ["resync"])
    assert actions(made)[commands:] == [(new, "enable", "verified"), (old, "disable", "verified")]
    until(lambda: all(row["outcome"] for row in made.rows("alert")))


def _remediations(made: RunningRemediator) -> list[str]:
    """Return why each look was taken that came to a repair."""
    return [row["trigger"] for row in made.rows("decision") if row["outcome"] == "remediated"]


def test_what_all_four_tell_is_repaired_once(pair: RunningPair) -> None:
    """Both Prometheus servers tell both Alertmanagers: one alert, one command to each host."""
    with incident(pair):
        pass

    told = {(row["fingerprint"], row["host"]) for row in pair.remediators[0].rows("alert")}
    assert len(told) == 2  # with the label replica it would be four
    for alertmanager in pair.alertmanagers:
        received = 'alertmanager_alerts_received_total{status="firing",version="v2"}'
        assert alertmanager.counted(received) > 0


def test_a_dead_remediator_delays_nothing_of_the_living_one(pair: RunningPair) -> None:
    """The acting one is killed: the other one is told at once, and repairs."""
    dying, living = sorted(pair.remediators, key=lambda each: not each.has_lease())
    taken = living.counted(TAKEN)
    assert taken > 0  # it was told before as well, while the other one acted
    dying.end(signal.SIGKILL)
    pair.remediators.remove(dying)
    until(living.has_lease)
    with incident(pair):
        seconds = seconds_until(lambda: living.counted(TAKEN) > taken)
    assert seconds < 10.0  # its wait for the dead one would have no end; the switchover takes 1 s


def test_one_of_each_that_dies_in_an_incident_loses_no_repair(pair: RunningPair) -> None:
    """Either Alertmanager tells the remediator, and either Prometheus sees the same.

    It is the last one here: nothing is started again. `make pairs` does that, and kills the others.
    """
    with incident(pair):
        pair.alertmanagers[1].end(signal.SIGKILL)
        pair.prometheus[0].end(signal.SIGKILL)
