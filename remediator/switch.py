"""Edge: the only file that makes a request which changes a port.

It carries out one action on one host and says what came back. Whether it helped is for the
reading afterwards to say, never for the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.clock import Clock, Deadline, deadline_in
from cluster.config_model import Cluster
from cluster.model import Problem
from cluster.nlb import output, phrases
from cluster.nlb.phrases import Phrases
from cluster.observe import runner_for
from cluster.runners.request import Permit, Request, Runner, Verb
from remediator.planner import Action, ActionVerb
from remediator.switch_answer import Sent, SwitchAnswer

_VERBS = {ActionVerb.ENABLE: Verb.ENABLE, ActionVerb.DISABLE: Verb.DISABLE}
MAX_SHOWN_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class _Target:
    runner: Runner
    phrases: Phrases
    code_page: str


class Switch:
    """Carries out actions on the hosts of the configured clusters."""

    def __init__(self, clusters: tuple[Cluster, ...], clock: Clock) -> None:
        """Wire a runner with the right to change ports for every host."""
        self._clock = clock
        self._permit = Permit()
        self._targets: Mapping[tuple[str, str], _Target] = {
            (cluster.name, host.name): _Target(
                runner_for(host, clock, self._permit),
                phrases.load(host.nlb.phrases_file),
                host.nlb.code_page,
            )
            for cluster in clusters
            for host in cluster.hosts
        }

    def carry_out(
        self, cluster: str, action: Action, timeout_seconds: float, send_before: Deadline
    ) -> SwitchAnswer:
        """Send one command and wait for its answer, at most `timeout_seconds`.

        send_before: when the readings that allow the command become too old; after that it
        is not sent. Host and rule come from configuration; anything else is a KeyError.
        """
        target = self._targets[cluster, action.host]
        request = Request(_VERBS[action.verb], action.rule)
        if send_before.remaining(self._clock.now()) <= 0:
            return SwitchAnswer(Sent.TOO_LATE, command=" ".join(("nlb", *request.arguments())))
        deadline = deadline_in(self._clock, timeout_seconds)
        answer = target.runner.run(request, deadline, self._permit)
        text = output.decode(answer.stdout + answer.stderr, target.code_page)
        failure = output.failure_in(text, target.phrases) if answer.problem is None else None
        return SwitchAnswer(
            sent=_how_far(answer.sent, answer.problem),
            command=answer.command,
            result=output.parse_result(text, target.phrases),
            output=text.strip()[:MAX_SHOWN_CHARACTERS],
            exit_status=answer.exit_status,
            problem=answer.problem or failure,
        )


def _how_far(sent: bool, problem: Problem | None) -> Sent:
    if not sent:
        return Sent.NOT_SENT
    return Sent.NO_ANSWER if problem is not None else Sent.ANSWERED
