"""Asking a host: which block of the answer counts, and what becomes of a bad answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.clock import Deadline
from cluster.model import (
    NlbParams,
    NodeState,
    NodeStatus,
    PortState,
    PortStatus,
    Problem,
    Reason,
)
from cluster.nlb.phrases import load
from cluster.nlb.query import NlbQuery
from cluster.runners.request import Answer, Permit, Request
from tests.unit import exporter_samples as samples

DATA = Path(__file__).parents[1] / "data" / "nlb"
TABLES = load()
RULE = samples.cluster().rules[0]
DEADLINE = Deadline(samples.BEGIN.monotonic + 5)


class Says:
    """A runner that always answers the same."""

    def __init__(
        self, text: str, *, problem: Problem | None = None, status: int | None = 1
    ) -> None:
        self.answer = Answer(
            "nlb …",
            samples.BEGIN,
            samples.BEGIN.plus(0.25),
            True,
            text.encode("cp850"),
            b"",
            status,
            problem,
        )
        self.requests: list[str] = []

    def run(self, request: Request, _deadline: Deadline, _permit: Permit | None = None) -> Answer:
        """Answer."""
        self.requests.append(" ".join(request.arguments()))
        return self.answer


def query(runner: Says, cluster_ip: str = "10.7.0.100", host_id: int = 3) -> NlbQuery:
    """Return the readings of a host that answers so."""
    return NlbQuery(runner, TABLES, cluster_ip, host_id, "cp850")


def test_a_reading_carries_command_times_and_raw_output() -> None:
    """What was asked, when, and what came back stand beside the value."""
    runner = Says("Cluster 10.7.0.100\nHost 3 läuft\n")
    reading = query(runner).node(DEADLINE)
    assert reading.value == NodeStatus(cluster_ip="10.7.0.100", host_id=3, clusters=1)
    words = "cluster 10.7.0.100: no phrase matches the state in 'Host 3 läuft'"
    assert reading.problem == Problem(Reason.UNKNOWN_TEXT, words)
    assert reading.raw == "Cluster 10.7.0.100\nHost 3 läuft\n[exit status 1]"
    assert (reading.source, reading.command, runner.requests) == ("nlb query", "nlb …", ["query"])
    assert (reading.asked, reading.answered) == (samples.BEGIN, samples.BEGIN.plus(0.25))


@pytest.mark.parametrize(
    ("cluster_ip", "state"), [("10.7.0.100", PortState.ENABLED), ("10.8.0.200", PortState.DISABLED)]
)
def test_the_configured_cluster_selects_the_block(cluster_ip: str, state: PortState) -> None:
    """On a host with several clusters the configured one is read."""
    runner = Says((DATA / "queryport_two_clusters.txt").read_text("utf-8"))
    reading = query(runner, cluster_ip).port(RULE, DEADLINE)
    assert (reading.value.state, reading.problem) == (state, None)
    assert runner.requests == ["queryport 5070"]


def test_an_answer_of_another_cluster_is_no_answer() -> None:
    """Where only other clusters are reported everything is unknown, and they are named."""
    text = (DATA / "query_two_clusters.txt").read_text("utf-8")
    reading = query(Says(text), "10.9.0.1").node(DEADLINE)
    assert (reading.value, reading.problem) == (
        NodeStatus(),
        Problem(
            Reason.OTHER_CLUSTER,
            "configured is 10.9.0.1, the host reports 10.7.0.100, 10.8.0.200",
        ),
    )


def test_a_single_block_that_names_no_cluster_is_taken() -> None:
    """An answer without a cluster line can only be about the one cluster."""
    reading = query(Says("Rule is disabled\n")).port(RULE, DEADLINE)
    assert (reading.value, reading.problem) == (PortStatus(PortState.DISABLED), None)


def test_parameters_are_read_with_their_rules() -> None:
    """Parameters whose table is not whole keep what was read, and have a problem."""
    text = (DATA / "params_healthy.txt").read_text("utf-8")
    whole = query(Says(text)).params(DEADLINE)
    assert (whole.problem, len(whole.value.rules or ())) == (None, 3)
    cut = query(Says(text.replace("All              7000", "All              abcd"))).params(
        DEADLINE
    )
    assert cut.value == replace(whole.value, rules=None)
    assert cut.problem is not None
    assert cut.problem.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("text", "problem", "expected"),
    [
        (
            "Cluster 10.7.0.100\nHost 3 is stopped\n",
            Problem(Reason.TIMEOUT, "after 2.0 s"),
            Problem(Reason.TIMEOUT, "after 2.0 s"),
        ),
        (
            "Access is denied.",
            None,
            Problem(Reason.NOT_INSTALLED_OR_DENIED, "Access is denied."),
        ),
        (
            "Guten Tag",
            None,
            Problem(
                Reason.UNKNOWN_TEXT, "no line begins as one about a host; last line: 'Guten Tag'"
            ),
        ),
    ],
)
def test_an_answer_that_failed_is_never_read(
    text: str, problem: Problem | None, expected: Problem
) -> None:
    """Half an answer, a refusal and foreign words give no value but the reason."""
    reading = query(Says(text, problem=problem, status=None)).node(DEADLINE)
    assert (reading.value, reading.problem) == (NodeStatus(), expected)
    assert reading.raw.endswith("\n[exit status none]")


def test_foreign_words_give_neither_port_nor_parameters() -> None:
    """Each reading has its own unknown value."""
    asked = query(Says("Guten Tag"))
    port, params = asked.port(RULE, DEADLINE), asked.params(DEADLINE)
    assert (port.value, params.value) == (PortStatus(), NlbParams())
    assert [reading.problem and reading.problem.reason for reading in (port, params)] == [
        Reason.UNKNOWN_TEXT,
        Reason.UNKNOWN_TEXT,
    ]


def test_a_stopped_node_is_a_good_answer() -> None:
    """A node that is stopped was read; stopped is no problem of the reading."""
    text = (DATA / "query_stopped.txt").read_text("utf-8")
    reading = query(Says(text), host_id=7).node(DEADLINE)
    assert (reading.value.state, reading.problem) == (NodeState.STOPPED, None)


def test_an_answer_of_another_host_is_no_answer() -> None:
    """Where one program answers for two hosts, the wrong one is unknown, not a second truth."""
    asked = query(
        Says("Cluster 10.7.0.100\nHost 3 converged with the following host(s):\n3\n"), host_id=7
    )
    text = "configured is host id 7, the answer is of host id 3"
    reading = asked.node(DEADLINE)
    assert (reading.value, reading.problem) == (NodeStatus(), Problem(Reason.OTHER_HOST, text))
    params = query(Says((DATA / "params_healthy.txt").read_text("utf-8")), host_id=7).params(
        DEADLINE
    )
    assert (params.value, params.problem) == (NlbParams(), Problem(Reason.OTHER_HOST, text))


def test_parameters_that_name_no_host_permit_nothing() -> None:
    """Whose rules they are must be said before a command rests on them."""
    text = (DATA / "params_healthy.txt").read_text("utf-8").replace("HostPriority", "HostPrio")
    params = query(Says(text)).params(DEADLINE)
    said = "HostPriority is missing, so that nothing says whose rules these are"
    assert (params.value, params.problem) == (NlbParams(), Problem(Reason.MALFORMED, said))
