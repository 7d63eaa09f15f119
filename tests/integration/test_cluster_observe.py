"""Looking at a cluster: side by side, under one deadline, nobody at another's cost."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.clock import Clock, Deadline, Instant, SystemClock, deadline_in
from cluster.config import parse
from cluster.config_model import Cluster, Host
from cluster.host_reader import HostReader, host_readers
from cluster.model import (
    HostView,
    NodeState,
    PortState,
    Problem,
    Reading,
    Reason,
    SipMode,
)
from cluster.nlb.back_ends import BACK_ENDS
from cluster.observe import observe
from cluster.runners.request import Answer, Permit, Request, Runner, Verb
from cluster.surroundings import Surroundings

pytestmark = pytest.mark.integration
DATA = Path(__file__).parents[1] / "data"
LONG_SECONDS = 20.0
TEXTS = {
    Verb.QUERY: (DATA / "nlb" / "query_healthy.txt").read_bytes(),
    Verb.QUERYPORT: (DATA / "nlb" / "queryport_enabled.txt").read_bytes(),
    Verb.PARAMS: (DATA / "nlb" / "params_healthy.txt").read_bytes(),
}
CLOCK = SystemClock()


class FakeRunner:
    """A host whose utility answers at once, or hangs until the test ends."""

    def __init__(self, clock: Clock, hanging: frozenset[Verb] = frozenset()) -> None:
        self._clock = clock
        self._hanging = hanging
        self.go = threading.Event()
        self.asked: list[Verb] = []
        self.error: Exception | None = None
        self.host_id = 0

    def run(self, request: Request, _deadline: Deadline, _permit: Permit | None = None) -> Answer:
        """Answer."""
        asked = self._clock.now()
        self.asked.append(request.verb)
        if self.error is not None:
            raise self.error
        if request.verb in self._hanging:
            assert self.go.wait(LONG_SECONDS)
        text = TEXTS[request.verb].replace(b"Host 3", b"Host %d" % self.host_id)
        text = re.sub(rb"(HostPriority *= )3", rb"\g<1>%d" % self.host_id, text)
        return Answer(f"nlb {request.verb}", asked, self._clock.now(), True, text)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Return a cluster whose pages refuse every connection."""
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        text = (DATA / "config" / "sound.yml").read_text("utf-8")
        for host in ("10.7.0.11", "10.7.0.12"):
            refused = f"http://127.0.0.1:{refusing.getsockname()[1]}/{host}"
            text = text.replace(f"http://{host}:8090", refused)
        yield parse(text, "clusters.yml").clusters[0]


def reader_with(cluster: Cluster, host: Host, runner: Runner) -> HostReader:
    """Wire the reader of one host to a runner."""
    given = Surroundings(CLOCK)
    back_end = BACK_ENDS["nlb"]
    nlb = back_end.reads(cluster, host, runner, back_end.dialect(cluster, host, given), given)
    return HostReader(cluster, host, given, nlb, back_end.sources)


def readers_of(cluster: Cluster, *runners: FakeRunner) -> list[HostReader]:
    """Wire the readers of a cluster's hosts to runners that answer as these hosts."""
    for host, runner in zip(cluster.hosts, runners, strict=True):
        runner.host_id = host.host_id
    return [
        reader_with(cluster, host, runner)
        for host, runner in zip(cluster.hosts, runners, strict=True)
    ]


def states(host: HostView) -> tuple[SipMode, NodeState, PortState, int | None]:
    """Return what was read of a host."""
    return host.mode, host.node_state, host.ports[0][1].value.state, host.params.value.host_id


HEALTHY = SipMode.UNKNOWN, NodeState.CONVERGED, PortState.ENABLED, 3
"""The first host: its page refuses; everything else was read."""
SECOND = (*HEALTHY[:3], 7)


def problem_of(reading: Reading[object]) -> Problem | None:
    """Return what is wrong with a reading."""
    return reading.problem


def test_everything_of_every_host_is_read(cluster: Cluster) -> None:
    """All readings of both hosts are taken after the look began and before it ended."""
    runners = FakeRunner(CLOCK), FakeRunner(CLOCK)
    view = observe(cluster, readers_of(cluster, *runners), deadline_in(CLOCK, LONG_SECONDS), CLOCK)
    assert (view.cluster, view.rules) == ("porto", cluster.rules)
    assert [host.host for host in view.hosts] == ["porto-1", "porto-2"]
    assert [states(host) for host in view.hosts] == [HEALTHY, SECOND]
    for runner in runners:
        assert sorted(runner.asked) == [Verb.PARAMS, Verb.QUERY, Verb.QUERYPORT]
    for host in view.hosts:
        refused = problem_of(host.sip[0])
        assert refused is not None
        assert refused.reason is Reason.UNREACHABLE
        for reading in host.readings():
            assert view.began.monotonic <= reading.asked.monotonic
            assert reading.answered.monotonic <= view.ended.monotonic


