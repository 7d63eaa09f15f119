"""Edge: the only file that makes a request which changes a port.

It carries out one action on one host and says what came back. Whether it helped is for the
reading afterwards to say, never for the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cluster.clock import Deadline, deadline_in
from cluster.config_model import Cluster
from cluster.host_reader import runner_of
from cluster.model import Reason
from cluster.nlb.dialect import Dialect
from cluster.runners.request import Answer, Permit, Request, Runner, Verb
from cluster.surroundings import Surroundings
from remediator.planner import Action, ActionVerb
from remediator.switch_answer import Sent, SwitchAnswer

_VERBS = {ActionVerb.ENABLE: Verb.ENABLE, ActionVerb.DISABLE: Verb.DISABLE}
MAX_SHOWN_CHARACTERS = 1000


class Switch:
    """Carries out actions on the hosts of the configured clusters."""

    def __init__(self, clusters: tuple[Cluster, ...], given: Surroundings) -> None:
        """Wire a runner with the right to change ports for every host that may be commanded."""
        self._clock = given.clock
        self._permit = Permit()
        acting = replace(given, permit=self._permit)
        self._targets: Mapping[tuple[str, str], tuple[Runner, Dialect]] = {
            (cluster.name, host.name): runner_of(cluster, host, acting)
            for cluster in clusters
            for host in cluster.hosts
            if not host.is_peer
        }

    def carry_out(
        self,
        cluster: str,
        action: Action,
        number: int,
        timeout_seconds: float,
        send_before: Deadline,
    ) -> SwitchAnswer:
        """Send one command and wait for its answer, at most `timeout_seconds`.

        send_before: when the readings that allow the command become too old; after that it
        is not sent. number: of the intent, see `Request`. Host and rule come from configuration;
        anything else is a KeyError.
        """
        runner, dialect = self._targets[cluster, action.host]
        request = Request(_VERBS[action.verb], action.rule, send_before, number)
        if send_before.remaining(self._clock.now()) <= 0:
            return SwitchAnswer(Sent.TOO_LATE, command=" ".join(("nlb", *request.arguments())))
        deadline = deadline_in(self._clock, timeout_seconds)
        answer = runner.run(request, deadline, self._permit)
        outcome = dialect.outcome(answer)
        problem = answer.problem or outcome.failure
        refused = problem is not None and problem.reason is Reason.REFUSED
        far = _how_far(answer, send_before.remaining(answer.answered) <= 0)
        return SwitchAnswer(
            sent=Sent.REFUSED if refused else far,
            command=answer.command,
            result=outcome.result,
            output=outcome.text.strip()[:MAX_SHOWN_CHARACTERS],
            exit_status=answer.exit_status,
            problem=problem,
        )


def _how_far(answer: Answer, too_late: bool) -> Sent:
    """too_late: the readings had grown too old when the answer came."""
    if not answer.sent:
        late = too_late and answer.problem is not None and answer.problem.reason is Reason.TIMEOUT
        return Sent.TOO_LATE if late else Sent.NOT_SENT
    return Sent.NO_ANSWER if answer.problem is not None else Sent.ANSWERED
