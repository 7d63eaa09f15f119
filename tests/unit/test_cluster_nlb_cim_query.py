"""Readings of back end cim: whose answer counts, and which readings share one call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.clock import Deadline
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
from cluster.nlb.cim_query import CimQuery
from cluster.runners.request import Answer, Permit, Request, Verb
from tests.unit import exporter_samples as samples
from tests.unit.test_cluster_shared_calls import Clock

DATA = Path(__file__).parents[1] / "data" / "cim"
HEALTHY = (DATA / "state_healthy.json").read_text("utf-8")
RULE = PortRule("all", 5070, 5071, "udp")
DEADLINE = Deadline(samples.BEGIN.monotonic + 5)
ANSWER = Answer("cmd", samples.BEGIN, samples.BEGIN.plus(0.5), True, b"", b"", 0)


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
