"""Readings of back end cim: whose answer counts, and which readings share one call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.clock import Deadline, Instant
from cluster.model import (
    NlbParams,
    NodeState,
    NodeStatus,
    PortRule,
    PortState,
    PortStatus,
    Problem,
    Reading,
    Reason,
)
from cluster.nlb.cim_query import GATHER_SECONDS, CimQuery, SharedCalls
from cluster.runners.request import Answer, Permit, Request, Verb
from tests.unit import exporter_samples as samples

DATA = Path(__file__).parents[1] / "data" / "cim"
HEALTHY = (DATA / "state_healthy.json").read_text("utf-8")
RULE = PortRule("all", 5070, 5071, "udp")
DEADLINE = Deadline(samples.BEGIN.monotonic + 5)
ANSWER = Answer("cmd", samples.BEGIN, samples.BEGIN.plus(0.5), True, b"", b"", 0)


class Clock:
    """A clock that stands still; `on_pause` happens while somebody waits for others to join."""

    def __init__(self) -> None:
        self.moment = samples.BEGIN
        self.on_pause: Callable[[], None] = lambda: None
        self.joined = threading.Semaphore(0)

    def now(self) -> Instant:
        """Return the moment."""
        return self.moment

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """A pause ends at once; who waits for an answer really waits for it."""
        if seconds <= GATHER_SECONDS:
            self.on_pause()
            return wake.is_set()
        self.joined.release()
        woken = wake.wait(10)
        assert woken
        return True


class Says:
    """A runner that always answers the same."""

    def __init__(self, text: str, err: str = "", problem: Problem | None = None) -> None:
        self.answer = replace(ANSWER, stdout=text.encode(), stderr=err.encode(), problem=problem)
        self.requests: list[Request] = []

    def run(self, request: Request, _deadline: Deadline, _permit: Permit | None = None) -> Answer:
        """Answer."""
        self.requests.append(request)
        return self.answer


def query(runner: Says, cluster_ip: str = "10.7.0.100", host_id: int = 3) -> CimQuery:
    """Return the readings of a host that answers so."""
    return CimQuery(runner, cluster_ip, host_id, Clock())


def test_a_reading_carries_command_times_and_raw_output() -> None:
    """What was asked, when, and what came back stand beside the value."""
    runner = Says(HEALTHY, "hm")
    reading = query(runner).node(DEADLINE)
    assert reading == Reading(
        NodeStatus(NodeState.CONVERGED, "10.7.0.100", 3, False, clusters=1),
        "cim node",
        samples.BEGIN,
        samples.BEGIN.plus(0.5),
        command="cmd",
        raw=f"{HEALTHY}hm\n[exit status 0]",
    )
    assert runner.requests == [Request(Verb.QUERY)]


def test_each_reading_has_its_own_part_of_the_answer() -> None:
    """Port and parameters come from the same read-out; there are no packet counters."""
    asked = query(Says(HEALTHY))
    port, params = asked.port(RULE, DEADLINE), asked.params(DEADLINE)
    assert (port.source, port.value, port.problem) == (
        "cim port",
        PortStatus(PortState.ENABLED),
        None,
    )
    assert (params.source, params.problem, params.value.mac) == (
        "cim params",
        None,
        "03-bf-0a-07-00-64",
    )


@pytest.mark.parametrize(
    ("cluster_ip", "host_id", "state"),
    [("10.7.0.100", 3, PortState.DISABLED), ("10.8.0.200", 9, PortState.ENABLED)],
)
def test_the_configured_cluster_selects_the_instance(
    cluster_ip: str, host_id: int, state: PortState
) -> None:
    """On a host with several clusters the configured one is read."""
    runner = Says((DATA / "state_two_clusters.json").read_text("utf-8"))
    reading = query(runner, cluster_ip, host_id).port(RULE, DEADLINE)
    assert (reading.value.state, reading.problem) == (state, None)


@pytest.mark.parametrize(
    ("text", "cluster_ip", "host_id", "problem"),
    [
        (
            HEALTHY,
            "10.9.0.1",
            3,
            Problem(Reason.OTHER_CLUSTER, "configured is 10.9.0.1, the host reports 10.7.0.100"),
        ),
        (
            HEALTHY,
            "10.7.0.100",
            7,
            Problem(Reason.OTHER_HOST, "configured is host id 7, the answer is of host id 3"),
        ),
        (
            HEALTHY.replace('"HostPriority":3', '"HostPriority":null'),
            "10.7.0.100",
            3,
            Problem(
                Reason.MALFORMED,
                "HostPriority is missing, so that nothing says whose answer this is",
            ),
        ),
        (
            " ",
            "10.7.0.100",
            3,
            Problem(Reason.NO_OUTPUT, "the script printed nothing, but complained: no policy"),
        ),
    ],
)
def test_an_answer_of_somebody_else_is_no_answer(
    text: str, cluster_ip: str, host_id: int, problem: Problem
) -> None:
    """Another cluster, another host or nobody: then everything is unknown, and it is said why."""
    asked = query(Says(text, "no policy"), cluster_ip, host_id)
    found = asked.node(DEADLINE), asked.port(RULE, DEADLINE), asked.params(DEADLINE)
    assert [reading.value for reading in found] == [NodeStatus(), PortStatus(), NlbParams()]
    assert {reading.problem for reading in found} == {problem}


def test_an_answer_that_failed_is_never_read() -> None:
    """Half an answer has only the reason why it is half."""
    late = Problem(Reason.TIMEOUT, "after 2.0 s")
    reading = query(Says(HEALTHY, problem=late)).port(RULE, DEADLINE)
    assert (reading.value, reading.problem) == (PortStatus(), late)


def test_numbers_of_no_document_are_said() -> None:
    """A state that is unknown has its problem; the other readings go on."""
    asked = query(Says(HEALTHY.replace("1007", "4711").replace('"PortState":1', '"PortState":9')))
    words = (
        "cluster 10.7.0.100: StatusCode 4711 is not documented; "
        "cluster 10.7.0.100: rule all 5070-5071 udp: PortState 9 is not documented"
    )
    node, port, params = asked.node(DEADLINE), asked.port(RULE, DEADLINE), asked.params(DEADLINE)
    assert node.value == NodeStatus(NodeState.UNKNOWN, "10.7.0.100", 3, clusters=1)
    assert (node.problem, port.problem) == (Problem(Reason.UNKNOWN_TEXT, words),) * 2
    assert (params.problem, len(params.value.rules or ())) == (None, 3)


def test_who_joined_goes_when_its_time_is_over() -> None:
    """A call that hangs does not keep a reading with an earlier deadline; it says that it is late."""
    clock = Clock()
    asked = CimQuery(Says(HEALTHY), "10.7.0.100", 3, clock)
    late: list[Reading[PortStatus]] = []

    def other() -> None:
        clock.on_pause = lambda: None
        late.append(asked.port(RULE, Deadline(clock.moment.monotonic)))

    clock.on_pause = other
    assert asked.node(DEADLINE).problem is None
    assert [(reading.value, reading.asked, reading.problem) for reading in late] == [
        (PortStatus(), samples.BEGIN, Problem(Reason.TIMEOUT, "no answer by the deadline"))
    ]


class Asked:
    """Threads that ask for an answer, and what they got."""

    def __init__(self, calls: SharedCalls) -> None:
        self.calls = calls
        self.got: list[Answer | None] = []
        self.threads: list[threading.Thread] = []

    def ask(self, deadline: Deadline = DEADLINE) -> None:
        """Ask in a thread of its own."""
        thread = threading.Thread(
            target=lambda: self.got.append(self.calls.answer(deadline)), daemon=True
        )
        self.threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait for all of them."""
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


