"""Edge: reads a host's NLB by one start of ``Get-SipNlb.ps1`` for all readings of a look.

Pairs with `cluster.nlb.cim`, which reads the JSON.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
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

GATHER_SECONDS = 0.02
"""How long a call waits for the other readings of its look; a start of PowerShell takes longer."""

MAX_RAW_CHARACTERS = 8192

T = TypeVar("T")


@dataclass(slots=True)
class _Call:
    """One call that is gathering, under way or answered. deadline: of the reading that began it."""

    deadline: Deadline
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None


class SharedCalls:
    """Lets readings that are asked for at the same moment share one call.

    A call is joined only before it starts, so that its answer is as fresh as one's own would
    be. Calls that are under way hold nobody up: whoever comes later begins a new one.
    """

    def __init__(self, run: Callable[[Deadline], Answer], clock: Clock) -> None:
        """Keep what is called."""
        self._run = run
        self._clock = clock
        self._lock = threading.Lock()
        self._gathering: _Call | None = None

    def answer(self, deadline: Deadline) -> Answer | None:
        """Return the answer to a call that starts now; None if the deadline came first."""
        with self._lock:
            call = self._gathering
            joins = call is not None and call.deadline.monotonic + GATHER_SECONDS >= (
                deadline.monotonic
            )
            if call is None or not joins:
                call = self._gathering = _Call(deadline)
        if joins:
            self._clock.wait(deadline.remaining(self._clock.now()), call.answered)
        else:
            self._carry_out(call)
        return call.answer

    def _carry_out(self, call: _Call) -> None:
        """Wait a moment for others, let nobody else join, and call."""
        pause = min(GATHER_SECONDS, call.deadline.remaining(self._clock.now()))
        self._clock.wait(pause, threading.Event())
        with self._lock:
            if self._gathering is call:
                self._gathering = None
        try:
            call.answer = self._run(call.deadline)
        finally:
            call.answered.set()


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
