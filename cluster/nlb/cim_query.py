"""Edge: reads a host's NLB by one start of ``Get-SipNlb.ps1`` for all readings of a look.

Pairs with `cluster.nlb.cim`, which reads the JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cluster.clock import Clock, Deadline
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
from cluster.nlb.choice import chosen, other_host, unknown_text
from cluster.nlb.cim import CimCluster, parse_state
from cluster.nlb.cim_dialect import complained
from cluster.nlb.output import decode
from cluster.runners.request import Answer, Request, Runner, Verb
from cluster.shared_calls import SharedCalls

MAX_RAW_CHARACTERS = 8192

T = TypeVar("T")


class CimQuery:
    """The NLB readings of one host."""

    def __init__(self, runner: Runner, cluster_ip: str, host_id: int, clock: Clock) -> None:
        """Keep how the host is asked.

        host_id: the configured one; an answer of another host is no reading of this one.
        cluster_ip: the NLB primary IP; on a host with several clusters it selects one.
        """
        request = Request(Verb.QUERY)
        self._calls = SharedCalls(lambda deadline: runner.run(request, deadline), clock)
        self._cluster_ip = cluster_ip.lower()
        self._host_id = host_id
        self._clock = clock

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state."""

        def interpret(cluster: CimCluster) -> tuple[NodeStatus, bool]:
            return cluster.node, cluster.node.state is not NodeState.UNKNOWN

        return self._read("cim node", deadline, NodeStatus(), interpret)

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of a port rule."""

        def interpret(cluster: CimCluster) -> tuple[PortStatus, bool]:
            status = cluster.port(rule)
            return status, status.state is not PortState.UNKNOWN

        return self._read("cim port", deadline, PortStatus(), interpret)

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters and port rules."""

        def interpret(cluster: CimCluster) -> tuple[NlbParams, bool]:
            return cluster.params, cluster.params.rules is not None

        return self._read("cim params", deadline, NlbParams(), interpret)

    def _read(
        self,
        source: str,
        deadline: Deadline,
        unknown: T,
        interpret: Callable[[CimCluster], tuple[T, bool]],
    ) -> Reading[T]:
        """Make a reading of the shared answer. interpret: the value, and whether it is known."""
        began = self._clock.now()
        answer = self._calls.answer(deadline)
        if answer is None:
            problem = Problem(Reason.TIMEOUT, "no answer by the deadline")
            return Reading(unknown, source, began, self._clock.now(), problem=problem)
        value, found = unknown, answer.problem
        if found is None:
            cluster, found = self._own(answer)
            if cluster is not None:
                value, is_known = interpret(cluster)
                found = None if is_known else unknown_text(cluster.problems)
        return Reading(
            value,
            source,
            asked=answer.asked,
            answered=answer.answered,
            problem=found,
            command=answer.command,
            raw=_shown(answer),
        )

    def _own(self, answer: Answer) -> tuple[CimCluster | None, Problem | None]:
        """Return the configured cluster on the configured host, or why it is not there."""
        cluster, problem = chosen(parse_state(answer.stdout), self._cluster_ip)
        if cluster is None:
            return None, complained(problem, answer)
        host_id = cluster.node.host_id
        if host_id is None:
            text = "HostPriority is missing, so that nothing says whose answer this is"
            return None, Problem(Reason.MALFORMED, text)
        if host_id != self._host_id:
            return None, other_host(self._host_id, host_id)
        return cluster, None


def _shown(answer: Answer) -> str:
    text = decode(answer.stdout + answer.stderr, "utf-8")[:MAX_RAW_CHARACTERS].rstrip()
    status = "none" if answer.exit_status is None else str(answer.exit_status)
    return f"{text}\n[exit status {status}]".lstrip("\n")
