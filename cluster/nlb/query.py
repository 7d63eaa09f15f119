"""Edge: asks a host's NLB utility through its runner and makes readings of the answers.

Pairs with `cluster.nlb.output` and `cluster.nlb.params`, which read the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

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
from cluster.nlb import output
from cluster.nlb.choice import chosen, other_host, unknown_text
from cluster.nlb.params import parse_params
from cluster.nlb.phrases import Phrases
from cluster.runners.request import Answer, Request, Runner, Verb

MAX_RAW_CHARACTERS = 8192

T = TypeVar("T")


class NlbQuery:
    """The NLB readings of one host."""

    def __init__(
        self, runner: Runner, phrases: Phrases, cluster_ip: str, host_id: int, code_page: str
    ) -> None:
        """Keep how the host is asked.

        host_id: the configured one; an answer of another host is no reading of this one.
        cluster_ip: the NLB primary IP; on a host with several clusters it selects the block.
        code_page: in which the utility prints, as Python names it.
        """
        self._runner = runner
        self._phrases = phrases
        self._cluster_ip = cluster_ip.lower()
        self._host_id = host_id
        self._code_page = code_page

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state. By hand: ``nlb query``."""

        def interpret(text: str) -> tuple[NodeStatus, Problem | None]:
            parsed = output.parse_query(text, self._phrases)
            status, problem = chosen(parsed, self._cluster_ip)
            if status is None:
                return NodeStatus(), problem
            if status.host_id is not None and status.host_id != self._host_id:
                return NodeStatus(), other_host(self._host_id, status.host_id)
            unread = status.state is NodeState.UNKNOWN
            return status, unknown_text(parsed.problems) if unread else None

        return self._read(Request(Verb.QUERY), deadline, NodeStatus(), interpret)

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of a port rule. By hand: ``nlb queryport PORT``."""

        def interpret(text: str) -> tuple[PortStatus, Problem | None]:
            parsed = output.parse_queryport(text, self._phrases)
            answer, problem = chosen(parsed, self._cluster_ip)
            if answer is None:
                return PortStatus(), problem
            unread = answer.status.state is PortState.UNKNOWN
            return answer.status, unknown_text(parsed.problems) if unread else None

        return self._read(Request(Verb.QUERYPORT, rule), deadline, PortStatus(), interpret)

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters and port rules. By hand: ``nlb params``."""

        def interpret(text: str) -> tuple[NlbParams, Problem | None]:
            parsed = parse_params(text, self._phrases)
            params, problem = chosen(parsed, self._cluster_ip)
            if params is None:
                return NlbParams(), problem
            if params.host_id is None:
                text = "HostPriority is missing, so that nothing says whose rules these are"
                return NlbParams(), Problem(Reason.MALFORMED, text)
            if params.host_id != self._host_id:
                return NlbParams(), other_host(self._host_id, params.host_id)
            return params, None if params.rules is not None else Problem(
                Reason.MALFORMED, "; ".join(parsed.problems)
            )

        return self._read(Request(Verb.PARAMS), deadline, NlbParams(), interpret)

    def _read(
        self,
        request: Request,
        deadline: Deadline,
        unknown: T,
        interpret: Callable[[str], tuple[T, Problem | None]],
    ) -> Reading[T]:
        answer = self._runner.run(request, deadline)
        text = output.decode(answer.stdout + answer.stderr, self._code_page)
        value, problem = unknown, answer.problem
        if problem is None:
            value, problem = interpret(text)
        return Reading(
            value,
            source=f"nlb {request.verb}",
            asked=answer.asked,
            answered=answer.answered,
            problem=problem,
            command=answer.command,
            raw=_shown(answer, text),
        )


def _shown(answer: Answer, text: str) -> str:
    status = "none" if answer.exit_status is None else str(answer.exit_status)
    return f"{text[:MAX_RAW_CHARACTERS].rstrip()}\n[exit status {status}]".lstrip("\n")