def test_a_host_that_hangs_costs_the_others_nothing(cluster: Cluster) -> None:
    """At the deadline the hanging host is unknown, the other one is whole."""
    stuck = FakeRunner(CLOCK, frozenset({Verb.QUERY, Verb.QUERYPORT}))
    readers = readers_of(cluster, stuck, FakeRunner(CLOCK))
    try:
        view = observe(cluster, readers, deadline_in(CLOCK, 0.4), CLOCK, 0.1)
        assert [states(host) for host in view.hosts] == [
            (SipMode.UNKNOWN, NodeState.UNKNOWN, PortState.UNKNOWN, 3),
            SECOND,
        ]
        late = Problem(Reason.TIMEOUT, "no answer by the look's deadline")
        for reading in (view.hosts[0].node, view.hosts[0].ports[0][1]):
            assert problem_of(reading) == late
            assert (reading.asked, reading.answered) == (view.began, view.ended)
        assert 0.5 <= view.ended.seconds_since(view.began) < 2
    finally:
        stuck.go.set()


def test_a_reading_that_still_hangs_is_not_begun_again(cluster: Cluster) -> None:
    """The next look finds it busy; once it has come back it is read again."""
    stuck = FakeRunner(CLOCK, frozenset({Verb.QUERY}))
    readers = readers_of(cluster, stuck, FakeRunner(CLOCK))
    try:
        observe(cluster, readers, deadline_in(CLOCK, 0.2), CLOCK)
        second = observe(cluster, readers, deadline_in(CLOCK, LONG_SECONDS), CLOCK)
        assert problem_of(second.hosts[0].node) == Problem(
            Reason.BUSY, "an earlier reading still hangs"
        )
        assert stuck.asked.count(Verb.QUERY) == 1
    finally:
        stuck.go.set()
    while problem_of(readers[0].node(deadline_in(CLOCK, LONG_SECONDS))) is not None:
        assert CLOCK.now() is not None
    assert stuck.asked.count(Verb.QUERY) == 2


def test_a_late_reading_can_say_that_it_was_late(cluster: Cluster) -> None:
    """A reading that reports its own failure just after the deadline is heard in the grace."""

    class LateRunner(FakeRunner):
        def run(
            self, _request: Request, deadline: Deadline, _permit: Permit | None = None
        ) -> Answer:
            asked = self._clock.now()
            CLOCK.wait(deadline.remaining(asked) + 0.05, threading.Event())
            problem = Problem(Reason.TIMEOUT, "nlb was still running after 0.3 s")
            return Answer("nlb", asked, self._clock.now(), True, problem=problem)

    readers = readers_of(cluster, LateRunner(CLOCK), FakeRunner(CLOCK))
    view = observe(cluster, readers, deadline_in(CLOCK, 0.3), CLOCK, LONG_SECONDS)
    assert problem_of(view.hosts[0].node) == Problem(
        Reason.TIMEOUT, "nlb was still running after 0.3 s"
    )
    assert view.ended.seconds_since(view.began) < LONG_SECONDS


def test_a_bug_in_one_reader_is_a_reading_too(cluster: Cluster) -> None:
    """An unexpected error in reading one host is named there and leaves the other whole."""
    broken = FakeRunner(CLOCK)
    broken.error = ZeroDivisionError("oh")
    view = observe(
        cluster,
        readers_of(cluster, broken, FakeRunner(CLOCK)),
        deadline_in(CLOCK, LONG_SECONDS),
        CLOCK,
    )
    assert problem_of(view.hosts[0].params) == Problem(Reason.BUG, "ZeroDivisionError: oh")
    assert states(view.hosts[1]) == SECOND


def test_only_the_given_hosts_are_looked_at(cluster: Cluster) -> None:
    """A look at one host asks no other."""
    first, second = FakeRunner(CLOCK), FakeRunner(CLOCK)
    readers = readers_of(cluster, first, second)
    view = observe(cluster, readers[:1], deadline_in(CLOCK, LONG_SECONDS), CLOCK)
    assert ([host.host for host in view.hosts], second.asked) == (["porto-1"], [])


def test_nothing_read_yet_is_unknown_everywhere(cluster: Cluster) -> None:
    """A view of what was never read has the reason in each reading, and each source's lag."""
    reader = host_readers(cluster, Surroundings(CLOCK))[0]
    now: Instant = CLOCK.now()
    view = reader.unread(Reason.NEVER_READ, "not yet", now)
    assert states(view) == (SipMode.UNKNOWN, NodeState.UNKNOWN, PortState.UNKNOWN, None)
    assert {problem_of(reading) for reading in view.readings()} == {
        Problem(Reason.NEVER_READ, "not yet")
    }
    assert [reading.lag_seconds for reading in view.sip] == [10.0]