def test_readings_that_ask_before_the_call_starts_share_it() -> None:
    """Two that come while the first waits for others get the very same answer."""
    clock, begun = Clock(), []

    def run(deadline: Deadline) -> Answer:
        begun.append(deadline)
        return replace(ANSWER, command=f"call {len(begun)}")

    asked = Asked(SharedCalls(run, clock))

    def others() -> None:
        asked.ask()
        asked.ask(Deadline(DEADLINE.monotonic - 1))
        assert clock.joined.acquire(timeout=10)
        assert clock.joined.acquire(timeout=10)

    clock.on_pause = others
    first = asked.calls.answer(DEADLINE)
    asked.join()
    assert first is not None
    assert (first.command, asked.got, begun) == ("call 1", [first, first], [DEADLINE])


def test_a_call_under_way_is_never_joined() -> None:
    """Its question was sent earlier, so its answer may be older than the reading allows."""
    clock, under_way, go_on = Clock(), threading.Event(), threading.Event()
    calls: list[str] = []

    def run(_deadline: Deadline) -> Answer:
        calls.append(f"call {len(calls) + 1}")
        answer = replace(ANSWER, command=calls[-1])
        if len(calls) == 1:
            under_way.set()
            assert go_on.wait(10)
        return answer

    asked = Asked(SharedCalls(run, clock))
    asked.ask()
    assert under_way.wait(10)
    second = asked.calls.answer(DEADLINE)
    assert second is not None
    assert (second.command, asked.got) == ("call 2", [])
    go_on.set()
    asked.join()
    assert [answer.command for answer in asked.got if answer] == ["call 1"]


def test_a_reading_with_more_time_does_not_join_one_with_less() -> None:
    """The call would end too early for it: it begins its own, which the next ones join."""
    clock = Clock()
    deadlines: list[Deadline] = []

    def run(deadline: Deadline) -> Answer:
        deadlines.append(deadline)
        return ANSWER

    calls = SharedCalls(run, clock)
    patient = Deadline(DEADLINE.monotonic + 1)

    def other() -> None:
        clock.on_pause = lambda: None
        assert calls.answer(patient) == ANSWER

    clock.on_pause = other
    assert calls.answer(DEADLINE) == ANSWER
    assert deadlines == [patient, DEADLINE]


def test_a_call_that_breaks_frees_those_who_joined() -> None:
    """Whoever began it gets the error; the others have no answer, and the next call is new."""
    clock = Clock()
    calls: list[Deadline] = []

    def run(deadline: Deadline) -> Answer:
        calls.append(deadline)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return ANSWER

    asked = Asked(SharedCalls(run, clock))

    def other() -> None:
        asked.ask()
        assert clock.joined.acquire(timeout=10)

    clock.on_pause = other
    with pytest.raises(RuntimeError, match="a bug"):
        asked.calls.answer(DEADLINE)
    asked.join()
    clock.on_pause = lambda: None
    assert (asked.got, asked.calls.answer(DEADLINE)) == ([None], ANSWER)
